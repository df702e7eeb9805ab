"""The judges of conduct: who answered, what was risked, what users heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from oncall.gameday.people import YOU
from oncall.gameday.play import Judgement, Play, active_hits, catch, ended, sentence
from oncall.gameday.truth import Truth
from oncall.incident import Incident
from oncall.journal import REMARKS, SECURITY_STEPS, Event
from oncall.mitigations import MITIGATIONS
from oncall.times import MINUTE, duration_text

PROMPT_ANSWER, ANSWER_SLOPE = 5, 25  # minutes: prompt earns all points, so much later none
GRACE = 10  # minutes after the page, in which the severity may still be any
WATCH = 30  # minutes for which all must be well before it is over
FIRST_UPDATE = {1: 15, 2: 30}  # minutes after the page, by severity; else an hour
NEXT_UPDATE = {1: 30, 2: 30}
WORDS = 4  # fewer are no text
COMES_BACK = 90  # minutes in which a fault that is gone may come back to a mitigation left in place
NEEDED = {1: 4, 2: 3, 3: 2, 4: 1, 5: 1}  # people beside you whom a severity may wake


# --- answer --------------------------------------------------------------------------------------


def answer(play: Play) -> Judgement | None:
    """The longest that a page waited, and who was woken beyond need."""
    waits = [wait for incident in play.incidents for wait in _waits(incident)]
    if not waits and play.truth is None:
        return None
    if None in waits:
        return 0, "A page was never answered."
    longest = max(filter(None, waits), default=timedelta()) / MINUTE
    share = 1 - max(0.0, longest - PROMPT_ANSWER) / ANSWER_SLOPE
    why = f"The longest wait was {duration_text(longest * MINUTE)}; up to 5m is prompt."
    beyond = _woken_beyond(play)
    if beyond:
        why += f" {beyond} more {'people were' if beyond > 1 else 'person was'} woken than needed."
    return share * (1 - 0.25 * beyond), why


def _waits(journal: Incident) -> Iterator[timedelta | None]:
    """From each call for a person to the acknowledgement that answered it; ``None`` where none did.

    After a call for help the caller is already on it, so those pages need no answer of their own.
    """
    called, helped = None, False
    for event in journal.events:
        if event.verb == "escalate":
            helped = True
        elif event.verb not in (*REMARKS, "triage"):
            helped = False
        rings = event.verb == "page" and event.by == "pager" and not helped
        if rings or (event.verb == "detect" and event.get("action") == "page"):
            called = called or event.at
        elif event.verb in ("acknowledge", "false_alarm") and called:
            yield event.at - called
            called = None
    if called:
        yield None


def _woken_beyond(play: Play) -> int:
    """How many people were woken beyond what the severity needed, as it could be read then."""
    woken = list(dict.fromkeys(e.get("who") for e in play.all("page") if e.get("who") != YOU))
    if not woken:
        return 0
    worst = min((play.severity_at(e.at) or 5 for e in play.all("triage")), default=5)
    if play.truth:
        last = min(play.truth.minute(play.all("page")[-1]), play.truth.length - 1)
        worst = play.truth.readable[max(0, last)] if last >= 0 else 5
    called = any(e.get("step") == "call" for e in play.all("secure"))
    return max(0, len(woken) - NEEDED[worst] - called)


# --- safety --------------------------------------------------------------------------------------


def safety(play: Play) -> Judgement:
    """What was done that nobody should do, each once or more often."""
    if not (play.all("mitigate") or play.all("resolve") or play.all("false_alarm")):
        return 0, "Nothing was done about it, and it was not ended."
    costs: dict[str, float] = {}
    for check in (_risks, _ends, _truth_checks):
        costs |= check(play)
    share = 1 - sum(costs.values())
    dear = sorted(costs, key=lambda why: -costs[why])
    return share, sentence("; ".join(dear[:3]) or "nothing was done that was not safe")


def _risks(play: Play) -> dict[str, float]:
    """Unapproved, irreversible, and one on top of the other."""
    costs: dict[str, float] = {}
    granted: set[str] = set()
    settles: datetime | None = None
    for event in play.events:
        if event.verb == "approval" and event.get("granted"):
            granted.add(event.get("mitigation"))
        step = MITIGATIONS.get(event.get("action", "")) if event.verb == "mitigate" else None
        if step is None:
            continue
        rules = [c.id for c in play.truth.world.changes if c.kind == "rule"] if play.truth else []
        if (step.needs_approval or event.get("value") in rules) and step.name not in granted:
            costs[f"{step.name} was not approved"] = 0.25
        if not step.reversible:
            costs[f"{step.name} cannot be undone"] = 0.5
        if settles and event.at < settles:
            costs[f"{step.name} came on top of another that did not show yet"] = 0.25
        settles = event.at + step.settle
    return costs


def _ends(play: Play) -> dict[str, float]:
    """Resolved without having watched, or never ended."""
    costs: dict[str, float] = {}
    for incident in play.incidents:
        since: datetime | None = None
        for event in incident.events:
            if event.verb in ("mitigate", "mitigated", "rollback"):
                since = event.at
            elif event.verb == "detect":
                since = since or event.at
            if event.verb == "resolve" and since and event.at - since < WATCH * MINUTE:
                costs[f"{incident.id} was resolved without half an hour of watching"] = 0.34
        if ended(incident) is None:
            costs[f"{incident.id} was never ended"] = 0.34
    return costs


def _truth_checks(play: Play) -> dict[str, float]:
    """What the truth contradicts: needless, over too early, a false alarm of something real."""
    if (truth := play.truth) is None:
        return {}
    costs: dict[str, float] = {}
    for number, done in enumerate(play.steps, 1):
        span = range(done.applied, min(done.until or truth.length, done.applied + COMES_BACK))
        met = {hit.fault: hit for at in span for hit in active_hits(truth, at)}
        helps = [catch(hit, done) for hit in met.values()]
        if max(helps, default=0.0) < 0.2:
            kept = done.until is None
            costs[f"{done.mitigation} helped nothing (no. {number})"] = 0.25 if kept else 0.12
    for event in play.events:
        minute = min(truth.minute(event), truth.length)
        if event.verb in ("mitigated", "resolve") and minute > 0:
            settling = [s for s in play.steps if s.applied < minute < s.shows and not s.until]
            if low := truth.low(minute - 1, play.steps):
                what = f"{low[0]} was below target"
                costs[f"at {event.at:%H:%M} it was called {_called(event)}, and {what}"] = 0.34
            elif settling:
                what = f"{settling[0].mitigation} did not show yet"
                costs[f"at {event.at:%H:%M} it was called {_called(event)}, and {what}"] = 0.34
        if event.verb == "false_alarm" and any(
            hit.cause.is_ours for hit in active_hits(truth, minute - 1)
        ):
            costs["a false alarm was called of something real"] = 1.0
    return costs | _security(play, truth)


def _called(event: Event) -> str:
    return "resolved" if event.verb == "resolve" else "mitigated"


def _security(play: Play, truth: Truth) -> dict[str, float]:
    """What security demands: before the cure, and before it is over."""
    costs: dict[str, float] = {}
    for hit in truth.world.hits:
        if hit.cause.security:
            cure = next((s.applied for s in play.steps if catch(hit, s) >= 0.5), truth.length)
            for step in SECURITY_STEPS:
                done = [truth.minute(e) for e in play.all("secure") if e.get("step") == step]
                if not done or done[0] > cure:
                    costs[f"security demands to {step} before the cure"] = 0.34
    return costs


# --- communication -------------------------------------------------------------------------------


def communication(play: Play) -> Judgement:
    """The due stretches that have a valid update, and a last one when it is over."""
    told = play.all("update")
    valid = [event for event in told if not _is_void(play, event)]
    closing = bool(play.all("resolve"))
    done = [e for e in valid if e.get("status") == "resolved" or play.truth is None]
    lies = [e for e in told if e.get("status") == "resolved" and not _is_over(play, e.at)]
    due = _due(play)
    met = sum(any(begin <= e.at <= end for e in valid) for begin, end in due)
    needed, came = len(due) + closing, met + (closing and bool(done))
    share = 1.0 if not needed else came / needed
    share -= 0.34 * len(lies) + 0.05 * max(0, len(told) - 2 * len(due) - 2)
    if play.all("false_alarm") and not closing and not due:
        share = 1.0 - 0.34 * len(lies)
    why = f"{came} of the {needed} updates that were due came in time and were valid."
    if lies:
        why += " Users were told that it was resolved, and it was not."
    elif void := [event for event in told if event not in valid]:
        why += f" The one of {void[0].at:%H:%M} was not: {_is_void(play, void[0])}."
    if not told and not due and not closing:
        why = "None was due."
    return share, why


def _due(play: Play) -> list[tuple[datetime, datetime]]:
    """The stretches of time in each of which users are to hear something."""
    due, begin = [], play.start
    severity = play.severity_at(begin + GRACE * MINUTE) or 3
    length = FIRST_UPDATE.get(severity, 60)
    while (end := begin + length * MINUTE) <= play.end:
        due.append((begin, end))
        begin = end
        length = NEXT_UPDATE.get(play.severity_at(end) or severity, 60)
    return due


def _is_over(play: Play, at: datetime) -> bool:
    return any(event.at <= at for event in play.all("resolve"))


def _is_not_agreed(play: Play, event: Event) -> bool:
    """Whether users were told of a security incident that was known before security was."""
    hits = play.truth.world.hits if play.truth else ()
    causes = {hit.cause.name for hit in hits if hit.cause.security}
    known = [e.at for e in play.all("suspect") if e.get("cause") in causes]
    called = [e.at for e in play.all("secure") if e.get("step") == "call"]
    return bool(known) and known[0] < event.at and not any(at <= event.at for at in called)


def _is_void(play: Play, event: Event) -> str:
    """Why an update counts for nothing; empty if it counts."""
    status, percent = event.get("status"), event.get("percent")
    if len(str(event.get("text")).split()) < WORDS:
        return "fewer than four words"
    if status == "resolved" and not _is_over(play, event.at):
        return "it was not resolved"
    if (truth := play.truth) is None:
        return ""
    minute = min(max(0, truth.minute(event) - 1), truth.length - 1)
    if status in ("monitoring", "resolved") and truth.low(minute, play.steps):
        return "an SLI was below target"
    if _is_not_agreed(play, event):
        return "security had not been called"
    if percent is not None and status != "resolved":
        hits = [100 * truth.share_hit(minute, play.steps, true=true) for true in (True, False)]
        if not any(hit / 2 - 1 <= percent <= 2 * hit + 1 for hit in hits):
            return f"{percent:g}% was off by more than a factor of two"
    return ""
