"""Known mistakes: each is recognised as itself, and in what learners really write."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import pytest
from exercise_answers import (
    Events,
    Function,
    Requests,
    Steps,
    budget_left_with_guards,
    limit_in_fractions,
)

from oncall.workbook.exercises import case, check, sentences
from oncall.workbook.exercises.checking import EXERCISES
from oncall.workbook.exercises.runner import alike

MISTAKES = [
    pytest.param(name, words, wrong, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, (words, wrong) in enumerate(exercise.mistakes.items(), 1)
]
TABLES = {name: exercise.mistakes for name, exercise in EXERCISES.items()} | {
    "blameless": sentences.SENTENCE_MISTAKES,
    "case": case.CASE_MISTAKES,
}

# --- the tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "words", "wrong"), MISTAKES)
def test_each_mistake_is_recognised_as_itself(name: str, words: str, wrong: Function) -> None:
    feedback = check(name, wrong)
    assert feedback.mistake == words, feedback
    assert feedback.attempted
    assert not feedback.passed
    assert feedback.case is not None
    assert feedback.case.expected != feedback.case.got
    assert feedback.message.startswith(words)


@pytest.mark.parametrize("name", TABLES)
def test_at_least_six_mistakes_are_known(name: str) -> None:
    assert len(TABLES[name]) >= 6  # ruff (F601) sees to it that no two have the same words


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_mistakes_give_the_same_answers(name: str) -> None:
    """Neither on all cases nor, where a plain case is wrong, on the plain ones."""
    exercise, plain = EXERCISES[name], len(EXERCISES[name].cases)
    right = exercise.outcomes(exercise.reference)
    given = {words: exercise.outcomes(wrong) for words, wrong in exercise.mistakes.items()}
    for (words, ours), (others, theirs) in itertools.combinations(given.items(), 2):
        both = f"{words} | {others}"
        assert not all(map(alike, ours, theirs)), both
        if not all(map(alike, ours[:plain], right[:plain])):
            assert not all(map(alike, ours[:plain], theirs[:plain])), f"on the plain cases: {both}"


def all_words() -> list[str]:
    return [*itertools.chain(*TABLES.values()), sentences.NOT_A_LIST, sentences.OTHER_NUMBER]


@pytest.mark.parametrize("words", all_words())
def test_the_words_are_one_to_three_short_sentences(words: str) -> None:
    parts = re.split(r"(?<=[.?!])\s+(?=[A-Za-z0-9])", words)
    assert 1 <= len(parts) <= 3
    assert all(3 <= len(part.split()) <= 24 for part in parts), parts
    assert words[0].isupper()
    assert words[-1] in ".?"
    assert not re.search(r"[{}`<]|TODO|XXX|%[sd]|  ", words.replace("<=", ""))


# --- how learners really write it: floats, no thought of the edges, two mistakes at once ----------


def sli_without_a_thought(good: int, total: int, target: float) -> float:
    return good / total


def spent_without_a_thought(good: int, total: int, target: float) -> float:
    return (1 - good / total) / (1 - target)


def days_without_a_thought(burn: float, remaining: float, period_hours: float) -> float:
    return remaining * period_hours / burn / 24


def fires_first_try(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    return bl / tl / (1 - target) > factor and bs / ts / (1 - target) > factor


def fires_second_try(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    if tl == 0 or ts == 0:
        return False
    long = (1 - (tl - bl) / tl) / (1 - target)
    short = (1 - (ts - bs) / ts) / (1 - target)
    return long > factor and short > factor


def fires_or_equal(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    limit = factor * (1 - target)
    return tl > 0 and ts > 0 and bl / tl >= limit and bs / ts >= limit


def exact_but_divides(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    limit = limit_in_fractions(target, factor)
    return Fraction(bl, tl) > limit and Fraction(bs, ts) > limit


def binary_fractions(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    limit = Fraction(factor) * (1 - Fraction(target))
    return bool(tl and ts) and Fraction(bl, tl) > limit and Fraction(bs, ts) > limit


def only_long_in_floats(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    return bl / tl > factor * (1 - target)


def reach_in_floats(target: float, factor: float) -> bool:
    return 1 / (1 - target) > factor


def reach_or_equal(target: float, factor: float) -> bool:
    return 1 / (1 - target) >= factor


def ceiling_of_floats(target: float, factor: float) -> int:
    return math.ceil(1 / factor / (1 - target))


def int_plus_one(target: float, factor: float) -> int:
    return int(1 / (factor * (1 - target))) + 1


def lifecycle_with_a_dict(events: Events) -> Any:
    at = {verb: minute for minute, verb in events}
    ttd = at["detect"] - at["impact"]
    return ttd, *(at[verb] - at["detect"] for verb in ("ack", "mitigated", "resolve"))


def lifecycle_that_raises(events: Events) -> Any:
    def at(verb: str) -> list[int]:
        return sorted(minute for minute, what in events if what == verb)

    impact, detect = at("impact")[0], at("detect")[0]
    ack, mitigated, resolved = at("ack")[0], at("mitigated")[-1], at("resolve")[-1]
    return detect - impact, ack - detect, mitigated - detect, resolved - detect


def lifecycle_with_ifs(events: Events) -> Any:
    def at(verb: str, pick: Any) -> Any:
        return pick((minute for minute, what in events if what == verb), default=None)

    impact, detect, ack = at("impact", min), at("detect", min), at("ack", min)
    mitigated, resolve = at("mitigated", max), at("resolve", max)
    return (
        detect - impact if detect and impact else None,
        ack - detect if ack and detect else None,
        mitigated - detect if mitigated and detect else None,
        resolve - detect if resolve and detect else None,
    )


def ladder_ticking(steps: Steps, ack: int | None, repeat: int) -> Any:
    pages, minute = [], 0
    for _ in range(repeat + 1):
        for name, delay in steps:
            pages.append((name, minute))
            if ack is not None and minute >= ack:
                return pages
            minute += delay
    return pages


def ladder_for_ever(steps: Steps, ack: int | None, repeat: int) -> Any:
    pages, minute = [], 0
    for name, delay in steps:
        if ack and minute >= ack:
            break
        pages.append((name, minute))
        minute += delay
    return pages


def respond_without_undo(cards: Any, look: Any, ask: Any, apply: Any, rollback: Any, t: Any) -> Any:
    used = []
    for name in cards:
        if look()[0] >= t:
            break
        if ask(name):
            apply(name)
            used.append(name)
    return used


def respond_without_harm(cards: Any, look: Any, ask: Any, apply: Any, rollback: Any, t: Any) -> Any:
    used = []
    for name in cards:
        before = look()[0]
        if before >= t:
            return used
        if not ask(name):
            continue
        apply(name)
        if look()[0] > before:
            used.append(name)
        else:
            rollback(name)
    return used


def count_in_one_line(requests: Requests, max_ms: float) -> tuple[int, int]:
    return sum(status < 500 and (ms or 0) <= max_ms for status, ms in requests), len(requests)


def count_and_trip(requests: Any, max_ms: float) -> tuple[int, int]:
    valid = [(status, ms) for status, ms in requests if not 400 <= status <= 499]
    return len([1 for status, ms in valid if status < 500 and ms < max_ms]), len(valid)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("budget_left", sli_without_a_thought, "This is the SLI, the share"),
        ("budget_left", spent_without_a_thought, "This is the share of the budget that is spent"),
        ("hours_to_empty", days_without_a_thought, "This answers in days"),
        ("fires", fires_first_try, "This divides by zero"),
        ("fires", exact_but_divides, "This divides by zero"),
        ("fires", fires_second_try, "This trips over floats"),
        ("fires", binary_fractions, "This trips over floats"),
        ("fires", fires_or_equal, "This fires when a burn rate is exactly"),
        ("fires", only_long_in_floats, "This looks at the long window only"),
        ("can_ever_fire", reach_in_floats, "This trips over floats"),
        ("can_ever_fire", reach_or_equal, "This lets a rule fire when a total outage"),
        ("events_needed", ceiling_of_floats, "This trips over floats"),
        ("events_needed", int_plus_one, "This goes one too far"),
        ("lifecycle", lifecycle_with_a_dict, "This takes what stands last in the list"),
        ("lifecycle", lifecycle_that_raises, "This raises when an event is missing"),
        ("lifecycle", lifecycle_with_ifs, "This takes minute 0 for missing"),
        ("ladder", ladder_ticking, "This sends one page more"),
        ("ladder", ladder_for_ever, "This climbs the ladder once"),
        ("respond", respond_without_undo, "This plays one card after the other"),
        ("respond", respond_without_harm, "This does not see harm"),
        ("count_good", count_in_one_line, "This counts 4xx as valid and good"),
        ("count_good", count_and_trip, "This leaves every 4xx out"),
    ],
)
def test_what_learners_really_write_is_recognised(name: str, answer: Function, words: str) -> None:
    assert (check(name, answer).mistake or "").startswith(words), check(name, answer)


# --- mistakes nobody thought of ------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_a_wrong_answer_nobody_thought_of_gets_the_smallest_case(name: str) -> None:
    exercise = EXERCISES[name]
    feedback = check(name, lambda *arguments: "a teapot")
    assert feedback.attempted
    assert not feedback.passed
    assert feedback.mistake is None
    assert feedback.case is not None
    assert feedback.case.call == exercise.text(name, *exercise.cases[0])
    assert feedback.case.got.removeprefix("{'returned': ").startswith("'a teapot'")


def test_a_single_wrong_edge_is_the_case_that_is_shown() -> None:
    def oddly_wrong(good: int, total: int, target: float) -> float:
        return 17.0 if total and not good else budget_left_with_guards(good, total, target)

    feedback = check("budget_left", oddly_wrong)
    assert str(feedback.case) == "budget_left(0, 1000, 0.999)\n  expected  -999.0\n  got       17.0"
    assert feedback.mistake is None
