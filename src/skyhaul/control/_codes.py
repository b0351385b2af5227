"""The one code that a terminal shows, and the three country alerts that telemetry keeps apart."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The disablement code of a terminal.

    Names and numbers are those of the `UtDisablementCode` that terminals report; 5 and 9 are reserved.
    """

    UNKNOWN_STATE = 0
    OKAY = 1
    NO_ACTIVE_ACCOUNT = 2
    TOO_FAR_FROM_SERVICE_ADDRESS = 3
    IN_OCEAN = 4
    BLOCKED_COUNTRY = 6
    DATA_OVERAGE_SANDBOX_POLICY = 7
    CELL_IS_DISABLED = 8
    ROAM_RESTRICTED = 10
    UNKNOWN_LOCATION = 11
    ACCOUNT_DISABLED = 12
    UNSUPPORTED_VERSION = 13
    MOVING_TOO_FAST_FOR_POLICY = 14
    UNDER_AVIATION_FLYOVER_LIMITS = 15
    BLOCKED_AREA = 16


class Alert(IntEnum):
    """Why a country is blocked, as terminals' telemetry tells it apart."""

    NONE = 0
    UNSUPPORTED_COUNTRY = 58
    RESTRICTED_COUNTRY = 83
    UNLICENSED_COUNTRY = 92
