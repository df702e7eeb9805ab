"""The drill: a shift at the terminal, by keyboard, that loses nothing when it is killed.

Every action is on disk before it takes effect. To resume is to do them all again, for the same
actions give the same shift.
"""

from __future__ import annotations

import math
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from oncall import journal
from oncall.cli.layout import wrap
from oncall.cli.manual import explain
from oncall.files import one_line, regular_file
from oncall.gameday import Desk, actions
from oncall.gameday.scoring import JUDGES
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import Responder
from oncall.incident import Incident
from oncall.slo import burn_rate, percent, sli
from oncall.times import HOUR, MINUTE

VERSION = 2
Words = tuple[str, ...]
Read = Callable[[], str | None]
Tell = Callable[[str], None]
Keep = Callable[[Words], None]


class LeftEarly(Exception):
    """The person at the desk has left before the shift was over."""


def forget(words: Words) -> None:
    """Keep nothing: the drill is not saved."""


def human(
    read: Read, tell: Tell, keep: Keep = forget, before: Iterable[Words] = (), pace: float = 0.0
) -> Responder:
    """A responder who is asked: ``read`` gives a line as typed, ``None`` at the end of the input.

    ``tell`` shows a text. ``keep`` is called with each action before it takes effect. ``before``
    are actions to do again first, without asking. With a ``pace`` a minute that passes takes so
    many seconds, and a page rings the bell. ``LeftEarly`` is raised for a person who stops before
    the end of the shift.
    """

    def responder(desk: Desk) -> None:
        for words in before:
            actions.try_to_do(desk, *words)
        tell(f"{HELLO}\n{rules()}")
        could: list[str] = []
        seen = ""
        while desk.now < desk.ends:
            can, shown = actions.allowed_actions(desk), status(desk)
            if shown != seen:
                tell(f"\n{shown}")
            if can != could:
                tell("\n".join(wrap([f"you can: {', '.join(can)}"], hang=9)))
            could, seen, since = can, shown, desk.now
            line = read()
            if line is None or line.split() in (["quit"], ["exit"]):
                raise LeftEarly
            tell(_obey(desk, tuple(line.split()), keep))
            _let_pass(desk, since, pace)

    return responder


def _let_pass(desk: Desk, since: datetime, pace: float) -> None:
    """Let as much real time pass as the shift's did, at this pace; a page rings the bell."""
    if pace:
        time.sleep(pace * ((desk.now - since) / MINUTE))
        if desk.pager.ringing:
            sys.stdout.write("\a")


def completer(desk: Desk, line: str) -> list[str]:
    """What may be typed after a line: the words that are legal there, and no others."""
    words = line.split()
    if line.endswith(" ") or not words:
        words.append("")
    *before, begun = words
    if not before:
        options: list[str] | None = [*actions.allowed_actions(desk), "help", "quit"]
    else:
        action, rest = actions.unaliased(before[0], before[1:])
        options, _ = actions.options(desk, action, rest)
    return [word for word in options or [] if word.startswith(begun)]


def by_script(script: Sequence[ScriptLine], tell: Tell, keep: Keep) -> Responder:
    """A responder that plays a script and shows each action with what comes of it."""

    def obey(desk: Desk, *words: str) -> str:
        return textwrap.indent(_obey(desk, words, keep), " " * 7)

    def responder(desk: Desk) -> None:
        for line in script:
            while (ahead := line.minute - desk.service.minute) > 0 and desk.now < desk.ends:
                tell(obey(desk, "wait", str(ahead)))  # a page ends it early
            began = desk.now
            reply = obey(desk, line.action, *line.words)
            tell(f"{began:%H:%M}  {one_line(' '.join((line.action, *line.words)))}")
            tell(reply)

    return responder


def _obey(desk: Desk, words: Words, keep: Keep) -> str:
    """Do what the words say, and return what there is to see; only an action is kept."""
    if not words:
        return ""
    action, rest = words[0].lower(), words[1:]
    if action in ("help", "?"):
        return explain(rest)
    try:
        actions.check_action(action, *rest)
    except ValueError as error:
        return f"{error}; 'help' explains"
    keep((action, *rest))
    return actions.try_to_do(desk, action, *rest)


# --- what is shown -------------------------------------------------------------------------------

HELLO = """You are on call. Time passes by what you do: a look takes two minutes.
Nobody tells you what is wrong. 'help' lists what can be done, 'quit' leaves."""


def rules() -> str:
    """How the shift is scored, as it is told before it is played."""
    parts = ", ".join(f"{name} {most}" for name, (most, _) in JUDGES.items())
    return "\n".join(wrap([f"100 points: {parts}."], hang=12))


