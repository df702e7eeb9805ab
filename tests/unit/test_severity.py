"""Severity: the table, whom it hits, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from oncall.alerting import SilenceRule
from oncall.catalogue import RUNBOOKS
from oncall.gameday import SCENARIOS, reference, run_shift
from oncall.mitigations import SYMPTOMS
from oncall.severity import HARM_OF, HARMS, SEVERITIES, SEVERITY_TABLE, severity_for
from oncall.times import MINUTE

TABLE = """
share    availability first_token cost
1        sev1         sev2        sev3
0.5      sev1         sev2        sev3
0.2      sev1         sev2        sev3
0.1999   sev2         sev3        sev4
0.05     sev2         sev3        sev4
0.0499   sev3         sev4        sev5
0.01     sev3         sev4        sev5
0.0099   sev4         sev5        sev5
0.000001 sev4         sev5        sev5
0        sev5         sev5        sev5
nan      sev1         sev2        sev3
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (float(row[0]), sli, severity)
    for row in ROWS
    for sli, severity in zip(HEAD[1:], row[1:], strict=True)
]


@pytest.mark.parametrize(("share", "sli", "severity"), CELLS)
def test_the_table_says_how_severe_it_is(share: float, sli: str, severity: str) -> None:
    assert severity_for(share, sli) == severity
    if not math.isnan(share):
        assert severity_for(Fraction(str(share)), [sli]) == severity


def test_more_is_never_less_severe_and_worse_harm_neither() -> None:
    for (_, above), (_, below) in pairwise(SEVERITY_TABLE):
        assert all(above[harm] <= below[harm] for harm in HARMS)
    for _, row in SEVERITY_TABLE:
        assert list(row) == list(HARMS)
        assert list(row.values()) == sorted(row.values())
        assert set(row.values()) <= set(SEVERITIES)


def test_of_several_slis_the_worst_harm_counts_and_an_unknown_one_is_the_worst() -> None:
    assert severity_for(0.3, ["cost", "quality"]) == "sev2"
    assert severity_for(0.3, ("cost", "availability")) == "sev1"
    assert severity_for(0.3, "checkout") == "sev1"


def test_whom_it_hits_matters() -> None:
    assert severity_for(0.3, "availability", whom="staff") == "sev2"
    assert severity_for(0.001, "quality", whom="staff") == "sev5"
    assert severity_for(1, "availability", whom="nobody") == "sev5"


@pytest.mark.parametrize("apart", ["security", "data_loss"])
@pytest.mark.parametrize("whom", ["users", "staff", "nobody"])
def test_security_and_data_loss_are_sev1_whatever_the_share(apart: str, whom: str) -> None:
    assert severity_for(0.0001, "quality", whom=whom, **{apart: True}) == "sev1"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"share": 1.5}, "share must be a number from 0 to 1, given 1.5"),
        ({"share": -0.1}, "share must be"),
        ({"share": "half"}, "share must be a number .*given 'half'"),
        ({"share": True}, "share must be"),
        ({"share": None}, "share must be"),
        ({"slis": []}, r"slis must be one name or more, given \[\]; give e.g. 'availability'"),
        ({"slis": [1]}, r"slis must be one name or more, given \[1\]"),
        ({"slis": 3}, "slis must be one name or more, given 3"),
        ({"slis": None}, "slis must be one name or more, given None"),
        ({"whom": "me"}, "whom must be one of users, staff, nobody, given 'me'"),
    ],
)
def test_what_is_no_harm_is_refused(given: dict[str, Any], why: str) -> None:
    arguments = {"share": 0.5, "slis": "availability"} | given
    with pytest.raises(ValueError, match=why):
        severity_for(arguments.pop("share"), arguments.pop("slis"), **arguments)


# --- who takes it from there ---------------------------------------------------------------------


@pytest.mark.parametrize("symptom", RUNBOOKS)
def test_a_runbook_s_severity_is_that_of_what_usually_fails(symptom: str) -> None:
    usual = SYMPTOMS[symptom]
    whom = "nobody" if symptom == "wrong_measurement" else "users"
    assert RUNBOOKS[symptom].severity == severity_for(usual.failing, usual.sli, whom=whom)
    assert usual.sli in HARM_OF


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("slow_first_token", "sev2"), ("stale_index", "sev2"), ("cost_runaway", "sev4"),
        ("guardrail_false_positives", "sev2"), ("poisoned_cache", "sev1"),
    ],
)  # fmt: skip
def test_whoever_decides_by_harm_is_right(name: str, severity: str) -> None:
    shift = run_shift(SCENARIOS[name], 1, reference)
    assert shift.incidents[0].severity == severity
    judged = {one.name: one.points for one in shift.score.dimensions}
    assert judged["severity"] >= 8


def test_a_front_door_that_loses_every_request_is_sev1() -> None:
    [incident] = run_shift(SCENARIOS["silent_edge"], 1, reference).incidents
    assert incident.severity == SilenceRule(10 * MINUTE).severity == "sev1"


def test_two_faults_of_one_sli_and_one_size_are_equally_severe() -> None:
    assert RUNBOOKS["gpu_capacity"].severity == RUNBOOKS["slow_first_token"].severity
