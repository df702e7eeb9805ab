"""Scenarios: one seed and no other source of chance, rounding carried over, faults over time."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.counts import Counts
from oncall.gameday.bundled import SCENARIOS
from oncall.scenario import DAILY, WEEKLY, Fault, KnownIncident, Scenario, Traffic, combined, rhythm
from oncall.slo import SLO, sli
from oncall.times import DAY, HOUR, MINUTE

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SYMPTOM = "model_provider_outage"
TWO_NINES = SLO("availability", 0.99)
CALM = Scenario("calm", "Nothing happens.", MONDAY, 6 * HOUR, TWO_NINES, requests=600, errors=0.003)


def fault(start: timedelta, error_ratio: float = 1.0, **more: Any) -> Fault:
    return Fault(SYMPTOM, start, error_ratio, **more)


@cache
def played(name: str) -> Counts:
    """A bundled scenario's counts with seed 1."""
    return SCENARIOS[name].counts(1)


def shares(fault: Fault, minutes: int) -> list[float]:
    """The share of requests that a fault fails in each of the first minutes."""
    return [fault.failing(minute * MINUTE, (minute + 1) * MINUTE) for minute in range(minutes)]


# --- the seed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_the_same_seed_gives_the_same_counts(name: str) -> None:
    assert SCENARIOS[name].counts(1) == played(name)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_another_seed_gives_others_around_the_same_mean(name: str) -> None:
    first, second = played(name), SCENARIOS[name].counts(2)
    assert first.total != second.total
    assert sum(first.total) == pytest.approx(sum(second.total), rel=0.01)


def test_nothing_is_drawn_but_from_random_of_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = CALM.counts(1)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("only random.Random(seed).random() is the same in every Python")

    own = {name for name in dir(random) if callable(getattr(random, name)) and name[0].islower()}
    methods = {name for name in dir(random.Random) if not name.startswith("_")} - {"random", "seed"}
    assert {"random", "uniform", "gauss", "seed"} <= own
    assert {"randint", "choice", "getrandbits", "expovariate"} <= methods
    for name in own:
        monkeypatch.setattr(random, name, refuse)
    for name in methods:
        monkeypatch.setattr(random.Random, name, refuse)
    assert CALM.counts(1) == expected


def test_the_first_counts_of_a_seed_never_change() -> None:
    # By hand, from the tables and the seed's first draws: Monday is 112 % of the mean, midnight is
    # 52 % and falls to 45 % within an hour.
    draw = random.Random(1).random
    over, expected = 0.0, []
    for minute in range(3):
        rate = 600 * (52 + (45 - 52) * minute / 60) / 100 * 112 / 100
        wanted = rate * (0.96 + 0.08 * draw()) + over
        expected.append(int(wanted))
        over = wanted - int(wanted)
    assert list(replace(CALM, warm_up=timedelta()).counts(1).total[:3]) == expected


# --- carried, not rounded ------------------------------------------------------------------------


def left_over(actual: Sequence[float], expected: Sequence[float]) -> list[float]:
    """Expected minus actual up to each moment: two of these give what is left over in between."""
    gaps = [wanted - got for wanted, got in zip(expected, actual, strict=True)]
    return list(accumulate(gaps, initial=0.0))


@examples(40)
@given(
    requests=st.floats(0, 2000),
    errors=st.floats(0, 1),
    failing=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    seed=st.integers(0, 2**32),
)
def test_over_any_stretch_the_errors_are_within_one_of_the_expected(
    requests: float, errors: float, failing: list[float], seed: int
) -> None:
    traffic = Traffic(replace(CALM, requests=requests, errors=errors), seed)
    buckets = [traffic.minute(minute, share) for minute, share in enumerate(failing)]
    assert all(0 <= good <= total for good, total in buckets)
    bad = [total - good for good, total in buckets]
    totals = [total for _, total in buckets]
    ratios = [1 - (1 - errors) * (1 - share) for share in failing]
    wanted = [total * ratio for total, ratio in zip(totals, ratios, strict=True)]
    carried = left_over(bad, wanted)
    assert max(carried) - min(carried) <= 1 + 1e-6


