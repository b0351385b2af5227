"""Recorded links: what a trace is, and how the path states of a dataset or a scenario become one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.emulation import LinkTable
from skyhaul.errors import InputError, NotFoundError
from skyhaul.live._path_tables import Span
from skyhaul.network import Reason, find_name
from skyhaul.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from skyhaul.scenario import Scenario

_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Trace:
    """A link over time, from time 0 on; both tables repeat after `length_ns`.

    name     of the terminal, or of the file it comes from
    about    where it comes from, in words
    start    the UTC instant of time 0, or empty
    spans    how it was served, from time 0 on
    """

    name: str
    about: str
    start: str
    up: LinkTable
    down: LinkTable
    spans: tuple[Span, ...]

    @property
    def length_ns(self) -> int:
        """After this the trace begins anew."""
        return self.up.period_ns


def plain_trace(name: str, about: str, up: LinkTable, down: LinkTable, start: str = "") -> Trace:
    """A trace of which only the link is known; its outages are spans."""
    edges = [
        (int(up.time_ns[k]), bool(up.outage[k])) for k in np.flatnonzero(np.diff(up.outage, prepend=~up.outage[:1]))
    ]
    spans = tuple(
        Span(time, "outage", "an outage of the trace", "", "", "", -1)
        if out
        else Span(time, "served", "", "", "", "", -1)
        for time, out in edges
    )
    return Trace(name, about, start, up, down, spans)


@dataclass(frozen=True, slots=True)
class States:
    """Path states of one terminal at N instants, as a dataset has them; NaN where there is no path.

    time_ns, slot_ns   (N,) from the first instant: of the state, and at which its slot starts
    step_ns            how long the last state holds
    """

    time_ns: Ints
    slot_ns: Ints
    delay_up_s: Floats
    delay_down_s: Floats
    propagation_s: Floats
    rate_up_bps: Floats
    rate_down_bps: Floats
    loss: Floats
    step_ns: int


def trace_of_states(states: States, spans: Sequence[Span], name: str, about: str, start: str) -> Trace:
    """The link of path states.

    Propagation is linear between two states of a slot and steps where a slot starts. What a state has above propagation
    is the wait of a packet sent then: it holds until the next state, so that packets find the states' distribution.
    """
    time, count = states.time_ns, states.time_ns.size
    out = ~np.isfinite(states.delay_up_s + states.delay_down_s)
    together = (np.diff(states.slot_ns) == 0) & ~out[1:] & ~out[:-1]
    with np.errstate(invalid="ignore"):
        slopes = np.where(together, np.diff(states.propagation_s) / np.maximum(np.diff(time), 1), 0.0)
    after, before = np.append(together, False), np.insert(together, 0, False)
    slope = np.where(after, np.append(slopes, 0.0), np.where(before, np.insert(slopes, 0, 0.0), 0.0))
    begin = time.copy()
    begin[1:][np.diff(states.slot_ns) != 0] = states.slot_ns[1:][np.diff(states.slot_ns) != 0]
    length = int(time[-1]) + states.step_ns
    end = np.append(begin[1:], length)
    tables = []
    for delay_s, rate in ((states.delay_up_s, states.rate_up_bps), (states.delay_down_s, states.rate_down_bps)):
        edges = np.stack([begin, end], axis=1)
        delay = delay_s[:, None] + slope[:, None] * (edges - time[:, None])
        tables.append(
            LinkTable(
                edges.ravel(),
                np.where(out[:, None], 0, np.rint(np.nan_to_num(delay) * 1e9)).astype(np.int64).ravel(),
                np.repeat(np.where(out, 0.0, np.nan_to_num(rate)), 2),
                np.repeat(np.where(out, 0.0, np.nan_to_num(states.loss)), 2),
                np.repeat(out, 2),
                length,
            )
        )
    assert tables[0].time_ns.size == 2 * count
    return Trace(name, about, start, tables[0], tables[1], tuple(spans))


def trace_of_dataset(path: Path, terminal: str | None = None) -> Trace:
    """The link of a terminal in a dataset of `skyhaul simulate`; the name may be left out where there is one.

    Raises InputError, NotFoundError.
    """
    from skyhaul.study import open_dataset

    dataset = open_dataset(path)
    try:
        known = [str(name) for name in dataset["terminal"].values]
        row = _row(known, terminal, str(path))
        return _of_dataset(dataset, row, known[row], path)
    finally:
        dataset.close()


def _row(known: Sequence[str], wanted: str | None, where: str) -> int:
    if wanted is not None:
        return find_name(wanted, known, "terminal")
    if len(known) == 1:
        return 0
    names = ", ".join(known[:_MOST_NAMES]) + (" …" if len(known) > _MOST_NAMES else "")
    raise NotFoundError(f"holds {len(known)} terminals", where=where, mend=f"name one with --terminal: {names}")


def _of_dataset(dataset: Any, row: int, name: str, path: Path) -> Trace:
    time = dataset["time"].values.astype("datetime64[ns]").astype(np.int64)
    if time.size == 0:
        raise InputError("holds no instants", where=str(path))
    slot_index = dataset["slot_index"].values
    slot = dataset["slot"].values.astype("datetime64[ns]").astype(np.int64)[slot_index]

    def sample(variable: str, factor: float = 1.0) -> Floats:
        return np.asarray(dataset[variable].values[:, row], np.float64) * factor

    legs = sum(sample(f"{leg}_delay", 1e-3) for leg in ("access", "laser", "feeder", "fibre"))
    step = dataset.attrs.get("step_s")
    gaps = np.diff(time)
    step_ns = round(float(step) * 1e9) if step is not None else int(np.median(gaps)) if gaps.size else 1_000_000_000
    states = States(
        time - time[0],
        slot - time[0],
        sample("delay_up", 1e-3),
        sample("delay_down", 1e-3),
        np.asarray(legs),
        sample("rate_up"),
        sample("rate_down"),
        sample("loss"),
        step_ns,
    )
    cause = dataset["outage_cause"].values[:, row]
    served = [dataset[f"serving_{kind}"].values[:, row] for kind in ("satellite", "gateway", "pop")]
    names = [dataset[kind].values for kind in ("satellite", "gateway", "pop")]
    hops = dataset["laser_hops"].values[:, row]
    spans = []
    for k in np.flatnonzero(np.diff(slot_index, prepend=slot_index[0] - 1)):
        s, at = int(slot_index[k]), max(0, int(states.slot_ns[k]))
        if cause[s] == Reason.SERVED:
            satellite, gateway, pop = (str(known[index[s]]) for known, index in zip(names, served, strict=True))
            spans.append(Span(at, "served", "", satellite, gateway, pop, int(hops[s])))
        else:
            spans.append(_refused(at, Reason(int(cause[s]))))
    start = f"{np.datetime_as_string(np.datetime64(int(time[0]), 'ns'), 'ms')}Z"
    about = f"{dataset.attrs.get('scenario', 'dataset')}, {dataset.attrs.get('elements', '')}".rstrip(", ")
    return trace_of_states(states, spans, name, about, start)


def _refused(time_ns: int, reason: Reason) -> Span:
    return Span(time_ns, reason.name.lower(), reason.words, "", "", "", -1)


def trace_of_scenario(
    scenario: Scenario, terminal: str | None, start: datetime | None, duration: timedelta, step: timedelta
) -> Trace:
    """The link of a terminal of a scenario, from path states every `step` as `skyhaul simulate` would write them."""
    from skyhaul.scenario import as_numpy
    from skyhaul.system import System

    system = System.from_scenario(scenario)
    world = system.world
    row = _row(world.terminals.sites.name, terminal, scenario.name)
    begins = system.default_start() if start is None else as_numpy(start, system.default_start())
    columns: dict[str, list[Any]] = {name: [] for name in (*_COLUMNS, "time", "slot")}
    spans: list[Span] = []
    first = begins.astype("datetime64[ns]").astype(np.int64)
    for run in system.run(begins, np.timedelta64(duration), np.timedelta64(step)):
        paths, slot_ns = run.paths, int(run.start.astype(np.int64) - first)
        columns["time"].append(paths.time.astype(np.int64) - first)
        columns["slot"].append(np.full(len(paths.time), slot_ns))
        for name in _COLUMNS:
            columns[name].append(getattr(paths, name)[:, row])
        cause = Reason(int(run.plan.reason[row]))
        if cause == Reason.SERVED:
            satellite = world.elements.name[int(paths.satellite[row])]
            gateway, pop = (
                world.ground.gateways.name[int(paths.gateway[row])],
                world.ground.pops.name[int(paths.pop[row])],
            )
            spans.append(Span(max(0, slot_ns), "served", "", satellite, gateway, pop, int(paths.laser_hops[row])))
        else:
            spans.append(_refused(max(0, slot_ns), cause))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    states = States(
        time_ns=joined["time"],
        slot_ns=joined["slot"],
        step_ns=step // timedelta(microseconds=1) * 1000,
        **{name: joined[name] for name in _COLUMNS},
    )
    text = f"{np.datetime_as_string(begins, 'ms')}Z"
    name = world.terminals.sites.name[row]
    return trace_of_states(states, spans, name, f"{scenario.name}, {world.elements_name}", text)


_COLUMNS = ("delay_up_s", "delay_down_s", "propagation_s", "rate_up_bps", "rate_down_bps", "loss")


def sampled(
    trace: Trace, step_ns: int
) -> Iterator[tuple[int, tuple[float, float, float, bool], tuple[float, float, float, bool]]]:
    """The link every `step_ns` from time 0: time, and (delay ns, rate bit/s, loss, outage) up and down."""
    times = np.arange(0, trace.length_ns, step_ns, dtype=np.int64)
    sides = [_at(table, times) for table in (trace.up, trace.down)]
    for k, time in enumerate(times):
        up, down = ((float(d[k]), float(r[k]), float(p[k]), bool(o[k])) for d, r, p, o in sides)
        yield int(time), up, down


def _at(table: LinkTable, times: Ints) -> tuple[Floats, Floats, Floats, Bools]:
    row = np.clip(np.searchsorted(table.time_ns, times, side="right") - 1, 0, None)
    return table.delay_at(times), table.rate_bps[row], table.loss[row], table.outage[row]
