"""Lesson 00: the night of 4 December 2024, and what was known of it at each minute.

When and how badly it failed are published facts, read from ``data/public_incidents.csv``. The
traffic is ours: even, and clean before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.alerting import AlertInterval
from oncall.counts import Counts
from oncall.slo import SLO, burn_rate, sli
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.lessons.common import PAGE_RULES, burn_lines
from oncall.workbook.lessons.public_incidents import read_rows
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats, Plot, Span, as_days
from oncall.workbook.plots.colours import BLUE, GREEN, INK, ORANGE, SHADE, SKY, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice

FIRST = datetime(2024, 12, 4, 23, 40, tzinfo=UTC)  # of what is shown
LAST = datetime(2024, 12, 5, 2, 30, tzinfo=UTC)
REQUESTS = 100  # a second: even traffic, so that any other number gives the same shares
CLEAN = 3 * DAY  # before the first failure, so that every window is full
DRAWN_WINDOWS = (HOUR, 30 * MINUTE)  # the window that starts the alert, and the one that holds it


# --- the night -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wave:
    """A stretch of the night in which this share of the requests failed.

    Each of the two had a cause of its own. ``resolved`` is when the operator declared both over,
    ``source`` the page that says all this, ``impact`` what users met, and ``status`` what a server
    logged of what failed.
    """

    start: datetime
    end: datetime
    error_ratio: float
    resolved: datetime
    source: str
    impact: str
    status: int = 500


@dataclass(frozen=True)
class Night:
    """The night at one target: its waves, every second's requests, and when each rule fired."""

    slo: SLO
    waves: tuple[Wave, ...]
    counts: Counts
    rules: tuple[AlertInterval, ...]

    @property
    def alerts(self) -> tuple[Span, ...]:
        """When the alert fires: the two rules share one, and it fires while either is met."""
        spans = [(rule.start, rule.end or self.counts.end) for rule in self.rules]
        return tuple(base.union(spans))


_TIMES = ("impact_start", "mitigated", "resolved")  # of a wave, and of the whole incident


def read_waves(path: str | Path) -> tuple[Wave, ...]:
    """The waves of 4 December 2024, from the file of public incidents."""
    waves = []
    for row in read_rows(path):
        if row.id.startswith("openai-2024-12-04"):
            start, end, resolved = (row.times[name] for name in _TIMES)
            told = (row.sources, row.impact, row.status or 500)
            waves.append(Wave(start, end, row.error_ratio, resolved, *told))
    return tuple(waves)


def outage(minutes: float, failing: float, start: str = "23:48") -> Wave:
    """An outage of your own in that night: so many minutes, in which this share of requests fails.

    ``start`` is a time of that night. A share outside 0 to 1, or a length that is not above 0, is a
    ``ValueError``.
    """
    if not 0 <= failing <= 1:
        raise ValueError(f"the share that fails is a number from 0 to 1, given {failing!r}")
    if not minutes > 0:
        raise ValueError(f"an outage lasts more than 0 minutes, given {minutes!r}")
    begin = moment(start)
    end = begin + timedelta(minutes=minutes)
    return Wave(begin, end, failing, end, "", f"{failing:.0%} of the requests fail")


