"""Scenarios: the traffic of a service, and what breaks in it when; one seed gives one outcome."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oncall.checks import check
from oncall.counts import Counts
from oncall.slo import SLO, exact, exact_ratio
from oncall.times import DAY, MINUTE, check_buckets, moment_text, not_negative, positive, utc

# Requests in each hour of a UTC day and on each day of the week, in percent of the mean. They are
# tables with straight lines between them, as sines differ in the last digit between machines.
DAILY = (
    52, 45, 41, 40, 43, 52, 70, 94, 118, 134, 141, 140,
    136, 139, 145, 146, 142, 134, 124, 114, 104, 94, 83, 69,
)  # fmt: skip
WEEKLY = (112, 115, 114, 111, 104, 72, 72)


@dataclass(frozen=True)
class Fault:
    """Something that breaks: from ``start`` on, a share of the requests fails until mitigated.

    ``start`` counts from the scenario's start. That share rises in a straight line over ``ramp``,
    up to ``error_ratio``. With a ``duration`` the fault ends by itself. If the requests are
    ``lost``, they never arrive and so are not counted; if they are ``synthetic``, they are counted,
    but no user sent them. ``catches`` gives the share that each mitigation catches; if it is empty,
    the symptom's own shares apply. ``cause`` is the cause behind it, and ``segment`` the part of
    the traffic that it hits, such as ``region=eu``; empty, the cause's own, or all of the traffic
    where more fails than lies there.
    """

    symptom: str
    start: timedelta
    error_ratio: float
    ramp: timedelta = timedelta()
    duration: timedelta | None = None
    title: str = ""
    lost: bool = False
    synthetic: bool = False
    catches: tuple[tuple[str, float], ...] = ()
    cause: str = ""
    segment: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "error_ratio", _share(self.error_ratio, "error_ratio"))
        not_negative(self.start, "start")
        not_negative(self.ramp, "ramp")
        if self.duration is not None:
            positive(self.duration, "duration")

    def failing(self, begin: timedelta, end: timedelta) -> float:
        """The share of requests that fail between two moments, if nothing is mitigated."""
        return self.error_ratio * ((self._area(end) - self._area(begin)) / (end - begin))

    def _area(self, moment: timedelta) -> timedelta:
        """The area under the share of failures up to a moment, as time at the full error ratio."""
        lasted = max(timedelta(), moment - self.start)
        if self.duration is not None:
            lasted = min(lasted, self.duration)
        if lasted < self.ramp:
            return lasted * (lasted / self.ramp / 2)
        return lasted - self.ramp / 2


@dataclass(frozen=True)
class RedHerring:
    """An observation that is true, draws the eye, and has nothing to do with the fault."""

    at: timedelta
    text: str

    def __post_init__(self) -> None:
        not_negative(self.at, "at")


@dataclass(frozen=True)
class Review:
    """What people find when they look back at an incident; an action item is a kind and a text."""

    contributing_factors: tuple[str, ...] = ()
    went_well: tuple[str, ...] = ()
    went_wrong: tuple[str, ...] = ()
    lucky: tuple[str, ...] = ()
    action_items: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KnownIncident:
    """The truth about one fault in telemetry: what it was, and from when to when.

    Moments are aware. ``end`` is after the start, or ``None`` if the fault lasts. The error ratio
    is from 0 to 1, ``nan`` if unknown.
    """

    title: str
    symptom: str
    start: datetime
    end: datetime | None
    error_ratio: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start, "start"))
        if self.end is not None:
            object.__setattr__(self, "end", utc(self.end, "end"))
            if self.end <= self.start:
                end = moment_text(self.end)
                raise ValueError(f"the incident ends at {end}, not after its start")
        ratio = self.error_ratio
        is_number = not isinstance(ratio, str | None)
        check(is_number, "error_ratio", "a number, math.nan where unknown", ratio)
        exact_ratio(ratio, "error_ratio")


@dataclass(frozen=True)
class Scenario:
    """A stretch of a service's life: its traffic, its SLO, and the faults in it.

    ``requests`` is their mean number per minute, ``errors`` the share that fails on a good day.
    ``warm_up`` is time without faults before the start, so that every long window is full.
    ``reviews`` holds what there is to find about each incident, in the order in which they open.
    ``causes`` are what the seed draws a fault for, each with its segment, its strength and onset.
    ``length`` and ``warm_up`` are whole minutes, all of it lies from 1900 to 2200, and there are at
    most a billion requests a minute; anything else is a ``ValueError``.
    """

    name: str
    title: str
    start: datetime
    length: timedelta
    slo: SLO
    requests: float
    errors: float
    faults: tuple[Fault, ...] = ()
    red_herrings: tuple[RedHerring, ...] = ()
    reviews: tuple[Review, ...] = ()
    warm_up: timedelta = 3 * DAY
    causes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start, "start"))
        length, warm_up = positive(self.length, "length"), not_negative(self.warm_up, "warm_up")
        for name, span in (("length", length), ("warm_up", warm_up)):
            check(not span % MINUTE, name, "whole minutes", span)
        utc(self.start - warm_up, "the start of the warm-up,")
        utc(self.start + length, "the end,")
        minutes = (warm_up + length) // MINUTE
        check_buckets(minutes, MINUTE, "the scenario has", "shorten it")
        requests = exact(self.requests, "requests")
        need = "a number a minute from 0 to a billion"
        check(0 <= requests <= 10**9, "requests", need, self.requests)
        object.__setattr__(self, "requests", float(requests))
        object.__setattr__(self, "errors", _share(self.errors, "errors"))

    def counts(self, seed: int) -> Counts:
        """The scenario's telemetry, minute by minute, if nobody does anything about the faults."""
        traffic = Traffic(self, seed)
        good, total = array("q"), array("q")
        for minute in range(-(self.warm_up // MINUTE), self.length // MINUTE):
            failing, lost = self.failing_and_lost(self.failing(minute))
            counted = traffic.minute(minute, failing, lost)
            good.append(counted[0])
            total.append(counted[1])
        return Counts(self.start - self.warm_up, MINUTE, good, total)

    def failing(self, minute: int) -> list[float]:
        """The share of requests that each fault hits in a minute, numbered from the start."""
        return [fault.failing(minute * MINUTE, (minute + 1) * MINUTE) for fault in self.faults]

    def failing_and_lost(self, shares: list[float]) -> tuple[float, float]:
        """The shares of all requests that fail and that are lost, given the share per fault."""
        hits = list(zip(self.faults, shares, strict=True))
        failing = [share for fault, share in hits if not fault.lost]
        lost = [share for fault, share in hits if fault.lost]
        return combined(failing), combined(lost)

    def labels(self) -> tuple[KnownIncident, ...]:
        """The faults as known incidents, with moments in place of lengths of time."""

        def label(fault: Fault) -> KnownIncident:
            start = self.start + fault.start
            end = None if fault.duration is None else start + fault.duration
            return KnownIncident(fault.title, fault.symptom, start, end, fault.error_ratio)

        return tuple(map(label, self.faults))


def _share(value: float, name: str) -> float:
    """A share from 0 to 1 as a float, whatever type of number it was."""
    share = exact_ratio(value, name)
    if share is None:
        raise ValueError(f"{name} must be a share from 0 to 1, given {value}")
    return float(share)


def combined(shares: Iterable[float]) -> float:
    """The share that fails if each of several shares fails independently: 1 − Π (1 − share)."""
    return 1 - math.prod(1 - share for share in shares)


class Traffic:
    """A scenario's requests and errors, minute by minute.

    What rounding down to whole requests leaves over is carried to the next minute, so that an error
    ratio of 0.3 % is 0.3 % at any traffic. The seed decides the jitter of the traffic.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self._scenario = scenario
        self._random = random.Random(seed).random
        self._requests_over = 0.0
        self._errors_over = 0.0

    def minute(self, minute: int, failing: float, lost: float = 0.0) -> tuple[int, int]:
        """Good and total requests in a minute, numbered from the scenario's start.

        The share ``lost`` never arrives. Of the rest, ``failing`` fails on top of the usual errors.
        """
        scenario = self._scenario
        jitter = 0.96 + 0.08 * self._random()
        sent = scenario.requests * rhythm(scenario.start + minute * MINUTE) * jitter
        expected = sent * (1 - lost) + self._requests_over
        total = int(expected)
        self._requests_over = expected - total
        errors = total * (1 - (1 - scenario.errors) * (1 - failing)) + self._errors_over
        bad = min(int(errors), total)
        self._errors_over = errors - bad
        return total - bad, total


def rhythm(at: datetime) -> float:
    """The traffic at a moment as a multiple of its mean, from the daily and the weekly table."""
    this_hour, next_hour = DAILY[at.hour], DAILY[(at.hour + 1) % 24]
    part = (at.minute * 60 + at.second) / 3600
    return (this_hour + (next_hour - this_hour) * part) * WEEKLY[at.weekday()] / 10_000
