"""What a dish needs to know of the system, and where it asks: the seam between the two."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from skyhaul import __version__
from skyhaul.control.decision import Code
from skyhaul.network import Reason


class Mobility(IntEnum):
    """The kind of move that a terminal's plan allows; numbers of `UserMobilityClass`."""

    STATIONARY = 0
    NOMADIC = 1
    MOBILE = 2


class ServiceClass(IntEnum):
    """The service that a terminal's holder pays for; numbers of `UserClassOfService`."""

    UNKNOWN = 0
    CONSUMER = 1
    BUSINESS = 2
    BUSINESS_PLUS = 3
    COMMERCIAL_AVIATION = 4


UNNAMED_MODEL = "skyhaul"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a dish is, as it came from its maker and was set up.

    id                      `ut........-........-........`, see `hardware_id`
    country_code            of its account, ISO 3166-1 alpha-2; empty if unknown
    boresight_azimuth_deg,  where the middle of its face looks; 90° of elevation is a dish that lies flat
    boresight_elevation_deg
    power_w, standby_w      drawn while its radio is on, and while it sleeps or is stowed; 0: it does not measure it
    eth_speed_mbps          of its port; 1000BASE-T without another
    """

    id: str
    hardware_version: str = UNNAMED_MODEL
    software_version: str = __version__
    country_code: str = ""
    mobility: Mobility = Mobility.STATIONARY
    service_class: ServiceClass = ServiceClass.CONSUMER
    boresight_azimuth_deg: float = 0.0
    boresight_elevation_deg: float = 90.0
    power_w: float = 0.0
    standby_w: float = 0.0
    eth_speed_mbps: int = 1000

    @property
    def tilt_deg(self) -> float:
        """How far it leans from lying flat."""
        return 90.0 - self.boresight_elevation_deg


def hardware_id(name: str) -> str:
    """The identity of the dish of the terminal with this name: always the same, in the form that clients know."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"ut{digest[:8]}-{digest[8:16]}-{digest[16:24]}"


@dataclass(frozen=True, slots=True)
class Sight:
    """The direction, from north over east and above the horizon, of the satellite a dish looks at, and whether it is
    hidden."""

    azimuth_deg: float
    elevation_deg: float
    clear: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dish is. `sigma_m` is the standard error of the position; 0 if nobody knows it."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0
    sigma_m: float = 0.0
    horizontal_speed_m_s: float = 0.0
    vertical_speed_m_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DishState:
    """What the system says of a terminal at an instant.

    time_ns         UTC, since 1970
    cause           why it has no path, or `Reason.SERVED`; None where no plan has reached it
    code            the decision: may it be served?
    rtt_s           round trip to its point of presence; NaN without a path
    loss            share of packets lost; counts where there is a path
    down_bps, up_bps   what its users receive and send now: traffic, not capacity
    capped          whether the decision limits its rate
    slot_end_ns     UTC, when the slot of the instant ends
    satellite       catalogue number of the serving one, -1 without
    gateway         its number in the ground segment, -1 without
    pop             its number in the ground segment, -1 without; `pop_name` its name
    cell            H3 index of its cell, resolution 5
    sight           the serving satellite, or the one that is hidden where that is why it has no path
    place           where it is; None where its holder may not be told
    """

    time_ns: int
    cause: Reason | None
    code: Code
    rtt_s: float = math.nan
    loss: float = 0.0
    down_bps: float = 0.0
    up_bps: float = 0.0
    capped: bool = False
    slot_end_ns: int = 0
    satellite: int = -1
    gateway: int = -1
    pop: int = -1
    pop_name: str = ""
    cell: int = 0
    sight: Sight | None = None
    place: Place | None = None


class DishFeed(Protocol):
    """Where dishes take their values from: the live system, a scenario that is followed, a recording."""

    def now_ns(self) -> int:
        """The system's time, UTC since 1970: it need not be the wall clock's, nor run at its pace."""
        ...

    def state(self, terminal: str, time_ns: int) -> DishState:
        """The state of a terminal at an instant that is not after now; `cause` is None where nothing was planned.

        Answers from memory: it is asked for every dish twice a second. Raises NotFoundError for a terminal that is not
        there or is no more; whatever else it raises ends the service.
        """
        ...
