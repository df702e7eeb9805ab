"""Lesson 03: outages that come back, the explorer in which you spend budget unseen, six ways to alert on a month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oncall.alerting import AlertInterval, Policy, google_policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry.backtest import History
from oncall.telemetry.engine import Counters, alert_intervals, burn_rates
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.plots.base import BLUE, GREY, INK, ORANGE, VERMILION, Floats
from oncall.workbook.plots.explorer import (
    Explorer,
    Model,
    blank_figure,
    choice,
    envelope,
    slider,
    styled,
)

THREE_NINES = SLO("availability", 0.999)
PAGES = google_policy()[:2]  # the two rules that page; exactly at their factors they are silent
WINDOWS = (HOUR, 6 * HOUR)
COLOURS = (BLUE, ORANGE)
REQUESTS = 1000  # a second: even traffic, and every whole percentage is a whole number of requests
CLEAN = 6 * HOUR  # before the first outage, so that both long windows are full
START = datetime(2025, 3, 5, tzinfo=UTC)  # of the first outage; any day would do
PIXELS = 840
HIGHEST_BURN, HIGHEST_SPENT = (
    18.0,
    60.0,
)  # of the axes: what is above has paged, or is after the page


# --- outages that come back ----------------------------------------------------------------------


@dataclass(frozen=True)
class Attack:
    """A day of outages that come back: when it first pages, and the shares of the month's budget that it spends.

    ``paged_after`` is from the start of the first outage, ``None`` for a day in silence. ``unseen`` is what is gone
    before the page, ``day`` what is gone after 24 hours, ``burn`` the burn rate of the day.
    """

    paged_after: timedelta | None
    unseen: float
    day: float
    burn: float


def outages(length: timedelta, every: timedelta, error_ratio: float) -> Counters:
    """A day of even traffic by the second, after clean hours: this share fails for ``length``, again each ``every``."""
    if not timedelta() < length <= every:
        raise ValueError(
            f"an outage must last above zero and at most {duration_text(every)}, given {length}"
        )
    second = np.arange(DAY // SECOND) % (every // SECOND)
    bad = np.zeros((CLEAN + DAY) // SECOND, dtype=np.int64)
    bad[CLEAN // SECOND :] = np.where(second < length // SECOND, round(REQUESTS * error_ratio), 0)
    total = np.full_like(bad, REQUESTS)
    return Counters(START - CLEAN, SECOND, _counter(total - bad), _counter(total))


def attack(counts: Counters, policy: Policy, slo: SLO = THREE_NINES) -> Attack:
    """What a day of ``outages`` spends, and when this policy first pages."""
    spent = budget_spent(counts, slo)
    fired = alert_intervals(counts, slo, policy)
    first = min((alert.start for alert in fired if alert.rule.action == "page"), default=None)
    unseen = spent[-1] if first is None else spent[(first - START) // SECOND]
    return Attack(
        None if first is None else first - START,
        float(unseen),
        float(spent[-1]),
        float(spent[-1]) * (slo.period / DAY),
    )


def budget_spent(counts: Counters, slo: SLO = THREE_NINES) -> Floats:
    """The share of the month's budget gone at each second from the first outage on."""
    bad = (counts.total - counts.good)[CLEAN // SECOND :]
    return np.asarray(bad / (REQUESTS * (slo.period / SECOND) * slo.error_budget), dtype=np.float64)


def _counter(each: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(each)))


# --- be the adversary ----------------------------------------------------------------------------

RULES = {
    f"{PAGES[0].factor:g}x": 1,
    f"{PAGES[0].factor:g}x, {PAGES[1].factor:g}x": 2,
}  # the name, and how many
EVERY = {duration_text(MINUTE * minutes): minutes for minutes in (5, 10, 15, 20, 30, 60, 120)}


def be_the_adversary(slo: SLO = THREE_NINES) -> Explorer:
    """An outage that comes back all day: how much of the month's budget it spends before anybody is paged."""
    with styled():
        figure = blank_figure(4.8)
        artists = _stage(figure)

    def update(rules: int, every: int, seconds: int, percent: int) -> Model:
        counts = outages(SECOND * seconds, MINUTE * every, percent / 100)
        result = attack(counts, PAGES[:rules], slo)
        _show(artists, counts, result, slo)
        return {
            "rules": rules,
            "every_minutes": every,
            "seconds": seconds,
            "percent": percent,
            "burn": round(result.burn, 2),
            "paged_after": None
            if result.paged_after is None
            else duration_text(result.paged_after),
            "spent_unseen": round(result.unseen, 4),
            "spent_in_a_day": round(result.day, 4),
        }

    return Explorer(
        figure,
        artists,
        {
            "rules": choice("Rules that page", RULES, 1),
            "every": choice("An outage every", EVERY, 60),
            "seconds": slider("It lasts (seconds)", 1, 300, 1, 51),
            "percent": slider("Requests that fail (%)", 1, 100, 1, 100),
        },
        update,
        _describe,
    )


