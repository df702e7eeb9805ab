"""Lesson 10: the evening that its cells play, and what it is worth."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stored import cells, source

from oncall.catalogue import RUNBOOKS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scoring import mean_points, score_shift
from oncall.gameday.script import ScriptLine, scripted
from oncall.gameday.shift import run_shift
from oncall.postmortem import read_action_items
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.controls import BUTTONS, INPUTS, NEEDED

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "10_full_shift.ipynb"
SCENARIO = SCENARIOS["provider_outage"]


@pytest.fixture(scope="module")
def cockpit(lesson: dict[str, Any]) -> Cockpit:
    found: Cockpit = lesson["cockpit"]
    return found


def text_of(name: str) -> str:
    [text] = [source(cell) for cell in cells(NOTEBOOK, "markdown") if cell["id"] == name]
    return text


def at(cockpit: Cockpit, verb: str) -> list[int]:
    """The minutes of the shift at which something was done."""
    [incident] = cockpit.incidents
    return [
        (event.at - SCENARIO.start) // MINUTE for event in incident.events if event.verb == verb
    ]


# --- the evening ---------------------------------------------------------------------------------


def test_the_evening_is_the_one_that_the_text_tells(cockpit: Cockpit) -> None:
    [incident] = cockpit.incidents
    assert (incident.impact_start - SCENARIO.start) // MINUTE == 132
    assert at(cockpit, "detect") == [150]
    assert at(cockpit, "acknowledge") == [154]
    assert at(cockpit, "triage") == [161, 170]
    assert at(cockpit, "mitigate") == [162, 170, 172]
    assert at(cockpit, "mitigated") == [164, 173]
    assert at(cockpit, "update") == [161, 164, 173, 203]
    assert (at(cockpit, "resolve"), at(cockpit, "close")) == ([203], [215])
    assert {name: value // MINUTE for name, value in vars(incident.metrics()).items() if value} == {
        "ttd": 18,
        "tta": 4,
        "ttm": 23,
        "ttr": 53,
        "impact": 41,
    }


def test_both_mistakes_are_in_the_journal(cockpit: Cockpit) -> None:
    [incident] = cockpit.incidents
    assert [event.get("severity") for event in incident.events if event.verb == "triage"] == [
        "sev2",
        "sev1",
    ]
    too_early, late_enough = (event.at for event in incident.events if event.verb == "mitigated")
    counts = cockpit.shift.counts
    for moment, was_so in ((too_early, False), (late_enough, True)):
        minute = counts.slice(moment - MINUTE, moment)
        assert (minute.good[0] / minute.total[0] >= SCENARIO.slo.target) == was_so


def test_failing_over_leaves_what_the_cell_works_out_by_hand(cockpit: Cockpit) -> None:
    [incident] = cockpit.incidents
    look_again = SCENARIO.start + 170 * MINUTE
    minute = cockpit.shift.counts.slice(look_again - MINUTE, look_again)
    assert minute.good[0] / minute.total[0] == pytest.approx(1 - 0.50 * (1 - 0.70), abs=0.005)
    assert [one.name for one in RUNBOOKS[incident.symptom].mitigations] == [
        "fail_over",
        "serve_cached",
        "serve_degraded",
    ]


def test_without_the_edited_text_any_responder_plays_the_same_shift(cockpit: Cockpit) -> None:
    [mine] = cockpit.incidents
    script = [
        replace(line, words=()) if line.action == "close" else line for line in cockpit.script
    ]
    [same] = run_shift(SCENARIO, 1, scripted(script)).incidents
    assert same.events[:-1] == mine.events[:-1]


def test_the_text_names_the_boxes_that_the_buttons_read_and_how_to_open_an_incident(
    lesson: dict[str, Any],
) -> None:
    inputs = lesson["mine"].inputs
    for box in {inputs[INPUTS[action][-1]].description for action in NEEDED}:
        assert f"*{box}*" in text_of("about-turn")
    assert "Declare opens an incident" in text_of("about-turn")


def test_the_cockpit_of_the_lesson_stands_at_the_end_and_the_readers_at_the_beginning(
    lesson: dict[str, Any],
) -> None:
    assert lesson["cockpit"].over
    assert lesson["cockpit"].debrief.layout.display == "flex"
    mine = lesson["mine"]
    assert mine.model["minute"] == 0
    assert mine.script == ()
    assert len(run_shift(mine.desk.scenario, 1, reference).incidents) == 2
    assert {name for name in BUTTONS if not mine.buttons[name].disabled} == {
        "+1 min",
        "+5 min",
        "+15 min",
        "Next event",
        "Rest of shift",
        "Metrics",
        "Logs",
        "Provider status",
        "Declare",
    }


# --- what it is worth ----------------------------------------------------------------------------


def test_the_debrief_proves_what_the_text_says(cockpit: Cockpit) -> None:
    [incident] = cockpit.incidents
    case, items = to_eval_case(incident), read_action_items(incident.postmortem or "")
    assert [one.automates for one in items] == ["fail_over", "serve_cached", "serve_degraded"]
    assert (case.page_within, case.restore_within) == (19 * MINUTE, 25 * MINUTE)
    assert prove(case, incident, items).passed
    assert not any(
        prove(case, incident, [one for one in items if one is not out]).passed for out in items
    )
    assert "The lint: 0 findings" in cockpit.debrief.reviews["INC-001"]._findings.value


def test_the_scores_are_those_of_the_text(cockpit: Cockpit, lesson: dict[str, Any]) -> None:
    book = run_shift(SCENARIO, 1, reference).incidents
    assert cockpit.scores == score_shift(cockpit.incidents, book)
    card = cockpit.scores["INC-001"]
    assert card.points == 94
    assert {
        one.name: one.most - one.points for one in card.dimensions if one.points < one.most
    } == {"budget": 6}
    assert [
        lesson["points"](script) for script in (lesson["late"], [ScriptLine(153, "ack")], [])
    ] == [66, 15, 0]
    assert mean_points(score_shift(book, book)) == 100


def test_the_score_card_draws_both_evenings_on_one_axis(cockpit: Cockpit) -> None:
    yours, book, *_ = cockpit.score_card().figure.axes
    assert [line.get_xdata().size for line in yours.lines] == [1, 1, 2, 3, 2, 1, 4]
    assert [line.get_xdata().size for line in book.lines] == [1, 1, 1, 3, 1, 1, 3]
    assert yours.get_xlim() == book.get_xlim()
    assert (
        "mitigated 18:53, resolved 19:23; 5.70% of the budget burned by 00:00"
        in cockpit.score_card().numbers
    )


def test_the_ends_of_the_curves_are_those_of_the_text(cockpit: Cockpit) -> None:
    curves = [axes.lines[0].get_ydata()[-1] for axes in cockpit.score_card().figure.axes[2:]]
    assert [f"{end:.2f}%" for end in curves] == re.findall(
        r"([\d.]+%) by 19:28", cockpit.score_card().numbers
    )
    assert "They end at {:.2f}% and {:.2f}%".format(*curves) in text_of("about-others")
