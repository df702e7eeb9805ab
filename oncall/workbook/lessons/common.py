"""What several lessons share: the SLO, the rules that page, and how burn rates are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from matplotlib.axes import Axes

from oncall.alerting import google_policy
from oncall.slo import SLO, percent
from oncall.times import duration_text

THREE_NINES = SLO("availability", 0.999)
PAGE_RULES = google_policy()[:2]  # exactly at their factors they are silent
TARGETS = {percent(target): target for target in (0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)}


def burn_lines(
    axes: Axes, windows: Sequence[timedelta], colours: Sequence[str], lw: float
) -> dict[str, Any]:
    """Draw the threshold of each page rule, dashed; return an empty line for each burn rate."""
    lines = {}
    for window, rule, colour in zip(windows, PAGE_RULES, colours, strict=True):
        name = duration_text(window)
        label = f"last {name} (dashed: {rule.factor:.4g}x)"
        (lines[f"burn {name}"],) = axes.plot([], [], color=colour, lw=lw, label=label)
        axes.axhline(rule.factor, color=colour, lw=1, ls="--")
    return lines
