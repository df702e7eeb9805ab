"""Scripts of a shift: read from a file, and played as a person would play them."""

from __future__ import annotations

from pathlib import Path

import pytest
from played_shifts import SCENARIO, incident_of
from typed_actions import script

from oncall.gameday.reference import reference
from oncall.gameday.scoring import score
from oncall.gameday.script import ScriptLine, read_script, scripted
from oncall.gameday.shift import run_shift
from oncall.incident import Incident

GOOD_NIGHT = """
# a good night
150 look
153 ack
156 triage sev1 ana comms=bo
156 update We are working on it.
156 apply fail_over
158 apply serve_cached
160 apply serve_degraded
161 mitigated
161 update It works again.
191 resolve
191 learn factor All requests go to one provider.
191 learn well The first person paged answered.
191 learn wrong It waited for a person.
191 learn lucky The secondary provider had room.
191 learn automate fail_over
191 learn automate serve_cached
191 learn automate serve_degraded
251 close
"""
QUICKER_THAN_ANY_PAGE = """
133 declare
133 ack
133 triage sev1
133 update Half.
133 apply fail_over
135 apply serve_cached
137 apply serve_degraded
138 mitigated
138 update It works.
170 resolve
171 learn factor One provider.
171 learn well One provider.
171 learn wrong One provider.
171 learn lucky One provider.
171 learn automate fail_over
171 learn automate serve_cached
171 learn automate serve_degraded
172 close
"""


@pytest.fixture
def good_night(tmp_path: Path) -> Path:
    path = tmp_path / "night.txt"
    path.write_text(GOOD_NIGHT, encoding="utf-8")
    return path


# --- reading -------------------------------------------------------------------------------------


def test_a_script_is_lines_or_json(good_night: Path, tmp_path: Path) -> None:
    json = '[[150, "look"], [153, "ack"], [156, "triage", "sev1", "ana", "comms=bo"]]'
    (tmp_path / "night.json").write_text(json)
    triage = ScriptLine(156, "triage", ("sev1", "ana", "comms=bo"))
    expected = (ScriptLine(150, "look"), ScriptLine(153, "ack"), triage)
    assert read_script(tmp_path / "night.json") == expected == read_script(good_night)[:3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 look\nack", "line 2: 'ack' is not a step"),
        ("1 look\n2 pray", "line 2: unknown action 'pray'"),
        ("1 look\n\n2 apply", "line 3: give: apply NAME"),
        ("9999999 look", "line 1: '9999999 look' is not a step"),
        ('[[1, "look"], 7]', r"entry 2: given 7; write a list"),
        ('[{"1": 1}]', "entry 1: given"),
        ("[1, ", "bad.txt: not JSON"),
        ("[1,\n2, ", "line 2: not JSON"),
        ("² ack", "line 1: '² ack' is not a step"),  # which is a digit, but no number
        ("1 look\n١٥٣ ack", "line 2: '١٥٣ ack' is not a step"),
        ('[["²", "ack"]]', "entry 1: '² ack' is not a step"),
        ("9" * 5000 + " ack", "line 1: '9{199}… and so on is not a step"),
        ('[[153.0, "ack"]]', "entry 1: '153.0 ack' is not a step"),
        ('[[true, "ack"]]', "entry 1: 'True ack' is not a step"),
        ('[[1e400, "ack"], [2, "ack"]]', "bad.txt: 1e400 is not a finite number"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_with_its_line(
    text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_text(text)
    with pytest.raises(ValueError, match=why):
        read_script(tmp_path / "bad.txt")


# --- playing -------------------------------------------------------------------------------------


def test_a_script_that_plays_the_book_by_words_scores_as_the_reference_does(
    good_night: Path,
) -> None:
    mine, best = incident_of(scripted(read_script(good_night))), incident_of(reference)
    assert mine.metrics() == best.metrics()
    assert score(mine, best).points == 100


def test_people_quicker_than_any_page_lose_nothing() -> None:
    quick = incident_of(scripted(script(QUICKER_THAN_ANY_PAGE)))
    assert score(quick, incident_of(reference)).points == 100


def test_the_same_script_is_the_same_shift(good_night: Path) -> None:
    once, again = (run_shift(SCENARIO, 1, scripted(read_script(good_night))) for _ in range(2))
    assert once == again


def test_the_journal_of_words_is_legal_and_comes_back_from_disk(
    good_night: Path, tmp_path: Path
) -> None:
    incident = incident_of(scripted(read_script(good_night)))
    incident.save(tmp_path / "journal.jsonl")
    assert Incident.load(tmp_path / "journal.jsonl") == incident


def test_what_is_not_allowed_at_its_minute_is_told_and_the_script_goes_on() -> None:
    answers: list[str] = []
    too_early = script("10 ack\n151 apply fail_over\n151 ack")
    incident = incident_of(scripted(too_early, answers.append))
    refused_ack, refused_apply, ack = answers
    assert refused_ack == "not done: no incident is open; declare one, or wait for an alert"
    assert refused_apply.startswith("not done: INC-001 is detected: mitigate is not allowed")
    assert ack == "acknowledged"
    assert incident.state == "acknowledged"
