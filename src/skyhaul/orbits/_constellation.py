"""All satellites of a constellation, propagated together."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyhaul._threads import in_parts
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._frames import EARTH_ROTATION_RAD_S, gmst_rad
from skyhaul.orbits._sgp4_init import near_earth_constants
from skyhaul.orbits._sky import Sky
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32, Times

_MINUTE_NS = 60_000_000_000
_DAY_NS = 86_400_000_000_000
_MINUTES_MOST = 1.0e7  # 19 years: below it angles stay below 10^6 rad, the range of the kernel's sine and cosine
_SGP4_EPOCH = np.datetime64("1949-12-31T00:00:00", "ns")  # sgp4init counts days from here


class Constellation:
    """N satellites, and where they are at any instant.

    Positions are those of SGP4 with the WGS-72 constants, as elements need it. Near-Earth orbits go through Skyhaul's
    own vectorised kernel; deep-space ones (periods of 225 min and more), eccentric ones, and instants at which the
    theory breaks down go through the `sgp4` package, whose error codes are kept.
    """

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        near = near_earth_constants(elements)
        self._constants = near.constants
        self._general = near.general
        self._satrecs: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.elements)

    def age(self, time: np.datetime64) -> Floats:
        """(N,) days from each satellite's epoch to `time`; negative before it."""
        return np.asarray((time - self.elements.epoch).astype(np.int64) / _DAY_NS)

    def at(
        self,
        times: Times | np.datetime64,
        *,
        satellites: Ints | Ints32 | None = None,
        velocity: bool = True,
        into: Sky | None = None,
    ) -> Sky:
        """The sky at an instant, or at T instants.

        times       UTC datetime64, () or (T,)
        satellites  indices of those wanted, in that order; all when None
        velocity    whether velocities are worked out too
        into        an earlier result of T instants whose memory may be written over, if it has the right shape: fresh
                    memory costs a batch a fifth of its time

        Good to the elements' own error (docs/accuracy.md), plus 10 m for polar motion and 0.5 m for each ms that UT1
        is away from UTC.
        """
        when = np.atleast_1d(np.asarray(times, dtype="datetime64[ns]"))
        angle = gmst_rad(when)
        turn = np.stack((np.cos(angle), np.sin(angle)), axis=1)
        position, speed, error = self._propagate(when, satellites, turn, EARTH_ROTATION_RAD_S, 1000.0, velocity, into)
        sky = Sky(when, position, speed, error)
        return sky if np.ndim(times) else sky[0]

    def teme(
        self, times: Times | np.datetime64, *, satellites: Ints | Ints32 | None = None
    ) -> tuple[Floats, Floats, Bytes]:
        """Positions (T, 3, N) in km, velocities (T, 3, N) in km/s and error codes (T, N) in TEME, the frame of SGP4.

        An instant for `times` gives T = 1.
        """
        when = np.atleast_1d(np.asarray(times, dtype="datetime64[ns]"))
        still = np.tile([1.0, 0.0], (len(when), 1))
        position, velocity, error = self._propagate(when, satellites, still, 0.0, 1.0, True)
        assert velocity is not None
        return position, velocity, error

    def _propagate(
        self,
        when: Times,
        satellites: Ints | Ints32 | None,
        turn: Floats,
        rotation_rad_s: float,
        scale: float,
        wants_velocity: bool,
        into: Sky | None = None,
    ) -> tuple[Floats, Floats | None, Bytes]:
        from skyhaul.orbits._sgp4_kernel import positions, positions_and_velocities

        chosen = np.arange(len(self)) if satellites is None else np.asarray(satellites, dtype=np.int64)
        constants = self._constants if satellites is None else np.ascontiguousarray(self._constants[:, chosen])
        shape = (len(when), 3, len(chosen))
        position = _memory(None if into is None else into.position_m, shape)
        velocity = _memory(None if into is None else into.velocity_m_s, shape) if wants_velocity else None
        unsure = np.zeros((len(when), len(chosen)), dtype=np.bool_)
        error = np.zeros((len(when), len(chosen)), dtype=np.int8)
        if not len(when) or not len(chosen):
            return position, velocity, error

        # Integer nanoseconds: nothing is lost between an epoch and an instant years later.
        epoch = self.elements.epoch.astype("datetime64[ns]")[chosen]
        offset = (when[0] - epoch).astype(np.int64) / _MINUTE_NS
        minutes = (when - when[0]).astype(np.int64) / _MINUTE_NS

        def work(part: slice) -> None:
            when_, turn_, out, bad = minutes[part], turn[part], position[part], unsure[part]
            if velocity is None:
                positions(constants, offset, when_, turn_, scale, out, bad)
            else:
                positions_and_velocities(
                    constants, offset, when_, turn_, rotation_rad_s, scale, out, velocity[part], bad
                )

        in_parts(work, len(when), len(when) * len(chosen))
        unsure[:, self._general[chosen]] = True
        if max(offset.max() + minutes.max(), -offset.min() - minutes.min()) > _MINUTES_MOST:
            unsure |= np.abs(offset + minutes[:, None]) > _MINUTES_MOST
        if unsure.any():
            self._mend(when, chosen, unsure, turn, rotation_rad_s, scale, position, velocity, error)
        return position, velocity, error

    def _mend(
        self,
        when: Times,
        chosen: Ints,
        unsure: Bools,
        turn: Floats,
        rotation_rad_s: float,
        scale: float,
        position: Floats,
        velocity: Floats | None,
        error: Bytes,
    ) -> None:
        """Ask the `sgp4` package for the pairs that the kernel is unsure of."""
        for column in np.flatnonzero(unsure.any(axis=0)):
            satellite = int(chosen[column])
            satrec = self._satrec(satellite)
            rows = np.flatnonzero(unsure[:, column])
            since = (when[rows] - self.elements.epoch[satellite]).astype(np.int64) / _MINUTE_NS
            for row, minutes in zip(rows, since.tolist(), strict=True):
                code, r, v = satrec.sgp4_tsince(minutes)
                error[row, column] = code
                cosine, sine = turn[row]
                x, y, z = r if code == 0 else (np.nan, np.nan, np.nan)
                px, py = cosine * x + sine * y, cosine * y - sine * x
                position[row, :, column] = (px * scale, py * scale, z * scale)
                if velocity is not None:
                    vx, vy, vz = v
                    velocity[row, :, column] = (
                        (cosine * vx + sine * vy + rotation_rad_s * py) * scale,
                        (cosine * vy - sine * vx - rotation_rad_s * px) * scale,
                        vz * scale if code == 0 else np.nan,
                    )

    def _satrec(self, satellite: int) -> Any:
        if satellite not in self._satrecs:
            from sgp4.api import WGS72, Satrec

            e = self.elements
            turn = 2.0 * np.pi
            satrec = Satrec()
            satrec.sgp4init(
                WGS72,
                "i",
                int(e.catalog_number[satellite]) % 339_999,  # a label; the package takes no larger one
                float((e.epoch[satellite] - _SGP4_EPOCH).astype(np.int64) / _DAY_NS),
                float(e.bstar_per_er[satellite]),
                float(e.mean_motion_dot_rev_day2[satellite]) * turn / 1440.0**2,
                float(e.mean_motion_ddot_rev_day3[satellite]) * turn / 1440.0**3,
                float(e.eccentricity[satellite]),
                float(np.radians(e.argument_of_perigee_deg[satellite])),
                float(np.radians(e.inclination_deg[satellite])),
                float(np.radians(e.mean_anomaly_deg[satellite])),
                float(e.mean_motion_rev_day[satellite]) * turn / 1440.0,
                float(np.radians(e.raan_deg[satellite])),
            )
            self._satrecs[satellite] = satrec
        return self._satrecs[satellite]


def _memory(old: Floats | None, shape: tuple[int, ...]) -> Floats:
    """The old array if it can be written over, else a new one."""
    return old if old is not None and old.shape == shape and old.flags.c_contiguous else np.empty(shape)
