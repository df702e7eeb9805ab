"""The cockpit: a shift on call by buttons, with its picture, its runbook, its journal and its debrief.

Each button does what the same word does in ``oncall drill``; nothing is done that is not allowed.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

from comm import DummyComm
from ipywidgets import HTML, Button, Combobox, Dropdown, HBox, Image, Layout, Text, VBox
from traitlets import TraitError

from oncall.alerting import SEVERITIES
from oncall.catalogue import MITIGATIONS, RUNBOOKS, known_mitigation
from oncall.gameday.actions import (
    ACTIONS,
    LEARNT,
    ScriptLine,
    allowed_actions,
    check_action,
    do,
    postmortem,
)
from oncall.gameday.desk import LADDER, Desk, Shift
from oncall.gameday.scoring import Score
from oncall.incident import Incident
from oncall.postmortem import write_postmortem
from oncall.runbook import Mitigation
from oncall.scenario import Scenario
from oncall.slo import burn_rate, percent
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.cockpit.debrief import Debrief, plot_responses
from oncall.workbook.cockpit.picture import VIEWS, LivePlot
from oncall.workbook.plots.base import Plot
from oncall.workbook.plots.explorer import Model

# Each button, by what is written on it: the action, and the words that it always says.
BUTTONS: dict[str, tuple[str, ...]] = {
    "+1 min": ("wait", "1"),
    "+5 min": ("wait", "5"),
    "+15 min": ("wait", "15"),
    "Next event": ("next",),
    "Rest of shift": ("end",),
    "Metrics": ("look", "metrics"),
    "Logs": ("look", "logs"),
    "Provider status": ("look", "status"),
    "Acknowledge": ("ack",),
    "Triage": ("triage",),
    "Hand over": ("handover",),
    "Escalate": ("escalate",),
    "Declare": ("declare",),
    "False alarm": ("false_alarm",),
    "Update users": ("update",),
    "Note": ("note",),
    "Learn": ("learn",),
    "Mitigated": ("mitigated",),
    "Resolved": ("resolve",),
    "Reopen": ("reopen",),
    "Close": ("close",),
    "Apply": ("apply",),
    "Roll back": ("rollback",),
    **{f"Check {number}": ("check", str(number)) for number in range(1, 6)},
}
# The inputs that an action reads, in the order of its words.
INPUTS: dict[str, tuple[str, ...]] = {
    "ack": ("name",),
    "triage": ("severity", "name", "roles"),
    "handover": ("name",),
    "update": ("text",),
    "note": ("text",),
    "learn": ("kind", "text"),
    "apply": ("mitigation",),
    "rollback": ("mitigation",),
    "check": ("symptom",),
}
# What is not done while the last box that it reads is empty, and what goes into that.
NEEDED = {
    "handover": "who leads from now on",
    "update": "what users are told",
    "note": "what to remember",
    "learn": "what was learnt",
}
TIME = ("wait", "next", "end")
CHOOSE = "(choose)"
KINDS = {"well": "went well", "wrong": "went wrong"}  # what is learnt, where a word more helps

STYLE = """<style>
.oncall-cockpit { --edge: var(--jp-border-color2, #bdbdbd); --quiet: var(--jp-ui-font-color2, #616161); }
.oncall-cockpit .widget-html { width: auto; height: auto; min-width: 0; overflow: visible; }
.oncall-cockpit .widget-html-content { min-width: 0; height: auto; line-height: 1.4; }
.oncall-cockpit .widget-box { overflow: visible; }
.oncall-cockpit .facts { display: flex; flex-wrap: wrap; gap: 2px 20px; }
.oncall-cockpit .facts b { font-weight: 600; font-variant-numeric: tabular-nums; }
.oncall-cockpit .rings { background: #A93F00; color: #fff; padding: 0 6px; border-radius: 3px; }
.oncall-cockpit .label { color: var(--quiet); }
.oncall-cockpit .group { padding-top: 5px; }
.oncall-cockpit .says { white-space: pre-wrap; overflow: auto; height: 8.2em; padding: 4px 8px;
  font-family: var(--jp-code-font-family, monospace); font-size: .92em;
  border: 1px solid var(--edge); border-left: 4px solid #0072B2; box-sizing: border-box; }
.oncall-cockpit h4 { margin: 4px 0 2px; font-size: 1em; font-weight: 600; }
.oncall-cockpit ol, .oncall-cockpit ul { margin: 0; padding-left: 1.4em; }
.oncall-cockpit .mark { border: 1px solid var(--edge); border-radius: 3px; padding: 0 4px; font-size: .9em; }
.oncall-cockpit .in { background: #0072B2; border-color: #0072B2; color: #fff; }
.oncall-runbook > .widget-dropdown { flex-wrap: wrap; height: auto; }
.oncall-runbook > .widget-dropdown > select { flex: 1 1 17em; min-width: 0;
  height: var(--jp-widgets-inline-height, 28px); }
.oncall-timeline .lines { max-height: 13em; overflow: auto; display: flex; flex-direction: column-reverse;
  border: 1px solid var(--edge); padding: 4px 8px; }
.oncall-timeline .line { display: grid; grid-template-columns: auto 1fr; column-gap: 10px; }
.oncall-timeline .line b { font-variant-numeric: tabular-nums; font-weight: 600; }
.oncall-review textarea { width: 100%; }
.oncall-score .dimension { display: flex; flex-wrap: wrap; gap: 0 14px; padding: 2px 0;
  border-top: 1px solid var(--edge); }
.oncall-score .dimension b { flex: 0 0 13em; font-weight: 600; font-variant-numeric: tabular-nums; }
.oncall-score .dimension span { flex: 1 1 15em; }
</style>"""


class Cockpit(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A shift to play: what is seen, what can be done now, and in the end how well it was done.

    ``play`` presses the same buttons from a script. ``model`` holds the plain numbers of the header,
    ``script`` what was done so far. Without a kernel it shows the picture and one line of text.
    """

    def __init__(self, scenario: Scenario, seed: int = 1):
        self.desk, self.seed = Desk(scenario, seed), seed
        self.said = (
            f"You are on call until {self.desk.ends:%H:%M} UTC. Time passes only when you let it."
        )
        self._done: list[ScriptLine] = []
        self._readings: dict[tuple[str, int], str] = {}
        self._followed = ""  # the incident whose runbook was opened last
        self._playing = self._ended = False
        self.inputs = _inputs()
        self.buttons = {name: self._button(name) for name in BUTTONS}
        self.buttons["Debrief"] = Button(
            description="Debrief", tooltip="how it went so far", layout={"width": "auto"}
        )
        self.buttons["Debrief"].on_click(lambda _: self.debrief.show(self.shift))
        self.debrief: Debrief = Debrief(scenario, seed, self._file)
        self._plot = LivePlot(self.desk)
        super().__init__(self._lay_out())
        self.add_class("oncall-cockpit")
        self.inputs["symptom"].observe(lambda _: self._show_runbook(), "value")
        self.inputs["mitigation"].observe(lambda _: self._allow(), "value")
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
        return Shift(self.desk.scenario, self.seed, self.desk.counts, self.incidents)

    @property
    def over(self) -> bool:
        """Whether the shift has come to its end."""
        return self.desk.now >= self.desk.ends

    @property
    def script(self) -> tuple[ScriptLine, ...]:
        """What was done so far and when, to be played again: by ``play``, or from a file by the drill.

        Time that passed after the last action is its last line. What was refused is left out.
        """
        minute = self._minute()
        if minute <= (self._done[-1].minute if self._done else 0):
            return tuple(self._done)
        return (
            *self._done,
            ScriptLine(minute, "end") if self.over else ScriptLine(minute, "wait", ("0",)),
        )

    @property
    def model(self) -> Model:
        """The numbers of the header; ``None`` where there is none."""
        desk, incident = self.desk, self.desk.incident
        return {
            "time": f"{desk.now:%H:%M}",
            "minute": self._minute(),
            "sli": _known(round(desk.sli, 4)),
            "burn": _known(round(burn_rate(desk.sli_over(HOUR), desk.scenario.slo), 2)),
            "spent": round(desk.spent, 5),
            "incident": incident.id if incident else None,
            "state": incident.state if incident else None,
            "severity": incident.severity if incident else None,
            "paged": _paged(desk),
            "fires": ", ".join(rule.name for rule in desk.firing),
            "in_effect": ", ".join(desk.applied),
            "harmed": ", ".join(desk.harmed),
            "update_due": desk.update_due,
        }

    @property
    def text(self) -> str:
        """What is seen, in one line."""
        shown = self.model
        state = "no incident is open"
        if shown["incident"]:
            state = (
                f"{shown['incident']} is {shown['state']}, {shown['severity'] or 'no severity yet'}"
            )
        parts = {
            "waits": "; ".join(_open(self.desk)[1:]),
            "paging": shown["paged"],
            "fires": shown["fires"],
            "in effect": shown["in_effect"],
        }
        more = "".join(f"; {name}: {what}" for name, what in parts.items() if what)
        return (
            f"{shown['time']} UTC: {_sli_text(self.desk)}, {_burn_text(self.desk)} over the last hour, "
            f"{shown['spent']:.2%} of the budget spent; {state}{more}."
        )

    @property
    def scores(self) -> dict[str, Score]:
        """How the shift so far compares with the reference's, by incident."""
        return self.debrief.scores(self.shift)

    @property
    def png(self) -> bytes:
        """The picture as it is now, as a PNG file."""
        return bytes(self._picture.value)

    # --- what can be done

    def still(self) -> Still:
        """The picture and the line as they are now; they stay as they are while the shift goes on."""
        return Still(self.png, self.text, int(self._picture.width), int(self._picture.height))

    def score_card(self) -> Plot:
        """The shift so far beside the reference's, as a picture and a line."""
        return plot_responses(self.shift, self.debrief.reference, self.scores)

    def play(self, script: Iterable[ScriptLine]) -> tuple[str, ...]:
        """Press the buttons of a script, each at its minute or as soon as that is past; what came of each.

        It is the shift that ``scripted`` plays. What is not allowed changes nothing, and the script goes on.
        """
        said, self._playing = [], True
        try:
            for line in script:
                self._pass(line.minute - self._minute())
                at = self.desk.now
                self._say(line.action, *line.words)
                said.append(f"{at:%H:%M} {line.action}: {self.said}")
        finally:
            self._playing = False
        self._settle()
        return tuple(said)

    def save(self, path: str | Path) -> None:
        """Write ``script`` to a file that ``read_script`` and the drill read, a line of JSON for each action."""
        lines = [
            json.dumps([line.minute, line.action, *line.words], ensure_ascii=False)
            for line in self.script
        ]
        Path(path).write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

    def _minute(self) -> int:
        return (self.desk.now - self.desk.scenario.start) // MINUTE

    def _pass(self, minutes: int) -> None:
        """Let so many minutes pass, by the largest buttons that fit, to the end of the shift at most."""
        minutes = min(minutes, (self.desk.ends - self.desk.now) // MINUTE)
        for step in (15, 5, 1):
            while minutes >= step:
                self.buttons[f"+{step} min"].click()
                minutes -= step

    def _say(self, action: str, *words: str) -> None:
        """Say it by the controls: set the inputs, press the button. What they cannot say goes straight to the desk."""
        try:
            check_action(action, *words)
            button = self._set_inputs(action, words)
        except (ValueError, TraitError, LookupError):  # refused there too, with the reason
            self._do(action, *words)
        else:
            button.click()

    def _set_inputs(self, action: str, words: tuple[str, ...]) -> Button:
        """Put an action's words into the inputs and return its button; an error where they do not go in unchanged."""
        if not all(word.strip() for word in words) or (
            action == "triage" and any(" " in role for role in words[2:])
        ):
            raise ValueError("a blank word, or one word that would become two")
        if action == "check":
            self.inputs["symptom"].value = words[1] if len(words) > 1 else self._incident().symptom
            return self.buttons[f"Check {words[0]}"]
        if action == "apply":
            self._open_runbook_of(words[0])
        fixed = (action, *(words or ("metrics",))) if action == "look" else (action,)
        names = INPUTS.get(action, ())
        if words and not names and action != "look":
            raise ValueError("no input takes these words")  # such as the text of a postmortem
        given = [*words[: len(names) - 1], " ".join(words[len(names) - 1 :])] if names else []
        for name, word in zip_longest(names, given, fillvalue=""):
            self.inputs[name].value = word
        return self.buttons[{words: name for name, words in BUTTONS.items()}[fixed]]

    def _open_runbook_of(self, mitigation: str) -> None:
        """Open a runbook that has this mitigation, if the one that is open has not; an ``IndexError`` if none has."""
        if known_mitigation(mitigation) not in self.inputs["mitigation"].options:
            books = [
                book
                for book in RUNBOOKS.values()
                if mitigation in [one.name for one in book.mitigations]
            ]
            self.inputs["symptom"].value = books[0].symptom

    def _incident(self) -> Incident:
        if self.desk.incident is None:
            raise ValueError("no incident is open")
        return self.desk.incident

    # --- what a button does

    def _button(self, name: str) -> Button:
        button = Button(
            description=name, tooltip=ACTIONS[BUTTONS[name][0]].what, layout=Layout(width="auto")
        )
        button.on_click(lambda _: self._press(name))
        return button

    def _press(self, button: str) -> None:
        action, *words = BUTTONS[button]
        given = [self.inputs[name].value for name in INPUTS.get(action, ())]
        if action in NEEDED and not given[-1].strip():
            box = self.inputs[INPUTS[action][-1]].description
            self.said = f"not done: the box {box} is empty; write in it {NEEDED[action]}, then press {button} again"
            self._show()
            return
        if action == "check" and self.desk.incident and given[0] == self.desk.incident.symptom:
            given = []  # as it is meant when nothing is named
        if action == "triage":
            given = [*given[:2], *given[2].split()]
        while given and not given[-1]:
            given.pop()
        if self._do(action, *words, *given):
            for name in set(INPUTS.get(action, ())) & {"name", "roles", "text"}:
                self.inputs[name].value = ""

    def _do(self, action: str, *words: str) -> bool:
        """Do it, or say why it is not allowed; whether it was done."""
        minute = self._minute()
        try:
            said = do(self.desk, action, *words)
        except ValueError as error:
            self.said, done = f"not done: {error}", False
        else:
            nothing = "the shift is over" if self.over else "nothing new"
            self.said, done = said or f"{self.desk.now:%H:%M}: {nothing}", True
            if action not in TIME:
                self._done.append(ScriptLine(minute, action, words))
            if action == "runbook" and words:
                self.inputs["symptom"].value = words[0]
            if action == "check":
                incident = self.desk.incident  # a runbook can be followed before one is open
                shown = incident.symptom if incident else self.desk.symptom
                self._readings[words[1] if len(words) > 1 else shown, int(words[0])] = said
        self._follow_incident()
        if not self._playing:
            self._settle()
        return done

    def _file(self, text: str) -> None:
        """File the incident at hand, as the debrief's button does."""
        incident = self.desk.incident
        self._do("close", *(() if incident and text == postmortem(incident) else (text,)))
        self.debrief.show(self.shift)

    def _follow_incident(self) -> None:
        """Open the runbook of an incident that is new."""
        incident = self.desk.incident
        if incident is None or incident.id == self._followed:
            return
        self._followed = incident.id
        self.inputs["symptom"].value = incident.symptom if incident.symptom in RUNBOOKS else ""

    def _settle(self) -> None:
        """What is done by itself after an action: the harm left at the end is measured, and all is shown."""
        if self.over and not self._ended:
            self._ended = True
            self.inputs["view"].value = "the whole shift"
        if self.over:
            self.desk.measure_harm()
        self._show()

    # --- what is shown

    def _lay_out(self) -> list[Any]:
        """The panes, from top to bottom; those that stand side by side go below each other where it is narrow."""
        self._header, self._says = HTML(), HTML()
        width, height = (round(inches * 100) for inches in self._plot.figure.get_size_inches())
        self._picture = Image(
            format="png",
            width=str(width),
            height=str(height),
            layout={"width": "auto", "max_width": "740px"},
        )
        self._timeline = HTML()
        self._timeline.add_class("oncall-timeline")
        times = _row(
            *(self.buttons[name] for name in list(BUTTONS)[:5]),
            self.inputs["view"],
            self.buttons["Debrief"],
        )
        panes = HBox([self._lay_out_actions(), self._lay_out_runbook()], layout=_WRAP)
        style = HTML(STYLE, layout={"display": "none"})
        return [
            style,
            self._header,
            self._picture,
            times,
            self._says,
            panes,
            self._timeline,
            self.debrief,
        ]

    def _lay_out_actions(self) -> VBox:
        rows = {
            "Look": ("Metrics", "Logs", "Provider status"),
            "Respond": ("name", "Acknowledge", "Escalate", "Declare"),
            "Decide": ("severity", "roles", "Triage", "Hand over", "False alarm"),
            "Write": ("text", "Update users", "Note", "kind", "Learn"),
            "Finish": ("Mitigated", "Resolved", "Reopen", "Close"),
        }
        controls = self.buttons | self.inputs
        boxes = [
            _named(label, _row(*(controls[name] for name in names)))
            for label, names in rows.items()
        ]
        return VBox(boxes, layout=_PANE)

    def _lay_out_runbook(self) -> VBox:
        self._checks = {
            name: HTML(layout={"flex": "1 1 0%"}) for name in BUTTONS if name.startswith("Check")
        }
        self._mitigations = HTML()
        self._check_rows = [
            HBox([self.buttons[name], text], layout={"align_items": "baseline"})
            for name, text in self._checks.items()
        ]
        steps = _row(self.inputs["mitigation"], self.buttons["Apply"], self.buttons["Roll back"])
        pane = VBox(
            [self.inputs["symptom"], *self._check_rows, self._mitigations, steps], layout=_PANE
        )
        pane.add_class("oncall-runbook")
        return pane

    def _show(self) -> None:
        self._header.value = _header(self.desk)
        self._says.value = f'<div class="says" role="status">{escape(self.said)}</div>'
        self._timeline.value = _timeline(self.incidents)
        self.buttons["Acknowledge"].button_style = "danger" if self.desk.ringing else ""
        self._show_runbook()
        self._draw()
        if self.over:
            self.debrief.show(self.shift)
        else:
            self.debrief.hide()

    def _draw(self) -> None:
        self._picture.value = self._plot.draw(self.desk, self.inputs["view"].value)

    def _show_runbook(self) -> None:
        book, applied = RUNBOOKS.get(self.inputs["symptom"].value), self.desk.applied
        steps = book.mitigations if book else ()
        names = [
            *(one.name for one in steps),
            *(name for name in applied if name not in [one.name for one in steps]),
        ]
        picked = self.inputs["mitigation"].value
        if tuple(names) != self.inputs["mitigation"].options:
            self.inputs["mitigation"].options = names
            self.inputs["mitigation"].value = picked if picked in names else next(iter(names), None)
        for number, (row, text) in enumerate(
            zip(self._check_rows, self._checks.values(), strict=True), 1
        ):
            row.layout.display = "flex" if book and number <= len(book.checks) else "none"
            if book and number <= len(book.checks):
                text.value = escape(
                    self._readings.get((book.symptom, number), book.checks[number - 1].look)
                )
        items = "".join(f"<li>{_step(one, one.name in applied)}</li>" for one in steps)
        then = (
            f'<div class="label">If that does not do: {escape(book.escalate_to)}.</div>'
            if book
            else ""
        )
        self._mitigations.value = (
            f"<h4>Mitigations, least risk first</h4><ol>{items}</ol>{then}" if book else ""
        )
        self._allow()

    def _allow(self) -> None:
        """Let only those buttons be pressed whose action is legal now."""
        legal = {*allowed_actions(self.desk)}
        for name, (action, *_) in BUTTONS.items():
            self.buttons[name].disabled = action not in legal or not self._has_object(action)

    def _has_object(self, action: str) -> bool:
        """Whether there is what the action needs: time to pass, a runbook, a mitigation that is not or is in effect."""
        picked, applied = self.inputs["mitigation"].value, self.desk.applied
        if action in TIME:
            return not self.over
        if action == "check":
            return bool(self.inputs["symptom"].value)
        if action == "apply":
            return bool(picked) and picked not in applied
        return action != "rollback" or (picked in applied and MITIGATIONS[picked].reversible)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture and the line for every viewer, and the live widget where a kernel can drive it."""
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


# --- the controls --------------------------------------------------------------------------------

_WRAP = {
    "flex_flow": "row wrap",
    "grid_gap": "4px 20px",
}  # beside each other where there is room for both
_PANE = {"flex": "1 1 340px", "min_width": "0"}


def _row(*controls: Any) -> HBox:
    """Controls side by side, as far as there is room."""
    return HBox(
        controls,
        layout={
            "flex_flow": "row wrap",
            "flex": "1 1 0%",
            "min_width": "0",
            "align_items": "center",
        },
    )


def _named(label: str, row: HBox) -> HBox:
    """A row with its name on the left."""
    return HBox([HTML(f'<div class="label group">{label}</div>', layout={"flex": "0 0 58px"}), row])


def _inputs() -> dict[str, Any]:
    """What an action may need to be told, by name."""
    people = [str(who) for step in LADDER.steps for who in step.targets]
    style, wide = {"description_width": "auto"}, {"width": "auto", "max_width": "calc(100% - 4px)"}
    short = {"width": "190px", "max_width": "calc(100% - 4px)"}
    return {
        "severity": Dropdown(options=SEVERITIES, description="Severity", style=style, layout=wide),
        "name": Combobox(
            options=people,
            description="Who",
            placeholder="whoever leads",
            style=style,
            layout=short,
        ),
        "roles": Text(description="Roles", placeholder="comms=bo", style=style, layout=short),
        "text": Text(
            description="Text",
            placeholder="what to say or to write down",
            style=style,
            layout=wide | {"flex": "1 1 200px"},
        ),
        "kind": Dropdown(
            options=[(KINDS.get(kind, kind), kind) for kind in LEARNT],
            description="Learnt",
            style=style,
            layout=wide,
        ),
        "symptom": Dropdown(
            options=[(CHOOSE, ""), *((book.title, name) for name, book in RUNBOOKS.items())],
            description="Runbook",
            style=style,
            layout={"width": "auto"},
        ),
        "mitigation": Dropdown(options=[], description="Mitigation", style=style, layout=wide),
        "view": Dropdown(options=list(VIEWS), description="Plot shows", style=style, layout=wide),
    }


# --- the panes -----------------------------------------------------------------------------------


def journal_lines(incidents: Iterable[Incident]) -> list[str]:
    """What the journals say, by time in UTC; where there are two, each line names its incident. No measures."""
    incidents, entries = list(incidents), []
    for incident in incidents:
        text = write_postmortem(incident, contributing_factors=(), action_items=())
        said = text.partition("\n## Timeline (UTC)\n\n")[2].partition("\n\n## ")[0].splitlines()
        moments = sorted([incident.impact_start, *(event.at for event in incident.events)])
        name = f"{incident.id} " if len(incidents) > 1 else ""
        for at, line in zip(moments, said, strict=True):
            what = line.partition(f"{at:%H:%M:%S} ")[2]
            if not what.startswith("metrics: "):
                entries.append((at, f"{at:%H:%M} {name}{what}"))
    return [line for _, line in sorted(entries, key=lambda entry: entry[0])]


def _timeline(incidents: tuple[Incident, ...]) -> str:
    lines = [line.partition(" ") for line in journal_lines(incidents)]
    rows = "".join(
        f'<div class="line"><b>{at}</b><span>{escape(text)}</span></div>' for at, _, text in lines
    )
    return f'<h4>Journal (UTC)</h4><div class="lines" tabindex="0"><div>{rows or "No incident so far."}</div></div>'


def _header(desk: Desk) -> str:
    rings, (at_hand, *waiting) = _paged(desk), _open(desk) or ["none is open"]
    facts = {
        "Time": f"{desk.now:%H:%M} of {desk.ends:%H:%M} UTC",
        "SLI": f"{_sli_text(desk).removeprefix('SLI ')} of {percent(desk.scenario.slo.target)}",
        "Burn, 1h": _burn_text(desk).removeprefix("burn "),
        "Budget spent": f"{desk.spent:.2%}",
        "Incident": at_hand,
        **({"Waits": "; ".join(waiting)} if waiting else {}),
        "Paging": rings or "nobody",
        "Fires": ", ".join(rule.name for rule in desk.firing) or "nothing",
        "Harmed": ", ".join(desk.harmed) or "nothing",
        "In effect": ", ".join(desk.applied) or "nothing",
        "Update to users": "due" if desk.update_due else "not due",
    }
    alarming = {"Paging": rings, "Harmed": desk.harmed, "Update to users": desk.update_due}
    loud = {name: "rings" for name, is_so in alarming.items() if is_so}
    items = (
        f'<span><span class="label">{name}</span> <b class="{loud.get(name, "")}">{escape(what)}</b></span>'
        for name, what in facts.items()
    )
    return f'<div class="facts">{"".join(items)}</div>'


def _open(desk: Desk) -> list[str]:
    """The incidents that are not closed: first the one at hand, then those that wait until it is closed."""
    return [
        f"{one.id} {one.state}, {one.severity or 'no severity'}: {one.title}"
        for one in reversed(desk.incidents)
        if one.state != "closed"
    ]


def _known(number: float) -> float | None:
    return number if number == number else None


def _sli_text(desk: Desk) -> str:
    return f"SLI {desk.sli:.1%}" if desk.sli == desk.sli else "no requests"


def _burn_text(desk: Desk) -> str:
    ratio = desk.sli_over(HOUR)
    return f"burn {burn_rate(ratio, desk.scenario.slo):.1f}x" if ratio == ratio else "burn unknown"


def _paged(desk: Desk) -> str:
    """Whom the pager calls, while nobody has answered."""
    told = (
        [event.get("text") for event in desk.incident.events if event.by == "pager"]
        if desk.incident
        else []
    )
    return str(told[-1]).removeprefix("paged ") if desk.ringing and told else ""


def _step(one: Mitigation, applied: bool) -> str:
    """A mitigation in a line: what it is, its marks and its risk."""
    marks = {
        "in effect": applied,
        "irreversible": not one.reversible,
        "ask first": one.needs_approval,
    }
    shown = "".join(
        f' <span class="mark {name[:2]}">{name}</span>' for name, is_so in marks.items() if is_so
    )
    what = f"{one.action}; risk {one.risk}; shows after {duration_text(one.settle)}"
    return f"<b>{one.name}</b>{shown}: {escape(what)}"
