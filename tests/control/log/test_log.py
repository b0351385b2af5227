from __future__ import annotations

import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.log import (
    Checkpoint,
    Log,
    LogReader,
    Note,
    SigningKey,
    Tile,
    VerifierKey,
    check_consistency,
    check_inclusion,
    decode_bundle,
    leaf_hash,
    tiles_of,
    verify_log,
    write_key,
)
from skyhaul.errors import ProofError, RecordError, TamperError

from . import recursive

Written = Callable[[Iterable[Iterable[bytes]]], Path]

# transparency-dev/tessera, testdata/build_log.sh: a key made for tests, the entries, and the checkpoints that
# implementation signed after each (testdata/log/checkpoint.0, .1, .7, .15).
TESSERA_KEY = "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
TESSERA_PUBLIC = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESSERA_ENTRIES = b"one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split()
TESSERA_SIGNATURES = {
    0: "M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/noo8FkGg6PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc=",
    1: "M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ8b16jhsmg/SChAM=",
    15: "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=",
}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a log but its locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".state" not in path.parts
    }


def test_a_log_is_what_another_implementation_wrote(tmp_path: Path) -> None:
    write_key(tmp_path / "key", SigningKey.parse(TESSERA_KEY))
    with Log.create(tmp_path / "log", tmp_path / "key") as log:
        for size in range(16):
            if size in TESSERA_SIGNATURES:
                line = f"— example.com/log/testdata {TESSERA_SIGNATURES[size]}\n"
                assert log.note().decode().endswith("\n\n" + line)
            if size < 15:
                log.append([TESSERA_ENTRIES[size]])
        assert (
            log.note()
            .decode()
            .startswith("example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n")
        )
        # testdata/log/tile/entries/000.p/15, tile/0/000.p/15
        bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in TESSERA_ENTRIES)
        assert log.resource("tile/entries/000.p/15") == bundle
        assert log.resource("tile/0/000.p/15") == b"".join(map(leaf_hash, TESSERA_ENTRIES))
        assert verify_log(log.folder, VerifierKey.parse(TESSERA_PUBLIC)).ok


def test_how_a_log_is_batched_leaves_no_trace(log: Log, tmp_path: Path, signing_key: SigningKey) -> None:
    entries = [b"entry %d" % index for index in range(700)]
    for start, stop in ((0, 1), (1, 5), (5, 255), (255, 256), (256, 258), (258, 520), (520, 700)):
        appended = log.append(entries[start:stop])
        assert (appended.start, appended.stop) == (start, stop)
        assert appended.note == log.note()
    write_key(tmp_path / "again.key", signing_key)
    with Log.create(tmp_path / "again", tmp_path / "again.key") as other:
        other.append(entries)
    assert files_of(tmp_path / "again") == files_of(log.folder)
    assert set(files_of(log.folder)) == {"checkpoint", *(tile.path for tile in tiles_of(700))}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=12), max_size=300), max_size=6))
def test_any_batches_make_the_tree_of_the_rfc(batches: list[list[bytes]]) -> None:
    signing_key = SigningKey.generate("record.example/log")
    entries = [entry for batch in batches for entry in batch]
    with tempfile.TemporaryDirectory() as name:
        write_key(Path(name, "key"), signing_key)
        with Log.create(Path(name, "log"), Path(name, "key")) as log:
            heads = [log.checkpoint()]
            for batch in batches:
                log.append(batch)
                heads.append(log.checkpoint())
            assert heads[-1] == Checkpoint("record.example/log", len(entries), recursive.mth(entries))
            assert list(log.entries()) == entries
            for head in heads:
                path = log.prove_consistency(head.size)
                check_consistency(head.size, len(entries), head.root, heads[-1].root, path)
                assert log.root(head.size) == head.root
            for index in range(0, len(entries), 37):
                proof = log.prove_inclusion(index)
                assert recursive.included_root(index, len(entries), entries[index], list(proof)) == heads[-1].root
        result = verify_log(Path(name, "log"), signing_key.verifier, entries)
        assert result.ok, result.findings


