"""Lesson 00 asks of a few moments whether one would resolve the incident."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_NOT_YET = (
    "An alert that still fires cannot begin to fire: if it comes back now, nobody is called. Stay "
    "until it has cleared."
)
_OVER = (
    "Users are well and the alert has cleared, so trouble that comes back pages you. There is "
    "nothing left to wait for."
)

EXERCISE = Judgement(
    name="resolve_now",
    situations={
        "a": Situation("12 minutes all good, the alert fires", "stay", {"resolve": _NOT_YET}),
        "b": Situation("40 minutes all good, the alert has cleared", "resolve", {"stay": _OVER}),
        "c": Situation(
            "5 minutes all good after a fix that you understand, the alert fires",
            "stay",
            {
                "resolve": "A fix that you understand ends this fault. The alert that still fires "
                "would hide the next one, as it did on 5 December."
            },
        ),
        "d": Situation(
            "the alert has cleared, and 5% of the requests fail, too few for any rule",
            "stay",
            {
                "resolve": "The alert has cleared, and users still feel it. An alert that is "
                "silent says that the burn is below its threshold, not that users are well."
            },
        ),
    },
    mistakes={
        "You resolve as soon as it looks fine. In all of these but one it does; ask also who "
        "would hear of it if it came back.": {
            "a": "resolve",
            "b": "resolve",
            "c": "resolve",
            "d": "stay",
        },
        "You go by the alert alone. It must have cleared, and users must be well too: in one of "
        "these they are not.": {"a": "stay", "b": "resolve", "c": "stay", "d": "resolve"},
        "You never resolve. Staying is safe and it costs sleep: where users are well and the alert "
        "has cleared, a page would call you back.": {
            "a": "stay",
            "b": "stay",
            "c": "stay",
            "d": "stay",
        },
    },
)
