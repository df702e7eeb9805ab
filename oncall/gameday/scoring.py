"""The score of a shift: seven dimensions, read from the journals and held against the truth.

It is a pure function of the two, so a shift that is over can be scored at any time. A real incident
has no truth to be held against: what needs one is *not judged* then, and the rest is scaled. No
dimension is gained by doing something more often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.gameday.people import YOU
from oncall.gameday.truth import Step, Truth, steps_of
from oncall.gameday.world import Hit
from oncall.incident import Incident
from oncall.journal import REMARKS, SECURITY_STEPS, Event
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import SECTIONS, measured, read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE, duration_text, parse_moment

PROMPT_ANSWER, ANSWER_SLOPE = 5, 25  # minutes: prompt earns all points, so much later none
GRACE = 10  # minutes after the page, in which the severity may still be any
WATCH = 30  # minutes for which all must be well before it is over
FIRST_UPDATE = {1: 15, 2: 30}  # minutes after the page, by severity; else an hour
NEXT_UPDATE = {1: 30, 2: 30}
WORDS = 4  # fewer are no text
HINT = 0.2  # what one costs of the diagnosis
WRITTEN = SECTIONS[4:9]  # the sections that people write; the others follow from the journal
NEEDED = {1: 4, 2: 3, 3: 2, 4: 1, 5: 1}  # people beside you whom a severity may wake


@dataclass(frozen=True)
class Dimension:
    """One line of a score: points out of ``most``, and why; of 0 where it is not judged."""

    name: str
    points: int
    most: int
    why: str


@dataclass(frozen=True)
class Score:
    """The seven dimensions of a response; ``points`` is out of 100."""

    dimensions: tuple[Dimension, ...]

    @property
    def points(self) -> int:
        """The sum over all dimensions, scaled to 100 where some are not judged."""
        most = sum(dimension.most for dimension in self.dimensions)
        points = sum(dimension.points for dimension in self.dimensions)
        return round(100 * points / most) if most else 0

    def __str__(self) -> str:
        lines = [
            f"{d.name:<14}{d.points:>3} of {d.most:<3} {d.why}"
            if d.most
            else f"{d.name:<14}not judged {d.why}"
            for d in self.dimensions
        ]
        return "\n".join([*lines, f"{'score':<14}{self.points:>3} of 100"])


Judgement = tuple[float, str]  # the share of the points earned, and why


def score(
    journal: Incident, reference: Incident | None = None, truth: Truth | None = None
) -> Score:
    """The score of a response to one incident.

    With the ``truth`` of the shift that it is from, every dimension is judged. Without, a
    ``reference`` response to the same incident may say which severity and cause were right, and how
    much was lost; what nothing can be said about is not judged.
    """
    return _scored(Play((journal,), truth, reference))


def score_shift(incidents: Sequence[Incident], truth: Truth) -> Score:
    """The score of a whole shift: all of its incidents together, against the truth of it."""
    return _scored(Play(tuple(incidents), truth))


def _scored(play: Play) -> Score:
    """What each judge says, unless nobody began to work: then there is nothing to score."""
    worked = bool(play.all("triage") or play.all("false_alarm"))
    dimensions = []
    for name, (most, judge) in JUDGES.items():
        judgement = None if play.is_quiet else judge(play) if play.incidents else (0.0, "")
        if judgement is None and not play.is_quiet:
            dimensions.append(Dimension(name, 0, 0, "It takes the truth, which is not known here."))
        elif play.is_quiet:
            dimensions.append(Dimension(name, most, most, "Nothing happened, and nothing was due."))
        elif not worked:
            why = "Nobody triaged it, or called it a false alarm: nothing can be scored."
            dimensions.append(Dimension(name, 0, most, why))
        else:
            share, why = judgement or (0.0, "")
            points = round(most * min(1.0, max(0.0, share)))
            dimensions.append(Dimension(name, points, most, why))
    return Score(tuple(dimensions))


@dataclass(frozen=True)
class Play:
    """A response to be scored: its journals, and the truth or a reference, where there is one."""

    incidents: tuple[Incident, ...]
    truth: Truth | None
    reference: Incident | None = None

    @cached_property
    def events(self) -> list[Event]:
        """All events, by time."""
        events = (event for incident in self.incidents for event in incident.events)
        return sorted(events, key=lambda event: event.at)

    def all(self, verb: str) -> list[Event]:
        """All events of a verb, by time."""
        return [event for event in self.events if event.verb == verb]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was wrong and nobody thought so."""
        return self.truth is not None and not any(self.truth.pages) and not self.incidents

    @cached_property
    def steps(self) -> list[Step]:
        """What was applied, and taken back."""
        return steps_of(self.incidents, self.truth) if self.truth else []

    @property
    def start(self) -> datetime:
        """When the first incident was detected."""
        return next(event.at for event in self.events if event.verb == "detect")

    @property
    def end(self) -> datetime:
        """When the last incident ended, or else the end of what is known."""
        ends = [_ended(incident) for incident in self.incidents]
        if self.truth and None in ends:
            scenario = self.truth.world.scenario
            return scenario.start + scenario.length
        return max((end for end in ends if end), default=self.events[-1].at)

    def severity_at(self, at: datetime) -> int | None:
        """The severity that was decided by then, as a number; the worst of what is open."""
        found = []
        for incident in self.incidents:
            ended = _ended(incident)
            decided = [e for e in incident.events_of("triage") if e.at <= at]
            if decided and (ended is None or at <= ended):
                found.append(int(decided[-1].get("severity")[3:]))
        return min(found, default=None)


