"""Readings: parts that add up, the same numbers for the same look, and what tells a cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from worlds import NAMES, SURPRISE

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import DIMENSIONS, GAUGES, OUTCOMES, causes
from oncall.gameday.readings import BY, OTHERS, THINGS, WINDOW, options, parsed, read
from oncall.gameday.service import Service
from oncall.times import MINUTE

EVERY = pytest.mark.parametrize("name", NAMES)


def service_of(name: str, seed: int = 1, minutes: int = 15) -> Service:
    """A service of a cause, so many minutes into it."""
    service = Service(replace(SURPRISE, causes=(name,)), seed)
    service.wait(service.world.hits[0].fault.start + minutes * MINUTE)
    return service


@cache
def sick(name: str) -> Service:
    """The same, to be read only."""
    return service_of(name)


def data(service: Service, look: str) -> Any:
    return read(service, look.split()).data


def rows(service: Service, look: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data(service, look)["rows"]
    return found


def added(service: Service, look: str, key: str) -> int:
    return sum(row[key] for row in rows(service, look))


# --- parts that add up ---------------------------------------------------------------------------


@EVERY
def test_the_rows_of_a_look_add_up_to_what_the_dashboard_counted(name: str) -> None:
    service = sick(name)
    for thing, sli in THINGS.items():
        good, total = service.counted(-WINDOW, name=sli)
        for by in DIMENSIONS:
            look = f"{thing} by {by}"
            assert added(service, look, "total") == total
            assert added(service, look, "bad") == (0 if thing == "traffic" else total - good), look
    good, total = service.counted(-WINDOW, name="availability")
    assert added(service, "errors by outcome", "bad") == total - good
    assert all(row["total"] == total for row in rows(service, "errors by outcome"))


@pytest.mark.parametrize("name", ["provider_fails", "runaway_tenant", "prompt_release", "nothing"])
def test_the_rows_within_a_part_add_up_to_that_part(name: str) -> None:
    service = sick(name)
    for thing in ("errors", "latency", "quality"):
        for outer in ("region", "tenant", "upstream", "bundle"):
            for row in rows(service, f"{thing} by {outer}"):
                where = f"in {outer}={row['value']}"
                [part] = rows(service, f"{thing} {where}")
                assert (part["bad"], part["total"]) == (row["bad"], row["total"])
                inner = "surface" if outer != "surface" else "region"
                assert added(service, f"{thing} by {inner} {where}", "bad") == row["bad"]
                assert added(service, f"{thing} by {inner} {where}", "total") == row["total"]


def test_traffic_and_errors_speak_of_the_same_requests() -> None:
    for name in ("runaway_tenant", "load_test", "provider_fails"):
        traffic, errors = (
            rows(sick(name), f"{thing} by tenant") for thing in ("traffic", "errors")
        )
        assert [row["total"] for row in traffic] == [row["total"] for row in errors]


@EVERY
def test_no_more_is_bad_than_there_is_and_a_silence_shows_nothing(name: str) -> None:
    service = sick(name)
    for thing in THINGS:
        for by in DIMENSIONS:
            assert all(0 <= row["bad"] <= row["total"] for row in rows(service, f"{thing} by {by}"))
    if causes()[name].lost:
        assert "nothing counted" in read(service, ["errors", "by", "region"]).text
        assert "no line was written" in read(service, ["logs"]).text


@pytest.mark.parametrize("name", ["edge_lost", "metrics_broken"])
def test_as_a_silence_begins_everything_can_still_be_looked_at(name: str) -> None:
    for minutes in range(12):
        service = service_of(name, minutes=minutes)
        for look in ("errors by region", "latency by upstream in region=eu", *GAUGES, *OTHERS):
            assert read(service, look.split()).text


# --- the same look -------------------------------------------------------------------------------


@EVERY
def test_the_same_look_at_the_same_moment_shows_the_same_and_changes_nothing(name: str) -> None:
    first, second = service_of(name), service_of(name)
    looks = ["errors", "quality by bundle", "cost by surface in region=eu", *GAUGES, *OTHERS]
    shown = [read(first, look.split()) for look in looks]
    assert shown == [read(first, look.split()) for look in looks]
    assert shown == [read(second, look.split()) for look in reversed(looks)][::-1]
    second.wait(MINUTE)
    first.wait(MINUTE)
    assert first.minutes == second.minutes


def test_another_moment_shows_other_numbers() -> None:
    service = service_of("provider_fails")
    before = [data(service, look) for look in ("errors by region", "p95", "attempts")]
    service.wait(5 * MINUTE)
    after = [data(service, look) for look in ("errors by region", "p95", "attempts")]
    assert all(one != other for one, other in zip(before, after, strict=True))


# --- words ---------------------------------------------------------------------------------------


def paths(words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every look that the options lead to."""
    if words and words[-1] not in ("by", "in"):
        yield words
    for word in options(words) or ():
        yield from paths((*words, word))


