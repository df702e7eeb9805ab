"""The cockpit's test plays: scripts, cockpits that have played them, and what is seen of one."""

from __future__ import annotations

from typing import Any

from ipywidgets import HTML, Button, HBox

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.script import ScriptLine, scripted
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.scenario import Scenario
from oncall.workbook.cockpit import Cockpit

OUTAGE = "provider_outage"

GOOD = (
    ScriptLine(150, "look", ("metrics",)),
    ScriptLine(152, "ack"),
    ScriptLine(152, "triage", ("sev1", "ana", "ops=bo", "comms=chen")),
    ScriptLine(153, "update", ("investigating", "50", "Half of the answers fail.")),
    ScriptLine(156, "check", ("1", "model_provider_outage")),
    ScriptLine(158, "look", ("errors", "by", "release", "in", "upstream=north")),
    ScriptLine(160, "suspect", ("provider_fails",)),
    ScriptLine(160, "apply", ("fail_over", "north")),
    ScriptLine(164, "apply", ("serve_cached",)),
    ScriptLine(168, "apply", ("serve_degraded",)),
    ScriptLine(171, "mitigated"),
    ScriptLine(171, "update", ("monitoring", "It works again, and we watch it.")),
    ScriptLine(195, "update", ("monitoring", "It still works, and we watch it.")),
    ScriptLine(205, "resolve"),
    ScriptLine(205, "update", ("resolved", "This is over, and we write it up.")),
    ScriptLine(210, "learn", ("cause", "provider_fails")),
    ScriptLine(210, "learn", ("segment", "upstream=north")),
    ScriptLine(210, "learn", ("trigger", "none")),
    ScriptLine(210, "learn", ("onset", "18:12")),
    ScriptLine(210, "learn", ("factor", "All requests go to one provider.")),
    ScriptLine(210, "learn", ("well", "The first person paged answered.")),
    ScriptLine(210, "learn", ("wrong", "It waited for a person.")),
    ScriptLine(210, "learn", ("lucky", "The secondary provider had room.")),
    ScriptLine(210, "learn", ("automate", "fail_over")),
    ScriptLine(210, "learn", ("automate", "serve_cached")),
    ScriptLine(210, "learn", ("automate", "serve_degraded")),
    ScriptLine(251, "close"),
)
FUMBLED = (
    ScriptLine(10, "ack"),  # nothing to acknowledge
    ScriptLine(20, "wait", ("7",)),
    ScriptLine(30, "wait", ("soon",)),
    ScriptLine(40, "pray"),
    ScriptLine(60, "next"),
    ScriptLine(152, "apply", ("fail_over",)),  # not triaged yet
    ScriptLine(153, "ack", ("frida",)),  # whose name is on no list
    ScriptLine(154, "triage", ("sev9",)),
    ScriptLine(154, "triage", ("sev2", "dana", "comms=bo", "scribe=chen")),
    ScriptLine(154, "triage", ("sev2", "dana", "chief=bo")),
    ScriptLine(155, "look", ("logs",)),
    ScriptLine(155, "look", ("tea leaves",)),
    ScriptLine(155, "look", ("errors", "by", "region", "in", "release=r42")),
    ScriptLine(155, "look", ("errors", "by", "region", "in", "release=r1")),  # of long ago
    ScriptLine(155, "runbook", ("gpu_capacity",)),
    ScriptLine(155, "runbook"),
    ScriptLine(155, "check", ("2", "gpu_capacity")),
    ScriptLine(155, "check", ("9", "gpu_capacity")),
    ScriptLine(155, "check", ("1",)),  # of which runbook, nobody has said
    ScriptLine(156, "page", ("dana",)),
    ScriptLine(156, "page", ("frida",)),
    ScriptLine(156, "secure", ("call",)),
    ScriptLine(156, "secure", ("vault",)),
    ScriptLine(156, "suspect", ("gpu_reclaimed",)),
    ScriptLine(156, "suspect", ("gremlins",)),
    ScriptLine(156, "check", ("1",)),  # of what is suspected
    ScriptLine(156, "apply", ("magic",)),
    ScriptLine(156, "learn", ("lucky", "")),
    ScriptLine(156, "triage", ("sev2", "dana", "comms=bo and chen")),
    ScriptLine(156, "ask", ("add_replicas",)),
    ScriptLine(156, "predict", ("99",)),
    ScriptLine(156, "apply", ("add_replicas", "north")),  # aimed at nothing
    ScriptLine(156, "apply", ("drain_replica",)),  # which?
    ScriptLine(157, "apply", ("add_replicas",)),  # of another runbook
    ScriptLine(157, "apply", ("add_replicas",)),
    ScriptLine(165, "rollback", ("add_replicas",)),
    ScriptLine(165, "rollback", ("fail_over",)),
    ScriptLine(166, "note", ("two", "words  and two spaces")),
    ScriptLine(166, "note"),
    ScriptLine(166, "journal"),
    ScriptLine(167, "escalate"),
    ScriptLine(168, "handover", ("chen",)),
    ScriptLine(168, "apply", ("purge_cache",)),
    ScriptLine(172, "rollback", ("purge_cache",)),  # cannot be
    ScriptLine(172, "hint"),
    ScriptLine(172, "use", ("INC-002",)),
    ScriptLine(172, "update", ("identified", "40%", "All of it", "fails.")),
    ScriptLine(175, "update", ("identified", "140", "All of it fails.")),
    ScriptLine(178, "update", ("identified",)),
    ScriptLine(180, "learn", ("gossip", "none")),
    ScriptLine(180, "false_alarm"),
    ScriptLine(181, "resolve"),
    ScriptLine(300, "declare"),
    ScriptLine(301, "end"),
)
TWO = (
    ScriptLine(82, "ack"),
    ScriptLine(83, "triage", ("sev1",)),
    ScriptLine(84, "apply", ("fail_over", "south")),
    ScriptLine(88, "mitigated"),
    ScriptLine(148, "declare"),  # a minute before the page for it
    ScriptLine(149, "ack"),
    ScriptLine(150, "triage", ("sev2", "bo")),
    ScriptLine(162, "use", ("INC-001",)),
    ScriptLine(162, "update", ("monitoring", "The first is still well.")),
    ScriptLine(165, "use", ("INC-002",)),
    ScriptLine(165, "apply", ("shadow_rule",)),
    ScriptLine(170, "mitigated"),
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
    """A cockpit that has played a script of a bundled scenario."""
    return cockpit_of(SCENARIOS[name], *script)


def cockpit_of(scenario: Scenario, *script: ScriptLine) -> Cockpit:
    """A cockpit that has played a script."""
    cockpit = Cockpit(scenario)
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
