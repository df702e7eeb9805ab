"""An exercise whose answer is a function: its reference, its cases, and the mistakes learners make.

The exercises themselves stand in the modules beside this one, named after what they ask. To add a
mistake, write what you would say to the learner, in a sentence or two: what was done and why it is
wrong; and beside it the wrong function. To add a case, write its arguments. The tests run every
mistake and say which two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from oncall.workbook.exercises.runner import Arguments, Outcome, outcome, show

Function = Callable[..., Any]


def _call(answer: Function, *arguments: Any) -> Any:
    return answer(*arguments)


def _as_call(name: str, *arguments: Any) -> str:
    return f"{name}({', '.join(map(show, arguments))})"


@dataclass(frozen=True)
class Exercise:
    """A function to be written: a reference that defines it, cases to try it on, known mistakes.

    ``cases`` run from the smallest to the largest; ``edges`` come after them, and a learner hears
    of them once the plain cases are right. ``mistakes`` has a wrong function for each text that a
    teacher would say about it. ``call`` hands a case to an answer and ``text`` writes that call
    down, where there is more to it than passing the arguments.
    """

    signature: str
    reference: Function
    cases: tuple[Arguments, ...]
    edges: tuple[Arguments, ...]
    mistakes: Mapping[str, Function]
    call: Function = _call
    text: Callable[..., str] = _as_call

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.signature.partition("(")[0]

    @cached_property
    def expected(self) -> list[Outcome]:
        """What the reference makes of each case."""
        return self.outcomes(self.reference)

    @cached_property
    def by_mistake(self) -> dict[str, list[Outcome]]:
        """What each known mistake makes of each case, by the words about it."""
        return {words: self.outcomes(function) for words, function in self.mistakes.items()}

    def outcomes(self, function: Function) -> list[Outcome]:
        """What a function of ours makes of each case; it is run without a time limit."""
        call = partial(self.call, function)
        return [outcome(call, arguments) for arguments in self.cases + self.edges]


def altered(reference: Function, change: Function) -> Function:
    """The function that calls the reference and makes something else of the values it returns."""
    return lambda *arguments: change(*reference(*arguments))
