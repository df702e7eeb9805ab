"""The blameless postmortem: written from the journal, with what people learnt added.

The facts come from the record and from nowhere else. What it does not hold is said to be not recorded.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from oncall.catalogue import MITIGATIONS, RUNBOOKS
from oncall.incident import Incident
from oncall.journal import Event, in_effect
from oncall.slo import percent
from oncall.times import DAY, duration_text

SECTIONS = (
    "Summary",
    "Impact",
    "Detection",
    "Timeline (UTC)",
    "Contributing factors",
    "What went well",
    "What went wrong",
    "Where we got lucky",
    "Action items",
    "Metrics",
)
"""The sections of a postmortem, in their order."""

KINDS = ("prevent", "mitigate", "detect", "process")
_ITEM = re.compile(
    rf"- ({'|'.join(KINDS)}): (.+) \(owner: ([^,]+), due: (\d{{4}}-\d\d-\d\d)(?:, automates: (\w+))?\)"
)


@dataclass(frozen=True)
class ActionItem:
    """Something to change so that this does not recur, with one owner and a date.

    ``kind`` is prevent, mitigate, detect or process. ``automates`` names the mitigation that the
    system will apply by itself once this is done. White space in the text counts as one space.
    """

    kind: str
    text: str
    owner: str
    due: date
    automates: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, given {self.kind!r}")
        for name in ("text", "owner"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(
                    f"an action item needs a text and an owner, given {self.text!r} and {self.owner!r}"
                )
            object.__setattr__(self, name, _line(value))
        if "," in self.owner:  # two owners are none
            raise ValueError(f"an action item has one owner, given {self.owner!r}")
        if self.automates is not None and not re.fullmatch(r"\w+", str(self.automates)):
            raise ValueError(
                f"automates must be a mitigation's name such as fail_over, given {self.automates!r}"
            )
        if not isinstance(self.due, date) or isinstance(self.due, datetime):
            raise ValueError(f"due must be a date, given {self.due!r}; give e.g. date(2025, 4, 1)")

    def __str__(self) -> str:
        automates = f", automates: {self.automates}" if self.automates else ""
        return f"{self.kind}: {self.text} (owner: {self.owner}, due: {self.due}{automates})"


def write_postmortem(
    incident: Incident,
    *,
    contributing_factors: Iterable[str],
    action_items: Iterable[ActionItem],
    went_well: Iterable[str] = (),
    went_wrong: Iterable[str] = (),
    lucky: Iterable[str] = (),
) -> str:
    """A postmortem in Markdown with the sections of ``SECTIONS``.

    Summary, impact, detection, timeline and metrics are what the journal holds; the rest is what
    is passed in, each a list of sentences. An empty section says that nothing was recorded.
    """
    facts = (_impact(incident), _detection(incident), _timeline(incident))
    learnt = (contributing_factors, went_well, went_wrong, lucky, _items(action_items))
    bodies = [[_summary(incident)], *map(_bullets, (*facts, *learnt, _metrics(incident)))]
    lines = [f"# {_line(f'Postmortem {incident.id}: {incident.title}')}", ""]
    for section, body in zip(SECTIONS, bodies, strict=True):
        lines += [f"## {section}", "", *(body or ["Nothing recorded."]), ""]
    return "\n".join(lines)


def read_action_items(text: str) -> tuple[ActionItem, ...]:
    """The action items of a postmortem that ``write_postmortem`` wrote; other lines are left alone."""
    section = text.partition("\n## Action items")[2].partition("\n## ")[0]
    items = []
    for line in section.splitlines():
        if match := _ITEM.fullmatch(line):
            kind, what, owner, due, automates = match.groups()
            with contextlib.suppress(ValueError):  # 30 February
                items.append(ActionItem(kind, what, owner, date.fromisoformat(due), automates))
    return tuple(items)


def measured(incident: Incident) -> tuple[int, int]:
    """Good and total events over all of the incident's measures, (0, 0) when there are none."""
    measures = incident.events_of("measure")
    return sum(m.get("good") for m in measures), sum(m.get("total") for m in measures)


