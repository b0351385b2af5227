"""Many rows at once: what is good is recorded, and of what is not, each row is told with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from skyhaul.control.facts import Fact
from skyhaul.errors import SkyhaulError

F = TypeVar("F", bound=Fact)

_FIELD = re.compile(r"((?:, [a-z_]+(?:\.[a-z_]+)*(?:\[\d+\])?)+)$")


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that is not recorded.

    row     its number in the file
    item    kind and name or id of what it describes, as far as it can be told
    field   where in it the fault is, or empty: the whole
    why     what is wrong
    mend    what to do
    """

    row: int
    item: str
    field: str
    why: str
    mend: str

    @classmethod
    def of(cls, row: int, error: SkyhaulError) -> Rejected:
        """A row and the error it met."""
        found = _FIELD.search(error.where)
        item = error.where[: found.start()] if found else error.where
        return cls(row, item, found[1].removeprefix(", ").replace(", ", ".") if found else "", error.what, error.mend)

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.item, self.field) if part)
        text = f"row {self.row}: {place}: {self.why}" if place else f"row {self.row}: {self.why}"
        return f"{text} ({self.mend})" if self.mend else text

    def document(self) -> dict[str, object]:
        """The same in JSON's own types."""
        return {"row": self.row, "item": self.item, "field": self.field, "why": self.why, "mend": self.mend}


Candidate = tuple[int, Fact | SkyhaulError]
"""A row's number, and the fact it describes or what is wrong with it."""


class Examiner(Protocol):
    """What says of each fact of a batch why it may not be recorded."""

    def __call__(self, batch: Sequence[Fact], /) -> Sequence[SkyhaulError | None]:
        """One answer a fact."""


def sorted_out(rows: Iterable[Candidate], examine: Examiner) -> tuple[list[Fact], list[Rejected]]:
    """The facts of rows that may be recorded together, and every row that may not, by number."""
    good: list[tuple[int, Fact]] = []
    rejected: list[Rejected] = []
    for number, found in rows:
        if isinstance(found, SkyhaulError):
            rejected.append(Rejected.of(number, found))
        else:
            good.append((number, found))
    answers = examine([fact for _, fact in good]) if good else []
    kept = []
    for (number, fact), error in zip(good, answers, strict=True):
        if error is None:
            kept.append(fact)
        else:
            rejected.append(Rejected.of(number, error))
    return kept, sorted(rejected, key=lambda row: row.row)
