"""Backtests: alert policies judged on a past whose incidents are known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import NamedTuple

import numpy as np

from oncall.alerting import AlertInterval, Policy
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts
from oncall.findings import Finding
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry._arrays import Integers
from oncall.telemetry.blind_spots import DURATIONS, ERROR_RATIOS, VERDICTS, BlindSpots, blind_spots
from oncall.telemetry.engine import alert_intervals
from oncall.telemetry.labels import label_of, read_incidents
from oncall.times import WEEK, ceil_div, moment_text, not_negative

__all__ = [
    "DURATIONS", "ERROR_RATIOS", "VERDICTS", "AlertEpisode", "BlindSpots", "Detection", "History",
    "PolicyResult", "backtest", "blind_spots", "findings_at", "is_true", "label_of", "matches",
    "paging_episodes", "read_incidents",
]  # fmt: skip

NEVER = datetime.max.replace(tzinfo=UTC)


class AlertEpisode(NamedTuple):
    """One call to a person: a stretch of time in which at least one paging rule fires.

    ``end`` is ``None`` while it still fires at the end of the data. ``since`` is where the short
    window began of the rule that opened it: the page is about what happened from then to ``start``.
    """

    since: datetime
    start: datetime
    end: datetime | None


class Detection(NamedTuple):
    """What a policy made of one incident.

    ``delay`` is from the incident's start to the page, ``None`` where it was missed; 0 when a true
    page from an earlier incident still fires. ``reset`` is from the incident's end to the moment
    the last page about it clears, ``None`` where nobody can say: missed, not over, still firing, or
    another incident holds the page. ``budget_left`` is the share of a period's error budget left at
    the page, or at the incident's end where it was missed, had the budget been untouched when the
    incident began.
    """

    incident: KnownIncident
    delay: timedelta | None
    reset: timedelta | None
    budget_left: float


class PolicyResult(NamedTuple):
    """How one policy did; a list of these makes a frame: ``pandas.DataFrame(backtest(...))``.

    ``precision`` is the share of pages that are true, ``nan`` without pages; ``recall`` the share
    of incidents that were detected, ``nan`` without incidents. Medians and worst cases are over
    what is known, ``None`` where nothing is.
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
    delay: timedelta = timedelta(),
) -> list[PolicyResult]:
    """How each policy would have done over a past whose incidents are known, in the order given.

    A page is a stretch in which any paging rule fires; tickets wake nobody and are not counted. It
    is true when, at its start, the short window of the rule that opened it overlaps an incident: it
    is about that incident even if that is over by then. A page that starts in quiet time is false,
    and an incident that begins under a false page is not detected by it. An incident is detected by
    the first true page that fires during it or is about it.

    Intervals that start before the data fills the rule's long window are left out unless
    ``partial`` is true. An incident outside the counts is a ``ValueError``. Budgets are those of a
    period with the traffic of the counts. ``delay``, that of scrape, evaluation and grouping, is
    added to each time to a page. Each result carries the findings of ``lint_alerting`` for its
    policy.
    """
    if not isinstance(policies, Mapping):
        raise ValueError("policies must be given by name, e.g. {'google': google_policy()}")
    history = History(counts, incidents, slo, delay)
    results = []
    for name, policy in policies.items():
        alerts = alert_intervals(counts, slo, policy)
        result = history.judge(name, [alert for alert in alerts if partial or alert.coverage == 1])
        findings = findings_at(policy, slo, counts.start, counts.step, history.total)
        results.append(result._replace(findings=findings))
    return results


# --- judging -------------------------------------------------------------------------------------


