"""The registry's door holds listings to quotas too, however they are handed in."""

from __future__ import annotations

from typing import Any

from skyhaul.control.facts import AllowList, Application, Fact, HolderKind, Listing, utc
from skyhaul.control.registry import Rejected
from skyhaul.control.registry._bulk import sorted_out
from tests.control.registry.offices import accepted, examined, refused, said

UNTIL = utc("2025-01-01")
LIST = AllowList(name="white", authority="Northland Office", area="licence/Northland", **said("list", "Nora"))


def applied(unit: str, holder: str = "Ada", author: str = "Olga", **given: Any) -> Application:
    fields: dict[str, Any] = {"name": "white", "holder_kind": HolderKind.PERSON, "evidence": "passport"} | given
    return Application(terminal=unit, holder=holder, **fields, **said(f"asked-{unit}-{holder}", author))


def listed(unit: str, holder: str = "Ada", author: str = "Nora", **given: Any) -> Listing:
    fields: dict[str, Any] = {
        "name": "white", "kit_number": "", "account": "", "kind": HolderKind.PERSON, "evidence": "passport",
        "approved_by": author,
    } | given  # fmt: skip
    return Listing(terminal=unit, holder=holder, **fields, **said(f"listed-{unit}-{holder}", author, valid_to=UNTIL))


def test_a_listing_beyond_the_quota_is_refused() -> None:
    accepted("Nora", listed("UT-1"), more=[LIST])
    assert "Ada has UT-1 on the list “white”: a person has 1 unseen" in refused(
        "Nora", listed("UT-2"), [LIST, listed("UT-1")]
    )


def test_of_many_handed_in_together_the_first_have_the_places() -> None:
    several: list[Fact] = [listed("UT-1"), listed("UT-2"), listed("UT-3", "Bo"), listed("UT-4", shown=True)]
    refusals = examined("Nora", *several, more=[LIST])
    assert [error is None for error in refusals] == [True, False, True, True]
    kept, rejected = sorted_out(
        enumerate(several, 1), lambda batch: examined("Nora", *batch, more=[LIST])
    )  # fmt: skip
    assert [fact.id for fact in kept] == ["listed-UT-1-Ada", "listed-UT-3-Bo", "listed-UT-4-Ada"]
    assert [type(row) for row in rejected] == [Rejected]
    assert str(rejected[0]).startswith("row 2: Listing listed-UT-2-Ada: Ada has UT-1 on the list “white”: a person")


def test_nobody_approves_what_they_handed_in() -> None:
    asked = applied("UT-1", author="Nora")
    own = listed("UT-1", application=asked.id)
    assert "Nora decides on their own application" in refused("Nora", own, [LIST, asked])
    accepted("Nils", listed("UT-1", author="Nils", application=asked.id), more=[LIST, asked])


def test_only_the_list_s_authority_decides() -> None:
    assert "the list white is one of Northland Office, not of Southland Office" in refused(
        "Sven", listed("UT-1", author="Sven"), [LIST]
    )
    assert "may not record a Listing" in refused("Dina", listed("UT-1", author="Dina"), [LIST])
    accepted("Dina", applied("UT-2", author="Dina"), more=[LIST])
