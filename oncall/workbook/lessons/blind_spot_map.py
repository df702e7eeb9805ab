"""Lesson 04: the map of what a policy says to outages of every size, as a plot and as an explorer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from oncall.alerting import Policy, google_policy
from oncall.scenario import KnownIncident
from oncall.slo import SLO, percent
from oncall.telemetry.blind_spots import VERDICTS, BlindSpots, blind_spots
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.plots.base import INK, WIDTH, Floats, Plot
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, styled

DIGITS = (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)
RATIOS = (*(float(f"{digits}e-{power}") for power in (4, 3, 2, 1) for digits in DIGITS), 1.0)
SECONDS = tuple(
    SECOND * seconds for seconds in (10, 20, 30, 40, 50)
)  # asked in buckets of ten seconds, the rest by
MINUTES = (
    *(MINUTE * minutes for minutes in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)),
    *(
        HOUR * hours
        for hours in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 36, 48, 60, 72)
    ),
)
COLOURS = ("#D9D9D9", "#F5D08A", "#EBA27A")  # silent, and tints of the colours of ticket and page
NO_SILENT, NO_PAGE = "no silent outage costs anything", "no outage pages"
SHARES = (0.01, 0.1, 1.0)  # of the budget, for which there is a line
TICKS = (10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY)


# --- the map -------------------------------------------------------------------------------------


class Spot(NamedTuple):
    """An outage on the map, as ``0.5% for 3d``, and the share of the budget that it costs."""

    outage: str
    costs: float


def outage_map(slo: SLO, policy: Policy, traffic: float) -> BlindSpots:
    """What a policy says to outages from ten seconds to three days, at this traffic (events an hour)."""
    brief = blind_spots(
        slo, policy, traffic, error_ratios=RATIOS, durations=SECONDS, step=10 * SECOND
    )
    rest = blind_spots(slo, policy, traffic, error_ratios=RATIOS, durations=MINUTES)
    return BlindSpots(
        RATIOS,
        SECONDS + MINUTES,
        np.hstack([brief.verdict, rest.verdict]),
        np.hstack([brief.budget_lost, rest.budget_lost]),
        rest.findings,
    )


def costliest_silent(spots: BlindSpots) -> Spot | None:
    """The outage on the map that costs most without a page or ticket; ``None`` if none of those costs anything."""
    costs = np.where(spots.verdict == VERDICTS.index("silent"), spots.budget_lost, 0.0)
    return _spot(spots, int(costs.argmax())) if costs.any() else None


def cheapest_page(spots: BlindSpots) -> Spot | None:
    """The outage on the map that costs least of those that page; ``None`` if none does."""
    costs = np.where(spots.verdict == VERDICTS.index("page"), spots.budget_lost, np.inf)
    return _spot(spots, int(costs.argmin())) if np.isfinite(costs).any() else None


def _spot(spots: BlindSpots, place: int) -> Spot:
    row, column = divmod(place, len(spots.durations))
    outage = f"{percent(spots.error_ratios[row])} for {duration_text(spots.durations[column])}"
    return Spot(outage, float(spots.budget_lost[row, column]))


# --- the picture ---------------------------------------------------------------------------------


def plot_blind_spots(spots: BlindSpots, slo: SLO, incidents: Iterable[KnownIncident] = ()) -> Plot:
    """The map, with a line for each share of the budget lost, and incidents as numbered dots."""
    labels = list(incidents)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        figure.suptitle(f"What the alerts say to an outage, {slo}", x=0.01, ha="left")
        axes = figure.subplots()
        artists = _stage(axes)
        _draw_incidents(axes, labels)
        _legend(figure, axes)
    _show(artists, spots, slo)
    return Plot(figure, describe_blind_spots(spots, slo, labels))


def describe_blind_spots(
    spots: BlindSpots, slo: SLO, incidents: Sequence[KnownIncident] = ()
) -> str:
    """The numbers of ``plot_blind_spots`` as one line."""
    silent, page = costliest_silent(spots), cheapest_page(spots)
    parts = [
        f"costliest silent outage {silent.outage}, {silent.costs:.1%} of the budget"
        if silent
        else NO_SILENT
    ]
    parts.append(f"cheapest page {page.outage}, {page.costs:.1%}" if page else NO_PAGE)
    dots = [_field(spots, label) for label in incidents]
    for name in VERDICTS:
        if name in dots:
            parts.append(
                f"{name}: incident {', '.join(str(n) for n, dot in enumerate(dots, 1) if dot == name)}"
            )
    reach = f"{duration_text(spots.durations[0])} to {duration_text(spots.durations[-1])}"
    return f"{slo}, outages of {reach}: {'; '.join(parts)}."


def _field(spots: BlindSpots, label: KnownIncident) -> str | None:
    """The field of the map that an incident's dot is on; ``None`` while it lasts."""
    if label.end is None:
        return None
    row = _cell(spots.error_ratios, label.error_ratio)
    column = _cell(
        [length / SECOND for length in spots.durations], (label.end - label.start) / SECOND
    )
    return VERDICTS[spots.verdict[row, column]]


def _cell(centres: Sequence[float], value: float) -> int:
    """The place of the cell in which a value lies, the first or last one if it is outside."""
    return int(np.clip(np.searchsorted(_edges(centres), value) - 1, 0, len(centres) - 1))


