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
from typing import Any

from oncall import journal
from oncall.alerting import SEVERITIES, Alert
from oncall.journal import TornJournal as TornJournal
from oncall.slo import SLO, sli
from oncall.times import moment_text, parse_moment, utc

STATES = ("new", "detected", "acknowledged", "triaged", "mitigating", "mitigated", "resolved", "closed")
MAJOR = ("sev1", "sev2")
REMARKS = ("note", "update", "measure", "sample")
VERSION = 1


def _stay(states: Iterable[str]) -> dict[str, str]:
    return {state: state for state in states}


# For each verb the states in which it is legal, and the state it leads to.
TRANSITIONS: dict[str, dict[str, str]] = {
    "detect": {"new": "detected"},
    "acknowledge": {"detected": "acknowledged"} | _stay(("acknowledged", "triaged", "mitigating", "mitigated")),
    "triage": {"acknowledged": "triaged"} | _stay(("triaged", "mitigating", "mitigated")),
    "mitigate": dict.fromkeys(("triaged", "mitigating", "mitigated"), "mitigating"),
    "mitigated": {"mitigating": "mitigated"},
    "resolve": {"mitigated": "resolved"},
    "close": {"resolved": "closed"},
    "reopen": {"resolved": "triaged"},
    "false_alarm": dict.fromkeys(("detected", "acknowledged", "triaged"), "closed"),
    **{verb: _stay(STATES[:-1]) for verb in REMARKS},
}
_AUTO_RECOVERED = dict.fromkeys(("detected", "acknowledged", "triaged", "mitigating", "mitigated"), "resolved")


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
            _text(getattr(self, name), name)
        object.__setattr__(self, "impact_start", utc(self.impact_start, "impact_start"))
        object.__setattr__(self, "events", tuple(self.events))

    # --- what the journal says

    @property
    def state(self) -> str:
        """One of ``STATES``, as the events leave it."""
        state = "new"
        for event in self.events:
            if event.verb not in REMARKS:  # they move nothing, and are most of a long journal
                state = _moves(event)[state]
        return state

    @property
    def severity(self) -> str | None:
        """The severity last decided in triage, before that the alert's; ``None`` when neither is known."""
        known = [event.get("severity") for event in self.events if event.verb in ("triage", "detect")]
        return next((severity for severity in reversed(known) if severity), None)

    @property
    def postmortem(self) -> str | None:
        """The postmortem it was closed with; ``None`` while there is none."""
        return next((event.get("postmortem") for event in self.events if event.verb == "close"), None)

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
            raise ValueError(f"unknown role {', '.join(sorted(unknown))}; the roles are ic, ops, comms, scribe")
        for role, who in {"ic": ic, **roles}.items():
            _text(who, role)
        return self._add("triage", at, by, severity=severity, ic=ic, **roles)

    def mitigate(self, action: str, *, at: datetime, by: str) -> Incident:
        """Start a mitigation. Once mitigated, it means that the harm is back: a relapse."""
        return self._add("mitigate", at, by, action=_text(action, "action"))

    def mitigated(self, *, at: datetime, by: str) -> Incident:
        """Users no longer feel it. That is not resolved yet."""
        return self._add("mitigated", at, by)

    def resolve(self, *, at: datetime, by: str, auto_recovered: bool = False) -> Incident:
        """It is over. ``auto_recovered`` says that it went away by itself, and stamps mitigated too."""
        return self._add("resolve", at, by, **({"auto_recovered": True} if auto_recovered else {}))

    def close(self, postmortem: str | None = None, *, at: datetime, by: str) -> Incident:
        """File it with its postmortem's text; sev1, sev2 and undecided ones cannot be closed without."""
        has_text = postmortem is not None and bool(_text(postmortem, "postmortem", blank=True).strip())
        if self.state == "resolved" and not has_text and (self.severity or "sev1") in MAJOR:
            raise self._illegal("close", f"at {self.severity or 'unknown severity'} needs a postmortem")
        return self._add("close", at, by, **({"postmortem": postmortem} if has_text else {}))

    def reopen(self, *, at: datetime, by: str) -> Incident:
        """It was resolved too early."""
        return self._add("reopen", at, by)

    def false_alarm(self, *, at: datetime, by: str) -> Incident:
        """There was nothing. Legal only until somebody starts to mitigate."""
        if self._was_mitigating:
            raise self._illegal("false_alarm", "is not allowed once a mitigation was started")
        return self._add("false_alarm", at, by)

    def note(self, text: str, *, at: datetime, by: str) -> Incident:
        """Something worth remembering; readers inside the team see it."""
        return self._add("note", at, by, text=_text(text, "text"))

    def update(self, text: str, *, at: datetime, by: str) -> Incident:
        """What users were told."""
        return self._add("update", at, by, text=_text(text, "text"))

    def measure(self, good: int, total: int, *, at: datetime, by: str) -> Incident:
        """What was counted since the measure before, or since the impact began."""
        good, total = _count(good, "good"), _count(total, "total")
        sli(good, total)  # the one check of such a pair
        return self._add("measure", at, by, good=good, total=total)

    def sample(self, input: str, bad_output: str, good_output: str, *, at: datetime, by: str) -> Incident:
        """One request that went wrong, what came back, and what should have; an output may be empty."""
        texts = {"input": input, "bad_output": bad_output, "good_output": good_output}
        return self._add("sample", at, by, **{name: _text(text, name, blank=True) for name, text in texts.items()})

    def _add(self, verb: str, at: datetime, by: str, **details: Any) -> Incident:
        event = Event(utc(at, "at"), _text(by, "by"), verb, tuple(details.items()))
        if self.state not in _moves(event):
            raise self._illegal(verb)
        if self.events and event.at < self.events[-1].at:
            raise IllegalTransition(
                f"{self.id} is {self.state}: {verb} at {moment_text(event.at)} lies before the last event at "
                f"{moment_text(self.events[-1].at)}; allowed: that moment or later"
            )
        return replace(self, events=(*self.events, event))

    def _illegal(self, verb: str, why: str = "is not allowed") -> IllegalTransition:
        state = self.state
        allowed = [name for name, moves in TRANSITIONS.items() if state in moves and name != verb]
        if "false_alarm" in allowed and self._was_mitigating:
            allowed.remove("false_alarm")
        if verb == "resolve" and state in _AUTO_RECOVERED:
            allowed.append("resolve with auto_recovered=True")
        return IllegalTransition(f"{self.id} is {state}: {verb} {why}; allowed: {', '.join(allowed) or 'nothing'}")

    @property
    def _was_mitigating(self) -> bool:
        return any(event.verb == "mitigate" for event in self.events)

    # --- on disk

    def save(self, path: str | Path) -> None:
        """Append what the journal file lacks, a JSON line an event; it is on disk when this returns.

        A torn last line is cut off first. A file that holds another record is a ``ValueError``.
        """
        lines = journal.read(path, warn=False) if Path(path).exists() else {}
        stored = _from_lines(path, lines) if lines else replace(self, events=())
        both = min(len(stored.events), len(self.events))
        if replace(stored, events=stored.events[:both]) != replace(self, events=self.events[:both]):
            raise ValueError(f"{path} holds another record than {self.id} as it stands; give another path")
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
    moments = _moments(incident.events)

    def between(first: datetime | None, last: datetime | None) -> timedelta | None:
        return None if first is None or last is None else last - first

    detected, mitigated = moments.get("detected"), moments.get("mitigated")
    return Metrics(
        ttd=between(incident.impact_start, detected),
        tta=between(detected, moments.get("acknowledged")),
        ttm=between(detected, mitigated),
        ttr=between(detected, moments.get("resolved")),
        impact=between(incident.impact_start, mitigated),
    )


