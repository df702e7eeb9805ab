"""Counts from CSV files: what is read, and what is refused with file, row and column."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oncall.counts import Counts, MissingBuckets, read_csv
from oncall.times import HOUR, MINUTE, SECOND, moment_text, parse_moment

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)

HEADER = "start,good,total\n"
FIRST = "2024-12-04T23:48:00Z,9,10\n"
SECOND_ROW = "2024-12-04T23:49:00Z,8,10\n"
TWO_ROWS = Counts(T0, MINUTE, [9, 8], [10, 10])

File = Callable[[str | bytes], Path]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """Writes counts.csv with this content, byte for byte, and gives its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "counts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path, **options: Any) -> str:
    """What read_csv says about a file that it refuses, without the file's name in front."""
    with pytest.raises(ValueError, match=r".") as error:
        read_csv(path, **options)
    assert str(error.value).startswith(str(path))
    return str(error.value)[len(str(path)) :]


def rows_of_one(*moments: datetime) -> str:
    """A row with 1 good of 1 event for each moment."""
    return "".join(f"{moment_text(moment)},1,1\n" for moment in moments)


# --- files that are read -------------------------------------------------------------------------

QUOTED_ROW = '"2024-12-04T23:48:00Z","9","10"\n'
WITHOUT_SECONDS = "10,eu,9,2024-12-04T23:48Z\n10,eu,8,2024-12-04T23:49Z\n"

# All of them say the two rows above.
GOOD_FILES: dict[str, str | bytes] = {
    "plain": HEADER + FIRST + SECOND_ROW,
    "timestamp instead of start": "timestamp,good,total\n" + FIRST + SECOND_ROW,
    "byte order mark": (HEADER + FIRST + SECOND_ROW).encode("utf-8-sig"),
    "CRLF": (HEADER + FIRST + SECOND_ROW).replace("\n", "\r\n"),
    "no last newline": (HEADER + FIRST + SECOND_ROW).rstrip(),
    "blank lines": HEADER + "\n" + FIRST + "\n\n" + SECOND_ROW + "\n",
    "quoted": '"start","good","total"\n' + QUOTED_ROW + SECOND_ROW,
    "spaces around values": HEADER + " 2024-12-04T23:48:00Z , 9 , 10 \n" + SECOND_ROW,
    "mixed offsets": HEADER + "2024-12-05T05:33:00+05:45,9,10\n" + SECOND_ROW,
    "more columns": "total,at,good,start\n" + WITHOUT_SECONDS,
    "spaces around column names": "start, good ,total\n" + FIRST + SECOND_ROW,
    "pandas's floats": HEADER + FIRST.replace("9,10", "9.0,10.0") + SECOND_ROW,
    "Unix seconds": HEADER + "1733356080,9,10\n1733356140.000,8,10\n",
    "Unix milliseconds": HEADER + "1733356080000,9,10\n1733356140000,8,10\n",
    "start goes before timestamp": "start,good,total,timestamp\n" + FIRST + SECOND_ROW,
}


@pytest.mark.parametrize("content", GOOD_FILES.values(), ids=GOOD_FILES)
def test_a_csv_file_is_read(file: File, content: str | bytes) -> None:
    assert read_csv(file(content)) == TWO_ROWS


def test_columns_with_other_names_are_named_in_the_call(file: File) -> None:
    path = file("at,ok,requests,good\n2024-12-04T23:48Z,9,10,x\n2024-12-04T23:49Z,8,10,x\n")
    assert read_csv(path, start="at", good="ok", total="requests") == TWO_ROWS


def test_a_path_may_be_text(file: File) -> None:
    assert read_csv(str(file(HEADER + FIRST + SECOND_ROW))) == TWO_ROWS


def test_a_file_without_gaps_is_read_without_a_warning(file: File) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_csv(file(HEADER + FIRST + SECOND_ROW))


def test_missing_buckets_are_read_as_no_data_and_reported(file: File) -> None:
    later = "2024-12-04T23:52:00Z,5,6\n2024-12-04T23:53:00Z,5,6\n"
    path = file(HEADER + FIRST + SECOND_ROW + later)
    report = r"counts\.csv: 2 of 6 buckets of 1m are missing"
    with pytest.warns(MissingBuckets, match=report) as caught:
        counts = read_csv(path)
    assert counts == Counts(T0, MINUTE, [9, 8, 0, 0, 5, 5], [10, 10, 0, 0, 6, 6], [2, 3])
    assert caught[0].filename == __file__  # the warning points at the caller's line


