"""Lesson 04 asks whether a rule with two windows fires."""

from __future__ import annotations

from fractions import Fraction

from oncall.alerting import BurnRule
from oncall.slo import SLO, exact, exceeds
from oncall.times import HOUR
from oncall.workbook.exercises.exercise import Exercise, Function


def threshold(target: float, factor: float) -> Fraction:
    """The error ratio above which a rule fires; its windows do not matter for that."""
    return BurnRule(HOUR, HOUR, factor).threshold(SLO("availability", target))


def _fires(
    bad_long: int, total_long: int, bad_short: int, total_short: int, target: float, factor: float
) -> bool:
    limit = threshold(target, factor)
    return exceeds(bad_long, total_long, limit) and exceeds(bad_short, total_short, limit)


def _fires_in_floats(
    bad_long: int, total_long: int, bad_short: int, total_short: int, target: float, factor: float
) -> bool:
    limit = factor * (1 - target)
    return min(bad_long / total_long, bad_short / total_short) > limit


def _fires_in_floats_if_busy(
    bad_long: int, total_long: int, bad_short: int, total_short: int, *rule: float
) -> bool:
    if total_long == 0 or total_short == 0:
        return False
    return _fires_in_floats(bad_long, total_long, bad_short, total_short, *rule)


def _both_burn(long: Fraction, short: Fraction, factor: Fraction) -> bool:
    return min(long, short) > factor


def _on_ratios(limit: Function) -> Function:
    """The function that holds both error ratios against a limit of target and factor."""

    def fires(
        bad_long: int, total_long: int, bad_short: int, total_short: int, *rule: float
    ) -> bool:
        both = ((bad_long, total_long), (bad_short, total_short))
        return all(total and Fraction(bad, total) > limit(*map(exact, rule)) for bad, total in both)

    return fires


def _on_burns(verdict: Function, no_traffic: int = 0) -> Function:
    """The function that judges the exact burn rates of the two windows."""

    def burn(bad: int, total: int, target: float) -> Fraction:
        return Fraction(bad, total) / (1 - exact(target)) if total else Fraction(no_traffic)

    return lambda bad_long, total_long, bad_short, total_short, target, factor: verdict(
        burn(bad_long, total_long, target), burn(bad_short, total_short, target), exact(factor)
    )


EXERCISE = Exercise(
    "fires(bad_long, total_long, bad_short, total_short, target, factor)",
    _fires,
    cases=(
        (0, 10, 0, 10, 0.9, 2),
        (3, 10, 3, 10, 0.9, 2),
        (0, 10, 3, 10, 0.9, 2),
        (1, 10, 9, 10, 0.9, 2),
        (9, 10, 1, 10, 0.9, 2),
        (2, 100, 1, 10, 0.99, 3),
        (12, 1000, 2, 100, 0.99, 1),
        (20, 100, 2, 10, 0.9, 1),
        (10, 10, 2, 10, 0.75, 3),
        (9, 10, 0, 10, 0.9, 2),
        (15, 100, 15, 100, 0.9, 2),
        (7, 10, 7, 10, 0.6, 1),
        (35, 40, 35, 40, 0.6, 2),
        (500, 10_000, 60, 1000, 0.999, 14.4),
        (50, 10_000, 60, 1000, 0.999, 14.4),
    ),
    edges=(
        (5, 10, 0, 0, 0.9, 2),
        (0, 0, 5, 10, 0.9, 2),
        (0, 0, 0, 0, 0.9, 2),
        (8, 16, 6, 8, 0.75, 2),
        (12, 16, 4, 8, 0.75, 2),
        (144, 20_000, 144, 20_000, 0.9995, 14.4),
    ),
    mistakes={
        "This looks at the long window only. It would go on firing long after the "
        "trouble is over.": _on_burns(lambda long, short, factor: long > factor),
        "This looks at the short window only. Every blip would page: the long one says "
        "whether it matters.": _on_burns(lambda long, short, factor: short > factor),
        "This fires when either window burns. Both must: long says that it matters, short that "
        "it still does.": _on_burns(lambda long, short, factor: max(long, short) > factor),
        "This takes the average of the two burn rates. One window can hide the other; each must "
        "burn by itself.": _on_burns(lambda long, short, factor: (long + short) / 2 > factor),
        "This adds the two burn rates. Each must be above the factor by itself, or one wave counts "
        "twice.": _on_burns(lambda long, short, factor: long + short > factor),
        "This adds up both windows before it divides. The long one would drown the short "
        "one.": lambda bad_long, total_long, bad_short, total_short, target, factor: exceeds(
            bad_long + bad_short, total_long + total_short, threshold(target, factor)
        ),
        "This asks the short window only whether more fails than the SLO allows. Both are held "
        "against the factor.": _on_burns(lambda long, short, factor: long > factor and short > 1),
        "This asks the short window only whether anything fails. Both are held against the "
        "factor.": _on_burns(lambda long, short, factor: long > factor and short > 0),
        "This asks the long window only whether more fails than the SLO allows. Both are held "
        "against the factor.": _on_burns(lambda long, short, factor: long > 1 and short > factor),
        "This fires when the short window burns faster than the long one. What counts is whether "
        "both burn faster than the factor.": _on_burns(lambda long, short, factor: short > long),
        "This multiplies the factor by the target. The error ratio that may be reached is factor "
        "times 1 - target.": _on_ratios(lambda target, factor: factor * target),
        "This compares the error ratio with the budget alone, or with 1 - target. The factor says "
        "how many times that is too fast.": _on_ratios(lambda target, factor: target),
        "This returns both answers, and a pair is true whatever stands in it. Join them with "
        "and.": _on_burns(lambda long, short, factor: (long > factor, short > factor)),
        "This is the wrong way round: it is true when the rule is silent.": lambda *case: (
            not _fires(*case)
        ),
        "This leaves out the factor and fires when more fails than the SLO allows. The limit is "
        "factor times that.": _on_burns(lambda long, short, factor: min(long, short) > 1),
        "This compares the error ratio with the factor. "
        "A factor is a burn rate: divide by 1 - target first.": lambda *case: False,
        "This divides by zero in a window without traffic. "
        "No events are no evidence: it does not fire.": _fires_in_floats,
        "This takes a window without traffic for one that burns. "
        "No events are no evidence: it does not fire.": _on_burns(_both_burn, no_traffic=10**9),
        "This fires when a burn rate is exactly the factor. The rule is strict: faster than, "
        "so > and not >=.": _on_burns(lambda long, short, factor: min(long, short) >= factor),
        "This trips over floats: 1 - 0.9995 comes out a little low, and exactly at the factor it "
        "fires. Compare integers or Fractions.": _fires_in_floats_if_busy,
    },
)
