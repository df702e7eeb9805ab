"""The bundled scenarios that set a trap, and those that retell a public incident."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from played_shifts import (
    SCENARIO,
    absent,
    auto_recovered,
    is_open,
    reference_shift,
    sli_between,
    verbs,
)

from oncall.alerting import alert_intervals, google_policy
from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.shift import run_shift
from oncall.gameday.truth import FLOOR
from oncall.gameday.watch import SILENCE
from oncall.regression import to_eval_case
from oncall.scenario import Fault
from oncall.slo import sli
from oncall.times import HOUR, MINUTE, parse_moment

# --- the traps -----------------------------------------------------------------------------------


def unattended(name: str) -> set[str]:
    """What fires, by action, when nobody does anything."""
    scenario = SCENARIOS[name]
    found = alert_intervals(scenario.counts(1), scenario.slo, google_policy(scenario.slo.period))
    return {interval.rule.action for interval in found}


def test_on_a_quiet_shift_nothing_fires_though_there_is_a_blip() -> None:
    assert unattended("quiet_shift") == set()
    counts = SCENARIOS["quiet_shift"].counts(1)
    assert sum(good < total / 2 for good, total in zip(counts.good, counts.total, strict=True)) == 1


def test_a_slow_burn_opens_a_ticket_and_wakes_nobody() -> None:
    assert unattended("slow_burn") == {"ticket"}
    [incident] = reference_shift("slow_burn").incidents
    assert not incident.events_of("page")
    with pytest.raises(ValueError, match="no page rule sees"):
        to_eval_case(incident)


def test_a_silent_edge_burns_nothing_and_the_silence_rule_pages_after_ten_minutes() -> None:
    shift = reference_shift("silent_edge")
    [incident] = shift.incidents
    [hit] = shift.truth.world.hits
    detected = (incident.events[0].at - shift.scenario.start) // MINUTE
    assert detected * MINUTE == hit.fault.start + SILENCE.after
    assert incident.title == "No requests arrive"
    assert incident.events[0].get("burn") == 0
    assert auto_recovered(incident) == [None]
    assert shift.truth.nobody > 5 * shift.truth.par  # what is lost is harm, though nothing fails


def test_a_false_alarm_is_called_one_after_a_look_and_nothing_is_done_about_it() -> None:
    shift = reference_shift("false_alarm")
    [incident] = shift.incidents
    assert verbs(incident)[-1] == "false_alarm"
    assert incident.events_of("look")
    assert shift.counts == run_shift(shift.scenario, 1, absent).counts
    assert shift.truth.nobody < FLOOR  # what a tenant breaks by itself


@pytest.mark.parametrize("cause", ["edge_config", "provider_fails"])
def test_a_false_alarm_of_what_is_real_costs_the_whole_safety(cause: str) -> None:
    def dismisses(desk: Desk) -> None:
        desk.advance_until(is_open)
        desk.acknowledge("ana")
        desk.false_alarm(by="ana")

    score = run_shift(SCENARIOS[cause], 1, dismisses).score
    points = {one.name: one.points for one in score.dimensions}
    assert (points["safety"], points["diagnosis"], points["harm"]) == (0, 0, 0)


def test_a_provider_that_flaps_is_one_incident_and_its_mitigations_are_kept() -> None:
    shift = reference_shift("flapping_provider")
    [incident] = shift.incidents
    acknowledged = incident.events_of("acknowledge")[0].at
    # It looked fine, and was not over.
    assert sli_between(shift.counts, acknowledged, acknowledged + 10 * MINUTE) > 0.99
    assert not incident.events_of("rollback")
    last = incident.events_of("mitigate")[-1].at
    rest = shift.counts.slice(last + 5 * MINUTE)
    assert min(good / total for good, total in zip(rest.good, rest.total, strict=True)) > 0.99
    last_fault = shift.scenario.faults[-1].start
    assert shift.scenario.start + last_fault > last  # so that they were still needed


def test_two_incidents_are_both_found_and_each_minute_is_measured_for_one_of_them() -> None:
    for seed in range(1, 6):
        shift = run_shift(SCENARIOS["two_incidents"], seed, reference)
        found = [one.get("cause") for i in shift.incidents for one in i.events_of("suspect")]
        assert found == ["provider_fails", "guardrail_strict"]
        # No minute is measured for both.
        measures = [event for one in shift.incidents for event in one.events_of("measure")]
        last = max(event.at for event in measures)
        counted = shift.counts.slice(shift.incidents[0].impact_start, last)
        assert sum(event.get("total") for event in measures) <= sum(counted.total)


def test_requests_that_are_lost_are_not_counted_and_do_not_fail() -> None:
    begins = SCENARIO.start + HOUR
    ends = begins + HOUR
    calm = replace(SCENARIO, faults=())
    half_lost = Fault("silent_edge", HOUR, 0.5, duration=HOUR, lost=True)
    counts, usual = replace(calm, faults=(half_lost,)).counts(3), calm.counts(3)

    def requests(counts: Counts) -> int:
        return sum(counts.total)

    during = counts.slice(begins, ends)
    assert requests(during) == pytest.approx(requests(usual.slice(begins, ends)) / 2, abs=1)
    assert sli(sum(during.good), requests(during)) == pytest.approx(1 - calm.errors, abs=0.0005)
    assert counts.slice(None, begins) == usual.slice(None, begins)
    later = ends + 15 * MINUTE
    assert requests(counts.slice(later)) == pytest.approx(requests(usual.slice(later)), abs=1)


# --- public incidents, retold --------------------------------------------------------------------

PUBLIC_INCIDENTS = Path(__file__).parents[2] / "data" / "public_incidents.csv"
RETOLD = {
    "openai_2024_12_04": ["openai-2024-12-04-wave1", "openai-2024-12-04-wave2"],
    "copilot_2025_12_15": ["github-copilot-review-2025-12-15"],
}


@pytest.mark.parametrize("name", RETOLD)
def test_a_public_incident_is_retold_with_its_published_times_and_error_ratios(name: str) -> None:
    with open(PUBLIC_INCIDENTS, newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    labels = SCENARIOS[name].labels()
    for label, id in zip(labels, RETOLD[name], strict=True):
        assert label.start == parse_moment(rows[id]["impact_start"])
        assert label.end == parse_moment(rows[id]["mitigated"])
        assert label.error_ratio == float(rows[id]["error_ratio"])


def test_in_december_2024_the_first_wave_pages_at_once_and_the_second_is_mitigated() -> None:
    [incident] = reference_shift("openai_2024_12_04").incidents
    assert f"{incident.events[0].at:%H:%M}" == "23:49"
    first = incident.events_of("mitigate")[0]
    assert f"{first.at:%H:%M}" >= "00:07"
