"""The blameless postmortem: written from the journal, with what people learnt added.

The facts come from the record and from nowhere else. What it does not hold is "not recorded".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.checks import check, check_choice, check_date, checked_text, checked_tuple
from oncall.files import one_line
from oncall.incident import Incident
from oncall.journal import Event, in_effect
from oncall.mitigations import MITIGATIONS
from oncall.slo import percent
from oncall.times import DAY, duration_text

SECTIONS = (
    "Summary", "Impact", "Detection", "Timeline (UTC)", "Contributing factors", "What went well",
    "What went wrong", "Where we got lucky", "Action items", "Metrics",
)  # fmt: skip
"""The sections of a postmortem, in their order."""

ITEM_KINDS = ("prevent", "mitigate", "detect", "process")
FAILURES = 5  # in a measure, from which on it shows an error ratio
_DUE = r"due: (\d{4}-\d\d-\d\d)"
_ITEM = re.compile(
    rf"- ({'|'.join(ITEM_KINDS)}): (.+) \(owner: ([^,]+), {_DUE}(?:, automates: (\w+))?\)"
)


@dataclass(frozen=True)
class ActionItem:
    """Something to change so that this does not recur, with one owner and a date.

    ``kind`` is prevent, mitigate, detect or process. ``automates`` names the mitigation that the
    system will apply by itself once this is done. White space in the texts becomes single spaces.
    """

    kind: str
    text: str
    owner: str
    due: date
    automates: str | None = None

    def __post_init__(self) -> None:
        check_choice(self.kind, "kind", ITEM_KINDS)
        for name in ("text", "owner"):
            object.__setattr__(self, name, one_line(checked_text(getattr(self, name), name)))
        check("," not in self.owner, "owner", "one person", self.owner)  # of two neither does it
        is_name = self.automates is None or re.fullmatch(r"\w+", str(self.automates))
        need = "a mitigation's name such as fail_over"
        check(is_name, "automates", need, self.automates)
        check_date(self.due, "due")

    def __str__(self) -> str:
        return self.written(str)

    def written(self, write: Callable[[str], str]) -> str:
        """The item as a line, in which ``write`` puts down what people typed."""
        automates = f", automates: {self.automates}" if self.automates else ""
        text, owner = write(self.text), write(self.owner)
        return f"{self.kind}: {text} (owner: {owner}, due: {self.due}{automates})"


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

    Summary, impact, detection, timeline and metrics come from the journal. The other sections are
    passed in, each as a list of sentences. An empty section says "Nothing recorded."
    """
    learnt = [_bullets(texts) for texts in (contributing_factors, went_well, went_wrong, lucky)]
    facts = [_bullets(body(incident)) for body in (_impact, _detection, _timeline)]
    items, metrics = _items(action_items), _bullets(_metrics(incident))
    bodies = [[_typed(_summary(incident))], *facts, *learnt, items, metrics]
    lines = [f"# {_typed(f'Postmortem {incident.id}: {incident.title}')}", ""]
    for section, body in zip(SECTIONS, bodies, strict=True):
        lines += [f"## {section}", "", *(body or ["Nothing recorded."]), ""]
    return "\n".join(lines)


def read_action_items(text: str) -> tuple[ActionItem, ...]:
    """The action items of a postmortem that ``write_postmortem`` wrote; other lines are ignored."""
    section = text.partition("\n## Action items")[2].partition("\n## ")[0]
    items = []
    for match in filter(None, map(_ITEM.fullmatch, section.splitlines())):
        kind, what, owner, due, automates = match.groups()
        with contextlib.suppress(ValueError):  # 30 February
            day = date.fromisoformat(due)
            items.append(ActionItem(kind, _as_typed(what), _as_typed(owner), day, automates))
    return tuple(items)


def measured(incident: Incident) -> tuple[int, int]:
    """Good and total events over all of the incident's measures, (0, 0) if there are none."""
    measures = incident.events_of("measure")
    return sum(m.get("good") for m in measures), sum(m.get("total") for m in measures)


