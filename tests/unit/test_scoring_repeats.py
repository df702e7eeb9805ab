"""The score: no dimension is gained by doing something more often, or by doing all there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from played_shifts import FIXES, incident_of, start_work
from scored_responses import (
    GOOD,
    Response,
    dimension,
    earned,
    flaps,
    good_postmortem,
    journal,
    lost,
    reworded,
    with_events_before,
)

from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import Score, score
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import write_postmortem
from oncall.times import MINUTE


def against_reference(incident: Incident) -> Score:
    """An outage played at the desk, held against the reference's."""
    return score(incident, incident_of(reference))


# --- acknowledging and triaging ------------------------------------------------------------------


def test_acknowledging_again_and_again_gains_nothing() -> None:
    late = journal(Response(acknowledged=35, updates=()))
    [acknowledge] = late.events_of("acknowledge")
    spam = with_events_before(late, "acknowledge", [acknowledge] * 20)
    assert earned(score(spam, GOOD), "TTA") == earned(score(late, GOOD), "TTA") < 15


def test_declaring_before_the_alert_gains_nothing_when_its_page_is_left_unanswered() -> None:
    def early(desk: Desk) -> None:
        desk.declare(by="ana")
        desk.acknowledge("ana")

    tta = dimension(against_reference(incident_of(early)), "TTA")
    assert (tta.points, tta.why) == (0, "A later page was not acknowledged.")


def test_triaging_through_all_severities_counts_for_the_last_one_only() -> None:
    wrong = journal(Response(severity="sev5"))
    [triage] = wrong.events_of("triage")
    others = [
        replace(triage, details=(("severity", severity), ("ic", "ana")))
        for severity in ("sev1", "sev2", "sev3", "sev4", "sev1")
    ]
    spam = with_events_before(wrong, "triage", others)
    assert earned(score(spam, GOOD), "severity") == earned(score(wrong, GOOD), "severity") == 0


# --- mitigating ----------------------------------------------------------------------------------


def test_applying_everything_there_is_gains_nothing() -> None:
    everything = Response(actions=tuple(MITIGATIONS), failed=12_000, mitigated=60)
    spam = score(journal(everything), GOOD)
    assert (earned(spam, "actions"), earned(spam, "budget")) == (0, 0)


def test_applying_and_rolling_back_again_and_again_loses_actions_and_budget() -> None:
    never = against_reference(incident_of(flaps(0)))
    often = against_reference(incident_of(flaps(3)))
    assert earned(never, "actions") == 20
    assert earned(often, "actions") < 10
    assert earned(often, "budget") < earned(never, "budget")


@pytest.mark.parametrize("again", [False, True])
def test_a_needed_mitigation_rolled_back_does_not_earn_full_points(again: bool) -> None:
    def responder(desk: Desk) -> None:
        start_work(desk)
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.rollback("serve_degraded")
        for name in FIXES if again else FIXES[:2]:
            desk.apply(name)
            desk.advance(3 * MINUTE)
        desk.mitigated(by="ana")

    assert 0 < earned(against_reference(incident_of(responder)), "actions") < 20


def test_measuring_again_what_was_measured_gains_nothing() -> None:
    measure = GOOD.events_of("measure")[0]
    worse = journal(Response(failed=30_000))
    padded = with_events_before(worse, "measure", [measure] * 10)
    assert earned(score(padded, GOOD), "budget") <= earned(score(worse, GOOD), "budget")


# --- telling users -------------------------------------------------------------------------------


def test_telling_users_every_minute_gains_nothing_and_tires_them() -> None:
    def told_times(count: int) -> int:
        every_minute = Response(updates=tuple(range(24, 24 + count)))
        return earned(score(journal(every_minute), GOOD), "updates")

    assert told_times(50) < told_times(8) < 10
    assert told_times(4) <= 10
    at_once = journal(Response(updates=(45, 45, 45, 45)))
    assert earned(score(at_once, GOOD), "updates") == 10  # four are not yet too many
    once = journal(Response(updates=(45,)))
    assert lost(score(once, GOOD)) == {"updates": 5}  # one update counts once


# --- learning from it ----------------------------------------------------------------------------


def test_a_postmortem_written_twice_over_gains_nothing() -> None:
    empty = reworded("- The first person paged answered.", "Nothing recorded.")
    once = score(journal(Response(postmortem=empty)), GOOD)
    twice = score(journal(Response(postmortem=lambda incident: empty(incident) * 2)), GOOD)
    assert earned(twice, "postmortem") <= earned(once, "postmortem") < 10


def test_automating_everything_there_is_proves_nothing() -> None:
    def postmortem(incident: Incident) -> str:
        return good_postmortem(incident, tuple(MITIGATIONS))

    everything = journal(Response(postmortem=postmortem))
    assert earned(score(everything, GOOD), "recurrence") == 0


def test_an_empty_postmortem_scores_nothing_though_the_journal_fills_half_of_it() -> None:
    def postmortem(incident: Incident) -> str:
        return write_postmortem(incident, contributing_factors=[], action_items=[])

    empty = journal(Response(postmortem=postmortem))
    assert lost(score(empty, GOOD)) == {"postmortem": 10, "recurrence": 10}
