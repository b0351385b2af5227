"""Allow-lists: who applied, what was granted, within which quota, and what in it looks double or bought."""

from skyhaul.control.lists._entries import Entry, ListRegister, State
from skyhaul.control.lists._findings import Finding, Matter
from skyhaul.control.lists._grants import approve, check_listing, quota_used, reject, remove
from skyhaul.control.lists._review import ReviewLimits, review

__all__ = [
    "Entry",
    "Finding",
    "ListRegister",
    "Matter",
    "ReviewLimits",
    "State",
    "approve",
    "check_listing",
    "quota_used",
    "reject",
    "remove",
    "review",
]
