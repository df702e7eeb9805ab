"""A shift: a scenario played minute by minute, with a responder at the desk.

Time passes only when the responder lets it. Faults degrade the service, rules fire, the ladder
climbs until somebody acknowledges, and what is mitigated changes the minutes that follow. Whatever
happens goes through the incident's journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oncall.alerting import Alert, AlertEvaluator, BurnRule, Rule, google_policy
from oncall.counts import Counts
from oncall.escalation import EscalationPolicy, Page, Step, escalate
from oncall.incident import Incident
from oncall.postmortem import ActionItem, write_postmortem
from oncall.runbook import RUNBOOKS, Mitigation, MockSystem, known_mitigation, run_runbook
from oncall.scenario import Scenario, Traffic, combined
from oncall.slo import burn_rate, sli
from oncall.times import DAY, HOUR, MINUTE

QUIET = 30 * MINUTE  # how long the pager must be quiet before mitigated is called resolved
LADDER = EscalationPolicy(
    (Step(("ana",), 5 * MINUTE), Step(("bo",), 10 * MINUTE), Step(("chen",), 15 * MINUTE)), repeat=1
)


@dataclass(frozen=True)
class Shift:
    """A finished shift: what was played, what the service counted, and the incidents' journals."""

    scenario: Scenario
    seed: int
    counts: Counts
    incidents: tuple[Incident, ...]


def run_shift(scenario: Scenario, seed: int, responder: Callable[[Desk], None]) -> Shift:
    """Play a scenario to its end. The responder works the desk; what time it leaves over passes by itself."""
    desk = Desk(scenario, seed)
    responder(desk)
    desk.advance(desk.ends - desk.now)
    return Shift(scenario, seed, desk.counts, tuple(desk.incidents))


