"""The one door to the facts: who may record what, and every check before anything is stored."""

from skyhaul.control.registry._door import Actor, examine
from skyhaul.control.registry._known import Index, Known
from skyhaul.control.registry._permissions import OWN_MEANS, PERMISSIONS, May
from skyhaul.control.registry._signing import PersonKey, is_signed_by, signed_bytes
from skyhaul.control.registry._touched import approvals_needed, touched_terminals

__all__ = [
    "OWN_MEANS",
    "PERMISSIONS",
    "Actor",
    "Index",
    "Known",
    "May",
    "PersonKey",
    "approvals_needed",
    "examine",
    "is_signed_by",
    "signed_bytes",
    "touched_terminals",
]
