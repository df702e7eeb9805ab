"""The cockpit: its buttons do what the drill's words do, offer only what is legal, and show what came of it."""

from __future__ import annotations

import io
from html import unescape
from pathlib import Path
from time import perf_counter
from typing import Any

import comm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from oncall.alerting import SEVERITIES
from oncall.catalogue import MITIGATIONS, RUNBOOKS
from oncall.gameday.actions import (
    ACTIONS,
    LEARNT,
    ScriptLine,
    allowed_actions,
    postmortem,
    read_script,
    scripted,
)
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import run_shift
from oncall.gameday.reference import reference
from oncall.gameday.scoring import mean_points, score_shift
from oncall.incident import Incident
from oncall.telemetry.engine import alert_intervals
from oncall.times import MINUTE
from oncall.workbook.cockpit.cockpit import BUTTONS, INPUTS, TIME, Cockpit, journal_lines
from oncall.workbook.cockpit.debrief import budget_burned, describe_responses, plot_responses
from oncall.workbook.cockpit.picture import LOOKS, STATES, VIEWS, LivePlot, in_effect, scene
from oncall.workbook.plots.base import styled

GOOD = (
    ScriptLine(150, "look", ("metrics",)),
    ScriptLine(153, "ack"),
    ScriptLine(154, "check", ("1",)),
    ScriptLine(156, "triage", ("sev1", "ana", "comms=bo")),
    ScriptLine(156, "update", ("We are working on it.",)),
    ScriptLine(156, "apply", ("fail_over",)),
    ScriptLine(158, "apply", ("serve_cached",)),
    ScriptLine(160, "apply", ("serve_degraded",)),
    ScriptLine(161, "mitigated"),
    ScriptLine(161, "update", ("It works again.",)),
    ScriptLine(191, "resolve"),
    ScriptLine(191, "update", ("This is over.",)),
    ScriptLine(192, "learn", ("factor", "All requests go to one provider.")),
    ScriptLine(192, "learn", ("well", "The first person paged answered.")),
    ScriptLine(192, "learn", ("wrong", "It waited for a person.")),
    ScriptLine(192, "learn", ("lucky", "The secondary provider had room.")),
    ScriptLine(192, "learn", ("automate", "fail_over")),
    ScriptLine(192, "learn", ("automate", "serve_cached")),
    ScriptLine(192, "learn", ("automate", "serve_degraded")),
    ScriptLine(251, "close"),
)
FUMBLED = (
    ScriptLine(10, "ack"),  # nothing to acknowledge
    ScriptLine(20, "wait", ("7",)),
    ScriptLine(30, "wait", ("soon",)),
    ScriptLine(40, "pray"),
    ScriptLine(60, "next"),
    ScriptLine(152, "apply", ("fail_over",)),  # not triaged yet
    ScriptLine(153, "ack", ("dana",)),  # whose name is on no list
    ScriptLine(154, "triage", ("sev9",)),
    ScriptLine(154, "triage", ("sev2", "dana", "comms=bo", "scribe=chen")),
    ScriptLine(154, "triage", ("sev2", "dana", "chief=bo")),
    ScriptLine(155, "look", ("logs",)),
    ScriptLine(155, "look", ("tea leaves",)),
    ScriptLine(155, "runbook", ("gpu_capacity",)),
    ScriptLine(155, "check", ("2", "gpu_capacity")),
    ScriptLine(155, "check", ("9",)),
    ScriptLine(156, "apply", ("magic",)),
    ScriptLine(156, "learn", ("lucky", "")),
    ScriptLine(156, "triage", ("sev2", "dana", "comms=bo and chen")),
    ScriptLine(156, "apply", ("add_replicas",)),  # of another runbook
    ScriptLine(156, "apply", ("add_replicas",)),
    ScriptLine(165, "rollback", ("add_replicas",)),
    ScriptLine(165, "rollback", ("fail_over",)),
    ScriptLine(166, "note", ("two", "words  and two spaces")),
    ScriptLine(166, "note"),
    ScriptLine(167, "escalate"),
    ScriptLine(168, "handover", ("chen",)),
    ScriptLine(168, "apply", ("purge_cache",)),
    ScriptLine(169, "rollback", ("purge_cache",)),  # cannot be
    ScriptLine(170, "learn", ("gossip", "none")),
    ScriptLine(170, "false_alarm"),
    ScriptLine(171, "resolve"),
    ScriptLine(300, "declare"),
    ScriptLine(301, "end"),
)
TWO = (
    *(
        ScriptLine(120, "ack"),
        ScriptLine(121, "triage", ("sev1",)),
        ScriptLine(121, "apply", ("fail_over",)),
    ),
    *(
        ScriptLine(124, "apply", ("serve_cached",)),
        ScriptLine(126, "apply", ("serve_degraded",)),
        ScriptLine(128, "mitigated"),
    ),
    *(
        ScriptLine(230, "ack"),
        ScriptLine(231, "triage", ("sev1", "bo")),
        ScriptLine(232, "apply", ("shadow_rule",)),
    ),
    *(
        ScriptLine(235, "apply", ("second_opinion",)),
        ScriptLine(238, "mitigated"),
        ScriptLine(290, "resolve"),
    ),
    *(
        ScriptLine(291, "close"),
        ScriptLine(300, "resolve"),
        ScriptLine(301, "learn", ("factor", "One provider.")),
        ScriptLine(302, "close"),
    ),
)
PLAYED = [
    ("provider_outage", GOOD),
    ("provider_outage", FUMBLED),
    ("provider_outage", ()),
    ("two_incidents", TWO),
    ("silent_edge", GOOD),
    (
        "quiet_shift",
        (
            ScriptLine(5, "declare"),
            ScriptLine(9, "ack"),
            ScriptLine(9, "false_alarm"),
            ScriptLine(70, "declare"),
        ),
    ),
    (
        "false_alarm",
        (
            ScriptLine(150, "ack"),
            ScriptLine(152, "triage", ("sev5",)),
            ScriptLine(153, "false_alarm"),
        ),
    ),
    ("openai_2024_12_04", GOOD),
    (
        "provider_outage",
        (ScriptLine(155, "ack"), ScriptLine(160, "apply", ("cache_everything",))),
    ),  # stands in no runbook
]


