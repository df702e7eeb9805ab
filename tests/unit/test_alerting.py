"""Alerting: what a rule means before it runs, and what a policy cannot do."""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oncall.alerting import (
    AlertEvaluator,
    BurnRule,
    SilenceRule,
    alert,
    check_step,
    google_policy,
    quotient,
)
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, SECOND

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
THREE_NINES = SLO("availability", 0.999)
ONE_NINE = SLO("availability", 0.9)
FAST = google_policy()[0]
SILENCE = SilenceRule(3 * MINUTE)


def traffic(*total: int) -> Counts:
    """Minutes in which every event was good."""
    return Counts(T0, MINUTE, total, total)


# --- the two-window idea -------------------------------------------------------------------------


def test_a_fast_burn_pages_and_says_how_fast() -> None:
    fired = alert(0.9, 1.0, THREE_NINES)
    assert fired is not None
    assert (fired.action, fired.severity, fired.burn, fired.window) == ("page", "sev1", 100, "fast")


def test_a_slow_sustained_burn_opens_a_ticket() -> None:
    fired = alert(1.0, 0.998, THREE_NINES)
    assert fired is not None
    assert (fired.action, fired.severity, fired.burn, fired.window) == ("ticket", "sev3", 2, "slow")


def test_the_page_wins_over_the_ticket() -> None:
    fired = alert(0.9, 0.9, THREE_NINES)
    assert fired is not None
    assert fired.action == "page"


def test_no_evidence_in_one_window_does_not_silence_the_other() -> None:
    assert alert(math.nan, 0.99, THREE_NINES) is not None
    assert alert(0.9, math.nan, THREE_NINES) is not None


def test_the_thresholds_may_be_changed() -> None:
    assert alert(0.9, 1.0, THREE_NINES, page_burn=100) is None
    assert alert(0.9, 0.9, THREE_NINES, page_burn=100, ticket_burn=100) is None
    assert alert(0.9, 1.0, THREE_NINES, page_burn=99.9) is not None


@pytest.mark.parametrize("burn", [math.nan, math.inf, None])
def test_a_threshold_that_is_not_a_number_is_refused(burn: Any) -> None:
    with pytest.raises(ValueError, match="page_burn must be a number"):
        alert(0.9, 0.9, THREE_NINES, page_burn=burn)


# --- what a rule means ---------------------------------------------------------------------------


def test_the_google_policy_has_two_pages_and_two_tickets() -> None:
    assert [(rule.long, rule.short, rule.action, rule.severity) for rule in google_policy()] == [
        (HOUR, 5 * MINUTE, "page", "sev1"),
        (6 * HOUR, 30 * MINUTE, "page", "sev2"),
        (DAY, 2 * HOUR, "ticket", "sev3"),
        (3 * DAY, 6 * HOUR, "ticket", "sev4"),
    ]


@pytest.mark.parametrize(("days", "texts"), [(30, "72/5 6 3 1"), (28, "336/25 28/5 14/5 14/15")])
def test_the_factors_follow_exactly_from_the_budget_shares_and_the_period(
    days: int, texts: str
) -> None:
    policy, factors = google_policy(days * DAY), [Fraction(text) for text in texts.split()]
    assert [rule.exact_factor for rule in policy] == factors
    assert [rule.factor for rule in policy] == [float(factor) for factor in factors]


@pytest.mark.parametrize("days", [7, 28, 30, 90])
def test_the_google_policy_fires_when_2_5_10_and_10_percent_of_the_budget_are_gone(
    days: int,
) -> None:
    slo = SLO("availability", 0.999, days * DAY)
    shares = [rule.budget_at_fire(slo) for rule in google_policy(slo.period)]
    assert shares == [0.02, 0.05, 0.1, 0.1]


@pytest.mark.parametrize("period", [timedelta(), 30, "30d"])
def test_a_google_policy_for_a_period_of_no_length_is_refused(period: Any) -> None:
    with pytest.raises(ValueError, match="period must be a timedelta above zero"):
        google_policy(period)


def test_a_factor_typed_as_a_decimal_equals_the_computed_one() -> None:
    assert BurnRule(HOUR, 5 * MINUTE, 14.4) == google_policy()[0]


def test_a_changed_copy_keeps_the_exact_factor() -> None:
    fourteen_fifteenths = google_policy(28 * DAY)[3]
    copy = dataclasses.replace(fourteen_fifteenths, severity="sev5")
    assert (copy.exact_factor, copy.severity) == (Fraction(14, 15), "sev5")