def worst_error_ratio(incident: Incident) -> float:
    """The highest error ratio of a measure with at least five failed requests, 0 if none has them.

    One lone request that failed shows no ratio. Where no measure has five, as at ten requests an
    hour, it is the highest of measures in a row that have five together. Five is few: at 95 %
    confidence the true ratio is 39 % of this one or more (1.97 expected where 5 are seen: Garwood,
    Biometrika 28, 1936).
    """
    sums = [(0, 0)]
    for event in incident.events_of("measure"):
        failed, total = sums[-1]
        good, of = event.get("good"), event.get("total")
        sums.append((failed + of - good, total + of))
    for stretches in (pairwise(sums), combinations(sums, 2)):
        counts = ((to[0] - since[0], to[1] - since[1]) for since, to in stretches)
        worst = max((failed / total for failed, total in counts if failed >= FAILURES), default=0.0)
        if worst:
            return worst
    return 0.0


def automations(incident: Incident, owner: str) -> tuple[ActionItem, ...]:
    """An action item to automate each of the runbook's mitigations that was kept.

    A mitigation that cannot be rolled back is never left to a machine.
    """
    kept = in_effect(incident.events)
    symptom = symptom_of(incident.cause, incident.symptom)
    mitigations = RUNBOOKS[symptom].mitigations if symptom in RUNBOOKS else ()
    names = [m.name for m in mitigations if m.name in kept and m.reversible]
    return tuple(automation(incident, name, owner) for name in names)


def automation(incident: Incident, mitigation: str, owner: str) -> ActionItem:
    """The action item to let the system apply a mitigation by itself."""
    what = f"{MITIGATIONS[mitigation].action} without waiting for a person"
    return ActionItem("mitigate", what, owner, due_date(incident), mitigation)


def due_date(incident: Incident) -> date:
    """The day on which an incident's action items are due: two weeks after its last event."""
    return incident.events[-1].at.date() + 14 * DAY


LEARNT = {
    "factor": "contributing_factors", "well": "went_well", "wrong": "went_wrong",
    "lucky": "lucky", "prevent": "action_items", "detect": "action_items",
    "process": "action_items", "automate": "action_items",
}  # fmt: skip
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


class TimelineEntry(NamedTuple):
    """A line of an incident's timeline: when, the verb or ``impact``, and who did what in words."""

    at: datetime
    verb: str
    text: str


def timeline(incident: Incident) -> list[TimelineEntry]:
    """What happened in an incident, by time; the impact comes first among equals."""
    entries = [TimelineEntry(incident.impact_start, "impact", "impact began")]
    for event in incident.events:
        entries.append(TimelineEntry(event.at, event.verb, f"{event.by}: {_sentence(event)}"))
    return sorted(entries, key=lambda entry: entry.at)


# --- the sections that the journal fills ---------------------------------------------------------


def _summary(incident: Incident) -> str:
    began = f"On {incident.impact_start:%Y-%m-%d at %H:%M:%S} UTC this began"
    impact = incident.metrics().impact
    felt = "How long users felt it is not recorded"
    if impact is not None:
        felt = f"Users felt it for {duration_text(impact)}"
    severity = incident.severity or "not decided"
    triages = incident.events_of("triage")
    commander = f" {triages[-1].get('ic')} was incident commander." if triages else ""
    return one_line(f"{began}: {incident.title}. {felt}. Severity {severity}.{commander}")


def _impact(incident: Incident) -> list[str]:
    start, impact, slo = incident.impact_start, incident.metrics().impact, incident.slo
    length = "; for how long is not recorded" if impact is None else f" for {duration_text(impact)}"
    lines = [f"Users felt it from {_clock(incident, start)} UTC{length}."]
    good, total = measured(incident)
    if not total:
        return [*lines, "How many requests failed is not recorded."]
    bad = total - good
    end = max(event.at for event in incident.events_of("measure"))
    failed = f"{bad:,} of {total:,} requests failed ({percent(bad / total, 3)})"
    lines.append(f"{failed}, measured until {_clock(incident, end)} UTC.")
    if end <= start:  # how long was measured is not known
        return lines
    spent = (end - start) / slo.period * float(bad / (total * slo.exact_budget))
    share = percent(spent, 3) if spent < 9 else f"{spent:,.0%}"  # not 1.11e+03%
    budget = f"the error budget of an evenly loaded {duration_text(slo.period)}"
    return [*lines, f"That is {share} of {budget} at {percent(slo.target)}."]


