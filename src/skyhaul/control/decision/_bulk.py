"""Decisions on millions of terminals at once: the same answers as one by one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from skyhaul.control._codes import Code
from skyhaul.control._instants import FOREVER, SECOND, nanoseconds, utc
from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._bulk_kernels import number_keys, place_many
from skyhaul.control.decision._bulk_places import find_faces, share
from skyhaul.control.decision._case import Circumstances
from skyhaul.control.decision._compiled import Compiled
from skyhaul.control.decision._decision import Outcome
from skyhaul.control.decision._fleet import Fleet
from skyhaul.control.decision._judge import PRECEDENCE, Answer, judge
from skyhaul.control.decision._position import FAULTS, Positions, position_faults
from skyhaul.control.decision._units import Standing
from skyhaul.control.decision._verdict import is_stale, knowledge_end, reach_verdict
from skyhaul.control.decision._world import Face, View
from skyhaul.control.facts import Action
from skyhaul.control.polygons._near import PERHAPS_FAR
from skyhaul.errors import ControlError
from skyhaul.types import Bools, Bytes, Floats, Ints32, Times

RULES: tuple[Rule, ...] = tuple(Rule)
_NOT_A_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Decisions on K terminals, as columns.

    code        (K,) `Code` that the terminal shows
    refused_by  (K,) index into RULES of the first rule that refuses, of an undecided one in the strictest part of its
                ellipse; -1 where none does
    served      (K,) whether it has a lease
    undecided   (K,) whether the answer differs within its ellipse
    rate_bps    (K,) highest rate, inf where there is no limit
    lease_ends  (K,) datetime64[ns] end of the lease, NaT where there is none
    """

    code: npt.NDArray[np.uint8]
    refused_by: Bytes
    served: Bools
    undecided: Bools
    rate_bps: Floats
    lease_ends: Times


def decide_many(
    compiled: Compiled,
    fleet: Fleet,
    positions: Positions,
    time: str | np.datetime64,
    *,
    speed_m_s: npt.ArrayLike | None = None,
    workers: int = 2,
) -> Verdicts:
    """`decide` for every terminal of a fleet at one instant, without the reasons.

    positions    a row for each terminal
    speed_m_s    one for all or (K,); NaN: not known
    workers      threads; the answer does not depend on their number

    Terminals alike to every rule are judged once for each face; borders are tested exactly; a terminal whose ellipse
    meets a border, or the limit of its plan's distance, is decided one by one. Raises ControlError for rows that do not
    match the fleet, for a fleet of other facts and for a speed that is none.
    """
    count = len(fleet)
    if len(positions) != count:
        raise ControlError(
            f"{len(positions)} positions for {count} terminals", where="positions", mend="a row for each"
        )
    if fleet.units is not compiled.units:
        raise ControlError("the fleet was made of other facts", where="fleet", mend="use fleet.recompiled(compiled)")
    at = nanoseconds(utc(time, "time"))
    view = compiled.view(at)
    stale = is_stale(compiled, view, at)
    fleet.bring_to(at)
    speed = _speeds(speed_m_s, count)
    fault = position_faults(positions, at, view.settings)

    class_, far = _place(compiled, view, fleet, positions, fault < 0, workers)
    exact = (fault < 0) & ((class_ < 0) | (far == PERHAPS_FAR))
    class_[exact | (fault >= 0)] = -1
    faces, face = find_faces(compiled.terrain, view, positions, class_, workers)
    # Faults take the place of faces: a position that does not count lies nowhere.
    face = np.where(fault >= 0, len(faces) + fault.astype(np.int64), face)
    places = len(faces) + len(FAULTS)

    caps = _caps(view, fleet)
    band = np.where(np.isnan(speed), len(caps) + 1, np.searchsorted(caps, speed))
    bands = len(caps) + 2
    key = ((fleet.profile.astype(np.int64) * places + face) * 2 + (far > 0)) * bands + band
    key[exact] = -1
    number = np.empty(count, dtype=np.int32)
    distinct = number_keys(key, number)
    answers = [_judge(view, fleet, faces, caps, stale, *_unpacked(k, places, bands)) for k in distinct.tolist()]
    # The last row is for terminals decided one by one, and is written over.
    codes = np.array([*(answer.code for answer in answers), 0], dtype=np.uint8)
    rules = np.array([*(_refusal(answer) for answer in answers), -1], dtype=np.int8)
    rates = np.array([*(_rate(answer.rate_bps) for answer in answers), np.inf])
    code, refused_by, rate = codes[number], rules[number], rates[number]
    served = code == Code.OKAY
    undecided = np.zeros(count, dtype=np.bool_)
    until = np.minimum(fleet.end, min(at + view.settings.lease_s * SECOND, view.end, _later(compiled, view, at)))
    if positions.measured_at is not None:
        age = int(view.settings.max_position_age_s * SECOND)
        measured = positions.measured_at.astype("datetime64[ns]").astype(np.int64)
        until = np.minimum(until, np.where(fault < 0, measured, FOREVER - age) + age)
    else:
        until = np.minimum(until, at + int(view.settings.max_position_age_s * SECOND))
    said: dict[Hashable, Answer] = {}
    for k in np.flatnonzero(exact).tolist():
        verdict = reach_verdict(
            compiled,
            view,
            compiled.units.standing(fleet.terminal[k], at),
            positions[k],
            at,
            None if np.isnan(speed[k]) else float(speed[k]),
            partial(_remembered, said, int(fleet.profile[k])),
        )
        code[k], served[k], refused_by[k] = verdict.code, verdict.served, _refusal(verdict.answers[0])
        undecided[k] = verdict.outcome is Outcome.UNDECIDED
        rate[k] = _rate(verdict.rate_bps)
        for policy in verdict.probation:
            until[k] = min(until[k], at + policy.probation_s * SECOND)
    until[~served] = _NOT_A_TIME
    return Verdicts(code, refused_by, served, undecided, rate, until.view("datetime64[ns]"))


