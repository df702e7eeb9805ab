"""Lesson 07: the public incidents as their times, how those spread, and an explorer on one axis.

The times are published facts from ``data/public_incidents.csv``. An empty field there is unknown,
never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean, median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.files import reading_csv
from oncall.incident import Incident
from oncall.times import MINUTE, duration_text, parse_moment
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Look, Plot
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, INK, ORANGE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, slider

TIMES = ("impact_start", "detected", "first_update", "mitigated", "resolved")
NAMES = {"first_update": "first public post", "mitigated": "mitigated", "resolved": "resolved"}
MARKS: dict[str, Look] = {  # so that two marks in one place can both be seen
    "first_update": {"marker": "o", "color": ORANGE, "ms": 6},
    "mitigated": {"marker": "s", "color": GREEN, "ms": 9, "mfc": "none", "mew": 1.8},
    "resolved": {"marker": "D", "color": BLUE, "ms": 5},
}
SHORTEST, LONGEST = 0.8, 800  # minutes, of the axis
TICKS = (1, 3, 10, 30, 100, 300)


# --- one incident --------------------------------------------------------------------------------


def times_text(incident: Incident) -> str:
    """An incident's five times: ``ttd 52s, tta 1m8s, ttm 3m8s, ttr unknown, impact 4m``."""
    times = vars(incident.metrics())
    return ", ".join(f"{name} {duration_text(length)}" for name, length in times.items())


# --- the public incidents ------------------------------------------------------------------------


@dataclass(frozen=True)
class PublicIncident:
    """A public incident, or one wave of it, as published.

    ``times`` are those that are known, by their column of the file. ``error_ratio`` is the share of
    the requests that failed, ``nan`` where it is unknown; ``sources`` the pages that say all this,
    ``impact`` what users met, ``status`` the HTTP status of what failed where it is published.
    """

    id: str
    provider: str
    times: dict[str, datetime]
    error_ratio: float
    sources: str
    impact: str = ""
    status: int | None = None

    def minutes_to(self, name: str) -> float | None:
        """Minutes from the start of the impact to this time; ``None`` when either is unknown."""
        start, end = self.times.get("impact_start"), self.times.get(name)
        return None if start is None or end is None else (end - start) / MINUTE


def read_rows(path: str | Path) -> list[PublicIncident]:
    """The rows of the file of public incidents, in its order: one for each wave of an incident."""
    with reading_csv(path) as rows:
        return list(map(_incident, rows))


def _incident(row: dict[str, str]) -> PublicIncident:
    times = {name: parse_moment(row[name], name) for name in TIMES if row[name]}
    ratio = float(row["error_ratio"] or "nan")
    status = int(row["status"]) if row["status"] else None
    told = (row["sources"], row["impact"], status)
    return PublicIncident(row["id"], row["provider"], times, ratio, *told)


def read_public(path: str | Path) -> list[PublicIncident]:
    """The incidents of the file of public incidents, in its order.

    Rows that cite the same pages are waves of one incident: it starts with the first wave, and the
    last mitigation counts.
    """
    found: dict[str, PublicIncident] = {}
    for wave in read_rows(path):
        first = found.setdefault(wave.sources, wave)
        ends = {name: wave.times[name] for name in ("mitigated", "resolved") if name in wave.times}
        found[wave.sources] = replace(first, times=first.times | ends)
    return list(found.values())


@dataclass(frozen=True)
class Summary:
    """How many lengths there are, in minutes, their median and their mean."""

    n: int
    median: float
    mean: float


def summary(minutes: Iterable[float | None], leave_out: int = 0) -> Summary:
    """The summary of the lengths that are known, without the longest ``leave_out`` of them.

    A ``ValueError`` when none is left.
    """
    known = sorted(length for length in minutes if length is not None)
    count = len(known)
    if not 0 <= leave_out < count:
        raise ValueError(f"cannot leave out {leave_out} of {count} lengths; give 0 to {count - 1}")
    rest = known[: count - leave_out]
    return Summary(len(rest), median(rest), mean(rest))


# --- the picture ---------------------------------------------------------------------------------