def played(name: str, script: tuple[ScriptLine, ...]) -> tuple[Incident, ...]:
    return run_shift(SCENARIOS[name], 1, scripted(script)).incidents


def to_the_page(name: str = "provider_outage") -> Cockpit:
    """A cockpit at the moment of its first page."""
    cockpit = Cockpit(SCENARIOS[name])
    cockpit.play([ScriptLine(0, "wait", ("150",))])
    return cockpit


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


@pytest.fixture(scope="module")
def whole() -> Cockpit:
    """A shift played well, to its end."""
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play([*GOOD, ScriptLine(480, "end")])
    return cockpit


# --- the same shift ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "script"), PLAYED)
def test_a_script_played_by_buttons_is_the_shift_that_it_is_without_them(
    name: str, script: tuple[ScriptLine, ...]
) -> None:
    cockpit = Cockpit(SCENARIOS[name])
    cockpit.play([*script, ScriptLine(480, "end")])
    assert cockpit.incidents == played(name, script)
    assert cockpit.shift == run_shift(SCENARIOS[name], 1, scripted(script))


@given(st.data())
@settings(deadline=None, max_examples=6)
def test_any_script_played_by_buttons_is_the_shift_that_it_is_without_them(
    data: st.DataObject,
) -> None:
    words = {
        "wait": st.tuples(st.integers(0, 30).map(str)),
        "look": st.sampled_from([(), ("logs",), ("status",)]),
        "runbook": st.sampled_from(sorted(RUNBOOKS)).map(lambda name: (name,)),
        "check": st.tuples(st.sampled_from("129"), st.sampled_from(sorted(RUNBOOKS))),
        "ack": st.sampled_from([(), ("bo",)]),
        "triage": st.tuples(st.sampled_from(SEVERITIES)),
        "handover": st.just(("bo",)),
        "apply": st.tuples(st.sampled_from(sorted(MITIGATIONS))),
        "rollback": st.tuples(st.sampled_from(sorted(MITIGATIONS))),
        "learn": st.tuples(
            st.sampled_from([*LEARNT]), st.sampled_from(["fail_over", "It was dark."])
        ),
        **dict.fromkeys(("update", "note"), st.tuples(st.text(max_size=5))),
    }
    names = st.sampled_from([*ACTIONS, "ack", "triage", "apply", "mitigated", "resolve"])
    line = names.flatmap(
        lambda name: st.builds(
            ScriptLine, st.integers(140, 470), st.just(name), words.get(name, st.just(()))
        )
    )
    script = tuple(sorted(data.draw(st.lists(line, max_size=40)), key=lambda line: line.minute))
    name = data.draw(st.sampled_from(["provider_outage", "two_incidents", "flapping_provider"]))
    cockpit = Cockpit(SCENARIOS[name])
    cockpit.play(script)
    cockpit.play([ScriptLine(480, "end")])
    assert cockpit.incidents == played(name, script)


