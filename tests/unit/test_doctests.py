"""What a docstring of the library shows as an example is what comes out."""

from __future__ import annotations

import doctest
import importlib

import pytest
from house import modules

# Everything but what draws or asks for more than the standard library.
EXAMPLES = [
    name
    for name, path in modules().items()
    if not name.startswith(("workbook", "telemetry")) and ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_in_a_docstring_shows_what_comes_out(name: str) -> None:
    module = importlib.import_module(f"oncall.{name.removesuffix('.__init__')}")
    result = doctest.testmod(module)
    assert result.attempted > 0, f"{name} shows an example in no docstring"
    assert result.failed == 0


def test_there_are_examples() -> None:
    assert {"slo", "regression"} <= set(EXAMPLES)
