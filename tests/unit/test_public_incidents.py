"""The curated facts of public outages: well formed, in order, cited, and nothing doubtful."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oncall.times import MINUTE, parse_moment

ROOT = Path(__file__).resolve().parents[2]
CSV = ROOT / "data" / "public_incidents.csv"
GATHERED = ROOT.parent / "shared" / "data" / "public_incidents.json"

# A column of the CSV: its key among the gathered facts. `ack` there is the first public post.
TIMES = {
    "impact_start": "start",
    "detected": "detect",
    "first_update": "ack",
    "diagnosed": "diagnosed",
    "mitigated": "mitigate",
    "recovered": "recovered",
    "resolved": "resolve",
}
COLUMNS = [
    "id",
    "provider",
    "service",
    "severity",
    *TIMES,
    "error_ratio",
    "impact",
    "status",
    "confidence",
    "sources",
    "notes",
]

# What was gathered but is doubtful, and so stays empty; the row's notes say why.
LEFT_OUT = {
    ("gitlab-2017-01-31", "severity"),
    ("gitlab-2017-01-31", "impact_start"),
    ("gitlab-2017-01-31", "detected"),
    ("gitlab-2017-01-31", "diagnosed"),
    ("openai-2024-11-08", "diagnosed"),
    ("openai-2024-12-11", "detected"),
    ("openai-2024-12-11", "diagnosed"),
    ("google-cloud-2025-06-12", "severity"),
    ("google-cloud-2025-06-12", "detected"),
    ("google-cloud-2025-06-12", "first_update"),
    ("google-cloud-2025-06-12", "diagnosed"),
    ("google-cloud-2025-06-12", "mitigated"),
    ("google-cloud-2025-06-12", "recovered"),
    ("cloudflare-2025-11-18", "severity"),
    ("cloudflare-2025-11-18", "detected"),
    ("cloudflare-2025-11-18", "diagnosed"),
    ("github-copilot-2026-04-22", "error_ratio"),
}
# A second account of the first public post, found after the facts were gathered.
ADDED_SOURCES = {
    "https://redteamnews.com/news/"
    "cloudflare-outage-disrupts-global-internet-services-highlighting-infrastructure-fragility"
}


def read_rows() -> list[dict[str, str]]:
    with open(CSV, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


ROWS = read_rows()
BY_ID = {row["id"]: row for row in ROWS}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])


def times(row: dict[str, str]) -> dict[str, datetime]:
    """The row's known times."""
    return {column: parse_moment(row[column], column) for column in TIMES if row[column]}


# --- the file ------------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_readme_and_every_row_fills_them_all() -> None:
    assert list(ROWS[0]) == COLUMNS
    readme = (CSV.parent / "README.md").read_text(encoding="utf-8")
    for row in ROWS:
        assert None not in row
        assert None not in row.values()
    for column in COLUMNS:
        assert f"| `{column}` |" in readme


def test_sixteen_rows_have_sixteen_ids() -> None:
    assert len(ROWS) == len(BY_ID) == 16


@each_row
def test_times_are_utc_with_a_z_and_to_the_minute(row: dict[str, str]) -> None:
    for column, moment in times(row).items():
        assert row[column] == moment.strftime("%Y-%m-%dT%H:%M:00Z")


@each_row
def test_impact_starts_then_is_mitigated_then_recovered_then_resolved(row: dict[str, str]) -> None:
    known = times(row)
    in_order = [
        known[column]
        for column in ("impact_start", "mitigated", "recovered", "resolved")
        if column in known
    ]
    assert in_order == sorted(in_order)


@each_row
def test_words_and_numbers_are_of_the_kinds_the_readme_names(row: dict[str, str]) -> None:
    assert row["confidence"] in {"high", "medium"}
    assert row["severity"] in {"", "minor", "major", "critical"}
    assert row["status"] == "" or 400 <= int(row["status"]) <= 599
    assert row["error_ratio"] == "" or 0 < float(row["error_ratio"]) <= 1
    assert row["provider"]
    assert row["service"]
    assert row["impact"]


@each_row
def test_each_row_cites_addresses_and_nothing_else(row: dict[str, str]) -> None:
    assert row["sources"].split()
    assert all(source.startswith("https://") for source in row["sources"].split())


