"""A model at the desk: the server of the Model Context Protocol, and the task of Inspect, offline.

Both need the extra ``agents``, which ``make`` does not install.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from oncall.gameday import SCENARIOS, Game
from oncall.gameday.mcp_server import Tools
from oncall.gameday.scoring import JUDGES

ROOT = Path(__file__).parents[2]
TOOLS = {
    "brief", "wait", "look", "runbook", "options", "act", "apply", "update", "learn", "score",
}  # fmt: skip


def asked(words: str, text: str = "") -> dict[str, Any]:
    """A request, from its words."""
    do, *rest = words.split()
    return {"do": do, "words": rest} | ({"text": text} if text else {})


def test_each_tool_answers_what_the_protocol_does() -> None:
    game, plain = Game(SCENARIOS["surprise"], 7), Game(SCENARIOS["surprise"], 7)
    tools = Tools(game)
    assert {name for name in vars(Tools) if not name.startswith("_")} == TOOLS
    assert json.loads(tools.brief()) == plain.greeting()
    for said, request in (
        (tools.wait(200), asked("wait 200")),
        (tools.act("ack"), asked("ack")),
        (tools.act("triage", "sev1 ana ops=bo"), asked("triage sev1 ana ops=bo")),
        (tools.look("errors by region"), asked("look errors by region")),
        (tools.options("apply", "drain_region"), asked("args apply drain_region")),
        (tools.runbook("gpu_capacity"), asked("runbook gpu_capacity")),
        (tools.update("identified", "We know it now.", "20"),
         asked("update identified 20", "We know it now.")),
        (tools.apply("cap_retries"), asked("apply cap_retries")),
        (tools.learn("factor", "One of many."), asked("learn factor", "One of many.")),
        (tools.score(), asked("score")),
    ):  # fmt: skip
        assert json.loads(said) == json.loads(json.dumps(plain.handle(request)))


def beside(work: Callable[[], Any]) -> Any:
    """Do it in a thread of its own: a browser's tests may have left a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def test_a_client_works_a_shift_over_standard_input_and_output() -> None:
    pytest.importorskip("mcp", reason="pip install 'oncall-workbook[agents]'")
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = ["-m", "oncall", "mcp", "--scenario", "surprise", "--seed", "7"]
    server = StdioServerParameters(
        command=sys.executable, args=command, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )

    async def work() -> tuple[set[str], list[Any]]:
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            names = {tool.name for tool in (await session.list_tools()).tools}
            replies = []
            for name, arguments in (
                ("wait", {"minutes": 200}), ("act", {"action": "ack"}),
                ("look", {"reading": "changes"}), ("act", {"action": "end"}), ("score", {}),
            ):  # fmt: skip
                result = await session.call_tool(name, arguments)
                replies.append(json.loads(result.content[0].text))
            return names, replies

    names, replies = beside(lambda: asyncio.run(work()))
    assert names == TOOLS
    assert [reply["ok"] for reply in replies] == [True] * 5
    assert replies[-1]["score"]["points"] == 0  # nobody triaged


def test_a_mock_model_is_scored_by_the_dimensions_of_the_shift(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="pip install 'oncall-workbook[agents]'")
    from inspect_ai import eval as evaluate
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from oncall.gameday import inspect_task

    def used(output: Any) -> Any:
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output  # or the mock would fetch a tokenizer

    said = [
        used(ModelOutput.for_tool_call("mockllm/model", "oncall", {"do": do, "words": words}))
        for do, words in (("wait", ["200"]), ("ack", []), ("triage", ["sev1", "ana"]))
    ]
    said.append(used(ModelOutput.from_content("mockllm/model", "I am done.")))
    model = get_model("mockllm/model", custom_outputs=said)
    how: dict[str, Any] = {"model": model, "display": "none", "log_dir": str(tmp_path)}
    [log] = beside(lambda: evaluate(inspect_task(seeds=[1]), **how))
    assert log.status == "success"
    game = Game(SCENARIOS["surprise"], 1)
    for words in ("wait 200", "ack", "triage sev1 ana", "end"):
        game.handle(asked(words))
    expected = {one.name: one.points for one in game.score.dimensions}
    found = {score.name: score.metrics["mean"].value for score in log.results.scores}
    assert set(found) == {"points", *JUDGES}
    assert found == {"points": game.score.points, **expected}
