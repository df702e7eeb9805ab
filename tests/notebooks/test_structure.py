"""What every notebook must look like, and that the builder leaves it so."""

from __future__ import annotations

import ast
import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from stored import cells, each, read, source, unfolded

from oncall.workbook import build

ROOT = Path(__file__).parents[2]
NOTEBOOKS = build.notebooks(ROOT / "notebooks")
LESSONS = [path for path in NOTEBOOKS if "solutions" not in path.parts]
PNG = "image/png"
GUESS = r"my_\w+ = .*"  # is asked in a cell of one line
WORD = r"\w[\w.%’'/:-]*"


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in cells(path, "code") for output in cell["outputs"]]


def prose(path: Path) -> str:
    return "\n\n".join(source(cell) for cell in cells(path, "markdown"))


# --- as it is stored -----------------------------------------------------------------------------


def test_there_are_notebooks() -> None:
    assert ROOT / "notebooks" / "14_full_shift.ipynb" in NOTEBOOKS


@each(NOTEBOOKS)
def test_it_is_committed_executed_from_first_to_last(path: Path) -> None:
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each(NOTEBOOKS)
def test_it_holds_nothing_that_changes_between_two_runs(path: Path) -> None:
    notebook = read(path)
    assert notebook["metadata"] == build.METADATA  # the python3 kernel, and no widget state
    for cell in notebook["cells"]:
        assert not set(cell["metadata"]) & {"execution", "ExecuteTime"}
    for output in outputs(path):
        assert "transient" not in output
        assert build.WIDGET_VIEW not in output.get("data", {})


@each(NOTEBOOKS)
def test_it_is_stored_as_the_builder_writes_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text


@each(NOTEBOOKS)
def test_every_cell_has_an_id_of_its_own(path: Path) -> None:
    ids = [cell.get("id") for cell in read(path)["cells"]]
    assert all(ids)
    assert len(set(ids)) == len(ids)


@each(NOTEBOOKS)
def test_nothing_failed_and_nothing_complained(path: Path) -> None:
    assert not [output for output in outputs(path) if output["output_type"] == "error"]
    assert not [output for output in outputs(path) if output.get("name") == "stderr"]


@each(NOTEBOOKS)
def test_it_names_no_path_of_the_machine_that_ran_it(path: Path) -> None:
    text = "\n".join(source(cell) for cell in read(path)["cells"]) + json.dumps(
        [
            [output.get("text"), {k: v for k, v in output.get("data", {}).items() if k != PNG}]
            for output in outputs(path)
        ]
    )
    assert not re.search(
        r"(?<![\w.])(/(home|Users|root|work|tmp|var|usr|opt|mnt)/|[A-Za-z]:\\{1,2}\w)", text
    )


# --- as it teaches -------------------------------------------------------------------------------


@each(NOTEBOOKS)
def test_it_has_one_title_and_says_its_idea_in_the_first_sentence(path: Path) -> None:
    headings = re.findall(
        r"^# .+$", re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL), re.MULTILINE
    )
    assert len(headings) == 1
    first = read(path)["cells"][0]
    assert first["cell_type"] == "markdown"
    title, _, rest = source(first).partition("\n")
    assert title == headings[0]
    sentence = re.match(r"\s*([^#|>\s].*?[.?!])(\s|$)", rest, re.DOTALL)
    assert sentence
    assert 5 <= len(sentence[1].split()) <= 40


@each(LESSONS)
def test_it_ends_with_what_was_learnt_and_a_card(path: Path) -> None:
    last = source(cells(path, "markdown")[-1])
    assert "In this notebook you " in last
    for line in ("formula", "number", "warning"):
        assert len(re.findall(rf"^\| \*\*{line}\*\* \| .+ \|$", last, re.MULTILINE)) == 1


@each(LESSONS)
def test_its_code_comes_in_12_to_22_small_cells(path: Path) -> None:
    codes = [source(cell) for cell in cells(path, "code")]
    sizes = [
        len([line for line in code.splitlines() if line.strip()])
        for code in codes
        if not re.fullmatch(GUESS, code)
    ]
    assert 12 <= len(sizes) <= 22
    assert statistics.median(sizes) <= 4


@each(NOTEBOOKS)
def test_no_code_cell_is_longer_or_wider_than_a_reader_sees_at_once(path: Path) -> None:
    for cell in cells(path, "code"):
        lines = source(cell).splitlines()
        assert 1 <= len(lines) <= 20, source(cell)
        assert max(map(len, lines)) <= 100, source(cell)


