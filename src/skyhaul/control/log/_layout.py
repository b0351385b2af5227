"""Names of the files of a log's folder that are not tiles."""

from __future__ import annotations

from skyhaul.control.log._durable import TEMPORARY

CHECKPOINT = "checkpoint"  # tlog-tiles, "Checkpoints": <prefix>/checkpoint
STATE = ".state"  # beside the tiles: locks only, no bytes
WRITER_LOCK = f"{STATE}/writer"  # held while a log is open for writing
BATCH_LOCK = f"{STATE}/batch"  # held while a batch is written
UNFINISHED = f"{STATE}/unfinished"  # empty; there while a batch is written, and left by a writer that died in one
UNBEGUN = (STATE, CHECKPOINT + TEMPORARY)  # what a crash may leave of a log that was about to begin
