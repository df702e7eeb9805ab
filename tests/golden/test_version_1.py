"""Files that version 1 wrote: what they say is read for good.

The files were written by the code of 0.1.0: a drill by a script, its journal and its case, the
reference's journal of another scenario, and a prompt case.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from oncall import SCENARIOS, Incident, lint_postmortem, prove, replay, run_shift, score
from oncall.cli import main
from oncall.gameday import reference
from oncall.journal import in_effect
from oncall.regression import PromptCase, ReplayCase, load_case, save_case

FILES = Path(__file__).parent / "version_1"
DRILLED, REFERENCE = FILES / "journal_drilled.jsonl", FILES / "journal_reference.jsonl"


def details(incident: Incident, verb: str) -> list[tuple[object, ...]]:
    return [tuple(value for _, value in event.details) for event in incident.events_of(verb)]


def test_facts_that_were_notes_are_events_of_their_own() -> None:
    incident = Incident.load(DRILLED)
    assert details(incident, "page") == [("ana",), ("bo",), ("chen",)]
    assert [event.by for event in incident.events_of("escalate")] == ["ana"]
    assert details(incident, "rollback") == [("cap_retries",)]
    assert details(incident, "learn") == [
        ("factor", "The provider had no second region"),
        ("automate", "fail_over"),
        ("prevent", "Ask the provider for a second region"),
        ("well", "The page came early"),
    ]
    # Somebody only wrote this: it was not in effect.
    assert details(incident, "note") == [("rolled back: serve_cached",)]
    assert in_effect(incident.events) == ["fail_over", "serve_cached", "serve_degraded"]
    assert incident.state == "closed"


def test_it_is_scored_against_the_truth_and_against_the_reference() -> None:
    shift = run_shift(SCENARIOS["provider_outage"], 1, reference)
    [best] = shift.incidents
    journal = Incident.load(DRILLED)
    with_truth = {d.name: d.points for d in score(journal, truth=shift.truth).dimensions}
    assert with_truth["harm"] == 30  # it was quicker than par: time was free in version 1
    assert with_truth["diagnosis"] == 0  # nobody could suspect anything
    beside = {d.name: d.most for d in score(journal, best).dimensions}
    assert [name for name, most in beside.items() if not most] == ["diagnosis"]


def test_the_journal_of_a_reference_that_asked_for_approval_still_reads() -> None:
    incident = Incident.load(REFERENCE)
    assert incident.symptom == "poisoned_cache"
    assert incident.postmortem
    assert lint_postmortem(incident.postmortem) == []


@pytest.mark.parametrize("path", [DRILLED, REFERENCE], ids=lambda path: path.stem)
def test_a_file_of_version_1_goes_on_in_version_2_without_a_change_to_its_lines(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    all_but_the_close = b"".join(lines[:-1])
    copy.write_bytes(all_but_the_close)
    incident = Incident.load(copy)
    at = incident.events[-1].at
    later = incident.note("rolled back: fail_over", at=at, by="ana")  # which nobody did
    later = later.rollback("serve_degraded", at=at, by="ana")
    later.save(copy)
    later.save(copy)
    assert copy.read_bytes().startswith(all_but_the_close)
    assert Incident.load(copy) == later
    assert len(Incident.load(copy).events) == len(incident.events) + 2
    anew = tmp_path / "anew.jsonl"
    later.save(anew)
    assert json.loads(anew.read_bytes().splitlines()[0])["version"] == 2
    assert Incident.load(anew) == later


def test_saving_what_is_there_already_leaves_a_file_of_version_1_as_it_is(tmp_path: Path) -> None:
    copy = tmp_path / "journal.jsonl"
    shutil.copy(DRILLED, copy)
    Incident.load(copy).save(copy)
    assert copy.read_bytes() == DRILLED.read_bytes()


def test_the_cases_load_and_say_what_they_said(tmp_path: Path) -> None:
    replayed, prompt = load_case(FILES / "case_drilled.json"), load_case(FILES / "case_prompt.json")
    assert isinstance(replayed, ReplayCase)
    assert not replay(replayed).passed
    assert prove(replayed, Incident.load(DRILLED), []).case == "regression-INC-001"
    assert isinstance(prompt, PromptCase)
    assert prompt.must_contain == ("2025-03-31",)
    assert (prompt.asks, prompt.passes_needed) == (1, None)
    for case in (replayed, prompt):
        again = tmp_path / f"{case.id}.json"
        save_case(case, again)
        assert json.loads(again.read_text(encoding="utf-8"))["version"] == 2
        assert load_case(again) == case


def test_a_drill_of_other_rules_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = tmp_path / "drill.jsonl"
    shutil.copy(FILES / "drill.jsonl", copy)
    assert main(["drill", "--resume", str(copy)]) == 2
    error = capsys.readouterr().err
    assert "is of version 1, in which looking took no time" in error
    assert error.count("\n") == 1
    assert copy.read_bytes() == (FILES / "drill.jsonl").read_bytes()


def note(text: str, by: str = "ana", **more: object) -> str:
    line = {"at": "2025-03-04T18:35:00Z", "by": by, "verb": "note", "text": text} | more
    return json.dumps(line) + "\n"


MEASURE = (
    '{"at": "2025-03-04T18:35:00Z", "by": "metrics", "verb": "measure", "good": 1, "total": 2}\n'
)


def read_with(path: Path, *lines: str) -> Incident:
    """The drilled journal up to its triage, and these lines."""
    known = DRILLED.read_text(encoding="utf-8").splitlines(keepends=True)[:6]
    path.write_text("".join([*known, *lines]), encoding="utf-8")
    return Incident.load(path)


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("paged ", "pager"),
        ("paged bo", "ana"),
        ("rolled back: magic", "ana"),
        ("learnt, x", "ana"),
        ("learnt, gossip: x", "ana"),
        ("learnt, cause: x", "ana"),  # no kind of version 1
        ("learnt, factor:  ", "ana"),
        ("escalated!", "ana"),
    ],
)
def test_a_note_that_only_looks_like_a_fact_stays_a_note(
    tmp_path: Path, text: str, by: str
) -> None:
    last = read_with(tmp_path / "journal.jsonl", note(text, by)).events[-1]
    assert (last.verb, last.get("text"), last.by) == ("note", text, by)


def test_a_rollback_of_what_was_applied_in_another_incident_is_known_by_the_desk_s_measure(
    tmp_path: Path,
) -> None:
    text = "rolled back: shadow_rule"
    by_desk = read_with(tmp_path / "desk.jsonl", MEASURE, note(text))
    assert details(by_desk, "rollback") == [("shadow_rule",)]
    assert details(read_with(tmp_path / "typed.jsonl", note(text)), "rollback") == []


def test_a_field_that_no_note_has_is_refused_in_a_fact_too(tmp_path: Path) -> None:
    for text in ("escalated", "rolled back: nothing"):
        with pytest.raises(ValueError, match=r"line 7: .*unexpected keyword argument 'extra'"):
            read_with(tmp_path / "journal.jsonl", note(text, extra=1))


def test_a_file_that_goes_on_in_a_version_yet_to_come_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 7: written in version 3; .*: upgrade it"):
        read_with(tmp_path / "journal.jsonl", '{"journal": "oncall incident", "version": 3}\n')
