"""An SLO, and what follows from it: the error budget, the burn rate, the time to exhaustion.

Ratios are typed and printed as floats. They are compared as ``Fraction``s read from the decimal
text, because in floats ``1 - 0.9995`` rounds low and a burn rate exactly at a threshold would fire.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from statistics import NormalDist
from typing import Any

from oncall.checks import check, shown
from oncall.times import LONGEST, duration_text, from_seconds, positive

_ENDLESS = 1e300  # what is larger would soon pass the end of the floats
MOST_EVENTS = 10**30  # in one count: all requests of the world, for as long as it lasts


@dataclass(frozen=True)
class SLO:
    """A service level objective: the share of valid events that must be good over a period.

    ``target`` is a ratio strictly between 0 and 1. A target of 1 leaves no budget, so no burn rate
    exists: it is a ``ValueError``, as are 99 (meant as 0.99), ``nan`` and anything not a number.
    """

    name: str
    target: float
    period: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"an SLO needs a name, given {self.name!r}; give e.g. 'availability'")
        target = float(exact(self.target, "target"))
        if not 0 < target < 1:
            given = f"given {self.target}{_percent_hint(target)}"
            raise ValueError(f"target must lie strictly between 0 and 1, {given}")
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "period", positive(self.period, "period"))

    @property
    def exact_target(self) -> Fraction:
        """The target as the decimal number it was typed as."""
        return exact(self.target)

    @property
    def exact_budget(self) -> Fraction:
        """The error budget as an exact number: 1 − target."""
        return 1 - self.exact_target

    @property
    def error_budget(self) -> float:
        """The share of valid events that may be bad: 1 − target, 0.001 for a target of 99.9 %."""
        return float(self.exact_budget)

    def __str__(self) -> str:
        return f"{self.name}: {percent(self.target)} over {duration_text(self.period)}"


def check_slo(slo: object) -> None:
    """Raise a ``ValueError`` unless this is an SLO."""
    check(isinstance(slo, SLO), "slo", "an SLO", slo, "give e.g. SLO('availability', 0.999)")


def sli(good: int, total: int) -> float:
    """The service level indicator: good ÷ valid events, ``nan`` when there were no events.

    No events are no evidence, neither of perfection nor of failure.
    """
    if not 0 <= good <= total < MOST_EVENTS:
        given = f"given {shown(good)} good of {shown(total)} events"
        raise ValueError(f"{given}; good must be from 0 to total, and total below 10**30")
    return good / total if total else math.nan


def burn_rate(sli: float, slo: SLO) -> float:
    """How fast the error budget is being spent: (1 − SLI) ÷ error budget.

    1 spends exactly the budget in the period, 2 in half of it. ``nan`` stays ``nan``.
    Source: Google, The Site Reliability Workbook, chapter 5.
    """
    burn = exact_burn(sli, slo)
    return math.nan if burn is None else float(burn)


def exact_burn(sli: float, slo: SLO) -> Fraction | None:
    """The burn rate as the exact number that comparisons use; ``None`` where the SLI is ``nan``."""
    ratio = exact_ratio(sli, "sli")
    return None if ratio is None else (1 - ratio) / slo.exact_budget


def budget_remaining(sli: float, slo: SLO) -> float:
    """The share of the error budget that is left, ``sli`` being the whole period's: 1 − burn rate.

    1.0 is untouched, a negative share is overspent, ``nan`` stays ``nan``.
    """
    burn = exact_burn(sli, slo)
    return math.nan if burn is None else float(1 - burn)


def exhaustion_time(slo: SLO, burn: float, remaining: float = 1.0) -> timedelta | None:
    """How long what remains of the budget lasts at this burn rate: remaining × period ÷ burn.

    ``None`` when it never runs out (a burn rate of 0, or one that would take a millennium) or when
    nobody knows (``nan``); zero when nothing is left.
    """
    left, speed = _unless_nan(remaining, "remaining"), _unless_nan(burn, "burn")
    if speed is not None and speed < 0:
        raise ValueError(f"a burn rate is never negative, given {burn}")
    if left is not None and left <= 0:
        return timedelta()
    if left is None or not speed or left / speed > Fraction(10 * LONGEST / slo.period):
        return None
    return scaled(slo.period, left / speed)


@dataclass(frozen=True)
class BudgetAction:
    """A line of the error-budget policy: once this share of the budget is spent, do this."""

    spent: float
    action: str
    detail: str


BUDGET_POLICY = (
    BudgetAction(0.0, "go on", "Release as usual. The budget is there to be spent."),
    BudgetAction(0.5, "slow risky change",
        "Smaller roll-outs, no change that cannot be rolled back at once."),
    BudgetAction(1.0, "freeze",
        "Freeze all but reliability work and security fixes until the SLO is met again."),
    BudgetAction(1.5, "escalate",
        "Take it to whoever owns both roadmap and reliability; agree what gives way."),
)  # fmt: skip


def budget_action(remaining: float) -> BudgetAction:
    """What the error-budget policy asks of the team with this share of the budget left.

    ``remaining`` is as ``budget_remaining`` returns it: 0.5 is half spent, −0.5 is 150 % spent.
    A line applies from exactly its share on. ``nan`` is a ``ValueError``: without events there is
    no evidence to act on.
    """
    spent = max(Fraction(0), 1 - exact(remaining, "remaining"))
    return [line for line in BUDGET_POLICY if exact(line.spent) <= spent][-1]


# --- exact numbers -------------------------------------------------------------------------------


def exact(value: Any, name: str = "value") -> Fraction:
    """The finite decimal number that a value prints as, as a ``Fraction``: 0.999 is 999/1000.

    A value is an ``int``, ``float``, ``Fraction``, ``Decimal`` or one of numpy's numbers, and a
    float comes near it. Anything else is a ``ValueError``, texts too: of ``"1e-99999999"`` a
    fraction would be made in hours.
    """
    number = _as_float(value)
    try:
        if number is not None and abs(number) < _ENDLESS and (number or not value):
            return Fraction(str(value))
    except ValueError:  # of more than 4,300 digits
        pass
    raise ValueError(f"{name} must be a number such as 0.999, given {shown(value)}")


def exact_ratio(value: float, name: str) -> Fraction | None:
    """A share from 0 to 1 as an exact number, or ``None`` for ``nan``.

    Anything else is a ``ValueError``.
    """
    ratio = _unless_nan(value, name)
    if ratio is not None and not 0 <= ratio <= 1:
        raise ValueError(f"{name} must be from 0 to 1, given {value}{_percent_hint(ratio)}")
    return ratio


def _unless_nan(value: float, name: str) -> Fraction | None:
    """An exact number, or ``None`` for ``nan``."""
    number = _as_float(value)
    return None if number is not None and math.isnan(number) else exact(value, name)


def _as_float(value: Any) -> float | None:
    """The float nearest to a number; ``None`` for what is no number, or beyond all floats."""
    if not isinstance(value, Real | Decimal):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):  # a signalling nan is a ValueError
        return None


def exceeds(bad: int | Fraction, total: int, threshold: Fraction) -> bool:
    """Whether more than ``threshold`` = N ÷ D of the events were bad: bad × D > total × N.

    This is the only verdict on a burn rate anywhere, and it is in integers. It is strict: exactly
    at the threshold is not above it, and without events nothing is.
    """
    return bad * threshold.denominator > total * threshold.numerator


def changes_of(verdicts: bytes) -> list[int]:
    """The buckets whose verdict, 1 or 0, is another than that before; before the first it is 0."""
    changes, verdict, bucket = [], 1, verdicts.find(1)
    while bucket >= 0:
        changes.append(bucket)
        verdict = 1 - verdict
        bucket = verdicts.find(verdict, bucket)
    return changes


def scaled(length: timedelta, factor: Fraction) -> timedelta:
    """A length of time times an exact number, to the nearest microsecond."""
    return timedelta(microseconds=round(length // timedelta(microseconds=1) * factor))


def percent(ratio: float | Fraction, digits: int = 10) -> str:
    """A share as text in percent, without needless digits: 0.999 reads ``99.9%``."""
    return f"{float(exact(ratio) * 100):.{digits}g}%"


def _percent_hint(value: float | Fraction) -> str:
    if value == 1:
        return ": a target of 100 % leaves no error budget; give e.g. 0.999"
    return f"; did you mean {float(exact(value) / 100)}?" if 1 < value < 100 else ""


# --- a share that is sampled and judged ----------------------------------------------------------


def share_interval(part: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The range of true shares that a random sample, ``part`` of ``total``, does not rule out.

    Of such samples, ``confidence`` (above 0, below 1) have the truth in their range. It knows of
    luck alone: a judge who errs in one direction errs at any size. Nothing sampled rules nothing
    out. It is Wilson's interval: Journal of the American Statistical Association 22, 1927.

    >>> [round(end, 3) for end in share_interval(192, 200)]
    [0.923, 0.98]
    """
    sure = exact(confidence, "confidence")
    check(0 < sure < 1, "confidence", "above 0 and below 1", confidence)
    if not total:
        return 0.0, 1.0
    share, z = sli(part, total), NormalDist().inv_cdf(0.5 + float(sure) / 2)
    spread = z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt((share * (1 - share) + spread / 4) / total) / (1 + spread)
    return middle - half if part else 0.0, middle + half if part < total else 1.0


