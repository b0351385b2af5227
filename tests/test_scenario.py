"""Scenario files: what they mean, and everything that can be wrong with one, said at once."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.errors import NotFoundError, ScenarioError
from skyhaul.scenario import (
    Scenario,
    as_numpy,
    changed_scenario,
    check_scenario,
    load_scenario,
    parse_duration,
    parse_moment,
    parse_time,
    place_presets,
    read_places,
    scenario_json_schema,
    scenario_presets,
)

NAME = 'name = "one"\n'
TERMINAL = """
[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52
"""
SMALLEST = NAME + TERMINAL


def written(folder: Path, text: str, name: str = "scenario.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path) -> list[str]:
    return [str(error).removeprefix(str(path)) for error in check_scenario(path)]


def test_a_name_and_a_terminal_are_enough(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, SMALLEST))
    assert scenario.constellation.preset == "starlink-gen1"
    assert scenario.ground.preset == "cities"
    assert scenario.time.duration == timedelta(hours=1)
    assert scenario.time.start is None
    assert [terminal.name for terminal in scenario.terminals] == ["kyiv"]


@pytest.mark.parametrize("name", scenario_presets())
def test_every_preset_loads(name: str) -> None:
    assert load_scenario(name).name == name


def test_presets_hold_a_dozen_places_over_the_world_and_twenty_european_towns() -> None:
    assert len(load_scenario("europe").terminals) == 20
    world = load_scenario("world").terminals
    assert len(world) == 12
    assert {"kyiv", "louvain", "victoria", "ulukhaktok", "mcmurdo"} <= {terminal.name for terminal in world}


def test_every_error_is_listed_with_its_line_field_and_mend(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """name = "x"
seeed = 3
[time]
step = "1x"
duration = 3
[constellation]
preset = "kuiper"
walker = ["53:1584/72/39@550"]
[ground]
files = ["nope.csv"]
[[terminals]]
name = "a"
latitude_deg = 3
longitude_deg = 4
[[terminals]]
name = "b"
latitud = 91
longitude_deg = "4"
obstruction = [[0, 1], [3, 95], [3]]
[scheduler]
strategy = "lowest"
beams_per_satellite = 0
gso_separation_deg = nan
[[failures]]
kind = "satelite"
target = "x"
end = "-10"
""",
    )
    assert said(path) == [
        ":2: seeed: unknown field (did you mean seed?)",
        ':4: time.step: expected a duration like "1h", "90s", "1h30m" or a number of seconds, got "1x"',
        ":6: constellation: expected exactly one of preset, elements and walker, got preset and walker",
        f":10: ground.files[0]: expected a file, found none at {tmp_path}/nope.csv",
        ":15: terminals[1].latitude_deg: expected a value, got none",
        ":17: terminals[1].latitud: unknown field (did you mean latitude_deg?)",
        ':18: terminals[1].longitude_deg: expected a number, got "4"',
        ":19: terminals[1].obstruction[1][1]: expected at most 90, got 95",
        ":19: terminals[1].obstruction[2][1]: expected a value, got none",
        ":21: scheduler.strategy: expected 'highest', 'sticky', 'balanced' or 'observed', got \"lowest\"",
        ":22: scheduler.beams_per_satellite: expected at least 1, got 0",
        ":23: scheduler.gso_separation_deg: expected a finite number, got nan",
        ":25: failures[0].kind: expected 'satellite', 'laser', 'gateway' or 'pop', got \"satelite\"",
        ':27: failures[0].end: expected a UTC date and time like 2024-02-17T12:00:12Z, or "+10m" for ten minutes after'
        ' the start, got "-10"',
    ]


def test_loading_names_the_first_error_and_says_how_many_more(tmp_path: Path) -> None:
    path = written(tmp_path, f"{SMALLEST}\n[time]\nstep = 0\nstart = 5\n")
    with pytest.raises(ScenarioError, match=re.escape("and 1 more: skyhaul scenario check")) as caught:
        load_scenario(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected a scenario in TOML, got an empty file"),
        ("name = ,", ":1: expected TOML: Invalid value (at line 1, column 8)"),
        ('name = "x"', "expected at least one terminal, by [[terminals]] or places"),
        (SMALLEST + TERMINAL, "expected terminals with different names, got 'kyiv' twice"),
        (f'{SMALLEST}\n[[withheld]]\nterminal = "lviv"', "expected withheld to name a terminal, got 'lviv'"),
        (f'{SMALLEST}\n[time]\nduration = "1s"\nstep = "2s"', "expected a step no longer than the duration"),
        (f'{SMALLEST}\n[ground]\npreset = "cities"\nfiles = ["scenario.toml"]', "got both"),
        (f"{SMALLEST}\n[ground]", "expected either preset or files, got none"),
        (f"terminals = 3\n{NAME}", "expected a list, got 3"),
        (f"scheduler = 3\n{SMALLEST}", "expected a table, got 3"),
        (f'seed = "3"\n{SMALLEST}', 'seed: expected a whole number, got "3"'),
        (f"seed = -1\n{SMALLEST}", "seed: expected at least 0, got -1"),
        (f'{SMALLEST}\n[constellation]\npreset = "starlnk-gen1"', "(did you mean starlink-gen1?)"),
        (f'{SMALLEST}\n[ground]\npreset = "town"', 'ground.preset: expected one of cities, got "town"'),
        (f'{SMALLEST}\n[constellation]\nwalker = ["D:550:53.0:1584/22"]', "walker[0]: expected a shell like"),
        (f"{SMALLEST}obstruction = [[10, 5], [10, 6]]", "expected one elevation for each azimuth"),
        (f'{SMALLEST}\n[[failures]]\nkind = "laser"\ntarget = "one"', 'expected "one satellite / the other"'),
        (
            f'{SMALLEST}\n[[failures]]\nkind = "pop"\ntarget = "x"\nstart = "+2m"\nend = "+1m"',
            "expected an end after the start",
        ),
        (f'places = ["atlantis"]\n{SMALLEST}', "places: expected a CSV file or a preset, got 'atlantis'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, expected: str) -> None:
    (message,) = said(written(tmp_path, text))
    assert expected in message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_bytes(b"name = \xff")
    assert said(path) == [": expected UTF-8 text, got byte 7"]


def test_a_name_that_is_not_there_gets_the_nearest_one() -> None:
    with pytest.raises(NotFoundError, match="did you mean world"):
        load_scenario("wrold")


def test_errors_beside_a_bad_list_of_places_are_still_found(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "x"\nplaces = ["atlantis"]\nseed = 1.5\n')
    assert [line.split(":")[2].strip() for line in said(path)] == ["places", "seed"]


def test_places_become_terminals(tmp_path: Path) -> None:
    written(tmp_path, "name,Latitude,lon,height_m,pop\nhut,60.5,-150,20,\nmast,61,5,,oslo\n", "towns.csv")
    scenario = load_scenario(written(tmp_path, f'places = ["towns.csv"]\n{SMALLEST}'))
    assert [terminal.name for terminal in scenario.terminals] == ["kyiv", "hut", "mast"]
    assert scenario.terminals[1].height_m == 20.0
    assert scenario.terminals[2].pop == "oslo"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1: expected a column name, got an empty file"),
        ("name,lat\na,1\n", ":1: expected a column longitude_deg or longitude or lon or lng, got lat, name"),
        ("name,lat,lon\n", "expected at least one place, got none"),
        ("name,lat,lon\na,1\n", ":2: lon: expected a value, got none"),
        ("name,lat,lon\na,1,2\nb,x,2\n", ":3: lat: expected a number, got 'x'"),
        ("name,lat,lon\na,nan,2\n", ":2: lat: expected -90 to 90, got nan"),
        ("name,lat,lon\na,1,1e9\n", ":2: lon: expected -180 to 360, got 1e9"),
        ('name,lat,lon\n"a,1,2\n', "cannot be read as CSV"),
    ],
)
def test_a_bad_list_of_places_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text, "towns.csv")
    with pytest.raises(ScenarioError) as caught:
        read_places("towns.csv", tmp_path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message


@pytest.mark.parametrize("name", place_presets())
def test_places_that_ship_have_names_of_their_own(name: str) -> None:
    names = [place["name"] for place in read_places(name)]
    assert len(set(names)) == len(names) >= 12


def test_files_are_found_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    written(tmp_path, "x", "data/elements.tle")
    text = f'{SMALLEST}\n[constellation]\nelements = "data/elements.tle"\n'
    scenario = load_scenario(written(tmp_path, text))
    assert scenario.constellation.elements == tmp_path / "data/elements.tle"


def test_the_hash_is_of_the_resolved_scenario_wherever_it_lies(tmp_path: Path) -> None:
    hashes = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, "x", "e.tle")
        text = f'# {folder}\n{SMALLEST}\n[constellation]\nelements = "e.tle"\n'
        hashes.add(load_scenario(written(tmp_path / folder, text)).sha256())
    assert len(hashes) == 1
    plain = load_scenario(written(tmp_path, SMALLEST))
    spelt_out = load_scenario(written(tmp_path, f'seed = 0\n{SMALLEST}[time]\nduration = "60m"'))
    assert plain.sha256() == spelt_out.sha256()
    assert changed_scenario(plain, {"seed": 1}).sha256() != plain.sha256()


def test_changes_are_checked(tmp_path: Path) -> None:
    scenario = load_scenario("world")
    changed = changed_scenario(scenario, {"time.duration": "90s", "scheduler.strategy": "sticky"})
    assert changed.time.duration == timedelta(seconds=90)
    assert changed.scheduler.strategy == "sticky"
    assert changed.terminals == scenario.terminals
    with pytest.raises(ScenarioError, match=r"constellation\.elements: expected a file"):
        changed_scenario(scenario, {"constellation.preset": None, "constellation.elements": tmp_path / "none"})


def test_the_schema_knows_every_field_and_the_presets_keep_to_it() -> None:
    schema = scenario_json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert not schema["additionalProperties"]
    json.dumps(schema)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h", 3600),
        ("90s", 90),
        ("1h30m", 5400),
        ("250ms", 0.25),
        (2, 2),
        ("0.5", 0.5),
        ("2d", 172_800),
        ("1 h 1 s", 3601),
    ],
)
def test_durations_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "h", "1x", "-1s", 0, -5, True, float("nan"), float("inf"), None, "1e9d", 1e300, "1s1"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**15))
def test_a_duration_in_microseconds_is_exact(count: int) -> None:
    assert parse_duration(f"{count}us") == timedelta(microseconds=count)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-17T12:00:12Z", datetime(2024, 2, 17, 12, 0, 12, tzinfo=UTC)),
        ("2024-02-17 12:00:12", datetime(2024, 2, 17, 12, 0, 12, tzinfo=UTC)),
        ("2024-02-17", datetime(2024, 2, 17, tzinfo=UTC)),
        ("2024-02-17T12:00:12+02:00", datetime(2024, 2, 17, 10, 0, 12, tzinfo=UTC)),
    ],
)
def test_times_without_an_offset_are_utc(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "noon", 5, None, "2024-13-01", "0001-01-01T00:00:00+05:00"])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a UTC date and time"):
        parse_time(text)


def test_moments_count_from_the_start_of_the_run() -> None:
    start = np.datetime64("2024-02-17T12:00:12", "ns")
    assert as_numpy(parse_moment("+10m"), start) == np.datetime64("2024-02-17T12:10:12")
    assert as_numpy(parse_moment("2024-02-17T14:00:00.25+01:00"), start) == np.datetime64("2024-02-17T13:00:00.250")


def test_defaults_are_those_of_the_network() -> None:
    from skyhaul.network import LASER_CLEARANCE_M, LASER_RANGE_M, Rules

    scenario, rules = load_scenario("world"), Rules()
    assert scenario.scheduler.strategy == rules.strategy
    assert scenario.scheduler.gso_separation_deg == rules.gso_separation_deg
    assert scenario.scheduler.beams_per_satellite == rules.beams_per_satellite
    assert scenario.scheduler.channels == rules.channels
    assert scenario.lasers.use == rules.lasers
    assert scenario.lasers.max_range_km * 1e3 == rules.laser_range_m == LASER_RANGE_M
    assert scenario.lasers.clearance_km * 1e3 == rules.laser_clearance_m == LASER_CLEARANCE_M


def facts_of(folder: Path, text: str = "[]") -> str:
    written(folder, text, "facts.json")
    return SMALLEST + '[control]\nfacts = "facts.json"\n'


def test_a_folder_stands_for_the_scenario_in_it(tmp_path: Path) -> None:
    written(tmp_path, SMALLEST)
    assert load_scenario(tmp_path) == load_scenario(tmp_path / "scenario.toml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScenarioError, match=r"got a folder \(it holds no scenario.toml\)"):
        load_scenario(tmp_path / "empty")


def test_one_place_of_facts_may_be_written_without_a_list(tmp_path: Path) -> None:
    text = facts_of(tmp_path)
    one = load_scenario(written(tmp_path, text))
    two = load_scenario(written(tmp_path, text.replace('"facts.json"', '["facts.json"]'), "two.toml"))
    assert one.control == two.control
    assert one.control is not None
    assert len(one.control.known_facts()) == 0
    assert one.control.position_uncertainty_m == 60.0
    assert one.sha256() == two.sha256() != load_scenario(written(tmp_path, SMALLEST, "none.toml")).sha256()


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ('[{"kind": "Party", "id": "p", "party": "Ada"}]', r"facts.json, fact 1: Party p: .*valid_from"),
        ('[{"kind": "Partei"}]', r"facts.json, fact 1: .*Partei.*Party"),
        ("{", r"facts.json:1: no JSON"),
        ("", r"facts.json:1: no JSON"),
    ],
)
def test_what_is_wrong_with_facts_is_said_with_what_is_wrong_elsewhere(tmp_path: Path, facts: str, error: str) -> None:
    path = written(tmp_path, facts_of(tmp_path, facts))
    (only,) = check_scenario(path)
    assert re.search(error, str(only))
    with pytest.raises(ScenarioError, match=error):
        load_scenario(path)
    both = check_scenario(written(tmp_path, "seeed = 3\n" + facts_of(tmp_path, facts)))
    assert [bool(re.search(error, str(one))) for one in both] == [False, True]
    assert "seeed" in str(both[0])


def test_facts_that_are_not_there_are_named_with_their_line(tmp_path: Path) -> None:
    (error,) = said(written(tmp_path, SMALLEST + '[control]\nfacts = "nowhere"\n'))
    assert re.match(r":8: control.facts\[0\]: expected facts, found none at .*nowhere", error)


def moving(track: str) -> str:
    return f'{NAME}[[terminals]]\nname = "van"\ntrack = {track}\n'


def test_a_track_gives_the_terminal_its_place(tmp_path: Path) -> None:
    way = '[["+0s", 48.0, 12.0], ["+10m", 48.2, 12.5, 700]]'
    (terminal,) = load_scenario(written(tmp_path, moving(way))).terminals
    assert (terminal.latitude_deg, terminal.longitude_deg) == (48.0, 12.0)
    assert terminal.track[1] == (timedelta(minutes=10), 48.2, 12.5, 700.0)
    dated = '[[2024-02-17T12:00:00Z, 48.0, 12.0], ["2024-02-17T12:10:00Z", 48.2, 12.5]]'
    (terminal,) = load_scenario(written(tmp_path, moving(dated))).terminals
    assert terminal.track[1].time == datetime(2024, 2, 17, 12, 10, tzinfo=UTC)
    changed = changed_scenario(load_scenario(written(tmp_path, moving(way))), {"seed": 3})
    assert changed.terminals[0].track[0].time == timedelta(0)


@pytest.mark.parametrize(
    ("track", "error"),
    [
        ('[["+1m", 48.0, 12.0], ["+1m", 48.2, 12.0]]', "order of time, found number 2"),
        ('[["+0s", 48.0, 12.0], [2024-02-17T12:00:00Z, 48.2, 12.0]]', "found both"),
        ('[["+0s", 48.0, 12.0], ["+1m", 98.0, 12.0]]', r"track\[1\]\.?\[?\w*\]?: expected at most 90, got 98"),
        ('[["soon", 48.0, 12.0]]', r'expected a UTC date .*got "soon"'),
        ('[["+0s", 48.0]]', "expected a value, got none"),
        ('"way.gpx"', r"way.gpx: cannot be read: No such file"),
        ('[["+0s", 48.0, 12.0]]\nlatitude_deg = 1.0\nlongitude_deg = 2.0', "a track or a place of its own, found both"),
        ("[]", "expected a value, got none"),
    ],
)
def test_bad_tracks_are_said_where_they_stand(tmp_path: Path, track: str, error: str) -> None:
    found = said(written(tmp_path, moving(track)))
    assert any(re.search(error, one) for one in found), found
    assert all("terminals[0]" in one for one in found)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("way.gpx", "<gpx><trk>", r"way.gpx:1: no GPX"),
        ("way.gpx", "<gpx></gpx>", "found no points"),
        ("way.gpx", '<gpx><trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>', "point 1: expected a time"),
        ("way.gpx", '<gpx><rte><rtept lat="1"><time>+0s</time></rtept></rte></gpx>', "point 1: expected numbers"),
        ("way.gpx", '<!DOCTYPE gpx [<!ENTITY a "b">]><gpx/>', "declares document types"),
        ("way.json", "{}", "expected one LineString, found 0"),
        ("way.json", "[1, 2", "neither GPX nor GeoJSON"),
        ("way.json", '{"geometry": {"type": "LineString", "coordinates": [[1, 2]]}}', "a time for each of 1 points"),
        (
            "way.json",
            '{"properties": {"times": ["+0s"]}, "geometry": {"type": "LineString", "coordinates": [[1]]}}',
            "point 1: expected .longitude, latitude",
        ),
    ],
)
def test_bad_track_files_are_named_with_their_point(tmp_path: Path, name: str, content: str, error: str) -> None:
    written(tmp_path, content, name)
    (found, *_) = [one for one in said(written(tmp_path, moving(f'"{name}"'))) if name in one]
    assert re.search(error, found)
