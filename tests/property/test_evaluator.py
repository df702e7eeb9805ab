"""The evaluator against a definition by brute force: slices of lists, and fractions.

Nothing of the definition here is shared with the library, except the types it is told about. Series
have gaps, stretches without traffic, and buckets that burn exactly at a rule's threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import groupby

from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

from oncall.alerting import (
    AlertEvaluator,
    AlertInterval,
    BurnRule,
    Policy,
    SilenceRule,
    alert_intervals,
    google_policy,
)
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.times import DAY

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
STEPS = [timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=5), timedelta(seconds=0.75)]
TARGETS = ["0.9", "0.99", "0.999", "0.9995", "0.99999", "0.5"]
FACTORS = ["14.4", "6", "3", "1", "2.8", "14/15", "0.5"]

Bucket = tuple[int | None, int | None]  # good, total; both None where there are no data

GONE: Bucket = (None, None)


@dataclass(frozen=True)
class Burn:
    """A burn rule in buckets and text, as the definition sees it."""

    long: int
    short: int
    factor: str

    def fires(self, seen: Sequence[Bucket], target: str) -> bool:
        return all(burns(seen[-width:], target, self.factor) for width in (self.long, self.short))

    def rule(self, step: timedelta) -> BurnRule:
        # A factor such as 14/15 has no decimal text; it is given as the fraction it is.
        return BurnRule(self.long * step, self.short * step, Fraction(self.factor))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Silence:
    """A silence rule in buckets."""

    after: int
    of: str
    long = property(lambda self: self.after)

    def fires(self, seen: Sequence[Bucket], target: str) -> bool:
        lately, before = seen[-self.after :], seen[: -self.after]
        if self.of == "data":
            return all(b == GONE for b in lately) and any(b != GONE for b in before)
        is_silent = not any(total for _, total in lately) and any(total for _, total in before)
        return is_silent and seen[-1] != GONE

    def rule(self, step: timedelta) -> SilenceRule:
        return SilenceRule(self.after * step, of=self.of)


def burns(window: Sequence[Bucket], target: str, factor: str) -> bool:
    """Whether a window's burn rate is strictly above the factor; without events there is none."""
    total = sum(total or 0 for _, total in window)
    if total == 0:
        return False
    error_ratio = 1 - Fraction(sum(good or 0 for good, _ in window), total)
    return error_ratio / (1 - Fraction(target)) > Fraction(factor)


@dataclass(frozen=True)
class Case:
    target: str
    step: timedelta
    rules: tuple[Burn | Silence, ...]
    buckets: list[Bucket]

    @property
    def slo(self) -> SLO:
        return SLO("availability", float(self.target))

    @property
    def policy(self) -> Policy:
        return tuple(rule.rule(self.step) for rule in self.rules)

    @property
    def counts(self) -> Counts:
        good, total = zip(*((good or 0, total or 0) for good, total in self.buckets), strict=True)
        missing = [number for number, bucket in enumerate(self.buckets) if bucket == GONE]
        return Counts(T0, self.step, good, total, missing)

    def verdicts(self) -> list[list[bool]]:
        """For each bucket, which of the rules fire at its end: the definition."""
        seen = [self.buckets[:end] for end in range(1, len(self.buckets) + 1)]
        return [[rule.fires(until, self.target) for rule in self.rules] for until in seen]


@st.composite
def burn_rules(draw: st.DrawFn) -> Burn:
    long = draw(st.integers(1, 12))
    return Burn(long, draw(st.integers(1, long)), draw(st.sampled_from(FACTORS)))


def silence_rules() -> st.SearchStrategy[Silence]:
    return st.builds(Silence, st.integers(1, 8), st.sampled_from(["traffic", "data"]))


