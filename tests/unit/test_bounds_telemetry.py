"""Bounds on the moments and the buckets of frames, logs, simulated months and maps."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from played_shifts import SCENARIO

from oncall.alerting import BurnRule, SilenceRule, google_policy
from oncall.counts import Counts
from oncall.scenario import Scenario
from oncall.slo import SLO
from oncall.telemetry.backtest import History
from oncall.telemetry.blind_spots import blind_spots
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.telemetry.logs import count_requests
from oncall.telemetry.simulate import simulate
from oncall.times import DAY, EARLIEST, HOUR, LATEST, MINUTE

T0 = datetime(2025, 3, 4, tzinfo=UTC)
TWO_NINES = SLO("availability", 0.99)
QUIET: dict[str, Any] = {
    "name": "quiet", "title": "", "start": T0, "length": HOUR, "slo": TWO_NINES,
    "requests": 60, "errors": 0.01,
}  # fmt: skip


# --- frames --------------------------------------------------------------------------------------


def frame(step: int, unit: str = "ns", start: int = 0) -> pd.DataFrame:
    starts = np.array([start, start + step, start + 2 * step], f"datetime64[{unit}]")
    index = pd.DatetimeIndex(starts).tz_localize("UTC")
    return pd.DataFrame({"good": [1, 1, 1], "total": [1, 1, 1]}, index=index)


FINE = {
    "1 ns": frame(1),
    "999 ns": frame(999),
    "1.001 µs": frame(1001),
    "1 min": frame(60 * 10**9 + 1),
}


@pytest.mark.parametrize("index", FINE)
def test_an_index_finer_than_a_microsecond_is_refused(index: str) -> None:
    for ask in (
        Counts.from_frame,
        lambda frame: burn_rates(frame, TWO_NINES, [MINUTE]),
        lambda frame: alert_intervals(frame, TWO_NINES, google_policy()),
    ):
        with pytest.raises(ValueError, match="the index's step must be whole microseconds, given"):
            ask(FINE[index])


FAR = {"in 12969": frame(60, "s", 4 * 10**11), "for 3,000 years": frame(10**11, "s")}
LATE = frame(365 * 86_400, "s", int((LATEST - 2 * DAY).timestamp()) - 365 * 86_400)


@pytest.mark.parametrize("index", FAR)
def test_an_index_that_reaches_too_far_is_refused(index: str) -> None:
    for ask in (Counts.from_frame, lambda frame: burn_rates(frame, TWO_NINES, [MINUTE])):
        with pytest.raises(ValueError, match=r"^the index.* (1900 to 2200|100 years)"):
            ask(FAR[index])
        with pytest.raises(ValueError, match=r"3 buckets of 365d from 2198-.* end after 2200"):
            ask(LATE)


@pytest.mark.parametrize(("good", "total"), [(9, 1), (-1, 1), (0, -5)])
def test_a_frame_is_checked_also_when_the_policy_has_no_rule(good: int, total: int) -> None:
    wrong = frame(60 * 10**9).assign(good=[1, 1, good], total=[1, 1, total])
    with pytest.raises(ValueError, match=rf"bucket 2 has {good} good of {total} events"):
        alert_intervals(wrong, TWO_NINES, ())


# --- logs ----------------------------------------------------------------------------------------


def database(*moments: str | None) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.create_function("date_trunc", 2, lambda unit, text: text)
    connection.execute("CREATE TABLE log (timestamp TEXT)")
    connection.executemany("INSERT INTO log VALUES (?)", [(moment,) for moment in moments])
    return connection


ODD_MOMENTS = [
    "22000-01-01 00:00:00",
    "0001-01-01T00:00+14:00",
    "9999-12-31 23:00:00",
    "1899-12-31",
]


@pytest.mark.parametrize("moment", ODD_MOMENTS)
def test_a_request_of_another_millennium_is_refused_with_its_timestamp(moment: str) -> None:
    connection = database("2025-03-04 00:00:00", moment)
    year = moment.partition("-")[0]
    with pytest.raises(ValueError, match=rf"^the timestamp {year}.* from 1900 to 2200; are its un"):
        count_requests("log", good="1 = 1", connection=connection)


IN_DUCKDB = [
    "TIMESTAMP '2000-01-01' + INTERVAL 20000 YEAR",
    "TIMESTAMP 'infinity'",
    "TIMESTAMP '290000-01-01 (BC)'",
    "to_timestamp(1741046400000)",  # milliseconds
]


@pytest.mark.parametrize("timestamp", IN_DUCKDB)
def test_a_moment_of_duckdb_far_from_now_is_refused(timestamp: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "log.csv").write_text("status\n200\n")
    with pytest.raises(ValueError, match=r"^the timestamp .* is not from 1900 to 2200; are its un"):
        count_requests(tmp_path / "log.csv", good="status < 500", timestamp=timestamp)


def test_requests_that_reach_over_more_buckets_than_fit_are_refused_at_once() -> None:
    connection = database("2019-03-04 00:00:00", "2025-03-04 00:00:00")
    reach = r"reach over 189,388,801 buckets of 1s, more than 31,622,400; give a longer every"
    with pytest.raises(ValueError, match=reach):
        count_requests("log", good="1 = 1", every="second", connection=connection)


# --- months, maps, pasts -------------------------------------------------------------------------


@pytest.mark.parametrize("errors", [5e-324, 1e-300, 1e-18, 0.5, 1])
@pytest.mark.parametrize("requests", [1e-9, 10**9])
def test_months_of_any_traffic_and_any_share_of_failures_are_drawn(
    errors: float, requests: float
) -> None:
    scenario = Scenario(**QUIET | {"errors": errors, "requests": requests})
    months = simulate((BurnRule(HOUR, 5 * MINUTE, 2),), scenario, 2, seed=1)
    assert months.pages.all() == (errors >= 0.5 and requests > 1)


def test_months_whose_windows_begin_before_1900_are_refused() -> None:
    scenario = Scenario(**QUIET | {"start": EARLIEST + 3 * DAY})
    assert len(simulate((SilenceRule(3 * DAY),), scenario, 1, seed=1).pages) == 1
    with pytest.raises(ValueError, match=r"^the start of the longest window, 1899-12-.* not from"):
        simulate((SilenceRule(4 * DAY),), scenario, 1, seed=1)


@pytest.mark.parametrize("months", [0, 1.5, 10**7, 10**400, True])
def test_a_number_of_months_is_a_whole_number_of_some_size(months: Any) -> None:
    with pytest.raises(ValueError, match=r"^months must be "):
        simulate((), SCENARIO, months, seed=1)


def test_a_past_of_the_largest_counts_is_added_up_without_an_end() -> None:
    most = 2**63 - 1
    history = History(Counts(T0, DAY, [0] * 3, [most] * 3), [], TWO_NINES)
    assert history.total.tolist() == [0, most, 2 * most, 3 * most]


@pytest.mark.parametrize("traffic", [5e-324, 1e-31, 1e31, 1e299])
def test_a_map_of_traffic_next_to_nothing_or_beyond_all_is_refused(traffic: float) -> None:
    with pytest.raises(ValueError, match="above 0, from 1e-30 to 1e30, given"):
        blind_spots(TWO_NINES, google_policy(), traffic)
