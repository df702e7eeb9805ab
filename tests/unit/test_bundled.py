"""The bundled scenarios: each is what its title says, and the reference brings it to its end."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from played_shifts import absent, actions, forgetful, print_faults, reference_shift, verbs

from oncall.catalogue import RUNBOOKS
from oncall.cli.terminal import shift_text
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import causes
from oncall.gameday.desk import Desk
from oncall.gameday.draw import HERRINGS
from oncall.gameday.reference import reference
from oncall.gameday.shift import Responder, Shift, run_shift
from oncall.gameday.truth import steps_of
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE, SECOND

MORE_SEEDS = range(2, 5)


class Outcome(NamedTuple):
    """An incident: the cause that is suspected, what fired, its severity, and what was kept."""

    cause: str
    fired: str
    severity: str
    actions: tuple[str, ...] = ()


PROVIDER = ("fail_over", "serve_cached", "serve_degraded")
FAST, SLOW, SILENT = "page 14.4x 1h/5m", "page 3x 1h/15m", "page silence 10m"

TOLD: dict[str, list[Outcome]] = {
    "provider_outage": [Outcome("provider_fails", FAST, "sev1", PROVIDER)],
    "quiet_shift": [],
    "slow_burn": [
        Outcome(
            "ingestion_stopped", "ticket 1x 3d/6h", "sev4", ("restart_ingestion", "search_live")
        )
    ],
    "flapping_provider": [Outcome("provider_fails", FAST, "sev1", PROVIDER)],
    "openai_2024_12_04": [Outcome("slow_upstream", FAST, "sev1", ("fail_over",))],
    "copilot_2025_12_15": [Outcome("provider_fails", FAST, "sev1", PROVIDER)],
}
"""The scenarios that tell their faults by symptom, which are smooth and have one SLO."""
DRAWN = [name for name in SCENARIOS if SCENARIOS[name].causes]
EVERY = pytest.mark.parametrize("name", SCENARIOS)
EVERY_DRAWN = pytest.mark.parametrize("name", DRAWN)


def outcomes(incidents: tuple[Incident, ...]) -> list[Outcome]:
    found = []
    for incident in incidents:
        detect = incident.events[0]
        fired = f"{detect.get('action')} {detect.get('window')}"
        severity = incident.severity or ""
        found.append(Outcome(incident.cause, fired, severity, actions(incident)))
    return found


def suspected(shift: Shift) -> set[str]:
    return {event.get("cause") for one in shift.incidents for event in one.events_of("suspect")}


# --- worked by the reference ---------------------------------------------------------------------


def test_there_is_one_for_each_cause_and_one_for_each_trap() -> None:
    assert set(SCENARIOS) == {*TOLD, *DRAWN}
    assert {cause for name in DRAWN for cause in SCENARIOS[name].causes} == {*causes(), "surprise"}
    symptoms = {cause.symptom for cause in causes().values()}
    assert set(RUNBOOKS) <= symptoms


@pytest.mark.parametrize("name", TOLD)
def test_what_fires_how_severe_it_is_and_what_is_done_is_what_the_scenario_is_about(
    name: str,
) -> None:
    assert outcomes(reference_shift(name).incidents) == TOLD[name]


@EVERY_DRAWN
def test_where_causes_are_drawn_the_reference_finds_out_which_and_a_page_was_the_first_sign(
    name: str,
) -> None:
    shift = reference_shift(name)
    assert suspected(shift) == {hit.cause.name for hit in shift.truth.world.hits}
    for found in outcomes(shift.incidents):
        assert found.fired in (FAST, SLOW, SILENT)


@EVERY_DRAWN
def test_it_ends_with_healthy_users_and_every_incident_closed(name: str) -> None:
    shift = reference_shift(name)
    assert all(incident.state == "closed" for incident in shift.incidents)
    truth = shift.truth
    assert truth.low(truth.length - 1, steps_of(shift.incidents, truth)) == []


@EVERY
def test_the_same_seed_is_the_same_shift(name: str) -> None:
    assert run_shift(SCENARIOS[name], 1, reference) == reference_shift(name)


@EVERY
def test_other_seeds_are_other_nights_of_the_same_scenario(name: str) -> None:
    for seed in MORE_SEEDS:
        shift = run_shift(SCENARIOS[name], seed, reference)
        assert shift.counts != reference_shift(name).counts
        if name in TOLD:
            assert outcomes(shift.incidents) == TOLD[name]
        elif name != "surprise":
            assert [hit.cause.name for hit in shift.truth.world.hits] == [*SCENARIOS[name].causes]
        over_at_once = (51 * SECOND, 4 * MINUTE)  # a blip, and the first wave of December 2024
        hits = shift.truth.world.hits
        lasting = {hit.cause.name for hit in hits if hit.fault.duration not in over_at_once}
        assert suspected(shift) == lasting


@EVERY
def test_its_journals_are_legal_and_come_back_from_disk(name: str, tmp_path: Path) -> None:
    for incident in reference_shift(name).incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident


@EVERY
def test_a_postmortem_is_written_of_what_hurt_users_and_it_is_lint_clean_and_full(
    name: str,
) -> None:
    for incident in reference_shift(name).incidents:
        text = incident.postmortem or ""
        assert bool(text) == (incident.state == "closed" and "false_alarm" not in verbs(incident))
        if text:
            assert lint_postmortem(text, people=["ana", "bo", "chen"]) == []
            assert "Nothing recorded" not in text
            assert read_action_items(text)


@pytest.mark.parametrize("name", ["provider_outage", "flapping_provider", "copilot_2025_12_15"])
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
    text = shift_text(shift, shift.score)
    assert print_faults(text) == []
    assert text.count("\nScore of the shift") == 1


# --- what its file holds -------------------------------------------------------------------------


@EVERY
def test_its_data_is_whole(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert scenario.title.endswith(".")
    assert bool(scenario.causes) != bool(scenario.faults)
    for herring in scenario.red_herrings:
        assert herring.text.strip()
        assert timedelta() <= herring.at < scenario.length
    assert scenario.causes or scenario.red_herrings  # the seed draws those of the others
    for fault in scenario.faults:
        assert fault.title.strip()
        assert fault.symptom in RUNBOOKS or fault.lost or fault.synthetic


@EVERY
def test_a_red_herring_reads_as_it_would_at_its_moment(name: str) -> None:
    hindsight = r"(minutes|hours) (before|after)|went out|the (blip|outage|incident)|it looks"
    texts = [herring.text for herring in SCENARIOS[name].red_herrings]
    for text in texts or HERRINGS:
        assert not re.search(hindsight, text)


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
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "quiet_shift"])
def test_worse_responders_score_less_than_the_reference_and_can_be_shown(
    name: str, who: str, tmp_path: Path
) -> None:
    shift = run_shift(SCENARIOS[name], 1, WORSE[who])
    assert shift.score.points <= (50 if who == "does all there is" else 5)
    assert shift.score.points < reference_shift(name).score.points - 20
    assert print_faults(shift_text(shift, shift.score)) == []
    for incident in shift.incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident


@pytest.mark.parametrize("who", WORSE)
def test_on_a_quiet_shift_there_is_nothing_to_lose(who: str) -> None:
    assert run_shift(SCENARIOS["quiet_shift"], 1, WORSE[who]).score.points == 100
