"""A page that was run says what its prose says: no cell moves what stands above it."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from stored import cells, each, read, source

from oncall.workbook import build
from oncall.workbook.plots.explorer import Explorer

ROOT = Path(__file__).parents[2]
LESSONS = [path for path in build.notebooks(ROOT / "notebooks") if path.parent.name != "solutions"]


def shown_last(code: str, names: dict[str, Any]) -> Any:
    """Run a cell; return what its last line shows, ``None`` if it is no expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def after_all(request: pytest.FixtureRequest) -> list[tuple[dict[str, Any], Explorer]]:
    """The explorers that a lesson shows, each with its stored cell, once all cells have run."""
    names: dict[str, Any] = {}
    found = []
    with contextlib.chdir(request.param.parent), contextlib.redirect_stdout(io.StringIO()):
        for cell in cells(request.param, "code"):
            shown = shown_last(source(cell), names)
            if isinstance(shown, Explorer):
                found.append((cell, shown))
    return found


def test_after_run_all_each_explorer_shows_what_the_page_shows(
    after_all: list[tuple[dict[str, Any], Explorer]],
) -> None:
    for cell, explorer in after_all:
        [stored] = [
            "".join(output["data"]["text/plain"]) for output in cell["outputs"] if "data" in output
        ]
        assert explorer.text.split() == stored.split()


@each(LESSONS)
def test_no_cell_moves_an_explorer(path: Path) -> None:
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert ast.unparse(node.func) != "explorer.set", source(cell)


@each(LESSONS)
def test_the_prose_says_nothing_of_an_explorer_that_it_does_not_show(path: Path) -> None:
    """A percentage in the cell above or below an explorer stands on the page before or right there.

    What comes only later, as after a move, would contradict what the reader sees.
    """
    everything = read(path)["cells"]
    shown = ""
    for cell, after in zip(everything, [*everything[1:], None], strict=True):
        shown += source(cell) + _outputs(cell)
        if _is_explorer(cell) and after is not None and after["cell_type"] == "markdown":
            told = re.split(r"\n\n", source(after))[0]
            for number in re.findall(r"\d[\d,.]*%", told):
                assert number in shown or float(number[:-1].replace(",", "")) <= 1, number


def _outputs(cell: dict[str, Any]) -> str:
    texts = [
        output.get("text", output.get("data", {}).get("text/plain", ""))
        for output in cell.get("outputs", ())
    ]
    return " ".join("".join(text) for text in texts)


def _is_explorer(cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "code" and source(cell).rstrip().endswith("\nexplorer")
