"""Every picture that a lesson draws: nothing is clipped, and it is the same bytes every time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib
import pytest
from test_lesson_06 import NOTEBOOK as RECORD

from oncall.alerting import BurnRule, google_policy
from oncall.counts import Counts, read_csv
from oncall.incident import Incident
from oncall.regression import to_eval_case
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry.backtest import read_incidents
from oncall.times import HOUR, MINUTE
from oncall.workbook.exercises import recorded_incident
from oncall.workbook.lessons.asks import plot_chances
from oncall.workbook.lessons.blind_spot_map import outage_map, plot_blind_spots
from oncall.workbook.lessons.burn_rate import plot_budget, plot_windows
from oncall.workbook.lessons.card_deck import play_cards, plot_cards
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.lessons.frontier import frontier, plot_frontier
from oncall.workbook.lessons.ladder import climb, plot_climb
from oncall.workbook.lessons.lint_and_replay import plot_lint, plot_replay
from oncall.workbook.lessons.night import moment, play_night, plot_night, read_waves
from oncall.workbook.lessons.other_months import plot_months
from oncall.workbook.lessons.public_incidents import plot_outages, read_public
from oncall.workbook.lessons.sliding_window import plot_sliding_window
from oncall.workbook.lessons.two_budgets import plot_failures, plot_weighed_failures
from oncall.workbook.lessons.what_changed import Night, plot_changes, plot_readings
from oncall.workbook.lessons.what_if import plot_what_if
from oncall.workbook.lessons.what_is_good import plot_definitions, plot_sample_sizes
from oncall.workbook.plots import plot_timeline
from oncall.workbook.plots.base import Plot

DATA = Path(__file__).parents[2] / "data"


@cache
def month() -> Counts:
    return read_csv(DATA / "assistant_30d.csv")


@cache
def labels() -> tuple[KnownIncident, ...]:
    return read_incidents(DATA / "assistant_30d_incidents.csv")


@cache
def night_of(seed: int) -> Night:
    return Night("surprise", seed)


def reopened() -> Incident:
    incident = Incident("INC-1", "It fails", THREE_NINES, "model_provider_outage", moment("23:48"))
    incident = incident.detect(None, at=moment("23:49"), by="ana")
    incident = incident.acknowledge(at=moment("23:50"), by="ana")
    incident = incident.triage("sev1", ic="ana", at=moment("23:51"), by="ana")
    return incident.mitigate("fail over", at=moment("23:55"), by="bo")


def with_4xx() -> Plot:
    waves = read_waves(DATA / "public_incidents.csv")
    without = play_night(waves, valid=lambda status: not 400 <= status < 500)
    return plot_definitions({"all count": play_night(waves), "4xx left out": without})


def tonight() -> Plot:
    night = play_night(read_waves(DATA / "public_incidents.csv"))
    return plot_night(night, moment("00:10"), moment("23:52"))


def last_windows() -> Plot:
    began = labels()[2].start
    view = {"since": began - HOUR, "until": began + 8 * HOUR}
    return plot_windows(month(), THREE_NINES, (5 * MINUTE, HOUR, 6 * HOUR), **view)


PLOTS: dict[str, Callable[[], Plot]] = {
    "night": tonight,
    "failures": lambda: plot_failures(month()),
    "weighed failures": lambda: plot_weighed_failures(month()),
    "definitions": with_4xx,
    "sample sizes": lambda: plot_sample_sizes(0.96),
    "budget": lambda: plot_budget(month(), THREE_NINES),
    "windows": last_windows,
    "sliding window": lambda: plot_sliding_window(THREE_NINES, BurnRule(HOUR, 5 * MINUTE, 14.4)),
    "blind spots": lambda: plot_blind_spots(
        outage_map(THREE_NINES, google_policy(), 36_000), THREE_NINES, labels()
    ),
    "times": lambda: plot_timeline(reopened(), times=True),
    "outages": lambda: plot_outages(read_public(DATA / "public_incidents.csv")),
    "climb": lambda: plot_climb(climb()),
    "readings": lambda: plot_readings(
        [night_of(12).look("upstream"), night_of(12).look("region", "upstream=south")]
    ),
    "changes": lambda: plot_changes(night_of(57)),
    "cards": lambda: plot_cards(play_cards(target=0.99)),
    "what if": lambda: plot_what_if({"as it was": 0.0297, "earlier page": 0.0147}),
    "lint": lambda: plot_lint("Bo was careless.\nThere was an outage.", ["Bo"], lowest_sli=0.5),
    "replay": lambda: plot_replay(
        to_eval_case(recorded_incident()), recorded_incident(), ("fail_over",)
    ),
    "chances": lambda: plot_chances([(1, 1), (10, 8), (59, 59)]),
    "months": lambda: plot_months([0.997, 0.998, 0.9985, 0.999], 0.998),
    "frontier": lambda: plot_frontier(
        frontier(month(), labels(), SLO("a", 0.995), windows=(HOUR, 6 * HOUR), factors=(6.0, 14.4))
    ),
}


def test_every_module_of_the_lessons_that_draws_is_here() -> None:
    lessons = RECORD.parents[1] / "oncall" / "workbook" / "lessons"
    drawn = {
        line.split("(")[0].removeprefix("def ")
        for path in lessons.glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("def plot_")
    }
    here = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in drawn if f"{name}(" not in here]


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_nothing_of_it_is_clipped_and_it_says_itself_in_a_line(make: Callable[[], Plot]) -> None:
    plot = make()
    plot.png()
    frame = plot.figure.bbox
    for axes in plot.figure.axes:
        ticks = [
            label
            for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
            for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
            if min(low, high) <= place <= max(low, high)  # others are not drawn
        ]
        for text in [*ticks, axes.xaxis.label, axes.yaxis.label, axes._left_title]:
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert frame.x0 <= box.x0
                assert box.x1 <= frame.x1 + 1
                assert frame.y0 <= box.y0
                assert box.y1 <= frame.y1 + 1
    assert "\n" not in plot.numbers
    assert any(character.isdigit() for character in plot.numbers)


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_it_is_the_same_bytes_every_time_whatever_the_readers_settings(
    make: Callable[[], Plot],
) -> None:
    first = make().png()
    assert b"Software" not in first
    width, _ = struct.unpack(">II", first[16:24])
    assert width == 820
    mine = {"font.size": 20, "savefig.dpi": 50, "axes.grid": False, "timezone": "Asia/Tokyo"}
    with matplotlib.rc_context(mine):
        assert make().png() == first


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_no_two_titles_run_into_each_other(make: Callable[[], Plot]) -> None:
    plot = make()
    plot.png()
    boxes = [
        axes._left_title.get_window_extent()
        for axes in plot.figure.axes
        if axes._left_title.get_text()
    ]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
