"""What is known later: incidents typed in afterwards, corrections, causes of unknown symptoms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incident_verbs import PATH_TO, SLO_999, after

from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.incident import IllegalTransition, Incident
from oncall.postmortem import automations, write_postmortem
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import to_eval_case
from oncall.telemetry.labels import label_of
from oncall.times import HOUR, MINUTE

START = datetime(2025, 3, 4, 18, 0, tzinfo=UTC)


def minute(number: float) -> datetime:
    return START + number * MINUTE


def typed_in(**times: float | None) -> Incident:
    """An incident typed in from minutes after its impact began."""
    moments = {name: None if at is None else minute(at) for name, at in times.items()}
    arguments: dict[str, Any] = {"detected": minute(5), **moments}
    return Incident.from_times("INC-7", "Slow", SLO_999, "unknown", START, by="ana", **arguments)


# --- typed in afterwards -------------------------------------------------------------------------

TABLE = """
detected acknowledged mitigated resolved | state        ttd tta ttm ttr impact
5        -            -         -        | detected     5   -   -   -   -
5        8            -         -        | acknowledged 5   3   -   -   -
5        -            30        -        | mitigated    5   -   25  -   30
5        -            -         60       | resolved     5   -   -   55  -
5        8            30        -        | mitigated    5   3   25  -   30
5        8            -         60       | resolved     5   3   -   55  -
5        -            30        60       | resolved     5   -   25  55  30
5        8            30        60       | resolved     5   3   25  55  30
-3       8            30        60       | resolved     -3  11  33  63  30
5        5            5         5        | resolved     5   0   0   0   5
"""
NAMES = ("detected", "acknowledged", "mitigated", "resolved")
ROWS = [row.split("|") for row in TABLE.strip().splitlines()[1:]]


def number(cell: str) -> float | None:
    return None if cell == "-" else float(cell)


@pytest.mark.parametrize(("given", "told"), ROWS, ids=[row for row, _ in ROWS])
def test_the_times_that_are_known_give_the_metrics_that_need_no_other(
    given: str, told: str, tmp_path: Path
) -> None:
    incident = typed_in(**dict(zip(NAMES, map(number, given.split()), strict=True)))
    state, *numbers = told.split()
    assert incident.state == state
    for value, cell in zip(vars(incident.metrics()).values(), numbers, strict=True):
        assert value == (None if cell == "-" else float(cell) * MINUTE)
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


def test_nothing_is_invented() -> None:
    incident = typed_in(resolved=60)
    text = write_postmortem(incident, contributing_factors=["One provider."], action_items=[])
    for invented in ("person", "alert", "recovered by itself", "mitigated"):
        assert invented not in text.lower().partition("## contributing")[0]
    assert "It was noticed at 18:05:00 UTC, 5m after the impact began." in text
    assert "How long users felt it is not recorded" in text
    assert [rule.rule for rule in lint_postmortem(text) if rule.rule != "missing-section"] == []
    assert incident.severity is None


@pytest.mark.parametrize("state", ["detected", "acknowledged"])
def test_it_can_go_on_as_any_other(state: str) -> None:
    incident = typed_in(acknowledged=8 if state == "acknowledged" else None)
    assert incident.state == state
    incident = incident.acknowledge(at=minute(70), by="bo").triage(
        "sev2", "bo", at=minute(70), by="bo"
    )
    incident = incident.mitigate("fail_over", at=minute(71), by="bo").mitigated(
        at=minute(75), by="bo"
    )
    assert incident.metrics().impact == 75 * MINUTE


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ({"detected": 10, "acknowledged": 8}, "acknowledge at .* lies before the last event"),
        ({"acknowledged": 8, "mitigated": 7}, "mitigated at .* lies before the last event"),
        ({"mitigated": 30, "resolved": 29}, "resolve at .* lies before the last event"),
        (
            {"detected": -9, "mitigated": -1},
            "would end the impact at .*17:59:00Z, before its start",
        ),
    ],
)
def test_times_out_of_order_are_refused(times: dict[str, float], why: str) -> None:
    with pytest.raises(IllegalTransition, match=why):
        typed_in(**times)


def test_a_naive_or_missing_time_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        Incident.from_times(
            "INC-7", "Slow", SLO_999, "unknown", START, detected=datetime(2025, 3, 4), by="ana"
        )
    with pytest.raises(ValueError, match="must be a datetime, given None"):
        Incident.from_times(
            "INC-7",
            "Slow",
            SLO_999,
            "unknown",
            START,
            detected=None,
            by="ana",  # type: ignore[arg-type]
        )


# --- corrected -----------------------------------------------------------------------------------


def test_a_correction_moves_the_impact_and_is_in_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    incident = after(PATH_TO["mitigated"])
    incident.save(path)
    earlier = incident.impact_start - 20 * MINUTE
    at = incident.events[-1].at + HOUR
    corrected = incident.correct(impact_start=earlier, at=at, by="ana")
    old, new = incident.metrics(), corrected.metrics()
    assert old.impact is not None
    assert old.ttd is not None
    assert (new.impact, new.ttd) == (old.impact + 20 * MINUTE, old.ttd + 20 * MINUTE)
    assert (new.tta, new.ttm) == (old.tta, old.ttm)
    corrected.save(path)
    assert Incident.load(path) == corrected
    fresh = tmp_path / "fresh.jsonl"
    corrected.save(fresh)
    assert fresh.read_bytes() == path.read_bytes(), "whether it was saved before cannot be seen"
    text = write_postmortem(corrected, contributing_factors=["One."], action_items=[])
    assert "ana: the impact began at 2024-12-04T23:28:00Z, not at 2024-12-04T23:48:00Z" in text


@pytest.mark.parametrize("state", ["detected", "triaged", "mitigating", "resolved", "closed"])
def test_it_is_legal_in_every_state_and_changes_none(state: str) -> None:
    incident = after(PATH_TO[state])
    start = incident.impact_start - timedelta(seconds=30)
    twice = incident.correct(impact_start=start, at=incident.events[-1].at, by="ana").correct(
        impact_start=incident.impact_start, at=incident.events[-1].at, by="ana"
    )
    assert twice.state == state
    assert twice.impact_start == incident.impact_start


def test_a_correction_after_the_end_is_refused_and_so_is_an_end_before_the_start() -> None:
    incident = after(PATH_TO["mitigated"])
    ended = incident.events[-1].at
    with pytest.raises(IllegalTransition, match=r"correct would end the impact at .*, before its"):
        incident.correct(impact_start=ended + MINUTE, at=ended + HOUR, by="ana")
    late = Incident("INC-1", "t", SLO_999, "unknown", START).detect(None, at=minute(-9), by="ana")
    with pytest.raises(IllegalTransition, match=r"resolve would end .* or correct that first"):
        late.resolve(at=minute(-1), by="ana", auto_recovered=True)
    late.correct(impact_start=minute(-10), at=minute(-1), by="ana").resolve(
        at=minute(-1), by="ana", auto_recovered=True
    )


def test_a_journal_in_which_an_impact_ends_too_early_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    incident = Incident("INC-1", "t", SLO_999, "unknown", START).detect(None, at=START, by="ana")
    incident.save(path)
    line = (
        '{"at": "2025-03-04T18:10:00Z", "by": "ana", "verb": "resolve", "auto_recovered": true}\n'
    )
    text = path.read_text(encoding="utf-8").replace(
        "2025-03-04T18:00:00Z", "2025-03-04T19:00:00Z", 1
    )
    path.write_text(text + line, encoding="utf-8")
    assert Incident.load(path).metrics().impact == -50 * MINUTE


# --- a symptom that is not known yet -------------------------------------------------------------


def unknown() -> Incident:
    incident = Incident("INC-1", "The SLO burns", SLO_999, "unknown", START)
    incident = incident.detect(None, at=minute(1), by="ana").acknowledge(at=minute(2), by="ana")
    incident = incident.triage("sev1", "ana", at=minute(3), by="ana")
    incident = incident.measure(50, 100, at=minute(3), by="metrics")
    return incident.mitigate("fail_over", at=minute(4), by="ana")


def test_the_cause_last_suspected_decides_the_runbook_the_case_and_the_label() -> None:
    incident = unknown()
    assert incident.cause == "unknown"
    assert automations(incident, "ana") == ()
    with pytest.raises(ValueError, match=r"the symptom is unknown; name a cause with .*suspect"):
        to_eval_case(incident)
    wrong = incident.suspect("stale_index", at=minute(5), by="ana")
    right = wrong.suspect("model_provider_outage", at=minute(6), by="bo")
    assert (wrong.cause, right.cause) == ("stale_index", "model_provider_outage")
    assert [item.automates for item in automations(right, "ana")] == ["fail_over"]
    assert to_eval_case(right).symptom == "model_provider_outage"
    assert label_of(right).symptom == "model_provider_outage"
    assert right.symptom == "unknown", "what it was opened with stays"


def test_a_cause_of_no_runbook_leaves_the_symptom_that_it_was_opened_with() -> None:
    assert symptom_of("gremlins") == "unknown"
    assert symptom_of("gremlins", "stale_index") == "stale_index"
    assert all(symptom_of(symptom, "stale_index") == symptom for symptom in RUNBOOKS)
