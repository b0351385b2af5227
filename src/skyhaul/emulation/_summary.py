"""The summary of a run in words."""

from __future__ import annotations

from typing import Any


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """The summary of a run for people: a line about the run, and one for each direction."""
    lines = [
        f"link up for {summary['seconds']:.1f} s, {summary['engine']} engine on {summary['device']}"
        f"{' with offload' if summary['offload'] else ''}, way out: {summary['way_out']}"
    ]
    for name in ("up", "down"):
        side = summary[name]
        drops = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in side["dropped"].items() if count)
        line = f"{name:4} {side['packets']} packets, {side['delivered_bytes'] / 1e6:.3f} MB delivered, "
        line += f"{side['mean_rate_mbit']:.2f} Mbit/s; dropped: {drops or 'none'}"
        asked, given, late = side["delay_asked_ms"], side["delay_given_ms"], side["late_us"]
        if asked["p50"] is not None:
            line += f"; delay asked {asked['p50']:.2f} / {asked['p99']:.2f} ms (p50 / p99)"
            line += f", given {given['p50']:.2f} / {given['p99']:.2f}"
            line += f"; late {late['p50']:.0f} / {late['p99']:.0f} µs, at most {late['max']:.0f}"
        lines.append(line)
    return lines
