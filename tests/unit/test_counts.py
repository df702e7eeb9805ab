"""Counts: files in and out, slices and sums, pandas and numpy, and everything that is refused."""

from __future__ import annotations

import gzip
import warnings
from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.counts import Counts, MissingBuckets, read_csv
from oncall.times import DAY, HOUR, MINUTE, SECOND

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


def refusal(path: Path, **named: Any) -> str:
    """What read_csv says about a file that it refuses; every refusal names the file."""
    with pytest.raises(ValueError, match=r".") as error:
        read_csv(path, **named)
    assert str(error.value).startswith(str(path))
    return str(error.value)[len(str(path)) :]


# --- the series itself ---------------------------------------------------------------------------


def test_counts_keep_their_start_in_utc() -> None:
    counts = Counts(T0.astimezone(ZoneInfo("America/Chicago")), MINUTE, [1], [1])
    assert (counts.start, counts.start.tzinfo) == (T0, UTC)


def test_a_series_ends_a_step_after_its_last_bucket_starts() -> None:
    assert (len(TWO_ROWS), TWO_ROWS.end) == (2, T0 + 2 * MINUTE)


def test_counts_do_not_change_when_the_array_they_were_made_from_does() -> None:
    given_good = array("q", [1, 2])
    counts = Counts(T0, MINUTE, given_good, [2, 2])
    given_good.append(7)
    assert list(counts.good) == [1, 2]


def test_counts_with_the_same_events_are_equal() -> None:
    assert Counts(T0, MINUTE, (9, 8), iter([10, 10])) == TWO_ROWS
    assert Counts(T0, MINUTE, [9, 7], [10, 10]) != TWO_ROWS


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="start 2024-12-04T23:48:00 has no time zone"):
        Counts(datetime(2024, 12, 4, 23, 48), MINUTE, [1], [1])


@pytest.mark.parametrize("step", [timedelta(), -MINUTE, 60, None])
def test_a_step_that_is_no_length_of_time_is_refused(step: Any) -> None:
    with pytest.raises(ValueError, match="step must be a timedelta above zero"):
        Counts(T0, step, [1], [1])


def test_more_good_events_than_events_are_refused_with_the_bucket() -> None:
    with pytest.raises(ValueError, match="bucket 1 has 3 good of 2 events"):
        Counts(T0, MINUTE, [1, 3], [1, 2])


def test_negative_counts_are_refused_with_the_bucket() -> None:
    with pytest.raises(ValueError, match="bucket 0 has -1 good of 2 events"):
        Counts(T0, MINUTE, [-1], [2])


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="good has 1 buckets and total 2"):
        Counts(T0, MINUTE, [1], [1, 2])


@pytest.mark.parametrize(
    "total", [[1.0], [1.5], ["1"], "1", [None], [2**63], None, 1, [[1]], [Fraction(1)]]
)
def test_what_is_no_whole_number_below_2_to_the_63_is_refused(total: Any) -> None:
    with pytest.raises(ValueError, match=r"total must be whole numbers below 2\*\*63"):
        Counts(T0, MINUTE, [0], total)


def test_a_long_series_is_shown_in_a_line() -> None:
    assert (
        repr(TEN) == "Counts(start=2024-12-04T23:48:00Z, step=1m, buckets=10, good=45, total=145)"
    )
    assert repr(TWO_ROWS.slice(end=T0)).endswith("buckets=0, good=0, total=0)")


def test_the_largest_count_is_2_to_the_63_less_1() -> None:
    assert Counts(T0, MINUTE, [0], [2**63 - 1]).total[0] == 2**63 - 1


# --- numpy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_every_integer_type_of_numpy_is_read(kind: str) -> None:
    assert Counts(T0, MINUTE, np.array([9, 8], kind), np.array([10, 10], kind)) == TWO_ROWS


@pytest.mark.parametrize(
    "total",
    [
        np.array([1.0]),
        np.array([True]),
        np.array([2**63], "uint64"),
        pd.Series([None], dtype="Int64"),
    ],
)
def test_numpy_values_that_are_no_counts_are_refused(total: Any) -> None:
    with pytest.raises(ValueError, match=r"total must be whole numbers below 2\*\*63"):
        Counts(T0, MINUTE, [0], total)


