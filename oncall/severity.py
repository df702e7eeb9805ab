"""Severity: how bad an incident is, read from one small table by the harm that it does.

Harm is the share of users or requests that it hits, times how badly. The rule that fired does not
come into it: a rule knows how fast a budget burns, and proposes; people decide by harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from oncall.checks import check_choice, checked_number, checked_tuple

SEVERITIES = ("sev1", "sev2", "sev3", "sev4", "sev5")
"""The severities, the worst first; sev1 and sev2 need a postmortem."""
HARMS = {
    "lost": "no answer, or an unsafe one",
    "worse": "a late, wrong or poor answer",
    "unfelt": "users notice nothing",
}
"""How badly it hits, the worst first."""
HARM_OF = {
    "availability": "lost", "safety": "lost", "first_token": "worse", "latency": "worse",
    "quality": "worse", "cost": "unfelt",
}  # fmt: skip
"""The harm that is done where an SLI of this name suffers; to any other SLI it is ``lost``."""
SEVERITY_TABLE: tuple[tuple[float, dict[str, str]], ...] = (
    (0.2, {"lost": "sev1", "worse": "sev2", "unfelt": "sev3"}),
    (0.05, {"lost": "sev2", "worse": "sev3", "unfelt": "sev4"}),
    (0.01, {"lost": "sev3", "worse": "sev4", "unfelt": "sev5"}),
    (0.0, {"lost": "sev4", "worse": "sev5", "unfelt": "sev5"}),
)
"""The least share that is hit, and the severity by harm. The limits are ours: agree on your own."""
WHOM = ("users", "staff", "nobody")


def severity_for(
    share: float | Fraction,
    slis: str | Iterable[str],
    *,
    whom: str = "users",
    security: bool = False,
    data_loss: bool = False,
) -> str:
    """The severity of an incident that hits a share of users or requests in these SLIs.

    ``share`` is from 0 to 1, the larger one where users and requests differ; ``nan``, not known
    yet, counts as all of them: when unsure, take the higher. Of several SLIs the worst harm counts.
    If only ``staff`` notice, it is one lower; if it hits ``nobody``, as when a measurement is
    wrong or the traffic a test, it is sev5. Security and data loss are sev1 whatever the share.

    >>> severity_for(0.5, "availability"), severity_for(0.25, "first_token")
    ('sev1', 'sev2')
    >>> severity_for(0.02, ["cost", "quality"]), severity_for(0.001, "safety", security=True)
    ('sev4', 'sev1')
    """
    check_choice(whom, "whom", WHOM)
    hit = 1.0 if share != share else checked_number(share, "share", 0, 1)  # nan equals nothing
    given, hint = (slis,) if isinstance(slis, str) else slis, "give e.g. 'availability'"
    names = checked_tuple(given, str, "slis", "one name or more", hint, least=1)
    if security or data_loss:
        return SEVERITIES[0]
    if whom == "nobody" or hit == 0:
        return SEVERITIES[-1]
    by_harm = next(row for least, row in SEVERITY_TABLE if hit >= least)
    severity = min(by_harm[HARM_OF.get(name, "lost")] for name in names)
    lower = whom == "staff" and severity != SEVERITIES[-1]
    return SEVERITIES[SEVERITIES.index(severity) + lower]
