"""Responders: what can be done at a desk as words, such as ``triage sev1 ana``, and a script of them with its minutes.

A responder is anything that takes a desk and works it: ``reference.reference`` plays the book,
``scripted`` a list, ``drill.human`` asks a person. All but the first act through ``do``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from oncall.catalogue import FLOORS, MITIGATIONS, RUNBOOKS, known_mitigation, known_symptom
from oncall.gameday.desk import LADDER, Desk
from oncall.incident import OVER, TRANSITIONS, IllegalTransition, Incident
from oncall.postmortem import ActionItem, automation, due_date, write_postmortem
from oncall.runbook import Mitigation, Runbook
from oncall.slo import burn_rate, percent
from oncall.times import DAY, HOUR, MINUTE, duration_text

Responder = Callable[[Desk], None]
_SECTIONS = {
    "factor": "contributing_factors",
    "well": "went_well",
    "wrong": "went_wrong",
    "lucky": "lucky",
}
_KINDS = {"prevent": "prevent", "detect": "detect", "process": "process", "automate": "mitigate"}
LEARNT = _SECTIONS | _KINDS
"""What can be learnt, as typed: the argument of ``write_postmortem``, or the kind of action item."""


def do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing at the desk and return what there is to see.

    What is unknown or not allowed now is a ``ValueError`` that says why, and changes nothing.
    """
    check_action(action, *words)
    try:
        return ACTIONS[action].do(desk, *words)
    except (
        IllegalTransition
    ) as error:  # what it allows besides are the record's verbs, not these actions
        raise ValueError(str(error).partition("; allowed")[0]) from None


def check_action(action: str, *words: str) -> None:
    """Raise a ``ValueError`` unless there is such an action and it takes so many words, on whatever desk."""
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}; the actions are {', '.join(ACTIONS)}")
    try:
        inspect.signature(ACTIONS[action].do).bind(None, *words)
    except TypeError:
        raise ValueError(f"give: {ACTIONS[action].usage}") from None


def allowed_actions(desk: Desk) -> list[str]:
    """The actions that are allowed now."""
    return [name for name, action in ACTIONS.items() if action.allowed(desk)]


# --- a script ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScriptLine:
    """One line of a script: the minute of the shift, the action and its words."""

    minute: int
    action: str
    words: tuple[str, ...] = ()


def scripted(
    script: Iterable[ScriptLine], tell: Callable[[str], None] = lambda text: None
) -> Responder:
    """A responder who does each thing at its minute, or as soon as that is past.

    What is not allowed then is told, changes nothing, and the script goes on.
    """
    script = tuple(script)

    def responder(desk: Desk) -> None:
        for line in script:
            ahead = desk.scenario.start + line.minute * MINUTE - desk.now
            desk.advance(max(timedelta(), ahead))
            tell(try_to_do(desk, line.action, *line.words))

    return responder


def try_to_do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing, or say why it is not allowed."""
    try:
        return do(desk, action, *words)
    except ValueError as error:
        return f"not done: {error}"


def read_script(path: str | Path) -> tuple[ScriptLine, ...]:
    """A script from a file: a line each, such as ``153 triage sev1 ana``, or a JSON list of ``[153, "triage", …]``.

    Blank lines and those that begin with ``#`` are passed over. What is wrong is a ``ValueError``
    with the number of the line or entry.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        entries = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [line.split() for line in text.splitlines()]
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    script = []
    for number, entry in enumerate(entries, 1):
        try:
            if entry and not str(entry[0]).startswith("#"):
                script.append(_timed(entry))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    return tuple(script)


def _timed(entry: list[object]) -> ScriptLine:
    minute, *words = map(str, entry)
    if not minute.isdigit() or len(minute) > 6 or not words:
        raise ValueError(
            f"{' '.join(map(str, entry))!r} is no step; write a minute and an action, such as 153 ack"
        )
    check_action(*words)
    return ScriptLine(int(minute), words[0], tuple(words[1:]))


