"""What the tests of the lessons share: the bundled month, and a lesson that has run."""

from __future__ import annotations

import contextlib
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from stored import cells, source

from oncall.counts import Counts, read_csv
from oncall.scenario import KnownIncident
from oncall.telemetry.backtest import read_incidents

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def month() -> Counts:
    """The counts of the bundled month."""
    return read_csv(DATA / "assistant_30d.csv")


@pytest.fixture(scope="session")
def incidents() -> tuple[KnownIncident, ...]:
    """The known incidents of that month."""
    return read_incidents(DATA / "assistant_30d_incidents.csv")


@pytest.fixture(scope="session")
def broken(incidents: tuple[KnownIncident, ...]) -> list[tuple[datetime, datetime]]:
    """When something was broken in that month."""
    return [(incident.start, incident.end) for incident in incidents if incident.end]


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the names of the module's ``NOTEBOOK`` hold once all its cells have run."""
    names: dict[str, Any] = {}
    with (
        contextlib.chdir(request.module.NOTEBOOK.parent),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for cell in cells(request.module.NOTEBOOK, "code"):
            exec(source(cell), names)
    return names
