"""The explorers as a reader meets them: in JupyterLab, by keyboard, in narrow windows, and as fast as a hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notebook_page import NotebookPage

DATA = Path(__file__).parents[2] / "data" / "assistant_30d.csv"

IMPORTS = f"""\
from oncall import SLO, read_csv
from oncall.scenarios import MONTH
from oncall.workbook.explorers import TARGETS, WINDOWS, two_budgets, window_and_target, windowed_burn
counts = read_csv({str(DATA)!r})
incidents = [(label.start, label.end) for label in MONTH.labels()]"""

# Every explorer, the name of one of its sliders, and a word that its line of text loses when the slider moves.
EXPLORERS = [
    ("two_budgets()", "Outage starts", "04:00"),
    ("window_and_target(counts, incidents)", "Target", "1,000x"),
]

# The same picture the usual way: every move draws a new figure with all 43,200 points.
REPLOT = """\
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import VBox, interactive_output
from oncall.workbook.explorer import WIDTH, choice
ends = np.datetime64(counts.start.replace(tzinfo=None)) + np.arange(1, len(counts) + 1) * np.timedelta64(1, "m")

def replot(window, target):
    slo = SLO("availability", target)
    series = windowed_burn(counts, slo, window)
    figure, axes = plt.subplots(figsize=(WIDTH, 4.4), layout="constrained")
    for begin, end in incidents:
        axes.axvspan(begin, end, color="grey", alpha=0.2)
    axes.axhline(14.4, color="black", ls="--", label="pages above 14.4x")
    axes.axhline(1 / slo.error_budget, color="green", ls="-.", label="a total outage")
    axes.plot(ends, series.burn, lw=1, label="burn rate")
    axes.plot(ends, np.where(series.burn > 14.4, series.burn, np.nan), color="red", label="above the threshold")
    axes.set(yscale="log", ylim=(0.01, 30_000), xlim=(counts.start, counts.end), ylabel="burn rate, x")
    axes.grid()
    figure.legend(loc="outside lower left", ncols=3)
    plt.show()

sliders = {"window": choice("Window", WINDOWS, WINDOWS["1h"]), "target": choice("Target", TARGETS, 0.999)}
VBox([*sliders.values(), interactive_output(replot, sliders)])"""

# What in a cell's output is cut off or runs out of it, as [what, the width it needs, the width it has].
CLIPPED = """cell => {
    const room = cell.querySelector(".jp-OutputArea-output").clientWidth;
    const written = text => {
        const range = document.createRange();
        range.selectNodeContents(text);
        return range.getBoundingClientRect().width;
    };
    const texts = [...cell.querySelectorAll(".widget-label, .widget-html, .widget-readout")];
    return [...texts.map(text => [text.textContent, written(text), text.clientWidth]),
            ...[...cell.querySelectorAll("img")].map(image => ["picture", image.width, room])]
        .filter(([, needs, has]) => needs > has + 1);
}"""

# A picture's width by its height, as it is shown and as it is.
SHAPES = "image => [image.width / image.height, image.naturalWidth / image.naturalHeight]"


@pytest.mark.parametrize(("width", "zoom"), [(1280, 1), (900, 1), (1280, 2)])
def test_every_explorer_moves_by_keyboard_and_nothing_is_clipped(
    read: Callable[..., NotebookPage], pictures: Path, width: int, zoom: float
) -> None:
    opened = read(IMPORTS, *(source for source, _, _ in EXPLORERS), width=width, zoom=zoom)
    opened.run_all()
    for number, (_, slider, word) in enumerate(EXPLORERS, 2):
        cell = opened.cell(number)
        cell.locator("img").wait_for()
        assert word in cell.locator(".widget-html").inner_text()
        [moved] = opened.move(number, slider, ["ArrowRight"])
        assert moved["least"] > 100, "the picture went away while the next one came"
        cell.locator(".widget-html").filter(has_not_text=word).wait_for(timeout=5_000)
        cell.locator("img").scroll_into_view_if_needed()
        opened.page.screenshot(path=pictures / f"explorer-{number - 1}-{width}-zoom-{zoom}.png")
        assert cell.evaluate(CLIPPED) == []
        shown, whole = cell.locator("img").evaluate(SHAPES)
        assert shown == pytest.approx(whole, rel=0.02)
    assert opened.errors == []


def test_a_slider_shows_new_pixels_in_at_most_0_4_of_the_time_of_a_replot(
    read: Callable[..., NotebookPage], pictures: Path
) -> None:
    opened = read(IMPORTS, EXPLORERS[1][0], REPLOT)
    opened.run_all()
    cells: dict[int, list[float]] = {2: [], 3: []}
    for number in cells:
        opened.cell(number).locator("img").wait_for()
    for _ in range(4):  # in turns, so that a busy moment of the machine meets both
        for number, times in cells.items():
            times += [moved["after"] for moved in opened.move(number, "Target", ["ArrowLeft", "ArrowRight"] * 2)]
    opened.page.screenshot(path=pictures / "latency.png")
    live, replotted = (median(times[1:]) for times in cells.values())  # the first one warms up
    print(f"\nslider to new pixels: {live:.0f} ms, re-plotted {replotted:.0f} ms, ratio {live / replotted:.2f}")
    assert live <= 0.4 * replotted
    assert opened.errors == []
