"""What the command line prints of a shift: plain text, the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from oncall.alerting import google_policy
from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.cli.layout import INDENT, WIDTH, axis_lines, chart, cut, mark_lines, wrap
from oncall.counts import Counts
from oncall.gameday.scoring import Score
from oncall.gameday.shift import Shift
from oncall.incident import Incident
from oncall.journal import Event
from oncall.postmortem import ActionItem, measured, read_action_items
from oncall.regression import prove, replay, to_eval_case
from oncall.slo import burn_rate, percent, sli
from oncall.times import DAY, HOUR, MINUTE, duration_text


def shift_text(shift: Shift, score: Score | None = None) -> str:
    """A shift from A, the healthy service, to F, the regression case, and its score."""
    scenario, clock = shift.scenario, "%Y-%m-%d %H:%M"
    end = scenario.start + scenario.length
    when = f"{scenario.start:{clock}} to {end:{clock}} UTC"
    heading = [f"On call: {scenario.name}, seed {shift.seed}", f"{when}, SLO {scenario.slo}"]
    lines = [*wrap(heading, 3), ""]
    for incident in shift.incidents:
        if len(shift.incidents) > 1:
            lines += [*wrap([f"{incident.id}: {incident.title}"], 3), ""]
        parts = _parts(shift.counts, incident, incident == shift.incidents[0])
        for letter, (title, part) in zip("ABCDEF", parts.items(), strict=True):
            lines += [f"{letter}  {title}", *((INDENT + line).rstrip() for line in part), ""]
    if not shift.incidents:
        lines += ["Nothing fired. A quiet shift.", ""]
    if score is not None:
        lines += ["Score of the shift", "", *wrap(score_lines(score), 26, INDENT), ""]
    return "\n".join(lines)


def score_lines(score: Score) -> list[str]:
    """A score, a line for each dimension and one for the sum."""
    return str(score).splitlines()


def score_text(score: Score) -> str:
    """The score of a shift, with the reasons."""
    return "\n".join(["Score of the shift", "", *wrap(score_lines(score), 26), ""])


# --- a table of shifts ---------------------------------------------------------------------------

_TIMES = {"TTD": 7, "TTA": 6, "TTM": 7, "impact": 8}  # the metrics shown, and how wide


def table(shifts: Sequence[Shift]) -> str:
    """Shifts as a table, one line per incident, and the score of each shift beside its first."""
    times = "".join(f"{name:>{width}}" for name, width in _TIMES.items())
    lines = [f"{'scenario':<26}{'sev':<6}{times}{'failed':>9}{'score':>7}"]
    for shift in shifts:
        name = cut(shift.scenario.name, 25)
        points = f"{shift.score.points:>7}"
        for row in [_row(incident) for incident in shift.incidents] or [f"{'nothing fired':<43}"]:
            lines.append(f"{name:<26}{row}{points}".rstrip())
            name = points = ""
    return "\n".join([*lines, ""])


def _row(incident: Incident) -> str:
    good, total = measured(incident)
    times = ""
    for name, width in _TIMES.items():
        length = getattr(incident.metrics(), name.lower())
        times += f"{'-' if length is None else duration_text(length):>{width}}"
    return f"{incident.severity or '?':<6}{times}{total - good:>9,}"


# --- the six parts -------------------------------------------------------------------------------

# How an incident came to light, by what the alert asked for: the heading, and the mark on the axis.
_FOUND = {
    "page": ("The alert pages", "paged"),
    "ticket": ("The alert opens a ticket", "ticket"),
    None: ("A person notices", "noticed"),
}
_BEGUN = {"acknowledge": "acknowledged", "triage": "triaged"}
_ENDED = {"mitigated": "mitigated", "resolve": "resolved", "false_alarm": "false alarm"}


def _parts(counts: Counts, incident: Incident, is_first: bool) -> dict[str, list[str]]:
    heading, _ = _FOUND[_detected(incident).get("action")]
    return {
        "A healthy service" if is_first else "The hour before": _healthy(counts, incident),
        "The outage burns the budget": _burning(counts, incident),
        heading: _paging(counts, incident),
        "Opened and triaged": _triaged(incident),
        "The runbook mitigates, step by step": _mitigated(incident),
        "Learning from it": _learnt(incident),
    }


def _detected(incident: Incident) -> Event:
    return incident.events_of("detect")[0]


def _line(event: Event, words: str) -> str:
    return f"{event.at:%H:%M}              {words}"


def _sli(counts: Counts, end: datetime, length: timedelta) -> float:
    """The SLI of the stretch of this length that ends at a moment."""
    part = counts.slice(end - length, end)
    return sli(sum(part.good), sum(part.total))


def _healthy(counts: Counts, incident: Incident) -> list[str]:
    before = counts.slice(incident.impact_start - HOUR, incident.impact_start)
    good, total, slo = sum(before.good), sum(before.total), incident.slo
    burn = burn_rate(sli(good, total), slo)
    all_of_it = f"the budget of {percent(slo.error_budget)} in {duration_text(slo.period)}"
    return [
        f"the hour before    {good:,} of {total:,} requests good",
        f"SLI                {sli(good, total):.1%}",
        f"burn rate          {burn:.2f}x; 1x spends {all_of_it}",
    ]


def _burning(counts: Counts, incident: Incident) -> list[str]:
    """The lowest SLI and the highest burn rate in each column, and what happened, on one axis."""
    begin, step, columns = _frame(incident)
    size = step // MINUTE
    end = min(counts.end, begin + columns * step)
    minutes = [begin + n * MINUTE for n in range(1, (end - begin) // MINUTE + 1)]
    slis = [_sli(counts, at, MINUTE) for at in minutes]
    burns = [burn_rate(_sli(counts, at, HOUR), incident.slo) for at in minutes]
    starts = range(0, len(minutes), size)
    lowest = [min(slis[start : start + size]) for start in starts]
    highest = [max(burns[start : start + size]) for start in starts]
    title = f"lowest SLI of a minute in each {duration_text(step)}"
    if step == MINUTE:
        title = "SLI of each minute"
    axis = axis_lines(begin, columns, step)
    factor = google_policy(incident.slo.period)[0].factor
    top = max(1.5 * factor, *burns)
    labels = [f"{top * row / 4:.0f}x" for row in (4, 3, 2, 1)]
    lines = [*chart(title, ("100%", "75%", "50%", "25%"), lowest, 1.0), *axis]
    burn = f"burn rate of the last hour (a page needs more than {factor:.4g}x)"
    lines += [*chart(burn, labels, highest, top), *axis]
    return [*lines, *mark_lines(_marks(incident), begin, columns, step)]


def _frame(incident: Incident) -> tuple[datetime, timedelta, int]:
    """Where the axis that shows an incident starts, the time per column, and how many there are."""
    ends = [event.at for event in incident.events if event.verb in ("resolve", "mitigated")]
    length = (ends or [incident.events[-1].at])[-1] - incident.impact_start
    columns = WIDTH - 14
    step = math.ceil((length + 6 * MINUTE) / (columns * MINUTE)) * MINUTE
    return incident.impact_start - 4 * step, step, columns


def _marks(incident: Incident) -> list[tuple[datetime, str]]:
    _, found = _FOUND[_detected(incident).get("action")]
    words = {"detect": found} | _BEGUN | _ENDED
    begins = "it begins" if incident.events_of("false_alarm") else "users feel it"
    marks = [(event.at, words[event.verb]) for event in incident.events if event.verb in words]
    return [(incident.impact_start, begins), *marks]


def _paging(counts: Counts, incident: Incident) -> list[str]:
    detect = _detected(incident)
    lines = []
    for window in (5 * MINUTE, HOUR, 3 * DAY):
        ratio = _sli(counts, detect.at, window)
        reading = f"SLI {ratio:6.1%}   burn {burn_rate(ratio, incident.slo):5.1f}x"
        if math.isnan(ratio):
            reading = "no requests"
        lines.append(f"last {duration_text(window):<13} {reading}")
    fires = f"{detect.get('window')} fires: {detect.get('action')}, {detect.get('severity')}"
    lines.append(_line(detect, fires if detect.details else f"declared by {detect.by}"))
    return lines + [_line(page, f"paged {page.get('who')}") for page in incident.events_of("page")]


def _triaged(incident: Incident) -> list[str]:
    acks = incident.events_of("acknowledge")
    lines = [_line(event, f"acknowledged by {event.by}") for event in acks]
    for event in incident.events_of("triage"):
        roles = ", ".join(f"{role} {who}" for role, who in event.details if role != "severity")
        lines.append(_line(event, f"{incident.id} is {event.get('severity')}; {roles}"))
    lines = lines or ["nobody acknowledged"]
    symptom = symptom_of(incident.cause, incident.symptom)
    if symptom in RUNBOOKS:
        lines.append(f"runbook            {RUNBOOKS[symptom].title}")
    return lines


def _mitigated(incident: Incident) -> list[str]:
    """Each mitigation with the SLI measured before it, and the last one before what came next."""
    lines = []
    slis = [(e.at, sli(e.get("good"), e.get("total"))) for e in incident.events_of("measure")]
    slis = [(at, ratio) for at, ratio in slis if not math.isnan(ratio)]
    steps = [event for event in incident.events if event.verb in ("mitigate", "mitigated")]
    for step, following in pairwise([*steps, incident.events[-1]]):
        before = [ratio for at, ratio in slis if at <= step.at]
        after = [ratio for at, ratio in slis if step.at < at <= following.at]
        change = f"{before[-1]:4.0%} → {after[-1]:4.0%}" if before and after else ""
        if step.verb == "mitigate":
            lines.append(_line(step, f"{step.get('action'):<16} {change}"))
    for verb, words in (_ENDED | {"false_alarm": "a false alarm"}).items():
        lines += [_line(event, words) for event in incident.events_of(verb)]
    return lines or ["nothing was done"]


def _learnt(incident: Incident) -> list[str]:
    times = []
    for name, length in vars(incident.metrics()).items():
        label = name if name == "impact" else name.upper()
        times.append(f"{label} {duration_text(length)}")
    text = incident.postmortem or ""
    items = read_action_items(text)
    size = f"{len(text.splitlines())} lines, {len(items)} action items" if text else "none"
    lines = ["   ".join(times), f"postmortem         {size}", *_case(incident, items)]
    return wrap(lines, 19, width=WIDTH - len(INDENT))


def _case(incident: Incident, items: Sequence[ActionItem]) -> list[str]:
    """The regression case: does it fail as it was, and pass with what the action items automate?"""
    if symptom_of(incident.cause, incident.symptom) not in RUNBOOKS:
        return ["regression case    none: no runbook, and so nothing to replay"]
    try:
        case = to_eval_case(incident)
    except ValueError as error:
        return [f"regression case    none: {error}"]
    verdict = prove(case, incident, items)
    page, restore = duration_text(case.page_within), duration_text(case.restore_within)
    return [
        f"{case.id:<18} fault in → page within {page} → SLI back within {restore}",
        f"as it was          {'passes' if replay(case).passed else 'fails'}",
        f"with the fix       {'passes: proved' if verdict.passed else verdict.why}",
    ]
