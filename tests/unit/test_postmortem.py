"""The written postmortem: all its sections, only what the journal holds, items to be read back."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import Alert
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.shift import run_shift
from oncall.incident import Incident
from oncall.postmortem import (
    ITEM_KINDS,
    SECTIONS,
    ActionItem,
    measured,
    read_action_items,
    write_postmortem,
)
from oncall.postmortem_lint import lint_postmortem
from oncall.slo import SLO
from oncall.times import HOUR, MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
NEW = Incident(
    "INC-001", "The model provider fails requests", SLO("availability", 0.99), "sunspots", START
)
PAGE = Alert("page", "sev1", 50.14, "14.4x 1h/5m")
DUE = date(2025, 4, 1)
ITEM = ActionItem("mitigate", "fail over by itself", "ana", DUE, "fail_over")
LEARNT = ("Contributing factors", "What went well", "What went wrong", "Where we got lucky")
UNKNOWN = ["- TTM: unknown", "- TTR: unknown", "- Impact: unknown"]
NASTY = "first line\n## Metrics\n\n- TTD: 0s\n```\n| a | b |\r\n# top\u2028## Impact\n"


def at(minute: float) -> datetime:
    return START + minute * MINUTE


def whole() -> Incident:
    """An incident with an event of every kind that a timeline can hold."""
    incident = NEW.detect(PAGE, at=at(18), by="alerts")
    incident = incident.measure(9000, 18_000, at=at(18), by="metrics")
    incident = incident.acknowledge(at=at(21), by="ana")
    incident = incident.triage("sev1", "ana", at=at(24), by="ana", comms="bo")
    incident = incident.update("We are on it.", at=at(24), by="bo")
    incident = incident.note("deploy looks fine", at=at(25), by="chen")
    incident = incident.sample("capital?", "Lyon", "Paris", at=at(26), by="chen")
    incident = incident.mitigate("fail_over", at=at(27), by="ana").mitigated(at=at(30), by="ana")
    incident = incident.resolve(at=at(60), by="ana").reopen(at=at(70), by="bo")
    incident = incident.mitigate("serve_cached", at=at(71), by="bo").mitigated(at=at(75), by="bo")
    return incident.measure(49_500, 50_000, at=at(80), by="metrics").resolve(at=at(100), by="ana")


def written(incident: Incident, **parts: Any) -> str:
    usual: dict[str, Any] = {"contributing_factors": ["One provider."], "action_items": [ITEM]}
    return write_postmortem(incident, **usual | parts)


def section(text: str, name: str) -> list[str]:
    """The lines of one section, blank ones left out."""
    body = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    return [line for line in body.splitlines() if line.strip()]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.M)


# --- structure -----------------------------------------------------------------------------------


def test_the_sections_are_the_ones_that_a_postmortem_needs() -> None:
    assert SECTIONS[:4] == ("Summary", "Impact", "Detection", "Timeline (UTC)")
    assert SECTIONS[4:8] == LEARNT
    assert SECTIONS[8:] == ("Action items", "Metrics")


@pytest.mark.parametrize("incident", [NEW, whole()], ids=["nothing happened", "all happened"])
def test_every_section_is_there_once_and_in_order(incident: Incident) -> None:
    text = written(incident)
    assert tuple(headings(text)) == SECTIONS
    assert text.startswith("# Postmortem INC-001: The model provider fails requests\n")


def test_it_ends_with_a_newline_and_holds_no_trailing_spaces() -> None:
    text = written(whole())
    assert text.endswith("\n")
    assert not re.search(r"[ \t]$", text, re.M)


def test_what_people_learnt_stands_in_its_own_section() -> None:
    text = written(whole(), went_well=["the ack"], went_wrong=["the wait"], lucky=["the hour"])
    assert section(text, "Contributing factors") == ["- One provider."]
    assert section(text, "What went well") == ["- the ack"]
    assert section(text, "What went wrong") == ["- the wait"]
    assert section(text, "Where we got lucky") == ["- the hour"]
    assert section(text, "Action items") == [f"- {ITEM}"]


def test_a_section_without_content_says_so() -> None:
    text = written(whole(), contributing_factors=[], action_items=[])
    for name in (*LEARNT, "Action items"):
        assert section(text, name) == ["Nothing recorded."]


def test_generators_will_do_for_lists() -> None:
    words = (word for word in ("a", "b"))
    text = written(whole(), contributing_factors=words, action_items=iter([ITEM]))
    assert section(text, "Contributing factors") == ["- a", "- b"]
    assert section(text, "Action items") == [f"- {ITEM}"]


@pytest.mark.parametrize("name", ["contributing_factors", "went_well", "went_wrong", "lucky"])
def test_one_text_where_a_list_belongs_is_refused_and_not_spelt_out(name: str) -> None:
    with pytest.raises(ValueError, match="list of sentences"):
        written(whole(), **{name: "One provider."})


@pytest.mark.parametrize("given", ["do it", ["do it"], [ITEM, "do it"]])
def test_an_action_item_that_is_only_a_text_is_refused(given: Any) -> None:
    wanted = r"action_items must be a list of ActionItem, given .*do it"
    with pytest.raises(ValueError, match=wanted):
        written(whole(), action_items=given)


@pytest.mark.parametrize("given", [None, ITEM, 5])
def test_anything_but_a_list_of_action_items_is_refused(given: Any) -> None:
    wanted = f"must be a list of ActionItem, given {given!r}; give e.g."
    with pytest.raises(ValueError, match=re.escape(wanted)):
        written(whole(), action_items=given)


@pytest.mark.parametrize("given", [None, 5, [5]])
def test_anything_but_a_list_of_sentences_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"['One provider.'], given {given!r}")):
        written(whole(), went_well=given)


def test_it_is_written_the_same_way_twice() -> None:
    assert written(whole()) == written(whole())


# --- texts that try to break it ------------------------------------------------------------------


def nasty(incident: Incident) -> Incident:
    incident = Incident(NASTY, NASTY, incident.slo, incident.symptom, incident.impact_start)
    incident = incident.detect(PAGE, at=at(1), by=NASTY).acknowledge(at=at(2), by=NASTY)
    incident = incident.triage("sev1", NASTY, at=at(3), by=NASTY, comms=NASTY)
    incident = incident.note(NASTY, at=at(4), by=NASTY).update(NASTY, at=at(4), by=NASTY)
    incident = incident.sample(NASTY, NASTY, NASTY, at=at(4), by=NASTY)
    return incident.mitigate(NASTY, at=at(5), by=NASTY)


def test_texts_with_newlines_and_markdown_do_not_break_the_structure() -> None:
    lists = dict.fromkeys(("contributing_factors", "went_well", "went_wrong", "lucky"), [NASTY] * 2)
    text = written(nasty(NEW), action_items=[ActionItem("detect", NASTY, "ana", DUE)], **lists)
    assert tuple(headings(text)) == SECTIONS
    assert len(re.findall(r"^# ", text, re.M)) == 1
    assert not re.search(r"^```", text, re.M)
    for name in SECTIONS[1:]:
        assert all(line.startswith("- ") for line in section(text, name)), name
    assert len(section(text, "Summary")) == 1


@pytest.mark.parametrize(
    "title", ["## Impact", "<!-- gone", "- a", "```", "> b", "| c |", "    code"]
)
def test_a_title_that_looks_like_markdown_opens_nothing(title: str) -> None:
    text = written(Incident("INC-001", title, NEW.slo, NEW.symptom, START))
    assert section(text, "Summary")[0].startswith("On 2025-03-04")


@examples(40)
@given(words=st.text(min_size=1).filter(str.strip))
def test_no_text_at_all_adds_or_hides_a_section(words: str) -> None:
    incident = NEW.detect(None, at=at(1), by="bo").note(words, at=at(2), by="bo")
    incident = incident.update(words, at=at(3), by="bo")
    text = written(incident, contributing_factors=[words], lucky=[words])
    lines = re.split(r"\r\n|\r|\n", text)  # as Markdown does, at newlines only
    assert tuple(line[3:] for line in lines if line.startswith("## ")) == SECTIONS
    assert len(section(text, "Timeline (UTC)")) == 4


# --- what the journal does not hold --------------------------------------------------------------


def test_an_incident_with_few_events_makes_nothing_up() -> None:
    text = written(NEW.detect(None, at=at(5), by="bo"))
    assert "is not recorded" in section(text, "Summary")[0]
    assert "Severity not decided." in section(text, "Summary")[0]
    assert "incident commander" not in text
    assert section(text, "Impact") == [
        "- Users felt it from 18:12:00 UTC; for how long is not recorded.",
        "- How many requests failed is not recorded.",
    ]
    assert section(text, "Metrics") == ["- TTD: 5m", "- TTA: unknown", *UNKNOWN]
    assert not re.search(r"\b0s?\b|\bNone\b|\bnan\b|0%", text)


def test_an_incident_that_nobody_noticed_yet_has_no_detection() -> None:
    text = written(NEW)
    assert section(text, "Detection") == ["Nothing recorded."]
    assert section(text, "Timeline (UTC)") == ["- 18:12:00 impact began"]
    assert section(text, "Metrics")[0] == "- TTD: unknown"
    assert not re.search(r"\b0s?\b|\bNone\b|\bnan\b|0%", text.replace("18:12:00", ""))


def test_a_person_who_noticed_is_no_alert_with_a_burn_of_nothing() -> None:
    text = written(NEW.detect(None, at=at(5), by="bo"))
    noticed = "- A person noticed it at 18:17:00 UTC, 5m after the impact began."
    assert section(text, "Detection") == [noticed]
    assert "burn" not in text


def test_measures_without_any_events_are_no_measure_of_failure() -> None:
    incident = NEW.detect(PAGE, at=at(5), by="alerts").measure(0, 0, at=at(6), by="metrics")
    assert "How many requests failed is not recorded." in section(written(incident), "Impact")[1]


def test_a_relapse_makes_the_end_unknown_again() -> None:
    incident = whole().reopen(at=at(110), by="bo")
    assert section(written(incident), "Metrics")[2:] == UNKNOWN


# --- what it does hold ---------------------------------------------------------------------------


def test_the_summary_says_what_when_how_long_how_severe_and_who_led() -> None:
    assert section(written(whole()), "Summary") == [
        "On 2025-03-04 at 18:12:00 UTC this began: The model provider fails requests. "
        "Users felt it for 1h15m. Severity sev1. ana was incident commander."
    ]


def test_the_summary_names_the_severity_and_the_commander_decided_last() -> None:
    incident = NEW.detect(PAGE, at=at(18), by="alerts").acknowledge(at=at(21), by="ana")
    incident = incident.triage("sev1", "ana", at=at(22), by="ana")
    incident = incident.triage("sev2", "bo", at=at(40), by="ana")
    [summary] = section(written(incident), "Summary")
    assert summary.endswith("Severity sev2. bo was incident commander.")


def test_the_impact_is_in_numbers() -> None:
    # 9,500 of 68,000 failed in 80 minutes: 13.97 %, 80 min ÷ 30 d × 13.97 = 2.587 %.
    assert section(written(whole()), "Impact") == [
        "- Users felt it from 18:12:00 UTC for 1h15m.",
        "- 9,500 of 68,000 requests failed (14%), measured until 19:32:00 UTC.",
        "- That is 2.59% of the error budget of an evenly loaded 30d at 99%.",
    ]
    assert measured(whole()) == (58_500, 68_000)


def test_a_budget_spent_many_times_over_is_still_readable() -> None:
    incident = Incident("INC-001", "gone", SLO("availability", 0.9999), "sunspots", START)
    incident = incident.detect(None, at=at(5), by="bo")
    text = written(incident.measure(0, 1000, at=START + 36 * HOUR, by="metrics"))
    # 36 h ÷ 720 h ÷ 0.0001 = 500 budgets.
    assert "- That is 50,000% of the error budget of an evenly loaded 30d at 99.99%." in text


def test_detection_before_the_impact_is_told_as_such() -> None:
    incident = NEW.detect(PAGE, at=at(-3), by="alerts").measure(90, 100, at=at(-2), by="metrics")
    text = written(incident)
    assert "3m before users felt it" in section(text, "Detection")[0]
    assert section(text, "Metrics")[0] == "- TTD: -3m"
    assert "budget" not in "".join(section(text, "Impact"))  # how long it lasted is not known
    times = [line[2:10] for line in section(text, "Timeline (UTC)")]
    assert times == ["18:09:00", "18:10:00", "18:12:00"]


def test_the_alert_that_noticed_it_is_named_with_its_burn() -> None:
    assert section(written(whole()), "Detection") == [
        "- An alert noticed it at 18:30:00 UTC, 18m after the impact began.",
        "- page sev1 on 14.4x 1h/5m, burn 50.1x.",
    ]


def test_every_event_has_its_line_in_the_timeline_in_order() -> None:
    assert section(written(whole()), "Timeline (UTC)") == [
        "- 18:12:00 impact began",
        "- 18:30:00 alerts: page sev1 on 14.4x 1h/5m, burn 50.1x",
        "- 18:30:00 metrics: measured: 9,000 of 18,000 requests good",
        "- 18:33:00 ana: acknowledged",
        "- 18:36:00 ana: sev1, ic ana, comms bo",
        "- 18:36:00 bo: update to users: We are on it.",
        "- 18:37:00 chen: deploy looks fine",
        "- 18:38:00 chen: sample kept of 'capital?'",
        "- 18:39:00 ana: mitigation started: fail_over",
        "- 18:42:00 ana: mitigated",
        "- 19:12:00 ana: resolved",
        "- 19:22:00 bo: reopened",
        "- 19:23:00 bo: mitigation started: serve_cached",
        "- 19:27:00 bo: mitigated",
        "- 19:32:00 metrics: measured: 49,500 of 50,000 requests good",
        "- 19:52:00 ana: resolved",
    ]


def test_recovery_by_itself_is_told_as_such() -> None:
    incident = NEW.detect(None, at=at(5), by="bo").resolve(at=at(9), by="bo", auto_recovered=True)
    last = section(written(incident), "Timeline (UTC)")[-1]
    assert last == "- 18:21:00 bo: resolved, recovered by itself"


def test_a_timeline_over_midnight_shows_the_dates() -> None:
    incident = NEW.detect(PAGE, at=at(18), by="alerts").acknowledge(at=START + 6 * HOUR, by="ana")
    text = written(incident)
    assert section(text, "Timeline (UTC)") == [
        "- 2025-03-04 18:12:00 impact began",
        "- 2025-03-04 18:30:00 alerts: page sev1 on 14.4x 1h/5m, burn 50.1x",
        "- 2025-03-05 00:12:00 ana: acknowledged",
    ]
    assert "noticed it at 2025-03-04 18:30:00 UTC" in text


def test_the_metrics_are_the_record_s() -> None:
    known = ["- TTD: 18m", "- TTA: 3m", "- TTM: 57m", "- TTR: 1h22m", "- Impact: 1h15m"]
    assert section(written(whole()), "Metrics") == known


# --- action items --------------------------------------------------------------------------------


def test_an_action_item_reads_as_kind_text_owner_and_date() -> None:
    text = "mitigate: fail over by itself (owner: ana, due: 2025-04-01, automates: fail_over)"
    assert str(ITEM) == text
    alert = ActionItem("detect", "alert", "bo", DUE)
    assert str(alert) == "detect: alert (owner: bo, due: 2025-04-01)"


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("kind", "fix", "prevent, mitigate, detect, process"),
        ("text", " ", "text must be a text that says something"),
        ("text", None, "text must be a text that says something"),
        ("owner", "", "owner must be a text that says something"),
        ("owner", "\n", "owner must be a text that says something"),
        ("owner", 7, "owner must be a text that says something"),
        ("owner", "ana, bo", "one person"),
        ("due", "2025-04-01", "due must be a date"),
        ("due", None, "due must be a date"),
        ("due", START, "due must be a date"),
        ("automates", "fail over", "mitigation's name"),
        ("automates", "", "mitigation's name"),
    ],
)
def test_a_broken_action_item_is_refused_with_the_reason(field: str, value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        ActionItem(**vars(ITEM) | {field: value})


words = st.text(min_size=1, max_size=30).filter(str.strip)
items = st.builds(
    ActionItem,
    st.sampled_from(ITEM_KINDS),
    words | st.just("hold (owner: bo, due: 2024-01-01)") | st.just(NASTY),
    words.filter(lambda text: "," not in text),
    st.dates(),
    st.none() | st.sampled_from(["fail_over", "serve_cached"]),
)


@examples(80)
@given(items=st.lists(items, max_size=4))
def test_action_items_come_back_from_the_text_as_they_were(items: list[ActionItem]) -> None:
    assert read_action_items(written(NEW, action_items=items)) == tuple(items)


def test_action_items_survive_an_editor_with_windows_line_ends() -> None:
    assert read_action_items(written(whole()).replace("\n", "\r\n")) == (ITEM,)


def test_items_elsewhere_in_the_text_are_not_action_items() -> None:
    text = written(whole(), contributing_factors=[str(ITEM)], lucky=[str(ITEM)], action_items=[])
    assert read_action_items(f"{text}\n## Appendix\n\n- {ITEM}\n") == ()


def test_lines_that_are_no_action_items_are_left_alone() -> None:
    others = f"intro\n- {ITEM}\n- prevent: someday\n- x: y (owner: z, due: soon)"
    text = written(whole()).replace(f"- {ITEM}", others)
    assert read_action_items(text) == (ITEM,)
    assert read_action_items(text.replace("2025-04-01", "2025-02-30")) == ()
    assert read_action_items("") == ()


# --- the reference shift's -----------------------------------------------------------------------


def test_the_reference_shift_s_postmortem_is_lint_clean() -> None:
    [incident] = run_shift(SCENARIOS["provider_outage"], 1, reference).incidents
    assert incident.postmortem
    assert lint_postmortem(incident.postmortem, people=["ana", "bo", "chen"]) == []
    assert {item.automates for item in read_action_items(incident.postmortem)} > {"fail_over"}


def test_the_postmortem_of_any_incident_has_no_missing_section() -> None:
    full = written(whole(), went_well=["a"], went_wrong=["b"], lucky=["c"])
    for text in (written(NEW), full):
        assert "missing-section" not in {finding.rule for finding in lint_postmortem(text)}


def test_times_below_a_second_do_not_break_it() -> None:
    incident = NEW.detect(PAGE, at=START + timedelta(seconds=51.84), by="alerts")
    assert section(written(incident), "Metrics")[0] == "- TTD: 51.84s"