def test_a_copy_with_another_factor_has_that_factor() -> None:
    copy = dataclasses.replace(google_policy(28 * DAY)[3], factor=0.9)
    assert (copy.factor, copy.exact_factor) == (0.9, Fraction(9, 10))


@pytest.mark.parametrize("factor", [14.4, np.float64(14.4), np.float32(14.4), Fraction(72, 5)])
def test_a_factor_is_a_float_to_read_and_a_fraction_to_compare(factor: Any) -> None:
    rule = BurnRule(HOUR, 5 * MINUTE, factor)
    assert (rule.factor, type(rule.factor), rule.exact_factor) == (14.4, float, Fraction(72, 5))


def test_the_threshold_is_the_factor_times_the_error_budget() -> None:
    assert FAST.threshold(THREE_NINES) == Fraction(144, 10000)


def test_a_rule_is_reachable_while_a_total_outage_burns_strictly_faster() -> None:
    assert FAST.reachable(THREE_NINES)
    assert not FAST.reachable(ONE_NINE)
    assert not BurnRule(HOUR, HOUR, 10).reachable(ONE_NINE)  # a total outage burns exactly 10 times
    assert BurnRule(HOUR, HOUR, 9.99).reachable(ONE_NINE)


@pytest.mark.parametrize(
    ("ratio", "seconds"), [(1.0, 51.84), (0.5, 103.68), (0.0288, 1800), (0.1, 518.4)]
)
def test_detection_takes_longer_the_fewer_requests_fail(ratio: float, seconds: float) -> None:
    assert FAST.detection_time(THREE_NINES, ratio) == timedelta(seconds=seconds)


def test_reset_time_is_the_part_of_the_short_window_that_must_come_clean() -> None:
    assert FAST.reset_time(THREE_NINES, 1.0) == timedelta(seconds=295.68)
    assert FAST.reset_time(THREE_NINES, 0.0288) == timedelta(seconds=150)


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.0144, math.nan])
def test_a_rule_that_never_fires_has_no_detection_and_no_reset_time(ratio: float) -> None:
    assert FAST.detection_time(THREE_NINES, ratio) is None
    assert FAST.reset_time(THREE_NINES, ratio) is None


def test_an_error_ratio_in_percent_is_refused() -> None:
    wrong = r"error_ratio must be from 0 to 1, given 45; did you mean 0\.45\?"
    with pytest.raises(ValueError, match=wrong):
        FAST.detection_time(THREE_NINES, 45)


def test_one_failure_fires_a_rule_below_the_inverse_of_its_threshold() -> None:
    assert FAST.lone_failure_fires_below(THREE_NINES) == pytest.approx(69.44, abs=0.005)
    assert BurnRule(HOUR, HOUR, 1).lone_failure_fires_below(THREE_NINES) == 1000


def test_a_lone_failure_fires_just_below_that_number_of_events_and_not_at_it() -> None:
    rule = BurnRule(MINUTE, MINUTE, 10)
    assert rule.lone_failure_fires_below(THREE_NINES) == 100
    assert AlertEvaluator(THREE_NINES, (rule,), MINUTE).observe(98, 99) == (rule,)
    assert AlertEvaluator(THREE_NINES, (rule,), MINUTE).observe(99, 100) == ()


def test_rules_are_named_as_people_write_them() -> None:
    names = [rule.name for rule in google_policy()]
    assert names == ["14.4x 1h/5m", "6x 6h/30m", "3x 1d/2h", "1x 3d/6h"]
    assert SILENCE.name == "silence 3m"


def test_every_rule_has_its_windows_the_longest_first() -> None:
    assert FAST.windows == (HOUR, 5 * MINUTE)
    assert BurnRule(HOUR, HOUR, 1).windows == (HOUR, HOUR)
    assert SILENCE.windows == (3 * MINUTE,)


def test_how_often_one_length_of_time_goes_into_another_is_exact() -> None:
    assert quotient(DAY, 7 * SECOND) == Fraction(86_400, 7)
    assert quotient(timedelta(microseconds=1), DAY) == Fraction(1, 86_400_000_000)


# --- rules that cannot be ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("long", "short"), [(timedelta(), MINUTE), (HOUR, -MINUTE), (HOUR, timedelta()), ("1h", "5m")]
)
def test_a_window_that_is_not_a_length_of_time_is_refused(long: Any, short: Any) -> None:
    with pytest.raises(ValueError, match="must be a timedelta above zero"):
        BurnRule(long, short, 14.4)


