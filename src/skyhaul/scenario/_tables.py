"""The tables of a scenario, and what each field may hold."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from skyhaul.errors import SkyhaulError
from skyhaul.scenario._facts import facts_sha256, is_url, read_control_facts
from skyhaul.scenario._tracks import parse_waypoint_time, read_track
from skyhaul.scenario._values import Moment, moment_text, parse_duration, parse_moment, parse_time

if TYPE_CHECKING:
    from skyhaul.control.facts import Facts


def _existing(path: Path, info: ValidationInfo) -> Path:
    folder = info.context.get("folder", ".") if isinstance(info.context, dict) else "."
    full = Path(folder, path.expanduser())
    if not full.is_file():
        raise ValueError(f"expected a file, found none at {full}")
    return full


def _place_of_facts(place: str, info: ValidationInfo) -> str:
    """A path to facts, made whole, or the address of a database as it is."""
    if is_url(place):
        return place
    folder = info.context.get("folder", ".") if isinstance(info.context, dict) else "."
    full = Path(folder, Path(place).expanduser())
    if not full.exists():
        raise ValueError(f"expected facts, found none at {full}")
    return str(full)


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str | Path) else value


_PRESETS = Path(__file__).parents[1] / "presets"


def _preset(kind: str) -> AfterValidator:
    """Accepts the names of the presets of a kind: the files of that folder."""

    def check(name: str) -> str:
        known = sorted(path.stem for path in (_PRESETS / kind).iterdir() if path.suffix in (".toml", ".csv"))
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            likely = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f'expected one of {", ".join(known)}, got "{name}"{likely}')
        return name

    return AfterValidator(check)


def _walker(code: str) -> str:
    from skyhaul.orbits import parse_walker

    try:
        parse_walker(code)
    except SkyhaulError as error:
        raise ValueError(f'expected a shell like "D:550:53.0:1584/72/39", got "{code}": {error.what}') from None
    return code


Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(timedelta.total_seconds, return_type=float),
    WithJsonSchema({"type": ["string", "number"], "examples": ["1h", "90s", "1h30m", 0.5]}),
]
Time: TypeAlias = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(moment_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
When: TypeAlias = Annotated[
    datetime | timedelta,
    BeforeValidator(parse_moment),
    PlainSerializer(moment_text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2024-02-17T12:00:12Z", "+10m"]}),
]
# A file is known by its name: the same scenario has the same hash wherever its folder lies.
InputFile: TypeAlias = Annotated[
    Path, AfterValidator(_existing), PlainSerializer(lambda path: path.name, return_type=str, when_used="json")
]
# Facts count by what they say, which `Scenario.sha256` adds, and not by where they lie.
FactsPlace: TypeAlias = Annotated[
    str,
    BeforeValidator(str),
    AfterValidator(_place_of_facts),
    PlainSerializer(lambda place: "" if is_url(place) else Path(place).name, return_type=str, when_used="json"),
]
WaypointTime: TypeAlias = Annotated[
    datetime | timedelta,
    BeforeValidator(parse_waypoint_time),
    PlainSerializer(moment_text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2024-02-17T12:00:12Z", "+10m"]}),
]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Finite: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1)]
Switch: TypeAlias = Annotated[bool, Field(strict=True)]
Latitude: TypeAlias = Annotated[Finite, Field(ge=-90.0, le=90.0)]
Longitude: TypeAlias = Annotated[Finite, Field(ge=-180.0, le=360.0)]
Azimuth: TypeAlias = Annotated[Finite, Field(ge=0.0, lt=360.0)]
Elevation: TypeAlias = Annotated[Finite, Field(ge=0.0, le=90.0)]
Height: TypeAlias = Annotated[Finite, Field(ge=-500.0, le=20_000.0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_SHORTEST_STEP = timedelta(milliseconds=1)  # a slot's instants are held at once: 15,000 of them at most
_LONGEST_RUN = timedelta(days=3653)  # ten years: elements say nothing long before


class TimeTable(_Table):
    """When, and how finely."""

    start: Time | None = Field(
        default=None, description="First instant, UTC. Without it: the start of the slot of the median element epoch."
    )
    duration: Duration = Field(
        default=timedelta(hours=1), description="How long the run lasts.", json_schema_extra={"default": "1h"}
    )
    step: Duration = Field(
        default=timedelta(seconds=1),
        description="From one instant of the path state to the next.",
        json_schema_extra={"default": "1s"},
    )

    @model_validator(mode="after")
    def _step_fits(self) -> TimeTable:
        if self.step < _SHORTEST_STEP:
            raise ValueError(f"expected a step of at least 1 ms, got {self.step / timedelta(milliseconds=1):g} ms")
        if self.duration > _LONGEST_RUN:
            raise ValueError(f"expected a duration of at most {_LONGEST_RUN.days} days, got {self.duration.days} days")
        if self.step > self.duration:
            raise ValueError(f"expected a step no longer than the duration {self.duration}, got {self.step}")
        return self


class ConstellationTable(_Table):
    """Which satellites: exactly one of a preset, a file of elements, and Walker shells."""

    preset: Annotated[Name, _preset("constellations")] | None = Field(
        default=None, description="A constellation that ships with Skyhaul."
    )
    elements: InputFile | None = Field(
        default=None, description="OMM (CSV, JSON, XML, KVN) or two-line elements, gzipped or not; relative to here."
    )
    walker: tuple[Annotated[Name, AfterValidator(_walker)], ...] = Field(
        default=(), description='Shells: "D:550:53.0:1584/72/39" (S for a star), or "53:1584/72/39@550".'
    )
    skip_bad: Switch = Field(default=False, description="Leave out elements that cannot be used, and count them.")
    minimum_altitude_km: Annotated[Finite, Field(ge=0.0)] = Field(
        default=0.0, description="Leave out satellites below it: those still being raised."
    )

    @model_validator(mode="after")
    def _one_source(self) -> ConstellationTable:
        given = [name for name in ("preset", "elements", "walker") if getattr(self, name)]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise ValueError(f"expected exactly one of preset, elements and walker, got {got}")
        return self


class GroundTable(_Table):
    """Which gateways, points of presence (PoPs) and fibre: a preset or files."""

    preset: Annotated[Name, _preset("ground")] | None = Field(
        default=None, description="A ground segment that ships with Skyhaul."
    )
    files: tuple[InputFile, ...] = Field(default=(), description="CSV or TOML lists, relative to here.")

    @model_validator(mode="after")
    def _one_source(self) -> GroundTable:
        if (self.preset is None) != bool(self.files):
            raise ValueError(f"expected either preset or files, got {'both' if self.files else 'none'}")
        return self


class Waypoint(NamedTuple):
    """Where a terminal that moves is at an instant; without a height it is at the terminal's own."""

    time: WaypointTime
    latitude_deg: Latitude
    longitude_deg: Longitude
    height_m: Height | None = None


