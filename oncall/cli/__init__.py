"""The command line: the verbs, and what they print."""

from oncall.cli.verbs import main

__all__ = ["main"]
