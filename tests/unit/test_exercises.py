"""The exercises: right answers in any style pass, wrong ones are told why, and no answer is fatal."""

from __future__ import annotations

import itertools
import math
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oncall.regression import ReplayCase, replay, to_eval_case, to_prompt_case
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE
from oncall.workbook.exercises import functions, postmortem, runner
from oncall.workbook.exercises.checking import (
    NAMES,
    SENTENCES,
    Check,
    _outcomes,
    check,
    recorded_incident,
)
from oncall.workbook.exercises.functions import EXERCISES

Function = Callable[..., Any]
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, mistake in enumerate(exercise.mistakes, 1)
]

# --- right answers, in styles other than the reference -------------------------------------------


def budget_left_in_fractions(g: int, n: int, slo: float) -> Fraction:
    return 1 - Fraction(n - g, max(n, 1)) / (1 - Fraction(str(slo)))


def budget_left_in_numpy(good: int, total: int, target: float) -> Any:
    return (
        np.float64(1.0)
        if total == 0
        else np.subtract(1.0, np.divide(total - good, total) / (1 - target))
    )


def budget_left_with_guards(good: int, total: int, target: float) -> float:
    if not total:
        return 1
    allowed = total * (1 - target)
    return (allowed - (total - good)) / allowed


def hours_to_empty_with_guards(burn: float, remaining: float, period_hours: float) -> float:
    if remaining <= 0:
        return 0
    return float("inf") if burn == 0 else remaining * period_hours / burn


def hours_to_empty_in_numpy(b: float, r: float, p: float) -> Any:
    with np.errstate(all="ignore"):
        return np.where(r <= 0, 0.0, np.divide(np.float64(r * p), b))


