"""Lesson 10 asks to work a runbook: apply, look, keep what helped and take back what did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from oncall.workbook.exercises.exercise import Exercise, Function


class Card(NamedTuple):
    """A mitigation of the service that an answer is tried on.

    It catches this share of what still fails, a negative one makes it worse; it may harm another
    SLI below what users accept; and somebody says yes or no when asked for it.
    """

    name: str
    catches: float
    harms: bool = False
    approved: bool = True


Keeps = Callable[[float, float, bool, float], bool]  # before, after, harmed, and the target


def _helped(before: float, after: float, harmed: bool, target: float) -> bool:
    return after > before and not harmed


def _loop(
    *,
    done: Callable[[float, float], bool] = lambda sli, target: sli >= target,
    keeps: Keeps = _helped,
    asks: bool = True,
    undo: bool = True,
    after_refusal: bool = True,
    after_failure: bool = True,
    order: Callable[[list[str]], Sequence[str]] = list,
    returns: Callable[[list[str], list[str]], Any] = lambda kept, tried: kept,
) -> Function:
    """The function that works the loop in this way; without a word, the right one."""

    def respond(
        mitigations: list[str],
        look: Function,
        ask: Function,
        apply: Function,
        rollback: Function,
        target: float,
    ) -> Any:
        kept: list[str] = []
        tried: list[str] = []
        for name in order(mitigations):
            before, _ = look()
            if done(before, target):
                break
            if asks and not ask(name):
                if not after_refusal:
                    break
                continue
            apply(name)
            tried.append(name)
            after, harmed = look()
            if keeps(before, after, harmed, target):
                kept.append(name)
            else:
                if undo:
                    rollback(name)
                if not after_failure:
                    break
        return returns(kept, tried)

    return respond


_respond = _loop()


def _once_at_the_start(
    mitigations: list[str], look: Function, *service: Function | float
) -> list[str]:
    sli, _ = look()
    target = service[-1]
    return [] if sli >= target else _loop(done=lambda *_: False)(mitigations, look, *service)


def _apply_all(mitigations: list[str], look: Any, ask: Any, apply: Any, *rest: Any) -> list[str]:
    for name in mitigations:
        apply(name)
    return mitigations


def _apply_before_looking(
    mitigations: list[str],
    look: Function,
    ask: Function,
    apply: Function,
    rollback: Function,
    target: float,
) -> list[str]:
    kept = []
    for name in mitigations:
        before, _ = look()
        if not ask(name):
            continue
        apply(name)
        after, harmed = look()
        if _helped(before, after, harmed, target):
            kept.append(name)
        else:
            rollback(name)
        if after >= target and not harmed:
            break
    return kept


def _stop_after_the_first_help(mitigations: list[str], *service: Any) -> list[str]:
    for number in range(1, len(mitigations) + 1):
        if kept := _respond(mitigations[number - 1 : number], *service):
            return list(kept)
    return []


def _undo_all_at_the_end(mitigations: list[str], look: Any, *rest: Any) -> list[str]:
    kept: list[str] = _respond(mitigations, look, *rest)
    rollback, target = rest[-2:]
    if look()[0] < target:
        for name in kept:
            rollback(name)
        return []
    return kept


def _on_a_service(answer: Function, cards: Sequence[Card], start: float, target: float) -> Any:
    """What an answer returns, and what it left in effect."""
    by_name = {card.name: card for card in cards}
    calls: list[tuple[str, str]] = []
    applied: list[str] = []

    def look() -> tuple[float, bool]:
        failing = 1 - start
        for name in applied:
            failing *= 1 - by_name[name].catches
        return round(1 - failing, 6), any(by_name[name].harms for name in applied)

    def ask(name: str) -> bool:
        return by_name[name].approved

    def apply(name: str) -> None:
        calls.append(("apply", name))
        applied.append(name)
        if len(calls) > 200:
            raise RuntimeError("200 steps were taken, and it goes on")

    def rollback(name: str) -> None:
        calls.append(("rollback", name))
        if name in applied:
            applied.remove(name)

    returned = answer([card.name for card in cards], look, ask, apply, rollback, target)
    untouched = not calls and (returned is None or returned is ...)
    return None if untouched else {"returned": returned, "steps": calls, "in effect": applied}


def _service_text(name: str, cards: Sequence[Card], start: float, target: float) -> str:
    told = []
    for card in cards:
        harm = ", harms another SLI" if card.harms else ""
        refused = ", is refused" if not card.approved else ""
        told.append(f"{card.name} catches {card.catches:g}{harm}{refused}")
    deck = "; ".join(told) or "nothing in the runbook"
    return f"{name}(…) at an SLI of {start:g}, target {target:g}; {deck}"


_OVER, _CACHED = Card("fail_over", 0.7), Card("serve_cached", 2 / 3)
_DEGRADED, _HEDGE = Card("serve_degraded", 1.0, harms=True), Card("hedge_requests", -0.1)
_IDLE, _RAISE = Card("cap_retries", 0.0), Card("raise_rate_limit", 0.8, approved=False)

EXERCISE = Exercise(
    "respond(mitigations, look, ask, apply, rollback, target)",
    _respond,
    cases=(
        ((_OVER,), 0.999, 0.99),
        ((Card("fail_over", 1.0),), 0.5, 0.99),
        ((_OVER, _CACHED, Card("serve_degraded", 1.0)), 0.5, 0.95),
        ((Card("fail_over", 0.9), _CACHED), 0.5, 0.9),
        ((_IDLE, Card("fail_over", 0.99)), 0.5, 0.99),
        ((_HEDGE, _OVER, _CACHED), 0.5, 0.94),
        ((_DEGRADED, _OVER, _CACHED), 0.5, 0.95),
        ((_OVER, _RAISE, _CACHED), 0.5, 0.95),
        ((_OVER, _HEDGE, _CACHED, _IDLE), 0.5, 0.99),
    ),
    edges=(
        ((), 0.5, 0.99),
        ((_OVER,), 0.99, 0.99),
        ((_OVER, _CACHED), 0.985, 0.99),
        ((_OVER, _CACHED), 0.9899, 0.99),
        ((_OVER, Card("serve_cached", 1.0, harms=True)), 0.5, 0.9),
        ((_RAISE,), 0.5, 0.9),
        ((_OVER, Card("hedge_requests", -0.5), Card("shed", 0.3)), 0.5, 0.99),
    ),
    call=_on_a_service,
    text=_service_text,
    mistakes={
        "This applies everything without a look at the SLI. "
        "Each has its price: verify, and stop at the target.": _apply_all,
        "This reads the SLI once, at the start. What it was then says nothing about what the "
        "last mitigation did.": _once_at_the_start,
        "This never takes anything back. What did not help stays in, and somebody has to find it "
        "next morning.": _loop(undo=False),
        "This takes back what did not help and notes it as kept. Return only what is still in "
        "effect.": _loop(returns=lambda kept, tried: tried),
        "This plays one card after the other until the target, and takes nothing back. Look after "
        "each: what did not help, or harms, goes out.": _loop(
            undo=False, returns=lambda kept, tried: tried
        ),
        "This keeps what did not help. An SLI that has not risen is no reason to leave a change "
        "in.": _loop(keeps=lambda before, after, harmed, target: not harmed),
        "This keeps what left the SLI where it was. It must rise, or the change goes out.": _loop(
            keeps=lambda before, after, harmed, target: after >= before and not harmed
        ),
        "This does not see harm. One SLI at its target and another below what users accept is no "
        "cure: take it back.": _loop(keeps=lambda before, after, harmed, target: after > before),
        "This takes back whatever does not reach the target by itself. Better is worth keeping; go "
        "on from there.": _loop(
            keeps=lambda before, after, harmed, target: after >= target and not harmed
        ),
        "This stops as soon as something has helped. Better is not enough: go on until the SLI is "
        "at its target.": _stop_after_the_first_help,
        "This gives up when a mitigation does not help. Take it back, and go on to the "
        "next.": _loop(after_failure=False),
        "This starts from the end of the list. It is ordered by risk, least first; "
        "keep that order.": _loop(order=lambda names: names[::-1]),
        "This returns names but never calls apply, so that nothing happens to the service. "
        "Apply each in turn.": lambda mitigations, look, ask, apply, rollback, target: (
            [] if look()[0] >= target else list(mitigations)
        ),
        "This applies a mitigation before it looks. When the service is healthy, do "
        "nothing.": _apply_before_looking,
        "This goes on when the SLI is exactly at its target. That counts as reached: stop "
        "at >=.": _loop(done=lambda sli, target: sli > target),
        "This rounds the SLI, and takes 98.5% for 99%. Compare it as it is.": _loop(
            done=lambda sli, target: round(sli, 2) >= target
        ),
        "This does not ask. Some mitigations are not yours alone to play: apply only what "
        "ask(name) allows.": _loop(asks=False),
        "This stops at a refusal. Leave that one out, and go on to the next.": _loop(
            after_refusal=False
        ),
        "This takes everything back when the list was not enough. What helped stays: users are "
        "better off with it while a person is called.": _undo_all_at_the_end,
        "This works the loop and returns nothing. Return what is in effect: the incident record "
        "needs it.": _loop(returns=lambda kept, tried: None),
    },
)
