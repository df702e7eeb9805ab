"""Lesson 06: the ladder over the fire. Whom the pager asks, minute by minute, while the month's error budget burns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.alerting import google_policy
from oncall.escalation import EscalationPolicy, Page, Step, escalate
from oncall.slo import SLO
from oncall.times import MINUTE
from oncall.workbook.plots.base import BLUE, GREEN, GREY, SHADE, VERMILION, WIDTH, Plot
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, slider, styled

PEOPLE = ("ana", "bo", "chen")
DELAYS = (5, 10, 15)  # minutes each has to answer: the ladder of the course
SHOWN = 90  # minutes after the page
PAGED_AT = datetime(2025, 3, 5, 3, tzinfo=UTC)  # any moment would do
THREE_NINES = SLO("availability", 0.999)
HIGHEST = 225  # percent of the month's budget, on the axis


@dataclass(frozen=True)
class Call:
    """One person asked, from the page until they have answered or their time is up, in minutes after the first page."""

    who: str
    start: int
    end: int


@dataclass(frozen=True)
class Climb:
    """What the ladder does in the ``SHOWN`` minutes after the page, of which a total outage fills every one.

    ``outcome`` and ``ended`` are those of the whole climb, which may end later than what is shown.
    """

    calls: tuple[Call, ...]
    ack: int | None
    outcome: str
    ended: int

    @property
    def silent(self) -> tuple[tuple[int, int], ...]:
        """The stretches in which the pager asks nobody, though the outage goes on."""
        edges = [0, *(edge for call in self.calls for edge in (call.start, call.end)), SHOWN]
        return tuple(
            (begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True) if begin < end
        )


def budget_gone(minute: float, slo: SLO = THREE_NINES) -> float:
    """The share of the period's error budget gone so many minutes after the page, when every request fails.

    A page goes out when the first rule of ``google_policy`` fires, and some of the budget is gone by then.
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
    """Whom the ladder asks and when, if somebody acknowledges at minute ``ack`` and then does nothing.

    ``delays`` are the minutes each of ``PEOPLE`` has to answer, ``ack_timeout`` the minutes after which
    an acknowledged alert that is not resolved starts the ladder again from its first step. The outage never ends.
    """
    steps = tuple(Step((name,), delay * MINUTE) for name, delay in zip(PEOPLE, delays, strict=True))
    timeout = None if ack_timeout is None else ack_timeout * MINUTE
    policy = EscalationPolicy(steps, repeat, ack_timeout=timeout)
    run = escalate(policy, PAGED_AT, acks=[] if ack is None else [PAGED_AT + ack * MINUTE])
    calls = (_call(page, delays[page.step], ack) for page in run.pages)
    shown = tuple(
        Call(call.who, call.start, min(call.end, SHOWN)) for call in calls if call.start < SHOWN
    )
    return Climb(shown, ack, run.outcome, (run.ended_at - PAGED_AT) // MINUTE)


def _call(page: Page, delay: int, ack: int | None) -> Call:
    start = (page.at - PAGED_AT) // MINUTE
    return Call(
        page.who,
        start,
        min(start + delay, ack) if ack is not None and start < ack else start + delay,
    )


# --- the picture ---------------------------------------------------------------------------------


def plot_climb(result: Climb, slo: SLO = THREE_NINES) -> Plot:
    """Whom the pager asks and when, and below it how much of the month's budget is gone by then."""
    with styled():
        figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        artists = _draw(figure, slo)
        _place(artists, result, slo)
        for call in result.calls:
            _write_share(figure.axes[1], call.start, budget_gone(call.start, slo))
        if result.ack is None:
            artists["ack"].set_label("")
        _legend_below(figure)
    return Plot(figure, describe_climb(result, slo))


def describe_climb(result: Climb, slo: SLO = THREE_NINES) -> str:
    """The numbers of ``plot_climb`` as one line."""
    return _describe(_model(result, slo))


def ladder_over_the_fire(slo: SLO = THREE_NINES) -> Explorer:
    """The minute of the acknowledgement, the delays and the repeats: who is asked, and what burns meanwhile."""
    with styled():
        figure = blank_figure(4.4)
        artists = _draw(figure, slo)
        _legend_below(figure)

    def update(ack: Any, ana: int, bo: int, chen: int, repeat: int, ack_timeout: Any) -> Model:
        result = climb(
            (ana, bo, chen),
            ack=None if ack == "never" else ack,
            repeat=repeat,
            ack_timeout=None if ack_timeout == "never" else ack_timeout,
        )
        _place(artists, result, slo)
        return _model(result, slo)

    minutes = {str(minute): minute for minute in range(46)}
    return Explorer(
        figure,
        artists,
        {
            "ack": choice("Acknowledged at (minute)", {"never": "never"} | minutes, "never"),
            "ack_timeout": choice(
                "Asks again after an ack (minutes)",
                {"never": "never", "10": 10, "20": 20, "30": 30},
                "never",
            ),
            "ana": slider("Time for ana to answer (minutes)", 1, 30, 1, DELAYS[0]),
            "bo": slider("Time for bo to answer (minutes)", 1, 30, 1, DELAYS[1]),
            "chen": slider("Time for chen to answer (minutes)", 1, 30, 1, DELAYS[2]),
            "repeat": slider("Further rounds (times)", 0, 2, 1, 0),
        },
        update,
        _describe,
    )


def _model(result: Climb, slo: SLO) -> Model:
    paged = ", ".join(
        f"{call.who} at {call.start} ({budget_gone(call.start, slo):.1%})" for call in result.calls
    )
    return {
        "paged": paged or "nobody",
        "pages": len(result.calls),
        "outcome": result.outcome,
        "ended": result.ended,
        "gone_then": f"{budget_gone(result.ended, slo):.1%}",
        "silent": sum(end - begin for begin, end in result.silent),
        "gone_at_last": f"{budget_gone(SHOWN, slo):.1%}",
    }


def _describe(model: Model) -> str:
    text = (
        "Paged, with the budget gone by then: {paged}. It ends {outcome} at minute {ended}, with {gone_then} gone. "
        "In {shown} minutes of outage {gone_at_last} goes, and for {silent} of them the pager asks nobody."
    )
    return text.format(shown=SHOWN, **model)


def _draw(figure: Figure, slo: SLO) -> dict[str, Artist]:
    """Everything that stays where it is, and the artists that ``_place`` moves."""
    asked, burning = figure.subplots(2, sharex=True, height_ratios=(1, 1.5))
    asked.set_title("Whom the pager asks")
    asked.set_yticks(range(len(PEOPLE)), PEOPLE)
    asked.set(ylabel="who", ylim=(len(PEOPLE) - 0.4, -0.6))  # the first step on top
    asked.grid(False, axis="y")
    burning.set_title(f"The month's error budget in a total outage, {slo}")
    burning.plot(
        [0, SHOWN],
        [100 * budget_gone(m, slo) for m in (0, SHOWN)],
        color=VERMILION,
        lw=2,
        label="gone",
    )
    burning.axhline(100, color=VERMILION, lw=1, ls=":", label="all of it")
    burning.set(
        ylabel="budget gone, %", ylim=(0, HIGHEST), xlabel="minutes after the page", xlim=(0, SHOWN)
    )
    burning.set_xticks(range(0, SHOWN + 1, 10))
    artists: dict[str, Artist] = {
        "silent": burning.broken_barh(
            [(0, 1)], (0, HIGHEST), color=GREY, alpha=SHADE, lw=0, label="nobody is asked"
        ),
        "calls": asked.broken_barh([(0, 1)], (-0.3, 0.6), color=BLUE, label="is asked"),
        "rungs": burning.plot(
            [0], [0], "o", color=BLUE, ms=7, label="a page", clip_on=False, zorder=5
        )[0],
        "ack": asked.axvline(0, color=GREEN, lw=2, ls="--", label="acknowledged"),
        "ack below": burning.axvline(0, color=GREEN, lw=2, ls="--"),
    }
    return artists


def _legend_below(figure: Figure) -> None:
    figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)


def _write_share(axes: Axes, minute: int, gone: float) -> None:
    axes.annotate(f"{gone:.1%}", (minute, 100 * gone), (2, 10), textcoords="offset points")


def _place(artists: dict[str, Any], result: Climb, slo: SLO) -> None:
    rows = [(call.start, call.end, PEOPLE.index(call.who)) for call in result.calls]
    artists["calls"].set_verts([_box(begin, end, row - 0.3, row + 0.3) for begin, end, row in rows])
    artists["silent"].set_verts([_box(begin, end, 0, HIGHEST) for begin, end in result.silent])
    starts = [call.start for call in result.calls]
    artists["rungs"].set_data(starts, [100 * budget_gone(minute, slo) for minute in starts])
    for line in (artists["ack"], artists["ack below"]):
        line.set_visible(result.ack is not None)
        line.set_xdata([result.ack or 0] * 2)


def _box(left: float, right: float, bottom: float, top: float) -> list[tuple[float, float]]:
    return [(left, bottom), (left, top), (right, top), (right, bottom)]
