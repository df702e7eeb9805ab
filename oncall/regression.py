"""Regression cases: an incident as a test that fails before the fix and passes after it.

A replay case injects the fault again and waits for the page and for the SLI to recover. A prompt
case asks again what was answered badly, as often as it takes. Both are one JSON object in a file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from inspect import isawaitable, iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oncall.catalogue import RUNBOOKS, known_mitigation, known_symptom, symptom_of
from oncall.checks import check, check_whole, checked_text, checked_texts
from oncall.files import error_text, is_blank, one_line, read_json, write_text
from oncall.incident import Incident
from oncall.mock_system import ReplayCase as ReplayCase
from oncall.mock_system import Verdict as Verdict
from oncall.mock_system import detection_time, prove_automations, soonest_restored
from oncall.mock_system import replay as replay
from oncall.postmortem import ActionItem, worst_error_ratio
from oncall.slo import SLO, exact, percent, slo_from_record, slo_to_record
from oncall.times import MINUTE, duration_text, from_seconds, positive

if TYPE_CHECKING:
    import asyncio  # which takes a third as long as all of oncall, and only coroutines need

VERSION = 2  # of what is written; version 1, which asked once, is read too
MOST_ASKS = 1000  # of one case
Answer = str | tuple[str, timedelta]  # a system's output, and its latency if that was measured
Ask = Callable[[str], Answer | Awaitable[Answer]]
Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class PromptCase:
    """A question that was once answered badly, as a test of the answers.

    It is asked ``asks`` times, up to 1000, and passes if ``passes_needed`` answers do, all unless
    given. An answer must contain every text of ``must_contain`` and none of ``must_not_contain``,
    in upper or lower case, take no longer than ``max_latency``, and not be blank. If both lists are
    empty, any answer would pass, so that is a ``ValueError``.
    """

    id: str
    input: str
    bad_output: str
    good_output: str
    must_contain: tuple[str, ...] = ()
    must_not_contain: tuple[str, ...] = ()
    max_latency: timedelta | None = None
    asks: int = 1
    passes_needed: int | None = None

    def __post_init__(self) -> None:
        for name in ("id", "input", "bad_output", "good_output"):
            checked_text(getattr(self, name), name, blank=True)
        for name in ("must_contain", "must_not_contain"):
            object.__setattr__(self, name, checked_texts(getattr(self, name), name))
        if not (self.must_contain or self.must_not_contain):
            why = "without either, any answer passes"
            raise ValueError(f"give must_contain or must_not_contain; {why}")
        if self.max_latency is not None:
            positive(self.max_latency, "max_latency")
        check_whole(self.asks, "asks", 1, most=MOST_ASKS)
        check_whole(self._needed, "passes_needed", 1, most=self.asks)

    @property
    def _needed(self) -> int:
        return self.asks if self.passes_needed is None else self.passes_needed

    def chance(self, wrong: float) -> float:
        """The chance that a system which answers wrongly at this rate passes the case.

        The binomial distribution, in exact numbers: for k of n it is the sum, over j = 0 to n − k
        wrong answers, of C(n, j) × wrong^j × (1 − wrong)^(n − j). That takes each answer as drawn
        anew: to a system that repeats itself, n asks are one.

        >>> case = PromptCase("x", "2 + 2?", "5", "4", must_contain=["4"], asks=10, passes_needed=8)
        >>> [round(case.chance(wrong), 3) for wrong in (0.1, 0.2, 0.5)]
        [0.93, 0.678, 0.055]
        """
        rate, n = exact(wrong, "wrong"), self.asks
        check(0 <= rate <= 1, "wrong", "a rate from 0 to 1", wrong)
        failures = range(n - self._needed + 1)
        return float(sum(math.comb(n, j) * rate**j * (1 - rate) ** (n - j) for j in failures))


Case = ReplayCase | PromptCase


# --- from an incident ----------------------------------------------------------------------------


def to_eval_case(
    incident: Incident,
    *,
    page_within: timedelta | None = None,
    restore_within: timedelta | None = None,
) -> ReplayCase:
    """The incident as a replay case, with its ``postmortem.worst_error_ratio``.

    ``page_within``, unless given, is the time at which the first page rule fires at that ratio,
    rounded up to a minute, plus one minute. ``restore_within``, unless given, adds the settle times
    of the symptom's runbook and another minute: what a machine needs that does at once what people
    did. It stays below the time that people took: a case that the recorded incident passes proves
    nothing. It is a ``ValueError`` if no measure shows the fault and, unless both limits are given,
    if no page rule sees it, nothing in the runbook restores it, or people were quicker.
    """
    symptom, slo = known_symptom(symptom_of(incident.cause, incident.symptom)), incident.slo
    ratio = worst_error_ratio(incident)
    if not ratio:
        missing = f"{incident.id} holds no measure that shows the fault in five requests or more"
        raise ValueError(f"{missing}; record one with .measure(good, total)")
    if page_within is None or restore_within is None:
        page = detection_time(slo, ratio) + MINUTE
        page_within = page if page_within is None else positive(page_within, "page_within")
        if restore_within is None:
            restore_within = _restore_within(incident, ratio, max(page, page_within))
    name = f"regression-{incident.id}"
    return ReplayCase(name, symptom, slo, ratio, page_within, restore_within)


def _restore_within(incident: Incident, error_ratio: float, page: timedelta) -> timedelta:
    """The limit for recovery: the page, then the whole runbook, or less where people took less."""
    symptom = symptom_of(incident.cause, incident.symptom)
    mitigations = RUNBOOKS[symptom].mitigations
    # Of this case only the replay matters, and not the limits.
    fault = ReplayCase(incident.id, symptom, incident.slo, error_ratio, page, page)
    soonest, impact = soonest_restored(fault), incident.metrics().impact
    if impact is not None and impact <= soonest:
        raise ValueError(
            f"no automation is quicker than people were: they took {duration_text(impact)}, and a "
            f"page and any automation take at least {duration_text(soonest)}; a longer "
            f"restore_within gates the automations, but proves nothing about {incident.id}"
        )
    limit = page + sum((mitigation.settle for mitigation in mitigations), MINUTE)
    return limit if impact is None else min(limit, max(soonest, impact - MINUTE))


def to_prompt_case(
    incident: Incident,
    *,
    must_contain: Iterable[str] = (),
    must_not_contain: Iterable[str] = (),
    max_latency: timedelta | None = None,
    asks: int = 1,
    passes_needed: int | None = None,
) -> PromptCase:
    """The incident's last sample as a prompt case; a ``ValueError`` if it has none."""
    demands: dict[str, Any] = {"must_contain": must_contain, "must_not_contain": must_not_contain}
    demands |= {"max_latency": max_latency, "asks": asks, "passes_needed": passes_needed}
    return PromptCase(**_sample(incident), **demands)


