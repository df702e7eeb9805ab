"""Moments and lengths of time: aware UTC datetimes in, short text such as ``1h30m`` out.

Nothing here reads a clock. Every moment is passed in by the caller.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = 7 * DAY

# Far enough from the ends of the calendar that a moment and a few lengths added to it, or taken
# from it, are always moments; and pandas holds all these in nanoseconds.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST = 36_525 * DAY  # 100 years
MOST_BUCKETS = 366 * 86_400  # a year of seconds: half a gigabyte, and some more to look at them

_Amount = TypeVar("_Amount", int, timedelta)
_UNITS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


def utc(moment: datetime, name: str = "time") -> datetime:
    """The same moment in UTC, from 1900 to 2200, as a plain ``datetime``.

    A naive one is refused: it could be any of 40 moments.
    """
    if not isinstance(moment, datetime):
        raise ValueError(f"{name} must be a datetime, given {moment!r}")
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{name} {moment.isoformat()} has no time zone; give one, e.g. tzinfo=UTC")
    return _bounded(moment, name)


def parse_moment(text: str, name: str = "time") -> datetime:
    """An ISO 8601 text with an offset, such as ``2024-12-04T23:48:00Z``, as a UTC moment.

    It lies from 1900 to 2200; anything else is a ``ValueError``.
    """
    plain = text.strip() if isinstance(text, str) else ""
    # Python would read on after a NUL, or stop at it, and takes any sign for the T.
    is_plain = plain.isascii() and plain.isprintable()
    try:
        moment = datetime.fromisoformat(plain if is_plain else "")
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a time; write 2024-12-04T23:48:00Z") from None
    if moment.tzinfo is None:
        utc_text = f"{moment.isoformat()}Z"
        raise ValueError(f"{name} {text!r} has no time zone; write {utc_text} if it is UTC")
    return _bounded(moment, name, text)


def _bounded(moment: datetime, name: str, text: str | None = None) -> datetime:
    """An aware moment in UTC; one that is not from ``EARLIEST`` to ``LATEST`` is refused.

    ``text`` is how it was written, if it was.
    """
    plain = moment
    try:
        if type(moment) is not datetime:  # pandas' moments cannot be added to as ours can
            plain = datetime.fromisoformat(moment.isoformat())
        plain = plain.astimezone(UTC)
        if EARLIEST <= plain <= LATEST:
            return plain
    except (OverflowError, ValueError):  # before the year 1, or after 9999
        pass
    given = moment.isoformat() if text is None else repr(text)
    raise ValueError(f"{name} {given} is not from 1900 to 2200; is the year right?")


def parse_duration(text: str) -> timedelta:
    """A length such as ``30d``, ``1w``, ``1h30m`` or ``90s``, of at most 100 years.

    Anything else is a ``ValueError``.
    """
    if not re.fullmatch(r"([0-9]{1,7}(\.[0-9]+)?[wdhms])+", text):
        raise ValueError(f"{text!r} is not a length of time; write 1w, 30d, 6h, 5m, 90s or 1h30m")
    length = timedelta()
    for number, unit in re.findall(r"([0-9.]+)([wdhms])", text):
        length += float(number) * _UNITS[unit]
        if length > LONGEST:
            raise ValueError(f"{text!r} is longer than 100 years; write e.g. 30d")
    return length


def positive(length: timedelta, name: str) -> timedelta:
    """The same length of time, as a plain ``timedelta``.

    One of zero or less, of more than 100 years, or anything else, is a ``ValueError``.
    """
    is_length = isinstance(length, timedelta) and length > timedelta()
    return _checked_length(is_length, length, name, "above zero")


def not_negative(length: timedelta, name: str) -> timedelta:
    """The same length of time, which may be zero; else it is as ``positive``."""
    is_length = isinstance(length, timedelta) and length >= timedelta()
    return _checked_length(is_length, length, name, "of zero or more")


def _checked_length(is_length: bool, length: timedelta, name: str, need: str) -> timedelta:
    given = f"given {length!r}; give e.g. timedelta(hours=1)"
    if not is_length:
        raise ValueError(f"{name} must be a timedelta {need}, {given}")
    if length > LONGEST:
        raise ValueError(f"{name} must be at most 100 years, {given}")
    if type(length) is timedelta:
        return length
    plain = timedelta(length.days, length.seconds, length.microseconds)
    if plain != length:  # pandas counts nanoseconds
        raise ValueError(f"{name} must be whole microseconds, {given}")
    return plain


def from_seconds(seconds: Any, name: str) -> timedelta:
    """The length of so many seconds, a number as JSON holds it.

    What is no number, zero or less, or more than 100 years, is a ``ValueError``.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not (is_number and 0 < seconds <= LONGEST / SECOND):
        need = "a number of seconds above zero, up to 100 years"
        raise ValueError(f"{name} must be {need}, given {seconds!r}")
    return positive(timedelta(seconds=seconds), name)


def whole_buckets(
    length: timedelta, step: timedelta, name: str, mend: str = "give finer counts"
) -> int:
    """How many buckets of ``step`` a length of time holds; unless whole, it is a ``ValueError``."""
    if positive(length, name) % step:
        what = f"the {duration_text(length)} {name}"
        raise ValueError(f"buckets of {duration_text(step)} do not divide {what}; {mend}")
    return length // step


def check_buckets(number: int, step: timedelta, what: str, mend: str) -> None:
    """Raise a ``ValueError`` if there are more buckets than fit, before memory is taken for them.

    ``what`` is what is made of them, ``mend`` what to do instead.
    """
    if number > MOST_BUCKETS:
        size = f"{number:,} buckets of {duration_text(step)}, more than {MOST_BUCKETS:,}"
        raise ValueError(f"{what} {size}; {mend}")


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
