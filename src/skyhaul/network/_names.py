"""Finding things by the names people type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from skyhaul.errors import NotFoundError

_NEAR_NAMES = 3


def find_name(wanted: str, names: Sequence[str], kind: str) -> int:
    """The index of `wanted` among `names`.

    The name itself; else the one that differs in case only; else the only one that has `wanted` as a whole word, so
    that `SEA` finds `SEA - STTLWAX1`. `NotFoundError` names the nearest when there is none, or several.
    """
    if wanted in names:
        return names.index(wanted)
    folded = wanted.casefold().strip()
    same = [i for i, name in enumerate(names) if name.casefold() == folded]
    if len(same) == 1:
        return same[0]
    words = re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)") if folded else None
    holding = [i for i, name in enumerate(names) if words and words.search(name.casefold())]
    if len(holding) == 1:
        return holding[0]
    if same or holding:
        several = ", ".join(f"“{names[i]}”" for i in (same or holding)[:_NEAR_NAMES])
        raise NotFoundError(f"several {kind}s answer to “{wanted}”", mend=f"say which: {several}")
    near = difflib.get_close_matches(wanted, names, n=_NEAR_NAMES, cutoff=0.4)
    mend = f"near names: {', '.join(f'“{name}”' for name in near)}" if near else f"there are {len(names)} {kind}s"
    raise NotFoundError(f"no {kind} is named “{wanted}”", mend=mend)
