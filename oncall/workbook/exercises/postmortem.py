"""The exercises of notebook 08: sentences to be rewritten without blame, and a case that proves the fix.

To add a sentence, write it with the facts it holds. To add a mistake, write what you would say to the
learner, and beside it the function that finds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from oncall.findings import Finding
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.postmortem import automations
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import PromptCase, ReplayCase, Verdict, prove, replay, to_eval_case
from oncall.times import DAY, duration_text
from oncall.workbook.exercises.feedback import Check, Counterexample, right, waiting, wrong
from oncall.workbook.exercises.runner import show

# --- blameless -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sentence:
    """A sentence from a draft, and the facts that have to stand in what replaces it."""

    text: str
    facts: tuple[str, ...]


SENTENCES = (
    Sentence(
        "At 18:12 Bo ignored the first errors because he was careless, and 50 % of requests failed until 18:41.",
        ("18:12", "50 %", "18:41"),
    ),
    Sentence("The gateway was misconfigured by Chen: its timeout was 30 s.", ("gateway", "30 s")),
    Sentence(
        "The cause was human error: a typo turned the rate limit of 600 into 60.",
        ("rate limit", "600", "60"),
    ),
    Sentence("We should have opened the circuit breaker at 18:20.", ("circuit breaker", "18:20")),
    Sentence("Chen deployed prompt-v12 without testing it at 17:55.", ("prompt-v12", "17:55")),
    Sentence("Next time everybody must be more careful with the alias index-v7.", ("index-v7",)),
)
PEOPLE = ("Ana", "Bo", "Chen")


class SentenceMistake(NamedTuple):
    """What a teacher would say about a rewritten sentence, and what finds it.

    ``found`` takes the original, the rewritten sentence and its lint findings, and returns what to
    point at; "" when all is well.
    """

    words: str
    found: Callable[[Sentence, str, list[Finding]], str]


def _linted(
    rule: str, passive: bool | None = None
) -> Callable[[Sentence, str, list[Finding]], str]:
    """What finds a lint rule's phrase; with ``passive`` only that of "by somebody", or only any other."""

    def found(original: Sentence, text: str, findings: list[Finding]) -> str:
        phrases = [finding.phrase for finding in findings if finding.rule == rule]
        return next(
            (phrase for phrase in phrases if passive is None or passive == (" by " in phrase)), ""
        )

    return found


def _unchanged(original: Sentence, text: str, findings: list[Finding]) -> str:
    return "as it stood" if _is_original(original, text) else ""


def _only_reordered(original: Sentence, text: str, findings: list[Finding]) -> str:
    return next(
        (
            name
            for name in PEOPLE
            if _says_nothing_new(original, text) and name.lower() in _words(text)
        ),
        "",
    )


def _only_shortened(original: Sentence, text: str, findings: list[Finding]) -> str:
    return "nothing was added" if _says_nothing_new(original, text) else ""


def _fact_dropped(original: Sentence, text: str, findings: list[Finding]) -> str:
    said = _plain_units(text)
    gone = [
        fact
        for fact in original.facts
        if not re.search(rf"(?<!\w){re.escape(_plain_units(fact))}(?!\d)", said)
    ]
    return f"without {', '.join(gone)}" if gone else ""


SENTENCE_MISTAKES = (
    SentenceMistake(
        "A sentence is empty. Leaving a thing out is no way to be blameless: say what happened.",
        lambda original, text, findings: "" if text.strip() else "nothing",
    ),
    SentenceMistake(
        "A sentence stands as it stood. Say what happened without a verdict on somebody.",
        _unchanged,
    ),
    SentenceMistake(
        "Human error is still the end of the story. It is where the questions begin: what made the slip easy, "
        "and its effect large?",
        _linted("human-error"),
    ),
    SentenceMistake(
        "The blame is still there, in the passive voice: something was done by somebody. Say which check or default "
        "let it through.",
        _linted("blame-person", passive=True),
    ),
    SentenceMistake(
        "A person is still the subject of a fault. Make the system the subject: what did it allow, hide or suggest?",
        _linted("blame-person", passive=False),
    ),
    SentenceMistake(
        "This tells of a night that did not happen. Say what did happen, and why it made sense at the time.",
        _linted("counterfactual"),
    ),
    SentenceMistake(
        "This judges somebody. Whoever reads it learns what to hide, and nothing about the system.",
        _linted("judgement"),
    ),
    SentenceMistake(
        "This asks people to be careful. Nobody is at three in the morning: change something that helps the tired.",
        _linted("be-careful"),
    ),
    SentenceMistake(
        "This is vague about the impact. Keep the numbers: how many, from when to when.",
        _linted("vague-impact"),
    ),
    SentenceMistake(
        "The words are in another order, and somebody still stands there for it. Say what made it possible.",
        _only_reordered,
    ),
    SentenceMistake(
        "The name is gone and nothing has come in its place. Say what made it possible, or nothing can be learnt.",
        _only_shortened,
    ),
    SentenceMistake(
        "A fact is gone. Blameless is not vague: times, numbers and the names of systems stay.",
        _fact_dropped,
    ),
)

