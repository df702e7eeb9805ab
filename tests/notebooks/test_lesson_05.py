"""Lesson 05: the public incidents and their times, the explorer on one axis, and the numbers of the lesson."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import MINUTE
from oncall.workbook.lessons.night import moment
from oncall.workbook.lessons.public_incidents import (
    PublicIncident,
    Summary,
    describe_outages,
    outages_on_one_axis,
    plot_outages,
    read_public,
    rows_of,
    summary,
    times_text,
)
from oncall.workbook.plots.explorer import Explorer

ROOT = Path(__file__).parents[2]
CSV = ROOT / "data" / "public_incidents.csv"
NOTEBOOK = ROOT / "notebooks" / "05_the_incident_record.ipynb"


@cache
def public() -> list[PublicIncident]:
    return read_public(CSV)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return outages_on_one_axis(public())


def lengths(name: str) -> list[float]:
    return [length for one in public() if (length := one.minutes_to(name)) is not None]


# --- the incidents -------------------------------------------------------------------------------


def test_sixteen_rows_are_fifteen_incidents() -> None:
    with open(CSV, newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 16
    assert len(public()) == len({one.id for one in public()}) == 15


def test_two_waves_are_one_incident_whose_last_mitigation_counts() -> None:
    one = next(one for one in public() if one.id.startswith("openai-2024-12-04"))
    assert one.times["impact_start"] == moment("23:48")
    assert (
        one.minutes_to("first_update"),
        one.minutes_to("mitigated"),
        one.minutes_to("resolved"),
    ) == (20, 109, 153)


def test_what_is_not_published_is_unknown() -> None:
    gitlab, google = (
        next(one for one in public() if one.provider == name) for name in ("GitLab", "Google Cloud")
    )
    assert set(gitlab.times) == {"resolved"}
    assert gitlab.minutes_to("resolved") is None
    assert google.minutes_to("mitigated") is None


def test_no_time_to_acknowledge_is_made_of_the_first_public_post() -> None:
    assert all("acknowledged" not in one.times for one in public())
    assert sum("detected" in one.times for one in public()) == 1


def test_medians_and_means_of_the_three_intervals() -> None:
    found = {
        name: summary(map(float, lengths(name)))
        for name in ("first_update", "mitigated", "resolved")
    }
    assert {name: (one.n, one.median, round(one.mean, 1)) for name, one in found.items()} == {
        "first_update": (13, 20, 33.5),
        "mitigated": (13, 109, 125.2),
        "resolved": (14, 189.5, 220.6),
    }


def test_from_mitigated_to_resolved_it_took_44_minutes_in_the_middle_and_none_in_3_of_13() -> None:
    both = [one.times for one in public() if {"mitigated", "resolved"} <= one.times.keys()]
    gaps = sorted((times["resolved"] - times["mitigated"]) / MINUTE for times in both)
    assert (len(gaps), gaps[6], gaps.count(0)) == (13, 44, 3)


def test_a_summary_passes_over_the_unknown_and_leaves_out_the_longest() -> None:
    assert summary([1, None, 2, 9]) == Summary(3, 2, 4)
    assert summary([9, 1, 2], leave_out=1) == Summary(2, 1.5, 1.5)
    for wrong in (3, -1):
        with pytest.raises(ValueError, match="cannot leave out"):
            summary([9, 1, 2], leave_out=wrong)


def test_the_times_of_an_incident_as_a_line() -> None:
    incident = Incident(
        "INC-1", "it fails", SLO("availability", 0.999), "slow_first_token", moment("23:48")
    )
    incident = incident.detect(None, at=moment("23:48:52"), by="ana")
    assert times_text(incident) == "ttd 52s, tta unknown, ttm unknown, ttr unknown, impact unknown"


# --- what is drawn -------------------------------------------------------------------------------


def test_rows_go_from_the_quickest_resolved_to_the_slowest_and_leave_out_what_has_no_start() -> (
    None
):
    rows = rows_of(public())
    assert [one.minutes_to("resolved") for one in rows] == sorted(lengths("resolved"))
    assert "GitLab" not in [one.provider for one in rows]


def test_every_known_time_has_its_mark_in_the_row_of_its_incident() -> None:
    axes = plot_outages(public()).figure.axes[0]
    drawn = {
        line.get_label(): line for line in axes.lines if not str(line.get_label()).startswith("_")
    }
    assert list(drawn) == ["first public post", "mitigated", "resolved"]
    for name, label in (
        ("first_update", "first public post"),
        ("mitigated", "mitigated"),
        ("resolved", "resolved"),
    ):
        expected = [
            (one.minutes_to(name), row)
            for row, one in enumerate(rows_of(public()))
            if one.minutes_to(name)
        ]
        assert list(zip(*drawn[label].get_data(), strict=True)) == expected
        low, high = axes.get_xlim()
        assert all(low < minutes < high for minutes, _ in expected)


def test_axes_are_labelled_with_units_and_rows_with_operator_and_date() -> None:
    plot = plot_outages(public())
    axes = plot.figure.axes[0]
    assert axes.get_xlabel().startswith("minutes since the impact began")
    assert axes.get_xscale() == "log"
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0] == "OpenAI 2024-01-30"
    assert len(labels) == len(set(labels)) == 14
    assert [text.get_text() for text in plot.figure.legends[0].get_texts()] == [
        "first public post", "mitigated", "resolved",
    ]  # fmt: skip


def test_the_numbers_of_the_plot_name_n_range_and_median() -> None:
    assert plot_outages(public()).numbers == describe_outages(public())
    assert describe_outages(public()) == (
        "14 public incidents from the start of their impact: first public post n 13, 1 to 148 minutes, median 20; "
        "mitigated n 13, 15 to 271 minutes, median 109; resolved n 14, 30 to 449 minutes, median 189.5."
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
    github, openai = (
        summary(one.minutes_to("resolved") for one in public() if one.provider == name)
        for name in ("GitHub", "OpenAI")
    )
    assert (github.n, openai.n) == (7, 5)
    assert github.mean < openai.mean
    assert github.median > openai.median


def test_the_lesson_has_five_goals_whose_numbers_it_shows() -> None:
    goals = (ROOT / "tests" / "notebooks" / "goals" / "05.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\d\. \*\*.+\?\*\*$", goals, re.MULTILINE)) == 5
    notebook = NOTEBOOK.read_text(encoding="utf-8")
    for number in re.findall(r"\d+\.\d+|\b\d\d+\b", goals.partition("\n")[2]):
        assert number in notebook, number


def test_the_lesson_prints_no_path_and_its_stub_is_not_attempted() -> None:
    cells = [
        cell
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    text = json.dumps([output for cell in cells for output in cell["outputs"]])
    assert ".jsonl" not in text
    assert "Waiting." in json.dumps(cells[-1]["outputs"])
