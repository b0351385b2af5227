"""What a reader of the documentation has: a folder, files of their own, and a copy of the scripts."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from skyhaul.orbits import Elements, parse_walker, walker_elements
from tests.docs.pages import ROOT

_DEGREE = np.pi / 180.0
_REV_DAY = 2.0 * np.pi / 1440.0  # radians a minute
_CITIES = ROOT / "src" / "skyhaul" / "presets" / "ground" / "cities.csv"
_OMM = (
    "OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,"
    "NORAD_CAT_ID,BSTAR"
)


@pytest.fixture(scope="session")
def shell() -> Elements:
    """A shell that serves Europe, with an epoch as tracked satellites have them."""
    return walker_elements(parse_walker("D:550:53.0:1584/72/39"), np.datetime64("2024-02-17T15:37:42.123", "ns"))


@pytest.fixture(scope="session")
def two_lines(shell: Elements) -> str:
    """The shell as two-line elements."""
    days = (shell.epoch[0] - np.datetime64("1949-12-31", "ns")) / np.timedelta64(1, "D")
    lines = []
    for i in range(len(shell)):
        satellite = Satrec()
        satellite.sgp4init(
            WGS72,
            "i",
            int(shell.catalog_number[i]),
            days,
            0.0,
            0.0,
            0.0,
            float(shell.eccentricity[i]),
            0.0,
            float(shell.inclination_deg[i]) * _DEGREE,
            float(shell.mean_anomaly_deg[i]) * _DEGREE,
            float(shell.mean_motion_rev_day[i]) * _REV_DAY,
            float(shell.raan_deg[i]) * _DEGREE,
        )
        lines += export_tle(satellite)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def messages(shell: Elements) -> str:
    """The shell as OMM in CSV."""
    rows = (
        f"{shell.name[i]},,{shell.epoch[i]},{shell.mean_motion_rev_day[i]},{shell.eccentricity[i]},"
        f"{shell.inclination_deg[i]},{shell.raan_deg[i]},0,{shell.mean_anomaly_deg[i]},{shell.catalog_number[i]},0"
        for i in range(len(shell))
    )
    return "\n".join((_OMM, *rows)) + "\n"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_lines: str, messages: str) -> Path:
    """The folder of somebody who follows a page: their own files, the scripts, and elements fetched a moment ago."""
    (tmp_path / "satellites.tle").write_text(two_lines, encoding="utf-8")
    shutil.copy(_CITIES, tmp_path / "gateways-and-pops.csv")
    clone(tmp_path)
    cache = tmp_path / ".cache"
    (cache / "elements").mkdir(parents=True)
    (cache / "elements" / "starlink.csv").write_text(messages, encoding="utf-8")
    now = datetime.now(UTC).isoformat()
    (cache / "elements" / "starlink.json").write_text(json.dumps({"asked": now, "kept": now}), encoding="utf-8")
    monkeypatch.setenv("SKYHAUL_CACHE", str(cache))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def clone(folder: Path) -> None:
    """The scripts and scenarios of a clone that is set up: its environment is the one that runs the tests."""
    (folder / "scenarios").symlink_to(ROOT / "scenarios", target_is_directory=True)
    scripts = folder / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts" / "up", scripts / "up")
    (scripts / "setup").write_text("#!/bin/sh\n", encoding="utf-8")
    (scripts / "setup").chmod(0o755)
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
