"""What a check says: whether an answer is right, and if not, why not and on which case."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_COLOURS = {"Right.": "#009E73", "Not yet.": "#D55E00", "Waiting.": "#767676"}


@dataclass(frozen=True)
class Counterexample:
    """The smallest case on which an answer differs: how it is called, what was expected, what it gave."""

    call: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.call}\n  expected  {self.expected}\n  got       {self.got}"


@dataclass(frozen=True, repr=False)
class Check:
    """What became of an answer.

    ``mistake`` is what was recognised and why it is wrong, ``case`` the smallest case that differs;
    either may be ``None``. ``message`` says it all in a few sentences. A notebook shows it by itself.
    """

    passed: bool
    attempted: bool
    mistake: str | None
    case: Counterexample | None
    message: str

    @property
    def verdict(self) -> str:
        """The first word about it."""
        return "Right." if self.passed else "Not yet." if self.attempted else "Waiting."

    def __repr__(self) -> str:
        return f"{self.verdict} {self.message}" + (f"\n\n{self.case}" if self.case else "")

    def _repr_html_(self) -> str:
        case = (
            f'<pre style="white-space: pre-wrap">{escape(str(self.case))}</pre>'
            if self.case
            else ""
        )
        return (
            f'<div style="border-left: 4px solid {_COLOURS[self.verdict]}; padding-left: 12px">'
            f"<p><b>{self.verdict}</b> {escape(self.message)}</p>{case}</div>"
        )


def right(message: str) -> Check:
    """The check of a right answer."""
    return Check(True, True, None, None, message)


def waiting(name: str) -> Check:
    """The check of a stub."""
    return Check(
        False,
        False,
        None,
        None,
        f"{name} is still a stub: write your answer in its place and run both cells.",
    )


def wrong(message: str, *, mistake: str | None = None, case: Counterexample | None = None) -> Check:
    """The check of a wrong answer."""
    return Check(False, True, mistake, case, message)
