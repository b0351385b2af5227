"""Reading a scenario file, and saying everything that is wrong with it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skyhaul.errors import NotFoundError, ScenarioError, SkyhaulError
from skyhaul.scenario._places import with_places
from skyhaul.scenario._tables import ControlTable, Scenario

FILE = "scenario.toml"  # what a folder that is given as a scenario holds
PRESETS = Path(__file__).parents[1] / "presets" / "scenarios"

Place = tuple[int | str, ...]


def scenario_presets() -> tuple[str, ...]:
    """Names of the scenarios that ship with Skyhaul."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def load_scenario(source: str | Path) -> Scenario:
    """The scenario of a TOML file, of the `scenario.toml` in a folder, or of a preset.

    Raises NotFoundError when there is none, ScenarioError with the first of the file's errors.
    """
    path = _find(source)
    scenario, errors = _read(path)
    if scenario is not None:
        return scenario
    first = errors[0]
    if len(errors) > 1:
        more = f"and {len(errors) - 1} more: skyhaul scenario check {path}"
        first = ScenarioError(first.what, where=first.where, mend="; ".join(filter(None, (first.mend, more))))
    raise first


def check_scenario(source: str | Path) -> list[ScenarioError]:
    """Every error of a scenario file or preset at once, in the file's order; empty for a good one.

    Raises NotFoundError when there is no such file or preset.
    """
    return _read(_find(source))[1]


def changed_scenario(scenario: Scenario, changes: Mapping[str, object]) -> Scenario:
    """The scenario with other values in some fields, `{"time.duration": "90s"}`, checked again.

    Relative paths are taken from the working folder. Raises ScenarioError.
    """
    data = scenario.model_dump()
    for field, value in changes.items():
        *tables, name = field.split(".")
        table = data
        for key in tables:
            table[key] = table[key] or {}
            table = table[key]
        table[name] = value
    try:
        changed = Scenario.model_validate(data, context={"folder": Path()})
    except ValidationError as error:
        raise _errors(error, "", "")[0] from None
    if changed.control is not None and scenario.control is not None:
        changed.control.with_facts_of(scenario.control)
    return changed


