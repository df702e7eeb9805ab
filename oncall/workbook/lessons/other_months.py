"""Lesson 13: the months that could as well have been, beside the target that one of them gave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.colours import BLUE, INK, ORANGE


@base.styled()
def plot_months(slis: Sequence[float], target: float) -> Plot:
    """How often months of these SLIs came, those below a target in another colour and hatched."""
    percents, line = 100 * np.asarray(slis), 100 * target
    figure = base.new_figure(3.0)
    axes = figure.subplots()
    axes.set_title("Months drawn from the same days")
    bins = np.linspace(percents.min(), percents.max(), 41).tolist()
    missed = percents[percents < line]
    label = f"they miss it: {len(missed):,} of {len(percents):,}"
    axes.hist(percents, bins=bins, color=BLUE, label="they keep it")
    axes.hist(missed, bins=bins, color=ORANGE, hatch="//", edgecolor="white", label=label)
    axes.axvline(line, color=INK, ls="--", lw=1.5, label="last month's SLI")
    axes.set(xlabel="SLI of the month, %", ylabel="months")
    base.legend_above(axes)
    lowest, highest = percents.min(), percents.max()
    told = f"{len(missed)} of {len(percents)} months are below {line:.2f}%"
    return Plot(figure, f"{told}; they reach from {lowest:.2f}% to {highest:.2f}%.")
