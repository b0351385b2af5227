"""Skyhaul: satellite internet you can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyhaul.live._api import Net, Node, emulate

__version__ = "0.1.0.dev0"
__all__ = ["Net", "Node", "__version__", "emulate"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: what only reads elements needs no namespaces.
    if name not in ("Net", "Node", "emulate"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from skyhaul.live import _api

    return getattr(_api, name)
