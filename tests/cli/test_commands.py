"""The commands on a small world: what they print, what they write, and what they leave behind when it goes wrong."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from skyhaul.study import PICTURES, open_dataset
from tests.cli.conftest import Command

WORLD = """
name = "small"
seed = 5
[time]
start = 2024-02-17T12:00:05Z
duration = "40s"
step = "1s"
[constellation]
walker = ["D:550:53.0:1584/72/17"]
[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52
[[terminals]]
name = "sydney"
latitude_deg = -33.87
longitude_deg = 151.21
[[terminals]]
name = "pole"
latitude_deg = 89.9
longitude_deg = 0
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(WORLD)
    return path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".parquet"])
def test_simulate_writes_what_it_says(skyhaul: Command, world: Path, suffix: str) -> None:
    output = world.with_name(f"run{suffix}")
    said = skyhaul("simulate", world, "-o", output, "--json")
    assert (said.status, said.err) == (0, "")
    told = json.loads(said.out)
    with open_dataset(output) as dataset:
        assert dataset.sizes["time"] == told["instants"] == 40
        # 12:00:05 to 12:00:45 touches the slots that start at 11:59:57, 12:00:12, 12:00:27 and 12:00:42.
        assert dataset.sizes["slot"] == told["slots"] == 4
        assert dataset["slot_index"].values.tolist() == [0] * 7 + [1] * 15 + [2] * 15 + [3] * 3
        for terminal in told["terminals"]:
            rtt = dataset["rtt"].sel(terminal=terminal["name"]).values
            assert terminal["served"] == np.isfinite(rtt).mean()
        served = np.isfinite(dataset["rtt"].values)
        np.testing.assert_array_equal(served, (dataset["outage_cause"].values == 0)[dataset["slot_index"].values])
        legs = sum(dataset[f"{leg}_delay"] for leg in ("access", "laser", "feeder", "fibre"))
        assert (dataset["delay_up"] + 1e-3 >= legs).values[served].all()
        np.testing.assert_allclose((dataset["delay_up"] + dataset["delay_down"]).values, dataset["rtt"], rtol=1e-5)
        for fact in ("skyhaul_version", "seed", "scenario_sha256", "elements_sha256", "elements_age_median_days"):
            assert dataset.attrs[fact] == told["provenance"][fact]
    assert told["terminals"][2] | {"outage_s": {}} == {
        "name": "pole",
        "served": 0.0,
        "rtt_ms": None,
        "handovers": 0,
        "laser_share": 0.0,
        "outage_s": {},
    }
    assert left(world.parent) == {"small.toml", output.name}


def test_the_same_command_gives_the_same_bytes_and_another_seed_others(skyhaul: Command, world: Path) -> None:
    outputs = [world.with_name(f"{name}.nc") for name in "abc"]
    for output, seed in zip(outputs, ("5", "5", "6"), strict=True):
        assert skyhaul("simulate", world, "-o", output, "--seed", seed).status == 0
    first, again, other = (output.read_bytes() for output in outputs)
    assert first == again
    assert first != other


def test_options_change_the_scenario(skyhaul: Command, world: Path) -> None:
    options = ("--start", "2024-02-17T13:00:12Z", "--duration", "15s", "--step", "500ms", "--strategy", "highest")
    said = skyhaul("simulate", world, "-o", world.with_name("run.nc"), "--json", *options)
    told = json.loads(said.out)
    assert (told["slots"], told["instants"]) == (1, 30)
    assert told["provenance"]["strategy"] == "highest"
    assert told["provenance"]["start"] == "2024-02-17 13:00:12 UTC"


def test_simulate_for_people_names_terminals_causes_and_the_next_command(skyhaul: Command, world: Path) -> None:
    said = skyhaul("simulate", world, "-o", world.with_name("run.nc"))
    for word in ("kyiv", "sydney", "pole", "no satellite 40 s", "p95", "handovers", "skyhaul plot"):
        assert word in said.out


def test_simulate_without_an_output_prints_the_same_and_writes_nothing(skyhaul: Command, world: Path) -> None:
    written = skyhaul("simulate", world, "-o", world.with_name("run.nc")).out
    before = set(world.parent.iterdir())
    said = skyhaul("simulate", world)
    assert said.out == written.partition("wrote ")[0]
    assert set(world.parent.iterdir()) == before
    assert json.loads(skyhaul("simulate", world, "--json").out)["output"] is None


