"""Labels: known incidents from a CSV file, or made of an incident record."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oncall.gameday.bundled import bundled_scenario
from oncall.incident import Incident
from oncall.scenario import KnownIncident
from oncall.slo import SLO
from oncall.telemetry.labels import label_of, read_incidents
from oncall.times import DAY, HOUR, MINUTE

MONTH = bundled_scenario("assistant_30d")

DATA = Path(__file__).parents[2] / "data"
START = datetime(2025, 3, 1, tzinfo=UTC)


def test_the_bundled_incidents_are_the_month_s_labels() -> None:
    assert read_incidents(DATA / "assistant_30d_incidents.csv") == MONTH.labels()


def test_start_and_end_are_enough_and_an_empty_end_lasts(tmp_path: Path) -> None:
    rows = "2025-03-01T00:00:00Z,\n2025-03-02T01:00:00+01:00,2025-03-02T01:00:00Z\n"
    (tmp_path / "i.csv").write_text(f"start,end\n{rows}")
    first, second = read_incidents(tmp_path / "i.csv")
    assert (first.start, first.end, first.title) == (START, None, "")
    assert second.start == START + DAY


@pytest.mark.parametrize(
    ("header", "row", "error"),
    [
        ("begin,end", "", "no column start"),
        ("start,end", "2025-03-01,", "row 2: start .*has no time zone"),
        ("start,end", "2025-03-01T00:00Z,noon", "row 2: end 'noon'"),
        ("start,end", "2025-03-01T01:00Z,2025-03-01T01:00Z", "row 2: .*not after its start"),
        ("start,end,error_ratio", "2025-03-01T01:00Z,,half", "row 2: error_ratio .*'half'"),
        ("start,end,error_ratio", "2025-03-01T01:00Z,,30", "row 2: error_ratio .* 1, given 30"),
        ("title,start,end", "alone", "row 2: start ''"),
    ],
)
def test_a_bad_incident_names_its_row(tmp_path: Path, header: str, row: str, error: str) -> None:
    (tmp_path / "i.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(ValueError, match=error):
        read_incidents(tmp_path / "i.csv")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    text = "start,end,title\n2025-03-01T00:00:00Z,,Störung\n"
    (tmp_path / "i.csv").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"i\.csv, line 2: not UTF-8 text"):
        read_incidents(tmp_path / "i.csv")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"start": datetime(2025, 3, 1)}, "start .* has no time zone"),
        ({"end": datetime(2025, 3, 2)}, "end .* has no time zone"),
        ({"error_ratio": 30}, "error_ratio must be from 0 to 1, given 30"),
    ],
)
def test_a_label_with_a_naive_time_or_a_percentage_is_refused_where_it_is_made(
    change: dict[str, Any], error: str
) -> None:
    label = KnownIncident("", "model_provider_outage", START, START + 10 * MINUTE, 1.0)
    with pytest.raises(ValueError, match=error):
        replace(label, **change)


def record() -> Incident:
    """An incident that was detected after five minutes and acknowledged after six."""
    slo = SLO("availability", 0.999)
    incident = Incident("INC-7", "provider fails", slo, "model_provider_outage", START)
    incident = incident.detect(None, at=START + 5 * MINUTE, by="ana")
    return incident.acknowledge(at=START + 6 * MINUTE, by="ana")


def test_an_incident_record_is_a_label_from_its_impact_until_it_was_mitigated() -> None:
    burning = record().triage("sev1", "ana", at=START + 7 * MINUTE, by="ana")
    over = burning.resolve(at=START + 9 * MINUTE, by="ana", auto_recovered=True)
    assert label_of(burning).end is None
    label = label_of(over)
    assert (label.title, label.symptom) == ("INC-7 provider fails", "model_provider_outage")
    assert (label.start, label.end) == (START, START + 9 * MINUTE)
    assert math.isnan(label.error_ratio)


def test_a_false_alarm_has_no_label() -> None:
    with pytest.raises(ValueError, match="INC-7 was a false alarm"):
        label_of(record().false_alarm(at=START + HOUR, by="ana"))
