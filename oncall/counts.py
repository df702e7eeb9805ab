"""Counts: what happened, as good and total events in buckets of equal length.

This is the one type that telemetry flows in. A bucket covers [start, start + step).
"""

from __future__ import annotations

import csv
import re
import warnings
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from numbers import Real
from pathlib import Path
from statistics import multimode
from typing import TYPE_CHECKING, Any

from oncall.times import MINUTE, duration_text, moment_text, parse_moment, positive, utc

if TYPE_CHECKING:
    import pandas as pd

MOST_BUCKETS = 200_000_000  # six years of seconds; more is a mistyped date, not data


class MissingBuckets(UserWarning):
    """The file had gaps; they were read as buckets without events."""


@dataclass(frozen=True, repr=False)
class Counts:
    """A regular series of event counts: ``good[i]`` of ``total[i]`` events in bucket ``i``.

    ``start`` is an aware datetime (kept in UTC), ``step`` the length of a bucket. The counts are
    whole numbers with 0 ≤ good ≤ total and are held in ``array('q')``, so numpy sees them without
    a copy. Anything else is a ``ValueError`` that names the bucket. ``largest_total`` is the largest total.
    """

    start: datetime
    step: timedelta
    good: array[int]
    total: array[int]
    largest_total: int = field(init=False, compare=False)

    def __init__(self, start: datetime, step: timedelta, good: Iterable[int], total: Iterable[int]):
        object.__setattr__(self, "start", utc(start, "start"))
        object.__setattr__(self, "step", positive(step, "step"))
        object.__setattr__(self, "good", _int_array(good, "good"))
        object.__setattr__(self, "total", _int_array(total, "total"))
        _check(self.good, self.total)
        object.__setattr__(self, "largest_total", max(self.total, default=0))

    def __len__(self) -> int:
        return len(self.total)

    def __repr__(self) -> str:
        sums = f"good={sum(self.good)}, total={sum(self.total)}"
        return f"Counts(start={moment_text(self.start)}, step={duration_text(self.step)}, buckets={len(self)}, {sums})"

    @property
    def end(self) -> datetime:
        """The end of the last bucket; everything counted lies in [start, end)."""
        return self.start + self.step * len(self)

    def slice(self, start: datetime | None = None, end: datetime | None = None) -> Counts:
        """The buckets that lie whole in [start, end); a bound left out is the end of the data."""
        first = 0 if start is None else max(0, -((self.start - utc(start, "start")) // self.step))
        last = len(self) if end is None else max(first, (utc(end, "end") - self.start) // self.step)
        return Counts(
            self.start + self.step * first, self.step, self.good[first:last], self.total[first:last]
        )

    def resample(self, step: timedelta) -> Counts:
        """The same events in longer buckets, counted from this series' start.

        ``step`` must be a multiple of the present one. A last bucket that the data only partly
        fills is kept with what it holds: no event is lost.
        """
        width, rest = divmod(positive(step, "step"), self.step)
        if rest:
            unit = duration_text(self.step)
            raise ValueError(
                f"cannot resample {unit} buckets to {duration_text(step)}; give a multiple of {unit}"
            )

        def sums(column: array[int]) -> list[int]:
            return [sum(column[i : i + width]) for i in range(0, len(column), width)]

        return Counts(self.start, step, sums(self.good), sums(self.total))

    def write_csv(self, path: str | Path) -> None:
        """Write ``start,good,total``, a row a bucket; ``read_csv`` gives the same counts back."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.write("start,good,total\n")
            for i, (good, total) in enumerate(zip(self.good, self.total, strict=True)):
                file.write(f"{moment_text(self.start + self.step * i)},{good},{total}\n")

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: columns ``good`` and ``total``, a UTC index named ``start`` with its frequency."""
        import pandas as pd

        index = pd.date_range(
            self.start, periods=len(self), freq=pd.Timedelta(self.step), name="start"
        )
        return pd.DataFrame({"good": self.good, "total": self.total}, index=index, dtype="int64")

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Counts:
        """Counts from a pandas frame with columns ``good`` and ``total`` and an aware, regular time index.

        It takes two rows to say how long a bucket is. Gaps are errors here:
        ``frame.asfreq(step, fill_value=0)`` fills them.
        """
        _need_columns("the frame", list(frame.columns), "good", "total")
        index = frame.index
        if getattr(index, "tz", None) is None:
            raise ValueError(
                f"the frame needs an aware time index; give e.g. {_with_aware_index(frame)}"
            )
        if len(index) < 2:
            raise ValueError(
                f"the frame has too few rows ({len(index)}) to say how long a bucket is; give two or more"
            )
        steps = index[1:] - index[:-1]
        odd = index[1:][(steps != steps[0]) | (steps <= timedelta())]
        if len(odd):
            raise ValueError(
                f"the index is not regular at {odd[0]}; sort it, drop duplicates, fill gaps with asfreq"
            )
        good, total = _whole_column(frame, "good"), _whole_column(frame, "total")
        return cls(index[0].to_pydatetime(), steps[0].to_pytimedelta(), good, total)


def read_csv(
    path: str | Path,
    *,
    start: str | None = None,
    good: str = "good",
    total: str = "total",
    step: timedelta | None = None,
) -> Counts:
    """Counts from a CSV file with a header and the columns ``start`` (or ``timestamp``), ``good`` and ``total``.

    Columns with other names are named in the call; further columns are ignored. Times are ISO 8601
    with an offset, or Unix time in seconds or milliseconds; they are in order. ``step`` is the
    commonest distance between rows unless given. Missing buckets become 0 of 0 events and are
    reported as a ``MissingBuckets`` warning. Everything else that is wrong is a ``ValueError``
    naming file, row and column; rows are counted as an editor counts lines, the header being row 1.
    A very long gap is taken for a mistyped date, unless ``step`` is given.
    """
    if Path(path).is_dir():
        raise ValueError(f"{path} is a directory; give a CSV file")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = header = [name.strip() for name in reader.fieldnames or ()]
            if start is None:
                start = "timestamp" if "timestamp" in header and "start" not in header else "start"
            _need_columns(
                str(path),
                header,
                start,
                good,
                total,
                mend="; the options start, good and total name others",
            )
            rows = [_read_row(path, reader.line_num, row, start, good, total) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not CSV in UTF-8: {error}") from None
    if not rows or (len(rows) == 1 and step is None):
        raise ValueError(
            f"{path} has too few rows ({len(rows)}); give two or more, or one and the option step"
        )
    longest = MOST_BUCKETS
    if step is None:
        step, longest = _commonest_gap(rows), min(longest, max(100_000, 99 * len(rows)))
    return _fill(path, start, rows, positive(step, "step"), longest)


# --- reading -------------------------------------------------------------------------------------

_Row = tuple[int, datetime, int, int]  # line in the file, start, good, total


def _need_columns(source: str, header: list[str], *names: str, mend: str = "") -> None:
    for name in names:
        if header.count(name) != 1:
            has = ", ".join(map(repr, header)) or "none"
            raise ValueError(f"{source} needs one column {name!r}; it has {has}{mend}")


def _read_row(
    path: str | Path, line: int, row: dict[Any, Any], start: str, good: str, total: str
) -> _Row:
    if None in row:  # where csv keeps the cells that have no column, after a comma in a number, say
        columns = len(row) - 1
        cells = columns + len(row[None])
        raise ValueError(
            f"{path}, row {line} has {cells} cells for {columns} columns; quote or drop a comma"
        )

    def cell(column: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(row[column] or "")
        except ValueError as error:
            raise ValueError(f"{path}, row {line}, column {column!r}: {error}") from None

    moment, n_good, n_total = (
        cell(start, _moment),
        cell(good, _whole_number),
        cell(total, _whole_number),
    )
    if n_good > n_total:
        raise ValueError(
            f"{path}, row {line}, column {good!r}: {n_good} good of only {n_total} events"
        )
    return line, moment, n_good, n_total


def _moment(text: str) -> datetime:
    """A time in ISO 8601, or in Unix time: ten digits of seconds or thirteen of milliseconds."""
    if unix := re.fullmatch(r"[0-9]{10}([0-9]{3})?(\.[0-9]+)?", text.strip()):
        if not unix[1] and re.match(
            "(19|20)..(0[1-9]|1[0-2])(0[1-9]|[12].|3[01])([01].|2[0-3])", unix[0]
        ):
            raise ValueError(
                f"{text!r} may be a date with its hour or Unix time; write 2024-12-04T23:00:00Z"
            )
        return datetime.fromtimestamp(float(text) / (1000 if unix[1] else 1), UTC)
    return parse_moment(text)


def _whole_number(text: str) -> int:
    digits = text.strip().removesuffix(
        ".0"
    )  # as pandas writes it; "12.000" may be 12 or 12 thousand
    if not (digits.isascii() and digits.isdigit() and int(digits) < 2**63):
        raise ValueError(f"{text!r} is not a whole number from 0 up, below 2**63")
    return int(digits)


def _commonest_gap(rows: list[_Row]) -> timedelta:
    """The commonest distance between two rows; the shorter one where two are as common."""
    gaps = (after[1] - before[1] for before, after in pairwise(rows))
    return min(multimode(gap for gap in gaps if gap > timedelta()), default=MINUTE)


def _fill(path: str | Path, start: str, rows: list[_Row], step: timedelta, longest: int) -> Counts:
    """One bucket a step from the first row to the last; the gaps, of ``longest`` buckets at most, 0 of 0."""
    first = rows[0][1]
    previous = first - step
    good, total = array("q"), array("q")
    empty = array("q", [0])
    unit = duration_text(step)
    for line, moment, n_good, n_total in rows:
        where = f"{path}, row {line}, column {start!r}: {moment_text(moment)}"
        if moment <= previous:
            raise ValueError(
                f"{where} is not after the row above; sort by time, add up or drop what stands twice"
            )
        places, off_grid = divmod(moment - previous, step)
        if off_grid or places > longest:
            wrong = (
                f"does not fit {unit} buckets"
                if off_grid
                else f"leaves out {places - 1:,} buckets of {unit}"
            )
            real = not off_grid and places <= MOST_BUCKETS
            mend = (
                f"; if the gap is real, give the option step ({unit})"
                if real
                else " or give another step"
            )
            gap = duration_text(moment - previous)
            raise ValueError(
                f"{where}, {gap} after the row above, {wrong}; mend one of the two{mend}"
            )
        good += empty * (places - 1)
        total += empty * (places - 1)
        good.append(n_good)
        total.append(n_total)
        previous = moment
    if missing := len(good) - len(rows):
        what = f"{missing:,} of {len(good):,} buckets of {unit} are missing; read as no events"
        warnings.warn(MissingBuckets(f"{path}: {what}"), stacklevel=3)
    return Counts(first, step, good, total)


# --- checking ------------------------------------------------------------------------------------


def _int_array(values: Iterable[Any], name: str) -> array[int]:
    try:
        return array("q", values)
    except (TypeError, OverflowError):
        raise ValueError(f"{name} must be whole numbers below 2**63") from None


def _check(good: array[int], total: array[int]) -> None:
    if len(good) != len(total):
        raise ValueError(
            f"good has {len(good)} buckets and total {len(total)}; give as many of each"
        )
    for i, (g, t) in enumerate(zip(good, total, strict=True)):
        if not 0 <= g <= t:
            raise ValueError(f"bucket {i} has {g} good of {t} events; good must be from 0 to total")


def _whole_column(frame: pd.DataFrame, name: str) -> Iterable[int]:
    """A frame's column as integers; the first value that is none is told with its row."""
    column = frame[name]
    if column.dtype == "int64":  # the usual case, without a loop
        return array("q", column.to_numpy().tobytes())
    for moment, value in column.items():
        if not _is_whole(value):
            raise ValueError(
                f"the frame's column {name!r} holds {value!r} at {moment}, not a whole number below 2**63"
            )
    return map(int, column)


def _is_whole(value: Any) -> bool:
    number = isinstance(value, Real | Decimal)
    try:
        return bool(number and abs(value) < 2**63 and value % 1 == 0)
    except ArithmeticError:  # a decimal nan compares with nothing
        return False


def _with_aware_index(frame: pd.DataFrame) -> str:
    """The pandas that gives this frame an aware index, of its index or of a column ``start``."""
    index, times = frame.index, "frame.index"
    if index.inferred_type == "datetime64":
        return "frame.tz_localize('UTC')"
    if "start" in frame.columns and index.inferred_type not in ("string", "datetime", "date"):
        index, times = frame.set_index("start").index, "frame['start']"
    unit = ""
    if index.inferred_type in (
        "integer",
        "floating",
    ):  # pandas takes them for nanoseconds unless told
        if index.max() < 10**8:
            return "frame.set_index(COLUMN), where COLUMN is the one that holds times"
        unit = ", unit='ms'" if index.max() > 10**11 else ", unit='s'"
    return f"frame.set_index(pd.to_datetime({times}, utc=True{unit}))"
