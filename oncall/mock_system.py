"""A mock of an AI service with one fault in it, to practise runbooks and to replay incidents on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction

from oncall.catalogue import FLOORS, SYMPTOMS, known_mitigation, known_symptom
from oncall.checks import check
from oncall.slo import exact


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
