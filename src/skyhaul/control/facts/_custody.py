"""What happened to units: made, sent, received, passed on, split from a lot, destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skyhaul.control.facts._fact import Fact


class Step(StrEnum):
    """Business steps of GS1 EPCIS 2.0 (Core Business Vocabulary) that matter for custody."""

    COMMISSIONING = "commissioning"
    SHIPPING = "shipping"
    RECEIVING = "receiving"
    TRANSFER = "transfer"
    SPLIT = "split"
    DESTROYING = "destroying"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyEvent(Fact):
    """One event in the life of a unit or lot, at valid_from.

    item         the unit or lot
    giver        the party it leaves, or empty: not known
    receiver     the party it comes to, or empty: not known
    lot          for a split, the lot that `item` is taken out of
    """

    step: Step
    item: str
    giver: str = ""
    receiver: str = ""
    lot: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.item:
            self.refuse("an event of no item", "say the unit or lot")
        if (self.step is Step.SPLIT) != bool(self.lot):
            self.refuse(f"a {self.step} event with lot “{self.lot}”", "a lot goes with a split, and only there")
        if self.step is Step.SPLIT and (self.giver or self.receiver):
            self.refuse("a split between parties", "record the split, then the transfer of the part")
        if self.item == self.lot:
            self.refuse("a lot split from itself", "give the part its own name")
        if self.step is Step.COMMISSIONING and not self.receiver:
            self.refuse("commissioned by nobody", "say the party that made it as receiver")
        if self.step is Step.TRANSFER and not (self.giver or self.receiver):
            self.refuse("a transfer between nobody", "say at least one party")
