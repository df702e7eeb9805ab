"""The explorers as a reader meets them: in JupyterLab, by keyboard, and in narrow windows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import nbformat
import pytest
from lesson_code import NOTEBOOKS, explorer_code

if TYPE_CHECKING:
    from notebook_page import NotebookPage

# By lesson: the control of its explorer that is moved; and what is typed into a box at each size.
CONTROLS = {
    0: "It is now",
    1: "Outage starts",
    3: "Target",
    4: "It lasts",
    5: "Target",
    7: "Leave out",
    8: "Acknowledged at",
    10: "First card",
    11: "Text",
    13: "Factor",
}
TYPED = {11: ("Bo was careless. ", "It was human error. ", "Ana should have looked. ")}
KEYS = ("ArrowRight", "ArrowLeft", "ArrowRight")

MONTH = """\
from oncall import SLO, read_csv
from oncall.gameday.bundled import bundled_scenario
MONTH = bundled_scenario("assistant_30d")
from oncall.workbook.lessons.burn_rate import WINDOW_CHOICES, burn_rate_explorer, windowed_burn
from oncall.workbook.lessons.common import TARGETS
counts = read_csv("../data/assistant_30d.csv")
incidents = [(label.start, label.end) for label in MONTH.labels()]"""

# The same picture the usual way: every move draws a new figure with all 43,200 points.
REPLOT = """\
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import VBox, interactive_output
from matplotlib import dates
from oncall.workbook.plots.explorer import EXPLORER_WIDTH, choice
start, minute = np.datetime64(counts.start.replace(tzinfo=None)), np.timedelta64(1, "m")
ends = start + np.arange(1, len(counts) + 1) * minute

def replot(window, target):
    slo = SLO("availability", target)
    series = windowed_burn(counts, slo, window)
    figure, axes = plt.subplots(figsize=(EXPLORER_WIDTH, 4.4), layout="constrained")
    for begin, end in incidents:
        axes.axvspan(begin, end, color="grey", alpha=0.2)
    axes.axhline(14.4, color="black", ls="--", label="14.4x")
    axes.axhline(1 / slo.error_budget, color="green", ls="-.", label="a total outage")
    axes.plot(ends, series.burn, lw=1, label="burn rate")
    above = np.where(series.burn > 14.4, series.burn, np.nan)
    axes.plot(ends, above, color="red", label="above the threshold")
    axes.set(yscale="log", ylim=(0.01, 30_000), ylabel="burn rate, x")
    axes.set_xlim(counts.start, counts.end)
    axes.xaxis.set_major_locator(dates.DayLocator(interval=5))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))
    axes.set(title="Burn rate of the last window, at the end of each minute", xlabel="day, UTC")
    axes.grid()
    figure.legend(loc="outside lower left", ncols=3)
    plt.show()

sliders = {
    "window": choice("Window", WINDOW_CHOICES, WINDOW_CHOICES["1h"]),
    "target": choice("Target", TARGETS, 0.999),
}
VBox([*sliders.values(), interactive_output(replot, sliders)])"""


@pytest.fixture(scope="module")
def explorers(read_for_all: Callable[..., NotebookPage]) -> NotebookPage:
    """One notebook with the explorers of all lessons, each in a cell with the code it needs."""
    opened = read_for_all(*(explorer_code(lesson) for lesson in CONTROLS))
    opened.run_all()
    return opened


@pytest.mark.parametrize("lesson", CONTROLS)
def test_the_explorer_of_a_lesson_moves_by_keyboard_and_nothing_is_clipped(
    explorers: NotebookPage, pictures: Path, lesson: int
) -> None:
    from notebook_page import SIZES, assert_legible, clipped

    cell = list(CONTROLS).index(lesson) + 1
    widget = explorers.widget(cell)
    readout, picture = widget.locator(".widget-html"), widget.locator("img")
    for step, (width, zoom) in enumerate(SIZES):
        explorers.resize(width, zoom)
        before = readout.inner_text()
        if lesson in TYPED:
            widget.get_by_label(CONTROLS[lesson]).press("Control+Home")
            typing = partial(explorers.page.keyboard.type, TYPED[lesson][step])
            moved = [explorers.redraw(widget, typing)]
        else:
            moved = explorers.move(cell, CONTROLS[lesson], [KEYS[step]])
        assert moved[0]["least"] > 100, "the picture went away while the next one came"
        explorers.wait_for_other_text(readout, before)
        explorers.rest()  # typing makes a picture for each letter
        widget.evaluate("widget => widget.scrollIntoView()")
        explorers.photograph(pictures / f"explorer-{lesson:02}-{width}-zoom-{zoom}.png")
        assert clipped(widget) == []
        assert_legible(picture)
    assert explorers.new_errors() == []


@pytest.mark.parametrize("lesson", [0, 1, 5])
def test_after_run_all_a_lesson_shows_what_its_page_says(
    read: Callable[..., NotebookPage], lesson: int
) -> None:
    [path] = NOTEBOOKS.glob(f"{lesson:02}_*.ipynb")
    stored = [
        output.data["text/plain"]
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and cell.source.rstrip().endswith("\nexplorer")
        for output in cell.outputs
    ]
    opened = read(path)
    opened.run_all()
    opened.rest()
    shown = opened.page.locator(".oncall-explorer .widget-html-content > div")
    assert len(stored) >= 1
    assert [" ".join(text.split()) for text in shown.all_text_contents()] == [
        " ".join(text.split()) for text in stored
    ]
    assert opened.new_errors() == []


def test_a_slider_shows_new_pixels_in_at_most_0_4_of_the_time_of_a_replot(
    read: Callable[..., NotebookPage], pictures: Path
) -> None:
    opened = read(MONTH, "burn_rate_explorer(counts, incidents)", REPLOT)
    opened.run_all()
    cells: dict[int, list[float]] = {2: [], 3: []}
    for number in cells:
        opened.cell(number).locator("img").wait_for()
    for _ in range(4):  # in turns, so that a busy moment of the machine meets both
        for number, times in cells.items():
            moves = opened.move(number, "Target", ["ArrowLeft", "ArrowRight"])
            times += [moved["after"] for moved in moves]
    opened.photograph(pictures / "latency.png")
    live, replotted = (median(times[1:]) for times in cells.values())  # the first one warms up
    ratio = f"ratio {live / replotted:.2f}"
    print(f"\nslider to new pixels: {live:.0f} ms, re-plotted {replotted:.0f} ms, {ratio}")
    assert live <= 0.4 * replotted
    assert opened.new_errors() == []
