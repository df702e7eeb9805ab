"""The cockpit's controls: each button says an action, and the inputs beside it say its words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from ipywidgets import HTML, Button, Combobox, Dropdown, HBox, Layout, Text, VBox

from oncall.catalogue import CAUSES, RUNBOOKS, known_mitigation
from oncall.gameday import Desk, actions
from oncall.gameday.actions import ACTIONS, allowed_actions
from oncall.gameday.causes import AIMS
from oncall.gameday.people import PEOPLE
from oncall.gameday.readings import THINGS
from oncall.gameday.readings import options as look_options
from oncall.incident import Incident
from oncall.journal import LEARN_KINDS, SECURITY_STEPS, STATUSES
from oncall.mitigations import MITIGATIONS
from oncall.severity import SEVERITIES
from oncall.workbook.cockpit.picture import VIEWS

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
    "Changes": ("look", "changes"),
    "Support": ("look", "support"),
    "Look": ("look",),
    "Acknowledge": ("ack",),
    "Triage": ("triage",),
    "Hand over": ("handover",),
    "Escalate": ("escalate",),
    "Page": ("page",),
    "Suspect": ("suspect",),
    "Hint": ("hint",),
    "Secure": ("secure",),
    "Declare": ("declare",),
    "Other incident": ("use",),
    "False alarm": ("false_alarm",),
    "Update users": ("update",),
    "Note": ("note",),
    "Learn": ("learn",),
    "Mitigated": ("mitigated",),
    "Resolved": ("resolve",),
    "Reopen": ("reopen",),
    "Close": ("close",),
    "Ask": ("ask",),
    "Apply": ("apply",),
    "Roll back": ("rollback",),
    **{f"Check {number}": ("check", str(number)) for number in range(1, 6)},
}
# The inputs that an action reads, in the order of its words.
INPUTS: dict[str, tuple[str, ...]] = {
    "ack": ("name",),
    "triage": ("severity", "name", "roles"),
    "handover": ("name",),
    "page": ("name",),
    "look": ("reading",),
    "suspect": ("cause",),
    "secure": ("step",),
    "update": ("status", "percent", "text"),
    "note": ("text",),
    "learn": ("kind", "text"),
    "ask": ("mitigation", "aim"),
    "apply": ("mitigation", "aim"),
    "rollback": ("mitigation",),
    "check": ("symptom",),
}
# What is not done while the last box that it reads is empty, and what goes into that.
NEEDED = {
    "handover": "who leads from now on",
    "page": "whom to wake",
    "look": "what to look at",
    "update": "what users are told",
    "note": "what to remember",
    "learn": "what was learnt",
}
TIME = ("wait", "next", "end")
# The controls that an incident is worked with, in rows with a name on their left.
_ROWS = {
    "Look": ("Metrics", "Changes", "Support", "Provider status", "Logs", "reading", "Look"),
    "Respond": ("name", "Acknowledge", "Escalate", "Page", "Declare", "Other incident"),
    "Decide": ("severity", "roles", "Triage", "Hand over", "False alarm"),
    "Find": ("cause", "Suspect", "Hint", "step", "Secure"),
    "Write": ("status", "percent", "text", "Update users", "Note", "kind", "Learn"),
    "Finish": ("Mitigated", "Resolved", "Reopen", "Close"),
}
_KIND_LABELS = {"well": "went well", "wrong": "went wrong"}  # where one word more helps
_ROW = {"flex_flow": "row wrap", "flex": "1 1 0%", "min_width": "0", "align_items": "center"}
_WIDE = {"width": "auto", "max_width": "calc(100% - 4px)"}
PANE = {"flex": "1 1 340px", "min_width": "0"}


class Controls:
    """The buttons and inputs by name; ``press`` is called with the name of the button pressed."""

    def __init__(self, desk: Desk, press: Callable[[str], None]):
        self._desk = desk
        self.inputs = _inputs()
        self.buttons: dict[str, Button] = {}
        for name, (action, *_) in BUTTONS.items():
            self.buttons[name] = _button(name, ACTIONS[action].what)
            self.buttons[name].on_click(lambda button: press(button.description))
        self.buttons["Debrief"] = _button("Debrief", "how it went so far")
        self.inputs["mitigation"].observe(lambda _: self.allow(), "value")

    def row(self, *names: str) -> HBox:
        """Controls side by side, as far as there is room."""
        controls = self.buttons | self.inputs
        return HBox([controls[name] for name in names], layout=_ROW)

    def pane(self) -> VBox:
        """The rows of controls that an incident is worked with."""
        rows = []
        for label, names in _ROWS.items():
            heading = HTML(f'<div class="label group">{label}</div>', layout={"flex": "0 0 58px"})
            rows.append(HBox([heading, self.row(*names)]))
        return VBox(rows, layout=PANE)

    # --- from the controls to words

    def words(self, button: str, symptom: str) -> list[str]:
        """What a button says now: an action and its words, those of its inputs included.

        ``symptom`` is that of the incident at hand, which a check need not name. A box that is
        empty and must not be is a ``ValueError``.
        """
        action, *words = BUTTONS[button]
        names = () if action == "look" and words else INPUTS.get(action, ())
        values = [self.inputs[name].value for name in names]
        if names and action in NEEDED and not values[-1].strip():
            box = f"the box {self.inputs[INPUTS[action][-1]].description} is empty"
            raise ValueError(f"{box}; write in it {NEEDED[action]}, then press {button} again")
        if action == "check" and values == [symptom]:
            values = []
        if action == "triage":
            values[2:] = values[2].split()
        if action == "use":
            values = [one.id for one in waiting(self._desk)[:1]]
        if action == "look":
            values = " ".join(values).split()
        if action in ("apply", "ask") and values[0] not in AIMS:
            values.pop()  # what it is aimed at: nothing
        if action == "update":
            values = self._told(*values)
        while values and not values[-1]:
            values.pop()
        return [action, *words, *values]

    @staticmethod
    def _told(status: str, percent: str, text: str) -> list[str]:
        """An update's words: a percentage belongs to a status."""
        if percent.strip() and not status:
            raise ValueError("a percentage belongs to a status; choose one, or empty the box % hit")
        return [word for word in (status, percent.strip(), text) if word]

    def clear(self, action: str) -> None:
        """Empty the boxes whose words an action has used."""
        for name in set(INPUTS.get(action, ())) & {"name", "roles", "text", "percent", "aim"}:
            self.inputs[name].value = ""

    # --- from words to the controls

    def set(self, action: str, words: tuple[str, ...], symptom: str) -> Button:
        """Put an action's words into the inputs, and return the button that says it.

        A ``ValueError``, ``LookupError`` or ``TraitError`` where they cannot be put in unchanged.
        """
        if not all(word.strip() for word in words):
            raise ValueError("a blank word would be lost")
        if action == "check":
            number, named = words[0], words[1:]
            self.inputs["symptom"].value = named[0] if named else symptom
            return self.buttons[f"Check {number}"]
        if action == "look":
            if ("look", *(words or ("metrics",))) in BUTTONS.values():
                return self._button_that_says("look", *(words or ("metrics",)))
            text = " ".join(words)
            if words != tuple(text.split()):
                raise ValueError("one word would become two")
            self.inputs["reading"].value = text
            return self.buttons["Look"]
        if action == "update":
            return self._set_update(words)
        if action == "use" and words != tuple(one.id for one in waiting(self._desk)[:1]):
            raise LookupError("the button chooses another")
        if action == "triage" and any(" " in role for role in words[2:]):
            raise ValueError("one word would become two")
        if action in ("apply", "ask"):
            if words[1:] and words[0] not in AIMS:
                raise ValueError("an aim that is not needed would be lost")
            self._open_runbook_with(words[0])
        self._fill(INPUTS.get(action, ()), words)
        return self._button_that_says(action)

    def _set_update(self, words: tuple[str, ...]) -> Button:
        """Put an update into its three boxes."""
        status, percent, text = "", "", list(words)
        if text[0] in STATUSES and len(text) > 1:
            status = text.pop(0)
            if len(text) > 1 and text[0].removesuffix("%").replace(".", "", 1).isdigit():
                percent = text.pop(0)
        for name, value in (("status", status), ("percent", percent), ("text", " ".join(text))):
            self.inputs[name].value = value
        return self.buttons["Update users"]

    def _open_runbook_with(self, mitigation: str) -> None:
        """Open a runbook that has this mitigation unless the open one does; else ``IndexError``."""
        if known_mitigation(mitigation) not in self.inputs["mitigation"].options:
            symptoms = [
                symptom
                for symptom, runbook in RUNBOOKS.items()
                if mitigation in [step.name for step in runbook.mitigations]
            ]
            self.inputs["symptom"].value = symptoms[0]

    def _fill(self, names: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Put a word into each input, the rest into the last; inputs without one are emptied."""
        if words and not names:
            raise ValueError("no input takes these words")  # such as the text of a postmortem
        last = len(names) - 1
        texts = [*words[:last], " ".join(words[last:])] if names else []
        for name, text in zip_longest(names, texts, fillvalue=""):
            self.inputs[name].value = text

    def _button_that_says(self, *words: str) -> Button:
        names = {spoken: name for name, spoken in BUTTONS.items()}
        return self.buttons[names[words]]

    # --- what can be pressed

    def offer_mitigations(self, names: list[str]) -> None:
        """Let one of these be chosen; the one that was chosen stays so if it is among them."""
        box = self.inputs["mitigation"]
        if box.options != tuple(names):
            chosen = box.value
            box.options = names
            box.value = chosen if chosen in names else next(iter(names), None)

    def allow(self) -> None:
        """Let only those buttons be pressed whose action is legal now and has an object."""
        aims = actions.aims(self._desk, self.inputs["mitigation"].value or "")
        self.inputs["aim"].options = aims
        self.inputs["aim"].placeholder = "which" if aims else "needs none"
        legal = allowed_actions(self._desk)
        for name, (action, *_) in BUTTONS.items():
            self.buttons[name].disabled = action not in legal or not self._has_object(action)

    def _has_object(self, action: str) -> bool:
        """Whether there is time to pass, a runbook, or a mitigation to apply or to take back."""
        chosen, applied = self.inputs["mitigation"].value, self._desk.applied
        if action in TIME:
            return self._desk.now < self._desk.ends
        if action == "check":
            return bool(self.inputs["symptom"].value)
        if action == "use":
            return bool(waiting(self._desk))
        if action in ("apply", "ask"):
            return bool(chosen) and chosen not in applied
        return action != "rollback" or (chosen in applied and MITIGATIONS[chosen].reversible)


def waiting(desk: Desk) -> list[Incident]:
    """The incidents that are open and not at hand, the newest first."""
    newest_first = reversed(desk.incidents)
    return [one for one in newest_first if one.state != "closed" and one is not desk.incident]


def _button(name: str, what: str) -> Button:
    return Button(description=name, tooltip=what, layout=Layout(width="auto"))


def _inputs() -> dict[str, Any]:
    """What an action may need to be told, by name, and what the picture shows."""
    people = list(PEOPLE)
    kinds = [(_KIND_LABELS.get(kind, kind), kind) for kind in LEARN_KINDS]
    looks, statuses = _looks(), [("(none)", ""), *((status, status) for status in STATUSES)]
    runbooks = [("(choose)", ""), *((book.title, name) for name, book in RUNBOOKS.items())]
    short, long = _WIDE | {"width": "190px"}, _WIDE | {"flex": "1 1 200px"}
    hint, example = "what to say or to write down", "errors by region"
    look_at = _WIDE | {"flex": "1 1 150px", "min_width": "0"}
    return {
        "severity": _input(Dropdown, "Severity", options=SEVERITIES),
        "name": _input(Combobox, "Who", short, options=people, placeholder="whoever leads"),
        "roles": _input(Text, "Roles", short, placeholder="ops=bo comms=chen"),
        "reading": _input(Combobox, "Look at", look_at, options=looks, placeholder=example),
        "cause": _input(Dropdown, "Cause", options=list(CAUSES)),
        "step": _input(Dropdown, "Security", options=SECURITY_STEPS),
        "status": _input(Dropdown, "Status", options=statuses),
        "percent": _input(Text, "% hit", _WIDE | {"width": "100px"}, placeholder="40"),
        "text": _input(Text, "Text", long, placeholder=hint),
        "kind": _input(Dropdown, "Learnt", options=kinds),
        "symptom": _input(Dropdown, "Runbook", {"width": "auto"}, options=runbooks),
        "mitigation": _input(Dropdown, "Mitigation", options=[]),
        "aim": _input(Combobox, "Aim", short, options=[]),
        "view": _input(Dropdown, "Plot shows", options=list(VIEWS)),
    }


def _looks() -> list[str]:
    """What can be looked at, as words: each thing, and each thing by each of its dimensions."""
    by = [(thing, "by", name) for thing in THINGS for name in look_options([thing, "by"]) or ()]
    return [*(look_options([]) or ()), *map(" ".join, by)]


def _input(kind: Any, label: str, layout: dict[str, str] = _WIDE, **more: Any) -> Any:
    return kind(description=label, style={"description_width": "auto"}, layout=layout, **more)
