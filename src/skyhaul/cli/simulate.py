"""`skyhaul simulate`: run a scenario and write its dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import (
    DurationOption,
    ElementsOption,
    GroundOption,
    JsonOption,
    ScenarioArgument,
    SeedOption,
    SkipBadOption,
    StartOption,
    StepOption,
    StrategyOption,
    parse_when,
)
from skyhaul.cli._output import Column, iso, print_json, print_table, progress, utc
from skyhaul.cli._registry_options import named
from skyhaul.errors import SkyhaulError

if TYPE_CHECKING:
    from skyhaul.control.decision import Decision
    from skyhaul.study import Layout, Snapshot, Span, TerminalSummary
    from skyhaul.system import SlotRun, System

_MOST_ROWS = 60


def simulate(
    scenario: ScenarioArgument = "world",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.(nc|zarr|parquet)",
            help="The dataset to write. Without it: the summary alone.",
            show_default=False,
        ),
    ] = None,
    start: StartOption = None,
    duration: DurationOption = None,
    step: StepOption = None,
    elements: ElementsOption = None,
    ground: GroundOption = None,
    seed: SeedOption = None,
    strategy: StrategyOption = None,
    skip_bad: SkipBadOption = False,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="PLACE",
            callback=named,
            help="Whose facts decide, in place of the scenario's: a registry, or facts in files.",
        ),
    ] = None,
    as_known: Annotated[
        datetime | None,
        typer.Option(
            "--as-known",
            metavar="TIME",
            parser=parse_when,
            help="Decide every slot as known at this instant, not as known then.",
        ),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Put each decision that changes what a terminal may do on its record.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compute who serves whom in every slot, and every terminal's path, delay and outage at every instant."""
    from skyhaul.cli._setup import scenario_with

    chosen = scenario_with(
        scenario,
        start=start,
        duration=duration,
        step=step,
        elements=elements,
        ground=ground,
        seed=seed,
        strategy=strategy,
        skip_bad=skip_bad,
        registry=registry,
    )
    if as_known is not None and chosen.control is None:
        mend = "add a [control] table, or --registry PLACE"
        raise SkyhaulError("--as-known needs facts, and the scenario has none", where=chosen.name, mend=mend)
    if record and registry is None:
        raise SkyhaulError("--record: on whose record?", where=chosen.name, mend="give --registry PLACE, a registry")
    from skyhaul.study import DatasetWriter, ServiceRecord, Summary, block_of, check_output

    if output is not None:
        check_output(output, overwrite=overwrite)

    import numpy as np

    from skyhaul.scenario import as_numpy
    from skyhaul.system import System

    known = None if as_known is None else as_numpy(as_known, np.datetime64(0, "ns"))
    system = System.from_scenario(chosen, as_known=known)
    begins = system.default_start()
    span, pace = (np.timedelta64(delta) for delta in (chosen.time.duration, chosen.time.step))
    layout = _layout(system, begins, span, pace)
    summary = Summary(layout.terminals.name, chosen.time.step.total_seconds())
    service = ServiceRecord(layout.terminals.name, begins, begins + span)
    recording = _recording(registry if record else None, chosen.name)
    writing = DatasetWriter(output, layout, overwrite=overwrite) if output is not None else nullcontext()
    with recording as keep, writing as writer:
        first = True
        for run in progress(system.run(begins, span, pace), layout.slots, "simulating"):
            sites, speed = run.places.terminals.sites, run.places.speed_m_s
            block = block_of(run.plan, run.paths, run.leases, sites, speed)
            if writer is not None:
                writer.append_block(block)
            summary.add(block)
            service.add(block)
            keep(run.changes)
            if first and writer is not None:
                writer.add_snapshot(_snapshot(system, run))
                first = False
    control = chosen.control
    spans = service.spans() if control is not None or chosen.withheld else []
    hidden = control is not None and not control.list_refused
    if as_json:
        _print_document(output, layout, summary.terminals(), spans, hidden=hidden)
    else:
        _print_report(output, layout, summary.terminals(), spans, hidden=hidden)


@contextmanager
def _recording(place: str | None, name: str) -> Iterator[Callable[[Sequence[Decision]], None]]:
    """What puts decisions on the record of a registry; without one, what lets them go."""
    if place is None:
        yield lambda _: None
        return
    from skyhaul.cli._registry import open_registry

    registry, _ = open_registry(place, read_only=False)
    with registry:
        registry.check_writable()

        def keep(decisions: Sequence[Decision]) -> None:
            if decisions:
                registry.store.append_decisions(decisions, by=f"simulation of {name}")

        yield keep


