"""Raw logs with a torn row, or with dates that read two ways."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oncall.telemetry.logs import count_requests

LINE = "2025-03-04T18:00:00Z,200,31\n"


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        (LINE * 50 + "2025-03-04T18:1", "row 52 has 1 cells for 3 columns"),
        (LINE * 50 + "2025-03-04T18:10:00Z,20", "row 52 has 2 cells for 3 columns"),
        (LINE * 20 + "2025-03-04T18:10:00Z\n" + LINE * 20, "row 22 has 1 cells for 3 columns"),
        (LINE * 20 + "2025-03-04T18:10:00Z,200,1,9\n", "row 22 has 4 cells for 3 columns"),
        ("0Z,20\n" + LINE * 50, "row 2 has 2 cells for 3 columns"),
    ],
)
def test_a_torn_row_of_a_log_is_told_by_its_number(text: str, odd: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("timestamp,status,latency_ms\n" + text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"log\.csv, {odd}; if it is torn, remove it"):
        count_requests(path, good="status < 500")


TWO_READINGS = (
    "03/04/2025 18:00:00",
    "13/04/2025 18:00:00",
    "04/13/2025 18:00",
    "03-04-2025",
    "3/4/25",
)


@pytest.mark.parametrize("date", TWO_READINGS)
def test_a_date_that_reads_two_ways_is_never_guessed(date: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("timestamp,status\n" + f"{date},200\n" * 9, encoding="utf-8")
    with pytest.raises(ValueError, match="03/04/2025 is text, for it reads two ways"):
        count_requests(path, good="status < 500")


@pytest.mark.parametrize(("form", "month"), [("%d/%m/%Y", 4), ("%m/%d/%Y", 3)])
def test_whoever_says_how_to_read_it_is_believed(form: str, month: int, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("timestamp,status\n" + "03/04/2025,200\n" * 9, encoding="utf-8")
    read = f"strptime(timestamp, '{form}')"
    counts = count_requests(path, good="status < 500", timestamp=read)
    assert (counts.start.month, sum(counts.good)) == (month, 9)


@pytest.mark.parametrize("date", ["2025-04-03 18:00:00", "2025/04/03 18:00:00", "2025-04-03"])
def test_a_year_first_reads_one_way(date: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("timestamp,status\n" + f"{date},200\n" * 9, encoding="utf-8")
    counts = count_requests(path, good="status < 500")
    assert (counts.start.month, counts.start.day) == (4, 3)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are files of POSIX systems")
@pytest.mark.parametrize("kind", ["pipe", "zeros", "gone"])
@pytest.mark.parametrize("within", [False, True], ids=["alone", "in a folder"])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(
    kind: str, within: bool, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "zeros" else "nowhere")
    with pytest.raises((ValueError, OSError), match=r"log\.csv"):
        count_requests(tmp_path if within else path, good="status < 500")


def test_a_folder_of_files_that_is_itself_called_csv_is_read(tmp_path: Path) -> None:
    for name in ("logs/march.csv", "logs/april.csv"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "part-0.csv").write_text("timestamp,status\n2025-03-04T18:00:00Z,200\n")
    for source in ("logs", "logs/march.csv"):
        wanted = 2 if source == "logs" else 1
        assert sum(count_requests(tmp_path / source, good="status < 500").total) == wanted
