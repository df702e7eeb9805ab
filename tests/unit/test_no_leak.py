"""Nothing at the desk knows what is wrong: not what it offers, refuses, prints or writes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from oncall.catalogue import CAUSES, RUNBOOKS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.causes import causes
from oncall.gameday.protocol import Game
from oncall.incident import Incident

SEEDS = range(1, 21)
ALWAYS = ("ack", "triage", "apply", "ask", "suspect", "secure", "learn", "update", "look", "page")
# Plain words of the trade that a cause's name or title shares with what anybody may read.
TYPED = {"nothing"}


def unnamed(cause: str, seed: int) -> Game:
    """A shift of this cause whose scenario does not tell its name."""
    scenario = replace(SCENARIOS["surprise"], name="tonight", title="Tonight.", causes=(cause,))
    return Game(scenario, seed)


def paged(game: Game) -> dict[str, Any]:
    """The reply that pages, or the last of the shift."""
    while True:
        reply = game.handle({"do": "wait", "words": ["60"]})
        if reply["stopped"]:
            return reply


@cache
def offered(cause: str, seed: int) -> str:
    """What may follow every action, at the page and once it is triaged."""
    game = unnamed(cause, seed)
    paged(game)
    found = []
    for words in (["ack"], ["triage", "sev2", "ana"]):
        game.handle({"do": words[0], "words": words[1:]})
        reply = game.handle({"do": "look"})
        found.append(reply["can"])
        for action in ALWAYS:
            found.append(game.handle({"do": "args", "words": [action]})["data"])
        for mitigation in game.handle({"do": "args", "words": ["apply"]})["data"]["next"]:
            if mitigation != "undo_change":  # whose values are the changes of that day
                found.append(game.handle({"do": "args", "words": ["apply", mitigation]})["data"])
        found.append(game.handle({"do": "runbook"})["data"])
    return json.dumps(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_offered_and_completed_does_not_depend_on_the_cause(seed: int) -> None:
    # Whether it can be resolved now depends on the SLI, which anybody sees.
    kinds = {re.sub(r'"resolve", ', "", offered(cause, seed)) for cause in causes()}
    assert len(kinds) == 1


def told(cause: str, seed: int) -> str:
    """Everything that is printed, refused or written until the end, of what is asked by all."""
    game = unnamed(cause, seed)
    texts = [json.dumps(game.greeting()), json.dumps(paged(game))]
    asked: list[list[str]] = [["ack"], ["triage", "sev2", "ana", "ops=bo"], ["hint"]]
    for thing in game.handle({"do": "args", "words": ["look"]})["data"]["next"]:
        asked.append(["look", thing])
        asked.append(["look", thing, "by", "region"])
    asked += [["check", str(n), book] for book in ("broken_change", "stale_index") for n in (1, 5)]
    asked += [["suspect", "x"], ["apply", "x"], ["resolve"], ["close"], ["rollback", "x"]]
    asked += [["apply", "fail_over", "south"], ["mitigated"], ["update", "We look into it now."]]
    asked += [["journal"], ["wait", "30"], ["learn", "factor", "One of many."], ["false_alarm"]]
    for do, *words in asked:
        reply = game.handle({"do": do, "words": words})
        for name in ("text", "error", "events", "data", "incidents"):
            texts.append(json.dumps(reply.get(name)))
    texts += [repr(incident) for incident in game.desk.incidents]
    return "\n".join(texts)


@pytest.mark.parametrize("name", causes())
def test_nothing_names_the_cause_before_the_end(name: str) -> None:
    cause = causes()[name]
    for seed in SEEDS:
        text = told(name, seed)
        # A refusal lists every cause, and every symptom, so one more or less would tell.
        words = {name: text.count(", ".join(CAUSES)), cause.title: 0}
        if cause.symptom in RUNBOOKS:
            words[RUNBOOKS[cause.symptom].title] = 0
        for word, times in words.items():
            assert word in TYPED or text.count(word) == times, (seed, word)


@pytest.mark.parametrize("name", causes())
def test_a_journal_of_the_shift_opens_with_an_unknown_symptom_and_a_neutral_title(
    name: str,
) -> None:
    game = unnamed(name, 5)
    paged(game)
    [incident] = game.desk.incidents
    assert isinstance(incident, Incident)
    assert incident.symptom == "unknown"
    title = incident.title
    assert title == "No requests arrive" or " burns its budget at " in title


def test_a_refusal_tells_the_same_under_every_cause() -> None:
    refusals = set()
    for name in causes():
        game = unnamed(name, 2)
        paged(game)
        for words in (["check", "9", "stale_index"], ["apply", "hedge"], ["suspect", "hm"]):
            refusals.add(game.handle({"do": words[0], "words": words[1:]})["error"])
    assert len(refusals) == 3


def test_before_the_end_there_is_no_score_and_after_it_all_is_told() -> None:
    game = unnamed("straggler", 1)
    assert "when the shift is over" in game.handle({"do": "score"})["error"]
    reply = game.handle({"do": "quit"})
    assert reply["over"]
    told_now = game.handle({"do": "score"})
    assert told_now["truth"]["cause"] == "straggler"
    assert told_now["truth"]["segment"].startswith("replica=g")
