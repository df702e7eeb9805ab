"""The cockpit's picture: SLI, burn rate, alerts, incidents and what was done, up to now.

Time runs through the picture while its axis stays: a moment is drawn at its share of the stretch
shown, and the hours below it are artists like the curves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from oncall.alerting import BurnRule
from oncall.gameday.desk import Desk
from oncall.incident import Incident
from oncall.slo import SLO
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.plots import impact_span, stays, styled
from oncall.workbook.plots.base import OpenSpan, union
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, SHADE, SKY, VERMILION
from oncall.workbook.plots.explorer import EXPLORER_WIDTH, CachedFigure

VIEWS: dict[str, timedelta | None] = {"the last 2 hours": 2 * HOUR, "the whole shift": None}
# Each kind of bar; where two share a colour, the hatching tells them apart.
BAR_STYLES: dict[str, dict[str, Any]] = {
    "users feel it": {"facecolor": GREY},
    "ticket": {"facecolor": ORANGE, "hatch": "....", "edgecolor": INK},
    "page": {"facecolor": VERMILION},
    "unanswered": {"facecolor": VERMILION, "hatch": "xxxx", "edgecolor": "white"},
    "worked on": {"facecolor": ORANGE, "hatch": "////", "edgecolor": INK},
    "mitigated": {"facecolor": SKY},
    "resolved": {"facecolor": GREEN},
}
BAR_OF_STATE = {  # of an incident; a closed one has none
    "new": "users feel it",  # and nobody knows
    "detected": "unanswered",
    "acknowledged": "worked on",
    "triaged": "worked on",
    "mitigating": "worked on",
    "mitigated": "mitigated",
    "resolved": "resolved",
}
HEIGHT = 3.45  # of the figure, in inches of 100 pixels
LANES = {"alert": 0.0, "incident": 1.5, "mitigation": 3.0, "update": 4.0}  # the middle of each
LOWEST = (90, 50, 0)  # where the axis of the SLI may begin, in percent
HIGHEST = (20, 60, 120, 300, 1200, 12_000, 120_000)  # where the axis of the burn rate may end
JUST_NOW = 0.006  # the least width of a bar, as a share of the picture's
NAMED = 3  # the most incidents whose rows are told apart by name; more rows are too low for it
TICKS = 10  # labels of the time axis, at most
TICK_STEPS = (5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10_080)  # minutes between two ticks

Stretch = tuple[float, float]  # from a minute to a minute
Bar = tuple[float, float, str]  # from a minute to a minute, and one of ``BAR_STYLES``
Mark = tuple[float, int]  # a minute, and the number of the incident
Box = tuple[float, float, float, float]  # from a minute to a minute, from a height to a height


# --- what there is to see ------------------------------------------------------------------------


class Scene:
    """What there is to see at a desk now, in one of ``VIEWS``; times are minutes of the shift.

    ``sli``, in percent, and the burn rates of the ``long`` and the ``short`` window belong to the
    minutes that end at ``ends``. ``left`` and ``right`` are the edges of the picture.
    """

    def __init__(self, desk: Desk, view: str):
        self._desk, self.start = desk, desk.scenario.start
        self.now, window = self._minute(desk.now), VIEWS[view]
        self.left, self.right = 0.0, desk.scenario.length / MINUTE
        if window is not None:
            self.left, self.right = self.now - window / MINUTE, self.now + window / HOUR
        self._slo, self._counts = desk.slo, desk.service.counts_of(desk.slo.name)
        counts, slo, rule = self._counts, self._slo, first_burn_rule(desk)
        shown = min(len(counts), int(self.now - self.left) + 1)
        good, total = np.asarray(counts.good)[-shown:], np.asarray(counts.total)[-shown:]
        self.ends = np.arange(self.now - shown + 1, self.now + 1)
        with np.errstate(invalid="ignore"):
            self.sli = np.true_divide(good, total) * 100
        burns = burn_rates(counts, slo, [rule.long, rule.short])
        self.long, self.short = burns[rule.long][-shown:], burns[rule.short][-shown:]
        self.alerts = self._alerts()
        self.impact = self._stretches(map(impact_span, desk.incidents))
        self.states = [self._states(incident) for incident in desk.incidents]  # of each incident
        self.names = [incident.id for incident in desk.incidents]
        self.applied = self._stretches(mitigation_spans(desk.incidents))
        self.acks = self._marks("acknowledge")
        self.triages = self._marks("triage")
        self.updates = self._marks("update")

    def x(self, minutes: Any) -> Any:
        """Minutes as shares of the picture's width."""
        return (np.asarray(minutes, dtype=np.float64) - self.left) / (self.right - self.left)

    def _minute(self, moment: datetime) -> float:
        return (moment - self.start) / MINUTE

    def _stretches(self, spans: Iterable[OpenSpan]) -> list[Stretch]:
        """Spans in minutes of the shift; one that has not ended lasts until now."""
        now = self._desk.now
        return [(self._minute(begin), self._minute(end or now)) for begin, end in spans]

    def _alerts(self) -> list[Bar]:
        """When rules fired: first those that ask for a ticket, for a page is drawn over it."""
        desk, bars = self._desk, []
        fired = alert_intervals(self._counts, self._slo, desk.policy)
        for action in ("ticket", "page"):
            spans = [(a.start, a.end or desk.now) for a in fired if a.rule.action == action]
            bars += [(*stretch, action) for stretch in self._stretches(union(spans))]
        return bars

    def _states(self, incident: Incident) -> list[Bar]:
        """A bar for each state that an incident was in, but for ``closed``."""
        shown = [stay for stay in stays(incident) if stay.state in BAR_OF_STATE]
        stretches = self._stretches((stay.start, stay.end) for stay in shown)
        kinds = [BAR_OF_STATE[stay.state] for stay in shown]
        return [(*stretch, kind) for stretch, kind in zip(stretches, kinds, strict=True)]

    def _marks(self, verb: str) -> list[Mark]:
        """When something was done, and for which incident."""
        marks = []
        for number, incident in enumerate(self._desk.incidents):
            marks += [(self._minute(event.at), number) for event in incident.events_of(verb)]
        return marks


