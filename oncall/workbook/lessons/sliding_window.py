"""Lesson 04: a window that slides over an outage, and where two windows cross a threshold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from oncall.alerting import BurnRule
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, SKY, VERMILION

BEGAN = datetime(2025, 3, 5, 12, tzinfo=UTC)
CLEAN = 6 * HOUR  # before the outage, so that every window is full
FOOT = 1.0  # of the axis; slower burns are drawn on it
LOOKS_BACK_AT = (3, 40, 75)  # minutes after the outage began, at which the long window is drawn


def one_outage(length: timedelta = 10 * MINUTE, after: timedelta = 2 * HOUR) -> Counts:
    """A total outage at noon, counted by the second, between hours without a failure."""
    good = [100] * (CLEAN // SECOND) + [0] * (length // SECOND) + [100] * (after // SECOND)
    return Counts(BEGAN - CLEAN, SECOND, good, [100] * len(good))


@base.styled()
def plot_sliding_window(
    slo: SLO, rule: BurnRule, length: timedelta = 10 * MINUTE, *, short: bool = True
) -> Plot:
    """A rule's windows sliding over a total outage: where they lie, and how fast each burns.

    Above, the long window at three moments. Below, the burn rate of the long window and, unless
    ``short`` is false, of the short one, on a scale where each grid line is ten times the one
    below; it is shaded while the rule fires.
    """
    counts, ended = one_outage(length), BEGAN + length
    windows = (rule.long, rule.short) if short and rule.short != rule.long else (rule.long,)
    burns = burn_rates(counts, slo, windows)
    [fired] = alert_intervals(counts, slo, (rule,))
    figure = base.new_figure(4.6)
    top, low = figure.subplots(2, sharex=True, height_ratios=(1, 1.8))
    top.set_title(f"A window of {duration_text(rule.long)} slides over an outage")
    base.shade(top, [(BEGAN, ended)], VERMILION, "everything fails")
    for row, minutes in enumerate(LOOKS_BACK_AT):
        now = BEGAN + minutes * MINUTE
        base.draw_bars(top, [(now - rule.long, now)], row, 0.35, GREY)
    base.label_rows(top, [f"at {BEGAN + minutes * MINUTE:%H:%M}" for minutes in LOOKS_BACK_AT])
    top.grid(False, axis="y")
    low.set(title="Burn rate of the window", yscale="log", ylabel="burn rate, x")
    ends = base.bucket_edges(counts)[1:]
    for window, colour, dash in zip(windows, (BLUE, SKY), ("-", "--"), strict=False):
        label = f"last {duration_text(window)}"
        drawn = np.maximum(burns[window], FOOT)
        low.plot(ends, drawn, color=colour, ls=dash, lw=2, label=label)
    low.axhline(rule.factor, color=INK, lw=1.2, ls=":", label=f"threshold {rule.factor:g}x")
    low.set_ylim(FOOT, 2000)
    low.yaxis.set_major_formatter("{x:g}")
    low.minorticks_off()
    end = fired.end or counts.end
    base.shade(low, [(fired.start, end)], ORANGE, "the rule fires")
    base.legend_below(figure, ncols=5)
    base.time_axis(low, BEGAN - 65 * MINUTE, BEGAN + 90 * MINUTE)
    after, held = (fired.start - BEGAN) / SECOND, (end - ended) / MINUTE
    told = f"fires {after:.0f} s after the outage begins, clears {held:.1f} min after it ends"
    highest = f"the highest burn of the last {duration_text(rule.long)}"
    return Plot(figure, f"{rule.name}: {told}; {highest} is {np.nanmax(burns[rule.long]):.1f}x.")
