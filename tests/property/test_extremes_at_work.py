"""Extreme scenarios, incidents and rotations: a right result, or one ``ValueError`` of one line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import examples
from extremes import NOON, events, lengths, moments, numbers, only_refuses, policies, series, slos
from hypothesis import given
from hypothesis import strategies as st

from oncall import counts as counts_module
from oncall.alerting import Alert, Policy
from oncall.counts import Counts
from oncall.escalation import EscalationPolicy, Step, escalate, lint_escalation
from oncall.gameday import parse_scenario, reference, run_shift
from oncall.incident import Incident
from oncall.postmortem import write_postmortem
from oncall.regression import load_case, save_case, to_eval_case
from oncall.rotation import Rotation
from oncall.scenario import Fault, KnownIncident, RedHerring, Scenario
from oncall.slo import SLO
from oncall.telemetry.backtest import backtest
from oncall.telemetry.blind_spots import blind_spots
from oncall.telemetry.labels import label_of, read_incidents
from oncall.telemetry.simulate import simulate
from oncall.times import EARLIEST, HOUR, LATEST, LONGEST, MINUTE, duration_text


@pytest.fixture(autouse=True, scope="module")
def _few_buckets() -> Iterator[None]:
    """A bound on buckets that takes no minutes to reach; where it stands, others test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "MOST_BUCKETS", 6000)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extremes")


# --- scenarios -----------------------------------------------------------------------------------


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    small = {"length": HOUR, "warm_up": HOUR, "requests": 60.0, "errors": 0.01}
    odd = {"length": lengths, "warm_up": lengths, "requests": numbers, "errors": numbers}
    names = draw(st.sets(st.sampled_from(list(odd)), max_size=2))
    values = small | {name: draw(odd[name]) for name in names}
    start = draw(moments)
    fault = only_refuses(
        Fault, "model_provider_outage", draw(lengths), draw(numbers), draw(lengths), draw(lengths)
    )
    herring = only_refuses(RedHerring, draw(lengths), "a deploy")
    parts = {"faults": (fault,) if fault else (), "red_herrings": (herring,) if herring else ()}
    causes = draw(st.sampled_from([(), ("surprise",), ("edge_lost",), ("runaway_tenant",)]))
    parts |= {"faults": (), "causes": causes} if causes else {}
    build = partial(Scenario, "odd", "Odd.", slo=draw(slos()))
    return only_refuses(build, start=start, **values, **parts) or build(NOON, **small, **parts)


@examples(60)
@given(scenarios())
def test_a_shift_is_played_to_its_end(scenario: Scenario) -> None:
    shift = only_refuses(run_shift, scenario, 1, reference)
    assert shift is None or shift.counts.end == scenario.start + scenario.length
    only_refuses(scenario.labels)
    minutes = (scenario.warm_up + scenario.length) // MINUTE
    counts = only_refuses(scenario.counts, 1)
    assert counts is None or len(counts) == minutes


@examples(200)
@given(moments, lengths, lengths, lengths, numbers, numbers)
def test_a_scenario_file_is_read_or_refused_by_name(
    start: datetime,
    length: timedelta,
    warm_up: timedelta,
    period: timedelta,
    requests: Any,
    ratio: Any,
) -> None:
    def typed(value: Any) -> str:
        return repr(float(value)) if isinstance(value, float) else "1" * 400

    text = f"""
    name = "odd"
    start = {start.isoformat()}
    length = "{duration_text(length)}"
    warm_up = "{duration_text(warm_up)}"
    slo = {{ target = 0.99, period = "{duration_text(period)}" }}
    traffic = {{ requests = {typed(requests)} }}
    faults = [{{ symptom = "model_provider_outage", start = "1h", error_ratio = {typed(ratio)} }}]
    """
    scenario = only_refuses(parse_scenario, text, "odd.toml", begin="odd.toml")
    assert scenario is None or scenario.start == start


@examples(40)
@given(policies, scenarios(), st.integers(-1, 2) | st.just(10**400))
def test_months_can_be_simulated(policy: Policy, scenario: Scenario, months: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "MOST_BUCKETS", 60_000)
        result = only_refuses(simulate, policy, scenario, months, 1)
    assert result is None or len(result.pages) == months


# --- incidents -----------------------------------------------------------------------------------


@st.composite
def known(draw: st.DrawFn) -> KnownIncident | None:
    end = draw(st.none() | moments)
    ratio = draw(numbers)
    label = only_refuses(KnownIncident, "a", "unknown", draw(moments), end, ratio)
    return label if isinstance(label, KnownIncident) else None


@examples(200)
@given(series(), st.lists(known(), max_size=3), slos(), policies)
def test_a_past_can_be_judged(
    counts: Counts, labels: list[KnownIncident | None], slo: SLO, policy: Policy
) -> None:
    incidents = [label for label in labels if label]
    only_refuses(backtest, counts, incidents, slo, {"odd": policy}, partial=True)


