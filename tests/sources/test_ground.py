from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skyhaul.earth import great_circle_m
from skyhaul.errors import GroundError, NotFoundError
from skyhaul.network import ROUTE_FACTOR, cable_delay_s
from skyhaul.sources import preset_ground, read_ground

GATEWAY = "Lyon,gateway,45.76,4.84,12,10\n"
POP = "Frankfurt,pop,50.11,8.68,,\n"
HEADER = "name,kind,latitude,longitude,antennas,min_elevation_deg\n"


def write(folder: Path, text: str, name: str = "ground.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_our_own_csv(tmp_path: Path) -> None:
    ground = read_ground(
        write(tmp_path, f"# a comment, with a comma\n{HEADER}{GATEWAY}\n{POP}Nuuk,gateway,64.18,-51.72,,\n")
    )
    assert ground.gateways.name == ("Lyon", "Nuuk")
    assert ground.antennas.tolist() == [12, 8]
    assert ground.mask_deg.tolist() == [10.0, 5.0]
    assert ground.pops.name == ("Frankfurt",)


def test_columns_have_aliases_and_any_order(tmp_path: Path) -> None:
    text = "Lng, LAT ,type,code,ignored\n4.84,45.76,gateway,Lyon,x\n8.68,50.11,pop,Frankfurt,y\n"
    ground = read_ground(write(tmp_path, text))
    assert ground.gateways.longitude_deg.tolist() == [4.84]
    assert ground.pops.latitude_deg.tolist() == [50.11]


def test_gateways_and_pops_in_files_of_their_own_are_merged(tmp_path: Path) -> None:
    gateways = write(tmp_path, "lat,lon\n45.76,4.84\n48.86,2.35\n", "my gateways.csv")
    pops = write(tmp_path, json.dumps([{"name": "Frankfurt", "lat": 50.11, "lon": 8.68, "type": "pop"}]), "p.json")
    ground = read_ground([gateways, pops])
    assert ground.gateways.name == ("gateway 1", "gateway 2")
    assert ground.fibre_s.shape == (2, 1)


def test_toml_with_lines(tmp_path: Path) -> None:
    text = """
    [[gateway]]
    name = "Lyon"
    latitude = 45.76
    longitude = 4.84
    antennas = 4
    [[gateway]]
    name = "Paris"
    latitude = 48.86
    longitude = 2.35
    min_elevation_deg = 15
    [[pop]]
    name = "Paris"
    latitude = 48.86
    longitude = 2.35
    [[pop]]
    name = "Frankfurt"
    latitude = 50.11
    longitude = 8.68
    [[fibre]]
    from = "Lyon"
    to = "Frankfurt"
    km = 1000
    [[fibre]]
    from = "pop:Paris"
    to = "Frankfurt"
    ms = 5
    """
    ground = read_ground(write(tmp_path, text, "ground.toml"))
    lyon, paris, frankfurt = ground.gateway("Lyon"), ground.pop("Paris"), ground.pop("Frankfurt")
    assert ground.antennas.tolist() == [4, 8]
    assert ground.mask_deg.tolist() == [25.0, 15.0]
    assert ground.fibre_s[lyon, frankfurt] == pytest.approx(cable_delay_s(1e6))
    assert ground.fibre_s[lyon, paris] == pytest.approx(cable_delay_s(1e6) + 5e-3)
    assert ground.fibre_s[ground.gateway("Paris"), paris] == 0.0


def test_a_site_listed_twice_counts_once_and_namesakes_get_a_number(tmp_path: Path) -> None:
    text = f"{HEADER}{GATEWAY}Lyon,gateway,45.77,4.85,40,25\nLyon,gateway,10,10,,\n{POP}"
    ground = read_ground(write(tmp_path, text))
    assert ground.gateways.name == ("Lyon", "Lyon (2)")
    assert ground.antennas.tolist() == [12, 8]


def test_only_operational_sites_are_taken(tmp_path: Path) -> None:
    text = "name,lat,lon,status,type\nA,1,2,operational,gateway\nB,1,3,planned,gateway\nC,5,5,operational,pop\n"
    path = write(tmp_path, text)
    assert read_ground(path).gateways.name == ("A",)
    assert read_ground(path, planned=True).gateways.name == ("A", "B")


@pytest.mark.parametrize(
    ("text", "name", "where", "message"),
    [
        ("", "ground.csv", "ground.csv", "the file is empty"),
        (" \n\n", "ground.csv", "ground.csv", "the file is empty"),
        (HEADER, "ground.csv", "ground.csv", "no rows"),
        (f"{HEADER}{POP}", "ground.csv", "ground.csv", "no gateway"),
        (f"{HEADER}{GATEWAY}", "ground.csv", "ground.csv", "no PoP"),
        ("iso3,served\nABW,0\n", "ground.csv", "ground.csv:1", "no column latitude and no column longitude"),
        ("name,kind,lat\nA,pop,1\n", "ground.csv", "ground.csv:1", "no column longitude"),
        ("lat,lon\n1,2\n", "ground.csv", "ground.csv:2", "no kind"),
        ("lat,lon\n1,2\n", "gateways_pops.csv", "gateways_pops.csv:2", "no kind"),
        (f"{HEADER}{GATEWAY}A,pup,1,2,,\n", "ground.csv", "ground.csv:3", "kind “pup” is unknown"),
        (f"{HEADER}A,pop,nan,2,,\n", "ground.csv", "ground.csv:2", "latitude is “nan”"),
        (f"{HEADER}A,pop,inf,2,,\n", "ground.csv", "ground.csv:2", "latitude is “inf”"),
        (f"{HEADER}A,pop,,2,,\n", "ground.csv", "ground.csv:2", "latitude is empty"),
        (f"{HEADER}A,pop,1\n", "ground.csv", "ground.csv:2", "longitude is empty"),
        (f"{HEADER}A,pop,90.5,2,,\n", "ground.csv", "ground.csv:2", "latitude is “90.5”"),
        (f"{HEADER}A,pop,1,181,,\n", "ground.csv", "ground.csv:2", "longitude is “181”"),
        (f"{HEADER}A,pop,1,N,,\n", "ground.csv", "ground.csv:2", "longitude is “N”"),
        (f"{HEADER}A,gateway,1,2,1.5,\n", "ground.csv", "ground.csv:2", "antennas is “1.5”"),
        (f"{HEADER}A,gateway,1,2,0,\n", "ground.csv", "ground.csv:2", "antennas is “0”"),
        (f"{HEADER}A,gateway,1,2,1,95\n", "ground.csv", "ground.csv:2", "min_elevation_deg is “95”"),
        (f"{HEADER}Lyon, FR,gateway,1,2,1,5\n", "ground.csv", "ground.csv:2", "7 fields under 6 columns"),
        (f'{HEADER}"A,gateway,1,2\n', "ground.csv", "ground.csv:2", "not CSV"),
        ("kind,lat,lon,line_lonlatalt\nbackbone,,,1\n", "g.csv", "g.csv:2", "“1” is no point of a line"),
        ("kind,lat,lon,line_lonlatalt\nbackbone,,,\n", "g.csv", "g.csv:2", "a line of 0 points"),
        ("{", "g.json", "g.json:1", "not JSON"),
        ("{}", "g.json", "g.json", "not a list of places"),
        ('[{"name": "A", "lat": null, "lon": 1, "type": "pop"}]', "g.json", "g.json: entry 1", "latitude is empty"),
        ('[{"name": "A"}]', "g.json", "g.json: entry 1", "no column latitude"),
        ("x", "g.kml", "g.kml", "“.kml” is no format"),
        ("=", "g.toml", "g.toml", "not TOML"),
        ("[[gatway]]", "g.toml", "g.toml", "table “gatway” is unknown"),
        ("[pop]", "g.toml", "g.toml", "“pop” is one table"),
        ("pop = [1]", "g.toml", "g.toml: [[pop]] 1", "“1” is no table"),
        ('[[pop]]\nname = "A"\nlat = 1', "g.toml", "g.toml: [[pop]] 1", "field “lat” is unknown"),
        ("[[pop]]\nlatitude = 1\nlongitude = 1", "g.toml", "g.toml: [[pop]] 1", "name is missing"),
        ('[[pop]]\nname = "A"\nlatitude = true', "g.toml", "g.toml: [[pop]] 1", "latitude is “True”"),
        ('[[pop]]\nname = "A"\nlongitude = 1', "g.toml", "g.toml: [[pop]] 1", "latitude is empty"),
        ('[[fibre]]\nfrom = "A"\nto = "B"', "g.toml", "g.toml: [[fibre]] 1", "either km or ms"),
        ('[[fibre]]\nfrom = "A"\nto = "B"\nkm = -1', "g.toml", "g.toml: [[fibre]] 1", "km is “-1”"),
    ],
)
def test_bad_files_say_where_and_what_to_do(tmp_path: Path, text: str, name: str, where: str, message: str) -> None:
    with pytest.raises(GroundError) as caught:
        read_ground(write(tmp_path, text, name))
    assert caught.value.where == str(tmp_path / where)
    assert message in caught.value.what
    assert caught.value.mend
    assert "\n" not in str(caught.value)


TWO_OF_ONE_NAME = """
[[gateway]]
name = "Paris"
latitude = 48.86
longitude = 2.35
[[gateway]]
name = "Lyon"
latitude = 45.76
longitude = 4.84
[[pop]]
name = "Paris"
latitude = 48.86
longitude = 2.35
[[fibre]]
ms = 1
"""


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ('from = "Lyon"\nto = "Paris"', "“Paris” is a gateway and a PoP"),
        ('from = "Lyon"\nto = "gateway:Paris"', "are both gateways"),
        ('from = "Lyon"\nto = "Pariss"', "no PoP is named “Pariss”"),
        ('from = "gateway:Lyons"\nto = "pop:Paris"', "no gateway is named “Lyons”"),
    ],
)
def test_lines_between_ends_that_cannot_be(tmp_path: Path, ends: str, message: str) -> None:
    with pytest.raises(GroundError, match=message) as caught:
        read_ground(write(tmp_path, TWO_OF_ONE_NAME + ends, "g.toml"))
    assert caught.value.where.endswith("g.toml: [[fibre]] 1")
    assert caught.value.mend


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(GroundError, match=r"none\.csv: cannot read"):
        read_ground(tmp_path / "none.csv")
    path = tmp_path / "ground.csv"
    path.write_bytes(b"name,lat\n\xff\xfe")
    with pytest.raises(GroundError, match="byte 9 is not UTF-8"):
        read_ground(path)


