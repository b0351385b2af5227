"""Decisions on record: those that changed what a terminal may do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from skyhaul.control._codes import Code
from skyhaul.control._instants import nanoseconds
from skyhaul.control.decision import RULES_VERSION, Decision, Outcome
from skyhaul.control.store._leaves import Leaf, record_leaf
from skyhaul.control.store._schema import DECISIONS, LEAVES, OPENINGS


class State(NamedTuple):
    """What a decision means for a terminal: a decision with the state of the one before is not recorded."""

    outcome: str
    code: int
    rate_bps: float | None

    @classmethod
    def of(cls, decision: Decision) -> State:
        """The state that a decision puts its terminal in."""
        rate = decision.grant.rate_bps if decision.grant else None
        return cls(str(decision.outcome), int(decision.code), rate)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as it was recorded.

    leaf       number of its entry in the log
    at         when it was recorded
    rate_bps   the highest rate of its grant, or None
    document   all of it, as `Decision.as_dict` writes it; None once it is erased
    """

    leaf: int
    at: np.datetime64
    terminal: str
    time: np.datetime64
    known_at: np.datetime64
    outcome: Outcome
    code: Code
    rate_bps: float | None
    document: dict[str, Any] | None


def decision_leaf(decision: Decision, at: int, by: str) -> Leaf:
    """The entry of a decision: what was decided, by which rules and on which facts.

    The words of the reasons can name people, and the cell says where the terminal was: all else is committed to.
    """
    grant = decision.grant
    public = {
        "rules_version": RULES_VERSION,
        "terminal": decision.terminal,
        "time": decision.time,
        "known_at": decision.known_at,
        "outcome": decision.outcome,
        "code": int(decision.code),
        "rate_bps": grant.rate_bps if grant else None,
        "until": grant.ends if grant else None,
        "reasons": [
            {
                "rule": reason.rule,
                "effect": reason.effect,
                "facts": [fact.id for fact in reason.facts],
                "lifted_by": reason.lifted_by,
            }
            for reason in decision.reasons
        ],
    }
    return record_leaf("decision", at, by, public, {"document": decision.as_dict()})


def decision_row(number: int, decision: Decision) -> tuple[Any, ...]:
    """The row of a decision's table."""
    state = State.of(decision)
    return (
        number,
        decision.terminal,
        nanoseconds(decision.time),
        nanoseconds(decision.known_at),
        state.outcome,
        state.code,
        state.rate_bps,
    )


def states_since(connection: sa.Connection, first: int) -> dict[str, State]:
    """The last recorded state of every terminal that has a decision among the entries from `first` on."""
    columns = (DECISIONS.c.terminal, DECISIONS.c.outcome, DECISIONS.c.code, DECISIONS.c.rate_bps)
    query = sa.select(*columns).where(DECISIONS.c.leaf >= first).order_by(DECISIONS.c.leaf)
    return {terminal: State(outcome, code, rate) for terminal, outcome, code, rate in connection.execute(query)}


def read_decisions(
    connection: sa.Connection, terminal: str, begin: int | None, end: int | None, *, last: bool = False
) -> list[DecisionRecord]:
    """Decisions about a terminal for times in [begin, end), by time; with `last` only the last of them."""
    document = sa.and_(OPENINGS.c.leaf == DECISIONS.c.leaf, OPENINGS.c.field == "document")
    query = (
        sa.select(DECISIONS, LEAVES.c.at, OPENINGS.c.value)
        .select_from(DECISIONS.join(LEAVES, LEAVES.c.number == DECISIONS.c.leaf).outerjoin(OPENINGS, document))
        .where(DECISIONS.c.terminal == terminal)
        .order_by(DECISIONS.c.time, DECISIONS.c.leaf)
    )
    if begin is not None:
        query = query.where(DECISIONS.c.time >= begin)
    if end is not None:
        query = query.where(DECISIONS.c.time < end)
    if last:
        query = query.order_by(None).order_by(DECISIONS.c.time.desc(), DECISIONS.c.leaf.desc()).limit(1)
    return [
        DecisionRecord(
            leaf,
            np.datetime64(at, "ns"),
            name,
            np.datetime64(time, "ns"),
            np.datetime64(known_at, "ns"),
            Outcome(outcome),
            Code(code),
            rate,
            None if value is None else json.loads(value),
        )
        for leaf, name, time, known_at, outcome, code, rate, at, value in connection.execute(query)
    ]


# Where the cell stands in canonical JSON: after the alerts, of which there are at most three numbers.
_CELL = re.compile(r'"cell":"([0-9a-f]+)"')
_CELL_WITHIN = 100


def last_cells(connection: sa.Connection) -> dict[str, str]:
    """The cell (hex) of the decision that was recorded last about each terminal, where it has one and is not erased."""
    last = sa.select(sa.func.max(DECISIONS.c.leaf)).group_by(DECISIONS.c.terminal)
    beginning = sa.func.substr(OPENINGS.c.value, 1, _CELL_WITHIN)
    query = (
        sa.select(DECISIONS.c.terminal, beginning)
        .join(OPENINGS, sa.and_(OPENINGS.c.leaf == DECISIONS.c.leaf, OPENINGS.c.field == "document"))
        .where(DECISIONS.c.leaf.in_(last))
    )
    found = ((terminal, _CELL.search(text)) for terminal, text in connection.execute(query))
    return {terminal: cell[1] for terminal, cell in found if cell is not None}
