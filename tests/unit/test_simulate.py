"""Simulated months: small ones worked out by hand, and equality with the definition."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import BurnRule, Policy, SilenceRule, alert_intervals, google_policy
from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS, bundled_scenario
from oncall.scenario import Fault, Scenario, rhythm
from oncall.telemetry import simulate as simulation
from oncall.telemetry.simulate import simulate
from oncall.times import DAY, HOUR, MINUTE, SECOND

MONTH = bundled_scenario("assistant_30d")

GOOGLE = google_policy()
NEVER = datetime.max.replace(tzinfo=UTC)
QUIET = replace(MONTH, faults=())
SPARSE = replace(QUIET, requests=10 / 60, errors=0.0005)


def test_the_seed_decides() -> None:
    first, same, other = (simulate(GOOGLE, SPARSE, 6, seed) for seed in (1, 1, 2))
    assert (first.false_pages == same.false_pages).all()
    assert (first.false_pages != other.false_pages).any()


def test_a_healthy_busy_service_wakes_nobody() -> None:
    quiet = simulate(GOOGLE, QUIET, 6, seed=1)
    assert quiet.pages.tolist() == quiet.tickets.tolist() == quiet.missed.tolist() == [0] * 6
    assert quiet.findings == ()


def test_at_ten_requests_an_hour_each_failure_is_a_page_for_nothing() -> None:
    """7,200 requests a month, one in 2,000 fails: 3.6 failures, nearly each a page of its own."""
    sparse = simulate(GOOGLE, SPARSE, 200, seed=1)
    assert (sparse.pages == sparse.false_pages).all()
    assert 3.2 < sparse.false_pages.mean() < 3.7
    assert {finding.rule for finding in sparse.findings} == {"lone-failure"}


def test_without_errors_there_are_no_pages() -> None:
    assert not simulate(GOOGLE, replace(SPARSE, errors=0.0), 2, seed=1).pages.any()


def test_an_outage_is_paged_every_month_and_a_blip_never() -> None:
    faults = (
        Fault("gpu_capacity", 5 * DAY, 1.0, duration=10 * MINUTE),
        Fault("gpu_capacity", 9 * DAY, 0.001, duration=10 * MINUTE),
    )
    months = simulate(GOOGLE, replace(QUIET, faults=faults), 5, seed=1)
    assert months.pages.tolist() == months.missed.tolist() == [1] * 5
    assert not months.false_pages.any()


def test_a_fault_without_a_duration_ends_with_its_scenario() -> None:
    scenario = SCENARIOS["provider_outage"]
    months = simulate(google_policy(), scenario, 2, seed=1)
    assert months.pages.tolist() == [1, 1]
    month = simulation._month(GOOGLE, scenario)
    assert month.incidents[0].end == scenario.start + scenario.length


@pytest.mark.parametrize(
    "scenario", [MONTH, SPARSE, replace(QUIET, requests=3, errors=0.004)], ids=lambda s: s.name
)
def test_a_month_s_pages_are_those_of_its_counts(scenario: Scenario) -> None:
    policy: Policy = (*GOOGLE, SilenceRule(5 * MINUTE), SilenceRule(5 * MINUTE, of="data"))
    month = simulation._month(policy, scenario)
    tests = [(rule, simulation._test(rule, scenario.slo, month)) for rule in policy]
    total = np.diff(month.requests)
    for failed in simulation._draw(month, 2, np.random.default_rng(7)):
        counts = Counts(month.start, MINUTE, (total - np.diff(failed)).tolist(), total.tolist())
        intervals = alert_intervals(counts, scenario.slo, policy)
        for rule, test in tests:
            expected = np.zeros(len(total), bool)
            for interval in intervals:
                if interval.rule == rule:
                    first = (interval.start - counts.start) // MINUTE - 1
                    clear = ((interval.end or NEVER) - counts.start) // MINUTE - 1
                    expected[first:clear] = True
            assert (test(failed) == expected[month.warm_up :]).all()


def test_each_request_fails_independently_with_the_chance_of_its_minute() -> None:
    """Means and variances of 400 months are within five standard errors of the binomial's."""
    fault = Fault("gpu_capacity", timedelta(), 0.3, duration=HOUR)
    scenario = replace(QUIET, requests=5.0, errors=0.01, faults=(fault,))
    month = simulation._month((), scenario)
    months = simulation._draw(month, 400, np.random.default_rng(3))
    draws = np.array([failed[[0, 60, 1440]] for failed in months])
    requests = np.diff(month.requests[[0, 60, 1440]])
    chances = np.array([1 - 0.7 * 0.99, 0.01])
    mean, variance = requests * chances, requests * chances * (1 - chances)
    failed = np.diff(draws, axis=1)
    assert (np.abs(failed.mean(axis=0) - mean) < 5 * np.sqrt(variance / 400)).all()
    assert (np.abs(failed.var(axis=0) / variance - 1) < 5 * math.sqrt(2 / 400)).all()


@pytest.mark.parametrize("start", [MONTH.start, datetime(2025, 3, 8, 23, 59, 31, tzinfo=UTC)])
def test_the_rhythm_of_a_week_is_that_of_its_minutes(start: datetime) -> None:
    expected = [rhythm(start + minute * MINUTE) for minute in range(7 * 1440)]
    assert simulation._rhythm(start).tolist() == expected


def test_a_minute_under_several_faults_is_spared_by_all_of_them() -> None:
    """One climbs to a half in ten minutes and lasts half a minute more; one takes a fifth."""
    climbs = Fault("rate_limit_storm", MINUTE, 0.5, 10 * MINUTE, 10 * MINUTE + 30 * SECOND)
    takes = Fault("gpu_capacity", 2 * MINUTE, 0.2, duration=2 * MINUTE)
    spared = simulation._spared(replace(QUIET, faults=(climbs, takes)))[:13]
    climb = [1 - 0.5 * (minute + 0.5) / 10 for minute in range(10)]
    expected = [1, climb[0], climb[1] * 0.8, climb[2] * 0.8, *climb[3:], 1 - 0.5 / 2, 1]
    assert spared.tolist() == pytest.approx(expected)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=50), st.integers(0, 3))
def test_the_minute_of_a_request_is_found(requests: list[int], floor: int) -> None:
    running = np.append(0, np.cumsum([n + 10 * floor for n in requests]))
    every = np.arange(running[-1])
    found = simulation._minute_finder(running)(every)
    assert (found == np.searchsorted(running, every, side="right") - 1).all()


def test_a_scenario_s_name_is_told_where_the_scenario_is() -> None:
    wrong = r"such as SCENARIOS\['provider_outage'\], given 'provider_outage'"
    with pytest.raises(ValueError, match=wrong):
        simulate(GOOGLE, "provider_outage", 1, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "months"), [(GOOGLE, 0), ((BurnRule(HOUR, 90 * SECOND, 10),), 1)]
)
def test_bad_input_to_a_simulation_is_an_error(policy: Policy, months: int) -> None:
    with pytest.raises(ValueError, match=r"months must be|do not divide"):
        simulate(policy, QUIET, months, seed=1)
