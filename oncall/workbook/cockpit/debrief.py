"""The debrief of a shift: a postmortem for each incident, its regression case and proof, and the score card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from html import escape

import numpy as np
from ipywidgets import HTML, Button, Image, Layout, Textarea, VBox
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.gameday.actions import postmortem
from oncall.gameday.desk import LADDER, Shift, run_shift
from oncall.gameday.reference import reference
from oncall.gameday.scoring import Score, mean_points, score_shift
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import ReplayCase, prove, to_eval_case
from oncall.scenario import Scenario
from oncall.times import MINUTE, duration_text
from oncall.workbook.cockpit.picture import clock_ticks
from oncall.workbook.plots import Plot, impact_span, styled
from oncall.workbook.plots.base import WIDTH, Floats, as_days
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, SHADE, SKY, VERMILION

LANES = {  # by verb: what its lane is called, and its colour
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

    It is hidden until it is shown; the score card comes when the shift is over, for it tells what was still to come.
    """

    def __init__(self, scenario: Scenario, seed: int, file: Callable[[str], None]):
        self._scenario, self._seed, self._file = scenario, seed, file
        self.reviews: dict[str, Review] = {}
        self.card = ScoreCard()
        super().__init__([self.card], layout={"display": "none"})

    @cached_property
    def reference(self) -> Shift:
        """The same shift, played by the book."""
        return run_shift(self._scenario, self._seed, reference)

    def scores(self, shift: Shift) -> dict[str, Score]:
        """How a shift compares with the reference's, by incident."""
        return score_shift(shift.incidents, self.reference.incidents)

    def show(self, shift: Shift) -> None:
        """Show how it went up to here."""
        for incident in shift.incidents:
            if incident.id not in self.reviews:
                self.reviews[incident.id] = Review(self._file)
            at_hand = incident is next(
                (one for one in reversed(shift.incidents) if one.state != "closed"), None
            )
            self.reviews[incident.id].show(incident, at_hand)
        if is_over := shift.counts.end >= shift.scenario.start + shift.scenario.length:
            self.card.show(shift, self.reference, self.scores(shift))
        self.card.layout.display = "flex" if is_over else "none"
        self.children = [*self.reviews.values(), self.card]
        self.layout.display = "flex"

    def hide(self) -> None:
        """Fold it away, because the shift goes on."""
        self.layout.display = "none"


# --- the postmortem ------------------------------------------------------------------------------


class Review(VBox):  # type: ignore[misc]
    """The postmortem of an incident: its text to edit, what the lint says of it, and what it proves."""

    def __init__(self, file: Callable[[str], None]):
        self._incident: Incident | None = None
        self._written = ""  # what the journal alone says
        self._title, self._findings, self._proof = (HTML() for _ in range(3))
        self.editor = Textarea(
            description="Postmortem",
            rows=16,
            style={"description_width": "auto"},
            layout={"width": "auto", "flex_flow": "column", "height": "auto"},
        )
        self.button = Button(
            description="File the postmortem", layout=Layout(width="auto", align_self="flex-start")
        )
        self.button.on_click(lambda _: file(self.editor.value))
        self.editor.observe(lambda _: self._read(), "value")
        super().__init__([self._title, self.editor, self._findings, self.button, self._proof])
        self.add_class("oncall-review")

    def show(self, incident: Incident, at_hand: bool) -> None:
        """Follow the journal. A text that was edited stays as it is until it is filed."""
        edited = self.editor.value != self._written
        self._incident = None  # not to read it twice
        self._written = incident.postmortem or postmortem(incident)
        closed = incident.state == "closed"
        self.button.disabled = not (at_hand and incident.state == "resolved")
        self.editor.disabled = closed
        state = "filed" if closed else f"{incident.state}; it can be filed once it is resolved"
        state = "resolved, to be filed" if incident.state == "resolved" else state
        self._title.value = f"<h4>{incident.id}: {escape(incident.title)} ({state})</h4>"
        if closed or not edited:
            self.editor.value = self._written
        self._incident = incident
        self._read()

    def _read(self) -> None:
        """Say what the lint finds in the text as it is now, and what its action items prove."""
        if self._incident is not None:
            self._findings.value = _findings(self.editor.value, self._incident)
            self._proof.value = _proof(self._incident, self.editor.value)