def _ended(incident: Incident) -> datetime | None:
    """When an incident was over for good: resolved, or called a false alarm."""
    ends = [e for e in incident.events if e.verb in ("resolve", "false_alarm", "reopen")]
    return ends[-1].at if ends and ends[-1].verb != "reopen" else None


# --- answer --------------------------------------------------------------------------------------


def _answer(play: Play) -> Judgement:
    """The longest that a page waited, and who was woken beyond need."""
    waits = [wait for incident in play.incidents for wait in _waits(incident)]
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


# --- severity ------------------------------------------------------------------------------------


def _severity(play: Play) -> Judgement | None:
    """The share of the time in which it was the table's.

    One off counts half, and so does what could be read while the truth was another.
    """
    if play.truth is None:
        return _severity_by_reference(play)
    end = (play.end - play.truth.world.scenario.start) // MINUTE
    first = play.truth.minute(next(e for e in play.events if e.verb == "detect")) + GRACE
    first = min(first, end)
    last = max(first + 1, end)
    marks, off = [], {"too low": 0, "too high": 0}
    for minute in range(first, min(last, play.truth.length)):
        mine = play.severity_at(play.truth.world.scenario.start + minute * MINUTE)
        right = play.truth.table[minute]
        read = 0.5 if mine == play.truth.readable[minute] else 0.0
        marks.append({0: 1.0, 1: 0.5}.get(abs((mine or 9) - right), read))
        off["too low" if (mine or 9) > right else "too high"] += mine != right
    share = sum(marks) / max(1, len(marks))
    if not any(off.values()):
        return share, "It was the table's from ten minutes after the page on."
    which = max(off, key=lambda name: off[name])
    harm = f"by harm it was sev{play.truth.table[min(last, play.truth.length) - 1]} in the end"
    return share, f"{duration_text(off[which] * MINUTE)} {which}; {harm}."


def _severity_by_reference(play: Play) -> Judgement | None:
    theirs = play.reference.severity if play.reference else None
    decided = [event.get("severity") for event in play.all("triage")]
    if theirs is None:
        return None
    if not decided:
        return 0, "Nobody decided a severity."
    distance = abs(int(decided[-1][3:]) - int(theirs[3:]))
    return {0: 1.0, 1: 0.5}.get(distance, 0.0), f"{decided[-1]}, and {theirs} with the reference."


