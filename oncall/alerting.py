"""Burn-rate alerts: what a rule means before it runs, and the verdict minute by minute.

A policy is a tuple of rules. ``AlertEvaluator`` is the definition; everything else that fires
gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, chain, repeat, zip_longest
from operator import and_, eq, gt, index, sub

from oncall.checks import check, check_choice
from oncall.counts import Buckets, Counts
from oncall.severity import SEVERITIES, severity_for
from oncall.slo import SLO, changes_of, check_slo, exact, exact_burn, exact_ratio, exceeds, scaled
from oncall.times import (
    DAY,
    HOUR,
    MINUTE,
    check_buckets,
    duration_text,
    not_negative,
    positive,
    whole_buckets,
)

ALERT_ACTIONS = ("page", "ticket")


@dataclass(frozen=True)
class Alert:
    """What an alert asks for: ``page`` a human now or open a ``ticket``.

    ``severity`` says how bad it is; ``burn`` is the burn rate that was seen, over which ``window``.
    """

    action: str
    severity: str
    burn: float
    window: str


def alert(
    fast_sli: float, slow_sli: float, slo: SLO, *, page_burn: float = 14.4, ticket_burn: float = 1.0
) -> Alert | None:
    """The idea of two thresholds in one function; it is not the four rules of ``google_policy``.

    A fast burn pages (sev1), a slow sustained one opens a ticket (sev3). ``fast_sli`` is the SLI
    over a short window such as the last hour, ``slow_sli`` over a long one such as three days. The
    page wins. ``nan`` never fires, and the comparison is strict: a burn exactly at its threshold is
    quiet.
    """
    fast, slow = exact_burn(fast_sli, slo), exact_burn(slow_sli, slo)
    if fast is not None and fast > exact(page_burn, "page_burn"):
        return Alert("page", "sev1", float(fast), "fast")
    if slow is not None and slow > exact(ticket_burn, "ticket_burn"):
        return Alert("ticket", "sev3", float(slow), "slow")
    return None


# --- rules ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BurnRule:
    """Fires while both its windows burn strictly faster than its factor.

    ``long`` says that it matters, ``short`` that it still does; the same length twice is a plain
    one-window alert. ``factor`` is a burn rate, ``exact_factor`` the exact number behind it.
    """

    long: timedelta
    short: timedelta
    factor: float
    action: str = "page"
    severity: str = "sev1"
    exact_factor: Fraction = field(default=Fraction(0), repr=False)

    def __post_init__(self) -> None:
        if positive(self.short, "short") > positive(self.long, "long"):
            raise ValueError(f"short must be at most long, given {self.short} and {self.long}")
        factor = exact(self.factor, "factor")
        is_rate = Fraction(1, 10**20) <= factor <= 10**20
        check(is_rate, "factor", "above 0, from 1e-20 to 1e20", self.factor)
        _check_action(self.action, self.severity)
        # A factor such as 14/15 has no decimal text: keep the fraction, and show the float.
        if float(exact(self.exact_factor, "exact_factor")) != float(factor):
            object.__setattr__(self, "exact_factor", factor)
        object.__setattr__(self, "factor", float(factor))

    @cached_property
    def name(self) -> str:
        """The rule as people write it: ``14.4x 1h/5m``."""
        return f"{self.factor:.4g}x {duration_text(self.long)}/{duration_text(self.short)}"

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """The lengths of time over which it looks back, the longest first."""
        return self.long, self.short

    def threshold(self, slo: SLO) -> Fraction:
        """The error ratio above which it fires: factor × error budget."""
        check_slo(slo)
        return self.exact_factor * slo.exact_budget

    def reachable(self, slo: SLO) -> bool:
        """Whether a total outage can fire it: a 90 % SLO never burns at 14.4×."""
        return self.threshold(slo) < 1

    def detection_time(
        self, slo: SLO, error_ratio: float, delay: timedelta = timedelta()
    ) -> timedelta | None:
        """How long a constant error ratio must last until it fires.

        That is error budget ÷ error ratio × long × factor, if both windows were full of clean
        events before, and the ``delay`` of what lies between a request and a page: scrape,
        evaluation, grouping. ``None`` when it never fires at this error ratio.

        >>> rule, slo = google_policy()[0], SLO("availability", 0.999)
        >>> str(rule.detection_time(slo, 1.0)), str(rule.detection_time(slo, 1.0, 2 * MINUTE))
        ('0:00:51.840000', '0:02:51.840000')
        """
        share = self._share_to_fire(slo, error_ratio)
        waits = not_negative(delay, "delay")
        return None if share is None else scaled(self.long, share) + waits

    def reset_time(self, slo: SLO, error_ratio: float) -> timedelta | None:
        """How long it keeps firing after an outage that filled the short window.

        That is short × (1 − threshold ÷ error ratio). ``None`` when it never fires at this error
        ratio.
        """
        share = self._share_to_fire(slo, error_ratio)
        return None if share is None else scaled(self.short, 1 - share)

    def _share_to_fire(self, slo: SLO, error_ratio: float) -> Fraction | None:
        """The share of a window that must fail at this error ratio to reach the threshold.

        ``None`` if even a full window does not exceed it.
        """
        ratio, threshold = exact_ratio(error_ratio, "error_ratio"), self.threshold(slo)
        return threshold / ratio if ratio is not None and ratio > threshold else None

    def budget_at_fire(self, slo: SLO) -> float:
        """The share of the budget already spent when it fires: factor × long ÷ period."""
        return float(self.exact_factor * quotient(self.long, slo.period))

    def lone_failure_fires_below(self, slo: SLO) -> float:
        """With fewer events than this in the long window one failure fires it: 1 ÷ threshold."""
        return float(1 / self.threshold(slo))


@dataclass(frozen=True)
class SilenceRule:
    """Fires when a service that had events, or data, has had none at all for ``after``.

    If the front door dies, nothing burns and no burn rule fires. ``of`` says which silence it is.
    *traffic*: there were no events, and the last bucket says so, for it was counted. *data*: none
    of the buckets was counted, so nobody knows what users feel.
    """

    after: timedelta
    action: str = "page"
    severity: str = severity_for(1.0, "availability")  # all of them are lost
    of: str = "traffic"

    def __post_init__(self) -> None:
        check_choice(self.of, "of", ("traffic", "data"))
        positive(self.after, "after")
        _check_action(self.action, self.severity)

    @property
    def name(self) -> str:
        """The rule as people write it: ``silence 10m``, ``no data 10m``."""
        return f"{'silence' if self.of == 'traffic' else 'no data'} {duration_text(self.after)}"

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """The one length of time over which it looks back."""
        return (self.after,)


Rule = BurnRule | SilenceRule
Policy = tuple[Rule, ...]


def google_policy(period: timedelta = timedelta(days=30)) -> tuple[BurnRule, ...]:
    """The four multiwindow, multi-burn-rate rules of the SRE workbook, for an SLO of this period.

    They fire when more than 2, 5, 10 and 10 % of the budget are gone within 1 h, 6 h, 1 d and 3 d:
    factor = share × period ÷ long, which is 14.4, 6, 3 and 1 for 30 days. A period below 15 days
    makes the last factor less than a half, and ``lint_alerting`` says so.
    The severities are ours. Source of the rest: Google, The Site Reliability Workbook, chapter 5,
    "Multiwindow, Multi-Burn-Rate Alerts".
    """
    positive(period, "period")

    def rule(share: int, long: timedelta, short: timedelta, action: str, severity: str) -> BurnRule:
        factor = Fraction(share, 100) * quotient(period, long)
        return BurnRule(long, short, float(factor), action, severity, factor)

    return (
        rule(2, HOUR, 5 * MINUTE, "page", "sev1"),
        rule(5, 6 * HOUR, 30 * MINUTE, "page", "sev2"),
        rule(10, DAY, 2 * HOUR, "ticket", "sev3"),
        rule(10, 3 * DAY, 6 * HOUR, "ticket", "sev4"),
    )


# --- the verdict ---------------------------------------------------------------------------------


class AlertEvaluator:
    """The definition of when a policy fires, one bucket at a time.

    A window is (T − W, T], T being the end of the bucket just observed. Buckets before the data
    count 0 of 0. A window without events has no burn rate and never fires a burn rule. Only
    integers are compared. ``step`` must divide every window, or it is a ``ValueError``; so is a
    window of more than 31,622,400 buckets, for it keeps them all.
    """

    def __init__(self, slo: SLO, policy: Policy, step: timedelta):
        check_step(policy, step)
        self._step = step
        self._tests = [(rule, self._test(rule, slo)) for rule in policy]
        # Bad and total events and buckets with data since the start, in a ring as long as the
        # longest window. A slot never written holds 0, as the buckets before the data count.
        longest = max((rule.windows[0] for rule in policy), default=timedelta())
        self._size = longest // step + 1
        check_buckets(longest // step, step, "the longest window holds", "give longer buckets")
        self._ring = [(0, 0, 0)] * self._size
        self._now = 0

    def observe(self, good: int | None, total: int | None) -> tuple[Rule, ...]:
        """Take in the next bucket; return the rules that fire at its end, in the policy's order.

        A bucket without data is ``None`` of ``None``.
        """
        self._take(good, total)
        return tuple(rule for rule, fires in self._tests if fires())

    def take_all(self, bad: Sequence[int], total: Sequence[int]) -> None:
        """Take in the first buckets at once, and say nothing: what came before anybody looked."""
        sums = list(zip(accumulate(bad), accumulate(total), range(1, len(bad) + 1), strict=True))
        for place, slot in enumerate(sums[-self._size :], max(0, len(sums) - self._size) + 1):
            self._ring[place % self._size] = slot
        self._now = len(sums)

    def _take(self, good: int | None, total: int | None) -> None:
        has_data = good is not None and total is not None
        if good is None or total is None:
            need = "both None, or both whole numbers"
            check(good is total, "good and total", need, (good, total))
            good = total = 0
        good, total = index(good), index(total)  # numpy's integers would wrap in a running sum
        if not 0 <= good <= total:
            raise ValueError(f"given {good} good of {total} events; good must be from 0 to total")
        bad, events, data = self._ring[self._now % self._size]
        self._now += 1
        self._ring[self._now % self._size] = bad + total - good, events + total, data + has_data

    def window(self, length: timedelta) -> tuple[int, int]:
        """Good and total events in the last ``length``.

        It must be a whole number of buckets and at most the longest window.
        """
        buckets, rest = divmod(length, self._step)
        if rest or not 0 < buckets < self._size:
            step, limit = duration_text(self._step), duration_text(self._step * (self._size - 1))
            mend = f"give whole buckets of {step}, at most {limit}"
            raise ValueError(f"a window of {length} is not kept; {mend}")
        bad, total, _ = self._last(buckets)
        return total - bad, total

    def _last(self, buckets: int) -> tuple[int, int, int]:
        """Bad and total events and buckets with data among the last ``buckets`` buckets."""
        bad, total, data = self._ring[self._now % self._size]
        bad_before, total_before, data_before = self._ring[(self._now - buckets) % self._size]
        return bad - bad_before, total - total_before, data - data_before

    def _test(self, rule: Rule, slo: SLO) -> Callable[[], bool]:
        """The rule as a question about the present moment."""
        last = self._last
        long, short = rule.windows[0] // self._step, rule.windows[-1] // self._step
        if isinstance(rule, SilenceRule):
            column = 1 if rule.of == "traffic" else 2

            def is_silent() -> bool:
                had_any = self._ring[self._now % self._size][column] > 0
                return had_any and last(long)[column] == 0 and (column == 2 or last(1)[2] == 1)

            return is_silent
        threshold = rule.threshold(slo)

        def burns(buckets: int) -> bool:
            bad, total, _ = last(buckets)
            return exceeds(bad, total, threshold)

        return lambda: burns(short) and burns(long)


@dataclass(frozen=True)
class AlertInterval:
    """One stretch of time in which a rule fired.

    ``start`` and ``end`` are the ends of the buckets at which the verdict changed, so nothing is
    known early; ``end`` is ``None`` while it still fires at the end of the data. ``coverage`` is
    the share of the rule's longest window that the data filled at ``start``.
    """

    rule: Rule
    start: datetime
    end: datetime | None
    coverage: float

    @classmethod
    def from_changes(
        cls, policy: Policy, changes: Iterable[list[int]], start: datetime, step: timedelta
    ) -> list[AlertInterval]:
        """All intervals of a policy, by start, then by the policy's order.

        ``changes`` holds, for each rule, the buckets at whose ends its verdict changed, counted
        from 0; it does not fire before the first. The data begins at ``start``.
        """
        intervals = []
        for rule, buckets in zip(policy, changes, strict=True):
            full = start + rule.windows[0]  # when the data fills its longest window
            ends = [start + step * (bucket + 1) for bucket in buckets]
            for fires, clears in zip_longest(ends[::2], ends[1::2]):
                coverage = 1.0 if fires >= full else (fires - start) / rule.windows[0]
                intervals.append(cls(rule, fires, clears, coverage))
        return sorted(intervals, key=lambda interval: interval.start)


def alert_intervals(counts: Counts, slo: SLO, policy: Policy) -> list[AlertInterval]:
    """When each rule of the policy fired over a series, by start, then by the policy's order."""
    hint = "give Counts.from_frame(frame); oncall.telemetry.engine takes frames too"
    check(isinstance(counts, Counts), "counts", "Counts", type(counts).__name__, hint)
    check_step(policy, counts.step)
    bad, total = list(map(sub, counts.total, counts.good)), counts.total
    changes = [changes_of(_firing(rule, slo, bad, total, counts.step)) for rule in policy]
    changes = tell_silences_apart(policy, changes, counts.missing, counts.step, len(counts))
    return AlertInterval.from_changes(policy, changes, counts.start, counts.step)


