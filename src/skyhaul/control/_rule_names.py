"""Every rule by name, in order of precedence, with the code that a terminal shows when the rule refuses it."""

from __future__ import annotations

from enum import StrEnum

from skyhaul.control._codes import Alert, Code


class Rule(StrEnum):
    """The rules that can refuse service, first the ones whose code wins when several refuse."""

    KNOWLEDGE_STALE = "knowledge.stale"
    UNIT_UNKNOWN = "unit.unknown"
    UNIT_DESTROYED = "unit.destroyed"
    ACCOUNT_NONE = "account.none"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_SANDBOX = "account.sandbox"
    ORDER_UNIT = "order.unit"
    ORDER_ACCOUNT = "order.account"
    ORDER_PARTY = "order.party"
    ORDER_MODEL = "order.model"
    POSITION_UNKNOWN = "position.unknown"
    POSITION_CONTRADICTED = "position.contradicted"
    POSITION_UNVERIFIED = "position.unverified"
    POSITION_STALE = "position.stale"
    POSITION_UNCERTAIN = "position.uncertain"
    LICENCE_TERRITORY = "licence.territory"
    LICENCE_MISSING = "licence.missing"
    LICENCE_CLASS = "licence.class"
    LICENCE_OVERFLIGHT = "licence.overflight"
    LICENCE_MODEL = "licence.model"
    LICENCE_CONTROL = "licence.control"
    LICENCE_ACTIVATION = "licence.activation"
    APPROVAL_MODEL = "approval.model"
    APPROVAL_SOFTWARE = "approval.software"
    ORDER_CELL = "order.cell"
    ORDER_AREA = "order.area"
    ALLOW_LIST_ABSENT = "allow_list.absent"
    ALLOW_LIST_MISMATCH = "allow_list.mismatch"
    ALLOW_LIST_QUOTA = "allow_list.quota"
    PLAN_OCEAN = "plan.ocean"
    PLAN_ROAMING = "plan.roaming"
    PLAN_DISTANCE = "plan.distance"
    SPEED_UNKNOWN = "speed.unknown"
    SPEED_CAP = "speed.cap"

    @property
    def code(self) -> Code:
        """The code of a terminal that this rule refuses."""
        return _CODES[self]

    @property
    def alert(self) -> Alert:
        """The country alert of this rule, or none."""
        return _ALERTS.get(self, Alert.NONE)


class Note(StrEnum):
    """What a reason can say that does not refuse: a permission, a limit, or a circumstance."""

    UNIT_REGISTERED = "unit.registered"
    ACCOUNT_ACTIVE = "account.active"
    TERRITORY_CLAIM = "territory.claim"
    TERRITORY_CONTROL = "territory.control"
    LICENCE_HELD = "licence.held"
    LICENCE_PRECEDENCE = "licence.precedence"
    APPROVAL_HELD = "approval.held"
    ALLOW_LIST_LISTED = "allow_list.listed"
    ORDER_ACTIVATE = "order.activate"
    ORDER_ALLOW = "order.allow"
    ORDER_EXEMPT = "order.exempt"
    ORDER_LIMIT = "order.limit"
    ORDER_PENDING = "order.pending"
    ORDER_JURISDICTION = "order.jurisdiction"
    POSITION_UNDECIDED = "position.undecided"
    POSITION_PROBATION = "position.probation"


