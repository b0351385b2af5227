"""The pages say what the program does: no more, no less."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import xarray as xr

from skyhaul.cli import run
from skyhaul.cli._app import app
from skyhaul.network import Reason
from skyhaul.scenario import Scenario, place_presets, scenario_json_schema, scenario_presets
from skyhaul.sources import constellation_presets, preset_shells
from skyhaul.study import PICTURES, SAMPLES, SLOTS
from tests.docs.pages import PAGES, README, ROOT, anchors_of, code_in, links_of, page_name, prose_of, tables_of

DOCS = ROOT / "docs"
COMMANDS = sorted((DOCS / "commands").glob("*.md"))
SCENARIO = DOCS / "scenario.md"
DATASET = DOCS / "dataset.md"
_PLACE = {"name": "x", "latitude_deg": 1.0, "longitude_deg": 2.0}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page_name(page)}: {link}"
        if anchor:
            assert anchor in anchors_of(target), f"{page_name(page)}: {link}"


def test_pictures_are_small_and_shown() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links_of(page) if link.endswith(".png")}
    there = set((DOCS / "images").iterdir())
    assert there == {picture for picture in shown if picture.parent == DOCS / "images"}
    for picture in shown:
        assert picture.stat().st_size < 200_000, picture.name
        assert picture.read_bytes().startswith(b"\x89PNG")


def _commands(group: Any, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= _commands(command, (*prefix, name)) if inner else {(*prefix, name): command}
    return found


ALL = _commands(typer.main.get_command(app))


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("-")}


@pytest.mark.parametrize("page", COMMANDS, ids=page_name)
def test_options_of_a_command_are_those_of_its_page(page: Path) -> None:
    documented: dict[tuple[str, ...], set[str]] = {}
    for heading, columns, rows in tables_of(page):
        if columns[0] == "option":
            name = (page.stem, heading) if (page.stem, heading) in ALL else (page.stem,)
            documented[name] = {option for row in rows for option in code_in(row[0])}
    there = {name: options for name, command in ALL.items() if name[0] == page.stem and (options := _options(command))}
    assert documented == there


def test_options_that_pages_name_exist() -> None:
    known = {option for command in ALL.values() for option in _options(command)} | {"--help", "--version"}
    pages = (README, *COMMANDS, SCENARIO, DATASET, DOCS / "your-own-data.md", DOCS / "limits.md")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
        assert named <= known, page_name(page)


def test_variables_of_the_environment_that_the_readme_names_are_read() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "scripts" / "up"]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    named = set(re.findall(r"`(SKYHAUL_[A-Z]+)`", prose_of(README)))
    assert named
    for variable in named:
        assert re.search(rf"\b{variable}\b", text), variable


def test_every_command_has_a_page() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page != README)
    for name in {name[0] for name in ALL}:
        assert (DOCS / "commands" / f"{name}.md").exists() or f"skyhaul {name}" in text, name


def test_the_readme_lists_every_command() -> None:
    (rows,) = (rows for _, columns, rows in tables_of(README) if columns[0] == "command")
    listed = {code.removeprefix("skyhaul ") for row in rows for code in code_in(row[0])}
    assert listed == {name[0] for name in ALL}


def _field_tables() -> dict[str, dict[str, str]]:
    """field → default of each table of scenario.md, by the table's name; "" is the file itself."""
    return {
        "" if heading == "The file" else heading: {code_in(row[0])[0]: row[1] for row in rows}
        for heading, columns, rows in tables_of(SCENARIO)
        if columns[:2] == ["field", "default"]
    }


