"""The verbs: each does what its arguments say, and returns the exit status and what to print."""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import json
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from oncall import journal
from oncall.alerting import google_policy
from oncall.checks import is_short_number
from oncall.cli.artefacts import write_artefacts
from oncall.cli.debrief import debrief
from oncall.cli.drill import (
    Keep,
    LeftEarly,
    Words,
    by_script,
    completer,
    forget,
    human,
    resuming,
    saving,
)  # fmt: skip
from oncall.cli.layout import fill, wrap
from oncall.cli.output import say
from oncall.cli.terminal import score_text, shift_text, table
from oncall.counts import read_csv
from oncall.files import read_bytes, read_text, regular_file
from oncall.gameday import SCENARIOS, Desk, parse_scenario, read_scenario, reference, run_shift
from oncall.gameday.baselines import PLAYERS, play, row_of
from oncall.gameday.baselines import table as baseline_table
from oncall.gameday.protocol import Game, serve, unsealed
from oncall.gameday.scoring import score
from oncall.gameday.script import read_script
from oncall.gameday.shift import finish_shift
from oncall.incident import Incident
from oncall.mitigations import MITIGATIONS
from oncall.regression import gate
from oncall.report import is_missed, report
from oncall.scenario import Scenario
from oncall.slo import SLO
from oncall.times import parse_duration

Answer = tuple[int, str]
SHOWN = "provider_outage"  # the shift that is printed
REQUIRED = ("jupyterlab", "pandas", "matplotlib", "ipywidgets")
OPTIONAL = {"nbval": "runs the notebooks as tests", "duckdb": "reads raw request logs"}


# --- shift, scenarios ----------------------------------------------------------------------------


def _shift(arguments: Namespace) -> Answer:
    if arguments.out == "":
        raise ValueError("--out is empty; name a folder")
    if arguments.all:
        shifts = [run_shift(each, arguments.seed, reference) for each in SCENARIOS.values()]
        return 0, table(shifts)
    scenario = _scenario(arguments.scenario or SHOWN)
    shift = run_shift(scenario, arguments.seed, reference)
    text = shift_text(shift, shift.score)
    if arguments.out is None:
        return 0, text
    folder = Path(arguments.out)
    paths = write_artefacts(shift, text, shift.score, folder)
    names = ", ".join(path.relative_to(folder).as_posix() for path in paths)
    return 0, text + fill(f"Written to {folder}: {names}") + "\n"


