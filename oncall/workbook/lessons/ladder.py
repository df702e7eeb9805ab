"""Lesson 08: whom the pager asks, minute by minute, while the month's error budget burns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matplotlib.figure import Figure

from oncall.alerting import google_policy
from oncall.escalation import EscalationPolicy, Page, Step, escalate
from oncall.slo import SLO
from oncall.times import MINUTE
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.colours import BLUE, GREEN, GREY, SHADE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, slider

PEOPLE = ("ana", "bo", "chen")
DELAYS = (5, 10, 15)  # minutes each has to answer: the ladder of the course
SHOWN = 90  # minutes after the page
PAGED_AT = datetime(2025, 3, 5, 3, tzinfo=UTC)  # any moment would do
HIGHEST = 225  # percent of the month's budget, on the axis


@dataclass(frozen=True)
class Call:
    """One person asked, from the page until they answer or their time is up.

    ``start`` and ``end`` are in minutes after the first page.
    """

    who: str
    start: int
    end: int


@dataclass(frozen=True)
class Climb:
    """What the ladder does in the ``SHOWN`` minutes after the page, all of them a total outage.

    ``outcome`` and ``ended`` are those of the whole climb, which may end later than what is shown.
    """

    calls: tuple[Call, ...]
    ack: int | None
    outcome: str
    ended: int

    @property
    def silent(self) -> tuple[tuple[int, int], ...]:
        """The stretches in which the pager asks nobody, though the outage goes on."""
        begins = [0, *(call.end for call in self.calls)]
        ends = [*(call.start for call in self.calls), SHOWN]
        spans = zip(begins, ends, strict=True)
        return tuple((begin, end) for begin, end in spans if begin < end)


def budget_gone(minute: float, slo: SLO = THREE_NINES) -> float:
    """The share of the period's budget gone ``minute`` minutes after the page, in a total outage.

    The page goes out when the first rule of ``google_policy`` fires, which takes some budget too.
    """
    page = google_policy(slo.period)[0]
    return page.budget_at_fire(slo) + minute * MINUTE / (slo.period * slo.error_budget)


def climb(
    delays: Sequence[int] = DELAYS,
    *,
    ack: int | None = None,
    repeat: int = 0,
    ack_timeout: int | None = None,
) -> Climb:
    """Whom the ladder asks and when.

    Somebody acknowledges at minute ``ack``, if it is given, and then does nothing. ``delays`` are
    the minutes each of ``PEOPLE`` has to answer, ``ack_timeout`` the minutes after which an
    acknowledged alert that is not resolved starts the ladder again from its first step. The outage
    never ends.
    """
    steps = tuple(Step((name,), delay * MINUTE) for name, delay in zip(PEOPLE, delays, strict=True))
    timeout = None if ack_timeout is None else ack_timeout * MINUTE
    policy = EscalationPolicy(steps, repeat, ack_timeout=timeout)
    run = escalate(policy, PAGED_AT, acks=[] if ack is None else [PAGED_AT + ack * MINUTE])
    calls = [_call(page, delays[page.step], ack) for page in run.pages]
    shown = tuple(call for call in calls if call.start < SHOWN)
    return Climb(shown, ack, run.outcome, (run.ended_at - PAGED_AT) // MINUTE)


def _call(page: Page, delay: int, ack: int | None) -> Call:
    start = (page.at - PAGED_AT) // MINUTE
    end = min(start + delay, SHOWN)
    if ack is not None and start < ack:
        end = min(end, ack)
    return Call(page.who, start, end)


# --- the picture ---------------------------------------------------------------------------------


@base.styled()
def plot_climb(result: Climb, slo: SLO = THREE_NINES) -> Plot:
    """Whom the pager asks and when, and below it how much of the month's budget is gone by then."""
    figure = base.new_figure(4.6)
    artists = _build_axes(figure, slo)
    _update_artists(artists, result, slo)
    for call in result.calls:
        page, share = (call.start, 100 * budget_gone(call.start, slo)), _share_gone(call.start, slo)
        figure.axes[1].annotate(share, page, (2, 10), textcoords="offset points")
    if result.ack is None:
        artists["ack"].set_label("")
    base.legend_below(figure)
    return Plot(figure, _describe(_model(result, slo)))


NEVER = {"never": "never"}


