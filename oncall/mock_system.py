"""A mock of an AI service with one fault in it, to practise runbooks and to replay incidents on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction

from oncall.catalogue import FLOORS, SYMPTOMS, known_mitigation, known_symptom
from oncall.slo import exact


class MockSystem:
    """A service with one fault in it, to practise on: each mitigation catches a share of what still fails.

    ``automated`` mitigations have applied themselves already. ``failing`` is the share that fails
    before any mitigation, the symptom's own unless given. The state is only ``applied``, what was
    done; a rollback takes back one time, so what was in effect before stays so.
    """

    def __init__(
        self, symptom: str, automated: Iterable[str] = (), *, failing: float | None = None
    ):
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
                for other, share in effect.harms.items():
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
        return tuple(
            n for n, value in self.slis.items() if n != self._model.sli and value < FLOORS[n]
        )

    def apply(self, mitigation: str) -> None:
        """Put a mitigation into effect; one that is in effect already changes nothing."""
        self.applied.append(known_mitigation(mitigation))

    def rollback(self, mitigation: str) -> None:
        """Undo a mitigation, or one time of it if it was applied more often."""
        if mitigation not in self.applied:
            raise ValueError(
                f"{mitigation!r} is not applied; applied are {', '.join(self.applied) or 'none'}"
            )
        self.applied.remove(mitigation)

    def wait(self, length: timedelta) -> None:
        """Nothing: a mock shows everything at once."""
