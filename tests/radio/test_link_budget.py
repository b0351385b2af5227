from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skyhaul.errors import InputError
from skyhaul.radio import MODCODS, USER_DOWNLINK, USER_UPLINK, Channel, LinkBudget, ModCod

BITS = {"QPSK": 2, "8PSK": 3, "8APSK": 3, "16APSK": 4, "32APSK": 5, "64APSK": 6, "128APSK": 7, "256APSK": 8}


def _slant_range_m(height_km: float, elevation_deg: float) -> float:
    rise = 6378.137 * np.sin(np.radians(elevation_deg))
    return float(1e3 * (np.sqrt(rise**2 + 2.0 * 6378.137 * height_km + height_km**2) - rise))


@pytest.mark.parametrize("modcod", MODCODS, ids=lambda m: m.name)
def test_a_modcod_carries_its_code_rate_less_framing_and_respects_shannon(modcod: ModCod) -> None:
    modulation, rate = modcod.name.removesuffix("-L").split()
    full = BITS[modulation] * float(Fraction(rate))
    # Outer code, baseband and physical headers take 0.5 to 2.5 % of a frame of 64,800 bits.
    assert 0.975 * full < modcod.bits_per_symbol < 0.995 * full
    capacity = np.log2(1.0 + 10.0 ** (modcod.es_n0_db / 10.0))
    assert 0.6 * capacity < modcod.bits_per_symbol < capacity


def test_free_space_loss_of_textbooks() -> None:
    # 92.45 dB at 1 km and 1 GHz; 205.6 dB from the geostationary orbit at 12.75 GHz.
    budget = replace(USER_DOWNLINK, frequency_hz=1e9)
    assert_allclose(budget.free_space_loss_db([1e3, 1e4]), [92.4478, 112.4478], atol=1e-3)
    assert_allclose(replace(budget, frequency_hz=12.75e9).free_space_loss_db(35_786e3), 205.63, atol=0.01)


def test_signal_over_noise_by_hand() -> None:
    # 36.7 + 9.8 − 175.0 (1,123 km, 11.95 GHz) + 228.6 − 83.57 (227.3 Msymbol/s).
    budget = replace(USER_DOWNLINK, frequency_hz=11.95e9, channel_hz=250e6)
    assert_allclose(budget.carrier_to_noise_db(1.123e6), 16.53, atol=0.02)
    assert_allclose(budget.carrier_to_noise_db(1.123e6, 3.0), 13.53, atol=0.02)


def test_the_published_operating_point() -> None:
    """del Portillo et al. 2019: 558.7 Mbit/s in 250 MHz for SpaceX's user beam, worst at 1,150 km and 40°."""
    budget = replace(USER_DOWNLINK, channel_hz=250e6)
    distance = _slant_range_m(1150.0, 40.0)
    assert_allclose(budget.rate_bps(distance), 558.7e6, atol=0.05e6)
    modcod = budget.modcod(distance)
    assert modcod is not None
    assert modcod.name == "16APSK 28/45"
    assert modcod.bits_per_symbol / (1.0 + budget.roll_off) == pytest.approx(2.23, abs=0.01)


def test_rates_at_550_km_lie_between_the_operators_generations() -> None:
    for elevation in (25.0, 40.0, 90.0):
        distance = _slant_range_m(550.0, elevation)
        # v1.5 0.35–0.48 Gbit/s a beam, V2 mini 2 Gbit/s down and 0.42 Gbit/s up, by operator statements.
        assert 0.48e9 < USER_DOWNLINK.rate_bps(distance) < 2e9
        assert 0.1e9 < USER_UPLINK.rate_bps(distance) < 0.42e9


@given(
    st.lists(st.floats(2e5, 5e7), min_size=2, max_size=30),
    st.floats(0.0, 30.0),
    st.sampled_from([USER_DOWNLINK, USER_UPLINK]),
)
def test_farther_or_wetter_never_carries_more(distances: list[float], rain_db: float, budget: Channel) -> None:
    distance = np.sort(distances)
    clear, wet = budget.rate_bps(distance), budget.rate_bps(distance, rain_db)
    assert (np.diff(clear) <= 0.0).all()
    assert (wet <= clear).all()
    capacity = budget.symbol_rate_hz * np.log2(1.0 + 10.0 ** (budget.carrier_to_noise_db(distance) / 10.0))
    assert (clear < capacity).all()
    # An attenuation is as good as a distance.
    assert_array_equal(wet, budget.rate_bps(distance * 10.0 ** (rain_db / 20.0) * (1.0 - 1e-12)))


def test_a_link_fades_out() -> None:
    assert USER_DOWNLINK.modcod(1e6, 40.0) is None
    assert_array_equal(USER_DOWNLINK.rate_bps([1e6, np.nan, 1e6], [40.0, 0.0, np.nan]), [0.0, 0.0, 0.0])
    faint = USER_DOWNLINK.modcod(1e6, float(USER_DOWNLINK.carrier_to_noise_db(1e6)) - USER_DOWNLINK.margin_db + 2.8)
    assert faint is not None
    assert faint.name == "QPSK 2/9"


def test_rates_of_a_table_of_pairs_and_weathers() -> None:
    rates = USER_DOWNLINK.rate_bps(np.array([[6e5], [1.2e6]]), np.array([0.0, 2.0, 5.0]))
    assert rates.shape == (2, 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("channel_hz", 0.0), ("frequency_hz", -1.0), ("roll_off", -0.1), ("eirp_dbw", np.nan), ("margin_db", np.inf)],
)
def test_a_field_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(InputError, match=f"radio channel: {field} of {value}"):
        replace(USER_DOWNLINK, **{field: value})


def test_a_beam_has_two_directions() -> None:
    beam = LinkBudget()
    assert_array_equal(beam.down_bps([6e5, 9e5], 2.0), USER_DOWNLINK.rate_bps([6e5, 9e5], 2.0))
    assert_array_equal(beam.up_bps([6e5, 9e5], 3.0), USER_UPLINK.rate_bps([6e5, 9e5], 3.0))
    assert LinkBudget(down=USER_UPLINK).down_bps(6e5) == USER_UPLINK.rate_bps(6e5)
