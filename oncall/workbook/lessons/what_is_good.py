"""Lesson 02: a night under two definitions of what is valid, and what a judged sample tells."""

from __future__ import annotations

import numpy as np

from oncall.slo import percent, share_interval
from oncall.times import MINUTE
from oncall.workbook.lessons.night import FIRST, LAST, Night, known_at
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Look, Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, SHADE

# --- one night, two definitions ------------------------------------------------------------------


@base.styled()
def plot_definitions(nights: dict[str, Night]) -> Plot:
    """The SLI of each minute of one night under several definitions, and when the alert fires.

    ``nights`` has the night as each definition counts it, by the definition's name.
    """
    figure = base.new_figure(4.0)
    top, lanes = figure.subplots(2, sharex=True, height_ratios=(2.4, 1))
    top.set(title="SLI of each minute", ylabel="good, %", ylim=(-4, 104))
    lanes.set(title="When the alert fires")
    styles = ((BLUE, "-"), (ORANGE, "--"))
    for row, ((name, night), (colour, dash)) in enumerate(zip(nights.items(), styles, strict=True)):
        minutes = night.counts.slice(FIRST, LAST).resample(MINUTE)
        with np.errstate(invalid="ignore"):
            slis = 100 * np.true_divide(minutes.good, minutes.total)
        look: Look = {"color": colour, "ls": dash, "lw": 1.8, "label": name}
        top.stairs(slis, base.bucket_edges(minutes), baseline=None, **look)
        base.draw_bars(lanes, night.alerts, row, 0.5, colour)
    base.label_rows(lanes, list(nights))
    lanes.grid(False, axis="y")
    base.time_axis(lanes, FIRST, LAST)
    base.legend_below(figure, ncols=2)
    return Plot(figure, " ".join(_definition_text(name, night) for name, night in nights.items()))


def _definition_text(name: str, night: Night) -> str:
    alerts = ", ".join(f"{begin:%H:%M:%S} to {end:%H:%M:%S}" for begin, end in night.alerts)
    spent = known_at(night, LAST).spent
    return f"{name}: {spent:.2%} of the month's budget, alert {alerts or 'silent'}."


# --- a sample, judged ----------------------------------------------------------------------------

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)


@base.styled()
def plot_sample_sizes(share: float, sizes: tuple[int, ...] = SIZES) -> Plot:
    """The range of true shares that samples of each size leave open, if all show this share good.

    A size at which the share is no whole number of answers takes the nearest.
    """
    ranges = [share_interval(round(share * size), size) for size in sizes]
    low, high = (100 * np.array(ends) for ends in zip(*ranges, strict=True))
    figure = base.new_figure(3.2)
    axes = figure.subplots()
    axes.set_title(f"{percent(share)} of a sample judged good: where the truth may lie")
    places = np.arange(len(sizes))
    axes.vlines(places, low, high, color=BLUE, lw=9, alpha=0.35 + SHADE, label="95% range")
    axes.plot(places, [100 * share] * len(sizes), "o", color=INK, label="judged good")
    axes.axhline(97, color=GREY, ls="--", lw=1.2, label="a service of 97%")
    axes.axhline(95, color=ORANGE, ls=":", lw=1.8, label="a service of 95%")
    axes.set_xticks(places, [f"{size:,}" for size in sizes])
    axes.set(xlabel="answers judged", ylabel="truly good, %", xlim=(-0.5, len(sizes) - 0.5))
    axes.grid(False, axis="x")
    base.legend_below(figure, ncols=4)
    told = (
        f"{size:,}: {low:.1%} to {high:.1%}"
        for size, (low, high) in zip(sizes, ranges, strict=True)
    )
    return Plot(figure, f"{percent(share)} judged good, by sample: {'; '.join(told)}.")
