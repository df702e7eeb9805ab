"""Error budgets over time: what the trailing period has spent, when it was too much, and by month.

A budget belongs to a period, so nothing here compares the failures of a year with the budget of a
month. A moment's budget is that of the trailing period, the ``slo.period`` that ends there: bad ÷
(total × error budget), weighted by traffic. ``oncall.telemetry.engine`` gives the same answers for
long series. The period must be whole buckets, or it is a ``ValueError``: rounded up or down it
would be another SLO.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, islice, repeat
from operator import gt, mul, sub
from typing import NamedTuple

from oncall.checks import check, check_choice
from oncall.counts import Counts
from oncall.slo import SLO, changes_of, check_slo, exceeds, sli
from oncall.times import (
    DAY,
    ceil_div,
    duration_text,
    local_clock,
    local_moment,
    time_zone,
    whole_buckets,
)

CALENDAR_UNITS = {"month": 1, "quarter": 3}  # how many months each has


def spent_share(bad: int, total: int, slo: SLO) -> float:
    """The share of the error budget of ``total`` events that ``bad`` ones spent, rounded once.

    1 is all of it; more is a breach, and whether it is more is for ``oncall.slo.exceeds`` to say.
    ``nan`` without events: no traffic is no evidence.
    """
    budget = slo.exact_budget
    return bad * budget.denominator / (total * budget.numerator) if total else math.nan


# --- the trailing period -------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class BudgetHistory:
    """What the trailing period has spent of its budget, at the end of every bucket.

    ``history[i]`` is the share at the end of bucket ``i``, and so is ``history.spent[i]``, which
    numpy and matplotlib read without a copy. ``bad[i]`` and ``total[i]`` are the events that it is
    made of. Before a full period of data the trailing period is what is known of it, from ``start``
    on; ``coverage(i)`` says how much that is. The floats are for the eye; ``is_breached(i)`` is
    exact.
    """

    slo: SLO
    start: datetime
    step: timedelta
    bad: Sequence[int]
    total: Sequence[int]
    spent: array[float] = field(init=False, compare=False)  # nan is never equal

    def __post_init__(self) -> None:
        budget = self.slo.exact_budget
        bad_weight, total_weight = budget.denominator, budget.numerator
        shares = (
            bad * bad_weight / (total * total_weight) if total else math.nan
            for bad, total in zip(self.bad, self.total, strict=True)
        )
        object.__setattr__(self, "spent", array("d", shares))

    def __len__(self) -> int:
        return len(self.spent)

    def __getitem__(self, bucket: int) -> float:
        return self.spent[bucket]

    def __iter__(self) -> Iterator[float]:
        return iter(self.spent)

    def __repr__(self) -> str:
        last = f"{self.spent[-1]:.4g}" if self.spent else "nothing"
        return f"BudgetHistory({self.slo}, buckets={len(self)}, spent at the end={last})"

    def is_breached(self, bucket: int) -> bool:
        """Whether the trailing SLI is below target at the end of this bucket; at it is not."""
        return exceeds(self.bad[bucket], self.total[bucket], self.slo.exact_budget)

    def coverage(self, bucket: int) -> float:
        """The share of the trailing period that the data fills at the end of this bucket."""
        return coverage(self.slo, self.step, range(len(self))[bucket])


def budget_history(counts: Counts, slo: SLO) -> BudgetHistory:
    """What the trailing period has spent of its budget, at the end of every bucket; exact."""
    bad, total = _trailing_events(counts, slo)
    return BudgetHistory(slo, counts.start, counts.step, bad, total)


def coverage(slo: SLO, step: timedelta, bucket: int) -> float:
    """The share of a period that the data filled at the end of bucket number ``bucket``, from 0."""
    return min(1.0, step * (bucket + 1) / slo.period)


def buckets_of_period(slo: SLO, step: timedelta) -> int:
    """How many buckets of ``step`` a period is; unless whole, it is a ``ValueError``."""
    check_slo(slo)
    return whole_buckets(slo.period, step, "period")


def _trailing_events(counts: Counts, slo: SLO) -> tuple[Sequence[int], Sequence[int]]:
    """Bad and total events of the trailing period at the end of every bucket."""
    _check_counts(counts)
    width = buckets_of_period(slo, counts.step)
    bad = map(sub, counts.total, counts.good)
    return _trailing_sums(bad, width), _trailing_sums(counts.total, width)


def _trailing_sums(values: Iterable[int], width: int) -> Sequence[int]:
    """The sum of the last ``width`` values at each of them; of fewer, while there are fewer."""
    running = list(accumulate(values, initial=0))
    growing = running[1 : width + 1]
    sums = growing + list(map(sub, islice(running, width + 1, None), islice(running, 1, None)))
    try:
        return array("q", sums)
    except OverflowError:  # beyond 2**63: Python's integers take more memory, and have no end
        return sums


# --- breaches ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Breach:
    """One stretch in which the trailing SLI is below the target: the SLO is missed.

    A bucket is breached if the trailing period that ends with it is. ``start`` is where the first
    breached bucket begins, ``end`` where the last one ends, ``None`` if it is breached when the
    data ends. ``coverage`` is the share of the period that the data filled in the first.
    ``deepest`` is where the bucket begins, the first of several, in which the trailing SLI was
    lowest: ``bad`` of ``total`` events, which spent the share ``spent`` of their budget, above 1.
    """

    start: datetime
    end: datetime | None
    coverage: float
    deepest: datetime
    bad: int
    total: int
    spent: float

    @property
    def sli(self) -> float:
        """The lowest trailing SLI."""
        return sli(self.total - self.bad, self.total)


class Deepest(NamedTuple):
    """The bucket of a breach with the lowest trailing SLI, and the events of its period."""

    bucket: int
    bad: int
    total: int


def breaches(counts: Counts, slo: SLO) -> list[Breach]:
    """When the SLO was missed, in order: where the trailing SLI was below target, and how deep.

    It is exact, and strict: a trailing SLI at the target is no breach, nor is one without events.
    """
    bad, total = _trailing_events(counts, slo)
    weighed = map(mul, bad, repeat(slo.exact_budget.denominator))  # as ``exceeds`` weighs them
    allowed = map(mul, total, repeat(slo.exact_budget.numerator))
    changes = changes_of(bytes(map(gt, weighed, allowed)))
    stretches, deepest = breached_stretches(changes, len(counts)), []
    for first, last in stretches:
        worst = first
        for i in range(first, last):
            if bad[i] * total[worst] > bad[worst] * total[i]:
                worst = i
        deepest.append(Deepest(worst, bad[worst], total[worst]))
    return breaches_from_buckets(counts.start, counts.step, len(counts), slo, stretches, deepest)


def breached_stretches(changes: Sequence[int], size: int) -> list[tuple[int, int]]:
    """The breached buckets of a series of ``size``, as [first, last).

    ``changes`` holds the buckets from which on it is breached, and is not, in turn.
    """
    return list(zip(changes[::2], [*changes[1::2], size], strict=False))


def breaches_from_buckets(
    start: datetime,
    step: timedelta,
    size: int,
    slo: SLO,
    stretches: Iterable[tuple[int, int]],
    deepest: Iterable[Deepest],
) -> list[Breach]:
    """The breaches of a series that begins at ``start``, of the buckets that are breached."""
    found = []
    for (first, last), worst in zip(stretches, deepest, strict=True):
        end = None if last == size else start + step * last
        spent = spent_share(worst.bad, worst.total, slo)
        known, at = coverage(slo, step, first), start + step * worst.bucket
        found.append(Breach(start + step * first, end, known, at, worst.bad, worst.total, spent))
    return found


# --- the calendar --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CalendarBudget:
    """The budget of a calendar month or quarter: ``good`` of ``total`` events, whatever the period.

    ``name`` is such as ``2025-03`` or ``2025-Q1``. The window is [start, end), in UTC, from local
    midnight to local midnight; it is ``partial`` if the data begins later or ends earlier. A bucket
    belongs to the window in which it starts. ``spent`` is ``nan`` without events, which are no
    breach; ``is_breached`` is exact.
    """

    name: str
    start: datetime
    end: datetime
    partial: bool
    good: int
    total: int
    spent: float
    is_breached: bool

    @property
    def left(self) -> float:
        """The share of the budget that is left: 1 − spent, below 0 where it is breached."""
        return 1 - self.spent


Events = Callable[[int, int], tuple[int, int]]  # of buckets [first, last): good, total


def calendar(
    counts: Counts, slo: SLO, unit: str = "month", tz: str = "UTC"
) -> list[CalendarBudget]:
    """The budget of each calendar ``"month"`` or ``"quarter"`` of a series, in a time zone.

    ``tz`` is an IANA zone such as ``America/Chicago``, whose days of 23 and 25 hours count as they
    are. A month without events is listed. Buckets of more than 28 days are a ``ValueError``.
    """
    _check_counts(counts)

    def events(first: int, last: int) -> tuple[int, int]:
        return sum(counts.good[first:last]), sum(counts.total[first:last])

    return calendar_from_events(counts.start, counts.step, len(counts), slo, unit, tz, events)


def calendar_from_events(
    start: datetime, step: timedelta, size: int, slo: SLO, unit: str, tz: str, events: Events
) -> list[CalendarBudget]:
    """The calendar of a series of ``size`` buckets, of which ``events`` says what they hold."""
    check_slo(slo)
    check_choice(unit, "unit", list(CALENDAR_UNITS))
    zone, months, end = time_zone(tz), CALENDAR_UNITS[unit], start + step * size
    if step > 28 * DAY:
        long = f"buckets of {duration_text(step)} are longer than the shortest month"
        raise ValueError(f"{long}; give finer counts")

    def begin(number: int) -> datetime:
        year, month = divmod(number * months, 12)
        return local_moment(datetime(year, month + 1, 1), zone)

    clock, found = local_clock(start, zone), []
    number = (clock.year * 12 + clock.month - 1) // months
    while (begins := begin(number)) < end:
        ends = begin(number + 1)
        first = max(0, ceil_div(begins - start, step))
        last = min(size, ceil_div(ends - start, step))
        if first < last:
            good, total = events(first, last)
            year, part = divmod(number, 12 // months)
            name = f"{year}-Q{part + 1}" if months == 3 else f"{year}-{part + 1:02}"
            partial = begins < start or end < ends
            spent = spent_share(total - good, total, slo)
            breached = exceeds(total - good, total, slo.exact_budget)
            found.append(CalendarBudget(name, begins, ends, partial, good, total, spent, breached))
        number += 1
    return found


def _check_counts(counts: Counts) -> None:
    hint = "give Counts.from_frame(frame); oncall.telemetry.engine takes frames too"
    check(isinstance(counts, Counts), "counts", "Counts", type(counts).__name__, hint)
