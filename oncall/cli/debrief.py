"""The debrief of a drill: both timelines, where the minutes went, what was not read, the score."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from oncall.cli.layout import cut, wrap
from oncall.cli.terminal import score_text
from oncall.gameday.shift import Shift
from oncall.gameday.truth import steps_of
from oncall.journal import Event
from oncall.times import MINUTE, duration_text

TOLD = {
    "detect": "opened", "acknowledge": "answered", "triage": "triaged", "suspect": "suspected",
    "mitigate": "applied", "rollback": "took back", "mitigated": "mitigated", "resolve": "resolved",
    "false_alarm": "false alarm", "update": "told users", "close": "closed",
}  # fmt: skip
"""The verbs that a timeline shows, and how."""
HALF = 38  # columns of a timeline


def debrief(mine: Shift, theirs: Shift, files: list[Path] | None = None) -> str:
    """What there is to say when a shift is over: the verdict first, then what was wrong."""
    lines = [score_text(mine.score), *_truth(mine), *_costly(mine), *_unread(mine), ""]
    lines += [f"{'You':<{HALF}}  The reference ({theirs.score.points} of 100)"]
    left, right = list(_timeline(mine)), list(_timeline(theirs))
    for number in range(max(len(left), len(right))):
        pair = [column[number] if number < len(column) else "" for column in (left, right)]
        lines.append(f"{cut(pair[0], HALF):<{HALF}}  {cut(pair[1], HALF)}".rstrip())
    if files:
        lines += ["", *wrap([f"Left behind: {', '.join(map(str, files))}"], 12)]
    return "\n".join([*lines, ""])


def _truth(shift: Shift) -> list[str]:
    """What was wrong."""
    said = []
    for hit in shift.truth.world.hits:
        onset = shift.scenario.start + hit.fault.start
        brought = f", brought by change {hit.change}" if hit.change else ""
        said.append(f"{onset:%H:%M} {hit.cause.title} ({hit.cause.name}, {hit.segment}{brought})")
    lines = ["What was wrong", *wrap(said or ["nothing at all"], 6, "   "), ""]
    found = [text for review in shift.scenario.reviews for text in review.contributing_factors]
    if found:
        lines += ["What its review found", *wrap(found, 6, "   "), ""]
    return lines


def _costly(shift: Shift) -> list[str]:
    """The stretches between two acts in which most of the budgets burned."""
    burned = shift.truth.harm_by_minute(steps_of(shift.incidents, shift.truth))
    marks = [(0, "the shift began")]
    events = sorted((e for one in shift.incidents for e in one.events), key=lambda e: e.at)
    for event in events:
        if event.verb in TOLD and event.verb != "update":
            marks.append((shift.truth.minute(event), _said(event)))
    marks.append((len(burned), "the shift ended"))
    stretches = []
    for (first, after), (last, before) in pairwise(marks):
        if harm := sum(burned[first:last]):
            stretches.append((harm, first, last, after, before))
    lines = []
    for harm, first, last, after, before in sorted(stretches, reverse=True)[:3]:
        start = shift.scenario.start + first * MINUTE
        length = duration_text((last - first) * MINUTE)
        lines.append(f"{harm:.1%} in {length} from {start:%H:%M}: between {after!r} and {before!r}")
    return ["The minutes that cost most of the budgets", *wrap(lines or ["none"], 6, "   "), ""]


def _unread(shift: Shift) -> list[str]:
    """The readings that would have told, and were not taken."""
    events = [event for one in shift.incidents for event in one.events_of("look")]
    taken = {event.get("reading") for event in events}
    lines = []
    for hit in shift.truth.world.hits:
        if not taken & set(hit.cause.telling):
            lines.append(f"look {' or look '.join(hit.cause.telling)}, for {hit.cause.name}")
    return ["The reading that you did not take", *wrap(lines, 6, "   ")] if lines else []


def _timeline(shift: Shift) -> Iterator[str]:
    for incident in shift.incidents:
        yield f"{incident.id}"
        for event in incident.events:
            if event.verb in TOLD:
                yield f"{event.at:%H:%M} {_said(event)}"


def _said(event: Event) -> str:
    what = event.get("cause") or event.get("action") or event.get("mitigation")
    if event.verb in ("triage", "update"):
        what = event.get("severity") or event.get("status")
    aim = f" {event.get('value')}" if event.verb == "mitigate" and event.get("value") else ""
    return f"{TOLD[event.verb]} {what or ''}{aim}".strip()
