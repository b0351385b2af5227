"""The `observed` choice against the satellites that served a Belgian dish on 2024-07-17."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skyhaul.earth import Sites
from skyhaul.network import choice_utility
from skyhaul.orbits import Constellation
from skyhaul.radio import GsoArc, look_angles
from skyhaul.sources import read_elements

pytestmark = pytest.mark.data


def test_what_served_has_four_times_the_chance_of_a_random_choice(data_folder: Path) -> None:
    elements = read_elements(data_folder / "tle" / "starlink_2024-07-16.tle.gz").elements
    table = pd.read_csv(data_folder / "serving_satellite_2024-07-17" / "ucl_serving.csv.gz")
    time = pd.to_datetime(table["Timestamp"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ns]")
    slot, first = np.unique((time - np.datetime64("2024-07-17T00:00:12", "ns")) // np.timedelta64(15, "s"), True)
    number = {name: i for i, name in enumerate(elements.name)}
    served = np.array([number[name] for name in table["Connected_Satellite"].to_numpy()[first]])
    middle = np.datetime64("2024-07-17T00:00:19.5", "ns") + slot * np.timedelta64(15, "s")

    site = Sites.at([51.06], [4.42])  # where the ranges in the data put the dish
    arc = GsoArc(site)
    constellation = Constellation(elements)
    chance, random = [], []
    for k, at in enumerate(middle):
        position = constellation.at(at, velocity=False).position_m
        elevation = look_angles(site, position).elevation_deg[0]
        up = np.flatnonzero(elevation >= 26.0)
        weight = np.exp(
            choice_utility(
                elevation_deg=elevation[up],
                gso_separation_deg=arc.separation_deg(np.zeros(len(up), dtype=np.int64), position, up),
                held=up == (served[k - 1] if k else -1),
                catalog_number=elements.catalog_number[up],
            )
        )
        chance.append(weight[up == served[k]].sum() / weight.sum())
        random.append(1.0 / len(up))
    assert np.mean(chance) > 4.0 * np.mean(random)
    assert np.mean(np.log(np.maximum(chance, 1e-6))) > np.mean(np.log(random)) + 0.9
