"""Readings: numbers that a look at one thing gives, with the usual ones beside them.

A reading is what was counted in the last ten minutes, split by a dimension if asked for. The parts
add up to what the dashboard shows, and which part a failure falls into is drawn, so that the same
look at the same moment always shows the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from oncall.gameday.causes import DIMENSIONS, GAUGES, OUTCOMES, USUAL
from oncall.gameday.draw import outcomes_of
from oncall.gameday.service import SENSITIVITY, SPECIFICITY, Minute, Service, binomial
from oncall.gameday.world import Where
from oncall.scenario import rhythm
from oncall.slo import share_interval, sli
from oncall.times import HOUR, MINUTE

WINDOW = 10  # minutes
ASKS = 20  # of the outside probe, and of a person who judges again
THINGS = {
    "errors": "availability",
    "latency": "first_token",
    "quality": "quality",
    "cost": "cost",
    "safety": "safety",
    "traffic": "availability",
}
"""What can be looked at by a dimension, and the SLI behind it."""
OTHERS = ("changes", "status", "support", "probe", "rejudge", "logs", "metrics", "history")
"""What else can be looked at."""
BY = ("outcome", *DIMENSIONS)


@dataclass(frozen=True)
class Reading:
    """What a look shows: the words that asked for it, as text, and as data."""

    words: str
    text: str
    data: Any = field(default=None)


def options(words: Sequence[str]) -> list[str] | None:
    """What may follow these words of a look; ``None`` where nothing may."""
    if not words:
        return [*THINGS, *GAUGES, *OTHERS]
    if words[0] not in THINGS:
        return None
    if len(words) == 1:
        return ["by", "in"]
    if words[-1] == "by" and len(words) == 2:
        return list(BY) if words[0] == "errors" else list(DIMENSIONS)
    if words[-1] == "in":
        others = {name: values for name, values in DIMENSIONS.items() if name not in words}
        return [f"{name}={value}" for name, values in others.items() for value in values]
    return ["in"] if words[-2] == "by" and len(words) == 3 else None


def parsed(words: Sequence[str]) -> tuple[str, str, Where]:
    """The thing, the dimension and the part of the traffic that a look is about."""
    if not words or words[0] not in (*THINGS, *GAUGES, *OTHERS):
        given = f", given {words[0]!r}" if words else ""
        raise ValueError(f"look at {', '.join((*THINGS, *GAUGES, *OTHERS))}{given}")
    thing, by = words[0], ""
    where: Where = ()
    rest = list(words[1:])
    form = "give: look THING [by DIMENSION] [in DIMENSION=VALUE]"
    if rest and thing not in THINGS:
        raise ValueError(f"{thing} has no parts to look at one by one; look {thing}")
    if rest[:1] == ["by"] and len(rest) > 1:
        by, rest = rest[1], rest[2:]
        if by not in (BY if thing == "errors" else DIMENSIONS):
            known = ", ".join(BY if thing == "errors" else DIMENSIONS)
            raise ValueError(f"{thing} by {known}, given {by!r}")
    if rest[:1] == ["in"] and len(rest) == 2:
        name, _, value = rest[1].partition("=")
        if value not in DIMENSIONS.get(name, ()) or name == by:
            example = f"{', '.join(DIMENSIONS)}, and not the one it is split by"
            raise ValueError(f"in DIMENSION=VALUE, of {example}; given {rest[1]!r}")
        where, rest = ((name, value),), []
    if rest:
        raise ValueError(f"{form}, given {' '.join(words)}")
    return thing, by or ("outcome" if thing == "errors" and not where else ""), where


def read(service: Service, words: Sequence[str]) -> Reading:
    """A reading of the service, taken now; words that ask for none are a ``ValueError``."""
    thing, by, where = parsed(words)
    said = " ".join(words)
    if thing in THINGS:
        return _table(service, said, thing, by, where)
    if thing in GAUGES:
        return _gauge(service, thing)
    return _OTHERS[thing](service)


# --- by a dimension ------------------------------------------------------------------------------


def _table(service: Service, said: str, thing: str, by: str, where: Where) -> Reading:
    of, minutes = THINGS[thing], service.minutes[-WINDOW:]
    chance = _chance(service, f"{of} {by} {where}")
    bad, total = _counted(service, minutes, of)
    if where:
        bad, total = _part(service, minutes, of, where, bad, total)
    rows = []
    values = list(OUTCOMES) if by == "outcome" else list(DIMENSIONS.get(by, ("all",)))
    if by == "outcome":
        bads = _allocated(chance, bad, _outcomes(service, minutes))
        totals, usual = [total] * len(values), [USUAL[of] * OUTCOMES[name] for name in values]
    else:
        parts = [(*where, (by, value)) if by else where for value in values]
        bads = _allocated(chance, bad, [_weight(service, minutes, of, part)[0] for part in parts])
        sizes = [_weight(service, minutes, of, part)[1] for part in parts]
        totals = [max(b, t) for b, t in zip(bads, _allocated(chance, total, sizes), strict=True)]
        usual = [_usually(service, of)] * len(values)
        if thing == "traffic":
            usual = [_usual_requests(service) * service.world.size(part) for part in parts]
    for value, number, size, usually in zip(values, bads, totals, usual, strict=True):
        row = {"value": value, "bad": number, "total": size, "usual": round(usually, 4)}
        rows.append(row | ({"bad": 0, "usual": round(usually)} if thing == "traffic" else {}))
    data = {"thing": thing, "by": by or None, "in": dict(where), "window": WINDOW, "rows": rows}
    lines = [f"{said}, the last {WINDOW} minutes"]
    lines += [_row_text(thing, row) for row in rows]
    return Reading(said, "\n".join(lines), data)


def _row_text(thing: str, row: Mapping[str, Any]) -> str:
    name, bad, total = row["value"], row["bad"], row["total"]
    if thing == "traffic":
        return f"  {name:<10} {total:>7,} requests, usually {row['usual']:,}"
    if not total:
        return f"  {name:<10} nothing counted"
    text = f"  {name:<10} {bad / total:>6.1%} of {total:,}, usually {row['usual']:.1%}"
    if thing == "quality":
        low, high = share_interval(bad, total)
        text += f" ({low:.0%} to {high:.0%})"
    return text


def _counted(service: Service, minutes: Sequence[Minute], sli: str) -> tuple[int, int]:
    """Bad and total events in these minutes; what nobody watches is as expected."""
    if minutes and sli in minutes[-1].total:
        return sum(m.bad[sli] for m in minutes), sum(m.total[sli] for m in minutes)
    watched = service.scenario.slo.name
    total = sum(minute.total[watched] for minute in minutes)
    bad, size = _weight(service, minutes, sli, ())
    return int(total * bad / size + 0.5) if size else 0, total


def _weight(
    service: Service, minutes: Sequence[Minute], sli: str, where: Where
) -> tuple[float, float]:
    """The expected bad and total events of a part in these minutes, in one unit."""
    bad = total = 0.0
    for minute in minutes:
        rates = service.world.measured(minute.levels, minute.active, where)
        share = rates.bad.get(sli, USUAL[sli])
        if sli == "quality" and service.world.is_drawn:
            share = share * SENSITIVITY + (1 - share) * (1 - SPECIFICITY)
        total += rates.traffic
        bad += rates.traffic * share
    return bad, total


def _usually(service: Service, sli: str) -> float:
    share = service.world.usual.get(sli, USUAL[sli])
    if sli == "quality" and service.world.is_drawn:
        share = share * SENSITIVITY + (1 - share) * (1 - SPECIFICITY)
    return share


def _usual_requests(service: Service) -> float:
    scenario = service.scenario
    times = (service.now - MINUTE * back for back in range(1, WINDOW + 1))
    return sum(scenario.requests * rhythm(at) for at in times)


def _part(
    service: Service, minutes: Sequence[Minute], sli: str, where: Where, bad: int, total: int
) -> tuple[int, int]:
    """How many of these events lie in a value, drawn as when they are split by its dimension."""
    (name, value) = where[0]
    chance = _chance(service, f"{sli} {name} ()")
    values = list(DIMENSIONS[name])
    weights = [_weight(service, minutes, sli, ((name, each),)) for each in values]
    bads = _allocated(chance, bad, [weight[0] for weight in weights])
    totals = _allocated(chance, total, [weight[1] for weight in weights])
    place = values.index(value)
    return bads[place], max(bads[place], totals[place])


def _outcomes(service: Service, minutes: Sequence[Minute]) -> list[float]:
    """The expected weight of each outcome among the failures of these minutes."""
    world, usual = service.world, _usually(service, "availability")
    weights = {name: share * usual * len(minutes) for name, share in OUTCOMES.items()}
    for minute in minutes:
        hits = zip((*world.hits, *world.crowd), minute.levels, strict=False)
        for hit, level in hits:
            if level and not hit.cause.lost:
                bad = hit.left(level, minute.active).get("availability", 0.0) * hit.cause.swells
                for name, share in outcomes_of(hit).items():
                    weights[name] += share * bad
    return list(weights.values())


def _allocated(chance: Callable[[], float], number: int, weights: Sequence[float]) -> list[int]:
    """A number of events, drawn into parts of these weights."""
    left, parts = sum(weights), []
    for weight in weights:
        part = binomial(chance, number, min(1.0, weight / left)) if left > 0 else 0
        parts.append(part)
        number, left = number - part, left - weight
    return parts


def _chance(service: Service, words: str) -> Callable[[], float]:
    return random.Random(f"{service.world.seed} {service.minute} {words}").random


# --- one number ----------------------------------------------------------------------------------


def _gauge(service: Service, name: str) -> Reading:
    usual, what = GAUGES[name]
    chance, now = _chance(service, name), usual
    if service.minutes:
        minute, world = service.minutes[-1], service.world
        for hit, level in zip(world.hits, minute.levels, strict=False):
            if level and name in hit.cause.gauges:
                ratio = float(hit.fault.error_ratio)
                left = hit.left(ratio, minute.active).get(hit.cause.sli, 0.0) / ratio
                now *= 1 + (hit.cause.gauges[name] - 1) * min(1.0, left)
    now *= 0.94 + 0.12 * chance()
    shown = round(now, 2)
    data = {"now": shown, "usual": usual}
    return Reading(name, f"{what}: {shown:,g}, usually {usual:,g}", data)


def _probe(service: Service) -> Reading:
    """The outside probe: requests of our own, which nobody counts."""
    bad = _truly_bad(service, "availability")
    failed = binomial(_chance(service, "probe"), ASKS, bad)
    text = f"outside probe: {failed} of {ASKS} requests failed in the last 10 minutes, usually 0"
    return Reading("probe", text, {"now": failed, "usual": 0})


def _rejudge(service: Service) -> Reading:
    """Answers of the last minutes, judged by a person: it takes no judge that may have drifted."""
    bad = binomial(_chance(service, "rejudge"), ASKS, _truly_bad(service, "quality"))
    low, high = share_interval(bad, ASKS)
    text = f"a person finds {bad} of {ASKS} answers bad ({low:.0%} to {high:.0%}), usually 0 or 1"
    return Reading("rejudge", text, {"now": bad, "usual": 0.3})


def _truly_bad(service: Service, sli: str) -> float:
    if not service.minutes:
        return 0.0
    minute = service.minutes[-1]
    return service.world.true(minute.levels, minute.active).bad.get(sli, 0.0)


def _support(service: Service) -> Reading:
    """What the support desk hears: whether users are hurt, never by what."""
    chance, minutes = _chance(service, f"support {service.minute // 10}"), service.minutes[-60:]
    hurt = 0.0
    for minute in minutes:
        true = service.world.true(minute.levels, minute.active).bad
        felt = (true.get(name, 0.0) - USUAL[name] for name in USUAL if name != "cost")
        hurt += max(0.0, max(felt, default=0.0))
    tickets = 1 + int(2.5 * chance()) + int(hurt * 2.5)
    data = {"now": tickets, "usual": 2}
    return Reading("support", f"support: {tickets} tickets in the last hour, usually 2", data)


# --- texts ---------------------------------------------------------------------------------------


def _changes(service: Service) -> Reading:
    known = [one for one in service.world.changes if one.minute < service.minute]
    rows = []
    lines = ["the change log of the last day"]
    for one in known:
        at = service.scenario.start + one.minute * MINUTE
        undo = one.undo or None
        rows.append({"id": one.id, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "kind": one.kind,
                     "what": one.what, "undo": undo})  # fmt: skip
        lines.append(f"  {one.id} {at:%H:%M} {one.kind}: {one.what}")
        lines.append(f"       undone by: {undo}" if undo else "       cannot be undone by us")
    return Reading("changes", "\n".join(lines if known else ["no change in the last day"]), rows)


def _status(service: Service) -> Reading:
    """The providers' pages, which admit to an outage late."""
    said = {"north": "all systems operational", "south": "all systems operational"}
    for hit in service.world.hits:
        since = service.minute - hit.fault.start // MINUTE
        level = service.minutes[-1].levels if service.minutes else ()
        if hit.cause.status and since >= service.world.status_delay and any(level):
            said[hit.value if hit.value in said else "north"] = "degraded"
    lines = [f"status page of provider {name}: {text}" for name, text in said.items()]
    return Reading("status", "\n".join([*lines, *_herrings(service, "status")]), said)


