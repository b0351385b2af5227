"""Files of elements as a whole: packed, damaged, foreign, doubled, odd."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.errors import ElementsError
from skyhaul.orbits import Parsed, _parse, parse_elements
from tests.orbits import formats
from tests.orbits.formats import CSV, GOLDEN, TLE, assert_equal, with_checksum

PACKED = gzip.compress(TLE.encode(), mtime=0)


def error_of(data: bytes, *, skip_bad: bool = False) -> str:
    with pytest.raises(ElementsError) as caught:
        parse_elements(data, "file.txt", skip_bad=skip_bad)
    assert caught.value.where.startswith("file.txt")
    assert caught.value.mend
    assert "\n" not in str(caught.value)
    return caught.value.what


def attempt(data: bytes, *, skip_bad: bool = False) -> Parsed | ElementsError:
    try:
        return parse_elements(data, "file.txt", skip_bad=skip_bad)
    except ElementsError as error:
        return error


def tle_of(
    number: int, epoch: str = "24198.73465956", motion: str = "15.06403191", eccentricity: str = "0001579"
) -> str:
    one = f"1 {number:05d}U 19074B   {epoch}  .00000029  00000+0  20873-4 0  999"
    two = f"2 {number:05d}  53.0559   4.4051 {eccentricity} 130.2044 229.9084 {motion}25817"
    return f"SAT-{number}\n{with_checksum(one)}\n{with_checksum(two)}\n"


@pytest.mark.parametrize("name", GOLDEN)
def test_packing_and_encoding_do_not_matter(name: str) -> None:
    text = GOLDEN[name][1]
    plain = parse_elements(text.encode(), "plain")
    for data in (
        gzip.compress(text.encode()),
        gzip.compress(text[:100].encode()) + gzip.compress(text[100:].encode()) + b"\0\0\0",  # members, and padding
        text.encode("utf-8-sig"),
        text.encode("utf-16"),  # what a redirection in Windows PowerShell writes
        b"\n \n" + text.replace('<?xml version="1.0" encoding="UTF-8"?>', "").encode(),
        text.replace("\n", "\r\n").encode(),
    ):
        parsed = parse_elements(data, "other")
        assert_equal(parsed.elements, plain.elements)
        assert parsed.format == plain.format
        assert parsed.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "data", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xa0\n", b"\xff\xfe", "\u2003\n".encode(), gzip.compress(b"\n")]
)
def test_empty_is_empty_in_every_encoding(data: bytes) -> None:
    assert error_of(data) == "the file is empty"


@pytest.mark.parametrize("length", range(2, len(PACKED)))
def test_a_truncated_gzip_file_is_said_wherever_it_ends(length: int) -> None:
    assert error_of(PACKED[:length]) == "the gzip file ends too early"


@settings(max_examples=100, deadline=None)
@given(position=st.integers(2, len(PACKED) - 1), bit=st.integers(0, 7))
def test_a_damaged_gzip_file_never_gives_other_elements(position: int, bit: int) -> None:
    data = bytearray(PACKED)
    data[position] ^= 1 << bit
    result = attempt(bytes(data))
    if isinstance(result, ElementsError):
        assert result.what.startswith("the gzip file ")
    else:  # the time and such in the header mean nothing to the content, nor do the bits that fill up the last byte
        assert_equal(result.elements, parse_elements(TLE.encode(), "plain").elements)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html><html><body>403</body></html>", "is a web page, not elements"),
        (b"<HTML><HEAD><TITLE>Error</TITLE></HEAD></HTML>", "is a web page, not elements"),
        (
            b'<?xml version="1.0"?>\n<!-- x -->\n<html xmlns="http://www.w3.org/1999/xhtml"/>',
            "is a web page, not elements",
        ),
        (b"No GP data found\n", "begins with 'No GP data found'"),
        (
            b"{}",
            "no EPOCH, MEAN_MOTION, ECCENTRICITY, INCLINATION, RA_OF_ASC_NODE, ARG_OF_PERICENTER, MEAN_ANOMALY, BSTAR",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is not text"),
        (b"PK\3\4\x14\0\0\0", "the file is not text"),
        (b"latitude,longitude\n1,2\n", "begins with 'latitude,longitude'"),
        (TLE[:60].encode(), "begins with 'STARLINK-1008'"),
        (b"CCSDS_OPM_VERS = 3.0\nEPOCH = 2024-07-16T00:00:00\n", "begins with 'CCSDS_OPM_VERS = 3.0'"),
    ],
)
def test_what_holds_no_elements_is_said(data: bytes, what: str) -> None:
    assert error_of(data) == what


def test_what_is_too_large_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_parse, "LARGEST_ELEMENTS_BYTES", 1 << 20)
    bomb = gzip.compress(b" " * (1 << 24))
    assert error_of(bomb) == "over 1 MiB"
    assert error_of(b" " * (1 << 21)) == "over 1 MiB"


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200), skip_bad=st.booleans())
def test_any_bytes_are_elements_or_one_clear_error(data: bytes, skip_bad: bool) -> None:
    error_of(data, skip_bad=skip_bad)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(GOLDEN)),
    where=st.floats(0.0, 1.0),
    length=st.integers(0, 40),
    put=st.sampled_from(
        ["", "x", "0", "9", "-", ".", '"', "<", "&", "\n", ",", "=", "\x00", "é", "1e400", "}]", "\n2 ", "\n\n"]
    ),
    skip_bad=st.booleans(),
)
def test_any_damage_is_one_clear_error_or_sound_elements(
    name: str, where: float, length: int, put: str, skip_bad: bool
) -> None:
    text = GOLDEN[name][1]
    start = round(where * len(text))
    damaged = text[:start] + put + text[start + length :]
    result = attempt(damaged.encode(), skip_bad=skip_bad)
    if isinstance(result, ElementsError):
        assert result.where.startswith("file.txt")
        assert result.mend
        assert "\n" not in str(result)
    else:
        assert len(result.elements) == 1
        for column in formats.FIELDS.values():
            assert np.isfinite(getattr(result.elements, column)).all()


def test_where_all_sets_are_bad_there_are_no_elements() -> None:
    bad = (TLE[:-2] + "7\n").encode()
    assert error_of(bad, skip_bad=True) == "no elements: all 1 sets are bad"


class TestDoubles:
    def test_the_newest_set_is_kept_in_the_place_it_has(self) -> None:
        text = "".join(
            (
                tle_of(7, "24198.50000001"),
                tle_of(8, "24198.50000001"),
                tle_of(7, "24199.50000001"),
                tle_of(7, "24197.50000001"),
                tle_of(9, "24198.50000001"),
            )
        )
        parsed = parse_elements(text.encode(), "a.tle")
        assert parsed.elements.catalog_number.tolist() == [8, 7, 9]
        assert parsed.elements.epoch[1] == np.datetime64("2024-07-17T12:00:00.000864", "ns")
        assert parsed.counts() == {"duplicate": 2}
        first, second = parsed.problems
        assert (first.where, second.where) == ("a.tle:3", "a.tle:12")
        assert first.text == "SAT-7 (7) is there twice: kept is the newest set, of a.tle:9"

    def test_of_one_epoch_the_first_is_kept(self) -> None:
        text = tle_of(7) + tle_of(7).replace("SAT-7", "AGAIN")
        assert parse_elements(text.encode(), "a.tle").elements.name == ("SAT-7",)

    def test_satellites_without_a_number_are_all_kept(self) -> None:
        header, row = CSV.split("\n")[:2]
        text = "\n".join([header, *[row.replace("44714", "")] * 3])
        assert len(parse_elements(text.encode(), "a.csv").elements) == 3


class TestOddities:
    def test_round_epochs_are_called_invented(self) -> None:
        for epochs in (
            ("24045.50000000",) * 3,
            ("24045.50000000", "24045.51000000", "24046.00000000"),
            ("24045.04166667", "24045.08333333", "24045.12500000"),  # whole hours, as eight digits round them
        ):
            text = "".join(tle_of(k, epoch) for k, epoch in enumerate(epochs, start=1))
            (problem,) = parse_elements(text.encode(), "a.tle").problems
            assert (problem.kind, problem.where, problem.satellites) == ("invented", "a.tle", 3)

    def test_one_tracked_epoch_is_enough(self) -> None:
        text = "".join(tle_of(k, "24045.50000000") for k in (1, 2, 3)) + tle_of(4, "24045.50000100")
        assert parse_elements(text.encode(), "a.tle").problems == ()

    def test_one_round_epoch_may_be_chance(self) -> None:
        assert parse_elements(tle_of(1, "24045.50000000").encode(), "a.tle").problems == ()

    def test_deep_space_and_decayed_are_counted(self) -> None:
        text = "".join(
            (
                tle_of(1),
                tle_of(2, motion=" 6.40000001"),  # 225 min less a hair
                tle_of(3, motion=" 6.40000000"),
                tle_of(4, motion=" 1.00270000"),
                tle_of(5, motion="16.60000000"),
                tle_of(6, motion="15.00000000", eccentricity="9999999"),
            )
        )
        parsed = parse_elements(text.encode(), "a.tle")
        assert len(parsed.elements) == 6
        assert parsed.counts() == {"deep-space": 2, "decayed": 2}
        deep, decayed = parsed.problems
        assert deep.text.startswith("2 with a period of 225 min or more")
        assert decayed.text == "2 with a perigee below 122 km, such as SAT-5, SAT-6"


@pytest.mark.data
def test_a_whole_constellation_with_bad_lines_is_read_with_the_rest(data_folder: Path) -> None:
    text = gzip.decompress((data_folder / "tle" / "oneweb_2025-01-29.tle.gz").read_bytes()).decode()
    lines = text.splitlines()
    for number in (4, 400, 1000):
        lines[number] = lines[number][:30] + "#" + lines[number][31:]
    parsed = parse_elements("\n".join(lines).encode(), "oneweb.tle", skip_bad=True)
    assert len(parsed.elements) == 648
    assert parsed.skipped == 3
    assert [problem.where for problem in parsed.problems] == ["oneweb.tle:5", "oneweb.tle:401", "oneweb.tle:1001"]
