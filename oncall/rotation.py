"""Rotations: who is on call at a moment, with handoffs at a local time of day.

Daylight saving time (DST) may skip that time of day or repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from oncall.checks import check, check_date, check_whole
from oncall.times import DAY, ceil_div, local_clock, local_moment, time_zone, utc


@dataclass(frozen=True)
class Rotation:
    """Members who take turns on call, ``every`` days each, handing off at local time ``handoff``.

    ``members[0]`` is on call from the handoff on ``start``, nobody before it. ``tz`` is an IANA
    zone such as ``America/Chicago``. The moment of handoff belongs to whoever takes over. A handoff
    that DST skips happens at the end of the gap; one that it repeats happens at the first.
    """

    members: tuple[str, ...]
    handoff: time
    tz: str
    start: date
    every: int = 1

    def __post_init__(self) -> None:
        members = () if isinstance(self.members, str) else tuple(self.members)
        are_names = members and all(map(is_name, members))
        check(are_names, "members", "one or more names", self.members, "give e.g. ('ana', 'ben')")
        object.__setattr__(self, "members", members)
        is_local = isinstance(self.handoff, time) and self.handoff.tzinfo is None
        check(is_local, "handoff", "a time without a zone", self.handoff, "give e.g. time(9, 30)")
        time_zone(self.tz)
        check_date(self.start, "start")
        check_whole(self.every, "every", 1, "a whole number of days")

    def on_call(self, at: datetime) -> str | None:
        """The member on call at this moment; ``None`` before the first handoff."""
        at = utc(at, "at")
        days = (local_clock(at, ZoneInfo(self.tz)).date() - self.start).days
        # From one turn late: where clocks fall back over midnight, tomorrow's handoff may be over.
        for turn in range(days // self.every + 1, -1, -1):
            if at >= self.handoff_at(turn):
                return self.members[turn % len(self.members)]
        return None

    def handoff_at(self, turn: int) -> datetime:
        """The UTC moment at which a turn begins; turn 0 is the one that begins on ``start``."""
        return local_moment(self._wanted(turn), ZoneInfo(self.tz))

    def turns(self, since: date) -> range:
        """The turns that begin within a year from a date."""
        first = max(0, ceil_div(since - self.start, self.every * DAY))
        return range(first, first + 365 // self.every + 1)

    def skipped_handoffs(self) -> list[datetime]:
        """The handoffs in the year from ``start`` that DST skips, as local times no clock shows."""
        handoffs = [(self._wanted(turn), self.handoff_at(turn)) for turn in self.turns(self.start)]
        zone = ZoneInfo(self.tz)
        return [wanted for wanted, at in handoffs if local_clock(at, zone) != wanted]

    def _wanted(self, turn: int) -> datetime:
        """What the local clock should show at a handoff, as a naive datetime."""
        return datetime.combine(self.start + turn * self.every * DAY, self.handoff)


def is_name(value: object) -> bool:
    """Whether this can name a person: text that is not blank."""
    return isinstance(value, str) and bool(value.strip())