def _fixed_or_moving(schema: dict[str, Any]) -> None:
    schema["required"] = ["name"]
    schema["anyOf"] = [{"required": ["latitude_deg", "longitude_deg"]}, {"required": ["track"]}]
    track = schema["properties"]["track"]
    track["anyOf"] = [{"type": "string"}, {"type": track.pop("type"), "items": track.pop("items")}]


class TerminalTable(_Table):
    """One user terminal, at a place or on a track."""

    model_config = ConfigDict(json_schema_extra=_fixed_or_moving)

    name: Name
    latitude_deg: Latitude
    longitude_deg: Longitude
    height_m: Height = 0.0
    model: str = ""
    pop: Name | None = Field(default=None, description="The PoP that carries its traffic. Without it: the nearest.")
    minimum_elevation_deg: Elevation | None = Field(
        default=None, description="Lowest elevation of a serving satellite. Without it: scheduler.terminal_mask_deg."
    )
    obstruction: tuple[tuple[Azimuth, Elevation], ...] = Field(
        default=(), description="Skyline as [azimuth_deg, elevation_deg] points; the sky below it is blocked."
    )

    track: tuple[Waypoint, ...] = Field(
        default=(),
        description="For a terminal that moves: waypoints [time, lat, lon] or [time, lat, lon, height_m], or a GPX or "
        "GeoJSON file, relative to here.",
    )
    unit: Name | None = Field(default=None, description="Its id in the registry. Without it: its name.")

    @model_validator(mode="before")
    @classmethod
    def _from_track(cls, data: Any, info: ValidationInfo) -> Any:
        """Waypoints of a file, and the place of the first as that of the terminal."""
        if not isinstance(data, dict) or not data.get("track"):
            return data
        track = data["track"]
        if isinstance(track, str | Path):
            folder = info.context.get("folder", ".") if isinstance(info.context, dict) else "."
            try:
                track = read_track(Path(folder, Path(track).expanduser()))
            except SkyhaulError as error:
                raise ValueError(f"expected a track: {error}") from None
        first = track[0] if isinstance(track, list | tuple) else None
        data = data | {"track": track}
        if isinstance(first, list | tuple) and len(first) >= 3:
            data = {"latitude_deg": first[1], "longitude_deg": first[2]} | data
        return data

    @model_validator(mode="after")
    def _track_fits(self) -> TerminalTable:
        if not self.track:
            return self
        if (self.latitude_deg, self.longitude_deg) != self.track[0][1:3]:
            raise ValueError("expected a track or a place of its own, found both")
        times = [point.time for point in self.track]
        if len({isinstance(time, datetime) for time in times}) > 1:
            raise ValueError("expected waypoints all with instants or all with times after the start, found both")
        for number, (one, next_) in enumerate(pairwise(times), 2):
            if not one < next_:  # type: ignore[operator]
                raise ValueError(f"expected waypoints in the order of time, found number {number} no later than before")
        return self

    @field_validator("obstruction")
    @classmethod
    def _in_order(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        azimuths = [azimuth for azimuth, _ in points]
        if len(set(azimuths)) < len(azimuths):
            raise ValueError("expected one elevation for each azimuth")
        return tuple(sorted(points))


class SchedulerTable(_Table):
    """How the network decides who serves whom in a slot."""

    strategy: Literal["highest", "sticky", "balanced", "observed"] = Field(
        default="observed", description="`observed` follows what real terminals were seen to do."
    )
    terminal_mask_deg: Elevation = Field(default=25.0, description="Lowest elevation of a serving satellite.")
    gso_separation_deg: Elevation = Field(default=18.0, description="Least angle to the geostationary arc; 0: any.")
    beams_per_satellite: Count = Field(default=48, description="Cells a satellite can serve at once.")
    channels: Count = Field(default=8, description="User downlink channels.")


class LaserTable(_Table):
    """Links between satellites."""

    use: Literal["when-needed", "never", "always"] = Field(
        default="when-needed", description="`always` lets laser paths compete with bent pipes by delay."
    )
    topology: Literal["auto", "grid", "found"] = Field(
        default="auto", description="`grid`: Walker neighbours; `found`: neighbours found from the orbits."
    )
    pairs: InputFile | None = Field(
        default=None, description="CSV of two satellite names or numbers a line; replaces the topology."
    )
    links_per_satellite: Annotated[int, Field(strict=True, ge=2, le=4)] = Field(
        default=4, description="Laser terminals of a satellite, where links are found: 4 make a +Grid."
    )
    max_range_km: Annotated[Finite, Field(gt=0.0)] = Field(default=5_400.0, description="Longest link.")
    clearance_km: Annotated[Finite, Field(ge=0.0)] = Field(
        default=80.0, description="Lowest height above the ground that a link may pass."
    )


class DelayTable(_Table):
    """What to change in the delay model; the rest keeps the model's own values."""

    fixed_ms: Annotated[Finite, Field(ge=0.0)] | None = Field(
        default=None, description="Fixed delay above geometry and fibre, there and back."
    )
    queueing: Switch = Field(default=True, description="Add frame scheduling and queueing, drawn per slot and instant.")


class FailureTable(_Table):
    """Something out of service from `start` until `end`."""

    kind: Literal["satellite", "laser", "gateway", "pop"]
    target: Name = Field(description='Name or catalogue number; for a laser "one satellite / the other".')
    start: When | None = Field(default=None, description="Without it: the start of the run.")
    end: When | None = Field(default=None, description="Without it: the end of the run.")

    @model_validator(mode="after")
    def _makes_sense(self) -> FailureTable:
        if self.kind == "laser" and len(self.target.split(" / ")) != 2:
            raise ValueError(f'expected "one satellite / the other" as the target of a laser, got "{self.target}"')
        _check_span(self.start, self.end)
        return self


class _Read:
    """What has been read for a table; tables are equal without it."""

    facts: Facts | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Read)

    __hash__ = None  # type: ignore[assignment]


