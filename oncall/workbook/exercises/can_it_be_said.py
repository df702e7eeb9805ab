"""Lesson 07 asks of a few claims whether the times bear them out."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_LUCK = (
    "A real gain of 10% looks like a loss in a third of such years, so a gain on paper is no "
    "finding either. Fourteen draws from so wide a distribution move by themselves."
)
_MEDIAN = "That is what a median says, no more: half were over by then. It grades nobody."
_POST = (
    "The post says when users were told. When a person took the page nobody outside sees: it "
    "is not known."
)
_LONG = (
    "It is one draw from the same distribution, but the one that cost most. What made it long is "
    "what there is to learn."
)
_FROM = (
    "From the detection on is always shorter than from the first harm on. Count both from the same "
    "moment before you compare."
)
_UNKNOWN = "What nobody wrote down is unknown. It is not 0, and no mean should take it for that."

EXERCISE = Judgement(
    name="can_it_be_said",
    situations={
        "a": Situation(
            "our mean fell from 209 to 177 minutes with 14 incidents a year, so we got better",
            "no",
            {"yes": _LUCK},
        ),
        "b": Situation(
            "half of our incidents were over within 171 minutes", "yes", {"no": _MEDIAN}
        ),
        "c": Situation(
            "the first public post came after 20 minutes, so it was acknowledged by then",
            "no",
            {"yes": _POST},
        ),
        "d": Situation(
            "the one incident of 15 hours is worth a day of reading", "yes", {"no": _LONG}
        ),
        "e": Situation(
            "they publish a median from the first harm, ours from the detection is shorter",
            "no",
            {"yes": _FROM},
        ),
        "f": Situation(
            "nobody wrote down when it was detected, so TTD is not known", "yes", {"no": _UNKNOWN}
        ),
    },
    mistakes={
        "You believe every number. Ask of each from when to when it counts, of how many, and how "
        "much of it is luck.": dict.fromkeys("abcdef", "yes"),
        "You believe none. A median is what it is, and unknown is a finding too.": dict.fromkeys(
            "abcdef", "no"
        ),
        "You see the luck, and not the definitions: a post is no acknowledgement, and two clocks "
        "that start at different moments are not compared.": {
            "a": "no",
            "b": "yes",
            "c": "yes",
            "d": "yes",
            "e": "yes",
            "f": "yes",
        },
        "You take a mean that fell for a team that got better. With 14 incidents a year it moves "
        "by itself.": {"a": "yes", "b": "yes", "c": "no", "d": "yes", "e": "no", "f": "yes"},
    },
)
