"""What the API says of terminals."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_EXAMPLE: dict[str, JsonValue] = {
    "id": "kyiv",
    "name": "kyiv",
    "unit": "kyiv",
    "model": "dish",
    "cell": "851e63dbfffffff",
    "latitude_deg": 50.41,
    "longitude_deg": 30.55,
    "position_precision": "cell",
    "moving": False,
    "speed_m_s": 0.0,
    "state": "served",
    "reason": "SERVED",
    "code": 1,
    "code_name": "OKAY",
    "rule": "",
    "words": "served",
    "satellite": "STARLINK-GEN1-812",
    "satellite_number": 90812,
    "gateway": "warsaw",
    "pop": "frankfurt",
    "laser_hops": 0,
    "rtt_ms": 34.2,
    "loss": 0.001,
    "rate_down_bps": 2.1e8,
    "rate_up_bps": 1.9e7,
    "azimuth_deg": 201.0,
    "elevation_deg": 58.0,
    "candidates": 5,
    "lease_ends": "2026-11-25T18:30:12Z",
}


class TerminalOut(BaseModel):
    """A terminal now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str = Field(description="What addresses name it by.")
    name: str
    unit: str = Field(description="Its id in the registry.")
    model: str
    cell: str = Field(description="H3 index, hexadecimal.")
    latitude_deg: float
    longitude_deg: float
    position_precision: str = Field(description="“cell”: the place is the middle of its cell; “exact”.")
    moving: bool
    speed_m_s: float | None
    state: str = Field(description="served, refused (it may not be), no_path (it may, and nothing can), off.")
    reason: str | None = Field(description="SERVED, or what the scheduler says; null before the first plan.")
    code: int = Field(description="The code that it shows.")
    code_name: str
    rule: str = Field(description="The rule of service control that refuses it; empty where none does.")
    words: str
    satellite: str | None
    satellite_number: int | None
    gateway: str | None
    pop: str | None
    laser_hops: int | None
    rtt_ms: float | None
    loss: float
    rate_down_bps: float | None
    rate_up_bps: float | None
    azimuth_deg: float | None
    elevation_deg: float | None
    candidates: int = Field(description="Satellites that could serve it.")
    lease_ends: str | None = Field(description="When its permission ends if it is not renewed.")


class TerminalIn(BaseModel):
    """A terminal to be added, by the fields of a scenario's `[[terminals]]`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "lodge", "latitude_deg": 61.2, "longitude_deg": -149.9}]},
    )

    name: str = Field(min_length=1, max_length=100)
    latitude_deg: float | None = Field(None, ge=-90, le=90)
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    height_m: float | None = Field(None, ge=-500, le=20_000)
    model: str | None = Field(None, max_length=100)
    pop: str | None = Field(None, max_length=100)
    unit: str | None = Field(None, max_length=100)
    minimum_elevation_deg: float | None = Field(None, ge=0, le=90)
    obstruction: list[tuple[float, float]] | None = Field(None, max_length=720)
    track: list[list[float | str]] | None = Field(
        None, max_length=50_000, description="Waypoints [time, latitude, longitude] or with a height in m."
    )


class MoveIn(BaseModel):
    """Where a terminal goes: to a place at once, along waypoints with times, or along a way at a speed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"latitude_deg": 48.4, "longitude_deg": -123.3}]}
    )

    latitude_deg: float | None = Field(None, ge=-90, le=90)
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    height_m: float | None = Field(None, ge=-500, le=20_000)
    track: list[list[float | str]] | str | None = Field(
        None,
        max_length=2_000_000,
        description="Waypoints [time, latitude, longitude], or the text of a GPX or GeoJSON file.",
    )
    way: list[tuple[float, float]] | None = Field(
        None, max_length=10_000, description="Places (latitude, longitude) to go to one after the other."
    )
    speed_m_s: float | None = Field(None, gt=0, lt=10_000, description="How fast, along `way`.")


class HistoryOut(BaseModel):
    """The last seconds of a terminal as columns, oldest first; seconds that nobody lived through are not there."""

    time: list[str]
    rtt_ms: list[float | None]
    loss: list[float]
    rate_down_bps: list[float | None]
    rate_up_bps: list[float | None]
    satellite: list[str | None] = Field(description="Name of the satellite; null without a path.")
    satellite_number: list[int | None]
    slot_starts: list[str] = Field(description="Starts of the slots in that time.")


