"""Lesson 09: the backtest frontier, every rule by what it costs people and what it costs the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.alerting import BurnRule, Policy, fits, google_policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO, percent
from oncall.telemetry.backtest import PolicyResult, backtest
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.plots.base import BLUE, GREY, INK, ORANGE, VERMILION, WIDTH, Plot
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, styled

FACTORS = (0.5, 1.0, 2.0, 3.0, 6.0, 10.0, 14.4, 20.0, 30.0, 50.0, 100.0)
WINDOWS = (
    *(MINUTE * minutes for minutes in (12, 24, 36)),
    *(HOUR * hours for hours in (1, 2, 3, 6, 12, 24, 72)),
)
SHORTER = 12  # a rule's short window is this part of its long one, as in each of Google's
TICKS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200)


class Trade(NamedTuple):
    """What a policy costs: pages a week, and the share of a period's error budget lost before anybody was paged.

    ``lost`` adds up over the incidents: to the page where there was one, the whole incident where there was none.
    """

    pages_a_week: float
    lost: float
    seen: int


def trade(result: PolicyResult) -> Trade:
    """The two costs of a policy that was backtested, and how many incidents it paged for."""
    seen = sum(one.delay is not None for one in result.detections)
    return Trade(result.pages_a_week, sum(1 - one.budget_left for one in result.detections), seen)


def one_rule(window: timedelta, factor: float) -> Policy:
    """A policy of one paging rule whose short window is a twelfth of its long one."""
    return (BurnRule(window, window / SHORTER, factor),)


def google_arms(slo: SLO) -> dict[str, Policy]:
    """Google's rules one by one, each made to page, and the two that page together."""
    rules = google_policy(slo.period)
    alone = {rule.name: one_rule(rule.long, rule.factor) for rule in rules}
    return {**alone, "two that page": tuple(rule for rule in rules if rule.action == "page")}


class Frontier(NamedTuple):
    """Every rule of a grid, and each of Google's arms, by what it costs.

    ``whole`` is what is lost when nobody is paged: all that the incidents cost.
    """

    slo: SLO
    rules: dict[tuple[timedelta, float], Trade]
    arms: dict[str, Trade]
    whole: float
    incidents: int

    @property
    def best(self) -> list[Trade]:
        """The rules that no other beats at both costs, from the fewest pages to the most."""
        kept: list[Trade] = []
        for one in sorted(self.rules.values()):
            if not kept or one.lost < kept[-1].lost:
                kept.append(one)
        return kept


def frontier(
    counts: Counts,
    incidents: Iterable[KnownIncident],
    slo: SLO,
    *,
    windows: Iterable[timedelta] = WINDOWS,
    factors: Sequence[float] = FACTORS,
) -> Frontier:
    """What each one-rule policy of a grid would have cost, and Google's, where the buckets are fine enough for it."""
    labels = tuple(incidents)
    grid = {(window, factor): one_rule(window, factor) for window in windows for factor in factors}
    grid = {place: policy for place, policy in grid.items() if _fits(policy, counts)}
    arms = {name: policy for name, policy in google_arms(slo).items() if _fits(policy, counts)}
    named: dict[str, Policy] = {str(place): policy for place, policy in enumerate(grid.values())}
    trades = [
        trade(result) for result in backtest(counts, labels, slo, {**named, **arms, "nobody": ()})
    ]
    return Frontier(
        slo,
        dict(zip(grid, trades, strict=False)),
        dict(zip(arms, trades[len(grid) :], strict=False)),
        trades[-1].lost,
        len(labels),
    )


def _fits(policy: Policy, counts: Counts) -> bool:
    return all(fits(rule, counts.step) for rule in policy)


# --- the picture ---------------------------------------------------------------------------------


def plot_frontier(found: Frontier) -> Plot:
    """Each rule as a dot: pages a week against the budget lost before a page; Google's arms by name."""
    with styled():
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        _dress(figure.subplots(), found)
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)
    return Plot(figure, describe_frontier(found))


