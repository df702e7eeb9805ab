"""Plots: what happened, drawn with its units, and the same numbers as one line of text.

Every ``plot_…`` returns a ``Plot``. In a notebook it shows itself as a picture with the line under
it; the line is also kept as the picture's alternative text, and is what a test reads. Figures are made
without pyplot, so that none outlives its cell, and look alike whatever a reader's matplotlibrc says.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from matplotlib import dates, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from oncall.alerting import BurnRule, Policy, Rule, alert_intervals
from oncall.counts import Counts
from oncall.incident import Incident
from oncall.journal import REMARKS, STATES
from oncall.slo import SLO, percent
from oncall.times import DAY, MINUTE, duration_text

# Okabe and Ito's colours, which people of every colour vision can tell apart.
BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
INK, GREY = "#222222", "#767676"
ACTION_COLOURS = {"page": VERMILION, "ticket": ORANGE}
WIDTH = 8.2  # inches at 100 dots: JupyterLab shows 820 pixels as they are in a window of 1280
LINE = 96  # characters that fit under it
SHADE = 0.18  # how strongly a span is shaded, so that lines stay legible on it

_STYLE = {
    "figure.dpi": 100,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
}

Floats = NDArray[np.float64]
Span = tuple[datetime, datetime]
OpenSpan = tuple[datetime, datetime | None]  # None: it has not ended


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure, and what it shows as one line of text."""

    figure: Figure
    numbers: str

    def png(self) -> bytes:
        """The picture as a PNG file, the same bytes every time."""
        file = io.BytesIO()
        with styled():  # matplotlib makes its ticks only now
            self.figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()

    def _ipython_display_(self) -> None:
        """What a notebook shows: the picture, and its line under it."""
        from IPython.display import Image, display

        display(Image(self.png(), alt=self.numbers))
        print(textwrap.fill(self.numbers, LINE, break_on_hyphens=False))


# --- SLI, burn rate and alerts -------------------------------------------------------------------


def plot_burn(
    counts: Counts,
    slo: SLO,
    policy: Policy,
    *,
    impact: Iterable[OpenSpan] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Plot:
    """SLI, burn rate and alerts of a series, over the same time in UTC.

    The burn rate is that of the two windows of the policy's first burn rule, its factor the
    threshold. Every rule has a lane that shows when it fired. ``impact`` are the spans in which
    users felt it, ``None`` for an end that has not come. ``since`` and ``until`` choose what is
    drawn; the windows and the rules see everything before. A ``ValueError`` when nothing lies
    between them, or no rule burns.
    """
    view = _look(counts, slo, policy, impact, since, until)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.7 + 0.25 * len(policy)), layout="constrained")
        figure.suptitle(f"SLI, burn rate and alerts, {slo}", x=0.01, ha="left")
        axes = figure.subplots(3, sharex=True, height_ratios=(2, 2, 0.25 * (1 + len(policy))))
        _draw_sli(axes[0], view)
        _draw_burn(axes[1], view)
        _draw_lanes(axes[2], view)
        time_axis(axes[2], view.start, view.end)
    return Plot(figure, _describe(view))


