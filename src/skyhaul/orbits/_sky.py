"""Where every satellite is, Earth-fixed."""

from __future__ import annotations

from dataclasses import dataclass

from skyhaul.types import Bytes, Floats, Times


@dataclass(frozen=True, slots=True)
class Sky:
    """Earth-fixed positions and velocities of N satellites at one instant, or at T instants.

    time         datetime64[ns], () or (T,)
    position_m   (3, N) or (T, 3, N), pseudo-Earth-fixed (WGS-84 axes; UT1 = UTC and no polar motion)
    velocity_m_s the same shape, relative to the turning Earth, or None when not asked for
    error        (N,) or (T, N) int8: SGP4 error codes, 0 = good; the position of a satellite in error is NaN
    """

    time: Times
    position_m: Floats
    velocity_m_s: Floats | None
    error: Bytes

    def __getitem__(self, index: int) -> Sky:
        velocity = None if self.velocity_m_s is None else self.velocity_m_s[index]
        return Sky(self.time[index], self.position_m[index], velocity, self.error[index])
