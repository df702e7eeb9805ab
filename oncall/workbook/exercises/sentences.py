"""Lesson 11 asks for the sentences of a draft again, without blame and with every fact.

To add a sentence, write it with the facts it holds. To add a mistake, write what you would say to
the learner, and beside it the function that finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from oncall.findings import Finding
from oncall.postmortem_lint import lint_postmortem
from oncall.workbook.exercises.feedback import Counterexample, Feedback, right, waiting, wrong
from oncall.workbook.exercises.runner import show


@dataclass(frozen=True)
class Sentence:
    """A sentence from a draft, and the facts that have to stand in what replaces it."""

    text: str
    facts: tuple[str, ...]


SENTENCES = (
    Sentence(
        "At 18:12 Bo ignored the first errors because he was careless, and 50 % of requests failed "
        "until 18:41.",
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
DRAFT_PEOPLE = ("Ana", "Bo", "Chen")

# Words that change the grammar of a sentence and tell nothing new.
_GRAMMAR = {
    *("a", "an", "the", "was", "were", "is", "been", "be", "being", "had", "has", "it", "its"),
    *("by", "and", "not", "at", "who", "we", "they", "someone", "somebody"),
}

# --- mistakes ------------------------------------------------------------------------------------

# Takes the original, what replaces it and the lint's findings on that; returns what to point at,
# or "" when all is well.
SentenceDetector = Callable[[Sentence, str, Sequence[Finding]], str]


def _empty(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
    return "" if text.strip() else "nothing"


def _unchanged(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
    return "as it stood" if _is_original(original, text) else ""


def _linted(rule: str, containing: str = "") -> SentenceDetector:
    """The detector of the first phrase that breaks a rule of the lint and contains this text."""

    def phrase(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
        phrases = [finding.phrase for finding in findings if finding.rule == rule]
        return next((phrase for phrase in phrases if containing in phrase), "")

    return phrase


def _only_reordered(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
    if not _says_nothing_new(original, text):
        return ""
    return next((name for name in DRAFT_PEOPLE if name.lower() in _words(text)), "")


def _only_shortened(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
    return "nothing was added" if _says_nothing_new(original, text) else ""


def _fact_dropped(original: Sentence, text: str, findings: Sequence[Finding]) -> str:
    missing = [fact for fact in original.facts if not _holds(text, fact)]
    return f"without {', '.join(missing)}" if missing else ""


# The first that finds something is what the learner hears.
SENTENCE_MISTAKES: dict[str, SentenceDetector] = {
    "A sentence is empty. "
    "Leaving a thing out is no way to be blameless: say what happened.": _empty,
    "A sentence stands as it stood. Say what happened without a verdict on somebody.": _unchanged,
    "Human error is still the end of the story. It is where the questions begin: "
    "what made the slip easy, and its effect large?": _linted("human-error"),
    "The blame is still there, in the passive voice: something was done by somebody. "
    "Say which check or default let it through.": _linted("blame-person", containing=" by "),
    "A person is still the subject of a fault. "
    "Make the system the subject: what did it allow, hide or suggest?": _linted("blame-person"),
    "This tells of a night that did not happen. "
    "Say what did happen, and why it made sense at the time.": _linted("counterfactual"),
    "This judges somebody. "
    "Whoever reads it learns what to hide, and nothing about the system.": _linted("judgement"),
    "This asks people to be careful. Nobody is at three in the morning: "
    "change something that helps the tired.": _linted("be-careful"),
    "This is vague about the impact. Keep the numbers: how many, from when to when.": _linted(
        "vague-impact"
    ),
    "The words are in another order, and somebody still stands there for it. "
    "Say what made it possible.": _only_reordered,
    "The name is gone and nothing has come in its place. "
    "Say what made it possible, or nothing can be learnt.": _only_shortened,
    "A fact is gone. "
    "Blameless is not vague: times, numbers and the names of systems stay.": _fact_dropped,
}

NOT_A_LIST = (
    "This is no list of sentences. Give a list with a text for each sentence, in the same order."
)
OTHER_NUMBER = (
    "The number of sentences is another one. "
    "Give one for each, in the same order, so that nothing is lost."
)


def _is_original(original: Sentence, text: Any) -> bool:
    return isinstance(text, str) and _words(text) == _words(original.text)


def _says_nothing_new(original: Sentence, text: str) -> bool:
    """Whether a sentence about a person was only turned round or cut."""
    about_a_person = any(name.lower() in _words(original.text) for name in DRAFT_PEOPLE)
    return about_a_person and not set(_words(text)) - set(_words(original.text)) - _GRAMMAR


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:[:-]\w+)*", text.lower())


def _holds(text: str, fact: str) -> bool:
    pattern = rf"(?<!\w){re.escape(_plain_units(fact))}(?!\d)"
    return re.search(pattern, _plain_units(text)) is not None


def _plain_units(text: str) -> str:
    text = re.sub(r"(?<=\d)\s*(?:%|per ?cent)", "%", " ".join(text.casefold().split()))
    return re.sub(r"(?<=\d)[ -]?s(?:econds?)?\b", "s", text)


# --- the check -----------------------------------------------------------------------------------


def check_sentences(answer: Any) -> Feedback:
    """The feedback on a list of rewritten sentences.

    It is right if the lint finds nothing in any, every fact is kept, and what was taken out has
    been replaced.
    """
    if answer is None or answer is ...:
        return waiting("blameless")
    if isinstance(answer, str | dict) or not isinstance(answer, Iterable):
        return _not_sentences(NOT_A_LIST, show(answer))
    texts = list(islice(answer, 100))
    if all(_is_stub(original, text) for original, text in zip(SENTENCES, texts, strict=False)):
        return waiting("blameless")
    if not all(isinstance(text, str) for text in texts):
        return _not_sentences(NOT_A_LIST, show(texts))
    if len(texts) != len(SENTENCES):
        return _not_sentences(OTHER_NUMBER, f"{len(texts)} sentences")
    for number, (original, text) in enumerate(zip(SENTENCES, texts, strict=True), 1):
        if feedback := _check_sentence(number, original, text):
            return feedback
    return right(
        f"All {len(texts)} sentences keep their facts, and the lint finds nothing in them. It "
        "knows no meaning: whom could a reader still name?"
    )


def _is_stub(original: Sentence, text: Any) -> bool:
    return text is None or text is ... or text == "" or _is_original(original, text)


def _not_sentences(words: str, got: str) -> Feedback:
    case = Counterexample("blameless", f"{len(SENTENCES)} sentences", got)
    return wrong(words, mistake=words, case=case)


def _check_sentence(number: int, original: Sentence, text: str) -> Feedback | None:
    """The feedback on a sentence that is wrong; ``None`` for one that is right."""
    # The lint leaves quotations alone, so a sentence in quotes would pass.
    unquoted = re.sub('["`“”]', "", text.strip(" >'"))
    findings = lint_postmortem(unquoted, people=DRAFT_PEOPLE)
    for words, detect in SENTENCE_MISTAKES.items():
        if phrase := detect(original, text, findings):
            return wrong(words, mistake=words, case=_counterexample(number, original, text, phrase))
    if not findings:
        return None
    case = _counterexample(number, original, text, findings[0].phrase)
    return wrong(f"There is a lint finding: {findings[0].why}", case=case)


def _counterexample(number: int, original: Sentence, text: str, phrase: str) -> Counterexample:
    return Counterexample(
        f"sentence {number}: {original.text}",
        f"no blame, and kept: {', '.join(original.facts)}",
        f"{show(text)} ({phrase})",
    )
