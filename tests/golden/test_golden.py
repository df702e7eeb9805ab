"""What the command line prints, held against bytes that a reader has looked at and found right."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from oncall.__main__ import main

GOLDEN = Path(__file__).parent
RENEW = "python3 -S -m oncall > tests/golden/shift_provider_outage.txt"


def test_the_shift_is_printed_as_it_always_was(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out.encode()
    expected = (GOLDEN / "shift_provider_outage.txt").read_bytes()
    if printed != expected:
        before, now = expected.decode().splitlines(), printed.decode().splitlines()
        changed = difflib.unified_diff(before, now, "golden", "now", lineterm="")
        advice = f"Read the change; if it is right, renew with: {RENEW}"
        pytest.fail("\n".join([*changed, advice]), pytrace=False)
