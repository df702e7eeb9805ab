"""Extreme counts, rules and numbers: a right result, or one ``ValueError`` of one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from examples import examples
from extremes import (
    TWO_NINES,
    at_an_end,
    events,
    everyday,
    lengths,
    moments,
    numbers,
    only_refuses,
    policies,
    rules,
    series,
    slos,
)
from hypothesis import given
from hypothesis import strategies as st

from oncall import counts as counts_module
from oncall.alerting import (
    AlertEvaluator,
    BurnRule,
    Policy,
    Rule,
    alert,
    alert_intervals,
    google_policy,
)
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts, MissingBuckets, read_csv
from oncall.report import report
from oncall.slo import (
    SLO,
    budget_action,
    budget_remaining,
    burn_rate,
    exact,
    exhaustion_time,
    percent,
    slo_from_record,
    slo_to_record,
)
from oncall.telemetry import engine
from oncall.times import (
    EARLIEST,
    LATEST,
    MINUTE,
    duration_text,
    moment_text,
    parse_duration,
    parse_moment,
)


@pytest.fixture(autouse=True, scope="module")
def _few_buckets() -> Iterator[None]:
    """A bound on buckets that takes no minutes to reach; where it stands, others test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "MOST_BUCKETS", 6000)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extremes")


# --- times, lengths and numbers ------------------------------------------------------------------


@examples(300)
@given(at_an_end() | everyday, lengths)
def test_what_is_read_is_what_was_written(moment: datetime, length: timedelta) -> None:
    if (read := only_refuses(parse_moment, moment.isoformat())) is not None:
        assert read == moment
        assert parse_moment(moment_text(moment)) == moment
    if (text := duration_text(length))[0] != "-":
        assert only_refuses(parse_duration, text) in (None, length)


@examples(300)
@given(numbers, numbers, lengths)
def test_any_number_may_be_asked_about(one: Any, other: Any, period: timedelta) -> None:
    slo = only_refuses(SLO, "any", one, period) or TWO_NINES
    for function in (burn_rate, budget_remaining):
        only_refuses(function, other, slo)
    only_refuses(exhaustion_time, slo, one, other)
    only_refuses(budget_action, other)
    only_refuses(alert, one, other, slo, page_burn=other, ticket_burn=one)
    only_refuses(percent, other)
    if (number := only_refuses(exact, other)) is not None:
        assert float(number) == pytest.approx(float(other), rel=1e-6)
    assert slo_from_record(slo_to_record(slo)) == slo
    only_refuses(slo_from_record, {"name": "a", "target": one, "period_seconds": other})


# --- counts, rules and reports -------------------------------------------------------------------


@examples(200)
@given(series(), moments, moments, lengths)
def test_counts_can_be_cut_and_joined(
    counts: Counts, start: datetime, end: datetime, step: timedelta
) -> None:
    assert EARLIEST <= counts.start <= counts.end <= LATEST
    part = only_refuses(counts.slice, start, end)
    assert part is None or counts.start <= part.start <= part.end <= counts.end
    longer = only_refuses(counts.resample, step)
    assert longer is None or sum(longer.total) == sum(counts.total)
    assert len(counts.to_frame()) == len(counts)
    if len(counts) > 1:
        assert Counts.from_frame(counts.to_frame()) == counts


@examples(200)
@given(st.lists(moments, min_size=1, max_size=3), events, st.none() | lengths)
def test_a_file_is_read_as_it_stands_or_refused_by_name(
    folder: Path, starts: list[datetime], good: int, step: timedelta | None
) -> None:
    path = folder / "counts.csv"
    cell = "9" * 5000 if good == 10**5000 else good
    rows = [f"{start.isoformat()},{cell},{cell}\n" for start in starts]
    path.write_text("start,good,total\n" + "".join(rows))
    with warnings.catch_warnings(action="ignore", category=MissingBuckets):
        counts = only_refuses(read_csv, path, step=step, begin=(str(path), "step must"))
    if counts is not None:
        assert (counts.start, sum(counts.total)) == (starts[0], good * len(starts))


@examples(200)
@given(series(), slos(), policies, numbers)
def test_every_view_of_counts_answers(
    counts: Counts, slo: SLO, policy: Policy, traffic: Any
) -> None:
    fired = only_refuses(alert_intervals, counts, slo, policy)
    if fired is not None:
        assert engine.alert_intervals(counts, slo, policy) == fired
    only_refuses(lint_alerting, policy, slo, traffic)
    only_refuses(lint_alerting, policy, slo, counts)
    only_refuses(report, counts, slo, policy)
    windows = [window for rule in policy for window in rule.windows]
    rates = only_refuses(engine.burn_rates, counts, slo, windows)
    assert rates is None or all(len(rate) == len(counts) for rate in rates.values())


@examples(300)
@given(slos(), rules(), lengths, numbers, events, events)
def test_an_evaluator_takes_what_it_can_keep(
    slo: SLO, rule: Rule, step: timedelta, ratio: Any, good: int, total: int
) -> None:
    evaluator = only_refuses(AlertEvaluator, slo, (rule,), step)
    if evaluator is not None:
        only_refuses(evaluator.observe, good, total)
        only_refuses(evaluator.window, step)
    if isinstance(rule, BurnRule):
        only_refuses(rule.detection_time, slo, ratio)
        only_refuses(rule.reset_time, slo, ratio)
        assert rule.budget_at_fire(slo) > 0
        assert rule.lone_failure_fires_below(slo) > 0
    only_refuses(google_policy, step)


ticks = st.sampled_from([1, 999, 1000, 1001, 10**9, 2**62, -1])
units = st.sampled_from(["ns", "us", "ms", "s"])


@examples(200)
@given(st.integers(-(2**62), 2**62) | st.just(0), ticks, units, slos(), policies)
def test_a_frame_may_have_any_index(
    first: int, tick: int, unit: str, slo: SLO, policy: Policy
) -> None:
    try:
        numbers = np.array([first, first + tick, first + 2 * tick], f"datetime64[{unit}]")
        index = pd.DatetimeIndex(numbers).tz_localize("UTC")
    except (ValueError, OverflowError):  # pandas' own
        return
    frame = pd.DataFrame({"good": [1, 0, 1], "total": [1, 1, 1]}, index=index)
    only_refuses(Counts.from_frame, frame)
    only_refuses(engine.alert_intervals, frame, slo, policy)
    only_refuses(engine.burn_rates, frame, slo, [MINUTE])
