"""What can be done at a desk, each with how it is typed, what it takes, and when it may be.

``MINUTES`` is the table of what things take. Whoever is named ``ops`` and has answered acts for
you, and ``comms`` writes for you, while you look; one thing after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oncall.catalogue import CAUSES, known_mitigation
from oncall.checks import is_short_number, shown
from oncall.gameday import readings, views
from oncall.gameday.causes import AIMS, DEFAULTS, DIMENSIONS
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE
from oncall.journal import LEARN_KINDS, OVER, SECURITY_STEPS, STATUSES, TRANSITIONS
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import draft_postmortem
from oncall.severity import SEVERITIES
from oncall.times import HOUR, MINUTE, duration_text

HINT = "hint"  # what the journal calls it: a reading of the game master
_Do = Callable[..., "str | readings.Reading"]
MINUTES = {"look": 2, "check": 2, "runbook": 1, "triage": 1, "ask": 1, "rollback": 1, "update": 3}
"""The minutes of your own that an action takes; those that are not here take none."""
APPLY_MINUTES = {"low": 1, "medium": 2, "high": 3}
"""What applying a mitigation takes, by its risk: the first word of what is said of it."""
ROLES = ("ops", "comms", "scribe")


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


@_action("wait MINUTES", "let time pass; a page ends it")
def _wait(desk: Desk, minutes: str) -> str:
    number = minutes.removesuffix("m")
    if not is_short_number(number):
        given = f"given {shown(minutes)}; e.g. 5"
        raise ValueError(f"minutes are a whole number up to 999999, {given}")
    return views.pass_time(desk, int(number) * MINUTE, stops=True)


@_action("next", "let time pass until something happens, an hour at most")
def _next(desk: Desk) -> str:
    """Advance until something happens: an event in a journal, or a sign that changes."""
    text, limit = "", min(desk.now + HOUR, desk.ends)
    while not text and desk.now < limit:
        text = views.pass_time(desk, MINUTE)
    return text


@_action("end", "let the rest of the shift pass")
def _end(desk: Desk) -> str:
    return views.pass_time(desk, desk.ends - desk.now)


# --- looking -------------------------------------------------------------------------------------


def _spend(desk: Desk, action: str) -> None:
    desk.advance(MINUTES.get(action, 0) * MINUTE)


@_action(
    "look THING [by DIMENSION] [in DIMENSION=VALUE]",
    "take a reading; alone, the dashboard; 'help look' lists them",
)
def _look(desk: Desk, *words: str) -> readings.Reading:
    if words == ():
        return readings.read(desk.service, ("metrics",))
    readings.parsed(words)
    if words != ("metrics",):  # the dashboard is always in sight
        _spend(desk, "look")
        desk.look(" ".join(words), by=_who(desk))
    return readings.read(desk.service, words)


@_action("runbook [SYMPTOM]", "open a runbook; without a symptom, a line of each")
def _runbook(desk: Desk, symptom: str = "") -> readings.Reading:
    shown = views.runbook(desk, symptom)
    if symptom:
        _spend(desk, "runbook")
    return shown


@_action("check N SYMPTOM", "take a reading that a runbook asks for")
def _check(desk: Desk, number: str, symptom: str = "") -> readings.Reading:
    look = views.check_words(desk, number, symptom)
    if not look:
        return readings.Reading("", "nobody measures that here")
    _spend(desk, "check")
    desk.look(look, by=_who(desk))
    return readings.read(desk.service, look.split())


# --- working the incident ------------------------------------------------------------------------


def _who(desk: Desk) -> str:
    """Who is at the desk: the incident commander, else whoever is paged first."""
    triages = desk.incident.events_of("triage") if desk.incident else []
    if triages:
        return str(triages[-1].get("ic"))
    return desk.pager.policy.steps[0].on_call(desk.now)[0]


def _role(desk: Desk, role: str) -> str | None:
    """Who has a role in the incident at hand, if anybody."""
    triages = desk.incident.events_of("triage") if desk.incident else []
    who = triages[-1].get(role) if triages else None
    return None if who is None else str(who)


def _delegate(desk: Desk, role: str, takes: int) -> None:
    """Let the minutes pass that an act takes of your own, with whoever has the role."""
    minute = desk.service.minute
    desk.advance(desk.people.minutes_for(_role(desk, role), takes, minute) * MINUTE)


@_action("declare", "open an incident before an alert does", _may_declare)
def _declare(desk: Desk) -> str:
    desk.declare(by=_who(desk))
    return f"{desk.incidents[-1].id} is open"


@_action("use INCIDENT", "choose which incident is at hand", _verb("note"))
def _use(desk: Desk, name: str) -> str:
    desk.use(name.upper())
    return f"{name.upper()} is at hand"


@_action("ack [NAME]", "take the page: the ladder stops", _verb("acknowledge"))
def _ack(desk: Desk, name: str = "") -> str:
    desk.acknowledge(name or _who(desk))
    return "acknowledged"


@_action("triage SEV [IC] [comms=NAME]", "decide severity and roles", _verb("triage"))
def _triage(desk: Desk, severity: str, ic: str = "", *roles: str) -> str:
    named = dict(role.partition("=")[::2] for role in roles)
    if unknown := set(named) - set(ROLES):
        form = "roles are given as ops=NAME comms=NAME scribe=NAME"
        raise ValueError(f"{form}, given {', '.join(sorted(unknown))}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity is one of {', '.join(SEVERITIES)}, given {severity!r}")
    desk.current.triage(severity, ic or _who(desk), at=desk.now, by=_who(desk), **named)
    _spend(desk, "triage")
    desk.triage(severity, ic or _who(desk), by=_who(desk), **named)
    return f"{desk.current.id} is {severity}"


@_action("handover NAME", "make somebody else incident commander", _verb("triage"))
def _handover(desk: Desk, name: str) -> str:
    roles = {role: who for role in ROLES if (who := _role(desk, role))}
    desk.triage(desk.current.severity or "sev1", name, by=_who(desk), **roles)
    desk.note(f"handed over to {name}", by=name)
    return f"{name} has it"


@_action("escalate", "page the next on the ladder", _verb("note"))
def _escalate(desk: Desk) -> str:
    desk.escalate(by=_who(desk))
    return f"paged {desk.current.events_of('page')[-1].get('who')}"


@_action(f"page {'|'.join(PEOPLE)}", "wake somebody", _verb("note"))
def _page(desk: Desk, who: str) -> str:
    desk.page(who, by=_who(desk))
    return f"paged {who}"


@_action("suspect CAUSE", "name what you think is wrong; the last name counts", _verb("note"))
def _suspect(desk: Desk, cause: str) -> str:
    if cause not in CAUSES:
        raise ValueError(f"suspect one of {', '.join(CAUSES)}, given {shown(cause)}")
    desk.suspect(cause, by=_who(desk))
    return f"suspected: {cause}"


@_action("hint", "be told a reading that tells; it costs 3 points", _verb("note"))
def _hint(desk: Desk) -> str:
    """The one thing at the desk that knows: a reading that tells, and not what it tells."""
    taken = {event.get("reading") for event in desk.current.events_of("look")}
    telling = [
        reading
        for hit, level in zip(
            desk.service.world.hits, desk.service.minutes[-1].levels, strict=False
        )
        if level
        for reading in hit.cause.telling
    ]
    desk.look(HINT, by=_who(desk))
    new = [reading for reading in telling if reading not in taken]
    if new:
        return f"look {new[0]}"
    return "you have seen what tells; compare it with what is usual" if telling else "nothing is on"


@_action("ask MITIGATION [VALUE]", "ask for approval; the answer comes later", _verb("note"))
def _ask(desk: Desk, name: str, value: str = "") -> str:
    _checked_aim(desk, known_mitigation(name), value)
    desk.current.ask(name, at=desk.now, by=_who(desk))
    _spend(desk, "ask")
    desk.ask(name, by=_who(desk))
    return "eli is asked"


@_action(f"secure {'|'.join(SECURITY_STEPS)}", "what security demands", _verb("note"))
def _secure(desk: Desk, step: str) -> str:
    if step not in SECURITY_STEPS:
        raise ValueError(f"secure one of {', '.join(SECURITY_STEPS)}, given {step!r}")
    desk.current.secure(step, at=desk.now, by=_who(desk))
    desk.advance(MINUTE if step != "call" else 0 * MINUTE)
    desk.secure(step, by=_who(desk))
    told = {"restrict": "only who needs it reads the data", "preserve": "the evidence is kept"}
    return told.get(step, "security is called")


@_action(
    "predict PERCENT", "say what the SLI will be when the next mitigation shows", _verb("note")
)
def _predict(desk: Desk, percent: str) -> str:
    desk.predict(_percent(percent), by=_who(desk))
    return f"predicted: {percent}"


def _percent(text: str) -> float:
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ValueError(f"a percentage is a number from 0 to 100, given {shown(text)}")
    return number


@_action("apply MITIGATION [VALUE]", "start a mitigation, aimed at a value", _verb("mitigate"))
def _apply(desk: Desk, name: str, value: str = "") -> readings.Reading:
    step = MITIGATIONS[known_mitigation(name)]
    aim = _checked_aim(desk, name, value)
    desk.service.check_apply(name)
    desk.current.mitigate(name, at=desk.now, by=_who(desk))
    _delegate(desk, "ops", APPLY_MINUTES[step.risk.partition(":")[0]])
    desk.apply(name, by=_who(desk), value=aim or None)
    said = f"{step.action}{f', of {aim}' if aim else ''}: give it {duration_text(step.settle)}"
    if _is_unapproved(desk, name, aim):
        said += "; nobody has approved it"
    return readings.Reading("apply", said, {"settle": step.settle // MINUTE})


def _checked_aim(desk: Desk, name: str, value: str) -> str:
    """What a mitigation is aimed at, if it is aimed at anything."""
    kind = AIMS.get(name)
    if kind is None:
        if value:
            raise ValueError(f"{name} is aimed at nothing, given {shown(value)}; apply {name}")
        return ""
    values = aims(desk, name)
    aim = value or DEFAULTS.get(name, "")
    if aim not in values:
        known = ", ".join(values) or "none yet; look changes"
        given = f", given {shown(value)}" if value else ""
        raise ValueError(f"{name} needs its {kind}: {known}{given}")
    return aim


def aims(desk: Desk, name: str) -> list[str]:
    """The values that a mitigation can be aimed at: all of them, whatever is wrong."""
    kind = AIMS.get(name, "")
    if kind == "change":
        known = desk.service.world.changes
        return [one.id for one in known if one.minute < desk.service.minute]
    return list(DIMENSIONS.get(kind, ()))


def _is_unapproved(desk: Desk, name: str, value: str) -> bool:
    granted = any(
        event.get("mitigation") == name and event.get("granted")
        for event in desk.current.events_of("approval")
    )
    return desk.needs_approval(name, value) and not granted


@_action("rollback NAME", "take a mitigation back", _may_roll_back)
def _rollback(desk: Desk, name: str) -> str:
    desk.service.check_rollback(name)
    desk.current.rollback(name, at=desk.now, by=_who(desk))
    _spend(desk, "rollback")
    desk.rollback(name, by=_who(desk))
    return f"{name} will be off in a minute"


@_action("update [STATUS [PERCENT]] TEXT", "tell users", _verb("update"))
def _update(desk: Desk, first: str, *words: str) -> str:
    """Tell users; status and the percentage of requests hit are fields, the text is not read."""
    status, percent, text = None, None, [first, *words]
    if text[0] in STATUSES and len(text) > 1:
        status = text.pop(0)
        if len(text) > 1 and text[0].removesuffix("%").replace(".", "", 1).isdigit():
            percent = _percent(text.pop(0))
    said = " ".join(text)
    desk.current.update(said, status, percent, at=desk.now, by=_who(desk))
    _delegate(desk, "comms", MINUTES["update"])
    desk.update(said, status, percent, by=_role(desk, "comms") or _who(desk))
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
    slo = desk.current.slo.name
    desk.false_alarm(by=_who(desk))
    firing = [alarm.rule.name for alarm in desk.alarms if alarm.sli == slo]
    if not firing:
        return "closed as a false alarm"
    still = f"{slo} {firing[0]} still fires, and is not heard until it has cleared"
    return f"closed as a false alarm; {still}: declare it anew if it was none"


@_action(
    f"learn {'|'.join(LEARN_KINDS)} TEXT",
    "write down for the postmortem; automate NAME",
    _verb("note"),
)
def _learn(desk: Desk, kind: str, first: str, *words: str) -> str:
    text = " ".join([first, *words])
    if kind not in LEARN_KINDS:
        raise ValueError(f"learn one of {', '.join(LEARN_KINDS)}, given {kind!r}")
    if kind == "automate":
        known_mitigation(text)
    desk.learn(kind, text, by=_who(desk))
    if kind == "cause" and text not in CAUSES:
        return "written down, though no cause is called that; name it as suspect does"
    if kind == "segment" and text != "all" and "=" not in text:
        return "written down, though a segment is DIMENSION=VALUE, or all"
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


@_action("journal", "read what was written down of the incident at hand", _verb("note"))
def _journal(desk: Desk) -> str:
    return views.journal(desk)
