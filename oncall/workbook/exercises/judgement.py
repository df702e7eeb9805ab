"""An exercise of judgement: a few situations, and for each one of a few words.

The learner hands in a mapping from situation to word. To add a situation, write what is known at
that moment, the word that we would choose, and for each other word what speaks against it. A known
mistake is a way to judge, written as the words that it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oncall.workbook.exercises.feedback import Counterexample, Feedback, right, waiting, wrong


@dataclass(frozen=True)
class Situation:
    """What is known, the word that fits it, and what speaks against each of the others."""

    known: str
    right: str
    against: Mapping[str, str]


def with_one_reason(choices: Iterable[str]) -> Callable[[str, str, str], Situation]:
    """What makes a situation of what is known, the right word, and one reason for all others."""
    words = tuple(choices)

    def situation(known: str, right: str, why: str) -> Situation:
        return Situation(known, right, {word: why for word in words if word != right})

    return situation


@dataclass(frozen=True)
class Judgement:
    """Situations by name, each to be answered by one of ``choices``.

    ``mistakes`` has, for each text that a teacher would say, the words that this way of judging
    leads to, by situation.
    """

    name: str
    situations: Mapping[str, Situation]
    mistakes: Mapping[str, Mapping[str, str]]

    @property
    def choices(self) -> tuple[str, ...]:
        """The words to choose from, in the order in which the situations bring them up."""
        return tuple(
            dict.fromkeys(
                word
                for situation in self.situations.values()
                for word in (situation.right, *situation.against)
            )
        )

    def check(self, answer: Any) -> Feedback:
        """The feedback on a mapping from each situation to a word."""
        if answer is None or answer is ... or answer == {}:
            return waiting(self.name)
        if not isinstance(answer, Mapping):
            return wrong(f"Hand in the dictionary itself: check({self.name!r}, {self.name}).")
        if all(word is None or word is ... for word in answer.values()):
            return waiting(self.name)
        words = {str(name): _word(word) for name, word in answer.items()}
        if problem := self._cannot_be_read(words):
            return wrong(problem)
        differing = [name for name in self.situations if words[name] != self.situations[name].right]
        if not differing:
            return right(f"You judge all {len(self.situations)} situations as we do.")
        return self._wrong(words, differing)

    def _cannot_be_read(self, words: Mapping[str, str]) -> str:
        """What is missing or unknown in an answer, in one sentence; empty if nothing is."""
        missing = [name for name in self.situations if words.get(name, "") == ""]
        if missing:
            return f"Nothing is said yet of {', '.join(map(repr, missing))}."
        for name, word in words.items():
            if name not in self.situations:
                return f"There is no situation {name!r:.40}."
            if word not in self.choices:
                choices = ", ".join(map(repr, self.choices))
                return f"{word!r:.40} for {name!r} is none of the words to choose from: {choices}."
        return ""

    def _wrong(self, words: Mapping[str, str], differing: list[str]) -> Feedback:
        first = self.situations[differing[0]]
        got = words[differing[0]]
        mistake = next((text for text, way in self.mistakes.items() if way == words), None)
        message = mistake or first.against.get(got) or f"{got!r} is no answer to this one."
        if mistake is None and len(differing) > 1:
            message += f" {len(differing)} of {len(self.situations)} differ; this is the first."
        return wrong(
            message,
            mistake=mistake or first.against.get(got),
            case=Counterexample(f"{differing[0]}: {first.known}", first.right, got),
        )


def _word(word: Any) -> str:
    return "" if word is None or word is ... else " ".join(str(word).casefold().split())