def _logs(service: Service) -> Reading:
    """A few failed requests as they were logged, and whatever else stands there."""
    chance, lines = _chance(service, "logs"), []
    minutes = service.minutes[-WINDOW:]
    bad, total = _counted(service, minutes, "availability")
    if not total:
        lines.append("no line was written in the last minutes")
    names = [name for name in DIMENSIONS if name not in ("age", "replica", "rule")]
    for _ in range(min(4, bad)):
        parts = {}
        weights = _outcomes(service, minutes)
        outcome = _allocated(chance, 1, weights).index(1)
        for name in names:
            weights = [
                _weight(service, minutes, "availability", ((name, value),))[0]
                for value in DIMENSIONS[name]
            ]
            parts[name] = list(DIMENSIONS[name])[_allocated(chance, 1, weights).index(1)]
        pairs = " ".join(f"{name}={value}" for name, value in parts.items())
        lines.append(f"failed {list(OUTCOMES)[outcome]} {pairs}")
    lines += _herrings(service, "")
    return Reading("logs", "\n".join(lines or ["nothing that is not there on any day"]), lines)


def _herrings(service: Service, kind: str) -> list[str]:
    """The red herrings of the last two hours: those of the providers' pages, or all others."""
    lines = []
    for minute, text in service.world.herrings:
        is_recent = minute <= service.minute < minute + 2 * (HOUR // MINUTE)
        if is_recent and ("provider" in text) == (kind == "status"):
            lines.append(f"{service.scenario.start + minute * MINUTE:%H:%M} {text}")
    return lines


def _metrics(service: Service) -> Reading:
    data: dict[str, Any] = {}
    lines = []
    for name in service.minutes[-1].total if service.minutes else ():
        now, hour = service.sli_of(name, MINUTE), service.sli_of(name, HOUR)
        data[name] = {
            "1m": _share(now), "1h": _share(hour), "target": service.target_of(name),
        }  # fmt: skip
        lines.append(f"{name:<13} {_text(now)} in the last minute, {_text(hour)} in the last hour")
    watched = service.scenario.slo.name
    requests = service.counted(-1, name=watched)[1]
    lines.append(f"{'requests':<13} {requests:,} in the last minute")
    lines += [f"{'harmed':<13} {name}" for name in service.harmed]
    return Reading("metrics", "\n".join(lines), data)


def _history(service: Service) -> Reading:
    """The SLI at hand over the last four hours, five minutes at a time."""
    name = service.watched
    rows: list[dict[str, Any]] = []
    begin = max(0, len(service) - 240)
    begin += (len(service) - begin) % 5
    for first in range(begin, len(service), 5):
        at = service.now - (len(service) - first) * MINUTE
        good, total = service.counted(first, first + 5, name=name)
        rows.append({"at": f"{at:%H:%M}", "sli": _share(sli(good, total))})
    known = [row["sli"] for row in rows if row["sli"] is not None]
    marks = "▁▂▃▄▅▆▇█"
    low = min(known, default=0.0)
    span = max(known, default=1.0) - low or 1.0
    line = "".join(
        " " if row["sli"] is None else marks[int((row["sli"] - low) / span * 7)] for row in rows
    )
    turns = [
        f"{row['at']} {row['sli']:.1%}"
        for before, row in pairwise(rows)
        if None not in (before["sli"], row["sli"]) and abs(row["sli"] - before["sli"]) > span / 3
    ]
    text = f"{name} since {rows[0]['at'] if rows else 'now'}, {low:.1%} to {low + span:.1%}\n{line}"
    return Reading("history", "\n".join([text, *turns[-6:]]), rows)


def _share(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _text(value: float) -> str:
    return "no events" if math.isnan(value) else f"{value:7.2%}"


_OTHERS: dict[str, Callable[[Service], Reading]] = {
    "changes": _changes,
    "status": _status,
    "support": _support,
    "probe": _probe,
    "rejudge": _rejudge,
    "logs": _logs,
    "metrics": _metrics,
    "history": _history,
}
