"""Where several authorities have a say, all of them permit, or the one stated to come first decides; all are cited."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Code, Note, Position, Rule, compile_facts, decide
from skyhaul.control.facts import Action, Fact, Facts, Licence, Precedence, Target, TypeApproval
from tests.control.worlds import MODEL, NORTH, NOW, ROAMING, account, area, order, said, terminal

OFFICES = ("Office A", "Office B", "Office C", "Office D")
HERE = Position(49.0, 12.0)

offices = st.lists(st.sampled_from(OFFICES), min_size=1, max_size=4, unique=True)


def grounds(present: list[str]) -> list[Fact]:
    """Licence areas of these offices, one over the other, each with a name of its own."""
    return [area("licence", f"Land of {office}", NORTH, office) for office in present]


def permitted_by(office: str) -> list[Fact]:
    return [
        Licence(authority=office, territory=f"Land of {office}", **said(f"licence-{office}")),
        TypeApproval(authority=office, model=MODEL, **said(f"approval-{office}")),
    ]


def unit() -> list[Fact]:

    return [account("A", replace(ROAMING, roams_to=("*",))), terminal("U", "A")]


def answer(*facts: Fact) -> tuple[Code, set[str], set[str]]:
    """The code, the rules that refuse, and the authorities of all reasons."""
    decision = decide(compile_facts(Facts([*unit(), *facts]), NOW), "U", HERE, NOW)
    refused = {str(reason.rule) for reason in decision.reasons if reason.refuses}
    return decision.code, refused, {reason.authority for reason in decision.reasons}


def ordered(*names: str) -> list[Fact]:
    return [Precedence(authorities=names, **said("precedence"))] if len(names) > 1 else []


@settings(max_examples=100, deadline=None)
@given(offices, st.sets(st.sampled_from(OFFICES)))
def test_without_a_stated_order_every_authority_there_must_permit(present: list[str], permit: set[str]) -> None:
    code, refused, cited = answer(*grounds(present), *(f for o in sorted(permit) for f in permitted_by(o)))
    assert (code == Code.OKAY) == (set(present) <= permit)
    assert cited >= set(present)
    assert (str(Rule.LICENCE_MISSING) in refused) == (not set(present) <= permit)


@settings(max_examples=100, deadline=None)
@given(offices, st.permutations(OFFICES), st.sets(st.sampled_from(OFFICES)))
def test_with_a_stated_order_the_first_there_decides_and_the_others_are_cited(
    present: list[str], order_: list[str], permit: set[str]
) -> None:
    first = min(present, key=order_.index)
    facts = [*grounds(present), *ordered(*order_), *(f for o in sorted(permit) for f in permitted_by(o))]
    code, _, _ = answer(*facts)
    assert (code == Code.OKAY) == (first in permit)
    decision = decide(compile_facts(Facts([*unit(), *facts]), NOW), "U", HERE, NOW)
    outranked = [reason for reason in decision.reasons if reason.rule is Note.LICENCE_PRECEDENCE]
    assert len(outranked) == len(present) - 1


@settings(max_examples=60, deadline=None)
@given(st.permutations(OFFICES), st.sets(st.sampled_from(OFFICES)))
def test_orders_that_contradict_each_other_about_a_pair_state_nothing_about_it(
    order_: list[str], permit: set[str]
) -> None:
    """Said both ways round, all govern again."""
    there = Precedence(authorities=tuple(order_), **said("one"))
    back = Precedence(authorities=tuple(order_[::-1]), **said("two"))
    facts = [*grounds(list(OFFICES)), there, back, *(f for o in sorted(permit) for f in permitted_by(o))]
    assert (answer(*facts)[0] == Code.OKAY) == (permit == set(OFFICES))


@settings(max_examples=120, deadline=None)
@given(
    st.permutations(OFFICES),
    st.sampled_from(OFFICES),
    st.sampled_from(OFFICES),
    st.booleans(),
)
def test_a_permission_lifts_only_suspensions_of_those_that_come_after(
    order_: list[str], suspends: str, allows: str, stated: bool
) -> None:
    """Forbid beats permit, of one authority too, unless a stated order says that the permission's comes first."""
    facts = [*grounds(list(OFFICES)), *(f for o in OFFICES for f in permitted_by(o))]
    facts += ordered(*order_) if stated else []
    facts += [
        order("no", Action.SUSPEND, Target.UNIT, "U", suspends),
        order("yes", Action.ALLOW, Target.UNIT, "U", allows),
    ]
    code, refused, cited = answer(*facts)
    lifted = stated and order_.index(allows) < order_.index(suspends)
    assert (code == Code.OKAY) == lifted
    assert (str(Rule.ORDER_UNIT) in refused) == (not lifted)
    assert suspends in cited, "the prohibition is cited, lifted or not"


@settings(max_examples=60, deadline=None)
@given(offices, st.permutations(OFFICES))
def test_pairs_stated_one_by_one_are_the_order_stated_at_once(present: list[str], order_: list[str]) -> None:
    every = [
        Precedence(authorities=(a, b), **said(f"q{i}-{j}"))
        for i, a in enumerate(order_) for j, b in enumerate(order_) if i < j
    ]  # fmt: skip
    facts = [*grounds(present), *permitted_by(min(present, key=order_.index))]
    assert answer(*facts, *every)[0] == answer(*facts, *ordered(*order_))[0] == Code.OKAY
