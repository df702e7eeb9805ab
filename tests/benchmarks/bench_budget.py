"""Budgets over a year beside plain numpy running sums, and beside the toolkit's alerts.

``python tests/benchmarks/bench_budget.py [--rows 31536000] [--rounds 7]`` prints one Markdown
table: a year of minutes on the standard library, and a long series of seconds on the engine (a year
by default). What the ways find is compared before they are timed, in turns. It exits with 1 if a
limit is not held.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
from bench_engine import POLICY, SLO_999, YEAR, Column, as_counters, as_counts, as_frame, traffic
from in_turns import HEAD, Limit, Way, argument_parser, print_rows

from oncall import alerting, budget
from oncall.counts import Counts
from oncall.telemetry import engine
from oncall.times import MINUTE, SECOND

FIRST = "plain numpy cumsum"
ALERTS = "alert_intervals, standard library"
OF_MINUTES = {  # of which alert_intervals is to become three times as fast
    "budget_history, standard library": Limit(at_most=0.75, beside=ALERTS),
    "breaches, standard library": Limit(at_most=0.75, beside=ALERTS),
    "budget_history, engine": Limit(at_most=3),
    "breaches, engine": Limit(at_most=3),
}
OF_SECONDS = {
    "budget_history, engine": Limit(at_most=2),
    "breaches, engine": Limit(at_most=1),
    "breaches, engine, counters": Limit(at_most=1),
    "breaches, engine, breached throughout": Limit(at_most=3),
}


def plain_cumsum(good: Column, total: Column, step: timedelta) -> Column:
    """The spent shares as one writes them with numpy: two running sums, and their differences."""
    bads, totals = np.append(0, np.cumsum(total - good)), np.append(0, np.cumsum(total))
    left = np.maximum(np.arange(1, len(totals)) - SLO_999.period // step, 0)
    shares: Column = (bads[1:] - bads[left]) * 1000 / (totals[1:] - totals[left])
    return shares


def ways(good: Column, total: Column, step: timedelta) -> dict[str, Callable[[], object]]:
    """What is timed on numpy; the shares are compared first, and the breaches."""
    counts = as_counts(good, total, step)
    frame, counters = as_frame(good, total, step), as_counters(good, total, step)
    shares = engine.budget_history(counts, SLO_999)
    assert np.array_equal(shares, plain_cumsum(good, total, step))
    missed = engine.breaches(counts, SLO_999)
    assert missed == engine.breaches(frame, SLO_999) == engine.breaches(counters, SLO_999)
    assert missed
    return {
        FIRST: lambda: plain_cumsum(good, total, step),
        "budget_history, engine": lambda: engine.budget_history(counts, SLO_999),
        "breaches, engine": lambda: engine.breaches(counts, SLO_999),
        "breaches, engine, a frame": lambda: engine.breaches(frame, SLO_999),
        "breaches, engine, counters": lambda: engine.breaches(counters, SLO_999),
        "calendar, engine": lambda: engine.calendar(counts, SLO_999, "month", "Europe/Berlin"),
    }


def on_the_standard_library(counts: Counts) -> dict[str, Callable[[], object]]:
    assert budget.breaches(counts, SLO_999) == engine.breaches(counts, SLO_999)
    months = budget.calendar(counts, SLO_999, "month", "Europe/Berlin")
    assert months == engine.calendar(counts, SLO_999, "month", "Europe/Berlin")
    return {
        ALERTS: lambda: alerting.alert_intervals(counts, SLO_999, POLICY),
        "budget_history, standard library": lambda: budget.budget_history(counts, SLO_999),
        "breaches, standard library": lambda: budget.breaches(counts, SLO_999),
        "calendar, standard library": lambda: budget.calendar(
            counts, SLO_999, "month", "Europe/Berlin"
        ),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rows", type=int, default=YEAR, help="seconds in the long series")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(HEAD)
    good, total = traffic(YEAR // 60, 0.9, 20)
    minutes = ways(good, total, MINUTE) | on_the_standard_library(as_counts(good, total, MINUTE))
    held = print_rows(
        "a year of minutes",
        [Way(name, run, OF_MINUTES.get(name)) for name, run in minutes.items()],
        options.rounds,
    )
    good, total = traffic(options.rows, 0.9, 20 * options.rows // YEAR)
    worse = as_counts(*traffic(options.rows, 3), SECOND)
    seconds = ways(good, total, SECOND)
    seconds["breaches, engine, breached throughout"] = lambda: engine.breaches(worse, SLO_999)
    limits = OF_SECONDS if options.rows == YEAR else {}
    title = f"{options.rows:,} seconds"
    rows = [Way(name, run, limits.get(name)) for name, run in seconds.items()]
    held &= print_rows(title, rows, options.rounds)
    raise SystemExit(not held)


if __name__ == "__main__":
    main()