def true_share(judged_good: float, passes_good: float, passes_bad: float) -> float:
    """The share that is good when an imperfect judge calls this share good.

    ``passes_good`` of the good ones and ``passes_bad`` of the bad ones are called good by the
    judge: its sensitivity, and 1 − its specificity. Measure both on answers whose truth is known.
    The result is cut to 0 and 1, beyond which only luck leads. A judge who passes no more of the
    good than of the bad tells nothing and is a ``ValueError``. Source: Rogan and Gladen, American
    Journal of Epidemiology 107, 1978.

    >>> round(true_share(0.96, passes_good=0.99, passes_bad=0.3), 4)
    0.9565
    """
    share = exact(judged_good, "judged_good")
    of_good, of_bad = exact(passes_good, "passes_good"), exact(passes_bad, "passes_bad")
    for name, value in (("judged_good", share), ("passes_good", of_good), ("passes_bad", of_bad)):
        check(0 <= value <= 1, name, "from 0 to 1", float(value))
    check(of_bad < of_good, "passes_bad", f"below passes_good, which is {passes_good}", passes_bad)
    return float(min(Fraction(1), max(Fraction(0), (share - of_bad) / (of_good - of_bad))))


# --- how many are a proof ------------------------------------------------------------------------


def asks_needed(error_ratio: float, confidence: float = 0.95) -> int:
    """How many asks, all of them answered well, exclude that so many fail, or more.

    It is the smallest n with (1 − error_ratio)^n ≤ 1 − confidence, for asks that fail independently
    of each other; at 95 % about 3 ÷ error_ratio (the rule of three: Hanley and Lippman-Hand, JAMA
    249, 1983). What takes more than 10,000 is a ``ValueError``.

    >>> [asks_needed(ratio) for ratio in (0.2, 0.1, 0.05, 0.01)]
    [14, 29, 59, 299]
    """
    ratio, sure = exact(error_ratio, "error_ratio"), exact(confidence, "confidence")
    check(0 < ratio < 1, "error_ratio", "above 0 and below 1", error_ratio)
    check(0 < sure < 1, "confidence", "above 0 and below 1", confidence)
    asks = range(1, 10_001)
    place = bisect_left(asks, True, key=lambda n: (1 - ratio) ** n <= 1 - sure)
    check(place < len(asks), "error_ratio", f"one that {len(asks)} asks can exclude", error_ratio)
    return asks[place]


# --- as JSON -------------------------------------------------------------------------------------


def slo_to_record(slo: SLO) -> dict[str, Any]:
    """An SLO as JSON holds it; the period in seconds."""
    return {"name": slo.name, "target": slo.target, "period_seconds": slo.period.total_seconds()}


def slo_from_record(record: Any) -> SLO:
    """The SLO that ``slo_to_record`` wrote; numbers are numbers there, and no texts."""
    if not isinstance(record, dict) or set(record) != {"name", "target", "period_seconds"}:
        raise ValueError(f"slo must hold name, target and period_seconds, given {record!r}")
    period = from_seconds(record["period_seconds"], "period_seconds")
    return SLO(record["name"], record["target"], period)