NOT_A_LIST = (
    "This is no list of sentences. Give a list with a text for each sentence, in the same order."
)
OTHER_NUMBER = "The number of sentences is another one. Give one for each, in the same order, so that nothing is lost."


def check_blameless(answer: Any) -> Check:
    """Check a list of rewritten sentences: no finding, every fact kept, and something said instead."""
    if isinstance(answer, str | dict) or not isinstance(answer, Iterable):
        stub = answer is None or answer is ...
        return waiting("blameless") if stub else _not_sentences(NOT_A_LIST, show(answer))
    texts = list(islice(answer, 100))
    if all(_is_stub(original, text) for original, text in zip(SENTENCES, texts, strict=False)):
        return waiting("blameless")
    if not all(isinstance(text, str) for text in texts):
        return _not_sentences(NOT_A_LIST, show(texts))
    if len(texts) != len(SENTENCES):
        return _not_sentences(OTHER_NUMBER, f"{len(texts)} sentences")
    checks = (
        _check_sentence(number, *pair)
        for number, pair in enumerate(zip(SENTENCES, texts, strict=True), 1)
    )
    return next(
        filter(None, checks),
        right(f"All {len(texts)} sentences keep their facts and blame nobody."),
    )


def _not_sentences(words: str, got: str) -> Check:
    return wrong(
        words, mistake=words, case=Counterexample("blameless", f"{len(SENTENCES)} sentences", got)
    )


def _check_sentence(number: int, original: Sentence, text: str) -> Check | None:
    # A sentence in quotes would be left alone by the lint.
    findings = lint_postmortem(
        text.strip(" >'").translate(dict.fromkeys(map(ord, '"`“”'))), people=PEOPLE
    )
    spotted = ((words, found(original, text, findings)) for words, found in SENTENCE_MISTAKES)
    mistake, phrase = next(((words, phrase) for words, phrase in spotted if phrase), (None, ""))
    if mistake is None and not findings:
        return None
    case = Counterexample(
        f"sentence {number}: {original.text}",
        f"no blame, and kept: {', '.join(original.facts)}",
        f"{show(text)} ({phrase or findings[0].phrase})",
    )
    return wrong(
        mistake or f"There is a lint finding: {findings[0].why}", mistake=mistake, case=case
    )


def _is_stub(original: Sentence, text: Any) -> bool:
    return text is None or text is ... or text == "" or _is_original(original, text)


def _is_original(original: Sentence, text: Any) -> bool:
    return isinstance(text, str) and _words(text) == _words(original.text)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:[:-]\w+)*", text.lower())


# Words that change the grammar of a sentence and tell nothing new.
_GRAMMAR = {
    *("a", "an", "the", "was", "were", "is", "been", "be", "being", "had", "has", "it", "its"),
    *("by", "and", "not", "at", "who", "we", "they", "someone", "somebody"),
}


def _says_nothing_new(original: Sentence, text: str) -> bool:
    """Whether a sentence about a person was only turned round or cut."""
    about_a_person = any(name.lower() in _words(original.text) for name in PEOPLE)
    return about_a_person and not set(_words(text)) - set(_words(original.text)) - _GRAMMAR


def _plain_units(text: str) -> str:
    text = re.sub(r"(?<=\d)\s*(?:%|per ?cent)", "%", " ".join(text.casefold().split()))
    return re.sub(r"(?<=\d)[ -]?s(?:econds?)?\b", "s", text)


# --- case ----------------------------------------------------------------------------------------


@cache
def recorded_incident() -> Incident:
    """The incident that the exercise ``case`` is about: the provider outage as the reference responder handled it."""
    return run_shift(SCENARIOS["provider_outage"], 1, reference).incidents[0]


