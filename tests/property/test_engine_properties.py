"""The engine against its definition: the evaluator, sums written out, one pixel at a time.

The series are made of stretches that are clean, empty, failing, or exactly at a rule's threshold,
as long as a block of the engine, one shorter or one longer, so that its edges are met from both
sides. Blocks are a few buckets long.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
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

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
STEP = 5 * MINUTE
TARGETS = (0.9, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999)
FACTORS = (Fraction(72, 5), Fraction(6), Fraction(1), Fraction(1, 2), Fraction(14, 15))
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SERIES = (
    "petshop/high_traffic.counts.csv",
    "petshop/low_traffic.counts.csv",
    "nezha/2022-08-22.minutes.csv",
)

periods = st.sampled_from([28 * DAY, 30 * DAY])
slos = st.builds(SLO, st.just("availability"), st.sampled_from(TARGETS), periods)
blocks = st.sampled_from([1, 2, 3, 5, 8, 12, 30])
sizes = st.sampled_from([1, 255, 1000, 2**31, 2**52, 2**61])


@st.composite
def policies(draw: st.DrawFn, slo: SLO) -> Policy:
    """Google's, or rules of any windows, few of which a block divides."""
    lengths = draw(st.lists(st.integers(1, 40), max_size=2))
    silences = [SilenceRule(buckets * STEP) for buckets in lengths]
    if draw(st.booleans()):
        return (*google_policy(slo.period), *silences)
    rules = []
    for long in draw(st.lists(st.integers(1, 90), min_size=1, max_size=3)):
        factor, short = draw(st.sampled_from(FACTORS)), draw(st.integers(1, long))
        rules.append(BurnRule(long * STEP, short * STEP, float(factor), exact_factor=factor))
    return (*rules, *silences)


