"""The exercises of lesson 11: sentences without blame, and a case that proves the fix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oncall.postmortem import automations
from oncall.regression import PromptCase, ReplayCase, Verdict, replay, to_eval_case, to_prompt_case
from oncall.slo import SLO
from oncall.times import HOUR, LONGEST, MINUTE
from oncall.workbook.exercises import SENTENCES, check, recorded_incident, sentences

# --- sentences without blame ---------------------------------------------------------------------

GOOD = [
    "At 18:12 the first errors stayed below every alert's threshold, "
    "and 50 % of requests failed until 18:41.",
    "The gateway's timeout was 30 s; the form takes any number and shows no unit.",
    "The rate limit went from 600 to 60: the form takes a value without a preview.",
    "At 18:20 the circuit breaker was closed; "
    "opening it was a manual step that no alert points to.",
    "prompt-v12 went out at 17:55; the pipeline has no evaluation step that could hold it back.",
    "The deploy script refuses to move the alias index-v7 to an index that is not complete.",
]
TERSE = [
    "50% of requests failed from 18:12 to 18:41, "
    "and the pager was silent for the first 18 minutes.",
    "No default was set for the gateway; 30 seconds came from a template.",
    "A rate limit of 60 in place of 600 passed every check there is.",
    "Nobody was told at 18:20 that the circuit breaker exists.",
    "No test stood between `prompt-v12` and users at 17:55.",
    "index-v7 is switched by a job now, not by hand.",
]


def put(number: int, text: str) -> list[str]:
    """The good sentences with another one in this place."""
    return [*GOOD[: number - 1], text, *GOOD[number:]]


@pytest.mark.parametrize("answer", [GOOD, TERSE, tuple(GOOD), iter(GOOD), [*map(str.upper, GOOD)]])
def test_blameless_sentences_with_their_facts_pass(answer: Any) -> None:
    feedback = check("blameless", answer)
    assert feedback.passed, feedback


BLAMING = {
    "A sentence is empty": [(1, "")],
    "A sentence stands as it stood": [(2, SENTENCES[1].text), (2, f'"{SENTENCES[1].text}"')],
    "Human error is still": [
        (3, "A human error turned the rate limit of 600 into 60, because the form has no preview.")
    ],
    "The blame is still there": [
        (2, "The timeout of the gateway was misconfigured by Chen and became 30 s.")
    ],
    "A person is still the subject": [
        (1, "At 18:12 Bo overlooked the errors, and 50 % of requests failed until 18:41."),
        (5, "The engineer deployed prompt-v12 without testing it at 17:55."),
    ],
    "This tells of a night that did not happen": [
        (4, "At 18:20 the circuit breaker should have been open.")
    ],
    "This judges somebody": [
        (1, "At 18:12 carelessness met 50 % errors until 18:41 and careless alerts.")
    ],
    "This asks people to be careful": [(6, "Be careful with the alias index-v7.")],
    "The words are in another order": [
        (5, "prompt-v12 was deployed by Chen at 17:55 without testing.")
    ],
    "The name is gone": [
        (2, "The gateway was misconfigured: its timeout was 30 s."),
        (5, "prompt-v12 was deployed at 17:55."),
    ],
    "This is vague about the impact": [(1, "From 18:12 to 18:41 many requests failed.")],
    "A fact is gone": [
        (1, "At 18:12 the alerts were silent, and half of the requests failed until 18:41."),
        (3, "The rate limit of 600 became 6, and the form has no preview."),
        (3, "The rate limit of 6000 became 60, and the form has no preview."),
        (4, "The circuit breaker was closed; opening it is a manual step."),
    ],
}


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [(number, text, words) for words, texts in BLAMING.items() for number, text in texts],
)
def test_a_sentence_that_is_not_blameless_is_recognised(number: int, text: str, words: str) -> None:
    feedback = check("blameless", put(number, text))
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert (feedback.mistake or "").startswith(words), feedback
    assert feedback.case is not None
    assert feedback.case.call == f"sentence {number}: {SENTENCES[number - 1].text}"


def test_the_first_sentence_that_is_wrong_is_shown() -> None:
    wrong = ["We should have opened the circuit breaker at 18:20.", "Human error.", "Human error."]
    assert "sentence 4" in repr(check("blameless", GOOD[:3] + wrong))


@pytest.mark.parametrize(
    "answer", [" ".join(GOOD), dict.fromkeys(GOOD), 6, [*GOOD[:5], 6], lambda: GOOD]
)
def test_what_is_no_list_of_sentences_is_told_so(answer: Any) -> None:
    assert check("blameless", answer).mistake == sentences.NOT_A_LIST


@pytest.mark.parametrize("answer", [GOOD[:5], [*GOOD, "And that was all of it."]])
def test_another_number_of_sentences_is_told_so(answer: list[str]) -> None:
    assert check("blameless", answer).mistake == sentences.OTHER_NUMBER


@pytest.mark.parametrize("number", range(1, len(SENTENCES) + 1))
def test_each_original_is_found_wanting_even_where_it_is_not_known_as_the_original(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = tuple(replace(sentence, text="other") for sentence in SENTENCES)
    monkeypatch.setattr(sentences, "SENTENCES", unknown)
    feedback = check("blameless", put(number, SENTENCES[number - 1].text))
    assert feedback.attempted
    assert not feedback.passed
    assert feedback.case is not None
    assert feedback.case.call.startswith(f"sentence {number}: ")


# --- a case that proves the fix ------------------------------------------------------------------


def recorded_case(**changes: Any) -> ReplayCase:
    return replace(to_eval_case(recorded_incident()), **changes)


def felt_for() -> timedelta:
    """How long users felt the recorded incident."""
    return recorded_incident().metrics().impact or timedelta()


def fixed() -> Verdict:
    """The recorded case in a system with everything automated that helped that night."""
    items = automations(recorded_incident(), owner="ana")
    return replay(recorded_case(), [item.automates for item in items if item.automates])


def paged_after() -> timedelta:
    return fixed().paged_after or timedelta()


def restored_after() -> timedelta:
    return fixed().restored_after or timedelta()


def with_symptom(symptom: str) -> ReplayCase:
    case = recorded_case()
    object.__setattr__(case, "symptom", symptom)  # whatever runbooks there are
    return case


def almost_the_recorded_error_ratio() -> ReplayCase:
    error_ratio = recorded_case().error_ratio * (1 + 1e-12)
    return recorded_case(error_ratio=error_ratio)


def measures() -> list[tuple[int, int]]:
    events = recorded_incident().events
    return [(e.get("good"), e.get("total")) for e in events if e.verb == "measure"]


def mean_of_the_measures() -> float:
    return sum(1 - good / total for good, total in measures()) / len(measures())


def sum_of_the_measures() -> float:
    return 1 - sum(good for good, _ in measures()) / sum(total for _, total in measures())


def recorded_prompt_case() -> PromptCase:
    at = recorded_incident().impact_start + 48 * HOUR
    fresh = replace(recorded_incident(), events=())
    return to_prompt_case(fresh.sample("hi", "no", "yes", at=at, by="ana"), must_contain=["yes"])


@pytest.mark.parametrize(
    "case",
    [
        lambda: recorded_case(),
        lambda: to_eval_case(recorded_incident(), restore_within=felt_for() - MINUTE),
        lambda: recorded_case(page_within=paged_after(), restore_within=restored_after()),
        almost_the_recorded_error_ratio,
    ],
)
def test_a_case_that_fails_on_the_record_and_passes_with_the_fix_passes(
    case: Callable[[], ReplayCase],
) -> None:
    feedback = check("case", case())
    assert feedback.passed, feedback
    assert "without the fix" in feedback.message


PROVES_NOTHING: dict[str, list[Callable[[], Any]]] = {
    "This is no ReplayCase": [
        lambda: recorded_incident(),
        lambda: to_eval_case,
        lambda: {"symptom": "model_provider_outage"},
    ],
    "This is the verdict": [lambda: replay(recorded_case())],
    "This is a prompt case": [recorded_prompt_case],
    "This is named after another": [lambda: recorded_case(id="regression-INC-002")],
    "This puts another fault": [lambda: with_symptom("stale_index")],
    "This holds the service to another SLO": [
        lambda: recorded_case(slo=SLO("availability", 0.999)),
        lambda: recorded_case(slo=SLO("quality", 0.99)),
    ],
    "This fault is not the recorded one": [lambda: recorded_case(error_ratio=0.3)],
    "This rounds the error ratio": [
        lambda: recorded_case(error_ratio=0.5),
        lambda: recorded_case(error_ratio=0.5018),
    ],
    "This is the share that was good": [lambda: recorded_case(error_ratio=821 / 1648)],
    "This is the error ratio of the first measure": [
        lambda: recorded_case(error_ratio=1 - 15071 / 30231)
    ],
    "This is the last measure": [lambda: recorded_case(error_ratio=1 - 47099 / 47241)],
    "This averages the measures": [lambda: recorded_case(error_ratio=mean_of_the_measures())],
    "This adds all measures up": [lambda: recorded_case(error_ratio=sum_of_the_measures())],
    "This page limit never decides": [
        lambda: recorded_case(page_within=60 * MINUTE),
        lambda: recorded_case(page_within=24 * MINUTE, restore_within=23 * MINUTE),
        lambda: recorded_case(page_within=LONGEST),
    ],
    "The incident as recorded passes": [
        lambda: recorded_case(restore_within=felt_for()),
        lambda: recorded_case(restore_within=LONGEST),
    ],
    "This asks for the page before": [
        lambda: recorded_case(page_within=MINUTE),
        lambda: recorded_case(page_within=paged_after() - MINUTE, restore_within=HOUR),
    ],
    "This asks for more than the automations": [
        lambda: recorded_case(restore_within=restored_after() - MINUTE),
        lambda: recorded_case(restore_within=MINUTE),
    ],
}


@pytest.mark.parametrize(
    ("answer", "words"),
    [(answer, words) for words, answers in PROVES_NOTHING.items() for answer in answers],
)
def test_a_case_that_proves_nothing_is_recognised(answer: Callable[[], Any], words: str) -> None:
    feedback = check("case", answer())
    assert (feedback.passed, feedback.attempted) == (False, True)
    assert (feedback.mistake or "").startswith(words), feedback
    assert feedback.case is not None


def test_the_record_is_made_once() -> None:
    assert recorded_incident() is recorded_incident()
    assert recorded_incident().id == "INC-001"