def _detection(incident: Incident) -> list[str]:
    detections = incident.events_of("detect")
    if not detections:
        return []
    detect = detections[0]
    ttd = detect.at - incident.impact_start
    when = "before users felt it" if ttd < timedelta() else "after the impact began"
    by_alert = bool(detect.get("action"))
    noticed = "An alert noticed it" if by_alert else "A person noticed it"
    if detect.get("afterwards"):
        noticed = "It was noticed"  # by whom is not recorded
    clock = _clock(incident, detect.at)
    noticed = f"{noticed} at {clock} UTC, {duration_text(abs(ttd))} {when}."
    return [noticed, f"{_sentence(detect)}."] if by_alert else [noticed]


def _timeline(incident: Incident) -> list[str]:
    return [f"{_clock(incident, entry.at)} {entry.text}" for entry in timeline(incident)]


def _metrics(incident: Incident) -> list[str]:
    times = incident.metrics()
    names = ("TTD", "TTA", "TTM", "TTR", "Impact")
    return [f"{name}: {duration_text(getattr(times, name.lower()))}" for name in names]


_SENTENCES = {
    "acknowledge": "acknowledged", "close": "closed", "reopen": "reopened",
    "escalate": "escalated", "resolve": "resolved{how}", "note": "{text}",
    "approval": "{verdict}: {mitigation}",
    "ask": "asked for approval: {mitigation}",
    "correct": "the impact began at {impact_start}, not at {was}",
    "detect": "{action} {severity} on {window}, burn {burn:.1f}x",
    "look": "looked at {reading}",
    "learn": "learnt, {kind}: {value}",
    "measure": "measured: {good:,} of {total:,} requests good",
    "mitigate": "mitigation started: {action}{of}",
    "page": "paged {who}",
    "predict": "expects an SLI of {percent:g} %",
    "rollback": "rolled back: {mitigation}",
    "sample": "sample kept of {input!r}",
    "secure": "security: {step}",
    "suspect": "suspects this cause: {cause}",
    "triage": "{severity}, {roles}",
    "update": "update to users{status}: {text}",
}  # fmt: skip  # any other verb is told as it is


def _sentence(event: Event) -> str:
    """An event in a few words, for the timeline."""
    details = dict(event.details)
    if event.verb == "detect" and "action" not in details:
        return "noticed" if details else "reported by a person"
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
    return one_line(template.format_map(details | words))


def _clock(incident: Incident, at: datetime) -> str:
    """The time of day, with the date in front if the incident spans more than one."""
    days = {incident.impact_start.date(), *(event.at.date() for event in incident.events)}
    return at.strftime("%H:%M:%S" if len(days) == 1 else "%Y-%m-%d %H:%M:%S")


# --- the sections that people fill ---------------------------------------------------------------


def _items(items: Iterable[ActionItem]) -> list[str]:
    example = "ActionItem('prevent', 'Cap the retries', 'ana', date(2025, 4, 1))"
    need, hint = "a list of ActionItem", f"give e.g. [{example}]"
    items = checked_tuple(items, ActionItem, "action_items", need, hint)
    return [f"- {item.written(_typed)}" for item in items]


def _bullets(lines: Iterable[str]) -> list[str]:
    need = "a list of sentences such as ['One provider.']"
    return [f"- {_typed(line)}" for line in checked_tuple(lines, str, "a section", need)]


# What CommonMark, or GitHub's and Jupyter's kinds of it, would read as something else than text. A
# plain sentence has none of it: fail_over, 5 * 3, a < b, [1] and addresses stay as they are.
_MARKUP = re.compile(
    r"""(?x)
    (?<=^)(?:[#]{1,6}(?=\s|$) | > | [-+*](?=\s|$) | ([-_*])(?=(?:\s*\1){2,}\s*$) | ~(?=~~))
    | (?<=\s)[#](?=[#]*$) | (?:(?<=^\d)|(?<=^\d\d)|(?<=^\d{3}))[.)](?=\s|$)
    | \\(?=[!-/:-@\[-`{-~]) | ` | ~(?=~)            # escapes, code, deletions
    | <(?=[A-Za-z/!?]) | &(?=[#]?\w+;)               # tags, comments, addresses, entities
    | \](?=[(\[:])                                   # links and images
    | (?<!\s)\*|\*(?!\s) | (?<![^\W_])_|_(?![^\W_])        # emphasis
    | \$(?=.*\$) | \((?=owner:)                      # mathematics; where an owner is read
    """
)


def _typed(text: str) -> str:
    """What somebody typed as a line of Markdown that shows it and is nothing else."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def _as_typed(text: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
