"""Whatever is done to the bytes of a log, verifying it says so, and where."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.log import (
    Checkpoint,
    KeyKind,
    Log,
    Note,
    SigningKey,
    Verification,
    VerifierKey,
    encode_bundle,
    leaf_hash,
    tile_hash,
    verify_log,
    write_key,
)
from skyhaul.errors import RecordError

Written = Callable[[Iterable[Iterable[bytes]]], Path]

ENTRIES = [b"entry %d" % index for index in range(700)]


@pytest.fixture
def folder(written: Written) -> Path:
    """A log of 700 entries in batches: two full tiles, a partial one, a partial one above."""
    return written([ENTRIES[:1], ENTRIES[1:300], ENTRIES[300:]])


def places(result: Verification) -> list[str]:
    return [finding.where for finding in result.findings]


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size)


def test_an_untouched_log_is_good(folder: Path, key: VerifierKey) -> None:
    result = verify_log(folder, key, ENTRIES)
    assert result.ok
    assert result.findings == ()
    assert result.checkpoint is not None
    assert (result.checkpoint.size, result.unknown) == (700, 0)


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize("change", [0x01, 0x20, 0xFF])
def test_every_changed_byte_of_a_small_log_is_found_in_its_file(
    written: Written, key: VerifierKey, size: int, change: int
) -> None:
    folder = written([ENTRIES[:size]])
    changed = 0
    for path in files_below(folder):
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :])
            assert set(places(verify_log(folder, key))) == {path.relative_to(folder).as_posix()}, at
            changed += 1
        path.write_bytes(data)
    assert changed > 100
    assert verify_log(folder, key).ok


def test_every_changed_byte_of_a_log_with_two_levels_is_found_in_its_file(written: Written, key: VerifierKey) -> None:
    folder = written([[b"%d" % (index % 10) for index in range(259)]])
    changed = 0
    for path in files_below(folder):
        data = path.read_bytes()
        where = path.relative_to(folder).as_posix()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
            assert set(places(verify_log(folder, key))) == {where}, at
            changed += 1
        path.write_bytes(data)
    assert changed > 9000


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_edit_of_any_file_is_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, key = _shared_log(tmp_path_factory)
    path = data.draw(st.sampled_from(list(files_below(folder))))
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    stop = data.draw(st.integers(start, min(len(before), start + 70)))
    after = before[:start] + data.draw(st.binary(max_size=70)) + before[stop:]
    path.write_bytes(after)
    try:
        result = verify_log(folder, key)
        assert result.ok == (after == before)
        if after != before:
            assert path.relative_to(folder).as_posix() in places(result)
    finally:
        path.write_bytes(before)


def _shared_log(factory: pytest.TempPathFactory) -> tuple[Path, VerifierKey]:
    base = factory.getbasetemp() / "shared"
    signing_key = SigningKey("record.example/shared", KeyKind.LOG, b"s" * 32)
    if not base.exists():
        base.mkdir()
        write_key(base / "key", signing_key)
        with Log.create(base / "log", base / "key") as log:
            log.append(ENTRIES)
    return base / "log", signing_key.verifier


def test_a_removed_file_is_found(folder: Path, key: VerifierKey) -> None:
    for path in files_below(folder):
        data = path.read_bytes()
        path.unlink()
        result = verify_log(folder, key)
        assert [(finding.where, finding.what) for finding in result.findings] == [
            (path.relative_to(folder).as_posix(), "is missing")
        ]
        path.write_bytes(data)


def test_a_truncated_or_lengthened_file_is_found(folder: Path, key: VerifierKey) -> None:
    for path in files_below(folder):
        data = path.read_bytes()
        for wrong in (b"", data[:-1], data[: len(data) // 2], data + b"\x00", data + data):
            path.write_bytes(wrong)
            assert path.relative_to(folder).as_posix() in places(verify_log(folder, key))
        path.write_bytes(data)


@pytest.mark.parametrize(
    "name",
    ["tile/0/002.p/189", "tile/0/003", "tile/1/000.p/1", "tile/entries/002.p/1", "notes.txt", "tile/0/000.writing",
     ".state/more", "tile/2/000.p/1", "tile/0/002.p/0x"],
)  # fmt: skip
def test_an_added_file_is_found(folder: Path, key: VerifierKey, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    assert places(verify_log(folder, key)) == [name]


def test_what_is_not_a_regular_file_is_found(folder: Path, key: VerifierKey) -> None:
    tile = folder / "tile/0/001"
    tile.rename(folder.parent / "elsewhere")
    tile.symlink_to(folder.parent / "elsewhere")
    assert places(verify_log(folder, key)) == ["tile/0/001"]
    tile.unlink()
    os.mkfifo(tile)
    assert places(verify_log(folder, key)) == ["tile/0/001"]
    checkpoint = folder / "checkpoint"
    checkpoint.unlink()
    checkpoint.mkdir()
    assert places(verify_log(folder, key)) == ["checkpoint"]


def test_bytes_in_a_lock_are_found(folder: Path, key: VerifierKey) -> None:
    (folder / ".state/batch").write_bytes(b"x")
    assert places(verify_log(folder, key)) == [".state/batch"]


def test_a_copy_without_locks_is_good(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns(".state"))
    assert verify_log(tmp_path / "copy", key).ok


def test_reordered_entries_are_found(folder: Path, key: VerifierKey) -> None:
    entries = ENTRIES[256:512]
    entries[3], entries[9] = entries[9], entries[3]
    (folder / "tile/entries/001").write_bytes(encode_bundle(entries))
    (finding,) = verify_log(folder, key).findings
    assert finding.where == "tile/entries/001"
    assert finding.what == "does not hold the entries that were signed: entry 259 and 1 more, in another order"


def test_a_changed_entry_is_named(folder: Path, key: VerifierKey) -> None:
    path = folder / "tile/entries/002.p/188"
    path.write_bytes(path.read_bytes().replace(b"entry 600", b"entry 60O"))
    (finding,) = verify_log(folder, key).findings
    assert str(finding) == "tile/entries/002.p/188: does not hold the entries that were signed: entry 600"


def rewritten(folder: Path, tile: int, row: int) -> None:
    """Change an entry and its leaf hash in one full tile, so that bundle and tile agree."""
    entries = ENTRIES[tile * 256 : tile * 256 + 256]
    entries[row] = b"forged"
    (folder / f"tile/entries/00{tile}").write_bytes(encode_bundle(entries))
    (folder / f"tile/0/00{tile}").write_bytes(b"".join(map(leaf_hash, entries)))


def test_an_entry_forged_with_its_leaf_hash_is_found(folder: Path, key: VerifierKey) -> None:
    rewritten(folder, 1, 7)
    (finding,) = verify_log(folder, key).findings
    assert finding.where == "tile/0/001"
    assert "entries 256 to 511" in finding.what


def test_an_entry_forged_with_every_hash_above_it_is_found(folder: Path, key: VerifierKey) -> None:
    rewritten(folder, 1, 7)
    above = folder / "tile/1/000.p/2"
    above.write_bytes(above.read_bytes()[:32] + tile_hash((folder / "tile/0/001").read_bytes()))
    (finding,) = verify_log(folder, key).findings
    assert finding.where == "checkpoint"
    assert "not with the root that was signed" in finding.what


def test_an_exchanged_entry_at_the_right_edge_is_found(folder: Path, key: VerifierKey) -> None:
    entries = [*ENTRIES[512:699], b"forged"]
    (folder / "tile/entries/002.p/188").write_bytes(encode_bundle(entries))
    (folder / "tile/0/002.p/188").write_bytes(b"".join(map(leaf_hash, entries)))
    assert places(verify_log(folder, key)) == ["checkpoint"]


def test_bundle_and_tile_changed_apart_are_both_named(folder: Path, key: VerifierKey) -> None:
    rewritten(folder, 1, 7)
    (folder / "tile/entries/001").write_bytes(encode_bundle([*ENTRIES[256:511], b"other"]))
    result = verify_log(folder, key)
    assert "tile/0/001" in places(result)
    assert "neither is signed" in result.findings[0].what


def test_the_log_of_another_key_is_not_this_one(folder: Path) -> None:
    stranger = SigningKey.generate("record.example/log").verifier
    result = verify_log(folder, stranger)
    assert result.checkpoint is None
    assert places(result) == ["checkpoint"]
    assert "not signed by" in result.findings[0].what


def written_anew(folder: Path, signing_key: SigningKey, entries: Iterable[bytes]) -> Path:
    """A log that the holder of the key wrote again from the beginning."""
    base = folder.parent / "anew"
    base.mkdir()
    write_key(base / "key", signing_key)
    with Log.create(base / "log", base / "key") as log:
        log.append(entries)
    return base / "log"


def test_the_holder_of_the_key_cannot_rewrite_what_was_seen(
    folder: Path, key: VerifierKey, signing_key: SigningKey
) -> None:
    kept = (folder / "checkpoint").read_bytes()
    longer = [*ENTRIES, b"more"]
    longer[5] = b"forged"
    anew = written_anew(folder, signing_key, longer)
    assert verify_log(anew, key).ok
    (finding,) = verify_log(anew, key, earlier=[kept]).findings
    assert "does not continue the earlier one of 700 entries" in finding.what
    assert verify_log(folder, key, earlier=[kept, kept]).ok


def test_the_holder_of_the_key_cannot_drop_what_was_seen(
    folder: Path, key: VerifierKey, signing_key: SigningKey
) -> None:
    kept = (folder / "checkpoint").read_bytes()
    anew = written_anew(folder, signing_key, ENTRIES[:650])
    (finding,) = verify_log(anew, key, earlier=[kept]).findings
    assert finding.what == "has 650 entries and had 700: entries were removed"
    (finding,) = verify_log(folder, key, earlier=[b"no checkpoint"]).findings
    assert finding.where == "earlier checkpoint"


def test_the_store_is_held_against_the_log(folder: Path, key: VerifierKey) -> None:
    def findings(store: Iterable[bytes]) -> list[str]:
        return [str(finding) for finding in verify_log(folder, key, store).findings]

    assert findings(iter(ENTRIES)) == []
    assert findings([*ENTRIES, b"more"]) == ["store: has more than the 700 entries of the log"]
    assert findings(ENTRIES[:600]) == ["store: has no entry 600"]
    assert findings(ENTRIES[:256]) == ["store: has no entry 256"]
    assert findings([]) == ["store: has no entry 0"]
    changed = [*ENTRIES[:300], b"forged", *ENTRIES[301:]]
    assert findings(changed) == ["store: entry 300 is not the one in the log"]
    swapped = [*ENTRIES[:9], ENTRIES[10], ENTRIES[9], *ENTRIES[11:]]
    assert findings(swapped) == [f"store: entry {index} is not the one in the log" for index in (9, 10)]


def test_an_empty_log_holds_no_store(written: Written, key: VerifierKey) -> None:
    folder = written([])
    assert verify_log(folder, key, []).ok
    assert places(verify_log(folder, key, [b"one"])) == ["store"]


def test_witnesses_are_asked_for(folder: Path, key: VerifierKey, signing_key: SigningKey) -> None:
    witness = SigningKey("witness.example/w1", KeyKind.WITNESS, b"w" * 32)
    checkpoint = folder / "checkpoint"
    note = Note.parse(checkpoint.read_bytes())
    assert places(verify_log(folder, key, witnesses=[witness.verifier])) == ["checkpoint"]
    cosigned = note.cosigned(witness, 1679315147).encode()
    checkpoint.write_bytes(cosigned)
    result = verify_log(folder, key, witnesses=[witness.verifier])
    assert result.ok
    assert result.cosignatures[0].time_s == 1679315147
    assert verify_log(folder, key).unknown == 1
    for at in range(len(cosigned)):
        checkpoint.write_bytes(cosigned[:at] + bytes([cosigned[at] ^ 1]) + cosigned[at + 1 :])
        assert places(verify_log(folder, key, witnesses=[witness.verifier])) == ["checkpoint"], at


def test_the_findings_of_a_log_that_is_all_wrong_come_to_an_end(folder: Path, key: VerifierKey) -> None:
    for index in range(1200):
        (folder / f"extra {index}").touch()
    assert len(verify_log(folder, key).findings) == 1000


def test_a_checkpoint_beyond_all_measure_is_not_followed(
    folder: Path, key: VerifierKey, signing_key: SigningKey
) -> None:
    (folder / "checkpoint").write_bytes(Checkpoint(key.name, 1 << 60, b"\x01" * 32).signed(signing_key))
    (finding,) = verify_log(folder, key).findings
    assert finding.where == "checkpoint"


def test_a_bundle_beyond_all_measure_is_not_read(folder: Path, key: VerifierKey) -> None:
    with (folder / "tile/entries/001").open("r+b") as file:
        file.truncate(1 << 40)
    with (folder / "tile/entries/002.p/188").open("r+b") as file:
        file.truncate(1 << 40)
    assert places(verify_log(folder, key)) == ["tile/entries/001", "tile/entries/002.p/188"]


def test_names_that_are_not_text_are_found(folder: Path, key: VerifierKey) -> None:
    Path(os.fsdecode(bytes(folder) + b"/tile/\xff")).touch()
    assert places(verify_log(folder, key)) == ["tile/\\xff"]


def test_a_folder_that_is_not_there(tmp_path: Path, key: VerifierKey) -> None:
    with pytest.raises(RecordError, match="no such folder"):
        verify_log(tmp_path / "none", key)
    assert places(verify_log(tmp_path, key)) == ["checkpoint"]


def test_damage_in_a_tree_of_three_levels_is_found_where_it_is(written: Written, key: VerifierKey) -> None:
    folder = written([[b"%d" % index for index in range(66_000)]])
    for name in ("tile/0/100", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1",
                 "tile/entries/200", "tile/entries/256"):  # fmt: skip
        path = folder / name
        data = path.read_bytes()
        at = len(data) // 2
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        assert places(verify_log(folder, key)) == [name]
        path.write_bytes(data)
