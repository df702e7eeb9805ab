"""The people of a shift: who can be woken, who answers and when, and who approves what.

You are whoever the pager wakes first. The others sleep; some do not hear it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from oncall.mitigations import MITIGATIONS

YOU = "ana"  # the first of the ladder
PEOPLE = {
    YOU: "on call; that is you",
    "bo": "on call next, knows the platform",
    "chen": "on call after that, knows models and prompts",
    "dana": "security",
    "eli": "head of platform, approves what has a price",
}
"""Who can be paged, and who they are."""


@dataclass
class People:
    """Who was woken, who is up, and what was asked of whom, by minutes of the shift."""

    seed: int
    woken: dict[str, int] = field(default_factory=dict)  # by name, the minute of the last page
    answers: dict[str, int] = field(default_factory=dict)  # the minute at which they are up
    busy: dict[str, int] = field(default_factory=dict)  # the minute until which they act
    asked: dict[str, int] = field(default_factory=dict)  # by mitigation, when the answer comes

    def page(self, who: str, minute: int) -> None:
        """Wake somebody; most answer within minutes, and some do not hear the first page."""
        if who in self.answers and self.answers[who] <= minute:
            return
        share = random.Random(f"{self.seed} {who} {minute - minute % 30}").random
        hears = who in ("dana", YOU) or share() < 0.85
        if hears and who not in self.answers:
            self.answers[who] = minute + 1 + int(share() * (3 if who == "dana" else 8))
        self.woken[who] = minute

    def is_up(self, who: str, minute: int) -> bool:
        """Whether somebody can act: you can, and so can whoever has answered."""
        return who == YOU or self.answers.get(who, minute + 1) <= minute

    def minutes_for(self, who: str | None, takes: int, minute: int) -> int:
        """The minutes of your own that an act takes if this person is asked to do it.

        None if they are up and free: they are busy with it then. What they are busy with you wait
        for; and if they are not up, you do it yourself.
        """
        if who is None or who == YOU or not self.is_up(who, minute):
            return takes
        wait = max(0, self.busy.get(who, minute) - minute)
        self.busy[who] = minute + wait + takes
        return wait

    def ask(self, mitigation: str, minute: int) -> None:
        """Ask for approval; the answer comes some minutes later."""
        share = random.Random(f"{self.seed} ask {mitigation}").random()
        self.asked.setdefault(mitigation, minute + 3 + int(share * 7))

    def approves(self, mitigation: str) -> bool:
        """What the answer is: no to what cannot be undone, else yes."""
        return MITIGATIONS[mitigation].reversible
