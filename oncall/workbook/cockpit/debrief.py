"""The debrief of a shift: each incident's postmortem and regression case, and the score card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from html import escape

import numpy as np
from ipywidgets import HTML, Button, Image, Layout, Textarea, VBox
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.gameday import Score, Shift, reference, run_shift
from oncall.gameday.pager import LADDER
from oncall.gameday.truth import steps_of
from oncall.incident import Incident
from oncall.postmortem import draft_postmortem, read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.scenario import Scenario
from oncall.times import DAY, MINUTE, duration_text
from oncall.workbook.cockpit.picture import clock_ticks
from oncall.workbook.plots import Plot, impact_span, styled
from oncall.workbook.plots.base import WIDTH, Floats, as_days
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, SHADE, SKY, VERMILION

EVENT_LANES = {  # by verb: what its lane is called, and its colour
    "detect": ("detected", VERMILION),
    "acknowledge": ("acknowledged", ORANGE),
    "triage": ("triaged", ORANGE),
    "mitigate": ("mitigation", BLUE),
    "mitigated": ("mitigated", SKY),
    "resolve": ("resolved", GREEN),
    "update": ("update", INK),
}


class Debrief(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """What is left to do and to see after a shift. ``file`` files the incident at hand with a text.

    It is hidden until it is shown. The score card comes only when the shift is over, for it tells
    what was still to come.
    """

    def __init__(self, scenario: Scenario, seed: int, file: Callable[[str], None]):
        self._scenario, self._seed, self._file = scenario, seed, file
        self.reviews: dict[str, ReviewForm] = {}
        self.card = ScoreCard()
        super().__init__([self.card], layout={"display": "none"})

    @cached_property
    def reference(self) -> Shift:
        """The same shift, played by the reference."""
        return run_shift(self._scenario, self._seed, reference)

    def show(self, shift: Shift, at_hand: str | None) -> None:
        """Show how it went up to here; only the incident ``at_hand`` can be filed."""
        for incident in shift.incidents:
            if incident.id not in self.reviews:
                self.reviews[incident.id] = ReviewForm(self._file)
            self.reviews[incident.id].show(incident, incident.id == at_hand)
        is_over = shift.counts.end >= shift.scenario.start + shift.scenario.length
        if is_over:
            self.card.show(shift, self.reference)
        self.card.layout.display = "flex" if is_over else "none"
        self.children = [*self.reviews.values(), self.card]
        self.layout.display = "flex"

    def hide(self) -> None:
        """Fold it away, because the shift goes on."""
        self.layout.display = "none"


# --- the postmortem ------------------------------------------------------------------------------


class ReviewForm(VBox):  # type: ignore[misc]
    """The postmortem of an incident: its text to edit, the lint's findings, and what it proves."""

    def __init__(self, file: Callable[[str], None]):
        self._incident: Incident | None = None
        self._written = ""  # what the journal alone says
        self._title, self._findings, self._proof = HTML(), HTML(), HTML()
        style = {"description_width": "auto"}
        layout = {"width": "auto", "height": "auto", "flex_flow": "column"}
        self.editor = Textarea(description="Postmortem", rows=16, style=style, layout=layout)
        left = Layout(width="auto", align_self="flex-start")
        self.button = Button(description="File the postmortem", layout=left)
        self.button.on_click(lambda _: file(self.editor.value))
        self.editor.observe(lambda _: self._review(), "value")
        super().__init__([self._title, self.editor, self._findings, self.button, self._proof])
        self.add_class("oncall-review")

    def show(self, incident: Incident, at_hand: bool) -> None:
        """Follow the journal. A text that was edited stays as it is until it is filed."""
        edited = self.editor.value != self._written
        self._incident = None  # so that the text is not reviewed twice
        self._written = incident.postmortem or draft_postmortem(incident)
        closed, resolved = incident.state == "closed", incident.state == "resolved"
        state = f"{incident.state}; it can be filed once it is resolved"
        if closed:
            state = "filed"
        elif resolved:
            state = "resolved, to be filed"
        self._title.value = f"<h4>{incident.id}: {escape(incident.title)} ({state})</h4>"
        self.button.disabled = not (at_hand and resolved)
        self.editor.disabled = closed
        if closed or not edited:
            self.editor.value = self._written
        self._incident = incident
        self._review()

    def _review(self) -> None:
        """Say what the lint finds in the text as it is now, and what its action items prove."""
        if self._incident is not None:
            self._findings.value = _findings(self.editor.value, self._incident)
            self._proof.value = _proof(self._incident, self.editor.value)


