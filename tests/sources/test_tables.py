"""Rows and polygons of files, one by one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from skyhaul.errors import ControlError
from skyhaul.sources import date_of, map_files, read_outlines, read_table


def test_a_table_says_where_each_row_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,note\nA,"two\nlines"\n\nB\nC, x \n', encoding="utf-8-sig")
    table = read_table(path, ("name",))
    assert not table.typed
    assert [(row.number, row.values) for row in table.rows if row.error is None] == [
        (2, {"name": "A", "note": "two\nlines"}),
        (6, {"name": "C", "note": "x"}),
    ]
    (bad,) = (row for row in table.rows if row.error is not None)
    assert bad.number == 5
    assert str(bad.error) == "1 cells for 2 columns (a cell for every column)"


@pytest.mark.parametrize(
    ("name", "text", "numbers"),
    [
        ("a.json", '[{"x": 1}, 2, {"x": 3}]', [1, 3]),
        ("a.json", '{"facts": [{"x": 1}]}', [1]),
        ("a.json", '{"x": 1}', [1]),
        ("a.jsonl", '{"x": 1}\n\n{"x": \n{"x": 3}\n', [1, 4]),
    ],
)
def test_json_rows_that_are_objects_are_read(name: str, text: str, numbers: list[int], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name)
    assert table.typed
    assert [row.number for row in table.rows if row.error is None] == numbers


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "a,b\n", "no column name, but “a, b”"),
        ("a.csv", "name,name\n", "column “name” is there twice"),
        ("a.csv", '"name', "no CSV: unexpected end of data"),
        ("a.json", "[", "no JSON"),
        ("a.json", "[NaN]", "NaN is no number in JSON"),
        ("a.json", "3", "holds no list"),
        ("a.jsonl", "{", "a.jsonl:1: no JSON"),
        ("a.txt", "", "a file that ends in “.txt”"),
    ],
)
def test_what_is_no_table_is_refused(name: str, text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ControlError) as caught:
        read_table(tmp_path / name, ("name",))
    assert why in str(caught.value)
    assert caught.value.mend


def test_one_bad_polygon_does_not_hide_the_others(tmp_path: Path) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    shapes = [
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": [ring[:3]]},
        {"type": "MultiPolygon", "coordinates": [[ring], [[[5, 5], [6, 5], [6, 6], [5, 5]]]]},
    ]
    features = [{"type": "Feature", "properties": {"name": str(i)}, "geometry": s} for i, s in enumerate(shapes)]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    drawn = read_outlines(path)
    assert [(d.number, isinstance(d.found, ControlError)) for d in drawn] == [
        (1, False),
        (2, True),
        (3, True),
        (4, False),
    ]
    errors = [str(d.found) for d in drawn if isinstance(d.found, ControlError)]
    assert "feature 2" in errors[0]
    assert "“Point” where a polygon should be" in errors[0]
    assert "a ring of 3 positions" in errors[1]
    assert [d.found.properties["name"] for d in drawn if not isinstance(d.found, ControlError)] == ["0", "3"]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("control-2024-02-17.geojson", date(2024, 2, 17)),
        ("20240217.kml", date(2024, 2, 17)),
        ("map_2024_02_29_final.json", date(2024, 2, 29)),
        ("v120240217.json", None),
        ("2023-02-29.json", None),
        ("map.json", None),
    ],
)
def test_the_date_of_a_map_stands_in_its_name(name: str, day: date | None) -> None:
    assert date_of(Path(name)) == day


def test_maps_of_a_folder_come_by_name(tmp_path: Path) -> None:
    for name in ("b.kml", "a.geojson", "readme.md"):
        (tmp_path / name).write_text("")
    assert [path.name for path in map_files(tmp_path)] == ["a.geojson", "b.kml"]
