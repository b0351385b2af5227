"""`skyhaul elements`, and the user's own elements and gateways."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.test_commands import BAD_ELEMENTS, GOOD_OMM, OMM_HEADER, omm_row


def test_inspect_counts_shells_epochs_age_and_problems(skyhaul: Command, tmp_path: Path) -> None:
    file = tmp_path / "good.csv.gz"
    file.write_bytes(gzip.compress(GOOD_OMM.encode()))
    told = json.loads(skyhaul("elements", "inspect", file, "--time", "2024-02-18T12:00:00Z", "--json").out)
    assert told["satellites"] == 30
    assert [shell["satellites"] for shell in told["shells"]] == [30]
    assert told["shells"][0]["inclination_deg"] == 53.05
    assert 0.5 < told["age_median_days"] < 1.5
    people = skyhaul("elements", "inspect", file, "--time", "2024-02-18T12:00:00Z").out
    for word in ("30, of which 0 in no shell", "53.05", "median", "expected error", "problems        none"):
        assert word in people


def test_age_is_now_without_a_time_and_old_elements_say_so(skyhaul: Command, tmp_path: Path) -> None:
    file = tmp_path / "good.csv"
    file.write_text(GOOD_OMM)
    assert "at this age the positions are lost" in skyhaul("elements", "inspect", file).out


@pytest.mark.parametrize("name", BAD_ELEMENTS)
def test_bad_elements_are_one_line(skyhaul: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(BAD_ELEMENTS[name])
    assert name in skyhaul("elements", "inspect", file).one_error()


def test_bad_sets_are_counted_where_they_may_be_skipped(skyhaul: Command, tmp_path: Path) -> None:
    file = tmp_path / "nan.csv"
    file.write_text("\n".join([OMM_HEADER, *(omm_row(44_001 + i) for i in range(6)), omm_row(45_000, "nan")]))
    assert "nan.csv:8" in skyhaul("elements", "inspect", file).one_error()
    said = skyhaul("elements", "inspect", file, "--skip-bad")
    assert "1 bad" in said.out
    assert "nan.csv:8" in said.out


def test_a_file_that_is_not_there(skyhaul: Command, tmp_path: Path) -> None:
    assert "no such file" in skyhaul("elements", "inspect", tmp_path / "none.tle").one_error()


def test_fetching_offline_is_one_line(skyhaul: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYHAUL_CACHE", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nothing answers
    said = skyhaul("elements", "fetch", "starlink")
    assert "no elements of starlink" in said.one_error()
    assert "no name of a group" in skyhaul("elements", "fetch", "../starlink").one_error()


@pytest.mark.data
def test_twenty_towns_with_elements_and_gateways_of_ones_own(
    skyhaul: Command, tmp_path: Path, data_folder: Path
) -> None:
    output = tmp_path / "europe.nc"
    said = skyhaul(
        "simulate",
        "europe",
        "--elements",
        data_folder / "tle" / "starlink_2024-02-17.2le.gz",
        "--ground",
        data_folder / "ground_segment" / "gateways_pops_backbone_2023-10-10.csv",
        "--duration",
        "90s",
        "-o",
        output,
        "--json",
    )
    assert (said.status, said.err) == (0, "")
    told = json.loads(said.out)
    assert told["satellites"] == 5_448
    assert len(told["terminals"]) == 20
    for terminal in told["terminals"]:
        assert terminal["served"] > 0.9
        assert 15.0 < terminal["rtt_ms"]["p5"] < 80.0
    assert skyhaul("plot", output, "--kind", "map").status == 0