def status(desk: Desk) -> str:
    """The screen above the prompt: the SLIs, the incidents, who is paged, what is in effect."""
    incident = desk.incident
    lines = [*_readings(desk), "no incident is open"]
    pages = []
    if incident:
        lines[-1] = _incident_line(incident)
        pages = [f"paged {page.get('who')}" for page in incident.events_of("page")]
    waiting = [
        _incident_line(one)
        for one in desk.incidents
        if one not in (incident,) and one.state != "closed"
    ]
    alarms = [f"{alarm.sli} {alarm.rule.name}" for alarm in desk.alarms]
    facts = {
        "waits": "; ".join(waiting),
        "the pager rings": pages[-1] if desk.pager.ringing and pages else "",
        "fires": ", ".join(alarms),
        "in effect": ", ".join(_with_aim(desk, name) for name in desk.applied),
        "harmed": ", ".join(desk.harmed),
        "asked": ", ".join(desk.people.asked),
        "users": "have heard nothing for half an hour; an update is due" if desk.update_due else "",
    }
    lines += [f"{name}: {fact}" for name, fact in facts.items() if fact]
    return "\n".join(wrap(lines, hang=9))


def _incident_line(incident: Incident) -> str:
    state = f"{incident.id} {incident.state}, {incident.severity or 'sev?'}"
    return f"{state}: {incident.title}"


def _with_aim(desk: Desk, name: str) -> str:
    aim = desk.service.aim(name)
    return f"{name} ({aim})" if aim else name


MARKS = "▁▂▃▄▅▆▇█"


def spark(desk: Desk, name: str) -> str:
    """The SLI of the last two hours, a mark for every five minutes; a space where none is known."""
    values = []
    for back in range(24, 0, -1):
        first, last = -5 * back, (-5 * (back - 1)) or None
        values.append(sli(*desk.service.counted(first, last, name=name)))
    known = [value for value in values if not math.isnan(value)]
    low = min([*known, 1 - 4 * (1 - desk.service.target_of(name))])
    marks = (" " if math.isnan(v) else MARKS[int((v - low) / (1 - low) * 7)] for v in values)
    return "".join(marks)


def _readings(desk: Desk) -> list[str]:
    """The time, then a line for each SLI: the last minute, its burn over an hour, its curve."""
    spent = f"   spent {desk.service.spent:.2%}" if len(desk.slos) == 1 else ""
    lines = [f"{desk.now:%H:%M} · the shift ends at {desk.ends:%H:%M}{spent}"]
    for name, slo in desk.slos.items():
        now, hour = desk.service.sli_of(name, MINUTE), desk.service.sli_of(name, HOUR)
        shown = "no data" if math.isnan(now) else f"{now:.1%}"
        burn = "?" if math.isnan(hour) else f"{burn_rate(hour, slo):.1f}x"
        target = f"of {percent(slo.target)}"
        lines.append(f"{name:<13}{shown:>7} {target:<9} burn {burn:>7} (1h)  {spark(desk, name)}")
    return lines


# --- on disk -------------------------------------------------------------------------------------


@contextmanager
def saving(path: str | Path, start: journal.Record) -> Iterator[Keep]:
    """A function that keeps an action in a new file; the file is nobody else's in the meantime.

    An action is on disk when the function returns. ``start`` says which shift it is. A file that
    holds something already is refused.
    """
    if Path(path).exists() and regular_file(path).stat().st_size:
        advice = "resume it with --resume, or give another path"
        raise ValueError(f"{path} holds something already; {advice}")
    with journal.writing(path, wait=False) as file:
        file.add([{"journal": "oncall drill", "version": VERSION, **start}])
        yield partial(_keep, file)


@contextmanager
def resuming(path: str | Path) -> Iterator[tuple[journal.Record, list[Words], Keep]]:
    """Which shift a file was begun for, the actions in it, and a function that keeps one more."""
    with journal.writing(regular_file(path), wait=False) as file:
        yield *_read(path, file.records), partial(_keep, file)


def read_drill(path: str | Path) -> tuple[journal.Record, list[Words]]:
    """Which shift a file was begun for, and the actions kept in it.

    A torn last line is left out, for it never took effect. Whatever is not the file of a drill is a
    ``ValueError`` that names the line.
    """
    return _read(path, journal.read(path, warn=False))


def _keep(file: journal.Writer, words: Words) -> None:
    file.add([{"action": words[0], "words": list(words[1:])}])


def _read(
    path: str | Path, lines: Mapping[int, journal.Record]
) -> tuple[journal.Record, list[Words]]:
    if not lines:
        raise ValueError(f"{path} holds no drill")
    (_, start), *rest = lines.items()
    if start.get("journal") != "oncall drill":
        raise ValueError(f"{path} is not the file of a drill")
    if (version := start.get("version")) == 1:
        old = "of version 1, in which looking took no time and nothing was hidden"
        raise ValueError(f"{path} is {old}; this oncall cannot go on with it: begin it anew")
    if version != VERSION:
        raise ValueError(f"{path} is of version {version}; this oncall reads version {VERSION}")
    scenario, seed, toml = start.get("scenario"), start.get("seed"), start.get("toml", "")
    if not (isinstance(scenario, str) and isinstance(seed, int) and isinstance(toml, str)):
        raise ValueError(f"{path} does not say which scenario and seed it is of")
    return start, [_words(path, number, record) for number, record in rest]


def _words(path: str | Path, number: int, record: journal.Record) -> Words:
    action, words = record.get("action", ""), record.get("words")
    try:
        if not isinstance(words, list) or not all(isinstance(w, str) for w in (action, *words)):
            raise ValueError("this is no action")
        actions.check_action(action, *words)
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: {error}") from None
    return (action, *words)