def test_numpy_sees_the_counts_without_a_copy() -> None:
    counts = Counts(T0, MINUTE, [9, 8], [10, 10])
    view = np.asarray(counts.total)
    assert view.dtype == np.int64
    counts.total[1] = 77
    assert view.tolist() == [10, 77]
    assert np.shares_memory(view, np.asarray(counts.total))


# --- slices and sums -----------------------------------------------------------------------------

TEN = Counts(T0, MINUTE, range(10), range(10, 20))


def test_a_slice_holds_the_buckets_that_lie_whole_within_its_bounds() -> None:
    assert TEN.slice(T0 + 2 * MINUTE, T0 + 5 * MINUTE) == Counts(
        T0 + 2 * MINUTE, MINUTE, [2, 3, 4], [12, 13, 14]
    )


def test_a_bucket_that_a_bound_cuts_is_left_out() -> None:
    assert TEN.slice(T0 + 61 * SECOND, T0 + 299 * SECOND) == Counts(
        T0 + 2 * MINUTE, MINUTE, [2, 3], [12, 13]
    )


def test_a_slice_without_bounds_or_with_wider_ones_is_the_whole() -> None:
    assert TEN.slice() == TEN == TEN.slice(T0 - DAY, T0 + DAY)


@pytest.mark.parametrize(
    "bounds", [(T0 + DAY, None), (None, T0), (None, T0 - DAY), (T0 + 5 * MINUTE, T0 + MINUTE)]
)
def test_a_slice_beside_the_data_is_empty(bounds: tuple[datetime | None, datetime | None]) -> None:
    assert len(TEN.slice(*bounds)) == 0


def test_a_slice_refuses_a_naive_bound() -> None:
    with pytest.raises(ValueError, match=r"end .* has no time zone"):
        TEN.slice(end=datetime(2024, 12, 5))


def test_resampling_adds_the_events_of_neighbouring_buckets_up() -> None:
    assert TEN.resample(5 * MINUTE) == Counts(T0, 5 * MINUTE, [10, 35], [60, 85])


def test_resampling_keeps_a_last_bucket_that_is_only_partly_filled() -> None:
    assert TEN.resample(4 * MINUTE) == Counts(T0, 4 * MINUTE, [6, 22, 17], [46, 62, 37])


@pytest.mark.parametrize("step", [90 * SECOND, 30 * SECOND])
def test_resampling_to_what_is_no_multiple_is_refused_with_what_would_do(step: timedelta) -> None:
    with pytest.raises(
        ValueError, match=r"cannot resample 1m buckets to .*; give a multiple of 1m"
    ):
        TEN.resample(step)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.integers(1, 40))
def test_resampling_loses_no_event(rows: list[tuple[int, int]], width: int) -> None:
    counts = Counts(T0, MINUTE, [good for good, _ in rows], [good + bad for good, bad in rows])
    longer = counts.resample(width * MINUTE)
    assert (sum(longer.good), sum(longer.total)) == (sum(counts.good), sum(counts.total))
    assert len(longer) == -(-len(counts) // width)


# --- files that are read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + FIRST + SECOND_ROW, id="plain"),
        pytest.param(
            "timestamp,good,total\n" + FIRST + SECOND_ROW, id="timestamp instead of start"
        ),
        pytest.param((HEADER + FIRST + SECOND_ROW).encode("utf-8-sig"), id="byte order mark"),
        pytest.param((HEADER + FIRST + SECOND_ROW).replace("\n", "\r\n"), id="CRLF"),
        pytest.param((HEADER + FIRST + SECOND_ROW).rstrip(), id="no last newline"),
        pytest.param(HEADER + "\n" + FIRST + "\n\n" + SECOND_ROW + "\n", id="blank lines"),
        pytest.param(
            '"start","good","total"\n' + '"2024-12-04T23:48:00Z","9","10"\n' + SECOND_ROW,
            id="quoted",
        ),
        pytest.param(
            HEADER + " 2024-12-04T23:48:00Z , 9 , 10 \n" + SECOND_ROW, id="spaces around values"
        ),
        pytest.param(HEADER + "2024-12-05T05:33:00+05:45,9,10\n" + SECOND_ROW, id="mixed offsets"),
        pytest.param(
            "total,at,good,start\n10,eu,9,2024-12-04T23:48Z\n10,eu,8,2024-12-04T23:49Z\n",
            id="more columns",
        ),
        pytest.param("start, good ,total\n" + FIRST + SECOND_ROW, id="spaces around column names"),
        pytest.param(
            HEADER + FIRST.replace("9,10", "9.0,10.0") + SECOND_ROW,
            id="whole numbers as pandas writes them",
        ),
        pytest.param(HEADER + "1733356080,9,10\n1733356140.000,8,10\n", id="Unix seconds"),
        pytest.param(HEADER + "1733356080000,9,10\n1733356140000,8,10\n", id="Unix milliseconds"),
        pytest.param(
            "start,good,total,timestamp\n" + FIRST + SECOND_ROW, id="start goes before timestamp"
        ),
    ],
)
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