def fires_in_decimals(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    limit = Decimal(str(factor)) * (1 - Decimal(str(target)))
    return all(total and Decimal(bad) / total > limit for bad, total in [(bl, tl), (bs, ts)])


def fires_rounded(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> Any:
    def burn(bad: int, total: int) -> float:
        return round(bad / total / (1 - target), 6) if total else 0

    return np.bool_(burn(bl, tl) > factor and burn(bs, ts) > factor)


def fires_as_numbers(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> Any:
    n, d = (Fraction(str(factor)) * (1 - Fraction(str(target)))).as_integer_ratio()
    return tl and ts and bl * d > tl * n and bs * d > ts * n


def can_ever_fire_in_fractions(t: float, f: float) -> bool:
    return 1 / (1 - Fraction(str(t))) > Fraction(str(f))


def can_ever_fire_rounded(target: float, factor: float) -> int:
    return int(round(factor * (1 - target), 9) < 1)


def events_needed_by_counting(target: float, factor: float) -> int:
    limit = Decimal(str(factor)) * (1 - Decimal(str(target)))
    return next(n for n in itertools.count(1) if n * limit >= 1)


def events_needed_recursively(target: float, factor: float, n: int = 1) -> float:
    quiet = Fraction(1, n) <= Fraction(str(factor)) * (1 - Fraction(str(target)))
    return float(n) if quiet else events_needed_recursively(target, factor, n + 1)


def events_needed_rounded(target: float, factor: float) -> Any:
    return np.ceil(np.round(1 / (factor * (1 - target)), 6))


def lifecycle_with_lists(events: list[tuple[int, str]]) -> list[int | None]:
    minutes: dict[str, list[int]] = defaultdict(list)
    for minute, verb in sorted(events):
        minutes[verb].append(minute)

    def diff(a: list[int], b: list[int]) -> int | None:
        return a[0] - b[0] if a and b else None

    detect = minutes["detect"]
    last = {verb: minutes[verb][-1:] for verb in ("mitigated", "resolve")}
    return [
        diff(detect, minutes["impact"]),
        diff(minutes["ack"], detect),
        diff(last["mitigated"], detect),
        diff(last["resolve"], detect),
    ]


def lifecycle_as_generator(log: list[tuple[int, str]]) -> Iterator[Any]:
    found: dict[str, int] = {}
    for minute, verb in sorted(log, reverse=True):
        if verb in ("mitigated", "resolve"):
            found.setdefault(verb, minute)
        else:
            found[verb] = minute
    for a, b in [
        ("detect", "impact"),
        ("ack", "detect"),
        ("mitigated", "detect"),
        ("resolve", "detect"),
    ]:
        yield np.int64(found[a] - found[b]) if a in found and b in found else None


def ladder_as_generator(
    steps: list[tuple[str, int]], ack: int | None, repeat: int
) -> Iterator[list[Any]]:
    minute = 0
    for name, delay in itertools.chain(*[steps] * (1 + repeat)):
        if ack is not None and ack <= minute:
            return
        yield [name, minute]
        minute += delay


def ladder_recursively(
    steps: list[tuple[str, int]], ack: float | None, repeat: int, at: int = 0
) -> Any:
    ack = math.inf if ack is None else ack
    pages: tuple[Any, ...] = ()
    for name, delay in steps:
        if at >= ack:
            return pages
        pages, at = (*pages, (name, float(at))), at + delay
    return (*pages, *ladder_recursively(steps, ack, repeat - 1, at)) if repeat else pages


def respond_with_while(
    queue: list[str], sli: Function, apply: Function, target: float
) -> tuple[str, ...]:
    done: tuple[str, ...] = ()
    while not sli() >= target and len(done) < len(queue):
        apply(queue[len(done)])
        done += (queue[len(done)],)
    return done


def respond_as_generator(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> Iterator[str]:
    for name in mitigations:
        if sli() >= target:
            return
        apply(name)
        yield name


def respond_recursively(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> list[str]:
    if sli() >= target or not mitigations:
        return []
    apply(mitigations[0])
    return [mitigations[0], *respond_recursively(mitigations[1:], sli, apply, target)]


def count_good_in_numpy(requests: list[tuple[int, float | None]], max_ms: float) -> Any:
    status = np.array([status for status, _ in requests], dtype=int)
    latency = np.array([np.nan if ms is None else ms for _, ms in requests], dtype=float)
    valid = (status < 400) | (status >= 500)
    return np.array([(valid & (status < 500) & (latency <= max_ms)).sum(), valid.sum()])


def count_good_in_a_loop(requests: list[tuple[int, float | None]], max_ms: float) -> list[float]:
    good = valid = 0.0
    for code, ms in requests:
        if code // 100 == 4:
            continue
        valid += 1
        if code < 500 and ms is not None and not ms > max_ms:
            good += 1
    return [good, valid]


RIGHT: dict[str, list[Function]] = {
    "budget_left": [budget_left_in_fractions, budget_left_in_numpy, budget_left_with_guards],
    "hours_to_empty": [hours_to_empty_with_guards, hours_to_empty_in_numpy],
    "fires": [fires_in_decimals, fires_rounded, fires_as_numbers],
    "can_ever_fire": [can_ever_fire_in_fractions, can_ever_fire_rounded],
    "events_needed": [events_needed_by_counting, events_needed_recursively, events_needed_rounded],
    "lifecycle": [lifecycle_with_lists, lifecycle_as_generator],
    "ladder": [ladder_as_generator, ladder_recursively],
    "respond": [respond_with_while, respond_as_generator, respond_recursively],
    "count_good": [count_good_in_numpy, count_good_in_a_loop],
}


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_passes(name: str) -> None:
    result = check(name, EXERCISES[name].reference)
    assert (result.passed, result.attempted, result.mistake, result.case) == (
        True,
        True,
        None,
        None,
    ), result


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers]
)
def test_a_right_answer_in_another_style_passes(name: str, answer: Function) -> None:
    assert check(name, answer).passed, check(name, answer)


def test_every_function_exercise_has_right_answers_in_other_styles() -> None:
    assert list(RIGHT) == list(EXERCISES)


# --- the fixed names and meanings ----------------------------------------------------------------


def test_the_exercises_are_those_of_the_course() -> None:
    names = """budget_left hours_to_empty fires can_ever_fire events_needed lifecycle ladder respond
        count_good blameless case"""
    assert names.split() == list(NAMES)


INF = math.inf
P = [("A", 5), ("B", 10), ("C", 15)]
MEANINGS = [
    ("budget_left", (1000, 1000, 0.99), 1.0),
    ("budget_left", (0, 0, 0.99), 1.0),
    ("budget_left", (980, 1000, 0.99), -1.0),
    ("hours_to_empty", (0, 1, 720), INF),
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
    (
        "lifecycle",
        ([(9, "resolve"), (7, "resolve"), (3, "ack"), (2, "ack"), (1, "detect")],),
        (None, 1, None, 8),
    ),
    ("ladder", (P, None, 0), [("A", 0), ("B", 5), ("C", 15)]),
    ("ladder", (P, None, 1), [("A", 0), ("B", 5), ("C", 15), ("A", 30), ("B", 35), ("C", 45)]),
    ("ladder", (P, 4, 0), [("A", 0)]),
    ("ladder", (P, 5, 0), [("A", 0)]),
    ("ladder", (P, 7, 0), [("A", 0), ("B", 5)]),
    ("count_good", ([(200, 5), (404, 5), (500, 5), (200, None), (200, 6)], 5), (1, 4)),
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
        assert runner.alike(runner.outcome(answer, arguments), runner.Outcome(expected)), answer


# What the design's table says of each exercise, as a question about its cases.
EDGES: dict[str, list[Callable[..., bool]]] = {
    "budget_left": [lambda good, total, t: total == 0, lambda good, total, t: good == total > 0],
    "hours_to_empty": [lambda burn, left, p: burn == 0, lambda burn, left, p: left == 0, lambda b, left, p: left < 0],
    "fires": [
        lambda bl, tl, bs, ts, t, f: tl > 0 == ts,
        lambda bl, tl, bs, ts, t, f: ts > 0 == tl,
        lambda bl, tl, bs, ts, t, f: Fraction(bl, tl or 1) == Fraction(str(f)) * (1 - Fraction(str(t))),
    ],
    "can_ever_fire": [lambda t, f: Fraction(str(f)) * (1 - Fraction(str(t))) == 1, lambda t, f: (t, f) == (0.9, 14.4)],
    "events_needed": [lambda t, f: 1 % (Fraction(str(f)) * (1 - Fraction(str(t)))) == 0, lambda t, f: f * (1 - t) > 1],
    "lifecycle": [lambda events: events != sorted(events)]
    + [lambda events, verb=verb: verb not in dict(map(reversed, events)) for verb in ("impact", "detect", "mitigated")]
    + [lambda events, verb=verb: [v for _, v in events].count(verb) > 1 for verb in ("detect", "ack", "resolve")],
    "ladder": [
        lambda steps, ack, repeat: ack is None,
        lambda steps, ack, repeat: ack == 0,
        lambda steps, ack, repeat: ack == steps[0][1],
        lambda steps, ack, repeat: repeat > 1,
    ],
    "respond": [lambda m, seen, t: seen[0] >= t, lambda m, seen, t: t in seen, lambda m, seen, t: max(seen) < t],
    "count_good": [
        lambda log, ms: not log,
        lambda log, ms: any(latency is None for _, latency in log),
        lambda log, ms: any(latency == ms for _, latency in log),
        lambda log, ms: {399, 400, 499, 500} <= {status for status, _ in log},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "edge"), [(name, edge) for name, edges in EDGES.items() for edge in edges]
)
def test_the_cases_hold_every_edge_of_the_meaning(name: str, edge: Callable[..., bool]) -> None:
    assert any(edge(*case) for case in EXERCISES[name].cases + EXERCISES[name].edges)


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_each_mistake_is_recognised_as_itself(exercise: Any, mistake: Any) -> None:
    result = check(exercise.name, mistake.wrong)
    assert (result.passed, result.attempted, result.mistake) == (False, True, mistake.words), result
    assert result.case is not None
    assert result.case.expected != result.case.got
    assert result.message.startswith(mistake.words)


@pytest.mark.parametrize("name", EXERCISES)
def test_at_least_six_mistakes_are_known(name: str) -> None:
    assert (
        len({mistake.words for mistake in EXERCISES[name].mistakes})
        == len(EXERCISES[name].mistakes)
        >= 6
    )


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_mistakes_give_the_same_answers(name: str) -> None:
    """Neither on all cases nor, where a plain case is wrong, on the plain ones."""
    exercise, plain = EXERCISES[name], len(EXERCISES[name].cases)
    alike = runner.alike
    right = _outcomes(exercise, exercise.reference)
    given = [(mistake.words, _outcomes(exercise, mistake.wrong)) for mistake in exercise.mistakes]
    for (words, one), (others, other) in itertools.combinations(given, 2):
        assert not all(map(alike, one, other)), f"{words} | {others}"
        if not all(map(alike, one[:plain], right[:plain])):
            assert not all(map(alike, one[:plain], other[:plain])), (
                f"on the plain cases: {words} | {others}"
            )


def all_words() -> list[str]:
    tables = (exercise.mistakes for exercise in EXERCISES.values())
    eighth: list[tuple[str, Any]] = [*postmortem.SENTENCE_MISTAKES, *postmortem.CASE_MISTAKES]
    extra = [postmortem.NOT_A_LIST, postmortem.OTHER_NUMBER]
    return [words for words, _ in [*itertools.chain(*tables), *eighth]] + extra


@pytest.mark.parametrize("words", all_words())
def test_the_words_are_one_to_three_short_sentences(words: str) -> None:
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Za-z0-9])", words)
    assert 1 <= len(sentences) <= 3
    assert all(3 <= len(sentence.split()) <= 24 for sentence in sentences), sentences
    assert words[0].isupper()
    assert words[-1] in ".?"
    assert not re.search(r"[{}`<]|TODO|XXX|%[sd]|  ", words.replace("<=", ""))


# How learners really write it: floats, no thought of the edges, two mistakes at once.


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
    return (1 - (tl - bl) / tl) / (1 - target) > factor and (1 - (ts - bs) / ts) / (
        1 - target
    ) > factor


def fires_or_equal(bl: int, tl: int, bs: int, ts: int, target: float, factor: float) -> bool:
    return (
        tl > 0 and ts > 0 and bl / tl >= factor * (1 - target) and bs / ts >= factor * (1 - target)
    )


def fires_exactly_but_divides(
    bl: int, tl: int, bs: int, ts: int, target: float, factor: float
) -> bool:
    limit = Fraction(str(factor)) * (1 - Fraction(str(target)))
    return Fraction(bl, tl) > limit and Fraction(bs, ts) > limit


def fires_with_binary_fractions(
    bl: int, tl: int, bs: int, ts: int, target: float, factor: float
) -> bool:
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


def lifecycle_with_a_dict(events: list[tuple[int, str]]) -> Any:
    at = {verb: minute for minute, verb in events}
    detect = at["detect"]
    return (
        detect - at["impact"],
        at["ack"] - detect,
        at["mitigated"] - detect,
        at["resolve"] - detect,
    )


def lifecycle_that_raises(events: list[tuple[int, str]]) -> Any:
    def at(verb: str) -> list[int]:
        return sorted(minute for minute, what in events if what == verb)

    detect = at("detect")[0]
    return (
        detect - at("impact")[0],
        at("ack")[0] - detect,
        at("mitigated")[-1] - detect,
        at("resolve")[-1] - detect,
    )


def lifecycle_with_ifs(events: list[tuple[int, str]]) -> Any:
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


def ladder_ticking(steps: list[tuple[str, int]], ack: int | None, repeat: int) -> Any:
    pages, minute = [], 0
    for _ in range(repeat + 1):
        for name, delay in steps:
            pages.append((name, minute))
            if ack is not None and minute >= ack:
                return pages
            minute += delay
    return pages


def ladder_for_ever(steps: list[tuple[str, int]], ack: int | None, repeat: int) -> Any:
    pages, minute = [], 0
    for name, delay in steps:
        if ack and minute >= ack:
            break
        pages.append((name, minute))
        minute += delay
    return pages


def respond_then_look(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> list[str]:
    used = []
    for name in mitigations:
        apply(name)
        used.append(name)
        if sli() >= target:
            break
    return used


def respond_with_pop(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> list[str]:
    used = []
    while sli() < target:
        used.append(mitigations.pop(0))
        apply(used[-1])
    return used


def count_in_one_line(requests: list[tuple[int, float | None]], max_ms: float) -> tuple[int, int]:
    return sum(status < 500 and (ms or 0) <= max_ms for status, ms in requests), len(requests)


def count_and_trip(requests: list[tuple[int, float | None]], max_ms: float) -> tuple[int, int]:
    valid = [(status, ms) for status, ms in requests if not 400 <= status <= 499]
    return len([1 for status, ms in valid if status < 500 and ms < max_ms]), len(valid)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("budget_left", sli_without_a_thought, "This is the SLI, the share"),
        ("budget_left", spent_without_a_thought, "This is the share of the budget that is spent"),
        ("hours_to_empty", days_without_a_thought, "This answers in days"),
        ("fires", fires_first_try, "This divides by zero"),
        ("fires", fires_exactly_but_divides, "This divides by zero"),
        ("fires", fires_second_try, "This trips over floats"),
        ("fires", fires_with_binary_fractions, "This trips over floats"),
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
        ("respond", respond_then_look, "This applies a mitigation before it looks"),
        ("respond", respond_with_pop, "This runs off the end"),
        ("count_good", count_in_one_line, "This counts 4xx as valid and good"),
        ("count_good", count_and_trip, "This calls an answer at exactly max_ms"),
    ],
)
def test_what_learners_really_write_is_recognised(name: str, answer: Function, words: str) -> None:
    assert (check(name, answer).mistake or "").startswith(words), check(name, answer)


@pytest.mark.parametrize("name", EXERCISES)
def test_a_wrong_answer_nobody_thought_of_gets_the_smallest_case(name: str) -> None:
    exercise = EXERCISES[name]
    result = check(name, lambda *arguments: "a teapot")
    assert (result.passed, result.attempted, result.mistake) == (False, True, None)
    assert result.case is not None
    assert result.case.call == exercise.text(name, *exercise.cases[0])
    assert result.case.got.replace("{'returned': ", "").startswith("'a teapot'")


def test_a_single_wrong_edge_is_the_case_that_is_shown() -> None:
    def oddly_wrong(good: int, total: int, target: float) -> float:
        return 17.0 if total and not good else budget_left_with_guards(good, total, target)

    result = check("budget_left", oddly_wrong)
    assert str(result.case) == "budget_left(0, 1000, 0.999)\n  expected  -999.0\n  got       17.0"
    assert result.mistake is None


@pytest.mark.parametrize("name", ["budget", "Fires", "countgood", "blamless", "", None])
def test_an_unknown_exercise_names_the_nearest(name: Any) -> None:
    with pytest.raises(ValueError, match="did you mean '"):
        check(name, None)


def test_the_nearest_name_is_meant() -> None:
    with pytest.raises(
        ValueError, match="unknown exercise 'hours_to_empt'; did you mean 'hours_to_empty'"
    ):
        check("hours_to_empt", None)


# --- stubs ---------------------------------------------------------------------------------------


def stub_of_dots(*arguments: Any) -> Any: ...


def stub_that_returns_dots(*arguments: Any) -> Any:
    return ...


def stub_that_raises(*arguments: Any) -> Any:
    raise NotImplementedError("your turn")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "stub", [None, ..., stub_of_dots, stub_that_returns_dots, stub_that_raises]
)
def test_a_stub_is_not_attempted(name: str, stub: Any) -> None:
    if name in EXERCISES or not callable(stub):
        result = check(name, stub)
        assert (result.passed, result.attempted, result.mistake, result.case) == (
            False,
            False,
            None,
            None,
        )
        assert "\n" not in repr(result)
        assert name in result.message


@pytest.mark.parametrize(
    "stub", [[], [...] * 6, [None] * 6, [""] * 6, [sentence.text for sentence in SENTENCES]]
)
def test_sentences_nobody_has_rewritten_are_not_attempted(stub: list[Any]) -> None:
    assert not check("blameless", stub).attempted


# --- code that misbehaves ------------------------------------------------------------------------


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.15)