# --- the actions: time ---------------------------------------------------------------------------


def _wait(desk: Desk, minutes: str) -> str:
    number = minutes.removesuffix("m")
    if not number.isdigit() or len(number) > 6:
        raise ValueError(f"minutes are a whole number up to 999999, given {minutes!r}; give e.g. 5")
    return _pass_time(desk, int(number) * MINUTE)


def _next(desk: Desk) -> str:
    """To whatever happens by itself: an event in a journal, or a sign that changes."""
    said, limit = "", min(desk.now + HOUR, desk.ends)
    while not said and desk.now < limit:
        said = _pass_time(desk, MINUTE)
    return said


def _end(desk: Desk) -> str:
    return _pass_time(desk, desk.ends - desk.now)


def _pass_time(desk: Desk, length: timedelta) -> str:
    """Let time pass; a line for each event, and for each sign that began or ended by the last time that it did."""
    said: dict[object, str] = {}
    events, signs, until = _events(desk), _signs(desk), min(desk.now + length, desk.ends)
    while desk.now < until:
        desk.advance(MINUTE)
        (known, events), (before, signs) = (events, _events(desk)), (signs, _signs(desk))
        said |= {
            key: f"{desk.now:%H:%M} {text}" for key, text in events.items() if key not in known
        }
        for place, ((was, *_), (shows, began, ended)) in enumerate(zip(before, signs, strict=True)):
            if shows != was and (text := began if shows else ended):
                said.pop((place, shows), None)
                said[place, shows] = f"{desk.now:%H:%M} {text}"
    return "\n".join(said.values())


def _events(desk: Desk) -> dict[tuple[str, int], str]:
    """What the journals hold, in words for what happens while time passes."""
    return {
        (one.id, place): {
            "detect": f"{one.id} opens: {one.title}",
            "reopen": f"{one.id} is open again",
        }.get(event.verb, str(event.get("text")))
        for one in desk.incidents
        for place, event in enumerate(one.events)
        if event.verb != "measure"
    }


def _signs(desk: Desk) -> list[tuple[bool, str, str]]:
    """What tells that something is wrong beside the journals: whether it shows, and its beginning and end in words."""
    low = _sli_text(desk) if desk.sli == desk.sli else ""
    return [
        (desk.sli < desk.scenario.slo.target, low, low),
        (desk.sli != desk.sli, "no request arrives", "requests arrive again"),
        *(
            (rule in desk.firing, f"{rule.name} fires", f"{rule.name} no longer fires")
            for rule in desk.policy
        ),
        *(
            (name in desk.harmed, f"{name} is harmed", f"{name} is no longer harmed")
            for name in FLOORS
        ),
        (desk.ringing, "", "that was the last on the ladder: nobody is left to page"),
        (desk.update_due, "an update to users is due", "no update to users is due any more"),
    ]


def _sli_text(desk: Desk) -> str:
    """How the last minute compares with the target; where rounding would hide a miss it is rounded down."""
    sli, target = desk.sli, desk.scenario.slo.target
    if sli != sli:
        return "no request arrives"
    if sli >= target:
        return f"the SLI is {sli:.2%}, at its target of {percent(target)} again"
    return f"the SLI is {min(sli, target - 1e-4):.2%}, below {percent(target)}"


def _unwell(desk: Desk) -> str:
    """What users still feel in the last minute, in words; empty when all is well."""
    low = [] if desk.sli >= desk.scenario.slo.target else [_sli_text(desk)]
    return " and ".join([*low, *(f"{name} is harmed" for name in desk.harmed)])


# --- the actions: looking ------------------------------------------------------------------------


def _look(desk: Desk, at: str = "metrics") -> str:
    views = {"metrics": _metrics, "logs": _logs, "status": _status}
    if at not in views:
        raise ValueError(f"look at {', '.join(views)}, given {at!r}")
    return "\n".join(
        [*views[at](desk), *([] if at == "metrics" else _red_herrings(desk, at == "status"))]
    )


