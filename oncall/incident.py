"""The incident record: a journal of frozen events, and everything else read from it.

State, severity and metrics are functions of the events. A record never changes: each verb returns
the next one.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from oncall import journal
from oncall.alerting import Alert
from oncall.checks import check, check_choice, check_whole, checked_number, checked_text
from oncall.journal import AUTO_RECOVERED, MAJOR, MOVES, UPGRADE, VERSION, Event
from oncall.severity import SEVERITIES
from oncall.slo import SLO, exact, sli, slo_from_record, slo_to_record
from oncall.times import moment_text, parse_moment, utc


class IllegalTransition(ValueError):
    """A verb that the record's state does not allow: it names the state and what is allowed."""


@dataclass(frozen=True)
class Incident:
    """One incident: what it is called, and the journal of what happened.

    ``symptom`` may be ``unknown``. ``impact_start`` is when users began to feel it, as far as is
    known. Every verb takes ``at``, an aware datetime, and ``by``, who did it, and returns the next
    record. One that the state does not allow or that goes back is an ``IllegalTransition``.
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

    @classmethod
    def from_times(
        cls,
        id: str,
        title: str,
        slo: SLO,
        symptom: str,
        impact_start: datetime,
        *,
        detected: datetime,
        acknowledged: datetime | None = None,
        mitigated: datetime | None = None,
        resolved: datetime | None = None,
        by: str,
    ) -> Incident:
        """An incident that is typed in afterwards, from the times that are known.

        It holds these and nothing else, so metrics that need a time that is missing are ``None``.
        Each is an aware datetime, not before the one above it.
        """
        incident = cls(id, title, slo, symptom, impact_start)
        times = (detected, acknowledged, mitigated, resolved)
        for verb, at in zip(journal.AFTERWARDS, times, strict=True):
            if at is not None or verb == "detect":
                incident = incident._add(verb, cast(datetime, at), by, afterwards=True)
        return incident._next("mitigated", incident)

    # --- what the journal says

    @cached_property
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
    def cause(self) -> str:
        """The cause last suspected; until somebody names one, the symptom it was opened with."""
        return next((e.get("cause") for e in reversed(self.events_of("suspect"))), self.symptom)

    @property
    def postmortem(self) -> str | None:
        """The postmortem it was closed with; ``None`` while there is none."""
        return next((event.get("postmortem") for event in self.events_of("close")), None)

    def events_of(self, verb: str) -> list[Event]:
        """The events of one verb, in order."""
        return [event for event in self.events if event.verb == verb]

    def metrics(self) -> Metrics:
        """Its times."""
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
        return self._next("mitigated", self._add("mitigated", at, by))

    def resolve(self, *, at: datetime, by: str, auto_recovered: bool = False) -> Incident:
        """It is over; ``auto_recovered`` if it ended without help, which stamps mitigated too."""
        auto = True if auto_recovered else None
        return self._next("resolve", self._add("resolve", at, by, auto_recovered=auto))

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

    def correct(self, *, impact_start: datetime, at: datetime, by: str) -> Incident:
        """It is known now when the impact began; legal in every state, closed too."""
        start = utc(impact_start, "impact_start")
        was, now = moment_text(self.impact_start), moment_text(start)
        corrected = self._add("correct", at, by, impact_start=now, was=was)
        return self._next("correct", replace(corrected, impact_start=start))

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
        percent = None if percent is None else checked_number(percent, "percent", 0, 100)
        text = checked_text(text, "text")
        return self._add("update", at, by, text=text, status=status, percent=percent)

    def measure(self, good: int, total: int, *, at: datetime, by: str) -> Incident:
        """What was counted since the previous measure, or since the impact began."""
        try:  # numpy's integers too, which JSON cannot hold
            good, total = operator.index(good), operator.index(total)
        except TypeError:
            why = f"good and total must be whole numbers, given {good!r} and {total!r}"
            raise ValueError(why) from None
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

    def look(self, reading: str, *, at: datetime, by: str) -> Incident:
        """Somebody took a reading, such as ``errors by release``, or in a drill a ``hint``."""
        return self._add("look", at, by, reading=checked_text(reading, "reading"))

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
        return self._add("predict", at, by, percent=checked_number(percent, "percent", 0, 100))

    def secure(self, step: str, *, at: datetime, by: str) -> Incident:
        """Something that security demands, one of ``SECURITY_STEPS``."""
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

    def _next(self, verb: str, after: Incident) -> Incident:
        """The record after a verb, unless its impact then ends before it starts."""
        if (impact := after.metrics().impact) is not None and impact < timedelta():
            start, end = after.impact_start, after.impact_start + impact
            why = f"would end the impact at {moment_text(end)}, before its start"
            raise self._illegal(verb, why, f"from {moment_text(start)}, or correct that first")
        return after

    def _illegal(self, verb: str, why: str, allowed: str = "") -> IllegalTransition:
        moves = [move for move in self._allowed() if move not in journal.UNLISTED]
        allowed = allowed or ", ".join(moves) or "nothing"
        return IllegalTransition(f"{self.id} is {self.state}: {verb} {why}; allowed: {allowed}")

    def _allowed(self) -> list[str]:
        """What may be done now, by the state and whether a mitigation was tried."""
        allowed = [move for move, states in MOVES.items() if self.state in states]
        if self.events_of("mitigate") and "false_alarm" in allowed:
            allowed.remove("false_alarm")
        return allowed

    # --- on disk

    def save(self, path: str | Path) -> None:
        """Append what the journal file lacks, one JSON line per event; on disk when this returns.

        A torn last line is cut off first. A file that holds another record is a ``ValueError``.
        """
        with journal.writing(path) as file:
            lines, header, done = file.records, _header(self), 0
            if lines:
                stored = _from_lines(path, lines)
                done = len(stored.events)
                same = stored.events[: len(self.events)] == self.events[:done]
                if not same or _header(stored) != header:
                    other = f"another record than {self.id} as it stands"
                    raise ValueError(f"{path} holds {other}; give another path")
            added = [journal.to_record(event) for event in self.events[done:]]
            if not lines:
                added.insert(0, header)
            elif added and max(line.get("version", 0) for line in lines.values()) < VERSION:
                added.insert(0, UPGRADE)
            file.add(added)

    @classmethod
    def load(cls, path: str | Path) -> Incident:
        """The record in a journal file of this version or of version 1.

        A torn last line is left out with a ``TornJournal`` warning; a bad line elsewhere, or one of
        a newer version, is a ``ValueError`` with its number.
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
    ended = (e.at for e in since if e.verb == "mitigated" or e.move == AUTO_RECOVERED)
    mitigated = next(ended, None)

    def between(first: datetime | None, last: datetime | None) -> timedelta | None:
        return None if first is None or last is None else last - first

    return Metrics(
        ttd=between(incident.impact_start, detected),
        tta=between(detected, _first(events, "acknowledge")),
        ttm=between(detected, mitigated),
        ttr=between(detected, _first(since, "resolve")),
        impact=between(incident.impact_start, mitigated),
    )


