"""Runbooks: for each symptom what to check, what to do in which order, and when to stop.

The mitigations are tried least risk first. Each is verified against the SLI that users feel, and
what does not help is rolled back before the next. The runbooks themselves are data, further down,
and so is what each mitigation catches.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Protocol

from oncall.slo import SLO, exact, exact_ratio
from oncall.times import MINUTE, utc


@dataclass(frozen=True)
class Check:
    """A reading to take before acting, and what it shows when this symptom is the right one."""

    look: str
    expect: str


@dataclass(frozen=True)
class Mitigation:
    """Something that stops the harm, without mending its cause.

    ``settle`` is how long it takes to show in the SLI. ``rollback`` says how to undo it; an
    irreversible one has none and stays.
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
    """What an on-call engineer does about one symptom, and whom they call when it is not enough."""

    symptom: str
    title: str
    severity: str
    owner: str
    checks: tuple[Check, ...]
    mitigations: tuple[Mitigation, ...]
    escalate_to: str


# --- running one ---------------------------------------------------------------------------------


class System(Protocol):
    """Whatever a runbook can be run on: a mock, a shift, or an adapter to the real thing."""

    @property
    def sli(self) -> float:
        """The user-facing SLI now."""

    @property
    def harmed(self) -> tuple[str, ...]:
        """The names of other SLIs that are now below what users accept."""

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
    runbook: Runbook,
    system: System,
    *,
    slo: SLO,
    at: datetime,
    approve: Callable[[Mitigation], bool] = lambda mitigation: False,
) -> RunbookRun:
    """Work through a runbook from ``at`` on, and stop as soon as the SLI is at its target.

    Each mitigation is given its ``settle`` time, then verified: it helped when the SLI rose and no
    other SLI was harmed. One that did not help is rolled back before the next is tried; one that
    cannot be rolled back stays. Those that need approval are put to ``approve``, which says no
    unless told otherwise.
    """
    at, steps = utc(at, "at"), []
    for mitigation in runbook.mitigations:
        if is_healthy(system, slo):
            break
        step = _try(mitigation, system, at, approve)
        at = step.at
        steps.append(step)
    return RunbookRun(tuple(steps), is_healthy(system, slo))


def is_healthy(system: System, slo: SLO) -> bool:
    """Whether the SLI is at its target, exactly at it included, and no other SLI is harmed.

    An SLI of ``nan``, no events, is no evidence of health.
    """
    ratio = exact_ratio(system.sli, "sli")
    return ratio is not None and ratio >= slo.exact_target and not system.harmed


def _try(mitigation: Mitigation, system: System, at: datetime, approve: Callable[[Mitigation], bool]) -> StepResult:
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
    return replace(step, kept=False)


