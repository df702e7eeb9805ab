"""The exercises: their names, what right answers mean, what is said of stubs, how it all shows."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import inf
from typing import Any

import pytest
from exercise_answers import (
    RIGHT,
    Function,
    Requests,
    Steps,
    can_ever_fire_rounded,
    limit_in_fractions,
)

from oncall.workbook import exercises
from oncall.workbook.exercises import NAMES, SENTENCES, Feedback, check
from oncall.workbook.exercises.checking import EXERCISES
from oncall.workbook.exercises.runner import Outcome, alike, outcome

# --- names ---------------------------------------------------------------------------------------


def test_the_exercises_are_those_of_the_course() -> None:
    names = """budget_left count_good hours_to_empty fires can_ever_fire events_needed lifecycle
        typical ladder respond resolve_now what_counts what_is_heard what_tells
        how_severe can_it_be_said whom_to_wake which_reading what_changed what_next
        what_to_change is_it_proved which_target
        say_mitigated blameless case"""
    assert names.split() == list(NAMES)


@pytest.mark.parametrize("name", ["budget", "Fires", "countgood", "blamless", "", None])
def test_an_unknown_exercise_names_the_nearest(name: Any) -> None:
    with pytest.raises(ValueError, match="did you mean '"):
        check(name, None)


def test_the_nearest_name_is_meant() -> None:
    message = "unknown exercise 'hours_to_empt'; did you mean 'hours_to_empty'"
    with pytest.raises(ValueError, match=message):
        check("hours_to_empt", None)


def test_the_exercises_need_no_third_party_module() -> None:
    for module in pkgutil.iter_modules(exercises.__path__, f"{exercises.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            root = getattr(value, "__module__", "oncall").split(".")[0]
            assert root == "oncall" or root in sys.stdlib_module_names


# --- right answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_passes(name: str) -> None:
    feedback = check(name, EXERCISES[name].reference)
    assert feedback.passed, feedback
    assert feedback.attempted
    assert feedback.mistake is None
    assert feedback.case is None


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers]
)
def test_a_right_answer_in_another_style_passes(name: str, answer: Function) -> None:
    assert check(name, answer).passed, check(name, answer)


def test_every_function_exercise_has_right_answers_in_other_styles() -> None:
    assert list(RIGHT) == list(EXERCISES)


# --- what they mean ------------------------------------------------------------------------------

ABC = [("A", 5), ("B", 10), ("C", 15)]
TWICE = [("A", 0), ("B", 5), ("C", 15), ("A", 30), ("B", 35), ("C", 45)]
OUT_OF_ORDER = [(9, "resolve"), (7, "resolve"), (3, "ack"), (2, "ack"), (1, "detect")]
MEANINGS = [
    ("budget_left", (1000, 1000, 0.99), 1.0),
    ("budget_left", (0, 0, 0.99), 1.0),
    ("budget_left", (980, 1000, 0.99), -1.0),
    ("hours_to_empty", (0, 1, 720), inf),
    ("hours_to_empty", (0, 0, 720), 0),
    ("hours_to_empty", (14.4, 1, 720), 50),
    ("fires", (144, 10_000, 144, 10_000, 0.999, 14.4), False),
    ("fires", (145, 10_000, 145, 10_000, 0.999, 14.4), True),
    ("fires", (145, 10_000, 0, 0, 0.999, 14.4), False),
    ("can_ever_fire", (0.9, 14.4), False),
    ("can_ever_fire", (0.9, 10), False),
    ("can_ever_fire", (0.9, 9.99), True),
    ("events_needed", (0.999, 14.4), 70),
    ("events_needed", (0.9, 1), 10),
    ("lifecycle", (OUT_OF_ORDER,), (None, 1, None, 8)),
    ("ladder", (ABC, None, 0), TWICE[:3]),
    ("ladder", (ABC, None, 1), TWICE),
    ("ladder", (ABC, 4, 0), [("A", 0)]),
    ("ladder", (ABC, 5, 0), [("A", 0)]),
    ("ladder", (ABC, 7, 0), [("A", 0), ("B", 5)]),
    ("count_good", ([(200, 5), (404, 5), (499, 5), (500, 5), (200, None), (200, 6)], 5), (1, 5)),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), MEANINGS)
def test_the_reference_means_what_the_design_says(
    name: str, arguments: tuple[Any, ...], expected: Any
) -> None:
    assert EXERCISES[name].reference(*arguments) == expected


@pytest.mark.parametrize(("name", "arguments", "expected"), MEANINGS)
def test_right_answers_mean_the_same_outside_the_cases(
    name: str, arguments: tuple[Any, ...], expected: Any
) -> None:
    for answer in RIGHT[name]:
        assert alike(outcome(answer, arguments), Outcome(expected)), answer


# --- the cases they are tried on -----------------------------------------------------------------

Edge = Callable[..., bool]


def no_event(verb: str) -> Edge:
    return lambda events: all(what != verb for _, what in events)


def several_events(verb: str) -> Edge:
    return lambda events: [what for _, what in events].count(verb) > 1


def long_burns_at_the_factor(bl: int, tl: int, bs: int, ts: int, t: float, f: float) -> bool:
    return Fraction(bl, tl or 1) == limit_in_fractions(t, f)


def acknowledged_at_the_second_page(steps: Steps, ack: int | None, repeat: int) -> bool:
    return ack == steps[0][1]


def statuses_at_the_limits(log: Requests, max_ms: float) -> bool:
    return {399, 400, 428, 430, 498, 500} <= {status for status, _ in log}


EDGES: list[tuple[str, str, Edge]] = [
    ("budget_left", "no events", lambda good, total, target: total == 0),
    ("budget_left", "no failures", lambda good, total, target: good == total > 0),
    ("hours_to_empty", "nothing burns", lambda burn, left, period: burn == 0),
    ("hours_to_empty", "nothing is left", lambda burn, left, period: left == 0),
    ("hours_to_empty", "overspent", lambda burn, left, period: left < 0),
    ("fires", "no traffic in the short window", lambda bl, tl, bs, ts, t, f: tl > 0 == ts),
    ("fires", "no traffic in the long window", lambda bl, tl, bs, ts, t, f: ts > 0 == tl),
    ("fires", "exactly at the factor", long_burns_at_the_factor),
    ("can_ever_fire", "exactly in reach", lambda t, f: limit_in_fractions(t, f) == 1),
    ("can_ever_fire", "14.4x at 90 %", lambda t, f: (t, f) == (0.9, 14.4)),
    ("events_needed", "comes out even", lambda t, f: 1 % limit_in_fractions(t, f) == 0),
    ("events_needed", "out of reach", lambda t, f: f * (1 - t) > 1),
    ("lifecycle", "out of order", lambda events: events != sorted(events)),
    ("lifecycle", "no impact", no_event("impact")),
    ("lifecycle", "no detect", no_event("detect")),
    ("lifecycle", "no mitigated", no_event("mitigated")),
    ("lifecycle", "several detects", several_events("detect")),
    ("lifecycle", "several acks", several_events("ack")),
    ("lifecycle", "several resolves", several_events("resolve")),
    ("ladder", "no ack", lambda steps, ack, repeat: ack is None),
    ("ladder", "ack at once", lambda steps, ack, repeat: ack == 0),
    ("ladder", "ack at the second page", acknowledged_at_the_second_page),
    ("ladder", "several rounds", lambda steps, ack, repeat: repeat > 1),
    ("respond", "healthy at first", lambda cards, start, target: start > target),
    ("respond", "exactly at the target", lambda cards, start, target: start == target),
    ("respond", "a little below it", lambda cards, start, target: 0 < target - start < 0.005),
    ("respond", "makes it worse", lambda cards, *_: any(card.catches < 0 for card in cards)),
    ("respond", "does nothing", lambda cards, *_: any(card.catches == 0 for card in cards)),
    ("respond", "harms", lambda cards, *_: any(card.harms for card in cards)),
    ("respond", "is refused", lambda cards, *_: any(not card.approved for card in cards)),
    ("respond", "an empty runbook", lambda cards, *_: not cards),
    ("count_good", "no requests", lambda log, max_ms: not log),
    ("count_good", "unknown latency", lambda log, max_ms: any(ms is None for _, ms in log)),
    ("count_good", "exactly at the limit", lambda log, max_ms: any(ms == max_ms for _, ms in log)),
    ("count_good", "the limits of 4xx", statuses_at_the_limits),
]


@pytest.mark.parametrize(("name", "edge", "is_met"), EDGES)
def test_the_cases_hold_every_edge_of_the_meaning(name: str, edge: str, is_met: Edge) -> None:
    assert any(is_met(*case) for case in EXERCISES[name].cases + EXERCISES[name].edges), edge


# --- stubs ---------------------------------------------------------------------------------------


def stub_of_dots(*arguments: Any) -> Any: ...


def stub_that_returns_dots(*arguments: Any) -> Any:
    return ...


def stub_that_raises(*arguments: Any) -> Any:
    raise NotImplementedError("your turn")


def assert_waiting(feedback: Feedback) -> None:
    assert not feedback.passed
    assert not feedback.attempted
    assert feedback.mistake is None
    assert feedback.case is None
    assert "\n" not in repr(feedback)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stub", [None, ...])
def test_a_stub_is_not_attempted(name: str, stub: Any) -> None:
    assert_waiting(check(name, stub))
    assert name in check(name, stub).message


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("stub", [stub_of_dots, stub_that_returns_dots, stub_that_raises])
def test_a_function_that_is_a_stub_is_not_attempted(name: str, stub: Function) -> None:
    assert_waiting(check(name, stub))
    assert name in check(name, stub).message


@pytest.mark.parametrize(
    "stub", [[], [...] * 6, [None] * 6, [""] * 6, [sentence.text for sentence in SENTENCES]]
)
def test_sentences_nobody_has_rewritten_are_not_attempted(stub: list[Any]) -> None:
    assert not check("blameless", stub).attempted


# --- how it shows itself -------------------------------------------------------------------------


def test_the_text_of_a_right_answer() -> None:
    text = "Right. The same answers as ours on all 15 cases."
    assert repr(check("can_ever_fire", can_ever_fire_rounded)) == text


def test_the_text_of_a_recognised_mistake() -> None:
    assert repr(check("budget_left", lambda good, total, target: good / total)) == (
        "Not yet. This is the SLI, the share of good events. "
        "The budget left sets failures against those the SLO allows.\n\n"
        "budget_left(9, 10, 0.9)\n  expected  0.0\n  got       0.9"
    )


def everything_shown() -> Iterator[Feedback]:
    for name, exercise in EXERCISES.items():
        yield check(name, lambda *arguments: object())
        yield check(name, lambda *arguments: iter([object()]))
        yield check(name, lambda *arguments: {"b", "a", "c"})
        yield check(name, next(iter(exercise.mistakes.values())))
        yield check(name, object())
    yield check("blameless", object())
    yield check("blameless", [object()] * 6)
    yield check("case", object())


def test_the_text_holds_no_address_and_is_the_same_again() -> None:
    first, second = list(everything_shown()), list(everything_shown())
    assert list(map(repr, first)) == list(map(repr, second))
    assert [shown._repr_html_() for shown in first] == [shown._repr_html_() for shown in second]
    assert not any(" at 0x" in repr(shown) for shown in first)
    assert sum("['a', 'b', 'c']" in repr(shown) for shown in first) == len(EXERCISES)


def test_the_html_says_the_same_and_escapes() -> None:
    shown = check("count_good", lambda requests, max_ms: "<b>")._repr_html_()
    assert "Not yet." in shown
    assert "&#x27;&lt;b&gt;&#x27;" in shown
    assert "<b>'" not in shown
