"""Lesson 13: rules by their two prices, the frontier and its picture, and its numbers."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from oncall.alerting import google_policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO, burn_rate, sli
from oncall.telemetry.backtest import backtest
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.frontier import (
    GRID_FACTORS,
    GRID_WINDOWS,
    Frontier,
    Trade,
    frontier,
    frontier_explorer,
    google_arms,
    one_rule,
    plot_frontier,
    trade,
)
from oncall.workbook.plots.explorer import Explorer

TWO_NINES_AND_A_HALF = SLO("availability", 0.995)


Incidents = tuple[KnownIncident, ...]


@pytest.fixture(scope="module")
def found(month: Counts, incidents: Incidents) -> Frontier:
    return frontier(month, incidents, TWO_NINES_AND_A_HALF)


@pytest.fixture
def explorer(found: Frontier) -> Explorer:
    return frontier_explorer(found)


# --- the frontier --------------------------------------------------------------------------------


def test_googles_arms_are_googles_rules_each_made_to_page() -> None:
    arms = google_arms(TWO_NINES_AND_A_HALF)
    assert [*arms][:4] == [rule.name for rule in google_policy()]
    assert all(rule.action == "page" for policy in arms.values() for rule in policy)
    assert [rule.name for rule in arms["two that page"]] == ["14.4x 1h/5m", "6x 6h/30m"]


def test_a_rules_prices_are_those_of_the_backtest(
    month: Counts, incidents: Incidents, found: Frontier
) -> None:
    policies = {"nervous": one_rule(12 * MINUTE, 2)}
    (result,) = backtest(month, incidents, TWO_NINES_AND_A_HALF, policies)
    lost = sum(1 - detection.budget_left for detection in result.detections)
    seen = sum(detection.delay is not None for detection in result.detections)
    assert trade(result) == Trade(result.pages_a_week, lost, seen) == found.rules[12 * MINUTE, 2.0]


def test_every_window_is_tried_with_every_factor(found: Frontier) -> None:
    assert [*found.rules] == list(product(GRID_WINDOWS, GRID_FACTORS))
    assert (len(found.rules), found.incidents) == (110, 12)


def test_nobody_loses_more_than_the_incidents_cost_whole(
    month: Counts, incidents: Incidents, found: Frontier
) -> None:
    (nobody,) = backtest(month, incidents, TWO_NINES_AND_A_HALF, {"nobody": ()})
    assert found.whole == trade(nobody).lost
    assert max(rule.lost for rule in found.rules.values()) <= found.whole


def test_no_rule_beats_one_of_the_frontier_at_both_prices(found: Frontier) -> None:
    rules = found.rules.values()
    for best in found.best:
        no_noisier = [rule for rule in rules if rule.pages_a_week <= best.pages_a_week]
        assert min(rule.lost for rule in no_noisier) == best.lost
    for rule in rules:
        no_noisier = [best for best in found.best if best.pages_a_week <= rule.pages_a_week]
        assert min(best.lost for best in no_noisier) <= rule.lost
    pages = [best.pages_a_week for best in found.best]
    assert pages == sorted(set(pages))


def test_rules_that_the_buckets_are_too_coarse_for_are_left_out(
    month: Counts, incidents: Incidents
) -> None:
    def of(step: timedelta) -> Frontier:
        return frontier(month.resample(step), incidents, TWO_NINES_AND_A_HALF, factors=(1.0,))

    hours = [window / HOUR for window, _ in of(5 * MINUTE).rules]
    assert hours == [1, 2, 3, 6, 12, 24, 72]
    hourly = of(HOUR)
    assert [*hourly.arms] == ["3x 1d/2h", "1x 3d/6h"]
    assert "1d" in frontier_explorer(hourly).text or "12h" in frontier_explorer(hourly).text


# --- the picture ---------------------------------------------------------------------------------


def lines(figure: Any) -> dict[str, Any]:
    return {str(line.get_label()): line for line in figure.axes[0].lines}


def test_the_dots_are_the_rules_and_each_of_googles_stands_by_name(found: Frontier) -> None:
    figure = plot_frontier(found).figure
    drawn = lines(figure)
    rules = found.rules.values()
    assert list(drawn["a rule"].get_xdata()) == [rule.pages_a_week for rule in rules]
    assert list(drawn["a rule"].get_ydata()) == [100 * rule.lost for rule in rules]
    assert list(drawn["frontier"].get_ydata()) == [100 * rule.lost for rule in found.best]
    assert drawn["nobody is paged"].get_ydata()[0] == 100 * found.whole
    for name, arm in found.arms.items():
        dot = drawn[f"Google's {name}"]
        assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (arm.pages_a_week, 100 * arm.lost)
    axes = figure.axes[0]
    assert axes.get_xlabel() == "pages a week (evenly spaced up to 1, then logarithmic)"
    assert axes.get_ylabel() == "month's budget lost before a page, %"
    left, right = axes.get_xlim()
    assert all(left < rule.pages_a_week < right for rule in rules)


def test_the_ring_and_the_curve_follow_window_and_factor(
    explorer: Explorer, found: Frontier
) -> None:
    explorer.set(window=24 * MINUTE, factor=20.0)
    artists: dict[str, Any] = dict(explorer.artists)
    ring, curve = artists["rule"], artists["window"]
    rule = found.rules[24 * MINUTE, 20.0]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (rule.pages_a_week, 100 * rule.lost)
    same = [found.rules[24 * MINUTE, factor] for factor in GRID_FACTORS]
    assert list(curve.get_ydata()) == [100 * rule.lost for rule in same]


def test_the_explorer_begins_with_googles_first_rule_and_says_its_prices(
    explorer: Explorer,
) -> None:
    assert explorer.text == (
        "14.4x over 1h: 0.47 pages a week, 2 of 12 incidents paged, "
        "25.1% of the month's budget lost before a page."
    )
    assert explorer.set(window=24 * MINUTE, factor=3.0) == {
        "window": "24m",
        "factor": 3.0,
        "pages_a_week": 14.47,
        "seen": 10,
        "incidents": 12,
        "lost": 0.086,
    }
    labels = [control.description for control in explorer.controls.values()]
    assert labels == ["Long window", "Factor"]


def test_the_legend_lies_below_the_axes(explorer: Explorer) -> None:
    (legend,) = explorer.figure.legends
    axes = explorer.figure.axes[0]
    assert legend.get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
    assert legend.get_window_extent().x1 < explorer.figure.bbox.x1


def test_the_numbers_are_one_line(found: Frontier) -> None:
    assert plot_frontier(found).numbers == (
        "110 rules at 99.5%: pages a week, and budget lost before a page. "
        "14.4x 1h/5m 0.47 and 25.1%; 6x 6h/30m 0.47 and 33.5%; 3x 1d/2h 0.00 and 34.7%; "
        "1x 3d/6h 0.47 and 32.9%; two that page 0.70 and 25.1%; nobody paged, 34.7%."
    )


# --- what the prose says -------------------------------------------------------------------------


def test_googles_first_rule_is_on_the_frontier_and_the_second_adds_a_page_alone(
    found: Frontier,
) -> None:
    first, both = found.arms["14.4x 1h/5m"], found.arms["two that page"]
    assert first in found.best
    assert both.lost == first.lost
    assert both.pages_a_week - first.pages_a_week == pytest.approx(1 / (30 / 7))


def test_the_pages_multiply_at_the_threshold_of_a_long_weak_incident(incidents: Incidents) -> None:
    by_title = {incident.title: incident for incident in incidents}
    guardrail = by_title["guardrail blocks good answers"]
    (rule,) = one_rule(24 * MINUTE, 3)
    assert float(rule.threshold(TWO_NINES_AND_A_HALF)) == guardrail.error_ratio == 0.015  # type: ignore[union-attr]
    assert guardrail.end is not None
    assert guardrail.end - guardrail.start == timedelta(hours=5)


def test_last_months_sli_is_missed_by_463_of_1000_shuffled_months_and_the_target_by_none(
    month: Counts,
) -> None:
    daily = month.resample(DAY)
    sums = list(zip(daily.good, daily.total, strict=True))
    draw = Random(1).random
    measured = sli(sum(month.good), sum(month.total))
    assert burn_rate(measured, SLO("same", measured)) == 1
    months = []
    for _ in range(1000):
        drawn = [sums[int(draw() * 30)] for _ in range(30)]
        months.append(sum(good for good, _ in drawn) / sum(total for _, total in drawn))
    assert sum(drawn < measured for drawn in months) == 463
    assert min(months) > 0.995