def _scenario(name: str) -> Scenario:
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(".toml"):
        return read_scenario(name)
    near = difflib.get_close_matches(name, SCENARIOS, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else "'oncall scenarios' lists them"
    raise ValueError(f"unknown scenario {name!r}; {hint}")


def _scenarios(arguments: Namespace) -> Answer:
    width = max(map(len, SCENARIOS))
    lines = [f"{each.name:<{width}}  {each.title}\n" for each in SCENARIOS.values()]
    return 0, "".join(lines)


# --- drill ---------------------------------------------------------------------------------------


def _drill(arguments: Namespace) -> Answer:
    arguments.scenario = arguments.scenario or SHOWN
    if arguments.baselines:
        return 0, _baselines(arguments)
    if arguments.sealed or arguments.json:
        return _by_protocol(arguments)
    if arguments.resume and arguments.responder:
        why = "--responder plays a shift from its start"
        raise ValueError(f"{why}; with --resume you go on by hand")
    script = read_script(arguments.responder) if arguments.responder else None
    pace = parse_duration(arguments.pace).total_seconds() if arguments.pace else 0.0
    with _kept(arguments) as (start, done, keep):
        scenario, seed, file = (
            _scenario_of(start),
            start["seed"],
            arguments.resume or arguments.save,
        )
        desk = Desk(scenario, seed)
        responder = human(typed(desk), _tell, keep, done, pace)
        if script is not None:
            responder = by_script(script, _tell, keep)
        try:
            shift = finish_shift(desk, responder)
        except (LeftEarly, KeyboardInterrupt):
            resumed = f"Left. 'oncall drill --resume {file}' goes on from here."
            lost = "Left; nothing was kept. --save FILE keeps every action."
            return 0, f"{resumed if file else lost}\n"
    theirs = run_shift(scenario, seed, reference)
    files = [Path(file)] if file else []
    return 0, f"\n{debrief(shift, theirs, files)}"


def _by_protocol(arguments: Namespace) -> Answer:
    """Play by lines of JSON, each answered at once."""
    name, seed, sealed = arguments.scenario, arguments.seed, None
    if arguments.sealed:
        sealed = read_bytes(regular_file(arguments.sealed))
        name, seed = unsealed(sealed, arguments.sealed)
    serve(Game(_scenario(name), seed, sealed), lambda: sys.stdin.readline() or None, say)
    return 0, ""


def _baselines(arguments: Namespace) -> str:
    """What players without judgement get, and the reference, over some seeds of surprise."""
    seeds, scenario = _seeds(arguments.seeds or "1-40"), SCENARIOS["surprise"]
    if arguments.scenario != SHOWN:
        scenario = _scenario(arguments.scenario)
    rows = []
    for name in PLAYERS:
        scores = []
        for seed in seeds:
            scores.append(play(name, scenario, seed))
            if arguments.json:
                points = {one.name: one.points for one in scores[-1].dimensions}
                record = {"player": name, "scenario": scenario.name, "seed": seed}
                say(json.dumps(record | {"points": scores[-1].points, "dimensions": points}) + "\n")
        rows.append(row_of(name, scores))
    return "" if arguments.json else f"{baseline_table(rows)}\n"


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    if not (is_short_number(first) and is_short_number(last or first)):
        raise ValueError(f"--seeds {text!r} is no range; give e.g. 1-40")
    return range(int(first), int(last or first) + 1)


@contextlib.contextmanager
def _kept(arguments: Namespace) -> Iterator[tuple[journal.Record, list[Words], Keep]]:
    """What the file of a drill says of its shift, what was done in it, and what keeps more."""
    if arguments.resume:
        with resuming(arguments.resume) as kept:
            yield kept
        return
    start = {"scenario": arguments.scenario, "seed": arguments.seed}
    if arguments.scenario.endswith(".toml"):  # its text is kept, for the file may change
        start["toml"] = read_text(arguments.scenario)
    _scenario_of(start)  # before a file is begun for it
    if not arguments.save:
        yield start, [], forget
        return
    with saving(arguments.save, start) as keep:
        yield start, [], keep


def _scenario_of(start: journal.Record) -> Scenario:
    name = start["scenario"]
    return parse_scenario(start["toml"], name) if "toml" in start else _scenario(name)


def typed(desk: Desk) -> Callable[[], str | None]:
    """A function that reads a line as typed, with the keys that a terminal is used to.

    It gives ``None`` at the end of what there is to read.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        return _ask
    try:
        import readline
    except ImportError:  # not on Windows
        return _ask
    readline.set_completer_delims(" ")

    def complete(_: str, number: int) -> str | None:
        words = completer(desk, readline.get_line_buffer()[: readline.get_endidx()])
        return f"{words[number]} " if number < len(words) else None

    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")

    def ask() -> str | None:
        try:
            return input("> ")
        except EOFError:
            return None

    return ask


def _ask() -> str | None:
    """A line as typed, ``None`` at the end of what there is to read."""
    say("> ")
    return (sys.stdin.readline() or None) if sys.stdin else None


def _tell(text: str) -> None:
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        say("\n".join(wrap([line], hang=indent + 2)) + "\n")


# --- score, mcp ----------------------------------------------------------------------------------


def _score(arguments: Namespace) -> Answer:
    return 0, f"{score_text(score(Incident.load(arguments.file)))}"


def _mcp(arguments: Namespace) -> Answer:
    from oncall.gameday import mcp_server

    scenario = _scenario(arguments.scenario or "surprise")
    mcp_server.run(Game(scenario, arguments.seed))
    return 0, ""


# --- report --------------------------------------------------------------------------------------


def _report(arguments: Namespace) -> Answer:
    slo = SLO(arguments.name, _share(arguments.target), _length(arguments.period))
    step = None if arguments.step is None else _length(arguments.step)
    columns = {name: getattr(arguments, name) for name in ("start", "good", "total")}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        counts = read_csv(arguments.file, step=step, **columns)
    text = f"File       {arguments.file}\n{report(counts, slo, google_policy(slo.period))}"
    notes = "".join(fill(f"Note: {warning.message}") + "\n" for warning in caught)
    return int(arguments.fail and is_missed(counts, slo)), text + notes


def _share(text: str) -> float:
    """A ratio, or a number followed by a percent sign: 0.999 and 99.9% are the same."""
    try:
        if not re.fullmatch(r"[-+.0-9eE]+%?", text):  # float takes 1_0 too, and nan
            raise ValueError
        share = float(re.sub("%$", "e-2", text))
    except ValueError:
        raise ValueError(f"--target {text!r} is not a number; give e.g. 0.999 or 99.9%") from None
    if text.endswith("%") and 0 < share < 0.5:
        number = 100 * share
        meant = 100 - number  # it is the error budget,
        if 0.5 < number < 1:
            meant = 100 * number  # or a ratio
        why = "is less than half of all events"
        raise ValueError(f"--target {text!r} {why}; did you mean {meant:.12g}%?")
    return share


def _length(text: str) -> timedelta:
    if not (length := parse_duration(text)):
        raise ValueError(f"{text!r} is no time at all; give e.g. 30d or 1m")
    return length


# --- gate, check ---------------------------------------------------------------------------------


def _gate(arguments: Namespace) -> Answer:
    takes_all = "--automated takes every word after it"
    if not arguments.paths:
        raise ValueError(f"name the cases first, a file or a folder; {takes_all}")
    for word in arguments.automated:
        if word not in MITIGATIONS and Path(word).exists():
            raise ValueError(f"{takes_all}; name the path {word!r} before it")
    automated = " ".join(arguments.automated).replace(",", " ").split()
    verdict = gate(arguments.paths, automated=automated)
    return int(not verdict), f"{verdict}\n"


def _check(arguments: Namespace) -> Answer:
    """What the notebooks need, and what of it is installed."""
    versions = {name: _version(name) for name in (*REQUIRED, *OPTIONAL)}
    text = f"Python      {sys.version.split()[0]}\n"
    for name, version in versions.items():
        use = f"  (optional: {OPTIONAL[name]})" if name in OPTIONAL else ""
        text += f"{name:<11} {version or f'missing: pip install {name}'}{use}\n"
    missing = ", ".join(name for name in REQUIRED if versions[name] is None)
    lack = f"The notebooks lack {missing}; 'make lab' sets everything up."
    return int(bool(missing)), f"{text}{lack if missing else 'The notebooks can run.'}\n"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


VERBS: dict[str, Callable[[Namespace], Answer]] = {
    "shift": _shift,
    "drill": _drill,
    "scenarios": _scenarios,
    "score": _score,
    "mcp": _mcp,
    "report": _report,
    "gate": _gate,
    "check": _check,
}
