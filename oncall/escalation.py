"""Escalation: whom to page, and when, until somebody answers. People call the policy the ladder.

``escalate`` is the definition: it plans all pages, and each event in order of time changes what is to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from oncall.findings import Finding
from oncall.rotation import Rotation, is_name
from oncall.slo import SLO, scaled
from oncall.times import duration_text, moment_text, positive, utc

RESOLVED, ACK, FORCED = range(3)  # the order in which events of one moment count
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
        if lone or not all(
            isinstance(target, Rotation) or is_name(target) for target in self.targets
        ):
            raise ValueError(
                f"targets must be a tuple of names or Rotations, given {self.targets!r}; give ('ana',)"
            )
        object.__setattr__(self, "targets", tuple(self.targets))
        if not isinstance(self.delay, timedelta) or self.delay < timedelta():
            raise ValueError(
                f"delay must be a timedelta of zero or more, given {self.delay!r}; give e.g. 5 * MINUTE"
            )

    @property
    def rotations(self) -> tuple[Rotation, ...]:
        """Those of the targets that are rotations."""
        return tuple(target for target in self.targets if isinstance(target, Rotation))

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """The people this step pages at a moment, each once, in the order of its targets."""
        names = (
            target.on_call(at) if isinstance(target, Rotation) else target
            for target in self.targets
        )
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
            raise ValueError(
                f"steps must be one or more Steps, given {self.steps!r}; give (Step(('ana',), delay),)"
            )
        object.__setattr__(self, "steps", steps)
        if isinstance(self.repeat, bool) or not isinstance(self.repeat, int) or self.repeat < 0:
            raise ValueError(f"repeat must be a whole number from 0, given {self.repeat!r}")
        if self.empty not in ("skip", "wait"):
            raise ValueError(f"empty must be 'skip' or 'wait', given {self.empty!r}")
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
    step that has anybody after the one paged last, be the ladder climbing, acknowledged or ended; it
    wraps from the last step to the first even at ``repeat=0``, and changes nothing while nobody is on
    any step. With ``ack_timeout`` only a resolution ends an alert for good. Naive moments, and moments
    before ``triggered_at``, are a ``ValueError``.
    """
    start = utc(triggered_at, "triggered_at")
    pages, ends = _climb(policy, start, 0)
    answered: datetime | None = None
    for at, event in _events(start, acks, forced, resolved_at):
        happened = [page for page in pages if page.at < at]
        if event == RESOLVED:
            return Escalation(tuple(happened), "resolved", at)
        if event == ACK:
            answered = answered or at
            planned, ends = (
                _climb(policy, at + policy.ack_timeout, 0) if policy.ack_timeout else ([], at)
            )
        else:
            rung = _next_rung(policy, happened, at)
            if rung is None:
                continue
            answered = None
            planned, ends = _climb(policy, at, rung)
        pages = happened + planned
    if answered and not policy.ack_timeout:
        return Escalation(tuple(pages), "acknowledged", answered)
    return Escalation(tuple(pages), "exhausted" if pages else "nobody_on_call", ends)


def _events(
    start: datetime,
    acks: Iterable[datetime],
    forced: Iterable[datetime],
    resolved_at: datetime | None,
) -> list[tuple[datetime, int]]:
    """What people did, as (moment, event) in the order in which it counts."""
    events = [(utc(at, "acks"), ACK) for at in acks] + [
        (utc(at, "forced"), FORCED) for at in forced
    ]
    if resolved_at is not None:
        events.append((utc(resolved_at, "resolved_at"), RESOLVED))
    for at, _ in events:
        if at < start:
            raise ValueError(
                f"{moment_text(at)} is before triggered_at; give {moment_text(start)} or later"
            )
    return sorted(events)


