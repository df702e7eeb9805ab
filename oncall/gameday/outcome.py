"""The judges of what came of it: severity, diagnosis, harm and what was learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oncall.catalogue import RUNBOOKS, symptom_of
from oncall.gameday.conduct import GRACE, WORDS
from oncall.gameday.play import Judgement, Play, catch, names_of, sentence
from oncall.gameday.truth import Step, Truth
from oncall.gameday.world import Hit
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import SECTIONS, measured, read_action_items
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import prove, to_eval_case
from oncall.times import MINUTE, duration_text, parse_moment

HINT = 0.2  # what one costs of the diagnosis
WRITTEN = SECTIONS[4:9]  # the sections that people write; the others follow from the journal


# --- severity ------------------------------------------------------------------------------------


def severity(play: Play) -> Judgement | None:
    """The share of the time in which it was the table's.

    One off counts half, and so does what could be read while the truth was another.
    """
    if play.truth is None:
        return _severity_by_reference(play)
    end = (play.end - play.truth.world.scenario.start) // MINUTE
    first = (play.start - play.truth.world.scenario.start) // MINUTE + GRACE
    first = max(0, min(first, end))
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


def diagnosis(play: Play) -> Judgement | None:
    """Whether each cause was suspected, in time and after a reading that tells."""
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
    names = {word for hit in hits.values() for word in names_of(hit)}
    wrong = [name for name in _suspects(play) if name not in names]
    if wrong:
        reasons.append(f"wrong: {', '.join(wrong)}")
    if hints := [e for e in play.all("look") if e.get("reading") == "hint"]:
        reasons.append(f"{len(hints)} hint{'s' if len(hints) > 1 else ''} taken")
    share = sum(shares) / len(shares) - 0.3 * len(wrong) - HINT * len(hints)
    return share, sentence("; ".join(reasons))


def _suspects(play: Play) -> list[str]:
    return list(dict.fromkeys(event.get("cause") for event in play.all("suspect")))


def _name(hit: Hit) -> str:
    return hit.cause.name


def _right(play: Play, hit: Hit) -> Judgement:
    """Whether a cause was suspected, after a telling reading, and before its cure."""
    named = [e for e in play.all("suspect") if e.get("cause") in names_of(hit)]
    if not named:
        return 0, "the cause was never suspected"
    at, share, why = named[0].at, 1.0, "suspected in time"
    if not any(_tells(e.get("reading"), hit) for e in play.all("look") if e.at <= at):
        share, why = share / 2, "suspected without a reading that tells"
    cure = next((s for s in play.steps if catch(hit, s) >= 0.5), None)
    if cure and play.truth and cure.applied < play.truth.minute(named[0]):
        share, why = share / 2, f"suspected after {cure.mitigation}, which cures it"
    return share, why


def _tells(reading: str, hit: Hit) -> bool:
    words = reading.partition(" in ")[0]
    words = "errors by outcome" if words == "errors" else words
    telling = ["errors by outcome" if one == "errors" else one for one in hit.cause.telling]
    return words in telling or (hit.cause.telling == ("errors",) and words.startswith("errors"))


# --- harm ----------------------------------------------------------------------------------------


def harm(play: Play) -> Judgement | None:
    """The budgets burned, between par and nobody; without the truth, by what was counted."""
    if play.truth and play.truth.is_quiet and play.steps:
        return 0, "Nothing burned until something was done about it."
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


# --- learning ------------------------------------------------------------------------------------


def learning(play: Play) -> Judgement:
    """Cause, segment, trigger and onset in the postmortem's fields, its lint, the case proved."""
    ended = [one for one in play.incidents if one.state == "closed"]
    if not ended:
        return 0, "No incident was closed."
    share, missing = _facts(play)
    proved = any(_is_proved(play, incident) for incident in ended)
    share += 0.25 * proved
    if not proved:
        missing.append("nothing is automated that proves a case or mends the same night")
    findings = _lint(ended)
    if findings:
        missing.append(f"the lint or the reader asks about {', '.join(findings[:3])}")
    share *= max(0.0, 1 - 0.1 * len(findings))
    all_named = "all is named, and the same night with what is automated is well, or needs nothing"
    return share, sentence("; ".join(missing) or all_named)


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
    right = [hit for hit in hits if names & set(names_of(hit))]
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
        hits = [hit for hit in truth.world.hits if causes & set(names_of(hit))]
        for hit in hits:
            if not hit.cause.is_ours or symptom_of(hit.cause.symptom) not in RUNBOOKS:
                return True
            caught = [catch(hit, Step(name, "", 0, 0)) for name in names if hit.helps(name, "")]
            aimed = [s for s in play.steps if s.mitigation in names]
            caught += [catch(hit, step) for step in aimed]
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
