"""Lesson 00: the night of 4 December 2024, what was known of it at each minute, and the explorer that steps through it.

When and how badly it failed are published facts, read from ``data/public_incidents.csv``. The traffic is ours: even,
and clean before.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from matplotlib import dates
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from oncall.alerting import AlertInterval, google_policy
from oncall.counts import Counts
from oncall.slo import SLO, burn_rate, sli
from oncall.telemetry.engine import alert_intervals
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text, parse_moment
from oncall.workbook.plots import base as plots
from oncall.workbook.plots.base import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    SHADE,
    SKY,
    VERMILION,
    Floats,
    Plot,
    Span,
    as_days,
    rolling_burn,
)
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, styled

FIRST, LAST = (
    datetime(2024, 12, 4, 23, 40, tzinfo=UTC),
    datetime(2024, 12, 5, 2, 30, tzinfo=UTC),
)  # what is shown
REQUESTS = 100  # a second: even traffic, so that any other number gives the same shares
CLEAN = 3 * DAY  # before the first failure, so that every window is full
PAGES = google_policy()[:2]  # the two rules that page; the tickets can wait until morning
WINDOWS = (HOUR, 30 * MINUTE)  # the window that starts the alert, and the one that holds it
COLOURS = (SKY, ORANGE)
EVERY = 10  # seconds between two points of a curve; what fires is decided every second
LOWEST_BURN, HIGHEST_BURN = 0.5, 2000  # of the axis


# --- the night -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wave:
    """A stretch of the night in which this share of the requests failed.

    ``resolved`` is when the operator declared the whole incident over, ``source`` the page that says all this.
    """

    start: datetime
    end: datetime
    error_ratio: float
    resolved: datetime
    source: str


@dataclass(frozen=True)
class Night:
    """The night at one target: its waves, every second's requests, and when each of the two rules fired."""

    slo: SLO
    waves: tuple[Wave, ...]
    counts: Counts
    rules: tuple[AlertInterval, ...]

    @property
    def alerts(self) -> tuple[Span, ...]:
        """From when until when the alert fires: the two rules share one, and it fires while either is met."""
        spans = [(rule.start, rule.end or self.counts.end) for rule in self.rules]
        return tuple(plots.union(spans))


