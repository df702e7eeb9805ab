"""Records for the tests of the journal, and ways to load them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oncall.alerting import Alert
from oncall.incident import Incident
from oncall.journal import TornJournal
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
NEW = Incident(
    "INC-001", "model provider outage", SLO("availability", 0.999), "model_provider_outage", START
)


def note(incident: Incident, text: str = "looks like the provider") -> Incident:
    return incident.note(text, at=START + len(incident.events) * MINUTE, by="ana")


def detected() -> Incident:
    return NEW.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=START, by="alerts")


def whole_story() -> Incident:
    """A record that holds every verb but ``false_alarm``."""
    at: dict[str, Any] = {"at": START + 9 * MINUTE, "by": "ana"}
    return (
        note(detected(), "Zürich sagt: «500er» 🔥\nzweite Zeile\u2028dritte")
        .acknowledge(**at)
        .triage("sev1", "ana", **at, ops="bo", comms="chen")
        .mitigate("fail_over", **at)
        .measure(50, 100, **at)
        .mitigated(**at)
        .update("Requests succeed again.", **at)
        .resolve(**at)
        .reopen(**at)
        .sample("capital of France?", "Lyon", "Paris", **at)
        .resolve(**at, auto_recovered=True)
        .close("# INC-001\n\nWhat we learnt.", **at)
    )


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def load_quietly(path: Path) -> tuple[Incident, bool]:
    """The record, and whether its last line was torn."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        incident = Incident.load(path)
    return incident, any(issubclass(warning.category, TornJournal) for warning in caught)
