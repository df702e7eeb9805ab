"""Every lesson says what a learner knows afterwards, and the README shows every lesson."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
GOALS = ROOT / "tests" / "notebooks" / "goals"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_its_goals_are_five_questions_with_answers(path: Path) -> None:
    text = (GOALS / f"{path.stem[:2]}.md").read_text(encoding="utf-8")
    assert re.match(rf"# {path.stem[:2]} .+\n", text)
    questions = re.findall(r"^(\d)\. \*\*.+\?\*\*\n +\S", text, re.MULTILINE)
    assert questions == list("12345")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_readme_links_to_it_and_shows_its_picture(path: Path) -> None:
    assert f'<a href="notebooks/{path.name}">{path.stem[:2]} ' in README
    assert f'<img src="notebooks/pictures/{path.stem}.png"' in README


def test_there_are_no_goals_without_a_lesson() -> None:
    lessons = {path.stem[:2] for path in LESSONS}
    assert {path.stem for path in GOALS.glob("*.md")} == lessons
