"""What the pages tell a reader to type works, in the order in which they tell it."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from skyhaul.cli import run
from skyhaul.study import PICTURES
from tests.docs.pages import PAGES, README, Block, blocks_of, page_name

_RUN = ("sh", "python")
# Blocks of these languages show what is said or written, and are not typed.
_SHOWN = ("", "text", "console", "toml", "csv", "json")
# A line of skyhaul alone is run in this process, which spares the imports; anything else needs a shell.
_PLAIN = re.compile(r"skyhaul [^|<>$&;*`]+")

# Pages of rooms whose snippets need keys, facts or network namespaces: the tests of those rooms hold them.
_OF_OTHER_ROOMS = ("audit-log.md", "decision.md", "doctor.md", "exec.md", "link.md", "net.md", "proxy.md", "shell.md")
_FOLLOWED = [
    page
    for page in PAGES
    if page.name not in _OF_OTHER_ROOMS and any(block.language in _RUN for block in blocks_of(page))
]
# Runs of `skyhaul simulate` that a page leaves at their full hour are cut to this; `scripts/up` is not.
_CUT = ["--duration", "5m"]


@pytest.mark.parametrize("page", _FOLLOWED, ids=page_name)
def test_what_a_page_says_to_type_works(page: Path, reader: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = ""
    for block in blocks_of(page):
        if (block.language, block.name) == ("text", "output"):
            there = {_shape(line) for line in said.splitlines()}
            for line in block.text.splitlines():
                assert line.strip() in ("", "…") or _shape(line) in there, f"{block}: {line}\n{said}"
        else:
            said = follow(block, reader, capfd)


def _shape(line: str) -> str:
    """A line of output without what changes when a model is fitted anew: numbers, and the room they take."""
    return re.sub(r"\s+", " ", re.sub(r"─+", "─", re.sub(r"\d+", "0", line))).strip()


@pytest.mark.data
def test_the_walk_through_of_own_data_works_on_a_real_constellation(
    reader: Path, data_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(data_folder / "tle" / "starlink_2024-02-17.2le.gz", reader / "satellites.tle")
    ground = data_folder / "ground_segment" / "gateways_pops_backbone_2023-10-10.csv"
    shutil.copy(ground, reader / "gateways-and-pops.csv")
    (block,) = (block for block in blocks_of(README) if "--elements satellites.tle" in block.text)
    said = follow(block, reader, capfd, whole=True)
    assert "5448" in said
    assert "240 slots from 2024-02-17 15:37:42 UTC" in said
    for town in ("lisbon", "tromso", "kyiv"):
        assert re.search(rf"{town} +100\.00", said)
    # Who may be served is drawn only where somebody decides it.
    assert {path.stem for path in (reader / "europe").iterdir()} == set(PICTURES) - {"service"}


def test_every_block_is_of_a_known_kind() -> None:
    for page in PAGES:
        for block in blocks_of(page):
            assert block.language in (*_RUN, *_SHOWN), f"{block}: {block.language} is neither run nor shown"


def follow(block: Block, folder: Path, capfd: pytest.CaptureFixture[str], *, whole: bool = False) -> str:
    """Do what a reader would do with a block; what it printed. `whole` leaves runs as long as they are."""
    capfd.readouterr()
    if block.language == "sh":
        lines = [line for line in block.text.splitlines() if line.strip() and not line.startswith("#")]
        if all(_PLAIN.fullmatch(line.partition(" #")[0].rstrip()) for line in lines):
            for line in lines:
                arguments = shlex.split(line, comments=True)[1:]
                long = arguments[0] == "simulate" and "--duration" not in arguments and not whole
                status = run(arguments + _CUT if long else arguments)
                said = capfd.readouterr()
                assert status == 0, f"{block}: {line}\n{said.out}{said.err}"
                print(said.out)
        else:
            done = subprocess.run(["sh", "-euc", block.text], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
            print(done.stdout)
    elif block.language == "python":
        text = "\n" * block.line + block.text
        exec(compile(text, str(block.page), "exec"), {"__name__": "__main__"})
    elif block.name:
        (folder / block.name).write_text(block.text, encoding="utf-8")
    if block.language == "toml":
        assert tomllib.loads(block.text)
    if block.language == "csv":
        assert list(csv.reader(block.text.splitlines()))
    return capfd.readouterr().out