def test_the_step_is_the_commonest_distance_between_rows(file: File) -> None:
    moments = [datetime(2024, 12, 4, hour, tzinfo=UTC) for hour in (1, 4, 5, 6, 9)]
    with pytest.warns(MissingBuckets, match="4 of 9 buckets of 1h"):
        assert read_csv(file(HEADER + rows_of_one(*moments))).step == HOUR


def test_a_step_that_is_given_goes_before_what_the_rows_suggest(file: File) -> None:
    path = file(HEADER + FIRST + SECOND_ROW)
    with pytest.warns(MissingBuckets, match="1 of 3 buckets of 30s"):
        counts = read_csv(path, step=30 * SECOND)
    assert counts.total.tolist() == [10, 0, 10]


def test_a_gap_of_100_000_buckets_is_read_and_its_length_told_in_thousands(file: File) -> None:
    late = T0 + 100_001 * MINUTE
    path = file(HEADER + FIRST + SECOND_ROW + rows_of_one(late, late + MINUTE))
    with pytest.warns(MissingBuckets, match=r"99,999 of 100,003 buckets of 1m are missing"):
        read_csv(path)


def test_one_row_is_enough_when_the_step_is_given(file: File) -> None:
    assert read_csv(file(HEADER + FIRST), step=MINUTE) == Counts(T0, MINUTE, [9], [10])


UNIX_SECONDS = [1733356080, 1899999999, 1999999999, 2024130100, 2024120024, 2024123200]


@pytest.mark.parametrize("seconds", UNIX_SECONDS)
def test_ten_digits_that_are_no_date_with_its_hour_are_unix_seconds(
    file: File, seconds: int
) -> None:
    counts = read_csv(file(HEADER + f"{seconds},9,10\n"), step=MINUTE)
    assert counts.start == datetime.fromtimestamp(seconds, UTC)


# --- files that are refused ----------------------------------------------------------------------


def test_an_empty_file_is_refused(file: File) -> None:
    assert "needs one column 'start'; it has none" in refusal(file(""))


def test_a_header_without_rows_is_refused(file: File) -> None:
    assert "has too few rows (0); give two or more" in refusal(file(HEADER))
    with pytest.raises(ValueError, match="too few rows"):
        read_csv(file(HEADER), step=MINUTE)


def test_a_single_row_without_a_step_is_refused(file: File) -> None:
    text = refusal(file(HEADER + FIRST))
    assert "has too few rows (1); give two or more, or one and the option step" in text


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory; give a file" in refusal(tmp_path)


def test_a_missing_file_keeps_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nowhere.csv")


NO_UTF_8 = {
    "gzip": gzip.compress(b"start"),
    "UTF-16": HEADER.encode("utf-16"),
    "Latin-1": b"start,good,total,caf\xe9\n",
}


@pytest.mark.parametrize("content", NO_UTF_8.values(), ids=NO_UTF_8)
def test_a_file_that_is_no_utf_8_text_is_refused(file: File, content: bytes) -> None:
    assert ", line 1: not UTF-8 text" in refusal(file(content))


@pytest.mark.parametrize("header", ["when,good,total", "start;good;total", "start,Good,total"])
def test_a_file_without_a_column_it_needs_is_refused_with_the_columns_it_has(
    file: File, header: str
) -> None:
    text = refusal(file(f"{header}\n" + FIRST))
    assert "needs one column" in text
    assert all(repr(name) in text for name in header.split(","))
    assert text.endswith("; the options start, good and total name others")


def test_a_file_with_two_columns_of_one_name_is_refused(file: File) -> None:
    text = refusal(file("start,good,total,good\n" + FIRST))
    assert "needs one column 'good'; it has 'start', 'good'" in text


