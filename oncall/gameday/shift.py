"""A shift: a scenario played to its end with a responder at the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from oncall.counts import Counts
from oncall.gameday.desk import Desk
from oncall.gameday.scoring import Score, score_shift
from oncall.gameday.truth import Truth, truth_of
from oncall.incident import Incident
from oncall.scenario import Scenario

Responder = Callable[[Desk], None]
"""Whatever takes a desk and works it until the shift is over, or leaves before."""


@dataclass(frozen=True)
class Shift:
    """A finished shift: what was played, what the service counted, and the incidents' journals."""

    scenario: Scenario
    seed: int
    counts: Counts
    incidents: tuple[Incident, ...]

    @cached_property
    def truth(self) -> Truth:
        """What was true."""
        return truth_of(self.scenario, self.seed)

    @cached_property
    def score(self) -> Score:
        """The score of all of it, held against the truth."""
        return score_shift(self.incidents, self.truth)


def run_shift(scenario: Scenario, seed: int, responder: Responder) -> Shift:
    """Play a scenario to its end. Any time that the responder leaves unused then passes.

    What harms users at the end is put on record, so that the journal of a shift that nobody worked
    accounts for all the budget that burned.
    """
    return finish_shift(Desk(scenario, seed), responder)


def finish_shift(desk: Desk, responder: Responder) -> Shift:
    """Play a shift at a desk to its end."""
    responder(desk)
    desk.advance(desk.ends - desk.now)
    desk.measure_harm()
    seed, counts = desk.service.world.seed, desk.service.counts
    return Shift(desk.scenario, seed, counts, tuple(desk.incidents))
