"""Actions as they are typed: at a desk, and as a script."""

from __future__ import annotations

from oncall.gameday.actions import do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.script import ScriptLine
from oncall.times import MINUTE

CURE = ("apply fail_over", "apply serve_cached", "apply serve_degraded", "wait 5")


def paged(minutes: int = 0, name: str = "provider_outage", seed: int = 1) -> Desk:
    """A desk some minutes after its first alert."""
    desk = Desk(SCENARIOS[name], seed)
    desk.advance_until(lambda desk: desk.incident is not None)
    desk.advance(minutes * MINUTE)
    return desk


def type_at(desk: Desk, *lines: str) -> None:
    """Do one thing after the other, each typed as a line such as ``triage sev1 ana``."""
    for line in lines:
        do(desk, *line.split())


def script(text: str) -> tuple[ScriptLine, ...]:
    """A script typed as lines such as ``153 triage sev1 ana``."""
    lines = []
    for line in text.strip().splitlines():
        minute, action, *words = line.split()
        lines.append(ScriptLine(int(minute), action, tuple(words)))
    return tuple(lines)
