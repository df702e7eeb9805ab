"""Lessons and their solutions are what their text makes, with five questions that they answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stored import cell_with, cells, each, read, source

from oncall.workbook import source as text

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TEXTS = sorted((NOTEBOOKS / text.FOLDER).glob("*.md"))
MADE = [notebook for path in TEXTS for notebook in text.made_from(path)]


def test_every_notebook_is_made_from_a_text() -> None:
    stored = [*NOTEBOOKS.glob("*.ipynb"), *(NOTEBOOKS / text.SOLUTIONS).glob("*.ipynb")]
    assert sorted(stored) == sorted(MADE)


@each(MADE)
def test_it_is_stored_as_its_text_makes_it(path: Path) -> None:
    made, stored = text.make(path).cells, read(path)["cells"]
    said = "python -m oncall.workbook.build was not run after its text was changed"
    assert [(cell.cell_type, cell.id, cell.source) for cell in made] == [
        (cell["cell_type"], cell["id"], source(cell)) for cell in stored
    ], said


# --- the questions -------------------------------------------------------------------------------


@each(TEXTS)
def test_it_ends_with_five_questions_each_with_an_answer(path: Path) -> None:
    asked = text.questions(path)
    assert len(asked) == 5
    for question in asked:
        assert question.text.endswith("?")
        assert len(question.answer.split()) >= 3


@each(TEXTS)
def test_its_answers_are_folded_and_the_next_lesson_asks_two_of_them_again(path: Path) -> None:
    page = source(cell_with(NOTEBOOKS / f"{path.stem}.ipynb", "## From memory"))
    assert page.count("<details>") == page.count("</details>") == 5
    later = [other for other in TEXTS if other.stem > path.stem]
    if later:
        [again] = [
            source(cell)
            for cell in cells(NOTEBOOKS / f"{later[0].stem}.ipynb", "markdown")
            if source(cell).startswith("**From the lesson before.**")
        ]
        assert sum(question.answer in again for question in text.questions(path)) == 2


# --- how a text is read --------------------------------------------------------------------------

TRIAL = """---
recall: [2, 5]
---

# Trial

Its idea.

```{code-cell}
def answer():
    ...
```

```{code-cell}
:tags: [solution]

def answer():
    return 42
```

```{code-cell}
:tags: [both]

print(answer())
```

+++ {"tags": ["questions"]}

1. **What is `x`?**
   One
   thing.
2. **Two?**
   2.
3. **Three?**
   3.
4. **Four?**
   4.
5. **Five?**
   5.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "01_trial.md").write_text(TRIAL.replace("recall: [2, 5]", "x: 1"))
    (tmp_path / "source" / "02_trial.md").write_text(TRIAL)
    return tmp_path


def test_stub_and_answer_part_into_two_notebooks(folder: Path) -> None:
    made = text.made_from(folder / "source" / "02_trial.md")
    assert made == [folder / "02_trial.ipynb", folder / "solutions" / "02_trial.ipynb"]
    lesson, solution = ([cell.source for cell in text.make(path).cells] for path in made)
    assert solution == ["def answer():\n    return 42", "print(answer())"]
    assert lesson[0] == "# Trial\n\nIts idea."
    assert lesson[2:4] == ["def answer():\n    ...", "print(answer())"]
    assert not any("42" in cell for cell in lesson)


def test_two_questions_of_the_lesson_before_come_under_the_title(folder: Path) -> None:
    lesson = [cell.source for cell in text.make(folder / "02_trial.ipynb").cells]
    assert lesson[1].startswith("**From the lesson before.**")
    assert "<summary>Two?</summary>" in lesson[1]
    assert "<summary>Five?</summary>" in lesson[1]
    assert lesson[1].count("<details>") == 2
    assert "<summary>What is <code>x</code>?</summary>\n\nOne thing.\n\n" in lesson[-1]


def test_an_id_stays_when_a_cell_is_added_before_it(folder: Path) -> None:
    before = [cell.id for cell in text.make(folder / "01_trial.ipynb").cells]
    path = folder / "source" / "01_trial.md"
    path.write_text(path.read_text().replace("Its idea.\n", "Its idea.\n\n+++\n\nMore.\n"))
    after = [cell.id for cell in text.make(folder / "01_trial.ipynb").cells]
    assert [id for id in after if id in before] == before
    assert len(set(after)) == len(after) == len(before) + 1


def test_questions_that_are_not_numbered_as_they_must_be_are_refused(folder: Path) -> None:
    path = folder / "source" / "01_trial.md"
    path.write_text(TRIAL.replace("3. **Three?**", "3. Three?"))
    with pytest.raises(ValueError, match="each question is a line"):
        text.make(folder / "01_trial.ipynb")


def test_a_notebook_without_a_text_is_made_from_none(folder: Path) -> None:
    (folder / "09_own.ipynb").write_text(json.dumps({"cells": []}))
    assert text.source_of(folder / "09_own.ipynb") is None
    with pytest.raises(FileNotFoundError, match="09_own"):
        text.make(folder / "09_own.ipynb")
