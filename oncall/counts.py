"""Counts: what happened, as good and total events in buckets of equal length.

This is the one type that telemetry flows in. A bucket covers [start, start + step).
"""

from __future__ import annotations

import re
import warnings
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from statistics import multimode
from typing import TYPE_CHECKING, Any, NamedTuple

from oncall.checks import check, check_whole, shown
from oncall.files import reading_csv, replacing
from oncall.times import (
    LATEST,
    MINUTE,
    MOST_BUCKETS,
    ceil_div,
    check_buckets,
    duration_text,
    moment_text,
    parse_moment,
    positive,
    utc,
)

if TYPE_CHECKING:
    import pandas as pd


class MissingBuckets(UserWarning):
    """The file had gaps; they were read as buckets without data."""


class Buckets(Set[int]):
    """A set of bucket numbers, kept as ``runs``, the stretches of numbers that follow each other.

    It is made of numbers and ranges that step by 1, in any order, and takes memory for runs only.
    """

    def __init__(self, numbers: Iterable[int | range] = ()):
        is_row = isinstance(numbers, Iterable) and not isinstance(numbers, str | bytes | bytearray)
        check(is_row, "missing", "buckets", numbers, "give e.g. [3, range(5, 8)]")
        numbers = [numbers] if isinstance(numbers, range) else numbers
        runs: list[range] = []
        for each in sorted(map(_as_range, numbers), key=lambda run: run.start):
            if runs and each.start <= runs[-1].stop:
                runs[-1] = range(runs[-1].start, max(runs[-1].stop, each.stop))
            elif each:
                runs.append(each)
        self.runs = tuple(runs)

    def __contains__(self, bucket: object) -> bool:
        if not isinstance(bucket, int) or not self.runs:
            return False
        place = bisect_right(self.runs, bucket, key=lambda run: run.start)
        return place > 0 and bucket in self.runs[place - 1]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.runs)

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def __repr__(self) -> str:
        return f"Buckets({list(self.runs)})"


def _as_range(number: int | range) -> range:
    if isinstance(number, range):
        is_run = number.step == 1 and 0 <= number.start <= number.stop
        check(is_run, "a range of buckets", "from 0, rising by 1", number, "give e.g. range(3, 8)")
        return number
    check_whole(number, "a bucket", most=MOST_BUCKETS)
    return range(number, number + 1)


