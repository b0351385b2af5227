"""Runs the benchmarks and writes their pages."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks._timing import Result

NAMES = (
    "orbits",
    "visibility",
    "paths",
    "forwarding",
    "day",
    "commands",
    "emulation",
    "worlds",
    "fidelity",
    "transports",
    "record",
    "control",
    "dishes",
    "grants",
    "live",
    "server",
)
_DOCS = Path(__file__).parents[1] / "docs"
_PAGE = _DOCS / "performance.md"
_PAGES = {"fidelity": _DOCS / "emulation.md", "transports": _DOCS / "emulation.md"}  # of those that have another
_MARK = "<!-- made by python -m benchmarks: {name} -->"
_END = "<!-- end -->"


def section(result: Result, name: str) -> str:
    """One benchmark as Markdown, between marks, so that it can be replaced alone."""
    lines = [
        _MARK.format(name=name),
        f"## {result.title}",
        "",
        f"{result.setting}. Run on {datetime.now(UTC):%Y-%m-%d}.",
        "",
        f"| work | way | {result.units} | times Skyhaul's | |",
        "|---|---|---:|---:|---|",
    ]
    for row in result.rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}" if row.ratio < 10 else f"{row.ratio:.0f}"
        lines.append(f"| {row.work} | {row.way} | {_three_digits(row.value)} | {ratio} | {row.note} |")
    if result.goals:
        lines += ["", "| goal | bound | this run | |", "|---|---:|---:|---|"]
    for goal in result.goals:
        sign = "≥" if goal.at_least else "≤"
        said = "met" if goal.met else "**missed**"
        lines.append(f"| {goal.text} | {sign} {goal.bound:g} | {_three_digits(goal.value)} | {said} |")
    return "\n".join([*lines, _END])


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """The machine and the peers' versions, in a line each."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    peers = ("numpy", "numba", "scipy", "sgp4", "rustworkx", "networkx")
    versions = ", ".join(f"{name} {version(name)}" for name in peers)
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def write(page: Path, sections: dict[str, str]) -> None:
    """Replace these sections of the page and leave its other text alone."""
    text = page.read_text(encoding="utf-8")
    for name, body in sections.items():
        mark = re.escape(_MARK.format(name=name))
        text, found = re.subn(f"{mark}.*?{re.escape(_END)}", lambda _: body, text, flags=re.DOTALL)  # noqa: B023
        if not found:
            text = f"{text.rstrip()}\n\n{body}\n"
    where = _MARK.format(name="machine")
    line = f"{where}\nMachine of the last run: {machine()}.\n{_END}"
    text, found = re.subn(f"{re.escape(where)}.*?{re.escape(_END)}", lambda _: line, text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def main() -> int:
    """Exit 0 when every goal of the benchmarks that ran is met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--write", action="store_true", help="write the results into their pages")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    data = os.environ.get("SKYHAUL_DATA")
    sections, missed = {}, 0
    for name in arguments.names or NAMES:
        if name in ("orbits", "day", "live") and not data:
            print(f"{name}: skipped, SKYHAUL_DATA does not name the folder of outside data", file=sys.stderr)
            continue
        result: Result = importlib.import_module(f"benchmarks.{name}").run(Path(data or ""))
        sections[name] = section(result, name)
        missed += sum(not goal.met for goal in result.goals)
        print(sections[name], flush=True)
        if arguments.write:
            write(_PAGES.get(name, _PAGE), {name: sections[name]})
            for picture, draw in result.pictures:
                draw(_DOCS / "images" / picture)
    if arguments.write:
        subprocess.run(["git", "diff", "--stat", "--", str(_DOCS)], check=False)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
