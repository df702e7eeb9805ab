"""The engine: alert history, burn rates and plots of long series, on numpy alone.

It gives the answers of ``oncall.alerting``, to the bucket, for a year of seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, Policy, Rule, SilenceRule, check_step
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry._windows import CHUNK, Columns, WindowTest, check_counts, verdict_changes
from oncall.times import duration_text, positive, utc

if TYPE_CHECKING:  # never imported when it runs: a frame comes from somebody who has pandas
    import pandas as pd

_NANOSECONDS_A_DAY = 86_400 * 10**9


@dataclass(frozen=True)
class Counters:
    """Good and total events as counters that only grow: read at ``start``, and again after every ``step``.

    n + 1 readings hold n buckets. They are arrays of whole numbers below 2**63, used as they are and never
    added up; do not change them afterwards. A counter that falls because it restarted, or a good one that grows
    by more than the total, is a ``ValueError`` that names the reading.
    """

    start: datetime
    step: timedelta
    good: NDArray[Any]
    total: NDArray[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start, "start"))
        object.__setattr__(self, "step", positive(self.step, "step"))
        object.__setattr__(self, "good", _counter(self.good, "good"))
        object.__setattr__(self, "total", _counter(self.total, "total"))
        if len(self.good) != len(self.total):
            raise ValueError(
                f"good has {len(self.good)} readings and total {len(self.total)}; give as many of each"
            )
        for first in range(0, len(self), CHUNK):
            _check_growth(
                self.good[first : first + CHUNK + 1], self.total[first : first + CHUNK + 1], first
            )

    def __len__(self) -> int:
        """The number of buckets, one less than the readings."""
        return len(self.total) - 1


def alert_intervals(
    counts: Counts | Counters | pd.DataFrame, slo: SLO, policy: Policy
) -> list[AlertInterval]:
    """When each rule of the policy fired over a series, by start, then by the policy's order.

    It is the answer of ``oncall.alerting.alert_intervals``, to the bucket. ``Counts`` and ``Counters`` were
    checked when they were made. A frame is checked here: whole numbers in the columns ``good`` and ``total``,
    0 ≤ good ≤ total, an aware, regular time index. Columns of numpy integers are read where they are, and an
    index that knows its frequency is not read at all.
    """
    series = _series(counts)
    check_step(policy, series.step)
    changes = verdict_changes(
        series.columns, [_window_test(rule, slo, series.step) for rule in policy]
    )
    found = [
        (since, place, _interval(series, rule, since, until))
        for place, rule in enumerate(policy)
        for since, until in _stretches(rule, changes[place])
    ]
    return [interval for _, _, interval in sorted(found, key=lambda entry: entry[:2])]


def burn_rates(
    counts: Counts | Counters | pd.DataFrame, slo: SLO, windows: Iterable[timedelta]
) -> dict[timedelta, NDArray[np.float64]]:
    """The burn rate over each window, at the end of every bucket: share of bad events ÷ error budget.

    Buckets before the data count 0 of 0. A window without events is ``nan``. These floats are for the eye;
    whether a rule fires is for ``alert_intervals`` to say.
    """
    series = _series(counts)
    check_counts(series.columns)
    return {
        window: _burn_rate(series.columns, slo, _buckets(window, series.step)) for window in windows
    }


def downsample(x: NDArray[Any], pixels: int) -> NDArray[Any]:
    """The lowest and the highest value under each pixel: an array of shape (m, 2), m = min(pixels, len(x)).

    Row p covers ``x[p * len(x) // m : (p + 1) * len(x) // m]``, so no spike is lost however narrow the plot.
    ``nan`` is left out; a pixel with nothing else is ``nan``.
    """
    if pixels < 1:
        raise ValueError(f"pixels must be at least 1, given {pixels}; give the width of the plot")
    size, rows = len(x), min(pixels, len(x))
    if not size:
        return np.empty((0, 2))
    edges = np.arange(rows) * size // rows
    return np.stack([np.fmin.reduceat(x, edges), np.fmax.reduceat(x, edges)], axis=1)


# --- a rule, in buckets --------------------------------------------------------------------------


def _window_test(rule: Rule, slo: SLO, step: timedelta) -> WindowTest:
    """bad × D > total × N in both windows of a burn rule; in a silence no events at all: −total > −1."""
    if isinstance(rule, SilenceRule):
        return WindowTest((rule.after // step,), bad=0, total=1, above=-1)
    threshold = rule.threshold(slo)
    return WindowTest(
        (rule.long // step, rule.short // step), threshold.denominator, threshold.numerator
    )


def _stretches(rule: Rule, changes: list[int]) -> Iterator[tuple[int, int | None]]:
    """From and until which bucket end the rule fires, the buckets counted from 1."""
    if isinstance(rule, SilenceRule) and changes[:1] == [0]:
        changes = changes[2:]  # silent from the first bucket on: the service has had no events yet
    for on, off in zip_longest(changes[::2], changes[1::2]):
        yield on + 1, None if off is None else off + 1


def _interval(series: _Series, rule: Rule, since: int, until: int | None) -> AlertInterval:
    window = rule.after if isinstance(rule, SilenceRule) else rule.long
    end = None if until is None else series.start + series.step * until
    return AlertInterval(
        rule, series.start + series.step * since, end, min(1.0, series.step * since / window)
    )


# --- burn rates ----------------------------------------------------------------------------------


def _buckets(window: timedelta, step: timedelta) -> int:
    if positive(window, "window") % step:
        raise ValueError(
            f"buckets of {duration_text(step)} do not divide the {duration_text(window)} window"
        )
    return window // step


def _burn_rate(columns: Columns, slo: SLO, window: int) -> NDArray[np.float64]:
    """bad × D ÷ (total × N), N/D being the error budget: rounded once, so that a burn of 14.4 reads 14.4."""
    burn, first = np.empty(len(columns)), 0
    for good, total in zip(
        *(_window_sums(columns, column, window) for column in (columns.good, columns.total)),
        strict=True,
    ):
        bad, valid = np.asarray(total - good, float), np.asarray(total, float)
        valid[valid == 0] = np.nan
        burn[first : first + len(valid)] = (
            bad * slo.exact_budget.denominator / (valid * slo.exact_budget.numerator)
        )
        first += len(valid)
    return burn


def _window_sums(columns: Columns, column: NDArray[Any], window: int) -> Iterator[NDArray[Any]]:
    """The sum over the window at the end of every bucket, a chunk of them at a time."""
    values = column[1:] if columns.cumulative else column
    fits = columns.cumulative or int(values.max(initial=0)) * min(window, len(values)) < 2**63
    kind = np.int64 if fits else object  # Python's integers are slower, and have no end
    base, held = int(column[0]) if columns.cumulative else 0, 0
    for first in range(0, len(values), CHUNK):
        last = min(first + CHUNK, len(values))
        sums = values[first:last].astype(kind) - base
        leaving = values[max(0, first - window) : max(0, last - window)].astype(kind) - base
        sums[len(sums) - len(leaving) :] -= leaving
        if not columns.cumulative:
            sums = np.cumsum(sums) + held
            held = sums[-1]
        yield sums


# --- what comes in -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Series:
    """Where the buckets lie, and what they hold."""

    start: datetime
    step: timedelta
    columns: Columns


def _series(counts: Counts | Counters | pd.DataFrame) -> _Series:
    if isinstance(counts, Counts):
        columns = Columns(
            np.asarray(counts.good), np.asarray(counts.total), largest_total=counts.largest_total
        )
        return _Series(counts.start, counts.step, columns)
    if isinstance(counts, Counters):
        return _Series(
            counts.start, counts.step, Columns(counts.good, counts.total, cumulative=True)
        )
    if hasattr(counts, "index") and hasattr(counts, "columns"):
        return _frame_series(counts)
    raise ValueError(
        f"given a {type(counts).__name__}; give Counts, Counters, or a frame with columns good and total"
    )


def _frame_series(frame: pd.DataFrame) -> _Series:
    step, columns = _step(frame.index), _plain_columns(frame)
    if step is None or columns is None:
        return _series(
            Counts.from_frame(frame)
        )  # it reads what is not plain, and says what is wrong
    return _Series(utc(frame.index[0].to_pydatetime()), step, columns)


def _plain_columns(frame: pd.DataFrame) -> Columns | None:
    """The frame's columns without a copy, if they are numpy integers; they are still to be checked."""
    names = list(frame.columns)
    if names.count("good") != 1 or names.count("total") != 1:
        return None
    good, total = frame["good"], frame["total"]
    if not all(
        isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" for column in (good, total)
    ):
        return None
    return Columns(good.to_numpy(), total.to_numpy())


def _step(index: pd.Index) -> timedelta | None:
    """The length of a bucket, if the index is one of aware times in regular steps."""
    if getattr(index, "tz", None) is None or len(index) < 2:
        return None
    ticks: NDArray[np.int64] = index.asi8
    step = ticks[1] - ticks[0]
    chunks = () if _knows_its_step(index) else range(0, len(ticks) - 1, CHUNK)
    if step <= 0 or any(
        (np.diff(ticks[first : first + CHUNK + 1]) != step).any() for first in chunks
    ):
        return None
    length: timedelta = (index[1] - index[0]).to_pytimedelta()
    return length


def _knows_its_step(index: pd.Index) -> bool:
    """Whether the index has a frequency of a fixed length; a day has 23 or 25 hours where clocks change."""
    try:
        return bool(index.freq.nanos % _NANOSECONDS_A_DAY)
    except (AttributeError, ValueError):  # no frequency, or one such as business days
        return False


def _counter(readings: Any, name: str) -> NDArray[Any]:
    array = np.asarray(readings)
    if (
        array.ndim != 1
        or array.dtype.kind not in "iu"
        or not 0 <= int(array[:1].sum()) < 2**63
        or not len(array)
    ):
        raise ValueError(
            f"{name} must be one row of whole numbers from 0 up, below 2**63, given {readings!r}"
        )
    return array


def _check_growth(good: NDArray[Any], total: NDArray[Any], first: int) -> None:
    good_64, total_64 = (
        good.astype(np.int64, copy=False),
        total.astype(np.int64, copy=False),
    )  # past 2**63 it falls
    falls = (good_64[1:] < good_64[:-1]) | (total_64[1:] < total_64[:-1])
    wrong = np.flatnonzero(falls | (np.diff(good_64) > np.diff(total_64)))
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(
            f"reading {first + i + 1} has good {good[i + 1]} and total {total[i + 1]} after {good[i]} and {total[i]}; "
            "a counter must not fall or pass 2**63, nor good grow by more than total: after a restart count on"
        )
