"""The service of a shift, minute by minute: what is counted, and the mitigations in effect.

A minute is drawn from the expectations of its world, with the noise that whole requests have. A
scenario that tells its faults itself is smooth: what rounding leaves over goes to the next minute.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from oncall.catalogue import known_mitigation
from oncall.counts import Counts
from oncall.gameday.causes import SLOS
from oncall.gameday.draw import world_of
from oncall.gameday.world import Active, aim_of
from oncall.mitigations import FLOORS, MITIGATIONS
from oncall.scenario import Scenario, Traffic, rhythm
from oncall.slo import sli
from oncall.times import MINUTE

JUDGED = 180  # answers that the judge samples in a minute
SENSITIVITY, SPECIFICITY = 0.9, 0.99  # of the judge: bad ones that it finds, good ones it passes


class Minute(NamedTuple):
    """A minute that was played: what the faults were, which mitigations showed, and the counts."""

    levels: tuple[float, ...]
    active: Active
    bad: dict[str, int]
    total: dict[str, int]


class InEffect(NamedTuple):
    """A mitigation in effect: what it is aimed at, and the minute from which it shows."""

    aim: str
    shows_from: int


class Service:
    """A service as a scenario and a seed have it, played from the end of its warm-up.

    It is a ``System``, so a runbook can be run on it, and it knows nothing of alerts, incidents or
    people. Time moves only in ``pass_minute`` and ``wait``.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.world = world_of(scenario, seed)
        self.minutes: list[Minute] = []
        self.watched = scenario.slo.name
        self._random = random.Random(f"minutes of {seed}").random
        self._traffic = Traffic(scenario, seed)
        self._in_effect: dict[str, InEffect] = {}
        self._minute = -(scenario.warm_up // MINUTE)  # counted from the start of the shift
        if self.world.is_drawn:
            self.minutes = list(_usual_minutes(scenario))
            self._minute = 0
        while self._minute < 0:
            self.pass_minute()

    # --- what can be seen

    @property
    def now(self) -> datetime:
        """The end of the last minute that was played."""
        return self.scenario.start + self._minute * MINUTE

    @property
    def minute(self) -> int:
        """How many minutes of the shift have been played."""
        return self._minute

    @property
    def counts(self) -> Counts:
        """What has been counted so far of the SLI of the scenario's SLO, the warm-up included."""
        return self.counts_of(self.scenario.slo.name)

    def counts_of(self, name: str) -> Counts:
        """What has been counted so far of an SLI, the warm-up included."""
        good = [minute.total[name] - minute.bad[name] for minute in self.minutes]
        total = [minute.total[name] for minute in self.minutes]
        return Counts(self.scenario.start - self.scenario.warm_up, MINUTE, good, total)

    @property
    def window(self) -> timedelta:
        """The length of time that shows how an SLI is now: one drawn minute is noise."""
        return 5 * MINUTE if self.world.is_drawn else MINUTE

    @property
    def sli(self) -> float:
        """The share of good events now in the SLI that is watched; ``nan`` without any."""
        return self.sli_over(self.window)

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that are below what users accept."""
        if self.world.is_drawn:
            others = (name for name in SLOS if name != self.watched)
            return tuple(sorted(name for name in others if self.is_low(name)))
        if not self.minutes:
            return ()
        last = self.minutes[-1]
        bad = self.world.measured(last.levels, last.active).bad
        names = (name for name in bad if name != self.watched and 1 - bad[name] < FLOORS[name])
        return tuple(sorted(names))

    def is_low(self, name: str) -> bool:
        """Whether an SLI is below its target now; without events it is not known to be."""
        return self.sli_of(name, self.window) < self.target_of(name)

    def target_of(self, name: str) -> float:
        """The target of an SLI."""
        return self.scenario.slo.target if name == self.scenario.slo.name else SLOS[name].target

    @property
    def applied(self) -> tuple[str, ...]:
        """The mitigations in effect, those included that do not show yet."""
        return tuple(self._in_effect)

    def aim(self, mitigation: str) -> str:
        """What a mitigation in effect is aimed at; empty where it needs no aim."""
        return self._in_effect[mitigation].aim

    @property
    def spent(self) -> float:
        """The share of the period's error budget spent since the shift began, for even traffic."""
        good, total = self.counted(self.scenario.warm_up // MINUTE)
        slo = self.scenario.slo
        if self.world.is_drawn:  # of whatever is sampled, in proportion
            budget = (1 - self.target_of(self.watched)) * total
            return (total - good) / budget * (self.minute * MINUTE / slo.period) if total else 0.0
        allowed = self.scenario.requests * (slo.period / MINUTE) * slo.error_budget
        return (total - good) / allowed if allowed else 0.0

    def sli_over(self, length: timedelta) -> float:
        """The share of good events in the last ``length`` of the SLI that is watched."""
        return self.sli_of(self.watched, length)

    def sli_of(self, name: str, length: timedelta) -> float:
        """The share of good events of an SLI in the last ``length``; ``nan`` without any."""
        return sli(*self.counted(-max(1, length // MINUTE), name=name))

    def counted(
        self, begin: int, end: int | None = None, *, name: str | None = None
    ) -> tuple[int, int]:
        """Good and total events in a slice of the minutes that have been counted."""
        name = name or self.watched
        minutes = self.minutes[begin:end]
        total = sum(minute.total[name] for minute in minutes)
        return total - sum(minute.bad[name] for minute in minutes), total

    def __len__(self) -> int:
        """How many minutes have been counted."""
        return len(self.minutes)

    @property
    def below_target_since(self) -> int:
        """The first minute of the current run below target; ``len`` if the last one was fine."""
        start, name, target = len(self), self.watched, self.target_of(self.watched)
        while start:
            minute = self.minutes[start - 1]
            total = minute.total[name]
            if sli(total - minute.bad[name], total) >= target:
                break
            start -= 1
        return start

    # --- what can be done about it

    def check_apply(self, mitigation: str) -> None:
        """Raise a ``ValueError`` unless the mitigation exists and is not in effect."""
        if known_mitigation(mitigation) in self._in_effect:
            raise ValueError(f"{mitigation!r} is applied already; roll it back, or apply another")

    def apply(self, mitigation: str, value: str | None = None) -> None:
        """Start a mitigation, aimed at a value. It shows once its settle time is over."""
        self.check_apply(mitigation)
        settle = MITIGATIONS[mitigation].settle // MINUTE
        shows_from = self._minute + max(0, settle - 1)
        self._in_effect[mitigation] = InEffect(aim_of(mitigation, value), shows_from)

    def check_rollback(self, mitigation: str) -> None:
        """Raise a ``ValueError`` unless the mitigation is in effect and can be rolled back."""
        if mitigation not in self._in_effect:
            applied = ", ".join(self._in_effect) or "none"
            raise ValueError(f"{mitigation!r} is not applied; applied are {applied}")
        if not MITIGATIONS[mitigation].reversible:
            raise ValueError(f"{mitigation!r} cannot be rolled back")

    def rollback(self, mitigation: str) -> None:
        """Take a mitigation back; it is gone in the next minute."""
        self.check_rollback(mitigation)
        del self._in_effect[mitigation]

    # --- how time passes

    @property
    def is_about_to_show(self) -> bool:
        """Whether a mitigation shows for the first time in the minute to come."""
        return any(one.shows_from == self._minute for one in self._in_effect.values())

    def wait(self, length: timedelta) -> None:
        """Play the whole minutes of ``length``."""
        for _ in range(length // MINUTE):
            self.pass_minute()

    def pass_minute(self) -> Minute:
        """Play a minute and return what was counted in it."""
        now = self._minute
        active = tuple(
            (name, one.aim) for name, one in self._in_effect.items() if one.shows_from <= now
        )
        levels = self.world.levels(now)
        play = self._drawn if self.world.is_drawn else self._smooth
        self.minutes.append(play(levels, active))
        self._minute += 1
        return self.minutes[-1]

    def _drawn(self, levels: tuple[float, ...], active: Active) -> Minute:
        rates = self.world.measured(levels, active)
        at = self.scenario.start + self._minute * MINUTE
        sent = self.scenario.requests * rhythm(at) * (0.97 + 0.06 * self._random())
        requests = int(sent * rates.traffic + self._random())
        bad, totals = {}, {}
        for name in SLOS:
            total = min(requests, JUDGED) if name == "quality" else requests
            share = rates.bad[name]
            if name == "quality":
                share = share * SENSITIVITY + (1 - share) * (1 - SPECIFICITY)
            bad[name], totals[name] = binomial(self._random, total, share), total
        return Minute(levels, active, bad, totals)

    def _smooth(self, levels: tuple[float, ...], active: Active) -> Minute:
        rates, name = self.world.measured(levels, active), self.scenario.slo.name
        failing = 1 - (1 - rates.bad[name]) / (1 - self.scenario.errors or 1)
        good, total = self._traffic.minute(self._minute, max(0.0, failing), 1 - rates.traffic)
        return Minute(levels, active, {name: total - good}, {name: total})


@cache
def _usual_minutes(scenario: Scenario) -> tuple[Minute, ...]:
    """The minutes of a warm-up, without faults and without noise."""
    rates = world_of(scenario, 0).measured((), ())
    minutes, over = [], dict.fromkeys(SLOS, 0.0)
    for number in range(-(scenario.warm_up // MINUTE), 0):
        requests = int(scenario.requests * rhythm(scenario.start + number * MINUTE))
        bad, totals = {}, {}
        for name, share in rates.bad.items():
            total = min(requests, JUDGED) if name == "quality" else requests
            if name == "quality":
                share = share * SENSITIVITY + (1 - share) * (1 - SPECIFICITY)
            over[name] += total * share
            bad[name], totals[name] = int(over[name]), total
            over[name] -= bad[name]
        minutes.append(Minute((), (), bad, totals))
    return tuple(minutes)


def binomial(share: Callable[[], float], number: int, chance: float) -> int:
    """How many of a number happen, each with this chance, drawn from a source of shares.

    Where few are expected it goes through the distribution; where many are, a sum of twelve shares
    stands for the normal one, so that no library's sines decide a game.
    """
    if chance > 0.5:
        return number - binomial(share, number, 1 - chance)
    expected = number * chance
    if expected <= 0:
        return 0
    if expected > 12:
        normal = sum(share() for _ in range(12)) - 6
        drawn = int(expected + normal * math.sqrt(expected * (1 - chance)) + 0.5)
        return min(number, max(0, drawn))
    left, odds = share(), chance / (1 - chance)
    weight, happened = (1 - chance) ** number, 0
    while left > weight and happened < number:
        left -= weight
        happened += 1
        weight *= odds * (number - happened + 1) / happened
    return happened