def learner_threads() -> list[threading.Thread]:
    time.sleep(0.05)  # a thread that was stopped needs a moment to be gone
    return [thread for thread in threading.enumerate() if isinstance(thread, runner._Learner)]


def test_code_that_raises_is_reported() -> None:
    result = check("budget_left", lambda good, total, target: [][0])
    assert not result.passed
    assert "IndexError" in result.message
    assert result.case is not None
    assert result.case.got == "IndexError: list index out of range"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_even_an_exit_is_only_reported(error: type[BaseException]) -> None:
    def leave(*arguments: Any) -> Any:
        raise error

    assert error.__name__ in check("fires", leave).message


def test_an_error_that_cannot_be_shown_is_reported() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def rude(*arguments: Any) -> Any:
        raise Rude

    assert "Rude" in repr(check("ladder", rude))


def test_prints_are_kept_from_the_notebook_and_mentioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def chatty(good: int, total: int, target: float) -> float:
        print("good is", good)
        return budget_left_with_guards(good, total, target)

    result = check("budget_left", chatty)
    assert result.passed
    assert "prints" in result.message
    assert capsys.readouterr().out == ""
    print("stdout is back")
    assert capsys.readouterr().out == "stdout is back\n"


def test_an_answer_that_is_printed_and_not_returned_is_told_so() -> None:
    result = check("can_ever_fire", lambda target, factor: print(factor * (1 - target) < 1))
    assert (result.passed, result.attempted) == (False, True)
    assert "prints but returns nothing" in result.message