def test_missing_buckets_are_read_as_no_events_and_reported(file: File) -> None:
    path = file(
        HEADER + FIRST + SECOND_ROW + "2024-12-04T23:52:00Z,5,6\n2024-12-04T23:53:00Z,5,6\n"
    )
    with pytest.warns(
        MissingBuckets, match=r"counts\.csv: 2 of 6 buckets of 1m are missing"
    ) as caught:
        counts = read_csv(path)
    assert counts == Counts(T0, MINUTE, [9, 8, 0, 0, 5, 5], [10, 10, 0, 0, 6, 6])
    assert caught[0].filename == __file__  # the warning points at the caller's line


def test_the_step_is_the_commonest_distance_between_rows(file: File) -> None:
    rows = "".join(f"2024-12-04T{hour:02}:00:00Z,1,1\n" for hour in (1, 4, 5, 6, 9))
    with pytest.warns(MissingBuckets, match="4 of 9 buckets of 1h"):
        assert read_csv(file(HEADER + rows)).step == HOUR


def test_a_step_that_is_given_goes_before_what_the_rows_suggest(file: File) -> None:
    with pytest.warns(MissingBuckets, match="1 of 3 buckets of 30s"):
        assert read_csv(file(HEADER + FIRST + SECOND_ROW), step=30 * SECOND).total.tolist() == [
            10,
            0,
            10,
        ]


def test_a_gap_of_100_000_buckets_is_read_and_its_length_told_in_thousands(file: File) -> None:
    late = T0 + 100_001 * MINUTE
    with pytest.warns(MissingBuckets, match=r"99,999 of 100,003 buckets of 1m are missing"):
        read_csv(
            file(
                HEADER
                + FIRST
                + SECOND_ROW
                + f"{late.isoformat()},1,1\n{(late + MINUTE).isoformat()},1,1\n"
            )
        )


def test_one_row_is_enough_when_the_step_is_given(file: File) -> None:
    assert read_csv(file(HEADER + FIRST), step=MINUTE) == Counts(T0, MINUTE, [9], [10])


# --- files that are refused ----------------------------------------------------------------------


def test_an_empty_file_is_refused(file: File) -> None:
    assert "needs one column 'start'; it has none" in refusal(file(""))


def test_a_header_without_rows_is_refused(file: File) -> None:
    assert "has too few rows (0); give two or more" in refusal(file(HEADER))
    with pytest.raises(ValueError, match="too few rows"):
        read_csv(file(HEADER), step=MINUTE)


def test_a_single_row_without_a_step_is_refused(file: File) -> None:
    assert "has too few rows (1); give two or more, or one and the option step" in refusal(
        file(HEADER + FIRST)
    )


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory; give a CSV file" in refusal(tmp_path)


def test_a_missing_file_keeps_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"start"), HEADER.encode("utf-16"), b"start,good,total,caf\xe9\n"],
    ids=["gzip", "UTF-16", "Latin-1"],
)
def test_a_file_that_is_no_utf_8_text_is_refused(file: File, content: bytes) -> None:
    assert "is not CSV in UTF-8" in refusal(file(content))