# --- a system to practise on ---------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What a mitigation does about a symptom: it catches this share of what still fails.

    Of what it catches, the shares in ``spoils`` turn bad in another SLI: a degraded reply is an
    answer, though not a good one.
    """

    catches: Fraction
    spoils: Mapping[str, Fraction]


@dataclass(frozen=True)
class Symptom:
    """How a fault shows: the SLI it hits, the share that fails, and what each mitigation does about it.

    A mitigation that is not listed catches nothing.
    """

    sli: str
    failing: Fraction
    effects: Mapping[str, Effect]


class MockSystem:
    """A service with one fault in it, to practise on: each mitigation catches a share of what still fails.

    ``automated`` mitigations have applied themselves already. ``failing`` is the share that fails
    before any mitigation, the symptom's own unless given. The state is only ``applied``, what was
    done in order; a rollback takes back the last time, so what was automated before stays.
    """

    def __init__(self, symptom: str, automated: Iterable[str] = (), *, failing: float | None = None):
        self.symptom = symptom
        self._model = SYMPTOMS[known_symptom(symptom)]
        if failing is not None and not 0 <= failing <= 1:
            raise ValueError(f"failing must be a share from 0 to 1, given {failing!r}")
        self._failing = self._model.failing if failing is None else exact(failing)
        self.applied: list[str] = []
        for name in automated:
            self.apply(name)

    @property
    def slis(self) -> dict[str, Fraction]:
        """Each SLI the fault or a mitigation touches, by name."""
        failing, spoilt = self._failing, dict.fromkeys(FLOORS, Fraction(0))
        for name in dict.fromkeys(self.applied):
            effect = self._model.effects.get(name, NO_EFFECT)
            for other, share in effect.spoils.items():
                spoilt[other] += failing * effect.catches * share
            failing *= 1 - effect.catches
        return {name: 1 - share for name, share in spoilt.items()} | {self._model.sli: 1 - failing}

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
        """Undo the last time a mitigation was applied."""
        if mitigation not in self.applied:
            raise ValueError(f"{mitigation!r} is not applied; applied are {', '.join(self.applied) or 'none'}")
        del self.applied[-1 - self.applied[::-1].index(mitigation)]

    def wait(self, length: timedelta) -> None:
        """Nothing: a mock shows everything at once."""


def known_symptom(symptom: str) -> str:
    """The symptom itself, if there is a runbook for it; else a ``ValueError`` that names the nearest."""
    return _known(symptom, RUNBOOKS, "symptom")


def known_mitigation(name: str) -> str:
    """The mitigation's name itself, if any runbook has it; else a ``ValueError`` that names the nearest."""
    return _known(name, {m.name: m for book in RUNBOOKS.values() for m in book.mitigations}, "mitigation")


def _known(name: str, names: Mapping[str, object], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what} {name!r}; {hint}")


# --- the runbooks --------------------------------------------------------------------------------

FLOORS = {"availability": Fraction(99, 100), "quality": Fraction(90, 100)}
"""The least that users accept in an SLI that the SLO at hand does not name."""

NO_EFFECT = Effect(Fraction(0), {})

_FAIL_OVER = Mitigation(
    "fail_over", "open the circuit breaker and fail over to the secondary provider",
    reversible=True, risk="low: answers differ a little in tone", needs_approval=False,
    rollback="close the circuit breaker", settle=2 * MINUTE,
)
_SERVE_CACHED = Mitigation(
    "serve_cached", "serve cached answers where the same question was answered before",
    reversible=True, risk="low: an answer may be a day old", needs_approval=False,
    rollback="turn the answer cache off", settle=2 * MINUTE,
)
_SERVE_DEGRADED = Mitigation(
    "serve_degraded", "give a degraded reply to whatever still fails",
    reversible=True, risk="medium: users get a short apology with search results", needs_approval=False,
    rollback="turn the degraded reply off", settle=MINUTE,
)

RUNBOOKS = {
    "model_provider_outage": Runbook(
        "model_provider_outage", "The model provider fails requests", "sev1", "assistant-platform",
        checks=(
            Check("errors by upstream", "5xx and timeouts come from the model provider, not from our own services"),
            Check("the provider's status page", "degraded, or still green in the first minutes"),
            Check("the secondary provider's error ratio", "below 1 %"),
            Check("our last deploy", "none in the hour before"),
        ),
        mitigations=(_FAIL_OVER, _SERVE_CACHED, _SERVE_DEGRADED),
        escalate_to="the provider's support line, then the head of platform",
    ),
}

SYMPTOMS = {
    "model_provider_outage": Symptom(
        "availability", Fraction(1, 2),
        {
            # The secondary provider has room for 70 % of the traffic that fails.
            "fail_over": Effect(Fraction(7, 10), {}),
            # Two thirds of the questions that still fail have been asked before.
            "serve_cached": Effect(Fraction(2, 3), {}),
            # Everything gets a reply. It counts as answered; nobody would judge it good.
            "serve_degraded": Effect(Fraction(1), {"quality": Fraction(1)}),
        },
    ),
}
