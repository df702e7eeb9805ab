"""Lesson 11: an evening with one thing changed at a time, and a text with its marked findings."""

from __future__ import annotations

import ast
import re
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from oncall.postmortem_lint import lint_postmortem
from oncall.regression import ReplayCase, replay
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE
from oncall.workbook.exercises import recorded_incident
from oncall.workbook.lessons.lint_and_replay import (
    COLUMNS,
    LONGEST_BAR,
    MARGIN,
    ROWS,
    RULE_COLOURS,
    RULE_KINDS,
    Mark,
    lint_explorer,
    lint_text,
    plot_lint,
    recorded,
)
from oncall.workbook.lessons.what_if import plot_what_if
from oncall.workbook.plots.explorer import Explorer

PEOPLE = ("Ana", "Bo", "Chen")
DRAFT = """\
On 4 March there was an outage and some users were affected.
At 18:12 Bo ignored the first errors because he was careless.
- process: everybody must be more careful
"""
FIXES = ("fail_over", "serve_cached", "serve_degraded")


@pytest.fixture
def explorer() -> Explorer:
    return lint_explorer(DRAFT, PEOPLE)


# --- a text and its findings ---------------------------------------------------------------------


def test_each_finding_is_marked_where_it_stands() -> None:
    linted = lint_text(DRAFT, PEOPLE, 0.5)
    lines = linted.lines
    assert {
        (mark.line, lines[mark.line - 1][mark.start : mark.end], mark.rule) for mark in linted.marks
    } == {
        (1, "outage", "not-an-outage"),
        (1, "some users were affected", "vague-impact"),
        (2, "Bo ignored", "blame-person"),
        (2, "careless", "judgement"),
        (3, "- process: everybody must be more careful", "no-owner"),
        (3, "- process: everybody must be more careful", "no-date"),
        (3, "more careful", "be-careful"),
    }


def test_a_phrase_over_two_lines_is_marked_in_both() -> None:
    linted = lint_text("Yesterday Bo\nignored it.", PEOPLE)
    assert linted.marks == (Mark(1, 10, 12, "blame-person"), Mark(2, 0, 7, "blame-person"))


def test_a_finding_about_the_whole_text_has_no_mark() -> None:
    linted = lint_text("## Summary\n\nAll went well.\n")
    assert {finding.rule for finding in linted.findings} == {"missing-section"}
    assert not [finding for finding in linted.findings if finding.line]
    assert linted.marks == ()


def test_a_finding_that_is_not_found_word_for_word_marks_its_line() -> None:
    linted = lint_text("## Action items\n\n| what | due |\n|---|---|\n| a test | 2025-01-01 |\n")
    marks = [mark for mark in linted.marks if mark.rule == "no-owner"]
    assert marks == [Mark(5, 0, len(linted.lines[4]), "no-owner")]


def test_every_rule_of_the_lint_has_a_kind_and_a_colour() -> None:
    source = Path(lint_postmortem.__code__.co_filename).read_text(encoding="utf-8")
    constants = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    texts = {str(constant.value) for constant in constants}
    assert {text for text in texts if re.fullmatch("[a-z]+(-[a-z]+)+", text)} <= set(RULE_COLOURS)
    assert set(RULE_COLOURS) <= texts
    assert len(RULE_COLOURS) == sum(len(rules) for _, rules in RULE_KINDS.values()) == 12


@examples(60)
@given(
    st.text(st.sampled_from("Bo ignored some users were affected. |#-\n\t*'\"é日"), max_size=200)
)
def test_any_text_is_read_and_every_mark_lies_in_its_line(text: str) -> None:
    linted = lint_text(text, PEOPLE, 0.5)
    for mark in linted.marks:
        assert 0 <= mark.start <= mark.end <= len(linted.lines[mark.line - 1])


# --- lint as you type ----------------------------------------------------------------------------


