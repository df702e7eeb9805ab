"""What every player of a shift has: a way to ask, the last reply, and what it shows.

A player plays through the protocol, in this process or in another, and knows what the desk shows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Ask = Callable[[dict[str, Any]], dict[str, Any]]
GETS_UP = 2  # minutes from a page to an answer


class OverError(Exception):
    """The shift is over, wherever the procedure stands."""


@dataclass
class Player:
    """Whoever plays a shift by asking, and remembers the last reply."""

    ask: Ask
    state: dict[str, Any] = field(default_factory=dict)
    approved: dict[str, bool] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)  # of each SLI, as the dashboard says

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        """Do one thing, and return what was answered."""
        if self.state.get("over"):
            raise OverError
        request: dict[str, Any] = {"do": do, "words": list(words)}
        reply = self._ask(request | ({"text": text} if text else {}))
        if any(event["kind"] == "page" for event in reply.get("events", ())):
            self._ask({"do": "wait", "words": [str(GETS_UP)]})
            self._ask({"do": "ack"})
        return reply

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask, and remember what there is to see, unless it was refused."""
        reply = self.ask(request)
        if reply.get("ok") and "at" in reply:
            self.state = reply
            for event in reply["events"]:
                if event["kind"] == "answer":
                    self.approved[event["mitigation"]] = event["granted"]
        return reply

    def run(self, play: Callable[[Any], None]) -> None:
        """Play until the shift is over, and let pass what is left of it."""
        with suppress(OverError):
            seen = self.do("look")["data"]
            self.targets = {name: one["target"] for name, one in seen.items()}
            play(self)
            self.do("end")

    # --- what is seen

    @property
    def current(self) -> dict[str, Any]:
        """The incident at hand."""
        here = self.state["current"]
        return next(one for one in self.state["incidents"] if one["id"] == here)

    def worst(self) -> str:
        """The SLI that burns its budget fastest now; availability where nothing is counted."""
        burns = {}
        for name, seen in self.state["slis"].items():
            if seen["1m"] is None:
                return "availability"
            firing = any(alarm["sli"] == name for alarm in self.state["firing"])
            burns[name] = (1 - seen["1m"]) / (1 - self.target(name)) + 3 * firing
        return str(max(burns, key=lambda name: burns[name]))

    def target(self, name: str) -> float:
        """The target of an SLI."""
        return self.targets.get(name, 0.99)

    def share(self, sli: str) -> float:
        """The share that is hit, as the dashboard shows it."""
        seen = self.state["slis"].get(sli, {"1m": None})["1m"]
        return (
            1.0 if seen is None else round(max(0.002, 1 - seen - 0.6 * (1 - self.target(sli))), 4)
        )

    def low(self, only: str = "") -> list[str]:
        """The SLIs below their target in the last minute, by more than the noise of a minute."""
        return [
            name
            for name, seen in self.state["slis"].items()
            if only in ("", name)
            and (seen["1m"] is None or seen["1m"] < self.target(name) - self.noise(name))
        ]

    def noise(self, name: str) -> float:
        """How far a minute of an SLI may stray by chance."""
        budget = 1 - self.target(name)
        return min(0.03, 0.6 * budget) if name == "quality" else min(0.002, 0.2 * budget)

    def level(self, sli: str) -> float:
        """How an SLI stands: 0 at nothing, 1 at its target."""
        seen = self.state["slis"].get(sli, {"1m": None})["1m"]
        return 0.0 if seen is None else min(1.0, seen / self.target(sli))

    def is_well(self) -> bool:
        """Whether every SLI is at its target."""
        return not self.low()

    def look(self, *words: str) -> Any:
        """The data of a reading."""
        return self.do("look", *words).get("data")
