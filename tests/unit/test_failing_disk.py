"""A disk that fails at every write in turn: what was there before, or the whole of the new."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from command_line import Captured, run
from failing_disk import KINDS, Injected, failing, numbers
from incident_verbs import START, after, do
from recorded_outage import outage

from oncall import journal
from oncall.cli.artefacts import write_artefacts
from oncall.counts import Counts
from oncall.gameday import SCENARIOS, Shift, parse_scenario, reference, run_shift
from oncall.gameday.scoring import score
from oncall.incident import Incident
from oncall.regression import save_case, to_eval_case
from oncall.times import MINUTE
from oncall.workbook import cards
from oncall.workbook.cockpit import Cockpit

OLD, NEW = after("detect"), do(do(after("detect"), "note", "one"), "note", "two " * 3000)
ERRORS = {code: OSError(code, os.strerror(code)) for code in (errno.ENOSPC, errno.EIO)}
SHORT = (
    'name = "short"\nstart = 2025-03-04T08:00:00Z\nlength = "2h"\n'
    "slo = { target = 0.99 }\ntraffic = { requests = 1200, errors = 0.003 }\n"
    'faults = [{ symptom = "model_provider_outage", start = "30m", error_ratio = 0.5 }]\n'
)


@dataclass(frozen=True)
class Write:
    """Something that writes: how the folder is before, and what is done in it."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    same: Callable[[Path], object] = lambda folder: contents(folder)  # what counts as its state


