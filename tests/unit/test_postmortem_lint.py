"""The postmortem lint: a corpus of labelled sentences, the rules one by one, and any text."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.postmortem import SECTIONS
from oncall.postmortem_lint import lint_postmortem

CORPUS = Path(__file__).parents[1] / "corpus" / "blameless_sentences.tsv"
PEOPLE = ("Ana Lopez", "Bob", "Wei", "priya", "Will Stone")  # who the corpus takes as known
LOWEST_SLI = 0.42  # so "outage" is too strong a word throughout the corpus

CLEAN = """# Postmortem INC-001: model provider outage

## Summary

Between 23:48 and 00:37 UTC 4,310 of 8,600 requests failed.

## Impact

4,310 of 8,600 requests (50.1 %) failed; the lowest SLI was 42 %.

## Detection

The 14.4x rule paged at 23:48:52, 52 s after the start.

## Timeline (UTC)

- 23:48:52 pager: page, sev1
- 23:50:10 ana: acknowledge
- 23:58:00 ana: fail over to the secondary provider

## Contributing factors

- The retry loop failed to back off and filled the connection pool.
- The breaker's window was longer than the provider's time limit.

## What went well

- Ana acknowledged within two minutes.

## What went wrong

Nothing recorded.

## Where we got lucky

- At noon it would have hit twice as many users.

## Action items

- prevent: Open the circuit breaker by itself (owner: ana, due: 2024-12-20, automates: fail_over)

## Metrics