@cache
def _fixed(case: ReplayCase) -> Verdict:
    """What comes of the case in a system with everything automated that helped that night."""
    return replay(
        case,
        [
            item.automates
            for item in automations(recorded_incident(), owner="ana")
            if item.automates
        ],
    )


class CaseMistake(NamedTuple):
    """What a teacher would say about a case, and what finds it.

    ``found`` takes the answer and returns the counterexample, or ``None`` when all is well.
    """

    words: str
    found: Callable[[Any], Counterexample | None]


def _not_a_case(kind: type) -> Callable[[Any], Counterexample | None]:
    def found(answer: Any) -> Counterexample | None:
        if isinstance(answer, ReplayCase) or not isinstance(answer, kind):
            return None
        return Counterexample("case", "a ReplayCase", f"a {type(answer).__name__}")

    return found


def _other(name: str) -> Callable[[Any], Counterexample | None]:
    """What finds another value than the one that follows from the record."""

    def found(case: ReplayCase) -> Counterexample | None:
        given, recorded = getattr(case, name), getattr(to_eval_case(recorded_incident()), name)
        same = (
            math.isclose(given, recorded, rel_tol=1e-9)
            if isinstance(recorded, float)
            else given == recorded
        )
        return None if same else Counterexample(f"case.{name}", show(recorded), show(given))

    return found


def _record_passes(case: ReplayCase) -> Counterexample | None:
    paged, restored = recorded_incident().metrics().ttd, recorded_incident().metrics().impact
    if not (paged and restored and paged <= case.page_within and restored <= case.restore_within):
        return None
    what = (
        f"the record: paged after {duration_text(paged)}, restored after {duration_text(restored)}"
    )
    return Counterexample(
        what, "the case fails", f"it passes: {duration_text(case.restore_within)} allowed"
    )


def _paged_too_late(case: ReplayCase) -> Counterexample | None:
    paged = _fixed(case).paged_after
    return _fix_fails(case) if paged is None or paged > case.page_within else None


def _restored_too_late(case: ReplayCase) -> Counterexample | None:
    restored = _fixed(case).restored_after
    return _fix_fails(case) if restored is None or restored > case.restore_within else None


def _fix_fails(case: ReplayCase) -> Counterexample:
    return Counterexample(
        "the system with the fix", "the case passes", f"it fails: {_fixed(case).why}"
    )


CASE_MISTAKES = (
    CaseMistake(
        "This is a prompt case, which asks one question again. An outage is proved by a replay: to_eval_case.",
        _not_a_case(PromptCase),
    ),
    CaseMistake(
        "This is the verdict on a case. Hand in the case itself; the check comes to its own verdict.",
        _not_a_case(Verdict),
    ),
    CaseMistake(
        "This is no ReplayCase. to_eval_case makes one of an incident.", _not_a_case(object)
    ),
    CaseMistake(
        "This is named after another incident. The id says which record a case comes from.",
        _other("id"),
    ),
    CaseMistake(
        "This puts another fault into the system. Passing it says nothing about the fault of that night.",
        _other("symptom"),
    ),
    CaseMistake(
        "This holds the service to another SLO. It is the promise which was broken that has to be kept next time.",
        _other("slo"),
    ),
    CaseMistake(
        "This fault is not the recorded one. Take the error ratio from the record's measures, unrounded.",
        _other("error_ratio"),
    ),
    CaseMistake(
        "The incident as recorded passes this case. A test that the bad night passes proves nothing: "
        "allow less time to restore.",
        _record_passes,
    ),
    CaseMistake(
        "This asks for the page before the alert can know. Allow the rule's detection time at this error ratio.",
        _paged_too_late,
    ),
    CaseMistake(
        "This asks for more than the automations can do. They begin with the page, and each needs time to settle.",
        _restored_too_late,
    ),
)


def check_case(answer: Any) -> Check:
    """Check a replay case against the recorded incident: it fails on the record and passes with the fix."""
    if answer is None or answer is ...:
        return waiting("case")
    if (
        isinstance(answer, ReplayCase) and answer.page_within > DAY
    ):  # no other test, and it would take long to replay
        answer = replace(answer, page_within=DAY)
    for words, found in CASE_MISTAKES:
        if case := found(answer):
            return wrong(words, mistake=words, case=case)
    exactly = replace(answer, error_ratio=to_eval_case(recorded_incident()).error_ratio)
    verdict = prove(exactly, recorded_incident(), automations(recorded_incident(), owner="ana"))
    return right(f"It is {verdict.why}.") if verdict.passed else wrong(f"It is {verdict.why}.")
