"""Dishes beside the server: one for each terminal, added and taken away as terminals are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from skyhaul.dish import Address, Dish, DishRecord, DishServer, addresses
from skyhaul.errors import SkyhaulError
from skyhaul.operation import OperationFeed, Roster, hardware_of
from skyhaul.server._desk import Desk

MOST = 500
"""Dishes at most: each has a socket of its own, and half a second's work of a core for a thousand."""
_EVERY_S = 1.0
_KEEP_EVERY = 10  # rounds

_log = logging.getLogger("skyhaul.server")


class Dishes:
    """Serves the dishes of an operation's terminals while it is entered, in the loop that enters it."""

    def __init__(self, desk: Desk, first: Address | None = None) -> None:
        self._desk = desk
        self._first = first
        self._free: list[Address] = []
        self._kept: dict[str, dict[str, Any]] = {}
        self._server: DishServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Dishes:
        operation = self._desk.operation
        roster = operation.now().roster
        self._kept = operation.database.dishes()
        names = [table.name for table in roster.tables][:MOST]
        self._free = addresses(min(MOST, len(names) + 50), self._first)
        dishes = {self._free.pop(0): self._dish(roster, name) for name in names}
        self._server = DishServer(dishes, OperationFeed(operation))
        await self._server.start()
        self._tell()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._server is not None:
            await self._server.stop()
            await self._keep()

    def _dish(self, roster: Roster, name: str) -> Dish:
        kept = self._kept.get(name)
        record = DishRecord.from_document(kept, f"dish {name}") if kept else None
        # One that was never on stands there with its system: only later starts take their time.
        return Dish(name, hardware_of(roster.tables[roster.row[name]]), record=record, ready=record is None)

    def _tell(self) -> None:
        assert self._server is not None
        self._desk.dishes = {dish.terminal: dish for dish in self._server.dishes.values()}
        self._desk.addresses = {dish.terminal: str(address) for address, dish in self._server.dishes.items()}

    async def _keep(self) -> None:
        """Keep what dishes remember; what a power cut could lose is the last few seconds of their uptime."""
        assert self._server is not None
        records = {dish.terminal: dish.record.document() for dish in self._server.dishes.values()}
        changed = {name: record for name, record in records.items() if self._kept.get(name) != record}
        self._kept |= changed
        try:
            await asyncio.to_thread(self._desk.operation.database.put_dishes, changed)
        except SkyhaulError as error:
            _log.warning("%s", error)

    async def _follow(self) -> None:
        """Terminals that come get a dish, and the dishes of those that go are taken away."""
        server = self._server
        assert server is not None
        rounds = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            rounds += 1
            if rounds % _KEEP_EVERY == 0:
                await self._keep()
            roster = self._desk.operation.now().view.roster
            there = {dish.terminal: address for address, dish in server.dishes.items()}
            try:
                for name in [name for name in there if name not in roster.row]:
                    await server.remove(there[name])
                    self._free.insert(0, there[name])
                for name in [name for name in roster.row if name not in there]:
                    if not self._free or len(server.dishes) >= MOST:
                        break
                    await server.add(self._free.pop(0), self._dish(roster, name))
            except SkyhaulError as error:
                _log.warning("%s", error)
            self._tell()
