"""The journal on disk: nothing that was saved is lost to a crash, and nothing broken is taken for sound."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oncall import journal
from oncall.alerting import Alert
from oncall.incident import Incident
from oncall.journal import TornJournal
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
NEW = Incident(
    "INC-001", "model provider outage", SLO("availability", 0.999), "model_provider_outage", START
)


def note(incident: Incident, text: str = "looks like the provider") -> Incident:
    return incident.note(text, at=START + len(incident.events) * MINUTE, by="ana")


def detected() -> Incident:
    return NEW.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=START, by="alerts")


def whole_story() -> Incident:
    """A record in which every verb but ``false_alarm`` stands once."""
    at: dict[str, Any] = {"at": START + 9 * MINUTE, "by": "ana"}
    return (
        note(detected(), "Zürich sagt: «500er» 🔥\nzweite Zeile\u2028dritte")
        .acknowledge(**at)
        .triage("sev1", "ana", **at, ops="bo", comms="chen")
        .mitigate("fail_over", **at)
        .measure(50, 100, **at)
        .mitigated(**at)
        .update("Requests succeed again.", **at)
        .resolve(**at)
        .reopen(**at)
        .sample("capital of France?", "Lyon", "Paris", **at)
        .resolve(**at, auto_recovered=True)
        .close("# INC-001\n\nWhat we learnt.", **at)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def load_quietly(path: Path) -> tuple[Incident, bool]:
    """The record, and whether its last line was torn."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        incident = Incident.load(path)
    return incident, any(issubclass(warning.category, TornJournal) for warning in caught)


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

    incident = detected().measure(Int64(3), Int64(4), at=START, by="metrics")  # type: ignore[arg-type]
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
    with pytest.raises(
        ValueError,
        match=rf"journal\.jsonl holds another record than {other.id} as it stands; give an",
    ):
        other.save(path)
    assert path.read_bytes() == before


def test_two_records_that_parted_are_told_apart(path: Path) -> None:
    note(detected(), "one way").save(path)
    with pytest.raises(ValueError, match="another record"):
        note(note(detected(), "the other way"), "and on").save(path)


@pytest.mark.parametrize(
    "content", [b"buy milk", b"buy milk\n", b"start,good,total\n", b"[1, 2]", b"\x89PNG\r\n"]
)
def test_a_file_that_is_no_journal_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for use in (detected().save, Incident.load):
        with pytest.raises(ValueError, match=r"journal\.jsonl is not a journal"):
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
        with pytest.raises(OSError, match=tmp_path.name):
            use(tmp_path)


def test_a_missing_file_is_a_file_not_found(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"journal\.jsonl"):
        Incident.load(path)
    assert not path.exists()


# --- torn lines ----------------------------------------------------------------------------------


def test_a_last_line_torn_at_any_byte_costs_that_line_alone(path: Path) -> None:
    before = note(detected())
    after = note(before, 'Zürich 🔥 {"a": 1} [2] \\ \u2028 3')
    before.save(path)
    start = path.stat().st_size
    after.save(path)
    data = path.read_bytes()
    for end in range(start + 1, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.warns(
            TornJournal, match=r"journal\.jsonl: the last line is torn; read the 3 lines before it"
        ):
            assert Incident.load(path) == before
        assert path.read_bytes() == data[:end], "loading must change nothing"
        with no_warnings():
            after.save(path)
            assert Incident.load(path) == after
        assert path.read_bytes() == data


def test_nothing_is_torn_where_a_whole_line_ends(path: Path) -> None:
    before = note(detected())
    before.save(path)
    with no_warnings():
        assert Incident.load(path) == before
        note(before).save(path)
        path.write_bytes(path.read_bytes()[:-1])
        assert Incident.load(path) == note(before), (
            "a complete line that lacks only its newline is whole"
        )


def test_a_line_that_lacks_only_its_newline_is_ended_before_the_next(path: Path) -> None:
    before = note(detected())
    before.save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    note(before).save(path)
    assert path.read_bytes().startswith(data)
    assert Incident.load(path) == note(before)
    path.write_bytes(data[:-1])
    before.save(path)
    assert path.read_bytes() == data, "also when there is nothing to append"


def test_a_save_of_the_record_that_was_loaded_cuts_the_tear(path: Path) -> None:
    detected().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at": "2024-12-0')
    with pytest.warns(TornJournal):
        Incident.load(path).save(path)
    assert path.read_bytes() == whole


def test_the_warning_points_at_the_caller(path: Path) -> None:
    detected().save(path)
    path.write_bytes(path.read_bytes() + b'{"at')
    with pytest.warns(TornJournal) as caught:
        Incident.load(path)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "tear",
    [
        b'{"at": "2024-12-04T23:5',
        b'{"a\xc3',
        b'{"text": "\xed\xa0',
        b"\0" * 512,
        b'{"good": 12, "total": 3',
    ],
)
def test_whatever_a_crash_leaves_behind_is_cut(path: Path, tear: bytes) -> None:
    detected().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole + tear)
    assert load_quietly(path) == (detected(), True)
    note(detected()).save(path)
    assert load_quietly(path) == (note(detected()), False)


