"""Facts are events of their own: what each holds, what it refuses; no text is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from played_shifts import incident_of
from typed_actions import script

from oncall import SLO, Incident, score, write_postmortem
from oncall.gameday import reference
from oncall.gameday.script import scripted
from oncall.journal import FACTS, in_effect
from oncall.postmortem import draft_postmortem
from oncall.times import MINUTE

START = datetime(2025, 3, 4, 18, tzinfo=UTC)
NEW = Incident("INC-1", "Provider fails", SLO("availability", 0.99), "unknown", START)
OPEN = NEW.detect(None, at=START, by="ana")


def add(incident: Incident, verb: str, *words: Any) -> Incident:
    """The incident with one more event, a minute after it was opened."""
    after: Incident = getattr(incident, verb)(*words, at=START + MINUTE, by="ana")
    return after


HIT = "investigating, 40 % of requests hit"

# --- what each holds -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "words", "sentence"),
    [
        ("page", ("ana", 0, 1), "paged ana"),
        ("page", ("ana",), "paged ana"),
        ("escalate", (), "escalated"),
        ("rollback", ("fail_over",), "rolled back: fail_over"),
        ("learn", ("lucky", "It was day."), "learnt, lucky: It was day."),
        ("look", ("errors by region",), "looked at errors by region"),
        ("suspect", ("provider_fails",), "suspects this cause: provider_fails"),
        ("ask", ("purge_cache",), "asked for approval: purge_cache"),
        ("approval", ("purge_cache", True), "approved: purge_cache"),
        ("approval", ("purge_cache", False), "not approved: purge_cache"),
        ("predict", (85,), "expects an SLI of 85 %"),
        ("secure", ("preserve",), "security: preserve"),
        ("update", ("Hm.",), "update to users: Hm."),
        ("update", ("Hm.", "investigating", 40), f"update to users ({HIT}): Hm."),
        ("note", ("{who} {",), "{who} {"),
    ],
)
def test_the_timeline_tells_each_in_a_few_words(
    verb: str, words: tuple[Any, ...], sentence: str
) -> None:
    incident = add(OPEN, verb, *words)
    text = write_postmortem(incident, contributing_factors=(), action_items=())
    assert f"- 18:01:00 ana: {sentence}\n" in text


def test_a_mitigation_may_say_of_what() -> None:
    incident = add(add(OPEN, "acknowledge"), "triage", "sev1", "ana")
    incident = add(incident, "mitigate", "drain_replica", "gpu-7")
    text = write_postmortem(incident, contributing_factors=(), action_items=())
    assert "mitigation started: drain_replica of gpu-7" in text
    assert in_effect(incident.events) == ["drain_replica"]


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
        incident = add(incident, "learn", kind, value)
    text = draft_postmortem(add(incident, "learn", "automate", "pray"))
    factors = "- Cause: the provider failed\n- Trigger: a deploy of theirs\n- One provider.\n"
    assert f"## Contributing factors\n\n{factors}" in text
    assert "## What went wrong\n\n- It waited for a person.\n" in text
    items = text.partition("## Action items\n\n")[2].partition("\n\n")[0].splitlines()
    assert [item.partition(":")[0] for item in items] == ["- prevent", "- detect", "- mitigate"]
    assert "automates: fail_over" in items[2]


def test_facts_survive_the_file(tmp_path: Path) -> None:
    incident = OPEN
    words: dict[str, tuple[Any, ...]] = {
        "page": ("ana", 0, 1),
        "escalate": (),
        "rollback": ("fail_over",),
        "learn": ("factor", "one"),
        "look": ("errors",),
        "suspect": ("provider",),
        "ask": ("purge_cache",),
        "approval": ("purge_cache", True),
        "predict": (85.5,),
        "secure": ("call",),
    }
    assert set(words) == set(FACTS)
    for verb in words:
        incident = add(incident, verb, *words[verb])
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


# --- what each refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("page", ("",), "who must be a text that says something"),
        ("page", ("ana", -1), "step must be a whole number from 0, given -1"),
        ("page", ("ana", 0, True), "loop must be a whole number from 0"),
        ("rollback", (" ",), "mitigation must be a text"),
        ("learn", ("gossip", "x"), "kind must be one of cause, segment,"),
        ("learn", ("lucky", ""), "value must be a text"),
        ("look", ("",), "reading must be a text"),
        ("suspect", (7,), "cause must be a text"),
        ("approval", ("x", "yes"), "granted must be True or False, given 'yes'"),
        ("predict", (10**400,), "percent must be a number from 0 to 100"),
        ("predict", (101,), "percent must be a number from 0 to 100, given 101"),
        ("predict", (float("nan"),), "percent must be a number from 0 to 100"),
        ("predict", (True,), "percent must be a number from 0 to 100"),
        ("predict", ("85",), "percent must be a number from 0 to 100"),
        ("secure", ("hide",), "step must be one of restrict, preserve, call"),
        ("update", ("x", "fine"), "status must be one of investigating,"),
        ("update", ("x", None, -1), "percent must be a number from 0 to 100"),
    ],
)
def test_bad_input_is_refused_with_what_was_given(
    verb: str, words: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        add(OPEN, verb, *words)


# --- what people type is taken for no fact -------------------------------------------------------


def points(*, ic: str = "ana", note: str = "all looks fine now") -> dict[str, int]:
    """The points of a good night, by dimension, with somebody in command and a note."""
    night = f"""
        153 ack
        154 triage sev1 {ic}
        154 apply fail_over
        154 apply serve_cached
        156 apply serve_degraded
        158 note {note}
        159 mitigated
    """
    result = score(incident_of(scripted(script(night))), incident_of(reference))
    return {dimension.name: dimension.points for dimension in result.dimensions}


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
    assert points(note=text) == points()


@pytest.mark.parametrize("name", ["pager", "alerts", "metrics"])
def test_a_person_may_be_called_anything(name: str) -> None:
    assert points(ic=name) == points()
