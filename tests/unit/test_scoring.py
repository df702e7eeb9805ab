"""The score: seven dimensions, each losing points for its own fault and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from oncall.alerting import Alert
from oncall.incident import Incident
from oncall.postmortem import ActionItem, write_postmortem
from oncall.runbook import RUNBOOKS
from oncall.scenarios import SCENARIOS
from oncall.scoring import Score, score
from oncall.shift import Desk, reference, run_shift
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
SYMPTOM = "model_provider_outage"
MITIGATIONS = tuple(mitigation.name for mitigation in RUNBOOKS[SYMPTOM].mitigations)
NAMES = ("TTA", "severity", "actions", "updates", "budget", "postmortem", "recurrence")
SCENARIO = SCENARIOS["provider_outage"]


@dataclass(frozen=True)
class Response:
    """What somebody did about the outage, in minutes after it began; the defaults are a good response."""

    acknowledged: float = 21
    severity: str = "sev1"
    updates: tuple[float, ...] = (24, 46)
    actions: tuple[str, ...] = MITIGATIONS
    mitigated: float | None = 45
    failed: int = 20_000
    postmortem: Callable[[Incident], str] | None = None


def good_postmortem(incident: Incident, automated: tuple[str, ...] = MITIGATIONS) -> str:
    return write_postmortem(
        incident,
        contributing_factors=["All requests go to one provider."],
        action_items=[ActionItem("mitigate", f"{one} by itself", "ana", date(2025, 4, 1), one) for one in automated],
        went_well=["The first person paged answered."],
        went_wrong=["The runbook waited for a person."],
        lucky=["The secondary provider had room."],
    )


def journal(response: Response | None = None) -> Incident:
    """The journal of a response, event by event, in order of time."""
    done = response or Response()

    def at(minute: float) -> datetime:
        return START + minute * MINUTE

    incident = Incident("INC-001", "The model provider fails requests", SLO("availability", 0.99), SYMPTOM, START)
    incident = incident.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=at(18), by="alerts")
    incident = incident.measure(9000, 18_000, at=at(18), by="metrics")
    events: list[tuple[float, Callable[[Incident, datetime], Incident]]] = [
        (done.acknowledged, lambda one, when: one.acknowledge(at=when, by="ana")),
        (done.acknowledged, lambda one, when: one.triage(done.severity, "ana", at=when, by="ana")),
    ]
    events += [(minute, lambda one, when: one.update("We are on it.", at=when, by="bo")) for minute in done.updates]
    begun = done.acknowledged + 3
    events += [
        (begun + i, lambda one, when, name=name: one.mitigate(name, at=when, by="ana"))  # type: ignore[misc]
        for i, name in enumerate(done.actions)
    ]
    if done.mitigated is not None:
        rest = done.failed - 9000
        events += [
            (done.mitigated, lambda one, when: one.measure(60_000 - rest, 60_000, at=when, by="metrics")),
            (done.mitigated, lambda one, when: one.mitigated(at=when, by="ana")),
            (done.mitigated + 30, lambda one, when: one.resolve(at=when, by="ana")),
        ]
    for minute, verb in sorted(events, key=lambda event: event[0]):
        incident = verb(incident, at(minute))
    if done.mitigated is None:
        return incident
    return incident.close((done.postmortem or good_postmortem)(incident), at=at(done.mitigated + 90), by="ana")


def lost(result: Score) -> dict[str, int]:
    """The points lost, by dimension."""
    return {one.name: one.most - one.points for one in result.dimensions if one.points < one.most}


GOOD = journal()


# --- the whole -----------------------------------------------------------------------------------


def test_a_response_held_against_itself_scores_100() -> None:
    result = score(GOOD, GOOD)
    assert result.points == 100
    assert lost(result) == {}


def test_the_seven_dimensions_are_worth_100_points_and_say_why_in_a_sentence() -> None:
    for result in (score(GOOD, GOOD), score(journal(Response(mitigated=None, actions=())), GOOD)):
        assert tuple(one.name for one in result.dimensions) == NAMES
        assert sum(one.most for one in result.dimensions) == 100
        assert all(0 <= one.points <= one.most for one in result.dimensions)
        assert all(
            one.why[0].isupper() or one.why[0].isdigit() or one.why.startswith("sev") for one in result.dimensions
        )
        assert all(one.why.endswith(".") and "\n" not in one.why for one in result.dimensions)


def test_a_score_reads_as_a_line_a_dimension_and_its_sum() -> None:
    lines = str(score(GOOD, GOOD)).splitlines()
    assert [line.split()[0] for line in lines] == [*NAMES, "score"]
    assert lines[-1].split() == ["score", "100", "of", "100"]


def test_a_score_is_a_function_of_the_two_journals() -> None:
    other = journal(Response(acknowledged=40))
    assert score(other, GOOD) == score(other, GOOD)


# --- each dimension by itself --------------------------------------------------------------------

# The action items automate what the case needs, but the lint or a section is not content.
VAGUE: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "All requests go to one provider.", "It was human error."
)
SECTIONLESS: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "## What went well\n\n- The first person paged answered.\n\n", ""
)
EMPTY: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "- The first person paged answered.", "Nothing recorded."
)
UNFIXED: Callable[[Incident], str] = lambda incident: good_postmortem(incident, MITIGATIONS[:2])  # noqa: E731

FAULTS = {
    "a late acknowledgement": (Response(acknowledged=33, updates=(35, 46)), "TTA"),
    "a severity too low": (Response(severity="sev2"), "severity"),
    "no update at all": (Response(updates=()), "updates"),
    "no update after the end": (Response(updates=(24,)), "updates"),
    "no update before the end": (Response(updates=(46,)), "updates"),
    "more budget spent": (Response(failed=24_000), "budget"),
    "a blaming postmortem": (Response(postmortem=VAGUE), "postmortem"),
    "a section missing": (Response(postmortem=SECTIONLESS), "postmortem"),
    "a section left empty": (Response(postmortem=EMPTY), "postmortem"),
    "an automation forgotten": (Response(postmortem=UNFIXED), "recurrence"),
    "something unneeded done": (Response(actions=(*MITIGATIONS, "restart everything")), "actions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_points_on_its_own_dimension_and_no_other(fault: str) -> None:
    response, dimension = FAULTS[fault]
    assert set(lost(score(journal(response), GOOD))) == {dimension}


def test_a_severity_too_high_costs_less_than_one_too_low() -> None:
    milder = journal(Response(severity="sev2"))
    high, low = lost(score(GOOD, milder)), lost(score(milder, GOOD))
    assert 0 < high["severity"] < low["severity"]


def test_the_last_severity_decided_is_the_one() -> None:
    again = replace(GOOD, events=())
    for event in GOOD.events:
        if event.verb == "acknowledge":
            again = again.acknowledge(at=event.at, by="ana").triage("sev4", "ana", at=event.at, by="ana")
            break
        again = replace(again, events=(*again.events, event))
    rest = GOOD.events[[event.verb for event in GOOD.events].index("triage") :]
    again = replace(again, events=(*again.events, *rest))
    assert lost(score(again, GOOD)) == {}


@pytest.mark.parametrize(("minute", "points"), [(18, 15), (23, 15), (35.5, 8), (48, 0), (120, 0)])
def test_an_ack_within_five_minutes_is_prompt_and_25_later_is_worth_nothing(minute: float, points: int) -> None:
    late = journal(Response(acknowledged=minute, updates=(), mitigated=180))
    [tta] = [one for one in score(late, GOOD).dimensions if one.name == "TTA"]
    assert tta.points == points


@pytest.mark.parametrize("minutes", [30, 45, 300])
def test_an_ack_as_late_as_the_reference_s_is_in_time(minutes: float) -> None:
    slow = journal(Response(acknowledged=18 + minutes, updates=(), mitigated=500))
    slower = journal(Response(acknowledged=18 + minutes + 30, updates=(), mitigated=500))
    assert "TTA" not in lost(score(slow, slow))
    assert lost(score(slower, slow))["TTA"] == 15


def test_each_unneeded_action_costs_and_an_irreversible_one_costs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    book = RUNBOOKS[SYMPTOM]
    drop = replace(book.mitigations[0], name="drop_the_index", reversible=False)
    monkeypatch.setitem(RUNBOOKS, "stale_index", replace(book, symptom="stale_index", mitigations=(drop,)))
    one, two, risky = (
        lost(score(journal(Response(actions=(*MITIGATIONS, *more))), GOOD))["actions"]
        for more in (["x"], ["x", "y"], ["drop_the_index"])
    )
    assert 0 < one < two < risky


def test_doing_a_needed_thing_twice_is_no_unneeded_thing() -> None:
    assert lost(score(journal(Response(actions=(*MITIGATIONS, "fail_over"))), GOOD)) == {}


def test_less_budget_spent_than_the_reference_is_worth_no_more_than_all_points() -> None:
    assert score(journal(Response(failed=9000)), GOOD).points == 100


def test_twice_the_reference_s_budget_earns_nothing_for_it() -> None:
    assert lost(score(journal(Response(failed=40_000)), GOOD)) == {"budget": 20}


def test_an_update_is_due_in_every_half_hour_until_it_is_mitigated() -> None:
    long = Response(updates=(24, 50, 80, 110, 140), mitigated=138)
    assert "updates" not in lost(score(journal(long), GOOD))
    for gone in long.updates:
        fewer = replace(long, updates=tuple(minute for minute in long.updates if minute != gone))
        assert "updates" in lost(score(journal(fewer), GOOD)), gone


def test_without_a_postmortem_there_is_nothing_for_it_and_nothing_for_recurrence() -> None:
    unwritten = replace(GOOD, events=GOOD.events[:-1])
    assert unwritten.postmortem is None
    assert lost(score(unwritten, GOOD)) == {"postmortem": 10, "recurrence": 10}


def test_a_postmortem_without_any_section_scores_nothing_either() -> None:
    bare = journal(Response(postmortem=lambda incident: "# Postmortem\n\nIt broke.\n"))
    assert lost(score(bare, GOOD)) == {"postmortem": 10, "recurrence": 10}


def test_a_note_that_quotes_an_empty_section_is_no_empty_section() -> None:
    def noted(incident: Incident) -> str:
        return good_postmortem(incident).replace("- 18:12:00 impact began", "- 18:12:00 bo: Nothing recorded.")

    assert lost(score(journal(Response(postmortem=noted)), GOOD)) == {}


# --- worse is worse ------------------------------------------------------------------------------


def absent(desk: Desk) -> None:
    """Nobody is there."""


def forgetful(desk: Desk) -> None:
    """Acknowledges at once, and forgets."""
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.acknowledge("ana")


def careful(desk: Desk) -> None:
    """Works the incident slowly and by halves, but to its end, and writes little about it."""
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.advance(10 * MINUTE)
    desk.acknowledge("ana")
    desk.advance(5 * MINUTE)
    desk.triage("sev1", "ana", by="ana")
    for name in MITIGATIONS:
        desk.apply(name)
        desk.advance(5 * MINUTE)
    desk.mitigated(by="ana")
    desk.update("It works again.", by="ana")
    desk.advance(40 * MINUTE)
    desk.resolve(by="ana")
    desk.close(write_postmortem(desk.incidents[-1], contributing_factors=[], action_items=[]), by="ana")


def test_doing_nothing_is_worse_than_an_ack_than_care_than_the_reference() -> None:
    journals = [run_shift(SCENARIO, 1, who).incidents[0] for who in (absent, forgetful, careful, reference)]
    points = [score(one, journals[-1]).points for one in journals]
    assert points == sorted(points)
    assert len(set(points)) == 4
    assert (points[0], points[-1]) == (0, 100)


# --- a real incident, typed in afterwards --------------------------------------------------------


def fourth_of_december() -> Incident:
    """The second wave of 4 December 2024: 45 % of requests from 00:07 to 01:37; nothing else is known."""
    start = datetime(2024, 12, 5, 0, 7, tzinfo=UTC)
    incident = Incident("INC-2024-12-04b", "Second wave", SLO("availability", 0.999), SYMPTOM, start)
    incident = incident.detect(None, at=start + 5 * MINUTE, by="status page")
    incident = incident.measure(550, 1000, at=start + 90 * MINUTE, by="typed in")
    return incident.resolve(at=start + 90 * MINUTE, by="status page", auto_recovered=True)


def test_a_real_incident_typed_in_can_be_scored_against_itself_and_a_drill() -> None:
    real = fourth_of_december()
    for against in (real, GOOD):
        result = score(real, against)
        assert 0 <= result.points < 100
        assert {"TTA", "severity", "postmortem", "recurrence"} <= set(lost(result))
    assert 0 <= score(GOOD, real).points <= 100


@pytest.mark.parametrize("symptom", [SYMPTOM, "sunspots"])
def test_an_incident_with_no_event_or_one_scores_without_an_exception(symptom: str) -> None:
    empty = Incident("INC-9", "x", SLO("availability", 0.99), symptom, START)
    noticed = empty.detect(None, at=START - HOUR, by="bo")
    for one in (empty, noticed, noticed.measure(0, 0, at=START, by="m"), noticed.false_alarm(at=START, by="bo")):
        assert score(one, GOOD).points == 0
        assert score(one, one).points <= 30
        score(GOOD, one)


def test_an_incident_mitigated_the_moment_it_is_detected_can_be_scored() -> None:
    one = Incident("INC-9", "x", SLO("availability", 0.99), SYMPTOM, START).detect(None, at=START, by="bo")
    one = one.resolve(at=START, by="bo", auto_recovered=True)
    assert one.metrics().ttm == timedelta()
    assert 0 <= score(one, one).points <= 100
