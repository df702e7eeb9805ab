"""The incident record: the order of time, and the times that are read from the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from incident_verbs import NEW, PAGE, START, after, do

from oncall.incident import IllegalTransition, Metrics, metrics
from oncall.times import MINUTE

# --- the order of time ---------------------------------------------------------------------------


def test_time_never_goes_backwards() -> None:
    with pytest.raises(IllegalTransition) as refused:
        do(after("detect@5"), "acknowledge", minute=4)
    reason = str(refused.value)
    for part in ("INC-001", "detected", "acknowledge", "23:52:00Z", "23:53:00Z"):
        assert part in reason
    assert "allowed: that moment or later" in reason


def test_not_even_a_note_may_be_a_microsecond_early() -> None:
    detected = after("detect@5")
    with pytest.raises(IllegalTransition, match=r"23:52:59\.999999Z"):
        detected.note("x", at=START + 5 * MINUTE - timedelta(microseconds=1), by="ana")


def test_two_events_at_one_moment_are_fine() -> None:
    assert after("detect@5 acknowledge@5 triage@5").state == "triaged"


def test_detection_may_precede_the_impact() -> None:
    assert after("detect@-3").metrics().ttd == -3 * MINUTE


def test_moments_are_kept_in_utc_and_compared_as_moments() -> None:
    chicago, karachi = timezone(timedelta(hours=-6)), timezone(timedelta(hours=5))
    local = NEW.detect(PAGE, at=START.astimezone(chicago), by="ana")
    assert local == NEW.detect(PAGE, at=START, by="ana")
    assert local.events[0].at.tzinfo is UTC
    with pytest.raises(IllegalTransition):  # later on the wall, earlier in truth
        local.acknowledge(at=(START - MINUTE).astimezone(karachi), by="ana")


# --- metrics -------------------------------------------------------------------------------------


def in_minutes(
    ttd: float | None = None,
    tta: float | None = None,
    ttm: float | None = None,
    ttr: float | None = None,
    impact: float | None = None,
) -> Metrics:
    """Metrics given in minutes; what is not given is unknown."""
    minutes = (ttd, tta, ttm, ttr, impact)
    return Metrics(*(None if count is None else count * MINUTE for count in minutes))


TRIAGED = "detect@1 acknowledge@4 triage@5"
MITIGATED = f"{TRIAGED} mitigate@6 mitigated@16"
RELAPSED = f"{MITIGATED} mitigate@20"
REOPENED = f"{MITIGATED} resolve@61 reopen@90"
RESOLVED_AGAIN = f"{REOPENED} mitigate@91 mitigated@101 resolve@121"
METRICS = {
    "": in_minutes(),
    "note@3": in_minutes(),
    "detect@0": in_minutes(ttd=0),
    "detect@18": in_minutes(ttd=18),
    "detect@-2 acknowledge@1": in_minutes(ttd=-2, tta=3),
    "detect@1 acknowledge@1": in_minutes(ttd=1, tta=0),
    "detect@1 acknowledge@4 acknowledge@9": in_minutes(ttd=1, tta=3),
    f"{TRIAGED} mitigate@6": in_minutes(ttd=1, tta=3),
    f"{TRIAGED} false_alarm@9": in_minutes(ttd=1, tta=3),
    MITIGATED: in_minutes(ttd=1, tta=3, ttm=15, impact=16),
    f"{TRIAGED} mitigate@6 mitigate@9 mitigated@16": in_minutes(ttd=1, tta=3, ttm=15, impact=16),
    f"{MITIGATED} acknowledge@17 resolve@61": in_minutes(ttd=1, tta=3, ttm=15, ttr=60, impact=16),
    # While a relapse lasts nobody knows when it will be mitigated; then the last one counts.
    RELAPSED: in_minutes(ttd=1, tta=3),
    f"{RELAPSED} mitigated@31": in_minutes(ttd=1, tta=3, ttm=30, impact=31),
    # What is reopened is neither mitigated nor resolved, until both are said again.
    REOPENED: in_minutes(ttd=1, tta=3),
    RESOLVED_AGAIN: in_minutes(ttd=1, tta=3, ttm=100, ttr=120, impact=101),
}


@pytest.mark.parametrize(("script", "expected"), METRICS.items())
def test_metrics_are_read_from_the_journal(script: str, expected: Metrics) -> None:
    incident = after(script)
    assert metrics(incident) == expected
    assert incident.metrics() == metrics(incident)


def test_recovery_by_itself_stamps_mitigated_too() -> None:
    acknowledged = after("detect@1 acknowledge@4")
    recovered = do(acknowledged, "resolve", auto_recovered=True, minute=11)
    assert metrics(recovered) == in_minutes(ttd=1, tta=3, ttm=10, ttr=10, impact=11)


def test_recovery_by_itself_leaves_an_earlier_mitigated_alone() -> None:
    recovered = do(after(MITIGATED), "resolve", auto_recovered=True, minute=61)
    assert metrics(recovered) == in_minutes(ttd=1, tta=3, ttm=15, ttr=60, impact=16)


def test_recovery_by_itself_after_a_relapse_is_the_last_mitigated() -> None:
    recovered = do(after(RELAPSED), "resolve", auto_recovered=True, minute=41)
    assert metrics(recovered) == in_minutes(ttd=1, tta=3, ttm=40, ttr=40, impact=41)


def test_recovery_by_itself_without_an_ack_leaves_the_ack_unknown() -> None:
    assert metrics(do(after("detect@1"), "resolve", auto_recovered=True, minute=2)).tta is None


def test_ttr_is_resolved_and_not_mitigated() -> None:
    times = metrics(after(f"{MITIGATED} resolve@61 close@100"))
    assert times.ttm == 15 * MINUTE
    assert times.ttr == 60 * MINUTE


def test_metrics_keep_microseconds() -> None:
    detected = NEW.detect(PAGE, at=START + timedelta(microseconds=7), by="ana")
    assert metrics(detected).ttd == timedelta(microseconds=7)


def test_an_impact_start_found_out_later_changes_the_times_and_no_event() -> None:
    record = after("detect@10 acknowledge@14")
    corrected = replace(record, impact_start=START - 5 * MINUTE)
    assert corrected.events == record.events
    assert metrics(corrected).ttd == 15 * MINUTE
