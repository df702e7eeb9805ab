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
from oncall.alerting import Alert
from oncall.checks import check, check_choice, check_whole, checked_text
from oncall.journal import MAJOR, MOVES, UPGRADE, VERSION, Event
from oncall.severity import SEVERITIES
from oncall.slo import SLO, sli, slo_from_record, slo_to_record
from oncall.times import moment_text, parse_moment, utc


class IllegalTransition(ValueError):
    """A verb that the record's state does not allow: it names the state and what is allowed."""


@dataclass(frozen=True)
class Incident:
    """One incident: what it is called, and the journal of what happened.

    ``impact_start`` is when users began to feel it, often known only later. Every verb takes
    ``at``, an aware datetime, and ``by``, who did it, and returns the next record, with one more
    event. A verb that the state does not allow is an ``IllegalTransition``, and so is one that
    goes back in time.
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
            state = MOVES[event.move][state]
        return state

    @property
    def severity(self) -> str | None:
        """The severity last decided in triage, before that the alert's; ``None`` if not known."""
        decided = (event.get("severity") for event in reversed(self.events))
        return next((severity for severity in decided if severity), None)

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

    # --- verbs that move it from state to state

    def detect(self, alert: Alert | None, *, at: datetime, by: str) -> Incident:
        """Somebody or something noticed; ``alert`` is ``None`` when a person did.

        It may precede the impact.
        """
        return self._add("detect", at, by, **({} if alert is None else _alert_details(alert)))

    def acknowledge(self, *, at: datetime, by: str) -> Incident:
        """Somebody has it. Later acknowledgements are recorded too; the first one counts."""
        return self._add("acknowledge", at, by)

    def triage(self, severity: str, ic: str, *, at: datetime, by: str, **roles: str) -> Incident:
        """Decide the severity and who leads as ``ic``; ``ops``, ``comms``, ``scribe`` if named.

        May be repeated until the incident is resolved: a change of severity is an event.
        """
        check_choice(severity, "severity", SEVERITIES)
        if unknown := set(roles) - {"ops", "comms", "scribe"}:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"unknown role {names}; the roles are ic, ops, comms, scribe")
        named = {role: checked_text(who, role) for role, who in {"ic": ic, **roles}.items()}
        return self._add("triage", at, by, severity=severity, **named)

    def mitigate(self, action: str, value: str | None = None, *, at: datetime, by: str) -> Incident:
        """Start a mitigation; ``value`` says of what or whom, such as a replica or a tenant.

        Once mitigated, it means that the harm is back: a relapse.
        """
        value = None if value is None else checked_text(value, "value")
        return self._add("mitigate", at, by, action=checked_text(action, "action"), value=value)

    def mitigated(self, *, at: datetime, by: str) -> Incident:
        """Users no longer feel it. That is not resolved yet."""
        return self._add("mitigated", at, by)

    def resolve(self, *, at: datetime, by: str, auto_recovered: bool = False) -> Incident:
        """It is over; ``auto_recovered`` if it ended without help, which stamps mitigated too."""
        return self._add("resolve", at, by, auto_recovered=True if auto_recovered else None)

    def close(self, postmortem: str | None = None, *, at: datetime, by: str) -> Incident:
        """File it with its postmortem's text.

        One that is sev1, sev2 or of no known severity cannot be closed without a postmortem.
        """
        text = checked_text(postmortem or "", "postmortem", blank=True)
        closed = self._add("close", at, by, postmortem=text if text.strip() else None)
        if closed.postmortem is None and (self.severity or "sev1") in MAJOR:
            why = f"at {self.severity or 'unknown severity'} needs a postmortem"
            raise self._illegal("close", why)
        return closed

    def reopen(self, *, at: datetime, by: str) -> Incident:
        """It was resolved too early."""
        return self._add("reopen", at, by)

    def false_alarm(self, *, at: datetime, by: str) -> Incident:
        """There was nothing. Legal only until somebody starts to mitigate."""
        return self._add("false_alarm", at, by)

    # --- remarks: verbs that are legal until it is closed and leave its state as it is

    def note(self, text: str, *, at: datetime, by: str) -> Incident:
        """Something worth remembering, for readers inside the team; no program reads it."""
        return self._add("note", at, by, text=checked_text(text, "text"))

    def update(
        self,
        text: str,
        status: str | None = None,
        percent: float | None = None,
        *,
        at: datetime,
        by: str,
    ) -> Incident:
        """What users were told, with one of ``STATUSES`` and the percentage of requests hit."""
        if status is not None:
            check_choice(status, "status", journal.STATUSES)
        percent = None if percent is None else _checked_percent(percent)
        text = checked_text(text, "text")
        return self._add("update", at, by, text=text, status=status, percent=percent)

    def measure(self, good: int, total: int, *, at: datetime, by: str) -> Incident:
        """What was counted since the previous measure, or since the impact began."""
        try:  # numpy's integers too, which JSON cannot hold
            good, total = operator.index(good), operator.index(total)
        except TypeError:
            given = f"given {good!r} and {total!r}"
            raise ValueError(f"good and total must be whole numbers, {given}") from None
        sli(good, total)  # the one check of such a pair
        return self._add("measure", at, by, good=good, total=total)

    def sample(
        self, input: str, bad_output: str, good_output: str, *, at: datetime, by: str
    ) -> Incident:
        """One request that went wrong, what came back, and what should have; any may be empty."""
        texts = {"input": input, "bad_output": bad_output, "good_output": good_output}
        checked = {name: checked_text(text, name, blank=True) for name, text in texts.items()}
        return self._add("sample", at, by, **checked)

    def page(
        self, who: str, step: int | None = None, loop: int | None = None, *, at: datetime, by: str
    ) -> Incident:
        """Somebody was paged, in this step and loop of the policy, from 0, if they are known."""
        for name, number in (("step", step), ("loop", loop)):
            if number is not None:
                check_whole(number, name)
        return self._add("page", at, by, who=checked_text(who, "who"), step=step, loop=loop)

    def escalate(self, *, at: datetime, by: str) -> Incident:
        """Somebody called for the next person of the escalation policy without waiting."""
        return self._add("escalate", at, by)

    def rollback(self, mitigation: str, *, at: datetime, by: str) -> Incident:
        """A mitigation was taken back."""
        return self._add("rollback", at, by, mitigation=checked_text(mitigation, "mitigation"))

    def learn(self, kind: str, value: str, *, at: datetime, by: str) -> Incident:
        """Something for the postmortem, of one of ``LEARN_KINDS``."""
        check_choice(kind, "kind", journal.LEARN_KINDS)
        return self._add("learn", at, by, kind=kind, value=checked_text(value, "value"))

    def suspect(self, cause: str, *, at: datetime, by: str) -> Incident:
        """Somebody named a cause. The last one named counts."""
        return self._add("suspect", at, by, cause=checked_text(cause, "cause"))

    def ask(self, mitigation: str, *, at: datetime, by: str) -> Incident:
        """Somebody asked for approval of a mitigation."""
        return self._add("ask", at, by, mitigation=checked_text(mitigation, "mitigation"))

    def approval(self, mitigation: str, granted: bool, *, at: datetime, by: str) -> Incident:
        """The answer of whoever was asked to approve a mitigation."""
        check(isinstance(granted, bool), "granted", "True or False", granted)
        mitigation = checked_text(mitigation, "mitigation")
        return self._add("approval", at, by, mitigation=mitigation, granted=granted)

    def predict(self, percent: float, *, at: datetime, by: str) -> Incident:
        """The SLI, from 0 to 100 percent, that somebody expects once the next mitigation shows."""
        return self._add("predict", at, by, percent=_checked_percent(percent))

    def secure(self, step: str, *, at: datetime, by: str) -> Incident:
        """Something that security demands, one of ``SECURITY_STEPS``: restrict who reads, preserve
        evidence, call security."""
        check_choice(step, "step", journal.SECURITY_STEPS)
        return self._add("secure", at, by, step=step)

    def _add(self, verb: str, at: datetime, by: str, **details: Any) -> Incident:
        known = tuple((name, value) for name, value in details.items() if value is not None)
        event = Event(utc(at, "at"), checked_text(by, "by"), verb, known)
        if event.move not in self._allowed():
            raise self._illegal(verb, "is not allowed")
        if self.events and event.at < (last := self.events[-1].at):
            why = f"at {moment_text(event.at)} lies before the last event at {moment_text(last)}"
            raise self._illegal(verb, why, "that moment or later")
        return replace(self, events=(*self.events, event))

    def _illegal(self, verb: str, why: str, allowed: str = "") -> IllegalTransition:
        # The facts are legal whenever a note is; listing them would bury the rest.
        moves = [move for move in self._allowed() if move not in journal.FACTS]
        allowed = allowed or ", ".join(moves) or "nothing"
        return IllegalTransition(f"{self.id} is {self.state}: {verb} {why}; allowed: {allowed}")

    def _allowed(self) -> list[str]:
        """What may be done now, by the state and whether a mitigation was tried."""
        state = self.state
        allowed = [move for move, states in MOVES.items() if state in states]
        if self.events_of("mitigate") and "false_alarm" in allowed:
            allowed.remove("false_alarm")
        return allowed

    # --- on disk

    def save(self, path: str | Path) -> None:
        """Append what the journal file lacks, one JSON line per event; on disk when this returns.

        A torn last line is cut off first. A file that holds another record is a ``ValueError``.
        """
        with journal.writing(path) as file:
            lines = file.records
            stored = _from_lines(path, lines) if lines else replace(self, events=())
            known = self.events[: len(stored.events)]
            if _header(stored) != _header(self) or stored.events[: len(known)] != known:
                why = f"{path} holds another record than {self.id} as it stands"
                raise ValueError(f"{why}; give another path")
            added = [journal.to_record(event) for event in self.events[len(stored.events) :]]
            if not lines:
                added.insert(0, _header(self))
            elif added and max(line.get("version", 0) for line in lines.values()) < VERSION:
                added.insert(0, UPGRADE)
            file.add(added)

    @classmethod
    def load(cls, path: str | Path) -> Incident:
        """The record in a journal file of this version or of version 1.

        A torn last line is left out with a ``TornJournal`` warning; a bad line elsewhere is a
        ``ValueError`` with its number; so is a file written by a newer version.
        """
        return _from_lines(path, journal.read(path))