CLEAN = st.integers(1, 1000).map(lambda good: (good, good))
NEARLY_CLEAN = st.builds(
    lambda good, bad: (good, good + bad), st.integers(0, 1000), st.integers(0, 5)
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    target = draw(st.sampled_from(TARGETS))
    any_rule = st.one_of(burn_rules(), burn_rules(), silence_rules())
    rules = draw(st.lists(any_rule, min_size=1, max_size=4))
    kinds: list[st.SearchStrategy[Bucket]] = [*map(st.just, [GONE, (0, 0), (0, 100), (99, 100)])]
    kinds += [CLEAN, NEARLY_CLEAN]
    kinds += [near_the_threshold(target, rule.factor) for rule in rules if isinstance(rule, Burn)]
    # Stretches of equal buckets, so that whole windows lie exactly at a threshold, or hold nothing.
    stretch = st.tuples(st.one_of(kinds), st.integers(1, 6))
    stretches = draw(st.lists(stretch, min_size=2, max_size=10))
    buckets = [bucket for bucket, length in stretches for _ in range(length)]
    return Case(target, draw(st.sampled_from(STEPS)), tuple(rules), buckets)


def near_the_threshold(target: str, factor: str) -> st.SearchStrategy[Bucket]:
    """Buckets that burn exactly at the factor, or one failure more or less."""
    threshold = min(Fraction(1), Fraction(factor) * (1 - Fraction(target)))
    bad, total = threshold.numerator, threshold.denominator

    def bucket(times: int, more: int) -> Bucket:
        failures = min(total * times, max(0, bad * times + more))
        return total * times - failures, total * times

    return st.builds(bucket, st.integers(1, 3), st.sampled_from([0, 0, 0, 1, -1]))


TIE = Case("0.999", STEPS[1], (Burn(3, 1, "14.4"),), [(9856, 10000)] * 5)
OVER = Case("0.999", STEPS[1], (Burn(3, 1, "14.4"),), [(9856, 10000)] * 4 + [(9855, 10000)])


def test_the_brute_force_definition_itself_is_strict() -> None:
    assert not any(TIE.verdicts()[-1])
    assert all(OVER.verdicts()[-1])


@examples(250)
@given(cases())
@example(TIE)
@example(OVER)
def test_the_evaluator_agrees_with_the_definition_at_every_bucket(case: Case) -> None:
    evaluator = AlertEvaluator(case.slo, case.policy, case.step)
    for (good, total), expected in zip(case.buckets, case.verdicts(), strict=True):
        firing = [rule for rule, fires in zip(case.policy, expected, strict=True) if fires]
        assert list(evaluator.observe(good, total)) == firing


@examples(150)
@given(cases())
def test_intervals_are_the_verdicts_joined_where_they_do_not_change(case: Case) -> None:
    expected = []
    for number, fires in enumerate(zip(*case.verdicts(), strict=True)):
        last = 0
        for firing, stretch in groupby(fires):
            first, last = last + 1, last + len(list(stretch))
            if firing:
                clears = None if last == len(fires) else T0 + (last + 1) * case.step
                rule, start = case.policy[number], T0 + first * case.step
                coverage = min(1.0, first / case.rules[number].long)
                expected.append(AlertInterval(rule, start, clears, coverage))
    expected.sort(key=lambda interval: interval.start)  # and then by the policy's order, as before
    assert alert_intervals(case.counts, case.slo, case.policy) == expected


@examples(80)
@given(cases(), st.data())
def test_a_window_holds_the_sums_of_its_last_buckets(case: Case, data: st.DataObject) -> None:
    evaluator = AlertEvaluator(case.slo, case.policy, case.step)
    for good, total in case.buckets:
        evaluator.observe(good, total)
    longest = max((rule.long for rule in case.rules if isinstance(rule, Burn)), default=0)
    if longest:
        width = data.draw(st.integers(1, longest))
        good, total = sum(case.counts.good[-width:]), sum(case.counts.total[-width:])
        assert evaluator.window(width * case.step) == (good, total)


ARMS = [(2, 1), (5, 6), (10, 24), (10, 72)]  # percent of the budget, hours of the long window


@examples(100)
@given(
    arm=st.integers(0, 3),
    times=st.integers(1, 10**12),
    target=st.sampled_from(TARGETS),
    days=st.sampled_from([28, 30]),
)
def test_every_arm_of_the_google_policy_ignores_a_tie_and_fires_on_one_failure_more(
    arm: int, times: int, target: str, days: int
) -> None:
    share, hours = ARMS[arm]
    threshold = Fraction(share, 100) * Fraction(days * 24, hours) * (1 - Fraction(target))
    rule, slo = google_policy(days * DAY)[arm], SLO("availability", float(target), days * DAY)
    assert rule.reachable(slo) == (threshold < 1)
    if threshold < 1:
        bad, total = threshold.numerator * times, threshold.denominator * times
        assert AlertEvaluator(slo, (rule,), rule.short).observe(total - bad, total) == ()
        assert AlertEvaluator(slo, (rule,), rule.short).observe(total - bad - 1, total) == (rule,)
