"""The mock system: what each mitigation does to its SLIs, and that a rollback undoes just that."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.catalogue import RUNBOOKS
from oncall.mitigations import SYMPTOMS
from oncall.mock_system import MockSystem
from oncall.runbook import is_healthy
from oncall.slo import SLO

OUTAGE = "model_provider_outage"
LADDER = ["fail_over", "serve_cached", "serve_degraded"]
ALL_MITIGATIONS = sorted({m.name for runbook in RUNBOOKS.values() for m in runbook.mitigations})

# --- what a mitigation does ----------------------------------------------------------------------


def test_a_degraded_reply_to_everything_turns_availability_green_and_quality_red() -> None:
    system = MockSystem(OUTAGE)
    system.apply("serve_degraded")
    assert system.slis == {"availability": 1, "quality": Fraction(1, 2)}
    assert system.harmed == ("quality",)
    assert not is_healthy(system, SLO("availability", 0.99))


def test_what_goes_before_it_spares_the_quality() -> None:
    system = MockSystem(OUTAGE, LADDER)
    assert system.slis == {"availability": 1, "quality": Fraction(95, 100)}
    assert system.harmed == ()


@given(st.permutations(LADDER))
def test_whatever_was_applied_first_each_mitigation_acts_in_its_place(order: list[str]) -> None:
    assert MockSystem(OUTAGE, order).slis == MockSystem(OUTAGE, LADDER).slis


@pytest.mark.parametrize(
    ("automated", "sli"), [((), 0.5), (LADDER[:1], 0.85), (LADDER[:2], 0.95), (LADDER, 1.0)]
)
def test_what_is_automated_has_applied_itself(automated: Iterable[str], sli: float) -> None:
    assert MockSystem(OUTAGE, automated).sli == sli


def test_a_mitigation_that_a_symptom_does_not_list_catches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = dict(SYMPTOMS[OUTAGE].effects)
    del listed["serve_cached"]
    monkeypatch.setitem(SYMPTOMS, OUTAGE, replace(SYMPTOMS[OUTAGE], effects=listed))
    assert MockSystem(OUTAGE, ["serve_cached"]).sli == 0.5


def test_a_negative_catch_makes_things_worse_and_never_worse_than_all() -> None:
    assert MockSystem("rate_limit_storm").sli == 0.7
    assert MockSystem("rate_limit_storm", ["hedge_requests"]).sli == 0.55
    assert MockSystem("rate_limit_storm", ["hedge_requests"], failing=0.9).sli == 0


# --- rollback ------------------------------------------------------------------------------------

State = tuple[dict[str, Fraction], float, tuple[str, ...], list[str]]


def state_of(system: MockSystem) -> State:
    return dict(system.slis), system.sli, system.harmed, sorted(system.applied)


@examples(200)
@given(
    st.sampled_from(sorted(RUNBOOKS)),
    st.lists(st.sampled_from(ALL_MITIGATIONS)),
    st.lists(st.sampled_from(ALL_MITIGATIONS)),
    st.floats(0, 1),
)
def test_what_is_rolled_back_leaves_the_system_as_it_was(
    symptom: str, before: list[str], tried: list[str], failing: float
) -> None:
    system = MockSystem(symptom, before, failing=failing)
    earlier: list[State] = []
    for name in tried:
        earlier.append(state_of(system))
        system.apply(name)
    for name in reversed(tried):
        system.rollback(name)
        assert state_of(system) == earlier.pop()


@examples(100)
@given(
    st.sampled_from(sorted(RUNBOOKS)),
    st.lists(st.sampled_from(ALL_MITIGATIONS), min_size=1),
    st.floats(0, 1),
)
def test_applying_again_what_is_in_effect_changes_nothing_that_users_see(
    symptom: str, applied: list[str], failing: float
) -> None:
    system = MockSystem(symptom, applied, failing=failing)
    slis, sli = system.slis, system.sli
    for name in applied:
        system.apply(name)
        assert (system.slis, system.sli) == (slis, sli)


def test_rolling_back_what_is_not_applied_is_an_error_that_names_what_is() -> None:
    with pytest.raises(ValueError, match="'fail_over' is not applied; applied are none"):
        MockSystem(OUTAGE).rollback("fail_over")
    with pytest.raises(ValueError, match="'fail_over' is not applied; applied are serve_cached"):
        MockSystem(OUTAGE, ["serve_cached"]).rollback("fail_over")


# --- names and bad input -------------------------------------------------------------------------


def test_an_unknown_symptom_is_told_the_nearest() -> None:
    wanted = r"unknown symptom 'model_provider_outrage'; did you mean 'model_provider_outage'\?"
    with pytest.raises(ValueError, match=wanted):
        MockSystem("model_provider_outrage")


def test_an_unknown_mitigation_is_told_the_nearest() -> None:
    wanted = r"unknown mitigation 'failover'; did you mean 'fail_over'\?"
    for use in (MockSystem(OUTAGE).apply, lambda name: MockSystem(OUTAGE, [name])):
        with pytest.raises(ValueError, match=wanted):
            use("failover")


@pytest.mark.parametrize("name", ["", "zzzz", "database_down"])
def test_what_is_near_to_nothing_is_told_all_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown symptom .*; known are .*model_provider_outage"):
        MockSystem(name)
    with pytest.raises(ValueError, match=r"unknown mitigation .*; known are .*fail_over"):
        MockSystem(OUTAGE).apply(name)


@pytest.mark.parametrize("name", [None, 7])
def test_anything_but_a_name_is_unknown(name: Any) -> None:
    with pytest.raises(ValueError, match=f"unknown symptom {name}; "):
        MockSystem(name)
    with pytest.raises(ValueError, match=f"unknown mitigation {name}; "):
        MockSystem(OUTAGE).apply(name)


@pytest.mark.parametrize("failing", [-0.1, 1.1, 50, math.nan])
def test_a_share_of_failing_requests_is_from_0_to_1(failing: float) -> None:
    with pytest.raises(ValueError, match=f"failing must be .*, given {failing}"):
        MockSystem(OUTAGE, failing=failing)
