"""The numbers of the SRE workbook's chapter 5 and of 4 December 2024, computed and not quoted.

Unless a test says otherwise: 99.9 % over 30 days, strict comparison, windows full of clean events
before the outage, and an even 100 events a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest

from oncall.alerting import AlertInterval, BurnRule, alert, alert_intervals, google_policy
from oncall.counts import Counts
from oncall.slo import SLO, burn_rate, exhaustion_time, sli
from oncall.times import DAY, HOUR, MINUTE, SECOND

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
THREE_NINES = SLO("availability", 0.999)
TWO_NINES = SLO("availability", 0.99)
ONE_NINE = SLO("availability", 0.9)
PAGES = tuple(rule for rule in google_policy() if rule.action == "page")

Spell = tuple[datetime, datetime, int]  # from, to, failures of every 100 events


def replay(*spells: Spell, before: timedelta, after: timedelta) -> Counts:
    """An even 100 events a second around T0, of which some fail in each spell."""
    good = [100] * ((before + after) // SECOND)
    start = T0 - before
    for first, last, bad in spells:
        i, j = (first - start) // SECOND, (last - start) // SECOND
        good[i:j] = [100 - bad] * (j - i)
    return Counts(start, SECOND, good, [100] * len(good))


def union(intervals: Iterable[AlertInterval]) -> list[tuple[datetime, datetime | None]]:
    """The stretches in which at least one rule fires; they must all have ended."""
    merged: list[tuple[datetime, datetime | None]] = []
    for interval in sorted(intervals, key=attrgetter("start")):
        assert interval.end is not None
        if merged and merged[-1][1] is not None and interval.start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], interval.end))
        else:
            merged.append((interval.start, interval.end))
    return merged


def total_outage(length: timedelta, before: timedelta, after: timedelta) -> Counts:
    return replay((T0, T0 + length, 100), before=before, after=after)


# --- the speed of spending -----------------------------------------------------------------------


EXHAUSTION = [(1, 30 * DAY), (2, 15 * DAY), (10, 3 * DAY), (1000, 43.2 * MINUTE)]


@pytest.mark.parametrize(("burn", "lasts"), EXHAUSTION)
def test_the_budget_lasts_the_period_divided_by_the_burn_rate(
    burn: float, lasts: timedelta
) -> None:
    assert exhaustion_time(THREE_NINES, burn) == lasts


def test_a_total_outage_burns_a_thousand_times_and_leaves_43_2_minutes() -> None:
    assert burn_rate(0.0, THREE_NINES) == 1000
    assert exhaustion_time(THREE_NINES, burn_rate(0.0, THREE_NINES)) == timedelta(minutes=43.2)


def test_14_4_times_empties_the_budget_in_50_hours_and_not_in_two() -> None:
    assert exhaustion_time(THREE_NINES, 14.4) == 50 * HOUR


# --- one window ----------------------------------------------------------------------------------


def test_36_hours_above_a_tenth_of_a_percent_detects_a_total_outage_in_129_6_seconds() -> None:
    rule = BurnRule(36 * HOUR, 36 * HOUR, 1)
    assert rule.threshold(THREE_NINES) == THREE_NINES.exact_budget
    assert rule.detection_time(THREE_NINES, 1.0) == timedelta(seconds=129.6)
    counts = total_outage(200 * SECOND, 36 * HOUR, 200 * SECOND)
    [page] = alert_intervals(counts, THREE_NINES, (rule,))
    assert (page.start - T0, page.coverage) == (130 * SECOND, 1.0)


def test_a_for_clause_of_one_hour_spends_138_9_percent_of_the_budget_before_it_fires() -> None:
    lasts = exhaustion_time(THREE_NINES, burn_rate(0.0, THREE_NINES))
    assert lasts is not None
    assert HOUR / lasts == pytest.approx(1.389, abs=0.0005)


def test_one_hour_above_36_times_detects_in_129_6_seconds_and_resets_in_57_84_minutes() -> None:
    rule = BurnRule(HOUR, HOUR, 36)
    assert rule.detection_time(THREE_NINES, 1.0) == timedelta(seconds=129.6)
    assert rule.reset_time(THREE_NINES, 1.0) == timedelta(minutes=57.84)
    [page] = alert_intervals(total_outage(HOUR, HOUR, 3 * HOUR), THREE_NINES, (rule,))
    assert page.end is not None
    assert page.start - T0 == 130 * SECOND
    assert page.end - T0 - HOUR == 3471 * SECOND  # 57.84 min are 3470.4 s


def test_35_times_never_fires_a_36_times_rule_and_empties_the_budget_in_20_57_hours() -> None:
    rule = BurnRule(HOUR, HOUR, 36)
    steady = Counts(T0, MINUTE, [965] * 60 * 21, [1000] * 60 * 21)
    assert burn_rate(sli(sum(steady.good), sum(steady.total)), THREE_NINES) == 35
    assert rule.detection_time(THREE_NINES, 0.035) is None
    assert alert_intervals(steady, THREE_NINES, (rule,)) == []
    lasts = exhaustion_time(THREE_NINES, 35)
    assert lasts is not None
    assert lasts / HOUR == pytest.approx(20.57, abs=0.005)


# --- two windows ---------------------------------------------------------------------------------


def test_14_4_times_over_an_hour_is_crossed_after_51_84_seconds_of_total_outage() -> None:
    assert google_policy()[0].detection_time(THREE_NINES, 1.0) == timedelta(seconds=51.84)


def test_51_seconds_of_total_outage_do_not_page() -> None:
    assert alert_intervals(total_outage(51 * SECOND, 6 * HOUR, HOUR), THREE_NINES, PAGES) == []


def test_52_seconds_of_total_outage_page_at_the_52nd_second() -> None:
    [page] = alert_intervals(total_outage(52 * SECOND, 6 * HOUR, HOUR), THREE_NINES, PAGES)
    assert (page.rule, page.start) == (PAGES[0], T0 + 52 * SECOND)


def test_after_a_ten_minute_total_outage_the_page_clears_29_8_minutes_after_the_end() -> None:
    intervals = alert_intervals(total_outage(10 * MINUTE, 6 * HOUR, 2 * HOUR), THREE_NINES, PAGES)
    [(start, end)] = union(intervals)
    assert end is not None
    assert start == T0 + 52 * SECOND
    assert (end - T0 - 10 * MINUTE) / MINUTE == pytest.approx(29.8, abs=0.05)
    last = [interval.rule for interval in intervals if interval.end == end]
    assert last == [PAGES[1]]  # the 6×/30m arm holds it


# --- what low traffic and a low target do --------------------------------------------------------


def test_one_failure_in_ten_requests_an_hour_is_100_times_and_13_9_percent_of_the_budget() -> None:
    hour = sli(9, 10)
    assert 1 - hour == pytest.approx(0.10)
    assert burn_rate(hour, THREE_NINES) == 100
    month = 10 * (THREE_NINES.period // HOUR)
    assert 1 / (month * THREE_NINES.error_budget) == pytest.approx(0.139, abs=0.0005)
    assert google_policy()[0].lone_failure_fires_below(THREE_NINES) > 10


def test_a_total_outage_of_a_90_percent_slo_spends_1_39_percent_an_hour_and_never_fires() -> None:
    lasts = exhaustion_time(ONE_NINE, burn_rate(0.0, ONE_NINE))
    assert lasts is not None
    assert HOUR / lasts == pytest.approx(0.0139, abs=0.00005)
    rule = google_policy()[0]
    assert not rule.reachable(ONE_NINE)
    assert alert_intervals(Counts(T0, MINUTE, [0] * 120, [100] * 120), ONE_NINE, (rule,)) == []


# --- 4 December 2024 -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fourth_of_december() -> Counts:
    """All requests fail from 23:48 to 23:52, 45 % from 00:07 to 01:37, none before or after."""
    midnight = datetime(2024, 12, 5, tzinfo=UTC)
    first = (T0, T0 + 4 * MINUTE, 100)
    second = (midnight + 7 * MINUTE, midnight + 97 * MINUTE, 45)
    return replay(first, second, before=6 * HOUR, after=3 * HOUR)


def test_on_4_december_the_page_fires_at_23_48_52_and_is_continuous_until_02_06_36(
    fourth_of_december: Counts,
) -> None:
    [(start, end)] = union(alert_intervals(fourth_of_december, THREE_NINES, PAGES))
    assert start == datetime(2024, 12, 4, 23, 48, 52, tzinfo=UTC)
    assert end == datetime(2024, 12, 5, 2, 6, 36, tzinfo=UTC)


def test_on_4_december_both_waves_cost_103_percent_of_the_month(fourth_of_december: Counts) -> None:
    bad = sum(fourth_of_december.total) - sum(fourth_of_december.good)
    month = 100 * (THREE_NINES.period // SECOND)
    assert burn_rate(sli(month - bad, month), THREE_NINES) == pytest.approx(1.030, abs=0.0005)


def test_on_4_december_a_99_percent_slo_pages_first_at_00_17_19(fourth_of_december: Counts) -> None:
    first, *_ = union(alert_intervals(fourth_of_december, TWO_NINES, PAGES))
    assert first[0] == datetime(2024, 12, 5, 0, 17, 19, tzinfo=UTC)


# --- one function, two windows -------------------------------------------------------------------


def test_99_7_percent_reads_healthy_at_a_99_percent_slo_and_burns_0_30_times() -> None:
    assert burn_rate(sli(997, 1000), TWO_NINES) == 0.30
    assert alert(0.997, 0.997, TWO_NINES) is None


def test_a_fast_window_failing_half_its_requests_burns_50_times_and_pages_sev1() -> None:
    assert burn_rate(sli(50, 100), TWO_NINES) == 50
    fired = alert(0.5, 0.997, TWO_NINES)
    assert fired is not None
    assert (fired.action, fired.severity, fired.burn, fired.window) == ("page", "sev1", 50, "fast")
