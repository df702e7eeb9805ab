"""Prompt cases: a question that went wrong, and what tells a good answer to it from a bad one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
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
