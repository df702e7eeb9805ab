"""Responses to the provider outage, typed event by event or played, and what their scores say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from played_shifts import FIXES, forgetful, start_work, verbs

from oncall.alerting import Alert
from oncall.gameday.desk import Desk
from oncall.gameday.scoring import Dimension, Score
from oncall.gameday.shift import Responder
from oncall.incident import Incident
from oncall.journal import Event
from oncall.postmortem import ActionItem, write_postmortem
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
SYMPTOM = "model_provider_outage"
PAGE = Alert("page", "sev1", 50.0, "14.4x 1h/5m")
NAMES = ("TTA", "severity", "actions", "updates", "budget", "postmortem", "recurrence")

# --- postmortems ---------------------------------------------------------------------------------


def good_postmortem(incident: Incident, automated: tuple[str, ...] = FIXES) -> str:
    due = date(2025, 4, 1)
    return write_postmortem(
        incident,
        contributing_factors=["All requests go to one provider."],
        action_items=[
            ActionItem("mitigate", f"{name} by itself", "ana", due, name) for name in automated
        ],
        went_well=["The first person paged answered."],
        went_wrong=["The runbook waited for a person."],
        lucky=["The secondary provider had room."],
    )


def reworded(old: str, new: str) -> Callable[[Incident], str]:
    """The good postmortem with another text in place of one that stands in it."""

    def postmortem(incident: Incident) -> str:
        text = good_postmortem(incident)
        if old not in text:
            raise ValueError(f"the good postmortem does not say {old!r}")
        return text.replace(old, new)

    return postmortem


# --- journals, event by event --------------------------------------------------------------------

Entry = tuple[datetime, Callable[[Incident], Incident]]


def entry(at: datetime, by: str, verb: str, *words: Any, **named: Any) -> Entry:
    """An entry of a journal: its moment, and how it is added to an incident."""

    def add(incident: Incident) -> Incident:
        after: Incident = getattr(incident, verb)(*words, at=at, by=by, **named)
        return after

    return at, add


def recorded(incident: Incident, entries: Iterable[Entry]) -> Incident:
    """The incident with these entries, in order of time."""
    for _, add in sorted(entries, key=lambda entry: entry[0]):
        incident = add(incident)
    return incident


@dataclass(frozen=True)
class Response:
    """What somebody did about the outage, in minutes after it began; as it is, a good response."""

    acknowledged: float = 21
    severity: str = "sev1"
    updates: tuple[float, ...] = (24, 46)
    actions: tuple[str, ...] = FIXES
    mitigated: float | None = 45
    failed: int = 20_000
    postmortem: Callable[[Incident], str] = good_postmortem


def journal(response: Response) -> Incident:
    """The journal of a response."""

    def at(minute: float) -> datetime:
        return START + minute * MINUTE

    slo = SLO("availability", 0.99)
    outage = Incident("INC-001", "The model provider fails requests", slo, SYMPTOM, START)
    acknowledged, mitigated = response.acknowledged, response.mitigated
    entries = [
        entry(at(18), "alerts", "detect", PAGE),
        entry(at(18), "metrics", "measure", 9000, 18_000),
        entry(at(acknowledged), "ana", "acknowledge"),
        entry(at(acknowledged), "ana", "triage", response.severity, "ana"),
    ]
    entries += [entry(at(minute), "bo", "update", "We are on it.") for minute in response.updates]
    for minute, name in enumerate(response.actions, 3):
        entries.append(entry(at(acknowledged + minute), "ana", "mitigate", name))
    if mitigated is None:
        return recorded(outage, entries)
    good = 60_000 - (response.failed - 9000)
    entries += [
        entry(at(mitigated), "metrics", "measure", good, 60_000),
        entry(at(mitigated), "ana", "mitigated"),
        entry(at(mitigated + 30), "ana", "resolve"),
    ]
    resolved = recorded(outage, entries)
    return resolved.close(response.postmortem(resolved), at=at(mitigated + 90), by="ana")


GOOD = journal(Response())


def with_events_before(incident: Incident, verb: str, events: Iterable[Event]) -> Incident:
    """The record with these events put in before its first event of a verb."""
    index = verbs(incident).index(verb)
    return replace(incident, events=(*incident.events[:index], *events, *incident.events[index:]))


# --- responders ----------------------------------------------------------------------------------


def alarmed(*actions: str, updates: int = 0) -> Responder:
    """Works the first page as an incident.

    Without actions it ends as a false alarm; with some it is resolved as gone by itself.
    """

    def responder(desk: Desk) -> None:
        start_work(desk)
        for _ in range(updates):
            desk.update("Something is wrong.", by="ana")
        for name in actions:
            desk.apply(name)
            desk.advance(5 * MINUTE)
        if not actions:
            desk.false_alarm(by="ana")
            return
        desk.advance_until(lambda desk: desk.quiet_for >= 30 * MINUTE)
        desk.resolve(by="ana", auto_recovered=True)
        desk.close(good_postmortem(desk.incidents[-1], ()), by="ana")

    return responder


def waves_away(desk: Desk) -> None:
    """Calls the first page a false alarm without having rated it."""
    forgetful(desk)
    if desk.incident:
        desk.false_alarm(by="ana")


def flaps(times: int) -> Responder:
    """Fails over and takes it back, again and again, before working the runbook to its end."""

    def responder(desk: Desk) -> None:
        start_work(desk)
        for _ in range(times):
            desk.apply("fail_over")
            desk.advance(3 * MINUTE)
            desk.rollback("fail_over")
            desk.advance(3 * MINUTE)
        for name in FIXES:
            desk.apply(name)
            desk.advance(3 * MINUTE)
        desk.mitigated(by="ana")

    return responder


# --- what a score says ---------------------------------------------------------------------------


def dimension(result: Score, name: str) -> Dimension:
    [found] = [dimension for dimension in result.dimensions if dimension.name == name]
    return found


def earned(result: Score, name: str) -> int:
    return dimension(result, name).points


def why(result: Score, name: str) -> str:
    return dimension(result, name).why


def lost(result: Score) -> dict[str, int]:
    """The points lost, by dimension; those without a loss are left out."""
    losses = {line.name: line.most - line.points for line in result.dimensions}
    return {name: loss for name, loss in losses.items() if loss > 0}
