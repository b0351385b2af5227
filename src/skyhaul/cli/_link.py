"""`skyhaul link`: a program behind a link of any delay, rate, queue, loss and outages, without root."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

# What follows the first word that is no option belongs to the program, dashes and all.
COMMAND_LINE: dict[str, Any] = {"allow_interspersed_args": False}


class EngineChoice(StrEnum):
    """What carries the packets."""

    AUTO = "auto"
    COMPILED = "compiled"
    PYTHON = "python"


def _text(name: str, metavar: str, help_: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help_, show_default=False)


def link(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND…", help="The program, after --.", show_default=False)
    ],
    delay: Annotated[str, _text("--delay", "TIME", "One-way delay of each direction: 25ms.")] = "0",
    delay_up: Annotated[str | None, _text("--delay-up", "TIME", "The same, of what the program sends.")] = None,
    delay_down: Annotated[str | None, _text("--delay-down", "TIME", "The same, of what it receives.")] = None,
    rate: Annotated[
        str, _text("--rate", "RATE", "Rate of each direction: 100mbit; no limit without it.")
    ] = "unlimited",
    rate_up: Annotated[str | None, _text("--rate-up", "RATE", "The same, of what the program sends.")] = None,
    rate_down: Annotated[str | None, _text("--rate-down", "RATE", "The same, of what it receives.")] = None,
    up: Annotated[Path | None, _text("--up", "FILE", "A mahimahi trace in place of the rate, upwards.")] = None,
    down: Annotated[Path | None, _text("--down", "FILE", "A mahimahi trace in place of the rate, downwards.")] = None,
    queue: Annotated[
        str, _text("--queue", "TIME|SIZE", "What may wait: 50ms at the highest rate, or 64kB; 100ms without it.")
    ] = "100ms",
    codel: Annotated[bool, typer.Option("--codel", help="CoDel at the head of the queue (RFC 8289).")] = False,
    loss: Annotated[str, _text("--loss", "SHARE", "Loss of each direction: 1%.")] = "0",
    loss_up: Annotated[str | None, _text("--loss-up", "SHARE", "The same, of what the program sends.")] = None,
    loss_down: Annotated[str | None, _text("--loss-down", "SHARE", "The same, of what it receives.")] = None,
    burst: Annotated[
        float, typer.Option("--burst", metavar="PACKETS", help="Mean length of bursts of losses; 0: none.", min=0)
    ] = 0.0,
    outage: Annotated[
        list[str] | None,
        _text(
            "--outage", "START+LENGTH[/EVERY]", "An outage: 12s+400ms, or 12s+400ms/15s again and again; repeatable."
        ),
    ] = None,
    on_off: Annotated[
        str | None, _text("--on-off", "ON,OFF", "Random outages, by the mean times on and off: 10s,500ms.")
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Packets wait out an outage; without it they are lost.")] = False,
    reorder: Annotated[bool, typer.Option("--reorder", help="Packets may overtake when the delay falls.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of losses and random outages.")] = 0,
    far: Annotated[
        str | None,
        _text("--far", "COMMAND", "A program for the far end, a server say: 'iperf3 -s'; its address is $SKYHAUL_FAR."),
    ] = None,
    mtu: Annotated[int, typer.Option("--mtu", metavar="BYTES", help="Largest packet.")] = 1500,
    offload: Annotated[
        bool, typer.Option("--offload/--no-offload", help="Let the kernel hand over many segments at once.")
    ] = True,
    engine: Annotated[EngineChoice, typer.Option("--engine", help="What carries the packets.")] = EngineChoice.AUTO,
    precise: Annotated[bool, typer.Option("--precise", help="Spend a whole core on exact delays.")] = False,
    isolated: Annotated[bool, typer.Option("--isolated", help="No way out to the host's network.")] = False,
    pcap: Annotated[Path | None, _text("--pcap", "FILE", "Write every packet at the program's end.")] = None,
    report: Annotated[Path | None, _text("--report", "DIR", "Write every packet's fate, and pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary on standard error as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> None:
    """Run a program behind a link: it has its own network, and the link is the only way out of it.

    The exit status is the program's. Everything made for it is gone afterwards.
    """
    from skyhaul.emulation import Codel, DirectionOptions, LinkOptions, TimedOutages, run_link
    from skyhaul.emulation._quantities import duration_ns, queue_limit, rate_bps, share

    def side(name: str, own: tuple[str | None, str | None, str | None], trace: Path | None) -> DirectionOptions:
        own_delay, own_rate, own_loss = own
        if trace is not None and (own_rate is not None or rate != "unlimited"):
            raise typer.BadParameter(f"a trace (--{name}) and a rate exclude each other")
        return DirectionOptions(
            delay_ns=duration_ns(own_delay or delay, "--delay"),
            rate_bps=rate_bps(own_rate or rate, "--rate"),
            trace=trace,
            loss=share(own_loss or loss, "--loss"),
        )

    queue_ns, queue_bytes = queue_limit(queue, "--queue")
    options = LinkOptions(
        tuple(command),
        far=tuple(shlex.split(far)) if far else (),
        up=side("up", (delay_up, rate_up, loss_up), up),
        down=side("down", (delay_down, rate_down, loss_down), down),
        queue_ns=queue_ns,
        queue_bytes=queue_bytes,
        codel=Codel() if codel else None,
        mean_burst=burst,
        outages=tuple(TimedOutages.parse(text, "--outage") for text in outage or ()),
        on_off=_on_off(on_off) if on_off else None,
        hold=hold,
        reorder=reorder,
        seed=seed,
        mtu=mtu,
        offload=offload,
        engine=str(engine),
        precise=precise,
        isolated=isolated,
        pcap=pcap,
        report=report,
        json=as_json,
        quiet=quiet,
    )
    raise typer.Exit(run_link(options))


def _on_off(text: str) -> tuple[int, int]:
    from skyhaul.emulation._quantities import duration_ns

    on, comma, off = text.partition(",")
    if not comma:
        raise typer.BadParameter(f"--on-off takes two times, such as 10s,500ms, got {text!r}")
    return duration_ns(on, "--on-off"), duration_ns(off, "--on-off")
