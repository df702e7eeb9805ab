"""Simulated months: ours beside pandas time-rolling on the very same months, in turns.

``python tests/benchmarks/bench_simulate.py [--months 120] [--rounds 3]`` prints a Markdown table,
for that many months and for three times as many. Both sides draw the months and judge their pages
by the same code; only where the four Google rules fire is found in another way, and the answers
must be equal. It exits with 1 if a limit is not held. The times are processor times, for both sides
run in one thread and other work goes on.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
from in_turns import HEAD, Limit, Way, argument_parser, print_rows

from oncall.alerting import BurnRule, Rule, google_policy
from oncall.gameday.bundled import bundled_scenario
from oncall.scenario import Scenario
from oncall.telemetry import simulate
from oncall.telemetry._arrays import Flags
from oncall.telemetry.simulate import Simulation

MONTH = bundled_scenario("assistant_30d")

POLICY = google_policy()


def with_pandas(scenario: Scenario, months: int, seed: int) -> list[tuple[int, int, int, int]]:
    """Tallies of the same months; when a rule fires, as one writes it with pandas."""
    month = simulate._month(POLICY, scenario)
    total = np.diff(month.requests)
    index = pd.date_range(month.start, periods=len(total), freq="min")
    tallies = []
    for failed in simulate._draw(month, months, np.random.default_rng(seed)):
        frame = pd.DataFrame({"bad": np.diff(failed), "total": total}, index=index)
        verdicts: list[tuple[Rule, Flags]] = []
        for rule in POLICY:
            fires = burns(frame, rule, rule.long) & burns(frame, rule, rule.short)
            verdicts.append((rule, fires.to_numpy()[month.warm_up :]))
        tallies.append(simulate._tally(month, verdicts))
    return tallies


def burns(frame: pd.DataFrame, rule: BurnRule, window: timedelta) -> pd.Series:
    threshold, sums = rule.threshold(MONTH.slo), frame.rolling(window).sum()
    return sums["bad"] * threshold.denominator > sums["total"] * threshold.numerator


def tallies(simulation: Simulation) -> list[tuple[int, ...]]:
    columns = simulation.pages, simulation.false_pages, simulation.tickets, simulation.missed
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


def print_months(
    name: str, scenario: Scenario, months: int, rounds: int, once: bool = False
) -> bool:
    found = tallies(simulate.simulate(POLICY, scenario, months, seed=1))

    def ours() -> None:
        assert tallies(simulate.simulate(POLICY, scenario, months, seed=1)) == found

    def pandas() -> None:
        assert with_pandas(scenario, months, seed=1) == found, "the two disagree"

    ways = [
        Way("ours", ours, traced=False),
        Way("pandas, rolling over time", pandas, Limit(at_least=20), once=once, traced=False),
    ]
    return print_rows(f"{months} months, {name}", ways, rounds, time.process_time)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--months", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(HEAD)
    months, rounds, healthy = options.months, options.rounds, replace(MONTH, faults=())
    held = [
        print_months("healthy, burn 0.2", healthy, months, rounds),
        print_months("twelve faults in each", MONTH, months, rounds),
        print_months("twelve faults in each", MONTH, 3 * months, rounds, once=True),
    ]
    raise SystemExit(not all(held))


if __name__ == "__main__":
    main()
