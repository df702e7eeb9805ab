"""What a desk shows, in words: readings, logs, runbooks, and what changes as time passes."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NamedTuple

from oncall.catalogue import FLOORS, RUNBOOKS, known_symptom
from oncall.checks import is_short_number
from oncall.gameday.desk import Desk
from oncall.incident import Incident
from oncall.journal import Event
from oncall.runbook import Mitigation, Runbook
from oncall.slo import burn_rate, percent
from oncall.times import DAY, HOUR, MINUTE

# --- what happens while time passes --------------------------------------------------------------


class Sign(NamedTuple):
    """Something to tell besides the journals: whether it shows, and how its start and end read.

    An empty text is not told.
    """

    shows: bool
    appears: str
    goes: str


def signs(desk: Desk) -> list[Sign]:
    """The signs that something is wrong, always the same ones in the same order."""
    has_requests = not math.isnan(desk.sli)
    level = sli_text(desk) if has_requests else ""
    rules = [(rule.name, rule in desk.firing) for rule in desk.policy]
    slis = [(name, name in desk.harmed) for name in FLOORS]
    return [
        Sign(desk.sli < desk.scenario.slo.target, level, level),
        Sign(not has_requests, "no request arrives", "requests arrive again"),
        *[Sign(fires, f"{name} fires", f"{name} no longer fires") for name, fires in rules],
        *[Sign(hurt, f"{name} is harmed", f"{name} is no longer harmed") for name, hurt in slis],
        Sign(desk.pager.ringing, "", "that was the last on the ladder: nobody is left to page"),
        Sign(desk.update_due, "an update to users is due", "no update to users is due any more"),
    ]


def events(desk: Desk) -> dict[tuple[str, int], str]:
    """What the journals hold, as incident and place, in words for what happens without anybody."""
    return {
        (incident.id, place): _event_text(event, incident)
        for incident in desk.incidents
        for place, event in enumerate(incident.events)
        if event.verb != "measure"
    }


def _event_text(event: Event, incident: Incident) -> str:
    if event.verb == "page":
        return f"paged {event.get('who')}"
    name = incident.id
    texts = {"detect": f"{name} opens: {incident.title}", "reopen": f"{name} is open again"}
    return texts.get(event.verb, event.verb)


def sli_text(desk: Desk) -> str:
    """How the last minute compares with the target; a near miss is rounded down."""
    sli, target = desk.sli, desk.scenario.slo.target
    if math.isnan(sli):
        return "no request arrives"
    if sli >= target:
        return f"the SLI is {sli:.2%}, at its target of {percent(target)} again"
    return f"the SLI is {min(sli, target - 1e-4):.2%}, below {percent(target)}"


def unwell(desk: Desk) -> str:
    """What users still feel in the last minute, in words; empty when all is well."""
    low = [] if desk.sli >= desk.scenario.slo.target else [sli_text(desk)]
    return " and ".join([*low, *(f"{name} is harmed" for name in desk.harmed)])


# --- looking -------------------------------------------------------------------------------------


def look(desk: Desk, at: str = "metrics") -> str:
    """The metrics, the logs, or the provider's status page."""
    views = {"metrics": _metrics, "logs": _logs, "status": _status}
    if at not in views:
        raise ValueError(f"look at {', '.join(views)}, given {at!r}")
    return "\n".join(views[at](desk))


def _metrics(desk: Desk) -> list[str]:
    windows = {"last minute": MINUTE, "5 minutes": 5 * MINUTE, "hour": HOUR, "3 days": 3 * DAY}
    lines = [f"{name:<12} {_reading(desk, length)}" for name, length in windows.items()]
    lines.append(f"requests     {desk.service.counted(-1)[1]:,} in the last minute")
    return [*lines, *(f"harmed       {name}" for name in desk.harmed)]


def _reading(desk: Desk, length: timedelta) -> str:
    ratio = desk.service.sli_over(length)
    if math.isnan(ratio):
        return "no requests"
    return f"SLI {ratio:7.2%}  burn {burn_rate(ratio, desk.scenario.slo):6.1f}x"


def _logs(desk: Desk) -> list[str]:
    return [_log_line(desk), *_red_herrings(desk, of_provider=False)]


def _log_line(desk: Desk) -> str:
    if runbook := RUNBOOKS.get(desk.service.symptom):
        return f"{runbook.checks[0].look}: {runbook.checks[0].expect}"
    if not desk.service.counted(-1)[1]:
        return "no line was written in the last minute"
    if desk.service.symptom != "unknown" and not desk.service.felt:
        account = "the failing requests all carry the same test account"
        return f"{account}; support has heard of nothing"
    return "nothing that is not there on any day"


def _status(desk: Desk) -> list[str]:
    """The provider's page, which admits to an outage ten minutes late."""
    outage = "model_provider_outage"
    since = [fault.start for fault in desk.scenario.faults if fault.symptom == outage]
    told = desk.now - desk.scenario.start - 10 * MINUTE
    is_told = desk.service.symptom == outage and min(since) <= told
    shown = "degraded" if is_told else "all systems operational"
    return [f"provider's status page: {shown}", *_red_herrings(desk, of_provider=True)]


def _red_herrings(desk: Desk, *, of_provider: bool) -> list[str]:
    """The red herrings of the last two hours: the provider's own, or all others."""
    lines, now = [], desk.now - desk.scenario.start
    for herring in desk.scenario.red_herrings:
        is_recent = herring.at <= now < herring.at + 2 * HOUR
        if is_recent and ("provider" in herring.text) == of_provider:
            lines.append(f"{desk.scenario.start + herring.at:%H:%M} {herring.text}")
    return lines


# --- runbooks ------------------------------------------------------------------------------------


def runbook(desk: Desk, symptom: str = "") -> str:
    """A runbook: its checks, its mitigations with their marks, and whom to call then."""
    book = _runbook_for(desk, symptom)
    checks = [f"check {i}    {check.look}" for i, check in enumerate(book.checks, 1)]
    steps = [f"{step.name:<26}{_marks(desk, step)}{step.action}" for step in book.mitigations]
    title = f"{book.symptom}: {book.title}"
    return "\n".join([title, *checks, *steps, f"then call  {book.escalate_to}"])


def _marks(desk: Desk, step: Mitigation) -> str:
    marks = {"in effect": step.name in desk.applied, "irreversible": not step.reversible}
    marks |= {"ask first": step.needs_approval}
    shown = ", ".join(name for name, is_so in marks.items() if is_so)
    return f"[{shown}] " if shown else ""


def take_reading(desk: Desk, number: str, symptom: str = "") -> str:
    """A reading: what the runbook expects if its symptom is what shows, else nothing unusual."""
    book = _runbook_for(desk, symptom)
    if not is_short_number(number) or not 1 <= int(number) <= len(book.checks):
        raise ValueError(f"{book.symptom} has checks 1 to {len(book.checks)}, given {number!r}")
    reading = book.checks[int(number) - 1]
    shown = reading.expect if book.symptom == desk.service.symptom else "as on any day"
    return f"{reading.look}: {shown}"


def _runbook_for(desk: Desk, symptom: str) -> Runbook:
    """The runbook for a symptom, or else for the incident at hand or for what shows."""
    shown = desk.incident.symptom if desk.incident else desk.service.symptom
    if not symptom and shown not in RUNBOOKS:
        raise ValueError(f"no runbook fits this; name one of {', '.join(RUNBOOKS)}")
    return RUNBOOKS[known_symptom(symptom or shown)]