def test_proofs_in_a_tree_of_three_levels_of_tiles(log: Log) -> None:
    entries = [b"%d" % index for index in range(66_000)]
    log.append(entries[:65_536])
    before = log.checkpoint()
    log.append(entries[65_536:])
    now = log.checkpoint()
    assert now.root == recursive.mth(entries)
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        check_inclusion(index, now.size, leaf_hash(entries[index]), log.prove_inclusion(index), now.root)
        old = log.prove_inclusion(index, 65_999) if index < 65_999 else ()
        if old:
            check_inclusion(index, 65_999, leaf_hash(entries[index]), old, log.root(65_999))
    check_consistency(before.size, now.size, before.root, now.root, log.prove_consistency(before.size))
    assert log.entry(65_999) == b"65999"
    assert list(log.entries(255, 258)) == entries[255:258]
    assert verify_log(log.folder, log.key).ok


def test_an_empty_batch_signs_nothing(log: Log) -> None:
    note = log.note()
    assert log.append([]) == (0, 0, note)
    assert log.note() == note


def test_a_batch_with_an_entry_too_long_adds_nothing(log: Log) -> None:
    log.append([b"before"])
    with pytest.raises(RecordError, match="65,536 bytes"):
        log.append([b"good", b"x" * 65_536])
    assert log.size == 1
    log.append([b"x" * 65_535])
    assert len(log.entry(1)) == 65_535


def test_a_closed_log_takes_nothing(log: Log) -> None:
    log.append([b"one"])
    log.close()
    log.close()
    with pytest.raises(RecordError, match="is closed"):
        log.append([b"two"])
    assert log.entry(0) == b"one"


def test_a_log_goes_on_where_it_was(log: Log, key_file: Path) -> None:
    log.append(b"%d" % index for index in range(300))
    log.close()
    with Log.open(log.folder, key_file) as again:
        assert again.append([b"300"]).start == 300
        assert again.checkpoint().root == recursive.mth([b"%d" % index for index in range(301)])


def test_one_writer_at_a_time(log: Log, key_file: Path) -> None:
    with pytest.raises(RecordError, match="open for writing elsewhere"):
        Log.open(log.folder, key_file)
    log.close()
    with Log.open(log.folder, key_file) as again:
        again.append([b"one"])


def test_threads_append_one_after_another(log: Log, key: VerifierKey) -> None:
    def write(who: int) -> None:
        for index in range(5):
            log.append([b"%d %d" % (who, index)] * 3)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = verify_log(log.folder, key)
    assert result.ok, result.findings
    assert log.size == 60


def append_slowly(folder: Path, key_file: Path, batches: int) -> None:
    with Log.open(folder, key_file) as log:
        for batch in range(batches):
            log.append(b"%d %d" % (batch, index) for index in range(7))


def test_readers_and_auditors_see_whole_batches_while_a_writer_writes(log: Log, key_file: Path) -> None:
    log.close()
    key = log.key
    writer = multiprocessing.get_context("spawn").Process(target=append_slowly, args=(log.folder, key_file, 80))
    writer.start()
    reader = LogReader(log.folder, key)
    sizes: set[int] = set()
    notes: list[bytes] = []
    while writer.is_alive():
        result = verify_log(log.folder, key, earlier=notes[-2:])
        assert result.ok, result.findings
        head = reader.checkpoint()
        sizes.add(head.size)
        assert head.size % 7 == 0
        if head.size:
            notes.append(reader.prove(head.size - 1).note)
            assert len(list(reader.entries(max(0, head.size - 20)))) >= min(20, head.size)
    writer.join()
    assert writer.exitcode == 0
    assert reader.size == 560
    assert len(sizes) > 1


def test_resources_are_those_of_a_server(log: Log) -> None:
    entries = [b"entry %d" % index for index in range(300)]
    log.append(entries[:5])
    log.append(entries[5:])
    hashes = [leaf_hash(entry) for entry in entries]
    assert log.resource("checkpoint") == log.note()
    assert log.resource("tile/0/000.p/5") == b"".join(hashes[:5])  # of an earlier checkpoint, no file any more
    assert not (log.folder / "tile/0/000.p").exists()
    assert log.resource("tile/0/001.p/44") == b"".join(hashes[256:])
    assert decode_bundle(log.resource("tile/entries/001.p/30")) == entries[256:286]
    assert decode_bundle(log.resource("tile/entries/000")) == entries[:256]
    assert len(log.resource("tile/1/000.p/1")) == 32
    for path in ("tile/0/001.p/45", "tile/0/001", "tile/1/000", "tile/2/000", "tile/2/000.p/1"):
        with pytest.raises(RecordError, match="not in the log yet"):
            log.resource(path)
    for path in ("tile/0/../../log.key", "../log.key", "tile/entries/0", ""):
        with pytest.raises(RecordError, match="not the path of a tile"):
            log.resource(path)