def _moments(events: Iterable[Event]) -> dict[str, datetime]:
    """When the incident was detected, acknowledged, mitigated and resolved, as far as that still holds."""
    moments: dict[str, datetime] = {}
    for event in events:
        if event.verb == "detect":
            moments["detected"] = event.at
        elif event.verb == "acknowledge":
            moments.setdefault("acknowledged", event.at)
        elif event.verb == "mitigated":
            moments["mitigated"] = event.at
        elif event.verb == "resolve":
            moments["resolved"] = event.at
            if event.get("auto_recovered"):
                moments.setdefault("mitigated", event.at)
        elif event.verb in ("mitigate", "reopen"):  # the harm is back, so it had not ended
            moments.pop("mitigated", None)
            moments.pop("resolved", None)
    return moments


def _moves(event: Event) -> dict[str, str]:
    return _AUTO_RECOVERED if event.get("auto_recovered") else TRANSITIONS[event.verb]


def _text(value: Any, name: str, *, blank: bool = False) -> str:
    if not isinstance(value, str) or not (blank or value.strip()):
        raise ValueError(f"{name} must be a text{'' if blank else ' that says something'}, given {value!r}")
    return value


def _count(value: Any, name: str) -> int:
    """The value as a plain int, which JSON can hold; numpy's whole numbers are welcome."""
    try:
        return int(operator.index(value))
    except TypeError:
        raise ValueError(f"{name} must be a whole number, given {value!r}") from None


