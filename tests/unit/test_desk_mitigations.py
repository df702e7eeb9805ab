"""Mitigations at the desk: what they do to the service, and which are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from played_shifts import (
    actions,
    forgetful,
    hasty,
    incident_of,
    last_measure,
    played,
    sli_between,
    start_work,
    triaged_desk,
)

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.postmortem import automations
from oncall.runbook import is_healthy
from oncall.times import HOUR, MINUTE

# --- what is in effect ---------------------------------------------------------------------------


def test_the_desk_says_which_mitigations_are_in_effect() -> None:
    desk = triaged_desk()
    seen: list[tuple[str, ...]] = []
    for change in (desk.apply, desk.rollback):
        for name in ("fail_over", "serve_cached"):
            seen.append(desk.applied)
            change(name)
    assert seen == [(), ("fail_over",), ("fail_over", "serve_cached"), ("serve_cached",)]
    assert not desk.applied


def test_a_note_that_only_names_a_mitigation_takes_nothing_back() -> None:
    def responder(desk: Desk) -> None:
        start_work(desk)
        desk.suspect("provider_fails", by="ana")
        desk.apply("fail_over")
        desk.note("fail_over", by="ana")

    items = automations(incident_of(responder), "ana")
    assert [item.automates for item in items] == ["fail_over"]


def test_a_wrong_mitigation_taken_back_is_on_record_and_gone_from_the_service() -> None:
    shift, incident = played(hasty)
    [applied] = incident.events_of("mitigate")
    [back] = incident.events_of("rollback")
    assert back.get("mitigation") == "serve_degraded"
    assert f"{sli_between(shift.counts, applied.at, back.at):.1%}" == "99.7%"
    assert f"{sli_between(shift.counts, back.at, shift.counts.end):.0%}" == "50%"
    assert incident.metrics().impact is None


def test_a_rollback_measures_first_so_that_the_record_shows_what_it_did() -> None:
    incident = incident_of(hasty)
    [back] = incident.events_of("rollback")
    at, ratio = last_measure(incident, back.at)
    assert at == back.at
    assert f"{ratio:.1%}" == "99.7%"


@pytest.mark.parametrize("minutes", [0, 1, 2, 7])
def test_a_mitigation_rolled_back_leaves_the_service_as_it_was(minutes: int) -> None:
    desk, untouched = triaged_desk(), triaged_desk()
    desk.apply("fail_over")
    desk.advance(minutes * MINUTE)
    desk.rollback("fail_over")
    untouched.advance(minutes * MINUTE)
    desk.advance(HOUR)
    untouched.advance(HOUR)
    after = desk.now - 59 * MINUTE
    assert desk.harmed == untouched.harmed
    counts, expected = desk.service.counts.slice(after), untouched.service.counts.slice(after)
    assert counts.total == expected.total
    # Rounding may carry one request over.
    pairs = zip(counts.good, expected.good, strict=True)
    assert max(abs(good - usual) for good, usual in pairs) <= 1


# --- what they harm ------------------------------------------------------------------------------


def test_a_degraded_reply_to_everything_turns_availability_green_and_quality_red() -> None:
    seen: list[tuple[str, ...]] = []

    def responder(desk: Desk) -> None:
        forgetful(desk)
        seen.append(desk.harmed)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(2 * MINUTE)
        seen.append(desk.harmed)
        assert desk.sli > 0.99

    played(responder)
    assert seen == [(), ("quality",)]


def test_an_sli_that_a_mitigation_harms_is_trouble_however_green_the_other_is() -> None:
    desk = triaged_desk()
    desk.apply("serve_degraded")
    desk.advance(40 * MINUTE)
    assert desk.sli > 0.99
    assert desk.harmed == ("quality",)
    assert not is_healthy(desk, desk.scenario.slo)
    assert desk.quiet_for == timedelta()


# --- what is refused -----------------------------------------------------------------------------


def test_rolling_back_what_is_not_applied_says_what_is() -> None:
    def responder(desk: Desk) -> None:
        start_work(desk)
        desk.apply("fail_over")
        with pytest.raises(ValueError, match="applied are fail_over"):
            desk.rollback("serve_cached")

    played(responder)


def test_an_unknown_mitigation_is_refused_and_leaves_no_trace() -> None:
    def responder(desk: Desk) -> None:
        start_work(desk)
        with pytest.raises(ValueError, match="unknown mitigation 'pray'"):
            desk.apply("pray")

    assert actions(incident_of(responder)) == ()


def test_what_is_irreversible_cannot_be_rolled_back() -> None:
    def responder(desk: Desk) -> None:
        start_work(desk)
        desk.apply("purge_cache")
        with pytest.raises(ValueError, match="'purge_cache' cannot be rolled back"):
            desk.rollback("purge_cache")
        assert desk.applied == ("purge_cache",)

    played(responder)


def test_what_is_in_effect_cannot_be_applied_again_and_so_cannot_be_taken_back_by_mistake() -> None:
    desk = triaged_desk()
    desk.apply("fail_over")
    before = desk.incidents
    with pytest.raises(ValueError, match="'fail_over' is applied already"):
        desk.apply("fail_over")
    assert desk.incidents == before


# --- what they are aimed at ----------------------------------------------------------------------


def test_what_is_aimed_at_the_wrong_value_shows_nothing_and_at_the_right_one_it_mends() -> None:
    desk = triaged_desk(SCENARIOS["edge_config"])
    [hit] = desk.service.world.hits
    for region in ("eu", "us", "asia"):
        desk.apply("drain_region", value=region)
        assert desk.service.aim("drain_region") == region
        desk.advance(9 * MINUTE)
        assert (desk.sli >= desk.slo.target) == (region == hit.value)
        desk.rollback("drain_region")
    assert [event.get("value") for event in desk.current.events_of("mitigate")] == [
        "eu", "us", "asia",
    ]  # fmt: skip


def test_without_a_value_it_is_aimed_at_its_default() -> None:
    desk = triaged_desk(SCENARIOS["provider_fails"])
    desk.apply("fail_over")
    assert desk.service.aim("fail_over") == "north"
    desk.apply("serve_cached")
    assert desk.service.aim("serve_cached") == ""


def test_what_spoils_another_slo_is_seen_there_as_long_as_it_stays() -> None:
    desk = triaged_desk(SCENARIOS["provider_fails"])
    desk.apply("cache_everything")
    desk.advance(10 * MINUTE)
    assert "quality" in desk.harmed
    desk.rollback("cache_everything")
    desk.advance(10 * MINUTE)
    assert "quality" not in desk.harmed
