"""Lesson 05 asks whether a rule can ever fire, and how many events make one failure harmless."""

from __future__ import annotations

import math
from fractions import Fraction

from oncall.alerting import BurnRule
from oncall.slo import SLO, exact
from oncall.times import HOUR
from oncall.workbook.exercises.exercise import Exercise
from oncall.workbook.exercises.two_windows import threshold


def _can_ever_fire(target: float, factor: float) -> bool:
    return BurnRule(HOUR, HOUR, factor).reachable(SLO("availability", target))


def _unrounded(target: float, factor: float) -> Fraction:
    return 1 / threshold(target, factor)


def _events_needed(target: float, factor: float) -> int:
    return math.ceil(_unrounded(target, factor))


CAN_EVER_FIRE = Exercise(
    "can_ever_fire(target, factor)",
    _can_ever_fire,
    cases=(
        (0.9, 1),
        (0.8, 1.2),
        (0.9, 14.4),
        (0.9, 3),
        (0.8, 6),
        (0.95, 14.4),
        (0.95, 36),
        (0.99, 36),
        (0.999, 14.4),
        (0.999, 2000),
    ),
    edges=((0.75, 4), (0.5, 2), (0.9, 10), (0.7, 3), (0.7, 3.5)),
    mistakes={
        "This says that every rule can fire. A 90 % SLO burns at 10x at most, "
        "so that 14.4x is silent for ever.": lambda target, factor: True,
        "This is the wrong way round. "
        "It can fire if a total outage, at 1 / (1 - target), "
        "burns faster.": lambda target, factor: not _can_ever_fire(target, factor),
        "This takes 1 for the fastest burn rate. In a total outage it is 1 / (1 - target): "
        "1000x at 99.9 %.": lambda target, factor: factor <= 1,
        "This is true of 14.4x and of no other factor. Compare the factor "
        "with 1 / (1 - target).": lambda target, factor: _can_ever_fire(target, 14.4),
        "This multiplies by the target. The error budget is what the target leaves over: "
        "1 - target.": lambda target, factor: factor * target < 1,
        "This reads the target as a percentage. It comes as a ratio, 0.999, "
        "so that the budget is 1 - target.": lambda target, factor: factor * (100 - target) < 1,
        "This is the error ratio above which the rule fires. It can fire if that is below 1; "
        "answer True or False.": lambda target, factor: factor * (1 - target),
        "This rounds the fastest burn before it compares. At 70 % it is 3.33x and not 3x: compare "
        "Fractions.": lambda target, factor: round(1 / (1 - target)) > factor,
        "This lets a rule fire when a total outage burns at exactly the factor. "
        "The rule is strict: it needs more.": lambda target, factor: threshold(target, factor) <= 1,
        "This trips over floats: 1 - 0.9 comes out a little low, so that 10x seems within reach. "
        "Use Fractions: Fraction(str(target)) is the number as you typed "
        "it.": lambda target, factor: factor * (1 - target) < 1,
    },
)

EVENTS_NEEDED = Exercise(
    "events_needed(target, factor)",
    _events_needed,
    cases=((0.9, 3), (0.9, 4), (0.99, 14.4), (0.99, 3), (0.999, 14.4), (0.999, 6)),
    edges=((0.75, 1), (0.875, 2), (0.9, 14.4), (0.9995, 10), (0.97, 33)),
    mistakes={
        "This rounds down. With so few events one failure still fires the "
        "rule; round up.": lambda target, factor: math.floor(_unrounded(target, factor)),
        "This rounds to the nearest whole number. Where that is down, one failure still fires the "
        "rule; round up.": lambda target, factor: round(_unrounded(target, factor)),
        "This does not round. Events come whole, so take the next whole number up.": _unrounded,
        "This rounds before it rounds up, and loses what was above a whole number. Go up from the "
        "exact number.": lambda target, factor: math.ceil(round(_unrounded(target, factor), 1)),
        "This leaves out the factor. The rule fires above factor times the error budget, "
        "so divide by that.": lambda target, factor: _events_needed(target, 1),
        "This multiplies by the factor. A higher factor forgives more and needs fewer events: "
        "divide by it.": lambda target, factor: math.ceil(exact(factor) / (1 - exact(target))),
        "This is one event too many. Try one less: one failure among those does not fire "
        "the rule either.": lambda target, factor: _events_needed(target, factor) + 1,
        "This goes one too far where the division comes out even. "
        "There one failure is exactly at the threshold, and a "
        "strict rule is silent.": lambda target, factor: math.floor(_unrounded(target, factor)) + 1,
        "This answers 0 for a rule that can never fire. "
        "The failure is an event itself, so the fewest is 1.": lambda target, factor: (
            _events_needed(target, factor) if _can_ever_fire(target, factor) else 0
        ),
        "This trips over floats: 1 - 0.9995 comes out a little low, "
        "and rounding up goes one too far. Use Fractions: Fraction(str(target)) is what you "
        "typed.": lambda target, factor: math.ceil(1 / (factor * (1 - target))),
    },
)
