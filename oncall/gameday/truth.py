"""What was true in a shift, and what it cost: for the score, once the shift is over.

Harm is the budget burned, of every SLI: the sum over the minutes of the share that is bad beyond
the usual one, ÷ (minutes of the period × error budget). It is an expectation, so no luck of a draw
counts, and what mitigations spoil is in it. It is held between *nobody*, who does nothing, and
*par*, the best mitigations twenty minutes after each page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from oncall.gameday.causes import AIMS, SLOS
from oncall.gameday.draw import world_of
from oncall.gameday.service import Service
from oncall.gameday.watch import Watch
from oncall.gameday.world import Active, Hit, World, aim_of
from oncall.incident import Incident
from oncall.journal import Event
from oncall.mitigations import MITIGATIONS
from oncall.scenario import Scenario, rhythm
from oncall.severity import severity_for
from oncall.times import MINUTE

PAR_AFTER = 20  # minutes after a page
FLOOR = 0.01  # budgets: less harm than this is noise
LEAST = 0.005  # the share of harm that an SLI below target has beyond the usual


@dataclass(frozen=True)
class Step:
    """A mitigation that shows from a minute on, until another."""

    mitigation: str
    aim: str
    applied: int
    shows: int
    until: int | None = None


@dataclass(frozen=True)
class Truth:
    """The truth of a shift that is over: its world, and when each fault paged by itself.

    ``fires`` says whether any rule fires, tickets too, if nobody acts.
    """

    world: World
    pages: tuple[int | None, ...]
    fires: bool

    @property
    def length(self) -> int:
        """The minutes of the shift."""
        return self.world.scenario.length // MINUTE

    @property
    def ours(self) -> tuple[Hit, ...]:
        """The faults that hurt users."""
        return tuple(hit for hit in self.world.hits if hit.cause.is_ours)

    @property
    def is_quiet(self) -> bool:
        """Whether no rule ever fires, so that nothing is worth an act."""
        return not self.fires

    def minute(self, event: Event) -> int:
        """The minute of the shift of an event."""
        return (event.at - self.world.scenario.start) // MINUTE

    def target(self, sli: str) -> float:
        """The target of an SLI."""
        slo = self.world.scenario.slo
        return slo.target if sli == slo.name else SLOS[sli].target if sli in SLOS else 0.99

    # --- what users felt

    def true_bad(self, minute: int, steps: Iterable[Step] = ()) -> dict[str, float]:
        """The share that is bad in each SLI in a minute, for users, under these mitigations."""
        return dict(self.world.true(self.world.levels(minute), _showing(steps, minute)).bad)

    def low(self, minute: int, steps: Iterable[Step] = ()) -> list[str]:
        """The SLIs that are truly below their target in a minute."""
        bad = self.true_bad(minute, steps)
        return [name for name, share in bad.items() if share > 1 - self.target(name) + 1e-9]

    def share_hit(self, minute: int, steps: Iterable[Step], *, true: bool) -> float:
        """The largest share that is bad in any SLI beyond the usual one, truly or as measured."""
        levels, active = self.world.levels(minute), _showing(steps, minute)
        rates = self.world.true(levels, active) if true else self.world.measured(levels, active)
        usual = self.world.usual
        lost = 0.0 if true else max(0.0, 1 - rates.traffic)
        return max([lost, *(bad - usual.get(name, 0.0) for name, bad in rates.bad.items())])

    # --- harm

    def harm(self, steps: Sequence[Step]) -> float:
        """The budgets burned from the first onset to the end of the shift."""
        return sum(self.harm_by_minute(steps))

    def harm_by_minute(self, steps: Sequence[Step]) -> list[float]:
        """The budgets burned in each minute of the shift."""
        scenario, usual = self.world.scenario, self.world.usual
        period = scenario.slo.period / MINUTE
        onset = min((hit.fault.start // MINUTE for hit in self.world.hits), default=self.length)
        edges = {step.shows for step in steps} | {step.until or 0 for step in steps}
        active: Active = ()
        burned = [0.0] * min(onset, self.length)
        for minute in range(onset, self.length):
            if minute == onset or minute in edges:
                active = _showing(steps, minute)
            rates = self.world.true(self.world.levels(minute), active)
            weight = rates.traffic * rhythm(scenario.start + minute * MINUTE) / period
            beyond = (
                max(0.0, bad - usual.get(name, 0.0)) / (1 - self.target(name))
                for name, bad in rates.bad.items()
            )
            burned.append(weight * sum(beyond))
        return burned

    @cached_property
    def nobody(self) -> float:
        """The harm if nobody comes."""
        return self.harm(())

    @cached_property
    def par(self) -> float:
        """The harm of the best mitigations twenty minutes after each page."""
        steps: list[Step] = []
        for hit, page in zip(self.world.hits, self.pages, strict=True):
            if page is None or not hit.cause.is_ours:
                continue
            for name in self._cures(hit):
                shows = page + PAR_AFTER + MITIGATIONS[name].settle // MINUTE
                steps.append(Step(name, _right_aim(hit, name), page + PAR_AFTER, shows))
        return min(self.harm(steps), self.nobody)

    def _cures(self, hit: Hit) -> list[str]:
        """The mitigations that together leave least of a fault and spoil least, one by one."""
        chosen: list[str] = []
        minute = hit.fault.start // MINUTE + 1

        def cost(names: Iterable[str]) -> float:
            steps = [Step(name, _right_aim(hit, name), 0, 0) for name in names]
            alone = World(self.world.scenario, 0, (hit,))
            bad = alone.true(alone.levels(minute + 9), _showing(steps, minute)).bad
            return sum(share / (1 - self.target(name)) for name, share in bad.items())

        while True:
            left = [n for n in hit.effects if n not in chosen and MITIGATIONS[n].reversible]
            best = min(left, key=lambda name: cost([*chosen, name]), default=None)
            if best is None or cost([*chosen, best]) > cost(chosen) - LEAST:
                return chosen
            chosen.append(best)

    def harm_share(self, steps: Sequence[Step]) -> float:
        """From 0, as if nobody had come, to 1, at par or better: on a logarithm."""
        least = math.log(min(self.par, self.nobody) + FLOOR)
        span = max(math.log(self.nobody + FLOOR) - least, math.log(3))
        return max(0.0, min(1.0, 1 - (math.log(self.harm(steps) + FLOOR) - least) / span))

    # --- severity

    @cached_property
    def table(self) -> list[int]:
        """By minute, the severity of the worst so far had nobody acted, as a number from 1 to 5."""
        return self._severities(true=True)

    @cached_property
    def readable(self) -> list[int]:
        """By minute, the severity of the worst so far as it could be read from what is measured."""
        return self._severities(true=False)

    def _severities(self, *, true: bool) -> list[int]:
        worst, found = 5, []
        for minute in range(self.length):
            levels = self.world.levels(minute)
            rates = self.world.true(levels, ()) if true else self.world.measured(levels, ())
            lost = 0.0 if true else max(0.0, 1 - rates.traffic)
            for name, bad in rates.bad.items():
                if bad > 1 - self.target(name) or lost:
                    share = max(lost, bad - self.world.usual.get(name, 0.0))
                    worst = min(worst, int(severity_for(min(1.0, share), name)[3:]))
            for hit, level in zip(self.world.hits, levels, strict=False):
                if level and hit.cause.security:
                    worst = 1
            found.append(worst)
        return found


def truth_of(scenario: Scenario, seed: int) -> Truth:
    """The truth of a shift, with the pages that come if nobody acts."""
    return _truth_of(scenario, seed)


@lru_cache(64)
def _truth_of(scenario: Scenario, seed: int) -> Truth:
    world, service = world_of(scenario, seed), Service(scenario, seed)
    watch, pages, fires = Watch(service), dict[int, int](), False
    for minute in range(scenario.length // MINUTE):
        fired = watch.observe(service.pass_minute())
        fires = fires or bool(fired)
        alarms = [alarm for alarm in fired if alarm.pages]
        for place, hit in enumerate(world.hits):
            mine = {hit.cause.sli, *hit.cause.also}
            begun = hit.fault.start // MINUTE <= minute
            if place not in pages and begun and any(alarm.sli in mine for alarm in alarms):
                pages[place] = minute + 1
        if world.hits and len(pages) == len(world.hits):
            break
    return Truth(world, tuple(pages.get(place) for place in range(len(world.hits))), fires)


def steps_of(incidents: Iterable[Incident], truth: Truth) -> list[Step]:
    """What was applied in a shift and taken back, from its journals."""
    events = sorted(
        (event for incident in incidents for event in incident.events), key=lambda one: one.at
    )
    steps: list[Step] = []
    for event in events:
        minute = truth.minute(event)
        if event.verb == "mitigate" and (name := event.get("action")) in MITIGATIONS:
            shows = minute + max(0, MITIGATIONS[name].settle // MINUTE - 1)
            steps.append(Step(name, aim_of(name, event.get("value")), minute, shows))
        elif event.verb == "rollback":
            name = event.get("mitigation")
            for place, step in enumerate(steps):
                if step.mitigation == name and step.until is None:
                    steps[place] = Step(name, step.aim, step.applied, step.shows, minute)
    return steps


def _showing(steps: Iterable[Step], minute: int) -> Active:
    return tuple(
        (step.mitigation, step.aim)
        for step in steps
        if step.shows <= minute and (step.until is None or minute < step.until)
    )


def _right_aim(hit: Hit, mitigation: str) -> str:
    kind = AIMS.get(mitigation)
    return (hit.change if kind == "change" else hit.value) if kind else ""
