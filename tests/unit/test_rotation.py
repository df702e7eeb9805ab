"""Rotations: whose turn it is at a moment, and what daylight saving does to handoffs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.rotation import Rotation
from oncall.times import DAY, HOUR, SECOND, parse_moment

THREE = ("ana", "ben", "cho")
CHICAGO, ST_JOHNS, LORD_HOWE = "America/Chicago", "America/St_Johns", "Australia/Lord_Howe"


def rotation(start: str, handoff: str, tz: str = CHICAGO, every: int = 1) -> Rotation:
    return Rotation(THREE, time.fromisoformat(handoff), tz, date.fromisoformat(start), every)


# Why it is there: start, handoff, zone, days a turn, then the handoff that ends turn 0.
HANDOFFS = {
    "no daylight saving": ("2020-01-06", "09:00", "UTC", 1, "2020-01-07T09:00Z"),
    "no 02:30: end of the gap": ("2020-03-07", "02:30", CHICAGO, 1, "2020-03-08T03:00-05:00"),
    "the first skipped time": ("2020-03-07", "02:00", CHICAGO, 1, "2020-03-08T03:00-05:00"),
    "the first after the gap": ("2020-03-07", "03:00", CHICAGO, 1, "2020-03-08T03:00-05:00"),
    "just before the gap": ("2020-03-07", "01:59:59", CHICAGO, 1, "2020-03-08T01:59:59-06:00"),
    "back at its time the day after": ("2020-03-08", "02:30", CHICAGO, 1, "2020-03-09T02:30-05:00"),
    "01:30 comes twice: the first": ("2020-10-31", "01:30", CHICAGO, 1, "2020-11-01T01:30-05:00"),
    "02:00 comes once, after it": ("2020-10-31", "02:00", CHICAGO, 1, "2020-11-01T02:00-06:00"),
    "a week into the gap": ("2020-03-01", "02:30", CHICAGO, 7, "2020-03-08T03:00-05:00"),
    "a local day of 23 hours": ("2020-03-07", "09:00", CHICAGO, 1, "2020-03-08T09:00-05:00"),
    "at 00:01 it was 23:01 again": ("2010-11-06", "00:00", ST_JOHNS, 1, "2010-11-07T00:00-02:30"),
    "no 30 December": ("2011-12-29", "10:00", "Pacific/Apia", 1, "2011-12-31T00:00+14:00"),
    "a gap of half an hour": ("2024-10-05", "02:15", LORD_HOWE, 1, "2024-10-06T02:30+11:00"),
}


@pytest.mark.parametrize(
    ("start", "handoff", "tz", "every", "expected"), HANDOFFS.values(), ids=HANDOFFS
)
def test_the_moment_of_handoff_belongs_to_the_incomer(
    start: str, handoff: str, tz: str, every: int, expected: str
) -> None:
    turns, moment = rotation(start, handoff, tz, every), parse_moment(expected)
    assert turns.handoff_at(1) == moment
    assert (turns.on_call(moment - SECOND), turns.on_call(moment)) == ("ana", "ben")


def test_three_people_every_seven_days_keep_their_turns_across_both_clock_changes() -> None:
    turns = rotation("2020-03-02", "09:00", every=7)
    first = datetime(2020, 3, 2, 9, tzinfo=ZoneInfo(CHICAGO))
    before = None
    for week in range(45):
        handoff = first + week * 7 * DAY  # sums of aware local times keep the clock time
        assert turns.on_call(handoff.astimezone(UTC) - SECOND) == before
        assert turns.on_call(handoff) == THREE[week % 3]
        before = THREE[week % 3]


def test_the_incomer_stays_on_call_when_the_clock_falls_back_over_midnight() -> None:
    turns = rotation("2010-11-06", "00:00", ST_JOHNS)
    it_is_6_november_again = parse_moment("2010-11-06T23:30:00-03:30")
    assert turns.on_call(it_is_6_november_again) == "ben"
    assert turns.on_call(parse_moment("2010-11-07T12:00:00-03:30")) == "ben"


def test_a_repeated_handoff_is_not_handed_off_twice() -> None:
    turns = rotation("2020-10-31", "01:30")
    assert turns.on_call(parse_moment("2020-11-01T01:15:00-06:00")) == "ben"  # the second 01:15
    assert turns.on_call(parse_moment("2020-11-01T01:30:00-06:00")) == "ben"  # the second 01:30


def test_nobody_is_on_call_before_the_first_handoff() -> None:
    turns = rotation("2025-01-06", "09:00", "UTC")
    assert turns.on_call(datetime(2025, 1, 6, 8, 59, 59, tzinfo=UTC)) is None
    assert turns.on_call(datetime(1990, 1, 1, tzinfo=UTC)) is None
    assert turns.on_call(datetime(2025, 1, 6, 9, tzinfo=UTC)) == "ana"


def test_the_fold_of_a_handoff_time_says_nothing() -> None:
    late = Rotation(THREE, time(1, 30, fold=1), CHICAGO, date(2020, 10, 31))
    assert late.handoff_at(1) == parse_moment("2020-11-01T01:30:00-05:00")


def test_skipped_handoffs_are_those_that_no_clock_shows() -> None:
    assert rotation("2020-01-01", "02:30").skipped_handoffs() == [datetime(2020, 3, 8, 2, 30)]
    assert rotation("2020-01-01", "02:30", every=7).skipped_handoffs() == []  # Wednesdays
    assert rotation("2020-01-01", "09:00").skipped_handoffs() == []
    assert rotation("2020-01-01", "01:30").skipped_handoffs() == []  # repeated, not skipped


@examples(150)
@given(
    zone=st.sampled_from(["UTC", CHICAGO, "Europe/Berlin", LORD_HOWE, ST_JOHNS]),
    start=st.dates(date(2005, 1, 1), date(2030, 1, 1)),
    handoff=st.times().map(lambda at: at.replace(microsecond=0)),
    every=st.integers(1, 30),
    turn=st.integers(0, 400),
)
def test_a_turn_runs_from_its_handoff_to_the_next(
    zone: str, start: date, handoff: time, every: int, turn: int
) -> None:
    turns = Rotation(THREE, handoff, zone, start, every)
    begins, ends = turns.handoff_at(turn), turns.handoff_at(turn + 1)
    assert begins < ends
    for moment in (begins, begins + (ends - begins) / 2, ends - SECOND):
        assert turns.on_call(moment) == THREE[turn % 3]
    shown = begins.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    late = shown - datetime.combine(start + turn * every * DAY, handoff)
    assert timedelta() <= late <= HOUR


GOOD = {"members": ("ana",), "handoff": time(9), "tz": "UTC", "start": date(2025, 1, 6), "every": 1}
BAD = [
    ({"members": ()}, "one or more names, given ()"),
    ({"members": "ana"}, "give e.g. ('ana', 'ben')"),
    ({"members": ("ana", " ")}, "one or more names"),
    ({"members": None}, "members must be one or more names, given None; give e.g."),
    ({"members": 2}, "members must be one or more names, given 2"),
    ({"members": (1, 2)}, "members must be one or more names, given (1, 2)"),
    ({"members": b"ana"}, "members must be one or more names, given b'ana'"),
    ({"handoff": "09:00"}, "give e.g. time(9, 30)"),
    ({"handoff": time(9, tzinfo=UTC)}, "a time without a zone"),
    ({"tz": "America/Chicgo"}, "given 'America/Chicgo'; give 'UTC' or e.g. 'America/Chicago'"),
    ({"tz": "CEST"}, "given 'CEST'; give 'UTC' or e.g. 'Europe/Berlin'"),
    ({"tz": "GMT+1"}, "given 'GMT+1'; give 'UTC' or e.g. 'Europe/Berlin'"),
    ({"tz": "Z"}, "given 'Z'; give 'UTC' or e.g. "),
    ({"tz": "UTC+1"}, "given 'UTC+1'; give 'UTC' or e.g. "),
    ({"tz": ""}, "IANA zone name"),
    ({"tz": "/etc/passwd"}, "IANA zone name"),
    ({"tz": None}, "IANA zone name"),
    ({"tz": UTC}, "IANA zone name"),
    ({"start": datetime(2025, 1, 6, tzinfo=UTC)}, "give e.g. date(2025, 1, 6)"),
    ({"start": "2025-01-06"}, "start must be a date"),
    ({"every": 0}, "whole number of days from 1, given 0"),
    ({"every": True}, "given True"),
    ({"every": 0.5}, "given 0.5"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD)
def test_a_bad_rotation_says_what_to_give(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Rotation(**{**GOOD, **wrong})  # type: ignore[arg-type]


def test_a_machine_without_zones_is_told_to_install_tzdata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oncall.times.available_timezones", set)
    with pytest.raises(ValueError, match="pip install tzdata"):
        Rotation(THREE, time(9), "Nowhere/Atall", date(2025, 1, 6))


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        rotation("2025-01-06", "09:00").on_call(datetime(2025, 1, 7))
