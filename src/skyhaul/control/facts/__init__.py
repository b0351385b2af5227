"""Typed facts with valid time and recorded time, and the append-only collection of them."""

from skyhaul.control._canonical import canonical_json
from skyhaul.control._instants import utc
from skyhaul.control.facts._accounts import ANYWHERE, Account, AccountState, Party, Place, Plan, PlanKind, Terminal
from skyhaul.control.facts._allow_lists import AllowList, Application, HolderKind, Listing, Quotas, Rejection
from skyhaul.control.facts._appointments import Appointment, Disclosure, Role
from skyhaul.control.facts._areas import Area, AreaRef, Layer
from skyhaul.control.facts._collection import Facts, Piece, Versions, interval
from skyhaul.control.facts._custody import CustodyEvent, Manner, Step
from skyhaul.control.facts._documents import fact_document, fact_from_document, fact_kinds
from skyhaul.control.facts._fact import Fact, Withdrawal
from skyhaul.control.facts._licences import Licence, ServiceClass, TypeApproval
from skyhaul.control.facts._orders import Action, Approval, Order, OrderEnd, Target
from skyhaul.control.facts._policies import BorderPolicy, Policy, Precedence, Settings
from skyhaul.control.facts._statements import Statement

__all__ = [
    "ANYWHERE",
    "Account",
    "AccountState",
    "Action",
    "AllowList",
    "Application",
    "Appointment",
    "Approval",
    "Area",
    "AreaRef",
    "BorderPolicy",
    "CustodyEvent",
    "Disclosure",
    "Fact",
    "Facts",
    "HolderKind",
    "Layer",
    "Licence",
    "Listing",
    "Manner",
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
    "Rejection",
    "Role",
    "ServiceClass",
    "Settings",
    "Statement",
    "Step",
    "Target",
    "Terminal",
    "TypeApproval",
    "Versions",
    "Withdrawal",
    "canonical_json",
    "fact_document",
    "fact_from_document",
    "fact_kinds",
    "interval",
    "utc",
]
