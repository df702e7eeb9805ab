"""Lesson 02: its numbers against the library, its plots, its explorer as the lesson sets it, and its goals."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.dates import num2date

from oncall import (
    SLO,
    Counts,
    budget_action,
    budget_remaining,
    burn_rate,
    exhaustion_time,
    google_policy,
    read_csv,
    sli,
)
from oncall.slo import BUDGET_POLICY
from oncall.telemetry.backtest import read_incidents
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.burn_rate import LOWEST_BURN, budget_left, plot_budget, plot_windows
from oncall.workbook.lessons.two_budgets import window_and_target
from oncall.workbook.plots.base import Plot

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "02_burn_rate.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
SLO_999 = SLO("availability", 0.999)
WINDOWS = (5 * MINUTE, HOUR, 6 * HOUR, 3 * DAY)
START = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def month() -> Counts:
    return read_csv(ROOT / "data" / "assistant_30d.csv")


@pytest.fixture(scope="module")
def incidents() -> list[tuple[datetime, datetime]]:
    labels = read_incidents(ROOT / "data" / "assistant_30d_incidents.csv")
    return [(label.start, label.end) for label in labels if label.end]


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    """What the lesson's code defines, run from top to bottom."""
    names: dict[str, Any] = {}
    here = Path.cwd()
    os.chdir(NOTEBOOK.parent)
    try:
        for cell in CELLS:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    finally:
        os.chdir(here)
    return names


def shown() -> str:
    """What the committed notebook prints."""
    outputs = [output for cell in CELLS for output in cell.get("outputs", ())]
    return "\n".join(
        "".join(out.get("text", out.get("data", {}).get("text/plain", ""))) for out in outputs
    )


def line(plot: Plot, label: str) -> Any:
    return next(line for line in plot.figure.axes[0].lines if line.get_label() == label)


def spans(plot: Plot) -> list[tuple[datetime, datetime]]:
    """The moments at which the shaded spans begin and end, to the second."""
    sides = [
        (patch.get_x(), patch.get_x() + patch.get_width()) for patch in plot.figure.axes[0].patches
    ]
    return [
        tuple((num2date(side) + timedelta(seconds=0.5)).replace(microsecond=0) for side in one)
        for one in sides
    ]


# --- the speed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("burn", "lasts"),
    [(1, 30 * DAY), (2, 15 * DAY), (10, 3 * DAY), (1000, 43.2 * MINUTE), (14.4, 50 * HOUR)],
)
def test_how_long_a_budget_lasts(burn: float, lasts: timedelta) -> None:
    assert exhaustion_time(SLO_999, burn) == lasts
    assert lasts == 30 * DAY / burn


def test_the_burn_rate_on_the_page_is_the_librarys() -> None:
    names: dict[str, Any] = {}
    exec(
        "".join(
            next(cell for cell in CELLS if "def burn_rate(" in "".join(cell["source"]))["source"]
        ),
        names,
    )
    for value in (1.0, 0.9999, 0.999, 0.9856, 0.5, 0.0):
        assert names["burn_rate"](value, 0.999) == pytest.approx(burn_rate(value, SLO_999))


def test_share_spent_is_what_a_rule_spends_before_it_fires(lesson: dict[str, Any]) -> None:
    for rule, share in zip(google_policy(), (0.02, 0.05, 0.10, 0.10), strict=True):
        assert lesson["spent"](rule.factor, rule.long / HOUR) == pytest.approx(share)
        assert rule.budget_at_fire(SLO_999) == pytest.approx(share)


def test_the_factors_of_28_days_are_those_of_the_library() -> None:
    for days in (30, 28):
        for rule in (google_policy(days * DAY)[i] for i in (0, 1, 3)):
            assert f"{rule.factor:.4g}x over {days} days" in shown()


def test_a_day_at_1x_costs_more_than_51_seconds_of_a_total_outage(lesson: dict[str, Any]) -> None:
    spent = lesson["spent"]
    assert spent(1, 24) == pytest.approx(1 / 30)
    assert spent(1000, 51 / 3600) == pytest.approx(51 / 2592)
    assert spent(1, 24) > spent(1000, 51 / 3600)


def test_a_month_at_exactly_1x_meets_its_target() -> None:
    assert burn_rate(0.999, SLO_999) == 1
    assert budget_remaining(0.999, SLO_999) == 0


# --- the budget running down ---------------------------------------------------------------------


def test_the_budget_left_at_the_end_is_that_of_the_whole_month(month: Counts) -> None:
    left = budget_left(month, SLO_999)
    assert left[-1] == pytest.approx(
        budget_remaining(sli(sum(month.good), sum(month.total)), SLO_999)
    )
    assert (np.diff(left) <= 0).all()


def test_the_slope_of_the_budget_is_the_burn_rate_where_traffic_is_even() -> None:
    counts = Counts(START, DAY, [1000] * 10 + [990] * 20, [1000] * 30)
    slopes = -np.diff(budget_left(counts, SLO("availability", 0.99))) * 30
    assert slopes == pytest.approx([0] * 9 + [1] * 20)


def test_counts_without_events_have_no_budget() -> None:
    with pytest.raises(ValueError, match="no events"):
        budget_left(Counts(START, DAY, [0], [0]), SLO_999)


def test_the_budget_is_drawn_in_percent_beside_a_steady_1x(month: Counts) -> None:
    plot = plot_budget(month, SLO_999)
    assert line(plot, "this month").get_ydata() == pytest.approx(budget_left(month, SLO_999) * 100)
    assert list(line(plot, "at a steady 1x").get_ydata()) == [100, 0]
    assert plot.figure.axes[0].get_ylabel() == "budget left, %"
    assert "UTC" in plot.figure.axes[0].get_xlabel()


