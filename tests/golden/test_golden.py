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
    printed = capsys.readouterr().out
    expected = (GOLDEN / "shift_provider_outage.txt").read_bytes()
    if printed.encode() != expected:
        changed = difflib.unified_diff(
            expected.decode().splitlines(), printed.splitlines(), "golden", "now", lineterm=""
        )
        pytest.fail(
            "\n".join([*changed, f"Read the change; if it is right, renew with: {RENEW}"]),
            pytrace=False,
        )
