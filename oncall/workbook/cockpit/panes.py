"""What the cockpit's panes say: header, journal and runbook as HTML, and the words they share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from itertools import zip_longest

from ipywidgets import HTML, Button, HBox, VBox

from oncall.catalogue import RUNBOOKS
from oncall.gameday import Desk
from oncall.incident import Incident
from oncall.postmortem import timeline
from oncall.runbook import Check, Mitigation, Runbook
from oncall.slo import burn_rate, percent
from oncall.times import HOUR, MINUTE, duration_text
from oncall.workbook.cockpit.controls import PANE, Controls, waiting

STYLE = """<style>
.oncall-cockpit { --edge: var(--jp-border-color2, #bdbdbd);
  --quiet: var(--jp-ui-font-color2, #616161); }
.oncall-cockpit .widget-html { width: auto; height: auto; min-width: 0; overflow: visible; }
.oncall-cockpit .widget-html-content { min-width: 0; height: auto; line-height: 1.4; }
.oncall-cockpit .widget-box { overflow: visible; }
.oncall-cockpit .header { display: flex; flex-wrap: wrap; gap: 4px 28px; }
.oncall-cockpit .facts { display: flex; flex-wrap: wrap; gap: 2px 20px; flex: 1 1 300px;
  align-content: flex-start; }
.oncall-cockpit .slis { border-collapse: collapse; align-self: flex-start;
  font-variant-numeric: tabular-nums; }
.oncall-cockpit .slis :is(th, td) { padding: 0 10px 0 0; text-align: right; font-weight: 400; }
.oncall-cockpit .slis :is(th:first-child, td:last-child) { text-align: left; }
.oncall-cockpit .slis .at-hand { font-weight: 600; }
.oncall-cockpit .facts b { font-weight: 600; font-variant-numeric: tabular-nums; }
.oncall-cockpit .rings { background: #A93F00; color: #fff; padding: 0 6px; border-radius: 3px; }
.oncall-cockpit .label { color: var(--quiet); }
.oncall-cockpit .group { padding-top: 5px; }
.oncall-cockpit .says { white-space: pre-wrap; overflow: auto; height: 8.2em; padding: 4px 8px;
  font-family: var(--jp-code-font-family, monospace); font-size: .92em;
  border: 1px solid var(--edge); border-left: 4px solid #0072B2; box-sizing: border-box; }
.oncall-cockpit h4 { margin: 4px 0 2px; font-size: 1em; font-weight: 600; }
.oncall-cockpit ol, .oncall-cockpit ul { margin: 0; padding-left: 1.4em; }
.oncall-cockpit .mark { border: 1px solid var(--edge); border-radius: 3px; padding: 0 4px;
  font-size: .9em; }
.oncall-cockpit .in { background: #0072B2; border-color: #0072B2; color: #fff; }
.oncall-runbook > .widget-dropdown { flex-wrap: wrap; height: auto; }
.oncall-runbook > .widget-dropdown > select { flex: 1 1 17em; min-width: 0; font-size: 12px;
  height: var(--jp-widgets-inline-height, 28px); }
.oncall-cockpit .readings { max-height: 13em; overflow: auto; border: 1px solid var(--edge);
  padding: 4px 8px; box-sizing: border-box; }
.oncall-cockpit .readings pre { margin: 0 0 .6em; font-size: .92em; line-height: 1.3;
  white-space: pre-wrap; }
.oncall-timeline .lines { max-height: 13em; overflow: auto; display: flex;
  flex-direction: column-reverse; border: 1px solid var(--edge); padding: 4px 8px; }
.oncall-timeline .line { display: grid; grid-template-columns: auto 1fr; column-gap: 10px; }
.oncall-timeline .line b { font-variant-numeric: tabular-nums; font-weight: 600; }
.oncall-review textarea { width: 100%; }
.oncall-score .dimension { display: flex; flex-wrap: wrap; gap: 0 14px; padding: 2px 0;
  border-top: 1px solid var(--edge); }
.oncall-score .dimension b { flex: 0 0 13em; font-weight: 600; font-variant-numeric: tabular-nums; }
.oncall-score .dimension span { flex: 1 1 15em; }
</style>"""


# --- the header ----------------------------------------------------------------------------------


def header_html(desk: Desk) -> str:
    """The SLIs and the facts above the picture; what is alarming stands out."""
    paged = paged_now(desk)
    at_hand, *waiting = open_incidents(desk) or ["none is open"]
    facts = {
        "Time": f"{desk.now:%H:%M} of {desk.ends:%H:%M} UTC",
        "Burn, 1h": burn_text(desk).removeprefix("burn "),
        "Budget spent": f"{desk.service.spent:.2%}",
        "Incident": at_hand,
        "Waits": "; ".join(waiting),
        "Paging": paged or "nobody",
        "Fires": ", ".join(rule.name for rule in desk.firing) or "nothing",
        "Harmed": ", ".join(desk.harmed) or "nothing",
        "In effect": ", ".join(desk.applied) or "nothing",
        "Update to users": "due" if desk.update_due else "not due",
    }
    alarming = {"Paging": paged, "Harmed": desk.harmed, "Update to users": desk.update_due}
    items = ""
    for name, fact in facts.items():
        loud = "rings" if alarming.get(name) else ""
        if fact:
            label = f'<span class="label">{name}</span>'
            items += f'<span>{label} <b class="{loud}">{escape(fact)}</b></span>'
    return f'<div class="header">{slis_html(desk)}<div class="facts">{items}</div></div>'


def slis_html(desk: Desk) -> str:
    """A row for each SLI that is watched: how it is now and was, and a word where it is low."""
    rows = ""
    for name, slo in desk.slos.items():
        shares = [share_text(desk.service.sli_of(name, length)) for length in (MINUTE, HOUR)]
        cells = "".join(f"<td>{text}</td>" for text in (*shares, percent(slo.target)))
        low = '<b class="rings">low</b>' if desk.service.is_low(name) else ""
        at_hand = ' class="at-hand"' if name == desk.slo.name else ""
        rows += f'<tr{at_hand}><th scope="row">{name}</th>{cells}<td>{low}</td></tr>'
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("SLI", "minute", "hour", "target", "")
    )
    return f'<table class="slis"><tr>{heads}</tr>{rows}</table>'


def share_text(share: float) -> str:
    """A share of good events, in words where there were none."""
    return "no requests" if math.isnan(share) else f"{share:.1%}"


def open_incidents(desk: Desk) -> list[str]:
    """The incidents that are not closed: the one at hand, then those that wait."""
    return [
        f"{incident.id} {incident.state}, {incident.severity or 'no severity'}: {incident.title}"
        for incident in (*filter(None, [desk.incident]), *waiting(desk))
    ]


def sli_label(desk: Desk) -> str:
    """The SLI of the last minute, in words."""
    return "no requests" if math.isnan(desk.sli) else f"SLI {share_text(desk.sli)}"


def burn_text(desk: Desk) -> str:
    """The burn rate of the last hour, in words."""
    ratio = desk.service.sli_over(HOUR)
    burn = burn_rate(ratio, desk.slo)
    return "burn unknown" if math.isnan(ratio) else f"burn {burn:.1f}x"


def paged_now(desk: Desk) -> str:
    """Whom the pager calls, while nobody has answered; else nothing."""
    if not desk.pager.ringing or not desk.incident:
        return ""
    pages = desk.incident.events_of("page")
    return str(pages[-1].get("who")) if pages else ""


# --- the journal ---------------------------------------------------------------------------------


def journal_lines(incidents: Iterable[Incident]) -> list[str]:
    """What the journals say but for measures, by time in UTC; with two, each line names its own."""
    incidents, entries = list(incidents), []
    for incident in incidents:
        name = f"{incident.id} " if len(incidents) > 1 else ""
        for at, verb, text in timeline(incident):
            if verb != "measure":
                entries.append((at, f"{at:%H:%M} {name}{text}"))
    return [line for _, line in sorted(entries, key=lambda entry: entry[0])]


def timeline_html(incidents: Iterable[Incident]) -> str:
    """The journal as a list that stays at its end."""
    rows = ""
    for line in journal_lines(incidents):
        at, _, text = line.partition(" ")
        rows += f'<div class="line"><b>{at}</b><span>{escape(text)}</span></div>'
    lines = f'<div class="lines" tabindex="0"><div>{rows or "No incident so far."}</div></div>'
    return f"<h4>Journal (UTC)</h4>{lines}"


def readings_html(readings: Iterable[str]) -> str:
    """The last readings, the newest first, to be compared."""
    items = "".join(f"<pre>{escape(text)}</pre>" for text in reversed(list(readings)))
    if not items:
        return ""
    return f'<h4>Last readings</h4><div class="readings" tabindex="0">{items}</div>'


# --- the runbook ---------------------------------------------------------------------------------


class RunbookPane(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A runbook to choose: its checks with what they read, and its mitigations to apply."""

    def __init__(self, desk: Desk, controls: Controls):
        self.readings: dict[tuple[str, int], str] = {}  # by symptom and number of the check
        self._desk, self._controls = desk, controls
        self._symptom = controls.inputs["symptom"]
        self._symptom.observe(lambda _: self.show(), "value")
        checks = [button for name, button in controls.buttons.items() if name.startswith("Check")]
        self._rows = [_check_row(button) for button in checks]
        self._mitigations = HTML()
        steps = controls.row("mitigation", "aim", "Ask", "Apply", "Roll back")
        super().__init__([self._symptom, *self._rows, self._mitigations, steps], layout=PANE)
        self.add_class("oncall-runbook")

    def show(self) -> None:
        """Show the runbook that is chosen, and what of it is in effect."""
        runbook, applied = RUNBOOKS.get(self._symptom.value), self._desk.applied
        steps = [step.name for step in runbook.mitigations] if runbook else []
        self._controls.offer_mitigations(list(dict.fromkeys([*steps, *applied])))
        self._show_checks(runbook.checks if runbook else ())
        self._mitigations.value = _mitigations_html(runbook, applied) if runbook else ""
        self._controls.allow()

    def _show_checks(self, checks: tuple[Check, ...]) -> None:
        for number, (row, check) in enumerate(zip_longest(self._rows, checks), 1):
            row.layout.display = "flex" if check else "none"
            if check:
                _, text = row.children
                text.value = escape(self.readings.get((self._symptom.value, number), check.look))


def _check_row(button: Button) -> HBox:
    """A check's button, with what to look at, or what was read, beside it."""
    return HBox([button, HTML(layout={"flex": "1 1 0%"})], layout={"align_items": "baseline"})


def _mitigations_html(runbook: Runbook, applied: tuple[str, ...]) -> str:
    items = "".join(_mitigation_html(step, step.name in applied) for step in runbook.mitigations)
    then = f'<div class="label">If that does not do: {escape(runbook.escalate_to)}.</div>'
    return f"<h4>Mitigations, least risk first</h4><ol>{items}</ol>{then}"


def _mitigation_html(step: Mitigation, applied: bool) -> str:
    """A mitigation as an item of a list: its name, its marks, what it does and its risk."""
    marks = {"in effect": applied, "irreversible": not step.reversible}
    marks["ask first"] = step.needs_approval
    title = f"<b>{step.name}</b>"
    for mark, is_so in marks.items():
        if is_so:
            title += f' <span class="mark {mark[:2]}">{mark}</span>'
    what = f"{step.action}; risk {step.risk}; shows after {duration_text(step.settle)}"
    return f"<li>{title}: {escape(what)}</li>"
