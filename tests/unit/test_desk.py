"""The desk: who is paged, what is refused, how time passes, and when an incident opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from played_shifts import (
    SCENARIO,
    absent,
    acknowledges_after,
    forgetful,
    incident_of,
    is_open,
    pages,
    played,
    sli_between,
    start_work,
)
from typed_actions import paged

from oncall.escalation import EscalationPolicy, Step, escalate
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.pager import LADDER
from oncall.gameday.shift import run_shift
from oncall.incident import IllegalTransition
from oncall.scenario import Fault
from oncall.times import HOUR, MINUTE

# --- the pager -----------------------------------------------------------------------------------

FIRST_LOOP = [("ana", 0), ("bo", 5), ("chen", 15)]
SECOND_LOOP = [("ana", 30), ("bo", 35), ("chen", 45)]


def test_with_nobody_there_the_ladder_climbs_to_its_end_and_the_budget_burns_on() -> None:
    shift, incident = played(absent)
    assert pages(incident) == FIRST_LOOP + SECOND_LOOP
    assert incident.state == "detected"
    assert incident.metrics().tta is None
    burning = sli_between(shift.counts, incident.impact_start, shift.counts.end)
    assert f"{burning:.0%}" == "50%"


def test_the_desk_s_ladder_wakes_ana_bo_and_chen_and_then_all_of_them_again() -> None:
    steps = (Step(("ana",), 5 * MINUTE), Step(("bo",), 10 * MINUTE), Step(("chen",), 15 * MINUTE))
    once_more = EscalationPolicy(steps, repeat=1)
    assert escalate(LADDER, SCENARIO.start) == escalate(once_more, SCENARIO.start)


@pytest.mark.parametrize(
    ("minutes", "woken"),
    [
        (0, FIRST_LOOP[:1]),
        (4, FIRST_LOOP[:1]),
        (7, FIRST_LOOP[:2]),
        (20, FIRST_LOOP),
        (31, FIRST_LOOP + SECOND_LOOP[:1]),
    ],
)
def test_an_acknowledgement_stops_the_ladder(minutes: int, woken: list[tuple[str, int]]) -> None:
    incident = incident_of(acknowledges_after(minutes * MINUTE))
    assert pages(incident) == woken
    assert incident.metrics().tta == minutes * MINUTE


def test_an_acknowledgement_mends_nothing() -> None:
    shift, incident = played(forgetful)
    assert incident.state == "acknowledged"
    assert shift.counts == SCENARIO.counts(1)


def test_a_forced_escalation_pages_the_next_on_the_ladder_at_once_until_somebody_answers() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.advance(16 * MINUTE)
        desk.escalate(by="ana")
        assert desk.pager.ringing
        desk.advance(11 * MINUTE)
        desk.acknowledge("chen")
        desk.escalate(by="chen")

    woken = pages(incident_of(responder))
    assert woken[:4] == [("ana", 0), ("bo", 16), ("chen", 26), ("ana", 27)]


def test_a_ticket_that_was_acknowledged_still_pages_when_it_gets_worse() -> None:
    slow = Fault("model_provider_outage", timedelta(), 0.05)
    fast = Fault("model_provider_outage", 20 * HOUR, 0.5)
    scenario = replace(SCENARIO, length=24 * HOUR, faults=(slow, fast))
    incident = incident_of(forgetful, scenario)
    assert incident.events[0].get("action") == "ticket"
    [acknowledged] = incident.events_of("acknowledge")
    woken = incident.events_of("page")
    assert woken
    assert all(event.at > acknowledged.at for event in woken)


# --- what is refused -----------------------------------------------------------------------------


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


def test_before_any_alert_there_is_nothing_to_acknowledge() -> None:
    def responder(desk: Desk) -> None:
        assert desk.incident is None
        with pytest.raises(ValueError, match="no incident is open"):
            desk.acknowledge("ana")

    played(responder)


# --- time and budget -----------------------------------------------------------------------------


@pytest.mark.parametrize("length", [MINUTE / 2, -MINUTE, 90 * MINUTE / 60])
def test_time_passes_by_whole_minutes_and_anything_else_is_refused(length: timedelta) -> None:
    desk = Desk(SCENARIO, 1)
    with pytest.raises(ValueError, match="whole minutes"):
        desk.advance(length)
    assert desk.now == SCENARIO.start


def test_waiting_for_what_never_happens_ends_with_the_shift() -> None:
    def responder(desk: Desk) -> None:
        assert not desk.advance_until(lambda desk: False)
        assert desk.now == desk.ends
        desk.advance(HOUR)
        assert desk.now == desk.ends

    assert played(responder)[0].counts.end == SCENARIO.start + SCENARIO.length


def test_the_budget_spent_is_that_of_an_evenly_loaded_period() -> None:
    desk = Desk(SCENARIO, 1)
    assert desk.service.spent == 0
    desk.advance(8 * HOUR)
    bad = sum(desk.service.counts.total[-480:]) - sum(desk.service.counts.good[-480:])
    assert desk.service.spent == pytest.approx(bad / (1200 * 30 * 24 * 60 * 0.01))


@pytest.mark.parametrize("name", ["provider_outage", "false_alarm", "attack_blocked", "nothing"])
def test_an_incident_says_which_slo_burns_how_fast_and_not_what_is_wrong(name: str) -> None:
    incident = paged(name=name).current
    assert re.fullmatch(r"availability burns its budget at \d+\.\dx", incident.title)
    assert incident.symptom == incident.cause == "unknown"


def test_what_is_suspected_is_the_cause_until_another_name_is_given() -> None:
    desk = paged()
    for cause in ("gpu_reclaimed", "provider_fails"):
        desk.suspect(cause, by="ana")
        assert desk.current.cause == cause
    assert [one.get("cause") for one in desk.current.events_of("suspect")] == [
        "gpu_reclaimed", "provider_fails",
    ]  # fmt: skip


def test_where_causes_are_drawn_five_slos_are_watched_and_a_slow_burn_pages() -> None:
    desk = paged(name="prompt_injection")
    assert set(desk.slos) == {"availability", "first_token", "quality", "cost", "safety"}
    assert desk.slo.name == desk.service.watched == "safety"
    assert any(rule.name == "3x 1h/15m" and rule.action == "page" for rule in desk.policy)
    told = Desk(SCENARIO, 1)
    assert set(told.slos) == {"availability"}
    assert "3x 1h/15m" not in [rule.name for rule in told.policy]


# --- one incident or two -------------------------------------------------------------------------


def test_an_incident_can_be_declared_before_the_alert_and_the_alert_then_pages_for_it() -> None:
    def responder(desk: Desk) -> None:
        desk.advance(2 * HOUR + 20 * MINUTE)
        desk.declare(by="ana")
        desk.acknowledge("ana")

    incident = incident_of(responder)
    assert incident.metrics().ttd == 8 * MINUTE
    assert incident.symptom == "unknown"
    assert pages(incident)[0][0] == "ana"


@pytest.mark.parametrize("state", ["mitigated", "resolved"])
def test_another_incident_can_be_declared_once_the_one_at_hand_is_mitigated(state: str) -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        refusal = "open already; it is acknowledged: work on that one first"
        with pytest.raises(ValueError, match=refusal):
            desk.declare(by="bo")
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.mitigated(by="ana")
        if state == "resolved":
            desk.resolve(by="ana")
        desk.declare(by="bo")
        assert [incident.state for incident in desk.incidents] == [state, "detected"]
        desk.acknowledge("bo")
        desk.false_alarm(by="bo")
        assert desk.current.id == "INC-001"  # it waited until the second was closed

    first, second = run_shift(SCENARIO, 1, responder).incidents
    assert (first.state, second.state) == (state, "closed")


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


def test_an_incident_resolved_too_early_is_reopened_and_paged_again() -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        # It looked fine; the 6x rule says otherwise half an hour later.
        desk.resolve(by="ana", auto_recovered=True)

    incident = incident_of(responder)
    [reopened] = incident.events_of("reopen")
    assert reopened.by == "alerts"
    assert incident.state == "triaged"
    woken = [page for page in incident.events_of("page") if page.at >= reopened.at]
    assert [page.get("who") for page in woken[:2]] == ["ana", "bo"]


# --- two causes, and what was called off ---------------------------------------------------------


def works_on(*causes: str, mitigation: str) -> Desk:
    """A desk at the end of a shift whose first cause was mended, and nothing else done."""
    desk = Desk(replace(SCENARIOS["surprise"], causes=causes), 1)
    first = desk.service.world.hits[0]
    start_work(desk)
    desk.apply(mitigation, value=first.value)
    desk.advance(8 * MINUTE)
    desk.mitigated(by="ana")
    desk.advance(desk.ends - desk.now)
    return desk


def test_a_page_of_another_slo_after_the_mitigation_is_an_incident_of_its_own() -> None:
    desk = works_on("edge_config", "cold_cache", mitigation="drain_region")
    assert [one.slo.name for one in desk.incidents] == ["availability", "first_token"]
    assert [one.state for one in desk.incidents] == ["mitigated", "detected"]
    assert desk.current.id == "INC-002"
    assert pages(desk.current)[0] == ("ana", 0)


def test_a_page_of_its_own_slo_after_the_mitigation_is_a_relapse() -> None:
    desk = works_on("edge_config", "guardrail_strict", mitigation="drain_region")
    [incident] = desk.incidents
    over = incident.events_of("mitigated")[0].at
    assert any(page.at > over for page in incident.events_of("page"))


def test_before_the_mitigation_whatever_fires_belongs_to_the_incident_at_hand() -> None:
    desk = Desk(replace(SCENARIOS["surprise"], causes=("edge_config", "cold_cache")), 1)
    forgetful(desk)
    desk.advance(desk.ends - desk.now)
    assert {alarm.sli for alarm in desk.alarms} == {"availability", "first_token"}
    assert len(desk.incidents) == 1


def test_the_incident_at_hand_can_be_chosen_and_its_sli_is_watched_then() -> None:
    desk = works_on("edge_config", "cold_cache", mitigation="drain_region")
    desk.use("INC-001")
    assert (desk.current.id, desk.service.watched) == ("INC-001", "availability")
    desk.use("INC-002")
    assert (desk.current.id, desk.service.watched) == ("INC-002", "first_token")
    with pytest.raises(ValueError, match="INC-003 is not open; open are INC-001, INC-002"):
        desk.use("INC-003")


def test_a_false_alarm_mutes_its_sli_until_its_alarms_have_cleared() -> None:
    twice = tuple(
        Fault("model_provider_outage", start, 0.6, duration=40 * MINUTE)
        for start in (HOUR, 7 * HOUR)
    )
    desk = Desk(replace(SCENARIO, length=12 * HOUR, faults=twice), 1)
    desk.advance_until(is_open)
    desk.acknowledge("ana")
    desk.false_alarm(by="ana")
    desk.advance(HOUR)
    assert desk.firing  # the slower rules fire on, and nobody is paged
    assert len(desk.incidents) == 1
    assert desk.advance_until(lambda desk: not any(one.pages for one in desk.alarms))
    assert len(desk.incidents) == 1
