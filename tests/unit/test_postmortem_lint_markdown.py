"""What the postmortem lint reads of Markdown: what is hidden, and where what is open ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.incident import Incident
from oncall.postmortem import write_postmortem
from oncall.postmortem_lint import lint_postmortem
from oncall.slo import SLO
from oncall.times import MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
NEW = Incident("INC-001", "Answers fail", SLO("availability", 0.99), "unknown", START)


def blamed(text: str) -> list[int]:
    """The lines on which Bob is blamed."""
    findings = lint_postmortem(text, people=["Bob"])
    return [finding.line for finding in findings if finding.rule == "blame-person"]


@pytest.mark.parametrize(
    "before",
    [
        "See <!-- TODO\n\n",
        "- see <!-- TODO\n- ",
        "- <!-- TODO\n- ",
        "1. one\n   <!-- TODO\n2. ",
        "| see <!-- TODO | x |\n| ",
        "## Why <!-- TODO\n",
        "See <!-- TODO, ",
        "<!-- one --> See <!-- two, ",
        "See\n    <!-- TODO\n\n",
        "<!--> ",
    ],
)
def test_a_comment_that_is_open_hides_only_what_it_hides_from_a_reader(before: str) -> None:
    assert blamed(f"{before}Bob broke prod.") == [before.count("\n") + 1]


@pytest.mark.parametrize(
    "before",
    [
        "- run\n  ```\n  make\n\n",
        "- ```\n  make\n- ",
        "- one\n  - ~~~\n    make\n  - ",
        "1.\t```sh\n\tmake\n2.\t",
        "```make``` is slow.\n\n",
        "See\n    ```\n\n",
        "## The `new\n",
        '## The "new\n',
        "| 12\" rack |\n| 'a |\n| `b |\n",
    ],
)
def test_code_or_a_quotation_that_is_open_ends_with_its_item_row_or_heading(before: str) -> None:
    last = "\" rack, 'a and `b"  # which would close them
    assert blamed(f"{before}Bob broke prod {last}") == [before.count("\n") + 1]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- TODO\n\nBob broke prod.",
        "See.\n   <!-- TODO\n\n- Bob broke prod.",
        "See <!-- Bob\nbroke prod. --> this.",
        "- <!-- Bob broke prod. -->",
        "- see\n\n  <!--\n\n  Bob broke prod.\n  -->",
        "```\nBob broke prod.",
        "- ```\n  Bob broke prod.\n  ```",
        "- run\n\n  ```sh\n  make\n\n  Bob broke prod.\n  ```",
        "````\n```\nBob broke prod.\n````",
        "~~~\n```\nBob broke prod.\n~~~",
        "- one\n\n      Bob broke prod.",
        "See.\n\n    Bob broke prod.",
    ],
)
def test_comments_and_code_hide_what_a_reader_of_the_page_does_not_read_as_prose(text: str) -> None:
    assert blamed(text) == []


@pytest.mark.parametrize(
    "before",
    [
        "<!-- one\n\ntwo --> ",
        "- ```\n  make\n  ```\n- ",
        "````\n```\n````\n",
        "~~~\nmake\n~~~~\n",
        "See `make` <!-- slow --> and ",
        "- one\n\n    ",
    ],
)
def test_what_follows_a_comment_or_code_that_is_closed_is_read(before: str) -> None:
    assert blamed(f"{before}Bob broke prod.") == [before.count("\n") + 1]


@examples(150)
@given(
    st.text() | st.lists(st.sampled_from(["<!--", "-->", "`", "~~~", '"', "'", "- "])).map("".join)
)
def test_no_bullet_hides_the_next(words: str) -> None:
    bullet = words.replace("\n", " ").replace("\r", " ")
    assert 2 in blamed(f"- {bullet}\n- Bob broke prod.")


@pytest.mark.parametrize(
    "words", ["see <!-- TODO", "<!-- TODO", "```", "~~~ see", '12" rack', "a `b"]
)
def test_no_note_title_or_sentence_hides_the_rest_of_a_postmortem(words: str) -> None:
    found = []
    for text in ("nothing", words):
        incident = Incident("INC-001", f"Answers {text}", NEW.slo, NEW.symptom, START)
        incident = incident.note(text, at=START + MINUTE, by="ana")
        written = write_postmortem(
            incident,
            contributing_factors=[text, "Bob broke prod by mistake."],
            went_wrong=[f"Nobody saw {text}"],
            action_items=[],
        )
        found.append([(finding.line, finding.rule) for finding in lint_postmortem(written)])
    assert found[0] == found[1]
    assert "blame-person" in {rule for _, rule in found[0]}


@pytest.mark.parametrize(
    "typed",
    [
        "**Bob** broke prod",
        "_Bob_ broke prod",
        "<!-- Bob broke prod -->",
        r"In C:\\* Bob broke *prod*",
        r"\<!-- Bob broke prod",
    ],
)
def test_what_somebody_typed_is_read_as_it_is_shown(typed: str) -> None:
    assert len(blamed(write_postmortem(NEW, contributing_factors=[typed], action_items=[]))) == 1