def _metrics(desk: Desk) -> list[str]:
    windows = {"last minute": MINUTE, "5 minutes": 5 * MINUTE, "hour": HOUR, "3 days": 3 * DAY}
    lines = [f"{name:<12} {_reading(desk, length)}" for name, length in windows.items()]
    lines.append(f"requests     {desk.counts.total[-1]:,} in the last minute")
    return [*lines, *(f"harmed       {name}" for name in desk.harmed)]


def _reading(desk: Desk, length: timedelta) -> str:
    ratio = desk.sli_over(length)
    return (
        f"SLI {ratio:7.2%}  burn {burn_rate(ratio, desk.scenario.slo):6.1f}x"
        if ratio == ratio
        else "no requests"
    )


def _logs(desk: Desk) -> list[str]:
    book = RUNBOOKS.get(desk.symptom)
    if book:
        return [f"{book.checks[0].look}: {book.checks[0].expect}"]
    if desk.counts.total[-1] == 0:
        return ["no line was written in the last minute"]
    if desk.symptom != "unknown" and not desk.felt:
        return [
            "the failing requests all carry the same test account; support has heard of nothing"
        ]
    return ["nothing that is not there on any day"]


def _status(desk: Desk) -> list[str]:
    """The provider's page, which admits to an outage ten minutes late."""
    since = [
        fault.start
        for fault in desk.scenario.faults
        if fault.symptom == desk.symptom == "model_provider_outage"
    ]
    late = since and desk.now - desk.scenario.start - min(since) >= 10 * MINUTE
    return [
        "provider's status page: degraded"
        if late
        else "provider's status page: all systems operational"
    ]


def _red_herrings(desk: Desk, provider: bool) -> list[str]:
    """What else draws the eye, of the last two hours: what tells of the provider on its page, the rest in the logs."""
    shown = [one for one in desk.scenario.red_herrings if ("provider" in one.text) == provider]
    since = desk.now - desk.scenario.start
    return [
        f"{desk.scenario.start + one.at:%H:%M} {one.text}"
        for one in shown
        if one.at <= since < one.at + 2 * HOUR
    ]


def _runbook(desk: Desk, symptom: str = "") -> str:
    book = _book(desk, symptom)
    checks = [f"check {i}    {check.look}" for i, check in enumerate(book.checks, 1)]
    steps = [f"{one.name:<26}{_marks(desk, one)}{one.action}" for one in book.mitigations]
    return "\n".join(
        [f"{book.symptom}: {book.title}", *checks, *steps, f"then call  {book.escalate_to}"]
    )


def _marks(desk: Desk, one: Mitigation) -> str:
    marks = {
        "in effect": one.name in desk.applied,
        "irreversible": not one.reversible,
        "ask first": one.needs_approval,
    }
    said = ", ".join(name for name, is_so in marks.items() if is_so)
    return f"[{said}] " if said else ""


def _check(desk: Desk, number: str, symptom: str = "") -> str:
    """A reading: what the runbook expects where its symptom is what shows, else nothing unusual."""
    book = _book(desk, symptom)
    if not number.isdigit() or not 1 <= int(number) <= len(book.checks):
        raise ValueError(f"{book.symptom} has checks 1 to {len(book.checks)}, given {number!r}")
    check = book.checks[int(number) - 1]
    return f"{check.look}: {check.expect if book.symptom == desk.symptom else 'as on any day'}"


def _book(desk: Desk, symptom: str) -> Runbook:
    """The runbook for a symptom, or else for the incident at hand or for what shows."""
    shown = desk.incident.symptom if desk.incident else desk.symptom
    if not symptom and shown not in RUNBOOKS:
        raise ValueError(f"no runbook fits this; name one of {', '.join(RUNBOOKS)}")
    return RUNBOOKS[known_symptom(symptom or shown)]


