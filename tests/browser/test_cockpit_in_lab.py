"""The cockpit and its lesson in JupyterLab: run, played by clicks, in narrow windows, in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from lesson_code import NOTEBOOKS

from oncall import SCENARIOS
from oncall.catalogue import RUNBOOKS
from oncall.gameday.script import ScriptLine
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.cockpit.controls import BUTTONS, TIME
from oncall.workbook.cockpit.panes import journal_lines

if TYPE_CHECKING:
    from notebook_page import NotebookPage
    from playwright.sync_api import Locator

SCENARIO = "provider_outage"  # users feel it at 18:12, the page comes at 18:30

AT_WORK = ((152, "ack"), (153, "triage", ("sev1", "ana")), (154, "apply", ("fail_over",)))
AND_FORGETS = (*AT_WORK, (480, "end"))

IMPORTS = f"""\
from oncall import SCENARIOS
from oncall.gameday.script import ScriptLine
from oncall.gameday.actions import do
from oncall.workbook.cockpit import Cockpit

def cockpit_after(*script):
    cockpit = Cockpit(SCENARIOS[{SCENARIO!r}])
    cockpit.play(script)
    return cockpit

at_work = [ScriptLine(*line) for line in {AT_WORK!r}]"""

FRESH, BUSY, OVER, LIVE, REPLOTTED = 2, 3, 4, 5, 6  # the cells, from 1

# The same picture the usual way: every move is a minute at the desk, and draws a new figure.
REPLOT = """\
import matplotlib.pyplot as plt
from ipywidgets import IntSlider, VBox, interactive_output
from oncall.workbook.cockpit import picture
from oncall.workbook.plots.base import styled
from oncall.workbook.plots.explorer import EXPLORER_WIDTH
desk = cockpit_after(*at_work).desk

def replot(minute):
    do(desk, "wait", "1")
    shown = picture.Scene(desk, "the last 2 hours")
    with styled():
        axes = picture.build_axes(plt.figure(figsize=(EXPLORER_WIDTH, 2.8)), desk)
        picture.update_artists(picture.build_artists(axes), shown)
        picture.fit_axes(axes, shown)
        plt.show()

