"""Exit status and streams, as processes: 0, 1, 2 and 130, whatever becomes of what is printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ROOT, Captured, oncall_unread, run, write_counts

from oncall.cli import command
from oncall.regression import PromptCase, save_case

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these are streams of POSIX systems")

# Each verb, what its status is, and what it answers with a stream that takes everything.
VERBS = {
    "shift": (["shift"], 0),
    "scenarios": (["scenarios"], 0),
    "report": (["report", "{counts}", "--target", "0.9"], 0),
    "report, missed": (["report", "{counts}", "--target", "0.999", "--fail"], 1),
    "gate": (["gate", "{case}"], 1),
    "drill": (["drill"], 0),
    "help": (["--help"], 0),
    "help of a verb": (["drill", "--help"], 0),
    "version": (["--version"], 0),
    "bad option": (["shift", "--seeed", "3"], 2),
    "bad verb": (["shfit"], 2),
    "no file": (["report", "nope.csv", "--target", "0.9"], 2),
}
EVERY = pytest.mark.parametrize("name", VERBS)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("streams")
    case = PromptCase("x", "q", "bad", "good", must_contain=("good",))
    save_case(case, folder / "case.json")
    counts = write_counts(folder / "counts.csv")
    return {"counts": str(counts), "case": str(folder / "case.json"), "folder": str(folder)}


def shell(
    name: str, words: dict[str, str], redirect: str, **environment: str
) -> tuple[int, str, str]:
    """Status, stdout and stderr of a verb under a shell's redirections."""
    line = " ".join(word.format(**words) for word in VERBS[name][0])
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -S -m oncall {line} {redirect}"],
        cwd=words["folder"],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()


def is_brief(err: str) -> bool:
    """Whether it is nothing, or at most three lines of ours that are not long."""
    lines = err.splitlines()
    return len(lines) <= 3 and all(len(line) < 700 for line in lines) and "Traceback" not in err


@EVERY
def test_a_full_disk_is_said_and_a_no_stays_a_no(name: str, words: dict[str, str]) -> None:
    status, out, err = shell(name, words, ">/dev/full")
    assert (status, out) == (VERBS[name][1] or 2, "")
    assert is_brief(err)
    if VERBS[name][1] < 2:
        assert err == "oncall: standard output: No space left on device\n"


@EVERY
def test_a_closed_standard_output_changes_no_verdict(name: str, words: dict[str, str]) -> None:
    status, _, err = shell(name, words, ">&-")
    assert status == VERBS[name][1]
    assert is_brief(err) or "help" in name  # which argparse then prints there


@EVERY
def test_a_reader_who_has_gone_changes_no_verdict(name: str, words: dict[str, str]) -> None:
    arguments = [word.format(**words) for word in VERBS[name][0]]
    done = oncall_unread(*arguments, cwd=Path(words["folder"]))
    assert done.returncode == VERBS[name][1]
    assert (done.stderr == b"") == (VERBS[name][1] < 2)


@EVERY
@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full", "2>&- >&-", ">/dev/full 2>/dev/full"])
def test_an_error_goes_to_standard_error_or_nowhere(
    name: str, redirect: str, words: dict[str, str]
) -> None:
    status, out, err = shell(name, words, redirect)
    full = ">/dev/full 2" in redirect
    assert status == (VERBS[name][1] or (2 if full else 0))
    assert err == ""
    if VERBS[name][1] == 2:
        assert out == ""


def test_a_drill_without_a_keyboard_is_left(words: dict[str, str]) -> None:
    status, out, err = shell("drill", words, "<&-")
    assert (status, err) == (0, "")
    assert out.endswith("Left; nothing was kept. --save FILE keeps every action.\n")


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict", "ascii"])
def test_a_bad_byte_at_the_keyboard_is_a_character(encoding: str, words: dict[str, str]) -> None:
    (Path(words["folder"]) / "typed").write_bytes(b"note caf\xe9 \xff\nwait 5\nquit\n")
    status, out, err = shell("drill", words, "<typed", PYTHONIOENCODING=encoding)
    assert (status, err) == (0, "")
    assert "16:05 · the shift ends" in out.replace("?", "·")


def test_a_word_of_ten_megabytes_is_answered_at_once(words: dict[str, str]) -> None:
    (Path(words["folder"]) / "typed").write_text("x" * 10_000_000 + "\nwait 5\nquit\n")
    status, out, err = shell("drill", words, "<typed")
    assert (status, err) == (0, "")
    assert "an action of 10,000,000 characters; give at most 4,000" in out
    assert "16:05 · the shift ends" in out.replace("?", "·")


@pytest.mark.parametrize("moment", [0.15, 0.3, 0.6])
def test_ctrl_c_is_130_and_leaves_a_drill(moment: float, words: dict[str, str]) -> None:
    for verb, statuses in (("drill", {0}), ("shift", {0, 130})):
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "oncall", verb, *(["--all"] * (verb == "shift"))],
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=words["folder"],
        )
        assert process.stdout
        if verb == "drill":
            process.stdout.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        # Before the program's first line the signal itself ends it.
        assert process.returncode in statuses or moment < 0.5, err
        assert b"Traceback" not in err or moment < 0.5


def test_what_nobody_expected_is_2_and_says_that_it_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(arguments: object) -> tuple[int, str]:
        raise KeyError("oh\n\x1b[2J")

    monkeypatch.setitem(command.VERBS, "scenarios", broken)
    status, out, err = run(capsys, "scenarios")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("oncall: KeyError at test_streams.py:")
    assert "this is a bug in oncall, please report it" in err
    assert "\x1b" not in err


def test_the_version_is_told_in_a_bare_checkout(words: dict[str, str]) -> None:
    status, out, err = shell("version", words, "")
    assert (status, err) == (0, "")
    assert out.startswith("oncall 0.")
