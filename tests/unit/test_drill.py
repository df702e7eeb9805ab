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
from oncall.cli.drill import LeftEarly, begin, explain, human, keep_in, resume, status
from oncall.cli.layout import WIDTH
from oncall.gameday.actions import ACTIONS, try_to_do
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.desk import Desk, Shift, run_shift

ROOT = Path(__file__).parents[2]
SCENARIO = SCENARIOS["provider_outage"]
TYPED = """wait 150
look logs
ack
triage sev1 ana comms=bo
update We are working on it.
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


def typed(lines: list[str]) -> Shift:
    return run_shift(SCENARIO, 1, human(reader(lines), lambda text: None))


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


def test_a_shift_by_keyboard_ends_with_the_score_and_the_reference_beside_it() -> None:
    done = drill(typed="\n".join(TYPED))
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        max(len(line.removeprefix("> ")) for line in done.stdout.splitlines()) <= WIDTH
    )  # Enter ends the prompt's
    score = done.stdout.partition("Score of INC-001")[2]
    for said in (
        "TTA          15 of 15",
        "reference Acknowledged after 3m",
        "reference ",
        "The shift: ",
    ):
        assert said in score


def test_the_screen_shows_time_sli_burn_budget_state_and_who_is_paged() -> None:
    desk = Desk(SCENARIO, 1)
    assert (
        status(desk)
        .splitlines()[0]
        .startswith("16:00 until 00:00   SLI 99.7% (1m), target 99%   burn 0.3x (1h)   spent ")
    )
    try_to_do(desk, "wait", "156")
    shown = status(desk)
    for said in (
        "18:36",
        "SLI 49",
        "INC-001 detected, sev1",
        "the pager rings: paged bo",
        "fires: 14.4x",
        "you can: ",
    ):
        assert said in shown
    assert "apply" not in shown


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
    assert explain(["apply"]).startswith("apply NAME")


def test_help_fits_80_columns_and_what_runs_over_hangs_under_its_words() -> None:
    lines = explain().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[1:3] == [
        f"{'next':<30}let time pass until something happens, an hour at",
        " " * 30 + "most",
    ]


def test_the_drill_says_why_time_stopped() -> None:
    shown = drill(typed="next\nnext\nnext\nnext\nquit\n").stdout
    assert "> 18:13 the SLI is 49.85%, below 99%\n\n18:13 until" in shown
    assert "\n18:30 paged ana\n18:30 14.4x 1h/5m fires\n\n18:30 until" in shown


def test_what_is_mistyped_is_neither_kept_nor_done() -> None:
    kept: list[tuple[str, ...]] = []
    told: list[str] = []
    with pytest.raises(LeftEarly):
        run_shift(
            SCENARIO,
            1,
            human(
                reader(["", "pray", "apply", "help", "wait 5", "quit"]), told.append, kept.append
            ),
        )
    assert kept == [("wait", "5")]
    assert any(text.startswith("unknown action 'pray'") for text in told)
    assert any(text.startswith("give: apply NAME") for text in told)


def test_leaving_without_saving_says_so() -> None:
    assert drill(typed="wait 5\nquit\n").stdout.endswith("Left; nothing was kept.\n")
    assert drill(typed="wait 5\n").stdout.endswith("Left; nothing was kept.\n")


# --- saved and resumed ---------------------------------------------------------------------------


def test_an_action_is_on_disk_before_it_takes_effect(tmp_path: Path) -> None:
    keep, seen = begin(tmp_path / "night", {**START}), []

    def kept(words: tuple[str, ...]) -> None:
        keep(words)
        seen.append((len(resume(tmp_path / "night")[1]), desks[0].now))

    desks: list[Desk] = []

    def responder(desk: Desk) -> None:
        desks.append(desk)
        human(reader(["wait 5", "wait 7", "end"]), lambda text: None, kept)(desk)

    run_shift(SCENARIO, 1, responder)
    assert [(count, (at - SCENARIO.start).seconds // 60) for count, at in seen] == [
        (1, 0),
        (2, 5),
        (3, 12),
    ]


@pytest.mark.parametrize("cut", range(len(TYPED)))
def test_a_shift_that_is_resumed_is_the_shift_that_was_never_left(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "night"
    with pytest.raises(LeftEarly):
        run_shift(
            SCENARIO, 1, human(reader(TYPED[:cut]), lambda text: None, begin(path, {**START}))
        )
    _, done = resume(path)
    again = run_shift(
        SCENARIO, 1, human(reader(TYPED[cut:]), lambda text: None, keep_in(path), done)
    )
    assert again == whole()
    assert [" ".join(words) for words in resume(path)[1]] == TYPED


def whole() -> Shift:
    return typed(TYPED)


def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "night"
    begin(path, {**START})(("wait", "5"))
    with open(path, "ab") as file:
        file.write(b'{"action": "ac')
    assert resume(path)[1] == [("wait", "5")]
    keep_in(path)(("wait", "6"))
    assert resume(path)[1] == [("wait", "5"), ("wait", "6")]


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
    process.stdin.write(
        "\n".join(TYPED[:-1]) + "\n"
    )  # all at once: it is somewhere among them when it is killed
    process.stdin.flush()
    prompts = 0
    while prompts <= answered:
        prompts += process.stdout.readline().startswith("> ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    _, done = resume(path)
    kept = [" ".join(words) for words in done]
    assert kept == TYPED[: len(kept)]
    assert len(kept) >= answered  # what was answered is there
    again = run_shift(
        SCENARIO, 1, human(reader(TYPED[len(kept) :]), lambda text: None, keep_in(path), done)
    )
    assert again == whole()


def test_the_command_resumes_what_it_saved_and_ends_with_the_same_score(tmp_path: Path) -> None:
    path = str(tmp_path / "night")
    left = drill("--save", path, typed="\n".join(TYPED[:5]) + "\nquit\n")
    assert left.stdout.endswith(f"Left. 'oncall drill --resume {path}' goes on from here.\n")
    resumed = drill("--resume", path, typed="\n".join(TYPED[5:]))
    straight = drill(typed="\n".join(TYPED))
    assert (
        resumed.stdout.partition("\nScore of")[2]
        == straight.stdout.partition("\nScore of")[2]
        != ""
    )


def test_a_script_is_played_kept_and_scored(tmp_path: Path) -> None:
    script, path = tmp_path / "script.txt", tmp_path / "night"
    script.write_text("151 ack\n154 triage sev1\n155 apply fail_over\n")
    done = drill("--responder", str(script), "--save", str(path))
    assert "18:31  ack\n       acknowledged\n" in done.stdout
    assert "       18:30 paged ana\n       18:30 14.4x 1h/5m fires\n18:31  ack" in done.stdout
    assert "Score of INC-001" in done.stdout
    assert resume(path)[1][:2] == [("wait", "151"), ("ack",)]


# --- bad files -----------------------------------------------------------------------------------

BAD = {
    "nothing": "",
    "notes": "dear diary\n",
    "another journal": '{"journal": "oncall incident", "version": 1}\n',
    "a newer version": '{"journal": "oncall drill", "version": 9}\n',
    "no scenario": '{"journal": "oncall drill", "version": 1}\n',
    "an unknown scenario": '{"journal": "oncall drill", "version": 1, "scenario": "zzz", "seed": 1}\n',
    "no action": json.dumps({"journal": "oncall drill", "version": 1, **START})
    + '\n{"words": 5}\n',
    "an unknown action": json.dumps({"journal": "oncall drill", "version": 1, **START})
    + '\n{"action": "pray", "words": []}\n',
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
