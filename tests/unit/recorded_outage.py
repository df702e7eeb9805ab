"""An outage as people worked it, for the tests of regression cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from oncall.alerting import Alert
from oncall.catalogue import RUNBOOKS
from oncall.incident import Incident
from oncall.postmortem import ActionItem
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
TWO_NINES = SLO("availability", 0.99)
SYMPTOM = "model_provider_outage"
MITIGATIONS = tuple(mitigation.name for mitigation in RUNBOOKS[SYMPTOM].mitigations)
SECOND = timedelta(seconds=1)


def outage(
    good: int = 500,
    total: int = 1000,
    *,
    slo: SLO = TWO_NINES,
    mitigated: float | None = 45,
    symptom: str = SYMPTOM,
) -> Incident:
    """An incident as people worked it: paged after 18 minutes, mitigated after 45 by default."""

    def at(minute: float) -> datetime:
        return START + minute * MINUTE

    incident = Incident("INC-001", "The model provider fails requests", slo, symptom, START)
    incident = incident.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=at(18), by="alerts")
    incident = incident.measure(good, total, at=at(18), by="metrics")
    incident = incident.acknowledge(at=at(21), by="ana")
    incident = incident.triage("sev1", "ana", at=at(24), by="ana")
    incident = incident.mitigate("fail_over", at=at(25), by="ana")
    return incident if mitigated is None else incident.mitigated(at=at(mitigated), by="ana")


def automating(*names: str) -> list[ActionItem]:
    """An action item to automate each of these mitigations."""
    due = date(2025, 4, 1)
    return [ActionItem("mitigate", f"{name} by itself", "ana", due, name) for name in names]


def asked(good: str = "Paris, of course", bad: str = "Lyon") -> Incident:
    """The outage, with a sample of a question that was answered badly."""
    return outage().sample("What is the capital of France?", bad, good, at=START + HOUR, by="ana")
