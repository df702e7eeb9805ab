"""The score: seven dimensions, each losing points for its own fault and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from played_shifts import FIXES, verbs
from scored_responses import (
    GOOD,
    NAMES,
    Response,
    dimension,
    earned,
    good_postmortem,
    journal,
    lost,
    reworded,
)

from oncall.gameday.scoring import score
from oncall.incident import Incident

# --- the whole -----------------------------------------------------------------------------------


def test_a_response_held_against_itself_scores_100() -> None:
    result = score(GOOD, GOOD)
    assert result.points == 100
    assert lost(result) == {}


def test_the_seven_dimensions_are_worth_100_points_and_say_why_in_a_sentence() -> None:
    nothing_done = journal(Response(mitigated=None, actions=()))
    for result in (score(GOOD, GOOD), score(nothing_done, GOOD)):
        assert tuple(line.name for line in result.dimensions) == NAMES
        assert sum(line.most for line in result.dimensions) == 100
        for line in result.dimensions:
            why = line.why
            assert 0 <= line.points <= line.most
            assert why[0].isupper() or why[0].isdigit() or why.startswith("sev")
            assert why.endswith(".")
            assert "\n" not in why


def test_a_score_reads_as_one_line_per_dimension_and_its_sum() -> None:
    lines = str(score(GOOD, GOOD)).splitlines()
    assert [line.split()[0] for line in lines] == [*NAMES, "score"]
    assert lines[-1].split() == ["score", "100", "of", "100"]


def test_a_score_is_a_function_of_the_two_journals() -> None:
    other = journal(Response(acknowledged=40))
    assert score(other, GOOD) == score(other, GOOD)


def test_each_dimension_says_what_the_reference_did() -> None:
    late = score(journal(Response(acknowledged=40, updates=())), GOOD)
    assert late.dimensions[0].why.startswith("Acknowledged after 22m;")
    assert late.dimensions[0].reference == "Acknowledged after 3m; up to 5m is prompt."
    assert all(line.reference.endswith(".") for line in late.dimensions)


# --- each dimension by itself --------------------------------------------------------------------


def unfixed(incident: Incident) -> str:
    """A good postmortem that leaves the last mitigation to a person."""
    return good_postmortem(incident, FIXES[:2])


BLAMING = reworded("All requests go to one provider.", "It was human error.")
SECTIONLESS = reworded("## What went well\n\n- The first person paged answered.\n\n", "")
EMPTY = reworded("- The first person paged answered.", "Nothing recorded.")
FAULTS = {
    "a late acknowledgement": (Response(acknowledged=33, updates=(35, 46)), "TTA"),
    "a severity too low": (Response(severity="sev2"), "severity"),
    "no update at all": (Response(updates=()), "updates"),
    "no update after the end": (Response(updates=(24,)), "updates"),
    "no update before the end": (Response(updates=(46,)), "updates"),
    "more budget spent": (Response(failed=24_000), "budget"),
    "a blaming postmortem": (Response(postmortem=BLAMING), "postmortem"),
    "a section missing": (Response(postmortem=SECTIONLESS), "postmortem"),
    "a section left empty": (Response(postmortem=EMPTY), "postmortem"),
    "an automation forgotten": (Response(postmortem=unfixed), "recurrence"),
    "something unneeded done": (Response(actions=(*FIXES, "restart everything")), "actions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_points_on_its_own_dimension_and_no_other(fault: str) -> None:
    response, costs = FAULTS[fault]
    assert set(lost(score(journal(response), GOOD))) == {costs}


@pytest.mark.parametrize(("minute", "points"), [(18, 15), (23, 15), (35.5, 8), (48, 0), (120, 0)])
def test_an_ack_within_five_minutes_is_prompt_and_25_later_is_worth_nothing(
    minute: float, points: int
) -> None:
    late = journal(Response(acknowledged=minute, updates=(), mitigated=180))
    assert earned(score(late, GOOD), "TTA") == points


@pytest.mark.parametrize("minutes", [30, 45, 300])
def test_an_ack_as_late_as_the_reference_s_is_in_time(minutes: float) -> None:
    slow = journal(Response(acknowledged=18 + minutes, updates=(), mitigated=500))
    slower = journal(Response(acknowledged=18 + minutes + 30, updates=(), mitigated=500))
    assert "TTA" not in lost(score(slow, slow))
    assert lost(score(slower, slow))["TTA"] == 15


def test_a_severity_too_high_costs_less_than_one_too_low() -> None:
    milder = journal(Response(severity="sev2"))
    high, low = lost(score(GOOD, milder)), lost(score(milder, GOOD))
    assert 0 < high["severity"] < low["severity"]


def test_the_last_severity_decided_is_the_one() -> None:
    index = verbs(GOOD).index("triage")
    before, rest = GOOD.events[:index], GOOD.events[index:]
    lower = replace(GOOD, events=before).triage("sev4", "ana", at=before[-1].at, by="ana")
    again = replace(lower, events=(*lower.events, *rest))
    assert lost(score(again, GOOD)) == {}


def test_each_unneeded_action_costs_and_an_irreversible_one_costs_more() -> None:
    def cost(*unneeded: str) -> int:
        return lost(score(journal(Response(actions=(*FIXES, *unneeded))), GOOD))["actions"]

    assert 0 < cost("x") < cost("x", "y") < cost("purge_cache")


def test_an_unneeded_irreversible_action_after_the_safe_path_costs_its_budget_points_too() -> None:
    risky = journal(Response(actions=(*FIXES, "purge_cache")))
    assert set(lost(score(risky, GOOD))) == {"actions", "budget"}


def test_doing_a_needed_thing_twice_is_no_unneeded_thing() -> None:
    twice = journal(Response(actions=(*FIXES, "fail_over")))
    assert lost(score(twice, GOOD)) == {}


def test_less_budget_spent_than_the_reference_is_worth_no_more_than_all_points() -> None:
    assert score(journal(Response(failed=9000)), GOOD).points == 100


def test_twice_the_reference_s_budget_earns_nothing_for_it() -> None:
    assert lost(score(journal(Response(failed=40_000)), GOOD)) == {"budget": 20}


def test_an_update_is_due_in_every_half_hour_until_it_is_mitigated() -> None:
    long = Response(updates=(24, 50, 80, 110, 140), mitigated=138)
    assert "updates" not in lost(score(journal(long), GOOD))
    for left_out in long.updates:
        others = tuple(minute for minute in long.updates if minute != left_out)
        fewer = journal(replace(long, updates=others))
        assert "updates" in lost(score(fewer, GOOD)), left_out


# --- the postmortem ------------------------------------------------------------------------------

NOTHING_LEARNT = {"postmortem": 10, "recurrence": 10}


def test_without_a_postmortem_there_is_nothing_for_it_and_nothing_for_recurrence() -> None:
    unwritten = replace(GOOD, events=GOOD.events[:-1])
    assert unwritten.postmortem is None
    assert lost(score(unwritten, GOOD)) == NOTHING_LEARNT


def test_a_postmortem_without_any_section_scores_nothing_either() -> None:
    bare = journal(Response(postmortem=lambda incident: "# Postmortem\n\nIt broke.\n"))
    assert lost(score(bare, GOOD)) == NOTHING_LEARNT


def test_a_note_that_quotes_an_empty_section_is_no_empty_section() -> None:
    quoting = reworded("- 18:12:00 impact began", "- 18:12:00 bo: Nothing recorded.")
    assert lost(score(journal(Response(postmortem=quoting)), GOOD)) == {}


def test_leaving_an_irreversible_action_to_a_machine_proves_nothing() -> None:
    poisoned = replace(GOOD, symptom="poisoned_cache")
    text = good_postmortem(poisoned, ("purge_cache",))
    close = replace(GOOD.events[-1], details=(("postmortem", text),))
    purged = replace(poisoned, events=(*GOOD.events[:-1], close))
    recurrence = dimension(score(purged, GOOD), "recurrence")
    assert recurrence.points == 0
    assert recurrence.why == "purge_cache cannot be undone, so it is never left to a machine."
