"""The README: its Python, run from top to bottom, and the lessons, rooms and extras it shows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from house import PACKAGE, ROOT, arrows

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))

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
    for block in BLOCKS[:4]:
        exec(block, names)
    assert len(BLOCKS) == 5
    printed = capsys.readouterr().out
    assert "14.4x 1h/5m 2025-03-04 12:01:00+00:00" in printed
    assert "2025-11-04T17:04:00Z ana is paged: availability burns its budget" in printed
    names["test_no_incident_comes_back"]()
    assert len((tmp_path / "INC-7.jsonl").read_text().splitlines()) == 4


def test_the_block_of_inspect_runs_where_inspect_is() -> None:
    pytest.importorskip("inspect_ai", reason="pip install 'oncall-workbook[agents]'")
    names: dict[str, Any] = {}
    exec(BLOCKS[4], names)
    assert len(names["task"].dataset) == 40


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_linked_with_its_picture(lesson: Path) -> None:
    assert f'<a href="notebooks/{lesson.name}">{lesson.stem[:2]} ' in TEXT
    assert f'<img src="notebooks/pictures/{lesson.stem}.png"' in TEXT


def test_each_room_stands_in_the_table_of_the_library() -> None:
    named = re.findall(
        r"`([\w/]+)`", "".join(re.findall(r"^\| (`.+?) \|", library(), re.MULTILINE))
    )
    folders = {f"{name}/" for name in arrows() if (PACKAGE / name).is_dir()}
    flat = {name for name in arrows() if f"{name}/" not in folders and not name.startswith("__")}
    assert sorted(named) == sorted(folders | flat)


def library() -> str:
    """The section on the library."""
    return TEXT.partition("\n## The library\n")[2].partition("\n## ")[0]


def test_each_extra_stands_in_the_table_of_extras() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = TEXT.partition("| extra | for |")[2].partition("\n\n")[0]
    extras = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert extras == list(pyproject["project"]["optional-dependencies"])


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)|(?:href|src)=\"([^\"#]+)\"", TEXT)
    assert len(links) > 20
    for target in (one or other for one, other in links):
        assert (ROOT / target).is_file(), target


@pytest.mark.parametrize("place", ["README.md", "oncall/telemetry/logs.py"])
def test_the_rule_for_what_is_valid_keeps_the_night_of_4_december(place: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    told = " ".join((ROOT / place).read_text(encoding="utf-8").split())
    [valid] = re.findall(r'valid="([^"]+)"', told)
    kept = duckdb.sql(
        f"SELECT status FROM (VALUES (200), (404), (429), (499), (530)) AS log(status) "
        f"WHERE {valid} ORDER BY status"
    ).fetchall()
    assert [status for (status,) in kept] == [200, 429, 499, 530]
