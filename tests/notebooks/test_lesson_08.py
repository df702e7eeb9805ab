"""Lesson 08: who is asked at which minute, what is gone by then, and the picture of both."""

from __future__ import annotations

from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import google_policy
from oncall.escalation import lint_escalation
from oncall.gameday.pager import LADDER
from oncall.slo import SLO, burn_rate
from oncall.times import MINUTE, SECOND
from oncall.workbook.exercises.checking import check
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.lessons.ladder import (
    DELAYS,
    PAGED_AT,
    PEOPLE,
    SHOWN,
    Climb,
    budget_gone,
    climb,
    ladder_explorer,
    plot_climb,
)
from oncall.workbook.plots import Plot
from oncall.workbook.plots.explorer import Explorer


@pytest.fixture
def explorer() -> Explorer:
    return ladder_explorer()


@pytest.fixture
def nobody() -> Plot:
    return plot_climb(climb())


def called(result: Climb) -> list[tuple[str, int, int]]:
    return [(call.who, call.start, call.end) for call in result.calls]


def boxes(collection: Any) -> list[tuple[float, float, float]]:
    """Of each bar in a collection: its left, its right and the middle of its height."""
    found = [path.get_extents() for path in collection.get_paths()]
    return [(box.x0, box.x1, round((box.y0 + box.y1) / 2, 6)) for box in found]


# --- what a minute costs -------------------------------------------------------------------------


def test_an_outage_has_spent_all_after_43_2_minutes_of_which_the_page_missed_52_seconds() -> None:
    before_the_page = google_policy()[0].detection_time(THREE_NINES, 1.0)
    assert before_the_page is not None
    assert before_the_page / SECOND == pytest.approx(51.84)
    assert budget_gone((43.2 * MINUTE - before_the_page) / MINUTE) == pytest.approx(1)
    assert burn_rate(0.0, THREE_NINES) * (43.2 * MINUTE / THREE_NINES.period) == pytest.approx(1)


@pytest.mark.parametrize(
    ("minute", "gone"), [(0, "2.0%"), (5, "13.6%"), (15, "36.7%"), (29, "69.1%"), (30, "71.4%")]
)
def test_what_is_gone_at_each_step(minute: int, gone: str) -> None:
    assert f"{budget_gone(minute):.1%}" == gone


def test_at_two_nines_a_minute_costs_a_tenth() -> None:
    lower = SLO("availability", 0.99)
    half_an_hour = budget_gone(30) - budget_gone(0)
    assert budget_gone(30, lower) - budget_gone(0, lower) == pytest.approx(half_an_hour / 10)


# --- who is asked --------------------------------------------------------------------------------


def test_the_ladder_is_the_one_of_the_course() -> None:
    assert [step.on_call(PAGED_AT) for step in LADDER.steps] == [(name,) for name in PEOPLE]
    assert [step.delay for step in LADDER.steps] == [delay * MINUTE for delay in DELAYS]
    assert lint_escalation(LADDER) == []


def test_nobody_answers() -> None:
    result = climb()
    assert called(result) == [("ana", 0, 5), ("bo", 5, 15), ("chen", 15, 30)]
    assert (result.outcome, result.ended, result.silent) == ("exhausted", 30, ((30, 90),))


@pytest.mark.parametrize(
    ("ack", "calls"),
    [
        (0, []),
        (4, [("ana", 0, 4)]),
        (5, [("ana", 0, 5)]),
        (7, [("ana", 0, 5), ("bo", 5, 7)]),
        (40, [("ana", 0, 5), ("bo", 5, 15), ("chen", 15, 30)]),
    ],
)
def test_an_ack_ends_the_asking_from_its_minute_on(
    ack: int, calls: list[tuple[str, int, int]]
) -> None:
    result = climb(ack=ack)
    assert (called(result), result.outcome, result.ended) == (calls, "acknowledged", ack)


def test_acknowledged_then_forgotten_asks_again_from_the_first_step() -> None:
    result = climb(ack=4, ack_timeout=20)
    assert called(result) == [("ana", 0, 4), ("ana", 24, 29), ("bo", 29, 39), ("chen", 39, 54)]
    assert result.silent == ((4, 24), (54, 90))


def test_what_comes_after_the_90_minutes_is_not_shown_and_what_reaches_over_is_cut() -> None:
    result = climb((30, 30, 30), ack=10, repeat=1, ack_timeout=20)
    assert called(result)[-1] == ("bo", 60, 90)
    assert result.ended == 30 + 180
    assert climb((30, 30, 30), repeat=1).silent == ()


