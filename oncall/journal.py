"""The journal of an incident: what can happen in one, as frozen typed events, and the file of it.

An incident has one state machine, the table ``TRANSITIONS``; everything else known about it is
derived from its events. On disk a journal is one JSON object per line, only ever appended to, and
safe against a crash at any moment.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from oncall.files import locked, parse_json, read_bytes, sync_folder
from oncall.times import MINUTE, moment_text

Record = dict[str, Any]

# --- what can happen -----------------------------------------------------------------------------

STATES = (
    "new", "detected", "acknowledged", "triaged", "mitigating", "mitigated", "resolved", "closed",
)  # fmt: skip
MAJOR = ("sev1", "sev2")
OVER = ("mitigated", "resolved")  # states in which users no longer feel it
UPDATE_EVERY = 30 * MINUTE
STATUSES = ("investigating", "identified", "monitoring", "resolved")
LEARN_KINDS = (
    "cause", "segment", "trigger", "onset", "factor", "well", "wrong", "lucky",
    "prevent", "detect", "process", "automate",
)  # fmt: skip
SECURITY_STEPS = ("restrict", "preserve", "call")  # who reads; evidence; security
FACTS = (
    "page", "escalate", "rollback", "learn", "look", "suspect", "ask", "approval",
    "predict", "secure",
)  # fmt: skip
REMARKS = ("note", "update", "measure", "sample", *FACTS)
"""The verbs that are legal until an incident is closed and leave its state as it is."""

VERSION = 2


def _stay(*states: str) -> dict[str, str]:
    return {state: state for state in states}


# For each verb the states in which it is legal, and the state it leads to. Two rules stand outside
# the table: nothing that somebody tried to mitigate is a false alarm, and a major incident is not
# closed without a postmortem.
TRANSITIONS: dict[str, dict[str, str]] = {
    "detect": {"new": "detected"},
    "acknowledge": {"detected": "acknowledged"}
    | _stay("acknowledged", "triaged", "mitigating", "mitigated"),
    "triage": {"acknowledged": "triaged"} | _stay("triaged", "mitigating", "mitigated"),
    "mitigate": dict.fromkeys(("triaged", "mitigating", "mitigated"), "mitigating"),
    "mitigated": {"mitigating": "mitigated"},
    "resolve": {"mitigated": "resolved"},
    "close": {"resolved": "closed"},
    "reopen": {"resolved": "triaged"},
    "false_alarm": dict.fromkeys(("detected", "acknowledged", "triaged"), "closed"),
    **{verb: _stay(*STATES[:-1]) for verb in REMARKS},
    "correct": _stay(*STATES),  # what is known later may come after all is filed
}
# What goes away by itself does so in any state from detected to mitigated. Of an incident that is
# typed in afterwards only some times are known, and nothing stands between them.
AUTO_RECOVERED = "resolve with auto_recovered=True"
MOVES = TRANSITIONS | {
    AUTO_RECOVERED: dict.fromkeys(STATES[1:6], "resolved"),
    "mitigated afterwards": dict.fromkeys(STATES[1:3], "mitigated"),
    "resolve afterwards": dict.fromkeys(("detected", "acknowledged", "mitigated"), "resolved"),
}
# The facts are legal whenever a note is; a refusal that listed them would bury the rest.
UNLISTED = (*FACTS, "correct", "mitigated afterwards", "resolve afterwards")
AFTERWARDS = ("detect", "acknowledge", "mitigated", "resolve")


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

    @property
    def move(self) -> str:
        """The row of ``MOVES`` that it follows: its verb, or a way of its own to that state."""
        afterwards = f"{self.verb} afterwards"
        if ("afterwards", True) in self.details and afterwards in MOVES:
            return afterwards
        return AUTO_RECOVERED if ("auto_recovered", True) in self.details else self.verb


def in_effect(events: Iterable[Event]) -> list[str]:
    """The mitigations that were applied and not taken back, by name, in order."""
    applied: dict[str, None] = {}
    for event in events:
        if event.verb == "mitigate":
            applied[event.get("action")] = None
        elif event.verb == "rollback":
            applied.pop(event.get("mitigation"), None)
    return list(applied)


# --- the file ------------------------------------------------------------------------------------

# How each line begins that this package writes: a header, an event, and an action of a drill.
_BEGINNINGS = (b'{"journal": "oncall ', b'{"at": "', b'{"action": "')
_MARK = b"\xef\xbb\xbf"  # a byte-order mark, which some editors put at the beginning


class TornJournal(UserWarning):
    """The last line of a journal was cut off in mid-write; everything before it was read."""


def read(path: str | Path, *, warn: bool = True) -> dict[int, Record]:
    """The records of a journal by line number, in order; blank lines are skipped.

    A torn last line is left out and, if ``warn`` is true, reported as a ``TornJournal`` warning.
    A bad line anywhere else is a ``ValueError`` with its number.
    """
    data = read_bytes(path)
    whole = _without_tear(data)
    if warn and len(whole) < len(data):
        lines = whole.count(b"\n")
        message = f"{path}: the last line is torn; read the {lines} lines before it"
        warnings.warn(TornJournal(message), stacklevel=3)
    return _records(path, whole)


def append(path: str | Path, records: Sequence[Record]) -> None:
    """Add records at the end, after cutting off a torn last line; on disk when this returns."""
    with writing(path) as journal:
        journal.add(records)


@contextmanager
def writing(path: str | Path, *, wait: bool = True) -> Iterator[Writer]:
    """The only right to write a journal, which is made if it is not there.

    Who comes second waits for ten seconds at most, and not at all unless ``wait``; then it is a
    ``BlockingIOError``.
    """
    with locked(path, wait=wait):
        yield Writer(path)


class Writer:
    """A journal that nobody else writes: the ``records`` it had by line number, and ``add``."""

    def __init__(self, path: str | Path) -> None:
        self._path, self._data = Path(path), b""
        if self._path.exists():
            self._data = read_bytes(path)
        self._whole = _without_tear(self._data)
        self.records = _records(path, self._whole)

    def add(self, records: Sequence[Record]) -> None:
        """Add records at the end: all of them are on disk when this returns, or none.

        A torn last line is cut off first, so that no crash leaves new lines before an old tear.
        """
        data = b"".join(map(_line, records))  # what JSON cannot hold fails before any write
        if self._whole and not self._whole.endswith(b"\n"):
            data = b"\n" + data
        with open(self._path, "ab", buffering=0) as file:
            if len(self._whole) < len(self._data):
                file.truncate(len(self._whole))
            size = os.fstat(file.fileno()).st_size
            try:
                unwritten = memoryview(data)
                while unwritten:
                    unwritten = unwritten[file.write(unwritten) :]
                os.fsync(file.fileno())
            except BaseException:  # Ctrl-C too
                with suppress(OSError):
                    file.truncate(size)
                raise
        sync_folder(self._path.parent)
        self._whole = self._data = b"\n"  # whole, however much


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _records(path: str | Path, whole: bytes) -> dict[int, Record]:
    numbered = enumerate(whole.removeprefix(_MARK).splitlines(), 1)
    return {
        number: _record(f"{path}, line {number}", line) for number, line in numbered if line.strip()
    }


def _record(where: str, line: bytes) -> Record:
    try:
        text = line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise ValueError(f"{where}: not UTF-8 text; mend or remove the line") from None
    record = parse_json(text, where)
    if not isinstance(record, dict):
        raise ValueError(f"{where}: not a JSON object; mend or remove the line")
    return record


def _without_tear(data: bytes) -> bytes:
    """The data without a torn last line.

    That is one without its end whose beginning is ours, or nothing but the NULs that some file
    systems leave where a crash kept a line from the disk. Any other is whole, or not ours to cut.
    """
    end = data.rfind(b"\n") + 1
    line = data[end:].removeprefix(_MARK).rstrip(b"\0")
    is_ours = any(line[: len(begin)] == begin[: len(line)] for begin in _BEGINNINGS)
    if not is_ours or not data[end:].strip():
        return data
    try:
        json.loads(data[end:].decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return data[:end]
    return data


# --- an incident's lines -------------------------------------------------------------------------

# The beginning of a header, and a line of its own where a file of version 1 goes on in this one.
UPGRADE = {"journal": "oncall incident", "version": VERSION}


def to_record(event: Event) -> Record:
    """An event as a line holds it."""
    return {"at": moment_text(event.at), "by": event.by, "verb": event.verb, **dict(event.details)}


def known_version(record: Record) -> int:
    """The version that a header or an upgrade tells, if this program reads it."""
    if record.get("journal") != UPGRADE["journal"]:
        raise ValueError("this is not the journal of an incident")
    if (version := record.get("version")) not in (1, VERSION):
        known = f"this oncall reads versions 1 to {VERSION}"
        raise ValueError(f"written in version {version}; {known}: upgrade it")
    return int(version)


def from_version_1(record: Record, before: Sequence[Event]) -> Record:
    """A line of version 1, which kept facts as notes that begin in a certain way, in version 2.

    Anybody could type a note of a rollback. It is one only if the mitigation was in effect after
    the events ``before``, or if the desk had just taken a measure, as it did at every rollback.
    """
    text, by = record.get("text"), record.get("by")
    if record.get("verb") != "note" or not isinstance(text, str):
        return record
    begin, _, value = text.partition(": ")
    who, kind = text.removeprefix("paged "), begin.removeprefix("learnt, ")
    measured = before and before[-1].verb == "measure" and moment_text(before[-1].at)
    fact: Record = {}
    if by == "pager" and who != text and who.strip():
        fact = {"verb": "page", "who": who}
    elif text == "escalated":
        fact = {"verb": "escalate"}
    elif begin == "rolled back" and (value in in_effect(before) or measured == record.get("at")):
        fact = {"verb": "rollback", "mitigation": value}
    elif kind != begin and kind in LEARN_KINDS[4:] and value.strip():  # it had no cause to onset
        fact = {"verb": "learn", "kind": kind, "value": value}
    return {name: held for name, held in record.items() if name != "text" or not fact} | fact