def automations(incident: Incident, owner: str) -> tuple[ActionItem, ...]:
    """An action item for each of the runbook's mitigations that was kept: next time it is applied by itself.

    One that cannot be rolled back is never left to a machine.
    """
    kept = in_effect(incident.events)
    book = RUNBOOKS[incident.symptom].mitigations if incident.symptom in RUNBOOKS else ()
    return tuple(
        automation(incident, one.name, owner) for one in book if one.name in kept and one.reversible
    )


def automation(incident: Incident, mitigation: str, owner: str) -> ActionItem:
    """The action item that leaves a mitigation to the system from now on."""
    what = f"{MITIGATIONS[mitigation].action} without waiting for a person"
    return ActionItem("mitigate", what, owner, due_date(incident), mitigation)


def due_date(incident: Incident) -> date:
    """When its action items are due: two weeks after what happened last."""
    return incident.events[-1].at.date() + 14 * DAY


LEARNT = {
    "factor": "contributing_factors",
    "well": "went_well",
    "wrong": "went_wrong",
    "lucky": "lucky",
    "prevent": "action_items",
    "detect": "action_items",
    "process": "action_items",
    "automate": "action_items",
}
"""What people learn during an incident, and the argument of ``write_postmortem`` that takes it."""


def draft_postmortem(incident: Incident) -> str:
    """The postmortem of an incident from what was written down with ``learn`` while it lasted.

    Causes, segments, triggers and onsets stand among the contributing factors, each with its name.
    What is to be automated must be a known mitigation; anything else is left out.
    """
    owner, due = incident.events[-1].by, due_date(incident)
    sections: dict[str, list[Any]] = {argument: [] for argument in LEARNT.values()}
    for event in incident.events_of("learn"):
        kind, value = event.get("kind"), event.get("value")
        if kind not in LEARNT:
            sections["contributing_factors"].append(f"{kind.capitalize()}: {value}")
        elif LEARNT[kind] != "action_items":
            sections[LEARNT[kind]].append(value)
        elif kind != "automate":
            sections["action_items"].append(ActionItem(kind, value, owner, due))
        elif value in MITIGATIONS:
            sections["action_items"].append(automation(incident, value, owner))
    kinds = ("prevent", "detect", "process", "mitigate")
    sections["action_items"].sort(key=lambda item: kinds.index(item.kind))
    return write_postmortem(incident, **sections)


# --- the sections that the journal fills ---------------------------------------------------------


def _summary(incident: Incident) -> str:
    triages = incident.events_of("triage")
    commander = f" {triages[-1].get('ic')} was incident commander." if triages else ""
    impact = incident.metrics().impact
    felt = (
        "How long users felt it is not recorded"
        if impact is None
        else f"Users felt it for {duration_text(impact)}"
    )
    return _line(
        f"On {incident.impact_start:%Y-%m-%d} at {incident.impact_start:%H:%M:%S} UTC this began: {incident.title}. "
        f"{felt}. Severity {incident.severity or 'not decided'}.{commander}"
    )


def _impact(incident: Incident) -> list[str]:
    good, total = measured(incident)
    impact = incident.metrics().impact
    length = "; for how long is not recorded" if impact is None else f" for {duration_text(impact)}"
    lines = [f"Users felt it from {_clock(incident, incident.impact_start)} UTC{length}."]
    if not total:
        return [*lines, "How many requests failed is not recorded."]
    bad = total - good
    last = max(event.at for event in incident.events_of("measure"))
    until = _clock(incident, last)
    lines.append(
        f"{bad:,} of {total:,} requests failed ({percent(bad / total, 3)}), measured until {until} UTC."
    )
    if last <= incident.impact_start:  # how long was measured is not known
        return lines
    slo = incident.slo
    spent = (last - incident.impact_start) / slo.period * float(bad / (total * slo.exact_budget))
    share = (
        percent(spent, 3) if spent < 9 else f"{spent:,.0%}"
    )  # three digits of 1,111% would be 1.11e+03%
    budget = (
        f"the error budget of an evenly loaded {duration_text(slo.period)} at {percent(slo.target)}"
    )
    return [*lines, f"That is {share} of {budget}."]