def test_what_is_not_in_the_log_cannot_be_read(log: Log) -> None:
    log.append([b"one", b"two"])
    for index in (2, -1):
        with pytest.raises(RecordError):
            log.entry(index)
        with pytest.raises(RecordError):
            log.prove(index)
    with pytest.raises(RecordError, match="no entries 1 to 3 in a log of 2"):
        list(log.entries(1, 3))
    with pytest.raises(RecordError, match="has 2 entries, not 3"):
        log.prove_inclusion(0, 3)
    with pytest.raises(RecordError, match="does not continue"):
        log.prove_consistency(2, 1)
    assert list(log.entries(2)) == []


def test_folders_that_are_no_logs(tmp_path: Path, key_file: Path) -> None:
    with pytest.raises(RecordError, match="the checkpoint is missing"):
        Log.open(tmp_path, key_file)
    with pytest.raises(RecordError, match="the checkpoint is missing"):
        LogReader(tmp_path).checkpoint()
    with pytest.raises(RecordError, match="not empty"):
        Log.create(tmp_path, key_file)
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot write the log"):
        Log.create(tmp_path / "file" / "log", key_file)


def test_a_key_signs_one_log(log: Log, tmp_path: Path, key_file: Path) -> None:
    log.append([b"one"])
    with pytest.raises(RecordError, match="signs another log"):
        Log.create(tmp_path / "second", key_file)


def test_a_log_is_not_opened_with_another_key(log: Log, tmp_path: Path) -> None:
    log.append([b"one"])
    log.close()
    write_key(tmp_path / "other", SigningKey.generate("record.example/log"))
    with pytest.raises(TamperError, match="not signed by"):
        Log.open(log.folder, tmp_path / "other")


def test_a_reader_refuses_what_is_not_as_hashed(written: Written, key: VerifierKey) -> None:
    folder = written([[b"one", b"two"]])
    path = folder / Tile(-1, 0, 2).path
    path.write_bytes(path.read_bytes().replace(b"two", b"TWO"))
    reader = LogReader(folder, key)
    assert reader.entry(0) == b"one"
    with pytest.raises(TamperError, match="entry 1 is not the one that was hashed"):
        reader.entry(1)
    tile = folder / Tile(0, 0, 2).path
    rows = tile.read_bytes()
    tile.write_bytes(rows[:32] + leaf_hash(b"TWO"))
    with pytest.raises(TamperError, match="does not lead from leaf 0"):
        LogReader(folder, key).prove(0)
    tile.write_bytes(rows[:40])
    with pytest.raises(TamperError, match="a tile of 40 bytes"):
        LogReader(folder, key).prove(0)
    tile.unlink()
    with pytest.raises(TamperError, match="the file is missing"):
        LogReader(folder, key).prove(0)
    path.write_bytes(b"\x00")
    with pytest.raises(TamperError, match="breaks off"):
        LogReader(folder, key).bundle(0, 2)


def test_a_log_continues_what_was_seen_of_it(log: Log) -> None:
    log.append([b"one", b"two"])
    seen = log.checkpoint()
    log.append([b"three"])
    log.check_continues(seen)
    with pytest.raises(TamperError, match="does not continue"):
        log.check_continues(Checkpoint(seen.origin, 2, b"\x01" * 32))
    with pytest.raises(TamperError, match="has 3 entries and had 4"):
        log.check_continues(Checkpoint(seen.origin, 4, seen.root))


def test_proofs_need_no_log(log: Log) -> None:
    log.append(b"%d" % index for index in range(10))
    proof = log.prove(3)
    checkpoint = Checkpoint.parse(Note.parse(proof.note).text)
    check_inclusion(3, 10, leaf_hash(b"3"), proof.path, checkpoint.root)
    with pytest.raises(ProofError):
        check_inclusion(3, 10, leaf_hash(b"4"), proof.path, checkpoint.root)
