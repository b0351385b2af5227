"""Forgetting private values: the openings go, the commitments stay, and the log says that it was done."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from skyhaul.control._canonical import canonical_json
from skyhaul.control.log import Opening
from skyhaul.control.store._leaves import opening_of, record_leaf
from skyhaul.control.store._rows import Rows
from skyhaul.control.store._schema import OPENINGS
from skyhaul.errors import NotFoundError, StoreError

Place = tuple[int, str]

# What stands in for values that are no text. An account whose address is erased has it where nobody lives: at the
# South Pole, too far from everything to be served.
_STAND_INS: dict[str, object] = {"plan.service_address": [-90.0, 0.0], "document": None, "signature": ""}

# What a fact says in private of the party that it names.
_OF_THE_PARTY = ("evidence", "address", "kit_number", "plan.service_address", "reason", "signature")

_PLACES_MAX = 1_000  # fields in one entry of the log, which has at most 65,535 bytes


def erase(
    connection: sa.Connection, rows: Rows, places: Sequence[Place], first: int, at: int, by: str, reason: str
) -> None:
    """Erase fields of entries, each with a stand-in of its own; NotFoundError where one is not there to be erased."""
    stand_ins: dict[str, list[Place]] = defaultdict(list)
    for place in dict.fromkeys(places):
        stand_ins[canonical_json(_STAND_INS.get(place[1], _name()))].append(place)
    _erase(connection, rows, stand_ins, first, at, by, reason)


def erase_party(connection: sa.Connection, rows: Rows, name: str, first: int, at: int, by: str, reason: str) -> bool:
    """Erase a party's name and what was said with it; whether it was anywhere."""
    query = sa.select(OPENINGS.c.leaf, OPENINGS.c.field).where(OPENINGS.c.salt.is_not(None))
    written = canonical_json(name)
    named = [(leaf, field) for leaf, field in connection.execute(query.where(OPENINGS.c.value == written))]
    if not named:
        return False
    leaves = {leaf for leaf, _ in named}
    stand_ins: dict[str, list[Place]] = defaultdict(list)
    stand_in = _name()
    stand_ins[canonical_json(stand_in)] = named
    # The key of a distributor's appointment, which a withdrawal of it names, ends with the party.
    keys = sa.select(OPENINGS.c.leaf, OPENINGS.c.value).where(
        OPENINGS.c.field == "subject",
        OPENINGS.c.salt.is_not(None),
        OPENINGS.c.value.endswith(f"/{written[1:]}", autoescape=True),
    )
    for leaf, key in connection.execute(keys):
        stand_ins[canonical_json(json.loads(key).removesuffix(name) + stand_in)].append((leaf, "subject"))
    there = set(named)
    for field in _OF_THE_PARTY:
        for place in connection.execute(query.where(OPENINGS.c.field == field)):
            if place[0] in leaves and tuple(place) not in there:
                stand_ins[canonical_json(_STAND_INS.get(field, _name()))].append((place[0], field))
    # A decision's words quote the facts that it rests on.
    quoted = sa.and_(OPENINGS.c.field == "document", OPENINGS.c.value.contains(written[1:-1], autoescape=True))
    for leaf, field in connection.execute(query.where(quoted)):
        stand_ins[canonical_json(None)].append((leaf, field))
    _erase(connection, rows, stand_ins, first, at, by, reason)
    return True


def opening(connection: sa.Connection, leaf: int, field: str) -> Opening | str:
    """What opens a commitment, or the JSON that stands in for an erased value."""
    query = sa.select(OPENINGS.c.value, OPENINGS.c.salt).where(OPENINGS.c.leaf == leaf, OPENINGS.c.field == field)
    value, salt = connection.execute(query).one()
    if not isinstance(value, str) or not isinstance(salt, bytes | None):
        what = f"the opening of {field} in entry {leaf} cannot be read"
        raise StoreError(what, mend="`skyhaul audit verify` says what is wrong")
    return value if salt is None else opening_of(value, salt)


def _erase(
    connection: sa.Connection,
    rows: Rows,
    stand_ins: dict[str, list[Place]],
    first: int,
    at: int,
    by: str,
    reason: str,
) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")  # overwrite with zeros what is no longer in use
    for stand_in, places in stand_ins.items():
        for leaf, field in places:
            done = connection.execute(
                sa.update(OPENINGS)
                .where(OPENINGS.c.leaf == leaf, OPENINGS.c.field == field, OPENINGS.c.salt.is_not(None))
                .values(value=stand_in, salt=None)
            )
            if done.rowcount != 1:
                raise NotFoundError(
                    f"entry {leaf} has no private field {field}, or it is erased already",
                    mend="`skyhaul audit show` lists the fields of an entry",
                )
        for some in _portions(places):
            number = first + len(rows.leaves)
            fields = [[leaf, field] for leaf, field in some]
            public: dict[str, Any] = {"fields": fields, "stand_in": stand_in, "reason": reason}
            rows.add_leaf(
                number, at + len(rows.leaves), "erasure", record_leaf("erasure", at + len(rows.leaves), by, public, {})
            )


def _portions(places: Sequence[Place]) -> Iterable[Sequence[Place]]:
    return (places[start : start + _PLACES_MAX] for start in range(0, len(places), _PLACES_MAX))


def _name() -> str:
    return f"erased-{secrets.token_hex(4)}"
