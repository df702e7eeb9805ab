"""The command line: ``python3 -m oncall`` plays a shift; the other verbs work on your own files.

Exit status: 0 fine, 1 the answer is no, 2 bad use or bad input, said in one line on stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib.metadata
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from oncall.alerting import google_policy
from oncall.catalogue import MITIGATIONS
from oncall.cli.drill import Keep, Left, Words, begin, by_script, human, keep_in, resume
from oncall.cli.terminal import WIDTH, score_text, shift_text, table, wrap
from oncall.counts import read_csv
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.reference import reference
from oncall.gameday.scenario_file import parse_scenario, read_scenario
from oncall.gameday.scoring import Score, score, score_shift
from oncall.gameday.script import read_script
from oncall.gameday.shift import Shift, run_shift
from oncall.regression import gate, save_case, to_eval_case
from oncall.report import is_missed, report
from oncall.scenario import Scenario
from oncall.slo import SLO
from oncall.times import parse_duration

NEEDED = ("jupyterlab", "pandas", "matplotlib", "ipywidgets")
OPTIONAL = {"nbval": "runs the notebooks as tests", "duckdb": "reads raw request logs"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 shows ? for what it lacks
            stream.reconfigure(errors="replace")
    status = 0  # a text that nobody reads to its end is no failure; a verdict goes through _answer
    try:
        arguments = _parser().parse_args((sys.argv[1:] if argv is None else argv) or ["shift"])
        status = arguments.run(arguments)
        print(end="", flush=True)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130  # what shells say of it
    except (ValueError, OSError) as error:
        print(f"oncall: {_one_line(error)}", file=sys.stderr)
        return 2
    return status


# --- the verbs -----------------------------------------------------------------------------------


def _shift(arguments: argparse.Namespace) -> int:
    if arguments.out == "":
        raise ValueError("--out is empty; name a folder")
    if arguments.all:
        print(
            table(
                [run_shift(scenario, arguments.seed, reference) for scenario in SCENARIOS.values()]
            ),
            end="",
        )
        return 0
    shift = run_shift(_scenario(arguments.scenario), arguments.seed, reference)
    scores = [
        score(incident, incident) for incident in shift.incidents
    ]  # the reference plays, so it is its own
    text = shift_text(shift, scores)
    print(text, end="")
    if arguments.out:
        folder = Path(arguments.out)
        _write(shift, text, scores, folder)
        names = ", ".join(path.relative_to(folder).as_posix() for path in _artefacts(folder))
        print(_fill(f"Written to {folder}: {names}"))
    return 0


def _scenario(name: str) -> Scenario:
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(".toml"):
        return read_scenario(name)
    near = difflib.get_close_matches(name, SCENARIOS, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else "'oncall scenarios' lists them"
    raise ValueError(f"unknown scenario {name!r}; {hint}")


def _write(shift: Shift, text: str, scores: Sequence[Score], folder: Path) -> None:
    """The shift's artefacts, a second incident's with ``-2`` in the name; those of an earlier shift are replaced."""
    evals = folder / "evals"
    evals.mkdir(parents=True, exist_ok=True)
    for old in _artefacts(folder):
        old.unlink()
    shift.counts.write_csv(folder / "counts.csv")
    (folder / "shift.txt").write_text(text, encoding="utf-8")
    (folder / "score.txt").write_text("".join(f"{one}\n" for one in scores), encoding="utf-8")
    for number, incident in enumerate(shift.incidents, 1):
        suffix = "" if number == 1 else f"-{number}"
        incident.save(folder / f"journal{suffix}.jsonl")
        if incident.postmortem:
            (folder / f"postmortem{suffix}.md").write_text(incident.postmortem, encoding="utf-8")
        with contextlib.suppress(ValueError):  # an incident that no page can see has no replay case
            case = to_eval_case(incident)
            save_case(case, evals / f"{case.id}.json")


def _artefacts(folder: Path) -> list[Path]:
    """What a shift has written to a folder and nothing else, for other people's files may be there too."""
    names = (
        "counts.csv",
        "shift.txt",
        "score.txt",
        "journal.jsonl",
        "journal-[0-9].jsonl",
        "postmortem.md",
    )
    patterns = (*names, "postmortem-[0-9].md", "evals/regression-INC-00[0-9].json")
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _scenarios(arguments: argparse.Namespace) -> int:
    for scenario in SCENARIOS.values():
        print(f"{scenario.name:<{max(map(len, SCENARIOS))}}  {scenario.title}")
    return 0