def test_a_low_error_ratio_is_kept_at_the_lowest_traffic() -> None:
    counts = replace(CALM, requests=3, length=7 * DAY).counts(1)
    assert 1 - sli(sum(counts.good), sum(counts.total)) == pytest.approx(0.003, rel=0.01)


def test_requests_are_carried_too() -> None:
    counts = replace(CALM, requests=0.5, length=7 * DAY, warm_up=timedelta()).counts(1)
    assert sum(counts.total) == pytest.approx(0.5 * 7 * 24 * 60, rel=0.02)


# --- faults over time ----------------------------------------------------------------------------


def test_a_fault_fails_its_ratio_from_its_start_on() -> None:
    assert shares(fault(2 * MINUTE, 0.5), 5) == [0, 0, 0.5, 0.5, 0.5]


def test_a_fault_with_a_duration_goes_away_by_itself() -> None:
    assert shares(fault(MINUTE, 0.5, duration=2 * MINUTE), 5) == [0, 0.5, 0.5, 0, 0]


def test_51_seconds_within_a_minute_fail_51_sixtieths_of_it() -> None:
    assert shares(fault(5 * SECOND, duration=51 * SECOND), 2) == pytest.approx([51 / 60, 0])


def test_51_seconds_across_two_minutes_are_shared_between_them() -> None:
    blip = fault(MINUTE + 30 * SECOND, duration=51 * SECOND)
    assert shares(blip, 4) == pytest.approx([0, 30 / 60, 21 / 60, 0])


def test_a_ramp_climbs_in_a_straight_line() -> None:
    climbing = fault(timedelta(), 0.8, ramp=4 * MINUTE)
    assert shares(climbing, 6) == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.8, 0.8])


def test_a_fault_may_be_over_before_its_ramp_is() -> None:
    cut = fault(timedelta(), 0.8, ramp=4 * MINUTE, duration=2 * MINUTE)
    assert shares(cut, 4) == pytest.approx([0.1, 0.3, 0, 0])


LASTING = [(60, 120, None), (0, 30, None), (30, 60, None), (15, 200, None)]
ENDING = [(7, 600, 333), (50, 20, 51), (0, 45, 90)]


@pytest.mark.parametrize(("start", "ramp", "duration"), LASTING + ENDING)
def test_what_a_fault_fails_is_the_area_under_its_line(
    start: int, ramp: int, duration: int | None
) -> None:
    seconds = 900
    end = seconds if duration is None else start + duration
    line = [0.0] * seconds
    for second in range(start, min(end, seconds)):
        line[second] = min(1.0, (second + 0.5 - start) / ramp)
    length = None if duration is None else duration * SECOND
    climbing = fault(start * SECOND, ramp=ramp * SECOND, duration=length)
    expected = [sum(line[i : i + 60]) / 60 for i in range(0, seconds, 60)]
    assert shares(climbing, seconds // 60) == pytest.approx(expected, abs=1e-3)


def test_faults_that_overlap_fail_independently() -> None:
    twice = replace(CALM, faults=(fault(timedelta(), 0.5), fault(HOUR, 0.4)), errors=0.0)
    assert twice.failing(30) == [0.5, 0]
    assert twice.failing(90) == [0.5, 0.4]
    assert combined([0.5, 0.4]) == pytest.approx(0.7)
    hour = twice.counts(1).slice(MONDAY + HOUR, MONDAY + 2 * HOUR)
    assert 1 - sli(sum(hour.good), sum(hour.total)) == pytest.approx(0.7, abs=1e-4)


def test_nothing_failing_fails_nothing_and_a_total_outage_everything() -> None:
    assert combined([]) == 0
    assert combined([0.3, 1.0]) == 1


def test_a_total_outage_leaves_no_good_request() -> None:
    counts = replace(CALM, faults=(fault(HOUR, 1.0, duration=HOUR),)).counts(1)
    outage = counts.slice(MONDAY + HOUR, MONDAY + 2 * HOUR)
    assert sum(outage.good) == 0
    assert sum(outage.total) > 0


# --- rhythm --------------------------------------------------------------------------------------


def test_a_day_and_a_week_average_to_one() -> None:
    assert (len(DAILY), len(WEEKLY)) == (24, 7)
    assert sum(DAILY) == 2400
    assert sum(WEEKLY) == 700


def test_the_traffic_is_that_of_its_hour_and_day() -> None:
    for day in range(7):
        for hour in range(24):
            at = MONDAY + day * DAY + hour * HOUR
            assert rhythm(at) == pytest.approx(DAILY[hour] * WEEKLY[day] / 10_000)


def test_between_two_hours_it_changes_in_a_straight_line() -> None:
    first, last = rhythm(MONDAY + 6 * HOUR), rhythm(MONDAY + 7 * HOUR)
    assert rhythm(MONDAY + 6 * HOUR + 15 * MINUTE) == pytest.approx(first + (last - first) / 4)


def test_nights_and_weekends_are_quieter() -> None:
    assert rhythm(MONDAY + 3 * HOUR) < rhythm(MONDAY + 14 * HOUR) / 2
    assert rhythm(MONDAY + 5 * DAY + 14 * HOUR) < rhythm(MONDAY + 14 * HOUR)


def test_a_scenario_that_starts_in_another_zone_keeps_the_moment() -> None:
    moment = datetime.fromisoformat("2025-03-03T01:00:00+01:00")
    assert replace(CALM, start=moment).counts(1) == CALM.counts(1)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"start .* has no time zone"):
        replace(CALM, start=datetime(2025, 3, 3))


