"""Facts from files: folders, lists, lines, shapes that lie beside them; and files that hold none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import shapely

from skyhaul.control.facts import Area, Party, fact_document, utc
from skyhaul.errors import ControlError
from skyhaul.sources import read_facts
from tests.control.worlds import world

COMMON = {"valid_from": "2024-01-01", "recorded_at": "2024-01-01", "source": "gazette", "author": "clerk"}
SQUARE = {"type": "Polygon", "coordinates": [[[10, 48], [14, 48], [14, 50], [10, 50], [10, 48]]]}


def party(name: str, **given: Any) -> dict[str, Any]:
    return {"kind": "Party", "id": f"party-{name}", "party": name} | COMMON | given


def area(shape: Any, id_: str = "z") -> dict[str, Any]:
    return {"kind": "Area", "id": id_, "layer": "zone", "name": "Z", "shape": shape} | COMMON


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def features(*names: str, by: str = "name") -> dict[str, Any]:
    made = [{"type": "Feature", "properties": {by: name}, "geometry": SQUARE} for name in names]
    return {"type": "FeatureCollection", "features": made}


def test_a_whole_world_comes_back_from_a_file(tmp_path: Path) -> None:
    documents = [fact_document(fact) for fact in world()]
    assert read_facts(written(tmp_path / "list.json", documents)) == world()
    assert read_facts(written(tmp_path / "object.json", {"facts": documents})) == world()
    lines = "\n\n".join(json.dumps(document) for document in documents)
    assert read_facts(written(tmp_path / "lines.jsonl", lines)) == world()


def test_a_folder_is_read_in_the_order_of_names_and_other_files_are_left(tmp_path: Path) -> None:
    written(tmp_path / "b.json", [party("B")])
    written(tmp_path / "a" / "deep.jsonl", json.dumps(party("A")))
    written(tmp_path / "c.JSONL.bak", "junk")
    written(tmp_path / "zones.geojson", features("Z"))
    assert [fact.key for fact in read_facts(tmp_path)] == ["A", "B"]


def test_a_recorded_time_is_for_facts_that_say_none(tmp_path: Path) -> None:
    silent = party("A")
    del silent["recorded_at"]
    path = written(tmp_path / "f.json", [silent, party("B")])
    assert [fact.recorded_at for fact in read_facts(path, recorded_at="2025-01-01")] == [
        utc("2025-01-01"),
        utc("2024-01-01"),
    ]


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_shape_may_lie_beside_its_facts(tmp_path: Path, by: str) -> None:
    written(tmp_path / "areas" / "zones.geojson", features("East line", "West line", by=by))
    path = written(tmp_path / "f.json", [area("areas/zones.geojson#East line")])
    (fact,) = read_facts(path)
    assert isinstance(fact, Area)
    assert fact.shape.equals(shapely.box(10, 48, 14, 50))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([party("A")]).encode())
    assert isinstance(read_facts(path)[0], Party)


BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
SWAPPED = {"type": "Polygon", "coordinates": [[[48, 110], [48, 114], [50, 114], [48, 110]]]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "f.json:1: no JSON"),
        ("{", "f.json:1: no JSON"),
        ("[1, 2,\n}", "f.json:2: no JSON"),
        ("7", "f.json: is no list of facts (give a list of facts"),
        ({"fact": []}, "f.json: holds “fact” (give a list of facts"),
        ({}, "f.json: holds no facts"),
        ([party("A"), party("B", source=7)], "f.json, fact 2: Party party-B, source: 7 is no text"),
        ([party("A", source="")], "f.json, fact 1: Party party-A: empty source (say its source)"),
        ([{"kind": "Prty"}], "f.json, fact 1: no kind of fact is named “Prty” (did you mean Party?)"),
        ("[NaN]", "no JSON: NaN is no number in JSON"),
        ("[" * 100_000, "is nested too deep"),
        ("[" + "9" * 10_000 + "]", "f.json: no JSON: Exceeds the limit"),
        ([area(BOW)], "f.json, fact 1, shape: self-intersection near longitude, latitude 0.5, 0.5"),
        ([area(SWAPPED)], "latitude and longitude are swapped: positions are longitude, latitude"),
        ([area({"type": "Polygon", "coordinates": [[[0, 0]]]})], "fact 1, shape, outline: a ring of 1 positions"),
        ([area("zones.geojson")], "f.json, fact 1, shape: “zones.geojson” names no feature (write areas.geojson#NAME"),
        ([area("away.geojson#Z")], "fact 1, shape: cannot read away.geojson: No such file"),
        ([area("zones.geojson#Y")], "fact 1, shape: zones.geojson has no feature “Y” (there are twice, x)"),
        ([area("zones.geojson#twice")], "fact 1, shape: 2 features of zones.geojson are named “twice”"),
    ],
)
def test_what_holds_no_facts_is_refused_with_file_item_and_mend(tmp_path: Path, content: Any, message: str) -> None:
    written(tmp_path / "zones.geojson", features("twice", "twice", "x"))
    with pytest.raises(ControlError) as caught:
        read_facts(written(tmp_path / "f.json", content))
    assert message in str(caught.value), str(caught.value)
    assert str(tmp_path / "f.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", json.dumps(party("A")) + "\n\n{]\n")
    with pytest.raises(ControlError, match=r"f\.jsonl:3: no JSON"):
        read_facts(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="cannot read: No such file"):
        read_facts(tmp_path / "away.json")
    with pytest.raises(ControlError, match="the folder holds no facts"):
        read_facts(tmp_path)


@pytest.mark.parametrize("name", ["junk.json", "junk.jsonl"])
def test_ten_megabytes_of_junk_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    draw = random.Random(7)
    path = tmp_path / name
    for junk in (draw.randbytes(10_000_000), b"[" * 10_000_000, b'{"facts":[' + b"{}," * 3_333_333, b"\0" * 10_000_000):
        path.write_bytes(junk)
        with pytest.raises(ControlError) as caught:
            read_facts(path)
        assert str(caught.value).startswith(str(path))
        assert len(str(caught.value)) < len(str(path)) + 200
