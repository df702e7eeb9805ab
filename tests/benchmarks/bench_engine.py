"""The engine beside one reading of its columns, plain numpy, pandas and polars, on the same arrays.

``python tests/benchmarks/bench_engine.py [--rows 31536000] [--rounds 7]`` prints one Markdown
table: a month of minutes, a month of seconds, and a long series of seconds (a year by default). All
ways are timed in turns, and what they find is compared before. It exits with 1 if a limit is not
held. On a machine where other work goes on, two threads gain nothing and every × is too high.
polars has a row where it can be imported.
"""

from __future__ import annotations

import importlib.util
from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from in_turns import HEAD, Limit, Way, argument_parser, print_rows
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, google_policy
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry.engine import Counters, alert_intervals
from oncall.times import MINUTE, SECOND

SLO_999 = SLO("availability", 0.999)
POLICY = google_policy()
START = datetime(2024, 1, 1, tzinfo=UTC)
YEAR, MONTH = 365 * 86_400, 30 * 86_400
Column = NDArray[Any]
Burns = Callable[[timedelta, Fraction], Column]  # where a window burns above a threshold

ENGINE = "ours, burn 0.1 and bursts"
CUMSUM = "plain numpy cumsum"
TIME_ROLLING = "pandas, rolling over time"
POLARS = "polars, rolling over time"
LIMITS = {  # of the year of seconds, beside one reading of both columns where nothing else is said
    ENGINE: Limit(at_most=1.6, aim=1.2),
    "the same, a frame": Limit(at_most=1.6, aim=1.2),
    "the same, counters": Limit(at_most=1),
    "ours, burn 0.5 and bursts × 4": Limit(at_most=2.1, aim=1.5),
    "ours, burn 1 throughout": Limit(at_most=8),
    "ours, parked on 14.4×": Limit(at_most=1, beside=CUMSUM),
    TIME_ROLLING: Limit(at_least=200, beside=ENGINE),
}


# --- the series ----------------------------------------------------------------------------------


def traffic(rows: int, burn: float, bursts: int = 0) -> tuple[Column, Column]:
    """Totals Poisson(50), errors at this burn, and bursts of 20 % errors for 900 buckets."""
    random = np.random.default_rng(1)
    total, ratio = random.poisson(50, rows), np.full(rows, burn * SLO_999.error_budget)
    for start in random.integers(0, max(1, rows - 900), bursts):
        ratio[start : start + 900] = 0.2
    return total - random.binomial(total, ratio), total


def parked(rows: int) -> tuple[Column, Column]:
    """1000 events a bucket, of which 14, 15, 14, 15, 14 fail: the very threshold of a rule."""
    return 1000 - np.resize([14, 15, 14, 15, 14], rows), np.full(rows, 1000)


def as_counts(good: Column, total: Column, step: timedelta) -> Counts:
    return Counts(START, step, array("q", good.tobytes()), array("q", total.tobytes()))


def as_frame(good: Column, total: Column, step: timedelta) -> pd.DataFrame:
    index = pd.date_range(START, periods=len(total), freq=pd.Timedelta(step))
    return pd.DataFrame({"good": good, "total": total}, index=index)


def as_counters(good: Column, total: Column, step: timedelta) -> Counters:
    return Counters(START, step, np.append(0, np.cumsum(good)), np.append(0, np.cumsum(total)))


# --- the other ways ------------------------------------------------------------------------------


def begins(burns: Burns) -> list[int]:
    """How often each rule begins to fire."""
    counts = []
    for rule in POLICY:
        threshold = rule.threshold(SLO_999)
        fires = burns(rule.long, threshold) & burns(rule.short, threshold)
        counts.append(int(fires[0]) + int(np.count_nonzero(fires[1:] & ~fires[:-1])))
    return counts


