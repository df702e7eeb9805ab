"""The lint on small postmortems of the structures that people use."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from oncall.postmortem import SECTIONS
from oncall.postmortem_lint import lint_postmortem

CORPUS = Path(__file__).parents[1] / "corpus" / "postmortems.md"
PEOPLE = ("Ana Lopez", "Bob", "Wei", "priya")
Found = set[tuple[int, str]]


class Document(NamedTuple):
    """A postmortem: which part of the corpus, the sections it has, and what is to be found."""

    part: str
    name: str
    sections: set[str]
    wanted: Found
    text: str


def documents() -> list[Document]:
    found = []
    for each in CORPUS.read_text(encoding="utf-8").split("=== ")[1:]:
        head, _, text = each.partition("\n")
        part, name, sections, wanted = (cell.strip() for cell in head.split("|"))
        pairs = (entry.split() for entry in wanted.split(";") if entry.strip())
        findings = {(int(line), rule) for line, rule in pairs}
        known = {"Follow-up tasks": "Action items"}
        names = {known.get(one.strip(), one.strip()) for one in sections.split(",") if one.strip()}
        found.append(Document(part, name, names, findings, text))
    return found


def found_in(document: Document) -> Found:
    findings = lint_postmortem(document.text, people=PEOPLE)
    return {(one.line, one.rule) for one in findings if one.rule != "missing-section"}


def sections_in(document: Document) -> set[str]:
    findings = lint_postmortem(document.text, people=PEOPLE, whole=True)
    return set(SECTIONS) - {one.phrase for one in findings if one.rule == "missing-section"}


UNSEEN = "held-out-6"  # on which nothing was tuned


@pytest.mark.parametrize("document", [one for one in documents() if one.part != UNSEEN])
def test_the_sections_that_are_there_are_known_by_what_people_call_them(document: Document) -> None:
    assert sections_in(document) == document.sections


HEADINGS = {
    "Impact of the incident": "Impact",
    "Customer impact of this outage": "Impact",
    "Impact on our users": "Impact",
    "Summary of the incident": "Summary",
    "Timeline of events": "Timeline (UTC)",
    "What went well during the incident": "What went well",
    "Action items for the service": "Action items",
    "Impact of the fix": None,
    "Summary of changes": None,
    "Timeline for hiring": None,
}


@pytest.mark.parametrize(("heading", "section"), HEADINGS.items())
def test_a_heading_may_say_of_what_it_tells(heading: str, section: str | None) -> None:
    findings = lint_postmortem(f"## {heading}\n\nIt held.\n", whole=True)
    missing = {one.phrase for one in findings if one.rule == "missing-section"}
    assert set(SECTIONS) - missing == ({section} if section else set())


BUILT = [one for one in documents() if one.part.startswith("build")]


@pytest.mark.parametrize("document", BUILT)
def test_what_it_finds_is_what_a_colleague_would(document: Document) -> None:
    assert found_in(document) == document.wanted


def test_precision_and_recall_on_structures_that_nobody_tuned_on() -> None:
    """What was to be found was written down before the lint was run on them.

    Of seven findings in "held-out" it made six, and at first two more: reasons and rules after a
    comma. In UNSEEN, whose authors call their sections as they like, it made twelve of fifteen, and
    one too many; it knows 10 of 22 sections, and takes nothing else for one.
    """
    held_out = [one for one in documents() if one.part in ("held-out", UNSEEN)]
    wanted = {(one.name, *pair) for one in held_out for pair in one.wanted}
    found = {(one.name, *pair) for one in held_out for pair in found_in(one)}
    assert len(found & wanted) / len(found) >= 0.7
    assert len(found & wanted) / len(wanted) >= 0.7
    there = {(one.name, section) for one in held_out for section in one.sections}
    known = {(one.name, section) for one in held_out for section in sections_in(one)}
    assert known <= there
    assert len(known) / len(there) >= 0.6
