"""Blind spots: what an alert policy says to outages of every size, and so what it cannot see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import BurnRule, Policy, check_step, quotient
from oncall.alerting_lint import lint_alerting
from oncall.checks import shown
from oncall.counts import Counts
from oncall.findings import Finding
from oncall.slo import MOST_EVENTS, SLO, exact, exact_ratio
from oncall.telemetry._arrays import Flags, Indices, Integers
from oncall.times import HOUR, MINUTE, check_buckets, whole_buckets

VERDICTS = ("silent", "ticket", "page")
ERROR_RATIOS = (
    *(float(f"{digits}e-{power}") for power in (4, 3, 2, 1) for digits in (1, 1.5, 2, 3, 5, 7)),
    1.0,
)
DURATIONS = (
    *(minutes * MINUTE for minutes in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45)),
    *(hours * HOUR for hours in (1, 1.5, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72)),
)


@dataclass(frozen=True)
class BlindSpots:
    """What a policy says to outages of every size.

    The arrays have one row per error ratio and one column per duration. ``verdict`` holds indices
    into ``VERDICTS``: 0 silent, 1 ticket, 2 page. ``budget_lost`` is the share of a period's error
    budget that the whole outage costs, above 1 where it overspends it.
    """

    error_ratios: tuple[float, ...]
    durations: tuple[timedelta, ...]
    verdict: NDArray[np.int8]
    budget_lost: NDArray[np.float64]
    findings: tuple[Finding, ...]


def blind_spots(
    slo: SLO,
    policy: Policy,
    traffic: float | Counts,
    *,
    error_ratios: Iterable[float] = ERROR_RATIOS,
    durations: Iterable[timedelta] = DURATIONS,
    step: timedelta = MINUTE,
) -> BlindSpots:
    """What a policy says to outages of each error ratio and duration.

    ``traffic`` is in events an hour, and even: of counts it is the mean of what was counted, though
    the findings are about their quietest windows. Outside the outage no event is bad. Events are
    whole: t after the outage's start ⌊traffic × t⌋ events have come, and of the first n in the
    outage ⌊error ratio × n⌋ are bad. So at 10 events an hour the first five minutes hold none. A
    page wins over a ticket; one that comes only after the end counts. Verdicts are those of
    ``AlertEvaluator`` on buckets of ``step``, of which each duration must be a multiple, after
    enough clean traffic to fill the windows. ``SilenceRule``s play no part, for the events keep
    coming.
    """
    check_step(policy, step)
    error_ratios, durations = tuple(error_ratios), tuple(durations)
    if not error_ratios or not durations:
        raise ValueError("an empty map; give at least one error ratio and one duration")
    rules = [rule for rule in policy if isinstance(rule, BurnRule)]
    ratios = [_error_ratio(ratio) for ratio in error_ratios]
    ends = [whole_buckets(length, step, "duration", "give a finer step") for length in durations]
    hourly = _rate(traffic)
    rate = hourly * quotient(step, HOUR)  # events in a bucket
    history = max((rule.long // step for rule in rules), default=0)
    check_buckets(2 * history + max(ends), step, "the map takes", "give a longer step")
    factors = [*ratios, *(rule.threshold(slo) for rule in rules)]
    events = _events(rate, history, max(ends), factors)
    budget = float(slo.exact_budget * rate) * (slo.period / step)
    verdict = np.zeros((len(ratios), len(ends)), np.int8)
    lost = np.zeros(verdict.shape)
    for row, ratio in enumerate(ratios):
        in_outage = events[history : history + max(ends) + 1]
        outage = _Outage(events, history, in_outage * ratio.numerator // ratio.denominator)
        lost[row] = outage.bad[ends] / budget
        for rule in rules:
            fired = _fired(outage, rule, slo, step, np.array(ends))
            verdict[row] = np.maximum(verdict[row], fired * VERDICTS.index(rule.action))
    findings = lint_alerting(policy, slo, traffic if isinstance(traffic, Counts) else float(hourly))
    return BlindSpots(error_ratios, durations, verdict, lost, tuple(findings))


# --- one outage ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outage:
    """An outage that nobody has ended yet, as running sums over buckets.

    ``events`` are all events from ``history`` buckets before it, ``bad`` those that fail from its
    start.
    """

    events: Integers
    history: int
    bad: Integers

    def exceeds(self, at: Indices, end: Indices, window: int, threshold: Fraction) -> Flags:
        """Whether the window up to bucket ``at`` burns too fast if the outage ends at ``end``."""
        bad = self.bad[np.minimum(at, end)] - self.bad[np.clip(at - window, 0, end)]
        total = self.events[at + self.history] - self.events[at + self.history - window]
        exceeding: Flags = bad * threshold.denominator > total * threshold.numerator
        return exceeding


def _fired(outage: _Outage, rule: BurnRule, slo: SLO, step: timedelta, ends: Indices) -> Flags:
    """Whether the rule fires in or after an outage, for each of its possible ends."""
    threshold, long, short = rule.threshold(slo), rule.long // step, rule.short // step

    def fires(at: Indices, end: Indices) -> Flags:
        return outage.exceeds(at, end, short, threshold) & outage.exceeds(at, end, long, threshold)

    inside = np.arange(1, ends.max() + 1)
    during = fires(inside, inside)
    first = inside[during.argmax()] if during.any() else ends.max() + 1
    # Events are whole, so a window may lose a good one before it loses the bad ones: the verdict
    # can come after the end.
    after = fires(ends[:, None] + np.arange(1, short), ends[:, None])
    fired: Flags = (ends >= first) | after.any(axis=1)
    return fired


def _events(rate: Fraction, history: int, longest: int, factors: list[Fraction]) -> Integers:
    """All events until each bucket, from ``history`` buckets before an outage to as many after it.

    They are int64; or Python's own integers, slower, where a factor could take them past 2**63.
    """
    buckets = range(-history, longest + history + 1)
    sums = [rate.numerator * bucket // rate.denominator for bucket in buckets]
    largest = max(max(factor.as_integer_ratio()) for factor in factors)
    return np.array(sums, np.int64 if 2 * sums[-1] * largest < 2**63 else object)


# --- what comes in -------------------------------------------------------------------------------


def _rate(traffic: float | Counts) -> Fraction:
    """Events an hour, as an exact number."""
    if isinstance(traffic, Counts):
        counted = len(traffic) - len(traffic.missing)
        traffic = sum(traffic.total) / max(1, counted) * (HOUR / traffic.step)
    with contextlib.suppress(ValueError):
        if Fraction(1, MOST_EVENTS) < (rate := exact(traffic)) < MOST_EVENTS:
            return rate
    need = "a number of events an hour above 0, from 1e-30 to 1e30"
    raise ValueError(f"traffic must be {need}, given {shown(traffic)}")


def _error_ratio(ratio: float) -> Fraction:
    number = exact_ratio(ratio, "an error ratio")
    if number is None:
        raise ValueError("an error ratio must be a number from 0 to 1, given nan")
    return number