def first_burn_rule(desk: Desk) -> BurnRule:
    """The rule whose two windows are drawn."""
    return next(rule for rule in desk.policy if isinstance(rule, BurnRule))


def mitigation_spans(incidents: Iterable[Incident]) -> list[OpenSpan]:
    """When each mitigation was in effect; ``None`` for the end of one that was not rolled back."""
    spans: list[OpenSpan] = []
    began: dict[str, datetime] = {}
    events = [event for incident in incidents for event in incident.events]
    for event in sorted(events, key=lambda event: event.at):
        if event.verb == "mitigate":
            began[event.get("action")] = event.at
        elif event.verb == "rollback" and event.get("mitigation") in began:
            spans.append((began.pop(event.get("mitigation")), event.at))
    return sorted([*spans, *((at, None) for at in began.values())], key=lambda span: span[0])


# --- the figure ----------------------------------------------------------------------------------


class LivePlot:
    """The picture of a desk: ``draw`` gives it as a PNG file, changing artists in place.

    Only when a curve leaves its axis does the axis grow, and the background is drawn again.
    """

    def __init__(self, desk: Desk):
        with styled():
            self.figure = Figure(figsize=(EXPLORER_WIDTH, HEIGHT), dpi=150)
            self._slo = desk.slo
            self._axes = build_axes(self.figure, desk)
            self.artists = build_artists(self._axes)
            self._easel = CachedFigure(self.figure, self.artists.values())

    def draw(self, desk: Desk, view: str) -> bytes:
        """The desk as it is now."""
        shown = Scene(desk, view)
        update_artists(self.artists, shown)
        is_another = desk.slo != self._slo
        if is_another:  # an incident of another SLI is at hand
            self._slo = desk.slo
            name_slo(self.figure, self._axes["sli"], desk.slo)
        if fit_axes(self._axes, shown) or is_another:
            self._easel.draw_background()
        return self._easel.draw()


def name_slo(figure: Figure, sli: Axes, slo: SLO) -> None:
    """Say whose SLI and burn rate are drawn, and draw its target."""
    title = f"SLI, burn rate and incidents, {slo}, times in UTC"
    figure.suptitle(title, x=0.01, y=0.99, ha="left", va="top", fontsize=9.5)
    sli.lines[0].set_ydata([slo.target * 100] * 2)


def build_axes(figure: Figure, desk: Desk) -> dict[str, Axes]:
    """The axes of ``sli``, ``burn`` and ``lanes``, and on them what never moves."""
    slo, rule = desk.slo, first_burn_rule(desk)
    sli, burn, lanes = figure.subplots(3, sharex=True, height_ratios=(1, 1.15, 1.4))
    figure.subplots_adjust(left=0.13, right=0.915, top=0.935, bottom=0.205, hspace=0.2)
    sli.set(ylabel="good, %", ylim=(LOWEST[0], 100.8), xlim=(0, 1))
    sli.axhline(slo.target * 100, color=INK, lw=1, ls="--")  # the first of its lines
    name_slo(figure, sli, slo)
    burn.set(ylabel="burn rate, x", ylim=(0, HIGHEST[0]))
    burn.axhline(rule.factor, color=INK, lw=1, ls="--")
    lanes.set_yticks([*LANES.values()], LANES)
    lanes.set_ylim(4.55, -0.55)
    lanes.grid(False)
    for curves in (sli, burn):
        curves.yaxis.set_major_locator(MaxNLocator(3, steps=(1, 2, 2.5, 5, 10)))
        curves.grid(False, axis="x")
    for axes in (sli, burn, lanes):
        axes.tick_params(labelsize=9)
        axes.tick_params(axis="x", bottom=False, labelbottom=False)
        axes.yaxis.label.set_size(9)
    figure.align_ylabels([sli, burn])
    _draw_legend(figure, rule, f"target; page {rule.factor:.4g}x")
    return {"sli": sli, "burn": burn, "lanes": lanes}


