"""Lesson 14 asks of four moments whether to say mitigated."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_SETTLES = (
    "The command succeeded, which says nothing about users. Wait until it has settled, and look at "
    "what they get."
)
_PART = "Better is not well: one request in seven still fails, and users feel it."
_HOUR = (
    "The hour remembers what was; users live in the last minutes, and those are as on any day. Say "
    "it, and go on watching before you resolve."
)
_MIXED = (
    "One SLI is back, and another harm has come: a customer sees another's data. That is worse "
    "than no answer."
)

EXERCISE = Judgement(
    name="say_mitigated",
    situations={
        "a": Situation(
            "the fail-over succeeded a minute ago, and settles in 2", "no", {"yes": _SETTLES}
        ),
        "b": Situation("the last minute is at 85%, the target is 99%", "no", {"yes": _PART}),
        "c": Situation(
            "the last minutes are as on any day; the hour still burns at 29.5x",
            "yes",
            {"no": _HOUR},
        ),
        "d": Situation(
            "availability is back, and answers come from a cache that mixes customers",
            "no",
            {"yes": _MIXED},
        ),
    },
    mistakes={
        "You believe the command. Only what users get tells whether it is over.": dict.fromkeys(
            "abcd", "yes"
        ),
        "You wait for the hour to forget. It takes an hour; users are well long before, and want "
        "to hear it.": dict.fromkeys("abcd", "no"),
        "You watch one SLI. A cure that mixes customers is a new harm, and the worse one.": {
            "a": "no",
            "b": "no",
            "c": "yes",
            "d": "yes",
        },
        "You take better for well. One request in seven fails at 85%.": {
            "a": "no",
            "b": "yes",
            "c": "yes",
            "d": "no",
        },
    },
)