# --- the actions: working the incident -----------------------------------------------------------


def _who(desk: Desk) -> str:
    """Who is at the desk: the incident commander, else the first on the ladder."""
    commanders = (
        [event.get("ic") for event in desk.incident.events_of("triage")] if desk.incident else []
    )
    return str(commanders[-1]) if commanders else LADDER.steps[0].on_call(desk.now)[0]


def _declare(desk: Desk) -> str:
    desk.declare(by=_who(desk))
    return f"{desk.incidents[-1].id} is open"


def _ack(desk: Desk, name: str = "") -> str:
    desk.acknowledge(name or _who(desk))
    return "acknowledged"


def _triage(desk: Desk, severity: str, ic: str = "", *roles: str) -> str:
    named = dict(role.partition("=")[::2] for role in roles)
    if unknown := set(named) - {"ops", "comms", "scribe"}:
        raise ValueError(
            f"roles are given as ops=NAME comms=NAME scribe=NAME, given {', '.join(sorted(unknown))}"
        )
    desk.triage(severity, ic or _who(desk), by=_who(desk), **named)
    return f"{desk.current.id} is {severity}"


def _handover(desk: Desk, name: str) -> str:
    desk.triage(desk.current.severity or "sev1", name, by=_who(desk))
    desk.note(f"handed over to {name}", by=name)
    return f"{name} has it"


def _apply(desk: Desk, name: str) -> str:
    step = MITIGATIONS[known_mitigation(name)]
    desk.apply(name, by=_who(desk))
    return f"{step.action}: give it {duration_text(step.settle)}"


def _rollback(desk: Desk, name: str) -> str:
    desk.rollback(name, by=_who(desk))
    return f"{name} is gone in a minute"


def _escalate(desk: Desk) -> str:
    desk.escalate(by=_who(desk))
    return str(desk.current.events[-1].get("text"))


def _update(desk: Desk, first: str, *words: str) -> str:
    desk.update(" ".join([first, *words]), by=_who(desk))
    return "users are told"


def _note(desk: Desk, first: str, *words: str) -> str:
    desk.note(" ".join([first, *words]), by=_who(desk))
    return "noted"


def _mitigated(desk: Desk) -> str:
    desk.mitigated(by=_who(desk))
    return f"mitigated, though {why}" if (why := _unwell(desk)) else "mitigated"


def _resolve(desk: Desk) -> str:
    incident = desk.current
    if why := _unwell(desk):
        nothing = ", or say false_alarm if users feel nothing" if _may_be_false(desk) else ""
        raise ValueError(
            f"{incident.id} is not over: {why}; mitigate it, or wait until it is well{nothing}"
        )
    desk.resolve(by=_who(desk), auto_recovered=incident.state not in OVER)
    return "resolved"


def _reopen(desk: Desk) -> str:
    desk.reopen(by=_who(desk))
    return f"{desk.current.id} is open again"


def _false_alarm(desk: Desk) -> str:
    desk.false_alarm(by=_who(desk))
    return "closed as a false alarm"


def _learn(desk: Desk, kind: str, first: str, *words: str) -> str:
    text = " ".join([first, *words])
    if kind not in LEARNT:
        raise ValueError(f"learn one of {', '.join(LEARNT)}, given {kind!r}")
    if kind == "automate":
        known_mitigation(text)
    desk.note(f"{_LEARNT}{kind}: {text}", by=_who(desk))
    return "written down"


_LEARNT = "learnt, "  # how a note begins that the postmortem takes up


def _close(desk: Desk, *words: str) -> str:
    """File it with this postmortem, or with one made of what was written down with ``learn``."""
    incident = desk.current
    text = " ".join(words) or postmortem(incident)
    notes = [event.get("text") for event in incident.events_of("note")]
    learnt = [note.partition(": ")[2] for note in notes if note.startswith(_LEARNT)]
    desk.close(text, by=_who(desk))
    lost = learnt and not any(one in text for one in learnt)
    return f"{incident.id} is closed{', without what was learnt' if lost else ''}"


