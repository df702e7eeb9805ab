"""A guess beside the answer: how far off, what it would mean, and nothing that raises."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.workbook.guess import Comparison, compare


def hours(guess: Any) -> Comparison:
    return compare(guess, 50, "hours", means=lambda hours: f"it would burn {720 / hours:.0f}x")


def test_without_a_guess_the_answer_is_folded() -> None:
    for nothing in (None, ...):
        waits = hours(nothing)
        assert waits.verdict == "none"
        assert "write your guess in hours" in waits.message
        assert "50" not in waits.message
        page = waits._repr_html_()
        assert "50 hours" in page.partition("<details>")[2]
        assert "50" not in page.partition("<details>")[0]


@pytest.mark.parametrize(
    ("guess", "verdict", "words"),
    [
        (50, "right", "You said 50 hours, and so it is."),
        (Fraction(50), "right", "and so it is"),
        ("50", "right", "and so it is"),
        (52, "close", "close: it is 50 hours"),
        (2, "off", "25 times as much. If it were 2 hours, it would burn 360x."),
        (100, "off", "2 times less. If it were 100 hours, it would burn 7x."),
        (40, "off", "25% more"),
        (0, "off", "If it were 0 hours, it could not be."),
        (-3, "off", "it is 50 hours. If"),
        ("2 hours", "unclear", "is not a number that can be compared"),
        (True, "unclear", "is not a number"),
        ([2], "unclear", "is not a number"),
    ],
)
def test_a_number_is_told_how_far_off_it_is(guess: Any, verdict: str, words: str) -> None:
    said = hours(guess)
    assert said.verdict == verdict
    assert words in said.message


def test_a_share_given_for_percent_is_named() -> None:
    assert "as a share of 1 that would be 94%" in compare(0.94, 93.75, "%").message
    assert compare(0.3, 0.5, "%").verdict == "off"


def test_a_word_is_one_of_those_to_choose_from() -> None:
    means = {"02:00": "a firing alert would page", "02:40": ""}
    assert compare("02:40", "02:40", means=means).verdict == "right"
    assert compare("02:00", "02:40", means=means).message == (
        "You said 02:00; it is 02:40. If it were 02:00, a firing alert would page."
    )
    assert compare("03:00", "02:40", means=means).verdict == "unclear"
    assert "one of '02:00', '02:40'" in compare(None, "02:40", means=means).message
    assert compare("YES", "yes", among=("yes", "no")).verdict == "right"


@given(
    st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.lists(st.integers())),
    st.one_of(st.floats(-1e12, 1e12), st.sampled_from(["yes", "no"])),
)
def test_nothing_that_is_written_raises(guess: Any, answer: Any) -> None:
    said = compare(guess, answer, "minutes", means=lambda guess: f"{1 / guess:.2f}")
    assert said.message
    assert len(repr(said)) < 1000
    assert said._repr_html_()
