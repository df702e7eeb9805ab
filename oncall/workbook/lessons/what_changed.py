"""Lesson 09: a night of the shift's own service, read by one dimension after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from oncall.gameday import SCENARIOS, Game
from oncall.slo import sli
from oncall.times import MINUTE, parse_moment
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot, as_days
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, VERMILION

SUSPECTS = {
    "provider_fails": "upstream",
    "gateway_release": "release",
    "edge_config": "region",
    "runaway_tenant": "tenant",
    "secret_rotated": "outcome",
}
"""Causes that show first as failed requests, and the dimension in which each stands out."""
MOST_MINUTES = 8 * 60  # that are waited for a page


@dataclass(frozen=True)
class Rows:
    """A reading by a dimension: the share that failed for each of its values, and the usual one."""

    by: str
    where: str
    values: tuple[str, ...]
    shares: tuple[float, ...]
    usual: tuple[float, ...]
    totals: tuple[int, ...]

    def __repr__(self) -> str:
        where = f" in {self.where}" if self.where else ""
        lines = [f"errors by {self.by}{where}"]
        for value, share, usual, total in zip(
            self.values, self.shares, self.usual, self.totals, strict=True
        ):
            lines.append(f"  {value:<10} {share:>6.1%} of {total:>7,}, usually {usual:.1%}")
        return "\n".join(lines)

    @property
    def hottest(self) -> str:
        """The value of which the largest share failed."""
        return max(zip(self.shares, self.values, strict=True))[1]

    @property
    def contrast(self) -> float:
        """The largest share that failed, divided by the smallest: 1 where all fail alike.

        Values with fewer than a hundred requests are passed over; a share below 1 in 1,000 counts
        as that, so that a clean value gives no endless contrast.
        """
        counted = [s for s, n in zip(self.shares, self.totals, strict=True) if n >= 100]
        return max(counted) / max(min(counted), 0.001) if counted else 1.0


class Night:
    """A shift from its first page on, in which something is wrong with the service.

    ``look`` takes a reading, as in the shift; here it costs no time. ``cause`` and ``onset`` are
    what a shift tells only at its end.
    """

    def __init__(self, scenario: str, seed: int):
        if scenario not in SCENARIOS:
            raise ValueError(f"there is no scenario {scenario!r}; see `oncall scenarios`")
        self._game = Game(SCENARIOS[scenario], seed)
        self._minutes: list[tuple[datetime, float]] = []
        self.page = self._wait_for_page()
        self.paged = parse_moment(self.page["at"], "at")
        self._scenario, self._seed = scenario, seed

    def _wait_for_page(self) -> dict[str, Any]:
        for _ in range(MOST_MINUTES):
            reply = self._game.handle({"do": "wait", "words": ["1"]})
            good = reply["slis"]["availability"]["1m"]
            self._minutes.append((parse_moment(reply["at"], "at"), good))
            for event in reply["events"]:
                if event["kind"] == "page":
                    return dict(event)
        raise ValueError("nobody was paged on that night; give another seed")

    def look(self, by: str, where: str = "") -> Rows:
        """The errors of the last ten minutes by a dimension, in a part such as ``region=eu``."""
        words = ["errors", "by", by, *(["in", where] if where else [])]
        reply = self._again(words)
        rows = reply["data"]["rows"]
        return Rows(
            by,
            where,
            tuple(row["value"] for row in rows),
            tuple(1 - sli(row["total"] - row["bad"], row["total"]) for row in rows),
            tuple(row["usual"] for row in rows),
            tuple(row["total"] for row in rows),
        )

    def _again(self, words: Sequence[str]) -> dict[str, Any]:
        """A reading at the minute of the page, in a game of its own, so that no time passes."""
        game = Game(SCENARIOS[self._scenario], self._seed)
        game.handle({"do": "wait", "words": [str(len(self._minutes))]})
        reply: dict[str, Any] = game.handle({"do": "look", "words": list(words)})
        if not reply["ok"]:
            raise ValueError(reply["error"])
        return reply

    def changes(self) -> list[tuple[datetime, str]]:
        """What was changed on that day, and when."""
        log = self._again(["changes"])["data"]
        return [(parse_moment(one["at"], "at"), f"{one['kind']}: {one['what']}") for one in log]

    @property
    def minutes(self) -> tuple[tuple[datetime, float], ...]:
        """Availability of each minute up to the page, by the minute's end."""
        return tuple(self._minutes)

    def first_bad(self, below: float = 0.99) -> datetime:
        """The first of the minutes up to the page from which on availability stayed below this."""
        began = self.paged
        for at, good in reversed(self._minutes):
            if good >= below:
                break
            began = at - MINUTE
        return began

    @property
    def cause(self) -> str:
        """What was wrong: told after the shift, and here when you ask."""
        return _truth(self._scenario, self._seed)


