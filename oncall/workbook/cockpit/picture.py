"""The cockpit's picture: SLI, burn rate, alerts, incidents and what was done, up to the present moment.

Time runs through the picture, and its axis does not change: a moment is drawn at its share of the
stretch shown, and the hours below it are artists like the curves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
from oncall.incident import UNDONE, Incident
from oncall.slo import percent
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.plots import impact_span, stays, styled
from oncall.workbook.plots.base import Floats, OpenSpan, union
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, SHADE, SKY, VERMILION
from oncall.workbook.plots.explorer import EXPLORER_WIDTH, CachedFigure

VIEWS: dict[str, timedelta | None] = {"the last 2 hours": 2 * HOUR, "the whole shift": None}
LOOKS: dict[
    str, dict[str, Any]
] = {  # each kind of bar; where two share a colour, the hatching tells them apart
    "users feel it": {"facecolor": GREY},
    "ticket": {"facecolor": ORANGE, "hatch": "....", "edgecolor": INK},
    "page": {"facecolor": VERMILION},
    "unanswered": {"facecolor": VERMILION, "hatch": "xxxx", "edgecolor": "white"},
    "worked on": {"facecolor": ORANGE, "hatch": "////", "edgecolor": INK},
    "mitigated": {"facecolor": SKY},
    "resolved": {"facecolor": GREEN},
}
STATES = {  # of an incident, and the kind of its bar
    "new": "users feel it",  # and nobody knows
    "detected": "unanswered",
    "acknowledged": "worked on",
    "triaged": "worked on",
    "mitigating": "worked on",
    "mitigated": "mitigated",
    "resolved": "resolved",
}
HEIGHT = 3.45  # of the figure, in inches of 100 pixels
LANES = {
    "alert": 0.0,
    "incident": 1.5,
    "mitigation": 3.0,
    "update": 4.0,
}  # and the height of their middles
LOWEST = (90, 50, 0)  # where the axis of the SLI may begin, in percent
HIGHEST = (20, 60, 120, 300, 1200, 12_000, 120_000)  # where the axis of the burn rate may end
JUST_NOW = 0.006  # of the width
NAMED = 3  # incidents at most whose rows are told apart by name; more rows are too low for it
TICKS = 10  # labels of the time axis, at most
STEPS = (5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10_080)  # minutes from one to the next

Bar = tuple[float, float, str]  # from a minute to a minute, and one of ``LOOKS``


@dataclass(frozen=True, eq=False)
class Scene:
    """What the picture shows. Times are in minutes of the shift; ``left`` and ``right`` are its edges."""

    start: datetime
    now: float
    left: float
    right: float
    ends: Floats  # of the minutes counted, each of which has a share of good requests in ``sli``
    sli: Floats  # in percent
    burns: tuple[Floats, Floats]  # of the last long and the last short window
    alerts: tuple[Bar, ...]
    impact: tuple[tuple[float, float], ...]  # when users felt each incident
    incidents: tuple[tuple[Bar, ...], ...]  # the states of each
    names: tuple[str, ...]  # of the incidents
    applied: tuple[tuple[float, float], ...]
    acks: tuple[tuple[float, int], ...]  # the minute, and the number of the incident
    triages: tuple[tuple[float, int], ...]
    updates: tuple[float, ...]

    def place(self, minutes: Any) -> Any:
        """Minutes as shares of the picture's width."""
        return (np.asarray(minutes, dtype=np.float64) - self.left) / (self.right - self.left)


def first_burn_rule(desk: Desk) -> BurnRule:
    """The rule whose two windows are drawn."""
    return next(rule for rule in desk.policy if isinstance(rule, BurnRule))


