"""Alert policies judged on a past with known incidents, and on outages of every size: what each would have seen."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oncall.alerting import (
    AlertInterval,
    BurnRule,
    Policy,
    Rule,
    SilenceRule,
    check_step,
    lint_alerting,
)
from oncall.counts import Counts
from oncall.findings import Finding
from oncall.incident import Incident
from oncall.scenario import KnownIncident
from oncall.slo import SLO, exact, exact_ratio
from oncall.telemetry.engine import alert_intervals
from oncall.times import DAY, HOUR, MINUTE, duration_text, moment_text, parse_moment, positive

Integers = NDArray[Any]  # int64, or Python integers in an object array
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

MICROSECOND = timedelta(microseconds=1)
WEEK = 7 * DAY


class Page(NamedTuple):
    """One call to a person: a stretch of time in which at least one paging rule fires.

    ``end`` is ``None`` while it still fires at the end of the data. ``since`` is where the short window began of the
    rule that opened it: the page is about what happened from then to ``start``.
    """

    since: datetime
    start: datetime
    end: datetime | None


class Detection(NamedTuple):
    """What a policy made of one incident.

    ``delay`` is from the incident's start to the page, ``None`` where it was missed; 0 when a true page from an
    earlier incident still fires. ``reset`` is from the incident's end to the moment the last page about it clears,
    ``None`` where nobody can say: missed, not over, still firing, or another incident holds the page. ``budget_left``
    is the share of a period's error budget left at the page, or at the incident's end where it was missed, had the
    budget been untouched when the incident began.
    """

    incident: KnownIncident
    delay: timedelta | None
    reset: timedelta | None
    budget_left: float


class PolicyResult(NamedTuple):
    """How one policy did; a list of these makes a frame: ``pandas.DataFrame(backtest(...))``.

    ``precision`` is the share of pages that are true, ``nan`` without pages; ``recall`` the share of incidents that
    were detected, ``nan`` without incidents. Medians and worst cases are over what is known, ``None`` where nothing is.
    """

    policy: str
    pages: int
    pages_a_week: float
    precision: float
    recall: float
    detection_median: timedelta | None
    detection_worst: timedelta | None
    reset_median: timedelta | None
    reset_worst: timedelta | None
    budget_left_median: float
    budget_left_worst: float
    detections: tuple[Detection, ...]
    findings: tuple[Finding, ...]


def backtest(
    counts: Counts,
    incidents: Iterable[KnownIncident],
    slo: SLO,
    policies: Mapping[str, Policy],
    *,
    partial: bool = False,
) -> list[PolicyResult]:
    """How each policy would have done over a past whose incidents are known, in the order given.

    A page is a stretch in which any paging rule fires; tickets wake nobody and are not counted. It is true when, at
    its start, the short window of the rule that opened it overlaps an incident: it is about that incident even if
    that is over by then. A page that starts in quiet time is false, and an incident that begins under a false page
    is not detected by it. An incident is detected by the first true page that fires during it or is about it.

    Intervals that start before the data fills the rule's long window are left out unless ``partial`` is true. An
    incident outside the counts is a ``ValueError``. Budgets are those of a period with the traffic of the counts.
    Each result carries the findings of ``lint_alerting`` for its policy.
    """
    if not isinstance(policies, Mapping):
        raise ValueError("policies must be given by name, e.g. {'google': google_policy()}")
    if not len(counts):
        raise ValueError("the counts hold no buckets; give some")
    incidents = tuple(incidents)
    if not all(isinstance(label, KnownIncident) for label in incidents):
        raise ValueError(
            "incidents must be a list of KnownIncident; label_of(incident) makes one of an Incident"
        )
    labels = sorted(incidents, key=lambda label: label.start)
    for label in labels:
        if label.start >= counts.end or _end(label, counts.end) <= counts.start:
            raise ValueError(
                f"incident {label.title!r} at {moment_text(label.start)} is outside the counts, which reach from "
                f"{moment_text(counts.start)} to {moment_text(counts.end)}; leave it out or give longer counts"
            )
    spent = _Spending(counts, slo)
    return [
        _result(name, policy, counts, labels, slo, spent, partial)
        for name, policy in policies.items()
    ]


def read_incidents(path: str | Path) -> tuple[KnownIncident, ...]:
    """Incident labels from a CSV file with the columns ``start`` and ``end``, times in ISO 8601 with an offset.

    ``title``, ``symptom`` and ``error_ratio`` are read where they stand; an empty ``end`` means that it lasts.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if missing := {"start", "end"} - set(rows.fieldnames or ()):
                raise ValueError(
                    f"{path} has no column {', '.join(sorted(missing))}; it needs start and end"
                )
            return tuple(_label(f"{path}, row {rows.line_num}", row) for row in rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not CSV in UTF-8: {error}") from None


def _label(where: str, row: dict[str, str]) -> KnownIncident:
    try:
        start = parse_moment(row["start"] or "", "start")
        end = parse_moment(row["end"], "end") if row["end"] else None
        return KnownIncident(
            row.get("title") or "",
            row.get("symptom") or "",
            start,
            end,
            _number(row.get("error_ratio")),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _number(text: str | None) -> float:
    try:
        return float(text or math.nan)
    except ValueError:
        raise ValueError(f"error_ratio must be a number from 0 to 1, given {text!r}") from None


def label_of(incident: Incident) -> KnownIncident:
    """An incident record as a label: from the start of its impact until it was mitigated, if it was.

    Its title is the record's id and title. The error ratio is ``nan``, for a record does not say how bad it was at
    full. A false alarm is a ``ValueError``.
    """
    if any(event.verb == "false_alarm" for event in incident.events):
        raise ValueError(f"{incident.id} was a false alarm; leave it out")
    lasted = incident.metrics().impact
    end = None if lasted is None else incident.impact_start + lasted
    return KnownIncident(
        f"{incident.id} {incident.title}", incident.symptom, incident.impact_start, end, math.nan
    )


# --- one policy ----------------------------------------------------------------------------------


def _result(
    name: str,
    policy: Policy,
    counts: Counts,
    labels: Sequence[KnownIncident],
    slo: SLO,
    spent: _Spending,
    partial: bool,
) -> PolicyResult:
    intervals = alert_intervals(counts, slo, policy)
    pages = merge_pages(interval for interval in intervals if partial or interval.coverage == 1)
    true_pages = [page for page in pages if is_true(page, labels)]
    detections = tuple(_detection(label, true_pages, labels, counts, spent) for label in labels)
    delays = [detection.delay for detection in detections if detection.delay is not None]
    resets = [detection.reset for detection in detections if detection.reset is not None]
    left = [detection.budget_left for detection in detections]
    return PolicyResult(
        name,
        len(pages),
        len(pages) / ((counts.end - counts.start) / WEEK),
        len(true_pages) / len(pages) if pages else math.nan,
        len(delays) / len(labels) if labels else math.nan,
        _median(delays),
        max(delays, default=None),
        _median(resets),
        max(resets, default=None),
        median(left) if left else math.nan,
        min(left, default=math.nan),
        detections,
        findings_at(policy, slo, counts.start, counts.step, spent.total),
    )


def _median(lengths: list[timedelta]) -> timedelta | None:
    seconds = [length.total_seconds() for length in lengths]
    return timedelta(seconds=median(seconds)) if seconds else None


def merge_pages(intervals: Iterable[AlertInterval]) -> list[Page]:
    """The pages of intervals that are sorted by start: paging rules that fire together, or in turn, are one page."""
    pages: list[Page] = []
    for interval in intervals:
        if interval.rule.action != "page":
            continue
        page = Page(interval.start - _short(interval.rule), interval.start, interval.end)
        if pages and (pages[-1].end is None or page.start <= pages[-1].end):
            page = _joined(pages.pop(), page)
        pages.append(page)
    return pages


def _joined(first: Page, second: Page) -> Page:
    since = min(first.since, second.since) if first.start == second.start else first.since
    end = None if first.end is None or second.end is None else max(first.end, second.end)
    return Page(since, first.start, end)


def is_true(page: Page, labels: Iterable[KnownIncident]) -> bool:
    """Whether an incident overlaps the time that the page is about."""
    return any(
        label.start < page.start and (label.end is None or label.end > page.since)
        for label in labels
    )


def matches(page: Page, label: KnownIncident) -> bool:
    """Whether a true page detects this incident: it fires during it or is about it."""
    return (label.end is None or page.since < label.end) and (
        page.end is None or page.end > label.start
    )


def _detection(
    label: KnownIncident,
    true_pages: Iterable[Page],
    labels: Iterable[KnownIncident],
    counts: Counts,
    spent: _Spending,
) -> Detection:
    about = [page for page in true_pages if matches(page, label)]
    if not about:
        return Detection(label, None, None, spent.left(label.start, _end(label, counts.end)))
    at = max(about[0].start, label.start)
    return Detection(
        label, at - label.start, _reset(label, about[-1], labels), spent.left(label.start, at)
    )


def _reset(label: KnownIncident, last: Page, labels: Iterable[KnownIncident]) -> timedelta | None:
    if label.end is None or last.end is None:
        return None
    if any(
        other.start < last.end and (other.end is None or other.end > label.end) for other in labels
    ):
        return None
    return max(timedelta(), last.end - label.end)


class _Spending:
    """How much of a period's error budget the bad events of a stretch of time are."""

    def __init__(self, counts: Counts, slo: SLO):
        self.total = np.append(0, np.cumsum(counts.total))
        self._bad = self.total - np.append(0, np.cumsum(counts.good))
        self._counts = counts
        self._budget = (
            slo.error_budget * float(self.total[-1]) * (slo.period / (counts.end - counts.start))
        )

    def left(self, start: datetime, end: datetime) -> float:
        """The share left of an untouched budget after the buckets that lie whole or in part between two moments."""
        first = max(0, (start - self._counts.start) // self._counts.step)
        last = max(
            first, min(len(self._counts), -((self._counts.start - end) // self._counts.step))
        )
        bad = int(self._bad[last] - self._bad[first])
        return 1 - bad / self._budget if bad else 1.0


def findings_at(
    policy: Policy, slo: SLO, start: datetime, step: timedelta, running: Integers
) -> tuple[Finding, ...]:
    """What ``lint_alerting`` finds at this traffic, a running sum, in buckets as long as the policy's windows allow."""
    width = math.gcd(*(window // step for rule in policy for window in windows(rule))) or 1
    events = np.diff(running[::width]).tolist()
    return tuple(lint_alerting(policy, slo, Counts(start, step * width, events, events)))


def _end(label: KnownIncident, otherwise: datetime) -> datetime:
    return otherwise if label.end is None else label.end


def windows(rule: Rule) -> tuple[timedelta, ...]:
    """The lengths of time that a rule looks back over."""
    return (rule.after,) if isinstance(rule, SilenceRule) else (rule.long, rule.short)


def _short(rule: Rule) -> timedelta:
    return windows(rule)[-1]


# --- what a policy cannot see --------------------------------------------------------------------

VERDICTS = ("silent", "ticket", "page")
ERROR_RATIOS = (
    *(float(f"{digits}e-{power}") for power in (4, 3, 2, 1) for digits in (1, 1.5, 2, 3, 5, 7)),
    1.0,
)
DURATIONS = (
    *(minutes * MINUTE for minutes in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45)),
    *(hours * HOUR for hours in (1, 1.5, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72)),
)


@dataclass(frozen=True)
class BlindSpots:
    """What a policy says to outages of every size: a row an error ratio, a column a duration.

    ``verdict`` holds places in ``VERDICTS``: 0 silent, 1 ticket, 2 page. ``budget_lost`` is the share of a period's
    error budget that the whole outage costs, above 1 where it overspends it.
    """

    error_ratios: tuple[float, ...]
    durations: tuple[timedelta, ...]
    verdict: NDArray[np.int8]
    budget_lost: NDArray[np.float64]
    findings: tuple[Finding, ...]


def blind_spots(
    slo: SLO,
    policy: Policy,
    traffic: float | Counts,
    *,
    error_ratios: Iterable[float] = ERROR_RATIOS,
    durations: Iterable[timedelta] = DURATIONS,
    step: timedelta = MINUTE,
) -> BlindSpots:
    """What a policy says to outages of each error ratio and duration, at ``traffic`` events an hour.

    The traffic is even: of counts it is the mean, though the findings are about their quietest windows. Outside the
    outage no event is bad. Events are whole: t after the outage's start ⌊traffic × t⌋ events have come, and of the
    first n in the outage ⌊error ratio × n⌋ are bad. So at 10 events an hour the first five minutes hold none. A page
    wins over a ticket; one that comes only after the end counts. Verdicts are those of ``AlertEvaluator`` on buckets
    of ``step``, of which each duration must be a multiple, after enough clean traffic to fill the windows.
    ``SilenceRule``s play no part, for the events keep coming.
    """
    check_step(policy, step)
    error_ratios, durations = tuple(error_ratios), tuple(durations)
    if not error_ratios or not durations:
        raise ValueError("an empty map; give at least one error ratio and one duration")
    rules = [rule for rule in policy if isinstance(rule, BurnRule)]
    ratios = [_error_ratio(ratio) for ratio in error_ratios]
    ends = np.array([_buckets(duration, step) for duration in durations])
    history = max((rule.long // step for rule in rules), default=0)
    hourly = _rate(traffic)
    rate = hourly * Fraction(step // MICROSECOND, HOUR // MICROSECOND)
    begin, end = -history, int(ends.max()) + history + 1
    events = _integers(
        [rate.numerator * t // rate.denominator for t in range(begin, end)],
        [*ratios, *(rule.threshold(slo) for rule in rules)],
    )
    verdict = np.zeros((len(ratios), len(ends)), np.int8)
    lost = np.zeros(verdict.shape)
    for row, ratio in enumerate(ratios):
        bad = events[history : history + ends.max() + 1] * ratio.numerator // ratio.denominator
        for rule in rules:
            fired = _fired(_Outage(events, history, bad), rule, slo, step, ends)
            verdict[row] = np.maximum(verdict[row], fired * VERDICTS.index(rule.action))
        lost[row] = bad[ends] / (float(slo.exact_budget * rate) * (slo.period / step))
    findings = lint_alerting(policy, slo, traffic if isinstance(traffic, Counts) else float(hourly))
    return BlindSpots(error_ratios, durations, verdict, lost, tuple(findings))


@dataclass(frozen=True)
class _Outage:
    """Running sums over buckets: of all events from ``history`` before an outage, of bad ones from its start."""

    events: Integers
    history: int
    bad: Integers

    def exceeds(self, at: Places, end: Places, window: int, threshold: Fraction) -> Flags:
        """Whether the window that ends ``at`` a bucket burns too fast if the outage ends at ``end``."""
        bad = self.bad[np.minimum(at, end)] - self.bad[np.clip(at - window, 0, end)]
        total = self.events[at + self.history] - self.events[at + self.history - window]
        exceeding: Flags = bad * threshold.denominator > total * threshold.numerator
        return exceeding


def _fired(outage: _Outage, rule: BurnRule, slo: SLO, step: timedelta, ends: Places) -> Flags:
    """Whether the rule fires in or after an outage, for each of its possible ends."""
    threshold, long, short = rule.threshold(slo), rule.long // step, rule.short // step

    def fires(at: Places, end: Places) -> Flags:
        return outage.exceeds(at, end, short, threshold) & outage.exceeds(at, end, long, threshold)

    inside = np.arange(1, ends.max() + 1)
    during = fires(inside, inside)
    first = inside[during.argmax()] if during.any() else ends.max() + 1
    # With whole events a window may lose a good one before it loses the bad, so the verdict can come after the end.
    after = fires(ends[:, None] + np.arange(1, short), ends[:, None])
    fired: Flags = (ends >= first) | after.any(axis=1)
    return fired


def _integers(sums: list[int], factors: list[Fraction]) -> Integers:
    """The sums in int64; in Python's own integers, slower, where a factor could take them past 2**63."""
    largest = max(max(factor.as_integer_ratio()) for factor in factors)
    return np.array(sums, np.int64 if 2 * sums[-1] * largest < 2**63 else object)


def _rate(traffic: float | Counts) -> Fraction:
    if isinstance(traffic, Counts):
        traffic = sum(traffic.total) / max(1, len(traffic)) * (HOUR / traffic.step)
    with contextlib.suppress(ValueError):
        if not isinstance(traffic, str) and (rate := exact(traffic)) > 0:
            return rate
    raise ValueError(
        f"traffic must be a number of events an hour above 0, given {traffic!r}; give e.g. 600"
    )


def _error_ratio(ratio: float) -> Fraction:
    number = exact_ratio(ratio, "an error ratio")
    if number is None:
        raise ValueError("an error ratio must be a number from 0 to 1, given nan")
    return number


def _buckets(duration: timedelta, step: timedelta) -> int:
    if positive(duration, "a duration") % step:
        raise ValueError(
            f"a duration of {duration_text(duration)} is not whole buckets of {duration_text(step)}; give a finer step"
        )
    return duration // step
