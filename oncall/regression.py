"""Regression cases: an incident as a test that fails before the fix and passes after it.

A replay case puts the fault back in and waits for the page and for the SLI. A prompt case asks the
question that went wrong again. Both are one JSON object in a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from oncall.alerting import AlertEvaluator, BurnRule, google_policy
from oncall.catalogue import RUNBOOKS, known_mitigation, known_symptom
from oncall.incident import Incident, checked_text
from oncall.mock_system import MockSystem
from oncall.postmortem import ActionItem
from oncall.runbook import is_healthy
from oncall.slo import SLO, exact, exact_ratio, percent, slo_from_record, slo_to_record
from oncall.times import DAY, MINUTE, duration_text, positive

VERSION = 1
QUIET = 3 * DAY  # of clean traffic before the fault: longer than any window of a rule that pages
REQUESTS = (
    1_000_000  # a minute, in a replay: enough that rounding to whole requests decides nothing
)
Answer = (
    str | tuple[str, timedelta]
)  # what a system said, and how long it took if that was measured
Ask = Callable[[str], Answer]


@dataclass(frozen=True)
class ReplayCase:
    """An incident as a test: fault in → page within ``page_within`` → SLI at target within ``restore_within``.

    Both are counted from the fault and are above zero. ``error_ratio``, above 0, is the share of
    requests that fail before any mitigation. Only what is automated mitigates.
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
        if not exact_ratio(self.error_ratio, "error_ratio"):  # nan too
            raise ValueError(
                f"error_ratio must be above 0 and at most 1, given {self.error_ratio!r}"
            )
        positive(self.page_within, "page_within")
        positive(self.restore_within, "restore_within")


@dataclass(frozen=True)
class PromptCase:
    """A question that was once answered badly, as a test on what comes back.

    The answer must hold every text of ``must_contain`` and none of ``must_not_contain``, whatever
    their case, and take no longer than ``max_latency``. With neither list any answer would pass, so
    that is a ``ValueError``.
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
                "a prompt case needs must_contain or must_not_contain, else any answer passes"
            )
        if self.max_latency is not None:
            positive(self.max_latency, "max_latency")


Case = ReplayCase | PromptCase


@dataclass(frozen=True)
class Verdict:
    """Whether a case passed, and why; for a replay also when it paged and when the SLI was back."""

    case: str
    passed: bool
    why: str
    paged_after: timedelta | None = None
    restored_after: timedelta | None = None


def _texts(values: Iterable[str], name: str) -> tuple[str, ...]:
    """The values as a tuple; one text by itself is refused, for it would be read letter by letter."""
    texts = () if isinstance(values, str) else tuple(values)
    if isinstance(values, str) or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(
            f"{name} must be a list of texts, given {values!r}; give e.g. ['one', 'two']"
        )
    return texts


# --- from an incident ----------------------------------------------------------------------------


def to_eval_case(
    incident: Incident,
    *,
    page_within: timedelta | None = None,
    restore_within: timedelta | None = None,
) -> ReplayCase:
    """The incident as a replay case.

    The error ratio is the worst that the incident's measures show. ``page_within`` is the earliest
    page's detection time at that ratio, rounded up to a minute, plus one, unless given;
    ``restore_within`` adds the settle times of the symptom's runbook and one minute more: what a
    machine needs that does at once what people did. It stays below what the incident took as
    recorded, for a longer one would prove nothing. A ``ValueError`` when nothing was measured; and,
    unless both limits are given, when no page rule sees such a fault, nothing in the runbook
    restores it, or people were quicker than a page and any automation after it.
    """
    symptom, slo, error_ratio = (
        known_symptom(incident.symptom),
        incident.slo,
        _worst_error_ratio(incident),
    )
    if page_within is None or restore_within is None:
        page = _detection_time(slo, error_ratio) + MINUTE
        page_within = page if page_within is None else positive(page_within, "page_within")
        if restore_within is None:
            restore_within = _restore_within(incident, error_ratio, max(page, page_within))
    return ReplayCase(
        f"regression-{incident.id}", symptom, slo, error_ratio, page_within, restore_within
    )


def _restore_within(incident: Incident, error_ratio: float, page: timedelta) -> timedelta:
    """What the runbook, automated, needs after the page, but less than people took."""
    mitigations, impact = RUNBOOKS[incident.symptom].mitigations, incident.metrics().impact
    names = [mitigation.name for mitigation in mitigations]
    parts = [part for size in range(len(names) + 1) for part in combinations(names, size)]
    replays = [
        _page_and_restore(incident.symptom, incident.slo, error_ratio, part)[1] for part in parts
    ]
    soonest = min((restored for restored in replays if restored is not None), default=None)
    if soonest is None:
        failing = percent(error_ratio, 3)
        raise ValueError(f"nothing in the runbook of {incident.symptom} restores {failing} failing")
    if impact is not None and impact <= soonest:
        raise ValueError(
            f"no automation is quicker than people were: they took {duration_text(impact)}, and a page and any "
            f"automation take at least {duration_text(soonest)}; a longer restore_within gates the automations, but "
            f"proves nothing about {incident.id}"
        )
    limit = page + sum((mitigation.settle for mitigation in mitigations), MINUTE)
    return limit if impact is None else min(limit, max(soonest, impact - MINUTE))


def to_prompt_case(
    incident: Incident,
    *,
    must_contain: Iterable[str] = (),
    must_not_contain: Iterable[str] = (),
    max_latency: timedelta | None = None,
) -> PromptCase:
    """The incident's recorded sample as a prompt case; without a sample or a demand, a ``ValueError``."""
    must, must_not = (
        _texts(must_contain, "must_contain"),
        _texts(must_not_contain, "must_not_contain"),
    )
    return PromptCase(
        **_sample(incident), must_contain=must, must_not_contain=must_not, max_latency=max_latency
    )


