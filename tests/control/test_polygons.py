"""Polygons as people write them: holes, parts, the antimeridian, the poles, and what is wrong with the rest."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely

from skyhaul.control.facts import Layer, utc
from skyhaul.control.polygons import areas_of, read_geojson, read_kml, write_geojson
from skyhaul.errors import ControlError
from tests.control.worlds import START

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
HOLE = [[0.4, 0.4], [0.4, 0.6], [0.6, 0.6], [0.6, 0.4], [0.4, 0.4]]
# RFC 7946, 3.1.9: the polygon that crosses the antimeridian, uncut and cut.
UNCUT = [[170, 40], [190, 40], [190, 50], [170, 50], [170, 40]]
CUT = [
    [[[180, 40], [180, 50], [170, 50], [170, 40], [180, 40]]],
    [[[-170, 40], [-170, 50], [-180, 50], [-180, 40], [-170, 40]]],
]
NO_FEATURES = '{"type": "FeatureCollection", "features": []}'
AT_1 = "map.json, ring 0, position 1: no position"
ROUND_THE_POLE = [[0, 80], [90, 80], [180, 80], [-90, 80], [0, 80]]


def polygon(*rings: Any) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


def shape(text: str, **given: Any) -> Any:
    (outline,) = read_geojson(text, "map.json", **given)
    return outline.shape


def test_holes_are_outside() -> None:
    found = shape(polygon(SQUARE, HOLE))
    assert found.area == pytest.approx(0.96)
    assert not shapely.contains_xy(found, 0.5, 0.5)


def test_heights_are_dropped() -> None:
    assert shape(polygon([[*p, 100.0] for p in SQUARE])).equals(shape(polygon(SQUARE)))


def test_parts_that_share_an_edge_are_one_area() -> None:
    east = [[x + 1, y] for x, y in SQUARE]
    found = shape(json.dumps({"type": "MultiPolygon", "coordinates": [[SQUARE], [east]]}))
    assert found.is_valid
    assert found.area == 2.0


def test_an_area_across_the_antimeridian_is_cut() -> None:
    cut = shape(json.dumps({"type": "MultiPolygon", "coordinates": CUT}))
    assert shape(polygon(UNCUT)).equals(cut)
    assert shape(polygon([[x - 360 * (x > 180), y] for x, y in UNCUT]), short_way=True).equals(cut)


def test_a_hole_across_the_antimeridian_is_cut_too() -> None:
    found = shape(polygon(UNCUT, [[178, 42], [178, 48], [183, 48], [183, 42], [178, 42]]))
    assert found.area == pytest.approx(200 - 30)
    assert not shapely.contains_xy(found, [179, -179], 45).any()
    assert shapely.contains_xy(found, [177, -176], 45).all()


def test_a_ring_round_a_pole_holds_the_pole() -> None:
    north = shape(polygon(ROUND_THE_POLE), short_way=True)
    assert north.equals(shapely.box(-180, 80, 180, 90))
    south = shape(polygon([[x, -y] for x, y in ROUND_THE_POLE]), short_way=True)
    assert south.equals(shapely.box(-180, -90, 180, -80))
    ring = shape(polygon(ROUND_THE_POLE, [[x, y + 5] for x, y in ROUND_THE_POLE]), short_way=True)
    assert ring.equals(shapely.box(-180, 80, 180, 85))


def test_a_continent_at_the_pole_as_atlases_write_it() -> None:
    found = shape(polygon([[-180, -90], [180, -90], [180, -80], [0, -75], [-180, -80], [-180, -90]]))
    assert found.bounds == (-180, -90, 180, -75)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (polygon(SQUARE[:-1]), "map.json, outline: the ring is not closed (repeat the first position at the end)"),
        (polygon(SQUARE[:3]), "map.json, outline: a ring of 3 positions (at least four, the last the first)"),
        (
            polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]),
            "map.json: self-intersection near longitude, latitude 0.5, 0.5 "
            "(draw rings that touch at most in single points)",
        ),
        (
            polygon([[48.5, 137.5], [49, 137], [49, 138], [48.5, 137.5]]),
            "map.json, outline, position 0: latitude 137.5 is not on Earth "
            "(latitude and longitude are swapped: positions are longitude, latitude)",
        ),
        (
            polygon([[0, 0], [600, 0], [600, 1], [0, 0]]),
            "map.json, outline, position 1: longitude 600 is not on Earth (within ±540°)",
        ),
        (
            polygon([[170, 40], [-170, 40], [-170, 50], [170, 50], [170, 40]]),
            "map.json, outline, position 0: an edge of 340° of longitude could go either way round "
            "(cut the polygon at 180° (RFC 7946, 3.1.9), write longitudes on beyond 180°, or ask for the short way)",
        ),
        (
            polygon(SQUARE, [[x + 2, y] for x, y in HOLE]),
            "map.json: hole lies outside shell near longitude, latitude 2.4, 0.4 "
            "(draw rings that touch at most in single points)",
        ),
        (
            polygon(UNCUT, [[x + 20, y] for x, y in UNCUT]),
            "map.json, hole 1: lies outside its polygon (a hole is inside the outline)",
        ),
        (
            polygon([[0, 0], [1, 0], [2, 0], [0, 0]]),
            "map.json: self-intersection near longitude, latitude 1, 0 "
            "(draw rings that touch at most in single points)",
        ),
        (polygon([[0, 0], [1, "0"], [2, 0], [0, 0]]), f"{AT_1}: [1, '0'] ([lon, lat])"),
        (polygon([[0, 0], [1, True], [2, 0], [0, 0]]), f"{AT_1}: [1, True] ([lon, lat])"),
        (polygon(), "map.json: a polygon without rings (give lists of positions)"),
        (polygon(SQUARE[0]), "map.json, ring 0, position 0: no position: 0 ([lon, lat])"),
        ('{"type": "Polygon"}', "map.json: coordinates is no list (give coordinates)"),
        ('{"type": "Point"}', "map.json: “Point” where a polygon should be (give Polygon or MultiPolygon)"),
        ("null", "map.json: something without a type where a polygon should be (give Polygon or MultiPolygon)"),
        (NO_FEATURES, "map.json: holds no polygon (give Polygon or MultiPolygon features)",),
        ("{\n  broken", "map.json:2: no JSON: Expecting property name enclosed in double quotes (give GeoJSON)"),
        ('{"type": NaN}', "map.json:1: no JSON: NaN is no number in JSON (give GeoJSON)"),
        ("[" * 100_000, "map.json: nested too deep to be GeoJSON (give a FeatureCollection)"),
        (b"\xff\xfe\x00", "map.json: is not text (GeoJSON is UTF-8)"),
    ],
)  # fmt: skip
def test_what_is_no_polygon_is_refused_with_place_and_mend(text: str | bytes, message: str) -> None:
    with pytest.raises(ControlError) as caught:
        read_geojson(text, "map.json")
    assert str(caught.value) == message


def test_the_item_is_named_by_its_path() -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": json.loads(polygon(SQUARE))}
    broken = {"type": "Feature", "properties": {}, "geometry": json.loads(polygon(SQUARE[:-1]))}
    with pytest.raises(ControlError, match=r"map.json: features\[1\].geometry, outline: the ring is not closed"):
        read_geojson(json.dumps({"type": "FeatureCollection", "features": [feature, broken]}), "map.json")


def test_ten_megabytes_of_junk_are_refused() -> None:
    junk = np.random.default_rng(0).integers(0, 256, 10_000_000, dtype=np.uint8).tobytes()
    for read in (read_geojson, read_kml):
        with pytest.raises(ControlError, match=r"^junk"):
            read(junk, "junk")


def feature(**properties: Any) -> str:
    item = {"type": "Feature", "id": "N-1", "properties": properties, "geometry": json.loads(polygon(SQUARE, HOLE))}
    return json.dumps({"type": "FeatureCollection", "features": [item]})


def test_areas_come_back_as_they_were_written() -> None:
    text = feature(
        name="Northland", holder="Northland Office", source="atlas 3", valid_from="2024-02-01", valid_to="2024-03-01"
    )
    outlines = read_geojson(text, "map.json")
    areas = areas_of(outlines, layer=Layer.LICENCE, recorded_at=START, author="clerk")
    assert (areas[0].id, areas[0].name, areas[0].source) == ("N-1", "Northland", "atlas 3")
    assert areas[0].valid_to == utc("2024-03-01")
    back = areas_of(read_geojson(write_geojson(areas), "back"), layer=Layer.LICENCE, recorded_at=START, author="clerk")
    assert back[0].shape.equals(areas[0].shape)
    assert [(a.id, a.name, a.holder, a.source, a.valid_from, a.valid_to) for a in back] == [
        (a.id, a.name, a.holder, a.source, a.valid_from, a.valid_to) for a in areas
    ]


def test_an_area_says_since_when() -> None:
    with pytest.raises(ControlError, match=r"features\[0\].geometry: no valid_from"):
        areas_of(read_geojson(feature(name="x"), "f"), layer=Layer.ZONE, recorded_at=START, author="clerk")


def test_swapped_coordinates_in_range_are_found_by_the_expected_box() -> None:
    swapped = polygon([[49, 12], [50, 12], [50, 13], [49, 12]])
    with pytest.raises(ControlError, match="latitude and longitude are swapped"):
        areas_of(
            read_geojson(swapped, "f"),
            layer=Layer.ZONE,
            recorded_at=START,
            valid_from=START,
            author="clerk",
            near=(10, 46, 18, 50),
        )


KML = """<?xml version="1.0"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><Placemark>
  <name>East line</name>
  <TimeSpan><begin>2024-02-17</begin><end>2024-02-18</end></TimeSpan>
  <ExtendedData><Data name="holder"><value>Southland</value></Data></ExtendedData>
  <MultiGeometry>
    <Polygon><outerBoundaryIs><LinearRing><coordinates>
      0,0,5 1,0,5 1,1,5 0,1,5 0,0,5</coordinates></LinearRing></outerBoundaryIs>
      <innerBoundaryIs><LinearRing><coordinates>
      .4,.4 .4,.6 .6,.6 .6,.4 .4,.4</coordinates></LinearRing></innerBoundaryIs>
    </Polygon>
    <Polygon><outerBoundaryIs><LinearRing><coordinates>
      3,0 4,0 4,1 3,0</coordinates></LinearRing></outerBoundaryIs></Polygon>
  </MultiGeometry>
