"""What the toolkit writes into a postmortem by itself, which the lint has nothing to say about."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from incident_verbs import ARGUMENTS, PAGE, PATH_TO, SLO_999, START, after, do

from oncall.alerting import Alert
from oncall.catalogue import RUNBOOKS
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.shift import run_shift
from oncall.incident import IllegalTransition, Incident
from oncall.journal import LEARN_KINDS, SECURITY_STEPS, STATUSES
from oncall.mitigations import MITIGATIONS
from oncall.postmortem import automation, automations, draft_postmortem, write_postmortem
from oncall.postmortem_lint import lint_postmortem

PEOPLE = ["ana", "bo", "Wei Li", "pager"]
NEW = Incident("INC-001", "Answers fail", SLO_999, "unknown", START)


def remarks(text: str) -> list[str]:
    """What the lint says of a text, but for sections in which nothing is written yet."""
    findings = lint_postmortem(text, people=PEOPLE, lowest_sli=0.3)
    return [str(finding) for finding in findings if finding.rule != "missing-section"]


def remarks_on(incident: Incident) -> list[str]:
    """What the lint says of the postmortems that the toolkit writes of an incident."""
    items = automations(incident, "ana")
    bare = write_postmortem(incident, contributing_factors=(), action_items=items)
    return remarks(bare) + remarks(draft_postmortem(incident))


@pytest.mark.parametrize("symptom", [*RUNBOOKS, "unknown"])
@pytest.mark.parametrize("state", [state for state in PATH_TO if state != "new"])
def test_an_incident_in_any_state_is_told_without_a_remark(state: str, symptom: str) -> None:
    title = RUNBOOKS[symptom].title if symptom in RUNBOOKS else "99.9 % of answers within a second"
    incident = Incident("INC-001", title, SLO_999, symptom, START)
    assert remarks_on(after(PATH_TO[state], incident)) == []


@pytest.mark.parametrize(
    "script",
    [
        "detect false_alarm",
        "measure detect",
        "detect@-5 acknowledge triage mitigate mitigated@2 resolve reopen mitigate",
        "detect acknowledge triage mitigate rollback mitigate mitigated mitigate",
        "detect update sample note page escalate ask approval secure predict suspect",
        "note",
    ],
)
def test_silences_relapses_and_false_alarms_are_told_without_a_remark(script: str) -> None:
    assert remarks_on(after(script, NEW)) == []


KNOWN = st.sampled_from(sorted(MITIGATIONS))
WHO = st.sampled_from(PEOPLE)
SEVERITIES = st.sampled_from(["sev1", "sev2", "sev3"])
SAID: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "detect": st.sampled_from([(None,), (PAGE,), (Alert("ticket", "sev3", 1.2, "1x 3d/6h"),)]),
    "triage": st.tuples(SEVERITIES, WHO),
    "mitigate": st.tuples(KNOWN) | st.tuples(KNOWN, st.just("tenant 7")),
    "update": st.tuples(
        st.just("We look into it."), st.none() | st.sampled_from(STATUSES), st.none() | st.just(5)
    ),
    "measure": st.sampled_from([(0, 0), (0, 7), (50, 100), (99_999, 100_000), (100, 100)]),
    "page": st.tuples(WHO),
    "rollback": st.tuples(KNOWN),
    "learn": st.tuples(st.sampled_from(LEARN_KINDS), KNOWN),
    "ask": st.tuples(KNOWN),
    "approval": st.tuples(KNOWN, st.booleans()),
    "predict": st.tuples(st.integers(0, 100)),
    "secure": st.tuples(st.sampled_from(SECURITY_STEPS)),
}


@examples(60)
@given(st.data(), st.lists(st.sampled_from(sorted(ARGUMENTS)), min_size=1, max_size=20))
def test_whatever_happens_is_told_without_a_remark(data: st.DataObject, verbs: list[str]) -> None:
    incident = do(NEW, "note", minute=data.draw(st.integers(-90, 3000)))
    for verb in verbs:
        with contextlib.suppress(IllegalTransition):
            incident = do(incident, verb, *data.draw(SAID.get(verb, st.just(()))))
    assert remarks_on(incident) == []


@pytest.mark.parametrize("mitigation", MITIGATIONS)
def test_the_action_item_to_automate_a_mitigation_is_complete(mitigation: str) -> None:
    item = automation(after("detect", NEW), mitigation, "ana")
    assert remarks(f"## Action items\n\n- {item}") == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_shift_that_nobody_worked_is_told_without_a_remark(name: str) -> None:
    shift = run_shift(SCENARIOS[name], 7, lambda desk: None)
    assert [remarks_on(incident) for incident in shift.incidents] == [[] for _ in shift.incidents]


@pytest.mark.parametrize(
    "sentence",
    [
        "How many requests failed is not recorded.",
        "How many users were affected is not known.",
        "Nobody counted how many of our customers saw errors.",
        "It is open how few sessions were lost.",
    ],
)
def test_a_number_that_is_said_to_be_unknown_is_not_vague(sentence: str) -> None:
    assert remarks(f"## Impact\n\n{sentence}") == []


@pytest.mark.parametrize(
    "sentence", ["Many requests failed.", "Show us: many users were affected."]
)
def test_a_number_that_is_not_given_is_vague(sentence: str) -> None:
    (remark,) = remarks(f"## Impact\n\n{sentence}")
    assert remark.endswith("[vague-impact]")
