"""Names for the arrays that cross rooms. Times are UTC `datetime64[ns]`; the last letter of a shape names its axis:
T instants, N satellites, K sites or terminals, G gateways, P PoPs, C cells, S slots."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Ints32: TypeAlias = npt.NDArray[np.int32]
Bytes: TypeAlias = npt.NDArray[np.int8]
Bools: TypeAlias = npt.NDArray[np.bool_]
CellIds: TypeAlias = npt.NDArray[np.uint64]
Times: TypeAlias = npt.NDArray[np.datetime64]