def _layout(system: System, start: Any, duration: Any, step: Any) -> Layout:
    import numpy as np

    from skyhaul.network import slot_number
    from skyhaul.study import Layout

    world = system.world
    last = start + duration - np.timedelta64(1, "ns")
    facts = system.provenance(start)
    return Layout(
        terminals=world.terminals.sites,
        gateways=world.ground.gateways,
        pops=world.ground.pops,
        satellite_name=world.elements.name,
        catalog_number=world.elements.catalog_number,
        provenance={
            "Conventions": "CF-1.11",
            "title": f"Paths of the terminals of {facts['scenario']}",
            "source": f"skyhaul {facts['skyhaul_version']}",
            **facts,
            "elements_generated": int(world.synthetic),
            "start": utc(start),
            "step_s": float(step / np.timedelta64(1, "s")),
        },
        samples=int(-(-duration // step)),
        slots=int(slot_number(last) - slot_number(start)) + 1,
        units=world.units,
    )


def _snapshot(system: System, run: SlotRun) -> Snapshot:
    """The sky and the paths at the first instant of a slot."""
    import numpy as np

    from skyhaul.earth import ecef_to_geodetic
    from skyhaul.study import Snapshot

    time = run.paths.time[0]
    position = system.world.constellation.at(time, velocity=False).position_m
    latitude, longitude, height = ecef_to_geodetic(position.T)
    hops = run.plan.laser_hops()[run.plan.terminal_cell]
    path = np.full((len(hops), int(hops.max(initial=0)) + 1), -1, dtype=np.int32)
    for k, cell in enumerate(run.plan.terminal_cell):
        if run.plan.served(k):
            route = run.plan.route_of_cell(int(cell))
            path[k, : len(route)] = route
    return Snapshot(time, latitude, longitude, height, path)


def _print_document(
    output: Path | None, layout: Layout, terminals: list[TerminalSummary], spans: list[list[Span]], *, hidden: bool
) -> None:
    from skyhaul.study import refusals

    listed = [
        {
            "name": terminal.name,
            "served": terminal.served,
            "rtt_ms": dict(zip(("p5", "p50", "p95"), terminal.rtt_ms, strict=True)) if terminal.rtt_ms else None,
            "handovers": terminal.handovers,
            "laser_share": terminal.laser_share,
            "outage_s": terminal.outage_s,
        }
        for terminal in terminals
    ]
    counts = {"slots": layout.slots, "instants": layout.samples, "satellites": len(layout.satellite_name)}
    where = None if output is None else str(output)
    document: dict[str, Any] = {"output": where, "provenance": dict(layout.provenance), **counts, "terminals": listed}
    if spans:
        document["service"] = [
            {"terminal": terminal.name, "spans": [_span_document(span) for span in own]}
            for terminal, own in zip(terminals, spans, strict=True)
            if not hidden or any(span.permitted for span in own)
        ]
        document["refusals"] = [
            {"answer": answer, "terminals": met, "hours": round(hours, 6)} for answer, met, hours in refusals(spans)
        ]
    print_json(document)


def _span_document(span: Span) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "ruling": span.ruling.name.lower(),
        "code": span.code.value,
        "code_name": span.code.name,
        "rule": span.rule or None,
        "alert": span.alert or None,
    }


def _print_report(
    output: Path | None, layout: Layout, terminals: list[TerminalSummary], spans: list[list[Span]], *, hidden: bool
) -> None:
    facts = layout.provenance
    title = (
        f"{facts['scenario']}: {layout.slots} slots from {facts['start']}, {len(layout.satellite_name)} satellites"
        f" ({facts['elements']}), {len(layout.gateways)} gateways, strategy {facts['strategy']}"
    )
    shown = sorted(terminals, key=lambda terminal: terminal.served)[:_MOST_ROWS]
    shown = [terminal for terminal in terminals if terminal in shown] if len(terminals) <= _MOST_ROWS else shown
    print_table(
        [
            ("terminal", "left"),
            ("served %", "right"),
            ("RTT p5 ms", "right"),
            ("p50", "right"),
            ("p95", "right"),
            ("handovers", "right"),
            ("by laser %", "right"),
            ("without a path", "left"),
        ],
        [_row(terminal) for terminal in shown],
        title,
    )
    if len(terminals) > _MOST_ROWS:
        print(f"the {_MOST_ROWS} least served of {len(terminals)} terminals")
    if spans:
        _print_service([terminal.name for terminal in terminals], spans, hidden=hidden)
    if output is not None:
        print(f"wrote {output}; pictures: skyhaul plot {output}")


def _print_service(names: list[str], spans: list[list[Span]], *, hidden: bool) -> None:
    """Who may be served from when until when, and why not; then every reason with its hours."""
    from skyhaul.study import refusals

    shown = [k for k, own in enumerate(spans) if not hidden or any(span.permitted for span in own)]
    listed = sorted(shown, key=lambda k: -len(spans[k]))[:_MOST_ROWS]
    rows = []
    for k in sorted(listed):
        for number, span in enumerate(spans[k]):
            name = "" if number else names[k]
            rows.append([name, iso(span.start), iso(span.end), f"{span.seconds / 3600.0:.4f}", span.words])
    columns: list[Column] = [
        ("terminal", "left"),
        ("from", "left"),
        ("until", "left"),
        ("hours", "right"),
        ("may it be served?", "left"),
    ]
    print_table(columns, rows, "who may be served, and why not")
    if len(listed) < len(shown):
        print(f"the {len(listed)} of {len(shown)} terminals whose answer changed most")
    if len(shown) < len(spans):
        print(f"{len(spans) - len(shown)} terminals that were never permitted are not listed")
    reasons = refusals(spans)
    if reasons:
        columns = [("refused by", "left"), ("terminals", "right"), ("hours", "right")]
        print_table(columns, [[words, str(met), f"{hours:.4f}"] for words, met, hours in reasons])


def _row(terminal: TerminalSummary) -> list[str]:
    rtt = [f"{value:.1f}" for value in terminal.rtt_ms] if terminal.rtt_ms else ["–"] * 3
    causes = ", ".join(f"{cause.replace('_', ' ')} {seconds:g} s" for cause, seconds in terminal.outage_s.items())
    lasers = f"{100.0 * terminal.laser_share:.0f}" if terminal.laser_share else ""
    return [terminal.name, f"{100.0 * terminal.served:.2f}", *rtt, str(terminal.handovers), lasers, causes]