def test_changed_arguments_are_mentioned_and_do_no_harm() -> None:
    def sorts(events: list[tuple[int, str]]) -> Any:
        events.sort()
        return lifecycle_with_lists(events)

    assert "changes the list" in check("lifecycle", sorts).message
    assert check("lifecycle", sorts).passed
    assert "changes the list" not in check("lifecycle", lifecycle_with_lists).message


@pytest.mark.parametrize(
    "change", [lambda log: log.append(np.zeros(3)), lambda log: log.append(log), list.clear]
)
def test_arguments_that_cannot_even_be_compared_are_no_trouble(
    change: Callable[[list[Any]], None],
) -> None:
    def answer(requests: list[Any], max_ms: float) -> Any:
        result = count_good_in_a_loop(requests, max_ms)
        change(requests)
        return result

    result = check("count_good", answer)
    assert result.passed
    assert "changes the list" in result.message


def test_recursion_without_end_is_reported() -> None:
    def again(*arguments: Any) -> Any:
        return again(*arguments)

    assert "calls itself without end" in check("events_needed", again).message


def test_a_loop_without_end_is_stopped_within_the_limit() -> None:
    def waits(steps: Any, ack: Any, repeat: Any) -> Any:
        while True:
            pass

    began = time.monotonic()
    result = check("ladder", waits)
    assert time.monotonic() - began < 3.5
    assert "did not come back" in result.message
    assert result.case is not None
    assert result.case.got == "it had not come back after 2 seconds"
    assert not learner_threads()


