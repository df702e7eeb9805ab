"""The fast part of the engine: where a rule's verdict changes, without looking at every window.

The one entrance is ``verdict_changes``. The series is cut into blocks of up to 100 buckets, and one
pass over the columns adds each block up. Events are never negative, so running sums at the edges of
the blocks bound what a window that ends inside a block can hold: at most what lies between the edge
before its left end and the block's right edge, at least what lies between the edge after its left
end and the block's left edge. These bounds settle nearly every block in a few vector operations.
Only the blocks left open are evaluated bucket by bucket.

Integers are int64 as long as no window can pass 2**63, and otherwise Python's own, in object
arrays, by the same code. Running sums may wrap around: the difference of two is right as long as
the difference itself fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np

from oncall.telemetry._arrays import Flags, Indices, Integers
from oncall.times import ceil_div

# A shorter block costs more in the pass over the columns, a longer one leaves more buckets open.
LONGEST_BLOCK = 100
MOST_BLOCKS = 2**19  # keeps the arrays with a number per block within some tens of megabytes
CHUNK = 2**18  # buckets added up in one call: long enough that two threads rarely queue for the GIL
BATCH = 2**17  # buckets evaluated in one call: for the same reason, yet few enough for the cache


@dataclass(frozen=True)
class Columns:
    """Good and total events, one value per bucket; or ``cumulative``, the readings of counters.

    Counters are read at the start and after each bucket, and were checked before. Other columns are
    checked for 0 ≤ good ≤ total < 2**63 while they are added up, unless ``largest_total`` is known.
    """

    good: Integers
    total: Integers
    cumulative: bool = False
    largest_total: int | None = None

    def __len__(self) -> int:
        return len(self.total) - self.cumulative


@dataclass(frozen=True)
class WindowTest:
    """A rule in integers: it fires where every one of its windows weighs more than ``above``.

    A window weighs bad events × ``bad`` − total events × ``total``. The windows are numbers of
    buckets, the longest first.
    """

    windows: tuple[int, ...]
    bad: int
    total: int
    above: int = 0

    def weigh(self, bad: Integers, total: Integers) -> Integers:
        """What windows that hold these events weigh."""
        weight: Integers = bad * self.bad - total * self.total
        return weight


def verdict_changes(columns: Columns, tests: Sequence[WindowTest]) -> list[list[int]]:
    """For each test the buckets, from 0, at whose ends its verdict changes; it starts off."""
    size = len(columns)
    if not size or not tests:
        return [[] for _ in tests]
    blocks = _cut(columns, min(_block_length(tests, size), size))
    # Nothing lies before the data, so a window longer than the data holds no more than all of it.
    return [
        _changes(blocks, replace(test, windows=tuple(min(window, size) for window in test.windows)))
        for test in tests
    ]


def _block_length(tests: Sequence[WindowTest], size: int) -> int:
    """How many buckets a block should hold.

    It is short beside every rule's longest window, so that the bounds are tight. If possible it
    divides all windows, so that both ends of a window cross an edge at once; but a very short block
    would cost more than that saves.
    """
    limit = max(1, min(LONGEST_BLOCK, *(max(test.windows) // 2 for test in tests)))
    common = gcd(*(window for test in tests for window in test.windows))
    divisor = max(length for length in range(1, limit + 1) if common % length == 0)
    return max(divisor if divisor >= 30 else min(60, limit), size // MOST_BLOCKS)


# --- the pass over the columns -------------------------------------------------------------------


@dataclass(frozen=True)
class _Blocks:
    """Columns cut into blocks of ``length`` buckets, the last perhaps shorter.

    ``bad`` and ``total`` are the running sums at the edges of the blocks, ``fullest`` is the most
    events in one block.
    """

    columns: Columns
    length: int
    bad: Integers
    total: Integers
    fullest: int

    def __len__(self) -> int:
        return len(self.total) - 1


def _cut(columns: Columns, length: int) -> _Blocks:
    if columns.cumulative:
        good = _every(length, columns.good).astype(np.int64)
        total = _every(length, columns.total).astype(np.int64)
        fullest = np.diff(total).max()
    else:
        sums = _block_sums(columns, length, np.int64)
        fullest = sums[1].max()
        good, total = np.cumsum(sums, axis=1, out=sums)  # in place: fresh memory costs more
    return _Blocks(columns, length, np.subtract(total, good, out=good), total, int(fullest))


def _every(length: int, running: Integers) -> Integers:
    """Running sums at edges further apart; the last edge is the end of the data."""
    return np.concatenate([running[:-1:length], running[-1:]])


def _block_sums(columns: Columns, length: int, kind: type) -> Integers:
    """Good and total events in each block, two rows that begin with a 0, summed chunk by chunk."""
    chunk = max(1, CHUNK // length) * length

    def add_up(first: int) -> tuple[int, list[Integers]]:
        good, total = columns.good[first : first + chunk], columns.total[first : first + chunk]
        starts = np.arange(0, len(total), length)
        sums = [np.add.reduceat(column, starts, dtype=kind) for column in (good, total)]
        largest = columns.largest_total
        if largest is None:
            largest = _check(good, total, first)  # after the sums: the chunk is in the cache now
        return largest, sums

    chunks = _in_two_threads(add_up, range(0, len(columns), chunk))
    if kind is not object and max(largest for largest, _ in chunks) * length >= 2**63:
        return _block_sums(columns, length, object)
    rows = zip(*(sums for _, sums in chunks), strict=True)
    return np.array([np.concatenate([[0], *row]) for row in rows], kind)


def check_counts(columns: Columns) -> None:
    """Raise a ``ValueError`` that names the first wrong bucket, unless they were checked before."""
    if columns.cumulative or columns.largest_total is not None:
        return
    for first in range(0, len(columns), CHUNK):
        _check(columns.good[first : first + CHUNK], columns.total[first : first + CHUNK], first)


def _check(good: Integers, total: Integers, first: int) -> int:
    """The largest total of a chunk; a wrong bucket in it is a ``ValueError``."""
    # Seen as unsigned, a negative number is larger than any count, so two passes find all faults.
    kind = total.dtype if good.dtype == total.dtype else np.dtype(np.int64)
    unsigned = kind.str.replace("i", "u")
    good_seen = good.astype(kind, copy=False).view(unsigned)
    total_seen = total.astype(kind, copy=False).view(unsigned)
    largest = int(total_seen.max())
    if largest > min(np.iinfo(kind).max, 2**63 - 1) or (good_seen > total_seen).any():
        i = int(np.flatnonzero((good < 0) | (good > total) | (total >= 2**63))[0])
        wrong = f"bucket {first + i} has {good[i]} good of {total[i]} events"
        raise ValueError(f"{wrong}; good must be from 0 to total, and total below 2**63")
    return largest


def _in_two_threads(function: Callable[[int], Any], items: Sequence[int]) -> list[Any]:
    """The function's answer to each item, in order; of several errors the first item's is raised.

    numpy lets go of the GIL, and two cores read memory faster than one.
    """
    if len(items) < 4:
        return [function(item) for item in items]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, items))


# --- a test, block by block ----------------------------------------------------------------------


def _changes(blocks: _Blocks, test: WindowTest) -> list[int]:
    """The buckets in which a test's verdict differs from that of the bucket before."""
    if not _fits(blocks, test):
        blocks = replace(blocks, bad=_unbounded(blocks.bad), total=_unbounded(blocks.total))
    fires, open_blocks, unsure = _settle(blocks, test)
    at_start, at_end, inside = fires, fires.copy(), []
    batch = max(1, BATCH // blocks.length)

    def evaluate(i: int) -> tuple[Indices, Flags, Flags, Indices]:
        ks = open_blocks[i : i + batch]
        fires = _evaluate(blocks, test, ks, unsure[:, i : i + batch])
        row, column = np.divmod(np.flatnonzero(np.diff(fires)), max(1, blocks.length - 1))
        return ks, fires[:, 0].copy(), fires[:, -1].copy(), ks[row] * blocks.length + column + 1

    for ks, first, last, changes in _in_two_threads(evaluate, range(0, len(open_blocks), batch)):
        at_start[ks], at_end[ks] = first, last
        inside.append(changes)
    between = np.flatnonzero(at_start != np.append(False, at_end[:-1])) * blocks.length
    changes = np.sort(np.concatenate([between, *inside]))
    # A last block that the data does not fill holds meaningless verdicts past its end.
    return [int(change) for change in changes[changes < len(blocks.columns)]]


def _fits(blocks: _Blocks, test: WindowTest) -> bool:
    """Whether int64 holds what every window of this test weighs, and the bounds of it."""
    touched = 2 * max(test.windows) // blocks.length + 6
    return (abs(test.bad) + abs(test.total)) * max(1, blocks.fullest) * touched < 2**63


def _unbounded(edges: Integers) -> Integers:
    """Running sums as Python's integers; they may have wrapped around, but no single block has."""
    return np.cumsum(np.concatenate([edges[:1], np.diff(edges)]).astype(object))


def _settle(blocks: _Blocks, test: WindowTest) -> tuple[Flags, Indices, Flags]:
    """Which blocks fire in every bucket, which are open, and which windows leave those open.

    The first is one flag per block. The last has one row per window, with a flag for each open
    block.
    """
    ks = _near_a_fire(blocks, test)
    unsure = np.array([_lowest(blocks, test, ks, window) <= test.above for window in test.windows])
    is_open = unsure.any(axis=0)
    fires = np.zeros(len(blocks), bool)
    fires[ks[~is_open]] = True
    return fires, ks[is_open], unsure[:, is_open]


def _near_a_fire(blocks: _Blocks, test: WindowTest) -> Indices:
    """The blocks in which the test may fire; groups of neighbours rule out most of the others."""
    size = max(1, test.windows[0] // (3 * blocks.length))  # blocks in a group
    bad, total = _every(size, blocks.bad), _every(size, blocks.total)
    groups = replace(blocks, length=blocks.length * size, bad=bad, total=total)
    near = _may_fire(groups, test, np.arange(len(groups)))
    members = near[:, None] * size + np.arange(size)
    return _may_fire(blocks, test, members[members < len(blocks)])


def _may_fire(blocks: _Blocks, test: WindowTest, ks: Indices) -> Indices:
    """Those of the blocks k in which every window may weigh enough."""
    for window in test.windows:
        ks = ks[_highest(blocks, test, ks, window) > test.above]
    return ks


def _highest(blocks: _Blocks, test: WindowTest, ks: Indices, window: int) -> Integers:
    """An upper bound of what the windows that end in block k weigh."""
    bad = blocks.bad[ks + 1] - _sum_before(blocks, blocks.bad, ks, window)
    total = blocks.total[ks] - _sum_after(blocks, blocks.total, ks, window)
    return test.weigh(bad, total)


def _lowest(blocks: _Blocks, test: WindowTest, ks: Indices, window: int) -> Integers:
    """A lower bound of what the windows that end in block k weigh."""
    bad = blocks.bad[ks] - _sum_after(blocks, blocks.bad, ks, window)
    total = blocks.total[ks + 1] - _sum_before(blocks, blocks.total, ks, window)
    return test.weigh(bad, total)


def _sum_before(blocks: _Blocks, edges: Integers, ks: Indices, window: int) -> Integers:
    """The running sum at the last edge that is left of every window that ends in block k.

    Before the data it is the sum at the start of the data.
    """
    return edges.take(ks - ceil_div(window, blocks.length), mode="clip")


def _sum_after(blocks: _Blocks, edges: Integers, ks: Indices, window: int) -> Integers:
    """The running sum at the first edge that is right of the left ends of all those windows."""
    return edges.take(ks - window // blocks.length + 1, mode="clip")


# --- the open blocks, bucket by bucket -----------------------------------------------------------


def _evaluate(blocks: _Blocks, test: WindowTest, ks: Indices, unsure: Flags) -> Flags:
    """The verdict at the end of every bucket of these blocks, one row per block."""
    entering = _weighed(blocks, test, ks)
    fires = np.ones(entering.shape, bool)
    for window, is_unsure in zip(reversed(test.windows), unsure[::-1], strict=True):
        rows = np.flatnonzero(is_unsure & fires.any(axis=1))  # a window before may have said no
        fires[rows] &= _weights(blocks, test, ks[rows], entering[rows], window) > test.above
    return fires


def _weights(
    blocks: _Blocks, test: WindowTest, ks: Indices, entering: Integers, window: int
) -> Integers:
    """What the window weighs at the end of every bucket of these blocks, one row per block.

    It is the weight at the block's left edge and all that has entered and left since. What leaves
    lies in one block, or at the end of one and in the next. The result overwrites ``entering``.
    """
    back = ceil_div(window, blocks.length)
    over = back * blocks.length - window  # buckets between that edge and the window's left end
    leaving = _weighed(blocks, test, ks - back)
    bad = blocks.bad[ks] - _sum_before(blocks, blocks.bad, ks, window)
    total = blocks.total[ks] - _sum_before(blocks, blocks.total, ks, window)
    at_edge = test.weigh(bad, total)
    if over:
        at_edge -= leaving[:, :over].sum(axis=1)
        following = _weighed(blocks, test, ks - back + 1)
        leaving = np.concatenate([leaving[:, over:], following[:, :over]], axis=1)
    entering -= leaving
    entering[:, 0] += at_edge
    return np.cumsum(entering, axis=1, out=entering)


def _weighed(blocks: _Blocks, test: WindowTest, ks: Indices) -> Integers:
    """What each bucket of these blocks weighs, one row per block; the blocks ascend.

    It is 0 before the data; after it the values are meaningless.
    """
    good = _rows(blocks, blocks.columns.good, ks)
    total = _rows(blocks, blocks.columns.total, ks)
    total *= test.bad - test.total  # in place, for the cache's sake; bad is total − good
    good *= test.bad
    total -= good
    total[: np.searchsorted(ks, 0)] = 0
    return total


def _rows(blocks: _Blocks, column: Integers, ks: Indices) -> Integers:
    """The events in each bucket of these blocks, one row per block."""
    if blocks.columns.cumulative:
        return _cut_out(blocks, column[1:], ks) - _cut_out(blocks, column[:-1], ks)
    return _cut_out(blocks, column, ks)


def _cut_out(blocks: _Blocks, values: Integers, ks: Indices) -> Integers:
    """The values in these blocks, one row each; a block before the data has those of the first."""
    whole, rest = divmod(len(values), blocks.length)
    rows = values[: whole * blocks.length].reshape(whole, blocks.length)
    # ``take`` is quicker, but would first copy all of a column whose values lie apart.
    apart = not rows.flags.c_contiguous
    rows = rows[np.clip(ks, 0, whole - 1)] if apart else rows.take(ks, axis=0, mode="clip")
    if rest and len(ks) and ks[-1] == whole:
        rows[-1, :rest] = values[whole * blocks.length :]
    return rows.astype(blocks.total.dtype, copy=False)
