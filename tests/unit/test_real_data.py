"""Real telemetry that lies beside the project, where it does.

A shop on AWS, and a shop under fault injection.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oncall.alerting import AlertInterval, alert_intervals, google_policy
from oncall.counts import Counts, read_csv
from oncall.slo import SLO, burn_rate, sli
from oncall.times import MINUTE

DATA = Path(__file__).parents[3] / "shared" / "data"
TWO_NINES = SLO("availability", 0.99)
THREE_NINES = SLO("availability", 0.999)

pytestmark = pytest.mark.filterwarnings("error")  # these files have no gaps


def real(name: str) -> Counts:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name}: ../shared/data holds it, which is not part of the project")
    return read_csv(path)


def spent(counts: Counts, slo: SLO) -> float:
    """The share of these events' error budget that they spent."""
    return burn_rate(sli(sum(counts.good), sum(counts.total)), slo)


def per_rule(intervals: list[AlertInterval]) -> Counter[str]:
    return Counter(interval.rule.name for interval in intervals)


@pytest.fixture(scope="module")
def shop() -> Counts:
    return real("petshop/low_traffic.counts.csv")


def test_the_shop_is_589_buckets_of_five_minutes_with_total_before_good_in_the_file(
    shop: Counts,
) -> None:
    assert shop.start == datetime(2023, 8, 21, 9, tzinfo=UTC)
    assert (shop.step, len(shop)) == (5 * MINUTE, 589)
    assert (sum(shop.good), sum(shop.total)) == (284_058, 285_225)


def test_at_99_percent_the_shop_spent_0_4092_of_its_own_budget_and_2_79_percent_of_a_month(
    shop: Counts,
) -> None:
    assert spent(shop, TWO_NINES) == pytest.approx(0.4092, abs=0.00005)
    month = (shop.end - shop.start) / TWO_NINES.period
    assert spent(shop, TWO_NINES) * month == pytest.approx(0.0279, abs=0.00005)


def test_at_99_percent_nothing_pages_and_each_ticket_rule_fires_once_on_partial_coverage(
    shop: Counts,
) -> None:
    tickets = alert_intervals(shop, TWO_NINES, google_policy())
    assert per_rule(tickets) == {"3x 1d/2h": 1, "1x 3d/6h": 1}
    assert all(interval.coverage < 1 for interval in tickets)


def test_at_99_9_percent_the_shop_spent_4_0915_of_its_events_budget(shop: Counts) -> None:
    assert spent(shop, THREE_NINES) == pytest.approx(4.0915, abs=0.00005)


def test_at_99_9_percent_each_page_rule_fires_twice_first_on_partial_and_then_on_full_coverage(
    shop: Counts,
) -> None:
    intervals = alert_intervals(shop, THREE_NINES, google_policy())
    pages = [interval for interval in intervals if interval.rule.action == "page"]
    assert per_rule(pages) == {"14.4x 1h/5m": 2, "6x 6h/30m": 2}
    assert [interval.coverage == 1 for interval in pages] == [False, False, True, True]


def test_the_busier_shop_pages_nobody_at_99_9_percent() -> None:
    counts = real("petshop/high_traffic.counts.csv")
    intervals = alert_intervals(counts, THREE_NINES, google_policy())
    assert {interval.rule.action for interval in intervals} == {"ticket"}


def test_the_minutes_of_the_shop_under_fault_injection_are_read() -> None:
    minutes = real("nezha/2022-08-22.minutes.csv")
    assert minutes.start == datetime(2022, 8, 22, 3, 51, tzinfo=UTC)
    assert (minutes.step, len(minutes)) == (MINUTE, 1209)
    assert (sum(minutes.good), sum(minutes.total)) == (1077, 1209)
