"""Ways to do the same thing, timed in turns: a Markdown table that says which limits are held."""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

Clock = Callable[[], float]
MARGIN = 1.15  # a limit missed by less than this may be other work on the machine
HEAD = """\
| | | median | × the first | memory | to hold |
|---|---|--:|--:|--:|---|"""


@dataclass(frozen=True)
class Limit:
    """How many times as long as another a way may take: the first, or the one named ``beside``."""

    at_most: float = float("inf")
    at_least: float = 0.0
    aim: float | None = None
    beside: str = ""

    def missed_by(self, ratio: float) -> float:
        """1 or less where the limit is held, and otherwise how many times it is passed."""
        return max(ratio / self.at_most, self.at_least / ratio)

    def __str__(self) -> str:
        aim = "" if self.aim is None else f"aim {self.aim}, "
        what = f"at least {self.at_least:g}" if self.at_least else f"at most {self.at_most:g}"
        return f"{aim}{what}{f' × {self.beside}' if self.beside else ''}"


@dataclass(frozen=True)
class Way:
    """One way to do it.

    One that takes many seconds is timed ``once``; memory that Python cannot see is not ``traced``.
    """

    name: str
    run: Callable[[], object]
    limit: Limit | None = None
    once: bool = False
    traced: bool = True


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows the description as it is laid out."""
    layout = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=description, formatter_class=layout)


def print_rows(
    title: str, ways: Sequence[Way], rounds: int, clock: Clock = time.perf_counter
) -> bool:
    """Print one row per way, and return whether all limits are held or missed within the margin.

    The ways are run in turns, so that other work on the machine slows all of them. A time is the
    median of the rounds, × the median of the ratios within each round, the memory the peak above
    what was held before.
    """
    first = {way.name: _first_run(way, clock) for way in ways}
    times = {way.name: [first[way.name][0]] if way.once else [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            if not way.once:
                times[way.name].append(_seconds(way.run, clock))
    all_held = True
    for way in ways:
        spent, ratio = median(times[way.name]), _ratio(times, way.name, ways[0].name)
        peak = f"{first[way.name][1]:,.0f} MB" if way.traced else ""
        verdict = ""
        if way.limit:
            beside = way.limit.beside or ways[0].name
            missed_by = way.limit.missed_by(_ratio(times, way.name, beside))
            verdict = f"{way.limit}: {'held' if missed_by <= 1 else 'NOT held'}"
            all_held &= missed_by <= MARGIN
        cells = (title, way.name, f"{spent * 1e3:,.1f} ms", f"{ratio:,.2f}", peak, verdict)
        print(f"| {' | '.join(cells)} |", flush=True)
    return all_held


def _ratio(times: dict[str, list[float]], name: str, other: str) -> float:
    own, others = times[name], times[other]
    if len(own) != len(others):
        return median(own) / median(others)
    return median(seconds / by for seconds, by in zip(own, others, strict=True))


def _seconds(run: Callable[[], object], clock: Clock) -> float:
    begin = clock()
    run()
    return clock() - begin


def _first_run(way: Way, clock: Clock) -> tuple[float, float]:
    """Seconds, and the peak megabytes of what Python allocates."""
    if not way.traced:
        return _seconds(way.run, clock), 0.0
    tracemalloc.start()
    spent = _seconds(way.run, clock)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return spent, peak / 1e6
