"""Backtests, blind spots and simulated months: small pasts worked out by hand, and equality with the definition."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncall.alerting import (
    AlertEvaluator,
    BurnRule,
    Policy,
    SilenceRule,
    alert_intervals,
    google_policy,
    lint_alerting,
)
from oncall.counts import Counts, read_csv
from oncall.gameday.bundled import SCENARIOS, bundled_scenario
from oncall.incident import Incident
from oncall.scenario import Fault, KnownIncident, Scenario, rhythm
from oncall.slo import SLO, exact
from oncall.telemetry import simulate as simulation
from oncall.telemetry.backtest import (
    DURATIONS,
    ERROR_RATIOS,
    VERDICTS,
    PolicyResult,
    backtest,
    blind_spots,
    label_of,
    merge_pages,
    read_incidents,
)
from oncall.telemetry.simulate import simulate
from oncall.times import DAY, HOUR, MINUTE, SECOND

MONTH = bundled_scenario("assistant_30d")

DATA = Path(__file__).parents[2] / "data"
START = datetime(2025, 3, 1, tzinfo=UTC)
SLO_999 = SLO("availability", 0.999)
GOOGLE = google_policy()


def past(*bad_stretches: tuple[int, int], days: int = 5, percent: int = 100) -> Counts:
    """100 requests a minute for some days; in each stretch (minute, length) so many percent of them fail."""
    good = [100] * (days * 1440)
    for minute, length in bad_stretches:
        good[minute : minute + length] = [100 - percent] * length
    return Counts(START, MINUTE, good, [100] * len(good))


def incident(minute: float, length: float | None, title: str = "") -> KnownIncident:
    start = START + minute * MINUTE
    return KnownIncident(
        title,
        "model_provider_outage",
        start,
        None if length is None else start + length * MINUTE,
        1.0,
    )


def google(counts: Counts, *incidents: KnownIncident, **options: Any) -> PolicyResult:
    (result,) = backtest(counts, incidents, SLO_999, {"google": GOOGLE}, **options)
    return result


# --- backtest ------------------------------------------------------------------------------------


def test_an_outage_is_detected_and_clears_as_worked_out_by_hand() -> None:
    """100 of 6,000 bad in the first minute is above 1.44 %; the half hour's 0.6 % is 18, so it must be clean."""
    result = google(past((5000, 10)), incident(5000, 10))
    assert (result.pages, result.precision, result.recall) == (1, 1.0, 1.0)
    assert (result.detection_median, result.reset_median) == (MINUTE, 30 * MINUTE)
    assert result.budget_left_median == pytest.approx(1 - 100 / 4320)
    assert result.pages_a_week == pytest.approx(7 / 5)


def test_medians_and_worst_cases_are_over_the_incidents() -> None:
    counts = past((3000, 1), (5000, 10))
    result = google(counts, incident(3000, 1), incident(4998, 12))
    assert (result.detection_median, result.detection_worst) == (2 * MINUTE, 3 * MINUTE)
    assert (result.reset_median, result.reset_worst) == (
        17.5 * MINUTE,
        30 * MINUTE,
    )  # the first clears in 5 minutes


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
    """The 1-hour rule opens the page at the end of minute 5000, and its 5 minutes begin with minute 4996."""
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
    counts = past((100, 10))
    assert (
        google(counts, incident(100, 10)).pages == 1
    )  # the 1-hour rule's window is full, the 6-hour rule's is not
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
    counts, incidents = (
        read_csv(DATA / "assistant_30d.csv"),
        read_incidents(DATA / "assistant_30d_incidents.csv"),
    )
    google, hourly = backtest(
        counts, incidents, SLO_999, {"google": GOOGLE, "hourly": (BurnRule(HOUR, HOUR, 14.4),)}
    )
    assert (google.policy, google.pages, google.precision, google.recall) == (
        "google",
        8,
        1.0,
        9 / 12,
    )
    assert [d.incident.title for d in google.detections if d.delay is None] == [
        "51-second blip while a node drains",
        "answers from a stale index",
        "slow burn after a model update",
    ]
    assert hourly.reset_worst is not None
    assert google.reset_worst == 30 * MINUTE < hourly.reset_worst