def _findings(text: str, incident: Incident) -> str:
    people, lowest = people_in(incident), lowest_measured(incident)
    findings = lint_postmortem(text, people=people, lowest_sli=lowest, whole=True)
    items = ""
    for finding in findings:
        advice = escape(f"{finding.why} {finding.suggestion}")
        phrase = f"<b>{escape(finding.phrase)}</b> ({finding.rule})"
        items += f"<li>line {finding.line}, {phrase}: {advice}</li>"
    plural = "" if len(findings) == 1 else "s"
    return f"<h4>The lint: {len(findings)} finding{plural}</h4><ul>{items}</ul>"


def people_in(incident: Incident) -> tuple[str, ...]:
    """Whoever is on the ladder, leads or has a role, with a capital as in a sentence."""
    names = [who for step in LADDER.steps for who in step.targets]
    for event in incident.events_of("triage"):
        names += [who for role, who in event.details if role != "severity"]
    return tuple(dict.fromkeys(str(name).capitalize() for name in names))


def lowest_measured(incident: Incident) -> float | None:
    """The lowest SLI that the journal measured; ``None`` when it measured nothing."""
    measures = [event for event in incident.events_of("measure") if event.get("total")]
    return min((event.get("good") / event.get("total") for event in measures), default=None)


def _proof(incident: Incident, text: str) -> str:
    """The incident as a regression case, and whether the action items of the text prove it."""
    try:
        case = to_eval_case(incident)
        verdict = prove(case, incident, read_action_items(text))
    except ValueError as error:
        return f"<h4>Regression case</h4>There is none: {escape(str(error))}."
    page, restore = duration_text(case.page_within), duration_text(case.restore_within)
    demand = (
        f"{case.symptom} at {case.error_ratio:.1%} failing: a page within {page}, "
        f"back at {case.slo.target:.4g} within {restore}, with only what is automated."
    )
    proved = f"{escape(verdict.why.capitalize())}."
    return f"<h4>Regression case {case.id}</h4>{escape(demand)}<br>{proved}"


# --- the score -----------------------------------------------------------------------------------


class ScoreCard(VBox):  # type: ignore[misc]
    """The score of a shift: your evening beside the reference's, and a line for each dimension."""

    def __init__(self) -> None:
        self._table, self._line = HTML(), HTML()
        self._picture = Image(format="png", layout={"width": "auto", "max_width": "820px"})
        super().__init__([self._picture, self._line, self._table])
        self.add_class("oncall-score")

    def show(self, mine: Shift, theirs: Shift) -> None:
        """Show how one shift compares with another, and what was wrong."""
        plot = plot_responses(mine, theirs)
        self._picture.value, self._line.value = plot.png(), escape(plot.numbers)
        points = f"<h4>{mine.score.points} of 100; the reference {theirs.score.points}</h4>"
        self._table.value = f"{points}{_truth(mine)}{_table(mine.score)}"


def _truth(shift: Shift) -> str:
    """What was wrong, as a list."""
    items = ""
    for hit in shift.truth.world.hits:
        onset = shift.scenario.start + hit.fault.start
        items += f"<li>{onset:%H:%M} {escape(hit.cause.title)} ({escape(hit.segment)})</li>"
    return f"<ul>{items or '<li>Nothing was wrong.</li>'}</ul>"


def _table(score: Score) -> str:
    """One row per dimension, whose parts stand below each other where it is narrow."""
    return "".join(
        f'<div class="dimension"><b>{row.name} {row.points} of {row.most}</b>'
        f"<span>{escape(row.why)}</span></div>"
        for row in score.dimensions
    )


