"""Running a runbook: mitigate least risk first, verify each step, roll back what does not help, and stop.

Each mitigation is verified against the SLI that users feel. The runbooks themselves are data, in
``runbooks``, and so is what each mitigation catches.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Protocol

from oncall.runbooks import FLOORS as FLOORS
from oncall.runbooks import MITIGATIONS as MITIGATIONS
from oncall.runbooks import RUNBOOKS as RUNBOOKS
from oncall.runbooks import SYMPTOMS as SYMPTOMS
from oncall.runbooks import Mitigation as Mitigation
from oncall.runbooks import Runbook as Runbook
from oncall.slo import SLO, exact, exact_ratio
from oncall.times import MINUTE, utc

Approve = Callable[[Mitigation], bool]
ROLLED_BACK = MINUTE  # how long until what was rolled back no longer shows


class System(Protocol):
    """Whatever a runbook can be run on: a mock, a shift, or an adapter to the real thing."""

    @property
    def sli(self) -> float:
        """The user-facing SLI now."""

    @property
    def harmed(self) -> tuple[str, ...]:
        """The names of other SLIs that are now below what users accept."""

    @property
    def applied(self) -> Collection[str]:
        """The names of the mitigations in effect."""

    def apply(self, mitigation: str) -> None:
        """Do it."""

    def rollback(self, mitigation: str) -> None:
        """Undo it."""

    def wait(self, length: timedelta) -> None:
        """Let time pass, so that what was done can show."""


@dataclass(frozen=True)
class StepResult:
    """One mitigation tried: ``before`` and ``after`` are the SLI, ``at`` is when ``after`` was read.

    ``refused`` means that it needed approval and got none; ``harmed`` names other SLIs that it brought
    below what users accept.
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
        """What became of it, in words."""
        if self.refused:
            return "refused: not approved"
        if self.helped:
            return "kept"
        why = f"harmed {', '.join(self.harmed)}" if self.harmed else "did not help"
        return f"{why}, but cannot be rolled back" if self.kept else f"rolled back: it {why}"


@dataclass(frozen=True)
class RunbookRun:
    """What was tried, in order, and whether the SLI was back at its target at the end."""

    steps: tuple[StepResult, ...]
    healthy: bool


def run_runbook(
    runbook: Runbook, system: System, *, slo: SLO, at: datetime, approve: Approve = lambda mitigation: False
) -> RunbookRun:
    """Work through a runbook from ``at`` on, and stop as soon as the SLI is at its target.

    Each mitigation is given its ``settle`` time, then verified: it helped when the SLI rose and no
    other SLI was harmed. One that did not help is rolled back, and a minute later the next is
    tried; one that cannot be rolled back stays. Those that need approval are put to ``approve``, which says no
    unless told otherwise. What is in effect already, automated or from before, is left alone.
    """
    at, steps = utc(at, "at"), []
    for mitigation in runbook.mitigations:
        if is_healthy(system, slo):
            break
        if mitigation.name not in system.applied:
            step = _try(mitigation, system, at, approve)
            at = step.at if step.kept or step.refused else step.at + ROLLED_BACK
            steps.append(step)
    return RunbookRun(tuple(steps), is_healthy(system, slo))


def is_healthy(system: System, slo: SLO) -> bool:
    """Whether the SLI is at its target, exactly at it included, and no other SLI is harmed.

    An SLI of ``nan``, no events, is no evidence of health.
    """
    ratio = exact_ratio(system.sli, "sli")
    return ratio is not None and ratio >= slo.exact_target and not system.harmed


def _try(mitigation: Mitigation, system: System, at: datetime, approve: Approve) -> StepResult:
    before, harmed_before = system.sli, system.harmed
    if mitigation.needs_approval and not approve(mitigation):
        return StepResult(mitigation, at, before, before, kept=False, refused=True)
    system.apply(mitigation.name)
    system.wait(mitigation.settle)
    harmed = tuple(name for name in system.harmed if name not in harmed_before)
    step = StepResult(mitigation, at + mitigation.settle, before, system.sli, kept=True, harmed=harmed)
    if step.helped or not mitigation.reversible:
        return step
    system.rollback(mitigation.name)
    system.wait(ROLLED_BACK)
    return replace(step, kept=False)


# --- a system to practise on ---------------------------------------------------------------------


class MockSystem:
    """A service with one fault in it, to practise on: each mitigation catches a share of what still fails.

    ``automated`` mitigations have applied themselves already. ``failing`` is the share that fails
    before any mitigation, the symptom's own unless given. The state is only ``applied``, what was
    done; a rollback takes back one time, so what was in effect before stays so.
    """

    def __init__(self, symptom: str, automated: Iterable[str] = (), *, failing: float | None = None):
        self.symptom = symptom
        self._model = SYMPTOMS[known_symptom(symptom)]
        self._failing = self._model.failing if failing is None else exact(failing, "failing")
        if not 0 <= self._failing <= 1:
            raise ValueError(f"failing must be a share from 0 to 1, given {failing!r}")
        self.applied = [known_mitigation(name) for name in automated]

    @property
    def slis(self) -> dict[str, Fraction]:
        """Each SLI the fault or a mitigation touches, by name."""
        failing, slis = self._failing, dict[str, Fraction]()
        for name, effect in self._model.effects.items():
            if name in self.applied:
                for other, share in effect.spoils.items():
                    slis[other] = slis.get(other, 1) - failing * effect.catches * share
                failing = min(Fraction(1), failing * (1 - effect.catches))
        return slis | {self._model.sli: 1 - failing}

    @property
    def sli(self) -> float:
        """The SLI that the fault hits."""
        return float(self.slis[self._model.sli])

    @property
    def harmed(self) -> tuple[str, ...]:
        """The other SLIs that are below their floor."""
        return tuple(n for n, value in self.slis.items() if n != self._model.sli and value < FLOORS[n])

    def apply(self, mitigation: str) -> None:
        """Put a mitigation into effect; one that is in effect already changes nothing."""
        self.applied.append(known_mitigation(mitigation))

    def rollback(self, mitigation: str) -> None:
        """Undo a mitigation, or one time of it if it was applied more often."""
        if mitigation not in self.applied:
            raise ValueError(f"{mitigation!r} is not applied; applied are {', '.join(self.applied) or 'none'}")
        self.applied.remove(mitigation)

    def wait(self, length: timedelta) -> None:
        """Nothing: a mock shows everything at once."""


def known_symptom(symptom: str) -> str:
    """The symptom itself, if there is a runbook for it; else a ``ValueError`` that names the nearest."""
    return _known(symptom, RUNBOOKS, "symptom")


def known_mitigation(name: str) -> str:
    """The mitigation's name itself, if there is such a one; else a ``ValueError`` that names the nearest."""
    return _known(name, MITIGATIONS, "mitigation")


def _known(name: str, names: Mapping[str, object], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what} {name!r}; {hint}")
