"""One writer at a time: locks, and processes that write one file, killed at any moment.

``ONCALL_WRITERS=60`` lets the processes write for a minute and kills 200 of them.
"""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import ROOT
from incident_verbs import START, after
from recorded_outage import outage

from oncall import files, journal
from oncall.files import locked, replacing, write_text
from oncall.incident import Incident
from oncall.regression import load_case, save_case, to_eval_case, to_prompt_case

SECONDS = float(os.environ.get("ONCALL_WRITERS", "2"))
KILLS = 200 if SECONDS > 30 else 8
HAS_KILL = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


# --- the lock ------------------------------------------------------------------------------------


def lock_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith("-lock")]


def test_a_second_writer_is_refused_at_once_or_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    with locked(path):
        for link in (path, tmp_path / "." / "j", tmp_path / "link"):
            if link.name == "link":
                link.symlink_to(path)
            refused = rf"another process is writing to it; let it finish, .*{link.name}"
            with pytest.raises(BlockingIOError, match=refused), locked(link, wait=False):
                pass
        monkeypatch.setattr(files, "_PAUSES", 2)
        with pytest.raises(BlockingIOError), locked(path):
            pass
    assert lock_files(tmp_path) == []
    with locked(path, wait=False):
        assert lock_files(tmp_path) == [".j.oncall-lock"]


