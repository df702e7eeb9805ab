"""Many synthetic months of a service, each request failing by chance: how often a policy wakes somebody for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import Policy, Rule, SilenceRule, check_step
from oncall.findings import Finding
from oncall.scenario import DAILY, WEEKLY, KnownIncident, Scenario
from oncall.slo import SLO
from oncall.telemetry.backtest import Flags, Page, findings_at, is_true, matches, windows
from oncall.times import DAY, HOUR, MINUTE, SECOND

Integers = NDArray[np.int64]

MONTH = 30 * DAY
WEEK = 7 * DAY
TOGETHER = 32  # months whose faults are drawn in one go, which takes half the time


@dataclass(frozen=True)
class Simulation:
    """What a policy did in each of many months: arrays with a number a month.

    ``pages`` are calls to a person, ``false_pages`` those about nothing that was wrong, ``tickets`` the times that a
    ticket rule began to fire, ``missed`` the incidents that nobody was paged for.
    ``numpy.quantile(simulation.false_pages, 0.9)`` is what one month in ten exceeds.
    """

    pages: Integers
    false_pages: Integers
    tickets: Integers
    missed: Integers
    findings: tuple[Finding, ...]


def simulate(policy: Policy, scenario: Scenario, months: int, seed: int) -> Simulation:
    """What a policy does in so many synthetic months of a scenario, all alike but for the luck of each request.

    A month is 30 days from the scenario's start, with its faults where they stand, after enough quiet time to fill
    the policy's windows. The traffic is the scenario's mean in its daily and weekly rhythm, the same each month.
    Each request fails by itself, with the chance that the scenario gives its minute. Nobody mitigates: a fault
    lasts as long as it says, at most to the scenario's end. What is true and what is missed is as in ``backtest``.
    With ``dataclasses.replace(scenario, faults=())`` every page is one for nothing. The seed decides everything, for
    one version of numpy.
    """
    if months < 1:
        raise ValueError(f"months must be 1 or more, given {months}")
    if not isinstance(scenario, Scenario):
        raise ValueError(
            f"scenario must be a Scenario such as SCENARIOS['provider_outage'], given {scenario!r}"
        )
    check_step(policy, MINUTE)
    month = _month(policy, scenario)
    tests = [(rule, _test(rule, scenario.slo, month)) for rule in policy]
    tallies = []
    for failed in _draw(month, months, np.random.default_rng(seed)):
        firing = [(rule, fires) for rule, test in tests if (fires := test(failed)).any()]
        tallies.append(_tally(month, firing))
    pages, false_pages, tickets, missed = np.array(tallies, np.int64).T
    findings = findings_at(policy, scenario.slo, month.start, MINUTE, month.requests)
    return Simulation(pages, false_pages, tickets, missed, findings)


# --- what all months have in common --------------------------------------------------------------


@dataclass(frozen=True)
class _Month:
    """The month's requests by the minute, from ``warm_up`` minutes before ``start``, and the chance of each to fail.

    ``requests`` is a running sum, 0 first. In the minutes ``places`` a request fails with the chance in ``chances``,
    in all others with ``errors``.
    """

    start: datetime
    warm_up: int
    requests: Integers
    errors: float
    places: Integers
    chances: NDArray[np.float64]
    labels: tuple[KnownIncident, ...]

    @property
    def kind(self) -> type[np.signedinteger[Any]]:
        """The integers that hold a month's requests: half as long is twice as fast."""
        return np.int32 if self.requests[-1] < 2**31 else np.int64

    def moment(self, minute: int) -> datetime:
        """The end of a minute of the month itself, counted from 0."""
        return self.start + MINUTE * (self.warm_up + minute + 1)


