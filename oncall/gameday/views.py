"""What a desk shows, in words: runbooks, and what changes as time passes."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NamedTuple

from oncall.catalogue import RUNBOOKS, known_symptom, symptom_of
from oncall.checks import is_short_number
from oncall.gameday.causes import AIMS
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE
from oncall.gameday.readings import Reading
from oncall.incident import Incident
from oncall.journal import Event
from oncall.mitigations import FLOORS
from oncall.postmortem import timeline
from oncall.runbook import Mitigation
from oncall.slo import percent
from oncall.times import MINUTE, duration_text

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
    several = len(desk.slos) > 1
    firing = {(alarm.sli, alarm.rule) for alarm in desk.alarms}
    rules = [
        (f"{sli} {rule.name}" if several else rule.name, (sli, rule) in firing)
        for sli in desk.slos
        for rule in desk.policy
    ]
    harmed = desk.harmed
    # That of the incident at hand is told above: a page must not read as if it were well again.
    slis = [
        ("", desk.sli < desk.slo.target) if name == desk.slo.name else (name, name in harmed)
        for name in FLOORS
    ]
    return [
        Sign(desk.sli < desk.slo.target, level, level),
        Sign(not has_requests, "no request arrives", "requests arrive again"),
        *[Sign(fires, f"{name} fires", f"{name} no longer fires") for name, fires in rules],
        *[
            Sign(hurt, name and f"{name} is harmed", name and f"{name} is no longer harmed")
            for name, hurt in slis
        ],
        Sign(desk.pager.ringing, "", "that was the last on the ladder: nobody is left to page"),
        *[Sign(desk.people.is_up(who, desk.service.minute), f"{who} is up", "") for who in PEOPLE],
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
    if event.verb == "approval":
        answer = "approves" if event.get("granted") else "does not approve"
        return f"{event.by} {answer} {event.get('mitigation')}"
    name = incident.id
    texts = {"detect": f"{name} opens: {incident.title}", "reopen": f"{name} is open again"}
    return texts.get(event.verb, event.verb)


def sli_text(desk: Desk) -> str:
    """How the last minute compares with the target; a near miss is rounded down."""
    sli, target = desk.sli, desk.slo.target
    if math.isnan(sli):
        return "no request arrives"
    if sli >= target:
        return f"the SLI is {sli:.2%}, at its target of {percent(target)} again"
    return f"the SLI is {min(sli, target - 1e-4):.2%}, below {percent(target)}"


def unwell(desk: Desk) -> str:
    """What users still feel in the last minute, in words; empty when all is well."""
    low = [] if desk.sli >= desk.slo.target else [sli_text(desk)]
    return " and ".join([*low, *(f"{name} is harmed" for name in desk.harmed)])


def pass_time(desk: Desk, length: timedelta, *, stops: bool = False) -> str:
    """Let time pass and return a line for each event and for each sign that appeared or went.

    A sign that comes and goes is reported once, at its latest change. If it ``stops``, a page ends
    it early.
    """
    lines: dict[object, str] = {}
    seen, shown = events(desk), signs(desk)
    until = min(desk.now + length, desk.ends)
    while desk.now < until:
        seen_before, shown_before = seen, shown
        desk.advance(MINUTE)
        seen, shown = events(desk), signs(desk)
        for key, text in seen.items():
            if key not in seen_before:
                lines[key] = f"{desk.now:%H:%M} {text}"
        for number, (before, sign) in enumerate(zip(shown_before, shown, strict=True)):
            text = sign.appears if sign.shows else sign.goes
            if text and sign.shows != before.shows:
                lines.pop((number, sign.shows), None)  # so that it stands where its time belongs
                lines[number, sign.shows] = f"{desk.now:%H:%M} {text}"
        if stops and any(key not in seen_before and "paged" in seen[key] for key in seen):
            break
    return "\n".join(lines.values())


# --- runbooks ------------------------------------------------------------------------------------


def runbook(desk: Desk, symptom: str = "") -> Reading:
    """A runbook: its checks, its mitigations with their risk, and whom to call; or a line of each.

    None is opened for anybody: which one fits is what the readings say.
    """
    if not symptom:
        lines = [f"{book.symptom:<26}{book.title}" for book in RUNBOOKS.values()]
        names = {book.symptom: book.title for book in RUNBOOKS.values()}
        return Reading("runbook", "\n".join(lines), names)
    book = RUNBOOKS[known_symptom(symptom)]
    checks = [f"check {i}    {check.look}" for i, check in enumerate(book.checks, 1)]
    steps = [f"{step.name:<26}{_marks(desk, step)}{step.action}" for step in book.mitigations]
    title = f"{book.symptom}: {book.title}"
    lines = [title, *checks, *steps, f"then call  {book.escalate_to}"]
    data = {
        "symptom": book.symptom,
        "checks": [{"look": check.look, "expect": check.expect} for check in book.checks],
        "mitigations": [
            {"name": step.name, "action": step.action, "risk": step.risk,
             "settle": step.settle // MINUTE, "approval": step.needs_approval,
             "reversible": step.reversible, "aim": AIMS.get(step.name)}
            for step in book.mitigations
        ],
    }  # fmt: skip
    return Reading(f"runbook {symptom}", "\n".join(lines), data)


def _marks(desk: Desk, step: Mitigation) -> str:
    marks = {"in effect": step.name in desk.applied, "irreversible": not step.reversible}
    marks |= {"ask first": step.needs_approval}
    risk, settle = step.risk.partition(":")[0], duration_text(step.settle)
    shown = [f"{risk} risk", f"shows in {settle}"] + [name for name, so in marks.items() if so]
    return f"[{', '.join(shown)}] "


def check_words(desk: Desk, number: str, symptom: str) -> str:
    """The words of the look that a check of a runbook asks for; empty if nobody measures that."""
    if not symptom:
        shown_as = desk.incident.symptom if desk.incident else "unknown"
        cause = desk.incident.cause if desk.incident else ""
        symptom = symptom_of(cause, shown_as)
        if symptom not in RUNBOOKS:
            raise ValueError(f"name the runbook: check {number} SYMPTOM; 'runbook' lists them")
    book = RUNBOOKS[known_symptom(symptom)]
    if not is_short_number(number) or not 1 <= int(number) <= len(book.checks):
        raise ValueError(f"{book.symptom} has checks 1 to {len(book.checks)}, given {number!r}")
    return book.checks[int(number) - 1].reading


def journal(desk: Desk) -> str:
    """What has been written down of the incident at hand, a line each."""
    lines = [
        f"{entry.at:%H:%M} {entry.text}"
        for entry in timeline(desk.current)
        if entry.verb not in ("impact", "measure")
    ]
    return "\n".join(lines)
