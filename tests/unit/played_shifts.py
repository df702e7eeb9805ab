"""Shifts played by responders good and bad, and what their journals hold."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache

from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.shift import Responder, Shift, run_shift
from oncall.incident import Incident
from oncall.scenario import Scenario
from oncall.slo import sli
from oncall.times import HOUR, MINUTE

SCENARIO = SCENARIOS["provider_outage"]
FIXES = ("fail_over", "serve_cached", "serve_degraded")  # what its runbook says, in order

# --- responders ----------------------------------------------------------------------------------


def is_open(desk: Desk) -> bool:
    return desk.incident is not None


def absent(desk: Desk) -> None:
    """Nobody is there."""


def forgetful(desk: Desk) -> None:
    """Acknowledges at once, and goes back to sleep."""
    if desk.advance_until(is_open):
        desk.acknowledge("ana")


def start_work(desk: Desk) -> None:
    """Acknowledges the first incident at once and triages it as sev1."""
    desk.advance_until(is_open)
    desk.acknowledge("ana")
    desk.triage("sev1", "ana", by="ana")


def hasty(desk: Desk) -> None:
    """Applies the last resort first, takes it back, and leaves it there."""
    start_work(desk)
    desk.apply("serve_degraded")
    desk.advance(5 * MINUTE)
    desk.rollback("serve_degraded")
    desk.advance(5 * MINUTE)


def acknowledges_after(length: timedelta) -> Responder:
    """Lets time pass in one go, then acknowledges."""

    def responder(desk: Desk) -> None:
        desk.advance_until(is_open)
        desk.advance(length)
        desk.acknowledge("bo")

    return responder


RESPONDERS: dict[str, Responder] = {
    "reference": reference,
    "absent": absent,
    "forgetful": forgetful,
    "hasty": hasty,
    "late": acknowledges_after(8 * HOUR),
}

# --- what they played ----------------------------------------------------------------------------


@cache
def played(responder: Responder, scenario: Scenario = SCENARIO) -> tuple[Shift, Incident]:
    """A shift of a scenario, and its only incident."""
    shift = run_shift(scenario, 1, responder)
    [incident] = shift.incidents
    return shift, incident


def incident_of(responder: Responder, scenario: Scenario = SCENARIO) -> Incident:
    return played(responder, scenario)[1]


@cache
def reference_shift(name: str) -> Shift:
    """The reference's shift of a bundled scenario."""
    return run_shift(SCENARIOS[name], 1, reference)


def triaged_desk(scenario: Scenario = SCENARIO) -> Desk:
    """A desk whose first incident is triaged."""
    desk = Desk(scenario, 1)
    start_work(desk)
    return desk


# --- what a journal or a printed shift holds -----------------------------------------------------


def verbs(incident: Incident) -> list[str]:
    return [event.verb for event in incident.events]


def actions(incident: Incident) -> tuple[str, ...]:
    """The mitigations that were started, in order."""
    return tuple(event.get("action") for event in incident.events_of("mitigate"))


def notes(incident: Incident) -> list[str]:
    return [event.get("text") for event in incident.events_of("note")]


def auto_recovered(incident: Incident) -> list[bool | None]:
    """For each resolve, whether it went away without help."""
    return [event.get("auto_recovered") for event in incident.events_of("resolve")]


def pages(incident: Incident) -> list[tuple[str, int]]:
    """Whom the pager woke, and how many minutes after the detection."""
    [detected] = incident.events_of("detect")
    found = incident.events_of("page")
    return [(page.get("who"), (page.at - detected.at) // MINUTE) for page in found]


def last_measure(incident: Incident, until: datetime) -> tuple[datetime, float]:
    """The last measure up to a moment: when it was recorded, and its SLI."""
    measure = [event for event in incident.events_of("measure") if event.at <= until][-1]
    return measure.at, sli(measure.get("good"), measure.get("total"))


def sli_between(counts: Counts, start: datetime, end: datetime | None = None) -> float:
    part = counts.slice(start, end)
    return sli(sum(part.good), sum(part.total))


def print_faults(text: str) -> list[str]:
    """The printed lines that are wider than 80, end in blanks or show an empty number."""
    empty_number = re.compile(r"(?<!\S)nan(?!\S)|\bnan[%x]")
    faults = [
        line
        for line in text.splitlines()
        if len(line) > 80 or line != line.rstrip() or empty_number.search(line)
    ]
    return faults if text else ["nothing was printed"]