def test_a_script_in_parts_is_the_same_shift() -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    for line in GOOD:
        cockpit.play([line])
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.incidents == played("provider_outage", GOOD)


def test_playing_tells_what_came_of_each_line() -> None:
    said = Cockpit(SCENARIOS["provider_outage"]).play(FUMBLED[:7])
    assert len(said) == 7
    assert said[0] == "16:10 ack: not done: no incident is open; declare one, or wait for an alert"
    assert said[2].startswith("16:30 wait: not done: minutes are a whole number")
    assert said[3].startswith("16:40 pray: not done: unknown action 'pray'")
    assert said[6] == "18:33 ack: acknowledged"


# --- what was done can be played again -----------------------------------------------------------


def test_what_was_done_is_a_script_that_gives_the_same_shift(tmp_path: Path) -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play(FUMBLED)
    cockpit.save(tmp_path / "mine.json")
    assert read_script(tmp_path / "mine.json") == cockpit.script
    again = Cockpit(SCENARIOS["provider_outage"])
    again.play(cockpit.script)
    assert again.incidents == cockpit.incidents == played("provider_outage", cockpit.script)
    assert again.model == cockpit.model


def test_the_script_holds_what_was_done_and_not_what_was_refused(whole: Cockpit) -> None:
    assert whole.script == (*GOOD, ScriptLine(480, "end"))
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    assert cockpit.script == ()
    cockpit.play(
        [ScriptLine(10, "ack"), ScriptLine(12, "look", ("logs",)), ScriptLine(15, "mitigated")]
    )
    assert cockpit.script == (ScriptLine(12, "look", ("logs",)), ScriptLine(15, "wait", ("0",)))


def test_an_edited_postmortem_is_kept_word_for_word_in_the_script(tmp_path: Path) -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play([*GOOD[:-1], ScriptLine(251, "wait", ("0",))])
    cockpit.buttons["Debrief"].click()
    review = cockpit.debrief.reviews["INC-001"]
    review.editor.value += "\n## What we ask\n\nWho else has  this?\n"
    text = review.editor.value
    review.button.click()
    assert cockpit.incidents[0].postmortem == text
    assert cockpit.script[-1] == ScriptLine(251, "close", (text,))
    again = Cockpit(SCENARIOS["provider_outage"])
    again.play(cockpit.script)
    assert again.incidents == cockpit.incidents
    cockpit.save(tmp_path / "mine.json")
    saved = scripted(read_script(tmp_path / "mine.json"))
    assert run_shift(SCENARIOS["provider_outage"], 1, saved).incidents == cockpit.incidents


# --- by hand -------------------------------------------------------------------------------------


