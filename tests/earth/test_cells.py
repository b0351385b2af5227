from __future__ import annotations

import numpy as np
import pytest

from skyhaul.earth import cell_boundary, cell_centres, cells_of, great_circle_m
from skyhaul.errors import InputError


def test_the_example_of_the_h3_documentation() -> None:
    # h3geo.org, "Quickstart": latLngToCell(37.3615593, -122.0553238, 7) is 87283472bffffff.
    assert cells_of(37.3615593, -122.0553238, 7) == 0x87283472BFFFFFF


def test_places_keep_their_shape_and_broadcast() -> None:
    cells = cells_of(np.array([[50.0], [0.0]]), np.array([4.0, 180.0, -180.0]))
    assert cells.shape == (2, 3)
    assert cells.dtype == np.uint64
    assert (cells[:, 1] == cells[:, 2]).all()
    assert cells[0, 0] == cells_of(50.0, 4.0)


def test_a_place_is_near_the_centre_of_its_cell_and_the_centre_is_in_it() -> None:
    rng = np.random.default_rng(3)
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 2000))), rng.uniform(-180, 180, 2000)
    cells = cells_of(latitude, longitude)
    centre = cell_centres(cells)
    # The longest edge of a resolution-5 cell is about 11.7 km, and a corner is an edge's length from the centre.
    assert great_circle_m(latitude, longitude, *centre).max() < 12_000
    np.testing.assert_array_equal(cells_of(*centre), cells)


def test_the_boundary_surrounds_the_centre() -> None:
    cell = int(cells_of(50.67, 4.61))
    latitude, longitude = cell_boundary(cell)
    assert latitude.shape == longitude.shape == (6,)
    distance = great_circle_m(latitude, longitude, *cell_centres(cell))
    assert 7_000 < distance.min() < distance.max() < 12_000
    turn = np.diff(np.append(longitude, longitude[0])) * (np.append(latitude, latitude[0])[:-1] - latitude.mean())
    assert turn.sum() < 0  # anticlockwise: west along the north side


@pytest.mark.parametrize(("latitude", "longitude"), [(95.0, 0.0), (np.nan, 0.0), (0.0, np.inf)])
def test_a_place_that_is_not_on_earth_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(InputError, match="place 1: no place on Earth: latitude"):
        cells_of([0.0, latitude], [0.0, longitude])


def test_a_number_that_is_no_cell_is_refused() -> None:
    with pytest.raises(InputError, match="5 is no H3 cell"):
        cell_centres(np.array([5], dtype=np.uint64))
    with pytest.raises(InputError, match="0 is no H3 cell"):
        cell_boundary(0)
