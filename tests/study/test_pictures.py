"""Pictures: every kind is drawn, says what it shows, and is the same file for the same dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from skyhaul.earth import Sites
from skyhaul.errors import NotFoundError, OutputError
from skyhaul.network import Reason
from skyhaul.study import PICTURES, draw, open_dataset, plot_map, plot_sky, save
from skyhaul.study._plot_map import satellites_above
from tests.study.runs import write


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[xr.Dataset]:
    with open_dataset(write(tmp_path_factory.mktemp("run") / "run.nc", slots=12, unserved=(0,))) as opened:
        yield opened.load()


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_says_what_when_and_of_which_elements(dataset: xr.Dataset, kind: str) -> None:
    said = words(PICTURES[kind](dataset, ()))
    for fact in ("made up", "2024-02-17 12:00:12", "UTC", "none"):
        assert fact in said


@pytest.mark.parametrize("kind", PICTURES)
def test_one_terminal_can_be_asked_for(dataset: xr.Dataset, kind: str) -> None:
    said = words(PICTURES[kind](dataset, ("town 2",)))
    assert "town 2" in said
    assert "town 1" not in said


def test_all_are_written_and_the_same_again(dataset: xr.Dataset, tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in draw(dataset, tmp_path / "a")}
    again = {path.name: path.read_bytes() for path in draw(dataset, tmp_path / "b")}
    assert set(first) == {f"{kind}.png" for kind in PICTURES}
    assert first == again


@pytest.mark.parametrize(
    ("slots", "instants"),
    [(1, 1), (2, 15), (9, 15), (600, 1), (3, 200)],
    ids=["instant", "short", "two minutes", "long", "dense"],
)
def test_runs_of_every_length_are_drawn(tmp_path: Path, slots: int, instants: int) -> None:
    with open_dataset(write(tmp_path / "run.nc", slots=slots, instants=instants)) as dataset:
        drawn = {path.stem for path in draw(dataset, tmp_path)}
    assert drawn == set(PICTURES) - ({"handovers"} if slots == 1 else set())


def test_a_run_with_steps_longer_than_a_slot_is_drawn_as_a_whole(dataset: xr.Dataset) -> None:
    coarse = dataset.isel(time=slice(None, None, 60))
    said = words(PICTURES["rtt"](coarse, ()))
    assert "median of 60 s" in said
    assert "each instant" not in said


def test_an_unknown_terminal_gets_a_near_name(dataset: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="town 1"):
        list(draw(dataset, tmp_path, ["rtt"], ["town 11"]))


def test_an_empty_picture_is_an_error_only_where_it_was_asked_for(dataset: xr.Dataset, tmp_path: Path) -> None:
    blind = dataset.drop_vars(["satellite_latitude", "path_satellite"])
    assert "map.png" not in {path.name for path in draw(blind, tmp_path)}
    with pytest.raises(NotFoundError, match="no snapshot"):
        list(draw(blind, tmp_path, ["map"]))


def test_a_folder_that_cannot_be_made_is_said(dataset: xr.Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        list(draw(dataset, tmp_path / "file"))


def test_the_map_names_laser_links_where_there_are_some(dataset: xr.Dataset) -> None:
    assert "laser" in words(plot_map(dataset))


def test_satellites_above_a_mask_by_hand(dataset: xr.Dataset) -> None:
    # One satellite at 550 km over (0°, 0°): 25° of elevation is at 8.46° of arc, by the sine rule on a round Earth.
    one = dataset.isel(satellite=[0]).copy()
    for name, value in (("satellite_latitude", 0.0), ("satellite_longitude", 0.0), ("satellite_height", 550e3)):
        one[name] = ("satellite", np.array([value], dtype=np.float32))
    assert satellites_above(np.array([0.0, 8.4, 8.5]), np.array([0.0, 8.4, 8.5, 180.0]), one).tolist() == [
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_the_sky_shows_every_reason_with_a_mark_of_its_own(tmp_path: Path) -> None:
    count = len(Reason)
    figure = plot_sky(
        Sites.at([50.45], [30.52]),
        np.linspace(0.0, 350.0, count),
        np.linspace(5.0, 80.0, count),
        np.array(list(Reason), dtype=np.int8),
        [f"SAT-{i}" for i in range(count)],
        "Sky",
        "now",
    )
    said = words(figure)
    for reason in Reason:
        assert reason == Reason.SERVED or reason.words in said
    assert "SAT-0" in said
    assert save(figure, tmp_path / "sky.png").stat().st_size > 10_000
