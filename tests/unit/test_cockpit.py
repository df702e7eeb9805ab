"""The cockpit: a script by its buttons is the shift that it is without them, and can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comm
import pytest
from cockpit_shifts import (
    END,
    FUMBLED,
    GOOD,
    OUTAGE,
    TWO,
    cockpit_after,
    played,
    to_the_page,
    until,
)
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.catalogue import CAUSES, RUNBOOKS
from oncall.gameday.actions import ACTIONS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.people import PEOPLE
from oncall.gameday.script import ScriptLine, read_script, scripted
from oncall.gameday.shift import run_shift
from oncall.journal import LEARN_KINDS, SECURITY_STEPS, STATUSES
from oncall.mitigations import MITIGATIONS
from oncall.severity import SEVERITIES
from oncall.workbook.cockpit import Cockpit

NOTHING_WRONG = (
    ScriptLine(5, "declare"),
    ScriptLine(9, "ack"),
    ScriptLine(9, "false_alarm"),
    ScriptLine(70, "declare"),
)
CALLED_FALSE = (
    ScriptLine(153, "ack"),
    ScriptLine(154, "look", ("errors", "by", "tenant")),
    ScriptLine(156, "suspect", ("load_test",)),
    ScriptLine(156, "triage", ("sev5",)),
    ScriptLine(157, "false_alarm"),
)
IN_NO_RUNBOOK = (ScriptLine(155, "ack"), ScriptLine(160, "apply", ("cache_everything",)))
PLAYED: list[tuple[str, tuple[ScriptLine, ...]]] = [
    (OUTAGE, GOOD),
    (OUTAGE, FUMBLED),
    (OUTAGE, ()),
    (OUTAGE, IN_NO_RUNBOOK),
    ("two_incidents", TWO),
    ("silent_edge", GOOD),
    ("quiet_shift", NOTHING_WRONG),
    ("false_alarm", CALLED_FALSE),
    ("openai_2024_12_04", GOOD),
]


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


@pytest.fixture(scope="module")
def whole() -> Cockpit:
    """A shift played well, to its end."""
    return cockpit_after(OUTAGE, *GOOD, END)


# --- the same shift ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "script"), PLAYED)
def test_a_script_played_by_buttons_is_the_shift_that_it_is_without_them(
    name: str, script: tuple[ScriptLine, ...]
) -> None:
    cockpit = cockpit_after(name, *script, END)
    assert cockpit.incidents == played(name, script)
    assert cockpit.shift == run_shift(SCENARIOS[name], 1, scripted(script))


@given(st.data())
@examples(6)
def test_any_script_played_by_buttons_is_the_shift_that_it_is_without_them(
    data: st.DataObject,
) -> None:
    symptom, mitigation = st.sampled_from(sorted(RUNBOOKS)), st.sampled_from(sorted(MITIGATIONS))
    lesson, text = st.sampled_from(["fail_over", "It was dark."]), st.text(max_size=5)
    looks = ["", "logs", "errors", "errors by upstream", "latency in region=eu", "lag by region"]
    aim, status = st.sampled_from(["north", "g1", "C101", ""]), st.sampled_from(STATUSES)
    aimed = st.tuples(mitigation) | st.tuples(mitigation, aim)
    percent = st.sampled_from(["40", "5.5%", "x"])
    words: dict[str, st.SearchStrategy[tuple[str, ...]]] = {
        "wait": st.tuples(st.integers(0, 30).map(str)),
        "look": st.sampled_from(
            [*(tuple(look.split()) for look in looks), ("errors by upstream",)]
        ),
        "page": st.tuples(st.sampled_from(sorted(PEOPLE))),
        "suspect": st.tuples(st.sampled_from(sorted(CAUSES))),
        "secure": st.tuples(st.sampled_from([*SECURITY_STEPS])),
        "predict": st.tuples(percent),
        "use": st.tuples(st.sampled_from(["INC-001", "INC-002", "inc-001"])),
        "ask": aimed,
        "runbook": st.tuples(symptom),
        "check": st.tuples(st.sampled_from("129"), symptom),
        "ack": st.sampled_from([(), ("bo",)]),
        "triage": st.tuples(st.sampled_from(SEVERITIES)),
        "handover": st.just(("bo",)),
        "apply": aimed,
        "rollback": st.tuples(mitigation),
        "learn": st.tuples(st.sampled_from([*LEARN_KINDS]), lesson),
        "update": st.tuples(text) | st.tuples(status, text) | st.tuples(status, percent, text),
        "note": st.tuples(text),
    }

    def line(action: str) -> st.SearchStrategy[ScriptLine]:
        minute = st.integers(140, 470)
        return st.builds(ScriptLine, minute, st.just(action), words.get(action, st.just(())))

    actions = st.sampled_from([*ACTIONS, "ack", "triage", "apply", "mitigated", "resolve"])
    lines = data.draw(st.lists(actions.flatmap(line), max_size=40))
    script = tuple(sorted(lines, key=lambda line: line.minute))
    name = data.draw(st.sampled_from([OUTAGE, "two_incidents", "surprise", "flapping_provider"]))
    cockpit = cockpit_after(name, *script)
    cockpit.play([END])
    assert cockpit.incidents == played(name, script)


def test_a_script_in_parts_is_the_same_shift() -> None:
    cockpit = Cockpit(SCENARIOS[OUTAGE])
    for line in GOOD:
        cockpit.play([line])
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.incidents == played(OUTAGE, GOOD)


def test_playing_tells_what_came_of_each_line() -> None:
    replies = Cockpit(SCENARIOS[OUTAGE]).play(FUMBLED[:7])
    none_open = "no incident is open; declare one, or wait for an alert"
    assert len(replies) == 7
    assert replies[0] == f"16:10 ack: not done: {none_open}"
    assert replies[2].startswith("16:30 wait: not done: minutes are a whole number")
    assert replies[3].startswith("16:40 pray: not done: unknown action 'pray'")
    assert replies[6] == "18:33 ack: acknowledged"


# --- what was done can be played again -----------------------------------------------------------


def test_what_was_done_is_a_script_that_gives_the_same_shift(tmp_path: Path) -> None:
    cockpit = cockpit_after(OUTAGE, *FUMBLED)
    cockpit.save(tmp_path / "mine.json")
    assert read_script(tmp_path / "mine.json") == cockpit.script
    again = cockpit_after(OUTAGE, *cockpit.script)
    assert again.incidents == cockpit.incidents == played(OUTAGE, cockpit.script)
    assert again.model == cockpit.model


def test_the_script_holds_what_was_done_and_not_what_was_refused(whole: Cockpit) -> None:
    assert whole.script == (*GOOD, END)
    cockpit = Cockpit(SCENARIOS[OUTAGE])
    assert cockpit.script == ()
    looked = ScriptLine(12, "look", ("logs",))
    cockpit.play([ScriptLine(10, "ack"), looked, ScriptLine(15, "mitigated")])
    assert cockpit.script == (looked, until(15))


def test_an_edited_postmortem_is_kept_word_for_word_in_the_script(tmp_path: Path) -> None:
    cockpit = cockpit_after(OUTAGE, *GOOD[:-1], until(251))
    cockpit.buttons["Debrief"].click()
    review = cockpit.debrief.reviews["INC-001"]
    review.editor.value += "\n## What we ask\n\nWho else has  this?\n"
    text = review.editor.value
    review.button.click()
    assert cockpit.incidents[0].postmortem == text
    assert cockpit.script[-1] == ScriptLine(251, "close", (text,))
    again = cockpit_after(OUTAGE, *cockpit.script)
    assert again.incidents == cockpit.incidents
    cockpit.save(tmp_path / "mine.json")
    saved = scripted(read_script(tmp_path / "mine.json"))
    assert run_shift(SCENARIOS[OUTAGE], 1, saved).incidents == cockpit.incidents


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


def test_what_is_no_scenario_is_named() -> None:
    with pytest.raises(TypeError, match="a cockpit needs a Scenario, given 'flapping_provider'"):
        Cockpit("flapping_provider")  # type: ignore[arg-type]


def test_lines_out_of_order_are_refused_and_nothing_is_played() -> None:
    cockpit = Cockpit(SCENARIOS["quiet_shift"])
    with pytest.raises(ValueError, match="minute 50 stands after minute 105"):
        cockpit.play([ScriptLine(105, "look"), ScriptLine(50, "look")])
    assert cockpit.script == ()
