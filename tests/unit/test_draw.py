"""What the seed draws: each cause comes up, changes tempt, and the same seed is the same world."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from worlds import NAMES, SURPRISE, world

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import DIMENSIONS, causes
from oncall.gameday.draw import TWO_AT_ONCE, world_of
from oncall.gameday.truth import truth_of
from oncall.gameday.world import Change, World
from oncall.times import MINUTE

ROOT = Path(__file__).parents[2]
MANY = range(200)
DRAWN = [name for name, scenario in SCENARIOS.items() if scenario.causes]


def onset(of: World) -> int:
    return min(hit.fault.start for hit in of.hits) // MINUTE


def innocent(of: World) -> list[Change]:
    guilty = {hit.change for hit in of.hits}
    return [change for change in of.changes if change.id not in guilty]


def share_of_seeds(holds: list[bool]) -> float:
    return sum(holds) / len(holds)


@pytest.mark.parametrize("deck", range(3))
def test_each_cause_comes_up_once_in_a_deck_of_seeds(deck: int) -> None:
    seeds = range(deck * len(NAMES), (deck + 1) * len(NAMES))
    first = [world_of(SURPRISE, seed).hits[0].cause.name for seed in seeds]
    assert sorted(first) == sorted(NAMES)
    assert first != list(NAMES)


def test_two_decks_are_in_different_order() -> None:
    orders = {
        tuple(world_of(SURPRISE, len(NAMES) * deck + n).hits[0].cause.name for n in range(6))
        for deck in range(4)
    }
    assert len(orders) == 4


def test_some_surprises_have_a_second_cause_and_the_two_can_be_told_apart() -> None:
    worlds = [world_of(SURPRISE, seed) for seed in MANY]
    two = [of.hits for of in worlds if len(of.hits) > 1]
    assert 0.02 < len(two) / len(worlds) < TWO_AT_ONCE
    for first, second in two:
        assert first.cause.sli != second.cause.sli
        assert first.cause.family != second.cause.family
        assert first.cause.is_ours
        assert second.cause.is_ours


def test_the_segments_that_are_drawn_are_many_and_lie_where_the_table_says() -> None:
    for name, cause in causes().items():
        hits = [world(name, seed=seed).hits[0] for seed in range(40)]
        segments = Counter(hit.segment for hit in hits)
        for hit in hits:
            assert hit.dimension in (cause.segment or ("",))
            assert hit.value in (cause.values or DIMENSIONS.get(hit.dimension, {"": 1}))
        choices = len(cause.values) or sum(len(DIMENSIONS[one]) for one in cause.segment)
        is_new = cause.segment in (("release",), ("bundle",))  # it lies in the newest one
        assert len(segments) == (1 if is_new else max(1, choices)), (name, segments)


def test_the_change_that_brought_it_came_within_six_minutes_before() -> None:
    seen = 0
    for name in NAMES:
        for seed in range(10):
            of = world(name, seed=seed)
            [hit] = of.hits
            by_id = {change.id: change for change in of.changes}
            if not hit.change:
                assert not causes()[name].change or causes()[name].guilty < 1
                continue
            seen += 1
            change = by_id[hit.change]
            assert 1 <= onset(of) - change.minute <= 6
            assert change.kind == causes()[name].change
            if causes()[name].undo == "undo_change":
                assert change.undo == f"apply undo_change {change.id}"
    assert seen > 100


def test_most_seeds_have_an_innocent_change_near_the_onset_and_after_it() -> None:
    worlds = [world_of(SURPRISE, seed) for seed in MANY]
    after = [any(one.minute > onset(of) for one in innocent(of)) for of in worlds]
    near = [any(abs(one.minute - onset(of)) <= 40 for one in innocent(of)) for of in worlds]
    newest = [max(of.changes, key=lambda one: one.minute) in innocent(of) for of in worlds]
    assert 0.5 < share_of_seeds(after) < 0.9
    assert share_of_seeds(near) > 0.7
    assert share_of_seeds(newest) > 0.6  # undoing the newest change is no way to work
    assert all(of.changes for of in worlds)


def test_the_numbers_of_changes_are_in_order_and_tell_nothing_of_guilt() -> None:
    places = Counter[int]()
    for seed in MANY:
        of = world_of(SURPRISE, seed)
        assert [one.id for one in of.changes] == [f"C{101 + n}" for n in range(len(of.changes))]
        assert [one.minute for one in of.changes] == sorted(one.minute for one in of.changes)
        guilty = {hit.change for hit in of.hits}
        places.update(place for place, one in enumerate(of.changes) if one.id in guilty)
    assert len([place for place, number in places.items() if number > 5]) >= 3


def test_small_things_fail_somewhere_on_many_days_and_are_nobody_s_incident() -> None:
    worlds = [world_of(SURPRISE, seed) for seed in MANY]
    assert 0.5 < share_of_seeds([bool(of.crowd) for of in worlds]) < 0.95
    for of in worlds:
        small = sum(float(hit.fault.error_ratio) for hit in of.crowd)
        assert small < 0.005
        assert of.herrings


def test_a_fault_begins_early_enough_to_be_worked_in_the_shift() -> None:
    for seed in MANY:
        of = world_of(SURPRISE, seed)
        assert all(30 <= hit.fault.start // MINUTE <= 240 for hit in of.hits)


@pytest.mark.parametrize("seed", range(0, 54, 2))
def test_every_surprise_pages_within_the_first_hours(seed: int) -> None:
    truth = truth_of(SURPRISE, seed)
    assert truth.pages[0] is not None
    assert truth.pages[0] - truth.world.hits[0].fault.start // MINUTE <= 60


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_seed_is_the_same_world_and_another_is_another(name: str) -> None:
    scenario = SCENARIOS[name]
    assert world_of(scenario, 5) == world_of(scenario, 5)
    assert len({repr(world_of(scenario, seed)) for seed in range(5)}) == 5


SHOW = """
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.draw import world_of
from oncall.gameday.readings import read
from oncall.times import HOUR
print([world_of(SCENARIOS["surprise"], seed) for seed in range(40)])
desk = Desk(SCENARIOS["surprise"], 3)
desk.advance(3 * HOUR)
print(desk.service.minutes, desk.incidents, desk.alarms)
for look in ("errors by tenant", "logs", "changes", "quality by bundle in region=eu", "support"):
    print(read(desk.service, look.split()))
"""


def test_the_same_seed_is_the_same_shift_in_every_process() -> None:
    shown = {
        subprocess.run(
            [sys.executable, "-S", "-c", SHOW],
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONHASHSEED": number},
            capture_output=True,
            check=True,
        ).stdout
        for number in ("0", "1", "77")
    }
    assert len(shown) == 1
    assert b"undo_change" in shown.pop()
