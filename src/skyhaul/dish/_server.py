"""Dishes on the network: a gRPC server for each address, all in one event loop.

A server object for each dish costs little as long as they share the loop: 500 of them start in a tenth of a second with
one socket each, and take 25 MB together. One server that listens at all addresses would save half of that and could not
tell which of them a call came to: gRPC hands on the caller's address only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from skyhaul.dish._addresses import Address
from skyhaul.dish._answers import RefusedError, answer, parse
from skyhaul.dish._descriptors import REFLECTION, SERVICE, descriptors, message
from skyhaul.dish._dish import STEP_NS, Dish
from skyhaul.dish._grpc import aio, grpc, reflection, reflection_pb2
from skyhaul.dish._state import DishFeed
from skyhaul.dish._time import SECOND_NS
from skyhaul.errors import InputError, NotFoundError

_STEP_S = STEP_NS / SECOND_NS
_AT_ONCE = 10  # dishes that live a step before calls are answered again: a quarter of a millisecond
# Without its own address to itself a dish would share calls with whoever listens there already.
_OPTIONS = (("grpc.so_reuseport", 0),)


class DishServer:
    """Serves dishes at addresses, and lets them follow a feed: between `start` and `stop`, or as a context manager.

    Everything it does, it does in the event loop that starts it, and so do dishes.
    """

    def __init__(self, dishes: Mapping[Address, Dish], feed: DishFeed) -> None:
        self.dishes = dict(dishes)
        self._feed = feed
        self._servers: dict[Address, Any] = {}
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring every dish to the feed's now and listen. Raises InputError for an address that is taken, NotFoundError
        for a terminal that the feed does not know."""
        for dish in self.dishes.values():
            dish.follow(self._feed)
        try:
            for address, dish in self.dishes.items():
                await self._listen(address, dish)
        except BaseException:
            await self.stop()
            raise
        self._following = asyncio.create_task(self._keep_following())

    async def add(self, address: Address, dish: Dish) -> None:
        """Serve one more dish. Raises InputError for an address that is taken, NotFoundError for a terminal that the
        feed does not know."""
        dish.follow(self._feed)
        await self._listen(address, dish)
        self.dishes[address] = dish

    async def remove(self, address: Address) -> Dish:
        """Serve a dish no more; the dish, for its record."""
        await self._servers.pop(address).stop(grace=None)
        return self.dishes.pop(address)

    async def stop(self) -> None:
        """Listen no more."""
        if self._following is not None:
            self._following.cancel()
            # What made it fail is told by `wait`.
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        servers, self._servers = list(self._servers.values()), {}
        await asyncio.gather(*(server.stop(grace=None) for server in servers))

    async def wait(self) -> None:
        """Until the dishes can follow the feed no more: raises what it raised."""
        if self._following is not None:
            await asyncio.shield(self._following)

    async def __aenter__(self) -> DishServer:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def _listen(self, address: Address, dish: Dish) -> None:
        server = aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((_device(dish), *_reflection()))
        try:
            bound = server.add_insecure_port(str(address))
        except RuntimeError:
            bound = 0
        if bound != address.port:
            await server.stop(grace=None)
            raise InputError(
                "cannot listen there: the port is taken, or the address is not this machine's",
                where=str(address),
                mend="another address or port",
            )
        await server.start()
        self._servers[address] = server

    async def _keep_following(self) -> None:
        """Every dish once a step, spread over the step: bursts of work would let calls wait, and on a busy machine let
        the process wait for its turn."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            dishes = list(self.dishes.values())
            groups = [dishes[k : k + _AT_ONCE] for k in range(0, len(dishes), _AT_ONCE)] or [[]]
            for group in groups:
                due = max(due + _STEP_S / len(groups), loop.time() - _STEP_S)
                await asyncio.sleep(due - loop.time())
                for dish in group:
                    self._let_follow(dish)

    def _let_follow(self, dish: Dish) -> None:
        # The system may lose a terminal before its dish is taken away: that one stands still, the others go on.
        with contextlib.suppress(NotFoundError):
            dish.follow(self._feed)

    async def follow(self) -> None:
        """Bring every dish to the feed's now at once; they come there by themselves within half a second."""
        for number, dish in enumerate(list(self.dishes.values()), start=1):
            self._let_follow(dish)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)


def _device(dish: Dish) -> Any:
    async def handle(data: bytes, context: Any) -> bytes:
        try:
            return _bytes_of(answer(dish, parse("Request", data)))
        except RefusedError as refused:
            await context.abort(refused.status, refused.text)
            raise

    async def stream(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for data in requests:
            try:
                asked = parse("ToDevice", data)
            except RefusedError as refused:
                await context.abort(refused.status, refused.text)
                raise
            reply = message("FromDevice")()
            if asked.WhichOneof("message") == "request":
                reply.response.CopyFrom(_in_stream(dish, asked.request))
            else:
                reply.health_check.SetInParent()
            yield _bytes_of(reply)

    # Bytes in, bytes out: what is no message is refused here, and not with a traceback in gRPC.
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Handle": grpc.unary_unary_rpc_method_handler(handle),
            "Stream": grpc.stream_stream_rpc_method_handler(stream),
        },
    )


def _in_stream(dish: Dish, request: Any) -> Any:
    """One refusal does not end a stream: it is an answer with a status."""
    try:
        return answer(dish, request)
    except RefusedError as refused:
        return message("Response")(id=request.id, status={"code": refused.status.value[0], "message": refused.text})


def _reflection() -> list[Any]:
    """Both versions of the reflection service: the same on the wire, so that one serves both."""
    servicer = reflection.ReflectionServicer((SERVICE, *REFLECTION), pool=descriptors())
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in REFLECTION]


def _bytes_of(reply: Any) -> bytes:
    data: bytes = reply.SerializeToString()
    return data
