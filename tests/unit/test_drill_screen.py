"""What the drill's terminal shows and completes, and how time passes at a pace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oncall.cli import drill
from oncall.cli.debrief import debrief
from oncall.cli.drill import LeftEarly, completer, human, rules, spark, status
from oncall.cli.manual import SCORED, explain
from oncall.gameday.actions import do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import JUDGES
from oncall.gameday.shift import run_shift
from oncall.times import MINUTE


def paged(name: str = "gateway_release", seed: int = 1) -> Desk:
    desk = Desk(SCENARIOS[name], seed)
    desk.advance_until(lambda desk: desk.pager.ringing)
    return desk


def played(desk: Desk, *lines: str, pace: float = 0.0) -> str:
    """What is shown to somebody who types these lines and leaves."""
    told: list[str] = []
    typed: Iterator[str] = iter([*lines, "quit"])
    with pytest.raises(LeftEarly):
        human(lambda: next(typed), told.append, pace=pace)(desk)
    return "\n".join(told)


# --- completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ac", ["ack"]),
        ("look err", ["errors"]),
        ("look errors by rel", ["release"]),
        ("look errors by region in rel", ["release=r41", "release=r42"]),
        ("apply drain_r", ["drain_region", "drain_replica"]),
        ("apply drain_region ", ["eu", "us", "asia"]),
        ("suspect gate", ["gateway_release"]),
        ("triage sev", ["sev1", "sev2", "sev3", "sev4", "sev5"]),
        ("update inv", ["investigating"]),
        ("look errors by nonsense ", ["in"]),
        ("look tokens ", []),
        ("zzz ", []),
    ],
)
def test_only_words_that_are_legal_there_are_completed(line: str, words: list[str]) -> None:
    assert completer(paged(), line) == words


def test_what_may_not_be_done_yet_is_not_completed() -> None:
    desk = paged()
    assert "apply" not in completer(desk, "")
    do(desk, "ack")
    do(desk, "triage", "sev2")
    assert "apply" in completer(desk, "")


# --- the screen ----------------------------------------------------------------------------------


def test_each_sli_has_its_number_its_burn_and_its_curve_within_80_columns() -> None:
    desk = paged()
    shown = status(desk)
    assert max(map(len, shown.splitlines())) <= 80
    for name in desk.slos:
        [line] = [line for line in shown.splitlines() if line.startswith(f"{name} ")]
        assert line.endswith(spark(desk, name))
        assert "burn" in line
    low, flat = spark(desk, "availability"), spark(desk, "safety")
    assert low[0] == "▇"
    assert low[-1] < low[0]
    assert set(flat) <= set("▆▇█")


def test_the_screen_comes_again_only_when_it_has_changed() -> None:
    shown = played(paged(), "ack", "help", "nonsense", "note One of many.")
    assert shown.count("the shift ends at") == 2  # at first, and once it is acknowledged
    assert shown.count("you can:") == 2


def test_how_it_is_scored_is_told_before_it_is_played() -> None:
    assert rules() in played(paged(), "ack")
    assert "harm 30" in rules()


def test_two_incidents_are_both_shown_and_either_can_be_chosen() -> None:
    desk = Desk(SCENARIOS["gateway_release"], 1)
    do(desk, "declare")
    for words in (("ack",), ("triage", "sev3"), ("apply", "cap_retries"), ("mitigated",)):
        do(desk, *words)
    do(desk, "declare")
    assert "waits: INC-001 mitigated" in status(desk)
    do(desk, "use", "inc-001")
    assert "waits: INC-002 detected" in status(desk)
    with pytest.raises(ValueError, match="INC-009 is not open; open are INC-001, INC-002"):
        do(desk, "use", "INC-009")


# --- time ----------------------------------------------------------------------------------------


def test_at_a_pace_a_minute_takes_so_long_and_a_page_rings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(drill.time, "sleep", slept.append)
    desk = Desk(SCENARIOS["gateway_release"], 1)
    played(desk, "wait 30", "wait 400", "look changes", pace=2.0)
    assert slept[0] == 60
    assert slept[1] == 2 * ((desk.now - desk.scenario.start) / MINUTE - 32)
    assert slept[2] == 4
    assert "\a" in capsys.readouterr().out


# --- the debrief ---------------------------------------------------------------------------------


def test_the_debrief_has_the_verdict_first_then_the_truth_the_minutes_and_both_timelines() -> None:
    def hasty(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.pager.ringing)
        for words in (
            ("ack",), ("triage", "sev2"), ("suspect", "straggler"), ("apply", "cap_retries"),
            ("wait", "60"), ("rollback", "cap_retries"),
        ):  # fmt: skip
            do(desk, *words)

    scenario = SCENARIOS["gateway_release"]
    text = debrief(run_shift(scenario, 1, hasty), run_shift(scenario, 1, reference))
    assert max(map(len, text.splitlines())) <= 80
    places = [
        text.index(part)
        for part in ("Score of the shift", "What was wrong", "The minutes that cost most",
                     "The reading that you did not take", "You  ")
    ]  # fmt: skip
    assert places == sorted(places)
    assert "(gateway_release, release=r42, brought" in " ".join(text.split())
    assert "look errors by release, for gateway_release" in text
    assert "between 'applied cap_retries' and 'took back cap_retries'" in " ".join(text.split())
    assert "The reference (100 of 100)" in text


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("look", ["by region", "eu, us, asia", "attempts per request", "changes, status"]),
        ("suspect", ["gateway_release", "judge_drifted"]),
        ("page", ["head of platform", "security"]),
        ("triage", ["from 20% hit", "sev1 if lost", "late, wrong or poor"]),
        ("apply", ["1m at low risk", "the runbooks list them"]),
        ("score", ["harm 30", "the budgets burned", "learning 10"]),
        ("update", ["of requests that are hit", "investigating, identified"]),
        ("secure", ["call, restrict, preserve, before"]),
        ("learn", ["as suspect names it", "DIMENSION=VALUE", "such as C104"]),
    ],
)
def test_help_says_more_of_a_word_within_80_columns(word: str, parts: list[str]) -> None:
    shown = explain([word])
    assert max(map(len, shown.splitlines())) <= 80
    assert all(part in " ".join(shown.split()) for part in parts)
    assert "help WORD" not in shown


def test_what_help_says_of_the_score_is_every_dimension() -> None:
    assert list(SCORED) == list(JUDGES)
    assert "help WORD" in explain()


def test_a_page_does_not_read_as_if_its_sli_were_well_again() -> None:
    desk = Desk(SCENARIOS["prompt_release"], 1)
    shown = do(desk, "wait", "300")
    assert "paged ana" in shown
    assert "no longer harmed" not in shown.partition("opens")[2]


def test_a_fact_that_cannot_be_judged_is_written_down_and_says_how_it_is_named() -> None:
    desk = paged()
    assert "name it as suspect does" in do(desk, "learn", "cause", "gateway", "broke")
    assert "DIMENSION=VALUE" in do(desk, "learn", "segment", "release 42 only")
    assert do(desk, "learn", "cause", "gateway_release") == "written down"


def test_a_customer_who_grows_is_not_to_be_throttled() -> None:
    def throttles(desk: Desk) -> None:
        desk.advance_until(lambda desk: desk.pager.ringing)
        hit = desk.service.world.hits[0]
        for words in (("ack",), ("triage", "sev4"), ("apply", "throttle_tenant", hit.value)):
            do(desk, *words)

    shift = run_shift(SCENARIOS["tenant_doubled"], 1, throttles)
    safety = next(one for one in shift.score.dimensions if one.name == "safety")
    assert "throttle_tenant helped nothing" in safety.why.lower()