def describe_burn(
    counts: Counts,
    slo: SLO,
    policy: Policy,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> str:
    """The numbers of ``plot_burn`` as one line: the lowest SLI, the highest burn rates, and when each rule fired."""
    return _describe(_look(counts, slo, policy, (), since, until))


def impact_span(incident: Incident) -> OpenSpan:
    """When users felt an incident: from its impact start to its mitigation, ``None`` if that has not come."""
    impact = incident.metrics().impact
    return incident.impact_start, None if impact is None else incident.impact_start + impact


def rolling_burn(counts: Counts, slo: SLO, window: timedelta) -> Floats:
    """The burn rate of the last ``window`` at the end of each bucket, as a float to draw; verdicts compare integers.

    ``nan`` where the window had no events. Buckets before the data count 0 of 0. The window must be
    a whole number of buckets.
    """
    width = window // counts.step
    if window % counts.step or not width:
        raise ValueError(
            f"a window of {duration_text(window)} is not whole buckets of {duration_text(counts.step)}"
        )
    good, total = _rolling_sum(counts.good, width), _rolling_sum(counts.total, width)
    return _share(total - good, total * slo.error_budget)


@dataclass(frozen=True)
class _View:
    """The stretch of a series that ``plot_burn`` draws, and what lies in it."""

    slo: SLO
    rule: BurnRule
    counts: Counts
    sli: Floats
    burns: dict[
        timedelta, Floats
    ]  # by window, the long one first; one where the rule has two alike
    impact: tuple[Span, ...]
    fired: dict[Rule, tuple[Span, ...]]

    @property
    def start(self) -> datetime:
        return self.counts.start

    @property
    def end(self) -> datetime:
        return self.counts.end

    @property
    def edges(self) -> Floats:
        """Where the buckets begin and end, in matplotlib's days since 1970."""
        return np.arange(len(self.counts) + 1, dtype=np.float64) * (
            self.counts.step / DAY
        ) + as_days(self.start)


def _look(
    counts: Counts,
    slo: SLO,
    policy: Policy,
    impact: Iterable[OpenSpan],
    since: datetime | None,
    until: datetime | None,
) -> _View:
    shown = counts.slice(since, until)
    if not len(shown):
        raise ValueError(
            f"no bucket from {since} to {until}; the data goes from {counts.start} to {counts.end}"
        )
    rule = next((rule for rule in policy if isinstance(rule, BurnRule)), None)
    if rule is None:
        raise ValueError(
            "the policy has no burn rule whose windows could be drawn; give e.g. google_policy()"
        )
    first = (shown.start - counts.start) // counts.step
    alerts = alert_intervals(counts.slice(None, shown.end), slo, policy)
    return _View(
        slo,
        rule,
        shown,
        sli=_share(shown.good, shown.total),
        burns={
            window: rolling_burn(counts, slo, window)[first : first + len(shown)]
            for window in (rule.long, rule.short)
        },
        impact=clip_spans(impact, shown),
        fired={
            rule: clip_spans(((a.start, a.end) for a in alerts if a.rule == rule), shown)
            for rule in policy
        },
    )


def clip_spans(spans: Iterable[OpenSpan], shown: Counts) -> tuple[Span, ...]:
    """The parts of the spans that lie within the counts shown."""
    clipped = [(max(begin, shown.start), min(end or shown.end, shown.end)) for begin, end in spans]
    return tuple((begin, end) for begin, end in clipped if begin < end)


def _rolling_sum(column: ArrayLike, width: int) -> NDArray[np.int64]:
    sums = np.concatenate(([0], np.cumsum(column, dtype=np.int64)))
    return sums[1:] - sums[np.maximum(np.arange(1, len(sums)) - width, 0)]


def _share(good: ArrayLike, total: ArrayLike) -> Floats:
    """The SLI of each place; ``nan`` where there were no events."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(good, total), dtype=np.float64)


def _draw_sli(axes: Axes, view: _View) -> None:
    axes.set_title(f"SLI of each {duration_text(view.counts.step)} bucket")
    axes.set_ylabel("good, %")
    _shade(axes, view.impact, GREY, "users feel it")
    axes.stairs(view.sli * 100, view.edges, baseline=None, color=BLUE, lw=1.6, label="SLI")
    axes.axhline(
        view.slo.target * 100, color=INK, lw=1, ls="--", label=f"target {percent(view.slo.target)}"
    )
    legend_above(axes)


def _draw_burn(axes: Axes, view: _View) -> None:
    axes.set_title("Burn rate")
    axes.set_ylabel("burn rate, x")
    for action, colour in ACTION_COLOURS.items():
        fired = [
            span for rule, spans in view.fired.items() if rule.action == action for span in spans
        ]
        _shade(axes, union(fired), colour, action)
    for colour, (window, burns) in zip((BLUE, SKY), view.burns.items(), strict=False):
        axes.plot(
            view.edges[1:], burns, color=colour, lw=1.8, label=f"last {duration_text(window)}"
        )
    axes.axhline(
        view.rule.factor, color=INK, lw=1, ls="--", label=f"threshold {view.rule.factor:.4g}x"
    )
    axes.set_ylim(bottom=0)
    legend_above(axes)


def _draw_lanes(axes: Axes, view: _View) -> None:
    """A lane for users and one for each rule, with a bar where it was so."""
    lanes = [("users feel it", GREY, view.impact)]
    lanes += [
        (f"{rule.action} {rule.name}", ACTION_COLOURS[rule.action], spans)
        for rule, spans in view.fired.items()
    ]
    for place, (_, colour, spans) in enumerate(lanes):
        bars = [(as_days(begin), (end - begin) / DAY) for begin, end in spans]
        axes.broken_barh(bars, (place - 0.35, 0.7), color=colour)
    axes.set_yticks(range(len(lanes)), [name for name, _, _ in lanes])
    axes.set_ylim(len(lanes) - 0.4, -0.6)  # the first lane on top
    axes.grid(False)


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that do not overlap, in order."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _describe(view: _View) -> str:
    hours = clock_format(view.start, view.end)
    clock = hours + ":%S" if view.counts.step % MINUTE else hours

    def end_of(place: int) -> str:
        return f"{(view.start + view.counts.step * (place + 1)):{clock}}"

    parts = ["no events"]
    if not np.isnan(view.sli).all():
        low = int(np.nanargmin(view.sli))
        parts = [
            f"lowest SLI {view.sli[low]:.1%} in the {duration_text(view.counts.step)} to {end_of(low)}"
        ]
    for window, burns in view.burns.items():
        if not np.isnan(burns).all():
            high = int(np.nanargmax(burns))
            text = f"highest burn of the last {duration_text(window)} {burns[high]:.1f}x at"
            parts.append(f"{text} {end_of(high)}")
    fired = {rule: spans for rule, spans in view.fired.items() if spans}
    parts += [f"{rule.action} {rule.name} {_times(spans, clock)}" for rule, spans in fired.items()]
    if len(fired) < len(view.fired):
        parts.append(f"{len(view.fired) - len(fired)} of {len(view.fired)} rules silent")
    return (
        f"{view.start:%Y-%m-%d} {view.start:%H:%M} to {view.end:{hours}} UTC: {'; '.join(parts)}."
    )


def _times(spans: tuple[Span, ...], clock: str) -> str:
    if len(spans) > 3:
        return f"{len(spans)} times from {spans[0][0]:{clock}} to {spans[-1][1]:{clock}}"
    return ", ".join(f"{begin:{clock}} to {end:{clock}}" for begin, end in spans)


# --- the incident --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stay:
    """A stretch of time that an incident spent in one state; ``end`` is ``None`` for the last."""

    state: str
    start: datetime
    end: datetime | None
    why: str


def stays(incident: Incident) -> list[Stay]:
    """The states an incident went through, from the start of its impact on, each with the event that led there."""
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


def plot_timeline(incident: Incident) -> Plot:
    """An incident's state over time, in UTC: a row a state, with who led to it, and the time users felt it shaded."""
    found = stays(incident)
    begin, end = found[0].start, found[-1].start
    margin = max((end - begin) * 0.03, timedelta(seconds=30))
    with styled():
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        figure.suptitle(f"{incident.id}: {incident.title}", x=0.01, ha="left")
        axes = figure.subplots()
        axes.set_title("State of the incident")
        impact_start, impact_end = impact_span(incident)
        _shade(axes, [(impact_start, impact_end or end)], GREY, "users feel it")
        for stay in found:
            _draw_stay(axes, stay)
        _name_rows(axes, found)
        legend_above(axes)
        time_axis(axes, begin - margin, end + margin)
    return Plot(figure, describe_timeline(incident))


def describe_timeline(incident: Incident) -> str:
    """The numbers of ``plot_timeline`` as one line: when each state began, and the metrics."""
    found = stays(incident)
    clock = clock_format(found[0].start, found[-1].start)
    states = ", ".join(f"{stay.state} {stay.start:{clock}}" for stay in found)
    metrics = ", ".join(
        f"{name if name == 'impact' else name.upper()} {duration_text(value)}"
        for name, value in vars(incident.metrics()).items()
    )
    return f"{incident.id}, {incident.impact_start:%Y-%m-%d} UTC: {states}. {metrics}."


def _draw_stay(axes: Axes, stay: Stay) -> None:
    """A state's bar, or a dot if it took no time or is the last."""
    row = STATES.index(stay.state)
    if stay.end and stay.end > stay.start:
        axes.broken_barh(
            [(as_days(stay.start), (stay.end - stay.start) / DAY)], (row - 0.3, 0.6), color=BLUE
        )
    else:
        axes.plot([as_days(stay.start)], [row], "o", color=BLUE, ms=8)


def _name_rows(axes: Axes, found: list[Stay]) -> None:
    """The states left of their rows; right of them what first led there, and how often it came to that again."""
    axes.set_yticks(range(len(STATES)), STATES)
    axes.set_ylim(len(STATES) - 0.4, -0.6)  # the first state on top
    labels = {}
    for state in dict.fromkeys(stay.state for stay in found):
        there = [stay for stay in found if stay.state == state]
        again = f", {len(there)} times" if len(there) > 1 else ""
        labels[STATES.index(state)] = f"{there[0].start:%H:%M} {there[0].why}{again}"
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(labels), list(labels.values()))
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)