def _sample(incident: Incident) -> dict[str, Any]:
    """What a prompt case takes from the record: the last sample, and an id beside the replay case's."""
    samples = [dict(event.details) for event in incident.events_of("sample")]
    if not samples:
        raise ValueError(
            f"{incident.id} holds no sample; record one with .sample(input, bad_output, good_output)"
        )
    return {"id": f"regression-{incident.id}-prompt", **samples[-1]}


def _worst_error_ratio(incident: Incident) -> float:
    measures = [(event.get("good"), event.get("total")) for event in incident.events_of("measure")]
    worst = max(((total - good) / total for good, total in measures if total), default=0.0)
    if not worst:
        raise ValueError(
            f"{incident.id} holds no measure that shows the fault; record one with .measure(good, total)"
        )
    return worst


def _detection_time(slo: SLO, error_ratio: float) -> timedelta:
    """When the first page comes at this error ratio, rounded up to a whole minute."""
    times = [
        time
        for rule in _page_rules(slo)
        if (time := rule.detection_time(slo, error_ratio)) is not None
    ]
    if not times:
        raise ValueError(
            f"no page rule sees {percent(error_ratio, 3)} failing at a target of {percent(slo.target)}"
        )
    return -(-min(times) // MINUTE) * MINUTE


def _page_rules(slo: SLO) -> tuple[BurnRule, ...]:
    return tuple(rule for rule in google_policy(slo.period) if rule.action == "page")


# --- running and proving -------------------------------------------------------------------------


def replay(case: ReplayCase, automated: Iterable[str] = ()) -> Verdict:
    """Put the fault into a healthy service and see whether it is paged and restored in time.

    The service has had three days of clean traffic, counted by the minute. Automated mitigations
    begin with the page, in the runbook's order, and each takes its settle time.
    """
    wanted = {known_mitigation(name) for name in _texts(automated, "automated")}
    return _verdict(case, *_page_and_restore(case.symptom, case.slo, case.error_ratio, wanted))


def _page_and_restore(
    symptom: str, slo: SLO, error_ratio: float, automated: Collection[str]
) -> tuple[timedelta | None, timedelta | None]:
    """When the fault is paged and when the SLI is back, ``None`` for never."""
    system = MockSystem(symptom, failing=error_ratio)
    paged = elapsed = _paged_after(system.sli, slo)
    restored = MINUTE if is_healthy(system, slo) else None
    for mitigation in RUNBOOKS[symptom].mitigations:
        if elapsed is not None and restored is None and mitigation.name in automated:
            system.apply(mitigation.name)
            elapsed += mitigation.settle
            restored = elapsed if is_healthy(system, slo) else None
    return paged, restored


@cache  # the same for every set of automations
def _paged_after(sli: float, slo: SLO) -> timedelta | None:
    """When the first page comes at this SLI; ``None`` when three days bring none, for then none ever comes."""
    evaluator, good = AlertEvaluator(slo, _page_rules(slo), MINUTE), round(exact(sli) * REQUESTS)
    for _ in range(QUIET // MINUTE):
        evaluator.observe(REQUESTS, REQUESTS)
    minutes = range(1, QUIET // MINUTE + 1)
    return next((minute * MINUTE for minute in minutes if evaluator.observe(good, REQUESTS)), None)


def _verdict(case: ReplayCase, paged: timedelta | None, restored: timedelta | None) -> Verdict:
    problems = [
        f"not {what} within {duration_text(within)}"
        + ("" if after is None else f" but after {duration_text(after)}")
        for what, after, within in (
            ("paged", paged, case.page_within),
            ("restored", restored, case.restore_within),
        )
        if after is None or after > within
    ]
    why = (
        "; ".join(problems)
        or f"paged after {duration_text(paged)}, restored after {duration_text(restored)}"
    )
    return Verdict(case.id, not problems, why, paged, restored)


def prove(case: Case, incident: Incident, action_items: Iterable[ActionItem] = ()) -> Verdict:
    """Whether the case proves the fix: what was recorded fails it, the system with the fix passes.

    For a replay case the fix is what the action items automate, and nothing else may differ: the
    case must be the one that follows from the incident. For a prompt case the recorded bad output
    must fail and the recorded good one pass.
    """
    if isinstance(case, PromptCase):
        expected: Case = replace(case, **_sample(incident))
    else:
        expected = to_eval_case(
            incident, page_within=case.page_within, restore_within=case.restore_within
        )
    if differs := [name for name, value in vars(expected).items() if getattr(case, name) != value]:
        return Verdict(
            case.id,
            False,
            f"not proved: the case differs from {incident.id} in {', '.join(differs)}",
        )
    if isinstance(case, PromptCase):
        return _told_apart(case)
    automated = [item.automates for item in action_items if item.automates]
    if foreign := [
        name
        for name in automated
        if name not in {m.name for m in RUNBOOKS[case.symptom].mitigations}
    ]:
        return Verdict(
            case.id, False, f"not proved: {', '.join(foreign)} is no mitigation of {case.symptom}"
        )
    recorded = incident.metrics()
    if _verdict(case, recorded.ttd, recorded.impact).passed:
        return Verdict(
            case.id,
            False,
            "not proved: the incident as recorded passes; give a shorter restore_within",
        )
    return _fail_to_pass(case, automated)


def _fail_to_pass(case: ReplayCase, automated: Sequence[str]) -> Verdict:
    before, after = replay(case), replay(case, automated)
    if before.passed:
        return replace(before, passed=False, why="not proved: it passes with nothing automated")
    if not after.passed:
        return replace(
            after,
            why=f"not proved: with {', '.join(automated) or 'nothing'} automated, {after.why}",
        )
    return replace(after, why=f"proved: without the fix, {before.why}; with it, {after.why}")


def judge_answer(case: PromptCase, answer: Answer) -> Verdict:
    """Whether an answer meets a prompt case; what is no answer fails. A latency demanded but unknown is not met."""
    text, latency = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(text, str) or not isinstance(latency, timedelta | None):
        given = " ".join(repr(answer).split())[:60]
        return Verdict(
            case.id, False, f"answer= must return a text, or a text and a timedelta; given {given}"
        )
    said = text.casefold()
    problems = [
        f"{wanted!r} is missing" for wanted in case.must_contain if wanted.casefold() not in said
    ]
    problems += [
        f"{banned!r} is there" for banned in case.must_not_contain if banned.casefold() in said
    ]
    if case.max_latency is not None and (latency is None or latency > case.max_latency):
        problems.append(
            f"latency {duration_text(latency)}, {duration_text(case.max_latency)} allowed"
        )
    return Verdict(case.id, not problems, "; ".join(problems) or "the answer meets every demand")


def _told_apart(case: PromptCase) -> Verdict:
    """Whether the case fails on the recorded bad output and passes on the good one; latency was not recorded."""
    outputs = (case.bad_output, case.good_output)
    bad, good = (judge_answer(replace(case, max_latency=None), output) for output in outputs)
    if bad.passed:
        return replace(
            bad,
            passed=False,
            why="not proved: the recorded bad output passes; demand what it lacks",
        )
    if not good.passed:
        return replace(good, why=f"not proved: the recorded good output fails: {good.why}")
    return replace(good, why="proved: the recorded bad output fails, the good one passes")


# --- the gate ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    """The verdict on a whole set of cases; true where it passed, so that ``assert gate("evals")`` works."""

    passed: bool
    verdicts: tuple[Verdict, ...]

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{'pass' if v.passed else 'FAIL'}  {v.case}: {v.why}" for v in self.verdicts]
        return "\n".join(lines or ["FAIL  no case was found"])

    __repr__ = __str__  # what pytest shows of a failed assert


def gate(
    paths: str | Path | Iterable[str | Path],
    *,
    automated: Iterable[str] = (),
    answer: Ask | None = None,
) -> Gate:
    """Run every case in these files and folders; the gate passes when each is proved and passes.

    ``automated`` names the mitigations that the system applies by itself, ``answer`` asks the system
    a prompt: the one way to run prompt cases. A case that cannot fail, one that stands twice, a file
    that is no case, an answer that raises, and an empty set all fail the gate.
    """
    automated = tuple(map(known_mitigation, _texts(automated, "automated")))
    files = [
        file
        for path in ([paths] if isinstance(paths, str | Path) else paths)
        for file in _case_files(Path(path))
    ]
    verdicts = [_gate_case(file, automated, answer) for file in files]
    cases = [verdict.case for verdict in verdicts]
    verdicts = [_standing_once(verdict, cases.count(verdict.case)) for verdict in verdicts]
    return Gate(bool(verdicts) and all(verdict.passed for verdict in verdicts), tuple(verdicts))


def _case_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def _gate_case(file: Path, automated: tuple[str, ...], answer: Ask | None) -> Verdict:
    try:
        case = load_case(file)
    except (OSError, ValueError) as error:
        return Verdict(str(file), False, str(error).removeprefix(f"{file} "))
    if isinstance(case, ReplayCase):
        return _fail_to_pass(case, automated)
    if answer is None:
        why = "a prompt case runs from a test: gate(paths, answer=ask), where ask(prompt) asks your system"
        return Verdict(case.id, False, why)
    proof = _told_apart(case)
    return _ask(case, answer) if proof.passed else proof


def _ask(case: PromptCase, answer: Ask) -> Verdict:
    try:
        return judge_answer(case, answer(case.input))
    except Exception as error:  # whatever happens in there, the other cases still run
        return Verdict(
            case.id, False, " ".join(f"answer= raised {type(error).__name__}: {error}".split())
        )


def _standing_once(verdict: Verdict, times: int) -> Verdict:
    if times == 1:
        return verdict
    return replace(
        verdict, passed=False, why=f"stands {times} times; give each case an id of its own"
    )


# --- as JSON -------------------------------------------------------------------------------------


def save_case(case: Case, path: str | Path) -> None:
    """Write a case as one JSON object, in a folder that is made if need be; ``load_case`` gives the same case back."""
    record = {
        "case": "replay" if isinstance(case, ReplayCase) else "prompt",
        "version": VERSION,
        **vars(case),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=_to_json)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text + "\n", encoding="utf-8")


def _to_json(value: SLO | timedelta) -> Any:
    return slo_to_record(value) if isinstance(value, SLO) else value.total_seconds()


def load_case(path: str | Path) -> Case:
    """The case in a file; anything else is a ``ValueError`` that names the file and what is wrong."""
    try:
        return _from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is not a case: {error}") from None


def _from_json(record: Any) -> Case:
    """The case in a record; lengths of time are in seconds."""
    if not isinstance(record, dict):
        raise ValueError(f"it must be a JSON object, given {record!r:.40}")
    kind, version = record.pop("case", None), record.pop("version", None)
    if version != VERSION:
        raise ValueError(
            f"written in version {version!r}; this oncall reads version {VERSION}: upgrade it"
        )
    for name in ("page_within", "restore_within", "max_latency"):
        if record.get(name) is not None:
            record[name] = timedelta(seconds=record[name])
    if kind == "replay":
        return ReplayCase(**record | {"slo": slo_from_record(record.get("slo"))})
    if kind == "prompt":
        return PromptCase(**record)
    raise ValueError(f"unknown kind {kind!r}; known are replay, prompt")
