"""The service of a shift: its traffic, its faults, and what the mitigations do about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from oncall.catalogue import MITIGATIONS, RUNBOOKS, known_mitigation
from oncall.counts import Counts
from oncall.mock_system import MockSystem
from oncall.scenario import Fault, Scenario, Traffic
from oncall.slo import sli
from oncall.times import MINUTE


class Service:
    """A service as a scenario has it, played minute by minute from the end of its warm-up.

    It is a ``System``, so a runbook can be run on it, and it knows nothing of alerts, incidents or
    people. Time moves only in ``pass_minute`` and ``wait``.
    """

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario = scenario
        self._traffic = Traffic(scenario, seed)
        self._good: list[int] = []
        self._total: list[int] = []
        self._minute = -(scenario.warm_up // MINUTE)  # counted from the start of the shift
        self._shows_from: dict[str, int] = {}  # the minute from which each mitigation shows
        self._faults: list[_FaultNow] = []
        self._effect_of = cache(_effect_of)  # most minutes are like the one before
        while self._minute < 0:
            self._count(0.0, 0.0)

    # --- what can be seen

    @property
    def now(self) -> datetime:
        """The end of the last minute that was played."""
        return self.scenario.start + self._minute * MINUTE

    @property
    def counts(self) -> Counts:
        """What has been counted so far, the warm-up included."""
        return Counts(self.scenario.start - self.scenario.warm_up, MINUTE, self._good, self._total)

    @property
    def sli(self) -> float:
        """The share of good requests in the last minute; ``nan`` without any."""
        return self.sli_over(MINUTE)

    @property
    def harmed(self) -> tuple[str, ...]:
        """Other SLIs that the mitigations in effect have brought below their floor."""
        return tuple(sorted({name for fault in self._faults for name in fault.harmed}))

    @property
    def applied(self) -> tuple[str, ...]:
        """The mitigations in effect, those included that do not show yet."""
        return tuple(self._shows_from)

    @property
    def symptom(self) -> str:
        """The symptom of the fault that hits most requests in the last minute; else ``unknown``."""
        hits = [(fault.share, fault.fault.symptom) for fault in self._faults if fault.share]
        return max(hits, default=(0.0, "unknown"))[1]

    @property
    def felt(self) -> bool:
        """Whether users feel anything, as support hears it: not all that is counted is theirs."""
        return any(fault.share and not fault.fault.synthetic for fault in self._faults)

    @property
    def spent(self) -> float:
        """The share of the period's error budget spent since the shift began, for even traffic."""
        good, total = self.counted(self.scenario.warm_up // MINUTE)
        slo = self.scenario.slo
        allowed = self.scenario.requests * (slo.period / MINUTE) * slo.error_budget
        return (total - good) / allowed if allowed else 0.0

    def sli_over(self, length: timedelta) -> float:
        """The share of good requests in the last ``length``; ``nan`` without any."""
        return sli(*self.counted(-max(1, length // MINUTE)))

    def counted(self, begin: int, end: int | None = None) -> tuple[int, int]:
        """Good and total requests in a slice of the minutes that have been counted."""
        return sum(self._good[begin:end]), sum(self._total[begin:end])

    def __len__(self) -> int:
        """How many minutes have been counted."""
        return len(self._good)

    @property
    def below_target_since(self) -> int:
        """The first minute of the current run below target; ``len`` if the last one was fine."""
        start, target = len(self), self.scenario.slo.target
        while start and not sli(self._good[start - 1], self._total[start - 1]) >= target:
            start -= 1
        return start

    # --- what can be done about it

    def check_apply(self, mitigation: str) -> None:
        """Raise a ``ValueError`` unless the mitigation exists and is not in effect."""
        if known_mitigation(mitigation) in self._shows_from:
            raise ValueError(f"{mitigation!r} is applied already; roll it back, or apply another")

    def apply(self, mitigation: str) -> None:
        """Start a mitigation. It shows once its settle time is over."""
        self.check_apply(mitigation)
        settle = MITIGATIONS[mitigation].settle // MINUTE
        self._shows_from[mitigation] = self._minute + max(0, settle - 1)

    def check_rollback(self, mitigation: str) -> None:
        """Raise a ``ValueError`` unless the mitigation is in effect and can be rolled back."""
        if mitigation not in self._shows_from:
            applied = ", ".join(self._shows_from) or "none"
            raise ValueError(f"{mitigation!r} is not applied; applied are {applied}")
        if not MITIGATIONS[mitigation].reversible:
            raise ValueError(f"{mitigation!r} cannot be rolled back")

    def rollback(self, mitigation: str) -> None:
        """Take a mitigation back; it is gone in the next minute."""
        self.check_rollback(mitigation)
        del self._shows_from[mitigation]

    # --- how time passes

    @property
    def is_about_to_show(self) -> bool:
        """Whether a mitigation shows for the first time in the minute to come."""
        return self._minute in self._shows_from.values()

    def wait(self, length: timedelta) -> None:
        """Play the whole minutes of ``length``."""
        for _ in range(length // MINUTE):
            self.pass_minute()

    def pass_minute(self) -> tuple[int, int]:
        """Play a minute and return its good and total requests."""
        showing = tuple(name for name, start in self._shows_from.items() if start <= self._minute)
        shares = self.scenario.failing(self._minute)
        hits = zip(self.scenario.faults, shares, strict=True)
        self._faults = [self._effect_of(fault, share, showing) for fault, share in hits]
        shares = [fault.share for fault in self._faults]
        return self._count(*self.scenario.failing_and_lost(shares))

    def _count(self, failing: float, lost: float) -> tuple[int, int]:
        good, total = self._traffic.minute(self._minute, failing, lost)
        self._good.append(good)
        self._total.append(total)
        self._minute += 1
        return good, total


@dataclass(frozen=True)
class _FaultNow:
    """A fault in one minute: the share of requests that it still hits, and the other SLIs that
    its mitigations harm."""

    fault: Fault
    share: float
    harmed: tuple[str, ...] = ()


def _effect_of(fault: Fault, share: float, mitigations: tuple[str, ...]) -> _FaultNow:
    """What a fault that would hit this share of requests does under these mitigations."""
    if mitigations and not fault.catches and fault.symptom in RUNBOOKS:
        system = MockSystem(fault.symptom, mitigations, failing=share)
        return _FaultNow(fault, 1 - system.sli, system.harmed)
    for name in mitigations:
        share = min(1.0, share * (1 - dict(fault.catches).get(name, 0.0)))
    return _FaultNow(fault, share)