def _findings(text: str, incident: Incident) -> str:
    found = lint_postmortem(
        text, people=people_in(incident), lowest_sli=lowest_measured(incident), whole=True
    )
    items = "".join(
        f"<li>line {one.line}, <b>{escape(one.phrase)}</b> ({one.rule}): {escape(f'{one.why} {one.suggestion}')}</li>"
        for one in found
    )
    return f"<h4>The lint: {len(found)} finding{'s' * (len(found) != 1)}</h4><ul>{items}</ul>"


def people_in(incident: Incident) -> tuple[str, ...]:
    """Who is on the ladder, and whom the journal names as leading or in a role, as a sentence would write them."""
    named = [
        who
        for event in incident.events_of("triage")
        for role, who in event.details
        if role != "severity"
    ]
    on_the_ladder = [who for step in LADDER.steps for who in step.targets]
    return tuple(dict.fromkeys(str(name).capitalize() for name in (*on_the_ladder, *named)))


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
    return f"<h4>Regression case {case.id}</h4>{escape(_case_text(case))}<br>{escape(verdict.why.capitalize())}."


def _case_text(case: ReplayCase) -> str:
    return (
        f"{case.symptom} at {case.error_ratio:.1%} failing: a page within {duration_text(case.page_within)}, "
        f"back at {case.slo.target:.4g} within {duration_text(case.restore_within)}, with only what is automated."
    )


# --- the score -----------------------------------------------------------------------------------


class ScoreCard(VBox):  # type: ignore[misc]
    """The score of a shift: your evening and the reference's beside each other, and a line for each dimension."""

    def __init__(self) -> None:
        self._table, self._line = HTML(), HTML()
        self._picture = Image(format="png", layout={"width": "auto", "max_width": "820px"})
        super().__init__([self._picture, self._line, self._table])
        self.add_class("oncall-score")

    def show(self, mine: Shift, book: Shift, scores: dict[str, Score]) -> None:
        """Show how one shift compares with another."""
        plot = plot_responses(mine, book, scores)
        self._picture.value, self._line.value = plot.png(), escape(plot.numbers)
        self._table.value = "".join(
            f"<h4>{escape(name)}: {score.points} of 100</h4>{_table(score)}"
            for name, score in scores.items()
        )


def _table(score: Score) -> str:
    """The dimensions, a row each, whose parts go below each other where it is narrow."""
    return "".join(
        f'<div class="dimension"><b>{one.name} {one.points} of {one.most}</b><span>{escape(one.why)}</span>'
        f'<span class="label">The reference: {escape(one.reference)}</span></div>'
        for one in score.dimensions
    )


def plot_responses(mine: Shift, book: Shift, scores: dict[str, Score]) -> Plot:
    """Your shift and the reference's side by side, on one axis of time: who did what when, and what it cost."""
    begin, end = _stretch(mine, book)
    points = mean_points(scores)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1.6, 1))
        for column, (name, shift) in enumerate(
            {f"Yours: {points} of 100": mine, "The reference's": book}.items()
        ):
            _draw_lanes(grid[0, column], shift, end)
            grid[0, column].set_title(name)
            _draw_budget(grid[1, column], shift, begin, end)
            ticks = clock_ticks(begin, end, 7)
            grid[1, column].set_xticks(
                [as_days(tick) for tick in ticks], [f"{tick:%H:%M}" for tick in ticks]
            )
            grid[1, column].set(
                xlabel=f"time (UTC), {begin:%Y-%m-%d}", xlim=(as_days(begin), as_days(end))
            )
        grid[1, 0].set_ylabel("budget burned, %")
        grid[1, 0].set_ylim(bottom=0)  # of both
    return Plot(figure, describe_responses(mine, book, scores))


