"""The score: seven dimensions, each losing points for its own fault and for nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from oncall.alerting import Alert
from oncall.catalogue import MITIGATIONS as ALL_MITIGATIONS
from oncall.catalogue import RUNBOOKS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import Score, mean_points, score, score_shift
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.postmortem import ActionItem, measured, write_postmortem
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE, parse_moment

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
SYMPTOM = "model_provider_outage"
MITIGATIONS = tuple(mitigation.name for mitigation in RUNBOOKS[SYMPTOM].mitigations)
NAMES = ("TTA", "severity", "actions", "updates", "budget", "postmortem", "recurrence")
SCENARIO = SCENARIOS["provider_outage"]


@dataclass(frozen=True)
class Response:
    """What somebody did about the outage, in minutes after it began; the defaults are a good response."""

    acknowledged: float = 21
    severity: str = "sev1"
    updates: tuple[float, ...] = (24, 46)
    actions: tuple[str, ...] = MITIGATIONS
    mitigated: float | None = 45
    failed: int = 20_000
    postmortem: Callable[[Incident], str] | None = None


def good_postmortem(incident: Incident, automated: tuple[str, ...] = MITIGATIONS) -> str:
    return write_postmortem(
        incident,
        contributing_factors=["All requests go to one provider."],
        action_items=[
            ActionItem("mitigate", f"{one} by itself", "ana", date(2025, 4, 1), one)
            for one in automated
        ],
        went_well=["The first person paged answered."],
        went_wrong=["The runbook waited for a person."],
        lucky=["The secondary provider had room."],
    )


def journal(response: Response | None = None) -> Incident:
    """The journal of a response, event by event, in order of time."""
    done = response or Response()

    def at(minute: float) -> datetime:
        return START + minute * MINUTE

    incident = Incident(
        "INC-001", "The model provider fails requests", SLO("availability", 0.99), SYMPTOM, START
    )
    incident = incident.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=at(18), by="alerts")
    incident = incident.measure(9000, 18_000, at=at(18), by="metrics")
    events: list[tuple[float, Callable[[Incident, datetime], Incident]]] = [
        (done.acknowledged, lambda one, when: one.acknowledge(at=when, by="ana")),
        (done.acknowledged, lambda one, when: one.triage(done.severity, "ana", at=when, by="ana")),
    ]
    events += [
        (minute, lambda one, when: one.update("We are on it.", at=when, by="bo"))
        for minute in done.updates
    ]
    begun = done.acknowledged + 3
    events += [
        (begun + i, lambda one, when, name=name: one.mitigate(name, at=when, by="ana"))  # type: ignore[misc]
        for i, name in enumerate(done.actions)
    ]
    if done.mitigated is not None:
        rest = done.failed - 9000
        events += [
            (
                done.mitigated,
                lambda one, when: one.measure(60_000 - rest, 60_000, at=when, by="metrics"),
            ),
            (done.mitigated, lambda one, when: one.mitigated(at=when, by="ana")),
            (done.mitigated + 30, lambda one, when: one.resolve(at=when, by="ana")),
        ]
    for minute, verb in sorted(events, key=lambda event: event[0]):
        incident = verb(incident, at(minute))
    if done.mitigated is None:
        return incident
    return incident.close(
        (done.postmortem or good_postmortem)(incident), at=at(done.mitigated + 90), by="ana"
    )


def lost(result: Score) -> dict[str, int]:
    """The points lost, by dimension."""
    return {one.name: one.most - one.points for one in result.dimensions if one.points < one.most}


GOOD = journal()


# --- the whole -----------------------------------------------------------------------------------


def test_a_response_held_against_itself_scores_100() -> None:
    result = score(GOOD, GOOD)
    assert result.points == 100
    assert lost(result) == {}


def test_the_seven_dimensions_are_worth_100_points_and_say_why_in_a_sentence() -> None:
    for result in (score(GOOD, GOOD), score(journal(Response(mitigated=None, actions=())), GOOD)):
        assert tuple(one.name for one in result.dimensions) == NAMES
        assert sum(one.most for one in result.dimensions) == 100
        assert all(0 <= one.points <= one.most for one in result.dimensions)
        assert all(
            one.why[0].isupper() or one.why[0].isdigit() or one.why.startswith("sev")
            for one in result.dimensions
        )
        assert all(one.why.endswith(".") and "\n" not in one.why for one in result.dimensions)


def test_a_score_reads_as_a_line_a_dimension_and_its_sum() -> None:
    lines = str(score(GOOD, GOOD)).splitlines()
    assert [line.split()[0] for line in lines] == [*NAMES, "score"]
    assert lines[-1].split() == ["score", "100", "of", "100"]


def test_a_score_is_a_function_of_the_two_journals() -> None:
    other = journal(Response(acknowledged=40))
    assert score(other, GOOD) == score(other, GOOD)


# --- each dimension by itself --------------------------------------------------------------------

# The action items automate what the case needs, but the lint or a section is not content.
VAGUE: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "All requests go to one provider.", "It was human error."
)
SECTIONLESS: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "## What went well\n\n- The first person paged answered.\n\n", ""
)
EMPTY: Callable[[Incident], str] = lambda incident: good_postmortem(incident).replace(  # noqa: E731
    "- The first person paged answered.", "Nothing recorded."
)
UNFIXED: Callable[[Incident], str] = lambda incident: good_postmortem(incident, MITIGATIONS[:2])  # noqa: E731

FAULTS = {
    "a late acknowledgement": (Response(acknowledged=33, updates=(35, 46)), "TTA"),
    "a severity too low": (Response(severity="sev2"), "severity"),
    "no update at all": (Response(updates=()), "updates"),
    "no update after the end": (Response(updates=(24,)), "updates"),
    "no update before the end": (Response(updates=(46,)), "updates"),
    "more budget spent": (Response(failed=24_000), "budget"),
    "a blaming postmortem": (Response(postmortem=VAGUE), "postmortem"),
    "a section missing": (Response(postmortem=SECTIONLESS), "postmortem"),
    "a section left empty": (Response(postmortem=EMPTY), "postmortem"),
    "an automation forgotten": (Response(postmortem=UNFIXED), "recurrence"),
    "something unneeded done": (Response(actions=(*MITIGATIONS, "restart everything")), "actions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_points_on_its_own_dimension_and_no_other(fault: str) -> None:
    response, dimension = FAULTS[fault]
    assert set(lost(score(journal(response), GOOD))) == {dimension}


def test_a_severity_too_high_costs_less_than_one_too_low() -> None:
    milder = journal(Response(severity="sev2"))
    high, low = lost(score(GOOD, milder)), lost(score(milder, GOOD))
    assert 0 < high["severity"] < low["severity"]


def test_the_last_severity_decided_is_the_one() -> None:
    again = replace(GOOD, events=())
    for event in GOOD.events:
        if event.verb == "acknowledge":
            again = again.acknowledge(at=event.at, by="ana").triage(
                "sev4", "ana", at=event.at, by="ana"
            )
            break
        again = replace(again, events=(*again.events, event))
    rest = GOOD.events[[event.verb for event in GOOD.events].index("triage") :]
    again = replace(again, events=(*again.events, *rest))
    assert lost(score(again, GOOD)) == {}


@pytest.mark.parametrize(("minute", "points"), [(18, 15), (23, 15), (35.5, 8), (48, 0), (120, 0)])
def test_an_ack_within_five_minutes_is_prompt_and_25_later_is_worth_nothing(
    minute: float, points: int
) -> None:
    late = journal(Response(acknowledged=minute, updates=(), mitigated=180))
    [tta] = [one for one in score(late, GOOD).dimensions if one.name == "TTA"]
    assert tta.points == points


@pytest.mark.parametrize("minutes", [30, 45, 300])
def test_an_ack_as_late_as_the_reference_s_is_in_time(minutes: float) -> None:
    slow = journal(Response(acknowledged=18 + minutes, updates=(), mitigated=500))
    slower = journal(Response(acknowledged=18 + minutes + 30, updates=(), mitigated=500))
    assert "TTA" not in lost(score(slow, slow))
    assert lost(score(slower, slow))["TTA"] == 15


def test_each_unneeded_action_costs_and_an_irreversible_one_costs_more() -> None:
    one, two, risky = (
        lost(score(journal(Response(actions=(*MITIGATIONS, *more))), GOOD))["actions"]
        for more in (["x"], ["x", "y"], ["purge_cache"])
    )
    assert 0 < one < two < risky


def test_doing_a_needed_thing_twice_is_no_unneeded_thing() -> None:
    assert lost(score(journal(Response(actions=(*MITIGATIONS, "fail_over"))), GOOD)) == {}


def test_less_budget_spent_than_the_reference_is_worth_no_more_than_all_points() -> None:
    assert score(journal(Response(failed=9000)), GOOD).points == 100


def test_twice_the_reference_s_budget_earns_nothing_for_it() -> None:
    assert lost(score(journal(Response(failed=40_000)), GOOD)) == {"budget": 20}


def test_an_update_is_due_in_every_half_hour_until_it_is_mitigated() -> None:
    long = Response(updates=(24, 50, 80, 110, 140), mitigated=138)
    assert "updates" not in lost(score(journal(long), GOOD))
    for gone in long.updates:
        fewer = replace(long, updates=tuple(minute for minute in long.updates if minute != gone))
        assert "updates" in lost(score(journal(fewer), GOOD)), gone


def test_without_a_postmortem_there_is_nothing_for_it_and_nothing_for_recurrence() -> None:
    unwritten = replace(GOOD, events=GOOD.events[:-1])
    assert unwritten.postmortem is None
    assert lost(score(unwritten, GOOD)) == {"postmortem": 10, "recurrence": 10}


def test_a_postmortem_without_any_section_scores_nothing_either() -> None:
    bare = journal(Response(postmortem=lambda incident: "# Postmortem\n\nIt broke.\n"))
    assert lost(score(bare, GOOD)) == {"postmortem": 10, "recurrence": 10}


def test_a_note_that_quotes_an_empty_section_is_no_empty_section() -> None:
    def noted(incident: Incident) -> str:
        return good_postmortem(incident).replace(
            "- 18:12:00 impact began", "- 18:12:00 bo: Nothing recorded."
        )

    assert lost(score(journal(Response(postmortem=noted)), GOOD)) == {}


# --- worse is worse, in every scenario -----------------------------------------------------------


def absent(desk: Desk) -> None:
    """Nobody is there."""


def forgetful(desk: Desk) -> None:
    """Acknowledges at once, and forgets."""
    desk.advance_until(lambda desk: desk.incident is not None)
    if desk.incident:
        desk.acknowledge("ana")


def careful(desk: Desk) -> None:
    """Works each incident to its end by the same book, slowly and by halves, and writes little about it."""
    while desk.advance_until(lambda desk: desk.incident is not None):
        work_through(desk)
        desk.advance(min(MINUTE, desk.ends - desk.now))


def work_through(desk: Desk, actions: tuple[str, ...] = ()) -> None:
    """One incident: a late ack, one update, the runbook or other actions with long pauses, a short postmortem."""
    desk.advance(10 * MINUTE)
    desk.acknowledge("ana")
    desk.advance(5 * MINUTE)
    incident = desk.incidents[-1]
    desk.triage(incident.severity or "sev1", "ana", by="ana")
    if not desk.service.felt and desk.service.symptom not in ("unknown", *RUNBOOKS):
        desk.false_alarm(by="ana")
        return
    desk.update("We are working on it.", by="ana")
    for name in actions or book_of(incident):
        if name in desk.applied:
            continue
        if desk.sli >= desk.scenario.slo.target:
            desk.advance_until(lambda desk: not desk.sli >= desk.scenario.slo.target)  # it flaps
        desk.apply(name)
        desk.advance(max(6 * MINUTE, MITIGATION_TIMES[name]))
        if desk.sli >= desk.scenario.slo.target:
            break
    if desk.applied:
        desk.mitigated(by="ana")
    desk.advance_until(
        lambda desk: desk.quiet_for >= 30 * MINUTE or desk.incidents[-1].id != incident.id
    )
    if desk.incidents[-1].id != incident.id:  # a second incident comes first
        work_through(desk)
    while desk.incident is not None:
        finish(desk)


def finish(desk: Desk) -> None:
    """Resolve and, an hour later, file the incident at hand, in few words."""
    incident = desk.incident
    assert incident is not None
    if incident.state != "resolved":
        desk.resolve(by="ana", auto_recovered=incident.state != "mitigated")
    desk.advance(min(HOUR, desk.ends - desk.now))
    if desk.incident and desk.incident.state == "resolved":
        desk.close(
            write_postmortem(desk.incident, contributing_factors=["It broke."], action_items=[]),
            by="ana",
        )


def book_of(incident: Incident) -> tuple[str, ...]:
    book = RUNBOOKS.get(incident.symptom)
    return tuple(one.name for one in book.mitigations) if book else ()


MITIGATION_TIMES = {name: one.settle for name, one in ALL_MITIGATIONS.items()}
WITH_AN_INCIDENT = [name for name in SCENARIOS if name != "quiet_shift"]


def points(name: str, responder: Callable[[Desk], None]) -> float:
    """The mean over the incidents of a shift, unrounded."""
    scores = score_shift(run_shift(SCENARIOS[name], 1, responder).incidents, the_book(name))
    return sum(one.points for one in scores.values()) / len(scores)


@cache
def the_book(name: str) -> tuple[Incident, ...]:
    return run_shift(SCENARIOS[name], 1, reference).incidents


@pytest.mark.parametrize("name", WITH_AN_INCIDENT)
def test_nothing_is_worse_than_an_ack_than_care_than_the_reference(name: str) -> None:
    worst, poor, fair, best = (points(name, one) for one in (absent, forgetful, careful, reference))
    assert 0 == worst < poor < fair < best == 100, (worst, poor, fair, best)


LUCKY = {"poisoned_cache": "purge_cache", "cost_runaway": "raise_spend_limit"}


@pytest.mark.parametrize("name", LUCKY)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_lucky_irreversible_action_scores_below_the_safe_path_however_slow(
    name: str, seed: int
) -> None:
    def lucky(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        work_through(desk, (LUCKY[name],))

    assert MITIGATION_TIMES["raise_spend_limit"] == MINUTE  # it works at once, and all of it
    book = run_shift(SCENARIOS[name], seed, reference).incidents
    gamble, safe = (run_shift(SCENARIOS[name], seed, one).incidents[0] for one in (lucky, careful))
    assert gamble.metrics().ttm < safe.metrics().ttm  # type: ignore[operator]
    assert score(gamble, book[0]).points < score(safe, book[0]).points


def test_one_that_was_not_needed_on_top_of_the_safe_path_scores_below_it_too() -> None:
    risky = journal(Response(actions=(*MITIGATIONS, "purge_cache")))
    assert set(lost(score(risky, GOOD))) == {"actions", "budget"}


# --- where nothing was needed --------------------------------------------------------------------


def declares(*actions: str, updates: int = 0) -> Callable[[Desk], None]:
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
    def quiet(responder: Callable[[Desk], None]) -> int:
        return mean_points(
            score_shift(run_shift(SCENARIOS["quiet_shift"], 1, responder).incidents, ())
        )

    assert quiet(absent) == quiet(reference) == 100
    assert quiet(declares()) == 100
    for worse in (declares("fail_over"), declares(updates=1)):
        assert quiet(worse) < 100
    assert quiet(declares("fail_over", "serve_cached")) < quiet(declares("fail_over"))
    assert quiet(declares("purge_cache")) < quiet(declares("fail_over"))


def alarmed(*actions: str, updates: int = 0) -> Callable[[Desk], None]:
    """Works the false alarm like an incident, and calls it one in the end where that is still allowed."""

    def responder(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        desk.acknowledge("ana")
        desk.triage("sev1", "ana", by="ana")
        for _ in range(updates):
            desk.update("Something is wrong.", by="ana")
        for name in actions:
            desk.apply(name)
            desk.advance(5 * MINUTE)
        if not actions:
            desk.false_alarm(by="ana")
            return
        desk.advance_until(lambda desk: desk.quiet_for >= 30 * MINUTE)
        desk.resolve(by="ana", auto_recovered=True)
        desk.close(good_postmortem(desk.incidents[-1], ()), by="ana")

    return responder


def test_on_a_false_alarm_needless_actions_and_needless_updates_lose_points() -> None:
    calm = points("false_alarm", alarmed())
    assert calm == 100
    assert points("false_alarm", alarmed(updates=1)) < calm
    assert points("false_alarm", alarmed("fail_over")) < calm
    assert points("false_alarm", alarmed("fail_over", "serve_cached")) < points(
        "false_alarm", alarmed("fail_over")
    )


def sees_through_it(desk: Desk) -> None:
    """Looks, and calls it a false alarm without having rated it."""
    forgetful(desk)
    if desk.incident:
        desk.false_alarm(by="ana")


def test_a_false_alarm_called_one_before_it_was_rated_loses_nothing() -> None:
    assert (
        points("false_alarm", absent)
        < points("false_alarm", forgetful)
        < points("false_alarm", sees_through_it)
    )
    assert points("false_alarm", sees_through_it) == 100
    [incident] = run_shift(SCENARIOS["false_alarm"], 1, sees_through_it).incidents
    assert lost(score(incident, None)) == {}


def test_an_incident_called_a_false_alarm_before_it_was_rated_is_not_spared() -> None:
    incident, *_ = run_shift(SCENARIO, 1, sees_through_it).incidents
    assert {"severity", "actions", "budget"} <= set(
        lost(score(incident, the_book("provider_outage")[0]))
    )


def test_an_incident_called_a_false_alarm_scores_below_one_that_was_worked() -> None:
    assert points("provider_outage", alarmed()) < points("provider_outage", careful)


def test_what_the_reference_had_and_the_shift_did_not_is_missed_and_scores_nothing() -> None:
    scores = score_shift((), the_book("provider_outage"))
    assert [(name, one.points) for name, one in scores.items()] == [("missed INC-001", 0)]


def test_incidents_are_matched_by_symptom_whatever_their_order() -> None:
    first, second = the_book("two_incidents")
    assert mean_points(score_shift((second, first), (first, second))) == 100


# --- no dimension is gained by doing something more often ----------------------------------------


def earned(result: Score, dimension: str) -> int:
    return next(one.points for one in result.dimensions if one.name == dimension)


def test_acknowledging_again_and_again_gains_nothing() -> None:
    late = journal(Response(acknowledged=35, updates=()))
    first = next(event for event in late.events if event.verb == "acknowledge")
    place = late.events.index(first)
    spam = replace(late, events=(*late.events[:place], *[first] * 20, *late.events[place:]))
    assert earned(score(spam, GOOD), "TTA") == earned(score(late, GOOD), "TTA") < 15


def test_declaring_before_the_alert_gains_nothing_when_its_page_is_left_unanswered() -> None:
    def early(desk: Desk) -> None:
        desk.declare(by="ana")
        desk.acknowledge("ana")

    [incident] = run_shift(SCENARIO, 1, early).incidents
    [tta] = [
        one
        for one in score(incident, the_book("provider_outage")[0]).dimensions
        if one.name == "TTA"
    ]
    assert (tta.points, tta.why) == (0, "A later page was not acknowledged.")


def test_triaging_through_all_severities_counts_for_the_last_one_only() -> None:
    wrong = journal(Response(severity="sev5"))
    triage = next(event for event in wrong.events if event.verb == "triage")
    place = wrong.events.index(triage)
    others = [
        replace(triage, details=(("severity", f"sev{n}"), ("ic", "ana"))) for n in (1, 2, 3, 4, 1)
    ]
    spam = replace(wrong, events=(*wrong.events[:place], *others, *wrong.events[place:]))
    assert earned(score(spam, GOOD), "severity") == earned(score(wrong, GOOD), "severity") == 0


def test_applying_everything_there_is_gains_nothing() -> None:
    spam = score(
        journal(Response(actions=tuple(ALL_MITIGATIONS), failed=12_000, mitigated=60)), GOOD
    )
    assert (earned(spam, "actions"), earned(spam, "budget")) == (0, 0)


def flapping(times: int) -> Callable[[Desk], None]:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        for _ in range(times):
            desk.apply("fail_over")
            desk.advance(3 * MINUTE)
            desk.rollback("fail_over")
            desk.advance(3 * MINUTE)
        for name in MITIGATIONS:
            desk.apply(name)
            desk.advance(3 * MINUTE)
        desk.mitigated(by="ana")

    return responder


def test_applying_and_rolling_back_again_and_again_loses_actions_and_budget() -> None:
    once, often = (
        score(run_shift(SCENARIO, 1, flapping(times)).incidents[0], the_book("provider_outage")[0])
        for times in (0, 3)
    )
    assert earned(once, "actions") == 20
    assert earned(often, "actions") < 10
    assert earned(often, "budget") < earned(once, "budget")


@pytest.mark.parametrize("again", [False, True])
def test_a_needed_mitigation_rolled_back_does_not_earn_full_points(again: bool) -> None:
    def responder(desk: Desk) -> None:
        forgetful(desk)
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.rollback("serve_degraded")
        for name in MITIGATIONS if again else MITIGATIONS[:2]:
            desk.apply(name)
            desk.advance(3 * MINUTE)
        desk.mitigated(by="ana")

    [incident] = run_shift(SCENARIO, 1, responder).incidents
    assert 0 < earned(score(incident, the_book("provider_outage")[0]), "actions") < 20


def test_telling_users_every_minute_gains_nothing_and_tires_them() -> None:
    fine, often, endless = (
        earned(score(journal(Response(updates=tuple(range(24, 24 + count)))), GOOD), "updates")
        for count in (4, 8, 50)
    )
    assert endless < often < 10
    assert fine <= 10
    burst = Response(updates=(45, 45, 45, 45))
    assert earned(score(journal(burst), GOOD), "updates") == 10  # four are not yet too many
    assert lost(score(journal(Response(updates=(45,))), GOOD)) == {
        "updates": 5
    }  # one update counts once


def test_measuring_again_what_was_measured_gains_nothing() -> None:
    measure = next(event for event in GOOD.events if event.verb == "measure")
    worse = journal(Response(failed=30_000))
    padded = replace(worse, events=(worse.events[0], *[measure] * 10, *worse.events[1:]))
    assert earned(score(padded, GOOD), "budget") <= earned(score(worse, GOOD), "budget")


def test_a_postmortem_written_twice_over_gains_nothing() -> None:
    once = journal(Response(postmortem=EMPTY))
    twice = journal(Response(postmortem=lambda incident: EMPTY(incident) * 2))
    assert earned(score(twice, GOOD), "postmortem") <= earned(score(once, GOOD), "postmortem") < 10


def test_automating_everything_there_is_proves_nothing() -> None:
    everything = journal(
        Response(postmortem=lambda incident: good_postmortem(incident, tuple(ALL_MITIGATIONS)))
    )
    assert earned(score(everything, GOOD), "recurrence") == 0


def test_leaving_an_irreversible_action_to_a_machine_proves_nothing() -> None:
    start = replace(GOOD, symptom="poisoned_cache")
    text = good_postmortem(start, ("purge_cache",))
    purged = replace(
        start,
        events=(*start.events[:-1], replace(start.events[-1], details=(("postmortem", text),))),
    )
    [line] = [one for one in score(purged, GOOD).dimensions if one.name == "recurrence"]
    assert (line.points, line.why) == (
        0,
        "purge_cache cannot be undone, so it is never left to a machine.",
    )


def test_an_empty_postmortem_scores_nothing_though_the_journal_fills_half_of_it() -> None:
    def nothing(incident: Incident) -> str:
        return write_postmortem(incident, contributing_factors=[], action_items=[])

    assert lost(score(journal(Response(postmortem=nothing)), GOOD)) == {
        "postmortem": 10,
        "recurrence": 10,
    }


# --- how the reasons read ------------------------------------------------------------------------


def why(result: Score, dimension: str) -> str:
    return next(one.why for one in result.dimensions if one.name == dimension)


def test_a_postmortem_s_gaps_are_named() -> None:
    gaps: Callable[[Incident], str] = lambda incident: SECTIONLESS(incident).replace(  # noqa: E731
        "- The runbook waited for a person.", "Nothing recorded."
    )
    said = why(score(journal(Response(postmortem=gaps)), GOOD), "postmortem")
    assert said == "Sections missing: What went well; without content: What went wrong."
    assert (
        why(score(journal(Response(postmortem=VAGUE)), GOOD), "postmortem")
        == "The lint asks about: 'human error'."
    )


def test_a_sentence_is_no_postmortem_with_every_section() -> None:
    result = score(journal(Response(postmortem=lambda incident: "It broke.")), GOOD)
    assert earned(result, "postmortem") == 0
    assert why(result, "postmortem").startswith("Sections missing: Summary, Impact, ")


def test_what_happened_once_is_told_in_the_singular() -> None:
    false = run_shift(SCENARIOS["false_alarm"], 1, alarmed(updates=1)).incidents[0]
    assert (
        why(score(false, the_book("false_alarm")[0]), "updates")
        == "Users were told once of a false alarm."
    )
    [undone] = run_shift(SCENARIO, 1, flapping(1)).incidents
    assert why(score(undone, GOOD), "actions") == "Needed and taken back: once."
    [undone] = run_shift(SCENARIO, 1, flapping(2)).incidents
    assert why(score(undone, GOOD), "actions") == "Needed and taken back: 2 times."
    brief = replace(GOOD, events=GOOD.events[:1]).measure(99, 100, at=START + HOUR, by="metrics")
    brief = brief.resolve(at=START + HOUR, by="ana", auto_recovered=True)
    assert why(score(brief, GOOD), "budget") == "1 request failed, no more than with the reference."


def test_a_hair_s_breadth_beyond_the_reference_does_not_read_as_nothing() -> None:
    said = why(score(journal(Response(failed=20_001)), GOOD), "budget")
    assert said == "20,001 requests failed, less than 1% more than with the reference."


def test_no_reason_says_what_to_call_or_asks_what_was_meant() -> None:
    [edge] = run_shift(SCENARIOS["silent_edge"], 1, absent).incidents
    said = why(score(edge, the_book("silent_edge")[0]), "recurrence")
    assert said == "No case: there is no runbook, and so nothing to replay."
    [missed] = score_shift((), the_book("provider_outage")).values()
    assert why(missed, "recurrence") == "No case: INC-001 holds no measure that shows the fault."


def test_what_nobody_ended_and_what_cannot_be_undone_earn_nothing_of_the_budget_and_say_why() -> (
    None
):
    never = score(journal(Response(mitigated=None)), GOOD)
    assert (
        why(never, "budget") == "It was never called mitigated, so the budget counts as burning on."
    )
    risky = score(journal(Response(actions=(*MITIGATIONS, "purge_cache"))), GOOD)
    assert why(risky, "budget") == "purge_cache cannot be undone, so what was saved does not count."


# --- what the reference did ----------------------------------------------------------------------


def test_each_dimension_says_what_the_reference_did() -> None:
    late = score(journal(Response(acknowledged=40, updates=())), GOOD)
    assert late.dimensions[0].why.startswith("Acknowledged after 22m;")
    assert late.dimensions[0].reference == "Acknowledged after 3m; up to 5m is prompt."
    assert all(one.reference.endswith(".") for one in late.dimensions)


# --- what an unattended shift's journal holds ----------------------------------------------------


def test_an_unattended_shift_s_journal_holds_all_that_burned() -> None:
    shift = run_shift(SCENARIO, 1, absent)
    [incident] = shift.incidents
    counted = shift.counts.slice(incident.impact_start)
    assert measured(incident) == (sum(counted.good), sum(counted.total))


def closes_at_once(desk: Desk) -> None:
    """Calls it over while it burns, each time it comes back."""
    while desk.advance_until(lambda desk: desk.incident is not None):
        desk.acknowledge("ana")
        desk.triage("sev1", "ana", by="ana")
        desk.update("It works again.", by="ana")
        desk.resolve(by="ana", auto_recovered=True)
        desk.advance(min(2 * HOUR, desk.ends - desk.now))
        finish(desk)


def test_calling_it_over_while_it_burns_brings_it_back_and_scores_below_working_it() -> None:
    incidents = run_shift(SCENARIO, 1, closes_at_once).incidents
    assert len(incidents) > 1
    assert points("provider_outage", closes_at_once) < points("provider_outage", careful)


# --- a real incident, typed in afterwards --------------------------------------------------------


FACTS = Path(__file__).parents[2] / "data" / "public_incidents.csv"


def typed_in(id: str, severity: str = "") -> Incident:
    """A public incident by verbs: what its row says, and nothing that it leaves empty.

    What was told to users is the first post; a severity is given where we decide one ourselves.
    """
    with open(FACTS, newline="", encoding="utf-8") as file:
        [row] = [row for row in csv.DictReader(file) if row["id"] == id]

    def at(name: str) -> datetime:
        return parse_moment(row[name])

    incident = Incident(id, row["impact"], SLO("availability", 0.999), SYMPTOM, at("impact_start"))
    events: list[tuple[datetime, Callable[[Incident, datetime], Incident]]] = [
        (
            at("detected" if row["detected"] else "first_update"),
            lambda one, when: one.detect(None, at=when, by="page"),
        ),
        (
            at("first_update"),
            lambda one, when: one.update("We are investigating.", at=when, by="status page"),
        ),
        (
            at("resolved"),
            lambda one, when: one.resolve(at=when, by="status page", auto_recovered=True),
        ),
    ]
    if row["error_ratio"]:
        good = round(1000 * (1 - float(row["error_ratio"])))
        events.append(
            (at("mitigated"), lambda one, when: one.measure(good, 1000, at=when, by="typed in"))
        )
    if severity:
        took = events[0][0]
        events.append((took, lambda one, when: one.acknowledge(at=when, by="ours")))
        events.append((took, lambda one, when: one.triage(severity, "ours", at=when, by="ours")))
    for when, verb in sorted(events, key=lambda event: event[0]):
        incident = verb(incident, when)
    return incident


PUBLIC = ("openai-2024-12-04-wave2", "github-copilot-review-2025-12-15")


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_incident_typed_in_is_scored_by_the_same_rubric_as_a_drill(name: str) -> None:
    real = typed_in(name)
    for against in (real, GOOD):
        result = score(real, against)
        assert tuple(one.name for one in result.dimensions) == NAMES
        assert 0 <= result.points < 100
        assert {"TTA", "severity", "postmortem", "recurrence"} <= set(
            lost(result)
        )  # nobody published those
    assert 0 <= score(GOOD, real).points <= 100


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_known_of_a_public_incident_earns_its_points_and_nothing_else_moves(
    name: str,
) -> None:
    bare, known = (score(typed_in(name, severity), GOOD) for severity in ("", "sev1"))
    gained = {
        one.name
        for one, more in zip(bare.dimensions, known.dimensions, strict=True)
        if more.points > one.points
    }
    assert gained == {"TTA", "severity"}
    assert earned(known, "updates") > 0  # the first post


@pytest.mark.parametrize("symptom", [SYMPTOM, "sunspots"])
def test_an_incident_with_no_event_or_one_scores_without_an_exception(symptom: str) -> None:
    empty = Incident("INC-9", "x", SLO("availability", 0.99), symptom, START)
    noticed = empty.detect(None, at=START - HOUR, by="bo")
    for one in (
        empty,
        noticed,
        noticed.measure(0, 0, at=START, by="m"),
        noticed.false_alarm(at=START, by="bo"),
    ):
        assert score(one, GOOD).points == 0
        assert score(one, one).points <= 30
        score(GOOD, one)


def test_an_incident_mitigated_the_moment_it_is_detected_can_be_scored() -> None:
    one = Incident("INC-9", "x", SLO("availability", 0.99), SYMPTOM, START).detect(
        None, at=START, by="bo"
    )
    one = one.resolve(at=START, by="bo", auto_recovered=True)
    assert one.metrics().ttm == timedelta()
    assert 0 <= score(one, one).points <= 100


# --- what must not pay ---------------------------------------------------------------------------


def crying_wolf(desk: Desk) -> None:
    """Declares twenty incidents that are none, and does not look at the one that is."""
    for _ in range(20):
        desk.declare(by="ana")
        desk.acknowledge("ana")
        desk.false_alarm(by="ana")


def test_false_alarms_declared_by_hand_do_not_lift_a_shift() -> None:
    scores = score_shift(run_shift(SCENARIO, 1, crying_wolf).incidents, the_book("provider_outage"))
    assert sum(name.startswith("needless ") for name in scores) == 20
    assert mean_points(scores) == scores["INC-021"].points < 20


def test_whoever_calls_for_help_is_there_and_loses_nothing_for_it() -> None:
    def helped(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        desk.acknowledge("ana")
        desk.escalate(by="ana")
        desk.advance(9 * MINUTE)

    [journal] = run_shift(SCENARIO, 1, helped).incidents
    assert why(score(journal, GOOD), "TTA").startswith("Acknowledged after 0s")


def test_an_outage_called_a_false_alarm_is_told_so() -> None:
    def waved_away(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        desk.acknowledge("ana")
        desk.false_alarm(by="ana")

    journal, *_ = run_shift(SCENARIO, 1, waved_away).incidents
    assert why(score(journal, GOOD), "actions") == "It was called a false alarm, and it was none."


def test_what_came_back_is_not_said_to_have_never_been_mitigated() -> None:
    def reopened(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.incident is not None)
        desk.acknowledge("ana")
        desk.triage("sev1", "ana", by="ana")
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.mitigated(by="ana")
        desk.resolve(by="ana")
        desk.reopen(by="ana")

    [journal] = run_shift(SCENARIO, 1, reopened).incidents
    assert why(score(journal, GOOD), "budget").startswith(
        "It came back and was not called mitigated again"
    )
