"""The steps of CONTRIBUTING.md, done literally in a copy of the repository, keep their promise."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from house import GUIDE, ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", ".ipynb_checkpoints", "out", "build"
)
# What a step tells to do with the block below it, as the last words before that.
STEP = re.compile(
    r"""(?: at\ the\ end\ of\ `(?P<container>\w+)`\ in\ `(?P<grown>[^`]+)`
          | at\ the\ end\ of\ `(?P<file>[\w/]+\.toml)`
          | above\ `(?P<anchor>[^`]+)`\ in\ `(?P<split>[^`]+)`
          | write\ `(?P<written>[^`]+)`
          | (?P<run>run)
        ):\n\n
        (?P<indent>\ *)```\w+\n(?P<block>.*?)^(?P=indent)```$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def section(title: str) -> str:
    """A section of the guide, without its heading."""
    text = GUIDE.read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


class Copy:
    """A copy of the repository in which the steps of the guide are done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "copy"
        shutil.copytree(ROOT, self.folder, ignore=LEFT_OUT)

    def follow(self, title: str) -> str:
        """Do every step of a section, in order, and return what the last command printed."""
        text = section(title)
        steps = list(STEP.finditer(text))
        assert len(steps) == text.count("```") // 2, "a block without words that say what to do"
        return [self._do(step) for step in steps][-1]

    def _do(self, step: re.Match[str]) -> str:
        block = "".join(
            line.removeprefix(step["indent"]) for line in step["block"].splitlines(keepends=True)
        )
        if step["container"]:
            path = self.folder / step["grown"]
            self._insert(path, _last_line(path, step["container"]), block)
        elif step["file"]:
            path = self.folder / step["file"]
            self._insert(path, len(path.read_text(encoding="utf-8").splitlines()), block)
        elif step["anchor"]:
            path = self.folder / step["split"]
            lines = path.read_text(encoding="utf-8").splitlines()
            self._insert(path, lines.index(step["anchor"]), block)
        elif step["written"]:
            (self.folder / step["written"]).write_text(block, encoding="utf-8")
        else:
            return [self.run(line.removeprefix("$ ")) for line in block.splitlines()][-1]
        return ""

    def _insert(self, path: Path, place: int, block: str) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([*lines[:place], block, *lines[place:]]), encoding="utf-8")

    def run(self, command: str) -> str:
        """Run a command in the copy, with the programs beside this Python; it must not fail."""
        programs = Path(sys.executable).parent
        kept = ("HOME", "LANG", "SYSTEMROOT", "TEMP", "TMPDIR", "PIP_CONFIG_FILE")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        environment |= {"PYTHONPATH": str(self.folder), "PYTHONUTF8": "1"}
        program, *arguments = shlex.split(command)
        found = shutil.which(program, path=environment["PATH"])
        assert found, f"{program} is not installed"
        done = subprocess.run(
            [found, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _last_line(path: Path, name: str) -> int:
    """The number of the line, from 0, that closes the container of this name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _assigned(node):
            assert node.end_lineno
            return node.end_lineno - 1
    raise AssertionError(f"{path} has no {name}")


def _assigned(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [ast.unparse(target) for target in targets]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy of the repository."""
    return Copy(tmp_path)


def test_a_scenario_that_was_added_as_it_says_is_played_and_can_be_drilled(copy: Copy) -> None:
    assert "proved" in copy.follow("How to add a scenario")
    shift = (copy.folder / "out" / "mine" / "shift.txt").read_text(encoding="utf-8")
    assert shift.startswith("On call: slow_tuesday, seed 1\n")
    points = re.search(r"score +(\d+) of 100", shift)
    assert points
    assert int(points[1]) >= 90
    assert "Left; nothing was kept." in copy.run("oncall drill --scenario mine.toml")


KNOWN = """\
from datetime import UTC, datetime
from oncall import SLO, MockSystem, run_runbook, RUNBOOKS
from oncall.catalogue import known_symptom
book = RUNBOOKS[known_symptom("tool_timeouts")]
system = MockSystem("tool_timeouts")
at = datetime(2025, 3, 4, tzinfo=UTC)
print(run_runbook(book, system, slo=SLO("availability", 0.99), at=at).healthy, system.applied)
"""


def test_a_symptom_that_was_added_as_it_says_has_a_runbook_and_a_case(copy: Copy) -> None:
    assert "proved" in copy.follow("How to add a symptom")
    assert copy.run(f"python -c {shlex.quote(KNOWN)}") == "True ['skip_tool', 'serve_degraded']\n"
    journal = (copy.folder / "out" / "tools" / "journal.jsonl").read_text(encoding="utf-8")
    assert '"tool_times_out"' in journal
    assert "Calls to a tool time out" in copy.run("oncall shift --scenario tools.toml")


def test_a_lesson_that_was_added_as_it_says_passes_the_tests_of_lessons(copy: Copy) -> None:
    tested = copy.follow("How to add a lesson")
    passed = re.search(r"(\d+) passed", tested)
    assert passed
    assert int(passed[1]) > 20, tested
    assert (copy.folder / "notebooks" / "pictures" / "15_two_ladders.png").is_file()


def test_a_step_that_fails_is_found_out(copy: Copy) -> None:
    with pytest.raises(AssertionError, match=r"absent\.toml"):
        copy.run("oncall shift --scenario absent.toml")


# --- the guide itself ----------------------------------------------------------------------------


def test_the_examples_of_style_are_python(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", section("House style"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        before, after = block.split("\n\n# after\n")
        assert before.startswith("# before\n")
        for code in (before, after):
            ast.parse(textwrap.dedent(code))
            assert max(map(len, code.splitlines())) <= 100


def test_every_link_leads_to_a_file() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE.read_text(encoding="utf-8")):
        assert (ROOT / target).is_file(), target