def test_a_button_can_be_pressed_when_its_action_is_legal_and_none_is_hidden(
    cockpit: Cockpit,
) -> None:
    for line in (ScriptLine(0, "wait", ("0",)), *GOOD[1:], ScriptLine(480, "end")):
        cockpit.play([line])
        legal = set(allowed_actions(cockpit.desk))
        for name, (action, *_) in BUTTONS.items():
            button = cockpit.buttons[name]
            assert button.layout.display is None
            assert button.disabled or action in legal
            if action not in (
                *TIME,
                "apply",
                "rollback",
                "check",
            ):  # those need something to act on, too
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
    assert cockpit.inputs["mitigation"].options == (
        "bypass_cache",
        "new_cache_namespace",
        "purge_cache",
        "fail_over",
    )
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
    mine = [
        event
        for event in cockpit.incidents[0].events
        if event.by not in ("alerts", "pager", "metrics")
    ]
    ack, triage, update, learnt = mine
    assert (ack.verb, ack.by) == ("acknowledge", "bo")
    assert dict(triage.details) == {
        "severity": "sev2",
        "ic": "ana",
        "comms": "chen",
        "scribe": "bo",
    }
    assert update.get("text") == "We  are on it."
    assert learnt.get("text") == "learnt, lucky: It was day."
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


def test_time_says_what_happened_meanwhile() -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.buttons["+15 min"].click()
    assert cockpit.said == "16:15: nothing new"
    cockpit.play([ScriptLine(149, "wait", ("0",))])
    cockpit.buttons["+1 min"].click()
    assert cockpit.said.splitlines() == [
        "18:30 INC-001 opens: The model provider fails requests",
        "18:30 paged ana",
        "18:30 14.4x 1h/5m fires",
    ]


def test_the_minute_in_which_the_sli_falls_is_news() -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play([ScriptLine(132, "wait", ("0",))])
    cockpit.buttons["+1 min"].click()
    assert cockpit.said.startswith("18:13 the SLI is ")
    cockpit.buttons["+1 min"].click()
    assert cockpit.said == "18:14: nothing new"


def test_what_the_journal_and_the_desk_say_of_a_stretch_stands_in_its_order() -> None:
    cockpit = Cockpit(SCENARIOS["openai_2024_12_04"])
    cockpit.buttons["Rest of shift"].click()
    lines = cockpit.said.splitlines()
    assert [
        what
        for what in ("opens: ", "the SLI is", "paged ana", " fires")
        if what not in cockpit.said
    ] == []
    begins = [line[:2] for line in lines]
    assert "23" in begins
    assert lines == sorted(
        lines, key=lambda line: (line[:2] < "12", line[:5])
    )  # the shift goes on past midnight


def test_a_second_incident_is_news_and_the_journal_of_the_first_is_not() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play([*TWO[:6], ScriptLine(206, "wait", ("0",))])
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
    assert cockpit.said in unescape(cockpit._says.value)
    assert (cockpit.script, cockpit.incidents) == before


def test_a_new_incident_opens_its_runbook_and_another_can_be_chosen(cockpit: Cockpit) -> None:
    assert cockpit.inputs["symptom"].value == "model_provider_outage"
    assert "fail_over" in cockpit._mitigations.value
    cockpit.play([ScriptLine(150, "runbook", ("gpu_capacity",))])
    assert cockpit.inputs["symptom"].value == "gpu_capacity"
    assert "add_replicas" in cockpit._mitigations.value
    assert "ask first" in cockpit._mitigations.value
    shown = [row.layout.display for row in cockpit._check_rows]
    assert shown == ["flex"] * 4 + ["none"]
    cockpit.buttons["+1 min"].click()
    assert cockpit.inputs["symptom"].value == "gpu_capacity"  # not taken away


def test_a_reading_stays_beside_its_check(cockpit: Cockpit) -> None:
    cockpit.buttons["Check 1"].click()
    assert cockpit.said.endswith(
        "5xx and timeouts come from the model provider, not from our own services"
    )
    assert cockpit._checks["Check 1"].value.startswith("errors by upstream: 5xx")
    assert cockpit.script[-1] == ScriptLine(150, "check", ("1",))
    cockpit.inputs["symptom"].value = "gpu_capacity"
    cockpit.buttons["Check 1"].click()
    assert cockpit.said.endswith("as on any day")
    assert cockpit.script[-1] == ScriptLine(150, "check", ("1", "gpu_capacity"))


def test_an_incident_without_a_runbook_opens_none() -> None:
    cockpit = Cockpit(SCENARIOS["silent_edge"])
    cockpit.play([ScriptLine(140, "look")])
    assert cockpit.desk.incident is not None
    assert cockpit.inputs["symptom"].value == ""
    assert cockpit.buttons["Check 1"].disabled


