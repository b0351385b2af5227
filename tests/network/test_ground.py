from __future__ import annotations

import numpy as np
import pytest

from skyhaul.earth import Sites, great_circle_m
from skyhaul.errors import GroundError, NotFoundError
from skyhaul.network import FibreLine, Ground, cable_delay_s, find_name, gateway_mask_deg

LONDON, PARIS, ROME = (51.51, -0.13), (48.86, 2.35), (41.90, 12.50)


def sites(*places: tuple[float, float], name: tuple[str, ...] = ()) -> Sites:
    latitude, longitude = zip(*places, strict=True)
    return Sites.at(latitude, longitude, name=name)


def test_a_cable_of_a_thousand_kilometres_takes_4_9_ms() -> None:
    # 1,000 km × 1.468 / 299,792.458 km/s
    assert cable_delay_s(1e6) == pytest.approx(4.896721e-3, rel=1e-6)


def test_fibre_is_as_long_as_1_3_great_circles() -> None:
    ground = Ground.of(sites(LONDON, PARIS), sites(ROME))
    distance_m = great_circle_m(*LONDON, *ROME)
    assert ground.fibre_s.shape == (2, 1)
    assert ground.fibre_s[0, 0] == pytest.approx(1.3 * float(distance_m) * 1.468 / 299_792_458.0, rel=1e-12)


def test_gateways_look_down_to_5_degrees_above_62_degrees_of_latitude_only() -> None:
    assert gateway_mask_deg([0.0, 61.9, 62.0, 62.1, -70.0]).tolist() == [25.0, 25.0, 25.0, 5.0, 5.0]


def test_backbone_lines_are_followed_and_the_rest_has_cables_of_its_own() -> None:
    pops = sites(LONDON, PARIS, ROME, (40.42, -3.70), name=("London", "Paris", "Rome", "Madrid"))
    ground = Ground.of(sites(LONDON), pops, backbone=[FibreLine(0, 1, 0.010), FibreLine(1, 2, 0.020)])
    assert ground.backbone_s[0, 2] == pytest.approx(0.030)
    assert ground.backbone_s[3, 0] == pytest.approx(
        cable_delay_s(1.3 * float(great_circle_m(*LONDON, 40.42, -3.70))), rel=1e-12
    )
    assert np.array_equal(ground.backbone_s, ground.backbone_s.T)
    assert not ground.backbone_s.diagonal().any()


def test_a_gateway_with_a_line_reaches_other_pops_only_over_it() -> None:
    ground = Ground.of(
        sites(LONDON, PARIS), sites(LONDON, ROME), access=[FibreLine(0, 1, 0.050)], backbone=[FibreLine(0, 1, 0.007)]
    )
    assert ground.fibre_s[0].tolist() == pytest.approx([0.057, 0.050])
    assert ground.fibre_s[1, 0] < 0.003


def test_the_nearest_pop_is_by_great_circle_across_the_date_line_too() -> None:
    ground = Ground.of(sites(LONDON), sites((-18.14, 178.44), (-17.54, -149.57), name=("Suva", "Papeete")))
    assert ground.nearest_pop(sites((-13.83, -171.77), (-17.0, -151.0))).tolist() == [0, 1]


def test_names_are_found_by_themselves_their_case_or_a_word_of_their_own() -> None:
    names = ("SEA - STTLWAX1", "Seattle (sttlwax9)", "Paris", "paris north")
    assert find_name("sttlwax1", names, "PoP") == 0
    assert find_name("seattle", names, "PoP") == 1
    assert find_name("PARIS", names, "PoP") == 2


@pytest.mark.parametrize(("wanted", "mend"), [("Seatle", "Seattle"), ("nowhere at all", "2 PoPs"), ("", "2 PoPs")])
def test_a_name_that_is_not_there_gets_near_ones(wanted: str, mend: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        Ground.of(sites(LONDON), sites(PARIS, ROME, name=("Seattle", "Tokyo"))).pop(wanted)
    assert mend in caught.value.mend


def test_a_word_of_several_names_is_no_name() -> None:
    with pytest.raises(NotFoundError, match=r"several gateways answer to “Madrid”.*Madrid 1.*Madrid 2"):
        find_name("Madrid", ("Madrid 1", "Madrid 2"), "gateway")


@pytest.mark.parametrize(
    ("gateways", "pops", "options", "message"),
    [
        (Sites.at([], []), sites(PARIS), {}, "no gateway"),
        (sites(PARIS), Sites.at([], []), {}, "no PoP"),
        (sites(PARIS, ROME, name=("A", "A")), sites(PARIS), {}, "two gateways are named “A”"),
        (sites(PARIS), sites(PARIS), {"antennas": [0]}, "antennas of gateway “0” is 0"),
        (sites(PARIS), sites(PARIS), {"mask_deg": [90.0]}, "mask_deg of gateway “0” is 90"),
        (sites(PARIS), sites(PARIS), {"mask_deg": [float("nan")]}, "mask_deg of gateway “0” is nan"),
        (sites(PARIS), sites(PARIS), {"antennas": [8, 8]}, "2 antenna counts"),
        (sites(PARIS), sites(PARIS), {"access": [FibreLine(0, 0, -1.0)]}, "delay is -1.0"),
        (sites(PARIS), sites(PARIS), {"backbone": [FibreLine(0, 0, float("nan"))]}, "delay is nan"),
    ],
)
def test_a_ground_segment_that_cannot_be_is_refused(
    gateways: Sites, pops: Sites, options: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(GroundError, match=message) as caught:
        Ground.of(gateways, pops, **options)  # type: ignore[arg-type]
    assert caught.value.mend
    assert "\n" not in str(caught.value)
