"""Random scripts at random shifts: none crashes or breaks what must hold minute by minute.

``ONCALL_RANDOM_SHIFTS`` sets how many are played; ``make test`` plays a few.
"""

from __future__ import annotations

import os
import random
from functools import cache

import pytest

from oncall.catalogue import RUNBOOKS
from oncall.cli.terminal import score_text, shift_text
from oncall.gameday.actions import ACTIONS, allowed_actions, do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import mean_points, score_shift
from oncall.gameday.shift import Responder, run_shift
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import LEARNT

SHIFTS = int(os.environ.get("ONCALL_RANDOM_SHIFTS", "60"))
BATCH = 20
WORDS: dict[str, list[str]] = {
    "wait": ["1", "3", "10", "45"],
    "look": ["metrics", "logs", "status"],
    "runbook": list(RUNBOOKS),
    "check": ["1", "2", "4", "5"],
    "triage": ["sev1", "sev2", "sev3", "sev5"],
    "handover": ["ana", "bo", "chen"],
    "apply": list(MITIGATIONS),
    "rollback": list(MITIGATIONS),
    "update": ["We are on it."],
    "note": ["Something."],
}
NONSENSE = ("", "x", "-1", "sev7", "a,b", "by=x", "999999", "\n", "rolled back: fail_over")


def words_for(action: str, chance: random.Random) -> tuple[str, ...]:
    """Words for an action, now and then nonsense."""
    if chance.random() < 0.05:
        return tuple(chance.choice(NONSENSE) for _ in range(chance.randrange(4)))
    if action == "learn":
        kind = chance.choice(list(LEARNT))
        value = chance.choice(list(MITIGATIONS)) if kind == "automate" else "It broke."
        return kind, value
    return (chance.choice(WORDS[action]),) if action in WORDS else ()


def state(desk: Desk) -> tuple[object, ...]:
    """All that an action could change."""
    return (
        desk.now,
        tuple(desk.incidents),
        desk.applied,
        desk.pager.ringing,
        desk.firing,
        desk.service.spent,
    )


def erratic(seed: int) -> Responder:
    """A responder who does anything at all, and checks that each action keeps what must hold."""
    chance = random.Random(seed)

    def responder(desk: Desk) -> None:
        for _ in range(chance.randrange(120)):
            sensible = chance.random() < 0.7
            action = chance.choice(allowed_actions(desk) if sensible else list(ACTIONS))
            if action == "end" and chance.random() < 0.9:
                continue
            now, spent = desk.now, desk.service.spent
            attempt(desk, action, words_for(action, chance))
            assert desk.service.spent >= spent, "the budget spent has fallen"
            assert now <= desk.now <= desk.ends, "time ran back, or past the end"

    return responder


def attempt(desk: Desk, action: str, words: tuple[str, ...]) -> None:
    """Do it, and check that it did something only if it was allowed and not refused."""
    before, allowed = state(desk), action in allowed_actions(desk)
    try:
        do(desk, action, *words)
    except ValueError:
        assert state(desk) == before, f"{action} was refused, and still did something"
    else:
        unchanged = state(desk) == before
        assert allowed or unchanged, f"{action} took effect though it was not allowed"


@cache
def reference_incidents(name: str, seed: int) -> tuple[Incident, ...]:
    return run_shift(SCENARIOS[name], seed, reference).incidents


@pytest.mark.parametrize("first", range(0, SHIFTS, BATCH))
def test_random_scripts_neither_crash_nor_break_an_invariant(first: int) -> None:
    for number in range(first, min(SHIFTS, first + BATCH)):
        name, seed = list(SCENARIOS)[number % len(SCENARIOS)], number % 3
        shift = run_shift(SCENARIOS[name], seed, erratic(number))
        for incident in shift.incidents:
            moments = [event.at for event in incident.events]
            assert moments == sorted(moments)
        scores = score_shift(shift.incidents, reference_incidents(name, seed))
        assert 0 <= mean_points(scores) <= 100
        for result in scores.values():
            assert all(0 <= line.points <= line.most for line in result.dimensions)
        for text in (shift_text(shift, list(scores.values())), score_text(scores)):
            assert max(map(len, text.splitlines())) <= 80


def test_the_same_random_script_is_the_same_shift() -> None:
    once, again = (run_shift(SCENARIOS["two_incidents"], 1, erratic(7)) for _ in range(2))
    assert once == again