def test_a_torn_header_is_no_incident_yet_and_the_next_save_mends_it(path: Path) -> None:
    detected().save(path)
    data = path.read_bytes()
    for end in range(1, data.index(b"\n"), 7):
        path.write_bytes(data[:end])
        with pytest.warns(TornJournal), pytest.raises(ValueError, match="holds no incident"):
            Incident.load(path)
        detected().save(path)
        assert path.read_bytes() == data


# --- bad lines -----------------------------------------------------------------------------------


def write_lines(path: Path, *lines: str) -> None:
    """A header, these lines, and one sound line more, so that none of these is the last."""
    NEW.save(path)
    sound = '{"at": "2024-12-31T00:00:00Z", "by": "ana", "verb": "note", "text": "the end"}'
    path.write_text(
        path.read_text(encoding="utf-8") + "\n".join((*lines, sound)) + "\n", encoding="utf-8"
    )


@pytest.mark.parametrize(
    "bad", ['{"at": "2024', "[]", "42", '"text"', "null", "not JSON", "{'at': 1}", "\0\0\0"]
)
def test_a_bad_line_in_the_middle_is_an_error_with_its_number(path: Path, bad: str) -> None:
    write_lines(
        path, '{"at": "2024-12-05T00:00:00Z", "by": "ana", "verb": "note", "text": "x"}', bad
    )
    before = path.read_bytes()
    for use in (NEW.save, Incident.load):
        with pytest.raises(
            ValueError, match=r"journal\.jsonl, line 3: not a JSON object; mend or remove the line"
        ):
            use(path)
    assert path.read_bytes() == before


def test_a_complete_but_bad_last_line_is_no_tear(path: Path) -> None:
    NEW.save(path)
    path.write_bytes(path.read_bytes() + b'{"at": "2024\n')
    with pytest.raises(ValueError, match="line 2: not a JSON object"):
        Incident.load(path)


def event(**fields: Any) -> str:
    """A sound note as JSON, with these fields instead; ``None`` leaves one out."""
    record = {"at": "2024-12-05T00:00:00Z", "by": "ana", "verb": "note", "text": "x"} | fields
    return json.dumps({name: value for name, value in record.items() if value is not None})


ALERT = {
    "verb": "detect",
    "text": None,
    "action": "page",
    "severity": "sev1",
    "burn": 50.0,
    "window": "1h",
}
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
    (event(**ALERT | {"burn": "x"}), "a finite burn"),
    (event(**ALERT | {"severity": "sev9"}), "severity from sev1, .*sev9"),
    (event(**ALERT | {"window": 3}), "window must be a text"),
    (event(**ALERT | {"burn": None}), "burn"),
    (event(**ALERT).replace("50.0", "NaN"), "a finite burn"),
    (
        event(verb="sample", text=None, input="q", bad_output=1, good_output="a"),
        "bad_output must be a text, given 1",
    ),
    (
        event(verb="acknowledge", text=None),
        "INC-001 is new: acknowledge is not allowed; allowed: detect",
    ),
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
    with pytest.raises(
        ValueError, match="line 4: unknown role cook; the roles are ic, ops, comms, scribe"
    ):
        Incident.load(path)


def test_an_event_that_lies_before_the_one_above_is_said_with_its_line(path: Path) -> None:
    write_lines(path, event(), event(at="2024-12-04T23:59:59Z"))
    with pytest.raises(ValueError, match=r"line 3: .* lies before the last event"):
        Incident.load(path)


def test_lines_are_counted_as_an_editor_counts_them(path: Path) -> None:
    write_lines(path, "", event(), "   ", event(by=3))
    with pytest.raises(ValueError, match="line 5: by must be"):
        Incident.load(path)


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
    (
        {"slo": {"name": "a", "target": 99, "period_seconds": 60}},
        r"target must lie strictly .*did you mean 0\.99\?",
    ),
    ({"slo": {"name": "a", "target": 0.9, "period_seconds": "x"}}, ""),
    ({"slo": {"name": "a", "target": 0.9, "period_seconds": 1e300}}, ""),
    (
        {"slo": {"name": "a", "target": 0.9}},
        "slo must hold name, target and period_seconds, given {'name",
    ),
]


@pytest.mark.parametrize(("fields", "message"), BAD_HEADERS)
def test_what_is_wrong_with_the_header_is_said_as_line_1(
    path: Path, fields: dict[str, Any], message: str
) -> None:
    NEW.save(path)
    header = json.loads(path.read_bytes()) | fields
    path.write_text(
        json.dumps({name: value for name, value in header.items() if value is not None}) + "\n"
    )
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


# --- on disk when it returns ---------------------------------------------------------------------


