"""A shift minute by minute: the seed's seven, responders good and bad, and a journal that is always legal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from oncall.cli.terminal import shift_text
from oncall.counts import Counts
from oncall.escalation import EscalationPolicy, Step, escalate
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.shift import Shift, run_shift
from oncall.incident import IllegalTransition, Incident
from oncall.postmortem import automations, read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, replay, to_eval_case
from oncall.scenario import Fault, Scenario
from oncall.slo import burn_rate, sli
from oncall.times import HOUR, MINUTE

SCENARIO = SCENARIOS["provider_outage"]
Responder = Callable[[Desk], None]


def is_open(desk: Desk) -> bool:
    return desk.incident is not None


def absent(desk: Desk) -> None:
    """Nobody is there."""


def forgetful(desk: Desk) -> None:
    """Acknowledges at once, and goes back to sleep."""
    desk.advance_until(is_open)
    desk.acknowledge("ana")


def hasty(desk: Desk) -> None:
    """Applies the last resort first, takes it back, and leaves it there."""
    forgetful(desk)
    desk.triage("sev1", "ana", by="ana")
    desk.apply("serve_degraded")
    desk.advance(5 * MINUTE)
    desk.rollback("serve_degraded")
    desk.advance(5 * MINUTE)


def waits(length: timedelta) -> Responder:
    """Lets time pass in one go, then acknowledges."""

    def responder(desk: Desk) -> None:
        desk.advance_until(is_open)
        desk.advance(length)
        desk.acknowledge("bo")

    return responder


RESPONDERS: dict[str, Responder] = {
    "reference": reference,
    "absent": absent,
    "forgetful": forgetful,
    "hasty": hasty,
    "late": waits(8 * HOUR),
}


@cache
def played(responder: Responder, scenario: Scenario = SCENARIO) -> tuple[Shift, Incident]:
    """A shift of a scenario, and its only incident."""
    shift = run_shift(scenario, 1, responder)
    [incident] = shift.incidents
    return shift, incident


@pytest.fixture(scope="module")
def shift() -> Shift:
    return played(reference)[0]


@pytest.fixture(scope="module")
def incident(shift: Shift) -> Incident:
    return shift.incidents[0]


def between(counts: Counts, start: datetime, end: datetime) -> float:
    part = counts.slice(start, end)
    return sli(sum(part.good), sum(part.total))


def measures(incident: Incident) -> list[tuple[datetime, float]]:
    found = [event for event in incident.events if event.verb == "measure"]
    return [(event.at, sli(event.get("good"), event.get("total"))) for event in found]


def paged(incident: Incident) -> list[tuple[str, int]]:
    """Whom the pager woke, and how many minutes after the detection."""
    [detected] = [event.at for event in incident.events if event.verb == "detect"]
    pages = incident.events_of("page")
    return [(page.get("who"), (page.at - detected) // MINUTE) for page in pages]


# --- the seed's seven ----------------------------------------------------------------------------


def test_the_hour_before_reads_99_7_percent_and_0_30_times(
    shift: Shift, incident: Incident
) -> None:
    ratio = between(shift.counts, incident.impact_start - HOUR, incident.impact_start)
    assert f"{ratio:.1%}" == "99.7%"
    assert f"{burn_rate(ratio, SCENARIO.slo):.2f}x" == "0.30x"
    text = shift_text(shift)
    assert "SLI                99.7%" in text
    assert "0.30x" in text


def test_the_outage_fails_half_of_the_requests_and_burns_50_times(
    shift: Shift, incident: Incident
) -> None:
    ratio = between(shift.counts, incident.impact_start, incident.impact_start + 10 * MINUTE)
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
    assert incident.symptom == "model_provider_outage"
    assert incident.severity == "sev1"
    verbs = [event.verb for event in incident.events]
    assert (
        verbs.index("detect")
        < verbs.index("acknowledge")
        < verbs.index("triage")
        < verbs.index("mitigate")
    )


def test_the_runbook_takes_the_sli_from_50_to_85_to_95_to_100_percent(incident: Incident) -> None:
    started = [
        (event.get("action"), event.at) for event in incident.events if event.verb == "mitigate"
    ]
    assert [name for name, _ in started] == ["fail_over", "serve_cached", "serve_degraded"]
    [over] = [event.at for event in incident.events if event.verb == "mitigated"]
    ends = [at for _, at in started[1:]] + [over]
    readings = measures(incident)
    before = [ratio for at, ratio in readings if at <= started[0][1]][-1]
    after = [[ratio for at, ratio in readings if at <= end][-1] for end in ends]
    assert [f"{ratio:.0%}" for ratio in (before, *after)] == ["50%", "85%", "95%", "100%"]


def test_mitigated_is_not_resolved_until_the_pager_has_been_quiet(incident: Incident) -> None:
    times = incident.metrics()
    assert times.ttr is not None
    assert times.ttm is not None
    assert times.ttr - times.ttm >= 30 * MINUTE


def test_the_postmortem_is_on_file_clean_and_has_action_items(incident: Incident) -> None:
    assert incident.state == "closed"
    assert incident.postmortem
    assert lint_postmortem(incident.postmortem) == []
    automated = [item.automates for item in read_action_items(incident.postmortem)]
    assert automated == ["fail_over", "serve_cached", "serve_degraded"]


def test_regression_inc_001_fails_as_it_was_and_passes_with_the_fix(incident: Incident) -> None:
    case = to_eval_case(incident)
    items = read_action_items(incident.postmortem or "")
    assert case.id == "regression-INC-001"
    assert not replay(case).passed
    assert prove(case, incident, items).passed
    assert not any(
        prove(case, incident, [one for one in items if one != gone]).passed for gone in items
    )


@pytest.mark.parametrize("seed", [2, 3])
def test_another_seed_is_another_night_with_the_same_end(seed: int) -> None:
    other = run_shift(SCENARIO, seed, reference)
    assert other.counts != played(reference)[0].counts
    [incident] = other.incidents
    assert incident.state == "closed"
    assert prove(
        to_eval_case(incident), incident, read_action_items(incident.postmortem or "")
    ).passed


# --- the counts are the service's, and answer to what was done -----------------------------------


@pytest.mark.parametrize("name", RESPONDERS)
def test_every_shift_counts_three_quiet_days_and_the_whole_shift(name: str) -> None:
    counts = played(RESPONDERS[name])[0].counts
    assert (counts.start, counts.end) == (
        SCENARIO.start - SCENARIO.warm_up,
        SCENARIO.start + SCENARIO.length,
    )
    assert counts.step == MINUTE


def test_with_nobody_there_the_counts_are_those_of_the_scenario() -> None:
    assert played(absent)[0].counts == SCENARIO.counts(1)


def test_up_to_the_first_mitigation_all_responders_see_the_same_minutes(
    shift: Shift, incident: Incident
) -> None:
    first = next(event.at for event in incident.events if event.verb == "mitigate")
    assert shift.counts.slice(None, first) == SCENARIO.counts(1).slice(None, first)
    assert sum(shift.counts.good) > sum(SCENARIO.counts(1).good)


def test_the_measures_of_the_journal_add_up_to_the_counts(shift: Shift, incident: Incident) -> None:
    found = [event for event in incident.events if event.verb == "measure"]
    counted = shift.counts.slice(incident.impact_start, found[-1].at)
    assert sum(event.get("good") for event in found) == sum(counted.good)
    assert sum(event.get("total") for event in found) == sum(counted.total)


# --- responders, good and bad --------------------------------------------------------------------


def test_with_nobody_there_the_ladder_climbs_to_its_end_and_the_budget_burns_on() -> None:
    shift, incident = played(absent)
    assert paged(incident) == [
        ("ana", 0),
        ("bo", 5),
        ("chen", 15),
        ("ana", 30),
        ("bo", 35),
        ("chen", 45),
    ]
    assert incident.state == "detected"
    assert incident.metrics().tta is None
    burning = between(shift.counts, incident.impact_start, shift.counts.end)
    assert f"{burning:.0%}" == "50%"


def test_the_desk_s_ladder_is_the_seed_s_with_one_repeat() -> None:
    from oncall.gameday.pager import LADDER

    steps = (Step(("ana",), 5 * MINUTE), Step(("bo",), 10 * MINUTE), Step(("chen",), 15 * MINUTE))
    assert escalate(LADDER, SCENARIO.start) == escalate(
        EscalationPolicy(steps, repeat=1), SCENARIO.start
    )


@pytest.mark.parametrize(
    ("minutes", "woken"),
    [
        (0, [("ana", 0)]),
        (4, [("ana", 0)]),
        (7, [("ana", 0), ("bo", 5)]),
        (20, [("ana", 0), ("bo", 5), ("chen", 15)]),
        (31, [("ana", 0), ("bo", 5), ("chen", 15), ("ana", 30)]),
    ],
)
def test_an_acknowledgement_stops_the_ladder(minutes: int, woken: list[tuple[str, int]]) -> None:
    incident = played(waits(minutes * MINUTE))[1]
    assert paged(incident) == woken
    assert incident.metrics().tta == minutes * MINUTE


def test_an_acknowledgement_mends_nothing() -> None:
    shift, incident = played(forgetful)
    assert incident.state == "acknowledged"
    assert shift.counts == SCENARIO.counts(1)


def test_a_wrong_mitigation_taken_back_is_on_record_and_gone_from_the_service() -> None:
    shift, incident = played(hasty)
    [applied] = [event for event in incident.events if event.verb == "mitigate"]
    [back] = incident.events_of("rollback")
    assert back.get("mitigation") == "serve_degraded"
    assert f"{between(shift.counts, applied.at, back.at):.1%}" == "99.7%"
    assert f"{between(shift.counts, back.at, shift.counts.end):.0%}" == "50%"
    assert incident.metrics().impact is None


def test_a_degraded_reply_to_everything_turns_availability_green_and_quality_red() -> None:
    seen: list[tuple[str, ...]] = []

    def responder(desk: Desk) -> None:
        forgetful(desk)
        seen.append(desk.harmed)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(2 * MINUTE)
        seen.append(desk.harmed)
        assert desk.sli > 0.99

    played(responder)
    assert seen == [(), ("quality",)]


def test_a_note_that_only_names_a_mitigation_takes_nothing_back() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("fail_over")
        desk.note("fail_over", by="ana")

    assert [item.automates for item in automations(played(responder)[1], "ana")] == ["fail_over"]


def test_rolling_back_what_is_not_applied_says_what_is() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("fail_over")
        with pytest.raises(ValueError, match="applied are fail_over"):
            desk.rollback("serve_cached")

    played(responder)


def test_an_unknown_mitigation_is_refused_and_leaves_no_trace() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        with pytest.raises(ValueError, match="unknown mitigation 'pray'"):
            desk.apply("pray")

    assert not [event for event in played(responder)[1].events if event.verb == "mitigate"]


def test_what_the_record_forbids_is_refused_at_the_desk_and_leaves_the_service_as_it_was() -> None:
    def responder(desk: Desk) -> None:
        desk.advance_until(is_open)
        with pytest.raises(IllegalTransition):
            desk.apply("fail_over")
        with pytest.raises(IllegalTransition):
            desk.resolve(by="ana")

    assert played(responder)[0].counts == SCENARIO.counts(1)


def test_what_is_refused_leaves_no_measure_and_no_note_either() -> None:
    def responder(desk: Desk) -> None:
        desk.advance_until(is_open)
        desk.advance(MINUTE)
        before = desk.incident
        refusals: list[Callable[[], None]] = [
            lambda: desk.apply("fail_over"),
            lambda: desk.mitigated(by="ana"),
            lambda: desk.resolve(by="ana"),
            lambda: desk.close("It broke.", by="ana"),
            lambda: desk.rollback("fail_over"),
            lambda: desk.declare(by="ana"),
        ]
        for refused in refusals:
            with pytest.raises(ValueError, match=r"not allowed|not applied|open already"):
                refused()
        assert desk.incident == before

    played(responder)


@pytest.mark.parametrize("length", [MINUTE / 2, -MINUTE, 90 * MINUTE / 60])
def test_time_passes_by_whole_minutes_and_anything_else_is_refused(length: timedelta) -> None:
    desk = Desk(SCENARIO, 1)
    with pytest.raises(ValueError, match="whole minutes"):
        desk.advance(length)
    assert desk.now == SCENARIO.start


def test_a_rollback_measures_first_so_that_the_record_shows_what_it_did() -> None:
    incident = played(hasty)[1]
    [back] = [event.at for event in incident.events_of("rollback")]
    at, ratio = [one for one in measures(incident) if one[0] <= back][-1]
    assert at == back
    assert f"{ratio:.1%}" == "99.7%"


def test_what_is_irreversible_cannot_be_rolled_back() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("purge_cache")
        with pytest.raises(ValueError, match="'purge_cache' cannot be rolled back"):
            desk.rollback("purge_cache")
        assert desk.applied == ("purge_cache",)

    played(responder)


def test_an_incident_can_be_declared_before_the_alert_and_the_alert_then_pages_for_it() -> None:
    def responder(desk: Desk) -> None:
        desk.advance(2 * HOUR + 20 * MINUTE)
        desk.declare(by="ana")
        desk.acknowledge("ana")

    incident = played(responder)[1]
    assert incident.metrics().ttd == 8 * MINUTE
    assert incident.symptom == "model_provider_outage"
    assert paged(incident)[0][0] == "ana"


@pytest.mark.parametrize("state", ["mitigated", "resolved"])
def test_another_incident_can_be_declared_once_the_one_at_hand_is_mitigated(state: str) -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        with pytest.raises(
            ValueError, match="open already; it is acknowledged: work on that one first"
        ):
            desk.declare(by="bo")
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.mitigated(by="ana")
        if state == "resolved":
            desk.resolve(by="ana")
        desk.declare(by="bo")
        assert [one.state for one in desk.incidents] == [state, "detected"]
        desk.acknowledge("bo")
        desk.false_alarm(by="bo")
        assert desk.current.id == "INC-001"  # it waited until the second was closed

    first, second = run_shift(SCENARIO, 1, responder).incidents
    assert (first.state, second.state) == (state, "closed")


def test_a_forced_escalation_pages_the_next_on_the_ladder_at_once_until_somebody_answers() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.advance(16 * MINUTE)
        desk.escalate(by="ana")
        assert desk.pager.ringing
        desk.advance(11 * MINUTE)
        desk.acknowledge("chen")
        desk.escalate(by="chen")

    assert paged(played(responder)[1])[:4] == [("ana", 0), ("bo", 16), ("chen", 26), ("ana", 27)]


def test_the_budget_spent_is_that_of_an_evenly_loaded_period() -> None:
    desk = Desk(SCENARIO, 1)
    assert desk.service.spent == 0
    desk.advance(8 * HOUR)
    bad = sum(desk.service.counts.total[-480:]) - sum(desk.service.counts.good[-480:])
    assert desk.service.spent == pytest.approx(bad / (1200 * 30 * 24 * 60 * 0.01))


def test_an_incident_closed_while_its_page_fires_comes_back_as_the_next() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.advance(2 * HOUR)
        desk.triage("sev1", "ana", by="ana")
        desk.resolve(by="ana", auto_recovered=True)
        desk.close("It went away.", by="ana")

    first, second = run_shift(SCENARIO, 1, responder).incidents
    assert second.events[0].at == first.events[-1].at + MINUTE
    assert second.impact_start >= first.events[-1].at


def test_before_any_alert_there_is_nothing_to_acknowledge() -> None:
    def responder(desk: Desk) -> None:
        assert desk.incident is None
        with pytest.raises(ValueError, match="no incident is open"):
            desk.acknowledge("ana")

    played(responder)


def test_waiting_for_what_never_happens_ends_with_the_shift() -> None:
    def responder(desk: Desk) -> None:
        assert not desk.advance_until(lambda desk: False)
        assert desk.now == desk.ends
        desk.advance(HOUR)
        assert desk.now == desk.ends

    assert played(responder)[0].counts.end == SCENARIO.start + SCENARIO.length


def test_an_incident_resolved_too_early_is_reopened_and_paged_again() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.resolve(
            by="ana", auto_recovered=True
        )  # it looked fine; the 6x rule says otherwise half an hour later

    incident = played(responder)[1]
    [reopened] = [event for event in incident.events if event.verb == "reopen"]
    assert reopened.by == "alerts"
    assert incident.state == "triaged"
    woken = [page for page in incident.events_of("page") if page.at >= reopened.at]
    assert [page.get("who") for page in woken[:2]] == ["ana", "bo"]


def test_a_ticket_that_was_acknowledged_still_pages_when_it_gets_worse() -> None:
    slow, fast = (
        Fault("model_provider_outage", start, ratio)
        for start, ratio in ((0 * HOUR, 0.05), (20 * HOUR, 0.5))
    )
    incident = played(forgetful, replace(SCENARIO, length=24 * HOUR, faults=(slow, fast)))[1]
    assert incident.events[0].get("action") == "ticket"
    [acknowledged] = [event.at for event in incident.events if event.verb == "acknowledge"]
    woken = incident.events_of("page")
    assert woken
    assert all(event.at > acknowledged for event in woken)


# --- the reference on every bundled scenario -----------------------------------------------------


@cache
def night(name: str) -> Shift:
    """The reference's shift on a bundled scenario."""
    return run_shift(SCENARIOS[name], 1, reference)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_reference_leaves_nothing_open_and_scores_100_against_itself(name: str) -> None:
    incidents = night(name).incidents
    assert [incident.state for incident in incidents] == ["closed"] * len(incidents)
    assert [score(incident, incident).points for incident in incidents] == [100] * len(incidents)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_reference_s_postmortems_are_clean(name: str) -> None:
    texts = [incident.postmortem for incident in night(name).incidents if incident.postmortem]
    assert [
        finding for text in texts for finding in lint_postmortem(text, people=["ana", "bo", "chen"])
    ] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_bundled_scenario_can_be_shown_within_80_columns(name: str) -> None:
    shift = night(name)
    text = shift_text(shift, [score(incident, incident) for incident in shift.incidents])
    assert max(len(line) for line in text.splitlines()) <= 80
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert not re.search(r"\bnan[%x]", text)