def stubborn(*arguments: Any) -> Any:
    while True:
        try:  # noqa: SIM105 (what a learner writes)
            abs(len(arguments))
        except:  # noqa: E722
            pass


def swallowing(*arguments: Any) -> Any:
    while True:
        try:
            sum(i for i in range(1000))
        except Exception:
            continue


def endless_generator(*arguments: Any) -> Iterator[int]:
    while True:
        pass
    yield 1


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("answer", [stubborn, swallowing, endless_generator])
def test_no_busy_thread_is_left_behind(answer: Function) -> None:
    result = check("count_good", answer)
    assert (result.passed, result.attempted) == (False, True)
    assert "still runs" not in result.message
    assert not learner_threads()


@pytest.mark.usefixtures("short_limit")
def test_code_that_cannot_be_stopped_is_reported_too() -> None:
    wakes = threading.Event()
    try:
        assert (
            "still runs: restart the kernel"
            in check("fires", lambda *arguments: wakes.wait(20)).message
        )
    finally:
        wakes.set()


@pytest.mark.usefixtures("short_limit")
def test_a_loop_without_end_in_one_case_shows_that_case() -> None:
    def waits_for_health(
        mitigations: list[str], sli: Function, apply: Function, target: float
    ) -> list[str]:
        used = respond_with_while(mitigations, sli, apply, target)
        while sli() < target:
            pass
        return list(used)

    result = check("respond", waits_for_health)
    assert result.case is not None
    assert result.case.call == "respond([], sli, apply, 0.99), the SLI being 0.5"


