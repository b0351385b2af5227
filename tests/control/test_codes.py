"""Every disablement code, each reached by a few facts about the world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import shapely

from skyhaul.control.decision import Alert, Code, Evidence, Outcome, Position, Rule
from skyhaul.control.facts import (
    AccountState,
    Action,
    AllowList,
    CustodyEvent,
    Fact,
    HolderKind,
    Licence,
    Listing,
    Party,
    Policy,
    ServiceClass,
    Settings,
    Step,
    Target,
    TypeApproval,
    utc,
)
from tests.control.worlds import (
    AT_SEA,
    FIXED,
    IN_NORTH,
    IN_SOUTH,
    MODEL,
    NOW,
    NOWHERE,
    account,
    area,
    ask,
    known,
    order,
    said,
)


class Scenario(NamedTuple):
    """What is the case, and the code and rule that come of it."""

    name: str
    code: Code
    rule: Rule | None
    facts: tuple[Fact, ...] = ()
    without: tuple[str, ...] = ()
    terminal: str = "fixed"
    position: Position | None = IN_NORTH
    speed_m_s: float | None = 0.0
    known_at: Any = NOW
    alert: Alert = Alert.NONE


def national_list(**given: Any) -> AllowList:
    return AllowList(
        name="national list", authority="Northland Office", area="licence/Northland", **said("list", **given)
    )


def listing(id_: str, unit: str, **given: Any) -> Listing:
    fields: dict[str, Any] = {
        "kit_number": f"KIT-{unit}",
        "account": f"A-{unit}",
        "holder": "Ada",
        "kind": HolderKind.PERSON,
        "evidence": "passport seen",
        "approved_by": "clerk",
    }
    times = {k: given.pop(k) for k in tuple(given) if k in ("valid_from", "valid_to", "recorded_at")}
    return Listing(name="national list", terminal=unit, **(fields | given), **said(id_, **times))


LICENSED_SOUTH = (
    Licence(authority="Southland Office", territory="Southland", **said("licence-south")),
    TypeApproval(authority="Southland Office", model=MODEL, **said("approval-south")),
)

SCENARIOS = [
    Scenario("a fixed terminal at home", Code.OKAY, None),
    Scenario("a roaming terminal in its home country", Code.OKAY, None, terminal="roaming"),
    Scenario("a boat at sea", Code.OKAY, None, terminal="boat", position=AT_SEA),
    # 0
    Scenario("a terminal nobody registered", Code.UNKNOWN_STATE, Rule.UNIT_UNKNOWN, terminal="stranger"),
    Scenario(
        "a terminal recorded as destroyed",
        Code.UNKNOWN_STATE,
        Rule.UNIT_DESTROYED,
        (CustodyEvent(step=Step.DESTROYING, item="fixed", giver="Ada", **said("fire")),),
    ),
    Scenario(
        "facts older than the policy allows",
        Code.UNKNOWN_STATE,
        Rule.KNOWLEDGE_STALE,
        (Policy(settings=Settings(max_knowledge_age_s=3600), **said("policy")),),
        known_at="2024-02-17T11:00:12Z",
    ),
    # 2
    Scenario("no account", Code.NO_ACTIVE_ACCOUNT, Rule.ACCOUNT_NONE, without=("account-A-fixed",)),
    Scenario(
        "a closed account",
        Code.NO_ACTIVE_ACCOUNT,
        Rule.ACCOUNT_CLOSED,
        (account("A-fixed", FIXED, AccountState.CLOSED, id="closing", recorded_at=utc("2024-02-01")),),
    ),
    # 3
    Scenario(
        "a fixed terminal 110 km from its address, of 50 allowed",
        Code.TOO_FAR_FROM_SERVICE_ADDRESS,
        Rule.PLAN_DISTANCE,
        position=Position(49.99, 12.0),
    ),
    # 4
    Scenario(
        "a mobile terminal taken to sea",
        Code.IN_OCEAN,
        Rule.PLAN_OCEAN,
        (
            Licence(
                authority="Sea Office",
                territory="Grey Sea",
                service_classes=(ServiceClass.LAND_MOBILE,),
                **said("licence-coast"),
            ),
        ),
        terminal="mobile",
        position=AT_SEA,
    ),
    # 6
    Scenario(
        "a country whose authority has given no licence",
        Code.BLOCKED_COUNTRY,
        Rule.LICENCE_MISSING,
        terminal="roaming",
        position=IN_SOUTH,
        alert=Alert.UNLICENSED_COUNTRY,
    ),
    Scenario(
        "ground without any recorded authority",
        Code.BLOCKED_COUNTRY,
        Rule.LICENCE_TERRITORY,
        terminal="roaming",
        position=NOWHERE,
        alert=Alert.UNSUPPORTED_COUNTRY,
    ),
    Scenario(
        "a licence for another class of service",
        Code.BLOCKED_COUNTRY,
        Rule.LICENCE_CLASS,
        (Licence(authority="Sea Office", territory="Grey Sea", service_classes=(ServiceClass.FIXED,), **said("L")),),
        without=("licence-S",),
        terminal="boat",
        position=AT_SEA,
        alert=Alert.RESTRICTED_COUNTRY,
    ),
    Scenario(
        "a licence that waits for activation",
        Code.BLOCKED_COUNTRY,
        Rule.LICENCE_ACTIVATION,
        (Licence(authority="Northland Office", territory="Northland", activation_required=True, **said("L")),),
        without=("licence-N",),
        alert=Alert.UNSUPPORTED_COUNTRY,
    ),
    # 7
    Scenario(
        "an account over its data",
        Code.DATA_OVERAGE_SANDBOX_POLICY,
        Rule.ACCOUNT_SANDBOX,
        (account("A-fixed", FIXED, AccountState.SANDBOX, id="overage", recorded_at=utc("2024-02-01")),),
    ),
    # 8
    Scenario(
        "a cell switched off by the operator",
        Code.CELL_IS_DISABLED,
        Rule.ORDER_CELL,
        (order("cell-off", Action.SUSPEND, Target.CELL, "851e364ffffffff", "operator"),),
        position=Position(49.0, 12.1),
    ),
    # 10
    Scenario(
        "a fixed plan abroad, where all else is in order",
        Code.ROAM_RESTRICTED,
        Rule.PLAN_ROAMING,
        (
            *LICENSED_SOUTH,
            account("A-fixed", replace(FIXED, max_distance_m=1e6), id="far", recorded_at=utc("2024-02-01")),
        ),
        position=IN_SOUTH,
    ),
    # 11
    Scenario("no position", Code.UNKNOWN_LOCATION, Rule.POSITION_UNKNOWN, position=None),
    Scenario(
        "one key seen in two places",
        Code.UNKNOWN_LOCATION,
        Rule.POSITION_CONTRADICTED,
        position=replace(IN_NORTH, evidence=Evidence.CONTRADICTED),
    ),
    Scenario(
        "a position that only the terminal claims",
        Code.UNKNOWN_LOCATION,
        Rule.POSITION_UNVERIFIED,
        position=replace(IN_NORTH, evidence=Evidence.CLAIMED),
    ),
    Scenario(
        "a position one minute old",
        Code.UNKNOWN_LOCATION,
        Rule.POSITION_STALE,
        position=replace(IN_NORTH, measured_at=utc("2024-02-17T11:59:12Z")),
    ),
    Scenario(
        "a position measured in the future",
        Code.UNKNOWN_LOCATION,
        Rule.POSITION_STALE,
        position=replace(IN_NORTH, measured_at=utc("2024-02-17T12:00:13Z")),
    ),
    Scenario(
        "an ellipse of more than 10 km",
        Code.UNKNOWN_LOCATION,
        Rule.POSITION_UNCERTAIN,
        position=replace(IN_NORTH, semi_major_m=10_001.0),
    ),
    # 12
    Scenario(
        "an account disabled by the operator",
        Code.ACCOUNT_DISABLED,
        Rule.ACCOUNT_DISABLED,
        (account("A-fixed", FIXED, AccountState.DISABLED, id="disabled", recorded_at=utc("2024-02-01")),),
    ),
    Scenario(
        "a unit suspended by order",
        Code.ACCOUNT_DISABLED,
        Rule.ORDER_UNIT,
        (order("stolen", Action.SUSPEND, Target.UNIT, "fixed"),),
    ),
    Scenario(
        "an account suspended by order",
        Code.ACCOUNT_DISABLED,
        Rule.ORDER_ACCOUNT,
        (order("fraud", Action.SUSPEND, Target.ACCOUNT, "A-fixed"),),
    ),
    Scenario(
        "a party suspended by order, to which the holder belongs",
        Code.ACCOUNT_DISABLED,
        Rule.ORDER_PARTY,
        (
            Party(party="Ada", parent="Brigade", **said("membership", recorded_at=utc("2024-02-01"))),
            order("sanction", Action.SUSPEND, Target.PARTY, "Brigade", "operator"),
        ),
    ),
    # 13
    Scenario(
        "a model without type approval",
        Code.UNSUPPORTED_VERSION,
        Rule.APPROVAL_MODEL,
        without=("approval-N",),
    ),
    Scenario(
        "a type approval for other software",
        Code.UNSUPPORTED_VERSION,
        Rule.APPROVAL_SOFTWARE,
        (TypeApproval(authority="Northland Office", model=MODEL, software=("6",), **said("approval-6")),),
        without=("approval-N",),
    ),
    Scenario(
        "a licence for other models",
        Code.UNSUPPORTED_VERSION,
        Rule.LICENCE_MODEL,
        (Licence(authority="Northland Office", territory="Northland", models=("dish mark 3",), **said("L")),),
        without=("licence-N",),
    ),
    Scenario(
        "a model suspended by order",
        Code.UNSUPPORTED_VERSION,
        Rule.ORDER_MODEL,
        (order("recall", Action.SUSPEND, Target.MODEL, MODEL),),
    ),
    # 14
    Scenario(
        "91 km/h under a cap of 90",
        Code.MOVING_TOO_FAST_FOR_POLICY,
        Rule.SPEED_CAP,
        (order("cap", Action.SPEED_CAP, Target.AREA, "licence/Northland", speed_cap_m_s=90 / 3.6),),
        terminal="roaming",
        speed_m_s=91 / 3.6,
    ),
    Scenario(
        "a speed not known, under a cap",
        Code.MOVING_TOO_FAST_FOR_POLICY,
        Rule.SPEED_UNKNOWN,
        (order("cap", Action.SPEED_CAP, Target.AREA, "licence/Northland", speed_cap_m_s=90 / 3.6),),
        terminal="roaming",
        speed_m_s=None,
    ),
    Scenario(
        "faster than the plan allows",
        Code.MOVING_TOO_FAST_FOR_POLICY,
        Rule.SPEED_CAP,
        terminal="mobile",
        speed_m_s=201 / 3.6,
    ),
    # 15
    Scenario(
        "an aircraft over a country that has not licensed them",
        Code.UNDER_AVIATION_FLYOVER_LIMITS,
        Rule.LICENCE_OVERFLIGHT,
        terminal="plane",
        alert=Alert.RESTRICTED_COUNTRY,
    ),
    # 16
    Scenario(
        "an area suspended by order",
        Code.BLOCKED_AREA,
        Rule.ORDER_AREA,
        (order("quiet", Action.SUSPEND, Target.AREA, "zone/Marches"),),
        terminal="roaming",
        position=Position(48.05, 12.0),
    ),
    Scenario(
        "ground that another controls, under a licence that asks for control",
        Code.BLOCKED_AREA,
        Rule.LICENCE_CONTROL,
        (
            Licence(
                authority="Northland Office", territory="Northland", only_controlled_by=("Northland",), **said("L")
            ),
            area("control", "the east", shapely.box(13, 48, 14, 50), "Southland"),
        ),
        without=("licence-N", "control-Northland"),
        terminal="roaming",
        position=Position(49.0, 13.5),
    ),
    Scenario("not on the national list", Code.BLOCKED_AREA, Rule.ALLOW_LIST_ABSENT, (national_list(),)),
    Scenario(
        "on the list with another account",
        Code.BLOCKED_AREA,
        Rule.ALLOW_LIST_MISMATCH,
        (national_list(), listing("entry", "fixed", account="A-sold")),
    ),
    Scenario(
        "a person's second terminal on the list, unseen",
        Code.BLOCKED_AREA,
        Rule.ALLOW_LIST_QUOTA,
        (
            national_list(),
            listing("entry-1", "roaming"),
            listing("entry-2", "fixed", valid_from=utc("2024-01-02")),
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_the_code_is(scenario: Scenario) -> None:
    compiled = known(*scenario.facts, without=scenario.without, at=scenario.known_at)
    decision = ask(compiled, scenario.terminal, scenario.position, speed_m_s=scenario.speed_m_s)
    assert decision.code is scenario.code
    assert decision.outcome is (Outcome.PERMITTED if scenario.rule is None else Outcome.REFUSED)
    assert (decision.grant is not None) is (scenario.rule is None)
    refusing = [reason.rule for reason in decision.reasons if reason.refuses]
    if scenario.rule is None:
        assert refusing == []
    else:
        assert refusing[0] is scenario.rule
        assert next(reason for reason in decision.reasons if reason.refuses).text
    assert decision.alerts == ((scenario.alert,) if scenario.alert is not Alert.NONE else ())


def test_every_code_is_reached() -> None:
    assert {scenario.code for scenario in SCENARIOS} == set(Code)


def test_every_rule_is_reached() -> None:
    assert {scenario.rule for scenario in SCENARIOS} - {None} == set(Rule)


def test_every_rule_is_written_down(docs_decision: str) -> None:
    for rule in Rule:
        assert f"`{rule}`" in docs_decision
    places = [docs_decision.index(f"`{rule}`") for rule in Rule]
    assert places == sorted(places), "docs/decision.md lists the rules in order of precedence"
