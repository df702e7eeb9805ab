"""A JupyterLab on loopback and a Chromium that looks at it.

What a machine lacks is said, and the tests skip; under CI=true they fail instead.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import nbformat
import pytest

try:
    from playwright.sync_api import Browser, sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from notebook_page import NotebookPage

pytest.register_assert_rewrite("notebook_page")

ROOT = Path(__file__).parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Otherwise JupyterLab would ask the network.
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it listens, its token, and the folder it serves."""

    port: int
    token: str
    folder: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, *cells: str) -> str:
        """Write a new notebook of these code cells, and return its name."""
        name = f"{len(list(self.folder.iterdir()))}.ipynb"
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        notebook = nbformat.v4.new_notebook(cells=made)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata["kernelspec"] = kernel
        nbformat.write(notebook, self.folder / name)
        return name

    def copy(self, lesson: Path) -> str:
        """Copy a lesson as it is, and return its name; its data lie beside the folder."""
        return Path(shutil.copy(lesson, self.folder)).name

    def address(self, name: str) -> str:
        """What opens a notebook and nothing else."""
        return f"{self.root}/lab/tree/{name}?token={self.token}&reset"

    def ask(self, path: str, method: str = "GET") -> bytes:
        """What the server's own interface answers."""
        headers = {"Authorization": f"token {self.token}"}
        question = urllib.request.Request(f"{self.root}/api/{path}", headers=headers, method=method)
        with urllib.request.urlopen(question, timeout=30) as answer:
            return bytes(answer.read())

    def stop_kernel(self, name: str) -> None:
        """Stop the kernel of a notebook, so that it takes no time from the next."""
        for session in json.loads(self.ask("sessions")):
            if session["path"] == name:
                self.ask(f"sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    folder = home / "notebooks"
    folder.mkdir()
    shutil.copytree(ROOT / "data", home / "data")
    running = Lab(_free_port(), secrets.token_hex(16), folder)
    with open(home / "server.log", "wb") as log:
        command, environment = _command(running), _environment(home)
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            _wait(running, server, home / "server.log")
            yield running
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if sync_playwright is None:
        _lacking("playwright is not installed: pip install playwright")
    if not (path := shutil.which("chromium")):
        _lacking("chromium is not installed: apt-get install chromium, or your system's own way")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def read(
    chromium: Browser, lab: Lab, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., NotebookPage]]:
    """``read(*cells)`` opens a notebook of code cells, ``read(path)`` a copy of a lesson.

    Both take ``width`` and ``zoom``. What was opened is photographed and closed after the test.
    """
    with _reading(chromium, lab, pictures, request.node.name) as read:
        yield read


@pytest.fixture(scope="module")
def read_for_all(
    chromium: Browser, lab: Lab, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., NotebookPage]]:
    """Like ``read``, but what was opened stays open until the module's last test."""
    with _reading(chromium, lab, pictures, Path(request.node.name).stem) as read:
        yield read


@contextmanager
def _reading(
    chromium: Browser, lab: Lab, pictures: Path, title: str
) -> Iterator[Callable[..., NotebookPage]]:
    from notebook_page import open_notebook

    opened: dict[str, NotebookPage] = {}

    def read(*cells: str | Path, width: int = 1280, zoom: float = 1) -> NotebookPage:
        name = lab.copy(cells[0]) if isinstance(cells[0], Path) else lab.add(*map(str, cells))
        opened[name] = open_notebook(chromium, lab.address(name), width, zoom)
        return opened[name]

    yield read
    for name, notebook in opened.items():
        notebook.photograph(pictures / f"{title}-end-{Path(name).stem}.png")
        notebook.page.close()
        lab.stop_kernel(name)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go; SCREENSHOTS names another folder, to keep them."""
    folder = os.environ.get("SCREENSHOTS")
    if folder is None:
        return tmp_path_factory.mktemp("screenshots")
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def _lacking(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(lab: Lab) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": lab.port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": lab.folder,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": lab.token,
        "LabApp.extension_manager": "readonly",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", *arguments]


def _environment(home: Path) -> dict[str, Any]:
    """The present environment, but nothing read from or left in the home directory."""
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(NO_NEWS))
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }
    return os.environ | {name: str(home / place) for name, place in places.items()}


def _wait(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            lab.ask("status")
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")
