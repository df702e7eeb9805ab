"""Lesson 12 asks of a few claims whether a fix is proved."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_HALF = (
    "Half of the proof is missing: perhaps the bad evening passes it too. Run the case on the "
    "record; it has to fail there."
)
_WHOLE = (
    "What happened fails it, what was changed passes it, and nothing else differs. There is no "
    "more to ask of a test."
)
_TOO_LONG = (
    "The evening took 29 minutes, so it meets a limit of 40 as well. A limit that even the bad "
    "evening meets proves nothing."
)
_ONCE = (
    "One that is wrong in 1 of 5 answers well four times in five. One good answer is what the old "
    "prompt gave, most of the time."
)
_MANY = (
    "A system that is still wrong in 1 of 5 answers 59 in a row well about twice in a million "
    "times. More asks would not tell you more."
)
_IDLE = (
    "It passes without the fix too, so something else makes it green. The fix, or the test, is "
    "useless."
)

EXERCISE = Judgement(
    name="is_it_proved",
    situations={
        "a": Situation(
            "the fixed service passes the case; nobody ran it on the record",
            "not proved",
            {"proved": _HALF},
        ),
        "b": Situation(
            "the record fails the case, the fixed service passes, nothing else differs",
            "proved",
            {"not proved": _WHOLE},
        ),
        "c": Situation(
            "the fixed service passes within 40 minutes; the evening itself took 29",
            "not proved",
            {"proved": _TOO_LONG},
        ),
        "d": Situation(
            "it was wrong in 1 of 5 answers; with the new prompt it was asked once, and right",
            "not proved",
            {"proved": _ONCE},
        ),
        "e": Situation(
            "it was wrong in 1 of 5 answers; with the new prompt 59 of 59 were right",
            "proved",
            {"not proved": _MANY},
        ),
        "f": Situation(
            "the case passes with the fix, and passes as well with the fix left out",
            "not proved",
            {"proved": _IDLE},
        ),
    },
    mistakes={
        "You take a green test for a proof. Ask of each what else would have been green: the bad "
        "evening, the old prompt, the service without the fix.": dict.fromkeys("abcdef", "proved"),
        "You believe no test at all. Where what happened fails, what was changed passes and luck "
        "is excluded, it is proved.": dict.fromkeys("abcdef", "not proved"),
        "You ask for the record and forget luck. An answer that varies has to be asked more than "
        "once.": {
            "a": "not proved",
            "b": "proved",
            "c": "not proved",
            "d": "proved",
            "e": "proved",
            "f": "not proved",
        },
        "You ask for many answers and forget the record: what would the bad evening have made of "
        "the case?": {
            "a": "proved",
            "b": "proved",
            "c": "proved",
            "d": "not proved",
            "e": "proved",
            "f": "proved",
        },
    },
)
