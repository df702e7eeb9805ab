"""What readings tell: in a family some reading parts each pair, at the noise that a seed gives."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import DIMENSIONS, GAUGES, causes
from oncall.gameday.desk import Desk
from oncall.gameday.readings import THINGS, read
from oncall.times import MINUTE

SEEDS = range(1, 9)
FAMILIES = {cause.family for cause in causes().values()}
LOOKS = ("errors", "latency", "quality", "cost", "safety")


@cache
def told(name: str, seed: int) -> frozenset[str]:
    """What stands out a quarter of an hour after the page, as a person would say it."""
    desk = Desk(replace(SCENARIOS["surprise"], name="tonight", causes=(name,)), seed)
    desk.advance_until(lambda desk: bool(desk.incidents))
    desk.advance(10 * MINUTE)
    found = set()
    outcomes = read(desk.service, ["errors", "by", "outcome"]).data["rows"]
    worst = max(outcomes, key=lambda row: row["bad"])
    if worst["total"] and worst["bad"] > 0.05 * worst["total"]:
        found.add(f"errors by outcome: {worst['value']}")
    for thing in LOOKS:
        for by in DIMENSIONS:
            if value := _stands_out(desk, thing, by):
                where = value if by in ("upstream", "tenant") else "one"
                found.add(f"{thing} by {by}: {'pool' if where == 'pool' else 'one'}")
                found.add(f"{thing} by {by}: {where}")
    for gauge in GAUGES:
        data = read(desk.service, [gauge]).data
        ratio = data["now"] / data["usual"]
        if not 0.7 < ratio < 1.35:
            found.add(f"{gauge}: {'high' if ratio > 1 else 'low'}")
    return frozenset(found | _of_people(desk) | _of_changes(desk))


def _of_people(desk: Desk) -> set[str]:
    """What is asked of somebody, or of the outside, beside what is counted."""
    found = set()
    is_silent = not desk.service.counted(-1)[1]
    for name, limit in (("probe", 4), ("rejudge", 4), ("support", 6)):
        if read(desk.service, [name]).data["now"] >= limit:
            found.add(name)
        elif is_silent or (name != "probe" and desk.slo.name == "quality"):
            found.add(f"{name}: as ever")  # though it is counted otherwise
    traffic = read(desk.service, ["traffic", "by", "tenant"]).data["rows"]
    if any(row["total"] > 1.8 * row["usual"] for row in traffic):
        found.add("traffic by tenant")
    return found | ({"traffic: none"} if is_silent else set())


def _of_changes(desk: Desk) -> set[str]:
    found = set()
    for row in read(desk.service, ["changes"]).data:
        at = int(row["at"][11:13]) * 60 + int(row["at"][14:16])
        if 0 <= desk.now.hour * 60 + desk.now.minute - at < 90:
            found.add(f"changes: {row['kind']}")
    return found


def _stands_out(desk: Desk, thing: str, by: str) -> str:
    """The value that has far more than the others, if one has."""
    rows = [row for row in read(desk.service, [thing, "by", by]).data["rows"] if row["total"] >= 20]
    if not rows:
        return ""
    top = max(rows, key=lambda row: row["bad"] / row["total"])
    inside = top["bad"] / top["total"]
    bad = sum(row["bad"] for row in rows) - top["bad"]
    total = max(1, sum(row["total"] for row in rows) - top["total"])
    is_far = inside - bad / total > 0.75 * inside and inside > 0.06
    return str(top["value"]) if is_far else ""


def share(name: str, sign: str) -> float:
    return sum(sign in told(name, seed) for seed in SEEDS) / len(SEEDS)


def signs(name: str) -> set[str]:
    """The signs that show in at least six of eight nights."""
    seen = set().union(*(told(name, seed) for seed in SEEDS))
    return {sign for sign in seen if share(name, sign) >= 0.75}


PAIRS = [
    (one, other)
    for family in sorted(FAMILIES)
    for one, other in combinations(
        [cause.name for cause in causes().values() if cause.family == family], 2
    )
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_some_reading_parts_each_pair_of_a_family(one: str, other: str) -> None:
    parting = {sign for sign in signs(one) if share(other, sign) <= 0.25}
    parting |= {sign for sign in signs(other) if share(one, sign) <= 0.25}
    assert parting, (signs(one), signs(other))


@pytest.mark.parametrize("name", [name for name in causes() if name != "nothing"])
def test_every_cause_shows_in_at_least_two_readings(name: str) -> None:
    # Nothing at all is found by what does not show: it is over before it is read.
    assert len({sign.partition(":")[0] for sign in signs(name)}) >= 2, signs(name)


def test_what_shows_first_is_shared_in_a_family() -> None:
    things = {of: thing for thing, of in THINGS.items() if thing != "traffic"}
    for family in FAMILIES - {"silence"}:
        slis = {cause.sli for cause in causes().values() if cause.family == family}
        assert len(slis) <= 2
        assert slis <= set(things)
