"""The arguments that the command line takes, and their help."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path
from typing import Any, NoReturn

from oncall.cli.output import say
from oncall.files import parse_toml, read_text


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; {self.prog} --help explains")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        try:
            version = importlib.metadata.version("oncall-workbook")
        except importlib.metadata.PackageNotFoundError:  # in a checkout that nobody installed
            project = Path(__file__).parents[2] / "pyproject.toml"
            version = parse_toml(read_text(project), str(project))["project"]["version"]
        say(f"oncall {version}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command; its result has the name of the verb as ``verb``."""
    about = "On call for an AI service: a shift, and tools for your own telemetry."
    command = _Parser(prog="oncall", description=about)
    command.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")

    shift = _Parser(add_help=False)  # what all kinds of shift take
    add = shift.add_argument
    scenario = "a scenario's name, surprise for any, or a .toml file"
    add("--scenario", metavar="S", help=scenario)
    add("--seed", type=int, default=1, metavar="N", help="another seed, another night (default 1)")

    what = "play a shift, from the healthy service to its score"
    add = verbs.add_parser("shift", parents=[shift], help=what).add_argument
    add("--all", action="store_true", help="a table of all scenarios instead")
    add("--out", metavar="DIR", help="write counts, journal, postmortem, evals and score there")

    what = "be on call yourself, at the keyboard, and be scored"
    drill = verbs.add_parser("drill", parents=[shift], help=what)
    add = drill.add_argument
    add("--responder", metavar="FILE", help="play this script instead of asking")
    add("--pace", metavar="2s", help="let a minute take this long, with a bell at a page")
    add("--json", action="store_true", help="one JSON object a line, in and out, for programs")
    add("--sealed", metavar="FILE", help="scenario and seed from this file, told after the score")
    add("--baselines", action="store_true", help="how players without judgement fare, as a table")
    add("--seeds", metavar="1-40", help="the seeds of --baselines (default 1-40)")
    add = drill.add_mutually_exclusive_group().add_argument
    add("--save", metavar="FILE", help="keep every action there, so that nothing is lost")
    add("--resume", metavar="FILE", help="go on with a shift that was kept there")

    what = "score the journal of an incident, a real one too"
    verbs.add_parser("score", help=what).add_argument("file", metavar="JOURNAL.jsonl")

    what = "let a model work a shift, as a server of the Model Context Protocol on stdio"
    verbs.add_parser("mcp", parents=[shift], help=what)

    verbs.add_parser("scenarios", help="list the bundled scenarios")

    what = "what happened in a file of counts, and what alerts would have said"
    add = verbs.add_parser("report", help=what).add_argument
    add("file", metavar="FILE.csv", help="columns start (or timestamp), good, total")
    target = "the SLO's target, such as 0.999 or 99.9%%"
    add("--target", required=True, metavar="T", help=target)
    add("--period", default="30d", metavar="P", help="the SLO's period (default 30d)")
    add("--name", default="availability", help="what the SLO is called")
    for column, default in (("start", None), ("good", "good"), ("total", "total")):
        holds = f"the column that holds {column}"
        add(f"--{column}", default=default, metavar="COLUMN", help=holds)
    add("--step", metavar="S", help="a bucket's length (default: the rows' commonest distance)")
    add("--fail", action="store_true", help="exit with 1 when the file's SLI is below the target")

    what = "run regression cases; exit with 1 unless every one is proved and passes"
    add = verbs.add_parser("gate", help=what).add_argument
    add("paths", nargs="*", metavar="PATH", help="case files, or folders of them")
    automated = "mitigations that apply themselves"
    add("--automated", nargs="+", action="extend", default=[], metavar="NAME", help=automated)

    verbs.add_parser("check", help="what is installed, what is missing and how to get it")
    return command