def test_a_short_window_longer_than_the_long_one_is_refused() -> None:
    with pytest.raises(ValueError, match="short must be at most long"):
        BurnRule(5 * MINUTE, HOUR, 14.4)


@pytest.mark.parametrize("factor", [0, -1, math.nan, math.inf, None, "fast", True])
def test_a_factor_that_is_not_a_number_above_0_is_refused(factor: Any) -> None:
    with pytest.raises(ValueError, match=f"factor must .* given {re.escape(repr(factor))}"):
        BurnRule(HOUR, 5 * MINUTE, factor)


@pytest.mark.parametrize("after", [timedelta(), -MINUTE, 180, None])
def test_a_silence_of_no_length_is_refused(after: Any) -> None:
    with pytest.raises(ValueError, match="after must be a timedelta above zero"):
        SilenceRule(after)


def test_an_unknown_action_or_severity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"action must be one of page, ticket, given 'email'"):
        BurnRule(HOUR, 5 * MINUTE, 14.4, "email")
    with pytest.raises(ValueError, match=r"severity must be one of sev1, .*, sev5, given 'sev0'"):
        SilenceRule(HOUR, severity="sev0")


# --- what a policy cannot do ---------------------------------------------------------------------


def test_a_90_percent_slo_with_14_4_times_is_a_finding_and_no_exception() -> None:
    [finding] = lint_alerting(google_policy(), ONE_NINE)
    assert (finding.line, finding.phrase, finding.rule) == (1, "14.4x 1h/5m", "unreachable")
    assert "a total outage burns 10x" in finding.why
    assert "below 10" in finding.suggestion


def test_a_clean_policy_has_no_findings() -> None:
    assert lint_alerting(google_policy(), THREE_NINES) == []
    assert lint_alerting((*google_policy(), SILENCE), THREE_NINES, 10_000) == []
    assert lint_alerting((), THREE_NINES, 1) == []


@pytest.mark.parametrize(
    ("period", "rules"),
    [
        (HOUR, ["low-factor", "long-window", "long-window", "long-window"]),
        (7 * DAY, ["low-factor"]),
        (14 * DAY, ["low-factor"]),
        (15 * DAY, []),
        (28 * DAY, []),
    ],
)
def test_a_short_period_makes_a_policy_that_fires_on_a_healthy_service(
    period: timedelta, rules: list[str]
) -> None:
    findings = lint_alerting(google_policy(period), SLO("availability", 0.999, period))
    assert [finding.rule for finding in findings] == rules


def test_a_week_s_ticket_rule_is_found_and_told_its_burn_rate() -> None:
    [finding] = lint_alerting(google_policy(7 * DAY), SLO("availability", 0.999, 7 * DAY))
    assert finding.line == 4
    assert "a burn rate of 0.2333 leaves most of the budget unspent" in finding.why


def test_a_window_may_be_as_long_as_the_period_and_no_longer() -> None:
    rule = BurnRule(7 * DAY, DAY, 1, "ticket", "sev3")
    assert lint_alerting((rule,), SLO("availability", 0.999, 7 * DAY)) == []
    [finding] = lint_alerting((rule,), SLO("availability", 0.999, 7 * DAY - SECOND))
    assert finding.rule == "long-window"
    assert "7d is longer than the SLO's period of 6d23h59m59s" in finding.why


def test_ten_events_an_hour_let_one_failure_fire_every_rule_but_silence() -> None:
    findings = lint_alerting((SILENCE, *google_policy()), THREE_NINES, 10)
    assert [finding.line for finding in findings] == [2, 3, 4, 5]
    assert {finding.rule for finding in findings} == {"lone-failure"}
    assert "the quietest 1h has 10 events, below 69.4444" in findings[0].why
    assert "the quietest 3d has 720 events, below 1,000" in findings[3].why


@pytest.mark.parametrize(
    ("an_hour", "lines"),
    [(69, [1]), (70, []), (69.4, [1]), (69.5, []), (27, [1, 2]), (13, [1, 2, 3, 4])],
)
def test_a_lone_failure_is_found_below_the_traffic_that_hides_it(
    an_hour: float, lines: list[int]
) -> None:
    findings = lint_alerting(google_policy(), THREE_NINES, an_hour)
    assert [finding.line for finding in findings] == lines


