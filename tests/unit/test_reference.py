"""The reference responder: how it works the bundled scenarios, and nights that are in no file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from played_shifts import (
    FIXES,
    SCENARIO,
    actions,
    auto_recovered,
    is_open,
    print_faults,
    reference_shift,
    verbs,
)

from oncall.cli.terminal import shift_text
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.protocol import Game
from oncall.gameday.reference import Responder, reference
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.postmortem_lint import lint_postmortem
from oncall.scenario import Fault, Scenario
from oncall.times import HOUR, MINUTE

EVERY = pytest.mark.parametrize("name", SCENARIOS)

# --- the bundled scenarios -----------------------------------------------------------------------

LUCK_AGAINST_IT = {"flapping_provider": 60, "openai_2024_12_04": 70, "slow_burn": 50}


@EVERY
def test_the_reference_leaves_nothing_open_and_scores_high(name: str) -> None:
    shift = reference_shift(name)
    assert shift.score.points >= LUCK_AGAINST_IT.get(name, 85), shift.score
    if name not in ("slow_burn", "flapping_provider"):
        assert {incident.state for incident in shift.incidents} <= {"closed"}


@EVERY
def test_the_reference_s_postmortems_are_clean(name: str) -> None:
    for incident in reference_shift(name).incidents:
        if incident.postmortem:
            assert lint_postmortem(incident.postmortem, people=["ana", "bo", "chen"]) == []


@EVERY
def test_every_bundled_scenario_can_be_shown_within_80_columns(name: str) -> None:
    shift = reference_shift(name)
    assert print_faults(shift_text(shift, shift.score)) == []


# --- nights that are in no file ------------------------------------------------------------------


def made_of(*faults: Fault) -> Scenario:
    return replace(SCENARIO, faults=faults)


def outage(error_ratio: float, start: timedelta = HOUR, duration: timedelta | None = None) -> Fault:
    return Fault("model_provider_outage", start, error_ratio, duration=duration)


def worked(scenario: Scenario) -> Incident:
    """The only incident of a night worked by the reference."""
    [incident] = run_shift(scenario, 1, reference).incidents
    return incident


def test_a_relapse_pages_again_and_only_what_is_not_in_effect_is_tried() -> None:
    def waking_early(desk: Desk) -> None:
        """Plays the book, after having failed over for a ticket."""
        desk.advance_until(is_open)
        desk.acknowledge("ana")
        desk.triage("sev4", "ana", by="ana")
        desk.update("We are looking into it.", by="ana")
        desk.apply("fail_over")
        desk.advance(3 * MINUTE)
        desk.mitigated(by="ana")
        reference(desk)

    mild, bad = outage(0.021), outage(0.6, start=HOUR + 75 * MINUTE)
    [incident] = run_shift(made_of(mild, bad), 1, waking_early).incidents
    assert actions(incident) == FIXES
    assert verbs(incident).count("mitigated") == 2
    assert [one.get("who") for one in incident.events_of("page") if one.by == "pager"] == ["ana"]
    assert not incident.events_of("rollback")
    assert incident.state == "closed"


def test_where_nothing_suffices_it_tells_users_to_the_end_and_never_says_that_it_works() -> None:
    stubborn = replace(outage(0.5), catches=(("fail_over", 0.1),))
    incident = worked(made_of(stubborn))
    assert incident.state == "mitigating"
    assert [one.get("mitigation") for one in incident.events_of("rollback")] == [*FIXES]
    updates = incident.events_of("update")
    assert {one.get("status") for one in updates} <= {"investigating", "identified"}
    moments = [one.at for one in updates]
    assert max(later - earlier for earlier, later in pairwise(moments)) <= 35 * MINUTE


def test_two_faults_at_once_are_one_incident_of_which_it_suspects_both() -> None:
    incident = worked(made_of(outage(0.5), Fault("guardrail_false_positives", HOUR, 0.2)))
    suspected = [one.get("cause") for one in incident.events_of("suspect")]
    assert suspected == ["provider_fails", "guardrail_strict"]
    assert {*FIXES[:2], "shadow_rule", "second_opinion"} <= set(actions(incident))


def test_what_its_runbook_says_to_ask_for_is_asked_for() -> None:
    incident = worked(made_of(outage(0.5), Fault("guardrail_false_positives", HOUR, 0.2)))
    approved = {one.get("mitigation") for one in incident.events_of("approval")}
    needed = {name for name in actions(incident) if MITIGATIONS[name].needs_approval}
    assert needed == approved == {"raise_guardrail_threshold"}


@EVERY
def test_it_says_nothing_that_the_truth_contradicts(name: str) -> None:
    safety = next(one for one in reference_shift(name).score.dimensions if one.name == "safety")
    if name != "slow_burn":  # what burns so slowly is lost in the noise that it allows
        assert "was called" not in safety.why


@pytest.mark.parametrize("seed", range(100, 127))
def test_it_works_a_deck_of_surprises_that_it_has_never_seen(seed: int) -> None:
    shift = run_shift(SCENARIOS["surprise"], seed, reference)
    assert shift.score.points >= 50, shift.score
    right = {hit.cause.name for hit in shift.truth.world.hits}
    named = [event.get("cause") for one in shift.incidents for event in one.events_of("suspect")]
    assert right & set(named)


def test_it_never_reads_the_simulation() -> None:
    """It sees what ``ask`` answers and nothing else: a game behind a wall is played the same."""
    game = Game(SCENARIOS["two_incidents"], 1)

    def through_a_wall(request: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(json.dumps(game.handle_line(json.dumps(request))))
        return answer

    Responder(through_a_wall).run(lambda player: player.play())
    assert tuple(game.desk.incidents) == reference_shift("two_incidents").incidents


def test_an_outage_that_is_over_before_anybody_looks_is_no_false_alarm() -> None:
    incident = worked(made_of(outage(0.9, duration=11 * MINUTE)))
    assert actions(incident) == ()
    assert auto_recovered(incident) == [True]
    assert incident.state == "closed"


def test_a_fault_that_comes_back_after_the_close_is_a_second_incident() -> None:
    def gives_up_the_mitigation(desk: Desk) -> None:
        desk.advance_until(is_open)
        while desk.incidents[-1].state != "resolved":
            step(desk)
        for name in desk.applied:
            desk.rollback(name)
        desk.close("# Postmortem\n", by="ana")
        reference(desk)

    def step(desk: Desk) -> None:
        incident = desk.incidents[-1]
        if incident.state == "detected":
            desk.acknowledge("ana")
            desk.triage("sev1", "ana", by="ana")
            for name in FIXES:
                desk.apply(name)
        elif incident.state == "mitigating" and desk.quiet_for >= 5 * MINUTE:
            desk.mitigated(by="ana")
            desk.resolve(by="ana")
        desk.advance(MINUTE)

    first, second = run_shift(made_of(outage(0.5)), 1, gives_up_the_mitigation).incidents
    assert (first.id, second.id) == ("INC-001", "INC-002")
    assert second.impact_start >= first.events[-1].at
    assert second.state == "closed"


def test_the_reference_can_take_over_from_somebody_who_acknowledged_and_left() -> None:
    def responder(desk: Desk) -> None:
        desk.advance_until(is_open)
        desk.acknowledge("bo")
        desk.advance(HOUR)
        reference(desk)

    [incident] = run_shift(SCENARIO, 1, responder).incidents
    assert incident.state == "closed"
    assert actions(incident) == FIXES
