"""Lesson 09: rules by their two prices, the frontier and its picture, and the numbers of the lesson."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from oncall.alerting import google_policy
from oncall.counts import Counts, read_csv
from oncall.scenario import KnownIncident
from oncall.slo import SLO, burn_rate, sli
from oncall.telemetry.backtest import backtest, read_incidents
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.frontier import (
    FACTORS,
    WINDOWS,
    Frontier,
    Trade,
    backtest_frontier,
    describe_frontier,
    frontier,
    google_arms,
    one_rule,
    plot_frontier,
    trade,
)
from oncall.workbook.plots.explorer import Explorer

ROOT = Path(__file__).parents[2]
GOALS = Path(__file__).with_name("goals") / "09.md"
TWO_NINES_AND_A_HALF = SLO("availability", 0.995)


@cache
def month() -> tuple[Counts, tuple[KnownIncident, ...]]:
    data = ROOT / "data"
    return read_csv(data / "assistant_30d.csv"), read_incidents(
        data / "assistant_30d_incidents.csv"
    )


@pytest.fixture(scope="module")
def found() -> Frontier:
    return frontier(*month(), TWO_NINES_AND_A_HALF)


@pytest.fixture
def explorer(found: Frontier) -> Explorer:
    return backtest_frontier(found)


# --- the frontier --------------------------------------------------------------------------------


def test_googles_arms_are_googles_rules_each_made_to_page() -> None:
    arms = google_arms(TWO_NINES_AND_A_HALF)
    assert [*arms][:4] == [rule.name for rule in google_policy()]
    assert all(rule.action == "page" for policy in arms.values() for rule in policy)
    assert [rule.name for rule in arms["two that page"]] == ["14.4x 1h/5m", "6x 6h/30m"]


def test_a_rules_prices_are_those_of_the_backtest(found: Frontier) -> None:
    (result,) = backtest(*month(), TWO_NINES_AND_A_HALF, {"one": one_rule(12 * MINUTE, 2)})
    lost = sum(1 - one.budget_left for one in result.detections)
    seen = sum(one.delay is not None for one in result.detections)
    assert trade(result) == Trade(result.pages_a_week, lost, seen) == found.rules[12 * MINUTE, 2.0]


def test_every_window_is_tried_with_every_factor(found: Frontier) -> None:
    assert [*found.rules] == [(window, factor) for window in WINDOWS for factor in FACTORS]
    assert (len(found.rules), found.incidents) == (110, 12)


def test_nobody_loses_more_than_the_incidents_cost_whole(found: Frontier) -> None:
    counts, incidents = month()
    (nobody,) = backtest(counts, incidents, TWO_NINES_AND_A_HALF, {"nobody": ()})
    assert found.whole == trade(nobody).lost
    assert max(one.lost for one in found.rules.values()) <= found.whole


def test_no_rule_beats_one_of_the_frontier_at_both_prices(found: Frontier) -> None:
    rules = found.rules.values()
    for best in found.best:
        assert not [
            one for one in rules if one.pages_a_week <= best.pages_a_week and one.lost < best.lost
        ]
    for one in rules:
        assert any(
            best.pages_a_week <= one.pages_a_week and best.lost <= one.lost for best in found.best
        )
    assert [one.pages_a_week for one in found.best] == sorted(
        {one.pages_a_week for one in found.best}
    )


def test_rules_that_the_buckets_are_too_coarse_for_are_left_out() -> None:
    counts, incidents = month()
    coarse = frontier(counts.resample(5 * MINUTE), incidents, TWO_NINES_AND_A_HALF, factors=(1.0,))
    assert [window for window, _ in coarse.rules] == [
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        3 * DAY,
    ]
    hourly = frontier(counts.resample(HOUR), incidents, TWO_NINES_AND_A_HALF, factors=(1.0,))
    assert [*hourly.arms] == ["3x 1d/2h", "1x 3d/6h"]
    assert "1d" in backtest_frontier(hourly).text or "12h" in backtest_frontier(hourly).text


# --- the picture ---------------------------------------------------------------------------------


def lines(figure: Any) -> dict[str, Any]:
    return {str(line.get_label()): line for line in figure.axes[0].lines}


def test_the_dots_are_the_rules_and_each_of_googles_stands_by_name(found: Frontier) -> None:
    figure = plot_frontier(found).figure
    drawn = lines(figure)
    assert list(drawn["a rule"].get_xdata()) == [one.pages_a_week for one in found.rules.values()]
    assert list(drawn["a rule"].get_ydata()) == [100 * one.lost for one in found.rules.values()]
    assert list(drawn["frontier"].get_ydata()) == [100 * one.lost for one in found.best]
    assert drawn["nobody is paged"].get_ydata()[0] == 100 * found.whole
    for name, arm in found.arms.items():
        dot = drawn[f"Google's {name}"]
        assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (arm.pages_a_week, 100 * arm.lost)
    axes = figure.axes[0]
    assert axes.get_xlabel() == "pages a week (evenly spaced up to 1, then logarithmic)"
    assert axes.get_ylabel() == "month's budget lost before a page, %"
    left, right = axes.get_xlim()
    assert all(left < one.pages_a_week < right for one in found.rules.values())


def test_the_ring_and_the_curve_follow_window_and_factor(
    explorer: Explorer, found: Frontier
) -> None:
    explorer.set(window=24 * MINUTE, factor=20.0)
    ring, curve = (explorer.artists[name] for name in ("rule", "window"))
    one = found.rules[24 * MINUTE, 20.0]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (one.pages_a_week, 100 * one.lost)  # type: ignore[attr-defined]
    same = [found.rules[24 * MINUTE, factor] for factor in FACTORS]
    assert list(curve.get_ydata()) == [100 * each.lost for each in same]  # type: ignore[attr-defined]


def test_the_explorer_begins_with_googles_first_rule_and_says_its_prices(
    explorer: Explorer,
) -> None:
    assert explorer.text == (
        "14.4x over 1h: 0.47 pages a week, 2 of 12 incidents paged, 25.1% of the month's budget lost before a page."
    )
    assert explorer.set(window=24 * MINUTE, factor=3.0) == {
        "window": "24m",
        "factor": 3.0,
        "pages_a_week": 14.47,
        "seen": 10,
        "incidents": 12,
        "lost": 0.086,
    }
    assert [control.description for control in explorer.controls.values()] == [
        "Long window",
        "Factor",
    ]


def test_the_legend_lies_below_the_axes(explorer: Explorer) -> None:
    (legend,) = explorer.figure.legends
    axes = explorer.figure.axes[0]
    assert legend.get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
    assert legend.get_window_extent().x1 < explorer.figure.bbox.x1


def test_the_numbers_are_one_line(found: Frontier) -> None:
    assert describe_frontier(found) == (
        "110 rules at 99.5%: pages a week, and budget lost before a page. 14.4x 1h/5m 0.47 and 25.1%; 6x 6h/30m "
        "0.47 and 33.5%; 3x 1d/2h 0.00 and 34.7%; 1x 3d/6h 0.47 and 32.9%; two that page 0.70 and 25.1%; nobody paged, "
        "34.7%."
    )


# --- what the prose says -------------------------------------------------------------------------


def test_googles_first_rule_is_on_the_frontier_and_the_second_adds_a_page_alone(
    found: Frontier,
) -> None:
    first, both = found.arms["14.4x 1h/5m"], found.arms["two that page"]
    assert first in found.best
    assert both.lost == first.lost
    assert both.pages_a_week - first.pages_a_week == pytest.approx(1 / (30 / 7))


def test_the_pages_multiply_at_the_threshold_of_a_long_weak_incident() -> None:
    (guardrail,) = [label for label in month()[1] if label.title == "guardrail blocks good answers"]
    (rule,) = one_rule(24 * MINUTE, 3)
    assert float(rule.threshold(TWO_NINES_AND_A_HALF)) == guardrail.error_ratio == 0.015  # type: ignore[union-attr]
    assert guardrail.end is not None
    assert guardrail.end - guardrail.start == timedelta(hours=5)


def test_last_months_sli_is_missed_by_463_of_1000_shuffled_months_and_the_target_by_none() -> None:
    counts, _ = month()
    days = [counts.slice(counts.start + n * DAY, counts.start + (n + 1) * DAY) for n in range(30)]
    sums = [(sum(day.good), sum(day.total)) for day in days]
    draw = Random(1).random
    measured = sli(sum(counts.good), sum(counts.total))
    assert burn_rate(measured, SLO("same", measured)) == 1
    months = []
    for _ in range(1000):
        drawn = [sums[int(draw() * 30)] for _ in range(30)]
        months.append(sum(good for good, _ in drawn) / sum(total for _, total in drawn))
    assert sum(one < measured for one in months) == 463
    assert min(months) > 0.995


def test_there_are_five_goals_each_with_an_answer() -> None:
    text = GOALS.read_text(encoding="utf-8")
    assert re.findall(r"^(\d)\. \*\*.+\?\*\*\n   \S", text, re.MULTILINE) == list("12345")