@dataclass(frozen=True)
class Metrics:
    """An incident's times. What is not known is ``None``, never 0.

    ``ttd`` detected − impact start, negative when detection came first, ``tta`` first
    acknowledgement − detected, ``ttm`` mitigated − detected, ``ttr`` resolved − detected,
    ``impact`` mitigated − impact start.
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
    events = incident.events
    restarts = [i for i, event in enumerate(events, 1) if event.verb in ("mitigate", "reopen")]
    since = events[max(restarts, default=0) :]  # before that it had not ended
    detected = _first(events, "detect")
    mitigated = _first(since, "mitigated", "resolve")

    def between(first: datetime | None, last: datetime | None) -> timedelta | None:
        return None if first is None or last is None else last - first

    return Metrics(
        ttd=between(incident.impact_start, detected),
        tta=between(detected, _first(events, "acknowledge")),
        ttm=between(detected, mitigated),
        ttr=between(detected, _first(since, "resolve")),
        impact=between(incident.impact_start, mitigated),
    )


def _first(events: Iterable[Event], *verbs: str) -> datetime | None:
    return next((event.at for event in events if event.verb in verbs), None)


# --- checks --------------------------------------------------------------------------------------


def _checked_percent(value: Any) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    check(is_number and 0 <= value <= 100, "percent", "a number from 0 to 100", value)
    return float(value)


def _alert_details(alert: Alert) -> dict[str, Any]:
    """An alert's fields, checked to be storable in a journal."""
    if not isinstance(alert, Alert):
        raise ValueError(f"alert must be an Alert, or None when a person noticed; given {alert!r}")
    check_choice(alert.severity, "severity", SEVERITIES)
    is_finite = isinstance(alert.burn, Real) and math.isfinite(alert.burn)
    check(is_finite, "burn", "a finite number", alert.burn)
    for name in ("action", "window"):
        checked_text(getattr(alert, name), name)
    return vars(alert) | {"burn": float(alert.burn)}