def test_every_action_has_a_button_or_an_input() -> None:
    assert {words[0] for words in BUTTONS.values()} | {"runbook"} == set(ACTIONS)
    assert set(INPUTS) <= set(ACTIONS)
    assert max(len(book.checks) for book in RUNBOOKS.values()) == sum(
        name.startswith("Check") for name in BUTTONS
    )


# --- what is shown -------------------------------------------------------------------------------


def test_the_model_is_the_header_in_plain_numbers(cockpit: Cockpit) -> None:
    assert cockpit.model == {
        "time": "18:30",
        "minute": 150,
        "sli": 0.4991,
        "burn": 14.99,
        "spent": cockpit.model["spent"],
        "incident": "INC-001",
        "state": "detected",
        "severity": "sev1",
        "paged": "ana",
        "fires": "14.4x 1h/5m",
        "in_effect": "",
        "harmed": "",
        "update_due": False,
    }
    assert cockpit.model["spent"] == pytest.approx(0.03, abs=0.002)
    for what in ("18:30", "49.9%", "15.0x", "INC-001 detected, sev1", "ana", "14.4x 1h/5m"):
        assert what in cockpit._header.value
    assert cockpit.text.startswith("18:30 UTC: SLI 49.9%, burn 15.0x over the last hour, 3.")
    assert cockpit.text.endswith(
        "of the budget spent; INC-001 is detected, sev1; paging: ana; fires: 14.4x 1h/5m."
    )


def test_a_second_incident_is_told_from_the_first_in_header_line_and_picture() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play([*TWO[:6], ScriptLine(206, "wait", ("0",))])
    names = [artist for name, artist in cockpit._plot.artists.items() if name.startswith("name ")]
    assert "Waits" not in cockpit._header.value
    assert [name.get_text() for name in names] == ["", "", ""]
    cockpit.buttons["+1 min"].click()
    assert (
        '>Incident</span> <b class="">INC-002 detected, sev2: The guardrail blocks'
        in cockpit._header.value
    )
    assert (
        '>Waits</span> <b class="">INC-001 mitigated, sev1: The model provider'
        in cockpit._header.value
    )
    assert "waits: INC-001 mitigated, sev1" in cockpit.text
    assert [name.get_text() for name in names] == ["INC-001", "INC-002", ""]
    for number, name in enumerate(names[:2]):  # each in the middle of its row
        heights = [corner[1] for kind in STATES.values() for corner in corners(cockpit, kind)]
        row = sorted(set(heights))[2 * number : 2 * number + 2]
        assert name.get_position()[1] == pytest.approx(sum(row) / 2)


def corners(cockpit: Cockpit, kind: str) -> list[tuple[float, float]]:
    """The corners of all bars of a kind, in the picture as it is now."""
    return [tuple(at) for path in cockpit._plot.artists[kind].get_paths() for at in path.vertices]


def test_what_people_type_is_shown_as_typed_and_never_as_markup(cockpit: Cockpit) -> None:
    cockpit.play([ScriptLine(150, "note", ("<b>&amp;</b>",))])
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in cockpit._timeline.value
    assert "<b>&amp;" not in cockpit._timeline.value


def test_the_journal_is_told_in_order_and_by_incident_where_there_are_two() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play(TWO)
    lines = journal_lines(cockpit.incidents)
    assert lines == sorted(lines, key=lambda line: line[:5])
    assert {line.split()[1] for line in lines} == {"INC-001", "INC-002"}
    assert not [line for line in lines if "measured" in line]


