"""What every fact has: when it holds in the world, when it was recorded, who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from skyhaul.control._instants import utc
from skyhaul.errors import ControlError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that somebody says holds in the world for a time.

    id            its own name, never used again
    valid_from    first instant at which it holds; intervals are half open, [from, to)
    valid_to      first instant at which it no longer holds, or None: until further notice
    recorded_at   when the system learnt it
    source        the document it comes from
    author        who recorded it
    subject       id of the fact it corrects, or empty

    Nothing is overwritten: of the facts with one `key`, the one recorded last speaks for the time it covers, and
    earlier ones keep the rest. Raises ControlError for an empty id, source or author and for an interval that ends
    before it begins.
    """

    id: str
    valid_from: np.datetime64
    valid_to: np.datetime64 | None = None
    recorded_at: np.datetime64
    source: str
    author: str
    subject: str = ""

    @property
    def key(self) -> str:
        """What the fact is about: facts of one kind and key are versions of each other."""
        return self.subject or self.id

    def __post_init__(self) -> None:
        for field in ("id", "source", "author"):
            if not getattr(self, field).strip():
                self.refuse(f"empty {field}", f"say its {field}")
        for field in ("valid_from", "recorded_at"):
            object.__setattr__(self, field, utc(getattr(self, field), f"{self.where}, {field}"))
        if self.valid_to is not None:
            object.__setattr__(self, "valid_to", utc(self.valid_to, f"{self.where}, valid_to"))
            if self.valid_to <= self.valid_from:
                self.refuse("ends before it begins", "valid_to comes after valid_from")

    @property
    def where(self) -> str:
        """Its kind and id, for errors."""
        return f"{type(self).__name__} {self.id}"

    def refuse(self, what: str, mend: str) -> NoReturn:
        """Raise ControlError for this fact."""
        raise ControlError(what, where=self.where, mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Fact):
    """A statement that nothing holds of a kind and key for a time: a fact recorded in error is withdrawn by it.

    kind     name of the kind of fact, such as "Licence"
    subject  the key of what is withdrawn
    reason   why, or empty
    """

    kind: str
    reason: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.subject:
            self.refuse("withdraws nothing", "say the subject")
