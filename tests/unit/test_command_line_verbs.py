"""What a shift leaves in a folder, what the gate makes of it, and what a report says of counts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from command_line import Captured, run, write_counts

from oncall.catalogue import RUNBOOKS
from oncall.cli import main
from oncall.counts import read_csv
from oncall.incident import Incident
from oncall.postmortem import read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import load_case, prove

AUTOMATED = [mitigation.name for mitigation in RUNBOOKS["model_provider_outage"].mitigations]
ARTEFACTS = [
    "counts.csv",
    "evals",
    "journal.jsonl",
    "manifest.json",
    "postmortem.md",
    "score.txt",
    "shift.txt",
]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_counts(tmp_path / "counts.csv")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the artefacts of a shift."""
    folder = tmp_path_factory.mktemp("shift") / "made" / "as needed"
    assert main(["shift", "--out", str(folder)]) == 0
    return folder


# --- what a shift leaves -------------------------------------------------------------------------


def test_a_shift_leaves_its_artefacts(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == ARTEFACTS
    assert [path.name for path in (out / "evals").iterdir()] == ["regression-INC-001.json"]


def test_the_artefacts_are_the_shift_s(out: Path, capsys: Captured) -> None:
    incident = Incident.load(out / "journal.jsonl")
    case = load_case(out / "evals" / "regression-INC-001.json")
    text = (out / "postmortem.md").read_text(encoding="utf-8")
    assert read_csv(out / "counts.csv") is not None
    assert incident.postmortem == text
    assert lint_postmortem(text) == []
    assert prove(case, incident, read_action_items(text)).passed
    assert (out / "shift.txt").read_bytes() == run(capsys)[1].encode()
    assert "100 of 100" in (out / "score.txt").read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


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


PEOPLES = ("journal.jsonl", "counts.csv", "postmortem.md", "evals/regression-INC-001.json")


@pytest.mark.parametrize("name", [*PEOPLES, "score.txt", "shift.txt", "manifest.json"])
def test_somebody_s_own_file_of_the_same_name_is_refused_by_name_and_nothing_changes(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("my own", encoding="utf-8")
    before = contents(tmp_path)
    status, text, err = run(capsys, "shift", "--out", str(tmp_path))
    assert (status, text) == (2, "")
    assert f"{tmp_path / name} is not " in err
    assert "give another folder" in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", [*PEOPLES, "score.txt"])
def test_an_artefact_that_somebody_changed_is_theirs(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    assert run(capsys, "shift", "--out", str(tmp_path))[0] == 0
    with open(tmp_path / name, "a", encoding="utf-8") as file:
        file.write("and my notes\n")
    before = contents(tmp_path)
    status, _, err = run(capsys, "shift", "--seed", "2", "--out", str(tmp_path))
    assert status == 2
    assert str(tmp_path / name) in err
    assert contents(tmp_path) == before


def test_what_an_earlier_shift_left_over_goes_unless_somebody_changed_it(
    tmp_path: Path, capsys: Captured
) -> None:
    two = ("--scenario", "surprise", "--seed", "10")
    for scenario in (two, ("--scenario", "provider_outage")):
        assert run(capsys, "shift", *scenario, "--out", str(tmp_path))[0] == 0
        second = {"journal-2.jsonl", "postmortem-2.md"}
        assert second & set(contents(tmp_path)) == (second if scenario == two else set())
    run(capsys, "shift", *two, "--out", str(tmp_path))
    (tmp_path / "postmortem-2.md").write_text("mine now", encoding="utf-8")
    assert run(capsys, "shift", "--out", str(tmp_path))[0] == 0
    assert "postmortem-2.md" in contents(tmp_path)
    assert "journal-2.jsonl" not in contents(tmp_path)


def test_a_manifest_that_names_files_elsewhere_is_no_manifest(
    tmp_path: Path, capsys: Captured
) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.write_text("precious", encoding="utf-8")
    run(capsys, "shift", "--out", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(b"precious").hexdigest()
    for name in ("../outside", str(outside)):
        forged = manifest | {"files": {name: [digest]}}
        (folder / "manifest.json").write_text(json.dumps(forged), encoding="utf-8")
        assert "is not the manifest" in run(capsys, "shift", "--out", str(folder))[2]
    assert outside.read_text(encoding="utf-8") == "precious"


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
    odd = "--period 7d --name latency --start when --good ok --total n --target 0.9"
    status, text, _ = run(capsys, "report", str(tmp_path / "odd.csv"), *odd.split())
    assert status == 0
    assert "latency: 90% over 7d" in text


def test_report_notes_missing_buckets_within_80_columns(tmp_path: Path, capsys: Captured) -> None:
    gaps = write_counts(tmp_path / "gaps.csv", without=(7, 8, 9))
    status, text, err = run(capsys, "report", str(gaps), "--target", "0.9")
    note = " ".join(text.split()).partition("Note: ")[2]
    assert (status, err) == (0, "")
    assert "3 of 60 buckets of 1m are missing" in note
    assert all(len(line) <= 80 or str(tmp_path) in line for line in text.splitlines())


def test_report_takes_the_step_of_a_single_row_and_a_period_in_weeks(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "one.csv").write_text("start,good,total\n2025-03-03T00:00:00Z,9,10\n")
    odd = "--target 0.9 --step 5m --period 1w"
    status, text, _ = run(capsys, "report", str(tmp_path / "one.csv"), *odd.split())
    assert status == 0
    assert "90% over 7d" in text
    assert "1 buckets of 5m" in text


def test_a_target_may_be_written_in_percent(csv: Path, capsys: Captured) -> None:
    for target in ("0.999", "99.9%"):
        text = run(capsys, "report", str(csv), "--target", target)[1]
        assert "availability: 99.9% over 30d" in text


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
