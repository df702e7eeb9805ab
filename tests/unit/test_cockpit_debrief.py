"""The cockpit's debrief: the postmortem to edit and file, and the score beside the reference's."""

from __future__ import annotations

import pytest
from cockpit_shifts import END, GOOD, OUTAGE, cockpit_after, html, to_the_page

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score_shift
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import run_shift
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


def test_the_score_card_is_the_score_against_the_reference(whole: Cockpit) -> None:
    reference_shift = run_shift(SCENARIOS[OUTAGE], 1, reference)
    assert whole.scores == score_shift(whole.incidents, reference_shift.incidents)
    assert mean_points(whole.scores) == 100
    card = html(whole.debrief.card)
    for dimension in whole.scores["INC-001"].dimensions:
        assert f"{dimension.name} {dimension.points} of {dimension.most}" in card
    assert card.startswith("100 of 100. Yours: INC-001 detected 18:30, acknowledged 18:33")


def test_the_two_timelines_hold_what_was_done_when_and_what_it_cost(whole: Cockpit) -> None:
    late = run_shift(SCENARIOS[OUTAGE], 1, lambda desk: None)
    scores = whole.debrief.scores(late)
    plot = plot_responses(late, whole.shift, scores)
    yours, theirs, burned, _ = plot.figure.axes
    assert yours.get_title(loc="left") == f"Yours: {mean_points(scores)} of 100"
    assert [line.get_xdata().size for line in yours.lines] == [1, 0, 0, 0, 0, 0, 0]
    assert [line.get_xdata().size for line in theirs.lines] == [1, 1, 1, 3, 1, 1, 3]
    assert yours.get_xlim() == theirs.get_xlim() == burned.get_xlim()
    assert plot.numbers == (
        "0 of 100. Yours: INC-001 detected 18:30; 42.41% of the budget burned by 00:00 "
        "(10.09% by 19:16, where its curve ends). The reference: INC-001 detected 18:30, "
        "acknowledged 18:33, triaged 18:36, mitigation 18:36, mitigated 18:41, resolved 19:11; "
        "4.50% of the budget burned by 00:00 (4.31% by 19:16, where its curve ends)."
    )
    assert budget_burned(whole.shift)[-1] == pytest.approx(whole.desk.service.spent)


def test_the_line_under_the_two_timelines_says_where_their_curves_end(whole: Cockpit) -> None:
    forgets = cockpit_after(OUTAGE, ScriptLine(153, "ack"), END)
    plot = forgets.score_card()
    *_, mine, theirs = plot.figure.axes
    for axes, whose in ((mine, "Yours: "), (theirs, "The reference: ")):
        text = plot.numbers.partition(whose)[2].partition("% by 19:16, where its curve ends)")[0]
        percent = float(text.rpartition("(")[2])
        assert axes.lines[0].get_ydata()[-1] == pytest.approx(percent, abs=0.005)
    assert f"{forgets.desk.service.spent:.2%} of the budget burned by 00:00 (" in plot.numbers


def test_a_shift_without_an_incident_has_a_debrief() -> None:
    cockpit = Cockpit(SCENARIOS["quiet_shift"])
    cockpit.buttons["Rest of shift"].click()
    assert cockpit.scores == {}
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
    cockpit = cockpit_after(OUTAGE, *GOOD[:-1], END)
    assert cockpit.incidents[0].state == "resolved"
    cockpit.debrief.reviews["INC-001"].button.click()
    assert cockpit.incidents[0].state == "closed"
    assert cockpit.scores["INC-001"].points == 100
    assert html(cockpit.debrief.card).startswith("100 of 100")