def test_results_are_rows_of_a_frame() -> None:
    frame = pd.DataFrame(
        backtest(past((5000, 10)), [incident(5000, 10)], SLO_999, {"a": GOOGLE, "b": ()})
    )
    assert list(frame["policy"]) == ["a", "b"]
    assert list(frame["pages"]) == [1, 0]
    assert frame["detection_worst"][0] == pd.Timedelta(minutes=1)


def test_each_policy_shows_its_findings() -> None:
    slo, counts = SLO("a", 0.9), past(days=4)
    (result,) = backtest(counts, [], slo, {"google": GOOGLE})
    assert {finding.rule for finding in result.findings} == {"unreachable"}
    sparse = Counts(START, MINUTE, [1, 0, 0, 0, 0, 0] * 960, [1, 0, 0, 0, 0, 0] * 960)
    (result,) = backtest(sparse, [], SLO_999, {"google": GOOGLE})
    assert (
        [f.line for f in result.findings]
        == [f.line for f in lint_alerting(GOOGLE, SLO_999, sparse)]
        == [1, 2, 3, 4]
    )


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: backtest(past(), [], SLO_999, GOOGLE), "by name"),  # type: ignore[arg-type]
        (lambda: google(past(), incident(-10, 10, "early")), "'early'.*outside the counts"),
        (lambda: google(past(), incident(5 * 1440, None, "late")), "'late'.*outside the counts"),
        (lambda: google(Counts(START, MINUTE, [], [])), "no buckets"),
        (lambda: google(past(), record()), r"label_of\(incident\) makes one of an Incident"),  # type: ignore[arg-type]
        (lambda: google(past().resample(7 * MINUTE)), "do not divide"),
    ],
)
def test_bad_input_to_a_backtest_says_what_to_give(
    attempt: Callable[[], object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        attempt()


@given(st.data())
@settings(deadline=None, max_examples=40)
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
    paging = [
        any(rule.action == "page" for rule in evaluator.observe(*pair))
        for pair in zip(good, total, strict=True)
    ]
    starts = [
        START + (i + 1) * MINUTE
        for i in range(len(paging))
        if paging[i] and not (i and paging[i - 1])
    ]
    ends = [
        START + (i + 1) * MINUTE for i in range(1, len(paging)) if paging[i - 1] and not paging[i]
    ]
    pages = merge_pages(alert_intervals(counts, slo, policy))
    assert [page.start for page in pages] == starts
    assert [page.end for page in pages if page.end is not None] == ends
    assert all(2 * MINUTE <= page.start - page.since <= 3 * MINUTE for page in pages)


# --- labels --------------------------------------------------------------------------------------


def test_the_bundled_incidents_are_the_month_s_labels() -> None:
    assert read_incidents(DATA / "assistant_30d_incidents.csv") == MONTH.labels()


def test_start_and_end_are_enough_and_an_empty_end_lasts(tmp_path: Path) -> None:
    rows = "2025-03-01T00:00:00Z,\n2025-03-02T01:00:00+01:00,2025-03-02T01:00:00Z\n"
    (tmp_path / "i.csv").write_text(f"start,end\n{rows}")
    first, second = read_incidents(tmp_path / "i.csv")
    assert (first.start, first.end, first.title) == (START, None, "")
    assert second.start == START + DAY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("begin,end\n", "no column start"),
        ("start,end\n2025-03-01,\n", r"row 2: start .*has no time zone"),
        ("start,end\n2025-03-01T00:00:00Z,noon\n", r"row 2: end 'noon'"),
        ("start,end\n2025-03-01T01:00:00Z,2025-03-01T01:00:00Z\n", "row 2: .*not after its start"),
        ("start,end,error_ratio\n2025-03-01T01:00:00Z,,half\n", "row 2: error_ratio .*'half'"),
        (
            "start,end,error_ratio\n2025-03-01T01:00:00Z,,30\n",
            "row 2: error_ratio must be from 0 to 1, given 30",
        ),
        ("title,start,end\nalone\n", "row 2: start ''"),
    ],
)
def test_a_bad_incident_names_its_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "i.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_incidents(tmp_path / "i.csv")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_bytes(
        "start,end,title\n2025-03-01T00:00:00Z,,Störung\n".encode("latin-1")
    )
    with pytest.raises(ValueError, match=r"i\.csv is not CSV in UTF-8"):
        read_incidents(tmp_path / "i.csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": datetime(2025, 3, 1)}, "start .* has no time zone"),
        ({"end": datetime(2025, 3, 2)}, "end .* has no time zone"),
        ({"error_ratio": 30}, "error_ratio must be from 0 to 1, given 30"),
    ],
)
def test_a_label_with_a_naive_time_or_a_percentage_is_refused_where_it_is_made(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        replace(incident(0, 10), **change)


def record() -> Incident:
    found = Incident("INC-7", "provider fails", SLO_999, "model_provider_outage", START)
    return found.detect(None, at=START + 5 * MINUTE, by="ana").acknowledge(
        at=START + 6 * MINUTE, by="ana"
    )


def test_an_incident_record_is_a_label_from_its_impact_until_it_was_mitigated() -> None:
    burning = record().triage("sev1", "ana", at=START + 7 * MINUTE, by="ana")
    over = burning.resolve(at=START + 9 * MINUTE, by="ana", auto_recovered=True)
    assert label_of(burning).end is None
    label = label_of(over)
    assert (label.title, label.symptom) == ("INC-7 provider fails", "model_provider_outage")
    assert (label.start, label.end) == (START, START + 9 * MINUTE)
    assert math.isnan(label.error_ratio)


def test_a_false_alarm_has_no_label() -> None:
    with pytest.raises(ValueError, match="INC-7 was a false alarm"):
        label_of(record().false_alarm(at=START + HOUR, by="ana"))


# --- blind spots ---------------------------------------------------------------------------------


def outage(traffic: float, ratio: float, duration: int, history: int, step: timedelta) -> Counts:
    """The outage that blind_spots speaks of, event by event."""
    rate = exact(traffic) * Fraction(step // SECOND, 3600)
    good, total, failed, seen = [], [], 0, 0
    for bucket in range(-history, duration + history):
        events = math.floor(rate * (bucket + 1)) - math.floor(rate * bucket)
        bad = 0
        if 0 <= bucket < duration:
            seen += events
            bad = math.floor(exact(ratio) * seen) - failed
            failed += bad
        good.append(events - bad)
        total.append(events)
    return Counts(START, step, good, total)


def verdict_by_evaluator(slo: SLO, policy: Policy, counts: Counts) -> str:
    actions = {interval.rule.action for interval in alert_intervals(counts, slo, policy)}
    return next((action for action in ("page", "ticket") if action in actions), "silent")


SMALL = (
    BurnRule(HOUR, 5 * MINUTE, 14.4, "page", "sev1"),
    BurnRule(3 * HOUR, 30 * MINUTE, 4, "ticket", "sev3"),
)


@given(
    st.sampled_from([1, 2.5, 7.5, 10, 59, 60, 61.7, 500, 36000]),
    st.sampled_from([*ERROR_RATIOS, 0.0144, 0.0145, 1 / 3]),
    st.sampled_from([0.9, 0.95, 0.99, 0.9907, 0.999, 0.9995]),
    st.integers(1, 250),
)
@settings(deadline=None, max_examples=150)
def test_a_verdict_is_the_evaluator_s(
    traffic: float, ratio: float, target: float, minutes: int
) -> None:
    slo = SLO("a", target)
    counts = outage(traffic, ratio, minutes, 180, MINUTE)
    map_ = blind_spots(slo, SMALL, traffic, error_ratios=[ratio], durations=[minutes * MINUTE])
    assert VERDICTS[map_.verdict[0, 0]] == verdict_by_evaluator(slo, SMALL, counts)
    bad = sum(counts.total) - sum(counts.good)
    assert map_.budget_lost[0, 0] == pytest.approx(bad / (slo.error_budget * traffic * 720))


@pytest.mark.parametrize("traffic", [10, 36000])
def test_the_whole_map_is_the_evaluator_s_for_the_google_rules(traffic: float) -> None:
    ratios, durations = (0.0015, 0.007, 0.02, 1.0), (MINUTE, 20 * MINUTE, 6 * HOUR, 36 * HOUR)
    map_ = blind_spots(
        SLO_999, GOOGLE, traffic, error_ratios=ratios, durations=durations, step=MINUTE
    )
    for row, ratio in enumerate(ratios):
        for column, duration in enumerate(durations):
            counts = outage(traffic, ratio, duration // MINUTE, 4320, MINUTE)
            assert VERDICTS[map_.verdict[row, column]] == verdict_by_evaluator(
                SLO_999, GOOGLE, counts
            )


def test_51_seconds_of_total_outage_do_not_page_and_52_do() -> None:
    map_ = blind_spots(
        SLO_999, GOOGLE, 36000, error_ratios=[1], durations=[51 * SECOND, 52 * SECOND], step=SECOND
    )
    assert map_.verdict.tolist() == [[0, 2]]
    assert map_.budget_lost[0, 1] == pytest.approx(52 / 2592)


def test_counts_stand_for_their_mean_and_their_quietest_hour_for_the_findings() -> None:
    counts = Counts(START, HOUR, [10, 130] * 36, [10, 130] * 36)
    of_counts, of_mean = (blind_spots(SLO_999, GOOGLE[:1], traffic) for traffic in (counts, 70))
    assert (of_counts.verdict == of_mean.verdict).all()
    assert (of_counts.budget_lost == of_mean.budget_lost).all()
    assert (len(of_counts.findings), len(of_mean.findings)) == (1, 0)


def test_a_90_percent_slo_never_pages_and_says_so() -> None:
    map_ = blind_spots(SLO("a", 0.9), GOOGLE[:1], 36000)
    assert not map_.verdict.any()
    assert [finding.rule for finding in map_.findings] == ["unreachable"]


def test_at_ten_events_an_hour_the_first_one_to_fail_pages() -> None:
    map_ = blind_spots(SLO_999, GOOGLE, 10, error_ratios=[1], durations=[5 * MINUTE, 6 * MINUTE])
    assert map_.verdict.tolist() == [[0, 2]]
    assert map_.budget_lost.tolist() == [[0, pytest.approx(1 / 7.2)]]  # 13.9 %
    assert {finding.rule for finding in map_.findings} == {"lone-failure"}


def test_a_page_may_come_after_the_end_when_a_good_event_leaves_the_window_first() -> None:
    """7.5 an hour: the one failure is 1 of 8 events as the outage ends, 1 of 7 four minutes later."""
    slo, policy = SLO("a", 0.99), (BurnRule(HOUR, 5 * MINUTE, 13.4),)
    during = alert_intervals(
        outage(7.5, 1, 8, 60, MINUTE).slice(end=START + 68 * MINUTE), slo, policy
    )
    assert not during
    assert blind_spots(
        slo, policy, 7.5, error_ratios=[1], durations=[8 * MINUTE]
    ).verdict.tolist() == [[2]]


def test_longer_and_worse_outages_are_never_quieter_at_high_traffic() -> None:
    map_ = blind_spots(SLO_999, GOOGLE, 3.6e6)
    assert map_.verdict.shape == (len(ERROR_RATIOS), len(DURATIONS))
    assert (np.diff(map_.verdict, axis=0) >= 0).all()
    assert (np.diff(map_.verdict, axis=1) >= 0).all()
    assert set(map_.verdict.flat) == {0, 1, 2}


def test_numbers_past_2_63_do_not_wrap() -> None:
    awkward = [0.0123456789012345, 0.987654321098765]
    few, many = (
        blind_spots(SLO_999, GOOGLE, traffic, error_ratios=awkward) for traffic in (6e9, 6e17)
    )
    assert (few.verdict == many.verdict).all()
    assert np.allclose(few.budget_lost, many.budget_lost)


@pytest.mark.parametrize("traffic", [Decimal("600"), np.float64(600), np.int64(600), Fraction(600)])
def test_traffic_may_be_any_kind_of_number(traffic: Any) -> None:
    map_, same = blind_spots(SLO_999, GOOGLE, traffic), blind_spots(SLO_999, GOOGLE, 600)
    assert (map_.verdict == same.verdict).all()
    assert map_.findings == same.findings


def test_a_policy_of_silence_rules_alone_sees_no_errors() -> None:
    assert not blind_spots(SLO_999, (SilenceRule(10 * MINUTE),), 600).verdict.any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"traffic": 0}, "traffic must be .* above 0"),
        ({"traffic": math.nan}, "traffic"),
        ({"traffic": math.inf}, "traffic must be .* above 0, given inf"),
        ({"traffic": "many"}, "traffic must be a number of events an hour above 0, given 'many'"),
        ({"traffic": "600"}, "traffic must be a number of events an hour above 0, given '600'"),
        ({"traffic": True}, "traffic must be a number of events an hour above 0, given True"),
        ({"traffic": Counts(START, MINUTE, [], [])}, "above 0, given 0"),
        ({"error_ratios": [5]}, "did you mean"),
        ({"error_ratios": [math.nan]}, "error ratio"),
        ({"durations": [90 * SECOND]}, "finer step"),
        ({"durations": [timedelta()]}, "above zero"),
        ({"durations": []}, "at least one"),
        ({"error_ratios": []}, "at least one"),
        ({"step": 7 * MINUTE}, "do not divide"),
    ],
)
def test_bad_input_to_blind_spots_says_what_to_give(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        blind_spots(SLO_999, GOOGLE, **{"traffic": 600, **options})


# --- simulated months ----------------------------------------------------------------------------

QUIET = replace(MONTH, faults=())
SPARSE = replace(QUIET, requests=10 / 60, errors=0.0005)


def test_the_seed_decides() -> None:
    one, same, other = (simulate(GOOGLE, SPARSE, 6, seed) for seed in (1, 1, 2))
    assert (one.false_pages == same.false_pages).all()
    assert (one.false_pages != other.false_pages).any()


def test_a_healthy_busy_service_wakes_nobody() -> None:
    quiet = simulate(GOOGLE, QUIET, 6, seed=1)
    assert quiet.pages.tolist() == quiet.tickets.tolist() == quiet.missed.tolist() == [0] * 6
    assert quiet.findings == ()


def test_at_ten_requests_an_hour_each_failure_is_a_page_for_nothing() -> None:
    """7,200 requests a month of which one in 2,000 fails: 3.6 failures, nearly each a page of its own."""
    sparse = simulate(GOOGLE, SPARSE, 200, seed=1)
    assert (sparse.pages == sparse.false_pages).all()
    assert 3.2 < sparse.false_pages.mean() < 3.7
    assert {finding.rule for finding in sparse.findings} == {"lone-failure"}


def test_without_errors_there_are_no_pages() -> None:
    assert not simulate(GOOGLE, replace(SPARSE, errors=0.0), 2, seed=1).pages.any()


def test_an_outage_is_paged_every_month_and_a_blip_never() -> None:
    faults = (
        Fault("gpu_capacity", 5 * DAY, 1.0, duration=10 * MINUTE),
        Fault("gpu_capacity", 9 * DAY, 0.001, duration=10 * MINUTE),
    )
    months = simulate(GOOGLE, replace(QUIET, faults=faults), 5, seed=1)
    assert months.pages.tolist() == months.missed.tolist() == [1] * 5
    assert not months.false_pages.any()


def test_a_fault_without_a_duration_ends_with_its_scenario() -> None:
    scenario = SCENARIOS["provider_outage"]
    months = simulate(google_policy(), scenario, 2, seed=1)
    assert months.pages.tolist() == [1, 1]
    month = simulation._month(GOOGLE, scenario)
    assert month.labels[0].end == scenario.start + scenario.length


@pytest.mark.parametrize(
    "scenario", [MONTH, SPARSE, replace(QUIET, requests=3, errors=0.004)], ids=lambda s: s.name
)
def test_a_month_s_pages_are_those_of_its_counts(scenario: Scenario) -> None:
    policy: Policy = (*GOOGLE, SilenceRule(5 * MINUTE))
    month = simulation._month(policy, scenario)
    tests = [(rule, simulation._test(rule, scenario.slo, month)) for rule in policy]
    total = np.diff(month.requests)
    for failed in simulation._draw(month, 2, np.random.default_rng(7)):
        counts = Counts(month.start, MINUTE, (total - np.diff(failed)).tolist(), total.tolist())
        intervals = alert_intervals(counts, scenario.slo, policy)
        for rule, test in tests:
            expected = np.zeros(len(total), bool)
            for interval in intervals:
                if interval.rule == rule:
                    until = (
                        None
                        if interval.end is None
                        else (interval.end - counts.start) // MINUTE - 1
                    )
                    expected[(interval.start - counts.start) // MINUTE - 1 : until] = True
            assert (test(failed) == expected[month.warm_up :]).all()


def test_each_request_fails_by_itself_with_the_chance_of_its_minute() -> None:
    """Means and variances of 400 months within five standard errors of those of the binomial distribution."""
    fault = Fault("gpu_capacity", timedelta(), 0.3, duration=HOUR)
    scenario = replace(QUIET, requests=5.0, errors=0.01, faults=(fault,))
    month = simulation._month((), scenario)
    draws = np.array(
        [failed[[0, 60, 1440]] for failed in simulation._draw(month, 400, np.random.default_rng(3))]
    )
    requests = np.diff(month.requests[[0, 60, 1440]])
    chances = np.array([1 - 0.7 * 0.99, 0.01])
    mean, variance = requests * chances, requests * chances * (1 - chances)
    failed = np.diff(draws, axis=1)
    assert (np.abs(failed.mean(axis=0) - mean) < 5 * np.sqrt(variance / 400)).all()
    assert (np.abs(failed.var(axis=0) / variance - 1) < 5 * math.sqrt(2 / 400)).all()


@pytest.mark.parametrize("start", [MONTH.start, datetime(2025, 3, 8, 23, 59, 31, tzinfo=UTC)])
def test_the_rhythm_of_a_week_is_that_of_its_minutes(start: datetime) -> None:
    expected = [rhythm(start + minute * MINUTE) for minute in range(7 * 1440)]
    assert simulation._rhythm(start).tolist() == expected


def test_a_minute_under_several_faults_is_spared_by_all_of_them() -> None:
    """One climbs for ten minutes to a half and lasts half a minute more; another takes a fifth of two minutes."""
    climbs = Fault("rate_limit_storm", MINUTE, 0.5, 10 * MINUTE, 10 * MINUTE + 30 * SECOND)
    takes = Fault("gpu_capacity", 2 * MINUTE, 0.2, duration=2 * MINUTE)
    spared = simulation._spared(replace(QUIET, faults=(climbs, takes)))[:13]
    climb = [1 - 0.5 * (minute + 0.5) / 10 for minute in range(10)]
    expected = [1, climb[0], climb[1] * 0.8, climb[2] * 0.8, *climb[3:], 1 - 0.5 / 2, 1]
    assert spared.tolist() == pytest.approx(expected)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=50), st.integers(0, 3))
def test_the_minute_of_a_request_is_found(requests: list[int], floor: int) -> None:
    running = np.append(0, np.cumsum([n + 10 * floor for n in requests]))
    places = np.arange(running[-1])
    found = simulation._minute_finder(running)(places)
    assert (found == np.searchsorted(running, places, side="right") - 1).all()


def test_a_scenario_s_name_is_told_where_the_scenario_is() -> None:
    with pytest.raises(
        ValueError, match=r"such as SCENARIOS\['provider_outage'\], given 'provider_outage'"
    ):
        simulate(GOOGLE, "provider_outage", 1, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "months"), [(GOOGLE, 0), ((BurnRule(HOUR, 90 * SECOND, 10),), 1)]
)
def test_bad_input_to_a_simulation_is_an_error(policy: Policy, months: int) -> None:
    with pytest.raises(ValueError, match=r"months must be|do not divide"):
        simulate(policy, QUIET, months, seed=1)
