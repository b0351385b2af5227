"""Terminals that move: great circles at constant speed, and ellipses that hold the whole way of a slot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.polygons._ellipse import ellipse_shape
from skyhaul.earth import Sites, great_circle_m
from skyhaul.network import Terminals
from skyhaul.scenario import Scenario, TerminalTable
from skyhaul.sources import preset_ground
from skyhaul.system import Motion, Places, System, Track
from skyhaul.types import Floats

START = np.datetime64("2024-02-17T12:00:12", "ns")
SLOT = np.timedelta64(15, "s")
GROUND = preset_ground("cities")


def later(seconds: float) -> np.datetime64:
    return START + np.timedelta64(round(seconds * 1e3), "ms")


def track(*points: tuple[Any, ...]) -> Track:
    return Track.of(TerminalTable.model_validate({"name": "x", "track": points}), START)


def motion(*tracks: Track, uncertainty_m: float = 0.0, standing: int = 1) -> Motion:
    """Some that stand in Perth, then those on tracks."""
    count = standing + len(tracks)
    sites = Sites.at(np.full(count, -31.95), np.full(count, 115.86))
    terminals = Terminals.at(sites, GROUND.nearest_pop(sites))
    return Motion(terminals, GROUND, {standing + k: one for k, one in enumerate(tracks)}, uncertainty_m)


def test_between_waypoints_it_follows_the_great_circle_at_constant_speed() -> None:
    one = track(("+0s", 40.64, -73.78, 0.0), ("+6h", 51.47, -0.45, 12_000.0))
    times = later(0) + np.arange(0, 7) * np.timedelta64(1, "h")
    latitude, longitude, height = one.at(times)
    # The highest latitude of the great circle from New York to London is far north of both.
    assert latitude[3] > 52.0
    steps = great_circle_m(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    np.testing.assert_allclose(height, np.arange(7) * 2_000.0)
    assert one.top_speed_m_s(later(60), later(75)) == pytest.approx(steps[0] / 3600.0)


def test_before_and_after_its_track_it_stands() -> None:
    one = track(("+1m", 48.0, 12.0), ("+2m", 48.01, 12.0))
    latitude, _, _ = one.at(np.array([later(0), later(60), later(120), later(500)]))
    np.testing.assert_allclose(latitude, [48.0, 48.0, 48.01, 48.01])
    assert one.top_speed_m_s(later(15), later(30)) == 0.0
    assert one.top_speed_m_s(later(120), later(135)) == 0.0
    assert one.top_speed_m_s(later(105), later(120)) > 18.0
    alone = track(("+1m", 48.0, 12.0))
    assert alone.at(np.array([later(0), later(90)]))[0].tolist() == pytest.approx([48.0, 48.0])


def test_a_track_crosses_the_antimeridian_the_short_way() -> None:
    latitude, longitude, _ = track(("+0s", 10.0, 179.9), ("+10m", 10.0, -179.9)).at(np.array([later(150), later(450)]))
    assert longitude == pytest.approx([179.95, -179.95])
    assert latitude == pytest.approx([10.0, 10.0], abs=1e-4)


def covered(places: Places, row: int, latitude: Floats, longitude: Floats, radius_m: float) -> bool:
    """Whether discs of a radius around places lie in the ellipse of a row, as decisions draw it."""
    ellipse = places.positions
    shape = ellipse_shape(
        float(ellipse.latitude_deg[row]),
        float(ellipse.longitude_deg[row]),
        float(ellipse.semi_major_m[row]),
        float(ellipse.semi_minor_m[row]),
        float(ellipse.azimuth_deg[row]),
    )
    turn = np.linspace(0.0, 2.0 * np.pi, 37)[:, None]
    # A degree at 48° north on WGS-84: 111,200 m along the meridian, and 74,629 m along the parallel.
    north, east = radius_m * np.cos(turn) / 111_200.0, radius_m * np.sin(turn) / 74_629.0
    return bool(shapely.contains_xy(shape, longitude + east, latitude + north).all())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(4, 40), st.floats(-0.01, 0.01), st.floats(-0.015, 0.015)), min_size=1, max_size=5),
    st.sampled_from((1.0, 60.0, 800.0)),
    st.integers(0, 4),
)
def test_the_ellipse_of_a_slot_holds_the_whole_way_and_its_uncertainty(
    legs: list[tuple[int, float, float]], uncertainty_m: float, slot: int
) -> None:
    points, second, north, east = [("+0s", 48.0, 12.0)], 0, 48.0, 12.0
    for lasts, up, right in legs:
        second, north, east = second + lasts, north + up, east + right
        points.append((f"+{second}s", north, east))
    one = track(*points)
    places = motion(one, uncertainty_m=uncertainty_m).during(later(15 * slot), later(15 * slot + 15))
    latitude, longitude, _ = one.at(later(15 * slot) + np.arange(0, 15_001, 100) * np.timedelta64(1, "ms"))
    assert covered(places, 1, latitude, longitude, uncertainty_m)
    reach = great_circle_m(latitude[75], longitude[75], latitude, longitude).max()
    assert places.positions.semi_major_m[1] <= 1.006 * reach + uncertainty_m + 10.1
    steps = great_circle_m(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:]) / 0.1
    assert places.speed_m_s[1] >= steps.max() - 1e-6


def test_on_a_straight_way_the_ellipse_is_narrow() -> None:
    one = track(("+0s", 48.0, 12.0), ("+1h", 48.0, 20.0))  # 166 m/s
    positions = motion(one, uncertainty_m=60.0).during(later(900), later(915)).positions
    assert positions.semi_major_m[1] == pytest.approx(166.0 * 7.5 + 60.0, rel=0.01)
    assert 60.0 < positions.semi_minor_m[1] < 300.0
    assert positions.azimuth_deg[1] == pytest.approx(90.0, abs=3.0)


def test_places_follow_with_cell_and_nearest_pop_and_the_others_stay() -> None:
    one = track(("+0s", 50.0, 9.0), ("+12h", 40.0, -4.0))
    moving = motion(one, uncertainty_m=60.0)
    first, last = moving.during(later(0), later(15)), moving.during(later(43_200), later(43_215))
    for places in (first, last):
        assert places.terminals.sites.latitude_deg[0] == -31.95
        assert places.speed_m_s[0] == 0.0
        assert places.positions.semi_major_m[0] == 60.0
        assert places.positions.measured_at is not None
        assert len(set(places.positions.measured_at.tolist())) == 1
    names = [GROUND.pops.name[int(places.terminals.pop[1])] for places in (first, last)]
    assert names == ["Frankfurt", "Madrid"]
    assert first.cell[1] != last.cell[1]
    moved = last.terminals.sites
    assert np.allclose(moved.position_m[1], Sites.at([40.0], [-4.0]).position_m[0], atol=1e-3)


def test_what_stands_is_the_same_in_every_slot() -> None:
    still = motion(standing=3)
    assert not still.moves
    assert still.during(later(0), later(15)).terminals is still.during(later(900), later(915)).terminals


GPX = """<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="48.0" lon="12.0"><ele>500</ele><time>2024-02-17T12:00:12Z</time></trkpt>
<trkpt lat="48.2" lon="12.0"><ele>500</ele><time>2024-02-17T12:10:12Z</time></trkpt>
</trkseg></trk></gpx>"""
GEOJSON = """{"type": "Feature", "properties": {"coordTimes": ["2024-02-17T12:00:12Z", "2024-02-17T12:10:12Z"]},
"geometry": {"type": "LineString", "coordinates": [[12.0, 48.0, 500], [12.0, 48.2, 500]]}}"""


def test_tracks_of_files_and_waypoints_are_the_same_and_count_in_the_hash(tmp_path: Path) -> None:
    (tmp_path / "way.gpx").write_text(GPX)
    (tmp_path / "way.geojson").write_text(GEOJSON)
    inline = [["2024-02-17T12:00:12Z", 48.0, 12.0, 500], ["2024-02-17T12:10:12Z", 48.2, 12.0, 500]]
    made = [
        Scenario.model_validate(
            {"name": "x", "terminals": [{"name": "van", "track": way}]}, context={"folder": tmp_path}
        )
        for way in ("way.gpx", "way.geojson", inline)
    ]
    assert len({scenario.sha256() for scenario in made}) == 1
    assert made[0].terminals[0].latitude_deg == 48.0
    moved = {"name": "x", "terminals": [{"name": "van", "track": [inline[0], [*inline[1][:3], 501]]}]}
    assert Scenario.model_validate(moved).sha256() != made[0].sha256()


def test_a_run_follows_a_terminal_and_a_stop_in_the_middle_gives_the_same() -> None:
    scenario = Scenario.model_validate(
        {
            "name": "flight",
            "constellation": {"walker": ["D:550:53.0:1584/72/39"]},
            "terminals": [
                {"name": "plane", "height_m": 10_000, "track": [["+0s", 50.0, 4.0], ["+20m", 50.0, 8.0]]},
                {"name": "louvain", "latitude_deg": 50.67, "longitude_deg": 4.61},
            ],
        }
    )
    system = System.from_scenario(scenario)
    done = list(system.run(START, np.timedelta64(600, "s"), np.timedelta64(5, "s")))
    cells = [int(run.places.cell[0]) for run in done]
    assert len(set(cells)) > 5
    for run in done[::7]:
        assert run.plan.cell[run.plan.terminal_cell[0]] == run.places.cell[0]
        satellite = run.paths.satellite[0]
        if satellite >= 0:
            place = system.world.constellation.at(run.paths.time, satellites=np.array([satellite], dtype=np.int32))
            sites = run.places.terminals.sites
            away = np.linalg.norm(place.position_m[:, :, 0] - sites.position_m[0], axis=1)
            np.testing.assert_allclose(run.paths.slant_range_m[:, 0], away, atol=1e-3)
    assert done[8].places.speed_m_s.tolist() == pytest.approx([238.0, 0.0], abs=3.0)
    # The one that stands has the neighbour's beams to fear, and nothing else.
    assert all(run.places.cell[1] == done[0].places.cell[1] for run in done)
