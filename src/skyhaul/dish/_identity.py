"""What several answers say about a dish alike."""

from __future__ import annotations

from typing import Any

from skyhaul.dish._descriptors import message
from skyhaul.dish._dish import Dish
from skyhaul.dish._outages import Outage
from skyhaul.dish._settings import SETTING_NAMES
from skyhaul.dish._time import gps_ns

_POWER_CYCLE, _COMMAND = 2, 3  # BootReason


def device_info(dish: Dish) -> Any:
    hardware = dish.hardware
    return message("DeviceInfo")(
        id=hardware.id,
        hardware_version=hardware.hardware_version,
        software_version=hardware.software_version,
        manufactured_version=hardware.software_version,
        build_id=hardware.software_version,
        country_code=hardware.country_code,
        software_partitions_equal=True,
        bootcount=dish.boot_count,
        boot={"last_reason": _COMMAND if dish.commanded else _POWER_CYCLE, "last_count": 1},
    )


def device_state(dish: Dish) -> Any:
    return message("DeviceState")(uptime_s=int(dish.uptime_s))


def dish_config(dish: Dish) -> Any:
    settings = dish.settings
    return message("DishConfig")(**{name: getattr(settings, name) for name in SETTING_NAMES})


def dish_outage(outage: Outage) -> Any:
    return message("DishOutage")(
        cause=int(outage.cause),
        start_timestamp_ns=gps_ns(outage.start_ns),
        duration_ns=outage.duration_ns,
        did_switch=outage.switched,
    )
