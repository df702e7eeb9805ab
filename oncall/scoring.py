"""The score of a response: seven dimensions, each read from the journal and held against a reference.

It is a pure function of two journals, so a real incident typed in afterwards is scored by the same
rubric as a drill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oncall.incident import Incident
from oncall.postmortem import SECTIONS, lint_postmortem, measured, read_action_items
from oncall.regression import prove, to_eval_case
from oncall.runbook import RUNBOOKS
from oncall.times import MINUTE, duration_text

UPDATE_EVERY = 30 * MINUTE
PROMPT_ACK, ACK_SLOPE = 5 * MINUTE, 25 * MINUTE  # prompt earns all points, so much later none


@dataclass(frozen=True)
class Dimension:
    """One line of a score: points of at most ``most``, and why in a sentence."""

    name: str
    points: int
    most: int
    why: str


@dataclass(frozen=True)
class Score:
    """The seven dimensions of a response; ``points`` is out of 100."""

    dimensions: tuple[Dimension, ...]

    @property
    def points(self) -> int:
        """The sum over all dimensions."""
        return sum(dimension.points for dimension in self.dimensions)

    def __str__(self) -> str:
        lines = [f"{d.name:<12}{d.points:>3} of {d.most:<3} {d.why}" for d in self.dimensions]
        return "\n".join([*lines, f"{'score':<12}{self.points:>3} of 100"])


def score(journal: Incident, reference: Incident) -> Score:
    """How a response compares with the reference response to the same incident.

    Each dimension is judged from what the journals hold; what is not recorded earns nothing.
    """
    judges = (
        ("TTA", 15, _tta),
        ("severity", 15, _severity),
        ("actions", 20, _actions),
        ("updates", 10, _updates),
        ("budget", 20, _budget),
        ("postmortem", 10, _postmortem),
        ("recurrence", 10, _recurrence),
    )
    dimensions, spared = [], _not_due(reference) if journal.state == "closed" else {}
    for name, most, judge in judges:
        share, why = (1.0, spared[name]) if name in spared else judge(journal, reference)
        dimensions.append(Dimension(name, round(most * min(1.0, max(0.0, share))), most, why))
    return Score(tuple(dimensions))


Judgement = tuple[float, str]  # the share of the points earned, and why


def _not_due(reference: Incident) -> dict[str, str]:
    """The dimensions that ask for nothing, as the reference shows that triaged and closed it, and why."""
    verbs = {event.verb for event in reference.events}
    if "triage" not in verbs or reference.state != "closed":
        return {}
    if "false_alarm" in verbs:
        return dict.fromkeys(("updates", "budget", "postmortem", "recurrence"), "Nothing is due for a false alarm.")
    spared = {} if reference.postmortem else {"postmortem": f"None is due at {reference.severity}."}
    try:
        to_eval_case(reference)
    except ValueError:
        spared["recurrence"] = "None is due: there is no case that could show it."
    return spared


def _tta(journal: Incident, reference: Incident) -> Judgement:
    tta, wanted = journal.metrics().tta, reference.metrics().tta
    if tta is None:
        return 0, "Nobody acknowledged."
    full = max(PROMPT_ACK, wanted or PROMPT_ACK)
    return 1 - (
        tta - full
    ) / ACK_SLOPE, f"Acknowledged after {duration_text(tta)}; up to {duration_text(full)} is prompt."


def _severity(journal: Incident, reference: Incident) -> Judgement:
    decided = [event.get("severity") for event in journal.events if event.verb == "triage"]
    if not decided:
        return 0, "Nobody decided a severity."
    mine, right = decided[-1], reference.severity or decided[-1]
    if mine == right:
        return 1, f"{mine} is right."
    # Too high costs sleep; too low costs users. When unsure, take the higher.
    return (0.5, f"{mine} is higher than {right}.") if mine < right else (0, f"{mine} is lower than {right}.")


def _actions(journal: Incident, reference: Incident) -> Judgement:
    done, needed = _mitigations(journal), _mitigations(reference)
    if needed and not done:
        return 0, "Nothing was mitigated."
    irreversible = {m.name for book in RUNBOOKS.values() for m in book.mitigations if not m.reversible}
    unneeded = [name for name in done if name not in needed]
    risky = [name for name in unneeded if name in irreversible]
    if not unneeded:
        return 1, "Nothing was done that was not needed."
    why = f"Not needed: {', '.join(unneeded)}" + (f"; irreversible: {', '.join(risky)}" if risky else "")
    return 1 - 0.25 * len(unneeded) - 0.5 * len(risky), why + "."


def _mitigations(journal: Incident) -> list[str]:
    return list(dict.fromkeys(event.get("action") for event in journal.events if event.verb == "mitigate"))


def _updates(journal: Incident, reference: Incident) -> Judgement:
    """One is due in every half hour from detection to mitigation, and one after it."""
    detected = [event.at for event in journal.events if event.verb == "detect"]
    if not detected:
        return 0, "Nothing was detected."
    times = journal.metrics()
    until = detected[0] + (times.ttm or reference.metrics().ttr or UPDATE_EVERY)
    halves = range(max(1, -(-(until - detected[0]) // UPDATE_EVERY)))
    due = [(detected[0] + i * UPDATE_EVERY, min(until, detected[0] + (i + 1) * UPDATE_EVERY)) for i in halves]
    due.append((until, max(until, detected[0] + (times.ttr or timedelta())) + UPDATE_EVERY))
    told = [event.at for event in journal.events if event.verb == "update"]
    met = sum(any(begin <= at <= end for at in told) for begin, end in due)
    return met / len(due), f"{met} of the {len(due)} updates that were due came in time."


def _budget(journal: Incident, reference: Incident) -> Judgement:
    if journal.metrics().impact is None:
        return 0, "It was never mitigated, so the budget went on burning."
    (good, total), (reference_good, reference_total) = measured(journal), measured(reference)
    if not total or not reference_total:
        return 0, "Nothing was measured."
    bad, reference_bad = total - good, reference_total - reference_good
    if bad <= reference_bad:
        return 1, f"{bad:,} requests failed, no more than with the reference."
    beyond = (bad - reference_bad) / max(1, reference_bad)
    return 1 - beyond, f"{bad:,} requests failed, {beyond:.0%} more than with the reference."


def _postmortem(journal: Incident, reference: Incident) -> Judgement:
    text = journal.postmortem
    if not text:
        return 0, "There is no postmortem."
    findings = lint_postmortem(text)
    missing = sum(finding.rule == "missing-section" for finding in findings)
    other = len(findings) - missing
    empty = text.splitlines().count("Nothing recorded.")
    share = 1 - (missing + empty) / len(SECTIONS) - 0.1 * other
    if not missing + empty + other:
        return share, "Every section is there and the lint finds nothing."
    return share, f"Sections missing: {missing}, without content: {empty}; further lint findings: {other}."


def _recurrence(journal: Incident, reference: Incident) -> Judgement:
    try:
        verdict = prove(to_eval_case(journal), journal, read_action_items(journal.postmortem or ""))
    except ValueError as error:
        return 0, f"No case: {error}."
    return float(verdict.passed), verdict.why[0].upper() + verdict.why[1:] + "."