def _detection(incident: Incident) -> list[str]:
    detect, ttd = next(iter(incident.events_of("detect")), None), incident.metrics().ttd
    if detect is None or ttd is None:
        return []
    delay = f"{duration_text(abs(ttd))} {'after the impact began' if ttd >= timedelta() else 'before users felt it'}"
    by_alert = bool(detect.get("action"))
    noticed = f"{'An alert' if by_alert else 'A person'} noticed it at {_clock(incident, detect.at)} UTC, {delay}."
    return [noticed, f"{_sentence(detect)}."] if by_alert else [noticed]


def _timeline(incident: Incident) -> list[str]:
    began = (incident.impact_start, "impact began")
    told = [(event.at, f"{event.by}: {_sentence(event)}") for event in incident.events]
    return [
        f"{_clock(incident, at)} {text}"
        for at, text in sorted([began, *told], key=lambda entry: entry[0])
    ]


def _metrics(incident: Incident) -> list[str]:
    times = incident.metrics()
    return [
        f"{name}: {duration_text(getattr(times, name.lower()))}"
        for name in ("TTD", "TTA", "TTM", "TTR", "Impact")
    ]


_SENTENCES = {
    "acknowledge": "acknowledged",
    "approval": "{verdict}: {mitigation}",
    "ask": "asked for approval: {mitigation}",
    "close": "closed",
    "detect": "{action} {severity} on {window}, burn {burn:.1f}x",
    "escalate": "escalated",
    "learn": "learnt, {kind}: {value}",
    "measure": "measured: {good:,} of {total:,} requests good",
    "mitigate": "mitigation started: {action}{of}",
    "note": "{text}",
    "page": "paged {who}",
    "predict": "expects an SLI of {percent:g} %",
    "reopen": "reopened",
    "resolve": "resolved{how}",
    "rollback": "rolled back: {mitigation}",
    "sample": "sample kept of {input!r}",
    "secure": "security: {step}",
    "suspect": "suspects this cause: {cause}",
    "triage": "{severity}, {roles}",
    "update": "update to users{status}: {text}",
}  # and any other verb as it is


def _sentence(event: Event) -> str:
    """An event in a few words, for the timeline."""
    details = dict(event.details)
    if event.verb == "detect" and not details:
        return "reported by a person"
    told = [details["status"]] if "status" in details else []
    told += [f"{details['percent']:g} % of requests hit"] if "percent" in details else []
    words = {
        "verdict": "approved" if details.get("granted") else "not approved",
        "of": f" of {details['value']}" if "value" in details else "",
        "how": ", recovered by itself" if details.get("auto_recovered") else "",
        "roles": ", ".join(f"{name} {who}" for name, who in details.items() if name != "severity"),
        "status": f" ({', '.join(told)})" if told else "",
    }
    template = _SENTENCES.get(event.verb, event.verb.replace("_", " "))
    return _line(template.format_map(details | words))


def _clock(incident: Incident, at: datetime) -> str:
    """The time of day, with the date in front when the incident spans more than one."""
    moments = [incident.impact_start, *(event.at for event in incident.events)]
    pattern = "%H:%M:%S" if len({moment.date() for moment in moments}) == 1 else "%Y-%m-%d %H:%M:%S"
    return at.strftime(pattern)


def _items(items: Iterable[ActionItem]) -> list[str]:
    listed = _listed(items)
    if not isinstance(listed, list) or not all(isinstance(item, ActionItem) for item in listed):
        example = "ActionItem('prevent', 'Cap the retries', 'ana', date(2025, 4, 1))"
        raise ValueError(
            f"action_items must be a list of ActionItem, given {listed!r}; give e.g. [{example}]"
        )
    return list(map(str, listed))


def _bullets(lines: Iterable[str]) -> Sequence[str]:
    listed = _listed(lines)
    if not isinstance(listed, list) or not all(isinstance(line, str) for line in listed):
        raise ValueError(f"give a list of sentences such as ['One provider.'], given {listed!r}")
    return [f"- {_line(line)}" for line in listed]


def _listed(values: Any) -> Any:
    """The values as a list; a text, or what holds no values, as it is."""
    return values if isinstance(values, str) or not isinstance(values, Iterable) else list(values)


def _line(text: str) -> str:
    return " ".join(text.split())
