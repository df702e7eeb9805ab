"""Lesson 08 asks whom somebody should wake now."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, with_one_reason

PEOPLE = ("ana", "bo", "chen", "nobody")
_situation = with_one_reason(PEOPLE)


EXERCISE = Judgement(
    name="whom_to_wake",
    situations={
        "a": _situation(
            "five minutes after the page, and no ack",
            "bo",
            "ana had 5 minutes and they are over: the next step is bo's.",
        ),
        "b": _situation(
            "ana acked at minute 4 and writes that she is looking at the logs",
            "nobody",
            "She has it and says so. Whoever is woken now loses sleep for nothing.",
        ),
        "c": _situation(
            "ana acked at minute 4; it is minute 30, it burns, and there is no word from her",
            "bo",
            "An ack is a press on a button. After so long without a word push the ladder on: the "
            "step after ana's is bo's.",
        ),
        "d": _situation(
            "a ticket is opened at three in the morning",
            "nobody",
            "A ticket waits for working hours. That is what it is for.",
        ),
        "e": _situation(
            "ana, at work since minute 4, says at minute 12 that she needs a second person",
            "bo",
            "She asks for help, and asking is right: a forced escalation pages the step after hers "
            "at once.",
        ),
        "f": _situation(
            "minute 15: neither ana nor bo has answered",
            "chen",
            "ana's 5 and bo's 10 minutes add up to 15: now it is chen's turn.",
        ),
    },
    mistakes={
        "You take an ack for a person at work. After half an hour without a word ask somebody "
        "else.": {"a": "bo", "b": "nobody", "c": "nobody", "d": "nobody", "e": "bo", "f": "chen"},
        "You let nobody help. Who asks for a second person gets one: the ladder can be pushed on "
        "by hand.": {
            "a": "bo",
            "b": "nobody",
            "c": "bo",
            "d": "nobody",
            "e": "nobody",
            "f": "chen",
        },
        "You count each delay from the page. They add up: bo has 10 minutes after ana's 5.": {
            "a": "bo",
            "b": "nobody",
            "c": "bo",
            "d": "nobody",
            "e": "bo",
            "f": "nobody",
        },
        "You ring the same phone again. Whoever did not answer, or fell asleep, is not the next on "
        "the ladder.": {
            "a": "ana",
            "b": "nobody",
            "c": "ana",
            "d": "nobody",
            "e": "bo",
            "f": "ana",
        },
        "You go straight to the last step. Those in between had not been asked yet.": {
            "a": "chen",
            "b": "nobody",
            "c": "chen",
            "d": "nobody",
            "e": "chen",
            "f": "chen",
        },
        "You let everybody sleep. Five minutes without an answer are the ladder's "
        "question.": dict.fromkeys("abcdef", "nobody"),
    },
)
