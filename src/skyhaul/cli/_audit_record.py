"""The log and the store that `skyhaul audit` looks at: a log's folder alone, or a registry with its log."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import typer

from skyhaul.cli._registry import RegistryOption
from skyhaul.errors import NotFoundError, RecordError

if TYPE_CHECKING:
    from skyhaul.control.registry import Registry
    from skyhaul.control.store import Store

__all__ = ["NO_DECISION", "DecisionOption", "FactOption", "Record", "RegistryOption", "numbered"]

FactOption: TypeAlias = Annotated[
    str | None, typer.Option("--fact", metavar="ID", help="The entry of a fact, by its id; needs a registry.")
]
DecisionOption: TypeAlias = Annotated[
    tuple[str, str],
    typer.Option(
        "--decision",
        metavar="TERMINAL TIME",
        show_default=False,
        help="The entry of the decision that put a terminal in the state it had at a time; needs a registry.",
    ),
]

NO_DECISION = ("", "")


@dataclass
class Record:
    """What is audited.

    folder     the log's
    place      as errors and results name it
    registry   whose log it is, or None: the log alone
    """

    folder: Path
    place: str
    registry: Registry | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def at(cls, context: typer.Context, folder: Path | None, registry: str | None) -> Record:
        """The log in a folder, that of a registry's folder, or both where both are given.

        A registry that only the environment names counts where no folder is given.
        """
        from skyhaul.control.registry import Registry, is_registry

        said = context.get_parameter_source("registry")
        if folder is not None and (said is None or said.name != "COMMANDLINE"):
            registry = str(folder) if is_registry(folder) else None
            if registry is None:
                return cls(folder, str(folder))
            folder = None
        if not registry:
            raise NotFoundError("which log?", mend="give its folder, or --registry PLACE, or set SKYHAUL_REGISTRY")
        log = folder if folder is not None else Path(registry) / "log"
        if folder is None and "://" in registry:
            raise NotFoundError(
                "an address has no log", where=registry.partition("@")[2], mend="give the log's folder too: DIR"
            )
        if "://" not in registry and not is_registry(registry):
            raise NotFoundError("there is no registry", where=registry, mend="`skyhaul registry new DIR` makes one")
        record = cls(log, registry if folder is None else str(folder))
        record.registry = record._open.enter_context(Registry.open(registry, read_only=True))
        return record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def store(self) -> Store:
        """The registry's store; RecordError where there is only a log."""
        if self.registry is None:
            raise RecordError("is a log alone", where=self.place, mend="give the registry with --registry")
        return self.registry.store

    def leaf(self, index: int | None, fact: str | None, decision: tuple[str, str]) -> int:
        """The number of the entry that the options name."""
        named = [index is not None, fact is not None, decision != NO_DECISION]
        if sum(named) != 1:
            raise typer.BadParameter("give one of an entry's number, --fact ID, --decision TERMINAL TIME")
        if index is not None:
            return index
        if fact is not None:
            return self.store.leaf_of(fact)
        return self.store.decision_at(*decision).leaf


def numbered(folder: Path | None, index: int | None) -> tuple[Path | None, int | None]:
    """Folder and number where the folder may be left out: a lone number is the entry's."""
    if folder is not None and index is None and str(folder).isdecimal() and not folder.exists():
        return None, int(str(folder))
    return folder, index
