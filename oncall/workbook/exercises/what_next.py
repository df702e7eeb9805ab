"""Lesson 10 asks for the next move of somebody with a runbook in hand."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, with_one_reason

MOVES = ("apply", "roll back", "ask", "stop")
_situation = with_one_reason(MOVES)


EXERCISE = Judgement(
    name="what_next",
    situations={
        "a": _situation(
            "the command succeeded and has settled; the SLI fell from 0.50 to 0.45",
            "roll back",
            "It made things worse, whatever the command says. Take it back before the next card.",
        ),
        "b": _situation(
            "0.50 before, 0.85 now, and the target is 0.99",
            "apply",
            "It helped, so it stays; it is not enough, so the next card follows.",
        ),
        "c": _situation(
            "every SLI is back to what it is on any day, and two cards are left",
            "stop",
            "Users are well. Each further card is only a risk.",
        ),
        "d": _situation(
            "availability is at 100%, and quality fell below what users accept",
            "roll back",
            "One number was mended at the cost of another: that is harm, so it goes out.",
        ),
        "e": _situation(
            "the next card cannot be undone and needs approval",
            "ask",
            "It is not yours alone to play. Ask, and write the answer down.",
        ),
        "f": _situation(
            "the list has come to its end, and users still feel it",
            "ask",
            "A runbook ends. Then it says whom to call: what helped stays in meanwhile.",
        ),
    },
    mistakes={
        "You believe the command. It reports on itself; the SLIs report on users, and two of these "
        "went the wrong way.": {
            "a": "apply",
            "b": "apply",
            "c": "stop",
            "d": "stop",
            "e": "ask",
            "f": "ask",
        },
        "You watch one SLI. Availability at 100% with quality gone is no cure.": {
            "a": "roll back",
            "b": "apply",
            "c": "stop",
            "d": "stop",
            "e": "ask",
            "f": "ask",
        },
        "You stop at the first help. Better is not enough: go on until users are well.": {
            "a": "roll back",
            "b": "stop",
            "c": "stop",
            "d": "roll back",
            "e": "ask",
            "f": "ask",
        },
        "You play every card. Each has its risk: stop where users are well, and ask for what is "
        "not yours.": dict.fromkeys("abcdef", "apply"),
        "You give up at the end of the list. It is where somebody else is called.": {
            "a": "roll back",
            "b": "apply",
            "c": "stop",
            "d": "roll back",
            "e": "ask",
            "f": "stop",
        },
        "You do not ask. A card that cannot be undone is not yours alone to play.": {
            "a": "roll back",
            "b": "apply",
            "c": "stop",
            "d": "roll back",
            "e": "apply",
            "f": "ask",
        },
    },
)
