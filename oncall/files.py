"""The door for what comes from outside: files are read checked, and written whole or not at all.

A file that is read is a regular one of bounded size and nesting, in UTF-8, with or without a
byte-order mark; anything else is a ``ValueError`` that names the file and, if it is known, the
line. A file that is replaced is written aside, synced and renamed. One process writes at a time.
"""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import re
import stat
import sys
import time
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedWriter
from pathlib import Path
from typing import Any, TextIO

MOST_BYTES = 64_000_000  # of a file that is read whole
MOST_TOML = 1_000_000
MOST_LINE = 1_000_000  # characters in a line of a CSV file
MOST_LEVELS = 40  # of lists and objects inside each other
MOST_DIGITS = 40  # of a whole number
MOST_SHOWN = 600  # characters of an error
_PAUSE, _PAUSES = 0.02, 500  # ten seconds of waiting for another writer


# --- reading -------------------------------------------------------------------------------------


def regular_file(path: str | Path) -> Path:
    """The path itself if it names a regular file, or a link to one.

    A folder, a pipe or a device is a ``ValueError``, for reading it may never end; a file that is
    not there is an ``OSError``.
    """
    if not str(path).strip():
        raise ValueError(f"the path is {str(path)!r}; name a file")
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a NUL in the name
        raise ValueError(f"{str(path)!r} is not a path; name a file") from None
    if stat.S_ISDIR(mode):
        raise ValueError(f"{path} is a directory; give a file")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} is a pipe or a device; write what it holds to a file, give that")
    return Path(path)


def read_bytes(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """What a regular file holds; more than ``most`` bytes are a ``ValueError``."""
    with open(regular_file(path), "rb") as file:
        data = file.read(most + 1)  # and not all of it: files can grow while they are read
    if len(data) > most:
        raise ValueError(f"{path} holds more than {most / 1e6:g} MB; is it the right file?")
    return data


def read_text(path: str | Path, most: int = MOST_BYTES) -> str:
    """The text in a file, without a byte-order mark; line ends become ``\\n``."""
    data = read_bytes(path, most)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data.count(b"\n", 0, error.start) + 1, data) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_utf8(path: str | Path, line: int, data: bytes) -> ValueError:
    is_marked = line == 1 and data[:2] in (b"\xff\xfe", b"\xfe\xff")
    looks = " but looks like UTF-16" if is_marked else ""
    return ValueError(f"{path}, line {line}: not UTF-8 text{looks}; save the file as UTF-8")


def read_json(path: str | Path) -> Any:
    """The value in a JSON file, as ``parse_json`` reads it."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, source: str) -> Any:
    """The value in a JSON text; ``source`` is what errors call it.

    Numbers are finite and of at most ``MOST_DIGITS`` digits, so that arithmetic on them ends. A
    name stands once in an object: of two, one would be lost.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"{source}, line {error.lineno}" if "\n" in text else source
        raise ValueError(f"{where}: not JSON ({error.msg})") from None
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError as error:  # a number, or a name
        raise ValueError(f"{source}: {error}") from None
    if text.count("[") + text.count("{") > MOST_LEVELS:
        _check_levels(value, source)
    return value


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits; at most {MOST_DIGITS} are read")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits:.40} is not a finite number")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object has the name {name!r:.60} twice; keep one")
    return table


