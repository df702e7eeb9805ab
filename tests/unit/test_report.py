"""The report on a service's own counts: real numbers, 80 columns, and nothing left unsaid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import BurnRule, Policy, SilenceRule, google_policy
from oncall.counts import Counts, read_csv
from oncall.report import is_missed, report
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE

START = datetime(2025, 3, 3, tzinfo=UTC)
TWO_NINES = SLO("availability", 0.99)
THREE_NINES = SLO("availability", 0.999)
PETSHOP = Path(__file__).parents[3] / "shared" / "data" / "petshop" / "low_traffic.counts.csv"
BLIND = "What this policy cannot see"


def even(bad: int, total: int, buckets: int, step: timedelta = MINUTE) -> Counts:
    return Counts(START, step, [total - bad] * buckets, [total] * buckets)


def report_on(counts: Counts, slo: SLO = TWO_NINES, policy: Policy | None = None) -> str:
    return report(counts, slo, google_policy(slo.period) if policy is None else policy)


def test_the_way_from_a_request_to_a_page_is_added_to_the_time_of_a_page() -> None:
    slo, counts = SLO("availability", 0.999), even(0, 100, 60)
    for delay, comes in (
        (timedelta(), "51.84s"),
        (2 * MINUTE, "2m51.84s"),
        (5 * MINUTE, "5m51.84s"),
    ):
        text = " ".join(report(counts, slo, google_policy(), delay).split())
        assert f"The page of a longer one comes {comes} after its start, if " in text
    assert report(counts, slo, google_policy()) == report(counts, slo, google_policy(), 2 * MINUTE)
    with pytest.raises(ValueError, match="delay must be a timedelta of zero or more"):
        report(counts, slo, google_policy(), -MINUTE)


def test_buckets_without_data_are_told() -> None:
    counts = Counts(START, MINUTE, [9, 0, 0, 9], [9, 0, 0, 9], [1])
    text = " ".join(report_on(counts).split())
    assert "Where there are no data, in 1 of 4 buckets (25%); they count as 0 of 0." in text
    assert "are no data" not in report_on(even(0, 9, 4))


def rows(text: str, rule: str) -> list[str]:
    """The lines of the alert history that belong to a rule."""
    return [line.strip() for line in text.splitlines() if line.startswith(f"  {rule} ")]


def part(text: str, heading: str) -> str:
    """What stands under a heading, as one line."""
    return " ".join(text.partition(f"{heading}\n")[2].partition("\n\n")[0].split())


# --- real input ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def petshop() -> Counts:
    if not PETSHOP.exists():
        pytest.skip("the petshop counts are not beside this checkout")
    return read_csv(PETSHOP)


def test_the_petshop_at_99_percent_spent_0_4092_of_its_events_budget_and_paged_nobody(
    petshop: Counts,
) -> None:
    text = report_on(petshop)
    assert "0.4092 of the budget of these events" in text
    assert "2.79% of the budget of an evenly loaded 30d" in text
    assert rows(text, "14.4x 1h/5m") == ["14.4x 1h/5m     page sev1     never"]
    assert rows(text, "6x 6h/30m") == ["6x 6h/30m       page sev2     never"]


def test_the_petshop_at_99_percent_opened_each_ticket_once_on_partial_coverage_marked_so(
    petshop: Counts,
) -> None:
    text = report_on(petshop)
    for rule in ("3x 1d/2h", "1x 3d/6h"):
        [row] = rows(text, rule)
        assert "ticket" in row
        assert row.endswith("*")
        assert "100%" not in row
    assert "* the data before it filled only this share of the rule's long window" in text


def test_the_petshop_at_99_9_percent_spent_4_0915_and_paged_twice_by_each_rule(
    petshop: Counts,
) -> None:
    text = report_on(petshop, THREE_NINES)
    assert "4.0915 of the budget of these events" in text
    assert [len(rows(text, rule)) for rule in ("14.4x 1h/5m", "6x 6h/30m")] == [2, 2]


def test_the_petshop_missed_99_9_percent_and_kept_99(petshop: Counts) -> None:
    assert is_missed(petshop, THREE_NINES)
    assert not is_missed(petshop, TWO_NINES)


# --- SLI and budget ------------------------------------------------------------------------------


def test_the_sli_and_both_budgets_are_told() -> None:
    # 0.5 % of three days at 99 %: half the budget of a tenth of the period.
    text = report_on(even(5, 1000, 3 * 24 * 60))
    assert "SLI        99.5000%: 4,298,400 of 4,320,000 events good" in text
    assert "0.5000 of the budget of these events is spent" in text
    assert "5.00% of the budget of an evenly loaded 30d" in text


def test_the_period_is_the_slo_s() -> None:
    text = report_on(even(5, 1000, 24 * 60), SLO("latency", 0.99, 7 * DAY))
    assert "SLO        latency: 99% over 7d" in text
    assert "7.14% of the budget of an evenly loaded 7d" in text


ADVICE = [
    (1, 30, "go on"),
    (5, 30, "slow risky change"),
    (10, 30, "freeze"),
    (15, 30, "escalate"),
    (15, 3, "go on"),
]


@pytest.mark.parametrize(("bad", "days", "action"), ADVICE)
def test_the_error_budget_policy_is_told_for_the_share_of_the_period(
    bad: int, days: int, action: str
) -> None:
    assert f"Policy     {action}: " in report_on(even(bad, 1000, days * 24, HOUR), policy=())


def test_exactly_at_target_is_met() -> None:
    assert not is_missed(even(10, 1000, 5), TWO_NINES)
    assert is_missed(even(11, 1000, 5), TWO_NINES)
    assert not is_missed(even(1, 2000, 1), SLO("x", 0.9995))


def test_without_any_events_the_sli_is_unknown_and_nothing_is_missed() -> None:
    quiet = even(0, 0, 60)
    text = report_on(quiet)
    assert "SLI        unknown: there were no events" in text
    assert "budget of" not in text
    assert "nan" not in text
    assert all(rows(text, rule.name)[0].endswith("never") for rule in google_policy())
    assert not is_missed(quiet, TWO_NINES)


# --- the alert history ---------------------------------------------------------------------------


def hour_of_outage(before: timedelta) -> Counts:
    good = [1000] * (before // MINUTE) + [0] * 60 + [1000] * 600
    return Counts(START, MINUTE, good, [1000] * len(good))


def test_an_alert_is_told_with_its_start_end_and_full_coverage() -> None:
    [row] = rows(report_on(hour_of_outage(3 * DAY)), "14.4x 1h/5m")
    # Three days later: 9 minutes until more than 14.4 % of the hour failed, and, after the outage,
    # 5 minutes until less than 14.4 % of the short window did.
    assert row == "14.4x 1h/5m     page sev1     2025-03-06 00:09  2025-03-06 01:05  100%"


def test_an_alert_on_windows_that_the_data_did_not_fill_is_marked() -> None:
    text = report_on(hour_of_outage(timedelta()))
    [row] = rows(text, "1x 3d/6h")
    assert row == "1x 3d/6h        ticket sev4   2025-03-03 00:01  2025-03-03 06:57  0.0231% *"


def test_nearly_full_coverage_is_told_as_a_percentage_too() -> None:
    [row] = rows(report_on(hour_of_outage(3 * DAY - HOUR)), "1x 3d/6h")
    assert row.endswith(" 99.6% *")  # it fires at the 44th failing minute: 4,304 of 4,320


def test_an_alert_still_firing_at_the_end_says_so() -> None:
    text = report_on(even(500, 1000, 60))
    assert "still firing" in rows(text, "14.4x 1h/5m")[0]


def test_rules_that_never_fired_are_listed_and_nothing_is_starred() -> None:
    text = report_on(even(0, 1000, 4 * 24 * 60))
    assert [len(rows(text, rule.name)) for rule in google_policy()] == [1, 1, 1, 1]
    assert "*" not in text


def test_rules_that_the_buckets_are_too_coarse_for_are_named() -> None:
    text = report_on(even(500, 1000, 24 * 8, HOUR))
    left_out = "left out: buckets of 1h are too coarse for it"
    assert rows(text, "14.4x 1h/5m") == [f"14.4x 1h/5m     {left_out}"]
    assert rows(text, "6x 6h/30m") == [f"6x 6h/30m       {left_out}"]
    assert "still firing" in rows(text, "3x 1d/2h")[0]


def test_where_only_tickets_are_left_it_is_said_that_nobody_is_paged() -> None:
    coarse = report_on(even(500, 1000, 24 * 8, HOUR))
    assert "no rule is left that pages" in part(coarse, BLIND)
    assert "no rule is left" not in report_on(even(500, 1000, 60))
    assert "no rule is left" not in report_on(even(0, 9, 60), policy=(SilenceRule(10 * MINUTE),))


def test_where_no_rule_is_left_nobody_is_told_of_anything_and_that_is_said() -> None:
    text = report_on(even(500, 1000, 10, DAY))
    assert text.count("are too coarse for it") == 4
    assert "no rule is left" in part(text, BLIND)
    assert "does not page" not in text


# --- what the policy cannot see ------------------------------------------------------------------


def test_the_outage_that_is_too_short_and_its_cost_are_told() -> None:
    blind = part(report_on(even(0, 1000, 60), THREE_NINES), BLIND)
    outage = "A total outage of up to 51.84s, after clean hours and at even traffic"
    assert f"{outage}, does not page" in blind
    assert "it costs up to 2.00% of the 30d budget." in blind
    assert "Up to 0.6% of requests failing, for however long, never pages." in blind
    assert "Up to 0.1% of requests failing, for however long, never opens a ticket." in blind


def test_rules_out_of_reach_are_told() -> None:
    blind = part(report_on(even(0, 1000, 60), SLO("availability", 0.9)), BLIND)
    assert "14.4x 1h/5m: it can never fire" in blind
    assert "burns 10x" in blind


def test_a_lone_failure_that_pages_at_this_traffic_is_told() -> None:
    sparse = report_on(even(0, 10, 24 * 4 * 12, 5 * MINUTE), THREE_NINES)
    lone = "14.4x 1h/5m: one failure fires it"
    assert f"{lone}: the quietest 1h has 120 events" not in part(sparse, BLIND)
    sparser = report_on(even(0, 1, 24 * 4 * 12, 5 * MINUTE), THREE_NINES)
    assert lone in part(sparser, BLIND)


def test_that_silence_is_not_watched_is_told_until_a_rule_watches_it() -> None:
    counts = even(0, 1000, 60)
    assert "no rule watches for silence" in part(report_on(counts), BLIND)
    traffic, data = SilenceRule(10 * MINUTE), SilenceRule(10 * MINUTE, of="data")
    told = part(report_on(counts, policy=(*google_policy(), traffic, data)), BLIND)
    assert "stop" not in told


@pytest.mark.parametrize(
    ("watched", "told", "not_told"),
    [("traffic", "Data that stop:", "Traffic that"), ("data", "Traffic that stops:", "Data that")],
)
def test_of_silences_of_traffic_and_of_data_the_one_that_nobody_watches_is_told(
    watched: str, told: str, not_told: str
) -> None:
    rule = SilenceRule(10 * MINUTE, of=watched)
    blind = part(report_on(even(0, 1000, 60), policy=(*google_policy(), rule)), BLIND)
    assert told in blind
    assert not_told not in blind


def test_a_silence_rule_has_its_line_in_the_history() -> None:
    counts = Counts(START, MINUTE, [100] * 30 + [0] * 30, [100] * 30 + [0] * 30)
    [row] = rows(report_on(counts, policy=(SilenceRule(10 * MINUTE),)), "silence 10m")
    assert row == "silence 10m     page sev1     2025-03-03 00:40  still firing      100%"


def test_a_silence_rule_too_fine_for_the_buckets_is_named_and_silence_counts_as_unwatched() -> None:
    text = report_on(even(0, 100, 30, HOUR), policy=(SilenceRule(10 * MINUTE),))
    assert "left out" in rows(text, "silence 10m")[0]
    assert "no rule watches for silence" in part(text, BLIND)


# --- counters given as counts --------------------------------------------------------------------

DOUBT = "Caution    both columns hardly ever fall: growing counters? Give the differences"


@pytest.mark.parametrize("restarts", [(), (400,), (200, 401)])
@pytest.mark.parametrize("gaps", [(), range(50, 60), range(5, 600, 70)])
def test_counters_that_grow_are_doubted_whatever_restarts_and_gaps_they_have(
    restarts: Sequence[int], gaps: Sequence[int]
) -> None:
    good, total = [0], [0]
    for minute in range(1, 600):
        if minute in restarts:
            good_before, total_before = 0, 0
        else:
            good_before, total_before = good[-1], total[-1]
        good.append(good_before + 90 + minute % 3)
        total.append(total_before + 100)
    for gap in gaps:
        good[gap] = total[gap] = 0
    assert DOUBT in report_on(Counts(START, MINUTE, good, total)).splitlines()


def poisson(mean: Sequence[float], seed: int) -> list[int]:
    return [int(count) for count in np.random.default_rng(seed).poisson(mean)]


@examples(40)
@given(
    buckets=st.integers(2, 1500),
    mean=st.sampled_from([0.01, 1, 100, 1e6]),
    growth=st.sampled_from([1, 3]),
    failing=st.sampled_from([0.001, 0.01]),
    seed=st.integers(0, 99),
)
def test_real_counts_are_never_doubted_even_while_the_traffic_grows(
    buckets: int, mean: float, growth: float, failing: float, seed: int
) -> None:
    total = np.linspace(mean, mean * growth, buckets)
    good, bad = poisson(total * (1 - failing), seed), poisson(total * failing, seed + 100)
    counts = Counts(START, MINUTE, good, [sum(pair) for pair in zip(good, bad, strict=True)])
    assert "Caution" not in report_on(counts, policy=())


@pytest.mark.parametrize("series", [[], [5], [7] * 5000, [0] * 500, range(100), [0, *[1] * 5000]])
def test_short_and_constant_counts_are_never_doubted(series: Sequence[int]) -> None:
    assert "Caution" not in report_on(Counts(START, MINUTE, series, series), policy=())


# --- form ----------------------------------------------------------------------------------------


@st.composite
def good_of_total(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(0, 10**12))
    return draw(st.integers(0, total)), total


@examples(40)
@given(
    pairs=st.lists(good_of_total()),
    step=st.sampled_from([timedelta(seconds=30), MINUTE, 5 * MINUTE, 7 * MINUTE, HOUR, DAY]),
    target=st.sampled_from([0.5, 0.9, 0.99, 0.999, 0.9995, 0.99999]),
    period=st.sampled_from([DAY, 7 * DAY, 28 * DAY, 30 * DAY, 90 * DAY]),
    silence=st.booleans(),
)
def test_a_report_on_any_counts_fits_80_columns_and_says_no_nan(
    pairs: list[tuple[int, int]], step: timedelta, target: float, period: timedelta, silence: bool
) -> None:
    counts = Counts(START, step, [good for good, _ in pairs], [total for _, total in pairs])
    slo = SLO("availability", target, period)
    policy: Policy = google_policy(period)
    if silence:
        policy = (*policy, SilenceRule(10 * MINUTE))
    text = report(counts, slo, policy)
    assert text.endswith("\n")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b|e\+\d\d%", text)


def test_a_report_says_what_it_is_about() -> None:
    text = report_on(replace(even(0, 10, 90)))
    assert text.startswith("SLO        availability: 99% over 30d\n")
    assert "Counts     90 buckets of 1m, 2025-03-03 00:00 to 2025-03-03 01:30 UTC" in text


def test_a_plain_one_window_rule_is_reported_like_any_other() -> None:
    text = report_on(even(500, 1000, 60), policy=(BurnRule(HOUR, HOUR, 36),))
    assert rows(text, "36x 1h/1h")
