"""Lesson 10: the cards played, with a look after each and without, and what users got."""

from __future__ import annotations

import re
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from stored import cell_with, cells, source

from oncall.catalogue import RUNBOOKS
from oncall.mitigations import FLOORS, MITIGATIONS
from oncall.mock_system import MockSystem
from oncall.runbook import run_runbook
from oncall.slo import SLO
from oncall.workbook.exercises import check
from oncall.workbook.lessons.card_deck import (
    CARD_TARGETS,
    CARDS,
    NOT_PLAYED,
    ORDER,
    STARTED,
    SYMPTOM,
    Hand,
    card_deck_explorer,
    play_cards,
    plot_cards,
    run_as_text,
    runbook_of,
)
from oncall.workbook.plots.explorer import Explorer

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "10_runbooks.ipynb"
DEALS = list(permutations(CARDS, 3))
TARGETS = list(CARD_TARGETS.values())
PLACES = ("first", "second", "third")


@pytest.fixture
def explorer() -> Explorer:
    return card_deck_explorer()


def availabilities(hand: Hand) -> list[float]:
    return [play.availability for play in hand.plays]


# --- the cards -----------------------------------------------------------------------------------


def test_the_order_is_the_runbooks_own_and_one_card_is_wrong_for_this_symptom() -> None:
    assert tuple(mitigation.name for mitigation in RUNBOOKS[SYMPTOM].mitigations) == ORDER
    assert set(CARDS) - set(ORDER) == {"hedge_requests"}


def test_the_three_cards_lift_50_to_85_95_and_100() -> None:
    hand = play_cards(target=0.99)
    assert availabilities(hand) == [0.85, 0.95, 1.0]
    assert [play.minute for play in hand.plays] == [2, 4, 5]
    assert (hand.healthy, hand.minutes, hand.quality) == (True, 5, 0.95)


def test_exactly_at_the_target_it_stops() -> None:
    hand = play_cards(target=0.95)
    assert [play.outcome for play in hand.plays] == ["kept", "kept", NOT_PLAYED]
    assert (hand.availability, hand.quality, hand.minutes, hand.healthy) == (0.95, 1.0, 4, True)


def test_the_wrong_card_is_taken_back_by_who_looks_and_left_in_by_who_trusts() -> None:
    deal = ("hedge_requests", "fail_over", "serve_cached")
    looked, trusted = play_cards(deal), play_cards(deal, verify=False)
    assert availabilities(looked) == [0.45, 0.85, 0.95]
    assert looked.plays[0].outcome == "rolled back: it did not help"
    assert (looked.minutes, looked.healthy) == (7, True)
    assert availabilities(trusted) == [0.45, 0.835, 0.945]
    assert {play.outcome for play in trusted.plays} == {"command succeeded"}
    assert not trusted.healthy


def test_the_apology_first_is_green_and_red() -> None:
    first = play_cards(("serve_degraded", "fail_over", "serve_cached")).plays[0]
    assert (first.availability, first.quality) == (1.0, 0.5)
    assert first.quality < FLOORS["quality"]
    assert first.outcome == "rolled back: it harmed quality"


def test_caching_everything_is_green_and_red_too_and_in_no_runbook() -> None:
    system = MockSystem(SYMPTOM, ["cache_everything"])
    slis = {name: float(share) for name, share in system.slis.items()}
    assert slis == {"availability": 1.0, "quality": 0.65}
    assert system.harmed == ("quality",)
    for runbook in RUNBOOKS.values():
        assert "cache_everything" not in [card.name for card in runbook.mitigations]


def test_a_card_that_is_in_effect_already_is_not_played_again() -> None:
    hand = play_cards(("fail_over", "fail_over", "serve_cached"))
    assert [play.outcome for play in hand.plays] == ["kept", NOT_PLAYED, "kept"]


