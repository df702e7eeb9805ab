"""The score of whole shifts: worse is worse in every scenario, and needless work costs."""

from __future__ import annotations

import pytest
from played_shifts import SCENARIO, absent, forgetful, incident_of, is_open, played, reference_shift
from scored_responses import alarmed, lost, waves_away

from oncall.catalogue import RUNBOOKS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import mean_points, score, score_shift
from oncall.gameday.shift import Responder, run_shift
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import measured, write_postmortem
from oncall.times import HOUR, MINUTE


def points(name: str, responder: Responder) -> float:
    """The mean over the incidents of a shift, unrounded."""
    incidents = run_shift(SCENARIOS[name], 1, responder).incidents
    scores = score_shift(incidents, reference_shift(name).incidents)
    return sum(result.points for result in scores.values()) / len(scores)


# --- worse is worse, in every scenario -----------------------------------------------------------


def careful(desk: Desk) -> None:
    """Works each incident to its end by the same runbooks, slowly, and writes little about it."""
    while desk.advance_until(is_open):
        work_through(desk)
        desk.advance(min(MINUTE, desk.ends - desk.now))


def work_through(desk: Desk, actions: tuple[str, ...] = ()) -> None:
    """One incident: a late ack, one update, long pauses, a short postmortem.

    The actions are those of its runbook unless others are given.
    """
    desk.advance(10 * MINUTE)
    desk.acknowledge("ana")
    desk.advance(5 * MINUTE)
    incident = desk.incidents[-1]
    desk.triage(incident.severity or "sev1", "ana", by="ana")
    if not desk.service.felt and desk.service.symptom not in ("unknown", *RUNBOOKS):
        desk.false_alarm(by="ana")
        return
    desk.update("We are working on it.", by="ana")
    mitigate_slowly(desk, actions or runbook_of(incident))
    if desk.applied:
        desk.mitigated(by="ana")

    def another_came(desk: Desk) -> bool:
        return desk.incidents[-1].id != incident.id

    desk.advance_until(lambda desk: desk.quiet_for >= 30 * MINUTE or another_came(desk))
    if another_came(desk):  # it comes first
        work_through(desk)
    while desk.incident is not None:
        finish(desk)


def mitigate_slowly(desk: Desk, actions: tuple[str, ...]) -> None:
    """One action after the other while the SLI is below target, and none while it is not."""
    for name in actions:
        if name in desk.applied:
            continue
        desk.advance_until(is_below_target)  # it may flap
        desk.apply(name)
        desk.advance(max(6 * MINUTE, MITIGATIONS[name].settle))
        if not is_below_target(desk):
            return


def is_below_target(desk: Desk) -> bool:
    return not desk.sli >= desk.scenario.slo.target  # so that no requests at all are below it


def finish(desk: Desk) -> None:
    """Resolve the incident at hand and, an hour later, file it in few words."""
    incident = desk.current
    if incident.state != "resolved":
        desk.resolve(by="ana", auto_recovered=incident.state != "mitigated")
    desk.advance(min(HOUR, desk.ends - desk.now))
    if desk.incident and desk.incident.state == "resolved":
        text = write_postmortem(desk.incident, contributing_factors=["It broke."], action_items=[])
        desk.close(text, by="ana")


def runbook_of(incident: Incident) -> tuple[str, ...]:
    runbook = RUNBOOKS.get(incident.symptom)
    return tuple(mitigation.name for mitigation in runbook.mitigations) if runbook else ()


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "quiet_shift"])
def test_nothing_is_worse_than_an_ack_than_care_than_the_reference(name: str) -> None:
    responders = (absent, forgetful, careful, reference)
    worst, poor, fair, best = (points(name, responder) for responder in responders)
    assert 0 == worst < poor < fair < best == 100, (worst, poor, fair, best)


LUCKY = {"poisoned_cache": "purge_cache", "cost_runaway": "raise_spend_limit"}


@pytest.mark.parametrize("name", LUCKY)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_lucky_irreversible_action_scores_below_the_safe_path_however_slow(
    name: str, seed: int
) -> None:
    def lucky(desk: Desk) -> None:
        desk.advance_until(is_open)
        work_through(desk, (LUCKY[name],))

    def first_incident(responder: Responder) -> Incident:
        return run_shift(SCENARIOS[name], seed, responder).incidents[0]

    assert MITIGATIONS["raise_spend_limit"].settle == MINUTE  # it works at once, and all of it
    best, gamble, safe = (first_incident(who) for who in (reference, lucky, careful))
    gambled, took = gamble.metrics().ttm, safe.metrics().ttm
    assert gambled is not None
    assert took is not None
    assert gambled < took
    assert score(gamble, best).points < score(safe, best).points


