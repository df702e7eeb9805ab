"""Regression cases: an incident as a test that fails before the fix and passes after it.

A replay case injects the fault again and waits for the page and for the SLI to recover. A prompt
case asks the question that went wrong again. Both are one JSON object in a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from oncall.alerting import AlertEvaluator, BurnRule, google_policy
from oncall.catalogue import RUNBOOKS, known_mitigation, known_symptom, symptom_of
from oncall.checks import checked_text
from oncall.files import error_text, read_json, write_text
from oncall.incident import Incident
from oncall.mock_system import MockSystem
from oncall.postmortem import ActionItem
from oncall.runbook import is_healthy
from oncall.slo import SLO, exact, exact_ratio, percent, slo_from_record, slo_to_record
from oncall.times import DAY, MINUTE, duration_text, positive

VERSION = 1
WARM_UP = 3 * DAY  # of clean traffic before the fault: longer than any window of a page rule
REQUESTS = 1_000_000  # per minute in a replay: so many that rounding to whole ones does not matter
Answer = str | tuple[str, timedelta]  # a system's output, and its latency if that was measured
Ask = Callable[[str], Answer]
Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class ReplayCase:
    """An incident as a test: after the fault, a page must come and the SLI be back at its target.

    The limits ``page_within`` and ``restore_within`` are above zero and count from the fault.
    ``error_ratio``, above 0, is the share of requests that fail before any mitigation. Nothing
    mitigates but what is automated.
    """

    id: str
    symptom: str
    slo: SLO
    error_ratio: float
    page_within: timedelta
    restore_within: timedelta

    def __post_init__(self) -> None:
        checked_text(self.id, "id", blank=True)
        known_symptom(self.symptom)
        if not exact_ratio(self.error_ratio, "error_ratio"):  # nan is None, and not above 0 either
            raise ValueError(f"error_ratio must be above 0, up to 1, given {self.error_ratio!r}")
        positive(self.page_within, "page_within")
        positive(self.restore_within, "restore_within")


@dataclass(frozen=True)
class PromptCase:
    """A question that was once answered badly, as a test of the answer.

    The answer must contain every text of ``must_contain`` and none of ``must_not_contain``, in
    upper or lower case, and take no longer than ``max_latency``. If both lists are empty, any
    answer would pass, so that is a ``ValueError``.
    """

    id: str
    input: str
    bad_output: str
    good_output: str
    must_contain: tuple[str, ...] = ()
    must_not_contain: tuple[str, ...] = ()
    max_latency: timedelta | None = None

    def __post_init__(self) -> None:
        for name in ("id", "input", "bad_output", "good_output"):
            checked_text(getattr(self, name), name, blank=True)
        for name in ("must_contain", "must_not_contain"):
            object.__setattr__(self, name, _texts(getattr(self, name), name))
        if not (self.must_contain or self.must_not_contain):
            raise ValueError(
                "give must_contain or must_not_contain; without either, any answer passes"
            )
        if self.max_latency is not None:
            positive(self.max_latency, "max_latency")


Case = ReplayCase | PromptCase


@dataclass(frozen=True)
class Verdict:
    """Whether a case passed, and why; for a replay also the times to the page and to recovery."""

    case: str
    passed: bool
    why: str
    paged_after: timedelta | None = None
    restored_after: timedelta | None = None


def _texts(values: Iterable[str], name: str) -> tuple[str, ...]:
    """The texts as a tuple; a bare string is refused: it would be read as single letters."""
    texts = None if isinstance(values, str) else tuple(values)
    if texts is None or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"{name} must be a list of texts, given {values!r}; give e.g. ['a', 'b']")
    return texts


# --- from an incident ----------------------------------------------------------------------------


def to_eval_case(
    incident: Incident,
    *,
    page_within: timedelta | None = None,
    restore_within: timedelta | None = None,
) -> ReplayCase:
    """The incident as a replay case, with the worst error ratio that its measures show.

    ``page_within``, unless given, is the time at which the first page rule fires at that ratio,
    rounded up to a minute, plus one minute. ``restore_within``, unless given, adds the settle times
    of the symptom's runbook and another minute: what a machine needs that does at once what people
    did. It stays below the time that people took: a case that the recorded incident passes proves
    nothing. It is a ``ValueError`` if nothing was measured, and, unless both limits are given, if
    no page rule sees the fault, nothing in the runbook restores it, or people were quicker.
    """
    symptom, slo = known_symptom(symptom_of(incident.cause, incident.symptom)), incident.slo
    ratio = _worst_error_ratio(incident)
    if page_within is None or restore_within is None:
        page = _detection_time(slo, ratio) + MINUTE
        page_within = page if page_within is None else positive(page_within, "page_within")
        if restore_within is None:
            restore_within = _restore_within(incident, ratio, max(page, page_within))
    name = f"regression-{incident.id}"
    return ReplayCase(name, symptom, slo, ratio, page_within, restore_within)


def _worst_error_ratio(incident: Incident) -> float:
    measures = [(event.get("good"), event.get("total")) for event in incident.events_of("measure")]
    worst = max(((total - good) / total for good, total in measures if total), default=0.0)
    if not worst:
        missing = f"{incident.id} holds no measure that shows the fault"
        raise ValueError(f"{missing}; record one with .measure(good, total)")
    return worst


def _detection_time(slo: SLO, error_ratio: float) -> timedelta:
    """The time from the fault to its first page at this error ratio, rounded up to a minute."""
    times = [rule.detection_time(slo, error_ratio) for rule in _page_rules(slo)]
    earliest = min((time for time in times if time is not None), default=None)
    if earliest is None:
        fault = f"{percent(error_ratio, 3)} failing at a target of {percent(slo.target)}"
        raise ValueError(f"no page rule sees {fault}")
    return math.ceil(earliest / MINUTE) * MINUTE


def _page_rules(slo: SLO) -> tuple[BurnRule, ...]:
    return tuple(rule for rule in google_policy(slo.period) if rule.action == "page")


def _restore_within(incident: Incident, error_ratio: float, page: timedelta) -> timedelta:
    """The limit for recovery: the page, then the whole runbook, or less where people took less."""
    symptom = symptom_of(incident.cause, incident.symptom)
    mitigations = RUNBOOKS[symptom].mitigations
    # Of this case only the replay matters, and not the limits.
    fault = ReplayCase(incident.id, symptom, incident.slo, error_ratio, page, page)
    soonest, impact = _soonest_restored(fault), incident.metrics().impact
    if impact is not None and impact <= soonest:
        raise ValueError(
            f"no automation is quicker than people were: they took {duration_text(impact)}, and a "
            f"page and any automation take at least {duration_text(soonest)}; a longer "
            f"restore_within gates the automations, but proves nothing about {incident.id}"
        )
    limit = page + sum((mitigation.settle for mitigation in mitigations), MINUTE)
    return limit if impact is None else min(limit, max(soonest, impact - MINUTE))


def _soonest_restored(fault: ReplayCase) -> timedelta:
    """The shortest time from a fault to recovery, over every part of the runbook, automated.

    All subsets of the runbook's mitigations are replayed, at most 32: some mitigations help only
    together, and each that is not needed costs its settle time.
    """
    names = [mitigation.name for mitigation in RUNBOOKS[fault.symptom].mitigations]
    subsets = chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))
    times = [replay(fault, subset).restored_after for subset in subsets]
    soonest = min((time for time in times if time is not None), default=None)
    if soonest is None:
        failing = f"{percent(fault.error_ratio, 3)} failing"
        raise ValueError(f"nothing in the runbook of {fault.symptom} restores {failing}")
    return soonest


def to_prompt_case(
    incident: Incident,
    *,
    must_contain: Iterable[str] = (),
    must_not_contain: Iterable[str] = (),
    max_latency: timedelta | None = None,
) -> PromptCase:
    """The incident's last sample as a prompt case; a ``ValueError`` if it has none."""
    demands: dict[str, Any] = {"must_contain": must_contain, "must_not_contain": must_not_contain}
    return PromptCase(**_sample(incident), **demands, max_latency=max_latency)


