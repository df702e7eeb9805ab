"""Plain text laid out within 80 columns: wrapped lines, column charts and marks on a time axis."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

WIDTH = 80
INDENT = "   "
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def wrap(lines: Iterable[str], hang: int, indent: str = "", width: int = WIDTH) -> list[str]:
    """The lines cut to the width; what runs over goes on ``hang`` columns from the left."""
    hanging = " " * hang
    wrapped = []
    for line in lines:
        wrapped += textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=hanging)
    return wrapped


def cut(text: str, width: int) -> str:
    """A text of at most this width, an ellipsis at its end where something is left out."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def fill(text: str) -> str:
    """A paragraph in which no word is broken, so that a path can be copied out of it."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def chart(title: str, labels: Sequence[str], values: Sequence[float], top: float) -> list[str]:
    """A column chart under its title: one row per label, one column per value.

    A value of ``top`` or more fills its column; what is not a number leaves it empty.
    """
    heights = [round(min(1.0, max(0.0, value / top)) * len(labels) * 8) for value in values]
    lines = [f"{INDENT}{title}"]
    for row, label in enumerate(labels, 1):
        below = 8 * (len(labels) - row)
        cells = [_EIGHTHS[min(8, max(0, height - below))] for height in heights]
        lines.append(f"{label:>7} |{''.join(cells)}")
    return lines


def axis_lines(begin: datetime, columns: int, step: timedelta) -> list[str]:
    """The axis under a chart: a tick every ten columns, the time of day under every other tick."""
    ticks = "".join("+" if column % 10 == 0 else "-" for column in range(columns))
    times = "".join(f"{begin + column * step:%H:%M}".ljust(20) for column in range(0, columns, 20))
    return [f"{'':>7} +{ticks}", f"{'':>8} {times}".rstrip()[:WIDTH]]


def mark_lines(
    marks: Sequence[tuple[datetime, str]], begin: datetime, columns: int, step: timedelta
) -> list[str]:
    """One line per mark, drawn at its moment under the same axis with its words beside it."""
    margin = " " * 9
    lines = []
    for at, words in marks:
        column = min(columns - 1, max(0, (at - begin) // step))
        label = f"{at:%H:%M} {words}"
        right_of_it = f"{margin}{' ' * column}^ {label}"
        if len(INDENT + right_of_it) <= WIDTH:
            lines.append(right_of_it)
        else:
            lines.append(margin + f"{label} ^".rjust(column + 1))
    return lines
