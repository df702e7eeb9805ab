"""Players without judgement, each a few lines, to hold a score against: what they get is luck.

They play through the protocol, as everybody does. A shift that is worth playing gives them little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from oncall.gameday.protocol import Game
from oncall.gameday.reference import Responder
from oncall.gameday.scoring import JUDGES, Score
from oncall.scenario import Scenario

FITS = {
    "availability": "model_provider_outage", "first_token": "slow_first_token",
    "quality": "quality_regression", "cost": "cost_runaway", "safety": "unsafe_answers",
}  # fmt: skip
"""The first runbook that fits an SLI, for whoever does not look."""
HARMLESS = (
    "fail_over", "serve_cached", "cap_retries", "shed_low_priority", "hedge_requests",
    "pin_snapshot", "restart_ingestion", "cap_tokens", "throttle_tenant", "warm_cache",
)  # fmt: skip


class _Player(Responder):
    """What the players have in common."""

    def until_page(self) -> None:
        while self.state["current"] is None:
            self.do("wait", "60")

    def ack_as_proposed(self) -> None:
        self.do("ack")
        proposed = self.state["incidents"][-1]["proposed"] or "sev3"
        self.do("triage", proposed, "ana")

    def end_it(self, text: str, watch: int) -> None:
        """Say mitigated, watch, resolve, tell and close, with the same text in every box."""
        self.do("mitigated")
        self.do("update", "monitoring", text=text)
        quiet = 0
        while quiet < watch or not self.do("resolve").get("ok"):
            quiet += 1
            if any(event["kind"] == "page" for event in self.do("wait", "1")["events"]):
                self.do("ack")
                self.do("mitigated")
        self.do("update", "resolved", text=text)
        for kind in ("cause", "segment", "trigger", "onset", "factor", "well", "wrong", "lucky"):
            self.do("learn", kind, text=text)
        self.do("close")

    def is_low(self, sli: str) -> bool:
        seen = self.state["slis"][sli]["1m"]
        return seen is None or seen < self.target(sli)


def _nobody(player: _Player) -> None:
    player.do("end")


def _copycat(player: _Player, text: str = "x", watch: int = 1, risky: bool = True) -> None:
    player.until_page()
    player.ack_as_proposed()
    player.do("update", "investigating", text=text)
    book = player.do("runbook", FITS[player.worst()])["data"]
    for step in book["mitigations"]:
        if risky or not (step["approval"] or step["risk"].startswith("high")):
            player.do("apply", step["name"])
            player.do("wait", "5")
    player.end_it(text, watch)


def _shotgun(player: _Player) -> None:
    player.until_page()
    player.ack_as_proposed()
    for name in player.do("args", "apply")["data"]["next"]:
        aims = player.do("args", "apply", name)["data"]["next"] or [""]
        player.do("apply", name, *filter(None, aims[-1:]))
    player.end_it("x", 1)


def _restart(player: _Player, text: str = "x", watch: int = 1) -> None:
    player.until_page()
    player.ack_as_proposed()
    player.do("update", "investigating", text=text)
    changes = [one for one in player.look("changes") or [] if one["undo"]]
    if changes:
        player.do(*changes[-1]["undo"].split())
        player.do("wait", "10")
    player.end_it(text, watch)


def _trial(player: _Player) -> None:
    player.until_page()
    player.ack_as_proposed()
    player.do("update", "investigating", text=BOILERPLATE)
    for name in HARMLESS:
        sli = player.worst()
        before = player.state["slis"][sli]["1m"] or 0.0
        if not player.is_low(sli):
            break
        player.do("apply", name)
        player.do("wait", "6")
        if (player.state["slis"][sli]["1m"] or 0.0) < before + 0.02:
            player.do("rollback", name)
    player.end_it(BOILERPLATE, 31)


BOILERPLATE = "We are aware of the problem and are working on it."
PLAYERS: dict[str, Callable[[_Player], None]] = {
    "nobody": _nobody,
    "shotgun": _shotgun,
    "copycat": _copycat,
    "copycat, polished": lambda player: _copycat(player, BOILERPLATE, 31, risky=False),
    "restart": _restart,
    "restart, polished": lambda player: _restart(player, BOILERPLATE, 31),
    "trial": _trial,
    "reference": lambda player: player.play(),
}
"""The players by name, those without judgement first."""


def play(name: str, scenario: Scenario, seed: int) -> Score:
    """The score of a player's shift."""
    game = Game(scenario, seed)
    player = _Player(game.handle)
    player.run(PLAYERS[name])
    return game.score


@dataclass(frozen=True)
class Row:
    """A player's points over some seeds: the mean, half of its 95 % interval, and by dimension."""

    player: str
    mean: float
    half: float
    dimensions: dict[str, float]


def row_of(name: str, scores: Iterable[Score]) -> Row:
    """The mean of some scores, with the interval that their spread gives."""
    found = list(scores)
    points = [score.points for score in found]
    mean, count = sum(points) / len(points), len(points)
    spread = math.sqrt(sum((one - mean) ** 2 for one in points) / max(1, count - 1))
    by_name: dict[str, Any] = {
        dimension: sum(s.dimensions[place].points for s in found) / count
        for place, dimension in enumerate(JUDGES)
    }
    return Row(name, mean, 1.96 * spread / math.sqrt(count), by_name)


def table(rows: Iterable[Row]) -> str:
    """Rows as a table."""
    names = [name if len(name) < 7 else f"{name[:5]}." for name in JUDGES]
    lines = [f"{'player':<18}{'points':>12}" + "".join(f"{name:>7}" for name in names)]
    for row in rows:
        points = f"{row.mean:.1f} ± {row.half:.1f}"
        parts = "".join(f"{value:>7.1f}" for value in row.dimensions.values())
        lines.append(f"{row.player:<18}{points:>12}{parts}")
    return "\n".join(lines)