def plain_cumsum(good: Column, total: Column, step: timedelta) -> list[int]:
    """As one writes it with numpy: two running sums, and every window of every rule."""
    bads, totals = np.append(0, np.cumsum(total - good)), np.append(0, np.cumsum(total))

    def burns(window: timedelta, threshold: Fraction) -> Column:
        left = np.maximum(np.arange(1, len(totals)) - window // step, 0)
        bad, total = bads[1:] - bads[left], totals[1:] - totals[left]
        fires: Column = bad * threshold.denominator > total * threshold.numerator
        return fires

    return begins(burns)


def pandas_rolling(frame: pd.DataFrame, step: timedelta | None = None) -> list[int]:
    """As one writes it with pandas: rolling sums over time or, with a step, over rows."""
    counted = pd.DataFrame({"bad": frame["total"] - frame["good"], "total": frame["total"]})

    def burns(window: timedelta, threshold: Fraction) -> Column:
        sums = counted.rolling(window // step if step else window, min_periods=1).sum()
        bad, total = sums["bad"] * threshold.denominator, sums["total"] * threshold.numerator
        fires: Column = (bad > total).to_numpy()
        return fires

    return begins(burns)


def polars_rolling(frame: Any) -> list[int]:
    """As one writes it with polars: rolling sums over time."""
    import polars as pl

    def burns(window: timedelta, threshold: Fraction) -> Column:
        bad = (pl.col("total") - pl.col("good")).rolling_sum_by("at", window)
        total = pl.col("total").rolling_sum_by("at", window)
        exceeds = bad * threshold.denominator > total * threshold.numerator
        fires: Column = frame.select(exceeds).to_series().to_numpy()
        return fires

    return begins(burns)


def begun(intervals: list[AlertInterval]) -> list[int]:
    return [sum(interval.rule == rule for interval in intervals) for rule in POLICY]


# --- the table -----------------------------------------------------------------------------------


def engine(series: Counts | Counters | pd.DataFrame) -> Callable[[], list[AlertInterval]]:
    return lambda: alert_intervals(series, SLO_999, POLICY)


def ours(
    good: Column, total: Column, step: timedelta, bursts: int
) -> dict[str, Callable[[], list[AlertInterval]]]:
    good_8, total_8 = (np.minimum(column, 255).astype(np.uint8) for column in (good, total))
    rows = len(total)
    same = {
        ENGINE: engine(as_counts(good, total, step)),
        "the same, a frame": engine(as_frame(good, total, step)),
        "the same, a frame of uint8": engine(as_frame(good_8, total_8, step)),
        "the same, counters": engine(as_counters(good, total, step)),
    }
    assert all(run() == same[ENGINE]() for run in same.values())
    return same | {
        "ours, burn 0.5 and bursts × 4": engine(as_counts(*traffic(rows, 0.5, 4 * bursts), step)),
        "ours, burn 1 throughout": engine(as_counts(*traffic(rows, 1.0), step)),
        "ours, parked on 14.4×": engine(as_counts(*parked(rows), step)),
    }


def others(good: Column, total: Column, step: timedelta) -> dict[str, Callable[[], list[int]]]:
    frame = as_frame(good, total, step)
    found: dict[str, Callable[[], list[int]]] = {
        CUMSUM: lambda: plain_cumsum(good, total, step),
        TIME_ROLLING: lambda: pandas_rolling(frame),
        "pandas, rolling over rows": lambda: pandas_rolling(frame, step),
    }
    if importlib.util.find_spec("polars"):
        import polars as pl

        at = pl.Series(frame.index.tz_localize(None).to_numpy())
        columns = pl.DataFrame({"at": at, "good": good, "total": total})
        found[POLARS] = lambda: polars_rolling(columns)
    return found


def print_series(
    rows: int, step: timedelta, bursts: int, rounds: int, limits: dict[str, Limit]
) -> bool:
    good, total = traffic(rows, 0.1, bursts)
    title = f"{rows:,} {'seconds' if step == SECOND else 'minutes'}"
    fast: dict[str, Callable[[], object]] = {
        "np.sum of both columns": lambda: (good.sum(), total.sum()),
        "a copy of both columns": lambda: (good.copy(), total.copy()),
        **(engines := ours(good, total, step, bursts)),
    }
    slow, found = others(good, total, step), begun(engines[ENGINE]())

    def agreeing(run: Callable[[], list[int]]) -> Callable[[], None]:
        def check() -> None:
            assert run() == found

        return check

    ways = [Way(name, run, limits.get(name)) for name, run in fast.items()]
    for name, run in slow.items():
        once, traced = rows > MONTH, name != POLARS
        ways.append(Way(name, agreeing(run), limits.get(name), once, traced))
    held = print_rows(title, ways, rounds)
    if POLARS not in slow:
        print(f"| {title} | {POLARS} | not installed | | | |")
    return held


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rows", type=int, default=YEAR, help="seconds in the longest series")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    of_minutes = {TIME_ROLLING: Limit(at_least=8, beside=ENGINE)}
    of_the_year = LIMITS if options.rows == YEAR else {}
    print(HEAD)
    held = [
        print_series(MONTH // 60, MINUTE, 2, 5 * options.rounds, of_minutes),
        print_series(MONTH, SECOND, 2, options.rounds, {}),
        print_series(options.rows, SECOND, 20, options.rounds, of_the_year),
    ]
    raise SystemExit(not all(held))


if __name__ == "__main__":
    main()