# --- what holds for every shift ------------------------------------------------------------------


@pytest.mark.parametrize("name", RESPONDERS)
def test_the_journal_is_legal_and_comes_back_from_disk(name: str, tmp_path: Path) -> None:
    incident = played(RESPONDERS[name])[1]
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


@pytest.mark.parametrize("name", RESPONDERS)
def test_a_shift_is_the_same_twice(name: str) -> None:
    shift, _ = played(RESPONDERS[name])
    assert run_shift(SCENARIO, 1, RESPONDERS[name]) == shift


@pytest.mark.parametrize("name", RESPONDERS)
def test_nothing_happens_after_the_shift_s_end_and_nothing_before_its_start(name: str) -> None:
    shift, incident = played(RESPONDERS[name])
    assert shift.counts.end == SCENARIO.start + SCENARIO.length
    assert all(
        SCENARIO.start <= event.at <= SCENARIO.start + SCENARIO.length for event in incident.events
    )


@pytest.mark.parametrize("name", RESPONDERS)
def test_a_shift_can_be_shown_whatever_the_responder_did(name: str) -> None:
    shift, _ = played(RESPONDERS[name])
    text = shift_text(shift)
    assert [
        line[:3] for line in text.splitlines() if line[:1] in tuple("ABCDEF") and line[1:3] == "  "
    ] == [f"{letter}  " for letter in "ABCDEF"]
    assert max(len(line) for line in text.splitlines()) <= 80
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert not re.search(r"\bnan[%x]|\bNone\b", text)