def test_a_card_played_last_and_taken_back_takes_its_minute_too() -> None:
    hand = play_cards(("fail_over", "serve_degraded", "hedge_requests"))
    assert hand.plays[-1].outcome.startswith("rolled back")
    assert hand.minutes == hand.plays[-1].minute + 1


@pytest.mark.parametrize(("target", "looks", "trusts"), [(0.95, 12, 6), (0.99, 2, 6)])
def test_in_how_many_of_the_24_deals_each_responder_ends_healthy(
    target: float, looks: int, trusts: int
) -> None:
    assert len(DEALS) == 24
    assert sum(play_cards(deal, target).healthy for deal in DEALS) == looks
    assert sum(play_cards(deal, target, verify=False).healthy for deal in DEALS) == trusts


@examples(60)
@given(st.permutations(CARDS), st.sampled_from(TARGETS))
def test_who_looks_ends_where_the_runbook_does(deal: list[str], target: float) -> None:
    system = MockSystem(SYMPTOM)
    run = run_runbook(runbook_of(*deal), system, slo=SLO("availability", target), at=STARTED)
    hand = play_cards(deal, target)
    assert (hand.availability, hand.healthy) == (system.sli, run.healthy)
    played = [play for play in hand.plays if play.outcome != NOT_PLAYED]
    assert [(play.card, play.availability, play.outcome) for play in played] == [
        (step.mitigation.name, step.after, step.outcome) for step in run.steps
    ]


def test_a_run_as_text_has_one_line_per_step() -> None:
    slo = SLO("availability", 0.85)
    run = run_runbook(RUNBOOKS[SYMPTOM], MockSystem(SYMPTOM), slo=slo, at=STARTED)
    assert run_as_text(run) == "03:02 UTC fail_over: 0.500 → 0.850, kept\nat the end: healthy"


# --- what the prose says of the data -------------------------------------------------------------


def test_what_cannot_be_undone_comes_last_and_needs_approval() -> None:
    for runbook in RUNBOOKS.values():
        flags = [mitigation.reversible for mitigation in runbook.mitigations]
        assert flags == sorted(flags, reverse=True)
        for mitigation in runbook.mitigations:
            assert mitigation.reversible or mitigation.needs_approval


def test_serve_cached_helps_six_symptoms_and_harms_two() -> None:
    def change(symptom: str) -> float:
        return MockSystem(symptom, ["serve_cached"]).sli - MockSystem(symptom).sli

    changes = {symptom: change(symptom) for symptom in RUNBOOKS}
    harmed = {symptom for symptom, by in changes.items() if by < 0}
    assert harmed == {"stale_index", "poisoned_cache"}
    assert sum(by == 0 for by in changes.values()) == 5
    assert len(changes) == 13


@pytest.mark.parametrize(("answer", "sli"), [(False, 0.98), (True, 0.996)])
def test_the_storm_needs_the_approval_to_reach_99_percent(answer: bool, sli: float) -> None:
    system, slo = MockSystem("rate_limit_storm"), SLO("availability", 0.99)
    runbook = RUNBOOKS["rate_limit_storm"]
    run = run_runbook(runbook, system, slo=slo, at=STARTED, approve=lambda card: answer)
    assert (system.sli, run.healthy, run.steps[-1].refused) == (sli, answer, not answer)


# --- the picture ---------------------------------------------------------------------------------


def heights(artists: dict[str, Any], name: str) -> list[float]:
    return [artists[f"{name} {place}"].get_height() for place in range(4)]


def test_the_bars_are_the_slis_before_and_after_each_card(explorer: Explorer) -> None:
    artists: dict[str, Any] = dict(explorer.artists)
    explorer.set(target=0.99)
    assert heights(artists, "availability") == pytest.approx([50, 85, 95, 100])
    assert heights(artists, "quality") == pytest.approx([100, 100, 100, 95])
    assert list(artists["target"].get_ydata()) == [99, 99]
    explorer.set(target=0.85)
    assert heights(artists, "availability") == pytest.approx([50, 85, 0, 0])
    assert artists["words 2"].get_text() == "serve_cached\nnot needed"


