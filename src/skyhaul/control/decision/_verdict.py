"""The answers all over an ellipse, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from skyhaul.control._codes import Code
from skyhaul.control._instants import FOREVER, SECOND, nanoseconds
from skyhaul.control._rule_names import SUSPENSIONS, Rule
from skyhaul.control.decision._case import Circumstances
from skyhaul.control.decision._compiled import Compiled
from skyhaul.control.decision._decision import Outcome
from skyhaul.control.decision._judge import Answer, judge, strictness
from skyhaul.control.decision._locate import locate
from skyhaul.control.decision._position import Evidence, Position, position_fault
from skyhaul.control.decision._units import Standing
from skyhaul.control.decision._world import Face, View
from skyhaul.control.facts import BorderPolicy
from skyhaul.control.polygons._near import FAR, PERHAPS_FAR, farness


class Verdict(NamedTuple):
    """What the answers over an ellipse come to.

    answers    all answers, the strictest first
    located    whether the position counts
    crossing   patches whose border parts the ellipse
    probation  policies that allow a probation lease; empty: none is given
    """

    outcome: Outcome
    code: Code
    answers: tuple[Answer, ...]
    located: bool
    crossing: tuple[int, ...]
    probation: tuple[BorderPolicy, ...]

    @property
    def served(self) -> bool:
        """Whether a lease is given."""
        return self.outcome is Outcome.PERMITTED or bool(self.probation)

    @property
    def rate_bps(self) -> float | None:
        """The lowest rate of all answers, or None."""
        if len(self.answers) == 1:
            return self.answers[0].rate_bps
        return min((answer.rate_bps for answer in self.answers if answer.rate_bps is not None), default=None)


Judge = Callable[[View, Standing, Face, Circumstances], Answer]


def reach_verdict(
    compiled: Compiled,
    view: View,
    standing: Standing,
    position: Position | None,
    time: int,
    speed_m_s: float | None,
    judge: Judge = judge,
) -> Verdict:
    """The verdict on one terminal at an instant (ns); `judge` asks the rules, or remembers what they said.

    Where the answer is the same all over the ellipse it is the answer, with the strictest code and rate. Where it
    differs, nothing is decided: the terminal is refused with the strictest code, unless its centre is permitted, no
    refused part is refused by an order, and every refused part lies in an area with a border policy: then it has a
    lease for the shortest probation of those.
    """
    stale = is_stale(compiled, view, time)
    fault = fault_of(view, position, time)
    if fault is not None or position is None:
        answer = judge(view, standing, view.nowhere, Circumstances(fault, False, speed_m_s, stale))
        return Verdict(_outcome(answer), answer.code, (answer,), False, (), ())
    far = farness(*place_of(position), position.semi_major_m, *address_of(standing))
    centre, faces, crossing = locate(compiled.terrain, view, position)
    flags = (False, True) if far == PERHAPS_FAR else (far == FAR,)
    if len(faces) == 1 and len(flags) == 1:
        answer = judge(view, standing, centre, Circumstances(None, flags[0], speed_m_s, stale))
        return Verdict(_outcome(answer), answer.code, (answer,), True, (), ())
    answers = [
        judge(view, standing, face, Circumstances(None, flag, speed_m_s, stale)) for face in faces for flag in flags
    ]
    strictest = sorted(answers, key=lambda answer: (*strictness(answer), answer.face.patches))
    permitted = [answer.permitted for answer in answers]
    if all(permitted) or not any(permitted):
        return Verdict(_outcome(strictest[0]), strictest[0].code, tuple(strictest), True, crossing, ())
    far = farness(*place_of(position), 0.0, *address_of(standing))
    at_centre = judge(view, standing, centre, Circumstances(None, far == FAR, speed_m_s, stale))
    probation = _probation(strictest) if at_centre.permitted else ()
    code = Code.OKAY if probation else strictest[0].code
    return Verdict(Outcome.UNDECIDED, code, tuple(strictest), True, crossing, probation)


def is_stale(compiled: Compiled, view: View, time: int) -> bool:
    """Whether the facts are older at an instant than the policy allows."""
    return time >= knowledge_end(compiled, view)


def knowledge_end(compiled: Compiled, view: View) -> int:
    """The first instant (ns) at which the facts are too old."""
    age = view.settings.max_knowledge_age_s
    return FOREVER if age is None else compiled.known_ns + int(age * SECOND)


def fault_of(view: View, position: Position | None, time: int) -> Rule | None:
    """The rule that makes a position count for nothing at an instant."""
    if position is None:
        return position_fault(False, Evidence.CLAIMED, 0, 0.0, view.settings)
    age = 0 if position.measured_at is None else time - nanoseconds(position.measured_at)
    return position_fault(True, position.evidence, age, position.semi_major_m, view.settings)


def place_of(position: Position) -> tuple[float, float]:
    """Latitude and longitude, as kernels take them."""
    return float(position.latitude_deg), float(position.longitude_deg)


def address_of(standing: Standing) -> tuple[float, float, float]:
    """Latitude and longitude of the service address and the distance allowed from it; NaN where there is none."""
    plan = standing.account.plan if standing.account is not None else None
    if plan is None or plan.service_address is None or plan.max_distance_m is None:
        return _NOWHERE
    latitude, longitude = plan.service_address
    return float(latitude), float(longitude), float(plan.max_distance_m)


_NOWHERE = (math.nan, math.nan, math.nan)


def _outcome(answer: Answer) -> Outcome:
    return Outcome.PERMITTED if answer.permitted else Outcome.REFUSED


def _probation(answers: list[Answer]) -> tuple[BorderPolicy, ...]:
    """Border policies over the refused parts, if every refused part has one and none is refused by an order."""
    found: dict[str, BorderPolicy] = {}
    for answer in answers:
        if answer.permitted:
            continue
        if not answer.face.border_policies or any(r.refuses and r.rule in SUSPENSIONS for r in answer.reasons):
            return ()
        found |= {policy.id: policy for policy in answer.face.border_policies}
    return tuple(found[id_] for id_ in sorted(found))
