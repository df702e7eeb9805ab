"""The runbooks of an AI service, by the symptom that they are for. Nearly all of this is data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from oncall.mitigations import MITIGATIONS, SYMPTOMS
from oncall.runbook import Check, Runbook
from oncall.severity import severity_for

# --- the runbooks --------------------------------------------------------------------------------


def _runbook(
    symptom: str,
    title: str,
    owner: str,
    *checks: tuple[str, ...],
    mitigations: tuple[str, ...],
    escalate_to: str,
    whom: str = "users",
) -> Runbook:
    looks = tuple(Check(*check) for check in checks)
    steps = tuple(MITIGATIONS[name] for name in mitigations)
    severity = severity_for(SYMPTOMS[symptom].failing, SYMPTOMS[symptom].sli, whom=whom)
    return Runbook(symptom, title, severity, owner, looks, steps, escalate_to)


_RUNBOOKS = (
    _runbook(
        "model_provider_outage",
        "The model provider fails requests",
        "assistant-platform",
        (
            "errors by upstream",
            "5xx and timeouts come from the model provider, not from our own services",
            "errors by upstream",
        ),
        (
            "the provider's status page",
            "degraded confirms it; green proves nothing in the first minutes",
            "status",
        ),
        ("the secondary provider's error ratio", "below 1 %", "errors by upstream"),
        ("our last deploy", "none in the hour before", "changes"),
        mitigations=("fail_over", "serve_cached", "serve_degraded"),
        escalate_to="the provider's support line, then the head of platform",
    ),
    _runbook(
        "rate_limit_storm",
        "Retries storm the provider's rate limit",
        "assistant-platform",
        ("errors by status", "429 leads; 5xx and timeouts are as on any day", "errors by outcome"),
        (
            "requests sent per question asked",
            "well above 1, and rising: each refusal is tried again",
            "attempts",
        ),
        ("questions asked a minute", "as on any day at this hour, so it is not demand", "traffic"),
        (
            "quota used, by caller",
            "batch jobs and retries hold more than half of it",
            "traffic by tenant",
        ),
        mitigations=("cap_retries", "shed_low_priority", "raise_rate_limit"),
        escalate_to="the provider's account manager, then the head of platform",
    ),
    _runbook(
        "slow_first_token",
        "The first token comes late",
        "assistant-platform",
        (
            "time to first token, p50 and p95",
            "p95 up and p50 flat: a straggler; both up: longer prompts",
            "p95",
        ),
        ("time between tokens", "as on any day: it is the start that is slow", "p50"),
        ("prompt length, p95", "longer than last week: trim, for hedging feeds it", "tokens"),
        (
            "latency by replica",
            "a few replicas are far slower than the others",
            "latency by replica",
        ),
        (
            "requests waiting for a GPU",
            "none; else it is gpu_capacity, and hedging feeds it",
            "queue",
        ),
        mitigations=(
            "hedge_requests",
            "drain_replica",
            "warm_cache",
            "trim_context",
            "use_small_model",
        ),
        escalate_to="the inference team's on-call",
    ),
    _runbook(
        "quality_regression",
        "Answers have become worse",
        "answer-quality",
        (
            "judged quality by model snapshot",
            "the newest snapshot is below the one before it",
            "quality by bundle",
        ),
        (
            "prompt and template changes",
            "none since the snapshot changed, but for one tuned to it",
            "changes",
        ),
        (
            "quality by topic",
            "worse on all topics; a single one points at the index",
            "quality by age",
        ),
        ("twenty answers, read by a person", "the person agrees with the judge", "rejudge"),
        mitigations=("pin_snapshot", "roll_back_prompt", "use_large_model"),
        escalate_to="the answer-quality lead, then the provider's support line",
    ),
    _runbook(
        "stale_index",
        "Answers come from a stale index",
        "search",
        ("the age of the newest document in the index", "more than a day", "lag"),
        ("the ingestion job", "stopped, or its queue grows", "lag"),
        (
            "documents in the index and in the sources",
            "the newest build has fewer: it is incomplete",
        ),
        ("wrong answers by topic", "they are about what changed lately", "quality by age"),
        mitigations=("restart_ingestion", "search_live", "roll_back_index"),
        escalate_to="the search team's on-call, then the owners of the sources",
    ),
    _runbook(
        "cost_runaway",
        "Answers cost more than their budget",
        "assistant-platform",
        ("cost an answer, p50 and p95", "p95 has tripled, p50 has hardly moved", "cost"),
        ("tool calls an answer", "loops: the same call again and again", "calls"),
        ("spend by tenant", "one tenant leads by far", "cost by tenant"),
        ("price list and model routing", "unchanged since yesterday", "changes"),
        mitigations=("cap_tokens", "throttle_tenant", "use_small_model", "raise_spend_limit"),
        escalate_to="the owner of the budget, then the head of platform",
    ),
    _runbook(
        "guardrail_false_positives",
        "The guardrail blocks good answers",
        "trust-and-safety",
        ("blocked answers by rule", "one rule leads, and it is the newest", "errors by rule"),
        ("twenty blocked answers, read by a person", "most are harmless", "support"),
        ("attacks reported", "no more than on any day, so it is not an attack", "attacks"),
        ("the guardrail's model and rules", "changed within the last day", "changes"),
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
            "quality by cache",
        ),
        ("when the bad entries were written", "all within one stretch of time"),
        ("the cache key", "a field is missing: tenant, language or model version", "changes"),
        (
            "answers seen by the wrong tenant",
            "none; else security is called first of all",
            "safety by cache",
        ),
        mitigations=("bypass_cache", "new_cache_namespace", "purge_cache"),
        escalate_to="the security on-call, then the head of platform",
    ),
    _runbook(
        "gpu_capacity",
        "GPU capacity does not suffice",
        "inference",
        (
            "requests waiting for a GPU",
            "the queue grows, and with it the time to first token",
            "queue",
        ),
        ("replicas ready and wanted", "fewer are ready than wanted", "latency by upstream"),
        ("the cloud's capacity notices", "preemptions, or no room in our zone", "changes"),
        ("tokens a second per GPU", "as on any day: each works as fast as it can"),
        mitigations=("shed_low_priority", "add_replicas", "use_small_model"),
        escalate_to="the cloud's support line, then the capacity planner",
    ),
    _runbook(
        "broken_change",
        "A change of ours fails requests",
        "assistant-platform",
        ("the change log", "a change stands shortly before the first failure", "changes"),
        (
            "errors by release, by region and by bundle",
            "one value has nearly all of them",
            "errors by release",
        ),
        (
            "errors by outcome",
            "401 and 403 point at a secret, 5xx at code or configuration",
            "errors by outcome",
        ),
        ("errors by upstream", "all alike, so it is not one provider", "errors by upstream"),
        mitigations=("undo_change", "drain_region", "serve_degraded"),
        escalate_to="whoever made the change, then the head of platform",
    ),
    _runbook(
        "unsafe_answers",
        "Answers are unsafe",
        "trust-and-safety",
        (
            "unsafe answers by tenant and by rule",
            "one tenant, or one rule that no longer blocks",
            "safety by tenant",
        ),
        ("the flag log", "a rule was switched off", "changes"),
        ("attacks reported", "many, of one kind, from one place", "attacks"),
        (
            "twenty of the answers, read by a person",
            "whose data is it? security is called first",
            "safety by rule",
        ),
        mitigations=("undo_change", "second_opinion", "block_tenant"),
        escalate_to="the security on-call, first of all",
    ),
    _runbook(
        "traffic_lost",
        "Requests do not arrive",
        "edge",
        ("the outside probe", "fails: users cannot reach us", "probe"),
        ("support", "has many tickets, all at once", "support"),
        ("the change log of the edge", "a certificate, a route, a name", "changes"),
        mitigations=("undo_change", "use_backup_edge"),
        escalate_to="the network team's on-call",
    ),
    _runbook(
        "wrong_measurement",
        "What is counted is not what users feel",
        "observability",
        ("the outside probe and support", "both are as on any day", "probe"),
        ("failures by tenant", "all of one account, that of a test, say", "errors by tenant"),
        (
            "a sample judged again by a person",
            "as good as ever: it is the judge that moved",
            "rejudge",
        ),
        ("the metrics pipeline", "restarted, or late", "changes"),
        mitigations=("restart_pipeline", "pin_judge", "exclude_account"),
        escalate_to="the observability team's on-call",
        whom="nobody",
    ),
)
RUNBOOKS = {runbook.symptom: runbook for runbook in _RUNBOOKS}
"""The runbooks, by symptom. Mitigations of least risk come first, irreversible ones last."""


def known_symptom(symptom: str) -> str:
    """The same symptom, if it has a runbook; if not, a ``ValueError`` that names the nearest."""
    if symptom == "unknown":
        raise ValueError("the symptom is unknown; name a cause with incident.suspect(cause, …)")
    return _known(symptom, RUNBOOKS, "symptom")


CAUSES = {
    "provider_fails": "model_provider_outage",
    "gateway_release": "broken_change",
    "secret_rotated": "broken_change",
    "edge_config": "broken_change",
    "runaway_tenant": "rate_limit_storm",
    "retry_storm": "rate_limit_storm",
    "slow_upstream": "slow_first_token",
    "straggler": "slow_first_token",
    "longer_prompts": "slow_first_token",
    "gpu_reclaimed": "gpu_capacity",
    "cold_cache": "slow_first_token",
    "snapshot_moved": "quality_regression",
    "prompt_release": "quality_regression",
    "ingestion_stopped": "stale_index",
    "cache_mixes_keys": "poisoned_cache",
    "judge_drifted": "wrong_measurement",
    "agent_loops": "cost_runaway",
    "tenant_doubled": "wrong_measurement",
    "cache_bypassed": "cost_runaway",
    "guardrail_strict": "guardrail_false_positives",
    "attack_blocked": "wrong_measurement",
    "prompt_injection": "unsafe_answers",
    "rule_switched_off": "unsafe_answers",
    "edge_lost": "traffic_lost",
    "metrics_broken": "wrong_measurement",
    "load_test": "wrong_measurement",
    "nothing": "unknown",
}
"""The causes that a shift knows, and the symptom by which each shows."""


def symptom_of(cause: str, symptom: str = "unknown") -> str:
    """The symptom by which a cause shows, whose runbook and case apply; else the one given.

    ``symptom_of(incident.cause, incident.symptom)`` is an incident's: that of the cause that was
    last suspected, and until one is known, the symptom that it was opened with.
    """
    return cause if cause in RUNBOOKS else CAUSES.get(cause, symptom)


def known_mitigation(name: str) -> str:
    """The same name, if a mitigation has it; if not, a ``ValueError`` that names the nearest."""
    return _known(name, MITIGATIONS, "mitigation")


def _known(name: str, names: Mapping[str, object], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what} {name!r}; {hint}")
