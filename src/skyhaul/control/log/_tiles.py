"""The C2SP `tlog-tiles` layout: which files a log of a given size has, their names and their bytes.

https://c2sp.org/tlog-tiles. A tile of level `l` holds up to 256 consecutive hashes, each over 256**l leaves; an entry
bundle holds the entries under one tile of level 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from skyhaul.control.log._merkle import HASH_SIZE, node_hash
from skyhaul.errors import RecordError

TILE_HEIGHT = 8  # tlog-tiles, "Merkle Tree": full tiles are exactly 256 hashes wide
TILE_WIDTH = 1 << TILE_HEIGHT
ENTRIES = -1  # the level of entry bundles, which lie below the leaf hashes
LEVEL_MAX = 63  # tlog-tiles, "Merkle Tree": <L> is between 0 and 63
ENTRY_MAX = 0xFFFF  # tlog-tiles, "Log entries": uint16 length prefixes

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile, or with level ENTRIES an entry bundle: number `index` of its level, `width` rows of 256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= LEVEL_MAX and self.index >= 0 and 1 <= self.width <= TILE_WIDTH):
            raise RecordError(f"no tile {self.index} of width {self.width} at level {self.level}")

    @property
    def full(self) -> bool:
        """Whether all 256 rows are there."""
        return self.width == TILE_WIDTH

    @property
    def start(self) -> int:
        """Index of the first leaf the tile covers."""
        return self.index << TILE_HEIGHT * (max(self.level, 0) + 1)

    @property
    def path(self) -> str:
        """Path below the log's prefix, such as `tile/0/x001/234.p/17`."""
        index, parts = self.index, [f"{self.index % 1000:03d}"]
        while index := index // 1000:
            parts.append(f"x{index % 1000:03d}")
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{'/'.join(reversed(parts))}{'' if self.full else f'.p/{self.width}'}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile at a path; RecordError unless it is exactly how the layout writes it."""
        match = _PATH.fullmatch(path)
        if match:
            level, index, width = match.groups()
            number = int(index.replace("x", "").replace("/", ""))
            partial = int(width) if width else TILE_WIDTH
            if 1 <= partial <= TILE_WIDTH and (level == "entries" or int(level) <= LEVEL_MAX):
                tile = cls(ENTRIES if level == "entries" else int(level), number, partial)
                if tile.path == path:
                    return tile
        raise RecordError("not the path of a tile", where=path, mend="such as tile/0/x001/234.p/17")


def rows_at(level: int, size: int) -> int:
    """Number of rows at a level of a log of `size` entries: entries, leaf hashes or hashes over full tiles."""
    return size >> TILE_HEIGHT * max(level, 0)


def tile_at(level: int, index: int, size: int) -> Tile:
    """Tile `index` of a level as a log of `size` entries has it, full or partial; RecordError where it has none."""
    return Tile(level, index, min(TILE_WIDTH, rows_at(level, size) - index * TILE_WIDTH))


def tiles_at(level: int, size: int) -> Iterator[Tile]:
    """The tiles of one level of a log of `size` entries, left to right."""
    return (tile_at(level, index, size) for index in range(-(-rows_at(level, size) // TILE_WIDTH)))


def last_tile(level: int, size: int) -> Tile | None:
    """The rightmost tile of a level; None where the level is empty."""
    rows = rows_at(level, size)
    return tile_at(level, (rows - 1) // TILE_WIDTH, size) if rows else None


def tiles_of(size: int) -> Iterator[Tile]:
    """Every entry bundle and tile of a log of `size` entries, level by level."""
    level = ENTRIES
    while rows_at(level, size):
        yield from tiles_at(level, size)
        level += 1


def tile_hash(data: bytes) -> bytes:
    """Hash over a full tile's 256 rows: its row in the level above."""
    while len(data) > HASH_SIZE:
        data = b"".join(
            node_hash(data[at : at + HASH_SIZE], data[at + HASH_SIZE : at + 2 * HASH_SIZE])
            for at in range(0, len(data), 2 * HASH_SIZE)
        )
    return data


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: every entry after its length as a big-endian uint16. Raises RecordError on an entry too long."""
    return b"".join(map(encode_entry, entries))


def encode_entry(entry: bytes) -> bytes:
    """One entry as it stands in a bundle."""
    if len(entry) > ENTRY_MAX:
        raise RecordError(f"an entry of {len(entry):,} bytes", mend=f"entries have at most {ENTRY_MAX:,} bytes")
    return len(entry).to_bytes(2, "big") + entry


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; RecordError where the lengths do not add up to its bytes."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise RecordError(f"the bundle breaks off inside its entry {len(entries)}")
        entries.append(data[start:at])
    return entries
