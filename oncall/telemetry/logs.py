"""Raw request logs counted into ``Counts``, by one SQL text that duckdb, Spark and others run."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from glob import escape, glob
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oncall.counts import Counts
from oncall.files import reading_csv, regular_file
from oncall.telemetry._arrays import Integers
from oncall.times import (
    DAY,
    EARLIEST,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    check_buckets,
    duration_text,
    positive,
)

# The units of ``date_trunc``, the longest first, and duckdb's functions by the ending of a file.
UNITS = {"day": DAY, "hour": HOUR, "minute": MINUTE, "second": SECOND}
READERS = {".csv": "read_csv", ".csv.gz": "read_csv", ".parquet": "read_parquet"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BLANK_LINE = "\n\n"
NO_REQUESTS = "the source holds no requests; give one that does"
NO_MOMENT = (
    "; timestamp must be a moment, e.g. 'to_timestamp(seconds)', 'CAST(text AS TIMESTAMP)' or, "
    "in duckdb, \"strptime(text, '%d/%b/%Y:%H:%M:%S %z')\"; "
    "03/04/2025 is text, for it reads two ways"
)
BY_NAME = "; give connection=duckdb.connect(), source=\"read_csv('*.csv', union_by_name = true)\""

_EARLIEST, _LATEST = (np.datetime64(bound.replace(tzinfo=None)) for bound in (EARLIEST, LATEST))
_NOT_NEAR = " of a request is not from 1900 to 2200; are its unit and its year right?"

Progress = Callable[[float], None]


def count_requests(
    source: str | Path,
    *,
    good: str,
    valid: str | None = None,
    every: timedelta | str = MINUTE,
    timestamp: str = "timestamp",
    connection: Any = None,
    progress: Progress | None = None,
) -> Counts:
    """Good and valid requests in each stretch of time, counted from raw request logs.

    A log has one row per request. ``good`` and ``valid`` are SQL conditions on the log's columns,
    so that latency, quality and cost SLIs are the same call with another condition: ``good="status
    < 400 AND latency_ms <= 300", valid="status IN (429, 499) OR status NOT BETWEEN 400 AND 499"``.
    (Without 429 and 499 whoever was refused or gave up waiting would not be counted at all.) A good
    request is a valid one for which ``good`` holds; without ``valid`` every request is valid. A
    condition that is NULL does not hold: a request of unknown latency is valid, and not good; one
    without a status is not valid there, unless ``status IS NULL OR`` stands before. Conditions are
    run as they are, so take them from people you trust.

    ``source`` is a CSV (also gzipped) or Parquet file, a folder of them at any depth, or a glob;
    duckdb reads them. All must have the same columns, and memory grows with the buckets, not with
    the requests. ``progress`` is called about five times a second with the share done, from 0 to 1,
    from another thread; without it duckdb draws a bar of its own in a notebook or at a prompt,
    after two seconds. For logs that outgrow one machine give a ``connection`` (a Spark session, a
    duckdb or any other DB-API connection whose time zone is UTC) and the name of a table or view in
    it as the source; Spark and databases show progress in their own ways.

    ``every`` is a unit of ``date_trunc`` (second, minute, hour, day) or any whole number of
    seconds; buckets start at multiples of it since 1970 in UTC. ``timestamp`` is the column of the
    moments, or an SQL expression for it such as ``to_timestamp(seconds)``; moments without a time
    zone are taken as UTC. The counts reach from the first row to the last, valid or not. Stretches
    without rows count 0 of 0: that is no traffic, and no bucket is ``missing``, for logs cannot say
    that they were lost. A condition or column that does not work is a ``ValueError`` that lists the
    columns.
    """
    step, unit = _step_and_unit(every)

    def count(connection: Any, table: str) -> Counts:
        text = counting_sql(table, good=good, valid=valid, unit=unit, timestamp=timestamp)
        return _fill(_ask(connection, text, source, table), unit, step)

    if connection is not None:
        return count(connection, str(source))
    with _opened(source) as (files, table), _reporting(files, progress):
        return count(files, table)


def counting_sql(
    table: str,
    *,
    good: str,
    valid: str | None = None,
    unit: str = "minute",
    timestamp: str = "timestamp",
) -> str:
    """The SQL text: one row for each ``unit`` of time with its good and valid requests."""
    condition, total = f"({good})", "COUNT(*)"
    if valid is not None:
        condition, total = f"({valid}) AND ({good})", _sum(f"({valid})")
    return (
        f"SELECT date_trunc('{unit}', {timestamp}) AS bucket,\n"
        f"       {_sum(condition)} AS good,\n"
        f"       {total} AS total\n"
        f"FROM {table}\n"
        f"GROUP BY date_trunc('{unit}', {timestamp})"
    )


def _sum(condition: str) -> str:
    return f"CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS BIGINT)"


def _step_and_unit(every: timedelta | str) -> tuple[timedelta, str]:
    """The length of a bucket, and the longest unit of ``date_trunc`` that divides it."""
    if isinstance(every, str) and every not in UNITS:
        raise ValueError(f"every must be one of {', '.join(UNITS)} or a timedelta, given {every!r}")
    step = UNITS[every] if isinstance(every, str) else positive(every, "every")
    for unit, length in UNITS.items():
        if not step % length:
            return step, unit
    raise ValueError(f"every must be a whole number of seconds, given {duration_text(step)}")


# --- files, by duckdb ----------------------------------------------------------------------------


@contextmanager
def _opened(source: str | Path) -> Iterator[tuple[Any, str]]:
    """A duckdb connection, and the files as a table in its SQL; a bad file is a ``ValueError``."""
    try:
        import duckdb
    except ImportError:
        raise ImportError("duckdb is missing; pip install oncall-workbook[logs]") from None
    reader, files = _files(source)
    names = ", ".join(map(_quoted, files))
    with closing(duckdb.connect()) as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            # Without the option a folder such as status=7 would give its files' column.
            options = "hive_partitioning = false"
            if reader == "read_csv" and _has_two_readings(connection, files[0]):
                options += ", auto_type_candidates = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']"
            yield connection, f"{reader}([{names}], {options}) AS requests"
        except (duckdb.DataError, duckdb.ProgrammingError) as error:
            why = str(error).partition(BLANK_LINE)[0]
            if "union_by_name" in why:  # advice on duckdb's SQL
                why = why.partition("\nPotential Fixes")[0] + BY_NAME
            raise ValueError(f"cannot read {source}: {why}") from None


def _has_two_readings(connection: Any, file: Path) -> bool:
    """Whether the file's dates are such as 03/04/2025, which duckdb reads day first if it can."""
    sniffed = f"SELECT DateFormat, TimestampFormat FROM sniff_csv({_quoted(file)})"
    formats = connection.execute(sniffed).fetchone()
    return any(form and not form.startswith("%Y") for form in formats)


