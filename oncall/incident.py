"""The incident record: a journal of frozen events, and everything else read from it.

State, severity and metrics are functions of the events. A record never changes: each verb returns
the next one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from numbers import Real
from pathlib import Path
from typing import Any, cast

from oncall import journal
from oncall.alerting import SEVERITIES, Alert
from oncall.slo import SLO, sli
from oncall.times import MINUTE, moment_text, parse_moment, utc

STATES = (
    "new",
    "detected",
    "acknowledged",
    "triaged",
    "mitigating",
    "mitigated",
    "resolved",
    "closed",
)
MAJOR = ("sev1", "sev2")
OVER = ("mitigated", "resolved")  # states in which users no longer feel it
UPDATE_EVERY = 30 * MINUTE
UNDONE = "rolled back: "  # how a note begins that tells of a rollback
ESCALATED = "escalated"  # the note of who called the next person on the ladder
REMARKS = ("note", "update", "measure", "sample")
VERSION = 1


def _stay(states: Iterable[str]) -> dict[str, str]:
    return {state: state for state in states}


# For each verb the states in which it is legal, and the state it leads to.
TRANSITIONS: dict[str, dict[str, str]] = {
    "detect": {"new": "detected"},
    "acknowledge": {"detected": "acknowledged"}
    | _stay(("acknowledged", "triaged", "mitigating", "mitigated")),
    "triage": {"acknowledged": "triaged"} | _stay(("triaged", "mitigating", "mitigated")),
    "mitigate": dict.fromkeys(("triaged", "mitigating", "mitigated"), "mitigating"),
    "mitigated": {"mitigating": "mitigated"},
    "resolve": {"mitigated": "resolved"},
    "close": {"resolved": "closed"},
    "reopen": {"resolved": "triaged"},
    "false_alarm": dict.fromkeys(("detected", "acknowledged", "triaged"), "closed"),
    **{verb: _stay(STATES[:-1]) for verb in REMARKS},
}
# What goes away by itself does so in any state from detected to mitigated.
_AUTO_RECOVERED = "resolve with auto_recovered=True"
_MOVES = TRANSITIONS | {_AUTO_RECOVERED: dict.fromkeys(STATES[1:6], "resolved")}


class IllegalTransition(ValueError):
    """A verb that the record's state does not allow; it names the state, the verb and what is allowed."""


