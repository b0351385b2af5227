"""`skyhaul scenario`: the JSON Schema of scenario files, and every error of one at once."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

app = typer.Typer(help="Scenario files: their schema, and what is wrong with one.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from skyhaul.scenario import scenario_json_schema

    print(json.dumps(scenario_json_schema(), indent=2))


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario file, or the name of a preset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print every error of a scenario file at once; exit 1 when there is one."""
    from skyhaul.scenario import check_scenario, load_scenario

    errors = check_scenario(file)
    if as_json:
        listed = [{"where": error.where, "what": error.what, "mend": error.mend} for error in errors]
        print(json.dumps({"file": file, "good": not errors, "errors": listed}, indent=2, ensure_ascii=False))
    elif errors:
        for error in errors:
            print(error, file=sys.stderr)
    else:
        scenario = load_scenario(file)
        count = len(scenario.terminals)
        terminals = "1 terminal" if count == 1 else f"{count} terminals"
        print(f"{file}: good: {scenario.name}, {terminals}, {scenario.time.duration}")
    if errors:
        raise typer.Exit(1)
