"""Times and lengths of time: text in, aware UTC moments out, and back."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.times import (
    DAY,
    HOUR,
    LONGEST,
    MINUTE,
    SECOND,
    ceil_div,
    duration_text,
    from_seconds,
    moment_text,
    not_negative,
    parse_duration,
    parse_moment,
    positive,
    utc,
)

CHICAGO = ZoneInfo("America/Chicago")
NIGHT = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)


# --- moments -------------------------------------------------------------------------------------


def test_an_aware_moment_becomes_the_same_moment_in_utc() -> None:
    moment = utc(datetime(2024, 12, 4, 17, 48, tzinfo=CHICAGO))
    assert (moment, moment.tzinfo) == (NIGHT, UTC)


def test_the_two_halves_of_a_repeated_local_hour_stay_an_hour_apart() -> None:
    half_past_one = datetime(2020, 11, 1, 1, 30, tzinfo=CHICAGO)
    assert utc(half_past_one.replace(fold=1)) - utc(half_past_one) == HOUR


def test_a_naive_datetime_is_refused_with_its_name_and_a_way_out() -> None:
    refusal = "at 2024-12-04T23:48:00 has no time zone; give one, e.g. tzinfo=UTC"
    with pytest.raises(ValueError, match=re.escape(refusal)):
        utc(datetime(2024, 12, 4, 23, 48), "at")


@pytest.mark.parametrize("given", [None, "2024-12-04T23:48:00Z", 1733356080, date(2024, 12, 4)])
def test_what_is_no_datetime_is_refused(given: object) -> None:
    refusal = re.escape(f"start must be a datetime, given {given!r}")
    with pytest.raises(ValueError, match=refusal):
        utc(given, "start")  # type: ignore[arg-type]


NIGHT_TEXTS = [
    "2024-12-04T23:48:00Z",
    "2024-12-04T23:48Z",
    "2024-12-04 23:48:00+00:00",
    "  2024-12-04T23:48:00Z ",
    "2024-12-04T17:48:00-06:00",
    "2024-12-05T05:33:00+05:45",
    "20241204T234800Z",
]


@pytest.mark.parametrize("text", NIGHT_TEXTS)
def test_a_text_with_an_offset_is_read_as_its_moment_in_utc(text: str) -> None:
    assert parse_moment(text) == NIGHT
    assert parse_moment(text).tzinfo is UTC


NO_TIMES = ["", "soon", "1733356080", "2024-13-01T00:00Z", "2024-12-04T25Z", "22000-01-01T00Z"]
# Python reads times of all these texts.
ODD_SIGNS = [
    "2024-12-04T23:48:00Z\0",
    "2024-12-04\x0023:48:00Z",
    "2024-12-04T23:48:00\x00Z",
    "2024-12-04T23:48:00+00:00\0\0",
    "2024-12-04\ud80023:48:00Z",
    "2024-12-04\u200b23:48:00Z",
    "2024-12-04\x1b23:48:00Z",
    "2024-12-04\n23:48:00Z",
]
NO_TEXTS: list[Any] = [None, 1733356080, b"2024-12-04T23:48:00Z", NIGHT]


@pytest.mark.parametrize("text", [*NO_TIMES, *ODD_SIGNS, *NO_TEXTS])
def test_what_is_no_time_is_refused_with_an_example(text: Any) -> None:
    refusal = re.escape(f"at {text!r} is not a time; write 2024-12-04T23:48:00Z")
    with pytest.raises(ValueError, match=refusal):
        parse_moment(text, "at")


@pytest.mark.parametrize("text", ["2024-12-04", "2024-12-04T00:00", "20241204"])
def test_a_text_without_a_zone_is_refused_and_what_to_write_can_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="has no time zone") as refusal:
        parse_moment(text)
    suggestion = str(refusal.value).split("write ")[1].split(" if")[0]
    assert parse_moment(suggestion) == datetime(2024, 12, 4, tzinfo=UTC)


def test_a_moment_is_written_in_utc_and_as_finely_as_it_was_given() -> None:
    assert moment_text(NIGHT) == "2024-12-04T23:48:00Z"
    assert moment_text(NIGHT.astimezone(CHICAGO)) == "2024-12-04T23:48:00Z"
    assert moment_text(NIGHT + timedelta(microseconds=250_000)) == "2024-12-04T23:48:00.250000Z"


FAR = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00+01",
    "1899-12-31T23:59:59.999999Z",
    "1900-01-01T00:00+00:01",
    "2200-01-01T00:00:00.000001Z",
    "2199-12-31T23:00-02:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
]


@pytest.mark.parametrize("text", FAR)
def test_a_moment_that_is_not_from_1900_to_2200_is_refused_as_text_and_as_datetime(
    text: str,
) -> None:
    why = "is not from 1900 to 2200; is the year right?"
    with pytest.raises(ValueError, match=re.escape(f"at {text!r} {why}")):
        parse_moment(text, "at")
    moment = datetime.fromisoformat(text)
    with pytest.raises(ValueError, match=re.escape(f"at {moment.isoformat()} {why}")):
        utc(moment, "at")


NEAR = ["1900-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"]


@pytest.mark.parametrize("text", NEAR)
def test_a_moment_from_1900_to_2200_is_taken_at_both_ends(text: str) -> None:
    assert moment_text(parse_moment(text)) == text


def test_a_moment_of_pandas_becomes_a_plain_one() -> None:
    moment = utc(pd.Timestamp("2024-12-04T17:48", tz="America/Chicago"))
    assert (type(moment), moment) == (datetime, NIGHT)
    with pytest.raises(ValueError, match="is not from 1900 to 2200"):
        utc(pd.Timestamp("2262-04-11T23:47:16.854775807", tz="UTC"))


ALASKA = st.just(timezone(-9 * HOUR))


@given(st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 31), timezones=ALASKA))
def test_a_moment_written_and_read_is_the_same_moment(moment: datetime) -> None:
    assert parse_moment(moment_text(moment)) == moment


# --- lengths -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30d", 30 * DAY),
        ("1w", 7 * DAY),
        ("1h30m", 90 * MINUTE),
        ("90s", 90 * SECOND),
        ("51.84s", 51.84 * SECOND),
        ("1.5h", 90 * MINUTE),
        ("1d1h1m1s", DAY + HOUR + MINUTE + SECOND),
    ],
)
def test_a_length_is_read_from_numbers_with_units(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


NO_LENGTHS = ["", "30", "d", "30 d", "1h 30m", "-5m", "5M", "1e3s", "5min", "h5", "99999999999d"]


@pytest.mark.parametrize("text", NO_LENGTHS)
def test_what_is_no_length_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))} is .*; write .*30d"):
        parse_duration(text)


def test_the_refusal_of_a_length_shows_every_unit_in_examples_that_can_be_read() -> None:
    with pytest.raises(ValueError, match="write") as refusal:
        parse_duration("")
    examples = re.findall(r"\d\w+", str(refusal.value))
    assert {example[-1] for example in examples if parse_duration(example)} == set("wdhms")


TOO_LONG = ["36525.1d", "5218w", "9999999w", "9999999w" * 15, "1d" * 40_000, "9999999w9999999s"]


@pytest.mark.parametrize("text", TOO_LONG, ids=lambda text: text[:20])
def test_a_length_of_more_than_100_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is longer than 100 years; write e\.g\. 30d$"):
        parse_duration(text)


def test_a_length_of_100_years_is_read() -> None:
    assert parse_duration("36525d") == parse_duration("36524d23h59m60s") == LONGEST


@pytest.mark.parametrize("text", ["٣d", "1.٥h", "1_0m"])  # which float reads
def test_digits_of_a_length_are_ascii(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "0s"),
        (30 * DAY, "30d"),
        (90 * MINUTE, "1h30m"),
        (36 * HOUR, "1d12h"),
        (51.84 * SECOND, "51.84s"),
        (100 * SECOND, "1m40s"),
        (10 * SECOND, "10s"),
        (timedelta(microseconds=1), "0.000001s"),
        (-HOUR, "-1h"),
        (None, "unknown"),
    ],
)
def test_a_length_is_written_in_its_largest_units(length: timedelta | None, text: str) -> None:
    assert duration_text(length) == text


@given(st.timedeltas(timedelta(), 1000 * DAY))
def test_a_length_written_and_read_is_the_same_length(length: timedelta) -> None:
    assert parse_duration(duration_text(length)) == length


def test_a_length_above_zero_passes_through() -> None:
    assert positive(MINUTE, "step") == MINUTE


@pytest.mark.parametrize("given", [timedelta(), -MINUTE, 60, "5m", None])
def test_what_is_no_length_above_zero_is_refused_by_name(given: object) -> None:
    refusal = re.escape(f"step must be a timedelta above zero, given {given!r}; give")
    with pytest.raises(ValueError, match=refusal):
        positive(given, "step")  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [timedelta.max, LONGEST + timedelta.resolution, 40_000 * DAY])
def test_a_length_above_100_years_is_refused_by_name(length: timedelta) -> None:
    for check in (positive, not_negative):
        with pytest.raises(ValueError, match=r"^step must be at most 100 years, given"):
            check(length, "step")


def test_a_length_of_pandas_becomes_a_plain_one_of_whole_microseconds() -> None:
    step = positive(pd.Timedelta("5min"), "step")
    assert (type(step), step) == (timedelta, 5 * MINUTE)
    for nanoseconds in (1, 999, 1001):
        with pytest.raises(ValueError, match=r"^step must be whole microseconds, given"):
            positive(pd.Timedelta(nanoseconds, "ns"), "step")


@pytest.mark.parametrize("seconds", [0, -1, 1e-9, 3.2e9, 1e300, 10**400, math.nan, math.inf])
def test_seconds_that_are_no_length_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^period must be a .* above zero, "):
        from_seconds(seconds, "period")


@pytest.mark.parametrize("seconds", ["60", True, None, [60], "nan", 1j])
def test_seconds_that_are_no_number_are_refused_by_name(seconds: object) -> None:
    with pytest.raises(ValueError, match=r"^period must be a number of seconds above zero"):
        from_seconds(seconds, "period")


def test_seconds_up_to_100_years_are_a_length() -> None:
    assert from_seconds(1, "period") == SECOND
    assert from_seconds(0.000001, "period") == timedelta.resolution
    assert from_seconds(3_155_760_000, "period") == LONGEST


@pytest.mark.parametrize(
    ("length", "steps"),
    [(timedelta(), 0), (SECOND, 1), (MINUTE, 1), (61 * SECOND, 2), (-SECOND, 0), (-MINUTE, -1)],
)
def test_a_part_of_a_step_takes_a_whole_one_to_cover(length: timedelta, steps: int) -> None:
    assert ceil_div(length, MINUTE) == steps
