"""Allow-lists: who applied, what was granted, within which quota, and what in it looks double or bought."""

from skyhaul.control.lists._entries import Entry, ListRegister, State
from skyhaul.control.lists._findings import Finding, Matter
from skyhaul.control.lists._grants import approve, check_listing, quota_used, reject, remove
from skyhaul.control.lists._review import ReviewLimits, review
from skyhaul.control.lists._rows import APPLICATION_COLUMNS, Rejected, read_applications, write_entries

__all__ = [
    "APPLICATION_COLUMNS",
    "Entry",
    "Finding",
    "ListRegister",
    "Matter",
    "Rejected",
    "ReviewLimits",
    "State",
    "approve",
    "check_listing",
    "quota_used",
    "read_applications",
    "reject",
    "remove",
    "review",
    "write_entries",
]
