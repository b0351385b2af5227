"""What an entry of the log says of a record: all of it that may be public, and commitments to the rest.

An entry is canonical JSON: `record` says of what kind it is, `at` when it was written, `by` by whom. A field that must
stay private stands in it as `{"commitment": HEX}`, a shape as `{"sha256": HEX}` of its canonical GeoJSON, because an
entry has at most 65,535 bytes. What is not listed as public here is committed to: a field added later stays private
until somebody decides otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from skyhaul.control._canonical import canonical_json, plain
from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Fact, Order, Role, Target, fact_document
from skyhaul.control.log import Opening, commit, new_salt
from skyhaul.errors import ControlError

BODY_MAX = 65_535  # bytes; tlog-tiles, "Log entries": uint16 length prefixes

_OF_EVERY_FACT = ("kind", "id", "valid_from", "valid_to", "recorded_at", "source", "author", "subject")

# Kind of fact → its own fields that anyone may read. Parties (holders, givers, receivers), what was handed in as
# evidence, kit numbers (with which a terminal is registered) and addresses are not among them.
PUBLIC: dict[str, tuple[str, ...]] = {
    "Account": ("account", "state", "plan"),
    "AllowList": ("name", "authority", "area", "quotas"),
    "Application": ("name", "terminal", "account", "holder_kind", "shown", "sponsor"),
    "Appointment": ("person", "role", "territories", "public_key"),
    "Approval": ("order", "approver", "signature"),
    "Area": ("layer", "name", "holder", "shape"),
    "BorderPolicy": ("area", "probation_s"),
    "CustodyEvent": ("step", "item", "lot", "manner"),
    "Disclosure": ("accounts", "shown_to", "reason"),
    "Licence": (
        "authority",
        "territory",
        "service_classes",
        "models",
        "only_controlled_by",
        "activation_required",
        "max_speed_m_s",
    ),
    "Listing": ("name", "terminal", "account", "holder_kind", "shown", "approved_by", "sponsor", "application"),
    "Order": (
        "authority",
        "action",
        "target",
        "within",
        "reason",
        "legal_basis",
        "approvals_needed",
        "speed_cap_m_s",
        "rate_bps",
        "exempts",
    ),
    "OrderEnd": ("order", "authority", "reason", "approvals_needed", "signature"),
    "Party": ("territory",),
    "Policy": ("settings",),
    "Precedence": ("authorities",),
    "Rejection": ("application", "rejected_by"),
    "Statement": ("speaker", "says", "about", "answers", "disputes"),
    "Terminal": ("terminal", "public_key", "model", "software", "account"),
    "TypeApproval": ("authority", "model", "territory", "software"),
    "Withdrawal": ("of_kind", "reason"),
}

# Fields inside a field, written with a dot, that are private although the outer one is public.
PRIVATE_WITHIN: dict[str, tuple[str, ...]] = {"Account": ("plan.service_address",)}

# Kinds whose key can name a party.
_KEYED_BY_PARTY = ("Party", "Appointment")


class Secret(NamedTuple):
    """A private field of an entry: its path, its value as canonical JSON, and the salt it is committed to with."""

    field: str
    value: str
    salt: bytes


class Leaf(NamedTuple):
    """A record as it goes into the log, and what is kept of it beside."""

    body: str
    secrets: tuple[Secret, ...]
    shape: str | None = None


def fact_leaf(fact: Fact, at: int, by: str) -> Leaf:
    """The entry of a fact recorded at an instant (ns) by somebody, with fresh salts."""
    document = fact_document(fact)
    shape: str | None = None
    if "shape" in document:
        shape = _json(document["shape"])
        document["shape"] = {"sha256": sha256(shape.encode()).hexdigest()}
    secrets = []
    for field in private_fields(fact, document):
        holder, name = _holder(document, field)
        secret = Secret(field, _json(holder[name]), new_salt())
        holder[name] = committed(secret)
        secrets.append(secret)
    return Leaf(_body("fact", at, by, fact=document), tuple(secrets), shape)


def private_fields(fact: Fact, document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of the fields of a fact that are committed to."""
    kind = document["kind"]
    public = {*_OF_EVERY_FACT, *PUBLIC.get(kind, ())}
    if isinstance(fact, Order) and fact.target is not Target.PARTY:
        # A signature says whether a guess at what was signed is right: it is public only where all of it is.
        public |= {"on", "signature"}
    if kind == "Appointment" and document["role"] != Role.DISTRIBUTOR:
        public.add("body")
    if kind == "Withdrawal" and document["of_kind"] in _KEYED_BY_PARTY:
        public.discard("subject")
    for field in document:
        if field not in public:
            yield field
    yield from PRIVATE_WITHIN.get(kind, ())


def public_key_of(fact: Fact, private: Container[str]) -> str | None:
    """A fact's key, or None where it names a party, so that erasing a party's name leaves none behind."""
    kind = type(fact).__name__
    named = "subject" in private if kind == "Withdrawal" else kind in _KEYED_BY_PARTY and private_in(kind, private)
    return None if named else fact.key


def private_in(kind: str, private: Container[str]) -> bool:
    """Whether the field that makes up the key of a kind is private."""
    return ("party" if kind == "Party" else "body") in private


def record_leaf(record: str, at: int, by: str, public: Mapping[str, Any], private: Mapping[str, Any]) -> Leaf:
    """The entry of another record: its public fields, and private ones that are committed to."""
    secrets = tuple(Secret(name, canonical_json(value), new_salt()) for name, value in private.items())
    fields = plain({**public, **{secret.field: committed(secret) for secret in secrets}})
    return Leaf(_body(record, at, by, **{record: fields}), secrets)


def committed(secret: Secret) -> dict[str, str]:
    """How a private field stands in an entry."""
    return {"commitment": commit(_encoded(secret.value), secret.salt).hex()}


def commitments(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, bytes]]:
    """Every commitment in an entry's record, with the path of its field."""
    for name, value in document.items():
        if isinstance(value, dict):
            if value.keys() == {"commitment"}:
                yield f"{path}{name}", bytes.fromhex(value["commitment"])
            else:
                yield from commitments(value, f"{path}{name}.")


def opened(document: dict[str, Any], values: Mapping[str, str], shape: str | None = None) -> dict[str, Any]:
    """The record of an entry with its private fields, given as canonical JSON by path, and its shape put back."""
    for field, value in zip(values, json.loads(f"[{','.join(values.values())}]"), strict=True):
        holder, name = _holder(document, field)
        holder[name] = value
    if shape is not None:
        document["shape"] = json.loads(shape)
    return document


def opening_of(value: str, salt: bytes) -> Opening:
    """What opens the commitment to a private field."""
    return Opening(value.encode(), salt)


def _holder(document: dict[str, Any], field: str) -> tuple[dict[str, Any], str]:
    *outer, name = field.split(".")
    for part in outer:
        document = document[part]
    return document, name


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ControlError("its text has half a character (a lone surrogate)", mend="write it in UTF-8") from None


# What `canonical_json` writes, of values that are JSON's own already.
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def _body(record: str, at: int, by: str, **content: Any) -> str:
    body = _json({"record": record, "at": instant_text(at), "by": by, **content})
    size = len(_encoded(body))
    if size > BODY_MAX:
        raise ControlError(f"its entry in the log has {size:,} bytes", mend=f"at most {BODY_MAX:,}: shorten its texts")
    return body
