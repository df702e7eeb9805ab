"""What the seed decides: which causes, in which segment, how strong, from when, and what distracts.

A named scenario fixes the cause, and ``surprise`` draws it too, from a deck that the seed shuffles,
so that each comes up. The faults that a scenario gives by itself are taken as they are told.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from oncall.gameday.causes import DIMENSIONS, NEWEST, OUTCOMES, Cause, causes
from oncall.gameday.world import Change, Hit, World, effects_of, effects_of_symptom
from oncall.scenario import Fault, Scenario
from oncall.times import MINUTE

T = TypeVar("T")
SURPRISE = "surprise"
TWO_AT_ONCE = 0.25  # the chance of a second cause, where the two can be told apart
BEHIND = {
    "model_provider_outage": ("provider_fails", "upstream=north"),
    "rate_limit_storm": ("retry_storm", "upstream=north"),
    "slow_first_token": ("straggler", "replica=g2"),
    "quality_regression": ("snapshot_moved", "upstream=north"),
    "stale_index": ("ingestion_stopped", "age=today"),
    "cost_runaway": ("agent_loops", "surface=agent"),
    "guardrail_false_positives": ("guardrail_strict", "rule=privacy"),
    "poisoned_cache": ("cache_mixes_keys", "cache=hit"),
    "gpu_capacity": ("gpu_reclaimed", "upstream=pool"),
    "broken_change": ("gateway_release", "release=r42"),
    "unsafe_answers": ("prompt_injection", "tenant=delta"),
}
"""The cause and the segment behind a fault that a scenario tells by its symptom alone."""


def world_of(scenario: Scenario, seed: int) -> World:
    """The truth of a scenario and a seed: the same ones give the same world."""
    draw = _Draw(f"{scenario.name}/{seed}")
    hits = [_told(fault, scenario.slo.name) for fault in scenario.faults]
    changes = []
    for hit in hits:
        if change := _told_change(hit):
            changes.append(change)
    for name in _names(scenario, seed, draw):
        hit, change = _hit(causes()[name], scenario, draw, second=bool(hits))
        hits.append(hit)
        changes += [change] if change else []
    herrings = [(herring.at // MINUTE, herring.text) for herring in scenario.red_herrings]
    crowd: list[Hit] = []
    if scenario.causes:
        onset = min((_onset(hit) for hit in hits), default=120)
        changes += _innocent(draw, onset)
        herrings += _herrings(draw, onset)
        crowd = _crowd(draw, onset)
    numbered = _numbered(changes)
    hits = [
        replace(hit, change=numbered[hit.change].id) if hit.change in numbered else hit
        for hit in hits
    ]
    return World(
        scenario, seed, tuple(hits), tuple(crowd), tuple(numbered.values()),
        tuple(sorted(herrings)), 10 + draw.whole(0, 15),
    )  # fmt: skip


class _Draw:
    """What is drawn, one thing after the other."""

    def __init__(self, seed: str):
        self.share = random.Random(seed).random

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.share() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.share()

    def one(self, choices: Sequence[T]) -> T:
        return choices[int(self.share() * len(choices))]

    def chance(self, share: float) -> bool:
        return self.share() < share


def _names(scenario: Scenario, seed: int, draw: _Draw) -> list[str]:
    """The causes of a scenario; a surprise's come from a deck, shuffled anew when it is through."""
    if scenario.causes != (SURPRISE,):
        return list(scenario.causes)
    deck = list(causes())
    shuffle = _Draw(f"{SURPRISE} deck {seed // len(deck)}")
    for place in range(len(deck) - 1, 0, -1):
        other = shuffle.whole(0, place)
        deck[place], deck[other] = deck[other], deck[place]
    first = causes()[deck[seed % len(deck)]]
    second = causes()[draw.one(deck)]
    both_ours = first.is_ours and second.is_ours and not (first.lost or second.lost)
    is_apart = first.family != second.family and first.sli != second.sli and not second.lasts
    if draw.chance(TWO_AT_ONCE) and both_ours and is_apart and not first.lasts:
        return [first.name, second.name]
    return [first.name]


