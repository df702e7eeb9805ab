"""The cockpit's debrief: the postmortem to edit and file, and the score beside the reference's."""

from __future__ import annotations

import re
from html import unescape

import pytest
from cockpit_shifts import END, GOOD, OUTAGE, TWO, cockpit_after, html, to_the_page, until

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score_shift
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import run_shift
from oncall.gameday.truth import Step, steps_of
from oncall.postmortem import draft_postmortem
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.debrief import budget_burned, plot_responses


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


@pytest.fixture(scope="module")
def whole() -> Cockpit:
    """A shift played well, to its end."""
    return cockpit_after(OUTAGE, *GOOD, END)


def test_the_debrief_opens_at_the_end_or_when_it_is_asked_for(cockpit: Cockpit) -> None:
    assert cockpit.debrief.layout.display == "none"
    cockpit.buttons["Debrief"].click()
    assert cockpit.debrief.layout.display == "flex"
    assert cockpit.debrief.card.layout.display == "none"  # it would tell what is still to come
    cockpit.buttons["+1 min"].click()
    assert cockpit.debrief.layout.display == "none"
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.debrief.layout.display == cockpit.debrief.card.layout.display == "flex"


def test_before_the_end_nothing_tells_of_the_hours_to_come(cockpit: Cockpit) -> None:
    cockpit.play([*GOOD[1:3], until(170)])
    cockpit.buttons["Debrief"].click()
    assert "reference" not in cockpit.debrief.__dict__  # it has not been played
    assert "The reference" not in html(cockpit)
    with pytest.raises(ValueError, match="it can be scored at 00:00, play until then"):
        cockpit.score  # noqa: B018
    with pytest.raises(ValueError, match="the shift is not over"):
        cockpit.score_card()


def test_the_score_of_two_incidents_is_one(cockpit: Cockpit) -> None:
    cockpit = cockpit_after("two_incidents", *TWO, END)
    assert list(cockpit.debrief.reviews) == ["INC-001", "INC-002"]
    [heading] = re.findall("<h4>(.* of 100;.*)</h4>", html(cockpit.debrief.card))
    assert heading.startswith(f"{cockpit.score.points} of 100; the reference ")
    truth = html(cockpit.debrief.card).split("<li>")[1:]
    assert [line[:5] for line in truth] == ["17:13", "18:28"]


def test_the_incident_at_hand_is_the_one_that_can_be_filed() -> None:
    cockpit = cockpit_after("two_incidents", *TWO[:12], until(200))
    assert cockpit.model["incident"] == "INC-002"
    cockpit.buttons["Other incident"].click()
    cockpit.buttons["Resolved"].click()
    cockpit.buttons["Debrief"].click()
    can_be_filed = {
        name: not form.button.disabled for name, form in cockpit.debrief.reviews.items()
    }
    assert can_be_filed == {"INC-001": True, "INC-002": False}


def test_the_score_card_is_the_score_against_the_reference(whole: Cockpit) -> None:
    reference_shift = run_shift(SCENARIOS[OUTAGE], 1, reference)
    assert whole.score == score_shift(whole.incidents, whole.shift.truth)
    assert whole.score.points == 100
    card = unescape(html(whole.debrief.card))
    for dimension in whole.score.dimensions:
        assert f"{dimension.name} {dimension.points} of {dimension.most}" in card
        assert dimension.why in card
    assert card.startswith("100 of 100. Yours: INC-001 detected 18:30, acknowledged 18:32")
    assert f"100 of 100; the reference {reference_shift.score.points}" in card
    assert "18:12 A model provider fails requests (upstream=north)" in card


def test_the_two_timelines_hold_what_was_done_when_and_what_it_cost(whole: Cockpit) -> None:
    nobody = run_shift(SCENARIOS[OUTAGE], 1, lambda desk: None)
    plot = plot_responses(nobody, whole.shift)
    yours, theirs, burned, _ = plot.figure.axes
    assert yours.get_title(loc="left") == "Yours: 0 of 100"
    assert theirs.get_title(loc="left") == "The reference's: 100"
    assert [line.get_xdata().size for line in yours.lines] == [1, 0, 0, 0, 0, 0, 0]
    assert [line.get_xdata().size for line in theirs.lines] == [1, 1, 1, 3, 1, 1, 4]
    assert yours.get_xlim() == theirs.get_xlim() == burned.get_xlim()
    assert plot.numbers == (
        "0 of 100. Yours: INC-001 detected 18:30; 42.04% of the budgets burned by 00:00 "
        "(11.96% by 19:30, where its curve ends). The reference: INC-001 detected 18:30, "
        "acknowledged 18:32, triaged 18:33, mitigation 18:40, mitigated 18:51, resolved 19:25; "
        "5.57% of the budgets burned by 00:00 (4.96% by 19:30, where its curve ends)."
    )
    truth = whole.shift.truth
    assert budget_burned(nobody)[-1] == pytest.approx(truth.nobody)
    assert budget_burned(whole.shift)[-1] == pytest.approx(truth.harm(truth_steps(whole)))