def test_the_scene_is_what_the_telemetry_and_the_journal_say(whole: Cockpit) -> None:
    desk = whole.desk
    shown = scene(desk, "the whole shift")
    assert (shown.left, shown.right, shown.now) == (0, 480, 480)
    assert shown.ends[-1] == 480
    assert shown.sli[-1] == pytest.approx(desk.sli * 100)
    assert len(shown.sli) == len(shown.burns[0]) == 481
    [page] = alert_intervals(desk.counts, desk.scenario.slo, desk.policy)
    assert page.end is not None
    assert [(begin, end) for begin, end, _ in shown.alerts] == [
        ((page.start - desk.scenario.start) / MINUTE, (page.end - desk.scenario.start) / MINUTE)
    ]
    assert shown.impact == ((132, 161),)
    assert [(begin, end) for begin, end, _ in shown.incidents[0]] == [
        *((132, 150), (150, 153), (153, 156), (156, 156), (156, 161), (161, 191), (191, 251))
    ]
    assert shown.applied == ((156, 480), (158, 480), (160, 480))
    assert (shown.acks, shown.triages, shown.updates) == (((153, 0),), ((156, 0),), (156, 161, 191))


def test_the_last_hours_end_now(cockpit: Cockpit) -> None:
    shown = scene(cockpit.desk, "the last 2 hours")
    assert (shown.left, shown.now) == (30, 150)
    assert shown.place(shown.left) == 0
    assert 0.97 < shown.place(shown.now) < 1


def test_a_mitigation_is_in_effect_until_it_is_rolled_back() -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play(FUMBLED)
    assert [(begin.minute, end and end.minute) for begin, end in in_effect(cockpit.incidents)] == [
        (36, 45),
        (48, None),
    ]


def test_the_kinds_of_bars_are_told_apart_by_more_than_their_colour(cockpit: Cockpit) -> None:
    alike = ("page", "unanswered", "ticket", "worked on")
    legend = {text.get_text(): patch for patch, text in legend_of(cockpit)}
    assert {(LOOKS[kind]["facecolor"], LOOKS[kind].get("hatch")) for kind in LOOKS} == {
        (to_hex(legend[kind].get_facecolor()).upper(), legend[kind].get_hatch()) for kind in LOOKS
    }
    assert len({legend[kind].get_hatch() for kind in alike}) == len(alike)
    for kind in LOOKS:
        artist = cockpit._plot.artists[kind]
        assert (to_hex(artist.get_facecolor()[0]), artist.get_hatch()) == (
            to_hex(legend[kind].get_facecolor()),
            legend[kind].get_hatch(),
        )


def test_no_letter_of_the_picture_is_small() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play([*TWO, ScriptLine(480, "end")])
    written = [text for text in cockpit._plot.figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in written) >= 8.5
    everything = cockpit._plot.figure.bbox
    for text in written:
        box = text.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= everything.x1, text.get_text()


def legend_of(cockpit: Cockpit) -> list[tuple[Any, Any]]:
    [legend] = cockpit._plot.figure.legends
    return list(zip(legend.legend_handles, legend.get_texts(), strict=True))


def test_each_kind_is_drawn_where_it_is_so() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play([*TWO, ScriptLine(480, "end")])
    shown = scene(cockpit.desk, "the whole shift")
    for kind in LOOKS:
        bars = [bar for own in (*shown.incidents, shown.alerts) for bar in own if bar[2] == kind]
        assert bars
        assert len(cockpit._plot.artists[kind].get_paths()) == len(bars)


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("view", VIEWS)
def test_the_picture_is_what_matplotlib_draws_afresh(view: str) -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play(GOOD[:8])  # through a change of the axes
    cockpit.inputs["view"].value = view
    kept = pixels(cockpit.png)
    plot = cockpit._plot
    for artist in plot.artists.values():
        artist.set_animated(False)
    with styled():
        canvas = FigureCanvasAgg(plot.figure)
        canvas.draw()
    fresh = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    # What moves lies over the dashes, the grid and the frame, not under them.
    assert (np.abs(kept - fresh).max(axis=2) > 8).mean() < 0.02


def parts(cockpit: Cockpit) -> int:
    """How much the figure and its axes hold; of an axis itself the ticks come and go."""
    figure = cockpit._plot.figure
    return sum(len(one.get_children()) for one in (figure, *figure.axes))


def test_nothing_is_added_to_the_figure_while_it_is_played() -> None:
    cockpit = Cockpit(SCENARIOS["two_incidents"])
    cockpit.play(TWO[:1])  # the axes have grown
    before = parts(cockpit)
    cockpit.play(TWO[1:])
    assert parts(cockpit) == before


