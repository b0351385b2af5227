"""Why a privilege is missing, and what gives it: said the same by `skyhaul link` and `skyhaul doctor`."""

from __future__ import annotations

import os
from pathlib import Path

from skyhaul.errors import SkyhaulError

_RESTRICTIONS = (
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "this kernel lets only root make user namespaces",
        "sudo sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "user/max_user_namespaces",
        "0",
        "user namespaces are switched off",
        "sudo sysctl user.max_user_namespaces=10000",
    ),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor takes all rights away in user namespaces of ordinary programs (Ubuntu 23.10 and later)",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_OTHER_WAY = "or run as root"


def no_namespaces(error: OSError) -> SkyhaulError:
    """What to say when a user or network namespace could not be made."""
    what, mend = why_no_namespaces()
    return SkyhaulError(what or f"no network namespace can be made here ({error.strerror})", mend=mend)


def why_no_namespaces() -> tuple[str, str]:
    """The setting that keeps user namespaces from working, as (what, mend); what is empty when no setting does."""
    for name, value, what, command in _RESTRICTIONS:
        if setting(name) == value:
            return f"{what}, {name.replace('/', '.')}={value}", f"{command}, {_OTHER_WAY}"
    if in_container():
        what = "the container that this runs in allows no namespaces"
        return what, "docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN --device /dev/net/tun …"
    return "", _OTHER_WAY.removeprefix("or ")


def setting(name: str) -> str | None:
    """A kernel setting by its path under /proc/sys, or none where there is none of that name."""
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None


def in_container() -> bool:
    """Whether this looks like the inside of Docker or Podman."""
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "container" in os.environ
