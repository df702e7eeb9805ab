"""Lesson 07 asks for the median of the lengths that are known."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, median, median_high, median_low, mode

from oncall.workbook.exercises.exercise import Exercise

Lengths = list[float | None]


def _of_known(middle: Callable[[list[float]], float]) -> Callable[[Lengths], float | None]:
    """The function that takes this middle of what is known."""

    def typical(lengths: Lengths) -> float | None:
        known = [length for length in lengths if length is not None]
        return middle(known) if known else None

    return typical


def _in_order_given(known: list[float]) -> float:
    """The one that stands in the middle of the list as it is."""
    half = len(known) // 2
    return known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2


_typical = _of_known(median)

EXERCISE = Exercise(
    "typical(lengths)",
    _typical,
    cases=(
        ([20],),
        ([10, 20, 60],),
        ([60, 10, 20],),
        ([10, 20, 40, 80],),
        ([300, 5, 44, 30, 12, 44],),
    ),
    edges=(
        ([30, None, 10, 20],),
        ([None, 10, None, 20],),
        ([],),
        ([None, None],),
        ([0, 0, 50],),
        ([0, None, 8, 0, 9, 9],),
        ([7.5, 2.25],),
    ),
    mistakes={
        "This is the mean. One long incident pulls it up; the median is the one in the "
        "middle.": _of_known(mean),
        "This takes the one in the middle as the list stands. Put them in order first.": _of_known(
            _in_order_given
        ),
        "This takes the lower of the two in the middle. With an even number it is their "
        "mean.": _of_known(median_low),
        "This takes the upper of the two in the middle. With an even number it is their "
        "mean.": _of_known(median_high),
        "This is the length that comes most often. The median is the one in the middle.": _of_known(
            mode
        ),
        "This is the longest. The median is the one in the middle.": _of_known(max),
        "This is the shortest. The median is the one in the middle.": _of_known(min),
        "This is halfway between the shortest and the longest. Two incidents decide it, and the "
        "others have no say.": _of_known(lambda known: (min(known) + max(known)) / 2),
        "This takes what is unknown for 0, the shortest incident there is. Leave it "
        "out.": lambda lengths: median([length or 0 for length in lengths]) if lengths else None,
        "This leaves out 0 as well, because 0 is false in an if. Ask whether it is "
        "None.": lambda lengths: (
            median([length for length in lengths if length]) if any(lengths) else None
        ),
        "This stumbles over a length of None. Leave out what is unknown before you "
        "sort.": lambda lengths: median(lengths) if lengths else None,
        "This raises when nothing is known. A median of nothing is not known either: "
        "None.": lambda lengths: median([length for length in lengths if length is not None]),
        "This answers 0 when nothing is known, the best time there is. What nobody knows "
        "stays None.": lambda lengths: _typical(lengths) or 0,
        "This rounds the median. Lengths need not be whole, and the mean of two need not be "
        "either.": _of_known(lambda known: round(median(known))),
    },
)
