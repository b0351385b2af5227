"""What the pages say can be typed can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import skyhaul.emulation
from skyhaul.cli._link import COMMAND_LINE, link
from skyhaul.emulation import LinkOptions

PAGE = (Path(__file__).parents[2] / "docs" / "link.md").read_text()
COMMANDS = [
    line.removeprefix("skyhaul link ")
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("skyhaul link ")
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[LinkOptions]:
    """What `skyhaul link` would run."""
    found: list[LinkOptions] = []

    def keep(options: LinkOptions) -> int:
        found.append(options)
        return 0

    monkeypatch.setattr(skyhaul.emulation, "run_link", keep, raising=False)
    return found


def type_in(words: list[str]) -> None:
    typer_app()(words, standalone_mode=False)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_is_understood(asked: list[LinkOptions], line: str) -> None:
    type_in(shlex.split(line))
    assert asked[0].command[0] in ("ping", "iperf3", "sh")


def test_the_page_names_every_option_and_no_other() -> None:
    command = typer.main.get_command(typer_app())
    real = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", PAGE))
    assert {option for option in real if option.startswith("--")} - {"--quiet", "--offload", "--help"} == named


def typer_app() -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command(context_settings=COMMAND_LINE)(link)
    return app


def test_words_become_what_they_say(asked: list[LinkOptions]) -> None:
    type_in(
        [
            *("--delay", "25ms", "--delay-up", "30ms", "--rate", "100mbit", "--rate-down", "1gbit", "--queue", "64kB"),
            *("--codel", "--loss", "1%", "--loss-down", "0", "--outage", "1s+50ms/2s", "--on-off", "10s,1s", "--hold"),
            *("--far", "server --port '1 2'", "prog", "--delay", "-x"),
        ]
    )
    options = asked[0]
    assert options.command == ("prog", "--delay", "-x")
    assert options.far == ("server", "--port", "1 2")
    assert (options.up.delay_ns, options.down.delay_ns) == (30_000_000, 25_000_000)
    assert (options.up.rate_bps, options.down.rate_bps) == (1e8, 1e9)
    assert (options.up.loss, options.down.loss) == (0.01, 0.0)
    assert (options.queue_bytes, options.codel is not None, options.hold) == (64_000, True, True)
    assert options.outages[0].every_ns == 2_000_000_000
    assert options.on_off == (10_000_000_000, 1_000_000_000)


def test_a_rate_and_a_trace_exclude_each_other() -> None:
    with pytest.raises(typer.BadParameter, match="exclude each other"):
        type_in(["--rate", "1mbit", "--up", "x.mm", "true"])
