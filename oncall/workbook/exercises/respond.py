"""Lesson 10 asks to apply mitigations, least risk first, until the SLI is back at its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oncall.workbook.exercises.exercise import Exercise, Function
from oncall.workbook.exercises.runner import show


def _while(wanted: Function) -> Function:
    """The function that applies one mitigation after the other while ``wanted`` says so.

    It is asked with the SLIs seen so far and the target.
    """

    def respond(mitigations: list[str], sli: Function, apply: Function, target: float) -> list[str]:
        applied: list[str] = []
        seen = [sli()]
        while len(applied) < len(mitigations) and wanted(seen, target):
            applied.append(mitigations[len(applied)])
            apply(applied[-1])
            seen.append(sli())
        return applied

    return respond


_respond = _while(lambda seen, target: seen[-1] < target)


def _returning(change: Function) -> Function:
    """The function that applies the right ones, and makes something else of their names."""

    def respond(mitigations: list[str], sli: Function, apply: Function, target: float) -> Any:
        names = _respond(mitigations, sli, apply, target)
        return change(names, sli() >= target)

    return respond


def _below_but_better(seen: list[float], target: float) -> bool:
    helped = len(seen) == 1 or seen[-1] > seen[-2]
    return helped and seen[-1] < target


def _never_ending(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> list[str]:
    applied: list[str] = []
    while sli() < target:
        applied.append(mitigations[len(applied)])
        apply(applied[-1])
    return applied


def _on_a_service(
    answer: Function, mitigations: list[str], readings: Sequence[float], target: float
) -> Any:
    """What an answer returns and applies.

    The SLI of the service is the next reading after each mitigation, and stays at the last one.
    """
    applied: list[str] = []

    def sli() -> float:
        return readings[min(len(applied), len(readings) - 1)]

    def apply(name: str) -> None:
        applied.append(name)
        if len(applied) > 1000:
            raise RuntimeError("1000 mitigations were applied, and it goes on")

    returned = answer(mitigations, sli, apply, target)
    untouched = not applied and (returned is None or returned is ...)
    return None if untouched else {"returned": returned, "applied": applied}


def _service_text(
    name: str, mitigations: list[str], readings: Sequence[float], target: float
) -> str:
    after = f", then {', '.join(map(show, readings[1:]))}" if len(readings) > 1 else ""
    return f"{name}({show(mitigations)}, sli, apply, {target}), the SLI being {readings[0]}{after}"


_CARDS = ["fail_over", "serve_cached", "serve_degraded"]

EXERCISE = Exercise(
    "respond(mitigations, sli, apply, target)",
    _respond,
    cases=(
        (_CARDS[:1], (0.999,), 0.99),
        (_CARDS[:1], (0.5, 1.0), 0.99),
        (_CARDS[:2], (0.5, 0.999), 0.99),
        (_CARDS[:2], (0.5, 0.5, 0.999), 0.99),
        (_CARDS, (0.5, 0.85, 0.96, 1.0), 0.95),
        (_CARDS, (0.5, 0.85, 0.95, 1.0), 0.99),
    ),
    edges=(
        ([], (0.5,), 0.99),
        (_CARDS, (0.99,), 0.99),
        (_CARDS, (0.5, 0.85, 0.95, 1.0), 0.95),
        (_CARDS, (0.5, 0.4, 0.97), 0.95),
        (_CARDS, (0.5, 0.6, 0.7, 0.8), 0.99),
    ),
    call=_on_a_service,
    text=_service_text,
    mistakes={
        "This applies everything without a look at the SLI. "
        "Each has its price: verify, and stop at the target.": _while(lambda seen, target: True),
        "This reads the SLI once, at the start. What it was then says nothing about what the "
        "last mitigation did.": _while(lambda seen, target: seen[0] < target),
        "This stops as soon as something has helped. Better is not enough: go on until the SLI is "
        "at its target.": _while(lambda seen, target: seen[-1] < target and seen[-1] <= seen[0]),
        "This gives up when a mitigation does not help. "
        "Go on to the next until the SLI is at its target.": _while(_below_but_better),
        "This starts from the end of the list. It is ordered by risk, least first; "
        "keep that order.": lambda mitigations, *service: _respond(mitigations[::-1], *service),
        "This returns names but never calls apply, so that nothing happens to the service. "
        "Apply each in turn.": lambda mitigations, sli, apply, target: _respond(
            mitigations, sli, lambda name: None, target
        ),
        "This applies the right ones but returns nothing. Return their names: "
        "the incident record needs them.": _returning(lambda names, healthy: None),
        "This leaves out the one that brought the SLI to its target. It was applied: note it "
        "before you stop.": _returning(lambda names, healthy: names[:-1] if healthy else names),
        "This applies a mitigation before it looks. When the service is "
        "healthy, do nothing.": _while(lambda seen, target: len(seen) == 1 or seen[-1] < target),
        "This goes on when the SLI is exactly at its target. That is healthy: stop at >=.": _while(
            lambda seen, target: seen[-1] <= target
        ),
        "This runs off the end of the list when nothing is enough. "
        "A runbook ends; then a person is called.": _never_ending,
    },
)
