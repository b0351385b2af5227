"""All pictures of a dataset, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skyhaul.errors import OutputError
from skyhaul.study._canvas import NothingToShow, save
from skyhaul.study._plot_map import plot_map
from skyhaul.study._plot_service import plot_service
from skyhaul.study._plot_sky import plot_tracks
from skyhaul.study._plot_spread import plot_cdf, plot_handovers
from skyhaul.study._plot_time import plot_rtt, plot_throughput

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PICTURES: dict[str, Callable[[xr.Dataset, Sequence[str]], Figure]] = {
    "rtt": plot_rtt,
    "cdf": plot_cdf,
    "handovers": plot_handovers,
    "throughput": plot_throughput,
    "map": plot_map,
    "sky": plot_tracks,
    "service": plot_service,
}


def draw(dataset: xr.Dataset, folder: Path, kinds: Sequence[str] = (), terminals: Sequence[str] = ()) -> Iterator[Path]:
    """Write the pictures of the kinds asked for, `KIND.png` in `folder`, and give the path of each as it is done.

    Without `kinds` all are drawn, and those with nothing to show are passed over. Raises NotFoundError for an unknown
    terminal, or a picture that was asked for and would be empty; OutputError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", where=str(folder), mend="write elsewhere") from error
    for kind in kinds or PICTURES:
        try:
            figure = PICTURES[kind](dataset, terminals)
        except NothingToShow:
            if kinds:
                raise
            continue
        yield save(figure, folder / f"{kind}.png")
