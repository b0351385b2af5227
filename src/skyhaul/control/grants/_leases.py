"""The leases of one slot, as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from skyhaul.control._codes import Alert, Code
from skyhaul.control.decision import RULES, Compiled, Decision, Positions, Rule, decide
from skyhaul.types import Bools, Bytes, CellIds, Floats, Times

# A terminal that the scenario itself gives no grant shows what one suspended by an order shows.
WITHHELD = "scenario.withheld"
WITHHELD_CODE = Code.ACCOUNT_DISABLED

# Why a terminal has no lease, by index: the rules of the decision in their order, then the scenario.
REFUSALS: tuple[str, ...] = (*(str(rule) for rule in RULES), WITHHELD)
# Code and country alert of each; the last entry, which index -1 finds, is for none.
CODES = np.array([*(rule.code for rule in RULES), WITHHELD_CODE, Code.OKAY], dtype=np.uint8)
ALERTS = np.array([*(rule.alert for rule in RULES), Alert.NONE, Alert.NONE], dtype=np.uint8)

_NAT = np.datetime64("NaT", "ns")
_STALE = RULES.index(Rule.KNOWLEDGE_STALE)


class Ruling(IntEnum):
    """What is decided of a terminal for a slot."""

    REFUSED = 0
    PERMITTED = 1
    UNDECIDED = 2  # the answer differs within its ellipse: refused
    PROBATION = 3  # … and a border policy gives it a short lease


@dataclass(frozen=True, slots=True)
class Question:
    """What the decisions of a slot were asked with: decisions with their reasons can be had from it at any time.

    units        (K,) ids in the registry; empty for a terminal that nobody decides on
    positions    (K,)
    speed_m_s    (K,)
    """

    compiled: Compiled
    units: tuple[str, ...]
    positions: Positions
    speed_m_s: Floats

    def decision(self, terminal: int, time: np.datetime64) -> Decision:
        """The whole decision on one terminal at an instant, with every reason."""
        speed = float(self.speed_m_s[terminal])
        return decide(self.compiled, self.units[terminal], self.positions[terminal], time, speed_m_s=speed)


@dataclass(frozen=True, slots=True)
class Leases:
    """What K terminals may do in the slot [start, end).

    known_at    facts recorded later were not known when it was decided; NaT where nothing was decided
    granted     (K,) whether it may be served when the slot starts. Permission that comes later waits for the next slot.
    ends        (K,) datetime64[ns] end of the lease: inside the slot service ends there. NaT without a lease, and for
                one without an end
    ruling      (K,) `Ruling` when the slot starts
    code        (K,) `Code` shown when the slot starts
    rule        (K,) index into REFUSALS of what refuses: when the slot starts, or from the end of a lease that ends
                inside it; on probation what refuses a part of the ellipse; else -1
    rate_bps    (K,) highest rate each way; inf where there is no limit. A limit that holds in a part of the slot counts
                for all of it.
    cell        (K,) H3 resolution-5 cell that the lease is for
    """

    start: np.datetime64
    end: np.datetime64
    known_at: np.datetime64
    granted: Bools
    ends: Times
    ruling: Bytes
    code: npt.NDArray[np.uint8]
    rule: Bytes
    rate_bps: Floats
    cell: CellIds
    question: Question | None = None

    def __len__(self) -> int:
        return len(self.granted)

    @classmethod
    def unlimited(cls, start: np.datetime64, end: np.datetime64, cell: CellIds) -> Leases:
        """Leases without an end, where nobody decides."""
        count = len(cell)
        return cls(
            start=start,
            end=end,
            known_at=_NAT,
            granted=np.ones(count, dtype=np.bool_),
            ends=np.full(count, _NAT),
            ruling=np.full(count, Ruling.PERMITTED, dtype=np.int8),
            code=np.full(count, Code.OKAY, dtype=np.uint8),
            rule=np.full(count, -1, dtype=np.int8),
            rate_bps=np.full(count, np.inf),
            cell=cell,
        )

    @property
    def cut(self) -> Bools:
        """(K,) whether the lease ends inside the slot."""
        return np.asarray(self.granted & (self.ends < self.end))

    @property
    def final_code(self) -> npt.NDArray[np.uint8]:
        """(K,) `Code` shown when the slot ends."""
        return np.where(self.cut, CODES[self.rule], self.code)

    @property
    def alert(self) -> npt.NDArray[np.uint8]:
        """(K,) country `Alert` of `rule`."""
        return ALERTS[self.rule]

    def refusal(self, terminal: int) -> str:
        """Why a terminal has no lease when the slot starts, in words for people; empty where it has one."""
        if self.granted[terminal]:
            return ""
        code = Code(int(self.code[terminal]))
        alert = Alert(int(self.alert[terminal]))
        country = f", {alert.name.replace('_', ' ').lower()} ({alert.value})" if alert else ""
        undecided = ", undecided" if self.ruling[terminal] == Ruling.UNDECIDED else ""
        return f"no grant: code {code.value} {code.name}{country}, rule {REFUSALS[self.rule[terminal]]}{undecided}"

    def until(self, limit: np.datetime64) -> Leases:
        """The same leases, none of which lasts longer than `limit`: from there on the facts behind them are stale."""
        late = self.granted & ~(self.ends <= limit)  # also those without an end
        if not late.any():
            return self
        stale = late & (limit <= self.start)
        return replace(
            self,
            granted=self.granted & ~stale,
            ends=np.where(stale, _NAT, np.where(late, limit, self.ends)),
            ruling=np.where(stale, np.int8(Ruling.REFUSED), self.ruling),
            code=np.where(stale, np.uint8(Code.UNKNOWN_STATE), self.code),
            rule=np.where(stale | (late & (limit < self.end)), np.int8(_STALE), self.rule),
            rate_bps=np.where(stale, np.inf, self.rate_bps),
        )

    def withheld(self, terminal: int, begins: np.datetime64, ends: np.datetime64) -> Leases:
        """The same leases with one terminal's withheld from `begins` until `ends`; what refuses it already stays."""
        if not self.granted[terminal] or not (begins < self.end and self.start < ends):
            return self
        rule = np.int8(REFUSALS.index(WITHHELD))
        if begins > self.start:
            if self.ends[terminal] <= begins:
                return self
            return replace(self, ends=_with(self.ends, terminal, begins), rule=_with(self.rule, terminal, rule))
        return replace(
            self,
            granted=_with(self.granted, terminal, np.False_),
            ends=_with(self.ends, terminal, _NAT),
            ruling=_with(self.ruling, terminal, np.int8(Ruling.REFUSED)),
            code=_with(self.code, terminal, np.uint8(WITHHELD_CODE)),
            rule=_with(self.rule, terminal, rule),
            rate_bps=_with(self.rate_bps, terminal, np.float64(np.inf)),
        )