def scene(desk: Desk, view: str) -> Scene:
    """What there is to see at a desk now, in one of ``VIEWS``."""
    start, window = desk.scenario.start, VIEWS[view]

    def minute(moment: datetime) -> float:
        return (moment - start) / MINUTE

    def spans(known: Iterable[OpenSpan]) -> tuple[tuple[float, float], ...]:
        return tuple((minute(begin), minute(end or desk.now)) for begin, end in known)

    now, length = minute(desk.now), desk.scenario.length / MINUTE
    left, right = (
        (0.0, length) if window is None else (now - window / MINUTE, now + window / MINUTE / 60)
    )
    counts, rule = desk.counts, first_burn_rule(desk)
    shown = min(len(counts), int(now - left) + 1)
    good, total = (np.asarray(column)[-shown:] for column in (counts.good, counts.total))
    with np.errstate(invalid="ignore"):
        sli = np.true_divide(good, total) * 100
    fired = alert_intervals(counts, desk.scenario.slo, desk.policy)
    events = [(number, event) for number, one in enumerate(desk.incidents) for event in one.events]
    return Scene(
        start,
        now,
        left,
        right,
        ends=np.arange(now - shown + 1, now + 1),
        sli=sli,
        burns=tuple(  # type: ignore[arg-type]  # two of them
            burn_rates(counts, desk.scenario.slo, [window])[window][-shown:]
            for window in (rule.long, rule.short)
        ),
        alerts=tuple(
            (minute(begin), minute(end), action)
            for action in ("ticket", "page")  # a page over a ticket
            for begin, end in union(
                (one.start, one.end or desk.now) for one in fired if one.rule.action == action
            )
        ),
        impact=spans(map(impact_span, desk.incidents)),
        incidents=tuple(_bars(one, desk, minute) for one in desk.incidents),
        names=tuple(one.id for one in desk.incidents),
        applied=spans(in_effect(desk.incidents)),
        acks=tuple(
            (minute(event.at), number) for number, event in events if event.verb == "acknowledge"
        ),
        triages=tuple(
            (minute(event.at), number) for number, event in events if event.verb == "triage"
        ),
        updates=tuple(minute(event.at) for _, event in events if event.verb == "update"),
    )


def _bars(incident: Incident, desk: Desk, minute: Any) -> tuple[Bar, ...]:
    """A bar for each state but the last, ``closed``."""
    return tuple(
        (minute(stay.start), minute(stay.end or desk.now), STATES[stay.state])
        for stay in stays(incident)
        if stay.state in STATES
    )


def in_effect(incidents: Iterable[Incident]) -> list[OpenSpan]:
    """When each mitigation was in effect, from its start to its rollback; ``None`` where it was not rolled back."""
    spans: list[OpenSpan] = []
    began: dict[str, datetime] = {}
    for event in sorted(
        (event for one in incidents for event in one.events), key=lambda event: event.at
    ):
        if event.verb == "mitigate":
            began[event.get("action")] = event.at
        elif event.verb == "note" and event.get("text").removeprefix(UNDONE) in began:
            spans.append((began.pop(event.get("text").removeprefix(UNDONE)), event.at))
    return sorted([*spans, *((at, None) for at in began.values())], key=lambda span: span[0])


# --- the figure ----------------------------------------------------------------------------------


class LivePlot:
    """The picture of a desk: ``draw`` gives it as a PNG file, changing artists in place.

    Only when a curve leaves its axis does the axis grow, and with it what is kept as background.
    """

    def __init__(self, desk: Desk):
        with styled():
            self.figure = Figure(figsize=(EXPLORER_WIDTH, HEIGHT), dpi=150)
            self._sli, self._burn, self._lanes = _stage(self.figure, desk)
            self.artists = _artists(self._sli, self._burn, self._lanes)
            self._cached = CachedFigure(self.figure, self.artists.values())

    def draw(self, desk: Desk, view: str) -> bytes:
        """The desk as it is now."""
        shown = scene(desk, view)
        show(self.artists, shown)
        if _grow(self._sli, self._burn, shown):
            self._cached.draw_background()
        return self._cached.draw()


def _grow(sli: Axes, burn: Axes, shown: Scene) -> bool:
    """Fit the axes to the curves, in a few large steps; whether that changed one."""
    lowest = np.nanmin(shown.sli, initial=100)
    highest = max(np.nanmax(burns, initial=0) for burns in shown.burns)
    low = next(step for step in LOWEST if step <= lowest)
    high = next(step for step in HIGHEST if step >= highest)
    limits = ((low, 100 + 0.08 * (100 - low)), (0, high))
    if (sli.get_ylim(), burn.get_ylim()) == limits:
        return False
    sli.set_ylim(limits[0])
    burn.set_ylim(limits[1])
    return True


