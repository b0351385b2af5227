"""What a machine without the devices is told."""

from __future__ import annotations

import errno
import os

import pytest

from skyhaul.emulation import _wiring
from skyhaul.emulation._addresses import LinkAddresses
from skyhaul.emulation._namespaces import fork
from skyhaul.emulation._netlink import Netlink
from skyhaul.emulation._options import Wire
from skyhaul.errors import SkyhaulError


def test_without_tun_and_veth_both_remedies_are_named(namespaces: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("skyhaul.emulation._wiring.TUN_PATH", "/nowhere/tun")
    monkeypatch.setattr(Netlink, "add_veth", refuse)
    readable, writable = os.pipe()
    child = fork()
    if child == 0:  # its namespaces go with it
        try:
            engine, kind = _wiring.enter_engine_place()
            _wiring.near_end(Wire(1500), LinkAddresses.outermost(), kind, engine)
        except SkyhaulError as error:
            os.write(writable, str(error).encode())
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as said:
        told = said.read()
    os.waitpid(child, 0)
    assert told == (
        "/nowhere/tun cannot be opened, and this kernel has no veth pairs "
        "(sudo modprobe veth, or sudo chmod 666 /nowhere/tun)"
    )
