"""The one way kernels are compiled: Numba, cached on disk, without the GIL, typed for mypy."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import llvmlite.binding as llvm
import numba

from skyhaul.errors import SkyhaulWarning

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


@functools.cache
def _warn_once() -> None:
    text = "compiled kernels cannot be kept, so every start compiles them anew: name a folder in NUMBA_CACHE_DIR"
    warnings.warn(text, SkyhaulWarning, stacklevel=4)


def kernel(**options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a module-level function to machine code on first call and keep it in the on-disk cache.

    `options` go to `numba.njit`; `cache=True`, `nogil=True` and NumPy's error model are the defaults.
    """
    settings: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"} | options

    def compile_(function: Callable[P, R]) -> Callable[P, R]:
        try:
            return cast("Callable[P, R]", numba.njit(**settings)(function))
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
        # Neither the package's folder nor the user's cache can be written.
        _warn_once()
        return cast("Callable[P, R]", numba.njit(**settings | {"cache": False})(function))

    return compile_
