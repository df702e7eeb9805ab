"""Escalation: whom to page, and when, until somebody answers. People call the policy the ladder.

``escalate`` is the definition: one state machine over one stream of events, sorted by time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oncall.finding import Finding
from oncall.rotation import Rotation, is_name
from oncall.slo import SLO, scaled
from oncall.times import duration_text, moment_text, utc

RESOLVED, ACK, FORCED, TIMER = range(4)  # the order in which events of one moment count
THREE_NINES = SLO("availability", 0.999)


@dataclass(frozen=True)
class Step:
    """One rung of the ladder: the targets paged together, and how long they have until the next rung.

    A target is a person's name or a ``Rotation``; ``()`` is an empty step. ``delay`` is zero or more.
    """

    targets: tuple[str | Rotation, ...]
    delay: timedelta

    def __post_init__(self) -> None:
        lone = isinstance(self.targets, str | Rotation)
        if lone or not all(isinstance(target, Rotation) or is_name(target) for target in self.targets):
            raise ValueError(f"targets must be a tuple of names or Rotations, given {self.targets!r}; give ('ana',)")
        object.__setattr__(self, "targets", tuple(self.targets))
        if not isinstance(self.delay, timedelta) or self.delay < timedelta():
            raise ValueError(f"delay must be a timedelta of zero or more, given {self.delay!r}; give e.g. 5 * MINUTE")

    @property
    def rotations(self) -> tuple[Rotation, ...]:
        """Those of the targets that are rotations."""
        return tuple(target for target in self.targets if isinstance(target, Rotation))

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """The people this step pages at a moment, each once, in the order of its targets."""
        names = (target.on_call(at) if isinstance(target, Rotation) else target for target in self.targets)
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class EscalationPolicy:
    """The ladder: steps climbed until somebody answers, then ``repeat`` more times from the first.

    ``empty`` says what a step does while nobody is on it: ``"skip"`` goes on at once, ``"wait"`` waits
    its delay. ``ack_timeout`` starts the ladder afresh so long after an acknowledgement, unless the
    alert is resolved by then: acknowledged, then forgotten.
    """

    steps: tuple[Step, ...]
    repeat: int = 0
    empty: str = "skip"
    ack_timeout: timedelta | None = None

    def __post_init__(self) -> None:
        steps = () if isinstance(self.steps, Step) else tuple(self.steps)
        if not steps or not all(isinstance(step, Step) for step in steps):
            raise ValueError(f"steps must be one or more Steps, given {self.steps!r}; give (Step(('ana',), delay),)")
        object.__setattr__(self, "steps", steps)
        if isinstance(self.repeat, bool) or not isinstance(self.repeat, int) or self.repeat < 0:
            raise ValueError(f"repeat must be a whole number from 0, given {self.repeat!r}")
        if self.empty not in ("skip", "wait"):
            raise ValueError(f"empty must be 'skip' or 'wait', given {self.empty!r}")
        after = self.ack_timeout
        if after is not None and (not isinstance(after, timedelta) or after <= timedelta()):
            raise ValueError(f"ack_timeout must be a timedelta above zero, given {after!r}; give None for no timeout")


@dataclass(frozen=True)
class Page:
    """One person woken: who, when, by which step and in which loop, both counted from 0."""

    who: str
    at: datetime
    step: int
    loop: int


@dataclass(frozen=True)
class Escalation:
    """What a ladder did: its pages in order of time, how it ended, and the moment it came to that.

    ``outcome`` is ``acknowledged``, ``resolved``, ``exhausted`` (nobody answered) or ``nobody_on_call``.
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
    """What the ladder does about one alert, given when people acknowledged it, forced it on, resolved it.

    Step 0 fires at ``triggered_at``, each further step a delay after the one before. At one moment the
    order is resolved, ack, forced, timer: an ack at the minute of a page stops that page. Resolved is
    final; an ack counts even after the ladder has ended. A forced escalation pages at once the next
    step that has anybody, be the ladder climbing, acknowledged or ended; it wraps from the last step to
    the first even at ``repeat=0``, and changes nothing while nobody is on any step. With ``ack_timeout``
    only a resolution ends an alert for good. Naive moments, and moments before ``triggered_at``, are a
    ``ValueError``.
    """
    start = utc(triggered_at, "triggered_at")
    inputs = deque(_inputs(start, acks, forced, resolved_at))
    pages: list[Page] = []
    state, since = "climbing", start
    timer: datetime | None = start
    last = -1  # the rung that fired last; rungs count on through the loops: of three steps, rung 3 is step 0, loop 1

    while inputs or timer:
        if timer and (not inputs or (timer, TIMER) < inputs[0]):
            at, event = timer, TIMER
        else:
            at, event = inputs.popleft()

        if event == RESOLVED:
            state, since = "resolved", at
            break
        if event == ACK:
            if state != "acknowledged":
                state, since = "acknowledged", at
            timer = at + policy.ack_timeout if policy.ack_timeout else None
            continue
        if event == TIMER and state == "acknowledged":  # and then forgotten
            last = -1
        rung = _next_rung(policy, last, at, event)
        if rung is not None:
            loop, place = divmod(rung, len(policy.steps))
            pages += [Page(who, at, place, loop) for who in policy.steps[place].on_call(at)]
            state, last, timer = "climbing", rung, at + policy.steps[place].delay
        elif event == TIMER:
            state, since, timer = "exhausted" if last >= 0 else "nobody_on_call", at, None
    return Escalation(tuple(pages), state, since)