def contents(folder: Path) -> dict[str, bytes]:
    """The files that people see, by name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in names.items() if "/." not in f"/{name}"}


def nothing(folder: Path) -> None:
    """An empty folder."""


def events(folder: Path) -> object:
    """A journal by what it tells: a torn end counts for nothing."""
    path = folder / "j"
    return list(journal.read(path, warn=False).values()) if path.exists() else []


def torn(folder: Path) -> None:
    OLD.save(folder / "j")
    with open(folder / "j", "ab") as file:
        file.write(b'{"at": "2024-12-')


def counts(bad: int) -> Counts:
    return Counts(START, MINUTE, [100 - bad] * 500, [100] * 500)


@cache
def played() -> Cockpit:
    return Cockpit(SCENARIOS["quiet_shift"], seed=1)


CASE = to_eval_case(outage())
WRITES = {
    "journal, new": Write(nothing, lambda f: NEW.save(f / "j"), events),
    "journal, grown": Write(lambda f: OLD.save(f / "j"), lambda f: NEW.save(f / "j"), events),
    "journal, torn": Write(torn, lambda f: NEW.save(f / "j"), events),
    "case, new": Write(nothing, lambda f: save_case(CASE, f / "evals" / "c.json")),
    "case, over": Write(lambda f: (f / "c").write_text("old"), lambda f: save_case(CASE, f / "c")),
    "counts, over": Write(
        lambda f: counts(1).write_csv(f / "c"), lambda f: counts(2).write_csv(f / "c")
    ),
    "cockpit": Write(
        lambda f: (f / "script").write_text("old"), lambda f: played().save(f / "script")
    ),
}
EVERY = pytest.mark.parametrize("name", WRITES)


def whole(write: Write, folder: Path) -> object:
    """The state of a folder after the write, undisturbed."""
    folder.mkdir()
    write.before(folder)
    write.act(folder)
    return write.same(folder)


def fails(write: Write, folder: Path) -> bool:
    try:
        write.act(folder)
    except (OSError, KeyboardInterrupt):
        return True
    return False


@EVERY
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_there_or_the_whole_of_the_new(name: str, kind: str, tmp_path: Path) -> None:
    write = WRITES[name]
    new = whole(write, tmp_path / "whole")
    (tmp_path / "counted").mkdir()
    write.before(tmp_path / "counted")
    calls = numbers(kind, lambda: write.act(tmp_path / "counted"))
    for error in (*ERRORS.values(), KeyboardInterrupt()):
        for number in calls:
            folder = tmp_path / f"{type(error).__name__}{error.args[:1]}{number}"
            folder.mkdir()
            write.before(folder)
            old = write.same(folder)
            injected = Injected(kind, number, error)
            with failing(injected):
                failed = fails(write, folder)
            assert injected.came or not failed
            assert write.same(folder) in ((old, new) if failed else (new,))
            write.act(folder)
            assert write.same(folder) == new, "the next one succeeds, whatever was left"


# --- the verbs -----------------------------------------------------------------------------------


@cache
def short(seed: int) -> Shift:
    return run_shift(parse_scenario(SHORT), seed, reference)


def leave(seed: int, folder: Path) -> None:
    """Leave the artefacts of a short shift in a folder, as the command does."""
    shift = short(seed)
    scores = [score(incident, incident) for incident in shift.incidents]
    write_artefacts(shift, f"seed {seed}\n", scores, folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", [False, True], ids=["new", "over"])
def test_every_artefact_of_a_shift_is_the_old_one_or_the_new_one(
    kind: str, over: bool, tmp_path: Path
) -> None:
    leave(2, tmp_path / "whole")
    new = contents(tmp_path / "whole")
    if over:
        leave(1, tmp_path / "counted")
    calls = numbers(kind, lambda: leave(2, tmp_path / "counted"), 12)
    for number in calls:
        folder = tmp_path / str(number)
        if over:
            leave(1, folder)
        old = contents(folder)
        injected = Injected(kind, number, ERRORS[errno.ENOSPC])
        with failing(injected), suppress(OSError):
            leave(2, folder)
        for name, data in contents(folder).items():
            assert name == "manifest.json" or data in (old.get(name), new[name]), name
        assert set(old) <= set(contents(folder)), "nothing is gone"
        leave(2, folder)
        assert contents(folder) == new, "the next one succeeds, whatever was left"
        assert injected.came or number == calls[-1]


@pytest.mark.parametrize("kind", ["open", "write", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("error", [*ERRORS.values(), KeyboardInterrupt()], ids=repr)
def test_a_verb_that_cannot_write_ends_with_one_line(
    kind: str, error: BaseException, tmp_path: Path, capsys: Captured
) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text(SHORT, encoding="utf-8")
    with failing(Injected(kind, 1, error)):
        words = ("shift", "--scenario", str(scenario), "--out", str(tmp_path / "out"))
        status, out, err = run(capsys, *words)
    assert out == ""
    if isinstance(error, KeyboardInterrupt):
        assert (status, err) == (130, "")
    else:
        assert (status, err.count("\n")) == (2, 1)
        assert err.startswith("oncall: ")


TYPED = "wait 5\nnote all is well\nwait 7\nquit\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["--save", "--resume"])
def test_a_drill_keeps_what_it_answered_whatever_fails(
    option: str, kind: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 99):
        path = tmp_path / str(number)
        monkeypatch.setattr("sys.stdin", io.StringIO("wait 1\nquit\n"))
        if option == "--resume":
            assert run(capsys, "drill", "--save", str(path))[0] == 0
        old = list(journal.read(path).values()) if path.exists() else []
        monkeypatch.setattr("sys.stdin", io.StringIO(TYPED))
        injected = Injected(kind, number, ERRORS[errno.EIO])
        with failing(injected):
            status, out, err = run(capsys, "drill", option, str(path))
        kept = list(journal.read(path, warn=False).values()) if path.exists() else []
        assert kept[: len(old)] == old
        assert status == (2 if err else 0)
        assert err.count("\n") <= 1
        answered = out.count("> ") - 2 if status else 3  # the last prompt failed, or quit
        begun = 0 if option == "--resume" else 1
        assert len(kept) >= len(old) + begun + answered or not kept
        if not injected.came:
            assert status == 0
            return
    raise AssertionError("it never ended")


def test_the_page_of_cards_is_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(journal.__file__).parents[1])
    page = tmp_path / "cards.html"
    cards.main([str(page)])
    new = page.read_bytes()
    for kind in KINDS:
        page.write_bytes(b"old")
        with failing(Injected(kind, 1, ERRORS[errno.EIO])):
            try:
                cards.main([str(page)])
            except OSError:
                assert page.read_bytes() in (b"old", new)


def test_the_journal_of_a_full_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "j"
    OLD.save(path)
    full = Injected("write", 1, ERRORS[errno.ENOSPC])
    with failing(full), pytest.raises(OSError, match="No space left"):
        NEW.save(path)
    assert Incident.load(path) == OLD
    NEW.save(path)
    assert Incident.load(path) == NEW
