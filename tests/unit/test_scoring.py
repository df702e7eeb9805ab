"""The score: what each dimension reads, and what is said of what cannot be judged."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import oncall
from oncall.alerting import Alert
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scoring import JUDGES, Score, score, score_shift
from oncall.gameday.shift import Shift, run_shift
from oncall.gameday.truth import FLOOR, Step, truth_of
from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import MINUTE, parse_moment

FACTS = Path(__file__).parents[2] / "data" / "public_incidents.csv"
START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
PAGE = Alert("page", "sev1", 50.0, "14.4x 1h/5m")
SECTIONS = (
    "Contributing factors", "What went well", "What went wrong", "Where we got lucky",
)  # fmt: skip


def points(result: Score) -> dict[str, int]:
    return {one.name: one.points for one in result.dimensions}


def why(result: Score, name: str) -> str:
    return next(one.why for one in result.dimensions if one.name == name)


def judged(result: Score) -> set[str]:
    return {one.name for one in result.dimensions if one.most}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def best() -> Shift:
    return run_shift(SCENARIOS["gateway_release"], 1, reference)


# --- the whole -----------------------------------------------------------------------------------


def test_the_dimensions_and_their_weights_are_those_that_are_told_before() -> None:
    weights = {name: most for name, (most, _) in JUDGES.items()}
    assert weights == {
        "answer": 10, "severity": 10, "diagnosis": 15, "harm": 30, "safety": 15,
        "communication": 10, "learning": 10,
    }  # fmt: skip


def test_the_score_is_a_function_of_the_journals_and_the_truth(best: Shift) -> None:
    again = run_shift(SCENARIOS["gateway_release"], 1, reference)
    assert again.score == best.score == score_shift(best.incidents, best.truth)
    assert best.score.points == sum(one.points for one in best.score.dimensions)


def test_one_line_for_each_dimension_and_one_for_the_sum(best: Shift) -> None:
    lines = str(best.score).splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("answer         10 of 10")
    assert lines[-1] == f"score         {best.score.points:>3} of 100"


def test_nothing_is_scored_before_it_was_triaged_or_called_off(best: Shift) -> None:
    [incident] = best.incidents
    events = [e for e in incident.events if e.verb in ("detect", "page", "acknowledge", "look")]
    asleep = replace(incident, events=tuple(events))
    result = score_shift([asleep], best.truth)
    assert result.points == 0
    assert "nothing can be scored" in why(result, "harm")


def test_a_shift_that_nobody_worked_earns_nothing_and_a_quiet_one_everything() -> None:
    assert run_shift(SCENARIOS["gateway_release"], 1, lambda desk: None).score.points == 0
    assert run_shift(SCENARIOS["quiet_shift"], 1, lambda desk: None).score.points == 100


def test_several_incidents_are_scored_as_one_shift() -> None:
    shift = run_shift(SCENARIOS["surprise"], 10, reference)
    assert len(shift.incidents) == 2
    assert shift.score.points >= 85
    first = score_shift(shift.incidents[:1], shift.truth)
    assert points(first)["diagnosis"] < points(shift.score)["diagnosis"]


# --- severity by harm ----------------------------------------------------------------------------


def decided(shift: Shift, severity: str) -> Incident:
    """The reference's journal with another severity, decided at the same moments."""
    [incident] = shift.incidents
    events = []
    for event in incident.events:
        if event.verb == "triage":
            details = [(k, severity if k == "severity" else v) for k, v in event.details]
            event = replace(event, details=tuple(details))
        events.append(event)
    return replace(incident, events=tuple(events))


@pytest.mark.parametrize(
    ("severity", "earned"), [("sev2", 10), ("sev1", 5), ("sev3", 5), ("sev4", 0)]
)
def test_a_severity_that_is_one_off_counts_half(severity: str, earned: int) -> None:
    shift = run_shift(SCENARIOS["slow_first_token"], 1, reference)
    result = score(decided(shift, severity), truth=shift.truth)
    assert points(result)["severity"] == earned


def test_the_worst_so_far_counts_as_if_nobody_had_acted() -> None:
    truth = truth_of(SCENARIOS["gateway_release"], 1)
    onset = truth.world.hits[0].fault.start // MINUTE
    assert truth.table[onset - 1] == 5
    assert truth.table[-1] == min(truth.table[onset:]) <= 2
    assert truth.table == sorted(truth.table, reverse=True)


