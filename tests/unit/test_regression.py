"""Replay cases: an incident as a test that fails as it was, and passes with the fix alone."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from recorded_outage import MITIGATIONS, START, SYMPTOM, TWO_NINES, automating, outage

from oncall.alerting import google_policy
from oncall.catalogue import RUNBOOKS
from oncall.incident import Incident
from oncall.postmortem import ActionItem
from oncall.regression import ReplayCase, gate, prove, replay, save_case, to_eval_case
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE

# --- from an incident to a replay case -----------------------------------------------------------


def test_a_replay_case_is_named_after_its_incident() -> None:
    assert to_eval_case(outage()).id == "regression-INC-001"


def test_it_holds_the_fault_and_the_slo_of_the_incident() -> None:
    case = to_eval_case(outage(400, 1000))
    assert (case.symptom, case.slo, case.error_ratio) == (SYMPTOM, TWO_NINES, 0.6)


@pytest.mark.parametrize(
    ("bad", "target", "minutes"),
    [
        (500, 0.99, 18),  # 17.28 min are 18 whole ones
        (600, 0.99, 15),  # 14.4
        (480, 0.99, 18),  # 18.0 stay 18
        (1000, 0.999, 1),  # 51.84 s
        (900, 0.95, 48),  # 48.0
        (650, 0.95, 167),  # 14.4x is above all that can burn; 6x/6h takes 166.15 min
    ],
)
def test_by_default_a_page_is_due_a_minute_after_the_detection_time_rounded_up(
    bad: int, target: float, minutes: int
) -> None:
    slo = SLO("availability", target)
    page_rules = [rule for rule in google_policy() if rule.action == "page"]
    times = [rule.detection_time(slo, bad / 1000) for rule in page_rules]
    earliest = min(time for time in times if time is not None)
    assert math.ceil(earliest / MINUTE) == minutes
    case = to_eval_case(outage(1000 - bad, slo=slo, mitigated=None))
    assert case.page_within == (minutes + 1) * MINUTE


def test_limits_given_in_the_call_are_kept() -> None:
    case = to_eval_case(outage(), page_within=7 * MINUTE, restore_within=9 * MINUTE)
    assert (case.page_within, case.restore_within) == (7 * MINUTE, 9 * MINUTE)


@pytest.mark.parametrize("name", ["page_within", "restore_within"])
@pytest.mark.parametrize("length", [timedelta(), -MINUTE, 5])
def test_a_limit_of_nothing_or_less_is_refused_and_not_taken_for_the_default(
    name: str, length: Any
) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a timedelta above zero"):
        to_eval_case(outage(), **{name: length})


def test_the_worst_of_several_measures_is_the_fault() -> None:
    incident = outage(mitigated=None).measure(0, 0, at=START + 30 * MINUTE, by="metrics")
    incident = incident.measure(300, 1000, at=START + 31 * MINUTE, by="metrics")
    incident = incident.measure(999, 1000, at=START + 40 * MINUTE, by="metrics")
    assert to_eval_case(incident).error_ratio == 0.7


def measured(*measures: tuple[int, int]) -> Incident:
    """An incident with these measures, good and total, and no others."""
    incident = outage(0, 0, mitigated=None)
    for good, total in measures:
        incident = incident.measure(good, total, at=START + HOUR, by="metrics")
    return incident


@pytest.mark.parametrize(
    ("measures", "ratio"),
    [
        ([(0, 1), (500, 1000), (999, 1000)], 0.5),  # a lone request among thousands
        ([(500, 1000), (0, 4), (980, 1000)], 0.5),
        ([(500, 1000), (0, 5), (980, 1000)], 1.0),  # five are none that is alone
        ([(1000, 1000), (0, 40), (1000, 1000)], 1.0),  # traffic goes with the service
        ([(10, 10), (3, 10), (10, 10)], 0.7),  # ten requests an hour
        ([(1, 1), (0, 1), (0, 2), (0, 1), (1, 2), (0, 1), (9, 9)], 6 / 7),  # an hour in bits
        ([(0, 3), (0, 0), (0, 2)], 1.0),
    ],
)
def test_the_worst_measure_is_one_that_enough_requests_show(
    measures: list[tuple[int, int]], ratio: float
) -> None:
    assert to_eval_case(measured(*measures)).error_ratio == ratio


@pytest.mark.parametrize(
    "measures", [[(0, 1)], [(0, 4)], [(9, 10), (999, 1000)], [(0, 2), (0, 2)], [(0, 0)], []]
)
def test_fewer_than_five_failed_requests_are_no_case(measures: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="INC-001 holds no measure that shows the fault in five"):
        to_eval_case(measured(*measures))


@pytest.mark.parametrize("total", [5, 6, 10, 60, 5000])
@pytest.mark.parametrize("failed", [5, 6, 20, 60])
def test_a_ratio_that_five_requests_show_is_at_most_two_and_a_half_times_the_true_one(
    failed: int, total: int
) -> None:
    if failed <= total:
        true = 0.39 * failed / total
        fewer = (math.comb(total, n) * true**n * (1 - true) ** (total - n) for n in range(failed))
        assert 1 - sum(fewer) <= 0.05


def test_without_a_measure_that_shows_the_fault_there_is_no_case() -> None:
    with pytest.raises(ValueError, match="INC-001 holds no measure that shows the fault"):
        to_eval_case(outage(1000, 1000))


def test_a_fault_that_no_page_rule_sees_is_no_case() -> None:
    with pytest.raises(ValueError, match="no page rule sees 6% failing"):
        to_eval_case(outage(940, 1000))


def test_a_symptom_without_a_runbook_is_named() -> None:
    with pytest.raises(ValueError, match="unknown symptom 'sunspots'"):
        to_eval_case(outage(symptom="sunspots"))


# --- fail to pass --------------------------------------------------------------------------------


def test_the_system_with_all_three_automations_passes() -> None:
    verdict = replay(to_eval_case(outage()), MITIGATIONS)
    assert verdict.passed
    assert verdict.paged_after == 18 * MINUTE
    assert verdict.restored_after == 23 * MINUTE  # and 2 + 2 + 1 to settle


def test_the_system_without_any_automation_fails_and_says_why() -> None:
    verdict = replay(to_eval_case(outage()))
    assert not verdict.passed
    assert "not restored within 25m" in verdict.why
    assert verdict.restored_after is None
    assert verdict.paged_after == 18 * MINUTE


@pytest.mark.parametrize("gone", MITIGATIONS)
@pytest.mark.parametrize("bad", [450, 700])
def test_with_any_one_automation_taken_away_it_fails_again(gone: str, bad: int) -> None:
    case = to_eval_case(outage(1000 - bad))
    assert replay(case, MITIGATIONS).passed
    assert not replay(case, [name for name in MITIGATIONS if name != gone]).passed


def test_the_order_in_which_automations_are_named_does_not_matter() -> None:
    case = to_eval_case(outage())
    assert replay(case, reversed(MITIGATIONS)) == replay(case, MITIGATIONS)


def test_automation_begins_with_the_page_and_not_with_the_fault() -> None:
    late = to_eval_case(outage(), page_within=HOUR, restore_within=18 * MINUTE)
    assert not replay(late, MITIGATIONS).passed


def test_an_unknown_automation_is_named() -> None:
    with pytest.raises(ValueError, match="unknown mitigation 'pray'"):
        replay(to_eval_case(outage()), ["pray"])


def test_one_automation_as_a_bare_text_is_refused_and_not_spelt_out() -> None:
    with pytest.raises(ValueError, match="automated must be a list of texts, given 'fail_over'"):
        replay(to_eval_case(outage()), "fail_over")


def test_a_case_that_allows_years_still_ends() -> None:
    verdict = replay(to_eval_case(outage(), restore_within=36_525 * DAY))
    assert not verdict.passed


def test_a_fault_within_target_is_never_paged() -> None:
    case = ReplayCase("mild", SYMPTOM, TWO_NINES, 0.01, HOUR, HOUR)
    assert replay(case).why == "not paged within 1h"
    assert replay(case).restored_after == MINUTE


# --- proving -------------------------------------------------------------------------------------


def test_the_incident_as_recorded_fails_its_case_and_the_fix_passes() -> None:
    verdict = prove(to_eval_case(outage()), outage(), automating(*MITIGATIONS))
    assert verdict.passed
    assert verdict.why.startswith("proved: ")


@pytest.mark.parametrize("gone", MITIGATIONS)
def test_it_is_not_proved_with_any_one_action_item_taken_away(gone: str) -> None:
    items = automating(*(name for name in MITIGATIONS if name != gone))
    verdict = prove(to_eval_case(outage()), outage(), items)
    assert not verdict.passed
    assert verdict.why.startswith("not proved: ")


def test_action_items_that_automate_nothing_prove_nothing() -> None:
    items = [ActionItem("process", "review the runbook every quarter", "ana", date(2025, 4, 1))]
    assert not prove(to_eval_case(outage()), outage(), items).passed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "regression-INC-002"),
        ("error_ratio", 0.49),
        ("slo", SLO("availability", 0.98)),
        ("slo", SLO("availability", 0.99, 28 * DAY)),
        ("slo", SLO("latency", 0.99)),
    ],
)
def test_a_case_that_differs_from_the_incident_is_refused_by_the_field(
    field: str, value: Any
) -> None:
    case = replace(to_eval_case(outage()), **{field: value})
    verdict = prove(case, outage(), automating(*MITIGATIONS))
    assert not verdict.passed
    assert verdict.why == f"not proved: the case differs from INC-001 in {field}"


def test_a_case_with_another_symptom_is_refused() -> None:
    other = next(symptom for symptom in RUNBOOKS if symptom != SYMPTOM)
    case = replace(to_eval_case(outage()), symptom=other)
    assert not prove(case, outage(), automating(*MITIGATIONS)).passed


def test_an_incident_that_already_passes_as_recorded_is_refused() -> None:
    quick = outage(mitigated=25)
    case = to_eval_case(quick, restore_within=25 * MINUTE)
    verdict = prove(case, quick, automating(*MITIGATIONS))
    assert not verdict.passed
    assert "as recorded passes" in verdict.why


def test_people_who_were_quick_still_get_a_case_that_their_record_fails() -> None:
    quick = outage(mitigated=25)
    assert to_eval_case(quick).restore_within == 24 * MINUTE
    assert prove(to_eval_case(quick), quick, automating(*MITIGATIONS)).passed


@pytest.mark.parametrize(
    ("good", "began", "mitigated", "people", "machine"),
    [(900, 0, 38, "38m", "3h38m"), (500, 5, 25, "20m", "23m"), (500, 5, 28, "23m", "23m")],
)
def test_people_quicker_than_a_page_and_any_automation_leave_no_case(
    good: int, began: int, mitigated: int, people: str, machine: str
) -> None:
    took = f"they took {people}, and a page and any automation take at least {machine}"
    why = f"{took}; a longer restore_within gates"
    quick = replace(outage(good, mitigated=mitigated), impact_start=START + began * MINUTE)
    with pytest.raises(ValueError, match=why):
        to_eval_case(quick)
    assert to_eval_case(quick, restore_within=HOUR).restore_within == HOUR


def test_a_default_that_only_a_part_of_the_runbook_meets_is_still_a_case() -> None:
    case = to_eval_case(outage(900, mitigated=220))
    assert not replay(case, MITIGATIONS).passed
    assert replay(case, ["serve_degraded"]).passed


def test_a_longer_limit_than_people_took_gates_the_automations_but_proves_nothing(
    tmp_path: Path,
) -> None:
    quick = replace(outage(mitigated=27), impact_start=START + 5 * MINUTE)
    case = to_eval_case(quick, restore_within=25 * MINUTE)
    save_case(case, tmp_path / "case.json")
    assert gate(tmp_path, automated=MITIGATIONS)
    assert "the incident as recorded passes" in prove(case, quick, automating(*MITIGATIONS)).why


def test_people_half_a_minute_slower_than_any_automation_get_a_case_that_it_meets() -> None:
    close = replace(outage(mitigated=28.5), impact_start=START + 5 * MINUTE)
    assert to_eval_case(close).restore_within == 23 * MINUTE
    assert prove(to_eval_case(close), close, automating(*MITIGATIONS)).passed


@pytest.mark.parametrize("mitigated", [None, 40])
@pytest.mark.parametrize("symptom", ["quality_regression", "stale_index", "gpu_capacity"])
def test_a_fault_that_no_mitigation_mends_is_no_case(symptom: str, mitigated: float | None) -> None:
    wanted = f"^nothing in the runbook of {symptom} restores 50% failing$"
    with pytest.raises(ValueError, match=wanted):
        to_eval_case(outage(600, 1200, symptom=symptom, mitigated=mitigated))


def test_a_page_sooner_than_any_rule_gives_is_not_blamed_on_the_automations() -> None:
    case = to_eval_case(outage(), page_within=MINUTE)
    assert case.restore_within == to_eval_case(outage()).restore_within
    assert replay(case, MITIGATIONS).why == "not paged within 1m but after 18m"


def test_an_incident_never_mitigated_fails_as_recorded_so_that_the_fix_can_be_proved() -> None:
    endless = outage(mitigated=None)
    assert prove(to_eval_case(endless), endless, automating(*MITIGATIONS)).passed


def test_a_limit_that_nothing_can_meet_is_not_proved_by_the_fix() -> None:
    case = to_eval_case(outage(), restore_within=20 * MINUTE)
    verdict = prove(case, outage(), automating(*MITIGATIONS))
    assert not verdict.passed
    assert "not restored within 20m but after 23m" in verdict.why


def test_a_case_that_passes_with_nothing_automated_is_refused() -> None:
    slo = SLO("availability", 0.5, HOUR)
    case = ReplayCase("regression-INC-001", SYMPTOM, slo, 0.4, HOUR, HOUR)
    incident = outage(600, 1000, slo=slo, mitigated=500)
    verdict = prove(case, incident, automating(*MITIGATIONS))
    assert not verdict.passed
    assert verdict.why == "not proved: it passes with nothing automated"


def test_a_foreign_automation_is_refused_by_its_name() -> None:
    verdict = prove(to_eval_case(outage()), outage(), automating(*MITIGATIONS, "reboot_everything"))
    assert not verdict.passed
    assert "reboot_everything is no mitigation of model_provider_outage" in verdict.why
