"""A mock of an AI service with one fault in it, to practise runbooks and to replay incidents on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from functools import cache
from itertools import chain, combinations

from oncall.alerting import AlertEvaluator, BurnRule, google_policy
from oncall.catalogue import RUNBOOKS, known_mitigation, known_symptom
from oncall.checks import check, checked_text, checked_texts
from oncall.mitigations import FLOORS, SYMPTOMS
from oncall.runbook import is_healthy
from oncall.slo import SLO, exact, exact_ratio, percent
from oncall.times import DAY, MINUTE, duration_text, positive

WARM_UP = 3 * DAY  # of clean traffic before the fault: longer than any window of a page rule
REQUESTS = 1_000_000  # per minute in a replay: so many that rounding to whole ones does not matter


class MockSystem:
    """A service with one fault, of which each mitigation catches a share of what still fails.

    ``automated`` mitigations are applied from the start. ``failing`` is the share that fails before
    any mitigation, the symptom's own unless given. The only state is ``applied``, which lists a
    mitigation as often as it was applied: undoing one application leaves earlier ones in effect.
    """

    def __init__(
        self, symptom: str, automated: Iterable[str] = (), *, failing: float | None = None
    ):
        self.symptom = symptom
        self._symptom = SYMPTOMS[known_symptom(symptom)]
        self._failing = self._symptom.failing if failing is None else exact(failing, "failing")
        check(0 <= self._failing <= 1, "failing", "a share from 0 to 1", failing)
        self.applied = [known_mitigation(name) for name in automated]

    @property
    def slis(self) -> dict[str, Fraction]:
        """Every SLI that the fault or a mitigation changes, by name."""
        failing = self._failing
        slis: dict[str, Fraction] = {}
        for name, effect in self._symptom.effects.items():
            if name in self.applied:
                for other, share in effect.harms.items():
                    slis[other] = slis.get(other, 1) - failing * effect.catches * share
                failing = min(Fraction(1), failing * (1 - effect.catches))
        return slis | {self._symptom.sli: 1 - failing}

    @property
    def sli(self) -> float:
        """The SLI that the fault lowers."""
        return float(self.slis[self._symptom.sli])

    @property
    def harmed(self) -> tuple[str, ...]:
        """The names of the other SLIs that are below their floor."""
        others = {name: sli for name, sli in self.slis.items() if name != self._symptom.sli}
        return tuple(name for name, sli in others.items() if sli < FLOORS[name])

    def apply(self, mitigation: str) -> None:
        """Put a mitigation into effect; applying it again changes no SLI."""
        self.applied.append(known_mitigation(mitigation))

    def rollback(self, mitigation: str) -> None:
        """Undo one application of a mitigation; if there is none, that is a ``ValueError``."""
        if mitigation not in self.applied:
            applied = ", ".join(self.applied) or "none"
            raise ValueError(f"{mitigation!r} is not applied; applied are {applied}")
        self.applied.remove(mitigation)

    def wait(self, length: timedelta) -> None:
        """Do nothing: a mock shows everything at once."""


# --- an incident, replayed -----------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """Whether a case passed, and why; for a replay also the times to the page and to recovery."""

    case: str
    passed: bool
    why: str
    paged_after: timedelta | None = None
    restored_after: timedelta | None = None


@dataclass(frozen=True)
class ReplayCase:
    """An incident as a test: after the fault, a page must come and the SLI be back at its target.

    The limits ``page_within`` and ``restore_within`` are above zero and count from the fault.
    ``error_ratio``, above 0, is the share of requests that fail before any mitigation. Nothing
    mitigates but what is automated.
    """

    id: str
    symptom: str
    slo: SLO
    error_ratio: float
    page_within: timedelta
    restore_within: timedelta

    def __post_init__(self) -> None:
        checked_text(self.id, "id", blank=True)
        known_symptom(self.symptom)
        if not exact_ratio(self.error_ratio, "error_ratio"):  # nan is None, and not above 0 either
            raise ValueError(f"error_ratio must be above 0, up to 1, given {self.error_ratio!r}")
        positive(self.page_within, "page_within")
        positive(self.restore_within, "restore_within")

    def verdict(self, paged: timedelta | None, restored: timedelta | None) -> Verdict:
        """Whether these times from the fault, ``None`` where it never was, keep the limits."""
        problems = []
        limits = (("paged", paged, self.page_within), ("restored", restored, self.restore_within))
        for what, after, within in limits:
            if after is None or after > within:
                late = "" if after is None else f" but after {duration_text(after)}"
                problems.append(f"not {what} within {duration_text(within)}{late}")
        times = f"paged after {duration_text(paged)}, restored after {duration_text(restored)}"
        return Verdict(self.id, not problems, "; ".join(problems) or times, paged, restored)


def replay(case: ReplayCase, automated: Iterable[str] = ()) -> Verdict:
    """Inject the fault into a healthy service, and see whether it is paged and restored in time.

    Before the fault there are three days of clean traffic, in buckets of a minute. The automated
    mitigations begin at the page, in the runbook's order, and each takes its settle time.
    """
    names = {known_mitigation(name) for name in checked_texts(automated, "automated")}
    system = MockSystem(case.symptom, failing=case.error_ratio)
    paged = elapsed = _paged_after(system.sli, case.slo)
    restored = MINUTE if is_healthy(system, case.slo) else None
    for mitigation in RUNBOOKS[case.symptom].mitigations:
        if elapsed is not None and restored is None and mitigation.name in names:
            system.apply(mitigation.name)
            elapsed += mitigation.settle
            restored = elapsed if is_healthy(system, case.slo) else None
    return case.verdict(paged, restored)


@cache  # the same for every set of automations
def _paged_after(sli: float, slo: SLO) -> timedelta | None:
    """The time to the first page at this SLI; ``None`` if none comes in three days, or ever."""
    evaluator, good = AlertEvaluator(slo, _page_rules(slo), MINUTE), round(exact(sli) * REQUESTS)
    for _ in range(WARM_UP // MINUTE):
        evaluator.observe(REQUESTS, REQUESTS)
    minutes = range(1, WARM_UP // MINUTE + 1)
    return next((minute * MINUTE for minute in minutes if evaluator.observe(good, REQUESTS)), None)


def detection_time(slo: SLO, error_ratio: float) -> timedelta:
    """The time from the fault to its first page at this error ratio, rounded up to a minute.

    If no page rule sees it, that is a ``ValueError``.
    """
    times = [rule.detection_time(slo, error_ratio) for rule in _page_rules(slo)]
    earliest = min((time for time in times if time is not None), default=None)
    if earliest is None:
        fault = f"{percent(error_ratio, 3)} failing at a target of {percent(slo.target)}"
        raise ValueError(f"no page rule sees {fault}")
    return math.ceil(earliest / MINUTE) * MINUTE


def _page_rules(slo: SLO) -> tuple[BurnRule, ...]:
    return tuple(rule for rule in google_policy(slo.period) if rule.action == "page")


def prove_automations(case: ReplayCase, automated: Sequence[str]) -> Verdict:
    """Whether the case fails without these automations and passes with them."""
    before, after = replay(case), replay(case, automated)
    if before.passed:
        return replace(before, passed=False, why="not proved: it passes with nothing automated")
    if not after.passed:
        names = ", ".join(automated) or "nothing"
        return replace(after, why=f"not proved: with {names} automated, {after.why}")
    return replace(after, why=f"proved: without the fix, {before.why}; with it, {after.why}")


def soonest_restored(fault: ReplayCase) -> timedelta:
    """The shortest time from a fault to recovery, over every part of the runbook, automated.

    All subsets of the runbook's mitigations are replayed, at most 32: some mitigations help only
    together, and each that is not needed costs its settle time. If none restores it,
    that is a ``ValueError``.
    """
    names = [mitigation.name for mitigation in RUNBOOKS[fault.symptom].mitigations]
    subsets = chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))
    times = [replay(fault, subset).restored_after for subset in subsets]
    soonest = min((time for time in times if time is not None), default=None)
    if soonest is None:
        failing = f"{percent(fault.error_ratio, 3)} failing"
        raise ValueError(f"nothing in the runbook of {fault.symptom} restores {failing}")
    return soonest