class Desk:
    """What a responder sees and can do during a shift.

    It is a ``System``, so a runbook can be run on it. ``now`` moves only in ``advance`` and
    ``wait``, by whole minutes, and never past the end of the shift.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.policy = google_policy(scenario.slo.period)
        self.incidents: list[Incident] = []
        self.firing: tuple[Rule, ...] = ()
        self._good: list[int] = []
        self._total: list[int] = []
        self._traffic = Traffic(scenario, seed)
        self._evaluator = AlertEvaluator(scenario.slo, self.policy, MINUTE)
        self._minute = -(scenario.quiet // MINUTE)  # counted from the start of the shift
        self._shows_from: dict[str, int] = {}  # applied mitigations, and the minute from which each shows
        self._measured = 0  # buckets already in a measure
        self._paged_at: datetime | None = None
        self._last_paging = self.now
        self._pages: tuple[Page, ...] = ()
        while self._minute < 0:
            self._pass_minute()

    # --- what can be seen

    @property
    def now(self) -> datetime:
        """The moment at the desk."""
        return self.scenario.start + self._minute * MINUTE

    @property
    def ends(self) -> datetime:
        """When the shift is over."""
        return self.scenario.start + self.scenario.length

    @property
    def counts(self) -> Counts:
        """What the service has counted so far, the quiet days before the shift included."""
        return Counts(self.scenario.start - self.scenario.quiet, MINUTE, self._good, self._total)

    @property
    def incident(self) -> Incident | None:
        """The incident at hand, resolved ones included; ``None`` when there is none or it is closed."""
        return self.incidents[-1] if self.incidents and self.incidents[-1].state != "closed" else None

    @property
    def quiet_for(self) -> timedelta:
        """How long no rule that pages has been firing."""
        return self.now - self._last_paging

    @property
    def sli(self) -> float:
        """The share of good requests in the last minute."""
        return sli(self._good[-1], self._total[-1])

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that the mitigations in effect have brought below their floor."""
        return tuple(sorted({name for system in self._systems(self._minute - 1) for name in system.harmed}))

    # --- what can be done

    def advance(self, length: timedelta) -> None:
        """Let whole minutes pass, to the end of the shift at most."""
        for _ in range(length // MINUTE):
            if self.now < self.ends:
                before = self.firing
                self._pass_minute()
                self._watch([rule for rule in self.firing if rule not in before])

    wait = advance

    def advance_until(self, happened: Callable[[Desk], bool]) -> bool:
        """Let time pass until something is the case; ``False`` when the shift ended first."""
        while not happened(self) and self.now < self.ends:
            self.advance(MINUTE)
        return happened(self)

    def acknowledge(self, by: str) -> None:
        """Take the page: the ladder stops climbing."""
        self._record(self._current().acknowledge(at=self.now, by=by))

    def triage(self, severity: str, ic: str, *, by: str, **roles: str) -> None:
        """Decide severity and roles."""
        self._record(self._current().triage(severity, ic, at=self.now, by=by, **roles))

    def update(self, text: str, *, by: str) -> None:
        """Tell users."""
        self._record(self._current().update(text, at=self.now, by=by))

    def note(self, text: str, *, by: str) -> None:
        """Write something down."""
        self._record(self._current().note(text, at=self.now, by=by))

    def apply(self, mitigation: str, by: str = "ops") -> None:
        """Start a mitigation. It shows once its settle time is over."""
        settle = _mitigation(known_mitigation(mitigation)).settle
        self._measure()
        self._record(self._current().mitigate(mitigation, at=self.now, by=by))
        self._shows_from.setdefault(mitigation, self._minute + max(0, settle // MINUTE - 1))

    def rollback(self, mitigation: str, by: str = "ops") -> None:
        """Take a mitigation back; it is gone in the next minute."""
        if mitigation not in self._shows_from:
            raise ValueError(f"{mitigation!r} is not applied; applied are {', '.join(self._shows_from) or 'none'}")
        self.note(f"rolled back: {mitigation}", by=by)
        del self._shows_from[mitigation]

    def mitigated(self, *, by: str) -> None:
        """Users no longer feel it."""
        self._measure()
        self._record(self._current().mitigated(at=self.now, by=by))

    def resolve(self, *, by: str, auto_recovered: bool = False) -> None:
        """It is over."""
        self._measure()
        self._record(self._current().resolve(at=self.now, by=by, auto_recovered=auto_recovered))

    def close(self, postmortem: str | None = None, *, by: str) -> None:
        """File the last incident with its postmortem."""
        self._record(self._current().close(postmortem, at=self.now, by=by))

    # --- how a minute passes

    def _pass_minute(self) -> None:
        if self.incident and self._minute in self._shows_from.values():
            self._measure()  # so that the next measure shows what the mitigation does, and nothing from before
        failing = combined([1 - system.sli for system in self._systems(self._minute)])
        good, total = self._traffic.minute(self._minute, failing)
        self._good.append(good)
        self._total.append(total)
        self.firing = self._evaluator.observe(good, total)
        self._minute += 1

    def _systems(self, minute: int) -> list[MockSystem]:
        """Each fault that is active in a minute, with the mitigations that show by then."""
        applied = [name for name, start in self._shows_from.items() if start <= minute]
        return [
            MockSystem(fault.symptom, applied, failing=failing)
            for fault, failing in zip(self.scenario.faults, self.scenario.failing(minute), strict=True)
            if failing
        ]

    def _watch(self, fired: list[Rule]) -> None:
        """What the alerts and the pager do at the end of a minute; ``fired`` are the rules that began to fire."""
        pages = any(rule.action == "page" for rule in fired)
        if fired and self.incident is None:
            self._open(fired[0])
        elif pages and self._current().state == "resolved":
            self._record(self._current().reopen(at=self.now, by="alerts"))
            self._paged_at = None
        if any(rule.action == "page" for rule in self.firing):
            self._last_paging = self.now
        if pages and self._paged_at is None:
            self._paged_at, self._pages = self.now, ()
        self._page()

    def _open(self, rule: Rule) -> None:
        number, began = len(self.incidents) + 1, self._impact_start()
        symptom = self._symptom()
        title = RUNBOOKS[symptom].title if symptom in RUNBOOKS else f"{self.scenario.slo.name} burns its budget"
        incident = Incident(f"INC-{number:03}", title, self.scenario.slo, symptom, began)
        self._measured, self._paged_at = self._minute - (self.now - began) // MINUTE + self.scenario.quiet // MINUTE, None
        self.incidents.append(incident.detect(self._alert(rule), at=self.now, by="alerts"))
        self._measure()

    def _alert(self, rule: Rule) -> Alert:
        if not isinstance(rule, BurnRule):
            return Alert(rule.action, rule.severity, 0.0, rule.name)
        burn = burn_rate(sli(*self._evaluator.window(rule.short)), self.scenario.slo)
        return Alert(rule.action, rule.severity, burn, rule.name)

    def _impact_start(self) -> datetime:
        """The start of the unbroken run of minutes below target that led up to now."""
        start = len(self._good)
        while start and not sli(self._good[start - 1], self._total[start - 1]) >= self.scenario.slo.target:
            start -= 1
        return self.scenario.start - self.scenario.quiet + start * MINUTE

    def _symptom(self) -> str:
        failing = self.scenario.failing(self._minute - 1)
        worst = max(range(len(failing)), key=failing.__getitem__, default=None)
        return self.scenario.faults[worst].symptom if worst is not None and failing[worst] else "unknown"

    def _page(self) -> None:
        """Climb the ladder: note whom it has paged since the last minute."""
        if self._paged_at is None or self.incident is None:
            return
        acks = [event.at for event in self.incident.events if event.verb == "acknowledge"]
        due = [page for page in escalate(LADDER, self._paged_at, acks=acks).pages if page.at <= self.now]
        for page in due[len(self._pages) :]:
            self.note(f"paged {page.who}", by="pager")
        self._pages = tuple(due)

    def _measure(self) -> None:
        """Put what was counted since the last measure on record, if anything was."""
        if self._measured == len(self._good):
            return
        good, total = sum(self._good[self._measured :]), sum(self._total[self._measured :])
        self._measured = len(self._good)
        self._record(self.incidents[-1].measure(good, total, at=self.now, by="metrics"))

    def _current(self) -> Incident:
        if self.incident is None:
            raise ValueError("no incident is open; wait for an alert")
        return self.incident

    def _record(self, incident: Incident) -> None:
        self.incidents[-1] = incident


def _mitigation(name: str) -> Mitigation:
    return next(m for book in RUNBOOKS.values() for m in book.mitigations if m.name == name)


# --- the responder who plays the book ------------------------------------------------------------


def reference(desk: Desk) -> None:
    """Plays the book: acknowledge, triage, tell users, work the runbook, wait until the alerts are quiet, learn."""
    seen = 0
    while desk.advance_until(lambda desk: desk.incident is not None and len(desk.incidents) > seen):
        seen = len(desk.incidents)
        _mitigate(desk)
        if desk.incident and desk.incident.state == "mitigated" and desk.advance_until(_is_quiet):
            _finish(desk)


def _is_quiet(desk: Desk) -> bool:
    return desk.quiet_for >= QUIET


def _mitigate(desk: Desk) -> None:
    who = LADDER.steps[0].on_call(desk.now)[0]
    desk.advance(3 * MINUTE)
    desk.acknowledge(who)
    desk.advance(3 * MINUTE)
    incident = desk.incidents[-1]
    runbook = RUNBOOKS[incident.symptom]
    # When unsure between the alert's severity and the runbook's, take the higher.
    desk.triage(min(incident.severity or runbook.severity, runbook.severity), who, by=who, comms="bo")
    desk.update(f"{runbook.title}. We are working on it.", by="bo")
    if run_runbook(runbook, desk, slo=desk.scenario.slo, at=desk.now).healthy:
        desk.mitigated(by=who)
        desk.update("Requests succeed again. We go on watching.", by="bo")
    else:
        desk.note(f"the runbook is at its end; called {runbook.escalate_to}", by=who)


def _finish(desk: Desk) -> None:
    who = LADDER.steps[0].on_call(desk.now)[0]
    desk.resolve(by=who)
    desk.update("This is resolved.", by="bo")
    desk.advance(HOUR)  # writing it takes a while
    incident = desk.incidents[-1]
    found = desk.scenario.review
    desk.close(
        write_postmortem(
            incident,
            contributing_factors=found.contributing_factors,
            action_items=automations(incident, owner=who),
            went_well=found.went_well,
            went_wrong=found.went_wrong,
            lucky=found.lucky,
        ),
        by=who,
    )


def automations(incident: Incident, owner: str) -> tuple[ActionItem, ...]:
    """An action item for each mitigation that was kept: next time the system applies it by itself."""
    undone = {event.get("text") for event in incident.events if event.verb == "note"}
    names = dict.fromkeys(event.get("action") for event in incident.events if event.verb == "mitigate")
    due = incident.events[-1].at.date() + 14 * DAY
    return tuple(
        ActionItem("mitigate", f"{_mitigation(name).action} without waiting for a person", owner, due, name)
        for name in names
        if f"rolled back: {name}" not in undone
    )
