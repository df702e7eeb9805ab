"""Every verb of an incident record with usual arguments, and incidents from scripts of verbs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from oncall.alerting import Alert
from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
SLO_999 = SLO("availability", 0.999)
NEW = Incident("INC-001", "model provider outage", SLO_999, "model_provider_outage", START)
PAGE = Alert("page", "sev1", 50.0, "14.4x 1h/5m")

# Each verb with arguments that are fine in themselves, so that only the state can forbid it.
MOVES: dict[str, tuple[Any, ...]] = {
    "detect": (PAGE,),
    "acknowledge": (),
    "triage": ("sev2", "ana"),
    "mitigate": ("fail_over",),
    "mitigated": (),
    "resolve": (),
    "close": ("what we learnt",),
    "reopen": (),
    "false_alarm": (),
}
REMARKS: dict[str, tuple[Any, ...]] = {
    "note": ("looks like the provider",),
    "update": ("we are working on it",),
    "measure": (50, 100),
    "sample": ("capital of France?", "Lyon", "Paris"),
}
FACTS: dict[str, tuple[Any, ...]] = {
    "page": ("ana", 0, 1),
    "escalate": (),
    "rollback": ("fail_over",),
    "learn": ("factor", "one provider"),
    "suspect": ("provider_fails",),
    "ask": ("purge_cache",),
    "approval": ("purge_cache", False),
    "predict": (85,),
    "secure": ("preserve",),
}
ARGUMENTS = MOVES | REMARKS | FACTS

PATH_TO = {
    "new": "",
    "detected": "detect",
    "acknowledged": "detect acknowledge",
    "triaged": "detect acknowledge triage",
    "mitigating": "detect acknowledge triage mitigate",
    "mitigated": "detect acknowledge triage mitigate mitigated",
    "resolved": "detect acknowledge triage mitigate mitigated resolve",
    "closed": "detect acknowledge triage mitigate mitigated resolve close",
}


def do(
    incident: Incident, verb: str, *arguments: Any, minute: float | None = None, **named: Any
) -> Incident:
    """The incident after a verb, with the usual arguments unless others are given.

    It happens a minute after the last event, or at a minute after the impact start.
    """
    at = incident.events[-1].at + MINUTE if incident.events else START
    if minute is not None:
        at = START + minute * MINUTE
    words = arguments or ARGUMENTS[verb]
    changed: Incident = getattr(incident, verb)(*words, at=at, by="ana", **named)
    return changed


def after(script: str, incident: Incident = NEW) -> Incident:
    """The incident after a script such as ``detect@1 acknowledge@4 triage``.

    The numbers are minutes after the impact start.
    """
    for word in script.split():
        verb, _, minute = word.partition("@")
        incident = do(incident, verb, minute=float(minute) if minute else None)
    return incident


def triaged(severity: str, incident: Incident = NEW) -> Incident:
    """An incident that has been acknowledged and triaged."""
    return do(after("detect acknowledge", incident), "triage", severity, "ana")
