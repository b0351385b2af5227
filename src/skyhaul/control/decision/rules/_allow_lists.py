"""Rules about allow-lists: where one is in force, a unit must be on it."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid, permit
from skyhaul.control.facts import AllowList


def allow_list(case: Case) -> Iterable[Reason]:
    """`allow_list.absent`, `.mismatch`, `.quota`: on every list in force at the place the unit has a listing in force,
    registered with the kit number and account that it has now, and within the quota of its holder. Of several listings
    the best counts."""
    return [_listed(case, list_) for list_ in case.face.lists]


def _listed(case: Case, list_: AllowList) -> Reason:
    listings = [listed for listed in case.standing.listed if listed.listing.name == list_.name]
    name, authority = list_.name, list_.authority
    for listed in listings:
        if listed.matches and listed.within_quota:
            text = f"on the list “{name}” of {authority}, for a {listed.listing.kind}"
            return permit(Note.ALLOW_LIST_LISTED, text, listed.listing, list_, authority=authority)
    facts = tuple(listed.listing for listed in listings)
    if not listings:
        return forbid(Rule.ALLOW_LIST_ABSENT, f"not on the list “{name}” of {authority}", list_, authority=authority)
    if not any(listed.matches for listed in listings):
        text = f"on the list “{name}” of {authority} with another kit number or account than it has now"
        return forbid(Rule.ALLOW_LIST_MISMATCH, text, list_, *facts, authority=authority)
    text = f"on the list “{name}” of {authority} beyond the quota of its holder"
    return forbid(Rule.ALLOW_LIST_QUOTA, text, list_, *facts, authority=authority)
