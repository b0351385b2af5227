"""Service control over HTTP: what is drawn and what changed, what is proved, who is told what."""

from __future__ import annotations

import json

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.control.log import VerifierKey, verify_proof
from skyhaul.server._control_territory import area_km2, changed_ground
from tests.server.running import Running

A_M, E2 = 6378137.0, 0.00669437999014  # WGS 84


def _box_km2(west: float, south: float, east: float, north: float) -> float:
    """Area of a box of meridians and parallels: the product of the radii of curvature, summed over latitude."""
    edges = np.radians(np.linspace(south, north, 20_001))
    middle = (edges[1:] + edges[:-1]) / 2
    w2 = 1.0 - E2 * np.sin(middle) ** 2
    strip = A_M**2 * (1.0 - E2) / w2**2 * np.cos(middle) * np.diff(edges)
    return float(strip.sum() * np.radians(east - west) / 1e6)


boxes = st.tuples(st.floats(-179, 170), st.floats(-89, 80), st.floats(0.01, 9), st.floats(0.01, 9)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes)
def test_areas_are_those_of_the_ellipsoid(box: tuple[float, float, float, float]) -> None:
    assert area_km2(shapely.box(*box)) == pytest.approx(_box_km2(*box), rel=1e-6)


def test_the_whole_earth() -> None:
    assert area_km2(shapely.box(-180, -90, 180, 90)) == pytest.approx(510_065_621.7, abs=1)  # WGS 84


holders = st.dictionaries(st.sampled_from("ABC"), boxes.map(lambda b: shapely.box(*b)), max_size=3)


@given(holders, holders)
def test_what_changed_is_all_that_changed_and_nothing_else(
    before: dict[str, shapely.Polygon], after: dict[str, shapely.Polygon]
) -> None:
    """Any place is in a part exactly where its holders differ, and the part names them."""
    parts = changed_ground(before, after)
    for shape, had, have in parts:
        assert had != have
        at = shape.representative_point()
        assert had == tuple(sorted(name for name, ground in before.items() if ground.covers(at)))
        assert have == tuple(sorted(name for name, ground in after.items() if ground.covers(at)))
    moved = shapely.union_all(
        [
            shapely.symmetric_difference(before.get(name, shapely.Polygon()), after.get(name, shapely.Polygon()))
            for name in before.keys() | after.keys()
        ]
    )
    assert sum(area_km2(shape) for shape, _, _ in parts) == pytest.approx(area_km2(moved), rel=1e-6, abs=1e-2)


def test_territory_at_an_instant_and_what_changed(server: Running) -> None:
    dates = [item["time"] for item in server.get("/territories/dates", layer="control").json()["items"]]
    assert dates == ["2024-01-01T00:00:00Z", "2025-03-01T00:00:00Z", "2025-09-01T00:00:00Z"]
    drawn = server.get("/territories", layer="control", time=dates[1]).json()["features"]
    assert sorted(f["properties"]["holder"] for f in drawn) == ["Northland", "Southland"]
    assert all(f["properties"]["source"] for f in drawn)
    north, south = (
        next(shapely.geometry.shape(f["geometry"]) for f in drawn if f["properties"]["holder"] == name)
        for name in ("Northland", "Southland")
    )
    first = {
        f["properties"]["holder"]: shapely.geometry.shape(f["geometry"])
        for f in server.get("/territories", layer="control", time=dates[0]).json()["features"]
    }
    lost = area_km2(first["Northland"].difference(north))
    parts = server.get("/territories/difference", layer="control", from_=dates[0], to=dates[1]).json()["features"]
    assert [(p["properties"]["before"], p["properties"]["after"]) for p in parts] == [(["Northland"], ["Southland"])]
    assert parts[0]["properties"]["area_km2"] == pytest.approx(lost, rel=1e-6)
    assert shapely.geometry.shape(parts[0]["geometry"]).within(south.buffer(1e-9))
    same = server.get("/territories/difference", layer="control", from_=dates[1], to=dates[1]).json()
    assert same["features"] == []


