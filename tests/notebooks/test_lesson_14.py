"""Lesson 14: the evening that its cells play, and what it is worth."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stored import cell_with, cells, source

from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scoring import JUDGES, score_shift
from oncall.gameday.script import ScriptLine, scripted
from oncall.gameday.shift import run_shift
from oncall.postmortem import read_action_items
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.controls import BUTTONS, INPUTS, NEEDED

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "14_full_shift.ipynb"
SCENARIO = SCENARIOS["provider_outage"]


@pytest.fixture(scope="module")
def cockpit(lesson: dict[str, Any]) -> Cockpit:
    found: Cockpit = lesson["cockpit"]
    return found


def text_with(phrase: str) -> str:
    return source(cell_with(NOTEBOOK, phrase))


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
    assert at(cockpit, "triage") == [155, 172]
    assert at(cockpit, "look") == [157, 159, 161]  # what is in sight is no look
    assert at(cockpit, "suspect") == [161]
    assert at(cockpit, "mitigate") == [163, 173, 177]
    assert at(cockpit, "mitigated") == [165, 178]
    assert at(cockpit, "update") == [161, 165, 178, 208]
    assert (at(cockpit, "resolve"), at(cockpit, "close")) == ([208], [220])
    assert {name: value // MINUTE for name, value in vars(incident.metrics()).items() if value} == {
        "ttd": 18,
        "tta": 4,
        "ttm": 28,
        "ttr": 58,
        "impact": 46,
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
    look_again = SCENARIO.start + 171 * MINUTE
    minute = cockpit.shift.counts.slice(look_again - MINUTE, look_again)
    assert minute.good[0] / minute.total[0] == pytest.approx(1 - 0.50 * (1 - 0.70), abs=0.005)
    symptom = symptom_of(incident.cause)
    assert [one.name for one in RUNBOOKS[symptom].mitigations] == [
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
        assert f"*{box}*" in text_with("And now the cockpit.")
    assert "Declare opens an incident" in text_with("And now the cockpit.")


def test_the_cockpit_of_the_lesson_stands_at_the_end_and_the_readers_at_the_beginning(
    lesson: dict[str, Any],
) -> None:
    assert lesson["cockpit"].over
    assert lesson["cockpit"].debrief.layout.display == "flex"
    mine = lesson["mine"]
    assert mine.model["minute"] == 0
    assert mine.script == ()
    assert run_shift(mine.desk.scenario, mine.seed, reference).incidents
    assert {name for name in BUTTONS if not mine.buttons[name].disabled} == {
        "+1 min",
        "+5 min",
        "+15 min",
        "Next event",
        "Rest of shift",
        "Metrics",
        "Logs",
        "Provider status",
        "Changes",
        "Support",
        "Look",
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


def test_the_dimensions_and_their_points_are_told_before_the_shift_is_played() -> None:
    intro = text_with("# The full shift").partition("seven dimensions.")[2]
    told = [name.lower() for name in re.findall(r"\*(\w+)\*:", intro)]
    assert told == list(JUDGES)
    opened = next(cell for cell in cells(NOTEBOOK, "code"))["outputs"][0]["text"]
    points = ", ".join(f"{name} {most}" for name, (most, _) in JUDGES.items())
    assert points in "".join(opened)


def test_both_mistakes_cost_what_the_text_says(cockpit: Cockpit) -> None:
    score = cockpit.score
    assert score == score_shift(cockpit.incidents, cockpit.shift.truth)
    lost = {one.name: one.most - one.points for one in score.dimensions if one.points < one.most}
    assert lost == {"severity": 1, "safety": 5}
    assert score.points == 94
    whys = {one.name: one.why for one in score.dimensions}
    assert whys["severity"].startswith("12m too low")
    assert whys["safety"] == "At 18:45 it was called mitigated, and availability was below target."
    assert "The one of 18:45 was not: an SLI was below target." in whys["communication"]
    assert whys["harm"].startswith("6.3% of the budgets burned; 42.0% if nobody had come, 6.8%")


def without(script: tuple[ScriptLine, ...], *lines: ScriptLine) -> tuple[ScriptLine, ...]:
    """A script with some of its lines left out."""
    assert set(lines) <= set(script)
    return tuple(line for line in script if line not in lines)


def test_without_its_mistakes_the_evening_is_worth_more(cockpit: Cockpit) -> None:
    script = cockpit.script
    too_early = ScriptLine(165, "mitigated")
    too_low = ScriptLine(154, "triage", ("sev2", "ana", "comms=bo"))
    right = replace(too_low, words=("sev1", *too_low.words[1:]))
    mended = tuple(right if line == too_low else line for line in script)
    for better in (without(script, too_early), mended):
        assert run_shift(SCENARIO, 1, scripted(better)).score.points > cockpit.score.points


def test_late_forgetful_and_nobody_are_worth_what_the_goals_say(lesson: dict[str, Any]) -> None:
    scripts = (lesson["late"], [ScriptLine(153, "ack")], [])
    assert [lesson["points"](script) for script in scripts] == [79, 0, 0]
    assert run_shift(SCENARIO, 1, reference).score.points == 100


def test_players_who_do_not_look_come_far_behind_the_one_who_does() -> None:
    shown = cell_with(NOTEBOOK, "row_of, table", "code")["outputs"]
    [output] = shown
    table = "".join(output["text"]).partition("player")[2].splitlines()[1:]
    means = {line.split()[0]: float(line.split()[1]) for line in table}
    best = means.pop("reference")
    assert list(means) == ["nobody", "copycat", "restart", "trial"]
    assert max(means.values()) < 50 < 85 < best
    for name in set(means) - {"nobody"}:
        assert f"*{name}*" in text_with("Severity lost a point")


def test_the_score_card_draws_both_evenings_on_one_axis(cockpit: Cockpit) -> None:
    yours, book, *_ = cockpit.score_card().figure.axes
    assert [line.get_xdata().size for line in yours.lines] == [1, 1, 2, 3, 2, 1, 4]
    assert [line.get_xdata().size for line in book.lines] == [1, 1, 1, 3, 1, 1, 6]
    assert yours.get_xlim() == book.get_xlim()
    assert (
        "mitigated 18:58, resolved 19:28; 6.28% of the budgets burned by 00:00"
        in cockpit.score_card().numbers
    )


def test_the_ends_of_the_curves_are_those_of_the_text(cockpit: Cockpit) -> None:
    curves = [axes.lines[0].get_ydata()[-1] for axes in cockpit.score_card().figure.axes[2:]]
    assert [f"{end:.2f}%" for end in curves] == re.findall(
        r"([\d.]+%)\sby\s19:43", cockpit.score_card().numbers
    )
    assert "end at {:.2f}% and {:.2f}%".format(*curves) in text_with("Severity lost a point")
