"""The wheel, in an environment with nothing else: it runs, it is typed, and it holds its data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from house import PACKAGE, ROOT

LOWEST = 77  # the setuptools that pyproject.toml asks for
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "oncall")
GATED = ("fail_over", "serve_cached", "serve_degraded")  # what the shift's case needs


Command = Sequence[str | Path]


def run(command: Command, folder: Path, status: int = 0) -> str:
    """What a command prints in a folder, with no setting of this process but where programs are."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built without the network from a copy of the sources."""
    _needs_setuptools()
    folder = tmp_path_factory.mktemp("built")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    run([sys.executable, "-m", "pip", "wheel", "-q", *offline, "-w", folder, "."], folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which the wheel is installed, and not even pip."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, symlinks=os.name != "nt")
    fresh = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip: Command = (sys.executable, "-m", "pip", "--python", fresh)
    run([*pip, "install", "-q", "--no-deps", "--no-index", wheel], folder)
    return fresh


def _needs_setuptools() -> None:
    """Skip where setuptools is missing or too old to build it; fail under CI=true."""
    try:
        version = metadata.version("setuptools")
    except metadata.PackageNotFoundError:
        version = "0"
    if int(version.split(".")[0]) < LOWEST:
        lacking = f"setuptools {LOWEST} or newer builds the wheel: pip install setuptools"
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)


def test_the_wheel_holds_every_module_its_mark_of_types_and_its_data(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("oncall/")}
    kept = (".py", ".toml", ".typed", ".jsonl")
    expected = [path for path in PACKAGE.rglob("*") if path.suffix in kept]
    assert held == {path.relative_to(ROOT).as_posix() for path in expected}
    assert "oncall/py.typed" in held


def test_it_says_that_it_needs_nothing(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("METADATA")]
        needs = [line for line in archive.read(name).decode().splitlines() if "Requires-D" in line]
    assert needs
    assert all("; extra ==" in line for line in needs)


def test_the_shift_is_played_with_nothing_else_installed(python: Path, tmp_path: Path) -> None:
    shown = run([python, "-m", "oncall"], tmp_path)
    golden = ROOT / "tests" / "golden" / "shift_provider_outage.txt"
    assert shown == golden.read_text(encoding="utf-8")


def test_a_surprise_is_played_in_an_empty_folder_with_nothing_else_installed(
    python: Path, tmp_path: Path
) -> None:
    played = run([python.with_name("oncall"), "shift", "--scenario", "surprise"], tmp_path)
    assert "Score of the shift" in played
    assert int(re.findall(r"^   score +(\d+) of 100", played, re.MULTILINE)[0]) >= 70


def test_the_gate_and_the_report_run_with_nothing_else_installed(
    python: Path, tmp_path: Path
) -> None:
    oncall = python.with_name("oncall")
    run([oncall, "shift", "--out", "out"], tmp_path)
    assert "proved" in run([oncall, "gate", "out/evals", "--automated", *GATED], tmp_path)
    run([oncall, "gate", "out/evals"], tmp_path, status=1)
    assert "SLI" in run([oncall, "report", "out/counts.csv", "--target", "99%"], tmp_path)


def test_an_import_finds_what_is_installed(python: Path, tmp_path: Path) -> None:
    code = "import oncall; print(oncall.__file__); print(len(oncall.__all__))"
    file, offered = run([python, "-c", code], tmp_path).split()
    assert Path(file).is_relative_to(python.parents[1])
    assert int(offered) > 40


def test_a_type_checker_of_somebody_else_sees_its_types(python: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy reads the types: pip install mypy")
    code = "from oncall import SLO\nreveal_type(SLO('availability', 0.99).target)\nSLO(1)\n"
    (tmp_path / "theirs.py").write_text(code, encoding="utf-8")
    mypy: Command = (sys.executable, "-m", "mypy", "--python-executable", python, "theirs.py")
    said = run([*mypy, "--cache-dir", tmp_path / "cache"], tmp_path, status=1)
    assert 'theirs.py:2: note: Revealed type is "float"' in said.replace("builtins.", "")
    assert "theirs.py:3: error: Missing positional argument" in said
    assert "import-untyped" not in said
