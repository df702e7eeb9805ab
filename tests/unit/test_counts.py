"""Counts: the series itself, numpy, slices and sums, and the way out to a file and back."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
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

from oncall.counts import Counts, read_csv
from oncall.times import DAY, MINUTE, SECOND

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
TWO_ROWS = Counts(T0, MINUTE, [9, 8], [10, 10])
TEN = Counts(T0, MINUTE, range(10), range(10, 20))


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


NO_COUNTS = [[1.0], [1.5], ["1"], "1", [None], [2**63], None, 1, [[1]], [Fraction(1)]]
NO_ROW = [b"12345678", bytearray(8), {1}, frozenset([1]), {1: 2}, {1: 2}.keys()]


@pytest.mark.parametrize("total", [*NO_COUNTS, *NO_ROW])
def test_what_is_no_row_of_whole_numbers_below_2_to_the_63_is_refused(total: Any) -> None:
    refusal = r"^total must be whole numbers below 2\*\*63, given ."
    with pytest.raises(ValueError, match=refusal):
        Counts(T0, MINUTE, [0], total)


def test_a_long_series_is_shown_in_a_line() -> None:
    events = "buckets=10, good=45, total=145"
    assert repr(TEN) == f"Counts(start=2024-12-04T23:48:00Z, step=1m, {events})"
    assert repr(TWO_ROWS.slice(end=T0)).endswith("buckets=0, good=0, total=0)")


def test_the_largest_count_is_2_to_the_63_less_1() -> None:
    assert Counts(T0, MINUTE, [0], [2**63 - 1]).total[0] == 2**63 - 1


# --- numpy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_every_integer_type_of_numpy_is_read(kind: str) -> None:
    assert Counts(T0, MINUTE, np.array([9, 8], kind), np.array([10, 10], kind)) == TWO_ROWS


NO_NUMPY_COUNTS = [
    np.array([1.0]),
    np.array([True]),
    np.array([2**63], "uint64"),
    pd.Series([None], dtype="Int64"),
]


@pytest.mark.parametrize("total", NO_NUMPY_COUNTS)
def test_numpy_values_that_are_no_counts_are_refused(total: Any) -> None:
    with pytest.raises(ValueError, match=r"total must be whole numbers below 2\*\*63, given .*$"):
        Counts(T0, MINUTE, [0], total)


def test_an_array_is_told_in_one_line_however_long_it_is() -> None:
    with pytest.raises(ValueError, match=r"given array\(\[0\.5, 0\.5, ") as error:
        Counts(T0, MINUTE, [0], np.full((900, 2), 0.5)[:, 0])
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_numpy_sees_the_counts_without_a_copy() -> None:
    counts = Counts(T0, MINUTE, [9, 8], [10, 10])
    view = np.asarray(counts.total)
    assert view.dtype == np.int64
    counts.total[1] = 77
    assert view.tolist() == [10, 77]
    assert np.shares_memory(view, np.asarray(counts.total))


# --- slices and sums -----------------------------------------------------------------------------


def test_a_slice_holds_the_buckets_that_lie_entirely_within_its_bounds() -> None:
    expected = Counts(T0 + 2 * MINUTE, MINUTE, [2, 3, 4], [12, 13, 14])
    assert TEN.slice(T0 + 2 * MINUTE, T0 + 5 * MINUTE) == expected


def test_a_bucket_that_a_bound_cuts_is_left_out() -> None:
    expected = Counts(T0 + 2 * MINUTE, MINUTE, [2, 3], [12, 13])
    assert TEN.slice(T0 + 61 * SECOND, T0 + 299 * SECOND) == expected


def test_a_slice_without_bounds_or_with_wider_ones_is_the_whole() -> None:
    assert TEN.slice() == TEN == TEN.slice(T0 - DAY, T0 + DAY)


BESIDE = [(T0 + DAY, None), (None, T0), (None, T0 - DAY), (T0 + 5 * MINUTE, T0 + MINUTE)]


@pytest.mark.parametrize("bounds", BESIDE)
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
    refusal = r"cannot resample 1m buckets to .*; give a multiple of 1m"
    with pytest.raises(ValueError, match=refusal):
        TEN.resample(step)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.integers(1, 40))
def test_resampling_loses_no_event(rows: list[tuple[int, int]], width: int) -> None:
    counts = Counts(T0, MINUTE, [good for good, _ in rows], [good + bad for good, bad in rows])
    longer = counts.resample(width * MINUTE)
    assert (sum(longer.good), sum(longer.total)) == (sum(counts.good), sum(counts.total))
    assert len(longer) * width >= len(counts) > (len(longer) - 1) * width


# --- there and back ------------------------------------------------------------------------------


def test_a_file_is_written_with_a_header_and_one_row_per_bucket(tmp_path: Path) -> None:
    TWO_ROWS.write_csv(tmp_path / "out.csv")
    rows = "2024-12-04T23:48:00Z,9,10\n2024-12-04T23:49:00Z,8,10\n"
    assert (tmp_path / "out.csv").read_bytes() == f"start,good,total\n{rows}".encode()


STARTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
COMMON_STEPS = st.sampled_from([SECOND, MINUTE, timedelta(seconds=7.25)])
STEPS = COMMON_STEPS | st.timedeltas(timedelta(microseconds=1), DAY)
GOOD_AND_BAD = st.tuples(st.integers(0, 2**62), st.integers(0, 2**62 - 1))


@st.composite
def series(draw: st.DrawFn) -> Counts:
    """Counts of two buckets or more, with any start and step that a datetime can hold."""
    rows = draw(st.lists(GOOD_AND_BAD, min_size=2, max_size=8))
    good, total = [good for good, _ in rows], [good + bad for good, bad in rows]
    return Counts(draw(STARTS), draw(STEPS), good, total)


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
