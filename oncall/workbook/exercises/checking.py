"""The exercises of the notebooks, and the one function that checks an answer and says why it is wrong.

What is asked, tried and recognised stands in the two modules imported here.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from oncall.workbook.exercises.feedback import Check as Check
from oncall.workbook.exercises.feedback import Counterexample, right, waiting, wrong
from oncall.workbook.exercises.functions import EXERCISES, Exercise
from oncall.workbook.exercises.postmortem import SENTENCES as SENTENCES
from oncall.workbook.exercises.postmortem import check_blameless, check_case
from oncall.workbook.exercises.postmortem import recorded_incident as recorded_incident
from oncall.workbook.exercises.runner import Outcome, Run, TimeUp, alike, outcome, run

_CHECKS = {"blameless": check_blameless, "case": check_case}
NAMES = (*EXERCISES, *_CHECKS)


def check(name: str, answer: Any) -> Check:
    """The check of an answer to one of the exercises ``NAMES``.

    The answer is a function, or for ``blameless`` a list of sentences and for ``case`` a
    ``ReplayCase``. Whatever the answer does is reported in the ``Check``. An unknown name is a
    ``ValueError`` that says which one is nearest.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0.0)
        raise ValueError(f"unknown exercise {name!r}; did you mean {near[0]!r}?")
    return _CHECKS[name](answer) if name in _CHECKS else _check_function(EXERCISES[name], answer)


def _check_function(exercise: Exercise, answer: Any) -> Check:
    if answer is None or answer is ...:
        return waiting(exercise.name)
    if problem := _cannot_be_called(exercise, answer):
        return wrong(problem)
    cases = exercise.cases + exercise.edges
    did = run(partial(exercise.call, answer), cases)
    if all(result.blank for result in did.outcomes):
        return (
            wrong("It prints but returns nothing: return the answer.")
            if did.printed
            else waiting(exercise.name)
        )
    expected = _outcomes(exercise, exercise.reference)
    differing = (i for i, result in enumerate(did.outcomes) if not alike(result, expected[i]))
    first = next(differing, None)
    if first is None:
        return right(f"The same answers as ours on all {len(cases)} cases.{_remarks(did)}")
    mistake = _recognised(exercise, did.outcomes, first)
    message = mistake or _what_happened(did.outcomes[first])
    case = Counterexample(
        exercise.text(exercise.name, *cases[first]), str(expected[first]), str(did.outcomes[first])
    )
    return wrong(message + _remarks(did), mistake=mistake, case=case)


def _cannot_be_called(exercise: Exercise, answer: Any) -> str:
    if not callable(answer):
        return f"Hand in the function itself, not what it returns: check({exercise.name!r}, {exercise.name})."
    try:
        inspect.signature(answer).bind(*exercise.signature.split(","))
    except TypeError:
        return f"It cannot be called like this: {exercise.signature}."
    except ValueError:  # a built-in that does not say what it takes
        pass
    return ""


def _outcomes(exercise: Exercise, function: Any) -> list[Outcome]:
    return [
        outcome(partial(exercise.call, function), case) for case in exercise.cases + exercise.edges
    ]


def _recognised(exercise: Exercise, outcomes: Sequence[Outcome], first: int) -> str | None:
    """The words about the mistake that gives the same answers; ``first`` is the first case that is wrong.

    The same on every case, or else as far as one mistake reaches where there are two: on all plain
    cases when one of those is wrong, or up to the first edge that is.
    """
    plain = len(exercise.cases)
    theirs = [(words, _outcomes(exercise, function)) for words, function in exercise.mistakes]
    for reach in (plain + len(exercise.edges), plain if first < plain else first + 1):
        for words, wrong_outcomes in theirs:
            if len(outcomes) >= reach and all(map(alike, outcomes[:reach], wrong_outcomes[:reach])):
                return words
    return None


def _what_happened(result: Outcome) -> str:
    """What to say of a wrong answer that nobody has thought of."""
    if isinstance(result.error, TimeUp):
        return "It did not come back and was stopped. Does a loop wait for what never comes?"
    if isinstance(result.error, RecursionError):
        return "It calls itself without end. Which case is to stop it?"
    if result.error is not None:
        return f"It raises {type(result.error).__name__} on the case below."
    if result.value is None:
        return "It returns None on the case below. Does one way through it lack a return?"
    return "The case below is the smallest on which it differs."


def _remarks(did: Run) -> str:
    """What else there is to say, right or wrong."""
    remarks = {
        " It changes the list it is given: work on a copy.": any(
            result.mutated for result in did.outcomes
        ),
        " It also prints; only what it returns is checked.": did.printed,
        " It could not be stopped and still runs: restart the kernel.": did.stuck,
    }
    return "".join(remark for remark, applies in remarks.items() if applies)