# --- the bundled scenarios -----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_the_days_before_the_start_are_quiet_and_fill_every_long_window(name: str) -> None:
    scenario = SCENARIOS[name]
    counts = played(name)
    assert counts.start == scenario.start - 3 * DAY
    assert counts.end == scenario.start + scenario.length
    warm_up = counts.slice(None, scenario.start)
    errors = 1 - sli(sum(warm_up.good), sum(warm_up.total))
    assert errors == pytest.approx(scenario.errors, rel=0.01)
    for good, total in zip(warm_up.good, warm_up.total, strict=True):
        assert total - good <= scenario.errors * total + 1  # its share, and what was carried over
    assert all(max(scenario.failing(minute), default=0) == 0 for minute in range(-3 * 24 * 60, 0))


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_is_healthy_before_its_faults_and_has_a_name_and_a_title(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert scenario.title.strip()
    assert 1 - scenario.errors > scenario.slo.target
    assert all(timedelta() <= fault.start < scenario.length for fault in scenario.faults)


def test_labels_are_the_faults_as_moments() -> None:
    lasting = fault(HOUR, 0.5, title="lasts")
    brief = fault(2 * HOUR, duration=51 * SECOND, title="blip")
    lasts, blip = replace(CALM, faults=(lasting, brief)).labels()
    start = MONDAY + 2 * HOUR
    assert lasts == KnownIncident("lasts", SYMPTOM, MONDAY + HOUR, None, 0.5)
    assert blip == KnownIncident("blip", SYMPTOM, start, start + 51 * SECOND, 1.0)


@pytest.mark.parametrize("end", [MONDAY, MONDAY - HOUR])
def test_a_label_that_ends_before_it_began_is_refused(end: datetime) -> None:
    wanted = f"the incident ends at {end:%Y-%m-%d}T.*Z, not after its start"
    with pytest.raises(ValueError, match=wanted):
        KnownIncident("upside down", SYMPTOM, MONDAY, end, 1.0)


@pytest.mark.parametrize("given", ["0.3", "nan", None])
def test_the_error_ratio_of_a_label_is_a_number_and_nan_where_unknown(given: Any) -> None:
    wanted = f"a number, math.nan where unknown, given {given!r}"
    with pytest.raises(ValueError, match=re.escape(wanted)):
        KnownIncident("unclear", SYMPTOM, MONDAY, None, given)
    assert math.isnan(KnownIncident("unclear", SYMPTOM, MONDAY, None, math.nan).error_ratio)