@base.styled()
def plot_outages(incidents: Sequence[PublicIncident]) -> Plot:
    """Public incidents below each other, aligned at the start of their impact.

    Marks show when users were told, when it was mitigated and when it was over.
    """
    rows, figure = rows_of(incidents), base.new_figure(5.0)
    _build_axes(figure, rows)
    base.legend_below(figure)
    parts = []
    for name in MARKS:
        known = [length for length, _ in _known(rows, name)]
        spread = f"{min(known):.0f} to {max(known):.0f} minutes, median {median(known):.4g}"
        parts.append(f"{NAMES[name]} n {len(known)}, {spread}")
    title = f"{len(rows)} public incidents from the start of their impact"
    return Plot(figure, f"{title}: {'; '.join(parts)}.")


def rows_of(incidents: Iterable[PublicIncident]) -> list[PublicIncident]:
    """The incidents whose length is known, which can be drawn: the quickest resolved first."""
    known = [incident for incident in incidents if incident.minutes_to("resolved") is not None]
    return sorted(known, key=lambda incident: (incident.minutes_to("resolved"), incident.id))


def _known(rows: Sequence[PublicIncident], name: str) -> list[tuple[float, int]]:
    """The minutes from impact to a time, where they are known, each with the number of its row."""
    lengths = [(incident.minutes_to(name), row) for row, incident in enumerate(rows)]
    return [(length, row) for length, row in lengths if length is not None]


@base.styled()
def outages_explorer(incidents: Sequence[PublicIncident]) -> Explorer:
    """All incidents on one axis, with mean and median of an interval without the longest few."""
    rows, figure = rows_of(incidents), blank_figure(5.4)
    axes = _build_axes(figure, rows)
    mean_line = axes.axvline(1, color=VERMILION, lw=1.6, ls="--", label="mean of this interval")
    median_line = axes.axvline(1, color=INK, lw=1.6, label="its median")
    (out,) = axes.plot([], [], "x", color=INK, ms=11, mew=2, label="left out")
    base.legend_below(figure)

    def update(interval: str, leave_out: int) -> Model:
        known = sorted(_known(rows, interval))
        found = summary((length for length, _ in known), leave_out)
        mean_line.set_xdata([found.mean] * 2)
        median_line.set_xdata([found.median] * 2)
        longest = known[found.n :]
        out.set_data([length for length, _ in longest], [row for _, row in longest])
        averages = {"median_minutes": found.median, "mean_minutes": found.mean}
        model = {"interval": interval, "left_out": leave_out, "n": found.n}
        return model | {name: round(minutes, 1) for name, minutes in averages.items()}

    artists = {"mean": mean_line, "median": median_line, "out": out}
    intervals = {NAMES[name]: name for name in MARKS}
    controls = {
        "interval": choice("Time from impact to", intervals, "resolved"),
        "leave_out": slider("Leave out the longest (incidents)", 0, 6, 1, 0),
    }
    return Explorer(figure, artists, controls, update, _describe)


def _describe(model: Model) -> str:
    left_out = ", the longest {left_out} left out" if model["left_out"] else ""
    text = (
        "From impact to {name}: n {n}" + left_out + "; median {median_minutes:.1f} minutes, "
        "mean {mean_minutes:.1f} minutes, {times:.2f} times the median."
    )
    times = model["mean_minutes"] / model["median_minutes"]
    return text.format(name=NAMES[model["interval"]], times=times, **model)


def _build_axes(figure: Figure, rows: Sequence[PublicIncident]) -> Axes:
    """Draw one row for each incident, with its marks."""
    base.title_of(figure, "Public outages, aligned at the start of their impact")
    axes = figure.subplots()
    for length, row in _known(rows, "resolved"):
        axes.plot([SHORTEST, length], [row, row], color="#C8C8C8", lw=1.2, zorder=1)
    for name, mark in MARKS.items():
        known = _known(rows, name)
        minutes, places = [length for length, _ in known], [row for _, row in known]
        axes.plot(minutes, places, ls="", label=NAMES[name], **mark)
    axes.set_title("Users were told, it was mitigated, it was over")
    axes.set(xscale="log", xlim=(SHORTEST, LONGEST), ylabel="operator and date (UTC)")
    axes.set_xlabel("minutes since the impact began, on a logarithmic axis")
    axes.set_xticks(TICKS, [str(minutes) for minutes in TICKS])
    axes.minorticks_off()
    labels = [f"{incident.provider} {incident.times['impact_start']:%Y-%m-%d}" for incident in rows]
    base.label_rows(axes, labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(GREY)
    axes.grid(axis="y", visible=False)
    return axes
