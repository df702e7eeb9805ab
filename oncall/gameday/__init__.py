"""The shift: what happens in a service, what can be seen of it, who responds, and how well.

Standard library only.
"""

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.inspect_task import inspect_task
from oncall.gameday.protocol import Game
from oncall.gameday.reference import reference
from oncall.gameday.scenario_file import parse_scenario, read_scenario
from oncall.gameday.scoring import Score, score, score_shift
from oncall.gameday.shift import Shift, run_shift

__all__ = [
    "SCENARIOS", "Desk", "Game", "Score", "Shift", "inspect_task", "parse_scenario",
    "read_scenario", "reference", "run_shift", "score", "score_shift",
]  # fmt: skip
