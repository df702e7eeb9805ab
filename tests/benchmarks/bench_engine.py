"""The engine beside one reading of its columns, plain numpy and pandas: in turns, on the same arrays.

``python tests/benchmarks/bench_engine.py [--rows 31536000] [--rounds 7] [--pandas]`` prints a Markdown table for a
series of seconds (a year by default), and one for a month of minutes. A time is the median of the rounds; × is the
median of the time beside ``np.sum`` of both columns in the same round; the memory is the peak above the input. What
every way finds is compared before anything is timed. On a machine where other work goes on, two threads gain
nothing and every × is too high.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, google_policy
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry.engine import Counters, alert_intervals
from oncall.times import MINUTE, SECOND

SLO_999 = SLO("availability", 0.999)
POLICY = google_policy()
START = datetime(2024, 1, 1, tzinfo=UTC)
YEAR, MONTH = 365 * 86_400, 30 * 1440
Way = Callable[[], object]
Column = NDArray[Any]


# --- the series ----------------------------------------------------------------------------------


def traffic(rows: int, burn: float, bursts: int = 0) -> tuple[Column, Column]:
    """Totals Poisson(50), errors at this burn, and bursts of 20 % errors for 900 buckets."""
    random = np.random.default_rng(1)
    total, ratio = random.poisson(50, rows), np.full(rows, burn * SLO_999.error_budget)
    for start in random.integers(0, max(1, rows - 900), bursts):
        ratio[start : start + 900] = 0.2
    return total - random.binomial(total, ratio), total


def parked(rows: int) -> tuple[Column, Column]:
    """1000 events a bucket, of which 14, 15, 14, 15, 14 fail: 14.4 on average, the very threshold of the 1 h rule."""
    return 1000 - np.resize([14, 15, 14, 15, 14], rows), np.full(rows, 1000)


def as_counts(good: Column, total: Column, step: timedelta) -> Counts:
    return Counts(START, step, array("q", good.tobytes()), array("q", total.tobytes()))


def as_frame(good: Column, total: Column, step: timedelta) -> pd.DataFrame:
    index = pd.date_range(START, periods=len(total), freq=pd.Timedelta(step))
    return pd.DataFrame({"good": good, "total": total}, index=index)


def as_counters(good: Column, total: Column, step: timedelta) -> Counters:
    return Counters(START, step, np.append(0, np.cumsum(good)), np.append(0, np.cumsum(total)))


# --- the other ways ------------------------------------------------------------------------------


def plain_cumsum(good: Column, total: Column, step: timedelta) -> list[int]:
    """As one writes it with numpy: two running sums, and every window of every rule."""
    bads, totals = np.append(0, np.cumsum(total - good)), np.append(0, np.cumsum(total))

    def exceeds(buckets: int, numerator: int, denominator: int) -> NDArray[np.bool_]:
        left = np.maximum(np.arange(1, len(totals)) - buckets, 0)
        fires: NDArray[np.bool_] = (bads[1:] - bads[left]) * denominator > (totals[1:] - totals[left]) * numerator
        return fires

    return [
        stretches(exceeds(rule.long // step, *threshold) & exceeds(rule.short // step, *threshold))
        for rule in POLICY
        for threshold in [rule.threshold(SLO_999).as_integer_ratio()]
    ]


def rolling(frame: pd.DataFrame, step: timedelta, by_time: bool) -> list[int]:
    """As one writes it with pandas: rolling sums over times, or over so many rows."""
    counted = pd.DataFrame({"bad": frame["total"] - frame["good"], "total": frame["total"]})

    def exceeds(window: timedelta, numerator: int, denominator: int) -> NDArray[np.bool_]:
        sums = counted.rolling(window if by_time else window // step, min_periods=1).sum()
        fires: NDArray[np.bool_] = (sums["bad"] * denominator > sums["total"] * numerator).to_numpy()
        return fires

    return [
        stretches(exceeds(rule.long, *threshold) & exceeds(rule.short, *threshold))
        for rule in POLICY
        for threshold in [rule.threshold(SLO_999).as_integer_ratio()]
    ]


def stretches(fires: NDArray[np.bool_]) -> int:
    """How often a rule began to fire."""
    return int(fires[0]) + int(np.count_nonzero(fires[1:] & ~fires[:-1]))


def begun(intervals: list[AlertInterval]) -> list[int]:
    return [sum(interval.rule == rule for interval in intervals) for rule in POLICY]


# --- timing --------------------------------------------------------------------------------------


def seconds(way: Way) -> float:
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin


def peak_megabytes(way: Way) -> float:
    tracemalloc.start()
    way()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def table(title: str, ways: dict[str, Way], rounds: int, bounds: dict[str, str]) -> None:
    """A row a way, the first being what the others are compared with."""
    memory = {name: peak_megabytes(way) for name, way in ways.items()}
    times = [[seconds(way) for way in ways.values()] for _ in range(rounds)]
    print(f"\n| {title} | median | × | to hold | memory |\n|---|--:|--:|---|--:|")
    for column, name in enumerate(ways):
        spent, ratio = (
            median(row[column] / row[by] if by is not None else row[column] for row in times) for by in (None, 0)
        )
        print(f"| {name} | {spent * 1e3:,.1f} ms | {ratio:.2f} | {bounds.get(name, '')} | {memory[name]:,.0f} MB |")


def engine(series: Counts | Counters | pd.DataFrame) -> Way:
    return lambda: alert_intervals(series, SLO_999, POLICY)


def year_of_seconds(rows: int, rounds: int, with_pandas: bool) -> None:
    few, counted = traffic(rows, 0.1, bursts=20), f"{rows:,} seconds"
    frame, counts = as_frame(*few, SECOND), as_counts(*few, SECOND)
    good, total = np.asarray(counts.good), np.asarray(counts.total)
    found = begun(alert_intervals(counts, SLO_999, POLICY))
    assert found == plain_cumsum(*few, SECOND)
    ways: dict[str, Way] = {
        "np.sum of both columns": lambda: (good.sum(), total.sum()),
        "a copy of both columns": lambda: (good.copy(), total.copy()),
        "burn 0.1, 20 bursts": engine(counts),
        "the same, a frame": engine(frame),
    }
    good_8, total_8 = (np.minimum(column, 255).astype(np.uint8) for column in few)
    ways["the same, a frame of uint8"] = engine(as_frame(good_8, total_8, SECOND))
    ways["the same, counters"] = engine(as_counters(*few, SECOND))
    ways["burn 0.5, 80 bursts"] = engine(as_counts(*traffic(rows, 0.5, bursts=80), SECOND))
    ways["burn 1"] = engine(as_counts(*traffic(rows, 1.0), SECOND))
    ways["parked on 14.4×"] = engine(as_counts(*parked(rows), SECOND))
    table(
        counted,
        ways,
        rounds,
        {
            "burn 0.1, 20 bursts": "aim 1.2, at most 1.6",
            "the same, a frame": "aim 1.2, at most 1.6",
            "the same, counters": "below 1",
            "burn 0.5, 80 bursts": "aim 1.5, at most 2.1",
            "burn 1": "at most 8",
            "parked on 14.4×": "below plain numpy cumsum",
        },
    )
    slow: dict[str, Way] = {
        "burn 0.1, 20 bursts": engine(counts),
        "plain numpy cumsum": lambda: plain_cumsum(*few, SECOND),
    }
    if with_pandas:
        assert found == rolling(frame, SECOND, by_time=True)
        slow["pandas time-rolling"] = lambda: rolling(frame, SECOND, by_time=True)
        slow["pandas integer rolling"] = lambda: rolling(frame, SECOND, by_time=False)
    table(f"{counted}, beside the engine", slow, min(3, rounds), {"pandas time-rolling": "at least 200"})


def month_of_minutes(rounds: int) -> None:
    good, total = traffic(MONTH, 0.5, bursts=2)
    counts, frame = as_counts(good, total, MINUTE), as_frame(good, total, MINUTE)
    found = begun(alert_intervals(counts, SLO_999, POLICY))
    assert found == plain_cumsum(good, total, MINUTE) == rolling(frame, MINUTE, by_time=True)
    ways: dict[str, Way] = {
        "the engine on Counts": engine(counts),
        "the engine on a frame": engine(frame),
        "plain numpy cumsum": lambda: plain_cumsum(good, total, MINUTE),
        "pandas time-rolling": lambda: rolling(frame, MINUTE, by_time=True),
        "pandas integer rolling": lambda: rolling(frame, MINUTE, by_time=False),
    }
    table(f"{MONTH:,} minutes", ways, rounds, {"pandas time-rolling": "at least 8"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=YEAR, help="seconds in the long series")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pandas", action="store_true", help="pandas on the long series too, which takes minutes")
    options = parser.parse_args()
    month_of_minutes(options.rounds)
    year_of_seconds(options.rows, options.rounds, options.pandas)


if __name__ == "__main__":
    main()