def test_fields_of_scenarios_are_those_of_their_page() -> None:
    schema = scenario_json_schema()

    def table(field: dict[str, Any]) -> dict[str, Any] | None:
        inner = next((one for one in field.get("anyOf", ()) if "$ref" in one), field.get("items", field))
        return schema["$defs"][inner["$ref"].rsplit("/", 1)[1]] if "$ref" in inner else None

    there = {"": schema} | {name: inner for name, field in schema["properties"].items() if (inner := table(field))}
    documented = _field_tables()
    assert {name: set(fields) for name, fields in documented.items()} == {
        name: set(inner["properties"]) for name, inner in there.items()
    }
    for name, inner in there.items():
        required = {field for field, default in documented[name].items() if default == "*required*"}
        assert required == set(inner.get("required", ())), name


def test_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    written = {
        name: {
            field: tomllib.loads(f"x = {code_in(default)[0]}")["x"]
            for field, default in fields.items()
            if code_in(default)
        }
        for name, fields in _field_tables().items()
    }
    target = {"kind": "gateway", "target": "x"}
    facts = tmp_path / "facts.json"
    facts.write_text("[]")
    smallest: dict[str, Any] = {
        "name": "x",
        "terminals": [_PLACE],
        "failures": [target],
        "withheld": [{"terminal": "x"}],
        "control": {"facts": str(facts)},
    }
    tables = {name: fields for name, fields in written.items() if name and name not in smallest}
    spelled = (
        {field: value for field, value in written[""].items() if field not in smallest}
        | tables
        | {
            "name": "x",
            "terminals": [written["terminals"] | _PLACE],
            "failures": [written["failures"] | target],
            "withheld": [written["withheld"] | {"terminal": "x"}],
            "control": written["control"] | {"facts": str(facts)},
        }
    )
    assert Scenario.model_validate(spelled).sha256() == Scenario.model_validate(smallest).sha256()


def test_presets_are_those_of_the_pages() -> None:
    (rows,) = (rows for _, columns, rows in tables_of(SCENARIO) if columns[0] == "preset")
    counted = {code_in(row[0])[0]: int(row[1].replace(",", "")) for row in rows}
    assert counted == {name: sum(s.satellites for s in preset_shells(name)) for name in constellation_presets()}
    text = prose_of(SCENARIO)
    assert all(f'`"{name}"`' in text for name in place_presets())
    assert all(f"`{name}`" in prose_of(DOCS / "commands" / "simulate.md") for name in scenario_presets())


def test_pictures_of_a_dataset_are_those_of_the_page() -> None:
    headings = re.findall(r"^## (\w+)$", prose_of(DOCS / "commands" / "plot.md"), re.MULTILINE)
    assert headings == list(PICTURES)


def test_outage_causes_are_those_of_the_page() -> None:
    (rows,) = (rows for heading, _, rows in tables_of(DATASET) if heading == "Outage causes")
    assert {int(row[0]): code_in(row[1])[0] for row in rows} == {reason.value: reason.name.lower() for reason in Reason}


def test_reasons_of_a_satellite_are_those_of_the_page() -> None:
    (rows,) = (rows for _, columns, rows in tables_of(DOCS / "commands" / "look.md") if columns[0] == "in the table")
    of_places = {Reason.NO_SATELLITE, Reason.NO_GRANT, Reason.POP_OUT}
    said = {code_in(row[1])[0]: row[0] for row in rows}
    assert said == {
        reason.name.lower(): "serves" if reason == Reason.SERVED else reason.words
        for reason in Reason
        if reason not in of_places
    }


def test_variables_and_attributes_of_a_dataset_are_those_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "world.nc"
    assert run(["simulate", "world", "--duration", "30s", "-o", str(path)]) == 0
    variables: dict[str, str] = {}
    attributes: set[str] = set()
    for _, columns, rows in tables_of(DATASET):
        if columns[0] == "variable":
            variables |= {name: row[1] for row in rows for name in code_in(row[0])}
        elif columns[0] == "attribute":
            attributes |= {name for row in rows for name in code_in(row[0])}
    with xr.open_dataset(path) as dataset:
        assert set(variables) == set(map(str, dataset.variables))
        assert attributes == set(dataset.attrs)
    for variable in (*SAMPLES, *SLOTS):
        assert variables[variable.name] == variable.units, variable.name
