"""The protocol of a drill: one JSON object a line, in and out, for anything that can play."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.player import Player
from oncall.gameday.protocol import MOST_LINE, Game, serve, unsealed
from oncall.gameday.reference import Responder
from oncall.gameday.scoring import JUDGES

STATE = {
    "ok", "at", "minutes", "text", "data", "events", "slis", "firing", "incidents", "current",
    "can", "stopped", "over",
}  # fmt: skip
ROOT = Path(__file__).parents[2]
DRILL = [sys.executable, "-m", "oncall", "drill", "--json"]


def game(name: str = "surprise", seed: int = 13) -> Game:
    return Game(SCENARIOS[name], seed)


def do(one: Game, action: str, *words: str, text: str = "") -> dict[str, Any]:
    request: dict[str, Any] = {"do": action, "words": list(words)}
    return one.handle(request | ({"text": text} if text else {}))


def until_page(one: Game) -> dict[str, Any]:
    while not (reply := do(one, "wait", "60"))["stopped"]:
        pass
    return reply


def lines(text: str, *options: str) -> list[dict[str, Any]]:
    """What the command answers to these lines."""
    run = subprocess.run([*DRILL, *options], input=text, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return [json.loads(line) for line in run.stdout.splitlines()]


# --- what is answered ----------------------------------------------------------------------------


def test_the_greeting_tells_what_is_played_and_how_it_is_scored() -> None:
    greeting = game().greeting()
    assert (greeting["oncall"], greeting["version"]) == ("drill", 1)
    assert (greeting["scenario"], greeting["seed"]) == ("surprise", 13)
    assert (greeting["at"], greeting["ends"]) == ("2025-11-04T16:00:00Z", "2025-11-05T00:00:00Z")
    assert greeting["score"] == [{"name": name, "of": most} for name, (most, _) in JUDGES.items()]
    assert sum(row["of"] for row in greeting["score"]) == 100


def test_a_reply_holds_what_there_is_to_see() -> None:
    one = game()
    reply = until_page(one)
    assert set(reply) == STATE
    assert reply["stopped"] == "page"
    assert [event["kind"] for event in reply["events"]][:2] == ["page", "fires"]
    assert reply["incidents"] == [
        {"id": "INC-001", "state": "detected", "severity": "sev3", "proposed": "sev3"}
    ]
    assert set(reply["slis"]) == {"availability", "first_token", "quality", "cost", "safety"}
    assert 0 < reply["slis"]["availability"]["1m"] < 0.9


def test_a_reading_is_rows_beside_the_usual_and_its_parts_add_up() -> None:
    one = game()
    until_page(one)
    whole = do(one, "look", "latency")["data"]
    assert whole["window"] == 10
    parts = do(one, "look", "errors", "by", "release")
    data = parts["data"]
    assert (data["thing"], data["by"], data["in"]) == ("errors", "release", {})
    assert parts["minutes"] == 2
    shares = {row["value"]: row["bad"] / row["total"] for row in data["rows"]}
    assert shares["r42"] > 0.2 > 0.01 > shares["r41"]
    inside = do(one, "look", "errors", "by", "region", "in", "release=r41")["data"]
    assert inside["in"] == {"release": "r41"}
    assert max(row["bad"] / row["total"] for row in inside["rows"]) < 0.01


def test_gauges_changes_and_runbooks_have_data_of_their_own() -> None:
    one = game()
    until_page(one)
    assert set(do(one, "look", "tokens")["data"]) == {"now", "usual"}
    changes = do(one, "look", "changes")["data"]
    assert {"id", "at", "kind", "what", "undo"} == set(changes[0])
    assert all(one["undo"] is None or one["undo"].startswith("apply ") for one in changes)
    book = do(one, "runbook", "poisoned_cache")["data"]
    assert {"name", "risk", "settle", "approval", "aim"} <= set(book["mitigations"][0])


def test_a_text_may_be_a_field_or_further_words() -> None:
    one = game()
    until_page(one)
    do(one, "ack")
    do(one, "triage", "sev2", "ana")
    do(one, "update", "investigating", "20", text="We look into failing answers.")
    do(one, "update", "identified", "20", "We", "know", "the", "cause.")
    told = one.desk.current.events_of("update")
    assert [event.get("text") for event in told] == [
        "We look into failing answers.", "We know the cause.",
    ]  # fmt: skip
    assert [event.get("percent") for event in told] == [20, 20]


def test_args_are_free_and_name_every_value() -> None:
    one = game()
    until_page(one)
    before = one.desk.now
    assert do(one, "args", "apply", "drain_region")["data"] == {
        "next": ["eu", "us", "asia"], "text": False,
    }  # fmt: skip
    assert "by" in do(one, "args", "look", "errors")["data"]["next"]
    assert do(one, "args", "update")["data"]["text"]
    assert one.desk.now == before


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "this is not JSON"),
        ("[" * 5_000, "this is not JSON"),
        ('"ack"', 'a request is an object with "do"'),
        ("{}", 'a request is an object with "do"'),
        ('{"do": 7}', 'a request is an object with "do"'),
        ('{"do": "ack", "words": "ana"}', '"words" must be a list of texts'),
        ('{"do": "ack", "words": [1]}', '"words" must be a list of texts'),
        ('{"do": "note", "text": 1}', '"text" must be a text'),
        ('{"do": "ack", "why": 1}', "a request has do, words and text, given why"),
        ('{"do": "aply"}', "did you mean 'apply'?"),
        ('{"do": "args"}', "args of which action?"),
        ('{"do": "score"}', "the score comes when the shift is over"),
        ('{"do": "look", "words": ["errors", "by", "mood"]}', "errors by outcome, region"),
        ('{"do": "look", "words": ["errors", "in", "region=mars"]}', "given 'region=mars'"),
        ('{"do": "wait", "words": ["-1"]}', "minutes are a whole number"),
        ("x" * (MOST_LINE + 1), "a request of 20,001 characters"),
    ],
)
def test_what_is_no_request_is_refused_and_costs_nothing(line: str, why: str) -> None:
    one = game()
    until_page(one)
    before, events = one.desk.now, one.desk.current.events
    reply = one.handle_line(line)
    assert set(reply) == {"ok", "error", "can"}
    assert why in reply["error"]
    assert reply["error"].count("\n") == 0
    assert (one.desk.now, one.desk.current.events) == (before, events)


def test_a_refusal_says_what_comes_first() -> None:
    one = game()
    until_page(one)
    assert do(one, "apply", "cap_retries")["error"].endswith("first ack, then triage")
    do(one, "ack")
    assert do(one, "mitigated")["error"].endswith("first triage")


def test_after_the_end_only_the_score_is_left() -> None:
    one = game()
    assert do(one, "end")["stopped"] == "end"
    assert "the shift is over" in do(one, "look")["error"]
    reply = do(one, "score")
    assert set(reply["score"]) == {"points", "dimensions"}
    assert set(reply["truth"]) == {"cause", "title", "segment", "onset"}
    assert do(one, "quit")["score"] == reply["score"]


# --- as a command --------------------------------------------------------------------------------


def test_a_transcript_replays_byte_for_byte_and_the_end_of_input_is_the_score() -> None:
    asked = ['{"do": "wait", "words": ["200"]}', "what?", '{"do": "ack"}', '{"do": "look"}']
    text = "\n".join(asked) + "\n"
    options = ("--scenario", "surprise", "--seed", "13")
    first = lines(text, *options)
    assert [reply.get("ok") for reply in first] == [None, True, False, True, True, True]
    assert "score" in first[-1]
    assert lines(text, *options) == first


def test_a_quit_ends_the_shift_and_tells_the_score_once() -> None:
    replies = lines('{"do": "quit"}\n{"do": "look"}\n', "--seed", "2")
    assert [reply.get("over") for reply in replies] == [None, True, None]
    assert replies[2]["score"]["points"] == 0


def test_a_sealed_file_is_known_by_its_hash_until_the_score(tmp_path: Path) -> None:
    sealed = tmp_path / "tonight.json"
    sealed.write_text('{"scenario": "surprise", "seed": 77, "salt": "x1"}')
    greeting, score = lines("", "--sealed", str(sealed))
    assert greeting["sealed"] == hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert "scenario" not in greeting
    assert "seed" not in greeting
    assert (score["scenario"], score["seed"]) == ("surprise", 77)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scenario": 1, "seed": 2}', '{"seed": true}'])
def test_a_sealed_file_that_names_no_shift_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^tonight"):
        unsealed(text.encode(), "tonight")


def test_the_reference_scores_in_another_process_what_it_scores_inside() -> None:
    inside = game("surprise", 7)
    Responder(inside.handle).run(lambda player: player.play())
    outside = subprocess.Popen(
        [*DRILL, "--scenario", "surprise", "--seed", "7"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert outside.stdin
    assert outside.stdout
    json.loads(outside.stdout.readline())

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        assert outside.stdin
        assert outside.stdout
        outside.stdin.write(json.dumps(request) + "\n")
        outside.stdin.flush()
        reply: dict[str, Any] = json.loads(outside.stdout.readline())
        return reply

    player: Player = Responder(ask)
    player.run(lambda player: player.play())
    result = ask({"do": "score"})
    outside.communicate()
    assert result["score"]["points"] == inside.score.points
    assert result == inside.handle({"do": "score"})


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("hash_seed", ["0", "7"])
def test_the_bytes_are_the_same_on_every_machine(zone: str, hash_seed: str) -> None:
    asked = '{"do": "wait", "words": ["200"]}\n{"do": "look", "words": ["logs"]}\n'
    environment = {"PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
    options = ["--scenario", "surprise", "--seed", "21"]
    run = subprocess.run(
        [*DRILL, *options], input=asked.encode(), capture_output=True, env=environment, check=True
    )
    digest = hashlib.sha256(run.stdout).hexdigest()
    assert digest == hashlib.sha256(_in_this_process(asked)).hexdigest()


def _in_this_process(asked: str) -> bytes:
    one, told = game("surprise", 21), []
    lines_in = iter(asked.splitlines())
    serve(one, lambda: next(lines_in, None), told.append)
    return "".join(told).encode()
