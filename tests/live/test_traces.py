"""Recorded links: what comes in, what goes out, and that it is the same."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from skyhaul.cli import run
from skyhaul.emulation import LinkTable, read_mahimahi
from skyhaul.errors import InputError, NotFoundError, OutputError, SkyhaulError
from skyhaul.live import Trace, read_trace, trace_of_scenario, trace_source, write_trace
from skyhaul.live._trace_export import write_mahimahi, write_netem
from skyhaul.live._trace_plans import chunk_rows, spans_between
from skyhaul.live._traces import plain_trace
from skyhaul.network import Reason
from skyhaul.scenario import changed_scenario, load_scenario
from skyhaul.study import open_dataset
from skyhaul.system import System

S, MS = 1_000_000_000, 1_000_000


@pytest.fixture(scope="module")
def world_trace() -> Trace:
    return trace_of_scenario(load_scenario("world"), "quito", None, timedelta(seconds=50), timedelta(milliseconds=500))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dataset") / "run.parquet"
    assert run(["simulate", "world", "--duration", "50s", "--step", "500ms", "-o", str(path)]) == 0
    return path


def same(one: LinkTable, other: LinkTable) -> bool:
    names = ("time_ns", "delay_ns", "rate_bps", "loss", "outage")
    return one.period_ns == other.period_ns and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


def odd_trace() -> Trace:
    """A trace with everything in it: steps, slopes, no rate, no limit, losses, an outage."""

    def side(first: int) -> LinkTable:
        return LinkTable(
            np.array([0, S, S, 2 * S, 3 * S + 1, 4 * S], np.int64),
            np.array([first, 20 * MS, 35 * MS, 36 * MS, 0, 11 * MS], np.int64),
            np.array([1e6, 1e6, np.inf, 0.0, 0.0, 2.5e6]),
            np.array([0.0, 0.25, 0.1, 0.0, 0.0, 1.0]),
            np.array([False, False, False, False, True, False]),
            5 * S,
        )

    return plain_trace("odd", "made here", side(10 * MS), side(12 * MS), "2024-02-17T12:00:12.000Z")


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_trace_comes_back_as_it_was(tmp_path: Path, world_trace: Trace, suffix: str) -> None:
    for number, trace in enumerate((world_trace, odd_trace())):
        path = tmp_path / f"{number}{suffix}"
        write_trace(trace, path)
        back = read_trace(path)
        assert same(back.up, trace.up)
        assert same(back.down, trace.down)
        assert (back.name, back.about, back.start, back.spans) == (trace.name, trace.about, trace.start, trace.spans)


def test_a_trace_as_text_has_the_same_link(tmp_path: Path, world_trace: Trace) -> None:
    for number, trace in enumerate((world_trace, odd_trace())):
        path = tmp_path / f"{number}.csv"
        write_trace(trace, path)
        back = read_trace(path)
        assert back.length_ns == trace.length_ns
        times = np.sort(np.random.default_rng(1).integers(0, trace.length_ns - 1, 20_000))
        for one, other in ((trace.up, back.up), (trace.down, back.down)):
            served = ~one.outage[np.searchsorted(one.time_ns, times, side="right") - 1]
            assert np.abs(one.delay_at(times) - other.delay_at(times))[served].max() <= 1.0
            for name in ("rate_bps", "loss", "outage"):
                values = [
                    getattr(table, name)[np.searchsorted(table.time_ns, times, side="right") - 1]
                    for table in (one, other)
                ]
                assert np.array_equal(*values), name


def test_a_dataset_replays_as_it_is(dataset: Path) -> None:
    trace = read_trace(dataset, terminal="quito")
    known = open_dataset(dataset)
    row = [str(name) for name in known["terminal"].values].index("quito")
    time = known["time"].values.astype("datetime64[ns]").astype(np.int64)
    for table, name, rate in ((trace.up, "delay_up", "rate_up"), (trace.down, "delay_down", "rate_down")):
        delay_ms = known[name].values[:, row].astype(np.float64)
        # The dataset's columns are single precision: 2 ns of 30 ms.
        assert np.abs(table.delay_at(time - time[0]) * 1e-6 - delay_ms).max() < 1e-5
        at = np.searchsorted(table.time_ns, time - time[0], side="right") - 1
        assert np.array_equal(table.rate_bps[at], known[rate].values[:, row].astype(np.float64))
    assert trace.length_ns == 50 * S
    assert [span.time_ns for span in trace.spans] == [0, 15 * S, 30 * S, 45 * S]
    names = known["satellite"].values[known["serving_satellite"].values[:, row]]
    assert [span.satellite for span in trace.spans] == [str(name) for name in names]
    assert trace.start == "2024-02-17T12:00:12.000Z"


def test_a_scenario_and_its_dataset_are_one_link(dataset: Path, world_trace: Trace) -> None:
    trace = read_trace(dataset, terminal="quito")
    times = np.arange(0, 50 * S, 77 * MS)
    for one, other in ((trace.up, world_trace.up), (trace.down, world_trace.down)):
        assert np.abs(one.delay_at(times) - other.delay_at(times)).max() < 1e4
    assert trace.spans == world_trace.spans


def test_delay_steps_at_slot_starts_and_holds_its_wait_between_states(world_trace: Trace) -> None:
    system = System.from_scenario(load_scenario("world"))
    steps = 0
    for slot in system.run(system.default_start(), np.timedelta64(50, "s"), np.timedelta64(500, "ms")):
        row = system.world.terminals.sites.name.index("quito")
        times = (slot.paths.time - system.default_start()).astype("timedelta64[ns]").astype(np.int64)
        extra = (slot.paths.delay_up_s - slot.paths.propagation_s)[:, row] * 1e9
        # Just before the next state the wait is still this one's, on what propagation is by then.
        before = world_trace.up.delay_at(times[1:] - 1) - slot.paths.propagation_s[1:, row] * 1e9
        assert np.abs(before - extra[:-1]).max() < 50.0
        if times[0]:
            left, right = (float(delay) for delay in world_trace.up.delay_at(np.array([times[0] - 1, times[0]])))
            assert right == pytest.approx(slot.paths.delay_up_s[0, row] * 1e9, abs=1.0)
            steps += abs(right - left) > 1e5
    assert steps == 3


def test_outages_of_a_dataset_are_outages_with_their_cause(tmp_path: Path) -> None:
    scenario = changed_scenario(
        load_scenario("world"), {"withheld": [{"terminal": "quito", "start": timedelta(seconds=15)}]}
    )
    trace = trace_of_scenario(scenario, "quito", None, timedelta(seconds=40), timedelta(seconds=1))
    out = trace.up.outage[np.searchsorted(trace.up.time_ns, np.array([5, 14, 15, 30]) * S, side="right") - 1]
    assert out.tolist() == [False, False, True, True]
    assert trace.spans[1].code == Reason.NO_GRANT.name.lower()


def test_measured_round_trips_replay_with_their_delays(tmp_path: Path, data_folder: Path) -> None:
    # Traceroutes of an idle dish, here as probes every 100 ms, of which some found no answer.
    known = pd.read_csv(data_folder / "rtt_sites_2024" / "rtt.csv.gz")
    rtt = known[known["site"] == "victoria-canada"]["rtt_ms"].to_numpy()[:3000]
    words = [f"{value:.3f}" for value in rtt]
    for lost in (7, 1000):
        words[lost] = ""
    path = tmp_path / "victoria.csv"
    path.write_text("time,rtt_ms\n" + "".join(f"{0.1 * k:.1f},{word}\n" for k, word in enumerate(words)))
    trace = read_trace(path, up_share=0.7)
    times = np.arange(3000) * 100 * MS
    both = [table.delay_at(times + 99 * MS) for table in (trace.up, trace.down)]
    answered = np.array([word != "" for word in words])
    assert np.abs((both[0] + both[1]) * 1e-6 - rtt)[answered].max() < 1e-5
    assert both[0][answered] == pytest.approx(0.7 * rtt[answered] * 1e6, abs=1.0)
    loss = trace.up.loss[np.searchsorted(trace.up.time_ns, times, side="right") - 1]
    assert np.flatnonzero(loss).tolist() == [7, 1000]
    # The same distribution, whenever one looks.
    some = np.random.default_rng(2).integers(0, trace.length_ns, 3000)
    seen = (trace.up.delay_at(some) + trace.down.delay_at(some)) * 1e-6
    assert ks_2samp(seen, rtt).pvalue > 0.01
    # And as a link: what is published are those delays.
    with trace_source(path) as source:
        source.ready()
        zero = time.monotonic_ns()
        source.start(zero)
        first = np.arange(60) * 100 * MS + 50 * MS
        up, down = (source.window(way, zero).delay_at(zero + first) for way in (0, 1))
        assert ((up + down) * 1e-6)[answered[:60]] == pytest.approx(rtt[:60][answered[:60]], abs=1e-3)


def test_times_of_measurements_may_be_dates_and_losses_shares(tmp_path: Path) -> None:
    path = tmp_path / "dated.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("timestamp;RTT_ms;loss_pct;rate_down_mbit\n2024-02-17T12:00:12Z;20;0;100\n")
        file.write("2024-02-17T12:00:13.5Z;30;19;50\n")
    trace = read_trace(path)
    assert trace.length_ns == 3 * S
    assert trace.down.rate_bps.tolist() == [100e6, 100e6, 50e6, 50e6]
    # There and back: 1 - (1 - 0.1)² = 0.19.
    assert trace.up.loss[-1] == pytest.approx(0.1)
    assert trace.down.delay_ns.tolist() == [10 * MS, 10 * MS, 15 * MS, 15 * MS]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.csv", "time,rtt_ms\n0,20\n-1,20\n", r"a\.csv:3: the time -1 is negative"),
        ("a.csv", "time,rtt_ms\n5,20\n4,20\n", r"a\.csv:3: the time 4 lies before the line above"),
        ("a.csv", "time,rtt_ms\n0,20\n1,soon\n", r"a\.csv:3: 'soon' is no number"),
        ("a.csv", "time,rtt_ms\n0,20\n1,-3\n", r"a\.csv:3: -3 does not lie in its range"),
        ("a.csv", "time,rtt_ms\n0,20\n1\n", r"a\.csv:3: 1 columns, and 2 in the header"),
        ("a.csv", "time,rtt_ms,loss\n0,20,1.5\n1,20,0\n", r"a\.csv:2: 1\.5 does not lie in its range"),
        ("a.csv", "time,rtt_ms\nnoon,20\n1,20\n", r"a\.csv:2: 'noon' is no time"),
        ("a.csv", "time,rtt_ms\nnan,20\n1,20\n", r"a\.csv:2: the time 'nan' is not finite"),
        ("a.csv", "time,rtt_ms\n0,20\n", r"a\.csv: the trace lasts no time"),
        ("a.csv", "time,rtt_ms\n0,\n1,*\n", r"a\.csv: holds no round-trip time"),
        ("a.csv", "time,rtt_ms\n", r"a\.csv: holds no round-trip time"),
        ("a.csv", "when,what\n0,20\n", r"a\.csv:1: has no column of times"),
        ("a.csv", "time,what\n0,20\n", r"a\.csv:1: has no column of round-trip times"),
        ("a.csv", "", r"a\.csv:1: has no column of times: its header is 'nothing'"),
        ("a.csv", "time_s,delay_up_ms\n0,20\n1,20\n", r"a\.csv:1: has no column of one-way delays"),
        ("a.json", "{", r"a\.json:1: expected JSON"),
        ("a.json", "[]", r"a\.json: is no trace"),
        ("a.json", '{"format": "skyhaul-trace", "version": 9}', r"a trace of version 9"),
        ("a.json", '{"format": "skyhaul-trace", "version": 1, "up": {}}', r"a\.json: up: has no time_ns"),
        ("a.json", "[" * 100_000, r"a\.json: expected JSON"),
        ("a.parquet", "PAR1", r"a\.parquet: cannot be read as Parquet"),
        ("a.mm", "1\n-2\n", r"a\.mm:2: the time -2 is negative"),
        ("a.mm", "", r"a\.mm: the trace lasts no time"),
        ("a.csv.gz", "time,rtt_ms\n", r"a\.csv\.gz: cannot be read"),
    ],
)
def test_a_bad_trace_is_one_line_with_its_place(tmp_path: Path, name: str, text: str, what: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SkyhaulError, match=what) as caught:
        read_trace(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize("name", ["junk.csv", "junk.json", "junk.parquet", "junk.mm", "junk.csv.gz", "junk.nc"])
def test_ten_megabytes_of_junk_are_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(1).bytes(10 << 20))
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert len(str(caught.value)) < 400 + len(str(path))
    words = tmp_path / f"words{path.suffix}"
    words.write_text("lorem ipsum " * 800_000)
    with pytest.raises(InputError) as caught:
        read_trace(words)
    assert len(str(caught.value)) < 400 + len(str(path))


def broken(trace: Trace, change: Callable[[dict[str, object]], None], path: Path) -> Path:
    write_trace(trace, path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_numbers_that_make_no_sense_are_refused_with_their_place(tmp_path: Path) -> None:
    changes: list[tuple[Callable[[dict[str, object]], None], str]] = [
        (lambda d: d["up"].update(time_ns=[0, -5, 1, 2, 3, 4]), "up: link table, row 2: its time lies before"),  # type: ignore[attr-defined]
        (lambda d: d["up"].update(delay_ns=[-1, 0, 0, 0, 0, 0]), "up: link table, row 1: its delay is negative"),  # type: ignore[attr-defined]
        (lambda d: d["up"].update(loss=[2, 0, 0, 0, 0, 0]), "row 1: its loss does not lie between 0 and 1"),  # type: ignore[attr-defined]
        (lambda d: d["up"].update(loss=[0]), "columns of one length"),  # type: ignore[attr-defined]
        (lambda d: d["down"].update(rate_bps="fast"), r"down\.rate_bps: expected a list of numbers"),  # type: ignore[attr-defined]
        (lambda d: d.update(length_ns=0), "up: the trace lasts no time"),
        (lambda d: d.update(spans=[[1]]), "spans: expected a list"),
    ]
    for number, (change, what) in enumerate(changes):
        with pytest.raises(InputError, match=what):
            read_trace(broken(odd_trace(), change, tmp_path / f"{number}.json"))


def test_a_dataset_of_many_terminals_wants_a_name(dataset: Path) -> None:
    with pytest.raises(NotFoundError, match=r"holds 12 terminals .*kyiv"):
        read_trace(dataset)
    with pytest.raises(NotFoundError, match=r"near names: .*quito"):
        read_trace(dataset, terminal="quita")


def test_a_trace_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "there.json"
    write_trace(odd_trace(), path)
    with pytest.raises(OutputError, match="is there already"):
        write_trace(odd_trace(), path)
    write_trace(odd_trace(), path, overwrite=True)
    with pytest.raises(OutputError, match="no such folder"):
        write_trace(odd_trace(), tmp_path / "no" / "x.json")
    with pytest.raises(OutputError, match="unknown format"):
        write_trace(odd_trace(), tmp_path / "x.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["there.json"]


def test_chunks_of_a_trace_are_the_trace_over_and_over(world_trace: Trace) -> None:
    table, length = world_trace.up, world_trace.length_ns
    for start in (0, 15 * S, 45 * S, 90 * S, 1_000_005 * S):
        rows = chunk_rows(table, start, start + 15 * S)
        piece = LinkTable(
            rows["time"].copy(), rows["delay"].copy(), rows["rate"].copy(), rows["loss"].copy(), rows["out"] != 0
        )
        times = np.arange(0, 15 * S - 2, 123_456_789)
        assert np.abs(piece.delay_at(times) - table.delay_at((start + times) % length)).max() <= 1.0
        spans = spans_between(world_trace, start, start + 15 * S)
        assert spans[0].time_ns == 0
        known = [s for s in world_trace.spans if s.time_ns <= start % length][-1]
        assert spans[0].satellite == known.satellite


# Export


def test_a_mahimahi_trace_has_the_opportunities_of_the_rate(tmp_path: Path, world_trace: Trace) -> None:
    cap = 30e6
    files = write_mahimahi(world_trace, tmp_path / "link.up", cap_bps=cap)
    for file, table in zip(files, (world_trace.up, world_trace.down), strict=True):
        times = np.loadtxt(file, dtype=np.int64)
        assert (np.diff(times) >= 0).all()
        assert times[-1] == world_trace.length_ns // MS
        ms = np.arange(1, times[-1] + 1)
        edges = np.append(table.time_ns, table.period_ns)
        bits = np.insert(np.cumsum(np.minimum(table.rate_bps, cap) * np.diff(edges) * 1e-9), 0, 0.0)
        may_leave = np.interp(ms * MS, edges, bits) / 12_000
        left = np.searchsorted(times, ms, side="right")
        # Never more than the rate allows, and never a packet behind; the last line is one more.
        assert np.abs(left[:-1] - may_leave[:-1]).max() <= 1.0 + 1e-6
        back = read_mahimahi(file)
        assert back.period_ns == world_trace.length_ns
    back_trace = read_trace(files[0], delay_ns=17 * MS)
    assert same(back_trace.down, read_mahimahi(files[1], delay_ns=17 * MS))


def test_a_mahimahi_trace_comes_back_as_it_was(tmp_path: Path) -> None:
    times = np.sort(np.random.default_rng(3).integers(1, 2000, 3000))
    path = tmp_path / "foreign.mm"
    path.write_text("".join(f"{time}\n" for time in times) + "2000\n")
    files = write_mahimahi(read_trace(path), tmp_path / "again")
    again = np.loadtxt(files[0], dtype=np.int64)
    assert again.size == times.size + 1
    # What may leave at a millisecond is served over the one that ends there, so it leaves then again.
    assert np.array_equal(again[:-1], times)


def test_an_outage_has_no_opportunities(tmp_path: Path) -> None:
    files = write_mahimahi(odd_trace(), tmp_path / "odd", cap_bps=3e6)
    times = np.loadtxt(files[0])
    assert not ((times > 2000) & (times < 4000)).any()
    assert ((times > 1000) & (times <= 2000)).sum() == 250
    with pytest.raises(InputError, match=r"has no rate up .*--cap"):
        write_mahimahi(odd_trace(), tmp_path / "none")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["odd.down", "odd.up"]


def test_a_netem_script_states_every_option_at_every_step(tmp_path: Path) -> None:
    script = tmp_path / "odd.sh"
    write_netem(odd_trace(), script, 250 * MS)
    subprocess.run(["sh", "-n", str(script)], check=True)
    for side in ("up", "down"):
        log = tmp_path / f"{side}.log"
        fake = tmp_path / "bin"
        fake.mkdir(exist_ok=True)
        (fake / "tc").write_text(f'#!/bin/sh\necho "$(date +%s%N) $*" >> {log}\n')
        (fake / "tc").chmod(0o755)
        # Time runs ten times as fast: sleeping is what takes it.
        text = script.read_text().replace("* 1000000", "* 100000")
        fast = tmp_path / f"{side}.sh"
        fast.write_text(text)
        environment = {**os.environ, "PATH": f"{fake}:{os.environ['PATH']}"}
        subprocess.run(["sh", str(fast), "eth7", side], check=True, timeout=20, env=environment)
        calls = [line.split(maxsplit=1) for line in log.read_text().splitlines()]
        assert calls[-1][1] == "qdisc del dev eth7 root"
        steps = [words for _, words in calls[:-1]]
        assert len(steps) == 20
        assert all(step.startswith("qdisc replace dev eth7 root netem delay ") for step in steps)
        assert all(" loss " in step and " limit " in step for step in steps)
        assert [step.split()[-1] for step in steps if int(step.split()[-1]) < 1000] == []
        assert "delay 10000us" in steps[0] if side == "up" else "delay 12000us" in steps[0]
        assert "rate 1000000bit" in steps[0]
        assert "delay 35000us loss 10% limit 1000" in steps[4], "no limit of the rate"
        assert "loss 100%" in steps[8], "a rate of 0 lets nothing pass"
        assert "loss 100%" in steps[13], "an outage"
        began, ended = int(calls[0][0]), int(calls[-2][0])
        assert (ended - began) / 1e9 == pytest.approx(19 * 0.025, abs=0.3)
    assert "sudo sh odd.sh DEVICE up|down" in script.read_text()
    assert subprocess.run(["sh", str(script)], capture_output=True, check=False).returncode != 0


# The command


def test_the_command_writes_and_shows(tmp_path: Path, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "quito.json"
    assert run(["trace", "export", str(dataset), "--terminal", "quito", "--format", "json", "-o", str(out)]) == 0
    assert run(["trace", "import", str(out), "-o", str(tmp_path / "quito.csv")]) == 0
    capsys.readouterr()
    assert run(["trace", "show", str(tmp_path / "quito.csv"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    table = read_trace(out).up
    delays = table.delay_at(np.arange(0, 50 * S, 10 * MS)) * 1e-6
    assert facts["seconds"] == 50.0
    assert facts["up"]["delay_ms"]["p50"] == pytest.approx(np.median(delays), rel=0.02)
    assert facts["down"]["rate_bps"]["highest"] == read_trace(out).down.peak_rate_bps
    assert run(["trace", "show", str(out)]) == 0
    assert "Mbit/s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (["export", "world", "--format", "json", "-o", "x.json"], 1, "holds 12 terminals"),
        (["export", "world", "--terminal", "kiev", "--format", "json", "-o", "x.json"], 1, "kyiv"),
        (["export", "world", "--terminal", "kyiv", "--format", "json", "-o", "x.csv"], 2, "ends in .json"),
        (["export", "odd.json", "--format", "csv", "-o", "x.csv", "--start", "now"], 2, "are for scenarios"),
        (["export", "odd.json", "--format", "csv", "-o", "x.csv", "--cap", "1mbit"], 2, "--cap is for mahimahi"),
        (["export", "odd.json", "--format", "netem", "-o", "x.sh", "--step", "1ms"], 1, "at least 10 ms"),
        (["export", "odd.json", "--format", "mahimahi", "-o", "x"], 1, "has no rate up"),
        (["show", "gone.csv"], 1, "gone.csv: no such file"),
        (["import", "odd.json", "-o", "x.txt"], 1, "unknown format of trace"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_trace(odd_trace(), tmp_path / "odd.json")
    assert run(["trace", *arguments]) == status
    said = capsys.readouterr().err
    assert what in said
    assert len(said.splitlines()) == (1 if status == 1 else 2)
    assert [file.name for file in tmp_path.iterdir()] == ["odd.json"]
