"""Lesson 04 asks what the four rules of the policy say to a few outages."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_TOO_SHORT = (
    "14.4x over one hour needs more than 51.84 bad seconds, and 6x over six hours 129.6. That the "
    "short windows are above long before does not help: both must be."
)
_SOON = (
    "After 52 seconds the hour is above 14.4x, and the five minutes are long before. The policy "
    "does not wait for it to last."
)
_SLOW = (
    "2x is below every rule but the last: 1x over three days, which opens a ticket. It takes a day "
    "and a half to fill half of its window."
)
_MEETS = "0.5x is half of what the SLO allows: the month ends with budget left, and no rule speaks."
_HALF = (
    "Five minutes at a half are 150 bad seconds in the hour, far above 51.84. It takes 104 seconds "
    "to get there, twice as long as a total outage."
)
_SEVEN = (
    "0.7% is a burn of 7x, below 14.4 and above 6. Six hours of it are not needed: after five the "
    "long window is above 6x."
)

EXERCISE = Judgement(
    name="what_is_heard",
    situations={
        "a": Situation(
            "everything fails for 30 seconds", "silent", {"page": _TOO_SHORT, "ticket": _TOO_SHORT}
        ),
        "b": Situation(
            "everything fails for 2 minutes", "page", {"silent": _SOON, "ticket": _SOON}
        ),
        "c": Situation(
            "0.2% of the requests fail, for two days", "ticket", {"page": _SLOW, "silent": _SLOW}
        ),
        "d": Situation(
            "0.05% of the requests fail, all month", "silent", {"page": _MEETS, "ticket": _MEETS}
        ),
        "e": Situation(
            "half of the requests fail for 5 minutes", "page", {"ticket": _HALF, "silent": _HALF}
        ),
        "f": Situation(
            "0.7% of the requests fail, for a day", "page", {"ticket": _SEVEN, "silent": _SEVEN}
        ),
    },
    mistakes={
        "You let the short windows detect. They only say that it still burns: the long ones have "
        "to be above the factor too.": {
            "a": "page",
            "b": "page",
            "c": "ticket",
            "d": "silent",
            "e": "page",
            "f": "page",
        },
        "You hear a page for whatever fails. A burn up to 1x meets the SLO, and what burns slowly "
        "is left to tickets.": dict.fromkeys("abcdef", "page"),
        "You listen to the fastest rule alone. 6x over six hours pages too, and the slow ones open "
        "tickets.": {
            "a": "silent",
            "b": "page",
            "c": "silent",
            "d": "silent",
            "e": "page",
            "f": "silent",
        },
        "You forget the tickets. The two slow rules open them, at 3x over a day and at 1x over "
        "three.": {
            "a": "silent",
            "b": "page",
            "c": "silent",
            "d": "silent",
            "e": "page",
            "f": "page",
        },
        "You want it to last, as for: would. A burn rate finds the worse one sooner: two minutes "
        "of everything are enough.": {
            "a": "silent",
            "b": "silent",
            "c": "ticket",
            "d": "silent",
            "e": "silent",
            "f": "page",
        },
        "You open a ticket for all that fails and is not loud. 0.05% is half of what may fail.": {
            "a": "silent",
            "b": "page",
            "c": "ticket",
            "d": "ticket",
            "e": "page",
            "f": "page",
        },
    },
)
