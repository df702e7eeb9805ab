"""Regression cases: an incident as a test that fails as it was, passes with the fix, and proves nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.alerting import Alert, google_policy
from oncall.catalogue import RUNBOOKS
from oncall.incident import Incident
from oncall.postmortem import ActionItem
from oncall.regression import (
    Case,
    Gate,
    PromptCase,
    ReplayCase,
    gate,
    judge_answer,
    load_case,
    prove,
    replay,
    save_case,
    to_eval_case,
    to_prompt_case,
)
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE

START = datetime(2025, 3, 4, 18, 12, tzinfo=UTC)
TWO_NINES = SLO("availability", 0.99)
SYMPTOM = "model_provider_outage"
MITIGATIONS = tuple(mitigation.name for mitigation in RUNBOOKS[SYMPTOM].mitigations)
SECOND = timedelta(seconds=1)


def outage(
    good: int = 500,
    total: int = 1000,
    *,
    slo: SLO = TWO_NINES,
    mitigated: float | None = 45,
    symptom: str = SYMPTOM,
) -> Incident:
    """An incident as people worked it: paged after 18 minutes, over after 45 unless told otherwise."""

    def at(minute: float) -> datetime:
        return START + minute * MINUTE

    incident = Incident("INC-001", "The model provider fails requests", slo, symptom, START)
    incident = incident.detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), at=at(18), by="alerts")
    incident = incident.measure(good, total, at=at(18), by="metrics").acknowledge(
        at=at(21), by="ana"
    )
    incident = incident.triage("sev1", "ana", at=at(24), by="ana").mitigate(
        "fail_over", at=at(25), by="ana"
    )
    return incident if mitigated is None else incident.mitigated(at=at(mitigated), by="ana")


def automating(*names: str) -> list[ActionItem]:
    return [
        ActionItem("mitigate", f"{name} by itself", "ana", date(2025, 4, 1), name) for name in names
    ]


def asked(good: str = "Paris, of course", bad: str = "Lyon") -> Incident:
    return outage().sample("What is the capital of France?", bad, good, at=START + HOUR, by="ana")


# --- from an incident to a replay case -----------------------------------------------------------


def test_a_replay_case_is_named_after_its_incident() -> None:
    assert to_eval_case(outage()).id == "regression-INC-001"


def test_it_holds_the_fault_and_the_slo_of_the_incident() -> None:
    case = to_eval_case(outage(400, 1000))
    assert (case.symptom, case.slo, case.error_ratio) == (SYMPTOM, TWO_NINES, 0.6)


@pytest.mark.parametrize(
    ("bad", "target", "minutes"),
    [
        (500, 0.99, 18),  # 17.28 min are 18 whole ones
        (600, 0.99, 15),  # 14.4
        (480, 0.99, 18),  # 18.0 stay 18
        (1000, 0.999, 1),  # 51.84 s
        (900, 0.95, 48),  # 48.0
        (650, 0.95, 167),  # 14.4x is above all that can burn; 6x/6h takes 166.15 min
    ],
)
def test_by_default_a_page_is_due_a_minute_after_the_detection_time_rounded_up(
    bad: int, target: float, minutes: int
) -> None:
    slo = SLO("availability", target)
    times = [
        rule.detection_time(slo, bad / 1000) for rule in google_policy() if rule.action == "page"
    ]
    earliest = min(time for time in times if time is not None)
    assert math.ceil(earliest / MINUTE) == minutes
    assert (
        to_eval_case(outage(1000 - bad, slo=slo, mitigated=None)).page_within
        == (minutes + 1) * MINUTE
    )


def test_limits_given_in_the_call_are_kept() -> None:
    case = to_eval_case(outage(), page_within=7 * MINUTE, restore_within=9 * MINUTE)
    assert (case.page_within, case.restore_within) == (7 * MINUTE, 9 * MINUTE)


@pytest.mark.parametrize("name", ["page_within", "restore_within"])
@pytest.mark.parametrize("length", [timedelta(), -MINUTE, 5])
def test_a_limit_of_nothing_or_less_is_refused_and_not_taken_for_the_default(
    name: str, length: Any
) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a timedelta above zero"):
        to_eval_case(outage(), **{name: length})


def test_the_worst_of_several_measures_is_the_fault() -> None:
    incident = outage(mitigated=None).measure(0, 0, at=START + 30 * MINUTE, by="metrics")
    incident = incident.measure(300, 1000, at=START + 31 * MINUTE, by="metrics")
    incident = incident.measure(999, 1000, at=START + 40 * MINUTE, by="metrics")
    assert to_eval_case(incident).error_ratio == 0.7


def test_without_a_measure_that_shows_the_fault_there_is_no_case() -> None:
    with pytest.raises(ValueError, match="INC-001 holds no measure that shows the fault"):
        to_eval_case(outage(1000, 1000))


def test_a_fault_that_no_page_rule_sees_is_no_case() -> None:
    with pytest.raises(ValueError, match="no page rule sees 6% failing"):
        to_eval_case(outage(940, 1000))


def test_a_symptom_without_a_runbook_is_named() -> None:
    with pytest.raises(ValueError, match="unknown symptom 'sunspots'"):
        to_eval_case(outage(symptom="sunspots"))


# --- fail to pass --------------------------------------------------------------------------------


def test_the_system_with_all_three_automations_passes() -> None:
    verdict = replay(to_eval_case(outage()), MITIGATIONS)
    assert verdict.passed
    assert verdict.paged_after == 18 * MINUTE
    assert verdict.restored_after == 23 * MINUTE  # and 2 + 2 + 1 to settle


def test_the_system_without_any_automation_fails_and_says_why() -> None:
    verdict = replay(to_eval_case(outage()))
    assert not verdict.passed
    assert "not restored within 25m" in verdict.why
    assert verdict.restored_after is None
    assert verdict.paged_after == 18 * MINUTE


@pytest.mark.parametrize("gone", MITIGATIONS)
@pytest.mark.parametrize("bad", [450, 700])
def test_with_any_one_automation_taken_away_it_fails_again(gone: str, bad: int) -> None:
    case = to_eval_case(outage(1000 - bad))
    assert replay(case, MITIGATIONS).passed
    assert not replay(case, [name for name in MITIGATIONS if name != gone]).passed


def test_the_order_in_which_automations_are_named_does_not_matter() -> None:
    case = to_eval_case(outage())
    assert replay(case, reversed(MITIGATIONS)) == replay(case, MITIGATIONS)


def test_automation_begins_with_the_page_and_not_with_the_fault() -> None:
    late = to_eval_case(outage(), page_within=HOUR, restore_within=18 * MINUTE)
    assert not replay(late, MITIGATIONS).passed


def test_an_unknown_automation_is_named() -> None:
    with pytest.raises(ValueError, match="unknown mitigation 'pray'"):
        replay(to_eval_case(outage()), ["pray"])


def test_one_automation_as_a_bare_text_is_refused_and_not_spelt_out() -> None:
    with pytest.raises(ValueError, match="automated must be a list of texts, given 'fail_over'"):
        replay(to_eval_case(outage()), "fail_over")


def test_a_case_that_allows_years_still_ends() -> None:
    verdict = replay(to_eval_case(outage(), restore_within=100_000 * DAY))
    assert not verdict.passed


def test_a_fault_within_target_is_never_paged() -> None:
    case = ReplayCase("mild", SYMPTOM, TWO_NINES, 0.01, HOUR, HOUR)
    assert replay(case).why == "not paged within 1h"
    assert replay(case).restored_after == MINUTE


# --- proving -------------------------------------------------------------------------------------


def test_the_incident_as_recorded_fails_its_case_and_the_fix_passes() -> None:
    verdict = prove(to_eval_case(outage()), outage(), automating(*MITIGATIONS))
    assert verdict.passed
    assert verdict.why.startswith("proved: ")


@pytest.mark.parametrize("gone", MITIGATIONS)
def test_it_is_not_proved_with_any_one_action_item_taken_away(gone: str) -> None:
    items = automating(*(name for name in MITIGATIONS if name != gone))
    verdict = prove(to_eval_case(outage()), outage(), items)
    assert not verdict.passed
    assert verdict.why.startswith("not proved: ")


def test_action_items_that_automate_nothing_prove_nothing() -> None:
    items = [ActionItem("process", "review the runbook every quarter", "ana", date(2025, 4, 1))]
    assert not prove(to_eval_case(outage()), outage(), items).passed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "regression-INC-002"),
        ("error_ratio", 0.49),
        ("slo", SLO("availability", 0.98)),
        ("slo", SLO("availability", 0.99, 28 * DAY)),
        ("slo", SLO("latency", 0.99)),
    ],
)
def test_a_case_that_differs_from_the_incident_is_refused_by_the_field(
    field: str, value: Any
) -> None:
    case = replace(to_eval_case(outage()), **{field: value})
    verdict = prove(case, outage(), automating(*MITIGATIONS))
    assert not verdict.passed
    assert verdict.why == f"not proved: the case differs from INC-001 in {field}"


def test_a_case_with_another_symptom_is_refused() -> None:
    other = next((symptom for symptom in RUNBOOKS if symptom != SYMPTOM), None)
    if other is None:
        pytest.skip("there is only one runbook as yet")
    verdict = prove(
        replace(to_eval_case(outage()), symptom=other), outage(), automating(*MITIGATIONS)
    )
    assert not verdict.passed


def test_an_incident_that_already_passes_as_recorded_is_refused() -> None:
    quick = outage(mitigated=25)
    verdict = prove(
        to_eval_case(quick, restore_within=25 * MINUTE), quick, automating(*MITIGATIONS)
    )
    assert not verdict.passed
    assert "as recorded passes" in verdict.why


def test_people_who_were_quick_still_get_a_case_that_their_record_fails() -> None:
    quick = outage(mitigated=25)
    assert to_eval_case(quick).restore_within == 24 * MINUTE
    assert prove(to_eval_case(quick), quick, automating(*MITIGATIONS)).passed


@pytest.mark.parametrize(
    ("good", "began", "mitigated", "why"),
    [
        (
            900,
            0,
            38,
            "they took 38m, and a page and any automation take at least 3h38m; a longer restore_within gates",
        ),
        (
            500,
            5,
            25,
            "they took 20m, and a page and any automation take at least 23m; a longer restore_within gates",
        ),
        (
            500,
            5,
            28,
            "they took 23m, and a page and any automation take at least 23m; a longer restore_within gates",
        ),
    ],
)
def test_people_quicker_than_a_page_and_any_automation_leave_no_case(
    good: int, began: int, mitigated: int, why: str
) -> None:
    quick = replace(outage(good, mitigated=mitigated), impact_start=START + began * MINUTE)
    with pytest.raises(ValueError, match=why):
        to_eval_case(quick)
    assert to_eval_case(quick, restore_within=HOUR).restore_within == HOUR


def test_a_default_that_only_a_part_of_the_runbook_meets_is_still_a_case() -> None:
    case = to_eval_case(outage(900, mitigated=220))
    assert not replay(case, MITIGATIONS).passed
    assert replay(case, ["serve_degraded"]).passed


def test_a_longer_limit_than_people_took_gates_the_automations_but_proves_nothing(
    tmp_path: Path,
) -> None:
    quick = replace(outage(mitigated=27), impact_start=START + 5 * MINUTE)
    save_case(case := to_eval_case(quick, restore_within=25 * MINUTE), tmp_path / "case.json")
    assert gate(tmp_path, automated=MITIGATIONS)
    assert "the incident as recorded passes" in prove(case, quick, automating(*MITIGATIONS)).why


def test_people_who_were_half_a_minute_slower_than_any_automation_get_a_case_that_it_meets() -> (
    None
):
    close = replace(outage(mitigated=28.5), impact_start=START + 5 * MINUTE)
    assert to_eval_case(close).restore_within == 23 * MINUTE
    assert prove(to_eval_case(close), close, automating(*MITIGATIONS)).passed


@pytest.mark.parametrize("mitigated", [None, 40])
@pytest.mark.parametrize(
    "symptom", ["slow_first_token", "quality_regression", "stale_index", "gpu_capacity"]
)
def test_a_fault_that_no_mitigation_mends_is_no_case(symptom: str, mitigated: float | None) -> None:
    with pytest.raises(
        ValueError, match=f"^nothing in the runbook of {symptom} restores 50% failing$"
    ):
        to_eval_case(outage(600, 1200, symptom=symptom, mitigated=mitigated))


def test_a_page_sooner_than_any_rule_can_is_the_caller_s_to_give_and_is_not_blamed_on_the_automations() -> (
    None
):
    case = to_eval_case(outage(), page_within=MINUTE)
    assert case.restore_within == to_eval_case(outage()).restore_within
    assert replay(case, MITIGATIONS).why == "not paged within 1m but after 18m"


def test_an_incident_never_mitigated_fails_as_recorded_so_that_the_fix_can_be_proved() -> None:
    endless = outage(mitigated=None)
    assert prove(to_eval_case(endless), endless, automating(*MITIGATIONS)).passed


def test_a_limit_that_nothing_can_meet_is_not_proved_by_the_fix() -> None:
    case = to_eval_case(outage(), restore_within=20 * MINUTE)
    verdict = prove(case, outage(), automating(*MITIGATIONS))
    assert not verdict.passed
    assert "not restored within 20m but after 23m" in verdict.why


def test_a_case_that_passes_with_nothing_automated_is_refused() -> None:
    case = ReplayCase(
        "regression-INC-001", SYMPTOM, SLO("availability", 0.5, HOUR), 0.4, HOUR, HOUR
    )
    incident = outage(600, 1000, slo=case.slo, mitigated=500)
    verdict = prove(case, incident, automating(*MITIGATIONS))
    assert not verdict.passed
    assert verdict.why == "not proved: it passes with nothing automated"


def test_a_foreign_automation_is_refused_by_its_name() -> None:
    verdict = prove(to_eval_case(outage()), outage(), automating(*MITIGATIONS, "reboot_everything"))
    assert not verdict.passed
    assert "reboot_everything is no mitigation of model_provider_outage" in verdict.why


# --- prompt cases --------------------------------------------------------------------------------


def test_a_prompt_case_holds_the_recorded_sample() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    assert (case.input, case.bad_output, case.good_output) == (
        "What is the capital of France?",
        "Lyon",
        "Paris, of course",
    )


def test_a_prompt_case_and_a_replay_case_of_one_incident_can_stand_side_by_side() -> None:
    assert to_prompt_case(asked(), must_contain=["Paris"]).id != to_eval_case(asked()).id


def test_the_last_sample_is_the_one() -> None:
    incident = asked().sample("And of Italy?", "Turin", "Rome", at=START + 2 * HOUR, by="ana")
    assert to_prompt_case(incident, must_contain=["Rome"]).input == "And of Italy?"
    verdict = prove(to_prompt_case(asked(), must_contain=["Paris"]), incident)
    assert (
        verdict.why == "not proved: the case differs from INC-001 in input, bad_output, good_output"
    )


@pytest.mark.parametrize("demands", [{"must_contain": ["Paris"]}, {"must_not_contain": ["Lyon"]}])
def test_the_recorded_bad_output_fails_and_the_good_one_passes(demands: dict[str, Any]) -> None:
    case = to_prompt_case(asked(), **demands)
    assert not judge_answer(case, case.bad_output).passed
    assert judge_answer(case, case.good_output).passed
    assert prove(case, asked()).passed


@pytest.mark.parametrize(
    ("demands", "why"),
    [
        ({"must_contain": ["Lyon"]}, "recorded bad output passes"),
        ({"must_not_contain": ["Rome"]}, "recorded bad output passes"),
        ({"must_contain": ["Paris", "Seine"]}, "recorded good output fails: 'Seine' is missing"),
        ({"must_not_contain": ["Lyon", "course"]}, "recorded good output fails: 'course' is there"),
    ],
)
def test_demands_that_do_not_tell_bad_from_good_are_refused(
    demands: dict[str, Any], why: str
) -> None:
    verdict = prove(to_prompt_case(asked(), **demands), asked())
    assert not verdict.passed
    assert why in verdict.why


def test_demands_do_not_mind_case() -> None:
    case = to_prompt_case(asked(), must_contain=["PARIS"], must_not_contain=["lyon"])
    assert judge_answer(case, "paris").passed
    assert not judge_answer(case, "PARIS, not LYON").passed


def test_every_broken_demand_is_named() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris", "Seine"], must_not_contain=["Lyon"])
    why = judge_answer(case, "Lyon").why
    assert all(
        text in why for text in ("'Paris' is missing", "'Seine' is missing", "'Lyon' is there")
    )


def test_a_demanded_latency_must_be_known_and_met_exactly_at_the_limit_too() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"], max_latency=2 * SECOND)
    assert judge_answer(case, ("Paris", 2 * SECOND)).passed
    assert not judge_answer(case, ("Paris", 2.001 * SECOND)).passed
    assert not judge_answer(case, "Paris").passed


def test_a_latency_was_not_recorded_so_it_does_not_stand_in_the_way_of_the_proof() -> None:
    assert prove(
        to_prompt_case(asked(), must_contain=["Paris"], max_latency=SECOND), asked()
    ).passed


def test_without_a_sample_there_is_no_prompt_case_and_no_proof_of_one() -> None:
    case = to_prompt_case(asked(), must_contain=["Paris"])
    for use in (
        lambda: to_prompt_case(outage(), must_contain=["Paris"]),
        lambda: prove(case, outage()),
    ):
        with pytest.raises(ValueError, match="INC-001 holds no sample"):
            use()


@pytest.mark.parametrize(
    "demands", [{}, {"max_latency": SECOND}, {"must_contain": [], "must_not_contain": ()}]
)
def test_a_prompt_case_that_demands_nothing_of_the_words_is_refused(
    demands: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="any answer passes"):
        to_prompt_case(asked(), **demands)


@pytest.mark.parametrize(
    "demands", [{"must_contain": "Paris"}, {"must_not_contain": "Lyon"}, {"must_contain": [""]}]
)
def test_a_bare_or_an_empty_text_as_demand_is_refused(demands: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a list of texts"):
        to_prompt_case(asked(), **demands)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "regression-INC-002-prompt"),
        ("input", "capital?"),
        ("bad_output", "Lille"),
        ("good_output", "Paris!"),
    ],
)
def test_a_prompt_case_that_differs_from_the_sample_is_refused(field: str, value: Any) -> None:
    case = replace(to_prompt_case(asked(), must_contain=["Paris"]), **{field: value})
    assert not prove(case, asked()).passed


# --- on disk -------------------------------------------------------------------------------------

lengths = st.integers(1, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
texts = st.text(min_size=1, max_size=20)
# A lone surrogate has no UTF-8 form, and a case is a UTF-8 file.
texts = texts.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
replay_cases = st.builds(
    ReplayCase,
    texts,
    st.sampled_from(sorted(RUNBOOKS)),
    st.builds(
        SLO, texts.filter(str.strip), st.sampled_from([0.9, 0.95, 0.99, 0.999, 0.9995]), lengths
    ),
    st.floats(1e-9, 1),
    lengths,
    lengths,
)
prompt_cases = st.builds(
    PromptCase,
    texts,
    texts,
    texts,
    texts,
    st.lists(texts, min_size=1, max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
    st.none() | lengths,
)


@examples(30)
@given(case=replay_cases | prompt_cases)
def test_a_case_comes_back_from_its_file_as_it_was(
    case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "one-case.json"
    save_case(case, file)
    assert load_case(file) == case


def test_the_folder_of_a_case_is_made(tmp_path: Path) -> None:
    save_case(to_eval_case(outage()), tmp_path / "evals" / "new" / "INC-7.json")
    save_case(to_eval_case(outage()), tmp_path / "evals" / "INC-8.json")
    assert len(gate(tmp_path / "evals").verdicts) == 2


def saved(original: Case, path: Path, **changed: Any) -> Path:
    """A case in a file, with fields of its JSON changed; ``None`` takes the field out."""
    save_case(original, path)
    record = json.loads(path.read_text(encoding="utf-8")) | changed
    path.write_text(
        json.dumps({key: value for key, value in record.items() if value is not None}),
        encoding="utf-8",
    )
    return path


def test_a_file_holds_one_json_object_with_kind_and_version(tmp_path: Path) -> None:
    for case in (to_eval_case(outage()), to_prompt_case(asked(), must_contain=["Paris"])):
        save_case(case, tmp_path / "case.json")
        record = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
        assert record["version"] == 1
        assert record["id"] == case.id


BROKEN_FIELDS = [
    ({"version": 2}, "written in version 2"),
    ({"version": None}, "written in version None"),
    ({"case": "riddle"}, "unknown kind 'riddle'; known are replay, prompt"),
    ({"case": None}, "unknown kind None; known are replay, prompt"),
    ({"id": 7}, "id must be a text"),
    ({"id": ["a"]}, "id must be a text"),
    ({"symptom": "sunspots"}, "unknown symptom 'sunspots'"),
    ({"symptom": None}, "symptom"),
    ({"slo": 5}, "not a case"),
    ({"slo": {"name": "a", "target": 0.99}}, "slo must hold name, target and period_seconds"),
    ({"slo": {"name": "a", "target": 99, "period_seconds": 60}}, "did you mean 0.99"),
    ({"error_ratio": 2}, "error_ratio must be from 0 to 1"),
    ({"error_ratio": 0}, "error_ratio must be above 0"),
    ({"error_ratio": math.nan}, "error_ratio must be above 0"),
    ({"error_ratio": "half"}, "error_ratio must be a number"),
    ({"page_within": 0}, "page_within must be a timedelta above zero"),
    ({"page_within": -60}, "page_within must be a timedelta above zero"),
    ({"restore_within": "soon"}, "not a case"),
    ({"restore_within": 1e300}, "not a case"),
    ({"restore_within": None}, "restore_within"),
    ({"surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(
    ("changed", "why"), BROKEN_FIELDS, ids=[str(changed) for changed, _ in BROKEN_FIELDS]
)
def test_a_broken_field_is_named_with_the_file(
    changed: dict[str, Any], why: str, tmp_path: Path
) -> None:
    file = saved(to_eval_case(outage()), tmp_path / "case.json", **changed)
    with pytest.raises(ValueError, match="is not a case") as refused:
        load_case(file)
    assert str(refused.value).startswith(str(file))
    assert why in str(refused.value)
    verdict = gate(file, automated=MITIGATIONS)
    assert not verdict.passed
    assert "\n" not in str(verdict)


@pytest.mark.parametrize(
    "changed",
    [
        {"must_contain": "Paris"},
        {"must_contain": [], "must_not_contain": []},
        {"must_contain": [1]},
        {"must_contain": 1},
        {"input": 5},
        {"good_output": None},
        {"max_latency": -1},
    ],
)
def test_a_broken_prompt_case_is_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    file = saved(to_prompt_case(asked(), must_contain=["Paris"]), tmp_path / "case.json", **changed)
    with pytest.raises(ValueError, match="is not a case"):
        load_case(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '"case"', "{", "[" * 100_000, "not json"])
def test_a_file_that_is_no_json_object_is_a_value_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is not a case"):
        load_case(tmp_path / "case.json")


def test_bytes_that_are_no_text_are_a_value_error(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a case"):
        load_case(tmp_path / "case.json")


# --- the gate ------------------------------------------------------------------------------------


def answers(prompt: str) -> str:
    return {"What is the capital of France?": "It is Paris."}[prompt]


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    """A folder with one case of each kind, one of them in a folder of its own."""
    (tmp_path / "evals" / "prompts").mkdir(parents=True)
    save_case(to_eval_case(outage()), tmp_path / "evals" / "outage.json")
    save_case(
        to_prompt_case(asked(), must_contain=["Paris"]),
        tmp_path / "evals" / "prompts" / "capital.json",
    )
    (tmp_path / "evals" / "README.md").write_text("not a case, and not looked at", encoding="utf-8")
    return tmp_path / "evals"


def test_one_line_in_a_test_suite_is_enough(evals: Path) -> None:
    assert gate(evals, automated=MITIGATIONS, answer=answers)


def test_a_folder_is_searched_with_all_in_it(evals: Path) -> None:
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    assert [verdict.case for verdict in result.verdicts] == [
        "regression-INC-001",
        "regression-INC-001-prompt",
    ]


@pytest.mark.parametrize("kind", [str, Path])
def test_files_and_folders_may_be_mixed_and_given_as_text(evals: Path, kind: type) -> None:
    paths = [kind(evals / "outage.json"), kind(evals / "prompts")]
    assert gate(paths, automated=MITIGATIONS, answer=answers).passed


@pytest.mark.parametrize("gone", MITIGATIONS)
def test_the_gate_fails_when_any_one_automation_is_gone(gone: str, evals: Path) -> None:
    result = gate(evals / "outage.json", automated=[name for name in MITIGATIONS if name != gone])
    assert not result
    assert "FAIL  regression-INC-001" in str(result)


def test_the_gate_fails_on_a_wrong_answer(evals: Path) -> None:
    result = gate(evals / "prompts", answer=lambda prompt: "It is Lyon.")
    assert not result
    assert "'Paris' is missing" in str(result)


def test_the_gate_fails_on_a_prompt_case_that_it_cannot_ask(evals: Path) -> None:
    assert "a prompt case runs from a test: gate(paths, answer=ask)" in str(gate(evals / "prompts"))
    assert not gate(evals / "prompts")


@pytest.mark.parametrize(
    "answer", [None, 5, b"Paris", ("Paris", 1.5), ("Paris",), ["Paris", SECOND], (None, SECOND)]
)
def test_what_is_no_answer_fails_its_case_alone_and_is_told_what_to_return(
    answer: Any, evals: Path
) -> None:
    replayed, asked_again = gate(
        evals, automated=MITIGATIONS, answer=lambda prompt: answer
    ).verdicts
    assert replayed.passed
    assert not asked_again.passed
    assert (
        asked_again.why
        == f"answer= must return a text, or a text and a timedelta; given {answer!r}"
    )


def test_an_answer_that_raises_fails_its_case_alone_and_says_what_happened(evals: Path) -> None:
    def too_late(prompt: str) -> str:
        raise TimeoutError("the model\nis down")

    replayed, asked_again = gate(evals, automated=MITIGATIONS, answer=too_late).verdicts
    assert replayed.passed
    assert not asked_again.passed
    assert asked_again.why == "answer= raised TimeoutError: the model is down"


def test_a_prompt_case_that_cannot_fail_fails_the_gate(tmp_path: Path) -> None:
    save_case(
        PromptCase("easy", "2 + 2?", "5", "4", must_not_contain=("6",)), tmp_path / "easy.json"
    )
    result = gate(tmp_path, answer=lambda prompt: "4")
    assert not result
    assert "recorded bad output passes" in str(result)


def test_a_replay_case_that_cannot_fail_fails_the_gate(tmp_path: Path) -> None:
    easy = ReplayCase("easy", SYMPTOM, SLO("availability", 0.5, HOUR), 0.4, HOUR, HOUR)
    save_case(easy, tmp_path / "easy.json")
    result = gate(tmp_path, automated=MITIGATIONS)
    assert not result
    assert "passes with nothing automated" in str(result)


def test_a_case_that_stands_twice_fails_the_gate(evals: Path) -> None:
    save_case(to_eval_case(outage()), evals / "copy.json")
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    assert not result
    assert str(result).count("stands 2 times") == 2


def test_an_empty_set_fails_the_gate(tmp_path: Path) -> None:
    assert gate(tmp_path) == Gate(False, ())
    assert gate([]) == Gate(False, ())
    assert str(gate(tmp_path)) == "FAIL  no case was found"


def test_a_missing_path_fails_the_gate_by_name(tmp_path: Path) -> None:
    result = gate(tmp_path / "nowhere")
    assert not result
    assert "nowhere" in str(result)
    assert "No such file" in str(result)


def test_a_broken_file_fails_the_gate_but_the_others_are_still_judged(evals: Path) -> None:
    (evals / "broken.json").write_text("{", encoding="utf-8")
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    assert not result
    assert [verdict.passed for verdict in result.verdicts] == [False, True, True]


def test_an_unknown_automation_is_named_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown mitigation 'pray'"):
        gate(tmp_path, automated=["pray"])


def test_the_gate_reads_as_a_line_a_case_and_pytest_shows_the_same(evals: Path) -> None:
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    lines = str(result).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "pass  regression-INC-001",
        "pass  regression-INC-001-prompt",
    ]
    assert repr(result) == str(result)
