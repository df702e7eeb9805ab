"""Runs a learner's function and says what came back. Whatever it does is reported; nothing it does is fatal.

It may raise, print, change its arguments, recurse for ever or never return.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from traceback import format_exception_only
from typing import Any

TIME_LIMIT = 2.0  # seconds for all calls together; an honest answer takes milliseconds
PATIENCE = 0.5  # seconds to stop what has not come back by then
MOST_ITEMS = 10_000  # of what a generator yields; it might never end

Arguments = tuple[Any, ...]


class TimeUp(BaseException):
    """Raised inside the learner's code when its time is up; ``except Exception`` lets it pass."""


@dataclass(frozen=True)
class Outcome:
    """What one call came to: a value as plain Python or an error, and whether the arguments were changed."""

    value: Any = None
    error: BaseException | None = None
    mutated: bool = False

    @property
    def blank(self) -> bool:
        """Whether there is no answer yet: nothing came back but what a stub returns or raises."""
        if self.error is not None:
            return (
                type(self.error) is NotImplementedError
            )  # not one of its children, which a kernel raises
        return self.value is None or self.value is ...

    def __str__(self) -> str:
        if self.error is None:
            return show(self.value)
        return (
            str(self.error)
            if isinstance(self.error, TimeUp)
            else _one_line(format_exception_only(self.error)[-1])
        )


@dataclass(frozen=True)
class Run:
    """What a function did with a list of cases.

    There is an outcome a case, except that a call which did not return in time is the last one, with
    ``TimeUp`` as its error. ``stuck`` says that it could not even be stopped.
    """

    outcomes: tuple[Outcome, ...]
    printed: str
    stuck: bool


def run(call: Callable[..., Any], cases: Sequence[Arguments]) -> Run:
    """Call a function once a case, in a thread of its own, within ``TIME_LIMIT`` seconds in all."""
    thread, printed = _Learner(call, cases), io.StringIO()
    with contextlib.redirect_stdout(printed):
        thread.start()
        try:
            thread.join(TIME_LIMIT)
            late, done = thread.busy, tuple(thread.outcomes)
        finally:  # also when somebody interrupts the kernel meanwhile
            thread.stop()
    if late and len(done) < len(cases):
        done = (*done, Outcome(error=TimeUp(f"it had not come back after {TIME_LIMIT:g} seconds")))
    return Run(done, printed.getvalue(), thread.busy)


class _Learner(threading.Thread):
    """The thread that calls a learner's function; ``busy`` as long as it does."""

    def __init__(self, call: Callable[..., Any], cases: Sequence[Arguments]):
        super().__init__(daemon=True)
        self._call, self._cases = call, cases
        self.outcomes: list[Outcome] = []
        self.busy = True

    def run(self) -> None:
        try:
            for arguments in self._cases:
                self.outcomes.append(outcome(self._call, arguments))
        except TimeUp:
            pass
        finally:
            self.busy = False

    def stop(self) -> None:
        """End Python code by raising ``TimeUp`` in it until it is left.

        Code that catches everything must be hit outside its ``try``, so the threads take turns at
        every chance meanwhile. Code that waits inside C is left to itself and ends when it comes back.
        """
        interval, give_up = sys.getswitchinterval(), time.monotonic() + PATIENCE
        sys.setswitchinterval(1e-6)
        try:
            while self.busy and time.monotonic() < give_up:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.ident or 0), ctypes.py_object(TimeUp)
                )
                time.sleep(0)  # no longer, or the code is back in its ``try``
        finally:
            sys.setswitchinterval(interval)


def outcome(call: Callable[..., Any], arguments: Arguments) -> Outcome:
    """What one call came to. It gets a copy of the arguments."""
    given = copy.deepcopy(arguments)
    try:
        value = plain(call(*given))
    except TimeUp:
        raise
    except BaseException as error:  # a learner's SystemExit is no reason to end the kernel
        return Outcome(error=error, mutated=_differ(given, arguments))
    return Outcome(value, mutated=_differ(given, arguments))


def _differ(given: Arguments, arguments: Arguments) -> bool:
    try:
        return given != arguments
    except Exception:  # what was put into a list cannot even be compared
        return True


# --- what came back ------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """The value as plain Python: numpy's numbers as numbers; arrays, generators and the like as lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = [plain(item) for item in islice(value, MOST_ITEMS)]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def alike(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are the same answer, or errors for the same reason."""
    if one.error is not None or other.error is not None:
        return _reason(one.error) == _reason(other.error)
    return _same(one.value, other.value)


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values mean the same: a list is as good as a tuple, an int as a float."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
        return _close(one, other)
    return (one is None and other is None) or (
        isinstance(one, str) and isinstance(other, str) and one == other
    )


_NUMBERS = (int, float, Fraction, Decimal)


def _close(one: Any, other: Any) -> bool:
    try:
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (
            math.isnan(one) and math.isnan(other)
        )
    except OverflowError:  # too large for a float
        return bool(one == other)


def _reason(error: BaseException | None) -> str:
    """Why it was raised, as far as a mistake goes: there are many ways to trip over a value that is not there."""
    if isinstance(error, ArithmeticError):
        return "arithmetic"
    if isinstance(error, LookupError | TypeError | ValueError | StopIteration):
        return "missing value"
    return type(error).__name__


def show(value: Any) -> str:
    """A value as one short line that is the same in every run."""
    try:
        return _one_line(repr(value))
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"


def _one_line(text: str, most: int = 200) -> str:
    text = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", text).split())
    return text if len(text) <= most else text[: most - 1] + "…"
