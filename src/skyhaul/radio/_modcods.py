"""Modulation and coding: how many bits a symbol carries, and the signal it needs."""

from __future__ import annotations

from typing import NamedTuple


class ModCod(NamedTuple):
    """One modulation and code rate of DVB-S2 or DVB-S2X, frames of 64,800 bits.

    es_n0_db  energy of a symbol over noise density that an ideal receiver needs for quasi-error-free reception
    """

    name: str
    es_n0_db: float
    bits_per_symbol: float


# ETSI EN 302 307-1 (DVB-S2), table 13.
_DVB_S2 = (
    ModCod("QPSK 1/4", -2.35, 0.490243),
    ModCod("QPSK 1/3", -1.24, 0.656448),
    ModCod("QPSK 2/5", -0.30, 0.789412),
    ModCod("QPSK 1/2", 1.00, 0.988858),
    ModCod("QPSK 3/5", 2.23, 1.188304),
    ModCod("QPSK 2/3", 3.10, 1.322253),
    ModCod("QPSK 3/4", 4.03, 1.487473),
    ModCod("QPSK 4/5", 4.68, 1.587196),
    ModCod("QPSK 5/6", 5.18, 1.654663),
    ModCod("QPSK 8/9", 6.20, 1.766451),
    ModCod("QPSK 9/10", 6.42, 1.788612),
    ModCod("8PSK 3/5", 5.50, 1.779991),
    ModCod("8PSK 2/3", 6.62, 1.980636),
    ModCod("8PSK 3/4", 7.91, 2.228124),
    ModCod("8PSK 5/6", 9.35, 2.478562),
    ModCod("8PSK 8/9", 10.69, 2.646012),
    ModCod("8PSK 9/10", 10.98, 2.679207),
    ModCod("16APSK 2/3", 8.97, 2.637201),
    ModCod("16APSK 3/4", 10.21, 2.966728),
    ModCod("16APSK 4/5", 11.03, 3.165623),
    ModCod("16APSK 5/6", 11.61, 3.300184),
    ModCod("16APSK 8/9", 12.89, 3.523143),
    ModCod("16APSK 9/10", 13.13, 3.567342),
    ModCod("32APSK 3/4", 12.73, 3.703295),
    ModCod("32APSK 4/5", 13.64, 3.951571),
    ModCod("32APSK 5/6", 14.28, 4.119540),
    ModCod("32APSK 8/9", 15.69, 4.397854),
    ModCod("32APSK 9/10", 16.05, 4.453027),
)

# ETSI EN 302 307-2 (DVB-S2X), table 20a, linear channel; -L marks constellations made for it.
_DVB_S2X = (
    ModCod("QPSK 2/9", -2.85, 0.434841),
    ModCod("QPSK 13/45", -2.03, 0.567805),
    ModCod("QPSK 9/20", 0.22, 0.889135),
    ModCod("QPSK 11/20", 1.45, 1.088581),
    ModCod("8APSK 5/9-L", 4.73, 1.647211),
    ModCod("8APSK 26/45-L", 5.13, 1.713601),
    ModCod("8PSK 23/36", 6.12, 1.896173),
    ModCod("8PSK 25/36", 7.02, 2.062148),
    ModCod("8PSK 13/18", 7.49, 2.145136),
    ModCod("16APSK 1/2-L", 5.97, 1.972253),
    ModCod("16APSK 8/15-L", 6.55, 2.104850),
    ModCod("16APSK 5/9-L", 6.84, 2.193247),
    ModCod("16APSK 26/45", 7.51, 2.281645),
    ModCod("16APSK 3/5", 7.80, 2.370043),
    ModCod("16APSK 3/5-L", 7.41, 2.370043),
    ModCod("16APSK 28/45", 8.10, 2.458441),
    ModCod("16APSK 23/36", 8.38, 2.524739),
    ModCod("16APSK 2/3-L", 8.43, 2.635236),
    ModCod("16APSK 25/36", 9.27, 2.745734),
    ModCod("16APSK 13/18", 9.71, 2.856231),
    ModCod("16APSK 7/9", 10.65, 3.077225),
    ModCod("16APSK 77/90", 11.99, 3.386618),
    ModCod("32APSK 2/3-L", 11.10, 3.291954),
    ModCod("32APSK 32/45", 11.75, 3.510192),
    ModCod("32APSK 11/15", 12.17, 3.620536),
    ModCod("32APSK 7/9", 13.05, 3.841226),
    ModCod("64APSK 32/45-L", 13.98, 4.206428),
    ModCod("64APSK 11/15", 14.81, 4.338659),
    ModCod("64APSK 7/9", 15.47, 4.603122),
    ModCod("64APSK 4/5", 15.87, 4.735354),
    ModCod("64APSK 5/6", 16.55, 4.936639),
    ModCod("128APSK 3/4", 17.73, 5.163248),
    ModCod("128APSK 7/9", 18.53, 5.355556),
    ModCod("256APSK 29/45-L", 16.98, 5.065690),
    ModCod("256APSK 2/3-L", 17.24, 5.241514),
    ModCod("256APSK 31/45-L", 18.10, 5.417338),
    ModCod("256APSK 32/45", 18.59, 5.593162),
    ModCod("256APSK 11/15-L", 18.84, 5.768987),
    ModCod("256APSK 3/4", 19.57, 5.900855),
)

MODCODS = _DVB_S2 + _DVB_S2X


def worthwhile(modcods: tuple[ModCod, ...] = MODCODS) -> tuple[ModCod, ...]:
    """Those that carry more than every one which needs as little signal, weakest signal first."""
    kept: list[ModCod] = []
    for modcod in sorted(modcods, key=lambda m: (m.es_n0_db, -m.bits_per_symbol)):
        if not kept or modcod.bits_per_symbol > kept[-1].bits_per_symbol:
            kept.append(modcod)
    return tuple(kept)
