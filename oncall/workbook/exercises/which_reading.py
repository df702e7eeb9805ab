"""Lesson 09 asks which dimension to look at next, and what was wrong on four nights."""

from __future__ import annotations

from oncall.workbook.exercises.judgement import Judgement, with_one_reason
from oncall.workbook.lessons.what_changed import SUSPECTS

DIMENSIONS = ("outcome", "upstream", "region", "release", "tenant")
_situation = with_one_reason(DIMENSIONS)


EXERCISE = Judgement(
    name="which_reading",
    situations={
        "a": _situation(
            "requests fail, and nothing else is known",
            "outcome",
            "The outcome parts five suspects into groups of three, one and one. Any other look "
            "parts one from four.",
        ),
        "b": _situation(
            "5xx; flat by region and by release",
            "upstream",
            "5xx leaves the upstream, the release and the region, and two of these are flat: the "
            "third is left to look at.",
        ),
        "c": _situation(
            "429, and the limit is shared by all",
            "tenant",
            "429 says that a limit ran out. Who took it? That is a question about tenants.",
        ),
        "d": _situation(
            "5xx; by upstream south is warm at a contrast of 8, by release all are alike",
            "region",
            "Warm is not sick: something that overlaps with south may carry it. Of the three that "
            "5xx leaves, the region is not looked at yet.",
        ),
        "e": _situation(
            "5xx; flat by upstream and by region, and a gateway was rolled out before it began",
            "release",
            "Two of the three are flat, and the change points at the third: now the reading has to "
            "say so too.",
        ),
        "f": _situation(
            "somebody is sure that it is the provider, and nobody has looked at anything",
            "outcome",
            "A look at the upstreams would be taken to confirm it. The outcome could prove it "
            "wrong: 429 and 401 are no failing provider.",
        ),
    },
    mistakes={
        "You look at the upstream first, whatever is known. It parts one suspect from the rest, "
        "and two of these are about something else.": dict.fromkeys("abcdef", "upstream"),
        "You look where somebody points. A look that only can confirm rules nothing out.": {
            "a": "outcome",
            "b": "upstream",
            "c": "tenant",
            "d": "region",
            "e": "release",
            "f": "upstream",
        },
        "You stop at the first warm row. A contrast of 8 has something behind it: go on to what is "
        "not looked at yet.": {
            "a": "outcome",
            "b": "upstream",
            "c": "tenant",
            "d": "upstream",
            "e": "release",
            "f": "outcome",
        },
        "You look again at the outcome. Once it is known, it rules out nothing "
        "more.": dict.fromkeys("abcdef", "outcome"),
    },
)


_night = with_one_reason(SUSPECTS)

NIGHTS = Judgement(
    name="what_changed",
    situations={
        "37": _night(
            'Night("surprise", seed=37)',
            "provider_fails",
            "5xx, and by upstream one is clean of it while another is not: a contrast of hundreds. "
            "The warm region is carried by it.",
        ),
        "41": _night(
            'Night("surprise", seed=41)',
            "edge_config",
            "5xx, and by region the contrast is above a hundred. The warm release, at less than 5, "
            "overlaps with that region.",
        ),
        "84": _night(
            'Night("surprise", seed=84)',
            "runaway_tenant",
            "429: a limit ran out, and one tenant has nearly all of it.",
        ),
        "99": _night(
            'Night("surprise", seed=99)',
            "secret_rotated",
            "401, and only towards one upstream: the secret for it no longer fits. A provider that "
            "fails gives 5xx.",
        ),
    },
    mistakes={
        "You go by the upstream alone. Where two parts overlap it is carried by the other, and a "
        "401 is no failing provider.": dict.fromkeys(("37", "41", "84", "99"), "provider_fails"),
        "You take a secret that no longer fits for a provider that fails. Look at the outcome: "
        "401.": {
            "37": "provider_fails",
            "41": "edge_config",
            "84": "runaway_tenant",
            "99": "provider_fails",
        },
        "You take the warm row of the first look for the cause. Compare the contrasts: one is "
        "above a hundred, the other below ten.": {
            "37": "edge_config",
            "41": "gateway_release",
            "84": "edge_config",
            "99": "edge_config",
        },
        "You blame a release on every night. It is the commonest cause and still has to stand out "
        "by release.": dict.fromkeys(("37", "41", "84", "99"), "gateway_release"),
    },
)