def _sample(incident: Incident) -> dict[str, Any]:
    """The fields of a prompt case that the record decides: its id, and the last sample."""
    samples = [dict(event.details) for event in incident.events_of("sample")]
    if not samples:
        advice = "record one with .sample(input, bad_output, good_output)"
        raise ValueError(f"{incident.id} holds no sample; {advice}")
    return {"id": f"regression-{incident.id}-prompt", **samples[-1]}


# --- proving -------------------------------------------------------------------------------------


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
    if case.verdict(recorded.ttd, recorded.impact).passed:
        return _not_proved(case, "the incident as recorded passes; give a shorter restore_within")
    return prove_automations(case, automated)


def _not_proved(case: Case, why: str) -> Verdict:
    return Verdict(case.id, False, f"not proved: {why}")


def _prove_prompt(case: PromptCase) -> Verdict:
    """Whether the case fails on the recorded bad output and passes on the good one."""
    any_latency = replace(case, max_latency=None)  # none was recorded
    good = judge_answer(any_latency, case.good_output)
    if judge_answer(any_latency, case.bad_output).passed:
        return _not_proved(case, "the recorded bad output passes; demand what it lacks")
    if not good.passed:
        return _not_proved(case, f"the recorded good output fails: {good.why}")
    why = "proved: the recorded bad output fails, the good one passes"
    return Verdict(case.id, True, why + _only_bans(case))