@base.styled()
def ladder_explorer(slo: SLO = THREE_NINES) -> Explorer:
    """An ack, the delays and the repeats: whom the pager asks, and what burns meanwhile."""
    figure = blank_figure(4.4)
    artists = _build_axes(figure, slo)
    base.legend_below(figure)

    def update(ack: Any, ack_timeout: Any, repeat: int, **delays: int) -> Model:
        given = {"ack": ack, "ack_timeout": ack_timeout}
        minutes = {name: None if value == "never" else value for name, value in given.items()}
        result = climb([delays[name] for name in PEOPLE], repeat=repeat, **minutes)
        _update_artists(artists, result, slo)
        return _model(result, slo)

    acks = NEVER | {str(minute): minute for minute in range(46)}
    timeouts = NEVER | {str(minutes): minutes for minutes in (10, 20, 30)}
    controls = {
        "ack": choice("Acknowledged at (minute)", acks, "never"),
        "ack_timeout": choice("Asks again after an ack (minutes)", timeouts, "never"),
    }
    for name, delay in zip(PEOPLE, DELAYS, strict=True):
        controls[name] = slider(f"Time for {name} to answer (minutes)", 1, 30, 1, delay)
    controls["repeat"] = slider("Further rounds (times)", 0, 2, 1, 0)
    return Explorer(figure, artists, controls, update, _describe)


def _model(result: Climb, slo: SLO) -> Model:
    calls = result.calls
    paged = [f"{call.who} at {call.start} ({_share_gone(call.start, slo)})" for call in calls]
    return {
        "paged": ", ".join(paged) or "nobody",
        "pages": len(calls),
        "outcome": result.outcome,
        "ended": result.ended,
        "gone_then": _share_gone(result.ended, slo),
        "silent": sum(end - begin for begin, end in result.silent),
        "gone_at_last": _share_gone(SHOWN, slo),
    }


def _share_gone(minute: int, slo: SLO) -> str:
    return f"{budget_gone(minute, slo):.1%}"


def _describe(model: Model) -> str:
    text = (
        "Paged, with the budget gone by then: {paged}. "
        "It ends {outcome} at minute {ended}, with {gone_then} gone. "
        "In {shown} minutes of outage {gone_at_last} goes, "
        "and for {silent} of them the pager asks nobody."
    )
    return text.format(shown=SHOWN, **model)


def _build_axes(figure: Figure, slo: SLO) -> dict[str, Any]:
    """Draw all that stays where it is, and return the artists that follow the climb."""
    asked, burning = figure.subplots(2, sharex=True, height_ratios=(1, 1.5))
    asked.set(title="Whom the pager asks", ylabel="who")
    base.label_rows(asked, PEOPLE)
    asked.grid(False, axis="y")
    burning.set(title=f"The month's error budget in a total outage, {slo}", ylabel="budget gone, %")
    burning.set(xlabel="minutes after the page", xlim=(0, SHOWN), xticks=range(0, SHOWN + 1, 10))
    burning.set_ylim(0, HIGHEST)
    gone = [100 * budget_gone(minute, slo) for minute in (0, SHOWN)]
    burning.plot([0, SHOWN], gone, color=VERMILION, lw=2, label="gone")
    burning.axhline(100, color=VERMILION, lw=1, ls=":", label="all of it")
    grey = {"color": GREY, "alpha": SHADE, "lw": 0, "label": "nobody is asked"}
    dot = {"color": BLUE, "ms": 7, "label": "a page", "clip_on": False, "zorder": 5}
    ack = {"color": GREEN, "lw": 2, "ls": "--"}
    return {
        "silent": burning.broken_barh([(0, 1)], (0, HIGHEST), **grey),
        "calls": asked.broken_barh([(0, 1)], (-0.3, 0.6), color=BLUE, label="is asked"),
        "pages": burning.plot([0], [0], "o", **dot)[0],
        "ack": asked.axvline(0, label="acknowledged", **ack),
        "ack below": burning.axvline(0, **ack),
    }


def _update_artists(artists: dict[str, Any], result: Climb, slo: SLO) -> None:
    calls = []
    for call in result.calls:
        row = PEOPLE.index(call.who)
        calls.append(_box(call.start, call.end, row - 0.3, row + 0.3))
    artists["calls"].set_verts(calls)
    artists["silent"].set_verts([_box(begin, end, 0, HIGHEST) for begin, end in result.silent])
    starts = [call.start for call in result.calls]
    artists["pages"].set_data(starts, [100 * budget_gone(minute, slo) for minute in starts])
    for line in (artists["ack"], artists["ack below"]):
        line.set_visible(result.ack is not None)
        line.set_xdata([result.ack or 0] * 2)


def _box(left: float, right: float, bottom: float, top: float) -> list[tuple[float, float]]:
    return [(left, bottom), (left, top), (right, top), (right, bottom)]
