"""The command line: the shift that it plays, what is installed, and how it ends."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from command_line import ROOT, Captured, Done, oncall, oncall_unread, run, write_counts

from oncall.cli.verbs import OPTIONAL, REQUIRED
from oncall.gameday.bundled import SCENARIOS


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """``python -S -m oncall``, run once."""
    return oncall(cwd=tmp_path_factory.mktemp("bare"))


# --- the shift -----------------------------------------------------------------------------------


def test_without_a_verb_it_plays_a_shift_from_a_to_f_with_nothing_installed(plain: Done) -> None:
    text = plain.stdout.decode("utf-8")
    assert (plain.returncode, plain.stderr) == (0, b"")
    headings = [line for line in text.splitlines() if line[1:3] == "  " and line[0] != " "]
    assert [line[0] for line in headings] == list("ABCDEF")
    for reading in ("99.7%", "0.30x", "page, sev1", "regression-INC-001"):
        assert reading in text
    for step in ("50% →  85%", "85% →  95%", "95% → 100%"):
        assert step in text


def test_it_prints_the_same_bytes_twice_and_as_the_verb_shift(
    plain: Done, tmp_path: Path, capsys: Captured
) -> None:
    again = oncall("shift", cwd=tmp_path, PYTHONHASHSEED="7", LANG="C.UTF-8", TZ="Asia/Kathmandu")
    assert again.stdout == plain.stdout
    for arguments in ([], ["shift", "--seed", "1"]):
        assert run(capsys, *arguments)[1].encode() == plain.stdout


def test_no_line_is_wider_than_80_columns(plain: Done) -> None:
    for line in plain.stdout.decode("utf-8").splitlines():
        assert len(line) <= 80
        assert not any(unicodedata.east_asian_width(letter) in "WF" for letter in line)
        assert line == line.rstrip()


def test_a_terminal_that_knows_only_ascii_still_shows_it(plain: Done, tmp_path: Path) -> None:
    shown = oncall(cwd=tmp_path, LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (shown.returncode, shown.stderr) == (0, b"")
    letters = [letter if letter.isascii() else "?" for letter in plain.stdout.decode("utf-8")]
    assert shown.stdout.decode("ascii") == "".join(letters)


def test_a_reader_that_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    done = oncall_unread(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["report", "counts.csv", "--target", "0.99", "--fail"], 0),
        (["report", "counts.csv", "--target", "0.991", "--fail"], 1),
        (["gate", "."], 1),
        (["check"], 1),  # nothing is installed without site-packages
        (["scenarios"], 0),
    ],
)
def test_a_reader_that_stops_reading_does_not_change_the_verdict(
    arguments: list[str], status: int, unbuffered: str, tmp_path: Path
) -> None:
    write_counts(tmp_path / "counts.csv")
    done = oncall_unread(*arguments, cwd=tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.skipif(os.name != "posix", reason="closes a file descriptor the POSIX way")
def test_without_any_stdout_it_still_ends_well(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "oncall", "scenarios"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        preexec_fn=lambda: os.close(1),
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_another_seed_is_another_night(capsys: Captured) -> None:
    one, other = run(capsys, "shift")[1], run(capsys, "shift", "--seed", "2")[1]
    assert "seed 2" in other
    assert one != other


def test_ctrl_c_ends_it_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("oncall.cli.verbs.run_shift", interrupted)
    assert run(capsys, "shift") == (130, "", "")


def test_the_scenarios_are_listed_a_line_each(capsys: Captured) -> None:
    status, text, _ = run(capsys, "scenarios")
    assert status == 0
    assert [line.split()[0] for line in text.splitlines()] == list(SCENARIOS)
    assert all(scenario.title in text for scenario in SCENARIOS.values())


def test_shift_all_is_a_table_of_every_scenario_within_80_columns(capsys: Captured) -> None:
    status, text, err = run(capsys, "shift", "--all")
    lines = text.splitlines()
    assert (status, err) == (0, "")
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == list(SCENARIOS)
    assert " ".join(lines[1].split()) == "provider_outage sev1 18m 2m 37m 55m 33,125 100"
    points = [int(line.split()[-1]) for line in lines[1:] if line[0] != " "]
    assert min(points) >= 60  # a told night that comes back is the hardest for who plays blind
    assert sum(points) / len(points) >= 93


# --- check ---------------------------------------------------------------------------------------


def test_check_says_what_is_there(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"1.2.{len(name)}")
    status, text, _ = run(capsys, "check")
    assert status == 0
    for name in (*REQUIRED, *OPTIONAL):
        [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        assert f"1.2.{len(name)}" in line
    assert "missing" not in text
    assert text.splitlines()[-1] == "The notebooks can run."


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL])
def test_check_says_what_is_missing_and_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def version(asked: str) -> str:
        if asked == name:
            raise importlib.metadata.PackageNotFoundError(asked)
        return "1.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    status, text, _ = run(capsys, "check")
    assert f"missing: pip install {name}" in text
    assert status == (1 if name in REQUIRED else 0)
    assert (f"The notebooks lack {name}" in text) is (name in REQUIRED)


# --- for the shell -------------------------------------------------------------------------------


def test_the_exit_status_reaches_the_shell(tmp_path: Path) -> None:
    done = oncall("report", "nope.csv", "--target", "0.99", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"oncall: nope.csv: No such file or directory\n"


@pytest.mark.parametrize(
    "verb", [[], ["shift"], ["drill"], ["scenarios"], ["report"], ["gate"], ["check"]], ids=" ".join
)
def test_help_explains_every_verb(verb: list[str], capsys: Captured) -> None:
    status, text, err = run(capsys, *verb, "--help")
    assert (status, err) == (0, "")
    assert text.startswith(f"usage: oncall {' '.join(verb)}".strip())
