"""The cockpit by hand: what can be pressed, what the inputs add, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
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
    cockpit_of,
    html,
    to_the_page,
    until,
)

from oncall.catalogue import RUNBOOKS
from oncall.gameday.actions import ACTIONS, allowed_actions, options
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import causes
from oncall.gameday.readings import parsed
from oncall.gameday.script import ScriptLine
from oncall.journal import SECURITY_STEPS
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.controls import BUTTONS, INPUTS, TIME


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


# --- what can be pressed -------------------------------------------------------------------------


def test_a_button_can_be_pressed_when_its_action_is_legal_and_none_is_hidden(
    cockpit: Cockpit,
) -> None:
    needs_an_object = (*TIME, "apply", "ask", "rollback", "check", "use")
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

    cockpit.play([ScriptLine(153, "ack"), ScriptLine(153, "triage", ("sev1",))])
    assert can() == (False, False)  # no runbook is open
    cockpit.inputs["symptom"].value = "model_provider_outage"
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
    cockpit.inputs["status"].value, cockpit.inputs["percent"].value = "identified", "50"
    cockpit.inputs["text"].value = "We  are on it."
    cockpit.buttons["Update users"].click()
    cockpit.inputs["kind"].value, cockpit.inputs["text"].value = "lucky", "It was day."
    cockpit.buttons["Learn"].click()
    [incident] = cockpit.incidents
    ack, triage, update, learnt = (
        incident.events_of(verb)[0] for verb in ("acknowledge", "triage", "update", "learn")
    )
    roles = {"ic": "ana", "comms": "chen", "scribe": "bo"}
    assert (ack.verb, ack.by) == ("acknowledge", "bo")
    assert dict(triage.details) == {"severity": "sev2"} | roles
    assert update.get("text") == "We  are on it."
    assert (update.get("status"), update.get("percent")) == ("identified", 50)
    assert (learnt.get("kind"), learnt.get("value")) == ("lucky", "It was day.")
    assert {cockpit.inputs[name].value for name in ("name", "roles", "text", "percent")} == {""}


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
        "18:30 INC-001 opens: availability burns its budget at 50.1x",
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
    name, other = "two_incidents", ("provider_fails", "slow_upstream")
    cockpit = cockpit_of(replace(SCENARIOS[name], causes=other), *TWO[:4])
    while len(cockpit.incidents) < 2:
        cockpit.buttons["+1 min"].click()
    lines = [line.split(" ", 1)[1] for line in cockpit.said.splitlines()]
    opens, paged = (line for line in lines if "INC-002" in line or "paged" in line)
    assert opens.startswith("INC-002 opens: first_token burns its budget at ")
    assert paged == "paged ana"
    assert cockpit.model["incident"] == "INC-002"


@pytest.mark.parametrize(
    ("button", "box"),
    [
        ("Update users", "text"),
        ("Note", "text"),
        ("Learn", "text"),
        ("Hand over", "name"),
        ("Page", "name"),
        ("Look", "reading"),
    ],
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


def test_a_percentage_without_a_status_is_kept_and_asked_about(cockpit: Cockpit) -> None:
    cockpit.inputs["percent"].value, cockpit.inputs["text"].value = "50", "Half of you wait."
    before = cockpit.incidents
    cockpit.buttons["Update users"].click()
    assert cockpit.said.startswith("not done: a percentage belongs to a status; choose one")
    assert (cockpit.inputs["percent"].value, cockpit.incidents) == ("50", before)


# --- looking, suspecting, waking, securing -------------------------------------------------------


def test_what_can_be_looked_at_is_offered_and_anything_else_can_be_typed(cockpit: Cockpit) -> None:
    box = cockpit.inputs["reading"]
    for words in (text.split() for text in box.options):
        parsed(words)  # none of them is refused
    assert set(options(cockpit.desk, "look", [])[0] or ()) <= set(box.options)
    assert "quality by age" in box.options
    box.value = "errors by region in release=r42"
    cockpit.buttons["Look"].click()
    assert cockpit.said.startswith("errors by region in release=r42, the last 10 minutes")
    assert cockpit.model["minute"] == 152
    box.value = "tea leaves"
    cockpit.buttons["Look"].click()
    assert cockpit.said.startswith("not done: look at errors, latency, ")


def test_the_last_three_readings_stay_side_by_side(cockpit: Cockpit) -> None:
    assert "Last readings" not in html(cockpit)
    for by in ("outcome", "region", "release", "upstream"):
        cockpit.inputs["reading"].value = f"errors by {by}"
        cockpit.buttons["Look"].click()
    cockpit.buttons["Metrics"].click()  # the dashboard is always in sight
    shown = [reading.partition("</pre>")[0] for reading in html(cockpit).split("<pre>")[1:]]
    titles = [f"errors by {by}, the last 10 minutes" for by in ("upstream", "release", "region")]
    assert [reading.splitlines()[0][6:] for reading in shown] == titles


def test_suspect_page_secure_and_ask_say_what_their_inputs_hold(cockpit: Cockpit) -> None:
    cockpit.inputs["cause"].value = "gpu_reclaimed"
    cockpit.buttons["Suspect"].click()
    cockpit.inputs["name"].value = "chen"
    cockpit.buttons["Page"].click()
    for step in SECURITY_STEPS:
        cockpit.inputs["step"].value = step
        cockpit.buttons["Secure"].click()
    cockpit.inputs["symptom"].value = "gpu_capacity"
    cockpit.inputs["mitigation"].value = "add_replicas"
    assert cockpit.inputs["aim"].options == ()
    cockpit.buttons["Ask"].click()
    done = [(line.action, *line.words) for line in cockpit.script[: 3 + len(SECURITY_STEPS)]]
    steps = [("secure", step) for step in SECURITY_STEPS]
    asked = ("ask", "add_replicas")
    assert done == [("suspect", "gpu_reclaimed"), ("page", "chen"), *steps, asked]


def test_a_mitigation_is_aimed_at_one_of_the_values_that_are_offered(cockpit: Cockpit) -> None:
    cockpit.play([ScriptLine(150, "ack"), ScriptLine(150, "triage", ("sev1",))])
    cockpit.inputs["symptom"].value = "model_provider_outage"
    assert cockpit.inputs["aim"].options == ("north", "south", "pool")
    cockpit.inputs["aim"].value = "north"
    cockpit.buttons["Apply"].click()
    assert cockpit.incidents[0].events_of("mitigate")[0].get("value") == "north"
    assert cockpit.inputs["aim"].value == ""


def test_another_incident_that_is_open_can_be_chosen() -> None:
    cockpit = cockpit_after("two_incidents", *TWO[:5])
    other = cockpit.buttons["Other incident"]
    chosen = [cockpit.model["incident"]]
    for _ in range(2):
        assert not other.disabled
        other.click()
        chosen.append(cockpit.model["incident"])
    assert chosen == ["INC-002", "INC-001", "INC-002"]
    assert cockpit.script[-1] == ScriptLine(148, "use", ("INC-002",))


# --- the runbook ---------------------------------------------------------------------------------


def test_no_runbook_is_opened_for_anybody_and_each_can_be_chosen(cockpit: Cockpit) -> None:
    assert cockpit.inputs["symptom"].value == ""
    assert "Mitigations" not in html(cockpit)
    cockpit.play([ScriptLine(150, "runbook", ("gpu_capacity",))])
    assert cockpit.inputs["symptom"].value == "gpu_capacity"
    assert '<b>add_replicas</b> <span class="mark as">ask first</span>' in html(cockpit)
    checks = [name for name in buttons(cockpit) if name.startswith("Check")]
    assert checks == ["Check 1", "Check 2", "Check 3", "Check 4"]
    cockpit.buttons["+1 min"].click()
    assert cockpit.inputs["symptom"].value == "gpu_capacity"  # not taken away


def test_a_reading_stays_beside_its_check(cockpit: Cockpit) -> None:
    cockpit.inputs["symptom"].value = "model_provider_outage"
    check = cockpit.buttons["Check 1"]
    assert beside(cockpit, check) == "errors by upstream"
    check.click()
    assert cockpit.said.startswith("errors by upstream, the last 10 minutes")
    assert beside(cockpit, check) == cockpit.said
    assert cockpit.script[0] == ScriptLine(150, "check", ("1", "model_provider_outage"))
    cockpit.inputs["symptom"].value = "gpu_capacity"
    assert beside(cockpit, check) == RUNBOOKS["gpu_capacity"].checks[0].look
    check.click()
    assert cockpit.script[1] == ScriptLine(152, "check", ("1", "gpu_capacity"))


def test_a_check_of_what_is_suspected_need_not_name_its_runbook(cockpit: Cockpit) -> None:
    cockpit.play([ScriptLine(150, "suspect", ("provider_fails",))])
    [said] = cockpit.play([ScriptLine(150, "check", ("1",))])
    assert said.startswith("18:30 check: errors by upstream, the last 10 minutes")
    assert cockpit.inputs["symptom"].value == "model_provider_outage"


def test_a_check_before_an_incident_is_open_is_a_reading_like_any_other() -> None:
    cockpit = Cockpit(SCENARIOS[OUTAGE])
    line = ScriptLine(140, "check", ("1", "model_provider_outage"))
    [said] = cockpit.play([line])  # users feel it, and nothing fires
    assert said.startswith("18:20 check: errors by upstream, the last 10 minutes")
    assert cockpit.script[0] == line


def test_every_action_has_a_button_or_an_input() -> None:
    in_sight = {"runbook", "journal"}  # without a button
    typed_only = {"predict"}
    assert {words[0] for words in BUTTONS.values()} | in_sight | typed_only == set(ACTIONS)
    assert set(INPUTS) <= set(ACTIONS)
    checks = [name for name in BUTTONS if name.startswith("Check")]
    assert max(len(runbook.checks) for runbook in RUNBOOKS.values()) == len(checks)


def test_every_control_has_a_label_of_its_own(cockpit: Cockpit) -> None:
    labels = [box.description for box in cockpit.inputs.values()]
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(button.tooltip for button in cockpit.buttons.values())


# --- what the cockpit does not know --------------------------------------------------------------


def test_what_is_offered_and_written_is_the_same_whatever_is_wrong() -> None:
    kinds = set()
    for cause in ("provider_fails", "gateway_release", "guardrail_strict", "secret_rotated"):
        scenario = replace(SCENARIOS["surprise"], name="tonight", title="", causes=(cause,))
        cockpit = Cockpit(scenario)
        while cockpit.desk.incident is None:
            cockpit.buttons["+15 min"].click()
        cockpit.play([ScriptLine(0, "ack"), ScriptLine(0, "triage", ("sev2",))])
        cockpit.buttons["Debrief"].click()
        titles = {causes()[cause].title, RUNBOOKS[causes()[cause].symptom].title}
        assert not any(title in html(cockpit) + cockpit.text for title in titles)
        offers = [
            getattr(box, "options", ()) for name, box in cockpit.inputs.items() if name != "aim"
        ]
        pressed = [not button.disabled for button in cockpit.buttons.values()]
        kinds.add((repr(offers), repr(pressed), cockpit.inputs["symptom"].value))
    assert len(kinds) == 1