def _inputs(
    start: datetime, acks: Iterable[datetime], forced: Iterable[datetime], resolved_at: datetime | None
) -> list[tuple[datetime, int]]:
    """What people did, as (moment, event) in the order in which it counts."""
    given = {ACK: ("acks", acks), FORCED: ("forced", forced)}
    if resolved_at is not None:
        given[RESOLVED] = ("resolved_at", [resolved_at])
    for name, moments in given.values():
        if isinstance(moments, datetime):
            raise ValueError(f"{name} must be a list of moments, given {moments}; give {name}=[moment]")
    stream = sorted((utc(moment, name), event) for event, (name, moments) in given.items() for moment in moments)
    if stream and stream[0][0] < start:
        name, early = given[stream[0][1]][0], moment_text(stream[0][0])
        raise ValueError(f"{name} {early} is before triggered_at; give {moment_text(start)} or later")
    return stream


def _next_rung(policy: EscalationPolicy, last: int, at: datetime, event: int) -> int | None:
    """The rung to fire now, after ``last``; ``None`` when the ladder has run out or nobody could be paged."""
    steps = len(policy.steps)
    if event == FORCED:  # once round, whatever ``repeat`` says, and never to a step that pages nobody
        rungs, wait = range(last + 1, last + 1 + steps), False
    else:  # to the end of the last loop, or of the loop beyond it that a forced escalation has opened
        rungs, wait = range(last + 1, steps * (max(policy.repeat, last // steps) + 1)), policy.empty == "wait"
    if last < 0 and wait and not _pages_anybody(policy, at):
        return None
    return next((rung for rung in rungs if wait or policy.steps[rung % steps].on_call(at)), None)


def _pages_anybody(policy: EscalationPolicy, at: datetime) -> bool:
    """Whether a ladder that starts now, and waits at empty steps, comes to anybody: a rotation may begin meanwhile."""
    for step in policy.steps * (policy.repeat + 1):
        if step.on_call(at):
            return True
        at += step.delay
    return False


# --- what will bite ------------------------------------------------------------------------------


def lint_escalation(policy: EscalationPolicy, *, slo: SLO = THREE_NINES) -> list[Finding]:
    """What in this ladder will bite. A finding's ``line`` is the step, counted from 1, or 0 for the whole ladder.

    It finds one person on every step, empty steps, steps paged at the same moment as the one before,
    steps first paged after a total outage has spent the whole error budget of ``slo`` (error budget ×
    period, 43.2 minutes at 99.9 % over 30 days), and handoffs that DST skips in the year from a
    rotation's start.
    """
    return [*_same_person(policy), *_steps_that_bite(policy, slo)]


def _same_person(policy: EscalationPolicy) -> list[Finding]:
    """The first moment in a year of handoffs, if any, at which one person is on every step that has targets."""
    steps = [step for step in policy.steps if step.targets]
    if not steps or (len(steps) == 1 and len(steps[0].targets) > 1):  # on one step, two people back each other up
        return []
    rotations = {rotation for step in steps for rotation in step.rotations}
    begun = max((rotation.start for rotation in rotations), default=None)
    moments = sorted(r.handoff_at(turn) for r in rotations if begun for turn in r.turns(begun))
    for at in moments or [datetime(2000, 1, 1, tzinfo=UTC)]:  # names alone are the same at any moment
        everywhere = set.intersection(*(set(step.on_call(at)) for step in steps))
        if everywhere:
            when = f" from {moment_text(at)}" if rotations else ""
            why = f"one person is on every step{when}; who does not answer is only asked again."
            return [Finding(0, min(everywhere), "same-person", why, "Put somebody else on a step, or add one.")]
    return []


def _steps_that_bite(policy: EscalationPolicy, slo: SLO) -> Iterator[Finding]:
    climbed = [step for step in policy.steps if step.targets or policy.empty == "wait"]
    before = climbed[-1] if climbed and policy.repeat else None
    limit, reached = scaled(slo.period, slo.exact_budget), timedelta()
    for line, step in enumerate(policy.steps, 1):
        if not step.targets:
            why = "it pages nobody and " + ("only waits." if policy.empty == "wait" else "is skipped.")
            yield Finding(line, f"step {line}", "empty-step", why, "Name somebody, or drop it.")
        elif before and before.targets and not before.delay:
            why = "it is paged at the same moment as the step before, which gets no time to answer."
            yield Finding(line, f"step {line}", "zero-delay", why, "Give the step before a delay, or merge the two.")
        if step.targets and reached > limit:
            why = f"a total outage has by then spent the whole budget of {slo}, in {duration_text(limit)}."
            yield Finding(line, f"step {line} after {duration_text(reached)}", "too-late", why, "Shorten the delays.")
        for rotation in step.rotations:
            for local in rotation.skipped_handoffs():
                phrase, why = f"handoff {local:%Y-%m-%d %H:%M} {rotation.tz}", "daylight saving skips this time."
                yield Finding(line, phrase, "dst-gap", why, "Hand off at a time that every day has, such as 09:00.")
        if step in climbed:
            before, reached = step, reached + step.delay