def _month(policy: Policy, scenario: Scenario) -> _Month:
    warm_up = max((window // MINUTE for rule in policy for window in windows(rule)), default=0)
    start, end = scenario.start - warm_up * MINUTE, scenario.start + min(MONTH, scenario.length)
    spared = _spared(scenario)
    places = np.flatnonzero(spared < 1)
    return _Month(
        start,
        warm_up,
        _requests(start, scenario.requests, warm_up + MONTH // MINUTE),
        scenario.errors,
        places + warm_up,
        1 - (1 - scenario.errors) * spared[places],
        tuple(
            replace(label, end=min(label.end or end, end))
            for label in scenario.labels()
            if label.start < end
        ),
    )


def _requests(start: datetime, mean: float, minutes: int) -> Integers:
    """Whole requests until each minute: the mean in its weekly rhythm, what rounding leaves over carried on."""
    week = np.cumsum([0.0, *(mean * _rhythm(start))])
    weeks, rest = np.divmod(np.arange(minutes + 1), WEEK // MINUTE)
    running: Integers = np.floor(weeks * week[-1] + week[rest]).astype(np.int64)
    return running


def _rhythm(start: datetime) -> NDArray[np.float64]:
    """``oncall.scenario.rhythm`` at each minute of a week: the same numbers, without ten thousand moments."""
    since_midnight = (start.hour * 60 + start.minute) * 60 + start.second
    day, second = np.divmod(since_midnight + 60 * np.arange(WEEK // MINUTE), DAY // SECOND)
    hour, past = np.divmod(second, HOUR // SECOND)
    daily, weekly = np.array(DAILY), np.array(WEEKLY)
    hourly = daily[hour] + (daily[(hour + 1) % 24] - daily[hour]) * (past / 3600)
    rhythm: NDArray[np.float64] = hourly * weekly[(start.weekday() + day) % 7] / 10_000
    return rhythm


def _spared(scenario: Scenario) -> NDArray[np.float64]:
    """The share of requests in each minute of the month that no fault makes fail."""
    spared = np.ones(MONTH // MINUTE)
    for fault in scenario.faults:
        end = min(MONTH, scenario.length, fault.start + (fault.duration or MONTH))
        at_full = range(-(-(fault.start + fault.ramp) // MINUTE), end // MINUTE)
        for minute in range(max(0, fault.start // MINUTE), -(-end // MINUTE)):
            begin = minute * MINUTE
            share = fault.error_ratio if minute in at_full else fault.failing(begin, begin + MINUTE)
            spared[minute] *= 1 - share
    return spared


# --- drawing -------------------------------------------------------------------------------------


def _draw(month: _Month, months: int, random: np.random.Generator) -> Iterator[Integers]:
    """For each month the failed requests until each minute, a running sum like the requests."""
    requests, minute_of = np.diff(month.requests), _minute_finder(month.requests)
    for done in range(0, months, TOGETHER):
        some = min(TOGETHER, months - done)
        at_fault = random.binomial(
            requests[month.places, None], month.chances[:, None], (len(month.places), some)
        )
        for column in np.ascontiguousarray(at_fault.T):
            failed = np.bincount(
                minute_of(_failures(month, random)) + 1, minlength=len(month.requests)
            )
            failed[month.places + 1] = column
            yield np.cumsum(failed, dtype=month.kind)


def _failures(month: _Month, random: np.random.Generator) -> Integers:
    """Which requests fail on a good day, each by itself: the distances between failures are geometric."""
    requests, failed = month.requests[-1], np.full(1, -1)
    while month.errors and failed[-1] < requests:
        distances = random.geometric(month.errors, int(requests * month.errors * 1.05) + 50)
        failed = np.concatenate([failed, failed[-1] + np.cumsum(distances)])
    return failed[1 : np.searchsorted(failed, requests)]


def _minute_finder(running: Integers) -> Callable[[Integers], Integers]:
    """In which minute a request is: ``searchsorted``, thrice as fast by a table of every 2ⁿth request.

    No minute has fewer than 2ⁿ requests, so that the table is at most one minute behind.
    """
    shift = max(0, int(np.diff(running).min()).bit_length() - 1)
    table = np.repeat(np.arange(1, len(running)), np.diff(-(-running >> shift)))

    def minute_of(requests: Integers) -> Integers:
        after = table[requests >> shift]
        after += running[after] <= requests
        minutes: Integers = after - 1
        return minutes

    return minute_of


# --- judging -------------------------------------------------------------------------------------


def _test(rule: Rule, slo: SLO, month: _Month) -> Callable[[Integers], Flags]:
    """The rule as a question about a month's failed requests: at the ends of which minutes does it fire?

    The requests are the same in every month, so that bad × D > total × N comes down to bad > ⌊total × N ÷ D⌋.
    """
    if isinstance(rule, SilenceRule):
        had_some = month.requests[month.warm_up + 1 :] > 0
        silent = had_some & (_in_window(month, month.requests, rule.after // MINUTE) == 0)
        return lambda failed: silent
    long, short, threshold = rule.long // MINUTE, rule.short // MINUTE, rule.threshold(slo)
    fits = int(month.requests[-1]) * threshold.numerator < 2**63
    requests = month.requests.astype(np.int64 if fits else object)
    most_long, most_short = (
        (_in_window(month, requests, window) * threshold.numerator // threshold.denominator).astype(
            month.kind
        )
        for window in (long, short)
    )

    def fires(failed: Integers) -> Flags:
        over: Flags = _in_window(month, failed, long) > most_long
        return over & (_in_window(month, failed, short) > most_short) if over.any() else over

    return fires


def _in_window(month: _Month, running: NDArray[Any], length: int) -> NDArray[Any]:
    """How much a running sum gains in the window that ends with each minute of the month."""
    first = month.warm_up + 1
    gains: NDArray[Any] = running[first:] - running[first - length : -length]
    return gains


def _tally(month: _Month, firing: list[tuple[Rule, Flags]]) -> tuple[int, int, int, int]:
    """Pages, false pages, tickets and missed incidents of a month."""
    pages = _pages(month, [(rule, fires) for rule, fires in firing if rule.action == "page"])
    true_pages = [page for page in pages if is_true(page, month.labels)]
    tickets = sum(len(_stretches(fires)) for rule, fires in firing if rule.action == "ticket")
    missed = sum(not any(matches(page, label) for page in true_pages) for label in month.labels)
    return len(pages), len(pages) - len(true_pages), tickets, missed


def _pages(month: _Month, firing: list[tuple[Rule, Flags]]) -> list[Page]:
    """The stretches in which any of these rules fires. One that fires as the month begins counts from there."""
    if not firing:
        return []
    some = np.logical_or.reduce([fires for _, fires in firing])
    return [
        Page(
            month.moment(begin) - max(windows(rule)[-1] for rule, fires in firing if fires[begin]),
            month.moment(begin),
            month.moment(end) if end < len(some) else None,
        )
        for begin, end in _stretches(some)
    ]


def _stretches(fires: Flags) -> list[tuple[int, int]]:
    """From which minute on, and until before which, it fires, each time."""
    turns = (np.flatnonzero(fires[1:] != fires[:-1]) + 1).tolist()
    turns = [0] * bool(fires[0]) + turns + [len(fires)] * bool(fires[-1])
    return list(zip(turns[::2], turns[1::2], strict=True))