class ControlTable(_Table):
    """Service control: the facts that decide who may be served."""

    facts: Annotated[tuple[FactsPlace, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        description="Files and folders of facts, or registries, relative to here."
    )
    position_uncertainty_m: Annotated[Finite, Field(ge=0.0)] = Field(
        default=60.0, description="Half axis of the 95 % ellipse in which the network knows each terminal to be."
    )
    list_refused: Switch = Field(default=True, description="Whether reports list terminals that are refused.")

    _read: _Read = PrivateAttr(default_factory=_Read)

    def known_facts(self) -> Facts:
        """The facts themselves, read when they are first asked for. Raises ControlError."""
        if self._read.facts is None:
            self._read.facts = read_control_facts(self.facts)
        return self._read.facts

    def facts_sha256(self) -> str:
        """Hash of all that the facts say."""
        return facts_sha256(self.known_facts())

    def with_facts_of(self, other: ControlTable) -> ControlTable:
        """This table; where the other one has the same places, with the facts it has read."""
        if self.facts == other.facts:
            self._read = other._read
        return self


class WithheldTable(_Table):
    """A terminal without a grant from `start` until `end`."""

    terminal: Name
    start: When | None = Field(default=None, description="Without it: the start of the run.")
    end: When | None = Field(default=None, description="Without it: the end of the run.")
    reason: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> WithheldTable:
        _check_span(self.start, self.end)
        return self


def _check_span(start: Moment | None, end: Moment | None) -> None:
    both = isinstance(start, datetime) and isinstance(end, datetime) and end <= start
    if both or (isinstance(start, timedelta) and isinstance(end, timedelta) and end <= start):
        raise ValueError("expected an end after the start")


class Scenario(_Table):
    """Everything a run depends on, besides the content of the files it names."""

    name: Name
    description: str = ""
    seed: int = Field(default=0, strict=True, ge=0, lt=2**63, description="Seed of every random draw.")
    places: tuple[Name, ...] = Field(
        default=(), description="Lists of places, each a terminal: presets, or CSV files with name, lat and lon."
    )
    time: TimeTable = Field(default=TimeTable())
    constellation: ConstellationTable = Field(default=ConstellationTable(preset="starlink-gen1"))
    ground: GroundTable = Field(default=GroundTable(preset="cities"))
    terminals: tuple[TerminalTable, ...] = Field(default=(), description="User terminals: one at least.")
    scheduler: SchedulerTable = Field(default=SchedulerTable())
    lasers: LaserTable = Field(default=LaserTable())
    delay: DelayTable = Field(default=DelayTable())
    failures: tuple[FailureTable, ...] = ()
    withheld: tuple[WithheldTable, ...] = ()
    control: ControlTable | None = Field(default=None, description="Without it everybody may be served.")

    @model_validator(mode="before")
    @classmethod
    def _places_to_terminals(cls, data: Any, info: ValidationInfo) -> Any:
        from skyhaul.scenario._places import with_places

        folder = info.context.get("folder", ".") if isinstance(info.context, dict) else "."
        return with_places(data, Path(folder)) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _terminals_fit(self) -> Scenario:
        names = [terminal.name for terminal in self.terminals]
        if not names:
            raise ValueError("expected at least one terminal, by [[terminals]] or places")
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ValueError(f"expected terminals with different names, got {twice[0]!r} twice")
        unknown = [entry.terminal for entry in self.withheld if entry.terminal not in names]
        if unknown:
            raise ValueError(f"expected withheld to name a terminal, got {unknown[0]!r}")
        return self

    def sha256(self) -> str:
        """Hash of the resolved scenario: every field with its default filled in, files by their name only, but tracks
        and the facts of service control by what they say. Raises ControlError for facts that cannot be read."""
        fields = self.model_dump(mode="json")
        if self.control is not None:
            fields["control"]["facts"] = self.control.facts_sha256()
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