slider = IntSlider(0, 0, 100, description="Minute")
VBox([slider, interactive_output(replot, {"minute": slider})])"""

# A shift as it is played by clicks: the button, and what is put into which input before.
SHIFT: tuple[tuple[str, dict[str, str]], ...] = (
    *[("+15 min", {})] * 10,
    ("+1 min", {}),
    ("Acknowledge", {}),
    ("+1 min", {}),
    ("Triage", {"Severity": "sev1", "Roles": "ops=bo comms=chen"}),
    ("Look", {"Look at": "errors by upstream"}),
    ("Suspect", {"Cause": "provider_fails"}),
    ("Update users", {"Status": "investigating", "% hit": "50", "Text": "Half of you get none."}),
    ("Check 1", {"Runbook": RUNBOOKS["model_provider_outage"].title}),
    ("Apply", {"Mitigation": "fail_over", "Aim": "north"}),
    ("+5 min", {}),
    ("Apply", {"Mitigation": "serve_cached"}),
    ("+5 min", {}),
    ("Apply", {"Mitigation": "serve_degraded"}),
    ("+5 min", {}),
    ("Mitigated", {}),
    ("Update users", {"Status": "monitoring", "Text": "It works again, and we watch it."}),
    ("+15 min", {}),
    ("Next event", {}),
    ("+15 min", {}),
    ("+15 min", {}),
    ("Resolved", {}),
    ("Learn", {"Learnt": "factor", "Text": "All requests go to one provider."}),
    ("Learn", {"Learnt": "cause", "Text": "provider_fails"}),
    ("Rest of shift", {}),
)
WITHOUT_A_PICTURE = ("Learn", "Suspect")  # what is in the journal alone
# By label, the name of an input in the cockpit.
INPUTS = {
    "Severity": "severity",
    "Roles": "roles",
    "Look at": "reading",
    "Cause": "cause",
    "Status": "status",
    "% hit": "percent",
    "Text": "text",
    "Learnt": "kind",
    "Runbook": "symptom",
    "Mitigation": "mitigation",
    "Aim": "aim",
}

# How much wider a list is than what is chosen in it, its arrow included.
_ROOM = """list => {
    const style = getComputedStyle(list), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    return list.clientWidth - padding - pen.measureText(list.selectedOptions[0].label).width;
}"""


@pytest.fixture(scope="module")
def cockpits(read_for_all: Callable[..., NotebookPage]) -> NotebookPage:
    """A notebook of cockpits: at the start, at work, after the shift, and two to be timed."""
    at_work = "cockpit_after(*at_work)"
    over = 'cockpit_after(*at_work, ScriptLine(480, "end"))'
    opened = read_for_all(IMPORTS, "cockpit_after()", at_work, over, at_work, REPLOT)
    opened.run_all()
    return opened


def test_lesson_14_runs_from_top_to_end(read: Callable[..., NotebookPage], pictures: Path) -> None:
    opened = read(NOTEBOOKS / "14_full_shift.ipynb")
    opened.run_all()
    cockpit = opened.page.locator(".oncall-cockpit").first
    cockpit.scroll_into_view_if_needed()
    cockpit.locator("img").first.wait_for()
    opened.photograph(pictures / "lesson-10-cockpit.png")
    assert opened.new_errors() == []


@pytest.mark.parametrize(("cell", "when"), [(FRESH, "start"), (BUSY, "at-work"), (OVER, "over")])
def test_the_cockpit_fits_narrow_windows_and_zoom(
    cockpits: NotebookPage, pictures: Path, cell: int, when: str
) -> None:
    from notebook_page import SIZES, assert_legible, clipped

    root = cockpits.widget(cell)
    for width, zoom in SIZES:
        cockpits.resize(width, zoom)
        root.evaluate("root => root.scrollIntoView()")
        cockpits.photograph(pictures / f"cockpit-{when}-{width}-zoom-{zoom}.png")
        assert clipped(root) == []
        for picture in root.locator("img:visible").all():
            assert_legible(picture)
        if when == "over":
            root.locator(".oncall-score").evaluate("score => score.scrollIntoView()")
            cockpits.photograph(pictures / f"cockpit-score-{width}-zoom-{zoom}.png")
    cockpits.resize(1280)
    assert cockpits.new_errors() == []


def test_the_longest_title_of_a_runbook_is_not_cut_at_twice_the_size(
    cockpits: NotebookPage, pictures: Path
) -> None:
    runbooks = cockpits.widget(BUSY).get_by_label("Runbook", exact=True)
    title = max((runbook.title for runbook in RUNBOOKS.values()), key=len)
    before = runbooks.evaluate("list => list.selectedOptions[0].label")
    cockpits.resize(1280, 2)
    put(runbooks, title)
    runbooks.scroll_into_view_if_needed()
    cockpits.photograph(pictures / "cockpit-runbook-zoom-2.png")
    assert runbooks.evaluate(_ROOM) >= 0
    put(runbooks, before)
    cockpits.resize(1280)


def test_a_shift_is_played_by_clicks_and_every_click_is_seen(
    cockpits: NotebookPage, pictures: Path
) -> None:
    root, twin = cockpits.widget(FRESH), Cockpit(SCENARIOS[SCENARIO])
    assert {"Acknowledge", "Triage", "Apply", "Mitigated", "Resolved"}.isdisjoint(enabled(root))
    lines = [len(journal(root))]
    for name, inputs in SHIFT:
        for label, value in inputs.items():
            put(root.get_by_label(label, exact=True), value)
            choose(twin, label, value)
        if name in WITHOUT_A_PICTURE:
            button(root, name).click()
        else:
            cockpits.redraw(root, button(root, name).click)
        twin.buttons[name].click()
        eventually(lambda: journal(root), journal_lines(twin.incidents))
        can_be_pressed = {name for name in BUTTONS if not twin.buttons[name].disabled}
        eventually(lambda: enabled(root), can_be_pressed)
        assert f"{twin.model['time']} of 00:00 UTC" in root.locator(".facts").inner_text()
        lines.append(len(journal(root)))
    assert lines == sorted(lines)
    actions = [name for name, _ in SHIFT if BUTTONS[name][0] not in TIME]
    assert lines[-1] - lines[0] >= len(actions)
    over = {"+1 min", "+5 min", "+15 min", "Rest of shift", "Acknowledge", "Mitigated"}
    assert enabled(root).isdisjoint(over)
    eventually(lambda: scores(root), headings(twin))
    forgets = Cockpit(SCENARIOS[SCENARIO])
    forgets.play(ScriptLine(*line) for line in AND_FORGETS)
    eventually(lambda: scores(cockpits.widget(OVER)), headings(forgets))
    assert points(forgets) < points(twin)
    unfiled = points(twin)
    file_the_postmortem(root)
    twin.debrief.reviews["INC-001"].button.click()
    eventually(lambda: scores(root), headings(twin))
    assert points(twin) > unfiled
    cockpits.photograph(pictures / "cockpit-debrief.png")
    assert cockpits.new_errors() == []


def test_a_minute_in_the_cockpit_shows_new_pixels_in_at_most_0_8_of_the_time_of_a_replot(
    cockpits: NotebookPage, pictures: Path
) -> None:
    live: list[float] = []
    replotted: list[float] = []
    for _ in range(6):  # in turns, so that a busy moment of the machine meets both
        minute = button(cockpits.widget(LIVE), "+1 min")
        live += [cockpits.redraw(cockpits.widget(LIVE), minute.click)["after"] for _ in range(2)]
        moves = cockpits.move(REPLOTTED, "Minute", ["ArrowRight"] * 2)
        replotted += [move["after"] for move in moves]
    cockpits.photograph(pictures / "cockpit-latency.png")
    ours, theirs = (median(times[1:]) for times in (live, replotted))  # the first one warms up
    times = f"{ours:.0f} ms, re-plotted {theirs:.0f} ms, ratio {ours / theirs:.2f}"
    print(f"\nclick to new pixels: {times}")
    assert ours <= 0.8 * theirs
    assert cockpits.new_errors() == []


def file_the_postmortem(root: Locator) -> None:
    """Write something that blames, be told so, take it back, and file the rest."""
    review = root.locator(".oncall-review")
    editor, file = review.get_by_label("Postmortem"), button(review, "File the postmortem")
    blames = review.get_by_text("careless", exact=True)
    text = editor.input_value()
    assert blames.count() == 0
    editor.press("Control+End")
    editor.type("Bo was careless.")
    blames.wait_for()
    editor.fill(text)
    blames.wait_for(state="detached")
    file.click()
    eventually(file.is_enabled, False)


# --- what is seen of a cockpit -------------------------------------------------------------------


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def enabled(root: Locator) -> set[str]:
    """The buttons of the cockpit itself that can be pressed now."""
    texts = "all => all.filter(each => !each.disabled).map(each => each.textContent.trim())"
    return set(root.locator("button").evaluate_all(texts)) & set(BUTTONS)


def journal(root: Locator) -> list[str]:
    """The lines of the journal, as ``journal_lines`` has them."""
    texts = "lines => lines.map(line => [...line.children].map(part => part.textContent).join(' '))"
    lines: list[str] = root.locator(".oncall-timeline .line").evaluate_all(texts)
    return lines


def scores(root: Locator) -> list[str]:
    return root.locator(".oncall-score h4").all_text_contents()


def points(cockpit: Cockpit) -> int:
    return cockpit.score.points


def headings(cockpit: Cockpit) -> list[str]:
    """What stands above the score card."""
    theirs = cockpit.debrief.reference.score.points
    return [f"{points(cockpit)} of 100; the reference {theirs}"]


def choose(cockpit: Cockpit, label: str, value: str) -> None:
    """Put into a cockpit's own input what a reader chooses by what is written."""
    box = cockpit.inputs[INPUTS[label]]
    titles = {book.title: name for name, book in RUNBOOKS.items()}
    box.value = titles.get(value, value) if label == "Runbook" else value


def put(box: Locator, value: str) -> None:
    """Choose from a list, or type into a box."""
    if box.evaluate("box => box.localName") == "select":
        box.select_option(label=value)
    else:
        box.fill(value)
        box.press("Tab")


def eventually(get: Callable[[], Any], wanted: Any, seconds: float = 60) -> None:
    """Wait until something is as it should be; if that never comes, say what it is instead."""
    until = time.monotonic() + seconds
    while get() != wanted and time.monotonic() < until:
        time.sleep(0.02)
    assert get() == wanted
