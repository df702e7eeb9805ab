"""The package as a whole: what it offers, that all of it is documented, and its lists of needs."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import ROOT, imported, modules, tree

import oncall

OFFERED = """
    Counts, read_csv, SLO, sli, burn_rate, budget_remaining, exhaustion_time, budget_action,
    alert, Alert, BurnRule, SilenceRule, google_policy, AlertEvaluator, alert_intervals,
    lint_alerting, Rotation, Step, EscalationPolicy, escalate, lint_escalation, Mitigation,
    Runbook, RUNBOOKS, MockSystem, run_runbook, Incident, IllegalTransition, metrics,
    ActionItem, write_postmortem, lint_postmortem, Finding, to_eval_case, to_prompt_case,
    replay, prove, gate, Scenario, SCENARIOS, run_shift, score"""


# --- what it offers ------------------------------------------------------------------------------


LOADED = """import sys
before = set(sys.modules)
import oncall
print(*sorted(set(sys.modules) - before))"""


def test_import_oncall_loads_no_third_party_module() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "oncall" in loaded
    machine = {name for name in loaded if name.startswith("_sysconfigdata")}  # named after it
    assert loaded - machine - {"oncall"} <= set(sys.stdlib_module_names)


def test_it_offers_what_it_promises_and_nothing_else() -> None:
    assert set(oncall.__all__) == set("".join(OFFERED.split()).split(","))
    assert len(set(oncall.__all__)) == len(oncall.__all__)
    assert all(hasattr(oncall, name) for name in oncall.__all__)


# --- documented and typed ------------------------------------------------------------------------

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Public functions, classes and methods; nothing inside a private class or a function."""
    for node in body.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{prefix}{node.name}.")


