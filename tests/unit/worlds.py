"""Worlds to hold against each other: of one cause, of two, and without what is always there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import AIMS, causes
from oncall.gameday.draw import world_of
from oncall.gameday.world import Active, Hit, World

SURPRISE = SCENARIOS["surprise"]
NAMES = tuple(causes())


@cache
def world(*names: str, seed: int = 1) -> World:
    """A world of these causes, as the seed draws it."""
    return world_of(replace(SURPRISE, causes=names), seed)


@cache
def bare(*names: str, seed: int = 1) -> World:
    """A world of these causes, without the small things that fail on any day."""
    return replace(world(*names, seed=seed), crowd=())


def levels(of: World, only: int | None = None) -> tuple[float, ...]:
    """The levels of a minute in which every fault is on, or only one of them."""
    begun = max(hit.fault.start for hit in of.hits)
    found = of.levels(int(begun.total_seconds()) // 60 + 9)
    assert all(found[: len(of.hits)])
    return tuple(level if only in (None, place) else 0.0 for place, level in enumerate(found))


def right_aim(hit: Hit, mitigation: str) -> str:
    """What a mitigation is to be aimed at to act on a fault."""
    kind = AIMS.get(mitigation)
    return (hit.change if kind == "change" else hit.value) if kind else ""


def aimed(hit: Hit, *mitigations: str) -> Active:
    """Mitigations in effect, all with the right aim."""
    return tuple((name, right_aim(hit, name)) for name in mitigations)
