"""Rotations: who is on call at a moment, with handoffs at a local time that daylight saving may skip or repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from oncall.times import DAY, MINUTE, utc


@dataclass(frozen=True)
class Rotation:
    """Members who take turns on call, ``every`` days each, handing off at local time ``handoff``.

    ``members[0]`` is on call from the handoff on ``start``, nobody before it. ``tz`` is an IANA
    zone such as ``America/Chicago``. The moment of handoff belongs to the incomer. A handoff that
    daylight saving (DST) skips happens at the end of the gap, one that it repeats at the first.
    """

    members: tuple[str, ...]
    handoff: time
    tz: str
    start: date
    every: int = 1

    def __post_init__(self) -> None:
        members = () if isinstance(self.members, str) else tuple(self.members)
        if not members or not all(is_name(member) for member in members):
            raise ValueError(
                f"members must be one or more names, given {self.members!r}; give e.g. ('ana', 'ben')"
            )
        object.__setattr__(self, "members", members)
        if not isinstance(self.handoff, time) or self.handoff.tzinfo is not None:
            raise ValueError(
                f"handoff must be a time without a zone, given {self.handoff!r}; give e.g. time(9, 30)"
            )
        _check_zone(self.tz)
        if not isinstance(self.start, date) or isinstance(self.start, datetime):
            raise ValueError(
                f"start must be a date, given {self.start!r}; give e.g. date(2025, 1, 6)"
            )
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise ValueError(f"every must be a whole number of days from 1, given {self.every!r}")

    def on_call(self, at: datetime) -> str | None:
        """The member on call at this moment; ``None`` before the first handoff."""
        at = utc(at, "at")
        today = at.astimezone(ZoneInfo(self.tz)).date()
        # Start one turn late: where clocks fall back over midnight, tomorrow's handoff may have been.
        turn = (today - self.start).days // self.every + 1
        while turn >= 0 and at < self.handoff_at(turn):
            turn -= 1
        return None if turn < 0 else self.members[turn % len(self.members)]

    def handoff_at(self, turn: int) -> datetime:
        """The UTC moment at which a turn begins; the turn that begins on ``start`` is 0."""
        zone, wanted = ZoneInfo(self.tz), self._wanted(turn)
        first, second = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first <= second:  # the clock shows this time once or twice
            return first
        # Never: ``first`` reads it by the offset before the jump, ``second`` by the one after. The jump lies
        # between them, at a whole minute.
        at = second.replace(second=0, microsecond=0)
        while at.astimezone(zone).replace(tzinfo=None) <= wanted:
            at += MINUTE
        return at

    def turns(self, since: date) -> range:
        """The turns that begin within a year from a date."""
        first = max(0, -((self.start - since).days // self.every))
        return range(first, first + 365 // self.every + 1)

    def skipped_handoffs(self) -> list[datetime]:
        """The handoffs in the year from ``start`` that DST skips, as the local times that no clock shows."""
        handoffs = [(self._wanted(turn), self.handoff_at(turn)) for turn in self.turns(self.start)]
        return [
            wanted
            for wanted, at in handoffs
            if at.astimezone(ZoneInfo(self.tz)).replace(tzinfo=None) != wanted
        ]

    def _wanted(self, turn: int) -> datetime:
        """What the local clock should show at a handoff, as a naive datetime."""
        return datetime.combine(self.start + turn * self.every * DAY, self.handoff)


def is_name(value: object) -> bool:
    """Whether this can name a person: text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def _check_zone(tz: str) -> None:
    try:
        ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, AttributeError, OSError):
        # No EST for CEST, and no Etc/GMT+1 for GMT+1, which it is the opposite of.
        places = [
            zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")
        ]
        near = get_close_matches(str(tz), places, n=1) or ["Europe/Berlin"]
        hint = f"'UTC' or e.g. {near[0]!r} (where no zone is known: pip install tzdata)"
        raise ValueError(f"tz must be an IANA zone name, given {tz!r}; give {hint}") from None