def describe_responses(mine: Shift, book: Shift, scores: dict[str, Score]) -> str:
    """The numbers of ``plot_responses`` as one line."""
    _, edge = _stretch(mine, book)
    return f"{mean_points(scores)} of 100. Yours: {_summary(mine, edge)}. The reference: {_summary(book, edge)}."


def _summary(shift: Shift, edge: datetime) -> str:
    """What was done when, and what was burned: in all, and up to where the curve ends, if that is earlier."""
    incidents = "; ".join(f"{one.id} {', '.join(_firsts(one))}" for one in shift.incidents)
    burned, end = budget_burned(shift), shift.counts.end
    drawn = burned[: (edge - shift.scenario.start) // MINUTE + 1][-1]
    curve = f" ({drawn:.2%} by {edge:%H:%M}, where its curve ends)" if edge < end else ""
    return (
        f"{incidents or 'no incident'}; {burned[-1]:.2%} of the budget burned by {end:%H:%M}{curve}"
    )


def _firsts(incident: Incident) -> Iterator[str]:
    """When each thing was first done; of mitigated and resolved the last time counts, as in the metrics."""
    for verb, (name, _) in LANES.items():
        times = [event.at for event in incident.events if event.verb == verb]
        if times and verb != "update":
            yield f"{name} {times[-1 if verb in ('mitigated', 'resolve') else 0]:%H:%M}"


def budget_burned(shift: Shift) -> Floats:
    """The share of the period's error budget spent since the shift began, at the end of each of its minutes."""
    scenario, first = shift.scenario, shift.scenario.warm_up // MINUTE
    bad = np.asarray(shift.counts.total)[first:] - np.asarray(shift.counts.good)[first:]
    allowed = scenario.requests * (scenario.slo.period / MINUTE) * scenario.slo.error_budget
    return np.concatenate(([0.0], np.cumsum(bad) / allowed if allowed else np.zeros(len(bad))))


def _stretch(*shifts: Shift) -> tuple[datetime, datetime]:
    """From shortly before the first impact to shortly after the last thing that has a lane; else the whole shift."""
    scenario = shifts[0].scenario
    incidents = [one for shift in shifts for one in shift.incidents]
    if not incidents:
        return scenario.start, scenario.start + scenario.length
    begin = min(one.impact_start for one in incidents)
    end = max(event.at for one in incidents for event in one.events if event.verb in LANES)
    margin = max((end - begin) * 0.06, timedelta(minutes=5))
    return begin - margin, end + margin


def _draw_lanes(axes: Axes, shift: Shift, end: datetime) -> None:
    for incident in shift.incidents:
        began, over = impact_span(incident)
        axes.axvspan(
            as_days(began),
            as_days(over or min(end, shift.counts.end)),
            color=GREY,
            alpha=SHADE,
            lw=0,
        )
    for lane, (verb, (_, colour)) in enumerate(LANES.items()):
        at = [
            as_days(event.at)
            for one in shift.incidents
            for event in one.events
            if event.verb == verb
        ]
        axes.plot(at, [lane] * len(at), "o", color=colour, ms=7, mec="white", mew=0.8)
    axes.set_yticks(range(len(LANES)), [name for name, _ in LANES.values()])
    axes.set_ylim(len(LANES) - 0.5, -0.5)  # the first lane on top


def _draw_budget(axes: Axes, shift: Shift, begin: datetime, end: datetime) -> None:
    burned = budget_burned(shift) * 100
    times = as_days(shift.scenario.start) + np.arange(len(burned)) * (MINUTE / timedelta(days=1))
    seen = (times >= as_days(begin)) & (times <= as_days(end))
    axes.fill_between(times[seen], burned[seen], color=VERMILION, alpha=SHADE, lw=0)
    axes.plot(times[seen], burned[seen], color=VERMILION, lw=1.8)
