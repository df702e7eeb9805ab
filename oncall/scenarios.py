"""The bundled scenarios: the shifts that can be played, and the month in ``data/``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oncall.scenario import Fault, RedHerring, Review, Scenario
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, SECOND

_AVAILABILITY = SLO("availability", 0.99)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "provider_outage",
            "The model provider fails half of the requests for the rest of the evening.",
            start=datetime(2025, 3, 4, 16, tzinfo=UTC),
            length=8 * HOUR,
            slo=_AVAILABILITY,
            requests=1200,
            errors=0.003,
            faults=(Fault("model_provider_outage", 2 * HOUR + 12 * MINUTE, 0.5, title="model provider outage"),),
            red_herrings=(RedHerring(2 * HOUR, "deploy of the billing service, 12 minutes before"),),
            review=Review(
                contributing_factors=(
                    "All requests go to one model provider, and it failed half of them.",
                    "The circuit breaker opens only by hand.",
                    "The page comes when the hour's budget share is gone, 18 minutes into the outage.",
                ),
                went_well=("The first person paged answered.", "Each mitigation showed in the SLI before the next."),
                went_wrong=("Users saw errors for the whole time that the runbook waited for a person.",),
                lucky=("The secondary provider had capacity to spare.",),
            ),
        ),
    )
}


def _at(day: int, hour: int, minute: int = 0) -> timedelta:
    return (day - 1) * DAY + hour * HOUR + minute * MINUTE


MONTH = Scenario(
    "assistant_30d",
    "Thirty days of an AI assistant, from a 51-second blip to a slow two-day burn.",
    start=datetime(2025, 3, 1, tzinfo=UTC),
    length=30 * DAY,
    quiet=timedelta(),
    slo=SLO("availability", 0.999),
    requests=600,
    errors=0.0002,
    faults=(
        Fault("gpu_capacity", _at(2, 13, 20), 1.0, duration=51 * SECOND, title="51-second blip while a node drains"),
        Fault("rate_limit_storm", _at(4, 9, 5), 0.12, 10 * MINUTE, 35 * MINUTE, title="retries storm the rate limit"),
        Fault("model_provider_outage", _at(6, 18, 12), 0.5, duration=29 * MINUTE, title="model provider outage"),
        Fault("guardrail_false_positives", _at(8, 10), 0.015, duration=5 * HOUR, title="guardrail blocks good answers"),
        Fault("model_provider_outage", _at(10, 23, 48), 1.0, duration=4 * MINUTE, title="total outage, first wave"),
        Fault("model_provider_outage", _at(11, 0, 7), 0.45, duration=30 * MINUTE, title="total outage, second wave"),
        Fault("stale_index", _at(13, 6), 0.004, 2 * HOUR, 20 * HOUR, title="answers from a stale index"),
        Fault("slow_first_token", _at(17, 14, 30), 0.06, 30 * MINUTE, 90 * MINUTE, title="first token times out"),
        Fault("poisoned_cache", _at(19, 11, 40), 0.08, duration=25 * MINUTE, title="cache serves broken answers"),
        Fault("gpu_capacity", _at(21, 13), 0.03, HOUR, 3 * HOUR, title="out of GPU capacity at the peak"),
        Fault("quality_regression", _at(23, 9), 0.0021, duration=2 * DAY, title="slow burn after a model update"),
        Fault("cost_runaway", _at(28, 16, 15), 0.2, duration=12 * MINUTE, title="budget guard rejects requests"),
    ),
)