@dataclass(frozen=True)
class Event:
    """One thing that happened: when, by whom, which verb, and its details as name–value pairs."""

    at: datetime
    by: str
    verb: str
    details: tuple[tuple[str, Any], ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        """A detail by its name."""
        return dict(self.details).get(name, default)


@dataclass(frozen=True)
class Incident:
    """One incident: what it is called, and the journal of what happened.

    ``impact_start`` is when users began to feel it, often known only later. Every verb takes ``at``,
    an aware datetime, and ``by``, who did it, and returns the next record with one event more. What
    the state does not allow is an ``IllegalTransition``, and so is time going backwards.
    """

    id: str
    title: str
    slo: SLO
    symptom: str
    impact_start: datetime
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        for name in ("id", "title", "symptom"):
            checked_text(getattr(self, name), name)
        object.__setattr__(self, "impact_start", utc(self.impact_start, "impact_start"))
        object.__setattr__(self, "events", tuple(self.events))

    # --- what the journal says

    @property
    def state(self) -> str:
        """One of ``STATES``, as the events leave it."""
        state = "new"
        for event in self.events:
            state = _MOVES[_move(event)][state]
        return state

    @property
    def severity(self) -> str | None:
        """The severity last decided in triage, before that the alert's; ``None`` when neither is known."""
        known = [
            event.get("severity") for event in self.events if event.verb in ("triage", "detect")
        ]
        return next((severity for severity in reversed(known) if severity), None)

    @property
    def postmortem(self) -> str | None:
        """The postmortem it was closed with; ``None`` while there is none."""
        return next((event.get("postmortem") for event in self.events_of("close")), None)

    def events_of(self, verb: str) -> list[Event]:
        """The events of one verb, in order."""
        return [event for event in self.events if event.verb == verb]

    def metrics(self) -> Metrics:
        """The incident's times; see ``metrics``."""
        return metrics(self)

    # --- verbs

    def detect(self, alert: Alert | None, *, at: datetime, by: str) -> Incident:
        """Somebody or something noticed; ``alert`` is ``None`` when a person did. May precede the impact."""
        return self._add("detect", at, by, **({} if alert is None else _alert_details(alert)))

    def acknowledge(self, *, at: datetime, by: str) -> Incident:
        """Somebody has it. Later acknowledgements are recorded too; the first one counts."""
        return self._add("acknowledge", at, by)

    def triage(self, severity: str, ic: str, *, at: datetime, by: str, **roles: str) -> Incident:
        """Decide the severity and the incident commander; ``ops``, ``comms`` and ``scribe`` may be named too.

        May be repeated until the incident is resolved: a change of severity is an event.
        """
        if severity not in SEVERITIES:
            raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, given {severity!r}")
        if unknown := set(roles) - {"ops", "comms", "scribe"}:
            raise ValueError(
                f"unknown role {', '.join(sorted(unknown))}; the roles are ic, ops, comms, scribe"
            )
        named = {role: checked_text(who, role) for role, who in {"ic": ic, **roles}.items()}
        return self._add("triage", at, by, severity=severity, **named)

    def mitigate(self, action: str, *, at: datetime, by: str) -> Incident:
        """Start a mitigation. Once mitigated, it means that the harm is back: a relapse."""
        return self._add("mitigate", at, by, action=checked_text(action, "action"))

    def mitigated(self, *, at: datetime, by: str) -> Incident:
        """Users no longer feel it. That is not resolved yet."""
        return self._add("mitigated", at, by)

    def resolve(self, *, at: datetime, by: str, auto_recovered: bool = False) -> Incident:
        """It is over. ``auto_recovered`` says that it went away by itself, and stamps mitigated too."""
        return self._add("resolve", at, by, auto_recovered=True if auto_recovered else None)

    def close(self, postmortem: str | None = None, *, at: datetime, by: str) -> Incident:
        """File it with its postmortem's text; sev1, sev2 and undecided ones cannot be closed without."""
        text = checked_text(postmortem or "", "postmortem", blank=True)
        closed = self._add("close", at, by, postmortem=text if text.strip() else None)
        if closed.postmortem is None and (self.severity or "sev1") in MAJOR:
            raise self._illegal(
                "close", f"at {self.severity or 'unknown severity'} needs a postmortem"
            )
        return closed

    def reopen(self, *, at: datetime, by: str) -> Incident:
        """It was resolved too early."""
        return self._add("reopen", at, by)

    def false_alarm(self, *, at: datetime, by: str) -> Incident:
        """There was nothing. Legal only until somebody starts to mitigate."""
        return self._add("false_alarm", at, by)

    def note(self, text: str, *, at: datetime, by: str) -> Incident:
        """Something worth remembering; readers inside the team see it."""
        return self._add("note", at, by, text=checked_text(text, "text"))

    def update(self, text: str, *, at: datetime, by: str) -> Incident:
        """What users were told."""
        return self._add("update", at, by, text=checked_text(text, "text"))

    def measure(self, good: int, total: int, *, at: datetime, by: str) -> Incident:
        """What was counted since the measure before, or since the impact began."""
        try:
            good, total = (
                operator.index(good),
                operator.index(total),
            )  # numpy's integers too, which JSON cannot hold
        except TypeError:
            raise ValueError(
                f"good and total must be whole numbers, given {good!r} and {total!r}"
            ) from None
        sli(good, total)  # the one check of such a pair
        return self._add("measure", at, by, good=good, total=total)

    def sample(
        self, input: str, bad_output: str, good_output: str, *, at: datetime, by: str
    ) -> Incident:
        """One request that went wrong, what came back, and what should have; an output may be empty."""
        texts = {"input": input, "bad_output": bad_output, "good_output": good_output}
        return self._add(
            "sample",
            at,
            by,
            **{name: checked_text(texts[name], name, blank=True) for name in texts},
        )

    def _add(self, verb: str, at: datetime, by: str, **details: Any) -> Incident:
        known = tuple((name, value) for name, value in details.items() if value is not None)
        event = Event(utc(at, "at"), checked_text(by, "by"), verb, known)
        if _move(event) not in self._allowed():
            raise self._illegal(verb, "is not allowed")
        if self.events and event.at < (last := self.events[-1].at):
            why = f"at {moment_text(event.at)} lies before the last event at {moment_text(last)}"
            raise self._illegal(verb, why, "that moment or later")
        return replace(self, events=(*self.events, event))

    def _illegal(self, verb: str, why: str, allowed: str = "") -> IllegalTransition:
        allowed = allowed or ", ".join(self._allowed()) or "nothing"
        return IllegalTransition(f"{self.id} is {self.state}: {verb} {why}; allowed: {allowed}")

    def _allowed(self) -> list[str]:
        """What may be done now. The state decides, but a false alarm is none once somebody tried to mitigate it."""
        state, tried = self.state, any(event.verb == "mitigate" for event in self.events)
        return [
            move
            for move, states in _MOVES.items()
            if state in states and not (tried and move == "false_alarm")
        ]

    # --- on disk

    def save(self, path: str | Path) -> None:
        """Append what the journal file lacks, a JSON line an event; it is on disk when this returns.

        A torn last line is cut off first. A file that holds another record is a ``ValueError``.
        """
        lines = journal.read(path, warn=False) if Path(path).exists() else {}
        stored = _from_lines(path, lines) if lines else self
        if _header(stored) != _header(self) or any(map(operator.ne, stored.events, self.events)):
            raise ValueError(
                f"{path} holds another record than {self.id} as it stands; give another path"
            )
        journal.append(path, [_header(self), *map(_to_record, self.events)][len(lines) :])

    @classmethod
    def load(cls, path: str | Path) -> Incident:
        """The record in a journal file.

        A torn last line is left out with a ``TornJournal`` warning; a bad line elsewhere is a
        ``ValueError`` with its number; so is a file written by a newer version.
        """
        return _from_lines(path, journal.read(path))


@dataclass(frozen=True)
class Metrics:
    """An incident's times. What is not known is ``None``, never 0; ``ttd`` is negative when detection came first.

    ``ttd`` detected − impact start, ``tta`` first acknowledgement − detected, ``ttm`` mitigated −
    detected, ``ttr`` resolved − detected, ``impact`` mitigated − impact start.
    """

    ttd: timedelta | None
    tta: timedelta | None
    ttm: timedelta | None
    ttr: timedelta | None
    impact: timedelta | None


def metrics(incident: Incident) -> Metrics:
    """An incident's times, from its journal.

    The first detection and acknowledgement count, and the last mitigation and resolution. A relapse
    or a reopening makes them unknown again.
    """
    detected, acknowledged = (
        _first(incident.events, "detect"),
        _first(incident.events, "acknowledge"),
    )
    relapses = [
        number
        for number, event in enumerate(incident.events, 1)
        if event.verb in ("mitigate", "reopen")
    ]
    since = incident.events[max(relapses, default=0) :]  # before that it had not ended
    mitigated, resolved = _first(since, "mitigated", "resolve"), _first(since, "resolve")

    def between(first: datetime | None, last: datetime | None) -> timedelta | None:
        return None if first is None or last is None else last - first

    return Metrics(
        ttd=between(incident.impact_start, detected),
        tta=between(detected, acknowledged),
        ttm=between(detected, mitigated),
        ttr=between(detected, resolved),
        impact=between(incident.impact_start, mitigated),
    )


def in_effect(events: Iterable[Event]) -> list[str]:
    """The mitigations that were applied and not taken back, by name, in order."""
    kept: dict[str, None] = {}
    for event in events:
        if event.verb == "mitigate":
            kept[event.get("action")] = None
        elif event.verb == "note" and event.get("text").startswith(UNDONE):
            kept.pop(event.get("text").removeprefix(UNDONE), None)
    return list(kept)


def _first(events: Iterable[Event], *verbs: str) -> datetime | None:
    return next((event.at for event in events if event.verb in verbs), None)


def _move(event: Event) -> str:
    return _AUTO_RECOVERED if ("auto_recovered", True) in event.details else event.verb


def checked_text(value: Any, name: str, *, blank: bool = False) -> str:
    """The same text; one that is blank, unless that is fine, or anything else is a ``ValueError``."""
    if not isinstance(value, str) or not (blank or value.strip()):
        raise ValueError(
            f"{name} must be a text{'' if blank else ' that says something'}, given {value!r}"
        )
    return value


def _alert_details(alert: Alert) -> dict[str, Any]:
    """An alert's fields, once it is sure that a journal can hold them."""
    if not isinstance(alert, Alert):
        raise ValueError(f"alert must be an Alert, or None when a person noticed; given {alert!r}")
    if (
        alert.severity not in SEVERITIES
        or not isinstance(alert.burn, Real)
        or not math.isfinite(alert.burn)
    ):
        raise ValueError(
            f"an alert needs a severity from {', '.join(SEVERITIES)} and a finite burn, given {alert!r}"
        )
    texts = {
        "action": checked_text(alert.action, "action"),
        "window": checked_text(alert.window, "window"),
    }
    return vars(alert) | texts | {"burn": float(alert.burn)}


# --- as JSON -------------------------------------------------------------------------------------


def _header(incident: Incident) -> journal.Record:
    return {
        "journal": "oncall incident",
        "version": VERSION,
        "id": incident.id,
        "title": incident.title,
        "symptom": incident.symptom,
        "impact_start": moment_text(incident.impact_start),
        "slo": slo_to_record(incident.slo),
    }


def _from_lines(path: str | Path, lines: Mapping[int, journal.Record]) -> Incident:
    """The record in a journal's lines; what is wrong in one is a ``ValueError`` with its number."""
    incident = None
    for number, record in lines.items():
        try:
            incident = (
                _from_header(record) if incident is None else _with_record(incident, **record)
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    if incident is None:
        raise ValueError(f"{path} holds no incident")
    return incident


def _from_header(record: journal.Record) -> Incident:
    if record.get("journal") != "oncall incident":
        raise ValueError("this is not the journal of an incident")
    if (version := record.get("version")) != VERSION:
        raise ValueError(
            f"written in version {version}; this oncall reads version {VERSION}: upgrade it"
        )
    slo, start = (
        slo_from_record(record.get("slo")),
        parse_moment(str(record.get("impact_start", "")), "impact_start"),
    )
    return Incident(
        record.get("id", ""), record.get("title", ""), slo, record.get("symptom", ""), start
    )


def _to_record(event: Event) -> journal.Record:
    return {"at": moment_text(event.at), "by": event.by, "verb": event.verb, **dict(event.details)}


def _with_record(
    incident: Incident, *, at: Any = "", by: Any = "", verb: Any = "", **details: Any
) -> Incident:
    """The record with one stored event more, through the same verb and so the same checks."""
    if verb not in TRANSITIONS:
        raise ValueError(f"unknown verb {verb!r}; known are {', '.join(TRANSITIONS)}")
    if verb == "detect":
        details = {"alert": Alert(**details) if details else None}
    return cast(Incident, getattr(incident, verb)(**details, at=parse_moment(str(at), "at"), by=by))


def slo_to_record(slo: SLO) -> journal.Record:
    """An SLO as JSON holds it; the period in seconds."""
    return {"name": slo.name, "target": slo.target, "period_seconds": slo.period.total_seconds()}


def slo_from_record(record: Any) -> SLO:
    """The SLO that ``slo_to_record`` wrote."""
    if not isinstance(record, dict) or set(record) != {"name", "target", "period_seconds"}:
        raise ValueError(f"slo must hold name, target and period_seconds, given {record!r}")
    return SLO(record["name"], record["target"], timedelta(seconds=record["period_seconds"]))
