"""A shift as a task of Inspect, the framework of the UK AI Security Institute.

A sample is a scenario and a seed; the model acts through one tool, ``oncall``, and the metrics are
the dimensions of the score. It needs the extra ``agents``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.mcp_server import INSTRUCTIONS
from oncall.gameday.protocol import Game
from oncall.gameday.scoring import JUDGES

if TYPE_CHECKING:
    from inspect_ai import Task

MOST_MESSAGES = 400


def inspect_task(
    scenarios: Iterable[str] = ("surprise",), seeds: Iterable[int] = range(1, 6)
) -> Task:
    """Each scenario with each seed as a sample; the score's dimensions as metrics.

    A shift that the model leaves early passes by itself to its end, and is scored as it is.
    """
    try:
        from inspect_ai import Task
        from inspect_ai.dataset import Sample
        from inspect_ai.scorer import Score, Target, mean, scorer, stderr
        from inspect_ai.solver import Generate, TaskState, generate, solver, system_message
        from inspect_ai.tool import tool
    except ImportError:
        raise ImportError("inspect-ai is missing; pip install 'oncall-workbook[agents]'") from None
    games: dict[str, Game] = {}

    def game_of(state: TaskState) -> Game:
        return games[str(state.sample_id)]

    @solver
    def begin() -> Any:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            facts = state.metadata
            game = Game(SCENARIOS[facts["scenario"]], facts["seed"])
            games[str(state.sample_id)] = game

            @tool
            def oncall() -> Any:
                async def execute(do: str, words: list[str], text: str = "") -> str:
                    """Do one thing on shift, and see what comes of it.

                    Args:
                        do: What to do: wait, look, ack, triage, suspect, apply, update, …
                        words: The words of it, such as ["errors", "by", "region"].
                        text: A text of your own, for update, note, learn and close.
                    """
                    request: dict[str, Any] = {"do": do, "words": words}
                    return json.dumps(game.handle(request | ({"text": text} if text else {})))

                return execute

            state.tools = [oncall()]
            return state

        return solve

    @scorer(metrics={name: [mean(), stderr()] for name in ("points", *JUDGES)})
    def shift_score() -> Any:
        async def score(state: TaskState, target: Target) -> Score:
            game = game_of(state)
            game.handle({"do": "end"})
            result = game.score
            values: dict[str, Any] = {one.name: one.points for one in result.dimensions}
            return Score(value={"points": result.points, **values}, explanation=str(result))

        return score

    samples = [
        Sample(
            input="Your shift begins. Work it to its end, then stop.",
            id=f"{name}-{seed}",
            metadata={"scenario": name, "seed": seed},
        )
        for name in scenarios
        for seed in seeds
    ]
    return Task(
        dataset=samples,
        solver=[system_message(INSTRUCTIONS), begin(), generate(tool_calls="loop")],
        scorer=shift_score(),
        message_limit=MOST_MESSAGES,
    )
