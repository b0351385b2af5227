"""`skyhaul doctor`: what this machine lets links do, and the remedy where something is missing."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Try each feature of the machine that `skyhaul link` uses; exit 1 if links cannot be made here.

    Nothing is changed: every attempt is made in a namespace of its own, and is gone before the next.
    """
    from skyhaul.emulation import can_link, examine

    findings = examine()
    works = can_link(findings)
    if as_json:
        print(json.dumps({"links_work": works, "findings": [finding.as_dict() for finding in findings]}, indent=2))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            print(f"{finding.state:8} {finding.name:{width}}  {finding.what}")
            if finding.remedy:
                use = f"for {finding.needed_for}: " if finding.needed_for and finding.state != "works" else ""
                print(f"{'':8} {'':{width}}  → {use}{finding.remedy}")
        print(f"links {'work' if works else 'do not work'} here")
    raise typer.Exit(0 if works else 1)
