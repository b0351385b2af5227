"""`skyhaul audit`: the tamper-evident log, its proofs, its keys and its witnesses."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.errors import InputError, OutputError, RecordError

if TYPE_CHECKING:
    from skyhaul.control.log import Cosignature, VerifierKey

app = typer.Typer(help="The tamper-evident log: verify it, prove an entry of it, check a proof, witness it.")
key_app = typer.Typer(help="Signing keys of logs and witnesses.")
app.add_typer(key_app, name="key")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The log's folder.")]
Key = Annotated[str, typer.Option("--key", metavar="KEY", help="The log's public key, name+id+base64, or its file.")]
Witnesses = Annotated[
    list[str] | None, typer.Option("--witness", metavar="KEY", help="A witness's public key or its file; repeatable.")
]
Quorum = Annotated[
    int | None, typer.Option("--quorum", min=0, help="How many of the witnesses must have cosigned; all by default.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

FILE_MAX = 2_000_000  # bytes: twice the longest note, more than any key, entry or proof has


@app.command()
def verify(
    folder: Folder,
    key: Key,
    witness: Witnesses = None,
    quorum: Quorum = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option("--earlier", metavar="FILE", help="A checkpoint kept from before, to be continued; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify every byte of a log: what was changed, removed, added or reordered, and where; exit 1 if anything was."""
    from skyhaul.control.log import verify_log

    result = verify_log(
        folder,
        _public(key),
        witnesses=[_public(one) for one in witness or ()],
        quorum=quorum,
        earlier=[_bytes(path) for path in earlier or ()],
    )
    checkpoint = result.checkpoint
    if as_json:
        _print_json(
            folder=str(folder),
            good=result.ok,
            origin=checkpoint and checkpoint.origin,
            size=checkpoint and checkpoint.size,
            root=checkpoint and checkpoint.root.hex(),
            cosignatures=_cosigned(result.cosignatures),
            unknown_signatures=result.unknown,
            findings=[{"where": finding.where, "what": finding.what} for finding in result.findings],
        )
    elif checkpoint is not None and result.ok:
        print(f"{folder}: good: {checkpoint.size} entries of {checkpoint.origin}, root {checkpoint.root.hex()}")
        for cosignature in _cosigned(result.cosignatures):
            print(f"cosigned by {cosignature['witness']} at {cosignature['time']}")
        if result.unknown:
            print(f"not checked: {result.unknown} signatures by keys that were not given")
    else:
        for finding in result.findings:
            print(f"{folder}/{finding}", file=sys.stderr)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def prove(
    folder: Folder,
    index: Annotated[int, typer.Argument(min=0, help="The entry's number, counted from 0.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the proof goes.")],
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The log's public key: verify its checkpoint first.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a self-contained proof that an entry is in the log, in the C2SP tlog-proof format."""
    from skyhaul.control.log import Checkpoint, LogReader, Note

    proof = LogReader(folder, _public(key) if key else None).prove(index)
    data = proof.encode()
    _write(output, data)
    checkpoint = Checkpoint.parse(Note.parse(proof.note).text)
    if as_json:
        _print_json(
            file=str(output),
            bytes=len(data),
            index=index,
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
        )
    else:
        print(f"{output}: entry {index} of {checkpoint.size} in {checkpoint.origin}, {len(data)} bytes")


@app.command()
def entry(
    folder: Folder,
    index: Annotated[int, typer.Argument(min=0, help="The entry's number, counted from 0.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the entry's bytes go.")],
    as_json: Json = False,
) -> None:
    """Write the bytes of an entry, as a proof of it is checked against."""
    from skyhaul.control.log import LogReader

    data = LogReader(folder).entry(index)
    _write(output, data)
    if as_json:
        _print_json(file=str(output), bytes=len(data), index=index)
    else:
        print(f"{output}: entry {index}, {len(data)} bytes")


@app.command("check-proof")
def check_proof(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof.")],
    key: Key,
    leaf: Annotated[Path, typer.Option("--leaf", metavar="FILE", help="The entry's bytes.")],
    witness: Witnesses = None,
    quorum: Quorum = None,
    as_json: Json = False,
) -> None:
    """Check a proof with nothing but the log's public key; exit 1 when it does not prove the entry."""
    from skyhaul.control.log import Proof, verify_proof

    public, witnesses = _public(key), [_public(one) for one in witness or ()]
    try:
        proof = Proof.parse(_bytes(file))
        signed = verify_proof(proof, public, _bytes(leaf), witnesses=witnesses, quorum=quorum)
    except RecordError as error:
        if not as_json:
            raise type(error)(error.what, where=error.where or str(file), mend=error.mend) from None
        _print_json(file=str(file), good=False, error=str(error))
        raise typer.Exit(1) from None
    checkpoint = signed.checkpoint
    if as_json:
        _print_json(
            file=str(file),
            good=True,
            index=proof.index,
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            cosignatures=_cosigned(signed.cosignatures),
        )
    else:
        print(f"{file}: good: {leaf} is entry {proof.index} of {checkpoint.size} in {checkpoint.origin}")


@app.command()
def cosign(
    folder: Folder,
    key: Key,
    witness_key: Annotated[Path, typer.Option("--with", metavar="FILE", help="The witness's signing key file.")],
    seen: Annotated[
        Path | None, typer.Option("--seen", metavar="FILE", help="Checkpoint seen last; by default <key file>.seen.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Cosign a log's checkpoint as a witness, if it continues the one seen last; prints the signature line."""
    from skyhaul.control.log import cosign_folder, read_key

    memory = seen or Path(f"{witness_key}.seen")
    line, signed = cosign_folder(
        folder, _public(key), read_key(witness_key), int(datetime.now(UTC).timestamp()), memory
    )
    if as_json:
        _print_json(line=line, origin=signed.checkpoint.origin, size=signed.checkpoint.size, seen=str(memory))
    else:
        print(line)


@key_app.command("new")
def key_new(
    name: Annotated[str, typer.Argument(help="The key's name, for a log its origin: such as example.org/log.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the private key goes.")],
    witness: Annotated[bool, typer.Option("--witness", help="A key that cosigns instead of one that signs a log.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """Make a signing key in a new file that only its owner may read; prints its public key."""
    from skyhaul.control.log import KeyKind, SigningKey, write_key

    key = SigningKey.generate(name, KeyKind.WITNESS if witness else KeyKind.LOG)
    write_key(output, key)
    _print_key(key.verifier, output, as_json)


@key_app.command("show")
def key_show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A signing key file.")],
    as_json: Json = False,
) -> None:
    """Print the public key of a signing key file."""
    from skyhaul.control.log import read_key

    _print_key(read_key(file).verifier, file, as_json)


def _print_key(key: VerifierKey, file: Path, as_json: bool) -> None:
    if as_json:
        _print_json(file=str(file), name=key.name, kind=key.kind.name.lower(), key=str(key))
    else:
        print(key)


def _cosigned(cosignatures: tuple[Cosignature, ...]) -> list[dict[str, str]]:
    return [{"witness": str(one.witness), "time": _time(one.time_s)} for one in cosignatures]


def _time(time_s: int) -> str:
    try:
        return datetime.fromtimestamp(time_s, UTC).isoformat()
    except (ValueError, OverflowError):
        return f"{time_s} s after 1970"


def _print_json(**fields: Any) -> None:
    print(json.dumps(fields, indent=2, ensure_ascii=False))


def _public(text: str) -> VerifierKey:
    """The key a user gave as text or as the name of a file that holds it."""
    from skyhaul.control.log import VerifierKey

    path = Path(text)
    if len(text) < 256 and path.is_file():
        try:
            text = _bytes(path).decode("ascii").strip()
        except UnicodeDecodeError:
            raise RecordError("not a public key", where=str(path)) from None
    return VerifierKey.parse(text)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=str(path)) from None
    if len(data) > FILE_MAX:
        raise InputError(f"has more than {FILE_MAX:,} bytes", where=str(path), mend="is it the right file?")
    return data


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=str(path)) from None