def _hit(
    cause: Cause, scenario: Scenario, draw: _Draw, *, second: bool
) -> tuple[Hit, Change | None]:
    """A fault drawn for a cause, and the change that brought it, if one did."""
    longest = scenario.length // MINUTE
    onset = min(draw.whole(35, 150), longest // 2) + (draw.whole(15, 60) if second else 0)
    dimension = draw.one(cause.segment) if cause.segment else ""
    values = cause.values or tuple(DIMENSIONS.get(dimension, ()))
    value = NEWEST.get(dimension) or (draw.one(values) if values else "")
    inside = DIMENSIONS[dimension][value] if dimension else 1.0
    ratio = draw.between(*cause.share) * inside
    lasts = draw.whole(*cause.lasts) * MINUTE if cause.lasts else None
    fault = Fault(
        cause.symptom, onset * MINUTE, round(ratio, 4), duration=lasts, title=cause.title,
        cause=cause.name,
    )  # fmt: skip
    beside, overlap = _beside(dimension, value, draw)
    change = None
    if cause.change and draw.chance(cause.guilty):
        undo = f"apply {cause.undo}" if cause.undo else ""
        change = Change(f"guilty {cause.name}", onset - draw.whole(1, 6), cause.change, "", undo)
        change = replace(change, what=draw.one(TEXTS[cause.change]))
    hit = Hit(
        fault, cause, effects_of(cause), dimension, value, beside, overlap,
        change.id if change else "",
    )  # fmt: skip
    return hit, change


def _beside(dimension: str, value: str, draw: _Draw) -> tuple[tuple[str, str], float]:
    """A value of another dimension that most of the segment lies in, so that it looks sick, too."""
    overlap, wanted = draw.between(0.55, 0.85), draw.chance(0.85)
    share = DIMENSIONS[dimension][value] if dimension else 0.0
    fits = [
        (other, name)
        for other, values in DIMENSIONS.items()
        for name, size in values.items()
        if other not in (dimension, "age", "rule", "replica")
        and share * overlap < 0.9 * size < 2.2 * share + 0.06
        and size > share * overlap * 1.02
    ]
    if not dimension or not wanted or not fits:
        return ("", ""), 0.0
    return draw.one(fits), overlap


# --- faults as a scenario tells them -------------------------------------------------------------


def _told(fault: Fault, sli: str) -> Hit:
    """A fault that a scenario gives by itself."""
    name, segment = BEHIND.get(fault.symptom, ("", ""))
    if fault.lost:
        name, segment = "edge_lost", ""
    if fault.synthetic:
        name, segment = "load_test", "tenant=synthetic"
    cause = causes().get(fault.cause or name) or causes()["nothing"]
    if fault.cause:
        segment = fault.segment or _own_segment(cause, fault.error_ratio)
    dimension, _, value = segment.partition("=")
    if fault.cause:
        change = f"told {cause.name} {fault.start // MINUTE}" if cause.change else ""
        cause = replace(cause, sli=sli, also={})
        return Hit(fault, cause, effects_of(cause), dimension, value, change=change)
    plain = replace(cause, symptom=fault.symptom, sli=sli, also={}, swells=1.0, lost=fault.lost)
    return Hit(fault, plain, effects_of_symptom(fault), dimension, value, drawn=False)


def _own_segment(cause: Cause, ratio: float) -> str:
    """Where a cause lies, unless a scenario says so: in its first segment, in the newest value.

    If more of all requests fails than lies there, it is everywhere.
    """
    if not cause.segment:
        return ""
    dimension = cause.segment[0]
    values = DIMENSIONS[dimension]
    value = NEWEST.get(dimension) or (cause.values or tuple(values))[0]
    return f"{dimension}={value}" if ratio <= values[value] else ""


def _told_change(hit: Hit) -> Change | None:
    """The change that brought a fault of which a scenario tells the cause, if one did."""
    if not hit.change:
        return None
    kind = hit.cause.change
    undo = f"apply {hit.cause.undo}" if hit.cause.undo else ""
    return Change(hit.change, _onset(hit) - 3, kind, TEXTS[kind][0], undo)


def _onset(hit: Hit) -> int:
    return hit.fault.start // MINUTE


# --- what distracts ------------------------------------------------------------------------------

TEXTS: Mapping[str, Sequence[str]] = {
    "release": ("gateway r42 goes on rolling out", "gateway r42: faster streaming, 45 % of hosts"),
    "bundle": (
        "bundle b18 (snapshot, prompt and retriever together) to 45 %",
        "bundle b18: new answer style, with its own retriever, to 45 %",
    ),
    "config": ("routing table of the edge tidied up", "cache and DNS settings moved to one file"),
    "secret": ("quarterly rotation of secrets", "provider keys moved to the new vault"),
    "flag": ("flag 'assistant-fast-path' on", "flag 'tools-v2' on for all"),
    "rule": ("guardrail rules updated to 2025-11", "one guardrail rule made stricter"),
    "snapshot": ("the provider announces: the alias now points to a new snapshot",),
    "judge": ("the judge runs on its new version",),
    "infrastructure": ("maintenance of a node pool, by the cloud", "batch of hosts restarted"),
}
"""What the change log says of a change, guilty or not, by kind."""
UNDONE_BY = {"infrastructure": "", "snapshot": "apply pin_snapshot", "judge": "apply pin_judge"}


def _innocent(draw: _Draw, onset: int) -> list[Change]:
    """Changes that brought nothing: some of the day, often one before the onset, and one after."""
    minutes = [-draw.whole(60, 900) for _ in range(draw.whole(1, 3))]
    minutes += [onset - draw.whole(8, 40)] if draw.chance(0.55) else []
    minutes += [onset + draw.whole(2, 14)] if draw.chance(0.6) else []
    kinds = list(TEXTS)
    changes = []
    for number, minute in enumerate(minutes):
        kind = draw.one(kinds)
        undo = UNDONE_BY.get(kind, "apply undo_change")
        changes.append(Change(f"innocent {number}", minute, kind, draw.one(TEXTS[kind]), undo))
    return changes


def _numbered(changes: list[Change]) -> dict[str, Change]:
    """The changes in order, with numbers as they get them: those of later are not known yet."""
    numbered = {}
    for number, change in enumerate(sorted(changes, key=lambda one: one.minute), 101):
        undo = change.undo + (f" C{number}" if change.undo == "apply undo_change" else "")
        numbered[change.id] = replace(change, id=f"C{number}", undo=undo)
    return numbered


HERRINGS = (
    "log: 4,000 deprecation warnings a minute from the tokenizer",
    "log: garbage collection took 1.2 s on one host",
    "log: certificate of the staging edge ends in 9 days",
    "status: provider south reports slow embeddings; answers are not affected",
    "status: provider north announces maintenance for next week",
    "support: a user asks for a dark theme",
    "log: disk of the log collector is 81 % full",
    "log: the nightly evaluation has begun",
)
"""What is true, draws the eye, and has nothing to do with it."""


def _herrings(draw: _Draw, onset: int) -> list[tuple[int, str]]:
    texts = list(HERRINGS)
    found = []
    for _ in range(draw.whole(1, 3)):
        text = draw.one(texts)
        texts.remove(text)
        found.append((max(0, onset + draw.whole(-40, 25)), text))
    return found


def _crowd(draw: _Draw, onset: int) -> list[Hit]:
    """Small things that fail somewhere and are nobody's incident: an expired key, hasty clients."""
    crowd = []
    for outcome, segment, ratio in (
        ("401", "tenant=fjord", 0.0021), ("499", "surface=api", 0.0012),
        ("blocked", "tenant=ember", 0.0015),
    ):  # fmt: skip
        if draw.chance(0.4):
            start = max(0, onset - draw.whole(0, 200))
            dimension, _, value = segment.partition("=")
            cause = replace(causes()["nothing"], outcome=outcome, effects={})
            fault = Fault("unknown", start * MINUTE, ratio)
            crowd.append(Hit(fault, cause, {}, dimension, value))
    return crowd


def outcomes_of(hit: Hit | None) -> Mapping[str, float]:
    """What becomes of the requests that a fault hits, and without one of the usual failures."""
    return {hit.cause.outcome or "5xx": 1.0} if hit else OUTCOMES
