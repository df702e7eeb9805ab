"""What a learner is told: whether an answer is right, and if not, why not and on which case."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_COLOURS = {"Right.": "#009E73", "Not yet.": "#D55E00", "Waiting.": "#767676"}


@dataclass(frozen=True)
class Counterexample:
    """The smallest case on which an answer differs: the call, what was expected, what it gave."""

    call: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.call}\n  expected  {self.expected}\n  got       {self.got}"


@dataclass(frozen=True, repr=False)
class Feedback:
    """The verdict on an answer; a notebook shows it as text or HTML.

    ``message`` says it all in a few sentences. ``mistake`` is the mistake that was recognised and
    why it is wrong, ``case`` the smallest case that differs; either may be ``None``.
    """

    passed: bool
    attempted: bool
    message: str
    mistake: str | None = None
    case: Counterexample | None = None

    @property
    def verdict(self) -> str:
        """The first word of the feedback."""
        if self.passed:
            return "Right."
        return "Not yet." if self.attempted else "Waiting."

    def __repr__(self) -> str:
        case = f"\n\n{self.case}" if self.case else ""
        return f"{self.verdict} {self.message}{case}"

    def _repr_html_(self) -> str:
        case = ""
        if self.case:
            case = f'<pre style="white-space: pre-wrap">{escape(str(self.case))}</pre>'
        return (
            f'<div style="border-left: 4px solid {_COLOURS[self.verdict]}; padding-left: 12px">'
            f"<p><b>{self.verdict}</b> {escape(self.message)}</p>{case}</div>"
        )


def right(message: str) -> Feedback:
    """The feedback on a right answer."""
    return Feedback(True, True, message)


def waiting(name: str) -> Feedback:
    """The feedback on a stub."""
    todo = "write your answer in its place and run both cells"
    return Feedback(False, False, f"{name} is still a stub: {todo}.")


def wrong(
    message: str, *, mistake: str | None = None, case: Counterexample | None = None
) -> Feedback:
    """The feedback on a wrong answer."""
    return Feedback(False, True, message, mistake, case)
