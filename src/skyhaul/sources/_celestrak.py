"""Element groups from CelesTrak's GP service, fetched politely and kept."""

from __future__ import annotations

import json
import os
import re
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
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
# CelesTrak renews its groups every two hours and blocks those who ask for the same one more often, or go on asking
# after an answer other than 200, redirections among them (celestrak.org/usage-policy.php, 2026-05-22).
MINIMUM_INTERVAL = timedelta(hours=2)
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIMEOUT_S = 30.0
_MEND = "check the name and the network; a file of your own works too: --elements FILE"


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

    folder  the cache; `cache_folder() / "elements"` when None
    client  what asks the network
    now     the clock, with its time zone

    A copy less than two hours old is given without asking. An older one is kept as the last good copy and given with a
    `SkyhaulWarning` when the service cannot be reached, answers with something else than elements, or the cache cannot
    be written; an attempt that reached the service and failed is not repeated within two hours either. Without any
    copy that is a `FetchError`.
    """
    if not _GROUP.fullmatch(name):
        raise FetchError(f"{name!r} is no name of a group", mend="take one of CelesTrak's, such as starlink or oneweb")
    kept = _Kept(cache_folder() / "elements" if folder is None else folder, name.lower())
    time, before = now(), kept.note()
    if before.asked is not None and timedelta(0) <= time - before.asked < MINIMUM_INTERVAL:
        copy = kept.copy()
        if copy is None:
            again = (before.asked + MINIMUM_INTERVAL).astimezone(UTC)
            raise FetchError(
                f"no elements of {name} from CelesTrak: {before.fault or 'the kept copy is gone or damaged'}",
                mend=f"it may be asked again at {again:%Y-%m-%d %H:%M} UTC",
            )
        return _with_warning(copy, name, before.fault) if before.fault else copy
    try:
        # Noted beforehand: nothing that happens from here on makes the next run ask too early.
        kept.write_note(_Note(time, before.kept, "the last attempt was interrupted"))
        data = _ask(name, client)
        parsed = parse_elements(data, f"CelesTrak group {name}", skip_bad=True)
        kept.write(kept.data, data)
        kept.write_note(_Note(time, time, ""))
    except (FetchError, ElementsError) as error:
        with suppress(FetchError, OSError):  # the cache that cannot be written is the error already
            kept.write_note(before if isinstance(error, _NotReached) else _Note(time, before.kept, error.what))
        copy = kept.copy()
        if copy is None:
            what = f"no elements of {name} from CelesTrak: {error.what}"
            own = isinstance(error, FetchError)
            raise FetchError(what, where=error.where if own else "", mend=(own and error.mend) or _MEND) from None
        return _with_warning(copy, name, error.what)
    return Fetched(parsed, kept.data, time, True)


def _with_warning(copy: Fetched, name: str, fault: str) -> Fetched:
    text = f"CelesTrak gave no {name} ({fault}): the copy of {copy.asked:%Y-%m-%d %H:%M} UTC is used"
    warnings.warn(text, SkyhaulWarning, stacklevel=3)
    return copy


class _NotReached(FetchError):
    """No request left this machine, or none arrived: trying again soon troubles nobody."""


def _ask(name: str, client: httpx.Client | None) -> bytes:
    import httpx

    try:
        own = client or httpx.Client(timeout=_TIMEOUT_S)
    except (ImportError, ValueError) as error:  # a proxy of a kind that httpx does not know
        raise _NotReached(f"not reached: {error}", mend="check the proxy in the environment") from None
    headers = {"User-Agent": f"skyhaul/{__version__}"}
    try:
        answer = own.get(ADDRESS, params={"GROUP": name, "FORMAT": "csv"}, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise _NotReached(f"not reached: {str(error) or type(error).__name__}") from None
    except httpx.HTTPError as error:
        raise FetchError(f"broke off: {str(error) or type(error).__name__}") from None
    finally:
        if client is None:
            own.close()
    content: bytes = answer.content
    elements = content.lstrip()[:11].upper().startswith(b"OBJECT_NAME")
    if answer.status_code == 200 and elements:
        return content
    lines = content.decode("utf-8", "replace").split("\n")
    said = next((line.strip() for line in lines if line.strip()), "nothing")
    status = "" if answer.status_code == 200 else f"{answer.status_code} {answer.reason_phrase}: "
    raise FetchError(f"answered {status}{said[:100]!r}")


@dataclass(frozen=True, slots=True)
class _Note:
    """When the service was last asked, when it gave the copy that is kept, and what was wrong last time."""

    asked: datetime | None
    kept: datetime | None
    fault: str


class _Kept:
    """The copy of one group in the cache, and a note beside it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.data = folder / f"{name}.csv"
        self._note = folder / f"{name}.json"

    def copy(self) -> Fetched | None:
        """The copy, unless there is none or none that can be read."""
        try:
            parsed = parse_elements(self.data.read_bytes(), str(self.data), skip_bad=True)
            asked = self.note().kept or datetime.fromtimestamp(self.data.stat().st_mtime, UTC)
        except (OSError, ElementsError):
            return None
        return Fetched(parsed, self.data, asked.astimezone(UTC), False)

    def note(self) -> _Note:
        """The note, of which whatever cannot be read is left out."""
        try:
            fields = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            fields = None
        if not isinstance(fields, dict):
            fields = {}
        return _Note(_time(fields.get("asked")), _time(fields.get("kept")), str(fields.get("fault", "")))

    def write_note(self, note: _Note) -> None:
        if note.asked is None:
            self._note.unlink(missing_ok=True)
            return
        times = {"asked": note.asked, "kept": note.kept}
        fields = {key: time.isoformat() for key, time in times.items() if time is not None} | {"fault": note.fault}
        self.write(self._note, json.dumps(fields).encode())

    def write(self, path: Path, data: bytes) -> None:
        """Write beside, to the disk, and rename, so that no half-written copy is ever taken for a good one."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            beside = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            what = f"the cache cannot be written: {error.strerror}"
            raise FetchError(what, where=str(path.parent), mend="set SKYHAUL_CACHE to another folder") from None


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
