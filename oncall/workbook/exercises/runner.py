"""Runs a learner's function and reports what came back; nothing that it does is fatal.

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
MAX_ITEMS = 10_000  # taken from a generator, which might never end
MAX_LENGTH = 200  # of a value that is shown, in characters

Arguments = tuple[Any, ...]
Number = int | float | Fraction | Decimal


class TimeUp(BaseException):
    """Raised inside the learner's code when its time is up; ``except Exception`` lets it pass."""


@dataclass(frozen=True)
class Outcome:
    """What one call led to: a value as plain Python, or an error.

    ``mutated`` says whether the call changed its arguments.
    """

    value: Any = None
    error: BaseException | None = None
    mutated: bool = False

    @property
    def blank(self) -> bool:
        """Whether there is no answer yet: it is what a stub returns or raises."""
        if self.error is None:
            return self.value is None or self.value is ...
        # Not a subclass: `input()` raises one in a kernel that has no standard input.
        return type(self.error) is NotImplementedError

    def __str__(self) -> str:
        if self.error is None:
            return show(self.value)
        if isinstance(self.error, TimeUp):
            return str(self.error)
        return _one_line(format_exception_only(self.error)[-1])


@dataclass(frozen=True)
class Run:
    """What a function did with a list of cases.

    There is one outcome per case. A call that did not return in time has ``TimeUp`` as its error
    and is the last. ``stuck`` says that it could not even be stopped.
    """

    outcomes: tuple[Outcome, ...]
    printed: str
    stuck: bool


def run(call: Callable[..., Any], cases: Sequence[Arguments]) -> Run:
    """Call a function once per case, in a thread of its own, in at most ``TIME_LIMIT`` seconds."""
    thread = _Learner(call, cases)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        thread.start()
        try:
            thread.join(TIME_LIMIT)
            late = thread.busy  # before the outcomes are taken, which it may still add to
            outcomes = tuple(thread.outcomes)
        finally:  # also when somebody interrupts the kernel meanwhile
            thread.stop()
    if late and len(outcomes) < len(cases):
        error = TimeUp(f"it had not come back after {TIME_LIMIT:g} seconds")
        outcomes = (*outcomes, Outcome(error=error))
    return Run(outcomes, printed.getvalue(), thread.busy)


class _Learner(threading.Thread):
    """The thread that calls a learner's function; ``busy`` until it is done."""

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

        Code that catches everything must be hit outside its ``try``, so meanwhile the threads
        take turns at every chance. Code that waits inside C is left alone and ends when it
        comes back.
        """
        interval, give_up = sys.getswitchinterval(), time.monotonic() + PATIENCE
        thread_id, error = ctypes.c_ulong(self.ident or 0), ctypes.py_object(TimeUp)
        sys.setswitchinterval(1e-6)
        try:
            while self.busy and time.monotonic() < give_up:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread_id, error)
                time.sleep(0)  # no longer, or the code is back in its ``try``
        finally:
            sys.setswitchinterval(interval)


def outcome(call: Callable[..., Any], arguments: Arguments) -> Outcome:
    """What one call led to; it gets a copy of the arguments."""
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
    """The value as plain Python: numpy's numbers as numbers; arrays, sets, generators as lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = [plain(item) for item in islice(value, MAX_ITEMS)]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def alike(left: Outcome, right: Outcome) -> bool:
    """Whether two outcomes are the same answer, or errors for the same reason."""
    if left.error is not None or right.error is not None:
        return _reason(left.error) == _reason(right.error)
    return _same(left.value, right.value)


def _same(left: Any, right: Any) -> bool:
    """Whether two plain values mean the same: a list is as good as a tuple, an int as a float."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, Number) and isinstance(right, Number):
        return _close(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is None and right is None


def _close(left: Number, right: Number) -> bool:
    try:
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    except OverflowError:  # too large for a float
        return left == right


def _reason(error: BaseException | None) -> str:
    """Why it was raised, as coarsely as is fair.

    There are many ways to trip over a missing value, and they are all the same mistake.
    """
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


def _one_line(text: str) -> str:
    text = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", text).split())
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"