def _drill(arguments: argparse.Namespace) -> int:
    if arguments.resume and arguments.responder:
        raise ValueError(
            "--responder plays a shift from its start; with --resume you go on by hand"
        )
    done: list[Words] = []
    if arguments.resume:
        start, done = resume(arguments.resume)
    else:
        start = {"scenario": arguments.scenario, "seed": arguments.seed}
        if arguments.scenario.endswith(
            ".toml"
        ):  # the scenario itself is kept, for its file may change
            start["toml"] = Path(arguments.scenario).read_text(encoding="utf-8")
    scenario = (
        parse_scenario(start["toml"], start["scenario"])
        if "toml" in start
        else _scenario(start["scenario"])
    )
    script = read_script(arguments.responder) if arguments.responder else None
    if arguments.save:
        begin(arguments.save, start)
    file = arguments.resume or arguments.save
    keep: Keep = keep_in(file) if file else lambda words: None
    responder = human(_ask, _tell, keep, done) if script is None else by_script(script, _tell, keep)
    try:
        shift = run_shift(scenario, start["seed"], responder)
    except (Left, KeyboardInterrupt):
        print(
            f"Left. 'oncall drill --resume {file}' goes on from here."
            if file
            else "Left; nothing was kept."
        )
        return 0
    book = run_shift(scenario, start["seed"], reference)
    print(f"\n{score_text(score_shift(shift.incidents, book.incidents))}", end="")
    return 0


def _ask() -> str | None:
    """A line as typed, ``None`` at the end of what there is to read."""
    print("> ", end="", flush=True)
    return sys.stdin.readline() or None


def _tell(text: str) -> None:
    for line in text.splitlines():
        print("\n".join(wrap([line], hang=len(line) - len(line.lstrip()) + 2)), flush=True)


