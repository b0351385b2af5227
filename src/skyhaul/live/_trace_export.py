"""Traces for other tools: mahimahi's packet-delivery traces and scripts for netem."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skyhaul.emulation import LinkTable
from skyhaul.errors import InputError, OutputError
from skyhaul.live._trace_files import check_new, write_text
from skyhaul.live._traces import Trace, sampled
from skyhaul.types import Floats

OPPORTUNITY_BITS = 1500 * 8.0  # of one line of a mahimahi trace (mm-link(1))
_MS_NS = 1_000_000
_MOST_LINES = 50_000_000  # some 400 MB: 10 minutes at 1 Gbit/s
_AT_ONCE_MS = 60_000
_LONGEST_S = 24 * 3600.0
# A script runs `tc` once a step; one call takes some 2 ms.
_LEAST_STEP_NS = 10_000_000
_NETEM_LIMIT = 1000  # packets: netem's own default, which holds 240 Mbit/s for 50 ms
_NETEM_QUEUE_S = 0.1  # what may wait for the rate, beside what is on its way


def write_mahimahi(
    trace: Trace, path: Path, *, cap_bps: float = math.inf, overwrite: bool = False
) -> tuple[Path, Path]:
    """Write the rates of both directions beside each other: `path` with .up and .down at its end; returns the two.

    A line is a millisecond at which 1500 bytes may leave. In an outage there is none. Of the delay a mahimahi trace
    says nothing: `delay_note` has it in words. A rate above `cap_bps` is written as that; a link without a rate needs
    one. Raises InputError, OutputError.
    """
    stem = path.with_suffix("") if path.suffix in (".up", ".down", ".mm") else path
    files = stem.with_name(f"{stem.name}.up"), stem.with_name(f"{stem.name}.down")
    for table, way in ((trace.up, "up"), (trace.down, "down")):
        if trace.length_ns < _MS_NS:
            raise InputError("the trace is shorter than a millisecond", where=trace.name)
        if math.isinf(min(table.peak_rate_bps, cap_bps)):
            raise InputError(f"has no rate {way}", where=trace.name, mend="give one: --cap 100mbit")
        lines = min(table.peak_rate_bps, cap_bps) / OPPORTUNITY_BITS * trace.length_ns * 1e-9
        if lines > _MOST_LINES:
            raise InputError(
                f"a trace of up to {lines:.3g} lines", where=trace.name, mend="a shorter --duration, or a --cap"
            )
    for file in files:
        check_new(file, overwrite=overwrite)
    for table, file in zip((trace.up, trace.down), files, strict=True):
        partial = file.with_name(f".{file.name}.part")
        try:
            with partial.open("wb") as out:
                for part in opportunities(table, cap_bps):
                    out.write(part)
            partial.replace(file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OutputError(f"cannot be written: {error.strerror}", where=str(file)) from error
    return files


def opportunities(table: LinkTable, cap_bps: float = math.inf) -> Iterator[bytes]:
    """The lines of a mahimahi trace of one direction, in parts.

    A bit that may leave counts for the millisecond it leaves in, and an opportunity stands where 1500 bytes of them are
    full. The last line is the length: an opportunity more, where that millisecond has none.
    """
    length_ms = table.period_ns // _MS_NS
    edges = np.append(table.time_ns, table.period_ns).astype(np.float64)
    rate = np.where(table.outage, 0.0, np.minimum(table.rate_bps, cap_bps))
    sent = np.insert(np.cumsum(rate * np.diff(edges) * 1e-9), 0, 0.0)
    last_line = 0
    for first in range(0, length_ms, _AT_ONCE_MS):
        ms = np.arange(first, min(first + _AT_ONCE_MS, length_ms) + 1)
        count = np.diff(_full(np.interp(ms * float(_MS_NS), edges, sent)))
        lines = np.repeat(ms[1:], count)
        if lines.size:
            last_line = int(lines[-1])
            yield b"\n".join(lines.astype("S")) + b"\n"
    if last_line != length_ms:
        yield b"%d\n" % length_ms


def _full(bits: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    # A sum that is whole but for its rounding counts as whole.
    return np.floor(bits / OPPORTUNITY_BITS + 1e-6).astype(np.int64)


def delay_note(trace: Trace, files: tuple[Path, Path]) -> str:
    """How to run mahimahi with the trace, and what of the link is not in it."""
    sides = [_middle_ms(table) for table in (trace.up, trace.down)]
    delay = round(sum(sides) / 2)
    varies = [
        float(np.ptp(table.delay_ns[~table.outage])) * 1e-6 if (~table.outage).any() else 0.0
        for table in (trace.up, trace.down)
    ]
    return (
        f"mm-delay {delay} mm-link {files[0]} {files[1]} -- COMMAND\n"
        f"mahimahi's delay is one whole number of milliseconds for both directions: here the middle one, {delay} ms "
        f"({sides[0]:.1f} up, {sides[1]:.1f} down); "
        f"that it varies by {varies[0]:.1f} ms up and {varies[1]:.1f} ms down is not in the trace"
    )


def _middle_ms(table: LinkTable) -> float:
    served = table.delay_ns[~table.outage]
    return float(np.median(served)) * 1e-6 if served.size else 0.0


_IN_ORDER = "Packets would overtake when the delay falls; netem keeps their order where it has a rate, as here."
_OVERTAKING = (
    "Packets may overtake when the delay falls: this trace has times without a rate, and only a rate keeps order."
)
_SCRIPT = """\
#!/bin/sh
# {about}
# Drives netem along {steps} steps of {step_s:g} s, once:    sudo sh {file} DEVICE up|down
# up is what leaves by DEVICE at the terminal's side; run it with down on the other side's device.
#
# What netem does that the link does not:
# - Every change states every option: what a change leaves out netem sets back to none or to its default.
# - A packet keeps the delay and the rate of the moment it was queued: a backlog keeps the old rate when that changes.
# - {reorder}
# - With segmentation offload loss takes whole super-packets, bursts of up to 64 kB: ethtool -K DEVICE tso off gso off
# - The limit counts packets on their way as well as queued ones: it is set for {queue_ms:g} ms of queue at each step.
# - An outage is a loss of 100%: what is on its way still arrives.
# It needs root (CAP_NET_ADMIN) and the module sch_netem.
set -eu
device=${{1:?usage: $0 DEVICE up|down}}
side=${{2:?usage: $0 DEVICE up|down}}
trap 'tc qdisc del dev "$device" root 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
begin=$(date +%s%N)
follow() {{
    while read -r at delay loss rate limit; do
        left=$(( begin + at * 1000000 - $(date +%s%N) ))
        if [ "$left" -gt 0 ]; then
            sleep "$(printf '%d.%09d' $(( left / 1000000000 )) $(( left % 1000000000 )))"
        fi
        if [ "$rate" = none ]; then
            tc qdisc replace dev "$device" root netem delay "$delay" loss "$loss" limit "$limit"
        else
            tc qdisc replace dev "$device" root netem delay "$delay" loss "$loss" rate "$rate" limit "$limit"
        fi
    done
}}
case $side in
up) follow <<'STEPS'
{up}STEPS
    ;;