def untyped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The parameters of a function without a type, and ``return`` where that has none."""
    taken = function.args
    parameters = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    typed = ("self", "cls")
    names = [
        parameter.arg
        for parameter in parameters
        if parameter and not parameter.annotation and parameter.arg not in typed
    ]
    return names if function.returns else [*names, "return"]


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_public_name_is_documented_and_typed(name: str) -> None:
    body = tree(name)
    assert ast.get_docstring(body), f"{name} has no docstring"
    for qualified, node in public(body):
        assert ast.get_docstring(node), f"{name}.{qualified} has no docstring"
        if not isinstance(node, ast.ClassDef):
            assert untyped(node) == [], f"{name}.{qualified}"


# --- lists of needs ------------------------------------------------------------------------------

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
WANTED = [*EXTRAS["notebooks"], *EXTRAS["logs"], *EXTRAS["test"]]  # what all lessons and tests need
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",  # without Qt, which notebooks do not need
}
MODULE_NAMES = {
    "ipython": "IPython", "jupyter-client": "jupyter_client", "pillow": "PIL",
    "inspect-ai": "inspect_ai",
}  # fmt: skip
NOT_DECLARED = {"pyspark"}  # whoever counts on Spark has it


def project_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found[0].lower()


def conda(requirement: str) -> str:
    """A requirement as conda spells it."""
    name = project_name(requirement)
    return CONDA_NAMES.get(name, name) + requirement[len(name) :]


def test_the_toolkit_alone_needs_nothing() -> None:
    assert PROJECT["dependencies"] == []


def test_what_the_package_imports_is_declared_in_an_extra() -> None:
    found = {
        target.split(".")[0]
        for name in modules()
        for node in ast.walk(tree(name))
        for target in imported(node)
    }
    third_party = found - set(sys.stdlib_module_names) - {"oncall"}
    names = {
        project_name(one) for extra in ("notebooks", "logs", "agents") for one in EXTRAS[extra]
    }
    assert "jupytext" in map(project_name, EXTRAS["test"])  # of those who write lessons
    third_party -= {"jupytext"}
    declared = {MODULE_NAMES.get(name, name) for name in names}
    assert third_party - NOT_DECLARED <= declared
    assert declared - third_party == {"jupyterlab"}  # what shows the notebooks


def test_what_telemetry_imports_is_its_extra() -> None:
    files = [name for name in modules() if name.startswith("telemetry.")]
    found = {
        target.split(".")[0]
        for name in files
        for statement in tree(name).body
        for target in imported(statement)
    }
    needed = found - set(sys.stdlib_module_names) - {"oncall"}
    assert needed == {project_name(one) for one in EXTRAS["telemetry"]}
    assert needed < {project_name(one) for one in EXTRAS["logs"]}


def test_an_extra_asks_for_the_same_version_as_another() -> None:
    lowest: dict[str, set[str]] = {}
    for requirement in (one for extra in EXTRAS.values() for one in extra):
        lowest.setdefault(project_name(requirement), set()).add(requirement)
    assert all(len(requirements) == 1 for requirements in lowest.values())


def test_environment_yml_asks_for_what_pyproject_asks_for() -> None:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    asked = [line.removeprefix("  - ") for line in lines if line.startswith("  - ")]
    expected = {conda(requirement) for requirement in WANTED}
    assert sorted(asked) == sorted(["conda-forge", "python=3.12", "pip", "pip:", *expected])
    by_pip = [line.strip() for line in lines if line.startswith("      - ")]
    assert by_pip == ["- -e .[notebooks,logs,test]"]
    assert lines[1] == f"name: {PROJECT['name']}"


def test_the_python_that_it_asks_for_is_the_one_it_is_written_for() -> None:
    assert PROJECT["requires-python"].startswith(">=3.11")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"


def test_the_command_and_the_extras_are_there() -> None:
    assert PROJECT["name"] == "oncall-workbook"
    assert PROJECT["scripts"] == {"oncall": "oncall.__main__:main"}
    assert set(EXTRAS) == {"notebooks", "telemetry", "logs", "agents", "test"}


def test_it_is_built_by_a_setuptools_that_can_read_its_licence() -> None:
    [build] = PYPROJECT["build-system"]["requires"]
    assert build in EXTRAS["test"]  # so that the lock pins it, and the set-up builds with that


def test_the_lock_pins_every_direct_need_and_names_no_registry() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    pins = [line for line in lines if line]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^=<>~ ]+( ; .+)?", pin) for pin in pins)
    pinned = [name for name in EXTRAS if name != "agents"]  # who brings a model brings its client
    direct = {project_name(one) for extra in pinned for one in EXTRAS[extra]}
    assert direct <= {project_name(pin) for pin in pins}


# --- nothing of one machine ----------------------------------------------------------------------


def repository_files() -> list[Path]:
    """The files that are in the repository, or would be if they were added."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    words = [
        ".".join(parts)
        for parts in (("pypi", "org"), ("pythonhosted", "org"), ("conda", "anaconda"))
    ]
    words += [
        "/".join(("", *parts, ""))
        for parts in (["root"], ["home"], ["Users"], ["work", "main"], ["work", "shared"])
    ]
    files = repository_files()
    assert len(files) > 30
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        assert not [word for word in words if word in text], path


# --- other Pythons -------------------------------------------------------------------------------


def pythons() -> dict[str, str]:
    """The Pythons of this machine that can run it, one a minor version."""
    found: dict[str, str] = {}
    candidates = [shutil.which(f"python3.{minor}") for minor in range(11, 15)]
    candidates += map(str, sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python")))
    for candidate in candidates:
        version = _version(candidate) if candidate else None
        if candidate and version and (3, 11) <= version < (3, 15):
            found.setdefault(f"{version[0]}.{version[1]}", candidate)
    return found


def _version(python: str) -> tuple[int, int] | None:
    code = "import sys; print(*sys.version_info[:2])"
    run = subprocess.run([python, "-S", "-c", code], capture_output=True, text=True, check=False)
    return (int(run.stdout.split()[0]), int(run.stdout.split()[1])) if run.returncode == 0 else None


def test_the_shift_is_the_same_bytes_on_every_python(tmp_path: Path) -> None:
    others = pythons()
    others.setdefault("this one", sys.executable)
    if len(others) == 1:
        pytest.skip("there is only one Python here")
    shown = {
        name: subprocess.run(
            [python, "-S", "-m", "oncall"],
            cwd=tmp_path,
            env={
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PATH": os.environ["PATH"],
            },
            capture_output=True,
            check=True,
        ).stdout
        for name, python in others.items()
    }
    assert len(set(shown.values())) == 1, sorted(shown)
