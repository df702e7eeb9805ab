"""Answers that misbehave: they raise, print, change arguments, never return. None is fatal."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from exercise_answers import (
    Function,
    Requests,
    budget_left_with_guards,
    count_good_in_a_loop,
    lifecycle_with_lists,
    respond_with_while,
)

from oncall.workbook.exercises import check, runner


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.15)


@pytest.fixture
def threads_left() -> Callable[[], list[threading.Thread]]:
    """Asks which threads run now that did not run before the test."""
    before = threading.enumerate()

    def threads() -> list[threading.Thread]:
        time.sleep(0.05)  # a thread that was stopped needs a moment to be gone
        return [thread for thread in threading.enumerate() if thread not in before]

    return threads


# --- errors --------------------------------------------------------------------------------------


def test_code_that_raises_is_reported() -> None:
    feedback = check("budget_left", lambda good, total, target: [][0])
    assert not feedback.passed
    assert "IndexError" in feedback.message
    assert feedback.case is not None
    assert feedback.case.got == "IndexError: list index out of range"


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


def test_recursion_without_end_is_reported() -> None:
    def again(*arguments: Any) -> Any:
        return again(*arguments)

    assert "calls itself without end" in check("events_needed", again).message


# --- prints, changed arguments, and other things it does beside its job --------------------------


def test_prints_are_kept_from_the_notebook_and_mentioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def chatty(good: int, total: int, target: float) -> float:
        print("good is", good)
        return budget_left_with_guards(good, total, target)

    feedback = check("budget_left", chatty)
    assert feedback.passed
    assert "prints" in feedback.message
    assert capsys.readouterr().out == ""
    print("stdout is back")
    assert capsys.readouterr().out == "stdout is back\n"


def test_an_answer_that_is_printed_and_not_returned_is_told_so() -> None:
    feedback = check("can_ever_fire", lambda target, factor: print(factor * (1 - target) < 1))
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert "prints but returns nothing" in feedback.message


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
        counts = count_good_in_a_loop(requests, max_ms)
        change(requests)
        return counts

    feedback = check("count_good", answer)
    assert feedback.passed
    assert "changes the list" in feedback.message


def test_state_kept_between_calls_is_no_trouble() -> None:
    seen: list[Any] = []

    def remembers(requests: Requests, max_ms: float) -> Any:
        seen.extend(requests)
        return count_good_in_a_loop(seen, max_ms)

    assert not check("count_good", remembers).passed


# --- code that does not come back ----------------------------------------------------------------


def test_a_loop_without_end_is_stopped_within_the_limit(
    threads_left: Callable[[], list[threading.Thread]],
) -> None:
    def waits(steps: Any, ack: Any, repeat: Any) -> Any:
        while True:
            pass

    began = time.monotonic()
    feedback = check("ladder", waits)
    assert time.monotonic() - began < 3.5
    assert "did not come back" in feedback.message
    assert feedback.case is not None
    assert feedback.case.got == "it had not come back after 2 seconds"
    assert not threads_left()


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
def test_no_busy_thread_is_left_behind(
    answer: Function, threads_left: Callable[[], list[threading.Thread]]
) -> None:
    feedback = check("count_good", answer)
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert "still runs" not in feedback.message
    assert not threads_left()


@pytest.mark.usefixtures("short_limit")
def test_code_that_cannot_be_stopped_is_reported_too() -> None:
    wakes = threading.Event()
    try:
        feedback = check("fires", lambda *arguments: wakes.wait(20))
        assert "still runs: restart the kernel" in feedback.message
    finally:
        wakes.set()


@pytest.mark.usefixtures("short_limit")
def test_a_loop_without_end_in_one_case_shows_that_case() -> None:
    def waits_for_health(cards: list[str], look: Function, *service: Any) -> list[str]:
        used = respond_with_while(cards, look, *service)
        while look()[0] < service[-1]:
            pass
        return list(used)

    feedback = check("respond", waits_for_health)
    assert feedback.case is not None
    assert feedback.case.call.startswith("respond(…) at an SLI of 0.5, target 0.99;")


@pytest.mark.usefixtures("short_limit")
def test_a_wrong_answer_before_the_loop_without_end_counts() -> None:
    def wrong_then_waits(good: int, total: int, target: float) -> float:
        while not total:
            pass
        return good / total

    assert (check("budget_left", wrong_then_waits).mistake or "").startswith("This is the SLI")


def test_applying_for_ever_is_stopped_at_once() -> None:
    def applies(cards: Any, look: Any, ask: Any, apply: Function, *rest: Any) -> Any:
        while True:
            apply("fail_over")

    began = time.monotonic()
    assert "RuntimeError" in check("respond", applies).message
    assert time.monotonic() - began < 1


def test_an_endless_series_is_cut_short() -> None:
    assert not check("ladder", lambda steps, ack, repeat: itertools.count()).passed


# --- what is no answer at all --------------------------------------------------------------------


def test_a_value_handed_in_for_a_function_is_told_so() -> None:
    feedback = check("fires", True)
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert "function itself" in feedback.message


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
