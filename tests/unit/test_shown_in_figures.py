"""Figures: what somebody typed is drawn as it was typed, and no dollar makes mathematics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from incident_verbs import after
from matplotlib.figure import Figure
from matplotlib.text import Text
from odd_texts import ODD_TEXTS

from oncall.alerting import google_policy
from oncall.gameday import SCENARIOS
from oncall.gameday.script import ScriptLine
from oncall.gameday.shift import run_shift
from oncall.slo import SLO
from oncall.times import HOUR
from oncall.workbook.cockpit import Cockpit
from oncall.workbook.plots import plot_burn, plot_timeline

TYPED = {
    name: text
    for name, text in ODD_TEXTS.items()
    if "\n" not in text and not name.startswith(("long", "terminal", "nothing", "half"))
}
EVERY = pytest.mark.parametrize("text", TYPED.values(), ids=TYPED)


def texts(figure: Figure) -> Iterator[Text]:
    """The texts of a figure that are drawn, after it was drawn."""
    figure.canvas.draw()
    return (text for text in figure.findobj(Text) if text.get_text().strip())


def shows(figure: Figure, typed: str) -> bool:
    found = [text for text in texts(figure) if typed in text.get_text()]
    return bool(found) and not any(text.get_parse_math() for text in found)


@EVERY
def test_a_timeline_shows_its_title_as_it_was_typed(text: str) -> None:
    incident = replace(after("detect acknowledge triage"), title=text)
    assert shows(plot_timeline(incident).figure, text)


@pytest.mark.parametrize("name", ["broken mathematics", "path", "mathematics", "script", "percent"])
def test_the_cockpit_draws_what_was_typed_and_goes_on(name: str) -> None:
    text = TYPED[name]
    scenario = SCENARIOS["provider_outage"]
    fault = replace(scenario.faults[0], title=text)
    slo = replace(scenario.slo, name=text)
    scenario = replace(scenario, title=text, name=text, slo=slo, faults=(fault,))
    cockpit = Cockpit(scenario, seed=1)
    cockpit.play([ScriptLine(160, "look"), ScriptLine(170, "note", tuple(text.split()))])
    assert cockpit.png
    assert shows(cockpit.plot.figure, text)
    assert not [drawn for drawn in texts(cockpit.plot.figure) if drawn.get_parse_math()]
    cockpit.play([ScriptLine(480, "end")])
    assert cockpit.score_card().png()


def test_no_axis_is_labelled_in_mathematics() -> None:
    scenario = SCENARIOS["provider_outage"]
    slo = SLO("$a$ and $b$", 0.99)
    counts = run_shift(scenario, 1, lambda desk: desk.advance(4 * HOUR)).counts
    figure = plot_burn(counts, slo, google_policy()).figure
    assert not [text.get_text() for text in texts(figure) if "mathdefault" in text.get_text()]
