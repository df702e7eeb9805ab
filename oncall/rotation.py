"""Rotations: who is on call at a moment, in turns that hand off by the local clock.

A rotation may be restricted to parts of the week, and overridden where people swap. A schedule lays
several over each other: nights and business hours, or three zones that follow the sun. Daylight
saving time (DST) may skip a local time or repeat it: what falls into a gap happens at its end, and
what comes twice happens the first time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from oncall.checks import check, check_choice, check_date, check_whole, checked_tuple
from oncall.times import (
    DAY,
    EARLIEST,
    LATEST,
    LONGEST,
    ceil_div,
    local_clock,
    local_moment,
    moment_text,
    time_zone,
    utc,
)

MOST_DAYS = 1_000_000  # from a rotation's start to a handoff; the calendar ends in 9999
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS, WEEKEND = EVERY_DAY[:5], EVERY_DAY[5:]


@dataclass(frozen=True)
class Restriction:
    """A part of the week: from ``start`` until ``end`` on each of ``days``, by the local clock.

    Days are ``"mon"`` to ``"sun"``. An ``end`` at or before ``start`` is on the next day: Friday,
    18:00 to 09:00, lasts until Saturday morning, and 00:00 to 00:00 is the whole day.
    """

    days: tuple[str, ...] = EVERY_DAY
    start: time = time()
    end: time = time()

    def __post_init__(self) -> None:
        need, hint = "one or more days", "give e.g. ('sat', 'sun')"
        days = checked_tuple(self.days, str, "days", need, hint, least=1)
        for day in days:
            check_choice(day, "a day", EVERY_DAY)
        object.__setattr__(self, "days", days)
        _check_local(self.start, "start")
        _check_local(self.end, "end")

    def hours(self, since: date, days: int) -> Iterator[tuple[datetime, datetime]]:
        """What the local clock should show when it begins and when it ends, on each of these days.

        They are naive datetimes. The days are ``days`` many, from ``since`` on.
        """
        for day in (since + number * DAY for number in range(days)):
            if EVERY_DAY[day.weekday()] in self.days:
                last = day if self.start < self.end else day + DAY
                yield datetime.combine(day, self.start), datetime.combine(last, self.end)


@dataclass(frozen=True)
class Shift:
    """A stretch of time [start, end) and who is on call in it; nobody, where ``who`` is ``None``.

    As an override it is what somebody takes over from whoever had the turn.
    """

    who: str | None
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        check(self.who is None or is_name(self.who), "who", "a name or None", self.who)
        start, end = utc(self.start, "start"), utc(self.end, "end")
        if end <= start:
            given = f"given {moment_text(start)} to {moment_text(end)}"
            raise ValueError(f"a stretch must end after it starts, {given}")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)


class _OnCall(ABC):
    """What a rotation and a schedule have in common."""

    @abstractmethod
    def on_call(self, at: datetime) -> str | None:
        """Who is on call at a moment."""

    @abstractmethod
    def changes(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments in [start, end) at which somebody else may be on call, in order."""

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """Who is on call from ``start`` until ``end``, in order, without a hole.

        Two shifts that follow one another are of different people, or one of them is nobody's.
        """
        whole = Shift(None, start, end)
        taken = [(whole.start, self.on_call(whole.start))]
        for at in self.changes(whole.start, whole.end):
            if (who := self.on_call(at)) != taken[-1][1]:
                taken.append((at, who))
        ends = [*(at for at, _ in taken[1:]), whole.end]
        return [Shift(who, at, until) for (at, who), until in zip(taken, ends, strict=True)]

    def gaps(self, start: datetime, end: datetime) -> list[Shift]:
        """When nobody is on call between two moments, in order: whoever is paged then is no one."""
        return [shift for shift in self.shifts(start, end) if shift.who is None]


