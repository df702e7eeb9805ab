"""What the command line prints: plain text of at most 80 columns, the same bytes every time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from oncall.alerting import google_policy
from oncall.catalogue import RUNBOOKS
from oncall.counts import Counts
from oncall.gameday.scoring import Score, mean_points, score
from oncall.gameday.shift import Shift
from oncall.incident import Incident
from oncall.journal import Event
from oncall.postmortem import ActionItem, measured, read_action_items
from oncall.regression import prove, replay, to_eval_case
from oncall.slo import burn_rate, percent, sli
from oncall.times import DAY, HOUR, MINUTE, duration_text

WIDTH = 80
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_INDENT = "   "


# --- drawing -------------------------------------------------------------------------------------


def chart(title: str, labels: Sequence[str], values: Sequence[float], top: float) -> list[str]:
    """A column chart with a title and a label a row, one column a value; ``top`` fills all rows."""
    heights = [round(min(1.0, max(0.0, value / top)) * len(labels) * 8) for value in values]
    lines = [f"{_INDENT}{title}"]
    for row, label in enumerate(labels, 1):
        below = 8 * (len(labels) - row)
        lines.append(
            f"{label:>7} |{''.join(_EIGHTHS[min(8, max(0, height - below))] for height in heights)}"
        )
    return lines


def time_axis(begin: datetime, columns: int, step: timedelta) -> list[str]:
    """The line under a chart: a tick every ten columns, with the time of day under every other tick."""
    ticks = "".join("+" if column % 10 == 0 else "-" for column in range(columns))
    times = "".join(f"{begin + column * step:%H:%M}".ljust(20) for column in range(0, columns, 20))
    return [f"{'':>7} +{ticks}", f"{'':>8} {times}".rstrip()[:WIDTH]]


def timeline(
    marks: Sequence[tuple[datetime, str]], begin: datetime, columns: int, step: timedelta
) -> list[str]:
    """What happened, drawn under the same axis: a mark at its moment with its words beside it, a line each."""
    lines = []
    for at, words in marks:
        column = min(columns - 1, max(0, (at - begin) // step))
        label = f"{at:%H:%M} {words}"
        fits = len(_INDENT) + 9 + column + 2 + len(label) <= WIDTH
        mark = f"^ {label}" if fits else f"{label} ^"
        lines.append(f"{'':>8} {' ' * (column if fits else max(0, column + 1 - len(mark)))}{mark}")
    return lines


# --- the shift -----------------------------------------------------------------------------------


def shift_text(shift: Shift, scores: Sequence[Score] = ()) -> str:
    """A shift from A, the healthy service, to F, the regression case, then each incident's score."""
    scenario = shift.scenario
    end = scenario.start + scenario.length
    lines = [
        f"On call: {scenario.name}, seed {shift.seed}",
        f"{scenario.start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, SLO {scenario.slo}",
        "",
    ]
    for incident in shift.incidents:
        lines += [f"{incident.id}: {incident.title}", ""] if len(shift.incidents) > 1 else []
        parts = _parts(shift.counts, incident, incident == shift.incidents[0])
        for letter, (title, part) in zip("ABCDEF", parts.items(), strict=True):
            lines += [f"{letter}  {title}", *((_INDENT + line).rstrip() for line in part), ""]
    if not shift.incidents:
        lines += ["Nothing fired. A quiet shift.", ""]
    for incident, result in zip(shift.incidents, scores, strict=False):
        lines.append(f"Score of {incident.id}, held against the reference responder")
        lines += [*wrap(str(result).splitlines(), 25, _INDENT), ""]
    return "\n".join(lines)


def score_text(scores: dict[str, Score]) -> str:
    """The scores of a shift, each dimension with why, and beside it what the reference did where that differs."""
    lines = []
    for name, result in scores.items():
        lines += [f"Score of {name}", ""]
        for one in result.dimensions:
            lines += wrap([f"{one.name:<12}{one.points:>3} of {one.most:<3} {one.why}"], 22)
            if one.reference != one.why:
                lines += wrap([f"reference {one.reference}"], 22, " " * 12)
        lines += [f"{'score':<12}{result.points:>3} of 100", ""]
    if not scores:
        lines += ["Nothing was needed, and nothing was done.", ""]
    return "\n".join([*lines, f"The shift: {mean_points(scores)} of 100", ""])


