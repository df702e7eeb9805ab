"""The verbs: each does what its arguments say, and returns the exit status and what to print."""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from oncall import journal
from oncall.alerting import google_policy
from oncall.cli.artefacts import write_artefacts
from oncall.cli.drill import Keep, LeftEarly, Words, by_script, forget, human, resuming, saving
from oncall.cli.layout import fill, wrap
from oncall.cli.output import say
from oncall.cli.terminal import score_text, shift_text, table
from oncall.counts import read_csv
from oncall.files import read_text
from oncall.gameday import SCENARIOS, parse_scenario, read_scenario, reference, run_shift
from oncall.gameday.script import read_script
from oncall.mitigations import MITIGATIONS
from oncall.regression import gate
from oncall.report import is_missed, report
from oncall.scenario import Scenario
from oncall.slo import SLO
from oncall.times import parse_duration

Answer = tuple[int, str]
REQUIRED = ("jupyterlab", "pandas", "matplotlib", "ipywidgets")
OPTIONAL = {"nbval": "runs the notebooks as tests", "duckdb": "reads raw request logs"}


# --- shift, scenarios ----------------------------------------------------------------------------


def _shift(arguments: Namespace) -> Answer:
    if arguments.out == "":
        raise ValueError("--out is empty; name a folder")
    if arguments.all:
        shifts = [run_shift(each, arguments.seed, reference) for each in SCENARIOS.values()]
        return 0, table(shifts)
    shift = run_shift(_scenario(arguments.scenario), arguments.seed, reference)
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
    if arguments.resume and arguments.responder:
        why = "--responder plays a shift from its start"
        raise ValueError(f"{why}; with --resume you go on by hand")
    script = read_script(arguments.responder) if arguments.responder else None
    with _kept(arguments) as (start, done, keep):
        scenario, seed, file = (
            _scenario_of(start),
            start["seed"],
            arguments.resume or arguments.save,
        )
        responder = human(_ask, _tell, keep, done)
        if script is not None:
            responder = by_script(script, _tell, keep)
        try:
            shift = run_shift(scenario, seed, responder)
        except (LeftEarly, KeyboardInterrupt):
            resumed = f"Left. 'oncall drill --resume {file}' goes on from here."
            return 0, f"{resumed if file else 'Left; nothing was kept.'}\n"
    return 0, f"\n{score_text(shift.score)}"


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


def _ask() -> str | None:
    """A line as typed, ``None`` at the end of what there is to read."""
    say("> ")
    return (sys.stdin.readline() or None) if sys.stdin else None


def _tell(text: str) -> None:
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        say("\n".join(wrap([line], hang=indent + 2)) + "\n")


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
    "report": _report,
    "gate": _gate,
    "check": _check,
}
