"""The decision table of an experienced responder: what to compare, what it points at, what helps.

It is knowledge of the trade and of this service, and none of it is read from the simulation.
"""

from __future__ import annotations

THING = {
    "availability": "errors", "first_token": "latency", "quality": "quality", "cost": "cost",
    "safety": "safety",
}  # fmt: skip
SPLITS = {
    "5xx": ("upstream", "region", "release"),
    "401": ("upstream", "tenant"),
    "429": ("tenant", "upstream"),
    "499": ("upstream", "surface"),
    "blocked": ("rule", "tenant"),
    "latency": ("replica", "upstream", "bundle", "cache"),
    "quality": ("bundle", "cache", "age", "upstream"),
    "cost": ("surface", "tenant"),
    "safety": ("tenant", "rule", "cache"),
}
"""The dimensions that part the causes of a family, by outcome or by what is looked at."""
BEHIND = {
    ("5xx", "upstream"): "provider_fails",
    ("5xx", "region"): "edge_config",
    ("5xx", "release"): "gateway_release",
    ("401", "upstream"): "secret_rotated",
    ("499", "upstream"): "slow_upstream",
    ("blocked", "rule"): "guardrail_strict",
    ("blocked", "tenant"): "attack_blocked",
    ("latency", "replica"): "straggler",
    ("latency", "bundle"): "longer_prompts",
    ("latency", "cache"): "cold_cache",
    ("quality", "bundle"): "prompt_release",
    ("quality", "cache"): "cache_mixes_keys",
    ("quality", "age"): "ingestion_stopped",
    ("quality", "upstream"): "snapshot_moved",
    ("cost", "surface"): "agent_loops",
    ("cost", "tenant"): "tenant_doubled",
    ("safety", "tenant"): "prompt_injection",
    ("safety", "rule"): "rule_switched_off",
    ("safety", "cache"): "cache_mixes_keys",
}
"""The cause that a contrast points at."""
MOVES: dict[str, tuple[str, ...]] = {
    "provider_fails": ("fail_over", "serve_cached", "serve_degraded"),
    "gateway_release": ("undo_change",),
    "secret_rotated": ("undo_change", "fail_over"),
    "edge_config": ("undo_change", "drain_region"),
    "runaway_tenant": ("throttle_tenant",),
    "retry_storm": ("cap_retries", "shed_low_priority"),
    "slow_upstream": ("fail_over", "hedge_requests"),
    "straggler": ("drain_replica", "hedge_requests"),
    "longer_prompts": ("undo_change", "trim_context"),
    "gpu_reclaimed": ("fail_over", "add_replicas"),
    "cold_cache": ("warm_cache",),
    "snapshot_moved": ("pin_snapshot", "fail_over"),
    "prompt_release": ("undo_change",),
    "ingestion_stopped": ("restart_ingestion", "search_live"),
    "cache_mixes_keys": ("bypass_cache", "new_cache_namespace"),
    "agent_loops": ("cap_tokens", "undo_change"),
    "cache_bypassed": ("undo_change", "serve_cached"),
    "guardrail_strict": ("shadow_rule", "second_opinion"),
    "prompt_injection": ("block_tenant",),
    "rule_switched_off": ("undo_change", "second_opinion"),
    "edge_lost": ("undo_change", "use_backup_edge"),
}
"""What is done about a cause, the least risk first."""
NOT_OURS = ("judge_drifted", "tenant_doubled", "attack_blocked", "metrics_broken", "load_test")
SECURITY = ("cache_mixes_keys", "prompt_injection")
KINDS = {
    "gateway_release": ("release",), "secret_rotated": ("secret",), "edge_config": ("config",),
    "retry_storm": ("config",), "longer_prompts": ("bundle",), "prompt_release": ("bundle",),
    "gpu_reclaimed": ("infrastructure",), "cold_cache": ("infrastructure",),
    "snapshot_moved": ("snapshot",), "cache_mixes_keys": ("config",), "judge_drifted": ("judge",),
    "agent_loops": ("flag",), "cache_bypassed": ("flag",), "guardrail_strict": ("rule",),
    "rule_switched_off": ("flag",), "edge_lost": ("config",), "metrics_broken": ("infrastructure",),
}  # fmt: skip
"""The kinds of change that may bring a cause."""
AIMED = {
    "fail_over": "upstream", "drain_region": "region", "drain_replica": "replica",
    "throttle_tenant": "tenant", "block_tenant": "tenant", "exclude_account": "tenant",
}  # fmt: skip
LEARNT = (
    ("factor", "The change went out without a check that watches the segment it hits."),
    ("factor", "Nothing in the service takes the failing part out of use by itself."),
    ("well", "The first person who was paged answered within five minutes."),
    ("wrong", "The page came only when the budget of an hour had been spent."),
    ("lucky", "It began while enough people were awake to help with it."),
    ("prevent", "roll out to one percent first, and compare it with the rest"),
    ("detect", "alert on the contrast between the values of each dimension"),
)
"""What the reference writes down in every postmortem, by kind."""
