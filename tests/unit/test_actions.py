"""Actions typed at a desk: what they say and do, when they are allowed, and what is refused."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace

import pytest
from played_shifts import SCENARIO
from typed_actions import CURE, paged, type_at

from oncall.catalogue import RUNBOOKS
from oncall.gameday.actions import ACTIONS, allowed_actions, check_action, do, try_to_do
from oncall.gameday.desk import Desk
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE


def test_every_action_says_how_it_is_typed_and_what_it_is_for() -> None:
    for name, action in ACTIONS.items():
        assert action.usage.split()[0] == name
        assert action.what
    with pytest.raises(ValueError, match="unknown action"):
        check_action("")


# --- looking -------------------------------------------------------------------------------------


def test_looking_takes_minutes_and_leaves_a_line_in_the_journal_and_no_other_trace() -> None:
    desk, calm = paged(), paged()
    for look in ("look errors by upstream", "check 2 gpu_capacity", "runbook gpu_capacity"):
        assert do(desk, *look.split())
    assert desk.now - calm.now == 5 * MINUTE
    assert [one.get("reading") for one in desk.current.events_of("look")] == [
        "errors by upstream", "latency by upstream",
    ]  # fmt: skip
    calm.advance(5 * MINUTE)
    assert desk.service.minutes == calm.service.minutes


def test_the_dashboard_and_the_list_of_runbooks_are_free() -> None:
    desk = paged()
    before, now = desk.incident, desk.now
    for look in ("look", "look metrics", "metrics", "runbook", "journal"):
        assert do(desk, *look.split())
    assert (desk.incident, desk.now) == (before, now)
    assert do(desk, "runbook").count("\n") == len(RUNBOOKS) - 1


def test_what_is_looked_at_before_any_page_is_shown_and_nowhere_written_down() -> None:
    desk = Desk(SCENARIO, 1)
    assert "upstream" not in do(desk, "look", "errors")
    assert do(desk, "look", "errors", "by", "upstream")
    assert desk.now == SCENARIO.start + 4 * MINUTE
    assert not desk.incidents


def test_red_herrings_show_up_where_people_look() -> None:
    assert "18:00 deploy of the billing service" in do(paged(), "look", "logs")
    flapping = paged(20, "flapping_provider")
    assert "the provider's status page turns green" in do(flapping, "look", "status")
    assert "deploy of the billing" not in do(Desk(SCENARIO, 1), "look", "logs")


def test_a_check_takes_the_reading_that_its_runbook_names_whatever_is_wrong() -> None:
    desk, other = paged(), paged()
    assert do(desk, "check", "1", "model_provider_outage") == do(
        other, "look", *RUNBOOKS["model_provider_outage"].checks[0].reading.split()
    )
    shown = do(paged(), "check", "1", "gpu_capacity")
    assert "as on any day" not in shown
    assert re.search(r"\d", shown)


def test_a_check_is_of_the_runbook_of_what_is_suspected_unless_it_is_named() -> None:
    desk = paged()
    with pytest.raises(ValueError, match="name the runbook: check 1 SYMPTOM"):
        do(desk, "check", "1")
    do(desk, "suspect", "gpu_reclaimed")
    do(desk, "check", "1")
    reading = RUNBOOKS["gpu_capacity"].checks[0].reading
    assert desk.current.events_of("look")[-1].get("reading") == reading


def test_the_logs_show_who_fails_and_a_silence_shows_none() -> None:
    assert do(paged(name="false_alarm"), "look", "logs").count("tenant=synthetic") >= 3
    silent = paged(name="silent_edge")
    assert do(silent, "look", "logs").startswith("no line was written")
    assert "no events" in do(silent, "look")


def test_the_provider_s_page_admits_to_an_outage_late() -> None:
    desk = Desk(SCENARIO, 1)
    desk.advance(SCENARIO.faults[0].start + 5 * MINUTE)
    assert "all systems operational" in do(desk, "look", "status")
    desk.advance(20 * MINUTE)
    assert "degraded" in do(desk, "look", "status")


def test_a_hint_names_a_reading_that_tells_and_not_what_it_tells() -> None:
    desk = paged()
    do(desk, "ack")
    assert do(desk, "hint") == "look errors by upstream"
    do(desk, "look", "errors", "by", "upstream")
    assert do(desk, "hint") == "look status"
    taken = [one.get("reading") for one in desk.current.events_of("look")]
    assert taken == ["hint", "errors by upstream", "hint"]


# --- what is refused, and what is allowed --------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("pray", "unknown action 'pray'"),
        ("triage", "give: triage SEV"),
        ("triage sev9", "severity is one of sev1, .*given 'sev9'"),
        ("triage sev1 ana by=bo", "roles are given as"),
        ("triage sev1 ana boss=bo", "roles are given as"),
        ("apply failover", "did you mean 'fail_over'"),
        ("rollback fail_over", "is not applied"),
        ("apply fail_over moon", "needs its upstream: north, south, pool, given 'moon'"),
        ("apply drain_region", "needs its region: eu, us, asia$"),
        ("apply serve_cached eu", "is aimed at nothing, given 'eu'"),
        ("apply undo_change C999", "needs its change: none yet; look changes, given 'C999'"),
        ("ask failover", "did you mean 'fail_over'"),
        ("suspect rats", "suspect one of provider_fails, "),
        ("predict 120", "a percentage is a number from 0 to 100, given '120'"),
        ("page zoe", "page one of ana, bo"),
        ("secure x", "secure one of"),
        ("use INC-009", "INC-009 is not open; open are INC-001"),
        ("check 9 gpu_capacity", "has checks 1 to 4, given '9'"),
        ("check 1", "name the runbook"),
        ("look tea", "look at errors, "),
        ("look errors by moon", "errors by outcome, region"),
        ("wait -5", "minutes are a whole number"),
        ("wait 1.5", "minutes are a whole number"),
        ("learn nothing x", "learn one of"),
        ("learn factor", "give: learn"),
        ("learn automate tea", "unknown mitigation"),
        ("update", r"give: update \[STATUS \[PERCENT\]\] TEXT"),
        ("declare", "is open already"),
        ("close", "not allowed"),
        ("runbook sunspots", "unknown symptom"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(typed: str, why: str) -> None:
    desk = paged(1)
    do(desk, "ack")
    before, now = desk.incidents, desk.now
    with pytest.raises(ValueError, match=why):
        do(desk, *typed.split())
    assert try_to_do(desk, *typed.split()).startswith("not done: ")
    assert (desk.incidents, desk.now) == (before, now)


@pytest.mark.parametrize(
    ("done", "typed", "refusal"),
    [
        ("", "triage sev1", "INC-001 is detected: triage is not allowed; first ack, then triage"),
        ("ack", "fail_over", "INC-001 is acknowledged: mitigate is not allowed; first triage"),
        ("ack|triage sev1", "close", "close is not allowed; first apply a mitigation; what"),
        ("ack|triage sev1|apply fail_over", "close", "close is not allowed; first say mitigated"),
        ("ack|triage sev1|apply fail_over|mitigated", "close", "not allowed; first resolve"),
    ],
)
def test_a_refusal_says_what_comes_first(done: str, typed: str, refusal: str) -> None:
    desk = paged()
    type_at(desk, *filter(None, done.split("|")))
    answer = try_to_do(desk, *typed.split())
    assert refusal in answer
    assert "; allowed" not in answer


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("logs", "look logs"),
        ("changes", "look changes"),
        ("fail_over south", "apply fail_over south"),
        ("undo fail_over", "rollback fail_over"),
        ("acknowledge", "ack"),
    ],
)
def test_words_that_people_type_for_others_are_understood(typed: str, meant: str) -> None:
    desk, other = paged(), paged()
    for one, line in ((desk, typed), (other, meant)):
        type_at(one, *([] if meant == "ack" else ["ack", "triage sev1"]))
        if "rollback" in meant:
            do(one, "apply", "fail_over")
        type_at(one, line)
    assert (desk.incidents, desk.now) == (other.incidents, other.now)


def test_exactly_what_is_listed_as_possible_is_not_refused_by_the_record() -> None:
    words = {
        "apply": "fail_over",
        "rollback": "fail_over",
        "triage": "sev1",
        "check": "1",
        "wait": "1",
        "update": "x",
        "note": "x",
        "learn": "factor x",
        "handover": "bo",
        "page": "bo",
        "suspect": "nothing",
        "ask": "add_replicas",
        "secure": "call",
        "predict": "90",
        "use": "INC-001",
    }
    not_the_record_s = ("look", "runbook", "check", "wait", "next", "end")

    def try_each_action(desk: Desk, done: str) -> None:
        for name in ACTIONS:
            if name in ("apply", "rollback") and desk.applied:
                continue
            world = desk.service.world  # what never changes need not be copied
            trial = deepcopy(desk, {id(one): one for one in (world, *desk.service.minutes)})
            allowed = name in allowed_actions(trial)
            answer = try_to_do(trial, name, *words.get(name, "").split())
            if name not in not_the_record_s:
                assert answer.startswith("not done") != allowed, (name, done, answer)

    desk = Desk(SCENARIO, 1)
    try_each_action(desk, "nothing")
    for line in ("wait 150", "ack", "triage sev1", *CURE, "mitigated", "resolve"):
        type_at(desk, line)
        try_each_action(desk, line)


# --- people and severity -------------------------------------------------------------------------


def test_handing_over_makes_somebody_else_commander_and_they_act_from_then_on() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1 ana", "handover bo", "update We are on it.")
    incident = desk.incidents[-1]
    assert incident.events[-1].by == "bo"
    assert [triage.get("ic") for triage in incident.events_of("triage")] == ["ana", "bo"]


def test_escalating_pages_the_next_person() -> None:
    desk = paged()
    do(desk, "ack")
    assert do(desk, "escalate") == "paged bo"


# --- mitigated and resolved ----------------------------------------------------------------------


def test_what_still_hurts_users_has_not_gone_away_by_itself_and_is_not_resolved() -> None:
    desk = paged()
    below = r"INC-001 is not over: the SLI is 49\.\d\d%, below 99%; mitigate it"
    for line in ("ack", "triage sev1"):
        type_at(desk, line)
        with pytest.raises(ValueError, match=below):
            do(desk, "resolve")
        assert "resolve" not in allowed_actions(desk)
    type_at(desk, "apply serve_degraded", "wait 5")
    with pytest.raises(ValueError, match="INC-001 is not over: quality is harmed; "):
        do(desk, "resolve")
    silent = paged(name="silent_edge")
    with pytest.raises(ValueError, match="no request arrives"):
        do(silent, "resolve")


def test_what_has_gone_away_by_itself_is_resolved_without_more_words() -> None:
    blip = replace(SCENARIO.faults[0], duration=40 * MINUTE)
    desk = Desk(replace(SCENARIO, faults=(blip,)), 1)
    desk.advance(3 * HOUR)
    assert desk.current.state == "detected"
    assert "resolve" in allowed_actions(desk)
    assert do(desk, "resolve") == "resolved"
    assert desk.incidents[-1].events[-1].get("auto_recovered")


def test_mitigated_can_be_said_too_early_and_the_answer_says_so_and_resolved_cannot() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", "apply fail_over", "wait 3")
    assert do(desk, "mitigated") == "mitigated, though the SLI is 84.77%, below 99%"
    with pytest.raises(ValueError, match=r"not over: the SLI is 84\.77%"):
        do(desk, "resolve")
    assert "resolve" not in allowed_actions(desk)
    desk = paged()
    type_at(desk, "ack", "triage sev1", "apply serve_degraded", "wait 3")
    assert do(desk, "mitigated") == "mitigated, though quality is harmed"


def test_an_sli_that_misses_its_target_by_a_hair_does_not_read_as_if_it_was_met() -> None:
    slo = SLO("availability", 0.999)
    busy = replace(SCENARIO, slo=slo, requests=1e6, errors=0.00104, warm_up=HOUR, faults=())
    desk = Desk(busy, 1)
    desk.declare(by="ana")
    assert 0.99895 < desk.sli < 0.999  # in two digits it would read 99.90%
    with pytest.raises(ValueError, match=r"the SLI is 99\.89%, below 99\.9%"):
        do(desk, "resolve")


def test_what_was_resolved_too_early_is_opened_again() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", *CURE, "mitigated", "resolve")
    assert "reopen" in allowed_actions(desk)
    assert do(desk, "reopen") == "INC-001 is open again"
    assert desk.current.state == "triaged"


def test_a_false_alarm_is_advised_only_while_it_can_be_said() -> None:
    desk = paged()
    do(desk, "ack")
    assert "say false_alarm" in try_to_do(desk, "resolve")
    type_at(desk, "triage sev1", "apply fail_over")
    assert "false_alarm" not in try_to_do(desk, "resolve")


def test_what_is_caught_can_be_the_fault_s_own() -> None:
    catches = (("fail_over", 1.0), ("serve_cached", 0.5))
    fault = replace(SCENARIO.faults[0], catches=catches)
    desk = Desk(replace(SCENARIO, faults=(fault,)), 1)
    type_at(desk, "wait 150", "ack", "triage sev1", "apply serve_cached", "wait 3")
    assert f"{desk.sli:.0%}" == "75%"
    type_at(desk, "apply fail_over", "wait 3")
    assert f"{desk.sli:.1%}" == "99.7%"


# --- closing -------------------------------------------------------------------------------------


def test_a_note_that_looks_as_if_it_was_learnt_does_not_stand_in_the_way_of_closing() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", "note learnt, automate: tea", "note learnt, x")
    type_at(desk, *CURE, "mitigated", "resolve")
    assert do(desk, "close") == "INC-001 is closed"


def test_a_text_of_one_s_own_says_what_it_leaves_out() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", "learn factor One provider.")
    type_at(desk, *CURE, "mitigated", "resolve")
    assert do(desk, "close", "It broke.") == "INC-001 is closed, without what was learnt"


def test_closing_names_the_incident_that_was_closed() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", *CURE, "mitigated", "resolve", "declare", "ack")
    assert do(desk, "false_alarm") == "closed as a false alarm"
    assert do(desk, "close") == "INC-001 is closed"
