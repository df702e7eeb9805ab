"""The engine against the evaluator: the same intervals, to the bucket, on every series tried.

Long series hold bursts at the edges of the engine's blocks, buckets exactly at a threshold, gaps,
and counts whose sums pass 2**31 and whose weighed sums pass 2**63.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall import alerting
from oncall.alerting import BurnRule, Policy, SilenceRule, google_policy
from oncall.counts import Counts, read_csv
from oncall.slo import SLO
from oncall.telemetry import _windows, engine
from oncall.times import DAY, MINUTE

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
TARGETS = (0.9, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999)
SHARED = Path(__file__).parents[3] / "shared" / "data"
SERIES = ("petshop/low_traffic.counts", "petshop/high_traffic.counts", "nezha/2022-08-22.minutes")


def counters(counts: Counts) -> engine.Counters:
    good, total = (np.cumsum([7, *column]) for column in (counts.good, counts.total))
    return engine.Counters(counts.start, counts.step, good, total)


def same(counts: Counts, slo: SLO, policy: Policy) -> None:
    expected = alerting.alert_intervals(counts, slo, policy)
    assert engine.alert_intervals(counts, slo, policy) == expected
    if len(counts) > 1:
        assert engine.alert_intervals(counts.to_frame(), slo, policy) == expected
    if sum(counts.total) < 2**62:
        plain = replace(counts, missing=())  # counters cannot tell
        expected = alerting.alert_intervals(plain, slo, policy)
        assert engine.alert_intervals(counters(counts), slo, policy) == expected


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    def rule() -> BurnRule | SilenceRule:
        if draw(st.integers(0, 4)) == 0:
            of = draw(st.sampled_from(["traffic", "data"]))
            return SilenceRule(draw(st.integers(1, 40)) * MINUTE, of=of)
        short = draw(st.integers(1, 40))
        factor = draw(st.sampled_from([14.4, 6.0, 3.0, 1.0, 0.5, 2.8]))
        return BurnRule(draw(st.integers(short, 300)) * MINUTE, short * MINUTE, factor)

    return tuple(rule() for _ in range(draw(st.integers(1, 4))))


def series(seed: int, size: int, largest: int, target: float) -> Counts:
    """Traffic with bursts, silence, no data, and stretches that burn at exactly 1, 6 or 14.4."""
    pick = random.Random(seed)
    good: list[int] = []
    total: list[int] = []
    gone: list[int] = []
    while len(total) < size:
        length = pick.choice([1, 2, 5, 29, 30, 31, 99, 100, 101])
        kind = pick.choice(["clean", "silent", "gone", "burst", "tie", "noise"])
        if kind == "gone":
            gone += range(len(total), min(size, len(total) + length))
        for _ in range(length):
            valid = (
                0 if kind in ("silent", "gone") else pick.choice([1, 255, 1000, 10_000, largest])
            )
            share = 0.0
            if kind == "tie":
                valid = 1_000_000
                share = (1 - target) * pick.choice([1, 6, 14.4]) if target > 0.95 else 0.1
            elif kind in ("burst", "noise"):
                share = (1.0 if kind == "burst" else 0.02) * pick.random()
            bad = round(valid * share)
            total.append(valid)
            good.append(max(0, valid - bad))
    return Counts(T0, MINUTE, good[:size], total[:size], gone)


@examples(60)
@given(
    policy=policies(),
    seed=st.integers(0, 10**6),
    size=st.integers(0, 1200),
    largest=st.sampled_from([0, 7, 255, 2**31, 2**40, 2**52]),
    target=st.sampled_from(TARGETS),
)
def test_the_engine_gives_the_evaluators_intervals(
    policy: Policy, seed: int, size: int, largest: int, target: float
) -> None:
    same(series(seed, size, largest, target), SLO("availability", target), policy)


@examples(60)
@given(
    policy=policies(),
    seed=st.integers(0, 10**6),
    size=st.integers(1, 900),
    block=st.sampled_from([1, 2, 3, 7, 30, 64, 100, 1000]),
    target=st.sampled_from(TARGETS),
)
def test_the_length_of_a_block_decides_nothing(
    policy: Policy, seed: int, size: int, block: int, target: float
) -> None:
    counts, slo = series(seed, size, 255, target), SLO("availability", target)
    found = []
    for length in (block, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_windows, "_block_length", lambda *_, length=length: length)
            found.append(engine.alert_intervals(counts, slo, policy))
    assert found[0] == found[1]


@pytest.mark.parametrize("period", [28 * DAY, 30 * DAY])
@pytest.mark.parametrize("target", TARGETS)
def test_googles_policies_over_ten_days_of_minutes(target: float, period: timedelta) -> None:
    counts = series(int(target * 1e6) + period.days, 14_400, 255, target)
    same(counts, SLO("availability", target, period), google_policy(period))


def test_windows_longer_than_the_data_and_a_rule_that_still_fires_at_its_end() -> None:
    counts = Counts(T0, MINUTE, [0] * 10, [5] * 10)
    slo = SLO("availability", 0.999)
    same(counts, slo, google_policy())
    intervals = engine.alert_intervals(counts, slo, google_policy())
    assert [interval.end for interval in intervals] == [None] * 4


@pytest.mark.parametrize("kind", ["uint8", "int32", "uint16", "uint64", "int64"])
def test_columns_of_any_integer_type_do_not_wrap(kind: str) -> None:
    counts = series(5, 2000, 255, 0.9)
    total = np.minimum(np.asarray(counts.total), 255)
    good = np.minimum(np.asarray(counts.good), total)
    small = Counts(T0, MINUTE, good, total)
    frame = pd.DataFrame({"good": good, "total": total}, index=small.to_frame().index).astype(kind)
    slo, policy = SLO("availability", 0.99), google_policy()
    expected = alerting.alert_intervals(small, slo, policy)
    assert engine.alert_intervals(frame, slo, policy) == expected


def test_sums_past_two_to_the_63_are_exact() -> None:
    counts = series(11, 1500, 2**61, 0.99999)
    same(counts, SLO("availability", 0.99999), (*google_policy(), SilenceRule(10 * MINUTE)))


@pytest.mark.parametrize("target", [0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("name", SERIES)
def test_real_series(name: str, target: float) -> None:
    path = SHARED / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not in shared/data beside the project")
    same(read_csv(path), SLO("availability", target), (*google_policy(), SilenceRule(30 * MINUTE)))


def test_the_month_in_the_data_folder() -> None:
    counts = read_csv(Path(__file__).parents[2] / "data" / "assistant_30d.csv")
    same(counts, SLO("availability", 0.999), google_policy())
