"""The drill: a shift at the terminal, by keyboard, that loses nothing when it is killed.

Every action is on disk before it takes effect. To resume is to do them all again, for the same
actions give the same shift.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from oncall import journal
from oncall.cli.layout import wrap
from oncall.files import one_line, regular_file
from oncall.gameday import Desk, actions
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import Responder
from oncall.slo import burn_rate, percent
from oncall.times import HOUR, MINUTE

VERSION = 1
Words = tuple[str, ...]
Read = Callable[[], str | None]
Tell = Callable[[str], None]
Keep = Callable[[Words], None]


class LeftEarly(Exception):
    """The person at the desk has left before the shift was over."""


def forget(words: Words) -> None:
    """Keep nothing: the drill is not saved."""


def human(read: Read, tell: Tell, keep: Keep = forget, before: Iterable[Words] = ()) -> Responder:
    """A responder who is asked: ``read`` gives a line as typed, ``None`` at the end of the input.

    ``tell`` shows a text. ``keep`` is called with each action before it takes effect. ``before``
    are actions to do again first, without asking. ``LeftEarly`` is raised for a person who stops
    before the end of the shift.
    """

    def responder(desk: Desk) -> None:
        for words in before:
            actions.try_to_do(desk, *words)
        tell(HELLO)
        while desk.now < desk.ends:
            tell(f"\n{status(desk)}")
            line = read()
            if line is None or line.split() in (["quit"], ["exit"]):
                raise LeftEarly
            tell(_obey(desk, tuple(line.split()), keep))

    return responder


def by_script(script: Sequence[ScriptLine], tell: Tell, keep: Keep) -> Responder:
    """A responder that plays a script and shows each action with what comes of it."""

    def obey(desk: Desk, *words: str) -> str:
        return textwrap.indent(_obey(desk, words, keep), " " * 7)

    def responder(desk: Desk) -> None:
        for line in script:
            ahead = (desk.scenario.start - desk.now) // MINUTE + line.minute
            if ahead > 0:
                tell(obey(desk, "wait", str(ahead)))
            reply = obey(desk, line.action, *line.words)
            tell(f"{desk.now:%H:%M}  {one_line(' '.join((line.action, *line.words)))}")
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

HELLO = """You are on call. Time passes only with wait, next and end.
'help' lists what can be done, 'quit' leaves."""


def status(desk: Desk) -> str:
    """The screen above the prompt: the SLI, the incident, who is paged, and what can be done."""
    incident = desk.incident
    lines = [_reading(desk), "no incident is open"]
    pages = []
    if incident:
        state = f"{incident.id} {incident.state}, {incident.severity or 'sev?'}"
        lines[1] = f"{state}: {incident.title}"
        pages = [f"paged {page.get('who')}" for page in incident.events_of("page")]
    facts = {
        "the pager rings": pages[-1] if desk.pager.ringing and pages else "",
        "fires": ", ".join(rule.name for rule in desk.firing),
        "in effect": ", ".join(desk.applied),
        "harmed": ", ".join(desk.harmed),
        "users": "have heard nothing for half an hour; an update is due" if desk.update_due else "",
        "you can": ", ".join(actions.allowed_actions(desk)),
    }
    lines += [f"{name}: {fact}" for name, fact in facts.items() if fact]
    return "\n".join(wrap(lines, hang=9))


def _reading(desk: Desk) -> str:
    """The time, the SLI, the burn rate and the budget spent, in one line."""
    slo, now, hour = desk.scenario.slo, desk.sli, desk.service.sli_over(HOUR)
    sli = "no requests" if math.isnan(now) else f"SLI {now:.1%}"
    burn = "unknown" if math.isnan(hour) else f"{burn_rate(hour, slo):.1f}x"
    clock = f"{desk.now:%H:%M} until {desk.ends:%H:%M}"
    target, spent = f"target {percent(slo.target)}", f"spent {desk.service.spent:.2%}"
    return f"{clock}   {sli} (1m), {target}   burn {burn} (1h)   {spent}"


def explain(names: Sequence[str] = ()) -> str:
    """What can be typed: all of it, or the actions named."""
    known = actions.ACTIONS
    chosen = [known[name] for name in names if name in known] or known.values()
    rows = {action.usage: action.what for action in chosen}
    rows["quit"] = "leave; with --save the shift can be resumed"
    width = 30
    lines = []
    for usage, what in rows.items():
        if len(usage) < width:
            lines.append(f"{usage:<{width}}{what}")
        else:
            lines += [usage, " " * width + what]
    return "\n".join(wrap(lines, hang=width))


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
    if (version := start.get("version")) != VERSION:
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
