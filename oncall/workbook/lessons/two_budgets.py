"""Lesson 01: a month's failures against its budget, two ways to count, and a mean that misleads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from oncall.counts import Counts
from oncall.scenario import rhythm
from oncall.slo import SLO, burn_rate, sli
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats, Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, SHADE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, slider

# --- the budget ----------------------------------------------------------------------------------


@base.styled()
def plot_failures(counts: Counts, slo: SLO = THREE_NINES) -> Plot:
    """The failures of a period added up, beside the number that its SLO allows for all of it.

    The counts are taken for the whole period. They must hold events.
    """
    failed = np.cumsum(np.asarray(counts.total) - np.asarray(counts.good))
    allowed = sum(counts.total) * slo.error_budget
    edges = base.bucket_edges(counts)
    figure = base.new_figure(3.0)
    axes = figure.subplots()
    axes.set_title("Failed requests, added up")
    axes.plot(edges[1:], failed / 1000, color=BLUE, lw=2, label="failed so far")
    budget = f"error budget of the period: {allowed:,.0f}"
    axes.axhline(allowed / 1000, color=VERMILION, lw=1.5, ls="--", label=budget)
    axes.set_ylabel("requests, thousands")
    axes.set_ylim(0, 1.1 * max(allowed, failed[-1]) / 1000)
    base.legend_above(axes)
    base.time_axis(axes, counts.start, counts.end)
    over = int(np.argmax(failed > allowed)) if failed[-1] > allowed else None
    gone = "never" if over is None else f"{counts.start + counts.step * (over + 1):%Y-%m-%d %H:%M}"
    numbers = f"{failed[-1]:,} failed, {allowed:,.0f} may; the budget is gone: {gone}."
    return Plot(figure, numbers)


# --- two budgets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutageCost:
    """What a total outage costs a month of such days, as shares of the month's error budget.

    ``by_requests`` counts the requests that fail. ``by_minutes`` counts the minutes that are bad,
    which is what averaging the SLI of every minute amounts to.
    """

    failed: int
    by_requests: float
    by_minutes: float


def ordinary_day(requests: int = 600) -> Counts:
    """A day without a failure: ``requests`` a minute on average, in the assistant's rhythm."""
    midnight = datetime(2025, 3, 5, tzinfo=UTC)
    shape = [rhythm(midnight + minute * MINUTE) for minute in range(DAY // MINUTE)]
    mean = sum(shape) / len(shape)
    total = [round(requests * level / mean) for level in shape]
    return Counts(midnight, MINUTE, total, total)


def outage_cost(
    day: Counts, start: timedelta, length: timedelta, slo: SLO = THREE_NINES
) -> OutageCost:
    """What it costs when every request fails from ``start`` (since midnight) for ``length``.

    That happens once in a period made of days like this one. The outage must lie within the day.
    """
    if start < timedelta() or start + length > day.step * len(day):
        raise ValueError(f"the outage must lie within the day, given {start} for {length}")
    failed = sum(day.slice(day.start + start, day.start + start + length).total)
    requests, minutes = sum(day.total) * (slo.period // DAY), slo.period // MINUTE
    by_requests = burn_rate(sli(requests - failed, requests), slo)
    by_minutes = burn_rate(sli(minutes - length // MINUTE, minutes), slo)
    return OutageCost(failed, by_requests, by_minutes)


HOURS = np.arange(23 * 60 + 1) / 60  # at which an outage may start: each minute up to 23:00


@base.styled()
def two_budgets_explorer(slo: SLO = THREE_NINES) -> Explorer:
    """When an outage strikes and how long it lasts: the budget spent by requests and by minutes."""
    day, figure = ordinary_day(), blank_figure(4.8)
    artists = _build_axes(figure, day)
    sums = np.append(0, np.cumsum(day.total))
    budget = slo.error_budget * sums[-1] * (slo.period / DAY)

    def update(hour: int, minutes: int) -> Model:
        cost = outage_cost(day, hour * HOUR, minutes * MINUTE, slo)
        failed = sums[minutes : minutes + len(HOURS)] - sums[: len(HOURS)]
        artists["span"].set(x=hour, width=minutes / 60)
        artists["by_requests"].set(ydata=failed / budget * 100)
        artists["by_minutes"].set(ydata=[cost.by_minutes * 100] * 2)
        artists["dots"].set(data=([hour] * 2, [cost.by_requests * 100, cost.by_minutes * 100]))
        costs = {name: round(value, 6) for name, value in vars(cost).items()}
        return {"hour": hour, "minutes": minutes} | costs

    controls = {
        "hour": slider("Outage starts at (hour)", 0, 23, 1, 4),
        "minutes": slider("Outage lasts (minutes)", 1, 60, 1, 30),
    }
    return Explorer(figure, artists, controls, update, _describe_outage)


def _build_axes(figure: Figure, day: Counts) -> dict[str, Artist]:
    """Draw the day, and the axes of the cost; return the artists that follow the outage."""
    traffic, cost = figure.subplots(2, sharex=True, height_ratios=(1, 1.5))
    traffic.set_title("Requests on an ordinary day")
    minutes = np.arange(len(day)) / 60
    traffic.fill_between(minutes, np.asarray(day.total), color=BLUE, alpha=SHADE, lw=0)
    traffic.set(ylabel="requests a minute", ylim=(0, 1100), xlim=(0, 24))
    span = traffic.axvspan(0, 1, color=GREY, alpha=0.5, lw=0, label="every request fails")
    (by_requests,) = cost.plot(HOURS, HOURS, color=BLUE, lw=2, label="counting requests")
    (by_minutes,) = cost.plot([0, 23], [0, 0], "--", color=ORANGE, lw=2, label="counting minutes")
    (dots,) = cost.plot([0, 0], [0, 0], "o", ms=8, color=INK, label="this outage")
    cost.set_title("What it costs, by the hour it starts")
    cost.axhline(100, color=VERMILION, lw=1, ls=":", label="all of it")
    cost.set(ylabel="month's error budget, %", xlabel="hour of the day, UTC", ylim=(0, 210))
    cost.set_xticks(range(0, 25, 3))
    base.legend_below(figure)
    return {"span": span, "by_requests": by_requests, "by_minutes": by_minutes, "dots": dots}


def _describe_outage(model: Model) -> str:
    text = (
        "{minutes} minutes from {hour:02}:00: {failed:,} requests fail. Counting requests spends "
        "{by_requests:.1%} of the month's error budget, counting minutes {by_minutes:.1%}."
    )
    return text.format_map(model)


# --- failures weighed by the day -----------------------------------------------------------------


def weighed_failures(counts: Counts) -> tuple[Floats, Floats]:
    """The failures of each day, and what the mean of daily SLIs implies.

    The mean gives every day the same weight, as though each had the traffic of an average day. A
    day without events has no SLI and is a ``ValueError``.
    """
    daily = counts.resample(DAY)
    total = np.asarray(daily.total, dtype=np.float64)
    if not total.all():
        empty = f"{counts.start + DAY * int(np.argmin(total)):%Y-%m-%d}"
        raise ValueError(f"{empty} has no events, so it has no SLI to average; leave that day out")
    failed = total - np.asarray(daily.good)
    return failed, failed / total * total.mean()


@base.styled()
def plot_weighed_failures(counts: Counts) -> Plot:
    """The failures of each day in UTC, beside what the mean of daily SLIs implies."""
    failed, taken = weighed_failures(counts)
    starts = base.as_days(counts.start) + np.arange(len(failed))
    figure = base.new_figure(3.4)
    axes = figure.subplots()
    axes.set_title("Failed requests a day")
    label = "as the mean of daily SLIs implies"
    axes.bar(starts + 0.1, failed / 1000, 0.4, align="edge", color=BLUE, label="as counted")
    axes.bar(starts + 0.5, taken / 1000, 0.4, align="edge", color=ORANGE, label=label)
    axes.set_ylabel("failed, thousand requests")
    axes.grid(False, axis="x")
    base.legend_above(axes)
    base.time_axis(axes, counts.start, counts.start + DAY * len(failed))
    return Plot(figure, _describe_failures(counts, failed, taken))


def _describe_failures(counts: Counts, failed: Floats, taken: Floats) -> str:
    def day(index: np.intp) -> str:
        weighed = f"({failed[index]:,.0f}, implied {taken[index]:,.0f})"
        return f"{counts.start + DAY * int(index):%A %Y-%m-%d} {weighed}"

    lost = failed.sum() - taken.sum()
    return (
        f"{len(failed)} days: {failed.sum():,.0f} requests failed; "
        "the mean of the daily SLIs implies "
        f"{taken.sum():,.0f}, {abs(lost):,.0f} {'fewer' if lost > 0 else 'more'}. "
        f"It understates most {day(np.argmin(taken - failed))} "
        f"and overstates most {day(np.argmax(taken - failed))}."
    )
