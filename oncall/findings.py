"""A finding: the one type for everything that says "this will bite you".

``lint_alerting``, ``lint_escalation`` and ``lint_postmortem`` all return lists of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that will bite you, where it is, why it bites, and what to do instead.

    ``line`` counts from 1: a line of a text, a rule of an alert policy, a step of a ladder; 0 means
    the whole. ``phrase`` is what was found there, ``rule`` the short name of the lint's rule.
    """

    line: int
    phrase: str
    rule: str
    why: str
    suggestion: str

    def __str__(self) -> str:
        where = f"{self.line}: " if self.line else ""
        return f"{where}{self.phrase}: {self.why} {self.suggestion} [{self.rule}]"