# --- diagnosis -----------------------------------------------------------------------------------


def _diagnosis(play: Play) -> Judgement | None:
    if play.truth is None:
        return None
    hits = {_name(hit): hit for hit in play.truth.world.hits}
    if not hits:
        return 1 - 0.3 * len(_suspects(play)), "There was nothing to find."
    shares, reasons = [], []
    for name, hit in hits.items():
        share, why = _right(play, hit)
        shares.append(share)
        reasons.append(f"{name}: {why}" if len(hits) > 1 else why)
    names = {word for hit in hits.values() for word in _names(hit)}
    wrong = [name for name in _suspects(play) if name not in names]
    if wrong:
        reasons.append(f"wrong: {', '.join(wrong)}")
    if hints := len(play.all("hint")):
        reasons.append(f"{hints} hint{'s' if hints > 1 else ''} taken")
    share = sum(shares) / len(shares) - 0.3 * len(wrong) - HINT * hints
    return share, _sentence("; ".join(reasons))


def _suspects(play: Play) -> list[str]:
    return list(dict.fromkeys(event.get("cause") for event in play.all("suspect")))


def _name(hit: Hit) -> str:
    return hit.cause.name


def _names(hit: Hit) -> tuple[str, ...]:
    """What a cause may be called: by its name, or by its symptom if that is all that is told."""
    return (hit.cause.name,) if hit.drawn else (hit.cause.name, hit.cause.symptom)


def _right(play: Play, hit: Hit) -> Judgement:
    """Whether a cause was suspected, after a telling reading, and before its cure."""
    named = [e for e in play.all("suspect") if e.get("cause") in _names(hit)]
    if not named:
        return 0, "the cause was never suspected"
    at, share, why = named[0].at, 1.0, "suspected in time"
    if not any(_tells(e.get("reading"), hit) for e in play.all("look") if e.at <= at):
        share, why = share / 2, "suspected without a reading that tells"
    cure = next((s for s in play.steps if _catch(hit, s) >= 0.5), None)
    if cure and play.truth and cure.applied < play.truth.minute(named[0]):
        share, why = share / 2, f"suspected after {cure.mitigation}, which cures it"
    return share, why


def _tells(reading: str, hit: Hit) -> bool:
    words = reading.partition(" in ")[0]
    words = "errors by outcome" if words == "errors" else words
    telling = ["errors by outcome" if one == "errors" else one for one in hit.cause.telling]
    return words in telling or (hit.cause.telling == ("errors",) and words.startswith("errors"))


def _catch(hit: Hit, step: Step) -> float:
    """The share of a fault that a mitigation catches, where it was aimed at it."""
    helps = hit.helps(step.mitigation, step.aim)
    return float(hit.effects[step.mitigation].catches) if helps else 0.0


# --- harm ----------------------------------------------------------------------------------------


def _harm(play: Play) -> Judgement | None:
    if play.truth:
        burned, nobody, par = play.truth.harm(play.steps), play.truth.nobody, play.truth.par
        held = f"{nobody:.1%} if nobody had come, {par:.1%} at par"
        praise = " Better than par." if burned < par - 0.001 else ""
        share = play.truth.harm_share(play.steps)
        return share, f"{burned:.1%} of the budgets burned; {held}.{praise}"
    if play.reference is None:
        return None
    (good, total), (theirs, of) = measured(play.incidents[0]), measured(play.reference)
    if not total or not of:
        return None
    bad, reference_bad = total - good, of - theirs
    beyond = max(0.0, (bad - reference_bad) / max(1, reference_bad))
    return 1 - beyond, f"{bad:,} requests failed, {reference_bad:,} with the reference."


# --- safety --------------------------------------------------------------------------------------