def changes(before: Leases | None, now: Leases) -> tuple[Decision, ...]:
    """The decisions of a slot that change a terminal's state, in outcome, code, rule or rate, in the order of time.

    Without a slot before, every terminal's. A lease that ends inside the slot is a change at its end. These are what a
    record keeps: each has all its reasons. What a scenario withholds is no decision, and neither is that the store of
    facts was not heard (`Leases.until`).
    """
    question = now.question
    if question is None:
        return ()
    decided = np.array([bool(unit) for unit in question.units], dtype=np.bool_) & (now.rule != len(REFUSALS) - 1)
    rows = np.ones(len(now), dtype=np.bool_)
    if before is not None:
        cut = before.cut
        rows = (
            (np.where(cut, Ruling.REFUSED, before.ruling) != now.ruling)
            | (before.final_code != now.code)
            | (np.where(now.cut, before.rule, now.rule) != before.rule)
            | (before.rate_bps != now.rate_bps)
        )
    found = [(now.start, int(k)) for k in np.flatnonzero(rows & decided)]
    ended = np.flatnonzero(now.cut & decided)
    found += sorted((now.ends[k], int(k)) for k in ended)
    decisions = [(k, question.decision(k, time)) for time, k in found]
    return tuple(one for k, one in decisions if now.rule[k] != _STALE or one.code is Code.UNKNOWN_STATE)


def _with(column: npt.NDArray[Any], row: int, value: Any) -> npt.NDArray[Any]:
    changed = column.copy()
    changed[row] = value
    return changed
