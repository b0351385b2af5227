"""Whenever a writer dies, the log it leaves is whole: what was acknowledged is there, the rest is not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from skyhaul.control.log import Log, VerifierKey, verify_log
from skyhaul.errors import RecordError, TamperError

Written = Callable[[Iterable[Iterable[bytes]]], Path]

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")  # audit events of what changes the disk


def dies_at(step: int, work: Callable[[], None]) -> bool:
    """Do `work` in a child that is gone the moment it makes its `step`-th change; whether it came to that."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os._exit(7)

        try:
            sys.addaudithook(count)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 7)
    return status == 7


def copied(base: Path, name: str) -> tuple[Path, Path]:
    """Folder and key file of a copy of the log and its key."""
    target = base / name
    target.mkdir()
    shutil.copytree(base / "log", target / "log")
    for file in ("log.key", "log.key.signed"):
        shutil.copy2(base / file, target / file)
    return target / "log", target / "log.key"


@pytest.mark.parametrize(("size", "more"), [(0, 1), (3, 2), (250, 10), (255, 1), (256, 300)])
def test_a_batch_is_whole_or_absent_wherever_its_writer_dies(
    written: Written, tmp_path: Path, key: VerifierKey, size: int, more: int
) -> None:
    entries = [b"entry %d" % index for index in range(size + more)]
    written([entries[:size]])
    outcomes = []
    step = 0
    died = True
    while died:
        step += 1
        folder, key_file = copied(tmp_path, f"step {step}")

        def append(folder: Path = folder, key_file: Path = key_file) -> None:
            Log.open(folder, key_file).append(entries[size:])

        died = dies_at(step, append)
        with Log.open(folder, key_file) as log:
            outcomes.append(log.size)
            assert list(log.entries()) == entries[: log.size]
            assert verify_log(folder, key, entries[: log.size]).ok
            log.append(entries[log.size :])
            log.append([b"after"])
        result = verify_log(folder, key, [*entries, b"after"])
        assert result.ok, result.findings
    assert set(outcomes) == {size, size + more}
    assert outcomes == sorted(outcomes)
    assert step > 10


def test_a_log_can_be_begun_again_wherever_its_beginning_died(tmp_path: Path, key_file: Path, key: VerifierKey) -> None:
    step, died = 0, True
    while died:
        step += 1
        folder = tmp_path / f"step {step}"
        died = dies_at(step, lambda folder=folder: Log.create(folder, key_file).close())  # type: ignore[misc]
        opened = Log.open if (folder / "checkpoint").exists() else Log.create
        with opened(folder, key_file):
            assert verify_log(folder, key).ok


