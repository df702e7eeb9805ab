"""The score of a response: seven dimensions, read from the journal and held against a reference.

It is a pure function of two journals, so a real incident typed in afterwards is scored by the same
rubric as a drill. No dimension is gained by doing something more often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from oncall.catalogue import MITIGATIONS, RUNBOOKS, symptom_of
from oncall.incident import Incident
from oncall.journal import REMARKS, UPDATE_EVERY, Event, in_effect
from oncall.postmortem import SECTIONS, measured, read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE, ceil_div, duration_text

PROMPT_ACK, ACK_SLOPE = 5 * MINUTE, 25 * MINUTE  # prompt earns all points, so much later none
NEEDLESS = "needless "  # before the name of an incident that was none
WRITTEN = SECTIONS[4:9]  # the sections that people write; the others follow from the journal


@dataclass(frozen=True)
class Dimension:
    """One line of a score: points out of ``most``, why, and why the reference got its own."""

    name: str
    points: int
    most: int
    why: str
    reference: str = ""


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


def score(journal: Incident, reference: Incident | None) -> Score:
    """How a response compares with the reference response to the same incident.

    Each dimension is judged from what the journals hold; what is not recorded earns nothing.
    ``None`` as the reference says that there was no incident: whatever was done was needless.
    """
    reference = reference or _nothing(journal)
    own, theirs = _judge(journal, reference), _judge(reference, reference)
    dimensions = []
    for name, most, _ in JUDGES:
        share, why = own[name]
        points = round(most * min(1.0, max(0.0, share)))
        dimensions.append(Dimension(name, points, most, why, theirs[name][1]))
    return Score(tuple(dimensions))


def score_shift(journals: Sequence[Incident], references: Sequence[Incident]) -> dict[str, Score]:
    """The scores of a whole shift, by incident.

    Each is held against the reference's with the same symptom; the others are matched in order.
    An incident that the reference had and this shift did not scores 0, as ``missed INC-…``. One
    that the reference did not have was needless, and is called so, unless it is a known symptom
    that came back.
    """
    own, scores = list(journals), {}
    matches = [_take(own, theirs.symptom) for theirs in references]
    for theirs, mine in zip(references, matches, strict=True):
        if mine is None and own:
            mine = own.pop(0)
        name = mine.id if mine else f"missed {theirs.id}"
        scores[name] = score(mine or replace(theirs, events=()), theirs)
    for extra in own:
        same = next((one for one in references if one.symptom == extra.symptom), None)
        scores[extra.id if same else f"{NEEDLESS}{extra.id}"] = score(extra, same)
    return dict(sorted(scores.items()))


def mean_points(scores: dict[str, Score]) -> int:
    """The points of a shift: the mean over its incidents, 100 without any.

    Needless incidents may lower the mean, and never raise it.
    """
    points = [result.points for result in scores.values()]
    needed = [result.points for name, result in scores.items() if not name.startswith(NEEDLESS)]
    means = [round(Fraction(sum(group), len(group))) for group in (points, needed) if group]
    return min(means, default=100)


def _take(journals: list[Incident], symptom: str) -> Incident | None:
    for index, journal in enumerate(journals):
        if journal.symptom == symptom:
            return journals.pop(index)
    return None


def _nothing(journal: Incident) -> Incident:
    """The reference response to what was no incident: look, and say so."""
    at = journal.events[0].at if journal.events else journal.impact_start
    seen = replace(journal, events=()).detect(None, at=at, by="reference")
    seen = seen.acknowledge(at=at, by="reference")
    seen = seen.triage("sev5", "reference", at=at, by="reference")
    return seen.false_alarm(at=at, by="reference")


Judgement = tuple[float, str]  # the share of the points earned, and why


def _judge(journal: Incident, reference: Incident) -> dict[str, Judgement]:
    spared = _not_due(journal, reference) if journal.state == reference.state == "closed" else {}
    return {name: spared.get(name) or judge(journal, reference) for name, _, judge in JUDGES}


def _not_due(journal: Incident, reference: Incident) -> dict[str, Judgement]:
    """The dimensions in which nothing was due, as the reference shows, with full marks and why."""
    if not reference.events_of("triage"):
        return {}
    if reference.events_of("false_alarm"):
        return _not_due_for_false_alarm(journal)
    spared: dict[str, Judgement] = {}
    if not reference.postmortem:
        spared["postmortem"] = (1.0, f"None is due at {reference.severity}.")
    try:
        to_eval_case(reference)
    except ValueError:
        spared["recurrence"] = (1.0, "None is due: there is no case that could show it.")
    return spared


def _not_due_for_false_alarm(journal: Incident) -> dict[str, Judgement]:
    nothing = (1.0, "Nothing is due for a false alarm.")
    spared = dict.fromkeys(("budget", "postmortem", "recurrence", "updates"), nothing)
    if told := len(journal.events_of("update")):
        spared["updates"] = (1 - 0.5 * told, f"Users were told {_times(told)} of a false alarm.")
    if journal.events_of("false_alarm"):
        spared["severity"] = nothing  # whatever was decided before it was called off
        if not journal.events_of("triage"):
            spared["actions"] = nothing
    return spared


def _tta(journal: Incident, reference: Incident) -> Judgement:
    """The longest that a call for a person waited: the detection, and each climb of the ladder."""
    waits = list(_waits(journal))
    longest = max(filter(None, _waits(reference)), default=timedelta())
    if not waits or waits[0] is None:
        return 0, "Nobody acknowledged."
    if None in waits:
        return 0, "A later page was not acknowledged."
    tta, full = max(wait for wait in waits if wait is not None), max(PROMPT_ACK, longest)
    share = 1 - (tta - full) / ACK_SLOPE
    return share, f"Acknowledged after {duration_text(tta)}; up to {duration_text(full)} is prompt."


def _waits(journal: Incident) -> Iterator[timedelta | None]:
    """From each call for a person to the acknowledgement that answered it; ``None`` where none did.

    After a call for help the caller is already on it, so those pages need no answer of their own.
    """
    called, helped = None, False
    for event in journal.events:
        if event.verb == "escalate":
            helped = True
        elif event.verb not in (*REMARKS, "triage"):
            helped = False
        if event.verb == "detect" or (event.verb == "page" and not helped):
            called = called or event.at
        elif event.verb == "acknowledge" and called:
            yield event.at - called
            called = None
    if called:
        yield None


def _severity(journal: Incident, reference: Incident) -> Judgement:
    decided = [event.get("severity") for event in journal.events_of("triage")]
    if not decided:
        return 0, "Nobody decided a severity."
    mine, right = decided[-1], reference.severity or decided[-1]
    if mine == right:
        return 1, f"{mine} is right."
    if mine < right:
        return 0.5, f"{mine} is higher than {right}, which costs sleep."
    return 0, f"{mine} is lower than {right}, which costs users: when unsure, take the higher."


def _actions(journal: Incident, reference: Incident) -> Judgement:
    """The share of what the reference kept that was kept, less what was needless or taken back."""
    needed, unneeded = _kept(reference), _unneeded(journal, reference)
    if journal.events_of("false_alarm") and not reference.events_of("false_alarm"):
        return 0, "It was called a false alarm, and it was none."
    if not journal.events_of("triage"):
        return 0, "Nobody worked on it."
    if needed and not _mitigations(journal):
        return 0, "Nothing was mitigated."
    missing = [name for name in needed if name not in _kept(journal)]
    undone = max(0, _rollbacks(journal, needed) - _rollbacks(reference, needed))
    risky = _irreversible(unneeded)
    reasons = {"not needed": unneeded, "irreversible": risky}
    parts = _listed(reasons | {"not in effect when it ended": missing})
    parts += [f"needed and taken back: {_times(undone)}"] if undone else []
    share = 1 - len(missing) / max(1, len(needed))
    share -= 0.25 * (len(unneeded) + undone) + 0.5 * len(risky)
    return share, _sentence("; ".join(parts) or "nothing was done that was not needed")


def _mitigations(journal: Incident) -> list[str]:
    return list(dict.fromkeys(event.get("action") for event in journal.events_of("mitigate")))


def _unneeded(journal: Incident, reference: Incident) -> list[str]:
    """What was done and the reference did without."""
    return [name for name in _mitigations(journal) if name not in _mitigations(reference)]


def _irreversible(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in MITIGATIONS and not MITIGATIONS[name].reversible]


def _kept(journal: Incident) -> list[str]:
    """The mitigations in effect when users last began to be well again, or else at the end."""
    return in_effect(_until_mitigated(journal))


def _rollbacks(journal: Incident, names: list[str]) -> int:
    """How often one of these was taken back."""
    events = _until_mitigated(journal)
    taken_back = [event.get("mitigation") for event in events if event.verb == "rollback"]
    return sum(taken_back.count(name) for name in names)


def _until_mitigated(journal: Incident) -> tuple[Event, ...]:
    last = {event.verb: place for place, event in enumerate(journal.events)}
    return journal.events[: last.get("mitigated", last.get("resolve"))]


def _updates(journal: Incident, reference: Incident) -> Judgement:
    """One is due in every half hour from detection to mitigation, and one after it.

    Each counts once. More than twice as many as are due tire their readers, and cost.
    """
    if not journal.events_of("detect"):
        return 0, "Nothing was detected."
    told = [event.at for event in journal.events_of("update")]
    due, met, left = _due(journal, reference), 0, list(told)
    for begin, end in due:
        in_time = [at for at in left if begin <= at <= end]
        if in_time:
            left.remove(in_time[0])
            met += 1
    why = f"{met} of the {len(due)} updates that were due came in time"
    if (extra := len(told) - 2 * len(due)) > 0:
        return met / len(due) - 0.1 * extra, f"{why}, among {len(told)}: too many to read."
    return met / len(due), f"{why}."


def _due(journal: Incident, reference: Incident) -> list[tuple[datetime, datetime]]:
    """The stretches of time in each of which an update is due."""
    start, times = journal.events_of("detect")[0].at, journal.metrics()
    until = start + (times.ttm or reference.metrics().ttr or UPDATE_EVERY)
    halves = max(1, ceil_div(until - start, UPDATE_EVERY))
    starts = [start + i * UPDATE_EVERY for i in range(halves)]
    due = [(begin, min(until, begin + UPDATE_EVERY)) for begin in starts]
    return [*due, (until, max(until, start + (times.ttr or timedelta())) + UPDATE_EVERY)]


def _budget(journal: Incident, reference: Incident) -> Judgement:
    if journal.metrics().impact is None:
        why = "It was never called mitigated"
        if journal.events_of("mitigated") or journal.events_of("resolve"):
            why = "It came back and was not called mitigated again"
        return 0, f"{why}, so the budget counts as burning on."
    if risky := _irreversible(_unneeded(journal, reference)):
        return 0, f"{', '.join(risky)} cannot be undone, so what was saved does not count."
    (good, total), (reference_good, reference_total) = measured(journal), measured(reference)
    if not total or not reference_total:
        return 0, "No request was counted while it was open, so nothing can be compared."
    bad, reference_bad = total - good, reference_total - reference_good
    failed = f"{bad:,} request{'s' if bad != 1 else ''} failed"
    if bad <= reference_bad:
        return 1, f"{failed}{'' if journal is reference else ', no more than with the reference'}."
    beyond = (bad - reference_bad) / max(1, reference_bad)
    more = f"{beyond:.0%}" if beyond >= 0.01 else "less than 1%"
    return 1 - beyond, f"{failed}, {more} more than with the reference."


def _postmortem(journal: Incident, reference: Incident) -> Judgement:
    """The share of the sections that people write which say something, less what the lint finds."""
    text = journal.postmortem
    if not text:
        return 0, "There is no postmortem."
    findings = lint_postmortem(text, whole=True)
    missing = [finding.phrase for finding in findings if finding.rule == "missing-section"]
    empty = [name for name in WRITTEN if _body(text, name) == "Nothing recorded."]
    other = [repr(finding.phrase) for finding in findings if finding.rule != "missing-section"]
    written = sum(name not in (*missing, *empty) for name in WRITTEN) / len(WRITTEN)
    share = written - 0.1 * (len(other) + sum(name not in WRITTEN for name in missing))
    if not findings and not empty:
        return share, "Every section is there and the lint finds nothing."
    reasons = {"sections missing": missing, "without content": empty}
    parts = _listed(reasons | {"the lint asks about": other})
    return share, _sentence("; ".join(parts))


def _body(text: str, section: str) -> str:
    """What stands in a section; nothing when its title is another, which the lint sees."""
    return text.partition(f"\n## {section}\n")[2].partition("\n## ")[0].strip()


def _recurrence(journal: Incident, reference: Incident) -> Judgement:
    items = read_action_items(journal.postmortem or "")
    if risky := _irreversible(one.automates for one in items if one.automates):
        return 0, f"{risky[0]} cannot be undone, so it is never left to a machine."
    record = reference if _quicker(journal, reference) else journal
    if symptom_of(record.cause, record.symptom) not in RUNBOOKS:
        return 0, "No case: there is no runbook, and so nothing to replay."
    try:
        verdict = prove(to_eval_case(record), record, items)
    except ValueError as error:
        return 0, f"No case: {str(error).partition(';')[0]}."  # what comes after says what to call
    return float(verdict.passed), _sentence(verdict.why)


def _quicker(journal: Incident, reference: Incident) -> bool:
    """Whether users were well again sooner than with the reference, perhaps before any page."""
    mine, theirs = journal.metrics().impact, reference.metrics().impact
    return mine is not None and theirs is not None and mine < theirs


def _listed(reasons: dict[str, list[str]]) -> list[str]:
    return [f"{what}: {', '.join(names)}" for what, names in reasons.items() if names]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


JUDGES: tuple[tuple[str, int, Callable[[Incident, Incident], Judgement]], ...] = (
    ("TTA", 15, _tta),
    ("severity", 15, _severity),
    ("actions", 20, _actions),
    ("updates", 10, _updates),
    ("budget", 20, _budget),
    ("postmortem", 10, _postmortem),
    ("recurrence", 10, _recurrence),
)
"""The dimensions: what each is called, the points it is worth, and who judges it."""
