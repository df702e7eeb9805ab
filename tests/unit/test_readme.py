"""The README's Python, run from top to bottom as a reader would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

# A day of requests, two a minute; all of them fail from noon on for an hour.
LOGS = """COPY (
    SELECT TIMESTAMPTZ '2025-03-04 00:00:00+00' + to_seconds(30 * i) AS timestamp,
           CASE WHEN i // 120 = 12 THEN 503 ELSE 200 END AS status
    FROM range(2880) AS requests(i)
) TO 'logs/day.parquet' (FORMAT parquet)"""


def test_every_block_runs_after_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    duckdb = pytest.importorskip(
        "duckdb", reason="duckdb counts the logs: pip install 'oncall-workbook[logs]'"
    )
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    duckdb.sql(LOGS)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    assert len(BLOCKS) == 3
    assert "14.4x 1h/5m 2025-03-04 12:01:00+00:00" in capsys.readouterr().out
    names["test_no_incident_comes_back"]()
    assert len((tmp_path / "INC-7.jsonl").read_text().splitlines()) == 4