def _only_bans(case: PromptCase) -> str:
    return "" if case.must_contain else "; without must_contain, an error page passes too"


def judge_answer(case: PromptCase, answer: object) -> Verdict:
    """Whether one ``Answer`` meets a prompt case.

    Anything else fails; so do a blank text and, where a latency is demanded, an unknown one.
    """
    text, latency = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(text, str) or not isinstance(latency, timedelta | None):
        given = " ".join(repr(answer).split())[:60]
        wanted = "answer= must return a text, or a text and a timedelta"
        return Verdict(case.id, False, f"{wanted}; given {given}")
    if is_blank(text):
        return Verdict(case.id, False, f"the answer is blank: {text!r:.40}")
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
        said = [("pass" if v.passed else "FAIL", f"{v.case}: {v.why}") for v in self.verdicts]
        lines = [f"{verdict}  {one_line(why)}" for verdict, why in said]
        return "\n".join(lines or ["FAIL  no case was found"])

    __repr__ = __str__  # what pytest shows of a failed assert


def gate(
    paths: Paths, *, automated: Iterable[str] = (), answer: Ask | None = None, at_once: int = 8
) -> Gate:
    """Run every case in these files and folders; the gate passes if each is proved and passes.

    ``automated`` names the mitigations that the system applies by itself. ``answer`` asks the
    system a prompt; without it, prompt cases fail. A case that cannot fail, two with one id, a file
    that holds no case, an answer that raises, and an empty set all fail the gate.

    A prompt case is asked until it cannot pass any more, and else as often as it says, also with
    its passes reached: so the rate in its verdict is the system's. If ``answer`` is a coroutine
    function, up to ``at_once`` asks, of all cases, run at the same time, and a latency is one under
    that load. Where an event loop runs, as in a notebook, that is for ``gate_async``.
    """
    check_whole(at_once, "at_once", 1)
    if any(map(iscoroutinefunction, (answer, type(answer).__call__))):
        import asyncio

        with suppress(RuntimeError):  # which says that none runs
            asyncio.get_running_loop()
            raise ValueError("an event loop runs here: write await gate_async(…), not gate(…)")
        return asyncio.run(gate_async(paths, automated=automated, answer=answer, at_once=at_once))
    found = _found(paths, automated, answer)
    for asking in found:
        while isinstance(asking, _Asking) and not asking.is_over():
            asking.ask()
    return _gate(found)


async def gate_async(
    paths: Paths, *, automated: Iterable[str] = (), answer: Ask | None = None, at_once: int = 8
) -> Gate:
    """The gate where an event loop runs: ``assert await gate_async("evals", answer=ask)``.

    It needs no threads. Whoever cancels or interrupts it ends every ask.
    """
    import asyncio

    check_whole(at_once, "at_once", 1)
    slots, found = asyncio.Semaphore(at_once), _found(paths, automated, answer)
    async with asyncio.TaskGroup() as group:
        for asking in found:
            if isinstance(asking, _Asking):
                for _ in range(asking.case.asks):
                    group.create_task(asking.ask_async(slots))
    return _gate(found)


def _found(paths: Paths, automated: Iterable[str], answer: Ask | None) -> list[_Asking | Verdict]:
    automated = tuple(map(known_mitigation, checked_texts(automated, "automated")))
    roots = [paths] if isinstance(paths, str | Path) else paths
    files = [file for root in roots for file in _case_files(Path(root))]
    return [_gate_case(file, automated, answer) for file in files]


def _case_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*.json") if not file.is_dir())