# Each is the third row, after the header and a good row; then its column, and the reason.
BAD_ROWS = {
    "more good than events": ("2024-12-04T23:49Z,11,10", "good", "11 good of only 10 events"),
    "a negative count": ("2024-12-04T23:49Z,-1,10", "good", "'-1' is not a whole number"),
    "a fraction": ("2024-12-04T23:49Z,8,10.5", "total", "'10.5' is not a whole number"),
    "12 or 12 thousand": ("2024-12-04T23:49Z,8,12.000", "total", "'12.000' is not a"),
    "an exponent": ("2024-12-04T23:49Z,8,1e1", "total", "'1e1' is not a whole number"),
    "text": ("2024-12-04T23:49Z,8,ten", "total", "'ten' is not a whole number"),
    "nan": ("2024-12-04T23:49Z,nan,10", "good", "'nan' is not a whole number"),
    "an empty cell": ("2024-12-04T23:49Z,,10", "good", "'' is not a whole number"),
    "a row that is too short": ("2024-12-04T23:49Z,8", "total", "'' is not a whole number"),
    "a thousands comma": ('2024-12-04T23:49Z,8,"1,000"', "total", "'1,000' is not a whole number"),
    "digits that are not ASCII": ("2024-12-04T23:49Z,8,١٠", "total", "is not a whole number"),
    "a NUL byte": ("2024-12-04T23:49Z,8\0,10", "good", "is not a whole number"),
    "a count that is too large": (f"2024-12-04T23:49Z,8,{2**63}", "total", "below 2**63"),
    "a naive time": ("2024-12-04T23:49,8,10", "start", "has no time zone"),
    "a date": ("2024-12-04,8,10", "start", "has no time zone"),
    "a time that is text": ("yesterday,8,10", "start", "'yesterday' is not a time"),
    "a number of nine digits": ("173335614,8,10", "start", "'173335614' is not a time"),
    "no time": (",8,10", "start", "'' is not a time"),
    "a date and an hour": ("2024120500,8,10", "start", "may be a date with its hour"),
    "the same as a float": ("1999123123.0,8,10", "start", "may be a date with its hour"),
    "a time before all times": ("0001-01-01T00:00+01:00,8,10", "start", "not from 1900 to"),
    "the first moment that Go knows": ("0001-01-01T00:00:00Z,8,10", "start", "not from 1900 to"),
    "the last moment of all": ("9999-12-31T23:59:59Z,8,10", "start", "is not from 1900 to 2200"),
    "the last one in the west": ("9999-12-31T23:59-12:00,8,10", "start", "not from 1900 to 2200"),
    "Unix time in 2286": ("9999999999,8,10", "start", "2286-11-20T17:46:39+00:00 is not from"),
    "the same in milliseconds": ("9999999999999,8,10", "start", "is not from 1900 to 2200"),
    "a count of 5,000 digits": (f"2024-12-04T23:49Z,8,{'9' * 5000}", "total", "is not a whole"),
    "a duplicate": ("2024-12-04T23:48Z,8,10", "start", "not after the row"),
    "a duplicate elsewhere": ("2024-12-05T00:48+01:00,8,10", "start", "not after the row"),
    "disorder": ("2024-12-04T23:47Z,8,10", "start", "not after the row"),
}


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_refused_with_file_row_and_column(
    file: File, row: str, column: str, reason: str
) -> None:
    text = refusal(file(HEADER + FIRST + row + "\n" + "2024-12-04T23:50:00Z,8,10\n"))
    assert text.startswith(f", row 3, column '{column}': ")
    assert reason in text


def test_what_to_write_instead_of_a_date_and_its_hour_can_be_read(file: File) -> None:
    text = refusal(file(HEADER + "2024120423,9,10\n" + SECOND_ROW))
    assert parse_moment(text.partition("write ")[2]) == datetime(2024, 12, 4, 23, tzinfo=UTC)


def test_a_row_with_more_cells_than_the_header_is_refused_with_both_numbers(file: File) -> None:
    text = refusal(file("start,total,good\n2024-12-04T23:48:00Z,12,000,11,988\n"))
    assert text == ", row 2 has 5 cells for 3 columns; quote or drop a comma"


def test_rows_are_counted_as_an_editor_counts_lines(file: File) -> None:
    text = refusal(file(HEADER + "\n\n" + FIRST + "\nx,1,1\n"))
    assert text.startswith(", row 6, column 'start'")


