"""Missing data apart from no traffic: what is counted, kept and fires, by definition."""

from __future__ import annotations

import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import AlertEvaluator, BurnRule, SilenceRule, alert_intervals, google_policy
from oncall.budget import budget_history
from oncall.counts import Buckets, Counts, read_csv
from oncall.slo import SLO
from oncall.telemetry import engine
from oncall.times import DAY, MINUTE

START = datetime(2025, 3, 4, tzinfo=UTC)
NINES = SLO("availability", 0.99)
POLICY = (
    BurnRule(6 * MINUTE, 2 * MINUTE, 2),
    SilenceRule(MINUTE), SilenceRule(3 * MINUTE),
    SilenceRule(MINUTE, of="data"), SilenceRule(3 * MINUTE, of="data"),
)  # fmt: skip
# A bucket is missing, or holds its good and total events.
cells = st.one_of(
    st.none(),
    st.just((0, 0)),
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
series = st.lists(cells, min_size=1, max_size=40)


def counts_of(buckets: list[tuple[int, int] | None]) -> Counts:
    pairs = [pair or (0, 0) for pair in buckets]
    missing = [number for number, pair in enumerate(buckets) if pair is None]
    return Counts(START, MINUTE, [g for g, _ in pairs], [t for _, t in pairs], missing)


def fires_by_definition(rule: SilenceRule, buckets: list[tuple[int, int] | None]) -> bool:
    """Whether a silence rule fires at the end of the last bucket, in words."""
    width = rule.after // MINUTE
    last, before = buckets[-width:], buckets[:-width]
    if len(buckets) < width:
        last, before = buckets, []
    if rule.of == "data":
        return all(pair is None for pair in last) and any(pair is not None for pair in before)
    no_events = all(not pair or pair[1] == 0 for pair in last)
    return no_events and any(pair and pair[1] for pair in before) and buckets[-1] is not None


@examples(200)
@given(series)
def test_the_evaluator_fires_by_definition(buckets: list[tuple[int, int] | None]) -> None:
    evaluator = AlertEvaluator(NINES, POLICY, MINUTE)
    for number, pair in enumerate(buckets, 1):
        firing = evaluator.observe(*(pair or (None, None)))
        for rule in POLICY[1:]:
            assert isinstance(rule, SilenceRule)
            assert (rule in firing) == fires_by_definition(rule, buckets[:number])


@examples(200)
@given(series)
def test_intervals_and_engine_are_the_evaluator(buckets: list[tuple[int, int] | None]) -> None:
    counts, evaluator = counts_of(buckets), AlertEvaluator(NINES, POLICY, MINUTE)
    told = [evaluator.observe(*(pair or (None, None))) for pair in buckets]
    found = alert_intervals(counts, NINES, POLICY)
    for number, firing in enumerate(told, 1):
        at = START + number * MINUTE
        shown = [
            rule
            for rule in POLICY
            if any(
                i.rule == rule and i.start <= at and (i.end is None or at < i.end) for i in found
            )
        ]
        assert shown == list(firing)
    assert engine.alert_intervals(counts, NINES, POLICY) == found
    if len(buckets) > 1:
        assert engine.alert_intervals(counts.to_frame(), NINES, POLICY) == found


@examples(100)
@given(series, st.integers(1, 5), st.integers(0, 40), st.integers(0, 40))
def test_what_is_missing_stays_so_in_files_frames_slices_and_longer_buckets(
    buckets: list[tuple[int, int] | None], width: int, first: int, last: int
) -> None:
    counts = counts_of(buckets)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is a gap
        counts.write_csv(Path(folder) / "c.csv")
        assert read_csv(Path(folder) / "c.csv", step=MINUTE) == counts
    if len(buckets) > 1:
        assert Counts.from_frame(counts.to_frame()) == counts
    part = counts.slice(START + first * MINUTE, START + last * MINUTE)
    kept = buckets[min(first, len(buckets)) :][: len(part)]
    assert list(part.missing) == [number for number, pair in enumerate(kept) if pair is None]
    parts = [buckets[n : n + width] for n in range(0, len(buckets), width)]
    wanted = {n for n, part in enumerate(parts) if all(pair is None for pair in part)}
    assert set(counts.resample(width * MINUTE).missing) == wanted


@examples(100)
@given(st.sets(st.integers(0, 60)))
def test_buckets_are_a_set_kept_in_runs(numbers: set[int]) -> None:
    buckets = Buckets(numbers)
    assert (set(buckets), len(buckets), buckets) == (numbers, len(numbers), frozenset(numbers))
    assert list(buckets) == sorted(numbers)
    assert [number in buckets for number in range(62)] == [n in numbers for n in range(62)]
    assert all(a.stop < b.start for a, b in zip(buckets.runs, buckets.runs[1:], strict=False))
    assert Buckets([*buckets.runs, *numbers]) == buckets
    assert "x" not in buckets


def test_a_gap_in_a_file_is_missing_and_a_row_of_zeros_is_no_traffic(tmp_path: Path) -> None:
    rows = ["0:00,9,9", "0:01,0,0", "0:02,,", "0:05,9,9"]
    lines = [f"2025-03-04T0{row[:4]}:00Z{row[4:]}" for row in rows]
    (tmp_path / "c.csv").write_text("\n".join(["start,good,total", *lines, ""]), encoding="utf-8")
    with pytest.warns(UserWarning, match="2 of 6 buckets of 1m are missing; read as no data"):
        counts = read_csv(tmp_path / "c.csv")
    assert set(counts.missing) == {2, 3, 4}
    assert list(counts.total) == [9, 0, 0, 0, 0, 9]
    assert repr(counts).endswith("buckets=6, good=18, total=18, missing=3)")


def test_a_long_gap_takes_no_memory_for_its_numbers(tmp_path: Path) -> None:
    lines = ["2025-01-01T00:00:00Z,1,1", "2025-06-01T00:00:00Z,1,1"]
    (tmp_path / "c.csv").write_text("\n".join(["start,good,total", *lines, ""]), encoding="utf-8")
    with pytest.warns(UserWarning, match="are missing"):
        counts = read_csv(tmp_path / "c.csv", step=timedelta(seconds=10))
    assert counts.missing.runs == (range(1, 151 * DAY // timedelta(seconds=10)),)


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ([5], "missing has bucket 5; give 0 to 2"),
        ([range(-2, 1)], r"a range of buckets must be from 0, rising by 1, given range\(-2, 1\)"),
        ([-1], "a bucket must be a whole number from 0, given -1"),
        ([1], "bucket 1 is missing, and has 4 events; give 0"),
        (["x"], "a bucket must be a whole number"),
        ([True], "a bucket must be a whole number"),
        (np.array([True, False]), "a bucket must be a whole number"),
        (range(2, 0), r"a range of buckets must be from 0, rising by 1, given range\(2, 0\)"),
        ([range(2, 0)], "a range of buckets must be from 0, rising by 1, given range"),
        ([0, range(0, 3, 2)], r"rising by 1, given range\(0, 3, 2\); give e\.g\. range\(3, 8\)"),
        (range(2, -1, -1), "a range of buckets must be from 0, rising by 1"),
    ],
)
def test_buckets_that_cannot_be_missing_are_refused(missing: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Counts(START, MINUTE, [0, 3, 0], [0, 4, 0], missing)


@pytest.mark.parametrize("missing", [None, 2, 1.5, "", "02", b"\0", bytearray(1), object()])
def test_what_holds_no_buckets_is_refused_with_what_to_give(missing: Any) -> None:
    refusal = r"^missing must be buckets, given .*; give e\.g\. \[3, range\(5, 8\)\]$"
    with pytest.raises(ValueError, match=refusal):
        Counts(START, MINUTE, [0, 0, 0], [0, 0, 0], missing)


@pytest.mark.parametrize(
    "missing", [range(1, 3), iter([2, range(1, 3)]), (2, 1), {1, 2}, Buckets([1, 2])]
)
def test_missing_buckets_may_be_a_range_or_any_row_of_numbers_and_ranges(missing: Any) -> None:
    assert Counts(START, MINUTE, [0, 0, 0], [0, 0, 0], missing).missing == {1, 2}


@pytest.mark.parametrize("kind", ["Int64", "Float64", "object"])
def test_a_frame_with_gaps_is_read_whatever_the_type_of_its_columns(kind: str) -> None:
    counts = counts_of([(9, 10), None, (0, 0), None])
    assert Counts.from_frame(counts.to_frame().astype(kind)) == counts


@pytest.mark.parametrize("pair", [(None, 1), (0, None)])
def test_half_a_bucket_is_refused(pair: tuple[int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="good and total must be both None, or both whole"):
        AlertEvaluator(NINES, google_policy(), MINUTE).observe(*pair)


def test_a_silence_has_a_kind_and_a_name() -> None:
    assert SilenceRule(10 * MINUTE).name == "silence 10m"
    assert SilenceRule(10 * MINUTE, of="data").name == "no data 10m"
    with pytest.raises(ValueError, match="of must be one of traffic, data, given 'users'"):
        SilenceRule(MINUTE, of="users")


def test_a_budget_counts_what_is_missing_as_0_of_0() -> None:
    slo = SLO("a", 0.99, 3 * MINUTE)
    some = counts_of([(9, 10), None, (10, 10), None, None, None])
    assert [round(share, 9) for share in budget_history(some, slo).spent][:4] == [10, 10, 5, 0]
