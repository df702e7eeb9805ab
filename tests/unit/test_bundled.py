"""The bundled scenarios: each is what its title says, and the reference brings it to its end."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from played_shifts import (
    absent,
    actions,
    forgetful,
    print_faults,
    reference_shift,
    sli_between,
    verbs,
)

from oncall.catalogue import RUNBOOKS
from oncall.cli.terminal import shift_text
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.shift import Responder, run_shift
from oncall.incident import Incident
from oncall.journal import MAJOR
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE

MORE_SEEDS = range(2, 22)


class Outcome(NamedTuple):
    """An incident: its symptom, what fired first, its severity, and what was done, in order."""

    symptom: str
    fired: str
    severity: str
    actions: tuple[str, ...] = ()


def fast_page(severity: str, symptom: str, *actions: str) -> Outcome:
    return Outcome(symptom, "page 14.4x 1h/5m", severity, actions)


def slow_page(severity: str, symptom: str, *actions: str) -> Outcome:
    return Outcome(symptom, "page 6x 6h/30m", severity, actions)


INDEX = ("restart_ingestion", "search_live", "roll_back_index")
OUTAGE = fast_page("sev1", "model_provider_outage", "fail_over", "serve_cached", "serve_degraded")
RATE_LIMIT = fast_page(
    "sev1", "rate_limit_storm", "cap_retries", "shed_low_priority", "raise_rate_limit"
)
FIRST_TOKEN = fast_page(
    "sev2", "slow_first_token", "hedge_requests", "trim_context", "use_small_model"
)
QUALITY = slow_page(
    "sev3", "quality_regression", "pin_snapshot", "roll_back_prompt", "use_large_model"
)
COST = fast_page("sev3", "cost_runaway", "cap_tokens", "throttle_tenant", "use_small_model")
GUARDRAIL = fast_page("sev1", "guardrail_false_positives", "shadow_rule", "second_opinion")
CACHE = fast_page("sev2", "poisoned_cache", "bypass_cache", "new_cache_namespace")
GPU = fast_page("sev2", "gpu_capacity", "shed_low_priority", "add_replicas", "use_small_model")

EXPECTED: dict[str, list[Outcome]] = {
    "provider_outage": [OUTAGE],
    "rate_limit_storm": [RATE_LIMIT],
    "slow_first_token": [FIRST_TOKEN],
    "quality_regression": [QUALITY],
    "stale_index": [fast_page("sev2", "stale_index", *INDEX)],
    "cost_runaway": [COST],
    "guardrail_false_positives": [GUARDRAIL],
    "poisoned_cache": [CACHE],
    "gpu_capacity": [GPU],
    "quiet_shift": [],
    "slow_burn": [Outcome("stale_index", "ticket 1x 3d/6h", "sev4", INDEX)],
    "flapping_provider": [OUTAGE],
    "two_incidents": [OUTAGE, GUARDRAIL],
    "false_alarm": [fast_page("sev5", "load_test")],
    "silent_edge": [Outcome("silent_edge", "page silence 10m", "sev1")],
    "openai_2024_12_04": [OUTAGE],
    "copilot_2025_12_15": [OUTAGE],
}
EVERY = pytest.mark.parametrize("name", EXPECTED)
NO_CASE = ("quiet_shift", "slow_burn", "false_alarm", "silent_edge")


def outcomes(incidents: tuple[Incident, ...]) -> list[Outcome]:
    found = []
    for incident in incidents:
        detect = incident.events[0]
        fired = f"{detect.get('action')} {detect.get('window')}"
        severity = incident.severity or ""
        found.append(Outcome(incident.symptom, fired, severity, actions(incident)))
    return found


# --- worked by the reference ---------------------------------------------------------------------


def test_there_is_one_for_each_symptom_and_one_for_each_trap() -> None:
    assert list(SCENARIOS) == list(EXPECTED)
    faults = [fault for scenario in SCENARIOS.values() for fault in scenario.faults]
    assert set(RUNBOOKS) <= {fault.symptom for fault in faults}


@EVERY
def test_what_fires_how_severe_it_is_and_what_is_done_is_what_the_scenario_is_about(
    name: str,
) -> None:
    assert outcomes(reference_shift(name).incidents) == EXPECTED[name]


@EVERY
def test_the_reference_scores_100_on_each_incident(name: str) -> None:
    incidents = reference_shift(name).incidents
    points = [score(incident, incident).points for incident in incidents]
    assert points == [100] * len(EXPECTED[name])


@EVERY
def test_it_ends_with_healthy_users_and_every_incident_closed(name: str) -> None:
    shift = reference_shift(name)
    last = sli_between(shift.counts, shift.counts.end - 30 * MINUTE)
    assert last >= shift.scenario.slo.target
    assert all(incident.state == "closed" for incident in shift.incidents)


@EVERY
def test_the_same_seed_is_the_same_shift(name: str) -> None:
    assert run_shift(SCENARIOS[name], 1, reference) == reference_shift(name)


@EVERY
def test_twenty_other_seeds_are_other_nights_with_the_same_end(name: str) -> None:
    for seed in MORE_SEEDS:
        shift = run_shift(SCENARIOS[name], seed, reference)
        assert shift.counts != reference_shift(name).counts
        assert outcomes(shift.incidents) == EXPECTED[name]
        assert all(incident.state == "closed" for incident in shift.incidents)


@EVERY
def test_its_journals_are_legal_and_come_back_from_disk(name: str, tmp_path: Path) -> None:
    for incident in reference_shift(name).incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident


@EVERY
def test_a_postmortem_is_written_where_one_is_due_and_it_is_lint_clean_and_full(name: str) -> None:
    for incident in reference_shift(name).incidents:
        due = incident.severity in MAJOR or incident.events[0].get("action") == "page"
        due = due and "false_alarm" not in verbs(incident)
        text = incident.postmortem or ""
        assert bool(text) == due
        if due:
            assert lint_postmortem(text, people=["ana", "bo", "chen"]) == []
            assert "Nothing recorded" not in text
            assert read_action_items(text)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in NO_CASE])
def test_what_a_page_can_see_becomes_a_proved_case_and_each_automation_is_needed(name: str) -> None:
    for incident in reference_shift(name).incidents:
        case, items = to_eval_case(incident), read_action_items(incident.postmortem or "")
        automating = [item for item in items if item.automates]
        assert [item.automates for item in automating] == list(actions(incident))
        assert prove(case, incident, items).passed
        for item in automating:
            others = [other for other in items if other != item]
            assert not prove(case, incident, others).passed, item.automates


@EVERY
def test_it_is_printed_in_80_columns_without_an_empty_number(name: str) -> None:
    shift = reference_shift(name)
    text = shift_text(shift, [score(incident, incident) for incident in shift.incidents])
    assert print_faults(text) == []
    assert text.count("\nScore of INC-") == len(shift.incidents)


# --- what its file holds -------------------------------------------------------------------------


@EVERY
def test_its_data_is_whole(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.title.endswith(".")
    assert scenario.red_herrings
    for herring in scenario.red_herrings:
        assert herring.text.strip()
        assert timedelta() <= herring.at < scenario.length
    postmortems = [incident.postmortem for incident in reference_shift(name).incidents]
    assert len(scenario.reviews) == sum(map(bool, postmortems))
    for fault in scenario.faults:
        assert fault.title.strip()
        assert fault.symptom in RUNBOOKS or fault.lost or fault.synthetic


@EVERY
def test_a_red_herring_reads_as_it_would_at_its_moment(name: str) -> None:
    hindsight = r"(minutes|hours) (before|after)|went out|the (blip|outage|incident)|it looks"
    for herring in SCENARIOS[name].red_herrings:
        assert not re.search(hindsight, herring.text)


# --- worked by others ----------------------------------------------------------------------------


def does_all(desk: Desk) -> None:
    """Acknowledges, triages and applies every mitigation of every runbook at once."""
    forgetful(desk)
    if desk.incident:
        desk.triage("sev1", "ana", by="ana")
        for runbook in RUNBOOKS.values():
            for mitigation in runbook.mitigations:
                if mitigation.name not in desk.applied:
                    desk.apply(mitigation.name)


WORSE: dict[str, Responder] = {
    "nobody": absent,
    "acks and forgets": forgetful,
    "does all there is": does_all,
}


@pytest.mark.parametrize("who", WORSE)
@EVERY
def test_worse_responders_score_less_than_the_reference(name: str, who: str) -> None:
    incidents = run_shift(SCENARIOS[name], 1, WORSE[who]).incidents
    for incident, best in zip(incidents, reference_shift(name).incidents, strict=False):
        assert score(incident, best).points < 70


@pytest.mark.parametrize("who", WORSE)
@EVERY
def test_worse_responders_come_to_an_end_too_and_can_be_shown(
    name: str, who: str, tmp_path: Path
) -> None:
    shift = run_shift(SCENARIOS[name], 1, WORSE[who])
    scores = [score(incident, incident) for incident in shift.incidents]
    assert print_faults(shift_text(shift, scores)) == []
    for incident in shift.incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident
