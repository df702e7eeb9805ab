"""The drill: a shift at the keyboard, what it shows, what it keeps, and that nothing kills it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oncall.__main__ import main
from oncall.cli.drill import (
    Keep,
    LeftEarly,
    Words,
    explain,
    forget,
    human,
    read_drill,
    resuming,
    saving,
    status,
)
from oncall.cli.layout import WIDTH
from oncall.gameday.actions import ACTIONS, try_to_do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk
from oncall.gameday.shift import Shift, run_shift

ROOT = Path(__file__).parents[2]
SCENARIO = SCENARIOS["provider_outage"]
TYPED = """wait 150
ack
triage sev1 ana ops=bo comms=chen
look errors by upstream
suspect provider_fails
update investigating 50 We are working on it.
apply fail_over
wait 3
apply serve_cached
wait 3
apply serve_degraded
wait 2
mitigated
update It works again.
wait 31
resolve
learn factor All requests go to one provider.
close
end
""".splitlines()
START: dict[str, str | int] = {"scenario": "provider_outage", "seed": 1}
Captured = pytest.CaptureFixture[str]


def reader(lines: list[str]) -> Callable[[], str | None]:
    rest = iter(lines)
    return lambda: next(rest, None)


def typed(lines: list[str], keep: Keep = forget, before: list[Words] | None = None) -> Shift:
    """The shift of somebody who types these lines, whatever it shows."""
    return run_shift(SCENARIO, 1, human(reader(lines), lambda text: None, keep, before or ()))


def drill(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-m", "oncall", "drill", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


# --- at the keyboard -----------------------------------------------------------------------------


def test_a_shift_by_keyboard_ends_with_the_score_the_truth_and_the_reference_beside_it() -> None:
    done = drill(typed="\n".join(TYPED))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.removeprefix("> ") for line in done.stdout.splitlines()]  # where Enter was hit
    assert max(map(len, lines)) <= WIDTH
    before, _, after = done.stdout.partition("Score of the shift")
    for text in ("answer         10 of 10", "provider_fails", "upstream=north", "reference"):
        assert text in after
    assert "100 points: answer 10, severity 10, diagnosis 15, harm 30, safety 15," in before
    assert "reference" not in before


def test_the_screen_shows_time_sli_burn_budget_state_and_who_is_paged() -> None:
    desk = Desk(SCENARIO, 1)
    first, second, *_ = status(desk).splitlines()
    assert first == "16:00 · the shift ends at 00:00   spent 0.00%"
    assert second.startswith("availability   99.7% of 99%    burn    0.3x (1h)  ")
    try_to_do(desk, "wait", "150")
    try_to_do(desk, "wait", "6")
    shown = status(desk)
    for text in ("18:35", "availability   49.", "INC-001 detected, sev1", "rings: paged bo"):
        assert text in shown
    assert "fires: availability 14.4x 1h/5m" in shown
    assert "provider" not in shown


def test_what_can_be_done_is_told_when_it_changes_and_not_each_time() -> None:
    shown: list[str] = []
    lines = ["wait 5", "wait 5", "wait 200", "ack", "note x"]
    with pytest.raises(LeftEarly):
        run_shift(SCENARIO, 1, human(reader(lines), shown.append))
    told = [text for text in shown if text.startswith("you can: ")]
    assert len(told) == 3  # at first, at the page, and once it is acknowledged
    assert "apply" not in " ".join(told)


@pytest.mark.parametrize("name", ["two_incidents", "cost_runaway", "metrics_broken"])
def test_where_five_slos_are_watched_each_has_its_line_on_the_screen(name: str) -> None:
    desk = Desk(SCENARIOS[name], 1)
    desk.advance(desk.scenario.length / 2)
    for sli in ("availability", "first_token", "quality", "cost", "safety"):
        assert sum(line.startswith(f"{sli} ") for line in status(desk).splitlines()) == 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_screen_is_wider_than_80_columns_and_none_shows_an_unknown_number(name: str) -> None:
    desk = Desk(SCENARIOS[name], 1)
    while desk.now < desk.ends:
        try_to_do(desk, "next")
        shown = status(desk)
        assert max(map(len, shown.splitlines())) <= WIDTH
        assert "nan" not in shown


def test_help_explains_every_action() -> None:
    words = " ".join(explain().split())
    assert all(action.what in words for action in ACTIONS.values())
    assert explain(["apply"]).startswith("apply MITIGATION [VALUE]")


def test_help_fits_80_columns_and_what_runs_over_hangs_under_its_words() -> None:
    lines = explain().splitlines()
    assert max(map(len, lines)) <= WIDTH
    first, second = "let time pass until something happens, an hour at", "most"
    assert lines[1:3] == [f"{'next':<30}{first}", f"{'':<30}{second}"]


def test_the_drill_says_why_time_stopped() -> None:
    shown = drill(typed="next\nnext\nnext\nnext\nquit\n").stdout
    assert "> 18:13 the SLI is 49.85%, below 99%\n\n18:13 · the shift ends" in shown
    assert "\n18:30 paged ana\n18:30 14.4x 1h/5m fires\n\n18:30 · the shift ends" in shown


def test_what_is_mistyped_is_neither_kept_nor_done() -> None:
    kept: list[Words] = []
    shown: list[str] = []
    lines = ["", "pray", "apply", "help", "wait 5", "quit"]
    with pytest.raises(LeftEarly):
        run_shift(SCENARIO, 1, human(reader(lines), shown.append, kept.append))
    assert kept == [("wait", "5")]
    assert any(text.startswith("unknown action 'pray'") for text in shown)
    assert any(text.startswith("give: apply MITIGATION") for text in shown)


def test_leaving_without_saving_says_so() -> None:
    left = "Left; nothing was kept. --save FILE keeps every action.\n"
    assert drill(typed="wait 5\nquit\n").stdout.endswith(left)
    assert drill(typed="wait 5\n").stdout.endswith(left)


# --- saved and resumed ---------------------------------------------------------------------------


def test_an_action_is_on_disk_before_it_takes_effect(tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []  # how many actions are on disk, and the time at the desk then

    def responder(desk: Desk) -> None:
        def kept(words: Words) -> None:
            keep(words)
            seen.append((len(read_drill(tmp_path / "night")[1]), f"{desk.now:%H:%M}"))

        human(reader(["wait 5", "wait 7", "end"]), lambda text: None, kept)(desk)

    with saving(tmp_path / "night", {**START}) as keep:
        run_shift(SCENARIO, 1, responder)
    assert seen == [(1, "16:00"), (2, "16:05"), (3, "16:12")]


@pytest.mark.parametrize("cut", range(len(TYPED)))
def test_a_shift_that_is_resumed_is_the_shift_that_was_never_left(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "night"
    with saving(path, {**START}) as keep, pytest.raises(LeftEarly):
        typed(TYPED[:cut], keep)
    with resuming(path) as (_, done, keep):
        assert typed(TYPED[cut:], keep, done) == typed(TYPED)
    assert [" ".join(words) for words in read_drill(path)[1]] == TYPED


def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with saving(path, {**START}) as keep:
        keep(("wait", "5"))
    with open(path, "ab") as file:
        file.write(b'{"action": "ac')
    assert read_drill(path)[1] == [("wait", "5")]
    with resuming(path) as (_, done, keep):
        assert done == [("wait", "5")]
        keep(("wait", "6"))
    assert read_drill(path)[1] == [("wait", "5"), ("wait", "6")]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_it_loses_nothing(seed: int, tmp_path: Path) -> None:
    path, chance = tmp_path / "night", random.Random(seed)
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "oncall", "drill", "--save", str(path)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    answered = chance.randrange(len(TYPED) - 1)
    # All at once: it is somewhere among them when it is killed.
    process.stdin.write("\n".join(TYPED[:-1]) + "\n")
    process.stdin.flush()
    prompts = 0
    while prompts <= answered:
        prompts += process.stdout.readline().startswith("> ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    with resuming(path) as (_, done, keep):
        kept = [" ".join(words) for words in done]
        assert kept == TYPED[: len(kept)]
        assert len(kept) >= answered  # what was answered is there
        assert typed(TYPED[len(kept) :], keep, done) == typed(TYPED)


def test_a_drill_that_is_being_played_is_not_played_by_a_second_process(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with saving(path, {**START}) as keep:
        keep(("wait", "5"))
        before = path.read_bytes()
        for option in ("--resume", "--save"):
            second = drill(option, str(path), typed="wait 6\n")
            assert second.returncode == 2
            wanted = {
                "--resume": f"{path}: another process is writing to it; let it finish, then",
                "--save": f"{path} holds something already; resume it with --resume, or",
            }
            assert second.stderr.startswith(f"oncall: {wanted[option]} ")
            assert second.stderr.count("\n") == 1
        assert path.read_bytes() == before
    assert drill("--resume", str(path), typed="wait 6\n").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["night"], "the lock is gone"


def test_the_command_resumes_what_it_saved_and_ends_with_the_same_score(tmp_path: Path) -> None:
    path = str(tmp_path / "night")
    left = drill("--save", path, typed="\n".join(TYPED[:5]) + "\nquit\n")
    assert left.stdout.endswith(f"Left. 'oncall drill --resume {path}' goes on from here.\n")
    resumed = drill("--resume", path, typed="\n".join(TYPED[5:]))
    straight = drill(typed="\n".join(TYPED))
    score = straight.stdout.partition("\nScore of")[2]
    assert score
    again = resumed.stdout.partition("\nScore of")[2]
    assert again.partition("\nLeft behind: ")[0] == score.rstrip("\n") + "\n"


def test_a_script_is_played_kept_and_scored(tmp_path: Path) -> None:
    script, path = tmp_path / "script.txt", tmp_path / "night"
    script.write_text("151 ack\n154 triage sev1\n155 apply fail_over\n")
    done = drill("--responder", str(script), "--save", str(path))
    assert "18:31  ack\n       acknowledged\n" in done.stdout
    assert "       18:30 paged ana\n       18:30 14.4x 1h/5m fires\n18:31  ack" in done.stdout
    assert "Score of the shift" in done.stdout
    assert read_drill(path)[1][:3] == [("wait", "151"), ("wait", "1"), ("ack",)]
    assert "18:34  triage sev1\n" in done.stdout  # when it was begun; it takes a minute
    assert "18:35  apply fail_over\n" in done.stdout


# --- bad files -----------------------------------------------------------------------------------


def header(**fields: object) -> str:
    """The first line of a file of a drill."""
    return json.dumps({"journal": "oncall drill", "version": 1} | fields) + "\n"


BAD = {
    "nothing": "",
    "notes": "dear diary\n",
    "another journal": header(journal="oncall incident"),
    "a newer version": header(version=9),
    "no scenario": header(),
    "an unknown scenario": header(scenario="zzz", seed=1),
    "no action": header(**START) + '{"words": 5}\n',
    "an unknown action": header(**START) + '{"action": "pray", "words": []}\n',
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_resumed_is_refused_in_one_line(
    what: str, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "night").write_text(BAD[what])
    assert main(["drill", "--resume", str(tmp_path / "night")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("oncall: ")


def test_a_file_that_holds_something_is_not_written_over(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "night").write_text("dear diary\n")
    assert main(["drill", "--save", str(tmp_path / "night")]) == 2
    assert "holds something already" in capsys.readouterr().err
    assert (tmp_path / "night").read_text() == "dear diary\n"
