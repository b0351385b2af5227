"""`skyhaul.emulate`: a world inside a Python program, as a test suite uses one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

import skyhaul
from skyhaul.errors import InputError, NotFoundError, SkyhaulError
from tests.emulation.conftest import NOBODY, Program
from tests.emulation.programs import ECHO, PROBE, python
from tests.live.test_exec import PING
from tests.live.worlds import constant_world, output

pytestmark = pytest.mark.usefixtures("namespaces")


@pytest.fixture(scope="module")
def net(namespaces: None) -> Iterator[skyhaul.Net]:
    """Two terminals behind two points of presence, on links that never change."""
    with constant_world({"one": "Near", "two": "Far"}, servers=(("web", "Near"),), engine="python") as world:
        yield world


def test_places_are_found_by_name_and_know_their_addresses(net: skyhaul.Net) -> None:
    assert list(net) == ["one", "two"]
    assert len(net) == 2
    assert "one" in net
    assert "pop:Near" not in net
    assert str(net["one"].address) == "100.64.0.1"
    assert str(net["two"].address6) == "fd53:6b79:6861::6440:8001"
    assert net["two"].host == "two.terminal.skyhaul"
    assert net["one"].pop == "Near"
    assert str(net.pop("far").address) == "10.100.2.1"
    assert net["pop:Far"] is net.pop("far")
    assert str(net.server("web").address) == "10.100.1.10"


def test_run_is_that_of_subprocess(net: skyhaul.Net) -> None:
    done = net["one"].run(
        ["sh", "-c", "echo $SKYHAUL_ADDRESS; cat; exit 4"], input="in", capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (4, "100.64.0.1\nin")
    assert done.args[0] == "sh"
    with pytest.raises(subprocess.CalledProcessError):
        net["one"].run(["false"], check=True)
    assert (
        net["one"].run(["sh", "-c", "test $ONLY = this"], env={"ONLY": "this", "PATH": os.environ["PATH"]}).returncode
        == 0
    )
    started = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        net["one"].run(["sleep", "60"], timeout=0.3)
    assert time.monotonic() - started < 30
    with pytest.raises(NotFoundError, match="there is no command 'no-such-program'"):
        net["one"].run(["no-such-program"])
    with pytest.raises(TypeError, match="shell"):
        net["one"].run(["true"], shell=True)


def test_packets_take_the_links(net: skyhaul.Net) -> None:
    with net.server("web").popen(python(ECHO)) as server:
        times = json.loads(output(net, "two", python(PROBE, 20, 0.02, str(net.server("web").address))))
        found = [value for value in times if value is not None]
        assert found
        assert min(found) >= 30.0
        server.terminate()
    assert server.returncode == -signal.SIGTERM % 256 or server.returncode == 143


def test_the_state_of_a_path_is_that_of_the_source(net: skyhaul.Net) -> None:
    state = net["one"].state()
    assert state.served
    assert state.rtt_s == pytest.approx(0.02)
    assert state.pop == "Near"
    assert set(net.states()) == {"one", "two"}
    with pytest.raises(NotFoundError, match="no path of its own"):
        net.pop("Near").state()


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda net: net["onne"], "this world has no terminal 'onne' .did you mean one"),
        (lambda net: net.pop("Nearby"), "this world has no point of presence 'Nearby' .did you mean Near"),
        (lambda net: net.server("mail"), "this world has no server 'mail'"),
    ],
)
def test_names_that_are_not_there_are_said_with_near_ones(net: skyhaul.Net, ask: object, what: str) -> None:
    assert callable(ask)
    with pytest.raises(NotFoundError, match=what):
        ask(net)


def test_what_keeps_a_world_from_being_made_is_raised() -> None:
    with pytest.raises(NotFoundError, match="kyiv"):
        skyhaul.emulate("europe", ["kiev"])
    with pytest.raises(NotFoundError, match="nowhere"):
        skyhaul.emulate("nowhere")
    with pytest.raises(InputError, match="an MTU of 5 bytes"):
        skyhaul.emulate("europe", mtu=5)


def test_worlds_do_not_meet_and_go_with_their_with() -> None:
    homes = {"one": "Near"}
    with constant_world(homes, engine="python") as first, constant_world(homes, engine="python") as second:
        sleeper = second["one"].popen(["sleep", "600"])
        first.close()
        assert second["one"].run(["true"]).returncode == 0
        with pytest.raises(SkyhaulError, match="has ended"):
            first["one"].run(["true"])
    assert sleeper.wait(10) == 137
    assert first.summary is not None
    assert first.summary["terminals"]["one"]["up"]["packets"] == 0


def test_a_scenario_is_followed_from_its_start(namespaces: None) -> None:
    with skyhaul.emulate("europe", ["kyiv"]) as net:
        state = net["kyiv"].state()
        assert state.served, state.cause
        times = json.loads(output(net, "kyiv", python(PING, net.pop("Warsaw").host, 20, 0.02)))
        found = [value for value in times if value is not None]
        assert found
        # Never below the path without its waits; Kyiv to Warsaw over a satellite takes some tens of ms.
        assert min(found) > 10.0
        assert "europe" in net.about
    assert net.summary is not None
    assert net.summary["plans"]["late"] == 0


def test_a_suite_of_an_ordinary_user_has_worlds_too(another_user: Program) -> None:
    script = (
        "import threading, numpy\n"  # threads of its own, as a test suite has them
        "from functools import partial\n"
        "from skyhaul.live._api import Net\n"
        "from skyhaul.live._constant import ConstantSource\n"
        "from skyhaul.live._world_options import WorldOptions\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "options = WorldOptions('constant', isolated=True, engine='python')\n"
        "with Net(options, partial(ConstantSource, {'one': 'Near'})) as net:\n"
        "    done = net['one'].run(['id', '-u'], capture_output=True, text=True)\n"
        "    print(done.stdout.strip(), done.returncode, net['one'].address)\n"
    )
    ran = another_user(script, tun=False)
    assert ran.out == f"{NOBODY} 0 100.64.0.1\n", ran.err
