"""The cockpit by hand: what can be pressed, what the inputs add, and what comes of it."""

from __future__ import annotations

from html import unescape

import pytest
from cockpit_shifts import (
    END,
    GOOD,
    OUTAGE,
    TWO,
    beside,
    buttons,
    cockpit_after,
    html,
    to_the_page,
    until,
)

from oncall.catalogue import RUNBOOKS
from oncall.gameday.actions import ACTIONS, allowed_actions
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.script import ScriptLine
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.controls import BUTTONS, INPUTS, TIME


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


# --- what can be pressed -------------------------------------------------------------------------


def test_a_button_can_be_pressed_when_its_action_is_legal_and_none_is_hidden(
    cockpit: Cockpit,
) -> None:
    needs_an_object = (*TIME, "apply", "rollback", "check")
    for line in (until(0), *GOOD[1:], END):
        cockpit.play([line])
        legal = set(allowed_actions(cockpit.desk))
        for name, (action, *_) in BUTTONS.items():
            button = cockpit.buttons[name]
            assert button.layout.display is None
            assert button.disabled or action in legal
            if action not in needs_an_object:
                assert not button.disabled or action not in legal
        assert cockpit.buttons["+1 min"].disabled == cockpit.over


def test_apply_and_roll_back_follow_the_mitigation_that_is_chosen(cockpit: Cockpit) -> None:
    def can() -> tuple[bool, bool]:
        return not cockpit.buttons["Apply"].disabled, not cockpit.buttons["Roll back"].disabled

    assert can() == (False, False)
    cockpit.play([ScriptLine(153, "ack"), ScriptLine(153, "triage", ("sev1",))])
    assert (cockpit.inputs["mitigation"].value, can()) == ("fail_over", (True, False))
    cockpit.buttons["Apply"].click()
    assert can() == (False, True)
    cockpit.inputs["mitigation"].value = "serve_cached"
    assert can() == (True, False)
    cockpit.inputs["symptom"].value = "poisoned_cache"
    offered = ("bypass_cache", "new_cache_namespace", "purge_cache", "fail_over")
    assert cockpit.inputs["mitigation"].options == offered
    cockpit.inputs["mitigation"].value = "purge_cache"
    cockpit.buttons["Apply"].click()
    assert can() == (False, False)  # it cannot be taken back


def test_the_inputs_beside_a_button_are_its_words_and_are_cleared_when_they_are_used(
    cockpit: Cockpit,
) -> None:
    cockpit.inputs["name"].value = "bo"
    cockpit.buttons["Acknowledge"].click()
    cockpit.inputs["severity"].value, cockpit.inputs["roles"].value = "sev2", "comms=chen scribe=bo"
    cockpit.buttons["Triage"].click()
    cockpit.inputs["text"].value = "We  are on it."
    cockpit.buttons["Update users"].click()
    cockpit.inputs["kind"].value, cockpit.inputs["text"].value = "lucky", "It was day."
    cockpit.buttons["Learn"].click()
    machines = ("alerts", "pager", "metrics")
    ack, triage, update, learnt = (
        event for event in cockpit.incidents[0].events if event.by not in machines
    )
    roles = {"ic": "ana", "comms": "chen", "scribe": "bo"}
    assert (ack.verb, ack.by) == ("acknowledge", "bo")
    assert dict(triage.details) == {"severity": "sev2"} | roles
    assert update.get("text") == "We  are on it."
    assert (learnt.get("kind"), learnt.get("value")) == ("lucky", "It was day.")
    assert {cockpit.inputs[name].value for name in ("name", "roles", "text")} == {""}


def test_what_is_refused_says_why_and_keeps_the_inputs(cockpit: Cockpit) -> None:
    before = cockpit.incidents
    cockpit.buttons["Update users"].click()
    assert cockpit.said.startswith("not done: ")
    cockpit.inputs["name"].value = "bo"
    cockpit.buttons["Hand over"].click()  # a disabled button is pressed by scripts only
    assert cockpit.said.startswith("not done: INC-001 is detected: triage is not allowed")
    assert cockpit.inputs["name"].value == "bo"
    assert cockpit.incidents == before


# --- what is said --------------------------------------------------------------------------------


def test_time_says_what_happened_meanwhile() -> None:
    cockpit = Cockpit(SCENARIOS[OUTAGE])
    cockpit.buttons["+15 min"].click()
    assert cockpit.said == "16:15: nothing new"
    cockpit.play([until(149)])
    cockpit.buttons["+1 min"].click()
    assert cockpit.said.splitlines() == [
        "18:30 INC-001 opens: The model provider fails requests",
        "18:30 paged ana",
        "18:30 14.4x 1h/5m fires",
    ]