def test_plot_draws_every_kind(skyhaul: Command, world: Path) -> None:
    output = world.with_name("run.nc")
    skyhaul("simulate", world, "-o", output)
    said = skyhaul("plot", output, "--json")
    pictures = [Path(path) for path in json.loads(said.out)["pictures"]]
    assert {path.stem for path in pictures} == set(PICTURES) - {"service"}  # nobody is refused in this world
    assert all(path.parent == world.with_name("run") and path.stat().st_size > 5_000 for path in pictures)
    one = skyhaul("plot", output, "-o", world.with_name("one"), "--kind", "rtt", "--terminal", "kyiv")
    assert one.out.splitlines() == [str(world.with_name("one") / "rtt.png")]


def test_look_explains_every_satellite(skyhaul: Command, world: Path) -> None:
    said = skyhaul("look", "-33.87", "151.21", "--scenario", world, "--json")
    told = json.loads(said.out)
    assert told["outcome"] == "served"
    reasons = [satellite["reason"] for satellite in told["satellites"]]
    assert reasons.count("served") == 1
    elevations = [satellite["elevation_deg"] for satellite in told["satellites"]]
    assert elevations == sorted(elevations, reverse=True)
    assert min(elevations) > 0.0
    for satellite in told["satellites"]:
        if satellite["elevation_deg"] < 24.0:
            assert satellite["reason"] == "elevation"
    people = skyhaul("look", "-33.87", "151.21", "--scenario", world).out
    assert "serves" in people
    assert "point of presence" in people


def test_look_says_why_a_place_is_not_served_and_draws_it(skyhaul: Command, world: Path) -> None:
    picture = world.with_name("sky.png")
    said = skyhaul("look", "89.9", "0", "--scenario", world, "--plot", picture)
    assert "not served: no satellite above the mask" in said.out
    assert picture.stat().st_size > 5_000


def test_path_adds_up(skyhaul: Command, world: Path) -> None:
    told = json.loads(skyhaul("path", "kyiv", "-33.87,151.21", "--scenario", world, "--json").out)
    assert [hop["kind"] for hop in told["hops"]][:1] == ["terminal"]
    assert told["one_way_ms"] == pytest.approx(sum(1e3 * hop["leg_s"] for hop in told["hops"]))
    assert told["rtt_ms"] > told["one_way_ms"] > 50.0
    people = skyhaul("path", "kyiv", "sydney", "--scenario", world).out
    assert "round trip" in people
    assert "fibre" in people


def test_path_in_space_beats_the_cable_over_a_long_way(skyhaul: Command, world: Path) -> None:
    told = json.loads(skyhaul("path", "kyiv", "sydney", "--over-lasers", "--scenario", world, "--json").out)
    assert {hop["medium"] for hop in told["hops"][2:-1]} == {"laser"}
    assert told["rtt_ms"] < told["cable_rtt_ms"]


def test_a_name_that_is_not_there_gets_near_ones(skyhaul: Command, world: Path) -> None:
    assert "did you mean kyiv" in skyhaul("path", "kiyv", "sydney", "--scenario", world).one_error()


OMM_HEADER = (
    "OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,"
    "EPHEMERIS_TYPE,CLASSIFICATION_TYPE,NORAD_CAT_ID,ELEMENT_SET_NO,REV_AT_EPOCH,BSTAR,MEAN_MOTION_DOT,MEAN_MOTION_DDOT"
)


def omm_row(number: int, mean_motion: str = "15.06", day: int = 17) -> str:
    angle = 7.3 * number % 360.0
    return (
        f"SAT-{number},2020-1A,2024-02-{day}T{number % 24:02d}:01:02.345678,{mean_motion},0.0001,53.05,{angle:.4f},90,"
        f"{31.7 * number % 360.0:.4f},0,U,{number},999,1000,0.0001,0,0"
    )


GOOD_OMM = "\n".join([OMM_HEADER, *(omm_row(44_000 + i) for i in range(30))]) + "\n"

BAD_ELEMENTS: dict[str, bytes] = {
    "empty.tle": b"",
    "cut.tle.gz": gzip.compress(GOOD_OMM.encode())[:-40],
    "nan.csv": "\n".join([OMM_HEADER, omm_row(44_001), omm_row(44_002, "nan")]).encode(),
    "columns.csv": b"OBJECT_NAME,EPOCH\nSAT-1,2024-02-17T00:00:00\n",
    "noise.tle": bytes(range(256)),
}
BAD_GROUND: dict[str, bytes] = {
    "empty.csv": b"",
    "columns.csv": b"name,lat\nLyon,45.7\n",
    "nan.csv": b"name,lat,lon,type\nLyon,nan,4.8,gateway\nParis,48.9,2.4,pop\n",
    "no-pop.csv": b"name,lat,lon,type\nLyon,45.7,4.8,gateway\n",
}


