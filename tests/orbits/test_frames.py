"""Earth-fixed positions against skyfield, which turns TEME by the same sidereal time on its own."""

from __future__ import annotations

import numpy as np
from skyfield.api import EarthSatellite, load
from skyfield.framelib import itrs

from skyhaul.orbits import Constellation, gmst_rad, parse_elements
from tests.orbits.catalogue import TWO_SETS


def test_sidereal_time_of_the_textbook() -> None:
    # Vallado, Fundamentals of Astrodynamics, example 3-5: 1992-08-20 12:14 UT1 is 152.578787886°, worked out there
    # from a rounded century; with forty digits the same formula gives 152.57878785166°.
    angle = np.degrees(gmst_rad(np.array(["1992-08-20T12:14:00"], dtype="datetime64[ns]")))[0]
    assert abs(angle - 152.578787886) < 5e-8
    assert abs(angle - 152.57878785166) < 1e-10


def test_positions_and_velocities_agree_with_skyfield() -> None:
    lines = TWO_SETS.splitlines()
    timescale = load.timescale(builtin=True)
    satellite = EarthSatellite(lines[1], lines[2], ts=timescale)
    constellation = Constellation(parse_elements(TWO_SETS.encode(), "two").elements)
    for hours in (-30, 0, 7, 55):
        time = np.datetime64("2024-07-16T18:00:00", "ns") + np.timedelta64(hours, "h")
        moment = timescale.from_datetime(time.astype("datetime64[us]").item().replace(tzinfo=_utc()))
        position, velocity = satellite.at(moment).frame_xyz_and_velocity(itrs)
        sky = constellation.at(time)
        assert sky.velocity_m_s is not None
        # UT1 - UTC was -13 ms that summer: 0.5 m for each ms on the ground, more at the satellite's radius.
        assert np.linalg.norm(sky.position_m[:, 0] - position.m) < 10.0
        assert np.linalg.norm(sky.velocity_m_s[:, 0] - velocity.m_per_s) < 0.02


def _utc() -> object:
    from datetime import UTC

    return UTC


def test_velocity_is_the_derivative_of_position() -> None:
    constellation = Constellation(parse_elements(TWO_SETS.encode(), "two").elements)
    time = np.datetime64("2024-07-16T18:00:00", "ns")
    half = np.timedelta64(50, "ms")
    before, after = (constellation.at(time + shift, velocity=False).position_m for shift in (-half, half))
    velocity = constellation.at(time).velocity_m_s
    assert velocity is not None
    # The velocities of SGP4 leave out the slow terms: they are good to some cm/s (AIAA 2006-6753).
    assert np.abs((after - before) / 0.1 - velocity).max() < 0.05
