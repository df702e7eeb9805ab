"""Right answers to the exercises whose answer is a function, in styles other than the reference."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

Function = Callable[..., Any]
Events = list[tuple[int, str]]
Steps = list[tuple[str, int]]
Requests = list[tuple[int, float | None]]

# --- 01 and 02 -----------------------------------------------------------------------------------


def budget_left_in_fractions(g: int, n: int, slo: float) -> Fraction:
    return 1 - Fraction(n - g, max(n, 1)) / (1 - Fraction(str(slo)))


def budget_left_in_numpy(good: int, total: int, target: float) -> Any:
    if total == 0:
        return np.float64(1.0)
    return np.subtract(1.0, np.divide(total - good, total) / (1 - target))


def budget_left_with_guards(good: int, total: int, target: float) -> float:
    if not total:
        return 1
    allowed = total * (1 - target)
    return (allowed - (total - good)) / allowed


def hours_to_empty_with_guards(burn: float, remaining: float, period_hours: float) -> float:
    if remaining <= 0:
        return 0
    return float("inf") if burn == 0 else remaining * period_hours / burn


def hours_to_empty_in_numpy(b: float, r: float, p: float) -> Any:
    with np.errstate(all="ignore"):
        return np.where(r <= 0, 0.0, np.divide(np.float64(r * p), b))


# --- 03 and 04 -----------------------------------------------------------------------------------


def limit_in_fractions(target: float, factor: float) -> Fraction:
    return Fraction(str(factor)) * (1 - Fraction(str(target)))


def limit_in_decimals(target: float, factor: float) -> Decimal:
    return Decimal(str(factor)) * (1 - Decimal(str(target)))


def fires_in_decimals(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    limit = limit_in_decimals(target, factor)
    return all(total and Decimal(bad) / total > limit for bad, total in [(bl, tl), (bs, ts)])


def fires_rounded(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> Any:
    def burn(bad: int, total: int) -> float:
        return round(bad / total / (1 - target), 6) if total else 0

    return np.bool_(burn(bl, tl) > factor and burn(bs, ts) > factor)


def fires_as_numbers(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> Any:
    n, d = limit_in_fractions(target, factor).as_integer_ratio()
    return tl and ts and bl * d > tl * n and bs * d > ts * n


def can_ever_fire_in_fractions(t: float, f: float) -> bool:
    return 1 / (1 - Fraction(str(t))) > Fraction(str(f))


def can_ever_fire_rounded(target: float, factor: float) -> int:
    return int(round(factor * (1 - target), 9) < 1)


def events_needed_by_counting(target: float, factor: float) -> int:
    limit = limit_in_decimals(target, factor)
    return next(n for n in itertools.count(1) if n * limit >= 1)


def events_needed_recursively(target: float, factor: float, n: int = 1) -> float:
    quiet = Fraction(1, n) <= limit_in_fractions(target, factor)
    return float(n) if quiet else events_needed_recursively(target, factor, n + 1)


def events_needed_rounded(target: float, factor: float) -> Any:
    return np.ceil(np.round(1 / (factor * (1 - target)), 6))


# --- 05 and 06 -----------------------------------------------------------------------------------


def lifecycle_with_lists(events: Events) -> list[int | None]:
    minutes: dict[str, list[int]] = defaultdict(list)
    for minute, verb in sorted(events):
        minutes[verb].append(minute)

    def diff(a: list[int], b: list[int]) -> int | None:
        return a[0] - b[0] if a and b else None

    detect, again = minutes["detect"], max(minutes["reopen"], default=-1)
    return [
        diff(detect, minutes["impact"]),
        diff(minutes["ack"], detect),
        diff([m for m in minutes["mitigated"][-1:] if m >= again], detect),
        diff([m for m in minutes["resolve"][-1:] if m >= again], detect),
    ]


def lifecycle_as_generator(log: Events) -> Iterator[Any]:
    found: dict[str, int] = {}
    for minute, verb in sorted(log, reverse=True):
        if verb in ("mitigated", "resolve"):
            if minute >= found.get("reopen", minute):
                found.setdefault(verb, minute)
        elif verb == "reopen":
            found.setdefault(verb, minute)
        else:
            found[verb] = minute
    starts = {"detect": "impact", "ack": "detect", "mitigated": "detect", "resolve": "detect"}
    for end, start in starts.items():
        known = end in found and start in found
        yield np.int64(found[end] - found[start]) if known else None


def typical_by_halves(lengths: list[float | None]) -> float | None:
    known = sorted(length for length in lengths if length is not None)
    if not known:
        return None
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return (low + high) / 2


def typical_in_numpy(lengths: list[float | None]) -> Any:
    known = np.array([length for length in lengths if length is not None], dtype=float)
    return np.median(known) if known.size else None


def ladder_as_generator(steps: Steps, ack: int | None, repeat: int) -> Iterator[list[Any]]:
    minute = 0
    for name, delay in itertools.chain(*[steps] * (1 + repeat)):
        if ack is not None and ack <= minute:
            return
        yield [name, minute]
        minute += delay


def ladder_recursively(steps: Steps, ack: float | None, repeat: int, at: int = 0) -> Any:
    ack = math.inf if ack is None else ack
    pages: tuple[Any, ...] = ()
    for name, delay in steps:
        if at >= ack:
            return pages
        pages = (*pages, (name, float(at)))
        at += delay
    return (*pages, *ladder_recursively(steps, ack, repeat - 1, at)) if repeat else pages


# --- 07 and 09 -----------------------------------------------------------------------------------


def respond_with_while(
    queue: list[str],
    look: Function,
    ask: Function,
    apply: Function,
    rollback: Function,
    target: float,
) -> Any:
    kept: tuple[str, ...] = ()
    left = list(queue)
    sli, _ = look()
    while left and not sli >= target:
        name = left.pop(0)
        if not ask(name):
            continue
        apply(name)
        now, harmed = look()
        if harmed or now <= sli:
            rollback(name)
        else:
            kept, sli = (*kept, name), now
    return kept


def respond_as_generator(
    mitigations: list[str],
    look: Function,
    ask: Function,
    apply: Function,
    rollback: Function,
    target: float,
) -> Iterator[str]:
    for name in mitigations:
        before = look()[0]
        if before >= target:
            return
        if ask(name):
            apply(name)
            after, harmed = look()
            if after > before and not harmed:
                yield name
            else:
                rollback(name)


def count_good_in_numpy(requests: Requests, max_ms: float) -> Any:
    status = np.array([status for status, _ in requests], dtype=int)
    latency = np.array([np.nan if ms is None else ms for _, ms in requests], dtype=float)
    valid = (status < 400) | (status >= 500) | (status == 429) | (status == 499)
    return np.array([((status < 400) & (latency <= max_ms)).sum(), valid.sum()])


def count_good_in_a_loop(requests: Requests, max_ms: float) -> list[float]:
    good = valid = 0.0
    for code, ms in requests:
        if code // 100 == 4 and code not in {429, 499}:
            continue
        valid += 1
        if code < 400 and ms is not None and not ms > max_ms:
            good += 1
    return [good, valid]


RIGHT: dict[str, list[Function]] = {
    "budget_left": [budget_left_in_fractions, budget_left_in_numpy, budget_left_with_guards],
    "count_good": [count_good_in_numpy, count_good_in_a_loop],
    "hours_to_empty": [hours_to_empty_with_guards, hours_to_empty_in_numpy],
    "fires": [fires_in_decimals, fires_rounded, fires_as_numbers],
    "can_ever_fire": [can_ever_fire_in_fractions, can_ever_fire_rounded],
    "events_needed": [events_needed_by_counting, events_needed_recursively, events_needed_rounded],
    "lifecycle": [lifecycle_with_lists, lifecycle_as_generator],
    "typical": [typical_by_halves, typical_in_numpy],
    "ladder": [ladder_as_generator, ladder_recursively],
    "respond": [respond_with_while, respond_as_generator],
}
