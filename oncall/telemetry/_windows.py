"""The fast part of the engine: where a rule's verdict changes, without looking at every window.

One entrance, ``verdict_changes``. The series is cut into blocks of up to 100 buckets, and one pass over the
columns adds each block up. Events are never negative, so running sums at the edges of the blocks bound what a
window ending inside a block can hold: at most what lies between the edge before its left end and the block's
right edge, at least what lies between the edge after its left end and the block's left edge. These bounds settle
nearly every block in a few vector operations. Only the open ones are evaluated bucket by bucket.

Integers are int64 as long as no window can pass 2**63, and otherwise Python's own, in object arrays, by the same
code. Running sums may wrap around: the difference of two is right as long as the difference itself fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[Any]  # of any integer type, or Python's own in an object array
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

LONGEST_BLOCK = 100  # a shorter one costs more in the pass over the columns, a longer one leaves more buckets open
MOST_BLOCKS = 2**19  # keeps the arrays with a number for each block within some tens of megabytes
CHUNK = 2**18  # buckets added up in one call: long enough that two threads seldom queue for the GIL
BATCH = 2**17  # buckets evaluated in one go: for the same reason, yet few enough for the cache


@dataclass(frozen=True)
class Columns:
    """Good and total events, a bucket each; or, ``cumulative``, as counters read at the start and after each bucket.

    Columns whose ``largest_total`` is not known are checked for 0 ≤ good ≤ total < 2**63 while they
    are added up; counters were checked before.
    """

    good: Integers
    total: Integers
    cumulative: bool = False
    largest_total: int | None = None

    def __len__(self) -> int:
        return len(self.total) - self.cumulative


@dataclass(frozen=True)
class WindowTest:
    """A rule in integers: fires where bad × ``bad`` − total × ``total`` > ``above`` in every one of its windows.

    The windows are numbers of buckets, the longest first.
    """

    windows: tuple[int, ...]
    bad: int
    total: int
    above: int = 0

    def weigh(self, bad: Integers, total: Integers) -> Integers:
        """What is compared with ``above``."""
        weight: Integers = bad * self.bad - total * self.total
        return weight


def verdict_changes(
    columns: Columns, tests: Sequence[WindowTest], block: int | None = None
) -> list[list[int]]:
    """For each test the buckets, from 0, whose verdict differs from that of the bucket before; it starts off.

    ``block`` sets the number of buckets in a block. The answer does not depend on it.
    """
    size = len(columns)
    if not size or not tests:
        return [[] for _ in tests]
    blocks = _cut(columns, min(block or _block_length(tests, size), size))
    # Nothing lies before the data, so a longer window than the data holds no more than one as long.
    return [
        _changes(blocks, replace(test, windows=tuple(min(window, size) for window in test.windows)))
        for test in tests
    ]


def _block_length(tests: Sequence[WindowTest], size: int) -> int:
    """Short beside every rule's longest window, so that its bounds are tight, and if possible dividing all windows,
    so that both ends of a window cross an edge at once. What divides them but is very short is slower yet."""
    limit = max(1, min(LONGEST_BLOCK, *(max(test.windows) // 2 for test in tests)))
    common = gcd(*(window for test in tests for window in test.windows))
    divisor = max(length for length in range(1, limit + 1) if common % length == 0)
    return max(divisor if divisor >= 30 else min(60, limit), size // MOST_BLOCKS)


# --- the pass over the columns -------------------------------------------------------------------


@dataclass(frozen=True)
class _Blocks:
    """Columns cut into blocks of ``length`` buckets, the last perhaps shorter, and the running sums at their edges.

    ``fullest`` is the most events in one block.
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
        good, total = (
            _every(length, counter).astype(np.int64) for counter in (columns.good, columns.total)
        )
        fullest = np.diff(total).max()
    else:
        sums = _block_sums(columns, length, np.int64)
        fullest = sums[1].max()
        good, total = np.cumsum(
            sums, axis=1, out=sums
        )  # in place, as fresh memory costs more than the sums
    return _Blocks(columns, length, np.subtract(total, good, out=good), total, int(fullest))


def _every(length: int, running: Integers) -> Integers:
    """Running sums at edges further apart; the last edge is the end of the data."""
    return np.concatenate([running[:-1:length], running[-1:]])


