"""Both loops carry packets: here between sockets, which need no rights, and judged by the plain state machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from skyhaul.emulation import Cause, Codel, DirectionSettings, Engine, LinkTable, Shape
from skyhaul.emulation._plan import DirectionPlan, Fates
from skyhaul.errors import SkyhaulError
from tests.emulation.recorded import MS, constant, run

both = pytest.mark.parametrize("kind", ["compiled", "python"])
compiled = pytest.mark.parametrize("kind", ["compiled"])


class Wire:
    """One direction: what is put in at one end comes out at the other."""

    def __init__(self, kind: str, settings: DirectionSettings, table: LinkTable, packet_bytes: int = 8 << 20) -> None:
        self.sender, self._in = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._out, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._in.setblocking(False)
        self._out.setblocking(False)
        self.receiver.settimeout(5.0)
        self.plan = DirectionPlan(
            settings, table, self._in.fileno(), self._out.fileno(), packet_bytes=packet_bytes, rows=8
        )
        self.engine = Engine([self.plan], kind=kind, log_room=1 << 14)

    @contextmanager
    def running(self) -> Iterator[Wire]:
        self.engine.start()
        try:
            yield self
        finally:
            self.engine.stop()
            self.close()

    def close(self) -> None:
        for end in (self.sender, self._in, self._out, self.receiver):
            end.close()

    def fates(self, segments: int) -> Fates:
        """The fates of this many segments, waited for."""
        found = [self.engine.take_fates()]
        deadline = time.monotonic() + 10
        while sum(int(part["segments"].sum()) for part in found) < segments:
            assert time.monotonic() < deadline, "packets are missing"
            time.sleep(0.005)
            found.append(self.engine.take_fates())
        every = np.concatenate(found)
        return every[np.argsort(every["serial"], kind="stable")]


@both
def test_packets_come_out_whole_in_order_and_not_early(kind: str) -> None:
    wire = Wire(kind, DirectionSettings(), constant(1e9, 20 * MS))
    with wire.running():
        sent = []
        for number in range(100):
            sent.append(time.monotonic_ns())
            wire.sender.send(number.to_bytes(4, "big") + bytes(number))
        for number in range(100):
            packet = wire.receiver.recv(2000)
            assert packet == number.to_bytes(4, "big") + bytes(number)
            assert time.monotonic_ns() - sent[number] >= 20 * MS
        report = wire.engine.report(0)
    assert report.segments[Cause.DELIVERED] == report.reads == report.writes == 100
    assert report.dropped() == 0
    assert report.lateness_us.sum() == 100


@both
@pytest.mark.parametrize("codel", [None, Codel(1 * MS, 10 * MS)])
def test_every_packet_meets_the_fate_that_its_arrivals_mean(kind: str, codel: Codel | None) -> None:
    rules = DirectionSettings(queue_bytes=20_000 if codel is None else 10**6, codel=codel, seed=8)
    start = time.monotonic_ns()
    table = LinkTable(
        start + np.array([0, 150, 150, 400]) * MS,
        np.array([3, 5, 1, 2]) * MS,
        np.array([2e7, 5e6, 4e7, 1e7]),
        np.array([0.0, 0.1, 0.02, 0.0]),
        np.zeros(4, bool),
    )
    wire = Wire(kind, rules, table)
    rng = np.random.default_rng(6)
    with wire.running():
        for _ in range(60):
            for size in rng.integers(100, 1500, 20):
                wire.sender.send(bytes(int(size)))
            time.sleep(0.005)
        fates = wire.fates(1200)
    arrivals = [(int(fate["arrival"]), Shape.single(int(fate["wire_bytes"]))) for fate in fates]
    expected = run(rules, table, arrivals)
    assert [int(fate["cause"]) for fate in fates] == [int(fate.cause) for fate in expected]
    assert fates["departure"].tolist() == [fate.departure_ns for fate in expected]
    assert fates["release"].tolist() == [fate.release_ns for fate in expected]
    assert {Cause.DELIVERED, Cause.LOSS, Cause.QUEUE if codel is None else Cause.CODEL} <= set(fates["cause"].tolist())
    written = fates[fates["cause"] == Cause.DELIVERED]
    assert (written["written"] >= written["release"]).all()


@both
def test_a_new_table_is_followed_at_once_and_frees_what_was_held(kind: str) -> None:
    wire = Wire(kind, DirectionSettings(hold_outage=True), constant(0.0))
    with wire.running():
        for number in range(5):
            wire.sender.send(bytes([number]))
        wire.receiver.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.receiver.recv(10)
        now = time.monotonic_ns()
        wire.engine.publish(0, constant(1e9, 30 * MS).shifted(now))
        wire.receiver.settimeout(5.0)
        assert [wire.receiver.recv(10)[0] for _ in range(5)] == list(range(5))
        assert time.monotonic_ns() - now >= 30 * MS
        for step in range(4):
            wire.engine.publish(0, constant(1e9, step * MS).shifted(now))
        wire.sender.send(b"x")
        assert wire.receiver.recv(10) == b"x"


@compiled
def test_room_that_runs_out_is_a_cause_of_its_own(kind: str) -> None:
    wire = Wire(kind, DirectionSettings(), constant(1e9, 50 * MS), packet_bytes=140_000)
    with wire.running():
        for number in range(200):
            wire.sender.send(number.to_bytes(2, "big") + bytes(1398))
        fates = wire.fates(200)
        kept = fates[fates["cause"] == Cause.DELIVERED]
        gone = fates[fates["cause"] == Cause.MEMORY]
        assert kept.size + gone.size == 200
        assert gone.size > 0
        # What was kept comes out as it went in.
        for serial in kept["serial"].tolist():
            assert wire.receiver.recv(2000)[:2] == serial.to_bytes(2, "big")


@both
def test_packet_bytes_are_used_round_and_round(kind: str) -> None:
    wire = Wire(kind, DirectionSettings(), constant(1e9, MS), packet_bytes=300_000)
    rng = np.random.default_rng(0)
    with wire.running():
        for number in range(1500):
            body = number.to_bytes(2, "big") * int(rng.integers(1, 700))
            wire.sender.send(body)
            if number % 20 == 19:
                for back in range(number - 19, number + 1):
                    packet = wire.receiver.recv(2000)
                    assert packet == back.to_bytes(2, "big") * (len(packet) // 2)
        assert wire.engine.report(0).dropped() == 0


@both
def test_a_device_that_goes_away_does_not_stop_the_others(kind: str) -> None:
    first, second = (Wire(kind, DirectionSettings(), constant(1e9)) for _ in range(2))
    second.engine = Engine([first.plan, second.plan], kind=kind)
    with second.running():
        first.sender.close()
        first.receiver.close()
        time.sleep(0.1)
        busy = time.process_time_ns()
        second.sender.send(b"still here")
        assert second.receiver.recv(100) == b"still here"
        time.sleep(0.2)
        # Nor does it keep the engine busy.
        assert time.process_time_ns() - busy < 0.1e9
    first.close()


@compiled
def test_an_engine_that_has_stopped_says_so(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyhaul.emulation._memory._SEEN_TIMEOUT_S", 0.05)
    wire = Wire(kind, DirectionSettings(), constant(1e9))
    with wire.running():
        pass
    wire.engine._loop._memory.publish(0, constant(1e6))  # type: ignore[attr-defined]
    with pytest.raises(SkyhaulError, match="has stopped"):
        wire.engine._loop._memory.publish(0, constant(1e6))  # type: ignore[attr-defined]
