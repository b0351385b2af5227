"""The one way kernels are compiled: Numba, cached on disk, without the GIL, typed for mypy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

# Contraction and reciprocals only: 'reassoc' would fold the rounding trick of `orbits._sincos`,
# 'nnan' and 'ninf' would delete the tests for not-a-number.
SAFE_MATH = frozenset({"nsz", "arcp", "contract"})


def kernel(**options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a module-level function to machine code on first call and keep it in the on-disk cache.

    `options` go to `numba.njit`; `cache=True`, `nogil=True` and NumPy's error model are the defaults.
    """
    settings: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"} | options

    def compile_(function: Callable[P, R]) -> Callable[P, R]:
        return cast("Callable[P, R]", numba.njit(**settings)(function))

    return compile_
