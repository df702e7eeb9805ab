"""Lesson 05: the public incidents as their times, how those spread, and the explorer that lays them on one axis.

The times are published facts from ``data/public_incidents.csv``. An empty field there is unknown, never zero.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.incident import Incident
from oncall.times import MINUTE, duration_text, parse_moment
from oncall.workbook.plots import base as plots
from oncall.workbook.plots.base import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, Plot
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, slider, styled

TIMES = ("impact_start", "detected", "first_update", "mitigated", "resolved")
NAMES = {"first_update": "first public post", "mitigated": "mitigated", "resolved": "resolved"}
MARKS: dict[str, dict[str, Any]] = {  # so that two marks in one place can both be seen
    "first_update": {"marker": "o", "color": ORANGE, "ms": 6},
    "mitigated": {"marker": "s", "color": GREEN, "ms": 9, "mfc": "none", "mew": 1.8},
    "resolved": {"marker": "D", "color": BLUE, "ms": 5},
}
SHORTEST, LONGEST = 0.8, 800  # minutes, of the axis


# --- one incident --------------------------------------------------------------------------------


def times_text(incident: Incident) -> str:
    """An incident's five times as one line: ``ttd 52s, tta 1m8s, ttm 3m8s, ttr unknown, impact 4m``."""
    return ", ".join(
        f"{name} {duration_text(length)}" for name, length in vars(incident.metrics()).items()
    )


# --- the public incidents ------------------------------------------------------------------------


@dataclass(frozen=True)
class PublicIncident:
    """One public incident: who operates the service, and the times that are known, by their column of the file."""

    id: str
    provider: str
    times: dict[str, datetime]

    def minutes_to(self, name: str) -> float | None:
        """Minutes from the start of the impact to this time; ``None`` when either is unknown."""
        start, end = self.times.get("impact_start"), self.times.get(name)
        return None if start is None or end is None else (end - start) / MINUTE


def read_public(path: str | Path) -> list[PublicIncident]:
    """The incidents of the file of public incidents, in its order.

    Two rows that cite the same pages are waves of one incident: it starts with the first wave, and the last
    mitigation counts.
    """
    found: dict[str, PublicIncident] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            times = {name: parse_moment(row[name], name) for name in TIMES if row[name]}
            wave = found.get(row["sources"], PublicIncident(row["id"], row["provider"], times))
            ends = {name: times[name] for name in ("mitigated", "resolved") if name in times}
            found[row["sources"]] = replace(wave, times=wave.times | ends)
    return list(found.values())


@dataclass(frozen=True)
class Summary:
    """How many lengths there are, in minutes, what lies in their middle, and their mean."""

    n: int
    median: float
    mean: float


def summary(minutes: Iterable[float | None], leave_out: int = 0) -> Summary:
    """The summary of the lengths that are known, without the longest few. A ``ValueError`` when none is left."""
    known = sorted(length for length in minutes if length is not None)
    if not 0 <= leave_out < len(known):
        raise ValueError(
            f"cannot leave out {leave_out} of {len(known)} lengths; give from 0 to {len(known) - 1}"
        )
    kept = known[: len(known) - leave_out]
    return Summary(len(kept), median(kept), mean(kept))


# --- the picture ---------------------------------------------------------------------------------


def plot_outages(incidents: Sequence[PublicIncident]) -> Plot:
    """Public incidents below each other, all beginning at their impact start: when they were told, mitigated, over."""
    with styled():
        figure = Figure(figsize=(plots.WIDTH, 5.0), layout="constrained")
        _stage(figure, rows_of(incidents))
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)
    return Plot(figure, describe_outages(incidents))


def describe_outages(incidents: Sequence[PublicIncident]) -> str:
    """The numbers of ``plot_outages`` as one line: for each mark how many incidents have it, their range and median."""
    parts = []
    for name in MARKS:
        known = [length for one in incidents if (length := one.minutes_to(name)) is not None]
        parts.append(
            f"{NAMES[name]} n {len(known)}, {min(known):.0f} to {max(known):.0f} minutes, median {median(known):.4g}"
        )
    return f"{len(rows_of(incidents))} public incidents from the start of their impact: {'; '.join(parts)}."


