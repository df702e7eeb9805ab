"""The blameless postmortem: written from the journal, with what people learnt added.

The facts come from the record and from nowhere else. What it does not hold reads "Not recorded."
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from oncall.blameless import SECTIONS as SECTIONS
from oncall.blameless import lint_postmortem as lint_postmortem
from oncall.incident import Event, Incident
from oncall.slo import exact, percent
from oncall.times import duration_text

KINDS = ("prevent", "mitigate", "detect", "process")


@dataclass(frozen=True)
class ActionItem:
    """Something to change so that this does not recur, with one owner and a date.

    ``kind`` is prevent, mitigate, detect or process. ``automates`` names the mitigation that the
    system will apply by itself once this is done.
    """

    kind: str
    text: str
    owner: str
    due: date
    automates: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, given {self.kind!r}")
        if not self.text.strip() or not self.owner.strip():
            raise ValueError(f"an action item needs a text and an owner, given {self.text!r} and {self.owner!r}")
        if not isinstance(self.due, date) or isinstance(self.due, datetime):
            raise ValueError(f"due must be a date, given {self.due!r}; give e.g. date(2025, 4, 1)")

    def __str__(self) -> str:
        automates = f", automates: {self.automates}" if self.automates else ""
        return f"{self.kind}: {_line(self.text)} (owner: {self.owner}, due: {self.due}{automates})"


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
    is passed in. An empty section says that nothing was recorded.
    """
    bodies = (
        [_summary(incident)],
        _bullets(_impact(incident)),
        _bullets(_detection(incident)),
        _bullets(_timeline(incident)),
        _bullets(contributing_factors),
        _bullets(went_well),
        _bullets(went_wrong),
        _bullets(lucky),
        _bullets(map(str, action_items)),
        _bullets(_metrics(incident)),
    )
    lines = [f"# Postmortem {incident.id}: {_line(incident.title)}", ""]
    for section, body in zip(SECTIONS, bodies, strict=True):
        lines += [f"## {section}", "", *(body or ["Nothing recorded."]), ""]
    return "\n".join(lines)


def read_action_items(text: str) -> tuple[ActionItem, ...]:
    """The action items of a postmortem that ``write_postmortem`` wrote; other lines are left alone."""
    pattern = re.compile(
        rf"^- ({'|'.join(KINDS)}): (.+) \(owner: ([^,]+), due: (\d{{4}}-\d\d-\d\d)(?:, automates: (\w+))?\)$", re.M
    )
    return tuple(
        ActionItem(kind, what, owner, date.fromisoformat(due), automates or None)
        for kind, what, owner, due, automates in pattern.findall(text)
    )


def measured(incident: Incident) -> tuple[int, int]:
    """Good and total events over all of the incident's measures, (0, 0) when there are none."""
    measures = [event for event in incident.events if event.verb == "measure"]
    return sum(m.get("good") for m in measures), sum(m.get("total") for m in measures)


# --- the sections that the journal fills ---------------------------------------------------------


def _summary(incident: Incident) -> str:
    triages = [event for event in incident.events if event.verb == "triage"]
    commander = f" {triages[-1].get('ic')} was incident commander." if triages else ""
    impact = incident.metrics().impact
    felt = f"users felt it for {duration_text(impact)}" if impact is not None else "how long users felt it is not recorded"
    return (
        f"{_line(incident.title)}. On {incident.impact_start:%Y-%m-%d} from {incident.impact_start:%H:%M:%S} UTC "
        f"{felt}. Severity {incident.severity or 'not decided'}.{commander}"
    )


def _impact(incident: Incident) -> list[str]:
    good, total = measured(incident)
    impact = incident.metrics().impact
    lines = [f"Users felt it from {_clock(incident, incident.impact_start)} UTC for {duration_text(impact)}."]
    if not total:
        return [*lines, "How many requests failed is not recorded."]
    bad = total - good
    last = max(event.at for event in incident.events if event.verb == "measure")
    spent = (last - incident.impact_start) / incident.slo.period * float(exact(bad) / total / incident.slo.exact_budget)
    return [
        *lines,
        f"{bad:,} of {total:,} requests failed ({percent(bad / total, 3)}), measured until {_clock(incident, last)} UTC.",
        f"That is {percent(spent, 3)} of the error budget of an evenly loaded {duration_text(incident.slo.period)} "
        f"at {percent(incident.slo.target)}.",
    ]


def _detection(incident: Incident) -> list[str]:
    detect = next((event for event in incident.events if event.verb == "detect"), None)
    if detect is None:
        return []
    what = "An alert" if detect.get("action") else "A person"
    return [
        f"{what} noticed it at {_clock(incident, detect.at)} UTC, {_delay(incident.metrics().ttd)}.",
        *([f"{_sentence(detect)}."] if detect.get("action") else []),
    ]


def _delay(ttd: timedelta | None) -> str:
    if ttd is not None and ttd < timedelta():
        return f"{duration_text(-ttd)} before users felt it"
    return f"{duration_text(ttd)} after the impact began"


def _timeline(incident: Incident) -> list[str]:
    began = (incident.impact_start, "impact began")
    told = [(event.at, f"{event.by}: {_sentence(event)}") for event in incident.events]
    return [f"{_clock(incident, at)} {text}" for at, text in sorted([began, *told], key=lambda entry: entry[0])]


def _metrics(incident: Incident) -> list[str]:
    times = incident.metrics()
    return [f"{name.upper()}: {duration_text(getattr(times, name))}" for name in ("ttd", "tta", "ttm", "ttr")] + [
        f"Impact: {duration_text(times.impact)}"
    ]


def _sentence(event: Event) -> str:
    """An event in a few words, for the timeline."""
    roles = ", ".join(f"{name} {value}" for name, value in event.details if name != "severity")
    sentences = {
        "detect": f"{event.get('action')} {event.get('severity')} on {event.get('window')}, burn {event.get('burn', 0):.1f}x"
        if event.get("action")
        else "reported by a person",
        "triage": f"{event.get('severity')}, {roles}",
        "mitigate": f"mitigation started: {event.get('action')}",
        "resolve": "resolved" + (", recovered by itself" if event.get("auto_recovered") else ""),
        "update": f"update to users: {event.get('text')}",
        "note": str(event.get("text")),
        "measure": f"{event.get('good', 0):,} of {event.get('total', 0):,} requests good since the last measure",
        "sample": f"sample kept of {event.get('input')!r}",
        "acknowledge": "acknowledged",
        "false_alarm": "false alarm",
        "close": "closed",
        "reopen": "reopened",
    }
    return _line(sentences.get(event.verb, event.verb))


def _clock(incident: Incident, at: datetime) -> str:
    """The time of day, with the date in front when the incident spans more than one."""
    moments = [incident.impact_start, *(event.at for event in incident.events)]
    pattern = "%H:%M:%S" if len({moment.date() for moment in moments}) == 1 else "%Y-%m-%d %H:%M:%S"
    return at.strftime(pattern)


def _bullets(lines: Iterable[str]) -> Sequence[str]:
    return [f"- {_line(line)}" for line in lines]


def _line(text: str) -> str:
    return " ".join(text.split())
