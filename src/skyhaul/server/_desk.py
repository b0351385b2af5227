"""What every request is answered from: the operation, who asks, and what of it they may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import Depends
from starlette.requests import HTTPConnection

from skyhaul.control.facts import Facts, Role
from skyhaul.control.registry import PersonKey, Registry
from skyhaul.errors import NotFoundError
from skyhaul.operation import Operation, Snapshot
from skyhaul.server._people import Caller

if TYPE_CHECKING:
    from skyhaul.dish import Dish


@dataclass
class Desk:
    """What a server has at hand.

    keys     of people whose orders the server signs: those of a demonstration, and nobody else's
    dishes, addresses   the dishes that run beside it, and where, by terminal
    """

    operation: Operation
    keys: dict[str, PersonKey] = field(default_factory=dict)
    dishes: Mapping[str, Dish] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        """The registry. Raises NotFoundError where there is none."""
        registry = self.operation.registry
        if registry is None:
            raise NotFoundError(
                "there is no registry to record in", mend="start `skyhaul up` with --registry, or with its own world"
            )
        return registry

    @property
    def facts(self) -> Facts:
        """All facts on record. Raises NotFoundError where nobody decides."""
        registry = self.operation.registry
        found = self.operation.facts if registry is None else registry.facts
        if found is None:
            raise NotFoundError(
                "this system runs without service control", mend="give the scenario a [control] table, or a registry"
            )
        return found

    def known_at(self) -> np.datetime64:
        """An instant at which all that is on record is known."""
        registry, now = self.operation.registry, self.now
        return now if registry is None else max(now, registry.known_at)

    @property
    def now(self) -> np.datetime64:
        """The system's time."""
        return np.datetime64(self.operation.clock.now_ns(), "ns")

    def snapshot(self) -> Snapshot:
        """The system at this instant."""
        return self.operation.now()


def the_desk(connection: HTTPConnection) -> Desk:
    """The desk of the application that a request came to."""
    desk: Desk = connection.app.state.desk
    return desk


def the_caller(connection: HTTPConnection) -> Caller:
    """Who sent a request, as the guard found."""
    caller: Caller = connection.state.caller
    return caller


def an_operator(connection: HTTPConnection) -> Caller:
    """The caller, who runs the system. Raises RefusedError for anybody else."""
    caller = the_caller(connection)
    caller.require(Role.OPERATOR)
    return caller


Here = Annotated[Desk, Depends(the_desk)]
Who = Annotated[Caller, Depends(the_caller)]
Operator = Annotated[Caller, Depends(an_operator)]
