"""Every error a user can meet, in one tree.

SkyhaulError                    anything Skyhaul refuses, said in one line: what, where, the mend
├── InputError                  a file or value from outside is not what it should be
│   ├── ElementsError           orbital elements: bad line, checksum, empty or truncated file
│   ├── GroundError             gateways, PoPs, fibre
│   ├── ScenarioError           a scenario's field, its expected type or range
│   └── ControlError            a fact, polygon, order or custody event of service control
│       └── RightsError         a fact that whoever hands it in may not record
├── TimeRangeError              a time outside what the data can answer for
├── NotFoundError               a name (terminal, preset, satellite) that is not there
├── FetchError                  a network source that does not answer, or must not be asked yet
├── OutputError                 a result that cannot be written
├── StoreError                  the store of facts cannot be reached, read or written
└── RecordError                 a log, signing key or opening that cannot be used
    ├── TamperError             bytes of the record that are not those that were signed
    └── ProofError              a note, checkpoint or proof that is malformed or does not verify

SkyhaulWarning                  a result is given, and the reader must know its limit
"""

from __future__ import annotations


class SkyhaulError(Exception):
    """One line for the user: `what` is wrong, `where` (file:line, field or rule), and the `mend`."""

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.mend})" if self.mend else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.mend))


def _rebuild(kind: type[SkyhaulError], what: str, where: str, mend: str) -> SkyhaulError:
    return kind(what, where=where, mend=mend)


class InputError(SkyhaulError):
    """A file or value from outside is not what it should be."""


class ElementsError(InputError):
    """Orbital elements that cannot be used."""


class GroundError(InputError):
    """A list of gateways, PoPs or fibre that cannot be used."""


class ScenarioError(InputError):
    """A scenario field that is unknown, missing, of the wrong type or out of range."""


class ControlError(InputError):
    """A fact of service control (polygon, licence, order, custody event, …) that cannot be used."""


class RightsError(ControlError):
    """A fact that whoever hands it in, or signed it, may not record: role, jurisdiction, signature or approvals."""


class TimeRangeError(SkyhaulError):
    """A time outside what the data can answer for."""


class NotFoundError(SkyhaulError):
    """A name that is not there; the mend lists near ones."""


class FetchError(SkyhaulError):
    """A network source that does not answer, or must not be asked yet."""


class OutputError(SkyhaulError):
    """A result that cannot be written."""


class StoreError(SkyhaulError):
    """The store of facts cannot be reached, read or written."""


class RecordError(SkyhaulError):
    """A log, signing key or opening that cannot be used."""


class TamperError(RecordError):
    """Bytes of the record that are not those that were signed."""


class ProofError(RecordError):
    """A note, checkpoint or proof that is malformed or does not verify."""


class SkyhaulWarning(UserWarning):
    """A result is given, and the reader must know its limit."""
