"""The command: ``oncall``, or ``python3 -m oncall``, which without a verb plays a shift.

Exit status: 0 fine, 1 the answer is no, 2 bad use or bad input, said in one line on standard
error, 130 interrupted. There is no other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from oncall.cli.arguments import parser
from oncall.cli.output import say
from oncall.cli.verbs import VERBS
from oncall.files import error_text


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status; ``argv`` is what follows the command's name."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 shows ? for what it lacks
            stream.reconfigure(errors="replace")
    status = 0
    try:
        status, text = _answer(sys.argv[1:] if argv is None else argv)
        say(text)
    except BrokenPipeError:  # the reader, such as head, has seen enough; a verdict stands
        _leave(sys.stdout)
    except KeyboardInterrupt:
        status = 130  # the status that shells give it
    except (ValueError, OSError) as error:
        status = status or 2  # a verdict that could not be written stands, too
        _complain(error_text(error))
    except Exception as error:  # 1 would be taken for a verdict
        status = 2
        _complain(
            f"{_place(error)}: this is a bug in oncall, please report it: {error_text(error)}"
        )
    return _close(status)


def _answer(words: Sequence[str]) -> tuple[int, str]:
    """The exit status of what the words ask for, and what there is to print."""
    try:
        arguments = parser().parse_args(list(words) or ["shift"])
    except SystemExit as stop:  # --help and --version have printed
        return int(stop.code or 0), ""
    return VERBS[arguments.verb](arguments)


def _complain(text: str) -> None:
    try:
        if sys.stderr is not None:  # or print would take standard output
            print(f"oncall: {text}", file=sys.stderr, flush=True)
    except OSError:
        _leave(sys.stderr)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} at {place}"


def _close(status: int) -> int:
    """The exit status after all is written; what Python cannot write at its end makes it 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _leave(stream)
    return status


def _leave(stream: object) -> None:
    """Let what a stream still holds go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[attr-defined]