def _climb(policy: EscalationPolicy, at: datetime, rung: int) -> tuple[list[Page], datetime]:
    """Whom the ladder pages from this rung on while nobody answers, and when it is exhausted.

    Rungs count on through the loops: of three steps, rung 3 is step 0 of loop 1.
    """
    began, pages, steps = at, list[Page](), len(policy.steps)
    for further in range(rung, steps * (max(policy.repeat, rung // steps) + 1)):
        loop, place = divmod(further, steps)
        people = policy.steps[place].on_call(at)
        pages += [Page(who, at, place, loop) for who in people]
        if people or policy.empty == "wait":
            at += policy.steps[place].delay
    return pages, at if pages else began


def _next_rung(policy: EscalationPolicy, pages: list[Page], at: datetime) -> int | None:
    """The rung after the last page's that has anybody on it now, looking once round; ``None`` if none has."""
    steps = len(policy.steps)
    after = pages[-1].loop * steps + pages[-1].step + 1 if pages else 0
    return next(
        (rung for rung in range(after, after + steps) if policy.steps[rung % steps].on_call(at)),
        None,
    )


# --- what will bite ------------------------------------------------------------------------------


def lint_escalation(policy: EscalationPolicy, *, slo: SLO = THREE_NINES) -> list[Finding]:
    """What in this ladder will bite. A finding's ``line`` is the step, counted from 1, or 0 for the whole ladder.

    It finds moments at which one person is on every step and nobody else on any, empty steps, steps
    paged at the same moment as the one before, steps first paged after a total outage has spent the
    whole error budget of ``slo`` (error budget × period, 43.2 minutes at 99.9 % over 30 days), and
    handoffs that DST skips in the year from a rotation's start.
    """
    return [*_same_person(policy), *_steps_that_bite(policy, slo)]


def _same_person(policy: EscalationPolicy) -> Iterator[Finding]:
    """The first moment in a year of handoffs, if any, at which the whole ladder pages one person."""
    rotations = {rotation for step in policy.steps for rotation in step.rotations}
    begun = max((rotation.start for rotation in rotations), default=date.min)
    moments = sorted(
        rotation.handoff_at(turn) for rotation in rotations for turn in rotation.turns(begun)
    )
    for at in moments or [
        datetime(2000, 1, 1, tzinfo=UTC)
    ]:  # names alone are the same at any moment
        people = {who for step in policy.steps for who in step.on_call(at)}
        if len(people) == 1:
            when = f" from {moment_text(at)}" if rotations else ""
            why = f"one person is on every step{when}; who does not answer is only asked again."
            yield Finding(
                0, people.pop(), "same-person", why, "Put somebody else on a step, or add one."
            )
            return


def _steps_that_bite(policy: EscalationPolicy, slo: SLO) -> Iterator[Finding]:
    limit, reached, before = scaled(slo.period, slo.exact_budget), timedelta(), None
    for line, step in enumerate(policy.steps, 1):
        if not step.targets:
            why = f"it pages nobody and {'is skipped' if policy.empty == 'skip' else 'only waits'}."
            yield Finding(line, f"step {line}", "empty-step", why, "Name somebody, or drop it.")
            reached += step.delay if policy.empty == "wait" else timedelta()
            continue
        if reached == before:
            why = "it is paged at the same moment as the step before, which gets no time to answer."
            yield Finding(
                line,
                f"step {line}",
                "zero-delay",
                why,
                "Give the step before a delay, or merge the two.",
            )
        if reached > limit:
            why = f"a total outage has by then spent the whole budget of {slo}, in {duration_text(limit)}."
            yield Finding(
                line,
                f"step {line} after {duration_text(reached)}",
                "too-late",
                why,
                "Shorten the delays.",
            )
        for rotation in step.rotations:
            for local in rotation.skipped_handoffs():
                phrase, why = (
                    f"handoff {local:%Y-%m-%d %H:%M} {rotation.tz}",
                    "daylight saving skips this time.",
                )
                yield Finding(
                    line,
                    phrase,
                    "dst-gap",
                    why,
                    "Hand off at a time that every day has, such as 09:00.",
                )
        before, reached = reached, reached + step.delay
