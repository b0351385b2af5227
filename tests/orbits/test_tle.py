"""Two-line elements: every field as the sgp4 package reads it, and every way a set can be broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sgp4.alpha5 import to_alpha5
from sgp4.api import Satrec
from sgp4.io import compute_checksum

from skyhaul.errors import ElementsError
from skyhaul.orbits import Elements, parse_elements
from skyhaul.orbits._rows import catalog_number
from skyhaul.orbits._tle import checksum
from skyhaul.sources import read_elements
from tests.orbits import catalogue
from tests.orbits.formats import TLE, assert_equal, with_checksum

NAME, ONE, TWO = TLE.splitlines()
_DAY_NS = 86_400_000_000_000


def parse(*lines: str, skip_bad: bool = False) -> Elements:
    return parse_elements("\n".join(lines).encode(), "sets.tle", skip_bad=skip_bad).elements


def error_of(*lines: str) -> str:
    with pytest.raises(ElementsError) as caught:
        parse(*lines)
    assert caught.value.mend
    return str(caught.value)


def edited(line: str, column: int, text: str) -> str:
    """A line with `text` from a column on, counted from 1 as in every description of the format."""
    return with_checksum(line[: column - 1] + text + line[column - 1 + len(text) :])


def numbered(number: int) -> tuple[str, str]:
    return edited(ONE, 3, f"{number:05d}"), edited(TWO, 3, f"{number:05d}")


def assert_as_sgp4_reads(elements: Elements, satrecs: list[Satrec]) -> None:
    """Angles, sizes and dates exactly; terms with a power of ten, which sgp4 multiplies out, to the last bits."""
    assert elements.catalog_number.tolist() == [satrec.satnum for satrec in satrecs]
    assert elements.international_designator == tuple(satrec.intldesg.strip() for satrec in satrecs)
    for column, name in (
        (elements.inclination_deg, "inclo"),
        (elements.raan_deg, "nodeo"),
        (elements.argument_of_perigee_deg, "argpo"),
        (elements.mean_anomaly_deg, "mo"),
    ):
        assert np.array_equal(column * (np.pi / 180.0), [getattr(satrec, name) for satrec in satrecs]), name
    assert np.array_equal(elements.eccentricity, [satrec.ecco for satrec in satrecs])
    per_minute = 1440.0 / (2.0 * np.pi)
    assert np.array_equal(elements.mean_motion_rev_day / per_minute, [satrec.no_kozai for satrec in satrecs])
    assert np.array_equal(
        elements.mean_motion_dot_rev_day2 / (per_minute * 1440.0), [satrec.ndot for satrec in satrecs]
    )
    for values, expected in (
        (elements.bstar_per_er, [satrec.bstar for satrec in satrecs]),
        (elements.mean_motion_ddot_rev_day3 / (per_minute * 1440.0 * 1440.0), [satrec.nddot for satrec in satrecs]),
    ):
        np.testing.assert_allclose(values, expected, rtol=5e-16, atol=0.0)
    year = np.array([1900 + satrec.epochyr + 100 * (satrec.epochyr < 57) for satrec in satrecs])
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[ns]")
    days = np.round((np.array([satrec.epochdays for satrec in satrecs]) - 1.0) * 1e8).astype(np.int64)
    assert np.array_equal(elements.epoch, start + (days * (_DAY_NS // 10**8)).astype("timedelta64[ns]"))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("starlink_2024-02-17.2le.gz", 5448),
        ("starlink_2024-07-16.tle.gz", 6226),
        ("starlink_2025-11-24.tle.gz", 8911),
        ("starlink_2026-06-13.tle.gz", 10546),
        ("others_2026-06-13.tle.gz", 1418),
        ("oneweb_2025-01-29.tle.gz", 651),
    ],
)
def test_every_real_set_is_whole_and_read_as_sgp4_reads_it(name: str, count: int, data_folder: Path) -> None:
    path = data_folder / "tle" / name
    parsed = read_elements(path)
    assert parsed.format == "tle"
    assert parsed.problems == ()  # in particular none of them looks invented
    assert len(parsed.elements) == count
    assert_as_sgp4_reads(parsed.elements, catalogue.satrecs(path))


def test_the_verification_set_is_read_as_sgp4_reads_it() -> None:
    lines = [line for line in catalogue.verification_text().splitlines() if line[:2] in ("1 ", "2 ")]
    assert len(lines) == 66
    # Comments stay: they begin with "#". Second lines carry the test run behind column 69; some checksums are wrong.
    text = [with_checksum(line) if line in lines else line for line in catalogue.verification_text().splitlines()]
    parsed = parse_elements("\n".join(text).encode(), "SGP4-VER.TLE")
    # 20413 is there twice, with the same epoch: the first is kept.
    assert parsed.counts() == {"duplicate": 1, "deep-space": 23, "decayed": 4}
    satrecs: dict[int, Satrec] = {}
    for one, two in zip(lines[::2], lines[1::2], strict=True):
        satrec = Satrec.twoline2rv(one, two)
        satrecs.setdefault(satrec.satnum, satrec)
    assert_as_sgp4_reads(parsed.elements, [satrecs[number] for number in parsed.elements.catalog_number.tolist()])


@settings(max_examples=60, deadline=None)
@given(
    year=st.integers(0, 99),
    day=st.integers(1, 365),
    fraction=st.integers(0, 99_999_999),
    degrees=st.lists(st.integers(0, 3_599_999), min_size=3, max_size=3),
    inclination=st.integers(0, 1_800_000),
    eccentricity=st.integers(0, 9_999_999),
    motion=st.integers(1, 1_999_999_999),
    dot=st.integers(-99_999_999, 99_999_999),
    bstar=st.tuples(st.sampled_from(" +-"), st.integers(0, 99_999), st.sampled_from("+-"), st.integers(0, 9)),
    number=st.integers(1, 339_999),
)
def test_whatever_the_columns_hold_is_what_sgp4_reads(
    year: int,
    day: int,
    fraction: int,
    degrees: list[int],
    inclination: int,
    eccentricity: int,
    motion: int,
    dot: int,
    bstar: tuple[str, int, str, int],
    number: int,
) -> None:
    label = to_alpha5(number)
    drag = f"{bstar[0]}{bstar[1]:05d}{bstar[2]}{bstar[3]}"
    slope = f"{'-' if dot < 0 else ' '}.{abs(dot):08d}"
    node, perigee, anomaly = (f"{value / 1e4:8.4f}" for value in degrees)
    one = with_checksum(f"1 {label}U 19074B   {year:02d}{day:03d}.{fraction:08d} {slope}  00000+0 {drag} 0  999")
    two = f"2 {label} {inclination / 1e4:8.4f} {node} {eccentricity:07d} {perigee} {anomaly} {motion / 1e8:11.8f}"
    two = with_checksum(f"{two}12345")
    assert_as_sgp4_reads(parse(one, two), [Satrec.twoline2rv(one, two)])


@given(st.integers(0, 339_999))
def test_numbers_beyond_99999_are_read_from_alpha5(number: int) -> None:
    assert catalog_number(to_alpha5(number)) == number


@pytest.mark.parametrize("text", ["I0001", "O0001", "t0001", "A-001", "AA001", "A001", "", "-0001", "1_000", "²²²²²"])
def test_what_is_no_catalogue_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="catalogue number is"):
        catalog_number(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=69, max_size=69))
def test_the_checksum_is_that_of_sgp4(line: str) -> None:
    assert checksum(line) == compute_checksum(line)


class TestNames:
    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ("STARLINK-1008", "STARLINK-1008"),
            ("0 STARLINK-1008", "STARLINK-1008"),
            ("  STARLINK-1008           ", "STARLINK-1008"),
            ("0 ", "44714"),
            ("0", "44714"),
            ("1 HOPSAT", "1 HOPSAT"),
            ("2 MANY CHEFS (BROTH)", "2 MANY CHEFS (BROTH)"),
            ("1 ", "1"),
            ("ŽIŽKA, 1 & 2 [+]", "ŽIŽKA, 1 & 2 [+]"),
            ("COSMOS 2251 DEB = {,}", "COSMOS 2251 DEB = {,}"),
        ],
    )
    def test_as_lists_write_them(self, line: str, name: str) -> None:
        assert parse(line, ONE, TWO).name == (name,)

    def test_a_set_without_one_is_called_by_its_number(self) -> None:
        assert parse(ONE, TWO).name == ("44714",)

    def test_of_a_broken_set_do_not_pass_to_the_next(self) -> None:
        other = numbered(44713)
        assert parse(NAME, ONE, *other, skip_bad=True).name == ("44713",)
        assert parse(NAME, edited(ONE, 19, "xx"), TWO, *other, skip_bad=True).name == ("44713",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "  \n", "\r\n\r\n\t\r\n"])
def test_line_ends_and_blank_lines_do_not_matter(end: str) -> None:
    text = end.join((NAME, ONE, TWO, ""))
    assert_equal(parse_elements(text.encode(), "x").elements, parse(NAME, ONE, TWO))


class TestColumns:
    def test_exponents_and_blanks(self) -> None:
        for written, value in (
            (" 00000+0", 0.0),
            (" 00000-0", 0.0),
            ("        ", 0.0),
            ("-11606-4", -0.11606e-4),
            ("+11606-4", 0.11606e-4),
            (" 10000+1", 1.0),
            (" 10000 0", 0.1),
            ("   123-2", 0.123e-2),
        ):
            assert parse(edited(ONE, 54, written), TWO).bstar_per_er[0] == value

    def test_other_class_letters_and_no_designator(self) -> None:
        for letter in "UCS ":
            one = edited(edited(ONE, 8, letter), 10, " " * 8)
            assert parse(one, TWO).international_designator == ("",)

    def test_blanks_in_the_eccentricity_are_noughts(self) -> None:
        assert parse(ONE, edited(TWO, 27, "   1579")).eccentricity.tolist() == [0.0001579]

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("57001.00000000", "1957-01-01"),
            ("56366.50000000", "2056-12-31T12:00"),
            ("00060.00000001", "2000-02-29T00:00:00.000864"),
            (" 1  1.5       ", "2001-01-01T12:00"),
            ("23366.50000000", "2024-01-01T12:00"),  # as sgp4 does: one day past the year's end
        ],
    )
    def test_epochs(self, written: str, expected: str) -> None:
        assert parse(edited(ONE, 19, written), TWO).epoch[0] == np.datetime64(expected, "ns")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((NAME, ONE[:-1] + "5", TWO), "sets.tle:2: checksum is 5, expected 4 (correct it, or leave bad sets out"),
        ((NAME, ONE, TWO[:-1] + " "), "sets.tle:3: 68 characters, expected 69"),
        ((NAME, ONE, TWO + "0"), "sets.tle:3: 70 characters, expected 69"),
        ((NAME, ONE[:40], TWO), "sets.tle:2: 40 characters, expected 69"),
        ((NAME, ONE, TWO[:20]), "sets.tle:3: 20 characters, expected 69"),
        ((NAME, ONE, ONE, TWO), "sets.tle:3: expected line 2 of a set, got another line 1"),
        ((NAME, TWO), "sets.tle:2: line 2 of a set without its line 1"),
        ((NAME, ONE), "sets.tle:2: line 1 of a set without its line 2: the file ends here"),
        ((NAME, ONE, NAME, TWO), f"sets.tle:3: expected line 2 of a set, got {NAME!r}"),
        ((NAME, NAME, ONE, TWO), f"sets.tle:1: a name without elements: {NAME!r}"),
        ((NAME, ONE, TWO, "", "END"), "sets.tle:5: a name without elements: 'END'"),
        ((NAME, ONE, numbered(44713)[1]), "sets.tle:3: lines of two satellites: 44714 and 44713"),
        ((NAME, edited(ONE, 24, "x"), TWO), "sets.tle:2: column 24 is 'x', expected '.'"),
        ((NAME, ONE, edited(TWO, 8, TWO[8:68])), "sets.tle:3: column 12 is '0', expected '.'"),
        ((NAME, edited(ONE, 19, "xx"), TWO), "sets.tle:2: epoch is 'xx198.73465956', expected a year"),
        ((NAME, edited(ONE, 21, "000"), TWO), "sets.tle:2: epoch is '24000.73465956'"),
        ((NAME, edited(ONE, 21, "367"), TWO), "sets.tle:2: epoch is '24367.73465956'"),
        ((NAME, edited(ONE, 54, " 1.41-2 "), TWO), "sets.tle:2: B* is ' 1.41-2 ', expected a number like ' 14149-2'"),
        ((NAME, edited(ONE, 63, "4"), TWO), "sets.tle:2: ephemeris type 4: elements for SGP4-XP, expected SGP4"),
        ((NAME, ONE, edited(TWO, 9, "190.0000")), "sets.tle:3: inclination_deg is 190.0, expected 0 to 180"),
        ((NAME, ONE, edited(TWO, 53, "xx.06403191")), "sets.tle:3: mean motion is 'xx.06403191', expected a number"),
        ((NAME, ONE, edited(TWO, 53, "00.00000000")), "sets.tle:3: mean_motion_rev_day is 0.0"),
        ((NAME, ONE, edited(TWO, 9, " 5_.0559")), "sets.tle:3: inclination is ' 5_.0559', expected a number"),
        ((NAME, edited(ONE, 3, "4471x"), edited(TWO, 3, "4471x")), "sets.tle:2: catalogue number is '4471x'"),
    ],
)
def test_a_broken_set_is_said_with_its_line(lines: tuple[str, ...], message: str) -> None:
    assert error_of(*lines).startswith(message)


def test_bad_sets_are_skipped_and_counted() -> None:
    good = [(f"SAT-{k}", *numbered(k)) for k in range(1, 9)]
    bad = [
        ("BAD-1", ONE[:-1] + "5", TWO),
        ("BAD-2", ONE),
        ("BAD-3", TWO),
        ("BAD-4", ONE[:50], TWO[:50]),
        ("BAD-5",),
        ("BAD-6", ONE, ONE, TWO[:-1] + "0"),
    ]
    lines = [line for pair in zip(good, [*bad, (), ()], strict=True) for lines in pair for line in lines]
    parsed = parse_elements("\n".join(lines).encode(), "mixed.tle", skip_bad=True)
    assert parsed.elements.name == tuple(f"SAT-{k}" for k in range(1, 9))
    assert parsed.counts() == {"bad": parsed.skipped}
    assert parsed.skipped >= len(bad)
    for problem in parsed.problems:
        number = int(problem.where.removeprefix("mixed.tle:"))
        assert 1 <= number <= len(lines)
        assert not any(lines[number - 1] == line for line in (*good[0], good[-1][0]))


@settings(max_examples=150, deadline=None)
@given(line=st.sampled_from([0, 1]), column=st.integers(0, 68), digit=st.sampled_from("0123456789-"))
def test_no_wrong_digit_passes_unseen(line: int, column: int, digit: str) -> None:
    lines = [ONE, TWO]
    before = lines[line][column]
    lines[line] = lines[line][:column] + digit + lines[line][column + 1 :]
    same_weight = {"0", " ", ".", "+", "U", "B"} if digit == "0" else {"1", "-"} if digit in "1-" else {digit}
    if before == digit:
        assert_equal(parse(*lines), parse(ONE, TWO))
    elif before not in same_weight:
        with pytest.raises(ElementsError):
            parse(*lines)