def test_a_save_asks_the_disk_for_the_data_and_then_for_the_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def fsync(handle: int) -> None:
        status = os.fstat(handle)
        asked.append(("folder", 0) if stat.S_ISDIR(status.st_mode) else ("file", status.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    for incident in (NEW, detected(), detected()):
        asked.clear()
        incident.save(path)
        wanted = [("file", path.stat().st_size)] + ([("folder", 0)] if os.name == "posix" else [])
        assert asked == wanted


SAVES = """
import sys
from datetime import UTC, datetime
from oncall.incident import Incident
from oncall.slo import SLO

at = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
incident = Incident("INC-001", "t", SLO("availability", 0.999), "s", at)
for count in range(1, 201):
    incident = incident.note(f"note {count} " + "x" * (count * 37 % 400), at=at, by="ana")
    incident.save(sys.argv[1])
    print(count, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_during_200_saves_loses_nothing_that_had_returned(path: Path, seed: int) -> None:
    moment = random.Random(seed)
    process = subprocess.Popen(
        [sys.executable, "-c", SAVES, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(journal.__file__).parents[1],
    )
    assert process.stdout is not None
    wait_for = moment.randint(1, 190)
    returned = [process.stdout.readline() for _ in range(wait_for)]
    time.sleep(moment.random() * 0.004)
    process.kill()
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    last = int((returned + rest.split("\n")[:-1])[-1])
    incident, _ = load_quietly(path)
    assert wait_for <= last <= len(incident.events) <= last + 1
    for number, event in enumerate(incident.events, 1):
        assert event.get("text").startswith(f"note {number} ")
    note(incident).save(path)
    assert load_quietly(path) == (note(incident), False)


# --- disks that are full, folders that are read-only ---------------------------------------------


@contextlib.contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """No file may grow past ``size`` bytes: a write is cut off there and then fails, as on a full disk."""
    resource = pytest.importorskip(
        "resource", reason="this system has no file size limit to simulate a full disk with"
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full_at_every_byte(path: Path, before: bytes, after: Incident) -> Iterator[int]:
    """Save with the disk full after each byte in turn; the save fails and the file is left as it then is."""
    path.write_bytes(before)
    after.save(path)
    data = path.read_bytes()
    for size in range(before.rfind(b"\n") + 1, len(data)):
        path.write_bytes(before)
        with files_end_at(size), pytest.raises(OSError, match=r"File too large|No space"):
            after.save(path)
        yield size


def test_a_disk_that_fills_at_any_byte_leaves_a_file_that_loads(path: Path) -> None:
    before = note(detected(), "Zürich 🔥")
    after = note(note(before, "ä"), "second of two")
    before.save(path)
    prefixes = [before, note(before, "ä"), after]
    for _ in full_at_every_byte(path, path.read_bytes(), after):
        assert load_quietly(path)[0] in prefixes
        after.save(path)
        assert load_quietly(path) == (after, False)


def test_a_disk_that_fills_over_an_old_tear_leaves_a_file_that_loads(path: Path) -> None:
    """New lines written in front of what an old tear left would make a bad line of it, and the file would not load."""
    before = detected()
    after = note(note(before, "a"), "b")
    before.save(path)
    torn = (
        path.read_bytes()
        + b'{"at": "2024-12-04T23:50:00Z", "by": "ana", "verb": "note", "text": "'
        + b"7" * 400
    )
    for _ in full_at_every_byte(path, torn, after):
        assert load_quietly(path)[0] in [before, note(before, "a"), after]


def test_a_disk_that_fills_in_the_header_leaves_a_file_that_can_be_saved_into(path: Path) -> None:
    for _ in full_at_every_byte(path, b"", NEW):
        NEW.save(path)
        assert load_quietly(path) == (NEW, False)


def test_a_disk_that_is_full_only_when_it_syncs_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected().save(path)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            note(detected()).save(path)
    assert load_quietly(path)[0] in (detected(), note(detected()))
    note(detected()).save(path)
    assert load_quietly(path) == (note(detected()), False)


def test_what_json_cannot_hold_fails_before_anything_is_written(path: Path) -> None:
    for bad in (float("nan"), {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            journal.append(path, [{"text": "sound"}, {"burn": bad}])
        assert not path.exists()


def in_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file" / "journal.jsonl"


@pytest.mark.parametrize(
    "place", [in_a_file, lambda tmp_path: tmp_path / "no such folder" / "journal.jsonl"]
)
def test_where_no_file_can_be_made_the_error_names_the_path(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    record = detected()
    with pytest.raises(OSError, match=r"journal\.jsonl"):
        record.save(place(tmp_path))
    assert record == detected()


def test_in_a_read_only_folder_a_save_fails_by_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (
        os.name != "posix" or os.geteuid() == 0
    ):  # to root nothing is read-only: let opening fail as it would

        def refuse(file: Any, *arguments: Any, **named: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

        monkeypatch.setattr("builtins.open", refuse)
    else:
        path.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"journal\.jsonl"):
            detected().save(path)
    finally:
        monkeypatch.undo()
        path.parent.chmod(0o700)
    assert list(path.parent.iterdir()) == []
    detected().save(path)
    assert Incident.load(path) == detected()
