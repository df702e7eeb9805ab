"""Lesson 05 asks what would tell of a few kinds of silence."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, Situation

_BUSY = (
    "At 600 a minute a minute without a request is no chance: a rule for silent traffic speaks at "
    "once, and needs no probe. The buckets are still counted, so no data is missing."
)
_QUIET = (
    "A gap of hours is an ordinary evening here, so a rule for silent traffic would have to wait "
    "all night. Requests of your own, sent from outside, are there when users are not."
)
_LOST = (
    "Nobody counted, so nobody knows what users feel, who may be well. A rule for missing data "
    "says just that."
)
_RENAMED = (
    "The series is gone under its old name: to the rule that is no data, and no burn. A rule for "
    "missing data notices; the door is open and users come."
)
_HALF = (
    "There is traffic and there is data. Only somebody who tries to get in the way that the fifth "
    "client does would see it: a probe."
)
_ZERO = (
    "0 of 0 in buckets that were counted is no traffic: the telemetry works. At a service that "
    "never sleeps that is a page."
)

EXERCISE = Judgement(
    name="what_tells",
    situations={
        "a": Situation(
            "600 requests a minute, day and night; the front door may break",
            "traffic",
            {"data": _BUSY, "probe": _BUSY},
        ),
        "b": Situation(
            "5 requests an hour and none at night; the front door may break",
            "probe",
            {"traffic": _QUIET, "data": _QUIET},
        ),
        "c": Situation(
            "the exporter is restarted, and its series vanish",
            "data",
            {"traffic": _LOST, "probe": _LOST},
        ),
        "d": Situation(
            "a label was renamed, and the rule's query finds no series",
            "data",
            {"traffic": _RENAMED, "probe": _RENAMED},
        ),
        "e": Situation(
            "one client of five cannot get in, the other four keep the counts up",
            "probe",
            {"traffic": _HALF, "data": _HALF},
        ),
        "f": Situation(
            "the buckets are there and hold 0 of 0, at a service that never sleeps",
            "traffic",
            {"data": _ZERO, "probe": _ZERO},
        ),
    },
    mistakes={
        "You take every silence for silent traffic. A series that vanished was not counted at all, "
        "and a quiet service has gaps of its own.": dict.fromkeys("abcdef", "traffic"),
        "You take missing data for silent traffic. Nobody counted there: the users may be well.": {
            "a": "traffic",
            "b": "probe",
            "c": "traffic",
            "d": "traffic",
            "e": "probe",
            "f": "traffic",
        },
        "You leave all of it to the probe. It sees the path that it takes and no other; a busy "
        "service tells you itself, and lost telemetry it does not see.": dict.fromkeys(
            "abcdef", "probe"
        ),
        "You trust the traffic of a quiet service. Where gaps of hours are ordinary, only requests "
        "of your own can be missed.": {
            "a": "traffic",
            "b": "traffic",
            "c": "data",
            "d": "data",
            "e": "traffic",
            "f": "traffic",
        },
    },
)