def _alert_details(alert: Alert) -> dict[str, Any]:
    """An alert's fields, once it is sure that a journal can hold them."""
    if not isinstance(alert, Alert):
        raise ValueError(f"alert must be an Alert, or None when a person noticed; given {alert!r}")
    if alert.severity not in SEVERITIES or not isinstance(alert.burn, Real) or not math.isfinite(alert.burn):
        raise ValueError(f"an alert needs a severity from {', '.join(SEVERITIES)} and a finite burn, given {alert!r}")
    action, window = _text(alert.action, "action"), _text(alert.window, "window")
    return {"action": action, "severity": alert.severity, "burn": float(alert.burn), "window": window}


def _what_is_wrong(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


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
    if not lines:
        raise ValueError(f"{path} holds no incident")
    (line, header), *rest = lines.items()
    try:
        incident = _from_header(header)
        for line, record in rest:  # noqa: B007 (the except clause names it)
            incident = _apply_record(incident, record)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path}, line {line}: {_what_is_wrong(error)}") from None
    return incident


def _from_header(record: journal.Record) -> Incident:
    if record.get("journal") != "oncall incident":
        raise ValueError("this is not the journal of an incident")
    if record["version"] != VERSION:
        raise ValueError(f"written in version {record['version']}; this oncall reads version {VERSION}: upgrade it")
    slo, start = slo_from_record(record["slo"]), _moment(record["impact_start"], "impact_start")
    return Incident(record["id"], record["title"], slo, record["symptom"], start)


def _to_record(event: Event) -> journal.Record:
    return {"at": moment_text(event.at), "by": event.by, "verb": event.verb, **dict(event.details)}


def _apply_record(incident: Incident, record: journal.Record) -> Incident:
    """The record with one stored event more, through the same verb and so the same checks."""
    details = dict(record)
    at, by, verb = _moment(details.pop("at"), "at"), details.pop("by"), details.pop("verb")
    if verb not in TRANSITIONS:
        raise ValueError(f"unknown verb {verb!r}; known are {', '.join(TRANSITIONS)}")
    if verb == "detect":
        details = {"alert": Alert(**details) if details else None}
    next_record: Incident = getattr(incident, verb)(**details, at=at, by=by)
    return next_record


def _moment(value: Any, name: str) -> datetime:
    return parse_moment(_text(value, name), name)


def slo_to_record(slo: SLO) -> journal.Record:
    """An SLO as JSON holds it; the period in seconds."""
    return {"name": slo.name, "target": slo.target, "period_seconds": slo.period.total_seconds()}


def slo_from_record(record: journal.Record) -> SLO:
    """The SLO that ``slo_to_record`` wrote."""
    return SLO(record["name"], record["target"], timedelta(seconds=record["period_seconds"]))
