"""What an entry of the log commits to, for those who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyhaul.control.facts import Role
from skyhaul.control.registry._door import Actor
from skyhaul.control.registry._registry import Registry
from skyhaul.control.registry._rights import acting
from skyhaul.errors import ControlError

if TYPE_CHECKING:
    from skyhaul.control.log import Opening

EXACT = "plan.service_address"  # shown as the cell it lies in, unless its showing is on record


def openings(registry: Registry, actor: Actor, leaf: int, *, exact: bool = False) -> dict[str, Opening | str]:
    """What opens the commitments of an entry, by field; of an erased value the JSON that stands in for it.

    Operators, authorities and auditors may see it. A service address is among them only where `exact` says so: record
    a `Disclosure` first. Raises ControlError for anybody else, NotFoundError where there is no such entry.
    """
    roles = {appointment.role for appointment in acting(actor.person, actor.key.public, registry.known())}
    if roles <= {Role.DISTRIBUTOR}:
        raise ControlError(
            "a distributor may not open entries", where=actor.person, mend="operators, authorities and auditors may"
        )
    registry.store.body(leaf)
    return {field: value for field, value in registry.store.openings(leaf).items() if exact or field != EXACT}