def test_terminals_told_of_are_those_in_cells_that_changed_ground_touches(server: Running) -> None:
    parts = server.get("/territories/difference", layer="control", from_="2025-06-01", to="2025-12-01").json()
    (part,) = parts["features"]
    ground = shapely.geometry.shape(part["geometry"])
    there = []
    for terminal in server.get("/terminals", limit=1000).json()["items"]:
        corners = h3.cell_to_boundary(terminal["cell"])  # latitude, longitude
        if shapely.Polygon([(longitude, latitude) for latitude, longitude in corners]).intersects(ground):
            there.append(terminal["name"])
    assert "mill" in there
    assert sorted(part["properties"]["terminals"]) == sorted(there)
    assert part["properties"]["terminal_count"] == len(there)


def test_as_known_before_it_was_recorded_there_is_nothing(server: Running) -> None:
    assert server.get("/territories", layer="control", as_known="2023-12-31").json()["features"] == []
    assert server.get("/territories/dates", as_known="2023-12-31").json()["items"] == []


def test_every_entry_is_proved_without_the_server(server: Running) -> None:
    told = server.get("/log").json()
    key = VerifierKey.parse(told["key"])
    for number in (0, told["size"] // 2, told["size"] - 1):
        body = server.get(f"/log/entries/{number}").json()["body"].encode()
        proof = server.get(f"/log/entries/{number}/proof")
        assert proof.headers["content-disposition"].endswith(f'"entry-{number}.tlog-proof"')
        assert verify_proof(proof.content, key, body).checkpoint.size >= told["size"]
    assert server.get(f"/log/entries/{10**9}").status_code == 404
    assert server.get(f"/log/entries/{10**9}/proof").status_code == 404


def test_entries_come_in_pages(server: Running) -> None:
    size = server.get("/log").json()["size"]
    numbers: list[int] = []
    following: str | None = "0"
    while following is not None:
        page = server.get("/log/entries", from_=int(following), limit=70).json()
        numbers += [entry["number"] for entry in page["items"]]
        following = page["next"]
    assert numbers[:size] == list(range(size))


def test_what_opens_commitments_is_for_those_who_may_read(server: Running) -> None:
    number = server.get("/log/find", terminal="mill").json()["number"]
    assert server.get(f"/log/entries/{number}").json()["openings"] == {}
    assert server.get(f"/log/entries/{number}", "Tom").json()["openings"] == {}  # a distributor
    for person in ("Ari", "Nora", "Olga"):  # an auditor, an authority, the operator
        opened = server.get(f"/log/entries/{number}", person).json()["openings"]
        assert json.loads(opened["document"]["value"])["terminal"] == "mill"


def test_holders_and_evidence_are_for_those_who_may_read(server: Running) -> None:
    def kiosk(person: str) -> dict[str, str]:
        found = server.get("/allow-lists/port list/applications", person).json()["items"]
        entry: dict[str, str] = next(item for item in found if item["terminal"] == "kiosk")
        return entry

    for person in ("", "Tom"):
        assert {kiosk(person)[field] for field in ("holder", "evidence", "kit_number")} == {"not shown"}
    assert kiosk("Ari")["holder"] == "Bo"


def test_a_place_without_a_terminal_tells_of_its_ground(server: Running) -> None:
    told = server.get("/check", latitude_deg=38.95, longitude_deg=-39.1).json()
    assert told["decision"] is None
    assert {"claim", "control", "licence", "zone", "permission"} <= {item["layer"] for item in told["ground"]}
    assert server.get("/check", latitude_deg=1.0).status_code == 422
    assert server.get("/check").status_code == 422


def test_a_check_is_the_decision_of_the_command(server: Running) -> None:
    """Asked about where it is, a terminal is decided about as its own page says."""
    for name in ("mill", "harbour", "kiosk"):
        checked = server.get("/check", terminal=name).json()["decision"]
        own = server.get(f"/terminals/{name}/decision").json()["decision"]
        assert (checked["outcome"], checked["code"]) == (own["outcome"], own["code"])
        assert [r["rule"] for r in checked["reasons"]] == [r["rule"] for r in own["reasons"]]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/territories", {"time": "yesterday"}),
        ("/territories", {"layer": "truth"}),
        ("/territories/difference", {"layer": "control", "from_": "2024-01-01", "to": "soon"}),
        ("/orders", {"as_known": "9999-01-01"}),
        ("/licences", {"time": "1066-10-14"}),
        ("/check", {"terminal": "mill", "time": "-"}),
    ],
)
def test_what_cannot_be_asked_is_told(server: Running, path: str, query: dict[str, str]) -> None:
    answer = server.get(path, **query)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert answer.json()["mend"]