WRITER = """
import sys
from skyhaul.control.log import Log
with Log.open(sys.argv[1], sys.argv[2]) as log:
    for batch in range(1_000_000):
        start = log.size
        log.append(b"entry %d" % (start + index) for index in range(1 + batch % 40))
        print(log.size, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(
    written: Written, key_file: Path, key: VerifierKey
) -> None:
    folder = written([])
    draw = random.Random(20)
    acknowledged = 0
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(key_file)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(draw.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)
        rest = [line for line in writer.stdout.read().split("\n")[:-1] if line]
        writer.wait()
        writer.stdout.close()
        acknowledged = int(rest[-1]) if rest else acknowledged
        with Log.open(folder, key_file) as log:
            assert log.size >= acknowledged
            result = verify_log(folder, key, (b"entry %d" % index for index in range(log.size)))
            assert result.ok, result.findings
    assert acknowledged >= 8


def test_a_disk_that_refuses_leaves_the_log_usable(log: Log, key: VerifierKey) -> None:
    log.append([b"one"])
    (log.folder / "tile/entries/000.p").chmod(0o500)
    bundles = log.folder / "tile/entries/000.p"
    if os.access(bundles, os.W_OK):  # root writes everywhere: put a folder where the file should go
        (bundles / "2").mkdir()
        (bundles / "2" / "in the way").touch()
    with pytest.raises(RecordError, match="cannot write the log"):
        log.append([b"two"])
    assert log.size == 1
    bundles.chmod(0o700)
    shutil.rmtree(bundles / "2", ignore_errors=True)
    log.append([b"two"])
    assert verify_log(log.folder, key, [b"one", b"two"]).ok


def test_what_a_dead_writer_left_is_found_before_it_is_cleared(
    written: Written, key_file: Path, key: VerifierKey
) -> None:
    folder = written([[b"one"]])
    left = [folder / "tile/0/000.p/2", folder / "tile/entries/000.p/2.writing", folder / "tile/0/001"]
    for path in left:
        path.write_bytes(b"torn")
    findings = verify_log(folder, key).findings
    assert {finding.where for finding in findings} == {path.relative_to(folder).as_posix() for path in left}
    assert all("cut off by a crash" in finding.what for finding in findings)
    Log.open(folder, key_file).close()
    assert verify_log(folder, key, [b"one"]).ok


def test_a_torn_file_is_refused_at_open(written: Written, key_file: Path) -> None:
    folder = written([[b"entry %d" % index for index in range(600)]])
    for path in sorted((folder / "tile").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for torn in (b"", data[: len(data) // 2], bytes(len(data))):
                path.write_bytes(torn)
                with pytest.raises(TamperError):
                    Log.open(folder, key_file)
            path.unlink()
            with pytest.raises(TamperError):
                Log.open(folder, key_file)
            path.write_bytes(data)
    Log.open(folder, key_file).close()


def test_nothing_is_cleared_away_from_a_log_that_is_refused(written: Written, key_file: Path) -> None:
    folder = written([[b"one", b"two"]])
    left = folder / "tile/0/000.p/7"
    left.write_bytes(b"evidence")
    tile = folder / "tile/0/000.p/2"
    data = tile.read_bytes()
    tile.write_bytes(data[::-1])
    with pytest.raises(TamperError):
        Log.open(folder, key_file)
    tile.unlink()
    with pytest.raises(TamperError):
        Log.open(folder, key_file)
    assert left.read_bytes() == b"evidence"
    tile.write_bytes(data)
    Log.open(folder, key_file).close()
    assert not left.exists()


def test_a_file_lost_far_from_the_edge_is_missed_at_open(written: Written, key_file: Path) -> None:
    folder = written([[b"%d" % index for index in range(66_000)]])
    (folder / "tile/entries/007").unlink()
    (folder / "tile/0/009").unlink()
    with pytest.raises(TamperError, match=r"tile/0/009: the file is missing, and 1 more"):
        Log.open(folder, key_file)


def test_a_torn_checkpoint_is_refused_at_open(written: Written, key_file: Path) -> None:
    folder = written([[b"one"]])
    data = (folder / "checkpoint").read_bytes()
    for torn in (b"", data[:30], data[:-1], data[:-20] + b"\n"):
        (folder / "checkpoint").write_bytes(torn)
        with pytest.raises(TamperError, match="checkpoint"):
            Log.open(folder, key_file)


def test_a_signed_batch_whose_checkpoint_was_lost_is_published(
    written: Written, key_file: Path, key: VerifierKey
) -> None:
    folder = written([[b"one"]])
    before = (folder / "checkpoint").read_bytes()
    with Log.open(folder, key_file) as log:
        log.append([b"two"])
        signed = log.note()
    (folder / "checkpoint").write_bytes(before)  # died between the signer's memory and the checkpoint
    with Log.open(folder, key_file) as log:
        assert log.note() == signed
    assert verify_log(folder, key, [b"one", b"two"]).ok


def test_a_log_put_back_to_an_older_state_is_not_continued_differently(
    written: Written, tmp_path: Path, key_file: Path
) -> None:
    folder = written([[b"one", b"two"]])
    shutil.copytree(folder, tmp_path / "backup")
    with Log.open(folder, key_file) as log:
        log.append([b"three"])
    with pytest.raises(TamperError, match="has 2 entries, but its key has signed 3"):
        Log.open(tmp_path / "backup", key_file)


def test_another_log_of_the_same_size_is_not_continued(written: Written, tmp_path: Path, key_file: Path) -> None:
    folder = written([[b"one"]])
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(key_file, other / "key")
    with Log.create(other / "log", other / "key") as log:
        log.append([b"eno"])
    with pytest.raises(TamperError, match="not the one this key signed"):
        Log.open(other / "log", key_file)
    with Log.open(folder, key_file) as log:
        log.append([b"two"])
    shutil.copy2(other / "key.signed", tmp_path / "log.key.signed")
    with pytest.raises(TamperError, match="does not continue"):
        Log.open(folder, key_file)


def test_a_key_brought_without_its_memory_goes_on(written: Written, tmp_path: Path, key_file: Path) -> None:
    folder = written([[b"one"]])
    (tmp_path / "log.key.signed").unlink()
    with Log.open(folder, key_file) as log:
        assert log.append([b"two"]).start == 1
    assert (tmp_path / "log.key.signed").read_bytes() == (folder / "checkpoint").read_bytes()


def test_a_tile_changed_under_an_open_log_is_not_signed_for(log: Log, key_file: Path) -> None:
    log.append([b"one", b"two"])
    note = log.note()
    tile = log.folder / "tile/0/000.p/2"
    data = tile.read_bytes()
    tile.write_bytes(bytes(32) + data[32:])
    with pytest.raises(RecordError):
        log.append([b"three"])
    assert log.note() == note
    tile.write_bytes(data)
    log.append([b"three"])
    bundle = log.folder / "tile/entries/000.p/3"
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b"two", b"TWO"))
    log.close()
    with pytest.raises(TamperError, match="entry 1"):
        Log.open(log.folder, key_file)


def test_a_paused_log_goes_on_from_what_another_left_wherever_it_died(
    written: Written, tmp_path: Path, key: VerifierKey
) -> None:
    entries = [b"entry %d" % index for index in range(270)]
    written([entries[:250]])
    step = 0
    died = True
    while died:
        step += 1
        folder, key_file = copied(tmp_path, f"step {step}")
        with Log.open(folder, key_file) as log:
            log.pause()

            def append(folder: Path = folder, key_file: Path = key_file) -> None:
                Log.open(folder, key_file).append(entries[250:])

            died = dies_at(step, append)
            log.resume()
            size = log.size
            assert size in (250, 270)
            with pytest.raises(RecordError, match=f"the next entry is number {size}, not 7"):
                log.append([b"x"], start=7)
            log.append([*entries[size:], b"after"], start=size)
            log.pause()
            with Log.open(folder, key_file, wait=True) as other:
                other.append([b"another"], start=271)
            log.resume()
            log.append([b"last"], start=272)
        result = verify_log(folder, key, [*entries, b"after", b"another", b"last"])
        assert result.ok, result.findings
