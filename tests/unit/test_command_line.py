"""The command line: what each verb prints and writes, its exit status, and one line for every bad input."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from oncall.catalogue import RUNBOOKS
from oncall.cli import main
from oncall.cli.verbs import OPTIONAL, REQUIRED
from oncall.counts import read_csv
from oncall.gameday.bundled import SCENARIOS
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import load_case, prove

ROOT = Path(__file__).parents[2]
AUTOMATED = [mitigation.name for mitigation in RUNBOOKS["model_provider_outage"].mitigations]
ARTEFACTS = ["counts.csv", "evals", "journal.jsonl", "postmortem.md", "score.txt", "shift.txt"]
Captured = pytest.CaptureFixture[str]


def oncall(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a user runs it in a bare checkout: no site-packages, another working directory."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "oncall", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | environment,
        capture_output=True,
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


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[bytes]:
    """``python -S -m oncall``, run once."""
    return oncall(cwd=tmp_path_factory.mktemp("bare"))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """An hour of counts, of which 1 % failed."""
    rows = [f"2025-03-03T00:{minute:02}:00Z,990,1000" for minute in range(60)]
    (tmp_path / "counts.csv").write_text(
        "\n".join(["start,good,total", *rows, ""]), encoding="utf-8"
    )
    return tmp_path / "counts.csv"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the artefacts of a shift."""
    folder = tmp_path_factory.mktemp("shift") / "made" / "as needed"
    assert main(["shift", "--out", str(folder)]) == 0
    return folder


# --- the shift -----------------------------------------------------------------------------------


def test_without_a_verb_it_plays_a_shift_from_a_to_f_with_nothing_installed(
    plain: subprocess.CompletedProcess[bytes],
) -> None:
    text = plain.stdout.decode("utf-8")
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert [line[0] for line in text.splitlines() if line[1:3] == "  " and line[0] != " "] == list(
        "ABCDEF"
    )
    for said in (
        "99.7%",
        "0.30x",
        "page, sev1",
        "50% →  85%",
        "85% →  95%",
        "95% → 100%",
        "regression-INC-001",
    ):
        assert said in text


def test_it_prints_the_same_bytes_twice_and_as_the_verb_shift(
    plain: subprocess.CompletedProcess[bytes], tmp_path: Path, capsys: Captured
) -> None:
    again = oncall("shift", cwd=tmp_path, PYTHONHASHSEED="7", LANG="C.UTF-8", TZ="Asia/Kathmandu")
    assert again.stdout == plain.stdout
    assert (
        run(capsys)[1].encode() == run(capsys, "shift", "--seed", "1")[1].encode() == plain.stdout
    )


def test_no_line_is_wider_than_80_columns(plain: subprocess.CompletedProcess[bytes]) -> None:
    for line in plain.stdout.decode("utf-8").splitlines():
        assert len(line) <= 80
        assert not any(unicodedata.east_asian_width(letter) in "WF" for letter in line)
        assert line == line.rstrip()


