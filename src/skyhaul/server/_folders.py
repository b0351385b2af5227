"""Where a system that runs keeps what must last, and where others find it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from skyhaul.errors import NotFoundError

_RUNTIME = "server.json"


def home() -> Path:
    """The folder of all systems of this user: `skyhaul` in XDG_STATE_HOME, `~/.local/state` without it."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "skyhaul" / "systems"


def folder_of(scenario: str) -> Path:
    """The folder of a scenario's system, where nobody names another."""
    return home() / (Path(scenario).stem if Path(scenario).suffix else Path(scenario).name or "system")


def running(folder: Path | None = None) -> str:
    """The address of the server that runs, in a folder or anywhere in `home`. Raises NotFoundError."""
    places = [folder / _RUNTIME] if folder is not None else sorted(home().glob(f"*/{_RUNTIME}"))
    alive = []
    for path in places:
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            os.kill(int(said["pid"]), 0)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        alive.append((path.stat().st_mtime, str(said["url"])))
    if not alive:
        where = str(folder) if folder is not None else str(home())
        raise NotFoundError("no server runs here", where=where, mend="`skyhaul up` starts one; or give --url")
    return max(alive)[1]