down) follow <<'STEPS'
{down}STEPS
    ;;
*) echo "usage: $0 DEVICE up|down" >&2; exit 2 ;;
esac
left=$(( begin + {length_ms} * 1000000 - $(date +%s%N) ))
[ "$left" -le 0 ] || sleep "$(printf '%d.%09d' $(( left / 1000000000 )) $(( left % 1000000000 )))"
"""


def write_netem(trace: Trace, path: Path, step_ns: int, *, cap_bps: float = math.inf, overwrite: bool = False) -> None:
    """Write a shell script that drives netem along the trace, every `step_ns`; its head says what netem does otherwise.

    Raises InputError, OutputError.
    """
    if step_ns < _LEAST_STEP_NS:
        raise InputError(f"a step of {step_ns / 1e6:g} ms", where="--step", mend="at least 10 ms: each runs tc")
    if trace.length_ns > _LONGEST_S * 1e9:
        raise InputError("the trace is longer than a day", where=trace.name, mend="a shorter --duration")
    lines: tuple[list[str], list[str]] = ([], [])
    rated = True
    for time_ns, *sides in sampled(trace, step_ns):
        for out, side in zip(lines, sides, strict=True):
            out.append(_step(time_ns, side, cap_bps))
            rated = rated and math.isfinite(min(side[1], cap_bps))
    text = _SCRIPT.format(
        about=f"{trace.name}: {trace.about}{', from ' + trace.start if trace.start else ''}".replace("\n", " "),
        steps=len(lines[0]),
        step_s=step_ns / 1e9,
        file=path.name,
        reorder=_IN_ORDER if rated else _OVERTAKING,
        queue_ms=_NETEM_QUEUE_S * 1e3,
        up="".join(lines[0]),
        down="".join(lines[1]),
        length_ms=trace.length_ns // _MS_NS,
    )
    write_text(path, text, overwrite=overwrite, mode=0o755)


def _step(time_ns: int, side: tuple[float, float, float, bool], cap_bps: float) -> str:
    delay_ns, rate_bps, loss, out = side
    rate = min(rate_bps, cap_bps)
    # netem takes a rate of 0 as none: where nothing is served everything is lost.
    lost = 100.0 if out or rate < 1.0 else 100.0 * loss
    limit, rated = _NETEM_LIMIT, "none"
    if math.isfinite(rate) and rate >= 1.0 and not out:
        limit = max(limit, math.ceil(rate * (delay_ns * 1e-9 + _NETEM_QUEUE_S) / OPPORTUNITY_BITS))
        rated = f"{rate:.0f}bit"
    return f"{time_ns // _MS_NS} {delay_ns / 1e3:.0f}us {lost:.6g}% {rated} {limit}\n"
