"""The goals of the lessons: five questions each, with answers whose numbers the lesson holds."""

from __future__ import annotations

import re
from pathlib import Path

from stored import each, printed, read, source

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
GOALS = sorted(Path(__file__).with_name("goals").glob("*.md"))
# The goals of these two ask for numbers that nobody has worked out in the lesson.
HELD = [path for path in GOALS if path.stem not in ("08", "11")]


def test_every_lesson_has_goals() -> None:
    assert [path.stem for path in GOALS] == sorted(
        path.stem[:2] for path in NOTEBOOKS.glob("*.ipynb")
    )


@each(GOALS)
def test_there_are_five_goals_each_with_an_answer(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^(\d)\. \*\*.+\?\*\*\n   \S", text, re.MULTILINE) == list("12345")


@each(HELD)
def test_the_lesson_holds_the_numbers_of_its_goals(path: Path) -> None:
    [notebook] = NOTEBOOKS.glob(f"{path.stem}_*.ipynb")
    page = printed(notebook) + "".join(source(cell) for cell in read(notebook)["cells"])
    goals = re.sub(r"^\d\. |^# \d+", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for number in re.findall(r"(?<![\w.:])-?\d[\d,.:]*%?", goals):
        assert number.rstrip(",.:") in page, number
