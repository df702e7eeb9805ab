"""Request logs into counts: good and valid, buckets, files, and what each mistake is told."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.counts import Counts
from oncall.telemetry.logs import count_requests, counting_sql
from oncall.times import MINUTE, SECOND

try:
    import duckdb
except ImportError:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip("duckdb is missing; pip install oncall-workbook[logs]", allow_module_level=True)

START = datetime(2025, 3, 1, tzinfo=UTC)
LOG = """\
timestamp,status,latency_ms
2025-03-01T00:00:10Z,200,120
2025-03-01T00:00:20Z,500,80
2025-03-01T00:00:50Z,200,
2025-03-01T00:03:59.999Z,200,900
2025-03-01T00:03:30Z,404,10
2025-03-01T00:07:00Z,404,10
"""
FAST = "status < 500 AND latency_ms <= 300"
SERVED = "status NOT BETWEEN 400 AND 499"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text(LOG)
    return path


@pytest.fixture
def database() -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def columns(counts: Counts) -> tuple[list[int], list[int]]:
    return counts.good.tolist(), counts.total.tolist()


# --- good, valid, buckets ------------------------------------------------------------------------


def test_a_request_of_unknown_latency_is_valid_and_not_good(log: Path) -> None:
    counts = count_requests(log, good=FAST, every="hour")
    assert columns(counts) == ([3], [6])
    assert columns(count_requests(log, good="NOT latency_ms > 300", every="hour")) == ([4], [6])


def test_minutes_without_requests_count_nothing(log: Path) -> None:
    counts = count_requests(log, good="status < 500")
    assert (counts.start, counts.step) == (START, MINUTE)
    assert columns(counts) == ([2, 0, 0, 2, 0, 0, 0, 1], [3, 0, 0, 2, 0, 0, 0, 1])


def test_the_counts_reach_to_the_last_row_even_if_it_is_not_valid(log: Path) -> None:
    counts = count_requests(log, good=FAST, valid=SERVED)
    assert columns(counts) == ([1, 0, 0, 0, 0, 0, 0, 0], [3, 0, 0, 1, 0, 0, 0, 0])


def test_a_condition_that_is_null_makes_no_request_valid(log: Path) -> None:
    counts = count_requests(log, good="status = 200", valid="latency_ms < 1000", every="day")
    assert columns(counts) == ([2], [5])


def test_or_in_a_condition_stays_inside_it(log: Path) -> None:
    good, valid = "status = 200 OR status = 404", "status = 404 OR status = 500"
    assert columns(count_requests(log, good=good, valid=valid, every="day")) == ([2], [3])


@pytest.mark.parametrize(
    ("every", "start", "total"),
    [
        ("day", START, [6]),
        (timedelta(hours=6), START, [6]),
        (2 * MINUTE, START, [3, 2, 0, 1]),
        (3 * MINUTE, START, [3, 2, 1]),
        (90 * SECOND, START, [3, 0, 2, 0, 1]),
        # Midnight is 3 minutes past a multiple of 7 minutes since 1970.
        (7 * MINUTE, START - 3 * MINUTE, [5, 1]),
    ],
)
def test_buckets_start_at_multiples_of_their_length(
    log: Path, every: str | timedelta, start: datetime, total: list[int]
) -> None:
    counts = count_requests(log, good="status < 500", every=every)
    assert (counts.start, counts.total.tolist()) == (start, total)


def test_a_second_is_a_bucket_too(log: Path) -> None:
    counts = count_requests(log, good="status < 500", every="second")
    assert (counts.start, len(counts), sum(counts.total)) == (START + 10 * SECOND, 411, 6)


@pytest.mark.parametrize(
    "moment", ["2025-03-01T05:30:10+05:30", "2025-03-01 00:00:10", "2025-02-28T16:00:10-08:00"]
)
def test_moments_are_utc_whatever_zone_they_are_written_in(tmp_path: Path, moment: str) -> None:
    (tmp_path / "log.csv").write_text(f"timestamp,ok\n{moment},true\n")
    assert count_requests(tmp_path / "log.csv", good="ok").start == START


def test_the_moment_may_stand_in_another_column_or_be_computed(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("seen,ms,good\n2025-03-01T00:00:10Z,1740787210000,1\n")
    by_name = count_requests(tmp_path, good="good = 1", timestamp="seen")
    computed = count_requests(tmp_path, good="good = 1", timestamp="to_timestamp(ms / 1000)")
    assert by_name == computed
    assert (by_name.start, *columns(by_name)) == (START, [1], [1])


seconds, statuses = st.integers(0, 600), st.sampled_from([200, 404, 500])
latencies = st.none() | st.integers(0, 500)
requests = st.lists(st.tuples(seconds, statuses, latencies), min_size=1, max_size=30)


@given(requests, st.integers(1, 7))
@examples(25)
def test_every_request_is_counted_once_and_as_python_would(
    rows: list[tuple[int, int, int | None]], width: int
) -> None:
    table = [(START + second * SECOND, status, latency) for second, status, latency in rows]
    sli: dict[str, Any] = {"good": FAST, "valid": SERVED}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        types = "timestamp TIMESTAMPTZ, status INTEGER, latency_ms INTEGER"
        connection.execute(f"CREATE TABLE log ({types})")
        connection.executemany("INSERT INTO log VALUES (?, ?, ?)", table)
        counts = count_requests("log", **sli, every=width * MINUTE, connection=connection)
    good, total = [0] * len(counts), [0] * len(counts)
    for moment, status, latency in table:
        bucket = (moment - counts.start) // counts.step
        total[bucket] += status != 404
        good[bucket] += status == 200 and latency is not None and latency <= 300
    assert columns(counts) == (good, total)


# --- files ---------------------------------------------------------------------------------------


def test_csv_gzip_and_parquet_hold_the_same_counts(log: Path, database: Any) -> None:
    expected = count_requests(log, good=FAST)
    for name in ("requests.parquet", "requests.csv.gz"):
        database.execute(f"COPY (FROM '{log}') TO '{log.with_name(name)}'")
        assert count_requests(log.with_name(name), good=FAST) == expected


def test_a_folder_and_a_glob_are_all_their_files(tmp_path: Path) -> None:
    for day, name in ((1, "it's one.csv"), (2, "[2].csv"), (3, "deep/3.csv")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"timestamp,ok\n2025-03-0{day}T00:00:10Z,true\n")
    (tmp_path / "_SUCCESS").write_text("")
    assert count_requests(tmp_path, good="ok", every="day").total.tolist() == [1, 1, 1]
    assert count_requests(f"{tmp_path}/*.csv", good="ok", every="day").total.tolist() == [1, 1]
    assert count_requests(f"{tmp_path}/**/3.csv", good="ok", every="day").total.tolist() == [1]


# Each reads as another name, or as more than one, where names are patterns; the last as a home.
PATTERNS = {
    "log[1].csv": "log1.csv",
    "a*.csv": "ab.csv",
    "q?.csv": "qx.csv",
    "[!x].csv": "y.csv",
    "[a-c].csv": "b.csv",
    "b{1,2}.csv": "b1.csv",
    "**.csv": "z.csv",
    "in[side]/log.csv": "ins/log.csv",
    "quo'te[1].csv": "quo'te1.csv",
    "back\\slash.csv": "backslash.csv",
    "~home.csv": "home.csv",
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", PATTERNS)
def test_a_file_s_name_is_a_name_and_not_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for file, rows in ((name, 100), (PATTERNS[name], 10)):
        Path(file).parent.mkdir(exist_ok=True)
        line = "2025-03-04T18:00:00Z,200\n"
        Path(file).write_text("timestamp,status\n" + line * rows, encoding="utf-8")
    for source, rows in ((name, 100), (tmp_path / name, 100), (PATTERNS[name], 10), (".", 110)):
        assert sum(count_requests(source, good="status < 500").total) == rows, source


@pytest.mark.parametrize("folder", ["status=7", "timestamp=2020", "a=b/status=7"])
def test_a_folder_s_name_is_no_column(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    rows = "timestamp,status\n" + "2025-03-04T18:00:00Z,200\n2025-03-04T18:00:01Z,500\n" * 3
    (tmp_path / folder / "log.csv").write_text(rows, encoding="utf-8")
    counts = count_requests(tmp_path, good="status < 500")
    assert (sum(counts.good), sum(counts.total)) == (3, 6)


@pytest.mark.parametrize("source", ["", " ", "\t"])
def test_no_source_is_not_the_folder_at_hand(source: str) -> None:
    with pytest.raises(ValueError, match=r"the source is .*; name a file or a folder"):
        count_requests(source, good="status < 500")


def test_two_kinds_of_files_at_once_are_refused(log: Path) -> None:
    log.with_suffix(".parquet").touch()
    with pytest.raises(ValueError, match="both CSV and Parquet"):
        count_requests(log.parent, good=FAST)


@pytest.mark.parametrize("name", ["nothing.csv", "*.csv"])
def test_a_source_that_is_not_there_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no file .*csv$"):
        count_requests(tmp_path / name, good=FAST)


@pytest.mark.parametrize("name", ["log.txt", "."])
def test_a_source_without_logs_says_what_it_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "log.txt").write_text(LOG)
    with pytest.raises(ValueError, match=r"no file that ends in \.csv, \.csv\.gz, \.parquet"):
        count_requests(tmp_path / name, good=FAST)


def test_a_row_that_does_not_fit_is_named_with_its_line(tmp_path: Path) -> None:
    rows = "2025-03-01T00:00:10Z,200\n" * 30_000 + "2025-03-01T00:00:10Z,OK\n"
    (tmp_path / "log.csv").write_text("timestamp,status\n" + rows)
    with pytest.raises(ValueError, match=r"log\.csv: .*Line: 30002") as caught:
        count_requests(tmp_path / "log.csv", good="status < 500")
    assert '"status"' in str(caught.value)


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_text("no parquet")
    with pytest.raises(ValueError, match=r"cannot read .*log\.parquet"):
        count_requests(tmp_path, good="ok")


def test_an_empty_log_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("timestamp,status\n")
    with pytest.raises(ValueError, match="no requests"):
        count_requests(tmp_path, good="status = 'ok'", timestamp="CAST(timestamp AS TIMESTAMP)")
    with pytest.raises(ValueError, match="no requests"):
        count_requests(tmp_path, good="status < 500")


def test_files_with_differing_columns_are_counted_as_their_error_says(
    tmp_path: Path, database: Any
) -> None:
    (tmp_path / "1.csv").write_text("timestamp,region,ok\n2025-03-01T00:00:10Z,eu,true\n")
    (tmp_path / "2.csv").write_text("timestamp,ok\n2025-03-01T00:00:20Z,true\n")
    mend = r'"region" is missing; give connection=.*union_by_name = true\)"$'
    with pytest.raises(ValueError, match=mend):
        count_requests(tmp_path, good="ok")
    source = f"read_csv('{tmp_path}/*.csv', union_by_name = true)"
    counts = count_requests(source, good="ok AND region = 'eu'", connection=database)
    assert columns(counts) == ([1], [2])


def test_without_duckdb_the_error_says_how_to_get_it(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ImportError, match=r"pip install oncall-workbook\[logs\]"):
        count_requests(log, good=FAST)


def test_progress_climbs_to_one(log: Path) -> None:
    seen: list[float] = []
    count_requests(log, good=FAST, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mistake",
    [
        {"good": "latency < 300"},
        {"good": "status < 500", "valid": "kind = 'user'"},
        {"good": "is_fast(latency_ms)"},
        {"good": "status <"},
        {"good": ""},
        {"good": "status < 500", "timestamp": "time"},
        {"good": "status < 500", "timestamp": "status"},
    ],
    ids=str,
)
def test_a_condition_or_column_that_does_not_work_lists_the_columns(
    log: Path, mistake: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="the columns are timestamp, status, latency_ms"):
        count_requests(log, **mistake)  # type: ignore[arg-type]


def test_a_time_in_seconds_is_told_how_to_become_a_moment(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("timestamp,status\n1740787210,200\n")
    mend = r"timestamp must be a moment, e\.g\. 'to_timestamp\(seconds\)'"
    with pytest.raises(ValueError, match=mend):
        count_requests(tmp_path, good="status < 500")
    counts = count_requests(tmp_path, good="status < 500", timestamp="to_timestamp(timestamp)")
    assert counts.start == START


def test_a_time_as_web_servers_write_it_is_told_how_to_become_a_moment(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("text,status\n01/Mar/2025:01:00:00 +0100,200\n")
    with pytest.raises(ValueError, match=r"timestamp must be a moment, .*strptime") as refused:
        count_requests(tmp_path, good="status < 500", timestamp="text")
    advice = str(refused.value).split('"')[-2]
    assert count_requests(tmp_path, good="status < 500", timestamp=advice).start == START


@pytest.mark.parametrize("every", ["week", "Minute", timedelta(), timedelta(milliseconds=1500), 60])
def test_a_bucket_must_be_whole_seconds(log: Path, every: Any) -> None:
    with pytest.raises(ValueError, match=r"every must be"):
        count_requests(log, good=FAST, every=every)


def test_valid_requests_without_a_time_are_an_error_that_says_how_many(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG + ",200,10\n,200,10\n,404,10\n")
    with pytest.raises(ValueError, match="2 valid requests have no timestamp"):
        count_requests(tmp_path, good=FAST, valid=SERVED)
    known = count_requests(tmp_path, good=FAST, valid=f"{SERVED} AND timestamp IS NOT NULL")
    assert sum(known.total) == 4


def test_a_mistyped_year_is_an_error_not_a_billion_buckets(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG + "1925-03-01T00:00:00Z,200,10\n")
    with pytest.raises(ValueError, match="are the dates right"):
        count_requests(tmp_path, good=FAST, every="second")


# --- other connections ---------------------------------------------------------------------------


def test_the_text_is_plain_sql() -> None:
    text = counting_sql("log", good="ok", valid="ours", unit="hour", timestamp="at")
    assert text == (
        "SELECT date_trunc('hour', at) AS bucket,\n"
        "       CAST(SUM(CASE WHEN (ours) AND (ok) THEN 1 ELSE 0 END) AS BIGINT) AS good,\n"
        "       CAST(SUM(CASE WHEN (ours) THEN 1 ELSE 0 END) AS BIGINT) AS total\n"
        "FROM log\n"
        "GROUP BY date_trunc('hour', at)"
    )
    assert "COUNT(*) AS total" in counting_sql("log", good="status < 500")


def test_a_duckdb_connection_counts_its_own_tables_and_stays_open(log: Path, database: Any) -> None:
    database.execute(f"CREATE TEMP TABLE log AS FROM '{log}'")
    expected = count_requests(log, good=FAST)
    for source in ("log", f"read_csv('{log}')"):
        assert count_requests(source, good=FAST, connection=database) == expected
    assert database.execute("SELECT COUNT(*) FROM log").fetchone() == (6,)


def test_any_dbapi_connection_will_do_if_its_database_has_date_trunc(log: Path) -> None:
    def date_trunc(unit: str, moment: str) -> str | None:
        return moment[:16] if unit == "minute" else None

    connection = sqlite3.connect(":memory:")
    connection.create_function("date_trunc", 2, date_trunc)
    connection.execute("CREATE TABLE log (timestamp TEXT, status INTEGER, latency_ms INTEGER)")
    for line in LOG.splitlines()[1:]:
        moment, status, latency = line.split(",")
        row = (moment, status, latency or None)
        connection.execute("INSERT INTO log VALUES (?, ?, ?)", row)
    counts = count_requests("log", good=FAST, valid=SERVED, connection=connection)
    assert counts == count_requests(log, good=FAST, valid=SERVED)


class Cursor:
    """A DB-API cursor whose answers are given."""

    def __init__(self, rows: list[tuple[Any, int, int]]):
        self.rows = rows
        self.description = [("bucket",), ("good",), ("total",)]

    def cursor(self) -> Cursor:
        return self

    def execute(self, text: str) -> None:
        pass

    def fetchall(self) -> list[tuple[Any, int, int]]:
        return self.rows


def test_moments_come_back_aware_naive_or_as_text() -> None:
    aware = START.astimezone(ZoneInfo("Asia/Kolkata"))
    naive = (START + MINUTE).replace(tzinfo=None)
    rows = [(aware, 1, 1), (naive, 1, 2), ("2025-03-01 00:02:00+00:00", 1, 3), (None, 0, 0)]
    counts = count_requests("log", good="ok", connection=Cursor(rows))
    assert (counts.start, *columns(counts)) == (START, [1, 1, 1], [1, 2, 3])


def test_a_table_that_is_not_there_is_an_error(database: Any) -> None:
    with pytest.raises(ValueError, match="cannot read nowhere"):
        count_requests("nowhere", good=FAST, connection=database)


def test_days_that_begin_in_another_zone_are_refused(log: Path, database: Any) -> None:
    database.execute(f"CREATE TABLE log AS FROM '{log}'")
    database.execute("SET TimeZone = 'Asia/Kolkata'")
    assert count_requests("log", good=FAST, connection=database) == count_requests(log, good=FAST)
    with pytest.raises(ValueError, match="set its time zone to UTC"):
        count_requests("log", good=FAST, every="hour", connection=database)


def test_anything_but_a_connection_is_an_error() -> None:
    with pytest.raises(ValueError, match="connection must be a Spark session"):
        count_requests("log", good=FAST, connection="duckdb")
