"""Lesson 01 asks how much of the error budget is left."""

from __future__ import annotations

import math

from oncall.slo import SLO, budget_remaining, sli
from oncall.workbook.exercises.exercise import Exercise, Function


def _budget_left(good: int, total: int, target: float) -> float:
    return budget_remaining(sli(good, total), SLO("availability", target)) if total else 1.0


def _from_budget_left(change: Function) -> Function:
    return lambda good, total, target: change(_budget_left(good, total, target))


def _from_sli(change: Function) -> Function:
    return lambda good, total, target: change(good / total, target) if total else 1.0


def _without_events(value: float) -> Function:
    """The function that is wrong only when there are no events."""
    return lambda good, total, target: _budget_left(good, total, target) if total else value


EXERCISE = Exercise(
    "budget_left(good, total, target)",
    _budget_left,
    cases=(
        (10, 10, 0.9),
        (9, 10, 0.9),
        (8, 10, 0.9),
        (19, 20, 0.9),
        (999, 1000, 0.99),
        (99_950, 100_000, 0.999),
    ),
    edges=(
        (0, 0, 0.999),
        (0, 1000, 0.999),
        (9996, 10_000, 0.99),
        (1999, 2000, 0.997),
        (5, 7, 0.3),
        (1, 2, 0.5),
        (0, 1, 0.5),
    ),
    mistakes={
        "This is the SLI, the share of good events. The budget left sets failures against those "
        "the SLO allows.": _from_sli(lambda sli, target: sli),
        "This is the share of the budget that is spent. "
        "What is left is 1 minus that.": _from_budget_left(lambda left: 1 - left),
        "This stops at 0. An overspent budget is negative, and a team acts on how far below "
        "zero it is.": _from_budget_left(lambda left: max(0.0, left)),
        "This is the SLI minus the target. Divided by the budget, 1 - target, "
        "it becomes a share of the budget.": _from_sli(lambda sli, target: sli - target),
        "This divides the failures by the target. The error budget is what the target leaves over: "
        "1 - target.": _from_sli(lambda sli, target: 1 - (1 - sli) / target),
        "This is the number of events that may still fail. "
        "Divide it by all that may fail, and it is a share.": lambda good, total, target: (
            total * (1 - target) - (total - good) if total else 1.0
        ),
        "This reads the target as a percentage. It comes as a ratio, 0.999, so that the budget is "
        "1 - target.": _from_sli(lambda sli, target: 1 - (1 - sli) / (100 - target)),
        "This answers in percent. The share left is a ratio: 1.0 is untouched, "
        "0.5 is half.": _from_budget_left(lambda left: 100 * left),
        "This rounds, and a policy that asks whether anything is left would ask a rounded number. "
        "Round where a person reads it.": _from_budget_left(lambda left: round(left, 2)),
        "This rounds to a whole percent or a tenth. Round where a person reads "
        "it.": _from_budget_left(lambda left: round(left, 1)),
        "This rounds to a few digits. Round where a person reads it.": _from_budget_left(
            lambda left: round(left, 4)
        ),
        "This divides by zero in an hour without traffic. No events have spent nothing: "
        "1.0 is left.": lambda good, total, target: 1 - (1 - good / total) / (1 - target),
        "This takes no events for a budget that is gone. "
        "Nothing failed, so nothing is spent: 1.0 is left.": _without_events(0.0),
        "This answers nan without events. "
        "The SLI is unknown then, but the budget is not: 1.0 is left.": _without_events(math.nan),
    },
)