def test_the_quietest_full_hour_of_a_series_decides() -> None:
    busy, quiet = [10] * 60, [1] * 60
    assert lint_alerting((FAST,), THREE_NINES, traffic(*busy, *busy)) == []
    [finding] = lint_alerting((FAST,), THREE_NINES, traffic(*busy, *quiet, *busy))
    assert "the quietest 1h has 60 events" in finding.why


def test_windows_without_any_events_are_left_out_for_they_fire_nothing() -> None:
    assert lint_alerting((FAST,), THREE_NINES, traffic(*[0] * 600)) == []
    [finding] = lint_alerting((FAST,), THREE_NINES, traffic(*[0] * 600, *[10] * 60))
    assert "the quietest 1h has 10 events" in finding.why


def test_a_series_shorter_than_the_window_is_spread_over_it() -> None:
    assert lint_alerting((FAST,), THREE_NINES, traffic(*[2] * 30)) == []
    [finding] = lint_alerting((FAST,), THREE_NINES, traffic(*[1] * 30))
    assert "the quietest 1h has 60 events" in finding.why


def test_a_rule_that_can_never_fire_is_not_fired_by_a_lone_failure_either() -> None:
    assert [finding.rule for finding in lint_alerting((FAST,), ONE_NINE, 0.5)] == ["unreachable"]


def test_without_traffic_no_lone_failure_is_found() -> None:
    assert lint_alerting(google_policy(), THREE_NINES, 0) == []
    assert lint_alerting(google_policy(), THREE_NINES, traffic()) == []


@pytest.mark.parametrize("an_hour", [-5, math.nan, "many"])
def test_traffic_that_is_not_a_number_of_events_is_refused(an_hour: Any) -> None:
    wrong = f"traffic must be a number of events an hour, given {an_hour!r}"
    with pytest.raises(ValueError, match=wrong):
        lint_alerting(google_policy(), THREE_NINES, an_hour)


def test_an_slo_in_the_place_of_the_policy_is_told_what_a_policy_is() -> None:
    mixed_up: Any = THREE_NINES
    with pytest.raises(ValueError, match=r"a policy is a tuple of rules .* given SLO$"):
        lint_alerting(mixed_up, THREE_NINES)
    with pytest.raises(ValueError, match=r"a policy is a tuple of rules .* given SLO$"):
        check_step(mixed_up, MINUTE)


# --- another period, and the way to a page -------------------------------------------------------


@pytest.mark.parametrize("days", [7, 14, 90, 365])
def test_a_policy_made_for_another_period_is_found(days: int) -> None:
    slo = SLO("availability", 0.999, days * DAY)
    found = lint_alerting(google_policy(), slo)
    assert {finding.rule for finding in found} == {"another-period"}
    assert [finding.line for finding in found] == [1, 2, 3, 4]
    assert found[0].suggestion == "Give google_policy(slo.period)."
    assert "another-period" not in {f.rule for f in lint_alerting(google_policy(slo.period), slo)}


def test_it_says_what_the_rule_was_made_for_and_what_it_spends_here() -> None:
    [finding] = lint_alerting((FAST,), SLO("availability", 0.999, 7 * DAY))
    assert finding.why == "it is made for 30d, and fires at 8.57% of this budget."


@pytest.mark.parametrize("days", [28, 29, 30, 31, 33])
def test_a_tenth_more_or_less_is_the_same_period(days: int) -> None:
    assert lint_alerting(google_policy(), SLO("availability", 0.999, days * DAY)) == []


def test_a_rule_of_one_s_own_is_made_for_no_period() -> None:
    rule = BurnRule(HOUR, 5 * MINUTE, 13)
    assert lint_alerting((rule,), SLO("availability", 0.999, 7 * DAY)) == []


def test_a_rule_that_outruns_its_pipeline_is_found() -> None:
    assert lint_alerting(google_policy(), THREE_NINES, delay=51 * SECOND) == []
    [finding] = lint_alerting(google_policy(), THREE_NINES, delay=2 * MINUTE)
    assert (finding.line, finding.rule) == (1, "late")
    wanted = "a total outage reaches it after 51.84s, and 2m go by on the way."
    assert finding.why == wanted
    assert "2m51.84s from outage to alert" in finding.suggestion


@pytest.mark.parametrize("delay", [-SECOND, 2, None])
def test_a_delay_is_a_length_of_time(delay: Any) -> None:
    for use in (
        lambda: FAST.detection_time(THREE_NINES, 1.0, delay),
        lambda: lint_alerting((FAST,), THREE_NINES, delay=delay),
    ):
        with pytest.raises(ValueError, match="delay must be a timedelta of zero or more, given"):
            use()
