"""`skyhaul territory`: who claims, controls and licenses which ground, from when to when, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._registry import (
    AllOrNothingOption,
    AsKnownOption,
    AsOption,
    AtOption,
    DryRunOption,
    FromOption,
    KeyOption,
    RegistryOption,
    print_facts,
    print_history,
    reading,
    report,
    span,
    this_second,
    write_text,
    writing,
)
from skyhaul.errors import ControlError, NotFoundError, SkyhaulError

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.control.facts import Area, Fact, Facts
    from skyhaul.control.polygons import Outline
    from skyhaul.control.registry import DatedMap, MapSource

app = typer.Typer(help="Territory: who claims, controls and licenses which ground, and who says so.")

LAYERS = "claim, control, licence, ocean or zone"
LayerOption = Annotated[str | None, typer.Option("--layer", metavar="LAYER", help=f"Of one layer: {LAYERS}.")]


@app.command("list")
def list_(
    layer: LayerOption = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the areas there are at an instant."""
    with reading(registry, at, as_known) as desk:
        print_facts(
            _areas(desk.registry.facts, desk.at, desk.known_at, layer),
            [
                ("area", lambda area: str(area.ref)),
                ("holder", lambda area: area.holder),
                ("valid", span),
                ("polygon", lambda area: _extent(area)),
                ("source", lambda area: area.source),
                ("key", lambda area: area.key),
            ],
            as_json,
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="LAYER/NAME", help="The area.")],
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all that is on record of an area, over time: every map that draws it."""
    from skyhaul.control.facts import Area, AreaRef

    ref = AreaRef.parse(name)
    with reading(registry, at, as_known) as desk:
        found = (area for area in desk.registry.facts.known(Area, desk.known_at) if area.ref == ref)
        keys = list(dict.fromkeys(area.key for area in found))
        if not keys:
            raise NotFoundError(f"there is no area {ref}", mend="`skyhaul territory list` names all at an instant")
        if as_json and len(keys) > 1:
            raise NotFoundError(f"{ref} has {len(keys)} polygons", mend="`skyhaul territory list --json` has them")
        for key in keys:
            print_history(desk, Area, key, as_json)


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="GeoJSON or KML.", show_default=False)] = None,
    series: Annotated[
        Path | None,
        typer.Option("--series", metavar="DIR", help="A folder of dated maps, each in place of the one before."),
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", metavar="LAYER", help=f"The layer: {LAYERS}.")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="TEXT", help="Whose map it is.")] = None,
    holder: Annotated[
        str,
        typer.Option("--holder", metavar="NAME", help="Who claims, controls or licenses it, where no property says."),
    ] = "",
    name_property: Annotated[
        str, typer.Option("--name-property", metavar="NAME", help="The property that holds the name.")
    ] = "name",
    holder_property: Annotated[
        str, typer.Option("--holder-property", metavar="NAME", help="The property that holds the holder.")
    ] = "holder",
    whole: Annotated[
        bool, typer.Option("--whole", help="The map is all of its source's: names it does not draw end.")
    ] = False,
    as_drawn: Annotated[
        bool, typer.Option("--as-drawn", help="Do not ask whether latitude and longitude are swapped.")
    ] = False,
    short_way: Annotated[
        bool, typer.Option("--short-way", help="Edges of more than 180° of longitude cross the antimeridian.")
    ] = False,
    from_: FromOption = None,
    all_or_nothing: AllOrNothingOption = False,
    dry_run: DryRunOption = False,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the polygons of a map, or of a series of dated maps; each that is rejected is told with its reason."""
    from skyhaul.control.facts import Layer
    from skyhaul.control.registry import MapSource
    from skyhaul.sources import map_files

    if (file is None) == (series is None):
        raise typer.BadParameter("give FILE, or --series DIR", param_hint="'FILE'")
    if layer not in tuple(Layer):
        raise typer.BadParameter(f"expected {LAYERS}, got {layer}", param_hint="'--layer'")
    if not source:
        raise ControlError("a map without a source", where=str(file or series), mend="give --source TEXT")
    names = {"name": name_property, "holder": holder_property}
    place = series if series is not None else file
    assert place is not None
    with writing(registry, person, key) as (desk, actor):
        by = MapSource(Layer(layer), source, actor.person, holder)
        facts = desk.facts
        files = map_files(place) if series is not None else [place]
        rows: list[tuple[int, Fact | SkyhaulError]] = []
        made: list[Fact] = []
        for path in files:
            begin = _date(path, from_, this_second(desk), dated=series is not None)
            found = _facts(path, begin, by, facts, made, names, whole or series is not None, as_drawn, short_way)
            made += [fact for _, fact in found if not isinstance(fact, SkyhaulError)]
            rows += [(len(rows) + i, fact) for i, (_, fact) in enumerate(found, 1)]
        imported = desk.record_rows(rows, actor, all_or_nothing=all_or_nothing, dry_run=dry_run)
    report(imported, place, len(rows), as_json, dry_run=dry_run)


