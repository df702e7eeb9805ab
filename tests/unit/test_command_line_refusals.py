"""Bad use and bad input: one line on stderr, exit status 2, and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Captured, run, write_counts

REPORT = ["report", "counts.csv", "--target", "0.99"]
BAD: dict[str, list[str]] = {
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
    "a period without a unit": [*REPORT, "--period", "30"],
    "a period of nothing": [*REPORT, "--period", "0d"],
    "a period without end": [*REPORT, "--period", f"{'9' * 30}d"],
    "a nameless SLO": [*REPORT, "--name", ""],
    "an unknown column": [*REPORT, "--good", "ok"],
    "a file that is no CSV": ["report", "bytes.csv", "--target", "0.99"],
    "an empty file": ["report", "empty.csv", "--target", "0.99"],
    "more good than total": ["report", "wrong.csv", "--target", "0.99"],
    "a target far too low in percent": ["report", "counts.csv", "--target", "0.999%"],
    "a gate on nothing": ["gate"],
    "an unknown mitigation": ["gate", "counts.csv", "--automated", "pray"],
}


@pytest.mark.parametrize("what", BAD)
def test_every_bad_input_is_one_line_on_stderr_and_exit_status_2(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    write_counts(Path("counts.csv"))
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


NO_NUMBER = "is not a number; give e.g. 0.999 or 99.9%"
FAR_TOO_LOW = "is less than half of all events; did you mean"
ALL_AFTER_IT = "every word after it; name the path 'counts.csv' before"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["shift", "--scenario", "provider_out"], "did you mean provider_outage?"),
        (["shift", "--scenario", "zzz"], "'oncall scenarios' lists them"),
        (["report", "counts.csv", "--target", "99"], "did you mean 0.99?"),
        (["report", "counts.csv", "--target", "99%%"], f"--target '99%%' {NO_NUMBER}"),
        (["report", "counts.csv", "--target", "0,999"], f"--target '0,999' {NO_NUMBER}"),
        ([*REPORT, "--period", "0d"], "'0d' is no time at all; give e.g. 30d"),
        ([*REPORT, "--step", "0m"], "'0m' is no time at all; give e.g. 30d or 1m"),
        (["report", "counts.csv", "--target", "0.999%"], f"'0.999%' {FAR_TOO_LOW} 99.9%?"),
        (["report", "counts.csv", "--target", "0.1%"], "did you mean 99.9%?"),
        (["report", "counts.csv", "--target", "5%"], "did you mean 95%?"),
        (["gate", "--automated", "fail_over", "evals"], "name the cases first"),
        (["gate", "x", "--automated", "fail_over", "counts.csv"], ALL_AFTER_IT),
        (["gate", "x", "--automated", "failover"], "did you mean 'fail_over'?"),
        (["report", "nope.csv", "--target", "0.99"], "nope.csv: No such file or directory"),
    ],
)
def test_bad_input_comes_with_a_hint(
    arguments: list[str],
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_counts(Path("counts.csv"))
    assert hint in run(capsys, *arguments)[2]
