"""How one comes in: what make, pre-commit and CI run, how long tests look, and the changelog."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house import ROOT
from hypothesis import settings

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def recipe(target: str) -> list[str]:
    """The lines of a target's recipe, with variables filled in and continued lines joined."""
    found = re.search(rf"^{target}:[^=\n]*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, target
    lines = re.sub(r"\\\n\s*", "", found[1]).splitlines()
    values = dict(re.findall(r"^(\w+) *[?:]?= *(.*)$", MAKEFILE, re.MULTILINE))
    for _ in range(2):  # a value may hold another
        lines = [re.sub(r"\$\((\w+)\)", lambda name: values[name[1]], line) for line in lines]
    return [line.strip() for line in lines]


# --- make and pre-commit -------------------------------------------------------------------------


def test_pre_commit_runs_what_make_test_runs_first() -> None:
    commands = [line for line in recipe("test") if not line.startswith("@echo")]
    before_the_tests = [line for line in commands if "pytest" not in line]
    assert re.findall(r"entry: (.+)", HOOKS) == before_the_tests == commands[:3]
    assert len(before_the_tests) == 3


def test_pre_commit_fetches_nothing() -> None:
    assert re.findall(r"repo: (.+)", HOOKS) == ["local"]
    assert set(re.findall(r"language: (.+)", HOOKS)) == {"system"}
    assert "://" not in HOOKS


def test_make_test_says_how_far_it_is() -> None:
    lines = recipe("test")
    told = [line for line in lines if line.startswith("@echo")]
    assert [line[:13] for line in told] == [f'@echo "{n} of 5' for n in range(1, 6)]
    assert lines[::2] == told  # one before each command


def test_make_test_runs_the_tests_and_the_notebooks_in_parallel() -> None:
    unit, notebooks = recipe("test")[-3::2]
    for command in (unit, notebooks):
        assert "--numprocesses 2 --dist loadfile" in command  # nbval works by whole files only
    assert "--nbval" in notebooks
    assert notebooks.endswith("tests/notebooks/sanitize.cfg notebooks")


def test_the_set_up_fetches_nothing_but_what_the_lock_pins() -> None:
    installs = [line for line in recipe(".venv/ready") if "pip install" in line]
    assert [line.rpartition("--disable-pip-version-check ")[2] for line in installs] == [
        "-r requirements.lock",
        "--no-deps --no-build-isolation -e .",
    ]


def test_ci_sets_up_from_nothing_and_runs_everything_in_full() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = script.splitlines()
    assert "export CI=true" in lines  # the full profile, and nothing skipped for want of a tool
    assert lines[-3] == "make shift"
    assert lines[-1] == "make test"
    for tool in ("chromium", "default-jre-headless", "make", "prometheus", "python3-venv"):
        assert re.search(rf"apt-get install .*\b{tool}\b", script), tool


# --- property tests ------------------------------------------------------------------------------


def number_of_examples(**environment: str) -> list[int]:
    """How many examples 200, 100 and 1 are in a process with these variables."""
    code = """import conftest, examples
print(*(examples.examples(number).max_examples for number in (200, 100, 1)))"""
    known = {name: value for name, value in os.environ.items() if name != "HYPOTHESIS_PROFILE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "tests",
        env=known | {"CI": ""} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in done.stdout.split()]


def test_property_tests_look_a_quarter_as_long_on_ones_own_machine() -> None:
    assert number_of_examples() == [50, 25, 5]
    assert number_of_examples(CI="true") == [200, 100, 5]
    assert number_of_examples(HYPOTHESIS_PROFILE="full") == [200, 100, 5]
    assert number_of_examples(CI="true", HYPOTHESIS_PROFILE="short") == [50, 25, 5]


def test_this_run_has_one_of_the_two_profiles() -> None:
    wanted = "full" if os.environ.get("CI") == "true" else "short"
    name = os.environ.get("HYPOTHESIS_PROFILE") or wanted
    assert settings().max_examples == {"short": 25, "full": 100}[name]
    assert settings().deadline is None


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: p.stem)
def test_no_test_sets_its_number_of_examples_by_hand(path: Path) -> None:
    by_hand = "max_examples" + "="
    assert by_hand not in path.read_text(encoding="utf-8"), "write @examples(200) under @given"


# --- the changelog -------------------------------------------------------------------------------

HEADINGS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def test_the_changelog_is_kept_by_version_newest_first_with_the_known_headings() -> None:
    versions = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert versions[0] == "Unreleased"
    assert versions[-1] == "0.1.0"
    assert project["version"] in versions[:2]
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= set(HEADINGS)


def test_the_changelog_says_where_each_module_went() -> None:
    rows = re.findall(r"^\| `(oncall[\w.]*)` \| `(oncall[\w.]*)`", CHANGELOG, re.MULTILINE)
    assert len(rows) >= 25
    for old, new in rows:
        place = ROOT / new.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), new
        assert not (ROOT / old.replace(".", "/")).with_suffix(".py").is_file(), old