@app.command("export")
def export_(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.geojson", help="Where the map goes.")],
    layer: LayerOption = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
) -> None:
    """Write the areas there are at an instant as GeoJSON, with holder, source and interval of each."""
    from skyhaul.control.polygons import write_geojson

    with reading(registry, at, as_known) as desk:
        areas = _areas(desk.registry.facts, desk.at, desk.known_at, layer)
    write_text(output, write_geojson(areas) + "\n")


def _areas(facts: Facts, at: np.datetime64, known_at: np.datetime64, layer: str | None) -> list[Area]:
    from skyhaul.control.facts import Area
    from skyhaul.control.registry import held

    return [area for area in held(facts, Area, at, known_at) if layer in (None, area.layer)]


def _extent(area: Area) -> str:
    import shapely

    west, south, east, north = area.shape.bounds
    vertices = shapely.get_num_coordinates(area.shape)
    return f"{vertices:,} vertices, {west:.4g}…{east:.4g}° E {south:.4g}…{north:.4g}° N"


def _date(path: Path, from_: np.datetime64 | None, now: np.datetime64, *, dated: bool) -> np.datetime64:
    """From when on a map holds: in a series by its name, else as --from says, else now."""
    from skyhaul.control.facts import utc
    from skyhaul.sources import date_of

    if not dated:
        return from_ if from_ is not None else now
    day = date_of(path)
    if day is None:
        raise ControlError(
            "no date in the name of the file", where=str(path), mend="such as control-2024-02-17.geojson"
        )
    return utc(day.isoformat())


def _facts(
    path: Path,
    begin: np.datetime64,
    by: MapSource,
    facts: Facts,
    made: Sequence[Fact],
    names: dict[str, str],
    whole: bool,
    as_drawn: bool,
    short_way: bool,
) -> list[tuple[int, Fact | SkyhaulError]]:
    from skyhaul.control.facts import Area
    from skyhaul.control.registry import DatedMap, areas_of_map, swapped
    from skyhaul.sources import read_outlines

    drawn = read_outlines(path, short_way=short_way)
    bad: list[tuple[int, Fact | SkyhaulError]] = [
        (d.number, d.found) for d in drawn if isinstance(d.found, ControlError)
    ]
    good = [(d.number, _renamed(d.found, names)) for d in drawn if not isinstance(d.found, ControlError)]
    dated: DatedMap = DatedMap(good, begin)
    # A polygon that cannot be read may be one that earlier maps draw: nothing ends because of a map with faults.
    found = areas_of_map(dated, by, facts, made, whole=whole and not bad)

    def checked() -> Iterator[tuple[int, Fact | SkyhaulError]]:
        for number, fact in found:
            wrong = swapped(fact, facts) if isinstance(fact, Area) and not as_drawn else None
            yield number, wrong or fact

    return sorted([*bad, *checked()], key=lambda row: row[0])


def _renamed(outline: Outline, names: dict[str, str]) -> Outline:
    from dataclasses import replace

    properties = dict(outline.properties)
    for name, given in names.items():
        if given != name:
            properties[name] = outline.properties.get(given, "")
    return replace(outline, properties=properties)
