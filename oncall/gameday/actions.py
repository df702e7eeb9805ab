"""The actions: doing things at a desk by words, such as ``triage sev1 ana``."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from typing import Any

from oncall.catalogue import CAUSES, RUNBOOKS
from oncall.gameday import readings
from oncall.gameday.acts import ACTIONS as ACTIONS
from oncall.gameday.acts import aims as aims
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE, YOU
from oncall.incident import IllegalTransition
from oncall.journal import LEARN_KINDS, SECURITY_STEPS, STATUSES
from oncall.mitigations import MITIGATIONS
from oncall.severity import SEVERITIES

MOST_TYPED = 4_000  # characters in the words of an action
ALIASES = {
    "logs": ("look", "logs"), "metrics": ("look", "metrics"), "status": ("look", "status"),
    "changes": ("look", "changes"), "support": ("look", "support"), "acknowledge": ("ack",),
    "undo": ("rollback",), "resolved": ("resolve",), "mitigate": ("apply",),
}  # fmt: skip
"""Words that people type for others."""


def do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing at the desk and return what there is to see.

    What is unknown or not allowed now is a ``ValueError`` that says why, and changes nothing.
    """
    return obey(desk, action, *words)[0]


def obey(desk: Desk, action: str, *words: str) -> tuple[str, Any]:
    """Do one thing, and return what there is to see as a text, and as data where there are any."""
    action, words = unaliased(action, words)
    check_action(action, *words)
    try:
        shown = ACTIONS[action].do(desk, *words)
    except IllegalTransition as error:  # the verbs that it allows are the record's, not these
        raise ValueError(_refusal(desk, action, str(error).partition("; allowed")[0])) from None
    return (shown.text, shown.data) if isinstance(shown, readings.Reading) else (shown, None)


def unaliased(action: str, words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The action and its words, in place of other words for it."""
    if action in MITIGATIONS:
        return "apply", (action, *words)
    if action in ALIASES:
        real, *first = ALIASES[action]
        return real, (*first, *words)
    return action, tuple(words)


def _refusal(desk: Desk, action: str, why: str) -> str:
    """Why an action is refused, and what comes first."""
    state = desk.incident.state if desk.incident else ""
    first = {
        "detected": "first ack, then triage",
        "acknowledged": "first triage",
        "triaged": "first apply a mitigation; what is over by itself can be resolved",
        "mitigating": "first say mitigated; what is over by itself can be resolved",
        "mitigated": "first resolve",
        "resolved": "reopen it, or close it",
    }.get(state)
    return f"{why}; {first}" if first and action not in ("ack",) else why


def try_to_do(desk: Desk, action: str, *words: str) -> str:
    """Do one thing, or say why it is not allowed."""
    try:
        return do(desk, action, *words)
    except ValueError as error:
        return f"not done: {error}"


def check_action(action: str, *words: str) -> None:
    """Raise a ``ValueError`` unless the action exists and takes these words.

    It needs no desk.
    """
    if (size := sum(map(len, (action, *words)))) > MOST_TYPED:
        raise ValueError(f"an action of {size:,} characters; give at most {MOST_TYPED:,}")
    action, words = unaliased(action, words)
    if action not in ACTIONS:
        near = difflib.get_close_matches(action, [*ACTIONS, *ALIASES, *MITIGATIONS], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the actions are {', '.join(ACTIONS)}"
        raise ValueError(f"unknown action {action!r}; {hint}")
    try:
        inspect.signature(ACTIONS[action].do).bind(None, *words)
    except TypeError:
        raise ValueError(f"give: {ACTIONS[action].usage}") from None


def allowed_actions(desk: Desk) -> list[str]:
    """The actions that are allowed now."""
    return [name for name, action in ACTIONS.items() if action.allowed(desk)]


# --- what may follow -----------------------------------------------------------------------------


def options(desk: Desk, action: str, words: Sequence[str]) -> tuple[list[str] | None, bool]:
    """What may follow these words of an action, and whether a text of one's own may.

    It is free of cost, and the same whatever is wrong.
    """
    place = len(words)
    if action == "look":
        return readings.options(words), False
    first: dict[str, Sequence[str]] = {
        "triage": SEVERITIES, "page": tuple(PEOPLE), "suspect": tuple(CAUSES),
        "apply": tuple(MITIGATIONS), "ask": tuple(MITIGATIONS), "rollback": desk.applied,
        "secure": SECURITY_STEPS, "learn": LEARN_KINDS, "update": STATUSES,
        "runbook": tuple(RUNBOOKS), "use": tuple(one.id for one in desk.incidents),
        "handover": tuple(PEOPLE), "ack": (YOU,),
    }  # fmt: skip
    is_text = action in ("update", "note", "close") or (action == "learn" and place == 1)
    if place == 0:
        return (list(first[action]) if action in first else None), is_text
    if action in ("apply", "ask") and place == 1:
        return (aims(desk, words[0]) or None), False
    if action == "triage":
        if place == 1:
            return list(PEOPLE), False
        return [f"{role}={who}" for role in ("ops", "comms", "scribe") for who in PEOPLE], False
    if action == "check" and place == 1:
        return list(RUNBOOKS), False
    return None, is_text
