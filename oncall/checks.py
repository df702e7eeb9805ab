"""Checks of what is given, so that every module refuses with the same words.

What is wrong is a ``ValueError`` such as ``every must be a whole number from 1, given 0``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from numbers import Real
from typing import Any, TypeVar

T = TypeVar("T")

_SHOWN = 200  # characters of a value in an error


def shown(value: object) -> str:
    """A value as an error shows it: as Python writes it, in one line, cut where that is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"
    text = re.sub(r"\s*\n\s*", " ", text)  # arrays and frames write several lines
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… and so on"


def check(holds: object, name: str, need: str, given: object, hint: str = "") -> None:
    """Raise a ``ValueError`` unless it holds; ``need`` is what ``name`` must be.

    ``hint`` says what to give instead, such as ``give e.g. 5 * MINUTE``.
    """
    if not holds:
        advice = f"; {hint}" if hint else ""
        raise ValueError(f"{name} must be {need}, given {shown(given)}{advice}")


def check_choice(value: Any, name: str, choices: Sequence[str]) -> None:
    """Raise a ``ValueError`` unless the value is one of the choices."""
    check(value in choices, name, f"one of {', '.join(choices)}", value)


def check_whole(
    value: Any, name: str, least: int = 0, need: str = "a whole number", *, most: int = 10**6
) -> None:
    """Raise a ``ValueError`` unless the value is an ``int``, no ``bool``, from ``least`` on.

    One above ``most`` is refused too.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    check(is_whole and value >= least, name, f"{need} from {least}", value)
    check(value <= most, name, f"at most {most:,}", value)


def is_short_number(text: str) -> bool:
    """Whether a text is a whole number from 0 in at most six digits, such as ``153``."""
    return text.isascii() and text.isdigit() and len(text) <= 6


def checked_number(value: Any, name: str, least: float, most: float) -> float:
    """The value as a ``float`` if it is a number from ``least`` to ``most``, which nan is not."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    fits = is_number and least <= value <= most
    check(fits, name, f"a number from {least:g} to {most:g}", value)
    return float(value)


def checked_text(value: str, name: str, *, blank: bool = False) -> str:
    """The value itself if it is a text, blank only if ``blank``; else a ``ValueError``."""
    need = "a text" if blank else "a text that says something"
    check(isinstance(value, str) and (blank or value.strip()), name, need, value)
    return value


def checked_tuple(
    values: Any, kind: type[T], name: str, need: str, hint: str = "", *, least: int = 0
) -> tuple[T, ...]:
    """The values as a tuple, all of one type and at least so many.

    Anything else, a bare string too, is a ``ValueError``.
    """
    is_row = isinstance(values, Iterable) and not isinstance(values, str)
    items = tuple(values) if is_row else ()
    fit = is_row and len(items) >= least and all(isinstance(item, kind) for item in items)
    check(fit, name, need, values if isinstance(values, Sequence) else items or values, hint)
    return items


def checked_texts(values: Any, name: str) -> tuple[str, ...]:
    """The values as a tuple, all of them texts, and none empty; else a ``ValueError``."""
    need, hint = "a list of texts", "give e.g. ['a', 'b']"
    texts = checked_tuple(values, str, name, need, hint)
    check(all(texts), name, need, texts, hint)
    return texts


def check_date(day: date, name: str) -> None:
    """Raise a ``ValueError`` unless it is a date, and no datetime."""
    is_date = isinstance(day, date) and not isinstance(day, datetime)
    check(is_date, name, "a date", day, "give e.g. date(2025, 1, 6)")
