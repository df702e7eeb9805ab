"""Lesson 02: a night under two definitions, and what a judged sample can tell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.dates import num2date
from stored import printed

from oncall.slo import share_interval, true_share
from oncall.workbook.lessons.night import LAST, known_at, moment, play_night, read_waves
from oncall.workbook.lessons.what_is_good import SIZES, plot_definitions, plot_sample_sizes

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "02_what_is_good.ipynb"
SHOWN = printed(NOTEBOOK)
WAVES = read_waves(ROOT / "data" / "public_incidents.csv")
EVERYTHING = play_night(WAVES)
WITHOUT = play_night(WAVES, valid=lambda status: not 400 <= status < 500)


# --- the night -----------------------------------------------------------------------------------


def test_the_second_fault_was_logged_as_499_and_vanishes_without_4xx() -> None:
    assert [wave.status for wave in WAVES] == [530, 499]
    during = WITHOUT.counts.slice(moment("00:07"), moment("01:37"))
    assert sum(during.good) == sum(during.total) > 0
    assert WITHOUT.alerts == ((moment("23:48:52"), moment("00:21:52")),)
    assert EVERYTHING.alerts == ((moment("23:48:52"), moment("02:06:36")),)
    # 4 minutes of all requests; the budget is taken of even traffic, so nothing else moves.
    assert known_at(WITHOUT, LAST).spent == pytest.approx(4 / 43.2)


def test_leaving_out_530_takes_the_first_fault_instead() -> None:
    night = play_night(WAVES, valid=lambda status: status < 500)
    assert night.alerts[0][0] > moment("00:07")
    assert known_at(night, LAST).spent == pytest.approx(90 * 0.45 / 43.2)


def test_the_picture_shows_both_definitions_and_when_the_alert_fires() -> None:
    plot = plot_definitions({"all": EVERYTHING, "some": WITHOUT})
    top, lanes = plot.figure.axes
    lows = [step.get_data().values.min() for step in top.patches]
    assert lows == [0, 0]  # the first fault
    middle = [step.get_data().values[60] for step in top.patches]  # 00:40
    assert middle == pytest.approx([55, 100])
    bars = [bars.get_paths()[0].get_extents() for bars in lanes.collections]
    ends = [num2date(extent.x1).replace(microsecond=0, second=0) for extent in bars]
    assert [f"{end:%H:%M}" for end in ends] == ["02:06", "00:21"]
    assert "some: 9.26% of the month's budget, alert 23:48:52 to 00:21:52." in plot.numbers


def test_the_day_counted_three_ways(lesson: dict[str, Any]) -> None:
    slis = {}
    for name, valid in lesson["definitions"].items():
        total = sum(n for status, n in lesson["day"].items() if valid(status))
        good = lesson["day"][200]
        slis[name] = good / total
        assert f"{good:,} of {total:,} good: {good / total:.2%}" in SHOWN
    assert slis["all count"] < 0.99 < slis["429 and 499 kept"] < slis["4xx left out"]


def test_good_means_answered_in_time_and_known(lesson: dict[str, Any]) -> None:
    good = lesson["good"]
    assert good(200, 2000)
    assert not any([good(200, 2001), good(200, None), good(503, 1), good(499, 1)])


# --- a sample, and its judge ---------------------------------------------------------------------


@pytest.mark.parametrize(("part", "total"), [(192, 200), (1, 7), (7, 7), (0, 3), (1920, 2000)])
def test_both_ends_of_the_range_are_z_standard_errors_from_the_sample(
    part: int, total: int
) -> None:
    for end in share_interval(part, total):
        error = math.sqrt(max(0, end * (1 - end)) / total)
        assert abs(part / total - end) == pytest.approx(1.959964 * error, abs=1e-6)


def test_200_judgements_cannot_tell_95_from_97_percent_and_2000_can() -> None:
    low, high = share_interval(192, 200)
    assert low < 0.95 < 0.97 < high
    assert share_interval(960, 1000)[1] > 0.97
    low, high = share_interval(1920, 2000)
    assert 0.95 < low < high < 0.97


def test_the_picture_of_sizes_draws_each_range() -> None:
    plot = plot_sample_sizes(0.96)
    [ranges] = [lines for lines in plot.figure.axes[0].collections if len(lines.get_segments()) > 1]
    for size, segment in zip(SIZES, ranges.get_segments(), strict=True):
        expected = [100 * end for end in share_interval(round(0.96 * size), size)]
        assert segment[:, 1] == pytest.approx(expected)
        assert f"{size:,}: {expected[0]:.1f}% to {expected[1]:.1f}%" in plot.numbers


def test_the_corrected_share_is_what_the_judge_was_given(lesson: dict[str, Any]) -> None:
    for truth in (0.0, 0.3, 0.85, 1.0):
        assert true_share(lesson["judged"](truth), 0.99, 0.3) == pytest.approx(truth)
    fall = lesson["judged"](0.95) - lesson["judged"](0.85)
    assert fall == pytest.approx(0.069)
