"""`skyhaul scenario`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command


def test_the_schema_is_one_json_document(skyhaul: Command) -> None:
    assert json.loads(skyhaul("scenario", "schema").out)["title"] == "Skyhaul scenario"


def test_a_good_file_is_good(skyhaul: Command) -> None:
    said = skyhaul("scenario", "check", "europe")
    assert said.status == 0
    assert "20 terminals" in said.out
    assert json.loads(skyhaul("scenario", "check", "europe", "--json").out)["good"] is True


def test_every_error_has_its_line(skyhaul: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "x"\nseeed = 1\nplaces = ["world-towns"]\n[time]\nstep = 0\n')
    said = skyhaul("scenario", "check", path)
    assert said.status == 1
    assert said.out == ""
    assert [line.split(": ")[:2] for line in said.err.splitlines()] == [
        [f"{path}:2", "seeed"],
        [f"{path}:5", "time.step"],
    ]
    listed = json.loads(skyhaul("scenario", "check", path, "--json").out)["errors"]
    assert [error["mend"] for error in listed] == ["did you mean seed?", ""]


def test_a_file_that_is_not_there(skyhaul: Command) -> None:
    assert "no scenario file or preset named none.toml" in skyhaul("scenario", "check", "none.toml").one_error()
