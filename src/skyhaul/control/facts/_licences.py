"""What authorities permit: the service in a territory, and terminal models."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skyhaul.control.facts._fact import Fact


class ServiceClass(StrEnum):
    """The four classes of user terminals that licences tell apart (earth stations fixed, and in motion on land, sea
    and in the air: ITU Radio Regulations, Resolution 169 (WRC-19))."""

    FIXED = "fixed"
    LAND_MOBILE = "land mobile"
    MARITIME = "maritime"
    AERONAUTICAL = "aeronautical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence(Fact):
    """An authority's permission for the service in a territory.

    authority             who gives it
    territory             name of an area of the licence layer
    service_classes       the classes it covers
    models                terminal models it is limited to; empty: every approved model
    only_controlled_by    it counts only where one of these is in control and nobody else; empty: everywhere
    activation_required   it counts only where an order has activated the service
    max_speed_m_s         the highest speed it covers, or None
    """

    authority: str
    territory: str
    service_classes: tuple[ServiceClass, ...] = (ServiceClass.FIXED,)
    models: tuple[str, ...] = ()
    only_controlled_by: tuple[str, ...] = ()
    activation_required: bool = False
    max_speed_m_s: float | None = None

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.authority or not self.territory:
            self.refuse("a licence without authority or territory", "say both")
        if not self.service_classes:
            self.refuse("a licence for no class of service", f"choose of {', '.join(ServiceClass)}")
        if self.max_speed_m_s is not None and not 0 <= self.max_speed_m_s < float("inf"):
            self.refuse(f"a highest speed of {self.max_speed_m_s} m/s", "zero or more, or leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeApproval(Fact):
    """An authority's approval of a terminal model.

    territory   the one territory it is for, or empty: all of the authority's
    software    approved software versions; empty: any
    """

    authority: str
    model: str
    territory: str = ""
    software: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.authority or not self.model:
            self.refuse("a type approval without authority or model", "say both")
