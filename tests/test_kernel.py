"""Kernels compile where nothing can be written, and say that they must do so each time."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import pytest

from skyhaul import _kernel
from skyhaul.errors import SkyhaulWarning


def double(value: int) -> int:
    return value * 2


def test_without_a_place_for_the_cache_kernels_compile_and_a_warning_names_the_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compile_ = numba.njit

    def nowhere(**settings: Any) -> Callable[..., Any]:
        if settings["cache"]:
            raise RuntimeError("cannot cache function 'double': no locator available for file 'x.py'")
        found: Callable[..., Any] = compile_(**settings)
        return found

    monkeypatch.setattr(_kernel, "numba", SimpleNamespace(njit=nowhere))
    _kernel._warn_once.cache_clear()
    with pytest.warns(SkyhaulWarning, match="NUMBA_CACHE_DIR"):
        compiled = _kernel.kernel()(double)
    assert compiled(21) == 42