def _report(arguments: argparse.Namespace) -> int:
    slo = SLO(arguments.name, _share(arguments.target), _length(arguments.period))
    step = None if arguments.step is None else _length(arguments.step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        counts = read_csv(
            arguments.file,
            start=arguments.start,
            good=arguments.good,
            total=arguments.total,
            step=step,
        )
    text = f"File       {arguments.file}\n{report(counts, slo, google_policy(slo.period))}"
    notes = "".join(_fill(f"Note: {warning.message}") + "\n" for warning in caught)
    return _answer(text + notes, not (arguments.fail and is_missed(counts, slo)))


def _share(text: str) -> float:
    """A ratio, or what stands before a percent sign: 0.999 and 99.9% are the same number."""
    try:
        share = float(re.sub("%$", "e-2", text))
    except ValueError:
        raise ValueError(f"--target {text!r} is not a number; give e.g. 0.999 or 99.9%") from None
    if text.endswith("%") and 0 < share < 0.5:
        number = 100 * share
        meant = (
            100 * number if 0.5 < number < 1 else 100 - number
        )  # it is a ratio, or the error budget
        raise ValueError(
            f"--target {text!r} is less than half of all events; did you mean {meant:.12g}%?"
        )
    return share


def _length(text: str) -> timedelta:
    if not (length := parse_duration(text)):
        raise ValueError(f"{text!r} is no time at all; give e.g. 30d or 1m")
    return length


def _gate(arguments: argparse.Namespace) -> int:
    if not arguments.paths:
        raise ValueError(
            "name the cases first, a file or a folder; --automated takes every word after it"
        )
    for word in arguments.automated:
        if word not in MITIGATIONS and Path(word).exists():
            raise ValueError(
                f"--automated takes every word after it; name the path {word!r} before it"
            )
    verdict = gate(
        arguments.paths, automated=" ".join(arguments.automated).replace(",", " ").split()
    )
    return _answer(f"{verdict}\n", verdict.passed)


def _answer(text: str, fine: bool) -> int:
    """Print the text and return the status, which stays what it is when nobody reads the text to its end."""
    with contextlib.suppress(BrokenPipeError):
        print(text, end="")
    return 0 if fine else 1


def _check(arguments: argparse.Namespace) -> int:
    """What the notebooks need, and what is there."""
    text = f"Python      {sys.version.split()[0]}\n"
    for name in (*NEEDED, *OPTIONAL):
        use = f"  (optional: {OPTIONAL[name]})" if name in OPTIONAL else ""
        text += f"{name:<11} {_version(name) or f'missing: pip install {name}'}{use}\n"
    missing = ", ".join(name for name in NEEDED if _version(name) is None)
    text += (
        f"The notebooks lack {missing}; 'make lab' sets everything up.\n"
        if missing
        else "The notebooks can run.\n"
    )
    return _answer(text, not missing)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- the arguments -------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oncall: {message}; {self.prog} --help explains\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="oncall",
        description="On call for an AI service: a shift, and tools for your own telemetry.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    played = _Parser(add_help=False)
    played.add_argument(
        "--scenario",
        default="provider_outage",
        metavar="S",
        help="a scenario's name, or a .toml file",
    )
    played.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another seed, another night (default 1)"
    )

    verb = verbs.add_parser(
        "shift", parents=[played], help="play a shift, from the healthy service to its score"
    )
    verb.add_argument("--all", action="store_true", help="a table of all scenarios instead")
    verb.add_argument(
        "--out", metavar="DIR", help="write counts, journal, postmortem, evals and score there"
    )
    verb.set_defaults(run=_shift)

    verb = verbs.add_parser(
        "drill", parents=[played], help="be on call yourself, at the keyboard, and be scored"
    )
    verb.add_argument("--responder", metavar="FILE", help="play this script instead of asking")
    kept = verb.add_mutually_exclusive_group()
    kept.add_argument(
        "--save", metavar="FILE", help="keep every action there, so that nothing is lost"
    )
    kept.add_argument("--resume", metavar="FILE", help="go on with a shift that was kept there")
    verb.set_defaults(run=_drill)

    verb = verbs.add_parser("scenarios", help="list the bundled scenarios")
    verb.set_defaults(run=_scenarios)

    verb = verbs.add_parser(
        "report", help="what happened in a file of counts, and what alerts would have said"
    )
    verb.add_argument("file", metavar="FILE.csv", help="columns start (or timestamp), good, total")
    verb.add_argument(
        "--target", required=True, metavar="T", help="the SLO's target, such as 0.999 or 99.9%%"
    )
    verb.add_argument("--period", default="30d", metavar="P", help="the SLO's period (default 30d)")
    verb.add_argument("--name", default="availability", help="what the SLO is called")
    for column, default in (("start", None), ("good", "good"), ("total", "total")):
        verb.add_argument(
            f"--{column}", default=default, metavar="COLUMN", help=f"the column that holds {column}"
        )
    verb.add_argument(
        "--step", metavar="S", help="a bucket's length (default: the rows' commonest distance)"
    )
    verb.add_argument(
        "--fail", action="store_true", help="exit with 1 when the file's SLI is below the target"
    )
    verb.set_defaults(run=_report)

    verb = verbs.add_parser(
        "gate", help="run regression cases; exit with 1 unless every one is proved and passes"
    )
    verb.add_argument("paths", nargs="*", metavar="PATH", help="case files, or folders of them")
    verb.add_argument(
        "--automated",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="mitigations that apply themselves",
    )
    verb.set_defaults(run=_gate)

    verb = verbs.add_parser("check", help="what is installed, what is missing and how to get it")
    verb.set_defaults(run=_check)
    return parser


def _fill(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
