"""Budgets against a definition by brute force, slices and fractions; the engine against both.

Nothing of the definition is shared with the library. Series have gaps, stretches without traffic,
trailing periods exactly at the target, and counts whose sums pass 2**53 and 2**63.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

from oncall import budget
from oncall.counts import Counts, read_csv
from oncall.slo import SLO
from oncall.telemetry import engine
from oncall.times import DAY, HOUR, MINUTE

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
STEPS = [timedelta(seconds=0.75), MINUTE, HOUR, DAY]
TARGETS = ["0.9", "0.99", "0.999", "0.9995", "0.99999", "0.5", "0.29"]
SHARED = Path(__file__).parents[3] / "shared" / "data"
SERIES = ("petshop/low_traffic.counts", "petshop/high_traffic.counts", "nezha/2022-08-22.minutes")

Bucket = tuple[int, int]  # bad, total


@dataclass(frozen=True)
class Case:
    target: str
    width: int  # buckets in a period
    step: timedelta
    buckets: list[Bucket]

    @property
    def slo(self) -> SLO:
        return SLO("availability", float(self.target), self.width * self.step)

    @property
    def counts(self) -> Counts:
        good = [total - bad for bad, total in self.buckets]
        return Counts(T0, self.step, good, [total for _, total in self.buckets])

    def trailing(self) -> list[Bucket]:
        """Bad and total events of the trailing period at the end of every bucket."""
        periods = [
            self.buckets[max(0, end - self.width) : end] for end in range(1, len(self.buckets) + 1)
        ]
        return [
            (sum(bad for bad, _ in period), sum(total for _, total in period)) for period in periods
        ]

    def spent(self) -> list[Fraction | None]:
        """The share of its budget that each trailing period spent; none without events."""
        allowed = 1 - Fraction(self.target)
        return [Fraction(bad, total) / allowed if total else None for bad, total in self.trailing()]

    def breaches(self) -> list[budget.Breach]:
        """The stretches in which more than all was spent: the definition."""
        spent, events, found, last = self.spent(), self.trailing(), [], 0
        for breached, stretch in groupby(share is not None and share > 1 for share in spent):
            first, last = last, last + len(list(stretch))
            if breached:
                shares = [share or Fraction() for share in spent[first:last]]
                at = first + shares.index(max(shares))
                begins, ends = T0 + first * self.step, T0 + last * self.step
                found.append(
                    budget.Breach(
                        begins,
                        ends if last < len(spent) else None,
                        min(1.0, (first + 1) / self.width),
                        T0 + at * self.step,
                        *events[at],
                        float(max(shares)),
                    )
                )
        return found


@st.composite
def cases(draw: st.DrawFn, largest: int = 1000) -> Case:
    target = draw(st.sampled_from(TARGETS))
    allowed = 1 - Fraction(target)

    def at_the_target(times: int, more: int) -> Bucket:
        """Buckets that spend exactly their budget, or one failure more or less."""
        total = allowed.denominator * times
        return min(total, max(0, allowed.numerator * times + more)), total

    clean = st.integers(0, largest).map(lambda total: (0, total))
    noisy = st.tuples(st.integers(0, 5), st.integers(5, 5 + largest))
    ties = st.builds(at_the_target, st.integers(1, 3), st.sampled_from([0, 0, 0, 1, -1]))
    any_bucket = st.one_of(ties, clean, noisy, st.just((0, 0)), st.just((100, 100)))
    stretches = draw(st.lists(st.tuples(any_bucket, st.integers(1, 6)), max_size=12))
    buckets = [bucket for bucket, length in stretches for _ in range(length)]
    return Case(target, draw(st.integers(1, 15)), draw(st.sampled_from(STEPS)), buckets)


def same(shares: object, others: object) -> bool:
    """Whether the floats are the same to the bit; ``nan`` is ``nan``."""
    return np.array_equal(np.asarray(shares), np.asarray(others), equal_nan=True)


TIE = Case("0.999", 3, MINUTE, [(1, 1000)] * 5)
OVER = Case("0.999", 3, MINUTE, [(1, 1000)] * 4 + [(2, 1000), (1, 1000), (1, 1000), (1, 1000)])

EQUAL_AS_FLOATS = Case("0.5", 1, DAY, [(2**60 + more, 2**61) for more in (1, 3, 5, 2, 5)])
VAST = Case("0.99", 4, MINUTE, [(2**60, 2**62)] * 9)


def test_the_brute_force_definition_itself_is_strict() -> None:
    assert TIE.breaches() == []
    [breach] = OVER.breaches()
    assert (breach.start, breach.end) == (T0 + 4 * MINUTE, T0 + 7 * MINUTE)


@examples(300)
@given(cases())
@example(TIE)
@example(OVER)
@example(Case("0.99", 4, MINUTE, []))
def test_every_trailing_period_is_what_the_definition_says(case: Case) -> None:
    history = budget.budget_history(case.counts, case.slo)
    exact = case.spent()
    assert list(zip(history.bad, history.total, strict=True)) == case.trailing()
    assert same(list(history), [math.nan if share is None else float(share) for share in exact])
    assert same(history.spent, list(history))
    for bucket, share in enumerate(exact):
        assert history.is_breached(bucket) == (share is not None and share > 1)
        assert history.coverage(bucket) == min(1.0, (bucket + 1) / case.width)


@examples(300)
@given(cases())
@example(TIE)
@example(OVER)
@example(EQUAL_AS_FLOATS)
@example(VAST)
@example(Case("0.99", 4, MINUTE, []))
@example(Case("0.99", 4, MINUTE, [(7, 7)] * 9))
def test_breaches_are_what_the_definition_says(case: Case) -> None:
    assert budget.breaches(case.counts, case.slo) == case.breaches()


@examples(200)
@given(
    cases(),
    st.sampled_from(["month", "quarter"]),
    st.sampled_from(["UTC", "America/Chicago", "Asia/Tokyo", "Australia/Lord_Howe"]),
    st.sampled_from([7 * HOUR, 3 * DAY, 28 * DAY, 1.5 * DAY]),
)
def test_a_bucket_belongs_to_the_calendar_window_in_which_it_starts(
    case: Case, unit: str, tz: str, step: timedelta
) -> None:
    counts = Counts(T0, step, case.counts.good, case.counts.total)
    expected: dict[str, list[int]] = {}
    for i, (bad, total) in enumerate(case.buckets):
        local = (T0 + i * step).astimezone(ZoneInfo(tz))
        part = f"Q{(local.month + 2) // 3}" if unit == "quarter" else f"{local.month:02}"
        events = expected.setdefault(f"{local.year}-{part}", [0, 0])
        events[0] += bad
        events[1] += total
    found = budget.calendar(counts, case.slo, unit, tz)
    assert {window.name: [window.total - window.good, window.total] for window in found} == expected
    for window in found:
        bad, total = expected[window.name]
        over = total > 0 and Fraction(bad, total) > 1 - Fraction(case.target)
        assert window.is_breached == over
        assert same(window.spent, budget.spent_share(bad, total, case.slo))
        assert window.partial == (window.start < counts.start or counts.end < window.end)
        for edge in (window.start, window.end):
            assert edge.astimezone(ZoneInfo(tz)).strftime("%d %H:%M:%S") == "01 00:00:00"
    assert all(one.end == other.start for one, other in pairwise(found))


# --- the engine ----------------------------------------------------------------------------------


def counters(counts: Counts) -> engine.Counters:
    good, total = (np.cumsum([7, *column]) for column in (counts.good, counts.total))
    return engine.Counters(counts.start, counts.step, good, total)


def agree(counts: Counts, slo: SLO) -> None:
    """The engine gives the toolkit's answers, from counts, counters and a frame."""
    forms: list[engine.AnyCounts] = [counts]
    if sum(counts.total) < 2**62:
        forms.append(counters(counts))
    if len(counts) > 1:
        forms.append(counts.to_frame())
    shares, missed = budget.budget_history(counts, slo), budget.breaches(counts, slo)
    months = repr(budget.calendar(counts, slo, "month", "Europe/Berlin"))  # in which nan is nan
    for form in forms:
        assert same(engine.budget_history(form, slo), shares.spent)
        assert engine.breaches(form, slo) == missed
        assert repr(engine.calendar(form, slo, "month", "Europe/Berlin")) == months


