"""Lesson 02 asks of a few requests whether they are good, bad, or not valid at all."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_GAVE_UP = (
    "The caller gave up because you had not answered in 30 seconds. The "
    "time tells whose fault that is: it was valid, and it went badly."
)
_QUOTA = (
    "The quota that ran out is yours, with your provider. The caller did nothing wrong and got no "
    "answer: valid, and bad."
)
_TYPO = (
    "No work of yours could have answered it, so it is not valid: counted as bad it would page you "
    "for a typing error, counted as good it would hide an outage."
)
_LATE = "The answer was right and came after the 2 seconds that were promised: valid, and bad."
_SECRET = (
    "401 is the caller's mistake on an ordinary day. Here everybody got it since a "
    "change of yours: valid, and bad."
)
_PROBE = "Nobody waited for it. A load balancer's own check is no user: leave it out."

EXERCISE = Judgement(
    name="what_counts",
    situations={
        "a": Situation(
            "404 for an address that never existed", "not valid", {"bad": _TYPO, "good": _TYPO}
        ),
        "b": Situation(
            "499 after 30 seconds without a word", "bad", {"not valid": _GAVE_UP, "good": _GAVE_UP}
        ),
        "c": Situation(
            "429, because your account at the model provider is used up",
            "bad",
            {"not valid": _QUOTA, "good": _QUOTA},
        ),
        "d": Situation(
            "200 after 14 seconds, where 2 were promised",
            "bad",
            {"good": _LATE, "not valid": _LATE},
        ),
        "e": Situation(
            "401 for every caller, an hour after you rotated a secret",
            "bad",
            {"not valid": _SECRET, "good": _SECRET},
        ),
        "f": Situation(
            "301 within 40 ms, to where the page has moved",
            "good",
            {
                "bad": "A redirect is an answer: the caller is told where to go, at once.",
                "not valid": "It was asked for and answered: a redirect counts, as good.",
            },
        ),
        "g": Situation(
            "200 to the check of your own load balancer",
            "not valid",
            {"good": _PROBE, "bad": _PROBE},
        ),
    },
    mistakes={
        "You take every status from 400 to 499 for the caller's mistake. Three of these were "
        "yours.": {
            "a": "not valid",
            "b": "not valid",
            "c": "not valid",
            "d": "bad",
            "e": "not valid",
            "f": "good",
            "g": "not valid",
        },
        "You take every status from 400 on for a failure of yours. The wrong address is none: "
        "nothing you do could answer it.": {
            "a": "bad",
            "b": "bad",
            "c": "bad",
            "d": "bad",
            "e": "bad",
            "f": "good",
            "g": "not valid",
        },
        "You go by the status alone. An answer that comes too late is bad though it says 200.": {
            "a": "not valid",
            "b": "bad",
            "c": "bad",
            "d": "good",
            "e": "bad",
            "f": "good",
            "g": "not valid",
        },
        "You count what no user asked for. The check of the load balancer would hide an outage "
        "behind its own good answers.": {
            "a": "not valid",
            "b": "bad",
            "c": "bad",
            "d": "bad",
            "e": "bad",
            "f": "good",
            "g": "good",
        },
    },
)