@cache
def _truth(scenario: str, seed: int) -> str:
    game = Game(SCENARIOS[scenario], seed)
    while not game.handle({"do": "wait", "words": ["480"]}).get("over"):
        pass
    truth: dict[str, Any] = game.handle({"do": "score"})["truth"]
    return str(truth["cause"])


# --- the pictures --------------------------------------------------------------------------------


@base.styled()
def plot_readings(readings: Sequence[Rows]) -> Plot:
    """Readings by several dimensions side by side: what failed of each value, and what usually."""
    figure = base.new_figure(3.3)
    for axes, rows in zip(figure.subplots(1, len(readings), sharey=True), readings, strict=True):
        places = np.arange(len(rows.values))
        shares = 100 * np.array(rows.shares)
        axes.bar(places, shares, 0.6, color=BLUE, label="now")
        axes.plot(
            places, 100 * np.array(rows.usual), "_", ms=16, mew=2, color=ORANGE, label="usual"
        )
        axes.set_xticks(places, rows.values, rotation=45, ha="right", fontsize=9)
        axes.set_title(f"by {rows.by}" + (f"\nin {rows.where}" if rows.where else ""))
        axes.grid(False, axis="x")
    figure.axes[0].set_ylabel("requests that fail, %")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    told = "; ".join(f"by {rows.by}: {rows.hottest} {max(rows.shares):.1%}" for rows in readings)
    return Plot(figure, f"The hottest value {told}.")


@base.styled()
def plot_changes(night: Night) -> Plot:
    """Availability of each minute up to the page, and the changes of these hours as lines."""
    figure = base.new_figure(3.4)
    axes = figure.subplots()
    ends, good = zip(*night.minutes, strict=True)
    axes.plot([as_days(at) for at in ends], [100 * share for share in good], color=BLUE, lw=1.6)
    begin = max(night.first_bad() - timedelta(hours=3), ends[0])
    end = night.paged + 30 * MINUTE
    axes.axvspan(as_days(night.first_bad()), as_days(night.paged), color=VERMILION, alpha=0.18)
    shown = [(at, what) for at, what in night.changes() if begin <= at <= end]
    for number, (at, _) in enumerate(shown, 1):
        axes.axvline(as_days(at), color=GREY, ls="--", lw=1.2)
        axes.text(as_days(at), 101, str(number), ha="center", fontsize=9, color=INK)
    axes.set(title="Availability of each minute, and what was changed", ylabel="good, %")
    axes.title.set_position((0, 1.06))
    axes.set_ylim(min(100 * min(good) - 3, 90), 104)
    base.time_axis(axes, begin, end)
    told = "; ".join(f"{n} at {at:%H:%M}: {what}" for n, (at, what) in enumerate(shown, 1))
    page = f"bad from {night.first_bad():%H:%M}, paged at {night.paged:%H:%M}"
    return Plot(figure, f"{page}. Changes: {told or 'none'}.")