def table(shifts: Sequence[Shift]) -> str:
    """Shifts as a table, a line an incident, each scored against itself as the reference."""
    lines = [
        f"{'scenario':<26}{'sev':<6}{'TTD':>7}{'TTA':>6}{'TTM':>7}{'impact':>8}{'failed':>9}{'score':>7}"
    ]
    for shift in shifts:
        name = shift.scenario.name
        for row in [_row(incident) for incident in shift.incidents] or ["nothing fired"]:
            lines.append(f"{name:<26}{row}")
            name = ""
    return "\n".join([*lines, ""])


def _row(incident: Incident) -> str:
    good, total = measured(incident)
    times = {
        name: "-" if one is None else duration_text(one)
        for name, one in vars(incident.metrics()).items()
    }
    shown = f"{times['ttd']:>7}{times['tta']:>6}{times['ttm']:>7}{times['impact']:>8}"
    return f"{incident.severity or '?':<6}{shown}{total - good:>9,}{score(incident, incident).points:>7}"


def _parts(counts: Counts, incident: Incident, is_first: bool) -> dict[str, list[str]]:
    return {
        "A healthy service" if is_first else "The hour before": _healthy(counts, incident),
        "The outage burns the budget": _burning(counts, incident),
        _FOUND[_detected(incident).get("action")][0]: _paging(counts, incident),
        "Opened and triaged": _triaged(incident),
        "The runbook mitigates, step by step": _mitigated(incident),
        "Learning from it": _learnt(incident),
    }


# How an incident came to light, by what the alert asked for: as a heading, and as a mark on the time axis.
_FOUND = {
    "page": ("The alert pages", "paged"),
    "ticket": ("The alert opens a ticket", "ticket"),
    None: ("A person notices", "noticed"),
}


def _detected(incident: Incident) -> Event:
    return incident.events_of("detect")[0]


def _sli(counts: Counts, end: datetime, length: timedelta) -> float:
    """The SLI over a length of time up to a moment."""
    part = counts.slice(end - length, end)
    return sli(sum(part.good), sum(part.total))


def _healthy(counts: Counts, incident: Incident) -> list[str]:
    before = counts.slice(incident.impact_start - HOUR, incident.impact_start)
    good, total = sum(before.good), sum(before.total)
    ratio, budget = sli(good, total), percent(incident.slo.error_budget)
    return [
        f"the hour before    {good:,} of {total:,} requests good",
        f"SLI                {ratio:.1%}",
        f"burn rate          {burn_rate(ratio, incident.slo):.2f}x; 1x spends the budget of {budget} in "
        f"{duration_text(incident.slo.period)}",
    ]


def _burning(counts: Counts, incident: Incident) -> list[str]:
    """SLI a minute and burn in the last hour around the incident, and what happened under the same axis."""
    last = next(
        (e.at for e in reversed(incident.events) if e.verb in ("resolve", "mitigated")),
        incident.events[-1].at,
    )
    begin, step, columns = _frame(incident.impact_start, last)
    every = step // MINUTE
    minutes = [at for i in range(columns * every) if (at := begin + (i + 1) * MINUTE) <= counts.end]
    slis = [_sli(counts, at, MINUTE) for at in minutes]
    burns = [burn_rate(_sli(counts, at, HOUR), incident.slo) for at in minutes]
    worst = [min(slis[i : i + every]) for i in range(0, len(slis), every)]
    highest = [max(burns[i : i + every]) for i in range(0, len(burns), every)]
    shown = (
        "SLI of each minute"
        if every == 1
        else f"lowest SLI of a minute in each {duration_text(step)}"
    )
    factor = google_policy(incident.slo.period)[0].factor
    top = max(1.5 * factor, *burns)
    labels = [f"{top * row / 4:.0f}x" for row in (4, 3, 2, 1)]
    return [
        *chart(shown, ("100%", "75%", "50%", "25%"), worst, 1.0),
        *time_axis(begin, columns, step),
        *chart(
            f"burn rate of the last hour (a page needs more than {factor:.4g}x)",
            labels,
            highest,
            top,
        ),
        *time_axis(begin, columns, step),
        *timeline(_marks(incident), begin, columns, step),
    ]