class History:
    """A past with known incidents, in which alerts can be judged, however they came about.

    ``total`` is the running sum of the events, 0 first. A series without buckets and an incident
    outside the counts are ``ValueError``s.
    """

    def __init__(
        self,
        counts: Counts,
        incidents: Iterable[KnownIncident],
        slo: SLO,
        delay: timedelta = timedelta(),
    ):
        self._delay = not_negative(delay, "delay")
        if not len(counts):
            raise ValueError("the counts hold no buckets; give some")
        self.counts = counts
        self.incidents = sorted(_checked(incidents, counts), key=lambda incident: incident.start)
        fits = counts.largest_total * len(counts) < 2**63
        kind = np.int64 if fits else object  # Python's integers are slower, and have no end
        self.total = np.append(0, np.cumsum(np.array(counts.total, kind)))
        self._bad = self.total - np.append(0, np.cumsum(np.array(counts.good, kind)))
        periods = slo.period / (counts.end - counts.start)
        self._budget = slo.error_budget * float(self.total[-1]) * periods

    def judge(self, name: str, alerts: Iterable[AlertInterval]) -> PolicyResult:
        """How alerts did; the terms are those of ``backtest``.

        All of them count, whatever their coverage. The result has no findings, for these are about
        a policy.
        """
        episodes = paging_episodes(alerts)
        true = [episode for episode in episodes if is_true(episode, self.incidents)]
        detections = [self._detection(incident, true) for incident in self.incidents]
        delays = [found.delay for found in detections if found.delay is not None]
        resets = [found.reset for found in detections if found.reset is not None]
        left = [found.budget_left for found in detections]
        return PolicyResult(
            policy=name,
            pages=len(episodes),
            pages_a_week=len(episodes) / ((self.counts.end - self.counts.start) / WEEK),
            precision=len(true) / len(episodes) if episodes else math.nan,
            recall=len(delays) / len(detections) if detections else math.nan,
            detection_median=_median(delays),
            detection_worst=max(delays, default=None),
            reset_median=_median(resets),
            reset_worst=max(resets, default=None),
            budget_left_median=median(left) if left else math.nan,
            budget_left_worst=min(left, default=math.nan),
            detections=tuple(detections),
            findings=(),
        )

    def _detection(self, incident: KnownIncident, true: Sequence[AlertEpisode]) -> Detection:
        about = [episode for episode in true if matches(episode, incident)]
        if not about:
            left = self._budget_left(incident.start, incident.end or self.counts.end)
            return Detection(incident, None, None, left)
        page = max(about[0].start, incident.start)
        seen = min(page + self._delay, self.counts.end)
        after, left = page + self._delay - incident.start, self._budget_left(incident.start, seen)
        return Detection(incident, after, self._reset(incident, about[-1]), left)

    def _reset(self, incident: KnownIncident, last: AlertEpisode) -> timedelta | None:
        if incident.end is None or last.end is None:
            return None
        for other in self.incidents:
            if other.start < last.end and _end(other) > incident.end:
                return None
        return max(timedelta(), last.end - incident.end)

    def _budget_left(self, start: datetime, end: datetime) -> float:
        """The share left of an untouched budget after all that went bad between two moments.

        Buckets that lie only partly between them count as a whole.
        """
        step = self.counts.step
        first = max(0, (start - self.counts.start) // step)
        last = max(first, min(len(self.counts), ceil_div(end - self.counts.start, step)))
        bad = int(self._bad[last] - self._bad[first])
        return 1 - bad / self._budget if bad else 1.0


def _checked(incidents: Iterable[KnownIncident], counts: Counts) -> Iterator[KnownIncident]:
    """The same incidents; one that is outside the counts is a ``ValueError``."""
    for incident in incidents:
        if not isinstance(incident, KnownIncident):
            raise ValueError("give KnownIncidents; label_of(incident) makes one of an Incident")
        if incident.start >= counts.end or _end(incident) <= counts.start:
            given = f"incident {incident.title!r} at {moment_text(incident.start)}"
            reach = f"{moment_text(counts.start)} to {moment_text(counts.end)}"
            raise ValueError(f"{given} is outside the counts, {reach}; leave it out")
        yield incident


def _median(lengths: list[timedelta]) -> timedelta | None:
    seconds = [length.total_seconds() for length in lengths]
    return timedelta(seconds=median(seconds)) if seconds else None


def paging_episodes(alerts: Iterable[AlertInterval]) -> list[AlertEpisode]:
    """The calls to a person among these alerts, in order.

    Paging rules that fire together, or one right after the other, are one call.
    """
    pages = [
        AlertEpisode(alert.start - alert.rule.windows[-1], alert.start, alert.end)
        for alert in alerts
        if alert.rule.action == "page"
    ]
    episodes: list[AlertEpisode] = []
    for page in sorted(pages, key=lambda page: (page.start, page.since)):
        if episodes and page.start <= _end(episodes[-1]):
            last = episodes[-1]
            episodes[-1] = AlertEpisode(last.since, last.start, max(last, page, key=_end).end)
        else:
            episodes.append(page)
    return episodes


def is_true(episode: AlertEpisode, incidents: Iterable[KnownIncident]) -> bool:
    """Whether an incident overlaps the time that the page is about."""
    return any(label.start < episode.start and episode.since < _end(label) for label in incidents)


def matches(episode: AlertEpisode, incident: KnownIncident) -> bool:
    """Whether a true page detects this incident: it fires during it or is about it."""
    return episode.since < _end(incident) and incident.start < _end(episode)


def _end(stretch: AlertEpisode | KnownIncident) -> datetime:
    return stretch.end or NEVER


def findings_at(
    policy: Policy, slo: SLO, start: datetime, step: timedelta, running: Integers
) -> tuple[Finding, ...]:
    """What ``lint_alerting`` finds at this traffic, a running sum.

    The buckets are made as long as the policy's windows allow.
    """
    width = math.gcd(*(window // step for rule in policy for window in rule.windows)) or 1
    events = np.diff(running[::width]).tolist()
    return tuple(lint_alerting(policy, slo, Counts(start, step * width, events, events)))
