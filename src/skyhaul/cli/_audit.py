"""`skyhaul audit`: the tamper-evident log and the store behind it, proofs, keys and witnesses."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._audit_record import NO_DECISION, DecisionOption, FactOption, Record, RegistryOption, numbered
from skyhaul.cli._registry import AsOption, KeyOption, ReasonOption, actor_of, disclose
from skyhaul.errors import InputError, NotFoundError, OutputError, RecordError

if TYPE_CHECKING:
    from skyhaul.control.log import Cosignature, VerifierKey
    from skyhaul.control.registry import Registry

app = typer.Typer(help="The tamper-evident log: verify it and its store, prove an entry, check a proof, witness it.")
key_app = typer.Typer(help="Signing keys of logs and witnesses.")
app.add_typer(key_app, name="key")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The log's folder.")]
Place = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="The log's folder, or a registry's.", show_default=False),
]
Index = Annotated[
    int | None,
    typer.Argument(metavar="ENTRY", min=0, help="The entry's number, counted from 0.", show_default=False),
]
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
    context: typer.Context,
    folder: Place = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="The log's public key, name+id+base64, or its file. A registry names its own where it is left out.",
        ),
    ] = None,
    witness: Witnesses = None,
    quorum: Quorum = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option("--earlier", metavar="FILE", help="A checkpoint kept from before, to be continued; repeatable."),
    ] = None,
    registry: RegistryOption = None,
    as_json: Json = False,
) -> None:
    """Verify every byte of a log, and every row of a registry's store against it: what was changed, removed, added or
    reordered, and where; exit 1 if anything was."""
    from skyhaul.control.log import verify_log
    from skyhaul.control.store import verify_store

    with Record.at(context, folder, registry) as record:
        if key is None and record.registry is None:
            if not record.folder.is_dir():
                raise NotFoundError("no such folder", where=record.place, mend="give that of a log, or a registry's")
            raise typer.BadParameter("a log alone needs its public key: --key KEY")
        public = _public(key or record.store.log_key)
        asked: dict[str, Any] = {
            "witnesses": [_public(one) for one in witness or ()],
            "quorum": quorum,
            "earlier": [_bytes(path) for path in earlier or ()],
        }
        if record.registry is None:
            result = verify_log(record.folder, public, **asked)
        else:
            result = verify_store(record.store, record.folder, public, **asked)
    folder = Path(record.place)
    checkpoint = result.checkpoint
    if as_json:
        _print_json(
            folder=str(folder),
            store=record.registry.store.where if record.registry else None,
            key=str(public),
            good=result.ok,
            origin=checkpoint and checkpoint.origin,
            size=checkpoint and checkpoint.size,
            root=checkpoint and checkpoint.root.hex(),
            cosignatures=_cosigned(result.cosignatures),
            unknown_signatures=result.unknown,
            findings=[{"where": finding.where, "what": finding.what} for finding in result.findings],
        )
    elif checkpoint is not None and result.ok:
        kept = ", in store and log" if record.registry else ""
        print(f"{folder}: good: {checkpoint.size} entries of {checkpoint.origin}{kept}, root {checkpoint.root.hex()}")
        if key is None:
            print(f"by the registry's own key; hold it against the one you were given: {public}")
        for cosignature in _cosigned(result.cosignatures):
            print(f"cosigned by {cosignature['witness']} at {cosignature['time']}")
        if result.unknown:
            print(f"not checked: {result.unknown} signatures by keys that were not given")
    else:
        for finding in result.findings:
            of_store = finding.where.startswith("store")
            print(f"{record.place}: {finding}" if of_store else f"{record.folder}/{finding}", file=sys.stderr)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def prove(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the proof goes.")],
    folder: Place = None,
    index: Index = None,
    fact: FactOption = None,
    decision: DecisionOption = NO_DECISION,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The log's public key: verify its checkpoint first.")
    ] = None,
    registry: RegistryOption = None,
    as_json: Json = False,
) -> None:
    """Write a self-contained proof that an entry is in the log, in the C2SP tlog-proof format."""
    from skyhaul.control.log import Checkpoint, LogReader, Note

    folder, index = numbered(folder, index)
    with Record.at(context, folder, registry) as record:
        index = record.leaf(index, fact, decision)
    proof = LogReader(record.folder, _public(key) if key else None).prove(index)
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
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the entry's bytes go.")],
    folder: Place = None,
    index: Index = None,
    fact: FactOption = None,
    decision: DecisionOption = NO_DECISION,
    registry: RegistryOption = None,
    as_json: Json = False,
) -> None:
    """Write the bytes of an entry, as a proof of it is checked against."""
    from skyhaul.control.log import LogReader

    folder, index = numbered(folder, index)
    with Record.at(context, folder, registry) as record:
        index = record.leaf(index, fact, decision)
    data = LogReader(record.folder).entry(index)
    _write(output, data)
    if as_json:
        _print_json(file=str(output), bytes=len(data), index=index)
    else:
        print(f"{output}: entry {index}, {len(data)} bytes")


@app.command()
def show(
    context: typer.Context,
    folder: Place = None,
    index: Index = None,
    fact: FactOption = None,
    decision: DecisionOption = NO_DECISION,
    open_: Annotated[
        bool,
        typer.Option("--open", help="With the values and salts that open its commitments, for those who may see them."),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Open service addresses too; goes on record, with the --reason.")
    ] = False,
    reason: ReasonOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: Json = False,
) -> None:
    """Show an entry as the log has it: what is public, and commitments to what is private."""
    from skyhaul.control.log import LogReader
    from skyhaul.control.registry import openings

    folder, index = numbered(folder, index)
    opened: dict[str, dict[str, str]] = {}
    with Record.at(context, folder, registry) as record:
        index = record.leaf(index, fact, decision)
        if open_ or exact:
            actor = actor_of(_registry(record), person, key)
            if exact:
                with _writable(record) as writing:
                    disclose(writing, actor, _accounts(record, index), reason or "")
            for field, opening in openings(_registry(record), actor, index, exact=exact).items():
                if isinstance(opening, str):
                    opened[field] = {"erased": opening}
                else:
                    opened[field] = {"value": opening.value.decode(), "salt": opening.salt.hex()}
    data = LogReader(record.folder).entry(index)
    try:
        content = json.loads(data)
    except ValueError:
        content = {"bytes": data.hex()}
    if as_json:
        _print_json(index=index, entry=content, openings=opened)
        return
    print(f"entry {index} of {record.place}")
    print(json.dumps(content, indent=2, ensure_ascii=False))
    for field, said in opened.items():
        for name, text in said.items():
            print(f"{field} {name}: {text}")


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


def _registry(record: Record) -> Registry:
    """The registry; RecordError where there is only a log, which has no openings."""
    if record.registry is None:
        raise RecordError("is a log alone: it holds no openings", where=record.place, mend="give --registry PLACE")
    return record.registry


def _writable(record: Record) -> Registry:
    """The same registry, to put on record what is shown."""
    from skyhaul.control.registry import Registry

    return Registry.open(_registry(record).place)


def _accounts(record: Record, index: int) -> list[str]:
    """The account that an entry is about, as a list; empty where it is about something else."""
    said = json.loads(record.store.body(index)).get("fact", {})
    return [said["account"]] if said.get("kind") == "Account" else []


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
    elif "+" not in text:
        mend = "give the key, name+id+base64, or its file"
        raise RecordError("no such file, and no public key", where=text[:60], mend=mend)
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