def boxes(explorer: Explorer) -> list[tuple[float, float, int, str]]:
    """Where each mark lies, in characters from the left and rows from the top, and its colour."""
    marks: Any = explorer.artists["marks"]
    corners = [path.get_extents() for path in marks.get_paths()]
    colours = [to_hex(colour) for colour in marks.get_facecolor()]
    return [
        (box.x0, box.x1, int(box.y0), colour) for box, colour in zip(corners, colours, strict=True)
    ]


def row_texts(explorer: Explorer) -> list[str]:
    """The rows of the text that are shown, from the top."""
    artists: dict[str, Any] = dict(explorer.artists)
    return [artists[f"row {row}"].get_text() for row in range(ROWS)]


def test_the_model_counts_the_findings_by_rule(explorer: Explorer) -> None:
    model = dict(explorer.model)
    assert model.pop("first") == (
        "line 1, some users were affected: "
        "Give the number: how many of how many, from when to when, and the lowest SLI."
    )
    assert (model.pop("lines"), model.pop("findings")) == (3, 7)
    rules = "blame-person judgement be-careful vague-impact not-an-outage no-owner no-date"
    assert model == dict.fromkeys(rules.split(), 1)


def test_typing_moves_the_marks_the_bars_and_the_line_of_text(explorer: Explorer) -> None:
    artists: dict[str, Any] = dict(explorer.artists)
    explorer.set(text="Bo ignored it and Chen ignored it.")
    assert boxes(explorer) == [
        (MARGIN, MARGIN + 10, 0, RULE_COLOURS["blame-person"].lower()),
        (MARGIN + 18, MARGIN + 30, 0, RULE_COLOURS["blame-person"].lower()),
    ]
    assert artists["bar blame-person"].get_width() == 2
    assert artists["count blame-person"].get_text() == "2"
    assert artists["row 0"].get_text() == "  1  Bo ignored it and Chen ignored it."
    assert explorer.text.startswith(
        "1 line, 2 findings: blame-person 2. Line 1, Bo ignored: Make the system"
    )
    explorer.set(text="The cache was flushed at 09:14.")
    assert boxes(explorer) == []
    assert artists["bar blame-person"].get_width() == 0
    assert artists["count blame-person"].get_text() == ""
    assert explorer.model == {"lines": 1, "findings": 0, "first": None}
    assert "1 line, no finding" in explorer.text


def test_an_outage_is_one_only_where_the_sli_reached_0(explorer: Explorer) -> None:
    assert explorer.set(lowest_sli=0).get("not-an-outage") is None
    assert explorer.set(lowest_sli=1)["not-an-outage"] == 1


def test_a_mark_covers_its_words_as_they_are_drawn(explorer: Explorer) -> None:
    explorer.set(text="x" * 60 + ". Bo ignored")
    row: Any = explorer.artists["row 0"]
    left = row.get_window_extent().x0
    axes = explorer.figure.axes[0]
    end = axes.transData.transform((MARGIN + 60 + 12, 0))[0]
    assert row.get_window_extent().x1 == pytest.approx(end, abs=0.6 * (end - left) / (60 + 12))


def test_a_long_line_is_wrapped_and_a_phrase_at_the_break_is_marked_in_both_rows(
    explorer: Explorer,
) -> None:
    end = "and Bo ignored it, as it happens on some evenings in spring."
    explorer.set(text="The page came late, " * 4 + end)
    rows = row_texts(explorer)
    assert all(len(row) <= MARGIN + COLUMNS + 1 for row in rows)
    assert [bool(row) for row in rows] == [True, True] + [False] * (ROWS - 2)
    assert sorted(row for _, _, row, _ in boxes(explorer)) == [0, 1]


def test_of_a_text_that_does_not_fit_only_lines_with_findings_are_shown(explorer: Explorer) -> None:
    explorer.set(text="All was well.\n" * 40 + "Bo ignored it.\n" + "And then it was over.\n" * 40)
    assert row_texts(explorer) == [" 41  Bo ignored it."] + [""] * (ROWS - 1)
    explorer.set(text="All was well.\n" * 40)
    assert row_texts(explorer)[0] == "  1  All was well."


