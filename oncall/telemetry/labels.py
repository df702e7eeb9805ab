"""Known incidents as labels of a past: read from a CSV file, or made of an incident record."""

from __future__ import annotations

import math
from pathlib import Path

from oncall.catalogue import symptom_of
from oncall.files import reading_csv
from oncall.incident import Incident
from oncall.scenario import KnownIncident
from oncall.times import parse_moment


def read_incidents(path: str | Path) -> tuple[KnownIncident, ...]:
    """Known incidents from a CSV file with the columns ``start`` and ``end``.

    Times are ISO 8601 with an offset; an empty ``end`` means that the incident lasts. The columns
    ``title``, ``symptom`` and ``error_ratio`` are optional. A row that is wrong is a ``ValueError``
    that names it.
    """
    with reading_csv(path) as rows:
        if missing := {"start", "end"} - set(rows.fieldnames or ()):
            raise ValueError(f"{path} has no column {' and '.join(sorted(missing))}")
        return tuple(_label(f"{path}, row {rows.line_num}", row) for row in rows)


def _label(where: str, row: dict[str, str]) -> KnownIncident:
    try:
        start = parse_moment(row["start"] or "", "start")
        end = parse_moment(row["end"], "end") if row["end"] else None
        ratio = _error_ratio(row.get("error_ratio"))
        return KnownIncident(row.get("title") or "", row.get("symptom") or "", start, end, ratio)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _error_ratio(text: str | None) -> float:
    try:
        return float(text or math.nan)
    except ValueError:
        raise ValueError(f"error_ratio must be a number from 0 to 1, given {text!r}") from None


def label_of(incident: Incident) -> KnownIncident:
    """An incident record as a label, from the start of its impact until it was mitigated.

    Its title is the record's id and title. The error ratio is ``nan``, for a record does not say
    how bad it was at its worst. A false alarm is a ``ValueError``.
    """
    if any(event.verb == "false_alarm" for event in incident.events):
        raise ValueError(f"{incident.id} was a false alarm; leave it out")
    title, start, impact = incident.title, incident.impact_start, incident.metrics().impact
    end = None if impact is None else start + impact
    symptom = symptom_of(incident.cause, incident.symptom)
    return KnownIncident(f"{incident.id} {title}", symptom, start, end, math.nan)
