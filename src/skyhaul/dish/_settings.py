"""What the holder of a dish sets, and what a dish remembers while it is off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from skyhaul.dish._time import minute_of_day
from skyhaul.errors import InputError

_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a dish, by the names and numbers of `DishConfig`; a dish out of the box has these.

    Raises InputError naming a setting that is out of range.
    """

    snow_melt_mode: int = 0
    location_request_mode: int = 0
    level_dish_mode: int = 0
    power_save_start_minutes: int = 0
    power_save_duration_minutes: int = 1
    power_save_mode: bool = False
    swupdate_three_day_deferral_enabled: bool = False
    asset_class: int = 0
    swupdate_reboot_hour: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if type(value) is not type(low) or not low <= value <= high:
                raise InputError(f"{value!r}", where=name, mend=f"{low} to {high}")

    @property
    def tells_location(self) -> bool:
        """Whether the dish may say where it is."""
        return self.location_request_mode == 1

    def asleep(self, time_ns: int) -> bool:
        """Whether an instant is within the hours in which the dish saves power."""
        into = (minute_of_day(time_ns) - self.power_save_start_minutes) % _DAY_MINUTES
        return self.power_save_mode and into < self.power_save_duration_minutes


_RANGES: dict[str, tuple[int, int]] = {
    "snow_melt_mode": (0, 2),
    "location_request_mode": (0, 1),
    "level_dish_mode": (0, 1),
    "power_save_start_minutes": (0, _DAY_MINUTES - 1),
    "power_save_duration_minutes": (1, _DAY_MINUTES),  # dishes refuse 0, even where power is not saved
    "power_save_mode": (False, True),
    "swupdate_three_day_deferral_enabled": (False, True),
    "asset_class": (0, 2**32 - 1),
    "swupdate_reboot_hour": (0, 23),
}
SETTING_NAMES = tuple(_RANGES)


@dataclass(frozen=True, slots=True)
class DishRecord:
    """What outlives a dish's process: whoever runs dishes keeps it, and hands it back.

    booted_ns   UTC, when the dish last started; 0 for one that never did
    seen_ns     UTC, the last instant it lived through
    started     seconds after its start at which it reached each step, as far as it came
    next_id     the next number it gives to who asks for one
    """

    settings: Settings = field(default_factory=Settings)
    stowed: bool = False
    gps_inhibited: bool = False
    boot_count: int = 0
    commanded: bool = False
    booted_ns: int = 0
    seen_ns: int = 0
    started: Mapping[str, float] = field(default_factory=dict)
    next_id: int = 1

    def document(self) -> dict[str, Any]:
        """The record in JSON's types."""
        return {**asdict(self), "started": dict(self.started)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], where: str = "dish record") -> DishRecord:
        """The record that `document` gave. Raises InputError naming the field that is unknown or not what it was."""
        known = {entry.name for entry in fields(cls)}
        for name in document:
            if name not in known:
                raise InputError(f"unknown field {name!r}", where=where, mend=f"one of {', '.join(sorted(known))}")
        record = cls()
        given = dict(document)
        settings = given.pop("settings", {})
        started = given.pop("started", {})
        if not isinstance(settings, Mapping) or not set(settings) <= set(SETTING_NAMES):
            raise InputError(f"{settings!r}", where=f"{where}: settings", mend=f"of {', '.join(SETTING_NAMES)}")
        for name, value in given.items():
            if type(value) is not type(getattr(record, name)) or value < 0:
                raise InputError(f"{value!r}", where=f"{where}: {name}", mend="what a dish's record had there")
        if not isinstance(started, Mapping) or not all(_is_span(value) for value in started.values()):
            raise InputError(f"{started!r}", where=f"{where}: started", mend="seconds by step")
        try:
            return replace(record, settings=Settings(**settings), started=dict(started), **given)
        except InputError as error:
            raise InputError(error.what, where=f"{where}: settings: {error.where}", mend=error.mend) from error


def _is_span(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
