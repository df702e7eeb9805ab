"""Bounds on moments, lengths, buckets and numbers, each where it is met first, and by its name."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Captured, run, write_counts
from played_shifts import SCENARIO

from oncall.alerting import AlertEvaluator, BurnRule, SilenceRule, google_policy
from oncall.alerting_lint import lint_alerting
from oncall.checks import check_whole, shown
from oncall.counts import MOST_BUCKETS, Counts, MissingBuckets, read_csv
from oncall.escalation import EscalationPolicy, Step
from oncall.gameday import parse_scenario
from oncall.gameday.actions import try_to_do
from oncall.gameday.desk import Desk
from oncall.rotation import Rotation
from oncall.scenario import Fault, RedHerring, Scenario
from oncall.slo import SLO
from oncall.telemetry.blind_spots import blind_spots
from oncall.telemetry.engine import Counters
from oncall.telemetry.labels import read_incidents
from oncall.telemetry.simulate import simulate
from oncall.times import DAY, HOUR, LATEST, LONGEST, MINUTE, SECOND

T0 = datetime(2025, 3, 4, tzinfo=UTC)
TICK = timedelta.resolution
TWO_NINES = SLO("availability", 0.99)
HEADER = "start,good,total\n"


@pytest.fixture
def few_megabytes() -> Iterator[None]:
    """A test that takes no more memory than a file of a few lines needs."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


# --- what is typed at the command line -----------------------------------------------------------

