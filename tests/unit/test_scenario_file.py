"""A scenario of one's own: what its file says is played, and what is wrong in it is named."""

from __future__ import annotations

import re
from dataclasses import fields as fields_of
from datetime import timedelta
from pathlib import Path

import pytest
from played_shifts import FIXES, actions

from oncall.__main__ import main
from oncall.catalogue import CAUSES
from oncall.gameday import SCENARIOS, bundled
from oncall.gameday.actions import do
from oncall.gameday.causes import causes
from oncall.gameday.desk import Desk
from oncall.gameday.draw import world_of
from oncall.gameday.reference import reference
from oncall.gameday.scenario_file import parse_scenario, read_scenario
from oncall.gameday.shift import run_shift
from oncall.scenario import Fault, RedHerring, Review, Scenario
from oncall.slo import SLO
from oncall.times import DAY, HOUR, MINUTE

EXAMPLE = Path(__file__).parents[2] / "data" / "example_scenario.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
SYMPTOM = 'symptom = "model_provider_outage"'
Captured = pytest.CaptureFixture[str]


def test_the_example_is_read_as_it_stands() -> None:
    scenario = read_scenario(EXAMPLE)
    assert scenario.name == "monday_morning"
    assert (scenario.length, scenario.slo) == (8 * HOUR, SLO("availability", 0.99))
    assert (scenario.requests, scenario.errors) == (1200, 0.003)
    [fault] = scenario.faults
    assert fault == Fault(
        "model_provider_outage",
        start=90 * MINUTE,
        error_ratio=0.4,
        ramp=10 * MINUTE,
        title="the provider fails two requests in five",
        catches=(("fail_over", 0.9), ("serve_cached", 0.5), ("serve_degraded", 1.0)),
    )
    [herring] = scenario.red_herrings
    assert herring == RedHerring(80 * MINUTE, "the nightly batch jobs are still running")


def test_the_example_is_played_to_its_end_by_the_reference() -> None:
    shift = run_shift(read_scenario(EXAMPLE), 1, reference)
    [incident] = shift.incidents
    assert incident.state == "closed"
    assert actions(incident) == FIXES
    assert shift.score.points >= 90


# What is changed in the example, and what is said of it.
WRONG = {
    "target = 0.99 => target = ": r"not TOML: .*line 12",
    'name = "monday_morning" => ': r"name: is missing",
    "target = 0.99 => ": r"line 10: slo.target: is missing",
    "target = 0.99 => target = 99": r"line 12: slo.target: .*did you mean 0.99",
    'target = 0.99 => target = "high"': r"line 12: slo.target: must be a number",
    "2025-03-03T08:00:00Z => 2025-03-03T08:00:00": r"line 6: start: .*has no time zone",
    'length = "8h" => length = "90s"': r"line 7: length: must be whole minutes",
    'length = "8h" => length = 8': r"line 7: length: must be a text",
    "[traffic] => [trafic]": r"traffic: is missing",
    "requests = 1200 => requests = 1e9": r"traffic.requests: must be a number from",
    "errors = 0.003 => errors = true": r"traffic.errors: must be a number",
    '"model_provider_outage" => "provider_outage"': r"faults\[1\].symptom: .*did you mean",
    'symptom = "model => symptom = ["x"] # "model': r"faults\[1\].symptom: must be a text",
    "error_ratio = 0.4 => error_ratio = 40": r"faults\[1\].error_ratio: .*from 0 to 1",
    "error_ratio = 0.4 => error_ratio = 0.4\nrampe = '5m'": r"faults\[1\].rampe: is not a field",
    "fail_over = 0.9 => failover = 0.9": r"faults\[1\].catches: .*did you mean 'fail_over'",
    "{ fail_over => 1 # { fail_over": r"faults\[1\].catches: must name mitigations",
    'text = "the nightly => txt = "the nightly': r"red_herrings\[1\].text: is missing",
    "[[red_herrings]] => [red_herrings]": r"red_herrings: must be tables",
    'lucky = ["The => lucky = "The" #': r"reviews\[1\].lucky: must be a list of texts",
}


