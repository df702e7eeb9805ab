"""The people of a shift: who is woken, who acts for you, and who says yes."""

from __future__ import annotations

import pytest
from typed_actions import paged, type_at

from oncall.gameday.actions import do
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE, YOU, People
from oncall.mitigations import MITIGATIONS
from oncall.times import MINUTE

SEEDS = range(60)


def at_work(seed: int = 1) -> Desk:
    """A desk with an incident that is acknowledged, with bo and chen up and in their roles."""
    desk = paged(name="provider_fails", seed=seed)
    type_at(desk, "ack", "page bo", "page chen")
    desk.advance(9 * MINUTE)
    type_at(desk, "triage sev1 ana ops=bo comms=chen")
    assert all(desk.people.is_up(who, desk.service.minute) for who in ("bo", "chen"))
    return desk


def minutes_of(desk: Desk, line: str) -> int:
    """The minutes of your own that an action takes."""
    before = desk.now
    type_at(desk, line)
    return (desk.now - before) // MINUTE


def pages_of(desk: Desk) -> list[str]:
    """Who has been paged, but for by the pager."""
    return [one.get("who") for one in desk.current.events_of("page") if one.by != "pager"]


# --- waking them ---------------------------------------------------------------------------------


def test_you_are_up_and_the_others_sleep_until_they_have_answered() -> None:
    people = People(1)
    assert people.is_up(YOU, 0)
    assert not any(people.is_up(who, 600) for who in PEOPLE if who != YOU)
    people.page("bo", 10)
    assert not people.is_up("bo", 10)
    assert people.is_up("bo", people.answers["bo"])


def test_most_answer_within_minutes_and_some_do_not_hear_it() -> None:
    heard = []
    for seed in SEEDS:
        people = People(seed)
        people.page("bo", 100)
        heard.append("bo" in people.answers)
        assert people.answers.get("bo", 101) in range(101, 110)
        people.page("bo", 100)  # at once again wakes nobody
        assert heard[-1] == ("bo" in people.answers)
    assert 0.7 < sum(heard) / len(heard) < 0.97


def test_who_did_not_hear_it_may_hear_it_half_an_hour_later() -> None:
    deaf = []
    for seed in SEEDS:
        people = People(seed)
        people.page("chen", 90)
        if "chen" not in people.answers:
            people.page("chen", 120)
            deaf.append("chen" not in people.answers)
    assert deaf
    assert not all(deaf)


def test_a_second_page_makes_nobody_who_is_up_sleepy_again() -> None:
    people = People(1)
    people.page("bo", 10)
    answered = people.answers["bo"]
    people.page("bo", answered + 40)
    assert people.answers["bo"] == answered


def test_roles_page_whoever_is_asleep_and_not_who_is_up() -> None:
    desk = paged(name="provider_fails")
    type_at(desk, "ack", "triage sev1 ana ops=bo comms=chen scribe=ana")
    assert pages_of(desk) == ["bo", "chen"]
    up = at_work()
    assert pages_of(up) == ["bo", "chen"]  # they were paged by name, and by their role no more


def test_only_people_that_there_are_can_be_paged() -> None:
    desk = paged(name="provider_fails")
    with pytest.raises(ValueError, match="page one of ana, bo, chen, dana, eli, given 'zoe'"):
        do(desk, "page", "zoe")
    assert do(desk, "page", "eli") == "paged eli"
    assert "eli" in desk.people.woken


def test_a_call_for_help_wakes_the_next_on_the_ladder_who_then_gets_up() -> None:
    desk = paged(name="provider_fails")
    type_at(desk, "ack", "escalate")
    desk.advance(9 * MINUTE)
    assert desk.people.is_up("bo", desk.service.minute)


# --- who acts for you ----------------------------------------------------------------------------


def test_ops_acts_and_comms_writes_for_you_one_thing_after_the_other() -> None:
    desk = at_work()
    told = "update investigating We are looking into it."
    assert minutes_of(desk, told) == 0
    assert minutes_of(desk, "apply fail_over south") == 0
    assert minutes_of(desk, "apply serve_cached") == 1  # bo is busy with the first
    assert minutes_of(desk, told) == 2  # a minute of three has passed
    assert minutes_of(desk, told) == 3
    desk.advance(5 * MINUTE)
    assert minutes_of(desk, told) == 0
    assert desk.current.events_of("update")[-1].by == "chen"


