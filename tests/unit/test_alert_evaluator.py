"""Alerting: when a rule fires, bucket by bucket, and the intervals that this makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from oncall.alerting import (
    AlertEvaluator,
    AlertInterval,
    BurnRule,
    Policy,
    SilenceRule,
    alert_intervals,
    check_step,
    fits,
    google_policy,
)
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE, SECOND

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
THREE_NINES = SLO("availability", 0.999)
FAST = google_policy()[0]
SILENCE = SilenceRule(3 * MINUTE)

# Fires while more than half of the last two minutes failed.
HALF = SLO("half", 0.5)
TWO_MINUTES = BurnRule(2 * MINUTE, 2 * MINUTE, 1)


def minutes(*good_of_ten: int) -> Counts:
    """Ten events a minute, of which this many were good."""
    return Counts(T0, MINUTE, good_of_ten, [10] * len(good_of_ten))


def traffic(*total: int) -> Counts:
    """Minutes in which every event was good."""
    return Counts(T0, MINUTE, total, total)


def fired(counts: Counts, *policy: BurnRule | SilenceRule) -> list[AlertInterval]:
    """When the rules fired for an SLO of one half, which is the one that they are made for."""
    return alert_intervals(counts, HALF, policy)


def spans(intervals: list[AlertInterval]) -> list[tuple[int, int | None]]:
    """Start and end of each interval in minutes after T0."""

    def minute(moment: datetime | None) -> int | None:
        return None if moment is None else (moment - T0) // MINUTE

    return [((at.start - T0) // MINUTE, minute(at.end)) for at in intervals]


# --- the evaluator -------------------------------------------------------------------------------


def test_both_windows_must_burn() -> None:
    rule = BurnRule(4 * MINUTE, MINUTE, 1)  # more than half of the last minute and of the last four
    evaluator = AlertEvaluator(HALF, (rule,), MINUTE)
    verdicts = [evaluator.observe(good, 10) for good in (10, 10, 0, 0, 0, 10, 0)]
    assert verdicts == [(), (), (), (), (rule,), (), (rule,)]


def test_exactly_at_the_threshold_does_not_fire_and_one_failure_more_does() -> None:
    rule = BurnRule(MINUTE, MINUTE, 14.4)
    assert AlertEvaluator(THREE_NINES, (rule,), MINUTE).observe(9856, 10000) == ()
    assert AlertEvaluator(THREE_NINES, (rule,), MINUTE).observe(9855, 10000) == (rule,)


def test_a_window_without_events_never_fires_a_burn_rule() -> None:
    rule = BurnRule(5 * MINUTE, MINUTE, 1)
    evaluator = AlertEvaluator(HALF, (rule,), MINUTE)
    assert evaluator.observe(0, 10) == (rule,)
    assert evaluator.observe(0, 0) == ()  # the long window burns on, the short one has no evidence


def test_several_rules_fire_in_the_order_of_the_policy() -> None:
    policy: Policy = (SILENCE, *google_policy())
    evaluator = AlertEvaluator(THREE_NINES, policy, MINUTE)
    assert evaluator.observe(0, 10) == google_policy()


def test_sums_beyond_64_bits_do_not_wrap() -> None:
    evaluator = AlertEvaluator(THREE_NINES, (BurnRule(4 * MINUTE, MINUTE, 1),), MINUTE)
    for _ in range(4):
        assert evaluator.observe(0, 2**62) != ()
    assert evaluator.window(4 * MINUTE) == (0, 2**64)


def test_small_integers_of_numpy_do_not_wrap() -> None:
    evaluator = AlertEvaluator(THREE_NINES, (FAST,), MINUTE)
    for _ in range(5):
        evaluator.observe(np.uint8(100), np.uint8(200))  # type: ignore[arg-type]
    assert evaluator.window(5 * MINUTE) == (500, 1000)


@pytest.mark.parametrize(("good", "total"), [(2, 1), (-1, 1), (1, 0)])
def test_counts_that_cannot_be_are_not_observed(good: int, total: int) -> None:
    evaluator = AlertEvaluator(THREE_NINES, (FAST,), MINUTE)
    with pytest.raises(ValueError, match=f"given {good} good of {total} events"):
        evaluator.observe(good, total)
    assert evaluator.window(HOUR) == (0, 0)


def test_a_fraction_of_an_event_is_not_observed() -> None:
    with pytest.raises(TypeError):
        AlertEvaluator(THREE_NINES, (FAST,), MINUTE).observe(0.5, 1)  # type: ignore[arg-type]


def test_a_window_holds_the_last_buckets_and_no_events_before_the_data() -> None:
    evaluator = AlertEvaluator(THREE_NINES, (FAST,), MINUTE)
    assert evaluator.window(HOUR) == (0, 0)
    for good in range(10):
        evaluator.observe(good, 10)
    assert evaluator.window(MINUTE) == (9, 10)
    assert evaluator.window(3 * MINUTE) == (24, 30)
    assert evaluator.window(HOUR) == (45, 100)


@pytest.mark.parametrize("length", [timedelta(), -MINUTE, 90 * SECOND, HOUR + MINUTE])
def test_a_window_that_is_not_kept_is_refused_with_what_is(length: timedelta) -> None:
    evaluator = AlertEvaluator(THREE_NINES, (FAST,), MINUTE)
    with pytest.raises(ValueError, match="is not kept; give whole buckets of 1m, at most 1h"):
        evaluator.window(length)


# --- silence -------------------------------------------------------------------------------------


def test_silence_fires_once_a_service_that_had_events_has_had_none_for_that_long() -> None:
    evaluator = AlertEvaluator(THREE_NINES, (SILENCE,), MINUTE)
    verdicts = [evaluator.observe(total, total) for total in (5, 0, 0, 0, 0, 1, 0)]
    assert verdicts == [(), (), (), (SILENCE,), (SILENCE,), (), ()]


def test_silence_before_any_event_never_fires() -> None:
    assert alert_intervals(traffic(*[0] * 60), THREE_NINES, (SILENCE,)) == []


def test_silence_ends_when_events_return_good_or_bad() -> None:
    counts = Counts(T0, MINUTE, [5, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 7])
    assert spans(alert_intervals(counts, THREE_NINES, (SILENCE,))) == [(4, 6)]


def test_silence_that_lasts_to_the_end_of_the_data_has_no_end() -> None:
    silent = alert_intervals(traffic(5, 0, 0, 0, 0), THREE_NINES, (SILENCE,))
    assert silent == [AlertInterval(SILENCE, T0 + 4 * MINUTE, None, 1.0)]


def test_a_dead_front_door_burns_nothing_and_only_silence_sees_it() -> None:
    policy: Policy = (*google_policy(), SILENCE)
    counts = traffic(*[10] * 60, *[0] * 60)
    assert [found.rule for found in alert_intervals(counts, THREE_NINES, policy)] == [SILENCE]


# --- intervals -----------------------------------------------------------------------------------


def test_an_interval_starts_and_ends_where_buckets_end_so_that_nothing_is_known_early() -> None:
    # Minutes 3 and 4 fail. One of two minutes is not more than half; at the end of minute 4 it is.
    assert spans(fired(minutes(10, 10, 10, 0, 0, 10, 10), TWO_MINUTES)) == [(5, 6)]


def test_the_first_bucket_can_fire_no_earlier_than_at_its_end() -> None:
    assert spans(fired(minutes(0, 10, 10), TWO_MINUTES)) == [(1, 2)]


def test_an_alert_still_firing_at_the_end_of_the_data_has_no_end() -> None:
    assert spans(fired(minutes(10, 0, 0), TWO_MINUTES)) == [(3, None)]


def test_an_alert_that_clears_in_the_last_bucket_has_an_end() -> None:
    counts = minutes(0, 0, 10)
    [found] = fired(counts, TWO_MINUTES)
    assert found.end == counts.end


def test_flapping_gives_an_interval_each_time() -> None:
    rule = BurnRule(MINUTE, MINUTE, 1)
    counts = minutes(10, 0, 10, 0, 0, 10, 0)
    assert spans(fired(counts, rule)) == [(2, 3), (4, 6), (7, None)]


def test_intervals_are_in_order_of_start_then_of_the_policy() -> None:
    slow, fast = BurnRule(4 * MINUTE, 4 * MINUTE, 1), BurnRule(MINUTE, MINUTE, 1)
    found = fired(minutes(10, 0, 0, 0, 10), slow, fast)
    assert [interval.rule for interval in found] == [fast, slow]
    assert spans(found) == [(2, 5), (3, None)]
    both = fired(minutes(0, 0, 10), slow, fast)
    assert [interval.rule for interval in both] == [slow, fast]  # though the fast one clears first


def test_coverage_is_the_share_of_the_long_window_that_the_data_filled_at_the_start() -> None:
    ticket = google_policy()[3]
    [found] = alert_intervals(Counts(T0, 5 * MINUTE, [0], [10]), THREE_NINES, (ticket,))
    assert found.coverage == 5 / (3 * 24 * 60)  # a "3-day" rule on five minutes: 0.1 %


def test_coverage_is_1_once_the_long_window_is_full() -> None:
    for counts, coverage in (
        (minutes(10, 0, 0), 1.0),
        (minutes(*[10] * 9, 0, 0), 1.0),
        (minutes(0), 0.5),
    ):
        assert [interval.coverage for interval in fired(counts, TWO_MINUTES)] == [coverage]


def test_a_series_without_buckets_and_a_policy_without_rules_have_no_intervals() -> None:
    assert alert_intervals(minutes(), THREE_NINES, google_policy()) == []
    assert alert_intervals(minutes(0, 0), THREE_NINES, ()) == []


def test_the_same_rule_twice_fires_twice() -> None:
    assert spans(fired(minutes(0), TWO_MINUTES, TWO_MINUTES)) == [(1, None), (1, None)]


def test_a_frame_is_told_who_takes_it() -> None:
    frame: Any = object()
    with pytest.raises(ValueError, match=r"Counts\.from_frame\(frame\); oncall\.telemetry\.engine"):
        alert_intervals(frame, THREE_NINES, google_policy())


# --- buckets and windows -------------------------------------------------------------------------


@pytest.mark.parametrize("step", [SECOND, MINUTE, 5 * MINUTE, timedelta(seconds=0.5)])
def test_buckets_that_divide_every_window_are_fine(step: timedelta) -> None:
    check_step(google_policy(), step)
    assert all(fits(rule, step) for rule in google_policy())


@pytest.mark.parametrize(
    ("rule", "step", "window"),
    [
        (FAST, HOUR, "5m"),
        (FAST, 7 * MINUTE, "1h"),
        (FAST, 10 * MINUTE, "5m"),
        (SILENCE, 2 * MINUTE, "3m"),
    ],
)
def test_buckets_that_do_not_divide_a_window_are_refused_with_the_window(
    rule: BurnRule | SilenceRule, step: timedelta, window: str
) -> None:
    assert not fits(rule, step)
    wrong = f"do not divide the {window} window of {rule.name}; give finer counts"
    with pytest.raises(ValueError, match=wrong):
        AlertEvaluator(THREE_NINES, (rule,), step)


@pytest.mark.parametrize("step", [timedelta(), -MINUTE, 60, None])
def test_a_step_that_is_not_a_length_of_time_is_refused(step: Any) -> None:
    with pytest.raises(ValueError, match="step must be a timedelta above zero"):
        check_step((), step)
