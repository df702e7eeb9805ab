"""The ladder: a table of what is paged when, properties of any ladder, and what the lint says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.escalation import (
    Escalation,
    EscalationPolicy,
    Page,
    Step,
    Target,
    escalate,
    lint_escalation,
)
from oncall.findings import Finding
from oncall.rotation import Restriction, Rotation, Schedule, Shift
from oncall.slo import SLO
from oncall.times import MINUTE

T0 = datetime(2025, 1, 6, 9, tzinfo=UTC)
ROTATIONS: dict[str, Any] = {
    "R": Rotation(("X", "Y"), time(9, 5), "UTC", date(2025, 1, 5)),  # X until minute 5, then Y
    "L": Rotation(("L",), time(9, 7), "UTC", date(2025, 1, 6)),  # nobody until minute 7, then L
    "H": Rotation(  # H from minute 3 until minute 6, and nobody else
        ("H",),
        time(0),
        "UTC",
        date(2025, 1, 5),
        1,
        (Restriction(start=time(9, 3), end=time(9, 6)),),
    ),
}
ROTATIONS["S"] = Schedule((Rotation(("N",), time(0), "UTC", date(2025, 1, 5)), ROTATIONS["H"]))


# --- the notation of the table -------------------------------------------------------------------


def ladder(text: str, **options: Any) -> EscalationPolicy:
    """The policy of a text: "A+B/5 -/10" is A and B, 5 minutes, then an empty step, 10 minutes."""

    def step(part: str) -> Step:
        names, delay = part.split("/")
        targets = [ROTATIONS.get(name, name) for name in names.split("+") if name != "-"]
        return Step(tuple(targets), int(delay) * MINUTE)

    return EscalationPolicy(tuple(map(step, text.split())), **options)


def climb(text: str, row: str = "") -> Escalation:
    """Run a row of options (repeat=1 wait timeout=30) and events (ack@4 forced@20 resolved@7)."""
    options: dict[str, Any] = {}
    events: dict[str, list[datetime]] = {"ack": [], "forced": [], "resolved": []}
    for word in row.split():
        event, _, minute = word.partition("@")
        option, _, number = word.partition("=")
        if event in events:
            events[event].append(T0 + int(minute) * MINUTE)
        elif option == "repeat":
            options["repeat"] = int(number)
        elif option == "timeout":
            options["ack_timeout"] = int(number) * MINUTE
        else:
            options["empty"] = word
    return escalate(
        ladder(text, **options),
        T0,
        acks=events["ack"],
        forced=events["forced"],
        resolved_at=events["resolved"][0] if events["resolved"] else None,
    )


def shown(run: Escalation) -> str:
    """The pages and the outcome, each with its minute."""
    moments = [(page.who, page.at) for page in run.pages] + [(run.outcome, run.ended_at)]
    return " ".join(f"{what}{(at - T0) // MINUTE}" for what, at in moments)


P = "A/5 B/10 C/15"
TABLE = [
    # nobody answers
    (P, "", "A0 B5 C15 exhausted30"),
    (P, "repeat=1", "A0 B5 C15 A30 B35 C45 exhausted60"),
    ("A/0 B/0", "repeat=1", "A0 B0 A0 B0 exhausted0"),
    # an ack by anyone stops it, and wins a tie; the first one counts
    (P, "ack@4", "A0 acknowledged4"),
    (P, "ack@5", "A0 acknowledged5"),
    (P, "ack@7", "A0 B5 acknowledged7"),
    (P, "ack@0", "acknowledged0"),
    (P, "ack@7 ack@4", "A0 acknowledged4"),
    (P, "ack@30", "A0 B5 C15 acknowledged30"),
    (P, "ack@45 ack@50", "A0 B5 C15 acknowledged45"),
    (P, "repeat=1 ack@33", "A0 B5 C15 A30 acknowledged33"),
    # resolved is final and comes first
    (P, "resolved@0", "resolved0"),
    (P, "resolved@5", "A0 resolved5"),
    (P, "resolved@4 ack@4 forced@4", "A0 resolved4"),
    (P, "resolved@4 ack@7 forced@9", "A0 resolved4"),
    (P, "ack@4 resolved@20", "A0 resolved20"),
    (P, "resolved@40", "A0 B5 C15 resolved40"),
    # forced pages the next step at once, and wraps even at repeat 0
    (P, "ack@4 forced@20", "A0 B20 C30 exhausted45"),
    (P, "ack@4 forced@4", "A0 B4 C14 exhausted29"),
    (P, "ack@4 forced@20 ack@22", "A0 B20 acknowledged22"),
    (P, "ack@0 forced@20", "A20 B25 C35 exhausted50"),
    (P, "forced@3", "A0 B3 C13 exhausted28"),
    (P, "forced@0", "A0 B5 C15 exhausted30"),
    (P, "forced@5", "A0 B5 C15 exhausted30"),
    (P, "forced@3 forced@3", "A0 B3 C13 exhausted28"),
    (P, "forced@3 forced@4", "A0 B3 C4 exhausted19"),
    (P, "forced@20", "A0 B5 C15 A20 B25 C35 exhausted50"),
    (P, "forced@30", "A0 B5 C15 A30 B35 C45 exhausted60"),
    (P, "forced@40", "A0 B5 C15 A40 B45 C55 exhausted70"),
    (P, "ack@45 forced@50", "A0 B5 C15 A50 B55 C65 exhausted80"),
    (P, "repeat=1 forced@20", "A0 B5 C15 A20 B25 C35 exhausted50"),
    (P, "repeat=1 forced@50", "A0 B5 C15 A30 B35 C45 A50 B55 C65 exhausted80"),
    ("A/5", "forced@3", "A0 A3 exhausted8"),
    # acknowledged, then forgotten: from the first step again, until resolved
    (P, "timeout=30 ack@4", "A0 A34 B39 C49 exhausted64"),
    (P, "timeout=30 ack@4 resolved@20", "A0 resolved20"),
    (P, "timeout=30 ack@4 resolved@34", "A0 resolved34"),
    (P, "timeout=30 ack@4 ack@20", "A0 A50 B55 C65 exhausted80"),
    (P, "timeout=30 ack@4 ack@34", "A0 A64 B69 C79 exhausted94"),
    (P, "timeout=30 ack@4 ack@36", "A0 A34 A66 B71 C81 exhausted96"),
    (P, "timeout=30 ack@4 forced@20", "A0 B20 C30 exhausted45"),
    (P, "timeout=30 ack@40", "A0 B5 C15 A70 B75 C85 exhausted100"),
    (P, "timeout=10 repeat=1 ack@31", "A0 B5 C15 A30 A41 B46 C56 A71 B76 C86 exhausted101"),
    (P, "timeout=10 forced@20 ack@26", "A0 B5 C15 A20 B25 A36 B41 C51 exhausted66"),
    # an empty step is skipped at once, or waits; forced never stops at one
    ("A/5 -/10 C/15", "", "A0 C5 exhausted20"),
    ("A/5 -/10 C/15", "wait", "A0 C15 exhausted30"),
    ("-/5 B/10", "", "B0 exhausted10"),
    ("-/5 B/10", "wait", "B5 exhausted15"),
    ("-/5 B/10", "wait ack@3", "acknowledged3"),
    ("A/5 -/10", "repeat=1", "A0 A5 exhausted10"),
    ("A/5 -/10", "repeat=1 wait", "A0 A15 exhausted30"),
    ("A/5 -/10 C/15", "forced@3", "A0 C3 exhausted18"),
    ("A/5 -/10 C/15", "wait forced@3", "A0 C3 exhausted18"),
    ("A/5 -/10 C/15", "wait forced@7", "A0 C7 exhausted22"),
    ("A/5 B/10 -/15", "ack@7 forced@20", "A0 B5 A20 B25 exhausted35"),
    # nobody on any step
    ("-/5 -/10", "repeat=3", "nobody_on_call0"),
    ("-/5 -/10", "repeat=3 wait", "nobody_on_call0"),
    ("-/5 -/10", "forced@4", "nobody_on_call0"),
    ("-/5 -/10", "ack@4", "acknowledged4"),
    ("-/5 -/10", "ack@4 forced@9", "acknowledged4"),
    ("-/5 -/10", "resolved@4", "resolved4"),
    ("-/5 -/10", "timeout=30 ack@4", "nobody_on_call34"),
    # a person is paged once a step
    ("A+B+A/5 A/5", "", "A0 B0 A5 exhausted10"),
    ("X+R/5", "", "X0 exhausted5"),
    # who is on call is asked when the step fires; the handoff's very minute is the incomer's
    ("A/4 R/5", "", "A0 X4 exhausted9"),
    ("A/5 R/5", "", "A0 Y5 exhausted10"),
    ("R/5", "repeat=1", "X0 Y5 exhausted10"),
    ("A/5 L/5", "repeat=1", "A0 A5 L10 exhausted15"),
    ("L/5", "", "nobody_on_call0"),
    ("L/5", "forced@9", "L9 exhausted14"),
    ("L/5", "timeout=5 ack@4", "L9 exhausted14"),
    ("L/5", "wait repeat=1", "nobody_on_call0"),
    ("-/8 L/5", "wait", "L8 exhausted13"),
    ("-/8 L/5", "wait forced@2", "L8 exhausted13"),
    # restricted hours are asked in the same way, and so are the layers of a schedule
    ("A/4 H/5", "", "A0 H4 exhausted9"),
    ("A/2 H/4 H/5", "wait", "A0 exhausted11"),
    ("H/5", "", "nobody_on_call0"),
    ("H/4 -/1 H/5", "wait", "H5 exhausted10"),
    ("S/4 S/2 S/5", "", "N0 H4 N6 exhausted11"),
    ("S+H/4 S+H/2", "", "N0 H4 exhausted6"),
]


@pytest.mark.parametrize(("policy", "row", "expected"), TABLE)
def test_the_ladder_pages_as_the_table_says(policy: str, row: str, expected: str) -> None:
    assert shown(climb(policy, row)) == expected


def test_a_page_says_its_step_and_loop_counted_from_nought() -> None:
    pages = climb("A/5 -/10 C/15", "repeat=1 forced@40").pages
    assert pages[1] == Page("C", T0 + 5 * MINUTE, 2, 0)
    assert [page.step for page in pages] == [0, 2, 0, 2, 0, 2]
    assert [page.loop for page in pages] == [0, 0, 1, 1, 2, 2]


def test_moments_in_any_zone_come_out_in_utc() -> None:
    tokyo = T0.astimezone(datetime.fromisoformat("2025-01-06T18:00+09:00").tzinfo)
    run = escalate(ladder(P), tokyo, acks=[tokyo + 7 * MINUTE])
    assert run == climb(P, "ack@7")
    assert {page.at.tzinfo for page in run.pages} | {run.ended_at.tzinfo} == {UTC}


# --- properties of any ladder --------------------------------------------------------------------

MINUTES = st.lists(st.integers(0, 90), max_size=4)
TARGETS = st.lists(st.sampled_from([*"AABC", *ROTATIONS.values()]), max_size=3)
DELAYS = st.integers(0, 12).map(MINUTE.__mul__)
STEPS = st.lists(st.builds(Step, TARGETS, DELAYS), min_size=1, max_size=4)
EMPTY = st.sampled_from(["skip", "wait"])
TIMEOUTS = st.none() | st.integers(1, 40).map(MINUTE.__mul__)
POLICIES = st.builds(EscalationPolicy, STEPS, st.integers(0, 3), EMPTY, TIMEOUTS)


def run(
    policy: EscalationPolicy, acks: list[int], forced: list[int], resolved: int | None
) -> Escalation:
    def moments(minutes: list[int]) -> list[datetime]:
        return [T0 + minute * MINUTE for minute in minutes]

    resolved_at = None if resolved is None else T0 + resolved * MINUTE
    return escalate(policy, T0, acks=moments(acks), forced=moments(forced), resolved_at=resolved_at)


@examples(300)
@given(POLICIES, MINUTES, MINUTES, st.none() | st.integers(0, 90))
def test_any_ladder_ends_and_pages_in_order_and_nobody_twice_a_step(
    policy: EscalationPolicy, acks: list[int], forced: list[int], resolved: int | None
) -> None:
    result = run(policy, acks, forced, resolved)
    moments = [page.at for page in result.pages]
    assert moments == sorted(moments)
    assert len(set(result.pages)) == len(result.pages)
    assert result.outcome in ("acknowledged", "resolved", "exhausted", "nobody_on_call")
    assert (result.outcome == "resolved") == (resolved is not None)
    assert all(moment <= result.ended_at for moment in moments)


@examples(300)
@given(POLICIES, MINUTES, MINUTES, st.none() | st.integers(0, 90))
def test_nobody_is_paged_between_an_answer_and_what_starts_the_ladder_again(
    policy: EscalationPolicy, acks: list[int], forced: list[int], resolved: int | None
) -> None:
    result = run(policy, acks, forced, resolved)
    assert resolved is None or all(page.at < result.ended_at for page in result.pages)
    for ack in acks:
        answered = T0 + ack * MINUTE
        wakes = [T0 + minute * MINUTE for minute in forced if minute >= ack]
        wakes += [answered + policy.ack_timeout] if policy.ack_timeout else []
        quiet_until = min(wakes, default=datetime.max.replace(tzinfo=UTC))
        assert not any(answered <= page.at < quiet_until for page in result.pages)


@examples(200)
@given(POLICIES, MINUTES, MINUTES, st.integers(0, 90), st.integers(0, 90))
def test_the_future_changes_no_page_of_the_past(
    policy: EscalationPolicy, acks: list[int], forced: list[int], resolved: int, now: int
) -> None:
    def paged(escalation: Escalation) -> list[Page]:
        return [page for page in escalation.pages if page.at < T0 + now * MINUTE]

    known_acks = [minute for minute in acks if minute < now]
    known_forced = [minute for minute in forced if minute < now]
    known_resolved = resolved if resolved < now else None
    known = run(policy, known_acks, known_forced, known_resolved)
    assert paged(run(policy, acks, forced, resolved)) == paged(known)


# --- bad input -----------------------------------------------------------------------------------

BAD_STEPS = [
    ("ana", MINUTE, "given 'ana'; give ('ana',)"),
    (ROTATIONS["R"], MINUTE, "a tuple of names or Rotations, given Rotation("),
    (None, MINUTE, "a tuple of names or Rotations, given None; give ('ana',)"),
    (5, MINUTE, "a tuple of names or Rotations, given 5"),
    (b"ana", MINUTE, "a tuple of names or Rotations, given b'ana'"),
    (("ana", ""), MINUTE, "given ('ana', '')"),
    ((7,), MINUTE, "given (7,)"),
    (("ana",), 5, "given 5; give e.g. 5 * MINUTE"),
    (("ana",), -MINUTE, "a timedelta of zero or more"),
]


@pytest.mark.parametrize(("targets", "delay", "message"), BAD_STEPS)
def test_a_bad_step_says_what_to_give(targets: Any, delay: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Step(targets, delay)


BAD_POLICIES = [
    ({"steps": ()}, "one or more Steps, given ()"),
    ({"steps": Step(("ana",), MINUTE)}, "one or more Steps"),
    ({"steps": ("ana",)}, "one or more Steps"),
    ({"steps": None}, "one or more Steps, given None; give (Step(('ana',), delay),)"),
    ({"steps": "ana"}, "one or more Steps, given 'ana'"),
    ({"repeat": -1}, "whole number from 0, given -1"),
    ({"repeat": True}, "given True"),
    ({"empty": "drop"}, "'skip' or 'wait', given 'drop'"),
    ({"ack_timeout": 30}, "above zero, given 30"),
    ({"ack_timeout": 0 * MINUTE}, "above zero, given datetime.timedelta(0)"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD_POLICIES)
def test_a_bad_policy_says_what_to_give(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        EscalationPolicy(**{"steps": (Step(("ana",), MINUTE),), **wrong})


BAD_MOMENTS = [
    ({"triggered_at": datetime(2025, 1, 6)}, "triggered_at 2025-01-06T00:00:00 has no time zone"),
    ({"acks": [T0.replace(tzinfo=None)]}, "acks 2025-01-06T09:00:00 has no time zone"),
    ({"acks": [T0 - MINUTE]}, "before triggered_at; give 2025-01-06T09:00:00Z or later"),
    ({"acks": [T0 - MINUTE]}, "2025-01-06T08:59:00Z is before triggered_at"),
    ({"forced": [T0 - MINUTE]}, "2025-01-06T08:59:00Z is before triggered_at"),
    ({"resolved_at": T0 - MINUTE}, "2025-01-06T08:59:00Z is before triggered_at"),
    ({"acks": [4]}, "acks must be a datetime, given 4"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD_MOMENTS)
def test_a_bad_moment_says_what_to_give(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        escalate(ladder(P), **{"triggered_at": T0, **wrong})


# --- the lint ------------------------------------------------------------------------------------


def found(policy: EscalationPolicy, **options: Any) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in lint_escalation(policy, **options)]


WEEKS = Rotation(("ana", "ben", "cho"), time(9), "America/Chicago", date(2020, 1, 6), 7)
SHIFTED = replace(WEEKS, members=("ben", "cho", "ana"))
MONDAYS_AT_NIGHT = replace(WEEKS, handoff=time(2, 30))  # DST begins on a Sunday
NIGHTS = replace(WEEKS, handoff=time(2, 30), every=1)


OFFICE = replace(WEEKS, restrictions=(Restriction(("mon", "tue"), time(9), time(17)),))
SHORT = replace(WEEKS, restrictions=(Restriction(start=time(0, 1)),))  # not from 00:00 to 00:01
FILLED = Schedule((replace(WEEKS, members=("dee",)), OFFICE))
GONE = replace(FILLED.layers[0], start=date(2020, 3, 2))


def steps(*targets: Target | tuple[Target, ...]) -> EscalationPolicy:
    """A ladder of steps of five minutes, each with a target or several."""
    tuples = [target if isinstance(target, tuple) else (target,) for target in targets]
    return EscalationPolicy(tuple(Step(group, 5 * MINUTE) for group in tuples))


LINTS = [
    (ladder(P), []),
    (ladder(P, repeat=3, ack_timeout=30 * MINUTE), []),
    (ladder("A+B/5"), []),
    (steps(WEEKS, SHIFTED, "boss"), []),
    (ladder("A/5 -/5 B/5"), [(2, "empty-step")]),
    (ladder("-/5 -/5"), [(1, "empty-step"), (2, "empty-step")]),
    (ladder("A/0 B/5 C/0"), [(2, "zero-delay")]),
    (ladder("-/0 B/5 C/5"), [(1, "empty-step")]),
    (ladder("A/0 -/5 B/5"), [(2, "empty-step"), (3, "zero-delay")]),
    (ladder("A/0 -/5 B/5", empty="wait"), [(2, "empty-step")]),
    (ladder("A/5"), [(0, "same-person")]),
    (ladder("A/5 -/5 A/5"), [(0, "same-person"), (2, "empty-step")]),
    (ladder("A/5 A+B/5"), []),
    (ladder("A/5 B/5 A+B/5"), []),
    (steps(WEEKS, WEEKS), [(0, "same-person")]),
    (steps(WEEKS, "cho"), [(0, "same-person")]),
    (ladder("A/20 B/23 C/5"), []),
    (ladder("A/20 B/24 C/5"), [(3, "too-late")]),
    (ladder("A/20 B/20 -/20 C/5"), [(3, "empty-step")]),
    (ladder("A/20 B/20 -/20 C/5", empty="wait"), [(3, "empty-step"), (4, "too-late")]),
    (steps(("boss", MONDAYS_AT_NIGHT)), []),
    (steps(("boss", NIGHTS)), [(1, "dst-gap")]),
    (steps(OFFICE, SHIFTED), [(0, "same-person")]),
    (steps((OFFICE, "boss"), "dan"), []),
    (
        steps(
            (OFFICE, SHORT), (replace(OFFICE, members=("eve",)), replace(SHORT, members=("eve",)))
        ),
        [(0, "gap")],
    ),
    (steps(FILLED, "boss"), []),
    (steps(FILLED, "dee"), [(0, "same-person")]),
    (steps(Schedule((OFFICE, GONE)), "boss"), []),
    (steps(Schedule((NIGHTS, OFFICE)), ("boss", OFFICE)), [(1, "dst-gap")]),
]


@pytest.mark.parametrize(("policy", "expected"), LINTS)
def test_the_lint_finds_what_will_bite_and_nothing_else(
    policy: EscalationPolicy, expected: list[Any]
) -> None:
    assert found(policy) == expected


def test_a_gap_is_found_to_the_minute_and_an_override_closes_it() -> None:
    two = replace(SHORT, members=("eve", "fay"))
    first = lint_escalation(steps(SHORT, two))[0]
    assert (first.phrase, first.rule) == ("nobody", "gap")
    assert "from 2020-01-07T06:00:00Z until 2020-01-07T06:01:00Z" in first.why
    night = datetime(2020, 1, 7, 6, tzinfo=UTC)
    closed = replace(two, overrides=(Shift("eve", night, night + MINUTE),))
    alone, later = lint_escalation(steps(SHORT, closed))[::-1]
    assert "one person is on every step from 2020-01-07T06:00:00Z" in alone.why
    assert "from 2020-01-08T06:00:00Z until" in later.why


def test_a_gap_that_the_year_does_not_end_goes_on() -> None:
    year = Shift("eve", datetime(2020, 1, 6, tzinfo=UTC), datetime(2021, 1, 4, 23, tzinfo=UTC))
    gap = lint_escalation(steps(replace(OFFICE, overrides=(year,))))[0]
    assert "nobody is on any step from 2021-01-04T23:00:00Z on." in gap.why


def test_four_nines_leave_no_time_for_a_second_step() -> None:
    assert found(ladder("A/5 B/5"), slo=SLO("availability", 0.9999)) == [(2, "too-late")]
    assert found(ladder("A/60 B/60"), slo=SLO("availability", 0.99)) == []


def test_findings_say_where_and_why() -> None:
    policy = EscalationPolicy((Step((WEEKS,), 0 * MINUTE), Step(("cho", NIGHTS), MINUTE)))
    findings = lint_escalation(policy)
    assert [type(finding) for finding in findings] == [Finding] * 3
    handoff = "handoff 2020-03-08 02:30 America/Chicago"
    assert [finding.phrase for finding in findings] == ["cho", "step 2", handoff]
    assert "from 2020-01-20T15:00:00Z" in findings[0].why
    assert "43m12s" in lint_escalation(ladder("A/60 B/5"))[0].why


def test_steps_and_targets_may_come_from_a_generator() -> None:
    policy = EscalationPolicy(Step((name for name in [name]), MINUTE) for name in ("ana", "ben"))  # type: ignore[arg-type]
    assert [step.targets for step in policy.steps] == [("ana",), ("ben",)]


@pytest.mark.parametrize("name", ["acks", "forced"])
def test_one_moment_where_several_are_meant_is_named(name: str) -> None:
    at = datetime(2025, 3, 5, 3, tzinfo=UTC)
    policy = EscalationPolicy((Step(("ana",), 5 * MINUTE),))
    with pytest.raises(TypeError, match=f"{name} must be several moments, given one"):
        escalate(policy, at, **{name: at})
