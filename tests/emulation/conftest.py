from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534
START = (
    "import sys, typer; from skyhaul.cli._link import COMMAND_LINE, link; from skyhaul.errors import SkyhaulError"
    "\napp = typer.Typer(pretty_exceptions_enable=False); app.command(context_settings=COMMAND_LINE)(link)"
    "\ntry: sys.exit(app(standalone_mode=False) or 0)"
    "\nexcept SkyhaulError as error: print(f'skyhaul: {error}', file=sys.stderr); sys.exit(1)"
)


@dataclass(frozen=True)
class Ran:
    """How `skyhaul link` ended."""

    status: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The summary of a run with --json."""
        return dict(json.loads(next(line for line in self.err.splitlines() if line.startswith("{"))))


Link = Callable[..., Ran]


def link_words(words: Sequence[str]) -> list[str]:
    """`skyhaul link` as a process of its own."""
    return [sys.executable, "-c", START, *words]


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where this machine lets nobody make the namespaces that links are made of."""
    from skyhaul.emulation import can_link, examine

    findings = examine()
    if not can_link(findings):
        missing = "; ".join(f"{finding.name}: {finding.what}" for finding in findings if finding.state == "missing")
        pytest.skip(f"links cannot be made here: {missing}")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for compiled code that every user may write to."""
    folder = tmp_path_factory.mktemp("compiled")
    folder.chmod(0o777)
    return folder


@pytest.fixture
def link(namespaces: None) -> Link:
    """Run `skyhaul link` with these words, isolated; its output and exit status."""

    def run(*words: str, timeout: float = 60.0, **environment: str) -> Ran:
        done = subprocess.run(
            link_words(["--isolated", *words]),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def interpreter() -> str:
    """A Python that any user may run."""
    found = next((path for path in (sys.executable, "/usr/bin/python3") if _open_to_all(path)), None)
    if found is None:
        pytest.skip("no Python that other users may run")
    return found


Program = Callable[..., Ran]


@pytest.fixture
def another_user(namespaces: None, interpreter: str, tmp_path: Path) -> Program:
    """Run a Python text with arguments as another user without any rights, with or without a TUN device open to all."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for tool in ("setpriv", "unshare", "mount"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    tmp_path.chmod(0o755)
    node = tmp_path / "tun"
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(10, 200))  # a TUN device by its number in devices.txt
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(text: str, *words: str, tun: bool, timeout: float = 60.0, **more: str) -> Ran:
        node.chmod(0o666 if tun else 0o600)
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        # In a mount namespace of its own: the machine's /dev/net/tun is not touched.
        script = 'if [ -e /dev/net/tun ]; then mount --bind "$0" /dev/net/tun; fi; exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, str(node), *user, interpreter, "-c", text, *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={**environment, **more},
            cwd="/",
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def as_nobody(another_user: Program) -> Link:
    """`skyhaul link`, isolated, as another user."""

    def run(*words: str, tun: bool, timeout: float = 60.0) -> Ran:
        return another_user(START, "--isolated", *words, tun=tun, timeout=timeout)

    return run


def _open_to_all(path: str) -> bool:
    """Whether other users may run a file, and look into every folder on the way to it."""
    real = Path(path).resolve()
    if not real.is_file():
        return False
    version = subprocess.run([path, "-V"], capture_output=True, text=True).stdout.split()[-1].split(".")[:2]
    same = version == [str(part) for part in sys.version_info[:2]]
    return same and all(part.stat().st_mode & 0o005 == 0o005 for part in (real, *real.parents))
