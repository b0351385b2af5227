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


class Manner(StrEnum):
    """How a unit came from one party to another, as far as the record says."""

    UNSTATED = ""
    SALE = "sale"
    GIFT = "gift"
    LOAN = "loan"
    RETURN = "return"
    THEFT = "theft"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyEvent(Fact):
    """One event in the life of a unit or lot, at valid_from.

    item         the unit or lot
    giver        the party it leaves, or empty: not known
    receiver     the party it comes to, or empty: not known
    lot          for a split, the lot that `item` is taken out of
    manner       how it came from the giver to the receiver
    """

    step: Step
    item: str
    giver: str = ""
    receiver: str = ""
    lot: str = ""
    manner: Manner = Manner.UNSTATED

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
        if self.manner and self.step not in (Step.SHIPPING, Step.RECEIVING, Step.TRANSFER):
            self.refuse(f"{self.step} by {self.manner}", "a manner goes with shipping, receiving or a transfer")
