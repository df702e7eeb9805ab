"""How many examples a property test tries: ``@examples(200)`` under ``@given``."""

from __future__ import annotations

from hypothesis import settings

FULL = 100  # what the full profile calls 100 %
FEWEST = 5


def examples(number: int) -> settings:
    """Settings for ``number`` examples in the full profile, and in proportion in another."""
    return settings(max_examples=max(FEWEST, number * settings().max_examples // FULL))
