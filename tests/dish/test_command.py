"""`skyhaul dish`: from the command to an answer, and its end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skyhaul.cli import run
from skyhaul.dish import hardware_id
from tests.dish.conftest import Client, own_address

SCENARIO = """
name = "two"

[time]
start = 2024-02-17T12:00:12Z

[constellation]
walker = ["D:550:53.0:1584/72/39"]

[[terminals]]
name = "louvain"
latitude_deg = 50.67
longitude_deg = 4.61

[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52

[[withheld]]
terminal = "kyiv"
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def serve(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "skyhaul", "dish", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_terminals_answer_until_the_command_is_ended(scenario: Path, number: signal.Signals, status: int) -> None:
    first = own_address(1)
    network = first.host.rpartition(".")[0]
    options = ("--listen", str(first), "--ready", "--location", "--context", "--json")
    with serve("--scenario", str(scenario), *options) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.rstrip().endswith("\n}"):
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read()
                text += line
            said = json.loads(text)
            assert said["start"] == "2024-02-17T12:00:12Z"
            addresses = {entry["terminal"]: entry["address"] for entry in said["dishes"]}
            assert addresses == {"louvain": f"{network}.101:9200", "kyiv": f"{network}.102:9200"}
            served, refused = Client(addresses["louvain"]), Client(addresses["kyiv"])
            shown = served.ask("get_status").dish_get_status
            assert shown.device_info.id == hardware_id("louvain") == said["dishes"][0]["id"]
            assert not shown.HasField("outage")
            assert served.ask("get_location").get_location.lla.lat == pytest.approx(50.67)
            assert served.ask("dish_get_context").dish_get_context.initial_satellite_id > 0
            shown = refused.ask("get_status").dish_get_status
            assert (shown.outage.cause, shown.disablement_code) == (4, 12)
            served.channel.close()
            refused.channel.close()
            process.send_signal(number)
            assert process.wait(10.0) == status
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_whose_facts_decide_can_be_said(scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text("[]", encoding="utf-8")  # a registry in which nobody is known
    options = ("louvain", "--scenario", str(scenario), "--ready", "--json", "--registry", str(tmp_path / "facts.json"))
    with serve(*options, "--listen", str(own_address(2))) as process:
        try:
            assert process.stdout is not None
            while not process.stdout.readline().startswith("}"):
                assert process.poll() is None
            client = Client(own_address(2))
            shown = client.ask("get_status").dish_get_status
            client.channel.close()
            assert (shown.outage.cause, shown.disablement_code) == (4, 0)
        finally:
            process.terminate()


def test_what_cannot_be_served_is_said_in_a_line(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["nobody"], r"^skyhaul: no terminal is named “nobody”"),
        (["--listen", "here"], r"^skyhaul: listen: 'here' is no address to listen at"),
        (["--listen", "192.0.2.1:9200"], r"^skyhaul: 192.0.2.1:9200: cannot listen there"),
    ):
        assert run(["dish", "--scenario", str(scenario), *arguments]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert re.match(said, line), line
