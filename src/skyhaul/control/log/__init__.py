"""The tamper-evident record: a transparency log of every decision, order and fact, and proofs from it.

RFC 9162 Merkle trees in the C2SP layouts `tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-cosignature` and
`tlog-proof`, so that any verifier of those can check it.
"""

from skyhaul.control.log._checkpoint import Checkpoint, Cosignature, SignedCheckpoint, cosign, open_checkpoint
from skyhaul.control.log._commitment import Opening, Openings, commit, new_salt
from skyhaul.control.log._keys import KeyKind, SigningKey, VerifierKey
from skyhaul.control.log._log import Appended, Log
from skyhaul.control.log._merkle import (
    EMPTY_ROOT,
    CompactRange,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
)
from skyhaul.control.log._note import Note, Signature
from skyhaul.control.log._proof import Proof, verify_proof
from skyhaul.control.log._reader import LogReader
from skyhaul.control.log._signer import Signer, read_key, write_key
from skyhaul.control.log._tiles import Tile, decode_bundle, encode_bundle, tile_hash, tiles_of
from skyhaul.control.log._verify import Finding, Verification, verify_log
from skyhaul.control.log._witness import cosign_folder

__all__ = [
    "EMPTY_ROOT",
    "Appended",
    "Checkpoint",
    "CompactRange",
    "Cosignature",
    "Finding",
    "KeyKind",
    "Log",
    "LogReader",
    "Note",
    "Opening",
    "Openings",
    "Proof",
    "Signature",
    "SignedCheckpoint",
    "Signer",
    "SigningKey",
    "Tile",
    "Verification",
    "VerifierKey",
    "check_consistency",
    "check_inclusion",
    "commit",
    "consistency_proof",
    "cosign",
    "cosign_folder",
    "decode_bundle",
    "encode_bundle",
    "inclusion_proof",
    "leaf_hash",
    "new_salt",
    "node_hash",
    "open_checkpoint",
    "read_key",
    "root_at",
    "root_of",
    "tile_hash",
    "tiles_of",
    "verify_log",
    "verify_proof",
    "write_key",
]
