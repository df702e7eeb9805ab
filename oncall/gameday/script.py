"""A script of a shift: what is done at which minute, from a list or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from oncall.checks import is_short_number, shown
from oncall.files import one_line, parse_json, read_text
from oncall.gameday.actions import check_action, try_to_do
from oncall.gameday.desk import Desk
from oncall.gameday.shift import Responder
from oncall.times import MINUTE


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

    An action that is not allowed then is reported and changes nothing, and the script goes on.
    """
    script = tuple(script)

    def responder(desk: Desk) -> None:
        for line in script:
            ahead = desk.scenario.start + line.minute * MINUTE - desk.now
            desk.advance(max(timedelta(), ahead))
            tell(try_to_do(desk, line.action, *line.words))

    return responder


def read_script(path: str | Path) -> tuple[ScriptLine, ...]:
    """A script from a file, one line per action such as ``153 triage sev1 ana``.

    The file may also hold a JSON list of ``[153, "triage", …]``. Blank lines and those that begin
    with ``#`` are passed over. A bad line or entry is a ``ValueError`` with its number.
    """
    text = read_text(path)
    is_json = text.lstrip().startswith("[")
    lines = [line.split() for line in text.splitlines()]
    kind, entries = ("entry", parse_json(text, str(path))) if is_json else ("line", lines)
    script = []
    for number, entry in enumerate(entries, 1):
        try:
            if not isinstance(entry, list):
                raise ValueError(f'given {entry!r}; write a list such as [153, "ack"]')
            if entry and not str(entry[0]).startswith("#"):
                script.append(_script_line(entry))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, {kind} {number}: {error}") from None
    return tuple(script)


def _script_line(entry: list[object]) -> ScriptLine:
    minute, *words = (one_line(str(word)) for word in entry)
    if not is_short_number(minute) or not words:
        text = shown(" ".join(map(str, entry)))
        raise ValueError(f"{text} is not a step; write a minute and an action, such as 153 ack")
    check_action(*words)
    return ScriptLine(int(minute), words[0], tuple(words[1:]))
