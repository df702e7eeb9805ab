"""On-call for AI services, from telemetry to a regression case.

The toolkit and the game; the standard library is all they need.
"""

from oncall.alerting import (
    Alert,
    AlertEvaluator,
    BurnRule,
    SilenceRule,
    alert,
    alert_intervals,
    google_policy,
)
from oncall.alerting_lint import lint_alerting
from oncall.catalogue import RUNBOOKS
from oncall.counts import Counts, read_csv
from oncall.escalation import EscalationPolicy, Step, escalate, lint_escalation
from oncall.findings import Finding
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.scoring import score
from oncall.gameday.shift import run_shift
from oncall.incident import IllegalTransition, Incident, metrics
from oncall.mock_system import MockSystem
from oncall.postmortem import ActionItem, write_postmortem
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import gate, prove, replay, to_eval_case, to_prompt_case
from oncall.rotation import Rotation
from oncall.runbook import Mitigation, Runbook, run_runbook
from oncall.scenario import Scenario
from oncall.slo import SLO, budget_action, budget_remaining, burn_rate, exhaustion_time, sli

__all__ = [  # noqa: RUF022  (in the order of the line from telemetry to the regression case)
    "Counts", "read_csv", "SLO", "sli", "burn_rate", "budget_remaining", "budget_action",
    "exhaustion_time", "alert", "Alert", "BurnRule", "SilenceRule", "google_policy",
    "AlertEvaluator", "alert_intervals", "lint_alerting", "Finding",
    "Rotation", "Step", "EscalationPolicy", "escalate", "lint_escalation",
    "Mitigation", "Runbook", "RUNBOOKS", "MockSystem", "run_runbook",
    "Incident", "IllegalTransition", "metrics",
    "ActionItem", "write_postmortem", "lint_postmortem",
    "to_eval_case", "to_prompt_case", "replay", "prove", "gate",
    "Scenario", "SCENARIOS", "run_shift", "score",
]  # fmt: skip
