"""Lesson 01: its numbers against the library, its plot, and its explorer as the lesson sets it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from stored import printed

from oncall import SLO, Counts, budget_remaining, sli
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.lessons.two_budgets import (
    ordinary_day,
    outage_cost,
    plot_failures,
    plot_weighed_failures,
    two_budgets_explorer,
    weighed_failures,
)

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_error_budget.ipynb"
SHOWN = printed(NOTEBOOK)


# --- good ÷ valid --------------------------------------------------------------------------------


def test_an_hour_without_traffic_is_unknown() -> None:
    assert math.isnan(sli(0, 0))


def test_the_worse_the_day_the_better_it_looks_when_empty_hours_are_perfect(
    lesson: dict[str, Any],
) -> None:
    days = [lesson["day_with"](empty) for empty in range(25)]
    assert days == sorted(days)
    assert (days[0], days[24]) == (pytest.approx(95), 100)


def test_the_budget_is_a_thousandth_of_the_month_and_gone_when_the_plot_says(month: Counts) -> None:
    plot = plot_failures(month, THREE_NINES)
    line, budget = plot.figure.axes[0].get_lines()
    failed = sum(month.total) - sum(month.good)
    assert line.get_ydata()[-1] == pytest.approx(failed / 1000)
    assert budget.get_ydata()[0] == pytest.approx(sum(month.total) / 1_000_000)
    until = month.slice(None, datetime(2025, 3, 11, 0, 34, tzinfo=UTC))
    before = month.slice(None, until.end - MINUTE)
    for part, over in ((until, True), (before, False)):
        assert (sum(part.total) - sum(part.good) > sum(month.total) / 1000) == over
    assert plot.numbers == f"{failed:,} failed, 25,431 may; the budget is gone: 2025-03-11 00:34."


def test_a_budget_that_is_kept_is_never_gone() -> None:
    counts = Counts(datetime(2025, 3, 1, tzinfo=UTC), DAY, [999, 1000], [1000, 1000])
    assert plot_failures(counts).numbers == "1 failed, 2 may; the budget is gone: never."


# --- the month and its average -------------------------------------------------------------------


def test_the_lesson_prints_what_the_library_says_of_the_month(month: Counts) -> None:
    good, total = sum(month.good), sum(month.total)
    daily = month.resample(DAY)
    mean = math.fsum(map(sli, daily.good, daily.total)) / len(daily)
    assert f"{good:,} of {total:,} valid requests are good" in SHOWN
    for value in (mean, sli(good, total)):
        assert f"SLI {value:.3%}, budget left {budget_remaining(value, THREE_NINES):.1%}" in SHOWN
    assert f"{(mean - sli(good, total)) * total:,.0f} fewer" in SHOWN


def test_a_mean_of_days_takes_each_days_failures_for_those_of_an_average_day() -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    counts = Counts(start, 12 * HOUR, [50, 50, 270, 0], [50, 50, 300, 0])  # 100 requests, then 300
    failed, taken = weighed_failures(counts)
    assert failed.tolist() == [0, 30]
    assert taken == pytest.approx([0, 20])
    mean = (1 + Fraction(270, 300)) / 2
    assert taken.sum() == pytest.approx(float((1 - mean) * 400))


def test_a_day_without_events_has_no_sli_to_average() -> None:
    counts = Counts(datetime(2025, 3, 1, tzinfo=UTC), DAY, [5, 0], [5, 0])
    with pytest.raises(ValueError, match="2025-03-02 has no events"):
        weighed_failures(counts)


def test_the_plot_has_two_bars_a_day_in_thousands_side_by_side(month: Counts) -> None:
    axes = plot_weighed_failures(month).figure.axes[0]
    counted, taken = axes.containers
    failed, weighed = weighed_failures(month)
    assert [bar.get_height() for bar in counted] == pytest.approx(failed / 1000)
    assert [bar.get_height() for bar in taken] == pytest.approx(weighed / 1000)
    for left, right in zip(counted, taken, strict=True):
        assert left.get_x() + left.get_width() <= right.get_x() + 1e-6
        assert right.get_x() + right.get_width() <= left.get_x() + 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "as counted",
        "as the mean of daily SLIs implies",
    ]
    assert axes.get_ylabel() == "failed, thousand requests"
    assert "UTC" in axes.get_xlabel()


def test_the_line_under_the_plot_says_what_is_lost_and_where(month: Counts) -> None:
    numbers = plot_weighed_failures(month).numbers
    assert (
        "48,614 requests failed; the mean of the daily SLIs implies 45,600, 3,014 fewer" in numbers
    )
    assert "understates most Thursday 2025-03-06" in numbers
    assert "overstates most Saturday 2025-03-08" in numbers


# --- two budgets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("hour", "minutes"), [(4, 30), (15, 30), (4, 44)])
def test_the_lesson_shows_what_the_two_budgets_say(hour: int, minutes: int) -> None:
    cost = outage_cost(ordinary_day(), hour * HOUR, minutes * MINUTE)
    assert f"{cost.by_requests:.1%}" in SHOWN
    assert cost.by_minutes == pytest.approx(minutes / 43.2)
    assert f"{cost.by_minutes:.1%}" in SHOWN


def test_each_of_the_two_outages_overspends_one_budget_only() -> None:
    explorer = two_budgets_explorer()
    explorer.set(hour=15)
    assert explorer.model["by_minutes"] < 1 < explorer.model["by_requests"]
    assert explorer.artists["span"].get_x() == 15
    explorer.set(hour=4, minutes=44)
    assert explorer.model["by_requests"] < 1 < explorer.model["by_minutes"]
    assert explorer.artists["dots"].get_ydata() == pytest.approx(
        [100 * explorer.model["by_requests"], 100 * explorer.model["by_minutes"]], abs=0.01
    )


def test_half_an_hour_costs_the_same_share_of_minutes_whenever_it_strikes() -> None:
    day = ordinary_day()
    costs = [outage_cost(day, hour * HOUR, 30 * MINUTE).by_minutes for hour in range(24)]
    assert costs == pytest.approx([30 / 43.2] * 24)


def test_counting_requests_the_afternoon_costs_three_times_the_night() -> None:
    day = ordinary_day()
    night, noon = (outage_cost(day, hour * HOUR, 30 * MINUTE).by_requests for hour in (4, 15))
    assert night < 30 / 43.2 < noon
    assert noon / night == pytest.approx(3.2, abs=0.1)


def test_the_requests_of_all_24_hours_together_cost_what_their_minutes_cost() -> None:
    day = ordinary_day()
    costs = [outage_cost(day, hour * HOUR, HOUR) for hour in range(24)]
    assert sum(cost.failed for cost in costs) == sum(day.total)
    by_minutes = sum(cost.by_minutes for cost in costs)
    assert sum(cost.by_requests for cost in costs) == pytest.approx(by_minutes)


def test_an_outage_of_the_whole_budget_spends_all_of_it() -> None:
    even = Counts(datetime(2025, 3, 5, tzinfo=UTC), MINUTE, [10] * 1440, [10] * 1440)
    cost = outage_cost(even, timedelta(), 432 * MINUTE, SLO("availability", 0.99))
    assert (cost.by_requests, cost.by_minutes) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(
    ("start", "length"), [(-HOUR, HOUR), (23 * HOUR, 2 * HOUR), (24 * HOUR, MINUTE)]
)
def test_an_outage_outside_the_day_is_an_error(start: timedelta, length: timedelta) -> None:
    with pytest.raises(ValueError, match="the outage must lie within the day"):
        outage_cost(ordinary_day(), start, length)


def test_an_ordinary_day_has_600_requests_a_minute_on_average() -> None:
    day = ordinary_day()
    assert (len(day), day.good) == (1440, day.total)
    assert sum(day.total) / 1440 == pytest.approx(600, abs=0.1)


def test_two_budgets_shows_what_outage_cost_says() -> None:
    explorer, day = two_budgets_explorer(), ordinary_day()
    for hour, minutes in ((0, 1), (4, 30), (23, 60)):
        cost = outage_cost(day, hour * HOUR, minutes * MINUTE)
        assert explorer.set(hour=hour, minutes=minutes) == {
            "hour": hour,
            "minutes": minutes,
            "failed": cost.failed,
            "by_requests": round(cost.by_requests, 6),
            "by_minutes": round(cost.by_minutes, 6),
        }


def test_two_budgets_draws_the_cost_at_every_hour_and_marks_this_outage() -> None:
    explorer, day = two_budgets_explorer(), ordinary_day()
    explorer.set(hour=15, minutes=45)
    curve = dict(zip(*explorer.artists["by_requests"].get_data(), strict=True))
    for hour in range(24):
        cost = outage_cost(day, hour * HOUR, 45 * MINUTE)
        assert curve[hour] == pytest.approx(100 * cost.by_requests)
    here = outage_cost(day, 15 * HOUR, 45 * MINUTE)
    by_requests, by_minutes = 100 * here.by_requests, 100 * here.by_minutes
    assert explorer.artists["by_minutes"].get_ydata() == pytest.approx([by_minutes] * 2)
    assert explorer.artists["dots"].get_ydata() == pytest.approx([by_requests, by_minutes])
    assert (explorer.artists["span"].get_x(), explorer.artists["span"].get_width()) == (15, 0.75)


def test_two_budgets_fits_its_axes_at_every_setting() -> None:
    cost = two_budgets_explorer()
    cost.set(hour=15, minutes=60)
    low, high = cost.figure.axes[1].get_ylim()
    assert low <= 0 < cost.artists["by_requests"].get_ydata().max() < high
