"""One dish: what it knows, does and remembers, step by step in the system's time."""

from __future__ import annotations

from dataclasses import replace

from skyhaul.control.decision import Code
from skyhaul.dish._boot import Boot, BootTimes
from skyhaul.dish._history import SAMPLES, History
from skyhaul.dish._map import Frame, ObstructionMap
from skyhaul.dish._outages import CAUSE_OF, Cause, Outages
from skyhaul.dish._settings import DishRecord, Settings
from skyhaul.dish._state import DishFeed, DishState, Hardware, Mobility
from skyhaul.dish._time import SECOND_NS

STEP_NS = SECOND_NS // 2
"""From one look at the system to the next: a pixel of the obstruction map each, as observers of real dishes see."""
# The dish's own pings, one a second: 56 bytes of data (the ping programs' default), ICMP and IPv4 headers of 8 and 20.
_PING_BPS = 8.0 * (56 + 8 + 20)


class Dish:
    """A terminal's dish.

    terminal        its name in the system
    record          what it remembers from before
    boot_times      how long it takes to start
    ready           whether it is on already when its time begins: its first start takes no time
    serves_context  lets it answer for its network context, which dishes keep to themselves

    It lives in the time of the states that it is given: without them it stands still. Its clock starts at the first.
    """

    def __init__(
        self,
        terminal: str,
        hardware: Hardware,
        *,
        record: DishRecord | None = None,
        boot_times: BootTimes | None = None,
        ready: bool = False,
        serves_context: bool = False,
    ) -> None:
        self.terminal = terminal
        self.hardware = hardware
        self.serves_context = serves_context
        self.state: DishState | None = None
        self.history = History()
        self.outages = Outages()
        self.map = self._empty_map()
        self.map_reset = False
        self.satellite = -1
        self.down_bps = self.up_bps = self.latency_ms = 0.0
        self.drop_rate = 1.0  # until the first second is over
        self._record = record or DishRecord()
        self._times = boot_times or BootTimes()
        self._ready = ready
        self._boot = Boot(self._times, self._record.started)
        self._steps: list[tuple[float, float]] = []
        if self._record.booted_ns:
            self.history = History(self._whole_seconds(self._record.seen_ns))

    @property
    def settings(self) -> Settings:
        return self._record.settings

    @property
    def record(self) -> DishRecord:
        """What to hand to the dish that takes this one's place."""
        return replace(self._record, started={str(step): at for step, at in self._boot.reached.items()})

    @property
    def boot(self) -> Boot:
        return self._boot

    @property
    def time_ns(self) -> int:
        """UTC, the last instant it lived through; 0 before the first."""
        return self.state.time_ns if self.state else 0

    @property
    def uptime_s(self) -> float:
        """Seconds since it started."""
        return (self.time_ns - self._record.booted_ns) / SECOND_NS if self.state else 0.0

    @property
    def cause(self) -> Cause | None:
        """Why it is off the network; None while connected."""
        return self.outages.now.cause if self.outages.now else None

    @property
    def asleep(self) -> bool:
        return self.settings.asleep(self.time_ns)

    @property
    def radio_on(self) -> bool:
        """Whether it looks at the sky."""
        return not (self._boot.starting or self.asleep or self._record.stowed)

    @property
    def code(self) -> Code:
        """What the network decided about it."""
        return self.state.code if self.state else Code.UNKNOWN_STATE

    def follow(self, feed: DishFeed) -> None:
        """Live through the time from the last instant until the feed's now.

        Of a pause longer than its history it lives through the end only; the rest is lost, as is the time since its
        record was taken. Where time went back it starts anew: it never shows values of the future.
        """
        now = feed.now_ns() // STEP_NS * STEP_NS
        if now < (self.time_ns or self._record.seen_ns):
            self._forget_time()
        # One that comes back from a record starts at now: nobody was there in between.
        first = max(self.time_ns + STEP_NS, now - SAMPLES * SECOND_NS) if self.state else now
        for time_ns in range(first, now + 1, STEP_NS):
            self.advance(feed.state(self.terminal, time_ns))

    def advance(self, state: DishState) -> None:
        """Live on to the instant of a state: `STEP_NS` after the last one, or longer after a gap."""
        seen = self.time_ns or self._record.seen_ns
        if not self._record.booted_ns:
            self._start(state.time_ns, commanded=False)
        elif state.time_ns - seen > STEP_NS:
            self._gap(state.time_ns - STEP_NS)
        self.state = state
        self._record = replace(self._record, seen_ns=state.time_ns)
        cause = self._cause(state)
        self.outages.note(cause, state.time_ns, state.satellite)
        self.satellite = -1 if cause is not None else state.satellite
        self._look(state)
        self._ping(state, cause)

    def restart(self) -> None:
        """Start anew, as after losing power, at the instant it has come to."""
        if self.state is not None:
            self._start(self.time_ns, commanded=True)
            self.outages.note(Cause.BOOTING, self.time_ns, -1)
            self.satellite = -1
            self.drop_rate, self.latency_ms, self.down_bps, self.up_bps = 1.0, 0.0, 0.0, 0.0

    def stow(self, stowed: bool) -> None:
        """Put it away for transport, or take it out."""
        self._record = replace(self._record, stowed=stowed)

    @property
    def stowed(self) -> bool:
        return self._record.stowed

    def inhibit_gps(self, inhibited: bool) -> None:
        """Let it find its position by its own satellites only, or by GPS again."""
        self._record = replace(self._record, gps_inhibited=inhibited)

    @property
    def gps_inhibited(self) -> bool:
        return self._record.gps_inhibited

    @property
    def boot_count(self) -> int:
        return self._record.boot_count

    @property
    def commanded(self) -> bool:
        """Whether its last start was asked for by its interface."""
        return self._record.commanded

    def set(self, settings: Settings) -> None:
        """Take new settings."""
        self._record = replace(self._record, settings=settings)

    def clear_map(self) -> None:
        """Forget where satellites were seen."""
        self.map = self._empty_map()
        self.map_reset = True

    def factory_reset(self) -> None:
        """Forget every setting and start anew."""
        self._record = replace(self._record, settings=Settings(), stowed=False, gps_inhibited=False)
        self.restart()

    def next_id(self) -> int:
        """A number that nobody was given before."""
        given = self._record.next_id
        self._record = replace(self._record, next_id=given + 1)
        return given

    def _start(self, time_ns: int, *, commanded: bool) -> None:
        count = self._record.boot_count + 1
        self._record = replace(self._record, booted_ns=time_ns, boot_count=count, commanded=commanded)
        self._boot = Boot(self._times, at_once=self._ready and not commanded)
        self.history = History()
        self.outages = Outages()
        # Published experiments emptied the map by a restart before dishes could be asked to.
        self.map = self._empty_map()
        self._steps = []

    def _forget_time(self) -> None:
        self._record = replace(self._record, booted_ns=0, seen_ns=0)
        self.state = None

    def _gap(self, until_ns: int) -> None:
        """Time in which nobody looked: lost from the history, and an outage nobody knows the cause of."""
        if not self.outages.now:
            self.outages.note(Cause.UNKNOWN, self._record.seen_ns, -1)
        self._steps = []
        self.history.lose(max(0, self._whole_seconds(until_ns) - self.history.current))

    def _cause(self, state: DishState) -> Cause | None:
        path = CAUSE_OF[state.cause]
        off = Cause.SLEEPING if self.asleep else Cause.STOWED if self._record.stowed else None
        if off is not None and not self._boot.starting:
            self._boot.search(self.uptime_s)
            return off
        return self._boot.advance(self.uptime_s, path)

    def _look(self, state: DishState) -> None:
        """Paint the satellite that it sees, or that is hidden from it."""
        if state.sight is None or not self.radio_on or self.cause not in (None, Cause.OBSTRUCTED):
            return
        sight = state.sight
        self.map.paint(sight.azimuth_deg, sight.elevation_deg, sight.clear, STEP_NS / SECOND_NS)
        self.map_reset = False

    def _ping(self, state: DishState, cause: Cause | None) -> None:
        served = cause is None
        self._steps.append((state.loss if served else 1.0, 1e3 * state.rtt_s if served else 0.0))
        if self._whole_seconds(state.time_ns) <= self.history.current:
            return
        # A ping that is lost has no round trip.
        self.drop_rate = sum(loss for loss, _ in self._steps) / len(self._steps)
        round_trips = [ms for loss, ms in self._steps if loss < 1.0]
        self.latency_ms = sum(round_trips) / len(round_trips) if round_trips else 0.0
        self.down_bps = state.down_bps + _PING_BPS if served else 0.0
        self.up_bps = state.up_bps + _PING_BPS if served else 0.0
        power_w = self.hardware.power_w if self.radio_on else self.hardware.standby_w
        self.history.add(self.drop_rate, self.latency_ms, self.down_bps, self.up_bps, power_w)
        self._steps = []

    def _whole_seconds(self, time_ns: int) -> int:
        return max(0, (time_ns - self._record.booted_ns) // SECOND_NS)

    def _empty_map(self) -> ObstructionMap:
        frame = Frame.UT if self.hardware.mobility == Mobility.MOBILE else Frame.EARTH
        return ObstructionMap(frame, self.hardware.tilt_deg, self.hardware.boresight_azimuth_deg)
