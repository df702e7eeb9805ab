"""What an alert policy cannot do, or should not: found by reading it, before it runs."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import accumulate
from numbers import Real
from operator import sub

from oncall.alerting import BurnRule, Policy, checked_policy, google_policy
from oncall.checks import check
from oncall.counts import Counts
from oncall.findings import Finding
from oncall.slo import MOST_EVENTS, SLO, percent
from oncall.times import DAY, HOUR, duration_text, not_negative

PERIODS = tuple(days * DAY for days in (7, 14, 28, 30, 90, 365))  # that policies are made for
_Fault = tuple[str, str, str]  # its short name, why, and what to do


def lint_alerting(
    policy: Policy, slo: SLO, traffic: float | Counts | None = None, delay: timedelta = timedelta()
) -> list[Finding]:
    """What in this policy never fires, fires on a healthy service or on one lone failure.

    It also finds rules that ``google_policy`` makes for another period, more than a tenth away, and
    rules that total outages reach before the alert could come. ``traffic`` is a number of events an
    hour, evenly spread, or a series of counts, of which the quietest full window decides; ``delay``
    is what lies between a request and a page: scrape, evaluation, grouping. A finding's ``line`` is
    the rule's place in the policy, from 1. A rule has at most one finding.
    """
    not_negative(delay, "delay")
    findings = []
    for line, rule in enumerate(checked_policy(policy), 1):
        if isinstance(rule, BurnRule):
            fault = _never_fires(rule, slo) or _fires_wrongly(rule, slo, traffic)
            if fault := fault or _outruns(rule, slo, delay):
                findings.append(Finding(line, rule.name, *fault))
    return findings


def _never_fires(rule: BurnRule, slo: SLO) -> _Fault | None:
    if not rule.reachable(slo):
        fastest = f"{float(1 / slo.exact_budget):.4g}"
        why = f"at a target of {percent(slo.target)} a total outage burns {fastest}x."
        mend = f"Give a factor below {fastest}, or a higher target."
        return "unreachable", f"it can never fire: {why}", mend
    if rule.long > slo.period:
        period = duration_text(slo.period)
        why = (
            f"its window of {duration_text(rule.long)} is longer than the SLO's period of {period}."
        )
        return "long-window", why, "Give a window within the period, or a longer period."
    return None


def _fires_wrongly(rule: BurnRule, slo: SLO, traffic: float | Counts | None) -> _Fault | None:
    long, made_for = duration_text(rule.long), _made_for(rule)
    if made_for is not None and abs(made_for - slo.period) > slo.period / 10:
        spent = percent(rule.budget_at_fire(slo), 3)
        why = f"it is made for {duration_text(made_for)}, and fires at {spent} of this budget."
        return "another-period", why, "Give google_policy(slo.period)."
    # Not below 1: a ticket at nine tenths of the budget is sound, and 28 days make the workbook's
    # last factor 14/15.
    if rule.exact_factor < Fraction(1, 2):
        why = f"a burn rate of {rule.factor:.4g} leaves most of the budget unspent."
        mend = "Give a factor of about 1 or more; in a short period, over a shorter window."
        return "low-factor", f"it fires on a healthy service: {why}", mend
    if traffic is not None:
        events, enough = _quietest(traffic, rule.long), rule.lone_failure_fires_below(slo)
        if 0 < events < enough:
            why = f"the quietest {long} has {events:,.6g} events, below {enough:,.6g}."
            mend = "Add synthetic requests, lengthen the window, or lower the target."
            return "lone-failure", f"one failure fires it: {why}", mend
    return None


def _outruns(rule: BurnRule, slo: SLO, delay: timedelta) -> _Fault | None:
    """The rule is quicker than what brings it the counts, and its alert to somebody."""
    fires, waits = rule.detection_time(slo, 1.0), duration_text(delay)
    if fires is None or fires >= delay:
        return None
    why = f"a total outage reaches it after {duration_text(fires)}, and {waits} go by on the way."
    pages = duration_text(rule.detection_time(slo, 1.0, delay))
    return "late", why, f"Count on {pages} from outage to alert, or shorten the way."


def _made_for(rule: BurnRule) -> timedelta | None:
    """The period for which ``google_policy`` makes this rule, if it is a usual one."""
    own = rule.long, rule.short, rule.exact_factor
    for period in PERIODS:
        if own in [(one.long, one.short, one.exact_factor) for one in google_policy(period)]:
            return period
    return None


def _quietest(traffic: float | Counts, window: timedelta) -> float:
    """Events in the quietest window of this length.

    Windows without any are left out, for they fire nothing.
    """
    if isinstance(traffic, Counts):
        width = max(1, min(window // traffic.step, len(traffic)))
        sums = [0, *accumulate(traffic.total)]
        fewest = min(filter(None, map(sub, sums[width:], sums)), default=0)
        return fewest * (window / (traffic.step * width))  # a shorter series is spread over it
    is_number = isinstance(traffic, Real) and 0 <= traffic < MOST_EVENTS
    check(is_number, "traffic", "a number of events an hour", traffic, "try 600")
    return float(traffic) * (window / HOUR)
