"""Spreading one array's work over the cores: kernels run without the GIL, so plain threads do."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

_WORTH_IT = 100_000  # elements: about 5 ms of work against 0.1 ms of handing it out


# A forked child has the pool but none of its threads.
@cache
def _pool() -> ThreadPoolExecutor | None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(cores, thread_name_prefix="skyhaul") if cores > 1 else None


os.register_at_fork(after_in_child=_pool.cache_clear)


def in_parts(work: Callable[[slice], None], rows: int, elements: int) -> None:
    """Call `work` with slices that together cover `rows`, at the same time when there are enough `elements`.

    Every row must be worked out the same whatever slice it is in. SKYHAUL_THREADS=1 keeps to the calling thread.
    """
    pool = _pool() if elements >= _WORTH_IT and rows > 1 and os.environ.get("SKYHAUL_THREADS") != "1" else None
    if pool is None:
        work(slice(0, rows))
        return
    parts = min(rows, pool._max_workers)
    edges = [rows * k // parts for k in range(parts + 1)]
    for done in [pool.submit(work, slice(low, high)) for low, high in pairwise(edges)]:
        done.result()