def _draw_legend(figure: Figure, rule: BurnRule, dashes: str) -> None:
    mark: dict[str, Any] = {"ls": "", "color": INK, "ms": 6}
    long, short = duration_text(rule.long), duration_text(rule.short)
    handles = [
        Line2D([], [], color=BLUE, lw=1.8, label=f"SLI; burn, last {long}"),
        Line2D([], [], color=SKY, lw=1.8, label=f"burn, last {short}"),
        Line2D([], [], color=INK, lw=1, ls="--", label=dashes),
        *(Patch(lw=0, label=kind, **look) for kind, look in BAR_STYLES.items()),
        Line2D([], [], marker="^", label="acknowledged", **mark),
        Line2D([], [], marker="D", label="triaged", **(mark | {"ms": 5})),
    ]
    style: dict[str, Any] = {"bbox_to_anchor": (0.01, 0.0), "ncols": 4, "fontsize": 8.5}
    style |= {"handlelength": 1.6, "handletextpad": 0.5, "columnspacing": 1.1}
    figure.legend(handles=handles, loc="lower left", labelspacing=0.25, borderpad=0, **style)


def build_artists(axes: dict[str, Axes]) -> dict[str, Any]:
    """Everything that follows the shift, by name, with nothing in it so far."""
    sli, burn, lanes = axes["sli"], axes["burn"], axes["lanes"]
    artists: dict[str, Any] = {}
    for name, each in axes.items():
        whole: dict[str, Any] = {"transform": each.transAxes}
        hours = LineCollection([], colors="#E4E4E4", lw=0.8, zorder=0.1, **whole)
        artists[f"{name} future"] = _boxes(each, color=GREY, alpha=0.12, zorder=0.2)
        artists[f"{name} hours"] = each.add_collection(hours, autolim=False)
        (artists[f"{name} now"],) = each.plot([1, 1], [0, 1], color=INK, lw=1, zorder=4, **whole)
    artists["impact"] = _boxes(sli, color=GREY, alpha=SHADE, zorder=0.5)
    artists["firing"] = _boxes(burn, alpha=SHADE, zorder=0.5)
    (artists["sli"],) = sli.plot([], [], color=BLUE, lw=1.4, drawstyle="steps-pre", zorder=3)
    (artists["long"],) = burn.plot([], [], color=BLUE, lw=1.8, zorder=3)
    (artists["short"],) = burn.plot([], [], color=SKY, lw=1.8, zorder=2.9)
    for name, style in (BAR_STYLES | {"applied": {"facecolor": BLUE}}).items():
        artists[name] = _boxes(lanes, transform=lanes.transData, zorder=2, **style)
    dot: dict[str, Any] = {"color": INK, "mec": "white", "mew": 0.7, "zorder": 3}
    for name, marker, size in (("acks", "^", 6), ("triages", "D", 4.5), ("updates", "o", 5)):
        (artists[name],) = lanes.plot([], [], marker, ms=size, **dot)
    below: dict[str, Any] = {"transform": lanes.transAxes, "ha": "center", "va": "top"}
    for number in range(TICKS):
        artists[f"hour {number}"] = lanes.text(0, -0.06, "", fontsize=9, clip_on=False, **below)
    beside: dict[str, Any] = {"transform": lanes.get_yaxis_transform(), "va": "center"}
    for number in range(NAMED):
        artists[f"name {number}"] = lanes.text(1.01, 0, "", fontsize=8.5, **beside)
    return artists


def _boxes(axes: Axes, **style: Any) -> Artist:
    """Boxes that are still to come, in shares of the axes unless the style says otherwise."""
    everything: dict[str, Any] = {"transform": axes.transAxes, "lw": 0} | style
    return axes.add_collection(PolyCollection([], **everything), autolim=False)


# --- what moves ----------------------------------------------------------------------------------


def fit_axes(axes: dict[str, Axes], shown: Scene) -> bool:
    """Fit the axes to the curves, in a few large steps; whether that changed one."""
    lowest = np.nanmin(shown.sli, initial=100)
    highest = max(np.nanmax(burns, initial=0) for burns in (shown.long, shown.short))
    low = next(step for step in LOWEST if step <= lowest)
    high = next(step for step in HIGHEST if step >= highest)
    sli, burn = (low, 100 + 0.08 * (100 - low)), (0, high)
    if (axes["sli"].get_ylim(), axes["burn"].get_ylim()) == (sli, burn):
        return False
    axes["sli"].set_ylim(sli)
    axes["burn"].set_ylim(burn)
    return True


