"""The cockpit: a shift on call by buttons, with its picture, runbook, journal and debrief.

Each button does what the same word does in ``oncall drill``; nothing is done that is not allowed.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from comm import DummyComm
from ipywidgets import HTML, HBox, Image, VBox
from traitlets import TraitError

from oncall.catalogue import symptom_of
from oncall.files import write_text
from oncall.gameday import Desk, Score, Shift
from oncall.gameday.actions import check_action, do, unaliased
from oncall.gameday.script import ScriptLine
from oncall.incident import Incident
from oncall.postmortem import draft_postmortem
from oncall.scenario import Scenario
from oncall.slo import burn_rate
from oncall.times import HOUR, MINUTE
from oncall.workbook.cockpit import panes
from oncall.workbook.cockpit.controls import PANE, TIME, Controls
from oncall.workbook.cockpit.debrief import Debrief, plot_responses
from oncall.workbook.cockpit.picture import LivePlot
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.explorer import Model

KEPT = 3  # readings that stay to be compared


_HINT = "give one of oncall.SCENARIOS, such as SCENARIOS['provider_outage']"


class Cockpit(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A shift to play: what is seen, what can be done now, and in the end how well it was done.

    ``play`` presses the same buttons from a script. ``model`` holds the plain numbers of the
    header, ``script`` what was done so far. Without a kernel it shows the picture and one line.
    """

    def __init__(self, scenario: Scenario, seed: int = 1):
        if not isinstance(scenario, Scenario):
            raise TypeError(f"a cockpit needs a Scenario, given {scenario!r:.40}; {_HINT}")
        self.desk, self.seed = Desk(scenario, seed), seed
        until = f"{self.desk.ends:%H:%M} UTC"
        self.said = f"You are on call until {until}. Time passes by what you do."
        self._done: list[ScriptLine] = []
        self._readings: list[str] = []
        self._playing = self._ended = False
        self._controls = Controls(self.desk, self._press)
        self.inputs, self.buttons = self._controls.inputs, self._controls.buttons
        self.debrief = Debrief(scenario, seed, self._file)
        self.plot = LivePlot(self.desk)
        super().__init__(self._lay_out())
        self.add_class("oncall-cockpit")
        self.buttons["Debrief"].on_click(lambda _: self._debrief())
        self.inputs["view"].observe(lambda _: self._draw(), "value")
        self._show()

    # --- what can be read

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The journals so far."""
        return tuple(self.desk.incidents)

    @property
    def shift(self) -> Shift:
        """The shift so far, as ``run_shift`` returns a whole one."""
        return Shift(self.desk.scenario, self.seed, self.desk.service.counts, self.incidents)

    @property
    def over(self) -> bool:
        """Whether the shift has come to its end."""
        return self.desk.now >= self.desk.ends

    @property
    def script(self) -> tuple[ScriptLine, ...]:
        """What was done so far and when; ``play`` plays it again, and from a file the drill does.

        Time that passed after the last action is its last line. What was refused is left out.
        """
        minute = self._minute()
        if minute <= (self._done[-1].minute if self._done else 0):
            return tuple(self._done)
        last = ScriptLine(minute, "end") if self.over else ScriptLine(minute, "wait", ("0",))
        return (*self._done, last)

    @property
    def model(self) -> Model:
        """The numbers of the header; ``None`` where there is none."""
        desk, incident = self.desk, self.desk.incident
        burn = burn_rate(desk.service.sli_over(HOUR), desk.slo)
        return {
            "time": f"{desk.now:%H:%M}",
            "minute": self._minute(),
            "sli": None if math.isnan(desk.sli) else round(desk.sli, 4),
            "burn": None if math.isnan(burn) else round(burn, 2),
            "spent": round(desk.service.spent, 5),
            "incident": incident.id if incident else None,
            "state": incident.state if incident else None,
            "severity": incident.severity if incident else None,
            "paged": panes.paged_now(desk),
            "fires": ", ".join(rule.name for rule in desk.firing),
            "in_effect": ", ".join(desk.applied),
            "harmed": ", ".join(desk.harmed),
            "update_due": desk.update_due,
        }

    @property
    def text(self) -> str:
        """What is seen, in one line."""
        desk, incident = self.desk, self.desk.incident
        now = f"{desk.now:%H:%M} UTC: {panes.sli_label(desk)}, {panes.burn_text(desk)}"
        state = "no incident is open"
        if incident:
            state = f"{incident.id} is {incident.state}, {incident.severity or 'no severity yet'}"
        facts = {
            "waits": "; ".join(panes.open_incidents(desk)[1:]),
            "paging": panes.paged_now(desk),
            "fires": ", ".join(rule.name for rule in desk.firing),
            "in effect": ", ".join(desk.applied),
        }
        more = "".join(f"; {name}: {fact}" for name, fact in facts.items() if fact)
        spent = f"{self.model['spent']:.2%} of the budget spent"
        return f"{now} over the last hour, {spent}; {state}{more}."

    @property
    def score(self) -> Score:
        """The score of the shift, once that is over."""
        self._check_over()
        return self.shift.score

    @property
    def png(self) -> bytes:
        """The picture as it is now, as a PNG file."""
        return bytes(self._picture.value)

    def still(self) -> Still:
        """The picture and the line as they are now, which stay so while the shift goes on."""
        return Still(self.png, self.text, int(self._picture.width), int(self._picture.height))

    def score_card(self) -> Plot:
        """The shift beside the reference's, as a picture and a line, once it is over."""
        self._check_over()
        return plot_responses(self.shift, self.debrief.reference)

    # --- what can be done

    def play(self, script: Iterable[ScriptLine]) -> tuple[str, ...]:
        """Press the buttons of a script, each at its minute or as soon as that is past.

        Returns what came of each. It is the shift that ``scripted`` plays: what is not allowed
        changes nothing, and the script goes on. Lines that are not in the order of their minutes
        are a ``ValueError``, and nothing of them is played.
        """
        script = tuple(script)
        for before, line in pairwise(script):
            if line.minute < before.minute:
                late = f"minute {line.minute} stands after minute {before.minute}"
                raise ValueError(f"{late}; put the lines in the order of their minutes")
        replies, self._playing = [], True
        try:
            for line in script:
                self._pass(line.minute - self._minute())
                at = self.desk.now
                self._say(line.action, *line.words)
                replies.append(f"{at:%H:%M} {line.action}: {self.said}")
        finally:
            self._playing = False
        self._settle()
        return tuple(replies)

    def save(self, path: str | Path) -> None:
        """Write ``script`` to a file for ``read_script`` and the drill, one action per line."""
        entries = [[line.minute, line.action, *line.words] for line in self.script]
        lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
        write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")

    def _check_over(self) -> None:
        """Refuse what would tell of the hours still to come."""
        if not self.over:
            ends = f"{self.desk.ends:%H:%M}"
            raise ValueError(f"the shift is not over; it can be scored at {ends}, play until then")

    def _minute(self) -> int:
        return (self.desk.now - self.desk.scenario.start) // MINUTE

    def _pass(self, minutes: int) -> None:
        """Press +15, +5 and +1 until the minutes have passed or the shift is over.

        A page ends what was pressed early, so what is left is read from the clock.
        """
        until = min(self.desk.now + minutes * MINUTE, self.desk.ends)
        while self.desk.now < until:
            left = (until - self.desk.now) // MINUTE
            step = next(step for step in (15, 5, 1) if step <= left)
            self.buttons[f"+{step} min"].click()

    def _say(self, action: str, *words: str) -> None:
        """Set the inputs and press the button; what those cannot say goes straight to the desk."""
        try:
            check_action(action, *words)
            button = self._controls.set(action, words, self._symptom())
        except (ValueError, TraitError, LookupError):  # refused there too, with the reason
            self._do(action, *words)
        else:
            button.click()

    def _symptom(self) -> str:
        """The symptom of the cause suspected in the incident at hand, else ``unknown``."""
        incident = self.desk.incident
        return symptom_of(incident.cause, incident.symptom) if incident else "unknown"

    # --- what a button does

    def _press(self, button: str) -> None:
        try:
            action, *words = self._controls.words(button, self._symptom())
        except ValueError as error:
            self.said = f"not done: {error}"
            self._show()
        else:
            if self._do(action, *words):
                self._controls.clear(action)

    def _do(self, action: str, *words: str) -> bool:
        """Do it, or say why it is not allowed; whether it was done."""
        minute, done = self._minute(), False
        action, words = unaliased(action, words)
        try:
            reply = do(self.desk, action, *words)
        except ValueError as error:
            self.said = f"not done: {error}"
        else:
            done = True
            nothing = "the shift is over" if self.over else "nothing new"
            self.said = reply or f"{self.desk.now:%H:%M}: {nothing}"
            self._remember(ScriptLine(minute, action, words), reply)
        if not self._playing:
            self._settle()
        return done

    def _remember(self, line: ScriptLine, reply: str) -> None:
        """Keep what was done and what was read, and open the runbook that was looked at."""
        if line.action not in TIME:
            self._done.append(line)
        if line.action == "runbook" and line.words:
            self.inputs["symptom"].value = line.words[0]
        if line.action in ("look", "check") and line.words not in ((), ("metrics",)):
            self._readings = [*self._readings, f"{self.desk.now:%H:%M} {reply}"][-KEPT:]
        if line.action == "check":
            number, *symptom = line.words
            shown = symptom[0] if symptom else self._symptom()
            self._runbook.readings[shown, int(number)] = reply

    def _file(self, text: str) -> None:
        """File the incident at hand, as the debrief's button does."""
        incident = self.desk.incident
        unedited = incident is not None and text == draft_postmortem(incident)
        self._do("close", *([] if unedited else [text]))
        self._debrief()

    def _settle(self) -> None:
        """Show what has come of it; when the shift is over, the harm left is measured first."""
        if self.over and not self._ended:
            self._ended = True
            self.inputs["view"].value = "the whole shift"
        if self.over:
            self.desk.measure_harm()
        self._show()

    # --- what is shown

    def _lay_out(self) -> list[Any]:
        """The panes, from top to bottom; two stand side by side where there is room for both."""
        self._header, self._says, self._timeline = HTML(), HTML(), HTML()
        self._timeline.add_class("oncall-timeline")
        self._read = HTML(layout=PANE)
        width, height = (str(round(inches * 100)) for inches in self.plot.figure.get_size_inches())
        layout = {"width": "auto", "max_width": "740px"}
        self._picture = Image(format="png", width=width, height=height, layout=layout)
        time = self._controls.row(
            "+1 min", "+5 min", "+15 min", "Next event", "Rest of shift", "view", "Debrief"
        )
        self._runbook = panes.RunbookPane(self.desk, self._controls)
        side_by_side = {"flex_flow": "row wrap", "grid_gap": "4px 20px"}
        work = HBox([self._controls.pane(), self._runbook], layout=side_by_side)
        style = HTML(panes.STYLE, layout={"display": "none"})
        top = [style, self._header, self._picture, time, self._says]
        self._timeline.layout = PANE
        written = HBox([self._timeline, self._read], layout=side_by_side)
        return [*top, work, written, self.debrief]

    def _show(self) -> None:
        self._header.value = panes.header_html(self.desk)
        self._says.value = f'<div class="says" role="status">{escape(self.said)}</div>'
        self._timeline.value = panes.timeline_html(self.incidents)
        self._read.value = panes.readings_html(self._readings)
        self.buttons["Acknowledge"].button_style = "danger" if self.desk.pager.ringing else ""
        self._runbook.show()
        self._draw()
        if self.over:
            self._debrief()
        else:
            self.debrief.hide()

    def _debrief(self) -> None:
        self.debrief.show(self.shift, self.desk.incident.id if self.desk.incident else None)

    def _draw(self) -> None:
        self._picture.value = self.plot.draw(self.desk, self.inputs["view"].value)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture and the line for every viewer, and the widget where a kernel can drive it."""
        live = {} if isinstance(self.comm, DummyComm) else super()._repr_mimebundle_(**kwargs)
        still, metadata = self.still()._repr_mimebundle_()
        return live | still, metadata


@dataclass(frozen=True)
class Still:
    """What the cockpit showed at one moment: its picture, as a PNG file, and its line of text."""

    png: bytes
    text: str
    width: int
    height: int

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"text/plain": self.text, "image/png": b64encode(self.png).decode("ascii")}
        return data, {"image/png": {"width": self.width, "height": self.height, "alt": self.text}}