@pytest.mark.usefixtures("short_limit")
def test_a_wrong_answer_before_the_loop_without_end_counts() -> None:
    def wrong_then_waits(good: int, total: int, target: float) -> float:
        while not total:
            pass
        return good / total

    assert (check("budget_left", wrong_then_waits).mistake or "").startswith("This is the SLI")


def test_applying_for_ever_is_stopped_at_once() -> None:
    def applies(mitigations: list[str], sli: Function, apply: Function, target: float) -> Any:
        while True:
            apply("fail_over")

    began = time.monotonic()
    assert "RuntimeError" in check("respond", applies).message
    assert time.monotonic() - began < 1


def test_an_endless_series_is_cut_short() -> None:
    assert not check("ladder", lambda steps, ack, repeat: itertools.count()).passed


def test_a_value_handed_in_for_a_function_is_told_so() -> None:
    result = check("fires", True)
    assert (result.passed, result.attempted) == (False, True)
    assert "function itself" in result.message


@pytest.mark.parametrize(
    "answer", [lambda good, total: 1.0, lambda: 1.0, lambda *, good, total, target: 1.0]
)
def test_a_function_with_other_parameters_is_shown_the_signature(answer: Function) -> None:
    assert "budget_left(good, total, target)" in check("budget_left", answer).message


def test_a_path_without_a_return_is_named() -> None:
    def forgets(good: int, total: int, target: float) -> Any:
        if good < total:
            return budget_left_with_guards(good, total, target)

    assert "lack a return" in check("budget_left", forgets).message


def test_state_kept_between_calls_is_no_trouble() -> None:
    seen: list[Any] = []

    def remembers(requests: list[tuple[int, float | None]], max_ms: float) -> Any:
        seen.extend(requests)
        return count_good_in_a_loop(seen, max_ms)

    assert not check("count_good", remembers).passed


# --- how it shows itself -------------------------------------------------------------------------


def test_the_text_of_a_right_answer() -> None:
    assert (
        repr(check("can_ever_fire", can_ever_fire_rounded))
        == "Right. The same answers as ours on all 13 cases."
    )


def test_the_text_of_a_recognised_mistake() -> None:
    assert repr(check("budget_left", sli_without_a_thought)) == (
        "Not yet. This is the SLI, the share of good events. "
        "The budget left sets failures against those the SLO allows.\n\n"
        "budget_left(9, 10, 0.9)\n  expected  0.0\n  got       0.9"
    )


