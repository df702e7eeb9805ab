"""Lesson 07: the public incidents and their times, their explorer, and the lesson's numbers."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from stored import cells

from oncall.incident import Incident
from oncall.times import MINUTE
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.lessons.night import moment
from oncall.workbook.lessons.public_incidents import (
    NAMES,
    PublicIncident,
    Summary,
    outages_explorer,
    plot_outages,
    read_public,
    rows_of,
    summary,
    times_text,
)
from oncall.workbook.plots.explorer import Explorer

ROOT = Path(__file__).parents[2]
CSV = ROOT / "data" / "public_incidents.csv"
NOTEBOOK = ROOT / "notebooks" / "07_what_the_times_say.ipynb"


@cache
def public() -> list[PublicIncident]:
    return read_public(CSV)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return outages_explorer(public())


def lengths(name: str) -> list[float]:
    minutes = [incident.minutes_to(name) for incident in public()]
    return [length for length in minutes if length is not None]


# --- the incidents -------------------------------------------------------------------------------


def test_sixteen_rows_are_fifteen_incidents() -> None:
    with open(CSV, newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 16
    assert len(public()) == len({incident.id for incident in public()}) == 15


def test_two_waves_are_one_incident_whose_last_mitigation_counts() -> None:
    night = next(row for row in public() if row.id.startswith("openai-2024-12-04"))
    assert night.times["impact_start"] == moment("23:48")
    minutes = [night.minutes_to(name) for name in ("first_update", "mitigated", "resolved")]
    assert minutes == [20, 109, 153]


def test_what_is_not_published_is_unknown() -> None:
    first = {incident.provider: incident for incident in reversed(public())}
    gitlab, google = first["GitLab"], first["Google Cloud"]
    assert set(gitlab.times) == {"resolved"}
    assert gitlab.minutes_to("resolved") is None
    assert google.minutes_to("mitigated") is None


def test_no_time_to_acknowledge_is_made_of_the_first_public_post() -> None:
    assert all("acknowledged" not in incident.times for incident in public())
    assert sum("detected" in incident.times for incident in public()) == 1


def test_medians_and_means_of_the_three_intervals() -> None:
    for name, n, median, mean in (
        ("first_update", 13, 20, 33.5),
        ("mitigated", 13, 109, 125.2),
        ("resolved", 14, 189.5, 220.6),
    ):
        found = summary(lengths(name))
        assert (found.n, found.median, round(found.mean, 1)) == (n, median, mean), name


def test_from_mitigated_to_resolved_it_took_44_minutes_in_the_middle_and_none_in_3_of_13() -> None:
    known = [incident.times for incident in public()]
    both = [times for times in known if {"mitigated", "resolved"} <= times.keys()]
    gaps = sorted((times["resolved"] - times["mitigated"]) / MINUTE for times in both)
    assert (len(gaps), gaps[6], gaps.count(0)) == (13, 44, 3)


def test_a_summary_passes_over_the_unknown_and_leaves_out_the_longest() -> None:
    assert summary([1, None, 2, 9]) == Summary(3, 2, 4)
    assert summary([9, 1, 2], leave_out=1) == Summary(2, 1.5, 1.5)
    for wrong in (3, -1):
        with pytest.raises(ValueError, match="cannot leave out"):
            summary([9, 1, 2], leave_out=wrong)


def test_the_times_of_an_incident_as_a_line() -> None:
    incident = Incident("INC-1", "it fails", THREE_NINES, "slow_first_token", moment("23:48"))
    incident = incident.detect(None, at=moment("23:48:52"), by="ana")
    assert times_text(incident) == "ttd 52s, tta unknown, ttm unknown, ttr unknown, impact unknown"


# --- what is drawn -------------------------------------------------------------------------------


def test_rows_go_from_the_quickest_resolved_to_the_slowest_without_those_of_unknown_start() -> None:
    rows = rows_of(public())
    assert [row.minutes_to("resolved") for row in rows] == sorted(lengths("resolved"))
    assert "GitLab" not in [row.provider for row in rows]


def test_every_known_time_has_its_mark_in_the_row_of_its_incident() -> None:
    axes = plot_outages(public()).figure.axes[0]
    drawn = {str(line.get_label()): line for line in axes.lines}
    marks = {label: line for label, line in drawn.items() if not label.startswith("_")}
    assert list(marks) == list(NAMES.values()) == ["first public post", "mitigated", "resolved"]
    for name, label in NAMES.items():
        minutes = [incident.minutes_to(name) for incident in rows_of(public())]
        expected = [(length, row) for row, length in enumerate(minutes) if length is not None]
        assert list(zip(*marks[label].get_data(), strict=True)) == expected
        low, high = axes.get_xlim()
        assert all(low < length < high for length, _ in expected)


def test_axes_are_labelled_with_units_and_rows_with_operator_and_date() -> None:
    plot = plot_outages(public())
    axes = plot.figure.axes[0]
    assert axes.get_xlabel().startswith("minutes since the impact began")
    assert axes.get_xscale() == "log"
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0] == "OpenAI 2024-01-30"
    assert len(labels) == len(set(labels)) == 14
    names = [text.get_text() for text in plot.figure.legends[0].get_texts()]
    assert names == ["first public post", "mitigated", "resolved"]


def test_the_numbers_of_the_plot_name_n_range_and_median() -> None:
    assert plot_outages(public()).numbers == (
        "14 public incidents from the start of their impact: "
        "first public post n 13, 1 to 148 minutes, median 20; "
        "mitigated n 13, 15 to 271 minutes, median 109; "
        "resolved n 14, 30 to 449 minutes, median 189.5."
    )


@pytest.mark.parametrize("interval", ["first_update", "mitigated", "resolved"])
@pytest.mark.parametrize("leave_out", [0, 1, 6])
def test_the_explorer_shows_what_summary_says(
    explorer: Explorer, interval: str, leave_out: int
) -> None:
    found = summary(lengths(interval), leave_out)
    model = explorer.set(interval=interval, leave_out=leave_out)
    assert model == {
        "interval": interval,
        "left_out": leave_out,
        "n": found.n,
        "median_minutes": round(found.median, 1),
        "mean_minutes": round(found.mean, 1),
    }
    lines: Any = explorer.artists
    assert lines["mean"].get_xdata() == [found.mean] * 2
    assert lines["median"].get_xdata() == [found.median] * 2
    crossed = sorted(lengths(interval))[found.n :]
    assert list(lines["out"].get_xdata()) == crossed
    rows = rows_of(public())
    assert [rows[row].minutes_to(interval) for row in lines["out"].get_ydata()] == crossed


def test_one_incident_moves_the_mean_by_9_minutes_and_the_median_by_half_of_one(
    explorer: Explorer,
) -> None:
    before = explorer.set(interval="first_update", leave_out=0)
    after = explorer.set(leave_out=1)
    assert round(before["mean_minutes"] - after["mean_minutes"], 1) == 9.5
    assert before["median_minutes"] - after["median_minutes"] == 0.5
    assert explorer.text.startswith(
        "From impact to first public post: n 12, the longest 1 left out;"
    )


def test_there_and_back_leaves_no_trace_and_adds_no_artist(explorer: Explorer) -> None:
    explorer.set(interval="resolved", leave_out=0)
    before, artists = explorer.png, len(explorer.figure.findobj())
    explorer.set(interval="mitigated", leave_out=3)
    assert explorer.png != before
    explorer.set(interval="resolved", leave_out=0)
    assert explorer.png == before
    assert len(explorer.figure.findobj()) == artists


def test_controls_and_legend_of_the_explorer_are_labelled(explorer: Explorer) -> None:
    assert [control.description for control in explorer.controls.values()] == [
        "Time from impact to",
        "Leave out the longest (incidents)",
    ]
    names = [text.get_text() for text in explorer.figure.legends[0].get_texts()]
    assert names[3:] == ["mean of this interval", "its median", "left out"]


# --- the lesson ----------------------------------------------------------------------------------


def test_mean_and_median_rank_the_two_operators_in_opposite_order() -> None:
    def lasted(provider: str) -> Summary:
        mine = [incident for incident in public() if incident.provider == provider]
        return summary(incident.minutes_to("resolved") for incident in mine)

    github, openai = lasted("GitHub"), lasted("OpenAI")
    assert (github.n, openai.n) == (7, 5)
    assert github.mean < openai.mean
    assert github.median > openai.median


def test_the_lesson_prints_no_path_and_its_stub_is_not_attempted() -> None:
    outputs = [json.dumps(cell["outputs"]) for cell in cells(NOTEBOOK, "code")]
    assert ".jsonl" not in "".join(outputs)
    assert "Waiting." in outputs[-1]
