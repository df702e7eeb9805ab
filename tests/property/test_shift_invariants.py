"""Random scripts at random shifts: none crashes or breaks what must hold minute by minute.

``ONCALL_RANDOM_SHIFTS`` sets how many are played; ``make test`` plays a few.
"""

from __future__ import annotations

import os
import random

import pytest

from oncall.catalogue import CAUSES, RUNBOOKS
from oncall.cli.terminal import score_text, shift_text
from oncall.gameday.actions import ACTIONS, allowed_actions, do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import AIMS, DIMENSIONS
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE
from oncall.gameday.shift import Responder, run_shift
from oncall.gameday.truth import steps_of
from oncall.journal import LEARN_KINDS, SECURITY_STEPS
from oncall.mitigations import MITIGATIONS
from oncall.times import MINUTE

SHIFTS = int(os.environ.get("ONCALL_RANDOM_SHIFTS", "60"))
BATCH = 20


def aims_to_try(mitigation: str) -> list[str]:
    """What a mitigation may be aimed at, and what it may not."""
    kind = AIMS.get(mitigation)
    if kind == "change":
        return ["C101", "C102", "C103", "C999"]
    return [*DIMENSIONS[kind], "moon"] if kind else [""]


WORDS: dict[str, list[str]] = {
    "wait": ["1", "3", "10", "45"],
    "look": [
        "metrics",
        "logs",
        "status",
        "changes",
        "history",
        "errors by tenant",
        "p95",
        "quality by bundle in region=eu",
        "traffic by region",
    ],
    "runbook": ["", *RUNBOOKS],
    "check": [f"{number} {symptom}" for number in (1, 2, 4, 5) for symptom in RUNBOOKS],
    "triage": ["sev1", "sev2 ana ops=bo comms=chen", "sev3", "sev5 bo"],
    "handover": ["ana", "bo", "chen"],
    "page": list(PEOPLE),
    "suspect": list(CAUSES),
    "ask": list(MITIGATIONS),
    "secure": list(SECURITY_STEPS),
    "predict": ["0", "85", "99.9"],
    "use": ["INC-001", "INC-002"],
    "apply": [f"{name} {aim}".strip() for name in MITIGATIONS for aim in aims_to_try(name)],
    "rollback": list(MITIGATIONS),
    "update": ["We are on it.", "investigating 40 Answers fail.", "monitoring It works again now."],
    "note": ["Something."],
}
NONSENSE = ("", "x", "-1", "sev7", "a,b", "by=x", "999999", "\n", "rolled back: fail_over")


def words_for(action: str, chance: random.Random) -> tuple[str, ...]:
    """Words for an action, now and then nonsense."""
    if chance.random() < 0.05:
        return tuple(chance.choice(NONSENSE) for _ in range(chance.randrange(4)))
    if action == "learn":
        kind = chance.choice(list(LEARN_KINDS))
        value = chance.choice(list(MITIGATIONS)) if kind == "automate" else "It broke."
        return kind, value
    return tuple(chance.choice(WORDS[action]).split()) if action in WORDS else ()


def state(desk: Desk) -> tuple[object, ...]:
    """All that an action could change."""
    return (
        desk.now,
        tuple(desk.incidents),
        desk.applied,
        desk.pager.ringing,
        desk.alarms,
        desk.service.spent,
        dict(desk.people.asked),
        dict(desk.people.answers),
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
            now, minutes = desk.now, len(desk.service)
            attempt(desk, action, words_for(action, chance))
            assert now <= desk.now <= desk.ends, "time ran back, or past the end"
            assert len(desk.service) - minutes == (desk.now - now) // MINUTE

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


@pytest.mark.parametrize("first", range(0, SHIFTS, BATCH))
def test_random_scripts_neither_crash_nor_break_an_invariant(first: int) -> None:
    for number in range(first, min(SHIFTS, first + BATCH)):
        name, seed = list(SCENARIOS)[number % len(SCENARIOS)], number % 3
        shift = run_shift(SCENARIOS[name], seed, erratic(number))
        for incident in shift.incidents:
            moments = [event.at for event in incident.events]
            assert moments == sorted(moments)
        assert 0 <= shift.score.points <= 100
        for line in shift.score.dimensions:
            assert 0 <= line.points <= line.most
            assert line.why
        assert shift.truth.harm(steps_of(shift.incidents, shift.truth)) >= 0
        for text in (shift_text(shift, shift.score), score_text(shift.score)):
            assert max(map(len, text.splitlines())) <= 80


def test_the_same_random_script_is_the_same_shift() -> None:
    once, again = (run_shift(SCENARIOS["two_incidents"], 1, erratic(7)) for _ in range(2))
    assert once == again
