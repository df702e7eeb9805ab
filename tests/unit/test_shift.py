"""A whole shift: the provider outage as the reference works it, and what holds for every shift."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from played_shifts import (
    FIXES,
    RESPONDERS,
    SCENARIO,
    absent,
    last_measure,
    played,
    print_faults,
    sli_between,
    verbs,
)

from oncall.cli.terminal import shift_text
from oncall.gameday.reference import reference
from oncall.gameday.shift import Shift, run_shift
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, replay, to_eval_case
from oncall.slo import burn_rate
from oncall.times import HOUR, MINUTE

ENDS = SCENARIO.start + SCENARIO.length
EVERY_RESPONDER = pytest.mark.parametrize("name", RESPONDERS)


@pytest.fixture(scope="module")
def shift() -> Shift:
    return played(reference)[0]


@pytest.fixture(scope="module")
def incident() -> Incident:
    return played(reference)[1]


# --- the provider outage, worked by the reference ------------------------------------------------


def test_the_hour_before_reads_99_7_percent_and_0_30_times(
    shift: Shift, incident: Incident
) -> None:
    ratio = sli_between(shift.counts, incident.impact_start - HOUR, incident.impact_start)
    assert f"{ratio:.1%}" == "99.7%"
    assert f"{burn_rate(ratio, SCENARIO.slo):.2f}x" == "0.30x"
    text = shift_text(shift)
    assert "SLI                99.7%" in text
    assert "0.30x" in text


def test_the_outage_fails_half_of_the_requests_and_burns_50_times(
    shift: Shift, incident: Incident
) -> None:
    began = incident.impact_start
    ratio = sli_between(shift.counts, began, began + 10 * MINUTE)
    assert f"{ratio:.0%}" == "50%"
    assert f"{burn_rate(ratio, SCENARIO.slo):.0f}" == "50"


def test_the_impact_starts_when_the_fault_does(incident: Incident) -> None:
    assert incident.impact_start == SCENARIO.start + SCENARIO.faults[0].start


def test_the_alert_pages_sev1_at_50_times_in_the_fast_window(incident: Incident) -> None:
    detect = incident.events[0]
    assert (detect.verb, detect.get("action"), detect.get("severity")) == ("detect", "page", "sev1")
    assert detect.get("window") == "14.4x 1h/5m"
    assert round(detect.get("burn")) == 50


def test_it_is_opened_acknowledged_and_triaged_as_sev1(incident: Incident) -> None:
    assert incident.id == "INC-001"
    assert (incident.symptom, incident.cause) == ("unknown", "provider_fails")
    assert incident.severity == "sev1"
    steps = ("detect", "acknowledge", "triage", "mitigate")
    first = [verbs(incident).index(verb) for verb in steps]
    assert first == sorted(first)


def test_the_runbook_takes_the_sli_from_50_to_85_to_95_to_100_percent(incident: Incident) -> None:
    started = incident.events_of("mitigate")
    assert [event.get("action") for event in started] == list(FIXES)
    [over] = incident.events_of("mitigated")
    readings = [last_measure(incident, event.at)[1] for event in (*started, over)]
    assert [f"{ratio:.0%}" for ratio in readings] == ["50%", "85%", "95%", "100%"]


def test_mitigated_is_not_resolved_until_the_pager_has_been_quiet(incident: Incident) -> None:
    times = incident.metrics()
    assert times.ttr is not None
    assert times.ttm is not None
    assert times.ttr - times.ttm >= 30 * MINUTE


def test_the_postmortem_is_on_file_clean_and_has_action_items(incident: Incident) -> None:
    assert incident.state == "closed"
    assert incident.postmortem
    assert lint_postmortem(incident.postmortem) == []
    items = read_action_items(incident.postmortem)
    assert {item.kind for item in items} >= {"prevent", "detect", "mitigate"}
    assert [item.automates for item in items if item.automates] == list(FIXES)


def test_regression_inc_001_fails_as_it_was_and_passes_with_the_fix(incident: Incident) -> None:
    case = to_eval_case(incident)
    items = read_action_items(incident.postmortem or "")
    assert case.id == "regression-INC-001"
    assert not replay(case).passed
    assert prove(case, incident, items).passed
    for item in items:
        others = [other for other in items if other != item]
        assert prove(case, incident, others).passed == (not item.automates), item


@pytest.mark.parametrize("seed", [2, 3])
def test_another_seed_is_another_night_with_the_same_end(seed: int) -> None:
    other = run_shift(SCENARIO, seed, reference)
    assert other.counts != played(reference)[0].counts
    [incident] = other.incidents
    assert incident.state == "closed"
    items = read_action_items(incident.postmortem or "")
    assert prove(to_eval_case(incident), incident, items).passed


# --- the counts are the service's, and answer to what was done -----------------------------------


@EVERY_RESPONDER
def test_every_shift_counts_three_quiet_days_and_the_whole_shift(name: str) -> None:
    counts = played(RESPONDERS[name])[0].counts
    assert (counts.start, counts.end) == (SCENARIO.start - SCENARIO.warm_up, ENDS)
    assert counts.step == MINUTE


def test_with_nobody_there_the_counts_are_those_of_the_scenario() -> None:
    assert played(absent)[0].counts == SCENARIO.counts(1)


def test_up_to_the_first_mitigation_all_responders_see_the_same_minutes(
    shift: Shift, incident: Incident
) -> None:
    first = incident.events_of("mitigate")[0].at
    assert shift.counts.slice(None, first) == SCENARIO.counts(1).slice(None, first)
    assert sum(shift.counts.good) > sum(SCENARIO.counts(1).good)


def test_the_measures_of_the_journal_add_up_to_the_counts(shift: Shift, incident: Incident) -> None:
    measures = incident.events_of("measure")
    counted = shift.counts.slice(incident.impact_start, measures[-1].at)
    assert sum(event.get("good") for event in measures) == sum(counted.good)
    assert sum(event.get("total") for event in measures) == sum(counted.total)


# --- what holds for every shift ------------------------------------------------------------------


@EVERY_RESPONDER
def test_the_journal_is_legal_and_comes_back_from_disk(name: str, tmp_path: Path) -> None:
    incident = played(RESPONDERS[name])[1]
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


@EVERY_RESPONDER
def test_a_shift_is_the_same_twice(name: str) -> None:
    shift, _ = played(RESPONDERS[name])
    assert run_shift(SCENARIO, 1, RESPONDERS[name]) == shift


@EVERY_RESPONDER
def test_nothing_happens_after_the_shift_s_end_and_nothing_before_its_start(name: str) -> None:
    shift, incident = played(RESPONDERS[name])
    assert shift.counts.end == ENDS
    assert all(SCENARIO.start <= event.at <= ENDS for event in incident.events)


@EVERY_RESPONDER
def test_a_shift_can_be_shown_whatever_the_responder_did(name: str) -> None:
    text = shift_text(played(RESPONDERS[name])[0])
    parts = [line[0] for line in text.splitlines() if re.match("[A-F]  ", line)]
    assert parts == list("ABCDEF")
    assert print_faults(text) == []
    assert not re.search(r"\bNone\b", text)
