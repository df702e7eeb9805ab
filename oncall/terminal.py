"""What the command line prints: plain text of at most 80 columns, the same bytes every time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from oncall.alerting import google_policy
from oncall.counts import Counts
from oncall.incident import Event, Incident
from oncall.postmortem import measured, read_action_items
from oncall.regression import prove, replay, to_eval_case
from oncall.runbook import RUNBOOKS
from oncall.scoring import Score, mean_points, score
from oncall.shift import Shift
from oncall.slo import burn_rate, percent, sli
from oncall.times import DAY, HOUR, MINUTE, duration_text

WIDTH = 80
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_INDENT = "   "


# --- drawing -------------------------------------------------------------------------------------


def bars(values: Sequence[float], top: float, rows: int) -> list[str]:
    """A column chart as ``rows`` lines of text, one column a value, ``top`` filling them all."""
    heights = [round(min(1.0, max(0.0, value / top)) * rows * 8) for value in values]
    return ["".join(_EIGHTHS[min(8, max(0, height - 8 * row))] for height in heights) for row in reversed(range(rows))]


def chart(title: str, labels: Sequence[str], values: Sequence[float], top: float) -> list[str]:
    """A column chart with a title and a label a row, ready to print."""
    lines = bars(values, top, len(labels))
    return [f"{_INDENT}{title}", *(f"{label:>7} |{line}" for label, line in zip(labels, lines, strict=True))]


def time_axis(begin: datetime, columns: int, step: timedelta) -> list[str]:
    """The line under a chart: a tick every ten columns, with the time of day under every other tick."""
    ticks = "".join("+" if column % 10 == 0 else "-" for column in range(columns))
    times = "".join(f"{begin + column * step:%H:%M}".ljust(20) for column in range(0, columns, 20))
    return [f"{'':>7} +{ticks}", f"{'':>8} {times}".rstrip()[:WIDTH]]


def timeline(marks: Sequence[tuple[datetime, str]], begin: datetime, columns: int, step: timedelta) -> list[str]:
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
        if len(shift.incidents) > 1:
            lines += [f"{incident.id}: {incident.title}", ""]
        for letter, (title, part) in zip(
            "ABCDEF", _parts(shift.counts, incident, incident == shift.incidents[0]), strict=True
        ):
            lines += [f"{letter}  {title}", *((_INDENT + line).rstrip() for line in part), ""]
    if not shift.incidents:
        lines += ["Nothing fired. A quiet shift.", ""]
    for incident, result in zip(shift.incidents, scores, strict=False):
        lines += [
            f"Score of {incident.id}, held against the reference responder",
            *wrap(str(result).splitlines(), 25, _INDENT),
            "",
        ]
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
    lines = [f"{'scenario':<26}{'sev':<6}{'TTD':>7}{'TTA':>6}{'TTM':>7}{'impact':>8}{'failed':>9}{'score':>7}"]
    for shift in shifts:
        name = shift.scenario.name if len(shift.scenario.name) < 26 else f"{shift.scenario.name[:24]}…"
        for incident in shift.incidents:
            lines.append(f"{name:<26}{_row(incident)}")
            name = ""
        if not shift.incidents:
            lines.append(f"{name:<26}nothing fired")
    return "\n".join([*lines, ""])


def _row(incident: Incident) -> str:
    times, (good, total) = incident.metrics(), measured(incident)
    ttd, tta, ttm, impact = (
        "-" if one is None else duration_text(one) for one in (times.ttd, times.tta, times.ttm, times.impact)
    )
    points = score(incident, incident).points
    return f"{incident.severity or '?':<6}{ttd:>7}{tta:>6}{ttm:>7}{impact:>8}{total - good:>9,}{points:>7}"


def _parts(counts: Counts, incident: Incident, is_first: bool) -> list[tuple[str, list[str]]]:
    return [
        ("A healthy service" if is_first else "The hour before", _healthy(counts, incident)),
        ("The outage burns the budget", _burning(counts, incident)),
        (_how_found(incident), _paging(counts, incident)),
        ("Opened and triaged", _triaged(incident)),
        ("The runbook mitigates, step by step", _mitigated(incident)),
        ("Learning from it", _learnt(incident)),
    ]


def _healthy(counts: Counts, incident: Incident) -> list[str]:
    before = counts.slice(incident.impact_start - HOUR, incident.impact_start)
    good, total = sum(before.good), sum(before.total)
    ratio = sli(good, total)
    return [
        f"the hour before    {good:,} of {total:,} requests good",
        f"SLI                {ratio:.1%}",
        f"burn rate          {burn_rate(ratio, incident.slo):.2f}x; 1x spends the budget of "
        f"{percent(incident.slo.error_budget)} in {duration_text(incident.slo.period)}",
    ]


def _burning(counts: Counts, incident: Incident) -> list[str]:
    """SLI a minute and burn in the last hour around the incident, and what happened under the same axis."""
    last = next((e.at for e in reversed(incident.events) if e.verb in ("resolve", "mitigated")), incident.events[-1].at)
    begin, step, columns = _frame(incident.impact_start, last)
    window = counts.slice(begin - HOUR, begin + columns * step)
    skip = min(len(window), HOUR // MINUTE)
    every = step // MINUTE
    slis = [sli(g, t) for g, t in zip(window.good[skip:], window.total[skip:], strict=True)]
    burns = [burn_rate(ratio, incident.slo) for ratio in _rolling_sli(window, skip)]
    worst = [min(slis[i : i + every]) for i in range(0, len(slis), every)]
    highest = [max(burns[i : i + every]) for i in range(0, len(burns), every)]
    shown = "SLI of each minute" if every == 1 else f"lowest SLI of a minute in each {duration_text(step)}"
    factor = google_policy(incident.slo.period)[0].factor
    top = max(1.5 * factor, *burns)
    labels = [f"{top * row / 4:.0f}x" for row in (4, 3, 2, 1)]
    return [
        *chart(shown, ("100%", "75%", "50%", "25%"), worst, 1.0),
        *time_axis(begin, columns, step),
        *chart(f"burn rate of the last hour (a page needs more than {factor:.4g}x)", labels, highest, top),
        *time_axis(begin, columns, step),
        *timeline(_marks(incident), begin, columns, step),
    ]


def _frame(first: datetime, last: datetime) -> tuple[datetime, timedelta, int]:
    """The start, the time a column and the number of columns that show an incident within the line."""
    columns = WIDTH - 14
    step = -(-(last - first + 6 * MINUTE) // (columns * MINUTE)) * MINUTE
    return first - 4 * step, step, columns


def _rolling_sli(counts: Counts, width: int) -> list[float]:
    good, total = [0, *accumulate(counts.good)], [0, *accumulate(counts.total)]
    return [sli(good[i] - good[i - width], total[i] - total[i - width]) for i in range(width + 1, len(good))]


def _how_found(incident: Incident) -> str:
    if not _of(incident, "detect")[0].details:
        return "A person notices"
    return f"The alert {'pages' if _is_page(incident) else 'opens a ticket'}"


def _is_page(incident: Incident) -> bool:
    return any(event.get("action") == "page" for event in _of(incident, "detect"))


def _marks(incident: Incident) -> list[tuple[datetime, str]]:
    words = {
        "detect": "paged" if _is_page(incident) else "ticket" if _of(incident, "detect")[0].details else "noticed",
        "acknowledge": "acknowledged",
        "triage": "triaged",
        "mitigated": "mitigated",
        "resolve": "resolved",
        "false_alarm": "false alarm",
    }
    told = [(event.at, words[event.verb]) for event in incident.events if event.verb in words]
    return [(incident.impact_start, "it begins" if _of(incident, "false_alarm") else "users feel it"), *told]


def _paging(counts: Counts, incident: Incident) -> list[str]:
    detect = next(event for event in incident.events if event.verb == "detect")
    lines = []
    for name, window in (("5m", 5 * MINUTE), ("1h", HOUR), ("3d", 3 * DAY)):
        part = counts.slice(detect.at - window, detect.at)
        ratio = sli(sum(part.good), sum(part.total))
        seen = f"SLI {ratio:6.1%}   burn {burn_rate(ratio, incident.slo):5.1f}x" if sum(part.total) else "no requests"
        lines.append(f"last {name:<13} {seen}")
    fired = f"{detect.get('window')} fires: {detect.get('action')}, {detect.get('severity')}"
    fired = fired if detect.details else f"declared by {detect.by}"
    paged = [
        f"{event.at:%H:%M}              {event.get('text')}" for event in _of(incident, "note") if event.by == "pager"
    ]
    return [*lines, f"{detect.at:%H:%M}              {fired}", *paged]


def _triaged(incident: Incident) -> list[str]:
    lines = [f"{event.at:%H:%M}              acknowledged by {event.by}" for event in _of(incident, "acknowledge")]
    for event in _of(incident, "triage"):
        roles = ", ".join(f"{role} {who}" for role, who in event.details if role != "severity")
        lines.append(f"{event.at:%H:%M}              {incident.id} is {event.get('severity')}; {roles}")
    lines = lines or ["nobody acknowledged"]
    runbook = RUNBOOKS.get(incident.symptom)
    return [*lines, f"runbook            {runbook.title}"] if runbook else lines


def _mitigated(incident: Incident) -> list[str]:
    """Each mitigation with the SLI that was measured before it and just before the next."""
    lines = []
    slis = [(event.at, sli(event.get("good"), event.get("total"))) for event in _of(incident, "measure")]
    started = _of(incident, "mitigate")
    ends = [event.at for event in (*started[1:], *_of(incident, "mitigated"))]
    for event, until in zip(started, [*ends, incident.events[-1].at], strict=False):
        before = [ratio for at, ratio in slis if at <= event.at]
        after = [ratio for at, ratio in slis if event.at < at <= until]
        change = f"{before[-1]:4.0%} → {after[-1]:4.0%}" if before and after else ""
        lines.append(f"{event.at:%H:%M}              {event.get('action'):<16} {change}")
    for verb, word in (("mitigated", "mitigated"), ("resolve", "resolved"), ("false_alarm", "a false alarm")):
        lines += [f"{event.at:%H:%M}              {word}" for event in _of(incident, verb)]
    return lines or ["nothing was done"]


def _learnt(incident: Incident) -> list[str]:
    times = incident.metrics()
    lines = [
        "   ".join(
            f"{name if name == 'impact' else name.upper()} {duration_text(value)}"
            for name, value in vars(times).items()
        )
    ]
    text = incident.postmortem or ""
    items = read_action_items(text)
    size = f"{len(text.splitlines())} lines, {len(items)} action items" if text else "none"
    lines.append(f"postmortem         {size}")
    if incident.symptom not in RUNBOOKS:
        return [*lines, "regression case    none: no runbook, and so nothing to replay"]
    try:
        case = to_eval_case(incident)
    except ValueError as error:
        return [*lines, *textwrap.wrap(f"regression case    none: {error}", WIDTH - len(_INDENT))]
    verdict = prove(case, incident, items)
    lines.append(
        f"{case.id:<18} fault in → page within {duration_text(case.page_within)} → SLI back within "
        f"{duration_text(case.restore_within)}"
    )
    lines.append(f"as it was          {'passes' if replay(case).passed else 'fails'}")
    fixed = f"with the fix       {'passes: proved' if verdict.passed else verdict.why}"
    return [*lines, *textwrap.wrap(fixed, WIDTH - len(_INDENT), subsequent_indent=" " * 19)]


def _of(incident: Incident, verb: str) -> list[Event]:
    return [event for event in incident.events if event.verb == verb]


def wrap(lines: Iterable[str], hang: int, indent: str = "") -> list[str]:
    """Lines cut to the width, what runs over indented under the words."""
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=" " * hang)
    ]