def test_the_words_over_the_bars_name_card_minute_and_outcome(explorer: Explorer) -> None:
    explorer.set(first="hedge_requests", second="serve_degraded")
    artists: dict[str, Any] = dict(explorer.artists)
    words = [artists[f"words {place}"].get_text() for place in range(3)]
    assert words == [
        "50% of the\nrequests fail",
        "hedge_requests\nminute 2: rolled back\ndid not help",
        "serve_degraded\nminute 4: rolled back\nharmed quality",
    ]


@pytest.mark.parametrize("responder", ["verifies", "trusts"])
def test_the_words_over_the_bars_do_not_overlap(explorer: Explorer, responder: str) -> None:
    for deal in DEALS:
        cards = dict(zip(PLACES, deal, strict=True))
        explorer.set(**cards, target=0.99, responder=responder)
        spans = [explorer.artists[f"words {place}"].get_window_extent() for place in range(4)]
        assert all(left.x1 < right.x0 for left, right in pairwise(spans))
        assert max(span.x1 for span in spans) <= explorer.figure.bbox.x1
        top = explorer.figure.axes[0].get_window_extent().y1
        assert max(span.y1 for span in spans) < top


def test_the_axis_has_its_unit_and_a_name_for_each_place() -> None:
    axes = plot_cards(play_cards()).figure.axes[0]
    assert axes.get_ylabel() == "good, %"
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["before", "first card", "second card", "third card"]
    lines: dict[str, Any] = {str(line.get_label()): line for line in axes.lines}
    floor = lines["least quality that users accept"]
    assert list(floor.get_ydata()) == [90, 90]


def test_the_explorer_shows_what_the_function_says(explorer: Explorer) -> None:
    for deal, target, responder in product(DEALS[::5], TARGETS, ("verifies", "trusts")):
        cards = dict(zip(PLACES, deal, strict=True))
        model = explorer.set(**cards, target=target, responder=responder)
        hand = play_cards(deal, target, verify=responder == "verifies")
        assert model["availability"] == round(hand.availability, 4)
        assert model["quality"] == round(hand.quality, 4)
        assert (model["minutes"], model["healthy"]) == (hand.minutes, hand.healthy)
        assert explorer.text == plot_cards(hand).numbers


def test_the_numbers_are_one_line() -> None:
    hand = play_cards(("serve_degraded", "fail_over", "serve_cached"))
    assert plot_cards(hand).numbers == (
        "Availability 50%; "
        "serve_degraded 100.0% and quality 50.0% at minute 1, rolled back: it harmed quality; "
        "fail_over 85.0% at minute 4, kept; serve_cached 95.0% at minute 6, kept. "
        "After 6 minutes availability is 95.0% and quality 100.0%: "
        "healthy, at a target of 95%."
    )


# --- the exercise and the goals ------------------------------------------------------------------


def test_the_worked_answer_keeps_what_the_library_keeps() -> None:
    solution = NOTEBOOK.parent / "solutions" / NOTEBOOK.name
    names: dict[str, Any] = {}
    [code] = [source(cell) for cell in cells(solution, "code") if "def respond(" in source(cell)]
    exec(code, names)
    assert check("respond", names["respond"]).passed
    system = MockSystem(SYMPTOM)

    def look() -> tuple[float, bool]:
        return system.sli, bool(system.harmed)

    order = ["serve_degraded", "hedge_requests", "fail_over", "serve_cached"]
    service = (look, lambda name: True, system.apply, system.rollback)
    kept = names["respond"](order, *service, 0.95)
    assert kept == list(ORDER[:2]) == list(system.applied)


def test_the_goals_name_mitigations_of_the_catalogue_only() -> None:
    text = source(cell_with(NOTEBOOK, "## From memory"))
    assert set(re.findall(r"`(\w+)`", text)) <= set(MITIGATIONS)