def test_without_roles_you_do_all_yourself_and_it_takes_your_minutes() -> None:
    desk = paged(name="provider_fails")
    type_at(desk, "ack", "triage sev1")
    assert minutes_of(desk, "update investigating We are looking into it.") == 3
    assert minutes_of(desk, "apply fail_over south") == 1
    assert minutes_of(desk, "apply serve_degraded") == 2  # of medium risk
    assert minutes_of(desk, "look errors by region") == 2


def test_whoever_is_asleep_does_nothing_for_you() -> None:
    desk = paged(name="provider_fails")
    type_at(desk, "ack", "triage sev1 ana ops=eli")
    assert not desk.people.is_up("eli", desk.service.minute)
    assert minutes_of(desk, "apply fail_over south") == 1


def test_roles_outlast_a_handover() -> None:
    desk = at_work()
    type_at(desk, "handover eli")
    assert minutes_of(desk, "apply fail_over south") == 0
    assert minutes_of(desk, "update investigating We are looking into it.") == 0
    assert desk.current.events_of("triage")[-1].get("ic") == "eli"


# --- who says yes --------------------------------------------------------------------------------


def test_an_approval_comes_minutes_after_it_was_asked_for() -> None:
    waits = set()
    for seed in range(12):
        desk = paged(name="gpu_capacity", seed=seed)
        type_at(desk, "ack", "triage sev2", "ask add_replicas")
        asked = desk.now
        assert not desk.current.events_of("approval")
        desk.advance(10 * MINUTE)
        [answer] = desk.current.events_of("approval")
        assert (answer.by, answer.get("mitigation")) == ("eli", "add_replicas")
        assert answer.get("granted")
        waits.add((answer.at - asked) // MINUTE)
        assert "nobody has approved" not in do(desk, "apply", "add_replicas")
    assert min(waits) >= 2
    assert max(waits) <= 10
    assert len(waits) > 3


def test_what_was_not_approved_can_be_applied_and_the_answer_says_so() -> None:
    desk = paged(name="gpu_capacity")
    type_at(desk, "ack", "triage sev2")
    assert "nobody has approved it" in do(desk, "apply", "add_replicas")
    assert "nobody has approved it" not in do(desk, "apply", "shed_low_priority")


def test_what_cannot_be_undone_is_not_approved() -> None:
    desk = paged(name="poisoned_cache")
    type_at(desk, "ack", "triage sev1", "ask purge_cache")
    desk.advance(10 * MINUTE)
    [answer] = desk.current.events_of("approval")
    assert not answer.get("granted")
    assert "nobody has approved it" in do(desk, "apply", "purge_cache")
    assert not any(People(1).approves(n) for n, m in MITIGATIONS.items() if not m.reversible)


def test_to_relax_a_rule_of_the_guardrail_is_to_be_asked_for() -> None:
    desk = paged(name="guardrail_false_positives")
    kinds = {one.id: one.kind for one in desk.service.world.changes}
    for change, kind in kinds.items():
        assert desk.needs_approval("undo_change", change) == (kind == "rule")
    assert "rule" in kinds.values()


def test_to_ask_about_nothing_is_refused_and_takes_no_time() -> None:
    desk = paged(name="gpu_capacity")
    do(desk, "ack")
    before = desk.now
    for line, why in (("ask tea", "unknown mitigation"), ("ask drain_region moon", "its region")):
        with pytest.raises(ValueError, match=why):
            type_at(desk, line)
    assert desk.now == before


# --- security ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_security_answers_within_minutes_whenever_it_is_called(seed: int) -> None:
    desk = paged(name="prompt_injection", seed=seed)
    do(desk, "ack")
    assert do(desk, "secure", "call") == "security is called"
    assert pages_of(desk) == ["dana"]
    desk.advance(4 * MINUTE)
    assert desk.people.is_up("dana", desk.service.minute)


def test_what_security_demands_is_written_down_and_takes_a_minute() -> None:
    desk = paged(name="prompt_injection")
    do(desk, "ack")
    taken = [minutes_of(desk, f"secure {step}") for step in ("call", "restrict", "preserve")]
    assert taken == [0, 1, 1]
    assert [one.get("step") for one in desk.current.events_of("secure")] == [
        "call", "restrict", "preserve",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="secure one of restrict, preserve, call"):
        do(desk, "secure", "delete")
