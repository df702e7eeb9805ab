"""Lesson 02 asks how many requests of a log are good, and how many are valid."""

from __future__ import annotations

import math
from functools import partial

from oncall.workbook.exercises.exercise import Exercise, Function, altered

Request = tuple[int, float | None]  # status, and latency in ms


OURS = (429, 499)  # of the statuses from 400 to 499: refused for want of room, and given up on


def _is_valid(status: int, *_: float | None) -> bool:
    return status in OURS or not 400 <= status < 500


def _is_good(status: int, ms: float | None, max_ms: float) -> bool:
    return status < 400 and ms is not None and ms <= max_ms


def _is_valid_and_quick(status: int, ms: float | None, max_ms: float) -> bool:
    return _is_valid(status) and (ms is None or ms <= max_ms)


def _if_in_time(in_time: Function) -> Function:
    """Whether a request is good, given whether its latency is."""
    return lambda status, ms, max_ms: status < 400 and in_time(ms, max_ms)


def _counting(valid: Function = _is_valid, good: Function = _is_good) -> Function:
    """The function that counts by these two questions about status, latency and ``max_ms``."""

    def count(requests: list[Request], max_ms: float) -> tuple[int, int]:
        counted = [request for request in requests if valid(*request, max_ms)]
        return sum(good(*request, max_ms) for request in counted), len(counted)

    return count


_count_good = _counting()
_altered = partial(altered, _count_good)

_LOG: list[Request] = [
    (200, 120),
    (404, 12),
    (503, 90),
    (200, 310),
    (429, 3),
    (499, 30_000),
    (301, 40),
    (500, 700),
    (201, 80),
]

EXERCISE = Exercise(
    "count_good(requests, max_ms)",
    _count_good,
    cases=(
        ([(200, 120)], 300),
        ([(200, 120), (503, 90)], 300),
        ([(200, 120), (200, 450)], 300),
        ([(200, 120), (404, 12)], 300),
        ([(200, 120), (499, 90)], 300),
        ([(200, 120), (429, 90)], 300),
        ([(200, 120), (404, 12), (301, 40), (503, 90)], 300),
        (_LOG, 300),
    ),
    edges=(
        ([], 300),
        ([(200, 300), (200, 301)], 300),
        ([(399, 10), (400, 10), (428, 10), (430, 10), (498, 10), (500, 10)], 300),
        ([(200, None), (200, 100)], 300),
        ([(200, 0)], 300),
        ([*_LOG, (200, None), (502, None), (404, None)], 300),
    ),
    mistakes={
        "This leaves every 4xx out. 429 and 499 are valid and bad: with them left out, the second "
        "fault of 4 December never happened.": _counting(
            lambda status, *_: not 400 <= status < 500
        ),
        "This leaves 499 out. A caller who gave up waited for you: it is valid and bad.": _counting(
            lambda status, *_: status == 429 or not 400 <= status < 500
        ),
        "This leaves 429 out. Whoever was refused for want of room got no answer: it is valid and "
        "bad.": _counting(lambda status, *_: status == 499 or not 400 <= status < 500),
        "This counts every 4xx as valid and bad. "
        "A wrong address is no event of your service: leave it out.": _counting(lambda *_: True),
        "This counts 4xx as valid and good. A burst of 404s would then hide an outage: "
        "leave them out of both.": _counting(
            lambda *_: True, lambda status, *rest: status < 500 and _is_good(200, *rest)
        ),
        "This counts 429 and 499 as good when they are quick. A refusal is no answer, however fast "
        "it comes.": _counting(good=lambda status, *rest: status < 500 and _is_good(200, *rest)),
        "This does not look at the latency. A right answer that comes too late "
        "is not good.": _counting(good=lambda status, *_: status < 400),
        "This counts a quick error as good. A 5xx is bad, however fast it comes.": _counting(
            good=lambda status, *rest: _is_good(200, *rest)
        ),
        "This leaves 5xx out of the valid events. They are the failures: "
        "without them the SLI always looks fine.": _counting(
            lambda status, *_: status < 400 or status in OURS
        ),
        "This counts only what was answered as valid, so nothing but a slow answer can be "
        "bad.": _counting(lambda status, *_: status < 400),
        "This leaves slow answers out of the valid events. "
        "They are valid and not good: users waited for them.": _counting(_is_valid_and_quick),
        "This takes only 200 for good. 201 and 301 are answers too: good is below 400 and quick "
        "enough.": _counting(good=lambda status, *rest: status == 200 and _is_good(status, *rest)),
        "This takes only 2xx for good. A redirect is an answer too: good is below 400.": _counting(
            good=lambda status, *rest: status < 300 and _is_good(status, *rest)
        ),
        "This returns valid first and good second. Asked for is (good, valid).": _altered(
            lambda good, valid: (valid, good)
        ),
        "This returns good and bad. The second number is all valid events, "
        "the good ones among them.": _altered(lambda good, valid: (good, valid - good)),
        "This returns the ratio. Return the two counts: counts can be added up over buckets, "
        "ratios cannot.": _altered(lambda good, valid: good / valid if valid else math.nan),
        "This returns the good ones only. Return two numbers: (good, valid).": _altered(
            lambda good, valid: good
        ),
        "This calls an answer at exactly max_ms too slow. Within means at most: <=.": _counting(
            good=_if_in_time(lambda ms, max_ms: ms is not None and ms < max_ms)
        ),
        "This stumbles over a latency of None. Nobody knows how long it took: "
        "it is valid and not good.": _counting(good=_if_in_time(lambda ms, max_ms: ms <= max_ms)),
        "This counts an unknown latency as good. What nobody measured has often timed out: it is "
        "valid and not good.": _counting(good=_if_in_time(lambda ms, max_ms: (ms or 0) <= max_ms)),
        "This leaves requests of unknown latency out. They are valid and not good: often they "
        "timed out.": _counting(lambda status, ms, max_ms: _is_valid(status) and ms is not None),
        "This takes a latency of 0 for unknown, because 0 is false in an if. Ask whether "
        "it is None.": _counting(good=_if_in_time(lambda ms, max_ms: bool(ms) and ms <= max_ms)),
    },
)
