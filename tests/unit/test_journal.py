"""The journal on disk: what was saved is loaded, and what is broken is refused with its line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from journal_records import NEW, START, detected, no_warnings, note, whole_story

from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import MINUTE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


# --- saving and loading --------------------------------------------------------------------------


def test_what_was_saved_is_loaded(path: Path) -> None:
    story = whole_story()
    story.save(path)
    with no_warnings():
        assert Incident.load(path) == story
        assert Incident.load(str(path)) == story


def test_a_line_is_an_event_and_the_first_one_the_header(path: Path) -> None:
    whole_story().save(path)
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert lines[0]["journal"] == "oncall incident"
    assert lines[0]["version"] == 2
    assert [line["verb"] for line in lines[1:]] == [event.verb for event in whole_story().events]
    assert lines[1] == {
        "at": "2024-12-04T23:48:00Z",
        "by": "alerts",
        "verb": "detect",
        "action": "page",
        "severity": "sev1",
        "burn": 50.0,
        "window": "14.4x 1h/5m",
    }


def test_a_record_without_events_is_saved_too(path: Path) -> None:
    NEW.save(path)
    assert Incident.load(path) == NEW


def test_a_save_appends_and_rewrites_nothing(path: Path) -> None:
    incident = detected()
    incident.save(path)
    for _ in range(5):
        before = path.read_bytes()
        incident = note(incident)
        incident.save(path)
        assert path.read_bytes().startswith(before)
        assert path.read_bytes().count(b"\n") == before.count(b"\n") + 1


def test_saving_twice_changes_nothing(path: Path) -> None:
    whole_story().save(path)
    before = path.read_bytes()
    whole_story().save(path)
    assert path.read_bytes() == before


def test_an_older_record_saved_over_a_newer_one_loses_nothing(path: Path) -> None:
    story = whole_story()
    story.save(path)
    for count in range(len(story.events)):
        replace(story, events=story.events[:count]).save(path)
        assert Incident.load(path) == story


def test_saves_may_skip_records(path: Path) -> None:
    story = whole_story()
    for count in (0, 2, 3, 9, len(story.events)):
        replace(story, events=story.events[:count]).save(path)
    assert Incident.load(path) == story


def test_an_empty_file_is_saved_into_and_is_no_incident(path: Path) -> None:
    path.touch()
    with pytest.raises(ValueError, match=r"journal\.jsonl holds no incident"):
        Incident.load(path)
    detected().save(path)
    assert Incident.load(path) == detected()


def test_a_whole_number_that_is_no_int_is_saved_as_one(path: Path) -> None:
    class Int64:  # as numpy's: a whole number, though not an int, which JSON cannot hold
        def __init__(self, value: int) -> None:
            self.value = value

        def __index__(self) -> int:
            return self.value

    good: Any = Int64(3)
    total: Any = Int64(4)
    incident = detected().measure(good, total, at=START, by="metrics")
    incident.save(path)
    assert Incident.load(path).events[-1].details == (("good", 3), ("total", 4))


# --- another record in the way -------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        replace(detected(), id="INC-002"),
        replace(detected(), title="another title"),
        replace(detected(), symptom="stale_index"),
        replace(detected(), impact_start=START - MINUTE),
        replace(detected(), slo=SLO("availability", 0.99)),
        replace(detected(), slo=SLO("availability", 0.999, timedelta(days=28))),
        NEW.detect(None, at=START, by="alerts"),
        note(NEW),
    ],
)
def test_a_journal_of_another_record_is_refused_and_left_alone(path: Path, other: Incident) -> None:
    note(detected()).save(path)
    before = path.read_bytes()
    wanted = rf"journal\.jsonl holds another record than {other.id} as it stands; give another path"
    with pytest.raises(ValueError, match=wanted):
        other.save(path)
    assert path.read_bytes() == before


def test_two_records_that_parted_are_told_apart(path: Path) -> None:
    note(detected(), "one way").save(path)
    with pytest.raises(ValueError, match="another record"):
        note(note(detected(), "the other way"), "and on").save(path)


@pytest.mark.parametrize(
    "content",
    [
        *(b"buy milk", b"buy milk\n", b"start,good,total\n", b"[1, 2]", b"\x89PNG\r\n"),
        *(b"{'my': 'settings'}", b"{{ template }}", b"\n{ not JSON", b'{"journal": "mine"'),
    ],  # the last four once passed for a header that was torn, and were cut to nothing
)
def test_a_file_that_is_no_journal_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for use in (detected().save, Incident.load):
        with pytest.raises(ValueError, match=r"journal\.jsonl, line \d: not "):
            use(path)
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content", [b'{"nbformat": 4}', b'{"nbformat": 4}\n', b'{\n "cells": []\n}\n']
)
def test_other_json_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for use in (detected().save, Incident.load):
        with pytest.raises(ValueError, match=r"journal\.jsonl, line 1: "):
            use(path)
        assert path.read_bytes() == content


def test_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    for use in (detected().save, Incident.load):
        with pytest.raises(ValueError, match=f"{tmp_path.name} is a directory; give a file"):
            use(tmp_path)


def test_a_missing_file_is_a_file_not_found(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"journal\.jsonl"):
        Incident.load(path)
    assert not path.exists()


# --- bad lines -----------------------------------------------------------------------------------


def write_lines(path: Path, *lines: str) -> None:
    """A header, these lines, and one sound line more, so that none of these is the last."""
    NEW.save(path)
    sound = '{"at": "2024-12-31T00:00:00Z", "by": "ana", "verb": "note", "text": "the end"}'
    text = path.read_text(encoding="utf-8") + "\n".join((*lines, sound)) + "\n"
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "bad", ['{"at": "2024', "[]", "42", '"text"', "null", "not JSON", "{'at': 1}", "\0\0\0"]
)
def test_a_bad_line_in_the_middle_is_an_error_with_its_number(path: Path, bad: str) -> None:
    write_lines(path, event(), bad)
    before = path.read_bytes()
    wanted = r"journal\.jsonl, line 3: not (JSON \(.+\)|a JSON object; mend or remove the line)"
    for use in (NEW.save, Incident.load):
        with pytest.raises(ValueError, match=wanted):
            use(path)
    assert path.read_bytes() == before


def test_a_complete_but_bad_last_line_is_no_tear(path: Path) -> None:
    NEW.save(path)
    path.write_bytes(path.read_bytes() + b'{"at": "2024\n')
    with pytest.raises(ValueError, match=r"line 2: not JSON "):
        Incident.load(path)


def event(**fields: Any) -> str:
    """A sound note as JSON, with these fields instead; ``None`` leaves one out."""
    record = {"at": "2024-12-05T00:00:00Z", "by": "ana", "verb": "note", "text": "x"} | fields
    return json.dumps({name: value for name, value in record.items() if value is not None})


FIRED = {"action": "page", "severity": "sev1", "burn": 50.0, "window": "1h"}
ALERT = {"verb": "detect", "text": None} | FIRED
NOT_YET = "INC-001 is new: acknowledge is not allowed; allowed: detect"
SAMPLE = {"verb": "sample", "text": None, "input": "q", "bad_output": 1, "good_output": "a"}
BAD_EVENTS = [
    (event(verb="explode"), "unknown verb 'explode'; known are detect, acknowledge, triage"),
    (event(verb="save"), "unknown verb 'save'"),
    (event(verb="__class__"), "unknown verb '__class__'"),
    (event(verb=3), "unknown verb 3"),
    (event(verb=["note"]), "unhashable|unknown verb"),
    (event(at=None), "at '' is not a time; write 2024-12-04T23:48:00Z"),
    (event(by=None), "by must be a text that says something, given ''"),
    (event(verb=None), "unknown verb ''"),
    (event(text=None), "text"),
    (event(texts="y"), "texts"),
    (event(text=7), "text must be a text that says something, given 7"),
    (event(by=3), "by must be a text that says something, given 3"),
    (event(by=" "), "by must be a text that says something, given ' '"),
    (event(at=3), "at '3' is not a time; write 2024-12-04T23:48:00Z"),
    (event(at="yesterday"), "at 'yesterday' is not a time; write 2024-12-04T23:48:00Z"),
    (event(at="2024-12-05T00:00:00"), "has no time zone"),
    (event(verb="measure", text=None, good="x", total=3), "whole numbers, given 'x' and 3"),
    (event(verb="measure", text=None, good=1.5, total=3), "whole numbers, given 1.5 and 3"),
    (event(verb="measure", text=None, good=4, total=3), "given 4 good of 3 events"),
    (event(verb="measure", text=None, good=4), "total"),
    (event(**ALERT | {"burn": "x"}), "burn must be a number such as 0.999"),
    (event(**ALERT | {"severity": "sev9"}), "severity must be one of sev1, .*sev9"),
    (event(**ALERT | {"window": 3}), "window must be a text"),
    (event(**ALERT | {"burn": None}), "burn"),
    (event(**ALERT).replace("50.0", "NaN"), "NaN is not a finite number"),
    (event(**SAMPLE), "bad_output must be a text, given 1"),
    (event(verb="acknowledge", text=None), NOT_YET),
]


@pytest.mark.parametrize(("line", "message"), BAD_EVENTS)
def test_what_is_wrong_with_an_event_is_said_with_its_line(
    path: Path, line: str, message: str
) -> None:
    write_lines(path, event(), line)
    with pytest.raises(ValueError, match=rf"journal\.jsonl, line 3: .*({message})"):
        Incident.load(path)


def test_a_triage_with_an_unknown_role_is_said_with_its_line(path: Path) -> None:
    triage = event(verb="triage", text=None, severity="sev1", ic="ana", cook="bo")
    write_lines(path, event(**ALERT), event(verb="acknowledge", text=None), triage)
    wanted = "line 4: unknown role cook; the roles are ic, ops, comms, scribe"
    with pytest.raises(ValueError, match=wanted):
        Incident.load(path)


def test_an_event_that_lies_before_the_one_above_is_said_with_its_line(path: Path) -> None:
    write_lines(path, event(), event(at="2024-12-04T23:59:59Z"))
    with pytest.raises(ValueError, match=r"line 3: .* lies before the last event"):
        Incident.load(path)


def test_lines_are_counted_as_an_editor_counts_them(path: Path) -> None:
    write_lines(path, "", event(), "   ", event(by=3))
    with pytest.raises(ValueError, match="line 5: by must be"):
        Incident.load(path)


NO_PERIOD = {"name": "a", "target": 0.9}
A_SLO = NO_PERIOD | {"period_seconds": 60}
BAD_HEADERS = [
    ({"journal": "a diary"}, "this is not the journal of an incident"),
    ({"journal": None}, "this is not the journal of an incident"),
    ({"version": None}, "written in version None"),
    ({"version": 3}, "written in version 3; this oncall reads versions 1 to 2: upgrade it"),
    ({"version": "99.1"}, r"written in version 99\.1; this oncall reads versions 1 to 2"),
    ({"id": None}, "id must be a text that says something, given ''"),
    ({"id": 3}, "id must be a text that says something, given 3"),
    ({"title": ""}, "title must be a text that says something, given ''"),
    ({"symptom": ["x"]}, "symptom must be a text"),
    ({"impact_start": None}, "impact_start '' is not a time"),
    ({"impact_start": 0}, "impact_start '0' is not a time"),
    ({"impact_start": "noon"}, "impact_start 'noon' is not a time"),
    ({"slo": None}, "slo must hold name, target and period_seconds, given None"),
    ({"slo": "99 %"}, ""),
    ({"slo": A_SLO | {"target": 99}}, r"target must lie strictly .*did you mean 0\.99\?"),
    ({"slo": A_SLO | {"period_seconds": "x"}}, ""),
    ({"slo": A_SLO | {"period_seconds": 1e300}}, ""),
    ({"slo": NO_PERIOD}, "slo must hold name, target and period_seconds, given {'name"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_HEADERS)
def test_what_is_wrong_with_the_header_is_said_as_line_1(
    path: Path, fields: dict[str, Any], message: str
) -> None:
    NEW.save(path)
    header = json.loads(path.read_bytes()) | fields
    known = {name: value for name, value in header.items() if value is not None}
    path.write_text(json.dumps(known) + "\n")
    before = path.read_bytes()
    for use in (detected().save, Incident.load):
        with pytest.raises(ValueError, match=rf"journal\.jsonl, line 1: .*{message}"):
            use(path)
    assert path.read_bytes() == before


# --- edited by hand ------------------------------------------------------------------------------


def by_hand(text: str) -> list[str]:
    """The same journal as a person's editor might leave it."""
    records = [json.loads(line) for line in text.splitlines()]
    loose = "\n".join(json.dumps(record, separators=(" , ", "  :  ")) for record in records)
    turned = "\n".join(json.dumps(dict(reversed(record.items()))) for record in records[:2])
    return [
        loose,
        loose + "\n",
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r\n")[:-1],
        text.replace("\n", "\n\n"),
        "\n" + text,
        text + "  \n\t\n",
        text + "   ",
        "\n".join("  " + line + "\t" for line in text.splitlines()),
        text.replace("00Z", "00+00:00"),
        text.replace("2024-12-04T23:48:00Z", "2024-12-05T00:48:00+01:00"),
        text.replace("ü", "\\u00fc"),
        turned + "\n" + "\n".join(text.splitlines()[2:]),
    ]


@pytest.mark.parametrize("number", range(13))
def test_a_journal_edited_by_hand_is_still_read_and_continued(path: Path, number: int) -> None:
    story = note(note(detected(), "Zürich"))
    story.save(path)
    path.write_bytes(by_hand(path.read_text(encoding="utf-8"))[number].encode())
    with no_warnings():
        assert Incident.load(path) == story
        note(story).save(path)
        assert Incident.load(path) == note(story)
