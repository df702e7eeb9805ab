"""The explorers of the notebooks: for each a plain function that computes, and the explorer that moves its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, BurnRule
from oncall.counts import Counts
from oncall.scenario import rhythm
from oncall.slo import SLO, burn_rate, exhaustion_time, percent, sli
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import DAY, HOUR, MINUTE, duration_text, moment_text
from oncall.workbook.plots.base import BLUE, GREEN, GREY, INK, ORANGE, SHADE, VERMILION
from oncall.workbook.plots.explorer import (
    Explorer,
    Model,
    blank_figure,
    choice,
    envelope,
    slider,
    styled,
)

THREE_NINES = SLO("availability", 0.999)


def _legend_below(figure: Figure) -> None:
    """One legend for all axes, under them, where no curve can run through it."""
    figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)


# --- 01: two budgets -----------------------------------------------------------------------------


@dataclass(frozen=True)
class OutageCost:
    """What a total outage costs a month of days like this one, each a share of the month's error budget.

    ``by_requests`` counts the requests that fail. ``by_minutes`` counts the minutes that are bad,
    which is what averaging the SLI of every minute amounts to.
    """

    failed: int
    by_requests: float
    by_minutes: float


def ordinary_day(requests: int = 600) -> Counts:
    """A day without a failure, ``requests`` a minute on average, in the assistant's daily rhythm."""
    midnight = datetime(2025, 3, 5, tzinfo=UTC)
    shape = [rhythm(midnight + minute * MINUTE) for minute in range(DAY // MINUTE)]
    mean = sum(shape) / len(shape)
    total = [round(requests * level / mean) for level in shape]
    return Counts(midnight, MINUTE, total, total)


def outage_cost(
    day: Counts, start: timedelta, length: timedelta, slo: SLO = THREE_NINES
) -> OutageCost:
    """What it costs when every request fails from ``start`` (since midnight) for ``length``, once in a period.

    The period is made of days like this one. The outage must lie within the day.
    """
    if start < timedelta() or start + length > day.step * len(day):
        raise ValueError(f"the outage must lie within the day, given {start} for {length}")
    failed = sum(day.slice(day.start + start, day.start + start + length).total)
    requests = sum(day.total) * (slo.period // DAY)
    minutes = slo.period // MINUTE
    return OutageCost(
        failed,
        burn_rate(sli(requests - failed, requests), slo),
        burn_rate(sli(minutes - length // MINUTE, minutes), slo),
    )


def two_budgets(slo: SLO = THREE_NINES) -> Explorer:
    """When an outage strikes and how long it lasts: the budget it spends by requests, beside that by minutes."""
    day = ordinary_day()
    hours = np.arange(23 * 60 + 1) / 60
    sums = np.concatenate(([0], np.cumsum(day.total)))
    budget = slo.error_budget * sums[-1] * (slo.period / DAY)
    with styled():
        figure = blank_figure(4.8)
        traffic, cost = figure.subplots(2, sharex=True, height_ratios=(1, 1.5))
        _draw_day(traffic, day)
        span = traffic.axvspan(0, 1, color=GREY, alpha=0.5, lw=0, label="every request fails")
        (by_requests,) = cost.plot(hours, hours, color=BLUE, lw=2, label="counting requests")
        (by_minutes,) = cost.plot(
            [0, 23], [0, 0], color=ORANGE, lw=2, ls="--", label="counting minutes"
        )
        (dots,) = cost.plot([0, 0], [0, 0], "o", ms=8, color=INK, label="this outage")
        _dress_cost(cost)
        _legend_below(figure)

    def update(hour: int, minutes: int) -> Model:
        result = outage_cost(day, hour * HOUR, minutes * MINUTE, slo)
        span.set(x=hour, width=minutes / 60)
        by_requests.set_ydata(
            (sums[minutes : minutes + len(hours)] - sums[: len(hours)]) / budget * 100
        )
        by_minutes.set_ydata([result.by_minutes * 100] * 2)
        dots.set_data([hour, hour], [result.by_requests * 100, result.by_minutes * 100])
        return {
            "hour": hour,
            "minutes": minutes,
            "failed": result.failed,
            "by_requests": round(result.by_requests, 4),
            "by_minutes": round(result.by_minutes, 4),
        }

    return Explorer(
        figure,
        {"span": span, "by_requests": by_requests, "by_minutes": by_minutes, "dots": dots},
        {
            "hour": slider("Outage starts at (hour)", 0, 23, 1, 4),
            "minutes": slider("Outage lasts (minutes)", 1, 60, 1, 30),
        },
        update,
        _describe_budgets,
    )


def _describe_budgets(model: Model) -> str:
    return (
        "{minutes} minutes from {hour:02}:00: {failed:,} requests fail. Counting requests spends {by_requests:.1%} "
        "of the month's error budget, counting minutes {by_minutes:.1%}.".format_map(model)
    )


def _draw_day(axes: Axes, day: Counts) -> None:
    axes.set_title("Requests on an ordinary day")
    axes.fill_between(
        np.arange(len(day)) / 60, np.asarray(day.total), color=BLUE, alpha=SHADE, lw=0
    )
    axes.set(ylabel="requests a minute", ylim=(0, 1100), xlim=(0, 24))


def _dress_cost(axes: Axes) -> None:
    axes.set_title("What it costs, by the hour it starts")
    axes.axhline(100, color=VERMILION, lw=1, ls=":", label="all of it")
    axes.set(ylabel="month's error budget, %", xlabel="hour of the day, UTC", ylim=(0, 210))
    axes.set_xticks(range(0, 25, 3))


# --- 02: window and target -----------------------------------------------------------------------

WINDOWS = {
    duration_text(window): window
    for window in (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY)
}
TARGETS = {percent(target): target for target in (0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)}
PAGE_BURN = 14.4
PIXELS = 840  # about as wide as the curve is in the picture
LOWEST_BURN, HIGHEST_BURN = (
    0.01,
    30_000.0,
)  # what the axis shows; slower burns are drawn at its foot


@dataclass(frozen=True, eq=False)
class WindowedBurn:
    """The burn rate of the last window at the end of each bucket, and when it was above a threshold.

    A window without events burns ``nan`` and is above nothing. Buckets before the data count 0 of 0.
    """

    burn: NDArray[np.float64]
    above: list[AlertInterval]


def windowed_burn(
    counts: Counts, slo: SLO, window: timedelta, threshold: float = PAGE_BURN
) -> WindowedBurn:
    """The burn rate over a window that slides along the counts, and when an alert on it alone would fire."""
    rule = BurnRule(window, window, threshold)
    return WindowedBurn(
        burn_rates(counts, slo, [window])[window], alert_intervals(counts, slo, (rule,))
    )


def window_and_target(
    counts: Counts, incidents: Sequence[tuple[datetime, datetime]] = ()
) -> Explorer:
    """The burn rate over a month for a window and a target, beside the burn rate that pages.

    ``incidents`` are the spans in which something was broken; they are shaded. Counts without any
    event are a ``ValueError``: nothing burns there.
    """
    if not any(counts.total):
        raise ValueError(
            "the counts hold no events, so there is no burn rate to show; give a month with traffic"
        )
    ends = float(dates.date2num(counts.start)) + np.arange(1, len(counts) + 1) * (counts.step / DAY)
    with styled():
        figure = blank_figure(4.4)
        axes = figure.subplots()
        _dress_month(axes, counts, incidents)
        (burn,) = axes.plot([], [], color=BLUE, lw=1, label="burn rate")
        (above,) = axes.plot(
            [],
            [],
            color=VERMILION,
            lw=1.6,
            solid_capstyle="projecting",
            label="above the threshold",
        )
        most = axes.axhline(1, color=GREEN, lw=1.6, ls="-.", label="a total outage")
        _legend_below(figure)

    def update(window: timedelta, target: float) -> Model:
        slo = SLO("availability", target)
        series = windowed_burn(counts, slo, window)
        shown = np.maximum(series.burn, LOWEST_BURN)
        burn.set_data(*envelope(ends, shown, PIXELS))
        above.set_data(*envelope(ends, _only_above(shown, counts, series.above), PIXELS))
        most.set_ydata([1 / slo.error_budget] * 2)
        return _month_model(counts, slo, window, series)

    return Explorer(
        figure,
        {"burn": burn, "above": above, "most": most},
        {"window": choice("Window", WINDOWS, HOUR), "target": choice("Target", TARGETS, 0.999)},
        update,
        _describe_month,
    )


def _month_model(counts: Counts, slo: SLO, window: timedelta, series: WindowedBurn) -> Model:
    highest = int(np.nanargmax(series.burn))
    lasts = exhaustion_time(slo, float(series.burn[highest]))
    above = sum(((alert.end or counts.end) - alert.start for alert in series.above), timedelta())
    return {
        "window_minutes": window // MINUTE,
        "target": slo.target,
        "threshold": PAGE_BURN,
        "total_outage_burn": round(1 / slo.error_budget, 4),
        "highest_burn": round(float(series.burn[highest]), 2),
        "highest_at": moment_text(counts.start + counts.step * (highest + 1)),
        "hours_to_empty": None if lasts is None else round(lasts / HOUR, 2),
        "times_above": len(series.above),
        "minutes_above": above // MINUTE,
    }


def _only_above(
    burn: NDArray[np.float64], counts: Counts, above: list[AlertInterval]
) -> NDArray[np.float64]:
    """The burn rate while it is above the threshold, and ``nan`` at all other times."""
    kept = np.full_like(burn, np.nan)
    for alert in above:  # its ends are ends of buckets
        first = (alert.start - counts.start) // counts.step - 1
        last = len(burn) if alert.end is None else (alert.end - counts.start) // counts.step - 1
        kept[first:last] = burn[first:last]
    return kept


def _describe_month(model: Model) -> str:
    hours = model["hours_to_empty"]
    lasts = "for ever" if hours is None else f"{hours:,.4g} h"
    text = (
        "Highest burn {highest_burn:,.6g}x, at which the month's budget lasts {lasts}; a total outage burns "
        "{total_outage_burn:,.6g}x. Above {threshold:.4g}x {times_above} times, {minutes_above:,} minutes in all."
    )
    return text.format(lasts=lasts, **model)


def _dress_month(
    axes: Axes, counts: Counts, incidents: Sequence[tuple[datetime, datetime]]
) -> None:
    axes.set_title("Burn rate of the last window, at the end of each minute")
    for number, (begin, end) in enumerate(incidents):
        axes.axvspan(
            float(dates.date2num(begin)),
            float(dates.date2num(end)),
            color=GREY,
            alpha=SHADE,
            label="" if number else "something is broken",
        )
    axes.axhline(PAGE_BURN, color=INK, lw=1, ls="--", label=f"{PAGE_BURN:.4g}x")
    axes.set(
        yscale="log", ylim=(LOWEST_BURN, HIGHEST_BURN), ylabel="burn rate, x", xlabel="day, UTC"
    )
    axes.set_xlim(float(dates.date2num(counts.start)), float(dates.date2num(counts.end)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_major_locator(dates.DayLocator(interval=5))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))
    axes.minorticks_off()
