"""`skyhaul simulate`: run a scenario and write its dataset."""

from __future__ import annotations

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
)
from skyhaul.cli._output import print_json, print_table, progress, utc

if TYPE_CHECKING:
    from skyhaul.study import Layout, Snapshot, TerminalSummary
    from skyhaul.system import SlotRun, System

_MOST_ROWS = 60


def simulate(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT.(nc|zarr|parquet)", help="The dataset to write.")
    ],
    scenario: ScenarioArgument = "world",
    start: StartOption = None,
    duration: DurationOption = None,
    step: StepOption = None,
    elements: ElementsOption = None,
    ground: GroundOption = None,
    seed: SeedOption = None,
    strategy: StrategyOption = None,
    skip_bad: SkipBadOption = False,
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
    )
    from skyhaul.study import DatasetWriter, Summary, check_output

    check_output(output, overwrite=overwrite)

    import numpy as np

    from skyhaul.system import System

    system = System.from_scenario(chosen)
    begins = system.default_start()
    span, pace = (np.timedelta64(delta) for delta in (chosen.time.duration, chosen.time.step))
    layout = _layout(system, begins, span, pace)
    summary = Summary(layout.terminals.name, chosen.time.step.total_seconds())
    with DatasetWriter(output, layout, overwrite=overwrite) as writer:
        first = True
        for run in progress(system.run(begins, span, pace), layout.slots, "simulating"):
            summary.add(writer.append(run.plan, run.paths))
            if first:
                writer.add_snapshot(_snapshot(system, run))
                first = False
    _report(output, layout, summary.terminals(), as_json=as_json)


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


def _report(output: Path, layout: Layout, terminals: list[TerminalSummary], *, as_json: bool) -> None:
    if as_json:
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
        print_json({"output": str(output), "provenance": dict(layout.provenance), **counts, "terminals": listed})
        return
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
    print(f"wrote {output}; pictures: skyhaul plot {output}")


def _row(terminal: TerminalSummary) -> list[str]:
    rtt = [f"{value:.1f}" for value in terminal.rtt_ms] if terminal.rtt_ms else ["–"] * 3
    causes = ", ".join(f"{cause.replace('_', ' ')} {seconds:g} s" for cause, seconds in terminal.outage_s.items())
    lasers = f"{100.0 * terminal.laser_share:.0f}" if terminal.laser_share else ""
    return [terminal.name, f"{100.0 * terminal.served:.2f}", *rtt, str(terminal.handovers), lasers, causes]
