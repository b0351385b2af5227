"""May this terminal be served here, now?"""

from __future__ import annotations

import math
from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np

from skyhaul.control._instants import FOREVER, SECOND, nanoseconds, utc
from skyhaul.control._rule_names import Note
from skyhaul.control.decision._compiled import Compiled
from skyhaul.control.decision._decision import Decision, Grant, Outcome
from skyhaul.control.decision._position import Position
from skyhaul.control.decision._reasons import Reason, note, permit
from skyhaul.control.decision._verdict import Verdict, knowledge_end, reach_verdict
from skyhaul.control.decision._world import View
from skyhaul.earth import BEAM_CELL_RESOLUTION
from skyhaul.errors import ControlError


def decide(
    compiled: Compiled,
    terminal: str,
    position: Position | None,
    time: str | np.datetime64,
    *,
    speed_m_s: float | None = None,
) -> Decision:
    """The decision on one terminal at a position and instant, from the facts that `compiled` knows.

    position     None: not known
    speed_m_s    over the ground, not negative; None: not known

    A pure function: equal facts and questions give equal decisions, in whatever order the facts came. A question it
    cannot answer is refused, not raised; ControlError is for a speed or instant that is none.
    """
    at = nanoseconds(utc(time, "time"))
    speed = checked_speed(speed_m_s)
    view = compiled.view(at)
    standing = compiled.units.standing(terminal, at)
    verdict = reach_verdict(compiled, view, standing, position, at, speed)
    holds_until = min(
        view.end,
        standing.end,
        _position_end(view, position, at) if verdict.located else FOREVER,
        _after(knowledge_end(compiled, view), at),
    )
    cell = _cell(position) if position is not None else ""
    return Decision(
        terminal=terminal,
        time=_instant(at),
        known_at=compiled.known_at,
        cell=cell,
        outcome=verdict.outcome,
        code=verdict.code,
        reasons=_reasons(compiled, view, verdict),
        grant=_grant(view, verdict, cell, at, holds_until) if verdict.served else None,
        holds_until=None if holds_until == FOREVER else _instant(holds_until),
    )


def next_change(
    compiled: Compiled,
    terminal: str,
    position: Position | None,
    time: str | np.datetime64,
    *,
    speed_m_s: float | None = None,
    until: str | np.datetime64 | None = None,
) -> Decision | None:
    """The first decision after `time` that differs by itself in outcome, code or rate, if the terminal stays where it
    is and the network goes on measuring; its `time` is the instant of the change. None: never, or not before `until`.
    """
    steady = replace(position, measured_at=None) if position is not None else None
    end = FOREVER if until is None else nanoseconds(utc(until, "until"))
    now = decide(compiled, terminal, steady, time, speed_m_s=speed_m_s)
    at = nanoseconds(now.time)
    while True:
        view = compiled.view(at)
        standing = compiled.units.standing(terminal, at)
        at = min(view.end, standing.end, _after(knowledge_end(compiled, view), at))
        if at >= end or at == FOREVER:
            return None
        then = decide(compiled, terminal, steady, _instant(at), speed_m_s=speed_m_s)
        if _answer(then) != _answer(now):
            return then


def checked_speed(speed_m_s: float | None) -> float | None:
    """A speed, or None where it is not known. Raises ControlError for a negative or infinite one."""
    if speed_m_s is None or math.isnan(speed_m_s):
        return None
    if not 0.0 <= speed_m_s < math.inf:
        raise ControlError(f"a speed of {speed_m_s} m/s", where="speed", mend="zero or more, or leave it out")
    return float(speed_m_s)


def _answer(decision: Decision) -> tuple[object, ...]:
    grant = decision.grant
    return decision.outcome, decision.code, grant is not None, grant.rate_bps if grant else None


def _after(instant: int, time: int) -> int:
    """An instant still to come; one that has passed bounds nothing."""
    return instant if instant > time else FOREVER


def _position_end(view: View, position: Position | None, time: int) -> int:
    """The instant at which a position that counts is too old."""
    if position is None:
        return FOREVER
    measured = time if position.measured_at is None else nanoseconds(position.measured_at)
    return measured + int(view.settings.max_position_age_s * SECOND)


def _reasons(compiled: Compiled, view: View, verdict: Verdict) -> tuple[Reason, ...]:
    """Every reason once; of an ellipse that borders part, the strictest answer's first."""
    if len(verdict.answers) == 1:
        return verdict.answers[0].reasons
    found: dict[tuple[object, ...], Reason] = {}
    for answer in verdict.answers:
        for reason in answer.reasons:
            found.setdefault((reason.rule, reason.text, reason.lifted_by, *(f.id for f in reason.facts)), reason)
    reasons = list(found.values())
    if verdict.outcome is Outcome.UNDECIDED:
        reasons.append(_undecided(compiled, view, verdict))
    if verdict.probation:
        shortest = min(policy.probation_s for policy in verdict.probation)
        text = f"a lease on probation for {shortest} s"
        reasons.append(permit(Note.POSITION_PROBATION, text, *verdict.probation, authority=view.settings.operator))
    return tuple(reasons)


def _undecided(compiled: Compiled, view: View, verdict: Verdict) -> Reason:
    patches = [compiled.world.patches[i] for i in verdict.crossing]
    borders = ", ".join(sorted({patch.ref for patch in patches}))
    over = f"the borders of {borders}" if borders else "the distance that the plan allows"
    text = f"the answer differs within the 95 % ellipse, which lies across {over}"
    return note(Note.POSITION_UNDECIDED, text, *(patch.fact for patch in patches), authority=view.settings.operator)


def _grant(view: View, verdict: Verdict, cell: str, time: int, holds_until: int) -> Grant:
    length = view.settings.lease_s
    if verdict.probation:
        length = min(policy.probation_s for policy in verdict.probation)
    return Grant(
        cell=cell,
        begins=_instant(time),
        ends=_instant(min(time + length * SECOND, holds_until)),
        probation=bool(verdict.probation),
        rate_bps=verdict.rate_bps,
    )


def _cell(position: Position) -> str:
    return f"{h3.latlng_to_cell(position.latitude_deg, position.longitude_deg, BEAM_CELL_RESOLUTION):x}"


def _instant(ns: int) -> np.datetime64:
    return np.datetime64(ns, "ns")
