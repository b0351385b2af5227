"""One slot in operation: its plan, its leases, and the path states of all terminals at any instant of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skyhaul.control.grants import Leases
from skyhaul.network import Outages, Paths, Plan, Reason, packet_extra_s, slot_extra_s, slot_start
from skyhaul.operation._roster import Roster
from skyhaul.radio import LIGHT_M_S, LinkBudget
from skyhaul.system import Engine, Places, World
from skyhaul.types import Bytes, Floats, Ints, Ints32

SLOT_NS = 15_000_000_000
# Path states change smoothly but for waits, which are drawn anew for each of these steps.
TICK_NS = 100_000_000
# Instants at which a slot's geometry is worked out. Between them it is taken from straight lines: the range to a
# satellite bends by at most v²/h = 0.1 km/s², so that after half a second it is 13 m off, and a delay 0.04 µs.
_STEP_NS = 1_000_000_000
_INSTANTS = SLOT_NS // _STEP_NS + 1
_AT_ONCE = 4  # instants: what is worked out on the way takes 100 MB for 10,000 terminals in one go

Columns32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PathStates:
    """The paths of K terminals at an instant; NaN, and -1, where a terminal has none.

    time_ns                       UTC since 1970, a whole step of 100 ms
    cause                         (K,) `Reason.SERVED`, or why there is no path
    satellite, gateway, pop       (K,) who carries it: indices into constellation and ground segment
    laser_hops                    (K,)
    access_s, laser_s, feeder_s, fibre_s   (K,) one-way delays of the legs
    delay_up_s, delay_down_s, rtt_s        (K,) of a packet sent then
    loss                          (K,) share of packets lost
    rate_up_bps, rate_down_bps    (K,) the terminal's share of its cell's beam, or what its grant allows
    azimuth_deg, elevation_deg, slant_range_m   (K,) of the serving satellite
    """

    time_ns: int
    cause: Bytes
    satellite: Ints32
    gateway: Ints32
    pop: Ints32
    laser_hops: Ints
    access_s: Floats
    laser_s: Floats
    feeder_s: Floats
    fibre_s: Floats
    delay_up_s: Floats
    delay_down_s: Floats
    loss: Floats
    rate_up_bps: Floats
    rate_down_bps: Floats
    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats

    @property
    def rtt_s(self) -> Floats:
        return self.delay_up_s + self.delay_down_s

    @property
    def served(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.cause == Reason.SERVED)


class SlotPaths:
    """The path states of a slot, at any instant of it: geometry at every second, waits drawn for every 100 ms.

    They are those of `trace_paths`, to 0.1 µs of delay and 2 parts in 10^4 of rates.
    """

    def __init__(self, engine: Engine, plan: Plan) -> None:
        whole = replace(plan, lease_end=np.full(len(plan.lease_end), np.datetime64("NaT", "ns")))
        start = slot_start(plan.slot)
        self.start_ns = int(start.astype(np.int64))
        self._model, self._seed = engine.world.delay, engine.world.scenario.seed
        self._key, self._budget = engine.terminals.key, LinkBudget()
        self._plan, self._cap = plan, plan.rate_cap_bps
        self._ends: Ints = plan.lease_end.view(np.int64)
        rows = []
        for first in range(0, _INSTANTS, _AT_ONCE):
            at = self.start_ns + np.arange(first, min(first + _AT_ONCE, _INSTANTS)) * _STEP_NS
            paths = engine.paths(whole, at.astype("datetime64[ns]"))
            rows.append(_geometry(paths))
        self._grid: Columns32 = np.concatenate(rows, axis=1)  # (columns, T, K)
        self.satellite, self.gateway, self.pop = paths.satellite, paths.gateway, paths.pop
        self.laser_hops = paths.laser_hops
        self._fibre = paths.fibre_s[0]
        self._slot_up, self._slot_down = slot_extra_s(self._model, self._seed, plan.slot, self._key, self.laser_hops)
        served = plan.reason == Reason.SERVED
        sharers = np.bincount(plan.terminal_cell[served], minlength=len(plan.cell))
        with np.errstate(divide="ignore"):
            self._share = np.where(served, 1.0 / sharers[plan.terminal_cell], np.nan)

    def cause_at(self, time_ns: int) -> Bytes:
        """(K,) why there is no path at an instant: a lease that ends inside the slot ends its path."""
        over = (self._ends <= time_ns) & (self._ends > np.iinfo(np.int64).min)
        served = self._plan.reason == Reason.SERVED
        return np.where(served & over, np.int8(Reason.NO_GRANT), self._plan.reason)

    def at(self, time_ns: int) -> PathStates:
        """The states at the last step of 100 ms that is not after an instant of the slot."""
        into = min(max(time_ns - self.start_ns, 0), SLOT_NS - 1) // TICK_NS * TICK_NS
        tick_ns = self.start_ns + into
        second, part = divmod(into, _STEP_NS)
        share = np.float32(part / _STEP_NS)
        before, after = self._grid[:, second], self._grid[:, second + 1]
        east, north, up, slant, laser, feeder = (before + share * (after - before)).astype(np.float64)
        cause = self.cause_at(tick_ns)
        gone = cause != Reason.SERVED
        slant[gone] = np.nan
        wait = packet_extra_s(self._model, self._seed, np.array([tick_ns], dtype="datetime64[ns]"), self._key)
        access = slant / LIGHT_M_S
        way = access + laser + feeder + self._fibre
        across = np.hypot(east, north)
        lost = np.where(gone, 1.0, 0.0)
        none32 = np.int32(-1)
        return PathStates(
            time_ns=tick_ns,
            cause=cause,
            satellite=np.where(gone, none32, self.satellite),
            gateway=np.where(gone, none32, self.gateway),
            pop=np.where(gone, none32, self.pop),
            laser_hops=np.where(gone, -1, self.laser_hops),
            access_s=access,
            laser_s=np.where(gone, np.nan, laser),
            feeder_s=np.where(gone, np.nan, feeder),
            fibre_s=np.where(gone, np.nan, self._fibre),
            delay_up_s=way + self._model.fixed_up_s + self._slot_up + wait.up_s[0],
            delay_down_s=way + self._model.fixed_down_s + self._slot_down + wait.down_s[0],
            loss=lost,
            rate_up_bps=np.minimum(self._budget.up_bps(slant) * self._share, self._cap),
            rate_down_bps=np.minimum(self._budget.down_bps(slant) * self._share, self._cap),
            azimuth_deg=np.where(gone, np.nan, np.degrees(np.arctan2(east, north)) % 360.0),
            elevation_deg=np.where(gone, np.nan, np.degrees(np.arctan2(up, across))),
            slant_range_m=slant,
        )


def _geometry(paths: Paths) -> Columns32:
    """(6, T, K) direction to the serving satellite (east, north, up), range (m), delays over lasers and down (s)."""
    azimuth, elevation = np.radians(paths.azimuth_deg), np.radians(paths.elevation_deg)
    across = np.cos(elevation)
    columns = (
        across * np.sin(azimuth),
        across * np.cos(azimuth),
        np.sin(elevation),
        paths.slant_range_m,
        paths.laser_s,
        paths.feeder_s,
    )
    return np.stack(columns).astype(np.float32)


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """All that was decided for a slot, and by what.

    generation      counts changes of terminals, failures and elements; the plan knows those up to it
    ready_ns        the system's time when it was ready; before the slot's start, or it was late
    """

    slot: int
    generation: int
    roster: Roster
    world: World
    plan: Plan
    leases: Leases
    places: Places
    outages: Outages
    paths: SlotPaths
    ready_ns: int

    @property
    def start_ns(self) -> int:
        return self.paths.start_ns

    @property
    def end_ns(self) -> int:
        return self.paths.start_ns + SLOT_NS

    @property
    def ready_before_s(self) -> float:
        """Seconds of the system's time between when it was ready and when its slot starts; below 0 for a late one."""
        return (self.start_ns - self.ready_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan of a slot that lies farther ahead, on the leases of now: it stands if nothing changes until then."""

    slot: int
    generation: int
    plan: Plan
    leases: Leases
    outages: Outages

    def holds(self, leases: Leases, outages: Outages, generation: int) -> bool:
        """Whether the same plan would come out for these leases and outages."""
        mine = self.outages
        return (
            self.generation == generation
            and np.array_equal(self.leases.granted, leases.granted)
            and np.array_equal(self.leases.cell, leases.cell)
            and np.array_equal(mine.satellite, outages.satellite)
            and np.array_equal(mine.gateway, outages.gateway)
            and np.array_equal(mine.pop, outages.pop)
            and np.array_equal(mine.laser, outages.laser)
        )
