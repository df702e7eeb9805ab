"""The command line: the verbs, and what they print."""

from oncall.cli.command import main

__all__ = ["main"]
