"""The gate asks a prompt case k of n times: in turn, or at once where asking is a coroutine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from recorded_outage import MITIGATIONS, SECOND, asked, outage

from oncall.regression import PromptCase, gate, gate_async, save_case, to_eval_case, to_prompt_case

RIGHT, WRONG = "Paris", "Lyon"


def saved(folder: Path, name: str = "capital", **fields: Any) -> Path:
    """The folder, with a prompt case in it that asks for what ``RIGHT`` answers."""
    case = PromptCase(name, f"{name}?", WRONG, RIGHT, must_contain=(RIGHT,), **fields)
    save_case(case, folder / f"{name}.json")
    return folder


class System:
    """A system under test, which gives these answers one after the other, and then right ones."""

    def __init__(self, *answers: Any) -> None:
        self.answers = iter(answers)
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> Any:
        self.asked.append(prompt)
        answer = next(self.answers, RIGHT)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def waiting(system: System) -> Callable[[str], Awaitable[Any]]:
    """The same system, asked by a coroutine function."""

    async def ask(prompt: str) -> Any:
        await asyncio.sleep(0)
        return system(prompt)

    return ask


@pytest.fixture(params=["a function", "a coroutine function", "a coroutine where a loop runs"])
def judged(request: pytest.FixtureRequest) -> Callable[[Path, System], Any]:
    """The gate's verdict, however it asks."""

    def run(folder: Path, system: System) -> Any:
        if request.param == "a function":
            return gate(folder, answer=system)
        if request.param == "a coroutine function":
            return gate(folder, answer=waiting(system))
        return asyncio.run(gate_async(folder, answer=waiting(system)))

    return run


Judged = Callable[[Path, System], Any]

# --- k of n --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "passes"), [(0, True), (1, True), (2, True), (3, False)])
def test_eight_of_ten_may_be_two_wrong_and_not_three(
    wrong: int, passes: bool, judged: Judged, tmp_path: Path
) -> None:
    folder = saved(tmp_path, asks=10, passes_needed=8)
    assert judged(folder, System(*[WRONG] * wrong)).passed is passes


def test_a_pass_says_how_many_answers_passed_and_what_that_is_worth(
    judged: Judged, tmp_path: Path
) -> None:
    [verdict] = judged(saved(tmp_path, asks=10, passes_needed=8), System(WRONG)).verdicts
    worth = "a system wrong in 1 of 10 would pass 93% of the time, in 1 of 5 67.8%"
    assert verdict.why == f"9 of 10 answers pass, 8 of 10 are needed; {worth}"


def test_one_ask_is_worth_little_and_says_so(judged: Judged, tmp_path: Path) -> None:
    [verdict] = judged(saved(tmp_path), System()).verdicts
    worth = "a system wrong in 1 of 10 would pass 90% of the time, in 1 of 5 80%"
    assert verdict.why == f"the answer meets every demand; {worth}"


def test_a_chance_too_small_to_read_is_under_a_thousandth(judged: Judged, tmp_path: Path) -> None:
    [verdict] = judged(saved(tmp_path, asks=59), System()).verdicts
    assert verdict.why.endswith("would pass 0.2% of the time, in 1 of 5 under 0.1%")


def test_a_pass_of_a_case_that_only_bans_says_so(judged: Judged, tmp_path: Path) -> None:
    save_case(PromptCase("ban", "?", WRONG, RIGHT, must_not_contain=(WRONG,)), tmp_path / "a.json")
    result = judged(tmp_path, System("502 Bad Gateway"))
    assert result.passed
    assert str(result).endswith("; without must_contain, an error page passes too")


def test_a_failure_says_why_and_how_often(judged: Judged, tmp_path: Path) -> None:
    folder = saved(tmp_path, asks=10, passes_needed=8)
    system = System(WRONG, TimeoutError("too\nslow"), " ", WRONG)
    [verdict] = judged(folder, system).verdicts
    count, _, whys = verdict.why.partition(": ")
    assert count.endswith("answers pass, 8 of 10 are needed")
    assert "answer= raised TimeoutError: too slow" in whys
    assert "the answer is blank: ' '" in whys
    assert "'Paris' is missing" in whys
    assert "would pass" not in verdict.why


