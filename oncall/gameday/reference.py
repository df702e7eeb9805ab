"""The reference responder: it plays the book, and other responses are scored against its own."""

from __future__ import annotations

from oncall.catalogue import RUNBOOKS
from oncall.gameday.desk import Desk
from oncall.gameday.pager import LADDER
from oncall.incident import Incident
from oncall.journal import MAJOR
from oncall.mitigations import SYMPTOMS
from oncall.postmortem import ActionItem, automations, due_date, write_postmortem
from oncall.runbook import Mitigation, is_healthy, run_runbook
from oncall.scenario import Review
from oncall.severity import severity_for
from oncall.times import HOUR, MINUTE

WATCH = 30 * MINUTE  # how long all must be well before mitigated is called resolved


def reference(desk: Desk) -> None:
    """Play the book: acknowledge, triage, tell users, work the runbook, watch, learn."""
    at_end: set[tuple[str, str]] = set()  # incidents, and symptoms whose runbook did not suffice
    while desk.now < desk.ends:
        incident, symptom = desk.incident, desk.service.symptom
        who = LADDER.steps[0].on_call(desk.now)[0]
        if incident is None:
            desk.advance(MINUTE)
        elif incident.state in ("detected", "acknowledged"):
            _take(desk, who)
        elif desk.pager.ringing:
            desk.acknowledge(who)
        elif incident.state == "resolved":
            _learn(desk, incident, who)
        elif desk.quiet_for >= WATCH:
            desk.resolve(by=who, auto_recovered=incident.state != "mitigated")
            desk.update("This is resolved.", by="bo")
        elif (incident.id, symptom) not in at_end and _is_its_own(desk, incident):
            if not _mitigate(desk, who):
                at_end.add((incident.id, symptom))
        else:
            if desk.update_due:
                desk.update("We are still working on it.", by="bo")
            desk.advance(MINUTE)


def _is_its_own(desk: Desk, incident: Incident) -> bool:
    """Whether users feel this incident.

    Once it is mitigated, another symptom belongs to another incident, which will page.
    """
    mine = incident.state != "mitigated" or desk.service.symptom == incident.symptom
    return mine and not is_healthy(desk, desk.scenario.slo)


def _take(desk: Desk, who: str) -> None:
    """From the alert to a decision: is it real, how severe, who leads."""
    desk.advance(3 * MINUTE)
    desk.acknowledge(who)
    desk.advance(3 * MINUTE)
    incident = desk.incidents[-1]
    desk.triage(_severity(desk, incident), who, by=who, comms="bo")
    if not desk.service.felt and not is_healthy(desk, desk.scenario.slo):
        desk.note("what is counted as failed is nobody's request: users feel nothing", by=who)
        desk.false_alarm(by=who)
    else:
        desk.update(f"{incident.title}. We are working on it.", by="bo")


def _severity(desk: Desk, incident: Incident) -> str:
    """By the table, for the worst minute so far: a good cure does not make it less severe."""
    minutes = desk.service.counts.slice(incident.impact_start)
    fired = incident.events[0].get("window", "")
    counted = zip(minutes.good, minutes.total, strict=True)
    shares = [(total - good) / total for good, total in counted if total]
    share = 1.0 if fired.startswith("silence") else max(shares, default=1.0)
    symptom = SYMPTOMS.get(incident.symptom)
    whom = "users" if desk.service.felt or is_healthy(desk, desk.scenario.slo) else "nobody"
    return severity_for(share, symptom.sli if symptom else "availability", whom=whom)


def _mitigate(desk: Desk, who: str) -> bool:
    """Work the runbook for what shows most now; ``False`` if there is none or it is not enough."""

    def approve(mitigation: Mitigation) -> bool:
        desk.approval(mitigation.name, granted=mitigation.reversible, by="chen")
        return mitigation.reversible

    runbook = RUNBOOKS.get(desk.service.symptom)
    if runbook is None:
        desk.note("no runbook fits this; called the head of platform", by=who)
    elif run_runbook(runbook, desk, slo=desk.scenario.slo, at=desk.now, approve=approve).healthy:
        desk.mitigated(by=who)
        desk.update("It works again as it should. We go on watching.", by="bo")
        return True
    else:
        desk.note(f"the runbook is at its end; called {runbook.escalate_to}", by=who)
    return False


def _learn(desk: Desk, incident: Incident, who: str) -> None:
    """File the incident, with a postmortem if it paged or is major, unless it comes back."""
    written = desk.now + HOUR  # writing it takes a while
    desk.advance_until(lambda desk: desk.now >= written or desk.incident is not incident)
    if desk.incident is incident:
        is_due = incident.severity in MAJOR or incident.events[0].get("action") == "page"
        desk.close(_postmortem(desk, incident, who) if is_due else None, by=who)


def _postmortem(desk: Desk, incident: Incident, who: str) -> str:
    reviews = dict(zip([one.id for one in desk.incidents], desk.scenario.reviews, strict=False))
    review = reviews.get(incident.id, Review())
    items = list(automations(incident, who))
    for kind, text in review.action_items:
        items.append(ActionItem(kind, text, who, due_date(incident)))
    return write_postmortem(incident, **vars(review) | {"action_items": items})