# --- where nothing was needed --------------------------------------------------------------------


def declares(*actions: str, updates: int = 0) -> Responder:
    """Sees an incident where there is none, and does something about it."""

    def responder(desk: Desk) -> None:
        desk.advance(HOUR)
        desk.declare(by="ana")
        desk.acknowledge("ana")
        desk.triage("sev5", "ana", by="ana")
        for _ in range(updates):
            desk.update("Something may be wrong.", by="ana")
        for name in actions:
            desk.apply(name)
        desk.advance(10 * MINUTE)
        if actions:
            desk.resolve(by="ana", auto_recovered=True)
            desk.close(by="ana")
        else:
            desk.false_alarm(by="ana")

    return responder


def test_a_quiet_shift_left_alone_scores_100_and_each_needless_action_loses_points() -> None:
    def quiet(responder: Responder) -> int:
        shift = run_shift(SCENARIOS["quiet_shift"], 1, responder)
        return mean_points(score_shift(shift.incidents, ()))

    assert quiet(absent) == quiet(reference) == 100
    assert quiet(declares()) == 100
    assert quiet(declares(updates=1)) < 100
    one_action = quiet(declares("fail_over"))
    assert one_action < 100
    assert quiet(declares("fail_over", "serve_cached")) < one_action
    assert quiet(declares("purge_cache")) < one_action


def test_on_a_false_alarm_needless_actions_and_needless_updates_lose_points() -> None:
    calm = points("false_alarm", alarmed())
    assert calm == 100
    assert points("false_alarm", alarmed(updates=1)) < calm
    one_action = points("false_alarm", alarmed("fail_over"))
    assert one_action < calm
    assert points("false_alarm", alarmed("fail_over", "serve_cached")) < one_action


def test_a_false_alarm_called_one_before_it_was_rated_loses_nothing() -> None:
    called = points("false_alarm", waves_away)
    assert points("false_alarm", absent) < points("false_alarm", forgetful) < called == 100
    incident = incident_of(waves_away, SCENARIOS["false_alarm"])
    assert lost(score(incident, None)) == {}


def test_an_incident_called_a_false_alarm_before_it_was_rated_is_not_spared() -> None:
    incident, *_ = run_shift(SCENARIO, 1, waves_away).incidents
    losses = lost(score(incident, incident_of(reference)))
    assert {"severity", "actions", "budget"} <= set(losses)


def test_an_incident_called_a_false_alarm_scores_below_one_that_was_worked() -> None:
    assert points("provider_outage", alarmed()) < points("provider_outage", careful)


def test_false_alarms_declared_by_hand_do_not_lift_a_shift() -> None:
    def crying_wolf(desk: Desk) -> None:
        """Declares twenty incidents that are none, and does not look at the one that is."""
        for _ in range(20):
            desk.declare(by="ana")
            desk.acknowledge("ana")
            desk.false_alarm(by="ana")

    incidents = run_shift(SCENARIO, 1, crying_wolf).incidents
    scores = score_shift(incidents, reference_shift("provider_outage").incidents)
    assert sum(name.startswith("needless ") for name in scores) == 20
    assert mean_points(scores) == scores["INC-021"].points < 20


# --- what is left burning ------------------------------------------------------------------------


def test_an_unattended_shift_s_journal_holds_all_that_burned() -> None:
    shift, incident = played(absent)
    counted = shift.counts.slice(incident.impact_start)
    assert measured(incident) == (sum(counted.good), sum(counted.total))


def test_calling_it_over_while_it_burns_brings_it_back_and_scores_below_working_it() -> None:
    def closes_at_once(desk: Desk) -> None:
        """Calls it over while it burns, each time that it comes back."""
        while desk.advance_until(is_open):
            desk.acknowledge("ana")
            desk.triage("sev1", "ana", by="ana")
            desk.update("It works again.", by="ana")
            desk.resolve(by="ana", auto_recovered=True)
            desk.advance(min(2 * HOUR, desk.ends - desk.now))
            finish(desk)

    assert len(run_shift(SCENARIO, 1, closes_at_once).incidents) > 1
    assert points("provider_outage", closes_at_once) < points("provider_outage", careful)


# --- matching with the reference's ---------------------------------------------------------------


def test_what_the_reference_had_and_the_shift_did_not_is_missed_and_scores_nothing() -> None:
    scores = score_shift((), reference_shift("provider_outage").incidents)
    assert {name: result.points for name, result in scores.items()} == {"missed INC-001": 0}


def test_incidents_are_matched_by_symptom_whatever_their_order() -> None:
    first, second = reference_shift("two_incidents").incidents
    assert mean_points(score_shift((second, first), (first, second))) == 100
