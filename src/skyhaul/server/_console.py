"""The console's files: pages, pictures, coast lines."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

# What the page may name; all else in its folder is not for readers.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
_HIDDEN = frozenset({"node_modules", "package.json", "package-lock.json", "tsconfig.json"})
_SMALL = 1000  # bytes that are not worth packing


@lru_cache(maxsize=1)
def folder() -> Path | None:
    """Where the page lies: in the installed package, or in the source tree; None where it is in neither."""
    packed = Path(str(files("skyhaul"))) / "server" / "console"
    if (packed / "index.html").is_file():
        return packed
    source = Path(__file__).resolve().parents[3] / "console"
    return source if (source / "index.html").is_file() else None


@router.get("/")
def index(request: Request) -> Response:
    """The page itself."""
    return file(request, "index.html")


@router.get("/console/land.json")
def land(request: Request) -> Response:
    """Coast lines of the world, without any border."""
    path = Path(str(files("skyhaul"))) / "presets" / "maps" / "land_110m.json"
    return _answer(request, path)


@router.get("/{name:path}")
def file(request: Request, name: str) -> Response:
    """A file of the page."""
    home = folder()
    if home is None or name.startswith("api/"):
        raise HTTPException(404)
    parts = Path(name).parts
    path = home.joinpath(*parts)
    try:
        there = path.is_file() and path.resolve().is_relative_to(home.resolve())
    except (OSError, ValueError):  # a name that is too long for the disk, or has a zero in it
        there = False
    if not there or any(part.startswith(".") or part in _HIDDEN for part in parts):
        raise HTTPException(404)
    return _answer(request, path)


def _answer(request: Request, path: Path) -> Response:
    data, tag, packed = _content(path, path.stat().st_mtime_ns)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if tag in (part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=_type(path), headers={**headers, "Content-Encoding": "gzip"})
    return Response(data, media_type=_type(path), headers=headers)


@lru_cache(maxsize=500)
def _content(path: Path, changed_ns: int) -> tuple[bytes, str, bytes]:
    data = path.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    packs = path.suffix not in (".png", ".woff2") and len(data) > _SMALL
    return data, tag, gzip.compress(data, 6, mtime=0) if packs else b""


def _type(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
