"""Element groups from CelesTrak's GP service, fetched politely and kept."""

from __future__ import annotations

import json
import os
import re
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from skyhaul import __version__
from skyhaul.errors import ElementsError, FetchError, SkyhaulWarning
from skyhaul.orbits import Parsed, parse_elements

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://celestrak.org/NORAD/elements/gp.php"
# CelesTrak renews its groups every two hours and blocks those who ask for the same one more often
# (celestrak.org, "A new way to obtain GP data", usage policy).
MINIMUM_INTERVAL = timedelta(hours=2)
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIMEOUT_S = 30.0


def cache_folder() -> Path:
    """Where fetched elements are kept: SKYHAUL_CACHE, else skyhaul in XDG_CACHE_HOME, else in ~/.cache."""
    named = os.environ.get("SKYHAUL_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "skyhaul"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A group as it lies in the cache.

    path   its file there
    asked  when CelesTrak gave it
    fresh  whether that was now
    """

    parsed: Parsed
    path: Path
    asked: datetime
    fresh: bool


def fetch_elements(
    name: str,
    *,
    folder: Path | None = None,
    client: httpx.Client | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Fetched:
    """A group of CelesTrak's, such as "starlink", as OMM in CSV.

    A copy less than two hours old is given without asking. An older one is kept as the last good copy and given with a
    `SkyhaulWarning` when the service cannot be reached or answers with something else than elements; an attempt that
    failed is not repeated within two hours either. Without any copy that is a `FetchError`.
    """
    if not _GROUP.fullmatch(name):
        raise FetchError(f"{name!r} is no name of a group", mend="take one of CelesTrak's, such as starlink or oneweb")
    folder = cache_folder() / "elements" if folder is None else folder
    kept = _Kept(folder, name.lower())
    time = now()
    last = kept.last_attempt()
    if last is not None and timedelta(0) <= time - last < MINIMUM_INTERVAL:
        wait = f"CelesTrak may be asked again at {last + MINIMUM_INTERVAL:%H:%M} UTC"
        if kept.good():
            return kept.fetched()
        raise FetchError(f"the last answer for {name} was no good: {kept.fault()}", mend=wait)
    try:
        data = _ask(name, client)
        parsed = parse_elements(data, f"CelesTrak group {name}", skip_bad=True)
    except (FetchError, ElementsError) as error:
        fault = error.what
        kept.note(time, fault)
        mend = "check the name and the network; a file of your own works too: --elements FILE"
        if not kept.good():
            raise FetchError(f"no elements of {name} from CelesTrak: {fault}", mend=mend) from None
        stale = kept.fetched()
        text = f"CelesTrak gave no {name} ({fault}): the copy of {stale.asked:%Y-%m-%d %H:%M} UTC is used"
        warnings.warn(text, SkyhaulWarning, stacklevel=2)
        return stale
    kept.keep(data, time)
    return Fetched(parsed, kept.data, time, True)


def _ask(name: str, client: httpx.Client | None) -> bytes:
    import httpx

    headers = {"User-Agent": f"skyhaul/{__version__}"}
    own = client or httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True)
    try:
        answer = own.get(ADDRESS, params={"GROUP": name, "FORMAT": "csv"}, headers=headers)
    except httpx.HTTPError as error:
        raise FetchError(f"not reached: {str(error) or type(error).__name__}") from None
    finally:
        if client is None:
            own.close()
    if answer.status_code != 200:
        raise FetchError(f"answered {answer.status_code} {answer.reason_phrase}")
    content: bytes = answer.content
    if not content.lstrip()[:11].upper().startswith(b"OBJECT_NAME"):
        said = content.decode("utf-8", "replace").strip().splitlines()
        raise FetchError(f"answered {said[0][:60]!r}" if said else "answered with nothing")
    return content


class _Kept:
    """The copy of one group in the cache, and a note beside it of when the service was last asked."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.data = folder / f"{name}.csv"
        self._note = folder / f"{name}.json"

    def good(self) -> bool:
        return self.data.is_file()

    def last_attempt(self) -> datetime | None:
        asked = self._read().get("asked")
        return datetime.fromisoformat(asked) if asked else None

    def fault(self) -> str:
        return self._read().get("fault", "unknown")

    def fetched(self) -> Fetched:
        parsed = parse_elements(self.data.read_bytes(), str(self.data), skip_bad=True)
        kept = self._read().get("kept")
        asked = datetime.fromisoformat(kept) if kept else datetime.fromtimestamp(self.data.stat().st_mtime, UTC)
        return Fetched(parsed, self.data, asked, False)

    def note(self, asked: datetime, fault: str) -> None:
        self._write(self._note, json.dumps(self._read() | {"asked": asked.isoformat(), "fault": fault}).encode())

    def keep(self, data: bytes, asked: datetime) -> None:
        self._write(self.data, data)
        self._write(self._note, json.dumps({"asked": asked.isoformat(), "kept": asked.isoformat()}).encode())

    def _read(self) -> dict[str, str]:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write(self, path: Path, data: bytes) -> None:
        """Write beside and rename, so that no half-written copy is ever taken for a good one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=self.folder, prefix=f".{path.name}.")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(beside).replace(path)
        except OSError as error:
            where = str(self.folder)
            raise FetchError(f"cannot be written: {error.strerror}", where=where, mend="set SKYHAUL_CACHE") from None
