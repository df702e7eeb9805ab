"""The README's Python, run from top to bottom as a reader would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def logs(folder: Path) -> None:
    """A day of requests, two a minute; all of them fail from noon on for an hour."""
    pytest.importorskip("duckdb", reason="duckdb counts the logs: pip install 'oncall-workbook[logs]'")
    folder.mkdir()
    minute = np.arange(2 * 1440) // 2
    status = np.where(minute // 60 == 12, 503, 200)
    moments = pd.Timestamp("2025-03-04", tz="UTC") + pd.to_timedelta(minute, unit="min")
    frame = pd.DataFrame({"timestamp": moments, "status": status})
    frame.to_csv(folder / "day.csv", index=False)


def test_every_block_runs_after_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(tmp_path / "logs")
    (tmp_path / "evals").mkdir()
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block.replace("*.parquet", "*.csv"), names)  # no parquet writer is installed for this alone
    assert len(BLOCKS) == 3
    assert "14.4x 1h/5m 2025-03-04 12:01:00+00:00" in capsys.readouterr().out
    names["test_no_incident_comes_back"]()
    assert len((tmp_path / "INC-7.jsonl").read_text().splitlines()) == 4
