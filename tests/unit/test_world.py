"""The world of a shift: its parts add up, its causes combine, and a mitigation is to be aimed."""

from __future__ import annotations

import pytest
from worlds import NAMES, aimed, bare, levels, right_aim, world

from oncall.gameday.causes import AIMS, DIMENSIONS, SLOS, SPOILS, USUAL, causes
from oncall.gameday.world import Active, Where, World

EVERY = pytest.mark.parametrize("name", NAMES)
SEEDS = range(1, 6)


def weights(of: World, where: Where, active: Active = ()) -> dict[str, float]:
    """The requests of a part of the traffic, and those that are bad in each SLI."""
    rates = of.measured(levels(of), active, where)
    bad = {name: share * rates.traffic for name, share in rates.bad.items()}
    return {"requests": rates.traffic, **bad}


def added_up(of: World, parts: list[Where], active: Active = ()) -> dict[str, float]:
    found = [weights(of, part, active) for part in parts]
    return {key: sum(one[key] for one in found) for key in found[0]}


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", DIMENSIONS.values(), ids=DIMENSIONS)
def test_the_shares_of_a_dimension_are_a_whole(values: dict[str, float]) -> None:
    assert sum(values.values()) == pytest.approx(1)


@EVERY
def test_the_parts_of_every_dimension_add_up_to_the_whole(name: str) -> None:
    for seed in SEEDS:
        of = bare(name, seed=seed)
        for active in ((), (("serve_degraded", ""),)):
            for dimension, values in DIMENSIONS.items():
                parts: list[Where] = [((dimension, value),) for value in values]
                assert added_up(of, parts, active) == pytest.approx(weights(of, (), active))


@EVERY
def test_the_parts_of_a_filter_add_up_to_what_it_lets_through(name: str) -> None:
    for seed in SEEDS:
        of = bare(name, seed=seed)
        for outer in {of.hits[0].dimension or "region", of.hits[0].beside[0] or "tenant"}:
            for inner in set(DIMENSIONS) - {outer}:
                for value in DIMENSIONS[outer]:
                    where = ((outer, value),)
                    parts: list[Where] = [(*where, (inner, each)) for each in DIMENSIONS[inner]]
                    assert added_up(of, parts) == pytest.approx(weights(of, where))


@EVERY
def test_what_is_wrong_is_wrong_in_its_segment_alone(name: str) -> None:
    of = bare(name)
    [hit] = of.hits
    sli = hit.cause.sli
    if not hit.dimension:
        return
    for value in DIMENSIONS[hit.dimension]:
        bad = of.measured(levels(of), (), ((hit.dimension, value),)).bad[sli]
        assert (bad > 0.1) == (value == hit.value)
        assert bad == pytest.approx(USUAL[sli]) or value == hit.value


def test_what_lies_beside_a_segment_looks_sick_too_and_less_so_once_the_segment_is_left_out() -> (
    None
):
    of = next(
        one for one in (bare("gateway_release", seed=n) for n in SEEDS) if one.hits[0].overlap
    )
    [hit] = of.hits
    beside = (hit.beside,)

    def bad(*where: tuple[str, str]) -> float:
        return of.measured(levels(of), (), where).bad["availability"]

    assert bad(*beside) > 1.1 * bad()
    assert bad(*beside) < bad((hit.dimension, hit.value))
    healthy = next(value for value in DIMENSIONS[hit.dimension] if value != hit.value)
    assert bad((hit.dimension, healthy), *beside) == pytest.approx(USUAL["availability"])


def test_a_segment_that_swells_has_as_many_times_its_traffic() -> None:
    for name, cause in causes().items():
        of = bare(name)
        [hit] = of.hits
        where = ((hit.dimension, hit.value),) if hit.dimension else ()
        traffic = of.measured(levels(of), (), where).traffic
        expected = 0.0 if cause.lost else of.size(where) * cause.swells
        assert traffic == pytest.approx(expected), name


# --- what is counted, and what users feel --------------------------------------------------------


@EVERY
def test_what_is_not_ours_is_counted_and_not_felt(name: str) -> None:
    of, cause = bare(name), causes()[name]
    felt, counted = of.true(levels(of), ()), of.measured(levels(of), ())
    if cause.is_ours:
        assert felt.bad[cause.sli] > 1 - SLOS[cause.sli].target
    else:
        assert felt.bad == pytest.approx(USUAL)
        assert counted.traffic == 0 or counted.bad[cause.sli] > 1 - SLOS[cause.sli].target


