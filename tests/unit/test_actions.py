"""Responders: what can be done as words, what is refused, and scripts from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oncall.cli.drill import status
from oncall.gameday.actions import ACTIONS, allowed_actions, check_action, do, try_to_do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.script import ScriptLine, read_script, scripted
from oncall.gameday.shift import Shift, run_shift
from oncall.incident import Incident
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

SCENARIO = SCENARIOS["provider_outage"]
SCRIPT = """
# a good night
150 look
153 ack
156 triage sev1 ana comms=bo
156 update We are working on it.
156 apply fail_over
158 apply serve_cached
160 apply serve_degraded
161 mitigated
161 update It works again.
191 resolve
191 learn factor All requests go to one provider.
191 learn well The first person paged answered.
191 learn wrong It waited for a person.
191 learn lucky The secondary provider had room.
191 learn automate fail_over
191 learn automate serve_cached
191 learn automate serve_degraded
251 close
"""
CURE = (
    ("apply", "fail_over"),
    ("apply", "serve_cached"),
    ("apply", "serve_degraded"),
    ("wait", "5"),
)


def paged(minutes: int = 0, name: str = "provider_outage") -> Desk:
    """A desk some minutes after its first alert."""
    desk = Desk(SCENARIOS[name], 1)
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.advance(minutes * MINUTE)
    return desk


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "night.txt").write_text(SCRIPT, encoding="utf-8")
    return tmp_path / "night.txt"


# --- scripts -------------------------------------------------------------------------------------


def test_a_script_that_plays_the_book_by_words_scores_as_the_reference_does(script: Path) -> None:
    [mine] = run_shift(SCENARIO, 1, scripted(read_script(script))).incidents
    [book] = run_shift(SCENARIO, 1, reference).incidents
    assert mine.metrics() == book.metrics()
    assert score(mine, book).points == 100


def test_the_same_script_is_the_same_shift(script: Path) -> None:
    def once() -> Shift:
        return run_shift(SCENARIO, 1, scripted(read_script(script)))

    assert once() == once()


def test_a_script_is_lines_or_json(script: Path, tmp_path: Path) -> None:
    (tmp_path / "night.json").write_text(
        '[[150, "look"], [153, "ack"], [156, "triage", "sev1", "ana", "comms=bo"]]'
    )
    expected = (
        ScriptLine(150, "look"),
        ScriptLine(153, "ack"),
        ScriptLine(156, "triage", ("sev1", "ana", "comms=bo")),
    )
    assert read_script(tmp_path / "night.json") == expected == read_script(script)[:3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 look\nack", "line 2: 'ack' is no step"),
        ("1 look\n2 pray", "line 2: unknown action 'pray'"),
        ("1 look\n\n2 apply", "line 3: give: apply NAME"),
        ("9999999 look", "line 1: '9999999 look' is no step"),
        ('[[1, "look"], 7]', "line 2: "),
        ("[1, ", "line 1: not JSON"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_with_its_line(
    text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_text(text)
    with pytest.raises(ValueError, match=why):
        read_script(tmp_path / "bad.txt")


def test_what_is_not_allowed_at_its_minute_is_told_and_the_script_goes_on() -> None:
    told: list[str] = []
    lines = [
        ScriptLine(10, "ack"),
        ScriptLine(151, "apply", ("fail_over",)),
        ScriptLine(151, "ack"),
    ]
    [incident] = run_shift(SCENARIO, 1, scripted(lines, told.append)).incidents
    assert told[0] == "not done: no incident is open; declare one, or wait for an alert"
    assert told[1].startswith("not done: INC-001 is detected: mitigate is not allowed")
    assert told[2] == "acknowledged"
    assert incident.state == "acknowledged"


# --- looking -------------------------------------------------------------------------------------


def test_looking_changes_nothing() -> None:
    desk = paged()
    before, now = desk.incident, desk.now
    for words in (
        ("look",),
        ("look", "logs"),
        ("look", "status"),
        ("runbook",),
        ("check", "2"),
        ("runbook", "gpu_capacity"),
    ):
        assert do(desk, *words)
    assert (desk.incident, desk.now) == (before, now)


def test_red_herrings_show_up_where_people_look() -> None:
    assert "18:00 deploy of the billing service" in do(paged(), "look", "logs")
    assert "the provider's status page turns green" in do(
        paged(20, "flapping_provider"), "look", "status"
    )
    assert "deploy of the billing" not in do(Desk(SCENARIO, 1), "look", "logs")


def test_a_check_reads_what_the_runbook_expects_only_where_its_symptom_shows() -> None:
    desk = paged()
    assert "come from the model provider" in do(desk, "check", "1")
    assert do(desk, "check", "1", "gpu_capacity").endswith("as on any day")


def test_the_logs_tell_a_load_test_and_a_silence_from_an_outage() -> None:
    assert "same test account" in do(paged(name="false_alarm"), "look", "logs")
    silent = paged(name="silent_edge")
    assert do(silent, "look", "logs").startswith("no line was written")
    assert "no requests" in do(silent, "look")


def test_the_provider_s_page_admits_to_an_outage_late() -> None:
    desk = Desk(SCENARIO, 1)
    desk.advance(SCENARIO.faults[0].start + 5 * MINUTE)
    assert "all systems operational" in do(desk, "look", "status")
    desk.advance(6 * MINUTE)
    assert "degraded" in do(desk, "look", "status")


# --- acting --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("pray",), "unknown action 'pray'"),
        (("triage",), "give: triage SEV"),
        (("triage", "sev9"), "severity must be one of"),
        (("triage", "sev1", "ana", "by=bo"), "roles are given as"),
        (("triage", "sev1", "ana", "boss=bo"), "roles are given as"),
        (("apply", "failover"), "did you mean 'fail_over'"),
        (("rollback", "fail_over"), "is not applied"),
        (("check", "9"), "has checks 1 to 4"),
        (("look", "tea"), "look at metrics"),
        (("wait", "-5"), "minutes are a whole number"),
        (("wait", "1.5"), "minutes are a whole number"),
        (("learn", "nothing", "x"), "learn one of"),
        (("learn", "factor"), "give: learn"),
        (("learn", "automate", "tea"), "unknown mitigation"),
        (("update",), "give: update TEXT"),
        (("declare",), "is open already"),
        (("close",), "not allowed"),
        (("runbook", "sunspots"), "unknown symptom"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(words: tuple[str, ...], why: str) -> None:
    desk = paged(1)
    do(desk, "ack")
    before, now = desk.incidents, desk.now
    with pytest.raises(ValueError, match=why):
        do(desk, *words)
    assert why.split()[0] in try_to_do(desk, *words)
    assert (desk.incidents, desk.now) == (before, now)


def test_exactly_what_is_listed_as_possible_is_not_refused_by_the_record() -> None:
    words: dict[str, tuple[str, ...]] = {
        "apply": ("fail_over",),
        "rollback": ("fail_over",),
        "triage": ("sev1",),
        "check": ("1",),
        "wait": ("1",),
    }
    words |= {"update": ("x",), "note": ("x",), "learn": ("factor", "x"), "handover": ("bo",)}
    steps = (("wait", "150"), ("ack",), ("triage", "sev1"), *CURE, ("mitigated",), ("resolve",))
    for done in range(len(steps) + 1):
        for name in ACTIONS:
            desk = Desk(SCENARIO, 1)
            for step in steps[:done]:
                do(desk, *step)
            if name in ("apply", "rollback") and desk.applied:
                continue
            allowed = name in allowed_actions(desk)
            said = try_to_do(desk, name, *words.get(name, ()))
            if name not in ("look", "runbook", "check", "wait", "next", "end"):
                assert said.startswith("not done") != allowed, (name, steps[:done], said)


def test_handing_over_makes_somebody_else_commander_and_they_act_from_then_on() -> None:
    desk = paged()
    for words in (
        ("ack",),
        ("triage", "sev1", "ana"),
        ("handover", "bo"),
        ("update", "We are on it."),
    ):
        do(desk, *words)
    assert desk.incidents[-1].events[-1].by == "bo"
    assert [event.get("ic") for event in desk.incidents[-1].events if event.verb == "triage"] == [
        "ana",
        "bo",
    ]


def test_what_still_hurts_users_has_not_gone_away_by_itself_and_is_not_resolved() -> None:
    desk = paged()
    for words in (("ack",), ("triage", "sev1")):
        do(desk, *words)
        with pytest.raises(
            ValueError, match=r"INC-001 is not over: the SLI is 49\.\d\d%, below 99%; mitigate it"
        ):
            do(desk, "resolve")
        assert "resolve" not in allowed_actions(desk)
    do(desk, "apply", "serve_degraded")
    do(desk, "wait", "5")
    with pytest.raises(ValueError, match="INC-001 is not over: quality is harmed; "):
        do(desk, "resolve")
    silent = paged(name="silent_edge")
    with pytest.raises(ValueError, match="no request arrives"):
        do(silent, "resolve")


def test_what_has_gone_away_by_itself_is_resolved_without_more_words() -> None:
    desk = paged(41, "silent_edge")
    assert "resolve" in allowed_actions(desk)
    assert do(desk, "resolve") == "resolved"
    assert desk.incidents[-1].events[-1].get("auto_recovered")


def test_mitigated_can_be_said_too_early_and_the_answer_says_so_and_resolved_cannot() -> None:
    desk = paged()
    for words in (("ack",), ("triage", "sev1"), ("apply", "fail_over"), ("wait", "3")):
        do(desk, *words)
    assert do(desk, "mitigated") == "mitigated, though the SLI is 84.74%, below 99%"
    with pytest.raises(ValueError, match=r"not over: the SLI is 84\.74%"):
        do(desk, "resolve")
    assert "resolve" not in allowed_actions(desk)
    desk = paged()
    for words in (("ack",), ("triage", "sev1"), ("apply", "serve_degraded"), ("wait", "3")):
        do(desk, *words)
    assert do(desk, "mitigated") == "mitigated, though quality is harmed"


def test_an_sli_that_misses_its_target_by_a_hair_does_not_read_as_if_it_was_met() -> None:
    hair = replace(
        SCENARIO,
        slo=SLO("availability", 0.999),
        requests=1e6,
        errors=0.00104,
        warm_up=HOUR,
        faults=(),
    )
    desk = Desk(hair, 1)
    desk.declare(by="ana")
    assert 0.99895 < desk.sli < 0.999  # in two digits it would read 99.90%
    with pytest.raises(ValueError, match=r"the SLI is 99\.89%, below 99\.9%"):
        do(desk, "resolve")


def test_escalating_pages_the_next_person() -> None:
    desk = paged()
    do(desk, "ack")
    assert do(desk, "escalate") == "paged bo"


def test_next_stops_when_something_happens_and_after_an_hour_at_most() -> None:
    desk = Desk(SCENARIO, 1)
    do(desk, "next")
    assert desk.now == SCENARIO.start + HOUR
    do(desk, "next")
    do(desk, "next")
    assert desk.now == SCENARIO.start + SCENARIO.faults[0].start + MINUTE
    do(desk, "next")
    assert desk.incident is not None
    do(desk, "end")
    assert desk.now == desk.ends
    assert do(desk, "next") == ""
    assert desk.now == desk.ends


def test_time_that_passes_says_what_changed_by_itself() -> None:
    desk = Desk(SCENARIO, 1)
    assert [do(desk, "wait", "60"), do(desk, "next")] == ["", ""]
    assert do(desk, "next") == "18:13 the SLI is 49.85%, below 99%"
    opened = [
        "18:30 INC-001 opens: The model provider fails requests",
        "18:30 paged ana",
        "18:30 14.4x 1h/5m fires",
    ]
    assert do(desk, "next").splitlines() == opened
    assert do(desk, "next") == "18:35 paged bo"
    for words in (("ack",), ("triage", "sev1"), ("apply", "serve_degraded")):
        do(desk, *words)
    assert do(desk, "wait", "30").splitlines() == [
        "18:36 the SLI is 99.70%, at its target of 99% again",
        "18:36 quality is harmed",
        "18:39 14.4x 1h/5m no longer fires",
        "19:00 an update to users is due",
    ]
    do(desk, "rollback", "serve_degraded")
    assert "19:06 quality is no longer harmed" in do(desk, "wait", "1")


def test_a_long_wait_tells_of_each_thing_the_last_time_only() -> None:
    desk = Desk(SCENARIOS["flapping_provider"], 1)
    lines = do(desk, "end").splitlines()
    signs = [line for line in lines if "paged" not in line]
    assert len(signs) == len({line[6:] for line in signs})
    assert [line[:5] for line in lines] == sorted(line[:5] for line in lines)
    assert "21:01 the SLI is 39.88%, below 99%" in lines  # the last of eight times
    assert sum("the SLI is" in line for line in lines) == 2


def test_a_silent_minute_is_told_as_one() -> None:
    assert (
        "18:01 no request arrives"
        in do(Desk(SCENARIOS["silent_edge"], 1), "wait", "130").splitlines()
    )


def test_next_stops_when_an_update_to_users_falls_due() -> None:
    desk = paged()
    detected = desk.now
    for words in (("ack",), ("triage", "sev1"), ("wait", "29")):
        do(desk, *words)
    assert not desk.update_due
    do(desk, "next")
    assert desk.now == detected + 30 * MINUTE
    assert desk.update_due
    assert "an update is due" in status(desk)
    do(desk, "update", "We are working on it.")
    assert not desk.update_due
    assert "an update is due" not in status(desk)


def test_the_journal_of_words_is_legal_and_comes_back_from_disk(
    script: Path, tmp_path: Path
) -> None:
    [incident] = run_shift(SCENARIO, 1, scripted(read_script(script))).incidents
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


def test_a_note_that_looks_as_if_it_was_learnt_does_not_stand_in_the_way_of_closing() -> None:
    desk = paged()
    for words in (
        ("ack",),
        ("triage", "sev1"),
        ("note", "learnt, automate: tea"),
        ("note", "learnt, x"),
    ):
        do(desk, *words)
    for words in (*CURE, ("mitigated",), ("resolve",)):
        do(desk, *words)
    assert do(desk, "close") == "INC-001 is closed"


def test_a_text_of_one_s_own_says_what_it_leaves_out() -> None:
    desk = paged()
    for words in (
        ("ack",),
        ("triage", "sev1"),
        ("learn", "factor", "One provider."),
        *CURE,
        ("mitigated",),
    ):
        do(desk, *words)
    do(desk, "resolve")
    assert do(desk, "close", "It broke.") == "INC-001 is closed, without what was learnt"


def test_what_was_resolved_too_early_is_opened_again() -> None:
    desk = paged()
    for words in (("ack",), ("triage", "sev1"), *CURE, ("mitigated",), ("resolve",)):
        do(desk, *words)
    assert "reopen" in allowed_actions(desk)
    assert do(desk, "reopen") == "INC-001 is open again"
    assert desk.current.state == "triaged"


def test_closing_names_the_incident_that_was_closed() -> None:
    desk = paged()
    for words in (
        ("ack",),
        ("triage", "sev1"),
        *CURE,
        ("mitigated",),
        ("resolve",),
        ("declare",),
        ("ack",),
    ):
        do(desk, *words)
    assert do(desk, "false_alarm") == "closed as a false alarm"
    assert do(desk, "close") == "INC-001 is closed"


def test_a_false_alarm_is_advised_only_while_it_can_be_said() -> None:
    desk = paged()
    do(desk, "ack")
    assert "say false_alarm" in try_to_do(desk, "resolve")
    for words in (("triage", "sev1"), ("apply", "fail_over")):
        do(desk, *words)
    assert "false_alarm" not in try_to_do(desk, "resolve")


def test_a_refusal_speaks_of_actions_and_not_of_the_record_s_verbs() -> None:
    desk = paged()
    with pytest.raises(ValueError, match=r"^INC-001 is detected: triage is not allowed$"):
        do(desk, "triage", "sev1")


def test_the_end_of_the_ladder_is_told() -> None:
    said = do(Desk(SCENARIO, 1), "wait", "300")
    assert said.count(" paged ") == 6
    assert "19:15 that was the last on the ladder: nobody is left to page" in said


def test_silence_that_turns_into_failures_is_told() -> None:
    silent = SCENARIOS["silent_edge"]
    faults = (
        replace(silent.faults[0], duration=5 * MINUTE),
        replace(SCENARIO.faults[0], start=silent.faults[0].start + 5 * MINUTE),
    )
    desk = Desk(replace(silent, faults=faults), 1)
    assert do(desk, "wait", "121") == "18:01 no request arrives"
    low, again = do(desk, "wait", "5").splitlines()
    assert low.startswith("18:06 the SLI is ")
    assert again == "18:06 requests arrive again"


def test_every_action_says_how_it_is_typed_and_what_it_is_for() -> None:
    for name, action in ACTIONS.items():
        assert action.usage.split()[0] == name
        assert action.what
    with pytest.raises(ValueError, match="unknown action"):
        check_action("")


def test_what_is_caught_can_be_the_fault_s_own() -> None:
    fault = replace(SCENARIO.faults[0], catches=(("fail_over", 1.0), ("serve_cached", 0.5)))
    desk = Desk(replace(SCENARIO, faults=(fault,)), 1)
    for words in (
        ("wait", "150"),
        ("ack",),
        ("triage", "sev1"),
        ("apply", "serve_cached"),
        ("wait", "3"),
    ):
        do(desk, *words)
    assert f"{desk.sli:.0%}" == "75%"
    do(desk, "apply", "fail_over")
    do(desk, "wait", "3")
    assert f"{desk.sli:.1%}" == "99.7%"


def test_people_quicker_than_any_page_lose_nothing() -> None:
    fixes = ("fail_over", "serve_cached", "serve_degraded")
    script = [
        *(
            ScriptLine(133, "declare"),
            ScriptLine(133, "ack"),
            ScriptLine(133, "triage", ("sev1",)),
            ScriptLine(133, "update", ("Half.",)),
        ),
        *(ScriptLine(133 + 2 * place, "apply", (name,)) for place, name in enumerate(fixes)),
        *(
            ScriptLine(138, "mitigated"),
            ScriptLine(138, "update", ("It works.",)),
            ScriptLine(170, "resolve"),
        ),
        *(
            ScriptLine(171, "learn", (kind, "One provider."))
            for kind in ("factor", "well", "wrong", "lucky")
        ),
        *(ScriptLine(171, "learn", ("automate", name)) for name in fixes),
        ScriptLine(172, "close"),
    ]
    [quick] = run_shift(SCENARIO, 1, scripted(script)).incidents
    [by_the_book] = run_shift(SCENARIO, 1, reference).incidents
    assert score(quick, by_the_book).points == 100
