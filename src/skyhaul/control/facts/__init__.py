"""Typed facts with valid time and recorded time, and the append-only collection of them."""

from skyhaul.control._canonical import canonical_json
from skyhaul.control._instants import utc
from skyhaul.control.facts._accounts import ANYWHERE, Account, AccountState, Party, Place, Plan, PlanKind, Terminal
from skyhaul.control.facts._allow_lists import AllowList, HolderKind, Listing, Quotas
from skyhaul.control.facts._areas import Area, AreaRef, Layer
from skyhaul.control.facts._collection import Facts, Piece, Versions, interval
from skyhaul.control.facts._custody import CustodyEvent, Step
from skyhaul.control.facts._fact import Fact, Withdrawal
from skyhaul.control.facts._licences import Licence, ServiceClass, TypeApproval
from skyhaul.control.facts._orders import Action, Approval, Order, OrderEnd, Target
from skyhaul.control.facts._policies import BorderPolicy, Policy, Precedence, Settings

__all__ = [
    "ANYWHERE",
    "Account",
    "AccountState",
    "Action",
    "AllowList",
    "Approval",
    "Area",
    "AreaRef",
    "BorderPolicy",
    "CustodyEvent",
    "Fact",
    "Facts",
    "HolderKind",
    "Layer",
    "Licence",
    "Listing",
    "Order",
    "OrderEnd",
    "Party",
    "Piece",
    "Place",
    "Plan",
    "PlanKind",
    "Policy",
    "Precedence",
    "Quotas",
    "ServiceClass",
    "Settings",
    "Step",
    "Target",
    "Terminal",
    "TypeApproval",
    "Versions",
    "Withdrawal",
    "canonical_json",
    "interval",
    "utc",
]
