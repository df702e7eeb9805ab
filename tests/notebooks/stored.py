"""Notebooks as they are stored: their cells, their sources and what they show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

Notebook = dict[str, Any]
Cell = dict[str, Any]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    """A test for each of these files."""
    ids = [f"{path.parent.name}-{path.stem}" for path in paths]
    return pytest.mark.parametrize("path", paths, ids=ids)


def read(path: Path) -> Notebook:
    """A notebook as it is stored."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def cells(path: Path, kind: str) -> list[Cell]:
    """Its cells of a kind: ``code`` or ``markdown``."""
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == kind]


def cell_with(path: Path, phrase: str, kind: str = "markdown") -> Cell:
    """The one cell of a kind that holds this phrase."""
    [cell] = [cell for cell in cells(path, kind) if phrase in source(cell)]
    return cell


def unfolded(text: str) -> str:
    """Markdown without what is folded: questions with their answers, and what leads to them."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return re.sub(r"## From memory\n\n.*|\*\*From the lesson before\.\*\*.*", "", text)


def source(cell: Cell) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def printed(path: Path) -> str:
    """What a notebook prints and says, without its pictures."""
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    texts = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in outputs]
    return "\n".join(map("".join, texts))
