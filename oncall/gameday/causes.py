"""What can be wrong in the service of a shift: the causes, as data, and where in it they may lie.

``causes.toml`` is the table, and says what its fields mean. All numbers are invented.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from oncall.slo import SLO

SLOS = {
    name: SLO(name, target)
    for name, target in {
        "availability": 0.99,  # an answer came; 429 and 499 count against it
        "first_token": 0.95,  # its first token came within two seconds
        "quality": 0.95,  # the judge calls it good
        "cost": 0.95,  # it stayed within its budget
        "safety": 0.99,  # nothing in it is unsafe
    }.items()
}
"""The SLOs of the service of a shift, by SLI."""
USUAL = {
    "availability": 0.002,
    "first_token": 0.02,
    "quality": 0.015,
    "cost": 0.015,
    "safety": 1e-3,
}
"""The share that is bad in each SLI on a good day."""

DIMENSIONS: Mapping[str, Mapping[str, float]] = {
    "region": {"eu": 0.42, "us": 0.36, "asia": 0.22},
    "tenant": {
        "acme": 0.31, "birch": 0.21, "cobalt": 0.16, "delta": 0.13, "ember": 0.1, "fjord": 0.07,
        "synthetic": 0.02,
    },
    "surface": {"chat": 0.52, "api": 0.27, "agent": 0.21},
    "release": {"r41": 0.55, "r42": 0.45},
    "bundle": {"b17": 0.55, "b18": 0.45},
    "upstream": {"north": 0.46, "south": 0.32, "pool": 0.22},
    "cache": {"miss": 0.62, "hit": 0.38},
    "replica": {"g1": 0.25, "g2": 0.25, "g3": 0.25, "g4": 0.25},
    "age": {"today": 0.32, "week": 0.33, "older": 0.35},
    "rule": {"copyright": 0.26, "injection": 0.25, "medical": 0.25, "privacy": 0.24},
}  # fmt: skip
"""What requests can be told apart by, and the usual share of each value."""
NEWEST = {"release": "r42", "bundle": "b18"}  # what a release of today brings
OUTCOMES = {"5xx": 0.5, "429": 0.2, "499": 0.15, "401": 0.05, "blocked": 0.1}
"""What becomes of a request that gets no answer, and the usual shares of them."""
GAUGES = {
    "attempts": (1.1, "attempts per request"),
    "p50": (0.6, "first token, median, seconds"),
    "p95": (1.4, "first token, 95th percentile, seconds"),
    "tokens": (2900.0, "prompt tokens per request"),
    "queue": (3.0, "requests waiting for a GPU"),
    "cache": (0.38, "share of answers from the cache"),
    "lag": (1.0, "hours since the newest document was indexed"),
    "calls": (2.2, "tool calls per answer of an agent"),
    "attacks": (4.0, "attacks that the guardrail reported in the last hour"),
}
"""What is measured as one number: its usual value, and what it is."""

AIMS = {
    "fail_over": "upstream", "drain_region": "region", "drain_replica": "replica",
    "throttle_tenant": "tenant", "block_tenant": "tenant", "exclude_account": "tenant",
    "undo_change": "change",
}  # fmt: skip
"""The mitigations that are aimed at a value of a dimension, or at a change."""
DEFAULTS = {"fail_over": "north", "throttle_tenant": "acme"}  # the primary, and who spends most
SPOILS: Mapping[str, Mapping[str, float]] = {
    "fail_over": {"quality": 0.008, "cost": 0.008},
    "serve_cached": {"quality": 0.008},
    "cache_everything": {"quality": 0.35},
    "serve_degraded": {"quality": 0.01},
    "use_small_model": {"quality": 0.06},
    "trim_context": {"quality": 0.012},
    "cap_tokens": {"quality": 0.012},
    "hedge_requests": {"cost": 0.012},
    "use_large_model": {"cost": 0.1},
    "search_live": {"first_token": 0.015},
    "bypass_cache": {"cost": 0.02, "first_token": 0.015},
    "purge_cache": {"first_token": 0.02},
    "new_cache_namespace": {"first_token": 0.012},
    "drain_region": {"first_token": 0.012},
    "throttle_tenant": {"availability": 0.002},
    "block_tenant": {"availability": 0.003},
    "shadow_rule": {"safety": 0.004},
    "raise_guardrail_threshold": {"safety": 0.03},
    "second_opinion": {"first_token": 0.015},
    "roll_back_index": {"quality": 0.01},
    "add_replicas": {"cost": 0.01},
    "raise_rate_limit": {"cost": 0.01},
    "use_backup_edge": {"first_token": 0.015},
}
"""What a mitigation spoils as long as it is in effect, as a share of all requests, by SLI."""
UNAIMED: Mapping[str, str] = {"serve_degraded": "quality", "cache_everything": "quality"}
"""Mitigations whose catch turns bad in another SLI: a degraded reply is an answer, no good one."""


@dataclass(frozen=True)
class Cause:
    """Something that can be wrong; see ``causes.toml`` for what each field means."""

    name: str
    title: str
    family: str
    symptom: str
    sli: str
    share: tuple[float, float]
    effects: Mapping[str, float]
    telling: tuple[str, ...]
    also: Mapping[str, float] = field(default_factory=dict)
    outcome: str = ""
    segment: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    change: str = ""
    guilty: float = 1.0
    undo: str = "undo_change"
    gauges: Mapping[str, float] = field(default_factory=dict)
    swells: float = 1.0
    whom: str = "users"
    security: bool = False
    lost: bool = False
    status: bool = False
    lasts: tuple[int, int] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether users are hurt by it; else a measurement is wrong, or it is not ours."""
        return self.whom == "users"


@cache
def causes() -> dict[str, Cause]:
    """Every cause, by name, in the order of the table."""
    table = tomllib.loads((Path(__file__).parent / "causes.toml").read_text(encoding="utf-8"))
    return {name: Cause(name, **_tuples(row)) for name, row in table.items()}


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