class ServingOut(BaseModel):
    """Who serves a terminal in a slot."""

    slot: int
    start: str
    reason: str
    words: str
    satellite_name: str | None
    satellite_number: int | None
    gateway: str | None
    pop: str | None


class NextHandoverOut(BaseModel):
    """The next change of a terminal's satellite."""

    terminal: str
    time: str | None = Field(description="When; null where none comes in what is planned.")
    sure: bool = Field(description="Whether it is decided; else it comes so if nothing changes.")
    known_until: str = Field(description="The end of what is planned.")
    before: ServingOut | None
    after: ServingOut | None
    words: str


class HandoverOut(BaseModel):
    """A change that was."""

    time: str
    before: ServingOut
    after: ServingOut
    words: str


class CandidateOut(BaseModel):
    """A satellite above a terminal in a slot."""

    number: int
    index: int
    name: str
    azimuth_deg: float
    elevation_deg: float
    slant_range_km: float
    reason: str
    words: str
    chosen: bool
    track: list[tuple[float, float]] = Field(description="(azimuth, elevation) from the slot's start to its end.")


class CandidatesOut(BaseModel):
    """The satellites above a terminal in a slot, highest first."""

    terminal: str
    slot: int
    start: str
    seen_from: str = Field(description="“cell”: from the middle of the terminal's cell; “exact”: from where it is.")
    min_elevation_deg: float = Field(description="The lowest elevation at which a satellite may serve it.")
    obstruction: list[tuple[float, float]] = Field(description="Its skyline, (azimuth, elevation).")
    items: list[CandidateOut]


class LegOut(BaseModel):
    """A station of a path, and the leg that leads to it."""

    kind: str = Field(description="terminal, satellite, gateway, pop.")
    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_km: float
    medium: str = Field(description="radio, laser, fibre; empty at the first.")
    delay_ms: float = Field(description="One way, of the leg that leads here.")


class LinkOut(BaseModel):
    """A leg of a path."""

    medium: str
    from_name: str
    to_name: str
    delay_ms: float


class PathOut(BaseModel):
    """A terminal's path now; no stations where it has none."""

    terminal: str
    time: str
    words: str
    rtt_ms: float | None
    access_network_ms: float | None = Field(description="What frames, grants and queues add, up and down together.")
    delay_ms: float | None = Field(description="One way, of all legs.")
    items: list[LegOut] = Field(description="The stations in order.")
    legs: list[LinkOut] = Field(description="What joins each to the next.")


class DecisionOut(BaseModel):
    """A decision of service control, with every reason and the facts each rests on."""

    words: str = Field(description="Where nobody decides: why.")
    decision: dict[str, Any] | None
    explanation: str = Field(description="The decision as text.")
    position: str = Field(description="Where the terminal was taken to be, without the place itself.")


class PassageOut(BaseModel):
    """An event of a unit's custody."""

    id: str
    time: str
    step: str
    item: str
    giver: str
    receiver: str
    holder: str
    manner: str
    gap_before: str = Field(description="What is not known between this and the event before; empty: nothing.")
    source: str
    recorded_at: str
    words: str


class CustodyOut(BaseModel):
    """A unit's way through all hands."""

    unit: str
    hands: list[str]
    under_way_to: str | None
    items: list[PassageOut]


class SessionOut(BaseModel):
    """A stay in one state."""

    terminal: str
    cell: str
    start: str
    end: str
    duration_s: float
    state: str
    reason: str
    rule: str
    words: str
    satellite: str | None = Field(description="Name, where the satellite is in the elements in use.")
    satellite_number: int | None
    gateway: str | None
    pop: str | None
    received_bytes: int | None = Field(description="Null: nobody counted them.")
    sent_bytes: int | None
    goes_on: bool
    before_gap: bool = Field(description="Whether nobody knows what came after: the system did not run.")


class ObstructionOut(BaseModel):
    """A dish's picture of what hides its sky, row by row from the top."""

    terminal: str
    frame: str = Field(description="“earth”: zenith in the middle, north up; “ut”: relative to the dish.")
    rows: int
    columns: int
    max_theta_deg: float
    pixels: list[float] = Field(description="-1: not known, 0: hidden, 1: clear.")
    fraction_obstructed: float | None


class WhyOut(BaseModel):
    """Why a satellite serves a terminal in a slot, or does not."""

    terminal: str
    slot: int
    satellite: str
    satellite_number: int
    reason: str
    chosen: bool
    elevation_deg: float | None
    words: str
