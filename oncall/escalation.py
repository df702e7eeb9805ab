"""Escalation: whom to page, and when, until somebody answers. People call the policy the ladder.

``escalate`` is the definition: it plans all pages, and each event, in order of time, changes what
is still to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from oncall.checks import check, check_whole, checked_tuple
from oncall.findings import Finding
from oncall.rotation import Rotation, Schedule, is_name
from oncall.slo import SLO, scaled
from oncall.times import DAY, LATEST, LONGEST, duration_text, moment_text, positive, utc

THREE_NINES = SLO("availability", 0.999)
Target = str | Rotation | Schedule
_RESOLVED, _ACK, _FORCED = range(3)  # the order in which events of one moment count


@dataclass(frozen=True)
class Step:
    """One step of the ladder: whom it pages, all at once, and how long until the next step.

    A target is a person's name, a ``Rotation`` or a ``Schedule``; without targets it is an empty
    step. ``delay`` is zero or more.
    """

    targets: tuple[Target, ...]
    delay: timedelta

    def __post_init__(self) -> None:
        need, hint = "a tuple of names or Rotations", "give ('ana',)"
        targets = checked_tuple(self.targets, object, "targets", need, hint)
        fit = all(isinstance(who, Rotation | Schedule) or is_name(who) for who in targets)
        check(fit, "targets", need, self.targets, hint)
        object.__setattr__(self, "targets", targets)
        fits = isinstance(self.delay, timedelta) and timedelta() <= self.delay <= LONGEST
        need = "a timedelta of zero or more, up to 100 years"
        check(fits, "delay", need, self.delay, "give e.g. 5 * MINUTE")

    @property
    def rotations(self) -> tuple[Rotation, ...]:
        """The rotations among the targets, and the layers of its schedules."""
        layers = [
            target.layers if isinstance(target, Schedule) else (target,)
            for target in self.targets
            if not isinstance(target, str)
        ]
        return tuple(chain.from_iterable(layers))

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """The people this step pages at a moment, each once, in the order of its targets."""
        names = [who if isinstance(who, str) else who.on_call(at) for who in self.targets]
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class EscalationPolicy:
    """The ladder: steps climbed until somebody answers, then ``repeat`` more times from the first.

    ``empty`` says what a step does while nobody is on it: ``"skip"`` goes on at once, ``"wait"``
    waits its delay. ``ack_timeout`` is for what was acknowledged and then forgotten: that long
    after an acknowledgement the ladder starts again, unless the alert is resolved by then.
    """

    steps: tuple[Step, ...]
    repeat: int = 0
    empty: str = "skip"
    ack_timeout: timedelta | None = None

    def __post_init__(self) -> None:
        need, hint = "one or more Steps", "give (Step(('ana',), delay),)"
        steps = checked_tuple(self.steps, Step, "steps", need, hint, least=1)
        object.__setattr__(self, "steps", steps)
        check_whole(self.repeat, "repeat", most=10_000)
        if (self.repeat + 1) * sum(step.delay / LONGEST for step in steps) > 1:
            climbs = "the ladder climbs for more than 100 years"
            raise ValueError(f"{climbs}; give shorter delays, or a smaller repeat")
        check(self.empty in ("skip", "wait"), "empty", "'skip' or 'wait'", self.empty)
        if self.ack_timeout is not None:
            positive(self.ack_timeout, "ack_timeout")


@dataclass(frozen=True)
class Page:
    """One person woken: who, when, by which step and in which loop, both counted from 0."""

    who: str
    at: datetime
    step: int
    loop: int


@dataclass(frozen=True)
class Escalation:
    """What a ladder did: its pages in order of time, how it ended, and when it came to that.

    ``outcome`` is ``acknowledged``, ``resolved``, ``exhausted`` (nobody answered) or
    ``nobody_on_call``.
    """

    pages: tuple[Page, ...]
    outcome: str
    ended_at: datetime


def escalate(
    policy: EscalationPolicy,
    triggered_at: datetime,
    *,
    acks: Iterable[datetime] = (),
    forced: Iterable[datetime] = (),
    resolved_at: datetime | None = None,
) -> Escalation:
    """What the ladder does about one alert that people acknowledge, force on or resolve.

    Step 0 fires at ``triggered_at``, each further step a delay after the one before. Events of the
    same moment count in the order resolved, ack, forced, timer: an ack at the minute of a page
    stops that page. Resolved is final; an ack counts even after the ladder has ended.

    A forced escalation pages at once, whether the ladder is climbing, acknowledged or ended. It
    goes to the next step with anybody on it after the one paged last, wraps from the last step to
    the first even at ``repeat=0``, and changes nothing while nobody is on any step. With
    ``ack_timeout`` only a resolution ends an alert for good. Naive moments, and moments before
    ``triggered_at``, are a ``ValueError``.
    """
    start = utc(triggered_at, "triggered_at")
    pages, ends = _climb(policy, start, 0)
    acknowledged: datetime | None = None
    for name, given in (("acks", acks), ("forced", forced)):
        if isinstance(given, datetime):
            raise TypeError(f"{name} must be several moments, given one; give [{given!r}]")
    events = [(utc(at, "acks"), _ACK) for at in acks]
    events += [(utc(at, "forced"), _FORCED) for at in forced]
    if resolved_at is not None:
        events.append((utc(resolved_at, "resolved_at"), _RESOLVED))
    for at, event in sorted(events):
        if at < start:
            early = f"{moment_text(at)} is before triggered_at"
            raise ValueError(f"{early}; give {moment_text(start)} or later")
        past = [page for page in pages if page.at < at]
        planned: list[Page] = []
        if event == _RESOLVED:
            return Escalation(tuple(past), "resolved", at)
        if event == _FORCED:
            position = _next_position(policy, past, at)
            if position is None:
                continue
            acknowledged = None
            planned, ends = _climb(policy, at, position)
        else:
            acknowledged = acknowledged or at
            if policy.ack_timeout:
                planned, ends = _climb(policy, at + policy.ack_timeout, 0)
        pages = past + planned
    if acknowledged and not policy.ack_timeout:
        return Escalation(tuple(pages), "acknowledged", acknowledged)
    return Escalation(tuple(pages), "exhausted" if pages else "nobody_on_call", ends)


def _climb(policy: EscalationPolicy, at: datetime, position: int) -> tuple[list[Page], datetime]:
    """Whom the ladder pages from here on while nobody answers, and when it is exhausted.

    Positions count on through the loops: of three steps, position 3 is step 0 of loop 1.
    """
    pages: list[Page] = []
    began, steps = at, len(policy.steps)
    loops = max(policy.repeat, position // steps) + 1
    for further in range(position, steps * loops):
        loop, number = divmod(further, steps)
        step = policy.steps[number]
        people = step.on_call(at)
        pages += [Page(who, at, number, loop) for who in people]
        if people or policy.empty == "wait":
            at += step.delay
    return pages, at if pages else began


def _next_position(policy: EscalationPolicy, pages: list[Page], at: datetime) -> int | None:
    """The next position after the last page that has anybody on it now; ``None`` if none has."""
    steps = len(policy.steps)
    after = pages[-1].loop * steps + pages[-1].step + 1 if pages else 0
    for position in range(after, after + steps):
        if policy.steps[position % steps].on_call(at):
            return position
    return None


# --- what will bite ------------------------------------------------------------------------------


def lint_escalation(policy: EscalationPolicy, *, slo: SLO = THREE_NINES) -> list[Finding]:
    """What in this ladder will bite; a finding's ``line`` is the step, from 1, or 0 for the whole.

    It finds the first stretch in which nobody is on any step, and the first in which one person is
    on every step and nobody else on any, both in the year from the last rotation's start; empty
    steps, steps paged at the same moment as the one before, steps first paged after a total outage
    has spent the whole error budget of ``slo`` (error budget × period, 43.2 minutes at 99.9 % over
    30 days), and handoffs that DST skips in the year from a rotation's start.
    """
    return [*_too_few_people(policy), *_step_findings(policy, slo)]


def _too_few_people(policy: EscalationPolicy) -> Iterator[Finding]:
    """The first stretches in a year in which the whole ladder pages nobody, or one person."""
    rotations = {rotation for step in policy.steps for rotation in step.rotations}
    any_moment = datetime(2000, 1, 1, tzinfo=UTC)  # for names alone, who are always there
    since = max((rotation.handoff_at(0) for rotation in rotations), default=any_moment)
    since = min(since, LATEST)
    until = min(since + 365 * DAY, LATEST)
    changes = {at for rotation in rotations for at in rotation.changes(since, until)}
    moments = sorted({since, *changes})
    people = [{who for step in policy.steps for who in step.on_call(at)} for at in moments]
    if rotations and set() in people:
        begins = people.index(set())
        ends = (at for at, who in zip(moments[begins:], people[begins:], strict=True) if who)
        until_when = f"until {moment_text(end)}" if (end := next(ends, None)) else "on"
        why = f"nobody is on any step from {moment_text(moments[begins])} {until_when}."
        mend = "Add a layer, an override or a name that covers it."
        yield Finding(0, "nobody", "gap", why, mend)
    for at, on_steps in zip(moments, people, strict=True):
        if len(on_steps) == 1:
            when = f" from {moment_text(at)}" if rotations else ""
            why = f"one person is on every step{when}; who does not answer is only asked again."
            mend = "Put somebody else on a step, or add one."
            yield Finding(0, on_steps.pop(), "same-person", why, mend)
            return


def _step_findings(policy: EscalationPolicy, slo: SLO) -> Iterator[Finding]:
    budget = scaled(slo.period, slo.exact_budget)
    reached = timedelta()
    last_paged: timedelta | None = None
    for line, step in enumerate(policy.steps, 1):
        name = f"step {line}"
        if not step.targets:
            fate = "is skipped" if policy.empty == "skip" else "only waits"
            why = f"it pages nobody and {fate}."
            yield Finding(line, name, "empty-step", why, "Name somebody, or drop it.")
            if policy.empty == "wait":
                reached += step.delay
            continue
        if reached == last_paged:
            why = "it is paged at the same moment as the step before, which gets no time to answer."
            mend = "Give the step before a delay, or merge the two."
            yield Finding(line, name, "zero-delay", why, mend)
        if reached > budget:
            spent = f"spent the whole budget of {slo}, in {duration_text(budget)}."
            why = f"a total outage has by then {spent}"
            phrase = f"{name} after {duration_text(reached)}"
            yield Finding(line, phrase, "too-late", why, "Shorten the delays.")
        for rotation in step.rotations:
            yield from _skipped_handoffs(line, rotation)
        last_paged = reached
        reached += step.delay


def _skipped_handoffs(line: int, rotation: Rotation) -> Iterator[Finding]:
    why = "daylight saving skips this time."
    mend = "Hand off at a time that every day has, such as 09:00."
    for local in rotation.skipped_handoffs():
        handoff = f"handoff {local:%Y-%m-%d %H:%M} {rotation.tz}"
        yield Finding(line, handoff, "dst-gap", why, mend)
