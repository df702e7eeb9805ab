"""Lesson 03 asks when the error budget is empty if it goes on burning at this rate."""

from __future__ import annotations

import math
from datetime import timedelta

from oncall.slo import SLO, exhaustion_time
from oncall.times import HOUR
from oncall.workbook.exercises.exercise import Exercise, Function


def _hours_to_empty(burn: float, remaining: float, period_hours: float) -> float:
    slo = SLO("availability", 0.999, timedelta(hours=period_hours))
    time_left = exhaustion_time(slo, burn, remaining)
    return math.inf if time_left is None else time_left / HOUR


def _rounded(hours: float, digits: int | None) -> float:
    return hours if math.isinf(hours) else round(hours, digits)


def _without_burn(value: float | str | None) -> Function:
    """The function that is wrong only at a burn rate of 0."""
    return lambda burn, left, period: _hours_to_empty(burn, left, period) if burn else value


EXERCISE = Exercise(
    "hours_to_empty(burn, remaining, period_hours)",
    _hours_to_empty,
    cases=(
        (1, 1.0, 24),
        (2, 1.0, 24),
        (4, 0.25, 24),
        (10, 1.0, 672),
        (0.5, 0.5, 720),
        (14.4, 0.9, 720),
        (1000, 1.0, 720),
        (0.2, 1.0, 720),
        (7, 0.9, 720),
    ),
    edges=((0, 1.0, 720), (2, 0.0, 720), (2, -0.5, 720), (0, -0.5, 720), (0, 0.0, 720)),
    mistakes={
        "This takes the whole budget. Only the remaining share is there to be spent, "
        "so multiply by it.": lambda burn, left, period: _hours_to_empty(burn, 1.0, period),
        "This uses the share already spent, 1 - remaining. What runs out "
        "is what remains.": lambda burn, left, period: _hours_to_empty(burn, 1 - left, period),
        "This multiplies by the burn rate. Burning faster must empty the budget sooner: "
        "divide by it.": lambda burn, left, period: max(0.0, left) * period * burn,
        "This has 30 days built in. The period is an argument: 28 days or a quarter "
        "are common too.": lambda burn, left, period: _hours_to_empty(burn, left, 720),
        "This answers in days. The period comes in hours, and so "
        "does the answer.": lambda burn, left, period: _hours_to_empty(burn, left, period) / 24,
        "This says that a burn rate up to 1 never empties the budget. "
        "It takes longer, but it does; only 0 never.": lambda burn, left, period: (
            _hours_to_empty(burn, left, period) if burn > 1 else math.inf
        ),
        "This counts only what burns above 1. At 1x the budget goes too, in exactly its period: "
        "divide by the whole burn rate.": lambda burn, left, period: (
            _hours_to_empty(burn - 1, left, period) if burn > 1 else math.inf
        ),
        "This stops at the period. At a burn below 1 the budget lasts longer than "
        "that.": lambda burn, left, period: min(period, _hours_to_empty(burn, left, period)),
        "This answers in minutes. The period comes in hours, and so does "
        "the answer.": lambda burn, left, period: _hours_to_empty(burn, left, period) * 60,
        "This rounds to whole hours. Half an hour is a time too, and it would become "
        "0.": lambda burn, left, period: _rounded(_hours_to_empty(burn, left, period), None),
        "This rounds to a few digits. Round where a person reads it.": lambda burn, left, period: (
            _rounded(_hours_to_empty(burn, left, period), 2)
        ),
        "This answers the text 'inf'. math.inf is a number, which can be compared and "
        "sorted.": _without_burn("inf"),
        "This answers the period when nothing burns. It never empties: "
        "math.inf.": lambda burn, left, period: (
            _hours_to_empty(burn, left, period) if burn else (period if left > 0 else 0.0)
        ),
        "This calls a budget of exactly 0 not gone yet, so that nothing burning keeps it for ever. "
        "Nothing left is gone: 0 hours.": lambda burn, left, period: (
            math.inf if burn == 0 and left >= 0 else _hours_to_empty(burn, left, period)
        ),
        "This divides by zero when nothing burns. At a burn rate of 0 the budget "
        "never empties: math.inf.": lambda burn, left, period: max(0.0, left * period / burn),
        "This answers 0 when nothing burns, which reads as empty now. "
        "It never empties: math.inf.": _without_burn(0.0),
        "This answers None for never. With math.inf the answer stays a number that can be "
        "compared and sorted.": _without_burn(None),
        "This gives a negative time once the budget is overspent. It is empty "
        "already: 0 hours.": lambda burn, left, period: left * period / burn if burn else math.inf,
        "This asks about the burn rate first. "
        "A budget that is gone is gone, at a burn rate of 0 too: 0 hours.": _without_burn(math.inf),
    },
)