_DECODER = json.JSONDecoder(
    parse_int=_whole, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_object
)


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The table in a TOML text of at most 1 MB; ``source`` is what errors call it."""
    if len(text) > MOST_TOML:
        raise ValueError(f"{source} holds more than {MOST_TOML / 1e6:g} MB; is it the right file?")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source}: not TOML: {error}") from None
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise ValueError(f"{source}: a number has too many digits") from None
    _check_levels(table, source)
    return table


def _check_levels(value: Any, source: str) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [each for items in inner for each in items if isinstance(each, dict | list)]
        if not level:
            return
    raise _too_deep(source)


def _too_deep(source: str) -> ValueError:
    return ValueError(f"{source} nests more than {MOST_LEVELS} levels deep; is it the right file?")


@contextmanager
def reading_csv(path: str | Path) -> Iterator[csv.DictReader[str]]:
    """A reader of the rows of a CSV file, one by one; names in the header have no outer spaces."""
    with open(regular_file(path), newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(_lines(file, path))
        try:
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            yield reader
        except UnicodeDecodeError:  # it knows its place in a block of the file only
            raise _not_utf8(path, *_first_not_utf8(path)) from None
        except csv.Error as error:
            raise ValueError(f"{path}, row {reader.line_num}: not CSV ({error})") from None


def _lines(file: TextIO, path: str | Path) -> Iterator[str]:
    for number, line in enumerate(iter(partial(file.readline, MOST_LINE), ""), 1):
        if len(line) == MOST_LINE:
            much = f"has more than {MOST_LINE:,} characters"
            raise ValueError(f"{path}, line {number} {much}; is it a CSV file?")
        yield line


def _first_not_utf8(path: str | Path) -> tuple[int, bytes]:
    """The first line that is not UTF-8, by number, and its bytes; in UTF-16 it is the first."""
    number = 1
    with open(path, "rb") as file:
        for number, line in enumerate(iter(partial(file.readline, MOST_LINE), b""), 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number, line
    return number, b""


# --- writing -------------------------------------------------------------------------------------


def write_text(path: str | Path, text: str) -> None:
    """Put a text into a file, in place of what it held: all of it or nothing."""
    with replacing(path) as file:
        file.write(text)


@contextmanager
def replacing(path: str | Path) -> Iterator[TextIO]:
    """A file to write that takes the place of the one at ``path`` once it is whole and on disk.

    Until then, and if anything fails, what was there stays. What UTF-8 cannot hold, half of a
    surrogate pair, becomes ``\\udXXX``, which JSON reads as the same. A device is written at once.
    """
    target = Path(os.path.realpath(path))  # where a link leads, so that it stays a link
    if target.exists() and not target.is_file():
        with open(target, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        return
    if target.exists() and not os.access(target, os.W_OK):  # renaming would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with locked(path):
        aside = target.with_name(f".{target.name}.oncall-new")
        try:
            with open(aside, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                os.chmod(aside, stat.S_IMODE(target.stat().st_mode))
            os.replace(aside, target)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk; only POSIX systems can, and need to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- one writer at a time ------------------------------------------------------------------------


@contextmanager
def locked(path: str | Path, *, wait: bool = True) -> Iterator[None]:
    """The only right to write to ``path``, for as long as the block runs or the process lives.

    It is a lock on a hidden file beside it. Who comes second waits, but no longer than ten seconds,
    and not at all unless ``wait``; then it is a ``BlockingIOError``.
    """
    folder, name = os.path.split(os.path.realpath(path))
    beside = Path(folder, f".{name}.oncall-lock")
    try:
        file = _lock_file(beside, _PAUSES if wait else 0)
    except OSError as error:  # such as a folder that is not there
        raise OSError(error.errno, error.strerror, str(path)) from None
    if file is None:
        why = "another process is writing to it; let it finish, then try again"
        raise BlockingIOError(errno.EAGAIN, why, str(path))
    try:
        yield
    finally:
        _unlock(beside, file)


def _unlock(beside: Path, file: BufferedWriter) -> None:
    try:
        if os.name != "nt":  # Windows removes no open file
            with suppress(OSError):
                beside.unlink()
    finally:  # whatever became of that, such as a Ctrl-C
        file.close()
    if os.name == "nt":
        with suppress(OSError):  # another has opened it: then it stays
            beside.unlink()


def _lock_file(path: Path, pauses: int) -> BufferedWriter | None:
    """The file, open and locked, or ``None`` if another holds it and all pauses were made."""
    while True:
        file = open(path, "ab")  # noqa: SIM115 - its closing is the end of the lock
        try:
            got = _lock(file.fileno())
            if got and _is_at(path, file.fileno()):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        if not got:  # and not the file of a lock that ended, which its holder removed
            if not pauses:
                return None
            pauses -= 1
            time.sleep(_PAUSE)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _lock(handle: int) -> bool:
    """Lock an open file, unless another has; in a browser there is no other, and nothing to do."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
    elif sys.platform != "emscripten":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


# --- what is shown -------------------------------------------------------------------------------

# Controls but tab and newline, marks that turn the direction of text, what has no width, halves of
# pairs; but not the joiners that emoji and some scripts need.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with every character that a terminal would obey, and not show, as its escape.

    An escape sequence reads ``\\x1b[2J``, and a mark from right to left ``\\u202e``. Tabs and ends
    of lines stay.
    """
    return _UNSEEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: no letter, number, punctuation or symbol.

    White space, controls, signs without width and the fillers of Hangul and Braille show nothing.
    """
    fillers = "\u115f\u1160\u2800\u3164\uffa0"
    return not any(unicodedata.category(sign)[0] in "LNPS" and sign not in fillers for sign in text)


def one_line(text: str) -> str:
    """The text in one line, all white space as single spaces, and otherwise as ``visible``."""
    return visible(" ".join(text.split()))


def error_text(error: BaseException) -> str:
    """What an error says, in one line of at most ``MOST_SHOWN`` characters, cut in its middle."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text, half = one_line(text), MOST_SHOWN // 2
    return text if len(text) <= MOST_SHOWN else f"{text[:half]} […] {text[-half:]}"
