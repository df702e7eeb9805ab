"""The causes: each can be told, and mended by something that is allowed."""

from __future__ import annotations

from itertools import combinations

import pytest
from worlds import NAMES, levels, right_aim, world

from oncall.catalogue import CAUSES, RUNBOOKS
from oncall.gameday import readings
from oncall.gameday.causes import (
    AIMS,
    DIMENSIONS,
    GAUGES,
    OUTCOMES,
    SLOS,
    SPOILS,
    UNAIMED,
    USUAL,
    Cause,
    causes,
)
from oncall.gameday.draw import TEXTS
from oncall.gameday.world import Active, World
from oncall.mitigations import MITIGATIONS
from oncall.times import MINUTE

SEEDS = range(1, 9)
EVERY = pytest.mark.parametrize("name", NAMES)


def is_well(of: World, active: Active) -> bool:
    """Whether every SLI is at its target, as users feel it and as it is counted."""
    felt, counted = of.true(levels(of), active), of.measured(levels(of), active)
    return counted.traffic > 0 and all(
        rates.bad[sli] <= 1 - slo.target for rates in (felt, counted) for sli, slo in SLOS.items()
    )


def allowed(of: World) -> list[tuple[str, str]]:
    """What may be done about a fault: approved if asked for, and its aim can be given."""
    [hit] = of.hits
    found = []
    for name, catches in hit.cause.effects.items():
        aim = right_aim(hit, name)
        kind = AIMS.get(name)
        can_be_given = kind is None or aim in (
            [one.id for one in of.changes] if kind == "change" else DIMENSIONS[kind]
        )
        if MITIGATIONS[name].reversible and can_be_given and catches > 0:
            found.append((name, aim))
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name != "nothing"])
def test_some_mitigations_that_are_allowed_bring_every_sli_to_its_target(name: str) -> None:
    for seed in SEEDS:
        of = world(name, seed=seed)
        assert not is_well(of, ())
        choices = allowed(of)
        cures = [
            some for size in (1, 2, 3) for some in combinations(choices, size) if is_well(of, some)
        ]
        assert cures, (seed, choices)


def test_what_was_nothing_is_over_by_itself() -> None:
    for seed in SEEDS:
        of = world("nothing", seed=seed)
        [hit] = of.hits
        assert hit.fault.duration is not None
        over = (hit.fault.start + hit.fault.duration) // MINUTE + 1
        rates = of.true(of.levels(over), ())
        assert all(rates.bad[sli] <= 1 - slo.target for sli, slo in SLOS.items())


@EVERY
def test_a_cause_names_only_what_there_is(name: str) -> None:
    cause: Cause = causes()[name]
    assert CAUSES[name] == cause.symptom
    assert cause.symptom in RUNBOOKS or name == "nothing"
    assert cause.title
    assert cause.sli in SLOS
    assert set(cause.also) <= set(SLOS)
    assert cause.outcome in ("", *OUTCOMES)
    assert set(cause.gauges) <= set(GAUGES)
    assert set(cause.segment) <= set(DIMENSIONS)
    assert all(value in DIMENSIONS[one] for one in cause.segment for value in cause.values)
    assert cause.change in ("", *TEXTS)
    assert set(cause.effects) <= set(MITIGATIONS)
    assert cause.whom in ("users", "nobody")
    low, high = cause.share
    assert 0 < low <= high <= 1
    for telling in cause.telling:
        readings.parsed(telling.split())
    assert cause.telling


@EVERY
def test_what_cures_a_cause_can_be_found_in_a_runbook_or_in_the_change_log(name: str) -> None:
    of = world(name)
    listed = {one.name for book in RUNBOOKS.values() for one in book.mitigations}
    undo = {change.undo for change in of.changes if change.id == of.hits[0].change}
    told = [
        one for one in allowed(of) if one[0] in listed or f"apply {' '.join(one)}".strip() in undo
    ]
    cures = [pair for size in (1, 2) for pair in combinations(told, size) if is_well(of, pair)]
    assert cures or name == "nothing"


def test_families_hold_causes_that_look_alike_and_have_more_than_one() -> None:
    families: dict[str, set[str]] = {}
    for cause in causes().values():
        families.setdefault(cause.family, set()).add(cause.sli)
    assert len(causes()) >= 18
    for family in families:
        assert sum(cause.family == family for cause in causes().values()) >= 3, family


def test_the_tables_speak_of_what_there_is() -> None:
    assert set(AIMS) | set(SPOILS) | set(UNAIMED) <= set(MITIGATIONS)
    assert set(AIMS.values()) - {"change"} <= set(DIMENSIONS)
    assert set(USUAL) == set(SLOS)
    for sli, slo in SLOS.items():
        assert USUAL[sli] < 1 - slo.target
        assert all(spoils.get(sli, 0.0) < 1 for spoils in SPOILS.values())
    assert sum(OUTCOMES.values()) == pytest.approx(1)


@pytest.mark.parametrize("mitigation", [one for one in MITIGATIONS if one in AIMS])
def test_what_is_aimed_is_of_use_for_some_cause(mitigation: str) -> None:
    assert any(cause.effects.get(mitigation, 0) > 0.5 for cause in causes().values())
