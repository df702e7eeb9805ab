"""Cases on disk, and the gate: whatever cannot be read, fail or be asked keeps it shut."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from recorded_outage import MITIGATIONS, SECOND, SYMPTOM, asked, outage

from oncall.catalogue import RUNBOOKS
from oncall.regression import (
    Case,
    Gate,
    PromptCase,
    ReplayCase,
    gate,
    load_case,
    save_case,
    to_eval_case,
    to_prompt_case,
)
from oncall.slo import SLO
from oncall.times import HOUR

# --- on disk -------------------------------------------------------------------------------------

lengths = st.integers(1, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
texts = st.text(min_size=1, max_size=20)
# A lone surrogate has no UTF-8 form, and a case is a UTF-8 file.
texts = texts.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
targets = st.sampled_from([0.9, 0.95, 0.99, 0.999, 0.9995])
slos = st.builds(SLO, texts.filter(str.strip), targets, lengths)
symptoms = st.sampled_from(sorted(RUNBOOKS))
ratios = st.floats(1e-9, 1)
replay_cases = st.builds(ReplayCase, texts, symptoms, slos, ratios, lengths, lengths)
demands = st.lists(texts, min_size=1, max_size=3).map(tuple)
bans = st.lists(texts, max_size=3).map(tuple)
limits = st.none() | lengths
asks = st.integers(20, 1000)
passes = st.none() | st.integers(1, 20)
prompt_cases = st.builds(
    PromptCase, texts, texts, texts, texts, demands, bans, limits, asks, passes
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
    kept = {key: value for key, value in record.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
    return path


def test_a_file_holds_one_json_object_with_kind_and_version(tmp_path: Path) -> None:
    for case in (to_eval_case(outage()), to_prompt_case(asked(), must_contain=["Paris"])):
        save_case(case, tmp_path / "case.json")
        record = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
        assert record["version"] == 2
        assert record["id"] == case.id


BROKEN_FIELDS = [
    ({"version": 3}, "written in version 3; this oncall reads versions 1 to 2: upgrade it"),
    ({"version": 0}, "written in version 0"),
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
    ({"error_ratio": math.nan}, "NaN is not a finite number"),
    ({"error_ratio": "half"}, "error_ratio must be a number"),
    ({"error_ratio": "1/2"}, "error_ratio must be a number"),
    ({"error_ratio": "1e-99999999"}, "error_ratio must be a number"),  # hours, as a fraction
    ({"slo": {"name": "a", "target": "0.99", "period_seconds": 60}}, "target must be a number"),
    ({"slo": {"name": "a", "target": True, "period_seconds": 60}}, "target must be a number"),
    *(
        ({"page_within": seconds}, "page_within must be a number of seconds above zero, up to 100")
        for seconds in (0, -60, "60", True, [60], 1e300, 10**30, 3.2e9)
    ),
    ({"page_within": math.nan}, "NaN is not a finite number"),
    ({"page_within": -math.inf}, "-Infinity is not a finite number"),
    ({"page_within": 10**400}, "a number of 401 digits; at most 40 are read"),
    ({"restore_within": "soon"}, "restore_within must be a number of seconds"),
    ({"restore_within": 1e-9}, "restore_within must be a timedelta above zero"),
    ({"slo": {"name": "a", "target": 0.9, "period_seconds": 1e12}}, "period_seconds must be a"),
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
    with pytest.raises(ValueError, match=r"is not a case|finite number|digits") as refused:
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
        {"asks": 0},
        {"asks": "10"},
        {"passes_needed": 2},
    ],
)
def test_a_broken_prompt_case_is_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    file = saved(to_prompt_case(asked(), must_contain=["Paris"]), tmp_path / "case.json", **changed)
    with pytest.raises(ValueError, match="is not a case"):
        load_case(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '"case"', "{", "[" * 100_000, "not json"])
def test_a_file_that_is_no_json_object_is_a_value_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"case\.json( is not a case|: not JSON| nests more)"):
        load_case(tmp_path / "case.json")


def test_bytes_that_are_no_text_are_a_value_error(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        ValueError, match=r"case\.json, line 1: not UTF-8 text but looks like UTF-16"
    ):
        load_case(tmp_path / "case.json")


# --- the gate ------------------------------------------------------------------------------------


def answers(prompt: str) -> str:
    return {"What is the capital of France?": "It is Paris."}[prompt]


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    """A folder with one case of each kind, one of them in a folder of its own."""
    folder = tmp_path / "evals"
    save_case(to_eval_case(outage()), folder / "outage.json")
    capital = to_prompt_case(asked(), must_contain=["Paris"])
    save_case(capital, folder / "prompts" / "capital.json")
    (folder / "README.md").write_text("not a case, and not looked at", encoding="utf-8")
    return folder


def test_one_line_in_a_test_suite_is_enough(evals: Path) -> None:
    assert gate(evals, automated=MITIGATIONS, answer=answers)


def test_a_folder_is_searched_with_all_in_it(evals: Path) -> None:
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    names = [verdict.case for verdict in result.verdicts]
    assert names == ["regression-INC-001", "regression-INC-001-prompt"]


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
def test_anything_but_an_answer_fails_its_case_alone_and_is_told_what_to_return(
    answer: Any, evals: Path
) -> None:
    result = gate(evals, automated=MITIGATIONS, answer=lambda prompt: answer)
    replayed, asked_again = result.verdicts
    assert replayed.passed
    assert not asked_again.passed
    wanted = "answer= must return a text, or a text and a timedelta"
    assert asked_again.why == f"{wanted}; given {answer!r}"


def test_an_answer_that_raises_fails_its_case_alone_and_says_what_happened(evals: Path) -> None:
    def too_late(prompt: str) -> str:
        raise TimeoutError("the model\nis down")

    replayed, asked_again = gate(evals, automated=MITIGATIONS, answer=too_late).verdicts
    assert replayed.passed
    assert not asked_again.passed
    assert asked_again.why == "answer= raised TimeoutError: the model is down"


def test_a_prompt_case_that_cannot_fail_fails_the_gate(tmp_path: Path) -> None:
    easy = PromptCase("easy", "2 + 2?", "5", "4", must_not_contain=("6",))
    save_case(easy, tmp_path / "easy.json")
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


def test_the_gate_reads_as_one_line_per_case_and_pytest_shows_the_same(evals: Path) -> None:
    result = gate(evals, automated=MITIGATIONS, answer=answers)
    lines = [line.partition(":")[0] for line in str(result).splitlines()]
    assert lines == ["pass  regression-INC-001", "pass  regression-INC-001-prompt"]
    assert repr(result) == str(result)
