"""A disk that fails, or a Ctrl-C that comes, at one chosen call of all those that write."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

KINDS = ("open", "write", "fsync", "truncate", "replace", "unlink", "mkdir", "chmod")


class Injected:
    """Counts the calls of one kind, and raises at the one with this number, from 1."""

    def __init__(self, kind: str, number: int, error: BaseException):
        self.kind, self.number, self.error = kind, number, error
        self.calls = 0

    @property
    def came(self) -> bool:
        """Whether there was such a call."""
        return self.calls >= self.number

    def call(self, kind: str, path: object = None) -> None:
        if kind == self.kind:
            self.calls += 1
            if self.calls == self.number:
                if isinstance(self.error, OSError) and path is not None:
                    raise OSError(self.error.errno, self.error.strerror, str(path))
                raise self.error


class _File:
    """A file whose writing and truncating may fail, after half of a write has reached the disk."""

    def __init__(self, file: Any, injected: Injected):
        self._file, self._injected = file, injected

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: Any) -> Any:
        try:
            self._injected.call("write")
        except BaseException:
            self._file.write(data[: len(data) // 2])
            raise
        return self._file.write(data)

    def truncate(self, size: int) -> Any:
        self._injected.call("truncate")
        return self._file.truncate(size)


@contextmanager
def failing(injected: Injected) -> Iterator[None]:
    """Let the chosen call fail while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        real = builtins.open

        def opened(path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real(path, mode, *more, **named)
            injected.call("open", path)
            return _File(real(path, mode, *more, **named), injected)

        def wrapped(name: str) -> Callable[..., Any]:
            function = getattr(os, name)

            def called(*words: Any, **named: Any) -> Any:
                injected.call(name, None if name == "fsync" else words[0])
                return function(*words, **named)

            return called

        patch.setattr(builtins, "open", opened)
        for name in ("fsync", "replace", "unlink", "mkdir", "chmod"):
            patch.setattr(os, name, wrapped(name))
        yield


def numbers(kind: str, act: Callable[[], object], most: int = 9) -> list[int]:
    """Which calls of a kind to let fail: all that the action makes, or ``most`` spread over them.

    The last is one that is never made.
    """
    counted = Injected(kind, 10**9, OSError())
    with failing(counted):
        act()
    every = range(1, counted.calls + 1)
    step = max(1, -(-len(every) // most))
    return [*every[::step], counted.calls + 1]
