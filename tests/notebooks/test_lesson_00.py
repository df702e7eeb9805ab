"""Lesson 00: the night of 4 December 2024, and what was known of it at each minute."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.dates import num2date
from stored import cells

from oncall.alerting import alert_intervals
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, SECOND
from oncall.workbook.lessons.common import PAGE_RULES
from oncall.workbook.lessons.night import (
    FIRST,
    LAST,
    Night,
    _model,
    incident_open,
    known_at,
    moment,
    night_explorer,
    play_night,
    plot_night,
    read_waves,
)
from oncall.workbook.plots.explorer import Explorer

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "00_tonights_page.ipynb"


@cache
def night(target: float = 0.999, waves: int = 2) -> Night:
    return play_night(read_waves(ROOT / "data" / "public_incidents.csv")[:waves], target)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return night_explorer(night())


def x_of(line: Any) -> list[datetime]:
    """The points of a line in time, gaps left out, to the nearest second."""
    moments = [num2date(day, tz=UTC) for day in line.get_xdata() if not np.isnan(day)]
    return [(at + SECOND / 2).replace(microsecond=0) for at in moments]


# --- the night -----------------------------------------------------------------------------------


def test_the_waves_are_the_published_ones() -> None:
    first, second = night().waves
    assert (first.start, first.end, first.error_ratio) == (moment("23:48"), moment("23:52"), 1.0)
    assert (second.start, second.end, second.error_ratio) == (
        moment("00:07"),
        moment("01:37"),
        0.45,
    )
    assert first.resolved == second.resolved == moment("02:21")
    assert first.source == second.source == "https://status.openai.com/incidents/55qs3vq1m35z"


def test_a_clock_before_midnight_is_on_the_4th_and_after_it_on_the_5th() -> None:
    assert moment("23:48:52") == datetime(2024, 12, 4, 23, 48, 52, tzinfo=UTC)
    assert moment("00:07") == datetime(2024, 12, 5, 0, 7, tzinfo=UTC)
    with pytest.raises(ValueError, match=r"'25:00' is not a time of that night; write 23:52"):
        moment("25:00")


def test_every_second_of_the_waves_fails_its_share_and_no_other() -> None:
    counts = night().counts
    bad = np.asarray(counts.total) - np.asarray(counts.good)
    assert np.count_nonzero(bad) == (4 + 90) * 60
    during = counts.slice(moment("00:07"), moment("01:37"))
    assert 1 - sum(during.good) / sum(during.total) == pytest.approx(0.45)
    assert set(np.asarray(counts.total)) == {100}
    assert counts.start == moment("23:48") - 3 * DAY  # full windows


def test_the_alert_fires_from_23_48_52_to_02_06_36_without_a_gap() -> None:
    assert night().alerts == ((moment("23:48:52"), moment("02:06:36")),)


def test_at_99_percent_the_first_page_comes_at_00_17_19() -> None:
    assert night(0.99).alerts[0][0] == moment("00:17:19")


def test_alone_the_first_wave_fires_until_00_21_50() -> None:
    assert night(waves=1).alerts == ((moment("23:48:52"), moment("00:21:50")),)


@pytest.mark.parametrize(("clock", "pages"), [("02:00", ()), ("02:40", ("02:40:11",))])
def test_a_relapse_pages_only_once_the_alert_has_cleared(
    clock: str, pages: tuple[str, ...]
) -> None:
    waves = night().waves
    again = replace(waves[0], start=moment(clock), end=moment(clock) + 4 * MINUTE)
    begins = [begin for begin, _ in play_night((*waves, again)).alerts]
    assert begins == [moment("23:48:52"), *map(moment, pages)]


@pytest.mark.parametrize("target", [0.999, 0.99])
def test_the_rules_fire_when_the_alert_evaluator_says(target: float) -> None:
    # A shorter history fills the same windows.
    counts = night(target).counts.slice(moment("23:48") - 7 * HOUR, None)
    by_definition = alert_intervals(counts, SLO("availability", target), PAGE_RULES)
    assert [(alert.rule, alert.start, alert.end) for alert in by_definition] == [
        (alert.rule, alert.start, alert.end) for alert in night(target).rules
    ]


# --- what was known ------------------------------------------------------------------------------


def test_what_was_known_does_not_depend_on_what_came_later() -> None:
    for clock in ("23:40", "23:49", "23:52", "00:06"):
        assert known_at(night(), moment(clock)) == known_at(night(waves=1), moment(clock))


def test_what_was_known_at_23_49() -> None:
    known = known_at(night(), moment("23:49"))
    assert (known.sli, known.alert_since) == (0, moment("23:48:52"))
    assert known.rules == (PAGE_RULES[0].name,)
    assert known.burns == pytest.approx((1000 / 60, 1000 / 30))
    assert known.spent == pytest.approx(1 / 43.2)


def test_an_alert_is_known_from_the_second_it_begins_until_the_second_it_clears() -> None:
    since = [
        known_at(night(), moment(clock)).alert_since
        for clock in ("23:48:51", "23:48:52", "02:06:35", "02:06:36")
    ]
    assert since == [None, moment("23:48:52"), moment("23:48:52"), None]


def test_the_night_costs_103_percent_of_the_month_of_which_93_75_after_23_52() -> None:
    whole, then = known_at(night(), moment("02:30")).spent, known_at(night(), moment("23:52")).spent
    assert whole == pytest.approx((4 + 0.45 * 90) / 43.2)
    assert f"{whole:.1%}" == "103.0%"
    assert whole - then == pytest.approx(0.9375)


@pytest.mark.parametrize("at", [FIRST - MINUTE, LAST + MINUTE])
def test_a_moment_outside_the_night_is_an_error(at: datetime) -> None:
    with pytest.raises(ValueError, match="the night goes from 23:40 to 02:30"):
        known_at(night(), at)


@pytest.mark.parametrize("clock", ["23:49", "23:52", "00:21", "02:06"])
def test_whoever_resolves_while_the_alert_fires_is_not_paged_again(clock: str) -> None:
    assert incident_open(night(), moment(clock)) == [(moment("23:48:52"), moment(clock))]


def test_whoever_resolves_before_the_page_is_paged() -> None:
    [(begin, end)] = incident_open(night(0.99), moment("23:52"))
    assert begin == moment("00:17:19")
    assert end >= LAST


# --- the explorer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "resolve", "incident", "decide"),
    [
        ("23:40", "23:52", None, "Nothing to decide."),
        ("23:51", "23:52", "open", "Users feel it. What do you try first?"),
        ("23:55", "00:00", "open", "It looks fine and the alert still fires. Do you resolve?"),
        (
            "23:55",
            "23:52",
            "resolved",
            "You have resolved it; it looks fine and the alert still fires. Do you sleep?",
        ),
        (
            "00:10",
            "23:52",
            "resolved",
            "You have resolved it, so the alert tells nobody. Who finds out?",
        ),
        ("00:10", "02:30", "open", "Users feel it. What do you try first?"),
        ("02:07", "02:30", "open", "The alert has cleared. Do you resolve?"),
        ("02:30", "02:07", "resolved", "You have resolved it and the alert has cleared."),
    ],
)
def test_each_minute_asks_for_its_decision(
    explorer: Explorer, now: str, resolve: str, incident: str | None, decide: str
) -> None:
    model = explorer.set(now=now, resolve=resolve)
    assert (model["now"], model["incident"], model["decide"]) == (now, incident, decide)
    assert explorer.text.endswith(decide)


@pytest.mark.parametrize("target", [0.999, 0.99])
@pytest.mark.parametrize("resolve", ["23:52", "02:07"])
def test_no_minute_lacks_a_decision(target: float, resolve: str) -> None:
    for minute in range(171):  # the model alone: drawing them all would take long
        model = _model(night(target), FIRST + minute * MINUTE, moment(resolve))
        assert model["decide"] != "What do you do?"


def test_a_decision_outside_the_night_is_an_error() -> None:
    with pytest.raises(ValueError, match="any minute from 23:49 to 02:30, given '22:00'"):
        night_explorer(night(), resolve="22:00")


def test_the_model_is_what_was_known(explorer: Explorer) -> None:
    assert explorer.set(now="00:10", resolve="23:52") == {
        "now": "00:10",
        "resolve": "23:52",
        "sli": 0.55,
        "burn_1h": 89.2,
        "burn_30m": 178.3,
        "rules": "14.4x 1h/5m, 6x 6h/30m",
        "alert_since": "23:48:52",
        "incident": "resolved",
        "spent": 0.1238,
        "decide": "You have resolved it, so the alert tells nobody. Who finds out?",
    }
    assert json.loads(json.dumps(explorer.model)) == explorer.model


@pytest.mark.parametrize("now", ["23:41", "23:49", "00:10", "02:30"])
def test_nothing_right_of_now_is_drawn(explorer: Explorer, now: str) -> None:
    explorer.set(now=now, resolve="02:30")
    for name in ("sli", "burn 1h", "burn 30m", "alert", "incident"):
        assert all(at <= moment(now) for at in x_of(explorer.artists[name])), name
    shade: Any = explorer.artists["shade 0"]
    assert num2date(shade.get_x() + shade.get_width()) <= max(moment(now), moment("23:48:53"))


def test_the_curves_are_the_telemetry(explorer: Explorer) -> None:
    explorer.set(now="02:30")
    sli: Any = explorer.artists["sli"]
    assert sorted(set(np.round(sli.get_ydata()))) == [0, 55, 100]
    hour: Any = explorer.artists["burn 1h"]
    for clock in ("23:49", "00:30", "01:37"):
        at = x_of(hour).index(moment(clock))
        assert hour.get_ydata()[at] == pytest.approx(known_at(night(), moment(clock)).burns[0])


def test_the_bars_are_the_alert_and_the_incident(explorer: Explorer) -> None:
    explorer.set(now="02:30", resolve="23:52")
    assert x_of(explorer.artists["alert"]) == [moment("23:48:52"), moment("02:06:36")]
    assert x_of(explorer.artists["incident"]) == [moment("23:48:52"), moment("23:52")]


def test_there_and_back_leaves_no_trace_and_adds_no_artist(explorer: Explorer) -> None:
    explorer.set(now="23:52", resolve="23:52")
    before, artists = explorer.png, len(explorer.figure.findobj())
    explorer.set(now="01:00", resolve="02:07")
    assert explorer.png != before
    explorer.set(now="23:52", resolve="23:52")
    assert explorer.png == before
    assert len(explorer.figure.findobj()) == artists


def test_axes_controls_and_legend_are_labelled(explorer: Explorer) -> None:
    top, middle, lanes = explorer.figure.axes
    assert [axes.get_ylabel() for axes in (top, middle)] == ["good, %", "burn rate, x"]
    assert "UTC" in lanes.get_xlabel()
    assert all(axes.get_title(loc="left") for axes in explorer.figure.axes)
    assert all("(UTC)" in control.description for control in explorer.controls.values())
    names = [text.get_text() for text in explorer.figure.legends[0].get_texts()]
    assert names == ["SLI", "last 1h (dashed: 14.4x)", "last 30m (dashed: 6x)", "alert fires"]
    assert num2date(lanes.get_xlim()[0]) == FIRST
    assert num2date(lanes.get_xlim()[1]) - LAST < timedelta(milliseconds=1)


def test_the_static_plot_says_what_the_explorer_says(explorer: Explorer) -> None:
    explorer.set(now="23:55", resolve="02:30")
    assert plot_night(night(), moment("23:55"), moment("02:30")).numbers == explorer.text


# --- the lesson ----------------------------------------------------------------------------------


def test_the_first_output_keeps_the_second_wave_back() -> None:
    outputs = [output for cell in cells(NOTEBOOK, "code")[:6] for output in cell["outputs"]]
    early = "".join("".join(output.get("text", "")) for output in outputs)
    assert "23:48:52" in early
    assert "00:07" not in early
    assert "45%" not in early
