"""A shift as a server of the Model Context Protocol, on standard input and output.

A shell around ``protocol.Game``: a model works the shift with ten tools, and is scored as a person
is. It needs the extra ``agents``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from oncall.gameday.protocol import Game

if TYPE_CHECKING:
    from mcp.server import MCPServer

INSTRUCTIONS = """You are on call for an AI assistant until the shift ends. Time passes by what you
do. Wait for a page, acknowledge it, triage by harm, find the cause by readings, suspect it, apply
the mitigation of least risk, verify, tell users, watch for half an hour, resolve, write down what
was learnt and close. The score comes once the shift is over."""


class Tools:
    """The tools of one shift. Every one answers what the protocol does, as JSON."""

    def __init__(self, game: Game):
        self._game = game

    def brief(self) -> str:
        """What is played, until when, how it is scored, and what can be done."""
        return json.dumps(self._game.greeting())

    def wait(self, minutes: int) -> str:
        """Let minutes pass; a page ends the wait early."""
        return self._ask("wait", str(minutes))

    def look(self, reading: str = "metrics") -> str:
        """Take a reading: errors by region in release=r42, changes, support, probe, tokens, …"""
        return self._ask("look", *reading.split())

    def runbook(self, symptom: str = "") -> str:
        """Open a runbook, or list them all."""
        return self._ask("runbook", symptom)

    def options(self, action: str, words: str = "") -> str:
        """What may follow these words of an action, such as apply undo_change; free of cost."""
        return self._ask("args", action, *words.split())

    def act(self, action: str, words: str = "") -> str:
        """Do one thing of those that brief lists: ack, triage sev1 ana ops=bo, suspect CAUSE, …"""
        return self._ask(action, *words.split())

    def apply(self, mitigation: str, value: str = "") -> str:
        """Start a mitigation, aimed at a value if it needs one."""
        return self._ask("apply", mitigation, value)

    def update(self, status: str, text: str, percent: str = "") -> str:
        """Tell users: investigating, identified, monitoring or resolved, and the share hit."""
        return self._ask("update", status, percent, text=text)

    def learn(self, kind: str, value: str) -> str:
        """Write down for the postmortem: cause, segment, trigger, onset, factor, well, wrong, …"""
        return self._ask("learn", kind, text=value)

    def score(self) -> str:
        """The score and the truth, once the shift is over."""
        return self._ask("score")

    def _ask(self, do: str, *words: str, text: str = "") -> str:
        request: dict[str, Any] = {"do": do, "words": [word for word in words if word]}
        return json.dumps(self._game.handle(request | ({"text": text} if text else {})))


def server(game: Game) -> MCPServer:
    """The server of one shift."""
    try:
        from mcp.server import MCPServer
    except ImportError:
        raise ImportError("mcp is missing; pip install 'oncall-workbook[agents]'") from None
    made, tools = MCPServer("oncall", instructions=INSTRUCTIONS), Tools(game)
    for name in vars(Tools):
        if not name.startswith("_"):
            made.add_tool(getattr(tools, name))
    return made


def run(game: Game) -> None:
    """Serve a shift until the client leaves."""
    server(game).run("stdio")