def _place(
    compiled: Compiled, view: View, fleet: Fleet, positions: Positions, usable: Bools, workers: int
) -> tuple[Ints32, Bytes]:
    """Clear class and farness of every usable position."""
    count = len(fleet)
    class_ = np.full(count, -1, dtype=np.int32)
    far = np.zeros(count, dtype=np.int8)
    ground, there = compiled.terrain.ground, compiled.terrain.there(view)

    def run(part: slice) -> None:
        place_many(
            positions.latitude_deg[part],
            positions.longitude_deg[part],
            positions.semi_major_m[part],
            usable[part],
            fleet.address[part],
            *ground.tables,
            there,
            class_[part],
            far[part],
        )

    share(run, count, workers)
    return class_, far


def _judge(
    view: View,
    fleet: Fleet,
    faces: list[Face],
    caps: Floats,
    stale: bool,
    profile: int,
    place: int,
    far: bool,
    band: int,
) -> Answer:
    """The answer for one kind of terminal at one face."""
    fault = FAULTS[place - len(faces)] if place >= len(faces) else None
    face = faces[place] if fault is None else view.nowhere
    return judge(view, fleet.representative[profile], face, Circumstances(fault, far, _speed_in(band, caps), stale))


def _remembered(
    said: dict[Hashable, Answer],
    profile: int,
    view: View,
    standing: Standing,
    face: Face,
    circumstances: Circumstances,
) -> Answer:
    """`judge`, asked once for all terminals of a profile: they are alike to every rule."""
    key = profile, face.known, face.patches, circumstances
    answer = said.get(key)
    if answer is None:
        answer = said[key] = judge(view, standing, face, circumstances)
    return answer


def _refusal(answer: Answer) -> int:
    return -1 if answer.refused_by is None else PRECEDENCE[answer.refused_by]


def _rate(rate_bps: float | None) -> float:
    return np.inf if rate_bps is None else rate_bps


def _unpacked(key: int, places: int, bands: int) -> tuple[int, int, bool, int]:
    key, band = divmod(key, bands)
    key, far = divmod(key, 2)
    profile, place = divmod(key, places)
    return profile, place, bool(far), band


def _caps(view: View, fleet: Fleet) -> Floats:
    """Every speed that any rule may compare with, ascending: speeds between two of them are alike."""
    caps = {licence.max_speed_m_s for group in view.licences.values() for licence in group}
    timed = [*view.world.orders, *(order for standing in fleet.representative for order in standing.orders)]
    caps |= {t.order.speed_cap_m_s for t in timed if t.order.action is Action.SPEED_CAP}
    caps |= {standing.account.plan.max_speed_m_s for standing in fleet.representative if standing.account is not None}
    return np.array(sorted(cap for cap in caps if cap is not None), dtype=np.float64)


def _speed_in(band: int, caps: Floats) -> float | None:
    """A speed of a band: one that exceeds just the first `band` caps; None for the band of unknown speeds."""
    if band > len(caps):
        return None
    if band < len(caps):
        return float(caps[band])
    return float(np.nextafter(caps[-1], np.inf)) if len(caps) else 0.0


def _speeds(speed_m_s: npt.ArrayLike | None, count: int) -> Floats:
    speed = np.array(np.broadcast_to(np.nan if speed_m_s is None else np.asarray(speed_m_s, np.float64), (count,)))
    bad = np.flatnonzero((speed < 0.0) | np.isinf(speed))
    if len(bad):
        raise ControlError(f"a speed of {speed[bad[0]]} m/s", where=f"speed {bad[0]}", mend="zero or more, or NaN")
    return speed


def _later(compiled: Compiled, view: View, time: int) -> int:
    end = knowledge_end(compiled, view)
    return end if end > time else FOREVER
