"""The bundled scenarios: each is what its title says, and the responder who plays the book brings it to its end."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from oncall.alerting import alert_intervals, google_policy
from oncall.catalogue import RUNBOOKS
from oncall.cli.terminal import shift_text
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import SILENCE, Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.shift import Shift, run_shift
from oncall.incident import Incident
from oncall.journal import MAJOR
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.runbook import is_healthy
from oncall.scenario import Fault, Scenario
from oncall.slo import SLO, sli
from oncall.times import HOUR, MINUTE, parse_moment

MORE_SEEDS = range(2, 22)
OUTAGE = "model_provider_outage"

# For each incident: its symptom, what fires first, the severity, and what was done, in order.
Outcome = tuple[str, str, str, tuple[str, ...]]
FAST, SLOW_PAGE, TICKET, SILENT = (
    "page 14.4x 1h/5m",
    "page 6x 6h/30m",
    "ticket 1x 3d/6h",
    "page silence 10m",
)
PROVIDER = (OUTAGE, FAST, "sev1", ("fail_over", "serve_cached", "serve_degraded"))
GUARDRAIL = ("guardrail_false_positives", FAST, "sev1", ("shadow_rule", "second_opinion"))
INDEX = ("restart_ingestion", "search_live", "roll_back_index")
EXPECTED: dict[str, tuple[Outcome, ...]] = {
    "provider_outage": (PROVIDER,),
    "rate_limit_storm": (
        (
            "rate_limit_storm",
            FAST,
            "sev1",
            ("cap_retries", "shed_low_priority", "raise_rate_limit"),
        ),
    ),
    "slow_first_token": (
        ("slow_first_token", FAST, "sev1", ("hedge_requests", "trim_context", "use_small_model")),
    ),
    "quality_regression": (
        (
            "quality_regression",
            SLOW_PAGE,
            "sev2",
            ("pin_snapshot", "roll_back_prompt", "use_large_model"),
        ),
    ),
    "stale_index": (("stale_index", FAST, "sev1", INDEX),),
    "cost_runaway": (
        ("cost_runaway", FAST, "sev1", ("cap_tokens", "throttle_tenant", "use_small_model")),
    ),
    "guardrail_false_positives": (GUARDRAIL,),
    "poisoned_cache": (("poisoned_cache", FAST, "sev1", ("bypass_cache", "new_cache_namespace")),),
    "gpu_capacity": (
        ("gpu_capacity", FAST, "sev1", ("shed_low_priority", "add_replicas", "use_small_model")),
    ),
    "quiet_shift": (),
    "slow_burn": (("stale_index", TICKET, "sev4", INDEX),),
    "flapping_provider": (PROVIDER,),
    "two_incidents": (PROVIDER, GUARDRAIL),
    "false_alarm": (("load_test", FAST, "sev1", ()),),
    "silent_edge": (("silent_edge", SILENT, "sev2", ()),),
    "openai_2024_12_04": (PROVIDER,),
    "copilot_2025_12_15": (PROVIDER,),
}
EVERY = pytest.mark.parametrize("name", EXPECTED)
PROVED = [
    name
    for name in EXPECTED
    if name not in ("quiet_shift", "slow_burn", "false_alarm", "silent_edge")
]


@cache
def played(name: str, seed: int = 1) -> Shift:
    return run_shift(SCENARIOS[name], seed, reference)


def actions(incident: Incident) -> tuple[str, ...]:
    return tuple(event.get("action") for event in incident.events if event.verb == "mitigate")


def outcome(incident: Incident) -> Outcome:
    fired = incident.events[0]
    what = f"{fired.get('action')} {fired.get('window')}"
    return incident.symptom, what, incident.severity or "", actions(incident)


def verbs(incident: Incident) -> list[str]:
    return [event.verb for event in incident.events]


def notes(incident: Incident) -> list[str]:
    return [event.get("text") for event in incident.events if event.verb == "note"]


# --- every scenario ------------------------------------------------------------------------------


def test_there_is_one_for_each_symptom_and_one_for_each_trap() -> None:
    assert list(SCENARIOS) == list(EXPECTED)
    assert set(RUNBOOKS) <= {fault.symptom for one in SCENARIOS.values() for fault in one.faults}


@EVERY
def test_what_fires_how_severe_it_is_and_what_is_done_is_what_the_scenario_is_about(
    name: str,
) -> None:
    assert tuple(outcome(incident) for incident in played(name).incidents) == EXPECTED[name]


@EVERY
def test_the_reference_scores_100_on_each_incident(name: str) -> None:
    assert [score(one, one).points for one in played(name).incidents] == [100] * len(EXPECTED[name])


@EVERY
def test_it_ends_with_healthy_users_and_every_incident_closed(name: str) -> None:
    shift = played(name)
    last = shift.counts.slice(shift.counts.end - 30 * MINUTE)
    assert sli(sum(last.good), sum(last.total)) >= shift.scenario.slo.target
    assert all(incident.state == "closed" for incident in shift.incidents)


@EVERY
def test_the_same_seed_is_the_same_shift(name: str) -> None:
    assert run_shift(SCENARIOS[name], 1, reference) == played(name)


@EVERY
def test_twenty_other_seeds_are_other_nights_with_the_same_end(name: str) -> None:
    for seed in MORE_SEEDS:
        shift = run_shift(SCENARIOS[name], seed, reference)
        assert shift.counts != played(name).counts
        assert tuple(outcome(incident) for incident in shift.incidents) == EXPECTED[name]
        assert all(incident.state == "closed" for incident in shift.incidents)


@EVERY
def test_its_journals_are_legal_and_come_back_from_disk(name: str, tmp_path: Path) -> None:
    for incident in played(name).incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident


@EVERY
def test_a_postmortem_is_written_where_one_is_due_and_it_is_lint_clean_and_full(name: str) -> None:
    for incident in played(name).incidents:
        due = incident.severity in MAJOR and "false_alarm" not in verbs(incident)
        text = incident.postmortem or ""
        assert bool(text) == due
        if due:
            assert lint_postmortem(text, people=["ana", "bo", "chen"]) == []
            assert "Nothing recorded" not in text
            assert read_action_items(text)


@pytest.mark.parametrize("name", PROVED)
def test_what_a_page_can_see_becomes_a_proved_case_and_each_automation_is_needed(name: str) -> None:
    for incident in played(name).incidents:
        case, items = to_eval_case(incident), read_action_items(incident.postmortem or "")
        assert [item.automates for item in items if item.automates] == list(actions(incident))
        assert prove(case, incident, items).passed
        for gone in items:
            if gone.automates:
                assert not prove(case, incident, [one for one in items if one != gone]).passed, (
                    gone.automates
                )


@EVERY
def test_it_is_printed_in_80_columns_without_an_empty_number(name: str) -> None:
    shift = played(name)
    text = shift_text(shift, [score(one, one) for one in shift.incidents])
    assert max(map(len, text.splitlines())) <= 80
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "nan" not in text.split()
    assert text.count("\nScore of INC-") == len(shift.incidents)


@EVERY
def test_its_data_is_whole(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.title.endswith(".")
    assert all(
        one.text.strip() and timedelta() <= one.at < scenario.length
        for one in scenario.red_herrings
    )
    assert scenario.red_herrings
    assert len(scenario.reviews) == sum(bool(one.postmortem) for one in played(name).incidents)
    for fault in scenario.faults:
        assert fault.title.strip()
        assert fault.symptom in RUNBOOKS or fault.lost or fault.synthetic


@EVERY
def test_a_red_herring_reads_as_it_would_at_its_moment(name: str) -> None:
    for one in SCENARIOS[name].red_herrings:
        assert not re.search(
            r"(minutes|hours) (before|after)|went out|the (blip|outage|incident)|it looks", one.text
        )


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
    [incident] = played("slow_burn").incidents
    assert not incident.events_of("page")
    with pytest.raises(ValueError, match="no page rule sees"):
        to_eval_case(incident)


def test_no_burn_rule_sees_a_silent_edge_and_the_silence_rule_pages_after_ten_minutes() -> None:
    assert unattended("silent_edge") == set()
    [incident] = played("silent_edge").incidents
    assert incident.metrics().ttd == SILENCE.after
    assert incident.title == "No requests arrive"
    assert [
        event.get("auto_recovered") for event in incident.events if event.verb == "resolve"
    ] == [True]
    assert "no runbook fits this; called the head of platform" in notes(incident)


def test_a_false_alarm_is_called_one_and_nothing_is_done_about_it() -> None:
    [incident] = played("false_alarm").incidents
    assert verbs(incident)[-1] == "false_alarm"
    assert "update" not in verbs(incident)
    assert played("false_alarm").counts == SCENARIOS["false_alarm"].counts(1)


def test_the_mitigation_is_kept_until_the_provider_has_stopped_flapping() -> None:
    shift = played("flapping_provider")
    [incident] = shift.incidents
    acknowledged, *_ = [event.at for event in incident.events if event.verb == "acknowledge"]
    quiet = shift.counts.slice(acknowledged, acknowledged + 10 * MINUTE)
    assert sli(sum(quiet.good), sum(quiet.total)) > 0.99  # it looked fine, and was not over
    applied = next(event.at for event in incident.events if event.verb == "mitigate")
    assert applied - acknowledged > 10 * MINUTE
    mitigated = incident.impact_start + (incident.metrics().impact or timedelta())
    rest = shift.counts.slice(mitigated)
    assert min(good / total for good, total in zip(rest.good, rest.total, strict=True)) > 0.99
    assert [
        fault for fault in shift.scenario.faults if shift.scenario.start + fault.start > mitigated
    ]


def test_two_incidents_overlap_and_each_minute_is_measured_for_one_of_them() -> None:
    shift = played("two_incidents")
    first, second = shift.incidents
    assert first.events[0].at < second.impact_start < second.events[0].at < first.events[-1].at
    assert "reopen" not in verbs(first)
    measures = sorted(
        (event.at, event.get("good"), event.get("total"))
        for incident in shift.incidents
        for event in incident.events
        if event.verb == "measure"
    )
    counted = shift.counts.slice(first.impact_start, measures[-1][0])
    assert sum(good for _, good, _ in measures) == sum(counted.good)
    assert sum(total for _, _, total in measures) == sum(counted.total)


RETOLD = {
    "openai_2024_12_04": ("openai-2024-12-04-wave1", "openai-2024-12-04-wave2"),
    "copilot_2025_12_15": ("github-copilot-review-2025-12-15",),
}


@pytest.mark.parametrize("name", RETOLD)
def test_a_public_incident_is_retold_with_its_published_times_and_error_ratios(name: str) -> None:
    with open(
        Path(__file__).parents[2] / "data" / "public_incidents.csv", newline="", encoding="utf-8"
    ) as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    published = [
        (
            parse_moment(row["impact_start"]),
            parse_moment(row["mitigated"]),
            float(row["error_ratio"]),
        )
        for row in (rows[id] for id in RETOLD[name])
    ]
    assert [
        (label.start, label.end, label.error_ratio) for label in SCENARIOS[name].labels()
    ] == published


def test_the_first_wave_of_december_2024_pages_at_once_and_the_second_is_the_one_that_is_mitigated() -> (
    None
):
    [incident] = played("openai_2024_12_04").incidents
    assert f"{incident.events[0].at:%H:%M}" == "23:49"
    first = next(event.at for event in incident.events if event.verb == "mitigate")
    assert f"{first:%H:%M}" >= "00:07"


# --- what may come, bundled or not ---------------------------------------------------------------


def made_of(*faults: Fault, length: timedelta = 8 * HOUR) -> Scenario:
    return replace(SCENARIOS["provider_outage"], faults=faults, length=length)


def outage(start: timedelta, error_ratio: float, **more: timedelta) -> Fault:
    return Fault(
        OUTAGE,
        start,
        error_ratio,
        duration=more.get("duration"),
        ramp=more.get("ramp", timedelta()),
    )


def test_a_relapse_pages_again_and_only_what_is_not_in_effect_is_tried() -> None:
    mild, bad = outage(HOUR, 0.2), outage(HOUR + 75 * MINUTE, 0.6)
    shift = run_shift(
        made_of(replace(mild, error_ratio=0.021, duration=None), bad), 1, waking_early
    )
    [incident] = shift.incidents
    assert actions(incident) == ("fail_over", "serve_cached", "serve_degraded")
    assert verbs(incident).count("mitigated") == 2
    assert [page.get("who") for page in incident.events_of("page")] == ["ana"]
    assert not incident.events_of("rollback")
    assert incident.state == "closed"


def waking_early(desk: Desk) -> None:
    """Plays the book, after having failed over for a ticket."""
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.acknowledge("ana")
    desk.triage("sev4", "ana", by="ana")
    desk.update("We are looking into it.", by="ana")
    desk.apply("fail_over")
    desk.advance(3 * MINUTE)
    desk.mitigated(by="ana")
    reference(desk)


def test_where_the_runbook_does_not_suffice_the_shift_ends_unhealthy_and_says_whom_it_called() -> (
    None
):
    strict = replace(SCENARIOS["rate_limit_storm"], slo=SLO("availability", 0.999), errors=0.0001)
    [incident] = run_shift(strict, 1, reference).incidents
    assert incident.state == "mitigating"
    assert f"the runbook is at its end; called {RUNBOOKS['rate_limit_storm'].escalate_to}" in notes(
        incident
    )
    updates = [event.at for event in incident.events if event.verb == "update"]
    assert max(later - earlier for earlier, later in pairwise(updates)) <= 30 * MINUTE


def test_two_faults_at_once_are_one_incident_worked_with_both_runbooks() -> None:
    both = made_of(outage(HOUR, 0.5), Fault("guardrail_false_positives", HOUR, 0.2))
    [incident] = run_shift(both, 1, reference).incidents
    assert actions(incident) == (*PROVIDER[3], *GUARDRAIL[3])
    assert incident.state == "closed"
    items = read_action_items(incident.postmortem or "")
    assert [item.automates for item in items] == list(
        PROVIDER[3]
    )  # the case is about the symptom it was opened for


def test_an_outage_that_is_over_before_anybody_looks_is_no_false_alarm() -> None:
    [incident] = run_shift(made_of(outage(HOUR, 0.9, duration=11 * MINUTE)), 1, reference).incidents
    assert actions(incident) == ()
    assert [
        event.get("auto_recovered") for event in incident.events if event.verb == "resolve"
    ] == [True]
    assert incident.state == "closed"


def test_a_fault_that_comes_back_after_the_close_is_a_second_incident() -> None:
    def gives_up_the_mitigation(desk: Desk) -> None:
        desk.advance_until(lambda desk: len(desk.incidents) == 1)
        while desk.incidents[-1].state != "resolved":
            step(desk)
        for name in desk.applied:
            desk.rollback(name)
        desk.close("# Postmortem\n", by="ana")
        reference(desk)

    def step(desk: Desk) -> None:
        incident = desk.incidents[-1]
        if incident.state == "detected":
            desk.acknowledge("ana")
            desk.triage("sev1", "ana", by="ana")
            desk.apply("fail_over")
            desk.apply("serve_cached")
            desk.apply("serve_degraded")
        elif incident.state == "mitigating" and desk.quiet_for >= 5 * MINUTE:
            desk.mitigated(by="ana")
            desk.resolve(by="ana")
        desk.advance(MINUTE)

    first, second = run_shift(made_of(outage(HOUR, 0.5)), 1, gives_up_the_mitigation).incidents
    assert (first.id, second.id) == ("INC-001", "INC-002")
    assert second.impact_start >= first.events[-1].at
    assert second.state == "closed"


# --- the desk ------------------------------------------------------------------------------------


def at_work(*, scenario: Scenario = SCENARIOS["provider_outage"]) -> Desk:
    """A desk with a triaged incident."""
    desk = Desk(scenario, 1)
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.acknowledge("ana")
    desk.triage("sev1", "ana", by="ana")
    return desk


def test_the_desk_says_which_mitigations_are_in_effect() -> None:
    desk, seen = at_work(), list[tuple[str, ...]]()
    for act in (desk.apply, desk.rollback):
        for name in ("fail_over", "serve_cached"):
            seen.append(desk.applied)
            act(name)
    assert seen == [(), ("fail_over",), ("fail_over", "serve_cached"), ("serve_cached",)]
    assert not desk.applied


def test_what_is_in_effect_cannot_be_applied_again_and_so_cannot_be_taken_back_by_mistake() -> None:
    desk = at_work()
    desk.apply("fail_over")
    before = desk.incidents
    with pytest.raises(ValueError, match="'fail_over' is applied already"):
        desk.apply("fail_over")
    assert desk.incidents == before


@pytest.mark.parametrize("minutes", [0, 1, 2, 7])
def test_a_mitigation_rolled_back_leaves_the_service_as_it_was(minutes: int) -> None:
    desk, other = at_work(), at_work()
    desk.apply("fail_over")
    desk.advance(minutes * MINUTE)
    desk.rollback("fail_over")
    other.advance(minutes * MINUTE)
    desk.advance(HOUR)
    other.advance(HOUR)
    after = desk.now - 59 * MINUTE
    assert desk.harmed == other.harmed
    assert desk.service.counts.slice(after).total == other.counts.slice(after).total
    gap = [
        a - b
        for a, b in zip(
            desk.service.counts.slice(after).good, other.counts.slice(after).good, strict=True
        )
    ]
    assert max(map(abs, gap)) <= 1  # what rounding carried over


def test_an_sli_that_a_mitigation_harms_is_trouble_however_green_the_other_is() -> None:
    desk = at_work()
    desk.apply("serve_degraded")
    desk.advance(40 * MINUTE)
    assert desk.sli > 0.99
    assert desk.harmed == ("quality",)
    assert not is_healthy(desk, desk.scenario.slo)
    assert desk.quiet_for == timedelta()


def test_requests_that_are_lost_are_not_counted_and_do_not_fail() -> None:
    start, quarter = HOUR, HOUR / 4
    calm = made_of()
    lossy = made_of(Fault("silent_edge", start, 0.5, duration=HOUR, lost=True))
    half, whole = (
        one.counts(3).slice(calm.start + start, calm.start + start + HOUR) for one in (lossy, calm)
    )
    assert sum(half.total) == pytest.approx(sum(whole.total) / 2, abs=1)
    assert sli(sum(half.good), sum(half.total)) == pytest.approx(1 - calm.errors, abs=0.0005)
    assert lossy.counts(3).slice(None, calm.start + start) == calm.counts(3).slice(
        None, calm.start + start
    )
    later = calm.start + start + HOUR + quarter
    assert sum(lossy.counts(3).slice(later).total) == pytest.approx(
        sum(calm.counts(3).slice(later).total), abs=1
    )


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_desk_knows_what_users_feel_from_what_is_only_counted(synthetic: bool) -> None:
    seen: list[tuple[bool, str]] = []

    def responder(desk: Desk) -> None:
        seen.append((desk.service.felt, desk.service.symptom))
        desk.advance(HOUR + 10 * MINUTE)
        seen.append((desk.service.felt, desk.service.symptom))

    run_shift(made_of(Fault("load_test", HOUR, 0.4, synthetic=synthetic)), 1, responder)
    assert seen == [(False, "unknown"), (not synthetic, "load_test")]


def test_the_reference_can_take_over_from_somebody_who_acknowledged_and_left() -> None:
    def responder(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        desk.acknowledge("bo")
        desk.advance(HOUR)
        reference(desk)

    [incident] = run_shift(SCENARIOS["provider_outage"], 1, responder).incidents
    assert incident.state == "closed"
    assert actions(incident) == PROVIDER[3]


RESPONDERS: dict[str, Callable[[Desk], None]] = {
    "nobody": lambda desk: None,
    "acks and forgets": lambda desk: _acks(desk),
    "does all there is": lambda desk: _does_all(desk),
}


def _acks(desk: Desk) -> None:
    if desk.advance_until(lambda desk: desk.incident is not None):
        desk.acknowledge("ana")


def _does_all(desk: Desk) -> None:
    _acks(desk)
    if desk.incident:
        desk.triage("sev1", "ana", by="ana")
        for mitigation in (one for book in RUNBOOKS.values() for one in book.mitigations):
            if mitigation.name not in desk.applied:
                desk.apply(mitigation.name)


@pytest.mark.parametrize("who", RESPONDERS)
@EVERY
def test_worse_responders_score_less_than_the_reference(name: str, who: str) -> None:
    best = played(name).incidents
    for worse, good in zip(
        run_shift(SCENARIOS[name], 1, RESPONDERS[who]).incidents, best, strict=False
    ):
        assert score(worse, good).points < 70


@pytest.mark.parametrize("who", RESPONDERS)
@EVERY
def test_worse_responders_come_to_an_end_too_and_can_be_shown(
    name: str, who: str, tmp_path: Path
) -> None:
    shift = run_shift(SCENARIOS[name], 1, RESPONDERS[who])
    assert (
        max(map(len, shift_text(shift, [score(one, one) for one in shift.incidents]).splitlines()))
        <= 80
    )
    for incident in shift.incidents:
        incident.save(tmp_path / f"{incident.id}.jsonl")
        assert Incident.load(tmp_path / f"{incident.id}.jsonl") == incident
