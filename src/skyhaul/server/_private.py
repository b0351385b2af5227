"""What names people: shown to those whose work it is, and to everybody where the people do not exist."""

from __future__ import annotations

from skyhaul.control.facts import Role
from skyhaul.server._desk import Desk
from skyhaul.server._people import Caller

HIDDEN = "not shown"
"""In place of what a caller may not read."""


def reads_names(desk: Desk, caller: Caller) -> bool:
    """Whether a caller reads who holds, sold and signed what: operators, authorities and auditors do, and whoever asks
    a demonstration, whose people are made up."""
    return bool(desk.keys) or caller.operates or caller.has(Role.OPERATOR, Role.AUTHORITY, Role.AUDITOR)
