from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skyhaul.cli import run


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def one_error(self) -> str:
        """The single line of an error; anything else that a user might see fails the test."""
        assert self.status == 1
        assert self.out == ""
        assert "Traceback" not in self.err
        (line,) = self.err.splitlines()
        assert line.startswith("skyhaul: ")
        return line.removeprefix("skyhaul: ")


Command = Callable[..., Said]


@pytest.fixture
def skyhaul(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process."""

    def command(*arguments: str | Path) -> Said:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Said(status, *capsys.readouterr())

    return command