def _describe(model: Model) -> str:
    pattern = "{percent}% fail for {seconds} s every {every_minutes} minutes, a burn of {burn:,.4g}x over the day. "
    silent = "No page in 24 hours: {spent_unseen:.1%} of the month's budget gone in silence."
    paged = "The page comes after {paged_after}: {spent_unseen:.1%} of the month's budget gone before it."
    return (pattern + (paged if model["paged_after"] else silent)).format_map(model)


def _stage(figure: Figure) -> dict[str, Artist]:
    """What never moves: axes, thresholds, legends. Returns what does."""
    burn, spent = figure.subplots(2, sharex=True, height_ratios=(1.3, 1))
    artists: dict[str, Artist] = {}
    burn.set(
        title=f"Burn rate, up to {HIGHEST_BURN:.0f}x", ylabel="burn rate, x", ylim=(0, HIGHEST_BURN)
    )
    burn.set_yticks(range(0, 19, 3))
    for window, rule, colour in zip(WINDOWS, PAGES, COLOURS, strict=True):
        name = duration_text(window)
        label = f"last {name} (dashed: {rule.factor:.4g}x)"
        artists[f"burn {name}"] = burn.plot([], [], color=colour, lw=1.4, label=label)[0]
        burn.axhline(rule.factor, color=colour, lw=1, ls="--")
    spent.set(
        title="Budget spent", ylabel="month's budget, %", xlabel="hours since the first outage"
    )
    spent.set(xlim=(0, 24), xticks=range(0, 25, 3), ylim=(0, HIGHEST_SPENT))
    artists["unseen"] = spent.plot([], [], color=INK, lw=2.4, label="before any page")[0]
    artists["seen"] = spent.plot([], [], color=GREY, lw=1.8, ls=":", label="after the page")[0]
    for name, axes in (("page burn", burn), ("page spent", spent)):
        artists[name] = axes.plot(
            [], [], color=VERMILION, lw=2, label="page" if axes is spent else ""
        )[0]
    figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)
    return artists


def _show(artists: dict[str, Artist], counts: Counters, result: Attack, slo: SLO) -> None:
    hours = np.arange(DAY // SECOND + 1) / 3600
    burns = burn_rates(counts, slo, WINDOWS)
    for window in WINDOWS:
        artists[f"burn {duration_text(window)}"].set(
            data=envelope(hours, burns[window][-len(hours) :], PIXELS)
        )
    spent = 100 * budget_spent(counts, slo)
    after = len(hours) - 1 if result.paged_after is None else result.paged_after // SECOND
    artists["unseen"].set(data=envelope(hours[: after + 1], spent[: after + 1], PIXELS))
    artists["seen"].set(data=envelope(hours[after:], spent[after:], PIXELS))
    page = [] if result.paged_after is None else [hours[after]] * 2
    for name, top in (("page burn", HIGHEST_BURN), ("page spent", HIGHEST_SPENT)):
        artists[name].set(data=(page, [0, top][: len(page)]))


# --- six ways to alert on one month --------------------------------------------------------------


class Row(NamedTuple):
    """How one way to alert did on a past with known incidents; the terms are those of ``backtest``.

    ``by_ticket`` is the number of incidents that no page saw and for which a ticket opened while they lasted.
    ``delay`` and ``reset`` are medians, ``None`` where nothing is known.
    """

    name: str
    pages: int
    precision: float
    recall: float
    by_ticket: int
    delay: timedelta | None
    reset: timedelta | None

    def __str__(self) -> str:
        cells = (
            self.name,
            self.pages,
            f"{self.precision:.0%}",
            f"{self.recall:.0%}",
            self.by_ticket,
            duration_text(self.delay),
            duration_text(self.reset),
        )
        return f"| {' | '.join(map(str, cells))} |"


HEADER = """\
| approach | pages | precision | recall | ticket instead | delay | reset |
|---|---|---|---|---|---|---|"""


def hold(fired: Iterable[AlertInterval], length: timedelta) -> list[AlertInterval]:
    """The alerts of a rule with a ``for`` duration: it fires once its condition has held for ``length`` on end."""
    return [
        replace(alert, start=alert.start + length)
        for alert in fired
        if alert.end is None or alert.end - alert.start > length
    ]


def judge(
    name: str,
    fired: Iterable[AlertInterval],
    counts: Counts,
    labels: Sequence[KnownIncident],
    slo: SLO,
) -> Row:
    """How alerts did on a past with these incidents, as ``backtest`` judges; partly filled windows do not count."""
    full = [alert for alert in fired if alert.coverage == 1]
    result = History(counts, labels, slo).judge(name, full)
    missed = [found.incident for found in result.detections if found.delay is None]
    opened = [alert.start for alert in full if alert.rule.action == "ticket"]
    return Row(
        name,
        result.pages,
        result.precision,
        result.recall,
        sum(
            any(label.start < at <= (label.end or counts.end) for at in opened) for label in missed
        ),
        result.detection_median,
        result.reset_median,
    )
