"""A report on a service's own counts: its SLI, its budget, when alerts would have fired, and what they cannot see."""

from __future__ import annotations

import textwrap
from datetime import datetime
from operator import gt, lt, sub

from oncall.alerting import (
    AlertInterval,
    BurnRule,
    Policy,
    SilenceRule,
    alert_intervals,
    fits,
    lint_alerting,
)
from oncall.counts import Counts
from oncall.slo import SLO, budget_action, burn_rate, exceeds, percent, sli
from oncall.times import duration_text


def report(counts: Counts, slo: SLO, policy: Policy) -> str:
    """What happened to a service and what a policy would have said, as text of at most 80 columns.

    Rules whose windows the buckets do not divide are named and left out.
    """
    usable = tuple(rule for rule in policy if fits(rule, counts.step))
    lines = [
        f"SLO        {slo}",
        f"Counts     {len(counts):,} buckets of {duration_text(counts.step)}, "
        f"{_clock(counts.start)} to {_clock(counts.end)} UTC",
        *_doubt(counts),
        "",
        *_budget(counts, slo),
        "",
        "Alerts",
        *_alerts(counts, slo, policy, usable),
        "",
        "What this policy cannot see",
        *_blind(counts, slo, usable),
        "",
    ]
    return "\n".join(lines)


def is_missed(counts: Counts, slo: SLO) -> bool:
    """Whether the SLI over the whole series is below its target; without events it is not."""
    total = sum(counts.total)
    return exceeds(total - sum(counts.good), total, slo.exact_budget)


def _doubt(counts: Counts) -> list[str]:
    """Whether the numbers look like counters that only grow, restarts and gaps aside.

    Counts that rise also fall, the failures among them even while the traffic grows.
    """
    good = [good for good, total in zip(counts.good, counts.total, strict=True) if total]
    total = [total for total in counts.total if total]
    bad = list(map(sub, total, good))
    falls = sum(map(gt, good, good[1:])) + sum(map(gt, bad, bad[1:]))
    if sum(map(lt, total, total[1:])) < 100 * max(1, falls):
        return []
    return ["Caution    both columns hardly ever fall: growing counters? Give the differences"]


def _budget(counts: Counts, slo: SLO) -> list[str]:
    good, total = sum(counts.good), sum(counts.total)
    if not total:
        return ["SLI        unknown: there were no events"]
    ratio = sli(good, total)
    spent = burn_rate(ratio, slo)
    share = (counts.end - counts.start) / slo.period
    action = budget_action(1 - spent * min(1.0, share))
    return [
        f"SLI        {ratio:.4%}: {good:,} of {total:,} events good",
        f"Budget     {spent:.4f} of the budget of these events is spent",
        f"           {spent * share:.2%} of the budget of an evenly loaded {duration_text(slo.period)}",
        *textwrap.wrap(
            f"Policy     {action.action}: {action.detail}", 80, subsequent_indent=" " * 11
        ),
    ]


def _alerts(counts: Counts, slo: SLO, policy: Policy, usable: Policy) -> list[str]:
    lines = [f"  {'rule':<15} {'asks for':<13} {'from':<17} {'until':<17} coverage"]
    intervals = alert_intervals(counts, slo, usable)
    for rule in policy:
        asks = f"  {rule.name:<15} {rule.action + ' ' + rule.severity:<13}"
        fired = [f"{asks} {_row(interval)}" for interval in intervals if interval.rule == rule]
        coarse = f"  {rule.name:<15} left out: buckets of {duration_text(counts.step)} are too coarse for it"
        lines += fired or [f"{asks} never" if rule in usable else coarse]
    if any(interval.coverage < 1 for interval in intervals):
        lines += ["  * the data before it filled only this share of the rule's long window"]
    return lines


def _row(interval: AlertInterval) -> str:
    until = "still firing" if interval.end is None else _clock(interval.end)
    covered = "100%" if interval.coverage == 1 else f"{percent(interval.coverage, 3)} *"
    return f"{_clock(interval.start):<17} {until:<17} {covered}"


def _blind(counts: Counts, slo: SLO, policy: Policy) -> list[str]:
    """The lint's findings at this traffic, and the bounds below which nobody is told."""
    seen = [
        *_bounds(slo, policy),
        *(str(finding) for finding in lint_alerting(policy, slo, counts)),
    ]
    if not policy:
        seen.append("Everything else: no rule is left to tell anybody.")
    elif not any(rule.action == "page" for rule in policy):
        seen.append("Whatever cannot wait for a ticket: no rule is left that pages.")
    if not any(isinstance(rule, SilenceRule) for rule in policy):
        seen.append(
            "Traffic that stops: no rule watches for silence, and where nothing is counted nothing burns."
        )
    return [
        line
        for text in seen
        for line in textwrap.wrap(f"  - {text}", 80, subsequent_indent=" " * 4)
    ]


def _bounds(slo: SLO, policy: Policy) -> list[str]:
    rules = [rule for rule in policy if isinstance(rule, BurnRule) and rule.reachable(slo)]
    pages = [rule for rule in rules if rule.action == "page"]
    lines = []
    if shortest := min(
        filter(None, (rule.detection_time(slo, 1.0) for rule in pages)), default=None
    ):
        cost = shortest / slo.period / slo.error_budget
        lines.append(
            f"A total outage of up to {duration_text(shortest)}, after clean hours and at even traffic, does not page; "
            f"it costs up to {cost:.2%} of the {duration_text(slo.period)} budget."
        )
    for name, some in (
        ("pages", pages),
        ("opens a ticket", [rule for rule in rules if rule.action == "ticket"]),
    ):
        if some:
            lowest = min(rule.threshold(slo) for rule in some)
            lines.append(
                f"Up to {percent(lowest, 4)} of requests failing, for however long, never {name}."
            )
    return lines


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
