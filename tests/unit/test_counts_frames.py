"""Counts from pandas frames and back: what is read, and refusals that say how to mend the frame."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncall.counts import Counts
from oncall.times import MINUTE

T0 = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)


def frame(total: Any = (1, 2, 3), tz: str | None = "UTC") -> pd.DataFrame:
    index = pd.date_range("2024-12-04 23:48", periods=3, freq="min", tz=tz)
    return pd.DataFrame({"good": [1, 1, 1], "total": total}, index=index)


def test_a_frame_has_whole_numbers_and_an_aware_index_with_a_frequency() -> None:
    made = Counts(T0, MINUTE, range(10), range(10, 20)).to_frame()
    assert list(made.columns) == ["good", "total"]
    assert [str(kind) for kind in made.dtypes] == ["int64", "int64"]
    assert (made.index.name, str(made.index.tz), made.index[0]) == ("start", "UTC", T0)
    assert pd.Timedelta(made.index.freq) == MINUTE


# --- numbers -------------------------------------------------------------------------------------

KINDS = ["int8", "uint8", "int32", "uint64", "Int64", "float32", "Float64", "object"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_may_hold_whole_numbers_of_any_type(kind: str) -> None:
    assert Counts.from_frame(frame().astype(kind)) == Counts(T0, MINUTE, [1, 1, 1], [1, 2, 3])


BAD_TOTALS = {
    "missing": ([1, 2, None], "Int64", "<NA>"),
    "nan": ([1, 2, float("nan")], "float64", "nan"),
    "infinity": ([1, 2, float("inf")], "float64", "inf"),
    "a fraction": ([1, 2, 2.5], "float64", "2.5"),
    "a large float": ([1, 2, 2.0**63], "float64", "9.2"),
    "a large unsigned integer": ([1, 2, 2**63], "uint64", "9223372036854775808"),
    "a large integer": ([1, 2, 2**70], "object", "1180591620717411303424"),
    "a decimal fraction": ([1, 2, Decimal("2.5")], "object", "Decimal('2.5')"),
    "a decimal nan": ([1, 2, Decimal("nan")], "object", "Decimal('NaN')"),
    "a signalling nan": ([1, 2, Decimal("snan")], "object", "Decimal('sNaN')"),
    "a decimal infinity": ([1, 2, Decimal("-inf")], "object", "Decimal('-Infinity')"),
    "text": ([1, 2, "3"], "object", "'3'"),
}


@pytest.mark.parametrize(("total", "kind", "shown"), BAD_TOTALS.values(), ids=BAD_TOTALS)
def test_what_is_no_count_in_a_frame_is_refused_with_column_value_and_row(
    total: Any, kind: str, shown: str
) -> None:
    refusal = r"the frame's column 'total' holds .* at 2024-12-04 23:50"
    with pytest.raises(ValueError, match=refusal) as error:
        Counts.from_frame(frame(pd.array(total, dtype=kind)))
    assert f"holds {shown}" in str(error.value)


def test_a_frame_may_hold_decimals_that_are_whole() -> None:
    decimals = [Decimal(1), Decimal("2.0"), Decimal("3E0")]
    assert Counts.from_frame(frame(decimals)).total.tolist() == [1, 2, 3]


def test_a_frame_without_a_column_or_with_two_of_a_name_is_refused() -> None:
    for wrong in (frame().drop(columns="good"), pd.concat([frame(), frame()], axis=1)):
        with pytest.raises(ValueError, match="the frame needs one column 'good'"):
            Counts.from_frame(wrong)


# --- times ---------------------------------------------------------------------------------------


def test_a_frame_in_local_time_is_read_across_the_change_of_the_clock() -> None:
    index = pd.date_range("2024-03-10 00:00", periods=5, freq="h", tz="America/Chicago")
    counts = Counts.from_frame(pd.DataFrame({"good": 1, "total": 1}, index=index))
    assert counts.start == datetime(2024, 3, 10, 6, tzinfo=UTC)
    assert counts.end == datetime(2024, 3, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_frame_too_short_to_have_a_step_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=rf"the frame has too few rows \({rows}\) to say"):
        Counts.from_frame(frame()[:rows])


def timed(start: Any) -> pd.DataFrame:
    """The frame with its times in a column."""
    return frame().assign(start=start).reset_index(drop=True)


AWARE = frame().index
SECONDS = T0.timestamp() + np.array([0, 60, 120])
WHOLE_SECONDS = SECONDS.astype(int)

# How a frame comes without aware times in its index, though it has them or something like them.
NO_AWARE_INDEX = {
    "a naive index": frame(tz=None),
    "an index of text": frame().set_axis(["2024-12-04T23:48Z", "", ""]),
    "an index of objects": frame().set_axis(AWARE.astype(object)),
    "an index of Unix seconds": frame().set_axis(WHOLE_SECONDS),
    "a column": timed(AWARE),
    "a naive column": timed(frame(tz=None).index),
    "an index of text beside a column": timed(AWARE).set_axis(AWARE.astype(str)),
    "a column of Unix seconds": timed(WHOLE_SECONDS),
    "a column of Unix seconds as floats": timed(SECONDS),
    "a column of Unix seconds as objects": timed(WHOLE_SECONDS.astype(object)),
    "a column of Unix milliseconds": timed(WHOLE_SECONDS * 1000),
}


@pytest.mark.parametrize("wrong", NO_AWARE_INDEX.values(), ids=NO_AWARE_INDEX)
def test_a_frame_without_aware_times_is_refused_and_what_to_give_mends_it(
    wrong: pd.DataFrame,
) -> None:
    with pytest.raises(ValueError, match=r"needs an aware time index; give e\.g\. ") as error:
        Counts.from_frame(wrong)
    mended = eval(str(error.value).partition("e.g. ")[2], {"frame": wrong, "pd": pd})
    assert mended.index[0] == T0


def test_a_frame_that_only_numbers_its_rows_is_asked_for_the_column_with_the_times() -> None:
    with pytest.raises(ValueError, match=r"give e\.g\. frame\.set_index\(COLUMN\), where COLUMN"):
        Counts.from_frame(timed(0).rename(columns={"start": "when"}))


@pytest.mark.parametrize("rows", [[2, 1, 0], [0, 0], [0, 1, 1], [0, 2, 1]])
def test_a_frame_out_of_order_is_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match=r"not regular at .* sort it, drop duplicates, fill gaps"):
        Counts.from_frame(frame().iloc[rows])


def test_a_gap_in_a_frame_is_refused_with_its_place_and_asfreq_mends_it() -> None:
    gap = pd.concat([frame(), frame().shift(4, "min")])
    with pytest.raises(ValueError, match="not regular at 2024-12-04 23:52:00"):
        Counts.from_frame(gap)
    filled = Counts.from_frame(gap.asfreq("min", fill_value=0))
    assert filled.total.tolist() == [1, 2, 3, 0, 1, 2, 3]
