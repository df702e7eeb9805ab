"""The desk of a shift: what an on-call engineer sees and can do, minute by minute.

It joins three machines that know nothing of each other: the service, the alert rules that watch it,
and the pager. Whatever happens goes through the incidents' journals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from oncall.alerting import Alert, AlertEvaluator, BurnRule, Rule, SilenceRule, google_policy
from oncall.catalogue import RUNBOOKS
from oncall.gameday.pager import Pager
from oncall.gameday.service import Service
from oncall.incident import Incident
from oncall.journal import OVER, UPDATE_EVERY
from oncall.scenario import Scenario
from oncall.slo import burn_rate, sli
from oncall.times import MINUTE

SILENCE = SilenceRule(10 * MINUTE)
_ANSWERS = ("acknowledge", "resolve", "false_alarm", "close")  # the pager stops climbing


class Desk:
    """What an on-call engineer sees and can do during a shift.

    It is a ``System``, so a runbook can be run on it. ``now`` moves only in ``advance`` and
    ``wait``, by whole minutes, and never past the end of the shift.

    Whatever fires belongs to the incident at hand, and a page after its mitigation is a relapse.
    Only when that page shows another symptom, or somebody declares one, is there a second incident;
    the first waits until the second is closed. One that is closed while its page still fires comes
    back as the next.

    Anything not allowed is a ``ValueError`` that says why, and nothing changes.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.service = Service(scenario, seed)
        self.pager = Pager()
        self.policy: tuple[Rule, ...] = (*google_policy(scenario.slo.period), SILENCE)
        self.incidents: list[Incident] = []
        self.firing: tuple[Rule, ...] = ()
        self._evaluator = AlertEvaluator(scenario.slo, self.policy, MINUTE)
        self._measured = 0  # minutes already in a measure
        self._last_trouble = self.now
        warm_up = self.service.counts
        for good, total in zip(warm_up.good, warm_up.total, strict=True):
            self.firing = self._evaluator.observe(good, total)

    # --- what can be seen

    @property
    def now(self) -> datetime:
        """The moment at the desk."""
        return self.service.now

    @property
    def ends(self) -> datetime:
        """When the shift is over."""
        return self.scenario.start + self.scenario.length

    @property
    def sli(self) -> float:
        """The share of good requests in the last minute; ``nan`` without any."""
        return self.service.sli

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that the mitigations in effect have brought below their floor."""
        return self.service.harmed

    @property
    def applied(self) -> tuple[str, ...]:
        """The mitigations in effect, those included that do not show yet."""
        return self.service.applied

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
    def quiet_for(self) -> timedelta:
        """How long the SLI has been at its target, no other SLI harmed, and no page firing."""
        return self.now - self._last_trouble

    @property
    def update_due(self) -> bool:
        """Whether users have heard nothing for half an hour about what is not yet mitigated."""
        if (incident := self.incident) is None or incident.state in OVER:
            return False
        told = max(event.at for event in incident.events if event.verb in ("detect", "update"))
        return self.now - told >= UPDATE_EVERY

    # --- what can be done

    def advance(self, length: timedelta) -> None:
        """Let whole minutes pass, to the end of the shift at most; no time at all is fine."""
        if length < timedelta() or length % MINUTE:
            raise ValueError(f"time passes by whole minutes, given {length}; give e.g. MINUTE")
        for _ in range(min(length, self.ends - self.now) // MINUTE):
            self._pass_minute()

    wait = advance

    def advance_until(self, happened: Callable[[Desk], bool]) -> bool:
        """Let time pass until something is the case; ``False`` when the shift ended first."""
        while not happened(self) and self.now < self.ends:
            self.advance(MINUTE)
        return happened(self)

    def acknowledge(self, by: str) -> None:
        """Take the page: the pager stops climbing."""
        self._record(self.current.acknowledge(at=self.now, by=by))

    def declare(self, *, by: str) -> None:
        """Open an incident before any alert does; one at hand must be mitigated first."""
        if (incident := self.incident) and incident.state not in OVER:
            why = f"{incident.id} is open already; it is {incident.state}"
            raise ValueError(f"{why}: work on that one first")
        self._open("Declared by hand", None, by)

    def escalate(self, *, by: str) -> None:
        """Page the next person at once; it climbs on from there until somebody acknowledges."""
        self._record(self.current.escalate(at=self.now, by=by))
        self.pager.escalate(self.now)
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

    def learn(self, kind: str, value: str, *, by: str) -> None:
        """Write something down for the postmortem."""
        self._record(self.current.learn(kind, value, at=self.now, by=by))

    def approval(self, mitigation: str, granted: bool, *, by: str) -> None:
        """Write down the answer of whoever was asked to approve a mitigation."""
        self._record(self.current.approval(mitigation, granted, at=self.now, by=by))

    def apply(self, mitigation: str, by: str = "ops") -> None:
        """Start a mitigation that is not in effect. It shows once its settle time is over."""
        self.service.check_apply(mitigation)
        # The last minute is measured by itself: it shows what this is to mend.
        self._measure_then(lambda it: it.mitigate(mitigation, at=self.now, by=by), apart=1)
        self.service.apply(mitigation)

    def rollback(self, mitigation: str, by: str = "ops") -> None:
        """Take a mitigation back; it is gone in the next minute."""
        self.service.check_rollback(mitigation)
        self._measure_then(lambda it: it.rollback(mitigation, at=self.now, by=by))
        self.service.rollback(mitigation)

    def mitigated(self, *, by: str) -> None:
        """Users no longer feel it."""
        self._measure_then(lambda it: it.mitigated(at=self.now, by=by))

    def resolve(self, *, by: str, auto_recovered: bool = False) -> None:
        """It is over."""
        self._measure_then(lambda it: it.resolve(at=self.now, by=by, auto_recovered=auto_recovered))

    def reopen(self, *, by: str) -> None:
        """It was resolved too early."""
        self._record(self.current.reopen(at=self.now, by=by))

    def false_alarm(self, *, by: str) -> None:
        """There was nothing that users felt."""
        self._record(self.current.false_alarm(at=self.now, by=by))

    def close(self, postmortem: str | None = None, *, by: str) -> None:
        """File the incident at hand, after a measure of what still harms users."""
        self.current.close(postmortem, at=self.now, by=by)
        self.measure_harm()
        self._record(self.current.close(postmortem, at=self.now, by=by))

    def measure_harm(self) -> None:
        """Record what was counted since the last measure, if it is below target."""
        if self.incident and sli(*self.service.counted(self._measured)) < self.scenario.slo.target:
            self._measure()

    # --- how a minute passes

    def _pass_minute(self) -> None:
        if self.incident and self.service.is_about_to_show:
            self._measure()  # so that the next one shows what the mitigation does, and only that
        before = self.firing
        self.firing = self._evaluator.observe(*self.service.pass_minute())
        self._respond_to([rule for rule in self.firing if rule not in before])
        if _paging(self.firing) or self.harmed or not self.sli >= self.scenario.slo.target:
            self._last_trouble = self.now
        self._page()

    def _respond_to(self, fired: list[Rule]) -> None:
        """Open, reopen or page, as the rules require that began to fire in the last minute."""
        if self._last_was_closed():
            fired = _paging(self.firing) or fired  # closed while its page fires: it comes back
        if fired and self._opens(bool(_paging(fired))):
            self._open(self._title(fired[0]), fired[0], "alerts")
        if _paging(fired) and self._wakes():
            if self.current.state == "resolved":
                self._record(self.current.reopen(at=self.now, by="alerts"))
            self.pager.reset()
            self.pager.start(self.now)

    def _last_was_closed(self) -> bool:
        """Whether nothing is open, and the last incident was closed and no false alarm."""
        last = self.incidents[-1] if self.incidents else None
        return last is not None and last.events[-1].verb == "close" and self.incident is None

    def _opens(self, pages: bool) -> bool:
        """Whether what began to fire is an incident of its own."""
        if (incident := self.incident) is None:
            return True
        shows_another = self.service.symptom not in (incident.symptom, "unknown")
        return pages and incident.state in OVER and shows_another

    def _wakes(self) -> bool:
        """Whether a page wakes somebody: the first does, and so does one after it seemed over."""
        return self.current.state in OVER or not self.current.events_of("page")

    def _page(self) -> None:
        for page in self.pager.due(self.now):
            paged = self.current.page(page.who, page.step, page.loop, at=self.now, by="pager")
            self._record(paged)

    def _open(self, title: str, rule: Rule | None, by: str) -> None:
        began = self.service.below_target_since
        if self.incident:
            self._measure(began)  # what was before belongs to the other incident
        self._measured = began = max(began, self._measured)
        start = self.scenario.start - self.scenario.warm_up + began * MINUTE
        name, symptom = f"INC-{len(self.incidents) + 1:03}", self.service.symptom
        incident = Incident(name, title, self.scenario.slo, symptom, start)
        alert = None if rule is None else self._alert(rule)
        self.incidents.append(incident.detect(alert, at=self.now, by=by))
        self.pager.reset()
        self._measure()

    def _title(self, rule: Rule) -> str:
        if self.service.symptom in RUNBOOKS:
            return RUNBOOKS[self.service.symptom].title
        if isinstance(rule, BurnRule):
            return f"{self.scenario.slo.name} burns its budget"
        return "No requests arrive"

    def _alert(self, rule: Rule) -> Alert:
        burn = 0.0
        if isinstance(rule, BurnRule):
            burn = burn_rate(self.service.sli_over(rule.short), self.scenario.slo)
        return Alert(rule.action, rule.severity, burn, rule.name)

    def _measure(self, until: int | None = None) -> None:
        """Record what was counted since the last measure, if anything was, up to a minute."""
        until = len(self.service) if until is None else until
        if self._measured < until:
            counted = self.service.counted(self._measured, until)
            self._record(self.current.measure(*counted, at=self.now, by="metrics"))
            self._measured = until

    def _measure_then(self, verb: Callable[[Incident], Incident], *, apart: int = 0) -> None:
        """Record a measure, the last ``apart`` minutes as one of their own, then the verb.

        If the verb is illegal, neither is recorded.
        """
        verb(self.current)
        self._measure(len(self.service) - apart)
        self._measure()
        self._record(verb(self.current))

    def _record(self, incident: Incident) -> None:
        self.incidents = [incident if one.id == incident.id else one for one in self.incidents]
        if incident.events[-1].verb in _ANSWERS:
            self.pager.answer()


def _paging(rules: tuple[Rule, ...] | list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.action == "page"]
