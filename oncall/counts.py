"""Counts: what happened, as good and total events in buckets of equal length.

This is the one type that telemetry flows in. A bucket covers [start, start + step).
"""

from __future__ import annotations

import csv
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oncall.times import duration_text, moment_text, parse_moment, positive, utc

if TYPE_CHECKING:
    import pandas as pd

MOST_BUCKETS = 200_000_000  # six years of seconds; more is a mistyped date, not data


class MissingBuckets(UserWarning):
    """The file had gaps; they were read as buckets without events."""


@dataclass(frozen=True)
class Counts:
    """A regular series of event counts: ``good[i]`` of ``total[i]`` events in bucket ``i``.

    ``start`` is an aware datetime (kept in UTC), ``step`` the length of a bucket. The counts are
    whole numbers with 0 ≤ good ≤ total and are held in ``array('q')``, so numpy sees them without
    a copy. Anything else is a ``ValueError`` that names the bucket.
    """

    start: datetime
    step: timedelta
    good: array[int]
    total: array[int]

    def __init__(self, start: datetime, step: timedelta, good: Iterable[int], total: Iterable[int]):
        object.__setattr__(self, "start", utc(start, "start"))
        object.__setattr__(self, "step", positive(step, "step"))
        object.__setattr__(self, "good", _int_array(good, "good"))
        object.__setattr__(self, "total", _int_array(total, "total"))
        _check(self.good, self.total)

    def __len__(self) -> int:
        return len(self.total)

    @property
    def end(self) -> datetime:
        """The end of the last bucket; everything counted lies in [start, end)."""
        return self.start + self.step * len(self)

    def slice(self, start: datetime | None = None, end: datetime | None = None) -> Counts:
        """The buckets that lie whole in [start, end); a bound left out is the end of the data."""
        first = 0 if start is None else max(0, -((self.start - utc(start, "start")) // self.step))
        last = len(self) if end is None else max(first, (utc(end, "end") - self.start) // self.step)
        return Counts(self.start + self.step * first, self.step, self.good[first:last], self.total[first:last])

    def resample(self, step: timedelta) -> Counts:
        """The same events in longer buckets, counted from this series' start.

        ``step`` must be a multiple of the present one. A last bucket that the data only partly
        fills is kept with what it holds: no event is lost.
        """
        if positive(step, "step") % self.step:
            raise ValueError(
                f"cannot resample {duration_text(self.step)} buckets to {duration_text(step)}; "
                f"give a multiple of {duration_text(self.step)}"
            )
        width = step // self.step

        def sums(column: array[int]) -> list[int]:
            return [sum(column[i : i + width]) for i in range(0, len(column), width)]

        return Counts(self.start, step, sums(self.good), sums(self.total))

    def write_csv(self, path: str | Path) -> None:
        """Write ``start,good,total``, a row a bucket; ``read_csv`` gives the same counts back."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("start", "good", "total"))
            for i in range(len(self)):
                rows.writerow((moment_text(self.start + self.step * i), self.good[i], self.total[i]))

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: columns ``good`` and ``total``, a UTC index named ``start`` with its frequency."""
        import pandas as pd

        index = pd.date_range(self.start, periods=len(self), freq=pd.Timedelta(self.step), name="start")
        return pd.DataFrame({"good": self.good, "total": self.total}, index=index, dtype="int64")

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Counts:
        """Counts from a pandas frame with columns ``good`` and ``total`` and an aware, regular time index.

        The index needs two rows or a frequency, so that the step is known. Gaps are errors here:
        ``frame.asfreq(step, fill_value=0)`` fills them.
        """
        import pandas as pd

        for column in ("good", "total"):
            if list(frame.columns).count(column) != 1:
                raise ValueError(f"the frame needs one column {column!r}; it has {', '.join(map(str, frame.columns))}")
        index = _time_index(frame)
        steps = index[1:] - index[:-1]
        step = steps[0] if len(steps) else index.freq and pd.Timedelta(index.freq)
        if step is None or not len(index):
            raise ValueError(f"the frame has {len(index)} rows, too few to say how long a bucket is; give two or more")
        irregular = ((steps != step) | (steps <= pd.Timedelta(0))).nonzero()[0]
        if len(irregular):
            raise ValueError(
                f"the frame's index is not regular in steps of {step}: {index[irregular[0] + 1]} follows "
                f"{index[irregular[0]]}; sort it, drop duplicates, and fill gaps with frame.asfreq(step, fill_value=0)"
            )
        good, total = _whole_column(frame, "good"), _whole_column(frame, "total")
        return cls(index[0].to_pydatetime(), step.to_pytimedelta(), good, total)


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
    with an offset, in order. ``step`` is the commonest distance between rows unless given. Missing
    buckets become 0 of 0 events and are reported as a ``MissingBuckets`` warning. Everything else
    that is wrong is a ``ValueError`` naming file, row and column; rows are counted as an editor
    counts lines, the header being row 1.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a directory; give a CSV file")
    start, rows = _rows(path, start, good, total)
    if not rows:
        raise ValueError(f"{path} has a header but no rows; give at least two")
    step = _step(path, rows) if step is None else positive(step, "step")
    return _fill(path, start, rows, step)


# --- reading -------------------------------------------------------------------------------------

_Row = tuple[int, datetime, int, int]  # row in the file, start, good, total


def _rows(path: Path, start: str | None, good: str, total: str) -> tuple[str, list[_Row]]:
    """The name of the time column, and the file's rows, each checked by itself."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            start = _find_columns(path, header, start, good, total)
            return start, [_read_row(path, reader.line_num, row, start, good, total) for row in reader]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; give a CSV file saved as UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path}, row {reader.line_num}: not CSV ({error})") from None


def _find_columns(path: Path, header: Sequence[str], start: str | None, good: str, total: str) -> str:
    """The name of the time column; all three columns must be there."""
    if not header:
        raise ValueError(f"{path} is empty, or its first line is; give a CSV file with the columns start, good, total")
    if start is None:
        start = "timestamp" if "timestamp" in header and "start" not in header else "start"
    for name in (start, good, total):
        if name not in header:
            raise ValueError(f"{path} has no column {name!r}; its columns are {', '.join(map(repr, header))}")
        if header.count(name) > 1:
            raise ValueError(f"{path} has {header.count(name)} columns named {name!r}; rename all but one")
    return start


def _read_row(path: Path, line: int, row: dict[str, str | None], start: str, good: str, total: str) -> _Row:
    def cell(column: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(row[column] or "")
        except ValueError as error:
            raise ValueError(f"{path}, row {line}, column {column!r}: {error}") from None

    moment, n_good, n_total = cell(start, parse_moment), cell(good, _whole_number), cell(total, _whole_number)
    if n_good > n_total:
        raise ValueError(f"{path}, row {line}, column {good!r}: {n_good} good of only {n_total} events")
    return line, moment, n_good, n_total


def _whole_number(text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and int(digits) < 2**63):
        raise ValueError(f"{text!r} is not a whole number from 0 up, below 2**63")
    return int(digits)


def _step(path: Path, rows: list[_Row]) -> timedelta:
    """The commonest distance between two rows; the shorter one where two are as common."""
    if len(rows) == 1:
        raise ValueError(f"{path} has one row, which does not say how long a bucket is; give step=")
    gaps = Counter(after[1] - before[1] for before, after in pairwise(rows))
    forward = [gap for gap in gaps if gap > timedelta()]
    return min(forward, key=lambda gap: (-gaps[gap], gap), default=timedelta(minutes=1))


def _fill(path: Path, start: str, rows: list[_Row], step: timedelta) -> Counts:
    """One bucket a step from the first row to the last; the gaps 0 of 0."""
    first, last = rows[0][1], rows[-1][1]
    good, total, previous = array("q"), array("q"), first - step
    for line, moment, row_good, row_total in rows:
        where = f"{path}, row {line}, column {start!r}: {moment_text(moment)}"
        _check_order(where, previous, moment, step)
        gap = (moment - previous) // step - 1
        if len(good) + gap > MOST_BUCKETS:
            raise ValueError(f"{where} leaves {gap} buckets empty; is the date right?")
        good.extend(array("q", bytes(8 * gap)))
        total.extend(array("q", bytes(8 * gap)))
        good.append(row_good)
        total.append(row_total)
        previous = moment
    if missing := len(good) - len(rows):
        warnings.warn(
            MissingBuckets(
                f"{path}: {missing} of {len(good)} buckets of {duration_text(step)} are missing "
                f"between {moment_text(first)} and {moment_text(last)}; read as no events"
            ),
            stacklevel=3,
        )
    return Counts(first, step, good, total)


def _check_order(where: str, previous: datetime, moment: datetime, step: timedelta) -> None:
    if moment == previous:
        raise ValueError(f"{where} stands twice; add the two rows up or drop one")
    if moment < previous:
        raise ValueError(f"{where} comes before the row above it; sort the file by time")
    if (moment - previous) % step:
        raise ValueError(f"{where} is off the {duration_text(step)} grid of the rows above; mend it or give step=")


# --- checking ------------------------------------------------------------------------------------


def _int_array(values: Iterable[Any], name: str) -> array[int]:
    try:
        return array("q", values)
    except (TypeError, OverflowError):
        raise ValueError(f"{name} must be whole numbers below 2**63") from None


def _check(good: array[int], total: array[int]) -> None:
    if len(good) != len(total):
        raise ValueError(f"good has {len(good)} buckets and total {len(total)}; give as many of each")
    for i, (g, t) in enumerate(zip(good, total, strict=True)):
        if not 0 <= g <= t:
            raise ValueError(f"bucket {i} has {g} good of {t} events; good must be from 0 to total")


def _time_index(frame: pd.DataFrame) -> pd.DatetimeIndex:
    import pandas as pd

    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise ValueError("the frame needs an aware time index; frame.set_index('start').tz_localize('UTC') makes one")
    return frame.index


def _whole_column(frame: pd.DataFrame, name: str) -> array[int]:
    """A frame's column as integers; missing values, fractions and text are named with their row."""
    column = frame[name]
    if column.dtype.kind == "i" and not column.hasnans:  # the usual case, without a loop
        return array("q", column.to_numpy("int64").tobytes())
    for moment, value in column.items():
        if not _is_whole(value):
            raise ValueError(f"the frame's column {name!r} holds {value!r} at {moment}, not a whole number below 2**63")
    return array("q", map(int, column))


def _is_whole(value: Any) -> bool:
    try:
        return bool(0 <= int(value) == value < 2**63)
    except (TypeError, ValueError, OverflowError):  # NA, nan and inf
        return False
