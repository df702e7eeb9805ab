"""The service and the pager of a shift, each alone: no alert, no incident, no file."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from played_shifts import SCENARIO

from oncall import RUNBOOKS, EscalationPolicy, Step, run_runbook
from oncall.gameday.pager import LADDER, Pager
from oncall.gameday.service import Service
from oncall.times import HOUR, MINUTE


def failing() -> Service:
    """The service a minute into its fault."""
    service = Service(SCENARIO, 1)
    service.wait(2 * HOUR + 13 * MINUTE)
    return service


def test_a_service_left_alone_counts_what_its_scenario_says() -> None:
    service = Service(SCENARIO, 1)
    assert service.now == SCENARIO.start
    service.wait(SCENARIO.length)
    assert service.counts == SCENARIO.counts(1)


def test_it_shows_its_fault_and_what_a_mitigation_does_once_it_has_settled() -> None:
    service = failing()
    assert service.sli == pytest.approx(0.5, abs=0.02)
    service.apply("fail_over")
    service.wait(MINUTE)
    assert service.applied == ("fail_over",)
    assert service.sli == pytest.approx(0.5, abs=0.02)
    service.wait(2 * MINUTE)
    assert service.sli == pytest.approx(0.85, abs=0.02)
    service.rollback("fail_over")
    service.wait(MINUTE)
    assert not service.applied
    assert service.sli == pytest.approx(0.5, abs=0.02)


def test_what_cannot_be_done_to_it_is_refused_and_changes_nothing() -> None:
    service = failing()
    with pytest.raises(ValueError, match="unknown mitigation 'magic'"):
        service.apply("magic")
    with pytest.raises(ValueError, match="'fail_over' is not applied; applied are none"):
        service.rollback("fail_over")
    service.apply("purge_cache")
    with pytest.raises(ValueError, match="'purge_cache' is applied already"):
        service.apply("purge_cache")
    with pytest.raises(ValueError, match="'purge_cache' cannot be rolled back"):
        service.rollback("purge_cache")
    assert service.applied == ("purge_cache",)


def test_a_runbook_can_be_run_on_it() -> None:
    service = failing()
    runbook = RUNBOOKS["model_provider_outage"]
    run = run_runbook(runbook, service, slo=SCENARIO.slo, at=service.now)
    assert run.healthy
    assert [step.mitigation.name for step in run.steps if step.kept] == list(service.applied)


def test_where_nothing_arrives_there_is_no_sli() -> None:
    [fault] = SCENARIO.faults
    gone = replace(fault, lost=True, error_ratio=1.0, start=timedelta())
    service = Service(replace(SCENARIO, faults=(gone,)), 1)
    service.wait(3 * MINUTE)
    assert math.isnan(service.sli)


def test_it_knows_since_when_it_is_below_target() -> None:
    service = failing()
    first = service.below_target_since
    assert service.counts.start + first * MINUTE == SCENARIO.start + SCENARIO.faults[0].start
    calm = Service(SCENARIO, 1)
    assert calm.below_target_since == len(calm)


# --- the pager -----------------------------------------------------------------------------------


def climb(pager: Pager, minutes: int) -> list[tuple[int, str, int, int]]:
    """The pages of the first ``minutes``: the minute, who, the step and the loop."""
    pages = []
    for minute in range(minutes):
        for page in pager.due(SCENARIO.start + minute * MINUTE):
            pages.append((minute, page.who, page.step, page.loop))
    return pages


def test_it_climbs_to_its_end_and_falls_silent() -> None:
    pager = Pager()
    assert not pager.ringing
    pager.start(SCENARIO.start)
    assert pager.ringing
    first_loop = [(0, "ana", 0, 0), (5, "bo", 1, 0), (15, "chen", 2, 0)]
    second_loop = [(30, "ana", 0, 1), (35, "bo", 1, 1), (45, "chen", 2, 1)]
    assert climb(pager, 120) == first_loop + second_loop
    assert not pager.ringing


def test_an_answer_stops_it() -> None:
    pager = Pager()
    pager.start(SCENARIO.start)
    assert [page.who for page in pager.due(SCENARIO.start)] == ["ana"]
    pager.answer()
    assert not pager.ringing
    assert climb(pager, 60) == []


def test_a_call_for_help_goes_on_with_the_next_step_and_from_the_last_with_the_first() -> None:
    pager = Pager()
    woken = []
    for _ in range(4):
        pager.escalate(SCENARIO.start)
        woken += [(page.who, page.step) for page in pager.due(SCENARIO.start)]
        pager.answer()
    assert woken == [("ana", 0), ("bo", 1), ("chen", 2), ("ana", 0)]
    pager.escalate(SCENARIO.start)
    pager.reset()
    pager.escalate(SCENARIO.start)
    assert [page.who for page in pager.due(SCENARIO.start)] == ["ana"]


def test_a_step_may_wake_two_at_once() -> None:
    steps = (Step(("ana", "bo"), 5 * MINUTE), Step(("chen",), MINUTE))
    pager = Pager(EscalationPolicy(steps))
    pager.start(SCENARIO.start)
    assert climb(pager, 30) == [(0, "ana", 0, 0), (0, "bo", 0, 0), (5, "chen", 1, 0)]
    pager.escalate(SCENARIO.start)
    assert [page.who for page in pager.due(SCENARIO.start)] == ["ana", "bo"]


def test_the_ladder_of_the_shift_is_climbed_twice() -> None:
    on_call = [step.on_call(SCENARIO.start) for step in LADDER.steps]
    assert on_call == [("ana",), ("bo",), ("chen",)]
    assert LADDER.repeat == 1