def _sample(incident: Incident) -> dict[str, Any]:
    """The fields of a prompt case that the record decides: its id, and the last sample."""
    samples = [dict(event.details) for event in incident.events_of("sample")]
    if not samples:
        advice = "record one with .sample(input, bad_output, good_output)"
        raise ValueError(f"{incident.id} holds no sample; {advice}")
    return {"id": f"regression-{incident.id}-prompt", **samples[-1]}


# --- running and proving -------------------------------------------------------------------------


def replay(case: ReplayCase, automated: Iterable[str] = ()) -> Verdict:
    """Inject the fault into a healthy service, and see whether it is paged and restored in time.

    Before the fault there are three days of clean traffic, in buckets of a minute. The automated
    mitigations begin at the page, in the runbook's order, and each takes its settle time.
    """
    names = {known_mitigation(name) for name in _texts(automated, "automated")}
    system = MockSystem(case.symptom, failing=case.error_ratio)
    paged = elapsed = _paged_after(system.sli, case.slo)
    restored = MINUTE if is_healthy(system, case.slo) else None
    for mitigation in RUNBOOKS[case.symptom].mitigations:
        if elapsed is not None and restored is None and mitigation.name in names:
            system.apply(mitigation.name)
            elapsed += mitigation.settle
            restored = elapsed if is_healthy(system, case.slo) else None
    return _verdict(case, paged, restored)


