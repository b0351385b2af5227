from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.control.log import Tile, decode_bundle, encode_bundle, leaf_hash, root_of, tile_hash, tiles_of
from skyhaul.errors import RecordError


def test_the_path_in_the_specification() -> None:
    # C2SP tlog-tiles, "Merkle Tree": "index 1234067 will be encoded as x001/x234/067".
    assert Tile(2, 1234067).path == "tile/2/x001/x234/067"
    assert Tile(2, 1234067, 8).path == "tile/2/x001/x234/067.p/8"
    assert Tile(-1, 0, 1).path == "tile/entries/000.p/1"


def test_the_tree_of_70_000_in_the_specification() -> None:
    # C2SP tlog-tiles, "Partial Tiles": 273 full level 0 tiles, one partial of 112, one full level 1 tile, one partial
    # of 17, one partial level 2 tile of 1.
    tiles = list(tiles_of(70_000))
    assert Counter(tile.level for tile in tiles if tile.full) == {-1: 273, 0: 273, 1: 1}
    partial = [(tile.level, tile.index, tile.width) for tile in tiles if not tile.full]
    assert partial == [(-1, 273, 112), (0, 273, 112), (1, 1, 17), (2, 0, 1)]


def test_the_tree_of_256_in_the_specification() -> None:
    assert [tile.path for tile in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


def test_an_empty_log_has_no_tiles() -> None:
    assert list(tiles_of(0)) == []


@given(st.integers(-1, 63), st.integers(0, 1 << 60), st.integers(1, 256))
def test_paths_read_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/data/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/07",
        "tile/0/001.p/",
        "tile/0/٠٠١",
        "tile/0/001\n",
        "/tile/0/001",
        "tile/0/../001",
        "checkpoint",
        "",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(RecordError, match="not the path of a tile"):
        Tile.parse(path)


@pytest.mark.parametrize(("level", "index", "width"), [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_there_are_no_other_tiles(level: int, index: int, width: int) -> None:
    with pytest.raises(RecordError, match="no tile"):
        Tile(level, index, width)


def test_the_hash_over_a_tile_is_the_root_of_its_rows() -> None:
    rows = [leaf_hash(b"%d" % row) for row in range(256)]
    assert tile_hash(b"".join(rows)) == root_of(rows)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_a_bundle_is_lengths_and_entries() -> None:
    assert encode_bundle([b"one", b"", b"x" * 300]) == b"\x00\x03one\x00\x00\x01\x2c" + b"x" * 300
    assert decode_bundle(encode_bundle([b"x" * 0xFFFF])) == [b"x" * 0xFFFF]


def test_an_entry_has_at_most_65_535_bytes() -> None:
    with pytest.raises(RecordError, match="65,536 bytes"):
        encode_bundle([b"x" * 0x10000])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_a_bundle_cut_inside_an_entry_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    whole = encode_bundle(entries)
    ends = {len(encode_bundle(entries[:count])): count for count in range(len(entries))}
    cut = data.draw(st.integers(0, len(whole) - 1))
    if cut in ends:
        assert decode_bundle(whole[:cut]) == entries[: ends[cut]]
    else:
        with pytest.raises(RecordError, match="breaks off"):
            decode_bundle(whole[:cut])
