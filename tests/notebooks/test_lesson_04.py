"""Lesson 04: outages that come back, their explorer, and the table of six ways to alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from oncall.alerting import AlertEvaluator, AlertInterval, BurnRule, Policy, google_policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import exhaustion_time
from oncall.telemetry.backtest import backtest
from oncall.telemetry.engine import alert_intervals
from oncall.times import DAY, HOUR, MINUTE, SECOND
from oncall.workbook.exercises.checking import JUDGEMENTS
from oncall.workbook.lessons.adversary import (
    CLEAN,
    REQUESTS,
    START,
    Approach,
    adversary_explorer,
    attack,
    budget_spent,
    judge_alerts,
    outages,
    with_for_duration,
)
from oncall.workbook.lessons.common import PAGE_RULES, THREE_NINES
from oncall.workbook.lessons.sliding_window import plot_sliding_window
from oncall.workbook.plots import plot_burn
from oncall.workbook.plots.explorer import Explorer


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return adversary_explorer()


def one_window(window: timedelta, factor: float) -> Policy:
    return (BurnRule(window, window, factor),)


# --- the numbers of the lesson -------------------------------------------------------------------


def test_a_wide_slow_rule_and_a_narrow_fast_one_detect_together_and_reset_far_apart() -> None:
    wide, narrow = one_window(36 * HOUR, 1)[0], one_window(HOUR, 36)[0]
    assert isinstance(wide, BurnRule)
    assert isinstance(narrow, BurnRule)
    for rule in (wide, narrow):
        assert rule.detection_time(THREE_NINES, 1) == timedelta(seconds=129.6)
        assert rule.budget_at_fire(THREE_NINES) == 0.05
    assert wide.reset_time(THREE_NINES, 1) == timedelta(hours=35.964)
    assert narrow.reset_time(THREE_NINES, 1) == timedelta(minutes=57.84)


def test_35x_is_never_seen_by_36x_and_empties_the_budget_in_20_57_hours() -> None:
    narrow = BurnRule(HOUR, HOUR, 36)
    assert narrow.detection_time(THREE_NINES, 0.035) is None
    lasts = exhaustion_time(THREE_NINES, 35)
    assert lasts is not None
    assert lasts / HOUR == pytest.approx(20.57, abs=0.005)


def ten_minutes() -> Counts:
    good = [100] * (6 * 3600) + [0] * 600 + [100] * 7200
    return Counts(START - 6 * HOUR, SECOND, good, [100] * len(good))


@pytest.mark.parametrize(
    ("short", "minutes"), [(HOUR, 59.1), (30 * MINUTE, 29.6), (5 * MINUTE, 4.9), (MINUTE, 1.0)]
)
def test_the_short_window_moves_the_end_of_an_alert_and_not_its_start(
    short: timedelta, minutes: float
) -> None:
    (fired,) = alert_intervals(ten_minutes(), THREE_NINES, (BurnRule(HOUR, short, 14.4),))
    assert fired.start - START == 52 * SECOND
    assert fired.end is not None
    assert (fired.end - START - 10 * MINUTE) / MINUTE == pytest.approx(minutes, abs=0.05)


def test_while_the_long_window_is_full_the_short_one_detects() -> None:
    """The first night: everything fails from 23:48 to 23:52, and 45% from 00:07 to 00:37."""

    def pages(first_wave: int) -> list[timedelta]:
        good = [100] * 6 * 3600 + [first_wave] * 240 + [100] * 900 + [55] * 1800 + [100] * 3600
        counts = Counts(START - 6 * HOUR, SECOND, good, [100] * len(good))
        fired = alert_intervals(counts, THREE_NINES, PAGE_RULES[:1])
        return [alert.start - START for alert in fired]

    second = 19 * MINUTE  # another fault, behind the same alert
    assert pages(first_wave=0) == [52 * SECOND, second + 10 * SECOND]
    assert pages(first_wave=100) == [second + 116 * SECOND]  # after clean hours


def test_the_sliding_window_is_drawn_with_its_rule_and_clears_as_it_says() -> None:
    for short, held in ((HOUR, 59.1), (5 * MINUTE, 4.9)):
        plot = plot_sliding_window(THREE_NINES, BurnRule(HOUR, short, 14.4))
        assert (
            f"fires 52 s after the outage begins, clears {held} min after it ends" in plot.numbers
        )
        top, low = plot.figure.axes
        assert low.get_yscale() == "log"
        assert len(low.get_lines()) == (2 if short == HOUR else 3)
        [label] = [text for text in low.get_legend_handles_labels()[1] if "threshold" in text]
        assert label == "threshold 14.4x"
        bars = [bar.get_paths()[0].get_extents() for bar in top.collections]
        assert all((bar.x1 - bar.x0) * 24 == pytest.approx(1, abs=1e-3) for bar in bars[-3:])


# How each situation of the exercise comes about: minutes, the share failing, and as 1 in so many.
HEARD = {
    "a": (0.5, 1000), "b": (2, 1000), "c": (2880, 2), "d": (10 * 1440, 0.5), "e": (5, 500),
    "f": (1440, 7),
}  # fmt: skip


@pytest.mark.parametrize("name", HEARD)
def test_what_is_heard_is_what_the_rules_say(name: str) -> None:
    minutes, permille = HEARD[name]
    step = 30 * SECOND
    clean, buckets = 3 * DAY // step, round(minutes * 60 / 30)
    bad = round(10_000 * permille / 1000)
    good = [10_000] * clean + [10_000 - bad] * buckets
    counts = Counts(START - 3 * DAY, step, good, [10_000] * len(good))
    actions = {alert.rule.action for alert in alert_intervals(counts, THREE_NINES, google_policy())}
    heard = "page" if "page" in actions else "ticket" if actions else "silent"
    assert JUDGEMENTS["what_is_heard"].situations[name].right == heard


def test_both_tickets_see_a_burn_of_6x_after_12_hours() -> None:
    times = [rule.detection_time(THREE_NINES, 0.006) for rule in google_policy()[2:]]
    assert times == [12 * HOUR] * 2


def test_after_a_ten_minute_outage_the_6x_arm_holds_the_page_for_29_8_minutes() -> None:
    fired = alert_intervals(ten_minutes(), THREE_NINES, PAGE_RULES)
    last = max(fired, key=lambda alert: alert.end or START)
    assert last.rule == PAGE_RULES[1]
    assert last.end is not None
    assert (last.end - START - 10 * MINUTE) / MINUTE == pytest.approx(29.8, abs=0.05)


def test_the_numbers_of_the_plot_say_the_seconds_where_a_bucket_is_one() -> None:
    view = {"since": START - 30 * MINUTE, "until": START + 90 * MINUTE}
    text = plot_burn(ten_minutes(), THREE_NINES, PAGE_RULES, **view).numbers
    assert text.startswith("2025-03-04 23:30 to 01:30 UTC: lowest SLI 0.0% in the 1s to 00:00:01;")
    assert text.endswith(
        "page 14.4x 1h/5m 00:00:52 to 00:14:56; page 6x 6h/30m 00:02:10 to 00:39:50."
    )


# --- outages that come back ----------------------------------------------------------------------


def test_the_day_holds_the_outages_it_was_asked_for_after_clean_hours() -> None:
    counts = outages(51 * SECOND, HOUR, 0.5)
    bad = np.diff(counts.total) - np.diff(counts.good)
    assert counts.start + CLEAN == START
    assert len(bad) == (CLEAN + DAY) // SECOND
    assert not bad[: CLEAN // SECOND].any()
    hours = bad[CLEAN // SECOND :].reshape(24, 3600)
    assert (hours[:, :51] == REQUESTS / 2).all()
    assert not hours[:, 51:].any()


def test_an_outage_may_not_be_longer_than_the_time_to_the_next() -> None:
    with pytest.raises(ValueError, match="at most 5m"):
        outages(301 * SECOND, 5 * MINUTE, 1)


def test_51_seconds_in_every_hour_burn_47_percent_in_silence_and_52_page_at_once() -> None:
    silent = attack(outages(51 * SECOND, HOUR, 1), PAGE_RULES[:1])
    assert silent.paged_after is None
    assert silent.unseen == silent.day == pytest.approx(0.472, abs=0.0005)
    assert attack(outages(52 * SECOND, HOUR, 1), PAGE_RULES[:1]).paged_after == 52 * SECOND


def test_the_6x_arm_catches_them_in_the_third_hour() -> None:
    caught = attack(outages(51 * SECOND, HOUR, 1), PAGE_RULES)
    assert caught.paged_after == 2 * HOUR + 28 * SECOND
    assert caught.unseen == pytest.approx((51 + 51 + 28) / 2592)


@pytest.mark.parametrize(("length", "ratio"), [(216, 0.1), (36, 0.6), (27, 0.8)])
def test_exactly_6x_never_pages_and_a_second_more_does(length: int, ratio: float) -> None:
    exactly = attack(outages(length * SECOND, HOUR, ratio), PAGE_RULES)
    assert exactly.burn == pytest.approx(6)
    assert exactly.paged_after is None
    assert exactly.unseen == pytest.approx(0.2)
    assert attack(outages((length + 1) * SECOND, HOUR, ratio), PAGE_RULES).paged_after is not None


def test_exactly_14_4x_never_pages_by_the_first_rule_alone() -> None:
    exactly = attack(outages(54 * SECOND, HOUR, 0.96), PAGE_RULES[:1])
    assert exactly.burn == pytest.approx(14.4)
    assert exactly.paged_after is None


def test_what_pages_is_what_the_alert_evaluator_fires() -> None:
    counts = outages(40 * SECOND, 30 * MINUTE, 0.7)
    evaluator = AlertEvaluator(THREE_NINES, PAGE_RULES, SECOND)
    good, total = np.diff(counts.good).tolist(), np.diff(counts.total).tolist()
    fired = [bool(evaluator.observe(*bucket)) for bucket in zip(good, total, strict=True)]
    first = fired.index(True) + 1
    assert attack(counts, PAGE_RULES).paged_after == first * SECOND - CLEAN


def test_a_ticket_is_no_page() -> None:
    every_half_hour = outages(10 * SECOND, 30 * MINUTE, 1)
    fired = alert_intervals(every_half_hour, THREE_NINES, google_policy())
    assert "ticket" in [alert.rule.action for alert in fired]
    assert attack(every_half_hour, google_policy()).paged_after is None


# --- the explorer --------------------------------------------------------------------------------


def test_the_explorer_shows_what_attack_says(explorer: Explorer) -> None:
    for rules, every, seconds, percent in ((1, 60, 51, 100), (2, 60, 51, 100), (2, 10, 300, 2)):
        result = attack(
            outages(seconds * SECOND, every * MINUTE, percent / 100), PAGE_RULES[:rules]
        )
        model = explorer.set(rules=rules, every=every, seconds=seconds, percent=percent)
        assert model["spent_unseen"] == round(result.unseen, 4)
        assert model["spent_in_a_day"] == round(result.day, 4)
        assert (model["paged_after"] is None) == (result.paged_after is None)


def test_the_model_of_the_caught_adversary(explorer: Explorer) -> None:
    assert explorer.set(rules=2, every=60, seconds=51, percent=100) == {
        "rules": 2,
        "every_minutes": 60,
        "seconds": 51,
        "percent": 100,
        "burn": 14.17,
        "paged_after": "2h28s",
        "spent_unseen": 0.0502,
        "spent_in_a_day": 0.4722,
    }


def curve(explorer: Explorer, name: str) -> tuple[Any, Any]:
    artist: Any = explorer.artists[name]
    x, y = artist.get_data()
    return np.asarray(x), np.asarray(y)


def test_the_heavy_line_is_what_was_spent_before_the_page_and_the_dotted_one_the_rest(
    explorer: Explorer,
) -> None:
    explorer.set(rules=2, every=60, seconds=51, percent=100)
    spent = 100 * budget_spent(outages(51 * SECOND, HOUR, 1))
    page = (2 * 3600 + 28) / 3600
    for name, first, last in (("unseen", 0.0, page), ("seen", page, 24.0)):
        hours, percent = curve(explorer, name)
        assert hours[0] == pytest.approx(first)
        assert hours[-1] == pytest.approx(last, abs=0.03)
        assert percent.max() == pytest.approx(spent[round(last * 3600)])
    for name in ("page burn", "page spent"):
        assert curve(explorer, name)[0] == pytest.approx([page, page])


def test_a_silent_day_has_no_page_and_no_dotted_line_to_speak_of(explorer: Explorer) -> None:
    explorer.set(rules=1, every=60, seconds=51, percent=100)
    assert curve(explorer, "unseen")[1].max() == pytest.approx(47.2, abs=0.05)
    assert len(curve(explorer, "seen")[0]) == 1
    for name in ("page burn", "page spent"):
        assert len(curve(explorer, name)[0]) == 0
    assert "No page in 24 hours" in explorer.text


def test_the_burn_lines_are_those_of_the_two_long_windows(explorer: Explorer) -> None:
    explorer.set(rules=1, every=60, seconds=51, percent=100)
    assert curve(explorer, "burn 1h")[1].max() == pytest.approx(51 / 3.6)
    hours, burn = curve(explorer, "burn 6h")
    for hour in range(6):
        assert burn[np.searchsorted(hours, hour + 0.5)] == pytest.approx((hour + 1) * 51 / 21.6)
    names = [label.get_text() for label in explorer.figure.legends[0].get_texts()]
    assert names[:2] == ["last 1h (dashed: 14.4x)", "last 6h (dashed: 6x)"]
    units = [axes.get_ylabel() for axes in explorer.figure.axes]
    assert units == ["burn rate, x", "month's budget, %"]


# --- six ways, one month -------------------------------------------------------------------------

WAYS = {
    "1 error ratio over 10m": one_window(10 * MINUTE, 1),
    "2 error ratio over 36h": one_window(36 * HOUR, 1),
    "4 one burn rate, 1h": one_window(HOUR, 36),
    "5 three burn rates": (
        *one_window(HOUR, 14.4),
        *one_window(6 * HOUR, 6),
        BurnRule(3 * DAY, 3 * DAY, 1, "ticket", "sev4"),
    ),
    "6 two windows each": google_policy(),
}


@pytest.fixture(scope="module")
def rows(month: Counts, incidents: tuple[KnownIncident, ...]) -> dict[str, Approach]:
    """The table of these ways, by name."""
    fired = {name: alert_intervals(month, THREE_NINES, policy) for name, policy in WAYS.items()}
    return {
        name: judge_alerts(name, alerts, month, incidents, THREE_NINES)
        for name, alerts in fired.items()
    }


def test_the_table_judges_as_the_backtest_does(
    month: Counts, incidents: tuple[KnownIncident, ...], rows: dict[str, Approach]
) -> None:
    for result in backtest(month, incidents, THREE_NINES, WAYS):
        row = rows[result.policy]
        assert row.pages == result.pages
        assert (row.precision, row.recall) == (result.precision, result.recall)
        assert (row.delay, row.reset) == (result.detection_median, result.reset_median)


def test_short_windows_change_the_reset_and_let_new_tickets_open(rows: dict[str, Approach]) -> None:
    five, six = rows["5 three burn rates"], rows["6 two windows each"]
    assert five[1:4] == six[1:4] == (8, 1.0, 0.75)
    assert five.delay == six.delay == 11 * MINUTE
    assert five.reset == timedelta(hours=5, minutes=37, seconds=30)
    assert six.reset == timedelta(minutes=28, seconds=30)
    assert (five.by_ticket, six.by_ticket) == (0, 2)


def alert(start: int, end: int | None) -> AlertInterval:
    zero = datetime(2025, 3, 1, tzinfo=UTC)
    until = None if end is None else zero + end * MINUTE
    return AlertInterval(one_window(MINUTE, 1)[0], zero + start * MINUTE, until, 1.0)


def test_a_condition_held_for_an_hour_fires_an_hour_later_and_one_broken_before_never() -> None:
    held = [alert(0, 61), alert(100, 160), alert(200, 259), alert(300, None)]
    assert with_for_duration(held, HOUR) == [alert(60, 61), alert(360, None)]


def test_a_row_reads_as_a_line_of_the_table(
    month: Counts, incidents: tuple[KnownIncident, ...]
) -> None:
    fired = with_for_duration(alert_intervals(month, THREE_NINES, one_window(MINUTE, 1)), HOUR)
    row = judge_alerts("3 over 1m, `for: 1h`", fired, month, incidents, THREE_NINES)
    assert str(row) == "| 3 over 1m, `for: 1h` | 7 | 100% | 42% | 0 | 1h1m | 1m |"
