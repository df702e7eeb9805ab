"""Scripts of a shift: read from a file, and played as a person would play them."""

from __future__ import annotations

from dataclasses import replace
from json import dumps
from pathlib import Path

import pytest
from played_shifts import SCENARIO, incident_of, played
from typed_actions import script

from oncall.gameday.reference import reference
from oncall.gameday.script import ScriptLine, read_script, scripted
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.times import MINUTE

GOOD_NIGHT = """
# a good night
150 look
151 ack
151 triage sev1 ana ops=bo comms=chen
152 update investigating 50 Half of all answers fail, and we look into it.
155 look errors by upstream
157 suspect provider_fails
157 apply fail_over north
160 apply serve_cached
163 apply serve_degraded
168 mitigated
168 update monitoring It works again, and we go on watching it.
195 update monitoring All is well since half an hour ago.
202 resolve
202 update resolved It is over, and we write down what we learnt.
205 learn cause provider_fails
205 learn segment upstream=north
205 learn trigger none
205 learn onset 18:12
205 learn factor All requests go to one provider.
205 learn well The first person paged answered.
205 learn wrong It waited for a person.
205 learn lucky The secondary provider had room.
205 learn prevent split the traffic between two providers
205 learn detect alert on the errors of each provider
205 learn automate fail_over
205 learn automate serve_cached
205 learn automate serve_degraded
251 close
"""


@pytest.fixture
def good_night(tmp_path: Path) -> Path:
    path = tmp_path / "night.txt"
    path.write_text(GOOD_NIGHT, encoding="utf-8")
    return path


# --- reading -------------------------------------------------------------------------------------


def test_a_script_is_lines_or_json(good_night: Path, tmp_path: Path) -> None:
    triaged = ("sev1", "ana", "ops=bo", "comms=chen")
    json = f'[[150, "look"], [151, "ack"], {dumps([151, "triage", *triaged])}]'
    (tmp_path / "night.json").write_text(json)
    triage = ScriptLine(151, "triage", triaged)
    expected = (ScriptLine(150, "look"), ScriptLine(151, "ack"), triage)
    assert read_script(tmp_path / "night.json") == expected == read_script(good_night)[:3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 look\nack", "line 2: 'ack' is not a step"),
        ("1 look\n2 pray", "line 2: unknown action 'pray'"),
        ("1 look\n\n2 apply", "line 3: give: apply MITIGATION"),
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
    told: list[str] = []
    mine = run_shift(SCENARIO, 1, scripted(read_script(good_night), told.append))
    assert not [text for text in told if text.startswith("not done")]
    assert abs(mine.score.points - played(reference)[0].score.points) <= 3


def test_what_is_due_while_something_else_takes_its_time_is_done_as_soon_as_that_is_over() -> None:
    incident = incident_of(scripted(script("150 ack\n150 triage sev1\n150 note x\n151 note y")))
    [triaged] = incident.events_of("triage")
    assert [(note.at - triaged.at) // MINUTE for note in incident.events_of("note")] == [0, 0]
    assert (triaged.at - incident.events_of("acknowledge")[0].at) // MINUTE == 1


def test_people_quicker_than_any_page_lose_nothing(good_night: Path) -> None:
    rest = read_script(good_night)[1:]
    quarter_of_an_hour_earlier = [replace(line, minute=line.minute - 17) for line in rest]
    quick = [ScriptLine(133, "declare"), *quarter_of_an_hour_earlier]
    shift = run_shift(SCENARIO, 1, scripted(quick))
    assert shift.score.points >= played(reference)[0].score.points - 3
    [incident] = shift.incidents
    assert incident.state == "closed"
    assert {page.by for page in incident.events_of("page")} == {"ana"}  # no alert woke anybody


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
