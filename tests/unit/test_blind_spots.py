"""Blind spots: every verdict is the evaluator's, and what comes in wrong says what to give."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import BurnRule, Policy, SilenceRule, alert_intervals, google_policy
from oncall.counts import Counts
from oncall.slo import SLO, exact
from oncall.telemetry.blind_spots import DURATIONS, ERROR_RATIOS, VERDICTS, blind_spots
from oncall.times import HOUR, MINUTE, SECOND

START = datetime(2025, 3, 1, tzinfo=UTC)
SLO_999 = SLO("availability", 0.999)
GOOGLE = google_policy()
SMALL = (
    BurnRule(HOUR, 5 * MINUTE, 14.4, "page", "sev1"),
    BurnRule(3 * HOUR, 30 * MINUTE, 4, "ticket", "sev3"),
)


def outage(traffic: float, ratio: float, duration: int, history: int) -> Counts:
    """The outage that blind_spots speaks of, event by event, in minutes."""
    rate = exact(traffic) / 60
    good, total, failed, seen = [], [], 0, 0
    for bucket in range(-history, duration + history):
        events = math.floor(rate * (bucket + 1)) - math.floor(rate * bucket)
        bad = 0
        if 0 <= bucket < duration:
            seen += events
            bad = math.floor(exact(ratio) * seen) - failed
            failed += bad
        good.append(events - bad)
        total.append(events)
    return Counts(START, MINUTE, good, total)


def verdict_by_evaluator(slo: SLO, policy: Policy, counts: Counts) -> str:
    actions = {interval.rule.action for interval in alert_intervals(counts, slo, policy)}
    return next((action for action in ("page", "ticket") if action in actions), "silent")


@given(
    st.sampled_from([1, 2.5, 7.5, 10, 59, 60, 61.7, 500, 36000]),
    st.sampled_from([*ERROR_RATIOS, 0.0144, 0.0145, 1 / 3]),
    st.sampled_from([0.9, 0.95, 0.99, 0.9907, 0.999, 0.9995]),
    st.integers(1, 250),
)
@examples(150)
def test_a_verdict_is_the_evaluator_s(
    traffic: float, ratio: float, target: float, minutes: int
) -> None:
    slo = SLO("a", target)
    counts = outage(traffic, ratio, minutes, 180)
    map_ = blind_spots(slo, SMALL, traffic, error_ratios=[ratio], durations=[minutes * MINUTE])
    assert VERDICTS[map_.verdict[0, 0]] == verdict_by_evaluator(slo, SMALL, counts)
    bad = sum(counts.total) - sum(counts.good)
    assert map_.budget_lost[0, 0] == pytest.approx(bad / (slo.error_budget * traffic * 720))


@pytest.mark.parametrize("traffic", [10, 36000])
def test_the_whole_map_is_the_evaluator_s_for_the_google_rules(traffic: float) -> None:
    ratios, durations = (0.0015, 0.007, 0.02, 1.0), (MINUTE, 20 * MINUTE, 6 * HOUR, 36 * HOUR)
    map_ = blind_spots(SLO_999, GOOGLE, traffic, error_ratios=ratios, durations=durations)
    for row, ratio in enumerate(ratios):
        for column, duration in enumerate(durations):
            counts = outage(traffic, ratio, duration // MINUTE, 4320)
            expected = verdict_by_evaluator(SLO_999, GOOGLE, counts)
            assert VERDICTS[map_.verdict[row, column]] == expected


def test_51_seconds_of_total_outage_do_not_page_and_52_do() -> None:
    lengths = [51 * SECOND, 52 * SECOND]
    map_ = blind_spots(SLO_999, GOOGLE, 36000, error_ratios=[1], durations=lengths, step=SECOND)
    assert map_.verdict.tolist() == [[0, 2]]
    assert map_.budget_lost[0, 1] == pytest.approx(52 / 2592)


def test_counts_stand_for_their_mean_and_their_quietest_hour_for_the_findings() -> None:
    counts = Counts(START, HOUR, [10, 130] * 36, [10, 130] * 36)
    of_counts = blind_spots(SLO_999, GOOGLE[:1], counts)
    of_mean = blind_spots(SLO_999, GOOGLE[:1], 70)
    assert (of_counts.verdict == of_mean.verdict).all()
    assert (of_counts.budget_lost == of_mean.budget_lost).all()
    assert (len(of_counts.findings), len(of_mean.findings)) == (1, 0)


def test_a_90_percent_slo_never_pages_and_says_so() -> None:
    map_ = blind_spots(SLO("a", 0.9), GOOGLE[:1], 36000)
    assert not map_.verdict.any()
    assert [finding.rule for finding in map_.findings] == ["unreachable"]


def test_at_ten_events_an_hour_the_first_one_to_fail_pages() -> None:
    map_ = blind_spots(SLO_999, GOOGLE, 10, error_ratios=[1], durations=[5 * MINUTE, 6 * MINUTE])
    assert map_.verdict.tolist() == [[0, 2]]
    assert map_.budget_lost.tolist() == [[0, pytest.approx(1 / 7.2)]]  # 13.9 %
    assert {finding.rule for finding in map_.findings} == {"lone-failure"}


def test_a_page_may_come_after_the_end_when_a_good_event_leaves_the_window_first() -> None:
    """7.5 an hour: the failure is 1 of 8 events as the outage ends, 1 of 7 four minutes later."""
    slo, policy = SLO("a", 0.99), (BurnRule(HOUR, 5 * MINUTE, 13.4),)
    until_its_end = outage(7.5, 1, 8, 60).slice(end=START + 68 * MINUTE)
    assert not alert_intervals(until_its_end, slo, policy)
    map_ = blind_spots(slo, policy, 7.5, error_ratios=[1], durations=[8 * MINUTE])
    assert map_.verdict.tolist() == [[2]]


def test_longer_and_worse_outages_are_never_quieter_at_high_traffic() -> None:
    map_ = blind_spots(SLO_999, GOOGLE, 3.6e6)
    assert map_.verdict.shape == (len(ERROR_RATIOS), len(DURATIONS))
    assert (np.diff(map_.verdict, axis=0) >= 0).all()
    assert (np.diff(map_.verdict, axis=1) >= 0).all()
    assert set(map_.verdict.flat) == {0, 1, 2}


def test_numbers_past_2_63_do_not_wrap() -> None:
    awkward = [0.0123456789012345, 0.987654321098765]
    small = blind_spots(SLO_999, GOOGLE, 6e9, error_ratios=awkward)
    large = blind_spots(SLO_999, GOOGLE, 6e17, error_ratios=awkward)
    assert (small.verdict == large.verdict).all()
    assert np.allclose(small.budget_lost, large.budget_lost)


@pytest.mark.parametrize("traffic", [Decimal("600"), np.float64(600), np.int64(600), Fraction(600)])
def test_traffic_may_be_any_kind_of_number(traffic: Any) -> None:
    map_, same = blind_spots(SLO_999, GOOGLE, traffic), blind_spots(SLO_999, GOOGLE, 600)
    assert (map_.verdict == same.verdict).all()
    assert map_.findings == same.findings


def test_the_traffic_of_counts_is_their_mean_where_there_are_data() -> None:
    counts = Counts(START, MINUTE, [10, 0, 0, 10], [10, 0, 0, 10], [1, 2])
    map_, same = blind_spots(SLO_999, GOOGLE, counts), blind_spots(SLO_999, GOOGLE, 600)
    assert (map_.budget_lost == same.budget_lost).all()


def test_a_policy_of_silence_rules_alone_sees_no_errors() -> None:
    assert not blind_spots(SLO_999, (SilenceRule(10 * MINUTE),), 600).verdict.any()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"traffic": 0}, "traffic must be .* above 0"),
        ({"traffic": math.nan}, "traffic"),
        ({"traffic": math.inf}, "traffic must be .* above 0, from 1e-30 to 1e30, given inf"),
        ({"traffic": "many"}, "traffic must be a number of .* from 1e-30 to 1e30, given 'many'"),
        ({"traffic": "600"}, "traffic must be a number of .* from 1e-30 to 1e30, given '600'"),
        ({"traffic": True}, "traffic must be a number of .* from 1e-30 to 1e30, given True"),
        ({"traffic": Counts(START, MINUTE, [], [])}, "above 0, from 1e-30 to 1e30, given 0"),
        ({"error_ratios": [5]}, "did you mean"),
        ({"error_ratios": [math.nan]}, "error ratio"),
        ({"durations": [90 * SECOND]}, "finer step"),
        ({"durations": [timedelta()]}, "above zero"),
        ({"durations": []}, "at least one"),
        ({"error_ratios": []}, "at least one"),
        ({"step": 7 * MINUTE}, "do not divide"),
    ],
)
def test_bad_input_to_blind_spots_says_what_to_give(options: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        blind_spots(SLO_999, GOOGLE, **{"traffic": 600, **options})
