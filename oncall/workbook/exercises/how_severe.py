"""Lesson 06 asks how severe a few incidents are; the right words are ``oncall.severity``'s."""

from __future__ import annotations

from oncall.severity import SEVERITIES, severity_for
from oncall.workbook.exercises.judgement import Judgement, with_one_reason

_situation = with_one_reason(SEVERITIES)


_SITUATIONS = {
    "a": _situation(
        "half of the users get no answer",
        severity_for(0.5, "availability"),
        "Half is far more than a fifth, and no answer is the worst harm there is: sev1.",
    ),
    "b": _situation(
        "a quarter of the users wait twice as long for the first word",
        severity_for(0.25, "first_token"),
        "More than a fifth, but they get their answer, late: that is one step lower than no "
        "answer, sev2.",
    ),
    "c": _situation(
        "2% of the requests fail",
        severity_for(0.02, "availability"),
        "No answer, for a share from 1% to 5%: sev3. It may well page, for a burn rate knows the "
        "budget and not the harm.",
    ),
    "d": _situation(
        "answers cost three times as much, and no user notices",
        severity_for(1.0, "cost"),
        "All of them are hit, and none feels it: sev3. Somebody looks in working hours.",
    ),
    "e": _situation(
        "one customer saw another customer's data",
        severity_for(0.0001, "safety", security=True),
        "Security and lost data are sev1 whatever the share, and have people of their own to call.",
    ),
    "f": _situation(
        "the judge drifted: its numbers are bad and the answers are good",
        severity_for(1.0, "quality", whom="nobody"),
        "It hits nobody: a measurement is wrong, and that is sev5. Mend the judge by day.",
    ),
}

EXERCISE = Judgement(
    name="how_severe",
    situations=_SITUATIONS,
    mistakes={
        "You take whatever pages for the worst. A rule proposes; the share that is hit, and how "
        "badly, decides.": dict.fromkeys("abcdef", "sev1"),
        "You go by the share alone. A late answer is less than none, and what nobody feels is less "
        "again.": {"a": "sev1", "b": "sev1", "c": "sev3", "d": "sev1", "e": "sev4", "f": "sev1"},
        "You weigh one customer's data by its share. Security is sev1 whatever the share.": {
            "a": "sev1",
            "b": "sev2",
            "c": "sev3",
            "d": "sev3",
            "e": "sev4",
            "f": "sev5",
        },
        "You take a wrong measurement for bad answers. Nobody was served badly: look at whom it "
        "hits.": {"a": "sev1", "b": "sev2", "c": "sev3", "d": "sev3", "e": "sev1", "f": "sev2"},
    },
)
