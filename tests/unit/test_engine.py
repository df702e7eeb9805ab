"""The engine's inputs and errors, and what it promises about memory and imports."""

from __future__ import annotations

import math
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncall import alerting
from oncall.alerting import BurnRule, SilenceRule, google_policy
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry import _windows
from oncall.telemetry._windows import CHUNK
from oncall.telemetry.engine import Counters, alert_intervals, burn_rates, downsample
from oncall.times import HOUR, MINUTE, SECOND

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
THREE_NINES = SLO("availability", 0.999)
POLICY = google_policy()
OUTAGE = Counts(START, MINUTE, [100] * 90 + [0] * 20 + [100] * 60, [100] * 170)
FIRED = alerting.alert_intervals(OUTAGE, THREE_NINES, POLICY)


def frame(good: Any = (9, 8), total: Any = (10, 10), **options: Any) -> pd.DataFrame:
    index = pd.date_range(START, periods=len(good), freq=options.pop("freq", "min"))
    return pd.DataFrame({"good": good, "total": total}, index=index, **options)


def readings(column: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([[0], np.cumsum(column)])


# --- what comes in -------------------------------------------------------------------------------


def test_importing_the_engine_imports_numpy_and_no_pandas() -> None:
    code = "import sys, oncall.telemetry.engine; print(*(m in sys.modules for m in sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "numpy", "pandas"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_there_is_something_to_find() -> None:
    assert len(FIRED) > 3
    assert alert_intervals(OUTAGE, THREE_NINES, POLICY) == FIRED


@pytest.mark.parametrize(
    "kind", ["int64", "int32", "uint32", "uint8", "uint64", ">i8", "float64", "Int64", "object"]
)
def test_a_frame_may_hold_whole_numbers_of_any_type(kind: str) -> None:
    assert alert_intervals(OUTAGE.to_frame().astype(kind), THREE_NINES, POLICY) == FIRED


def test_the_columns_of_a_frame_may_differ_in_type_and_lie_apart_in_memory() -> None:
    mixed = OUTAGE.to_frame().astype({"good": "uint8", "total": "int64"})
    rows = OUTAGE.to_frame().to_numpy().copy(order="C")
    apart = pd.DataFrame(rows, columns=["good", "total"], index=mixed.index, copy=False)
    assert not apart["good"].to_numpy().flags.c_contiguous
    assert alert_intervals(mixed, THREE_NINES, POLICY) == FIRED
    assert alert_intervals(apart, THREE_NINES, POLICY) == FIRED


def test_a_frame_in_local_time_without_a_frequency_is_read_in_utc() -> None:
    local = OUTAGE.to_frame().tz_convert("Asia/Tokyo")
    local.index.freq = None
    assert alert_intervals(local, THREE_NINES, POLICY) == FIRED


def test_further_columns_are_left_alone() -> None:
    assert alert_intervals(OUTAGE.to_frame().assign(region="eu"), THREE_NINES, POLICY) == FIRED


def test_counters_may_start_anywhere_and_at_different_numbers() -> None:
    shifted = Counters(START, MINUTE, 10**15 + readings(OUTAGE.good), 5 + readings(OUTAGE.total))
    assert len(shifted) == len(OUTAGE)
    assert alert_intervals(shifted, THREE_NINES, POLICY) == FIRED


def test_counters_may_be_unsigned() -> None:
    good, total = readings(OUTAGE.good).astype("uint32"), readings(OUTAGE.total).astype("uint64")
    unsigned = Counters(START, MINUTE, good, total)
    assert alert_intervals(unsigned, THREE_NINES, POLICY) == FIRED


def test_a_series_without_buckets_never_fires() -> None:
    no_counts = Counts(START, MINUTE, [], [])
    no_growth = Counters(START, MINUTE, np.array([4]), np.array([9]))
    for empty in (no_counts, no_growth):
        assert alert_intervals(empty, THREE_NINES, POLICY) == []
        assert len(burn_rates(empty, THREE_NINES, [HOUR])[HOUR]) == 0


def test_a_policy_without_rules_never_fires() -> None:
    assert alert_intervals(OUTAGE, THREE_NINES, ()) == []


def test_the_same_rule_twice_is_reported_twice() -> None:
    twice = POLICY[:1] * 2
    expected = alerting.alert_intervals(OUTAGE, THREE_NINES, twice)
    assert alert_intervals(OUTAGE, THREE_NINES, twice) == expected


def test_a_service_that_never_had_events_is_not_silent() -> None:
    silence, quiet = SilenceRule(2 * MINUTE), Counts(START, MINUTE, [0] * 9, [0] * 9)
    assert alert_intervals(quiet, THREE_NINES, (silence,)) == []
    died = Counts(START, MINUTE, [0, 0, 0, 7, 0, 0, 0], [0, 0, 0, 7, 0, 0, 0])
    (interval,) = alert_intervals(died, THREE_NINES, (silence,))
    assert (interval.start, interval.end) == (START + 6 * MINUTE, None)


@pytest.mark.parametrize("largest", [2**40, 2**55, 2**63 - 1])
def test_events_beyond_two_to_the_63_are_counted_exactly(largest: int) -> None:
    good, total = [largest] * 70 + [0] * 3 + [largest] * 70, [largest] * 143
    total[80], good[80] = 0, 0
    counts, slo = Counts(START, MINUTE, good, total), SLO("bytes", 0.99999)
    expected = alerting.alert_intervals(counts, slo, POLICY)
    assert len(expected) > 3
    assert alert_intervals(counts, slo, POLICY) == expected
    assert alert_intervals(counts.to_frame(), slo, POLICY) == expected


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("given_instead", [[1, 2, 3], np.zeros(3), None])
def test_anything_else_is_told_what_to_give(given_instead: Any) -> None:
    with pytest.raises(ValueError, match="give Counts, Counters, or a frame"):
        alert_intervals(given_instead, THREE_NINES, POLICY)


@pytest.mark.parametrize("kind", ["int64", "int32", "int8"])
@pytest.mark.parametrize(
    ("good", "total"), [([3, 11], [10, 10]), ([3, -1], [10, 10]), ([3, -5], [10, -2])]
)
def test_a_wrong_bucket_of_a_frame_is_named(kind: str, good: list[int], total: list[int]) -> None:
    wrong = frame([9] * 500 + good, [10] * 500 + total).astype(kind)
    with pytest.raises(ValueError, match=f"bucket 501 has {good[1]} good of {total[1]} events"):
        alert_intervals(wrong, THREE_NINES, POLICY)
    with pytest.raises(ValueError, match=f"bucket 501 has {good[1]} good of {total[1]} events"):
        burn_rates(wrong, THREE_NINES, [HOUR])


def test_of_many_wrong_buckets_the_first_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check = _windows._check

    def slow_at_first(good: Any, total: Any, first: int) -> int:
        time.sleep(0.2 if first == 2 * CHUNK else 0)  # the other thread finds later ones meanwhile
        return check(good, total, first)

    monkeypatch.setattr(_windows, "_check", slow_at_first)
    good = np.full(8 * CHUNK, 10)
    good[CHUNK * np.array([2, 3, 4, 5]) + 7] = 11
    with pytest.raises(ValueError, match=f"bucket {2 * CHUNK + 7} has 11 good of 10 events"):
        alert_intervals(frame(good, np.full(8 * CHUNK, 10), freq="s"), THREE_NINES, POLICY)


def test_a_negative_count_is_found_beside_a_wider_column() -> None:
    wrong = frame([9, -1], [10, 2**40]).astype({"good": "int32"})
    with pytest.raises(ValueError, match="bucket 1 has -1 good"):
        alert_intervals(wrong, THREE_NINES, POLICY)


@pytest.mark.parametrize("kind", [{"good": "int64"}, {"good": "uint64"}])
def test_a_total_of_two_to_the_63_is_refused(kind: dict[str, str]) -> None:
    wrong = frame([9, 9], np.array([10, 2**63], "uint64")).astype(kind)
    with pytest.raises(ValueError, match="bucket 1 has 9 good of 9223372036854775808 events"):
        alert_intervals(wrong, THREE_NINES, POLICY)


def test_what_a_frame_lacks_is_said_as_counts_says_it() -> None:
    with pytest.raises(ValueError, match="needs one column 'total'"):
        alert_intervals(frame().drop(columns="total"), THREE_NINES, POLICY)
    with pytest.raises(ValueError, match="aware time index"):
        alert_intervals(frame().tz_localize(None), THREE_NINES, POLICY)
    with pytest.raises(ValueError, match="not a whole number"):
        alert_intervals(frame([9, 8.5]), THREE_NINES, POLICY)
    with pytest.raises(ValueError, match="not regular"):
        alert_intervals(frame([1] * 4, [1] * 4).iloc[[0, 1, 3]], THREE_NINES, POLICY)


def test_days_where_clocks_change_are_not_buckets_of_one_length() -> None:
    index = pd.date_range("2024-03-29", periods=5, freq="D", tz="Europe/Berlin")
    with pytest.raises(ValueError, match="not regular"):
        alert_intervals(pd.DataFrame({"good": 1, "total": 1}, index=index), THREE_NINES, POLICY)


def test_buckets_must_fill_the_windows() -> None:
    counts = Counts(START, 7 * MINUTE, [1], [1])
    with pytest.raises(ValueError, match="do not divide"):
        alert_intervals(counts, THREE_NINES, POLICY)
    with pytest.raises(ValueError, match="do not divide the 1h window"):
        burn_rates(counts, THREE_NINES, [HOUR])
    with pytest.raises(ValueError, match="window must be a timedelta above zero"):
        burn_rates(counts, THREE_NINES, [timedelta()])


@pytest.mark.parametrize(
    ("good", "total", "message"),
    [
        ([0, 5, 4], [0, 5, 9], "reading 2 has good 4 and total 9 after 5 and 5"),
        ([0, 5, 9], [0, 5, 7], "reading 2 .* nor good grow by more than total"),
        ([0, 0, 0], [7, 9, 2], "reading 2"),
        ([0, 1], [0, 1, 2], "good has 2 readings and total 3"),
        ([0.0, 1.0], [0, 1], "good must be one row of whole numbers"),
        ([], [], "good must be one row of whole numbers"),
        ([[0, 1]], [0, 1], "good must be one row of whole numbers"),
        ([-1, 1], [0, 2], "good must be one row of whole numbers from 0 up"),
    ],
)
def test_counters_that_cannot_be_are_refused(good: Any, total: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counters(START, MINUTE, np.array(good), np.array(total))


def test_counters_that_pass_two_to_the_63_are_refused() -> None:
    with pytest.raises(ValueError, match=r"reading 1 .* 2\*\*63"):
        Counters(START, MINUTE, np.array([0, 1], "uint64"), np.array([1, 2**63 + 5], "uint64"))
    with pytest.raises(ValueError, match="reading 1"):
        Counters(START, MINUTE, np.array([0, 1]), np.array([5, -(2**63) + 3]))


def test_counters_need_an_aware_start() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Counters(datetime(2024, 12, 4), MINUTE, np.array([0, 1]), np.array([0, 1]))


# --- burn rates and pixels -----------------------------------------------------------------------


def test_a_burn_of_144_tenths_reads_so_and_does_not_fire() -> None:
    at_threshold = Counts(START, MINUTE, [9856] * 90, [10_000] * 90)
    assert set(burn_rates(at_threshold, THREE_NINES, [HOUR])[HOUR].tolist()) == {14.4}
    fired = alert_intervals(at_threshold, THREE_NINES, POLICY)
    assert POLICY[0] not in [interval.rule for interval in fired]


def test_a_window_without_events_has_no_burn_rate() -> None:
    counts = Counts(START, MINUTE, [5, 0, 0, 4], [5, 0, 0, 5])
    rates = burn_rates(counts, THREE_NINES, [MINUTE, 2 * MINUTE])
    assert rates[MINUTE] == pytest.approx([0, math.nan, math.nan, 200], nan_ok=True)
    assert rates[2 * MINUTE] == pytest.approx([0, 0, math.nan, 200], nan_ok=True)


def test_burn_rates_are_the_same_from_counts_counters_and_a_frame() -> None:
    counters = Counters(START, MINUTE, readings(OUTAGE.good), readings(OUTAGE.total))
    expected = burn_rates(OUTAGE, THREE_NINES, [HOUR])[HOUR]
    for series in (counters, OUTAGE.to_frame(), OUTAGE.to_frame().astype("uint8")):
        np.testing.assert_array_equal(burn_rates(series, THREE_NINES, [HOUR])[HOUR], expected)


def test_downsampling_keeps_a_spike_of_one_bucket() -> None:
    day = np.zeros(86_400)
    day[40_000] = 7.0
    shown = downsample(day, 500)
    assert shown.shape == (500, 2)
    assert shown.max() == 7.0
    assert np.flatnonzero(shown[:, 1]).tolist() == [40_000 * 500 // 86_400]


def test_fewer_values_than_pixels_stay_as_they_are() -> None:
    assert downsample(np.array([3, 1, 2]), 500).tolist() == [[3, 3], [1, 1], [2, 2]]
    assert downsample(np.array([]), 500).shape == (0, 2)
    with pytest.raises(ValueError, match="pixels must be at least 1"):
        downsample(np.zeros(3), 0)


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [SECOND, MINUTE])
def test_it_needs_a_few_tens_of_megabytes_above_the_input(step: timedelta) -> None:
    """Two million buckets of 16 bytes, each near the threshold; a copy alone would be 34 MB."""
    size = 2**21
    good = 1000 - np.resize([14, 15, 14, 15, 14], size)
    counters = Counters(START, step, readings(good), readings(np.full(size, 1000)))
    rule = BurnRule(HOUR, 5 * MINUTE, 14.4)
    tracemalloc.start()
    alert_intervals(counters, THREE_NINES, (rule,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6