def _gate_case(file: Path, automated: Sequence[str], answer: Ask | None) -> _Asking | Verdict:
    """The verdict on the case in a file, or a prompt case that can fail, to be asked."""
    try:
        case = load_case(file)
    except (OSError, ValueError) as error:
        return Verdict(str(file), False, error_text(error).removeprefix(str(file)).lstrip(" ,:"))
    if isinstance(case, ReplayCase):
        return prove_automations(case, automated)
    if answer is None:
        how = "a prompt case runs from a test: gate(paths, answer=ask)"
        return Verdict(case.id, False, f"{how}, where ask(prompt) asks your system")
    proof = _prove_prompt(case)
    return _Asking(case, answer) if proof.passed else proof


@dataclass
class _Asking:
    """A prompt case that is being asked, with the verdicts on the answers so far."""

    case: PromptCase
    answer: Ask
    verdicts: list[Verdict] = field(default_factory=list)

    def is_over(self) -> bool:
        """Whether all was asked, or too many answers failed."""
        failed = sum(not verdict.passed for verdict in self.verdicts)
        return len(self.verdicts) == self.case.asks or failed > self.case.asks - self.case._needed

    def ask(self) -> None:
        try:
            self.verdicts.append(judge_answer(self.case, self.answer(self.case.input)))
        except Exception as error:  # whatever happens in there, the other cases still run
            self.verdicts.append(self._raised(error))

    async def ask_async(self, slots: asyncio.Semaphore) -> None:
        async with slots:
            if self.is_over():
                return
            verdict = Verdict(self.case.id, False, "answer= was cancelled")
            try:
                given = self.answer(self.case.input)
                verdict = judge_answer(self.case, await given if isawaitable(given) else given)
            except Exception as error:
                verdict = self._raised(error)
            finally:
                self.verdicts.append(verdict)

    def _raised(self, error: Exception) -> Verdict:
        why = f"answer= raised {type(error).__name__}: {error_text(error)}"
        return Verdict(self.case.id, False, why)

    def verdict(self) -> Verdict:
        """Whether enough answers passed; if so with what a pass is worth, else with why."""
        case, asked = self.case, len(self.verdicts)
        failures = Counter(verdict.why for verdict in self.verdicts if not verdict.passed)
        passes = asked - failures.total()
        passed = passes >= case._needed
        why = f"{passes} of {asked} answers pass, {case._needed} of {case.asks} are needed"
        if case.asks == 1:
            why = self.verdicts[0].why
        elif not passed:
            why += f": {'; '.join(f'{times} × {why}' for why, times in failures.most_common(3))}"
        if passed:
            chances = [case.chance(wrong) for wrong in (0.1, 0.2)]
            tenth, fifth = (percent(it, 3) if it >= 0.001 else "under 0.1%" for it in chances)
            why += f"; a system wrong in 1 of 10 would pass {tenth} of the time, in 1 of 5 {fifth}"
            why += _only_bans(case)
        return Verdict(case.id, passed, why)


def _gate(found: Iterable[_Asking | Verdict]) -> Gate:
    verdicts = [one.verdict() if isinstance(one, _Asking) else one for one in found]
    names = [verdict.case for verdict in verdicts]
    for place, name in enumerate(names):
        if (times := names.count(name)) > 1:
            why = f"stands {times} times; give each case an id of its own"
            verdicts[place] = replace(verdicts[place], passed=False, why=why)
    return Gate(bool(verdicts) and all(verdict.passed for verdict in verdicts), tuple(verdicts))


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
    if version not in (1, VERSION):
        reads = f"this oncall reads versions 1 to {VERSION}"
        raise ValueError(f"written in version {version!r}; {reads}: upgrade it")
    for name in ("page_within", "restore_within", "max_latency"):
        if record.get(name) is not None:
            record[name] = from_seconds(record[name], name)
    if kind == "replay":
        return ReplayCase(**record | {"slo": slo_from_record(record.get("slo"))})
    if kind == "prompt":
        return PromptCase(**record)
    raise ValueError(f"unknown kind {kind!r}; known are replay, prompt")
