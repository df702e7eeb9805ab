"""The mitigations of an AI service: what each does, its risk, its settle time, how to undo it.

And what each does about each symptom. Nearly all of this is data; the shares that a mitigation
catches are invented, for practice only. ``oncall.catalogue`` says which runbook lists which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from oncall.runbook import Mitigation
from oncall.times import MINUTE


def _reversible(
    name: str, action: str, risk: str, rollback: str, *, minutes: int = 2, approval: bool = False
) -> Mitigation:
    return Mitigation(name, action, True, risk, approval, rollback, minutes * MINUTE)


def _irreversible(name: str, action: str, risk: str, *, minutes: int = 2) -> Mitigation:
    return Mitigation(name, action, False, risk, True, "", minutes * MINUTE)


_MITIGATIONS = (
    _reversible("fail_over", "open the circuit breaker and fail over to the secondary provider",
        "low: if rehearsed; prompts, tools, data terms and cost differ",
        "close the circuit breaker"),
    _reversible("serve_cached", "serve cached answers where the same question was answered before",
        "low: if keyed by tenant; an answer may be a day old", "turn the answer cache off"),
    # No runbook lists this one. It is what people reach for when availability is all they watch.
    _reversible("cache_everything",
        "serve every request from the answer cache, with the nearest match if there is no other",
        "high: most near matches answer another question", "serve only exact matches again"),
    _reversible("serve_degraded", "give a degraded reply to whatever still fails",
        "medium: users get a short apology with search results",
        "turn the degraded reply off", minutes=1),
    _reversible("cap_retries", "cap retries at one, with backoff and jitter",
        "low: a request that fails twice is given up", "restore the retry policy"),
    _reversible("shed_low_priority",
        "shed low-priority load: batch jobs, prefetching, evaluation runs",
        "low: batch work ends later", "let it in again"),
    _reversible("raise_rate_limit", "switch to the reserve quota agreed with the provider",
        "medium: it costs more, and a storm may fill that too",
        "give the quota back", minutes=5, approval=True),
    _reversible("hedge_requests",
        "hedge: retry on a second replica when the first token is late, and take the faster answer",
        "low: up to a tenth more load", "turn hedging off"),
    _reversible("trim_context", "trim the retrieved context to its best passages",
        "medium: long questions lose detail", "restore the context length"),
    _reversible("use_small_model", "route to the smaller, faster model",
        "medium: hard questions get weaker answers", "route to the usual model", minutes=3),
    _reversible("pin_snapshot", "pin the previous model snapshot",
        "low: what the new snapshot does better is lost",
        "follow the current snapshot again", minutes=3),
    _reversible("roll_back_prompt", "roll back the last prompt change",
        "low: what it was made for is lost", "deploy the prompt again", minutes=3),
    _reversible("use_large_model", "send what the judge doubts to the larger model",
        "medium: those answers cost three times as much",
        "route to the usual model", minutes=3, approval=True),
    _reversible("restart_ingestion", "restart the ingestion job from its last checkpoint",
        "low: the sources see a burst of reads", "pause the ingestion job", minutes=10),
    _reversible("search_live", "search the sources live for questions about recent documents",
        "medium: those answers start later", "search the index again", minutes=3),
    _reversible("roll_back_index", "roll the index back to its last complete build",
        "medium: documents added since are missing",
        "point the alias at the newest build again", minutes=5, approval=True),
    _reversible("cap_tokens", "cap tokens and tool calls per answer",
        "low: long answers are cut short", "restore the caps"),
    _reversible("throttle_tenant", "throttle the tenant that spends most",
        "medium: that tenant waits", "lift the throttle"),
    _irreversible("raise_spend_limit", "raise today's spend limit",
        "high: money spent stays spent", minutes=1),
    _reversible("shadow_rule", "put the newest guardrail rule in shadow mode: log, do not block",
        "medium: what only that rule stops gets through, so watch safety",
        "enforce the rule again"),
    _reversible("second_opinion", "have a second classifier confirm each block",
        "medium: an answer that is checked twice starts later", "trust the first classifier again"),
    _reversible("raise_guardrail_threshold", "raise the guardrail's blocking threshold",
        "high: unsafe answers get through", "restore the threshold", approval=True),
    _reversible("bypass_cache", "bypass the answer cache",
        "medium: the model sees a third more load", "read from the cache again", minutes=1),
    _reversible("new_cache_namespace", "start a new cache namespace",
        "medium: the cache is cold for an hour", "go back to the old namespace"),
    _irreversible("purge_cache", "purge the answer cache",
        "high: a cold cache, and nothing left to look into"),
    _reversible("add_replicas", "start replicas on the reserved GPU pool",
        "medium: the reserve is paid by the hour",
        "drain the extra replicas", minutes=8, approval=True),
    _reversible("undo_change", "undo a change, by its number in the change log",
        "low: what it was made for is lost; undo a bundle whole", "make the change again",
        minutes=4),
    _reversible("drain_region", "send a region's traffic through the others",
        "low: its answers start later", "send the region's traffic home", minutes=3),
    _reversible("drain_replica", "take a replica out of the load balancer",
        "low: the others see more load", "put the replica back"),
    _reversible("warm_cache", "fill the answer cache from yesterday's questions",
        "low: an hour of batch load", "stop filling it", minutes=6),
    _reversible("block_tenant", "block a tenant, or what it sends that is no use of ours",
        "high: that tenant gets no answer", "let the tenant in again", approval=True),
    _reversible("use_backup_edge", "point the domain at the backup edge",
        "medium: it has half of the capacity", "point the domain at the usual edge", minutes=3),
    _reversible("exclude_account", "leave an account out of the measurement",
        "medium: whatever happens to it is no longer seen", "count the account again"),
    _reversible("pin_judge", "pin the judge to its last version that was checked",
        "low: it judges as it did before", "use the newest judge again"),
    _reversible("restart_pipeline", "restart the metrics pipeline",
        "low: a gap of some minutes", "stop the pipeline", minutes=3),
)  # fmt: skip
MITIGATIONS = {mitigation.name: mitigation for mitigation in _MITIGATIONS}
"""Every mitigation, by name."""


@dataclass(frozen=True)
class Effect:
    """What a mitigation does about a symptom: it catches this share of what still fails.

    Of what it catches, the shares in ``harms`` turn bad in other SLIs, by name: a degraded reply is
    an answer, though not a good one. A negative catch makes things worse.
    """

    catches: Fraction
    harms: Mapping[str, Fraction]


@dataclass(frozen=True)
class Symptom:
    """How a fault shows: the SLI that it lowers, the share that fails, and what helps against it.

    The effects are in the order in which they act on a request, whichever was applied first. A
    mitigation that is not listed has no effect.
    """

    sli: str
    failing: Fraction
    effects: Mapping[str, Effect]


# --- what each mitigation does about each symptom ------------------------------------------------


FLOORS = {
    "availability": Fraction(99, 100),  # an answer came
    "first_token": Fraction(95, 100),  # its first token came within two seconds
    "quality": Fraction(90, 100),  # the judge calls it good
    "cost": Fraction(95, 100),  # it stayed within its budget
    "safety": Fraction(99, 100),  # nothing in it is unsafe
}
"""The least that users accept of each SLI, when it is not the one that the SLO is about."""


def _symptom(sli: str, failing: str, **effects: Effect) -> Symptom:
    return Symptom(sli, Fraction(failing), effects)


def _catches(share: str, **harms: str) -> Effect:
    return Effect(Fraction(share), {name: Fraction(part) for name, part in harms.items()})


SYMPTOMS = {
    "model_provider_outage": _symptom(
        "availability",
        "1/2",
        hedge_requests=_catches("-1/10"),  # each asks the failing provider again
        # The secondary provider has room for 70 % of the traffic that fails.
        fail_over=_catches("7/10"),
        # Two thirds of the questions that still fail have been asked before.
        serve_cached=_catches("2/3"),
        # Availability turns green and quality red: seven near matches in ten are wrong.
        cache_everything=_catches("1", quality="7/10"),
        # Everything gets a reply. It counts as answered; nobody would judge it good.
        serve_degraded=_catches("1", quality="1"),
    ),
    "rate_limit_storm": _symptom(
        "availability",
        "3/10",
        hedge_requests=_catches("-1/2"),  # more requests are what a storm lives on
        fail_over=_catches("-1/5"),  # it moves along, to a provider with a smaller quota
        cap_retries=_catches("2/3"),  # two thirds of the requests over the limit are retries
        shed_low_priority=_catches("4/5"),
        use_small_model=_catches("1/2", quality="1/5"),  # it has a quota of its own
        raise_rate_limit=_catches("4/5"),
        cache_everything=_catches("1", quality="7/10"),
        serve_cached=_catches("1/4"),
        serve_degraded=_catches("1", quality="1"),
    ),
    "slow_first_token": _symptom(
        "first_token",
        "1/4",
        bypass_cache=_catches("-1/4"),
        drain_replica=_catches("2/5"),
        warm_cache=_catches("1/4"),
        hedge_requests=_catches("7/10"),
        shed_low_priority=_catches("1/5"),
        trim_context=_catches("7/10", quality="1/10"),
        add_replicas=_catches("9/10"),
        use_small_model=_catches("3/4", quality="1/5"),
        serve_cached=_catches("1/3"),
        serve_degraded=_catches("1", quality="1"),
    ),
    "quality_regression": _symptom(
        "quality",
        "1/5",
        use_small_model=_catches("-1/2"),
        trim_context=_catches("-1/10"),
        cap_tokens=_catches("-1/5"),
        pin_snapshot=_catches("2/3"),
        roll_back_prompt=_catches("3/5"),  # it was tuned to the new snapshot
        serve_cached=_catches("1/4"),  # answers from before
        use_large_model=_catches("7/10", cost="1"),
    ),
    "stale_index": _symptom(
        "quality",
        "1/5",
        serve_cached=_catches("-1/4"),  # a cached answer is older still
        bypass_cache=_catches("1/10"),
        new_cache_namespace=_catches("1/10"),
        restart_ingestion=_catches("3/5"),
        search_live=_catches("3/4", first_token="1/4"),
        roll_back_index=_catches("3/4"),
    ),
    "cost_runaway": _symptom(
        "cost",
        "3/10",
        use_large_model=_catches("-1/2"),
        hedge_requests=_catches("-1/4"),
        bypass_cache=_catches("-1/4"),
        add_replicas=_catches("-1/5"),
        fail_over=_catches("-1/10"),  # the secondary provider is dearer
        shed_low_priority=_catches("1/4"),
        serve_cached=_catches("1/4"),
        trim_context=_catches("1/4", quality="1/10"),
        cap_tokens=_catches("3/5", quality="1/10"),
        throttle_tenant=_catches("4/5", availability="1/20"),
        use_small_model=_catches("3/4", quality="1/5"),
        raise_spend_limit=_catches("1"),
    ),
    "guardrail_false_positives": _symptom(
        "availability",
        "1/5",
        # The newest rule does most of the harm, and some good.
        shadow_rule=_catches("4/5", safety="1/100"),
        second_opinion=_catches("9/10", first_token="1/4"),
        # One harm for another: a tenth of what a higher threshold lets through is unsafe.
        raise_guardrail_threshold=_catches("19/20", safety="1/10"),
    ),
    "poisoned_cache": _symptom(
        "quality",
        "1/4",
        serve_cached=_catches("-1/2"),  # more of the same poison
        purge_cache=_catches("1"),
        new_cache_namespace=_catches("19/20"),
        bypass_cache=_catches("4/5", first_token="1/10"),  # the edge keeps its copies
    ),
    "gpu_capacity": _symptom(
        "first_token",
        "1/5",
        hedge_requests=_catches("-1/4"),
        bypass_cache=_catches("-1/3"),
        shed_low_priority=_catches("7/10"),
        fail_over=_catches("3/4"),  # a hosted model needs none of our GPUs
        cap_retries=_catches("1/10"),
        cap_tokens=_catches("1/5", quality="1/10"),
        trim_context=_catches("3/10", quality="1/10"),
        throttle_tenant=_catches("1/10", availability="1/20"),
        add_replicas=_catches("4/5"),
        use_small_model=_catches("3/5", quality="1/5"),
        serve_cached=_catches("1/3"),
        serve_degraded=_catches("1", quality="1"),
    ),
    "broken_change": _symptom(
        "availability",
        "1/3",
        hedge_requests=_catches("1/10"),  # a second try may meet a healthy replica
        drain_region=_catches("3/5"),  # most of what breaks is rolled out region by region
        undo_change=_catches("1"),
        serve_degraded=_catches("1", quality="1"),
    ),
    "unsafe_answers": _symptom(
        "safety",
        "1/20",
        shadow_rule=_catches("-1/2"),
        raise_guardrail_threshold=_catches("-1"),
        undo_change=_catches("3/4"),
        block_tenant=_catches("4/5", availability="1/20"),
        second_opinion=_catches("1/2", first_token="1/4"),
    ),
    "traffic_lost": _symptom(
        "availability", "1", undo_change=_catches("1"), use_backup_edge=_catches("9/10")
    ),
    "wrong_measurement": _symptom(
        "availability",
        "1/4",
        exclude_account=_catches("1"),
        pin_judge=_catches("1"),
        restart_pipeline=_catches("1"),
    ),
}
"""The symptoms that have runbooks: what fails, and what helps."""
