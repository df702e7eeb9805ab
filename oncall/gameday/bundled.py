"""The bundled scenarios: the shifts that can be played, and the month in ``data/``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oncall.scenario import Fault, RedHerring, Review, Scenario
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE, SECOND


def _shift(
    name: str,
    title: str,
    *,
    sli: str = "availability",
    day: int = 4,
    hour: int = 16,
    errors: float = 0.003,
    faults: tuple[Fault, ...] = (),
    red_herrings: tuple[RedHerring, ...] = (),
    reviews: tuple[Review, ...] = (),
) -> Scenario:
    """Eight hours in March 2025, at 1,200 requests a minute and a target of 99 %."""
    start, slo = datetime(2025, 3, day, hour, tzinfo=UTC), SLO(sli, 0.99)
    return Scenario(name, title, start, 8 * HOUR, slo, 1200, errors, faults, red_herrings, reviews)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        _shift(
            "provider_outage",
            "The model provider fails half of the requests for the rest of the evening.",
            faults=(
                Fault(
                    "model_provider_outage",
                    2 * HOUR + 12 * MINUTE,
                    0.5,
                    title="model provider outage",
                ),
            ),
            red_herrings=(RedHerring(2 * HOUR, "deploy of the billing service"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "All requests go to one model provider, and it failed half of them.",
                        "The circuit breaker opens only by hand.",
                        "The page comes when the hour's budget share is gone, 18 minutes into the outage.",
                    ),
                    went_well=(
                        "The first person paged answered.",
                        "Each mitigation showed in the SLI before the next.",
                    ),
                    went_wrong=(
                        "Users saw errors for the whole time that the runbook waited for a person.",
                    ),
                    lucky=("The secondary provider had capacity to spare.",),
                ),
            ),
        ),
        _shift(
            "rate_limit_storm",
            "Retries multiply until the provider's rate limit refuses a third of the requests.",
            day=5,
            hour=8,
            faults=(
                Fault(
                    "rate_limit_storm",
                    100 * MINUTE,
                    0.3,
                    10 * MINUTE,
                    title="retries storm the rate limit",
                ),
            ),
            red_herrings=(RedHerring(95 * MINUTE, "the provider announces a new model"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "Three layers retry by themselves, so that one refusal becomes eight requests.",
                        "Batch jobs share their quota with users.",
                    ),
                    went_well=("The share of 429s named the symptom within minutes.",),
                    went_wrong=(
                        "The higher rate limit needed an approval while users saw errors.",
                    ),
                    lucky=("The batch jobs could wait.",),
                    action_items=(
                        (
                            "prevent",
                            "retry in one layer only, with a budget of a tenth of the requests",
                        ),
                    ),
                ),
            ),
        ),
        _shift(
            "slow_first_token",
            "Prompts have grown, and a quarter of the answers start too late.",
            sli="first_token",
            day=6,
            hour=8,
            faults=(
                Fault(
                    "slow_first_token",
                    125 * MINUTE,
                    0.25,
                    20 * MINUTE,
                    title="first token comes late",
                ),
            ),
            red_herrings=(RedHerring(2 * HOUR, "the CDN reports slow images in one region"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "The new retriever returns three times as many passages.",
                        "Latency was tested with short prompts only.",
                    ),
                    went_well=("The runbook named the prompt length among its first checks.",),
                    went_wrong=(
                        "The context limit of the retriever is set by hand in two places.",
                    ),
                    lucky=("The smaller model had been evaluated the week before.",),
                    action_items=(
                        ("prevent", "alert on the p95 of the prompt length before each roll-out"),
                    ),
                ),
            ),
        ),
        _shift(
            "quality_regression",
            "The provider moves an alias to a new model snapshot, and an eighth of the answers turn bad.",
            sli="quality",
            day=7,
            hour=13,
            faults=(
                Fault(
                    "quality_regression",
                    HOUR,
                    0.12,
                    HOUR,
                    title="worse answers after a model update",
                ),
            ),
            red_herrings=(RedHerring(50 * MINUTE, "a change of the greeting text goes out"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "The service calls an alias of the model that the provider may move.",
                        "The prompt had been tuned to a preview of the new snapshot.",
                    ),
                    went_well=("The judge's verdicts by snapshot showed the cause at a glance.",),
                    went_wrong=("More than three hours went by before the page.",),
                    lucky=("The previous snapshot was still offered.",),
                    action_items=(
                        (
                            "prevent",
                            "run the evaluation set against each new snapshot before it is used",
                        ),
                    ),
                ),
            ),
        ),
        _shift(
            "stale_index",
            "The ingestion job has stopped, and answers fall behind the documents.",
            sli="quality",
            day=10,
            hour=8,
            faults=(Fault("stale_index", HOUR, 0.2, HOUR, title="answers from a stale index"),),
            red_herrings=(RedHerring(HOUR, "the search cluster restarts a node, as each Monday"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "The ingestion job stopped without an error.",
                        "An incomplete build of the index was put in place.",
                    ),
                    went_well=("The last complete build was kept.",),
                    went_wrong=("Nothing watched the age of the newest document.",),
                    lucky=("It was a working day, and the search team was at hand.",),
                    action_items=(
                        ("detect", "alert when the newest document is older than six hours"),
                    ),
                ),
            ),
        ),
        _shift(
            "cost_runaway",
            "An agent loops over its tools, and three answers in ten cost more than their budget.",
            sli="cost",
            day=11,
            hour=8,
            faults=(
                Fault(
                    "cost_runaway", 150 * MINUTE, 0.3, title="answers cost more than their budget"
                ),
            ),
            red_herrings=(RedHerring(140 * MINUTE, "the invoice of the month before arrives"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "A tool returns an empty list for an unknown date, and the agent tries again without end.",
                        "No cap on tool calls was set for this tenant.",
                    ),
                    went_well=("Spend by tenant pointed at one of them.",),
                    went_wrong=("The cap on tool calls has no default.",),
                    lucky=("The day's spend limit was not reached.",),
                    action_items=(("prevent", "give tool calls a default cap of eight an answer"),),
                ),
            ),
        ),
        _shift(
            "guardrail_false_positives",
            "A new guardrail rule blocks a fifth of the answers, good ones among them.",
            day=12,
            hour=8,
            faults=(
                Fault(
                    "guardrail_false_positives",
                    75 * MINUTE,
                    0.2,
                    title="guardrail blocks good answers",
                ),
            ),
            red_herrings=(
                RedHerring(70 * MINUTE, "a security newsletter warns of prompt injection"),
            ),
            reviews=(
                Review(
                    contributing_factors=(
                        "The new rule matches a word that is common in two languages.",
                        "Rules go live for all users at once.",
                    ),
                    went_well=("Each rule can be put in shadow mode by itself.",),
                    went_wrong=("Blocked answers were not counted by rule until this shift.",),
                    lucky=("No attack ran while the rule was in shadow mode.",),
                    action_items=(
                        ("prevent", "run each new rule in shadow mode for a day before it blocks"),
                    ),
                ),
            ),
        ),
        _shift(
            "poisoned_cache",
            "The answer cache mixes up two languages, and a quarter of the answers are wrong.",
            sli="quality",
            day=13,
            hour=8,
            faults=(Fault("poisoned_cache", 3 * HOUR, 0.25, title="cache serves broken answers"),),
            red_herrings=(
                RedHerring(170 * MINUTE, "the cache cluster reports a higher hit rate than ever"),
            ),
            reviews=(
                Review(
                    contributing_factors=(
                        "The cache key lacks the language of the question.",
                        "The judge reads one answer in a hundred, cached and fresh ones alike.",
                    ),
                    went_well=(
                        "Nothing had to be purged, so the bad entries could be read afterwards.",
                    ),
                    went_wrong=("A higher hit rate looked like good news.",),
                    lucky=("Tenants are part of the key, so no answer reached another tenant.",),
                    action_items=(
                        (
                            "prevent",
                            "test the cache key with pairs of questions that must not share it",
                        ),
                    ),
                ),
            ),
        ),
        _shift(
            "gpu_capacity",
            "The cloud takes spot GPUs back at the peak, and a fifth of the answers start too late.",
            sli="first_token",
            day=14,
            hour=8,
            faults=(
                Fault(
                    "gpu_capacity",
                    2 * HOUR,
                    0.2,
                    30 * MINUTE,
                    title="out of GPU capacity at the peak",
                ),
            ),
            red_herrings=(RedHerring(110 * MINUTE, "a data science notebook holds one GPU"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "Half of the replicas run on spot capacity in one zone.",
                        "The autoscaler does not know the reserved pool.",
                    ),
                    went_well=("Batch work could be shed within two minutes.",),
                    went_wrong=("The reserve needed an approval and eight minutes to start.",),
                    lucky=("The reserved pool was free.",),
                    action_items=(("prevent", "spread the replicas over three zones"),),
                ),
            ),
        ),
        _shift(
            "quiet_shift",
            "A deploy, a blip of 51 seconds, and nothing to do.",
            day=9,
            faults=(
                Fault("gpu_capacity", 3 * HOUR, 1.0, duration=51 * SECOND, title="a node drains"),
            ),
            red_herrings=(RedHerring(175 * MINUTE, "deploy of the assistant"),),
        ),
        _shift(
            "slow_burn",
            "A few answers are out of date, all day long: a ticket, not a page.",
            sli="quality",
            day=18,
            hour=8,
            errors=0.008,
            faults=(
                Fault("stale_index", 30 * MINUTE, 0.03, title="one source is no longer ingested"),
            ),
            red_herrings=(
                RedHerring(4 * HOUR, "a user complains about the colour of the new button"),
            ),
        ),
        _shift(
            "flapping_provider",
            "The model provider fails for a quarter of an hour, recovers, and fails again.",
            day=19,
            faults=tuple(
                Fault(
                    "model_provider_outage",
                    (90 + 30 * i) * MINUTE,
                    0.6,
                    duration=15 * MINUTE,
                    title="provider flaps",
                )
                for i in range(8)
            ),
            red_herrings=(RedHerring(2 * HOUR, "the provider's status page turns green"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "The provider's load balancer took a bad pool in and out of service.",
                        "Each flap ended before the page for it had been answered.",
                    ),
                    went_well=(
                        "The circuit breaker was kept open until half an hour had been quiet.",
                    ),
                    went_wrong=("A second flap reached users before anything was mitigated.",),
                    lucky=("The secondary provider was not hit.",),
                ),
            ),
        ),
        _shift(
            "two_incidents",
            "While the provider's failure is being watched, a new guardrail rule begins to block answers.",
            day=20,
            faults=(
                Fault("model_provider_outage", 90 * MINUTE, 0.5, title="model provider outage"),
                Fault(
                    "guardrail_false_positives",
                    140 * MINUTE,
                    0.25,
                    90 * MINUTE,
                    title="guardrail blocks answers",
                ),
            ),
            red_herrings=(
                RedHerring(145 * MINUTE, "the provider says that it sees signs of recovery"),
            ),
            reviews=(
                Review(
                    contributing_factors=(
                        "All requests go to one model provider.",
                        "Failing over needs a person.",
                    ),
                    went_well=("Users could work again within half an hour.",),
                    went_wrong=("The watch took the second dip for an echo of the first.",),
                    lucky=("Half of the requests still succeeded.",),
                ),
                Review(
                    contributing_factors=(
                        "The rule was rolled out region by region, with nothing to stop it.",
                        "Blocked answers and failed ones are counted together, and nothing tells them apart.",
                    ),
                    went_well=("The second incident got a record and a page of its own.",),
                    went_wrong=("The roll-out went on during an open sev1.",),
                    lucky=("The same people were still at the desk.",),
                    action_items=(("process", "hold all roll-outs while a sev1 is open"),),
                ),
            ),
        ),
        _shift(
            "false_alarm",
            "A load test with expired credentials is counted as user traffic.",
            day=21,
            hour=8,
            faults=(
                Fault(
                    "load_test",
                    2 * HOUR,
                    0.4,
                    duration=35 * MINUTE,
                    title="load test counted as users",
                    synthetic=True,
                ),
            ),
            red_herrings=(
                RedHerring(110 * MINUTE, "the provider announces maintenance for next week"),
            ),
        ),
        _shift(
            "silent_edge",
            "The edge loses every request before it is counted: nothing fails, nothing burns.",
            day=25,
            faults=(
                Fault(
                    "silent_edge",
                    2 * HOUR,
                    1.0,
                    duration=50 * MINUTE,
                    title="no request arrives",
                    lost=True,
                ),
            ),
            red_herrings=(RedHerring(115 * MINUTE, "the error rate is the lowest of the year"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "A certificate at the edge had run out, and every connection was refused.",
                        "Requests are counted behind the edge, so what it refuses is never counted.",
                    ),
                    went_well=("The rule that watches for silence paged after ten minutes.",),
                    went_wrong=("There is no runbook for the edge, and no way round it.",),
                    lucky=("The network team had a new certificate at hand.",),
                    action_items=(
                        ("detect", "probe the service from outside, every minute"),
                        ("process", "write a runbook for the edge"),
                    ),
                ),
            ),
        ),
        Scenario(
            "openai_2024_12_04",
            "The provider's night of 4 December 2024: all requests fail, then it looks over, then 45 % for 90 minutes.",
            start=datetime(2024, 12, 4, 22, tzinfo=UTC),
            length=8 * HOUR,
            slo=SLO("availability", 0.999),
            requests=60_000,
            errors=0.0002,
            faults=(
                Fault(
                    "model_provider_outage",
                    108 * MINUTE,
                    1.0,
                    duration=4 * MINUTE,
                    title="every request fails",
                ),
                Fault(
                    "model_provider_outage",
                    127 * MINUTE,
                    0.45,
                    duration=90 * MINUTE,
                    title="requests stall",
                ),
            ),
            red_herrings=(RedHerring(113 * MINUTE, "the error rate is back to that of any day"),),
            reviews=(
                Review(
                    contributing_factors=(
                        "All requests go to one model provider.",
                        "Failing over needs a person.",
                    ),
                    went_well=("The page came within two minutes.",),
                    went_wrong=("After the first wave the incident looked over.",),
                    lucky=("The secondary provider was not hit.",),
                ),
            ),
        ),
        Scenario(
            "copilot_2025_12_15",
            "15 December 2025 as a service behind it sees it: 46.97 % of the requests fail for three hours.",
            start=datetime(2025, 12, 15, 13, tzinfo=UTC),
            length=8 * HOUR,
            slo=SLO("availability", 0.999),
            requests=60_000,
            errors=0.0002,
            faults=(
                Fault(
                    "model_provider_outage",
                    135 * MINUTE,
                    0.4697,
                    duration=187 * MINUTE,
                    title="nearly half fails",
                ),
            ),
            red_herrings=(
                RedHerring(
                    135 * MINUTE, "a change of our own prompts, begun at noon, reaches all users"
                ),
            ),
            reviews=(
                Review(
                    contributing_factors=(
                        "All requests go to one model provider.",
                        "Failing over needs a person.",
                    ),
                    went_well=(
                        "Our own page came more than two hours before the provider's first post.",
                    ),
                    went_wrong=("Users saw errors until a person had failed over.",),
                    lucky=("The secondary provider was not hit.",),
                ),
            ),
        ),
    )
}
# The times and error ratios of the last two are those of data/public_incidents.csv; the service behind, its traffic
# and its reviews are made up.


def _at(day: int, hour: int, minute: int = 0) -> timedelta:
    return (day - 1) * DAY + hour * HOUR + minute * MINUTE


MONTH = Scenario(
    "assistant_30d",
    "Thirty days of an AI assistant, from a 51-second blip to a slow two-day burn.",
    start=datetime(2025, 3, 1, tzinfo=UTC),
    length=30 * DAY,
    warm_up=timedelta(),
    slo=SLO("availability", 0.999),
    requests=600,
    errors=0.0002,
    faults=(
        Fault(
            "gpu_capacity",
            _at(2, 13, 20),
            1.0,
            duration=51 * SECOND,
            title="51-second blip while a node drains",
        ),
        Fault(
            "rate_limit_storm",
            _at(4, 9, 5),
            0.12,
            10 * MINUTE,
            35 * MINUTE,
            title="retries storm the rate limit",
        ),
        Fault(
            "model_provider_outage",
            _at(6, 18, 12),
            0.5,
            duration=29 * MINUTE,
            title="model provider outage",
        ),
        Fault(
            "guardrail_false_positives",
            _at(8, 10),
            0.015,
            duration=5 * HOUR,
            title="guardrail blocks good answers",
        ),
        Fault(
            "model_provider_outage",
            _at(10, 23, 48),
            1.0,
            duration=4 * MINUTE,
            title="total outage, first wave",
        ),
        Fault(
            "model_provider_outage",
            _at(11, 0, 7),
            0.45,
            duration=30 * MINUTE,
            title="total outage, second wave",
        ),
        Fault(
            "stale_index",
            _at(13, 6),
            0.004,
            2 * HOUR,
            20 * HOUR,
            title="answers from a stale index",
        ),
        Fault(
            "slow_first_token",
            _at(17, 14, 30),
            0.06,
            30 * MINUTE,
            90 * MINUTE,
            title="first token times out",
        ),
        Fault(
            "poisoned_cache",
            _at(19, 11, 40),
            0.08,
            duration=25 * MINUTE,
            title="cache serves broken answers",
        ),
        Fault(
            "gpu_capacity",
            _at(21, 13),
            0.03,
            HOUR,
            3 * HOUR,
            title="out of GPU capacity at the peak",
        ),
        Fault(
            "quality_regression",
            _at(23, 9),
            0.0021,
            duration=2 * DAY,
            title="slow burn after a model update",
        ),
        Fault(
            "cost_runaway",
            _at(28, 16, 15),
            0.2,
            duration=12 * MINUTE,
            title="budget guard rejects requests",
        ),
    ),
)
