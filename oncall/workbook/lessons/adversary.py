"""Lesson 04: outages that come back and spend budget unseen, and six ways to alert on one month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from oncall.alerting import AlertInterval, Policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry.backtest import History
from oncall.telemetry.engine import Counters, alert_intervals, burn_rates
from oncall.times import DAY, HOUR, MINUTE, SECOND, duration_text
from oncall.workbook.lessons.common import PAGE_RULES, THREE_NINES, burn_lines
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, envelope, slider

REQUESTS = 1000  # a second: even traffic, of which every whole percentage is a whole number
CLEAN = 6 * HOUR  # before the first outage, so that both long windows are full
START = datetime(2025, 3, 5, tzinfo=UTC)  # of the first outage; any day would do


# --- outages that come back ----------------------------------------------------------------------


@dataclass(frozen=True)
class Attack:
    """What a day of outages that come back spends of the month's budget, and when it first pages.

    ``paged_after`` is from the start of the first outage, ``None`` for a day in silence. ``unseen``
    is the share gone before the page, ``day`` the share gone after 24 hours, ``burn`` the burn rate
    of the day.
    """

    paged_after: timedelta | None
    unseen: float
    day: float
    burn: float


def outages(length: timedelta, every: timedelta, error_ratio: float) -> Counters:
    """A day of even traffic by the second, after clean hours, with outages that come back.

    One begins each ``every`` and lasts for ``length``; this share of the requests fails in it.
    """
    if not timedelta() < length <= every:
        raise ValueError(f"give a length above 0, at most {duration_text(every)}, given {length}")
    second = np.arange(DAY // SECOND) % (every // SECOND)
    bad = np.zeros((CLEAN + DAY) // SECOND, dtype=np.int64)
    bad[CLEAN // SECOND :] = np.where(second < length // SECOND, round(REQUESTS * error_ratio), 0)
    total = np.full_like(bad, REQUESTS)
    good, valid = (np.append(0, np.cumsum(column)) for column in (total - bad, total))
    return Counters(START - CLEAN, SECOND, good, valid)


def attack(counts: Counters, policy: Policy, slo: SLO = THREE_NINES) -> Attack:
    """What a day of ``outages`` spends, and when this policy first pages."""
    spent = budget_spent(counts, slo)
    fired = alert_intervals(counts, slo, policy)
    paged_at = min((alert.start for alert in fired if alert.rule.action == "page"), default=None)
    day = float(spent[-1])
    burn = day * (slo.period / DAY)
    if paged_at is None:
        return Attack(None, day, day, burn)
    paged_after = paged_at - START
    return Attack(paged_after, float(spent[paged_after // SECOND]), day, burn)


def budget_spent(counts: Counters, slo: SLO = THREE_NINES) -> Floats:
    """The share of the month's budget gone at each second from the first outage on."""
    bad = (counts.total - counts.good)[CLEAN // SECOND :]
    return np.asarray(bad / (REQUESTS * (slo.period / SECOND) * slo.error_budget), dtype=np.float64)


# --- the explorer --------------------------------------------------------------------------------

DRAWN_WINDOWS = tuple(rule.long for rule in PAGE_RULES)
HIGHEST_BURN, HIGHEST_SPENT = 18, 60  # of the axes: what is above has paged, or is after the page
_FACTORS = [f"{rule.factor:g}x" for rule in PAGE_RULES]
NUMBER_OF_RULES = {", ".join(_FACTORS[:number]): number for number in (1, 2)}
EVERY = {duration_text(MINUTE * minutes): minutes for minutes in (5, 10, 15, 20, 30, 60, 120)}


@base.styled()
def adversary_explorer(slo: SLO = THREE_NINES) -> Explorer:
    """An outage that comes back all day: how much of the month's budget it spends before a page."""
    figure = blank_figure(4.8)
    artists = _build_axes(figure)

    def update(rules: int, every: int, seconds: int, percent: int) -> Model:
        counts = outages(SECOND * seconds, MINUTE * every, percent / 100)
        result = attack(counts, PAGE_RULES[:rules], slo)
        _update_artists(artists, counts, result, slo)
        moves = {"rules": rules, "every_minutes": every, "seconds": seconds, "percent": percent}
        return moves | _model(result)

    controls = {
        "rules": choice("Rules that page", NUMBER_OF_RULES, 1),
        "every": choice("An outage every", EVERY, 60),
        "seconds": slider("It lasts (seconds)", 1, 300, 1, 51),
        "percent": slider("Requests that fail (%)", 1, 100, 1, 100),
    }
    return Explorer(figure, artists, controls, update, _describe)


def _model(result: Attack) -> Model:
    silent = result.paged_after is None
    return {
        "burn": round(result.burn, 2),
        "paged_after": None if silent else duration_text(result.paged_after),
        "spent_unseen": round(result.unseen, 4),
        "spent_in_a_day": round(result.day, 4),
    }


def _describe(model: Model) -> str:
    text = (
        "{percent}% fail for {seconds} s every {every_minutes} minutes, "
        "a burn of {burn:,.4g}x over the day. {page}: {spent_unseen:.1%} of the month's budget "
        "gone {when}."
    )
    page, when = "No page in 24 hours", "in silence"
    if model["paged_after"]:
        page, when = f"The page comes after {model['paged_after']}", "before it"
    return text.format(page=page, when=when, **model)


def _build_axes(figure: Figure) -> dict[str, Any]:
    """Draw axes, thresholds and legend; return the artists that follow the outages."""
    burn, spent = figure.subplots(2, sharex=True, height_ratios=(1.3, 1))
    burn.set(title=f"Burn rate, up to {HIGHEST_BURN}x", ylabel="burn rate, x")
    burn.set(ylim=(0, HIGHEST_BURN), yticks=range(0, HIGHEST_BURN + 1, 3))
    spent.set(title="Budget spent", ylabel="month's budget, %")
    spent.set(xlabel="hours since the first outage", xlim=(0, 24), xticks=range(0, 25, 3))
    spent.set_ylim(0, HIGHEST_SPENT)
    artists = burn_lines(burn, DRAWN_WINDOWS, (BLUE, ORANGE), lw=1.4)
    (artists["unseen"],) = spent.plot([], [], color=INK, lw=2.4, label="before any page")
    (artists["seen"],) = spent.plot([], [], ":", color=GREY, lw=1.8, label="after the page")
    (artists["page burn"],) = burn.plot([], [], color=VERMILION, lw=2)
    (artists["page spent"],) = spent.plot([], [], color=VERMILION, lw=2, label="page")
    base.legend_below(figure)
    return artists


def _update_artists(artists: dict[str, Any], counts: Counters, result: Attack, slo: SLO) -> None:
    hours = np.arange(DAY // SECOND + 1) / 3600
    for window, burn in burn_rates(counts, slo, DRAWN_WINDOWS).items():
        artists[f"burn {duration_text(window)}"].set_data(*envelope(hours, burn[-len(hours) :]))
    spent = 100 * budget_spent(counts, slo)
    page = (result.paged_after or DAY) // SECOND
    artists["unseen"].set_data(*envelope(hours[: page + 1], spent[: page + 1]))
    artists["seen"].set_data(*envelope(hours[page:], spent[page:]))
    for name, top in (("page burn", HIGHEST_BURN), ("page spent", HIGHEST_SPENT)):
        if result.paged_after is None:
            artists[name].set_data([], [])
        else:
            artists[name].set_data([hours[page]] * 2, [0, top])


# --- six ways to alert on one month --------------------------------------------------------------


class Approach(NamedTuple):
    """How one way to alert did on a past with known incidents; the terms are those of ``backtest``.

    ``by_ticket`` is the number of incidents that no page saw and for which a ticket opened while
    they lasted. ``delay`` and ``reset`` are medians, ``None`` where nothing is known.
    """

    name: str
    pages: int
    precision: float
    recall: float
    by_ticket: int
    delay: timedelta | None
    reset: timedelta | None

    def __str__(self) -> str:
        shares = f"{self.precision:.0%} | {self.recall:.0%}"
        times = f"{duration_text(self.delay)} | {duration_text(self.reset)}"
        return f"| {self.name} | {self.pages} | {shares} | {self.by_ticket} | {times} |"


HEADER = """\
| approach | pages | precision | recall | ticket instead | delay | reset |
|---|---|---|---|---|---|---|"""


def with_for_duration(fired: Iterable[AlertInterval], length: timedelta) -> list[AlertInterval]:
    """The alerts of a rule with a ``for`` duration: it fires once its condition held that long."""
    return [
        replace(alert, start=alert.start + length)
        for alert in fired
        if alert.end is None or alert.end - alert.start > length
    ]


def judge_alerts(
    name: str,
    fired: Iterable[AlertInterval],
    counts: Counts,
    incidents: Sequence[KnownIncident],
    slo: SLO,
) -> Approach:
    """How alerts did on a past with these incidents, as ``backtest`` judges.

    Alerts that began before the data filled their window do not count.
    """
    full = [alert for alert in fired if alert.coverage == 1]
    result = History(counts, incidents, slo).judge(name, full)
    missed = [found.incident for found in result.detections if found.delay is None]
    tickets = [alert.start for alert in full if alert.rule.action == "ticket"]
    return Approach(
        name,
        pages=result.pages,
        precision=result.precision,
        recall=result.recall,
        by_ticket=sum(_any_during(tickets, incident, counts.end) for incident in missed),
        delay=result.detection_median,
        reset=result.reset_median,
    )


def _any_during(moments: Iterable[datetime], incident: KnownIncident, now: datetime) -> bool:
    """Whether one of the moments lies in an incident, which lasts until ``now`` without an end."""
    return any(incident.start < moment <= (incident.end or now) for moment in moments)