def test_a_named_column_is_called_by_its_name(file: File) -> None:
    text = refusal(file("at,ok,n\n2024-12-04T23:48Z,9,8\n"), start="at", good="ok", total="n")
    assert text.startswith(", row 2, column 'ok'")
    twice = refusal(file("at,ok,n\n" + FIRST + FIRST), start="at", good="ok", total="n")
    assert twice.startswith(", row 3, column 'at'")


def test_a_row_that_csv_cannot_hold_is_refused(file: File) -> None:
    assert ", row 2: not CSV (field larger" in refusal(
        file(HEADER + FIRST + "x" * 200_000 + ",1,1\n")
    )


@pytest.mark.parametrize("step", [timedelta(), -MINUTE, 60])
def test_a_step_for_a_file_must_be_a_length_of_time(file: File, step: Any) -> None:
    with pytest.raises(ValueError, match="step must be a timedelta above zero"):
        read_csv(file(HEADER + FIRST), step=step)


# --- gaps that are no gaps -----------------------------------------------------------------------

IN_THE_YEAR_2124 = "2124-12-04T23:50:00Z,1,1\n"


def test_a_row_off_the_grid_is_refused_and_the_grid_named(file: File) -> None:
    off_grid = rows_of_one(T0 + 2 * MINUTE, T0 + 3.5 * MINUTE)
    text = refusal(file(HEADER + FIRST + SECOND_ROW + off_grid))
    where = ", row 5, column 'start': 2024-12-04T23:51:30Z"
    assert text.startswith(f"{where}, 1m30s after the row above, does not fit 1m")


def test_a_date_a_hundred_years_off_is_refused_before_it_fills_the_memory(file: File) -> None:
    text = refusal(file(HEADER + FIRST + SECOND_ROW + IN_THE_YEAR_2124))
    assert text.startswith(", row 4, column 'start'")
    assert "36524d1m after the row above, leaves out 52,594,560 buckets of 1m; mend" in text


def test_a_long_gap_is_read_once_the_step_is_given_as_the_refusal_says(file: File) -> None:
    monday, wednesday = (datetime(2024, 12, day, tzinfo=UTC) for day in (2, 4))
    before = [monday + SECOND * i for i in range(600)]
    after = [wednesday + SECOND * i for i in range(400)]
    path = file(HEADER + rows_of_one(*before, *after))
    advice = "mend one of the two; if the gap is real, give the option step (1s)"
    assert refusal(path).endswith(advice)
    with pytest.warns(MissingBuckets, match=r"172,200 of 173,200 buckets of 1s"):
        counts = read_csv(path, step=SECOND)
    assert (counts.start, counts.end, sum(counts.total)) == (monday, wednesday + 400 * SECOND, 1000)


@pytest.mark.parametrize("options", [{}, {"step": MINUTE}], ids=["no step", "a step"])
def test_a_gap_beyond_all_data_is_refused_with_a_step_too(
    file: File, options: dict[str, Any]
) -> None:
    text = refusal(file(HEADER + FIRST + SECOND_ROW + IN_THE_YEAR_2124), **options)
    advice = "mend one of the two or give another step"
    assert text.endswith(f"52,594,560 buckets of 1m; {advice}")


def test_a_date_ten_years_off_is_refused_at_either_end_of_a_file(file: File) -> None:
    early = "2014-12-04T23:47:00Z,1,1\n"
    late = "2034-12-04T23:49:00Z,1,1\n2034-12-04T23:50:00Z,1,1\n"
    assert ", row 3, column 'start': 2024" in refusal(file(HEADER + early + FIRST + SECOND_ROW))
    assert ", row 4, column 'start': 2034" in refusal(file(HEADER + FIRST + SECOND_ROW + late))


def test_in_a_long_file_a_date_ten_years_off_is_read_as_a_gap(file: File) -> None:
    hours = rows_of_one(*(T0 - HOUR * i for i in range(1100, 0, -1)))
    too_late = refusal(file(HEADER + hours + "2038-12-04T23:48:00Z,1,1\n"))
    assert ", row 1102, column 'start': 2038" in too_late
    with pytest.warns(MissingBuckets, match=r"105,192 of 106,293"):
        read_csv(file(HEADER + hours + "2036-12-04T23:48:00Z,1,1\n"))
