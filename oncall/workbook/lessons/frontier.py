"""Lesson 13: every rule by what it costs people and what it costs the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from matplotlib.axes import Axes

from oncall.alerting import BurnRule, Policy, fits, google_policy
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO, percent
from oncall.telemetry.backtest import PolicyResult, backtest
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Look, Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice

GRID_FACTORS = (0.5, 1.0, 2.0, 3.0, 6.0, 10.0, 14.4, 20.0, 30.0, 50.0, 100.0)
_MINUTES = (12, 24, 36, 60, 120, 180, 360, 720, 1440, 4320)  # up to three days
GRID_WINDOWS = tuple(MINUTE * minutes for minutes in _MINUTES)
SHORTER = 12  # a rule's short window is this part of its long one, as in each of Google's
TICKS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200)


class Trade(NamedTuple):
    """What a policy costs: pages a week, and the share of the budget lost before anybody was paged.

    ``lost`` adds up over the incidents: to the page where there was one, else the whole incident.
    ``seen`` is the number of incidents paged for.
    """

    pages_a_week: float
    lost: float
    seen: int


def trade(result: PolicyResult) -> Trade:
    """The two costs of a policy that was backtested, and how many incidents it paged for."""
    seen = sum(detection.delay is not None for detection in result.detections)
    lost = sum(1 - detection.budget_left for detection in result.detections)
    return Trade(result.pages_a_week, lost, seen)


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
        best: list[Trade] = []
        for rule in sorted(self.rules.values()):
            if not best or rule.lost < best[-1].lost:
                best.append(rule)
        return best


def frontier(
    counts: Counts,
    incidents: Iterable[KnownIncident],
    slo: SLO,
    *,
    windows: Iterable[timedelta] = GRID_WINDOWS,
    factors: Sequence[float] = GRID_FACTORS,
) -> Frontier:
    """What each one-rule policy of a grid would have cost, and each of Google's arms.

    Policies that the buckets are too coarse for are left out.
    """
    known = tuple(incidents)
    grid = {(window, factor): one_rule(window, factor) for window in windows for factor in factors}
    grid = {rule: policy for rule, policy in grid.items() if _fits(policy, counts)}
    arms = {name: policy for name, policy in google_arms(slo).items() if _fits(policy, counts)}
    policies: dict[str, Policy] = {str(rule): policy for rule, policy in grid.items()}
    results = backtest(counts, known, slo, policies | arms | {"nobody": ()})
    trades = {result.policy: trade(result) for result in results}
    rules = {rule: trades[str(rule)] for rule in grid}
    whole = trades["nobody"].lost
    return Frontier(slo, rules, {name: trades[name] for name in arms}, whole, len(known))


def _fits(policy: Policy, counts: Counts) -> bool:
    return all(fits(rule, counts.step) for rule in policy)


# --- the picture ---------------------------------------------------------------------------------


@base.styled()
def plot_frontier(found: Frontier) -> Plot:
    """Each rule as a dot, pages a week against the budget lost before a page; Google's by name."""
    figure = base.new_figure(4.8)
    _build_axes(figure.subplots(), found)
    base.legend_below(figure)
    arms = [f"{name} {arm.pages_a_week:.2f} and {arm.lost:.1%}" for name, arm in found.arms.items()]
    rules = f"{len(found.rules)} rules at {percent(found.slo.target)}"
    costs = "pages a week, and budget lost before a page"
    return Plot(figure, f"{rules}: {costs}. {'; '.join(arms)}; nobody paged, {found.whole:.1%}.")


@base.styled()
def frontier_explorer(found: Frontier) -> Explorer:
    """A rule's window and factor, and where it stands among the others at both costs."""
    figure = blank_figure(5.0)
    axes = figure.subplots()
    _build_axes(axes, found)
    label = "this window, all factors"
    (curve,) = axes.plot([], [], "o-", color=BLUE, lw=1.5, ms=4, zorder=4, label=label)
    ring: Look = {"color": INK, "ms": 13, "mfc": "none", "mew": 2.5}
    (dot,) = axes.plot([], [], "o", **ring, zorder=6, label="this rule")
    base.legend_below(figure, columnspacing=1.2, fontsize=9)

    def update(window: timedelta, factor: float) -> Model:
        same_window = [rule for (length, _), rule in found.rules.items() if length == window]
        rule = found.rules[window, factor]
        curve.set_data(*_points(same_window))
        dot.set_data(*_points([rule]))
        return {
            "window": duration_text(window),
            "factor": factor,
            "pages_a_week": round(rule.pages_a_week, 2),
            "seen": rule.seen,
            "incidents": found.incidents,
            "lost": round(rule.lost, 4),
        }

    windows = {duration_text(window): window for window, _ in found.rules}
    factors = {f"{factor:.4g}x": factor for _, factor in found.rules}
    first = (HOUR, 14.4) if (HOUR, 14.4) in found.rules else next(iter(found.rules))
    controls = {
        "window": choice("Long window", windows, first[0]),
        "factor": choice("Factor", factors, first[1]),
    }
    return Explorer(figure, {"window": curve, "rule": dot}, controls, update, _describe)


def _describe(model: Model) -> str:
    text = (
        "{factor:.4g}x over {window}: {pages_a_week:.2f} pages a week, {seen} of {incidents} "
        "incidents paged, {lost:.1%} of the month's budget lost before a page."
    )
    return text.format_map(model)


def _build_axes(axes: Axes, found: Frontier) -> None:
    """Draw all that does not move: the rules, their frontier, and Google's arms."""
    highest = max(trade.pages_a_week for trade in [*found.rules.values(), *found.arms.values()])
    axes.set_title(f"Backtest of one rule at a time, {found.slo}")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel("pages a week (evenly spaced up to 1, then logarithmic)")
    axes.set_ylabel("month's budget lost before a page, %")
    axes.set(xlim=(-0.08, max(1.2, highest * 1.2)), ylim=(0, 108 * found.whole))
    ticks = [tick for tick in TICKS if tick <= highest]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.axhline(100 * found.whole, color=GREY, lw=1, ls=":", label="nobody is paged")
    rules = _points(found.rules.values())
    axes.plot(*rules, "o", color=GREY, ms=3.5, alpha=0.6, label="a rule")
    axes.step(*_points(found.best), where="post", color=GREY, lw=1.2, label="frontier")
    for (name, arm), marker in zip(found.arms.items(), "s^vPD", strict=False):
        colour = VERMILION if marker == "D" else ORANGE
        mark: Look = {"marker": marker, "color": colour, "mec": INK, "mew": 0.6, "ms": 8}
        axes.plot(*_points([arm]), ls="", zorder=5, label=f"Google's {name}", **mark)


def _points(trades: Iterable[Trade]) -> tuple[list[float], list[float]]:
    costs = [(trade.pages_a_week, 100 * trade.lost) for trade in trades]
    return [pages for pages, _ in costs], [lost for _, lost in costs]
