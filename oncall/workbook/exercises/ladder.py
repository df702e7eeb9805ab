"""Lesson 08 asks who is paged, and when, on an escalation policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import le, lt
from typing import Any

from oncall.escalation import EscalationPolicy, Step, escalate
from oncall.times import MINUTE
from oncall.workbook.exercises.exercise import Exercise, Function

PolicySteps = Sequence[tuple[str, int]]  # a name, and its minutes to answer
Pages = list[tuple[str, int]]  # a name, and the minute of the page


def _ladder(steps: PolicySteps, ack: int | None, repeat: int) -> Pages:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    policy = EscalationPolicy(tuple(Step((name,), delay * MINUTE) for name, delay in steps), repeat)
    acks = [] if ack is None else [start + ack * MINUTE]
    pages = escalate(policy, start, acks=acks).pages
    return [(page.who, (page.at - start) // MINUTE) for page in pages]


def _climb(steps: PolicySteps) -> Pages:
    """Page each step, and wait its delay before the next."""
    pages, minute = [], 0
    for name, delay in steps:
        pages.append((name, minute))
        minute += delay
    return pages


def _wait_first(steps: PolicySteps) -> Pages:
    pages = zip(_climb(steps), steps, strict=True)
    return [(name, minute + delay) for (name, minute), (_, delay) in pages]


def _wait_from_the_alert(steps: PolicySteps) -> Pages:
    delays = [0, *(delay for _, delay in steps)]
    return [(name, delay) for (name, _), delay in zip(steps, delays, strict=False)]


def _rounds(steps: PolicySteps, repeat: int) -> PolicySteps:
    return [*steps] * (repeat + 1)


def _without_last_delay(steps: PolicySteps, repeat: int) -> PolicySteps:
    *others, (name, _) = steps
    return _rounds([*others, (name, 0)], repeat)


def _paging(order: Function, climb: Function = _climb, wakes: Function = lt) -> Function:
    """The function that climbs the steps in this order, and pages while the ack lets it wake."""

    def ladder(steps: PolicySteps, ack: int | None, repeat: int) -> Pages:
        pages = climb(order(steps, repeat))
        return [page for page in pages if ack is None or wakes(page[1], ack)]

    return ladder


def _without_end(steps: PolicySteps, ack: int | None, repeat: int) -> Pages:
    return _climb(_rounds(steps, repeat))


def _comparing_with_none(steps: PolicySteps, ack: Any, repeat: int) -> Pages:
    return [page for page in _without_end(steps, ack, repeat) if page[1] < ack]


def _one_page_more(steps: PolicySteps, ack: int | None, repeat: int) -> Pages:
    return _without_end(steps, ack, repeat)[: len(_ladder(steps, ack, repeat)) + 1]


_ANA = [("ana", 5)]
_TWO = [("ana", 5), ("bo", 10)]
_THREE = [("ana", 5), ("bo", 10), ("chen", 15)]

EXERCISE = Exercise(
    "ladder(steps, ack, repeat)",
    _ladder,
    cases=(
        (_ANA, None, 0),
        (_TWO, None, 0),
        (_THREE, None, 0),
        (_THREE, 7, 0),
        (_TWO, None, 1),
        (_THREE, 33, 1),
        (_THREE, None, 2),
    ),
    edges=(
        (_THREE, 5, 0),
        (_THREE, 0, 0),
        ([("ana", 0), ("bo", 5)], None, 0),
        (_ANA, 5, 1),
        (_THREE, 100, 0),
    ),
    mistakes={
        "This goes on after the acknowledgement. "
        "Once somebody has it, nobody else is woken.": _without_end,
        "This climbs the ladder once. After the last delay it starts again from the first "
        "step, repeat times.": _paging(lambda steps, repeat: steps),
        "This climbs the ladder repeat times in all. repeat counts the further rounds, "
        "after the first.": _paging(lambda steps, repeat: steps * repeat),
        "This pages each step several times before the next. "
        "What is repeated is the whole ladder.": _paging(
            lambda steps, repeat: [step for step in steps for _ in range(repeat + 1)]
        ),
        "This waits before each page. The first step is paged at minute 0; "
        "its delay is its time to answer.": _paging(_rounds, _wait_first),
        "This counts each delay from the alert. It counts from the page before, "
        "so the delays add up.": _paging(_rounds, _wait_from_the_alert),
        "This starts each further round at minute 0. It starts when the last step has "
        "had its time.": lambda steps, ack, repeat: _ladder(steps, ack, 0) * (repeat + 1),
        "This gives the last step no time to answer. "
        "Its delay passes too before the ladder starts again.": _paging(_without_last_delay),
        "This gives the names alone. Each page is a pair: who, and at which "
        "minute.": lambda *case: [name for name, _ in _ladder(*case)],
        "This gives the minutes alone. Each page is a pair: who, and at which "
        "minute.": lambda *case: [minute for _, minute in _ladder(*case)],
        "This gives each step with its delay. Asked for is the minute at which it is "
        "paged.": lambda steps, ack, repeat: [
            step
            for step, _ in zip(_rounds(steps, repeat), _ladder(steps, ack, repeat), strict=False)
        ],
        "This adds a step's own delay before it is paged, and only its own. The delays of all "
        "steps before it add up, and its own comes after.": _paging(
            _rounds, lambda steps: [(name, delay) for name, delay in steps]
        ),
        "This sends one page more after the acknowledgement. "
        "Look at the time before each page, not after it.": _one_page_more,
        "This compares with an acknowledgement that never came. "
        "If ack is None nobody answers: page them all.": _comparing_with_none,
        "This pages at the very minute of the acknowledgement. "
        "The acknowledgement wins: nobody is woken.": _paging(_rounds, wakes=le),
        "This takes an acknowledgement at minute 0 for none: 0 is false in an if. "
        "Ask whether ack is None.": lambda steps, ack, repeat: _ladder(steps, ack or None, repeat),
    },
)