def plot_responses(mine: Shift, theirs: Shift) -> Plot:
    """Your shift beside the reference's, on one axis of time: who did what when, and its cost."""
    begin, end = _stretch(mine, theirs)
    ticks, points = clock_ticks(begin, end, 7), mine.score.points
    with styled():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1.6, 1))
        for (lanes, budget), shift in zip(grid.T, (mine, theirs), strict=True):
            _draw_lanes(lanes, shift, end)
            _draw_budget(budget, shift, begin, end)
            budget.set_xticks([as_days(tick) for tick in ticks], [f"{t:%H:%M}" for t in ticks])
            budget.set_xlabel(f"time (UTC), {begin:%Y-%m-%d}")
            budget.set_xlim(as_days(begin), as_days(end))
        grid[0, 0].set_title(f"Yours: {points} of 100")
        grid[0, 1].set_title(f"The reference's: {theirs.score.points}")
        grid[1, 0].set_ylabel("budgets burned, %")
        grid[1, 0].set_ylim(bottom=0)  # of both
    yours, reference = _summary(mine, end), _summary(theirs, end)
    return Plot(figure, f"{points} of 100. Yours: {yours}. The reference: {reference}.")


def _summary(shift: Shift, edge: datetime) -> str:
    """What was done when, and what was burned: by the end, and by the edge if that is earlier."""
    incidents = [f"{incident.id} {', '.join(_firsts(incident))}" for incident in shift.incidents]
    burned, end = budget_burned(shift), shift.counts.end
    text = "; ".join(incidents) or "no incident"
    text += f"; {burned[-1]:.2%} of the budgets burned by {end:%H:%M}"
    if edge < end:
        drawn = burned[: (edge - shift.scenario.start) // MINUTE + 1][-1]
        text += f" ({drawn:.2%} by {edge:%H:%M}, where its curve ends)"
    return text


def _firsts(incident: Incident) -> Iterator[str]:
    """When each thing was first done; of mitigated and resolved the last counts, as in metrics."""
    for verb, (name, _) in EVENT_LANES.items():
        times = [event.at for event in incident.events_of(verb)]
        if times and verb != "update":
            time = times[-1] if verb in ("mitigated", "resolve") else times[0]
            yield f"{name} {time:%H:%M}"


def budget_burned(shift: Shift) -> Floats:
    """The error budgets burned of all SLIs by minute of the shift, from 0 on, as in the score.

    What fails on any day is not in it.
    """
    harm = shift.truth.harm_by_minute(steps_of(shift.incidents, shift.truth))
    return np.concatenate(([0.0], np.cumsum(harm)))


def _stretch(*shifts: Shift) -> tuple[datetime, datetime]:
    """From before the first impact to after the last event that has a lane, or the whole shift."""
    scenario = shifts[0].scenario
    incidents = [incident for shift in shifts for incident in shift.incidents]
    if not incidents:
        return scenario.start, scenario.start + scenario.length
    events = [event for incident in incidents for event in incident.events]
    begin = min(incident.impact_start for incident in incidents)
    end = max(event.at for event in events if event.verb in EVENT_LANES)
    margin = max((end - begin) * 0.06, timedelta(minutes=5))
    return begin - margin, end + margin


def _draw_lanes(axes: Axes, shift: Shift, end: datetime) -> None:
    for incident in shift.incidents:
        began, over = impact_span(incident)
        over = over or min(end, shift.counts.end)
        axes.axvspan(as_days(began), as_days(over), color=GREY, alpha=SHADE, lw=0)
    for lane, (verb, (_, colour)) in enumerate(EVENT_LANES.items()):
        events = [event for incident in shift.incidents for event in incident.events_of(verb)]
        times = [as_days(event.at) for event in events]
        axes.plot(times, [lane] * len(times), "o", color=colour, ms=7, mec="white", mew=0.8)
    axes.set_yticks(range(len(EVENT_LANES)), [name for name, _ in EVENT_LANES.values()])
    axes.set_ylim(len(EVENT_LANES) - 0.5, -0.5)  # the first lane on top


def _draw_budget(axes: Axes, shift: Shift, begin: datetime, end: datetime) -> None:
    burned = budget_burned(shift) * 100
    times = as_days(shift.scenario.start) + np.arange(len(burned)) * (MINUTE / DAY)
    seen = (times >= as_days(begin)) & (times <= as_days(end))
    axes.fill_between(times[seen], burned[seen], color=VERMILION, alpha=SHADE, lw=0)
    axes.plot(times[seen], burned[seen], color=VERMILION, lw=1.8)
