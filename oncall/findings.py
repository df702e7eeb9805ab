"""A finding: the one type for everything that says "this will bite you".

``lint_alerting``, ``lint_escalation`` and ``lint_postmortem`` all return lists of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that will bite you, where it stands, why, and what to do instead.

    ``line`` counts from 1: the line of a text, the rule of an alert policy, the step of a ladder;
    0 means the whole. ``phrase`` is what was found there, ``rule`` the lint rule's short name.
    """

    line: int
    phrase: str
    rule: str
    why: str
    suggestion: str

    def __str__(self) -> str:
        where = f"{self.line}: " if self.line else ""
        return f"{where}{self.phrase}: {self.why} {self.suggestion} [{self.rule}]"
