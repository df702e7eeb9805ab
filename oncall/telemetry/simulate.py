"""Synthetic months of a service, each request failing by chance: how often a policy is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, Policy, Rule, SilenceRule, check_step
from oncall.checks import check_whole
from oncall.findings import Finding
from oncall.scenario import DAILY, WEEKLY, KnownIncident, Scenario
from oncall.slo import SLO
from oncall.telemetry._arrays import Flags, Integers
from oncall.telemetry.backtest import findings_at, is_true, matches, paging_episodes
from oncall.times import DAY, HOUR, MINUTE, SECOND, WEEK, ceil_div, check_buckets, utc

THIRTY_DAYS = 30 * DAY
TOGETHER = 32  # months whose faults are drawn in one go, which takes half the time
MOST_DISTANCES = 2**24  # between failures, drawn in one go; they take some hundred megabytes
SHORTEST_ODDS = 1e-12  # of a failure; with less, a few distances add up to more than an int64 holds


@dataclass(frozen=True)
class Simulation:
    """What a policy did in each of many months: arrays with one number per month.

    ``pages`` are calls to a person, ``false_pages`` those about nothing that was wrong, ``tickets``
    the times that a ticket rule began to fire, ``missed`` the incidents that nobody was paged for.
    ``numpy.quantile(simulation.false_pages, 0.9)`` is what one month in ten exceeds.
    """

    pages: Integers
    false_pages: Integers
    tickets: Integers
    missed: Integers
    findings: tuple[Finding, ...]


def simulate(policy: Policy, scenario: Scenario, months: int, seed: int) -> Simulation:
    """What a policy does in many synthetic months of a scenario that differ only by chance.

    A month is 30 days from the scenario's start, with its faults where they stand, after enough
    quiet time to fill the policy's windows. The traffic is the scenario's mean in its daily and
    weekly rhythm, the same each month. Each request fails independently, with the chance that the
    scenario gives its minute. Nobody mitigates: a fault lasts as long as it says, at most to the
    scenario's end. What is true and what is missed is as in ``backtest``. With
    ``dataclasses.replace(scenario, faults=())`` every page is a false one. The seed decides
    everything, for one version of numpy.
    """
    check_whole(months, "months", 1)
    if not isinstance(scenario, Scenario):
        need = "a Scenario such as SCENARIOS['provider_outage']"
        raise ValueError(f"scenario must be {need}, given {scenario!r}")
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
    """The requests of each minute, and how likely they are to fail.

    It begins at ``start``, ``warm_up`` minutes before the month itself. ``requests`` is a running
    sum, 0 first. In ``faulty_minutes`` a request fails with the chance in ``chances``, in all
    others with ``errors``.
    """

    start: datetime
    warm_up: int
    requests: Integers
    errors: float
    faulty_minutes: Integers
    chances: NDArray[np.float64]
    incidents: tuple[KnownIncident, ...]

    @property
    def kind(self) -> type[np.signedinteger[Any]]:
        """The integers that hold a month's requests: half as long is twice as fast."""
        return np.int32 if self.requests[-1] < 2**31 else np.int64


