"""The console's own sums, held against those of the system."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
import tomllib
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from skyhaul.earth import geodetic_to_ecef, sun_direction
from skyhaul.orbits import Constellation
from skyhaul.sources import preset_elements
from tests.console.conftest import CONSOLE

SOURCES = sorted((CONSOLE / "src").rglob("*.js"))


def test_vendored_files_are_those_named() -> None:
    vendor = CONSOLE / "vendor"
    lines = [line.split() for line in (vendor / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    there = {p.relative_to(vendor).as_posix() for p in vendor.rglob("*.js")} | {"three/LICENSE"}
    assert set(sums) == there
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name
    assert (
        json.loads((CONSOLE / "package.json").read_text())["devDependencies"]["three"]
        in (vendor / "README.md").read_text()
    )


@pytest.mark.parametrize("file", [CONSOLE / "index.html", *SOURCES, *(CONSOLE / "css").iterdir()], ids=lambda p: p.name)
def test_nothing_is_asked_of_other_places(file: Path) -> None:
    """No CDN: every address in the sources is of the console itself, or the name of SVG."""
    for address in re.findall(r"""["'(](?:https?:)?//[^"')\s]+""", file.read_text(encoding="utf-8")):
        assert "www.w3.org/2000/svg" in address, address


def test_the_package_brings_all_of_the_page() -> None:
    """What is no tool of developers is in the wheel."""
    project = tomllib.loads((CONSOLE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    tools = {"node_modules", "package.json", "package-lock.json", "tsconfig.json"}
    there = {p.name for p in CONSOLE.iterdir() if not p.name.startswith(".")} - tools
    assert {f"console/{name}" for name in there} == set(shipped)


def test_modules_are_small() -> None:
    for file in SOURCES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 480, file.name


@pytest.mark.parametrize("place", [(0.0, 0.0), (50.45, 30.52), (-33.87, 151.21), (89.9, -179.9), (-90.0, 10.0)])
def test_places_are_where_the_system_puts_them(modules: Page, place: tuple[float, float]) -> None:
    there = modules.evaluate("async ([a, b]) => (await import('/src/parts/geo.js')).ecef(a, b, 550)", list(place))
    expected = geodetic_to_ecef(*place, 550e3) / 1e3
    np.testing.assert_allclose(there, np.ravel(expected), atol=1e-6)
    back = modules.evaluate("async p => (await import('/src/parts/geo.js')).geodetic(p)", there)
    assert back[0] == pytest.approx(place[0], abs=1e-5)
    assert back[2] == pytest.approx(550, abs=0.01)


@pytest.mark.parametrize("time", ["2024-02-12T22:00:12", "2026-06-21T12:00:00", "2030-12-01T03:30:00"])
def test_sun_stands_where_the_system_sees_it(modules: Page, time: str) -> None:
    at = np.datetime64(time, "ns")
    seconds = at.astype(np.int64) / 1e9
    x, y, z = modules.evaluate("async t => (await import('/src/parts/geo.js')).sun(t)", seconds)
    expected = np.ravel(sun_direction(at))
    apart = math.degrees(math.acos(min(1.0, float(np.dot([x, y, z], expected / np.linalg.norm(expected))))))
    assert apart < 0.05


def test_keyframe_carries_satellites_on_for_20_seconds(modules: Page) -> None:
    """A keyframe at x20 is 20 s old before the next comes; a kilometre is less than a pixel of the globe."""
    elements = preset_elements("starlink-2024-02")
    time = np.datetime64("2024-02-12T22:00:12", "ns")
    constellation = Constellation(elements)
    some = np.arange(0, len(elements), 97)
    now = constellation.at(time, satellites=some)
    later = constellation.at(time + np.timedelta64(20, "s"), satellites=some)
    good = np.isfinite(now.position_m).all(axis=0) & np.isfinite(later.position_m).all(axis=0)
    assert now.velocity_m_s is not None
    position = (now.position_m[:, good].T / 1e3).astype("<f4")
    velocity = (now.velocity_m_s[:, good].T / 1e3).astype("<f4")
    count = len(position)
    seconds = time.astype(np.int64) / 1e9
    frame = (
        b"SKY1"
        + struct.pack("<Idqd", count, seconds, 7, 20.0)
        + position.tobytes()
        + velocity.tobytes()
        + bytes([1] * count)
    )
    got = modules.evaluate(
        """async bytes => {
            const { decode, positionAt } = await import('/src/live/sky.js');
            const frame = decode(new Uint8Array(bytes).buffer);
            const at = Array.from({ length: frame.count }, (_, i) => positionAt(frame, i, frame.time + 20));
            return { count: frame.count, slot: frame.slot, speed: frame.speed, state: frame.state[0], at };
        }""",
        list(frame),
    )
    assert (got["count"], got["slot"], got["speed"], got["state"]) == (count, 7, 20, 1)
    off_km = np.linalg.norm(np.array(got["at"]) - later.position_m[:, good].T / 1e3, axis=1)
    assert off_km.max() < 1.0


def test_a_broken_keyframe_is_refused(modules: Page) -> None:
    with pytest.raises(Exception, match="not a keyframe"):
        modules.evaluate("async () => (await import('/src/live/sky.js')).decode(new ArrayBuffer(40))")


def test_lines_over_the_antimeridian_stay_short(modules: Page) -> None:
    line = modules.evaluate(
        "async l => (await import('/src/parts/geo.js')).unwrap(l)", [[179, 0], [-179, 1], [178, 2], [-178, 3]]
    )
    assert [p[0] for p in line] == [179, 181, 178, 182]


def test_map_shows_places_over_the_antimeridian_twice(modules: Page) -> None:
    turns, x = modules.evaluate(
        """async () => {
            const { Flat } = await import('/src/parts/flat.js');
            const flat = new Flat();
            Object.assign(flat, { width: 720, height: 360, scale: 2, longitude: 170 });
            return [flat.turns, flat.turns.map(turn => flat.point(-178, 0, turn)[0])];
        }"""
    )
    assert turns == [0, 1]
    assert x[1] == 360 + 12 * 2  # 12 degrees east of the middle


def test_addresses_lead_to_pages(modules: Page) -> None:
    found = modules.evaluate(
        """async () => {
            const { match, parse, withQuery } = await import('/src/frame/router.js');
            const { ROUTES } = await import('/src/routes.js');
            const { path, query } = parse('#/terminal/caf%C3%A9%20one?t=2024-02-12T22:00:12Z');
            return [match(path, ROUTES).params.id, query.get('t'), match('/no/such/page', ROUTES),
                    match('/terminal/%', ROUTES), withQuery('#/map?by=load', { by: null, cell: 'x' })];
        }"""
    )
    assert found == ["café one", "2024-02-12T22:00:12Z", None, None, "#/map?cell=x"]


def test_slot_times_are_read_whatever_their_precision(modules: Page) -> None:
    at = modules.evaluate(
        "async () => { const { seconds } = await import('/src/parts/words.js');"
        " return ['2024-02-12T22:00:12.000000000Z', '2024-02-12T22:00:12Z', null, ''].map(seconds); }"
    )
    assert at == [1707775212, 1707775212, None, None]


def test_outages_are_gaps(modules: Page) -> None:
    found = modules.evaluate(
        "async values => (await import('/src/parts/plot.js')).gaps({ time: [0, 1, 2, 3, 4, 5], values })",
        [1, None, None, 2, 3, None],
    )
    assert found == [[1, 3]]