def test_all_must_pass_unless_fewer_are_needed(judged: Judged, tmp_path: Path) -> None:
    assert not judged(saved(tmp_path, asks=3), System(RIGHT, RIGHT, WRONG))


def test_a_slow_answer_is_one_that_failed(judged: Judged, tmp_path: Path) -> None:
    folder = saved(tmp_path, asks=3, passes_needed=2, max_latency=SECOND)
    assert judged(folder, System((RIGHT, 2 * SECOND), (RIGHT, SECOND), (RIGHT, SECOND)))
    assert not judged(folder, System((RIGHT, 2 * SECOND), RIGHT, (RIGHT, SECOND)))


def test_a_failed_ask_fails_alone(judged: Judged, tmp_path: Path) -> None:
    folder = saved(tmp_path, asks=4, passes_needed=3)
    saved(tmp_path, "other", asks=4, passes_needed=3)
    verdicts = judged(folder, System(ConnectionError("reset"), None)).verdicts
    assert [verdict.passed for verdict in verdicts] == [False, True]


# --- as often as it takes ------------------------------------------------------------------------


def test_a_case_that_cannot_pass_any_more_is_not_asked_again(tmp_path: Path) -> None:
    system = System(*[WRONG] * 100)
    [verdict] = gate(saved(tmp_path, asks=100, passes_needed=98), answer=system).verdicts
    assert len(system.asked) == 3
    assert verdict.why == "0 of 3 answers pass, 98 of 100 are needed: 3 × 'Paris' is missing"


def test_nor_where_many_are_asked_at_once_but_for_those_under_way(tmp_path: Path) -> None:
    system = System(*[WRONG] * 100)
    assert not gate(saved(tmp_path, asks=100), answer=waiting(system), at_once=5)
    assert len(system.asked) == 5


def test_a_case_that_has_its_passes_is_asked_on_so_that_its_rate_is_the_system_s(
    judged: Judged, tmp_path: Path
) -> None:
    system = System(*[RIGHT] * 5, *[WRONG] * 5)
    [verdict] = judged(saved(tmp_path, asks=10, passes_needed=4), system).verdicts
    assert len(system.asked) == 10
    assert verdict.why.startswith("5 of 10 answers pass, 4 of 10 are needed; ")


def test_a_case_that_proves_nothing_is_not_asked(judged: Judged, tmp_path: Path) -> None:
    easy = PromptCase("easy", "?", WRONG, RIGHT, must_not_contain=("Rome",), asks=9)
    save_case(easy, tmp_path / "easy.json")
    system = System()
    assert not judged(tmp_path, system)
    assert system.asked == []


# --- many at once --------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (3, 3), (8, 8), (50, 20)])
def test_so_many_asks_run_at_once_and_no_more(at_once: int, most: int, tmp_path: Path) -> None:
    running, highest = 0, 0

    async def ask(prompt: str) -> str:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return RIGHT

    saved(tmp_path, "one", asks=12)
    assert gate(saved(tmp_path, "two", asks=8), answer=ask, at_once=at_once)
    assert highest == most  # of both cases together


def test_eight_at_once_unless_told(tmp_path: Path) -> None:
    together = asyncio.Barrier(8)

    async def ask(prompt: str) -> str:
        async with asyncio.timeout(10), together:
            return RIGHT

    assert gate(saved(tmp_path, asks=16), answer=ask)


@pytest.mark.parametrize("at_once", [0, -1, 1.5, None])
def test_at_once_is_a_whole_number_from_1(at_once: Any, tmp_path: Path) -> None:
    wanted = "at_once must be a whole number from 1, given"
    with pytest.raises(ValueError, match=wanted):
        gate(tmp_path, answer=System(), at_once=at_once)
    with pytest.raises(ValueError, match=wanted):
        asyncio.run(gate_async(tmp_path, answer=waiting(System()), at_once=at_once))


