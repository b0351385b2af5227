from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import grpc
import pytest

from skyhaul.dish import (
    SERVICE,
    Address,
    Dish,
    DishFeed,
    DishServer,
    Hardware,
    addresses,
    hardware_id,
    message,
)
from tests.dish.tapes import Tape

T = TypeVar("T")
_TIMEOUT_S = 10.0


def own_address(number: int = 0) -> Address:
    """The first of a hundred addresses that no other process of tests listens at."""
    process = os.getpid()
    return Address(f"127.{128 + process % 64}.{process // 64 % 256}.{100 * number + 1}")


class Host:
    """Dishes served from a thread of their own, as another process would."""

    def __init__(self, dishes: list[Dish], feed: DishFeed, first: Address | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.addresses = addresses(len(dishes), first or own_address())
        self.server = DishServer(dict(zip(self.addresses, dishes, strict=True)), feed)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_TIMEOUT_S)

    def do(self, act: Callable[[], T]) -> T:
        """Run a function where dishes live."""

        async def acting() -> T:
            return act()

        return self.run(acting())

    def __enter__(self) -> Host:
        self.run(self.server.start())
        return self

    def __exit__(self, *exception: object) -> None:
        self.run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Client:
    """A client that was compiled with the messages."""

    def __init__(self, address: Address | str) -> None:
        self.channel = grpc.insecure_channel(str(address))
        self._handle = self.channel.unary_unary(f"/{SERVICE}/Handle")
        self._stream = self.channel.stream_stream(f"/{SERVICE}/Stream")

    def ask(self, request: str, **fields: Any) -> Any:
        """The answer to a request, by its name in the oneof."""
        return self.send(message("Request")(**{request: fields}))

    def send(self, request: Any) -> Any:
        return message("Response").FromString(self.raw(request.SerializeToString()))

    def raw(self, data: bytes) -> bytes:
        answer: bytes = self._handle(data, timeout=_TIMEOUT_S)
        return answer

    def stream(self, *frames: bytes) -> list[Any]:
        return [message("FromDevice").FromString(data) for data in self._stream(iter(frames), timeout=_TIMEOUT_S)]

    def refusal(self, request: str, **fields: Any) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.RpcError) as refused:
            self.ask(request, **fields)
        return refused.value.code(), refused.value.details()


class Rig:
    """One dish on a tape, and a client of it."""

    def __init__(self, host: Host, client: Client, dish: Dish, tape: Tape) -> None:
        self.host, self.client, self.dish, self.tape = host, client, dish, tape
        self.address = host.addresses[0]

    def pass_time(self, seconds: float) -> None:
        """Let the system's time go on, and the dish with it."""
        self.tape.now_s += seconds
        self.host.run(self.host.server.follow())


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A dish that is on, connected, ten seconds old."""
    tape = Tape(now_s=0.0)
    dish = Dish("kyiv", Hardware(id=hardware_id("kyiv"), power_w=40.0, standby_w=5.0), ready=True)
    with Host([dish], tape) as host:
        client = Client(host.addresses[0])
        rig = Rig(host, client, dish, tape)
        rig.pass_time(10.0)
        yield rig
        client.channel.close()