def postmortem(incident: Incident) -> str:
    """The postmortem of an incident from what people wrote down with ``learn`` while they worked on it."""
    found: dict[str, list[str]] = {kind: [] for kind in LEARNT}
    for text in [event.get("text") for event in incident.events_of("note")]:
        kind, _, learnt = text.removeprefix(_LEARNT).partition(": ")
        if text.startswith(_LEARNT) and kind in LEARNT:
            found[kind].append(learnt)
    owner, due = incident.events[-1].by, due_date(incident)
    items = [
        ActionItem(kind, one, owner, due)
        for kind in ("prevent", "detect", "process")
        for one in found[kind]
    ]
    items += [automation(incident, one, owner) for one in found["automate"] if one in MITIGATIONS]
    sections = {argument: found[kind] for kind, argument in _SECTIONS.items()}
    return write_postmortem(incident, action_items=items, **sections)


# --- all of them ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Action:
    """Something that can be done: how it is typed, what it is for, the doing, and when it is allowed."""

    usage: str
    what: str
    do: Callable[..., str]
    allowed: Callable[[Desk], bool] = lambda desk: True


def _verb(verb: str) -> Callable[[Desk], bool]:
    """Whether the record allows a verb now."""
    return lambda desk: desk.incident is not None and desk.incident.state in TRANSITIONS[verb]


def _may_be_false(desk: Desk) -> bool:
    return _verb("false_alarm")(desk) and not desk.current.events_of("mitigate")


def _may_declare(desk: Desk) -> bool:
    return desk.incident is None or desk.incident.state in OVER


def _may_resolve(desk: Desk) -> bool:
    return desk.incident is not None and desk.incident.state != "resolved" and not _unwell(desk)


ACTIONS = {
    action.usage.split()[0]: action
    for action in (
        Action("wait MINUTES", "let time pass", _wait),
        Action("next", "let time pass until something happens, an hour at most", _next),
        Action("end", "let the rest of the shift pass", _end),
        Action(
            "look [metrics|logs|status]",
            "read the metrics, the logs or the provider's status page",
            _look,
        ),
        Action("runbook [SYMPTOM]", "open a runbook, the incident's unless named", _runbook),
        Action(
            "check N [SYMPTOM]", "take a reading that a runbook asks for", _check, _verb("note")
        ),
        Action("declare", "open an incident before an alert does", _declare, _may_declare),
        Action("ack [NAME]", "take the page: the ladder stops", _ack, _verb("acknowledge")),
        Action(
            "triage SEV [IC] [comms=NAME]", "decide severity and roles", _triage, _verb("triage")
        ),
        Action(
            "handover NAME", "make somebody else incident commander", _handover, _verb("triage")
        ),
        Action("escalate", "page the next on the ladder", _escalate, _verb("note")),
        Action("apply NAME", "start a mitigation", _apply, _verb("mitigate")),
        Action(
            "rollback NAME",
            "take a mitigation back",
            _rollback,
            lambda desk: bool(desk.incident and desk.applied),
        ),
        Action("update TEXT", "tell users", _update, _verb("update")),
        Action("note TEXT", "write something down", _note, _verb("note")),
        Action("mitigated", "say that users no longer feel it", _mitigated, _verb("mitigated")),
        Action("resolve", "say that it is over", _resolve, _may_resolve),
        Action("reopen", "say that it is not over after all", _reopen, _verb("reopen")),
        Action("false_alarm", "say that there was nothing", _false_alarm, _may_be_false),
        Action(
            f"learn {'|'.join(LEARNT)} TEXT",
            "write down for the postmortem; automate NAME",
            _learn,
            _verb("note"),
        ),
        Action(
            "close [TEXT]",
            "file it, its postmortem TEXT or what was learnt",
            _close,
            _verb("close"),
        ),
    )
}
"""What can be done at a desk, by name."""