</Placemark><Placemark><name>a point</name><Point><coordinates>1,1</coordinates></Point></Placemark>
</Folder></Document></kml>
"""


def test_kml_gives_the_same_as_geojson() -> None:
    (outline,) = read_kml(KML, "map.kml")
    assert outline.properties == {
        "name": "East line",
        "holder": "Southland",
        "valid_from": "2024-02-17",
        "valid_to": "2024-02-18",
    }
    assert outline.shape.area == pytest.approx(0.96 + 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            KML.replace("1,1,5", "1;1"),
            "map.kml: placemark 0 “East line”, outerBoundaryIs, position 2: no position: 1;1",
        ),
        (KML.replace("0,1,5 0,0,5", "0,1,5"), "map.kml: placemark 0 “East line”, outline: the ring is not closed"),
        (KML.replace("<Polygon>", "<Line>").replace("</Polygon>", "</Line>"), "map.kml: holds no polygon"),
        (KML.replace("</kml>", ""), "map.kml:17: no KML: no element found"),
        ('<!DOCTYPE kml [<!ENTITY a "b">]><kml>&a;</kml>', "map.kml: declares document types or entities"),
    ],
)
def test_what_is_no_kml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ControlError) as caught:
        read_kml(text, "map.kml")
    assert str(caught.value).startswith(message)
