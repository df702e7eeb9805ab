"""The plot of notebook 01: what averaging daily SLIs does to the failures of a month."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oncall.counts import Counts
from oncall.times import DAY
from oncall.workbook.plots.base import (
    BLUE,
    ORANGE,
    WIDTH,
    Floats,
    Plot,
    as_days,
    legend_above,
    time_axis,
)
from oncall.workbook.plots.explorer import styled


def weighed_failures(counts: Counts) -> tuple[Floats, Floats]:
    """The failures of each day, and what the mean of daily SLIs takes them for.

    The mean gives every day the same weight, as though each had had the traffic of an average day. A
    day without events has no SLI and is a ``ValueError``.
    """
    daily = counts.resample(DAY)
    total = np.asarray(daily.total, dtype=np.float64)
    if not total.all():
        empty = counts.start + DAY * int(np.argmin(total))
        raise ValueError(
            f"{empty:%Y-%m-%d} has no events, so it has no SLI to average; leave that day out"
        )
    failed = total - np.asarray(daily.good)
    return failed, failed / total * total.mean()


def plot_weighed_failures(counts: Counts) -> Plot:
    """The failures of each day in UTC, beside what the mean of daily SLIs takes them for."""
    failed, taken = weighed_failures(counts)
    starts = as_days(counts.start) + np.arange(len(failed))
    with styled():
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.set_title("Failed requests a day")
        axes.bar(starts + 0.1, failed / 1000, 0.4, align="edge", color=BLUE, label="as counted")
        axes.bar(
            starts + 0.5,
            taken / 1000,
            0.4,
            align="edge",
            color=ORANGE,
            label="as the mean of daily SLIs takes them",
        )
        axes.set_ylabel("failed, thousand requests")
        axes.grid(False, axis="x")
        legend_above(axes)
        time_axis(axes, counts.start, counts.start + DAY * len(failed))
    return Plot(figure, _describe(counts, failed, taken))


def _describe(counts: Counts, failed: Floats, taken: Floats) -> str:
    def day(place: int) -> str:
        moment = counts.start + DAY * place
        return f"{moment:%A} {moment:%Y-%m-%d} ({failed[place]:,.0f} taken for {taken[place]:,.0f})"

    lost = failed.sum() - taken.sum()
    return (
        f"{len(failed)} days: {failed.sum():,.0f} requests failed; the mean of the daily SLIs takes them for "
        f"{taken.sum():,.0f}, {abs(lost):,.0f} {'fewer' if lost > 0 else 'more'}. "
        f"It shrinks most {day(int(np.argmin(taken - failed)))} and swells most "
        f"{day(int(np.argmax(taken - failed)))}."
    )