def test_requests_that_are_lost_are_bad_for_users_and_nothing_is_counted() -> None:
    of = bare("edge_lost")
    assert of.measured(levels(of), ()).traffic == 0
    assert of.true(levels(of), ()).bad["availability"] == 1
    assert bare("metrics_broken").measured(levels(bare("metrics_broken")), ()).traffic == 0


@pytest.mark.parametrize(
    "names",
    [
        ("provider_fails", "guardrail_strict"),
        ("gateway_release", "straggler"),
        ("cache_mixes_keys", "prompt_injection"),
    ],
)
def test_two_causes_combine_as_things_that_know_nothing_of_each_other(
    names: tuple[str, str],
) -> None:
    of = bare(*names)
    both, first, second = (of.measured(levels(of, only), ()).bad for only in (None, 0, 1))
    for sli, usual in USUAL.items():
        good = (1 - first[sli]) * (1 - second[sli]) / (1 - usual)
        assert 1 - both[sli] == pytest.approx(good)
    mended = of.measured(levels(of), aimed(of.hits[0], *of.hits[0].effects)).bad
    assert mended[of.hits[1].cause.sli] >= second[of.hits[1].cause.sli] - 1e-9


# --- mitigations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mitigation"),
    [(name, one) for name in NAMES for one in causes()[name].effects if one in AIMS],
)
def test_a_mitigation_with_the_wrong_aim_does_nothing_but_spoil(name: str, mitigation: str) -> None:
    of = next(one for one in (bare(name, seed=n) for n in SEEDS) if one.hits[0].change or n_a(name))
    [hit] = of.hits
    kind = AIMS[mitigation]
    aims = [one.id for one in of.changes] if kind == "change" else list(DIMENSIONS[kind])
    right = right_aim(hit, mitigation)
    before = of.measured(levels(of), ()).bad
    for aim in ["", "C999", *aims]:
        acts = aim == right and (kind in ("change", hit.dimension))
        assert hit.helps(mitigation, aim) == acts
        if not acts:
            after = of.measured(levels(of), ((mitigation, aim),)).bad
            for sli, bad in before.items():
                spoiled = 1 - (1 - bad) * (1 - SPOILS.get(mitigation, {}).get(sli, 0.0))
                assert after[sli] == pytest.approx(spoiled)


def n_a(name: str) -> bool:
    """Whether a cause has no change that brings it."""
    return not causes()[name].change


@pytest.mark.parametrize("mitigation", SPOILS)
def test_a_mitigation_spoils_what_the_table_says_as_long_as_it_is_in_effect(
    mitigation: str,
) -> None:
    calm = bare("provider_fails")
    none = (0.0,) * len(calm.hits)
    rates = calm.measured(none, ((mitigation, "nobody"),))
    for sli, usual in USUAL.items():
        spoiled = SPOILS[mitigation].get(sli, 0.0)
        assert 1 - rates.bad[sli] == pytest.approx((1 - usual) * (1 - spoiled))
    assert calm.measured(none, ()).bad == pytest.approx(USUAL)


def test_a_mitigation_that_fits_another_cause_can_make_it_worse() -> None:
    of = bare("retry_storm")
    before, after = (
        of.measured(levels(of), active).bad["availability"]
        for active in ((), (("hedge_requests", ""),))
    )
    assert after > 1.3 * before


def test_a_degraded_reply_is_an_answer_and_no_good_one() -> None:
    of = bare("provider_fails")
    rates = of.true(levels(of), (("serve_degraded", ""),))
    assert rates.bad["availability"] < 0.04
    assert rates.bad["quality"] > 0.8 * of.true(levels(of), ()).bad["availability"]


@EVERY
def test_what_is_bad_is_a_share_whatever_is_in_effect(name: str) -> None:
    of = world(name)
    [hit] = of.hits
    for active in ((), aimed(hit, *hit.effects), tuple((one, "") for one in SPOILS)):
        for rates in (of.measured(levels(of), active), of.true(levels(of), active)):
            assert all(0 <= bad <= 1 for bad in rates.bad.values())
            assert rates.traffic >= 0
