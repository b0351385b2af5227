"""The way out to the host's network: pasta or slirp4netns, which carry a namespace's traffic by ordinary sockets.

They run beside the supervisor, in the host's namespaces, and end with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from skyhaul.emulation._devices import TUN_PATH
from skyhaul.emulation._namespaces import die_with_parent

TAP = "tap0"


@dataclass(frozen=True, slots=True)
class WayOut:
    """A tool that connects a namespace by a device `TAP`, and the addresses that it gives it."""

    tool: str
    address: str
    gateway: str
    nameserver: str

    def command(self, process: int, network: int, mtu: int) -> list[str]:
        """To connect the network namespace that `process` holds open as `network`.

        mtu   of the links behind it: larger packets would cross them in fragments, and be lost as one
        """
        net, user = f"/proc/{process}/fd/{network}", f"/proc/{process}/ns/user"
        same_user = Path(user).stat().st_ino == Path("/proc/self/ns/user").stat().st_ino
        if self.tool == "slirp4netns":
            users = [] if same_user else [f"--userns-path={user}"]
            return [self.tool, "--configure", f"--mtu={mtu}", "--netns-type=path", *users, net, TAP]
        users = [] if same_user else ["--userns", user]
        words = ["--foreground", "--quiet", "--config-net", "--ns-ifname", TAP, "--address", self.address]
        words += ["--netmask", "24", "--gateway", self.gateway, "--dns-forward", self.nameserver]
        words += ["--mtu", str(mtu)]
        ports = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"]
        return [self.tool, *words, *ports, *users, "--netns", net]


# slirp4netns(1): the guest is .100, the gateway .2 and the name server .3 of 10.0.2.0/24; pasta is told the same.
_ADDRESSES = ("10.0.2.100", "10.0.2.2", "10.0.2.3")


def find_way_out() -> tuple[WayOut | None, str]:
    """A tool that is installed and can work here; or none, and why."""
    installed = [name for name in ("slirp4netns", "pasta") if shutil.which(name)]
    if not installed:
        return None, "neither pasta nor slirp4netns is installed"
    if not os.access(TUN_PATH, os.R_OK | os.W_OK):
        # pasta was seen to hang without it, and not to end when told to.
        return None, f"{installed[0]} needs {TUN_PATH}, which cannot be opened"
    return WayOut(installed[0], *_ADDRESSES), ""


def start_way_out(way: WayOut, process: int, network: int, mtu: int) -> subprocess.Popen[bytes]:
    """Run the tool for links of this MTU; it is killed with this process."""
    me = os.getpid()
    return subprocess.Popen(
        way.command(process, network, mtu),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: die_with_parent(me),
        start_new_session=True,  # the terminal's signals are for the program behind the link
    )
