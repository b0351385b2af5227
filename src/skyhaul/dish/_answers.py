"""From a request to its answer: every call of the interface, and what is refused with which code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from skyhaul.dish._descriptors import message
from skyhaul.dish._dish import Dish
from skyhaul.dish._grpc import grpc
from skyhaul.dish._identity import device_info, dish_config
from skyhaul.dish._reports import context, diagnostics, history, location, obstruction_map, pings, place_of
from skyhaul.dish._settings import SETTING_NAMES, Settings
from skyhaul.dish._status import status
from skyhaul.errors import InputError

API_VERSION = 1  # of this interface; dishes count their own up with their software


class RefusedError(Exception):
    """A call that ends without an answer: a gRPC status and its text."""

    def __init__(self, status: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def parse(kind: str, data: bytes) -> Any:
    """A message from bytes. Raises RefusedError for bytes that are none."""
    try:
        return message(kind).FromString(data)
    except DecodeError as error:
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"not a {kind}") from error


def answer(dish: Dish, request: Any) -> Any:
    """The Response to a Request, which may change the dish. Raises RefusedError."""
    name = request.WhichOneof("request")
    act = _ACTIONS.get(name)
    if act is None:
        raise RefusedError(grpc.StatusCode.UNIMPLEMENTED, f"Unimplemented: {name or 'unknown request'}")
    response = message("Response")(id=request.id, api_version=API_VERSION, status={})
    act(dish, getattr(request, name), response)
    return response


_Action = Callable[[Dish, Any, Any], None]


def _report(field: str, make: Callable[[Dish], Any]) -> _Action:
    def act(dish: Dish, request: Any, response: Any) -> None:
        getattr(response, field).CopyFrom(make(dish))

    return act


def _get_device_info(dish: Dish, request: Any, response: Any) -> None:
    response.get_device_info.device_info.CopyFrom(device_info(dish))


def _get_location(dish: Dish, request: Any, response: Any) -> None:
    place = place_of(dish)
    if place is None:
        # The text of real dishes.
        text = "GetLocation requests are not enabled on this device"
        raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, text)
    response.get_location.CopyFrom(location(dish, place))


def _get_context(dish: Dish, request: Any, response: Any) -> None:
    if not dish.serves_context:
        raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, "GetContext requests are not enabled on this device")
    response.dish_get_context.CopyFrom(context(dish))


def _get_next_id(dish: Dish, request: Any, response: Any) -> None:
    response.get_next_id.id = dish.next_id()
    response.get_next_id.epoch_id = dish.boot_count


def _time(dish: Dish, request: Any, response: Any) -> None:
    response.time.unix_nano = dish.time_ns


def _get_config(dish: Dish, request: Any, response: Any) -> None:
    response.dish_get_config.dish_config.CopyFrom(dish_config(dish))


def _set_config(dish: Dish, request: Any, response: Any) -> None:
    asked = request.dish_config
    _set(dish, {name: getattr(asked, name) for name in SETTING_NAMES if getattr(asked, f"apply_{name}")})
    response.dish_set_config.updated_dish_config.CopyFrom(dish_config(dish))


def _power_save(dish: Dish, request: Any, response: Any) -> None:
    asked = {
        "power_save_start_minutes": request.power_save_start_minutes,
        "power_save_duration_minutes": request.power_save_duration_minutes,
        "power_save_mode": request.enable_power_save,
    }
    _set(dish, asked)  # and no answer: none of the response's fields belongs to it


def _set(dish: Dish, values: dict[str, Any]) -> None:
    try:
        changed: Settings = replace(dish.settings, **values)
    except InputError as error:
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
    dish.set(changed)


def _stow(dish: Dish, request: Any, response: Any) -> None:
    dish.stow(not request.unstow)
    response.dish_stow.SetInParent()


def _inhibit_gps(dish: Dish, request: Any, response: Any) -> None:
    dish.inhibit_gps(request.inhibit_gps)
    response.dish_inhibit_gps.inhibit_gps = request.inhibit_gps
    response.dish_inhibit_gps.SetInParent()


def _clear_map(dish: Dish, request: Any, response: Any) -> None:
    dish.clear_map()
    response.dish_clear_obstruction_map.SetInParent()


def _reboot(dish: Dish, request: Any, response: Any) -> None:
    dish.restart()
    response.reboot.SetInParent()


def _factory_reset(dish: Dish, request: Any, response: Any) -> None:
    dish.factory_reset()
    response.dish_factory_reset.SetInParent()


_ACTIONS: dict[str | None, _Action] = {
    "get_status": _report("dish_get_status", status),
    "get_history": _report("dish_get_history", history),
    "dish_get_obstruction_map": _report("dish_get_obstruction_map", obstruction_map),
    "get_diagnostics": _report("dish_get_diagnostics", diagnostics),
    "get_ping": _report("get_ping", pings),
    "get_device_info": _get_device_info,
    "get_location": _get_location,
    "dish_get_context": _get_context,
    "get_next_id": _get_next_id,
    "time": _time,
    "dish_get_config": _get_config,
    "dish_set_config": _set_config,
    "dish_power_save": _power_save,
    "dish_stow": _stow,
    "dish_inhibit_gps": _inhibit_gps,
    "dish_clear_obstruction_map": _clear_map,
    "reboot": _reboot,
    "dish_factory_reset": _factory_reset,
}
