"""A journal on disk: one JSON object a line, only ever appended to, safe against a crash at any moment."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class TornJournal(UserWarning):
    """The last line of a journal was cut off in the middle of a write; everything before it was read."""


def read(path: str | Path, *, warn: bool = True) -> dict[int, Record]:
    """The records of a journal by line number, in order; blank lines are passed over.

    A torn last line is left out and, unless told not to, reported as a ``TornJournal`` warning. A bad line elsewhere is
    a ``ValueError`` with its number.
    """
    data = Path(path).read_bytes()
    if data.strip() and not data.lstrip().startswith(
        b"{"
    ):  # else a line of notes would pass for torn, and be cut
        raise ValueError(
            f"{path} is not a journal, which begins with a JSON object; give another path"
        )
    whole = _whole(data)
    if warn and len(whole) < len(data):
        count = whole.count(b"\n")
        warnings.warn(
            TornJournal(f"{path}: the last line is torn; read the {count} lines before it"),
            stacklevel=3,
        )
    return {
        number: _record(path, number, line)
        for number, line in enumerate(whole.splitlines(), 1)
        if line.strip()
    }


def append(path: str | Path, records: Sequence[Record]) -> None:
    """Add records at the end, after cutting off a torn last line; they are on disk when this returns."""
    lines = [
        _line(record) for record in records
    ]  # what JSON cannot hold must fail before anything is written
    with open(path, "a+b") as file:
        file.seek(0)
        whole = _whole(file.read())
        file.truncate(
            len(whole)
        )  # first of all: a crash must never leave new lines in front of an old tear
        if whole and not whole.endswith(b"\n"):
            file.write(b"\n")
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(Path(path).parent)


def _line(record: Record) -> bytes:
    return (
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
        + b"\n"
    )


def _record(path: str | Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ValueError(f"{path}, line {number}: not a JSON object; mend or remove the line")
    return record


def _whole(data: bytes) -> bytes:
    """The data without a torn last line. A line that lacks only its newline is whole: it parses. So is a blank one."""
    end = data.rfind(b"\n") + 1
    try:
        json.loads(data[end:].strip() or b"{}")
    except ValueError:
        return data[:end]
    return data


def _sync_folder(folder: Path) -> None:
    """Put the file's name on disk too; only POSIX systems can, and need to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