def _stage(figure: Figure, desk: Desk) -> tuple[Axes, Axes, Axes]:
    """The three axes, and on them what never moves."""
    slo, rule = desk.scenario.slo, first_burn_rule(desk)
    sli, burn, lanes = figure.subplots(3, sharex=True, height_ratios=(1, 1.15, 1.4))
    figure.subplots_adjust(left=0.13, right=0.915, top=0.935, bottom=0.205, hspace=0.2)
    figure.suptitle(
        f"SLI, burn rate and incidents, {slo}, times in UTC",
        x=0.01,
        y=0.99,
        ha="left",
        va="top",
        fontsize=9.5,
    )
    sli.set(ylabel="good, %", ylim=(LOWEST[0], 100.8), xlim=(0, 1))
    sli.axhline(slo.target * 100, color=INK, lw=1, ls="--")
    burn.set(ylabel="burn rate, x", ylim=(0, HIGHEST[0]))
    burn.axhline(rule.factor, color=INK, lw=1, ls="--")
    for axes in (sli, burn):
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=(1, 2, 2.5, 5, 10)))
    lanes.set_yticks([*LANES.values()], LANES)
    lanes.set_ylim(4.55, -0.55)
    for axes in (sli, burn, lanes):
        axes.grid(False, axis="x" if axes is not lanes else "both")
        axes.tick_params(labelsize=9)
        axes.tick_params(axis="x", bottom=False, labelbottom=False)
        axes.yaxis.label.set_size(9)
    figure.align_ylabels([sli, burn])
    dashes = f"target {percent(slo.target)}; page {rule.factor:.4g}x"
    _draw_legend(figure, dashes, duration_text(rule.long), duration_text(rule.short))
    return sli, burn, lanes


def _draw_legend(figure: Figure, dashes: str, long: str, short: str) -> None:
    mark: dict[str, Any] = {"ls": "", "color": INK, "ms": 6}
    handles = [
        Line2D([], [], color=BLUE, lw=1.8, label=f"SLI; burn, last {long}"),
        Line2D([], [], color=SKY, lw=1.8, label=f"burn, last {short}"),
        Line2D([], [], color=INK, lw=1, ls="--", label=dashes),
        *(Patch(lw=0, label=kind, **look) for kind, look in LOOKS.items()),
        Line2D([], [], marker="^", label="acknowledged", **mark),
        Line2D([], [], marker="D", label="triaged", **(mark | {"ms": 5})),
    ]
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.01, 0.0),
        ncols=4,
        fontsize=8.5,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.1,
        labelspacing=0.25,
        borderpad=0,
    )


def _artists(sli: Axes, burn: Axes, lanes: Axes) -> dict[str, Artist]:
    """Everything that follows the shift, by name."""
    artists: dict[str, Artist] = {}
    for name, axes in {"sli": sli, "burn": burn, "lanes": lanes}.items():
        artists[f"{name} future"] = _patches(axes, color=GREY, alpha=0.12, zorder=0.2)
        artists[f"{name} hours"] = axes.add_collection(
            LineCollection([], colors="#E4E4E4", lw=0.8, zorder=0.1, transform=axes.transAxes),
            autolim=False,
        )
        (artists[f"{name} now"],) = axes.plot(
            [1, 1], [0, 1], color=INK, lw=1, transform=axes.transAxes, zorder=4
        )
    artists["impact"] = _patches(sli, color=GREY, alpha=SHADE, zorder=0.5)
    artists["firing"] = _patches(burn, alpha=SHADE, zorder=0.5)
    (artists["sli"],) = sli.plot([], [], color=BLUE, lw=1.4, drawstyle="steps-pre", zorder=3)
    (artists["long"],) = burn.plot([], [], color=BLUE, lw=1.8, zorder=3)
    (artists["short"],) = burn.plot([], [], color=SKY, lw=1.8, zorder=2.9)
    for name, look in {**LOOKS, "applied": {"facecolor": BLUE}}.items():
        artists[name] = _patches(lanes, transform=lanes.transData, zorder=2, **look)
    for name, marker, size in (("acks", "^", 6), ("triages", "D", 4.5), ("updates", "o", 5)):
        (artists[name],) = lanes.plot(
            [], [], marker, color=INK, ms=size, mec="white", mew=0.7, zorder=3
        )
    for number in range(TICKS):
        artists[f"hour {number}"] = lanes.text(
            0,
            -0.06,
            "",
            transform=lanes.transAxes,
            ha="center",
            va="top",
            fontsize=9,
            clip_on=False,
        )
    for number in range(NAMED):
        artists[f"name {number}"] = lanes.text(
            1.01, 0, "", transform=lanes.get_yaxis_transform(), va="center", fontsize=8.5
        )
    return artists


def _patches(axes: Axes, **look: Any) -> Artist:
    """Boxes that are still to come, in shares of the axes where nothing else is said."""
    everything: dict[str, Any] = {"transform": axes.transAxes, "lw": 0} | look
    return axes.add_collection(PolyCollection([], **everything), autolim=False)


# --- what moves ----------------------------------------------------------------------------------


