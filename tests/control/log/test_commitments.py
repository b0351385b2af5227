from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.control.log import Opening, Openings, commit, new_salt
from skyhaul.errors import NotFoundError, RecordError, TamperError

NAME = "Олена Коваль".encode()


def test_a_commitment_is_a_hash_of_salt_and_value() -> None:
    salt = bytes(range(32))
    assert commit(NAME, salt) == sha256(b"skyhaul commitment v1\n" + salt + NAME).digest()


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(min_size=32, max_size=32))
def test_a_commitment_binds_to_its_value(value: bytes, other: bytes, salt: bytes) -> None:
    commitment = commit(value, salt)
    assert Opening(value, salt).opens(commitment)
    assert Opening(other, salt).opens(commitment) == (other == value)
    assert not Opening(value, bytes([salt[0] ^ 1]) + salt[1:]).opens(commitment)


def test_the_same_name_twice_cannot_be_told_from_two_names(tmp_path: Path) -> None:
    openings = Openings(tmp_path / "openings")
    assert openings.add(NAME) != openings.add(NAME)
    assert new_salt() != new_salt()


@pytest.mark.parametrize("size", [0, 8, 31, 33])
def test_a_salt_has_32_bytes(size: int) -> None:
    with pytest.raises(RecordError, match=f"a salt of {size} bytes"):
        commit(NAME, bytes(size))


def test_openings_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "openings"
    openings = Openings(path)
    commitments = [openings.add(b"holder %d" % index) for index in range(5)]
    assert path.stat().st_mode & 0o777 == 0o600
    again = Openings(path)
    assert len(again) == 5
    for index, commitment in enumerate(commitments):
        opening = again.open(commitment)
        assert opening.value == b"holder %d" % index
        assert opening.opens(commitment)
    path.chmod(0o644)
    with pytest.raises(RecordError, match="chmod 600"):
        Openings(path)


def test_an_erased_value_is_gone_and_its_commitment_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "openings"
    openings = Openings(path)
    kept, erased = openings.add(b"kept"), openings.add(NAME)
    openings.erase(erased)
    for file in (openings, Openings(path)):
        assert file.open(kept).value == b"kept"
        with pytest.raises(NotFoundError, match=erased.hex()):
            file.open(erased)
    assert NAME.hex().encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFoundError):
        openings.erase(erased)


def test_a_line_cut_off_by_a_crash_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "openings"
    kept = Openings(path).add(b"kept")
    whole = path.read_bytes()
    Openings(path).add(b"torn")
    line = path.read_bytes()[len(whole) :]
    for cut in range(len(line)):
        path.write_bytes(whole + line[:cut])
        openings = Openings(path)
        assert len(openings) == 1
        after = openings.add(b"after")
        assert Openings(path).open(after).value == b"after"
        assert Openings(path).open(kept).value == b"kept"


def test_a_changed_opening_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "openings"
    openings = Openings(path)
    openings.add(b"one")
    openings.add(b"two")
    data = path.read_bytes()
    second = data.index(b"\n") + 1
    for at in range(second, len(data) - 1, 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(TamperError, match="openings:2"):
            Openings(path)
    path.write_bytes(b"[]\n")
    with pytest.raises(TamperError, match="openings:1"):
        Openings(path)


def test_openings_that_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="Is a directory"):
        Openings(tmp_path)
    with pytest.raises(RecordError, match="No such file"):
        Openings(tmp_path / "none" / "openings")
    openings = Openings(tmp_path / "openings")
    (tmp_path / "openings").unlink()
    (tmp_path / "openings").mkdir()
    with pytest.raises(RecordError, match="cannot write"):
        openings.add(b"one")
    assert len(openings) == 0