@pytest.mark.parametrize("header", ["when,good,total", "start;good;total", "start,Good,total"])
def test_a_file_without_a_column_it_needs_is_refused_with_the_columns_it_has(
    file: File, header: str
) -> None:
    said = refusal(file(f"{header}\n" + FIRST))
    assert "needs one column" in said
    assert all(repr(name) in said for name in header.split(","))
    assert said.endswith("; the options start, good and total name others")


def test_a_file_with_two_columns_of_one_name_is_refused(file: File) -> None:
    assert "needs one column 'good'; it has 'start', 'good'" in refusal(
        file("start,good,total,good\n" + FIRST)
    )


# The bad row stands third, after the header and a good row.
BAD_ROWS = [
    pytest.param(
        "2024-12-04T23:49:00Z,11,10",
        "good",
        "11 good of only 10 events",
        id="more good than events",
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,-1,10", "good", "'-1' is not a whole number", id="a negative count"
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,8,10.5", "total", "'10.5' is not a whole number", id="a fraction"
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,8,12.000", "total", "'12.000' is not a", id="12 or 12 thousand"
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,8,1e1", "total", "'1e1' is not a whole number", id="an exponent"
    ),
    pytest.param("2024-12-04T23:49:00Z,8,ten", "total", "'ten' is not a whole number", id="text"),
    pytest.param("2024-12-04T23:49:00Z,nan,10", "good", "'nan' is not a whole number", id="nan"),
    pytest.param(
        "2024-12-04T23:49:00Z,,10", "good", "'' is not a whole number", id="an empty cell"
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,8", "total", "'' is not a whole number", id="a row that is too short"
    ),
    pytest.param(
        '2024-12-04T23:49:00Z,8,"1,000"',
        "total",
        "'1,000' is not a whole number",
        id="a thousands comma",
    ),
    pytest.param(
        "2024-12-04T23:49:00Z,8,١٠",
        "total",
        "is not a whole number",
        id="digits that are not ASCII",
    ),
    pytest.param("2024-12-04T23:49:00Z,8\0,10", "good", "is not a whole number", id="a NUL byte"),
    pytest.param(
        f"2024-12-04T23:49:00Z,8,{2**63}", "total", "below 2**63", id="a count that is too large"
    ),
    pytest.param("2024-12-04T23:49:00,8,10", "start", "has no time zone", id="a naive time"),
    pytest.param("2024-12-04,8,10", "start", "has no time zone", id="a date"),
    pytest.param("yesterday,8,10", "start", "'yesterday' is not a time", id="a time that is text"),
    pytest.param(
        "173335614,8,10", "start", "'173335614' is not a time", id="a number of nine digits"
    ),
    pytest.param(",8,10", "start", "'' is not a time", id="no time"),
    pytest.param(
        "2024120500,8,10", "start", "may be a date with its hour", id="a date and an hour"
    ),
    pytest.param(
        "1999123123.0,8,10",
        "start",
        "may be a date with its hour",
        id="a date and an hour as a float",
    ),
    pytest.param(
        "0001-01-01T00:00:00+01:00,8,10", "start", "is not a time", id="a time before all times"
    ),
    pytest.param("2024-12-04T23:48:00Z,8,10", "start", "not after the row", id="a duplicate"),
    pytest.param(
        "2024-12-05T00:48:00+01:00,8,10",
        "start",
        "not after the row",
        id="a duplicate in another zone",
    ),
    pytest.param("2024-12-04T23:47:00Z,8,10", "start", "not after the row", id="disorder"),
]


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ROWS)
def test_a_bad_row_is_refused_with_file_row_and_column(
    file: File, row: str, column: str, reason: str
) -> None:
    said = refusal(file(HEADER + FIRST + row + "\n" + "2024-12-04T23:50:00Z,8,10\n"))
    assert said.startswith(f", row 3, column '{column}': ")
    assert reason in said


def test_a_row_with_more_cells_than_the_header_is_refused_with_both_numbers(file: File) -> None:
    said = refusal(file("start,total,good\n2024-12-04T23:48:00Z,12,000,11,988\n"))
    assert said == ", row 2 has 5 cells for 3 columns; quote or drop a comma"


def test_rows_are_counted_as_an_editor_counts_lines(file: File) -> None:
    assert refusal(file(HEADER + "\n\n" + FIRST + "\nx,1,1\n")).startswith(
        ", row 6, column 'start'"
    )