def _block_sums(columns: Columns, length: int, kind: type) -> Integers:
    """Good and total events in each block, two rows that begin with a 0, added up a chunk of blocks at a time."""
    chunk = max(1, CHUNK // length) * length
    starts = np.arange(0, chunk, length)

    def add_up(first: int) -> tuple[int, list[Integers]]:
        good, total = (column[first : first + chunk] for column in (columns.good, columns.total))
        here = starts[: -(-len(total) // length)]
        sums = [np.add.reduceat(column, here, dtype=kind) for column in (good, total)]
        largest = (
            _check(good, total, first) if columns.largest_total is None else columns.largest_total
        )  # from the cache by now
        return largest, sums

    try:
        chunks = _in_two_threads(add_up, range(0, len(columns), chunk))
    except ValueError:
        check_counts(columns)  # two threads do not come upon the first wrong bucket first
        raise
    if kind is not object and max(largest for largest, _ in chunks) * length >= 2**63:
        return _block_sums(columns, length, object)
    rows = zip(*(sums for _, sums in chunks), strict=True)
    return np.array([np.concatenate([[0], *row]) for row in rows], kind)


def check_counts(columns: Columns) -> None:
    """Raise a ``ValueError`` naming the first bucket that is wrong, unless the columns were checked before."""
    for first in (
        ()
        if columns.cumulative or columns.largest_total is not None
        else range(0, len(columns), CHUNK)
    ):
        _check(columns.good[first : first + CHUNK], columns.total[first : first + CHUNK], first)


def _check(good: Integers, total: Integers, first: int) -> int:
    """The largest total of a chunk that is as it should be; else a ``ValueError``."""
    # Seen as unsigned, a negative number is larger than any count, so that two passes find all that is wrong.
    kind = total.dtype if good.dtype == total.dtype else np.dtype(np.int64)
    good_seen, total_seen = (
        column.astype(kind, copy=False).view(_unsigned(kind)) for column in (good, total)
    )
    largest = int(total_seen.max())
    if largest > min(np.iinfo(kind).max, 2**63 - 1) or (good_seen > total_seen).any():
        i = int(np.flatnonzero((good < 0) | (good > total) | (total >= 2**63))[0])
        raise ValueError(
            f"bucket {first + i} has {good[i]} good of {total[i]} events; "
            "good must be from 0 to total, and total below 2**63"
        )
    return largest


def _unsigned(kind: np.dtype[Any]) -> str:
    return kind.str.replace("i", "u")


def _in_two_threads(function: Callable[[int], Any], items: Sequence[int]) -> list[Any]:
    """The function's answer to each item. numpy lets go of the GIL, and two cores read memory faster than one."""
    if len(items) < 4:
        return [function(item) for item in items]
    answers: list[Any] = [None] * len(items)
    places = iter(range(len(items)))

    def work(_: int) -> None:
        for place in (
            places
        ):  # whoever is free takes the next, so that neither waits for the other at the end
            answers[place] = function(items[place])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    return answers


# --- a test, block by block ----------------------------------------------------------------------


def _changes(blocks: _Blocks, test: WindowTest) -> list[int]:
    if not _fits(blocks, test):
        blocks = replace(blocks, bad=_unbounded(blocks.bad), total=_unbounded(blocks.total))
    first, open_blocks, unsure = _settle(blocks, test)
    last, inside = first.copy(), []
    rows = max(1, BATCH // blocks.length)

    def evaluate(i: int) -> tuple[Places, Flags, Flags, Places]:
        ks = open_blocks[i : i + rows]
        fires = _evaluate(blocks, test, ks, unsure[:, i : i + rows])
        row, column = np.divmod(np.flatnonzero(np.diff(fires)), max(1, blocks.length - 1))
        return ks, fires[:, 0].copy(), fires[:, -1].copy(), ks[row] * blocks.length + column + 1

    for ks, starts, ends, changes in _in_two_threads(evaluate, range(0, len(open_blocks), rows)):
        first[ks], last[ks] = starts, ends
        inside.append(changes)
    between = np.flatnonzero(first != np.concatenate([[False], last[:-1]])) * blocks.length
    changes = np.sort(np.concatenate([between, *inside]))
    return [
        int(place) for place in changes[changes < len(blocks.columns)]
    ]  # past the end stands anything


def _fits(blocks: _Blocks, test: WindowTest) -> bool:
    """Whether int64 holds every window of this test, weighed, and the bounds of it."""
    touched = 2 * max(test.windows) // blocks.length + 6
    return (abs(test.bad) + abs(test.total)) * max(1, blocks.fullest) * touched < 2**63


def _unbounded(edges: Integers) -> Integers:
    """Running sums as Python's integers. They may have wrapped around; each block by itself has not."""
    return np.cumsum(np.concatenate([edges[:1], np.diff(edges)]).astype(object))


def _settle(blocks: _Blocks, test: WindowTest) -> tuple[Flags, Places, Flags]:
    """Whether each block surely fires throughout; which are open; and, a row a window, if it leaves them so."""
    many = max(
        1, test.windows[0] // (3 * blocks.length)
    )  # blocks looked at together, to rule out most of them
    bad, total = _every(many, blocks.bad), _every(many, blocks.total)
    coarse = replace(blocks, length=blocks.length * many, bad=bad, total=total)
    some = _may_fire(coarse, test, np.arange(len(coarse)))[:, None] * many + np.arange(many)
    ks = _may_fire(blocks, test, some[some < len(blocks)])
    unsure = np.array([_least(blocks, test, ks, window) <= test.above for window in test.windows])
    is_open = unsure.any(axis=0)
    fires = np.zeros(len(blocks), bool)
    fires[ks[~is_open]] = True
    return fires, ks[is_open], unsure[:, is_open]


def _may_fire(blocks: _Blocks, test: WindowTest, ks: Places) -> Places:
    """Those of the blocks k in which every window may weigh enough."""
    for window in test.windows:
        ks = ks[_most(blocks, test, ks, window) > test.above]
    return ks


def _most(blocks: _Blocks, test: WindowTest, ks: Places, window: int) -> Integers:
    """The most that a window can weigh whose right end is in block k."""
    bad = blocks.bad[ks + 1] - _early(blocks, blocks.bad, ks, window)
    total = blocks.total[ks] - _late(blocks, blocks.total, ks, window)
    return test.weigh(bad, total)


def _least(blocks: _Blocks, test: WindowTest, ks: Places, window: int) -> Integers:
    """The least that a window can weigh whose right end is in block k."""
    bad = blocks.bad[ks] - _late(blocks, blocks.bad, ks, window)
    total = blocks.total[ks + 1] - _early(blocks, blocks.total, ks, window)
    return test.weigh(bad, total)


def _early(blocks: _Blocks, edges: Integers, ks: Places, window: int) -> Integers:
    """At the edge before all left ends of the windows that end in block k; before the data, what is at its start."""
    return edges.take(ks - -(-window // blocks.length), mode="clip")


def _late(blocks: _Blocks, edges: Integers, ks: Places, window: int) -> Integers:
    """At the edge after all those left ends."""
    return edges.take(ks - window // blocks.length + 1, mode="clip")


# --- the open blocks, bucket by bucket -----------------------------------------------------------


def _evaluate(blocks: _Blocks, test: WindowTest, ks: Places, unsure: Flags) -> Flags:
    """The verdict at the end of every bucket of these blocks, a row a block."""
    entering = _weighed(blocks, test, ks)
    fires = np.ones(entering.shape, bool)
    for window, rows in zip(reversed(test.windows), unsure[::-1], strict=True):
        here = np.flatnonzero(
            rows & fires.any(axis=1)
        )  # what one window settles, the next need not look at
        fires[here] &= _weights(blocks, test, ks[here], entering[here], window) > test.above
    return fires


def _weights(
    blocks: _Blocks, test: WindowTest, ks: Places, weights: Integers, window: int
) -> Integers:
    """What the window weighs at the end of every bucket: at the block's left edge, and what has entered and left since.

    What leaves lies in one block, or at the end of one and in the next. The result is written over what enters.
    """
    back, over = -(-window // blocks.length), -window % blocks.length
    leaving = _weighed(blocks, test, ks - back)
    bad = blocks.bad[ks] - _early(blocks, blocks.bad, ks, window)
    total = blocks.total[ks] - _early(blocks, blocks.total, ks, window)
    at_edge = test.weigh(bad, total)
    if over:
        at_edge -= leaving[:, :over].sum(axis=1)
        leaving = np.concatenate(
            [leaving[:, over:], _weighed(blocks, test, ks - back + 1)[:, :over]], axis=1
        )
    weights -= leaving
    weights[:, 0] += at_edge
    return np.cumsum(weights, axis=1, out=weights)


def _weighed(blocks: _Blocks, test: WindowTest, ks: Places) -> Integers:
    """What each bucket of these ascending blocks weighs, a row a block: nothing before the data, anything after it."""
    good, total = (
        _rows(blocks, column, ks) for column in (blocks.columns.good, blocks.columns.total)
    )
    total *= test.bad - test.total  # in place, for the cache's sake; bad is total − good
    good *= test.bad
    total -= good
    total[: np.searchsorted(ks, 0)] = 0
    return total


def _rows(blocks: _Blocks, column: Integers, ks: Places) -> Integers:
    if blocks.columns.cumulative:
        return _cut_out(blocks, column[1:], ks) - _cut_out(blocks, column[:-1], ks)
    return _cut_out(blocks, column, ks)


def _cut_out(blocks: _Blocks, values: Integers, ks: Places) -> Integers:
    """The values in these blocks, a row each; for a block before the data those in the first one."""
    whole, rest = divmod(len(values), blocks.length)
    end = whole * blocks.length
    rows = values[:end].reshape(whole, blocks.length)
    # take is quicker, but would first copy all of a column whose values lie apart.
    rows = (
        rows.take(ks, axis=0, mode="clip")
        if rows.flags.c_contiguous
        else rows[np.clip(ks, 0, whole - 1)]
    )
    if rest and len(ks) and ks[-1] == whole:
        rows[-1, :rest] = values[end:]
    return rows.astype(blocks.total.dtype, copy=False)