def _quoted(file: Path) -> str:
    """The name of one file in duckdb's SQL, which takes names for patterns and ``~`` for a home."""
    name = escape(str(file)).replace("'", "''")
    return f"'./{name}'" if name.startswith("~") else f"'{name}'"


def _files(source: str | Path) -> tuple[str, list[Path]]:
    """duckdb's function for the files that the source names, and the files."""
    if not str(source).strip():
        raise ValueError(f"the source is {source!r}; name a file or a folder")
    path = Path(source)
    if path.exists():
        named = list(path.rglob("*")) if path.is_dir() else [path]
    else:
        named = [Path(name) for name in glob(str(source), recursive=True)]
        if not named:
            raise ValueError(f"there is no file {source}")
    named = [file for file in sorted(named) if _reader(file) and not file.is_dir()]
    files = list(map(regular_file, named))  # duckdb would wait for a pipe for ever
    readers = {_reader(file) for file in files}
    if not files:
        raise ValueError(f"{source} holds no file that ends in {', '.join(READERS)}")
    if len(readers) > 1:
        raise ValueError(f"{source} holds both CSV and Parquet files; give one kind")
    return readers.pop(), files


def _reader(file: Path) -> str:
    """duckdb's function for a file, or nothing for one that is no log."""
    return next((reader for end, reader in READERS.items() if file.name.endswith(end)), "")


@contextmanager
def _reporting(connection: Any, progress: Progress | None) -> Iterator[None]:
    """Report how far the connection's query is while it runs, and 1 when it is done."""
    if progress is None:
        yield
        return
    connection.execute("SET enable_progress_bar = true")  # or duckdb does not keep count
    connection.execute("SET enable_progress_bar_print = false")
    done = threading.Event()

    def poll() -> None:
        while not done.wait(0.2):
            progress(max(0.0, connection.query_progress()) / 100)  # below 0: not known yet

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    progress(1.0)


# --- asking a connection -------------------------------------------------------------------------


def _execute(connection: Any, text: str) -> Any:
    """What the connection answers: a duckdb result, a DB-API cursor or a Spark frame."""
    if hasattr(connection, "fetchnumpy"):
        return connection.execute(text)
    if hasattr(connection, "cursor"):
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor
    if hasattr(connection, "sql"):
        return connection.sql(text)
    raise ValueError(f"connection must be a Spark session, duckdb or DB-API, given {connection!r}")


def _ask(connection: Any, text: str, source: str | Path, table: str) -> _Buckets:
    """The text's answer. A text that cannot be run is a ``ValueError`` that lists the columns."""
    _check_zone(connection)
    try:
        return _fetch(_execute(connection, text))
    except Exception:  # every database has its own
        # Only now: to have the text checked first, duckdb would begin to read every file once more.
        try:
            _execute(connection, f"SELECT * FROM ({text}) AS checked WHERE 1 = 0")
        except Exception as error:
            raise ValueError(_why(connection, error, source, table)) from None
        raise


