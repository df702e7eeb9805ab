"""Lesson 12: a fault replayed beside its evening, and how many asks are a proof."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from stored import printed

from oncall.postmortem import ActionItem, automations
from oncall.regression import ReplayCase, prove, replay, to_eval_case
from oncall.slo import asks_needed
from oncall.times import MINUTE
from oncall.workbook.exercises import recorded_incident
from oncall.workbook.lessons.asks import RATES, plan, plot_chances
from oncall.workbook.lessons.lint_and_replay import plot_replay, recorded, replayed

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "12_the_regression_case.ipynb"
SHOWN = printed(NOTEBOOK)
FIXES = ("fail_over", "serve_cached", "serve_degraded")


@pytest.fixture(scope="module")
def case() -> ReplayCase:
    return to_eval_case(recorded_incident())


@pytest.fixture(scope="module")
def items() -> tuple[ActionItem, ...]:
    return automations(recorded_incident(), owner="ana")


# --- the evening, and the same fault replayed ----------------------------------------------------


def test_the_evening_is_drawn_as_its_measures_tell_it() -> None:
    minutes, levels = zip(*recorded(recorded_incident()), strict=True)
    assert minutes == (0, 18, 24, 25, 26, 27, 28, 29)
    assert [round(level, 2) for level in levels] == [0.50, 0.50, 0.50, 0.85, 0.85, 0.95, 1.00, 1.00]


def test_an_incident_that_is_not_over_is_drawn_as_far_as_it_was_measured() -> None:
    early = replace(recorded_incident(), events=recorded_incident().events[:2])
    assert [minute for minute, _ in recorded(early)] == [0]


def test_a_replay_climbs_with_each_automation_and_else_stays_down(case: ReplayCase) -> None:
    climb = [(minute, round(sli, 2)) for minute, sli in replayed(case, FIXES)]
    assert climb == [(0, 0.50), (19, 0.85), (21, 0.95), (22, 1.00)]
    assert [round(sli, 2) for _, sli in replayed(case)] == [0.50]


def test_the_replay_is_drawn_with_its_page_its_limit_and_its_target(case: ReplayCase) -> None:
    axes = plot_replay(case, recorded_incident(), FIXES).figure.axes[0]
    lines: dict[str, Any] = {str(line.get_label()): line for line in axes.lines}
    assert list(lines["page"].get_xdata()) == [18, 18]
    assert list(lines["target"].get_ydata()) == [99, 99]
    assert list(lines["replayed with the fix"].get_xdata()) == [0, 19, 21, 22, 35]
    assert set(lines["replayed, nothing automated"].get_ydata()) == {100 * replayed(case)[0][1]}
    assert lines["as recorded"].get_xdata()[-1] == 29
    (late,) = [patch for patch in axes.patches if patch.get_label() == "too late"]
    assert late.get_window_extent().x0 == pytest.approx(axes.transData.transform((25, 0))[0])
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("good, %", "minutes since the fault")


def test_the_replays_numbers_are_one_line(case: ReplayCase) -> None:
    assert plot_replay(case, recorded_incident(), FIXES).numbers == (
        "49.8% good from the fault on, paged after 18m, limit 25m. "
        "As recorded: mitigated after 29m. Replayed, nothing automated: not restored. "
        "Replayed with the fix: 84.9% from minute 19, 95.0% from minute 21, "
        "100.0% from minute 22; restored after 23m."
    )


# --- the numbers of the lesson -------------------------------------------------------------------


def test_of_21_limits_18_pass_and_6_prove(items: tuple[ActionItem, ...]) -> None:
    evening, passing, proving = recorded_incident(), [], []
    for limit in range(20, 41):
        case = to_eval_case(evening, restore_within=limit * MINUTE)
        if replay(case, FIXES).passed:
            passing.append(limit)
        if prove(case, evening, items).passed:
            proving.append(limit)
    assert passing == list(range(23, 41))
    assert proving == list(range(23, 29))


@pytest.mark.parametrize("left_out", FIXES)
def test_without_any_one_automation_nothing_is_proved(
    case: ReplayCase, items: tuple[ActionItem, ...], left_out: str
) -> None:
    rest = [item for item in items if item.automates != left_out]
    assert len(rest) == 2
    assert not prove(case, recorded_incident(), rest).passed


# --- how many asks are a proof -------------------------------------------------------------------


def passes(asks: int, needed: int, wrong: float) -> float:
    """The chance to pass, by going through every way in which the asks can turn out."""
    total = 0.0
    for answers in product((True, False), repeat=asks):
        good = sum(answers)
        if good >= needed:
            total += (1 - wrong) ** good * wrong ** (asks - good)
    return total


@pytest.mark.parametrize(("asks", "needed"), [(1, 1), (10, 8), (10, 10)])
def test_the_curve_is_the_chance_of_all_ways_to_pass(asks: int, needed: int) -> None:
    [curve, _] = plot_chances([(asks, needed)]).figure.axes[0].get_lines()
    for rate, chance in list(zip(RATES, curve.get_ydata(), strict=True))[::40]:
        assert chance / 100 == pytest.approx(passes(asks, needed, float(rate)))
    assert f"{passes(asks, needed, 0.2):.1%}" in SHOWN


def test_59_asks_and_not_58_exclude_one_in_twenty() -> None:
    assert asks_needed(0.05) == 59
    assert plan(58, 58).chance(0.05) > 0.05 >= plan(59, 59).chance(0.05)


def test_fifty_good_cases_are_seldom_all_green() -> None:
    assert passes(1, 1, 0.02) ** 50 == pytest.approx(0.364, abs=0.001)
    assert "The answer: 36%" in SHOWN


def test_eighteen_of_twenty_parts_the_healthy_from_the_broken(lesson: dict[str, Any]) -> None:
    prompt = lesson["prompt"]
    assert (prompt.asks, prompt.passes_needed) == (20, 18)
    for wrong in (0.02, 0.2):
        assert f"passes {passes_by_counting(20, 18, wrong):.1%}" in SHOWN


def passes_by_counting(asks: int, needed: int, wrong: float) -> float:
    """The same chance, by adding one ask at a time."""
    chances = [1.0]
    for _ in range(asks):
        chances = [
            (chances[good] * wrong if good < len(chances) else 0.0)
            + (chances[good - 1] * (1 - wrong) if good else 0.0)
            for good in range(len(chances) + 1)
        ]
    return sum(chances[needed:])
