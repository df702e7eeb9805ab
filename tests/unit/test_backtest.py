"""Backtests: small pasts worked out by hand, and pages that are the evaluator's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import (
    AlertEvaluator,
    AlertInterval,
    BurnRule,
    Policy,
    SilenceRule,
    alert_intervals,
    google_policy,
)
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts, read_csv
from oncall.incident import Incident
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry import backtest as module
from oncall.telemetry import blind_spots, labels
from oncall.telemetry.backtest import (
    AlertEpisode,
    History,
    PolicyResult,
    backtest,
    paging_episodes,
    read_incidents,
)
from oncall.times import HOUR, MINUTE

DATA = Path(__file__).parents[2] / "data"
START = datetime(2025, 3, 1, tzinfo=UTC)
SLO_999 = SLO("availability", 0.999)
GOOGLE = google_policy()
RECORD = Incident("INC-7", "provider fails", SLO_999, "model_provider_outage", START)


def past(*bad_stretches: tuple[int, int], days: int = 5, percent: int = 100) -> Counts:
    """100 requests a minute; in each stretch (minute, length) this percentage of them fails."""
    good = [100] * (days * 1440)
    for minute, length in bad_stretches:
        good[minute : minute + length] = [100 - percent] * length
    return Counts(START, MINUTE, good, [100] * len(good))


def incident(minute: float, length: float | None, title: str = "") -> KnownIncident:
    start = START + minute * MINUTE
    end = None if length is None else start + length * MINUTE
    return KnownIncident(title, "model_provider_outage", start, end, 1.0)


def google(counts: Counts, *incidents: KnownIncident, **options: Any) -> PolicyResult:
    (result,) = backtest(counts, incidents, SLO_999, {"google": GOOGLE}, **options)
    return result


def test_an_outage_is_detected_and_clears_as_worked_out_by_hand() -> None:
    """100 bad of an hour's 6,000 are above 1.44 %; of the half hour's 3,000 only 18 may be bad."""
    result = google(past((5000, 10)), incident(5000, 10))
    assert (result.pages, result.precision, result.recall) == (1, 1.0, 1.0)
    assert (result.detection_median, result.reset_median) == (MINUTE, 30 * MINUTE)
    assert result.budget_left_median == pytest.approx(1 - 100 / 4320)
    assert result.pages_a_week == pytest.approx(7 / 5)


def test_the_way_from_a_request_to_a_page_is_added_to_each_detection() -> None:
    counts, outage = past((5000, 10)), incident(5000, 10)
    at_once, late = google(counts, outage), google(counts, outage, delay=2 * MINUTE)
    assert at_once.detection_median is not None
    assert late.detection_median == at_once.detection_median + 2 * MINUTE
    assert late.detection_worst == late.detection_median
    assert late.reset_median == at_once.reset_median
    assert late.budget_left_median < at_once.budget_left_median
    assert (late.pages, late.recall) == (at_once.pages, at_once.recall)
    with pytest.raises(ValueError, match="delay must be a timedelta of zero or more"):
        google(counts, outage, delay=-MINUTE)


def test_medians_and_worst_cases_are_over_the_incidents() -> None:
    counts = past((3000, 1), (5000, 10))
    result = google(counts, incident(3000, 1), incident(4998, 12))
    assert (result.detection_median, result.detection_worst) == (2 * MINUTE, 3 * MINUTE)
    # The first clears in 5 minutes.
    assert (result.reset_median, result.reset_worst) == (17.5 * MINUTE, 30 * MINUTE)


def test_a_page_in_quiet_time_is_false_and_an_incident_without_a_page_is_missed() -> None:
    result = google(past((5000, 10)), incident(3000, 10, "nobody noticed"))
    assert (result.pages, result.precision, result.recall) == (1, 0.0, 0.0)
    (detection,) = result.detections
    assert (detection.delay, detection.reset, detection.budget_left) == (None, None, 1.0)
    assert result.detection_median is result.reset_worst is None


def test_a_missed_incident_costs_what_it_spent_to_its_end() -> None:
    result = google(past((5000, 500), percent=1), incident(5000, 500))
    assert result.recall == 1.0  # 1 % pages by the 6-hour rule
    (result,) = backtest(past((5000, 500), percent=1), [incident(5000, 500)], SLO_999, {"none": ()})
    assert result.recall == 0.0
    assert result.budget_left_worst == pytest.approx(1 - 500 / 4320)


def test_a_page_known_only_at_the_end_of_a_minute_is_about_what_was_over_within_it() -> None:
    result = google(past((5000, 1)), incident(5000, 51 / 60))
    assert (result.precision, result.detection_worst) == (1.0, MINUTE)


def test_a_page_is_about_its_short_window_and_no_longer_past() -> None:
    """The 1-hour rule opens the page as minute 5000 ends; its 5 minutes begin with minute 4996."""
    counts = past((5000, 10))
    assert google(counts, incident(4996, 1)).precision == 1.0
    assert google(counts, incident(4995, 1)).precision == 0.0


def test_a_second_wave_under_a_page_is_known_at_once_and_hides_the_first_one_s_reset() -> None:
    result = google(past((5000, 4), (5020, 10)), incident(5000, 4), incident(5020, 10))
    first, second = result.detections
    assert (result.pages, result.recall) == (1, 1.0)
    assert (first.delay, first.reset) == (MINUTE, None)
    assert (second.delay, second.budget_left) == (timedelta(), 1.0)
    assert second.reset == 30 * MINUTE


def test_an_incident_under_a_false_page_is_not_detected_by_it() -> None:
    result = google(past((5000, 5)), incident(5020, 10))
    assert (result.precision, result.recall) == (0.0, 0.0)


def test_what_still_fires_at_the_end_has_no_reset() -> None:
    end = 5 * 1440
    assert google(past((end - 10, 10)), incident(end - 10, None)).detections[0].reset is None
    assert google(past((end - 10, 5)), incident(end - 10, 5)).detections[0].reset is None


def test_pages_before_the_windows_are_full_are_left_out_unless_asked_for() -> None:
    # After 100 minutes the 1-hour rule's window is full and the 6-hour rule's is not.
    assert google(past((100, 10)), incident(100, 10)).pages == 1
    assert google(past((30, 5)), incident(30, 5)).pages == 0
    assert google(past((30, 5)), incident(30, 5), partial=True).recall == 1.0


def test_tickets_wake_nobody() -> None:
    (result,) = backtest(past((5000, 10)), [incident(5000, 10)], SLO_999, {"tickets": GOOGLE[2:]})
    assert result.pages == 0
    assert math.isnan(result.precision)


def test_without_incidents_every_page_is_false_and_recall_is_unknown() -> None:
    result = google(past((5000, 10)))
    assert (result.precision, result.detections) == (0.0, ())
    assert math.isnan(result.recall)
    assert math.isnan(result.budget_left_median)


def test_the_bundled_month_gives_the_numbers_of_the_notebook() -> None:
    counts = read_csv(DATA / "assistant_30d.csv")
    incidents = read_incidents(DATA / "assistant_30d_incidents.csv")
    policies = {"google": GOOGLE, "hourly": (BurnRule(HOUR, HOUR, 14.4),)}
    google, hourly = backtest(counts, incidents, SLO_999, policies)
    assert google.policy == "google"
    assert (google.pages, google.precision, google.recall) == (8, 1.0, 9 / 12)
    assert [d.incident.title for d in google.detections if d.delay is None] == [
        "51-second blip while a node drains",
        "answers from a stale index",
        "slow burn after a model update",
    ]
    assert hourly.reset_worst is not None
    assert google.reset_worst == 30 * MINUTE < hourly.reset_worst


def test_results_are_rows_of_a_frame() -> None:
    policies: dict[str, Policy] = {"a": GOOGLE, "b": ()}
    frame = pd.DataFrame(backtest(past((5000, 10)), [incident(5000, 10)], SLO_999, policies))
    assert list(frame["policy"]) == ["a", "b"]
    assert list(frame["pages"]) == [1, 0]
    assert frame["detection_worst"][0] == pd.Timedelta(minutes=1)


def test_each_policy_shows_its_findings() -> None:
    slo, counts = SLO("a", 0.9), past(days=4)
    (result,) = backtest(counts, [], slo, {"google": GOOGLE})
    assert {finding.rule for finding in result.findings} == {"unreachable"}
    sparse = Counts(START, MINUTE, [1, 0, 0, 0, 0, 0] * 960, [1, 0, 0, 0, 0, 0] * 960)
    (result,) = backtest(sparse, [], SLO_999, {"google": GOOGLE})
    assert [finding.line for finding in result.findings] == [1, 2, 3, 4]
    assert [finding.line for finding in lint_alerting(GOOGLE, SLO_999, sparse)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        (lambda: backtest(past(), [], SLO_999, GOOGLE), "by name"),  # type: ignore[arg-type]
        (lambda: google(past(), incident(-10, 10, "early")), "'early'.*outside the counts"),
        (lambda: google(past(), incident(5 * 1440, None, "late")), "'late'.*outside the counts"),
        (lambda: google(Counts(START, MINUTE, [], [])), "no buckets"),
        (lambda: google(past(), RECORD), r"label_of\(incident\) makes one of an Incident"),  # type: ignore[arg-type]
        (lambda: google(past().resample(7 * MINUTE)), "do not divide"),
    ],
)
def test_bad_input_to_a_backtest_says_what_to_give(
    attempt: Callable[[], object], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        attempt()


def test_alerts_that_no_policy_made_are_judged_as_a_backtest_judges() -> None:
    counts, incidents = past((5000, 10)), [incident(5000, 10), incident(3000, 10)]
    history = History(counts, reversed(incidents), SLO_999)
    (expected,) = backtest(counts, incidents, SLO_999, {"google": GOOGLE})
    fired = alert_intervals(counts, SLO_999, GOOGLE)
    full = [alert for alert in fired if alert.coverage == 1]
    assert history.judge("google", full) == expected._replace(findings=())
    late = [replace(alert, start=alert.start + 4 * MINUTE) for alert in full]
    assert history.judge("late", late).detection_median == 5 * MINUTE


def test_alerts_may_come_in_any_order() -> None:
    alerts = alert_intervals(past((4000, 10), (5000, 10)), SLO_999, GOOGLE)
    assert len(paging_episodes(alerts)) == 2
    assert paging_episodes(alerts[::-1]) == paging_episodes(alerts)


def test_rules_that_fire_one_right_after_the_other_are_one_page_about_the_longer_window() -> None:
    fast, slow = GOOGLE[:2]

    def alert(rule: BurnRule, start: int, end: int | None) -> AlertInterval:
        until = None if end is None else START + end * MINUTE
        return AlertInterval(rule, START + start * MINUTE, until, 1.0)

    alerts = [alert(fast, 50, 60), alert(slow, 50, 55), alert(slow, 60, 70), alert(fast, 71, None)]
    assert paging_episodes(alerts) == [
        AlertEpisode(START + 20 * MINUTE, START + 50 * MINUTE, START + 70 * MINUTE),
        AlertEpisode(START + 66 * MINUTE, START + 71 * MINUTE, None),
    ]


def test_the_module_hands_on_what_moved_into_rooms_of_its_own() -> None:
    for room, names in (
        (blind_spots, ("DURATIONS", "ERROR_RATIOS", "VERDICTS", "BlindSpots", "blind_spots")),
        (labels, ("label_of", "read_incidents")),
    ):
        for name in names:
            assert getattr(module, name) is getattr(room, name)


@given(st.data())
@examples(40)
def test_pages_are_the_stretches_in_which_the_evaluator_pages(data: st.DataObject) -> None:
    policy: Policy = (
        BurnRule(6 * MINUTE, 2 * MINUTE, 2, "page", "sev1"),
        BurnRule(9 * MINUTE, 3 * MINUTE, 1, "page", "sev2"),
        BurnRule(4 * MINUTE, 1 * MINUTE, 1, "ticket", "sev3"),
        SilenceRule(3 * MINUTE),
    )
    total = data.draw(st.lists(st.sampled_from([0, 0, 1, 3, 9]), min_size=1, max_size=60))
    good = [data.draw(st.integers(max(0, t - 2), t)) for t in total]
    slo, counts = SLO("a", 0.8), Counts(START, MINUTE, good, total)
    evaluator = AlertEvaluator(slo, policy, MINUTE)
    starts: list[datetime] = []
    ends: list[datetime] = []
    was_paging = False
    for minute, events in enumerate(zip(good, total, strict=True), 1):
        paging = any(rule.action == "page" for rule in evaluator.observe(*events))
        if paging != was_paging:
            (starts if paging else ends).append(START + minute * MINUTE)
        was_paging = paging
    pages = paging_episodes(alert_intervals(counts, slo, policy))
    assert [page.start for page in pages] == starts
    assert [page.end for page in pages if page.end is not None] == ends
    assert all(2 * MINUTE <= page.start - page.since <= 3 * MINUTE for page in pages)
