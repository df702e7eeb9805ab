"""What happens in the service of a shift, as expectations: faults, changes, and what helps.

A world is drawn from a scenario and a seed, and never changes. It knows the truth, so nobody at the
desk may ask it anything; ``service`` draws from it what can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from oncall.gameday.causes import AIMS, DEFAULTS, DIMENSIONS, SLOS, SPOILS, UNAIMED, USUAL, Cause
from oncall.mitigations import SYMPTOMS, Effect
from oncall.scenario import Fault, Scenario
from oncall.times import MINUTE

Active = tuple[tuple[str, str], ...]  # the mitigations that show, each with what it is aimed at
Where = tuple[tuple[str, str], ...]  # dimensions, each with a value


@dataclass(frozen=True)
class Change:
    """A line of the change log: when, of which kind, what, and the words that undo it, if any."""

    id: str
    minute: int
    kind: str
    what: str
    undo: str


@dataclass(frozen=True)
class Hit:
    """A fault where it lies: its cause, the segment that it hits, and the change that brought it.

    The segment is one ``value`` of ``dimension``; without one it is all of the traffic. It overlaps
    a value of another dimension, ``beside``, in which the share ``overlap`` of it lies.
    """

    fault: Fault
    cause: Cause
    effects: Mapping[str, Effect]
    dimension: str = ""
    value: str = ""
    beside: tuple[str, str] = ("", "")
    overlap: float = 0.0
    change: str = ""
    drawn: bool = True

    @property
    def segment(self) -> str:
        """The segment as people write it: ``region=eu``, or ``all``."""
        return f"{self.dimension}={self.value}" if self.dimension else "all"

    def helps(self, mitigation: str, aim: str) -> bool:
        """Whether a mitigation, aimed at this, acts on it."""
        if (kind := AIMS.get(mitigation)) is None or not self.drawn:
            return mitigation in self.effects
        hit = self.change if kind == "change" else self.value if kind == self.dimension else None
        return mitigation in self.effects and bool(aim) and hit == aim

    def left(self, share: float, active: Active) -> dict[str, float]:
        """What still turns bad in each SLI, where this share would, under these mitigations."""
        bad: dict[str, float] = {}
        aims = dict(active)
        for name, effect in self.effects.items():
            if name in aims and self.helps(name, aims[name]):
                caught = share * float(effect.catches)
                for sli, part in effect.harms.items():
                    bad[sli] = bad.get(sli, 0.0) + caught * float(part)
                share = min(1.0, share - caught)
        for sli, times in self.cause.also.items():
            bad[sli] = bad.get(sli, 0.0) + min(1.0, share * times)
        bad[self.cause.sli] = bad.get(self.cause.sli, 0.0) + share
        return bad


@dataclass(frozen=True)
class Rates:
    """The expected share that is bad in each SLI, and the traffic as a multiple of the usual."""

    bad: Mapping[str, float]
    traffic: float = 1.0


@dataclass(frozen=True)
class World:
    """The truth of a shift: its faults, its change log, and what else there is to see.

    ``hits`` are the faults. ``crowd`` are small things that are always there somewhere, such as a
    tenant whose key has expired. ``herrings`` are texts by minute.
    """

    scenario: Scenario
    seed: int
    hits: tuple[Hit, ...] = ()
    crowd: tuple[Hit, ...] = ()
    changes: tuple[Change, ...] = ()
    herrings: tuple[tuple[int, str], ...] = ()
    status_delay: int = 10
    _cached: object = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cached", lru_cache(4096)(self._rates))

    @property
    def is_drawn(self) -> bool:
        """Whether the seed draws minutes with their noise; else they are smooth, as told."""
        return bool(self.scenario.causes)

    @property
    def slis(self) -> tuple[str, ...]:
        """The SLIs that are watched."""
        return tuple(SLOS) if self.is_drawn else (self.scenario.slo.name,)

    def levels(self, minute: int) -> tuple[float, ...]:
        """The share of its segment that each fault hits in a minute, if nothing is mitigated."""
        begin = minute * MINUTE
        return tuple(hit.fault.failing(begin, begin + MINUTE) for hit in (*self.hits, *self.crowd))

    def measured(self, levels: tuple[float, ...], active: Active, where: Where = ()) -> Rates:
        """What is counted, by those whose measurement may be wrong, in a part of the traffic."""
        return self._cached(levels, active, where, False)  # type: ignore[operator, no-any-return]

    def true(self, levels: tuple[float, ...], active: Active) -> Rates:
        """What users feel, all of them together; requests that are lost count as bad."""
        return self._cached(levels, active, (), True)  # type: ignore[operator, no-any-return]

    def _rates(
        self, levels: tuple[float, ...], active: Active, where: Where, is_true: bool
    ) -> Rates:
        good = {name: 1 - usual for name, usual in self.usual.items()}
        traffic = lost = 0.0
        traffic = self.size(where)
        for hit, level in zip((*self.hits, *self.crowd), levels, strict=False):
            if not level or (is_true and not hit.cause.is_ours):
                continue
            inside = self._inside(hit, where)
            whole = self._inside(hit, ())
            share = min(1.0, level / whole)
            spill = (level - share * whole) / (1 - whole) if whole < 1 else 0.0
            swells = 1 + (hit.cause.swells - 1) * inside
            inside *= hit.cause.swells / swells
            traffic *= swells
            inner, outer = hit.left(share, active), hit.left(spill, active) if spill else {}
            for sli in {*inner, *outer}:
                bad = inside * inner.get(sli, 0.0) + (1 - inside) * outer.get(sli, 0.0)
                if hit.cause.lost and sli == hit.cause.sli:
                    lost = 1 - (1 - lost) * (1 - min(1.0, bad))
                else:
                    good[sli] = good.get(sli, 1.0) * (1 - min(1.0, bad))
        if self.is_drawn:
            for name, _ in active:
                spoils = SPOILS.get(name, {})
                for sli, bad in spoils.items():
                    good[sli] *= 1 - bad
        if is_true:  # who gets nothing has no answer that is late or wrong
            first = self.slis[0]
            good[first] = good[first] * (1 - lost)
            return Rates({name: 1 - share for name, share in good.items()}, traffic)
        return Rates({name: 1 - share for name, share in good.items()}, traffic * (1 - lost))

    @property
    def usual(self) -> Mapping[str, float]:
        """The share that is bad in each SLI on a good day."""
        return USUAL if self.is_drawn else {self.scenario.slo.name: self.scenario.errors}

    # --- parts of the traffic

    def size(self, where: Where) -> float:
        """The usual share of all requests that lies in these values, of two dimensions at most."""
        size = 1.0
        for dimension, value in where:
            size *= DIMENSIONS[dimension].get(value, 0.0)
        for hit in self.hits:  # two that overlap are not independent
            values = dict(where)
            if len(where) == 2 and {hit.dimension, hit.beside[0]} == set(values):
                q, side = DIMENSIONS[hit.dimension], DIMENSIONS[hit.beside[0]]
                inside = self._inside(hit, (((hit.beside[0]), values[hit.beside[0]]),))
                mine = values[hit.dimension]
                if mine != hit.value:
                    inside = (1 - inside) * q[mine] / (1 - q[hit.value])
                return side[values[hit.beside[0]]] * inside
        return size

    def _inside(self, hit: Hit, where: Where) -> float:
        """The share of the requests in ``where`` that lie in the segment of a fault."""
        if not hit.dimension:
            return 1.0
        values = dict(where)
        share = DIMENSIONS[hit.dimension][hit.value]
        if hit.dimension in values:
            return 1.0 if values[hit.dimension] == hit.value else 0.0
        if hit.beside[0] in values:
            side = DIMENSIONS[hit.beside[0]][hit.beside[1]]
            if values[hit.beside[0]] == hit.beside[1]:
                return hit.overlap * share / side
            return (1 - hit.overlap) * share / (1 - side)
        return share


def aim_of(mitigation: str, value: str | None) -> str:
    """What a mitigation is aimed at: the value given, or its default; empty where it needs none."""
    return value or DEFAULTS.get(mitigation, "")


def effects_of(cause: Cause) -> dict[str, Effect]:
    """What each mitigation does about a cause, as an effect on what is bad."""
    from fractions import Fraction

    effects = {}
    for name, catches in cause.effects.items():
        harms = {UNAIMED[name]: Fraction(1)} if name in UNAIMED else {}
        effects[name] = Effect(Fraction(str(catches)), harms)
    return effects


def effects_of_symptom(fault: Fault) -> dict[str, Effect]:
    """What each mitigation does about a fault that is known by its symptom only."""
    from fractions import Fraction

    if fault.catches:
        return {name: Effect(Fraction(str(share)), {}) for name, share in fault.catches}
    return dict(SYMPTOMS[fault.symptom].effects) if fault.symptom in SYMPTOMS else {}
