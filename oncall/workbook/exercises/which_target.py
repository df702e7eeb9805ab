"""Lesson 13 asks which target to promise, or whether it is too early to promise one."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, with_one_reason

TARGETS = ("99%", "99.5%", "99.9%", "not yet")
_situation = with_one_reason(TARGETS)


EXERCISE = Judgement(
    name="which_target",
    situations={
        "a": _situation(
            "sessions of ten requests, and one session in twenty may be spoilt",
            "99.5%",
            "0.95 ^ (1 ÷ 10) is 0.9949: each request has to be better than the session.",
        ),
        "b": _situation(
            "one request a session, and one in a hundred may be spoilt",
            "99%",
            "With one request a session the two shares are the same: 99%.",
        ),
        "c": _situation(
            "sessions of ten requests, and one in a hundred may be spoilt",
            "99.9%",
            "0.99 ^ (1 ÷ 10) is 0.9990: ten requests share what one may lose.",
        ),
        "d": _situation(
            "users need 99.99%, and only people stop an outage, in 15 minutes",
            "not yet",
            "One outage with 15 minutes of work spends more than three months of that budget. "
            "First a machine has to stop it, then promise.",
        ),
        "e": _situation(
            "last month was 99.81%, and nobody knows what users need",
            "not yet",
            "What was measured is luck and habit. Ask users first: about half of such months would "
            "miss it.",
        ),
        "f": _situation(
            "sessions of five requests, one in two hundred may be spoilt; last month kept it",
            "99.9%",
            "0.995 ^ (1 ÷ 5) is 0.9990, and the budget could bear last month.",
        ),
    },
    mistakes={
        "You promise a session's share for each request. Ten requests are ten chances to spoil it: "
        "take the tenth root.": {
            "a": "99%",
            "b": "99%",
            "c": "99%",
            "d": "not yet",
            "e": "not yet",
            "f": "99.5%",
        },
        "You promise three nines whatever is needed. A target comes from users, and from what the "
        "budget can bear.": dict.fromkeys("abcdef", "99.9%"),
        "You take last month for the target. It asks no user, and about half of such months miss "
        "it.": {"a": "99.5%", "b": "99%", "c": "99.9%", "d": "not yet", "e": "99.5%", "f": "99.9%"},
        "You promise what users wish. What only people can stop in a quarter of an hour breaks it "
        "with the first outage.": {
            "a": "99.5%",
            "b": "99%",
            "c": "99.9%",
            "d": "99.9%",
            "e": "not yet",
            "f": "99.9%",
        },
        "You never promise. Where the need is known and the budget can bear it, a target helps "
        "everybody decide.": dict.fromkeys("abcdef", "not yet"),
    },
)
