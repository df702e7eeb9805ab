"""SLOs: exact comparisons, nan, bad targets, the time to exhaustion and the error-budget policy."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import alert
from oncall.slo import (
    BUDGET_POLICY,
    SLO,
    asks_needed,
    budget_action,
    budget_remaining,
    burn_rate,
    exact,
    exact_ratio,
    exceeds,
    exhaustion_time,
    percent,
    scaled,
    sli,
    slo_from_record,
)
from oncall.times import DAY, HOUR, LONGEST, MINUTE

THREE_NINES = SLO("availability", 0.999)
TARGETS = [0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99995, 0.99999]


# --- exactness -----------------------------------------------------------------------------------


def test_a_target_is_read_from_its_decimal_text() -> None:
    slo = SLO("availability", 0.9995)
    assert (slo.exact_target, slo.exact_budget) == (Fraction(9995, 10000), Fraction(5, 10000))
    assert (slo.target, slo.error_budget) == (0.9995, 0.0005)
    assert 1 - 0.9995 != 0.0005  # what floats would have made of it


@pytest.mark.parametrize("target", TARGETS)
def test_an_sli_at_its_target_burns_exactly_1_and_leaves_exactly_nothing(target: float) -> None:
    slo = SLO("availability", target)
    assert burn_rate(target, slo) == 1
    assert budget_remaining(target, slo) == 0


@pytest.mark.parametrize("target", TARGETS)
def test_an_sli_at_its_target_opens_no_ticket_and_the_next_float_below_does(target: float) -> None:
    slo = SLO("availability", target)
    assert alert(1.0, target, slo) is None
    fired = alert(1.0, math.nextafter(target, 0), slo)
    assert fired is not None
    assert fired.action == "ticket"


def test_an_sli_of_98_56_percent_burns_exactly_14_4_and_does_not_page() -> None:
    assert burn_rate(0.9856, THREE_NINES) == 14.4
    assert alert(0.9856, 1.0, THREE_NINES) is None


def test_the_next_float_below_98_56_percent_pages() -> None:
    fired = alert(math.nextafter(0.9856, 0), 1.0, THREE_NINES)
    assert fired is not None
    assert (fired.action, fired.severity) == ("page", "sev1")


@pytest.mark.parametrize("ratio", [np.float64(0.9856), np.float32(0.9856), Fraction(9856, 10000)])
def test_an_sli_from_numpy_or_as_a_fraction_is_the_number_it_prints_as(ratio: Any) -> None:
    assert burn_rate(ratio, THREE_NINES) == 14.4


TARGETS_OF_OTHER_TYPES = [
    np.float64(0.999),
    np.float32(0.999),
    Fraction(999, 1000),
    Decimal("0.999"),
]


@pytest.mark.parametrize("target", TARGETS_OF_OTHER_TYPES)
def test_a_target_from_numpy_or_as_a_fraction_or_a_decimal_is_the_number_it_prints_as(
    target: Any,
) -> None:
    slo = SLO("availability", target)
    assert (slo.target, slo.exact_target, type(slo.target)) == (0.999, Fraction(999, 1000), float)


def test_exactly_at_the_threshold_does_not_exceed_it_and_one_event_more_does() -> None:
    threshold = Fraction(144, 10000)
    assert not exceeds(144, 10000, threshold)
    assert exceeds(145, 10000, threshold)
    assert not exceeds(0, 0, threshold)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.sampled_from(TARGETS))
def test_the_burn_rate_of_counts_agrees_with_fractions(total: int, bad: int, target: float) -> None:
    bad = min(bad, total)
    expected = Fraction(bad, total) / (1 - Fraction(str(target)))
    burn = burn_rate(sli(total - bad, total), SLO("availability", target))
    assert burn == pytest.approx(float(expected), rel=1e-9)


# --- the indicator -------------------------------------------------------------------------------


def test_the_sli_is_good_divided_by_valid_events() -> None:
    assert sli(997, 1000) == 0.997


def test_no_events_are_no_evidence() -> None:
    assert math.isnan(sli(0, 0))


@pytest.mark.parametrize(("good", "total"), [(2, 1), (1, 0), (-1, 1), (0, -1), (math.nan, 1)])
def test_counts_that_cannot_be_are_refused(good: Any, total: int) -> None:
    refusal = f"given {good} good of {total} events; good must be from 0 to total"
    with pytest.raises(ValueError, match=refusal):
        sli(good, total)


def test_nan_stays_nan_and_never_fires() -> None:
    assert math.isnan(burn_rate(math.nan, THREE_NINES))
    assert math.isnan(budget_remaining(math.nan, THREE_NINES))
    assert alert(math.nan, math.nan, THREE_NINES) is None
    assert exhaustion_time(THREE_NINES, math.nan) is None


@pytest.mark.parametrize("ratio", [None, "0.99x", True, math.inf])
def test_an_sli_that_is_no_number_is_refused(ratio: Any) -> None:
    refusal = re.escape(f"sli must be a number such as 0.999, given {ratio!r}")
    with pytest.raises(ValueError, match=refusal):
        burn_rate(ratio, THREE_NINES)


@pytest.mark.parametrize("ratio", [-0.1, 1.0001, 100, Decimal(2000)])
def test_an_sli_outside_0_to_1_is_refused(ratio: Any) -> None:
    with pytest.raises(ValueError, match=f"sli must be from 0 to 1, given {ratio}"):
        budget_remaining(ratio, THREE_NINES)


def test_an_sli_in_percent_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"given 99\.7; did you mean 0\.997\?"):
        burn_rate(99.7, THREE_NINES)


# --- bad objectives ------------------------------------------------------------------------------


def refusal(target: Any) -> str:
    with pytest.raises(ValueError, match=r"^target must ") as error:
        SLO("availability", target)
    return str(error.value)


def test_a_target_of_99_is_asked_whether_it_means_0_99() -> None:
    assert refusal(99).endswith("given 99; did you mean 0.99?")


def test_a_target_of_99_9_is_asked_whether_it_means_0_999() -> None:
    assert refusal(99.9).endswith("given 99.9; did you mean 0.999?")


def test_a_target_of_1_is_told_that_no_budget_is_left() -> None:
    assert "given 1: a target of 100 % leaves no error budget; give e.g. 0.999" in refusal(1)


def test_a_target_that_rounds_to_1_is_a_target_of_1() -> None:
    assert "leaves no error budget" in refusal(Fraction(10**20 - 1, 10**20))


def test_a_target_of_0_is_refused() -> None:
    assert refusal(0) == "target must lie strictly between 0 and 1, given 0"


def test_a_target_of_nan_is_refused() -> None:
    assert refusal(math.nan) == "target must be a number such as 0.999, given nan"


def test_a_target_that_is_text_is_refused() -> None:
    assert refusal("0.99x") == "target must be a number such as 0.999, given '0.99x'"


def test_no_target_is_refused() -> None:
    assert refusal(None) == "target must be a number such as 0.999, given None"


def test_a_target_of_true_is_refused() -> None:
    assert refusal(True) == "target must be a number such as 0.999, given True"


@pytest.mark.parametrize("target", [-0.5, 100, math.inf, "", "1/0", 1j, [0.9]])
def test_any_other_target_is_refused_as_it_was_given(target: Any) -> None:
    assert str(target) in refusal(target)


@pytest.mark.parametrize("name", ["", "  ", None])
def test_an_slo_needs_a_name(name: Any) -> None:
    with pytest.raises(ValueError, match="an SLO needs a name"):
        SLO(name, 0.999)


@pytest.mark.parametrize("period", [timedelta(), -DAY, 30, "30d", None])
def test_a_period_must_be_a_length_of_time(period: Any) -> None:
    refusal = re.escape(f"period must be a timedelta above zero, given {period!r}")
    with pytest.raises(ValueError, match=refusal):
        SLO("availability", 0.999, period)


def test_an_slo_reads_as_people_write_it() -> None:
    assert str(THREE_NINES) == "availability: 99.9% over 30d"


# --- the budget ----------------------------------------------------------------------------------


def test_an_untouched_budget_is_1_and_an_overspent_one_negative() -> None:
    assert budget_remaining(1.0, THREE_NINES) == 1
    assert budget_remaining(0.9995, THREE_NINES) == 0.5
    assert budget_remaining(0.998, THREE_NINES) == -1


def test_what_is_left_lasts_its_share_of_the_period_divided_by_the_burn() -> None:
    assert exhaustion_time(THREE_NINES, 10, 0.5) == 36 * HOUR
    assert exhaustion_time(SLO("weekly", 0.999, 7 * DAY), 7) == DAY
    assert exhaustion_time(THREE_NINES, 1000) == timedelta(minutes=43.2)


def test_a_budget_that_does_not_burn_never_runs_out() -> None:
    assert exhaustion_time(THREE_NINES, 0) is None
    assert exhaustion_time(THREE_NINES, 1e-12) is None  # longer than a timedelta can hold


@pytest.mark.parametrize("burn", [0, 14.4, math.nan])
@pytest.mark.parametrize("remaining", [0, -0.5])
def test_a_budget_already_gone_lasts_no_time(burn: float, remaining: float) -> None:
    assert exhaustion_time(THREE_NINES, burn, remaining) == timedelta()


def test_nobody_knows_how_long_an_unknown_budget_lasts() -> None:
    assert exhaustion_time(THREE_NINES, 1, math.nan) is None


def test_a_negative_burn_is_refused() -> None:
    with pytest.raises(ValueError, match="a burn rate is never negative, given -1"):
        exhaustion_time(THREE_NINES, -1)


def test_an_infinite_burn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"burn must be a number such as 0\.999, given inf"):
        exhaustion_time(THREE_NINES, math.inf)


@pytest.mark.parametrize(
    ("remaining", "action"),
    [
        (1.0, "go on"),
        (math.nextafter(0.5, 1), "go on"),
        (0.5, "slow risky change"),
        (math.nextafter(0.0, 1), "slow risky change"),
        (0.0, "freeze"),
        (math.nextafter(-0.5, 1), "freeze"),
        (-0.5, "escalate"),
        (-40.0, "escalate"),
        (1.5, "go on"),
    ],
)
def test_the_error_budget_policy_changes_exactly_at_50_100_and_150_percent_spent(
    remaining: float, action: str
) -> None:
    assert budget_action(remaining).action == action


@pytest.mark.parametrize(
    ("ratio", "action"), [(0.9995, "slow risky change"), (0.999, "freeze"), (0.9985, "escalate")]
)
def test_an_sli_exactly_at_a_boundary_gets_its_action_without_rounding(
    ratio: float, action: str
) -> None:
    assert budget_action(budget_remaining(ratio, THREE_NINES)).action == action


def test_the_error_budget_policy_is_data_in_order() -> None:
    assert [line.spent for line in BUDGET_POLICY] == [0, 0.5, 1, 1.5]
    assert all(line.detail for line in BUDGET_POLICY)


@pytest.mark.parametrize("remaining", [math.nan, math.inf])
def test_there_is_no_action_for_a_budget_nobody_knows(remaining: float) -> None:
    with pytest.raises(ValueError, match=r"^remaining "):
        budget_action(remaining)


# --- exact numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.999, *TARGETS_OF_OTHER_TYPES])
def test_a_number_is_exactly_the_decimal_it_prints_as(value: Any) -> None:
    assert exact(value) == Fraction(999, 1000)


TEXTS = ["0.999", "1/3", "1_000", " 0.5 ", "1e-99999999", "9" * 5000, "nan", ""]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, 1j, True, [1], *TEXTS[:5], ""])
def test_what_is_no_finite_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match=rf"page_burn .* number .* given {re.escape(repr(value))}"):
        exact(value, "page_burn")


BEYOND = {
    "a whole number of 5,000 digits": 10**5000,
    "one of 400": -(10**400),
    "the largest float": 1.7976931348623157e308,
    "a fraction of 5,000 digits": Fraction(10**5000 + 1, 10**5000),
    "a fraction next to nothing": Fraction(1, 10**400),
    "a decimal that would fill the memory": Decimal("1e999999"),
    "and one that would take hours": Decimal("1e-99999999"),
    "a decimal of 5,000 digits": Decimal("0." + "9" * 5000),
    "an infinite decimal": Decimal("-Infinity"),
    "a decimal that signals": Decimal("sNaN"),
    "an infinite float of numpy": np.float32(np.inf),
    "a truth of numpy": np.bool_(True),
    "an array": np.array([0.999, 0.5]),
}


@pytest.mark.parametrize("value", BEYOND.values(), ids=BEYOND)
def test_a_number_that_no_float_comes_near_is_refused_at_once_and_in_one_line(value: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^burn must be a number such as 0\.999, given"
    ) as refusal:
        exact(value, "burn")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("value", [5e-324, 9.87654321e299, 10**299, Decimal("1e-300")])
def test_a_number_as_large_or_as_small_as_a_float_is_exact(value: Any) -> None:
    assert exact(value) == Fraction(str(value))
    assert float(exact(-value)) == -float(value)


@pytest.mark.parametrize("text", [text for text in TEXTS if text])
def test_a_text_is_no_number_in_a_record_either(text: str) -> None:
    record = {"name": "a", "target": text, "period_seconds": 60}
    with pytest.raises(ValueError, match=r"^target must be a number such as 0\.999, given"):
        slo_from_record(record)
    with pytest.raises(ValueError, match=r"^error_ratio must be a number such as 0\.999, given"):
        exact_ratio(text, "error_ratio")  # type: ignore[arg-type]


def test_an_unknown_number_is_nan_of_any_type_and_no_text() -> None:
    for nan in (math.nan, Decimal("nan"), np.float32("nan")):
        assert exact_ratio(nan, "error_ratio") is None  # type: ignore[arg-type]


@pytest.mark.parametrize("events", [10**30, 10**400, 10**5000], ids=["30", "400", "5000"])
def test_a_count_that_no_service_could_have_is_refused(events: int) -> None:
    with pytest.raises(ValueError, match=r"good must be from 0 to total, and total below 10\*\*30"):
        sli(1, events)


FOREVER = [(1e-12, 1.0), (5e-324, 1.0), (1.0, 1e299), (1e-300, 1e299), (1.0, 10**299), (1e-3, 1e4)]


@pytest.mark.parametrize(("burn", "remaining"), FOREVER)
def test_a_budget_that_lasts_a_millennium_never_runs_out(burn: float, remaining: float) -> None:
    assert exhaustion_time(SLO("slow", 0.999, LONGEST), burn, remaining) is None


def test_a_scaled_length_is_right_to_the_microsecond() -> None:
    assert scaled(HOUR, Fraction(144, 10000)) == timedelta(seconds=51.84)
    assert scaled(MINUTE, Fraction(1, 3)) == timedelta(seconds=20)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.999, "99.9%"), (0.99995, "99.995%"), (0.07, "7%"), (1, "100%"), (Fraction(1, 8), "12.5%")],
)
def test_percent_shows_no_digit_that_is_not_there(ratio: Any, text: str) -> None:
    assert percent(ratio) == text


# --- how many are a proof ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error_ratio", "confidence", "asks"),
    [(0.05, 0.95, 59), (0.05, 0.9, 45), (0.5, 0.75, 2), (0.1, 0.19, 2), (0.9, 0.5, 1)],
)
def test_the_asks_that_exclude_an_error_ratio_are_known(
    error_ratio: float, confidence: float, asks: int
) -> None:
    assert asks_needed(error_ratio, confidence) == asks


@given(st.fractions(Fraction(1, 2000), Fraction(99, 100), max_denominator=2000))
def test_one_ask_fewer_would_not_exclude_it(ratio: Fraction) -> None:
    asks = asks_needed(float(ratio))
    typed = exact(float(ratio))
    assert (1 - typed) ** asks <= Fraction(5, 100) < (1 - typed) ** (asks - 1)


@pytest.mark.parametrize("error_ratio", [0, 1, -0.1, 5])
def test_an_error_ratio_to_exclude_lies_between_0_and_1(error_ratio: float) -> None:
    with pytest.raises(ValueError, match="error_ratio must be above 0 and below 1, given"):
        asks_needed(error_ratio)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must be above 0 and below 1, given"):
        asks_needed(0.1, confidence)


def test_an_error_ratio_that_is_too_small_to_exclude_by_asking_is_refused() -> None:
    assert asks_needed(0.0003) == 9985
    with pytest.raises(ValueError, match=r"error_ratio must be one that 10000 asks can exclude"):
        asks_needed(0.0002)
