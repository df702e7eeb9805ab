"""The runbooks: complete, least risk first, and right for hardly any symptom but their own."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from functools import cache

import pytest

from oncall.catalogue import RUNBOOKS
from oncall.gameday.readings import parsed
from oncall.mitigations import FLOORS, MITIGATIONS, SYMPTOMS
from oncall.mock_system import MockSystem
from oncall.runbook import RunbookRun, is_healthy, run_runbook
from oncall.severity import SEVERITIES
from oncall.slo import SLO

AT = datetime(2025, 3, 4, 18, 30, tzinfo=UTC)
NAMES = (
    "model_provider_outage",
    "rate_limit_storm",
    "slow_first_token",
    "quality_regression",
    "stale_index",
    "cost_runaway",
    "guardrail_false_positives",
    "poisoned_cache",
    "gpu_capacity",
    "broken_change",
    "unsafe_answers",
    "traffic_lost",
    "wrong_measurement",
)
RISKS = ("low", "medium", "high")
CHANGED = {"broken_change", "traffic_lost"}  # what undoing a change heals, whoever thinks of it
ALSO_HEALS = {
    "model_provider_outage": {"gpu_capacity"},
    "gpu_capacity": {"slow_first_token"},
    "broken_change": CHANGED,
    "traffic_lost": CHANGED,
    "unsafe_answers": CHANGED,
}
ONE_STEP = {"broken_change", "traffic_lost", "wrong_measurement"}  # it heals them by itself


def slo_of(symptom: str, target: float | None = None) -> SLO:
    """An SLO of the SLI that a symptom lowers; its target is the SLI's floor unless given."""
    name = SYMPTOMS[symptom].sli
    return SLO(name, float(FLOORS[name]) if target is None else target)


@cache
def run(
    name: str, symptom: str, target: float | None = 0.99, approves: bool = True
) -> tuple[RunbookRun, MockSystem]:
    """A runbook run on a symptom, with everything or nothing approved, and the system it leaves."""
    system, slo = MockSystem(symptom), slo_of(symptom, target)
    tried = run_runbook(RUNBOOKS[name], system, slo=slo, at=AT, approve=lambda _: approves)
    return tried, system


def kept(name: str, symptom: str, target: float = 0.99) -> list[str]:
    return [step.mitigation.name for step in run(name, symptom, target)[0].steps if step.kept]


# --- the matrix ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.99, None], ids=["99%", "the floor"])
@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_heals_its_own_symptom_and_hardly_any_other(
    name: str, target: float | None
) -> None:
    healed = {symptom for symptom in NAMES if run(name, symptom, target)[0].healthy}
    assert healed == ALSO_HEALS.get(name, set()) | {name}


@pytest.mark.parametrize("symptom", NAMES)
def test_the_right_runbook_harms_nothing_and_rolls_nothing_back(symptom: str) -> None:
    mitigated, system = run(symptom, symptom)
    assert all(step.helped and step.kept for step in mitigated.steps)
    assert system.harmed == ()
    assert min(float(value - FLOORS[name]) for name, value in system.slis.items()) >= 0


def test_caching_everything_turns_availability_green_and_quality_red() -> None:
    system = MockSystem("model_provider_outage", ["cache_everything"])
    assert (system.sli, system.harmed) == (1.0, ("quality",))
    assert not is_healthy(system, slo_of("model_provider_outage"))
    for runbook in RUNBOOKS.values():
        assert MITIGATIONS["cache_everything"] not in runbook.mitigations


@pytest.mark.parametrize("symptom", NAMES)
def test_each_step_that_the_right_runbook_takes_is_needed(symptom: str) -> None:
    target = 0.95 if symptom == "slow_first_token" else 0.99  # above, five steps share the work
    taken = kept(symptom, symptom, target)
    assert (len(taken) == 1) == (symptom in ONE_STEP)
    for name in taken:
        others = [other for other in taken if other != name]
        assert not is_healthy(MockSystem(symptom, others), slo_of(symptom, target)), name


