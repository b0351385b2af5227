"""A witness over a log's folder: what it saw last is kept in a file, and it cosigns only what continues that."""

from __future__ import annotations

from pathlib import Path

from skyhaul.control.log._checkpoint import Checkpoint, SignedCheckpoint, cosign, open_checkpoint
from skyhaul.control.log._durable import write_durably
from skyhaul.control.log._keys import SigningKey, VerifierKey
from skyhaul.control.log._reader import LogReader
from skyhaul.errors import ProofError, RecordError, TamperError


def cosign_folder(
    folder: str | Path, key: VerifierKey, witness: SigningKey, time_s: int, memory: str | Path
) -> tuple[str, SignedCheckpoint]:
    """The signature line of `witness` under a log's present checkpoint, and that checkpoint; `key` is the log's.

    `memory` names the file of the last checkpoint it cosigned, made at the first; the new one is on the disk before the
    line is returned (C2SP tlog-witness). `time_s` is the POSIX time now. Raises ProofError where the checkpoint is not
    signed by the log's key or does not continue the one seen last.
    """
    log, memory = LogReader(folder, key), Path(memory)
    signed = open_checkpoint(log.note(), key)
    last = _seen(memory, key)
    seen = last.size if last else 0
    if seen > signed.checkpoint.size:
        raise ProofError(f"the log has {signed.checkpoint.size} entries and had {seen}", where=str(log.folder))
    proof = log.prove_consistency(seen, signed.checkpoint.size)
    line = cosign(signed.note, key, witness, time_s, last, proof)
    try:
        write_durably(memory, signed.note, 0o600)
    except OSError as error:
        raise RecordError(f"cannot write what was seen: {error.strerror}", where=str(memory)) from None
    return str(line), signed


def _seen(memory: Path, key: VerifierKey) -> Checkpoint | None:
    try:
        note = memory.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"cannot read what was seen: {error.strerror}", where=str(memory)) from None
    try:
        return open_checkpoint(note, key).checkpoint
    except ProofError as error:
        raise TamperError(error.what, where=str(memory), mend="one file for each log") from None
