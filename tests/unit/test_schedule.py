"""Schedules: a table of who is on call when, daylight saving included, and what any schedule keeps.

Every shift is shown by when it begins, on the clock of a zone, and by who has it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.rotation import EVERY_DAY, WEEKDAYS, WEEKEND, Restriction, Rotation, Schedule, Shift
from oncall.times import DAY, HOUR, MINUTE, SECOND, local_clock, parse_moment

CHICAGO, BERLIN, TOKYO, ST_JOHNS = (
    "America/Chicago",
    "Europe/Berlin",
    "Asia/Tokyo",
    "America/St_Johns",
)


def part(text: str) -> Restriction:
    """The part of the week of a text: "fri 18:00-09:00", "weekend", "09:00-17:00"."""
    days: tuple[str, ...] = EVERY_DAY
    hours = (time(), time())
    for word in text.split():
        if "-" in word:
            start, _, end = word.partition("-")
            hours = time.fromisoformat(start), time.fromisoformat(end)
        else:
            days = {"weekdays": WEEKDAYS, "weekend": WEEKEND}.get(word, (word,))
    return Restriction(days, *hours)


def layer(
    members: str, tz: str, *parts: str, start: str = "2025-01-06", every: int = 7
) -> Rotation:
    """Members who hand off at 09:00, from a Monday on, in these parts of the week."""
    handoff, first = time(9), date.fromisoformat(start)
    return Rotation(
        tuple(members.split()), handoff, tz, first, every, tuple(part(text) for text in parts)
    )


def taken(who: str, start: str, end: str) -> Shift:
    return Shift(who, parse_moment(start), parse_moment(end))


def shown(who: Rotation | Schedule, tz: str, start: str, end: str) -> str:
    """The shifts between two local times, with the minute at which each begins."""
    zone = ZoneInfo(tz)
    moments = [datetime.fromisoformat(text).replace(tzinfo=zone) for text in (start, end)]
    shifts = who.shifts(*moments)
    return " ".join(f"{local_clock(s.start, zone):%a-%H:%M} {s.who or '-'}" for s in shifts)


ASIA = layer("aiko bo", TOKYO, "09:00-17:00")
EUROPE = layer("ana ben", BERLIN, "09:00-17:00")
AMERICA = layer("cho dee", CHICAGO, "10:00-18:00")  # 17:00 to 01:00 in Berlin
NIGHTS = layer("nan", "UTC")
OFFICE = layer("ana ben", BERLIN, "weekdays 09:00-18:00", every=1)
WEEK_OR_WEEKEND = Schedule((layer("ana ben", "UTC", "weekdays"), layer("cho", "UTC", "weekend")))
FULL = layer("ana ben", "UTC", every=1)
AT_TWO = replace(FULL, tz=CHICAGO, handoff=time(2, 30), start=date(2025, 3, 1))

# What it shows: who, zone, from, until, and the shifts.
TABLE: dict[str, tuple[Rotation | Schedule, str, str, str, str]] = {
    "a rotation alone has everything": (
        FULL, "UTC", "2025-01-06T09:00", "2025-01-08T12:00",
        "Mon-09:00 ana Tue-09:00 ben Wed-09:00 ana",
    ),
    "weekdays only: nobody at the weekend, and turns pass meanwhile": (
        layer("ana ben cho", "UTC", "weekdays", every=1), "UTC",
        "2025-01-10T00:00", "2025-01-14T00:00",
        "Fri-00:00 ana Fri-09:00 ben Sat-00:00 - Mon-00:00 ana Mon-09:00 ben",
    ),
    "weekdays and weekend": (
        WEEK_OR_WEEKEND, "UTC", "2025-01-10T00:00", "2025-01-14T00:00",
        "Fri-00:00 ana Sat-00:00 cho Mon-00:00 ana Mon-09:00 ben",
    ),
    "office hours over nights": (
        Schedule((NIGHTS, OFFICE)), BERLIN, "2025-01-10T00:00", "2025-01-13T12:00",
        "Fri-00:00 nan Fri-09:00 ana Fri-18:00 nan Mon-09:00 ben",
    ),
    "a night belongs to the day on which it begins": (
        layer("nan", "UTC", "fri 18:00-09:00"), "UTC", "2025-01-09T00:00", "2025-01-13T00:00",
        "Thu-00:00 - Fri-18:00 nan Sat-09:00 -",
    ),
    "the end of a night is seen from the middle of it": (
        layer("nan", "UTC", "fri 18:00-08:30"), "UTC", "2025-01-11T03:00", "2025-01-11T12:00",
        "Sat-03:00 nan Sat-08:30 -",
    ),
    "several parts of one rotation": (
        layer("nan", "UTC", "weekdays 18:00-09:00", "weekend"), "UTC",
        "2025-01-10T12:00", "2025-01-13T12:00",
        "Fri-12:00 - Fri-18:00 nan Mon-00:00 -",
    ),
    "follow the sun: Tokyo, Berlin, Chicago": (
        Schedule((ASIA, EUROPE, AMERICA)), "UTC", "2025-01-08T00:00", "2025-01-09T12:00",
        "Wed-00:00 aiko Wed-08:00 ana Wed-16:00 cho Thu-00:00 aiko Thu-08:00 ana",
    ),
    "when Chicago is on summer time and Berlin is not, they overlap, and an hour is nobody's": (
        Schedule((ASIA, EUROPE, AMERICA)), "UTC", "2025-03-12T00:00", "2025-03-13T00:00",
        "Wed-00:00 bo Wed-08:00 ben Wed-15:00 dee Wed-23:00 -",
    ),
    "the higher layer wins": (
        Schedule((AMERICA, EUROPE)), "UTC", "2025-03-12T15:00", "2025-03-12T17:00",
        "Wed-15:00 ben Wed-16:00 dee",
    ),
    "the handoff falls into the night, and is kept": (
        layer("ana ben", "UTC", "22:00-10:00", every=1), "UTC",
        "2025-01-06T12:00", "2025-01-08T00:00",
        "Mon-12:00 - Mon-22:00 ana Tue-09:00 ben Tue-10:00 - Tue-22:00 ben",
    ),
    "somebody takes an afternoon": (
        replace(FULL, overrides=(taken("cho", "2025-01-06T12:00Z", "2025-01-06T18:00Z"),)), "UTC",
        "2025-01-06T09:00", "2025-01-07T12:00",
        "Mon-09:00 ana Mon-12:00 cho Mon-18:00 ana Tue-09:00 ben",
    ),
    "two people swap their days": (
        replace(FULL, overrides=(
            taken("ben", "2025-01-06T09:00Z", "2025-01-07T09:00Z"),
            taken("ana", "2025-01-07T09:00Z", "2025-01-08T09:00Z"),
        )), "UTC", "2025-01-06T00:00", "2025-01-10T00:00",
        "Mon-00:00 - Mon-09:00 ben Tue-09:00 ana Thu-09:00 ben",
    ),
    "the last override wins": (
        replace(FULL, overrides=(
            taken("cho", "2025-01-06T12:00Z", "2025-01-06T18:00Z"),
            taken("dee", "2025-01-06T14:00Z", "2025-01-06T15:00Z"),
        )), "UTC", "2025-01-06T10:00", "2025-01-06T20:00",
        "Mon-10:00 ana Mon-12:00 cho Mon-14:00 dee Mon-15:00 cho Mon-18:00 ana",
    ),
    "an override covers what restrictions leave out, and time before the first handoff": (
        replace(layer("ana", "UTC", "weekdays"), overrides=(
            taken("cho", "2025-01-05T12:00Z", "2025-01-06T03:00Z"),
        )), "UTC", "2025-01-05T00:00", "2025-01-06T12:00",
        "Sun-00:00 - Sun-12:00 cho Mon-03:00 - Mon-09:00 ana",
    ),
    "an override in a lower layer leaves the higher ones alone": (
        Schedule((
            replace(NIGHTS, overrides=(taken("cho", "2025-01-13T00:00Z", "2025-01-14T00:00Z"),)),
            OFFICE,
        )), BERLIN, "2025-01-13T00:00", "2025-01-14T04:00",
        "Mon-00:00 nan Mon-01:00 cho Mon-09:00 ben Mon-18:00 cho Tue-01:00 nan",
    ),
    # daylight saving: in 2025 Chicago skips 02:00 on 9 March and repeats 01:00 on 2 November
    "a part within the gap is empty": (
        layer("ana", CHICAGO, "02:10-02:50"), CHICAGO, "2025-03-08T00:00", "2025-03-10T00:00",
        "Sat-00:00 - Sat-02:10 ana Sat-02:50 -",
    ),
    "a part that begins in the gap begins at its end": (
        layer("ana", CHICAGO, "02:30-05:00"), CHICAGO, "2025-03-09T00:00", "2025-03-10T00:00",
        "Sun-00:00 - Sun-03:00 ana Sun-05:00 -",
    ),
    "a part that ends in the gap ends at its end": (
        layer("ana", CHICAGO, "22:00-02:30"), CHICAGO, "2025-03-08T12:00", "2025-03-09T12:00",
        "Sat-12:00 - Sat-22:00 ana Sun-03:00 -",
    ),
    "a handoff in the gap": (
        AT_TWO, CHICAGO, "2025-03-09T00:00", "2025-03-10T12:00",
        "Sun-00:00 ben Sun-03:00 ana Mon-02:30 ben",
    ),
    "a part that begins at 01:30 begins at the first": (
        layer("ana", CHICAGO, "01:30-04:00"), "UTC", "2025-11-02T00:00", "2025-11-02T12:00",
        "Sun-00:00 - Sun-06:30 ana Sun-10:00 -",
    ),
    "a part that ends at 01:30 ends at the first, too": (
        layer("ana", CHICAGO, "22:00-01:30"), "UTC", "2025-11-02T00:00", "2025-11-02T12:00",
        "Sun-00:00 - Sun-03:00 ana Sun-06:30 -",
    ),
    "two parts that meet at 01:30 leave no hole and do not overlap": (
        Schedule((
            layer("ana", CHICAGO, "13:30-01:30"), layer("ben", CHICAGO, "01:30-13:30"),
        )), "UTC", "2025-11-02T00:00", "2025-11-03T00:00",
        "Sun-00:00 ana Sun-06:30 ben Sun-19:30 ana",
    ),
    "a day of 25 hours": (
        layer("ana", CHICAGO, "sun"), "UTC", "2025-11-02T00:00", "2025-11-04T00:00",
        "Sun-00:00 - Sun-05:00 ana Mon-06:00 -",
    ),
    "at 00:01 it was 23:01 of the day before again": (
        layer("ana", ST_JOHNS, "sun", start="2010-11-01"), "UTC",
        "2010-11-07T00:00", "2010-11-09T00:00",
        "Sun-00:00 - Sun-02:30 ana Mon-03:30 -",
    ),
    "a Friday that Samoa left out": (
        layer("ana", "Pacific/Apia", "fri 18:00-09:00", "fri", start="2011-11-07"),
        "Pacific/Apia", "2011-12-29T00:00", "2012-01-02T00:00",
        "Thu-00:00 - Sat-00:00 ana Sat-09:00 -",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("who", "tz", "start", "end", "expected"), TABLE.values(), ids=TABLE)
def test_the_shifts_are_as_the_table_says(
    who: Rotation | Schedule, tz: str, start: str, end: str, expected: str
) -> None:
    assert shown(who, tz, start, end) == expected


def test_a_day_that_has_begun_goes_on_when_the_clock_falls_back_over_midnight() -> None:
    sundays = layer("ana", ST_JOHNS, "sun", start="2010-11-01")
    it_is_saturday_again = parse_moment("2010-11-06T23:30:00-03:30")
    assert sundays.on_call(it_is_saturday_again) == "ana"
    assert sundays.on_call(parse_moment("2010-11-06T23:30:00-02:30")) is None


# --- gaps ----------------------------------------------------------------------------------------


def test_the_hour_that_follows_the_sun_without_anybody_is_found() -> None:
    sun = Schedule((ASIA, EUROPE, AMERICA))
    week = parse_moment("2025-03-10T00:00Z"), parse_moment("2025-03-12T00:00Z")
    holes = [Shift(None, at, at + HOUR) for at in (week[0] + 23 * HOUR, week[0] + 47 * HOUR)]
    assert sun.gaps(*week) == holes
    covered = replace(AMERICA, overrides=tuple(replace(hole, who="eve") for hole in holes))
    assert Schedule((ASIA, EUROPE, covered)).gaps(*week) == []


def test_a_single_minute_is_a_gap() -> None:
    day, night = layer("ana", "UTC", "08:00-19:59"), layer("nan", "UTC", "20:00-08:00")
    start = parse_moment("2025-02-01T00:00Z")
    [gap] = Schedule((day, night)).gaps(start, start + DAY)
    assert (gap.who, gap.start, gap.end - gap.start) == (None, start + 1199 * MINUTE, MINUTE)


def test_before_the_first_handoff_is_a_gap_and_a_full_rotation_has_no_other() -> None:
    start = parse_moment("2025-01-06T00:00Z")
    assert FULL.gaps(start, start + 30 * DAY) == [Shift(None, start, start + 9 * HOUR)]


# --- properties ----------------------------------------------------------------------------------

ZONES = ["UTC", CHICAGO, BERLIN, "Australia/Lord_Howe", ST_JOHNS, "Pacific/Apia"]
CLOCKS = st.sampled_from([time(), time(0, 1), time(1, 30), time(2, 30), time(9), time(23, 30)])
DAYS = st.lists(st.sampled_from(EVERY_DAY), min_size=1, max_size=7).map(tuple)
SPRING = [datetime(2011, 12, 29, tzinfo=UTC), datetime(2010, 11, 5, tzinfo=UTC)]
STARTS = [*SPRING, datetime(2025, 3, 7, tzinfo=UTC), datetime(2025, 10, 24, tzinfo=UTC)]


@st.composite
def rotations(draw: st.DrawFn) -> Rotation:
    stretch = st.builds(
        lambda who, at, start, hours: Shift(
            who, start + at * HOUR / 2, start + (at + hours) * HOUR / 2
        ),
        st.sampled_from("xyz"), st.integers(0, 150), st.sampled_from(STARTS), st.integers(1, 50),
    )  # fmt: skip
    return Rotation(
        draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")])),
        draw(CLOCKS),
        draw(st.sampled_from(ZONES)),
        draw(st.dates(date(2009, 1, 1), date(2011, 12, 31))),
        draw(st.integers(1, 9)),
        tuple(draw(st.lists(st.builds(Restriction, DAYS, CLOCKS, CLOCKS), max_size=2))),
        tuple(draw(st.lists(stretch, max_size=2))),
    )


ANY = rotations() | st.lists(rotations(), min_size=1, max_size=3).map(tuple).map(Schedule)


@examples(80)
@given(ANY, st.sampled_from(STARTS), st.integers(0, 90))
def test_shifts_leave_no_hole_and_say_who_is_on_call_at_every_moment(
    who: Rotation | Schedule, start: datetime, hours: int
) -> None:
    start, end = start + hours * HOUR / 2, start + 3 * DAY
    shifts = who.shifts(start, end)
    assert (shifts[0].start, shifts[-1].end) == (start, end)
    for before, after in pairwise(shifts):
        assert before.end == after.start
        assert before.who != after.who
    moments = [start + number * HOUR / 2 for number in range((end - start) // (HOUR / 2))]
    moments += [edge for shift in shifts for edge in (shift.start, shift.end - SECOND)]
    for moment in moments:
        [shift] = [shift for shift in shifts if shift.start <= moment < shift.end]
        assert who.on_call(moment) == shift.who
    assert who.gaps(start, end) == [shift for shift in shifts if not shift.who]


@examples(100)
@given(
    st.lists(st.builds(Restriction, DAYS, CLOCKS, CLOCKS), min_size=1, max_size=2).map(tuple),
    st.sampled_from(["UTC", TOKYO, "Asia/Kolkata"]),
    st.integers(0, 14 * 24 * 60),
)
def test_where_no_clock_changes_a_restriction_is_what_the_clock_shows(
    restrictions: tuple[Restriction, ...], tz: str, minute: int
) -> None:
    at = parse_moment("2025-01-06T00:00Z") + minute * MINUTE
    clock = local_clock(at, ZoneInfo(tz))
    today, yesterday = EVERY_DAY[clock.weekday()], EVERY_DAY[clock.weekday() - 1]
    expected = False
    for one in restrictions:
        if one.start < one.end:
            expected |= today in one.days and one.start <= clock.time() < one.end
        else:
            expected |= today in one.days and one.start <= clock.time()
            expected |= yesterday in one.days and clock.time() < one.end
    turns = Rotation(("ana",), time(9), tz, date(2024, 1, 1), 7, restrictions)
    assert turns.on_call(at) == ("ana" if expected else None)


@examples(60)
@given(rotations(), st.sampled_from(STARTS))
def test_a_restriction_and_what_it_leaves_out_make_the_whole(
    turns: Rotation, start: datetime
) -> None:
    """The parts of one day after the other, on every day, also where clocks change."""
    edges = [time(1, 30), time(2, 30), time(9), time(23, 30)]
    around = zip(edges, edges[1:] + edges[:1], strict=True)
    parts = [replace(turns, restrictions=(Restriction(EVERY_DAY, *part),)) for part in around]
    whole = replace(turns, restrictions=())
    assert Schedule(tuple(parts)).shifts(start, start + 5 * DAY) == whole.shifts(
        start, start + 5 * DAY
    )


def test_edges_that_daylight_saving_skips_are_told_with_the_handoffs() -> None:
    turns = layer("ana", CHICAGO, "02:30-08:00", "sat 22:00-02:15")
    skipped = [datetime(2025, 3, 9, 2, 15), datetime(2025, 3, 9, 2, 30)]
    assert turns.skipped_handoffs() == skipped
    assert replace(turns, tz="UTC").skipped_handoffs() == []


# --- bad input -----------------------------------------------------------------------------------

MOMENT = parse_moment("2025-01-06T00:00Z")
BAD: list[tuple[type, dict[str, Any], str]] = [
    (Restriction, {"days": ()}, "days must be one or more days, given (); give e.g. ('sat',"),
    (Restriction, {"days": "mon"}, "days must be one or more days, given 'mon'"),
    (Restriction, {"days": (5, 6)}, "days must be one or more days, given (5, 6)"),
    (Restriction, {"days": ("Sat",)}, "a day must be one of mon, tue, wed, thu, fri, sat, sun, g"),
    (Restriction, {"start": "09:00"}, "start must be a time without a zone, given '09:00'"),
    (Restriction, {"end": time(9, tzinfo=UTC)}, "end must be a time without a zone, given"),
    (Restriction, {"days": None}, "days must be one or more days, given None; give e.g. ('sat',"),
    (Shift, {"who": ("ana",)}, "who must be a name or None, given ('ana',)"),
    (Shift, {"start": None}, "start must be a datetime, given None"),
    (Shift, {"who": " "}, "who must be a name or None, given ' '"),
    (Shift, {"start": datetime(2025, 1, 6)}, "start 2025-01-06T00:00:00 has no time zone"),
    (Shift, {"end": MOMENT}, "must end after it starts, given 2025-01-06T00:00:00Z to 2025-01-0"),
    (Rotation, {"restrictions": Restriction()}, "restrictions must be a tuple of Restrictions"),
    (Rotation, {"restrictions": "weekend"}, "a tuple of Restrictions, given 'weekend'"),
    (Rotation, {"restrictions": None}, "a tuple of Restrictions, given None"),
    (Rotation, {"overrides": "cho"}, "that somebody takes, given 'cho'"),
    (Rotation, {"restrictions": ("weekend",)}, "given ('weekend',)"),
    (Rotation, {"overrides": ("cho",)}, "overrides must be a tuple of Shifts that somebody takes"),
    (Rotation, {"overrides": (Shift(None, MOMENT, MOMENT + DAY),)}, "that somebody takes, given"),
    (Schedule, {"layers": ()}, "layers must be one or more Rotations, given (); the lowest first"),
    (Schedule, {"layers": "ana"}, "layers must be one or more Rotations, given 'ana'"),
    (Schedule, {"layers": None}, "layers must be one or more Rotations, given None"),
    (Schedule, {"layers": FULL}, "layers must be one or more Rotations, given Rotation("),
    (Schedule, {"layers": (FULL, "ana")}, "layers must be one or more Rotations"),
]
GOOD: dict[type, dict[str, Any]] = {
    Restriction: {},
    Shift: {"who": "ana", "start": MOMENT, "end": MOMENT + DAY},
    Rotation: {"members": ("ana",), "handoff": time(9), "tz": "UTC", "start": date(2025, 1, 6)},
    Schedule: {"layers": (FULL,)},
}


@pytest.mark.parametrize(("kind", "wrong", "message"), BAD)
def test_bad_input_says_what_to_give(kind: type, wrong: dict[str, Any], message: str) -> None:
    kind(**GOOD[kind])
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(**{**GOOD[kind], **wrong})


def test_a_stretch_that_ends_before_it_begins_has_no_shifts() -> None:
    for function in (FULL.shifts, FULL.gaps, Schedule((FULL,)).shifts):
        with pytest.raises(ValueError, match="must end after it starts"):
            function(MOMENT, MOMENT)
        with pytest.raises(ValueError, match="has no time zone"):
            function(datetime(2025, 1, 6), MOMENT)
