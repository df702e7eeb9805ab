"""What watches the service of a shift: the alert rules of each SLO, minute by minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from oncall.alerting import AlertEvaluator, BurnRule, Rule, SilenceRule, google_policy
from oncall.gameday.causes import SLOS
from oncall.gameday.service import Minute, Service
from oncall.scenario import Scenario
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

SILENCE = SilenceRule(10 * MINUTE)


class Alarm(NamedTuple):
    """A rule that fires, and the SLI that it watches."""

    sli: str
    rule: Rule

    @property
    def pages(self) -> bool:
        """Whether it wakes a person; else it opens a ticket."""
        return self.rule.action == "page"


def policy_of(period: timedelta, *, drawn: bool) -> tuple[Rule, ...]:
    """The rules of an SLO of this period: Google's four, and silence.

    Where causes are drawn a third rule pages, for what burns slowly: 3× over an hour.
    """
    google = google_policy(period)
    slow = BurnRule(HOUR, 15 * MINUTE, 3.0, "page", "sev3")
    return (*google[:2], slow, *google[2:], SILENCE) if drawn else (*google, SILENCE)


def slos_of(scenario: Scenario, *, drawn: bool) -> dict[str, SLO]:
    """The SLOs that are watched, by SLI."""
    return {**(SLOS if drawn else {}), scenario.slo.name: scenario.slo}


class Watch:
    """The rules of every SLO, minute by minute."""

    def __init__(self, service: Service):
        drawn = service.world.is_drawn
        self.slos = slos_of(service.scenario, drawn=drawn)
        self.policy = policy_of(service.scenario.slo.period, drawn=drawn)
        self._evaluators: Mapping[str, AlertEvaluator] = {}
        evaluators = {}
        for name, slo in self.slos.items():
            is_first = name == service.scenario.slo.name  # silence is told once
            rules = self.policy if is_first else self.policy[:-1]
            evaluators[name] = AlertEvaluator(slo, rules, MINUTE)
            bad = [minute.bad[name] for minute in service.minutes]
            evaluators[name].take_all(bad, [minute.total[name] for minute in service.minutes])
        self._evaluators = evaluators

    def observe(self, minute: Minute) -> tuple[Alarm, ...]:
        """The alarms at the end of the next minute, the fastest burn first."""
        alarms = []
        for name, evaluator in self._evaluators.items():
            total = minute.total[name]
            fired = evaluator.observe(total - minute.bad[name], total)
            alarms += [Alarm(name, rule) for rule in fired]
        return tuple(sorted(alarms, key=lambda alarm: self.policy.index(alarm.rule)))
