"""The plots of notebook 02: the budget of a month running down, and one outage seen through windows of several lengths.

The explorer of that notebook, *window and target*, is in ``explorers``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.counts import Counts
from oncall.slo import BUDGET_POLICY, SLO
from oncall.times import DAY, duration_text
from oncall.workbook.plots.base import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SHADE,
    WIDTH,
    Floats,
    Plot,
    Span,
    as_days,
    clip_spans,
    clock_format,
    legend_above,
    rolling_burn,
    time_axis,
)
from oncall.workbook.plots.explorer import styled

COLOURS = (BLUE, ORANGE, GREEN, PURPLE)  # of the windows, the shortest first
LOWEST_BURN = 0.1  # the foot of the axis; slower burns are drawn on it


# --- the budget running down ---------------------------------------------------------------------


def budget_left(counts: Counts, slo: SLO) -> Floats:
    """The share of the error budget left at the end of each bucket, when the counts are those of the whole period.

    1.0 is untouched, negative is overspent. The budget is the failures that all the counted events
    allow. Counts without events are a ``ValueError``.
    """
    total = sum(counts.total)
    if not total:
        raise ValueError(
            "the counts hold no events, so there is no budget to spend; give a month with traffic"
        )
    bad = np.cumsum(np.asarray(counts.total) - np.asarray(counts.good))
    return np.asarray(1 - bad / (total * slo.error_budget))


def plot_budget(counts: Counts, slo: SLO, incidents: Iterable[Span] = ()) -> Plot:
    """The error budget left over the period in UTC, with what the budget policy asks at each level.

    ``incidents`` are the spans in which something was broken; they are shaded.
    """
    left = budget_left(counts, slo)
    ends = as_days(counts.start) + np.arange(1, len(left) + 1) * (counts.step / DAY)
    with styled():
        figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
        axes = figure.subplots()
        axes.set_title("Error budget left")
        axes.set_ylabel("budget left, %")
        _shade_broken(axes, clip_spans(incidents, counts))
        axes.plot(ends, left * 100, color=BLUE, lw=1.8, label="this month")
        axes.plot(ends[[0, -1]], [100, 0], color=INK, lw=1, ls="--", label="at a steady 1x")
        _name_actions(axes)
        legend_above(axes)
        time_axis(axes, counts.start, counts.end)
    return Plot(figure, _describe_budget(counts, left))


def _name_actions(axes: Axes) -> None:
    """What the policy asks from each level down, at the right of that level."""
    levels = [100 * (1 - line.spent) for line in BUDGET_POLICY[1:]]
    for level in levels:
        axes.axhline(level, color=GREY, lw=0.8, ls=":")
    right = axes.secondary_yaxis("right")
    right.set_yticks(levels, [line.action for line in BUDGET_POLICY[1:]])
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)


def _describe_budget(counts: Counts, left: Floats) -> str:
    parts = []
    for line in BUDGET_POLICY[1:]:
        below = np.flatnonzero(1 - left >= line.spent)
        when = (
            f"{counts.start + counts.step * (int(below[0]) + 1):%Y-%m-%d %H:%M}"
            if len(below)
            else "never"
        )
        parts.append(f"{line.spent:.0%} spent {when} ({line.action})")
    return f"{'; '.join(parts)}; {left[-1]:.1%} left on {counts.end:%Y-%m-%d} UTC."


# --- one outage through several windows ----------------------------------------------------------


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
    first = (shown.start - counts.start) // counts.step
    burns = {
        window: rolling_burn(counts, slo, window)[first : first + len(shown)] for window in windows
    }
    ends = as_days(shown.start) + np.arange(1, len(shown) + 1) * (counts.step / DAY)
    with styled():
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.set_title("Burn rate")
        _shade_broken(axes, clip_spans(incidents, shown))
        for colour, (window, burn) in zip(COLOURS, burns.items(), strict=False):
            axes.plot(
                ends,
                np.maximum(burn, LOWEST_BURN),
                color=colour,
                lw=1.8,
                label=f"last {duration_text(window)}",
            )
        axes.axhline(1, color=INK, lw=1, ls="--", label="1x")
        axes.set(yscale="log", ylabel="burn rate, x")
        axes.set_ylim(bottom=LOWEST_BURN)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        legend_above(axes)
        time_axis(axes, shown.start, shown.end)
    return Plot(figure, _describe_windows(shown, burns))


def _describe_windows(shown: Counts, burns: dict[timedelta, Floats]) -> str:
    clock = clock_format(shown.start, shown.end)

    def end_of(place: int) -> str:
        return f"{shown.start + shown.step * (place + 1):{clock}}"

    parts = []
    for window, burn in burns.items():
        high = int(np.nanargmax(burn))
        after = np.flatnonzero(burn[high:] <= 1)
        back = (
            f"back to 1x at {end_of(high + int(after[0]))}" if len(after) else "above 1x to the end"
        )
        parts.append(
            f"last {duration_text(window)}: highest {burn[high]:.1f}x at {end_of(high)}, {back}"
        )
    return f"{shown.start:%Y-%m-%d} {shown.start:%H:%M} to {shown.end:{clock}} UTC: {'; '.join(parts)}."


# --- what both share -----------------------------------------------------------------------------


def _shade_broken(axes: Axes, spans: Iterable[Span]) -> None:
    """Shade the spans, with an edge, so that minutes still show in a month."""
    for number, (begin, end) in enumerate(spans):
        label = "" if number else "something is broken"
        axes.axvspan(as_days(begin), as_days(end), color=GREY, alpha=SHADE, label=label)