def test_each_line_of_the_policy_stands_at_its_level(month: Counts) -> None:
    axes = plot_budget(month, SLO_999).figure.axes[0]
    right = axes.child_axes[0]
    names = [label.get_text() for label in right.get_yticklabels()]
    assert dict(zip(right.get_yticks(), names, strict=True)) == {
        50: "slow risky change",
        0: "freeze",
        -50: "escalate",
    }
    for level in right.get_yticks():
        assert budget_action(level / 100).action == names[list(right.get_yticks()).index(level)]


def test_every_incident_is_shaded_from_its_start_to_its_end(
    month: Counts, incidents: list[tuple[datetime, datetime]]
) -> None:
    plot = plot_budget(month, SLO_999, incidents)
    assert spans(plot) == incidents
    legend = [text.get_text() for text in plot.figure.axes[0].get_legend().get_texts()]
    assert legend == ["something is broken", "this month", "at a steady 1x"]


def test_the_line_under_the_budget_gives_the_first_minute_of_each_action(month: Counts) -> None:
    numbers, left = plot_budget(month, SLO_999).numbers, budget_left(month, SLO_999)
    for rule in BUDGET_POLICY[1:]:
        first = next(
            place for place, share in enumerate(left) if budget_action(share).spent >= rule.spent
        )
        assert (
            f"{rule.spent:.0%} spent {START + (first + 1) * MINUTE:%Y-%m-%d %H:%M} ({rule.action})"
            in numbers
        )
    assert numbers.endswith("-91.2% left on 2025-03-31 UTC.")


def test_a_level_that_is_never_reached_is_said_so() -> None:
    plot = plot_budget(Counts(START, DAY, [1000] * 30, [1000] * 30), SLO_999)
    assert plot.numbers.count("never") == 3


# --- windows -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows(month: Counts, incidents: list[tuple[datetime, datetime]]) -> Plot:
    began = incidents[2][0]
    return plot_windows(
        month, SLO_999, WINDOWS, since=began - HOUR, until=began + 8 * HOUR, incidents=incidents
    )


def test_the_burn_of_a_window_is_that_of_the_counts_in_it(
    windows: Plot, month: Counts, lesson: dict[str, Any], incidents: list[tuple[datetime, datetime]]
) -> None:
    for window, label in zip(WINDOWS, ("last 5m", "last 1h", "last 6h", "last 3d"), strict=True):
        drawn = line(windows, label).get_ydata()
        for minute in (1, 62, 89, 94, 300, 540):
            at = incidents[2][0] - HOUR + minute * MINUTE
            expected = max(LOWEST_BURN, lesson["burn_of_last"](window, at))
            assert drawn[minute - 1] == pytest.approx(expected)


def test_the_short_window_forgets_in_its_own_length_and_so_does_the_long_one(windows: Plot) -> None:
    # The outage ends at 18:41. The last bad minute leaves a window one length later.
    assert "last 5m: highest 500.3x at 18:37, back to 1x at 18:46" in windows.numbers
    assert "back to 1x at 19:41; last 6h" in windows.numbers
    assert "back to 1x at 00:41; last 3d" in windows.numbers
    assert windows.numbers.endswith("above 1x to the end.")


def test_the_windows_are_drawn_on_a_logarithmic_axis_with_their_unit(
    windows: Plot, incidents: list[tuple[datetime, datetime]]
) -> None:
    axes = windows.figure.axes[0]
    assert (axes.get_yscale(), axes.get_ylabel(), axes.get_ylim()[0]) == (
        "log",
        "burn rate, x",
        LOWEST_BURN,
    )
    assert spans(windows) == [incidents[2]]
    assert len({line.get_color() for line in axes.lines}) == len(axes.lines) == 5


# --- window and target ---------------------------------------------------------------------------


def test_the_explorer_says_in_the_lesson_what_it_says_here(
    month: Counts, incidents: list[tuple[datetime, datetime]]
) -> None:
    explorer = window_and_target(month, incidents)
    assert explorer.text in shown()
    for move in ({"target": 0.99}, {"target": 0.999, "window": 3 * DAY}):
        model = explorer.set(**move)
        assert f"'highest_burn': {model['highest_burn']}" in shown()
        assert f"'times_above': {model['times_above']}" in shown()
    assert model["times_above"] == 0
    assert np.isnan(explorer.artists["above"].get_ydata()).all()


def test_ten_times_the_budget_is_a_tenth_of_the_burn(month: Counts) -> None:
    explorer = window_and_target(month)
    three = explorer.model["highest_burn"]
    assert explorer.set(target=0.99)["highest_burn"] == pytest.approx(three / 10, abs=0.005)
    assert explorer.artists["most"].get_ydata() == pytest.approx([100, 100])


# --- goals ---------------------------------------------------------------------------------------


def test_there_are_five_goals_and_the_lesson_holds_their_numbers() -> None:
    goals = (Path(__file__).parent / "goals" / "02.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\d\. \*\*.+\?\*\*\n   \S", goals, re.MULTILINE)) == 5
    page = shown() + "".join(line for cell in CELLS for line in cell["source"])
    for number in re.findall(
        r"(?<![\w.])-?\d[\d,.]*%?", re.sub(r"^\d\. |^# \d+", "", goals, flags=re.MULTILINE)
    ):
        assert number.rstrip(",.") in page, number
