"""Runbooks: the ladder of mitigations, what is kept and what is rolled back, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from oncall.catalogue import RUNBOOKS
from oncall.mitigations import SYMPTOMS
from oncall.mock_system import MockSystem
from oncall.runbook import Mitigation, Runbook, RunbookRun, is_healthy, run_runbook
from oncall.slo import SLO
from oncall.times import MINUTE

AT = datetime(2025, 3, 4, 18, 30, tzinfo=UTC)
OUTAGE = "model_provider_outage"
LADDER = ["fail_over", "serve_cached", "serve_degraded"]


def slo(target: float) -> SLO:
    return SLO("availability", target)


def run(system: MockSystem, target: float = 0.99) -> RunbookRun:
    return run_runbook(RUNBOOKS[system.symptom], system, slo=slo(target), at=AT)


def names(run: RunbookRun) -> list[str]:
    return [step.mitigation.name for step in run.steps]


def readings(run: RunbookRun) -> list[tuple[float, float]]:
    return [(step.before, step.after) for step in run.steps]


def with_catch(monkeypatch: pytest.MonkeyPatch, name: str, catches: Fraction) -> None:
    """Let a mitigation catch another share of a model provider outage."""
    symptom = SYMPTOMS[OUTAGE]
    effects = {**symptom.effects, name: replace(symptom.effects[name], catches=catches)}
    monkeypatch.setitem(SYMPTOMS, OUTAGE, replace(symptom, effects=effects))


# --- the outage of the model provider ------------------------------------------------------------


def test_a_provider_outage_is_mitigated_in_three_steps() -> None:
    system = MockSystem(OUTAGE)
    assert system.sli == 0.5
    mitigated = run(system)
    assert names(mitigated) == LADDER
    assert readings(mitigated) == [(0.5, 0.85), (0.85, 0.95), (0.95, 1.0)]
    assert all(step.kept and step.helped and step.outcome == "kept" for step in mitigated.steps)
    assert mitigated.healthy
    assert system.applied == LADDER


# By the number of steps that each target takes.
TARGETS = {3: [0.999, 0.99, 0.951], 2: [0.95, 0.949, 0.851], 1: [0.85, 0.6, 0.501], 0: [0.5]}


@pytest.mark.parametrize(
    ("target", "steps"), [(target, steps) for steps in TARGETS for target in TARGETS[steps]]
)
def test_it_stops_as_soon_as_the_sli_is_at_the_target(target: float, steps: int) -> None:
    system = MockSystem(OUTAGE)
    mitigated = run(system, target)
    assert names(mitigated) == system.applied == LADDER[:steps]
    assert mitigated.healthy


def test_the_ladder_falls_out_of_what_each_mitigation_catches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_catch(monkeypatch, "fail_over", Fraction(1, 2))
    cached = 0.75 + 0.25 * 2 / 3
    assert readings(run(MockSystem(OUTAGE))) == [(0.5, 0.75), (0.75, cached), (cached, 1.0)]
    with_catch(monkeypatch, "fail_over", Fraction(1))
    assert readings(run(MockSystem(OUTAGE))) == [(0.5, 1.0)]


def test_a_mitigation_that_catches_nothing_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with_catch(monkeypatch, "fail_over", Fraction(0))
    with_catch(monkeypatch, "serve_cached", Fraction(9, 10))
    system = MockSystem(OUTAGE)
    mitigated = run(system)
    assert readings(mitigated) == [(0.5, 0.5), (0.5, 0.95), (0.95, 1.0)]
    assert [step.kept for step in mitigated.steps] == [False, True, True]
    assert mitigated.steps[0].outcome == "rolled back: it did not help"
    assert system.applied == ["serve_cached", "serve_degraded"]


def test_a_milder_outage_needs_fewer_steps() -> None:
    assert readings(run(MockSystem(OUTAGE, failing=0.03))) == [(0.97, 0.991)]
    assert readings(run(MockSystem(OUTAGE, failing=1.0)))[0] == (0.0, 0.7)


def test_nothing_is_done_to_a_healthy_system() -> None:
    system = MockSystem(OUTAGE, failing=0.01)
    assert run(system) == RunbookRun((), True)
    assert system.applied == []


def test_when_the_runbook_is_at_its_end_and_users_still_feel_it_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_catch(monkeypatch, "serve_degraded", Fraction(1, 2))
    mitigated = run(MockSystem(OUTAGE))
    assert (len(mitigated.steps), mitigated.steps[-1].after, mitigated.healthy) == (3, 0.975, False)


# --- what is automated ---------------------------------------------------------------------------


def test_with_everything_automated_there_is_nothing_left_to_do() -> None:
    assert run(MockSystem(OUTAGE, iter(LADDER))) == RunbookRun((), True)


@pytest.mark.parametrize("automated", [["fail_over"], ["serve_cached"], LADDER[:2]])
def test_what_is_automated_already_is_neither_tried_again_nor_taken_back(
    automated: list[str],
) -> None:
    system = MockSystem(OUTAGE, automated)
    mitigated = run(system)
    assert names(mitigated) == [name for name in LADDER if name not in automated]
    assert all(step.kept for step in mitigated.steps)
    assert sorted(system.applied) == sorted(LADDER)
    assert mitigated.healthy


def test_after_a_relapse_only_what_is_not_in_effect_is_tried() -> None:
    system = MockSystem(OUTAGE, failing=0.03)
    assert names(run(system)) == ["fail_over"]
    worse = MockSystem(OUTAGE, system.applied, failing=0.5)
    assert readings(run(worse)) == [(0.85, 0.95), (0.95, 1.0)]
    assert worse.applied == LADDER


def test_with_everything_in_effect_a_runbook_has_nothing_left_to_try() -> None:
    assert run(MockSystem(OUTAGE, LADDER), 0.9999) == RunbookRun((), True)
    degraded = Fake({"a": 0.25})
    degraded.apply("a")
    assert try_out(degraded, mitigation("a")) == RunbookRun((), False)
    assert degraded.done == ["apply a"]


# --- other systems -------------------------------------------------------------------------------


def mitigation(
    name: str, *, reversible: bool = True, needs_approval: bool = False, settle: timedelta = MINUTE
) -> Mitigation:
    rollback = "undo it" if reversible else ""
    return Mitigation(name, f"do {name}", reversible, "low", needs_approval, rollback, settle)


def runbook(*mitigations: Mitigation) -> Runbook:
    return Runbook("made_up", "Made up", "sev1", "us", (), mitigations, "nobody")


class Fake:
    """A system that records what is done to it; its mitigations add to an SLI of 0.5."""

    def __init__(self, adds: dict[str, float], harms: dict[str, str] | None = None):
        self.adds, self.harms = adds, harms or {}
        self.done: list[str] = []
        self.applied: list[str] = []

    @property
    def sli(self) -> float:
        return 0.5 + sum(self.adds[name] for name in self.applied)

    @property
    def harmed(self) -> tuple[str, ...]:
        return tuple(self.harms[name] for name in self.applied if name in self.harms)

    def apply(self, mitigation: str) -> None:
        self.done.append(f"apply {mitigation}")
        self.applied.append(mitigation)

    def rollback(self, mitigation: str) -> None:
        self.done.append(f"rollback {mitigation}")
        self.applied.remove(mitigation)

    def wait(self, length: timedelta) -> None:
        self.done.append(f"wait {length // MINUTE}")


def try_out(
    system: Fake,
    *mitigations: Mitigation,
    target: float = 0.99,
    approve: Callable[[Mitigation], bool] | None = None,
) -> RunbookRun:
    if approve is None:
        return run_runbook(runbook(*mitigations), system, slo=slo(target), at=AT)
    return run_runbook(runbook(*mitigations), system, slo=slo(target), at=AT, approve=approve)


def test_what_does_not_help_is_rolled_back_before_the_next_is_tried() -> None:
    system = Fake({"a": 0.0, "b": -0.25, "c": 0.25, "d": 0.25})
    tried = try_out(system, *map(mitigation, "abcd"))
    assert system.done == [
        *("apply a", "wait 1", "rollback a", "wait 1", "apply b", "wait 1", "rollback b", "wait 1"),
        *("apply c", "wait 1", "apply d", "wait 1"),
    ]
    assert readings(tried) == [(0.5, 0.5), (0.5, 0.25), (0.5, 0.75), (0.75, 1.0)]
    assert [step.kept for step in tried.steps] == [False, False, True, True]
    assert tried.healthy


def test_it_waits_each_settle_before_it_reads() -> None:
    class Slow(Fake):
        """Shows a mitigation only once it has settled."""

        shown = 0.5

        @property
        def sli(self) -> float:
            return self.shown

        def wait(self, length: timedelta) -> None:
            self.shown = 0.5 + sum(self.adds[name] for name in self.applied)

    assert readings(try_out(Slow({"a": 0.5}), mitigation("a"))) == [(0.5, 1.0)]


def test_the_moments_of_the_steps_add_up_the_settle_times_and_a_minute_for_each_rollback() -> None:
    system = Fake({"a": 0.0, "b": 0.1, "c": 0.1, "d": 0.1})
    tried = try_out(
        system,
        mitigation("a", settle=2 * MINUTE),
        mitigation("b", settle=5 * MINUTE),
        mitigation("c", settle=9 * MINUTE, needs_approval=True),
        mitigation("d", settle=MINUTE),
    )
    minutes = [2, 8, 8, 9]  # a has to go first, which takes a minute; nothing is done for c
    assert [step.at - AT for step in tried.steps] == [minute * MINUTE for minute in minutes]


def test_what_was_rolled_back_is_out_of_the_next_reading() -> None:
    class Slow(Fake):
        """Shows what is in effect only once time has passed, as a count of requests does."""

        shown = 0.5

        @property
        def sli(self) -> float:
            return self.shown

        def wait(self, length: timedelta) -> None:
            self.shown = 0.5 + sum(self.adds[name] for name in self.applied)

    system = Slow({"a": 0.5, "b": 0.25}, harms={"a": "quality"})
    tried = try_out(system, mitigation("a"), mitigation("b"))
    assert readings(tried) == [(0.5, 1.0), (0.5, 0.75)]


def test_the_moments_are_in_utc_and_a_naive_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at 2025-03-04T18:30:00 has no time zone"):
        run_runbook(runbook(), Fake({}), slo=slo(0.99), at=AT.replace(tzinfo=None))


def test_an_irreversible_step_that_did_not_help_stays_and_says_so() -> None:
    system = Fake({"a": 0.0, "b": 0.5})
    tried = try_out(system, mitigation("a", reversible=False), mitigation("b"))
    assert system.done == ["apply a", "wait 1", "apply b", "wait 1"]
    assert (tried.steps[0].kept, tried.steps[0].helped) == (True, False)
    assert tried.steps[0].outcome == "did not help, but cannot be rolled back"


def test_an_irreversible_step_that_helped_is_kept_as_any_other() -> None:
    assert try_out(Fake({"a": 0.5}), mitigation("a", reversible=False)).steps[0].outcome == "kept"


def test_what_harms_another_sli_does_not_help_and_is_rolled_back() -> None:
    system = Fake({"a": 0.5, "b": 0.5}, harms={"a": "quality"})
    tried = try_out(system, mitigation("a"), mitigation("b"))
    step = tried.steps[0]
    assert (step.after, step.kept, step.harmed) == (1.0, False, ("quality",))
    assert step.outcome == "rolled back: it harmed quality"
    assert (system.applied, tried.healthy) == (["b"], True)


def test_what_harms_another_sli_and_cannot_be_rolled_back_leaves_the_system_unhealthy() -> None:
    system = Fake({"a": 0.5}, harms={"a": "quality"})
    tried = try_out(system, mitigation("a", reversible=False))
    assert tried.steps[0].outcome == "harmed quality, but cannot be rolled back"
    assert (tried.steps[0].kept, tried.healthy) == (True, False)


def test_harm_that_was_there_before_is_not_put_on_the_next_mitigation() -> None:
    system = Fake({"a": 0.1, "b": 0.4}, harms={"a": "quality"})
    tried = try_out(system, mitigation("a", reversible=False), mitigation("b"))
    assert (tried.steps[1].harmed, tried.steps[1].outcome) == ((), "kept")


def test_without_events_nobody_knows_that_it_is_healthy_nor_that_anything_helped() -> None:
    system = Fake({"a": math.nan})
    tried = try_out(system, mitigation("a"))
    assert (system.applied, tried.healthy) == ([], False)
    system.apply("a")
    assert not is_healthy(system, slo(0.5))


def test_an_sli_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sli must be from 0 to 1, given 99\.0"):
        try_out(Fake({"a": 98.5}), mitigation("a"))


# --- approval ------------------------------------------------------------------------------------


def test_what_needs_approval_is_not_done_unless_somebody_says_yes() -> None:
    system = Fake({"a": 0.5, "b": 0.25})
    tried = try_out(system, mitigation("a", needs_approval=True), mitigation("b"))
    refused = tried.steps[0]
    assert (refused.refused, refused.kept, refused.helped) == (True, False, False)
    assert (refused.before, refused.after, refused.at) == (0.5, 0.5, AT)
    assert refused.outcome == "refused: not approved"
    assert system.done == ["apply b", "wait 1"]
    assert not tried.healthy


def test_a_refusal_cannot_be_told_from_the_system() -> None:
    system = Fake({"a": 0.5})
    try_out(system, mitigation("a", needs_approval=True), approve=lambda mitigation: False)
    assert (system.done, system.sli) == ([], 0.5)


def test_only_what_needs_approval_is_asked_about_and_only_when_its_turn_comes() -> None:
    asked: list[str] = []

    def approve(mitigation: Mitigation) -> bool:
        asked.append(mitigation.name)
        return True

    system = Fake({"a": 0.25, "b": 0.25, "c": 0.25})
    restricted = [mitigation(name, needs_approval=True) for name in "bc"]
    tried = try_out(system, mitigation("a"), *restricted, approve=approve)
    assert (asked, system.applied, tried.healthy) == (["b"], ["a", "b"], True)
