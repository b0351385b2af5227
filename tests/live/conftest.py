from __future__ import annotations

from tests.emulation.conftest import another_user, cache, interpreter, namespaces

__all__ = ["another_user", "cache", "interpreter", "namespaces"]