def _first(events: Iterable[Event], verb: str) -> datetime | None:
    return next((event.at for event in events if event.verb == verb), None)


# --- checks --------------------------------------------------------------------------------------


def _alert_details(alert: Alert) -> dict[str, Any]:
    """An alert's fields, checked to be storable in a journal."""
    if not isinstance(alert, Alert):
        raise ValueError(f"alert must be an Alert, or None when a person noticed; given {alert!r}")
    check_choice(alert.severity, "severity", SEVERITIES)
    burn = float(exact(alert.burn, "burn"))
    for name in ("action", "window"):
        checked_text(getattr(alert, name), name)
    return vars(alert) | {"burn": burn}


# --- as JSON -------------------------------------------------------------------------------------


def _header(incident: Incident) -> journal.Record:
    corrections = incident.events_of("correct")
    start = corrections[0].get("was") if corrections else moment_text(incident.impact_start)
    return UPGRADE | {
        "id": incident.id,
        "title": incident.title,
        "symptom": incident.symptom,
        "impact_start": start,  # as far as was known at first
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
                version = journal.known_version(record)
            else:
                if version < VERSION:
                    record = journal.from_version_1(record, incident.events)
                incident = _with_record(incident, **record)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    if incident is None:
        raise ValueError(f"{path} holds no incident")
    return incident


def _from_header(record: journal.Record) -> Incident:
    journal.known_version(record)
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
    moment = parse_moment(str(at), "at")
    is_bare = set(details) <= {"auto_recovered", "afterwards"} and set(details.values()) <= {True}
    if verb in journal.AFTERWARDS and is_bare:  # an impact that ends too early was once allowed
        return incident._add(verb, moment, by, **details)
    if verb == "detect":
        details = {"alert": Alert(**details)}
    elif verb == "correct":
        details = {"impact_start": parse_moment(str(details.get("impact_start")), "impact_start")}
    return cast(Incident, getattr(incident, verb)(**details, at=moment, by=by))
