"""What every picture shares: its style, its axes, and what it shows as one line of text.

Every ``plot_…`` returns a ``Plot``. In a notebook it shows itself as a picture with the line under
it; the line is also the picture's alternative text, and is what a test reads. Figures are made
without pyplot, so that none outlives its cell, and look alike whatever a reader's matplotlibrc
says.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from matplotlib import dates, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oncall.counts import Counts
from oncall.times import DAY
from oncall.workbook.plots.colours import GREY, INK, SHADE

WIDTH = 8.2  # inches at 100 dots: JupyterLab shows 820 pixels as they are in a window of 1280
LINE = 96  # characters that fit under it

_STYLE = {
    "text.parse_math": False,  # a title may hold dollars
    "figure.dpi": 100,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
}

Floats = NDArray[np.float64]
Look = dict[str, Any]  # how an artist looks, as matplotlib's keywords
Span = tuple[datetime, datetime]
OpenSpan = tuple[datetime, datetime | None]  # None: it has not ended


@contextmanager
def styled() -> Iterator[None]:
    """The style of every figure: a context to draw in, or a decorator of a function that draws."""
    with style.context(_STYLE, after_reset=True):
        yield


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure, and what it shows as one line of text."""

    figure: Figure
    numbers: str

    @styled()  # matplotlib makes its ticks only now
    def png(self) -> bytes:
        """The picture as a PNG file, the same bytes every time."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()

    def _ipython_display_(self) -> None:
        """Show the picture in a notebook, and its line under it."""
        show(self.png(), self.numbers)


def show(png: bytes, numbers: str, width: int | None = None) -> None:
    """Show a picture in a notebook, and under it its line, which is its alternative text too."""
    from IPython.display import Image, display

    display(Image(png, width=width, alt=numbers))
    print(textwrap.fill(numbers, LINE, break_on_hyphens=False))


def new_figure(height: float) -> Figure:
    """An empty figure of the width of a notebook; ``height`` is in inches of 100 dots."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


# --- time ----------------------------------------------------------------------------------------


def as_days(moment: datetime) -> float:
    """A moment as matplotlib counts time: in days since 1970, UTC."""
    return moment.timestamp() / DAY.total_seconds()


def bucket_edges(counts: Counts) -> Floats:
    """Where the buckets begin and end, in matplotlib's days: one edge more than buckets."""
    steps = np.arange(len(counts) + 1, dtype=np.float64)
    return as_days(counts.start) + steps * (counts.step / DAY)


def clock_format(begin: datetime, end: datetime) -> str:
    """How to write moments between these two: the date too when they are more than a day apart."""
    return "%H:%M" if end - begin <= DAY else "%Y-%m-%d %H:%M"


def time_axis(axes: Axes, begin: datetime, end: datetime) -> None:
    """Limit the axes to the time from ``begin`` to ``end``, and label it in UTC."""
    axes.set_xlim(as_days(begin), as_days(end))
    locator = dates.AutoDateLocator(tz=UTC, minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    ticks = dates.ConciseDateFormatter(locator, tz=UTC, show_offset=False)
    axes.xaxis.set_major_formatter(ticks)
    axes.set_xlabel(f"time (UTC), from {begin:%Y-%m-%d %H:%M} to {end:{clock_format(begin, end)}}")


def clip_spans(spans: Iterable[OpenSpan], shown: Counts) -> tuple[Span, ...]:
    """The parts of the spans that lie within the counts shown."""
    clipped = [(max(begin, shown.start), min(end or shown.end, shown.end)) for begin, end in spans]
    return tuple((begin, end) for begin, end in clipped if begin < end)


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that do not overlap, in order."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


# --- titles, labels and legends ------------------------------------------------------------------


def title_of(figure: Figure, title: str) -> None:
    """Write the title of a whole figure at its left."""
    figure.suptitle(title, x=0.01, ha="left")


def legend_above(axes: Axes) -> None:
    """A legend in one line above the axes, right of their title, where it covers nothing."""
    columns = max(1, len(axes.get_legend_handles_labels()[0]))
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1.01)}
    axes.legend(**place, ncols=columns, handlelength=1.6, columnspacing=1.4)


def legend_below(figure: Figure, **look: Any) -> None:
    """One legend for all axes, below them, where no curve can run through it."""
    figure.legend(**{"loc": "outside lower left", "ncols": 3, "columnspacing": 1.5} | look)


def label_rows(axes: Axes, names: Sequence[str], **look: Any) -> None:
    """Label one row of the axes with each name, the first on top."""
    axes.set_yticks(range(len(names)), names, **look)
    axes.set_ylim(len(names) - 0.4, -0.6)


def label_right(axes: Axes, labels: Mapping[float, str]) -> None:
    """Write each label at the right of the axes, at its height."""
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(labels), list(labels.values()))
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)


# --- spans ---------------------------------------------------------------------------------------


def shade(axes: Axes, spans: Iterable[Span], colour: str, label: str, *, edge: float = 0) -> None:
    """Shade spans of time over the height of the axes; they share one entry in the legend.

    An ``edge`` (its width, in points) lets spans of minutes still show in a month.
    """
    for begin, end in spans:
        left, right = as_days(begin), as_days(end)
        axes.axvspan(left, right, color=colour, alpha=SHADE, lw=edge, label=label)
        label = ""


def draw_bars(axes: Axes, spans: Iterable[Span], row: int, height: float, colour: str) -> None:
    """Draw spans of time as bars in a row of the axes."""
    bars = [(as_days(begin), (end - begin) / DAY) for begin, end in spans]
    axes.broken_barh(bars, (row - height / 2, height), color=colour)
