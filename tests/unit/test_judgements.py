"""Exercises of judgement: each wrong word is answered, and the lesson asks what is judged."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from oncall.workbook.exercises import check
from oncall.workbook.exercises.checking import JUDGEMENTS

TEXTS = sorted((Path(__file__).parents[2] / "notebooks" / "source").glob("*.md"))
each = pytest.mark.parametrize("name", JUDGEMENTS)


def right(name: str) -> dict[str, str]:
    return {key: one.right for key, one in JUDGEMENTS[name].situations.items()}


def stub_of(name: str) -> tuple[str, list[str]]:
    """The cell of the lesson that asks, as one line, and the situations that it names."""
    [code] = [
        code
        for path in TEXTS
        for code in re.findall(r"```{code-cell}\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
        if re.match(rf"{name} = {{", code)
    ]
    [made] = ast.parse(code).body
    assert isinstance(made, ast.Assign)
    keys = [key.value for key in made.value.keys]  # type: ignore[attr-defined]
    return " ".join(re.sub(r"\n\s*#", " ", code).split()), keys


@each
def test_the_right_words_are_right(name: str) -> None:
    feedback = check(name, right(name))
    assert feedback.passed, feedback
    shouted = {key: f" {word.upper()} " for key, word in right(name).items()}
    assert check(name, shouted).passed


@each
def test_the_lesson_asks_of_each_situation_what_the_check_judges(name: str) -> None:
    text, keys = stub_of(name)
    assert keys == list(JUDGEMENTS[name].situations)
    for situation in JUDGEMENTS[name].situations.values():
        assert situation.known in text


@each
def test_nothing_decided_is_waiting(name: str) -> None:
    for answer in (None, ..., {}, dict.fromkeys(right(name), ...), dict.fromkeys(right(name))):
        feedback = check(name, answer)
        assert (feedback.passed, feedback.attempted) == (False, False)


@each
def test_each_wrong_word_is_answered_with_what_speaks_against_it(name: str) -> None:
    judgement = JUDGEMENTS[name]
    for key, situation in judgement.situations.items():
        assert situation.right not in situation.against
        assert set(situation.against) | {situation.right} <= set(judgement.choices)
        for word in judgement.choices:
            if word != situation.right:
                feedback = check(name, right(name) | {key: word})
                assert not feedback.passed
                assert feedback.mistake, (key, word)
                assert feedback.case
                assert situation.known in feedback.case.call


@each
def test_each_way_to_judge_is_recognised_as_itself(name: str) -> None:
    ways = list(JUDGEMENTS[name].mistakes.items())
    assert len(ways) >= 2
    for words, way in ways:
        assert check(name, way).mistake == words
        assert 5 <= len(words.split()) <= 45
    assert len({tuple(sorted(way.items())) for _, way in ways}) == len(ways)


@each
def test_no_way_of_answering_everything_alike_is_right(name: str) -> None:
    for word in JUDGEMENTS[name].choices:
        assert not check(name, dict.fromkeys(right(name), word)).passed


@each
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda answer: list(answer.values()), "Hand in the dictionary itself"),
        (lambda answer: "stay", "Hand in the dictionary itself"),
        (lambda answer: dict(list(answer.items())[1:]), "Nothing is said yet of"),
        (lambda answer: answer | {next(iter(answer)): "perhaps"}, "is none of the words"),
        (lambda answer: answer | {"z": "perhaps"}, "There is no situation 'z'"),
        (lambda answer: answer | {next(iter(answer)): 7}, "is none of the words"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, change: Any, words: str) -> None:
    feedback = check(name, change(right(name)))
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert words in feedback.message
