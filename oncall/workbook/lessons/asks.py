"""Lesson 12: how likely a system that is wrong now and then passes a case by luck."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oncall.regression import PromptCase
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.colours import BLUE, GREEN, ORANGE, VERMILION

RATES = np.linspace(0, 0.3, 121)  # of wrong answers
_LOOKS = ((VERMILION, "-"), (ORANGE, "--"), (BLUE, "-."), (GREEN, ":"))


def plan(asks: int, passes_needed: int) -> PromptCase:
    """A prompt case that is asked so often and needs so many good answers, whatever it asks."""
    texts = ("plan", "a question", "bad", "good")
    return PromptCase(*texts, must_contain=("good",), asks=asks, passes_needed=passes_needed)


@base.styled()
def plot_chances(plans: Sequence[tuple[int, int]], marked: float = 0.2) -> Plot:
    """The chance to pass, by how often the system is wrong, for up to four pairs (asks, needed).

    The line of text says it for a system that is wrong at the rate ``marked``.
    """
    figure = base.new_figure(3.4)
    axes = figure.subplots()
    axes.set_title("How likely it passes")
    told = []
    for (asks, needed), (colour, dash) in zip(plans, _LOOKS, strict=False):
        case, name = plan(asks, needed), f"{needed} good of {asks}"
        chances = [100 * case.chance(float(rate)) for rate in RATES]
        axes.plot(100 * RATES, chances, color=colour, ls=dash, lw=2, label=name)
        told.append(f"{name}: {case.chance(marked):.1%}")
    axes.axvline(100 * marked, color="#444444", lw=1)
    axes.set(xlabel="answers of the system that are wrong, %", ylabel="chance to pass, %")
    axes.set(xlim=(0, 30), ylim=(-2, 102))
    base.legend_below(figure, ncols=4)
    return Plot(figure, f"Wrong in {marked:.0%} of answers, and it passes: {'; '.join(told)}.")
