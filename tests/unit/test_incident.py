"""The incident record: every verb in every state, what is refused and how, and the times read from the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from oncall.alerting import SEVERITIES, Alert
from oncall.incident import IllegalTransition, Incident, Metrics, metrics
from oncall.journal import STATES, Event
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
SLO_999 = SLO("availability", 0.999)
NEW = Incident("INC-001", "model provider outage", SLO_999, "model_provider_outage", START)
PAGE = Alert("page", "sev1", 50.0, "14.4x 1h/5m")

# Each verb with arguments that are fine in themselves, so that only the state can forbid it.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "detect": (PAGE,),
    "acknowledge": (),
    "triage": ("sev2", "ana"),
    "mitigate": ("fail_over",),
    "mitigated": (),
    "resolve": (),
    "close": ("what we learnt",),
    "reopen": (),
    "false_alarm": (),
    "note": ("looks like the provider",),
    "update": ("we are working on it",),
    "measure": (50, 100),
    "sample": ("capital of France?", "Lyon", "Paris"),
}
REMARKS = {"note", "update", "measure", "sample"}
FACTS = {
    "page": ("ana", 0, 1),
    "escalate": (),
    "rollback": ("fail_over",),
    "learn": ("factor", "one provider"),
    "suspect": ("provider_fails",),
    "ask": ("purge_cache",),
    "approval": ("purge_cache", False),
    "predict": (85,),
    "secure": ("preserve",),
}
ARGUMENTS |= FACTS
PATH_TO = {
    "new": "",
    "detected": "detect",
    "acknowledged": "detect acknowledge",
    "triaged": "detect acknowledge triage",
    "mitigating": "detect acknowledge triage mitigate",
    "mitigated": "detect acknowledge triage mitigate mitigated",
    "resolved": "detect acknowledge triage mitigate mitigated resolve",
    "closed": "detect acknowledge triage mitigate mitigated resolve close",
}
# What the contract allows, typed out anew: state → {verb: next state}. Remarks are legal in every state but the last.
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


def do(
    incident: Incident, verb: str, *arguments: Any, minute: float | None = None, **named: Any
) -> Incident:
    """The verb, with the usual arguments unless others are given, a minute after the last event unless told when."""
    at = incident.events[-1].at + MINUTE if incident.events else START
    if minute is not None:
        at = START + minute * MINUTE
    after: Incident = getattr(incident, verb)(
        *(arguments or ARGUMENTS[verb]), at=at, by="ana", **named
    )
    return after


def told(script: str, incident: Incident = NEW) -> Incident:
    """An incident from a script such as ``detect@1 acknowledge@4 triage``, times in minutes after impact start."""
    for word in script.split():
        verb, _, minute = word.partition("@")
        incident = do(incident, verb, minute=float(minute) if minute else None)
    return incident


def minutes(count: float | None) -> timedelta | None:
    return None if count is None else count * MINUTE


# --- states and verbs ----------------------------------------------------------------------------


def test_the_table_covers_every_state() -> None:
    assert tuple(LEGAL) == STATES == tuple(PATH_TO)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_reached(state: str) -> None:
    assert told(PATH_TO[state]).state == state


@pytest.mark.parametrize("verb", ARGUMENTS)
@pytest.mark.parametrize("state", STATES)
def test_a_verb_leads_on_or_is_refused_by_name(state: str, verb: str) -> None:
    before = told(PATH_TO[state])
    expected = LEGAL[state] | (
        {} if state == "closed" else dict.fromkeys(REMARKS | set(FACTS), state)
    )
    if verb in expected:
        after = do(before, verb)
        assert after.state == expected[verb]
        assert after.events[:-1] == before.events
        assert after.events[-1].verb == verb
        assert after.events[-1].by == "ana"
        return
    with pytest.raises(IllegalTransition) as refused:
        do(before, verb)
    said, allowed = str(refused.value).split("allowed: ")
    assert f"INC-001 is {state}" in said
    assert verb in said
    assert set(allowed.split(", ")) - {"nothing", "resolve with auto_recovered=True"} == set(
        expected
    ) - set(FACTS)  # which would hide the others


def test_a_closed_record_says_that_nothing_is_allowed() -> None:
    with pytest.raises(
        IllegalTransition, match="INC-001 is closed: note is not allowed; allowed: nothing"
    ):
        do(told(PATH_TO["closed"]), "note")


@pytest.mark.parametrize("state", STATES)
def test_what_recovered_by_itself_is_resolved_from_any_open_state(state: str) -> None:
    before = told(PATH_TO[state])
    if state in ("new", "resolved", "closed"):
        with pytest.raises(IllegalTransition, match=f"is {state}: resolve is not allowed"):
            do(before, "resolve", auto_recovered=True)
    else:
        assert do(before, "resolve", auto_recovered=True).state == "resolved"


@pytest.mark.parametrize("state", ["detected", "acknowledged", "triaged", "mitigating"])
def test_a_resolve_before_mitigated_is_refused_and_told_the_other_way(state: str) -> None:
    with pytest.raises(IllegalTransition, match=r"allowed: .*resolve with auto_recovered=True"):
        do(told(PATH_TO[state]), "resolve")


def test_a_relapse_leads_back_to_mitigating_and_a_reopening_to_triaged() -> None:
    assert told("mitigate", told(PATH_TO["mitigated"])).state == "mitigating"
    reopened = told("reopen", told(PATH_TO["resolved"]))
    assert reopened.state == "triaged"
    assert told("mitigate mitigated resolve close", reopened).state == "closed"


def test_a_false_alarm_is_closed_without_a_postmortem_even_at_sev1() -> None:
    assert told("detect acknowledge triage false_alarm").state == "closed"


def test_once_mitigating_it_was_no_false_alarm_not_even_after_a_reopening() -> None:
    reopened = told("detect acknowledge triage mitigate mitigated resolve reopen")
    with pytest.raises(
        IllegalTransition, match="INC-001 is triaged: false_alarm is not allowed; allowed: "
    ) as refused:
        do(reopened, "false_alarm")
    assert "mitigate" in str(refused.value).split("allowed: ")[1].split(", ")
    with pytest.raises(IllegalTransition) as other:
        do(reopened, "resolve")
    assert "false_alarm" not in str(other.value)


def test_a_reopened_incident_that_nobody_mitigated_may_turn_out_a_false_alarm() -> None:
    recovered = do(told("detect acknowledge triage"), "resolve", auto_recovered=True)
    assert told("reopen false_alarm", recovered).state == "closed"


# --- time ----------------------------------------------------------------------------------------


def test_time_never_goes_backwards() -> None:
    with pytest.raises(IllegalTransition) as refused:
        do(told("detect@5"), "acknowledge", minute=4)
    for part in (
        "INC-001",
        "detected",
        "acknowledge",
        "23:52:00Z",
        "23:53:00Z",
        "allowed: that moment or later",
    ):
        assert part in str(refused.value)


def test_not_even_a_note_may_be_a_microsecond_early() -> None:
    detected = told("detect@5")
    with pytest.raises(IllegalTransition, match=r"23:52:59\.999999Z"):
        detected.note("x", at=START + 5 * MINUTE - timedelta(microseconds=1), by="ana")


def test_two_events_at_one_moment_are_fine() -> None:
    assert told("detect@5 acknowledge@5 triage@5").state == "triaged"


def test_detection_may_precede_the_impact() -> None:
    assert told("detect@-3").metrics().ttd == -3 * MINUTE


def test_moments_are_kept_in_utc_and_compared_as_moments() -> None:
    chicago = timezone(timedelta(hours=-6))
    local = NEW.detect(PAGE, at=START.astimezone(chicago), by="ana")
    assert local == NEW.detect(PAGE, at=START, by="ana")
    assert local.events[0].at.tzinfo is UTC
    with pytest.raises(IllegalTransition):  # later on the wall, earlier in truth
        local.acknowledge(at=(START - MINUTE).astimezone(timezone(timedelta(hours=5))), by="ana")


def test_a_naive_moment_is_refused_as_bad_input() -> None:
    with pytest.raises(ValueError, match="at 2024-12-04T23:48:00 has no time zone") as refused:
        NEW.detect(PAGE, at=START.replace(tzinfo=None), by="ana")
    assert not isinstance(refused.value, IllegalTransition)
    with pytest.raises(ValueError, match=r"impact_start .* has no time zone"):
        Incident("INC-001", "t", SLO_999, "s", START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="at must be a datetime, given '23:48'"):
        NEW.detect(PAGE, at="23:48", by="ana")  # type: ignore[arg-type]


# --- severity, roles, postmortem -----------------------------------------------------------------


def test_severity_is_the_alerts_until_triage_decides_and_then_the_last_triage() -> None:
    assert NEW.severity is None
    assert do(NEW, "detect", None).severity is None
    detected = told("detect")
    assert detected.severity == "sev1"
    triaged = do(told("acknowledge", detected), "triage", "sev3", "ana")
    assert triaged.severity == "sev3"
    raised = do(triaged, "triage", "sev2", "bo")
    assert (raised.severity, raised.state, len(raised.events)) == ("sev2", "triaged", 4)
    assert do(told("mitigate mitigated", raised), "triage", "sev1", "bo").severity == "sev1"


def test_severity_survives_a_reopening() -> None:
    assert told("detect acknowledge triage mitigate mitigated resolve reopen").severity == "sev2"


@pytest.mark.parametrize("severity", ["sev0", "sev6", "SEV1", "", None, 1, ["sev1"]])
def test_a_bad_severity_is_refused_with_the_good_ones(severity: Any) -> None:
    with pytest.raises(
        ValueError, match="severity must be one of sev1, sev2, sev3, sev4, sev5, given"
    ):
        do(told("detect acknowledge"), "triage", severity, "ana")


def test_triage_names_the_roles() -> None:
    event = do(
        told("detect acknowledge"), "triage", "sev1", "ana", ops="bo", comms="chen", scribe="dee"
    ).events[-1]
    assert dict(event.details) == {
        "severity": "sev1",
        "ic": "ana",
        "ops": "bo",
        "comms": "chen",
        "scribe": "dee",
    }
    assert event.get("scribe") == "dee"
    assert event.get("cook", "nobody") == "nobody"


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown role cook; the roles are ic, ops, comms, scribe"):
        do(told("detect acknowledge"), "triage", "sev1", "ana", cook="bo")


@pytest.mark.parametrize(
    "roles", [{"ic": ""}, {"ic": None}, {"ic": "ana", "ops": " "}, {"ic": "ana", "comms": 3}]
)
def test_a_role_is_held_by_somebody(roles: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a text that says something"):
        told("detect acknowledge").triage("sev1", at=START + 9 * MINUTE, by="ana", **roles)


RESOLVED = "mitigate mitigated resolve"


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("postmortem", [None, "", "  \n"])
def test_only_minor_incidents_close_without_a_postmortem(
    severity: str, postmortem: str | None
) -> None:
    resolved = told(RESOLVED, do(told("detect acknowledge"), "triage", severity, "ana"))
    if severity in ("sev1", "sev2"):
        with pytest.raises(
            IllegalTransition,
            match=f"INC-001 is resolved: close at {severity} needs a postmortem; al",
        ):
            do(resolved, "close", postmortem)
        assert do(resolved, "close", "# INC-001").events[-1].get("postmortem") == "# INC-001"
    else:
        closed = do(resolved, "close", postmortem)
        assert (closed.state, closed.events[-1].details) == ("closed", ())


def test_the_last_severity_decides_whether_a_postmortem_is_needed() -> None:
    lowered = do(do(told("detect acknowledge"), "triage", "sev1", "ana"), "triage", "sev3", "ana")
    assert do(told(RESOLVED, lowered), "close", None).state == "closed"


def test_an_incident_of_unknown_severity_is_taken_for_a_major_one() -> None:
    recovered = do(do(NEW, "detect", None), "resolve", auto_recovered=True)
    with pytest.raises(IllegalTransition, match="close at unknown severity needs a postmortem"):
        do(recovered, "close", None)


def test_a_postmortem_that_is_no_text_is_refused_rather_than_dropped() -> None:
    minor = told(RESOLVED, do(told("detect acknowledge"), "triage", "sev4", "ana"))
    with pytest.raises(ValueError, match="postmortem must be a text, given"):
        do(minor, "close", Path("postmortem.md"))


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["", " ", "\n", None, 3, b"ana"])
@pytest.mark.parametrize("verb", ARGUMENTS)
def test_every_event_says_by_whom(verb: str, by: Any) -> None:
    path = next(
        path
        for state, path in PATH_TO.items()
        if verb in LEGAL[state] or verb in REMARKS | set(FACTS)
    )
    before = told(path)
    with pytest.raises(ValueError, match="by must be a text that says something, given") as refused:
        getattr(before, verb)(*ARGUMENTS[verb], at=START + MINUTE * 60, by=by)
    assert not isinstance(refused.value, IllegalTransition)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda i, **w: i.mitigate("", **w), "action must be a text that says something, given ''"),
        (lambda i, **w: i.note(" ", **w), "text must be a text that says something, given ' '"),
        (lambda i, **w: i.update(None, **w), "text must be a text that says something, given None"),
        (lambda i, **w: i.measure(3, 2, **w), "given 3 good of 2 events"),
        (lambda i, **w: i.measure(-1, 2, **w), "given -1 good of 2 events"),
        (
            lambda i, **w: i.measure("1", 2, **w),
            "good and total must be whole numbers, given '1' and 2",
        ),
        (
            lambda i, **w: i.measure(1, 2.0, **w),
            "good and total must be whole numbers, given 1 and 2.0",
        ),
        (lambda i, **w: i.sample(b"q", "a", "b", **w), "input must be a text, given b'q'"),
        (lambda i, **w: i.sample("q", "a", None, **w), "good_output must be a text, given None"),
    ],
)
def test_bad_input_is_named(act: Callable[..., Incident], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        act(told("detect acknowledge triage"), at=START + 60 * MINUTE, by="ana")


@pytest.mark.parametrize(
    ("alert", "message"),
    [
        ("page", "alert must be an Alert, or None when a person noticed; given 'page'"),
        (replace(PAGE, severity="sev9"), "severity must be one of sev1, .* given .*sev9"),
        (replace(PAGE, burn=float("nan")), "burn must be a finite number, given .*nan"),
        (replace(PAGE, burn=float("inf")), "burn must be a finite number, given .*inf"),
        (replace(PAGE, burn=cast(Any, "50x")), "burn must be a finite number, given .*50x"),
        (replace(PAGE, burn=cast(Any, None)), "burn must be a finite number, given .*None"),
        (replace(PAGE, window=cast(Any, 300)), "window must be a text"),
    ],
)
def test_an_alert_that_a_journal_cannot_hold_is_refused(alert: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        do(NEW, "detect", alert)


@pytest.mark.parametrize("field", ["id", "title", "symptom"])
@pytest.mark.parametrize("value", ["", None, 7])
def test_a_record_is_called_something(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{field} must be a text that says something, given"):
        replace(NEW, **{field: value})


def test_an_empty_answer_is_a_sample_and_no_traffic_a_measure() -> None:
    after = do(do(NEW, "sample", "q", "", "a"), "measure", 0, 0)
    assert [dict(event.details) for event in after.events] == [
        {"input": "q", "bad_output": "", "good_output": "a"},
        {"good": 0, "total": 0},
    ]


# --- what an event holds, and that nothing changes -----------------------------------------------


def test_an_alert_is_kept_field_by_field() -> None:
    event = told("detect").events[0]
    assert event == Event(START, "ana", "detect", tuple(vars(PAGE).items()))
    assert do(NEW, "detect", None).events[0].details == ()


def test_a_verb_leaves_the_old_record_as_it_was() -> None:
    records, incident = [], NEW
    for verb in (
        "detect",
        "note",
        "acknowledge",
        "triage",
        "mitigate",
        "measure",
        "mitigated",
        "resolve",
        "close",
    ):
        records.append((incident, incident.events, incident.state, repr(incident), hash(incident)))
        incident = do(incident, verb)
    for number, (record, events, state, text, digest) in enumerate(records):
        assert (record.events, record.state, repr(record), hash(record)) == (
            events,
            state,
            text,
            digest,
        )
        assert len(record.events) == number


def test_a_refused_verb_leaves_the_record_as_it_was() -> None:
    before = told("detect@5")
    for verb, minute in (("resolve", 6), ("acknowledge", 4)):
        with pytest.raises(IllegalTransition):
            do(before, verb, minute=minute)
    assert before == told("detect@5")


def test_records_and_events_are_frozen() -> None:
    detected = told("detect")
    with pytest.raises(FrozenInstanceError):
        detected.title = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        detected.events[0].by = "x"  # type: ignore[misc]


def test_a_list_of_events_is_copied() -> None:
    events = list(told("detect").events)
    incident = replace(NEW, events=cast(Any, events))
    events.clear()
    assert incident.state == "detected"


# --- metrics -------------------------------------------------------------------------------------

METRICS = [
    # script, then ttd, tta, ttm, ttr, impact in minutes; None is unknown
    ("", (None, None, None, None, None)),
    ("note@3", (None, None, None, None, None)),
    ("detect@0", (0, None, None, None, None)),
    ("detect@18", (18, None, None, None, None)),
    ("detect@-2 acknowledge@1", (-2, 3, None, None, None)),
    ("detect@1 acknowledge@4 acknowledge@9", (1, 3, None, None, None)),
    ("detect@1 acknowledge@4 triage@5 mitigate@6", (1, 3, None, None, None)),
    ("detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16", (1, 3, 15, None, 16)),
    ("detect@1 acknowledge@4 triage@5 mitigate@6 mitigate@9 mitigated@16", (1, 3, 15, None, 16)),
    (
        "detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 acknowledge@17 resolve@61",
        (1, 3, 15, 60, 16),
    ),
    # a relapse: while it lasts nobody knows when it will be mitigated, then the last one counts
    (
        "detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 mitigate@20",
        (1, 3, None, None, None),
    ),
    (
        "detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 mitigate@20 mitigated@31",
        (1, 3, 30, None, 31),
    ),
    # reopened: neither mitigated nor resolved, until both are again
    (
        "detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 resolve@61 reopen@90",
        (1, 3, None, None, None),
    ),
    (
        "detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 resolve@61 "
        "reopen@90 mitigate@91 mitigated@101 resolve@121",
        (1, 3, 100, 120, 101),
    ),
    ("detect@1 acknowledge@4 triage@5 false_alarm@9", (1, 3, None, None, None)),
    ("detect@1 acknowledge@1", (1, 0, None, None, None)),
]


@pytest.mark.parametrize(("script", "expected"), METRICS)
def test_metrics_are_read_from_the_journal(script: str, expected: tuple[float | None, ...]) -> None:
    incident = told(script)
    assert metrics(incident) == Metrics(*map(minutes, expected))
    assert incident.metrics() == metrics(incident)


def test_recovery_by_itself_stamps_mitigated_too() -> None:
    recovered = do(told("detect@1 acknowledge@4"), "resolve", auto_recovered=True, minute=11)
    assert metrics(recovered) == Metrics(*map(minutes, (1, 3, 10, 10, 11)))


def test_recovery_by_itself_leaves_an_earlier_mitigated_alone() -> None:
    mitigated = told("detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16")
    recovered = do(mitigated, "resolve", auto_recovered=True, minute=61)
    assert metrics(recovered) == Metrics(*map(minutes, (1, 3, 15, 60, 16)))


def test_recovery_by_itself_after_a_relapse_is_the_last_mitigated() -> None:
    relapsed = told("detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 mitigate@20")
    recovered = do(relapsed, "resolve", auto_recovered=True, minute=41)
    assert metrics(recovered) == Metrics(*map(minutes, (1, 3, 40, 40, 41)))


def test_recovery_by_itself_without_an_ack_leaves_the_ack_unknown() -> None:
    assert metrics(do(told("detect@1"), "resolve", auto_recovered=True, minute=2)).tta is None


def test_ttr_is_resolved_and_not_mitigated() -> None:
    times = metrics(
        told("detect@1 acknowledge@4 triage@5 mitigate@6 mitigated@16 resolve@61 close@100")
    )
    assert times.ttm == 15 * MINUTE
    assert times.ttr == 60 * MINUTE


def test_metrics_keep_microseconds() -> None:
    detected = NEW.detect(PAGE, at=START + timedelta(microseconds=7), by="ana")
    assert metrics(detected).ttd == timedelta(microseconds=7)


def test_an_impact_start_found_out_later_changes_the_times_and_no_event() -> None:
    record = told("detect@10 acknowledge@14")
    corrected = replace(record, impact_start=START - 5 * MINUTE)
    assert corrected.events == record.events
    assert metrics(corrected).ttd == 15 * MINUTE