def everything_shown() -> Iterator[Check]:
    for name, exercise in EXERCISES.items():
        yield check(name, lambda *arguments: object())
        yield check(name, lambda *arguments: iter([object()]))
        yield check(name, lambda *arguments: {"b", "a", "c"})
        yield check(name, exercise.mistakes[0].wrong)
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


def test_the_exercises_need_no_third_party_module() -> None:
    for module in (runner, functions, postmortem):
        for value in vars(module).values():
            root = getattr(value, "__module__", "oncall").split(".")[0]
            assert root == "oncall" or root in sys.stdlib_module_names


# --- 08: blameless -------------------------------------------------------------------------------

GOOD = [
    "At 18:12 the first errors stayed below every alert's threshold, and 50 % of requests failed until 18:41.",
    "The gateway's timeout was 30 s; the form takes any number and shows no unit.",
    "The rate limit went from 600 to 60: the form takes a value without a preview.",
    "At 18:20 the circuit breaker was closed; opening it was a manual step that no alert points to.",
    "prompt-v12 went out at 17:55; the pipeline has no evaluation step that could hold it back.",
    "The deploy script refuses to move the alias index-v7 to an index that is not complete.",
]
TERSE = [
    "50% of requests failed from 18:12 to 18:41, and the pager was silent for the first 18 minutes.",
    "No default was set for the gateway; 30 seconds came from a template.",
    "A rate limit of 60 in place of 600 passed every check there is.",
    "Nobody was told at 18:20 that the circuit breaker exists.",
    "No test stood between `prompt-v12` and users at 17:55.",
    "index-v7 is switched by a job now, not by hand.",
]


def put(number: int, text: str) -> list[str]:
    return [text if i == number else good for i, good in enumerate(GOOD, 1)]


@pytest.mark.parametrize("answer", [GOOD, TERSE, tuple(GOOD), iter(GOOD), [*map(str.upper, GOOD)]])
def test_blameless_sentences_with_their_facts_pass(answer: Any) -> None:
    result = check("blameless", answer)
    assert result.passed, result


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [
        (1, "", "A sentence is empty"),
        (2, SENTENCES[1].text, "A sentence stands as it stood"),
        (2, f'"{SENTENCES[1].text}"', "A sentence stands as it stood"),
        (
            3,
            "A human error turned the rate limit of 600 into 60, because the form has no preview.",
            "Human error is still",
        ),
        (
            2,
            "The timeout of the gateway was misconfigured by Chen and became 30 s.",
            "The blame is still there",
        ),
        (
            1,
            "At 18:12 Bo overlooked the errors, and 50 % of requests failed until 18:41.",
            "A person is still the subject",
        ),
        (
            5,
            "The engineer deployed prompt-v12 without testing it at 17:55.",
            "A person is still the subject",
        ),
        (
            4,
            "At 18:20 the circuit breaker should have been open.",
            "This tells of a night that did not happen",
        ),
        (
            1,
            "At 18:12 carelessness met 50 % errors until 18:41 and careless alerts.",
            "This judges somebody",
        ),
        (6, "Be careful with the alias index-v7.", "This asks people to be careful"),
        (
            5,
            "prompt-v12 was deployed by Chen at 17:55 without testing.",
            "The words are in another order",
        ),
        (2, "The gateway was misconfigured: its timeout was 30 s.", "The name is gone"),
        (5, "prompt-v12 was deployed at 17:55.", "The name is gone"),
        (1, "From 18:12 to 18:41 many requests failed.", "This is vague about the impact"),
        (
            1,
            "At 18:12 the alerts were silent, and half of the requests failed until 18:41.",
            "A fact is gone",
        ),
        (3, "The rate limit of 600 became 6, and the form has no preview.", "A fact is gone"),
        (3, "The rate limit of 6000 became 60, and the form has no preview.", "A fact is gone"),
        (4, "The circuit breaker was closed; opening it is a manual step.", "A fact is gone"),
    ],
)
def test_a_sentence_that_is_not_blameless_is_recognised(number: int, text: str, words: str) -> None:
    result = check("blameless", put(number, text))
    assert (result.passed, result.attempted) == (False, True)
    assert (result.mistake or "").startswith(words), result
    assert result.case is not None
    assert result.case.call == f"sentence {number}: {SENTENCES[number - 1].text}"


def test_the_first_sentence_that_is_wrong_is_shown() -> None:
    answer = [
        *GOOD[:3],
        "We should have opened the circuit breaker at 18:20.",
        *["Human error."] * 2,
    ]
    assert "sentence 4" in repr(check("blameless", answer))


