"""The nine runbooks of an AI service, and what each of their mitigations does about each symptom.

Nearly all of this is data. The shares that a mitigation catches are invented, for practice only.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from oncall.runbook import Check, Mitigation, Runbook
from oncall.severity import severity_for
from oncall.times import MINUTE


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


# --- the mitigations, each defined once ----------------------------------------------------------


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
)  # fmt: skip
MITIGATIONS = {mitigation.name: mitigation for mitigation in _MITIGATIONS}
"""Every mitigation, by name."""


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
}
"""The symptoms that have runbooks: what fails, and what helps."""


# --- the runbooks --------------------------------------------------------------------------------


def _runbook(
    symptom: str,
    title: str,
    owner: str,
    *checks: tuple[str, str],
    mitigations: tuple[str, ...],
    escalate_to: str,
) -> Runbook:
    looks = tuple(Check(look, expect) for look, expect in checks)
    steps = tuple(MITIGATIONS[name] for name in mitigations)
    severity = severity_for(SYMPTOMS[symptom].failing, SYMPTOMS[symptom].sli)
    return Runbook(symptom, title, severity, owner, looks, steps, escalate_to)


_RUNBOOKS = (
    _runbook(
        "model_provider_outage",
        "The model provider fails requests",
        "assistant-platform",
        (
            "errors by upstream",
            "5xx and timeouts come from the model provider, not from our own services",
        ),
        (
            "the provider's status page",
            "degraded confirms it; green proves nothing in the first minutes",
        ),
        ("the secondary provider's error ratio", "below 1 %"),
        ("our last deploy", "none in the hour before"),
        mitigations=("fail_over", "serve_cached", "serve_degraded"),
        escalate_to="the provider's support line, then the head of platform",
    ),
    _runbook(
        "rate_limit_storm",
        "Retries storm the provider's rate limit",
        "assistant-platform",
        ("errors by status", "429 leads; 5xx and timeouts are as on any day"),
        (
            "requests sent per question asked",
            "well above 1, and rising: each refusal is tried again",
        ),
        ("questions asked a minute", "as on any day at this hour, so it is not demand"),
        ("quota used, by caller", "batch jobs and retries hold more than half of it"),
        mitigations=("cap_retries", "shed_low_priority", "raise_rate_limit"),
        escalate_to="the provider's account manager, then the head of platform",
    ),
    _runbook(
        "slow_first_token",
        "The first token comes late",
        "assistant-platform",
        ("time to first token, p50 and p95", "p95 has doubled, p50 has hardly moved"),
        ("time between tokens", "as on any day: it is the start that is slow"),
        ("prompt length, p95", "longer than last week"),
        ("latency by replica", "a few replicas are far slower than the others"),
        ("requests waiting for a GPU", "none; else it is gpu_capacity, and hedging feeds it"),
        mitigations=("hedge_requests", "trim_context", "use_small_model"),
        escalate_to="the inference team's on-call",
    ),
    _runbook(
        "quality_regression",
        "Answers have become worse",
        "answer-quality",
        ("judged quality by model snapshot", "the newest snapshot is below the one before it"),
        ("prompt and template changes", "none since the snapshot changed, but for one tuned to it"),
        ("quality by topic", "worse on all topics; a single one points at the index"),
        ("twenty answers, read by a person", "the person agrees with the judge"),
        mitigations=("pin_snapshot", "roll_back_prompt", "use_large_model"),
        escalate_to="the answer-quality lead, then the provider's support line",
    ),
    _runbook(
        "stale_index",
        "Answers come from a stale index",
        "search",
        ("the age of the newest document in the index", "more than a day"),
        ("the ingestion job", "stopped, or its queue grows"),
        (
            "documents in the index and in the sources",
            "the newest build has fewer: it is incomplete",
        ),
        ("wrong answers by topic", "they are about what changed lately"),
        mitigations=("restart_ingestion", "search_live", "roll_back_index"),
        escalate_to="the search team's on-call, then the owners of the sources",
    ),
    _runbook(
        "cost_runaway",
        "Answers cost more than their budget",
        "assistant-platform",
        ("cost an answer, p50 and p95", "p95 has tripled, p50 has hardly moved"),
        ("tool calls an answer", "loops: the same call again and again"),
        ("spend by tenant", "one tenant leads by far"),
        ("price list and model routing", "unchanged since yesterday"),
        mitigations=("cap_tokens", "throttle_tenant", "use_small_model", "raise_spend_limit"),
        escalate_to="the owner of the budget, then the head of platform",
    ),
    _runbook(
        "guardrail_false_positives",
        "The guardrail blocks good answers",
        "trust-and-safety",
        ("blocked answers by rule", "one rule leads, and it is the newest"),
        ("twenty blocked answers, read by a person", "most are harmless"),
        ("attacks reported", "no more than on any day, so it is not an attack"),
        ("the guardrail's model and rules", "changed within the last day"),
        mitigations=("shadow_rule", "second_opinion", "raise_guardrail_threshold"),
        escalate_to="the trust-and-safety lead, who also approves a higher threshold",
    ),
    _runbook(
        "poisoned_cache",
        "The cache serves broken answers",
        "assistant-platform",
        (
            "judged quality, cached answers and fresh ones",
            "cached ones are bad, fresh ones are good",
        ),
        ("when the bad entries were written", "all within one stretch of time"),
        ("the cache key", "a field is missing: tenant, language or model version"),
        ("answers seen by the wrong tenant", "none; else security is called first of all"),
        mitigations=("bypass_cache", "new_cache_namespace", "purge_cache"),
        escalate_to="the security on-call, then the head of platform",
    ),
    _runbook(
        "gpu_capacity",
        "GPU capacity does not suffice",
        "inference",
        ("requests waiting for a GPU", "the queue grows, and with it the time to first token"),
        ("replicas ready and wanted", "fewer are ready than wanted"),
        ("the cloud's capacity notices", "preemptions, or no room in our zone"),
        ("tokens a second per GPU", "as on any day: each works as fast as it can"),
        mitigations=("shed_low_priority", "add_replicas", "use_small_model"),
        escalate_to="the cloud's support line, then the capacity planner",
    ),
)
RUNBOOKS = {runbook.symptom: runbook for runbook in _RUNBOOKS}
"""The runbooks, by symptom. Mitigations of least risk come first, irreversible ones last."""


def known_symptom(symptom: str) -> str:
    """The same symptom, if it has a runbook; if not, a ``ValueError`` that names the nearest."""
    if symptom == "unknown":
        raise ValueError("the symptom is unknown; name a cause with incident.suspect(cause, …)")
    return _known(symptom, RUNBOOKS, "symptom")


def symptom_of(cause: str, symptom: str = "unknown") -> str:
    """The symptom by which a cause shows, whose runbook and case apply; else the one given.

    ``symptom_of(incident.cause, incident.symptom)`` is an incident's: that of the cause that was
    last suspected, and until one is known, the symptom that it was opened with.
    """
    return cause if cause in RUNBOOKS else symptom


def known_mitigation(name: str) -> str:
    """The same name, if a mitigation has it; if not, a ``ValueError`` that names the nearest."""
    return _known(name, MITIGATIONS, "mitigation")


def _known(name: str, names: Mapping[str, object], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what} {name!r}; {hint}")
