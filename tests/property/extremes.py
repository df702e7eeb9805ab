"""Values of the right type at the ends of what there is, and what may become of them.

Moments at the ends of the calendar and of what is taken, lengths next to nothing and beyond
everything, numbers that no float comes near.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from oncall.alerting import BurnRule, Rule, SilenceRule, google_policy
from oncall.counts import Counts
from oncall.slo import SLO
from oncall.times import DAY, EARLIEST, HOUR, LATEST, LONGEST, MINUTE, SECOND

NOON = datetime(2025, 3, 4, 12, tzinfo=UTC)
TICK = timedelta.resolution
TWO_NINES = SLO("availability", 0.99)
ENDS = [datetime.min, datetime.max, *(end.replace(tzinfo=None) for end in (EARLIEST, LATEST))]
zones = st.sampled_from([UTC, timezone(14 * HOUR), timezone(-12 * HOUR)])


@st.composite
def at_an_end(draw: st.DrawFn) -> datetime:
    """A moment at or near an end of the calendar, or of what is taken, in any zone."""
    end = draw(st.sampled_from(ENDS))
    away = draw(st.sampled_from([timedelta(), TICK, SECOND, DAY, 4 * DAY]))
    backwards = end == datetime.max or (end != datetime.min and draw(st.booleans()))
    moment = end - away if backwards else end + away
    return moment.replace(tzinfo=draw(zones))


everyday = st.sampled_from([NOON, datetime(1970, 1, 1, tzinfo=UTC)])
moments = everyday | at_an_end()
usual = st.sampled_from([SECOND, MINUTE, 5 * MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY])
lengths = usual | st.sampled_from(
    [
        timedelta(),
        TICK,
        -TICK,
        LONGEST,
        LONGEST - TICK,
        LONGEST + TICK,
        timedelta.max,
        timedelta.min,
    ]
)
shares = st.sampled_from([0.0, 5e-324, 1e-300, 0.001, 0.5, 0.99, 1 - 2**-53, 1.0])
numbers = (
    shares
    | st.floats()
    | st.integers(-(10**400), 10**400)
    | st.sampled_from(
        [
            10**5000,
            Decimal("1e999999"),
            Decimal("1e-99999999"),
            Decimal("sNaN"),
            Decimal("0.5"),
            Fraction(1, 3),
            Fraction(1, 10**4999),
            Fraction(10**5000 + 1, 10**5000),
            np.float32(0.1),
            np.float64(np.inf),
        ]
    )
)
events = st.sampled_from([0, 1, 1000, 2**62, 2**63 - 1, 2**63, 10**29, 10**30, 10**5000, -1])


def only_refuses(
    function: Callable[..., Any], *arguments: Any, begin: str | tuple[str, ...] = "", **named: Any
) -> Any:
    """What a function returns, or ``None`` where it refuses what it is given.

    It does so in one line, which begins with ``begin``.
    """
    try:
        return function(*arguments, **named)
    except ValueError as refusal:
        text = str(refusal)
    assert text.startswith(begin)
    assert "\n" not in text
    assert len(text) < 1000
    return None


@st.composite
def slos(draw: st.DrawFn) -> SLO:
    target = draw(st.sampled_from([0.99]) | shares)
    return only_refuses(SLO, "availability", target, draw(lengths)) or TWO_NINES


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    if draw(st.booleans()):
        return only_refuses(SilenceRule, draw(lengths)) or SilenceRule(MINUTE)
    rule = only_refuses(BurnRule, draw(lengths), draw(lengths), draw(numbers))
    return rule or BurnRule(HOUR, 5 * MINUTE, 14.4)


policies = st.lists(rules(), max_size=3).map(tuple) | st.builds(google_policy)


@st.composite
def series(draw: st.DrawFn) -> Counts:
    total = draw(st.lists(st.sampled_from([0, 1, 1000, 2**62, 2**63 - 1]), max_size=40))
    good = [draw(st.sampled_from([0, events // 2, events])) for events in total]
    made = only_refuses(Counts, draw(moments), draw(lengths), good, total)
    return made or Counts(NOON, MINUTE, [9, 0, 9], [9, 9, 9])
