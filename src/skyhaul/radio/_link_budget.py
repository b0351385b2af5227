"""What a beam carries at a distance: free-space loss, noise, and the modulation they allow."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from skyhaul.errors import InputError
from skyhaul.radio._light import LIGHT_M_S
from skyhaul.radio._modcods import ModCod, worthwhile
from skyhaul.types import Floats, Ints

# CODATA 2018, exact by the definition of the SI.
_BOLTZMANN_DBW_K_HZ = 10.0 * np.log10(1.380649e-23)

_MODCODS = worthwhile()
_NEEDED_DB = np.array([modcod.es_n0_db for modcod in _MODCODS])
_BITS = np.array([0.0] + [modcod.bits_per_symbol for modcod in _MODCODS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel of a beam in a clear sky, and what it carries by distance.

    eirp_dbw       power towards the receiver, as from an antenna that radiates evenly
    g_over_t_db_k  antenna gain over noise temperature of the receiver
    frequency_hz   the middle of the band
    channel_hz     width of the channel
    roll_off       part of a symbol rate that the channel is wider
    margin_db      everything that is not free space: gases, interference, pointing, implementation

    The signal decides modulation and code rate by ETSI EN 302 307-1 table 13 (DVB-S2) and EN 302 307-2 table 20a
    (DVB-S2X). The tables are an ideal receiver's; a real system's own waveform (Starlink's is OFDM) is not public.
    Not in it: rain (give its attenuation), a beam that scans off its axis, and transmitters that lower their power near
    the zenith to keep a flux limit. Raises InputError naming a field out of range.
    """

    eirp_dbw: float
    g_over_t_db_k: float
    frequency_hz: float
    channel_hz: float
    # One of the three that DVB-S2X adds (EN 302 307-2), and the one that turns 16APSK 28/45 in 250 MHz into the
    # 558.7 Mbit/s of del Portillo, Cameron and Crawley, "A technical comparison of three low earth orbit satellite
    # constellation systems to provide global broadband", Acta Astronautica 159 (2019), 123–135.
    roll_off: float = 0.1
    # What those authors' user beam leaves over 16APSK 28/45 at the edge of their SpaceX coverage: 1,150 km, 40° (FCC
    # 18-38, 2018), which is 13.5 dB of signal at 11.7 GHz against 8.1 dB needed and 8.4 dB for the next modulation.
    margin_db: float = 5.3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            positive = field.name.endswith("_hz")
            if not (np.isfinite(value) and (value > 0.0 or not positive)) or (field.name == "roll_off" and value < 0.0):
                raise InputError(
                    f"{field.name} of {value}",
                    where="radio channel",
                    mend="a positive number" if positive else "a finite number, roll-off not below 0",
                )

    @property
    def symbol_rate_hz(self) -> float:
        """Symbols a second."""
        return self.channel_hz / (1.0 + self.roll_off)

    def free_space_loss_db(self, slant_range_m: npt.ArrayLike) -> Floats:
        """Loss (…) of spreading over distances (…), Recommendation ITU-R P.525."""
        distance = np.asarray(slant_range_m, dtype=np.float64)
        loss: Floats = 20.0 * np.log10(4.0 * np.pi * distance * self.frequency_hz / LIGHT_M_S)
        return loss

    def carrier_to_noise_db(self, slant_range_m: npt.ArrayLike, attenuation_db: npt.ArrayLike = 0.0) -> Floats:
        """Signal over thermal noise (…) in the symbol rate, before the margin; the attenuation is the weather's."""
        signal: Floats = (
            self.eirp_dbw
            + self.g_over_t_db_k
            - self.free_space_loss_db(slant_range_m)
            - np.asarray(attenuation_db, dtype=np.float64)
            - _BOLTZMANN_DBW_K_HZ
            - 10.0 * np.log10(self.symbol_rate_hz)
        )
        return signal

    def modcod(self, slant_range_m: float, attenuation_db: float = 0.0) -> ModCod | None:
        """The modulation and code rate at one distance; None when even the most robust one fails."""
        step = int(self._step(slant_range_m, attenuation_db))
        return _MODCODS[step - 1] if step else None

    def rate_bps(self, slant_range_m: npt.ArrayLike, attenuation_db: npt.ArrayLike = 0.0) -> Floats:
        """Bits a second (…) that the channel carries over distances (…); 0 where no modulation gets through.

        All of the channel for whoever shares it, framing of DVB-S2 taken off. Not a number gives 0.
        """
        return np.asarray(_BITS[self._step(slant_range_m, attenuation_db)] * self.symbol_rate_hz)

    def _step(self, slant_range_m: npt.ArrayLike, attenuation_db: npt.ArrayLike) -> Ints:
        signal = self.carrier_to_noise_db(slant_range_m, attenuation_db) - self.margin_db
        return np.searchsorted(_NEEDED_DB, np.nan_to_num(signal, nan=-np.inf), side="right")


# For scale, operators' statements over the beams of FCC filings: 17–23 Gbit/s (v1.5) and 96 Gbit/s (V2 mini) over 48
# beams down are 0.35–0.48 and 2 Gbit/s a beam, 6.7 Gbit/s (V2 mini) over 16 beams up is 0.42 Gbit/s. Here, from 550 km
# at 25° to 90° of elevation: 0.72–1.14 Gbit/s down and 0.25–0.34 Gbit/s up.

# From a satellite to a terminal. EIRP and G/T: del Portillo et al. 2019 from SpaceX's filing of 2018. Band and channel:
# Humphreys et al., "Signal Structure of the Starlink Ku-Band Downlink", IEEE Trans. Aerosp. Electron. Syst. 59 (2023).
USER_DOWNLINK = Channel(eirp_dbw=36.7, g_over_t_db_k=9.8, frequency_hz=11.7e9, channel_hz=240e6)

# From a terminal to a satellite. EIRP: the weaker of the two fixed terminals of FCC file SES-LIC-20230228-00228 as
# first licensed (33.2 dBW; 39.2 since). G/T: 3GPP TR 38.821 table 6.1.1.1-1 for a satellite at 600 km whose beams are
# 20 km wide, as wide as a cell: 38.5 dBi over 355 K; beams as wide with a receiver as good have the same G/T in this
# band as in its 30 GHz. Band and channel: 14.0–14.5 GHz (FCC 21-48), 62.5 MHz (Humphreys et al. 2023).
USER_UPLINK = Channel(eirp_dbw=33.2, g_over_t_db_k=13.0, frequency_hz=14.25e9, channel_hz=62.5e6)


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """Both directions of a user beam, and what they carry by distance.

    down, up  one channel from the satellite to the terminals of a cell, and one from them to the satellite
    """

    down: Channel = USER_DOWNLINK
    up: Channel = USER_UPLINK

    def down_bps(self, slant_range_m: npt.ArrayLike, attenuation_db: npt.ArrayLike = 0.0) -> Floats:
        """Bits a second (…) from the satellite over distances (…), shared by the terminals of a cell."""
        return self.down.rate_bps(slant_range_m, attenuation_db)

    def up_bps(self, slant_range_m: npt.ArrayLike, attenuation_db: npt.ArrayLike = 0.0) -> Floats:
        """Bits a second (…) to the satellite over distances (…), shared by the terminals of a cell.

        The attenuation is that of the uplink's own, higher band.
        """
        return self.up.rate_bps(slant_range_m, attenuation_db)
