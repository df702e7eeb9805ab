"""Whole shifts, played by the reference, on one core: how long a thousand take.

``python tests/benchmarks/bench_shifts.py [--shifts 200]`` prints a Markdown table. A shift is 480
minutes after three quiet days, all of it counted and, where the cause is drawn, judged by five
burn rules for each of five SLOs. Beside it stands the least that any shift must do: one evaluator
over as many minutes. The times are of the processor, for other work may go on.
"""

from __future__ import annotations

import argparse
import time
from itertools import cycle, islice

from oncall.alerting import AlertEvaluator, Policy, google_policy
from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.shift import run_shift
from oncall.gameday.watch import SILENCE
from oncall.scenario import Scenario
from oncall.times import MINUTE

LIMIT = 150.0  # seconds for a thousand: "about two minutes"
HEAD = """\
| shifts by the reference | a shift | a thousand | × an evaluator alone | to hold |
|--:|--:|--:|--:|---|"""


def seconds_to_play(scenario: Scenario, seed: int) -> tuple[float, Counts]:
    """Processor seconds for a shift, and what its service counted."""
    begin = time.process_time()
    counts = run_shift(scenario, seed, reference).counts
    return time.process_time() - begin, counts


def seconds_to_evaluate(scenario: Scenario, counts: Counts) -> float:
    """Processor seconds for the alert rules alone over the same minutes."""
    policy: Policy = (*google_policy(scenario.slo.period), SILENCE)
    evaluator = AlertEvaluator(scenario.slo, policy, MINUTE)
    begin = time.process_time()
    for good, total in zip(counts.good, counts.total, strict=True):
        evaluator.observe(good, total)
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shifts", type=int, default=200)
    shifts = parser.parse_args().shifts
    played = evaluated = 0.0
    for seed, scenario in enumerate(islice(cycle(SCENARIOS.values()), shifts)):
        spent, counts = seconds_to_play(scenario, seed)
        played += spent
        evaluated += seconds_to_evaluate(scenario, counts)
    each, thousand = f"{played / shifts * 1e3:.1f} ms", played / shifts * 1000
    verdict = "held" if thousand <= LIMIT else "NOT held"
    print(HEAD)
    print(
        f"| {shifts:,} | {each} | {thousand:.0f} s | {played / evaluated:.2f} "
        f"| about two minutes a thousand: {verdict} |"
    )
    raise SystemExit(thousand > LIMIT)


if __name__ == "__main__":
    main()
