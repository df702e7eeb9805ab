"""A journal on disk: one JSON object per line, only ever appended to, and safe against crashes."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class TornJournal(UserWarning):
    """The last line of a journal was cut off in mid-write; everything before it was read."""


def read(path: str | Path, *, warn: bool = True) -> dict[int, Record]:
    """The records of a journal by line number, in order; blank lines are skipped.

    A torn last line is left out and, if ``warn`` is true, reported as a ``TornJournal`` warning.
    A bad line anywhere else is a ``ValueError`` with its number.
    """
    data = Path(path).read_bytes()
    # Without this, a file with one line of anything would pass for torn, and be cut to nothing.
    if data.strip() and not data.lstrip().startswith(b"{"):
        raise ValueError(f"{path} is not a journal of JSON objects; give another path")
    whole = _without_tear(data)
    if warn and len(whole) < len(data):
        lines = whole.count(b"\n")
        message = f"{path}: the last line is torn; read the {lines} lines before it"
        warnings.warn(TornJournal(message), stacklevel=3)
    numbered = enumerate(whole.splitlines(), 1)
    return {number: _record(path, number, line) for number, line in numbered if line.strip()}


def append(path: str | Path, records: Sequence[Record]) -> None:
    """Add records at the end, after cutting off a torn last line; on disk when this returns."""
    lines = [_line(record) for record in records]  # what JSON cannot hold fails before any write
    with open(path, "a+b") as file:
        file.seek(0)
        whole = _without_tear(file.read())
        file.truncate(len(whole))  # first, so that no crash leaves new lines before an old tear
        if whole and not whole.endswith(b"\n"):
            file.write(b"\n")
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(Path(path).parent)


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _record(path: str | Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ValueError(f"{path}, line {number}: not a JSON object; mend or remove the line")
    return record


def _without_tear(data: bytes) -> bytes:
    """The data without a torn last line. A last line that is valid JSON only lacks its newline."""
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
