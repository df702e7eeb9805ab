"""Text: what somebody typed is one line, shows every sign in it, and is no markup."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from functools import cache
from pathlib import Path

import mistune
import pytest
from incident_verbs import START, after
from odd_texts import ODD_TEXTS, PLAIN

from oncall.cli.debrief import debrief
from oncall.cli.drill import status
from oncall.cli.layout import WIDTH
from oncall.cli.terminal import score_text, shift_text, table
from oncall.files import one_line, visible
from oncall.gameday import Desk, Shift, parse_scenario, reference, run_shift
from oncall.incident import Incident
from oncall.postmortem import ActionItem, read_action_items, write_postmortem
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import PromptCase, gate, save_case
from oncall.slo import SLO
from oncall.times import MINUTE

EVERY = pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
TAG = re.compile(r"<[^>]*>")


def test_controls_are_shown_and_what_people_write_stays() -> None:
    assert visible("\x1b[2J\u202ex\ud83d\x00\x9b") == r"\x1b[2J\u202ex\ud83d\x00\x9b"
    fine = "Zürich 🔥 👩‍👩‍👧 naïve\u00a0café\tא ب 日本\n"
    assert visible(fine) == fine
    assert one_line(" a\r\nb\u2028c\x0bd\x85e ") == "a b c d e"


# --- Markdown ------------------------------------------------------------------------------------


def item(text: str, owner: str = "ana") -> ActionItem:
    return ActionItem("prevent", text, owner, date(2025, 4, 1))


def typed_everywhere(text: str) -> Incident:
    """An incident in which every field that somebody types holds this text."""
    incident = Incident(text, text, SLO(text, 0.999), text, START)
    at = START + MINUTE
    incident = incident.detect(None, at=at, by=text).acknowledge(at=at, by=text)
    incident = incident.triage("sev1", text, at=at, by=text, comms=text, ops=text)
    incident = incident.note(text, at=at, by=text).update(text, "identified", 50, at=at, by=text)
    incident = incident.sample(text, text, text, at=at, by=text).suspect(text, at=at, by=text)
    incident = incident.learn("factor", text, at=at, by=text).page(text, at=at, by=text)
    incident = incident.mitigate(text, text, at=at, by=text).rollback(text, at=at, by=text)
    return incident.ask(text, at=at, by=text).approval(text, True, at=at, by=text)


def postmortem(text: str) -> str:
    sentences = [text, f"We saw {text} twice."]
    return write_postmortem(
        typed_everywhere(text),
        contributing_factors=sentences,
        went_well=sentences,
        went_wrong=sentences,
        lucky=sentences,
        action_items=[item(text), item(PLAIN)],
    )


@cache
def markdown() -> mistune.Markdown:
    plugins = ["strikethrough", "table", "math", "task_lists", "footnotes"]
    return mistune.create_markdown(escape=False, plugins=plugins)


def rendered(text: str) -> str:
    return str(markdown()(text))


@EVERY
def test_a_postmortem_has_the_structure_of_a_plain_one(text: str) -> None:
    assert TAG.findall(rendered(postmortem(text))) == TAG.findall(rendered(postmortem(PLAIN)))


@EVERY
def test_a_postmortem_shows_what_was_typed(text: str) -> None:
    shown = html.unescape(TAG.sub("", rendered(postmortem(text)))).splitlines()
    assert f"We saw {one_line(text)} twice." in shown
    assert one_line(text) in shown
    plain = [
        line.replace(PLAIN, "#") for line in TAG.sub("", rendered(postmortem(PLAIN))).splitlines()
    ]
    assert [line.replace(one_line(text), "#") for line in shown[4:9]] == plain[4:9]


USUAL = (
    "fail_over took 5 * 3 minutes at 99.9 %, a < b & c > d.",
    'See https://example.org/a_b?c=1&d=2#e (and [1]), which said "no".',
    "It cost $5, 1.5x of ~3 %; #3 and INC-001 are open - for now!",
)


@pytest.mark.parametrize("text", USUAL)
def test_a_usual_sentence_is_written_as_it_is(text: str) -> None:
    assert f"- {text}\n" in postmortem(text)


@EVERY
@pytest.mark.parametrize("owner", ["ana", "ana (owner: bo", r"C:\_x\\", "<b>*ana*</b>"])
def test_action_items_come_back_as_they_were_given(text: str, owner: str) -> None:
    items = (item(text, owner), item(f"{text} (owner: bo", owner), item(PLAIN))
    incident = after("detect")
    written = write_postmortem(incident, contributing_factors=[text], action_items=items)
    assert read_action_items(written) == items


def test_an_open_comment_in_a_note_does_not_hide_blame_from_the_lint() -> None:
    blame = "The operator broke it by mistake."
    incident = after("detect").note("see <!-- TODO", at=START + MINUTE, by="ana")
    written = write_postmortem(incident, contributing_factors=[blame], action_items=[item("x")])
    rules = {finding.rule for finding in lint_postmortem(written)}
    assert "blame-person" in rules
    assert not [found for found in lint_postmortem(written) if found.phrase == "Summary"]


# --- the terminal --------------------------------------------------------------------------------

FORM = """
name = {0}
title = {0}
start = 2025-03-04T08:00:00Z
length = "3h"
slo = {{ target = 0.99, name = {0} }}
traffic = {{ requests = 1200, errors = 0.003 }}
faults = [{{ symptom = "model_provider_outage", title = {0}, start = "30m", error_ratio = 0.4 }}]
red_herrings = [{{ at = "20m", text = {0} }}]
"""
IN_TOML = pytest.mark.parametrize(
    "text", [text for text in ODD_TEXTS.values() if "\ud83d" not in text]
)


@cache
def played(text: str) -> tuple[Shift, Desk]:
    scenario = parse_scenario(FORM.format(json.dumps(text)))
    desk = Desk(scenario, 1)
    desk.advance(40 * MINUTE)
    desk.declare(by="ana")
    return run_shift(scenario, 1, reference), desk


def lines(text: str) -> tuple[list[str], ...]:
    shift, desk = played(text)
    shown = (
        shift_text(shift, shift.score),
        table([shift]),
        status(desk),
        score_text(shift.score),
        debrief(shift, shift),
    )
    return tuple(visible(each).splitlines() for each in shown)


@IN_TOML
def test_a_shift_has_no_line_of_anybody_s_own_and_holds_80_columns(text: str) -> None:
    for mine, plain in zip(lines(text), lines(PLAIN), strict=True):
        assert max(map(len, mine)) <= WIDTH
        heads = [
            line[:12] for line in mine if re.match(r"[A-F]  |INC-|Score|The shift|\d\d:\d\d ", line)
        ]
        assert heads == [
            line[:12]
            for line in plain
            if re.match(r"[A-F]  |INC-|Score|The shift|\d\d:\d\d ", line)
        ]


@EVERY
def test_a_line_of_the_gate_is_one_line(text: str, tmp_path: Path) -> None:
    case = PromptCase(text, "q", "bad", "good", must_contain=("good",))
    save_case(case, tmp_path / "case.json")
    said = str(gate(tmp_path))
    assert "\n" not in said
    assert said.startswith(f"FAIL  {one_line(text)[:50]}")
    assert visible(said) == said
