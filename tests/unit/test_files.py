"""The door: what is odd about a file is said in one line that names it, by every loader."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Captured, run
from incident_verbs import after

from oncall import files
from oncall.counts import read_csv
from oncall.files import MOST_LEVELS, error_text, parse_json, parse_toml, read_json, read_text
from oncall.gameday import read_scenario
from oncall.gameday.script import read_script
from oncall.incident import Incident
from oncall.regression import gate, load_case
from oncall.telemetry.labels import read_incidents

Load = Callable[[Path], object]
LOADERS: dict[str, Load] = {
    "read_csv": read_csv,
    "read_incidents": read_incidents,
    "Incident.load": Incident.load,
    "load_case": load_case,
    "read_scenario": read_scenario,
    "read_script": read_script,
    "read_text": read_text,
}
VERBS = {
    "report": ["report", "{}", "--target", "0.99"],
    "drill --resume": ["drill", "--resume", "{}"],
    "drill --responder": ["drill", "--responder", "{}"],
    "drill --scenario": ["drill", "--scenario", "{}.toml"],
    "shift --scenario": ["shift", "--scenario", "{}.toml"],
}
EVERY = pytest.mark.parametrize("name", LOADERS)
SLOW_FILES = pytest.mark.skipif(os.name != "posix", reason="these are files of POSIX systems")


def refused(load: Load, path: Any) -> str:
    """What a loader says that will not have a file: an error of one line that names it."""
    with pytest.raises((ValueError, OSError)) as raised:
        load(path)
    text = error_text(raised.value)
    assert "\n" not in text
    assert len(text) < 700
    return text


# --- what is no file -----------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "folder": (Path.mkdir, "is a directory; give a file"),
    "pipe": (fifo, "is a pipe or a device"),
    "zeros": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
    "full": (lambda path: path.symlink_to("/dev/full"), "is a pipe or a device"),
    "random": (lambda path: path.symlink_to("/dev/urandom"), "is a pipe or a device"),
    "loop": (lambda path: path.symlink_to(path), "symbolic links"),
    "nowhere": (lambda path: path.symlink_to("nowhere"), "No such file"),
}


@SLOW_FILES
@EVERY
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_regular_file_is_refused_by_name_and_never_waited_for(
    kind: str, name: str, tmp_path: Path
) -> None:
    make, why = NO_FILES[kind]
    make(tmp_path / "x")
    text = refused(LOADERS[name], tmp_path / "x")
    assert why in text
    assert str(tmp_path / "x") in text


@SLOW_FILES
@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_refuses_it_in_one_line(
    kind: str, verb: str, tmp_path: Path, capsys: Captured
) -> None:
    words = [word.format(tmp_path / "x") for word in VERBS[verb]]
    path = tmp_path / ("x.toml" if "x.toml" in " ".join(words) else "x")
    NO_FILES[kind][0](path)
    status, out, err = run(capsys, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert str(path) in err


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # its name must be short
    listener(Path("s"))
    assert "is a pipe or a device" in refused(read_text, "s")


@EVERY
@pytest.mark.parametrize("path", ["", "  ", "a\0b", "x" * 300, "line\nend", "\x1b[2J", "q\udcff"])
def test_a_name_that_no_file_can_have_is_shown_as_it_is(name: str, path: str) -> None:
    text = refused(LOADERS[name], path)
    assert "\x1b" not in text
    assert "\0" not in text


@SLOW_FILES
def test_the_gate_says_which_file_of_a_folder_is_none_and_passes_over_folders(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "p.json")
    (tmp_path / "old.json").mkdir()
    (tmp_path / "gone.json").symlink_to("nowhere")
    lines = str(gate(tmp_path)).splitlines()
    assert len(lines) == 2
    assert re.match(r"FAIL  .*gone\.json: No such file", lines[0])
    assert re.match(r"FAIL  .*p\.json: is a pipe or a device", lines[1])


# --- what is no text -----------------------------------------------------------------------------

NO_TEXT = {
    "bytes": (b"start\n\xff\xfe\x00", "line 2: not UTF-8 text; save"),
    "latin": ("x\nx\ncafé\n".encode("latin-1"), "line 3: not UTF-8 text; save"),
    "UTF-16": ("start\n".encode("utf-16"), "line 1: not UTF-8 text but looks like UTF-16"),
    "UTF-16, other end": (b"\xfe\xff\x00s", "looks like UTF-16"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "line 1: not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00", "line 1: not UTF-8"),
    "cut in a letter": ("caf\u00e9".encode()[:-1], "line 1: not UTF-8"),
}


@EVERY
@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_is_no_utf_8_is_told_with_its_line(kind: str, name: str, tmp_path: Path) -> None:
    data, why = NO_TEXT[kind]
    if name == "Incident.load":  # whose lines are looked at one by one
        data, why = after_header(tmp_path, data), "not "
    (tmp_path / "x").write_bytes(data)
    assert why in refused(LOADERS[name], tmp_path / "x")


def after_header(folder: Path, data: bytes) -> bytes:
    after("detect").save(folder / "whole")
    return (folder / "whole").read_bytes() + data + b"\n"


GOOD = {
    "read_csv": "start,good,total\n2025-03-03T00:00Z,1,1\n2025-03-03T00:01Z,1,1\n",
    "read_incidents": "start,end\n2025-03-03T00:00Z,\n",
    "load_case": json.dumps(
        {"case": "prompt", "version": 1, "id": "x", "input": "", "bad_output": ""}
        | {"good_output": "a", "must_contain": ["a"]}
    ),
    "read_script": '[[1, "look"]]\n',
    "read_text": "x\ny\n",
    "read_scenario": 'name = "n"\nstart = 2025-03-04T08:00:00Z\nslo = { target = 0.99 }\n'
    "traffic = { requests = 1200 }\n",
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_of_windows_change_nothing(
    name: str, mark: str, end: str, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_bytes(GOOD[name].encode())
    (tmp_path / "odd").write_bytes((mark + GOOD[name].replace("\n", end)).encode())
    assert LOADERS[name](tmp_path / "odd") == LOADERS[name](tmp_path / "plain")


def test_a_journal_with_a_byte_order_mark_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j"
    after("detect").save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert Incident.load(path) == after("detect")
    after("detect acknowledge").save(path)
    assert Incident.load(path) == after("detect acknowledge")


# --- what is too much ----------------------------------------------------------------------------

DEEP = {
    "lists": "[" * 100_000,
    "objects": '{"a":' * 100_000,
    "closed": "[" * 500 + "]" * 500,
    "one too many": "[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1),
    "mixed": '[{"a":' * 30 + "1" + "}]" * 30,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_nests_too_deeply_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    for load in (load_case, read_json, read_script):
        if load is not read_script or text.startswith("["):
            assert re.search(
                "nests more than 40 levels deep|not JSON", refused(load, tmp_path / "x")
            )
    (tmp_path / "j").write_bytes(after_header(tmp_path, text.encode()))
    assert ", line 3" in refused(Incident.load, tmp_path / "j")
    for toml in (f"a = {text}", f"a = {'[' * 3000}", f"[{'a.' * 2000}a]", "a." * 500 + "a = 1"):
        with pytest.raises(ValueError, match=r"nests|not TOML"):
            parse_toml(toml, "x")


def test_forty_levels_are_read() -> None:
    text = "[" * MOST_LEVELS + "]" * MOST_LEVELS
    assert parse_json(text, "x") is not None


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-" + "1" * 41, "1e999", "-1e400", "NaN", "Infinity"]
)
def test_a_number_without_end_is_refused_before_it_is_made(number: str) -> None:
    with pytest.raises(ValueError, match=r"^x: .*(digits|not a finite number)") as raised:
        parse_json(f'{{"a": {number}}}', "x")
    assert len(str(raised.value)) < 120


TWICE = {
    '{"a": 1, "b": 2, "a": 1}': "'a'",
    '[{"x": {"\\u0061": 1, "a": 2}}]': "'a'",
    '{"": 1, "": 2}': "''",
    '{"\\u001b": [], "\\u001b": {}}': r"'\x1b'",
    f'{{"{"n" * 90}": 1, "{"n" * 90}": 2}}': "'" + "n" * 59,
}


@pytest.mark.parametrize(("text", "name"), TWICE.items())
def test_a_name_that_stands_twice_in_an_object_is_refused(
    text: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    why = f"an object has the name {name} twice; keep one"
    for load in (load_case, read_json):
        assert refused(load, tmp_path / "x") == f"{tmp_path / 'x'}: {why}"
    (tmp_path / "j").write_bytes(after_header(tmp_path, text.encode() + b"\n"))
    assert f", line 3: {why}" in refused(Incident.load, tmp_path / "j")


def test_of_many_names_the_one_that_stands_twice_is_found_at_once() -> None:
    names = ", ".join(f'"{number}": 0' for number in [*range(10**5), 99_999])
    with pytest.raises(ValueError, match="has the name '99999' twice"):
        parse_json(f"{{{names}}}", "x")


def test_a_name_may_stand_in_several_objects() -> None:
    assert parse_json('[{"a": {"a": 1}}, {"a": 2}]', "x") == [{"a": {"a": 1}}, {"a": 2}]


def test_a_number_of_toml_with_too_many_digits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^x: a number has too many digits$"):
        parse_toml(f"a = {'9' * 5000}", "x")


def test_large_files_and_long_lines_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("x" * 5000, encoding="utf-8")
    assert "holds more than 0.001 MB" in refused(lambda p: read_text(p, 1000), tmp_path / "x")
    monkeypatch.setattr(files, "MOST_LINE", 1000)
    for load in (read_csv, read_incidents):
        assert "line 1 has more than 1,000 characters" in refused(load, tmp_path / "x")
    (tmp_path / "y").write_text(GOOD["read_csv"] + "x" * 5000 + "\n", encoding="utf-8")
    assert "line 4 has more than 1,000" in refused(read_csv, tmp_path / "y")
    with pytest.raises(ValueError, match="x holds more than 1 MB"):
        parse_toml("#" * 1_000_001, "x")


def test_an_error_of_a_million_columns_is_short(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "x.csv").write_text("a," * 400_000 + "\n1\n", encoding="utf-8")
    status, out, err = run(capsys, "report", str(tmp_path / "x.csv"), "--target", "0.99")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert len(err) < 700
    assert err.startswith(f"oncall: {tmp_path / 'x.csv'} needs one column")
    assert "the options start, good and total name others" in err


def test_an_error_is_cut_in_its_middle_and_shows_its_controls() -> None:
    text = error_text(ValueError(f"begin {'x' * 5000}\n\x1b[2J end"))
    assert text.startswith("begin xxx")
    assert text.endswith(r"xx \x1b[2J end")
    assert " […] " in text
    assert error_text(FileNotFoundError(2, "No such file", "a\nb")) == "a b: No such file"
