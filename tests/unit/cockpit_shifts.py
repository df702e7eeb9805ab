"""The cockpit's test plays: scripts, cockpits that have played them, and what is seen of one."""

from __future__ import annotations

from typing import Any

from ipywidgets import HTML, Button, HBox

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.script import ScriptLine, scripted
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.workbook.cockpit import Cockpit

OUTAGE = "provider_outage"

GOOD = (
    ScriptLine(150, "look", ("metrics",)),
    ScriptLine(153, "ack"),
    ScriptLine(154, "check", ("1",)),
    ScriptLine(156, "triage", ("sev1", "ana", "comms=bo")),
    ScriptLine(156, "update", ("We are working on it.",)),
    ScriptLine(156, "apply", ("fail_over",)),
    ScriptLine(158, "apply", ("serve_cached",)),
    ScriptLine(160, "apply", ("serve_degraded",)),
    ScriptLine(161, "mitigated"),
    ScriptLine(161, "update", ("It works again.",)),
    ScriptLine(191, "resolve"),
    ScriptLine(191, "update", ("This is over.",)),
    ScriptLine(192, "learn", ("factor", "All requests go to one provider.")),
    ScriptLine(192, "learn", ("well", "The first person paged answered.")),
    ScriptLine(192, "learn", ("wrong", "It waited for a person.")),
    ScriptLine(192, "learn", ("lucky", "The secondary provider had room.")),
    ScriptLine(192, "learn", ("automate", "fail_over")),
    ScriptLine(192, "learn", ("automate", "serve_cached")),
    ScriptLine(192, "learn", ("automate", "serve_degraded")),
    ScriptLine(251, "close"),
)
FUMBLED = (
    ScriptLine(10, "ack"),  # nothing to acknowledge
    ScriptLine(20, "wait", ("7",)),
    ScriptLine(30, "wait", ("soon",)),
    ScriptLine(40, "pray"),
    ScriptLine(60, "next"),
    ScriptLine(152, "apply", ("fail_over",)),  # not triaged yet
    ScriptLine(153, "ack", ("dana",)),  # whose name is on no list
    ScriptLine(154, "triage", ("sev9",)),
    ScriptLine(154, "triage", ("sev2", "dana", "comms=bo", "scribe=chen")),
    ScriptLine(154, "triage", ("sev2", "dana", "chief=bo")),
    ScriptLine(155, "look", ("logs",)),
    ScriptLine(155, "look", ("tea leaves",)),
    ScriptLine(155, "runbook", ("gpu_capacity",)),
    ScriptLine(155, "check", ("2", "gpu_capacity")),
    ScriptLine(155, "check", ("9",)),
    ScriptLine(156, "apply", ("magic",)),
    ScriptLine(156, "learn", ("lucky", "")),
    ScriptLine(156, "triage", ("sev2", "dana", "comms=bo and chen")),
    ScriptLine(156, "apply", ("add_replicas",)),  # of another runbook
    ScriptLine(156, "apply", ("add_replicas",)),
    ScriptLine(165, "rollback", ("add_replicas",)),
    ScriptLine(165, "rollback", ("fail_over",)),
    ScriptLine(166, "note", ("two", "words  and two spaces")),
    ScriptLine(166, "note"),
    ScriptLine(167, "escalate"),
    ScriptLine(168, "handover", ("chen",)),
    ScriptLine(168, "apply", ("purge_cache",)),
    ScriptLine(169, "rollback", ("purge_cache",)),  # cannot be
    ScriptLine(170, "learn", ("gossip", "none")),
    ScriptLine(170, "false_alarm"),
    ScriptLine(171, "resolve"),
    ScriptLine(300, "declare"),
    ScriptLine(301, "end"),
)
TWO = (
    ScriptLine(120, "ack"),
    ScriptLine(121, "triage", ("sev1",)),
    ScriptLine(121, "apply", ("fail_over",)),
    ScriptLine(124, "apply", ("serve_cached",)),
    ScriptLine(126, "apply", ("serve_degraded",)),
    ScriptLine(128, "mitigated"),
    ScriptLine(230, "ack"),
    ScriptLine(231, "triage", ("sev1", "bo")),
    ScriptLine(232, "apply", ("shadow_rule",)),
    ScriptLine(235, "apply", ("second_opinion",)),
    ScriptLine(238, "mitigated"),
    ScriptLine(290, "resolve"),
    ScriptLine(291, "close"),
    ScriptLine(300, "resolve"),
    ScriptLine(301, "learn", ("factor", "One provider.")),
    ScriptLine(302, "close"),
)
END = ScriptLine(480, "end")


def until(minute: int) -> ScriptLine:
    """Let time pass up to a minute of the shift."""
    return ScriptLine(minute, "wait", ("0",))


def cockpit_after(name: str, *script: ScriptLine) -> Cockpit:
    """A cockpit that has played a script."""
    cockpit = Cockpit(SCENARIOS[name])
    cockpit.play(script)
    return cockpit


def to_the_page() -> Cockpit:
    """A cockpit at the moment of its first page."""
    return cockpit_after(OUTAGE, until(150))


def played(name: str, script: tuple[ScriptLine, ...]) -> tuple[Incident, ...]:
    """The journals of the same script without a cockpit."""
    return run_shift(SCENARIOS[name], 1, scripted(script)).incidents


# --- what is seen --------------------------------------------------------------------------------


def seen(widget: Any) -> list[Any]:
    """The widgets in a widget that are not hidden, itself included, from top to bottom."""
    if widget.layout.display == "none":
        return []
    inside = [part for child in getattr(widget, "children", ()) for part in seen(child)]
    return [widget, *inside]


def html(widget: Any) -> str:
    """All that is written in a widget, as HTML."""
    return "\n".join(part.value for part in seen(widget) if isinstance(part, HTML))


def buttons(widget: Any) -> list[str]:
    """What is written on the buttons that are seen."""
    return [part.description for part in seen(widget) if isinstance(part, Button)]


def beside(widget: Any, button: Button) -> str:
    """What is written in the same row as a button."""
    [row] = [part for part in seen(widget) if isinstance(part, HBox) and button in part.children]
    return html(row)
