"""Budgets over time, on series whose answers are known: trailing periods, breaches, months."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from oncall import alerting
from oncall.budget import breaches, budget_history, calendar
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.telemetry import engine
from oncall.times import DAY, HOUR, MINUTE, WEEK, parse_moment

T0 = datetime(2025, 1, 1, tzinfo=UTC)
THREE_NINES = SLO("availability", 0.999)


def hourly(days: int, failing: range, start: datetime = T0) -> Counts:
    """A thousand events an hour, all of which fail in some hours."""
    good = [0 if hour in failing else 1000 for hour in range(days * 24)]
    return Counts(start, HOUR, good, [1000] * len(good))


# --- the trailing period -------------------------------------------------------------------------


def test_five_bad_hours_are_gone_from_the_budget_thirty_days_later() -> None:
    history = budget_history(hourly(90, range(50, 55)), THREE_NINES)
    assert history[49] == 0
    assert history[50] == 1000 / 51  # of what is known: 51 hours
    assert history[719] == history[769] == 5000 / 720
    assert (history[773], history[774], history[2159]) == (1000 / 720, 0, 0)


def test_before_a_full_period_it_says_how_much_of_one_is_known() -> None:
    history = budget_history(hourly(31, range(0)), THREE_NINES)
    assert (history.coverage(0), history.coverage(359)) == (1 / 720, 0.5)
    assert history.coverage(719) == history.coverage(-1) == 1


def test_a_series_shorter_than_the_period_is_all_of_it() -> None:
    history = budget_history(Counts(T0, MINUTE, [9, 99], [10, 100]), THREE_NINES)
    assert list(history) == [100, 2000 / 110]
    assert budget_history(Counts(T0, MINUTE, [999], [1000]), THREE_NINES)[0] == 1


def test_busy_hours_weigh_more_than_quiet_ones() -> None:
    slo = SLO("availability", 0.9, 2 * HOUR)
    history = budget_history(Counts(T0, HOUR, [10, 50], [10, 90]), slo)
    assert history[1] == 4  # 40 of 100 failed, 10 may


def test_without_events_nobody_knows() -> None:
    slo = SLO("availability", 0.9, 2 * HOUR)
    history = budget_history(Counts(T0, HOUR, [0, 1, 0, 0], [0, 2, 0, 0]), slo)
    assert [math.isnan(share) for share in history] == [True, False, False, True]
    assert not history.is_breached(3)
    assert len(budget_history(Counts(T0, HOUR, [], []), slo)) == 0


def test_exactly_the_budget_is_no_breach_and_one_failure_more_is() -> None:
    slo = SLO("availability", 0.9995, HOUR)  # 1 − 0.9995 rounds low as a float
    history = budget_history(Counts(T0, HOUR, [9995, 9994], [10_000, 10_000]), slo)
    assert list(history) == [1, 1.2]
    assert (history.is_breached(0), history.is_breached(1)) == (False, True)


def test_it_is_read_by_numpy_and_says_what_it_is() -> None:
    history = budget_history(hourly(1, range(0, 1)), THREE_NINES)
    assert memoryview(history.spent).format == "d"
    assert repr(history) == (
        "BudgetHistory(availability: 99.9% over 30d, buckets=24, spent at the end=41.67)"
    )
    assert history == budget_history(hourly(1, range(0, 1)), THREE_NINES)
    assert history != budget_history(hourly(1, range(1, 2)), THREE_NINES)


def test_a_year_of_minutes_takes_time_in_proportion_to_its_length_alone() -> None:
    year = Counts(T0, MINUTE, [99] * 525_600, [100] * 525_600)  # a sum a bucket: 2 * 10**10 steps
    assert budget_history(year, THREE_NINES)[-1] == 10
    assert len(breaches(year, THREE_NINES)) == 1


# --- breaches ------------------------------------------------------------------------------------


def test_a_breach_lasts_until_its_bad_hours_leave_the_trailing_period() -> None:
    counts = hourly(90, range(50, 55))
    [breach] = breaches(counts, THREE_NINES)
    assert (breach.start, breach.end) == (T0 + 50 * HOUR, T0 + 54 * HOUR + 30 * DAY)
    assert (breach.deepest, breach.coverage) == (T0 + 54 * HOUR, 51 / 720)
    assert (breach.bad, breach.total, breach.sli) == (5000, 55_000, 50 / 55)
    assert breach.spent == 5000 / 55  # of the budget of 55 hours: a full period knows better
    full = hourly(90, range(800, 805))
    [breach] = breaches(full, THREE_NINES)
    assert (breach.start, breach.end) == (T0 + 800 * HOUR, T0 + 804 * HOUR + 30 * DAY)
    assert (breach.spent, breach.coverage) == (5000 / 720, 1)


def test_a_breach_that_goes_on_has_no_end() -> None:
    [breach] = breaches(hourly(2, range(47, 48)), THREE_NINES)
    assert (breach.start, breach.end) == (T0 + 47 * HOUR, None)
    [breach] = breaches(Counts(T0, HOUR, [0] * 3, [5] * 3), THREE_NINES)
    assert (breach.start, breach.end, breach.deepest, breach.sli) == (T0, None, T0, 0)


def test_silence_ends_a_breach_once_the_period_holds_no_events() -> None:
    slo = SLO("availability", 0.9, 2 * HOUR)
    [breach] = breaches(Counts(T0, HOUR, [0, 0, 0], [5, 0, 0]), slo)
    assert (breach.start, breach.end) == (T0, T0 + 2 * HOUR)


def test_a_year_is_never_held_against_the_budget_of_a_month() -> None:
    """Two bad hours in January and ten slow days in June, at 3 requests a second."""
    slo = SLO("availability", 0.9995, 28 * DAY)
    bad = [0] * 365 * 24
    bad[40 * 24 : 40 * 24 + 2] = [3240] * 2
    bad[160 * 24 : 170 * 24] = [11] * 240
    counts = Counts(T0, HOUR, [10_800 - failures for failures in bad], [10_800] * len(bad))
    [breach] = breaches(counts, slo)
    assert (breach.start, breach.end) == (T0 + 40 * DAY + HOUR, T0 + 68 * DAY)
    assert f"{breach.spent:.1%}" == "178.6%"
    assert budget_history(counts, slo)[-1] == 0


# --- the calendar --------------------------------------------------------------------------------


def days(start: str, size: int, step: timedelta = DAY) -> Counts:
    return Counts(parse_moment(start), step, [99] * size, [100] * size)


def test_each_month_has_its_own_budget() -> None:
    counts = hourly(89, range(50, 55))
    january, february, march = calendar(counts, THREE_NINES)
    assert [january.name, february.name, march.name] == ["2025-01", "2025-02", "2025-03"]
    assert (january.good, january.total, january.partial) == (739_000, 744_000, False)
    assert (january.spent, january.is_breached) == (5000 / 744, True)
    assert january.left == 1 - 5000 / 744
    assert (february.start, february.end) == (T0 + 31 * DAY, T0 + 59 * DAY)
    assert (february.spent, february.left, february.is_breached) == (0, 1, False)
    assert march.partial  # 89 days are a day short


def test_exactly_a_months_budget_is_no_breach() -> None:
    [month] = calendar(days("2025-02-01T00:00Z", 28), SLO("availability", 0.99))
    assert (month.spent, month.is_breached, month.partial) == (1, False, False)


def test_quarters_begin_in_january_april_july_and_october() -> None:
    windows = calendar(days("2024-12-31T00:00Z", 276), SLO("availability", 0.99), "quarter")
    names = [(window.name, window.total // 100, window.partial) for window in windows]
    assert names == [
        ("2024-Q4", 1, True),
        ("2025-Q1", 90, False),
        ("2025-Q2", 91, False),
        ("2025-Q3", 92, False),
        ("2025-Q4", 2, True),
    ]


# Why it is there: zone, a moment in the month, then the month's begin and end.
MONTHS = {
    "no daylight saving": ("UTC", "2025-03-15T00Z", "2025-03-01T00Z", "2025-04-01T00Z"),
    "an hour is missing": (
        "America/Chicago",
        "2025-03-15T00Z",
        "2025-03-01T00-06:00",
        "2025-04-01T00-05:00",
    ),
    "an hour comes twice": (
        "Europe/Berlin",
        "2025-10-15T00Z",
        "2025-10-01T00+02:00",
        "2025-11-01T00+01:00",
    ),
    "the month has no 00:00": (
        "America/Asuncion",
        "2017-10-15T00Z",
        "2017-10-01T01-03:00",
        "2017-11-01T00-03:00",
    ),
    "it has 00:00 twice": (
        "America/St_Johns",
        "2009-11-15T00Z",
        "2009-11-01T00-02:30",
        "2009-12-01T00-03:30",
    ),
    "local, it is next month": (
        "Asia/Tokyo",
        "2025-01-31T23Z",
        "2025-02-01T00+09:00",
        "2025-03-01T00+09:00",
    ),
}


@pytest.mark.parametrize(("tz", "moment", "begins", "ends"), MONTHS.values(), ids=MONTHS)
def test_a_month_runs_from_local_midnight_to_local_midnight(
    tz: str, moment: str, begins: str, ends: str
) -> None:
    start, end = parse_moment(begins), parse_moment(ends)
    [window] = calendar(Counts(parse_moment(moment), MINUTE, [1], [1]), THREE_NINES, tz=tz)
    assert (window.start, window.end, window.partial) == (start, end, True)
    minutes = (end - start) // MINUTE
    full = Counts(start - MINUTE, MINUTE, [1] * (minutes + 2), [1] * (minutes + 2))
    parts = [(part.total, part.partial) for part in calendar(full, THREE_NINES, tz=tz)]
    assert parts == [(1, True), (minutes, False), (1, True)]


def test_a_bucket_over_midnight_belongs_to_the_month_in_which_it_starts() -> None:
    counts = days("2025-01-30T00Z", 3, 2 * DAY)
    assert [month.total for month in calendar(counts, THREE_NINES)] == [100, 200]
    local = calendar(counts, THREE_NINES, tz="America/Chicago")  # 30 January, 18:00 the day before
    assert [(month.name, month.total) for month in local] == [("2025-01", 200), ("2025-02", 100)]


def test_a_month_without_events_is_listed_and_spent_nobody_knows_what() -> None:
    [month] = calendar(Counts(T0, DAY, [0], [0]), THREE_NINES)
    assert (month.total, month.is_breached) == (0, False)
    assert math.isnan(month.spent)
    assert math.isnan(month.left)
    assert calendar(Counts(T0, DAY, [], []), THREE_NINES) == []


# --- bad input -----------------------------------------------------------------------------------

HOURS = hourly(3, range(0))
UNFIT = [
    (Counts(T0, 7 * MINUTE, [1], [1]), SLO("a", 0.9, DAY), "buckets of 7m do not divide the 1d"),
    (HOURS, SLO("a", 0.9, 30 * MINUTE), "buckets of 1h do not divide the 30m period"),
    (HOURS, SLO("a", 0.9, 90 * MINUTE), "the 1h30m period; give finer counts"),
]


@pytest.mark.parametrize("room", ["toolkit", "engine"])
@pytest.mark.parametrize(("counts", "slo", "message"), UNFIT)
def test_a_period_of_no_whole_buckets_is_refused(
    counts: Counts, slo: SLO, message: str, room: str
) -> None:
    history, missed = budget_history, breaches
    if room == "engine":
        history, missed = engine.budget_history, engine.breaches  # type: ignore[assignment]
    for function in (history, missed):
        with pytest.raises(ValueError, match=re.escape(message)):
            function(counts, slo)


BAD_CALENDARS = [
    ({"unit": "year"}, "unit must be one of month, quarter, given 'year'"),
    ({"unit": 3}, "unit must be one of month, quarter, given 3"),
    ({"tz": "CST6"}, "tz must be an IANA zone name, given 'CST6'"),
    ({"tz": None}, "tz must be an IANA zone name, given None"),
    (
        {"counts": days("2025-01-01T00Z", 2, 5 * WEEK)},
        "buckets of 35d are longer than the shortest month",
    ),
]


@pytest.mark.parametrize("room", [calendar, engine.calendar])
@pytest.mark.parametrize(("wrong", "message"), BAD_CALENDARS)
def test_a_bad_calendar_says_what_to_give(
    wrong: dict[str, object], message: str, room: Callable[..., object]
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        room(**{"counts": HOURS, "slo": THREE_NINES, **wrong})


def fires(counts: Any, slo: Any) -> object:
    return alerting.alert_intervals(counts, slo, alerting.google_policy())


def fires_in_engine(counts: Any, slo: Any) -> object:
    return engine.alert_intervals(counts, slo, alerting.google_policy())


def burns(counts: Any, slo: Any) -> object:
    return engine.burn_rates(counts, slo, [HOUR])


def evaluator(counts: Any, slo: Any) -> object:
    return alerting.AlertEvaluator(slo, alerting.google_policy(), MINUTE)


IN_TOOLKIT = [budget_history, breaches, calendar, fires]
IN_ENGINE = [engine.budget_history, engine.breaches, engine.calendar, fires_in_engine, burns]


@pytest.mark.parametrize("function", IN_TOOLKIT)
def test_a_frame_is_sent_to_the_engine(function: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"given 'DataFrame'; give Counts\.from_frame\(frame\)"):
        function(pd.DataFrame(), THREE_NINES)


@pytest.mark.parametrize("function", [*IN_TOOLKIT, *IN_ENGINE])
@pytest.mark.parametrize("counts", [None, "counts.csv", [9, 10], THREE_NINES])
def test_what_are_no_counts_is_refused_with_what_it_is(
    function: Callable[..., object], counts: object
) -> None:
    kind = type(counts).__name__
    with pytest.raises(ValueError, match=rf"^(?=.*\bgive Counts)(?=.*\b{kind}\b).*$"):
        function(counts, THREE_NINES)


@pytest.mark.parametrize("function", [*IN_TOOLKIT, *IN_ENGINE, evaluator])
@pytest.mark.parametrize("slo", [None, 0.999, "month", {"target": 0.999}])
def test_what_is_no_slo_is_refused_with_what_to_give(
    function: Callable[..., object], slo: object
) -> None:
    refusal = rf"^slo must be an SLO, given {re.escape(repr(slo))}; give e\.g\. SLO\('avail"
    with pytest.raises(ValueError, match=refusal):
        function(Counts(T0, MINUTE, [9], [10]), slo)
