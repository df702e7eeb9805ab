"""How many examples a property test tries: ``@examples(200)`` under ``@given``."""

from __future__ import annotations

from hypothesis import settings

PLAIN = 100  # what a test tries that asks for no number, in the short profile


def examples(number: int) -> settings:
    """Settings for ``number`` examples in the short profile, and in proportion in another."""
    return settings(max_examples=number * settings().max_examples // PLAIN)
