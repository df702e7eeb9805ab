"""The score of real incidents, typed in afterwards from what is known of them."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from scored_responses import GOOD, NAMES, START, SYMPTOM, earned, entry, lost, recorded

from oncall.gameday.scoring import score
from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import HOUR, parse_moment

FACTS = Path(__file__).parents[2] / "data" / "public_incidents.csv"
EVERY = pytest.mark.parametrize(
    "name", ["openai-2024-12-04-wave2", "github-copilot-review-2025-12-15"]
)


def typed_in(id: str, severity: str = "") -> Incident:
    """A public incident by verbs: what its row says, and nothing that it leaves empty.

    What was told to users is the first post; a severity is given where we decide one ourselves.
    """
    with open(FACTS, newline="", encoding="utf-8") as file:
        [row] = [row for row in csv.DictReader(file) if row["id"] == id]

    def at(name: str) -> datetime:
        return parse_moment(row[name])

    first_update = at("first_update")
    detected = at("detected") if row["detected"] else first_update
    entries = [
        entry(detected, "page", "detect", None),
        entry(first_update, "status page", "update", "We are investigating."),
        entry(at("resolved"), "status page", "resolve", auto_recovered=True),
    ]
    if row["error_ratio"]:
        good = round(1000 * (1 - float(row["error_ratio"])))
        entries.append(entry(at("mitigated"), "typed in", "measure", good, 1000))
    if severity:
        entries.append(entry(detected, "ours", "acknowledge"))
        entries.append(entry(detected, "ours", "triage", severity, "ours"))
    slo = SLO("availability", 0.999)
    return recorded(Incident(id, row["impact"], slo, SYMPTOM, at("impact_start")), entries)


@EVERY
def test_a_public_incident_typed_in_is_scored_by_the_same_rubric_as_a_drill(name: str) -> None:
    real = typed_in(name)
    for against in (real, GOOD):
        result = score(real, against)
        assert tuple(dimension.name for dimension in result.dimensions) == NAMES
        assert 0 <= result.points < 100
        unpublished = {"TTA", "severity", "postmortem", "recurrence"}
        assert unpublished <= set(lost(result))
    assert 0 <= score(GOOD, real).points <= 100


@EVERY
def test_what_is_known_of_a_public_incident_earns_its_points_and_nothing_else_moves(
    name: str,
) -> None:
    bare, known = score(typed_in(name), GOOD), score(typed_in(name, "sev1"), GOOD)
    gained = {line for line in NAMES if earned(known, line) > earned(bare, line)}
    assert gained == {"TTA", "severity"}
    assert earned(known, "updates") > 0  # the first post


@pytest.mark.parametrize("symptom", [SYMPTOM, "sunspots"])
def test_an_incident_with_no_event_or_one_scores_without_an_exception(symptom: str) -> None:
    empty = Incident("INC-9", "x", SLO("availability", 0.99), symptom, START)
    noticed = empty.detect(None, at=START - HOUR, by="bo")
    without_traffic = noticed.measure(0, 0, at=START, by="m")
    called_off = noticed.false_alarm(at=START, by="bo")
    for incident in (empty, noticed, without_traffic, called_off):
        assert score(incident, GOOD).points == 0
        assert score(incident, incident).points <= 30
        score(GOOD, incident)


def test_an_incident_mitigated_the_moment_it_is_detected_can_be_scored() -> None:
    incident = Incident("INC-9", "x", SLO("availability", 0.99), SYMPTOM, START)
    incident = incident.detect(None, at=START, by="bo")
    incident = incident.resolve(at=START, by="bo", auto_recovered=True)
    assert incident.metrics().ttm == timedelta()
    assert 0 <= score(incident, incident).points <= 100
