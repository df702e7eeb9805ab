"""Lessons as text: one file in ``notebooks/source/`` makes a lesson and its worked answers.

The text is MyST Markdown, as jupytext reads it: prose as prose, code in ``{code-cell}`` blocks, and
``+++`` between two pieces of prose that are to be two cells. Tags say where a cell goes:

- ``solution``: into ``solutions/`` only, where it stands in place of the lesson's own cells;
- ``both``: into the lesson and into its solutions, such as the cell that checks an answer;
- ``questions``: five numbered questions with their answers, which the lesson shows folded.

All others are the lesson's. In the file's head, ``recall: [2, 4]`` asks these two questions of the
lesson before once more, under the lesson's title.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

FOLDER = "source"
SOLUTIONS = "solutions"
_FROM_MEMORY = "## From memory\n\nAnswer these a day from now, each before you open it."
_QUESTION = re.compile(r"^\d\. \*\*(.+?)\*\*\n((?:   .*\n?|\n(?=   ))+)", re.MULTILINE)


class Question(NamedTuple):
    """What a learner can answer afterwards, and the answer, both in Markdown."""

    text: str
    answer: str


def source_of(notebook: Path) -> Path | None:
    """The text that a lesson or its solution is made from; ``None`` if there is none."""
    folder = notebook.parent.parent if notebook.parent.name == SOLUTIONS else notebook.parent
    path = folder / FOLDER / f"{notebook.stem}.md"
    return path if path.is_file() else None


def made_from(path: Path) -> list[Path]:
    """The notebooks that a text makes: the lesson and, if there is one, its solution."""
    folder = path.parent.parent
    cells = _read(path).cells
    lesson, solution = folder / f"{path.stem}.ipynb", folder / SOLUTIONS / f"{path.stem}.ipynb"
    return [lesson, solution] if any(_goes(cell, SOLUTIONS) for cell in cells) else [lesson]


def make(notebook: Path) -> Any:
    """The lesson or solution of this name, made from its text and not yet executed.

    ``FileNotFoundError`` if there is no such text, and ``ValueError`` for questions that are not
    numbered as they must be.
    """
    path = source_of(notebook)
    if path is None:
        raise FileNotFoundError(f"{notebook} is made from no text in {FOLDER}/")
    text = _read(path)
    where = SOLUTIONS if notebook.parent.name == SOLUTIONS else ""
    cells = [_shown(cell) for cell in text.cells if _goes(cell, where)]
    if again := text.metadata.get("recall", []) if not where else []:
        cells.insert(1, nbformat.v4.new_markdown_cell(_recalled(path, again)))
    _name(cells)
    return nbformat.v4.new_notebook(cells=cells)


def questions(path: Path) -> list[Question]:
    """The questions of a lesson's text with their answers."""
    [cell] = [cell for cell in _read(path).cells if "questions" in _tags(cell)] or [None]
    return _parsed(cell.source) if cell else []


def _read(path: Path) -> Any:
    import jupytext  # a tool of those who write lessons; readers have the notebooks

    return jupytext.read(path, fmt="md:myst")


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def _goes(cell: Any, where: str) -> bool:
    """Whether a cell of the text belongs into the lesson, or into its solutions."""
    tags = _tags(cell)
    return "both" in tags or ("solution" in tags) == (where == SOLUTIONS)


def _shown(cell: Any) -> Any:
    """The cell as a notebook has it: without our tags, and its questions folded."""
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(cell.source)
    if "questions" in _tags(cell):
        return nbformat.v4.new_markdown_cell(f"{_FROM_MEMORY}\n\n{_folded(_parsed(cell.source))}")
    return nbformat.v4.new_markdown_cell(cell.source)


def _parsed(text: str) -> list[Question]:
    found = [
        Question(text, " ".join(answer.split())) for text, answer in _QUESTION.findall(text + "\n")
    ]
    if len(found) != len(re.findall(r"^\d\. ", text, re.MULTILINE)):
        raise ValueError('each question is a line "1. **…?**", its answer indented below it')
    return found


def _folded(asked: list[Question]) -> str:
    """Questions of which each opens to its answer, in HTML that Jupyter and GitHub both show."""
    return "\n\n".join(
        f"<details><summary>{_inline(question.text)}</summary>\n\n{question.answer}\n\n</details>"
        for question in asked
    )


def _inline(text: str) -> str:
    """Markdown's code and emphasis as HTML, for inside a summary Markdown is not read."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def _recalled(path: Path, numbers: list[int]) -> str:
    before = max(other for other in path.parent.glob("*.md") if other.stem < path.stem)
    asked = questions(before)
    again = [asked[number - 1] for number in numbers]
    return (
        f"**From the lesson before.** Answer these two from memory, then open them.\n\n"
        f"{_folded(again)}"
    )


def _name(cells: list[Any]) -> None:
    """Give each cell an id that stays when others are added before it."""
    used: dict[str, int] = {}
    for cell in cells:
        digest = sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        used[digest] = used.get(digest, 0) + 1
        cell.id = digest if used[digest] == 1 else f"{digest}-{used[digest]}"
