"""The command line as tests run it: in a process of its own, or in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oncall.cli import main

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]
Done = subprocess.CompletedProcess[bytes]


def oncall(*arguments: str, cwd: Path, **environment: str) -> Done:
    """The command in a bare checkout: no site-packages, and another working directory."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "oncall", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        check=False,
    )


def oncall_unread(*arguments: str, cwd: Path, **environment: str) -> Done:
    """The same with a reader that has stopped reading, as ``head`` does."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        return subprocess.run(
            [sys.executable, "-S", "-m", "oncall", *arguments],
            cwd=cwd,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | environment,
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the command, run in this process."""
    try:
        status = main(arguments)
    except SystemExit as left:  # argparse's own way out
        status = int(left.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def write_counts(path: Path, without: tuple[int, ...] = ()) -> Path:
    """An hour of counts, of which 1 % failed, but for some of its minutes."""
    minutes = [minute for minute in range(60) if minute not in without]
    rows = [f"2025-03-03T00:{minute:02}:00Z,990,1000" for minute in minutes]
    path.write_text("\n".join(["start,good,total", *rows, ""]), encoding="utf-8")
    return path