def test_the_minute_in_which_the_sli_falls_is_news() -> None:
    cockpit = cockpit_after(OUTAGE, until(132))
    cockpit.buttons["+1 min"].click()
    assert cockpit.said.startswith("18:13 the SLI is ")
    cockpit.buttons["+1 min"].click()
    assert cockpit.said == "18:14: nothing new"


def test_what_the_journal_and_the_desk_say_of_a_stretch_stands_in_its_order() -> None:
    cockpit = Cockpit(SCENARIOS["openai_2024_12_04"])
    cockpit.buttons["Rest of shift"].click()
    lines = cockpit.said.splitlines()
    for what in ("opens: ", "the SLI is", "paged ana", " fires"):
        assert what in cockpit.said
    assert "23" in [line[:2] for line in lines]  # and it goes on past midnight
    assert lines == sorted(lines, key=lambda line: (line[:2] < "12", line[:5]))


def test_a_second_incident_is_news_and_the_journal_of_the_first_is_not() -> None:
    cockpit = cockpit_after("two_incidents", *TWO[:6], until(206))
    cockpit.buttons["+1 min"].click()
    assert [line for line in cockpit.said.splitlines() if "fires" not in line] == [
        "19:27 INC-002 opens: The guardrail blocks good answers",
        "19:27 paged ana",
    ]


@pytest.mark.parametrize(
    ("button", "box"),
    [("Update users", "text"), ("Note", "text"), ("Learn", "text"), ("Hand over", "name")],
)
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_box_is_named_as_it_is_labelled(
    cockpit: Cockpit, button: str, box: str, blank: str
) -> None:
    cockpit.play([ScriptLine(150, "ack"), ScriptLine(150, "triage", ("sev1",))])
    before = cockpit.script, cockpit.incidents
    cockpit.inputs[box].value = blank
    cockpit.buttons[button].click()
    label = cockpit.inputs[box].description
    assert cockpit.said.startswith(f"not done: the box {label} is empty; write in it ")
    assert cockpit.said.endswith(f", then press {button} again")
    assert cockpit.said in unescape(html(cockpit))
    assert (cockpit.script, cockpit.incidents) == before


# --- the runbook ---------------------------------------------------------------------------------


def test_a_new_incident_opens_its_runbook_and_another_can_be_chosen(cockpit: Cockpit) -> None:
    assert cockpit.inputs["symptom"].value == "model_provider_outage"
    assert "<b>fail_over</b>" in html(cockpit)
    cockpit.play([ScriptLine(150, "runbook", ("gpu_capacity",))])
    assert cockpit.inputs["symptom"].value == "gpu_capacity"
    assert '<b>add_replicas</b> <span class="mark as">ask first</span>' in html(cockpit)
    checks = [name for name in buttons(cockpit) if name.startswith("Check")]
    assert checks == ["Check 1", "Check 2", "Check 3", "Check 4"]
    cockpit.buttons["+1 min"].click()
    assert cockpit.inputs["symptom"].value == "gpu_capacity"  # not taken away


def test_a_reading_stays_beside_its_check(cockpit: Cockpit) -> None:
    check = cockpit.buttons["Check 1"]
    assert beside(cockpit, check) == "errors by upstream"
    check.click()
    assert cockpit.said.startswith("errors by upstream: 5xx and timeouts come from the model")
    assert beside(cockpit, check) == cockpit.said
    assert cockpit.script[-1] == ScriptLine(150, "check", ("1",))
    cockpit.inputs["symptom"].value = "gpu_capacity"
    check.click()
    assert cockpit.said.endswith("as on any day")
    assert cockpit.script[-1] == ScriptLine(150, "check", ("1", "gpu_capacity"))


def test_a_check_before_an_incident_is_open_is_a_reading_like_any_other() -> None:
    cockpit = Cockpit(SCENARIOS[OUTAGE])
    [said] = cockpit.play([ScriptLine(140, "check", ("1",))])  # users feel it, and nothing fires
    assert said.startswith("18:20 check: errors by upstream: 5xx and timeouts come from")
    assert cockpit.script == (ScriptLine(140, "check", ("1",)),)


def test_an_incident_without_a_runbook_opens_none() -> None:
    cockpit = cockpit_after("silent_edge", ScriptLine(140, "look"))
    assert cockpit.desk.incident is not None
    assert cockpit.inputs["symptom"].value == ""
    assert cockpit.buttons["Check 1"].disabled


def test_every_action_has_a_button_or_an_input() -> None:
    assert {words[0] for words in BUTTONS.values()} | {"runbook"} == set(ACTIONS)
    assert set(INPUTS) <= set(ACTIONS)
    checks = [name for name in BUTTONS if name.startswith("Check")]
    assert max(len(runbook.checks) for runbook in RUNBOOKS.values()) == len(checks)
