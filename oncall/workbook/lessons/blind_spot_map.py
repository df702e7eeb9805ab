"""Lesson 05: the map of what a policy says to outages of every size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from oncall.alerting import BurnRule, Policy, google_policy
from oncall.scenario import KnownIncident
from oncall.slo import SLO, percent
from oncall.telemetry.blind_spots import VERDICTS, BlindSpots, blind_spots
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.lessons.common import TARGETS
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats, Plot
from oncall.workbook.plots.colours import INK
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice

DIGITS = (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)
RATIOS = (*(float(f"{digits}e-{power}") for power in (4, 3, 2, 1) for digits in DIGITS), 1.0)
# Asked in buckets of ten seconds, and all longer ones in buckets of a minute.
SECONDS = tuple(SECOND * seconds for seconds in (10, 20, 30, 40, 50))
_MINUTES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
_HOURS = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 36, 48, 60, 72)
MINUTES = (*(MINUTE * minutes for minutes in _MINUTES), *(HOUR * hours for hours in _HOURS))
VERDICT_COLOURS = (
    "#D9D9D9",
    "#F5D08A",
    "#EBA27A",
)  # silent, and tints of the colours of ticket and page
SHARES = (0.01, 0.1, 1.0)  # of the budget, for which there is a line
TICKS = (10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY)


# --- the map -------------------------------------------------------------------------------------


class Spot(NamedTuple):
    """An outage on the map, as ``0.5% for 3d``, and the share of the budget that it costs."""

    outage: str
    costs: float


def outage_map(slo: SLO, policy: Policy, traffic: float) -> BlindSpots:
    """What a policy says to outages of ten seconds to three days, at ``traffic`` events an hour."""
    step = 10 * SECOND
    brief = blind_spots(slo, policy, traffic, error_ratios=RATIOS, durations=SECONDS, step=step)
    rest = blind_spots(slo, policy, traffic, error_ratios=RATIOS, durations=MINUTES)
    verdict = np.hstack([brief.verdict, rest.verdict])
    lost = np.hstack([brief.budget_lost, rest.budget_lost])
    return BlindSpots(RATIOS, SECONDS + MINUTES, verdict, lost, rest.findings)


def costliest_silent(spots: BlindSpots) -> Spot | None:
    """The costliest outage on the map without a page or ticket; ``None`` if none costs anything."""
    costs = np.where(spots.verdict == VERDICTS.index("silent"), spots.budget_lost, 0.0)
    return _spot(spots, int(costs.argmax())) if costs.any() else None


def cheapest_page(spots: BlindSpots) -> Spot | None:
    """The cheapest outage on the map that pages; ``None`` if none does."""
    costs = np.where(spots.verdict == VERDICTS.index("page"), spots.budget_lost, np.inf)
    return _spot(spots, int(costs.argmin())) if np.isfinite(costs).any() else None


def _spot(spots: BlindSpots, index: int) -> Spot:
    row, column = divmod(index, len(spots.durations))
    outage = f"{percent(spots.error_ratios[row])} for {duration_text(spots.durations[column])}"
    return Spot(outage, float(spots.budget_lost[row, column]))


def _edges(centres: Sequence[float]) -> Floats:
    """The borders between cells around these values, half-way on a logarithmic axis."""
    logs = np.log(np.asarray(centres, dtype=np.float64))
    middles = (logs[1:] + logs[:-1]) / 2
    first, last = 2 * logs[0] - middles[0], 2 * logs[-1] - middles[-1]
    return np.asarray(np.exp(np.concatenate(([first], middles, [last]))))


# --- the picture ---------------------------------------------------------------------------------


@base.styled()
def plot_blind_spots(spots: BlindSpots, slo: SLO, incidents: Iterable[KnownIncident] = ()) -> Plot:
    """The map, with a line for each share of the budget lost, and incidents as numbered dots."""
    numbered = list(enumerate(incidents, 1))
    figure = base.new_figure(4.8)
    base.title_of(figure, f"What the alerts say to an outage, {slo}")
    artists = _build_axes(figure)
    for number, incident in numbered:
        _draw_incident(figure.axes[0], number, incident)
    _add_legend(figure)
    _update_artists(artists, spots, slo)
    parts = _extremes(_model(spots))
    fields = {number: _field(spots, incident) for number, incident in numbered}
    for verdict in VERDICTS:
        numbers = [str(number) for number, field in fields.items() if field == verdict]
        if numbers:
            parts.append(f"{verdict}: incident {', '.join(numbers)}")
    reach = f"{duration_text(spots.durations[0])} to {duration_text(spots.durations[-1])}"
    return Plot(figure, f"{slo}, outages of {reach}: {'; '.join(parts)}.")


def _field(spots: BlindSpots, incident: KnownIncident) -> str | None:
    """The field of the map that an incident's dot is on; ``None`` while it lasts."""
    if incident.end is None:
        return None
    row = _cell(spots.error_ratios, incident.error_ratio)
    seconds = [length / SECOND for length in spots.durations]
    column = _cell(seconds, (incident.end - incident.start) / SECOND)
    return VERDICTS[spots.verdict[row, column]]


def _cell(centres: Sequence[float], value: float) -> int:
    """The index of the cell in which a value lies, the first or last one if it is outside."""
    return int(np.clip(np.searchsorted(_edges(centres), value) - 1, 0, len(centres) - 1))