# --- what every plot shares ----------------------------------------------------------------------


def styled() -> AbstractContextManager[None]:
    """The look of every figure, to draw within, whatever a reader's matplotlibrc says."""
    return style.context(_STYLE, after_reset=True)


def _shade(axes: Axes, spans: Iterable[Span], colour: str, label: str) -> None:
    """Shade spans over the height of the axes; they share one entry in the legend."""
    for number, (begin, end) in enumerate(spans):
        axes.axvspan(
            as_days(begin),
            as_days(end),
            color=colour,
            alpha=SHADE,
            lw=0,
            label="" if number else label,
        )


def legend_above(axes: Axes) -> None:
    """A legend in one line above the axes, right of their title, where it covers nothing."""
    handles = axes.get_legend_handles_labels()[0]
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1.01),
        ncols=max(1, len(handles)),
        handlelength=1.6,
        columnspacing=1.4,
    )


def time_axis(axes: Axes, begin: datetime, end: datetime) -> None:
    """Ticks and a label for the time from ``begin`` to ``end``, in UTC."""
    axes.set_xlim(as_days(begin), as_days(end))
    locator = dates.AutoDateLocator(tz=UTC, minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    ticks = dates.ConciseDateFormatter(locator, tz=UTC, show_offset=False)
    axes.xaxis.set_major_formatter(ticks)
    axes.set_xlabel(f"time (UTC), from {begin:%Y-%m-%d %H:%M} to {end:{clock_format(begin, end)}}")


def as_days(moment: datetime) -> float:
    """A moment as matplotlib counts time: in days since 1970, UTC."""
    return moment.timestamp() / DAY.total_seconds()


def clock_format(begin: datetime, end: datetime) -> str:
    """How to write moments between these two: the date too when they are more than a day apart."""
    return "%H:%M" if end - begin <= DAY else "%Y-%m-%d %H:%M"