def update_artists(artists: dict[str, Any], shown: Scene) -> None:
    """Put a scene into the artists."""
    _show_time(artists, shown)
    _show_curves(artists, shown)
    _show_incidents(artists, shown)
    rows = _rows(LANES["mitigation"], 0.4, len(shown.applied))
    applied = [(*stretch, *row) for stretch, row in zip(shown.applied, rows, strict=True)]
    _put(artists["applied"], shown, applied)
    minutes = [minute for minute, _ in shown.updates]
    artists["updates"].set_data(shown.x(minutes), [LANES["update"]] * len(minutes))


def _show_time(artists: dict[str, Any], shown: Scene) -> None:
    left, right = (shown.start + minutes * MINUTE for minutes in (shown.left, shown.right))
    hours = {tick: (tick - left) / (right - left) for tick in clock_ticks(left, right, TICKS)}
    now = float(shown.x(shown.now))
    for name in ("sli", "burn", "lanes"):
        artists[f"{name} now"].set_xdata([now, now])
        artists[f"{name} hours"].set_segments([[(x, 0), (x, 1)] for x in hours.values()])
        artists[f"{name} future"].set_verts([[(now, 0), (1, 0), (1, 1), (now, 1)]])
    for number in range(TICKS):
        artists[f"hour {number}"].set_text("")
    for number, (tick, x) in enumerate(hours.items()):
        artists[f"hour {number}"].set(text=f"{tick:%H:%M}", x=x)


def _show_curves(artists: dict[str, Any], shown: Scene) -> None:
    for name in ("sli", "long", "short"):
        artists[name].set_data(shown.x(shown.ends), getattr(shown, name))
    _put(artists["impact"], shown, [(*stretch, 0, 1) for stretch in shown.impact])
    _put(artists["firing"], shown, [(begin, end, 0, 1) for begin, end, _ in shown.alerts])
    colours = [BAR_STYLES[action]["facecolor"] for *_, action in shown.alerts]
    artists["firing"].set_facecolor(colours)


def _show_incidents(artists: dict[str, Any], shown: Scene) -> None:
    """A row for each incident, named where there are two or more, and the lane of the alerts."""
    rows = _rows(LANES["incident"], 0.8, len(shown.names))
    boxes: dict[str, list[Box]] = {kind: [] for kind in BAR_STYLES}
    for begin, end, action in shown.alerts:
        boxes[action].append((begin, end, -0.35, 0.35))
    for row, bars in zip(rows, shown.states, strict=True):
        for begin, end, kind in bars:
            boxes[kind].append((begin, end, *row))
    for kind in BAR_STYLES:
        _put(artists[kind], shown, boxes[kind])
    middles = [sum(row) / 2 for row in rows]
    for name, marks in (("acks", shown.acks), ("triages", shown.triages)):
        heights = [middles[number] for _, number in marks]
        artists[name].set_data(shown.x([minute for minute, _ in marks]), heights)
    for number in range(NAMED):
        artists[f"name {number}"].set_text("")
    if 1 < len(rows) <= NAMED:
        for number, name in enumerate(shown.names):
            artists[f"name {number}"].set(text=name, y=middles[number])


def _rows(middle: float, half: float, count: int) -> list[Stretch]:
    """A lane cut into rows with a thin gap between them: the lower and the upper edge of each."""
    edges = np.linspace(middle - half, middle + half, max(1, count) + 1)
    gap = 0.1 * (edges[1] - edges[0])
    return [(float(low + gap), float(high - gap)) for low, high in pairwise(edges)][:count]


def _put(artist: PolyCollection, shown: Scene, boxes: list[Box]) -> None:
    """Draw boxes, cut at the picture's edges.

    One that begins just now is wide enough to be seen beside the line that says now.
    """
    corners = []
    for begin, end, low, high in boxes:
        left, right = np.clip(shown.x((begin, end)), 0.0, 1.0)
        if left > 0:
            right = max(right, min(1.0, left + JUST_NOW))
        corners.append([(left, low), (right, low), (right, high), (left, high)])
    artist.set_verts(corners)


def clock_ticks(begin: datetime, end: datetime, limit: int) -> list[datetime]:
    """Round times of the day from one moment to another, at most ``limit`` of them."""
    steps = [step * MINUTE for step in TICK_STEPS]
    step = next((step for step in steps if (end - begin) / step <= limit - 1), steps[-1])
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - (midnight - begin) // step * step
    return [first + number * step for number in range((end - first) // step + 1)]