@dataclass(frozen=True)
class Rotation(_OnCall):
    """Members who take turns on call, ``every`` days each, handing off at local time ``handoff``.

    ``members[0]`` is on call from the handoff on ``start``, nobody before it. ``tz`` is an IANA
    zone such as ``America/Chicago``. The moment of handoff belongs to whoever takes over. A handoff
    that DST skips happens at the end of the gap; one that it repeats happens at the first.

    With ``restrictions`` nobody is on call outside all of them; turns pass all the same. An
    override wins over turns and restrictions, and the last one given over those before it.
    """

    members: tuple[str, ...]
    handoff: time
    tz: str
    start: date
    every: int = 1
    restrictions: tuple[Restriction, ...] = ()
    overrides: tuple[Shift, ...] = ()

    def __post_init__(self) -> None:
        need, hint = "one or more names", "give e.g. ('ana', 'ben')"
        members = checked_tuple(self.members, str, "members", need, hint, least=1)
        check(all(map(is_name, members)), "members", need, members, hint)
        object.__setattr__(self, "members", members)
        _check_local(self.handoff, "handoff")
        time_zone(self.tz)
        check_date(self.start, "start")
        is_near = EARLIEST.date() <= self.start <= LATEST.date()
        check(is_near, "start", "from 1900 to 2200", self.start)
        check_whole(self.every, "every", 1, "a whole number of days", most=LONGEST // DAY)
        need = "a tuple of Restrictions"
        restrictions = checked_tuple(self.restrictions, Restriction, "restrictions", need)
        object.__setattr__(self, "restrictions", restrictions)
        need = "a tuple of Shifts that somebody takes"
        overrides = checked_tuple(self.overrides, Shift, "overrides", need)
        check(all(shift.who for shift in overrides), "overrides", need, overrides)
        object.__setattr__(self, "overrides", overrides)

    def on_call(self, at: datetime) -> str | None:
        """Who is on call at this moment.

        ``None`` before the first handoff and outside all restrictions, unless an override says who.
        """
        at = utc(at, "at")
        for shift in reversed(self.overrides):
            if shift.start <= at < shift.end:
                return shift.who
        today = local_clock(at, self._zone).date()
        if self.restrictions and not self._is_within_hours(at, today):
            return None
        # From one turn late: where clocks fall back over midnight, tomorrow's handoff may be over.
        for turn in range((today - self.start).days // self.every + 1, -1, -1):
            if at >= self.handoff_at(turn):
                return self.members[turn % len(self.members)]
        return None

    def handoff_at(self, turn: int) -> datetime:
        """The UTC moment at which a turn begins; turn 0 is the one that begins on ``start``."""
        check_whole(turn, "turn", most=MOST_DAYS // self.every)
        return local_moment(self._wanted(turn), self._zone)

    def changes(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments in [start, end) at which somebody else may be on call, in order."""
        first = local_clock(utc(start, "start"), self._zone).date() - DAY
        days = (local_clock(utc(end, "end"), self._zone).date() - first).days + 1
        moments = {local_moment(wanted, self._zone) for wanted in self._clock_times(first, days)}
        moments.update(at for shift in self.overrides for at in (shift.start, shift.end))
        return sorted(at for at in moments if start <= at < end)

    def skipped_handoffs(self) -> list[datetime]:
        """The handoffs in the year from ``start`` that DST skips, as local times no clock shows.

        The beginning and the end of a restriction are handoffs, too.
        """
        wanted = sorted(set(self._clock_times(self.start, 365)))
        zone = self._zone
        return [time for time in wanted if local_clock(local_moment(time, zone), zone) != time]

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz)

    def _wanted(self, turn: int) -> datetime:
        """What the local clock should show at a handoff, as a naive datetime."""
        return datetime.combine(self.start + turn * self.every * DAY, self.handoff)

    def _clock_times(self, since: date, days: int) -> Iterator[datetime]:
        """What the clock should show at handoffs and at the edges of restrictions on these days."""
        first = max(0, ceil_div(since - self.start, self.every * DAY))
        for turn in range(first, first + days // self.every + 1):
            yield self._wanted(turn)
        for restriction in self.restrictions:
            for hours in restriction.hours(since, days + 1):
                yield from hours

    def _is_within_hours(self, at: datetime, today: date) -> bool:
        """Whether a moment lies within a restriction that began yesterday, today or tomorrow.

        It may be tomorrow's where clocks fall back over midnight.
        """
        for restriction in self.restrictions:
            for hours in restriction.hours(today - DAY, 3):
                begins, ends = (local_moment(wanted, self._zone) for wanted in hours)
                if begins <= at < ends:
                    return True
        return False


@dataclass(frozen=True)
class Schedule(_OnCall):
    """Rotations in layers: whoever the last layer that has anybody on call has is on call.

    Layer 0 is the lowest. Of business hours over a rotation for all hours, the first is left to
    whoever has the night. Where no layer has anybody there is a gap, which ``gaps`` and
    ``lint_escalation`` find; it is no error, for another step may cover it.
    """

    layers: tuple[Rotation, ...]

    def __post_init__(self) -> None:
        need, hint = "one or more Rotations", "the lowest first: give (nights, days)"
        layers = checked_tuple(self.layers, Rotation, "layers", need, hint, least=1)
        object.__setattr__(self, "layers", layers)

    def on_call(self, at: datetime) -> str | None:
        """Who is on call at this moment; ``None`` in a gap."""
        on_layers = (layer.on_call(at) for layer in reversed(self.layers))
        return next((who for who in on_layers if who), None)

    def changes(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments in [start, end) at which somebody else may be on call, in order."""
        return sorted({at for layer in self.layers for at in layer.changes(start, end)})


def is_name(value: object) -> bool:
    """Whether this can name a person: text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def _check_local(value: object, name: str) -> None:
    is_local = isinstance(value, time) and value.tzinfo is None
    check(is_local, name, "a time without a zone", value, "give e.g. time(9, 30)")