@st.composite
def series(draw: st.DrawFn, slo: SLO, policy: Policy, block: int, size: int) -> Counts:
    """Stretches of one kind of bucket each.

    Totals are up to ``size``, or just enough to meet a threshold exactly.
    """
    thresholds = [rule.threshold(slo) for rule in policy if isinstance(rule, BurnRule)]
    good: list[int] = []
    total: list[int] = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["clean", "empty", "outage", "tie", "nearly", "any"]))
        length = draw(st.sampled_from([1, 2, max(1, block - 1), block, block + 1, 25]))
        tie = draw(st.sampled_from(thresholds))
        for _ in range(length):
            events, bad = draw(st.sampled_from([size, size // 2])), 0
            if kind == "empty":
                events = 0
            elif kind == "outage":
                bad = events
            elif kind in ("tie", "nearly") and tie <= 1:
                times = draw(st.sampled_from([1, max(1, size // tie.denominator)]))
                events, bad = tie.denominator * times, tie.numerator * times
                bad = min(events, bad + (kind == "nearly"))
            elif kind == "any":
                bad = draw(st.integers(0, events))
            good.append(events - bad)
            total.append(events)
    return Counts(START, STEP, good, total)


def counters(counts: Counts) -> engine.Counters:
    good, total = (np.cumsum([3, *column]) for column in (counts.good, counts.total))
    return engine.Counters(counts.start, counts.step, good, total)


@examples(250)
@given(data=st.data(), slo=slos, block=blocks, size=sizes, chunk=st.sampled_from([1, 7, 40, 2**18]))
def test_the_engine_answers_as_the_evaluator_to_the_bucket(
    data: st.DataObject, slo: SLO, block: int, size: int, chunk: int
) -> None:
    policy = data.draw(policies(slo))
    counts = data.draw(series(slo, policy, block, size))
    expected = alerting.alert_intervals(counts, slo, policy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_windows, "_block_length", lambda *_: block)
        patch.setattr(_windows, "CHUNK", chunk)
        patch.setattr(_windows, "BATCH", chunk)
        assert engine.alert_intervals(counts, slo, policy) == expected
        if sum(counts.total) < 2**62:
            assert engine.alert_intervals(counters(counts), slo, policy) == expected
        if len(counts) > 1:
            assert engine.alert_intervals(counts.to_frame(), slo, policy) == expected


@examples(60)
@given(data=st.data(), slo=slos)
def test_the_length_it_chooses_for_its_blocks_changes_nothing(
    data: st.DataObject, slo: SLO
) -> None:
    policy = data.draw(policies(slo))
    counts = data.draw(series(slo, policy, data.draw(blocks), 1000))
    expected = alerting.alert_intervals(counts, slo, policy)
    assert engine.alert_intervals(counts, slo, policy) == expected


@examples(60)
@given(data=st.data(), slo=slos, kind=st.sampled_from(["uint8", "int32", "uint32", "uint64"]))
def test_narrow_and_unsigned_columns_do_not_wrap(data: st.DataObject, slo: SLO, kind: str) -> None:
    counts = data.draw(series(slo, google_policy(), 12, 255).filter(lambda found: len(found) > 1))
    total = np.minimum(counts.total, 255)
    counts = Counts(START, STEP, np.minimum(counts.good, total), total)
    frame = counts.to_frame().astype(kind)
    policy: Policy = (*google_policy(slo.period), SilenceRule(30 * MINUTE))
    expected = alerting.alert_intervals(counts, slo, policy)
    assert engine.alert_intervals(frame, slo, policy) == expected


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SERIES)
def test_it_answers_as_the_evaluator_on_a_real_series(name: str, target: float) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not in shared/data beside the project")
    policy: Policy = (*google_policy(), SilenceRule(15 * MINUTE))
    slo, counts = SLO("availability", target), read_csv(path)
    expected = alerting.alert_intervals(counts, slo, policy)
    assert engine.alert_intervals(counts, slo, policy) == expected
    assert engine.alert_intervals(counts.to_frame(), slo, policy) == expected
    assert engine.alert_intervals(counters(counts), slo, policy) == expected


@examples(80)
@given(
    data=st.data(),
    slo=slos,
    size=sizes,
    window=st.integers(1, 80),
    chunk=st.sampled_from([1, 7, 2**18]),
)
def test_a_burn_rate_is_the_share_of_bad_events_over_the_budget(
    data: st.DataObject, slo: SLO, size: int, window: int, chunk: int
) -> None:
    counts = data.draw(series(slo, google_policy(), 12, size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CHUNK", chunk)
        rates = engine.burn_rates(counts, slo, [window * STEP])[window * STEP]
    assert len(rates) == len(counts)
    for end, rate in enumerate(rates, 1):
        here = slice(max(0, end - window), end)
        good, total = sum(counts.good[here]), sum(counts.total[here])
        expected = float(Fraction(total - good, total) / slo.exact_budget) if total else math.nan
        assert rate == pytest.approx(expected, rel=1e-15, nan_ok=True)


@given(
    x=st.lists(st.floats(allow_infinity=False) | st.just(math.nan), max_size=60),
    pixels=st.integers(1, 80),
)
def test_every_pixel_shows_the_lowest_and_the_highest_of_what_it_covers(
    x: list[float], pixels: int
) -> None:
    shown = engine.downsample(np.array(x), pixels)
    rows = min(pixels, len(x))
    assert shown.shape == (rows, 2)
    for pixel, pair in enumerate(shown):
        covered = x[pixel * len(x) // rows : (pixel + 1) * len(x) // rows]
        values = [value for value in covered if not math.isnan(value)]
        if values:
            assert pair.tolist() == [min(values), max(values)]
        else:
            assert np.isnan(pair).all()


def test_two_threads_give_the_answer_of_one() -> None:
    random, step = np.random.default_rng(7), timedelta(seconds=1)
    total = random.poisson(5, 2**21)
    bad = random.binomial(total, 0.001)
    bad[::300_000] = total[::300_000]
    slo, series = SLO("availability", 0.999), _windows.Columns(total - bad, total)
    tests = [engine._window_test(rule, slo, step) for rule in google_policy()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_windows, "CHUNK", 2**22)
        patch.setattr(_windows, "BATCH", 2**22)
        alone = _windows.verdict_changes(series, tests)
    assert sum(map(len, alone)) > 50
    assert _windows.verdict_changes(series, tests) == alone
