"""How long the property tests look, and which tests share a process when several run them.

Hypothesis has two profiles, ``short`` and ``full``. HYPOTHESIS_PROFILE names one; without it
CI=true means ``full``. ``short`` looks elsewhere each time and remembers what failed; ``full``
tries four times as much and, so that a commit has one verdict, always the same. ``examples.py``
says how tests scale.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings

SHARED = ("tests/browser/",)  # folders whose files share a server and a browser, so a process too

settings.register_profile("short", max_examples=25, deadline=None, print_blob=True)
settings.register_profile(
    "full", max_examples=100, deadline=None, print_blob=True, derandomize=True
)
DEFAULT = "full" if os.environ.get("CI") == "true" else "short"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or DEFAULT)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist asks, if it is there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one process as a whole, and each shared folder too."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFileOrFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((folder for folder in SHARED if file.startswith(folder)), file)

    return ByFileOrFolder(config, log)
