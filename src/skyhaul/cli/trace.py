"""`skyhaul trace`: recorded links for other tools, and those of other tools here."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import DurationOption, JsonOption, SeedOption, StartOption, StepOption
from skyhaul.cli._output import counted, print_json, print_table

if TYPE_CHECKING:
    from skyhaul.live import Trace

app = typer.Typer(help="Recorded links: for mahimahi, netem and other tools, and from them.")

_DATASETS = (".nc", ".zarr", ".parquet", ".json", ".csv", ".gz")
_STEP = timedelta(milliseconds=100)
_NETEM_STEP_NS = 100_000_000


class Format(StrEnum):
    """What `skyhaul trace export` writes."""

    MAHIMAHI = "mahimahi"
    NETEM = "netem"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


TerminalOption = Annotated[
    str | None, typer.Option("--terminal", metavar="NAME", help="Whose link; not needed where there is one.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


@app.command("export")
def export(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A dataset, a trace, a scenario file, or the name of a preset.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The file to write.")],
    kind: Annotated[Format, typer.Option("--format", help="What to write.")],
    terminal: TerminalOption = None,
    start: StartOption = None,
    duration: DurationOption = None,
    step: StepOption = None,
    seed: SeedOption = None,
    cap: Annotated[
        str | None, typer.Option("--cap", metavar="RATE", help="Write a higher rate, or none, as this one: 100mbit.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the link of a terminal for another tool.

    Of a scenario, path states every --step for --duration; a dataset or a trace is written whole.
    """
    from skyhaul.emulation._quantities import rate_bps
    from skyhaul.live._trace_export import delay_note, write_mahimahi, write_netem
    from skyhaul.live._trace_files import write_trace

    cap_bps = rate_bps(cap, "--cap") if cap else math.inf
    if kind in (Format.JSON, Format.CSV, Format.PARQUET):
        if cap is not None:
            raise typer.BadParameter(
                f"--cap is for mahimahi and netem: {kind} keeps the rates as they are, so leave --cap out"
            )
        if output.suffix != f".{kind}":
            raise typer.BadParameter(f"a trace as {kind} ends in .{kind}, got {output.name}")
    trace = _trace(source, terminal, start, duration, step, seed)
    if kind is Format.MAHIMAHI:
        files = write_mahimahi(trace, output, cap_bps=cap_bps, overwrite=overwrite)
        print(f"wrote {files[0]} and {files[1]}")
        print(delay_note(trace, files))
        return
    if kind is Format.NETEM:
        pace = _NETEM_STEP_NS if step is None else step // timedelta(microseconds=1) * 1000
        write_netem(trace, output, pace, cap_bps=cap_bps, overwrite=overwrite)
    else:
        write_trace(trace, output, overwrite=overwrite)
    print(f"wrote {output}")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A dataset, a table of measurements (CSV), a mahimahi trace (up), …")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT.(json|parquet|csv)", help="The trace to write.")
    ],
    terminal: TerminalOption = None,
    down: Annotated[
        Path | None, typer.Option("--down", metavar="FILE", help="The mahimahi trace of the other direction.")
    ] = None,
    delay: Annotated[
        str, typer.Option("--delay", metavar="TIME", help="One-way delay of a mahimahi trace, which has none.")
    ] = "0ms",
    up_share: Annotated[
        float, typer.Option("--up-share", metavar="SHARE", help="Part of a round-trip time that is the way up.")
    ] = 0.5,
    overwrite: OverwriteOption = False,
) -> None:
    """Read a recorded link, whatever wrote it, and keep it as a trace of Skyhaul's own."""
    from skyhaul.emulation._quantities import duration_ns
    from skyhaul.live._trace_files import read_trace, write_trace

    trace = read_trace(file, terminal=terminal, delay_ns=duration_ns(delay, "--delay"), down=down, up_share=up_share)
    write_trace(trace, output, overwrite=overwrite)
    facts = _facts(trace)
    print(f"wrote {output}: {facts['seconds']:g} s, {counted(facts['rows'], 'row')}")


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A trace, or a dataset.")],
    terminal: TerminalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a trace holds: its length, delays, rates, losses and outages."""
    from skyhaul.live._trace_files import read_trace

    trace = read_trace(file, terminal=terminal)
    facts = _facts(trace)
    if as_json:
        print_json(facts)
        return
    rows = [
        [
            way,
            *(f"{facts[way]['delay_ms'][name]:.2f}" for name in ("p5", "p50", "p95")),
            *(_rate(facts[way]["rate_bps"][name]) for name in ("lowest", "mean", "highest")),
            f"{100.0 * facts[way]['loss']:.3g}",
        ]
        for way in ("up", "down")
    ]
    columns = ("", "delay p5 ms", "p50", "p95", "rate lowest", "mean", "highest", "loss %")
    title = f"{trace.name}: {facts['seconds']:g} s{', from ' + trace.start if trace.start else ''} ({trace.about})"
    print_table([(name, "left" if not name else "right") for name in columns], rows, title)
    outages = ", ".join(f"{cause} {seconds:g} s" for cause, seconds in facts["outage_s"].items())
    print(f"{counted(facts['rows'], 'row')}, {counted(facts['carriers'], 'satellite')}; outages: {outages or 'none'}")


def _rate(rate_bps: float) -> str:
    return "no limit" if math.isinf(rate_bps) else f"{rate_bps / 1e6:.2f} Mbit/s"


def _trace(
    source: str,
    terminal: str | None,
    start: datetime | None,
    duration: timedelta | None,
    step: timedelta | None,
    seed: int | None,
) -> Trace:
    from skyhaul.live import read_trace, trace_of_scenario

    path = Path(source)
    if path.suffix in _DATASETS:
        if start is not None or duration is not None or seed is not None:
            raise typer.BadParameter("--start, --duration and --seed are for scenarios: a recorded link is as it is")
        return read_trace(path, terminal=terminal)
    from skyhaul.cli._setup import scenario_with

    scenario = scenario_with(source, start=start, duration=duration, seed=seed)
    return trace_of_scenario(scenario, terminal, None, scenario.time.duration, step or _STEP)


def _facts(trace: Trace) -> dict[str, Any]:
    import numpy as np

    length = trace.length_ns * 1e-9
    facts: dict[str, Any] = {
        "name": trace.name,
        "about": trace.about,
        "start": trace.start,
        "seconds": length,
        "rows": int(trace.up.time_ns.size + trace.down.time_ns.size),
        "carriers": len({span.satellite for span in trace.spans if span.satellite}),
    }
    for way, table in (("up", trace.up), ("down", trace.down)):
        lasts = np.diff(table.time_ns, append=table.period_ns)
        # Between rows the delay is linear: its middle stands for each stretch.
        middle = table.delay_at(table.time_ns + lasts // 2) * 1e-6
        served = (lasts > 0) & ~table.outage
        weight, span = lasts[served], max(1, int(lasts[served].sum()))
        order = np.argsort(middle[served])
        share = np.cumsum(weight[order]) / span

        def quantile(wanted: float, delays: Any = middle[served][order], share: Any = share) -> float:
            return float(delays[min(int(np.searchsorted(share, wanted)), delays.size - 1)]) if delays.size else math.nan

        rate = table.rate_bps[served]
        facts[way] = {
            "delay_ms": {"p5": quantile(0.05), "p50": quantile(0.5), "p95": quantile(0.95)},
            "rate_bps": {
                "lowest": float(rate.min(initial=math.inf)),
                "mean": float((rate * weight).sum() / span),
                "highest": float(rate.max(initial=0.0)),
            },
            "loss": float((table.loss[served] * weight).sum() / span),
        }
    facts["outage_s"] = _outages(trace)
    return facts


def _outages(trace: Trace) -> dict[str, float]:
    ends = [span.time_ns for span in trace.spans[1:]] + [trace.length_ns]
    seconds: dict[str, float] = {}
    for span, end in zip(trace.spans, ends, strict=True):
        if span.code != "served":
            seconds[span.cause] = seconds.get(span.cause, 0.0) + (end - span.time_ns) * 1e-9
    return seconds
