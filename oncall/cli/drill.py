"""The drill: a shift at the terminal, by keyboard, that loses nothing when it is killed.

Every action is on disk before it takes effect. To resume is to do them all again, for the same
actions give the same shift.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from oncall import journal
from oncall.cli.terminal import wrap
from oncall.gameday.actions import ACTIONS, allowed_actions, check_action, try_to_do
from oncall.gameday.desk import Desk
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import Responder
from oncall.slo import burn_rate, percent
from oncall.times import HOUR, MINUTE

VERSION = 1
Words = tuple[str, ...]
Read = Callable[[], str | None]
Tell = Callable[[str], None]
Keep = Callable[[Words], None]


class Left(Exception):
    """The person at the desk has left before the shift was over."""


def human(
    read: Read, tell: Tell, keep: Keep = lambda words: None, before: Iterable[Words] = ()
) -> Responder:
    """A responder who is asked: ``read`` gives a line as typed, ``None`` at its end; ``tell`` shows a text.

    ``keep`` is called with each action before it takes effect. ``before`` are actions to do again
    first, without asking. Who stops before the end of the shift raises ``Left``.
    """

    def responder(desk: Desk) -> None:
        for words in before:
            try_to_do(desk, *words)
        tell(HELLO)
        while desk.now < desk.ends:
            tell(f"\n{status(desk)}")
            line = read()
            if line is None or line.split() in (["quit"], ["exit"]):
                raise Left
            tell(_obey(desk, tuple(line.split()), keep))

    return responder


def _obey(desk: Desk, words: Words, keep: Keep) -> str:
    if not words:
        return ""
    words = (words[0].lower(), *words[1:])
    if words[0] in ("help", "?"):
        return explain(words[1:])
    try:
        check_action(*words)
    except ValueError as error:
        return f"{error}; 'help' explains"
    keep(words)
    return try_to_do(desk, *words)


def by_script(
    script: Sequence[ScriptLine], tell: Tell, keep: Keep = lambda words: None
) -> Responder:
    """The responder that plays a script and shows each action with what comes of it."""

    def responder(desk: Desk) -> None:
        for line in script:
            ahead = (desk.scenario.start - desk.now) // MINUTE + line.minute
            if ahead > 0:
                tell(textwrap.indent(_obey(desk, ("wait", str(ahead)), keep), " " * 7))
            said = _obey(desk, (line.action, *line.words), keep)
            tell(f"{desk.now:%H:%M}  {' '.join((line.action, *line.words))}")
            tell(textwrap.indent(said, " " * 7))

    return responder


# --- what is shown -------------------------------------------------------------------------------

HELLO = """You are on call. Time passes only with wait, next and end.
'help' lists what can be done, 'quit' leaves."""


def status(desk: Desk) -> str:
    """The screen above the prompt: time, SLI, burn, budget, state, who is paged, and what can be done."""
    slo, incident = desk.scenario.slo, desk.incident
    now, hour = desk.sli, desk.sli_over(HOUR)
    sli = f"SLI {now:.1%} (1m)" if now == now else "no requests (1m)"
    burn = f"burn {burn_rate(hour, slo):.1f}x" if hour == hour else "burn unknown"
    spent = f"spent {desk.spent:.2%}"
    state = (
        f"{incident.id} {incident.state}, {incident.severity or 'sev?'}: {incident.title}"
        if incident
        else ""
    )
    pages = incident.events_of("page") if incident else []
    facts = {
        "the pager rings": f"paged {pages[-1].get('who')}" if desk.ringing and pages else "",
        "fires": ", ".join(rule.name for rule in desk.firing),
        "in effect": ", ".join(desk.applied),
        "harmed": ", ".join(desk.harmed),
        "users": "have heard nothing for half an hour; an update is due" if desk.update_due else "",
        "you can": ", ".join(allowed_actions(desk)),
    }
    clock = f"{desk.now:%H:%M} until {desk.ends:%H:%M}"
    lines = [f"{clock}   {sli}, target {percent(slo.target)}   {burn} (1h)   {spent}"]
    lines += [
        state or "no incident is open",
        *(f"{name}: {what}" for name, what in facts.items() if what),
    ]
    return "\n".join(wrap(lines, hang=9))


def explain(names: Sequence[str] = ()) -> str:
    """What can be typed: all of it, or the actions named."""
    chosen = [ACTIONS[name] for name in names if name in ACTIONS] or list(ACTIONS.values())
    width = 30
    lines = [
        f"{one.usage:<{width}}{one.what}"
        if len(one.usage) < width
        else f"{one.usage}\n{'':<{width}}{one.what}"
        for one in chosen
    ]
    lines.append(f"{'quit':<{width}}leave; with --save the shift can be resumed")
    return "\n".join(wrap("\n".join(lines).splitlines(), hang=width))


# --- on disk -------------------------------------------------------------------------------------


def begin(path: str | Path, start: journal.Record) -> Keep:
    """Begin a file of a shift's actions; ``start`` says which shift. What is returned keeps one action more."""
    if Path(path).exists() and Path(path).stat().st_size:
        raise ValueError(
            f"{path} holds something already; resume it with --resume, or give another path"
        )
    journal.append(path, [{"journal": "oncall drill", "version": VERSION, **start}])
    return keep_in(path)


def keep_in(path: str | Path) -> Keep:
    """What keeps one action more in a file that was begun; it is on disk when this returns."""
    return lambda words: journal.append(path, [{"action": words[0], "words": list(words[1:])}])


def resume(path: str | Path) -> tuple[journal.Record, list[Words]]:
    """Which shift a file was begun for, and the actions in it. A torn last line was never done, and is left out."""
    lines = journal.read(path, warn=False)
    if not lines:
        raise ValueError(f"{path} holds no drill")
    (_, start), *rest = lines.items()
    if start.get("journal") != "oncall drill":
        raise ValueError(f"{path} is not the file of a drill")
    if start.get("version") != VERSION:
        raise ValueError(
            f"{path} is of version {start.get('version')}; this oncall reads version {VERSION}"
        )
    scenario, seed, toml = start.get("scenario"), start.get("seed"), start.get("toml", "")
    if not (isinstance(scenario, str) and isinstance(seed, int) and isinstance(toml, str)):
        raise ValueError(f"{path} does not say which scenario and seed it is of")
    return start, [_words(path, number, record) for number, record in rest]


def _words(path: str | Path, number: int, record: journal.Record) -> Words:
    action, words = record.get("action", ""), record.get("words")
    try:
        if not isinstance(words, list) or not all(
            isinstance(word, str) for word in (action, *words)
        ):
            raise ValueError("this is no action")
        check_action(action, *words)
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: {error}") from None
    return (action, *words)
