"""The bundled scenarios: one TOML file each in ``scenarios/``, read when it is first asked for.

They are the best documentation of the format, which ``scenario_file`` reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from oncall.gameday.scenario_file import read_scenario
from oncall.scenario import Scenario

_LISTED = """
    provider_outage rate_limit_storm slow_first_token quality_regression stale_index cost_runaway
    guardrail_false_positives poisoned_cache gpu_capacity quiet_shift slow_burn flapping_provider
    two_incidents false_alarm silent_edge openai_2024_12_04 copilot_2025_12_15 surprise
    provider_fails gateway_release secret_rotated edge_config runaway_tenant slow_upstream
    longer_prompts cold_cache prompt_release judge_drifted tenant_doubled cache_bypassed
    attack_blocked prompt_injection rule_switched_off metrics_broken nothing"""
_NAMES = _LISTED.split()


@cache
def bundled_scenario(name: str) -> Scenario:
    """A bundled scenario by its name, the month of ``data/`` included, which is no shift."""
    return read_scenario(Path(__file__).parent / "scenarios" / f"{name}.toml")


class _Scenarios(Mapping[str, Scenario]):
    def __getitem__(self, name: str) -> Scenario:
        if name not in _NAMES:
            raise KeyError(name)
        return bundled_scenario(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


SCENARIOS: Mapping[str, Scenario] = _Scenarios()
"""The shifts that can be played, by name."""