@pytest.mark.parametrize(("change", "why"), WRONG.items())
def test_what_is_wrong_is_named_with_file_line_and_field(change: str, why: str) -> None:
    old, _, new = change.partition(" => ")
    assert old in TEXT
    with pytest.raises(ValueError, match=why) as caught:
        parse_scenario(TEXT.replace(old, new), "mine.toml")
    assert str(caught.value).startswith("mine.toml")


DRAWN = """
name = "mine"
start = 2025-03-03T08:00:00Z
causes = ["runaway_tenant"]
traffic = { requests = 1200 }
"""
WRONG_CAUSES = {
    '["runaway_tenant"] => ["runaway_tennant"]': r"line 4: causes: .*did you mean 'runaway_tenant'",
    '["runaway_tenant"] => ["x"]': r"causes: unknown cause 'x'; known are provider_fails, ",
    '["runaway_tenant"] => []': r'causes: must name causes, or \["surprise"\] alone',
    '["runaway_tenant"] => ["surprise", "straggler"]': r'causes: must name .*\["surprise"\] alone',
    '["runaway_tenant"] => "surprise"': r"causes: must be a list of texts",
    "causes => slo = { name = 'latency', target = 0.99 }\ncauses": r"need an SLO of availability, ",
    "causes => slo = { target = 99 }\ncauses": r"slo.target: .*did you mean 0.99",
    "causes => faults = [{ symptom = 'gpu_capacity', start = '1h', error_ratio = 1 }]\ncauses": (
        r"causes: are drawn, and faults are told; give one or the other"
    ),
    'causes = ["runaway_tenant"] => ': r"slo: is missing",
}


def test_causes_are_drawn_and_need_no_slo() -> None:
    scenario = parse_scenario(DRAWN)
    assert (scenario.causes, scenario.faults) == (("runaway_tenant",), ())
    assert scenario.slo == SLO("availability", 0.99)
    for name in ("surprise", *CAUSES):
        assert parse_scenario(DRAWN.replace("runaway_tenant", name)).causes == (name,)
    two = parse_scenario(DRAWN.replace('"run', '"straggler", "run'))
    assert [hit.cause.name for hit in world_of(two, 3).hits] == ["straggler", "runaway_tenant"]


def test_drawn_causes_may_have_an_slo_whose_target_is_looked_at_first() -> None:
    slo = "slo = { name = 'first_token', target = 0.9, period = '7d' }\n"
    assert parse_scenario(slo + DRAWN).slo == SLO("first_token", 0.9, 7 * DAY)


@pytest.mark.parametrize(("change", "why"), WRONG_CAUSES.items())
def test_what_is_wrong_with_causes_is_named(change: str, why: str) -> None:
    old, _, new = change.partition(" => ")
    assert old in DRAWN
    with pytest.raises(ValueError, match=why) as caught:
        parse_scenario(DRAWN.replace(old, new), "mine.toml")
    assert str(caught.value).startswith("mine.toml")


def with_cause(cause: str, more: str = "") -> str:
    return TEXT.replace(SYMPTOM, f'cause = "{cause}"\n{more}', 1)


@pytest.mark.parametrize(
    ("cause", "segment", "hit"),
    [
        ("provider_fails", "", "upstream=north"),
        ("provider_fails", "upstream=south", "upstream=south"),
        ("edge_config", "", "region=eu"),  # not where another cause of the same symptom lies
        ("gateway_release", "", "release=r42"),
        ("slow_upstream", "", "upstream=north"),
        ("runaway_tenant", "tenant=delta", "tenant=delta"),
        ("edge_lost", "", "all"),
    ],
)
def test_a_fault_may_be_told_by_its_cause(cause: str, segment: str, hit: str) -> None:
    scenario = parse_scenario(with_cause(cause, f'segment = "{segment}"' if segment else ""))
    assert (scenario.faults[0].cause, scenario.faults[0].symptom) == (cause, CAUSES[cause])
    world = world_of(scenario, 1)
    assert [(one.segment, one.cause.name) for one in world.hits] == [(hit, cause)]
    changes = [change.kind for change in world.changes]
    assert changes == [causes()[cause].change] * bool(causes()[cause].change)


