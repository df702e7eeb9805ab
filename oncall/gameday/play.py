"""A response to be scored: its journals, and what was true; what the judges ask of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from oncall.gameday.truth import Step, Truth, steps_of
from oncall.gameday.world import Hit
from oncall.incident import Incident
from oncall.journal import Event

Judgement = tuple[float, str]  # the share of the points earned, and why


@dataclass(frozen=True)
class Play:
    """A response to be scored: its journals, and the truth or a reference, where there is one."""

    incidents: tuple[Incident, ...]
    reference: Incident | None = None
    truth: Truth | None = None

    @cached_property
    def events(self) -> list[Event]:
        """All events, by time."""
        events = (event for incident in self.incidents for event in incident.events)
        return sorted(events, key=lambda event: event.at)

    def all(self, verb: str) -> list[Event]:
        """All events of a verb, by time."""
        return [event for event in self.events if event.verb == verb]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was wrong and nobody thought so."""
        return self.truth is not None and self.truth.is_quiet and not self.incidents

    @cached_property
    def steps(self) -> list[Step]:
        """What was applied, and taken back."""
        return steps_of(self.incidents, self.truth) if self.truth else []

    @property
    def start(self) -> datetime:
        """When the first incident was detected, or else when its impact began."""
        detected = (event.at for event in self.events if event.verb == "detect")
        return next(detected, self.incidents[0].impact_start)

    @property
    def end(self) -> datetime:
        """When the last incident ended, or else the end of what is known."""
        ends = [ended(incident) for incident in self.incidents]
        if self.truth and None in ends:
            scenario = self.truth.world.scenario
            return scenario.start + scenario.length
        last = self.events[-1].at if self.events else self.start
        return max((end for end in ends if end), default=last)

    def severity_at(self, at: datetime) -> int | None:
        """The severity that was decided by then, as a number; the worst of what is open."""
        found = []
        for incident in self.incidents:
            over = ended(incident)
            decided = [e for e in incident.events_of("triage") if e.at <= at]
            if decided and (over is None or at <= over):
                found.append(int(decided[-1].get("severity")[3:]))
        return min(found, default=None)


def ended(incident: Incident) -> datetime | None:
    """When an incident was over for good: resolved, or called a false alarm."""
    ends = [e for e in incident.events if e.verb in ("resolve", "false_alarm", "reopen")]
    return ends[-1].at if ends and ends[-1].verb != "reopen" else None


def names_of(hit: Hit) -> tuple[str, ...]:
    """What a cause may be called: by its name, or by its symptom if that is all that is told."""
    return (hit.cause.name,) if hit.drawn else (hit.cause.name, hit.cause.symptom)


def catch(hit: Hit, step: Step) -> float:
    """The share of a fault that a mitigation catches, where it was aimed at it."""
    helps = hit.helps(step.mitigation, step.aim)
    return float(hit.effects[step.mitigation].catches) if helps else 0.0


def active_hits(truth: Truth, minute: int) -> list[Hit]:
    """The faults that hit something in a minute, or have."""
    levels = truth.world.levels(max(0, minute))
    return [hit for hit, level in zip(truth.world.hits, levels, strict=False) if level]


def sentence(text: str) -> str:
    """A text as a sentence: with a capital, and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