def test_verdicts_stand_in_the_order_of_the_files_whoever_answers_first(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        saved(tmp_path, name, asks=2)
    save_case(to_eval_case(outage()), tmp_path / "e.json")

    async def ask(prompt: str) -> str:
        for _ in range(100 - 20 * names.index(prompt[0])):
            await asyncio.sleep(0)
        return RIGHT

    result = gate(tmp_path, automated=MITIGATIONS, answer=ask)
    assert result
    assert [verdict.case for verdict in result.verdicts] == [*names, "regression-INC-001"]


class Client:
    """A system whose client is an object that is called with ``await``."""

    async def __call__(self, prompt: str, given: str = RIGHT) -> str:
        return given

    async def complete(self, prompt: str) -> str:
        return RIGHT


@pytest.mark.parametrize(
    "answer", [Client(), Client().complete, partial(Client().complete)], ids=lambda _: ""
)
def test_whatever_is_awaited_is_known_for_a_coroutine(answer: Any, tmp_path: Path) -> None:
    assert gate(saved(tmp_path, asks=3), answer=answer)


def test_a_plain_function_may_be_asked_where_a_loop_runs(tmp_path: Path) -> None:
    async def cell() -> Iterable[bool]:
        return gate(tmp_path, answer=System()).passed, (
            await gate_async(tmp_path, answer=System())
        ).passed

    saved(tmp_path, asks=3)
    assert list(asyncio.run(cell())) == [True, True]


@pytest.mark.filterwarnings("error")
def test_a_coroutine_function_where_a_loop_runs_is_told_what_to_write(tmp_path: Path) -> None:
    async def cell() -> None:
        gate(saved(tmp_path), answer=waiting(System()))

    wanted = r"an event loop runs here: write await gate_async\(…\), not gate\(…\)"
    with pytest.raises(ValueError, match=wanted):
        asyncio.run(cell())


def test_without_anybody_to_ask_the_gate_is_shut_here_too(tmp_path: Path) -> None:
    assert "a prompt case runs from a test" in str(asyncio.run(gate_async(saved(tmp_path))))


def test_no_thread_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert gate(saved(tmp_path, asks=20), answer=waiting(System()))


# --- whoever ends it -----------------------------------------------------------------------------


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_every_ask(interrupt: type[BaseException], tmp_path: Path) -> None:
    ended = []

    async def ask(prompt: str) -> str:
        try:
            await asyncio.sleep(0 if prompt == "first?" else 3600)
        except asyncio.CancelledError:
            ended.append(prompt)
            raise
        raise interrupt

    saved(tmp_path, "first")
    with pytest.raises(interrupt):
        gate(saved(tmp_path, "other", asks=3), answer=ask)
    assert ended == ["other?"] * 3


def test_an_interrupt_ends_asks_in_turn(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        gate(saved(tmp_path, asks=3, passes_needed=1), answer=System(KeyboardInterrupt()))


def test_who_cancels_the_gate_ends_every_ask(tmp_path: Path) -> None:
    ended = []

    async def ask(prompt: str) -> str:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(prompt)
        return RIGHT

    async def cell() -> None:
        async with asyncio.timeout(0.05):
            await gate_async(saved(tmp_path, asks=20), answer=ask, at_once=4)

    with pytest.raises(TimeoutError):
        asyncio.run(cell())
    assert len(ended) == 4  # and the sixteen that waited were never asked


def test_an_ask_that_a_client_cancels_fails_alone(tmp_path: Path) -> None:
    folder = saved(tmp_path, asks=4, passes_needed=3)
    assert gate(folder, answer=waiting(System(asyncio.CancelledError())))
    once = saved(tmp_path / "once")
    [verdict] = gate(once, answer=waiting(System(asyncio.CancelledError()))).verdicts
    assert (verdict.passed, verdict.why) == (False, "answer= was cancelled")


def test_the_sample_of_an_incident_is_asked_as_often_as_its_case_says(tmp_path: Path) -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"], asks=5, passes_needed=4)
    save_case(case, tmp_path / "case.json")
    system = System(WRONG)
    assert gate(tmp_path, answer=system)
    assert system.asked == ["What is the capital of France?"] * 5