def test_where_more_fails_than_lies_in_its_segment_a_cause_is_everywhere() -> None:
    text = with_cause("edge_config")
    for ratio, segment in ((0.42, "region=eu"), (0.43, "all")):
        told = text.replace("error_ratio = 0.4 ", f"error_ratio = {ratio} ")
        assert world_of(parse_scenario(told), 1).hits[0].segment == segment


def test_undoing_the_change_that_brought_a_fault_mends_it() -> None:
    world = world_of(parse_scenario(with_cause("edge_config")), 1)
    [hit], [change] = world.hits, world.changes
    assert change.undo == f"apply undo_change {change.id}"
    assert (change.minute, hit.fault.start) == (87, 90 * MINUTE)
    levels = world.levels(200)
    bad = [
        world.true(levels, active).bad["availability"]
        for active in ((), (("undo_change", "C999"),), (("undo_change", change.id),))
    ]
    assert bad == pytest.approx([1 - 0.997 * 0.6, 1 - 0.997 * 0.6, 0.003])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ('cause = "gateway_relase"', "cause: unknown cause .*did you mean 'gateway_release'"),
        ('cause = "surprise"', "cause: unknown cause 'surprise'"),
        ('cause = "straggler"\nsymptom = "gpu_capacity"', "symptom: is 'slow_first_token' for"),
        (f'{SYMPTOM}\nsegment = "region"', "segment: must be DIMENSION=VALUE, of region, tenant"),
        (f'{SYMPTOM}\nsegment = "region=mars"', "segment: must be DIMENSION=VALUE"),
        (f"{SYMPTOM}\nsegment = 7", "segment: must be a text"),
    ],
)
def test_what_is_wrong_with_a_cause_or_a_segment_is_named(fields: str, why: str) -> None:
    with pytest.raises(ValueError, match=rf"line \d+: faults\[1\].{why}"):
        parse_scenario(TEXT.replace(SYMPTOM, fields, 1))


def test_the_example_shows_every_field() -> None:
    of_file = {"slo", "traffic", "faults", "red_herrings", "reviews"}
    for part in (Scenario, Fault, RedHerring, Review, SLO):
        for field in fields_of(part):
            assert field.name in of_file or re.search(rf"\b{field.name} = ", TEXT), field.name


def test_the_line_is_that_of_the_right_table_among_several() -> None:
    second = '\n[[faults]]\nsymptom = "gpu_capacity"\nstart = "4h"\nerror_ratio = 2\n'
    text = TEXT + second
    last_line = len(text.splitlines())
    with pytest.raises(ValueError, match=rf"line {last_line}: faults\[2\].error_ratio"):
        parse_scenario(text)


def test_a_fault_that_is_lost_or_synthetic_needs_no_runbook() -> None:
    def load_test(synthetic: str) -> str:
        return TEXT.replace(SYMPTOM, f'symptom = "load_test"\n{synthetic}')

    scenario = parse_scenario(load_test("synthetic = true"))
    assert scenario.faults[0].synthetic
    with pytest.warns(FutureWarning, match=r"line \d+: faults\[1\].felt: .*synthetic = true"):
        assert parse_scenario(load_test("felt = false")) == scenario


