"""Our alerts beside Prometheus': ``promtool test rules`` evaluates the same rules over the same counts.

The counts become counters that are scraped at the end of each bucket, and a window is ``increase()`` on that grid.
``promtool`` comes with Prometheus 2 (Debian: ``apt-get install prometheus``; tried with 2.42). Prometheus 3 has
other edges of a range.
"""

import json
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest

from oncall.alerting import AlertInterval, BurnRule, Rule, alert_intervals, google_policy
from oncall.counts import Counts, read_csv
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, duration_text

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def month() -> Counts:
    return read_csv(DATA / "assistant_30d.csv")


@pytest.fixture(scope="module")
def promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        missing = "promtool is missing; apt-get install prometheus"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return str(path)


def run(promtool: str, folder: Path, counts: Counts, **tests: object) -> None:
    """Run tests over the counts as two counters; with ``rules`` they are about real alerts."""
    rules = tests.pop("rules", None)
    (folder / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "burn", "rules": rules or []}]})
    )
    bad = [total - good for good, total in zip(counts.good, counts.total, strict=True)]
    series = [
        {"series": name, "values": " ".join(map(str, accumulate(column, initial=0)))}
        for name, column in (("bad", bad), ("total", counts.total))
    ]
    step = duration_text(counts.step)
    document = {
        "rule_files": ["rules.yml"] if rules else [],
        "evaluation_interval": step,
        "tests": [{"interval": step, "input_series": series, **tests}],
    }
    (folder / "tests.yml").write_text(json.dumps(document))  # JSON is YAML
    done = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def burning(rule: BurnRule, slo: SLO, bool_: str = "") -> str:
    """The rule in PromQL, in whole numbers, as ours is: in floats a burn exactly at the threshold may go either way."""
    threshold = rule.threshold(slo)

    def over(window: timedelta) -> str:
        length = duration_text(window)
        return (
            f"(increase(bad[{length}]) * {threshold.denominator} > {bool_} "
            f"increase(total[{length}]) * {threshold.numerator})"
        )

    return f"{over(rule.long)} {'*' if bool_ else 'and'} {over(rule.short)}"


def value(expression: str, at: str, expected: float) -> dict[str, object]:
    return {
        "expr": expression,
        "eval_time": at,
        "exp_samples": [{"labels": "{}", "value": float(expected)}],
    }


def firing(intervals: list[AlertInterval], rule: Rule, at: datetime) -> bool:
    return any(
        i.rule == rule and i.start <= at and (i.end is None or at < i.end) for i in intervals
    )


@pytest.mark.parametrize(
    ("slo", "policy"),
    [
        (SLO("99.9", 0.999), google_policy()),
        (SLO("99.5", 0.995), google_policy()),
        (SLO("99.95", 0.9995, 28 * DAY), google_policy(28 * DAY)),
    ],
    ids=("99.9", "99.5", "99.95"),
)
def test_thirty_days_agree_either_side_of_every_transition(
    promtool: str, tmp_path: Path, month: Counts, slo: SLO, policy: tuple[BurnRule, ...]
) -> None:
    intervals = alert_intervals(month, slo, policy)
    turns = {
        (turn - month.start) // MINUTE
        for i in intervals
        for turn in (i.start, i.end)
        if turn is not None
    }
    minutes = {*turns, *(turn - 1 for turn in turns), *range(499, len(month), 499)} - {0}
    assert len(turns) > 10
    checks = [
        value(
            burning(rule, slo, "bool"),
            f"{minute}m",
            firing(intervals, rule, month.start + minute * MINUTE),
        )
        for minute in sorted(minutes)
        for rule in policy
    ]
    run(promtool, tmp_path, month, promql_expr_test=checks)


def test_real_alerts_fire_in_the_same_minutes_of_a_day_with_an_outage(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    slo, start = SLO("99.9", 0.999), month.start + 5 * DAY + 12 * HOUR
    day, policy = month.slice(start, start + DAY), google_policy()
    intervals = alert_intervals(day, slo, policy)
    assert {interval.rule for interval in intervals} == set(policy)
    rules = [{"alert": rule.name, "expr": burning(rule, slo)} for rule in policy]
    checks = [
        {
            "alertname": rule.name,
            "eval_time": f"{minute}m",
            "exp_alerts": [{"exp_labels": {}}] * fires,
        }
        for minute in range(1, len(day) + 1)
        for rule in policy
        for fires in [firing(intervals, rule, day.start + minute * MINUTE)]
    ]
    run(promtool, tmp_path, day, rules=rules, alert_rule_test=checks)


def test_increase_on_the_scrape_grid_is_our_sum_exactly(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    minutes = (1, 59, 60, 61, 4321, 20_000, len(month))
    checks = [
        value(
            f"increase(total[{hours}h])",
            f"{minute}m",
            sum(month.total[max(0, minute - 60 * hours) : minute]),
        )
        for hours in (1, 72)
        for minute in minutes
    ]
    run(promtool, tmp_path, month, promql_expr_test=checks)


def test_sum_over_time_of_a_gauge_counts_one_bucket_too_many(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    """Why the counters: a range is closed on both sides, so an hour of one-minute samples is 61 of them."""
    hour = month.slice(end=month.start + 2 * HOUR)
    run(
        promtool,
        tmp_path,
        hour,
        promql_expr_test=[value("count_over_time(total[1h])", "90m", 61.0)],
    )


def test_an_increase_off_the_scrape_grid_is_an_estimate(promtool: str, tmp_path: Path) -> None:
    """Why the grid: half a minute past a scrape 100 failures are stretched into 12.5 that never were."""
    counts = Counts(
        read_csv(DATA / "assistant_30d.csv").start, MINUTE, [100] * 5 + [0] + [100] * 4, [100] * 10
    )
    checks = [value("increase(bad[5m])", "6m", 100.0), value("increase(bad[5m])", "6m30s", 112.5)]
    run(promtool, tmp_path, counts, promql_expr_test=checks)