TTD 52 s, TTA 78 s, TTM 10 min.
"""


def rules(text: str, **known: object) -> list[str]:
    return [finding.rule for finding in lint_postmortem(text, **known)]  # type: ignore[arg-type]


def under(section: str, text: str) -> list[str]:
    """The rules found in a text in a section, but for the sections that are missing."""
    return [rule for rule in rules(f"## {section}\n\n{text}") if rule != "missing-section"]


# --- the corpus ----------------------------------------------------------------------------------


def corpus() -> list[dict[str, str]]:
    with open(CORPUS, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def rules_expected(row: dict[str, str]) -> set[str]:
    return set(row["rule"].split("+")) if row["label"] == "flag" else set()


def rules_found(row: dict[str, str]) -> set[str]:
    sentence, section = row["sentence"].replace("\\n", "\n"), row["section"]
    text = f"## {section}\n\n{sentence}" if section else sentence
    found = set(rules(text, people=PEOPLE, lowest_sli=LOWEST_SLI))
    return found - {"missing-section"} if section else found


def test_the_corpus_is_large_and_half_of_it_are_traps() -> None:
    rows = corpus()
    traps = [row for row in rows if row["label"] == "ok"]
    assert len(rows) >= 140
    assert {row["label"] for row in rows} == {"flag", "ok"}
    assert 0.45 <= len(traps) / len(rows) <= 0.55
    assert len({row["sentence"] for row in rows}) == len(rows)


UNSEEN = "held-out-6"  # on which nothing was tuned


def test_precision_and_recall_on_the_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    """Counted by sentence and rule: a finding of the wrong rule is one miss and one false alarm.

    The phrases were written on the parts "build", "build-2", "held-out" and "held-out-2". Then, and
    before anything was mended, "held-out-3" and "held-out-4" together gave precision 0.98 and
    recall 0.93. "held-out-5" has the kinds that were missed until then: precision 0.50 and recall
    0.19 before "build-3" was written for them, 0.86 and 0.75 after, by this part alone. Expect that
    of sentences of a new kind. "held-out-6", eighty sentences of kinds that no part before it has,
    gave 0.79 and 0.37, and 0.86 and 0.46 after "build-4", "build-5" and what "held-out-5" lacked
    were mended.
    """
    precision, recall, wrong = measured_on([row for row in corpus() if row["part"] != UNSEEN])
    with capsys.disabled():
        print("\nlint_postmortem on the sentences of the corpus: ", end="")
        print(f"precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.98, wrong
    assert recall >= 0.98, wrong
    precision, recall, wrong = measured_on([row for row in corpus() if row["part"] == UNSEEN])
    assert precision >= 0.85, wrong
    assert recall >= 0.45, wrong


def measured_on(rows: list[dict[str, str]]) -> tuple[float, float, list[str]]:
    """Precision, recall, and what is wrong."""
    hits = false_alarms = misses = 0
    wrong = []
    for row in rows:
        expected, found = rules_expected(row), rules_found(row)
        hits += len(expected & found)
        false_alarms += len(found - expected)
        misses += len(expected - found)
        if expected != found:
            wrong.append(f"{row['sentence']}: wanted {sorted(expected)}, got {sorted(found)}")
    return hits / (hits + false_alarms), hits / (hits + misses), wrong


# --- people and systems --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["Redis broke.", "The canary failed to start.", "Ana acknowledged the page at 23:50."]
)
def test_systems_may_break_and_people_may_act(text: str) -> None:
    assert rules(text, people=["Ana"]) == []


def test_bob_may_not_break_prod() -> None:
    (finding,) = lint_postmortem("Bob broke prod.", people=["Bob"])
    assert (finding.line, finding.phrase, finding.rule) == (1, "Bob broke", "blame-person")
    assert "system" in finding.suggestion


@pytest.mark.parametrize(
    "name", ["Jenkins", "Kafka", "Alexa", "Claude", "Grafana", "Ray", "Flink", "Ada", "Oscar"]
)
def test_a_product_is_a_person_only_where_listed(name: str) -> None:
    assert rules(f"{name} misread the config.") == []
    assert rules(f"{name} misread the config.", people=[name]) == ["blame-person"]


def test_a_listed_name_counts_whole_first_and_last_and_in_any_case() -> None:
    for name in ("Ana Lopez", "Ana", "Lopez", "ana"):
        assert rules(f"{name} misread the config.", people=["Ana Lopez"]) == ["blame-person"]


def test_a_name_that_is_also_a_word_needs_its_capital() -> None:
    assert rules("Will missed the page.", people=["Will"]) == ["blame-person"]
    assert rules("This will, as before, crashed or not, drain.", people=["Will"]) == []


def test_a_name_that_the_text_gives_a_role_is_a_person() -> None:
    assert rules("Dmitri broke the tokenizer.") == []
    assert rules("IC: Dmitri\n\nDmitri broke the tokenizer.") == ["blame-person"]


def test_the_script_of_a_person_may_fail() -> None:
    assert rules("The script run by Bob failed to start.", people=["Bob"]) == []
    assert rules("The rollout was started by the engineer who broke staging.") == ["blame-person"]


def test_a_name_alone_is_not_a_list_of_names() -> None:
    with pytest.raises(ValueError, match=r"given 'Bob'; give \['Bob'\]"):
        lint_postmortem("Bob broke prod.", people="Bob")


# --- where a rule looks --------------------------------------------------------------------------


def test_quotations_and_code_are_left_alone() -> None:
    quoted = ["`Bob broke prod`", '"Bob broke prod"', "“Bob broke prod”", "'Bob broke prod'"]
    code = ["```\nbob broke prod\n```", "~~~\nbob broke prod\n~~~", "\n    bob broke prod"]
    for text in [*quoted, "> Bob broke prod", *code, "<!-- bob broke prod -->"]:
        assert rules(text, people=["Bob"]) == [], text


def test_a_quotation_mark_that_is_never_closed_hides_nothing() -> None:
    in_a_list = '- a 12" rack\n- Bob broke prod\n- a 14" rack'
    in_paragraphs = 'A 12" rack.\n\nBob broke prod.\n\nA 14" rack.'
    for text in (in_a_list, in_paragraphs):
        assert rules(text, people=["Bob"]) == ["blame-person"]


def test_an_address_is_no_handle() -> None:
    assert rules("Mail to bob@example.com broke.") == rules("p99 @ broke at 14:02.") == []
    assert rules("(@bob.lee broke it)") == ["blame-person"]


def test_what_follows_a_quotation_is_read_again() -> None:
    assert rules("```\nlog\n```\nBob broke prod.", people=["Bob"]) == ["blame-person"]
    assert rules("The log says 'it's late'; Bob broke prod.", people=["Bob"]) == ["blame-person"]


def test_a_sentence_may_run_over_lines_and_wear_emphasis() -> None:
    (finding,) = lint_postmortem("All was well until\n**Bob**\nbroke prod.", people=["Bob"])
    assert finding.line == 2


def test_blame_inside_a_timeline_bullet_is_found() -> None:
    bullet = "- 23:52:00 ana: the operator misread the graph"
    assert under("Timeline (UTC)", bullet) == ["blame-person"]


def test_what_could_have_been_belongs_to_luck_and_action_items() -> None:
    sentence = "- A longer batch would have filled the disk (owner: ana, due: 2024-12-20)"
    assert under("What went wrong", sentence) == ["counterfactual"]
    assert under("Where we got lucky", sentence) == []
    assert under("Action items", sentence) == []


def test_vague_impact_is_looked_for_where_impact_is_told() -> None:
    sentence = "Some users were affected."
    assert rules(sentence) == ["vague-impact"]
    assert under("Impact", sentence) == ["vague-impact"]
    assert under("Summary", sentence) == ["vague-impact"]
    assert under("Timeline", sentence) == []


def test_a_number_makes_the_impact_precise_and_a_time_of_day_does_not() -> None:
    assert under("Impact", "Some customers saw errors: 312 of 90,400 orders failed.") == []
    assert under("Impact", "Several clients lost answers, 40 paying customers among them.") == []
    assert under("Impact", "From 18:12 to 18:41 many requests failed.") == ["vague-impact"]


@pytest.mark.parametrize(
    ("lowest_sli", "expected"), [(None, []), (0.0, []), (math.nan, []), (0.3, ["not-an-outage"])]
)
def test_outage_is_too_strong_unless_the_sli_reached_zero(
    lowest_sli: float | None, expected: list[str]
) -> None:
    assert rules("The outage began at 23:48.", lowest_sli=lowest_sli) == expected


def test_a_lowest_sli_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match=r"did you mean 0\.42"):
        lint_postmortem("The outage began at 23:48.", lowest_sli=42)


# --- sections ------------------------------------------------------------------------------------


def test_a_clean_postmortem_has_no_findings() -> None:
    assert lint_postmortem(CLEAN, people=["ana"], lowest_sli=LOWEST_SLI) == []


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_is_missed_when_gone_and_when_empty(section: str) -> None:
    before, heading, rest = CLEAN.partition(f"## {section}\n")
    after = rest[rest.index("\n## ") :] if "\n## " in rest else ""
    (gone,) = lint_postmortem(before + after)
    assert (gone.line, gone.phrase, gone.rule) == (0, section, "missing-section")
    for filler in ("", "\nTBD\n", "\n<!-- to be written -->\n"):
        (empty,) = lint_postmortem(before + heading + filler + after)
        assert (empty.line, empty.rule) == (before.count("\n") + 1, "missing-section")


def test_headings_of_other_templates_are_understood() -> None:
    theirs = CLEAN.replace("Timeline (UTC)", "1. TIMELINE")
    theirs = theirs.replace("What went wrong", "What went poorly")
    theirs = theirs.replace("## Impact", "User impact\n---").replace("## Metrics", "**Metrics**")
    assert rules(theirs) == []


def test_a_root_cause_stands_for_the_contributing_factors_but_is_questioned() -> None:
    for heading in ("Root cause", "Root Cause(s)", "Root causes"):
        assert rules(CLEAN.replace("Contributing factors", heading)) == ["root-cause"]


def test_a_sentence_by_itself_is_told_of_no_sections() -> None:
    assert rules("It was human error.") == ["human-error"]


@pytest.mark.parametrize(
    "text", ["Fixed.", "F", "キャッシュが古い答えを返した。", "The cache was fixed in pm.md"]
)
def test_a_sentence_needs_no_number_of_words(text: str) -> None:
    assert lint_postmortem(text) == []


@pytest.mark.parametrize(
    "text", ["", "\n \n", "\r\n", "pm.md", "/srv/INC-7.md", r"C:\pm\7.txt", "a.md\n"]
)
def test_nothing_at_all_or_a_path_given_by_mistake_lacks_every_section(text: str) -> None:
    assert [finding.phrase for finding in lint_postmortem(text)] == list(SECTIONS)


@pytest.mark.parametrize(
    "text", ["", "TBD", "We fixed it.", "/srv/postmortems/INC-7.md", "We fixed it.\n\n- Well."]
)
def test_a_whole_text_lacks_its_sections_even_without_headings(text: str) -> None:
    assert [finding.phrase for finding in lint_postmortem(text, whole=True)] == list(SECTIONS)


def test_a_whole_text_with_all_sections_lacks_none() -> None:
    assert lint_postmortem(CLEAN, whole=True) == []


@pytest.mark.parametrize("text", [Path("pm.md"), b"## Summary", None])
def test_anything_but_a_text_is_refused(text: Any) -> None:
    wanted = r"text must be the postmortem itself, given .*; give e\.g\. path\.read_text\(\)"
    with pytest.raises(ValueError, match=wanted):
        lint_postmortem(text)


# --- action items --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item",
    [
        "- prevent: Cap the retries (owner: ana, due: 2024-12-20)",
        "1. Cap the retries. Owner: Ana. Due: 20 Dec 2024.",
        "- [ ] Cap the retries (@ana, by Dec 20)",
        "- Cap the retries (ana, 2024-12-20)",
        "- Cap the retries\n  - **Owner:** ana\n  - **Due:** 2024-12-20",
        "Cap the retries. Owner: ana. Due: 2024-12-20.",
        "| Action | Assignee | Deadline |\n|---|---|---|\n| Cap the retries | ana | 2024-12-20 |",
        "Nothing recorded.",
        "We agreed on these on Friday:\n\n- Cap the retries (owner: ana, due: 2024-12-20)",
    ],
)
def test_an_action_item_with_owner_and_date_is_fine(item: str) -> None:
    assert under("Action items", item) == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("- Cap the retries", ["no-owner", "no-date"]),
        ("- Cap the retries (owner: ?, due: 2024-12-20)", ["no-owner"]),
        ("- Cap the retries (owner: nobody, due: 2024-12-20)", ["no-owner"]),
        ("- Fix what broke on 2024-12-04 (owner: ana)", ["no-date"]),
        ("- Cap the retries (owner: ana, due: TBD)", ["no-date"]),
        ("| Action | Owner | Due |\n|---|---|---|\n| Cap retries | | 2024-12-20 |", ["no-owner"]),
        ("| Action |\n|---|\n| Cap the retries |", ["no-owner", "no-date"]),
        ("- A (owner: ana, due: 2024-12-20)\n- B (owner: ana)", ["no-date"]),
    ],
)
def test_an_action_item_lacks_its_owner_or_date(item: str, expected: list[str]) -> None:
    assert under("Action items", item) == expected


def test_an_action_item_is_known_without_its_heading() -> None:
    assert rules("- prevent: Add the alert that would have paged us (owner: ana)") == ["no-date"]


# --- any text ------------------------------------------------------------------------------------

MARKS = ["# ", "## ", "- ", "| ", "> ", "```", "~~~", "<!--", "-->", "    ", "\n", "\r\n", "`", '"']
ACTS = ["Bob ", "the engineer ", "he ", "@ana ", "who ", "and ", "by ", "broke ", "forgot "]
PHRASES = ["should have ", "outage ", "owner: ", "due: ", "2024-12-20", "some users ", "failed "]
SCRAPS = ["human error", ", ", ". ", "---", "\0", "'", "**", "_"]
WORDS = st.sampled_from([*SECTIONS, *MARKS, *ACTS, *PHRASES, *SCRAPS])
TEXTS = st.text(max_size=80) | st.lists(WORDS | st.text(max_size=5), max_size=40).map("".join)


@examples(100)
@given(TEXTS, st.lists(st.text(max_size=8), max_size=3))
def test_any_text_is_taken_and_every_finding_points_into_it(text: str, people: list[str]) -> None:
    findings = lint_postmortem(text, people=people, lowest_sli=0.5)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert [finding.line for finding in findings] == sorted(finding.line for finding in findings)
    for finding in findings:
        assert 0 <= finding.line <= lines
        assert finding.line or finding.rule == "missing-section"
        assert finding.why.endswith(".")
        assert finding.suggestion.endswith((".", "?", '"'))


@examples(60)
@given(TEXTS)
def test_windows_line_ends_change_nothing(text: str) -> None:
    text = text.replace("\r", "")
    windows = text.replace("\n", "\r\n")
    assert lint_postmortem(windows, lowest_sli=0.5) == lint_postmortem(text, lowest_sli=0.5)