def test_a_named_column_is_called_by_its_name(file: File) -> None:
    said = refusal(file("at,ok,n\n2024-12-04T23:48Z,9,8\n"), start="at", good="ok", total="n")
    assert said.startswith(", row 2, column 'ok'")
    twice = refusal(file("at,ok,n\n" + FIRST + FIRST), start="at", good="ok", total="n")
    assert twice.startswith(", row 3, column 'at'")


def test_a_row_off_the_grid_is_refused_and_the_grid_named(file: File) -> None:
    said = refusal(
        file(HEADER + FIRST + SECOND_ROW + "2024-12-04T23:50:00Z,1,1\n2024-12-04T23:51:30Z,1,1\n")
    )
    assert said.startswith(
        ", row 5, column 'start': 2024-12-04T23:51:30Z, 1m30s after the row above, does not fit 1m"
    )


def test_a_date_a_thousand_years_off_is_refused_before_it_fills_the_memory(file: File) -> None:
    said = refusal(file(HEADER + FIRST + SECOND_ROW + "3024-12-04T23:50:00Z,1,1\n"))
    assert said.startswith(", row 4, column 'start'")
    assert (
        "365242d1m after the row above, leaves out 525,948,480 buckets of 1m; mend one of the two"
        in said
    )


@pytest.mark.parametrize(
    "seconds", [1733356080, 1899999999, 1999999999, 2024130100, 2024120024, 2024123200]
)
def test_ten_digits_that_are_no_date_with_its_hour_are_unix_seconds(
    file: File, seconds: int
) -> None:
    assert read_csv(
        file(HEADER + f"{seconds},9,10\n"), step=MINUTE
    ).start == datetime.fromtimestamp(seconds, UTC)


def test_a_long_gap_is_read_once_the_step_is_given_as_the_refusal_says(file: File) -> None:
    monday, wednesday = (datetime(2024, 12, day, tzinfo=UTC) for day in (2, 4))
    moments = [monday + SECOND * i for i in range(600)] + [
        wednesday + SECOND * i for i in range(400)
    ]
    path = file(HEADER + "".join(f"{moment.isoformat()},1,1\n" for moment in moments))
    assert refusal(path).endswith(
        "mend one of the two; if the gap is real, give the option step (1s)"
    )
    with pytest.warns(MissingBuckets, match=r"172,200 of 173,200 buckets of 1s"):
        counts = read_csv(path, step=SECOND)
    assert (counts.start, counts.end, sum(counts.total)) == (monday, wednesday + 400 * SECOND, 1000)


def test_a_gap_beyond_all_data_is_refused_with_a_step_too(file: File) -> None:
    path = file(HEADER + FIRST + SECOND_ROW + "3024-12-04T23:50:00Z,1,1\n")
    for named in ({}, {"step": MINUTE}):
        assert refusal(path, **named).endswith(
            "525,948,480 buckets of 1m; mend one of the two or give another step"
        )


def test_a_date_ten_years_off_is_refused_at_either_end_unless_the_file_is_long(file: File) -> None:
    early, late = (
        "2014-12-04T23:47:00Z,1,1\n",
        "2034-12-04T23:49:00Z,1,1\n2034-12-04T23:50:00Z,1,1\n",
    )
    assert ", row 3, column 'start': 2024" in refusal(file(HEADER + early + FIRST + SECOND_ROW))
    assert ", row 4, column 'start': 2034" in refusal(file(HEADER + FIRST + SECOND_ROW + late))
    hours = "".join(f"{(T0 - HOUR * i).isoformat()},1,1\n" for i in range(1100, 0, -1))
    assert ", row 1102, column 'start': 2038" in refusal(
        file(HEADER + hours + "2038-12-04T23:48:00Z,1,1\n")
    )
    with pytest.warns(MissingBuckets, match=r"105,192 of 106,293"):
        read_csv(file(HEADER + hours + "2036-12-04T23:48:00Z,1,1\n"))


def test_a_row_that_csv_cannot_hold_is_refused(file: File) -> None:
    assert "is not CSV" in refusal(file(HEADER + FIRST + "x" * 200_000 + ",1,1\n"))


