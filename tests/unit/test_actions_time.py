"""Actions that let time pass: what is told of it, and when they stop."""

from __future__ import annotations

from dataclasses import replace

import pytest
from played_shifts import SCENARIO
from typed_actions import paged, type_at

from oncall.cli.drill import status
from oncall.gameday.actions import do, try_to_do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.scenario import Fault
from oncall.times import HOUR, MINUTE

SILENT_EDGE = SCENARIOS["silent_edge"]

# --- next ----------------------------------------------------------------------------------------


def test_next_stops_when_something_happens_and_after_an_hour_at_most() -> None:
    desk = Desk(SCENARIO, 1)
    do(desk, "next")
    assert desk.now == SCENARIO.start + HOUR
    type_at(desk, "next", "next")
    assert desk.now == SCENARIO.start + SCENARIO.faults[0].start + MINUTE
    do(desk, "next")
    assert desk.incident is not None
    do(desk, "end")
    assert desk.now == desk.ends
    assert do(desk, "next") == ""
    assert desk.now == desk.ends


def test_next_stops_when_an_update_to_users_falls_due() -> None:
    desk = paged()
    detected = desk.now
    type_at(desk, "ack", "triage sev1", "wait 28")
    assert not desk.update_due
    do(desk, "next")
    assert desk.now == detected + 30 * MINUTE
    assert desk.update_due
    assert "an update is due" in status(desk)
    do(desk, "update", "We are working on it.")
    assert not desk.update_due
    assert "an update is due" not in status(desk)


# --- what is told --------------------------------------------------------------------------------


def test_time_that_passes_says_what_changed_by_itself() -> None:
    desk = Desk(SCENARIO, 1)
    assert [do(desk, "wait", "60"), do(desk, "next")] == ["", ""]
    assert do(desk, "next") == "18:13 the SLI is 49.85%, below 99%"
    assert do(desk, "next").splitlines() == [
        "18:30 INC-001 opens: availability burns its budget at 50.1x",
        "18:30 paged ana",
        "18:30 14.4x 1h/5m fires",
    ]
    assert do(desk, "next") == "18:35 paged bo"
    type_at(desk, "ack", "triage sev1", "apply serve_degraded")
    assert do(desk, "wait", "30").splitlines() == [
        "18:39 the SLI is 99.69%, at its target of 99% again",
        "18:39 quality is harmed",
        "18:42 14.4x 1h/5m no longer fires",
        "19:00 an update to users is due",
    ]
    assert desk.now == SCENARIO.start + 188 * MINUTE
    do(desk, "rollback", "serve_degraded")
    assert desk.harmed == ("quality",)  # that took the minute before it is gone
    assert "19:10 quality is no longer harmed" in do(desk, "wait", "1")


def test_a_long_wait_tells_of_each_thing_the_last_time_only() -> None:
    desk = Desk(SCENARIOS["flapping_provider"], 1)
    lines = do(desk, "end").splitlines()
    signs = [line for line in lines if "paged" not in line]
    assert len(signs) == len({line[6:] for line in signs})
    times = [line[:5] for line in lines]
    assert times == sorted(times)
    assert "21:01 the SLI is 39.88%, below 99%" in lines  # the last of eight times
    assert sum("the SLI is" in line for line in lines) == 2


def test_the_end_of_the_ladder_is_told() -> None:
    text = do(Desk(SCENARIO, 1), "end")
    assert text.count(" paged ") == 6
    assert "19:15 that was the last on the ladder: nobody is left to page" in text


def test_a_silent_minute_is_told_as_one() -> None:
    [hit] = Desk(SILENT_EDGE, 1).service.world.hits
    begins = SILENT_EDGE.start + hit.fault.start
    lines = do(Desk(SILENT_EDGE, 1), "wait", "130").splitlines()
    assert f"{begins + 5 * MINUTE:%H:%M} no request arrives" in lines  # for five minutes


def test_silence_that_turns_into_failures_is_told() -> None:
    silence = Fault("traffic_lost", 2 * HOUR, 1.0, duration=5 * MINUTE, lost=True)
    outage = replace(SCENARIO.faults[0], start=silence.start + 5 * MINUTE)
    desk = Desk(replace(SCENARIO, faults=(silence, outage)), 1)
    assert do(desk, "wait", "121") == "18:01 no request arrives"
    low, again = do(desk, "wait", "5").splitlines()
    assert low.startswith("18:06 the SLI is ")
    assert again == "18:06 requests arrive again"


# --- what ends a wait, and what takes how long ---------------------------------------------------


def test_a_page_ends_a_wait_and_nothing_else_does() -> None:
    desk = Desk(SCENARIO, 1)
    do(desk, "wait", "400")
    assert f"{desk.now:%H:%M}" == "18:30"
    do(desk, "wait", "400")
    assert f"{desk.now:%H:%M}" == "18:35"  # the next on the ladder
    type_at(desk, "ack", "wait 60")
    assert f"{desk.now:%H:%M}" == "19:35"  # a slower rule fires, and pages nobody who is at it


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        ("suspect provider_fails", 0),
        ("learn cause provider_fails", 0),
        ("note They fail.", 0),
        ("predict 90", 0),
        ("page bo", 0),
        ("hint", 0),
        ("look", 0),
        ("journal", 0),
        ("mitigated", 0),
        ("triage sev2", 1),
        ("ask add_replicas", 1),
        ("runbook gpu_capacity", 1),
        ("rollback fail_over", 1),
        ("apply serve_cached", 1),
        ("apply serve_degraded", 2),
        ("apply cache_everything", 3),
        ("look errors by region", 2),
        ("check 1 gpu_capacity", 2),
        ("update investigating 50 We are looking into it.", 3),
    ],
)
def test_things_take_their_minutes_and_what_is_refused_takes_none(line: str, minutes: int) -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1", "apply fail_over")
    before = desk.now
    type_at(desk, line)
    assert desk.now - before == minutes * MINUTE
    late = paged()
    refused = try_to_do(late, *line.split()).startswith("not done")
    assert late.now == paged().now or not refused


def test_what_takes_minutes_never_outlasts_the_shift() -> None:
    desk = paged()
    type_at(desk, "ack", "triage sev1")
    desk.advance(desk.ends - desk.now - MINUTE)
    do(desk, "update", "It goes on and on.")
    assert desk.now == desk.ends
    assert desk.current.events[-1].verb == "update"
