"""The pager of a shift: whom the escalation policy wakes, and when."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime

from oncall.escalation import EscalationPolicy, Page, Step, escalate
from oncall.times import MINUTE

LADDER = EscalationPolicy(
    (Step(("ana",), 5 * MINUTE), Step(("bo",), 10 * MINUTE), Step(("chen",), 15 * MINUTE)), repeat=1
)


class Pager:
    """A pager that climbs an escalation policy until somebody answers.

    It keeps no clock: moments are passed in, and ``due`` returns what is to be done by then.
    """

    def __init__(self, policy: EscalationPolicy = LADDER):
        self.policy = policy
        self._to_come: deque[Page] = deque()
        self._next_step = 0

    @property
    def ringing(self) -> bool:
        """Whether it has paged, and goes on until somebody answers."""
        return bool(self._to_come)

    def start(self, at: datetime) -> None:
        """Climb from the first step, at once."""
        self._to_come = deque(escalate(self.policy, at).pages)

    def escalate(self, at: datetime) -> None:
        """Page the next step at once, and climb on from there to the last."""
        first = self._next_step % len(self.policy.steps)
        pages = escalate(EscalationPolicy(self.policy.steps[first:]), at).pages
        self._to_come = deque(replace(page, step=page.step + first) for page in pages)

    def answer(self) -> None:
        """Somebody has answered: it stops climbing."""
        self._to_come.clear()

    def reset(self) -> None:
        """Another incident: the next call for help begins with the first step."""
        self._next_step = 0

    def due(self, now: datetime) -> list[Page]:
        """The pages that are due by now, each once."""
        pages = []
        while self._to_come and self._to_come[0].at <= now:
            pages.append(self._to_come.popleft())
            self._next_step = pages[-1].step + 1
        return pages
