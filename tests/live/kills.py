"""Starts and stops worlds by the hundred from one process that has everything loaded, kills parts of some of them at
random moments, and looks at what is left after each.

python -m tests.live.kills STARTS KILLS SEED SOURCE prints a JSON object: counts, and the first things that were left.
`constant` links are up in milliseconds; `planned` ones have a process that plans and, where there is one, a way out.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np  # noqa: F401  (loaded once, for all that are forked from here)

import skyhaul.emulation._compiled_engine
import skyhaul.live._report
import skyhaul.live._world_measure
import skyhaul.live._world_plans  # noqa: F401
from skyhaul.emulation import Engine
from skyhaul.emulation._enter import Room, run_inside
from skyhaul.errors import SkyhaulError
from skyhaul.live._constant import ConstantSource
from skyhaul.live._source import scenario_source
from skyhaul.live._tables import TableSource
from skyhaul.live._world_calls import call, worlds_up
from skyhaul.live._world_options import WorldOptions
from skyhaul.live._world_supervisor import WorldSupervisor

_PR_SET_CHILD_SUBREAPER = 36
_GONE_TIMEOUT_S = 20.0
_OURS = ("tests.live.kills", "sleep 600", "slirp4netns", "pasta", "skyhaul.live._planner")
_PARTS = ("supervisor", "carrier", "namespace", "first", "child", "other")


def main() -> None:
    starts, kills, seed, kind = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    chance = random.Random(seed)
    # Whatever loses its parent becomes a child of this process: nothing can get away unseen.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Engine([], kind="compiled").start()
    killed = sorted(chance.sample(range(starts), kills))
    before = host()
    counts: Counter[str] = Counter()
    left: list[str] = []
    began = time.monotonic()
    for number in range(starts):
        name = f"kills-{os.getpid()}-{number}"
        victim = chance.choice(_PARTS) if number in killed else ""
        networks: set[str] = set()
        counts[one(name, kind, victim, chance, networks)] += 1
        left += remains(name, before, number, networks)
    print(json.dumps({"seconds": time.monotonic() - began, "counts": counts, "left": left[:10], "starts": starts}))


def one(name: str, kind: str, victim: str, chance: random.Random, networks: set[str]) -> str:
    """Start a world and stop it, or kill a part of it at some moment; what happened, in a word. Its network namespaces
    are put down in `networks` where it has come that far."""
    readable, writable = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        os.close(readable)
        keep(name, kind, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as words:
        # Half of the kills fall into the making of a world, the others find it up, with a program in it.
        early = victim and chance.random() < 0.5
        if early:
            time.sleep(chance.uniform(0.0, 0.06 if kind == "constant" else 1.2))
        elif words.read(1) != b"r":
            os.waitpid(supervisor, 0)
            return "did not start"
    child = 0
    for pid in children(supervisor):
        networks |= held_by(pid)
    networks -= held_by(os.getpid())
    if not early:
        child = enter(name)
    if victim:
        time.sleep(chance.uniform(0.0, 0.02))
        done = strike(supervisor, victim, child, chance)
    else:
        with contextlib.suppress(SkyhaulError):
            call(name, {"end": True})
        done = "stopped"
    deadline = time.monotonic() + 0.5
    while victim and done != "supervisor" and time.monotonic() < deadline:
        if os.waitpid(supervisor, os.WNOHANG)[0]:
            break
        time.sleep(0.002)
    else:
        # A world can do without some of its parts, a program say: it is ended as any other then.
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)
    return done


def keep(name: str, kind: str, writable: int) -> None:
    """Be the supervisor."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        source: TableSource
        if kind == "constant":
            source = ConstantSource({"one": "near", "two": "far"})
        else:
            source = scenario_source("europe", ("kyiv", "paris"))
        options = WorldOptions(kind, isolated=kind == "constant", quiet=True)
        supervisor = WorldSupervisor(options, source, name=name, ready=lambda _: tell(writable))
        status = supervisor.run()
    except BaseException:
        status = 1
    finally:
        os._exit(status)


def tell(writable: int) -> None:
    os.write(writable, b"r")
    os.close(writable)


def enter(name: str) -> int:
    """Start a program in a place of a world, from a process of its own; its number."""
    child = os.fork()
    if child == 0:
        try:
            places = call(name, {"card": True})[0]["card"]["places"]
            told, descriptors = call(name, {"enter": places[0]})
            os._exit(run_inside(Room(*descriptors), ["sleep", "600"], told["environment"]))
        except BaseException:
            os._exit(1)
    deadline = time.monotonic() + 2.0
    while not children(child) and time.monotonic() < deadline and alive(child):
        time.sleep(0.001)
    return child


def strike(supervisor: int, victim: str, child: int, chance: random.Random) -> str:
    """Kill a part: `other` is whatever else the supervisor has started, what plans or the way out."""
    carriers = [pid for pid in children(supervisor) if words_of(pid) == words_of(supervisor)]
    namespaces = [pid for carrier in carriers for pid in children(carrier)]
    found = {
        "supervisor": [supervisor],
        "carrier": carriers,
        "namespace": namespaces,
        "first": [pid for namespace in namespaces for pid in children(namespace)],
        "child": [*children(child), child] if child else [],
        "other": [pid for pid in children(supervisor) if pid not in carriers],
    }
    targets = found[victim] or found["supervisor"]
    target = chance.choice(targets)
    with contextlib.suppress(ProcessLookupError):
        os.kill(target, signal.SIGKILL)
    return victim if found[victim] else "supervisor"


def remains(name: str, before: dict[str, list[str]], number: int, networks: set[str]) -> list[str]:
    """Wait for everything to be gone; what is not, or is different on the host."""
    found = []
    deadline = time.monotonic() + _GONE_TIMEOUT_S
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            if time.monotonic() > deadline:
                found.append(f"{number}: processes {[(p, words_of(p)[:80]) for p in children(os.getpid())]}")
                for left in children(os.getpid()):
                    os.kill(left, signal.SIGKILL)
                break
            select.select([], [], [], 0.002)
    if name in worlds_up():
        found.append(f"{number}: the name {name} is taken")
    # The kernel gives a namespace's number to the next one: what other tests hold is theirs.
    others = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    others = [pid for pid in others if pid != os.getpid() and any(word in words_of(pid) for word in _OURS)]
    found += [f"{number}: process {pid} holds one of its networks" for pid in others if held_by(pid) & networks]
    after = host()
    found += [f"{number}: {key} {after[key]} was {before[key]}" for key in before if after[key] != before[key]]
    return found


def host() -> dict[str, list[str]]:
    """What could be left of a world on the host, besides processes and what they hold."""
    return {
        "devices": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "mounts": Path("/proc/self/mountinfo").read_text().splitlines(),
        "routes": Path("/proc/net/route").read_text().splitlines(),
        "files": sorted(path.name for path in Path(os.environ["TMPDIR"]).iterdir()),
        "descriptors": [str(len(list(Path("/proc/self/fd").iterdir())))],
    }


def held_by(pid: int) -> set[str]:
    """The network namespaces that a process is in or has open; none where it may not be looked at."""
    found = set()
    with contextlib.suppress(OSError):
        for path in (*Path(f"/proc/{pid}/fd").iterdir(), Path(f"/proc/{pid}/ns/net")):
            with contextlib.suppress(OSError):
                target = str(path.readlink())
                if target.startswith("net:["):
                    found.add(target)
    return found


def children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def words_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


if __name__ == "__main__":
    main()
