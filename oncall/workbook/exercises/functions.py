"""The exercises whose answer is a function: for each its reference, its cases, and the mistakes learners make.

To add a mistake, write what you would say to the learner, in a sentence or two: what was done and
why it is wrong; and beside it the wrong function. To add a case, write its arguments. The tests run
every mistake and say which two cannot be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from operator import le, lt
from typing import Any, NamedTuple

from oncall.alerting import BurnRule
from oncall.escalation import EscalationPolicy, Step, escalate
from oncall.slo import SLO, budget_remaining, exact, exceeds, exhaustion_time, sli
from oncall.times import HOUR, MINUTE
from oncall.workbook.exercises.runner import Arguments, show

Function = Callable[..., Any]


class Mistake(NamedTuple):
    """What a teacher would say about a wrong answer, and the wrong answer itself."""

    words: str
    wrong: Function


def _call(answer: Function, *arguments: Any) -> Any:
    return answer(*arguments)


def _as_call(name: str, *arguments: Any) -> str:
    return f"{name}({', '.join(map(show, arguments))})"


@dataclass(frozen=True)
class Exercise:
    """A function to be written: a reference that defines it, cases to try it on, and the mistakes that are known.

    ``cases`` run from the smallest to the largest; ``edges`` come after them, and a learner hears of
    them once the plain cases are right. ``call`` hands a case to an answer and ``text`` writes that
    down, where it is more than passing the arguments.
    """

    signature: str
    reference: Function
    cases: tuple[Arguments, ...]
    edges: tuple[Arguments, ...]
    mistakes: tuple[Mistake, ...]
    call: Function = _call
    text: Callable[..., str] = _as_call

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.signature.partition("(")[0]


# --- 01 SLO math ---------------------------------------------------------------------------------


def _budget_left(good: int, total: int, target: float) -> float:
    return budget_remaining(sli(good, total), SLO("availability", target)) if total else 1.0


BUDGET_LEFT = Exercise(
    "budget_left(good, total, target)",
    _budget_left,
    cases=(
        (10, 10, 0.9),
        (9, 10, 0.9),
        (8, 10, 0.9),
        (19, 20, 0.9),
        (999, 1000, 0.99),
        (99_950, 100_000, 0.999),
    ),
    edges=((0, 0, 0.999), (0, 1000, 0.999)),
    mistakes=(
        Mistake(
            "This is the SLI, the share of good events. The budget left sets failures against those the SLO allows.",
            lambda good, total, target: good / total if total else 1.0,
        ),
        Mistake(
            "This is the share of the budget that is spent. What is left is 1 minus that.",
            lambda good, total, target: 1 - _budget_left(good, total, target),
        ),
        Mistake(
            "This stops at 0. An overspent budget is negative, and a team acts on how far below zero it is.",
            lambda good, total, target: max(0.0, _budget_left(good, total, target)),
        ),
        Mistake(
            "This is the SLI minus the target. Divided by the budget, 1 - target, it becomes a share of the budget.",
            lambda good, total, target: good / total - target if total else 1.0,
        ),
        Mistake(
            "This divides the failures by the target. The error budget is what the target leaves over: 1 - target.",
            lambda good, total, target: 1 - (total - good) / total / target if total else 1.0,
        ),
        Mistake(
            "This is the number of events that may still fail. Divide it by all that may fail, and it is a share.",
            lambda good, total, target: total * (1 - target) - (total - good) if total else 1.0,
        ),
        Mistake(
            "This reads the target as a percentage. It comes as a ratio, 0.999, so that the budget is 1 - target.",
            lambda good, total, target: (
                1 - (total - good) / total / (100 - target) if total else 1.0
            ),
        ),
        Mistake(
            "This answers in percent. The share left is a ratio: 1.0 is untouched, 0.5 is half.",
            lambda good, total, target: 100 * _budget_left(good, total, target),
        ),
        Mistake(
            "This divides by zero in an hour without traffic. No events have spent nothing: 1.0 is left.",
            lambda good, total, target: 1 - (total - good) / total / (1 - target),
        ),
        Mistake(
            "This takes no events for a budget that is gone. Nothing failed, so nothing is spent: 1.0 is left.",
            lambda good, total, target: _budget_left(good, total, target) if total else 0.0,
        ),
        Mistake(
            "This answers nan without events. The SLI is unknown then, but the budget is not: 1.0 is left.",
            lambda good, total, target: _budget_left(good, total, target) if total else math.nan,
        ),
    ),
)

# --- 02 burn rate --------------------------------------------------------------------------------


def _hours_to_empty(burn: float, remaining: float, period_hours: float) -> float:
    left = exhaustion_time(
        SLO("availability", 0.999, timedelta(hours=period_hours)), burn, remaining
    )
    return math.inf if left is None else left / HOUR


HOURS_TO_EMPTY = Exercise(
    "hours_to_empty(burn, remaining, period_hours)",
    _hours_to_empty,
    cases=(
        (1, 1.0, 24),
        (2, 1.0, 24),
        (4, 0.25, 24),
        (10, 1.0, 672),
        (0.5, 0.5, 720),
        (14.4, 0.9, 720),
        (1000, 1.0, 720),
    ),
    edges=((0, 1.0, 720), (2, 0.0, 720), (2, -0.5, 720), (0, -0.5, 720)),
    mistakes=(
        Mistake(
            "This takes the whole budget. Only the remaining share is there to be spent, so multiply by it.",
            lambda burn, remaining, period: _hours_to_empty(burn, 1.0, period),
        ),
        Mistake(
            "This uses the share already spent, 1 - remaining. What runs out is what remains.",
            lambda burn, remaining, period: _hours_to_empty(burn, 1 - remaining, period),
        ),
        Mistake(
            "This multiplies by the burn rate. Burning faster must empty the budget sooner: divide by it.",
            lambda burn, remaining, period: max(0.0, remaining) * period * burn,
        ),
        Mistake(
            "This has 30 days built in. The period is an argument: 28 days or a quarter are common too.",
            lambda burn, remaining, period: _hours_to_empty(burn, remaining, 720),
        ),
        Mistake(
            "This answers in days. The period comes in hours, and so does the answer.",
            lambda burn, remaining, period: _hours_to_empty(burn, remaining, period) / 24,
        ),
        Mistake(
            "This says that a burn rate up to 1 never empties the budget. It takes longer, but it does; only 0 never.",
            lambda burn, remaining, period: (
                math.inf if burn <= 1 else _hours_to_empty(burn, remaining, period)
            ),
        ),
        Mistake(
            "This divides by zero when nothing burns. At a burn rate of 0 the budget never empties: math.inf.",
            lambda burn, remaining, period: max(0.0, remaining * period / burn),
        ),
        Mistake(
            "This answers 0 when nothing burns, which reads as empty now. It never empties: math.inf.",
            lambda burn, remaining, period: (
                _hours_to_empty(burn, remaining, period) if burn else 0.0
            ),
        ),
        Mistake(
            "This answers None for never. With math.inf the answer stays a number that can be compared and sorted.",
            lambda burn, remaining, period: (
                _hours_to_empty(burn, remaining, period) if burn else None
            ),
        ),
        Mistake(
            "This gives a negative time once the budget is overspent. It is empty already: 0 hours.",
            lambda burn, remaining, period: remaining * period / burn if burn else math.inf,
        ),
        Mistake(
            "This asks about the burn rate first. A budget that is gone is gone, at a burn rate of 0 too: 0 hours.",
            lambda burn, remaining, period: (
                _hours_to_empty(burn, remaining, period) if burn else math.inf
            ),
        ),
    ),
)

# --- 03 two windows ------------------------------------------------------------------------------


def _threshold(target: float, factor: float) -> Fraction:
    """The error ratio above which a rule fires; its windows do not matter for that."""
    return BurnRule(HOUR, HOUR, factor).threshold(SLO("availability", target))


def _fires(
    bad_long: int, total_long: int, bad_short: int, total_short: int, target: float, factor: float
) -> bool:
    limit = _threshold(target, factor)
    return exceeds(bad_long, total_long, limit) and exceeds(bad_short, total_short, limit)


def _on_burns(verdict: Function, no_traffic: int = 0) -> Function:
    """The function that judges the exact burn rates of the two windows."""

    def burn(bad: int, total: int, target: float) -> Fraction:
        return Fraction(bad, total) / (1 - exact(target)) if total else Fraction(no_traffic)

    return lambda bad_long, total_long, bad_short, total_short, target, factor: verdict(
        burn(bad_long, total_long, target), burn(bad_short, total_short, target), exact(factor)
    )


def _fires_in_floats(
    bad_long: int, total_long: int, bad_short: int, total_short: int, target: float, factor: float
) -> bool:
    limit = factor * (1 - target)
    return min(bad_long / total_long, bad_short / total_short) > limit


FIRES = Exercise(
    "fires(bad_long, total_long, bad_short, total_short, target, factor)",
    _fires,
    cases=(
        (0, 10, 0, 10, 0.9, 2),
        (3, 10, 3, 10, 0.9, 2),
        (0, 10, 3, 10, 0.9, 2),
        (1, 10, 9, 10, 0.9, 2),
        (9, 10, 1, 10, 0.9, 2),
        (2, 100, 1, 10, 0.99, 3),
        (12, 1000, 2, 100, 0.99, 1),
        (500, 10_000, 60, 1000, 0.999, 14.4),
        (50, 10_000, 60, 1000, 0.999, 14.4),
    ),
    edges=(
        (5, 10, 0, 0, 0.9, 2),
        (0, 0, 5, 10, 0.9, 2),
        (0, 0, 0, 0, 0.9, 2),
        (8, 16, 6, 8, 0.75, 2),
        (12, 16, 4, 8, 0.75, 2),
        (144, 20_000, 144, 20_000, 0.9995, 14.4),
    ),
    mistakes=(
        Mistake(
            "This looks at the long window only. It would go on firing long after the trouble is over.",
            _on_burns(lambda long, short, factor: long > factor),
        ),
        Mistake(
            "This looks at the short window only. Every blip would page: the long one says whether it matters.",
            _on_burns(lambda long, short, factor: short > factor),
        ),
        Mistake(
            "This fires when either window burns. Both must: long says that it matters, short that it still does.",
            _on_burns(lambda long, short, factor: max(long, short) > factor),
        ),
        Mistake(
            "This takes the average of the two burn rates. One window can hide the other; each must burn by itself.",
            _on_burns(lambda long, short, factor: (long + short) / 2 > factor),
        ),
        Mistake(
            "This leaves out the factor and fires when more fails than the SLO allows. The limit is factor times that.",
            _on_burns(lambda long, short, factor: min(long, short) > 1),
        ),
        Mistake(
            "This compares the error ratio with the factor. A factor is a burn rate: divide by 1 - target first.",
            lambda bad_long, total_long, bad_short, total_short, target, factor: False,
        ),
        Mistake(
            "This divides by zero in a window without traffic. No events are no evidence: it does not fire.",
            _fires_in_floats,
        ),
        Mistake(
            "This takes a window without traffic for one that burns. No events are no evidence: it does not fire.",
            _on_burns(lambda long, short, factor: min(long, short) > factor, no_traffic=10**9),
        ),
        Mistake(
            "This fires when a burn rate is exactly the factor. The rule is strict: faster than, so > and not >=.",
            _on_burns(lambda long, short, factor: min(long, short) >= factor),
        ),
        Mistake(
            "This trips over floats: 1 - 0.9995 comes out a little low, and exactly at the factor it fires. "
            "Compare integers or Fractions.",
            lambda *case: bool(case[1] and case[3]) and _fires_in_floats(*case),
        ),
    ),
)

# --- 04 blind spots ------------------------------------------------------------------------------


def _can_ever_fire(target: float, factor: float) -> bool:
    return BurnRule(HOUR, HOUR, factor).reachable(SLO("availability", target))


CAN_EVER_FIRE = Exercise(
    "can_ever_fire(target, factor)",
    _can_ever_fire,
    cases=(
        (0.9, 1),
        (0.8, 1.2),
        (0.9, 14.4),
        (0.9, 3),
        (0.8, 6),
        (0.95, 14.4),
        (0.95, 36),
        (0.99, 36),
        (0.999, 14.4),
        (0.999, 2000),
    ),
    edges=((0.75, 4), (0.5, 2), (0.9, 10)),
    mistakes=(
        Mistake(
            "This says that every rule can fire. A 90 % SLO burns at 10x at most, so that 14.4x is silent for ever.",
            lambda target, factor: True,
        ),
        Mistake(
            "This is the wrong way round. It can fire if a total outage, at 1 / (1 - target), burns faster.",
            lambda target, factor: not _can_ever_fire(target, factor),
        ),
        Mistake(
            "This takes 1 for the fastest burn rate. In a total outage it is 1 / (1 - target): 1000x at 99.9 %.",
            lambda target, factor: factor <= 1,
        ),
        Mistake(
            "This is true of 14.4x and of no other factor. Compare the factor with 1 / (1 - target).",
            lambda target, factor: _can_ever_fire(target, 14.4),
        ),
        Mistake(
            "This multiplies by the target. The error budget is what the target leaves over: 1 - target.",
            lambda target, factor: factor * target < 1,
        ),
        Mistake(
            "This reads the target as a percentage. It comes as a ratio, 0.999, so that the budget is 1 - target.",
            lambda target, factor: factor * (100 - target) < 1,
        ),
        Mistake(
            "This is the error ratio above which the rule fires. It can fire if that is below 1; answer True or False.",
            lambda target, factor: factor * (1 - target),
        ),
        Mistake(
            "This lets a rule fire when a total outage burns at exactly the factor. The rule is strict: it needs more.",
            lambda target, factor: _threshold(target, factor) <= 1,
        ),
        Mistake(
            "This trips over floats: 1 - 0.9 comes out a little low, so that 10x seems within reach. "
            "Use Fractions, or round before you compare.",
            lambda target, factor: factor * (1 - target) < 1,
        ),
    ),
)


def _events_needed(target: float, factor: float) -> int:
    return math.ceil(1 / _threshold(target, factor))


EVENTS_NEEDED = Exercise(
    "events_needed(target, factor)",
    _events_needed,
    cases=((0.9, 3), (0.9, 4), (0.99, 14.4), (0.99, 3), (0.999, 14.4), (0.999, 6)),
    edges=((0.75, 1), (0.875, 2), (0.9, 14.4), (0.9995, 10)),
    mistakes=(
        Mistake(
            "This rounds down. With so few events one failure still fires the rule; round up.",
            lambda target, factor: math.floor(1 / _threshold(target, factor)),
        ),
        Mistake(
            "This rounds to the nearest whole number. Where that is down, one failure still fires the rule; round up.",
            lambda target, factor: round(1 / _threshold(target, factor)),
        ),
        Mistake(
            "This does not round. Events come whole, so take the next whole number up.",
            lambda target, factor: 1 / _threshold(target, factor),
        ),
        Mistake(
            "This leaves out the factor. The rule fires above factor times the error budget, so divide by that.",
            lambda target, factor: math.ceil(1 / (1 - exact(target))),
        ),
        Mistake(
            "This multiplies by the factor. A higher factor forgives more and needs fewer events: divide by it.",
            lambda target, factor: math.ceil(exact(factor) / (1 - exact(target))),
        ),
        Mistake(
            "This is one event too many. Try one less: one failure among those does not fire the rule either.",
            lambda target, factor: _events_needed(target, factor) + 1,
        ),
        Mistake(
            "This goes one too far where the division comes out even. There one failure is exactly at the threshold, "
            "and a strict rule is silent.",
            lambda target, factor: math.floor(1 / _threshold(target, factor)) + 1,
        ),
        Mistake(
            "This answers 0 for a rule that can never fire. The failure is an event itself, so the fewest is 1.",
            lambda target, factor: (
                _events_needed(target, factor) if _can_ever_fire(target, factor) else 0
            ),
        ),
        Mistake(
            "This trips over floats: 1 - 0.9995 comes out a little low, and rounding up goes one too far. "
            "Use Fractions, or round before you go up.",
            lambda target, factor: math.ceil(1 / (factor * (1 - target))),
        ),
    ),
)

# --- 05 the incident record ----------------------------------------------------------------------

Events = list[tuple[int, str]]
Times = tuple[int | None, ...]


def _lifecycle(
    events: Events,
    detect: Function = min,
    ack: Function = min,
    mitigated: Function = max,
    resolve: Function = max,
) -> Times:
    """TTD, TTA, TTM and TTR, given which of several events of a kind counts."""

    def at(verb: str, pick: Function) -> int | None:
        moment: int | None = pick((minute for minute, what in events if what == verb), default=None)
        return moment

    detected = at("detect", detect)
    return (
        _minus(detected, at("impact", min)),
        _minus(at("ack", ack), detected),
        _minus(at("mitigated", mitigated), detected),
        _minus(at("resolve", resolve), detected),
    )


def _minus(last: int | None, first: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _first_listed(minutes: Iterable[int], default: None) -> int | None:
    return next(iter(minutes), default)


def _last_listed(minutes: Iterable[int], default: None) -> int | None:
    return next(reversed(list(minutes)), default)


def _on_times(change: Function) -> Function:
    """The function that makes something else of the right four times."""
    return lambda events: change(*_lifecycle(events))


_QUIET = [(10, "impact"), (13, "detect"), (15, "ack"), (30, "mitigated"), (60, "resolve")]
_TWO_ACKS = [
    (10, "impact"),
    (12, "detect"),
    (14, "ack"),
    (19, "ack"),
    (40, "mitigated"),
    (70, "resolve"),
]
_TWO_DETECTS = [
    (5, "impact"),
    (9, "detect"),
    (11, "detect"),
    (12, "ack"),
    (33, "mitigated"),
    (50, "resolve"),
]
_RELAPSE = [*_QUIET, (75, "mitigated"), (90, "resolve")]

LIFECYCLE = Exercise(
    "lifecycle(events)",
    _lifecycle,
    cases=(
        (_QUIET,),
        (_TWO_ACKS,),
        (_TWO_DETECTS,),
        (_RELAPSE,),
        (_TWO_ACKS[::-1],),
        (_RELAPSE[5:] + _RELAPSE[:5],),
    ),
    edges=(
        ([],),
        ([(7, "impact")],),
        ([(7, "impact"), (9, "detect")],),
        ([(9, "detect"), (12, "ack")],),
        ([(7, "impact"), (20, "mitigated"), (30, "resolve")],),
        ([(7, "impact"), (9, "detect"), (12, "ack"), (40, "resolve")],),
        ([(10, "impact"), (6, "detect"), (11, "ack"), (20, "mitigated"), (25, "resolve")],),
        ([(0, "impact"), (2, "detect"), (3, "ack"), (20, "mitigated"), (25, "resolve")],),
    ),
    mistakes=(
        Mistake(
            "This measures everything from the impact. Only TTD starts there; the other three start at the detection.",
            _on_times(lambda ttd, *rest: (ttd, *(_minus(time, ttd and -ttd) for time in rest))),
        ),
        Mistake(
            "This measures each stage from the one before. TTA, TTM and TTR all start at the detection.",
            _on_times(lambda ttd, tta, ttm, ttr: (ttd, tta, _minus(ttm, tta), _minus(ttr, ttm))),
        ),
        Mistake(
            "This takes mitigated for resolved. At mitigated users stop feeling it; it is resolved later.",
            _on_times(lambda ttd, tta, ttm, ttr: (ttd, tta, ttm, ttm)),
        ),
        Mistake(
            "This has TTM and TTR in the wrong order. The answer is (ttd, tta, ttm, ttr).",
            _on_times(lambda ttd, tta, ttm, ttr: (ttd, tta, ttr, ttm)),
        ),
        Mistake(
            "This takes the first mitigated and resolve. The trouble came back after them, so the last ones count.",
            lambda events: _lifecycle(events, mitigated=min, resolve=min),
        ),
        Mistake(
            "This takes the last acknowledgement. TTA says how long nobody had it, so the first one counts.",
            lambda events: _lifecycle(events, ack=max),
        ),
        Mistake(
            "This takes the last of everything. Of detect and ack the first one counts.",
            lambda events: _lifecycle(events, detect=max, ack=max),
        ),
        Mistake(
            "This takes what stands last in the list, as a dict does. The list is in no order, "
            "and of detect and ack the first counts.",
            lambda events: _lifecycle(
                events, _last_listed, _last_listed, _last_listed, _last_listed
            ),
        ),
        Mistake(
            "This trusts the order of the list. Events are written down late and out of order; go by the minutes.",
            lambda events: _lifecycle(
                events, _first_listed, _first_listed, _last_listed, _last_listed
            ),
        ),
        Mistake(
            "This raises when an event is missing. During an incident some always are: those times are None.",
            _on_times(lambda *times: tuple(time + 0 for time in times)),
        ),
        Mistake(
            "This answers 0 for what is not known. That is the best time there is, and flatters every mean; say None.",
            _on_times(lambda *times: tuple(time or 0 for time in times)),
        ),
        Mistake(
            "This takes the resolve where mitigated is missing. Nobody wrote down when users felt it no more: None.",
            _on_times(lambda ttd, tta, ttm, ttr: (ttd, tta, ttr if ttm is None else ttm, ttr)),
        ),
        Mistake(
            "This turns a detection before the impact into 0. A negative TTD is good news: the alert came first.",
            _on_times(lambda ttd, *rest: (ttd and max(0, ttd), *rest)),
        ),
        Mistake(
            "This drops the sign of TTD. Detected before the impact is negative; as a positive number it looks late.",
            _on_times(lambda ttd, *rest: (ttd and abs(ttd), *rest)),
        ),
        Mistake(
            "This takes minute 0 for missing, because 0 is false in an if. Ask whether it is None.",
            lambda events: _lifecycle([(minute, verb) for minute, verb in events if minute]),
        ),
    ),
)

# --- 06 escalation -------------------------------------------------------------------------------

Rungs = Sequence[tuple[str, int]]


def _ladder(steps: Rungs, ack: int | None, repeat: int) -> Rungs:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    policy = EscalationPolicy(tuple(Step((name,), delay * MINUTE) for name, delay in steps), repeat)
    acks = [] if ack is None else [start + ack * MINUTE]
    return [
        (page.who, (page.at - start) // MINUTE) for page in escalate(policy, start, acks=acks).pages
    ]


def _climb(rungs: Rungs) -> Rungs:
    """Page each rung, and wait its delay before the next."""
    return [(name, sum(delay for _, delay in rungs[:i])) for i, (name, _) in enumerate(rungs)]


def _climbed(rungs: Function, climb: Function = _climb, wakes: Function = lt) -> Function:
    """The function that climbs these rungs, made of the steps and ``repeat``, as long as the ack lets it wake."""
    return lambda steps, ack, repeat: [
        page for page in climb(rungs(steps, repeat)) if ack is None or wakes(page[1], ack)
    ]


def _rounds(steps: Rungs, repeat: int) -> Rungs:
    return [*steps] * (repeat + 1)


def _one_page_more(steps: Rungs, ack: int | None, repeat: int) -> Rungs:
    return _climb(_rounds(steps, repeat))[
        : None if ack is None else len(_ladder(steps, ack, repeat)) + 1
    ]


_ANA = [("ana", 5)]
_TWO = [("ana", 5), ("bo", 10)]
_THREE = [("ana", 5), ("bo", 10), ("chen", 15)]

LADDER = Exercise(
    "ladder(steps, ack, repeat)",
    _ladder,
    cases=(
        (_ANA, None, 0),
        (_TWO, None, 0),
        (_THREE, None, 0),
        (_THREE, 7, 0),
        (_TWO, None, 1),
        (_THREE, 33, 1),
        (_THREE, None, 2),
    ),
    edges=(
        (_THREE, 5, 0),
        (_THREE, 0, 0),
        ([("ana", 0), ("bo", 5)], None, 0),
        (_ANA, 5, 1),
        (_THREE, 100, 0),
    ),
    mistakes=(
        Mistake(
            "This goes on after the acknowledgement. Once somebody has it, nobody else is woken.",
            lambda steps, ack, repeat: _climb(_rounds(steps, repeat)),
        ),
        Mistake(
            "This climbs the ladder once. After the last delay it starts again from the first step, repeat times.",
            _climbed(lambda steps, repeat: steps),
        ),
        Mistake(
            "This climbs the ladder repeat times in all. repeat counts the further rounds, after the first.",
            _climbed(lambda steps, repeat: steps * repeat),
        ),
        Mistake(
            "This pages each step several times before the next. What is repeated is the whole ladder.",
            _climbed(lambda steps, repeat: [step for step in steps for _ in range(repeat + 1)]),
        ),
        Mistake(
            "This waits before each page. The first step is paged at minute 0; its delay is its time to answer.",
            _climbed(
                _rounds,
                lambda rungs: [
                    (name, sum(d for _, d in rungs[: i + 1])) for i, (name, _) in enumerate(rungs)
                ],
            ),
        ),
        Mistake(
            "This counts each delay from the alert. It counts from the page before, so the delays add up.",
            _climbed(
                _rounds,
                lambda rungs: [
                    (name, rungs[i - 1][1] if i else 0) for i, (name, _) in enumerate(rungs)
                ],
            ),
        ),
        Mistake(
            "This starts each further round at minute 0. It starts when the last step has had its time.",
            lambda steps, ack, repeat: [*_ladder(steps, ack, 0)] * (repeat + 1),
        ),
        Mistake(
            "This gives the last step no time to answer. Its delay passes too before the ladder starts again.",
            _climbed(lambda steps, repeat: _rounds([*steps[:-1], (steps[-1][0], 0)], repeat)),
        ),
        Mistake(
            "This sends one page more after the acknowledgement. Look at the time before each page, not after it.",
            _one_page_more,
        ),
        Mistake(
            "This compares with an acknowledgement that never came. If ack is None nobody answers: page them all.",
            lambda steps, ack, repeat: [
                page for page in _climb(_rounds(steps, repeat)) if page[1] < ack
            ],
        ),
        Mistake(
            "This pages at the very minute of the acknowledgement. The acknowledgement wins: nobody is woken.",
            _climbed(_rounds, wakes=le),
        ),
        Mistake(
            "This takes an acknowledgement at minute 0 for none: 0 is false in an if. Ask whether ack is None.",
            lambda steps, ack, repeat: _ladder(steps, ack or None, repeat),
        ),
    ),
)

# --- 07 runbooks ---------------------------------------------------------------------------------


def _while(wanted: Function) -> Function:
    """The function that applies one mitigation after the other while ``wanted`` says so of the SLIs seen so far."""

    def respond(mitigations: list[str], sli: Function, apply: Function, target: float) -> list[str]:
        applied: list[str] = []
        seen = [sli()]
        while len(applied) < len(mitigations) and wanted(seen, target):
            applied.append(mitigations[len(applied)])
            apply(applied[-1])
            seen.append(sli())
        return applied

    return respond


_respond = _while(lambda seen, target: seen[-1] < target)


def _returning(change: Function) -> Function:
    """The function that applies the right ones, and makes something else of their names."""

    def respond(mitigations: list[str], sli: Function, apply: Function, target: float) -> Any:
        names = _respond(mitigations, sli, apply, target)
        return change(names, sli() >= target)

    return respond


def _never_ending(
    mitigations: list[str], sli: Function, apply: Function, target: float
) -> list[str]:
    applied: list[str] = []
    while sli() < target:
        applied.append(mitigations[len(applied)])
        apply(applied[-1])
    return applied


def _on_a_service(
    answer: Function, mitigations: list[str], readings: Sequence[float], target: float
) -> Any:
    """What an answer returns and applies, on a service whose SLI is the next reading after each mitigation."""
    applied: list[str] = []

    def apply(name: str) -> None:
        applied.append(name)
        if len(applied) > 1000:
            raise RuntimeError("1000 mitigations were applied, and it goes on")

    returned = answer(
        mitigations, lambda: readings[min(len(applied), len(readings) - 1)], apply, target
    )
    untouched = not applied and (returned is None or returned is ...)
    return None if untouched else {"returned": returned, "applied": applied}


def _service_text(
    name: str, mitigations: list[str], readings: Sequence[float], target: float
) -> str:
    after = f", then {', '.join(map(show, readings[1:]))}" if len(readings) > 1 else ""
    return f"{name}({show(mitigations)}, sli, apply, {target}), the SLI being {readings[0]}{after}"


_CARDS = ["fail_over", "serve_cached", "serve_degraded"]

RESPOND = Exercise(
    "respond(mitigations, sli, apply, target)",
    _respond,
    cases=(
        (_CARDS[:1], (0.999,), 0.99),
        (_CARDS[:1], (0.5, 1.0), 0.99),
        (_CARDS[:2], (0.5, 0.999), 0.99),
        (_CARDS[:2], (0.5, 0.5, 0.999), 0.99),
        (_CARDS, (0.5, 0.85, 0.96, 1.0), 0.95),
        (_CARDS, (0.5, 0.85, 0.95, 1.0), 0.99),
    ),
    edges=(
        ([], (0.5,), 0.99),
        (_CARDS, (0.99,), 0.99),
        (_CARDS, (0.5, 0.85, 0.95, 1.0), 0.95),
        (_CARDS, (0.5, 0.4, 0.97), 0.95),
        (_CARDS, (0.5, 0.6, 0.7, 0.8), 0.99),
    ),
    call=_on_a_service,
    text=_service_text,
    mistakes=(
        Mistake(
            "This applies everything without a look at the SLI. Each has its price: verify, and stop at the target.",
            _while(lambda seen, target: True),
        ),
        Mistake(
            "This reads the SLI once, at the start. What it was then says nothing about what the last mitigation did.",
            _while(lambda seen, target: seen[0] < target),
        ),
        Mistake(
            "This stops as soon as something has helped. Better is not enough: go on until the SLI is at its target.",
            _while(lambda seen, target: seen[-1] < target and seen[-1] <= seen[0]),
        ),
        Mistake(
            "This gives up when a mitigation does not help. Go on to the next until the SLI is at its target.",
            _while(
                lambda seen, target: seen[-1] < target and (len(seen) == 1 or seen[-1] > seen[-2])
            ),
        ),
        Mistake(
            "This starts from the end of the list. It is ordered by risk, least first; keep that order.",
            lambda mitigations, *rest: _respond(mitigations[::-1], *rest),
        ),
        Mistake(
            "This returns names but never calls apply, so that nothing happens to the service. Apply each in turn.",
            lambda mitigations, sli, apply, target: _respond(
                mitigations, sli, lambda name: None, target
            ),
        ),
        Mistake(
            "This applies the right ones but returns nothing. Return their names: the incident record needs them.",
            _returning(lambda names, healthy: None),
        ),
        Mistake(
            "This leaves out the one that brought the SLI to its target. It was applied: note it before you stop.",
            _returning(lambda names, healthy: names[:-1] if healthy else names),
        ),
        Mistake(
            "This applies a mitigation before it looks. When the service is healthy, do nothing.",
            _while(lambda seen, target: len(seen) == 1 or seen[-1] < target),
        ),
        Mistake(
            "This goes on when the SLI is exactly at its target. That is healthy: stop at >=.",
            _while(lambda seen, target: seen[-1] <= target),
        ),
        Mistake(
            "This runs off the end of the list when nothing is enough. A runbook ends; then a person is called.",
            _never_ending,
        ),
    ),
)

# --- 09 your own service -------------------------------------------------------------------------

Request = tuple[int, float | None]


def _is_valid(status: int, latency: float | None, max_ms: float) -> bool:
    return not 400 <= status < 500


def _is_good(status: int, latency: float | None, max_ms: float) -> bool:
    return status < 500 and latency is not None and latency <= max_ms


def _counting(valid: Function = _is_valid, good: Function = _is_good) -> Function:
    """The function that counts with these two questions; each is asked with status, latency and ``max_ms``."""

    def count(requests: list[Request], max_ms: float) -> tuple[int, int]:
        counted = [request for request in requests if valid(*request, max_ms)]
        return sum(good(*request, max_ms) for request in counted), len(counted)

    return count


_count_good = _counting()


def _on_counts(change: Function) -> Function:
    """The function that makes something else of the two right numbers."""
    return lambda requests, max_ms: change(*_count_good(requests, max_ms))


_LOG: list[Request] = [
    (200, 120),
    (404, 12),
    (503, 90),
    (200, 310),
    (429, 3),
    (301, 40),
    (500, 700),
    (201, 80),
]

COUNT_GOOD = Exercise(
    "count_good(requests, max_ms)",
    _count_good,
    cases=(
        ([(200, 120)], 300),
        ([(200, 120), (503, 90)], 300),
        ([(200, 120), (200, 450)], 300),
        ([(200, 120), (404, 12)], 300),
        ([(200, 120), (404, 12), (301, 40), (503, 90)], 300),
        (_LOG, 300),
    ),
    edges=(
        ([], 300),
        ([(200, 300), (200, 301)], 300),
        ([(399, 10), (400, 10), (499, 10), (500, 10)], 300),
        ([(200, None), (200, 100)], 300),
        ([(200, 0)], 300),
        ([*_LOG, (200, None), (502, None), (404, None)], 300),
    ),
    mistakes=(
        Mistake(
            "This counts 4xx as valid and bad. A wrong address is no event of your service: leave it out.",
            _counting(
                lambda *_: True, lambda status, *rest: status < 400 and _is_good(status, *rest)
            ),
        ),
        Mistake(
            "This counts 4xx as valid and good. A burst of 404s would then hide an outage: leave them out of both.",
            _counting(lambda *_: True),
        ),
        Mistake(
            "This does not look at the latency. A right answer that comes too late is not good.",
            _counting(good=lambda status, *_: status < 500),
        ),
        Mistake(
            "This counts a quick error as good. A 5xx is bad, however fast it comes.",
            _counting(good=lambda status, *rest: _is_good(200, *rest)),
        ),
        Mistake(
            "This leaves 5xx out of the valid events. They are the failures: without them the SLI always looks fine.",
            _counting(lambda status, *_: status < 400),
        ),
        Mistake(
            "This leaves slow answers out of the valid events. They are valid and not good: users waited for them.",
            _counting(
                lambda status, latency, max_ms: (
                    _is_valid(status, latency, max_ms) and (latency or 0) <= max_ms
                )
            ),
        ),
        Mistake(
            "This takes only 200 for good. 201 and 301 are answers too: good is below 500 and quick enough.",
            _counting(good=lambda status, *rest: status == 200 and _is_good(status, *rest)),
        ),
        Mistake(
            "This returns good and bad. The second number is all valid events, the good ones among them.",
            _on_counts(lambda good, valid: (good, valid - good)),
        ),
        Mistake(
            "This returns the ratio. Return the two counts: counts can be added up over buckets, ratios cannot.",
            _on_counts(lambda good, valid: good / valid if valid else math.nan),
        ),
        Mistake(
            "This calls an answer at exactly max_ms too slow. Within means at most: <=.",
            _counting(
                good=lambda status, latency, max_ms: (
                    latency != max_ms and _is_good(status, latency, max_ms)
                )
            ),
        ),
        Mistake(
            "This stumbles over a latency of None. Nobody knows how long it took: it is valid and not good.",
            _counting(good=lambda status, latency, max_ms: status < 500 and latency <= max_ms),
        ),
        Mistake(
            "This counts an unknown latency as good. What nobody measured is no evidence that it was quick.",
            _counting(
                good=lambda status, latency, max_ms: status < 500 and (latency or 0) <= max_ms
            ),
        ),
        Mistake(
            "This leaves requests of unknown latency out. They are valid and not good: often they timed out.",
            _counting(
                lambda status, latency, max_ms: (
                    _is_valid(status, latency, max_ms) and latency is not None
                )
            ),
        ),
        Mistake(
            "This takes a latency of 0 for unknown, because 0 is false in an if. Ask whether it is None.",
            _counting(
                good=lambda status, latency, max_ms: (
                    latency != 0 and _is_good(status, latency, max_ms)
                )
            ),
        ),
    ),
)

EXERCISES = {
    exercise.name: exercise
    for exercise in (
        BUDGET_LEFT,
        HOURS_TO_EMPTY,
        FIRES,
        CAN_EVER_FIRE,
        EVENTS_NEEDED,
        LIFECYCLE,
        LADDER,
        RESPOND,
        COUNT_GOOD,
    )
}
