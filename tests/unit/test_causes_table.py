"""The table of causes names only what there is: symptoms, mitigations, dimensions and readings."""

from __future__ import annotations

import pytest

from oncall.catalogue import CAUSES, RUNBOOKS, symptom_of
from oncall.gameday.causes import (
    AIMS,
    DEFAULTS,
    DIMENSIONS,
    GAUGES,
    NEWEST,
    OUTCOMES,
    SLOS,
    SPOILS,
    UNAIMED,
    USUAL,
    Cause,
    causes,
)
from oncall.gameday.decisions import BEHIND, KINDS, MOVES, NOT_OURS, SECURITY
from oncall.gameday.draw import TEXTS
from oncall.gameday.readings import parsed
from oncall.mitigations import FLOORS, MITIGATIONS

each = pytest.mark.parametrize("cause", causes().values(), ids=list(causes()))


def test_the_symptom_of_every_cause_stands_in_the_catalogue_too() -> None:
    assert {name: cause.symptom for name, cause in causes().items()} == CAUSES
    assert set(CAUSES.values()) == set(RUNBOOKS) | {"unknown"}
    assert all(symptom_of(name) == symptom for name, symptom in CAUSES.items())


@each
def test_a_cause_names_what_there_is(cause: Cause) -> None:
    assert cause.sli in SLOS
    assert set(cause.also) <= set(SLOS) - {cause.sli}
    assert set(cause.effects) <= set(MITIGATIONS)
    assert set(cause.gauges) <= set(GAUGES)
    assert set(cause.segment) <= set(DIMENSIONS)
    assert all(value in DIMENSIONS[name] for name in cause.segment for value in cause.values)
    assert cause.outcome in {*OUTCOMES, ""}
    assert not cause.change or cause.change in TEXTS
    assert cause.whom in ("users", "nobody")
    assert cause.title
    assert cause.family


@each
def test_its_numbers_are_shares_and_multiples(cause: Cause) -> None:
    low, high = cause.share
    assert 0 < low <= high <= 1
    assert 0 < cause.guilty <= 1
    assert all(-1 <= caught <= 1 for caught in cause.effects.values())
    assert all(times > 0 for times in (*cause.also.values(), *cause.gauges.values(), cause.swells))
    assert cause.swells == 1 or cause.segment


@each
def test_its_telling_readings_can_be_taken_and_show_what_it_does(cause: Cause) -> None:
    assert cause.telling
    for reading in cause.telling:
        thing, by, _ = parsed(reading.split())
        assert by in {*cause.segment, "outcome", ""}, reading
        assert thing not in GAUGES or thing in cause.gauges, reading


@each
def test_something_takes_all_of_it_away_or_it_ends_by_itself(cause: Cause) -> None:
    assert 1.0 in cause.effects.values() or cause.lasts
    undone_by = cause.undo if cause.change else ""
    assert not undone_by or cause.effects[undone_by] == 1.0
    listed = {one.name for one in RUNBOOKS[cause.symptom].mitigations} if cause.effects else set()
    needs_change = {"undo_change"} if cause.change else set()
    assert not cause.effects or (listed | needs_change) & set(cause.effects)


@each
def test_what_it_is_aimed_at_is_where_it_lies(cause: Cause) -> None:
    """Else a mitigation that takes all of it away could never be aimed at it."""
    for name, caught in cause.effects.items():
        if caught == 1.0 and name in AIMS:
            assert AIMS[name] in {*cause.segment, "change" if cause.change else ""}, name


def test_dimensions_divide_all_of_the_traffic_and_outcomes_all_failures() -> None:
    for shares in (*DIMENSIONS.values(), OUTCOMES):
        assert sum(shares.values()) == pytest.approx(1)
        assert all(share > 0 for share in shares.values())
    assert all(value in DIMENSIONS[name] for name, value in NEWEST.items())


def test_mitigations_are_aimed_and_spoil_where_something_is() -> None:
    assert set(AIMS) | set(SPOILS) | set(UNAIMED) <= set(MITIGATIONS)
    assert set(AIMS.values()) <= {*DIMENSIONS, "change"}
    assert all(value in DIMENSIONS[AIMS[name]] for name, value in DEFAULTS.items())
    for spoils in SPOILS.values():
        assert set(spoils) <= set(SLOS)
        assert all(0 < share < 1 for share in spoils.values())
    assert set(USUAL) == set(SLOS) == set(FLOORS)
    assert all(USUAL[name] < 1 - slo.target for name, slo in SLOS.items())  # a good day is good


@pytest.mark.parametrize("mitigation", SPOILS)
def test_what_spoils_is_priced_below_what_the_budget_holds_unless_it_is_a_trap(
    mitigation: str,
) -> None:
    trap = {"cache_everything", "use_small_model", "use_large_model", "raise_guardrail_threshold"}
    worst = max(share / (1 - SLOS[name].target) for name, share in SPOILS[mitigation].items())
    assert (worst > 1) == (mitigation in trap)


def test_a_security_cause_harms_safety() -> None:
    secret = [one for one in causes().values() if one.security]
    assert {one.name for one in secret} == set(SECURITY)
    assert all(one.sli == "safety" or "safety" in one.also for one in secret)


def test_what_the_reference_knows_of_the_trade_is_about_causes_that_exist() -> None:
    assert set(BEHIND.values()) | set(MOVES) | set(KINDS) | set(NOT_OURS) <= set(CAUSES)
    assert set(NOT_OURS) == {name for name, cause in causes().items() if not cause.is_ours}
    assert set(MOVES) | set(NOT_OURS) | {"nothing"} == set(CAUSES)
    for name, moves in MOVES.items():
        assert set(moves) <= set(MITIGATIONS)
        assert causes()[name].effects.get(moves[0], 0) > 0.5