def _safety(play: Play) -> Judgement:
    """What was done that nobody should do, each once or more often."""
    if not (play.all("mitigate") or play.all("resolve") or play.all("false_alarm")):
        return 0, "Nothing was done about it, and it was not ended."
    costs: dict[str, float] = {}
    for check in (_risks, _ends, _truth_checks):
        costs |= check(play)
    share = 1 - sum(costs.values())
    dear = sorted(costs, key=lambda why: -costs[why])
    return share, _sentence("; ".join(dear[:3]) or "nothing was done that was not safe")


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
        if _ended(incident) is None:
            costs[f"{incident.id} was never ended"] = 0.34
    return costs


def _truth_checks(play: Play) -> dict[str, float]:
    """What the truth contradicts: needless, over too early, a false alarm of something real."""
    if (truth := play.truth) is None:
        return {}
    costs: dict[str, float] = {}
    for number, done in enumerate(play.steps, 1):
        helps = [_catch(hit, done) for hit in _active(truth, done.applied)]
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
            hit.cause.is_ours for hit in _active(truth, minute - 1)
        ):
            costs["a false alarm was called of something real"] = 1.0
    return costs | _security(play, truth)


def _called(event: Event) -> str:
    return "resolved" if event.verb == "resolve" else "mitigated"


def _active(truth: Truth, minute: int) -> list[Hit]:
    """The faults that hit something in a minute, or have."""
    levels = truth.world.levels(max(0, minute))
    return [hit for hit, level in zip(truth.world.hits, levels, strict=False) if level]


def _security(play: Play, truth: Truth) -> dict[str, float]:
    """What security demands: before the cure, and before it is over."""
    costs: dict[str, float] = {}
    for hit in truth.world.hits:
        if hit.cause.security:
            cure = next((s.applied for s in play.steps if _catch(hit, s) >= 0.5), truth.length)
            for step in SECURITY_STEPS:
                done = [truth.minute(e) for e in play.all("secure") if e.get("step") == step]
                if not done or done[0] > cure:
                    costs[f"security demands to {step} before the cure"] = 0.34
    return costs


# --- communication -------------------------------------------------------------------------------


def _communication(play: Play) -> Judgement:
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
    if percent is not None and status != "resolved":
        hits = [100 * truth.share_hit(minute, play.steps, true=true) for true in (True, False)]
        if not any(hit / 2 - 1 <= percent <= 2 * hit + 1 for hit in hits):
            return f"{percent:g}% was off by more than a factor of two"
    return ""


# --- learning ------------------------------------------------------------------------------------


def _learning(play: Play) -> Judgement:
    """Cause, segment, trigger and onset in the postmortem's fields, its lint, the case proved."""
    ended = [one for one in play.incidents if one.state == "closed"]
    if not ended:
        return 0, "No incident was closed."
    share, missing = _facts(play)
    proved = any(_is_proved(play, incident) for incident in ended)
    share += 0.25 * proved
    if not proved:
        missing.append("no regression case that is proved")
    findings = _lint(ended)
    if findings:
        missing.append(f"the lint or the reader asks about {', '.join(findings[:3])}")
    share *= max(0.0, 1 - 0.1 * len(findings))
    return share, _sentence("; ".join(missing) or "all is named, and the case is proved")


