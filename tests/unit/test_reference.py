"""The reference responder: how it works the bundled scenarios, and nights that are in no file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from played_shifts import (
    FIXES,
    SCENARIO,
    actions,
    auto_recovered,
    is_open,
    notes,
    print_faults,
    reference_shift,
    verbs,
)

from oncall.catalogue import RUNBOOKS
from oncall.cli.terminal import shift_text
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.scenario import Fault, Scenario
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

GUARDRAIL = ("shadow_rule", "second_opinion")
EVERY = pytest.mark.parametrize("name", SCENARIOS)

# --- the bundled scenarios -----------------------------------------------------------------------


@EVERY
def test_the_reference_leaves_nothing_open_and_scores_100_against_itself(name: str) -> None:
    incidents = reference_shift(name).incidents
    assert [incident.state for incident in incidents] == ["closed"] * len(incidents)
    assert [score(incident, incident).points for incident in incidents] == [100] * len(incidents)


@EVERY
def test_the_reference_s_postmortems_are_clean(name: str) -> None:
    for incident in reference_shift(name).incidents:
        if incident.postmortem:
            assert lint_postmortem(incident.postmortem, people=["ana", "bo", "chen"]) == []


@EVERY
def test_every_bundled_scenario_can_be_shown_within_80_columns(name: str) -> None:
    shift = reference_shift(name)
    scores = [score(incident, incident) for incident in shift.incidents]
    assert print_faults(shift_text(shift, scores)) == []


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
    assert [page.get("who") for page in incident.events_of("page")] == ["ana"]
    assert not incident.events_of("rollback")
    assert incident.state == "closed"


def test_where_the_runbook_does_not_suffice_it_ends_unhealthy_and_says_whom_it_called() -> None:
    strict = replace(SCENARIOS["rate_limit_storm"], slo=SLO("availability", 0.999), errors=0.0001)
    incident = worked(strict)
    assert incident.state == "mitigating"
    called = RUNBOOKS["rate_limit_storm"].escalate_to
    assert f"the runbook is at its end; called {called}" in notes(incident)
    updates = [event.at for event in incident.events_of("update")]
    assert max(later - earlier for earlier, later in pairwise(updates)) <= 30 * MINUTE


def test_two_faults_at_once_are_one_incident_worked_with_both_runbooks() -> None:
    incident = worked(made_of(outage(0.5), Fault("guardrail_false_positives", HOUR, 0.2)))
    assert actions(incident) == (*FIXES, *GUARDRAIL)
    assert incident.state == "closed"
    # The case is about the symptom that it was opened for.
    items = read_action_items(incident.postmortem or "")
    assert [item.automates for item in items] == list(FIXES)


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
