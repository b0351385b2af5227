"""Worlds for tests: `skyhaul` as a process of its own, on links that never change or on a scenario's."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import skyhaul
from skyhaul.live._api import Net
from skyhaul.live._constant import ConstantSource
from skyhaul.live._world_options import WorldOptions

# The commands alone, without what else the command line loads; `constant` is a scenario of links that never change.
# The worlds of one process of tests do not meet those of others of the same user.
os.environ["WORLDS_OF"] = str(os.getpid())
START = textwrap.dedent(
    """
    import os, sys, typer
    from skyhaul.cli import exec, net
    from skyhaul.errors import SkyhaulError
    from skyhaul.live import _source, _world_calls
    from skyhaul.live._constant import ConstantSource
    _world_calls._prefix = lambda: f"skyhaul/{os.getuid()}/{os.environ.get('WORLDS_OF', '')}/"
    planned = _source.scenario_source
    homes = {"one": "Near", "two": "Far"}
    def source(scenario, terminals=(), **options):
        if scenario != "constant":
            return planned(scenario, terminals, **options)
        return ConstantSource({name: homes.get(name, "Near") for name in terminals or homes})
    _source.scenario_source = source
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("exec")(exec.exec_)
    app.command("shell")(exec.shell)
    app.add_typer(net.app, name="net")
    try: sys.exit(app(standalone_mode=False) or 0)
    except SkyhaulError as error: print(f'skyhaul: {error}', file=sys.stderr); sys.exit(1)
    """
)


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


def words(*arguments: str) -> list[str]:
    """A command as a process of its own."""
    return [sys.executable, "-c", START, *arguments]


def run(*arguments: str, timeout: float = 60.0, **environment: str) -> Ran:
    """Run a command to its end."""
    done = subprocess.run(
        words(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def standing(terminal: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A world of one terminal that stands until it is told to end; then its processes are gone."""
    mark = f"mark-{uuid.uuid4()}"
    command = ["sh", "-c", "echo up; exec sleep 600", mark]
    with subprocess.Popen(
        words("exec", terminal, *options, "-q", "--", *command), stdout=subprocess.PIPE, text=True
    ) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == "up\n"
        try:
            yield it
        finally:
            it.terminate()
            it.wait(20)
            assert not processes(mark)


def constant_world(
    homes: dict[str, str], *, delay_ms: float = 10.0, rate_bps: float = 100e6, backbone_ms: float = 5.0, **options: Any
) -> Net:
    """A world whose links never change, from Python."""
    source = partial(
        ConstantSource,
        homes,
        delay_ns=int(delay_ms * 1e6),
        rate_bps=rate_bps,
        backbone_delay_ns=int(backbone_ms * 1e6),
    )
    return Net(WorldOptions("constant", isolated=True, **options), source)


def processes(mark: str) -> list[int]:
    """Processes with a mark in their words."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def output(net: Net, place: str, command: Sequence[str], **options: Any) -> str:
    """What a program in a place says."""
    node = net.pop(place.removeprefix("pop:")) if place.startswith("pop:") else net[place]
    return str(node.run(list(command), check=True, capture_output=True, text=True, timeout=30, **options).stdout)


ROOT = Path(skyhaul.__file__).parents[1]


def path() -> list[str]:
    """Where this Python finds its packages: for interpreters that would look elsewhere."""
    return [entry for entry in sys.path if entry]