# --- what it says --------------------------------------------------------------------------------


def test_4_december_2024_failed_whole_for_4_minutes_and_at_45_percent_for_90() -> None:
    first, second = BY_ID["openai-2024-12-04-wave1"], BY_ID["openai-2024-12-04-wave2"]
    spans = [(wave["impact_start"], wave["mitigated"]) for wave in (first, second)]
    assert spans[0] == ("2024-12-04T23:48:00Z", "2024-12-04T23:52:00Z")
    assert spans[1] == ("2024-12-05T00:07:00Z", "2024-12-05T01:37:00Z")
    assert (float(first["error_ratio"]), float(second["error_ratio"])) == (1.0, 0.45)


def test_the_two_waves_of_4_december_share_one_public_incident() -> None:
    first, second = BY_ID["openai-2024-12-04-wave1"], BY_ID["openai-2024-12-04-wave2"]
    for column in ("sources", "first_update", "resolved"):
        assert first[column] == second[column]


def test_each_fact_is_known_in_this_number_of_rows() -> None:
    columns = ("severity", *TIMES, "error_ratio")
    assert {column: sum(row[column] != "" for row in ROWS) for column in columns} == {
        "severity": 13,
        "impact_start": 15,
        "detected": 1,
        "first_update": 14,
        "diagnosed": 1,
        "mitigated": 14,
        "recovered": 2,
        "resolved": 16,
        "error_ratio": 7,
    }


def test_two_first_posts_came_after_the_mitigation() -> None:
    late = {
        row["id"]: times(row)["first_update"] - times(row)["mitigated"]
        for row in ROWS
        if row["first_update"] > row["mitigated"] != ""
    }
    assert late == {
        "openai-2024-12-04-wave1": timedelta(minutes=16),
        "github-copilot-2026-02-03": MINUTE,
    }


@pytest.mark.parametrize(("row_id", "column"), sorted(LEFT_OUT))
def test_a_doubtful_field_stays_empty_and_the_notes_say_so(row_id: str, column: str) -> None:
    assert BY_ID[row_id][column] == ""
    assert column in BY_ID[row_id]["notes"]


# --- against the facts it was made from ----------------------------------------------------------


@pytest.fixture(scope="module")
def gathered() -> dict[str, dict[str, Any]]:
    if not GATHERED.exists():
        pytest.skip("../shared/data/public_incidents.json is not beside this checkout")
    facts = json.loads(GATHERED.read_text(encoding="utf-8"))["incidents"]
    return {fact["id"]: fact for fact in facts}


def test_every_timed_incident_gathered_has_its_row(gathered: dict[str, dict[str, Any]]) -> None:
    assert BY_ID.keys() == gathered.keys()


@each_row
def test_every_time_and_ratio_given_agrees_with_what_was_gathered(
    row: dict[str, str], gathered: dict[str, dict[str, Any]]
) -> None:
    fact = gathered[row["id"]]
    for column, moment in times(row).items():
        assert moment == parse_moment(fact[TIMES[column]]), column
    if row["error_ratio"]:
        assert float(row["error_ratio"]) == fact["error_rate"]


@each_row
def test_every_word_given_agrees_with_what_was_gathered(
    row: dict[str, str], gathered: dict[str, dict[str, Any]]
) -> None:
    fact = gathered[row["id"]]
    assert row["provider"] == fact["provider"]
    assert fact["service"].startswith(row["service"])
    assert row["severity"] in fact["severity"]
    assert row["confidence"] == fact["confidence"].partition(";")[0]
    known = {source.split()[0] for source in fact["sources"]} | ADDED_SOURCES
    assert set(row["sources"].split()) <= known


def test_nothing_gathered_is_missing_but_what_is_listed_as_left_out(
    gathered: dict[str, dict[str, Any]],
) -> None:
    keys = {**TIMES, "severity": "severity", "error_ratio": "error_rate"}
    missing = {
        (row["id"], column)
        for row in ROWS
        for column, key in keys.items()
        if gathered[row["id"]].get(key) is not None and not row[column]
    }
    assert missing == LEFT_OUT
