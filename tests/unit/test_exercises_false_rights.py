"""No wrong answer is called right: right answers are edited, and what a check still accepts must
give our answers on thousands of small inputs that are no case of it.

One edit at a time for every answer, and two at a time for some hundreds drawn by a fixed seed.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from edits import edited_twice, edits
from exercise_answers import RIGHT

from oncall.workbook.exercises.checking import EXERCISES
from oncall.workbook.exercises.runner import TimeUp, alike, outcome

Inputs = list[tuple[Any, ...]]
PAIRS = 150  # of edits, of each answer

TARGETS = (0.5, 0.7, 0.75, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999, 0.9995, 0.9999)
FACTORS = (0.5, 1, 1.2, 2, 3, 3.5, 4, 6, 10, 14.4, 33, 36, 100, 1000, 2000)
SMALL = {
    "budget_left": lambda draw: [
        (good, total, target)
        for total in (0, 1, 2, 3, 7, 10, 20, 100, 10_000)
        for good in {0, total // 2, max(0, total - 4), max(0, total - 1), total}
        for target in TARGETS
    ],
    "hours_to_empty": lambda draw: list(
        itertools.product(
            (0, 0.1, 0.2, 0.5, 1, 2, 3, 14.4, 1000),
            (-1.5, -0.5, -0.001, 0, 0.0, 0.001, 0.25, 1 / 3, 0.5, 0.9, 1.0),
            (1, 24, 672, 720, 2160),
        )
    ),
    "fires": lambda draw: [
        (bad_long, total_long, bad_short, total_short, target, factor)
        for total_long, total_short in ((0, 0), (0, 5), (5, 0), (10, 10), (100, 10), (2000, 20_000))
        for bad_long in {0, total_long // 100, total_long // 5, total_long}
        for bad_short in {0, total_short // 100, total_short // 5, total_short}
        for target in (0.75, 0.9, 0.99, 0.999, 0.9995)
        for factor in (1, 2, 3, 14.4)
    ],
    "can_ever_fire": lambda draw: list(itertools.product(TARGETS, FACTORS)),
    "events_needed": lambda draw: [
        (target, factor)
        for target, factor in itertools.product(TARGETS, FACTORS)
        if factor * (1 - target) > 1 / 500  # some answers count up, or call themselves
    ],
}


def drawn(name: str) -> Inputs:
    """Small inputs of an exercise: of a grid, or its own cases with their items mixed anew."""
    draw = random.Random(20250304)
    if name in SMALL:
        return list(SMALL[name](draw))
    exercise = EXERCISES[name]
    return list(_mixed(exercise.cases + exercise.edges, draw))


def _mixed(cases: Any, draw: random.Random) -> Iterator[tuple[Any, ...]]:
    """Arguments that each come from some case; a list may also be a few items of any lists."""
    columns = [list(column) for column in zip(*cases, strict=True)]
    for _ in range(1500):
        yield tuple(_some(column, draw) for column in columns)


def _some(column: list[Any], draw: random.Random) -> Any:
    if isinstance(column[0], list) and draw.random() < 0.7:
        items = [item for value in column for item in value]
        chosen = [draw.choice(items) for _ in range(draw.randrange(5))]
        return sorted(chosen, key=_when) if _is_timed(chosen) else chosen
    return draw.choice(column)


VERBS = ("impact", "detect", "ack", "mitigate", "mitigated", "resolve", "reopen")


def _is_timed(items: list[Any]) -> bool:
    return all(isinstance(item, tuple) and item[1] in VERBS for item in items)


def _when(event: tuple[int, str]) -> tuple[int, int]:
    """Events of one minute happen in the order in which they can."""
    return event[0], VERBS.index(event[1])


def accepted(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The edits of the right answers that the check calls right."""
    draw = random.Random(7)
    for answer in [one for one in RIGHT[name] if "recursively" not in one.__name__]:
        for text, function in itertools.chain(edits(answer), edited_twice(answer, PAIRS, draw)):
            if is_accepted(name, function):
                yield text, function


def is_accepted(name: str, function: Callable[..., Any]) -> bool:
    """Whether the check would call it right; without its thread, and cut off after some lines."""
    exercise = EXERCISES[name]
    try:
        with at_most_lines(20_000):
            return all(map(alike, exercise.outcomes(function), exercise.expected))
    except TooLong:
        return False


class TooLong(TimeUp):
    """Raised in an edit that loops for ever."""


@contextmanager
def at_most_lines(lines: int) -> Iterator[None]:
    """Let so many lines of the code below run and no more."""
    left = lines

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise TooLong
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy divides by zero, and says so
def test_what_the_check_accepts_is_right_on_other_inputs_too(name: str) -> None:
    exercise = EXERCISES[name]
    inputs = drawn(name)
    ours = [outcome(lambda *case: exercise.call(exercise.reference, *case), c) for c in inputs]
    known = [(case, mine) for case, mine in zip(inputs, ours, strict=True) if mine.error is None]
    assert len(known) > 50
    for text, function in accepted(name):
        for case, mine in known:
            theirs = outcome(lambda *given: exercise.call(function, *given), case)  # noqa: B023
            assert alike(theirs, mine), f"{text}\n{case}: {theirs}, not {mine}"
