"""A learner's guess beside the answer: how far off it is, and what it would mean if it were true.

Nothing is graded. Whoever has not guessed yet is asked to, and finds the answer folded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Real
from typing import Any

CLOSE = 0.1  # as near as this share of the answer is close

Means = Callable[[Any], str] | Mapping[Any, str]


@dataclass(frozen=True, repr=False)
class Comparison:
    """What is said of a guess; a notebook shows it as text or HTML.

    ``verdict`` is one of ``right``, ``close``, ``off``, ``none`` (no guess yet) and ``unclear``
    (not something that can be compared). ``message`` is what the learner reads, ``answer`` the
    answer, which is folded until there is a guess.
    """

    verdict: str
    message: str
    answer: str

    @property
    def _folded(self) -> bool:
        return self.verdict in ("none", "unclear")

    def __repr__(self) -> str:
        return f"{self.message}\nThe answer: {self.answer}" if self._folded else self.message

    def _repr_html_(self) -> str:
        fold = ""
        if self._folded:
            fold = f"<details><summary>The answer</summary>{escape(self.answer)}</details>"
        return (
            '<div style="border-left: 4px solid #0072B2; padding-left: 12px">'
            f"<p>{escape(self.message)}</p>{fold}</div>"
        )


def compare(
    guess: Any,
    answer: float | str,
    unit: str = "",
    *,
    means: Means | None = None,
    among: Sequence[str] = (),
    shown: str = ",.4g",
) -> Comparison:
    """A guess beside the answer, a number with a unit or one of a few words.

    ``means`` says in a clause what a wrong guess would mean: a function of the guess, or a mapping
    with a clause for each word that one may choose. ``among`` are these words, and ``shown`` is how
    a number is written. A guess of ``None`` or ``...`` is no guess yet. It never raises for what a
    learner may write: whatever cannot be compared is named.

    >>> compare(2, 50, "hours", means=lambda hours: f"it would burn {720 / hours:.0f}x")
    You said 2 hours; it is 50 hours, 25 times as much. If it were 2 hours, it would burn 360x.
    """
    if isinstance(answer, str):
        return _compare_words(guess, answer, means, among)
    text = _with_unit(answer, unit, shown)
    if guess is None or guess is ...:
        ask = f"your guess{f' in {unit}' if unit else ''}"
        return Comparison("none", f"No guess yet: write {ask} and run both cells.", text)
    number = _number(guess)
    if number is None:
        said = f"{guess!r:.40} is not a number that can be compared; write one such as 3 or 0.5."
        return Comparison("unclear", said, text)
    if unit == "%" and 0 < number < 1 < abs(answer):
        as_percent = f"as a share of 1 that would be {number * 100:g}%"
        return Comparison("off", f"You said {number:g}%; {as_percent}. It is {text}.", text)
    return _compare_numbers(number, answer, unit, shown, means)


def _compare_numbers(
    guess: float, answer: float, unit: str, shown: str, means: Means | None
) -> Comparison:
    text, said = _with_unit(answer, unit, shown), _with_unit(guess, unit, shown)
    if text == said or math.isclose(guess, answer, rel_tol=1e-9):
        return Comparison("right", f"You said {said}, and so it is.", text)
    if abs(guess - answer) <= CLOSE * abs(answer):
        return Comparison("close", f"You said {said}, close: it is {text}.", text)
    message = f"You said {said}; it is {text}{_how_far(guess, answer)}."
    if means is not None:
        message += f" If it were {said}, {_meaning(means, guess)}."
    return Comparison("off", message, text)


def _how_far(guess: float, answer: float) -> str:
    """How many times as much the answer is; nothing where a ratio says nothing."""
    if guess * answer <= 0 or not math.isfinite(guess):
        return ""
    ratio = answer / guess
    if ratio >= 1.5:
        return f", {ratio:,.3g} times as much"
    if ratio <= 1 / 1.5:
        return f", {1 / ratio:,.3g} times less"
    return f", {abs(answer / guess - 1):.0%} {'more' if ratio > 1 else 'less'}"


def _compare_words(
    guess: Any, answer: str, means: Means | None, among: Sequence[str]
) -> Comparison:
    choices = list(among) or (list(means) if isinstance(means, Mapping) else [])
    one_of = f" one of {', '.join(map(repr, choices))}" if choices else " your answer"
    if guess is None or guess is ...:
        return Comparison("none", f"No guess yet: write{one_of} and run both cells.", answer)
    said = str(guess).strip()
    if said.casefold() == answer.casefold():
        return Comparison("right", f"You said {answer}, and so it is.", answer)
    known = {choice.casefold(): choice for choice in choices}
    if choices and said.casefold() not in known:
        unknown = f"{said!r:.40} is not among the choices: write{one_of}."
        return Comparison("unclear", unknown, answer)
    said = known.get(said.casefold(), said)
    message = f"You said {said}; it is {answer}."
    if means is not None and (meaning := _meaning(means, said)):
        message += f" If it were {said}, {meaning}."
    return Comparison("off", message, answer)


def _meaning(means: Means, guess: Any) -> str:
    if isinstance(means, Mapping):
        return means.get(guess, "")
    try:
        return means(guess)
    except (ArithmeticError, TypeError, ValueError):  # 0 hours burn at no finite speed
        return "it could not be"


def _number(guess: Any) -> float | None:
    """A guess as a number: ``"1,000"`` and ``"2%"`` are what they look like; ``None`` if none."""
    if isinstance(guess, str):
        guess = guess.strip().rstrip("%x× ").replace(",", "")
    if isinstance(guess, bool) or not isinstance(guess, str | Real):
        return None
    try:
        number = float(guess)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _with_unit(number: float, unit: str, shown: str) -> str:
    text = format(number, shown)
    return f"{text}{unit}" if unit in ("", "%", "x") else f"{text} {unit}"