def show(artists: dict[str, Any], shown: Scene) -> None:
    """Put a scene into the artists."""
    artists["sli"].set_data(shown.place(shown.ends), shown.sli)
    for name, burns in zip(("long", "short"), shown.burns, strict=True):
        artists[name].set_data(shown.place(shown.ends), burns)
    _show_time(artists, shown)
    _put(artists["impact"], shown, [(*span, 0, 1) for span in shown.impact])
    _put(artists["firing"], shown, [(begin, end, 0, 1) for begin, end, _ in shown.alerts])
    artists["firing"].set_facecolor([LOOKS[action]["facecolor"] for *_, action in shown.alerts])
    rows = _rows(LANES["incident"], 0.8, len(shown.incidents))
    bars = [(bar, row) for own, row in zip(shown.incidents, rows, strict=True) for bar in own]
    bars += [(bar, (-0.35, 0.35)) for bar in shown.alerts]
    for name in LOOKS:
        _put(
            artists[name],
            shown,
            [(begin, end, *row) for (begin, end, kind), row in bars if kind == name],
        )
    _name_rows(artists, shown.names, rows)
    _put(artists["applied"], shown, [(*span, *row) for span, row in _stacked(shown.applied)])
    for name, marks in (("acks", shown.acks), ("triages", shown.triages)):
        heights = [sum(rows[number]) / 2 for _, number in marks]
        artists[name].set_data(shown.place([at for at, _ in marks]), heights)
    artists["updates"].set_data(shown.place(shown.updates), [LANES["update"]] * len(shown.updates))


def _name_rows(
    artists: dict[str, Any], names: tuple[str, ...], rows: list[tuple[float, float]]
) -> None:
    """Write beside each row whose incident it is, where there are two or more."""
    names = names if 1 < len(names) <= NAMED else ()
    for number in range(NAMED):
        text, height = (names[number], sum(rows[number]) / 2) if number < len(names) else ("", 0)
        artists[f"name {number}"].set(text=text, y=height)


def _rows(middle: float, half: float, count: int) -> list[tuple[float, float]]:
    """A lane cut into rows, a thin gap between them: the lower and the upper edge of each."""
    edges = np.linspace(middle - half, middle + half, max(1, count) + 1)
    gap = 0.1 * (edges[1] - edges[0])
    return [(float(low + gap), float(high - gap)) for low, high in pairwise(edges)][:count]


def _stacked(
    spans: tuple[tuple[float, float], ...],
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Spans that overlap, in rows below each other."""
    return list(zip(spans, _rows(LANES["mitigation"], 0.4, len(spans)), strict=True))


def _put(
    artist: PolyCollection, shown: Scene, boxes: list[tuple[float, float, float, float]]
) -> None:
    """Boxes as a minute to a minute and a height to a height, cut at the picture's edges.

    One that begins just now is wide enough to be seen beside the line that says now.
    """
    corners = []
    for begin, end, low, high in boxes:
        left, right = (min(1.0, max(0.0, float(place))) for place in shown.place((begin, end)))
        right = max(right, min(1.0, left + JUST_NOW)) if left > 0 else right
        corners.append([(left, low), (right, low), (right, high), (left, high)])
    artist.set_verts(corners)


def clock_ticks(begin: datetime, end: datetime, most: int) -> list[datetime]:
    """Round times of the day from one moment to another, at most so many."""
    step = next(
        (step * MINUTE for step in STEPS if (end - begin) / (step * MINUTE) <= most - 1),
        STEPS[-1] * MINUTE,
    )
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - (midnight - begin) // step * step
    return [first + number * step for number in range((end - first) // step + 1)]


def _show_time(artists: dict[str, Any], shown: Scene) -> None:
    left, right = (shown.start + minutes * MINUTE for minutes in (shown.left, shown.right))
    ticks = clock_ticks(left, right, TICKS)
    places = [(tick - left) / (right - left) for tick in ticks]
    now = float(shown.place(shown.now))
    for name in ("sli", "burn", "lanes"):
        artists[f"{name} now"].set_xdata([now, now])
        artists[f"{name} hours"].set_segments([[(place, 0), (place, 1)] for place in places])
        artists[f"{name} future"].set_verts([[(now, 0), (1, 0), (1, 1), (now, 1)]])
    for number in range(TICKS):
        text, place = (f"{ticks[number]:%H:%M}", places[number]) if number < len(ticks) else ("", 0)
        artists[f"hour {number}"].set(text=text, x=place)
