"""Lesson 06 asks for the four times of an incident, from the events in its record."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from operator import itemgetter

from oncall.workbook.exercises.exercise import Exercise, Function, altered

Events = list[tuple[int, str]]  # minute and verb
Minute = int | None  # or a number of minutes; None where it is not known
Choice = Callable[[list[int]], int]  # of one minute where a kind of event stands several times

_FIRST = itemgetter(0)  # of the list, whatever its minute
_LAST = itemgetter(-1)


def _lifecycle(
    events: Events,
    detect: Choice = min,
    ack: Choice = min,
    mitigated: Choice = max,
    resolve: Choice = max,
    reopens: bool = True,
) -> tuple[Minute, ...]:
    """TTD, TTA, TTM and TTR, given which of several events of a kind counts."""

    def at(verb: str, choose: Choice) -> Minute:
        minutes = [minute for minute, what in events if what == verb]
        return choose(minutes) if minutes else None

    def end(verb: str, choose: Choice) -> Minute:
        last, again = at(verb, choose), at("reopen", max)
        undone = reopens and last is not None and again is not None and again > last
        return None if undone else last

    detected = at("detect", detect)
    return (
        _minus(detected, at("impact", min)),
        _minus(at("ack", ack), detected),
        _minus(end("mitigated", mitigated), detected),
        _minus(end("resolve", resolve), detected),
    )


def _minus(last: Minute, first: Minute) -> Minute:
    return None if first is None or last is None else last - first


_altered = partial(altered, _lifecycle)


def _all_from_impact(ttd: Minute, *times: Minute) -> tuple[Minute, ...]:
    from_impact = [None if ttd is None or time is None else ttd + time for time in times]
    return (ttd, *from_impact)


def _ttr_for_no_ttm(ttd: Minute, tta: Minute, ttm: Minute, ttr: Minute) -> tuple[Minute, ...]:
    return (ttd, tta, ttr if ttm is None else ttm, ttr)


def _with_ttd(change: Function) -> Function:
    return _altered(lambda ttd, *times: (None if ttd is None else change(ttd), *times))


def _events(**minutes: int) -> Events:
    return [(minute, verb) for verb, minute in minutes.items()]


_ONE_OF_EACH = _events(impact=10, detect=13, ack=15, mitigated=30, resolve=60)
_TWO_ACKS = _events(impact=10, detect=12, ack=14) + _events(ack=19, mitigated=40, resolve=70)
_TWO_DETECTS = _events(impact=5, detect=9) + _events(detect=11, ack=12, mitigated=33, resolve=50)
_SECOND_END = _events(mitigated=75, resolve=90)

EXERCISE = Exercise(
    "lifecycle(events)",
    _lifecycle,
    cases=(
        (_ONE_OF_EACH,),
        (_TWO_ACKS,),
        (_TWO_DETECTS,),
        (_ONE_OF_EACH + _SECOND_END,),
        (_TWO_ACKS[::-1],),
        (_SECOND_END + _ONE_OF_EACH,),
    ),
    edges=(
        ([],),
        (_events(impact=7),),
        (_events(impact=7, detect=9),),
        (_events(detect=9, ack=12),),
        (_events(impact=7, mitigated=20, resolve=30),),
        (_events(impact=7, detect=9, ack=12, resolve=40),),
        (_events(impact=10, detect=6, ack=11, mitigated=20, resolve=25),),
        (_events(impact=0, detect=2, ack=3, mitigated=20, resolve=25),),
        (_events(detect=12, ack=12, mitigated=40, resolve=40),),
        (_ONE_OF_EACH + _events(reopen=65),),
        (_ONE_OF_EACH + _events(reopen=65) + _SECOND_END,),
        (_events(reopen=65) + _ONE_OF_EACH,),
        (_ONE_OF_EACH + _events(reopen=65, mitigated=80),),
    ),
    mistakes={
        "This measures everything from the impact. Only TTD starts there; "
        "the other three start at the detection.": _altered(_all_from_impact),
        "This measures each stage from the one before. "
        "TTA, TTM and TTR all start at the detection.": _altered(
            lambda ttd, tta, ttm, ttr: (ttd, tta, _minus(ttm, tta), _minus(ttr, ttm))
        ),
        "This takes mitigated for resolved. At mitigated users stop feeling it; "
        "it is resolved later.": _altered(lambda ttd, tta, ttm, ttr: (ttd, tta, ttm, ttm)),
        "This has TTM and TTR in the wrong order. The answer is (ttd, tta, ttm, ttr).": _altered(
            lambda ttd, tta, ttm, ttr: (ttd, tta, ttr, ttm)
        ),
        "This passes over a reopen. After it the end is unknown again, until there is another "
        "mitigated and another resolve.": lambda events: _lifecycle(events, reopens=False),
        "This lets a reopen undo the resolve only. Users feel it again, so it is not mitigated "
        "either.": lambda events: (*_lifecycle(events, reopens=False)[:3], _lifecycle(events)[3]),
        "This lets any reopen make the end unknown for good. What comes after it counts "
        "again.": lambda events: (
            *_lifecycle(events)[:2],
            *(
                (None, None)
                if any(verb == "reopen" for _, verb in events)
                else _lifecycle(events)[2:]
            ),
        ),
        "This takes the first mitigated and resolve. The trouble came back after them, "
        "so the last ones count.": lambda events: _lifecycle(events, mitigated=min, resolve=min),
        "This takes the first resolve. An incident that was reopened is resolved again: the last "
        "one counts.": lambda events: _lifecycle(events, resolve=min),
        "This takes the first mitigated. It did not hold: the last one counts.": lambda events: (
            _lifecycle(events, mitigated=min)
        ),
        "This has TTD and TTA in the wrong order. The answer is (ttd, tta, ttm, ttr).": _altered(
            lambda ttd, tta, ttm, ttr: (tta, ttd, ttm, ttr)
        ),
        "This answers nan for what is not known. In a record that is None, which nobody adds up by "
        "mistake.": _altered(lambda *times: tuple(math.nan if t is None else t for t in times)),
        "This returns a dictionary. Return the four times in a tuple: (ttd, tta, ttm, "
        "ttr).": _altered(
            lambda *times: dict(zip(("ttd", "tta", "ttm", "ttr"), times, strict=True))
        ),
        "This takes the last acknowledgement. TTA says how long nobody had it, "
        "so the first one counts.": lambda events: _lifecycle(events, ack=max),
        "This takes the last of everything. Of detect and ack the "
        "first one counts.": lambda events: _lifecycle(events, detect=max, ack=max),
        "This takes what stands last in the list, as a dict does. "
        "The list is in no order, and of detect "
        "and ack the first counts.": lambda events: _lifecycle(events, _LAST, _LAST, _LAST, _LAST),
        "This trusts the order of the list. Events are written down late and out of order; "
        "go by the minutes.": lambda events: _lifecycle(events, _FIRST, _FIRST, _LAST, _LAST),
        "This raises when an event is missing. During an incident some always are: "
        "those times are None.": _altered(lambda *times: tuple(time + 0 for time in times)),
        "This answers 0 for what is not known. That is the best time there is, and flatters every "
        "mean; say None.": _altered(lambda *times: tuple(time or 0 for time in times)),
        "This takes the resolve where mitigated is missing. "
        "Nobody wrote down when users felt it no more: None.": _altered(_ttr_for_no_ttm),
        "This turns a detection before the impact into 0. "
        "A negative TTD is good news: the alert came first.": _with_ttd(lambda ttd: max(0, ttd)),
        "This drops the sign of TTD. Detected before the impact is negative; "
        "as a positive number it looks late.": _with_ttd(abs),
        "This takes minute 0 for missing, because 0 is false in an if. Ask whether "
        "it is None.": lambda events: _lifecycle([event for event in events if event[0]]),
    },
)
