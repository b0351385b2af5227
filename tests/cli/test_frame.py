"""Whatever happens, a user sees at most one line, and the right exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings

import pytest

import skyhaul
from skyhaul.cli import _run, _stop
from skyhaul.cli._output import progress
from skyhaul.errors import SkyhaulWarning
from tests.cli.conftest import Command

# What takes long to import belongs inside the commands that need it.
HEAVY = ("numpy", "numba", "scipy", "pydantic", "xarray", "pandas", "matplotlib", "netCDF4", "pyarrow", "zarr", "httpx")


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; from skyhaul.cli import run; run(['--help']); print(' '.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stderr.split())
    for command in ("simulate", "path", "look", "plot", "elements", "scenario"):
        assert command in done.stdout


def test_the_installed_command_is_this_one() -> None:
    done = subprocess.run([sys.executable, "-m", "skyhaul", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"skyhaul {skyhaul.__version__}\n"


def test_no_command_is_help(skyhaul: Command) -> None:
    assert skyhaul().out == skyhaul("--help").out
    assert skyhaul().status == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("simulat",), "simulate"),
        (("scenario",), "Missing command"),
        (("scenario", "check"), "Missing argument 'FILE'"),
        (("simulate", "--durration", "1h"), "--duration"),
        (("inquire", "--area", "areas.geojson"), "Missing option"),
        (("simulate", "-o", "x.nc", "--duration", "soon"), "expected a duration"),
        (("simulate", "-o", "x.nc", "--start", "noon"), "expected a UTC date and time"),
        (("simulate", "-o", "x.nc", "--strategy", "lowest"), "highest"),
        (("simulate", "-o", "x.nc", "--seed", "-1"), "--seed"),
        (("look", "95", "0"), "expected -90 to 90 degrees, got 95"),
        (("look", "0", "east"), "expected -360 to 360 degrees, got east"),
        (("look", "0", "--tiem"), "there is no option --tiem"),
        (("look", "0", "0", "--plot", "sky.jpg"), "expected a name that ends in .png"),
        (("path", "kyiv", "--tiem"), "there is no option --tiem"),
        (("plot", "x.nc", "--kind", "cake"), "cake"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_2(skyhaul: Command, arguments: tuple[str, ...], expected: str) -> None:
    said = skyhaul(*arguments)
    assert said.status == 2
    assert said.out == ""
    first, second = said.err.splitlines()
    assert expected in first
    assert second.startswith("try: skyhaul")


def test_an_unexpected_error_is_one_line_and_a_traceback_on_request(
    skyhaul: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(_run, "app", broken)
    assert skyhaul("x").one_error().startswith("internal error: ZeroDivisionError: by zero (set SKYHAUL_DEBUG=1")
    monkeypatch.setenv("SKYHAUL_DEBUG", "1")
    said = skyhaul("x")
    assert said.status == 1
    assert "Traceback" in said.err


def test_ctrl_c_is_quiet(skyhaul: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_run, "app", stopped)
    said = skyhaul("x")
    assert (said.status, said.out, said.err) == (130, "", "")


def test_an_interrupt_that_a_library_kept_for_itself_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stop, "_asked", [])
    items = progress(range(3), 3, "counting")
    assert next(items) == 0
    with pytest.raises(KeyboardInterrupt):
        _stop._stop(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        next(items)


def test_a_warning_is_one_line_and_other_libraries_warnings_are_none(
    skyhaul: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warned(**_: object) -> None:
        warnings.warn("elements are old", SkyhaulWarning, stacklevel=1)
        warnings.warn("something else", DeprecationWarning, stacklevel=1)

    monkeypatch.setattr(_run, "app", warned)
    said = skyhaul("x")
    assert said.status == 0
    assert said.err == "skyhaul: warning: elements are old\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "skyhaul", "scenario", "schema"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
