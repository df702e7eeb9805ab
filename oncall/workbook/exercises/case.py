"""Lesson 12 asks for a regression case that fails on the recorded incident and passes with the fix.

To add a mistake, write what you would say to the learner, and beside it the function that finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from operator import eq
from pathlib import Path
from typing import Any

from oncall.incident import Incident
from oncall.postmortem import ActionItem, automations
from oncall.regression import PromptCase, ReplayCase, Verdict, prove, replay, to_eval_case
from oncall.times import DAY, duration_text
from oncall.workbook.exercises.feedback import Counterexample, Feedback, right, waiting, wrong
from oncall.workbook.exercises.runner import show


@cache
def recorded_incident() -> Incident:
    """The incident that the case is about: a provider outage, worked by the book in half an hour.

    It is a journal as one was written, so that what the lesson says of it stays true.
    """
    return Incident.load(Path(__file__).parent / "recorded_incident.jsonl")


def _action_items() -> tuple[ActionItem, ...]:
    """The fix: everything that helped that night, automated."""
    return automations(recorded_incident(), owner="ana")


@cache
def _fixed(case: ReplayCase) -> Verdict:
    """What comes of the case in the system with the fix."""
    return replay(case, [item.automates for item in _action_items() if item.automates])


# --- mistakes ------------------------------------------------------------------------------------

# Takes the answer; returns what shows the mistake, or None when all is well.
CaseDetector = Callable[[Any], Counterexample | None]


def _not_a_case(kind: type) -> CaseDetector:
    """The detector of an answer of this kind that is not a replay case."""

    def counterexample(answer: Any) -> Counterexample | None:
        if isinstance(answer, ReplayCase) or not isinstance(answer, kind):
            return None
        return Counterexample("case", "a ReplayCase", f"a {type(answer).__name__}")

    return counterexample


def _differs(field: str, same: Callable[[Any, Any], bool] = eq) -> CaseDetector:
    """The detector of another value than the one that follows from the record."""

    def counterexample(case: ReplayCase) -> Counterexample | None:
        given, recorded = getattr(case, field), getattr(to_eval_case(recorded_incident()), field)
        if same(given, recorded):
            return None
        return Counterexample(f"case.{field}", show(recorded), show(given))

    return counterexample


def _close(given: float, recorded: float) -> bool:
    return math.isclose(given, recorded, rel_tol=1e-9)


def _measures() -> list[tuple[int, int]]:
    """The good and the total of each measure of the record, in its order."""
    events = recorded_incident().events
    return [(e.get("good"), e.get("total")) for e in events if e.verb == "measure"]


def _is_ratio(wrong: Callable[[list[tuple[int, int]]], float], digits: int = 9) -> CaseDetector:
    """The detector of an error ratio that was computed in this way from the measures."""

    def counterexample(case: ReplayCase) -> Counterexample | None:
        worst = max(1 - good / total for good, total in _measures())
        given, found = case.error_ratio, wrong(_measures())
        if _close(given, worst) or round(given, digits) != round(found, digits):
            return None
        return Counterexample("case.error_ratio", "that of the worst measure", show(given))

    return counterexample


def _worst(measures: list[tuple[int, int]]) -> float:
    return max(1 - good / total for good, total in measures)


def _mean(measures: list[tuple[int, int]]) -> float:
    return sum(1 - good / total for good, total in measures) / len(measures)


def _pooled(measures: list[tuple[int, int]]) -> float:
    return 1 - sum(good for good, _ in measures) / sum(total for _, total in measures)


def _rounded(case: ReplayCase) -> Counterexample | None:
    worst = _worst(_measures())
    if _close(case.error_ratio, worst) or abs(case.error_ratio - worst) > 0.005:
        return None
    return Counterexample("case.error_ratio", "unrounded", show(case.error_ratio))


def _page_limit_idle(case: ReplayCase) -> Counterexample | None:
    """The detector of a page limit that decides nothing: who misses it misses the other too."""
    mended, paged = _fixed(case).restored_after, _fixed(case).paged_after
    if (
        mended is None
        or paged is None
        or case.page_within <= case.restore_within - (mended - paged)
    ):
        return None
    needs = duration_text(mended - paged)
    said = f"page within {duration_text(case.page_within)}"
    return Counterexample(f"restoring takes {needs} from the page on", "less than that", said)


def _record_passes(case: ReplayCase) -> Counterexample | None:
    metrics = recorded_incident().metrics()
    paged, restored = metrics.ttd, metrics.impact
    if not (paged and restored and paged <= case.page_within and restored <= case.restore_within):
        return None
    times = f"paged after {duration_text(paged)}, restored after {duration_text(restored)}"
    passes = f"it passes: {duration_text(case.restore_within)} allowed"
    return Counterexample(f"the record: {times}", "the case fails", passes)


def _paged_too_late(case: ReplayCase) -> Counterexample | None:
    paged = _fixed(case).paged_after
    return _fix_fails(case) if paged is None or paged > case.page_within else None


def _restored_too_late(case: ReplayCase) -> Counterexample | None:
    restored = _fixed(case).restored_after
    return _fix_fails(case) if restored is None or restored > case.restore_within else None


def _fix_fails(case: ReplayCase) -> Counterexample:
    fails = f"it fails: {_fixed(case).why}"
    return Counterexample("the system with the fix", "the case passes", fails)


# The first that finds something is what the learner hears.
CASE_MISTAKES: dict[str, CaseDetector] = {
    "This is a prompt case, which asks one question again. "
    "An outage is proved by a replay: to_eval_case.": _not_a_case(PromptCase),
    "This is the verdict on a case. "
    "Hand in the case itself; the check comes to its own verdict.": _not_a_case(Verdict),
    "This is no ReplayCase. to_eval_case makes one of an incident.": _not_a_case(object),
    "This is named after another incident. The id says which record a case comes from.": _differs(
        "id"
    ),
    "This puts another fault into the system. "
    "Passing it says nothing about the fault of that night.": _differs("symptom"),
    "This holds the service to another SLO. "
    "It is the promise which was broken that has to be kept next time.": _differs("slo"),
    "This is the share that was good. The error ratio is the share that failed, 1 minus "
    "that.": _is_ratio(lambda measures: 1 - _worst(measures)),
    "This is the error ratio of the first measure. The record has others, and one of them is "
    "worse.": _is_ratio(lambda measures: _worst(measures[:1])),
    "This is the last measure, when the service was well again. Take the worst one.": _is_ratio(
        lambda measures: _worst(measures[-1:])
    ),
    "This averages the measures, the calm ones among them, and makes the fault milder than it "
    "was. Take the worst one.": _is_ratio(_mean),
    "This adds all measures up, the calm ones among them, and makes the fault milder than it was. "
    "Take the worst one.": _is_ratio(_pooled),
    "This rounds the error ratio. It decides when the alert can fire, so take it as good and total "
    "give it.": _rounded,
    "This fault is not the recorded one. "
    "Take the error ratio from the record's measures, unrounded.": _differs("error_ratio", _close),
    "The incident as recorded passes this case. "
    "A test that the bad night passes proves nothing: allow less time to restore.": _record_passes,
    "This asks for the page before the alert can know. "
    "Allow the rule's detection time at this error ratio.": _paged_too_late,
    "This asks for more than the automations can do. "
    "They begin with the page, and each needs time to settle.": _restored_too_late,
    "This page limit never decides: whoever misses it misses the other limit too. Allow the rule's "
    "detection time and a minute.": _page_limit_idle,
}


def check_case(answer: Any) -> Feedback:
    """The feedback on a replay case: right if it fails on the record and passes with the fix."""
    if answer is None or answer is ...:
        return waiting("case")
    if isinstance(answer, ReplayCase) and answer.page_within > DAY:
        answer = replace(answer, page_within=DAY)  # the same test, and quicker to replay
    for words, detect in CASE_MISTAKES.items():
        if counterexample := detect(answer):
            return wrong(words, mistake=words, case=counterexample)
    exactly = replace(answer, error_ratio=to_eval_case(recorded_incident()).error_ratio)
    verdict = prove(exactly, recorded_incident(), _action_items())
    return right(f"It is {verdict.why}.") if verdict.passed else wrong(f"It is {verdict.why}.")