@pytest.mark.parametrize("symptom", NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_runbook_leaves_nothing_in_effect_that_did_not_help(
    name: str, symptom: str
) -> None:
    tried, system = run(name, symptom)
    idle = [step.mitigation for step in tried.steps if step.kept and not step.helped]
    assert not any(mitigation.reversible for mitigation in idle)
    assert system.applied == kept(name, symptom)
    assert system.harmed == ()


def test_the_outage_of_the_model_provider_keeps_its_numbers() -> None:
    mitigated, system = run(NAMES[0], NAMES[0])
    readings = [(step.before, step.after) for step in mitigated.steps]
    assert readings == [(0.5, 0.85), (0.85, 0.95), (0.95, 1.0)]
    assert system.slis == {"availability": 1, "quality": Fraction(95, 100)}


# --- approval, and what cannot be taken back -----------------------------------------------------


def test_some_symptoms_are_healed_without_approval_and_some_wait_for_it() -> None:
    without = {symptom for symptom in NAMES if run(symptom, symptom, 0.99, False)[0].healthy}
    waiting = {"rate_limit_storm", "quality_regression", "stale_index", "gpu_capacity"}
    assert set(NAMES) - without == waiting


def test_what_cannot_be_undone_needs_approval_and_is_not_needed_where_the_runbook_fits() -> None:
    irreversible = {name for name in MITIGATIONS if not MITIGATIONS[name].reversible}
    assert irreversible == {"purge_cache", "raise_spend_limit"}
    assert all(MITIGATIONS[name].needs_approval for name in irreversible)
    assert not irreversible & {name for symptom in NAMES for name in kept(symptom, symptom)}


# --- side effects --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "symptom", ["model_provider_outage", "rate_limit_storm", "slow_first_token", "gpu_capacity"]
)
def test_a_degraded_reply_to_everything_turns_one_sli_green_and_quality_red(symptom: str) -> None:
    system = MockSystem(symptom, ["serve_degraded"])
    assert (system.sli, system.harmed) == (1.0, ("quality",))
    assert not is_healthy(system, slo_of(symptom))


def test_a_higher_guardrail_threshold_trades_one_harm_for_another() -> None:
    system = MockSystem("guardrail_false_positives", ["raise_guardrail_threshold"])
    assert system.sli >= 0.99
    assert system.harmed == ("safety",)


@pytest.mark.parametrize(
    ("symptom", "mitigation"),
    [
        ("rate_limit_storm", "hedge_requests"),  # retries feed it
        ("rate_limit_storm", "fail_over"),
        ("gpu_capacity", "hedge_requests"),
        ("gpu_capacity", "bypass_cache"),
        ("poisoned_cache", "serve_cached"),
        ("stale_index", "serve_cached"),
        ("quality_regression", "use_small_model"),
        ("cost_runaway", "use_large_model"),
    ],
)
def test_what_heals_one_symptom_makes_another_worse(symptom: str, mitigation: str) -> None:
    assert MockSystem(symptom, [mitigation]).sli < MockSystem(symptom).sli


# --- the data ------------------------------------------------------------------------------------


def test_each_has_a_system_to_practise_on() -> None:
    assert tuple(RUNBOOKS) == tuple(SYMPTOMS) == NAMES
    assert all(runbook.symptom == symptom for symptom, runbook in RUNBOOKS.items())


@pytest.mark.parametrize("symptom", NAMES)
def test_a_runbook_is_complete(symptom: str) -> None:
    runbook = RUNBOOKS[symptom]
    assert all(text.strip() for text in (runbook.title, runbook.owner, runbook.escalate_to))
    assert runbook.severity in SEVERITIES
    assert 3 <= len(runbook.checks) <= 5
    assert all(check.look.strip() and check.expect.strip() for check in runbook.checks)
    assert len({check.look for check in runbook.checks}) == len(runbook.checks)
    readings = [check.reading for check in runbook.checks if check.reading]
    assert len(readings) >= 2
    assert all(parsed(reading.split()) for reading in readings)  # a shift can take them
    assert 2 <= len(runbook.mitigations) <= 5
    assert len(set(runbook.mitigations)) == len(runbook.mitigations)


@pytest.mark.parametrize("symptom", NAMES)
def test_a_runbook_tries_least_risk_first_and_the_reversible_before_the_irreversible(
    symptom: str,
) -> None:
    mitigations = RUNBOOKS[symptom].mitigations
    risks = [RISKS.index(mitigation.risk.partition(":")[0]) for mitigation in mitigations]
    assert risks == sorted(risks)
    irreversible = [not mitigation.reversible for mitigation in mitigations]
    assert irreversible == sorted(irreversible)


def test_every_mitigation_but_the_tempting_one_is_in_a_runbook_and_the_same_in_each() -> None:
    used = [mitigation for runbook in RUNBOOKS.values() for mitigation in runbook.mitigations]
    assert {mitigation.name for mitigation in used} == set(MITIGATIONS) - {"cache_everything"}
    assert all(MITIGATIONS[mitigation.name] is mitigation for mitigation in used)
