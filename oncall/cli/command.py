"""The command: ``oncall``, or ``python3 -m oncall``, which without a verb plays a shift.

Exit status: 0 fine, 1 the answer is no, 2 bad use or bad input, said in one line on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from oncall.cli.arguments import parser
from oncall.cli.verbs import VERBS


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status; ``argv`` is what follows the command's name."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 shows ? for what it lacks
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if argv is None else argv
    status = 0  # a text that nobody reads to its end is no failure; a verdict is kept by its verb
    try:
        arguments = parser().parse_args(words or ["shift"])
        status = VERBS[arguments.verb](arguments)
        print(end="", flush=True)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130  # the status that shells give it
    except (ValueError, OSError) as error:
        print(f"oncall: {_one_line(error)}", file=sys.stderr)
        return 2
    return status


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
