"""Lesson 03: the speed at which a month's error budget is spent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from oncall.alerting import AlertInterval, BurnRule
from oncall.counts import Counts
from oncall.slo import BUDGET_POLICY, SLO, exhaustion_time
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import DAY, HOUR, MINUTE, duration_text, moment_text
from oncall.workbook.lessons.common import TARGETS
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats, Plot, Span
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, envelope

# --- the budget running down ---------------------------------------------------------------------


def budget_left(counts: Counts, slo: SLO) -> Floats:
    """The share of the error budget left at the end of each bucket of a whole period.

    1.0 is untouched, negative is overspent. The budget is the failures that all the counted events
    allow. Counts without events are a ``ValueError``.
    """
    total = sum(counts.total)
    if not total:
        raise ValueError("the counts hold no events, so no budget; give a month with traffic")
    bad = np.cumsum(np.asarray(counts.total) - np.asarray(counts.good))
    return np.asarray(1 - bad / (total * slo.error_budget))


@base.styled()
def plot_budget(counts: Counts, slo: SLO, incidents: Iterable[Span] = ()) -> Plot:
    """The error budget left over the period in UTC, with what the budget policy asks at each level.

    ``incidents`` are the spans in which something was broken; they are shaded.
    """
    left, ends = budget_left(counts, slo), base.bucket_edges(counts)[1:]
    figure = base.new_figure(3.8)
    axes = figure.subplots()
    axes.set_title("Error budget left")
    axes.set_ylabel("budget left, %")
    _shade_incidents(axes, base.clip_spans(incidents, counts))
    axes.plot(ends, left * 100, color=BLUE, lw=1.8, label="this month")
    axes.plot(ends[[0, -1]], [100, 0], color=INK, lw=1, ls="--", label="at a steady 1x")
    actions = {100 * (1 - line.spent): line.action for line in BUDGET_POLICY[1:]}
    for level in actions:
        axes.axhline(level, color=GREY, lw=0.8, ls=":")
    base.label_right(axes, actions)
    base.legend_above(axes)
    base.time_axis(axes, counts.start, counts.end)
    return Plot(figure, _describe_budget(counts, left))


def _describe_budget(counts: Counts, left: Floats) -> str:
    parts = []
    for line in BUDGET_POLICY[1:]:
        below = np.flatnonzero(1 - left >= line.spent).tolist()
        first = (
            f"{counts.start + counts.step * (below[0] + 1):%Y-%m-%d %H:%M}" if below else "never"
        )
        parts.append(f"{line.spent:.0%} spent {first} ({line.action})")
    return f"{'; '.join(parts)}; {left[-1]:.1%} left on {counts.end:%Y-%m-%d} UTC."


def _shade_incidents(axes: Axes, spans: Iterable[Span]) -> None:
    base.shade(axes, spans, GREY, "something is broken", edge=2)


# --- one outage in several windows ---------------------------------------------------------------

WINDOW_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)  # of the windows, the shortest first
LOWEST_BURN = 0.1  # the foot of the axis; slower burns are drawn on it


@base.styled()
def plot_windows(
    counts: Counts,
    slo: SLO,
    windows: Sequence[timedelta],
    *,
    since: datetime,
    until: datetime,
    incidents: Iterable[Span] = (),
) -> Plot:
    """The burn rate of up to four windows over the same time in UTC, at the end of each bucket.

    ``since`` and ``until`` choose what is drawn; the windows see everything before. ``incidents``
    are the spans in which something was broken; they are shaded.
    """
    shown = counts.slice(since, until)
    whole = burn_rates(counts.slice(None, shown.end), slo, windows)
    burns = {window: burn[-len(shown) :] for window, burn in whole.items()}
    figure = base.new_figure(3.6)
    axes = figure.subplots()
    axes.set_title("Burn rate")
    _shade_incidents(axes, base.clip_spans(incidents, shown))
    ends = base.bucket_edges(shown)[1:]
    for colour, (window, burn) in zip(WINDOW_COLOURS, burns.items(), strict=False):
        drawn, label = np.maximum(burn, LOWEST_BURN), f"last {duration_text(window)}"
        axes.plot(ends, drawn, color=colour, lw=1.8, label=label)
    axes.axhline(1, color=INK, lw=1, ls="--", label="1x")
    axes.set(yscale="log", ylabel="burn rate, x")
    axes.set_ylim(bottom=LOWEST_BURN)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    base.legend_above(axes)
    base.time_axis(axes, shown.start, shown.end)
    return Plot(figure, _describe_windows(shown, burns))


def _describe_windows(shown: Counts, burns: dict[timedelta, Floats]) -> str:
    clock = base.clock_format(shown.start, shown.end)

    def end_of(bucket: int) -> str:
        return f"{shown.start + shown.step * (bucket + 1):{clock}}"

    parts = []
    for window, burn in burns.items():
        high = int(np.nanargmax(burn))
        calm = np.flatnonzero(burn[high:] <= 1).tolist()
        back = f"back to 1x at {end_of(high + calm[0])}" if calm else "above 1x to the end"
        highest = f"highest {burn[high]:.1f}x at {end_of(high)}"
        parts.append(f"last {duration_text(window)}: {highest}, {back}")
    return f"{shown.start:%Y-%m-%d %H:%M} to {shown.end:{clock}} UTC: {'; '.join(parts)}."


# --- window and target ---------------------------------------------------------------------------

_WINDOWS = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY)
WINDOW_CHOICES = {duration_text(window): window for window in _WINDOWS}
PAGE_BURN = 14.4
THRESHOLDS = {f"{burn:g}x": burn for burn in (1, 2, 3, 6, 10, PAGE_BURN, 36, 100)}
BURN_AXIS = (0.01, 30_000.0)  # slower burns are drawn at its foot


@dataclass(frozen=True, eq=False)
class WindowedBurn:
    """The burn rate of the last window at the end of each bucket, and when it was too high.

    A window without events burns ``nan`` and is above nothing. Before the data there are no events.
    """

    burn: Floats
    above: list[AlertInterval]


def windowed_burn(
    counts: Counts, slo: SLO, window: timedelta, threshold: float = PAGE_BURN
) -> WindowedBurn:
    """The burn rate over a window that slides along the counts, and when an alert on it fires."""
    above = alert_intervals(counts, slo, (BurnRule(window, window, threshold),))
    return WindowedBurn(burn_rates(counts, slo, [window])[window], above)


@base.styled()
def burn_rate_explorer(counts: Counts, incidents: Iterable[Span] = ()) -> Explorer:
    """The burn rate over a month for a window and a target, beside the burn rate that pages.

    ``incidents`` are the spans in which something was broken; they are shaded. Counts without any
    event are a ``ValueError``: nothing burns there.
    """
    if not any(counts.total):
        raise ValueError("the counts hold no events, so nothing burns; give a month with traffic")
    figure, ends = blank_figure(4.4), base.bucket_edges(counts)[1:]
    axes = figure.subplots()
    _build_axes(axes, counts, incidents)
    (burn,) = axes.plot([], [], color=BLUE, lw=1, label="burn rate")
    (above,) = axes.plot([], [], color=VERMILION, lw=1.6, label="above the threshold")
    above.set_solid_capstyle("projecting")
    line = axes.axhline(PAGE_BURN, color=INK, lw=1, ls="--", label="the threshold")
    outage = axes.axhline(1, color=GREEN, lw=1.6, ls="-.", label="a total outage")
    base.legend_below(figure)

    def update(window: timedelta, target: float, threshold: float) -> Model:
        slo = SLO("availability", target)
        series = windowed_burn(counts, slo, window, threshold)
        shown = np.maximum(series.burn, BURN_AXIS[0])
        burn.set_data(*envelope(ends, shown))
        above.set_data(*envelope(ends, _only_above(shown, counts, series.above)))
        line.set_ydata([threshold] * 2)
        outage.set_ydata([1 / slo.error_budget] * 2)
        return _model(counts, slo, window, threshold, series)

    artists = {"burn": burn, "above": above, "threshold": line, "outage": outage}
    choices = {
        "window": choice("Window", WINDOW_CHOICES, HOUR),
        "target": choice("Target", TARGETS, 0.999),
        "threshold": choice("Alert above", THRESHOLDS, PAGE_BURN),
    }
    return Explorer(figure, artists, choices, update, _describe)


def _model(
    counts: Counts, slo: SLO, window: timedelta, threshold: float, series: WindowedBurn
) -> Model:
    highest = int(np.nanargmax(series.burn))
    lasts = exhaustion_time(slo, float(series.burn[highest]))
    above = sum(((alert.end or counts.end) - alert.start for alert in series.above), timedelta())
    return {
        "window_minutes": window // MINUTE,
        "target": slo.target,
        "threshold": threshold,
        "total_outage_burn": round(1 / slo.error_budget, 4),
        "highest_burn": round(float(series.burn[highest]), 2),
        "highest_at": moment_text(counts.start + counts.step * (highest + 1)),
        "hours_to_empty": None if lasts is None else round(lasts / HOUR, 2),
        "times_above": len(series.above),
        "minutes_above": above // MINUTE,
    }


def _only_above(burn: Floats, counts: Counts, above: list[AlertInterval]) -> Floats:
    """The burn rate while it is above the threshold, and ``nan`` at all other times."""
    high = np.full_like(burn, np.nan)
    for alert in above:  # its ends are ends of buckets
        first = (alert.start - counts.start) // counts.step - 1
        last = len(burn) if alert.end is None else (alert.end - counts.start) // counts.step - 1
        high[first:last] = burn[first:last]
    return high


def _describe(model: Model) -> str:
    hours = model["hours_to_empty"]
    text = (
        "Highest burn {highest_burn:,.6g}x, at which the month's budget lasts {lasts}; "
        "a total outage burns {total_outage_burn:,.6g}x. "
        "Above {threshold:.4g}x {times_above} times, {minutes_above:,} minutes in all."
    )
    return text.format(lasts="for ever" if hours is None else f"{hours:,.4g} h", **model)


def _build_axes(axes: Axes, counts: Counts, incidents: Iterable[Span]) -> None:
    axes.set_title("Burn rate of the last window, at the end of each minute")
    _shade_incidents(axes, incidents)
    axes.set(yscale="log", ylim=BURN_AXIS, ylabel="burn rate, x", xlabel="day, UTC")
    axes.set_xlim(base.as_days(counts.start), base.as_days(counts.end))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_major_locator(dates.DayLocator(interval=5))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))
    axes.minorticks_off()
