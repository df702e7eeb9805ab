"""Explorers: what moves and what must not, without a kernel, a browser or a look at the pictures."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from oncall.alerting import BurnRule, alert_intervals
from oncall.counts import Counts, read_csv
from oncall.gameday.bundled import bundled_scenario
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE
from oncall.workbook.lessons.adversary import be_the_adversary
from oncall.workbook.lessons.card_deck import card_deck
from oncall.workbook.lessons.frontier import Frontier, backtest_frontier, frontier
from oncall.workbook.lessons.ladder import ladder_over_the_fire
from oncall.workbook.lessons.night import play, read_waves, step_through_the_night
from oncall.workbook.lessons.public_incidents import outages_on_one_axis, read_public
from oncall.workbook.lessons.two_budgets import (
    THREE_NINES,
    ordinary_day,
    outage_cost,
    two_budgets,
    window_and_target,
    windowed_burn,
)
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, envelope, slider

MONTH = bundled_scenario("assistant_30d")

DATA = Path(__file__).parents[2] / "data"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def month() -> Counts:
    return read_csv(DATA / "assistant_30d.csv")


def month_explorer() -> Explorer:
    return window_and_target(
        month(), [(label.start, label.end) for label in MONTH.labels() if label.end]
    )


def night_explorer() -> Explorer:
    return step_through_the_night(play(read_waves(DATA / "public_incidents.csv")))


def public_explorer() -> Explorer:
    return outages_on_one_axis(read_public(DATA / "public_incidents.csv"))


@cache
def rules() -> Frontier:
    return frontier(
        month(), MONTH.labels(), THREE_NINES, windows=(HOUR, 6 * HOUR), factors=(6, 14.4)
    )


def frontier_explorer() -> Explorer:
    return backtest_frontier(rules())


# The explorers of sliders over curves, and a move of each of their controls. The blind-spot map, drawn anew under
# its contours, and lint as you type, which has a box of text, are tested with their lessons.
EXPLORERS: dict[str, tuple[Callable[[], Explorer], dict[str, Any]]] = {
    "two budgets": (two_budgets, {"hour": 15, "minutes": 45}),
    "window and target": (month_explorer, {"window": 6 * HOUR, "target": 0.99}),
    "step through the night": (night_explorer, {"now": "01:00", "resolve": "00:30"}),
    "be the adversary": (be_the_adversary, {"rules": 2, "every": 30, "seconds": 20, "percent": 40}),
    "public outages": (public_explorer, {"interval": "first_update", "leave_out": 2}),
    "ladder over the fire": (
        ladder_over_the_fire,
        {"ack": 12, "ack_timeout": 20, "ana": 9, "bo": 3, "chen": 20, "repeat": 1},
    ),
    "card deck": (
        card_deck,
        {
            "first": "hedge_requests",
            "second": "serve_degraded",
            "third": "fail_over",
            "target": 0.99,
            "responder": "trusts",
        },
    ),
    "backtest frontier": (frontier_explorer, {"window": 6 * HOUR, "factor": 6.0}),
}


@pytest.fixture(params=EXPLORERS)
def explorer(request: pytest.FixtureRequest) -> Explorer:
    return EXPLORERS[request.param][0]()


@pytest.fixture
def moves(request: pytest.FixtureRequest) -> dict[str, Any]:
    return EXPLORERS[request.node.callspec.params["explorer"]][1]


def small_explorer() -> Explorer:
    """A dot on an axis, 200 by 100 pixels."""
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 1))
    (dot,) = axes.plot([0], [0.5], "o")

    def update(place: int) -> Model:
        dot.set_xdata([place])
        return {"place": place}

    controls = {"place": slider("Place (cm)", 0, 10, 1, 5)}
    return Explorer(figure, {"dot": dot}, controls, update, "at {place} cm".format_map)


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


# --- every explorer ------------------------------------------------------------------------------


def test_every_control_has_a_move_here_that_changes_model_text_and_picture(
    explorer: Explorer, moves: dict[str, Any]
) -> None:
    assert set(moves) == set(explorer.controls)
    for name, value in moves.items():
        before = explorer.model, explorer.text, explorer.png
        explorer.set(**{name: value})
        assert all(
            new != old
            for new, old in zip((explorer.model, explorer.text, explorer.png), before, strict=True)
        )


def test_a_model_holds_plain_numbers_and_texts(explorer: Explorer) -> None:
    assert {type(value) for value in explorer.model.values()} <= {int, float, str, bool, type(None)}
    assert json.loads(json.dumps(explorer.model)) == explorer.model


def test_the_text_is_one_line(explorer: Explorer) -> None:
    assert explorer.text.strip() == explorer.text
    assert len(explorer.text.splitlines()) == 1


def test_a_label_names_its_unit_or_its_values_do(explorer: Explorer) -> None:
    for control in explorer.controls.values():
        names = [name for name, _ in getattr(control, "options", ())]
        in_values = bool(names) and not any(name.replace(".", "").isdigit() for name in names)
        assert in_values or control.description.endswith(")"), control.description


def test_labels_have_room_and_sliders_follow_the_hand(explorer: Explorer) -> None:
    for control in explorer.controls.values():
        assert float(control.style.description_width.removesuffix("ch")) > 0.8 * len(
            control.description
        )
        assert getattr(control, "continuous_update", True)


def test_every_axis_has_a_label_every_axes_a_title_and_the_figure_a_legend(
    explorer: Explorer,
) -> None:
    for axes in explorer.figure.axes:
        assert axes.get_ylabel()
        assert axes.get_title(loc="left")
    assert explorer.figure.axes[-1].get_xlabel()
    assert explorer.figure.legends or all(axes.get_legend() for axes in explorer.figure.axes)


def test_the_same_explorer_twice_gives_the_same_bytes(
    request: pytest.FixtureRequest, explorer: Explorer
) -> None:
    again = EXPLORERS[request.node.callspec.params["explorer"]][0]()
    assert (again.png, again.text, again.model) == (explorer.png, explorer.text, explorer.model)


def test_moving_there_and_back_leaves_no_trace(explorer: Explorer, moves: dict[str, Any]) -> None:
    before = explorer.png
    start = {name: control.value for name, control in explorer.controls.items()}
    explorer.set(**moves)
    explorer.set(**start)
    assert explorer.png == before


def test_the_picture_is_what_matplotlib_draws_afresh(
    explorer: Explorer, moves: dict[str, Any]
) -> None:
    explorer.set(**moves)
    for artist in explorer.artists.values():
        artist.set_animated(False)
    canvas = FigureCanvasAgg(explorer.figure)
    canvas.draw()
    afresh = np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)
    # What moves lies over frame and ticks, not under them: a pixel here and there.
    assert (np.abs(pixels(explorer.png) - afresh).max(axis=2) > 8).mean() < 0.002


def test_a_move_changes_artists_and_adds_none(explorer: Explorer, moves: dict[str, Any]) -> None:
    before = len(explorer.figure.findobj())
    explorer.set(**moves)
    assert len(explorer.figure.findobj()) == before


# --- the base ------------------------------------------------------------------------------------


def test_an_explorer_is_its_controls_its_text_and_its_picture() -> None:
    explorer = small_explorer()
    control, readout, picture = explorer.children
    assert control is explorer.controls["place"]
    assert explorer.text == "at 5 cm"
    assert ">at 5 cm<" in readout.value
    assert bytes(picture.value) == explorer.png


def test_setting_a_control_as_the_browser_does_moves_everything() -> None:
    explorer = small_explorer()
    before = explorer.png
    explorer.controls["place"].value = 7
    assert explorer.model == {"place": 7}
    assert ">at 7 cm<" in explorer.children[1].value
    assert explorer.png != before


def test_the_text_cannot_carry_markup() -> None:
    figure = blank_figure(1)
    explorer = Explorer(
        figure, {}, {"size": slider("Size (m)", 0, 9, 1, 3)}, lambda size: {}, lambda _: "<b> & co"
    )
    assert ">&lt;b&gt; &amp; co<" in explorer.children[1].value
    assert explorer.text == "<b> & co"


def test_set_returns_the_model() -> None:
    assert small_explorer().set(place=2) == {"place": 2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"palce": 3}, "there is no control 'palce'; give place"),
        ({"place": 11}, r"'Place \(cm\)' cannot be 11; give a number from 0 to 10"),
        ({"place": "far"}, r"'Place \(cm\)' cannot be 'far'; give a number from 0 to 10"),
    ],
)
def test_a_value_that_a_control_cannot_have_is_an_error_and_changes_nothing(
    values: dict[str, Any], message: str
) -> None:
    explorer = small_explorer()
    with pytest.raises(ValueError, match=message):
        explorer.set(**values)
    assert explorer.model == {"place": 5}


def test_a_choice_that_is_not_there_is_an_error_that_names_the_choices() -> None:
    explorer = two_or_three()
    with pytest.raises(ValueError, match="'Number' cannot be 4; give one of 2, 3"):
        explorer.set(number=4)
    assert explorer.model == {"number": 2}


def two_or_three() -> Explorer:
    control = choice("Number", {"two": 2, "three": 3}, 2)
    return Explorer(
        blank_figure(1), {}, {"number": control}, lambda number: {"number": number}, str
    )


def test_a_slider_of_whole_numbers_gives_whole_numbers_and_one_of_halves_shows_them() -> None:
    assert type(slider("Length (m)", 1, 9, 1, 3).value) is int
    assert slider("Length (m)", 0, 9, 0.5, 3).readout_format == ".1f"
    assert slider("Length (m)", 0, 1, 0.001, 0.5).readout_format == ".3f"


def test_without_a_kernel_it_shows_the_picture_and_one_line_of_text() -> None:
    data, metadata = small_explorer()._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png"}
    assert data["text/plain"] == "at 5 cm"
    assert data["image/png"].startswith("iVBORw0KGgo")  # a PNG in base 64
    assert metadata["image/png"] == {"width": 200, "height": 100, "alt": "at 5 cm"}


class LoudComm(comm.base_comm.BaseComm):  # type: ignore[misc]
    """A connection to a front end that remembers what was sent."""

    sent: list[tuple[Any, Any]] = []  # noqa: RUF012

    def publish_msg(self, msg_type: str, data: Any = None, **rest: Any) -> None:
        self.sent.append((data, rest.get("buffers")))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, Any]]]:
    monkeypatch.setattr(comm, "create_comm", LoudComm)
    LoudComm.sent.clear()
    yield LoudComm.sent
    LoudComm.sent.clear()


def test_with_a_kernel_the_live_widget_comes_along_and_nothing_else_is_random(
    sent: list[Any],
) -> None:
    explorer = small_explorer()
    data, _ = explorer._repr_mimebundle_()
    assert data.pop(WIDGET_VIEW)["model_id"] == explorer.model_id
    again, _ = small_explorer()._repr_mimebundle_()
    del again[WIDGET_VIEW]
    assert data == again


def test_a_move_sends_one_picture_and_one_text(sent: list[Any]) -> None:
    explorer = small_explorer()
    sent.clear()
    explorer.controls["place"].value = 6
    pictures = [buffers for _, buffers in sent if buffers]
    texts = [
        data["state"]["value"]
        for data, _ in sent
        if isinstance(data.get("state", {}).get("value"), str)
    ]
    assert [[bytes(buffer) for buffer in buffers] for buffers in pictures] == [[explorer.png]]
    assert len(texts) == 1
    assert "at 6 cm" in texts[0]


def test_after_500_moves_there_are_no_more_figures_and_no_more_memory_than_after_5() -> None:
    explorer = small_explorer()

    def move(times: int) -> None:
        for number in range(times):
            explorer.controls["place"].value = number % 10

    move(5)
    gc.collect()
    figures = sum(isinstance(thing, Figure) for thing in gc.get_objects())
    tracemalloc.start()
    move(5)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    move(495)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 300_000  # a picture kept at each move would be several times that
    assert sum(isinstance(thing, Figure) for thing in gc.get_objects()) == figures


def test_the_explorers_never_load_pyplot() -> None:
    code = (
        "import oncall.workbook.lessons.two_budgets, sys; print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300),
    st.integers(1, 40),
)
def test_an_envelope_loses_no_spike_and_stays_within_two_points_a_pixel(
    values: list[float], width: int
) -> None:
    y = np.array(values)
    x, kept = envelope(np.arange(len(y)), y, width)
    assert len(x) == len(kept) <= max(2 * width, 2)
    if np.isnan(y).all():
        assert np.isnan(kept).all()
    else:
        assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(y), np.nanmax(y))


def test_an_envelope_breaks_only_where_a_whole_pixel_is_missing() -> None:
    y = np.array([1.0, np.nan, 4.0, np.nan, np.nan, np.nan, 2.0, 3.0, 2.5])
    x, kept = envelope(np.arange(9), y, 3)
    assert x.tolist() == [0, 0, 3, 3, 6, 6]
    np.testing.assert_array_equal(kept, [1, 4, np.nan, np.nan, 2, 3])


# --- 01: two budgets -----------------------------------------------------------------------------


def test_half_an_hour_costs_the_same_share_of_minutes_whenever_it_strikes() -> None:
    day = ordinary_day()
    costs = [outage_cost(day, hour * HOUR, 30 * MINUTE).by_minutes for hour in range(24)]
    assert costs == pytest.approx([30 / 43.2] * 24)


def test_counting_requests_the_afternoon_costs_three_times_the_night() -> None:
    day = ordinary_day()
    night, noon = (outage_cost(day, hour * HOUR, 30 * MINUTE).by_requests for hour in (4, 15))
    assert night < 30 / 43.2 < noon
    assert noon / night == pytest.approx(3.2, abs=0.1)


def test_the_requests_of_all_24_hours_together_cost_what_their_minutes_cost() -> None:
    day = ordinary_day()
    costs = [outage_cost(day, hour * HOUR, HOUR) for hour in range(24)]
    assert sum(cost.failed for cost in costs) == sum(day.total)
    assert sum(cost.by_requests for cost in costs) == pytest.approx(
        sum(cost.by_minutes for cost in costs)
    )


def test_an_outage_of_the_whole_budget_spends_all_of_it() -> None:
    even = Counts(datetime(2025, 3, 5, tzinfo=UTC), MINUTE, [10] * 1440, [10] * 1440)
    cost = outage_cost(even, timedelta(), 432 * MINUTE, SLO("availability", 0.99))
    assert (cost.by_requests, cost.by_minutes) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(
    ("start", "length"), [(-HOUR, HOUR), (23 * HOUR, 2 * HOUR), (24 * HOUR, MINUTE)]
)
def test_an_outage_outside_the_day_is_an_error(start: timedelta, length: timedelta) -> None:
    with pytest.raises(ValueError, match="the outage must lie within the day"):
        outage_cost(ordinary_day(), start, length)


def test_an_ordinary_day_has_600_requests_a_minute_on_average() -> None:
    day = ordinary_day()
    assert (len(day), day.good) == (1440, day.total)
    assert sum(day.total) / 1440 == pytest.approx(600, abs=0.1)


def test_two_budgets_shows_what_outage_cost_says() -> None:
    explorer, day = two_budgets(), ordinary_day()
    for hour, minutes in ((0, 1), (4, 30), (23, 60)):
        cost = outage_cost(day, hour * HOUR, minutes * MINUTE)
        assert explorer.set(hour=hour, minutes=minutes) == {
            "hour": hour,
            "minutes": minutes,
            "failed": cost.failed,
            "by_requests": round(cost.by_requests, 4),
            "by_minutes": round(cost.by_minutes, 4),
        }


def test_two_budgets_draws_the_cost_at_every_hour_and_marks_this_outage() -> None:
    explorer, day = two_budgets(), ordinary_day()
    explorer.set(hour=15, minutes=45)
    curve = dict(zip(*explorer.artists["by_requests"].get_data(), strict=True))
    for hour in range(24):
        assert curve[hour] == pytest.approx(
            100 * outage_cost(day, hour * HOUR, 45 * MINUTE).by_requests
        )
    here = outage_cost(day, 15 * HOUR, 45 * MINUTE)
    assert explorer.artists["by_minutes"].get_ydata() == pytest.approx([100 * here.by_minutes] * 2)
    assert explorer.artists["dots"].get_ydata() == pytest.approx(
        [100 * here.by_requests, 100 * here.by_minutes]
    )
    assert (explorer.artists["span"].get_x(), explorer.artists["span"].get_width()) == (15, 0.75)


def test_two_budgets_fits_its_axes_at_every_setting() -> None:
    cost = two_budgets()
    cost.set(hour=15, minutes=60)
    low, high = cost.figure.axes[1].get_ylim()
    assert low <= 0 < cost.artists["by_requests"].get_ydata().max() < high


# --- 02: window and target -----------------------------------------------------------------------


def test_an_hour_of_the_bundled_month_at_three_nines() -> None:
    assert month_explorer().model == {
        "window_minutes": 60,
        "target": 0.999,
        "threshold": 14.4,
        "total_outage_burn": 1000.0,
        "highest_burn": 294.41,
        "highest_at": "2025-03-11T00:48:00Z",
        "hours_to_empty": 2.45,
        "times_above": 8,
        "minutes_above": 902,
    }


def test_at_90_percent_even_a_total_outage_does_not_reach_the_threshold() -> None:
    counts = Counts(datetime(2025, 3, 1, tzinfo=UTC), MINUTE, [10] * 60 + [0] * 30, [10] * 90)
    model = window_and_target(counts).set(target=0.9, window=5 * MINUTE)
    assert (model["total_outage_burn"], model["highest_burn"], model["times_above"]) == (10, 10, 0)


@pytest.mark.parametrize(
    ("window", "target"), [(5 * MINUTE, 0.999), (HOUR, 0.999), (6 * HOUR, 0.9995)]
)
def test_what_is_above_the_threshold_is_what_the_alert_evaluator_fires(
    window: timedelta, target: float
) -> None:
    part = month().slice(MONTH.start + 9 * DAY, MONTH.start + 13 * DAY)
    slo = SLO("availability", target)
    fired = alert_intervals(part, slo, (BurnRule(window, window, 14.4),))
    model = window_and_target(part).set(window=window, target=target)
    assert model["times_above"] == len(fired)
    assert model["minutes_above"] == sum(
        ((alert.end or part.end) - alert.start) // MINUTE for alert in fired
    )


def test_an_alert_firing_at_the_end_of_the_data_counts_to_the_end() -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    counts = Counts(start, MINUTE, [10] * 60 + [0] * 30, [10] * 90)
    model = window_and_target(counts).set(window=5 * MINUTE, target=0.99)
    assert (model["times_above"], model["minutes_above"], model["highest_at"]) == (
        1,
        29,
        "2025-03-01T01:05:00Z",
    )


def test_a_month_without_a_failure_lasts_for_ever() -> None:
    explorer = window_and_target(
        Counts(datetime(2025, 3, 1, tzinfo=UTC), MINUTE, [5] * 400, [5] * 400)
    )
    assert (explorer.model["highest_burn"], explorer.model["hours_to_empty"]) == (0, None)
    assert "lasts for ever" in explorer.text


def test_counts_without_events_are_an_error() -> None:
    with pytest.raises(ValueError, match="hold no events"):
        window_and_target(Counts(datetime(2025, 3, 1, tzinfo=UTC), MINUTE, [0] * 60, [0] * 60))


def test_the_drawn_curve_keeps_the_highest_burn_and_is_red_where_it_is_above() -> None:
    explorer = month_explorer()
    series = windowed_burn(month(), THREE_NINES, HOUR)
    assert explorer.artists["burn"].get_ydata().max() == np.nanmax(series.burn)
    red = explorer.artists["above"].get_ydata()
    assert np.nanmin(red) > 14.4
    assert np.nanmax(red) == np.nanmax(series.burn)
    assert explorer.artists["most"].get_ydata() == pytest.approx([1000, 1000])


def test_the_spans_of_the_incidents_are_shaded() -> None:
    axes = month_explorer().figure.axes[0]
    assert len(axes.patches) == len(MONTH.labels())
    assert [patch.get_label() for patch in axes.patches][:2] == ["something is broken", ""]
