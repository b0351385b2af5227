"""The tamper-evident log over HTTP: checkpoint, entries, and proofs that anybody can verify without this server."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from skyhaul.control._instants import instant_text
from skyhaul.control.log import Checkpoint, LogReader, Note, VerifierKey
from skyhaul.control.registry import openings
from skyhaul.control.registry._registry import LOG
from skyhaul.errors import NotFoundError
from skyhaul.server._control_orders import may_read
from skyhaul.server._desk import Desk, Here, Who
from skyhaul.server._pages import LIMIT, Limit, Page
from skyhaul.server._people import actor_of
from skyhaul.server._plain import instant

router = APIRouter()

Number = Annotated[int, Path(ge=0, le=2**53, description="The entry's number, counted from 0.")]


class LogOut(BaseModel):
    """The log as it stands."""

    checkpoint: str = Field(description="The signed note: origin, size, root, signatures.")
    origin: str
    size: int
    root: str = Field(description="Hex.")
    key: str = Field(
        description="The log's public key as this server names it, name+id+base64: hold it against one you were handed."
    )


class EntryOut(BaseModel):
    """An entry in one line."""

    number: int
    record: str = Field(description="fact, decision, erasure.")
    at: str
    by: str
    words: str


class EntryWhole(EntryOut):
    """An entry's bytes, and what opens its commitments for those who may see it."""

    body: str = Field(description="The bytes that are logged, as UTF-8 text: canonical JSON.")
    openings: dict[str, dict[str, str]] = Field(
        description="By field: value and salt (hex) that the commitment in the entry stands for, or what was erased."
    )


class FoundOut(BaseModel):
    """Where something stands in the log."""

    number: int
    words: str


@router.get("/log", response_model=LogOut, summary="The log's checkpoint")
def log(desk: Here) -> LogOut:
    """The signed checkpoint, and the key that verifies it."""
    reader, key = _reader(desk)
    note = reader.note()
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    return LogOut(
        checkpoint=note.decode(),
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        key=str(key),
    )


@router.get("/log/entries", response_model=Page[EntryOut], summary="Entries of the log")
def entries(
    desk: Here,
    from_: Annotated[
        int | None, Query(alias="from", ge=0, le=2**53, description="First number; without it the last page.")
    ] = None,
    limit: Limit = LIMIT,
) -> Page[EntryOut]:
    """Entries by number, each in one line; `next` is the number after them."""
    reader, _ = _reader(desk)
    size = reader.size
    first = max(0, size - limit) if from_ is None else min(from_, size)
    stop = min(size, first + limit)
    found = [_said(number, body) for number, body in enumerate(reader.entries(first, stop), first)]
    return Page(items=[EntryOut(**said) for said in found], next=str(stop) if stop < size else None)


@router.get("/log/find", response_model=FoundOut, summary="Find an entry")
def find(
    desk: Here,
    fact: Annotated[str, Query(max_length=200, description="Id of a fact.")] = "",
    terminal: Annotated[str, Query(max_length=200)] = "",
    time: Annotated[str, Query(max_length=40, description="With `terminal`; without it: now.")] = "",
) -> FoundOut:
    """The entry of a fact, or of the decision that put a terminal in the state it had at an instant."""
    store = desk.registry.store
    if fact:
        return FoundOut(number=store.leaf_of(fact), words=f"fact {fact}")
    if not terminal:
        raise NotFoundError("the entry of what?", where="fact", mend="give fact, or terminal and time")
    unit = next((t.unit or t.name for t in desk.snapshot().roster.tables if t.name == terminal), terminal)
    record = store.decision_at(unit, desk.now if not time else instant(time, "time"))
    return FoundOut(
        number=record.leaf, words=f"{unit} {record.outcome} at {instant_text(record.time)}, code {record.code.name}"
    )


@router.get("/log/entries/{number}", response_model=EntryWhole, summary="An entry")
def entry(desk: Here, caller: Who, number: Number) -> EntryWhole:
    """The bytes of an entry. Operators, authorities and auditors get what opens its commitments too."""
    reader, _ = _reader(desk)
    body = _body(reader, number)
    opened: dict[str, dict[str, str]] = {}
    if may_read(caller) and caller.appointments:
        for field, opening in openings(desk.registry, actor_of(caller, desk.keys), number).items():
            if isinstance(opening, str):
                opened[field] = {"erased": opening}
            else:
                opened[field] = {"value": opening.value.decode(), "salt": opening.salt.hex()}
    return EntryWhole(**_said(number, body), body=body.decode(), openings=opened)


@router.get(
    "/log/entries/{number}/proof",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "A C2SP tlog-proof."}},
    summary="Proof that an entry is in the log",
)
def proof(desk: Here, number: Number) -> Response:
    """A self-contained proof (c2sp.org/tlog-proof): whoever has the log's public key and the entry's bytes verifies it
    alone, as `skyhaul audit check-proof` does."""
    reader, _ = _reader(desk)
    _body(reader, number)
    return Response(
        reader.prove(number).encode(),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="entry-{number}.tlog-proof"'},
    )


def _reader(desk: Desk) -> tuple[LogReader, VerifierKey]:
    """The registry's log and its key. Raises NotFoundError where the registry has none here."""
    from pathlib import Path as FilePath

    registry = desk.registry
    folder = FilePath(registry.place) / LOG
    if not (folder / "checkpoint").is_file():
        raise NotFoundError("there is no log here", where=registry.place, mend="start with the registry's folder")
    key = VerifierKey.parse(registry.store.log_key)
    return LogReader(folder, key), key


def _body(reader: LogReader, number: int) -> bytes:
    if number >= reader.size:
        raise NotFoundError(f"there is no entry {number}", mend=f"there are {reader.size}, counted from 0")
    return reader.entry(number)


def _said(number: int, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
        record, at, by = content["record"], content["at"], content["by"]
    except (ValueError, KeyError, TypeError):
        return {"number": number, "record": "bytes", "at": "", "by": "", "words": f"{len(body)} bytes"}
    said = content.get(record)
    if record == "fact" and isinstance(said, dict):
        words = f"{said.get('kind', '')} {said['id'] if isinstance(said.get('id'), str) else ''}".strip()
    elif record == "decision" and isinstance(said, dict):
        words = f"{said.get('terminal')} {said.get('outcome')}, code {said.get('code')}, at {said.get('time')}"
    else:
        words = record
    return {"number": number, "record": record, "at": at, "by": by, "words": words}
