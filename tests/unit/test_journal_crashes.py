"""The journal in a crash: what was saved is never lost, whatever a crash or a full disk leaves."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from journal_records import NEW, detected, load_quietly, no_warnings, note

from oncall import journal
from oncall.incident import Incident
from oncall.journal import TornJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


# --- torn lines ----------------------------------------------------------------------------------


def test_a_last_line_torn_at_any_byte_costs_that_line_alone(path: Path) -> None:
    before = note(detected())
    after = note(before, 'Zürich 🔥 {"a": 1} [2] \\ \u2028 3')
    before.save(path)
    start = path.stat().st_size
    after.save(path)
    data = path.read_bytes()
    wanted = r"journal\.jsonl: the last line is torn; read the 3 lines before it"
    for end in range(start + 1, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.warns(TornJournal, match=wanted):
            assert Incident.load(path) == before
        assert path.read_bytes() == data[:end], "loading must change nothing"
        with no_warnings():
            after.save(path)
            assert Incident.load(path) == after
        assert path.read_bytes() == data


def test_nothing_is_torn_where_a_whole_line_ends(path: Path) -> None:
    before = note(detected())
    before.save(path)
    with no_warnings():
        assert Incident.load(path) == before
        note(before).save(path)
        path.write_bytes(path.read_bytes()[:-1])
        assert Incident.load(path) == note(before)  # a line that lacks only its newline is whole


def test_a_line_that_lacks_only_its_newline_is_ended_before_the_next(path: Path) -> None:
    before = note(detected())
    before.save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    note(before).save(path)
    assert path.read_bytes().startswith(data)
    assert Incident.load(path) == note(before)
    path.write_bytes(data[:-1])
    before.save(path)
    assert path.read_bytes() == data, "also when there is nothing to append"


def test_a_save_of_the_record_that_was_loaded_cuts_the_tear(path: Path) -> None:
    detected().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at": "2024-12-0')
    with pytest.warns(TornJournal):
        Incident.load(path).save(path)
    assert path.read_bytes() == whole


def test_the_warning_points_at_the_caller(path: Path) -> None:
    detected().save(path)
    path.write_bytes(path.read_bytes() + b'{"at')
    with pytest.warns(TornJournal) as caught:
        Incident.load(path)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "tear",
    [
        b'{"at": "2024-12-04T23:5',
        b'{"a',
        b'{"at": "2024-12-05T00:00:00Z", "by": "Z\xc3',
        b'{"at": "2024-12-05T00:00:00Z", "by": "\xed\xa0',
        b'{"at": "2024-12-05T00:00:00Z", "good": 12, "total": 3',
        b'{"action": "wai',
        b"\0" * 512,
        b'{"at": "2024-12' + b"\0" * 512,
    ],
)
def test_whatever_a_crash_leaves_behind_is_cut(path: Path, tear: bytes) -> None:
    detected().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole + tear)
    assert load_quietly(path) == (detected(), True)
    note(detected()).save(path)
    assert load_quietly(path) == (note(detected()), False)


@pytest.mark.parametrize(
    "tail",
    [
        *(
            b"buy milk",
            b"# and a comment",
            b"{'at': 1",
            b'{"text": "by hand',
            b'{"At": "',
            b"[1, 2",
        ),
        *(b'{"good": 12', b"\xff\xfe", b'{ "at": "2024'),
    ],
)
def test_an_end_that_is_not_as_this_package_writes_is_refused_and_kept(
    path: Path, tail: bytes
) -> None:
    detected().save(path)
    path.write_bytes(path.read_bytes() + tail)
    before = path.read_bytes()
    for use in (note(detected()).save, Incident.load):
        with pytest.raises(ValueError, match=r"journal\.jsonl, line 3: not "):
            use(path)
    assert path.read_bytes() == before


def test_a_torn_header_is_no_incident_yet_and_the_next_save_mends_it(path: Path) -> None:
    detected().save(path)
    data = path.read_bytes()
    for end in range(1, data.index(b"\n"), 7):
        path.write_bytes(data[:end])
        with pytest.warns(TornJournal), pytest.raises(ValueError, match="holds no incident"):
            Incident.load(path)
        detected().save(path)
        assert path.read_bytes() == data


# --- on disk when it returns ---------------------------------------------------------------------


def test_a_save_asks_the_disk_for_the_data_and_then_for_the_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def fsync(handle: int) -> None:
        status = os.fstat(handle)
        asked.append(("folder", 0) if stat.S_ISDIR(status.st_mode) else ("file", status.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    for incident in (NEW, detected(), detected()):
        asked.clear()
        incident.save(path)
        wanted = [("file", path.stat().st_size)] + ([("folder", 0)] if os.name == "posix" else [])
        assert asked == wanted


SAVES = """
import sys
from datetime import UTC, datetime
from oncall.incident import Incident
from oncall.slo import SLO

at = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
incident = Incident("INC-001", "t", SLO("availability", 0.999), "s", at)
for count in range(1, 201):
    incident = incident.note(f"note {count} " + "x" * (count * 37 % 400), at=at, by="ana")
    incident.save(sys.argv[1])
    print(count, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_during_200_saves_loses_nothing_that_had_returned(path: Path, seed: int) -> None:
    moment = random.Random(seed)
    process = subprocess.Popen(
        [sys.executable, "-c", SAVES, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(journal.__file__).parents[1],
    )
    assert process.stdout is not None
    wait_for = moment.randint(1, 190)
    returned = [process.stdout.readline() for _ in range(wait_for)]
    time.sleep(moment.random() * 0.004)
    process.kill()
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    last = int((returned + rest.split("\n")[:-1])[-1])
    incident, _ = load_quietly(path)
    assert wait_for <= last <= len(incident.events) <= last + 1
    for number, event in enumerate(incident.events, 1):
        assert event.get("text").startswith(f"note {number} ")
    note(incident).save(path)
    assert load_quietly(path) == (note(incident), False)


# --- disks that are full, folders that are read-only ---------------------------------------------


@contextlib.contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Cut off each write at ``size`` bytes of its file and let it fail, as a full disk does."""
    reason = "this system has no file size limit to simulate a full disk with"
    resource = pytest.importorskip("resource", reason=reason)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full_at_every_byte(path: Path, before: bytes, after: Incident) -> Iterator[int]:
    """Save with the disk full after each byte in turn; the save fails, the file stays as it is."""
    path.write_bytes(before)
    after.save(path)
    data = path.read_bytes()
    for size in range(before.rfind(b"\n") + 1, len(data)):
        path.write_bytes(before)
        with files_end_at(size), pytest.raises(OSError, match=r"File too large|No space"):
            after.save(path)
        yield size


def test_a_disk_that_fills_at_any_byte_leaves_a_file_that_loads(path: Path) -> None:
    before = note(detected(), "Zürich 🔥")
    after = note(note(before, "ä"), "second of two")
    before.save(path)
    prefixes = [before, note(before, "ä"), after]
    for _ in full_at_every_byte(path, path.read_bytes(), after):
        assert load_quietly(path)[0] in prefixes
        after.save(path)
        assert load_quietly(path) == (after, False)


def test_a_disk_that_fills_over_an_old_tear_leaves_a_file_that_loads(path: Path) -> None:
    """New lines in front of an old tear would make a bad line of it, so nothing would load."""
    before = detected()
    after = note(note(before, "a"), "b")
    before.save(path)
    tear = b'{"at": "2024-12-04T23:50:00Z", "by": "ana", "verb": "note", "text": "' + b"7" * 400
    torn = path.read_bytes() + tear
    for _ in full_at_every_byte(path, torn, after):
        assert load_quietly(path)[0] in [before, note(before, "a"), after]


def test_a_disk_that_fills_in_the_header_leaves_a_file_that_can_be_saved_into(path: Path) -> None:
    for _ in full_at_every_byte(path, b"", NEW):
        NEW.save(path)
        assert load_quietly(path) == (NEW, False)


def test_a_disk_that_is_full_only_when_it_syncs_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected().save(path)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            note(detected()).save(path)
    assert load_quietly(path)[0] in (detected(), note(detected()))
    note(detected()).save(path)
    assert load_quietly(path) == (note(detected()), False)


def test_what_json_cannot_hold_fails_before_anything_is_written(path: Path) -> None:
    for bad in (float("nan"), {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            journal.append(path, [{"text": "sound"}, {"burn": bad}])
        assert not path.exists()


def in_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file" / "journal.jsonl"


def in_no_folder(tmp_path: Path) -> Path:
    return tmp_path / "no such folder" / "journal.jsonl"


@pytest.mark.parametrize("where", [in_a_file, in_no_folder])
def test_where_no_file_can_be_made_the_error_names_the_path(
    tmp_path: Path, where: Callable[[Path], Path]
) -> None:
    record = detected()
    with pytest.raises(OSError, match=r"journal\.jsonl"):
        record.save(where(tmp_path))
    assert record == detected()


def test_in_a_read_only_folder_a_save_fails_by_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To root nothing is read-only: let opening fail as it would.
    if os.name != "posix" or os.geteuid() == 0:

        def refuse(file: Any, *arguments: Any, **named: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

        monkeypatch.setattr("builtins.open", refuse)
    else:
        path.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"journal\.jsonl"):
            detected().save(path)
    finally:
        monkeypatch.undo()
        path.parent.chmod(0o700)
    assert list(path.parent.iterdir()) == []
    detected().save(path)
    assert Incident.load(path) == detected()
