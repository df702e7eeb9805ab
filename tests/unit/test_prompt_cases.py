"""Prompt cases: a question that went wrong, and what tells a good answer to it from a bad one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from recorded_outage import SECOND, START, asked, outage

from oncall.regression import judge_answer, prove, to_eval_case, to_prompt_case
from oncall.times import HOUR


def test_a_prompt_case_holds_the_recorded_sample() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    assert case.input == "What is the capital of France?"
    assert (case.bad_output, case.good_output) == ("Lyon", "Paris, of course")


def test_a_prompt_case_and_a_replay_case_of_one_incident_can_stand_side_by_side() -> None:
    assert to_prompt_case(asked(), must_contain=["Paris"]).id != to_eval_case(asked()).id


def test_the_last_sample_is_the_one() -> None:
    incident = asked().sample("And of Italy?", "Turin", "Rome", at=START + 2 * HOUR, by="ana")
    assert to_prompt_case(incident, must_contain=["Rome"]).input == "And of Italy?"
    verdict = prove(to_prompt_case(asked(), must_contain=["Paris"]), incident)
    differs = "the case differs from INC-001 in input, bad_output, good_output"
    assert verdict.why == f"not proved: {differs}"


@pytest.mark.parametrize("demands", [{"must_contain": ["Paris"]}, {"must_not_contain": ["Lyon"]}])
def test_the_recorded_bad_output_fails_and_the_good_one_passes(demands: dict[str, Any]) -> None:
    case = to_prompt_case(asked(), **demands)
    assert not judge_answer(case, case.bad_output).passed
    assert judge_answer(case, case.good_output).passed
    assert prove(case, asked()).passed


@pytest.mark.parametrize(
    ("demands", "why"),
    [
        ({"must_contain": ["Lyon"]}, "recorded bad output passes"),
        ({"must_not_contain": ["Rome"]}, "recorded bad output passes"),
        ({"must_contain": ["Paris", "Seine"]}, "recorded good output fails: 'Seine' is missing"),
        ({"must_not_contain": ["Lyon", "course"]}, "recorded good output fails: 'course' is there"),
    ],
)
def test_demands_that_do_not_tell_bad_from_good_are_refused(
    demands: dict[str, Any], why: str
) -> None:
    verdict = prove(to_prompt_case(asked(), **demands), asked())
    assert not verdict.passed
    assert why in verdict.why


def test_demands_do_not_mind_case() -> None:
    case = to_prompt_case(asked(), must_contain=["PARIS"], must_not_contain=["lyon"])
    assert judge_answer(case, "paris").passed
    assert not judge_answer(case, "PARIS, not LYON").passed


def test_every_broken_demand_is_named() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris", "Seine"], must_not_contain=["Lyon"])
    why = judge_answer(case, "Lyon").why
    assert why == "'Paris' is missing; 'Seine' is missing; 'Lyon' is there"


def test_a_demanded_latency_must_be_known_and_met_exactly_at_the_limit_too() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"], max_latency=2 * SECOND)
    assert judge_answer(case, ("Paris", 2 * SECOND)).passed
    assert not judge_answer(case, ("Paris", 2.001 * SECOND)).passed
    assert not judge_answer(case, "Paris").passed


def test_a_latency_was_not_recorded_so_it_does_not_stand_in_the_way_of_the_proof() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"], max_latency=SECOND)
    assert prove(case, asked()).passed


def test_without_a_sample_there_is_no_prompt_case_and_no_proof_of_one() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    with pytest.raises(ValueError, match="INC-001 holds no sample"):
        to_prompt_case(outage(), must_contain=["Paris"])
    with pytest.raises(ValueError, match="INC-001 holds no sample"):
        prove(case, outage())


@pytest.mark.parametrize(
    "demands", [{}, {"max_latency": SECOND}, {"must_contain": [], "must_not_contain": ()}]
)
def test_a_prompt_case_that_demands_nothing_of_the_words_is_refused(
    demands: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="any answer passes"):
        to_prompt_case(asked(), **demands)


@pytest.mark.parametrize(
    "demands", [{"must_contain": "Paris"}, {"must_not_contain": "Lyon"}, {"must_contain": [""]}]
)
def test_a_bare_or_an_empty_text_as_demand_is_refused(demands: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a list of texts"):
        to_prompt_case(asked(), **demands)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "regression-INC-002-prompt"),
        ("input", "capital?"),
        ("bad_output", "Lille"),
        ("good_output", "Paris!"),
    ],
)
def test_a_prompt_case_that_differs_from_the_sample_is_refused(field: str, value: Any) -> None:
    case = replace(to_prompt_case(asked(), must_contain=["Paris"]), **{field: value})
    assert not prove(case, asked()).passed


# --- blank answers, and bans alone ---------------------------------------------------------------

BLANK = [
    "", " ", "\n\t\r", "\x00\x1b", "\u200b", "\ufeff\u2060", "\u00a0\u3000", "\u00ad", "\u2800",
    "\u3164", "\u115f\u1160", "\u0301", "\ufe0f", "\u202e \u200d", "\U000e0041",
]  # fmt: skip


@pytest.mark.parametrize("answer", BLANK, ids=ascii)
@pytest.mark.parametrize(
    "demands", [{"must_not_contain": ["Lyon"]}, {"must_contain": [" ", "\u2800"]}]
)
def test_a_blank_answer_fails_whatever_is_demanded(demands: dict[str, Any], answer: str) -> None:
    case = to_prompt_case(asked(), **demands)
    for verdict in (judge_answer(case, answer), judge_answer(case, (answer, SECOND))):
        assert not verdict.passed
        assert verdict.why.startswith("the answer is blank: ")


@pytest.mark.parametrize("answer", ["0", ".", "—", "é", "e\u0301", "巴黎", "🗼", "\u200bx", " ok "])
def test_a_short_answer_is_not_blank(answer: str) -> None:
    assert judge_answer(to_prompt_case(asked(), must_not_contain=["Lyon"]), answer).passed


def test_a_blank_answer_once_given_fails_so_that_a_ban_can_prove_the_fix() -> None:
    incident = asked(bad=" ")
    assert prove(to_prompt_case(incident, must_not_contain=["error"]), incident).passed


def test_a_blank_answer_is_no_good_output() -> None:
    incident = asked(good="\u200b")
    verdict = prove(to_prompt_case(incident, must_not_contain=["Lyon"]), incident)
    assert verdict.why.startswith("not proved: the recorded good output fails: the answer is blank")


def test_a_case_that_only_bans_says_what_it_lets_in() -> None:
    bans = prove(to_prompt_case(asked(), must_not_contain=["Lyon"]), asked())
    assert bans.why.endswith("; without must_contain, an error page passes too")
    assert "error page" not in prove(to_prompt_case(asked(), must_contain=["Paris"]), asked()).why


# --- how often -----------------------------------------------------------------------------------


@pytest.mark.parametrize("asks", [0, -1, 2.0, "3", None, True])
def test_asks_are_a_whole_number_from_1(asks: Any) -> None:
    with pytest.raises(ValueError, match="asks must be a whole number from 1, given"):
        to_prompt_case(asked(), must_contain=["Paris"], asks=asks, passes_needed=1)


def test_asks_are_at_most_a_thousand() -> None:
    assert to_prompt_case(asked(), must_contain=["Paris"], asks=1000).asks == 1000
    with pytest.raises(ValueError, match="asks must be at most 1,000, given 1001"):
        to_prompt_case(asked(), must_contain=["Paris"], asks=1001)


@pytest.mark.parametrize("passes", [0, -1, 2.0, "3", False])
def test_passes_needed_are_a_whole_number_from_1(passes: Any) -> None:
    with pytest.raises(ValueError, match="passes_needed must be a whole number from 1, given"):
        to_prompt_case(asked(), must_contain=["Paris"], asks=3, passes_needed=passes)


def test_no_more_passes_can_be_needed_than_are_asked() -> None:
    with pytest.raises(ValueError, match="passes_needed must be at most 3, given 4"):
        to_prompt_case(asked(), must_contain=["Paris"], asks=3, passes_needed=4)


def test_more_asks_need_more_passes_unless_they_are_given() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    assert replace(case, asks=5).chance(0.2) == 0.32768  # all five


@pytest.mark.parametrize("wrong", [-0.1, 1.1, 20])
def test_the_chance_is_of_a_rate(wrong: float) -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    with pytest.raises(ValueError, match="wrong must be a rate from 0 to 1, given"):
        case.chance(wrong)


@pytest.mark.parametrize("wrong", ["often", None, math.nan])
def test_the_chance_is_of_a_number(wrong: Any) -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    with pytest.raises(ValueError, match=r"wrong must be a number such as 0\.999, given"):
        case.chance(wrong)


@examples(30)
@given(
    asks=st.integers(1, 9), least=st.integers(1, 9), wrong=st.fractions(0, 1, max_denominator=20)
)
def test_the_chance_is_that_of_all_ways_to_answer_that_pass(
    asks: int, least: int, wrong: Fraction
) -> None:
    needed = min(asks, least)
    case = to_prompt_case(asked(), must_contain=["Paris"], asks=asks, passes_needed=needed)
    ways = (way for way in product((True, False), repeat=asks) if sum(way) >= needed)
    chance = sum(math.prod(1 - wrong if right else wrong for right in way) for way in ways)
    assert case.chance(wrong) == pytest.approx(float(chance), rel=1e-12)  # type: ignore[arg-type]
