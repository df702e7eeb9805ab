"""The actions: what can be done at a desk as words, such as ``triage sev1 ana``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from oncall.catalogue import MITIGATIONS, known_mitigation
from oncall.checks import is_short_number, shown
from oncall.gameday import views
from oncall.gameday.desk import Desk
from oncall.incident import IllegalTransition
from oncall.journal import OVER, TRANSITIONS
from oncall.postmortem import LEARNT, draft_postmortem
from oncall.times import HOUR, MINUTE, duration_text

_Do = Callable[..., str]
MOST_TYPED = 4_000  # characters in the words of an action


def do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing at the desk and return what there is to see.

    What is unknown or not allowed now is a ``ValueError`` that says why, and changes nothing.
    """
    check_action(action, *words)
    try:
        return ACTIONS[action].do(desk, *words)
    except IllegalTransition as error:  # the verbs that it allows are the record's, not these
        raise ValueError(str(error).partition("; allowed")[0]) from None


def try_to_do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing, or say why it is not allowed."""
    try:
        return do(desk, action, *words)
    except ValueError as error:
        return f"not done: {error}"


def check_action(action: str, *words: str) -> None:
    """Raise a ``ValueError`` unless the action exists and takes these words.

    It needs no desk.
    """
    if (size := sum(map(len, (action, *words)))) > MOST_TYPED:
        raise ValueError(f"an action of {size:,} characters; give at most {MOST_TYPED:,}")
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}; the actions are {', '.join(ACTIONS)}")
    try:
        inspect.signature(ACTIONS[action].do).bind(None, *words)
    except TypeError:
        raise ValueError(f"give: {ACTIONS[action].usage}") from None


def allowed_actions(desk: Desk) -> list[str]:
    """The actions that are allowed now."""
    return [name for name, action in ACTIONS.items() if action.allowed(desk)]


# --- what an action is, and when it is allowed ---------------------------------------------------


@dataclass(frozen=True)
class Action:
    """Something that can be done: how it is typed, what for, what it does, and when it may be."""

    usage: str
    what: str
    do: _Do
    allowed: Callable[[Desk], bool]


ACTIONS: dict[str, Action] = {}
"""What can be done at a desk, by name, in the order in which it is listed."""


def _verb(verb: str) -> Callable[[Desk], bool]:
    """Whether the record allows a verb now."""
    return lambda desk: desk.incident is not None and desk.incident.state in TRANSITIONS[verb]


def _may_declare(desk: Desk) -> bool:
    return desk.incident is None or desk.incident.state in OVER


def _may_roll_back(desk: Desk) -> bool:
    return bool(desk.incident and desk.applied)


def _may_resolve(desk: Desk) -> bool:
    is_open = desk.incident is not None and desk.incident.state != "resolved"
    return is_open and not views.unwell(desk)


def _may_be_false(desk: Desk) -> bool:
    return _verb("false_alarm")(desk) and not desk.current.events_of("mitigate")


def _action(
    usage: str, what: str, allowed: Callable[[Desk], bool] = lambda desk: True
) -> Callable[[_Do], _Do]:
    """A decorator: the function is what the action does."""

    def add(function: _Do) -> _Do:
        ACTIONS[usage.split()[0]] = Action(usage, what, function, allowed)
        return function

    return add


# --- time ----------------------------------------------------------------------------------------


@_action("wait MINUTES", "let time pass")
def _wait(desk: Desk, minutes: str) -> str:
    number = minutes.removesuffix("m")
    if not is_short_number(number):
        given = f"given {shown(minutes)}; e.g. 5"
        raise ValueError(f"minutes are a whole number up to 999999, {given}")
    return _pass_time(desk, int(number) * MINUTE)


@_action("next", "let time pass until something happens, an hour at most")
def _next(desk: Desk) -> str:
    """Advance until something happens: an event in a journal, or a sign that changes."""
    text, limit = "", min(desk.now + HOUR, desk.ends)
    while not text and desk.now < limit:
        text = _pass_time(desk, MINUTE)
    return text


@_action("end", "let the rest of the shift pass")
def _end(desk: Desk) -> str:
    return _pass_time(desk, desk.ends - desk.now)


def _pass_time(desk: Desk, length: timedelta) -> str:
    """Let time pass and return a line for each event and for each sign that appeared or went.

    A sign that comes and goes is reported once, at its latest change.
    """
    lines: dict[object, str] = {}
    events, signs = views.events(desk), views.signs(desk)
    until = min(desk.now + length, desk.ends)
    while desk.now < until:
        events_before, signs_before = events, signs
        desk.advance(MINUTE)
        events, signs = views.events(desk), views.signs(desk)
        for key, text in events.items():
            if key not in events_before:
                lines[key] = f"{desk.now:%H:%M} {text}"
        for number, (before, sign) in enumerate(zip(signs_before, signs, strict=True)):
            text = sign.appears if sign.shows else sign.goes
            if text and sign.shows != before.shows:
                lines.pop((number, sign.shows), None)  # so that it stands where its time belongs
                lines[number, sign.shows] = f"{desk.now:%H:%M} {text}"
    return "\n".join(lines.values())


# --- looking -------------------------------------------------------------------------------------

_look = "read the metrics, the logs or the provider's status page"
_action("look [metrics|logs|status]", _look)(views.look)
_action("runbook [SYMPTOM]", "open a runbook, the incident's unless named")(views.runbook)
_reading = _action("check N [SYMPTOM]", "take a reading that a runbook asks for", _verb("note"))
_reading(views.take_reading)


# --- working the incident ------------------------------------------------------------------------


def _who(desk: Desk) -> str:
    """Who is at the desk: the incident commander, else whoever is paged first."""
    triages = desk.incident.events_of("triage") if desk.incident else []
    if triages:
        return str(triages[-1].get("ic"))
    return desk.pager.policy.steps[0].on_call(desk.now)[0]


@_action("declare", "open an incident before an alert does", _may_declare)
def _declare(desk: Desk) -> str:
    desk.declare(by=_who(desk))
    return f"{desk.incidents[-1].id} is open"


@_action("ack [NAME]", "take the page: the ladder stops", _verb("acknowledge"))
def _ack(desk: Desk, name: str = "") -> str:
    desk.acknowledge(name or _who(desk))
    return "acknowledged"


@_action("triage SEV [IC] [comms=NAME]", "decide severity and roles", _verb("triage"))
def _triage(desk: Desk, severity: str, ic: str = "", *roles: str) -> str:
    named = dict(role.partition("=")[::2] for role in roles)
    if unknown := set(named) - {"ops", "comms", "scribe"}:
        form = "roles are given as ops=NAME comms=NAME scribe=NAME"
        raise ValueError(f"{form}, given {', '.join(sorted(unknown))}")
    desk.triage(severity, ic or _who(desk), by=_who(desk), **named)
    return f"{desk.current.id} is {severity}"


@_action("handover NAME", "make somebody else incident commander", _verb("triage"))
def _handover(desk: Desk, name: str) -> str:
    desk.triage(desk.current.severity or "sev1", name, by=_who(desk))
    desk.note(f"handed over to {name}", by=name)
    return f"{name} has it"


@_action("escalate", "page the next on the ladder", _verb("note"))
def _escalate(desk: Desk) -> str:
    desk.escalate(by=_who(desk))
    return f"paged {desk.current.events_of('page')[-1].get('who')}"


@_action("apply NAME", "start a mitigation", _verb("mitigate"))
def _apply(desk: Desk, name: str) -> str:
    step = MITIGATIONS[known_mitigation(name)]
    desk.apply(name, by=_who(desk))
    return f"{step.action}: give it {duration_text(step.settle)}"


@_action("rollback NAME", "take a mitigation back", _may_roll_back)
def _rollback(desk: Desk, name: str) -> str:
    desk.rollback(name, by=_who(desk))
    return f"{name} is gone in a minute"


@_action("update TEXT", "tell users", _verb("update"))
def _update(desk: Desk, first: str, *words: str) -> str:
    desk.update(" ".join([first, *words]), by=_who(desk))
    return "users are told"


@_action("note TEXT", "write something down", _verb("note"))
def _note(desk: Desk, first: str, *words: str) -> str:
    desk.note(" ".join([first, *words]), by=_who(desk))
    return "noted"


@_action("mitigated", "say that users no longer feel it", _verb("mitigated"))
def _mitigated(desk: Desk) -> str:
    desk.mitigated(by=_who(desk))
    why = views.unwell(desk)
    return f"mitigated, though {why}" if why else "mitigated"


@_action("resolve", "say that it is over", _may_resolve)
def _resolve(desk: Desk) -> str:
    incident = desk.current
    if why := views.unwell(desk):
        choices = "mitigate it, or wait until it is well"
        if _may_be_false(desk):
            choices += ", or say false_alarm if users feel nothing"
        raise ValueError(f"{incident.id} is not over: {why}; {choices}")
    desk.resolve(by=_who(desk), auto_recovered=incident.state not in OVER)
    return "resolved"


@_action("reopen", "say that it is not over after all", _verb("reopen"))
def _reopen(desk: Desk) -> str:
    desk.reopen(by=_who(desk))
    return f"{desk.current.id} is open again"


@_action("false_alarm", "say that there was nothing", _may_be_false)
def _false_alarm(desk: Desk) -> str:
    desk.false_alarm(by=_who(desk))
    return "closed as a false alarm"


@_action(
    f"learn {'|'.join(LEARNT)} TEXT", "write down for the postmortem; automate NAME", _verb("note")
)
def _learn(desk: Desk, kind: str, first: str, *words: str) -> str:
    text = " ".join([first, *words])
    if kind not in LEARNT:
        raise ValueError(f"learn one of {', '.join(LEARNT)}, given {kind!r}")
    if kind == "automate":
        known_mitigation(text)
    desk.learn(kind, text, by=_who(desk))
    return "written down"


@_action("close [TEXT]", "file it, its postmortem TEXT or what was learnt", _verb("close"))
def _close(desk: Desk, *words: str) -> str:
    """File it with this postmortem, or with one made of what was written down with ``learn``."""
    incident = desk.current
    text = " ".join(words) or draft_postmortem(incident)
    desk.close(text, by=_who(desk))
    learnt = [event.get("value") for event in incident.events_of("learn")]
    is_lost = learnt and not any(value in text for value in learnt)
    return f"{incident.id} is closed{', without what was learnt' if is_lost else ''}"