def _stage(axes: Axes) -> dict[str, Artist]:
    """What never moves: the axes. Returns what does: the fields of the map, and the lines of equal cost."""
    x, y = _edges([length / SECOND for length in SECONDS + MINUTES]), _edges(RATIOS)
    blank = np.zeros((len(y) - 1, len(x) - 1))
    axes.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.set_title("Outages by size, and the budget they cost", pad=18)
    axes.set_xlabel("the outage lasts")
    axes.set_ylabel("requests that fail, %")
    axes.set_xticks([tick / SECOND for tick in TICKS], [duration_text(tick) for tick in TICKS])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{100 * ratio:g}"))
    axes.minorticks_off()
    axes.grid(False)
    colours = ListedColormap(COLOURS)
    artists: dict[str, Artist] = {
        "map": axes.pcolormesh(x, y, blank, cmap=colours, vmin=0, vmax=len(VERDICTS) - 1)
    }
    for share in SHARES:
        (artists[f"line {share:.0%}"],) = axes.plot([], [], color=INK, lw=1)
        artists[f"text {share:.0%}"] = axes.text(1, 1, f"{share:.0%}", fontsize=9, clip_on=False)
    return artists


def _show(artists: dict[str, Artist], spots: BlindSpots, slo: SLO) -> None:
    artists["map"].set(array=spots.verdict)
    x = np.asarray(_edges([length / SECOND for length in spots.durations]))
    low, high = _edges(spots.error_ratios)[[0, -1]]
    for share in SHARES:
        total = share * slo.error_budget * (slo.period / SECOND)  # seconds of a total outage
        artists[f"line {share:.0%}"].set(data=(x, total / x))
        at_top = total / high
        inside = x[0] <= at_top <= x[-1]
        place = (at_top, high * 1.12) if inside else (x[0] * 1.1, total / x[0] * 1.1)
        shown = inside or (at_top < x[0] and low < total / x[0])
        side = "left" if not inside else "right" if at_top > x[-1] / 2 else "center"
        artists[f"text {share:.0%}"].set(position=place, visible=shown, ha=side)


def _edges(centres: Sequence[float] | Floats) -> Floats:
    """The borders between cells around these values, half-way on a logarithmic axis."""
    logs = np.log(np.asarray(centres, dtype=np.float64))
    middles = (logs[1:] + logs[:-1]) / 2
    edges: Floats = np.exp(
        np.concatenate(([2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]))
    )
    return edges


def _draw_incidents(axes: Axes, labels: Sequence[KnownIncident]) -> None:
    for number, label in enumerate(labels, 1):
        if label.end is not None:
            x = (label.end - label.start) / SECOND
            axes.plot([x], [label.error_ratio], "o", ms=5, color=INK, zorder=3)
            below = (
                label.error_ratio == 1 or number % 2 == 0
            )  # so that neighbours do not cover each other
            shift = (4, -11) if below else (5, 4)
            name = axes.annotate(
                str(number), (x, label.error_ratio), shift, textcoords="offset points", fontsize=9
            )
            name.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _legend(figure: Figure, axes: Axes) -> None:
    fields = [
        Patch(color=colour, label=name) for colour, name in zip(COLOURS, VERDICTS, strict=True)
    ]
    line = axes.plot([], [], color=INK, lw=1, label="this share of the month's budget is gone")[0]
    figure.legend(handles=[*fields, line], loc="outside lower left", ncols=4, columnspacing=1.5)


# --- the explorer --------------------------------------------------------------------------------

TARGETS = {percent(target): target for target in (0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)}
TRAFFIC = {f"{events:,}": events for events in (10, 100, 1000, 10_000, 100_000)}


def blind_spot_map() -> Explorer:
    """What Google's policy says to outages of every size, for a target and a traffic, with its tickets or without."""

    @lru_cache(maxsize=8)
    def at(target: float, traffic: int, tickets: bool) -> BlindSpots:
        slo = SLO("availability", target)
        policy = google_policy(slo.period)
        return outage_map(slo, policy if tickets else policy[:2], traffic)

    with styled():
        figure = blank_figure(4.6)
        axes = figure.subplots()
        artists = _stage(axes)
        _legend(figure, axes)

    def update(target: float, traffic: int, tickets: bool) -> Model:
        spots = at(target, traffic, tickets)
        _show(artists, spots, SLO("availability", target))
        return {"target": target, "traffic": traffic, "tickets": tickets} | _model(spots)

    return Explorer(
        figure,
        artists,
        {
            "target": choice("Target", TARGETS, 0.999),
            "traffic": choice("Requests an hour", TRAFFIC, 10_000),
            "tickets": choice("With tickets", {"no": False, "yes": True}, True),
        },
        update,
        _describe,
    )


def _model(spots: BlindSpots) -> Model:
    silent, page = costliest_silent(spots), cheapest_page(spots)
    return {
        "silent_outage": silent and silent.outage,
        "silent_costs": silent and round(silent.costs, 4),
        "page_outage": page and page.outage,
        "page_costs": page and round(page.costs, 4),
        "unreachable": sum(finding.rule == "unreachable" for finding in spots.findings),
        "lone_failure_fires": sum(finding.rule == "lone-failure" for finding in spots.findings),
    }


def _describe(model: Model) -> str:
    silent = "costliest silent outage {silent_outage}, {silent_costs:.1%} of the budget"
    page = "cheapest page {page_outage}, {page_costs:.1%}"
    rules = "rules that can never fire: {unreachable}; that one failure fires: {lone_failure_fires}"
    parts = (
        silent if model["silent_outage"] else NO_SILENT,
        page if model["page_outage"] else NO_PAGE,
        rules,
    )
    return f"{percent(model['target'])}, {model['traffic']:,} requests an hour: {'; '.join(parts)}.".format_map(
        model
    )
