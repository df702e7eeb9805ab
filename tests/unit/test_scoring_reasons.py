"""The score: how the reason of each dimension reads."""

from __future__ import annotations

from dataclasses import replace

from played_shifts import (
    FIXES,
    SCENARIO,
    absent,
    forgetful,
    incident_of,
    reference_shift,
    start_work,
)
from scored_responses import (
    GOOD,
    START,
    Response,
    alarmed,
    earned,
    flaps,
    good_postmortem,
    journal,
    reworded,
    waves_away,
    why,
)

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.scoring import score, score_shift
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.times import HOUR, MINUTE

# --- the response --------------------------------------------------------------------------------


def test_whoever_calls_for_help_is_there_and_loses_nothing_for_it() -> None:
    def helped(desk: Desk) -> None:
        forgetful(desk)
        desk.escalate(by="ana")
        desk.advance(9 * MINUTE)

    assert why(score(incident_of(helped), GOOD), "TTA").startswith("Acknowledged after 0s")


def test_an_outage_called_a_false_alarm_is_told_so() -> None:
    incident, *_ = run_shift(SCENARIO, 1, waves_away).incidents
    assert why(score(incident, GOOD), "actions") == "It was called a false alarm, and it was none."


def test_what_happened_once_is_told_in_the_singular() -> None:
    [alarm] = run_shift(SCENARIOS["false_alarm"], 1, alarmed(updates=1)).incidents
    [called] = reference_shift("false_alarm").incidents
    assert why(score(alarm, called), "updates") == "Users were told once of a false alarm."
    once, twice = score(incident_of(flaps(1)), GOOD), score(incident_of(flaps(2)), GOOD)
    assert why(once, "actions") == "Needed and taken back: once."
    assert why(twice, "actions") == "Needed and taken back: 2 times."
    brief = replace(GOOD, events=GOOD.events[:1]).measure(99, 100, at=START + HOUR, by="metrics")
    brief = brief.resolve(at=START + HOUR, by="ana", auto_recovered=True)
    assert why(score(brief, GOOD), "budget") == "1 request failed, no more than with the reference."


# --- the budget ----------------------------------------------------------------------------------


def test_a_hair_s_breadth_beyond_the_reference_does_not_read_as_nothing() -> None:
    reason = why(score(journal(Response(failed=20_001)), GOOD), "budget")
    assert reason == "20,001 requests failed, less than 1% more than with the reference."


def test_what_nobody_ended_and_what_cannot_be_undone_earn_no_budget_points_and_say_why() -> None:
    never = score(journal(Response(mitigated=None)), GOOD)
    burning = "It was never called mitigated, so the budget counts as burning on."
    assert why(never, "budget") == burning
    risky = score(journal(Response(actions=(*FIXES, "purge_cache"))), GOOD)
    assert why(risky, "budget") == "purge_cache cannot be undone, so what was saved does not count."


def test_what_came_back_is_not_said_to_have_never_been_mitigated() -> None:
    def reopened(desk: Desk) -> None:
        start_work(desk)
        desk.apply("serve_degraded")
        desk.advance(5 * MINUTE)
        desk.mitigated(by="ana")
        desk.resolve(by="ana")
        desk.reopen(by="ana")

    reason = why(score(incident_of(reopened), GOOD), "budget")
    assert reason.startswith("It came back and was not called mitigated again")


# --- learning from it ----------------------------------------------------------------------------


def test_a_postmortem_s_gaps_are_named() -> None:
    def with_gaps(incident: Incident) -> str:
        text = good_postmortem(incident)
        section = "## What went well\n\n- The first person paged answered.\n\n"
        entry = "- The runbook waited for a person."
        assert section in text
        assert entry in text
        return text.replace(section, "").replace(entry, "Nothing recorded.")

    reason = why(score(journal(Response(postmortem=with_gaps)), GOOD), "postmortem")
    assert reason == "Sections missing: What went well; without content: What went wrong."
    blaming = reworded("All requests go to one provider.", "It was human error.")
    reason = why(score(journal(Response(postmortem=blaming)), GOOD), "postmortem")
    assert reason == "The lint asks about: 'human error'."


def test_a_sentence_is_no_postmortem_with_every_section() -> None:
    result = score(journal(Response(postmortem=lambda incident: "It broke.")), GOOD)
    assert earned(result, "postmortem") == 0
    assert why(result, "postmortem").startswith("Sections missing: Summary, Impact, ")


def test_no_reason_says_what_to_call_or_asks_what_was_meant() -> None:
    [edge] = run_shift(SCENARIOS["silent_edge"], 1, absent).incidents
    [worked] = reference_shift("silent_edge").incidents
    reason = why(score(edge, worked), "recurrence")
    assert reason == "No case: there is no runbook, and so nothing to replay."
    [missed] = score_shift((), reference_shift("provider_outage").incidents).values()
    none = "No case: INC-001 holds no measure that shows the fault in five requests or more."
    assert why(missed, "recurrence") == none
