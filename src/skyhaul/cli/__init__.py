"""The command line: one module a command, each of which imports what it needs when it runs."""

from skyhaul.cli._run import main, run

__all__ = ["main", "run"]