def _firing(
    rule: Rule, slo: SLO, bad: Iterable[int], total: Iterable[int], step: timedelta
) -> bytes:
    """Whether the rule fires at the end of each bucket, as 1 or 0.

    A window is above the threshold N ÷ D if its sum of bad × D − total × N is above 0, which is to
    say if the running sum is higher at its end than it was before it.
    """
    if isinstance(rule, SilenceRule):
        sums = [*accumulate(total)]
        empty = map(eq, sums, _before(sums, rule.after // step))
        return bytes(map(and_, empty, map(bool, sums)))
    threshold = rule.threshold(slo)
    bad_weighs, good_weighs = threshold.denominator, threshold.numerator
    sums = [*accumulate(b * bad_weighs - t * good_weighs for b, t in zip(bad, total, strict=True))]
    over_long, over_short = (map(gt, sums, _before(sums, w // step)) for w in rule.windows)
    return bytes(map(and_, over_long, over_short))


def tell_silences_apart(
    policy: Policy, changes: list[list[int]], missing: Buckets, step: timedelta, size: int
) -> list[list[int]]:
    """The changes of each rule, where a silence without data is no silence of traffic.

    ``missing`` are buckets of ``step`` in a series of ``size``.
    """
    apart = []
    for rule, own in zip(policy, changes, strict=True):
        if isinstance(rule, SilenceRule) and rule.of == "data":
            width, long_runs = rule.after // step, []
            for run in missing.runs:
                if run.start and len(run) >= width:  # there was data before
                    long_runs += [run.start + width - 1, run.stop]
            own = [bucket for bucket in long_runs if bucket < size]
        elif isinstance(rule, SilenceRule) and missing and own:
            firing = bytearray(size)
            for begin, end in zip_longest(own[::2], own[1::2], fillvalue=size):
                firing[begin:end] = b"\1" * (end - begin)
            for run in missing.runs:
                firing[run.start : run.stop] = bytes(len(run))
            own = changes_of(bytes(firing))
        apart.append(own)
    return apart


def _before(sums: list[int], buckets: int) -> Iterable[int]:
    """The running sum so many buckets ago: 0 before the data."""
    return chain(repeat(0, min(buckets, len(sums))), sums)


# --- checking ------------------------------------------------------------------------------------


def check_step(policy: Policy, step: timedelta) -> None:
    """Raise a ``ValueError`` unless buckets of ``step`` fill every window of the policy exactly."""
    positive(step, "step")
    for rule in checked_policy(policy):
        for window in rule.windows:
            whole_buckets(window, step, f"window of {rule.name}")


def fits(rule: Rule, step: timedelta) -> bool:
    """Whether buckets of ``step`` fill every window of the rule exactly."""
    return not any(window % step for window in rule.windows)


def quotient(length: timedelta, unit: timedelta) -> Fraction:
    """How many times ``unit`` goes into a length of time, as an exact number."""
    return Fraction(length // timedelta.resolution, unit // timedelta.resolution)


def checked_policy(policy: Policy) -> Policy:
    """The policy itself if it is a tuple or a list of rules; else a ``ValueError``."""
    if not isinstance(policy, tuple | list):
        kind = type(policy).__name__
        raise ValueError(f"a policy is a tuple of rules such as google_policy(), given {kind}")
    return policy


def _check_action(action: str, severity: str) -> None:
    check_choice(action, "action", ALERT_ACTIONS)
    check_choice(severity, "severity", SEVERITIES)
