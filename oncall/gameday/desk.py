"""The desk of a shift: what an on-call engineer sees and can do, minute by minute.

It joins machines that know nothing of each other: the service, the alert rules that watch it, the
pager, and the people who can be woken. Whatever happens goes through the incidents' journals, and
nothing at the desk knows what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from oncall.alerting import Alert, BurnRule, Rule
from oncall.gameday.pager import Pager
from oncall.gameday.people import PEOPLE, People
from oncall.gameday.service import Service
from oncall.gameday.watch import Alarm, Watch
from oncall.incident import Incident
from oncall.journal import OVER, UPDATE_EVERY
from oncall.mitigations import MITIGATIONS
from oncall.scenario import Scenario
from oncall.slo import SLO, burn_rate, sli
from oncall.times import MINUTE

UNKNOWN = "unknown"  # the symptom of every incident, until somebody suspects a cause
_ANSWERS = ("acknowledge", "resolve", "false_alarm", "close")  # the pager stops climbing


class Desk:
    """What an on-call engineer sees and can do during a shift.

    It is a ``System``, so a runbook can be run on it. ``now`` moves only in ``advance`` and
    ``wait``, by whole minutes, and never past the end of the shift.

    Whatever fires belongs to the incident at hand, and a page of its SLO after its mitigation is a
    relapse. A page of another SLO then, or somebody who declares one, opens a second incident; one
    that is closed while its page still fires comes back as the next.

    Anything not allowed is a ``ValueError`` that says why, and nothing changes.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self.service = Service(scenario, seed)
        self.pager = Pager()
        self.people = People(seed)
        self.incidents: list[Incident] = []
        self.alarms: tuple[Alarm, ...] = ()
        self._watch = Watch(self.service)
        self._chosen = ""
        self._called_off: set[str] = set()  # SLIs whose alarms are false until they clear
        self._measured = 0  # minutes already in a measure
        self._last_trouble = self.now

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
    def policy(self) -> tuple[Rule, ...]:
        """The rules that watch each SLO."""
        return self._watch.policy

    @property
    def slos(self) -> dict[str, SLO]:
        """The SLOs that are watched, by SLI."""
        return self._watch.slos

    @property
    def slo(self) -> SLO:
        """The SLO of the incident at hand, or else the scenario's."""
        return self.incident.slo if self.incident else self.scenario.slo

    @property
    def firing(self) -> tuple[Rule, ...]:
        """The rules that fire."""
        return tuple(dict.fromkeys(alarm.rule for alarm in self.alarms))

    @property
    def sli(self) -> float:
        """The share of good events now in the SLI of the SLO at hand; ``nan`` without any."""
        return self.service.sli

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that are below what users accept."""
        return self.service.harmed

    @property
    def applied(self) -> tuple[str, ...]:
        """The mitigations in effect, those included that do not show yet."""
        return self.service.applied

    @property
    def incident(self) -> Incident | None:
        """The incident at hand: the one chosen, or else the newest that is not closed, if any."""
        open_ones = [one for one in self.incidents if one.state != "closed"]
        chosen = [one for one in open_ones if one.id == self._chosen]
        return next(iter(chosen or reversed(open_ones)), None)

    @property
    def current(self) -> Incident:
        """The incident at hand; a ``ValueError`` when none is open."""
        if (incident := self.incident) is None:
            raise ValueError("no incident is open; declare one, or wait for an alert")
        return incident

    def proposed(self, incident: Incident) -> str:
        """The severity that the rules propose: of what opened it, or of a worse one that fires."""
        opened = incident.events[0].get("severity")
        firing = [alarm.rule.severity for alarm in self.alarms if incident is self.incident]
        return min(filter(None, [opened, *firing]), default="")

    @property
    def quiet_for(self) -> timedelta:
        """How long every SLI has been at its target, and no page firing."""
        return self.now - self._last_trouble

    @property
    def update_due(self) -> bool:
        """Whether users have heard nothing for half an hour about what is not yet mitigated."""
        if (incident := self.incident) is None or incident.state in OVER:
            return False
        told = max(event.at for event in incident.events if event.verb in ("detect", "update"))
        return self.now - told >= UPDATE_EVERY

    def needs_approval(self, mitigation: str, value: str | None = None) -> bool:
        """Whether a mitigation is to be asked for: by its risk, or for a safety rule it relaxes."""
        of_rules = [change.id for change in self.service.world.changes if change.kind == "rule"]
        return MITIGATIONS[mitigation].needs_approval or value in of_rules

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

    def use(self, id: str) -> None:
        """Choose the incident at hand."""
        open_ones = [one.id for one in self.incidents if one.state != "closed"]
        if id not in open_ones:
            raise ValueError(f"{id} is not open; open are {', '.join(open_ones) or 'none'}")
        self.measure_harm()
        self._chosen = id
        self._measured = len(self.service)
        self._look_at_hand()

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
        self._page(called=True)

    def page(self, who: str, *, by: str) -> None:
        """Wake somebody."""
        if who not in PEOPLE:
            raise ValueError(f"page one of {', '.join(PEOPLE)}, given {who!r}")
        self._record(self.current.page(who, at=self.now, by=by))
        self.people.page(who, self.service.minute)

    def triage(self, severity: str, ic: str, *, by: str, **roles: str) -> None:
        """Decide severity and roles; who is named and asleep is paged."""
        self._record(self.current.triage(severity, ic, at=self.now, by=by, **roles))
        for who in (ic, *roles.values()):
            if who in PEOPLE and not self.people.is_up(who, self.service.minute):
                self.page(who, by=by)

    def update(
        self, text: str, status: str | None = None, percent: float | None = None, *, by: str
    ) -> None:
        """Tell users."""
        self._record(self.current.update(text, status, percent, at=self.now, by=by))

    def note(self, text: str, *, by: str) -> None:
        """Write something down."""
        self._record(self.current.note(text, at=self.now, by=by))

    def learn(self, kind: str, value: str, *, by: str) -> None:
        """Write something down for the postmortem."""
        self._record(self.current.learn(kind, value, at=self.now, by=by))

    def look(self, words: str, *, by: str) -> None:
        """Write down which reading was taken, if an incident is open."""
        if self.incident:
            self._record(self.current.look(words, at=self.now, by=by))

    def suspect(self, cause: str, *, by: str) -> None:
        """Name a cause."""
        self._record(self.current.suspect(cause, at=self.now, by=by))

    def predict(self, percent: float, *, by: str) -> None:
        """Say which SLI is expected once the next mitigation shows."""
        self._record(self.current.predict(percent, at=self.now, by=by))

    def secure(self, step: str, *, by: str) -> None:
        """Do something that security demands; a call wakes security."""
        self._record(self.current.secure(step, at=self.now, by=by))
        if step == "call":
            self.page("dana", by=by)

    def ask(self, mitigation: str, *, by: str) -> None:
        """Ask for approval of a mitigation; the answer comes later."""
        self._record(self.current.ask(mitigation, at=self.now, by=by))
        self.people.ask(mitigation, self.service.minute)

    def approval(self, mitigation: str, granted: bool, *, by: str) -> None:
        """Write down the answer of whoever was asked to approve a mitigation."""
        self._record(self.current.approval(mitigation, granted, at=self.now, by=by))

    def apply(self, mitigation: str, by: str = "ops", value: str | None = None) -> None:
        """Start a mitigation that is not in effect. It shows once its settle time is over."""
        self.service.check_apply(mitigation)
        # The last minute is measured by itself: it shows what this is to mend.
        self._measure_then(lambda it: it.mitigate(mitigation, value, at=self.now, by=by), apart=1)
        self.service.apply(mitigation, value)

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
        slo = self.current.slo.name
        self._record(self.current.false_alarm(at=self.now, by=by))
        if any(alarm.sli == slo for alarm in self.alarms):
            self._called_off.add(slo)
        self._look_at_hand()

    def close(self, postmortem: str | None = None, *, by: str) -> None:
        """File the incident at hand, after a measure of what still harms users."""
        self.current.close(postmortem, at=self.now, by=by)
        self.measure_harm()
        self._record(self.current.close(postmortem, at=self.now, by=by))
        self._look_at_hand()

    def measure_harm(self) -> None:
        """Record what was counted since the last measure, if it is below target."""
        if self.incident and sli(*self.service.counted(self._measured)) < self.slo.target:
            self._measure()

    # --- how a minute passes

    def _pass_minute(self) -> None:
        if self.incident and self.service.is_about_to_show:
            self._measure()  # so that the next one shows what the mitigation does, and only that
        before = self.alarms
        self.alarms = self._watch.observe(self.service.pass_minute())
        self._called_off &= {alarm.sli for alarm in self.alarms}
        heard = [alarm for alarm in self.alarms if alarm.sli not in self._called_off]
        self._respond_to([alarm for alarm in heard if alarm not in before], heard)
        if _paging(self.alarms) or self.harmed or not self.sli >= self.slo.target:
            self._last_trouble = self.now
        self._page()
        self._hear()

    def _respond_to(self, fired: list[Alarm], heard: list[Alarm]) -> None:
        """Open, reopen or page, as the rules require that began to fire in the last minute."""
        if self._last_was_closed():
            fired = _paging(heard) or fired  # closed while its page fires: it comes back
        if fired and self._opens(fired[0]):
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

    def _opens(self, alarm: Alarm) -> bool:
        """Whether what began to fire is an incident of its own."""
        if (incident := self.incident) is None:
            return True
        is_another = alarm.sli not in {one.slo.name for one in self.incidents}
        return alarm.pages and incident.state in OVER and is_another

    def _wakes(self) -> bool:
        """Whether a page wakes somebody: the first does, and so does one after it seemed over."""
        return self.current.state in OVER or not self.current.events_of("page")

    def _page(self, *, called: bool = False) -> None:
        for page in self.pager.due(self.now):
            paged = self.current.page(page.who, page.step, page.loop, at=self.now, by="pager")
            self._record(paged)
            self.people.woken[page.who] = self.service.minute
            if called:  # whoever is called for by name knows that it is for them
                self.people.page(page.who, self.service.minute)

    def _hear(self) -> None:
        """Hear the answers to what was asked, where they are due."""
        for mitigation, due in list(self.people.asked.items()):
            if due <= self.service.minute:
                del self.people.asked[mitigation]
                if self.incident:
                    granted = self.people.approves(mitigation)
                    self.approval(mitigation, granted, by="eli")

    def _open(self, title: str, alarm: Alarm | None, by: str) -> None:
        slo = self.slos[alarm.sli] if alarm else self._worst()
        if self.incident:
            self.measure_harm()
        self.service.watched = slo.name
        began = max(self.service.below_target_since, self._measured)
        self._measured = began
        start = self.scenario.start - self.scenario.warm_up + began * MINUTE
        name = f"INC-{len(self.incidents) + 1:03}"
        incident = Incident(name, title, slo, UNKNOWN, start)
        alert = None if alarm is None else self._alert(alarm)
        self.incidents.append(incident.detect(alert, at=self.now, by=by))
        self._chosen = ""
        self.pager.reset()
        self._measure()

    def _worst(self) -> SLO:
        """The SLO that burns fastest now: what somebody declares an incident for."""
        burns = {
            name: burn_rate(self.service.sli_of(name, self.service.window), slo)
            for name, slo in self.slos.items()
        }
        known = {name: burn for name, burn in burns.items() if burn == burn}
        return self.slos[max(known, key=lambda name: known[name], default=self.slo.name)]

    def _look_at_hand(self) -> None:
        self.service.watched = self.slo.name

    def _title(self, alarm: Alarm) -> str:
        if isinstance(alarm.rule, BurnRule):
            return f"{alarm.sli} burns its budget at {self._alert(alarm).burn:.1f}x"
        return "No requests arrive"

    def _alert(self, alarm: Alarm) -> Alert:
        rule, burn = alarm.rule, 0.0
        if isinstance(rule, BurnRule):
            seen = self.service.sli_of(alarm.sli, rule.short)
            burn = burn_rate(seen, self.slos[alarm.sli])
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


def _paging(alarms: tuple[Alarm, ...] | list[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.pages]
