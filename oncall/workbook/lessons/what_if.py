"""Lesson 11: one evening with one thing changed at a time, and what each would have cost."""

from __future__ import annotations

from collections.abc import Mapping

from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK

PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # so that no line crosses a word


@base.styled()
def plot_what_if(spent: Mapping[str, float]) -> Plot:
    """The share of the error budget that an evening took, and what it would have taken otherwise.

    ``spent`` has a share for each evening by what was different about it; the first is the evening
    as it was, which the others are held against.
    """
    names, shares = list(spent), [100 * share for share in spent.values()]
    figure = base.new_figure(0.9 + 0.42 * len(names))
    axes = figure.subplots()
    axes.set_title("Error budget of the month that the evening took")
    colours = [GREY, *[BLUE] * (len(names) - 1)]
    axes.barh(range(len(names)), shares, 0.6, color=colours)
    axes.axvline(shares[0], color=INK, ls="--", lw=1)
    for row, share in enumerate(shares):
        saved = f", saves {1 - share / shares[0]:.0%}" if row else ""
        axes.text(share, row, f" {share:.2f}%{saved}", va="center", fontsize=9, bbox=PLAIN)
    base.label_rows(axes, names)
    axes.set(xlabel="share of the month's error budget, %", xlim=(0, 1.3 * shares[0]))
    axes.grid(False, axis="y")
    told = (f"{name}: {share:.2f}%" for name, share in zip(names, shares, strict=True))
    return Plot(figure, f"{'; '.join(told)} of the month's budget.")
