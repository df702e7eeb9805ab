"""The package as a whole: what it imports, which way, what it offers, and that its lists of needs agree."""

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

import oncall

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "oncall"

# The order in which imports may point: a module imports from its own layer and from those above it.
LAYERS = {
    "toolkit": (
        "checks", "times", "findings", "slo", "counts", "alerting", "report", "rotation", "escalation", "journal",
        "incident", "runbook", "catalogue", "mock_system", "postmortem", "postmortem_lint", "regression", "scenario",
    ),
    "game": ("gameday",),
    "telemetry": ("telemetry",),
    "workbook": ("workbook",),
    "cli": ("cli", "__main__", "__init__"),
}  # fmt: skip
LAYER = {module: number for number, modules in enumerate(LAYERS.values()) for module in modules}
STANDARD_ONLY = (*LAYERS["toolkit"], *LAYERS["game"], *LAYERS["cli"])

OFFERED = """
    Counts, read_csv, SLO, sli, burn_rate, budget_remaining, exhaustion_time, budget_action, alert, Alert, BurnRule,
    SilenceRule, google_policy, AlertEvaluator, alert_intervals, lint_alerting, Rotation, Step, EscalationPolicy,
    escalate, lint_escalation, Mitigation, Runbook, RUNBOOKS, MockSystem, run_runbook, Incident, IllegalTransition,
    metrics, ActionItem, write_postmortem, lint_postmortem, Finding, to_eval_case, to_prompt_case, replay, prove, gate,
    Scenario, SCENARIOS, run_shift, score"""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted path below ``oncall``."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> list[str]:
    """The dotted names that a statement imports; ``from a import b`` is a.b, for b may be a module."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


# --- imports -------------------------------------------------------------------------------------


def test_every_module_has_a_layer() -> None:
    unknown = {name for name in modules() if name.split(".")[0] not in LAYER}
    assert not unknown, f"add {', '.join(sorted(unknown))} to the table of layers"


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_one_way(name: str) -> None:
    own = LAYER[name.split(".")[0]]
    for node in ast.walk(tree(modules()[name])):
        for target in imported(node):
            package, *rest = target.split(".")
            if package == "oncall":
                module = rest[0] if rest and rest[0] in LAYER else "__init__"
                assert LAYER[module] <= own, f"{name} imports {target}, which stands after it"


@pytest.mark.parametrize(
    "name", [name for name in sorted(modules()) if name.split(".")[0] in STANDARD_ONLY]
)
def test_the_toolkit_and_the_story_need_the_standard_library_only(name: str) -> None:
    body = tree(modules()[name])
    lazy = [
        node
        for function in ast.walk(body)
        if isinstance(function, ast.FunctionDef)
        or (isinstance(function, ast.If) and ast.unparse(function.test) == "TYPE_CHECKING")
        for node in ast.walk(function)
    ]
    for node in ast.walk(body):
        for target in imported(node):
            package = target.split(".")[0]
            assert package in {*sys.stdlib_module_names, "oncall"} or node in lazy, (
                f"{name} imports {target}"
            )


def test_import_oncall_loads_no_third_party_module() -> None:
    code = "import sys; before = set(sys.modules); import oncall; print(*sorted(set(sys.modules) - before))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "oncall" in loaded
    ours = {
        "oncall",
        *(name for name in loaded if name.startswith("_sysconfigdata")),
    }  # named after the machine
    assert loaded - ours <= set(sys.stdlib_module_names)


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
    names = [
        one.arg
        for one in parameters
        if one and one.annotation is None and one.arg not in ("self", "cls")
    ]
    return names if function.returns else [*names, "return"]


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_public_name_is_documented_and_typed(name: str) -> None:
    body = tree(modules()[name])
    assert ast.get_docstring(body), f"{name} has no docstring"
    for qualified, node in public(body):
        assert ast.get_docstring(node), f"{name}.{qualified} has no docstring"
        if not isinstance(node, ast.ClassDef):
            assert untyped(node) == [], f"{name}.{qualified}"


# --- lists of needs ------------------------------------------------------------------------------

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # without Qt, which notebooks do not need


def project_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found[0].lower()


def conda(requirement: str) -> str:
    """A requirement as conda spells it."""
    name = project_name(requirement)
    return CONDA_NAMES.get(name, name) + requirement[len(name) :]


def test_environment_yml_asks_for_what_pyproject_asks_for() -> None:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    asked = [line.removeprefix("  - ") for line in lines if line.startswith("  - ")]
    nbval = [one for one in EXTRAS["test"] if project_name(one) == "nbval"]
    expected = [conda(one) for one in [*PROJECT["dependencies"], *nbval]]
    assert sorted(asked) == sorted(["conda-forge", "python=3.12", "pip", "pip:", *expected])
    assert [line.strip() for line in lines if line.startswith("      - ")] == ["- -e ."]
    assert lines[1] == f"name: {PROJECT['name']}"


def test_the_python_that_it_asks_for_is_the_one_it_is_written_for() -> None:
    assert PROJECT["requires-python"].startswith(">=3.11")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"


def test_the_command_and_the_extras_are_there() -> None:
    assert PROJECT["name"] == "oncall-workbook"
    assert PROJECT["scripts"] == {"oncall": "oncall.__main__:main"}
    assert {"test", "logs"} <= set(EXTRAS)


def test_the_lock_pins_every_direct_need_and_names_no_registry() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    pins = [line for line in lines if line]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^=<>~ ]+( ; .+)?", pin) for pin in pins)
    direct = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    assert {project_name(one) for one in direct} <= {project_name(pin) for pin in pins}


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
