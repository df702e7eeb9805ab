"""The incident record: bad input is refused and named, whatever the state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from incident_verbs import ARGUMENTS, NEW, PAGE, PATH_TO, SLO_999, START, after, do

from oncall.incident import IllegalTransition, Incident
from oncall.journal import TRANSITIONS
from oncall.times import MINUTE


@pytest.mark.parametrize("field", ["id", "title", "symptom"])
@pytest.mark.parametrize("value", ["", None, 7])
def test_a_record_is_called_something(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{field} must be a text that says something, given"):
        replace(NEW, **{field: value})


def test_a_naive_moment_is_refused_as_bad_input() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="at 2024-12-04T23:48:00 has no time zone") as refused:
        NEW.detect(PAGE, at=naive, by="ana")
    assert not isinstance(refused.value, IllegalTransition)
    with pytest.raises(ValueError, match=r"impact_start .* has no time zone"):
        Incident("INC-001", "t", SLO_999, "s", naive)
    with pytest.raises(ValueError, match="at must be a datetime, given '23:48'"):
        NEW.detect(PAGE, at="23:48", by="ana")  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["", " ", "\n", None, 3, b"ana"])
@pytest.mark.parametrize("verb", ARGUMENTS)
def test_every_event_says_by_whom(verb: str, by: Any) -> None:
    first_legal_state = next(iter(TRANSITIONS[verb]))
    before = after(PATH_TO[first_legal_state])
    with pytest.raises(ValueError, match="by must be a text that says something, given") as refused:
        getattr(before, verb)(*ARGUMENTS[verb], at=START + 60 * MINUTE, by=by)
    assert not isinstance(refused.value, IllegalTransition)


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("mitigate", ("",), "action must be a text that says something, given ''"),
        ("note", (" ",), "text must be a text that says something, given ' '"),
        ("update", (None,), "text must be a text that says something, given None"),
        ("measure", (3, 2), "given 3 good of 2 events"),
        ("measure", (-1, 2), "given -1 good of 2 events"),
        ("measure", ("1", 2), "good and total must be whole numbers, given '1' and 2"),
        ("measure", (1, 2.0), "good and total must be whole numbers, given 1 and 2.0"),
        ("sample", (b"q", "a", "b"), "input must be a text, given b'q'"),
        ("sample", ("q", "a", None), "good_output must be a text, given None"),
    ],
)
def test_bad_input_is_named(verb: str, words: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        do(after("detect acknowledge triage"), verb, *words)


@pytest.mark.parametrize(
    ("alert", "message"),
    [
        ("page", "alert must be an Alert, or None when a person noticed; given 'page'"),
        (replace(PAGE, severity="sev9"), "severity must be one of sev1, .* given .*sev9"),
        (replace(PAGE, burn=float("nan")), "burn must be a number such as 0.999, given .*nan"),
        (replace(PAGE, burn=float("inf")), "burn must be a number such as 0.999, given .*inf"),
        (replace(PAGE, burn=cast(Any, "50x")), "burn must be a number such as 0.999, given .*50x"),
        (replace(PAGE, burn=cast(Any, None)), "burn must be a number such as 0.999, given .*None"),
        (replace(PAGE, window=cast(Any, 300)), "window must be a text"),
    ],
)
def test_an_alert_that_a_journal_cannot_hold_is_refused(alert: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        do(NEW, "detect", alert)


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown role cook; the roles are ic, ops, comms, scribe"):
        do(after("detect acknowledge"), "triage", "sev1", "ana", cook="bo")


@pytest.mark.parametrize(
    "roles", [{"ic": ""}, {"ic": None}, {"ic": "ana", "ops": " "}, {"ic": "ana", "comms": 3}]
)
def test_a_role_is_held_by_somebody(roles: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a text that says something"):
        do(after("detect acknowledge"), "triage", "sev1", **roles)
