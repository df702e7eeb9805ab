"""What the drill's ``help`` says: every action in a line, and more of the one that is named."""

from __future__ import annotations

from collections.abc import Sequence

from oncall.catalogue import CAUSES
from oncall.cli.layout import wrap
from oncall.gameday.actions import ACTIONS
from oncall.gameday.acts import APPLY_MINUTES, MINUTES
from oncall.gameday.causes import DIMENSIONS, GAUGES
from oncall.gameday.people import PEOPLE
from oncall.gameday.readings import OTHERS, THINGS
from oncall.gameday.scoring import JUDGES
from oncall.journal import STATUSES
from oncall.severity import HARMS, SEVERITY_TABLE

FACTS = {
    "cause": "as suspect names it",
    "segment": "DIMENSION=VALUE, such as region=eu, or all",
    "trigger": "the change, such as C104, or none",
    "onset": "HH:MM, to ten minutes",
}
"""How the four facts of a postmortem are written, for they are judged as fields."""
SAID = {
    "update": {
        "STATUS": f"one of {', '.join(STATUSES)}",
        "PERCENT": "of requests that are hit, in the SLI that is hit worst",
    },
    "secure": {"all three": "call, restrict, preserve, before what mends a security incident"},
    "resolve": {"when": "all has been well for half an hour"},
    "learn": FACTS,
    "page": PEOPLE,
}
"""What more there is to say of some words."""
WIDE = 30  # columns of a usage, beside which stands what it is for
SCORED = {
    "answer": "how long a page waits, and who is woken beyond need",
    "severity": "by harm, from ten minutes after the page; 'help triage' has the table",
    "diagnosis": "the cause suspected after a reading that tells, and before its cure",
    "harm": "the budgets burned, between nobody coming and the best twenty minutes after a page",
    "safety": "unapproved, irreversible, stacked, needless; over too early, or never ended",
    "communication": "an update in each due stretch, true in status and percent; one at the end",
    "learning": "cause, segment, trigger (a change, or none), onset; no blame; a case proved",
}
"""What each dimension of the score reads, as it is told before play."""


def explain(names: Sequence[str] = ()) -> str:
    """What can be typed: all of it, or more of what is named."""
    chosen = [name for name in names if name in ACTIONS or name == "score"]
    rows = {one.usage: one.what for name, one in ACTIONS.items() if not chosen or name in chosen}
    if not chosen:
        rows["help WORD"] = "more of a word; 'help score' says how it is scored"
        rows["quit"] = "leave; with --save the shift can be resumed"
    lines = []
    for usage, what in rows.items():
        beside = len(usage) < WIDE
        lines += [f"{usage:<{WIDE}}{what}"] if beside else [usage, " " * WIDE + what]
    for name in chosen:
        lines += _more(name)
    return "\n".join(wrap(lines, hang=WIDE))


def _more(name: str) -> list[str]:
    """What else there is to say of an action, in lines of a name and a text."""
    rows: dict[str, str] = {}
    if name in MINUTES:
        rows["takes"] = f"{MINUTES[name]}m"
    if name == "apply":
        rows["takes"] = ", ".join(f"{n}m at {risk} risk" for risk, n in APPLY_MINUTES.items())
        rows["which"] = "the runbooks list them, with risk, settle time and what needs approval"
    if name == "look":
        rows |= {"by a dimension": ", ".join(THINGS), "else": ", ".join(OTHERS)}
        rows |= {gauge: what for gauge, (_, what) in GAUGES.items()}
        rows |= {f"by {one}": ", ".join(values) for one, values in DIMENSIONS.items()}
    if name == "suspect":
        rows["one of"] = ", ".join(CAUSES)
    rows |= SAID.get(name, {})
    if name == "triage":
        rows |= HARMS
        for least, by_harm in SEVERITY_TABLE:
            said = ", ".join(f"{severity} if {harm}" for harm, severity in by_harm.items())
            rows[f"from {least:.0%} hit"] = said
        rows["whatever the share"] = "sev1 for security and lost data, sev5 if no user is hit"
    if name == "score":
        rows |= {f"{each} {most}": SCORED[each] for each, (most, _) in JUDGES.items()}
    return [f"  {key:<{WIDE - 2}}{text}" for key, text in rows.items()]
