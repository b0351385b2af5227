"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket alone, as an unprivileged user."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

# The names a distribution may have made for such a purpose; a server does not start as root.
_USERS = ("postgres", "nobody")


def find_server() -> Path | None:
    """The folder of the server's programs: in PATH, where pg_config says, or where Debian puts them."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).parent
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        if said and (Path(said) / "initdb").exists():
            return Path(said)
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


class Server:
    """A running server; `database` makes a place for a store in it and gives its URL."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="skyhaul-pg-"))  # short: a socket's path has at most 107 bytes
        self._as: dict[str, Any] = {"cwd": self.folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        if os.geteuid() == 0:
            user = next(entry for name in _USERS if (entry := _user(name)))
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        made: list[str | Path] = [
            programs / "initdb",
            "-A",
            "trust",
            "-U",
            "skyhaul",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
            self.folder / "data",
        ]
        subprocess.run(made, check=True, env=os.environ | {"LC_ALL": "C"}, **self._as)
        self._programs = programs
        self._numbers = itertools.count()
        self.start()

    def start(self) -> None:
        """Start, or start again after `stop`."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "40"}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self.folder / "data", *options], **self._as
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._conninfo).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop as a power cut would (SIGQUIT: no checkpoint is written)."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
        self._process.communicate()

    def remove(self) -> None:
        """Stop and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder)

    def database(self) -> str:
        """The URL of a new schema, which is as good to a store as a database of its own, and much smaller."""
        name = f"store{next(self._numbers)}"
        with psycopg.connect(self._conninfo) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://skyhaul@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    @property
    def _conninfo(self) -> str:
        return f"host={self.folder} user=skyhaul dbname=postgres"


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
