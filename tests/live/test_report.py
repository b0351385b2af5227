"""The report of a run: what a link was to be against what it was."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from skyhaul.emulation import FATE, Cause, LinkTable
from skyhaul.emulation._measure import agreement
from skyhaul.emulation._report import Configured, PacketFile, compare, write_report
from skyhaul.live import PathState, RunRecord, write_run_report
from tests.live.test_proxy import FixedSource, constant

S, MS = 1_000_000_000, 1_000_000


@pytest.mark.parametrize(("sizes", "shift"), [((200, 300), 0.0), ((500, 400), 0.3), ((50, 1000), 1.0), ((20, 30), 0.0)])
def test_the_statistic_is_kolmogorovs_and_smirnovs(sizes: tuple[int, int], shift: float) -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=sizes[0]), rng.normal(size=sizes[1]) + shift
    found, known = agreement(one, other), ks_2samp(one, other)
    assert found is not None
    assert found.statistic == pytest.approx(known.statistic)
    assert found.p_value == pytest.approx(known.pvalue, abs=0.05)
    assert agreement(one, np.zeros(0)) is None


def test_equal_samples_agree_and_far_ones_do_not() -> None:
    one = np.arange(100.0)
    same, far = agreement(one, one), agreement(one, one + 1000.0)
    assert same is not None
    assert far is not None
    assert (same.statistic, same.p_value) == (0.0, 1.0)
    assert far.statistic == 1.0
    assert far.p_value < 1e-9


def run_of(folder: Path, origin_ns: int, *, worse_ms: float = 0.0) -> None:
    """Packets of a link of 20 and 10 ms: one in 50 is lost, one in 100 found the queue full, some come 30 µs late."""
    rng = np.random.default_rng(4)
    packets = PacketFile(folder)
    packets.origin_ns = origin_ns
    for direction, delay_ns in enumerate((20 * MS, 10 * MS)):
        fates = np.zeros(2000, FATE)
        fates["direction"], fates["segments"], fates["wire_bytes"] = direction, 1, 1500
        fates["serial"] = np.arange(2000)
        fates["arrival"] = origin_ns + np.arange(2000) * 5 * MS
        fates["departure"] = fates["arrival"] + 100_000
        jitter = rng.integers(0, 2 * MS, 2000)
        fates["release"] = fates["departure"] + delay_ns + jitter + int(worse_ms * MS)
        fates["written"] = fates["release"] + np.where(np.arange(2000) % 10 == 0, 30_000, 1_000)
        fates["lost"][::50] = 1
        fates["cause"][::50] = Cause.LOSS
        full = np.arange(2000) % 100 == 7
        fates["cause"][full] = Cause.QUEUE
        fates["release"][full] = fates["written"][full] = 0
        packets.add(fates)
    packets.close()


def configured(delay_ms: float) -> Configured:
    rng = np.random.default_rng(5)
    times = np.arange(0, 10.0, 0.05)
    out = (times >= 4.0) & (times < 4.5)
    return Configured(
        times, delay_ms + rng.uniform(0, 2, times.size), np.full(times.size, 5e6), out, ((0.0, "sat-1"), (5.0, "sat-2"))
    )


def test_a_link_that_keeps_to_its_plan_says_so_and_one_that_does_not_too(tmp_path: Path) -> None:
    asked = {"up": configured(20.0), "down": configured(10.0)}
    for name, worse_ms in (("good", 0.0), ("bad", 0.7)):
        folder = tmp_path / name
        run_of(folder, 77 * S, worse_ms=worse_ms)
        write_report(folder, {"seconds": 10.0}, asked)
        report = json.loads((folder / "report.json").read_text())
        for way, base in (("up", 20.0), ("down", 10.0)):
            facts = report[way]
            assert facts["packets"] == 2000
            assert facts["dropped"] == {"queue": 20, "loss": 40}
            assert (facts["early"], facts["reordered"]) == (0, 0)
            assert facts["delay_error_us"]["p50"] == pytest.approx(1.0, abs=0.01)
            assert facts["delay_error_us"]["p99"] == pytest.approx(30.0, abs=0.01)
            assert facts["delay_ms"]["measured"]["p50"] == pytest.approx(base + 1.0 + worse_ms, abs=0.3)
            assert facts["configured_rate_mbit"] == 5.0
            assert facts["mean_rate_mbit"] == pytest.approx(1940 * 1500 * 8e-6 / 9.995, abs=0.01)
            assert (facts["kolmogorov_smirnov"]["p_value"] > 0.01) == (worse_ms == 0.0)
            # One packet in every 50 ms, and the plan's instants but those of the outage.
            assert facts["kolmogorov_smirnov"]["sizes"] == [pytest.approx(200, abs=2), 190]
        for picture in ("up.png", "down.png", "fidelity.png"):
            assert (folder / picture).read_bytes().startswith(b"\x89PNG")
            assert (folder / picture).stat().st_size > 20_000


def test_a_run_without_packets_or_states_has_a_report(tmp_path: Path) -> None:
    PacketFile(tmp_path).close()
    write_report(tmp_path, {})
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["up"]["packets"] == 0
    assert report["up"]["delay_error_us"] == {"p1": None, "p50": None, "p99": None}
    assert "kolmogorov_smirnov" not in report["up"]
    assert (tmp_path / "fidelity.png").exists()


def test_packets_that_came_early_or_out_of_order_are_counted() -> None:
    frame = pd.DataFrame(
        {
            "serial": [0, 1, 2, 3],
            "packets": 1,
            "wire_bytes": 100,
            "lost": 0,
            "arrival_s": [0.0, 0.1, 0.2, 0.3],
            "departure_s": [0.0, 0.1, 0.2, 0.3],
            "release_s": [0.02, 0.12, 0.22, 0.32],
            "written_s": [0.02, 0.25, 0.23, 0.31],
            "cause": "delivered",
        }
    )
    facts, samples = compare(frame, None)
    assert (facts["early"], facts["reordered"]) == (1, 1)
    assert samples["error_us"].tolist() == pytest.approx([0.0, 130_000.0, 10_000.0, -10_000.0])


class SlotSource(FixedSource):
    """A source whose satellite changes every two seconds."""

    def state(self, terminal: int, now_ns: int) -> PathState:
        slot = (now_ns - self._zero) // (2 * S)
        return PathState(
            True, "", "served", f"sat-{slot}", "", "", -1, 0.0, 1.0, 1.0, 0.0, 0.0, self._zero + (slot + 1) * 2 * S
        )


def test_a_record_keeps_what_was_published_once_for_each_time(tmp_path: Path) -> None:
    ramp = LinkTable(
        np.array([0, 5 * S, 5 * S, 10 * S], np.int64),
        np.array([10 * MS, 20 * MS, 40 * MS, 40 * MS], np.int64),
        np.array([1e6, 1e6, 2e6, 2e6]),
        np.zeros(4),
        np.array([False, False, False, True]),
    )
    source = SlotSource(ramp, constant(delay_ns=5 * MS))
    # The run has begun nine seconds ago: as if its windows had been published since.
    origin = time.monotonic_ns() - 9 * S
    source.start(origin)
    record = RunRecord(source)
    record.begin(origin)
    passed: list[int] = []
    publish = record.beside(lambda direction, table: passed.append(direction))
    for _ in range(3):
        publish(0, source.window(0, 0))
        publish(1, source.window(1, 0))
        publish(2, source.window(1, 0))  # of another terminal
    assert passed == [0, 1, 2] * 3
    kept = record.configured(origin + 8 * S)
    up = kept["up"]
    assert (np.diff(up.time_s) > 0).all()
    assert up.time_s.size == pytest.approx(160, abs=2)
    known = np.where(up.time_s < 5, 10 + 2 * up.time_s, 40.0)
    assert up.delay_ms == pytest.approx(known, abs=1e-3)
    assert set(up.rate_bps[up.time_s < 4.9]) == {1e6}
    assert not up.outage.any()
    assert [words for _, words in up.carriers] == ["sat-0", "sat-1", "sat-2", "sat-3", "sat-4"]
    assert [at for at, _ in up.carriers] == pytest.approx([0.0, 2.0, 4.0, 6.0, 8.0])
    assert kept["down"].delay_ms == pytest.approx(np.full(kept["down"].time_s.size, 5.0))
    run_of(tmp_path, origin)
    write_run_report(tmp_path, record, {"up": {}, "down": {}}, origin + 8 * S)
    assert json.loads((tmp_path / "report.json").read_text())["up"]["configured_rate_mbit"] == pytest.approx(
        1.4, abs=0.2
    )
    assert json.loads((tmp_path / "summary.json").read_text()) == {"up": {}, "down": {}}