REPORT = ["report", "counts.csv", "--target", "0.99"]
YEARS = "is longer than 100 years; write e.g. 30d"
TYPED = {
    "a step of 20,000 years": ([*REPORT, "--step", "1000000w"], YEARS),
    "one in days": ([*REPORT, "--step", "2739000d"], YEARS),
    "one that no timedelta holds": ([*REPORT, "--step", "9999999w" * 15], YEARS),
    "a period of 20,000 years": ([*REPORT, "--period", "1000000w"], YEARS),
    "a period of many words": ([*REPORT, "--period", "9999999d" * 500], YEARS),
    "a step of a century": ([*REPORT, "--step", "5000w"], "does not fit 35000d buckets"),
    "a step of no time": ([*REPORT, "--step", "0.0000001s"], "is no time at all"),
    "a step of a microsecond": ([*REPORT, "--step", "0.000001s"], "leaves out 59,999,999 buckets"),
    "a target that is a word": (["report", "counts.csv", "--target", "nan"], "is not a number"),
    "one with an underscore": (["report", "counts.csv", "--target", "0.9_9"], "is not a number"),
    "one in other digits": (["report", "counts.csv", "--target", "٠.٩"], "is not a number"),
    "one next to nothing": (["report", "counts.csv", "--target", "1e-99999999"], "between 0 and 1"),
    "one of 5,000 digits": (["report", "counts.csv", "--target", "9" * 5000], "must be a number"),
}


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.filterwarnings("ignore::oncall.counts.MissingBuckets")
def test_a_length_or_a_number_out_of_bounds_is_one_line_and_exit_status_2(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    write_counts(Path("counts.csv"))
    arguments, why = TYPED[what]
    status, text, err = run(capsys, *arguments)
    assert (status, text, err.count("\n")) == (2, "", 1)
    assert why in err


@pytest.mark.parametrize("year", ["0001", "1899", "2201", "9999"])
def test_a_report_on_another_millennium_names_the_row(
    year: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(f"{HEADER}{year}-01-01T00:00:00Z,1,1\n{year}-01-01T00:01:00Z,1,1\n")
    status, _, err = run(capsys, "report", str(path), "--target", "0.99")
    assert status == 2
    assert f"row 2, column 'start': time '{year}-01-01T00:00:00Z' is not from 1900 to 2200" in err


# --- buckets, before they take memory ------------------------------------------------------------


def csv(tmp_path: Path, *starts: datetime) -> Path:
    rows = [f"{start.isoformat()},1,1\n" for start in starts]
    (tmp_path / "counts.csv").write_text(HEADER + "".join(rows))
    return tmp_path / "counts.csv"


@pytest.mark.parametrize(
    ("apart", "step"),
    [(2191 * DAY, SECOND), (367 * DAY, SECOND), (10 * DAY, MINUTE / 10**4), (36_524 * DAY, MINUTE)],
)
@pytest.mark.usefixtures("few_megabytes")
def test_a_gap_of_more_buckets_than_fit_is_refused_at_once(
    apart: timedelta, step: timedelta, tmp_path: Path
) -> None:
    path = csv(tmp_path, T0, T0 + apart)
    with pytest.raises(ValueError, match=r"counts\.csv, row 3, .*or give another step$"):
        read_csv(path, step=step)


def test_gaps_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oncall.counts.MOST_BUCKETS", 100)
    path = csv(tmp_path, T0, T0 + 40 * MINUTE, T0 + 80 * MINUTE, T0 + 99 * MINUTE)
    with pytest.warns(MissingBuckets):
        assert len(read_csv(path, step=MINUTE)) == 100
    path = csv(tmp_path, T0, T0 + 40 * MINUTE, T0 + 80 * MINUTE, T0 + 100 * MINUTE)
    so_far = r"row 5: the rows so far reach over 101 buckets of 1m, more than 100; give a longer"
    with pytest.raises(ValueError, match=so_far):
        read_csv(path, step=MINUTE)


def test_a_year_of_seconds_fits() -> None:
    assert MOST_BUCKETS >= 366 * DAY // SECOND


def test_a_last_bucket_that_ends_after_2200_is_refused_with_the_file(tmp_path: Path) -> None:
    path = csv(tmp_path, LATEST - DAY)
    with pytest.raises(ValueError, match=r"counts\.csv: 1 buckets of 7d from 2199-.* after 2200"):
        read_csv(path, step=7 * DAY)
    assert read_csv(path, step=DAY).end == LATEST


@pytest.mark.parametrize("make", [Counts, Counters])
@pytest.mark.parametrize("step", [2 * DAY, LONGEST])
def test_a_series_ends_by_2200(make: Callable[..., Any], step: timedelta) -> None:
    column = np.array([0, 1])
    with pytest.raises(ValueError, match=r"buckets of .* from 2199-12-31.* end after 2200"):
        make(LATEST - DAY, step, column, column)


def test_longer_buckets_that_end_after_2200_are_refused() -> None:
    counts = Counts(LATEST - 2 * DAY, DAY, [1, 1], [1, 1])
    assert counts.resample(2 * DAY).end == LATEST
    with pytest.raises(ValueError, match="end after 2200"):
        counts.resample(3 * DAY)


def test_a_slice_after_the_end_is_empty_and_lies_at_the_end() -> None:
    counts = Counts(T0, 365 * DAY, [1, 1], [1, 1])
    after = counts.slice(LATEST)
    assert (len(after), after.start) == (0, counts.end)


SHORT = {
    "an evaluator": lambda: AlertEvaluator(TWO_NINES, google_policy(), TICK),
    "one of a century": lambda: AlertEvaluator(TWO_NINES, (SilenceRule(LONGEST),), SECOND),
    "a map": lambda: blind_spots(TWO_NINES, google_policy(), 600, step=TICK),
    "a map of long outages": lambda: blind_spots(TWO_NINES, (), 600, durations=[LONGEST]),
    "months": lambda: simulate((SilenceRule(LONGEST),), SCENARIO, 1, 1),
    "a scenario": lambda: Scenario("long", "", T0, LONGEST, TWO_NINES, 1, 0),
}


@pytest.mark.parametrize("what", SHORT)
@pytest.mark.usefixtures("few_megabytes")
def test_what_would_make_more_buckets_than_fit_is_refused_at_once(what: str) -> None:
    with pytest.raises(ValueError, match=r"[0-9,]{10,} buckets of .*, more than 31,622,400; "):
        SHORT[what]()


def test_a_window_of_a_month_of_seconds_can_be_kept() -> None:
    AlertEvaluator(TWO_NINES, (SilenceRule(30 * DAY),), SECOND).observe(1, 1)


# --- scenarios -----------------------------------------------------------------------------------

TOML = """
name = "odd"
start = 2025-03-04T00:00:00Z
length = "8h"
slo = { target = 0.99, period = "30d" }
traffic = { requests = 60 }
"""
BAD_TOML = {
    "2025-03-04T00 => 0001-01-01T00": r"line 3: start: time .* not from 1900 to 2200",
    "2025-03-04T00 => 0001-01-03T00": r"line 3: start: time .* not from 1900 to 2200",
    "2025-03-04T00:00:00Z => 9999-12-31T23:00:00Z": r"line 3: start: time .* not from 1900 to",
    "2025-03-04T00:00:00Z => 2199-12-31T23:00:00Z": r"line 3: start: the end, 2200-01-01T07.* not",
    "2025-03-04T00:00:00Z => 1900-01-02T00:00:00Z": r"line 3: start: the start of the warm-up, 1",
    "8h => 9999999w9999999w9999999w": r"line 4: length: .* is longer than 100 years",
    "8h => 100d": r"line 4: length: must be at most 90d",
    "30d => 9999999d": r"slo.period: .* is longer than 100 years",
    "= 60 => = nan": r"traffic.requests: must be a number from",
    "= 60 => = 1e999": r"traffic.requests: must be a number from",
    "= 60 => = " + "9" * 4000: r"traffic.requests: must be a number from",
}


@pytest.mark.parametrize("change", BAD_TOML)
def test_a_scenario_file_out_of_bounds_is_refused_with_line_and_field(change: str) -> None:
    old, _, new = change.partition(" => ")
    assert TOML.count(old) == 1
    with pytest.raises(ValueError, match=rf"^odd.toml.*{BAD_TOML[change]}"):
        parse_scenario(TOML.replace(old, new), "odd.toml")


FAULT: dict[str, Any] = {"symptom": "gpu_capacity", "start": HOUR, "error_ratio": 0.5}
QUIET: dict[str, Any] = {
    "name": "quiet", "title": "", "start": T0, "length": HOUR, "slo": TWO_NINES,
    "requests": 60, "errors": 0.01,
}  # fmt: skip
PARTS = {
    "a share of nan": (Fault, FAULT | {"error_ratio": math.nan}, "error_ratio must be a share"),
    "a share of 5": (Fault, FAULT | {"error_ratio": 5}, "error_ratio must be from 0 to 1"),
    "a text": (Fault, FAULT | {"error_ratio": "0.5"}, "error_ratio must be a number"),
    "a fault before all": (Fault, FAULT | {"start": -DAY}, "start must be a timedelta of zero or"),
    "one after all": (Fault, FAULT | {"start": timedelta.max}, "start must be at most 100 years"),
    "a long ramp": (Fault, FAULT | {"ramp": timedelta.max}, "ramp must be at most 100 years"),
    "no duration": (Fault, FAULT | {"duration": timedelta()}, "duration must be a timedelta above"),
    "a herring": (RedHerring, {"at": timedelta.max, "text": "x"}, "at must be at most 100 years"),
    "half a minute": (Scenario, QUIET | {"length": 90 * SECOND}, "length must be whole minutes"),
    "a warm-up": (Scenario, QUIET | {"warm_up": TICK}, "warm_up must be whole minutes"),
    "a million years": (Scenario, QUIET | {"length": timedelta.max}, "length must be at most 100"),
    "requests": (Scenario, QUIET | {"requests": math.inf}, "requests must be a number such as"),
    "many requests": (Scenario, QUIET | {"requests": 1e10}, "requests must be a number a minute"),
    "fewer than none": (Scenario, QUIET | {"requests": -1}, "requests must be a number a minute"),
    "errors": (Scenario, QUIET | {"errors": 2}, "errors must be from 0 to 1"),
}


@pytest.mark.parametrize("what", PARTS)
def test_a_part_of_a_scenario_that_cannot_be_played_is_refused_by_name(what: str) -> None:
    kind, values, why = PARTS[what]
    with pytest.raises(ValueError, match=why):
        kind(**values)


# --- rules, people, words ------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-21, 1e21, 1e299, 5e-324])
def test_a_burn_rate_that_no_service_has_is_no_factor(factor: float) -> None:
    with pytest.raises(ValueError, match="factor must be above 0, from 1e-20 to 1e20"):
        BurnRule(HOUR, MINUTE, factor)
    with pytest.raises(ValueError, match=r"exact_factor must be a number such as 0\.999, given"):
        BurnRule(HOUR, MINUTE, 1, exact_factor=Fraction(10**400))


@pytest.mark.parametrize("traffic", [math.inf, 10**400, -1])
def test_traffic_without_end_is_no_traffic(traffic: float) -> None:
    for ask in (
        lambda: lint_alerting(google_policy(), TWO_NINES, traffic),
        lambda: blind_spots(TWO_NINES, google_policy(), traffic),
    ):
        with pytest.raises(ValueError, match="traffic must be a number of events an hour"):
            ask()


@pytest.mark.parametrize("start", [date.min, date(1899, 12, 31), date(2200, 1, 2), date.max])
def test_a_rotation_starts_within_the_calendar(start: date) -> None:
    with pytest.raises(ValueError, match="start must be from 1900 to 2200"):
        Rotation(("ana",), time(9), "UTC", start)


def test_a_turn_is_at_most_a_century_and_not_after_the_calendar() -> None:
    with pytest.raises(ValueError, match="every must be at most 36,525, given 36526"):
        Rotation(("ana",), time(9), "UTC", T0.date(), every=36_526)
    rotation = Rotation(("ana", "bo"), time(9), "UTC", T0.date(), every=36_525)
    assert rotation.on_call(LATEST) == "bo"
    for turn in (28, 10**9, -1):
        with pytest.raises(ValueError, match=r"^turn must be "):
            rotation.handoff_at(turn)


def test_a_ladder_is_climbed_within_a_century() -> None:
    steps = (Step(("ana",), LONGEST / 2), Step(("bo",), LONGEST / 2))
    EscalationPolicy(steps)
    for repeat, why in ((1, "for more than 100 years"), (10_001, "repeat must be at most 10,000")):
        with pytest.raises(ValueError, match=why):
            EscalationPolicy(steps, repeat)
    with pytest.raises(ValueError, match="delay must be a timedelta of zero or more, up to 100"):
        Step(("ana",), LONGEST + TICK)


@pytest.mark.parametrize(
    "words", ["wait ²", "check ²", "wait ١", f"wait {'9' * 3000}", "check 1_0"]
)
def test_a_digit_that_is_no_number_is_told_what_to_give(words: str) -> None:
    desk = Desk(SCENARIO, 1)
    if words.startswith("check"):
        words += " gpu_capacity"
    answer = try_to_do(desk, *words.split())
    assert "minutes are a whole number" in answer or "has checks 1 to" in answer
    assert len(answer) < 300


def test_labels_of_another_millennium_are_refused_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "incidents.csv"
    for row in ("0001-01-01T00:00Z,", "2025-03-04T00:00Z,9999-12-31T23:59:59Z"):
        path.write_text(f"start,end\n{row}\n")
        with pytest.raises(ValueError, match=r"incidents\.csv, row 2: .* not from 1900 to 2200"):
            read_incidents(path)


@pytest.mark.parametrize("value", [10**5000, "x" * 10**6, list(range(10**5))], ids=["a", "b", "c"])
def test_a_value_is_shown_in_a_line(value: object) -> None:
    assert len(shown(value)) < 300
    with pytest.raises(ValueError, match=r"^turns must be .{1,300}$"):
        check_whole(value, "turns")
