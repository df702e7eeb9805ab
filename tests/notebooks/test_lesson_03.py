"""Lesson 03: its numbers against the library, its plots, and its explorer as the lesson sets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.dates import num2date
from stored import cells, printed, source

from oncall import (
    SLO,
    BurnRule,
    Counts,
    alert_intervals,
    budget_action,
    budget_remaining,
    burn_rate,
    exhaustion_time,
    google_policy,
    sli,
)
from oncall.slo import BUDGET_POLICY
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.burn_rate import (
    LOWEST_BURN,
    budget_left,
    burn_rate_explorer,
    plot_budget,
    plot_windows,
    windowed_burn,
)
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.plots import Plot

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_burn_rate.ipynb"
SHOWN = printed(NOTEBOOK)
WINDOWS = (5 * MINUTE, HOUR, 6 * HOUR, 3 * DAY)
START = datetime(2025, 3, 1, tzinfo=UTC)
Spans = list[tuple[datetime, datetime]]


def line(plot: Plot, label: str) -> Any:
    return next(line for line in plot.figure.axes[0].lines if line.get_label() == label)


def shaded(plot: Plot) -> Spans:
    """The spans that are shaded, to the second."""

    def moment(days: float) -> datetime:
        return (num2date(days) + timedelta(seconds=0.5)).replace(microsecond=0)

    patches: list[Any] = list(plot.figure.axes[0].patches)
    return [(moment(patch.get_x()), moment(patch.get_x() + patch.get_width())) for patch in patches]


# --- the speed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("burn", "lasts"),
    [(1, 30 * DAY), (2, 15 * DAY), (10, 3 * DAY), (1000, 43.2 * MINUTE), (14.4, 50 * HOUR)],
)
def test_how_long_a_budget_lasts(burn: float, lasts: timedelta) -> None:
    assert exhaustion_time(THREE_NINES, burn) == lasts
    assert lasts == 30 * DAY / burn


def test_the_burn_rate_on_the_page_is_the_librarys() -> None:
    code = map(source, cells(NOTEBOOK, "code"))
    names: dict[str, Any] = {}
    exec(next(cell for cell in code if "def burn_rate(" in cell), names)
    for value in (1.0, 0.9999, 0.999, 0.9856, 0.5, 0.0):
        assert names["burn_rate"](value, 0.999) == pytest.approx(burn_rate(value, THREE_NINES))


def test_share_spent_is_what_a_rule_spends_before_it_fires(lesson: dict[str, Any]) -> None:
    for rule, share in zip(google_policy(), (0.02, 0.05, 0.10, 0.10), strict=True):
        assert lesson["spent"](rule.factor, rule.long / HOUR) == pytest.approx(share)
        assert rule.budget_at_fire(THREE_NINES) == pytest.approx(share)


def test_the_factors_of_28_days_are_those_of_the_library() -> None:
    for days in (30, 28):
        for rule in (google_policy(days * DAY)[i] for i in (0, 1, 3)):
            assert f"{rule.factor:.4g}x over {days} days" in SHOWN


def test_a_day_at_1x_costs_more_than_51_seconds_of_a_total_outage(lesson: dict[str, Any]) -> None:
    spent = lesson["spent"]
    assert spent(1, 24) == pytest.approx(1 / 30)
    assert spent(1000, 51 / 3600) == pytest.approx(51 / 2592)
    assert spent(1, 24) > spent(1000, 51 / 3600)


def test_a_month_at_exactly_1x_meets_its_target() -> None:
    assert burn_rate(0.999, THREE_NINES) == 1
    assert budget_remaining(0.999, THREE_NINES) == 0


# --- the budget running down ---------------------------------------------------------------------


def test_the_budget_left_at_the_end_is_that_of_the_whole_month(month: Counts) -> None:
    left = budget_left(month, THREE_NINES)
    assert left[-1] == pytest.approx(
        budget_remaining(sli(sum(month.good), sum(month.total)), THREE_NINES)
    )
    assert (np.diff(left) <= 0).all()


def test_the_slope_of_the_budget_is_the_burn_rate_where_traffic_is_even() -> None:
    counts = Counts(START, DAY, [1000] * 10 + [990] * 20, [1000] * 30)
    slopes = -np.diff(budget_left(counts, SLO("availability", 0.99))) * 30
    assert slopes == pytest.approx([0] * 9 + [1] * 20)


def test_counts_without_events_have_no_budget() -> None:
    with pytest.raises(ValueError, match="no events"):
        budget_left(Counts(START, DAY, [0], [0]), THREE_NINES)


def test_the_budget_is_drawn_in_percent_beside_a_steady_1x(month: Counts) -> None:
    plot = plot_budget(month, THREE_NINES)
    assert line(plot, "this month").get_ydata() == pytest.approx(
        budget_left(month, THREE_NINES) * 100
    )
    assert list(line(plot, "at a steady 1x").get_ydata()) == [100, 0]
    assert plot.figure.axes[0].get_ylabel() == "budget left, %"
    assert "UTC" in plot.figure.axes[0].get_xlabel()


def test_each_line_of_the_policy_stands_at_its_level(month: Counts) -> None:
    axes = plot_budget(month, THREE_NINES).figure.axes[0]
    right = axes.child_axes[0]
    names = [label.get_text() for label in right.get_yticklabels()]
    assert dict(zip(right.get_yticks(), names, strict=True)) == {
        50: "slow risky change",
        0: "freeze",
        -50: "escalate",
    }
    for level in right.get_yticks():
        assert budget_action(level / 100).action == names[list(right.get_yticks()).index(level)]


def test_every_incident_is_shaded_from_its_start_to_its_end(month: Counts, broken: Spans) -> None:
    plot = plot_budget(month, THREE_NINES, broken)
    assert shaded(plot) == broken
    legend = [text.get_text() for text in plot.figure.axes[0].get_legend().get_texts()]
    assert legend == ["something is broken", "this month", "at a steady 1x"]


def test_the_line_under_the_budget_gives_the_first_minute_of_each_action(month: Counts) -> None:
    numbers, left = plot_budget(month, THREE_NINES).numbers, budget_left(month, THREE_NINES)
    for rule in BUDGET_POLICY[1:]:
        reached = [budget_action(share).spent >= rule.spent for share in left].index(True)
        when = f"{START + (reached + 1) * MINUTE:%Y-%m-%d %H:%M}"
        assert f"{rule.spent:.0%} spent {when} ({rule.action})" in numbers
    assert numbers.endswith("-91.2% left on 2025-03-31 UTC.")


def test_a_level_that_is_never_reached_is_said_so() -> None:
    plot = plot_budget(Counts(START, DAY, [1000] * 30, [1000] * 30), THREE_NINES)
    assert plot.numbers.count("never") == 3


# --- windows -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows(month: Counts, broken: Spans) -> Plot:
    began = broken[2][0]
    view = {"since": began - HOUR, "until": began + 8 * HOUR}
    return plot_windows(month, THREE_NINES, WINDOWS, incidents=broken, **view)


def test_the_burn_of_a_window_is_that_of_the_counts_in_it(
    windows: Plot, lesson: dict[str, Any], broken: Spans
) -> None:
    for window, label in zip(WINDOWS, ("last 5m", "last 1h", "last 6h", "last 3d"), strict=True):
        drawn = line(windows, label).get_ydata()
        for minute in (1, 62, 89, 94, 300, 540):
            at = broken[2][0] - HOUR + minute * MINUTE
            expected = max(LOWEST_BURN, lesson["burn_of_last"](window, at))
            assert drawn[minute - 1] == pytest.approx(expected)


def test_the_short_window_forgets_in_its_own_length_and_so_does_the_long_one(windows: Plot) -> None:
    # The outage ends at 18:41. The last bad minute leaves a window one length later.
    assert "last 5m: highest 500.3x at 18:37, back to 1x at 18:46" in windows.numbers
    assert "back to 1x at 19:41; last 6h" in windows.numbers
    assert "back to 1x at 00:41; last 3d" in windows.numbers
    assert windows.numbers.endswith("above 1x to the end.")


def test_the_windows_are_drawn_on_a_logarithmic_axis_with_their_unit(
    windows: Plot, broken: Spans
) -> None:
    axes = windows.figure.axes[0]
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "burn rate, x")
    assert axes.get_ylim()[0] == LOWEST_BURN
    assert shaded(windows) == [broken[2]]
    assert len({line.get_color() for line in axes.lines}) == len(axes.lines) == 5


# --- window and target ---------------------------------------------------------------------------


def test_the_explorer_says_in_the_lesson_what_it_says_here(month: Counts, broken: Spans) -> None:
    explorer = burn_rate_explorer(month, broken)
    assert explorer.text in SHOWN
    page = " ".join(SHOWN.split())
    for move in ({"target": 0.99}, {"target": 0.999, "window": 3 * DAY}):
        model = explorer.set(**move)
        assert explorer.text in page
    assert model["times_above"] == 0
    assert np.isnan(explorer.artists["above"].get_ydata()).all()


def test_the_threshold_is_the_learners(month: Counts) -> None:
    explorer = burn_rate_explorer(month)
    low, high = explorer.at(threshold=6), explorer.at(threshold=100)
    assert low.model["times_above"] > explorer.model["times_above"] > high.model["times_above"]
    assert "Above 6x " in low.text
    explorer.set(threshold=36)
    assert explorer.artists["threshold"].get_ydata()[0] == 36


def test_ten_times_the_budget_is_a_tenth_of_the_burn(month: Counts) -> None:
    explorer = burn_rate_explorer(month)
    three = explorer.model["highest_burn"]
    assert explorer.set(target=0.99)["highest_burn"] == pytest.approx(three / 10, abs=0.005)
    assert explorer.artists["outage"].get_ydata() == pytest.approx([100, 100])


def test_an_hour_of_the_bundled_month_at_three_nines(month: Counts) -> None:
    assert burn_rate_explorer(month).model == {
        "window_minutes": 60,
        "target": 0.999,
        "threshold": 14.4,
        "total_outage_burn": 1000.0,
        "highest_burn": 294.41,
        "highest_at": "2025-03-11T00:48:00Z",
        "hours_to_empty": 2.45,
        "times_above": 8,
        "minutes_above": 902,
    }


def test_at_90_percent_even_a_total_outage_does_not_reach_the_threshold() -> None:
    counts = Counts(START, MINUTE, [10] * 60 + [0] * 30, [10] * 90)
    model = burn_rate_explorer(counts).set(target=0.9, window=5 * MINUTE)
    assert (model["total_outage_burn"], model["highest_burn"], model["times_above"]) == (10, 10, 0)


@pytest.mark.parametrize(
    ("window", "target"), [(5 * MINUTE, 0.999), (HOUR, 0.999), (6 * HOUR, 0.9995)]
)
def test_what_is_above_the_threshold_is_what_the_alert_evaluator_fires(
    month: Counts, window: timedelta, target: float
) -> None:
    part = month.slice(month.start + 9 * DAY, month.start + 13 * DAY)
    slo = SLO("availability", target)
    fired = alert_intervals(part, slo, (BurnRule(window, window, 14.4),))
    model = burn_rate_explorer(part).set(window=window, target=target)
    assert model["times_above"] == len(fired)
    minutes = [((alert.end or part.end) - alert.start) // MINUTE for alert in fired]
    assert model["minutes_above"] == sum(minutes)


def test_an_alert_firing_at_the_end_of_the_data_counts_to_the_end() -> None:
    counts = Counts(START, MINUTE, [10] * 60 + [0] * 30, [10] * 90)
    model = burn_rate_explorer(counts).set(window=5 * MINUTE, target=0.99)
    assert (model["times_above"], model["minutes_above"]) == (1, 29)
    assert model["highest_at"] == "2025-03-01T01:05:00Z"


def test_a_month_without_a_failure_lasts_for_ever() -> None:
    explorer = burn_rate_explorer(Counts(START, MINUTE, [5] * 400, [5] * 400))
    assert (explorer.model["highest_burn"], explorer.model["hours_to_empty"]) == (0, None)
    assert "lasts for ever" in explorer.text


def test_counts_without_events_are_an_error() -> None:
    with pytest.raises(ValueError, match="hold no events"):
        burn_rate_explorer(Counts(START, MINUTE, [0] * 60, [0] * 60))


def test_the_drawn_curve_keeps_the_highest_burn_and_is_red_where_it_is_above(month: Counts) -> None:
    explorer = burn_rate_explorer(month)
    series = windowed_burn(month, THREE_NINES, HOUR)
    assert explorer.artists["burn"].get_ydata().max() == np.nanmax(series.burn)
    red = explorer.artists["above"].get_ydata()
    assert np.nanmin(red) > 14.4
    assert np.nanmax(red) == np.nanmax(series.burn)
    assert explorer.artists["outage"].get_ydata() == pytest.approx([1000, 1000])


def test_the_spans_of_the_incidents_are_shaded(month: Counts, broken: Spans) -> None:
    axes = burn_rate_explorer(month, broken).figure.axes[0]
    assert len(axes.patches) == len(broken) == 12
    assert [patch.get_label() for patch in axes.patches][:2] == ["something is broken", ""]