@pytest.mark.parametrize("step", [timedelta(), -MINUTE, 60])
def test_a_step_for_a_file_must_be_a_length_of_time(file: File, step: Any) -> None:
    with pytest.raises(ValueError, match="step must be a timedelta above zero"):
        read_csv(file(HEADER + FIRST), step=step)


# --- there and back ------------------------------------------------------------------------------


def test_a_file_is_written_with_a_header_and_a_row_a_bucket(tmp_path: Path) -> None:
    TWO_ROWS.write_csv(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (HEADER + FIRST + SECOND_ROW).encode()


@st.composite
def series(draw: st.DrawFn) -> Counts:
    """Counts of two buckets or more, with any start and step that a datetime can hold."""
    start = draw(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
    step = draw(
        st.sampled_from([SECOND, MINUTE, timedelta(seconds=7.25)])
        | st.timedeltas(timedelta(0, 0, 1), DAY)
    )
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 2**62), st.integers(0, 2**62 - 1)), min_size=2, max_size=8
        )
    )
    return Counts(start, step, [good for good, _ in rows], [good + bad for good, bad in rows])


@examples(60)
@given(series())
def test_what_is_written_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, counts: Counts
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    counts.write_csv(path)
    assert read_csv(path) == counts


@examples(30)
@given(series())
def test_counts_survive_the_way_through_a_frame(counts: Counts) -> None:
    assert Counts.from_frame(counts.to_frame()) == counts


def test_a_frame_has_whole_numbers_and_an_aware_index_with_a_frequency() -> None:
    frame = TEN.to_frame()
    assert list(frame.columns) == ["good", "total"]
    assert [str(kind) for kind in frame.dtypes] == ["int64", "int64"]
    assert (frame.index.name, str(frame.index.tz), frame.index[0]) == ("start", "UTC", T0)
    assert pd.Timedelta(frame.index.freq) == MINUTE


# --- frames --------------------------------------------------------------------------------------


def frame(total: Any = (1, 2, 3), freq: str = "min", tz: str | None = "UTC") -> pd.DataFrame:
    index = pd.date_range("2024-12-04 23:48", periods=3, freq=freq, tz=tz)
    return pd.DataFrame({"good": [1, 1, 1], "total": total}, index=index)


@pytest.mark.parametrize(
    "kind", ["int8", "uint8", "int32", "uint64", "Int64", "float32", "Float64", "object"]
)
def test_a_frame_may_hold_whole_numbers_of_any_type(kind: str) -> None:
    assert Counts.from_frame(frame().astype(kind)) == Counts(T0, MINUTE, [1, 1, 1], [1, 2, 3])


def test_a_frame_in_local_time_is_read_across_the_change_of_the_clock() -> None:
    index = pd.date_range("2024-03-10 00:00", periods=5, freq="h", tz="America/Chicago")
    counts = Counts.from_frame(pd.DataFrame({"good": 1, "total": 1}, index=index))
    assert (counts.start, counts.end) == (
        datetime(2024, 3, 10, 6, tzinfo=UTC),
        datetime(2024, 3, 10, 11, tzinfo=UTC),
    )


BAD_TOTALS = [
    pytest.param([1, 2, None], "Int64", "<NA>", id="missing"),
    pytest.param([1, 2, float("nan")], "float64", "nan", id="nan"),
    pytest.param([1, 2, float("inf")], "float64", "inf", id="infinity"),
    pytest.param([1, 2, 2.5], "float64", "2.5", id="a fraction"),
    pytest.param([1, 2, 2.0**63], "float64", "9.2", id="a large float"),
    pytest.param([1, 2, 2**63], "uint64", "9223372036854775808", id="a large unsigned integer"),
    pytest.param([1, 2, 2**70], "object", "1180591620717411303424", id="a large integer"),
    pytest.param([1, 2, Decimal("2.5")], "object", "Decimal('2.5')", id="a decimal fraction"),
    pytest.param([1, 2, Decimal("nan")], "object", "Decimal('NaN')", id="a decimal nan"),
    pytest.param([1, 2, Decimal("snan")], "object", "Decimal('sNaN')", id="a signalling nan"),
    pytest.param(
        [1, 2, Decimal("-inf")], "object", "Decimal('-Infinity')", id="a decimal infinity"
    ),
    pytest.param([1, 2, "3"], "object", "'3'", id="text"),
]


