"""Wrong answers that testers of the course wrote and that went unnamed: each is named now."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from exercise_answers import (
    count_good_in_a_loop,
    hours_to_empty_with_guards,
    ladder_as_generator,
    lifecycle_with_lists,
)

from oncall.workbook.exercises import check


def net_speed(burn: float, remaining: float, period: float) -> float:
    if remaining <= 0:
        return 0
    return math.inf if burn <= 1 else remaining * period / (burn - 1)


def in_minutes(burn: float, remaining: float, period: float) -> float:
    return hours_to_empty_with_guards(burn, remaining, period) * 60


def inf_as_text(burn: float, remaining: float, period: float) -> Any:
    if remaining <= 0:
        return 0
    return remaining * period / burn if burn else "inf"


def period_for_nothing(burn: float, remaining: float, period: float) -> float:
    if remaining <= 0:
        return 0
    return remaining * period / burn if burn else period


def at_most_a_period(burn: float, remaining: float, period: float) -> float:
    return min(period, hours_to_empty_with_guards(burn, remaining, period)) if burn else math.inf


def limit(target: float, factor: float) -> Fraction:
    return Fraction(str(factor)) * (1 - Fraction(str(target)))


def short_without_factor(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    if not tl or not ts:
        return False
    return Fraction(bl, tl) > limit(target, factor) and Fraction(bs, ts) > limit(target, 1)


def two_answers(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> Any:
    at = limit(target, factor)
    return (bl > at * tl, bs > at * ts)


def windows_added(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    return bl + bs > limit(target, factor) * (tl + ts)


def factor_times_target(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    at = Fraction(str(factor)) * Fraction(str(target))
    return bl > at * tl and bs > at * ts


def reach_rounded(target: float, factor: float) -> bool:
    return round(1 / (1 - target)) > factor


def events_rounded(target: float, factor: float) -> int:
    return math.ceil(round(1 / (factor * (1 - target)), 1))


def nan_for_unknown(events: Any) -> Any:
    return tuple(math.nan if t is None else t for t in lifecycle_with_lists(events))


def first_resolve(events: Any) -> Any:
    ttd, tta, ttm, _ = lifecycle_with_lists(events)
    detects = [minute for minute, verb in events if verb == "detect"]
    resolves = [minute for minute, verb in events if verb == "resolve"]
    return ttd, tta, ttm, min(resolves) - min(detects) if detects and resolves else None


def swapped_times(events: Any) -> Any:
    ttd, tta, ttm, ttr = lifecycle_with_lists(events)
    return tta, ttd, ttm, ttr


def times_in_a_dict(events: Any) -> Any:
    return dict(zip(("ttd", "tta", "ttm", "ttr"), lifecycle_with_lists(events), strict=True))


def names_alone(steps: Any, ack: Any, repeat: Any) -> Any:
    return [name for name, _ in ladder_as_generator(steps, ack, repeat)]


def delays_not_added(steps: Any, ack: Any, repeat: Any) -> Any:
    pages = []
    for name, delay in steps * (repeat + 1):
        if ack is None or delay < ack:
            pages.append((name, delay))
    return pages


def valid_then_good(requests: Any, max_ms: float) -> Any:
    return count_good_in_a_loop(requests, max_ms)[::-1]


HEARD = {
    "hours_to_empty": (net_speed, in_minutes, inf_as_text, period_for_nothing, at_most_a_period),
    "fires": (short_without_factor, two_answers, windows_added, factor_times_target),
    "can_ever_fire": (reach_rounded,),
    "events_needed": (events_rounded,),
    "lifecycle": (nan_for_unknown, first_resolve, swapped_times, times_in_a_dict),
    "ladder": (names_alone, delays_not_added),
    "count_good": (valid_then_good,),
}


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in HEARD.items() for answer in answers],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_it_is_refused_and_named(name: str, answer: Any) -> None:
    feedback = check(name, answer)
    assert not feedback.passed
    assert feedback.mistake, feedback
