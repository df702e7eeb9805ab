"""Lesson 11 asks of a few sentences whether they name something that can be changed."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_ACCOUNT = (
    "It names a person, and accuses nobody: it says what she saw and why the step made sense. From "
    "that one learns that the command's success looks like recovery."
)
_MECHANISM = (
    "No person stands in it, and that is not what makes it useful: it says what the form allowed, "
    "which can be changed."
)
_BLAME = (
    "It judges somebody. The reader learns what to hide next time, and nothing about what made the "
    "step easy."
)
_EMPTY = (
    "It accuses nobody and says nothing: no number, no mechanism, nothing to change. A name taken "
    "out is not yet a cause put in."
)
_SLY = (
    "No word in it is on a list, and everybody on that team knows who is meant. What allowed it, "
    "the sentence does not say."
)

EXERCISE = Judgement(
    name="what_to_change",
    situations={
        "a": Situation(
            "Ana told users it was over because the command had succeeded; the dashboard was one "
            "click away and said 85%.",
            "useful",
            {"blames": _ACCOUNT, "empty": _ACCOUNT},
        ),
        "b": Situation(
            "The form takes any timeout and shows no unit, so 30 became 30 seconds.",
            "useful",
            {"blames": _MECHANISM, "empty": _MECHANISM},
        ),
        "c": Situation(
            "Bo failed to notice the errors for 18 minutes.",
            "blames",
            {"useful": _BLAME, "empty": _BLAME},
        ),
        "d": Situation(
            "There were some problems with the deploy, which has been fixed.",
            "empty",
            {"useful": _EMPTY, "blames": _EMPTY},
        ),
        "e": Situation(
            "The prompt went out untested, as usual with that team.",
            "blames",
            {"useful": _SLY, "empty": _SLY},
        ),
        "f": Situation(
            "No alert asks for these errors before 2% of the month's budget is gone.",
            "useful",
            {
                "blames": "It is about a rule, and a rule can be changed without hurting anybody.",
                "empty": "It names the mechanism and its number: that is what can be changed.",
            },
        ),
    },
    mistakes={
        "You go by names: whoever stands in a sentence makes it blame. Blameless is not "
        "peopleless: what a person saw and expected is what there is to learn from.": {
            "a": "blames",
            "b": "useful",
            "c": "blames",
            "d": "empty",
            "e": "blames",
            "f": "useful",
        },
        "You let the sly one through. It holds no forbidden word, and blames all the same.": {
            "a": "useful",
            "b": "useful",
            "c": "blames",
            "d": "empty",
            "e": "useful",
            "f": "useful",
        },
        "You take polite for useful. A sentence that accuses nobody may still say nothing.": {
            "a": "useful",
            "b": "useful",
            "c": "blames",
            "d": "useful",
            "e": "blames",
            "f": "useful",
        },
    },
)