def test_a_terminal_that_knows_only_ascii_still_shows_it(
    plain: subprocess.CompletedProcess[bytes], tmp_path: Path
) -> None:
    shown = oncall(cwd=tmp_path, LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (shown.returncode, shown.stderr) == (0, b"")
    whole = plain.stdout.decode("utf-8")
    assert shown.stdout.decode("ascii") == "".join(
        letter if letter.isascii() else "?" for letter in whole
    )


def test_a_reader_that_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-S", "-m", "oncall"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
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
    arguments: list[str], status: int, unbuffered: str, csv: Path
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-S", "-m", "oncall", *arguments],
            cwd=csv.parent,
            env={
                "PYTHONPATH": str(ROOT),
                "PATH": os.environ["PATH"],
                "PYTHONUNBUFFERED": unbuffered,
            },
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
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
    assert lines[1].split() == [
        "provider_outage",
        "sev1",
        "18m",
        "3m",
        "11m",
        "29m",
        "21,574",
        "100",
    ]
    assert (
        sum(line.endswith(" 100") for line in lines) == len(lines) - 2
    )  # all but the heading and the quiet shift


# --- what a shift leaves -------------------------------------------------------------------------


def test_a_shift_leaves_its_artefacts(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == ARTEFACTS
    assert [path.name for path in (out / "evals").iterdir()] == ["regression-INC-001.json"]


def test_the_artefacts_are_the_shift_s(
    out: Path, plain: subprocess.CompletedProcess[bytes]
) -> None:
    incident = Incident.load(out / "journal.jsonl")
    text = (out / "postmortem.md").read_text(encoding="utf-8")
    assert read_csv(out / "counts.csv") is not None
    assert incident.postmortem == text
    assert lint_postmortem(text) == []
    assert prove(
        load_case(out / "evals" / "regression-INC-001.json"), incident, read_action_items(text)
    ).passed
    assert (out / "shift.txt").read_bytes() == plain.stdout
    assert "100 of 100" in (out / "score.txt").read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_second_shift_into_the_same_folder_leaves_the_same(out: Path, capsys: Captured) -> None:
    before = contents(out)
    assert run(capsys, "shift", "--out", str(out))[0] == 0
    assert contents(out) == before


def test_another_shift_replaces_the_artefacts_and_touches_nothing_else(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "evals").mkdir()
    own = {
        "journal-of-mine.jsonl": "a",
        "postmortem-template.md": "b",
        "evals/regression-INC-2024.json": "c",
        "x": "d",
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run(capsys, "shift", "--out", str(tmp_path))
    first = contents(tmp_path)
    status, text, _ = run(capsys, "shift", "--seed", "2", "--out", str(tmp_path))
    second = contents(tmp_path)
    assert status == 0
    assert {name: second[name].decode() for name in own} == own
    assert set(first) == set(second)
    assert all(first[name] != second[name] for name in ("counts.csv", "journal.jsonl", "shift.txt"))
    written = " ".join(text.split()).partition("Written to ")[2]  # a long path wraps the line
    assert "journal.jsonl" in written
    assert "journal-of-mine" not in written


# --- report --------------------------------------------------------------------------------------


def test_report_tells_and_fails_only_when_asked_to(csv: Path, capsys: Captured) -> None:
    for target, status in (("0.99", 0), ("0.991", 1)):
        plain_status, text, err = run(capsys, "report", str(csv), "--target", target)
        assert (plain_status, err) == (0, "")
        assert "SLI        99.0000%" in text
        assert run(capsys, "report", str(csv), "--target", target, "--fail")[0] == status


def test_report_takes_another_period_name_and_columns(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "odd.csv").write_text(
        "when,ok,n\n2025-03-03T00:00:00Z,9,10\n2025-03-03T00:01:00Z,9,10\n"
    )
    more = [
        "--period",
        "7d",
        "--name",
        "latency",
        "--start",
        "when",
        "--good",
        "ok",
        "--total",
        "n",
    ]
    status, text, _ = run(capsys, "report", str(tmp_path / "odd.csv"), "--target", "0.9", *more)
    assert status == 0
    assert "latency: 90% over 7d" in text


def test_report_notes_missing_buckets_within_80_columns(tmp_path: Path, capsys: Captured) -> None:
    rows = [
        f"2025-03-03T00:{minute:02}:00Z,9,10" for minute in range(60) if minute not in (7, 8, 9)
    ]
    (tmp_path / "gaps.csv").write_text("\n".join(["start,good,total", *rows]), encoding="utf-8")
    status, text, err = run(capsys, "report", str(tmp_path / "gaps.csv"), "--target", "0.9")
    note = " ".join(text.split()).partition("Note: ")[2]
    assert (status, err) == (0, "")
    assert "3 of 60 buckets of 1m are missing" in note
    assert all(len(line) <= 80 or str(tmp_path) in line for line in text.splitlines())


def test_report_takes_the_step_of_a_single_row_and_a_period_in_weeks(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "one.csv").write_text("start,good,total\n2025-03-03T00:00:00Z,9,10\n")
    status, text, _ = run(
        capsys,
        "report",
        str(tmp_path / "one.csv"),
        "--target",
        "0.9",
        "--step",
        "5m",
        "--period",
        "1w",
    )
    assert status == 0
    assert "90% over 7d" in text
    assert "1 buckets of 5m" in text


def test_a_target_may_be_written_in_percent(csv: Path, capsys: Captured) -> None:
    for target in ("0.999", "99.9%"):
        assert (
            "availability: 99.9% over 30d" in run(capsys, "report", str(csv), "--target", target)[1]
        )


@pytest.mark.parametrize("target", ["0.1", "50%"])
def test_a_low_target_without_a_percent_sign_is_taken_as_it_stands(
    target: str, csv: Path, capsys: Captured
) -> None:
    assert run(capsys, "report", str(csv), "--target", target)[0] == 0


# --- gate ----------------------------------------------------------------------------------------


def test_the_gate_passes_on_the_artefacts_with_the_fix_and_fails_without(
    out: Path, capsys: Captured
) -> None:
    status, text, err = run(capsys, "gate", str(out / "evals"), "--automated", *AUTOMATED)
    assert (status, err) == (0, "")
    assert text.startswith("pass  regression-INC-001: proved")
    status, text, err = run(capsys, "gate", str(out / "evals"))
    assert (status, err) == (1, "")
    assert text.startswith("FAIL  regression-INC-001: not proved")


@pytest.mark.parametrize("gone", AUTOMATED)
def test_the_gate_fails_with_any_one_automation_gone(
    gone: str, out: Path, capsys: Captured
) -> None:
    names = [name for name in AUTOMATED if name != gone]
    assert run(capsys, "gate", str(out / "evals"), "--automated", *names)[0] == 1


def test_the_gate_takes_automations_with_commas_and_from_several_options(
    out: Path, capsys: Captured
) -> None:
    first, *rest = AUTOMATED
    for form in (
        ["--automated", ",".join(AUTOMATED)],
        ["--automated", first, "--automated", *rest],
    ):
        assert run(capsys, "gate", str(out / "evals"), *form)[0] == 0


def test_a_file_may_have_the_name_of_a_mitigation(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(AUTOMATED[0]).touch()
    assert run(capsys, "gate", str(out / "evals"), "--automated", *AUTOMATED)[0] == 0


def test_the_gate_fails_when_no_case_was_found(tmp_path: Path, capsys: Captured) -> None:
    assert run(capsys, "gate", str(tmp_path)) == (1, "FAIL  no case was found\n", "")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"case": "replay"}', "[" * 100_000], ids=["{", "[]", "fields", "deep"]
)
def test_the_gate_says_in_one_line_what_is_wrong_with_a_file(
    text: str, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    status, said, err = run(capsys, "gate", str(tmp_path))
    assert (status, err) == (1, "")
    assert said.count("\n") == 1
    assert said.startswith("FAIL  ")


@pytest.mark.parametrize(
    "field", ["error_ratio", "page_within", "id", "symptom", "slo", "restore_within"]
)
@pytest.mark.parametrize("value", [None, [], "x", -1, 1e300])
def test_the_gate_takes_any_nonsense_in_a_case(
    field: str, value: object, out: Path, tmp_path: Path, capsys: Captured
) -> None:
    record = json.loads((out / "evals" / "regression-INC-001.json").read_text(encoding="utf-8"))
    (tmp_path / "case.json").write_text(json.dumps(record | {field: value}), encoding="utf-8")
    status, said, err = run(capsys, "gate", str(tmp_path), "--automated", *AUTOMATED)
    assert err == ""
    assert (status, said[:4]) == ((0, "pass") if (field, value) == ("id", "x") else (1, "FAIL"))


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


# --- bad use and bad input -----------------------------------------------------------------------

BAD: dict[str, Sequence[str]] = {
    "an unknown verb": ["bogus"],
    "an unknown option": ["--seed", "3"],
    "a seed that is no number": ["shift", "--seed", "x"],
    "an unknown scenario": ["shift", "--scenario", "zzz"],
    "an empty folder name": ["shift", "--out", ""],
    "a folder that is a file": ["shift", "--out", "counts.csv"],
    "a scenario file that is missing": ["shift", "--scenario", "nope.toml"],
    "a scenario file that is none": ["drill", "--scenario", "bytes.toml"],
    "a drill of an unknown scenario": ["drill", "--scenario", "zzz"],
    "a script that is missing": ["drill", "--responder", "nope.txt"],
    "a script that is none": ["drill", "--responder", "counts.csv"],
    "a drill to save in a folder that is none": ["drill", "--save", "nope/night"],
    "a drill to resume that is missing": ["drill", "--resume", "nope"],
    "a drill to save and to resume": ["drill", "--resume", "a", "--save", "b"],
    "a drill to resume by a script": ["drill", "--resume", "a", "--responder", "b"],
    "a report on nothing": ["report"],
    "a report without a target": ["report", "counts.csv"],
    "a missing file": ["report", "nope.csv", "--target", "0.99"],
    "a directory": ["report", ".", "--target", "0.99"],
    "a null byte": ["report", "a\0b", "--target", "0.99"],
    "a percentage": ["report", "counts.csv", "--target", "99"],
    "a target of one": ["report", "counts.csv", "--target", "1"],
    "a target of nan": ["report", "counts.csv", "--target", "nan"],
    "a target of words": ["report", "counts.csv", "--target", "two nines"],
    "a period without a unit": ["report", "counts.csv", "--target", "0.99", "--period", "30"],
    "a period of nothing": ["report", "counts.csv", "--target", "0.99", "--period", "0d"],
    "a period without end": [
        "report",
        "counts.csv",
        "--target",
        "0.99",
        "--period",
        f"{'9' * 30}d",
    ],
    "a nameless SLO": ["report", "counts.csv", "--target", "0.99", "--name", ""],
    "an unknown column": ["report", "counts.csv", "--target", "0.99", "--good", "ok"],
    "a file that is no CSV": ["report", "bytes.csv", "--target", "0.99"],
    "an empty file": ["report", "empty.csv", "--target", "0.99"],
    "more good than total": ["report", "wrong.csv", "--target", "0.99"],
    "a target far too low in percent": ["report", "counts.csv", "--target", "0.999%"],
    "a gate on nothing": ["gate"],
    "an unknown mitigation": ["gate", "counts.csv", "--automated", "pray"],
}


@pytest.mark.parametrize("what", BAD)
def test_every_bad_input_is_one_line_on_stderr_and_exit_status_2(
    what: str, csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(csv.parent)
    for name in ("bytes.csv", "bytes.toml"):
        Path(name).write_bytes(b"\xff\xfe\x00\x01")
    Path("empty.csv").write_text("")
    Path("wrong.csv").write_text("start,good,total\n2025-03-03T00:00:00Z,5,1\n")
    status, text, err = run(capsys, *BAD[what])
    assert status == 2
    assert err.startswith("oncall: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "Traceback" not in err
    if what != "a folder that is a file":  # the shift is shown before it is written
        assert text == ""


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["shift", "--scenario", "provider"], "did you mean provider_outage?"),
        (["shift", "--scenario", "zzz"], "'oncall scenarios' lists them"),
        (["report", "counts.csv", "--target", "99"], "did you mean 0.99?"),
        (
            ["report", "counts.csv", "--target", "99%%"],
            "--target '99%%' is not a number; give e.g. 0.999 or 99.9%",
        ),
        (
            ["report", "counts.csv", "--target", "0,999"],
            "--target '0,999' is not a number; give e.g. 0.999 or 99.9%",
        ),
        (
            ["report", "counts.csv", "--target", "0.99", "--period", "0d"],
            "'0d' is no time at all; give e.g. 30d",
        ),
        (
            ["report", "counts.csv", "--target", "0.99", "--step", "0m"],
            "'0m' is no time at all; give e.g. 30d or 1m",
        ),
        (
            ["report", "counts.csv", "--target", "0.999%"],
            "'0.999%' is less than half of all events; did you mean 99.9%?",
        ),
        (["report", "counts.csv", "--target", "0.1%"], "did you mean 99.9%?"),
        (["report", "counts.csv", "--target", "5%"], "did you mean 95%?"),
        (["gate", "--automated", "fail_over", "evals"], "name the cases first"),
        (
            ["gate", "x", "--automated", "fail_over", "counts.csv"],
            "every word after it; name the path 'counts.csv' before",
        ),
        (["gate", "x", "--automated", "failover"], "did you mean 'fail_over'?"),
        (["report", "nope.csv", "--target", "0.99"], "nope.csv: No such file or directory"),
    ],
)
def test_bad_input_comes_with_a_hint(
    arguments: list[str], hint: str, csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(csv.parent)
    assert hint in run(capsys, *arguments)[2]


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
