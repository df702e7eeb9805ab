"""A shift: a scenario played minute by minute, with a responder at the desk.

Time passes only when the responder lets it. Faults degrade the service, rules fire, the ladder
climbs until somebody acknowledges, and what is mitigated changes the minutes that follow. Whatever
happens goes through the incidents' journals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from oncall.alerting import (
    Alert,
    AlertEvaluator,
    BurnRule,
    Policy,
    Rule,
    SilenceRule,
    google_policy,
)
from oncall.catalogue import MITIGATIONS, RUNBOOKS, known_mitigation
from oncall.counts import Counts
from oncall.escalation import EscalationPolicy, Page, Step, escalate
from oncall.incident import ESCALATED, OVER, UNDONE, UPDATE_EVERY, Incident
from oncall.mock_system import MockSystem
from oncall.scenario import Fault, Scenario, Traffic
from oncall.slo import burn_rate, sli
from oncall.times import MINUTE

SILENCE = SilenceRule(10 * MINUTE)
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
    """Play a scenario to its end. The responder works the desk; what time it leaves over passes by itself.

    What harms users at the end is put on record, so that the journal of a shift that nobody worked
    holds all that burned.
    """
    desk = Desk(scenario, seed)
    responder(desk)
    desk.advance(desk.ends - desk.now)
    desk.measure_harm()
    return Shift(scenario, seed, desk.counts, tuple(desk.incidents))


class Desk:
    """What a responder sees and can do during a shift.

    It is a ``System``, so a runbook can be run on it. ``now`` moves only in ``advance`` and
    ``wait``, by whole minutes, and never past the end of the shift.

    Whatever fires belongs to the incident at hand, and a page after its mitigation is a relapse.
    Only when that page shows another symptom, or somebody declares one, is there a second incident;
    the first waits until the second is closed. One that is closed while its page still fires comes
    back as the next.

    What is not allowed is a ``ValueError`` that says why, and changes nothing.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.policy: Policy = (*google_policy(scenario.slo.period), SILENCE)
        self.incidents: list[Incident] = []
        self.firing: tuple[Rule, ...] = ()
        self._good: list[int] = []
        self._total: list[int] = []
        self._traffic = Traffic(scenario, seed)
        self._evaluator = AlertEvaluator(scenario.slo, self.policy, MINUTE)
        self._minute = -(scenario.warm_up // MINUTE)  # counted from the start of the shift
        self._shows_from: dict[
            str, int
        ] = {}  # applied mitigations, and the minute from which each shows
        self._left: list[_Left] = []  # of each fault, in the last minute
        self._left_of = cache(_left_of)  # most minutes are like the one before
        self._measured = 0  # buckets already in a measure
        self._to_page: deque[Page] = deque()
        self._rung = 0  # steps of the ladder that were paged since it began to climb
        while self._minute < 0:
            self._count(0.0, 0.0)
        self._last_trouble = self.now

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
        return Counts(self.scenario.start - self.scenario.warm_up, MINUTE, self._good, self._total)

    @property
    def incident(self) -> Incident | None:
        """The incident at hand: the newest that is not closed, if any; resolved is not closed."""
        return next((one for one in reversed(self.incidents) if one.state != "closed"), None)

    @property
    def current(self) -> Incident:
        """The incident at hand; a ``ValueError`` when none is open."""
        if (incident := self.incident) is None:
            raise ValueError("no incident is open; declare one, or wait for an alert")
        return incident

    @property
    def ringing(self) -> bool:
        """Whether the ladder is climbing: it has paged, and goes on until somebody acknowledges."""
        return bool(self._to_page)

    @property
    def quiet_for(self) -> timedelta:
        """How long the SLI has been at its target, no other SLI harmed, and no rule firing that pages."""
        return self.now - self._last_trouble

    @property
    def sli(self) -> float:
        """The share of good requests in the last minute."""
        return self.sli_over(MINUTE)

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that the mitigations in effect have brought below their floor."""
        return tuple(sorted({name for left in self._left for name in left.harmed}))

    @property
    def applied(self) -> tuple[str, ...]:
        """The mitigations in effect, those included that do not show yet."""
        return tuple(self._shows_from)

    @property
    def symptom(self) -> str:
        """What shows most in the last minute, the mitigations in effect considered; else ``unknown``."""
        return max(
            [
                (0.0, "unknown"),
                *((left.share, left.fault.symptom) for left in self._left if left.share),
            ]
        )[1]

    @property
    def spent(self) -> float:
        """The share of the period's error budget that the shift has spent so far, traffic taken as even."""
        good, total = self._counted(self.scenario.warm_up // MINUTE)
        allowed = (
            self.scenario.requests
            * (self.scenario.slo.period / MINUTE)
            * self.scenario.slo.error_budget
        )
        return (total - good) / allowed if allowed else 0.0

    def sli_over(self, length: timedelta) -> float:
        """The share of good requests in the last ``length``; ``nan`` without any."""
        return sli(*self._counted(-max(1, length // MINUTE)))

    @property
    def felt(self) -> bool:
        """Whether users feel anything, as support hears it: not all that is counted is theirs."""
        return any(left.share and not left.fault.synthetic for left in self._left)

    @property
    def update_due(self) -> bool:
        """Whether users have heard nothing for half an hour about an incident that is not yet mitigated."""
        if (incident := self.incident) is None or incident.state in OVER:
            return False
        told = max(event.at for event in incident.events if event.verb in ("detect", "update"))
        return self.now - told >= UPDATE_EVERY

    # --- what can be done

    def advance(self, length: timedelta) -> None:
        """Let whole minutes pass, to the end of the shift at most. None at all is fine; half a minute is refused."""
        if length < timedelta() or length % MINUTE:
            raise ValueError(
                f"time passes here by whole minutes, given {length}; give e.g. timedelta(minutes=1)"
            )
        for _ in range(min(length, self.ends - self.now) // MINUTE):
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
        self._record(self.current.acknowledge(at=self.now, by=by))

    def declare(self, *, by: str) -> None:
        """Open an incident before any alert does, because somebody noticed; one at hand must be mitigated."""
        if (incident := self.incident) and incident.state not in OVER:
            why = f"{incident.id} is open already; it is {incident.state}"
            raise ValueError(f"{why}: work on that one first")
        self._open(None, "Declared by hand", by)

    def escalate(self, *, by: str) -> None:
        """Page the next person on the ladder at once; it climbs on from there until somebody acknowledges."""
        self.note(ESCALATED, by=by)
        rest = LADDER.steps[self._rung % len(LADDER.steps) :]
        self._to_page = deque(escalate(EscalationPolicy(rest), self.now).pages)
        self._page()

    def triage(self, severity: str, ic: str, *, by: str, **roles: str) -> None:
        """Decide severity and roles."""
        self._record(self.current.triage(severity, ic, at=self.now, by=by, **roles))

    def update(self, text: str, *, by: str) -> None:
        """Tell users."""
        self._record(self.current.update(text, at=self.now, by=by))

    def note(self, text: str, *, by: str) -> None:
        """Write something down."""
        self._record(self.current.note(text, at=self.now, by=by))

    def apply(self, mitigation: str, by: str = "ops") -> None:
        """Start a mitigation that is not in effect. It shows once its settle time is over."""
        settle = MITIGATIONS[known_mitigation(mitigation)].settle
        if mitigation in self._shows_from:
            raise ValueError(f"{mitigation!r} is applied already; roll it back, or apply another")
        # The last minute is measured by itself: it shows what this is to mend.
        self._measured_then(
            lambda incident: incident.mitigate(mitigation, at=self.now, by=by), apart=1
        )
        self._shows_from[mitigation] = self._minute + max(0, settle // MINUTE - 1)

    def rollback(self, mitigation: str, by: str = "ops") -> None:
        """Take a mitigation back; it is gone in the next minute."""
        if mitigation not in self._shows_from:
            raise ValueError(
                f"{mitigation!r} is not applied; applied are {', '.join(self._shows_from) or 'none'}"
            )
        if not MITIGATIONS[mitigation].reversible:
            raise ValueError(f"{mitigation!r} cannot be rolled back")
        self._measured_then(
            lambda incident: incident.note(f"{UNDONE}{mitigation}", at=self.now, by=by)
        )
        del self._shows_from[mitigation]

    def mitigated(self, *, by: str) -> None:
        """Users no longer feel it."""
        self._measured_then(lambda incident: incident.mitigated(at=self.now, by=by))

    def resolve(self, *, by: str, auto_recovered: bool = False) -> None:
        """It is over."""
        self._measured_then(
            lambda incident: incident.resolve(at=self.now, by=by, auto_recovered=auto_recovered)
        )

    def reopen(self, *, by: str) -> None:
        """It was resolved too early."""
        self._record(self.current.reopen(at=self.now, by=by))

    def false_alarm(self, *, by: str) -> None:
        """There was nothing that users felt."""
        self._record(self.current.false_alarm(at=self.now, by=by))

    def close(self, postmortem: str | None = None, *, by: str) -> None:
        """File the incident at hand with its postmortem. What still harms users is measured first."""
        self.current.close(postmortem, at=self.now, by=by)
        self.measure_harm()
        self._record(self.current.close(postmortem, at=self.now, by=by))

    def measure_harm(self) -> None:
        """Put on record what was counted since the last measure, if it is below target and an incident is open."""
        if self.incident and sli(*self._counted(self._measured)) < self.scenario.slo.target:
            self._measure()

    # --- how a minute passes

    def _pass_minute(self) -> None:
        if self.incident and self._minute in self._shows_from.values():
            self._measure()  # so that the next measure shows what the mitigation does, and nothing from before
        showing = tuple(name for name, start in self._shows_from.items() if start <= self._minute)
        hits = zip(self.scenario.faults, self.scenario.failing(self._minute), strict=True)
        self._left = [self._left_of(fault, share, showing) for fault, share in hits]
        self._count(*self.scenario.failing_and_lost([left.share for left in self._left]))

    def _count(self, failing: float, lost: float) -> None:
        good, total = self._traffic.minute(self._minute, failing, lost)
        self._good.append(good)
        self._total.append(total)
        self.firing = self._evaluator.observe(good, total)
        self._minute += 1

    def _watch(self, fired: list[Rule]) -> None:
        """What the alerts and the pager do at the end of a minute; ``fired`` are the rules that began to fire."""
        paging = [rule for rule in self.firing if rule.action == "page"]
        if (
            self.incident is None
            and self.incidents
            and self.incidents[-1].events[-1].verb == "close"
        ):
            fired = paging or fired  # it was closed too early
        pages = any(rule.action == "page" for rule in fired)
        if fired and self._opens(pages):
            self._open(fired[0], self._title(fired[0]), "alerts")
        if pages and self._wakes():
            if self.current.state == "resolved":
                self._record(self.current.reopen(at=self.now, by="alerts"))
            self._rung, self._to_page = 0, deque(escalate(LADDER, self.now).pages)
        if paging or self.harmed or not self.sli >= self.scenario.slo.target:
            self._last_trouble = self.now
        self._page()

    def _page(self) -> None:
        while self._to_page and self._to_page[0].at <= self.now:
            self.note(f"paged {self._to_page.popleft().who}", by="pager")
            self._rung += 1

    def _opens(self, pages: bool) -> bool:
        """Whether what began to fire is an incident of its own."""
        incident = self.incident
        if incident is None:
            return True
        return (
            pages and incident.state in OVER and self.symptom not in (incident.symptom, "unknown")
        )

    def _wakes(self) -> bool:
        """Whether a page has to wake somebody: the first one does, and one after it seemed to be over."""
        incident = self.current
        return incident.state in OVER or not any(event.by == "pager" for event in incident.events)

    def _open(self, rule: Rule | None, title: str, by: str) -> None:
        began = self._impact_start()
        if self.incident:
            self._measure(began)  # what was before is the other incident's
        self._measured = began = max(began, self._measured)
        start = self.scenario.start - self.scenario.warm_up + began * MINUTE
        incident = Incident(
            f"INC-{len(self.incidents) + 1:03}", title, self.scenario.slo, self.symptom, start
        )
        self.incidents.append(
            incident.detect(self._alert(rule) if rule else None, at=self.now, by=by)
        )
        self._rung = 0
        self._measure()

    def _title(self, rule: Rule) -> str:
        if self.symptom in RUNBOOKS:
            return RUNBOOKS[self.symptom].title
        return (
            f"{self.scenario.slo.name} burns its budget"
            if isinstance(rule, BurnRule)
            else "No requests arrive"
        )

    def _alert(self, rule: Rule) -> Alert:
        burn = (
            burn_rate(self.sli_over(rule.short), self.scenario.slo)
            if isinstance(rule, BurnRule)
            else 0.0
        )
        return Alert(rule.action, rule.severity, burn, rule.name)

    def _impact_start(self) -> int:
        """The bucket with which the unbroken run of minutes below target began that led up to now."""
        start = len(self._good)
        while (
            start
            and not sli(self._good[start - 1], self._total[start - 1]) >= self.scenario.slo.target
        ):
            start -= 1
        return start

    def _counted(self, begin: int, end: int | None = None) -> tuple[int, int]:
        """Good and total requests in some of the buckets, given as for a slice."""
        return sum(self._good[begin:end]), sum(self._total[begin:end])

    def _measure(self, until: int | None = None) -> None:
        """Put what was counted since the last measure on record, if anything was."""
        until = len(self._good) if until is None else until
        if self._measured < until:
            self._record(
                self.current.measure(
                    *self._counted(self._measured, until), at=self.now, by="metrics"
                )
            )
            self._measured = until

    def _measured_then(self, verb: Callable[[Incident], Incident], *, apart: int = 0) -> None:
        """Measure, the last ``apart`` minutes by themselves, then do it; what is illegal leaves no measure either."""
        verb(self.current)
        self._measure(len(self._good) - apart)
        self._measure()
        self._record(verb(self.current))

    def _record(self, incident: Incident) -> None:
        self.incidents = [incident if one.id == incident.id else one for one in self.incidents]
        if incident.events[-1].verb in _ANSWERS:
            self._to_page.clear()


_ANSWERS = ("acknowledge", "resolve", "false_alarm", "close")  # the ladder stops climbing


@dataclass(frozen=True)
class _Left:
    """What is left of a fault: the share of requests it still hits, and other SLIs that its mitigations harm."""

    fault: Fault
    share: float
    harmed: tuple[str, ...] = ()


def _left_of(fault: Fault, share: float, mitigations: tuple[str, ...]) -> _Left:
    if mitigations and not fault.catches and fault.symptom in RUNBOOKS:
        system = MockSystem(fault.symptom, mitigations, failing=share)
        return _Left(fault, 1 - system.sli, system.harmed)
    for name in mitigations:
        share = min(1.0, share * (1 - dict(fault.catches).get(name, 0.0)))
    return _Left(fault, share)