def test_whatever_the_options_lead_to_is_accepted_and_can_be_read() -> None:
    service = sick("provider_fails")
    looks = list(paths())
    assert len(looks) > 1000
    assert {look[0] for look in looks} == {*THINGS, *GAUGES, *OTHERS}
    for look in looks:
        parsed(look)
    for look in looks[:: len(looks) // 80]:
        assert read(service, look).text


@pytest.mark.parametrize(
    ("look", "why"),
    [
        ("", "^look at errors, latency, .*p95.*, changes"),
        ("tea", "look at errors, .*given 'tea'"),
        ("errors by moon", "errors by outcome, region, .*given 'moon'"),
        ("latency by outcome", "latency by region, .*given 'outcome'"),
        ("errors in region=mars", "in DIMENSION=VALUE, of region, .*given 'region=mars'"),
        ("errors by region in region=eu", "not the one it is split by"),
        ("errors by", r"give: look THING \[by DIMENSION\].*given errors by"),
        ("errors in", r"give: look THING"),
        ("errors by region by tenant", r"give: look THING"),
        ("p95 by region", "p95 has no parts to look at one by one; look p95"),
        ("changes by region", "changes has no parts"),
    ],
)
def test_a_look_that_cannot_be_is_refused_with_what_may_be_given(look: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(sick("provider_fails"), look.split())


def test_a_reading_as_data_says_what_it_is_of() -> None:
    found = data(sick("provider_fails"), "errors by upstream in region=eu")
    assert {key: found[key] for key in ("thing", "by", "in", "window")} == {
        "thing": "errors", "by": "upstream", "in": {"region": "eu"}, "window": WINDOW,
    }  # fmt: skip
    assert [row["value"] for row in found["rows"]] == list(DIMENSIONS["upstream"])
    assert data(sick("provider_fails"), "errors")["by"] == "outcome"
    assert set(BY) == {"outcome", *DIMENSIONS}


# --- what tells ----------------------------------------------------------------------------------


def stands_out(service: Service, look: str) -> bool:
    """Whether a reading is plainly not as on any day."""
    found = data(service, look)
    if isinstance(found, dict) and "rows" in found:
        by = found["by"]
        for row in found["rows"]:
            total = max(1, row["total"])
            beyond = row["bad"] / total - row["usual"]
            others = [one for one in found["rows"] if one is not row]
            rest = sum(one["bad"] for one in others) / max(1, sum(o["total"] for o in others))
            if found["thing"] == "traffic" and row["total"] > 1.7 * row["usual"]:
                return True
            if beyond > 0.04 and (by == "outcome" or row["bad"] / total > 2 * rest):
                return True
        return False
    if look == "status":
        return "degraded" in found.values()
    now, usual = found["now"], found["usual"]
    return bool(now > 1.35 * usual + 0.5 or now < 0.6 * usual)


@pytest.mark.parametrize("seed", [1, 2])
@EVERY
def test_something_that_tells_a_cause_stands_out_once_it_lasts_a_while(
    name: str, seed: int
) -> None:
    service = service_of(name, seed, minutes=28 if name != "nothing" else 12)
    telling = causes()[name].telling
    expected = [look for look in telling if look != "rejudge" and name != "metrics_broken"]
    if name in ("judge_drifted", "metrics_broken"):  # it tells by what it does not find
        assert not stands_out(service, telling[0]) or data(service, telling[0])["now"] <= 2
        return
    assert any(stands_out(service, look) for look in expected)


def test_on_a_calm_day_nothing_stands_out() -> None:
    service = Service(replace(SURPRISE, causes=("nothing",)), 1)
    service.wait(25 * MINUTE)
    for thing in ("errors", "latency", "cost", "safety", "traffic"):
        for by in ("region", "upstream", "release", "bundle", "cache", "surface"):
            assert not stands_out(service, f"{thing} by {by}"), (thing, by)
    assert not any(stands_out(service, gauge) for gauge in GAUGES)
    assert not stands_out(service, "probe")


def test_the_outcomes_of_failures_are_those_of_their_cause() -> None:
    for name, cause in causes().items():
        if cause.sli == "availability" and not cause.lost:
            found = rows(sick(name), "errors by outcome")
            assert max(found, key=lambda row: row["bad"])["value"] == cause.outcome
            assert [row["value"] for row in found] == list(OUTCOMES)


def test_a_gauge_goes_back_to_its_usual_value_once_its_cause_is_mended() -> None:
    service = service_of("retry_storm")
    assert data(service, "attempts")["now"] > 2.5
    service.apply("cap_retries")
    service.wait(5 * MINUTE)
    assert data(service, "attempts")["now"] == pytest.approx(1.1, rel=0.07)


def test_the_provider_s_page_admits_to_an_outage_late() -> None:
    early, late = service_of("provider_fails", minutes=8), service_of("provider_fails", minutes=27)
    value = early.world.hits[0].value
    assert data(early, "status") == {"north": "all systems operational"} | {
        "south": "all systems operational"
    }
    assert data(late, "status")[value] == "degraded"


def test_the_change_log_knows_nothing_of_later_and_says_how_each_is_undone() -> None:
    service = Service(replace(SURPRISE, causes=("gateway_release",)), 1)
    change = service.world.hits[0].change
    assert change not in [row["id"] for row in data(service, "changes")]
    service.wait(service.world.hits[0].fault.start)
    row = next(row for row in data(service, "changes") if row["id"] == change)
    assert row["undo"] == f"apply undo_change {change}"
    assert f"undone by: apply undo_change {change}" in read(service, ["changes"]).text


def test_users_complain_of_what_hurts_them_and_not_of_what_is_only_measured() -> None:
    hurt, measured = (service_of(name, minutes=40) for name in ("edge_config", "judge_drifted"))
    assert data(hurt, "support")["now"] > 8
    assert data(measured, "support")["now"] <= 4


@pytest.mark.parametrize("name", ["provider_outage", "slow_burn", "quiet_shift"])
def test_a_scenario_that_tells_its_faults_itself_can_be_read_as_well(name: str) -> None:
    scenario = SCENARIOS[name]
    service = Service(scenario, 1)
    service.wait(scenario.length / 2 // MINUTE * MINUTE)
    sli = scenario.slo.name
    thing = next(thing for thing, of in THINGS.items() if of == sli)
    good, total = service.counted(-WINDOW, name=sli)
    assert added(service, f"{thing} by upstream", "bad") == total - good
    for look in (*GAUGES, *OTHERS):
        assert read(service, [look]).text


def test_a_judged_share_is_told_as_a_range() -> None:
    assert " to " in read(sick("prompt_release"), ["quality", "by", "bundle"]).text