def truth_steps(cockpit: Cockpit) -> list[Step]:
    """What was applied in a shift and when it showed."""
    return steps_of(cockpit.incidents, cockpit.shift.truth)


def test_the_line_under_the_two_timelines_says_where_their_curves_end(whole: Cockpit) -> None:
    forgets = cockpit_after(OUTAGE, ScriptLine(153, "ack"), END)
    plot = forgets.score_card()
    *_, mine, theirs = plot.figure.axes
    for axes, whose in ((mine, "Yours: "), (theirs, "The reference: ")):
        found = re.search(r"\(([\d.]+)% by \d\d:\d\d, where", plot.numbers.partition(whose)[2])
        assert found is not None
        assert axes.lines[0].get_ydata()[-1] == pytest.approx(float(found[1]), abs=0.005)
    burned = budget_burned(forgets.shift)[-1]
    assert f"{burned:.2%} of the budgets burned by 00:00 (" in plot.numbers


def test_a_shift_without_an_incident_has_a_debrief() -> None:
    cockpit = Cockpit(SCENARIOS["quiet_shift"])
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.score.points == 100
    assert html(cockpit.debrief.card).startswith("100 of 100. Yours: no incident")


@pytest.fixture
def resolved() -> Cockpit:
    """A cockpit with an incident that is resolved, at its debrief."""
    cockpit = cockpit_after(OUTAGE, *GOOD[:-1])
    cockpit.buttons["Debrief"].click()
    return cockpit


def test_the_editor_begins_with_what_was_learnt_and_lints_as_you_type(resolved: Cockpit) -> None:
    review = resolved.debrief.reviews["INC-001"]
    text = review.editor.value
    assert text == draft_postmortem(resolved.incidents[0])
    assert "The lint: 0 findings" in html(review)
    blaming = text.replace("It waited for a person.", "Bo broke the failover & left.")
    review.editor.value = blaming
    assert "The lint: 2 findings" in html(review)  # where it was learnt, and in the timeline
    assert "<b>Bo broke</b> (blame-person)" in html(review)
    line = blaming[: blaming.index("Bo broke")].count("\n") + 1
    assert f"line {line}," in html(review)


def test_the_regression_case_is_proved_by_the_action_items_of_the_text(resolved: Cockpit) -> None:
    review = resolved.debrief.reviews["INC-001"]
    proof = "Proved: without the fix, not restored within 25m; with it, paged after 18m"
    assert "regression-INC-001" in html(review)
    assert proof in html(review)
    lines = review.editor.value.splitlines()
    review.editor.value = "\n".join(line for line in lines if "serve_cached" not in line)
    assert "Not proved" in html(review)


def test_filing_closes_the_incident_with_the_text_and_follows_the_journal_until_then(
    resolved: Cockpit,
) -> None:
    review = resolved.debrief.reviews["INC-001"]
    resolved.play([ScriptLine(211, "learn", ("lucky", "It rained."))])
    resolved.buttons["Debrief"].click()
    assert "It rained." in review.editor.value  # nobody had edited it
    review.button.click()
    [incident] = resolved.incidents
    assert incident.state == "closed"
    assert incident.postmortem == review.editor.value
    assert resolved.script[-1] == ScriptLine(211, "close")
    assert review.button.disabled


def test_an_incident_that_is_not_resolved_cannot_be_filed(cockpit: Cockpit) -> None:
    cockpit.buttons["Debrief"].click()
    review = cockpit.debrief.reviews["INC-001"]
    assert review.button.disabled
    review.button.click()
    assert cockpit.said.startswith("not done: INC-001 is detected: close is not allowed")
    assert cockpit.incidents[0].state == "detected"


def test_after_the_shift_it_can_still_be_filed() -> None:
    cockpit = cockpit_after(OUTAGE, *GOOD[:-1], END)
    assert cockpit.incidents[0].state == "resolved"
    cockpit.debrief.reviews["INC-001"].button.click()
    assert cockpit.incidents[0].state == "closed"
    assert cockpit.score.points == 100
    assert html(cockpit.debrief.card).startswith("100 of 100")
