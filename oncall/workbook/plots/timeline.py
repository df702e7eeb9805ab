"""An incident's states over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from matplotlib.axes import Axes

from oncall.incident import Incident
from oncall.journal import REMARKS, STATES
from oncall.times import SECOND, duration_text
from oncall.workbook.plots import base
from oncall.workbook.plots.base import OpenSpan, Plot
from oncall.workbook.plots.colours import BLUE, GREY, ORANGE


@dataclass(frozen=True)
class Stay:
    """A stretch of time that an incident spent in one state; ``end`` is ``None`` for the last."""

    state: str
    start: datetime
    end: datetime | None
    why: str


def stays(incident: Incident) -> list[Stay]:
    """The states of an incident from its impact start on, each with the event that led there."""
    began = min([incident.impact_start, *(event.at for event in incident.events)])
    found = [Stay("new", began, None, "users feel it")]
    for number, event in enumerate(incident.events, 1):
        if event.verb in REMARKS:
            continue
        state = replace(incident, events=incident.events[:number]).state
        if state != found[-1].state:
            found[-1] = replace(found[-1], end=event.at)
            found.append(Stay(state, event.at, None, f"{event.by}: {event.verb}"))
    return found


def impact_span(incident: Incident) -> OpenSpan:
    """When users felt an incident: from its impact start to its mitigation, ``None`` if not yet."""
    impact = incident.metrics().impact
    return incident.impact_start, None if impact is None else incident.impact_start + impact


@base.styled()
def plot_timeline(incident: Incident, *, times: bool = False) -> Plot:
    """An incident's states over time in UTC: one row per state, with what first led to it.

    From the first harm to the last is shaded. ``times`` draws the five times of the record below,
    each from where it is counted to where it ends; one that is not known yet is left out.
    """
    found = stays(incident)
    begin, end = found[0].start, found[-1].start
    margin = max((end - begin) * 0.03, 30 * SECOND)
    figure = base.new_figure(5.4 if times else 3.6)
    base.title_of(figure, f"{incident.id}: {incident.title}")
    if times:
        axes, below = figure.subplots(2, sharex=True, height_ratios=(1.9, 1))
        _draw_times(below, incident)
    else:
        axes = below = figure.subplots()
    axes.set_title("State of the incident")
    impact_start, impact_end = impact_span(incident)
    base.shade(axes, [(impact_start, impact_end or end)], GREY, "from first to last harm")
    for stay in found:
        _draw_stay(axes, stay)
    _label_states(axes, found)
    base.legend_above(axes)
    base.time_axis(below, begin - margin, end + margin)
    return Plot(figure, _describe(incident, found))


def _draw_times(axes: Axes, incident: Incident) -> None:
    """Draw a bar for each of the five times, with its name and length."""
    metrics, start = incident.metrics(), incident.impact_start
    detected = start + metrics.ttd if metrics.ttd is not None else start
    axes.set_title("The five times")
    names = []
    for row, (name, length) in enumerate(vars(metrics).items()):
        names.append("impact" if name == "impact" else name.upper())
        if length is not None:
            first = start if name in ("ttd", "impact") else detected
            base.draw_bars(axes, [(first, first + length)], row, 0.45, ORANGE)
            text = f" {duration_text(length)}"
            axes.text(base.as_days(first + length), row, text, va="center", fontsize=9)
    base.label_rows(axes, names)
    axes.grid(False, axis="y")


def _draw_stay(axes: Axes, stay: Stay) -> None:
    """Draw a stay as a bar, or as a dot if it took no time or is the last."""
    row = STATES.index(stay.state)
    if stay.end and stay.end > stay.start:
        base.draw_bars(axes, [(stay.start, stay.end)], row, 0.6, BLUE)
    else:
        axes.plot([base.as_days(stay.start)], [row], "o", color=BLUE, ms=8)


def _label_states(axes: Axes, found: list[Stay]) -> None:
    """Label each row with its state, and on the right with what first led there and how often."""
    labels: dict[float, str] = {}
    for state in dict.fromkeys(stay.state for stay in found):
        visits = [stay for stay in found if stay.state == state]
        again = f", {len(visits)} times" if len(visits) > 1 else ""
        labels[STATES.index(state)] = f"{visits[0].start:%H:%M} {visits[0].why}{again}"
    base.label_rows(axes, STATES)
    base.label_right(axes, labels)


def _describe(incident: Incident, found: list[Stay]) -> str:
    clock = base.clock_format(found[0].start, found[-1].start)
    states = ", ".join(f"{stay.state} {stay.start:{clock}}" for stay in found)
    metrics = ", ".join(
        f"{name if name == 'impact' else name.upper()} {duration_text(value)}"
        for name, value in vars(incident.metrics()).items()
    )
    return f"{incident.id}, {incident.impact_start:%Y-%m-%d} UTC: {states}. {metrics}."
