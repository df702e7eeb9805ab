"""Lesson 05: the map of blind spots, as a plot and as an explorer, and the lesson's numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import exp
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from oncall.alerting import BurnRule, SilenceRule, google_policy
from oncall.alerting_lint import lint_alerting
from oncall.counts import Counts
from oncall.scenario import KnownIncident
from oncall.slo import SLO, burn_rate
from oncall.telemetry.backtest import VERDICTS, BlindSpots, blind_spots
from oncall.telemetry.engine import alert_intervals
from oncall.times import DAY, HOUR, MINUTE, SECOND
from oncall.workbook.lessons.blind_spot_map import (
    MINUTES,
    RATIOS,
    SECONDS,
    VERDICT_COLOURS,
    blind_spot_explorer,
    cheapest_page,
    costliest_silent,
    outage_map,
    plot_blind_spots,
)
from oncall.workbook.lessons.common import THREE_NINES
from oncall.workbook.plots import Plot
from oncall.workbook.plots.explorer import Explorer

LOOSE, POLICY = SLO("quality", 0.9), google_policy()
NOON = datetime(2025, 3, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def spots() -> BlindSpots:
    return outage_map(THREE_NINES, POLICY, 36_000)


@pytest.fixture(scope="module")
def plot(spots: BlindSpots, incidents: tuple[KnownIncident, ...]) -> Plot:
    return plot_blind_spots(spots, THREE_NINES, incidents)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return blind_spot_explorer()


# --- the numbers of the lesson -------------------------------------------------------------------


def test_at_90_percent_an_hour_of_outage_costs_1_39_percent_and_14_4x_is_out_of_reach() -> None:
    assert burn_rate(0, LOOSE) * (HOUR / LOOSE.period) == pytest.approx(0.0139, abs=0.00005)
    assert [rule.detection_time(LOOSE, 1) for rule in POLICY] == [
        None,
        timedelta(hours=3, minutes=36),
        timedelta(hours=7, minutes=12),
        timedelta(hours=7, minutes=12),
    ]
    assert [finding.rule for finding in lint_alerting(POLICY, LOOSE)] == ["unreachable"]
    mended = BurnRule(HOUR, 5 * MINUTE, 7.2)
    assert mended.detection_time(LOOSE, 1) == timedelta(minutes=43, seconds=12)
    assert lint_alerting((mended,), LOOSE) == []


def test_one_failure_of_ten_fires_all_four_rules_and_two_ways_out_mend_it() -> None:
    needed = [round(rule.lone_failure_fires_below(THREE_NINES), 1) for rule in POLICY]
    assert needed == [69.4, 166.7, 333.3, 1000.0]
    assert len(lint_alerting(POLICY, THREE_NINES, traffic=10)) == 4
    assert lint_alerting(POLICY, THREE_NINES, traffic=70) == []
    assert lint_alerting(POLICY, THREE_NINES, traffic=130) == []
    assert lint_alerting(POLICY, SLO("availability", 0.99), traffic=10) == []


def test_one_probe_a_minute_is_too_few_for_users_who_come_at_random_and_two_are_enough() -> None:
    users = np.random.default_rng(4).poisson(10, size=100_000)
    needed = POLICY[0].lone_failure_fires_below(THREE_NINES)
    assert (60 + users < needed).mean() == pytest.approx(0.46, abs=0.005)
    assert needed < 2 * 60


def test_a_closed_door_burns_nothing_and_only_the_silence_rule_speaks() -> None:
    total = [600] * 360 + [0] * 120
    closed = Counts(NOON - 6 * HOUR, MINUTE, total, total)
    assert alert_intervals(closed, THREE_NINES, POLICY) == []
    watchful = (*POLICY, SilenceRule(10 * MINUTE, severity="sev1"))
    (fired,) = alert_intervals(closed, THREE_NINES, watchful)
    assert fired.start == NOON + 10 * MINUTE


def test_the_gaps_that_chance_makes_are_counted_rightly() -> None:
    """7,200 requests of a month at random moments, 50 times over."""
    random = np.random.default_rng(4)
    gaps = random.exponential(6, size=50 * 7200)  # in minutes, at 10 an hour
    assert (gaps > 10).sum() / 50 == pytest.approx(7200 * exp(-10 / 6), rel=0.01)


def test_51_seconds_of_everything_failing_fire_nothing_and_52_page() -> None:
    for seconds, paged in ((51, False), (52, True)):
        good = [100] * (3 * DAY // SECOND) + [0] * seconds + [100] * 3600
        counts = Counts(NOON - 3 * DAY, SECOND, good, [100] * len(good))
        assert bool(alert_intervals(counts, THREE_NINES, POLICY)) == paged


# --- the map -------------------------------------------------------------------------------------


def test_the_map_is_that_of_blind_spots_in_two_steps_of_time(spots: BlindSpots) -> None:
    assert (spots.error_ratios, spots.durations) == (RATIOS, SECONDS + MINUTES)
    assert list(spots.durations) == sorted(spots.durations)
    late = blind_spots(THREE_NINES, POLICY, 36_000, error_ratios=RATIOS, durations=MINUTES)
    np.testing.assert_array_equal(spots.verdict[:, len(SECONDS) :], late.verdict)
    np.testing.assert_array_equal(spots.budget_lost[:, len(SECONDS) :], late.budget_lost)


def test_its_border_is_where_the_detection_times_of_the_rules_are(spots: BlindSpots) -> None:
    for row, ratio in enumerate(spots.error_ratios):
        for name in ("ticket", "page"):
            times = [
                rule.detection_time(THREE_NINES, ratio) for rule in POLICY if rule.action == name
            ]
            soonest = min((time for time in times if time is not None), default=None)
            for column, length in enumerate(spots.durations):
                seen = spots.verdict[row, column] >= VERDICTS.index(name)
                if soonest is None or length <= soonest:
                    assert name == "ticket" or not seen
                elif length >= soonest + MINUTE:
                    assert seen


def test_the_costliest_silent_outage_and_the_cheapest_page(spots: BlindSpots) -> None:
    silent, page = costliest_silent(spots), cheapest_page(spots)
    assert silent is not None
    assert silent.outage == "0.1% for 3d"
    assert silent.costs == pytest.approx(0.1)
    assert page is not None
    assert page.outage == "6.3% for 15m"
    assert page.costs == pytest.approx(0.063 * 15 / 43.2)  # the first rule lets 2 % go


def test_there_may_be_no_silent_outage_that_costs_anything_and_no_page() -> None:
    assert costliest_silent(outage_map(THREE_NINES, POLICY, 10)) is None
    tickets = outage_map(THREE_NINES, POLICY[2:], 36_000)
    assert cheapest_page(tickets) is None
    assert "no outage pages" in plot_blind_spots(tickets, THREE_NINES).numbers


# --- the picture ---------------------------------------------------------------------------------


def fields(mesh: Any) -> Any:
    """The verdicts as they are drawn, one row per error ratio."""
    rows, columns, _ = mesh.get_coordinates().shape
    return np.asarray(mesh.get_array()).reshape(rows - 1, columns - 1)


def test_the_fields_are_drawn_in_three_colours_around_their_error_ratios_and_durations(
    plot: Plot, spots: BlindSpots
) -> None:
    (axes,) = plot.figure.axes
    mesh: Any = axes.collections[0]
    np.testing.assert_array_equal(fields(mesh), spots.verdict)
    drawn = [to_hex(mesh.get_cmap()(mesh.norm(verdict))) for verdict in range(3)]
    assert drawn == [colour.lower() for colour in VERDICT_COLOURS]
    corners, seconds = mesh.get_coordinates(), [length / SECOND for length in spots.durations]
    for edges, centres in ((corners[0, :, 0], seconds), (corners[:, 0, 1], spots.error_ratios)):
        assert (edges[:-1] < centres).all()
        assert (centres < edges[1:]).all()


def test_it_has_units_a_scale_of_both_and_a_legend(plot: Plot) -> None:
    (axes,) = plot.figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("the outage lasts", "requests that fail, %")
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["10s", "1m", "10m", "1h", "6h", "1d", "3d"]
    assert "99.9%" in plot.figure.get_suptitle()
    assert [text.get_text() for text in plot.figure.legends[0].get_texts()] == [
        "silent",
        "ticket",
        "page",
        "this share of the month's budget is gone",
    ]


@pytest.mark.parametrize("share", ["1%", "10%", "100%"])
def test_a_line_joins_the_outages_that_cost_the_same(
    plot: Plot, spots: BlindSpots, share: str
) -> None:
    (axes,) = plot.figure.axes
    number = ["1%", "10%", "100%"].index(share)
    seconds, ratio = axes.lines[number].get_data()
    cost = np.asarray(seconds) * np.asarray(ratio) / 2592
    np.testing.assert_allclose(cost, float(share[:-1]) / 100)
    assert axes.texts[number].get_text() == share
    half, hour = spots.error_ratios.index(0.5), spots.durations.index(HOUR)
    assert spots.budget_lost[half, hour] == pytest.approx(0.5 * 3600 / 2592)


def test_the_incidents_of_the_month_are_dots_of_which_the_numbers_say_the_field(
    plot: Plot, incidents: tuple[KnownIncident, ...]
) -> None:
    (axes,) = plot.figure.axes
    dots = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    ended = [incident for incident in incidents if incident.end]
    sizes = [((incident.end - incident.start) / SECOND, incident.error_ratio) for incident in ended]
    assert dots == sizes
    assert [text.get_text() for text in axes.texts][3:] == [str(number) for number in range(1, 13)]
    by_field = (
        "silent: incident 1; ticket: incident 7, 11; page: incident 2, 3, 4, 5, 6, 8, 9, 10, 12."
    )
    assert plot.numbers.endswith(by_field)


# --- the explorer --------------------------------------------------------------------------------


def test_the_explorer_shows_the_map_of_its_controls(explorer: Explorer) -> None:
    for target, traffic, tickets in (
        (0.999, 10_000, True),
        (0.9, 100, True),
        (0.9999, 1000, False),
    ):
        explorer.set(target=target, traffic=traffic, tickets=tickets)
        policy = POLICY if tickets else POLICY[:2]
        expected = outage_map(SLO("availability", target), policy, traffic)
        np.testing.assert_array_equal(fields(explorer.artists["map"]), expected.verdict)
        total: Any = explorer.artists["line 100%"]
        seconds, ratio = total.get_data()
        np.testing.assert_allclose(seconds * ratio, 30 * 86_400 * (1 - target))


def test_without_tickets_half_of_the_budget_can_go_in_silence(explorer: Explorer) -> None:
    assert explorer.set(target=0.999, traffic=10_000, tickets=False) == {
        "target": 0.999,
        "traffic": 10_000,
        "tickets": False,
        "silent_outage": "0.5% for 3d",
        "silent_costs": 0.5,
        "page_outage": "6.3% for 15m",
        "page_costs": 0.0218,
        "unreachable": 0,
        "lone_failure_fires": 0,
    }


def test_the_model_counts_what_is_wrong_with_the_rules(explorer: Explorer) -> None:
    assert explorer.set(target=0.9, traffic=10_000, tickets=True)["unreachable"] == 1
    few = explorer.set(target=0.999, traffic=10)
    assert (few["lone_failure_fires"], few["page_costs"], few["silent_outage"]) == (4, 0.1389, None)
    assert "no silent outage costs anything" in explorer.text


@pytest.mark.parametrize(
    ("target", "shown"), [(0.9, [True] * 3), (0.999, [True] * 3), (0.9999, [True] * 3)]
)
def test_each_line_has_its_share_written_where_it_can_be_seen(
    explorer: Explorer, target: float, shown: list[bool]
) -> None:
    explorer.set(target=target, traffic=10_000, tickets=True)
    (axes,) = explorer.figure.axes
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    texts: list[Any] = [explorer.artists[f"text {share}"] for share in ("1%", "10%", "100%")]
    assert [text.get_visible() for text in texts] == shown
    for text in texts:
        x, y = text.get_position()
        assert left <= x <= right
        assert low <= y <= 1.2 * high
