"""Explorers: what moves and what must not, without a kernel, a browser or a look at pictures."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from oncall.counts import Counts, read_csv
from oncall.gameday.bundled import bundled_scenario
from oncall.times import HOUR
from oncall.workbook.lessons.adversary import adversary_explorer
from oncall.workbook.lessons.burn_rate import burn_rate_explorer
from oncall.workbook.lessons.card_deck import card_deck_explorer
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.lessons.frontier import Frontier, frontier, frontier_explorer
from oncall.workbook.lessons.ladder import ladder_explorer
from oncall.workbook.lessons.night import night_explorer, play_night, read_waves
from oncall.workbook.lessons.public_incidents import outages_explorer, read_public
from oncall.workbook.lessons.two_budgets import two_budgets_explorer
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, envelope, slider

MONTH = bundled_scenario("assistant_30d")

DATA = Path(__file__).parents[2] / "data"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def month() -> Counts:
    return read_csv(DATA / "assistant_30d.csv")


def of_the_month() -> Explorer:
    spans = [(incident.start, incident.end) for incident in MONTH.labels() if incident.end]
    return burn_rate_explorer(month(), spans)


def of_the_night() -> Explorer:
    return night_explorer(play_night(read_waves(DATA / "public_incidents.csv")))


def of_public_incidents() -> Explorer:
    return outages_explorer(read_public(DATA / "public_incidents.csv"))


@cache
def rules() -> Frontier:
    grid: dict[str, Any] = {"windows": (HOUR, 6 * HOUR), "factors": (6, 14.4)}
    return frontier(month(), MONTH.labels(), THREE_NINES, **grid)


# The explorers of sliders over curves, and a move of each of their controls. The blind-spot map,
# drawn anew under its contours, and the lint, which has a box of text, are tested in their lessons.
EXPLORERS: dict[str, tuple[Callable[[], Explorer], dict[str, Any]]] = {
    "night": (of_the_night, {"now": "01:00", "resolve": "00:30"}),
    "two budgets": (two_budgets_explorer, {"hour": 15, "minutes": 45}),
    "burn rate": (of_the_month, {"window": 6 * HOUR, "target": 0.99, "threshold": 3}),
    "adversary": (adversary_explorer, {"rules": 2, "every": 30, "seconds": 20, "percent": 40}),
    "public incidents": (of_public_incidents, {"interval": "first_update", "leave_out": 2}),
    "ladder": (
        ladder_explorer,
        {"ack": 12, "ack_timeout": 20, "ana": 9, "bo": 3, "chen": 20, "repeat": 1},
    ),
    "card deck": (
        card_deck_explorer,
        {
            "first": "hedge_requests",
            "second": "serve_degraded",
            "third": "fail_over",
            "target": 0.99,
            "responder": "trusts",
        },
    ),
    "frontier": (lambda: frontier_explorer(rules()), {"window": 6 * HOUR, "factor": 6.0}),
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

    def update(length: int) -> Model:
        dot.set_xdata([length])
        return {"length": length}

    controls = {"length": slider("Length (cm)", 0, 10, 1, 5)}
    return Explorer(figure, {"dot": dot}, controls, update, "{length} cm".format_map)


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


# --- every explorer ------------------------------------------------------------------------------


def test_every_control_has_a_move_here_that_changes_model_text_and_picture(
    explorer: Explorer, moves: dict[str, Any]
) -> None:
    assert set(moves) == set(explorer.controls)
    for name, value in moves.items():
        model, text, png = explorer.model, explorer.text, explorer.png
        explorer.set(**{name: value})
        assert explorer.model != model
        assert explorer.text != text
        assert explorer.png != png


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
        width = float(control.style.description_width.removesuffix("ch"))
        assert width > 0.8 * len(control.description)
        assert getattr(control, "continuous_update", True)


def test_every_axes_has_labels_and_a_title_and_the_figure_a_legend(explorer: Explorer) -> None:
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
    assert control is explorer.controls["length"]
    assert explorer.text == "5 cm"
    assert ">5 cm<" in readout.value
    assert bytes(picture.value) == explorer.png


def test_setting_a_control_as_the_browser_does_moves_everything() -> None:
    explorer = small_explorer()
    before = explorer.png
    explorer.controls["length"].value = 7
    assert explorer.model == {"length": 7}
    assert ">7 cm<" in explorer.children[1].value
    assert explorer.png != before


def test_the_text_cannot_carry_markup() -> None:
    controls = {"size": slider("Size (m)", 0, 9, 1, 3)}
    explorer = Explorer(blank_figure(1), {}, controls, lambda size: {}, lambda _: "<b> & co")
    assert ">&lt;b&gt; &amp; co<" in explorer.children[1].value
    assert explorer.text == "<b> & co"


def test_set_returns_the_model() -> None:
    assert small_explorer().set(length=2) == {"length": 2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lenght": 3}, "there is no control 'lenght'; give length"),
        ({"length": 11}, r"'Length \(cm\)' cannot be 11; give a number from 0 to 10"),
        ({"length": "far"}, r"'Length \(cm\)' cannot be 'far'; give a number from 0 to 10"),
    ],
)
def test_a_value_that_a_control_cannot_have_is_an_error_and_changes_nothing(
    values: dict[str, Any], message: str
) -> None:
    explorer = small_explorer()
    with pytest.raises(ValueError, match=message):
        explorer.set(**values)
    assert explorer.model == {"length": 5}


def test_a_choice_that_is_not_there_is_an_error_that_names_the_choices() -> None:
    explorer = two_or_three()
    with pytest.raises(ValueError, match="'Number' cannot be 4; give one of 2, 3"):
        explorer.set(number=4)
    assert explorer.model == {"number": 2}


def two_or_three() -> Explorer:
    def update(number: int) -> Model:
        return {"number": number}

    controls = {"number": choice("Number", {"two": 2, "three": 3}, 2)}
    return Explorer(blank_figure(1), {}, controls, update, str)


def test_a_slider_of_whole_numbers_gives_whole_numbers_and_one_of_halves_shows_them() -> None:
    assert type(slider("Length (m)", 1, 9, 1, 3).value) is int
    assert slider("Length (m)", 0, 9, 0.5, 3).readout_format == ".1f"
    assert slider("Length (m)", 0, 1, 0.001, 0.5).readout_format == ".3f"


def test_without_a_kernel_it_shows_the_picture_and_one_line_of_text() -> None:
    data, metadata = small_explorer()._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png"}
    assert data["text/plain"] == "5 cm"
    assert data["image/png"].startswith("iVBORw0KGgo")  # a PNG in base 64
    assert metadata["image/png"] == {"width": 200, "height": 100, "alt": "5 cm"}


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
    explorer.controls["length"].value = 6
    pictures = [buffers for _, buffers in sent if buffers]
    values = [data.get("state", {}).get("value") for data, _ in sent]
    texts = [value for value in values if isinstance(value, str)]
    assert [[bytes(buffer) for buffer in buffers] for buffers in pictures] == [[explorer.png]]
    assert len(texts) == 1
    assert "6 cm" in texts[0]


def test_after_500_moves_there_are_no_more_figures_and_no_more_memory_than_after_5() -> None:
    explorer = small_explorer()

    def move(times: int) -> None:
        for number in range(times):
            explorer.controls["length"].value = number % 10

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
    imports = "import sys, oncall.workbook.lessons.burn_rate, oncall.workbook.lessons.two_budgets"
    code = f"{imports}; print('matplotlib.pyplot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@examples(60)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300),
    st.integers(1, 40),
)
def test_an_envelope_loses_no_spike_and_stays_within_two_points_a_pixel(
    values: list[float], width: int
) -> None:
    y = np.array(values)
    x, drawn = envelope(np.arange(len(y)), y, width)
    assert len(x) == len(drawn) <= max(2 * width, 2)
    if np.isnan(y).all():
        assert np.isnan(drawn).all()
    else:
        assert (np.nanmin(drawn), np.nanmax(drawn)) == (np.nanmin(y), np.nanmax(y))


def test_an_envelope_breaks_only_where_a_whole_pixel_is_missing() -> None:
    y = np.array([1.0, np.nan, 4.0, np.nan, np.nan, np.nan, 2.0, 3.0, 2.5])
    x, drawn = envelope(np.arange(9), y, 3)
    assert x.tolist() == [0, 0, 3, 3, 6, 6]
    np.testing.assert_array_equal(drawn, [1, 4, np.nan, np.nan, 2, 3])


# --- what it would show --------------------------------------------------------------------------


def test_what_an_explorer_would_show_is_what_it_shows_once_moved(
    explorer: Explorer, moves: dict[str, Any]
) -> None:
    before = (explorer.text, explorer.png, dict(explorer.model))
    snapshot = explorer.at(**moves)
    assert (explorer.text, explorer.png, explorer.model) == before
    assert [control.value for control in explorer.controls.values()] != list(moves.values())
    explorer.set(**moves)
    assert (snapshot.text, snapshot.png, snapshot.model) == (
        explorer.text,
        explorer.png,
        explorer.model,
    )
    assert repr(snapshot) == explorer.text


def test_a_control_that_is_not_there_and_a_value_it_cannot_have_are_refused(
    explorer: Explorer,
) -> None:
    for ask in (explorer.at, explorer.set):
        with pytest.raises(ValueError, match="there is no control 'colour'; give "):
            ask(colour=3)
        for name in explorer.controls:
            for value in ("25:00", None, -1, [1]):
                with pytest.raises(ValueError, match=r" cannot be .*; give ") as refusal:
                    ask(**{name: value})
                assert len(str(refusal.value)) < 600
