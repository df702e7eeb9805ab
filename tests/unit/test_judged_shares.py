"""A share that is sampled and judged: its range, and what an imperfect judge makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.slo import share_interval, true_share


def test_a_share_of_a_sample_is_a_range() -> None:
    low, high = share_interval(5, 100)
    assert (round(low, 3), round(high, 3)) == (0.022, 0.112)  # as in the tables of Wilson's
    assert share_interval(0, 20)[0] == 0
    assert share_interval(20, 20)[1] == 1
    assert share_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_range_holds_its_share_and_mirrors(sample: tuple[int, int]) -> None:
    part, total = sample
    low, high = share_interval(part, total)
    assert 0 <= low <= part / total <= high <= 1
    mirrored = share_interval(total - part, total)
    assert mirrored == (pytest.approx(1 - high), pytest.approx(1 - low))
    wider = share_interval(part, total, 0.99)
    assert wider[0] <= low + 1e-12
    assert high <= wider[1] + 1e-12


@pytest.mark.parametrize("confidence", [0, 1, 95, -1, math.nan, "high"])
def test_a_confidence_is_a_share(confidence: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="confidence"):
        share_interval(5, 10, confidence)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0, 0.5))
def test_what_a_judge_makes_of_a_truth_leads_back_to_it(
    truth: float, passes_good: float, passes_bad: float
) -> None:
    judged = truth * passes_good + (1 - truth) * passes_bad
    assert true_share(judged, passes_good, passes_bad) == pytest.approx(truth, abs=1e-9)


def test_luck_beyond_the_judge_is_cut() -> None:
    assert true_share(0.2, 0.9, 0.3) == 0
    assert true_share(0.95, 0.9, 0.3) == 1


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.3, 0.9), (1.2, 0.1), (0.9, -0.1), (math.nan, 0)])
def test_a_judge_who_tells_nothing_is_refused(rates: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"passes_(good|bad)"):
        true_share(0.5, *rates)
