"""Our alerts beside Prometheus': ``promtool`` evaluates the same rules over the same counts.

The counts become counters that are scraped at the end of each bucket, and a window is
``increase()`` on that grid. ``promtool`` comes with Prometheus 2 (Debian: ``apt-get install
prometheus``; tried with 2.42). Prometheus 3 has other edges of a range.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest

from oncall.alerting import AlertInterval, BurnRule, Rule, alert_intervals, google_policy
from oncall.counts import Counts, read_csv
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, duration_text

DATA = Path(__file__).parents[2] / "data"
NEVER = datetime.max.replace(tzinfo=UTC)


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
    groups = {"groups": [{"name": "burn", "rules": rules or []}]}
    (folder / "rules.yml").write_text(json.dumps(groups))  # JSON is YAML
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
    (folder / "tests.yml").write_text(json.dumps(document))
    command = [promtool, "test", "rules", "tests.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def burning(rule: BurnRule, slo: SLO, bool_: str = "") -> str:
    """The rule in PromQL, in whole numbers, as ours is.

    In floats a burn exactly at the threshold may go either way.
    """
    threshold = rule.threshold(slo)

    def over(window: timedelta) -> str:
        bad, total = (f"increase({name}[{duration_text(window)}])" for name in ("bad", "total"))
        return f"({bad} * {threshold.denominator} > {bool_} {total} * {threshold.numerator})"

    return f"{over(rule.long)} {'*' if bool_ else 'and'} {over(rule.short)}"


def value(expression: str, at: str, expected: float) -> dict[str, object]:
    sample = {"labels": "{}", "value": float(expected)}
    return {"expr": expression, "eval_time": at, "exp_samples": [sample]}


def firing(intervals: list[AlertInterval], rule: Rule, at: datetime) -> bool:
    return any(
        interval.rule == rule and interval.start <= at < (interval.end or NEVER)
        for interval in intervals
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
    turns = {turn for interval in intervals for turn in (interval.start, interval.end) if turn}
    assert len(turns) > 10
    either_side = {turn - before for turn in turns for before in (timedelta(), MINUTE)}
    moments = {*either_side, *(month.start + n * MINUTE for n in range(499, len(month), 499))}
    checks = []
    for moment in sorted(moments - {month.start}):
        minute = (moment - month.start) // MINUTE
        for rule in policy:
            expected = firing(intervals, rule, moment)
            checks.append(value(burning(rule, slo, "bool"), f"{minute}m", expected))
    run(promtool, tmp_path, month, promql_expr_test=checks)


def test_real_alerts_fire_in_the_same_minutes_of_a_day_with_an_outage(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    slo, start = SLO("99.9", 0.999), month.start + 5 * DAY + 12 * HOUR
    day, policy = month.slice(start, start + DAY), google_policy()
    intervals = alert_intervals(day, slo, policy)
    assert {interval.rule for interval in intervals} == set(policy)
    rules = [{"alert": rule.name, "expr": burning(rule, slo)} for rule in policy]
    checks = []
    for minute in range(1, len(day) + 1):
        for rule in policy:
            fires = firing(intervals, rule, day.start + minute * MINUTE)
            check = {"alertname": rule.name, "eval_time": f"{minute}m"}
            checks.append({**check, "exp_alerts": [{"exp_labels": {}}] * fires})
    run(promtool, tmp_path, day, rules=rules, alert_rule_test=checks)


def test_increase_on_the_scrape_grid_is_our_sum_exactly(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    minutes = (1, 59, 60, 61, 4321, 20_000, len(month))
    checks = []
    for hours in (1, 72):
        for minute in minutes:
            expected = sum(month.total[max(0, minute - 60 * hours) : minute])
            checks.append(value(f"increase(total[{hours}h])", f"{minute}m", expected))
    run(promtool, tmp_path, month, promql_expr_test=checks)


def test_sum_over_time_of_a_gauge_counts_one_bucket_too_many(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    """Why counters: a range is closed on both sides, so an hour holds 61 one-minute samples."""
    hours = month.slice(end=month.start + 2 * HOUR)
    check = value("count_over_time(total[1h])", "90m", 61.0)
    run(promtool, tmp_path, hours, promql_expr_test=[check])


def test_an_increase_off_the_scrape_grid_is_an_estimate(
    promtool: str, tmp_path: Path, month: Counts
) -> None:
    """Why the grid: half a minute past a scrape, 12.5 failures appear that never were."""
    counts = Counts(month.start, MINUTE, [100] * 5 + [0] + [100] * 4, [100] * 10)
    checks = [value("increase(bad[5m])", "6m", 100.0), value("increase(bad[5m])", "6m30s", 112.5)]
    run(promtool, tmp_path, counts, promql_expr_test=checks)