@dataclass(frozen=True, repr=False)
class Counts:
    """A regular series of event counts: ``good[i]`` of ``total[i]`` events in bucket ``i``.

    ``start`` is an aware datetime (kept in UTC), ``step`` the length of a bucket, and the last
    bucket ends by 2200. The counts are whole numbers with 0 ≤ good ≤ total, held in ``array('q')``,
    so that numpy sees them without a copy. Anything else is a ``ValueError`` that names the bucket.
    ``largest_total`` is the largest total of any bucket. ``missing`` are the buckets without data,
    in which nobody counted; they hold 0 of 0, as those without traffic do.
    """

    start: datetime
    step: timedelta
    good: array[int]
    total: array[int]
    largest_total: int = field(init=False, compare=False)
    missing: Buckets = field(default_factory=Buckets)

    def __init__(
        self,
        start: datetime,
        step: timedelta,
        good: Iterable[int],
        total: Iterable[int],
        missing: Iterable[int | range] = (),
    ):
        object.__setattr__(self, "start", utc(start, "start"))
        object.__setattr__(self, "step", positive(step, "step"))
        object.__setattr__(self, "good", _int_array(good, "good"))
        object.__setattr__(self, "total", _int_array(total, "total"))
        _check_columns(self.good, self.total)
        is_set = isinstance(missing, Buckets)
        object.__setattr__(self, "missing", missing if is_set else Buckets(missing))
        _check_missing(self.missing.runs, self.total)
        check_end(self.start, self.step, len(self.total))
        object.__setattr__(self, "largest_total", max(self.total, default=0))

    def __len__(self) -> int:
        return len(self.total)

    def __repr__(self) -> str:
        start, step = moment_text(self.start), duration_text(self.step)
        sums = f"good={sum(self.good)}, total={sum(self.total)}"
        missing = f", missing={len(self.missing)}" if self.missing else ""
        return f"Counts(start={start}, step={step}, buckets={len(self)}, {sums}{missing})"

    @property
    def end(self) -> datetime:
        """The end of the last bucket; everything counted lies in [start, end)."""
        return self.start + self.step * len(self)

    def slice(self, start: datetime | None = None, end: datetime | None = None) -> Counts:
        """The buckets that lie entirely within [start, end), by default all of them."""
        first, last = 0, len(self)
        if start is not None:
            first = min(last, max(0, ceil_div(utc(start, "start") - self.start, self.step)))
        if end is not None:
            last = max(first, (utc(end, "end") - self.start) // self.step)
        good, total = self.good[first:last], self.total[first:last]
        kept = (range(max(run.start, first), min(run.stop, last)) for run in self.missing.runs)
        missing = [range(run.start - first, run.stop - first) for run in kept if run]
        return Counts(self.start + self.step * first, self.step, good, total, missing)

    def resample(self, step: timedelta) -> Counts:
        """The same events in longer buckets, counted from this series' start.

        ``step`` must be a multiple of the present one. A last bucket that the data only partly
        fill is kept with what it holds: no event is lost. One is missing if all in it was.
        """
        width, rest = divmod(positive(step, "step"), self.step)
        if rest:
            old, new = duration_text(self.step), duration_text(step)
            raise ValueError(f"cannot resample {old} buckets to {new}; give a multiple of {old}")
        starts = range(0, len(self), width)
        good = [sum(self.good[i : i + width]) for i in starts]
        total = [sum(self.total[i : i + width]) for i in starts]
        missing = []
        for run in self.missing.runs:
            is_last = run.stop == len(self)  # and in the last bucket, however much that holds
            last = ceil_div(run.stop, width) if is_last else run.stop // width
            missing.append(range(ceil_div(run.start, width), last))
        return Counts(self.start, step, good, total, filter(None, missing))

    def write_csv(self, path: str | Path) -> None:
        """Write ``start,good,total``, one row per bucket; ``read_csv`` gives the same counts.

        The cells of a bucket without data are empty.
        """
        with replacing(path) as file:
            file.write("start,good,total\n")
            for i, (good, total) in enumerate(zip(self.good, self.total, strict=True)):
                cells = "," if i in self.missing else f"{good},{total}"
                file.write(f"{moment_text(self.start + self.step * i)},{cells}\n")

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame with columns ``good`` and ``total``.

        Its index, named ``start``, is in UTC and has a frequency. Where data is missing, both are
        ``<NA>``.
        """
        import pandas as pd

        step, dtype = pd.Timedelta(self.step), "Int64" if self.missing else "int64"
        index = pd.date_range(self.start, periods=len(self), freq=step, name="start")
        frame = pd.DataFrame({"good": self.good, "total": self.total}, index, dtype=dtype)
        if self.missing:
            frame.iloc[list(self.missing)] = pd.NA
        return frame

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Counts:
        """Counts from a pandas frame with columns ``good`` and ``total`` and a regular time index.

        The index is aware, and has two rows or more to say how long a bucket is. A row in which
        both are missing is a bucket without data. Gaps are errors here: ``frame.asfreq(step)``
        makes them missing, and with ``fill_value=0`` buckets without events.
        """
        _check_header("the frame", list(frame.columns), "good", "total")
        index = frame.index
        if getattr(index, "tz", None) is None:
            raise ValueError(f"the frame needs an aware time index; give e.g. {_aware_code(frame)}")
        if len(index) < 2:
            few = f"the frame has too few rows ({len(index)})"
            raise ValueError(f"{few} to say how long a bucket is; give two or more")
        steps = index[1:] - index[:-1]
        irregular = index[1:][(steps != steps[0]) | (steps <= timedelta())]
        if len(irregular):
            mend = "sort it, drop duplicates, fill gaps with asfreq"
            raise ValueError(f"the index is not regular at {irregular[0]}; {mend}")
        start, step = utc(index[0], "the index"), positive(steps[0], "the index's step")
        missing = Buckets()
        with suppress(ArithmeticError):  # a signalling nan, which is refused below
            gone = frame[["good", "total"]].isna().all(axis="columns")
            missing = Buckets(gone.to_numpy().nonzero()[0].tolist())
        if missing:
            frame = frame[["good", "total"]].copy()
            frame[gone] = 0
        good, total = _whole_column(frame, "good"), _whole_column(frame, "total")
        return cls(start, step, good, total, missing)


def check_end(start: datetime, step: timedelta, buckets: int) -> None:
    """Raise a ``ValueError`` unless buckets that begin at ``start`` all end by 2200."""
    if buckets > (LATEST - start) // step:
        size = f"{buckets:,} buckets of {duration_text(step)}"
        raise ValueError(f"{size} from {moment_text(start)} end after 2200; is the step right?")


def read_csv(
    path: str | Path,
    *,
    start: str | None = None,
    good: str = "good",
    total: str = "total",
    step: timedelta | None = None,
) -> Counts:
    """Counts from a CSV file with columns ``start`` (or ``timestamp``), ``good`` and ``total``.

    Columns with other names are named in the call; further columns are ignored. Times are ISO 8601
    with an offset, or Unix time in seconds or milliseconds, in ascending order. ``step`` is the
    commonest distance between rows unless given. A bucket without a row, or with two empty cells,
    is missing. Gaps are reported as a ``MissingBuckets`` warning; a very long one is taken for a
    mistyped date unless ``step`` is given. A file may reach over a year of seconds, 31,622,400
    buckets. Everything else that is wrong is a ``ValueError`` that names file, row and column. Rows
    are counted as an editor counts lines, the header being row 1.
    """
    source = str(path)
    with reading_csv(path) as reader:
        header = list(reader.fieldnames or ())
        if start is None:
            start = "timestamp" if "timestamp" in header and "start" not in header else "start"
        hint = "; the options start, good and total name others"
        _check_header(source, header, start, good, total, hint=hint)
        rows = [_read_row(source, reader.line_num, row, start, good, total) for row in reader]
    if not rows or (len(rows) == 1 and step is None):
        few = f"{source} has too few rows ({len(rows)})"
        raise ValueError(f"{few}; give two or more, or one and the option step")
    most_steps = MOST_BUCKETS
    if step is None:  # and no gap confirmed: one that dwarfs the data is a mistyped date
        step = _commonest_gap(rows)
        most_steps = min(MOST_BUCKETS, max(100_000, 99 * len(rows)))
    return _fill(source, start, rows, positive(step, "step"), most_steps)


# --- reading -------------------------------------------------------------------------------------

_Cells = dict[Any, Any]  # a row as csv.DictReader gives it: text by column


class _Row(NamedTuple):
    """A row of a CSV file: its line there, when its bucket starts, and the events in it."""

    line: int
    start: datetime
    good: int
    total: int
    is_missing: bool = False


def _check_header(source: str, header: list[str], *needed: str, hint: str = "") -> None:
    for name in needed:
        if header.count(name) != 1:
            columns = ", ".join(map(repr, header)) or "none"
            raise ValueError(f"{source} needs one column {name!r}; it has {columns}{hint}")


def _read_row(source: str, line: int, cells: _Cells, start: str, good: str, total: str) -> _Row:
    if None in cells:  # csv's key for cells without a column, after a comma in a number, say
        columns = len(cells) - 1
        surplus = f"{columns + len(cells[None])} cells for {columns} columns"
        raise ValueError(f"{source}, row {line} has {surplus}; quote or drop a comma")

    def read(column: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(cells[column] or "")
        except ValueError as error:
            raise ValueError(f"{source}, row {line}, column {column!r}: {error}") from None

    if cells[good] == "" == cells[total]:
        return _Row(line, read(start, _moment), 0, 0, True)
    row = _Row(line, read(start, _moment), read(good, _whole_number), read(total, _whole_number))
    if row.good > row.total:
        surplus = f"{row.good} good of only {row.total} events"
        raise ValueError(f"{source}, row {line}, column {good!r}: {surplus}")
    return row


def _moment(text: str) -> datetime:
    """A time in ISO 8601, or in Unix time: ten digits of seconds or thirteen of milliseconds."""
    number = text.strip()
    if not number[:10].isdigit():  # nearly always
        return parse_moment(text)
    if re.fullmatch(r"[0-9]{13}(\.[0-9]+)?", number):
        return utc(datetime.fromtimestamp(float(number) / 1000, UTC))
    if not re.fullmatch(r"[0-9]{10}(\.[0-9]+)?", number):
        return parse_moment(text)
    if re.match("(19|20)..(0[1-9]|1[0-2])(0[1-9]|[12].|3[01])([01].|2[0-3])", number):
        raise ValueError(f"{text!r} may be a date with its hour or Unix time; write 2024-12-04T23Z")
    return utc(datetime.fromtimestamp(float(number), UTC))


def _whole_number(text: str) -> int:
    digits = text.strip().removesuffix(".0")  # as pandas writes it; "12.000" may be 12 thousand
    is_whole = digits.isascii() and digits.isdigit() and len(digits) < 100
    if is_whole and (number := int(digits)) < 2**63:
        return number
    raise ValueError(f"{shown(text)} is not a whole number from 0 up, below 2**63")


def _commonest_gap(rows: list[_Row]) -> timedelta:
    """The commonest distance between two rows; the shorter one where two are as common."""
    gaps = (after.start - before.start for before, after in pairwise(rows))
    return min(multimode(gap for gap in gaps if gap > timedelta()), default=MINUTE)


def _fill(source: str, column: str, rows: list[_Row], step: timedelta, most_steps: int) -> Counts:
    """Counts of rows that lie at most ``most_steps`` apart; a bucket without a row is missing."""
    good, total, missing = array("q"), array("q"), []
    empty = array("q", [0])
    previous = rows[0].start - step
    for row in rows:
        steps, off_grid = divmod(row.start - previous, step)
        if off_grid or not 0 < steps <= most_steps:
            problem = _why_unfit(row.start, previous, step)
            raise ValueError(f"{source}, row {row.line}, column {column!r}: {problem}")
        if steps > 1:
            what = f"{source}, row {row.line}: the rows so far reach over"
            check_buckets(len(good) + steps, step, what, "give a longer step, or split the file")
            missing.append(range(len(good), len(good) + steps - 1))
            good += empty * (steps - 1)
            total += empty * (steps - 1)
        if row.is_missing:
            missing.append(range(len(good), len(good) + 1))
        good.append(row.good)
        total.append(row.total)
        previous = row.start
    if gaps := len(good) - len(rows):
        what = f"{gaps:,} of {len(good):,} buckets of {duration_text(step)} are missing"
        warnings.warn(MissingBuckets(f"{source}: {what}; read as no data"), stacklevel=3)
    try:
        return Counts(rows[0].start, step, good, total, missing)
    except ValueError as error:  # the last bucket ends after 2200
        raise ValueError(f"{source}: {error}") from None


def _why_unfit(moment: datetime, previous: datetime, step: timedelta) -> str:
    """Why a row of this moment cannot follow the row above it, and what to do."""
    text, unit = moment_text(moment), duration_text(step)
    if moment <= previous:
        return f"{text} is not after the row above; sort by time, add up or drop duplicates"
    steps, off_grid = divmod(moment - previous, step)
    problem = f"leaves out {steps - 1:,} buckets of {unit}"
    mend = " or give another step"
    if off_grid:
        problem = f"does not fit {unit} buckets"
    elif steps <= MOST_BUCKETS:
        mend = f"; if the gap is real, give the option step ({unit})"
    apart = f"{duration_text(moment - previous)} after the row above"
    return f"{text}, {apart}, {problem}; mend one of the two{mend}"


# --- checking ------------------------------------------------------------------------------------


def _int_array(values: Iterable[Any], name: str) -> array[int]:
    with suppress(TypeError, OverflowError):
        # Bytes would be read as the memory of numbers, sets in no order, and of mappings the keys.
        if not isinstance(values, bytes | bytearray | Set | Mapping):
            return array("q", values)
    raise ValueError(f"{name} must be whole numbers below 2**63, given {shown(values)}")


def _check_columns(good: array[int], total: array[int]) -> None:
    if len(good) != len(total):
        raise ValueError(f"good has {len(good)} buckets and total {len(total)}; give equally many")
    for i, (g, t) in enumerate(zip(good, total, strict=True)):
        if not 0 <= g <= t:
            raise ValueError(f"bucket {i} has {g} good of {t} events; good must be from 0 to total")


def _check_missing(runs: Sequence[range], total: array[int]) -> None:
    for run in runs:
        if run.stop > len(total):
            raise ValueError(f"missing has bucket {run.stop - 1}; give 0 to {len(total) - 1}")
        if any(total[run.start : run.stop]):
            bucket = next(number for number in run if total[number])
            raise ValueError(f"bucket {bucket} is missing, and has {total[bucket]} events; give 0")


def _whole_column(frame: pd.DataFrame, name: str) -> Iterable[int]:
    """A frame's column as integers.

    Raises on the first value that is not a whole number, naming its row.
    """
    column = frame[name]
    if str(column.dtype).lower() == "int64" and not column.hasnans:  # nearly always; no loop
        return array("q", column.to_numpy("int64").tobytes())
    for moment, value in column.items():
        if not _is_whole(value):
            cell = f"the frame's column {name!r} holds {value!r} at {moment}"
            raise ValueError(f"{cell}, not a whole number below 2**63")
    return map(int, column)


def _is_whole(value: Any) -> bool:
    try:
        return bool(int(value) == value and abs(value) < 2**63)
    except (TypeError, ValueError, ArithmeticError):  # text, a missing value, nan, infinity
        return False


def _aware_code(frame: pd.DataFrame) -> str:
    """The pandas that gives this frame an aware index, of its index or of a column ``start``."""
    index, times = frame.index, "frame.index"
    if index.inferred_type == "datetime64":
        return "frame.tz_localize('UTC')"
    if "start" in frame.columns and index.inferred_type not in ("string", "datetime", "date"):
        index, times = frame.set_index("start").index, "frame['start']"
    if index.inferred_type not in ("integer", "floating"):
        return f"frame.set_index(pd.to_datetime({times}, utc=True))"
    if index.max() < 10**8:
        return "frame.set_index(COLUMN), where COLUMN is the one that holds times"
    unit = "ms" if index.max() > 10**11 else "s"  # pandas takes bare numbers for nanoseconds
    return f"frame.set_index(pd.to_datetime({times}, utc=True, unit={unit!r}))"
