"""Running a command: what a user sees when it goes well, goes wrong, or is stopped."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import TextIO

import typer

from skyhaul.cli import _stop
from skyhaul.cli._app import app
from skyhaul.errors import SkyhaulError, SkyhaulWarning

DEBUG = "SKYHAUL_DEBUG"

# The usage error of the argument parser, wherever this release of typer keeps it.
_UsageError = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command of this process's arguments and exit."""
    _open_closed_streams()
    _stop.listen()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status.

    0 done; 1 an error, said in one line on standard error; 2 wrong usage; 130 stopped by Ctrl-C. With the environment
    variable `SKYHAUL_DEBUG=1` a traceback comes before the line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default" if os.environ.get(DEBUG) else "ignore")
        warnings.simplefilter("always", SkyhaulWarning)
        warnings.showwarning = _show_warning
        try:
            status = app(args=list(arguments) or ["--help"], prog_name="skyhaul", standalone_mode=False)
            sys.stdout.flush()
            return status if isinstance(status, int) else 0
        except BrokenPipeError:
            return _reader_left()
        except (KeyboardInterrupt, typer.Abort):
            return 130
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else 1
        except Exception as error:
            if os.environ.get(DEBUG):
                traceback.print_exc()
            return _explain(error)


def _open_closed_streams() -> None:
    """Have all three standard streams: where one was closed, whatever is opened next would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _explain(error: Exception) -> int:
    if isinstance(error, SkyhaulError):
        _say(str(error))
        return 1
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "skyhaul"
        describe = getattr(error, "format_message", error.__str__)
        _say(describe(), command)
        print(f"try: {command} --help", file=sys.stderr)
        return 2
    _say(f"internal error: {type(error).__name__}: {error} (set {DEBUG}=1 for the traceback, and report it)")
    return 1


def _say(text: str, command: str = "skyhaul") -> None:
    print(f"{command}: {' '.join(text.split())}", file=sys.stderr)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    place = "" if issubclass(category, SkyhaulWarning) else f"{filename}:{lineno}: {category.__name__}: "
    _say(f"warning: {place}{message}")


def _reader_left() -> int:
    # What is still buffered would meet the closed pipe again when Python exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
