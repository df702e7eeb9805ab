"""Prose: every numeral stands on an output or an assert, and every link leads somewhere."""

from __future__ import annotations

import ast
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from stored import cells, each, source

from oncall.workbook import build, cards

ROOT = Path(__file__).parents[2]
NOTEBOOKS = build.notebooks(ROOT / "notebooks")
LESSONS = [path for path in NOTEBOOKS if "solutions" not in path.parts]
EXCEPTIONS = Path(__file__).with_name("numerals_without_output.txt")
NUMERAL = re.compile(
    r"(?<![\w.])\d{1,2}:\d\d(?::\d\d)?(?![\d:])|(?<![\w.,-])\d+(?:,\d{3})*(?:\.\d+)?"
)


def prose(path: Path) -> str:
    """The notebook's Markdown without code, links' addresses, and names of files and lessons."""
    said = [source(cell) for cell in cells(path, "markdown")]
    text = "\n\n".join(text for text in said if not text.startswith("**From the lesson before"))
    text = re.sub(r"\blesson \d\d\b", "the lesson", text)
    return re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|<https?://[^>]*>", " ", text, flags=re.DOTALL)


def numerals(text: str) -> set[str]:
    """The numerals in a text, written in one way: 0.30 as 0.3, 43,200 as 43200, 01:37 as it is."""
    found = (numeral.replace(",", "") for numeral in NUMERAL.findall(text))
    return {numeral if ":" in numeral else f"{Decimal(numeral).normalize():f}" for numeral in found}


def computed(path: Path) -> set[str]:
    """What the notebook's outputs and asserts hold; a share counts as its percentage too."""
    texts = []
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            shown = output.get("data", {}) | {"text/stream": output.get("text", "")}
            texts += ["".join(part) for kind, part in shown.items() if kind.startswith("text/")]
        tree = ast.parse(source(cell))
        texts += [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    held = set().union(*(numerals(text) | _loose(text) for text in texts)) if texts else set()
    return held | {
        f"{(Decimal(numeral) * 100).normalize():f}" for numeral in held if ":" not in numeral
    }


def _loose(text: str) -> set[str]:
    """Numerals in an output that touch a letter, a sign or a colon: 14.4x, 30d, -0.5, 18:12."""
    found = re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))
    return {f"{Decimal(numeral).normalize():f}" for numeral in found}


def exceptions(path: Path) -> set[str]:
    """The numerals that need no output.

    They stand in lines ``notebook: numeral numeral  # why``, of which ``*`` is every notebook.
    """
    names = {"*", path.stem}
    if "solutions" in path.parts:
        names.add(f"solutions/{path.stem}")
    allowed: set[str] = set()
    for line in EXCEPTIONS.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("#")[0].partition(":")
        if name.strip() in names:
            allowed |= numerals(rest)
    return allowed


@each(NOTEBOOKS)
def test_every_numeral_in_the_prose_is_in_an_output_or_an_assert(path: Path) -> None:
    missing = numerals(prose(path)) - computed(path) - exceptions(path)
    assert not missing, f"compute, assert or leave out: {sorted(missing)}"


def test_a_made_up_numeral_is_found_out(tmp_path: Path) -> None:
    said = {
        "cell_type": "markdown",
        "source": ["At 23:48 it burned 14.4x; 43,200 buckets, 2% and 77 of 99."],
    }
    ran = {
        "cell_type": "code",
        "source": ["assert share == 0.02 and n == 43200"],
        "outputs": [{"text": ["23:48:00 14.40x\n23:48\n"]}],
    }
    path = tmp_path / "made.ipynb"
    path.write_text(json.dumps({"cells": [said, ran]}), encoding="utf-8")
    assert numerals(prose(path)) - computed(path) == {"77", "99"}


@each(NOTEBOOKS)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    text = "\n".join(source(cell) for cell in cells(path, "markdown"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@each(LESSONS)
def test_its_card_can_be_printed(path: Path) -> None:
    card = cards.read_card(path)
    assert card is not None
    assert list(card[1]) == ["formula", "number", "warning"]


def test_all_cards_come_on_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = tmp_path / "cards.html"
    assert cards.main([str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<section>") == len(LESSONS)
    assert "**" not in text
