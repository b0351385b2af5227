"""The one way kernels are compiled: Numba, cached on disk, without the GIL, typed for mypy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import llvmlite.binding as llvm
import numba

P = ParamSpec("P")
R = TypeVar("R")

# On many processors LLVM holds vectors to 256 bits even where 512 are there; Skyhaul's kernels are arithmetic in long
# columns and run a third faster with them. Numba takes its target from here when it first compiles.
_config: Any = numba.config
_features = llvm.get_host_cpu_features()
if _features.get("avx512f") and _config.CPU_FEATURES is None and _config.CPU_NAME is None:
    _features["prefer-256-bit"] = False
    _config.CPU_NAME = llvm.get_host_cpu_name()
    _config.CPU_FEATURES = _features.flatten()

# Contraction and reciprocals only: 'reassoc' would fold the rounding trick of `orbits._sincos`,
# 'nnan' and 'ninf' would delete the tests for not-a-number.
SAFE_MATH = {"nsz", "arcp", "contract"}


def kernel(**options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a module-level function to machine code on first call and keep it in the on-disk cache.

    `options` go to `numba.njit`; `cache=True`, `nogil=True` and NumPy's error model are the defaults.
    """
    settings: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"} | options

    def compile_(function: Callable[P, R]) -> Callable[P, R]:
        return cast("Callable[P, R]", numba.njit(**settings)(function))

    return compile_
