"""One slot of a run as dishes see it: the state of each terminal at each instant."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.dish._state import DishState, Place, Sight
from skyhaul.network import Reason, slot_start
from skyhaul.radio import look_angles_of_pairs
from skyhaul.system import SlotRun, World
from skyhaul.types import Floats, Ints


class SlotStates:
    """The states of a world's terminals at the instants of a slot's paths, which are evenly spaced."""

    def __init__(self, world: World, run: SlotRun) -> None:
        paths, leases = run.paths, run.leases
        time_ns = paths.time.astype("datetime64[ns]").astype(np.int64)
        self.slot = run.plan.slot
        self._end_ns = int(slot_start(self.slot + 1).astype("datetime64[ns]").astype(np.int64))
        self._first_ns = int(time_ns[0]) if len(time_ns) else self._end_ns
        self._step_ns = int(time_ns[1] - time_ns[0]) if len(time_ns) > 1 else self._end_ns
        self._times = len(time_ns)
        self._paths = paths
        self._cause = paths.cause_at
        self._loss = paths.loss
        ended = ~np.isnat(leases.ends) & (leases.ends <= paths.time[:, None])
        self._code = np.where(ended, leases.final_code, leases.code)
        self._capped = np.isfinite(leases.rate_bps)
        self._cell = leases.cell
        self._sites = run.places.terminals.sites
        self._speed = run.places.speed_m_s
        self._number = world.elements.catalog_number
        self._pops = world.ground.pops.name
        self._hidden = _hidden(world, run)

    def state(self, terminal: int, time_ns: int) -> DishState | None:
        """The state of a terminal, by its row, at the last instant of the slot that is not after the given one; None
        before the first."""
        at = min((time_ns - self._first_ns) // self._step_ns, self._times - 1)
        if at < 0:
            return None
        paths = self._paths
        cause = Reason(int(self._cause[at, terminal]))
        served = cause == Reason.SERVED
        common: dict[str, Any] = {
            "time_ns": time_ns,
            "cause": cause,
            "code": Code(int(self._code[at, terminal])),
            "capped": bool(self._capped[terminal]),
            "slot_end_ns": self._end_ns,
            "cell": int(self._cell[terminal]),
            "place": Place(
                float(self._sites.latitude_deg[terminal]),
                float(self._sites.longitude_deg[terminal]),
                float(self._sites.height_m[terminal]),
                horizontal_speed_m_s=float(self._speed[terminal]),
            ),
        }
        if not served:
            return DishState(**common, sight=self._hidden_sight(terminal, at))
        pop = int(paths.pop[terminal])
        return DishState(
            **common,
            rtt_s=float(paths.rtt_s[at, terminal]),
            loss=float(self._loss[at, terminal]),
            satellite=int(self._number[paths.satellite[terminal]]),
            gateway=int(paths.gateway[terminal]),
            pop=pop,
            pop_name=self._pops[pop],
            sight=Sight(float(paths.azimuth_deg[at, terminal]), float(paths.elevation_deg[at, terminal])),
        )

    def _hidden_sight(self, terminal: int, at: int) -> Sight | None:
        track = self._hidden.get(terminal)
        if track is None or np.isnan(track[at, 0]):
            return None
        return Sight(float(track[at, 0]), float(track[at, 1]), clear=False)


def _hidden(world: World, run: SlotRun) -> dict[int, Floats]:
    """Of each terminal without a path for its obstructions: azimuth and elevation (T, 2) of the highest satellite that
    they hide, NaN where it is not hidden at the time."""
    plan, times = run.plan, run.paths.time
    mine = (plan.seen_reason == Reason.OBSTRUCTED) & (plan.reason[plan.seen_terminal] == Reason.OBSTRUCTED)
    if not mine.any() or not len(times):
        return {}
    terminal, satellite = plan.seen_terminal[mine].astype(np.int64), plan.seen_satellite[mine]
    terminals = run.places.terminals
    position = world.constellation.at(times, satellites=satellite, velocity=False).position_m
    pairs: Ints = np.arange(len(satellite))
    looks = [look_angles_of_pairs(terminals.sites, terminal, position[t], pairs) for t in range(len(times))]
    direction = np.stack([np.stack([look.azimuth_deg, look.elevation_deg], axis=-1) for look in looks])  # (T, V, 2)
    tracks: dict[int, Floats] = {}
    for k in np.unique(terminal).tolist():
        rows = np.flatnonzero(terminal == k)
        track = direction[:, rows[np.argmax(direction[len(times) // 2, rows, 1])]].copy()
        mask = terminals.obstruction[k]
        if mask is not None:
            track[~mask.blocks(track[:, 0], track[:, 1])] = np.nan
        tracks[k] = track
    return tracks