def rows_of(incidents: Sequence[PublicIncident]) -> list[PublicIncident]:
    """The incidents that can be drawn, for their impact start is known: the quickest resolved first."""
    return sorted(
        (one for one in incidents if one.minutes_to("resolved") is not None),
        key=lambda one: (one.minutes_to("resolved"), one.id),
    )


def outages_on_one_axis(incidents: Sequence[PublicIncident]) -> Explorer:
    """All incidents on one axis: the mean and the median of an interval, and what the longest few do to each."""
    rows = rows_of(incidents)
    with styled():
        figure = blank_figure(5.4)
        axes = _stage(figure, rows)
        mean_line = axes.axvline(1, color=VERMILION, lw=1.6, ls="--", label="mean of this interval")
        median_line = axes.axvline(1, color=INK, lw=1.6, label="its median")
        (out,) = axes.plot([], [], "x", color=INK, ms=11, mew=2, label="left out")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)
    artists: dict[str, Artist] = {"mean": mean_line, "median": median_line, "out": out}

    def update(interval: str, leave_out: int) -> Model:
        known = [
            (length, row)
            for row, one in enumerate(rows)
            if (length := one.minutes_to(interval)) is not None
        ]
        found = summary((length for length, _ in known), leave_out)
        longest = sorted(known)[found.n :]
        mean_line.set_xdata([found.mean] * 2)
        median_line.set_xdata([found.median] * 2)
        out.set_data([length for length, _ in longest], [row for _, row in longest])
        return {
            "interval": interval,
            "left_out": leave_out,
            "n": found.n,
            "median_minutes": round(found.median, 1),
            "mean_minutes": round(found.mean, 1),
        }

    return Explorer(
        figure,
        artists,
        {
            "interval": choice(
                "Time from impact to", {NAMES[name]: name for name in MARKS}, "resolved"
            ),
            "leave_out": slider("Leave out the longest (incidents)", 0, 6, 1, 0),
        },
        update,
        _describe,
    )


def _describe(model: Model) -> str:
    left_out = f", the longest {model['left_out']} left out" if model["left_out"] else ""
    name = NAMES[model["interval"]]
    times = model["mean_minutes"] / model["median_minutes"]
    return (
        f"From impact to {name}: n {model['n']}{left_out}; median {model['median_minutes']:.1f} minutes, "
        f"mean {model['mean_minutes']:.1f} minutes, {times:.2f} times the median."
    )


def _stage(figure: Figure, rows: Sequence[PublicIncident]) -> Axes:
    """A row an incident, and its marks."""
    axes = figure.subplots()
    figure.suptitle("Public outages, aligned at the start of their impact", x=0.01, ha="left")
    for row, one in enumerate(rows):
        axes.plot(
            [SHORTEST, one.minutes_to("resolved") or SHORTEST],
            [row, row],
            color="#C8C8C8",
            lw=1.2,
            zorder=1,
        )
    for name, look in MARKS.items():
        known = [
            (length, row)
            for row, one in enumerate(rows)
            if (length := one.minutes_to(name)) is not None
        ]
        axes.plot(*np.array(known).T, ls="", label=NAMES[name], **look)
    axes.set(
        xscale="log",
        xlim=(SHORTEST, LONGEST),
        xlabel="minutes since the impact began, on a logarithmic axis",
    )
    axes.set_xticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
    axes.minorticks_off()
    labels = [f"{one.provider} {one.times['impact_start']:%Y-%m-%d}" for one in rows]
    axes.set_title("Users were told, it was mitigated, it was over")
    axes.set_ylabel("operator and date (UTC)")
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the quickest on top
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(GREY)
    axes.grid(axis="y", visible=False)
    return axes