def describe_frontier(found: Frontier) -> str:
    """The numbers of ``plot_frontier`` as one line."""
    arms = "; ".join(
        f"{name} {one.pages_a_week:.2f} and {one.lost:.1%}" for name, one in found.arms.items()
    )
    return (
        f"{len(found.rules)} rules at {percent(found.slo.target)}: pages a week, and budget lost before a page. "
        f"{arms}; nobody paged, {found.whole:.1%}."
    )


def backtest_frontier(found: Frontier) -> Explorer:
    """A rule's window and factor, and where it stands among the others: pages a week, budget lost before a page."""
    with styled():
        figure = blank_figure(5.0)
        axes = figure.subplots()
        _dress(axes, found)
        artists: dict[str, Any] = {
            "window": axes.plot(
                [], [], "o-", color=BLUE, lw=1.5, ms=4, label="this window, all factors", zorder=4
            )[0],
            "rule": axes.plot(
                [], [], "o", color=INK, ms=13, mfc="none", mew=2.5, label="this rule", zorder=6
            )[0],
        }
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.2, fontsize=9)

    def update(window: timedelta, factor: float) -> Model:
        same = [one for (length, _), one in found.rules.items() if length == window]
        one = found.rules[window, factor]
        artists["window"].set_data(
            [each.pages_a_week for each in same], [100 * each.lost for each in same]
        )
        artists["rule"].set_data([one.pages_a_week], [100 * one.lost])
        return {
            "window": duration_text(window),
            "factor": factor,
            "pages_a_week": round(one.pages_a_week, 2),
            "seen": one.seen,
            "incidents": found.incidents,
            "lost": round(one.lost, 4),
        }

    windows = {duration_text(window): window for window, _ in found.rules}
    factors = {f"{factor:.4g}x": factor for _, factor in found.rules}
    first = (HOUR, 14.4) if (HOUR, 14.4) in found.rules else next(iter(found.rules))
    return Explorer(
        figure,
        artists,
        {
            "window": choice("Long window", windows, first[0]),
            "factor": choice("Factor", factors, first[1]),
        },
        update,
        _describe,
    )


def _describe(model: Model) -> str:
    return (
        "{factor:.4g}x over {window}: {pages_a_week:.2f} pages a week, {seen} of {incidents} incidents paged, "
        "{lost:.1%} of the month's budget lost before a page."
    ).format_map(model)


def _dress(axes: Axes, found: Frontier) -> None:
    """All that does not move."""
    rules, best = list(found.rules.values()), found.best
    most = max(one.pages_a_week for one in [*rules, *found.arms.values()])
    axes.set(
        title=f"Backtest of one rule at a time, {found.slo}",
        ylabel="month's budget lost before a page, %",
    )
    axes.set_xscale("symlog", linthresh=1)
    axes.set(xlabel="pages a week (evenly spaced up to 1, then logarithmic)")
    axes.set(xlim=(-0.08, max(1.2, most * 1.2)), ylim=(0, 108 * found.whole))
    ticks = [tick for tick in TICKS if tick <= most]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.axhline(100 * found.whole, color=GREY, lw=1, ls=":", label="nobody is paged")
    axes.plot(*_spots(rules), "o", color=GREY, ms=3.5, alpha=0.6, label="a rule")
    axes.step(*_spots(best), where="post", color=GREY, lw=1.2, label="frontier")
    for (name, one), marker in zip(found.arms.items(), "s^vPD", strict=False):
        colour = VERMILION if marker == "D" else ORANGE
        axes.plot(
            *_spots([one]),
            marker,
            color=colour,
            mec=INK,
            mew=0.6,
            ls="",
            ms=8,
            zorder=5,
            label=f"Google's {name}",
        )


def _spots(trades: Sequence[Trade]) -> tuple[list[float], list[float]]:
    return [one.pages_a_week for one in trades], [100 * one.lost for one in trades]
