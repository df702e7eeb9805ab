"""The engine: alert history, burn rates and plots of long series, on numpy alone.

It gives the answers of ``oncall.alerting`` and ``oncall.budget``, to the bucket, for a year of
seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import (
    AlertInterval,
    Policy,
    Rule,
    SilenceRule,
    check_step,
    tell_silences_apart,
)
from oncall.budget import (
    Breach,
    CalendarBudget,
    Deepest,
    breached_stretches,
    breaches_from_buckets,
    buckets_of_period,
    calendar_from_events,
)
from oncall.counts import Buckets, Counts, check_end
from oncall.slo import SLO, check_slo
from oncall.telemetry._arrays import Integers
from oncall.telemetry._windows import CHUNK, Columns, WindowTest, check_counts, verdict_changes
from oncall.times import positive, utc, whole_buckets

if TYPE_CHECKING:  # never imported when it runs: a frame comes from somebody who has pandas
    import pandas as pd

AnyCounts: TypeAlias = "Counts | Counters | pd.DataFrame"  # what the functions here take

_NANOSECONDS_A_DAY = 86_400 * 10**9
_EXACT_FLOATS = 2**53  # every whole number below it is a float


@dataclass(frozen=True)
class Counters:
    """Good and total events as counters that only grow.

    They are read at ``start``, and again after every ``step``: n + 1 readings hold n buckets. They
    are arrays of whole numbers below 2**63, used as they are and never added up; do not change them
    afterwards. A counter that falls because it restarted, or a good one that grows by more than the
    total, is a ``ValueError`` that names the reading.
    """

    start: datetime
    step: timedelta
    good: NDArray[Any]
    total: NDArray[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start, "start"))
        object.__setattr__(self, "step", positive(self.step, "step"))
        good, total = _counter(self.good, "good"), _counter(self.total, "total")
        object.__setattr__(self, "good", good)
        object.__setattr__(self, "total", total)
        if len(good) != len(total):
            given = f"good has {len(good)} readings and total {len(total)}"
            raise ValueError(f"{given}; give as many of each")
        check_end(self.start, self.step, len(self))
        for first in range(0, len(self), CHUNK):
            chunk = slice(first, first + CHUNK + 1)
            _check_growth(good[chunk], total[chunk], first)

    def __len__(self) -> int:
        """The number of buckets, one less than the readings."""
        return len(self.total) - 1


def alert_intervals(counts: AnyCounts, slo: SLO, policy: Policy) -> list[AlertInterval]:
    """When each rule of the policy fired over a series, by start, then by the policy's order.

    It is the answer of ``oncall.alerting.alert_intervals``, to the bucket. ``Counts`` and
    ``Counters`` were checked when they were made. A frame is checked here: whole numbers in the
    columns ``good`` and ``total``, 0 ≤ good ≤ total, an aware, regular time index. Columns of numpy
    integers are read where they are, and an index that knows its frequency is not read at all.
    """
    if _is_odd_frame(counts):
        counts = Counts.from_frame(counts)
    start, step, columns = _read(counts)
    check_step(policy, step)
    if not policy:
        check_counts(columns)  # with rules they are checked as they are added up
    changes = verdict_changes(columns, [_window_test(rule, slo, step) for rule in policy])
    for rule, buckets in zip(policy, changes, strict=True):
        if isinstance(rule, SilenceRule) and buckets[:1] == [0]:
            del buckets[:2]  # silent from the first bucket on: the service has had no events yet
    missing = counts.missing if isinstance(counts, Counts) else Buckets()
    changes = tell_silences_apart(policy, changes, missing, step, len(columns))
    return AlertInterval.from_changes(policy, changes, start, step)


def burn_rates(
    counts: AnyCounts, slo: SLO, windows: Iterable[timedelta]
) -> dict[timedelta, NDArray[np.float64]]:
    """The burn rate over each window, at the end of every bucket.

    It is the share of bad events ÷ error budget. Buckets before the data count 0 of 0. A window
    without events is ``nan``. These floats are for the eye; whether a rule fires is for
    ``alert_intervals`` to say.
    """
    check_slo(slo)
    _, step, columns = _read(counts)
    check_counts(columns)
    widths = {window: whole_buckets(window, step, "window") for window in windows}
    return {window: _burn_rate(columns, slo, width) for window, width in widths.items()}


def budget_history(counts: AnyCounts, slo: SLO) -> NDArray[np.float64]:
    """The share of the budget that the trailing period has spent, at the end of every bucket.

    It is ``oncall.budget.budget_history(counts, slo).spent``, to the bit.
    """
    _, step, columns = _read(counts)
    check_counts(columns)
    return _burn_rate(columns, slo, buckets_of_period(slo, step))


def breaches(counts: AnyCounts, slo: SLO) -> list[Breach]:
    """When the SLO was missed, and how deep: the answer of ``oncall.budget.breaches``."""
    start, step, columns = _read(counts)
    width, budget = buckets_of_period(slo, step), slo.exact_budget
    test = WindowTest((width,), budget.denominator, budget.numerator)
    [changes] = verdict_changes(columns, [test])

    stretches = breached_stretches(changes, len(columns))
    deepest = _deepest_of_each(columns, width, slo, stretches) if stretches else []
    return breaches_from_buckets(start, step, len(columns), slo, stretches, deepest)


def calendar(
    counts: AnyCounts, slo: SLO, unit: str = "month", tz: str = "UTC"
) -> list[CalendarBudget]:
    """The budget of each calendar month or quarter: the answer of ``oncall.budget.calendar``."""
    start, step, columns = _read(counts)
    check_counts(columns)

    def events(first: int, last: int) -> tuple[int, int]:
        good = _sum(columns, columns.good, first, last)
        return good, _sum(columns, columns.total, first, last)

    return calendar_from_events(start, step, len(columns), slo, unit, tz, events)


def downsample(x: NDArray[Any], pixels: int) -> NDArray[Any]:
    """The lowest and the highest value under each pixel, as an array of shape (m, 2).

    There are m = min(pixels, len(x)) rows, and row p covers
    ``x[p * len(x) // m : (p + 1) * len(x) // m]``, so no spike is lost however narrow the plot.
    ``nan`` is left out; a pixel that covers nothing else is ``nan``.
    """
    if pixels < 1:
        raise ValueError(f"pixels must be at least 1, given {pixels}; give the width of the plot")
    if not len(x):
        return np.empty((0, 2))
    rows = min(pixels, len(x))
    edges = np.arange(rows) * len(x) // rows
    return np.stack([np.fmin.reduceat(x, edges), np.fmax.reduceat(x, edges)], axis=1)


def _window_test(rule: Rule, slo: SLO, step: timedelta) -> WindowTest:
    """The rule as a test in integers.

    A burn rule fires where bad × D > total × N in all its windows, N/D being its threshold; a
    silence where there are no events at all: −total > −1.
    """
    windows = tuple(window // step for window in rule.windows)
    if isinstance(rule, SilenceRule):
        return WindowTest(windows, bad=0, total=1, above=-1)
    threshold = rule.threshold(slo)
    return WindowTest(windows, threshold.denominator, threshold.numerator)


# --- breaches ------------------------------------------------------------------------------------


def _deepest_of_each(
    columns: Columns, width: int, slo: SLO, stretches: list[tuple[int, int]]
) -> list[Deepest]:
    """The deepest bucket of each stretch, the first of several, in one pass over the columns."""
    found = [Deepest(first, 0, 1) for first, _ in stretches]
    number, until = 0, stretches[-1][1]
    for begin, bad, total in _window_events(columns, width, stretches[0][0], until):
        shares, end = _spent_shares(bad, total, slo), begin + len(bad)
        while number < len(stretches) and stretches[number][0] < end:
            first, last = stretches[number]
            part = slice(max(0, first - begin), last - begin)
            bucket = part.start + _largest(shares[part], bad[part], total[part])
            here = Deepest(begin + bucket, int(bad[bucket]), int(total[bucket]))
            if here.bad * found[number].total > found[number].bad * here.total:
                found[number] = here
            if last > end:  # it goes on in the next chunk
                break
            number += 1
    return found


def _largest(shares: NDArray[np.float64], bad: Integers, total: Integers) -> int:
    """Where bad ÷ total is largest, exactly, the first of several; ``shares`` are it, rounded."""
    likely = np.flatnonzero(shares == shares.max())
    # As Python's integers, whose products have no end.
    bad, total = bad[likely].astype(object), total[likely].astype(object)
    worst = 0
    while len(worse := np.flatnonzero(bad * total[worst] > bad[worst] * total)):
        worst = int(worse[0])  # and no earlier one is as bad
    return int(likely[worst])


# --- burn rates ----------------------------------------------------------------------------------


def _burn_rate(columns: Columns, slo: SLO, width: int) -> NDArray[np.float64]:
    """The burn rate over windows of ``width`` buckets."""
    rates = np.empty(len(columns))
    for first, bad, total in _window_events(columns, width, 0, len(columns)):
        rates[first : first + len(bad)] = _spent_shares(bad, total, slo)
    return rates


def _spent_shares(bad: Integers, total: Integers, slo: SLO) -> NDArray[np.float64]:
    """bad × D ÷ (total × N), where N/D is the error budget; ``nan`` where there are no events.

    It is rounded only once, so that a burn of 14.4 reads 14.4.
    """
    budget = slo.exact_budget.limit_denominator(10**30)  # any sane one exactly, and a float
    above, below = budget.denominator, budget.numerator  # above is larger, and total than bad
    fits = int(total.max(initial=0)) * above < _EXACT_FLOATS
    kind = float if fits else object  # Python's integers, whose quotients are rounded once too
    valid = total.astype(kind)
    valid[total == 0] = math.nan
    return np.asarray(bad.astype(kind) * above / (valid * below), float)


def _window_events(
    columns: Columns, width: int, first: int, last: int
) -> Iterator[tuple[int, Integers, Integers]]:
    """The bad and total events of the windows that end in the buckets [first, last).

    They come a chunk at a time, with the number of its first bucket.
    """
    good_sums = _window_sums(columns, columns.good, width, first, last)
    total_sums = _window_sums(columns, columns.total, width, first, last)
    for good, total in zip(good_sums, total_sums, strict=True):
        yield first, total - good, total
        first += len(total)


def _window_sums(
    columns: Columns, column: Integers, width: int, begin: int, end: int
) -> Iterator[Integers]:
    """The sum over the window at the end of each bucket [begin, end), a chunk of them at a time."""
    values = column[1:] if columns.cumulative else column
    fits = columns.cumulative or int(values.max(initial=0)) * min(width, len(values)) < 2**63
    kind = np.int64 if fits else object  # Python's integers are slower, and have no end
    base = int(column[0]) if columns.cumulative else 0
    # The window's sum at the end of the chunk before.
    before = _sum(columns, column, max(0, begin - width), begin)
    for first in range(begin, end, CHUNK):
        last = min(first + CHUNK, end)
        sums = values[first:last].astype(kind) - base
        leaving = values[max(0, first - width) : max(0, last - width)].astype(kind) - base
        sums[len(sums) - len(leaving) :] -= leaving
        if not columns.cumulative:
            sums = np.cumsum(sums) + before
            before = sums[-1]
        yield sums


def _sum(columns: Columns, column: Integers, first: int, last: int) -> int:
    """The events of one column in the buckets [first, last), at least one of them, or none."""
    if columns.cumulative:
        return int(column[last]) - int(column[first])
    values = column[first:last]
    fits = int(values.max(initial=0)) * len(values) < 2**63
    return int(values.sum(dtype=np.int64 if fits else object))


# --- what comes in -------------------------------------------------------------------------------


def _read(counts: AnyCounts) -> tuple[datetime, timedelta, Columns]:
    """Where the buckets begin, how long they are, and what they hold."""
    if isinstance(counts, Counts):
        good, total = np.asarray(counts.good), np.asarray(counts.total)
        columns = Columns(good, total, largest_total=counts.largest_total)
        return counts.start, counts.step, columns
    if isinstance(counts, Counters):
        return counts.start, counts.step, Columns(counts.good, counts.total, cumulative=True)
    if hasattr(counts, "index") and hasattr(counts, "columns"):
        return _read_frame(counts)
    raise ValueError(f"give Counts, Counters, or a frame of counts, not a {type(counts).__name__}")


def _is_odd_frame(counts: AnyCounts) -> TypeGuard[pd.DataFrame]:
    """Whether it is a frame in which buckets may be missing: ``Counts`` read those."""
    if isinstance(counts, Counts | Counters) or not hasattr(counts, "columns"):
        return False
    return _plain_columns(counts) is None


def _read_frame(frame: pd.DataFrame) -> tuple[datetime, timedelta, Columns]:
    step, columns = _step(frame.index), _plain_columns(frame)
    if step is None or columns is None:  # ``Counts`` read what is not plain, or say what is wrong
        return _read(Counts.from_frame(frame))
    start = utc(frame.index[0], "the index")
    check_end(start, step, len(columns))
    return start, step, columns


def _plain_columns(frame: pd.DataFrame) -> Columns | None:
    """The frame's columns without a copy, if they are numpy integers; they are still unchecked."""
    names = list(frame.columns)
    if names.count("good") != 1 or names.count("total") != 1:
        return None
    for dtype in (frame["good"].dtype, frame["total"].dtype):
        if not isinstance(dtype, np.dtype) or dtype.kind not in "iu":
            return None
    return Columns(frame["good"].to_numpy(), frame["total"].to_numpy())


def _step(index: pd.Index) -> timedelta | None:
    """The length of a bucket, if the index holds aware times in regular steps."""
    if getattr(index, "tz", None) is None or len(index) < 2:
        return None
    ticks: NDArray[np.int64] = index.asi8
    step = ticks[1] - ticks[0]
    chunks = () if _knows_its_step(index) else range(0, len(ticks) - 1, CHUNK)
    odd = any((np.diff(ticks[first : first + CHUNK + 1]) != step).any() for first in chunks)
    if odd or step <= 0:
        return None
    return positive(index[1] - index[0], "the index's step")


def _knows_its_step(index: pd.Index) -> bool:
    """Whether the index has a frequency of fixed length.

    A day has none: it lasts 23 or 25 hours where clocks change.
    """
    try:
        return bool(index.freq.nanos % _NANOSECONDS_A_DAY)
    except (AttributeError, ValueError):  # no frequency, or one such as business days
        return False


def _counter(readings: Any, name: str) -> NDArray[Any]:
    array = np.asarray(readings)
    is_row = array.ndim == 1 and array.dtype.kind in "iu" and len(array) > 0
    if not is_row or not 0 <= int(array[0]) < 2**63:
        need = "one row of whole numbers from 0 up, below 2**63"
        raise ValueError(f"{name} must be {need}, given {readings!r}")
    return array


def _check_growth(good: NDArray[Any], total: NDArray[Any], first: int) -> None:
    # As int64 a counter that passes 2**63 falls.
    good_64, total_64 = good.astype(np.int64, copy=False), total.astype(np.int64, copy=False)
    falls = (good_64[1:] < good_64[:-1]) | (total_64[1:] < total_64[:-1])
    wrong = np.flatnonzero(falls | (np.diff(good_64) > np.diff(total_64)))
    if len(wrong):
        i = int(wrong[0])
        given = f"good {good[i + 1]} and total {total[i + 1]} after {good[i]} and {total[i]}"
        need = "a counter must not fall or pass 2**63, nor good grow by more than total"
        raise ValueError(f"reading {first + i + 1} has {given}; {need}: after a restart count on")