# --- as JSON -------------------------------------------------------------------------------------


def _header(incident: Incident) -> journal.Record:
    return UPGRADE | {
        "id": incident.id,
        "title": incident.title,
        "symptom": incident.symptom,
        "impact_start": moment_text(incident.impact_start),
        "slo": slo_to_record(incident.slo),
    }


def _from_lines(path: str | Path, lines: Mapping[int, journal.Record]) -> Incident:
    """The record in a journal's lines; a bad line is a ``ValueError`` with its number."""
    incident, version = None, VERSION
    for number, record in lines.items():
        try:
            if incident is None:
                incident, version = _from_header(record), record["version"]
            elif set(record) == set(UPGRADE):
                version = _known_version(record)
            else:
                if version < VERSION:
                    record = journal.from_version_1(record, incident.events)
                incident = _with_record(incident, **record)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    if incident is None:
        raise ValueError(f"{path} holds no incident")
    return incident


def _known_version(record: journal.Record) -> int:
    """The version that a header or an upgrade tells, if this program reads it."""
    if record.get("journal") != UPGRADE["journal"]:
        raise ValueError("this is not the journal of an incident")
    if (version := record.get("version")) not in (1, VERSION):
        known = f"this oncall reads versions 1 to {VERSION}"
        raise ValueError(f"written in version {version}; {known}: upgrade it")
    return int(version)


def _from_header(record: journal.Record) -> Incident:
    _known_version(record)
    slo = slo_from_record(record.get("slo"))
    start = parse_moment(str(record.get("impact_start", "")), "impact_start")
    texts = {name: record.get(name, "") for name in ("id", "title", "symptom")}
    return Incident(**texts, slo=slo, impact_start=start)


def _with_record(
    incident: Incident, *, at: Any = "", by: Any = "", verb: Any = "", **details: Any
) -> Incident:
    """The record with one more stored event, through the same verb and so the same checks."""
    if verb not in journal.TRANSITIONS:
        raise ValueError(f"unknown verb {verb!r}; known are {', '.join(journal.TRANSITIONS)}")
    if verb == "detect":
        details = {"alert": Alert(**details) if details else None}
    return cast(Incident, getattr(incident, verb)(**details, at=parse_moment(str(at), "at"), by=by))