def scenario_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file."""
    schema = Scenario.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "Skyhaul scenario"}


def _find(source: str | Path) -> Path:
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if str(source) in scenario_presets():
        return PRESETS / f"{source}.toml"
    if path.is_dir():
        if (path / FILE).is_file():
            return path / FILE
        raise ScenarioError("expected a scenario file, got a folder", where=str(path), mend=f"it holds no {FILE}")
    near = difflib.get_close_matches(str(source), scenario_presets(), n=1)
    mend = f"did you mean {near[0]}?" if near else f"presets: {', '.join(scenario_presets())}"
    raise NotFoundError(f"no scenario file or preset named {source}", mend=mend)


def _read(path: Path) -> tuple[Scenario | None, list[ScenarioError]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return None, [ScenarioError(f"cannot be read: {error.strerror}", where=str(path))]
    except UnicodeDecodeError as error:
        return None, [ScenarioError(f"expected UTF-8 text, got byte {error.start}", where=str(path))]
    if not text.strip():
        return None, [ScenarioError("expected a scenario in TOML, got an empty file", where=str(path))]
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{path}:{line[1]}" if line else str(path)
        return None, [ScenarioError(f"expected TOML: {error}", where=where)]
    errors: list[ScenarioError] = []
    try:
        data = with_places(data, path.parent)
    except SkyhaulError as error:
        where = error.where if error.where != "places" else _where(str(path), text, ("places",))
        errors.append(ScenarioError(error.what, where=where, mend=error.mend))
        data = data | {"places": (), "terminals": data.get("terminals") or [_ANYWHERE]}
    try:
        scenario = Scenario.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        scenario = None
        errors += _errors(error, str(path), text)
        errors.sort(key=_line_number)
    errors += _errors_of_facts(scenario, data, path)
    return (None, errors) if errors else (scenario, [])


def _errors_of_facts(scenario: Scenario | None, data: dict[str, Any], path: Path) -> list[ScenarioError]:
    """What is wrong with the facts of service control; they are read even where the rest is not good."""
    control = None if scenario is None else scenario.control
    try:
        if scenario is None and isinstance(data.get("control"), dict):
            control = ControlTable.model_validate(data["control"], context={"folder": path.parent})
        if control is not None:
            control.known_facts()
    except ValidationError:
        pass  # said among the errors of the file
    except SkyhaulError as error:
        return [ScenarioError(error.what, where=error.where, mend=error.mend)]
    return []


# Stands for the terminals of a list that cannot be read, so that the rest of the file is still checked.
_ANYWHERE = {"name": "anywhere", "latitude_deg": 0.0, "longitude_deg": 0.0}


def _errors(error: ValidationError, source: str, text: str) -> list[ScenarioError]:
    return [_error(details, source, text) for details in error.errors(include_url=False)]


def _error(details: ErrorDetails, source: str, text: str) -> ScenarioError:
    place, kind = details["loc"], details["type"]
    where = _where(source, text, place)
    if kind == "extra_forbidden":
        known = _fields_at(place[:-1])
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        mend = f"did you mean {near[0]}?" if near else f"fields here: {', '.join(known)}"
        return ScenarioError("unknown field", where=where, mend=mend)
    return ScenarioError(_expected(details), where=where)


_EXPECTED = {
    "missing": "a value",
    "string_type": "text",
    "string_too_short": "text of at least one character",
    "string_too_long": "text of at most {max_length} characters",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "path_type": "a file name",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "too_long": "a list of {max_length}",
}


def _expected(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        said = str(context.get("error", details["msg"]))
        whole = ", got" in said or "found" in said or isinstance(details["input"], dict)
        return said if whole else f"{said}, got {_shown(details['input'])}"
    expected = _EXPECTED[kind].format(**context) if kind in _EXPECTED else details["msg"]
    return f"expected {expected}, got {'none' if kind == 'missing' else _shown(details['input'])}"


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else "a table" if isinstance(value, dict) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _fields_at(place: Place) -> list[str]:
    table: Any = Scenario
    for key in place:
        if isinstance(key, str):
            table = table.model_fields[key].annotation
        while not isinstance(table, type):
            table = get_args(table)[0]
    return list(table.model_fields) if issubclass(table, BaseModel) else []


def _where(source: str, text: str, place: Place) -> str:
    """`FILE:LINE: field`, as far as each is known."""
    field = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")
    line = _line_of(text, place)
    source = f"{source}:{line}" if source and line else source
    return ": ".join(filter(None, (source, field)))


def _line_number(error: ScenarioError) -> int:
    line = re.search(r":(\d+)(?::|$)", error.where)
    return int(line[1]) if line else 0


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]\]?\s*(?:#.*)?$")


def _line_of(text: str, place: Place) -> int | None:
    """The line on which a field stands, or the header of the table that lacks it."""
    if not place or not text:
        return None
    lines = text.splitlines()
    first, last = _table_lines(lines, place)
    names = [str(key) for key in place if isinstance(key, str)]
    for wanted in reversed(names):
        for number in range(first, last):
            if re.match(rf"\s*[\"']?{re.escape(wanted)}[\"']?\s*=", lines[number]):
                return number + 1
    return first or None


def _table_lines(lines: Sequence[str], place: Place) -> tuple[int, int]:
    """The half-open range of lines of the table that holds a place; its header is the line before, number `first`."""
    wanted, entry = str(place[0]), next((key for key in place[1:2] if isinstance(key, int)), None)
    headers = [(number, match) for number, line in enumerate(lines) if (match := _HEADER.match(line))]
    seen = -1
    for position, (number, match) in enumerate(headers):
        seen += match[2] == wanted
        if match[2] == wanted and (entry is None or (match[1] == "[[" and seen == entry)):
            end = headers[position + 1][0] if position + 1 < len(headers) else len(lines)
            return number + 1, end
    return 0, headers[0][0] if headers else len(lines)