def _facts(play: Play) -> tuple[float, list[str]]:
    learnt: dict[str, list[str]] = {}
    for event in play.all("learn"):
        learnt.setdefault(event.get("kind"), []).append(event.get("value"))
    if (truth := play.truth) is None:
        named = [kind for kind in ("cause", "segment", "trigger", "onset") if kind in learnt]
        missing = [k for k in ("cause", "segment", "trigger", "onset") if k not in learnt]
        return 0.75 * len(named) / 4, [f"{', '.join(missing)} not named"] if missing else []
    hits, share, missing = truth.world.hits, 0.0, []
    names = set(learnt.get("cause", []))
    right = [hit for hit in hits if names & set(_names(hit))]
    if len(names) <= len(hits) + 1 and hits:
        share += 0.3 * len(right) / len(hits)
    weights: dict[str, Callable[[Hit, str], bool]] = {
        "segment": lambda hit, value: value == hit.segment or (not hit.drawn),
        "trigger": lambda hit, value: value == (hit.change or "none"),
        "onset": lambda hit, value: _is_near(truth, hit, value),
    }
    for kind, fits in weights.items():
        values = learnt.get(kind, [])[: len(hits) + 1]
        found = sum(any(fits(hit, value) for value in values) for hit in hits)
        share += 0.15 * found / max(1, len(hits))
        if found < len(hits):
            missing.append(f"{kind} {'wrong' if values else 'not named'}")
    if len(right) < len(hits):
        missing.insert(0, "cause wrong or not named")
    return share, missing


def _is_near(truth: Truth, hit: Hit, value: str) -> bool:
    """Whether an onset, as HH:MM or as a moment, is within ten minutes."""
    onset = truth.world.scenario.start + hit.fault.start
    try:
        if len(value) == 5:
            hour, minute = value.split(":")
            at = onset.replace(hour=int(hour), minute=int(minute))
        else:
            at = parse_moment(value)
    except ValueError:
        return False
    return abs(at - onset) <= 10 * MINUTE


def _is_proved(play: Play, incident: Incident) -> bool:
    """Whether a case fails as it was and passes with what the postmortem automates.

    A false alarm needs none: its cause named is the case. In a shift the night itself is the case
    where the catalogue's replay of the symptom is not enough.
    """
    items = read_action_items(incident.postmortem or "")
    names = [item.automates for item in items if item.automates]
    if any(not MITIGATIONS[name].reversible for name in names):
        return False
    if truth := play.truth:
        causes = {event.get("value") for event in play.all("learn") if event.get("kind") == "cause"}
        hits = [hit for hit in truth.world.hits if causes & set(_names(hit))]
        for hit in hits:
            if not hit.cause.is_ours or symptom_of(hit.cause.symptom) not in RUNBOOKS:
                return True
            caught = [_catch(hit, Step(name, "", 0, 0)) for name in names if hit.helps(name, "")]
            aimed = [s for s in play.steps if s.mitigation in names]
            caught += [_catch(hit, step) for step in aimed]
            if max(caught, default=0.0) >= 0.9:
                return True
    try:
        case = to_eval_case(incident)
        return prove(case, incident, items).passed
    except ValueError:
        return False


def _lint(incidents: Sequence[Incident]) -> list[str]:
    """What the lint finds in the postmortems, and the sections that say nothing."""
    found: list[str] = []
    for incident in incidents:
        if incident.events_of("false_alarm"):
            continue
        text = incident.postmortem
        if text is None:
            found += ["a postmortem that is not there"] * 3
            continue
        findings = lint_postmortem(text, whole=True)
        found += [repr(finding.phrase) for finding in findings]
        missing = {finding.phrase for finding in findings if finding.rule == "missing-section"}
        empty = [name for name in WRITTEN if name not in missing and _says_nothing(text, name)]
        found += [f"{name} (empty)" for name in empty]
    return found


def _says_nothing(text: str, section: str) -> bool:
    """Whether a section holds fewer than four words."""
    body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0].strip()
    return body == "Nothing recorded." or len(body.split()) < WORDS


# --- the dimensions, in the order in which they are told -----------------------------------------

JUDGES: dict[str, tuple[int, Callable[[Play], Judgement | None]]] = {
    "answer": (10, _answer),
    "severity": (10, _severity),
    "diagnosis": (15, _diagnosis),
    "harm": (30, _harm),
    "safety": (15, _safety),
    "communication": (10, _communication),
    "learning": (10, _learning),
}
"""The dimensions of a score: how many points each is worth, and who judges it."""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