def test_the_picture_moves_with_time_and_with_the_view(cockpit: Cockpit) -> None:
    seen = [cockpit.png]
    cockpit.buttons["+1 min"].click()
    seen.append(cockpit.png)
    cockpit.inputs["view"].value = "the whole shift"
    seen.append(cockpit.png)
    assert len(set(seen)) == 3


def test_an_action_redraws_in_less_time_than_the_same_plot_drawn_anew(cockpit: Cockpit) -> None:
    def took(do: Any) -> float:
        begin = perf_counter()
        do()
        return perf_counter() - begin

    action = min(took(cockpit.buttons["+1 min"].click) for _ in range(5))
    anew = min(
        took(lambda: LivePlot(cockpit.desk).draw(cockpit.desk, "the last 2 hours"))
        for _ in range(3)
    )
    assert action < 0.8 * anew


def test_a_service_without_a_request_can_be_shown() -> None:
    cockpit = Cockpit(SCENARIOS["silent_edge"])
    cockpit.play([ScriptLine(140, "look")])
    assert "no requests" in cockpit._header.value
    assert cockpit.model["sli"] is None
    cockpit.play([ScriptLine(480, "end")])
    assert cockpit.over


# --- the debrief ---------------------------------------------------------------------------------


def test_the_debrief_opens_at_the_end_or_when_it_is_asked_for(cockpit: Cockpit) -> None:
    assert cockpit.debrief.layout.display == "none"
    cockpit.buttons["Debrief"].click()
    assert cockpit.debrief.layout.display == "flex"
    assert cockpit.debrief.card.layout.display == "none"  # it would tell what is still to come
    cockpit.buttons["+1 min"].click()
    assert cockpit.debrief.layout.display == "none"
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.debrief.layout.display == cockpit.debrief.card.layout.display == "flex"


def test_the_score_card_is_the_score_against_the_reference(whole: Cockpit) -> None:
    book = run_shift(SCENARIOS["provider_outage"], 1, reference)
    assert whole.scores == score_shift(whole.incidents, book.incidents)
    assert mean_points(whole.scores) == 100
    shown = whole.debrief.card._table.value
    for dimension in whole.scores["INC-001"].dimensions:
        assert f"{dimension.name} {dimension.points} of {dimension.most}" in shown
    assert whole.debrief.card._line.value.startswith(
        "100 of 100. Yours: INC-001 detected 18:30, acknowledged 18:33"
    )


def test_the_two_timelines_hold_what_was_done_when_and_what_it_cost(whole: Cockpit) -> None:
    late = run_shift(SCENARIOS["provider_outage"], 1, lambda desk: None)
    plot = plot_responses(late, whole.shift, whole.debrief.scores(late))
    yours, book, burned, _ = plot.figure.axes
    assert yours.get_title(loc="left") == f"Yours: {mean_points(whole.debrief.scores(late))} of 100"
    assert [line.get_xdata().size for line in yours.lines] == [1, 0, 0, 0, 0, 0, 0]
    assert [line.get_xdata().size for line in book.lines] == [1, 1, 1, 3, 1, 1, 3]
    assert yours.get_xlim() == book.get_xlim() == burned.get_xlim()
    assert plot.numbers == describe_responses(late, whole.shift, whole.debrief.scores(late))
    assert budget_burned(whole.shift)[-1] == pytest.approx(whole.desk.spent)


def test_the_line_under_the_two_timelines_says_where_their_curves_end(whole: Cockpit) -> None:
    forgets = Cockpit(SCENARIOS["provider_outage"])
    forgets.play([ScriptLine(153, "ack"), ScriptLine(480, "end")])
    plot = forgets.score_card()
    *_, burned, booked = plot.figure.axes
    for axes, said in ((burned, "Yours: "), (booked, "The reference: ")):
        told = (
            plot.numbers.partition(said)[2]
            .partition("% by 19:16, where its curve ends)")[0]
            .rpartition("(")[2]
        )
        assert axes.lines[0].get_ydata()[-1] == pytest.approx(float(told), abs=0.005)
    assert f"{forgets.desk.spent:.2%} of the budget burned by 00:00 (" in plot.numbers