def play_night(
    waves: Sequence[Wave], target: float = 0.999, valid: Callable[[int], bool] = lambda status: True
) -> Night:
    """The night with these waves: even traffic, every second counted, and no other failures.

    ``valid`` says of a status whether requests that end so are held against the service; those of
    which it says no are counted neither as good nor as bad.
    """
    slo = SLO("availability", target)
    start = waves[0].start - CLEAN
    total = np.full((LAST + HOUR - start) // SECOND, REQUESTS)
    good = total.copy()
    for wave in waves:
        first, last = (wave.start - start) // SECOND, (wave.end - start) // SECOND
        good[first:last] = round(REQUESTS * (1 - wave.error_ratio))
        if not valid(wave.status):
            total[first:last] = good[first:last]
    counts = Counts(start, SECOND, good.tolist(), total.tolist())
    return Night(slo, tuple(waves), counts, tuple(alert_intervals(counts, slo, PAGE_RULES)))


def moment(clock: str) -> datetime:
    """A time of that night as a moment: ``23:52`` is on the 4th, ``02:06:36`` on the 5th."""
    try:
        at = time.fromisoformat(clock)
    except ValueError:
        raise ValueError(
            f"{clock!r} is not a time of that night; write 23:52 or 23:48:52"
        ) from None
    return datetime.combine(date(2024, 12, 4 if at.hour >= 12 else 5), at, UTC)


# --- what was known ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What the telemetry said at one moment, and nothing of what came after.

    ``sli`` is that of the minute before, ``burns`` the burn rates of the last hour and half hour,
    ``spent`` the share of the month's error budget that the night had cost so far, ``rules`` the
    names of those firing, and ``alert_since`` when the alert began to fire, ``None`` while it did
    not.
    """

    at: datetime
    sli: float
    burns: tuple[float, ...]
    spent: float
    rules: tuple[str, ...]
    alert_since: datetime | None


def known_at(night: Night, at: datetime) -> Known:
    """What was known of the night at a moment between the first minute shown and the last."""
    if not FIRST <= at <= LAST:
        raise ValueError(f"the night goes from {FIRST:%H:%M} to {LAST:%H:%M}, given {at:%H:%M}")
    counts, last = night.counts, (at - night.counts.start) // SECOND

    def counted(length: timedelta) -> tuple[int, int]:
        part = slice(last - length // SECOND, last)
        return sum(counts.good[part]), sum(counts.total[part])

    good, total = counted(at - FIRST)
    budget = REQUESTS * (night.slo.period / SECOND) * night.slo.error_budget
    firing = [alert.rule for alert in night.rules if alert.start <= at < (alert.end or counts.end)]
    return Known(
        at,
        sli=sli(*counted(MINUTE)),
        burns=tuple(burn_rate(sli(*counted(window)), night.slo) for window in DRAWN_WINDOWS),
        spent=(total - good) / budget,
        rules=tuple(rule.name for rule in PAGE_RULES if rule in firing),
        alert_since=next((begin for begin, end in night.alerts if begin <= at < end), None),
    )


def incident_open(night: Night, resolved: datetime) -> list[Span]:
    """When your incident is open: from the page until you resolve it, then from the next page on.

    A page goes out when the alert begins to fire. One that fires on sends nothing new.
    """
    end = night.counts.end
    return base.union((begin, resolved if begin < resolved else end) for begin, _ in night.alerts)


QUESTIONS = {  # by the state of your incident, whether requests fail and whether the alert fires
    (None, False, False): "Nothing to decide.",
    (None, True, False): "It fails and no page has come. Do you wait?",
    ("open", True, True): "Users feel it. What do you try first?",
    ("open", False, True): "It looks fine and the alert still fires. Do you resolve?",
    ("open", False, False): "The alert has cleared. Do you resolve?",
    ("resolved", True, True): "You have resolved it, so the alert tells nobody. Who finds out?",
    ("resolved", False, True): "You have resolved it; it looks fine and the alert still fires. "
    "Do you sleep?",
    ("resolved", False, False): "You have resolved it and the alert has cleared.",
}


def _model(night: Night, now: datetime, resolved: datetime) -> Model:
    known, incident = known_at(night, now), None
    for begin, end in incident_open(night, resolved):
        if begin <= now:
            incident = "open" if now < end else "resolved"
    question = (incident, known.sli < 1, known.alert_since is not None)
    since = known.alert_since
    return {
        "now": f"{now:%H:%M}",
        "resolve": f"{resolved:%H:%M}",
        "sli": known.sli,
        "burn_1h": round(known.burns[0], 1),
        "burn_30m": round(known.burns[1], 1),
        "rules": ", ".join(known.rules) or None,
        "alert_since": None if since is None else f"{since:%H:%M:%S}",
        "incident": incident,
        "spent": round(known.spent, 4),
        "decide": QUESTIONS.get(question, "What do you do?"),
    }


RECORDS = {
    None: "no incident",
    "open": "your incident open",
    "resolved": "your incident resolved at {resolve}",
}


def _describe(model: Model) -> str:
    alert = "alert firing since {alert_since}" if model["alert_since"] else "no alert firing"
    parts = (
        "{now} UTC: {sli:.0%} of the last minute's requests good",
        "burn {burn_1h:.1f}x in the last hour, {burn_30m:.1f}x in the last half hour",
        alert,
        RECORDS[model["incident"]],
        "{spent:.1%} of the month's budget gone. {decide}",
    )
    return "; ".join(parts).format_map(model)


# --- the picture ---------------------------------------------------------------------------------

EVERY = 10  # seconds between two points of a curve; what fires is decided every second
BURN_AXIS = (0.5, 2000)


@base.styled()
def plot_night(night: Night, until: datetime, resolved: datetime) -> Plot:
    """The night as it was known at a moment, if you resolve at ``resolved``."""
    figure = base.new_figure(5.0)
    artists = _build_axes(figure, night)
    _update_artists(artists, _Curves(night), until, resolved)
    return Plot(figure, _describe(_model(night, until, resolved)))


@base.styled()
def night_explorer(night: Night, now: str = "23:52", resolve: str = "23:52") -> Explorer:
    """The night by the minute: what was known, and what becomes of it if you resolve early."""
    clocks, decisions = _clocks(FIRST), _clocks(moment("23:49"))
    if resolve not in decisions:
        raise ValueError(f"resolve in any minute from 23:49 to {LAST:%H:%M}, given {resolve!r}")
    curves, figure = _Curves(night), blank_figure(5.0)
    artists = _build_axes(figure, night)

    def update(now: str, resolve: str) -> Model:
        _update_artists(artists, curves, moment(now), moment(resolve))
        return _model(night, moment(now), moment(resolve))

    controls = {
        "now": choice("It is now (UTC)", clocks, now),
        "resolve": choice("You resolve at (UTC)", decisions, resolve),
    }
    return Explorer(figure, artists, controls, update, _describe)


def _clocks(first: datetime) -> dict[str, str]:
    """The minutes from one on as they are chosen: each by its own name."""
    clocks = [f"{first + MINUTE * number:%H:%M}" for number in range((LAST - first) // MINUTE + 1)]
    return {clock: clock for clock in clocks}


class _Curves:
    """The curves of the whole night, of which a picture shows the part up to now."""

    def __init__(self, night: Night):
        self.night = night
        shown = night.counts.slice(FIRST, LAST)
        minutes = shown.resample(MINUTE)
        self.edges = base.bucket_edges(minutes)
        self.sli = 100 * np.true_divide(minutes.good, minutes.total)
        self.ends = base.bucket_edges(shown)[EVERY::EVERY]
        recent = night.counts.slice(FIRST - max(DRAWN_WINDOWS), LAST)
        self.burns = {
            window: np.maximum(burn[-len(shown) :], BURN_AXIS[0] / 10)[EVERY - 1 :: EVERY]
            for window, burn in burn_rates(recent, night.slo, DRAWN_WINDOWS).items()
        }


def _build_axes(figure: Figure, night: Night) -> dict[str, Any]:
    """Draw axes, thresholds and legend; return the artists that show the night."""
    base.title_of(figure, f"The night of 4 December 2024, {night.slo}")
    top, middle, lanes = figure.subplots(3, sharex=True, height_ratios=(2, 2.4, 1.1))
    top.set(title="SLI of each minute, as known so far", ylabel="good, %", ylim=(-4, 104))
    (curve,) = top.plot([], [], color=BLUE, lw=1.8, label="SLI")
    middle.set(title="Burn rate", ylabel="burn rate, x", yscale="log", ylim=BURN_AXIS)
    middle.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    middle.minorticks_off()
    artists = {"sli": curve} | burn_lines(middle, DRAWN_WINDOWS, (SKY, ORANGE), lw=1.8)
    red = {"color": VERMILION, "alpha": SHADE, "lw": 0}
    for number in range(len(night.alerts)):
        label = "" if number else "alert fires"
        artists[f"shade {number}"] = middle.axvspan(0, 0, label=label, **red)
    lanes.set(title="What fires, and what you hold open", ylabel="state")
    base.label_rows(lanes, ["alert fires", "incident open"])
    lanes.grid(False)
    for name, colour in (("alert", VERMILION), ("incident", GREEN)):
        (artists[name],) = lanes.plot([], [], color=colour, lw=11, solid_capstyle="butt")
    for number, axes in enumerate(figure.axes):
        artists[f"now {number}"] = axes.axvline(as_days(FIRST), color=INK, lw=1)
    _build_clock(lanes)
    base.legend_below(figure, ncols=4, columnspacing=1.4, handlelength=1.6)
    return artists


def _build_clock(axes: Axes) -> None:
    axes.set_xlim(as_days(FIRST), as_days(LAST))
    axes.xaxis.set_major_locator(dates.MinuteLocator(byminute=range(0, 60, 20), tz=UTC))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=UTC))
    axes.set_xlabel("time (UTC); the black line is now")


def _update_artists(
    artists: dict[str, Any], curves: _Curves, now: datetime, resolved: datetime
) -> None:
    minutes, points = (now - FIRST) // MINUTE, (now - FIRST) // (SECOND * EVERY)
    edges, alerts = np.repeat(curves.edges[: minutes + 1], 2)[1:-1], curves.night.alerts
    artists["sli"].set_data(edges, np.repeat(curves.sli[:minutes], 2))
    for window, burn in curves.burns.items():
        artists[f"burn {duration_text(window)}"].set_data(curves.ends[:points], burn[:points])
    for number, (begin, end) in enumerate(alerts):
        width = max(0.0, (min(end, now) - begin) / DAY)
        artists[f"shade {number}"].set(x=as_days(begin), width=width)
    artists["alert"].set_data(*_bars(alerts, now, 0))
    artists["incident"].set_data(*_bars(incident_open(curves.night, resolved), now, 1))
    for number in range(3):
        artists[f"now {number}"].set_xdata([as_days(now)] * 2)


def _bars(spans: Iterable[Span], now: datetime, row: int) -> tuple[Floats, Floats]:
    """The parts of the spans before now, as the points of one line with gaps."""
    x: list[float] = []
    for begin, end in spans:
        if begin < now:
            x += [as_days(begin), as_days(min(end, now)), np.nan]
    return np.array(x), np.full(len(x), float(row))
