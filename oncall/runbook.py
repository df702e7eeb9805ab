"""Runbooks: what one is, and running it: least risk first, verify, roll back what does not help.

Each mitigation is verified against the SLI that users feel. The runbooks themselves are data, in
``oncall.catalogue``, and so is what each mitigation catches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from oncall.slo import SLO, exact_ratio
from oncall.times import MINUTE, utc


@dataclass(frozen=True)
class Check:
    """A reading to take before acting, and what it shows if the symptom is this one.

    ``reading`` are the words that take it in a shift; empty if nobody measures that there.
    """

    look: str
    expect: str
    reading: str = ""


@dataclass(frozen=True)
class Mitigation:
    """An action that stops the harm without mending its cause.

    ``settle`` is how long it takes to show in the SLI. ``rollback`` says how to undo it; it is
    empty for an irreversible one.
    """

    name: str
    action: str
    reversible: bool
    risk: str
    needs_approval: bool
    rollback: str
    settle: timedelta


@dataclass(frozen=True)
class Runbook:
    """What an on-call engineer does about one symptom, and whom they call if it is not enough."""

    symptom: str
    title: str
    severity: str
    owner: str
    checks: tuple[Check, ...]
    mitigations: tuple[Mitigation, ...]
    escalate_to: str


Approve = Callable[[Mitigation], bool]
ROLLED_BACK = MINUTE  # how long until a mitigation that was rolled back no longer shows


class System(Protocol):
    """Anything that a runbook can be run on: a mock, a shift, or an adapter to the real thing."""

    @property
    def sli(self) -> float:
        """The user-facing SLI now."""

    @property
    def harmed(self) -> tuple[str, ...]:
        """The names of the other SLIs that are now below what users accept."""

    @property
    def applied(self) -> Collection[str]:
        """The names of the mitigations in effect."""

    def apply(self, mitigation: str) -> None:
        """Put a mitigation into effect."""

    def rollback(self, mitigation: str) -> None:
        """Undo one application of a mitigation."""

    def wait(self, length: timedelta) -> None:
        """Let time pass, so that what was done can show in the SLI."""


@dataclass(frozen=True)
class StepResult:
    """One mitigation as it was tried, with the SLI ``before`` and ``after`` it.

    ``at`` is when ``after`` was read. ``refused`` means that it needed approval and got none;
    ``harmed`` names the other SLIs that it brought below what users accept.
    """

    mitigation: Mitigation
    at: datetime
    before: float
    after: float
    kept: bool
    refused: bool = False
    harmed: tuple[str, ...] = ()

    @property
    def helped(self) -> bool:
        """Whether the SLI rose and no other SLI was harmed."""
        return self.after > self.before and not self.harmed

    @property
    def outcome(self) -> str:
        """What became of the mitigation, in words."""
        if self.refused:
            return "refused: not approved"
        if self.helped:
            return "kept"
        why = f"harmed {', '.join(self.harmed)}" if self.harmed else "did not help"
        return f"{why}, but cannot be rolled back" if self.kept else f"rolled back: it {why}"


@dataclass(frozen=True)
class RunbookRun:
    """The mitigations that were tried, in order, and whether the system was healthy at the end."""

    steps: tuple[StepResult, ...]
    healthy: bool


def _never(mitigation: Mitigation) -> bool:
    return False


def run_runbook(
    runbook: Runbook, system: System, *, slo: SLO, at: datetime, approve: Approve = _never
) -> RunbookRun:
    """Work through a runbook from ``at`` on, and stop as soon as the system is healthy.

    Each mitigation is given its ``settle`` time and then verified: it helped if the SLI rose and no
    other SLI was harmed. One that did not help is rolled back, and a minute later the next one is
    tried; one that cannot be rolled back stays. Those that need approval are put to ``approve``,
    which says no unless told otherwise. Mitigations already in effect are left alone.
    """
    at = utc(at, "at")
    steps: list[StepResult] = []
    for mitigation in runbook.mitigations:
        if is_healthy(system, slo):
            break
        if mitigation.name not in system.applied:
            step = _try(mitigation, system, at, approve)
            at = step.at if step.kept or step.refused else step.at + ROLLED_BACK
            steps.append(step)
    return RunbookRun(tuple(steps), is_healthy(system, slo))


def is_healthy(system: System, slo: SLO) -> bool:
    """Whether the SLI is at its target or above it, and no other SLI is harmed.

    An SLI of ``nan``, which means no events, is no evidence of health.
    """
    ratio = exact_ratio(system.sli, "sli")
    return ratio is not None and ratio >= slo.exact_target and not system.harmed


def _try(mitigation: Mitigation, system: System, at: datetime, approve: Approve) -> StepResult:
    before, harmed_before = system.sli, system.harmed
    if mitigation.needs_approval and not approve(mitigation):
        return StepResult(mitigation, at, before, before, kept=False, refused=True)
    system.apply(mitigation.name)
    system.wait(mitigation.settle)
    at += mitigation.settle
    harmed = tuple(name for name in system.harmed if name not in harmed_before)
    step = StepResult(mitigation, at, before, system.sli, kept=True, harmed=harmed)
    if step.helped or not mitigation.reversible:
        return step
    system.rollback(mitigation.name)
    system.wait(ROLLED_BACK)
    return replace(step, kept=False)