@pytest.mark.parametrize(
    "answer", [" ".join(GOOD), dict.fromkeys(GOOD), 6, [*GOOD[:5], 6], lambda: GOOD]
)
def test_what_is_no_list_of_sentences_is_told_so(answer: Any) -> None:
    assert check("blameless", answer).mistake == postmortem.NOT_A_LIST


@pytest.mark.parametrize("answer", [GOOD[:5], [*GOOD, "And that was all of it."]])
def test_another_number_of_sentences_is_told_so(answer: list[str]) -> None:
    assert check("blameless", answer).mistake == postmortem.OTHER_NUMBER


def test_the_originals_are_found_wanting_one_by_one() -> None:
    for number, sentence in enumerate(SENTENCES, 1):
        assert postmortem._check_sentence(number, replace(sentence, text="other"), sentence.text)


# --- 08: case ------------------------------------------------------------------------------------


def recorded_case(**changes: Any) -> ReplayCase:
    return replace(to_eval_case(recorded_incident()), **changes)


def felt_for() -> timedelta:
    """How long users felt the recorded incident."""
    return recorded_incident().metrics().impact or timedelta()


def paged_after() -> timedelta:
    return postmortem._fixed(recorded_case()).paged_after or timedelta()


def restored_after() -> timedelta:
    """When the system with the fix is back."""
    return postmortem._fixed(recorded_case()).restored_after or timedelta()


def with_symptom(symptom: str) -> ReplayCase:
    case = recorded_case()
    object.__setattr__(case, "symptom", symptom)  # whatever runbooks there are
    return case


@pytest.mark.parametrize(
    "case",
    [
        lambda: recorded_case(),
        lambda: to_eval_case(recorded_incident(), restore_within=felt_for() - MINUTE),
        lambda: recorded_case(page_within=paged_after(), restore_within=restored_after()),
        lambda: recorded_case(
            error_ratio=recorded_case().error_ratio * (1 + 1e-12), page_within=timedelta.max
        ),
    ],
)
def test_a_case_that_fails_on_the_record_and_passes_with_the_fix_passes(
    case: Callable[[], ReplayCase],
) -> None:
    result = check("case", case())
    assert result.passed, result
    assert "without the fix" in result.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: recorded_incident(), "This is no ReplayCase"),
        (lambda: to_eval_case, "This is no ReplayCase"),
        (lambda: {"symptom": "model_provider_outage"}, "This is no ReplayCase"),
        (lambda: replay(recorded_case()), "This is the verdict"),
        (lambda: recorded_prompt_case(), "This is a prompt case"),
        (lambda: recorded_case(id="regression-INC-002"), "This is named after another"),
        (lambda: with_symptom("stale_index"), "This puts another fault"),
        (
            lambda: recorded_case(slo=SLO("availability", 0.999)),
            "This holds the service to another SLO",
        ),
        (lambda: recorded_case(slo=SLO("quality", 0.99)), "This holds the service to another SLO"),
        (lambda: recorded_case(error_ratio=0.5), "This fault is not the recorded one"),
        (lambda: recorded_case(restore_within=felt_for()), "The incident as recorded passes"),
        (lambda: recorded_case(restore_within=10**6 * HOUR), "The incident as recorded passes"),
        (lambda: recorded_case(page_within=MINUTE), "This asks for the page before"),
        (
            lambda: recorded_case(page_within=paged_after() - MINUTE, restore_within=HOUR),
            "This asks for the page before",
        ),
        (
            lambda: recorded_case(restore_within=restored_after() - MINUTE),
            "This asks for more than the automations",
        ),
        (lambda: recorded_case(restore_within=MINUTE), "This asks for more than the automations"),
    ],
)
def test_a_case_that_proves_nothing_is_recognised(answer: Callable[[], Any], words: str) -> None:
    result = check("case", answer())
    assert (result.passed, result.attempted) == (False, True)
    assert (result.mistake or "").startswith(words), result
    assert result.case is not None


def recorded_prompt_case() -> Any:
    at = recorded_incident().impact_start + 48 * HOUR
    fresh = replace(recorded_incident(), events=())
    return to_prompt_case(fresh.sample("hi", "no", "yes", at=at, by="ana"), must_contain=["yes"])


def test_the_record_is_made_once() -> None:
    assert recorded_incident() is recorded_incident()
    assert recorded_incident().id == "INC-001"


@pytest.mark.parametrize(
    "mistakes", [postmortem.SENTENCE_MISTAKES, postmortem.CASE_MISTAKES], ids=["blameless", "case"]
)
def test_at_least_six_mistakes_are_known_in_08(mistakes: Sequence[tuple[str, Any]]) -> None:
    assert len({words for words, _ in mistakes}) == len(mistakes) >= 6
