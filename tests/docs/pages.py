"""The pages of the documentation, cut into what a test can hold against the program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*) *(\S*)$")
_ROW = re.compile(r"(?<!\\)\|")


def page_name(page: Path) -> str:
    """A page as its readers know it: `docs/scenario.md`."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `name` is the second word of its info string, a file that the reader is to write."""

    page: Path
    line: int
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{page_name(self.page)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    start: tuple[int, str, str, str] | None = None
    text: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if start is None and fence:
            start, text = (number, fence[1], fence[2], fence[3]), []
        elif start is not None and line.strip() == "```":
            found.append(Block(page, start[0], start[2], start[3], "\n".join(text) + "\n"))
            start = None
        elif start is not None:
            text.append(line.removeprefix(start[1]))
    assert start is None, f"{page_name(page)} has a block without an end"
    return found


def prose_of(page: Path) -> str:
    """A page without its fenced blocks."""
    kept, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def tables_of(page: Path) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """(heading above, column names, rows) of every table of a page."""
    heading, lines = "", prose_of(page).splitlines()
    at = 0
    while at < len(lines):
        if lines[at].startswith("#"):
            heading = lines[at].lstrip("#").strip()
        if lines[at].startswith("|"):
            first = at
            while at < len(lines) and lines[at].startswith("|"):
                at += 1
            rows = [[cell.strip() for cell in _ROW.split(line)[1:-1]] for line in lines[first:at]]
            yield heading, rows[0], rows[2:]
        else:
            at += 1


def code_in(cell: str) -> list[str]:
    """What a cell has between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is shown."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(page: Path) -> list[str]:
    """Targets of the links and pictures of a page."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