def read_waves(path: str | Path) -> tuple[Wave, ...]:
    """The waves of 4 December 2024, from the file of public incidents."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["id"].startswith("openai-2024-12-04")]
    return tuple(
        Wave(
            start=parse_moment(row["impact_start"], "impact_start"),
            end=parse_moment(row["mitigated"], "mitigated"),
            error_ratio=float(row["error_ratio"]),
            resolved=parse_moment(row["resolved"], "resolved"),
            source=row["sources"],
        )
        for row in rows
    )


def play(waves: tuple[Wave, ...], target: float = 0.999) -> Night:
    """The night with these waves: even traffic, nothing failing outside them, every second counted."""
    slo = SLO("availability", target)
    start = waves[0].start - CLEAN
    total = np.full((LAST + HOUR - start) // SECOND, REQUESTS)
    good = total.copy()
    for wave in waves:
        good[(wave.start - start) // SECOND : (wave.end - start) // SECOND] = round(
            REQUESTS * (1 - wave.error_ratio)
        )
    counts = Counts(start, SECOND, good.tolist(), total.tolist())
    return Night(slo, waves, counts, tuple(alert_intervals(counts, slo, PAGES)))


def moment(clock: str) -> datetime:
    """A time of that night as a moment: ``23:52`` is on the 4th, ``00:07`` and ``02:06:36`` are on the 5th."""
    try:
        time_of_day = time.fromisoformat(clock)
    except ValueError:
        raise ValueError(
            f"{clock!r} is not a time of that night; write 23:52, or 23:48:52 to the second"
        ) from None
    return datetime.combine(date(2024, 12, 4 if time_of_day.hour >= 12 else 5), time_of_day, UTC)


# --- what was known ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What the telemetry said at one moment, and nothing of what came after.

    ``sli`` is that of the minute before, ``burns`` the burn rates of the last hour and half hour, ``spent`` the
    share of the month's error budget that the night had cost so far, ``rules`` the names of those firing, and
    ``alert_since`` when the alert began to fire, ``None`` while it did not.
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

    def counted(length: timedelta) -> tuple[int, int]:
        last = (at - night.counts.start) // SECOND
        part = slice(last - length // SECOND, last)
        return int(np.sum(night.counts.good[part])), int(np.sum(night.counts.total[part]))

    good, total = counted(at - FIRST)
    firing = [
        fired.rule
        for fired in night.rules
        if fired.start <= at and (fired.end is None or at < fired.end)
    ]
    return Known(
        at,
        sli=sli(*counted(MINUTE)),
        burns=tuple(burn_rate(sli(*counted(window)), night.slo) for window in WINDOWS),
        spent=(total - good) / (REQUESTS * (night.slo.period / SECOND) * night.slo.error_budget),
        rules=tuple(rule.name for rule in PAGES if rule in firing),
        alert_since=next((begin for begin, end in night.alerts if begin <= at < end), None),
    )


def incident_open(night: Night, resolved: datetime) -> list[Span]:
    """When your incident is open: from the page until you resolve it, and after that from the next page on.

    A page goes out when the alert begins to fire. One that fires on sends nothing new.
    """
    return plots.union(
        (begin, resolved if begin < resolved else night.counts.end) for begin, _ in night.alerts
    )


def _question(known: Known, incident: str | None) -> str:
    """The decision that this minute asks for."""
    fails, fires = known.sli < 1, known.alert_since is not None
    return {
        (None, False, False): "Nothing to decide.",
        (None, True, False): "It fails and no page has come. Do you wait?",
        ("open", True, True): "Users feel it. What do you try first?",
        ("open", False, True): "It looks fine and the alert still fires. Do you resolve?",
        ("open", False, False): "The alert has cleared. Do you resolve?",
        (
            "resolved",
            False,
            True,
        ): "You have resolved it; it looks fine and the alert still fires. Do you sleep?",
        ("resolved", True, True): "You have resolved it, so the alert tells nobody. Who finds out?",
        ("resolved", False, False): "You have resolved it and the alert has cleared.",
    }.get((incident, fails, fires), "What do you do?")


def _model(night: Night, now: datetime, resolved: datetime) -> Model:
    known = known_at(night, now)
    spans = incident_open(night, resolved)
    paged = any(begin <= now for begin, _ in spans)
    is_open = any(begin <= now < end for begin, end in spans)
    incident = "open" if is_open else "resolved" if paged else None
    return {
        "now": f"{now:%H:%M}",
        "resolve": f"{resolved:%H:%M}",
        "sli": known.sli,
        "burn_1h": round(known.burns[0], 1),
        "burn_30m": round(known.burns[1], 1),
        "rules": ", ".join(known.rules) or None,
        "alert_since": known.alert_since and f"{known.alert_since:%H:%M:%S}",
        "incident": incident,
        "spent": round(known.spent, 4),
        "decide": _question(known, incident),
    }


def _describe(model: Model) -> str:
    alert = (
        f"alert firing since {model['alert_since']}" if model["alert_since"] else "no alert firing"
    )
    record = {
        None: "no incident",
        "open": "your incident open",
        "resolved": f"your incident resolved at {model['resolve']}",
    }[model["incident"]]
    return (
        f"{model['now']} UTC: {model['sli']:.0%} of the last minute's requests good; burn {model['burn_1h']:.1f}x in "
        f"the last hour, {model['burn_30m']:.1f}x in the last half hour; {alert}; {record}; "
        f"{model['spent']:.1%} of the month's budget gone. {model['decide']}"
    )


# --- the picture ---------------------------------------------------------------------------------


def plot_night(night: Night, until: datetime, resolved: datetime) -> Plot:
    """The night as it was known at a moment, if you resolve then and then: SLI, burn rate, alert, and your incident."""
    with styled():
        figure = Figure(figsize=(plots.WIDTH, 5.0), layout="constrained")
        artists = _stage(figure, night)
    _show(artists, _Curves(night), until, resolved)
    return Plot(figure, _describe(_model(night, until, resolved)))


def step_through_the_night(night: Night, now: str = "23:52", resolve: str = "23:52") -> Explorer:
    """The night minute by minute: what was known then and no more, and what becomes of it if you resolve it early."""
    decisions = _clocks(moment("23:49"))
    if resolve not in decisions:
        raise ValueError(
            f"you can resolve in any minute from 23:49 to {LAST:%H:%M}, given {resolve!r}"
        )
    curves = _Curves(night)
    with styled():
        figure = blank_figure(5.0)
        artists = _stage(figure, night)

    def update(now: str, resolve: str) -> Model:
        _show(artists, curves, moment(now), moment(resolve))
        return _model(night, moment(now), moment(resolve))

    return Explorer(
        figure,
        artists,
        {
            "now": choice("It is now (UTC)", _clocks(FIRST), now),
            "resolve": choice("You resolve at (UTC)", decisions, resolve),
        },
        update,
        _describe,
    )


def _clocks(first: datetime) -> dict[str, str]:
    clocks = [f"{first + MINUTE * number:%H:%M}" for number in range((LAST - first) // MINUTE + 1)]
    return dict(zip(clocks, clocks, strict=True))


class _Curves:
    """The curves of the whole night, of which a picture shows the part up to now."""

    def __init__(self, night: Night):
        self.night = night
        shown = night.counts.slice(FIRST, LAST)
        self.ends = as_days(FIRST) + np.arange(len(shown) + 1)[EVERY::EVERY] * (SECOND / DAY)
        minutes = shown.resample(MINUTE)
        self.edges = as_days(FIRST) + np.arange(len(minutes) + 1) * (MINUTE / DAY)
        self.sli = 100 * np.true_divide(minutes.good, minutes.total)
        recent = night.counts.slice(FIRST - max(WINDOWS), LAST)
        self.burns = [
            np.maximum(
                rolling_burn(recent, night.slo, window)[EVERY - 1 :: EVERY], LOWEST_BURN / 10
            )[-len(self.ends) :]
            for window in WINDOWS
        ]


def _stage(figure: Figure, night: Night) -> dict[str, Artist]:
    """What never moves: axes, thresholds, legends. Returns what does."""
    figure.suptitle(f"The night of 4 December 2024, {night.slo}", x=0.01, ha="left")
    top, middle, lanes = figure.subplots(3, sharex=True, height_ratios=(2, 2.4, 1.1))
    artists: dict[str, Artist] = {}
    top.set(title="SLI of each minute, as known so far", ylabel="good, %", ylim=(-4, 104))
    artists["sli"] = top.plot([], [], color=BLUE, lw=1.8, label="SLI")[0]
    middle.set(
        title="Burn rate", ylabel="burn rate, x", yscale="log", ylim=(LOWEST_BURN, HIGHEST_BURN)
    )
    middle.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    middle.minorticks_off()
    for window, rule, colour in zip(WINDOWS, PAGES, COLOURS, strict=True):
        label = f"last {duration_text(window)} (dashed: {rule.factor:.4g}x)"
        artists[f"burn {window // MINUTE}m"] = middle.plot(
            [], [], color=colour, lw=1.8, label=label
        )[0]
        middle.axhline(rule.factor, color=colour, lw=1, ls="--")
    for number in range(len(night.alerts)):
        label = "" if number else "alert fires"
        artists[f"shade {number}"] = middle.axvspan(
            0, 0, color=VERMILION, alpha=SHADE, lw=0, label=label
        )
    lanes.set(title="What fires, and what you hold open", ylabel="state")
    lanes.set_yticks([0, 1], ["alert fires", "incident open"])
    lanes.set_ylim(1.6, -0.6)
    lanes.grid(False)
    artists["alert"] = lanes.plot([], [], color=VERMILION, lw=11, solid_capstyle="butt")[0]
    artists["incident"] = lanes.plot([], [], color=GREEN, lw=11, solid_capstyle="butt")[0]
    for name, axes in (("now top", top), ("now middle", middle), ("now lanes", lanes)):
        artists[name] = axes.axvline(as_days(FIRST), color=INK, lw=1)
    lanes.set_xlim(as_days(FIRST), as_days(LAST))
    lanes.xaxis.set_major_locator(dates.MinuteLocator(byminute=range(0, 60, 20), tz=UTC))
    lanes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=UTC))
    lanes.set_xlabel("time (UTC); the black line is now")
    figure.legend(loc="outside lower left", ncols=4, columnspacing=1.4, handlelength=1.6)
    return artists


def _show(artists: dict[str, Artist], curves: _Curves, now: datetime, resolved: datetime) -> None:
    minutes, points = (now - FIRST) // MINUTE, (now - FIRST) // SECOND // EVERY
    artists["sli"].set(
        data=(np.repeat(curves.edges[: minutes + 1], 2)[1:-1], np.repeat(curves.sli[:minutes], 2))
    )
    for window, burns in zip(WINDOWS, curves.burns, strict=True):
        artists[f"burn {window // MINUTE}m"].set(data=(curves.ends[:points], burns[:points]))
    for number, (begin, end) in enumerate(curves.night.alerts):
        artists[f"shade {number}"].set(
            x=as_days(begin), width=max(0.0, (min(end, now) - begin) / DAY)
        )
    artists["alert"].set(data=_bars(curves.night.alerts, now, 0))
    artists["incident"].set(data=_bars(incident_open(curves.night, resolved), now, 1))
    for name in ("now top", "now middle", "now lanes"):
        artists[name].set(xdata=[as_days(now)] * 2)


def _bars(spans: tuple[Span, ...] | list[Span], now: datetime, row: int) -> tuple[Floats, Floats]:
    """The parts of the spans before now, as the points of one line with gaps."""
    x = [
        day
        for begin, end in spans
        if begin < now
        for day in (as_days(begin), as_days(min(end, now)), np.nan)
    ]
    return np.array(x), np.full(len(x), float(row))