@examples(150)
@given(
    st.sampled_from([1000, 2**31, 2**45, 2**61]).flatmap(cases), st.sampled_from([1, 2, 7, 2**18])
)
@example(TIE, 2)
@example(OVER, 2)
@example(Case("0.99", 4, MINUTE, [(7, 7)] * 9), 2)
@example(EQUAL_AS_FLOATS, 3)
@example(VAST, 2)
def test_the_engine_gives_the_toolkits_answers(case: Case, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CHUNK", chunk)
        agree(case.counts, case.slo)


@pytest.mark.parametrize("kind", ["uint8", "int32", "uint64"])
def test_columns_of_any_integer_type_do_not_wrap(kind: str) -> None:
    counts = Counts(T0, HOUR, [100] * 900, [200, 255, 100] * 300)
    frame, slo = counts.to_frame().astype(kind), SLO("availability", 0.6, 30 * HOUR)
    assert same(engine.budget_history(frame, slo), budget.budget_history(counts, slo).spent)
    assert engine.breaches(frame, slo) == budget.breaches(counts, slo) != []
    assert engine.calendar(frame, slo) == budget.calendar(counts, slo)


@pytest.mark.parametrize("target", [0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("name", SERIES)
def test_real_series(name: str, target: float) -> None:
    path = SHARED / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not in shared/data beside the project")
    counts = read_csv(path)
    width = max(1, len(counts) // 7)
    agree(counts, SLO("availability", target, width * counts.step))


def test_the_month_in_the_data_folder() -> None:
    counts = read_csv(Path(__file__).parents[2] / "data" / "assistant_30d.csv")
    for period in (DAY, 28 * DAY, 30 * DAY):
        agree(counts, SLO("availability", 0.999, period))
