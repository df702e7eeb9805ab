"""Standard output: what the command says."""

from __future__ import annotations

from oncall.files import visible


def say(text: str, end: str = "") -> None:
    """Print a text at once, with what a terminal would obey shown instead.

    A reader who has gone is a ``BrokenPipeError``; a disk that is full is an ``OSError``.
    """
    try:
        print(visible(text), end=end, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from None