@cache  # the same for every set of automations
def _paged_after(sli: float, slo: SLO) -> timedelta | None:
    """The time to the first page at this SLI; ``None`` if none comes in three days, or ever."""
    evaluator, good = AlertEvaluator(slo, _page_rules(slo), MINUTE), round(exact(sli) * REQUESTS)
    for _ in range(WARM_UP // MINUTE):
        evaluator.observe(REQUESTS, REQUESTS)
    minutes = range(1, WARM_UP // MINUTE + 1)
    return next((minute * MINUTE for minute in minutes if evaluator.observe(good, REQUESTS)), None)


def _verdict(case: ReplayCase, paged: timedelta | None, restored: timedelta | None) -> Verdict:
    """Whether these times keep the limits of the case."""
    problems = []
    limits = (("paged", paged, case.page_within), ("restored", restored, case.restore_within))
    for what, after, within in limits:
        if after is None or after > within:
            late = "" if after is None else f" but after {duration_text(after)}"
            problems.append(f"not {what} within {duration_text(within)}{late}")
    times = f"paged after {duration_text(paged)}, restored after {duration_text(restored)}"
    return Verdict(case.id, not problems, "; ".join(problems) or times, paged, restored)


def prove(case: Case, incident: Incident, action_items: Iterable[ActionItem] = ()) -> Verdict:
    """Whether the case proves the fix: it fails on what was recorded and passes with the fix.

    The case must be the one that follows from the incident. For a replay case the fix is what the
    action items automate. For a prompt case the recorded bad output must fail and the recorded good
    one pass.
    """
    if isinstance(case, PromptCase):
        expected: Case = replace(case, **_sample(incident))
    else:
        limits = {"page_within": case.page_within, "restore_within": case.restore_within}
        expected = to_eval_case(incident, **limits)
    differing = [name for name, value in vars(expected).items() if getattr(case, name) != value]
    if differing:
        return _not_proved(case, f"the case differs from {incident.id} in {', '.join(differing)}")
    if isinstance(case, PromptCase):
        return _prove_prompt(case)
    automated = [item.automates for item in action_items if item.automates]
    mitigations = {mitigation.name for mitigation in RUNBOOKS[case.symptom].mitigations}
    foreign = [name for name in automated if name not in mitigations]
    if foreign:
        return _not_proved(case, f"{', '.join(foreign)} is no mitigation of {case.symptom}")
    recorded = incident.metrics()
    if _verdict(case, recorded.ttd, recorded.impact).passed:
        return _not_proved(case, "the incident as recorded passes; give a shorter restore_within")
    return _prove_replay(case, automated)


def _not_proved(case: Case, why: str) -> Verdict:
    return Verdict(case.id, False, f"not proved: {why}")


def _prove_replay(case: ReplayCase, automated: Sequence[str]) -> Verdict:
    """Whether the case fails without these automations and passes with them."""
    before, after = replay(case), replay(case, automated)
    if before.passed:
        return replace(before, passed=False, why="not proved: it passes with nothing automated")
    if not after.passed:
        names = ", ".join(automated) or "nothing"
        return replace(after, why=f"not proved: with {names} automated, {after.why}")
    return replace(after, why=f"proved: without the fix, {before.why}; with it, {after.why}")


def _prove_prompt(case: PromptCase) -> Verdict:
    """Whether the case fails on the recorded bad output and passes on the good one."""
    any_latency = replace(case, max_latency=None)  # none was recorded
    good = judge_answer(any_latency, case.good_output)
    if judge_answer(any_latency, case.bad_output).passed:
        return _not_proved(case, "the recorded bad output passes; demand what it lacks")
    if not good.passed:
        return _not_proved(case, f"the recorded good output fails: {good.why}")
    return Verdict(case.id, True, "proved: the recorded bad output fails, the good one passes")


def judge_answer(case: PromptCase, answer: Answer) -> Verdict:
    """Whether an answer meets a prompt case.

    Anything but an answer fails; so does an unknown latency where one is demanded.
    """
    text, latency = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(text, str) or not isinstance(latency, timedelta | None):
        given = " ".join(repr(answer).split())[:60]
        wanted = "answer= must return a text, or a text and a timedelta"
        return Verdict(case.id, False, f"{wanted}; given {given}")
    text = text.casefold()
    missing = [wanted for wanted in case.must_contain if wanted.casefold() not in text]
    present = [banned for banned in case.must_not_contain if banned.casefold() in text]
    problems = [f"{wanted!r} is missing" for wanted in missing]
    problems += [f"{banned!r} is there" for banned in present]
    limit = case.max_latency
    if limit is not None and (latency is None or latency > limit):
        problems.append(f"latency {duration_text(latency)}, {duration_text(limit)} allowed")
    return Verdict(case.id, not problems, "; ".join(problems) or "the answer meets every demand")


# --- the gate ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    """The verdict on a whole set of cases; it is true if all passed: ``assert gate("evals")``."""

    passed: bool
    verdicts: tuple[Verdict, ...]

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{'pass' if v.passed else 'FAIL'}  {v.case}: {v.why}" for v in self.verdicts]
        return "\n".join(lines or ["FAIL  no case was found"])

    __repr__ = __str__  # what pytest shows of a failed assert


def gate(paths: Paths, *, automated: Iterable[str] = (), answer: Ask | None = None) -> Gate:
    """Run every case in these files and folders; the gate passes if each is proved and passes.

    ``automated`` names the mitigations that the system applies by itself. ``answer`` asks the
    system a prompt; without it, prompt cases fail. A case that cannot fail, two with one id, a file
    that holds no case, an answer that raises, and an empty set all fail the gate.
    """
    automated = tuple(map(known_mitigation, _texts(automated, "automated")))
    roots = [paths] if isinstance(paths, str | Path) else paths
    files = [file for root in roots for file in _case_files(Path(root))]
    verdicts = [_gate_case(file, automated, answer) for file in files]
    ids = [verdict.case for verdict in verdicts]
    verdicts = [_with_own_id(verdict, ids.count(verdict.case)) for verdict in verdicts]
    return Gate(bool(verdicts) and all(verdict.passed for verdict in verdicts), tuple(verdicts))


def _case_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*.json") if not file.is_dir())


def _gate_case(file: Path, automated: tuple[str, ...], answer: Ask | None) -> Verdict:
    try:
        case = load_case(file)
    except (OSError, ValueError) as error:
        return Verdict(str(file), False, error_text(error).removeprefix(str(file)).lstrip(" ,:"))
    if isinstance(case, ReplayCase):
        return _prove_replay(case, automated)
    if answer is None:
        how = "a prompt case runs from a test: gate(paths, answer=ask)"
        return Verdict(case.id, False, f"{how}, where ask(prompt) asks your system")
    proof = _prove_prompt(case)
    return _ask(case, answer) if proof.passed else proof


def _ask(case: PromptCase, answer: Ask) -> Verdict:
    try:
        return judge_answer(case, answer(case.input))
    except Exception as error:  # whatever happens in there, the other cases still run
        why = f"answer= raised {type(error).__name__}: {error}"
        return Verdict(case.id, False, " ".join(why.split()))


def _with_own_id(verdict: Verdict, times: int) -> Verdict:
    if times == 1:
        return verdict
    why = f"stands {times} times; give each case an id of its own"
    return replace(verdict, passed=False, why=why)


# --- as JSON -------------------------------------------------------------------------------------


def save_case(case: Case, path: str | Path) -> None:
    """Write a case to a file, as one JSON object that ``load_case`` reads; makes the folder too."""
    kind = "replay" if isinstance(case, ReplayCase) else "prompt"
    record = {"case": kind, "version": VERSION, **vars(case)}
    text = json.dumps(record, indent=2, ensure_ascii=False, default=_to_json)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text + "\n")


def _to_json(value: SLO | timedelta) -> Any:
    return slo_to_record(value) if isinstance(value, SLO) else value.total_seconds()


def load_case(path: str | Path) -> Case:
    """The case in a file; if there is none, a ``ValueError`` that names the file and the reason."""
    record = read_json(path)
    try:
        return _from_json(record)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} is not a case: {error}") from None


def _from_json(record: Any) -> Case:
    """The case in a record; lengths of time are in seconds."""
    if not isinstance(record, dict):
        raise ValueError(f"it must be a JSON object, given {record!r:.40}")
    kind, version = record.pop("case", None), record.pop("version", None)
    if version != VERSION:
        reads = f"this oncall reads version {VERSION}"
        raise ValueError(f"written in version {version!r}; {reads}: upgrade it")
    for name in ("page_within", "restore_within", "max_latency"):
        if record.get(name) is not None:
            record[name] = timedelta(seconds=record[name])
    if kind == "replay":
        return ReplayCase(**record | {"slo": slo_from_record(record.get("slo"))})
    if kind == "prompt":
        return PromptCase(**record)
    raise ValueError(f"unknown kind {kind!r}; known are replay, prompt")
