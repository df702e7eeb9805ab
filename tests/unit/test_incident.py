"""The incident record: every verb in every state, and what it holds."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any, cast

import pytest
from incident_verbs import ARGUMENTS, FACTS, NEW, PAGE, PATH_TO, REMARKS, START, after, do, triaged

from oncall.incident import IllegalTransition, Incident
from oncall.journal import STATES, Event
from oncall.severity import SEVERITIES

# What is promised, typed out anew: for each state its verbs and the states that they lead to.
# Remarks and facts are legal in every state but the last.
LEGAL: dict[str, dict[str, str]] = {
    "new": {"detect": "detected"},
    "detected": {"acknowledge": "acknowledged", "false_alarm": "closed"},
    "acknowledged": {"acknowledge": "acknowledged", "triage": "triaged", "false_alarm": "closed"},
    "triaged": {
        "acknowledge": "triaged",
        "triage": "triaged",
        "mitigate": "mitigating",
        "false_alarm": "closed",
    },
    "mitigating": {
        "acknowledge": "mitigating",
        "triage": "mitigating",
        "mitigate": "mitigating",
        "mitigated": "mitigated",
    },
    "mitigated": {
        "acknowledge": "mitigated",
        "triage": "mitigated",
        "mitigate": "mitigating",
        "resolve": "resolved",
    },
    "resolved": {"close": "closed", "reopen": "triaged"},
    "closed": {},
}

# --- states and verbs ----------------------------------------------------------------------------


def test_the_table_covers_every_state() -> None:
    assert tuple(LEGAL) == STATES == tuple(PATH_TO)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_reached(state: str) -> None:
    assert after(PATH_TO[state]).state == state


@pytest.mark.parametrize("verb", ARGUMENTS)
@pytest.mark.parametrize("state", STATES)
def test_a_verb_leads_on_or_is_refused_by_name(state: str, verb: str) -> None:
    before = after(PATH_TO[state])
    expected = dict(LEGAL[state])
    if state != "closed":
        expected |= dict.fromkeys([*REMARKS, *FACTS], state)
    if verb in expected:
        changed = do(before, verb)
        assert changed.state == expected[verb]
        assert changed.events[:-1] == before.events
        assert changed.events[-1].verb == verb
        assert changed.events[-1].by == "ana"
        return
    with pytest.raises(IllegalTransition) as refused:
        do(before, verb)
    reason, allowed = str(refused.value).split("allowed: ")
    assert f"INC-001 is {state}" in reason
    assert verb in reason
    listed = set(allowed.split(", ")) - {"nothing", "resolve with auto_recovered=True"}
    assert listed == set(expected) - set(FACTS)  # facts are not listed: they would hide the others


def test_a_closed_record_says_that_nothing_is_allowed() -> None:
    refusal = "INC-001 is closed: note is not allowed; allowed: nothing"
    with pytest.raises(IllegalTransition, match=refusal):
        do(after(PATH_TO["closed"]), "note")


@pytest.mark.parametrize("state", STATES)
def test_what_recovered_by_itself_is_resolved_from_any_open_state(state: str) -> None:
    before = after(PATH_TO[state])
    if state in ("new", "resolved", "closed"):
        with pytest.raises(IllegalTransition, match=f"is {state}: resolve is not allowed"):
            do(before, "resolve", auto_recovered=True)
    else:
        assert do(before, "resolve", auto_recovered=True).state == "resolved"


@pytest.mark.parametrize("state", ["detected", "acknowledged", "triaged", "mitigating"])
def test_a_resolve_before_mitigated_is_refused_and_told_the_other_way(state: str) -> None:
    with pytest.raises(IllegalTransition, match=r"allowed: .*resolve with auto_recovered=True"):
        do(after(PATH_TO[state]), "resolve")


def test_a_relapse_leads_back_to_mitigating_and_a_reopening_to_triaged() -> None:
    assert after("mitigate", after(PATH_TO["mitigated"])).state == "mitigating"
    reopened = after("reopen", after(PATH_TO["resolved"]))
    assert reopened.state == "triaged"
    assert after("mitigate mitigated resolve close", reopened).state == "closed"


def test_a_false_alarm_is_closed_without_a_postmortem_even_at_sev1() -> None:
    assert after("detect acknowledge triage false_alarm").state == "closed"


def test_once_mitigating_it_was_no_false_alarm_not_even_after_a_reopening() -> None:
    reopened = after("detect acknowledge triage mitigate mitigated resolve reopen")
    refusal = "INC-001 is triaged: false_alarm is not allowed; allowed: "
    with pytest.raises(IllegalTransition, match=refusal) as refused:
        do(reopened, "false_alarm")
    assert "mitigate" in str(refused.value).split("allowed: ")[1].split(", ")
    with pytest.raises(IllegalTransition) as other:
        do(reopened, "resolve")
    assert "false_alarm" not in str(other.value)


def test_a_reopened_incident_that_nobody_mitigated_may_turn_out_a_false_alarm() -> None:
    recovered = do(after("detect acknowledge triage"), "resolve", auto_recovered=True)
    assert after("reopen false_alarm", recovered).state == "closed"


# --- severity and roles --------------------------------------------------------------------------


def test_severity_is_the_alerts_until_triage_decides_and_then_the_last_triage() -> None:
    assert NEW.severity is None
    assert do(NEW, "detect", None).severity is None
    detected = after("detect")
    assert detected.severity == "sev1"
    lowered = do(after("acknowledge", detected), "triage", "sev3", "ana")
    assert lowered.severity == "sev3"
    raised = do(lowered, "triage", "sev2", "bo")
    assert (raised.severity, raised.state, len(raised.events)) == ("sev2", "triaged", 4)
    assert do(after("mitigate mitigated", raised), "triage", "sev1", "bo").severity == "sev1"


def test_severity_survives_a_reopening() -> None:
    assert after("detect acknowledge triage mitigate mitigated resolve reopen").severity == "sev2"


@pytest.mark.parametrize("severity", ["sev0", "sev6", "SEV1", "", None, 1, ["sev1"]])
def test_a_bad_severity_is_refused_with_the_good_ones(severity: Any) -> None:
    refusal = "severity must be one of sev1, sev2, sev3, sev4, sev5, given"
    with pytest.raises(ValueError, match=refusal):
        triaged(severity)


def test_triage_names_the_roles() -> None:
    roles: dict[str, Any] = {"ops": "bo", "comms": "chen", "scribe": "dee"}
    event = do(after("detect acknowledge"), "triage", "sev1", "ana", **roles).events[-1]
    assert dict(event.details) == {"severity": "sev1", "ic": "ana"} | roles
    assert event.get("scribe") == "dee"
    assert event.get("cook", "nobody") == "nobody"


# --- the postmortem ------------------------------------------------------------------------------

RESOLVED = "mitigate mitigated resolve"


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("postmortem", [None, "", "  \n"])
def test_only_minor_incidents_close_without_a_postmortem(
    severity: str, postmortem: str | None
) -> None:
    resolved = after(RESOLVED, triaged(severity))
    if severity in ("sev1", "sev2"):
        refusal = f"INC-001 is resolved: close at {severity} needs a postmortem; al"
        with pytest.raises(IllegalTransition, match=refusal):
            do(resolved, "close", postmortem)
        assert do(resolved, "close", "# INC-001").events[-1].get("postmortem") == "# INC-001"
    else:
        closed = do(resolved, "close", postmortem)
        assert (closed.state, closed.events[-1].details) == ("closed", ())


def test_the_last_severity_decides_whether_a_postmortem_is_needed() -> None:
    lowered = do(triaged("sev1"), "triage", "sev3", "ana")
    assert do(after(RESOLVED, lowered), "close", None).state == "closed"


def test_an_incident_of_unknown_severity_is_taken_for_a_major_one() -> None:
    recovered = do(do(NEW, "detect", None), "resolve", auto_recovered=True)
    with pytest.raises(IllegalTransition, match="close at unknown severity needs a postmortem"):
        do(recovered, "close", None)


def test_a_postmortem_that_is_no_text_is_refused_rather_than_dropped() -> None:
    minor = after(RESOLVED, triaged("sev4"))
    with pytest.raises(ValueError, match="postmortem must be a text, given"):
        do(minor, "close", Path("postmortem.md"))


# --- what an event holds, and that nothing changes -----------------------------------------------


def test_an_alert_is_kept_field_by_field() -> None:
    event = after("detect").events[0]
    assert event == Event(START, "ana", "detect", tuple(vars(PAGE).items()))
    assert do(NEW, "detect", None).events[0].details == ()


def test_an_empty_answer_is_a_sample_and_no_traffic_a_measure() -> None:
    incident = do(do(NEW, "sample", "q", "", "a"), "measure", 0, 0)
    assert [dict(event.details) for event in incident.events] == [
        {"input": "q", "bad_output": "", "good_output": "a"},
        {"good": 0, "total": 0},
    ]


def test_a_verb_leaves_the_old_record_as_it_was() -> None:
    def snapshot(incident: Incident) -> tuple[object, ...]:
        return incident.events, incident.state, repr(incident), hash(incident)

    script = "detect note acknowledge triage mitigate measure mitigated resolve close"
    records, snapshots = [NEW], [snapshot(NEW)]
    for verb in script.split():
        records.append(do(records[-1], verb))
        snapshots.append(snapshot(records[-1]))
    assert [snapshot(record) for record in records] == snapshots
    assert [len(record.events) for record in records] == list(range(10))


def test_a_refused_verb_leaves_the_record_as_it_was() -> None:
    before = after("detect@5")
    for verb, minute in (("resolve", 6), ("acknowledge", 4)):
        with pytest.raises(IllegalTransition):
            do(before, verb, minute=minute)
    assert before == after("detect@5")


def test_records_and_events_are_frozen() -> None:
    detected = after("detect")
    with pytest.raises(FrozenInstanceError):
        detected.title = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        detected.events[0].by = "x"  # type: ignore[misc]


def test_a_list_of_events_is_copied() -> None:
    events = list(after("detect").events)
    incident = replace(NEW, events=cast(Any, events))
    events.clear()
    assert incident.state == "detected"