def test_a_shift_without_an_incident_has_a_debrief() -> None:
    cockpit = Cockpit(SCENARIOS["quiet_shift"])
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.scores == {}
    assert "100 of 100. Yours: no incident" in cockpit.debrief.card._line.value


@pytest.fixture
def resolved() -> Cockpit:
    """A cockpit with an incident that is resolved, at its debrief."""
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play(GOOD[:-1])
    cockpit.buttons["Debrief"].click()
    return cockpit


def test_the_editor_begins_with_what_was_learnt_and_lints_as_you_type(resolved: Cockpit) -> None:
    review = resolved.debrief.reviews["INC-001"]
    assert review.editor.value == postmortem(resolved.incidents[0])
    assert "The lint: 0 findings" in review._findings.value
    review.editor.value = review.editor.value.replace(
        "It waited for a person.", "Bo broke the failover & left."
    )
    assert (
        "The lint: 2 findings" in review._findings.value
    )  # where it was learnt, and in the timeline
    assert "<b>Bo broke</b> (blame-person)" in review._findings.value
    line = review.editor.value[: review.editor.value.index("Bo broke")].count("\n") + 1
    assert f"line {line}," in review._findings.value


def test_the_regression_case_is_proved_by_the_action_items_of_the_text(resolved: Cockpit) -> None:
    review = resolved.debrief.reviews["INC-001"]
    assert "regression-INC-001" in review._proof.value
    assert (
        "Proved: without the fix, not restored within 25m; with it, paged after 18m"
        in review._proof.value
    )
    review.editor.value = "\n".join(
        line for line in review.editor.value.splitlines() if "serve_cached" not in line
    )
    assert "Not proved" in review._proof.value


def test_filing_closes_the_incident_with_the_text_and_follows_the_journal_until_then(
    resolved: Cockpit,
) -> None:
    review = resolved.debrief.reviews["INC-001"]
    resolved.play([ScriptLine(200, "learn", ("lucky", "It rained."))])
    resolved.buttons["Debrief"].click()
    assert "It rained." in review.editor.value  # nobody had edited it
    review.button.click()
    [incident] = resolved.incidents
    assert incident.state == "closed"
    assert incident.postmortem == review.editor.value
    assert resolved.script[-1] == ScriptLine(200, "close")
    assert review.button.disabled


def test_an_incident_that_is_not_resolved_cannot_be_filed(cockpit: Cockpit) -> None:
    cockpit.buttons["Debrief"].click()
    review = cockpit.debrief.reviews["INC-001"]
    assert review.button.disabled
    review.button.click()
    assert cockpit.said.startswith("not done: INC-001 is detected: close is not allowed")
    assert cockpit.incidents[0].state == "detected"


def test_after_the_shift_it_can_still_be_filed() -> None:
    cockpit = Cockpit(SCENARIOS["provider_outage"])
    cockpit.play([*GOOD[:-1], ScriptLine(480, "end")])
    assert cockpit.incidents[0].state == "resolved"
    cockpit.debrief.reviews["INC-001"].button.click()
    assert cockpit.incidents[0].state == "closed"
    assert cockpit.scores["INC-001"].points == 100
    assert cockpit.debrief.card._line.value.startswith("100 of 100")


# --- without a kernel ----------------------------------------------------------------------------


def test_without_a_kernel_it_shows_its_picture_and_one_line_of_text(cockpit: Cockpit) -> None:
    data, metadata = cockpit._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png"}
    assert data["text/plain"] == cockpit.text == metadata["image/png"]["alt"]
    assert "\n" not in cockpit.text
    assert (data, metadata) == to_the_page()._repr_mimebundle_()  # the same bytes every time


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel, as far as a widget can tell."""

    class Silent(comm.base_comm.BaseComm):  # type: ignore[misc]
        def publish_msg(self, *args: Any, **kwargs: Any) -> None:
            pass

    monkeypatch.setattr(comm, "create_comm", Silent)


@pytest.mark.usefixtures("live")
def test_with_a_kernel_the_live_widget_is_there_too() -> None:
    data, _ = to_the_page()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
