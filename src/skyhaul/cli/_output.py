"""Tables and progress for people, one JSON document for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from skyhaul.cli import _stop

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
Column = tuple[str, Literal["left", "right"]]


def print_json(document: object) -> None:
    """Print one JSON document; not-a-number becomes null."""
    print(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def counted(count: int, noun: str) -> str:
    """A number of things: 1 row, 2 rows."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table as wide as the terminal, or as its text where there is none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, side in columns:
        table.add_column(name, justify=side, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    if title:
        console.print(title, style="bold")
    console.print(table)


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items, with a progress bar on standard error while they come, where that is a terminal."""
    if not sys.stderr.isatty():
        for item in items:
            _stop.check()
            yield item
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        for item in items:
            _stop.check()
            yield item
            bar.advance(task)


def utc(time: np.datetime64) -> str:
    """`2024-02-17 12:00:12 UTC`, with a fraction where there is one."""
    return f"{iso(time)[:-1].replace('T', ' ')} UTC"


def iso(time: np.datetime64) -> str:
    """`2024-02-17T12:00:12Z`, with a fraction where there is one."""
    text = str(time.astype("datetime64[us]"))
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}Z"


def place(latitude_deg: float, longitude_deg: float) -> str:
    """`50.45°N 30.52°E`."""
    east = (longitude_deg + 180.0) % 360.0 - 180.0
    return f"{abs(latitude_deg):.2f}°{'N' if latitude_deg >= 0 else 'S'} {abs(east):.2f}°{'E' if east >= 0 else 'W'}"


def _plain(value: object) -> Any:
    import numpy as np

    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(list(value))
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.datetime64):
        return iso(value)
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