@pytest.mark.parametrize(("total", "kind", "shown"), BAD_TOTALS)
def test_what_is_no_count_in_a_frame_is_refused_with_column_value_and_row(
    total: Any, kind: str, shown: str
) -> None:
    with pytest.raises(
        ValueError, match=r"the frame's column 'total' holds .* at 2024-12-04 23:50"
    ) as error:
        Counts.from_frame(frame(pd.array(total, dtype=kind)))
    assert f"holds {shown}" in str(error.value)


def test_a_frame_may_hold_decimals_that_are_whole() -> None:
    assert Counts.from_frame(
        frame([Decimal(1), Decimal("2.0"), Decimal("3E0")])
    ).total.tolist() == [1, 2, 3]


def test_a_frame_without_a_column_or_with_two_of_a_name_is_refused() -> None:
    for wrong in (frame().drop(columns="good"), pd.concat([frame(), frame()], axis=1)):
        with pytest.raises(ValueError, match="the frame needs one column 'good'"):
            Counts.from_frame(wrong)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_frame_too_short_to_have_a_step_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=rf"the frame has too few rows \({rows}\) to say"):
        Counts.from_frame(frame()[:rows])


def timed(start: Any) -> pd.DataFrame:
    """The frame with its times in a column."""
    return frame().assign(start=start).reset_index(drop=True)


SECONDS = T0.timestamp() + np.array([0, 60, 120])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(frame(tz=None), id="a naive index"),
        pytest.param(frame().set_axis(["2024-12-04T23:48Z", "", ""]), id="an index of text"),
        pytest.param(frame().set_axis(frame().index.astype(object)), id="an index of objects"),
        pytest.param(frame().set_axis(SECONDS.astype(int)), id="an index of Unix seconds"),
        pytest.param(timed(frame().index), id="a column"),
        pytest.param(timed(frame(tz=None).index), id="a naive column"),
        pytest.param(
            timed(frame().index).set_axis(frame().index.astype(str)),
            id="an index of text beside a column",
        ),
        pytest.param(timed(SECONDS.astype(int)), id="a column of Unix seconds"),
        pytest.param(timed(SECONDS), id="a column of Unix seconds as floats"),
        pytest.param(
            timed(SECONDS.astype(int).astype(object)), id="a column of Unix seconds as objects"
        ),
        pytest.param(timed((SECONDS * 1000).astype(int)), id="a column of Unix milliseconds"),
    ],
)
def test_a_frame_without_aware_times_is_refused_and_what_to_give_mends_it(
    wrong: pd.DataFrame,
) -> None:
    with pytest.raises(ValueError, match=r"needs an aware time index; give e\.g\. ") as error:
        Counts.from_frame(wrong)
    mended = eval(str(error.value).partition("e.g. ")[2], {"frame": wrong, "pd": pd})
    assert mended.index[0] == T0


def test_a_frame_that_only_numbers_its_rows_is_asked_for_the_column_with_the_times() -> None:
    with pytest.raises(ValueError, match=r"give e\.g\. frame\.set_index\(COLUMN\), where COLUMN"):
        Counts.from_frame(timed(0).rename(columns={"start": "when"}))


@pytest.mark.parametrize("rows", [[2, 1, 0], [0, 0], [0, 1, 1], [0, 2, 1]])
def test_a_frame_out_of_order_is_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match=r"not regular at .* sort it, drop duplicates, fill gaps"):
        Counts.from_frame(frame().iloc[rows])


def test_a_gap_in_a_frame_is_refused_with_its_place_and_asfreq_mends_it() -> None:
    gap = pd.concat([frame(), frame().shift(4, "min")])
    with pytest.raises(ValueError, match="not regular at 2024-12-04 23:52:00"):
        Counts.from_frame(gap)
    assert Counts.from_frame(gap.asfreq("min", fill_value=0)).total.tolist() == [
        1,
        2,
        3,
        0,
        1,
        2,
        3,
    ]