def test_more_findings_than_a_bar_has_room_for_are_still_counted(explorer: Explorer) -> None:
    explorer.set(text="Bo ignored it.\n" * 12)
    artists: dict[str, Any] = dict(explorer.artists)
    assert artists["bar blame-person"].get_width() == LONGEST_BAR
    assert artists["count blame-person"].get_text() == "12"
    assert explorer.model["blame-person"] == 12


def test_what_the_font_lacks_and_what_looks_like_mathematics_is_drawn_without_a_warning(
    explorer: Explorer,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer.set(text="Bo \U0001f600 cost us $5 and $7 \\frac{ and 日本\tin all.")
    text = "  1  Bo \ufffd cost us $5 and $7 \\frac{ and \ufffd\ufffd in all."
    assert row_texts(explorer)[0] == text


def test_the_text_is_typed_in_a_box_with_a_label_and_the_slider_says_its_unit(
    explorer: Explorer,
) -> None:
    box, slider = explorer.controls["text"], explorer.controls["lowest_sli"]
    assert (box.description, box.continuous_update) == ("Text", True)
    assert slider.description == "Lowest SLI (%)"


def test_the_picture_names_what_it_shows(explorer: Explorer) -> None:
    page, bars = explorer.figure.axes
    assert page.get_title(loc="left") == "The text, as far as it fits"
    assert bars.get_xlabel() == "findings"
    assert [label.get_text() for label in bars.get_yticklabels()] == list(RULE_COLOURS)
    legend = bars.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == list(RULE_KINDS)
    assert legend.get_window_extent().x0 > bars.get_window_extent().x1


def test_the_static_picture_says_the_same(explorer: Explorer) -> None:
    assert plot_lint(DRAFT, PEOPLE, 0.5).numbers == explorer.text


# --- the numbers of the lesson -------------------------------------------------------------------


def test_the_stretches_of_the_lesson_are_those_of_the_record() -> None:
    levels = dict(recorded(recorded_incident()))
    failing = [round(1 - levels[minute], 2) for minute in (0, 18, 24, 25, 26, 27, 28)]
    assert failing == [0.50, 0.50, 0.50, 0.15, 0.15, 0.05, 0.0]


def test_with_two_providers_the_page_waits_and_the_evening_costs_nearly_as_much() -> None:
    def paged_after(share: float) -> timedelta | None:
        slo = SLO("availability", 0.99)
        case = ReplayCase("two", "model_provider_outage", slo, share, HOUR, HOUR)
        return replay(case, FIXES).paged_after

    assert (paged_after(0.50), paged_after(0.25)) == (18 * MINUTE, 35 * MINUTE)
    evening, two = [(25, 0.50), (2, 0.15), (1, 0.05)], [(35 + 7, 0.25), (2, 0.075), (1, 0.025)]
    early = [(5 + 7, 0.50), (2, 0.15), (1, 0.05)]
    spent = [
        sum(minutes * share for minutes, share in stretches) / (0.01 * 30 * 24 * 60)
        for stretches in (evening, two, early)
    ]
    assert [round(share, 4) for share in spent] == [0.0297, 0.0247, 0.0147]
    assert round(1 - spent[1] / spent[0], 2) == 0.17  # a sixth


def test_the_picture_of_changes_says_what_each_saves() -> None:
    plot = plot_what_if({"as it was": 0.0297, "earlier page": 0.0147, "worse": 0.06})
    axes = plot.figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([2.97, 1.47, 6.0])
    texts = [text.get_text().strip() for text in axes.texts]
    assert texts == ["2.97%", "1.47%, saves 51%", "6.00%, saves -102%"]
    assert plot.numbers.startswith("as it was: 2.97%; earlier page: 1.47%")
