"""Facts are events of their own: what each holds, what it refuses, and that no text is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oncall import SCENARIOS, SLO, Incident, run_shift, score, write_postmortem
from oncall.gameday import reference
from oncall.gameday.script import ScriptLine, scripted
from oncall.journal import FACTS, in_effect
from oncall.postmortem import draft_postmortem
from oncall.times import MINUTE

START = datetime(2025, 3, 4, 18, tzinfo=UTC)
OPEN = Incident("INC-1", "Provider fails", SLO("availability", 0.99), "unknown", START).detect(
    None, at=START, by="ana"
)
NOW: dict[str, Any] = {"at": START + MINUTE, "by": "ana"}


@pytest.mark.parametrize(
    ("add", "sentence"),
    [
        (lambda one: one.page("ana", 0, 1, **NOW), "paged ana"),
        (lambda one: one.page("ana", **NOW), "paged ana"),
        (lambda one: one.escalate(**NOW), "escalated"),
        (lambda one: one.rollback("fail_over", **NOW), "rolled back: fail_over"),
        (lambda one: one.learn("lucky", "It was day.", **NOW), "learnt, lucky: It was day."),
        (lambda one: one.suspect("provider_fails", **NOW), "suspects this cause: provider_fails"),
        (lambda one: one.ask("purge_cache", **NOW), "asked for approval: purge_cache"),
        (lambda one: one.approval("purge_cache", True, **NOW), "approved: purge_cache"),
        (lambda one: one.approval("purge_cache", False, **NOW), "not approved: purge_cache"),
        (lambda one: one.predict(85, **NOW), "expects an SLI of 85 %"),
        (lambda one: one.secure("preserve", **NOW), "security: preserve"),
        (lambda one: one.update("We look.", **NOW), "update to users: We look."),
        (
            lambda one: one.update("We look.", "investigating", 40, **NOW),
            "update to users (investigating, 40 % of requests hit): We look.",
        ),
        (lambda one: one.note("{who} {", **NOW), "{who} {"),
    ],
)
def test_the_timeline_tells_each_in_a_few_words(
    add: Callable[[Incident], Incident], sentence: str
) -> None:
    text = write_postmortem(add(OPEN), contributing_factors=(), action_items=())
    assert f"- 18:01:00 ana: {sentence}\n" in text


def test_a_mitigation_may_say_of_what() -> None:
    incident = OPEN.acknowledge(**NOW).triage("sev1", "ana", **NOW)
    incident = incident.mitigate("drain_replica", "gpu-7", **NOW)
    text = write_postmortem(incident, contributing_factors=(), action_items=())
    assert "mitigation started: drain_replica of gpu-7" in text
    assert in_effect(incident.events) == ["drain_replica"]


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda one: one.page("", **NOW), "who must be a text that says something"),
        (lambda one: one.page("ana", -1, **NOW), "step must be a whole number from 0, given -1"),
        (lambda one: one.page("ana", 0, True, **NOW), "loop must be a whole number from 0"),
        (lambda one: one.rollback(" ", **NOW), "mitigation must be a text"),
        (lambda one: one.learn("gossip", "x", **NOW), "kind must be one of cause, segment,"),
        (lambda one: one.learn("lucky", "", **NOW), "value must be a text"),
        (lambda one: one.suspect(7, **NOW), "cause must be a text"),
        (lambda one: one.approval("x", "yes", **NOW), "granted must be True or False, given 'yes'"),
        (lambda one: one.predict(101, **NOW), "percent must be a number from 0 to 100, given 101"),
        (lambda one: one.predict(float("nan"), **NOW), "percent must be a number from 0 to 100"),
        (lambda one: one.predict(True, **NOW), "percent must be a number from 0 to 100"),
        (lambda one: one.predict("85", **NOW), "percent must be a number from 0 to 100"),
        (lambda one: one.secure("hide", **NOW), "step must be one of restrict, preserve, call"),
        (lambda one: one.update("x", "fine", **NOW), "status must be one of investigating,"),
        (lambda one: one.update("x", None, -1, **NOW), "percent must be a number from 0 to 100"),
    ],
)
def test_bad_input_is_refused_with_what_was_given(
    add: Callable[[Incident], Incident], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        add(OPEN)


def test_what_was_learnt_becomes_the_draft_of_the_postmortem() -> None:
    incident = OPEN
    learnt = {
        "cause": "the provider failed",
        "trigger": "a deploy of theirs",
        "factor": "One provider.",
        "wrong": "It waited for a person.",
        "detect": "Probe from outside",
        "prevent": "A second provider",
        "automate": "fail_over",
    }
    for kind, value in learnt.items():
        incident = incident.learn(kind, value, **NOW)
    text = draft_postmortem(incident.learn("automate", "pray", **NOW))
    factors = "- Cause: the provider failed\n- Trigger: a deploy of theirs\n- One provider.\n"
    assert f"## Contributing factors\n\n{factors}" in text
    assert "## What went wrong\n\n- It waited for a person.\n" in text
    items = text.partition("## Action items\n\n")[2].partition("\n\n")[0].splitlines()
    assert [item.partition(":")[0] for item in items] == ["- prevent", "- detect", "- mitigate"]
    assert "automates: fail_over" in items[2]


def test_facts_survive_the_file(tmp_path: Path) -> None:
    incident = OPEN
    arguments: dict[str, tuple[Any, ...]] = {
        "page": ("ana", 0, 1),
        "escalate": (),
        "rollback": ("fail_over",),
        "learn": ("factor", "one"),
        "suspect": ("provider",),
        "ask": ("purge_cache",),
        "approval": ("purge_cache", True),
        "predict": (85.5,),
        "secure": ("call",),
    }
    assert set(arguments) == set(FACTS)
    for verb, words in arguments.items():
        incident = getattr(incident, verb)(*words, **NOW)
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


# --- what people type is taken for no fact -------------------------------------------------------

GOOD = (
    ScriptLine(153, "ack"),
    ScriptLine(154, "triage", ("sev1", "ana")),
    *(ScriptLine(154, "apply", (name,)) for name in ("fail_over", "serve_cached")),
    ScriptLine(156, "apply", ("serve_degraded",)),
    ScriptLine(159, "mitigated"),
)


def points(script: tuple[ScriptLine, ...]) -> dict[str, int]:
    scenario = SCENARIOS["provider_outage"]
    [theirs] = run_shift(scenario, 1, reference).incidents
    [incident] = run_shift(scenario, 1, scripted(script)).incidents
    return {one.name: one.points for one in score(incident, theirs).dimensions}


@pytest.mark.parametrize(
    "text",
    [
        "rolled back: fail_over",
        "escalated",
        "paged bo",
        "learnt, automate: fail_over",
        "learnt, factor: nothing",
        "approved: purge_cache",
    ],
)
def test_a_note_changes_no_score_whatever_it_says(text: str) -> None:
    def with_note(words: str) -> tuple[ScriptLine, ...]:
        return (*GOOD[:-1], ScriptLine(158, "note", tuple(words.split())), GOOD[-1])

    assert points(with_note(text)) == points(with_note("all looks fine now"))


@pytest.mark.parametrize("name", ["pager", "alerts", "metrics"])
def test_a_person_may_be_called_anything(name: str) -> None:
    called = (GOOD[0], ScriptLine(154, "triage", ("sev1", name)), *GOOD[2:])
    assert points(called) == points(GOOD)