def test_security_is_sev1_from_its_onset_and_what_is_not_ours_is_sev5() -> None:
    leak = truth_of(SCENARIOS["poisoned_cache"], 1)
    assert leak.table[leak.world.hits[0].fault.start // MINUTE + 1] == 1
    assert set(truth_of(SCENARIOS["tenant_doubled"], 1).table) == {5}
    assert min(truth_of(SCENARIOS["tenant_doubled"], 1).readable) < 5


# --- harm ----------------------------------------------------------------------------------------


def test_harm_lies_between_nobody_and_par_on_a_logarithm() -> None:
    truth = truth_of(SCENARIOS["gateway_release"], 1)
    page, [hit] = truth.pages[0], truth.world.hits
    assert page is not None
    assert truth.harm_share(()) == 0
    late = [truth.harm_share([step_after(hit.change, page + wait)]) for wait in (20, 50, 80, 140)]
    assert late[0] == pytest.approx(1, abs=0.02)
    assert late == sorted(late, reverse=True)
    assert late[0] - late[1] > 0.1  # the first half hour costs most
    assert late[0] - late[1] > late[1] - late[2] > 0


def step_after(change: str, minute: int) -> Step:
    return Step("undo_change", change, minute, minute + 4)


def test_harm_is_an_expectation_and_what_a_mitigation_spoils_is_in_it() -> None:
    truth = truth_of(SCENARIOS["quiet_shift"], 1)
    assert truth.nobody < FLOOR
    real = truth_of(SCENARIOS["gateway_release"], 1)
    spoilt = [Step("cache_everything", "", 0, 0)]
    assert real.harm(spoilt) > real.nobody
    assert sum(real.harm_by_minute(())) == pytest.approx(real.nobody)


# --- real incidents ------------------------------------------------------------------------------


def typed_in(id: str) -> Incident:
    """A public incident, from the times that are known of it."""
    with open(FACTS, newline="", encoding="utf-8") as file:
        [row] = [row for row in csv.DictReader(file) if row["id"] == id]
    return Incident.from_times(
        id,
        row["impact"],
        SLO("availability", 0.999),
        "unknown",
        parse_moment(row["impact_start"]),
        detected=parse_moment(row["detected"] or row["first_update"]),
        resolved=parse_moment(row["resolved"]),
        by="typed in",
    )


@pytest.mark.parametrize("id", ["openai-2024-12-04-wave2", "github-copilot-review-2025-12-15"])
def test_a_real_incident_is_scored_on_what_its_journal_holds(id: str) -> None:
    bare = typed_in(id)
    result = oncall.score(bare, None)
    unknown = {"answer", "severity", "diagnosis", "harm"}
    assert judged(result) == set(JUDGES) - unknown
    assert {why(result, name) for name in unknown} == {"The journal alone does not say."}
    assert f"{'severity':<14}not judged" in str(result)
    assert 0 <= result.points <= 100
    beside = score(bare, bare.triage("sev1", "ana", at=bare.events[0].at, by="ana")
                   if bare.state == "acknowledged" else bare)  # fmt: skip
    assert 0 <= beside.points <= 100


def test_what_is_told_to_users_counts_in_a_real_incident_too() -> None:
    silent = typed_in("openai-2024-12-04-wave2")
    said = "We have fixed it and are sorry."
    told = silent.update(said, "resolved", at=silent.events[-1].at, by="status page")
    assert points(score(told, None))["communication"] > points(score(silent, None))["communication"]


def test_a_reference_says_which_severity_was_right_and_how_much_was_lost() -> None:
    def worked(severity: str, good: int) -> Incident:
        incident = Incident("INC-1", "x", SLO("availability", 0.99), "unknown", START)
        incident = incident.detect(PAGE, at=at(18), by="alerts").acknowledge(at=at(20), by="ana")
        incident = incident.triage(severity, "ana", at=at(21), by="ana")
        return incident.measure(good, 1000, at=at(30), by="m")

    mine, theirs = worked("sev2", 500), worked("sev1", 750)
    result = score(mine, theirs)
    assert points(result)["severity"] == 5
    assert points(result)["harm"] == 0
    assert "500 requests failed, 250 with the reference" in why(result, "harm")
    assert judged(result) == set(JUDGES) - {"diagnosis"}


@pytest.mark.parametrize("symptom", ["model_provider_outage", "sunspots"])
def test_an_incident_with_no_event_or_one_scores_without_an_exception(symptom: str) -> None:
    empty = Incident("INC-9", "x", SLO("availability", 0.99), symptom, START)
    noticed = empty.detect(None, at=START, by="bo")
    called_off = noticed.false_alarm(at=START, by="bo")
    over = noticed.resolve(at=START, by="bo", auto_recovered=True)
    truth = truth_of(SCENARIOS["gateway_release"], 1)
    for incident in (empty, noticed, noticed.measure(0, 0, at=START, by="m"), called_off, over):
        for known in (None, truth):
            for beside in (None, noticed, incident):
                assert 0 <= score(incident, beside, known).points <= 100


# --- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("cause", "straggler", "cause wrong or not named"),
        ("segment", "region=eu", "segment wrong"),
        ("trigger", "C1", "trigger wrong"),
        ("onset", "03:00", "onset wrong"),
    ],
)
def test_each_fact_of_the_postmortem_is_judged_as_a_field(
    best: Shift, kind: str, value: str, said: str
) -> None:
    [incident] = best.incidents
    events = []
    for event in incident.events:
        if event.verb == "learn" and event.get("kind") == kind:
            event = replace(event, details=(("kind", kind), ("value", value)))
        events.append(event)
    result = score(replace(incident, events=tuple(events)), truth=best.truth)
    assert said in why(result, "learning").lower()
    assert points(result)["learning"] < points(best.score)["learning"]
