"""The picture of areas as recorded: every layer for itself, at the asked instant, places as cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from skyhaul.control.facts import Area, Facts, Layer, utc
from skyhaul.study import Panel, panels_of, plot_areas

_START, _CHANGE, _END = utc("2024-02-12T22:00:00Z"), utc("2024-02-13T00:00:00Z"), utc("2024-02-13T04:00:00Z")
_WEST, _EAST, _FRAME = shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2), shapely.box(0.5, 0.5, 3.5, 1.5)


def _area(id_: str, layer: Layer, holder: str, shape: Any, since: Any = "2024-01-01", to: Any = None) -> Area:
    return Area(
        id=id_,
        valid_from=since,
        valid_to=to,
        recorded_at=utc("2024-01-01"),
        source="drawn",
        author="clerk",
        layer=layer,
        name=id_,
        holder=holder,
        shape=shape,
    )


FACTS = Facts(
    [
        _area("all of it", Layer.CLAIM, "One", _WEST.union(_EAST)),
        _area("half of it", Layer.CLAIM, "Two", _EAST),
        _area("licensed", Layer.LICENCE, "Office", _WEST),
        _area("west", Layer.CONTROL, "One", _WEST),
        _area("east before", Layer.CONTROL, "Two", _EAST, to=_CHANGE),
        _area("east after", Layer.CONTROL, "One", _EAST, since=_CHANGE),
        _area("quiet", Layer.ZONE, "", shapely.box(1, 0.8, 2.5, 1.2)),
    ]
)


def _texts(figure: Any) -> list[list[str]]:
    return [[text.get_text().replace("\n", " ") for text in axes.texts] for axes in figure.axes]


def test_panels_tell_claims_licences_and_control_before_and_after_each_change() -> None:
    panels = panels_of(FACTS, _FRAME, _START, _END, _END)
    control = (Layer.CONTROL, Layer.ZONE)
    assert panels == (
        Panel(_START, (Layer.CLAIM,)),
        Panel(_START, (Layer.LICENCE,)),
        Panel(_START, control),
        Panel(_CHANGE, control),
    )
    far = shapely.box(40, 40, 41, 41)
    assert [panel.time for panel in panels_of(FACTS, far, _START, _END, _END)] == [_START] * 3


def test_each_panel_names_what_held_at_its_instant() -> None:
    panels = panels_of(FACTS, _FRAME, _START, _END, _END)
    claims, licences, before, after = _texts(plot_areas(FACTS, panels, _FRAME, known_at=_END))
    assert set(claims) == {"One: all of it", "Two: half of it"}
    assert licences == ["Office: licensed"]
    assert set(before) == {"One: west", "Two: east before", "quiet"}
    assert set(after) == {"One: west", "One: east after", "quiet"}


def test_no_holder_is_filled_and_all_lines_of_a_layer_are_alike() -> None:
    figure: Any = plot_areas(FACTS, [Panel(_START, (Layer.CONTROL,))], _FRAME, known_at=_END)
    (axes,) = figure.axes
    assert len(axes.patches) == 2
    assert len({patch.get_hatch() for patch in axes.patches}) == 2
    assert all(patch.get_facecolor()[3] == 0 for patch in axes.patches)
    assert len({(line.get_color(), line.get_linestyle(), line.get_linewidth()) for line in axes.lines}) == 1


def test_units_are_drawn_as_cells_and_counted() -> None:
    import h3.api.basic_int as h3

    cell = f"{h3.latlng_to_cell(1.0, 1.0, 5):x}"
    frame = shapely.box(0.9, 0.9, 1.1, 1.1)
    figure: Any = plot_areas(
        FACTS, [Panel(_START, (Layer.CONTROL,))], frame, known_at=_END, units={cell: ["UT-1", "UT-2"]}, note="a note"
    )
    (texts,) = _texts(figure)
    assert "2 units" in texts
    assert not any("UT-1" in text for text in texts)
    assert any(text.get_text() == "a note" for text in figure.texts)
    drawn = figure.axes[0].lines[-1].get_xydata()
    assert np.allclose(drawn[:-1, ::-1], h3.cell_to_boundary(int(cell, 16)))