_CODES: dict[Rule, Code] = {
    Rule.KNOWLEDGE_STALE: Code.UNKNOWN_STATE,
    Rule.UNIT_UNKNOWN: Code.UNKNOWN_STATE,
    Rule.UNIT_DESTROYED: Code.UNKNOWN_STATE,
    Rule.ACCOUNT_NONE: Code.NO_ACTIVE_ACCOUNT,
    Rule.ACCOUNT_CLOSED: Code.NO_ACTIVE_ACCOUNT,
    Rule.ACCOUNT_DISABLED: Code.ACCOUNT_DISABLED,
    Rule.ACCOUNT_SANDBOX: Code.DATA_OVERAGE_SANDBOX_POLICY,
    Rule.ORDER_UNIT: Code.ACCOUNT_DISABLED,
    Rule.ORDER_ACCOUNT: Code.ACCOUNT_DISABLED,
    Rule.ORDER_PARTY: Code.ACCOUNT_DISABLED,
    Rule.ORDER_MODEL: Code.UNSUPPORTED_VERSION,
    Rule.POSITION_UNKNOWN: Code.UNKNOWN_LOCATION,
    Rule.POSITION_CONTRADICTED: Code.UNKNOWN_LOCATION,
    Rule.POSITION_UNVERIFIED: Code.UNKNOWN_LOCATION,
    Rule.POSITION_STALE: Code.UNKNOWN_LOCATION,
    Rule.POSITION_UNCERTAIN: Code.UNKNOWN_LOCATION,
    Rule.LICENCE_TERRITORY: Code.BLOCKED_COUNTRY,
    Rule.LICENCE_MISSING: Code.BLOCKED_COUNTRY,
    Rule.LICENCE_CLASS: Code.BLOCKED_COUNTRY,
    Rule.LICENCE_OVERFLIGHT: Code.UNDER_AVIATION_FLYOVER_LIMITS,
    Rule.LICENCE_MODEL: Code.UNSUPPORTED_VERSION,
    Rule.LICENCE_CONTROL: Code.BLOCKED_AREA,
    Rule.LICENCE_ACTIVATION: Code.BLOCKED_COUNTRY,
    Rule.APPROVAL_MODEL: Code.UNSUPPORTED_VERSION,
    Rule.APPROVAL_SOFTWARE: Code.UNSUPPORTED_VERSION,
    Rule.ORDER_CELL: Code.CELL_IS_DISABLED,
    Rule.ORDER_AREA: Code.BLOCKED_AREA,
    Rule.ALLOW_LIST_ABSENT: Code.BLOCKED_AREA,
    Rule.ALLOW_LIST_MISMATCH: Code.BLOCKED_AREA,
    Rule.ALLOW_LIST_QUOTA: Code.BLOCKED_AREA,
    Rule.PLAN_OCEAN: Code.IN_OCEAN,
    Rule.PLAN_ROAMING: Code.ROAM_RESTRICTED,
    Rule.PLAN_DISTANCE: Code.TOO_FAR_FROM_SERVICE_ADDRESS,
    Rule.SPEED_UNKNOWN: Code.MOVING_TOO_FAST_FOR_POLICY,
    Rule.SPEED_CAP: Code.MOVING_TOO_FAST_FOR_POLICY,
}

_ALERTS: dict[Rule, Alert] = {
    Rule.LICENCE_TERRITORY: Alert.UNSUPPORTED_COUNTRY,
    Rule.LICENCE_ACTIVATION: Alert.UNSUPPORTED_COUNTRY,
    Rule.LICENCE_CLASS: Alert.RESTRICTED_COUNTRY,
    Rule.LICENCE_OVERFLIGHT: Alert.RESTRICTED_COUNTRY,
    Rule.LICENCE_MISSING: Alert.UNLICENSED_COUNTRY,
}

# An emergency permission stands in for what an authority would otherwise have had to grant.
LIFTED_BY_ALLOW = frozenset(
    {
        Rule.LICENCE_MISSING,
        Rule.LICENCE_CLASS,
        Rule.LICENCE_OVERFLIGHT,
        Rule.LICENCE_MODEL,
        Rule.LICENCE_CONTROL,
        Rule.LICENCE_ACTIVATION,
        Rule.APPROVAL_MODEL,
        Rule.APPROVAL_SOFTWARE,
        Rule.ALLOW_LIST_ABSENT,
        Rule.ALLOW_LIST_MISMATCH,
        Rule.ALLOW_LIST_QUOTA,
    }
)

# Suspensions: an emergency permission beats these only when its authority comes before theirs.
SUSPENSIONS = frozenset(
    {Rule.ORDER_UNIT, Rule.ORDER_ACCOUNT, Rule.ORDER_PARTY, Rule.ORDER_MODEL, Rule.ORDER_CELL, Rule.ORDER_AREA}
)

# Rules that an exemption may name. Nobody is exempt from being a known unit with a known place and a known state.
EXEMPTIBLE = LIFTED_BY_ALLOW | {
    Rule.ORDER_PARTY,
    Rule.ORDER_MODEL,
    Rule.ORDER_CELL,
    Rule.ORDER_AREA,
    Rule.ACCOUNT_SANDBOX,
    Rule.PLAN_OCEAN,
    Rule.PLAN_ROAMING,
    Rule.PLAN_DISTANCE,
    Rule.SPEED_UNKNOWN,
    Rule.SPEED_CAP,
}
