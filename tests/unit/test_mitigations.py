"""The mitigations, and what each does about each symptom, are data that fits together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oncall.catalogue import RUNBOOKS
from oncall.mitigations import FLOORS, MITIGATIONS, SYMPTOMS, Symptom

RISKS = ("low", "medium", "high")


@pytest.mark.parametrize("name", MITIGATIONS)
def test_a_mitigation_says_what_it_does_what_it_risks_and_how_to_undo_it(name: str) -> None:
    mitigation = MITIGATIONS[name]
    assert mitigation.name == name
    assert name.isidentifier()
    assert mitigation.action.strip()
    risk, _, why = mitigation.risk.partition(": ")
    assert risk in RISKS
    assert why.strip()
    assert bool(mitigation.rollback.strip()) == mitigation.reversible
    assert mitigation.settle > timedelta()
    assert not mitigation.settle % timedelta(minutes=1)


def test_every_sli_of_an_ai_service_is_hit_or_harmed_by_something() -> None:
    hit = {symptom.sli for symptom in SYMPTOMS.values()}
    effects = [effect for symptom in SYMPTOMS.values() for effect in symptom.effects.values()]
    harmed = {name for effect in effects for name in effect.harms}
    assert hit == set(FLOORS)
    assert harmed == set(FLOORS)


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_mitigation_of_a_runbook_catches_something_of_its_symptom(symptom: str) -> None:
    effects = SYMPTOMS[symptom].effects
    listed = [mitigation.name for mitigation in RUNBOOKS[symptom].mitigations]
    assert [name for name in listed if name not in effects or effects[name].catches <= 0] == []


@pytest.mark.parametrize("model", SYMPTOMS.values(), ids=list(SYMPTOMS))
def test_what_is_said_about_effects_is_about_mitigations_and_slis_that_exist(
    model: Symptom,
) -> None:
    assert 0 < model.failing <= 1
    assert 1 - model.failing < FLOORS[model.sli]
    assert set(model.effects) <= set(MITIGATIONS)
    for name, effect in model.effects.items():
        assert -1 <= effect.catches <= 1, name
        assert effect.catches > 0 or not effect.harms, name  # catching nothing harms nothing
        assert set(effect.harms) <= set(FLOORS) - {model.sli}, name
        assert all(0 < share <= 1 for share in effect.harms.values()), name