def test_the_preset_covers_the_inhabited_world() -> None:
    ground = preset_ground()
    assert len(ground.gateways) >= 120
    assert len(ground.pops) >= 40
    assert np.isfinite(ground.fibre_s).all()
    assert np.isfinite(ground.backbone_s).all()
    # A satellite at 550 km is above 25° out to 940 km: most towns need a gateway within twice that.
    for latitude, longitude in [(64, -21), (-52, -70), (-38, 178), (0, 37), (28, 77), (47, 8), (-3, -60), (36, 138)]:
        nearest_m = great_circle_m(
            latitude, longitude, ground.gateways.latitude_deg, ground.gateways.longitude_deg
        ).min()
        assert nearest_m < 1.9e6


def test_a_preset_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(NotFoundError, match="presets: cities"):
        preset_ground("moon")


@pytest.mark.data
class TestPublicLists:
    """The lists of other people load as they are."""

    @pytest.fixture
    def folder(self, data_folder: Path) -> Path:
        return data_folder / "ground_segment"

    def test_the_community_map_of_2023(self, folder: Path) -> None:
        ground = read_ground(folder / "gateways_pops_backbone_2023-10-10.csv")
        # About 150 gateways were in service when the map was drawn; its two PoPs in yellow were not.
        assert len(ground.gateways) == 153
        assert len(ground.pops) == 21
        names = " ".join(ground.gateways.name)
        assert "TT&C" not in names
        assert "backhaul only" not in names
        assert "Possible site" not in names
        assert {"Awarua, NZ", "Goonhilly, UK", "New Braunfels, TX | Mega"} <= set(ground.gateways.name)
        assert not {"Hillsboro, TX | Mega", "Foggia, IT", "York, PA | Mega"} & set(ground.gateways.name)
        assert ground.antennas[ground.gateway("Goonhilly, UK")] == 8
        assert ground.antennas[ground.gateway("Brunswick, ME | Mega")] == 40
        assert ground.mask_deg[ground.gateway("Nome, AK")] == 5.0

    def test_its_backbone_lines_follow_their_courses(self, folder: Path) -> None:
        ground = read_ground(folder / "gateways_pops_backbone_2023-10-10.csv")
        london, frankfurt, lagos = ground.pop("LON"), ground.pop("FRA"), ground.pop("LOS")
        direct_m = great_circle_m(51.5114777, -0.0012635, 50.1196613, 8.7346252)
        assert ground.backbone_s[london, frankfurt] == pytest.approx(cable_delay_s(ROUTE_FACTOR * float(direct_m)))
        # Madrid to Lagos by sea round Africa's bulge: above 7,000 km, and 1.3 great circles are 5,000.
        assert ground.backbone_s[ground.pop("MAD"), lagos] > cable_delay_s(7e6)
        assert np.isfinite(ground.backbone_s).all()

    def test_the_list_of_2026_has_planned_sites(self, folder: Path) -> None:
        path = folder / "gateways_pops_2026-03-20.csv"
        ground = read_ground(path)
        operational = path.read_text(encoding="utf-8").count(",operational,")
        assert len(ground.gateways) + len(ground.pops) == operational == 249
        every = read_ground(path, planned=True)
        assert len(every.gateways) + len(every.pops) == 357

    def test_planned_sites_of_the_map_are_there_on_request(self, folder: Path) -> None:
        ground = read_ground(folder / "gateways_pops_backbone_2023-10-10.csv", planned=True)
        # All 222 but three for telemetry and two that feed another operator's network.
        assert len(ground.gateways) == 217
        assert len(ground.pops) == 23

    @pytest.mark.parametrize(
        ("gateways", "pops", "counts"),
        [
            ("gateways_2026-01_horizon.csv", "starlink_pops_2025-10.csv", (173, 48)),
            ("gateways_2026-01_horizon.csv", "starlink_pops_2026-04.csv", (173, 56)),
            ("oneweb_gateways_lonlat_2025-06.csv", "oneweb_pops_2025-06.json", (40, 29)),
        ],
    )
    def test_gateways_of_one_list_and_pops_of_another(
        self, folder: Path, gateways: str, pops: str, counts: tuple[int, int]
    ) -> None:
        ground = read_ground([folder / gateways, folder / pops])
        assert (len(ground.gateways), len(ground.pops)) == counts
        assert np.isfinite(ground.fibre_s).all()
        assert np.hypot(ground.pops.latitude_deg, ground.pops.longitude_deg).min() > 1.0

    def test_codes_are_found(self, folder: Path) -> None:
        lists = [folder / "gateways_2026-01_horizon.csv", folder / "starlink_pops_2026-04.csv"]
        ground = read_ground(lists)
        assert ground.pops.name[ground.pop("frntdeu1")] == "Frankfurt (frntdeu1)"

    def test_a_list_of_countries_is_no_ground_segment(self, folder: Path) -> None:
        with pytest.raises(GroundError, match="without coordinates"):
            read_ground(folder / "service_by_country_2026-01.csv")