def _frame(first: datetime, last: datetime) -> tuple[datetime, timedelta, int]:
    """The start, the time a column and the number of columns that show an incident within the line."""
    columns = WIDTH - 14
    step = -(-(last - first + 6 * MINUTE) // (columns * MINUTE)) * MINUTE
    return first - 4 * step, step, columns


def _marks(incident: Incident) -> list[tuple[datetime, str]]:
    words = {
        "acknowledge": "acknowledged",
        "triage": "triaged",
        "mitigated": "mitigated",
        "resolve": "resolved",
    }
    words |= {"detect": _FOUND[_detected(incident).get("action")][1], "false_alarm": "false alarm"}
    told = [(event.at, words[event.verb]) for event in incident.events if event.verb in words]
    return [
        (
            incident.impact_start,
            "it begins" if incident.events_of("false_alarm") else "users feel it",
        ),
        *told,
    ]


def _line(event: Event, words: str) -> str:
    return f"{event.at:%H:%M}              {words}"


def _paging(counts: Counts, incident: Incident) -> list[str]:
    detect = _detected(incident)
    lines = []
    for window in (5 * MINUTE, HOUR, 3 * DAY):
        ratio = _sli(counts, detect.at, window)
        seen = (
            f"SLI {ratio:6.1%}   burn {burn_rate(ratio, incident.slo):5.1f}x"
            if ratio == ratio
            else "no requests"
        )
        lines.append(f"last {duration_text(window):<13} {seen}")
    fired = f"{detect.get('window')} fires: {detect.get('action')}, {detect.get('severity')}"
    paged = [_line(event, f"paged {event.get('who')}") for event in incident.events_of("page")]
    return [*lines, _line(detect, fired if detect.details else f"declared by {detect.by}"), *paged]


def _triaged(incident: Incident) -> list[str]:
    lines = [
        _line(event, f"acknowledged by {event.by}") for event in incident.events_of("acknowledge")
    ]
    for event in incident.events_of("triage"):
        roles = ", ".join(f"{role} {who}" for role, who in event.details if role != "severity")
        lines.append(_line(event, f"{incident.id} is {event.get('severity')}; {roles}"))
    book = (
        [f"runbook            {RUNBOOKS[incident.symptom].title}"]
        if incident.symptom in RUNBOOKS
        else []
    )
    return [*(lines or ["nobody acknowledged"]), *book]


def _mitigated(incident: Incident) -> list[str]:
    """Each mitigation with the SLI that was measured before it and just before the next."""
    lines = []
    slis = [
        (event.at, sli(event.get("good"), event.get("total")))
        for event in incident.events_of("measure")
    ]
    started = incident.events_of("mitigate")
    ends = [event.at for event in (*started[1:], *incident.events_of("mitigated"))]
    for event, until in zip(started, [*ends, incident.events[-1].at], strict=False):
        before = [ratio for at, ratio in slis if at <= event.at]
        after = [ratio for at, ratio in slis if event.at < at <= until]
        change = f"{before[-1]:4.0%} → {after[-1]:4.0%}" if before and after else ""
        lines.append(_line(event, f"{event.get('action'):<16} {change}"))
    for verb, word in (
        ("mitigated", "mitigated"),
        ("resolve", "resolved"),
        ("false_alarm", "a false alarm"),
    ):
        lines += [_line(event, word) for event in incident.events_of(verb)]
    return lines or ["nothing was done"]


def _learnt(incident: Incident) -> list[str]:
    metrics, text = vars(incident.metrics()), incident.postmortem or ""
    times = [
        f"{name if name == 'impact' else name.upper()} {duration_text(one)}"
        for name, one in metrics.items()
    ]
    items = read_action_items(text)
    size = f"{len(text.splitlines())} lines, {len(items)} action items" if text else "none"
    lines = ["   ".join(times), f"postmortem         {size}", *_case(incident, items)]
    return wrap(lines, 19, width=WIDTH - len(_INDENT))


def _case(incident: Incident, items: Sequence[ActionItem]) -> list[str]:
    """The regression case, and whether it fails as it was and passes with what the action items automate."""
    if incident.symptom not in RUNBOOKS:
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


def wrap(lines: Iterable[str], hang: int, indent: str = "", width: int = WIDTH) -> list[str]:
    """Lines cut to the width, what runs over indented under the words."""
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=" " * hang)
    ]
