"""Why a satellite serves a terminal, or does not; and why a terminal is not served."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """The outcome for one terminal, or for one satellite as seen from one terminal, in one slot.

    The order is the order of the tests: a satellite's reason is the first test it fails, and a terminal without
    service is given the furthest test that any of its satellites reached.
    """

    SERVED = 0
    NO_SATELLITE = 1  # nothing above the terminal's mask
    ELEVATION = 2  # below the mask at some time of the slot
    SATELLITE_OUT = 3  # failed
    OBSTRUCTED = 4  # behind the terminal's obstruction mask at some time of the slot
    GSO_ARC = 5  # too close to the geostationary arc at some time of the slot
    NO_GATEWAY = 6  # no gateway in view, and no laser route to one
    NO_ANTENNA = 7  # every gateway in view has all its antennas in use
    NO_BEAM = 8  # all beams of the satellite in use
    NOT_CHOSEN = 9  # could have served; the strategy took another
    NO_GRANT = 10  # the terminal may not be served
    POP_OUT = 11  # the terminal's point of presence failed

    @property
    def words(self) -> str:
        """The reason in words for people."""
        return _WORDS[self]


_WORDS = {
    Reason.SERVED: "served",
    Reason.NO_SATELLITE: "no satellite above the mask",
    Reason.ELEVATION: "below the elevation mask during the slot",
    Reason.SATELLITE_OUT: "satellite out of service",
    Reason.OBSTRUCTED: "behind an obstruction",
    Reason.GSO_ARC: "too close to the geostationary arc",
    Reason.NO_GATEWAY: "no gateway in reach",
    Reason.NO_ANTENNA: "no gateway antenna free",
    Reason.NO_BEAM: "no beam free",
    Reason.NOT_CHOSEN: "could serve, another was chosen",
    Reason.NO_GRANT: "no grant",
    Reason.POP_OUT: "point of presence out of service",
}
