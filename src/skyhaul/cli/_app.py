"""The commands and their groups."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from skyhaul import __version__
from skyhaul.cli import (
    _audit,
    _doctor,
    _link,
    account,
    allowlist,
    check,
    custody,
    dish,
    elements,
    exec,
    inquire,
    licence,
    look,
    net,
    order,
    party,
    path,
    plot,
    proxy,
    registry,
    scenario,
    simulate,
    status,
    terminal,
    territory,
    trace,
    up,
)
from skyhaul.cli._options import NEGATIVE_NUMBERS

app = typer.Typer(
    name="skyhaul",
    help="Satellite internet you can run: who serves whom, and by which path, every 15 seconds.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"skyhaul {__version__}", file=sys.stdout)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("up")(up.up)
app.command("status")(status.status)
app.command("simulate")(simulate.simulate)
app.command("path", context_settings=NEGATIVE_NUMBERS)(path.path)
app.command("look", context_settings=NEGATIVE_NUMBERS)(look.look)
app.command("plot")(plot.plot)
app.add_typer(elements.app, name="elements")
app.add_typer(scenario.app, name="scenario")
app.command("link", context_settings=_link.COMMAND_LINE)(_link.link)
app.command("exec")(exec.exec_)
app.command("shell")(exec.shell)
app.add_typer(trace.app, name="trace")
app.command("proxy")(proxy.proxy)
app.add_typer(net.app, name="net")
app.command("doctor")(_doctor.doctor)
app.command("dish")(dish.dish)
app.command("inquire")(inquire.inquire)
app.add_typer(_audit.app, name="audit")
app.add_typer(registry.app, name="registry")
app.add_typer(party.app, name="party")
app.add_typer(account.app, name="account")
app.add_typer(terminal.app, name="terminal")
app.add_typer(licence.app, name="licence")
app.add_typer(territory.app, name="territory")
app.add_typer(order.app, name="order")
app.add_typer(allowlist.app, name="allowlist")
app.add_typer(custody.app, name="custody")
app.command("check")(check.check)