def _month(policy: Policy, scenario: Scenario) -> _Month:
    warm_up = max((rule.windows[0] // MINUTE for rule in policy), default=0)
    minutes = warm_up + THIRTY_DAYS // MINUTE
    check_buckets(minutes, MINUTE, "a month after its longest window has", "give shorter windows")
    start = utc(scenario.start - warm_up * MINUTE, "the start of the longest window,")
    end = scenario.start + min(THIRTY_DAYS, scenario.length)
    spared = _spared(scenario)
    faulty_minutes = np.flatnonzero(spared < 1)
    incidents = [
        replace(incident, end=min(incident.end or end, end))
        for incident in scenario.labels()
        if incident.start < end
    ]
    return _Month(
        start,
        warm_up,
        requests=_requests(start, scenario.requests, minutes),
        errors=scenario.errors,
        faulty_minutes=faulty_minutes + warm_up,
        chances=1 - (1 - scenario.errors) * spared[faulty_minutes],
        incidents=tuple(incidents),
    )


def _requests(start: datetime, mean: float, minutes: int) -> Integers:
    """Whole requests until each minute: the mean in its weekly rhythm, fractions carried on."""
    week = np.cumsum([0.0, *(mean * _rhythm(start))])
    weeks, rest = np.divmod(np.arange(minutes + 1), WEEK // MINUTE)
    running: Integers = np.floor(weeks * week[-1] + week[rest]).astype(np.int64)
    return running


def _rhythm(start: datetime) -> NDArray[np.float64]:
    """``oncall.scenario.rhythm`` at each minute of a week, without ten thousand moments."""
    since_midnight = (start.hour * 60 + start.minute) * 60 + start.second
    day, second = np.divmod(since_midnight + 60 * np.arange(WEEK // MINUTE), DAY // SECOND)
    hour, past = np.divmod(second, HOUR // SECOND)
    daily, weekly = np.array(DAILY), np.array(WEEKLY)
    hourly = daily[hour] + (daily[(hour + 1) % 24] - daily[hour]) * (past / 3600)
    rhythm: NDArray[np.float64] = hourly * weekly[(start.weekday() + day) % 7] / 10_000
    return rhythm


def _spared(scenario: Scenario) -> NDArray[np.float64]:
    """The share of requests in each minute of the month that no fault makes fail."""
    spared = np.ones(THIRTY_DAYS // MINUTE)
    for fault in scenario.faults:
        end = min(THIRTY_DAYS, scenario.length, fault.start + (fault.duration or THIRTY_DAYS))
        minutes = range(max(0, fault.start // MINUTE), ceil_div(end, MINUTE))
        at_full = range(ceil_div(fault.start + fault.ramp, MINUTE), end // MINUTE)
        shares = np.full(len(minutes), fault.error_ratio)
        for index, minute in enumerate(minutes):
            if minute not in at_full:
                shares[index] = fault.failing(minute * MINUTE, (minute + 1) * MINUTE)
        spared[minutes.start : minutes.stop] *= 1 - shares
    return spared


# --- drawing -------------------------------------------------------------------------------------


def _draw(month: _Month, months: int, random: np.random.Generator) -> Iterator[Integers]:
    """For each month the failed requests until each minute, a running sum like the requests."""
    minutes, minute_of = len(month.requests), _minute_finder(month.requests)
    requests = np.diff(month.requests)[month.faulty_minutes, None]
    # Minute by minute is slower where few requests fail, and takes no more memory where many do.
    few = month.requests[-1] * month.errors < MOST_DISTANCES
    by_distance = few and not 0 < month.errors < SHORTEST_ODDS
    for done in range(0, months, TOGETHER):
        shape = len(month.faulty_minutes), min(TOGETHER, months - done)
        at_fault = random.binomial(requests, month.chances[:, None], shape)
        for column in np.ascontiguousarray(at_fault.T):
            if by_distance:
                failed = np.bincount(minute_of(_failures(month, random)) + 1, minlength=minutes)
            else:
                failed = np.append(0, random.binomial(np.diff(month.requests), month.errors))
            failed[month.faulty_minutes + 1] = column
            yield np.cumsum(failed, dtype=month.kind)


def _failures(month: _Month, random: np.random.Generator) -> Integers:
    """Which requests fail on a good day: the distances between failures are geometric."""
    requests, failed = month.requests[-1], np.full(1, -1)
    while month.errors and failed[-1] < requests:
        distances = random.geometric(month.errors, int(requests * month.errors * 1.05) + 50)
        failed = np.concatenate([failed, failed[-1] + np.cumsum(distances)])
    return failed[1 : np.searchsorted(failed, requests)]


def _minute_finder(running: Integers) -> Callable[[Integers], Integers]:
    """A function that finds the minutes of requests.

    It is ``searchsorted``, three times as fast by a table of every 2ⁿth request. No minute has
    fewer than 2ⁿ requests, so the table is at most one minute behind.
    """
    shift = max(0, int(np.diff(running).min()).bit_length() - 1)
    rounded_up = (running + 2**shift - 1) >> shift
    table = np.repeat(np.arange(1, len(running)), np.diff(rounded_up))

    def minute_of(requests: Integers) -> Integers:
        after = table[requests >> shift]
        after += running[after] <= requests
        minutes: Integers = after - 1
        return minutes

    return minute_of


# --- judging -------------------------------------------------------------------------------------


def _test(rule: Rule, slo: SLO, month: _Month) -> Callable[[Integers], Flags]:
    """The rule as a question about a month's failed requests: at which minutes' ends does it fire?

    The requests are the same in every month, so bad × D > total × N is bad > ⌊total × N ÷ D⌋.
    """
    if isinstance(rule, SilenceRule):
        if rule.of == "data":  # which never stop here
            return lambda failed: np.zeros(THIRTY_DAYS // MINUTE, bool)
        had_events = month.requests[month.warm_up + 1 :] > 0
        silent = had_events & (_in_window(month, month.requests, rule.after) == 0)
        return lambda failed: silent
    threshold = rule.threshold(slo)
    fits = max(1, int(month.requests[-1])) * max(threshold.as_integer_ratio()) < 2**63
    requests = month.requests.astype(np.int64 if fits else object)

    def allowed(window: timedelta) -> Integers:
        """How many requests may fail in each window without a page."""
        total = _in_window(month, requests, window)
        whole: Integers = total * threshold.numerator // threshold.denominator
        return whole.astype(month.kind)

    in_long, in_short = allowed(rule.long), allowed(rule.short)

    def fires(failed: Integers) -> Flags:
        burns: Flags = _in_window(month, failed, rule.long) > in_long
        if burns.any():
            burns &= _in_window(month, failed, rule.short) > in_short
        return burns

    return fires


def _in_window(month: _Month, running: Integers, window: timedelta) -> Integers:
    """How much a running sum gains in the window that ends with each minute of the month."""
    first, length = month.warm_up + 1, window // MINUTE
    gains: Integers = running[first:] - running[first - length : -length]
    return gains


def _tally(month: _Month, firing: list[tuple[Rule, Flags]]) -> tuple[int, int, int, int]:
    """Pages, false pages, tickets and missed incidents of a month in which these rules fire."""
    changes = [(rule, _changes(month, fires)) for rule, fires in firing]
    pages = {rule: minutes for rule, minutes in changes if rule.action == "page"}
    alerts = AlertInterval.from_changes(tuple(pages), pages.values(), month.start, MINUTE)
    episodes = paging_episodes(alerts)
    true = [episode for episode in episodes if is_true(episode, month.incidents)]
    begins = [minutes[::2] for rule, minutes in changes if rule.action == "ticket"]
    tickets = sum(map(len, begins))
    caught = [any(matches(episode, incident) for episode in true) for incident in month.incidents]
    return len(episodes), len(episodes) - len(true), tickets, caught.count(False)


def _changes(month: _Month, fires: Flags) -> list[int]:
    """The minutes, from the start of the warm-up, at whose ends a verdict changes.

    A rule that fires as the month begins counts from there.
    """
    changes: list[int] = (np.flatnonzero(fires[1:] != fires[:-1]) + month.warm_up + 1).tolist()
    return [month.warm_up, *changes] if fires[0] else changes
