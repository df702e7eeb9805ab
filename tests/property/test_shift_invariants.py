"""Random scripts at random shifts: none crashes, and none breaks what must hold minute by minute.

``ONCALL_RANDOM_SHIFTS`` sets how many are played; ``make test`` plays a few.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from oncall.catalogue import MITIGATIONS, RUNBOOKS
from oncall.cli.terminal import score_text, shift_text
from oncall.gameday.actions import ACTIONS, allowed_actions, do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.reference import reference
from oncall.gameday.scoring import mean_points, score_shift
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.postmortem import LEARNT

SHIFTS = int(os.environ.get("ONCALL_RANDOM_SHIFTS", "60"))
BATCH = 20
NAMES = ("ana", "bo", "chen")
BOOKS: dict[tuple[str, int], tuple[Incident, ...]] = {}
SOME: dict[str, list[str]] = {
    "wait": ["1", "3", "10", "45"],
    "look": ["metrics", "logs", "status"],
    "runbook": list(RUNBOOKS),
    "check": ["1", "2", "4", "5"],
    "triage": ["sev1", "sev2", "sev3", "sev5"],
    "handover": list(NAMES),
    "apply": list(MITIGATIONS),
    "rollback": list(MITIGATIONS),
    "update": ["We are on it."],
    "note": ["Something."],
}
NONSENSE = ("", "x", "-1", "sev7", "a,b", "by=x", "999999", "\n", "rolled back: fail_over")


def words(action: str, chance: random.Random) -> tuple[str, ...]:
    """Words for an action, now and then nonsense."""
    if chance.random() < 0.05:
        return tuple(chance.choice(NONSENSE) for _ in range(chance.randrange(4)))
    if action == "learn":
        kind = chance.choice(list(LEARNT))
        return kind, (chance.choice(list(MITIGATIONS)) if kind == "automate" else "It broke.")
    return (chance.choice(SOME[action]),) if action in SOME else ()


def seen(desk: Desk) -> tuple[object, ...]:
    """All that an action could change."""
    return (
        desk.now,
        tuple(desk.incidents),
        desk.applied,
        desk.pager.ringing,
        desk.firing,
        desk.service.spent,
    )


def erratic(seed: int) -> Callable[[Desk], None]:
    """A responder who does anything at all, and looks after each action whether it was right that it could."""
    chance = random.Random(seed)

    def responder(desk: Desk) -> None:
        spent, now = desk.service.spent, desk.now
        for _ in range(chance.randrange(120)):
            action = chance.choice(
                allowed_actions(desk) if chance.random() < 0.7 else list(ACTIONS)
            )
            if action == "end" and chance.random() < 0.9:
                continue
            before, allowed = seen(desk), action in allowed_actions(desk)
            try:
                do(desk, action, *words(action, chance))
            except ValueError:
                assert seen(desk) == before, f"{action} was refused, and still did something"
            else:
                assert allowed or seen(desk) == before, (
                    f"{action} took effect though it was not allowed"
                )
            assert desk.service.spent >= spent, "the budget spent has fallen"
            assert now <= desk.now <= desk.ends, "time ran back, or past the end"
            spent, now = desk.service.spent, desk.now

    return responder


def book(name: str, seed: int) -> tuple[Incident, ...]:
    if (name, seed) not in BOOKS:
        BOOKS[name, seed] = run_shift(SCENARIOS[name], seed, reference).incidents
    return BOOKS[name, seed]


@pytest.mark.parametrize("batch", range(-(-SHIFTS // BATCH)))
def test_random_scripts_neither_crash_nor_break_an_invariant(batch: int) -> None:
    for number in range(batch * BATCH, min(SHIFTS, (batch + 1) * BATCH)):
        name, seed = list(SCENARIOS)[number % len(SCENARIOS)], number % 3
        shift = run_shift(SCENARIOS[name], seed, erratic(number))
        for incident in shift.incidents:
            moments = [event.at for event in incident.events]
            assert moments == sorted(moments)
        scores = score_shift(shift.incidents, book(name, seed))
        assert 0 <= mean_points(scores) <= 100
        assert all(
            0 <= one.points <= one.most for result in scores.values() for one in result.dimensions
        )
        for text in (shift_text(shift, list(scores.values())), score_text(scores)):
            assert max(map(len, text.splitlines())) <= 80


def test_the_same_random_script_is_the_same_shift() -> None:
    once, again = (run_shift(SCENARIOS["two_incidents"], 1, erratic(7)) for _ in range(2))
    assert once == again