def test_who_waits_gets_it_when_the_first_is_done(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "j"):
            order.append("second")

    with locked(tmp_path / "j"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_an_error_ends_it_and_what_a_killed_holder_left_is_no_obstacle(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "j"):
        1 / 0  # noqa: B018
    (tmp_path / ".j.oncall-lock").touch()
    with locked(tmp_path / "j", wait=False):
        pass
    assert lock_files(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux only")
def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        write_text(tmp_path / "x", str(number))
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_folder_must_be_there_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere/j"), locked(tmp_path / "nowhere" / "j"):
        pass


def test_in_a_browser_nothing_is_locked_and_all_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setitem(sys.modules, "fcntl", None)  # an import of it fails
    with locked(tmp_path / "j"):
        after("detect").save(tmp_path / "k")
    assert Incident.load(tmp_path / "k") == after("detect")


def test_on_windows_it_locks_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: set[str] = set()

    def locking(handle: int, mode: int, size: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}")
        if name in held:
            raise PermissionError(13, "Permission denied")
        held.add(name)
        assert (mode, size) == (2, 1)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    with locked(tmp_path / "j"), pytest.raises(BlockingIOError), locked(tmp_path / "j", wait=False):
        pass


# --- what is replaced ----------------------------------------------------------------------------


def test_a_file_that_is_replaced_keeps_its_mode_and_the_links_to_it(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "x", "old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="x"):
        write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "old"


def test_an_error_in_the_block_leaves_the_old_and_a_device_is_written_to(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "x") as file:
        file.write(str(1 / 0))
    assert (tmp_path / "x").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    with replacing("/dev/null") as file:
        file.write("gone")


def test_half_a_surrogate_pair_in_a_sample_does_not_cost_the_case(tmp_path: Path) -> None:
    path, at = tmp_path / "c.json", after("detect").events[-1].at
    save_case(to_eval_case(outage()), path)
    odd = after("detect").sample("q\ud83d", "bad", "good", at=at, by="m")
    case = to_prompt_case(odd, must_contain=["good"])
    save_case(case, path)
    assert load_case(path) == case


# --- processes -----------------------------------------------------------------------------------

NOTES = """
import sys, time
from datetime import UTC, datetime
from oncall.incident import Incident

path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
at, number, end = datetime(2024, 12, 5, tzinfo=UTC), 0, time.monotonic() + seconds
while time.monotonic() < end:
    incident = Incident.load(path).note(f"{name} {number}", at=at, by=name)
    try:
        incident.save(path)
    except ValueError as error:  # the other was quicker: load again
        assert "holds another record" in str(error), error
        print("refused", flush=True)
    else:
        print(number, flush=True)
        number += 1
"""
CASES = """
import sys, time
from oncall.regression import PromptCase, save_case

path, name, end = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
case = PromptCase(name, name * 5000, "bad", "good", must_contain=("good",))
while time.monotonic() < end:
    save_case(case, path)
    print(1, flush=True)
"""


@contextmanager
def processes(code: str, path: Path, names: list[str]) -> Iterator[list[subprocess.Popen[str]]]:
    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", code, str(path), name, str(SECONDS)]
        pipe: Any = subprocess.PIPE
        with open(path.with_name(f"said by {name}"), "w", encoding="utf-8") as said:
            return subprocess.Popen(command, stdout=said, stderr=pipe, text=True, cwd=ROOT)

    started = [start(name) for name in names]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def acknowledged(path: Path, name: str) -> list[str]:
    """The notes whose saving had returned in a process, by what it printed, in whole lines."""
    said = path.with_name(f"said by {name}").read_text(encoding="utf-8").rpartition("\n")[0]
    return [f"{name} {word}" for word in said.split() if word != "refused"]


def texts(path: Path) -> list[str]:
    return [event.get("text") for event in Incident.load(path).events_of("note")]


@pytest.mark.parametrize("writers", [2, 3])
def test_whatever_was_saved_is_there_once_and_in_order(writers: int, tmp_path: Path) -> None:
    path = tmp_path / "j"
    after("detect").save(path)
    names = ["ana", "bo", "chen"][:writers]
    with processes(NOTES, path, names) as started:
        errors = [process.communicate()[1] for process in started]
    kept = texts(path)
    for name, err in zip(names, errors, strict=True):
        assert err == ""
        saved = acknowledged(path, name)
        assert saved == [text for text in kept if text.startswith(f"{name} ")]
        assert saved, f"{name} was never let in"
    assert lock_files(tmp_path) == []


@HAS_KILL
def test_kills_among_writers_lose_nothing_that_had_returned(tmp_path: Path) -> None:
    path, chance = tmp_path / "j", random.Random(1)
    after("detect").save(path)
    returned: list[str] = []
    for kill in range(KILLS):
        names = [f"{name}{kill}" for name in ("ana", "bo")]
        with processes(NOTES, path, names) as started:
            while not any(acknowledged(path, name) for name in names):
                time.sleep(0.01)
            time.sleep(chance.random() * 0.2)
            started[kill % 2].kill()
            time.sleep(chance.random() * 0.05)
        for name in names:
            returned += acknowledged(path, name)
    after_all = Incident.load(path) if path.exists() else None
    assert after_all is not None
    kept = texts(path)
    assert len(set(kept)) == len(kept)
    assert not set(returned) - set(kept)
    assert len(kept) <= len(returned) + 2 * KILLS  # and at most the one that each was about
    after_all.note("the end", at=START.replace(year=2025), by="ana").save(path)


def test_a_case_that_several_write_is_always_one_whole_case(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with processes(CASES, path, ["a", "b", "c"]) as started:
        seen = set()
        while any(process.poll() is None for process in started):
            if path.exists():
                case = load_case(path)
                assert set(case.input) == {case.id}  # type: ignore[union-attr]
                seen.add(case.id)
        errors = [process.communicate()[1] for process in started]
    assert errors == ["", "", ""]
    assert all(acknowledged(path, name) for name in "abc")
    assert len(seen) > 1
    assert lock_files(tmp_path) == []


def test_what_another_appends_meanwhile_is_not_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race of two writers, step by step: the second comes while the first has read."""
    path = tmp_path / "j"
    base = after("detect")
    base.save(path)
    mine = base.note("A", at=base.events[-1].at, by="A")
    other = base.note("B", at=base.events[-1].at, by="B")
    real, came = journal.read_bytes, []

    def read(*words: Any) -> bytes:
        data = real(*words)
        if not came:
            came.append(1)
            monkeypatch.setattr(files, "_PAUSES", 1)
            with pytest.raises(BlockingIOError):
                other.save(path)
        return data

    monkeypatch.setattr(journal, "read_bytes", read)
    mine.save(path)
    assert texts(path) == ["A"]
    with pytest.raises(ValueError, match="holds another record"):
        other.save(path)
    assert texts(path) == ["A"]


@HAS_KILL
def test_a_drill_whose_player_was_killed_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "night"
    command = [sys.executable, "-S", "-m", "oncall", "drill", "--save", str(path)]
    pipe: Any = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    assert process.stdin
    assert process.stdout
    process.stdin.write("wait 5\n")
    process.stdin.flush()
    while process.stdout.readline() != "" and not path.exists():
        pass
    time.sleep(0.3)
    resume = [*command[:5], "--resume", str(path)]
    second = subprocess.run(resume, input="quit\n", capture_output=True, text=True, cwd=ROOT)
    assert (second.returncode, second.stdout) == (2, "")
    assert "another process is writing to it" in second.stderr
    process.kill()
    process.communicate()
    third = subprocess.run(resume, input="quit\n", capture_output=True, text=True, cwd=ROOT)
    assert (third.returncode, third.stderr) == (0, "")