def test_shift_and_drill_take_a_file(capsys: Captured) -> None:
    assert main(["shift", "--scenario", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out.startswith("On call: monday_morning, seed 1\n")


def test_a_drill_keeps_the_scenario_itself_for_its_file_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    mine, script, saved = tmp_path / "mine.toml", tmp_path / "script.txt", tmp_path / "night"
    mine.write_text(TEXT, encoding="utf-8")
    script.write_text("1 look\n")
    files = ["--scenario", str(mine), "--responder", str(script), "--save", str(saved)]
    assert main(["drill", *files]) == 0
    first = capsys.readouterr().out.partition("Score of")[2]
    assert first
    mine.unlink()
    typed = iter(["end\n"])
    monkeypatch.setattr("sys.stdin.readline", lambda: next(typed, ""), raising=False)
    assert main(["drill", "--resume", str(saved)]) == 0
    assert capsys.readouterr().out.partition("Score of")[2] == first


@pytest.mark.parametrize("data", [b"", b"\xff\xfe"])
def test_a_file_that_is_empty_or_no_text_is_refused_in_one_line(
    data: bytes, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "x.toml").write_bytes(data)
    assert main(["shift", "--scenario", str(tmp_path / "x.toml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_review_names_action_items_by_their_kind() -> None:
    items = '[{ prevent = "one retry" }, { detect = "a probe" }]'
    text = TEXT.partition("[[reviews]]")[0] + f"\n[[reviews]]\naction_items = {items}\n"
    [review] = parse_scenario(text).reviews
    assert review.action_items == (("prevent", "one retry"), ("detect", "a probe"))
    for bad in ('"one retry"', '["one retry"]', '[{ pray = "x" }]', '[{ prevent = "" }]', "[{}]"):
        with pytest.raises(ValueError, match=r"reviews\[1\].action_items: must"):
            parse_scenario(text.replace(items, bad))


def test_the_warm_up_is_whole_minutes_and_may_be_none_at_all() -> None:
    def with_warm_up(length: str) -> str:
        return TEXT.replace('warm_up = "3d"', f'warm_up = "{length}"')

    assert parse_scenario(with_warm_up("0m")).warm_up == timedelta()
    assert parse_scenario(with_warm_up("90m")).warm_up == timedelta(minutes=90)
    with pytest.raises(ValueError, match="warm_up: must be whole minutes, given '90s'"):
        parse_scenario(with_warm_up("90s"))


def test_a_fault_may_last_for_seconds_but_not_for_no_time() -> None:
    def lasting(length: str) -> str:
        return TEXT.replace(SYMPTOM, f'{SYMPTOM}\nduration = "{length}"', 1)

    assert parse_scenario(lasting("51s")).faults[0].duration == timedelta(seconds=51)
    with pytest.raises(ValueError, match="duration: must be above zero, given '0s'"):
        parse_scenario(lasting("0s"))


def test_every_bundled_scenario_is_a_file_of_its_own_name() -> None:
    folder = Path(bundled.__file__).parent / "scenarios"
    names = {path.stem for path in folder.iterdir()}
    assert names == {*SCENARIOS, "assistant_30d"}
    for name in names:
        assert bundled.bundled_scenario(name).name == name
    with pytest.raises(KeyError):
        SCENARIOS["assistant_30d"]


def test_every_cause_has_a_bundled_scenario() -> None:
    drawn = {name for scenario in SCENARIOS.values() for name in scenario.causes}
    assert drawn == {*CAUSES, "surprise"}


def test_a_fault_is_not_both_felt_and_synthetic() -> None:
    symptom = 'symptom = "model_provider_outage"'
    text = TEXT.replace(symptom, f"{symptom}\nfelt = true\nsynthetic = true", 1)
    with pytest.raises(ValueError, match=r"faults\[1\].felt: is the old name of the opposite"):
        parse_scenario(text)


def test_a_shift_without_a_warm_up_can_be_looked_at_from_its_first_minute() -> None:
    desk = Desk(parse_scenario(TEXT.replace('warm_up = "3d"', 'warm_up = "0m"')), 1)
    assert "requests      0 in the last minute" in do(desk, "look")
    assert "failed 5xx" in do(desk, "look", "logs")