@examples(60)
@given(slos(), policies, numbers, st.lists(lengths, min_size=1, max_size=3), lengths)
def test_blind_spots_are_drawn_or_refused(
    slo: SLO, policy: Policy, traffic: Any, durations: list[timedelta], step: timedelta
) -> None:
    spots = only_refuses(blind_spots, slo, policy, traffic, durations=durations, step=step)
    assert spots is None or np.isfinite(spots.budget_lost).all()


@examples(100)
@given(moments, moments, moments, slos(), events, events, numbers)
def test_an_incident_has_times_a_postmortem_and_a_case(
    folder: Path,
    impact: datetime,
    detected: datetime,
    over: datetime,
    slo: SLO,
    good: int,
    total: int,
    number: Any,
) -> None:
    incident = only_refuses(Incident, "INC-1", "Odd", slo, "model_provider_outage", impact)
    incident = incident or Incident("INC-1", "Odd", slo, "model_provider_outage", NOON)

    def then(verb: str, *arguments: Any, at: datetime, **named: Any) -> None:
        nonlocal incident
        recorded = only_refuses(getattr(incident, verb), *arguments, at=at, by="ana", **named)
        incident = recorded or incident

    then("detect", Alert("page", "sev1", number, "1h"), at=detected)
    then("detect", None, at=NOON)
    then("measure", good, total, at=detected)
    then("measure", 1, 2, at=over)
    then("predict", number, at=detected)
    then("update", "We see it.", "investigating", number, at=over)
    then("page", "ana", good, total, at=over)
    then("resolve", at=over, auto_recovered=True)
    assert incident.metrics().impact is None or incident.events
    write_postmortem(
        incident,
        contributing_factors=["a"],
        went_well=["b"],
        went_wrong=["c"],
        lucky=["d"],
        action_items=[],
    )
    only_refuses(label_of, incident)
    case = only_refuses(to_eval_case, incident, page_within=HOUR, restore_within=LONGEST)
    if case is not None:
        save_case(case, folder / "case.json")
        assert load_case(folder / "case.json") == case
    path = folder / "journal.jsonl"
    path.unlink(missing_ok=True)
    incident.save(path)
    assert Incident.load(path) == incident


@examples(100)
@given(moments, st.none() | moments, numbers)
def test_a_file_of_labels_is_read_or_refused_by_row(
    folder: Path, start: datetime, end: datetime | None, ratio: Any
) -> None:
    path, last = folder / "incidents.csv", end.isoformat() if end else ""
    typed = ratio if isinstance(ratio, float | Decimal) else "1" * 5000
    path.write_text(f"start,end,error_ratio\n{start.isoformat()},{last},{typed}\n")
    labels = only_refuses(read_incidents, path, begin=f"{path}, row 2: ")
    assert labels is None or (labels[0].start, labels[0].end) == (start, end)


# --- people --------------------------------------------------------------------------------------

days = st.sampled_from([date.min, date(1899, 12, 31), EARLIEST.date(), NOON.date(), LATEST.date()])
wholes = st.sampled_from([0, 1, 7, 36_525, 36_526, 10**6, 10**9, 10**400, 10**5000, -1])


@examples(200)
@given(days | st.just(date.max), wholes, moments, wholes, st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_a_rotation_knows_who_is_on_call(
    start: date, every: int, at: datetime, turn: int, tz: str
) -> None:
    rotation = only_refuses(Rotation, ("ana", "bo"), time(9), tz, start, every)
    rotation = rotation or Rotation(("ana", "bo"), time(9), tz, NOON.date())
    only_refuses(rotation.on_call, at)
    only_refuses(rotation.handoff_at, turn)
    rotation.skipped_handoffs()
    policy = EscalationPolicy((Step((rotation,), MINUTE),))
    only_refuses(escalate, policy, at)
    lint_escalation(policy)


@examples(200)
@given(st.lists(lengths, min_size=1, max_size=3), wholes, st.none() | lengths, moments, moments)
def test_a_ladder_is_climbed(
    delays: list[timedelta], repeat: int, timeout: timedelta | None, at: datetime, then: datetime
) -> None:
    steps = [only_refuses(Step, ("ana",), delay) or Step(("bo",), MINUTE) for delay in delays]
    policy = only_refuses(EscalationPolicy, tuple(steps), repeat, "skip", timeout)
    policy = policy or EscalationPolicy(tuple(steps[:1]))
    climbed = only_refuses(escalate, policy, at, acks=[then], forced=[then])
    assert climbed is None or climbed.pages[0].at >= at
    only_refuses(escalate, policy, at, resolved_at=then)
    assert math.isfinite(len(lint_escalation(policy)))