def _why(connection: Any, refusal: Exception, source: str | Path, table: str) -> str:
    """What is wrong with the text, and the columns that it could have named."""
    error = str(refusal).strip().partition("\n")[0]
    try:
        row = _execute(connection, f"SELECT 1 FROM {table} LIMIT 1")
        # The columns of a CSV without rows are all text, so errors about them mean nothing.
        if hasattr(row, "fetchone") and row.fetchone() is None:
            return NO_REQUESTS
        nothing = _execute(connection, f"SELECT * FROM {table} WHERE 1 = 0")
    except Exception:
        return f"cannot read {source}: {error}"
    is_cursor = hasattr(nothing, "fetchall")
    columns = [column[0] for column in nothing.description] if is_cursor else nothing.columns
    if table.startswith("read_csv") and (torn := _torn_row(source)):
        return torn
    mend = NO_MOMENT if "date_trunc(" in error else ""
    return f"{error}; the columns are {', '.join(columns)}{mend}"


def _torn_row(source: str | Path) -> str:
    """What is wrong with the first row of a CSV file that has not as many cells as its header.

    One such row, torn in mid-write, and duckdb takes every row for one cell.
    """
    for file in _files(source)[1]:
        with suppress(ValueError), reading_csv(file) as rows:
            columns = len(rows.fieldnames or ())
            for row in rows:
                surplus = len(row.pop(None, ()))  # csv puts them under no name
                cells = columns + surplus - list(row.values()).count(None)
                if columns > 1 and cells != columns:
                    odd = f"{cells} cells for {columns} columns"
                    return f"{file}, row {rows.line_num} has {odd}; if it is torn, remove it"
    return ""


def _check_zone(connection: Any) -> None:
    """Raise unless a Spark session is in UTC: it reads naive times, and cuts days, in its zone."""
    if not hasattr(connection, "cursor") and hasattr(connection, "conf"):
        setting = "spark.sql.session.timeZone"
        zone = connection.conf.get(setting)
        if zone not in ("UTC", "Etc/UTC", "GMT", "Z", "+00:00"):
            raise ValueError(f"the Spark session's time zone is {zone}; set {setting} to UTC")


class _Buckets(NamedTuple):
    """What the text answers: the start of each bucket, in whole seconds of UTC, and its counts.

    Where the start is unknown it is ``NaT``.
    """

    starts: NDArray[np.datetime64]
    good: Integers
    total: Integers


def _fetch(answer: Any) -> _Buckets:
    if hasattr(answer, "fetchnumpy"):
        columns = answer.fetchnumpy()
        starts = np.ma.filled(columns["bucket"], np.datetime64("NaT")).astype("datetime64[s]")
        return _Buckets(starts, columns["good"], columns["total"])
    # The moments that a Spark frame collects are naive and in the machine's local time, which is
    # how ``astimezone`` reads naive ones.
    local = not hasattr(answer, "fetchall")
    rows = answer.collect() if local else answer.fetchall()
    starts = np.array([_in_utc(row[0], local) for row in rows], "datetime64[s]")
    good, total = (np.array([row[column] for row in rows], np.int64) for column in (1, 2))
    return _Buckets(starts, good, total)


def _in_utc(moment: datetime | str | None, local: bool) -> datetime | None:
    """The moment in UTC, and naive, as numpy wants it; a naive one may be in local time."""
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if moment is None or (moment.tzinfo is None and not local):
            return moment
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        raise ValueError(f"the timestamp {moment}{_NOT_NEAR}") from None


# --- the answer as counts ------------------------------------------------------------------------


def _fill(buckets: _Buckets, unit: str, step: timedelta) -> Counts:
    """One bucket per step from the first row to the last; the gaps count 0 of 0.

    Valid requests at an unknown time are a ``ValueError``.
    """
    known = ~np.isnat(buckets.starts)
    if lost := int(buckets.total[~known].sum()):
        mend = "add e.g. timestamp IS NOT NULL to valid"
        raise ValueError(f"{lost} valid requests have no timestamp; {mend}")
    if not known.any():
        raise ValueError(NO_REQUESTS)
    seconds = buckets.starts[known].astype(np.int64)
    for bound in (buckets.starts[known].min(), buckets.starts[known].max()):
        if not _EARLIEST <= bound <= _LATEST:
            raise ValueError(f"the timestamp {bound}{_NOT_NEAR}")
    if (seconds % (UNITS[unit] // SECOND)).any():
        raise ValueError(f"the connection's {unit}s do not begin in UTC; set its time zone to UTC")
    numbers = seconds // (step // SECOND)
    first, size = int(numbers.min()), int(np.ptp(numbers)) + 1
    mend = "give a longer every; or are the dates right?"
    check_buckets(size, step, "the requests reach over", mend)

    def column(values: Integers) -> array[int]:
        sums = np.zeros(size, np.int64)
        np.add.at(sums, numbers - first, values[known])
        return array("q", sums.tobytes())

    return Counts(EPOCH + step * first, step, column(buckets.good), column(buckets.total))
