"""`skyhaul inquire`: what the records show of an area and a time, and what they cannot show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import counted, print_json
from skyhaul.cli._registry import AsKnownOption, RegistryOption, parse_instant, reading
from skyhaul.errors import InputError, NotFoundError, OutputError, StoreError

if TYPE_CHECKING:
    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from skyhaul.control.facts import Facts
    from skyhaul.control.inquiry import Inquiry, Recorded, Sightings
    from skyhaul.control.registry import Registry


def inquire(
    area: Annotated[
        str,
        typer.Option("--area", metavar="FILE[#NAME]", help="Polygons in GeoJSON or KML; #NAME for one of them."),
    ],
    begin: Annotated[Any, typer.Option("--from", metavar="TIME", parser=parse_instant, help="First instant, UTC.")],
    end: Annotated[
        Any, typer.Option("--to", metavar="TIME", parser=parse_instant, help="First instant after it, UTC.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="REPORT.(md|json)", help="The report to write. Without it: printed."),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", metavar="DATASET", help="A dataset of skyhaul simulate: who was served; repeat."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--map", metavar="PICTURE.png", help="Draw the areas as they are recorded there.")
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="What stands under the map's title.")
    ] = None,
    registry: RegistryOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report which units were used in an area, by whom held, under which facts, and what no record can show."""
    if output is not None and output.suffix not in (".md", ".json"):
        raise OutputError("what format?", where=str(output), mend="end its name in .md or .json")
    shape, name = _area(area)
    from skyhaul.control.inquiry import inquire as asked

    with reading(registry, known_at=as_known) as desk:
        inquiry = asked(
            desk.registry.facts,
            shape,
            begin,
            end,
            name=name,
            known_at=desk.known_at,
            sightings=[_sightings(path) for path in runs or ()],
            decisions=_decisions(desk.registry, begin, end, as_known),
        )
        if picture is not None:
            _draw(desk.registry.facts, inquiry, shape, picture, note)
    if output is not None:
        _write(inquiry, output)
    if as_json:
        print_json(inquiry.document())
    elif output is None:
        print(inquiry.markdown(), end="")
    else:
        served = sum(unit.served_slots > 0 for unit in inquiry.units)
        seen, gaps = counted(len(inquiry.units), "unit"), counted(len(inquiry.gaps), "gap")
        print(f"{seen} seen, {served} of them served; {gaps}; wrote {output}")


def _area(text: str) -> tuple[BaseGeometry, str]:
    """The polygons of a file together, or those of one feature, and what to call them."""
    import shapely

    from skyhaul.control.polygons import read_geojson, read_kml

    file, _, name = text.partition("#")
    path = Path(file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=file, mend="check the path") from None
    outlines = read_kml(data, file) if path.suffix.lower() == ".kml" else read_geojson(data, file)
    if name:
        names = {key for o in outlines for key in (o.properties.get("id"), o.properties.get("name")) if key}
        outlines = tuple(o for o in outlines if name in (o.properties.get("id"), o.properties.get("name")))
        if not outlines:
            raise NotFoundError(f"no feature “{name}”", where=file, mend=f"there are {', '.join(sorted(names)[:12])}")
    return shapely.union_all([outline.shape for outline in outlines]), name or path.stem


def _sightings(path: Path) -> Sightings:
    from skyhaul.study import open_dataset, sightings_of

    with open_dataset(path) as dataset:
        return sightings_of(dataset, path.name)


def _decisions(
    registry: Registry, begin: np.datetime64, end: np.datetime64, known_at: np.datetime64 | None
) -> Callable[[str], list[Recorded]] | None:
    """What looks up the decisions on record about a unit, recorded up to `known_at`; None where facts lie in files."""
    from skyhaul.control.inquiry import Recorded

    try:
        store = registry.store
    except StoreError:
        return None
    return lambda unit: [
        Recorded(decision.time, int(decision.code), decision.leaf)
        for decision in store.decisions(unit, begin, end)
        if known_at is None or decision.at <= known_at
    ]


def _draw(facts: Facts, inquiry: Inquiry, area: BaseGeometry, picture: Path, note: str | None) -> None:
    """The areas that meet the one asked about, and the cells in which units were seen."""
    from skyhaul.study import panels_of, plot_areas, save

    cells: dict[str, list[str]] = {}
    for unit in inquiry.units:
        for cell in unit.cells:
            cells.setdefault(cell, []).append(unit.unit)
    panels = panels_of(facts, area, inquiry.begin, inquiry.end, inquiry.known_at)
    words = {} if note is None else {"note": note}
    save(plot_areas(facts, panels, area, known_at=inquiry.known_at, units=cells, **words), picture)


def _write(inquiry: Inquiry, output: Path) -> None:
    text = inquiry.markdown()
    if output.suffix == ".json":
        text = json.dumps(inquiry.document(), indent=1, ensure_ascii=False) + "\n"
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=str(output)) from None
