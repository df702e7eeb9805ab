"""A report on a service's own counts: SLI, budget, when alerts fired, and what they cannot see."""

from __future__ import annotations

import textwrap
from datetime import datetime, timedelta
from operator import gt, lt, sub

from oncall.alerting import BurnRule, Policy, SilenceRule, alert_intervals, fits
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts
from oncall.slo import SLO, budget_action, burn_rate, exceeds, percent, sli
from oncall.times import MINUTE, duration_text, not_negative

_NOTHING_BURNS = "and where nothing is counted nothing burns."
_UNWATCHED = {  # by the kinds of silence that no rule watches for
    (): [],
    ("traffic",): [f"Traffic that stops: only data that stop are watched for, {_NOTHING_BURNS}"],
    ("data",): [f"Data that stop: only traffic that stops is watched for, {_NOTHING_BURNS}"],
    ("traffic", "data"): [f"Traffic that stops: no rule watches for silence, {_NOTHING_BURNS}"],
}


def report(counts: Counts, slo: SLO, policy: Policy, delay: timedelta = 2 * MINUTE) -> str:
    """What happened to a service and when a policy would have fired, in at most 80 columns.

    Rules whose windows the buckets do not divide are named and left out. ``delay`` is what lies
    between a request and a page: scrape, evaluation, grouping.
    """
    not_negative(delay, "delay")
    usable = tuple(rule for rule in policy if fits(rule, counts.step))
    sections = (
        _overview(counts, slo),
        _budget(counts, slo),
        ["Alerts", *_alerts(counts, slo, policy, usable)],
        ["What this policy cannot see", *_blind_spots(counts, slo, usable, delay)],
    )
    return "\n".join("\n".join(lines) + "\n" for lines in sections)


def is_missed(counts: Counts, slo: SLO) -> bool:
    """Whether the SLI over the whole series is below its target; without events it is not."""
    total = sum(counts.total)
    return exceeds(total - sum(counts.good), total, slo.exact_budget)


def _overview(counts: Counts, slo: SLO) -> list[str]:
    size = f"{len(counts):,} buckets of {duration_text(counts.step)}"
    span = f"{_clock(counts.start)} to {_clock(counts.end)} UTC"
    lines = [f"SLO        {slo}", f"Counts     {size}, {span}"]
    if _only_grow(counts):
        doubt = "both columns hardly ever fall: growing counters? Give the differences"
        lines.append(f"Caution    {doubt}")
    return lines


def _only_grow(counts: Counts) -> bool:
    """Whether the numbers look like counters that only grow, restarts and gaps aside.

    Counts that rise also fall, and so do the failures among them even while the traffic grows.
    """
    total = [total for total in counts.total if total]
    good = [good for good, total in zip(counts.good, counts.total, strict=True) if total]
    bad = list(map(sub, total, good))
    falls: int = sum(map(gt, good, good[1:])) + sum(map(gt, bad, bad[1:]))
    rises: int = sum(map(lt, total, total[1:]))
    return rises >= 100 * max(1, falls)


def _budget(counts: Counts, slo: SLO) -> list[str]:
    good, total = sum(counts.good), sum(counts.total)
    if not total:
        return ["SLI        unknown: there were no events"]
    spent, period = burn_rate(sli(good, total), slo), duration_text(slo.period)
    share = (counts.end - counts.start) / slo.period
    advice = budget_action(1 - spent * min(1.0, share))
    return [
        f"SLI        {sli(good, total):.4%}: {good:,} of {total:,} events good",
        f"Budget     {spent:.4f} of the budget of these events is spent",
        f"           {spent * share:.2%} of the budget of an evenly loaded {period}",
        *_wrapped("Policy     ", f"{advice.action}: {advice.detail}"),
    ]


def _alerts(counts: Counts, slo: SLO, policy: Policy, usable: Policy) -> list[str]:
    lines = [f"  {'rule':<15} {'asks for':<13} {'from':<17} {'until':<17} coverage"]
    intervals = alert_intervals(counts, slo, usable)
    for rule in policy:
        if rule not in usable:
            coarse = f"buckets of {duration_text(counts.step)} are too coarse for it"
            lines.append(f"  {rule.name:<15} left out: {coarse}")
            continue
        asks = f"  {rule.name:<15} {rule.action + ' ' + rule.severity:<13}"
        fired = [interval for interval in intervals if interval.rule == rule]
        for interval in fired:
            until = "still firing" if interval.end is None else _clock(interval.end)
            covered = "100%" if interval.coverage == 1 else f"{percent(interval.coverage, 3)} *"
            lines.append(f"{asks} {_clock(interval.start):<17} {until:<17} {covered}")
        if not fired:
            lines.append(f"{asks} never")
    if any(interval.coverage < 1 for interval in intervals):
        lines.append("  * the data before it filled only this share of the rule's long window")
    return lines


def _blind_spots(counts: Counts, slo: SLO, policy: Policy, delay: timedelta) -> list[str]:
    """The bounds below which nobody is told, and the lint's findings at this traffic."""
    texts = _bounds(slo, policy, delay) + list(map(str, lint_alerting(policy, slo, counts)))
    if not policy:
        texts.append("Everything else: no rule is left to tell anybody.")
    elif not any(rule.action == "page" for rule in policy):
        texts.append("Whatever cannot wait for a ticket: no rule is left that pages.")
    if counts.missing:
        share = percent(len(counts.missing) / len(counts), 3)
        number = f"{len(counts.missing):,} of {len(counts):,} buckets ({share})"
        texts.append(f"Where there are no data, in {number}; they count as 0 of 0.")
    watched = {rule.of for rule in policy if isinstance(rule, SilenceRule)}
    texts += _UNWATCHED[tuple(of for of in ("traffic", "data") if of not in watched)]
    return [line for text in texts for line in _wrapped("  - ", text)]


def _bounds(slo: SLO, policy: Policy, delay: timedelta) -> list[str]:
    """The longest total outage and the largest lasting share of failures that nobody is told of."""
    rules = [rule for rule in policy if isinstance(rule, BurnRule) and rule.reachable(slo)]
    detections = [rule.detection_time(slo, 1.0) for rule in rules if rule.action == "page"]
    texts = []
    if shortest := min(filter(None, detections), default=None):
        length, period = duration_text(shortest), duration_text(slo.period)
        cost = shortest / slo.period / slo.error_budget
        outage = f"A total outage of up to {length}, after clean hours and at even traffic"
        texts.append(f"{outage}, does not page; it costs up to {cost:.2%} of the {period} budget.")
        page, waits = duration_text(shortest + delay), duration_text(delay)
        texts.append(f"The page of a longer one comes {page} after its start, if {waits} go by")
        texts[-1] += " between a request and a page."
    for action, verb in (("page", "pages"), ("ticket", "opens a ticket")):
        thresholds = [rule.threshold(slo) for rule in rules if rule.action == action]
        if thresholds:
            lowest = percent(min(thresholds), 4)
            texts.append(f"Up to {lowest} of requests failing, for however long, never {verb}.")
    return texts


def _wrapped(label: str, text: str) -> list[str]:
    """A labelled text in lines of at most 80 columns, the further ones indented as the label is."""
    return textwrap.wrap(label + text, 80, subsequent_indent=" " * len(label))


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
