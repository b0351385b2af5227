"""The summary of a run against the same numbers from its whole dataset."""

from __future__ import annotations

import numpy as np

from skyhaul.network import Reason
from skyhaul.study import Summary
from tests.study.runs import blocks


def test_a_summary_agrees_with_the_whole_run() -> None:
    run = list(blocks(terminals=4, slots=40, unserved=(3,)))
    summary = Summary(("a", "b", "c", "d"), step_s=1.0)
    for block in run:
        summary.add(block)
    rtt = np.concatenate([block.samples["rtt"] for block in run])
    satellite = np.stack([block.slots["serving_satellite"] for block in run])
    for k, terminal in enumerate(summary.terminals()[:3]):
        good = rtt[np.isfinite(rtt[:, k]), k]
        assert terminal.served == len(good) / len(rtt)
        assert terminal.rtt_ms is not None
        np.testing.assert_allclose(terminal.rtt_ms, np.percentile(good, (5, 50, 95)), rtol=0.01, atol=0.5)
        both = (satellite[1:, k] >= 0) & (satellite[:-1, k] >= 0)
        assert terminal.handovers == int((both & (satellite[1:, k] != satellite[:-1, k])).sum())
        assert sum(terminal.outage_s.values()) == len(rtt) - len(good)


def test_a_terminal_that_is_never_served_has_no_round_trip() -> None:
    summary = Summary(("a",), step_s=0.5)
    for block in blocks(terminals=1, slots=3, unserved=(0,)):
        summary.add(block)
    (terminal,) = summary.terminals()
    assert terminal.rtt_ms is None
    assert terminal.served == 0.0
    assert terminal.outage_s == {Reason.NO_SATELLITE.name.lower(): 22.5}


def test_percentiles_are_exact_to_a_thousandth() -> None:
    random = np.random.default_rng(5)
    rtt = (20.0 + random.gamma(3.0, 8.0, 20_000)).astype(np.float32)
    (block,) = blocks(terminals=1, slots=1)
    block.samples["rtt"], block.slots["outage_cause"] = rtt[:, None], np.zeros(1, dtype=np.int8)
    summary = Summary(("a",), step_s=1.0)
    summary.add(block)
    found = summary.terminals()[0].rtt_ms
    assert found is not None
    np.testing.assert_allclose(found, np.percentile(rtt, (5, 50, 95)), rtol=1.5e-3)