@each(LESSONS)
def test_it_has_50_to_80_words_of_prose_a_code_cell(path: Path) -> None:
    words = re.findall(WORD, unfolded(prose(path)))
    codes = [source(cell) for cell in cells(path, "code")]
    assert len(words) / sum(not re.fullmatch(GUESS, code) for code in codes) >= 50
    assert len(words) / len(codes) <= 80


@each(LESSONS)
def test_its_first_picture_comes_within_300_words(path: Path) -> None:
    said = 0
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "markdown":
            said += len(re.findall(WORD, unfolded(source(cell))))
        elif any(PNG in output.get("data", {}) for output in cell["outputs"]):
            break
    assert said <= 300


@each(NOTEBOOKS)
def test_it_imports_what_it_uses_by_name(path: Path) -> None:
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    starred = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    ]
    assert not starred


@each(NOTEBOOKS)
def test_every_plot_is_followed_by_its_numbers_as_text(path: Path) -> None:
    """Beside it, as an explorer's line, or as what the same cell prints next."""
    found = outputs(path)
    for output, after in zip(found, [*found[1:], {}], strict=True):
        if PNG in output.get("data", {}):
            beside = "".join(output["data"].get("text/plain", ""))
            text = "".join(after.get("text", "")) if beside.startswith("<IPython") else beside
            assert re.search(r"\d", text), "a plot without numbers"
            assert output["metadata"][PNG]["alt"].split() == text.split()


@each(LESSONS)
def test_its_first_picture_is_there_for_the_readme(path: Path) -> None:
    picture = path.parent / "pictures" / f"{path.stem}.png"
    assert picture.read_bytes() == build.first_picture(path)


# --- the builder ---------------------------------------------------------------------------------


def notebook_of(*codes: str) -> Any:
    made = [
        nbformat.v4.new_code_cell(code, id=f"cell-{number}") for number, code in enumerate(codes, 1)
    ]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Trial", id="title"), *made]
    )


def test_a_build_leaves_nothing_that_changes_and_a_second_one_changes_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trial.ipynb"
    pieces = "import sys, time\nfor i in range(4):\n    print(i, flush=True)\n    time.sleep(0.05)"
    slider = "import ipywidgets\nipywidgets.IntSlider(3)"
    here = "from pathlib import Path\nprint(Path('trial.ipynb').exists(), sys.executable)"
    path.write_text(nbformat.writes(notebook_of(pieces, slider, here)), encoding="utf-8")
    assert build.build(path)
    first = path.read_bytes()
    assert not build.build(path)
    assert path.read_bytes() == first

    test_it_is_committed_executed_from_first_to_last(path)
    test_it_holds_nothing_that_changes_between_two_runs(path)
    test_it_is_stored_as_the_builder_writes_it(path)
    assert [cell["id"] for cell in read(path)["cells"]] == ["title", "cell-1", "cell-2", "cell-3"]
    counted, shown, ran = (cell["outputs"] for cell in cells(path, "code"))
    assert [source({"source": output["text"]}) for output in counted] == ["0\n1\n2\n3\n"]
    assert list(shown[0]["data"]) == ["text/plain"]
    assert (
        "".join(ran[0]["text"]) == f"True {sys.executable}\n"
    )  # in the notebook's own folder, by this very Python


def test_a_cell_that_raises_fails_the_build_in_a_few_lines_and_leaves_the_file_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trial.ipynb"
    trial = notebook_of("x = 1", "y = 2\nassert x == y, 'not the same'", "z = 3")
    for number, cell in enumerate(trial.cells[1:], 1):
        cell.execution_count = number  # as it stands once it has been built
    path.write_text(nbformat.writes(trial), encoding="utf-8")
    before = path.read_bytes()
    assert build.main([str(path)]) == 1
    assert path.read_bytes() == before
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{path}, code cell 2 of 3",
        "  line 2 assert x == y, 'not the same'",
        "  AssertionError: not the same",
    ]


def test_a_build_of_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert build.main([]) == 1
    assert "no notebook below notebooks/" in capsys.readouterr().err


def test_what_is_no_notebook_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    for name in ("broken.ipynb", "absent.ipynb"):
        assert build.main([str(tmp_path / name)]) == 1
        assert re.fullmatch(rf".*{name}.*\n", capsys.readouterr().err)
