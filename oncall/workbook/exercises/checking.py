"""The one function that checks an answer to any of the lessons' exercises and says why it is wrong.

What is asked and which mistakes are known stands in the modules imported here, one for each lesson.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from oncall.workbook.exercises import (
    blind_spots,
    budget_left,
    can_it_be_said,
    case,
    count_good,
    hours_to_empty,
    how_severe,
    is_it_proved,
    ladder,
    lifecycle,
    resolve_now,
    respond,
    say_mitigated,
    sentences,
    two_windows,
    typical,
    what_counts,
    what_is_heard,
    what_next,
    what_tells,
    what_to_change,
    which_reading,
    which_target,
    whom_to_wake,
)
from oncall.workbook.exercises.exercise import Exercise
from oncall.workbook.exercises.feedback import Counterexample, Feedback, right, waiting, wrong
from oncall.workbook.exercises.judgement import Judgement
from oncall.workbook.exercises.runner import Outcome, Run, TimeUp, alike, run

_IN_ORDER_OF_LESSONS = (
    budget_left.EXERCISE,
    count_good.EXERCISE,
    hours_to_empty.EXERCISE,
    two_windows.EXERCISE,
    blind_spots.CAN_EVER_FIRE,
    blind_spots.EVENTS_NEEDED,
    lifecycle.EXERCISE,
    typical.EXERCISE,
    ladder.EXERCISE,
    respond.EXERCISE,
)
EXERCISES = {exercise.name: exercise for exercise in _IN_ORDER_OF_LESSONS}
_JUDGEMENTS: tuple[Judgement, ...] = (
    resolve_now.EXERCISE,
    what_counts.EXERCISE,
    what_is_heard.EXERCISE,
    what_tells.EXERCISE,
    how_severe.EXERCISE,
    can_it_be_said.EXERCISE,
    whom_to_wake.EXERCISE,
    which_reading.EXERCISE,
    which_reading.NIGHTS,
    what_next.EXERCISE,
    what_to_change.EXERCISE,
    is_it_proved.EXERCISE,
    which_target.EXERCISE,
    say_mitigated.EXERCISE,
)
JUDGEMENTS = {judgement.name: judgement for judgement in _JUDGEMENTS}
_OTHER_CHECKS = {"blameless": sentences.check_sentences, "case": case.check_case}
NAMES = (*EXERCISES, *JUDGEMENTS, *_OTHER_CHECKS)


def check(name: str, answer: Any) -> Feedback:
    """The feedback on an answer to one of the exercises ``NAMES``.

    The answer is a function; a mapping from each situation to a word where judgement is asked; for
    ``blameless`` a list of sentences and for ``case`` a ``ReplayCase``. Whatever the answer does is
    reported in the ``Feedback``. An unknown name is a ``ValueError`` that says which is nearest.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0.0)
        raise ValueError(f"unknown exercise {name!r}; did you mean {near[0]!r}?")
    if name in EXERCISES:
        return _check_function(EXERCISES[name], answer)
    if name in JUDGEMENTS:
        return JUDGEMENTS[name].check(answer)
    return _OTHER_CHECKS[name](answer)


def _check_function(exercise: Exercise, answer: Any) -> Feedback:
    if answer is None or answer is ...:
        return waiting(exercise.name)
    if problem := _cannot_be_called(exercise, answer):
        return wrong(problem)
    cases = exercise.cases + exercise.edges
    trial = run(partial(exercise.call, answer), cases)
    if all(outcome.blank for outcome in trial.outcomes):
        if trial.printed:
            return wrong("It prints but returns nothing: return the answer.")
        return waiting(exercise.name)
    expected = exercise.expected
    differing = (i for i, got in enumerate(trial.outcomes) if not alike(got, expected[i]))
    first = next(differing, None)
    if first is None:
        return right(f"The same answers as ours on all {len(cases)} cases.{_remarks(trial)}")
    mistake = _recognised(exercise, trial.outcomes, first)
    message = mistake or _what_happened(trial.outcomes[first], expected[first])
    call = exercise.text(exercise.name, *cases[first])
    counterexample = Counterexample(call, str(expected[first]), str(trial.outcomes[first]))
    return wrong(message + _remarks(trial), mistake=mistake, case=counterexample)


def _cannot_be_called(exercise: Exercise, answer: Any) -> str:
    name = exercise.name
    if not callable(answer):
        return f"Hand in the function itself, not what it returns: check({name!r}, {name})."
    try:
        inspect.signature(answer).bind(*exercise.signature.split(","))
    except TypeError:
        return f"It cannot be called like this: {exercise.signature}."
    except ValueError:  # a built-in that does not say what it takes
        pass
    return ""


def _recognised(exercise: Exercise, outcomes: Sequence[Outcome], first: int) -> str | None:
    """The words about the mistake that gives the same answers; ``first`` is the first wrong case.

    A learner may make two mistakes at once. If none of ours gives the same answers on every case,
    the first of theirs is looked for: on all plain cases when one of those is wrong, or else on
    all up to the first edge that is.
    """
    by_mistake = exercise.by_mistake
    plain = len(exercise.cases)
    reach = plain if first < plain else first + 1
    return _same_answers(outcomes, by_mistake) or _same_answers(outcomes[:reach], by_mistake)


def _same_answers(
    outcomes: Sequence[Outcome], by_mistake: Mapping[str, Sequence[Outcome]]
) -> str | None:
    """The words about the mistake whose answers begin with these, or ``None``."""
    for words, others in by_mistake.items():
        if all(map(alike, outcomes, others)):
            return words
    return None


_KINDS = (  # in this order: True is a number to Python, and None is none to us
    ("None", type(None)),
    ("true or false", bool),
    ("a number", (int, float, Fraction, Decimal)),
    ("text", str),
    ("a dictionary", dict),
    ("several values", (list, tuple)),
)


def _kind(value: Any) -> str:
    return next((name for name, types in _KINDS if isinstance(value, types)), "something else")


def _what_happened(outcome: Outcome, expected: Outcome) -> str:
    """What to say of a wrong answer that nobody has thought of."""
    if isinstance(outcome.error, TimeUp):
        return "It did not come back and was stopped. Does a loop wait for what never comes?"
    if isinstance(outcome.error, RecursionError):
        return "It calls itself without end. Which case is to stop it?"
    if outcome.error is not None:
        return f"It raises {type(outcome.error).__name__} on the case below."
    if outcome.value is None:
        return "It returns None on the case below. Does one way through it lack a return?"
    got, asked = _kind(outcome.value), _kind(expected.value)
    if expected.error is None and got != asked and "None" not in (got, asked):
        are = "are" if asked == "several values" else "is"
        return f"It returns {got}, {outcome}, where {asked} {are} asked for."
    return "The case below is the smallest on which it differs."


def _remarks(trial: Run) -> str:
    """What else there is to say, whether the answer is right or wrong."""
    remarks = ""
    if any(outcome.mutated for outcome in trial.outcomes):
        remarks += " It changes the list it is given: work on a copy."
    if trial.printed:
        remarks += " It also prints; only what it returns is checked."
    if trial.stuck:
        remarks += " It could not be stopped and still runs: restart the kernel."
    return remarks
