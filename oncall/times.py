"""Moments and lengths of time: aware UTC datetimes in, short text such as ``1h30m`` out.

Nothing here reads a clock. Every moment is passed in by the caller.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = 7 * DAY

_Amount = TypeVar("_Amount", int, timedelta)
_UNITS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


def utc(moment: datetime, name: str = "time") -> datetime:
    """The same moment in UTC. A naive datetime is refused: it could be any of 40 moments."""
    if not isinstance(moment, datetime):
        raise ValueError(f"{name} must be a datetime, given {moment!r}")
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{name} {moment.isoformat()} has no time zone; give one, e.g. tzinfo=UTC")
    return moment.astimezone(UTC)


def parse_moment(text: str, name: str = "time") -> datetime:
    """An ISO 8601 text with an offset, such as ``2024-12-04T23:48:00Z``, as a UTC moment."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # overflow: before the year 1 in UTC
        raise ValueError(f"{name} {text!r} is not a time; write 2024-12-04T23:48:00Z") from None
    raise ValueError(f"{name} {text!r} has no time zone; write {moment.isoformat()}Z if it is UTC")


def parse_duration(text: str) -> timedelta:
    """A length such as ``30d``, ``1w``, ``1h30m`` or ``90s``; anything else is a ``ValueError``."""
    if not re.fullmatch(r"(\d{1,7}(\.\d+)?[wdhms])+", text):
        raise ValueError(f"{text!r} is not a length of time; write 1w, 30d, 6h, 5m, 90s or 1h30m")
    parts = re.findall(r"([\d.]+)([wdhms])", text)
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def positive(length: timedelta, name: str) -> timedelta:
    """The same length of time; one of zero or less, or anything else, is a ``ValueError``."""
    if isinstance(length, timedelta) and length > timedelta():
        return length
    given = f"given {length!r}; give e.g. timedelta(hours=1)"
    raise ValueError(f"{name} must be a timedelta above zero, {given}")


def whole_buckets(
    length: timedelta, step: timedelta, name: str, mend: str = "give finer counts"
) -> int:
    """How many buckets of ``step`` a length of time holds; unless whole, it is a ``ValueError``."""
    if positive(length, name) % step:
        what = f"the {duration_text(length)} {name}"
        raise ValueError(f"buckets of {duration_text(step)} do not divide {what}; {mend}")
    return length // step


def ceil_div(amount: _Amount, unit: _Amount) -> int:
    """How many units it takes to cover an amount: ``amount // unit`` rounded up, not down."""
    return -(-amount // unit)


def moment_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC, such as ``2024-12-04T23:48:00Z``, and as finely as given."""
    return utc(moment).isoformat().replace("+00:00", "Z")


def duration_text(length: timedelta | None) -> str:
    """A length in its largest units: ``1h30m``, ``51.84s``. ``None`` reads ``unknown``."""
    if length is None:
        return "unknown"
    if length < timedelta():
        return "-" + duration_text(-length)
    text = ""
    for unit in "dhm":
        count, length = divmod(length, _UNITS[unit])
        text += f"{count}{unit}" if count else ""
    if length or not text:
        text += f"{length.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"
    return text


# --- local time ----------------------------------------------------------------------------------


def time_zone(tz: str) -> ZoneInfo:
    """The IANA zone of a name such as ``America/Chicago``; any other name is a ``ValueError``."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, AttributeError, OSError):
        # Places only: not EST for CEST, nor Etc/GMT+1 for GMT+1, which is its opposite.
        places = [zone for zone in available_timezones() if "/" in zone.removeprefix("Etc/")]
        near = get_close_matches(str(tz), places, n=1) or ["Europe/Berlin"]
        hint = f"'UTC' or e.g. {near[0]!r} (where no zone is known: pip install tzdata)"
        raise ValueError(f"tz must be an IANA zone name, given {tz!r}; give {hint}") from None


def local_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in this zone shows at a moment, as a naive datetime."""
    return moment.astimezone(zone).replace(tzinfo=None)


def local_moment(wanted: datetime, zone: ZoneInfo) -> datetime:
    """The UTC moment at which a clock in this zone first shows a time, given as a naive datetime.

    Of a time that daylight saving repeats it is the first. A time that it skips is the end of the
    gap: the first moment at which the clock shows a later time.
    """
    first, second = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:  # the clock shows this time, once or twice
        return first
    # The clock skips this time. ``second`` reads it with the offset after the jump, ``first``
    # with the one before; the jump lies between the two, at a whole minute.
    at = second.replace(second=0, microsecond=0)
    while local_clock(at, zone) <= wanted:
        at += MINUTE
    return at
