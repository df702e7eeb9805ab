"""The bundled scenarios that set a trap, and those that retell a public incident."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from played_shifts import SCENARIO, auto_recovered, notes, reference_shift, sli_between, verbs

from oncall.alerting import alert_intervals, google_policy
from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import SILENCE
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


def test_no_burn_rule_sees_a_silent_edge_and_the_silence_rule_pages_after_ten_minutes() -> None:
    assert unattended("silent_edge") == set()
    [incident] = reference_shift("silent_edge").incidents
    assert incident.metrics().ttd == SILENCE.after
    assert incident.title == "No requests arrive"
    assert auto_recovered(incident) == [True]
    assert "no runbook fits this; called the head of platform" in notes(incident)


def test_a_false_alarm_is_called_one_and_nothing_is_done_about_it() -> None:
    shift = reference_shift("false_alarm")
    [incident] = shift.incidents
    assert verbs(incident)[-1] == "false_alarm"
    assert "update" not in verbs(incident)
    assert shift.counts == SCENARIOS["false_alarm"].counts(1)


def test_the_mitigation_is_kept_until_the_provider_has_stopped_flapping() -> None:
    shift = reference_shift("flapping_provider")
    [incident] = shift.incidents
    acknowledged = incident.events_of("acknowledge")[0].at
    # It looked fine, and was not over.
    assert sli_between(shift.counts, acknowledged, acknowledged + 10 * MINUTE) > 0.99
    applied = incident.events_of("mitigate")[0].at
    assert applied - acknowledged > 10 * MINUTE
    mitigated = incident.impact_start + (incident.metrics().impact or timedelta())
    rest = shift.counts.slice(mitigated)
    assert min(good / total for good, total in zip(rest.good, rest.total, strict=True)) > 0.99
    last_fault = shift.scenario.faults[-1].start
    assert shift.scenario.start + last_fault > mitigated  # so that the mitigation was still needed


def test_two_incidents_overlap_and_each_minute_is_measured_for_one_of_them() -> None:
    shift = reference_shift("two_incidents")
    first, second = shift.incidents
    assert first.events[0].at < second.impact_start < second.events[0].at < first.events[-1].at
    assert "reopen" not in verbs(first)
    measures = first.events_of("measure") + second.events_of("measure")
    last = max(event.at for event in measures)
    counted = shift.counts.slice(first.impact_start, last)
    assert sum(event.get("good") for event in measures) == sum(counted.good)
    assert sum(event.get("total") for event in measures) == sum(counted.total)


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