@pytest.mark.parametrize("name", BAD_ELEMENTS)
def test_bad_elements_are_one_line_and_leave_nothing(skyhaul: Command, world: Path, name: str) -> None:
    file = world.with_name(name)
    file.write_bytes(BAD_ELEMENTS[name])
    said = skyhaul("simulate", world, "--elements", file, "-o", world.with_name("run.nc"))
    assert name in said.one_error()
    assert left(world.parent) == {"small.toml", name}


@pytest.mark.parametrize("name", BAD_GROUND)
def test_a_bad_ground_segment_is_one_line_and_leaves_nothing(skyhaul: Command, world: Path, name: str) -> None:
    file = world.with_name(name)
    file.write_bytes(BAD_GROUND[name])
    said = skyhaul("simulate", world, "--ground", file, "-o", world.with_name("run.nc"))
    assert name in said.one_error()
    assert left(world.parent) == {"small.toml", name}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("seed = 5", "small.toml:3: sed: unknown field (did you mean seed?)"),
        ('name = "kyiv"', "unknown field"),
        ("latitude_deg = 50.45", "expected a finite number, got nan"),
    ],
)
def test_a_bad_scenario_is_one_line(skyhaul: Command, world: Path, change: str, expected: str) -> None:
    bad = {
        "seed = 5": "sed = 5",
        'name = "kyiv"': 'name = "kyiv"\nlatitude = 3',
        "latitude_deg = 50.45": "latitude_deg = nan",
    }
    world.write_text(WORLD.replace(change, bad[change]))
    assert expected in skyhaul("simulate", world, "-o", world.with_name("run.nc")).one_error()
    assert left(world.parent) == {"small.toml"}


@pytest.mark.parametrize("name", ["run.txt", "none/run.nc", "/proc/run.nc", "/proc/run.zarr", "taken.nc"])
def test_an_output_that_cannot_be_written_is_one_line_before_the_run(skyhaul: Command, world: Path, name: str) -> None:
    world.with_name("taken.nc").write_text("mine")
    said = skyhaul("simulate", world, "-o", world.parent / name)
    assert Path(name).name in said.one_error() or "no such folder" in said.one_error()
    assert left(world.parent) == {"small.toml", "taken.nc"}
    assert world.with_name("taken.nc").read_text() == "mine"


def test_a_disk_that_fills_up_is_one_line(skyhaul: Command, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skyhaul.study import _netcdf

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_netcdf.NetcdfStore, "extend", full)
    said = skyhaul("simulate", world, "-o", world.with_name("run.nc"))
    assert "run.nc: cannot be written: No space left on device" in said.one_error()
    assert left(world.parent) == {"small.toml"}


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing(world: Path, stop: signal.Signals, status: int) -> None:
    output = world.with_name("run.nc")
    command = [sys.executable, "-m", "skyhaul", "simulate", str(world), "--duration", "30d", "-o", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not any(name.endswith(".partial") for name in left(world.parent)):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(stop)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (status, "")
    assert left(world.parent) == {"small.toml"}


def test_old_elements_are_a_warning_with_the_expected_error(skyhaul: Command, world: Path) -> None:
    file = world.with_name("good.csv")
    file.write_text(GOOD_OMM)
    options = ("--elements", file, "--start", "2024-03-01T00:00:12Z", "--duration", "1s")
    said = skyhaul("simulate", world, "-o", world.with_name("run.nc"), *options, "--json")
    assert said.status == 0
    (line,) = said.err.splitlines()
    assert line.startswith("skyhaul: warning: the elements are 1")
    assert " km" in line
    json.loads(said.out)


def test_a_start_is_taken_from_the_elements_where_none_is_given(skyhaul: Command, world: Path) -> None:
    file = world.with_name("good.csv")
    file.write_text(GOOD_OMM)
    said = skyhaul("simulate", world, "--elements", file, "-o", world.with_name("run.nc"), "--json")
    provenance = json.loads(said.out)["provenance"]
    assert provenance["start"].startswith("2024-02-17")
    assert provenance["elements_age_median_days"] < 0.5
