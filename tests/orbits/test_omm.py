"""Orbit mean-elements messages of CCSDS 502.0-B, as the standard and the public catalogues write them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.errors import ElementsError
from skyhaul.orbits import Elements, parse_elements
from tests.orbits import formats

HEADER = formats.CSV.split("\n", 1)[0]
ROW = formats.CSV.split("\n")[1]


def parse(text: str) -> Elements:
    return parse_elements(text.encode(), "elements").elements


def error_of(text: str, name: str = "elements") -> str:
    with pytest.raises(ElementsError) as caught:
        parse_elements(text.encode(), name)
    assert caught.value.mend
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(field: str, value: str) -> str:
    """The golden CSV with one field changed."""
    header, row = HEADER.split(","), ROW.split(",")
    row[header.index(field)] = value
    return f"{HEADER}\n{','.join(row)}\n"


@pytest.mark.parametrize("name", formats.GOLDEN)
def test_one_satellite_is_the_same_in_every_format(name: str) -> None:
    form, text = formats.GOLDEN[name]
    parsed = parse_elements(text.encode(), "golden")
    assert parsed.format == form
    assert parsed.problems == ()
    formats.assert_equal(
        parsed.elements,
        Elements(
            name=("STARLINK-1008",),
            catalog_number=np.array([44714]),
            international_designator=("19074B",),
            epoch=np.array(["2024-07-16T17:37:54.585984"], dtype="datetime64[ns]"),
            mean_motion_rev_day=np.array([15.06403191]),
            eccentricity=np.array([0.0001579]),
            inclination_deg=np.array([53.0559]),
            raan_deg=np.array([4.4051]),
            argument_of_perigee_deg=np.array([130.2044]),
            mean_anomaly_deg=np.array([229.9084]),
            bstar_per_er=np.array([2.0873e-05]),
            mean_motion_dot_rev_day2=np.array([2.9e-07]),
            mean_motion_ddot_rev_day3=np.array([0.0]),
            shell=np.array([-1]),
            plane=np.array([-1]),
            index_in_plane=np.array([-1]),
        ),
    )


NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=24).map(str.strip)
DEGREES = st.floats(-360.0, 360.0)
DRAG = st.floats(-1.0, 1.0)


@st.composite
def elements_of_any_kind(draw: st.DrawFn) -> Elements:
    """Elements that an OMM can carry: up to four satellites of different numbers."""
    count = draw(st.integers(1, 4))
    numbers = draw(st.lists(st.integers(1, 999_999_999), min_size=count, max_size=count, unique=True))
    # 1957 to 2261, the years that 64 bits of nanoseconds hold.
    epochs = st.integers(-410_227_200_000_000_000, 9_214_646_399_999_999_999)

    def floats(strategy: st.SearchStrategy[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(draw(st.lists(strategy, min_size=count, max_size=count)))

    unknown = np.full(count, -1)
    return Elements(
        name=tuple(draw(st.lists(NAMES.filter(bool), min_size=count, max_size=count))),
        catalog_number=np.array(numbers),
        international_designator=tuple(
            draw(st.lists(st.sampled_from(["", "19074B", "85108AA"]), min_size=count))[:count]
        ),
        epoch=np.array(draw(st.lists(epochs, min_size=count, max_size=count))).astype("datetime64[ns]"),
        mean_motion_rev_day=floats(st.floats(0.0, 20.0, exclude_min=True, exclude_max=True)),
        eccentricity=floats(st.floats(0.0, 1.0, exclude_max=True)),
        inclination_deg=floats(st.floats(0.0, 180.0)),
        raan_deg=floats(DEGREES),
        argument_of_perigee_deg=floats(DEGREES),
        mean_anomaly_deg=floats(DEGREES),
        bstar_per_er=floats(DRAG),
        mean_motion_dot_rev_day2=floats(DRAG),
        mean_motion_ddot_rev_day3=floats(DRAG),
        shell=unknown,
        plane=unknown,
        index_in_plane=unknown,
    )


@settings(max_examples=60, deadline=None)
@given(elements=elements_of_any_kind(), form=st.sampled_from(sorted(formats.WRITERS)))
def test_what_is_written_is_read_back_to_the_last_bit(elements: Elements, form: str) -> None:
    text = formats.WRITERS[form](elements)
    parsed = parse_elements(text.encode(), "written")
    assert parsed.format == form
    formats.assert_equal(parsed.elements, elements)


class TestEpochs:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2024-07-16T17:37:54.585984", "2024-07-16T17:37:54.585984"),
            ("2024-07-16T17:37:54.585984Z", "2024-07-16T17:37:54.585984"),
            ("2024-07-16 17:37:54", "2024-07-16T17:37:54"),
            ("2024-198T17:37:54.", "2024-07-16T17:37:54"),
            ("2024-366T00:00:00", "2024-12-31"),
            ("2023-365T23:59:59.999999999", "2023-12-31T23:59:59.999999999"),
            ("2024-060T00:00:00.1", "2024-02-29T00:00:00.1"),
            ("2024-02-29T00:00:00.0000000019", "2024-02-29T00:00:00.000000001"),
            ("2016-12-31T23:59:60.5", "2017-01-01T00:00:00.5"),  # the last leap second; UTC days of 86,400 s here
        ],
    )
    def test_of_the_standard(self, text: str, expected: str) -> None:
        assert parse(changed("EPOCH", text)).epoch[0] == np.datetime64(expected, "ns")

    @pytest.mark.parametrize(
        "text",
        [
            "2024-07-16",  # a date is no epoch
            "2024-02-30T00:00:00",
            "2023-366T00:00:00",
            "2024-000T00:00:00",
            "2024-13-01T00:00:00",
            "2024-07-16T24:00:00",
            "2024-07-16T12:60:00",
            "2024-07-16T12:00:61",
            "1956-01-01T00:00:00",
            "2262-04-12T00:00:00",
            "9999-366T00:00:00",
            "0000-01-01T00:00:00",
            "24-07-16T12:00:00",
            "16/07/2024 12:00:00",
            "٢٠٢٤-07-16T12:00:00",
            "2024-07-16T12:00:00+02:00",
            "1721151474",
        ],
    )
    def test_that_are_none_are_said(self, text: str) -> None:
        message = error_of(changed("EPOCH", text))
        assert message.startswith("elements:2: EPOCH is ")
        assert repr(text) in message


class TestNumbers:
    @pytest.mark.parametrize(
        "text",
        ["nan", "NaN", "inf", "-Infinity", "1_5.0", "fifteen", "15,06", "0x10", "15.06.4", "1.5D1", "٣", "--1", "."],
    )
    def test_that_are_none_are_said(self, text: str) -> None:
        message = error_of(changed("MEAN_MOTION", f'"{text}"'))
        assert message.startswith(f"elements:2: MEAN_MOTION is {text!r}, expected a number")

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("MEAN_MOTION", "1e999", "mean_motion_rev_day is not a finite number"),
            ("MEAN_MOTION", "0", "mean_motion_rev_day is 0.0, expected above 0 and below 20"),
            ("MEAN_MOTION", "20", "expected above 0 and below 20"),
            ("ECCENTRICITY", "1", "eccentricity is 1.0, expected 0 to below 1"),
            ("ECCENTRICITY", "-0.1", "expected 0 to below 1"),
            ("INCLINATION", "180.1", "inclination_deg is 180.1, expected 0 to 180"),
            ("RA_OF_ASC_NODE", "361", "raan_deg is 361.0, expected -360 to 360"),
            ("BSTAR", "", "no BSTAR"),
            ("EPOCH", "", "no EPOCH"),
            ("NORAD_CAT_ID", "1234567890", "catalogue number is '1234567890', expected up to nine digits"),
            ("NORAD_CAT_ID", "-5", "catalogue number is '-5'"),
            ("NORAD_CAT_ID", "I0001", "catalogue number is 'I0001'"),
            ("EPHEMERIS_TYPE", "4", "ephemeris type 4: elements for SGP4-XP, expected SGP4"),
        ],
    )
    def test_out_of_range_are_said(self, field: str, value: str, words: str) -> None:
        message = error_of(changed(field, value))
        assert message.startswith("elements:2: ")
        assert words in message

    @pytest.mark.parametrize(
        ("text", "number"),
        [("5", 5), ("00005", 5), ("999999999", 999_999_999), ("T0001", 270_001), ("44714.0", 44714), ("", 0)],
    )
    def test_of_the_catalogue(self, text: str, number: int) -> None:
        assert parse(changed("NORAD_CAT_ID", text)).catalog_number.tolist() == [number]

    def test_of_launches_are_those_of_element_sets(self) -> None:
        for written, short in (("1998-067A", "98067A"), ("2021-125BK", "21125BK"), ("UNKNOWN", "UNKNOWN"), ("", "")):
            assert parse(changed("OBJECT_ID", written)).international_designator == (short,)

    def test_a_satellite_without_a_name_is_called_by_its_number(self) -> None:
        assert parse(changed("OBJECT_NAME", "")).name == ("44714",)

    def test_derivatives_that_sgp4_does_not_use_may_be_missing(self) -> None:
        assert parse(changed("MEAN_MOTION_DOT", "")).mean_motion_dot_rev_day2.tolist() == [0.0]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("MEAN_ELEMENT_THEORY", "SGP4-XP"),
        ("MEAN_ELEMENT_THEORY", "DSST"),
        ("REF_FRAME", "EME2000"),
        ("TIME_SYSTEM", "GPS"),
        ("CENTER_NAME", "MARS"),
    ],
)
def test_elements_that_are_not_for_sgp4_are_refused(keyword: str, value: str) -> None:
    lines = formats.KVN.split("\n")
    text = "\n".join(f"{keyword} = {value}" if line.startswith(keyword) else line for line in lines)
    assert error_of(text).startswith(f"elements:1: {keyword} is {value}, expected ")


class TestXml:
    def test_several_messages_with_prefix_and_user_defined_fields(self) -> None:
        text = formats.XML.replace("<", "<ndm:").replace("<ndm:/", "</ndm:").replace("<ndm:?xml", "<?xml")
        inner = text[text.index("<ndm:omm") : text.index("</ndm:ndm>")]
        second = inner.replace("44714", "44713").replace("STARLINK-1008", "STARLINK &amp; <![CDATA[<friends>]]> 1007")
        second = second.replace(
            "</ndm:data>", '<ndm:USER_DEFINED parameter="DECAY_DATE">2025-01-02</ndm:USER_DEFINED></ndm:data>'
        )
        parsed = parse_elements(text.replace(inner, inner + second).encode(), "two.xml")
        assert parsed.elements.name == ("STARLINK-1008", "STARLINK & <friends> 1007")
        assert parsed.elements.catalog_number.tolist() == [44714, 44713]
        (problem,) = parsed.problems
        assert (problem.kind, problem.text) == ("decayed", "STARLINK & <friends> 1007 decayed on 2025-01-02")

    def test_a_message_may_stand_alone(self) -> None:
        alone = formats.XML[formats.XML.index("<omm") : formats.XML.index("</ndm>")]
        formats.assert_equal(parse(alone), parse(formats.XML))

    def test_what_it_says_of_its_encoding_is_not_believed_twice(self) -> None:
        text = formats.XML.replace("UTF-8", "ISO-8859-1").replace("STARLINK-1008", "ÉTOILE")
        for encoding in ("utf-8", "latin-1"):
            assert parse_elements(text.encode(encoding), "x").elements.name == ("ÉTOILE",)
        wide = text.replace("ISO-8859-1", "UTF-16").encode("utf-16")
        assert parse_elements(wide, "x").elements.name == ("ÉTOILE",)

    def test_entities_are_refused(self) -> None:
        bomb = '<!DOCTYPE ndm [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ndm>&b;</ndm>'
        assert error_of(bomb) == (
            "elements:1: declares an entity, which no message needs (write the message without a document type)"
        )

    def test_broken_text_has_its_line(self) -> None:
        assert error_of(formats.XML.replace("</MEAN_ANOMALY>", "</MEAN>")).startswith(
            "elements:17: cannot be read as XML"
        )
        assert error_of(formats.XML[:-20]).startswith("elements:25: cannot be read as XML")
        assert "no elements" in error_of("<ndm></ndm>")

    def test_a_bad_message_has_the_line_of_its_segment(self) -> None:
        text = formats.XML.replace("<BSTAR>.20873E-4</BSTAR>", "")
        assert error_of(text).startswith("elements:5: no BSTAR")
        assert error_of(formats.XML.replace("<EPOCH>", "<EPOCH>2020-001T00:00:00</EPOCH><EPOCH>")).startswith(
            "elements:5: EPOCH is there twice"
        )


class TestKvn:
    def test_several_messages(self) -> None:
        second = formats.KVN.replace("44714", "44713")
        assert parse(formats.KVN + second).catalog_number.tolist() == [44714, 44713]

    def test_messages_without_a_version_begin_with_a_name(self) -> None:
        lines = [line for line in formats.KVN.split("\n") if not line.startswith(("CCSDS", "CREATION", "ORIGINATOR"))]
        text = "\n".join(lines)
        assert parse(text + text.replace("44714", "44713")).catalog_number.tolist() == [44714, 44713]

    def test_brackets_behind_a_name_are_part_of_it(self) -> None:
        text = formats.KVN.replace("STARLINK-1008", "42 = STARLINK [+]")
        assert parse(text).name == ("42 = STARLINK [+]",)

    def test_a_bad_line_has_its_number(self) -> None:
        text = formats.KVN.replace("TIME_SYSTEM = UTC", "TIME_SYSTEM UTC")
        assert error_of(text).startswith("elements:10: expected KEYWORD = value, got 'TIME_SYSTEM UTC'")
        again = formats.KVN.replace("CENTER_NAME = EARTH", "EPOCH = 2020-001T00:00:00")
        assert error_of(again).startswith("elements:1: EPOCH is there twice")

    def test_a_bad_message_can_be_skipped(self) -> None:
        bad = formats.KVN.replace("TIME_SYSTEM = UTC", "TIME_SYSTEM UTC")
        parsed = parse_elements((bad + formats.KVN.replace("44714", "7")).encode(), "x", skip_bad=True)
        assert parsed.elements.catalog_number.tolist() == [7]
        assert [problem.where for problem in parsed.problems] == ["x:10"]
        assert parsed.skipped == 1

    def test_a_message_with_several_bad_lines_is_one_bad_set(self) -> None:
        bad = formats.KVN.replace("TIME_SYSTEM = UTC", "TIME_SYSTEM UTC").replace("GM = 3", "GM 3")
        assert parse_elements((bad + formats.KVN).encode(), "x", skip_bad=True).skipped == 1


class TestJson:
    def test_one_object_need_not_be_in_a_list(self) -> None:
        formats.assert_equal(parse(formats.CELESTRAK_JSON.strip()[1:-1]), parse(formats.CELESTRAK_JSON))

    def test_keys_in_any_case(self) -> None:
        text = formats.CELESTRAK_JSON
        for field in (*formats.FIELDS, "EPOCH", "OBJECT_NAME", "NORAD_CAT_ID", "OBJECT_ID"):
            text = text.replace(f'"{field}"', f'"{field.lower()}"')
        formats.assert_equal(parse(text), parse(formats.CELESTRAK_JSON))

    def test_a_bad_object_has_its_line_and_its_place(self) -> None:
        one = formats.CELESTRAK_JSON.strip()[1:-1]
        text = f"[{one},\n\n{one.replace('0.0001579', 'NaN')}]"
        assert error_of(text).startswith("elements:21, object 2: ECCENTRICITY is 'nan', expected a number")
        assert error_of(f"[{one},17]").startswith("elements:19, object 2: 17 is not an object")
        assert error_of(f"[{one.replace('15.06403191', 'true')}]").startswith(
            "elements:1, object 1: MEAN_MOTION is 'True'"
        )
        twice = one.replace('"EPOCH"', '"BSTAR": 1, "EPOCH"')
        assert error_of(f"[{twice}]").startswith("elements:1, object 1: BSTAR is there twice")

    @pytest.mark.parametrize("cut", [1, 60, 300])
    def test_broken_text_has_its_line(self, cut: int) -> None:
        assert error_of(formats.CELESTRAK_JSON[:-cut].rstrip()[:-1]).startswith("elements:")

    @pytest.mark.parametrize("text", ["[" * 100_000, '{"EPOCH": ' + "1" * 5_000 + "}", "{", '[{"EPOCH": 1},]'])
    def test_absurd_text_is_an_error(self, text: str) -> None:
        assert "cannot be read as JSON" in error_of(text)

    def test_an_empty_list_has_no_elements(self) -> None:
        assert error_of("[]").startswith("elements: no elements")


class TestCsv:
    def test_columns_in_any_order_quoted_and_more_of_them(self) -> None:
        header, row = HEADER.lower().split(","), ROW.split(",")
        text = ",".join(f'"{value}"' for value in ["COMMENT", *header[::-1]])
        text += "\r\n\r\n" + ",".join(f'"{value}"' for value in ["a, b", *row[::-1]]) + "\r\n"
        formats.assert_equal(parse(text), parse(formats.CSV))

    def test_missing_columns_are_named(self) -> None:
        text = formats.CSV.replace("ECCENTRICITY", "E").replace("EPOCH", "TIME")
        assert error_of(text).startswith("elements:1: no column EPOCH, ECCENTRICITY (the first line names ")

    def test_only_a_header_has_no_elements(self) -> None:
        assert error_of(HEADER + "\n").startswith("elements: no elements (expected ")

    def test_too_few_and_too_many_fields_are_said(self) -> None:
        assert error_of(f"{HEADER}\n{ROW}\n{ROW[:40]}\n").startswith("elements:3: 3 fields, expected 17")
        assert error_of(f"{HEADER}\nA, {ROW}\n").startswith("elements:2: 18 fields, expected 17")

    def test_a_stray_quote_spoils_one_line_only(self) -> None:
        rows = [ROW.replace("44714", str(number)) for number in range(1, 6)]
        rows[1] = '"' + rows[1]
        parsed = parse_elements("\n".join([HEADER, *rows]).encode(), "x.csv", skip_bad=True)
        assert parsed.elements.catalog_number.tolist() == [1, 3, 4, 5]
        assert [problem.where for problem in parsed.problems] == ["x.csv:3"]

    def test_a_column_that_is_there_twice_is_said(self) -> None:
        assert "BSTAR is there twice" in error_of(f"{HEADER},BSTAR\n{ROW},0\n")

    def test_lines_count_blank_ones(self) -> None:
        assert error_of(f"{HEADER}\n\n\n{ROW}\n\n{ROW.replace('53.0559', '253')}\n").startswith("elements:6: ")


def test_names_and_errors_stay_on_one_line() -> None:
    broken = formats.CELESTRAK_JSON.replace("STARLINK-1008", "STAR\\n\\u2028 LINK")
    assert parse(broken).name == ("STAR  LINK",)
    assert parse(formats.XML.replace("STARLINK-1008", "STAR\nLINK")).name == ("STAR LINK",)
    assert "REF_FRAME is TE ME, expected TEME" in error_of(formats.XML.replace("TEME", "TE\n\nME"))


def test_decayed_objects_of_space_track_are_told() -> None:
    text = formats.SPACE_TRACK_JSON.replace('"DECAY_DATE":null', '"DECAY_DATE":"2025-03-01"')
    parsed = parse_elements(text.encode(), "gp.json")
    assert parsed.counts() == {"decayed": 1}
    assert parsed.problems[0].where == "gp.json:1, object 1"


def test_the_standards_own_example_is_deep_space() -> None:
    # GOES 9 of CCSDS 502.0-B-3, annex G.
    numbers = {
        "MEAN_MOTION": "1.00273272",
        "ECCENTRICITY": "0.0005013",
        "INCLINATION": "3.0539",
        "RA_OF_ASC_NODE": "81.7939",
        "ARG_OF_PERICENTER": "249.2363",
        "MEAN_ANOMALY": "150.1602",
        "BSTAR": "0.0001",
        "MEAN_MOTION_DOT": "-0.00000113",
        "MEAN_MOTION_DDOT": "0.0",
    }
    text = "CCSDS_OMM_VERS = 3.0\nOBJECT_NAME = GOES 9\nOBJECT_ID = 1995-025A\nNORAD_CAT_ID = 23581\n"
    text += "EPOCH = 2020-064T10:34:41.4264\n" + "".join(f"{key} = {value}\n" for key, value in numbers.items())
    parsed = parse_elements(text.encode(), "goes.kvn")
    assert parsed.elements.epoch[0] == np.datetime64("2020-03-04T10:34:41.4264", "ns")
    assert [problem.kind for problem in parsed.problems] == ["deep-space"]
    again = parse_elements(formats.to_xml(parsed.elements).encode(), "goes.xml")
    formats.assert_equal(again.elements, replace(parsed.elements))
