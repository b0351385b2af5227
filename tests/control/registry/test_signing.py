"""Keys as others write them, and what exactly is signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.facts import Area, Fact, fact_from_document, utc
from skyhaul.control.registry import (
    Given,
    PersonKey,
    columns_of,
    fact_of_row,
    is_signed_by,
    read_public_key,
    row_of_fact,
    signed_bytes,
)
from skyhaul.errors import RecordError
from tests.control.histories import facts
from tests.control.registry.offices import actor, key_of
from tests.control.registry.test_door import approval, end, order

# RFC 8410, section 10.1 and 10.3.
PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""
PUBLIC_HEX = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"


def test_keys_are_those_of_rfc_8410(tmp_path: Path) -> None:
    private, public, text = tmp_path / "key.pem", tmp_path / "key.pub.pem", tmp_path / "key.pub"
    private.write_text(PRIVATE)
    private.chmod(0o600)
    public.write_text(PUBLIC)
    text.write_text(f"{PUBLIC_HEX}\n")
    key = PersonKey.read(private)
    assert key.public.hex() == PUBLIC_HEX
    assert read_public_key(public) == read_public_key(text) == key.public
    key.write(tmp_path / "copy.pem")
    assert (tmp_path / "copy.pem").read_text() == PRIVATE
    assert (tmp_path / "copy.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(RecordError, match="there already"):
        key.write(tmp_path / "copy.pem")
    assert "seed" not in repr(key)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, PUBLIC.encode(), b"-----BEGIN PRIVATE KEY-----\nzz\n"])
def test_what_is_no_key_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    for mode in (0o600, 0o644):  # what it is comes before who may read it
        path.chmod(mode)
        with pytest.raises(RecordError, match="is not a private key"):
            PersonKey.read(path)
    if content != PUBLIC.encode():
        with pytest.raises(RecordError, match="no public key"):
            read_public_key(path)


def test_what_is_signed_does_not_change_from_one_version_to_the_next() -> None:
    given_ = order("o-1", valid_from=utc("2024-02-01"), approvals_needed=1)
    assert signed_bytes(given_) == (
        b"skyhaul/signed-fact/v1\n"
        b'{"action":"suspend","approvals_needed":1,"author":"Nora","authority":"Northland Office","id":"o-1",'
        b'"kind":"Order","legal_basis":"act 7, section 2","on":"UT-1","reason":"stolen","source":"gazette 1/2024",'
        b'"target":"unit","valid_from":"2024-02-01T00:00:00Z"}'
    )


@pytest.mark.parametrize(
    "fact", [order("x"), end("x", "o"), approval("x", "o", "Nora")], ids=lambda f: type(f).__name__
)
def test_a_signature_is_over_all_but_the_time_of_recording(fact: Fact) -> None:
    who = actor("Nora")
    signed = who.signed(fact)
    public = key_of("Nora").public
    assert is_signed_by(signed, public)  # type: ignore[arg-type]
    assert who.signed(signed) is signed
    assert is_signed_by(replace(signed, recorded_at=utc("2020-01-01")), public)  # type: ignore[arg-type]
    assert not is_signed_by(signed, key_of("Nils").public)  # type: ignore[arg-type]
    for change in ({"id": "y"}, {"source": "other"}, {"author": "Nils"}, {"valid_from": utc("2023-01-01")}):
        assert not is_signed_by(replace(signed, **change), public)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(facts("1").filter(lambda fact: not isinstance(fact, Area)), st.booleans())
def test_every_fact_is_a_row_and_back(fact: Fact, typed: bool) -> None:
    from skyhaul.control.facts import fact_document

    given_ = Given("nobody", "nothing", utc("2000-01-01"), b"")
    row = fact_document(fact) if typed else row_of_fact(fact)
    if not typed:
        assert set(row) <= set(columns_of(type(fact)))
    back = fact_of_row(type(fact), row, given_, typed=typed)
    assert replace(back, recorded_at=fact.recorded_at) == fact
    assert fact_from_document(fact_document(fact)) == fact


@settings(max_examples=30, deadline=None)
@given(facts("1").filter(lambda fact: not isinstance(fact, Area)))
def test_ids_made_of_content_are_the_same_for_the_same_content_and_secret(fact: Fact) -> None:
    row = {name: value for name, value in row_of_fact(fact).items() if name != "id"}
    ids = {
        fact_of_row(type(fact), row, Given("a", "b", utc("2000-01-01"), secret), typed=False).id
        for secret in (b"one", b"one", b"two")
    }
    assert len(ids) == 2