def _build_axes(figure: Figure) -> dict[str, Any]:
    """Draw the axes; return the fields of the map and the lines of equal cost, which follow it."""
    axes = figure.subplots()
    x, y = _edges([length / SECOND for length in SECONDS + MINUTES]), _edges(RATIOS)
    blank = np.zeros((len(y) - 1, len(x) - 1))
    axes.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.set_title("Outages by size, and the budget they cost", pad=18)
    axes.set(xlabel="the outage lasts", ylabel="requests that fail, %")
    axes.set_xticks([tick / SECOND for tick in TICKS], [duration_text(tick) for tick in TICKS])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{100 * ratio:g}"))
    axes.minorticks_off()
    axes.grid(False)
    colours = ListedColormap(VERDICT_COLOURS)
    fields = axes.pcolormesh(x, y, blank, cmap=colours, vmin=0, vmax=len(VERDICTS) - 1)
    artists: dict[str, Any] = {"map": fields}
    for share in SHARES:
        (artists[f"line {share:.0%}"],) = axes.plot([], [], color=INK, lw=1)
        artists[f"text {share:.0%}"] = axes.text(1, 1, f"{share:.0%}", fontsize=9, clip_on=False)
    return artists


def _update_artists(artists: dict[str, Any], spots: BlindSpots, slo: SLO) -> None:
    artists["map"].set(array=spots.verdict)
    x = _edges([length / SECOND for length in spots.durations])
    low, high = _edges(spots.error_ratios)[[0, -1]]
    for share in SHARES:
        total = share * slo.error_budget * (slo.period / SECOND)  # seconds of a total outage
        artists[f"line {share:.0%}"].set_data(x, total / x)
        text, at_top, at_left = artists[f"text {share:.0%}"], total / high, total / x[0]
        if x[0] <= at_top <= x[-1]:
            side = "right" if at_top > x[-1] / 2 else "center"
            text.set(position=(at_top, high * 1.12), ha=side, visible=True)
        else:
            shown = at_top < x[0] and low < at_left
            text.set(position=(x[0] * 1.1, at_left * 1.1), ha="left", visible=shown)


def _draw_incident(axes: Axes, number: int, incident: KnownIncident) -> None:
    """Draw an incident as a numbered dot, unless it lasts."""
    if incident.end is None:
        return
    dot = ((incident.end - incident.start) / SECOND, incident.error_ratio)
    axes.plot(*dot, "o", ms=5, color=INK, zorder=3)
    # Some numbers stand below their dots, so that neighbours do not cover each other.
    shift = (4, -11) if incident.error_ratio == 1 or number % 2 == 0 else (5, 4)
    name = axes.annotate(str(number), dot, shift, textcoords="offset points", fontsize=9)
    name.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _add_legend(figure: Figure) -> None:
    fields = [
        Patch(color=colour, label=name)
        for colour, name in zip(VERDICT_COLOURS, VERDICTS, strict=True)
    ]
    label = "this share of the month's budget is gone"
    line = figure.axes[0].plot([], [], color=INK, lw=1, label=label)
    base.legend_below(figure, handles=[*fields, *line], ncols=4)


# --- the explorer --------------------------------------------------------------------------------

_TRAFFIC = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000)
TRAFFIC = {f"{events:,}": events for events in _TRAFFIC}


@base.styled()
def blind_spot_explorer(own: BurnRule | None = None) -> Explorer:
    """What Google's policy says to outages, at a target and a traffic, with tickets or without.

    A rule of your own is asked beside the policy's.
    """

    @lru_cache(maxsize=8)
    def map_of(target: float, traffic: int, tickets: bool) -> BlindSpots:
        slo = SLO("availability", target)
        policy: Policy = google_policy(slo.period)[: None if tickets else 2]
        return outage_map(slo, (*policy, own) if own else policy, traffic)

    figure = blank_figure(4.6)
    artists = _build_axes(figure)
    _add_legend(figure)

    def update(target: float, traffic: int, tickets: bool) -> Model:
        spots = map_of(target, traffic, tickets)
        _update_artists(artists, spots, SLO("availability", target))
        return {"target": target, "traffic": traffic, "tickets": tickets} | _model(spots)

    controls = {
        "target": choice("Target", TARGETS, 0.999),
        "traffic": choice("Requests an hour", TRAFFIC, 10_000),
        "tickets": choice("With tickets", {"no": False, "yes": True}, True),
    }
    return Explorer(figure, artists, controls, update, _describe)


def _model(spots: BlindSpots) -> Model:
    silent, page = costliest_silent(spots), cheapest_page(spots)
    rules = [finding.rule for finding in spots.findings]
    return {
        "silent_outage": silent.outage if silent else None,
        "silent_costs": round(silent.costs, 4) if silent else None,
        "page_outage": page.outage if page else None,
        "page_costs": round(page.costs, 4) if page else None,
        "unreachable": rules.count("unreachable"),
        "lone_failure_fires": rules.count("lone-failure"),
    }


def _extremes(model: Model) -> list[str]:
    silent, page = "no silent outage costs anything", "no outage pages"
    if model["silent_outage"]:
        silent = "costliest silent outage {silent_outage}, {silent_costs:.1%} of the budget"
    if model["page_outage"]:
        page = "cheapest page {page_outage}, {page_costs:.1%}"
    return [silent.format_map(model), page.format_map(model)]


def _describe(model: Model) -> str:
    never = "rules that can never fire: {unreachable}".format_map(model)
    single = "that a single failure sets off: {lone_failure_fires}".format_map(model)
    parts = [*_extremes(model), never, single]
    return f"{percent(model['target'])}, {model['traffic']:,} requests an hour: {'; '.join(parts)}."