@examples(100)
@given(
    st.tuples(*[st.integers(1, 30)] * 3),
    st.none() | st.integers(0, 45),
    st.integers(0, 2),
    st.none() | st.integers(1, 30),
)
def test_each_minute_one_person_is_asked_or_the_pager_is_silent(
    delays: tuple[int, int, int], ack: int | None, repeat: int, timeout: int | None
) -> None:
    result = climb(delays, ack=ack, repeat=repeat, ack_timeout=timeout)
    spans = sorted([(call.start, call.end) for call in result.calls] + list(result.silent))
    assert [minute for begin, end in spans for minute in range(begin, end)] == list(range(SHOWN))


# --- the pictures --------------------------------------------------------------------------------


def test_the_bars_the_dots_and_the_grey_are_the_climb(nobody: Plot) -> None:
    asked, burning = nobody.figure.axes
    bars = next(bars for bars in asked.collections if bars.get_label() == "is asked")
    assert boxes(bars) == [(0, 5, 0), (5, 15, 1), (15, 30, 2)]
    assert [label.get_text() for label in asked.get_yticklabels()] == list(PEOPLE)
    grey = next(bars for bars in burning.collections if bars.get_label() == "nobody is asked")
    assert [(left, right) for left, right, _ in boxes(grey)] == [(30, 90)]
    dots: Any = next(line for line in burning.lines if line.get_label() == "a page")
    assert list(dots.get_xdata()) == [0, 5, 15]
    assert dots.get_ydata() == pytest.approx([100 * budget_gone(minute) for minute in (0, 5, 15)])


def test_the_line_is_what_is_gone_and_the_axes_have_units(nobody: Plot) -> None:
    burning = nobody.figure.axes[1]
    line: Any = next(line for line in burning.lines if line.get_label() == "gone")
    gone = [100 * budget_gone(minute) for minute in line.get_xdata()]
    assert line.get_ydata() == pytest.approx(gone)
    assert burning.get_ylabel() == "budget gone, %"
    assert burning.get_xlabel() == "minutes after the page"
    assert burning.get_ylim()[1] > 100 * budget_gone(SHOWN)
    assert burning.get_title(loc="left").endswith("availability: 99.9% over 30d")


def test_the_legend_names_an_ack_only_where_there_is_one(nobody: Plot) -> None:
    def names(plot: Plot) -> set[str]:
        return {text.get_text() for text in plot.figure.legends[0].get_texts()}

    assert names(plot_climb(climb(ack=4))) - names(nobody) == {"acknowledged"}


def test_the_numbers_are_one_line(nobody: Plot) -> None:
    assert nobody.numbers == (
        "Paged, with the budget gone by then: "
        "ana at 0 (2.0%), bo at 5 (13.6%), chen at 15 (36.7%). "
        "It ends exhausted at minute 30, with 71.4% gone. "
        "In 90 minutes of outage 210.3% goes, and for 60 of them the pager asks nobody."
    )


def test_the_explorer_shows_what_the_function_says(explorer: Explorer) -> None:
    assert explorer.model["silent"] == 60
    assert explorer.set(ack=4)["silent"] == 86
    model = explorer.set(ack_timeout=20)
    assert (model["silent"], model["pages"]) == (56, 4)
    assert (model["outcome"], model["ended"]) == ("exhausted", 54)
    assert model["gone_then"] == f"{budget_gone(54):.1%}" == "127.0%"
    model = explorer.set(ack="never", ack_timeout="never", ana=1, bo=2, chen=3, repeat=1)
    paged = "ana at 0 (2.0%), bo at 1 (4.3%), chen at 3 (8.9%), ana at 6 (15.9%)"
    assert model["paged"].startswith(paged)
    assert (model["pages"], model["ended"], model["silent"]) == (6, 12, 78)


def test_the_explorer_draws_the_climb_and_marks_the_ack(explorer: Explorer) -> None:
    explorer.set(ack=4, ack_timeout=20)
    artists: dict[str, Any] = dict(explorer.artists)
    assert boxes(artists["calls"]) == [(0, 4, 0), (24, 29, 0), (29, 39, 1), (39, 54, 2)]
    assert [(left, right) for left, right, _ in boxes(artists["silent"])] == [(4, 24), (54, 90)]
    assert list(artists["ack"].get_xdata()) == list(artists["ack below"].get_xdata()) == [4, 4]
    assert artists["ack"].get_visible()
    explorer.set(ack="never")
    assert not artists["ack"].get_visible()


# --- the exercise --------------------------------------------------------------------------------


def test_the_library_passes_the_exercise() -> None:
    def ladder(steps: list[tuple[str, int]], ack: int | None, repeat: int) -> list[tuple[str, int]]:
        pages, minute = [], 0
        for name, delay in steps * (repeat + 1):
            if ack is not None and ack <= minute:
                break
            pages.append((name, minute))
            minute += delay
        return pages

    assert check("ladder", ladder).passed
