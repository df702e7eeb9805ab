"""What the cockpit shows: its header, its line, its journal, and its picture."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from cockpit_shifts import END, FUMBLED, GOOD, OUTAGE, TWO, cockpit_after, html, to_the_page, until
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from oncall.gameday.causes import SLOS
from oncall.gameday.script import ScriptLine
from oncall.telemetry.engine import alert_intervals
from oncall.times import HOUR, MINUTE
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.panes import journal_lines
from oncall.workbook.cockpit.picture import (
    BAR_OF_STATE,
    BAR_STYLES,
    VIEWS,
    LivePlot,
    Scene,
    mitigation_spans,
)
from oncall.workbook.plots.base import styled


@pytest.fixture
def cockpit() -> Cockpit:
    return to_the_page()


@pytest.fixture(scope="module")
def whole() -> Cockpit:
    """A shift played well, to its end."""
    return cockpit_after(OUTAGE, *GOOD, END)


# --- in words ------------------------------------------------------------------------------------


def test_the_model_is_the_header_in_plain_numbers(cockpit: Cockpit) -> None:
    assert cockpit.model == {
        "time": "18:30",
        "minute": 150,
        "sli": 0.4991,
        "burn": 14.99,
        "spent": cockpit.model["spent"],
        "incident": "INC-001",
        "state": "detected",
        "severity": "sev1",
        "paged": "ana",
        "fires": "14.4x 1h/5m",
        "in_effect": "",
        "harmed": "",
        "update_due": False,
    }
    assert cockpit.model["spent"] == pytest.approx(0.03, abs=0.002)
    for what in ("18:30", "15.0x", "INC-001 detected, sev1", "ana", "14.4x 1h/5m"):
        assert what in html(cockpit)
    assert sli_rows(cockpit) == ["availability 49.9% 85.0% 99% low"]
    assert cockpit.text.startswith("18:30 UTC: SLI 49.9%, burn 15.0x over the last hour, 3.")
    assert cockpit.text.endswith(
        "of the budget spent; INC-001 is detected, sev1; paging: ana; fires: 14.4x 1h/5m."
    )


def sli_rows(cockpit: Cockpit) -> list[str]:
    """The rows of the table of SLIs, its cells parted by blanks."""
    table = html(cockpit).partition("</table>")[0]
    rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[2:])
    return [re.sub("<[^>]*>", "", " ".join(cells)).strip() for cells in rows]


def test_the_header_has_a_row_for_each_sli_that_is_watched() -> None:
    cockpit = cockpit_after("slow_first_token", until(0))
    assert [row.split()[0] for row in sli_rows(cockpit)] == [*SLOS]
    assert not any(row.endswith("low") for row in sli_rows(cockpit))
    while cockpit.desk.incident is None:
        cockpit.buttons["+15 min"].click()
    [low] = [row for row in sli_rows(cockpit) if row.endswith("low")]
    minute, hour = (cockpit.desk.service.sli_of("first_token", span) for span in (MINUTE, HOUR))
    assert low.startswith(f"first_token {minute:.1%} {hour:.1%} ")
    title = cockpit.plot.figure.get_suptitle()
    assert title.startswith("SLI, burn rate and incidents, first_token: ")


def test_a_second_incident_is_told_from_the_first_in_header_line_and_picture() -> None:
    cockpit = cockpit_after("two_incidents", *TWO[:4], until(147))
    names = [artist for name, artist in cockpit.plot.artists.items() if name.startswith("name ")]
    assert "Waits" not in html(cockpit)
    assert [name.get_text() for name in names] == ["", "", ""]
    cockpit.play([TWO[4]])
    for label, text in (
        ("Incident", "INC-002 detected, no severity: Declared by hand"),
        ("Waits", "INC-001 mitigated, sev1: availability burns its budget"),
    ):
        assert f'>{label}</span> <b class="">{text}' in html(cockpit)
    assert "waits: INC-001 mitigated, sev1" in cockpit.text
    assert [name.get_text() for name in names] == ["INC-001", "INC-002", ""]
    for number, name in enumerate(names[:2]):  # each in the middle of its row
        heights = [corner[1] for kind in BAR_OF_STATE.values() for corner in corners(cockpit, kind)]
        row = sorted(set(heights))[2 * number : 2 * number + 2]
        assert name.get_position()[1] == pytest.approx(sum(row) / 2)


def corners(cockpit: Cockpit, kind: str) -> list[tuple[float, float]]:
    """The corners of all bars of a kind, in the picture as it is now."""
    return [tuple(at) for path in cockpit.plot.artists[kind].get_paths() for at in path.vertices]


def test_what_people_type_is_shown_as_typed_and_never_as_markup(cockpit: Cockpit) -> None:
    cockpit.play([ScriptLine(150, "note", ("<b>&amp;</b>",))])
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in html(cockpit)
    assert "<b>&amp;" not in html(cockpit)


def test_the_journal_is_told_in_order_and_by_incident_where_there_are_two() -> None:
    cockpit = cockpit_after("two_incidents", *TWO)
    lines = journal_lines(cockpit.incidents)
    assert lines == sorted(lines, key=lambda line: line[:5])
    assert {line.split()[1] for line in lines} == {"INC-001", "INC-002"}
    assert not [line for line in lines if "measured" in line]


# --- as a picture --------------------------------------------------------------------------------


def test_the_scene_is_what_the_telemetry_and_the_journal_say(whole: Cockpit) -> None:
    desk = whole.desk
    shown = Scene(desk, "the whole shift")
    assert (shown.left, shown.right, shown.now) == (0, 480, 480)
    assert shown.ends[-1] == 480
    assert shown.sli[-1] == pytest.approx(desk.sli * 100)
    assert len(shown.sli) == len(shown.long) == len(shown.short) == 481
    [page] = alert_intervals(desk.service.counts, desk.scenario.slo, desk.policy)
    assert page.end is not None
    begin, end = ((at - desk.scenario.start) / MINUTE for at in (page.start, page.end))
    assert shown.alerts == [(begin, end, "page")]
    assert shown.impact == [(132, 171)]
    edges = [132, 150, 152, 153, 160, 171, 205, 251]
    assert [(begin, end) for begin, end, _ in shown.states[0]] == [*pairwise(edges)]
    assert shown.applied == [(160, 480), (164, 480), (168, 480)]
    assert (shown.acks, shown.triages) == ([(152, 0)], [(153, 0)])
    assert shown.updates == [(156, 0), (171, 0), (195, 0), (205, 0)]


def test_the_last_hours_end_now(cockpit: Cockpit) -> None:
    shown = Scene(cockpit.desk, "the last 2 hours")
    assert (shown.left, shown.now) == (30, 150)
    assert shown.x(shown.left) == 0
    assert 0.97 < shown.x(shown.now) < 1


def test_a_mitigation_is_in_effect_until_it_is_rolled_back() -> None:
    cockpit = cockpit_after(OUTAGE, *FUMBLED)
    undone, kept = mitigation_spans(cockpit.incidents)
    assert [f"{at:%H:%M}" for at in undone if at] == ["18:48", "18:49"]
    assert (f"{kept[0]:%H:%M}", kept[1]) == ("18:52", None)


def test_the_kinds_of_bars_are_told_apart_by_more_than_their_colour(cockpit: Cockpit) -> None:
    alike = ("page", "unanswered", "ticket", "worked on")
    legend = {text.get_text(): patch for patch, text in legend_of(cockpit)}
    assert len({legend[kind].get_hatch() for kind in alike}) == len(alike)
    for kind, style in BAR_STYLES.items():
        bars, patch = cockpit.plot.artists[kind], legend[kind]
        assert to_hex(bars.get_facecolor()[0]) == to_hex(patch.get_facecolor())
        assert to_hex(patch.get_facecolor()).upper() == style["facecolor"]
        assert bars.get_hatch() == patch.get_hatch() == style.get("hatch")


def test_no_letter_of_the_picture_is_small() -> None:
    cockpit = cockpit_after("two_incidents", *TWO, END)
    written = [text for text in cockpit.plot.figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in written) >= 8.5
    everything = cockpit.plot.figure.bbox
    for text in written:
        box = text.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= everything.x1, text.get_text()


def legend_of(cockpit: Cockpit) -> list[tuple[Any, Any]]:
    [legend] = cockpit.plot.figure.legends
    return list(zip(legend.legend_handles, legend.get_texts(), strict=True))


def test_each_kind_is_drawn_where_it_is_so() -> None:
    drawn = set()
    for cockpit in (cockpit_after("two_incidents", *TWO, END), cockpit_after("slow_burn", END)):
        shown = Scene(cockpit.desk, "the whole shift")
        for kind in BAR_STYLES:
            bars = [bar for row in (*shown.states, shown.alerts) for bar in row if bar[2] == kind]
            assert len(cockpit.plot.artists[kind].get_paths()) == len(bars)
            drawn |= {kind} if bars else set()
    assert drawn == set(BAR_STYLES)


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("view", VIEWS)
def test_the_picture_is_what_matplotlib_draws_afresh(view: str) -> None:
    cockpit = cockpit_after(OUTAGE, *GOOD[:8])  # through a change of the axes
    cockpit.inputs["view"].value = view
    kept = pixels(cockpit.png)
    plot = cockpit.plot
    for artist in plot.artists.values():
        artist.set_animated(False)
    with styled():
        canvas = FigureCanvasAgg(plot.figure)
        canvas.draw()
    fresh = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    # What moves lies over the dashes, the grid and the frame, not under them.
    assert (np.abs(kept - fresh).max(axis=2) > 8).mean() < 0.02


def parts(cockpit: Cockpit) -> int:
    """How much the figure and its axes hold; of an axis itself the ticks come and go."""
    figure = cockpit.plot.figure
    return sum(len(part.get_children()) for part in (figure, *figure.axes))


def test_nothing_is_added_to_the_figure_while_it_is_played() -> None:
    cockpit = cockpit_after("two_incidents", *TWO[:1])  # the axes have grown
    before = parts(cockpit)
    cockpit.play(TWO[1:])
    assert parts(cockpit) == before


def test_the_picture_moves_with_time_and_with_the_view(cockpit: Cockpit) -> None:
    seen = [cockpit.png]
    cockpit.buttons["+1 min"].click()
    seen.append(cockpit.png)
    cockpit.inputs["view"].value = "the whole shift"
    seen.append(cockpit.png)
    assert len(set(seen)) == 3


def test_an_action_redraws_in_less_time_than_the_same_plot_drawn_anew(cockpit: Cockpit) -> None:
    def took(do: Any) -> float:
        begin = perf_counter()
        do()
        return perf_counter() - begin

    def draw_anew() -> None:
        LivePlot(cockpit.desk).draw(cockpit.desk, "the last 2 hours")

    action = min(took(cockpit.buttons["+1 min"].click) for _ in range(5))
    anew = min(took(draw_anew) for _ in range(3))
    assert action < 0.8 * anew


def test_a_service_without_a_request_can_be_shown() -> None:
    cockpit = cockpit_after("silent_edge", ScriptLine(140, "look"))
    assert "availability no requests" in sli_rows(cockpit)[0]
    assert cockpit.model["sli"] is None
    cockpit.play([END])
    assert cockpit.over
